"""Where a space is missing in a typed dose: "oxycodone10mgTIDmorphine30mgBID".

A run of letters and figures is cut only when all of it is names of medicines, amounts and times.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from dialogs.patterns import packaged

_NUMBER: Final = r"\d+(?:\.\d+)?(?:[-/]\d+(?:\.\d+)?)*"
_RUN: Final = re.compile(
    r"(?<![a-z0-9./#-])(?=[a-z./-]*\d)(?=[\d./-]*[a-z])[a-z0-9][a-z0-9./-]{3,120}"
)
"""At least a letter and a figure; what is longer than any prescription is not looked at."""
_OFTEN: Final = (
    r"(?:[tbq]id|[tq]ds|bd|q\d{1,2}(?:-\d{1,2})?h?|qd|qhs|q[ap]m|prn|po|daily|er|ir|xr|sr|cr|hs)"
)
_TOKEN: Final = (
    re.compile(rf"{_NUMBER}(?:mg|mcg|ml)(?:/hr?)?"),
    re.compile(r"(?:x\d{1,2}|\d{1,2}x)/(?:day|d)|\d{1,2}/day"),
    re.compile(rf"{_NUMBER}(?:tabs?)?"),
    re.compile(_OFTEN),
    re.compile(r"and|plus|then|with|for|pain|[/-](?=[a-z])"),
)
_AMOUNT_ENDS: Final = re.compile(
    r"(?<=\d)( ?(?:mg|mcg|ml))(?=(?:[tbq]id|q\d+h?|qd|qhs|q[ap]m|prn|po|daily|er|ir)(?![a-z])|\d)"
)
"""An amount and what follows it typed without a space: "10mgTID", also "10 mgTID"."""


def seams(text: str) -> list[int]:
    """Return the places of a folded text where a space is missing, in order."""
    found = {match.end() for match in _AMOUNT_ENDS.finditer(text)}
    for run in _RUN.finditer(text):
        word = run.group().rstrip("./-")
        ends = _cut(word)[:-1]
        found |= {run.start() + end for end in ends if not text[run.start() + end].isspace()}
    return sorted(found)


def _cut(word: str) -> list[int]:
    """Return where each known token of a run ends; nothing when the run is not all known."""
    dead: set[int] = set()

    def after(place: int) -> list[int] | None:
        if place == len(word):
            return []
        if place in dead:
            return None
        for end in _ends(word, place):
            rest = after(end)
            if rest is not None:
                return [end, *rest]
        dead.add(place)
        return None

    return after(0) or []


def _ends(word: str, place: int) -> Iterator[int]:
    """Yield where a token that begins at a place can end, names first."""
    names = _names()
    for end in range(min(len(word), place + names[1]), place + 2, -1):
        if word[place:end] in names[0]:
            yield end
    for token in _TOKEN:
        match = token.match(word, place)
        if match:
            yield match.end()


@cache
def _names() -> tuple[frozenset[str], int]:
    """Return the names of medicines that are one word, and the length of the longest."""
    terms = frozenset(
        term
        for product in packaged("lexicon")["product"]
        for term in product["terms"]
        if term.isalpha()
    )
    return terms, max(map(len, terms))
