"""A shared case as others see it: answers, step, considerations, gaps; codes and numbers put into words.

Pure: the preview and what others see are made by the same function from the same values.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.language import Translate, content_note
from bot.screen import bold, chunks, esc, fold, lines
from bot.screens.summary import PAGE as LONGEST
from bot.screens.summary import step_lines
from dialogs.content import Scenario
from dialogs.evaluation import evaluate
from dialogs.messages import PART_2_NOTICE
from dialogs.shown import show_answer
from dialogs.summary import StepView, Summary, summarise

PAGE = LONGEST - 600
"""UTF-16 units of a page; above it the preview says what it is."""


def shared_pages(
    answers: Mapping[str, Any], scenario: Scenario, t: Translate, *, head: str
) -> tuple[str, ...]:
    """Return a shared case as pages of HTML; ``head`` (HTML) stands above the first."""
    told = summarise(answers, scenario, t)
    parts = [
        head,
        lines(bold(t("Answers")), *_answers(answers, scenario, t)),
        *[lines(bold(banner.title), esc(banner.text)) for banner in told.banners],
        _step(told.step, t),
        *_considerations(told, t),
        *_gaps(told, t),
        esc(told.mme_line),
        lines(
            f"<i>{esc(told.footer)}</i>",
            f"<i>{esc(PART_2_NOTICE)}</i>",
            esc(content_note(scenario, t)),
        ),
    ]
    return chunks([part for part in parts if part], PAGE)


def _answers(answers: Mapping[str, Any], scenario: Scenario, t: Translate) -> Iterator[str]:
    for name in evaluate(answers, scenario).asked:
        if name in answers:
            question = scenario.question(name)
            heading = t("Asked by") if name == "role" else question.short
            yield f"• {esc(heading)}: {bold(show_answer(question, answers[name], scenario, t))}"


def _step(step: StepView, t: Translate) -> str:
    """Return the step: its title and what to ask; who, when, consent and why folded."""
    return lines(
        esc(step.heading),
        bold(step.title),
        esc(step.judgement or ""),
        fold("\n".join(step_lines(step, t))),
    )


def _considerations(told: Summary, t: Translate) -> Iterator[str]:
    headings = {
        "address-now": t("Address now"),
        "discuss": t("Discuss"),
        "reassuring": t("Reassuring"),
    }
    for priority, heading in headings.items():
        titles = [f"• {esc(view.title)}" for view in told.raised if view.priority == priority]
        if titles:
            yield lines(bold(f"{heading} ({len(titles)})"), *titles)


def _gaps(told: Summary, t: Translate) -> tuple[str, ...]:
    listed = [f"• {esc(gap.title)} <i>({esc(t(gap.state))})</i>" for gap in told.gaps]
    head = bold(f"{t('Not known yet')} ({len(listed)})")
    return (lines(head, fold("\n".join(listed))),) if listed else ()
