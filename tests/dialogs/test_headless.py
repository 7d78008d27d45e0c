"""Answers in, results out, one line of JSON each; a bad line never stops the run."""

import json
from typing import Any

import pytest

from dialogs.content import load_scenario
from dialogs.headless import evaluate_lines
from tests.dialogs.reference_evaluator import VIGNETTES

FOUNDING: dict[str, Any] = VIGNETTES[0]["answers"]
WORDS = "Jane Roe"


def run(*lines: str, text: bool = False) -> list[dict[str, Any]]:
    return [json.loads(line) for line in evaluate_lines(lines, text=text)]


def test_the_founding_case_comes_out_with_its_step_and_considerations() -> None:
    (found,) = run(json.dumps(FOUNDING))

    assert list(found) == [
        *("step", "then", "considerations", "held_back", "banners", "mme", "mme_at_least"),
    ]
    assert found["step"] == "STEP_90D_PLAN"
    assert found["considerations"][:5] == ["DUR2", "MON1", "COM1", "COM2", "RSK7"]
    assert found["mme"] == found["mme_at_least"] == 45.0


def test_with_text_the_summary_is_added() -> None:
    (found,) = run(json.dumps(FOUNDING), text=True)

    assert found["text"].startswith("Suggested coordination step")


def test_blank_lines_are_passed_over_and_a_bad_line_does_not_stop_the_run() -> None:
    found = run("", "  \n", "{", "{}\n")

    assert "error" in found[0]
    assert found[1]["step"] == "STEP_GATHER"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "line: expected one JSON object of answers"),
        ("[]", "line: expected one JSON object of answers"),
        ('{"setting": "otp", "setting": "ed"}', "each key once"),
        ('{"methadone_dose": NaN}', "line: expected"),
        ('{"methadone_dose": Infinity}', "line: expected"),
        ('{"methadone_dose": 1e999}', "methadone_dose: expected a number from 1 to 400"),
        ('{"methadone_dose": 1' + "0" * 5000 + "}", "line: expected"),
        ("[" * 100_000, "line: expected"),
        (f'{{"setting": "{WORDS}"}}', "setting: expected one of otp"),
        (f'{{"{WORDS}": "otp"}}', "unknown field: expected one of"),
        ('{"risk": ["none", "osa"]}', "risk: expected 'none' alone"),
    ],
)
def test_a_bad_line_names_the_field_and_what_it_takes(line: str, error: str) -> None:
    (found,) = run(line)

    assert list(found) == ["error"]
    assert error in found["error"]
    assert WORDS not in found["error"]


def test_another_scenario_can_be_given() -> None:
    (line,) = evaluate_lines(["{}"], load_scenario())

    assert json.loads(line)["step"] == "STEP_GATHER"
