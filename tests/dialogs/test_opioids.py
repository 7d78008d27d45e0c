"""What a read dose replaces, and beside which entries it stands."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.model import Draft
from dialogs.opioids import (
    beside,
    drugs,
    focused,
    live,
    merged,
    other_way,
    places_of,
    replaced,
    told,
)

Entry = Mapping[str, Any]


def dose(drug: str = "oxycodone", strength: float = 10, **more: Any) -> Entry:
    return {"drug": drug, "strength": strength, "per_day": 3, **more}


OXY, OXY_20 = dose(), dose(strength=20)
ER, IR = dose(form="er"), dose(strength=5, form="ir")
ER_30 = dose(strength=30, form="er")
TRAMADOL = dose("tramadol", 50)
NAMED = {"drug": "oxycodone"}

CASES: dict[str, tuple[Draft, tuple[Entry, ...]]] = {
    "the only entry, same drug": (Draft(entries=(OXY,), reading=(OXY_20,)), (OXY_20,)),
    "lower as well as higher": (Draft(entries=(OXY_20,), reading=(OXY,)), (OXY,)),
    "the entry in focus": (
        Draft(entries=(TRAMADOL, OXY), focus=1, reading=(OXY_20,)),
        (TRAMADOL, OXY_20),
    ),
    "the entry in focus, of another form": (Draft(entries=(ER, IR), focus=0, reading=(OXY,)), (OXY, IR)),
    "no focus, one entry of the drug": (
        Draft(entries=(OXY, TRAMADOL), reading=(OXY_20,)),
        (OXY_20, TRAMADOL),
    ),
    "a drug that had no dose yet": (Draft(entries=(NAMED, TRAMADOL), reading=(OXY,)), (OXY, TRAMADOL)),
    "ER beside IR": (Draft(entries=(IR,), reading=(ER,)), (IR, ER)),
    "the entry of that form": (Draft(entries=(ER, IR), reading=(ER_30,)), (ER_30, IR)),
    "two of the drug, not clear which": (Draft(entries=(ER, IR), reading=(OXY_20,)), (ER, IR, OXY_20)),
    "ER and IR told at once": (Draft(entries=(OXY,), reading=(ER, IR)), (ER, IR)),
    "after 'add another'": (Draft(entries=(OXY,), listing=True, reading=(OXY_20,)), (OXY, OXY_20)),
    "another drug": (Draft(entries=(OXY,), reading=(TRAMADOL,)), (OXY, TRAMADOL)),
    "no opioid": (Draft(entries=(OXY, TRAMADOL), reading=({"drug": "none"},)), ({"drug": "none"},)),
    "in place of no opioid": (Draft(entries=({"drug": "none"},), reading=(OXY,)), (OXY,)),
    "an edited message": (
        Draft(entries=(ER, IR, TRAMADOL), corrects=(1,), reading=(OXY,)),
        (ER, OXY, TRAMADOL),
    ),
    "an edited message that said two": (
        Draft(entries=(ER, TRAMADOL, IR), corrects=(0, 2), reading=(OXY,)),
        (OXY, TRAMADOL),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_listed_after_a_reading(name: str) -> None:
    draft, expected = CASES[name]

    assert merged(draft) == expected


def test_the_clinician_may_place_it_the_other_way() -> None:
    same = Draft(entries=(OXY,), reading=(OXY_20,))
    other = Draft(entries=(OXY,), reading=(TRAMADOL,))

    assert (other_way(same), merged(same, "add")) == ("add", (OXY, OXY_20))
    assert (other_way(other), merged(other, "instead")) == ("instead", (TRAMADOL,))


def test_there_is_no_other_way_where_there_is_no_doubt() -> None:
    assert other_way(Draft(entries=(NAMED,), reading=(OXY,))) == ""
    assert other_way(Draft(reading=(OXY,))) == ""
    assert other_way(Draft(entries=(OXY,), corrects=(0,), reading=(OXY_20,))) == ""
    assert other_way(Draft(entries=(OXY,), reading=({"drug": "none"},))) == ""


def test_a_drug_that_only_gets_its_dose_is_not_said_to_be_replaced() -> None:
    assert told(Draft(entries=(NAMED,), reading=(OXY,))) == ()
    assert told(Draft(entries=(NAMED,), corrects=(0,), reading=(TRAMADOL,))) == (NAMED,)
    assert told(Draft(entries=(OXY,), reading=(OXY_20,))) == (OXY,)


def test_a_message_that_said_what_no_longer_stands_corrects_nothing() -> None:
    assert places_of((OXY, OXY), (OXY, TRAMADOL)) == (0,)
    assert places_of((OXY, OXY), (OXY, TRAMADOL, OXY)) == (0, 2)
    assert places_of((OXY_20,), (OXY,)) == ()


def test_the_drugs_of_an_answer() -> None:
    assert list(drugs([OXY, TRAMADOL])) == ["oxycodone", "tramadol"]
    assert list(drugs(None)) == list(drugs("unk")) == []


ENTRIES = st.builds(
    lambda drug, strength, form: {
        "drug": drug,
        **({"strength": strength, "per_day": 3} if strength else {}),
        **({"form": form} if form else {}),
    },
    st.sampled_from(["oxycodone", "morphine", "tramadol"]),
    st.sampled_from([None, 5, 10, 20]),
    st.sampled_from([None, "ir", "er"]),
)
LISTS = st.lists(ENTRIES, max_size=4).map(tuple)
READINGS = st.lists(ENTRIES, min_size=1, max_size=3).map(tuple)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(LISTS, READINGS, st.sampled_from([None, 0, 1, 2]), st.booleans())
def test_a_drug_is_never_counted_twice_without_being_named(
    held: tuple[Entry, ...], read: tuple[Entry, ...], focus: int | None, listing: bool
) -> None:
    draft = Draft(entries=held, focus=focus, listing=listing, reading=read)
    stay = [entry for place, entry in enumerate(held) if place not in replaced(draft)]

    twice = [entry for entry in stay if entry["drug"] in set(drugs(read))]

    assert all(entry in beside(draft) for entry in twice)
    assert len(merged(draft)) == len(stay) + len(read)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(LISTS, READINGS, st.data())
def test_an_edited_message_replaces_exactly_what_it_had_said(
    held: tuple[Entry, ...], read: tuple[Entry, ...], data: st.DataObject
) -> None:
    places = data.draw(st.sets(st.integers(0, max(0, len(held) - 1)), max_size=len(held)))
    said = tuple(held[place] for place in sorted(places))
    corrects = places_of(said, held)
    draft = Draft(entries=held, corrects=corrects, reading=read)
    rest = [entry for place, entry in enumerate(held) if place not in corrects]

    assert sorted(repr(held[place]) for place in corrects) == sorted(map(repr, said))
    if corrects:
        assert sorted(map(repr, merged(draft))) == sorted(map(repr, [*rest, *read]))


def test_none_is_no_entry() -> None:
    assert live(({"drug": "none"},)) == ()


@pytest.mark.parametrize(
    ("draft", "count", "place"),
    [
        (Draft(focus=1), 2, 1),
        (Draft(focus=0), 1, 0),
        (Draft(focus=2), 2, None),
        (Draft(), 2, None),
        (Draft(), 1, 0),
        (Draft(listing=True), 1, None),
    ],
)
def test_the_entry_in_focus_is_the_chosen_one_or_the_only_one(
    draft: Draft, count: int, place: int | None
) -> None:
    assert focused(draft, [dose()] * count) == place
