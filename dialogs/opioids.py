"""What doses that were read do to the opioids that are listed: which they replace, which stay."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from dialogs.answers import NONE
from dialogs.model import Draft, Placed

Entry: TypeAlias = Mapping[str, Any]


def live(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that are opioids; "none" is no entry to be kept beside one."""
    return tuple(entry for entry in entries if entry["drug"] != NONE)


def places_of(said: Iterable[Entry], held: Sequence[Entry]) -> tuple[int, ...]:
    """Return the places of the entries that a message had said, as far as they still stand."""
    found: list[int] = []
    for entry in said:
        same = (i for i, e in enumerate(held) if i not in found and dict(e) == dict(entry))
        found += [place for place in (next(same, None),) if place is not None]
    return tuple(sorted(found))


def merged(draft: Draft, how: Placed = "") -> tuple[Entry, ...]:
    """Return the entries with what was read: in the place of what it replaces, else at the end."""
    held, gone = live(draft.entries), replaced(draft, how)
    at = min(gone, default=len(held))
    before = [entry for i, entry in enumerate(held[:at]) if i not in gone]
    after = [entry for i, entry in enumerate(held[at:], at) if i not in gone]
    return (*before, *draft.reading, *after)


def replaced(draft: Draft, how: Placed = "") -> tuple[int, ...]:
    """Return the places of the entries that a reading takes away.

    An edited message replaces what it had said. A dose replaces the entry in focus when it is of
    the same drug, else the one entry that it can be a correction of. ``how`` is what the clinician
    chose instead: "add" replaces nothing, "instead" the entries of that drug or the one in focus.
    """
    held = live(draft.entries)
    if any(read["drug"] == NONE for read in draft.reading):
        return tuple(range(len(held)))
    if how == "instead":
        return _instead(draft, held)
    if how == "add" or (draft.listing and not draft.corrects):
        return ()
    return draft.corrects or tuple(sorted(_corrected(draft, held)))


def other_way(draft: Draft) -> Placed:
    """Return the other way to place what was read, where it can be meant: "add", "instead" or ""."""
    if draft.corrects or any(read["drug"] == NONE for read in draft.reading):
        return ""
    if replaced(draft):
        return "add" if told(draft) else ""
    return "instead" if _instead(draft, live(draft.entries)) else ""


def told(draft: Draft) -> tuple[Entry, ...]:
    """Return the replaced entries that are worth saying: not a drug that only gets its dose."""
    held, drugs = live(draft.entries), {read["drug"] for read in draft.reading}
    gone = [held[place] for place in replaced(draft)]
    return tuple(e for e in gone if "strength" in e or e["drug"] not in drugs)


def beside(draft: Draft) -> tuple[Entry, ...]:
    """Return the entries that stay, where what was read is added or one of them is the same drug."""
    held, gone = live(draft.entries), replaced(draft)
    drugs = {read["drug"] for read in draft.reading}
    stay = [entry for place, entry in enumerate(held) if place not in gone]
    return tuple(entry for entry in stay if not gone or entry["drug"] in drugs)


def focused(draft: Draft, held: Sequence[Entry]) -> int | None:
    """Return the place of the entry in focus: the one chosen, else the only one."""
    if draft.focus is not None and draft.focus < len(held):
        return draft.focus
    return 0 if len(held) == 1 and not draft.listing else None


def _instead(draft: Draft, held: Sequence[Entry]) -> tuple[int, ...]:
    drugs = {read["drug"] for read in draft.reading}
    same = tuple(place for place, entry in enumerate(held) if entry["drug"] in drugs)
    place = focused(draft, held)
    return same or (() if place is None else (place,))


def _corrected(draft: Draft, held: Sequence[Entry]) -> set[int]:
    found: set[int] = set()
    for read in draft.reading:
        free = [i for i, e in enumerate(held) if i not in found and e["drug"] == read["drug"]]
        found |= {place for place in (_one(read, free, held, draft),) if place is not None}
    return found


def _one(read: Entry, free: Sequence[int], held: Sequence[Entry], draft: Draft) -> int | None:
    """Return which of the free entries of a drug a reading corrects, or None where it adds."""
    if draft.focus in free:
        return draft.focus
    for kind in (_unfinished, _same_form, _no_other_form):
        hits = [place for place in free if kind(held[place], read)]
        if len(hits) == 1:
            return hits[0]
    return None


def _unfinished(held: Entry, read: Entry) -> bool:
    return "strength" not in held


def _same_form(held: Entry, read: Entry) -> bool:
    return held.get("form") == read.get("form")


def _no_other_form(held: Entry, read: Entry) -> bool:
    """Tell whether two entries can be the same product: not ER beside IR."""
    forms = (held.get("form"), read.get("form"))
    return None in forms or forms[0] == forms[1]


def drugs(entries: Any) -> Iterator[str]:
    """Yield the drugs of an answer to the dose question; nothing of "not known" and skipped."""
    yield from (e["drug"] for e in entries if isinstance(e, Mapping)) if entries else ()
