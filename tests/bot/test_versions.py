"""What differs between two versions of the content is told by its words, not only by its ids."""

from typing import Any

import pytest

from bot.forks import Side, compared
from bot.screens.versions import changed_points, changed_questions
from dialogs import versions
from dialogs.content import Scenario, load_scenario
from dialogs.evaluation import evaluate
from tests.bot.conftest import Conversation
from tests.bot.walks import summary
from tests.dialogs.reference_evaluator import VIGNETTES

THEN = load_scenario()
ANSWERS: dict[str, Any] = VIGNETTES[0]["answers"]
RAISED = evaluate(ANSWERS, THEN).considerations
"""What the founding case raises."""


def other(**update: object) -> Scenario:
    """Return another version, with nothing kept that was worked out for this one."""
    made = THEN.model_copy(update={**update, "hash": "other", "version": "99"})
    for name in [name for name in made.__dict__ if name not in Scenario.model_fields]:
        del made.__dict__[name]
    return made


def with_point(name: str, **update: object) -> Scenario:
    items = tuple(c.model_copy(update=update) if c.id == name else c for c in THEN.considerations)
    return other(considerations=items)


def with_question(name: str, **update: object) -> Scenario:
    items = tuple(q.model_copy(update=update) if q.id == name else q for q in THEN.questions)
    return other(questions=items)


def shown(now: Scenario) -> str:
    return "\n".join(compared(Side("A", ANSWERS, THEN), Side("B", ANSWERS, now), str))


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"text": "Another text."}, "Changed: its text"),
        ({"title": "Another title"}, "Changed: its title"),
        ({"priority": "reassuring"}, "Changed: its priority"),
        ({"strength": "strong now"}, "Changed: its strength"),
        ({"when": THEN.consideration("DUR1").when}, "Changed: which answers raise it"),
        ({"sources": THEN.consideration("DUR1").sources[:1]}, "Changed: its sources"),
    ],
)
def test_a_raised_consideration_that_changed_is_told(update: dict[str, Any], words: str) -> None:
    name = next(
        i for i in RAISED if i != "DUR1" and THEN.consideration(i).sources != update.get("sources")
    )

    told = "\n".join(changed_points(RAISED, THEN, with_point(name, **update), str))

    assert words in told
    assert str(update.get("text", "")) in told


def test_what_is_not_raised_but_changed_is_listed_in_short() -> None:
    quiet = next(c for c in THEN.considerations if c.id not in RAISED)

    told = shown(with_point(quiet.id, text="Another text."))

    assert "Also changed, not raised by these answers (1)" in told
    assert f"• {quiet.title}: its text" in told


def test_a_consideration_that_is_new_or_gone_is_listed() -> None:
    first, *rest = THEN.considerations
    fresh = first.model_copy(update={"id": "NEW1", "title": "Something new"})
    now = other(considerations=(fresh, *rest))

    told = "\n".join(changed_points((), THEN, now, str))

    assert "+ Something new" in told
    assert f"− {first.title}" in told


def test_a_changed_finding_or_suppression_changes_the_rule() -> None:
    finding = next(
        f
        for f in THEN.findings
        if any(k.finding == f.id for c in THEN.considerations for k in c.when.criteria)
    )
    odd = finding.model_copy(update={"words": "something else"})
    found = tuple(odd if f.id == finding.id else f for f in THEN.findings)
    now = other(findings=found)
    quiet = other(suppress=())

    assert {d.parts for d in versions.considerations(THEN, now)} == {("rule",)}
    assert {d.id for d in versions.considerations(THEN, quiet)} == {
        i for s in THEN.suppress for i in s.ids
    }


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"prompt": "Another question?"}, "asked differently"),
        ({"options": THEN.question("setting").options[:2]}, "other choices"),
        ({"allows_unknown": False}, "other choices"),
        ({"ask_when": THEN.question("ecg").ask_when}, "asked in other cases"),
        ({"why": "Another reason."}, "another reason why it is asked"),
    ],
)
def test_a_question_that_changed_is_told(update: dict[str, Any], words: str) -> None:
    assert words in changed_questions(THEN, with_question("setting", **update), (), str)


def test_a_step_of_the_same_name_with_other_words_is_told() -> None:
    steps = tuple(s.model_copy(update={"by": "Within a week, never later."}) for s in THEN.steps)
    now = other(steps=steps)

    told = shown(now)

    assert "Its words today:" in told
    assert "Within a week, never later." in told


def test_the_same_content_differs_in_nothing() -> None:
    assert versions.considerations(THEN, THEN) == ()
    assert versions.questions(THEN, THEN) == ()
    assert list(changed_points(RAISED, THEN, THEN, str)) == []
    assert "Its words today" not in shown(THEN)


async def test_a_newer_text_and_strength_are_shown_page_by_page(ready: Conversation) -> None:
    await summary(ready)
    items = tuple(
        c.model_copy(update={"text": f"Today: {c.text}", "strength": "strong now"})
        for c in THEN.considerations
    )
    now = other(considerations=items)
    ready.service.scenarios.current = now

    await ready.says("/summary")
    screen = await ready.taps("What would differ today")
    assert "Changed: its text, its strength" in screen.text
    assert "· 1/" in screen.text
    screen = await ready.taps("Page 2")

    assert "· 2/" in screen.text
    assert "Case" in (await ready.taps("‹ Summary")).text
