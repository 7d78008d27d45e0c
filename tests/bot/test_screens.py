"""Every screen fits a phone and Telegram, whatever the answers are."""

import html
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from bot.cases_list import age
from bot.language import translator
from bot.screen import Button, Screen, clipped, paired, utf16, visible
from bot.screens import question, review, start, summary
from bot.screens.changes import change_lines
from dialogs.content import load_scenario
from dialogs.engine import asking
from dialogs.evaluation import difference, evaluate
from dialogs.model import Consult, Draft
from dialogs.summary import summarise
from tests.dialogs.random_answers import random_answers
from tests.dialogs.reference_evaluator import VIGNETTES

SCENARIO = load_scenario()
CASES = [(vignette["id"], vignette["answers"]) for vignette in VIGNETTES]
MOST_ROWS = 12
NAVIGATION = 3
"""Rows below the choices: keep, not known, and the last one."""

MARKUP = ("<b>", "</b>", "<i>", "</i>", "<u>", "</u>", "<blockquote expandable>", "</blockquote>")


def advised(answers: Any) -> Consult:
    return Consult(SCENARIO.id, SCENARIO.hash, phase="advised", answers=answers, shown=answers)


def pages(answers: Any) -> Iterator[Screen]:
    """Yield the summary of some answers and every page behind it."""
    consult, told = advised(answers), summarise(answers, SCENARIO)
    known: dict[str, Any] = {"case": "abcd2345", "code": "K7"}
    yield summary.summary_screen(consult, SCENARIO, str, **known)
    yield summary.step_screen(told, str, **known)
    for page in range(9):
        yield summary.details_screen(told, str, **known, page=page)
        yield summary.gaps_screen(told, consult, str, **known, page=page)
        yield summary.depends_screen(consult, SCENARIO, str, **known, page=page)
    yield review.review_screen(consult, SCENARIO, str, **known)


def fits(screen: Screen) -> None:
    """Check a screen against what Telegram takes and a phone shows."""
    assert 0 < utf16(screen.text) <= 4096
    rows = [row for row in screen.rows if row]
    assert len(rows) <= MOST_ROWS + NAVIGATION
    for row in rows:
        assert len(row) <= 8
        for button in row:
            assert button.label
            assert len(button.data.encode()) <= 64
            assert len(button.copy) <= 256
    bare = screen.text
    for tag in MARKUP:
        bare = bare.replace(tag, "")
    assert "<" not in bare
    assert ">" not in bare


@pytest.mark.parametrize(("name", "answers"), CASES, ids=[name for name, _ in CASES])
def test_the_summary_of_a_vignette_fits_nine_hundred_visible_characters(
    name: str, answers: Any
) -> None:
    consult = advised(answers)
    if summarise(answers, SCENARIO).stopped:
        screen = review.stopped_screen(consult, SCENARIO, str, case="abcd2345", code="K7")
    else:
        screen = summary.summary_screen(consult, SCENARIO, str, case="abcd2345", code="K7")

    assert visible(screen.text) <= 900
    fits(screen)


@pytest.mark.parametrize(("name", "answers"), CASES, ids=[name for name, _ in CASES])
def test_every_page_behind_a_summary_fits(name: str, answers: Any) -> None:
    for screen in pages(answers):
        fits(screen)


def test_every_question_fits_however_it_is_answered() -> None:
    for each in SCENARIO.questions:
        for draft in drafts(each.kind, [option.id for option in each.options]):
            consult = Consult(
                SCENARIO.id, SCENARIO.hash, phase="asking", cursor=each.id, draft=draft
            )
            assert asking(consult, SCENARIO) == each
            fits(question.question_screen(consult, SCENARIO, str, case="abcd2345", code="K7"))


def drafts(kind: str, options: list[str]) -> Iterator[Draft]:
    yield Draft()
    if kind == "multi":
        yield Draft(marked=tuple(options[1:]), touched=True)
    if kind == "dose":
        yield Draft(entries=tuple({"drug": name} for name in options[:5]), focus=0)


def test_values_are_escaped_wherever_they_come_from() -> None:
    screen = start.settings_screen(
        start.SettingsLine(role="<b>&", path="quick", language="es", time_zone="<i>", quiet="&"),
        str,
    )

    assert "Role: &lt;b&gt;&amp;" in screen.text
    assert "Time zone: &lt;i&gt;" in screen.text


def test_every_other_screen_fits() -> None:
    lines = [
        start.CaseLine("abcd2345", "K7", "question 1 of 8", "just now", hypothetical=bool(n % 2))
        for n in range(8)
    ]
    known: dict[str, Any] = {"case": "abcd2345", "code": "K7"}
    screens = [
        start.scope_screen(SCENARIO, str),
        start.role_screen(SCENARIO, str, chosen="pcp"),
        start.ready_screen(str),
        start.help_screen(str),
        start.privacy_screen(str, retention_days=180),
        start.cases_screen(lines, str, page=1, more=True),
        start.cases_screen((), str),
        review.sure_screen(str, **known, what="close"),
        review.sure_screen(str, **known, what="cancel"),
        review.facts_screen(str, **known),
        review.ended_screen(str, **known, cancelled=True),
        *[
            summary.why_screen(each.id, SCENARIO, str, case="abcd2345")
            for each in SCENARIO.questions
        ],
    ]
    for screen in screens:
        fits(screen)


def test_red_flags_stand_in_full() -> None:
    consult = Consult(SCENARIO.id, SCENARIO.hash, phase="asking", cursor="safety_now")
    screen = question.question_screen(consult, SCENARIO, str, case="abcd2345", code="K7")

    for option in SCENARIO.question("safety_now").options:
        if option.id != "none":
            assert option.label in screen.text.replace("&lt;", "<").replace("&amp;", "&")


def test_a_consult_outside_the_questions_has_no_question_screen() -> None:
    with pytest.raises(ValueError, match="not at a question"):
        question.question_screen(advised({}), SCENARIO, str, case="a", code="K7")


def test_a_change_that_did_nothing_says_so() -> None:
    answers = CASES[0][1]
    consult = Consult(
        SCENARIO.id, SCENARIO.hash, phase="advised", answers=answers, shown=answers, earlier=answers
    )

    assert "nothing in the summary" in summary.changed(consult, SCENARIO, str).first


def test_a_changed_dose_is_told_with_its_mme_though_nothing_else_changes() -> None:
    before = {**CASES[0][1], "opioid": [{"drug": "oxycodone"}]}
    after = {**before, "opioid": [{"drug": "oxycodone", "strength": 10, "per_day": 3}]}
    unsure = {**before, "endplan": None, "signals": "unk"}

    told = str(change_lines(before, after, SCENARIO, str))

    assert "MME: cannot calculate → 45 MME/day" in told
    assert "no longer held back: " in told
    assert "held back now: " in str(change_lines(before, unsure, SCENARIO, str))


def test_a_warning_that_comes_or_goes_is_told() -> None:
    before = CASES[0][1]
    found = next(
        {**before, q.id: [o.id] if q.kind == "multi" else o.id}
        for q in SCENARIO.questions
        if q.kind in ("choice", "multi") and q.id != "safety_now"
        for o in q.options
        if evaluate({**before, q.id: [o.id] if q.kind == "multi" else o.id}, SCENARIO).banners
    )

    assert "+ warning: " in str(change_lines(before, found, SCENARIO, str))
    assert "− warning no longer shown: " in str(change_lines(found, before, SCENARIO, str))


def test_a_changed_step_stands_first_and_is_not_folded() -> None:
    before = CASES[0][1]
    told = str(change_lines(before, {**before, "setting": "inpt"}, SCENARIO, str))

    assert told.split("\n")[1].startswith("step: Agree a written plan")
    assert "step:" not in told.partition("<blockquote")[2]


def test_only_words_changed_is_not_said_to_be_nothing() -> None:
    before = CASES[0][1]
    quiet = [
        {**before, q.id: option.id}
        for q in SCENARIO.questions
        if q.kind == "choice"
        for option in q.options
        if difference(
            evaluate(before, SCENARIO), evaluate({**before, q.id: option.id}, SCENARIO)
        ).nothing
    ]

    for after in quiet:
        told = str(change_lines(before, after, SCENARIO, str))
        same = summarise(before, SCENARIO) == summarise(after, SCENARIO)
        assert ("nothing in the summary" in told) is same


def test_what_a_change_did_is_never_said_to_be_nothing() -> None:
    random = Random(7)  # noqa: S311 - test data, the same every time
    for before, after in pairwise([random_answers(random) for _ in range(120)]):
        did = difference(evaluate(before, SCENARIO), evaluate(after, SCENARIO))
        told = str(change_lines(before, after, SCENARIO, str))

        assert did.nothing or "Changed: n" not in told
        assert (did.mme_from == did.mme_to) or "MME: " in told


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_summary_with_what_a_change_did_fits_a_phone(language: str) -> None:
    open_cases = [a for _, a in CASES if not summarise(a, SCENARIO).stopped]
    for place, answers in enumerate(open_cases):
        for step in (1, 4):
            earlier = open_cases[(place + step) % len(open_cases)]
            consult = replace(advised(answers), earlier=earlier)
            screen = summary.summary_screen(
                consult, SCENARIO, translator(language), case="abcd2345", code="K7"
            )

            assert visible(screen.text) <= summary.VISIBLE
            fits(screen)


def test_what_it_depends_on_begins_with_the_red_flags_and_says_what_the_signs_mean() -> None:
    screen = summary.depends_screen(
        advised(CASES[0][1]), SCENARIO, str, case="abcd2345", code="K7", page=0
    )

    first = screen.text.split("\n\n")[3]
    assert first == "<b>Safety now</b>\n• if any of them → Emergency assessment now"
    assert "+ would be added, - would no longer apply." in screen.text


def test_what_is_held_back_stands_under_its_question_with_its_tap() -> None:
    answers = next(answers for name, answers in CASES if name == "OV13")
    told = summarise(answers, SCENARIO)
    screens = [
        summary.gaps_screen(told, advised(answers), str, case="abcd2345", code="K7", page=page)
        for page in range(4)
    ]
    text = "\n".join(dict.fromkeys(screen.text for screen in screens))
    labels = {button.label for screen in screens for row in screen.rows for button in row}

    for place, gap in enumerate(told.gaps, 1):
        block = text.partition(f"{place}. <b>{gap.title}</b>")[2].partition(f"{place + 1}. <b>")[0]
        assert f"{place} {gap.title}" in labels
        assert all(f"• {dict(told.held_back)[i]}" in html.unescape(block) for i in gap.holds_back)


def test_a_long_label_is_cut_at_a_word() -> None:
    assert clipped("one two three", 20) == "one two three"
    assert clipped("one two three", 10) == "one two…"


def test_a_long_button_stands_alone() -> None:
    short, long = Button("short", "x"), Button("a label that is rather long", "y")

    assert paired([short, short, long, short]) == ((short, short), (long,), (short,))


def test_a_button_opens_an_address() -> None:
    assert Button("Open", url="https://example.org").markup() == {
        "text": "Open",
        "url": "https://example.org",
    }


def test_a_time_to_come_is_just_now() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)

    assert age(now + timedelta(days=1), now, str) == "just now"
