"""Another language is shown whole and reviewed, or not at all; what follows stays the same."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dialogs import checks, translations
from dialogs.content import load_scenario
from dialogs.errors import ContentError
from dialogs.evaluation import evaluate
from dialogs.summary import plain_summary, summarise
from dialogs.translations import (
    Translation,
    chosen,
    in_language,
    load_translation_text,
    load_translations,
    problems,
    texts_of,
)

SCENARIO = load_scenario()
CASES = json.loads((Path(__file__).parent / "data/reference.json").read_text())["open_vignettes"]

UNKNOWN_LANGUAGE = """
language = "Spanish"
scenario = "mat_pain"
version = "4"
reviewer = "a test"
reviewed_on = 2026-11-22
texts = {}
"""


def translation(**changes: Any) -> Translation:
    """A translation that sets every text in brackets."""
    given = {
        "language": "es",
        "scenario": SCENARIO.id,
        "version": SCENARIO.version,
        "reviewer": "a test",
        "reviewed_on": date(2026, 11, 22),
        "texts": {text: f"«{text}»" for text in texts_of(SCENARIO)},
    }
    return Translation.model_validate(given | changes)


def test_every_word_a_person_reads_is_shown_in_the_other_language() -> None:
    other = chosen(SCENARIO, "es", [translation()])

    assert other.question("mat").prompt == "«Which medication for opioid use disorder?»"
    assert all(text.startswith("«") for text in texts_of(other))
    assert [q.id for q in other.questions] == [q.id for q in SCENARIO.questions]
    assert other.hash == SCENARIO.hash


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_same_answers_lead_to_the_same_in_every_language(case: dict[str, Any]) -> None:
    other = chosen(SCENARIO, "es", [translation()])

    assert evaluate(case["answers"], other) == evaluate(case["answers"], SCENARIO)
    bracketed = plain_summary(summarise(case["answers"], other))
    assert bracketed != plain_summary(summarise(case["answers"], SCENARIO))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": "0"}, "translates version 0"),
        ({"texts": {"Methadone": "Metadona"}}, "texts are missing, the first"),
    ],
)
def test_a_translation_that_does_not_fit_is_not_used(changes: dict[str, Any], told: str) -> None:
    unfit = translation(**changes)

    assert chosen(SCENARIO, "es", [unfit]) is SCENARIO
    assert told in problems(unfit, SCENARIO)[0]


def test_another_language_than_asked_for_is_not_used() -> None:
    assert chosen(SCENARIO, "fr", [translation()]) is SCENARIO


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("language = ", "Invalid"),
        ('language = "es"\nscenario = "a"\nversion = "1"\ntexts = {}', "reviewer"),
        (UNKNOWN_LANGUAGE, "language"),
    ],
)
def test_a_translation_without_its_reviewer_or_otherwise_unsound_is_refused(
    text: str, told: str
) -> None:
    with pytest.raises(ContentError, match=told):
        load_translation_text(text)


def test_only_reviewed_translations_of_the_present_version_ship() -> None:
    assert all(problems(each, SCENARIO) == () for each in load_translations())
    assert in_language(SCENARIO, "en") is SCENARIO


def test_a_packaged_translation_is_found_by_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translations, "load_translations", lambda scenario: (translation(),))
    translations._packaged.cache_clear()

    assert in_language(SCENARIO, "es").title == f"«{SCENARIO.title}»"
    assert in_language(SCENARIO, "fr") is SCENARIO
    translations._packaged.cache_clear()


def test_the_content_check_names_what_a_translation_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "load_translations", lambda scenario: (translation(version="0"),))

    report, clean = checks.check_report(date(2026, 11, 22))

    assert not clean
    assert f"error: translation es: translates version 0, not {SCENARIO.version}" in report
