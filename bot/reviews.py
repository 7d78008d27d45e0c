"""The reviews of a plan and the step's own deadline: when they are asked about, and what came of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from bot.callbacks import Callback, encode
from bot.cases import apply, dialog_of, to_be_changed
from bot.dialog import show_case, view_screen
from bot.language import Translate, translator
from bot.plan_view import (
    answers_of,
    at_words,
    decided_words,
    plan_lines,
    plan_screen,
    suggested,
)
from bot.screen import Button, Row, Screen, bold, esc, laid_out, lines, paragraphs
from bot.screens.summary import home
from bot.turn import Gone, Turn
from dialogs.evaluation import evaluate
from dialogs.followup import (
    Kind,
    after_quiet,
    deadline_moment,
    due_moment,
    followup,
    local_day,
)
from dialogs.model import FollowedUp
from dialogs.phases import ENDED
from storage import audit, consults, expecting, plans, rounds
from storage.access import Action, authorize
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.expecting import Expected
from storage.plans import Closeout, Plan, Review
from storage.transcript import Outgoing

SNOOZE_DAYS = (1, 7, 30)
SNOOZE_HOURS = 4
LAST_WORDS = ("stopped_plan", "lost")
"""Outcomes after which nothing more is planned."""

MOST_REASON = 300
"""Characters of a reason."""

Moment: TypeAlias = tuple[plans.Kind, int | None, datetime, datetime]
"""Kind, day of the plan, when it is due, when it is sent."""


# --- when they are asked about ----------------------------------------------------------------


def schedule(turn: Turn, stored: StoredConsult, plan: Plan) -> None:
    """Ask about the reviews of a plan, and about nothing that was planned before."""
    plans.drop_waiting(turn.tx, stored.id)
    plans.schedule(turn.tx, stored, _moments(turn, plan), plan.revision)


def schedule_again(turn: Turn, stored: StoredConsult) -> bool:
    """Ask again about the reviews of a reopened case that are still to come.

    Return False when it has a plan of which nothing is to come any more.
    """
    plan = plans.plan_of(turn.tx, stored)
    if plan is None:
        return True
    moments = [each for each in _moments(turn, plan) if each[2] > turn.tx.now]
    plans.schedule(turn.tx, stored, moments, plan.revision)
    return bool(moments)


def nothing_to_come_screen(turn: Turn, stored: StoredConsult) -> Screen:
    """Return that nothing of a plan is asked about any more, and the way to a new review."""
    t = turn.t
    body = paragraphs(
        bold(t("Case {code} is open again.").format(code=stored.code)),
        esc(
            t(
                "All review dates of its plan have passed: I will not ask about it. To be asked, "
                "record a new review."
            )
        ),
    )
    again = Button(t("Record a new review"), encode("plan", stored.short, "new"))
    plan = Button(t("The plan"), encode("plan", stored.short))
    return Screen(body, ((again,), (plan,), home(t, stored.short)))


def _moments(turn: Turn, plan: Plan) -> list[Moment]:
    """Return each review of a plan, and the step's deadline where nobody has agreed to it yet."""
    moments: list[Moment] = []
    for day in plan.days:
        due = _due_at(turn, plan.start_at, day)
        moments.append(("review", day, due, _awake(turn, due)))
    alone = plan.decided == "step" and plan.agreed == "nobody"
    deadline = deadline_moment(plan.step, plan.at, turn.zone) if alone else None
    if deadline is not None:
        moments.append(("deadline", None, deadline, _awake(turn, deadline)))
    return moments


def _due_at(turn: Turn, start: datetime, day: int) -> datetime:
    first = local_day(start, turn.zone)
    return due_moment(first + timedelta(days=day), turn.zone, followup().review_hour)


def _awake(turn: Turn, moment: datetime) -> datetime:
    return after_quiet(moment, turn.zone, turn.person.quiet_from, turn.person.quiet_to)


def retime(turn: Turn) -> None:
    """Move what is still to be asked to the clock and the quiet hours that the person has now."""
    for review in plans.waiting_for(turn.tx, turn.person.id):
        due = review.due_at
        if review.day is not None and review.plan_revision is not None:
            stored = consults.load(turn.tx, review.consult_id)
            kept = {plan.revision: plan for plan in plans.plans_of(turn.tx, stored)}
            due = _due_at(turn, kept[review.plan_revision].start_at, review.day)
        snoozed = review.send_at > _awake(turn, due) and review.send_at > review.due_at
        plans.move(turn.tx, review, due, _awake(turn, review.send_at if snoozed else due))


# --- the step's own deadline ------------------------------------------------------------------


def step_row(turn: Turn, stored: StoredConsult) -> Row:
    """Return the button that asks about the step's own deadline, or that says when that will be."""
    step = evaluate(dialog_of(stored).answers, turn.scenario_of(stored.content_hash)).step
    waiting = _waiting_deadline(turn, stored)
    if waiting is not None:
        words = turn.t("✓ I ask on {day} · stop")
        day = local_day(waiting.holds_at, turn.zone).isoformat()
        return (Button(words.format(day=day), encode("dl", stored.short)),)
    if deadline_moment(step, turn.tx.now, turn.zone) is None:
        return ()
    return (Button(turn.t("Ask me whether I reached them"), encode("dl", stored.short)),)


def _waiting_deadline(turn: Turn, stored: StoredConsult) -> Review | None:
    found = (r for r in plans.reviews_of(turn.tx, stored.id) if r.kind == "deadline")
    return next((review for review in found if review.state == "waiting"), None)


def _deadline(turn: Turn, data: Callback) -> None:
    """Ask about the step's own deadline, or stop asking."""
    stored = to_be_changed(turn, turn.case(data.case))
    if _waiting_deadline(turn, stored) is not None:
        plans.drop_waiting(turn.tx, stored.id, "deadline")
        turn.tell(turn.t("I will not ask."))
    else:
        _ask_on_time(turn, stored)
    screen = view_screen(turn, stored, "step", "")
    if screen is not None:
        turn.show(screen, consult=stored.id, kind="view.step")


def _ask_on_time(turn: Turn, stored: StoredConsult) -> None:
    step = evaluate(dialog_of(stored).answers, turn.scenario_of(stored.content_hash)).step
    due = deadline_moment(step, turn.tx.now, turn.zone)
    if due is None:
        raise Gone
    plans.schedule(turn.tx, stored, [("deadline", None, due, _awake(turn, due))])
    turn.tell(turn.t("I will ask you on {day}.").format(day=at_words(turn, due)))


# --- how a review is asked about --------------------------------------------------------------


def review_screen(turn: Turn, stored: StoredConsult, review: Review) -> Screen:
    """Return the question of a review: what came of it in one tap, or later."""
    t, choices = turn.t, followup().choices[answers_of(review)]
    rows = laid_out(
        [
            Button(t(words), encode("out", stored.short, review.id.hex, code))
            for code, words in choices.items()
        ],
        1,
    )
    return Screen(
        paragraphs(*_asked(turn, stored, review)),
        (*rows, _later(turn, stored, review), home(t, stored.short)),
    )


def _asked(turn: Turn, stored: StoredConsult, review: Review) -> tuple[str, ...]:
    t = turn.t
    if review.kind == "deadline":
        step = suggested(turn, stored)
        return (
            bold(t("Case {code} · did you reach them?").format(code=stored.code)),
            lines(f"{bold(t('Who:'))} {esc(step.who)}", f"{bold(t('By:'))} {esc(step.by)}"),
        )
    plan = plans.plan_of(turn.tx, stored)
    head = t("Case {code} · review, day {day}").format(code=stored.code, day=review.day)
    return (
        bold(head),
        lines(*plan_lines(turn, stored, plan)) if plan else "",
        bold(t("How is the plan going?")),
    )


def _later(turn: Turn, stored: StoredConsult, review: Review) -> Row:
    """Return the buttons that put a review off."""
    t = turn.t
    buttons = [
        Button(
            t("In {count} d").format(count=days), encode("snz", stored.short, review.id.hex, days)
        )
        for days in SNOOZE_DAYS
    ]
    if review.kind == "deadline":
        soon = t("In {count} h").format(count=SNOOZE_HOURS)
        buttons = [Button(soon, encode("snz", stored.short, review.id.hex, "h")), *buttons[:2]]
    return tuple(buttons)


# --- what came of it --------------------------------------------------------------------------


def _review_of(turn: Turn, stored: StoredConsult, text: str) -> Review:
    try:
        found = plans.review_by_id(turn.tx, UUID(hex=text))
    except (NotFound, ValueError) as error:
        raise Gone from error
    if found.consult_id != stored.id:
        raise Gone
    return found


def _due(turn: Turn, data: Callback) -> None:
    """Show the question of a review; one of a plan that was changed shows the plan of now."""
    stored = turn.case(data.case)
    review = _review_of(turn, stored, data.arg(0))
    if review.state == "dropped":
        _changed_since(turn, stored)
        return
    turn.show(review_screen(turn, stored, review), consult=stored.id, kind="review")


def _changed_since(turn: Turn, stored: StoredConsult) -> None:
    """Say that a review is asked about no more: the plan was changed, or the case ended."""
    turn.tell(turn.t("That review is not asked about any more. Here is how the case stands."))
    _show_plan(turn, stored)


def _show_plan(turn: Turn, stored: StoredConsult) -> None:
    plan = plans.plan_of(turn.tx, stored)
    if plan is None or stored.phase in ENDED:
        show_case(turn, stored)
        return
    turn.show(plan_screen(turn, stored, plan), consult=stored.id, kind="plan")


def _outcome(turn: Turn, data: Callback) -> None:
    """Keep what came of a review, in one tap; a reason and two closing questions are optional."""
    stored = turn.case(data.case)
    review, code = _review_of(turn, stored, data.arg(0)), data.arg(1)
    if code not in followup().choices[answers_of(review)]:
        raise Gone
    try:
        plans.answer_review(turn.tx, review, code, turn.person.id)
    except Conflict:
        _changed_since(turn, stored)
        return
    turn.tell(
        turn.t("Kept: {outcome}").format(outcome=turn.t(followup().words(answers_of(review), code)))
    )
    if review.kind == "review" and stored.phase in ("planned", "followed_up"):
        stored, _ = apply(turn, stored, FollowedUp())
    if review.kind == "review":
        _tell_who_gave_an_opinion(turn, stored, review)
    _after_outcome(turn, stored, replace(review, state="answered", outcome=code))


def _after_outcome(turn: Turn, stored: StoredConsult, review: Review) -> None:
    """Ask for a reason, or the closing questions after the last review; else show the plan."""
    if review.outcome == "continued":
        expecting.expect(
            turn.tx, turn.person.id, "because", consult_id=stored.id, args={"review": review.id.hex}
        )
        turn.show(_because_screen(turn, stored), consult=stored.id, kind="because")
    elif review.kind == "review" and _is_last(turn, stored, review):
        turn.show(closeout_screen(turn, stored), consult=stored.id, kind="closeout")
    else:
        _show_plan(turn, stored)


def _is_last(turn: Turn, stored: StoredConsult, review: Review) -> bool:
    """Say whether nothing more of the plan is asked about."""
    waiting = [r for r in plans.reviews_of(turn.tx, stored.id) if r.state == "waiting"]
    return review.outcome in LAST_WORDS or not any(r.kind == "review" for r in waiting)


def _because_screen(turn: Turn, stored: StoredConsult) -> Screen:
    t = turn.t
    body = paragraphs(
        bold(t("Case {code} · continued").format(code=stored.code)),
        lines(
            bold(t("Why does it continue?")),
            esc(t("Type a line, without names; or leave it out.")),
        ),
    )
    return Screen(body, ((Button(t("Leave it out"), encode("fin", stored.short)),),))


def because(turn: Turn, expected: Expected, words: str) -> None:
    """Keep the typed reason for which something continues."""
    if expected.consult_id is None:
        raise Gone
    stored = consults.load(turn.tx, expected.consult_id)
    authorize(turn.tx, turn.person, Action.CONSULT_ANSWER, stored)
    if len(words) > MOST_REASON:
        said = turn.t("Please say it in {most} characters.").format(most=MOST_REASON)
        turn.say(esc(said), consult=stored.id)
        return
    expecting.forget(turn.tx, turn.person.id)
    review = _review_of(turn, stored, str(expected.args["review"]))
    plans.give_reason(turn.tx, stored, review, words.strip())
    _after_reason(turn, stored, review)


def _after_reason(turn: Turn, stored: StoredConsult, review: Review) -> None:
    if _is_last(turn, stored, review):
        turn.show(closeout_screen(turn, stored), consult=stored.id, kind="closeout")
    else:
        _show_plan(turn, stored)


def _finish(turn: Turn, data: Callback) -> None:
    """Go on without a reason, or to the two closing questions."""
    stored = turn.case(data.case)
    expected = expecting.expected(turn.tx, turn.person.id)
    if expected is None or expected.kind != "because" or expected.consult_id != stored.id:
        turn.show(closeout_screen(turn, stored), consult=stored.id, kind="closeout")
        return
    expecting.forget(turn.tx, turn.person.id)
    _after_reason(turn, stored, _review_of(turn, stored, str(expected.args["review"])))


# --- the end: two taps, both optional ---------------------------------------------------------


def closeout_screen(turn: Turn, stored: StoredConsult) -> Screen:
    """Return the two closing questions, with what was said so far."""
    t, said = turn.t, plans.closeout_of(turn.tx, stored.id)
    body = paragraphs(
        bold(t("Case {code} · two last questions").format(code=stored.code)),
        lines(
            f"1. {esc(t('Did this change what you did?'))}",
            f"2. {esc(t('Was it worth the time?'))}",
        ),
        esc(t("Both optional.")),
    )
    ended = stored.phase in ENDED
    close = Button(t("Close the case"), encode("ask", stored.short, "close"))
    rows = (
        _answers(turn, stored, "changed", said.changed),
        _answers(turn, stored, "worth", said.worth),
        () if ended else (close,),
        (Button(t("‹ The case"), encode("go", stored.short)),),
    )
    return Screen(body, rows)


def _answers(turn: Turn, stored: StoredConsult, kind: Kind, kept: str | None) -> Row:
    number = "1" if kind == "changed" else "2"
    return tuple(
        Button(
            f"{number} {'✓ ' if code == kept else ''}{turn.t(words)}",
            encode("said", stored.short, kind, code),
        )
        for code, words in followup().choices[kind].items()
    )


def _said(turn: Turn, data: Callback) -> None:
    """Keep an answer to a closing question; the same tap takes it back."""
    stored = turn.case(data.case)
    kind, code = data.arg(0), data.arg(1)
    if kind not in ("changed", "worth") or code not in followup().choices[kind]:  # type: ignore[index]
        raise Gone
    kept = plans.closeout_of(turn.tx, stored.id)
    value = None if getattr(kept, kind) == code else code
    said = replace(kept, **{kind: value})
    plans.keep_closeout(turn.tx, stored.id, Closeout(said.changed, said.worth))
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id,
            action="closeout.set",
            object_type="consult",
            object_id=stored.id,
            consult_id=stored.id,
            meta={"question": kind, "value": value or "none"},
        ),
    )
    turn.show(closeout_screen(turn, stored), consult=stored.id, kind="closeout")


# --- later ------------------------------------------------------------------------------------


def _snooze(turn: Turn, data: Callback) -> None:
    """Ask again later."""
    stored = turn.case(data.case)
    review, value = _review_of(turn, stored, data.arg(0)), data.arg(1)
    if value not in ("h", *map(str, SNOOZE_DAYS)):
        raise Gone
    if stored.phase in ENDED or review.state == "dropped":
        _changed_since(turn, stored)
        return
    until = _until(turn, value)
    try:
        plans.snooze(turn.tx, review, until, turn.person.id)
    except Conflict:
        turn.tell(turn.t("That review was answered already."))
    else:
        turn.tell(turn.t("I will ask you on {day}.").format(day=at_words(turn, until)))
    show_case(turn, stored)


def _until(turn: Turn, value: str) -> datetime:
    """Return when a review is asked about again: in hours, or days later in the morning."""
    if value == "h":
        return _awake(turn, turn.tx.now + timedelta(hours=SNOOZE_HOURS))
    day = local_day(turn.tx.now, turn.zone) + timedelta(days=int(value))
    return _awake(turn, due_moment(day, turn.zone, followup().review_hour))


# --- everyone who gave an opinion -------------------------------------------------------------


def _tell_who_gave_an_opinion(turn: Turn, stored: StoredConsult, review: Review) -> None:
    """Tell everyone who said what they think that there is an outcome; the words wait behind a tap."""
    for giver in rounds.opinion_givers(turn.tx, stored.id, expired=True):
        if giver.person_id == stored.owner_id:
            continue
        screen = news_screen(stored, review, translator(giver.language))
        turn.enqueue(
            Outgoing(
                chat_id=giver.telegram_id,
                method="sendMessage",
                params=screen.params(),
                consult_id=stored.id,
                person_id=giver.person_id,
                kind="outcome",
            )
        )


def news_screen(stored: StoredConsult, review: Review, t: Translate) -> Screen:
    """Return what somebody who gave an opinion is told; nothing clinical stands in it."""
    words = t("Case {code}, on which you said what you think, has news: day {day}.")
    body = bold(words.format(code=stored.code, day=review.day))
    return Screen(body, ((Button(t("What came of it"), encode("news", stored.short)),),))


def _news(turn: Turn, data: Callback) -> None:
    """Show whoever gave an opinion what came of the plan: codes, and no typed words."""
    try:
        stored = consults.load_short(turn.tx, data.case)
    except NotFound as error:
        raise Gone from error
    authorize(turn.tx, turn.person, Action.OUTCOME_READ, stored)
    t, plan = turn.t, plans.plan_of(turn.tx, stored)
    answered = [r for r in plans.reviews_of(turn.tx, stored.id) if r.outcome and r.kind == "review"]
    said = [
        t("Day {day}: {outcome}").format(
            day=r.day, outcome=t(followup().words("outcome", r.outcome or ""))
        )
        for r in answered
    ]
    decided = f"{bold(t('Decided:'))} {esc(decided_words(turn, stored, plan))}" if plan else ""
    turn.say(
        paragraphs(
            bold(t("Case {code} · what came of it").format(code=stored.code)),
            decided,
            "\n".join(f"• {esc(each)}" for each in said) or esc(t("No outcome yet.")),
        ),
        consult=stored.id,
        kind="news",
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "dl": _deadline,
    "due": _due,
    "out": _outcome,
    "fin": _finish,
    "said": _said,
    "snz": _snooze,
    "news": _news,
}
