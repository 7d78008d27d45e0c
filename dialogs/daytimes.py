"""Times of the day in a typed prescription: "morning, noon and night", "8 am and 8 pm", "bid and qhs"."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from dialogs.patterns import finder
from dialogs.sig import Part

find: Final = finder("daytimes")

TIMED: Final = ("often", "times")
"""Kinds of parts that count the doses of a day, to which another can be added."""
COUNTED: Final = ("tabs", "tabsof", "pair", "number")


def slot(text: str) -> str:
    """Return which part of the day a time of the day is in; one clock time is its own."""
    names = ("waking", "noon", "afternoon", "night", "evening", "morning")
    return next((name for name in names if find(name).search(text)), text)


def with_added(text: str, found: Sequence[Part]) -> list[Part]:
    """Return the parts with "bid and at bedtime" as one: three times a day."""
    parts = list(found)
    place = 0
    while place < len(parts):
        later = _added(text, parts, place)
        if later:
            first, last = parts[place], parts[later]
            words = text[first.start : last.end]
            least, most = (first.low or 0) + 1, (first.high or 0) + 1
            joined = replace(first, kind="times", end=last.end, text=words, low=least, high=most)
            parts[place : later + 1] = [joined]
        else:
            place += 1
    return parts


def _added(text: str, parts: Sequence[Part], place: int) -> int | None:
    """Return the place of a time of the day that comes on top of the part at ``place``."""
    first = parts[place]
    if first.kind not in TIMED or first.doubtful or not first.high or first.high <= 1:
        return None
    later = next((i for i in range(place + 1, len(parts)) if parts[i].kind == "tod"), None)
    if later is None:
        return None
    between = find("added").fullmatch(text, first.end, parts[later].start)
    counted = sum(p.kind in COUNTED for i, p in enumerate(parts) if i < place or i > later)
    amounts = sum(p.kind in ("amount", "pair") for p in parts)
    one = bool(between and between["one"]) and counted > amounts
    return later if between and not one else None


def times_of_day(text: str, found: Sequence[Part]) -> float | None:
    """Return how many times of the day are named, 0 for none; None where they may not be as many doses."""
    told = [p for p in found if p.kind in ("tod", "clock")]
    kinds = {p.kind for p in told}
    if any(find("tablets_or_hour").match(p.text) for p in told if p.kind == "clock"):
        return None
    if len(kinds) > 1 or not all(_listed(text, a, b) for a, b in pairwise(told)):
        return None
    slots = [p.text.strip(" .") if p.kind == "clock" else slot(p.text) for p in told]
    again = [b for i, b in enumerate(told) if slots[i] in slots[:i]]
    if any(not find("same").search(text[: part.start]) for part in again):
        return None
    return float(len(set(slots)))


def _listed(text: str, one: Part, other: Part) -> bool:
    return not find("span").search(text[one.end : other.start])


def on_top(text: str, found: Sequence[Part]) -> bool:
    """Tell "bid and prn", "daily and at bedtime": more doses, of which it is not said how many."""
    timed = [p for p in found if p.kind in (*TIMED, "every", "tod")]
    prn = [p for p in found if p.kind == "prn"]
    days = [p for p in found if p.kind in (*TIMED, "every")]
    twice = any(
        p.end <= t.start and find("added").fullmatch(text, p.end, t.start)
        for one in days
        for other in found
        if other.kind == "tod"
        for p, t in ((one, other), (other, one))
    )
    return twice or any(find("also").search(text[t.end : p.start]) for t in timed for p in prn)
