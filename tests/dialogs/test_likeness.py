"""Cases are similar by their structured answers: how many agree, and which."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dialogs.content import load_scenario
from dialogs.likeness import Likeness, likeness, most_alike
from tests.dialogs.reference_evaluator import VIGNETTES

SCENARIO = load_scenario()
CASES: list[dict[str, Any]] = [case["answers"] for case in VIGNETTES]
FOUNDING = next(case["answers"] for case in VIGNETTES if case["id"] == "OV01")

some_case = st.sampled_from(CASES)


@given(some_case, some_case)
def test_likeness_is_the_same_both_ways(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert likeness(one, other, SCENARIO) == likeness(other, one, SCENARIO)


@given(some_case)
def test_a_case_is_like_itself_in_everything(case: dict[str, Any]) -> None:
    assert likeness(case, case, SCENARIO).different == ()


def test_which_answers_agree_and_which_differ_is_told() -> None:
    found = likeness(FOUNDING, {**FOUNDING, "duration": "lt1m"}, SCENARIO)

    assert "duration" in found.different
    assert "mat" in found.same
    assert found.compared == len(found.same) + 1


def test_a_missing_answer_is_neither() -> None:
    for value in (None, "unk"):
        found = likeness(FOUNDING, {**FOUNDING, "mat": value}, SCENARIO)
        assert "mat" not in (*found.same, *found.different)


def test_doses_are_compared_by_their_medicines_and_roles_never() -> None:
    one = {**FOUNDING, "role": "counselor", "opioid": [{"drug": "oxycodone", "strength": 5}]}
    other = {**FOUNDING, "role": "pharmacist", "opioid": [{"drug": "oxycodone", "strength": 30}]}

    found = likeness(one, other, SCENARIO)

    assert "opioid" in found.same
    assert "role" not in (*found.same, *found.different)


def test_the_order_of_ticks_does_not_matter() -> None:
    one = {**FOUNDING, "monitoring": ["counselor", "pain_visits"]}
    other = {**FOUNDING, "monitoring": ["pain_visits", "counselor"]}

    assert "monitoring" in likeness(one, other, SCENARIO).same


def test_the_most_alike_come_first_and_strangers_not_at_all() -> None:
    near, far = {**FOUNDING, "duration": "lt1m"}, {"mat": "methadone"}
    others = [far, near, FOUNDING]

    found = most_alike(FOUNDING, others, SCENARIO)

    assert [place for place, _ in found] == [2, 1]
    assert isinstance(found[0][1], Likeness)
    assert most_alike(FOUNDING, [FOUNDING] * 9, SCENARIO, most=2) == (
        (0, likeness(FOUNDING, FOUNDING, SCENARIO)),
        (1, likeness(FOUNDING, FOUNDING, SCENARIO)),
    )
