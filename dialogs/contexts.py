"""What surrounds a fact in its sentence and takes its certainty away: a "no", a past, a plan, another person.

In the manner of NegEx and ConText (Chapman 2001, Harkema 2009): a cue reaches forward to the next turn of
the sentence, a few cues reach back. Where it is doubtful whether a cue reaches, it does.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from dialogs.patterns import finder

Context: TypeAlias = Literal["negated", "past", "plan", "unsure", "other", "failed", "question"]

_KINDS: Final[tuple[Context, ...]] = ("negated", "past", "plan", "unsure", "failed", "other")

find: Final = finder("contexts")


def contexts(text: str, start: int, end: int) -> set[Context]:
    """Return what makes the fact at ``text[start:end]`` of a sentence uncertain; empty when it stands."""
    before, after = text[:start], text[end:]
    reaches = _reaches(before)
    known = find("known").search(before)
    found: set[Context] = set()
    for context, reach in reaches.items():
        words = find("known").sub(" ", reach) if known else reach
        if words and find(f"before_{context}").search(words):
            found.add(context)
    later = find("turn").split(after, maxsplit=1)[0] if not after.startswith(":") else after[1:]
    for context in _KINDS:
        if find(f"after_{context}").search(after if context == "unsure" else later):
            found.add(context)
    if "past" in found and _begun(text, reaches["past"]):
        found.discard("past")
    if _in_question(text, start):
        found.add("question")
    return found


def _begun(text: str, before: str) -> bool:
    return bool(find("started").search(text) and not find("before_past").search(before))


def _reaches(before: str) -> dict[Context, str]:
    """Return the words before a fact that a cue of each kind reaches it from."""
    here = _last(before, find("turn"))
    near = _last(here, find("affirmed_again"))
    return {
        "negated": near,
        "past": near,
        "plan": here,
        "unsure": here,
        "failed": near,
        "other": _subject(before),
    }


def _subject(before: str) -> str:
    """Return the words in which somebody else can be the one spoken of; company ("lives with") is not one."""
    if not find("before_other").search(before):
        return ""
    reach = _last(_without_appositions(before), find("other_turn"))
    return find("company").sub(" ", reach)


def _without_appositions(before: str) -> str:
    """Return the words without what only says more of somebody: "his brother, also our client, is on"."""
    return find("apposition").sub(lambda match: match["who"], before)


def _last(text: str, turn: re.Pattern[str]) -> str:
    end = 0
    for match in turn.finditer(text):
        end = match.end()
    return text[end:]


def _in_question(text: str, start: int) -> bool:
    """Tell a fact that is asked, not told: in the last clause of a question."""
    if not text.rstrip(" )\"'").endswith("?"):
        return False
    cuts = [0, *(m.end() for m in find("clause").finditer(text))]
    asking = [cut for cut in cuts if find("asked").match(text[cut:].lstrip())]
    return start >= (asking[0] if asking else cuts[-1])


_NAMED_DAYS: Final[Mapping[str, int]] = {
    "today": 0, "yesterday": 1, "last night": 1, "this morning": 0, "tonight": 0, "this week": 7,
    "last week": 10, "last weekend": 9,
    "this month": 30, "last month": 45, "this year": 300, "last year": 365,
    "just now": 0, "past year": 365, "past month": 31, "past week": 7,
}  # fmt: skip
_COUNTS: Final[Mapping[str, int]] = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "a few": 4, "a couple": 2, "a couple of": 2, "several": 7,
}  # fmt: skip
_UNIT_DAYS: Final[Mapping[str, int]] = {"d": 1, "w": 7, "m": 30, "y": 365}


def days_ago(text: str, start: int, end: int) -> int | None:
    """Return how many days ago at most the event at ``text[start:end]`` was: the nearest time tells."""
    found = [match for match in find("ago").finditer(text) if match["w"] != "recently"]
    if not found or re.search(r"\b(?:19|20)\d\d\b", text):
        return None
    nearest = min(found, key=lambda m: max(m.start() - end, start - m.end(), 0))
    if nearest["w"]:
        word = nearest["w"]
        return 7 if word.startswith("on ") else _NAMED_DAYS[word]
    count, unit = nearest["n"] or nearest["m"] or "1", nearest["u"] or nearest["v"]
    return (int(count) if count.isdigit() else _COUNTS[count]) * _UNIT_DAYS[unit[0]]
