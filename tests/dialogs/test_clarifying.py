"""A clarifying question is one of the scenario's own that applies and has no answer."""

import pytest

from dialogs.clarifying import NEVER, OpenQuestion, open_questions
from dialogs.content import load_scenario
from dialogs.evaluation import evaluate
from tests.dialogs.reference_evaluator import VIGNETTES

SCENARIO = load_scenario()
FOUNDING = next(case["answers"] for case in VIGNETTES if case["id"] == "OV01")


def found(**changes: object) -> dict[str, OpenQuestion]:
    return {each.id: each for each in open_questions({**FOUNDING, **changes}, SCENARIO)}


def test_an_answered_question_is_not_asked_again() -> None:
    assert "duration" not in found()
    assert "duration" in found(duration=None)


@pytest.mark.parametrize(
    ("value", "missing"), [("unk", "not known"), (None, "skipped"), ([], "skipped")]
)
def test_why_there_is_no_answer_is_told(value: object, missing: str) -> None:
    assert found(endplan=value)["endplan"].missing == missing


def test_a_question_never_asked_is_told_apart() -> None:
    answers = {name: value for name, value in FOUNDING.items() if name != "naloxone"}

    (naloxone,) = [q for q in open_questions(answers, SCENARIO) if q.id == "naloxone"]

    assert naloxone.missing == "not asked"


def test_those_that_could_change_the_step_come_first() -> None:
    moves = [each.moves_step for each in open_questions({"mat": "methadone"}, SCENARIO)]

    assert True in moves
    assert moves == sorted(moves, reverse=True)


def test_a_dose_without_amounts_may_be_asked_for() -> None:
    assert "opioid" in found(opioid=[{"drug": "oxycodone"}])


@pytest.mark.parametrize("case", VIGNETTES, ids=lambda case: str(case["id"]))
def test_only_what_applies_is_asked_once_and_never_safety(
    case: dict[str, dict[str, object]],
) -> None:
    names = [each.id for each in open_questions(case["answers"], SCENARIO)]

    assert len(names) == len(set(names))
    assert set(names) <= set(evaluate(case["answers"], SCENARIO).asked)
    assert not set(names) & set(NEVER)
