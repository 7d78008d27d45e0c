"""Doses: the arithmetic of the CDC 2022 table, and what is read from what clinicians type."""

import json
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dialogs.content import load_scenario
from dialogs.doses import (
    ACETAMINOPHEN_NOTE,
    ATYPICAL_NOTE,
    CDC_2022,
    ESTIMATE_NOTE,
    INTERVAL_NOTE,
    MAT_NOTE,
    METHADONE_NOTE,
    UP_TO_NOTE,
    Dose,
    countable,
    mme,
    mme_at_least,
    mme_line,
    mme_notes,
    show_dose,
    show_mme,
)
from dialogs.dosing import DoseReading, UnknownDrug, dose_lines, read_dose
from dialogs.regimen import DRUGS
from dialogs.sig import number
from tests.dialogs import reference_evaluator
from tests.dialogs.random_answers import random_answers
from tests.dialogs.reference_evaluator import CONTENT

DATA = Path(__file__).parent / "data"
CASES = [json.loads(line) for line in (DATA / "doses.jsonl").read_text("utf-8").splitlines()]


def entries(reading: DoseReading) -> list[dict[str, Any]]:
    return [entry.dose.as_mapping() for entry in reading.entries]


# --- arithmetic -----------------------------------------------------------------------------------


def test_the_factors_are_those_of_the_content() -> None:
    assert dict(CDC_2022) == CONTENT["mme_factors"] == dict(load_scenario().mme_factors)


def test_every_drug_with_a_dose_is_an_option_of_the_opioid_question() -> None:
    options = set(load_scenario().question("opioid").by_id)

    assert set(DRUGS) == options - {"none"}


def test_the_amounts_equal_those_of_the_reference_on_random_answers() -> None:
    random = Random(7)  # noqa: S311
    drawn = [random_answers(random) for _ in range(300)]
    given = [answers for answers in drawn if reference_evaluator.given(answers, "opioid")]

    for answers in given:
        doses = [Dose.from_mapping(entry) for entry in answers["opioid"]]
        assert mme(doses) == reference_evaluator.mme(answers)
        assert mme_at_least(doses) == reference_evaluator.mme_at_least(answers)
    assert len(given) > 100


def test_an_entry_keeps_its_shape() -> None:
    entry = {
        "drug": "fentanyl_td",
        "form": "patch",
        "strength": 25,
        "interval_h": 48,
        "n_patches": 2,
    }

    assert Dose.from_mapping(entry).as_mapping() == entry
    assert Dose("oxycodone", 2.5, 3.0, up_to=True).as_mapping() == {
        "drug": "oxycodone",
        "strength": 2.5,
        "per_day": 3,
        "up_to": True,
    }


def test_nothing_answered_has_no_amount() -> None:
    assert mme(None) is None
    assert mme_at_least(None) is None
    assert mme_line(None) == "cannot calculate"


def test_what_cannot_be_calculated_is_left_out_of_the_part_that_can() -> None:
    doses = [Dose("oxycodone", 10, 3), Dose("hydrocodone"), Dose("morphine", 15)]

    assert mme(doses) is None
    assert mme_at_least(doses) == 45


@pytest.mark.parametrize(
    ("doses", "line"),
    [
        ([Dose("oxycodone", 10, 3)], "45 MME/day"),
        ([Dose("oxycodone", 10, 4, up_to=True)], "up to 60 MME/day"),
        ([Dose("bup_pain", 20, form="patch", up_to=True), Dose("oxycodone", 5, 4)], "30 MME/day"),
        ([Dose("none")], "no opioid counted"),
        ([Dose("bup_pain")], "no opioid counted"),
        ([Dose("other_opioid", 2, 4)], "cannot calculate"),
    ],
)
def test_the_amount_in_words_is_never_zero(doses: list[Dose], line: str) -> None:
    assert mme_line(doses) == line


@pytest.mark.parametrize(
    ("value", "shown"),
    [(45.0, "45"), (58.75, "58.8"), (22.25, "22.3"), (0.23, "0.2"), (120, "120")],
)
def test_an_amount_is_shown_with_at_most_one_decimal(value: float, shown: str) -> None:
    assert show_mme(value) == shown


@pytest.mark.parametrize(
    ("dose", "note"),
    [
        (Dose("oxycodone", 10, 6, up_to=True), UP_TO_NOTE),
        (Dose("fentanyl_td", 50, interval_h=48), INTERVAL_NOTE),
        (Dose("tramadol", 50, 4), ATYPICAL_NOTE),
        (Dose("tapentadol", 50, 4), ATYPICAL_NOTE),
        (Dose("methadone_pain", 10, 3), METHADONE_NOTE),
    ],
)
def test_a_note_stands_beside_the_amount(dose: Dose, note: str) -> None:
    assert mme_notes([dose]) == (note, ESTIMATE_NOTE)


def test_the_estimate_is_always_said_to_be_one_where_there_is_an_opioid() -> None:
    assert mme_notes([Dose("fentanyl_td", 25, interval_h=72)]) == (ESTIMATE_NOTE,)
    assert mme_notes([Dose("oxycodone", 5, 3)], mat=True) == (MAT_NOTE, ESTIMATE_NOTE)
    assert mme_notes([Dose("none")]) == ()


def test_more_than_three_grams_of_acetaminophen_a_day_ask_for_a_check() -> None:
    assert ACETAMINOPHEN_NOTE in mme_notes([Dose("oxycodone", 10, 6)], acetaminophen_mg=3900)
    assert ACETAMINOPHEN_NOTE in read_dose("Percocet 5/325 2 tabs q4h").notes
    assert (
        ACETAMINOPHEN_NOTE
        not in read_dose("codeine/APAP 30/300 two tablets four times daily").notes
    )


@pytest.mark.parametrize(
    ("dose", "shown"),
    [
        (Dose("oxycodone", 10, 3, "er"), "Oxycodone ER 10 mg, 3 a day"),
        (Dose("oxycodone", 7.5, 4, up_to=True), "Oxycodone 7.5 mg, up to 4 a day"),
        (Dose("oxycodone", up_to=True), "Oxycodone, as needed"),
        (Dose("hydrocodone"), "Hydrocodone"),
        (
            Dose("fentanyl_td", 25, form="patch", interval_h=48),
            "Fentanyl patch 25 mcg/h, changed every 48 h",
        ),
        (Dose("fentanyl_td", 12.5, n_patches=2), "Fentanyl patch 12.5 mcg/h x 2 patches"),
    ],
)
def test_a_dose_is_shown_as_a_clinician_reads_it(dose: Dose, shown: str) -> None:
    assert (
        show_dose(dose, load_scenario()) == show_dose(dose.as_mapping(), load_scenario()) == shown
    )


# --- the twenty worked examples -------------------------------------------------------------------

EXAMPLES = [
    ("oxycodone IR 10 mg 3x/day", 45, False),
    ("oxycodone IR 15 mg three times a day", 67.5, False),
    ("hydrocodone/APAP 5/325 4x/day", 20, False),
    ("OxyContin 10 mg bid", 30, False),
    ("hydromorphone 4 mg QID", 80, False),
    ("morphine ER 30 mg 2x/day + morphine IR 15 mg PRN up to 4x/day", 120, True),
    ("tramadol 50 mg 4x/day", 40, False),
    ("tapentadol 100 mg TID", 120, False),
    ("codeine/APAP 30/300, 2 tablets 4x/day", 36, False),
    ("oxymorphone IR 10 mg four times daily", 120, False),
    ("fentanyl patch 25 mcg/h q72h", 60, False),
    ("fentanyl 75 mcg/hr patch every 3 days", 180, False),
    ("fentanyl patch 50 mcg/h changed q48h", 120, False),
    ("fentanyl patch 12 mcg/h + hydrocodone/APAP 10/325 3x/day", 58.8, False),
    ("methadone 10 mg 3x/day for pain", 141, False),
    ("methadone 90 mg daily for OUD + oxycodone 10 mg 3x/day", 45, False),
    ("buprenorphine/naloxone 8/2 3x/day for OUD + hydromorphone 2 mg 4x/day", 40, False),
    ("buprenorphine patch 20 mcg/h for pain + oxycodone 5 mg up to 4x/day", 30, True),
    ("naltrexone XR + oxycodone 5 mg 3x/day", 22.5, False),
    ("oxycodone 5-10 mg every 4-6 h PRN", 90, True),
    ("oxycodone 5-10 mg every 4-6 h PRN, max 40 mg/day", 60, True),
]


@pytest.mark.parametrize(("text", "amount", "up_to"), EXAMPLES)
def test_a_worked_example_is_read_and_calculated(text: str, amount: float, up_to: bool) -> None:
    reading = read_dose(text)

    assert reading.mme == amount
    assert reading.ask == ()
    assert (UP_TO_NOTE in reading.notes) is up_to


@pytest.mark.parametrize(
    "text",
    ["levorphanol 2 mg 4x/day", "oxycodone 3x/day", "an opioid 3x/day", "fentanyl buccal film qid"],
)
def test_what_cannot_be_calculated_has_no_amount(text: str) -> None:
    reading = read_dose(text)

    assert reading.mme is None
    assert reading.entries
    assert mme([entry.dose for entry in reading.entries]) is None


def test_no_opioid_is_zero() -> None:
    assert countable(Dose("none")) == 0
    assert mme([Dose("none")]) == 0


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"] + "|" + case.get("drug", ""))
def test_a_typed_dose_is_read_in_range_and_never_counted_while_something_is_asked(
    case: dict[str, Any],
) -> None:
    reading = read_dose(case["text"], case.get("drug"))

    assert (entries(reading), reading.mme, list(reading.ask)) == (
        case["entries"],
        case["mme"],
        case["ask"],
    )
    for entry in reading.entries:
        assert 0 <= entry.start < entry.end <= len(case["text"])
        assert entry.dose.drug in {*DRUGS, "none"}
        assert entry.dose.strength is None or 0 < entry.dose.strength <= 1000
        assert entry.dose.per_day is None or 0 < entry.dose.per_day <= 48
    assert reading.mme is None or not reading.ask


@pytest.mark.parametrize("form", [str.upper, str.lower, str.title])
@pytest.mark.parametrize(("text", "amount", "up_to"), EXAMPLES)
def test_capitals_do_not_matter(form: Any, text: str, amount: float, up_to: bool) -> None:
    assert read_dose(form(text)).mme == amount


@pytest.mark.parametrize(("text", "amount", "up_to"), EXAMPLES)
def test_invisible_signs_and_odd_spaces_do_not_matter(
    text: str, amount: float, up_to: bool
) -> None:
    spread = "\u200f" + text.replace(" ", "\u00a0 \u200b")

    assert read_dose(spread).mme == amount


def test_two_doses_are_never_mixed() -> None:
    for (first, one, _), (second, two, _) in pairwise(EXAMPLES):
        reading = read_dose(f"{first}; {second}")

        assert reading.mme is None or reading.mme == pytest.approx(one + two)


@pytest.mark.parametrize(
    "text",
    ["alprazolam 0.5 mg bid", "Ambien 10 nightly", "gabapentin 300 tid", "ibuprofen 600 mg tid"],
)
def test_another_medicine_is_left_out_and_said_so(text: str) -> None:
    reading = read_dose(f"oxycodone 10 mg TID and {text}")

    assert entries(reading) == [{"drug": "oxycodone", "strength": 10, "per_day": 3}]
    assert any(note.startswith("Not entered, not a pain opioid: ") for note in reading.notes)


@pytest.mark.parametrize(
    "text",
    [
        "methadone 80 daily at OTP",
        "Suboxone 8-2 BID",
        "Sublocade 300 mg monthly",
        "Vivitrol",
        "bup 8 mg SL",
    ],
)
def test_a_mat_medicine_is_recognised_and_not_entered(text: str) -> None:
    reading = read_dose(text)

    assert (reading.entries, reading.mme, reading.ask) == ((), None, ())
    assert MAT_NOTE in reading.notes
    assert any(note.startswith("Not entered, MAT: ") for note in reading.notes)


@pytest.mark.parametrize("word", ["oxycodon", "oxycodne", "oxicodone", "percocett", "Oxycontine"])
def test_a_slip_in_a_name_is_read(word: str) -> None:
    assert [dose["drug"] for dose in entries(read_dose(f"{word} 10 mg tid"))] == ["oxycodone"]


@pytest.mark.parametrize("word", ["hydrocodeine", "oxydone", "tramazodol", "cocaine", "trazodol"])
def test_a_word_that_could_be_two_names_or_none_is_asked(word: str) -> None:
    reading = read_dose(f"{word} 10 mg tid")

    assert reading.entries == ()
    assert reading.mme is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            ("10", 10),
            ("2.5", 2.5),
            (".5", 0.5),
            ("2,5", 2.5),
            ("12,5", 12.5),
            ("0,25", 0.25),
            ("0,05", 0.05),
            ("1e3", 1000),
        ),
        *(
            ("1,000", None),
            ("1.000", None),
            ("0.125", 0.125),
            ("5,10", None),
            ("1.2.3", None),
            ("", None),
            (None, None),
        ),
        *(("ten", 10), ("twenty five", 25), ("one hundred and five", 105), ("a hundred", 100)),
    ],
)
def test_a_number_is_read_only_in_one_way(text: str | None, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize("drug", ["none", "aspirin", ""])
def test_a_dose_needs_an_option_that_can_have_one(drug: str) -> None:
    with pytest.raises(UnknownDrug, match="expected one of oxycodone"):
        read_dose("10 mg tid", drug)


@pytest.mark.parametrize(
    "text",
    [
        "5/325 " * 680,
        "1-2 " * 1024,
        "q" * 4096,
        "1," * 2048,
        "🙂" * 4096,
        "oxycodone 10 mg tid " * 204,
    ],
)
def test_a_long_text_is_answered(text: str) -> None:
    assert read_dose(text).mme in (None, 45.0 * 204, 45.0 * 205)


# --- a line each ----------------------------------------------------------------------------------


def answers(*lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in dose_lines(lines)]


def test_a_line_is_answered_with_entries_amount_and_questions() -> None:
    (found,) = answers(json.dumps({"text": "oxycodone 10 mg TID"}))

    assert found == {
        "entries": [{"drug": "oxycodone", "strength": 10, "per_day": 3, "form": None}],
        "mme": 45.0,
        "ask": [],
        "notes": [ESTIMATE_NOTE],
    }


def test_a_line_may_name_the_drug() -> None:
    (found,) = answers(json.dumps({"text": "25 q72h", "drug": "fentanyl_td"}))

    assert found["entries"] == [
        {"drug": "fentanyl_td", "strength": 25, "per_day": None, "form": "patch", "interval_h": 72}
    ]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "line: expected one JSON object"),
        ("[" * 100_000, "line: expected one JSON object"),
        ('{"text": ' + "1" * 5000 + "}", "line: expected one JSON object"),
        ("[]", "text: expected a string"),
        ('{"text": 5}', "text: expected a string"),
        ('{"text": "Jane Roe", "drug": "Jane Roe"}', "drug: expected one of oxycodone"),
        ('{"text": "Jane Roe", "drug": 5}', "drug: expected one of oxycodone"),
    ],
)
def test_a_bad_line_is_answered_without_its_words_and_the_next_is_read(
    line: str, error: str
) -> None:
    found = answers(line, "", '{"text": "tramadol 50 mg qid"}')

    assert found[0]["error"].startswith(error)
    assert "Jane" not in found[0]["error"]
    assert found[1]["mme"] == 40.0


def test_a_strength_of_nothing_under_a_daily_maximum_is_asked_about() -> None:
    reading = read_dose("oxycodone 0 mg q6h max 10 mg/day")

    assert reading.mme is None
    assert reading.ask
