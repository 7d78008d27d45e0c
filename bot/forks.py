"""What-if copies of a case, and two summaries side by side."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.callbacks import Callback, encode
from bot.cases import dialog_of, has_summary, keep
from bot.dialog import code_of, show_case
from bot.language import Translate
from bot.limits import one_more_case
from bot.screen import Button, Row, Screen, bold, chunks, esc, fold, lines, paragraphs
from bot.screens.paging import turning
from bot.screens.summary import PAGE, home
from bot.screens.versions import changed_points, changed_questions, changed_step
from bot.turn import Ended, Gone, Turn
from dialogs.answers import check_answers
from dialogs.content import Question, Scenario
from dialogs.errors import InvalidAnswer
from dialogs.evaluation import evaluate
from dialogs.model import Change, Step
from dialogs.phases import ADVISED, ENDED
from dialogs.shown import show_answer
from dialogs.summary import summarise
from storage import audit, consults
from storage.consults import StoredConsult

NOT_ANSWERED = object()


@dataclass(frozen=True, slots=True)
class Side:
    """One of two summaries that are compared."""

    name: str
    answers: Mapping[str, Any]
    scenario: Scenario


# --- the copy ---------------------------------------------------------------------------------


def _fork(turn: Turn, data: Callback) -> None:
    """Make a what-if copy with the same answers; the case itself stays as it is."""
    stored = turn.case(data.case)
    if stored.phase in ENDED:
        raise Ended(stored)
    if stored.phase not in ADVISED:
        raise Gone
    one_more_case(turn)
    copy = consults.create(
        turn.tx,
        turn.person,
        scenario_id=stored.scenario_id,
        content_hash=stored.content_hash,
        hypothetical_of=stored.id,
    )
    saved = _filled(turn, stored, copy)
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id,
            action="consult.fork",
            object_type="consult",
            object_id=saved.id,
            consult_id=stored.id,
        ),
    )
    words = turn.t("A what-if copy of case {code}. Change an answer, then compare.")
    show_case(turn, saved, esc(words.format(code=stored.code)))


def _filled(turn: Turn, stored: StoredConsult, copy: StoredConsult) -> StoredConsult:
    source = dialog_of(stored)
    filled = replace(
        dialog_of(copy),
        phase="advised",
        answers=source.answers,
        previous=source.previous,
        shown=source.answers,
        path=source.path,
        turn=1,
    )
    changes = tuple(Change(name, None, value, "fork") for name, value in source.answers.items())
    return keep(turn, copy, Step(filled, changes), turn.scenario_of(stored.content_hash))


def summary_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that compare: a what-if case with its case, an older case with today."""
    t = turn.t
    compare = (Button(t("Compare with the real case"), encode("cmp", stored.short)),)
    today = (Button(t("What would differ today"), encode("today", stored.short)),)
    fork = stored.hypothetical_of is not None
    older = stored.content_hash != turn.scenario.hash
    return (*((compare,) if fork else ()), *((today,) if older else ()))


# --- pages ------------------------------------------------------------------------------------


def _compare(turn: Turn, data: Callback) -> None:
    """Show a what-if case beside the case it was made of."""
    stored = turn.case(data.case, "consult.read")
    if stored.hypothetical_of is None or not has_summary(turn, stored):
        raise Gone
    real = consults.load(turn.tx, stored.hypothetical_of)
    if real.erased_at is not None:
        turn.tell(turn.t("The real case was deleted; there is nothing to compare with."))
        show_case(turn, stored)
        return
    t, scenario = turn.t, turn.scenario_of(stored.content_hash)
    sides = (
        Side(t("Case {code}").format(code=real.code), real.answers, scenario),
        Side(t("What-if case {code}").format(code=stored.code), stored.answers, scenario),
    )
    head = bold(f"{sides[0].name} · {sides[1].name}")
    body = paragraphs(head, changed_answers(*sides, t), *compared(*sides, t))
    turn.show(Screen(body, (home(t, stored.short),)), consult=stored.id, kind="view.compare")


def _today(turn: Turn, data: Callback) -> None:
    """Show what today's version of the questions and considerations makes of the answers."""
    stored = turn.case(data.case, "consult.read")
    if not has_summary(turn, stored) or stored.content_hash == turn.scenario.hash:
        raise Gone
    t, then, now = turn.t, turn.scenario_of(stored.content_hash), turn.scenario
    kept, lost = still_valid(stored.answers, now)
    sides = (
        Side(t("Version {version}").format(version=then.version), stored.answers, then),
        Side(t("Today, version {version}").format(version=now.version), kept, now),
    )
    parts = [changed_questions(then, now, lost, t), *compared(*sides, t)]
    pages = chunks(filter(None, parts), PAGE)
    page = min(int(data.arg(0)), len(pages) - 1) if data.arg(0).isdigit() else 0
    count = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    body = paragraphs(
        bold(t("Case {code} · what would differ today").format(code=code_of(turn, stored)) + count),
        esc(t("The case keeps the content it began with; nothing is changed.")),
        pages[page],
    )
    turned = turning(t, page, len(pages), lambda to: encode("today", stored.short, to))
    rows = (*turned, home(t, stored.short))
    turn.show(Screen(body, rows), consult=stored.id, kind="view.today")


# --- two summaries side by side ---------------------------------------------------------------


def compared(left: Side, right: Side, t: Translate) -> Iterator[str]:
    """Yield what two sides suggest and raise, as paragraphs of HTML."""
    views = [summarise(side.answers, side.scenario, t).step for side in (left, right)]
    if views[0].title == views[1].title:
        yield lines(
            bold(t("Step, the same")), esc(views[0].title), changed_step(views[0], views[1], t)
        )
    else:
        yield lines(
            bold(t("Step")),
            f"{esc(left.name)}: {esc(views[0].title)}",
            f"→ {esc(right.name)}: {esc(views[1].title)}",
        )
    yield from _points(left, right, t)


def _points(left: Side, right: Side, t: Translate) -> Iterator[str]:
    """Yield what only one side raises, and what both do: first that which is not the same."""
    first, second = (evaluate(s.answers, s.scenario).considerations for s in (left, right))
    both = [i for i in first if i in second]
    gone, new = [i for i in first if i not in both], [i for i in second if i not in both]
    yield _titles(t("+ only in: {name}").format(name=right.name), "+", new, right)
    yield _titles(t("− only in: {name}").format(name=left.name), "−", gone, left)
    yield from changed_points(both, left.scenario, right.scenario, t)
    yield _titles(t("In both"), "•", both, left, folded=True)


def _titles(heading: str, sign: str, ids: list[str], side: Side, *, folded: bool = False) -> str:
    if not ids:
        return ""
    listed = "\n".join(f"{sign} {esc(side.scenario.consideration(i).title)}" for i in ids)
    return lines(bold(f"{heading} ({len(ids)})"), fold(listed) if folded else listed)


def changed_answers(left: Side, right: Side, t: Translate) -> str:
    """Return the answers in which two sides of one scenario differ."""
    listed = []
    for question in left.scenario.questions:
        before = left.answers.get(question.id, NOT_ANSWERED)
        after = right.answers.get(question.id, NOT_ANSWERED)
        if before != after:
            words = f"{_shown(question, before, left, t)} → {_shown(question, after, right, t)}"
            listed.append(f"• {esc(question.short)}: {esc(words)}")
    if not listed:
        return esc(t("The answers are the same. Change one in the what-if case."))
    return lines(bold(t("Answers that differ")), *listed)


def _shown(question: Question, value: Any, side: Side, t: Translate) -> str:
    if value is NOT_ANSWERED:
        return t("not asked")
    return show_answer(question, value, side.scenario, t)


def still_valid(
    answers: Mapping[str, Any], scenario: Scenario
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the answers that ``scenario`` takes, and the questions of those that it does not."""
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for name, value in answers.items():
        try:
            kept |= check_answers({name: value}, scenario)
        except InvalidAnswer:
            lost.append(name)
    return kept, tuple(lost)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "fork": _fork,
    "cmp": _compare,
    "today": _today,
}
