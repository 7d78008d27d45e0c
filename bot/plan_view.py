"""A plan and its reviews as they read in the chat."""

from collections.abc import Sequence
from datetime import datetime

from bot.callbacks import encode
from bot.cases import dialog_of
from bot.language import Translate
from bot.screen import Button, Screen, bold, chunks, esc, lines, paragraphs
from bot.screens.summary import home
from bot.turn import Turn
from dialogs.evaluation import mark
from dialogs.followup import Kind, followup, local_day
from dialogs.phases import ENDED
from dialogs.summary import StepView, step_title, summarise
from storage import plans
from storage.consults import StoredConsult
from storage.plans import Plan, Review

EARLIER_UNITS = 3500
"""UTF-16 units of the earlier plans on one screen."""


def suggested(turn: Turn, stored: StoredConsult) -> StepView:
    """Return the step that the answers lead to now."""
    scenario = turn.scenario_of(stored.content_hash)
    return summarise(dialog_of(stored).answers, scenario, turn.t).step


# --- the plan as it stands --------------------------------------------------------------------


def plan_screen(turn: Turn, stored: StoredConsult, plan: Plan) -> Screen:
    """Return the plan as it stands, with its reviews."""
    t = turn.t
    listed = [r for r in plans.reviews_of(turn.tx, stored.id) if _belongs(r, plan)]
    body = paragraphs(
        bold(
            t("Case {code} · plan, revision {number}").format(
                code=stored.code, number=plan.revision
            )
        ),
        lines(*plan_lines(turn, stored, plan)),
        lines(bold(t("Reviews")), *[f"• {esc(review_line(turn, r))}" for r in listed]),
        esc(_hour(turn)) if stored.phase not in ENDED else "",
        _moved_on(turn, stored, plan),
    )
    earlier = Button(t("Earlier plans"), encode("plan", stored.short, "old"))
    zone = Button(t("Set my time zone"), encode("set", "", "zone"))
    change = Button(t("Change the plan"), encode("plan", stored.short, "new"))
    hand = Button(t("Hand it to a colleague"), encode("hand", stored.short))
    live = stored.phase not in ENDED
    rows = (
        (*((change,) if live else ()), *((earlier,) if plan.revision > 1 else ())),
        (
            Button(t("Calendar file"), encode("ics", stored.short)),
            Button(t("Chart note"), encode("note", stored.short)),
        ),
        (Button(t("Transcript"), encode("rec", stored.short)),),
        (zone,) if live and turn.person.time_zone is None else (),
        (hand,) if live else (),
        home(t, stored.short),
    )
    return Screen(body, rows)


def _belongs(review: Review, plan: Plan) -> bool:
    """Say whether a review is of this plan, or of the step itself."""
    return review.plan_revision in (plan.revision, None)


def plan_lines(turn: Turn, stored: StoredConsult, plan: Plan) -> tuple[str, ...]:
    """Return what was decided and agreed, a line each, as HTML."""
    t, choices = turn.t, followup()
    guards = "; ".join(t(choices.words("safeguard", code)) for code in plan.safeguards) or t("none")
    return (
        f"{bold(t('Decided:'))} {esc(decided_words(turn, stored, plan))}",
        f"{bold(t('Because:'))} {esc(plan.reason)}" if plan.reason else "",
        f"{bold(t('Agreed with:'))} {esc(t(choices.words('agreed', plan.agreed)))}",
        f"{bold(t('Safeguards:'))} {esc(guards)}",
        f"{bold(t('Starts:'))} {esc(local_day(plan.start_at, turn.zone).isoformat())}",
        f"{bold(t('Ends:'))} {esc(t(choices.words('stop', plan.stop)))}",
    )


def decided_words(turn: Turn, stored: StoredConsult, plan: Plan, t: Translate | None = None) -> str:
    """Return what was decided: the step's title, the alternative in full, or something else."""
    scenario = turn.scenario_of(stored.content_hash)
    step = scenario.step(plan.step)
    if plan.decided == "step":
        return step_title(step, mark(dialog_of(stored).answers, scenario))
    if plan.alternative is not None and plan.alternative < len(step.alternatives):
        return step.alternatives[plan.alternative].text
    return (t or turn.t)(followup().words("decided", plan.decided))


def _hour(turn: Turn) -> str:
    """Return when reviews are asked about, and by whose clock."""
    words = turn.t("I ask at {hour}:00, {zone} time.")
    if turn.person.time_zone is None:
        words = turn.t("You have set no time zone: I ask at {hour}:00, {zone} time.")
    return words.format(hour=followup().review_hour, zone=turn.zone.key.replace("_", " "))


def _moved_on(turn: Turn, stored: StoredConsult, plan: Plan) -> str:
    """Return that the answers lead to another step by now, where they do."""
    step = suggested(turn, stored)
    if step.id == plan.step:
        return ""
    words = turn.t("Since this plan the answers changed; the step is now: {title}")
    return esc(words.format(title=step.title))


def earlier_screen(turn: Turn, stored: StoredConsult, found: Sequence[Plan]) -> Screen:
    """Return the plans before this one, the newest first; none is ever lost."""
    t = turn.t
    blocks = [
        lines(
            bold(
                t("Revision {number}, {day}").format(
                    number=plan.revision, day=local_day(plan.at, turn.zone).isoformat()
                )
            ),
            *plan_lines(turn, stored, plan),
            esc(t("Day {days}").format(days=", ".join(map(str, plan.days)))),
        )
        for plan in reversed(found[:-1])
    ]
    head = bold(t("Case {code} · earlier plans").format(code=stored.code))
    shown = chunks(blocks, EARLIER_UNITS)[0] if blocks else ""
    back = Button(t("‹ The plan"), encode("plan", stored.short))
    return Screen(paragraphs(head, shown), ((back,), home(t, stored.short)))


# --- reviews ----------------------------------------------------------------------------------


def review_line(turn: Turn, review: Review) -> str:
    """Return a review in a line: which one, when, and what came of it."""
    t = turn.t
    day = local_day(review.holds_at, turn.zone).isoformat()
    name = t("day {day}").format(day=review.day) if review.day is not None else t("reached them?")
    state = {"waiting": t("to come"), "sent": t("asked, not answered")}.get(review.state, "")
    if review.outcome is not None:
        state = t(followup().words(answers_of(review), review.outcome))
    reason = f" ({review.reason})" if review.reason else ""
    return f"{name}, {day}: {state}{reason}"


def answers_of(review: Review) -> Kind:
    """Return which choices answer a review."""
    return "outcome" if review.kind == "review" else "reached"


def at_words(turn: Turn, moment: datetime) -> str:
    """Return a moment of the person's own, for their own eyes: date and time."""
    return f"{moment.astimezone(turn.zone):%Y-%m-%d %H:%M}"
