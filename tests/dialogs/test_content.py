"""The scenario says what the content says, and a wrong file is refused."""

import re
from typing import Any

import pytest

from dialogs.checks import texts
from dialogs.content import (
    load_scenario,
    load_scenario_text,
    load_vignettes_text,
    scenario_names,
)
from dialogs.errors import ContentError
from tests.dialogs.reference_evaluator import CONTENT

SCENARIO = load_scenario()


def by_id(part: str) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in CONTENT[part]}


# --- word for word --------------------------------------------------------------------------------


def test_the_counts_are_those_of_the_content() -> None:
    priorities = [consideration.priority for consideration in SCENARIO.considerations]

    assert len(SCENARIO.questions) == 22
    assert [question.id for question in SCENARIO.questions if question.fast] == [
        *("safety_now", "setting", "mat", "reason", "opioid", "duration", "endplan", "monitoring"),
    ]
    assert [priorities.count(p) for p in ("address-now", "discuss", "reassuring")] == [23, 17, 5]
    assert (len(SCENARIO.banners), len(SCENARIO.step_order), len(SCENARIO.steps)) == (7, 22, 21)


def test_questions_and_options_stand_word_for_word() -> None:
    for question in SCENARIO.questions:
        theirs = by_id("questions")[question.id]

        assert (question.prompt, question.group, question.kind, question.fast) == (
            *(theirs["prompt"], theirs["group"], theirs["type"], theirs["fast"]),
        )
        assert [{"id": o.id, "label": o.label} for o in question.options] == theirs["options"]


@pytest.mark.parametrize("field", ["title", "text", "priority", "strength"])
def test_considerations_stand_word_for_word(field: str) -> None:
    theirs = by_id("considerations")

    assert [c.id for c in SCENARIO.considerations] == list(theirs)
    assert all(getattr(c, field) == theirs[c.id][field] for c in SCENARIO.considerations)


def test_banners_stand_word_for_word() -> None:
    theirs = by_id("banners")

    assert all(banner.text == theirs[banner.id]["text"] for banner in SCENARIO.banners)


@pytest.mark.parametrize("field", ["title", "who", "ask", "by", "in_words"])
def test_steps_stand_word_for_word(field: str) -> None:
    theirs = by_id("steps")

    assert all(getattr(step, field) == theirs[step.id][field] for step in SCENARIO.steps)


def test_the_tables_are_those_of_the_content() -> None:
    assert dict(SCENARIO.mme_factors) == CONTENT["mme_factors"]
    assert list(SCENARIO.mu_opioids) == CONTENT["mu_opioids"]
    assert list(SCENARIO.gap_order) == CONTENT["gap_order"]
    assert dict(SCENARIO.dose_fields) == CONTENT["dose_fields"]
    assert [row.step for row in SCENARIO.step_order] == [r["id"] for r in CONTENT["step_order"]]


def test_a_date_stands_only_where_something_was_verified() -> None:
    confidence = {c.id: c.confidence for c in SCENARIO.considerations}
    for name, words in confidence.items():
        dated = [
            citation
            for citation in SCENARIO.consideration(name).sources
            if SCENARIO.source(citation.source).checked_on
        ]
        fully = re.search(r"VERIFIED(?! in CDC draft| secondary)", words)

        assert fully or not dated, name


def test_the_years_on_the_first_screen_are_those_of_the_sources() -> None:
    years = sorted(source.year for source in SCENARIO.sources if source.year)

    assert f"dated {years[0]}-{years[-1]};" in SCENARIO.scope_text


# --- what the bot does not say ----------------------------------------------------------------------


def test_the_words_of_rule_2_stand_only_where_they_are_not_about_the_client() -> None:
    word = re.compile(r"\b(must|required|safe|unsafe)\b")
    found = {(owner, hit) for owner, text in texts(SCENARIO) for hit in word.findall(text)}

    assert found == {
        ("COM2", "required"),  # the notice that the regulation asks for
        ("OPI1", "must"),  # of the MME: not a conversion
        ("DUR4", "safe"),  # the founding author's words, attributed
        ("STEP_90D_PLAN", "safe"),  # the same
        ("MTD5", "safe"),  # "safe storage", of what clinics weigh
        ("STEP_CORR", "safe"),  # "safe restart", of the procedure
    }


def test_synonyms_are_distinct_within_a_question() -> None:
    for question in SCENARIO.questions:
        words = [word for option in question.options for word in option.synonyms]

        assert sorted(words) == sorted(set(words)), question.id
        assert all(word == word.lower().strip() for word in words)


def test_every_option_has_something_a_clinician_would_type() -> None:
    assert all(option.synonyms for q in SCENARIO.questions for option in q.options)


def test_a_button_is_the_short_label_where_there_is_one() -> None:
    setting = SCENARIO.question("setting")

    assert setting.option("otp").button == "Methadone clinic (OTP)"
    assert setting.option("ed").button == "Emergency department"


def test_a_question_knows_what_it_depends_on() -> None:
    assert SCENARIO.question("benefit").depends_on == {"opioid", "duration"}
    assert SCENARIO.question("setting").depends_on == frozenset()


# --- a wrong file -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[[questions]]", "[[questions", "Expected"),
        ('question = "mat"', 'question = "typo"', "no earlier question 'typo'"),
        ('value = ["methadone"]', 'value = ["typo"]', "nothing is called 'typo'"),
        ('finding = "custody"', 'finding = "typo"', "no earlier finding 'typo'"),
        ('id = "setting"', 'id = "role"', "two of one name: question 'role'"),
        ('id = "otp", label', 'id = "ed", label', "two of one name: option of setting 'ed'"),
        ('red_flag = "RF1"', 'red_flag = "RF9"', "nothing is called 'RF9'"),
        ('source = "kurdyak2012"', 'source = "typo"', "nothing is called 'typo'"),
        ('superseded_by = "asam2020"', 'superseded_by = "typo"', "nothing is called 'typo'"),
        ('why_source = "fda2020"', 'why_source = "typo"', "nothing is called 'typo'"),
        ('step = "STEP_CORR"', 'step = "typo"', "nothing is called 'typo'"),
        ('key = "setting"', 'key = "typo"', "nothing is called 'setting'"),
        ('kind = "guideline"', 'kind = "hearsay"', "kind"),
        ('priority = "discuss"', 'priority = "soon"', "priority"),
        ('title = "Pregnancy"', 'title = ""', "title"),
        (
            'ask_when.all = [{ question = "mat", operator = "in", value = ["methadone"] }]',
            'ask_when.all = [{ finding = "methadone_mat" }]',
            "ask_when looks at answers, not at findings",
        ),
        (
            'step = "STEP_GATHER"\nwhen.all = [{ finding = "mat_not_known" }]',
            'step = "STEP_GATHER"',
            "the last row, and only the last, has no rule",
        ),
    ],
)
def test_a_wrong_file_is_refused_and_the_place_is_named(old: str, new: str, problem: str) -> None:
    assert old in SCENARIO.body
    wrong = SCENARIO.body.replace(old, new, 1)

    with pytest.raises(ContentError, match=re.escape(problem)):
        load_scenario_text(wrong)


def test_a_file_with_many_faults_is_told_shortly() -> None:
    with pytest.raises(ContentError, match=r"and [0-9]+ more") as refused:
        load_scenario_text('id = "empty"')

    assert len(str(refused.value)) < 300


def test_a_scenario_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ContentError, match="no such scenario"):
        load_scenario("nowhere")


@pytest.mark.parametrize("text", ["[[vignettes]]", "[[vignettes"])
def test_wrong_vignettes_are_refused(text: str) -> None:
    with pytest.raises(ContentError):
        load_vignettes_text(text)


def test_the_scenarios_are_those_with_vignettes() -> None:
    assert scenario_names() == ("mat_pain",)


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 5000, "# \ud800", "x = " + "9" * 5000, "x", ""],
    ids=["too deep", "half a character", "too long a number", "no value", "empty"],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_as_well(text: str) -> None:
    with pytest.raises(ContentError):
        load_scenario_text(text)
