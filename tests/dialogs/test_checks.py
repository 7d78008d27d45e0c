"""The check of the content finds what it is there to find."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest

from dialogs import checks
from dialogs.checks import (
    MOST_SECONDS,
    MOST_TAPS,
    Problem,
    budget,
    check_report,
    check_scenario,
    report,
    walk,
)
from dialogs.content import (
    Scenario,
    Vignette,
    load_scenario,
    load_scenario_text,
    load_vignettes,
)
from dialogs.evaluation import evaluate
from dialogs.rules import Criterion, Rule
from dialogs.witnesses import fits, reaching, samples, witnesses

SCENARIO = load_scenario()
CASES = load_vignettes()
TODAY = date(2026, 11, 22)


def changed(*changes: tuple[str, str]) -> Scenario:
    text = SCENARIO.body
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return load_scenario_text(text)


def problems(
    scenario: Scenario = SCENARIO, *, today: date = TODAY, cases: Sequence[Vignette] = CASES
) -> list[tuple[str, str, str]]:
    return [(p.level, p.subject, p.text) for p in check_scenario(scenario, today, cases)]


@cache
def clean() -> frozenset[tuple[str, str, str]]:
    return frozenset(problems())


def new_problems(scenario: Scenario) -> set[tuple[str, str, str]]:
    return set(problems(scenario)) - clean()


def test_the_scenario_has_no_errors() -> None:
    assert {level for level, _, _ in clean()} == {"warning"}


def test_the_report_is_the_same_and_says_so() -> None:
    text, ok = check_report(TODAY)

    assert ok
    assert "22 questions (8 fast)" in text
    assert "paths end after 16 to 20 questions" in text
    assert text.endswith("warnings")


def test_a_report_without_the_founding_case_has_no_tap_budget() -> None:
    text = report(SCENARIO, (), [Problem("error", "x", "is wrong")])

    assert "taps" not in text
    assert text.endswith("error: x: is wrong\n1 errors, 0 warnings")


# --- paths and rules ------------------------------------------------------------------------------


def test_a_question_that_nothing_leads_to_is_found() -> None:
    never = changed(
        (
            'ask_when.all = [{ question = "mat", operator = "in", value = ["methadone"] }]',
            (
                'ask_when.all = [{ question = "mat", operator = "in", value = ["methadone"] }, '
                '{ question = "mat", operator = "in", value = ["ntx_po"] }]'
            ),
        )
    )

    assert ("error", "methadone_dose", "no answers lead to this question") in new_problems(never)


def test_a_consideration_that_nothing_raises_is_found() -> None:
    never = changed(
        (
            'when.all = [{ finding = "custody" }]\nsources',
            'when.all = [{ finding = "custody" }, { finding = "outpatient" }]\nsources',
        )
    )

    assert ("error", "SET4", "no answers raise this consideration") in new_problems(never)


def test_a_step_that_nothing_leads_to_is_found() -> None:
    never = changed(
        (
            'step = "STEP_CORR"\nwhen.all = [{ finding = "custody" }]',
            'step = "STEP_CORR"\nwhen.all = [{ finding = "custody" }, { finding = "outpatient" }]',
        )
    )

    assert ("error", "STEP_CORR", "no answers lead to this step") in new_problems(never)


def test_a_banner_that_nothing_shows_is_found() -> None:
    never = changed(
        (
            'when.all = [{ question = "reason", operator = "in", value = ["cancer"] }]\nsources',
            'when.all = [{ finding = "planned" }, { finding = "long_course" }]\nsources',
        )
    )

    assert ("error", "SC1", "no answers show this banner") in new_problems(never)


def test_an_option_that_no_rule_looks_at_is_found() -> None:
    idle = changed(('label = "Other", informational = true', 'label = "Other"'))

    assert new_problems(idle) == {
        ("error", "role.other", "no rule looks at it, and it is not marked informational"),
    }


def test_an_option_wrongly_marked_informational_is_found() -> None:
    used = changed(('label = "Jail or prison"', 'informational = true, label = "Jail or prison"'))

    assert new_problems(used) == {("error", "setting.corr", "is used marked informational")}


def test_a_finding_that_no_rule_uses_is_found() -> None:
    more = changed(
        (
            '[[findings]]\nid = "er_la"',
            (
                '[[findings]]\nid = "idle"\nwords = "idle"\n'
                'when.all = [{ finding = "bup_mat" }]\n\n[[findings]]\nid = "er_la"'
            ),
        )
    )

    assert new_problems(more) == {("error", "idle", "no rule uses this finding")}


@pytest.mark.parametrize("place", range(13))
def test_every_path_asks_a_question_once_and_ends(place: int) -> None:
    asked = walk(SCENARIO, place)

    assert len(asked) == len(set(asked))
    assert asked[0] == "safety_now"
    assert asked[-1] == "decided"


# --- vignettes ------------------------------------------------------------------------------------


def with_case(**changes: Any) -> set[tuple[str, str, str]]:
    case = CASES[0].model_copy(update={"id": "X1", **changes})
    return set(problems(cases=[*CASES, case])) - clean()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"step": "STEP_CORR"}, "the step is STEP_90D_PLAN, not STEP_CORR"),
        ({"mme": 46.0}, "another MME than expected"),
        ({"must": ("SET4",)}, "SET4 is not raised"),
        ({"must_not": ("DUR2",)}, "DUR2 is raised"),
        ({"answers": {"setting": "moon"}}, "setting: expected one of"),
    ],
)
def test_a_vignette_that_does_not_come_true_is_found(changes: Any, text: str) -> None:
    found = with_case(**changes)

    assert {(level, subject) for level, subject, _ in found} == {("error", "X1")}
    assert any(words.startswith(text) for _, _, words in found)


def test_what_no_vignette_shows_is_found() -> None:
    found = problems(cases=CASES[:1])

    assert ("error", "SET4", "no vignette raises it") in found
    assert ("error", "DUR2", "no vignette is without it") in found
    assert ("error", "STEP_CORR", "no vignette each way leads to it and past it") in found
    assert ("error", "STEP_90D_PLAN", "no vignette each way leads to it and past it") in found


# --- sources --------------------------------------------------------------------------------------


def test_a_source_that_grew_old_is_a_warning() -> None:
    found = problems(today=date(2027, 11, 23))

    assert ("warning", "asam2020", "last checked on 2026-11-22: check it again") in found
    assert not any(level == "error" for level, _, _ in found)


def test_a_source_checked_tomorrow_is_an_error() -> None:
    found = problems(today=date(2026, 11, 21))

    assert ("error", "asam2020", "checked on a day that has not come") in found


def test_a_superseded_source_fails_unless_it_is_said_why() -> None:
    bare = changed(
        (
            (
                'section = "p. 16", retained = "timings said to be kept in 2020; from memory, '
                'to be checked"'
            ),
            'section = "p. 16"',
        )
    )

    assert ("error", "NTX2", "cites asam2015, superseded by asam2020") in new_problems(bare)
    assert ("warning", "NTX2", "cites asam2015, superseded by asam2020, on purpose") in clean()


def test_a_source_that_nothing_cites_is_found() -> None:
    idle = changed(
        (
            '[[sources]]\nid = "cdc2022"',
            (
                '[[sources]]\nid = "idle"\ntitle = "t"\nyear = "2020"\nurl = "https://example.org"\n'
                'kind = "research"\nverified = "read"\nchecked_on = 2026-11-22\n\n'
                '[[sources]]\nid = "cdc2022"'
            ),
        )
    )

    assert new_problems(idle) == {("error", "idle", "nothing cites this source")}


# --- texts ----------------------------------------------------------------------------------------


def test_a_text_that_no_phone_can_show_is_found() -> None:
    long = changed(
        ('prompt = "Your role in this case?"', f'prompt = "{"role " * 800}"'),
        ('title = "Pregnancy"', f'title = "{"Pregnancy " * 400}"'),
        ('short = "Office-based MAT"', f'short = "{"Office " * 8}"'),
    )

    assert {
        ("error", "role", "the question does not fit one message"),
        ("error", "role", "a text does not fit one message"),
        ("error", "RSK3", "a text does not fit one message"),
        ("error", "setting.obot", "the button's label is too long"),
    } == new_problems(long)


def test_a_word_that_never_stands_in_a_text_is_found() -> None:
    rude = changed(('title = "Pregnancy"', 'title = "Failed test"'))

    assert new_problems(rude) == {("error", "RSK3", "a word that never stands in a text")}


# --- taps and time --------------------------------------------------------------------------------


def test_the_founding_case_keeps_the_tap_budget() -> None:
    cost = budget(SCENARIO, CASES[0])

    assert cost.taps == MOST_TAPS == 11
    assert cost.seconds <= MOST_SECONDS == 90


def test_a_case_over_the_budget_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_TAPS", 10)
    monkeypatch.setattr(checks, "MOST_SECONDS", 60.0)
    found = set(problems()) - clean()

    assert {(level, subject) for level, subject, _ in found} == {("error", "OV01")}
    assert len(found) == 2


# --- witnesses ------------------------------------------------------------------------------------


def test_a_rule_that_contradicts_itself_has_no_witness() -> None:
    both = Rule(
        all=(
            Criterion(question="setting", value=("otp",)),
            Criterion(question="setting", value=("ed",)),
        )
    )

    assert list(witnesses(both, SCENARIO)) == []


def test_a_missing_answer_is_witnessed_by_leaving_it_out() -> None:
    missing = Rule(all=(Criterion(question="ecg", operator="unknown"),))

    assert list(witnesses(missing, SCENARIO)) == [{"mat": "methadone"}]


@pytest.mark.parametrize(
    ("operator", "bound", "value", "holds"),
    [
        ("unknown", None, ["osa"], False),
        ("in", ("osa",), ["osa", "preg"], True),
        ("lacks", ("osa",), ["preg"], True),
        ("not in", ("osa",), ["osa"], False),
    ],
)
def test_a_criterion_fits_an_answer(operator: Any, bound: Any, value: Any, holds: bool) -> None:
    criterion = Criterion(question="risk", operator=operator, value=bound)

    assert fits(criterion, value, SCENARIO) is holds


def test_samples_of_a_number_lie_around_its_thresholds() -> None:
    found = samples(
        SCENARIO.question("methadone_dose"),
        [Criterion(question="methadone_dose", operator=">=", value=100.0)],
    )

    assert found == [1, 400, 100, 99, 101]


def test_answers_are_found_that_lead_to_each_step() -> None:
    for step in SCENARIO.steps:
        answers = reaching(step.id, SCENARIO)

        assert answers is not None
        assert evaluate(answers, SCENARIO).step == step.id


def test_a_problem_is_a_value() -> None:
    one = Problem("error", "x", "y")

    assert replace(one, level="warning") != one


def test_a_step_with_one_message_only_and_a_long_short_one_are_found() -> None:
    short = SCENARIO.step("STEP_PREG").short
    without = changed((f'short = "{short}"\n', ""))
    long = changed((short, short + "x" * 80))

    assert ("error", "STEP_PREG", "a step has both messages, draft and short, or none") in (
        new_problems(without)
    )
    assert ("error", "STEP_PREG", "the short message has no room for what it is filled with") in (
        new_problems(long)
    )
