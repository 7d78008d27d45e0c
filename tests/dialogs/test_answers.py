"""What may be given to each question, and how the rest is refused without repeating it."""

from typing import Any

import pytest

from dialogs.answers import check_answers, is_given
from dialogs.content import load_scenario
from dialogs.errors import InvalidAnswer
from dialogs.shown import show_answer, state_of

SCENARIO = load_scenario()
WORDS = "Jane Roe, 0231-555"
TWO_VISITS = "Regular pain-prescriber visits; Counselor check-ins"


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ({"setting": "otp"}, {"setting": "otp"}),
        ({"setting": None}, {"setting": None}),
        ({"setting": "unk"}, {"setting": "unk"}),
        ({"role": "unk"}, {"role": None}),
        ({"risk": []}, {"risk": None}),
        ({"risk": ["unk"]}, {"risk": "unk"}),
        ({"risk": ["osa", "preg", "osa"]}, {"risk": ["osa", "preg"]}),
        ({"risk": ["none"]}, {"risk": ["none"]}),
        ({"methadone_dose": 80}, {"methadone_dose": 80}),
        ({"methadone_dose": 82.5}, {"methadone_dose": 82.5}),
        ({"opioid": ["unk"]}, {"opioid": "unk"}),
        ({"opioid": []}, {"opioid": None}),
        (
            {"opioid": [{"drug": "oxycodone", "strength": 10, "per_day": None, "up_to": True}]},
            {"opioid": [{"drug": "oxycodone", "strength": 10, "up_to": True}]},
        ),
        (
            {
                "opioid": [
                    {"drug": "fentanyl_td", "form": "patch", "n_patches": 2, "interval_h": 48}
                ]
            },
            {
                "opioid": [
                    {"drug": "fentanyl_td", "form": "patch", "n_patches": 2, "interval_h": 48}
                ]
            },
        ),
    ],
)
def test_an_answer_is_kept_in_its_one_shape(raw: Any, kept: Any) -> None:
    assert check_answers(raw, SCENARIO) == kept


DOSE = {"drug": "oxycodone"}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "answers: expected one object"),
        ({"settting": "otp"}, "settting: expected one of .*benefit"),
        ({WORDS: "otp"}, "unknown field: expected one of "),
        ({1: "otp"}, "unknown field: "),
        ({"setting": WORDS}, "setting: expected one of otp, .*unk"),
        ({"setting": ["otp"]}, "setting: expected one of"),
        ({"role": WORDS}, "role: expected one of counselor, .*, other$"),
        ({"risk": "osa"}, "risk: expected a list of none, od_12m"),
        ({"risk": [WORDS]}, "risk: expected a list of"),
        ({"risk": [["osa"]]}, "risk: expected a list of"),
        ({"risk": ["none", "osa"]}, "risk: expected 'none' alone"),
        ({"methadone_dose": 0}, "methadone_dose: expected a number from 1 to 400, or unk"),
        ({"methadone_dose": 401}, "methadone_dose: expected a number"),
        ({"methadone_dose": "80"}, "methadone_dose: expected a number"),
        ({"methadone_dose": True}, "methadone_dose: expected a number"),
        ({"methadone_dose": float("nan")}, "methadone_dose: expected a number"),
        ({"methadone_dose": 10**400}, "methadone_dose: expected a number"),
        ({"opioid": "oxycodone"}, "opioid: expected a list of objects with drug, strength"),
        ({"opioid": [WORDS]}, r"opioid\[0\]: expected an object with drug"),
        ({"opioid": [{**DOSE, WORDS: 1}]}, r"opioid\[0\]: expected an object with drug"),
        ({"opioid": [{"strength": 1}]}, r"opioid\[0\].drug: expected one of oxycodone"),
        ({"opioid": [{"drug": WORDS}]}, r"opioid\[0\].drug: expected one of oxycodone"),
        ({"opioid": [{"drug": ["none"]}]}, r"opioid\[0\].drug: expected one of oxycodone"),
        ({"opioid": [DOSE, {"drug": "none"}]}, "opioid: expected 'none' alone"),
        ({"opioid": [{**DOSE, "form": "XR"}]}, r"opioid\[0\].form: expected one of ir, er, patch"),
        ({"opioid": [{**DOSE, "up_to": 1}]}, r"opioid\[0\].up_to: expected true or false"),
        (
            {"opioid": [DOSE, {**DOSE, "strength": 0}]},
            r"opioid\[1\].strength: .* above 0",
        ),
        (
            {"opioid": [{**DOSE, "strength": 1e9}]},
            r"opioid\[0\].strength: expected a number",
        ),
        ({"opioid": [{**DOSE, "per_day": 49}]}, r"opioid\[0\].per_day: expected a number above 0"),
        (
            {"opioid": [{**DOSE, "n_patches": 1.5}]},
            r"opioid\[0\].n_patches: .* whole number",
        ),
        (
            {"opioid": [{**DOSE, "n_patches": "2"}]},
            r"opioid\[0\].n_patches: .* whole number",
        ),
    ],
)
def test_anything_else_is_refused_by_field_and_not_repeated(raw: Any, message: str) -> None:
    with pytest.raises(InvalidAnswer, match=message) as refused:
        check_answers(raw, SCENARIO)

    assert WORDS not in str(refused.value)


@pytest.mark.parametrize("value", [None, "unk", ["unk"], [], ()])
def test_no_answer_is_not_given(value: Any) -> None:
    assert not is_given(value)


@pytest.mark.parametrize("value", ["none", ["none"], 1, 0.5, [{"drug": "none"}]])
def test_no_is_an_answer(value: Any) -> None:
    assert is_given(value)


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({}, "not asked"),
        ({"risk": None}, "skipped"),
        ({"risk": []}, "skipped"),
        ({"risk": "unk"}, "not known"),
        ({"risk": ["unk"]}, "not known"),
        ({"risk": ["none"]}, "given"),
    ],
)
def test_the_states_of_an_answer_stay_apart(answers: Any, state: str) -> None:
    assert state_of("risk", answers) == state


@pytest.mark.parametrize(
    ("question", "value", "words"),
    [
        ("setting", "otp", "Methadone clinic (OTP), outpatient"),
        ("setting", "unk", "not known"),
        ("setting", None, "skipped"),
        ("safety_now", "unk", "not assessed yet"),
        (
            "monitoring",
            ["counselor", "pain_visits"],
            "Regular pain-prescriber visits; Counselor check-ins",
        ),
        ("methadone_dose", 82.5, "82.5 mg/day"),
        (
            "opioid",
            [{"drug": "oxycodone", "strength": 10, "per_day": 3}],
            "Oxycodone 10 mg, 3 a day",
        ),
        ("opioid", [{"drug": "none"}], "No opioid for pain now"),
    ],
)
def test_an_answer_reads_as_its_labels(question: str, value: Any, words: str) -> None:
    assert show_answer(SCENARIO.question(question), value, SCENARIO) == words
