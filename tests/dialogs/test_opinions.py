"""What people think of a case is shown as a spread: every side, its best reason, never a winner."""

import random
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.content import load_scenario
from dialogs.opinions import (
    CONCERN_WORDS,
    CONCERNS,
    OTHER,
    SURE,
    Opinion,
    all_steps,
    concern_line,
    leaning_words,
    leanings,
    one_line,
    remarks,
    spread,
    step_words,
    steps_near,
)
from tests.dialogs.reference_evaluator import VIGNETTES

SCENARIO = load_scenario()
FOUNDING = next(case["answers"] for case in VIGNETTES if case["id"] == "OV01")

YES = Opinion(
    concern="yes",
    step="STEP_90D_PLAN",
    leans_on="DUR2",
    sure=4,
    role="counselor",
    reason="There is no stop date.",
)

some_opinions = st.lists(
    st.builds(
        Opinion,
        concern=st.sampled_from(CONCERNS),
        step=st.sampled_from([*all_steps(SCENARIO), OTHER]),
        leans_on=st.sampled_from([*[c.id for c in SCENARIO.considerations], OTHER]),
        sure=st.sampled_from(SURE),
        role=st.sampled_from(["counselor", "pharmacist"]),
        reason=st.sampled_from(["", "Because of it."]),
        changed=st.booleans(),
        outdated=st.booleans(),
    ),
    max_size=12,
).map(lambda found: [replace(each, place=place) for place, each in enumerate(found)])


def said(*opinions: Opinion, removed: int = 0) -> list[str]:
    return [remark.plain() for remark in remarks(spread(opinions, SCENARIO, removed))]


# --- the spread -----------------------------------------------------------------------------------


@given(some_opinions, st.randoms())
def test_the_order_in_which_opinions_come_does_not_matter(
    opinions: list[Opinion], dice: random.Random
) -> None:
    shuffled = dice.sample(opinions, len(opinions))

    assert spread(shuffled, SCENARIO) == spread(opinions, SCENARIO)


@given(some_opinions)
def test_nobody_is_left_out_of_the_spread(opinions: list[Opinion]) -> None:
    found = spread(opinions, SCENARIO)

    assert [side.concern for side in found.sides] == list(CONCERNS)
    assert sorted(o.place for o in found.opinions) == [o.place for o in opinions]
    assert found.total == len(opinions)
    assert sum(count for _, count in found.steps) == len(opinions)
    assert sum(count for _, count in found.considerations) == len(opinions)


@given(some_opinions)
def test_what_is_said_names_no_winner(opinions: list[Opinion]) -> None:
    words = " ".join(said(*opinions)).lower()

    for banned in ("majority", "winner", "won", "most people", "the team thinks that"):
        assert banned not in words
    for concern in CONCERNS:
        assert CONCERN_WORDS[concern] in concern_line(spread(opinions, SCENARIO))


def test_the_numbers_of_all_three_sides_stand_even_where_one_is_empty() -> None:
    assert concern_line(spread([YES], SCENARIO)) == "Yes 1 · It depends 0 · No 0"


def test_steps_and_considerations_are_counted_the_most_frequent_first() -> None:
    found = spread(
        [
            YES,
            replace(YES, place=1, step=OTHER, leans_on=OTHER),
            replace(YES, place=2),
            replace(YES, place=3, step="STEP_GATHER", leans_on="MON1"),
        ],
        SCENARIO,
    )

    assert found.steps == (("STEP_90D_PLAN", 2), ("STEP_GATHER", 1), (OTHER, 1))
    assert found.considerations == (("DUR2", 2), ("MON1", 1), (OTHER, 1))


# --- the strongest reason of a side -----------------------------------------------------------------


def test_the_strongest_reason_is_written_then_surest_then_earliest() -> None:
    ordered = [
        replace(YES, place=3, sure=5),
        replace(YES, place=4, sure=5),
        replace(YES, place=1, sure=2),
        replace(YES, place=0, sure=5, leans_on=OTHER),
        replace(YES, place=2, sure=5, reason=""),
        replace(YES, place=5, sure=5, reason="", leans_on=OTHER),
    ]

    for shuffled in permutations(ordered, 6):
        assert spread(shuffled, SCENARIO).sides[0].opinions == tuple(ordered)
    assert spread(ordered, SCENARIO).sides[0].strongest == ordered[0]


def test_a_side_nobody_takes_has_no_reason() -> None:
    assert spread([YES], SCENARIO).sides[2].strongest is None


# --- what is said beside the numbers ------------------------------------------------------------------


def test_no_opinion_and_a_single_one_are_said_to_be_that() -> None:
    assert said() == ["Nobody gave an opinion."]
    assert said(YES) == ["One opinion: what one person thinks, not what the team thinks."]


def test_agreement_is_not_sold_as_proof() -> None:
    (words,) = said(YES, replace(YES, place=1), replace(YES, place=2))

    assert words.startswith("All 3 answered alike.")
    assert words.endswith("which does not make it right.")


def test_dissent_is_what_the_reader_is_sent_to() -> None:
    (words,) = said(YES, replace(YES, place=1, concern="no"))

    assert words == "This is not a vote. Read the reasons, first of all of those who disagree."


def test_what_was_changed_outdated_or_removed_is_said() -> None:
    words = said(replace(YES, changed=True), replace(YES, place=1, outdated=True), removed=2)

    assert words[1:] == [
        "Changed after seeing the others: 1.",
        "Given before the case was updated: 1.",
        "Gone with the account of their author: 2.",
    ]


# --- what can be chosen ---------------------------------------------------------------------------


def test_the_steps_offered_first_are_those_whose_rows_hold() -> None:
    assert steps_near(FOUNDING, SCENARIO)[0] == "STEP_90D_PLAN"
    assert set(steps_near(FOUNDING, SCENARIO)) < set(all_steps(SCENARIO))


@pytest.mark.parametrize("case", VIGNETTES, ids=lambda case: str(case["id"]))
def test_an_emergency_is_nobodys_opinion(case: dict[str, dict[str, object]]) -> None:
    assert "STEP_EMERGENCY" not in steps_near(case["answers"], SCENARIO)
    assert "STEP_EMERGENCY" not in all_steps(SCENARIO)


def test_what_an_opinion_can_lean_on_is_what_the_summary_raises() -> None:
    assert "DUR2" in leanings(FOUNDING, SCENARIO)


def test_choices_read_as_their_titles() -> None:
    assert step_words("STEP_GATHER", SCENARIO) == "Get the minimum facts first"
    assert step_words(OTHER, SCENARIO) == "Another step"
    assert leaning_words("DUR2", SCENARIO) == "No firm stop date"
    assert leaning_words(OTHER, SCENARIO) == "none of the considerations"


def test_a_reason_is_one_line() -> None:
    assert one_line("  No stop\n\n date. ") == "No stop date."
