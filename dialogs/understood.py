"""Whether everything that stands with a typed dose is understood; what is not could take the dose away.

A word of no prescription ("declined", "until Friday", "mg/kg") or a number that nothing explains is no
detail to be passed over: the dose is asked about. Beside the dose every word must be known; in other
phrases, and after "for" or "because", only words that can change a dose count.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from dialogs.daytimes import with_added
from dialogs.patterns import finder, packaged
from dialogs.sig import Part, parts
from dialogs.stretches import Stretch

find: Final = finder("understood")

READ: Final = "\x00"
AS_NEEDED: Final = "\x01"
"""Signs in the place of what is read; after "as needed" stands what for."""
_TIMES: Final = (
    "amount",
    "pair",
    "total",
    "often",
    "times",
    "every",
    "perday",
    "tod",
    "clock",
    "max",
)
"""Kinds of parts of a dose; in a sentence before the first name they may be of it."""
_PLAIN: Final = frozenset(packaged("reading")["words"]["plain"].split())
"""Words that stand in prescriptions and change nothing."""


def understood(text: str, stretches: Sequence[Stretch], place: int) -> bool:
    """Tell whether all that is said around one medicine is understood."""
    stretch = stretches[place]
    begin, end = _from(text, stretches, place), _to(text, stretches, place)
    told = [p for p in parts(text, begin, end) if not _named(p, stretch)]
    found = with_added(text, told)
    if any(p.kind in _TIMES and p.end <= stretch.start for p in found if not place):
        return False
    if any(p.kind == "number" and text.startswith(". ", p.end) for p in found):
        return False  # "5. tid": a sentence, or a decimal that was left out
    if any(p.kind == "aside" and _of_another_time(text, p) for p in found):
        return False
    return not any(
        find("doubt").search(words) if free else not _known(words)
        for words, free in _said(text, begin, end, stretch, found)
    )


def _from(text: str, stretches: Sequence[Stretch], place: int) -> int:
    """Return where the words before a name that belong to it begin: after the last break."""
    floor = stretches[place - 1].name[1] if place else 0
    if not place:
        return 0
    start = max(stretches[place].start, floor)
    breaks = list(find("break").finditer(text, floor, start))
    return breaks[-1].end() if breaks else start


def _to(text: str, stretches: Sequence[Stretch], place: int) -> int:
    """Return where the words after a dose that belong to it end: at the last break before the next name."""
    stretch = stretches[place]
    if place + 1 == len(stretches):
        return len(text)
    breaks = list(find("break").finditer(text, stretch.name[1], stretch.end))
    return breaks[-1].start() if breaks else stretch.end


def _named(part: Part, stretch: Stretch) -> bool:
    return part.start < stretch.name[1] and stretch.name[0] < part.end


def _of_another_time(text: str, part: Part) -> bool:
    """Tell "in 2 weeks", "in 2019": a time that is not now; "since 2019" and "for 5 days" are."""
    return bool(find("not_now").match(part.text)) or bool(
        re.fullmatch(r"(?:19|20)\d\d", part.text) and not find("since").search(text[: part.start])
    )


def _said(
    text: str, begin: int, end: int, stretch: Stretch, found: Sequence[Part]
) -> Iterator[tuple[str, bool]]:
    """Yield what no part explains, phrase by phrase, and whether it may say anything that is no doubt."""
    blank = list(text[begin:end])
    for part in found:
        if part.kind not in ("word", "sep"):
            sign = AS_NEEDED if part.kind == "prn" else READ
            blank[part.start - begin : part.end - begin] = sign * (part.end - part.start)
    left, right = (max(0, place - begin) for place in stretch.name)
    blank[left:right] = READ * (right - left)
    words = find("neutral").sub(" ", "".join(blank))
    for sentence in find("sentence").split(words):
        for phrase in find("phrase").split(sentence):
            beside = READ in phrase or AS_NEEDED in phrase
            reason = find("reason").search(phrase)
            if reason:
                yield _without_past(phrase[reason.start() :]), True
            yield phrase[: reason.start() if reason else None], not beside


def _without_past(reason: str) -> str:
    return find("cause_past").sub(" ", reason) if find("cause").match(reason) else reason


def _known(words: str) -> bool:
    """Tell whether every word is one of prescriptions, and nothing else stands there."""
    if find("sign").search(words):
        return False
    told = re.findall(r"[^\W_]+(?:'[a-z]+)?", words)
    return all(word in _PLAIN for word in told)
