"""After the summary: dispositions, confidence, the plan in five taps, its reviews and outcomes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bot import forks
from bot.callbacks import Callback, encode
from bot.cases import apply, dialog_of
from bot.dialog import show_case
from bot.language import Translate
from bot.screen import Button, Row, Screen, bold, clipped, esc, fold, laid_out, lines, paragraphs
from bot.screens.summary import home
from bot.turn import Gone, Turn
from dialogs.evaluation import evaluate
from dialogs.followup import (
    SAME_DAY_HOURS,
    Kind,
    after_quiet,
    due_moment,
    followup,
    local_day,
    review_days,
    zone_of,
)
from dialogs.model import FollowedUp, Planned
from dialogs.phases import ADVISED
from dialogs.summary import summarise
from storage import audit, consults, expecting, plans
from storage.access import Action, authorize
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.expecting import Expected
from storage.plans import Plan, Review

STAGES = ("decided", "agreed", "safeguard", "days", "stop")
DISPOSITIONS_SHOWN = 4
ALTERNATIVE = re.compile(r"alt[0-9]")
SNOOZE_DAYS = (1, 7, 30)
CONFIDENCE = (1, 2, 3, 4, 5)


def summary_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that the summary gains: the plan, what was done, confidence."""
    t = turn.t
    comparing = forks.summary_rows(turn, stored)
    if stored.hypothetical_of is not None:
        return (*comparing, (Button(t("Close the case"), encode("ask", stored.short, "close")),))
    plan = plans.plan_of(turn.tx, stored)
    name = t("The plan") if plan else t("Record a plan")
    return (
        *comparing,
        (
            Button(name, encode("plan", stored.short)),
            Button(t("What is done"), encode("dis", stored.short, 0)),
        ),
        (
            Button(t("How sure?"), encode("conf", stored.short)),
            Button(t("Close the case"), encode("ask", stored.short, "close")),
        ),
    )


# --- dispositions -----------------------------------------------------------------------------


def _dispose(turn: Turn, data: Callback) -> None:
    """Show a page of considerations with what is done about each; a tap sets or takes back."""
    stored = _advised(turn, data)
    scenario = turn.scenario_of(stored.content_hash)
    raised = evaluate(dialog_of(stored).answers, scenario).considerations
    place, value = data.arg(1), data.arg(2)
    if place.isdigit() and int(place) < len(raised) and value in followup().choices["disposition"]:
        _set_disposition(turn, stored, raised[int(place)], value)
    page = int(data.arg(0)) if data.arg(0).isdigit() else 0
    turn.show(_dispositions(turn, stored, raised, page), consult=stored.id, kind="dispositions")


def _set_disposition(turn: Turn, stored: StoredConsult, name: str, value: str) -> None:
    kept = plans.dispositions(turn.tx, stored.id).get(name)
    chosen = None if kept == value else value
    plans.dispose(turn.tx, stored, name, chosen)
    _record(
        turn, stored, "disposition.set", {"consideration": name.lower(), "value": chosen or "none"}
    )


def _dispositions(turn: Turn, stored: StoredConsult, raised: tuple[str, ...], page: int) -> Screen:
    t, scenario = turn.t, turn.scenario_of(stored.content_hash)
    kept = plans.dispositions(turn.tx, stored.id)
    pages = max(1, -(-len(raised) // DISPOSITIONS_SHOWN))
    page = min(page, pages - 1)
    words = _worded("disposition", t)
    listed, rows = [], []
    first = page * DISPOSITIONS_SHOWN
    for place, name in enumerate(raised[first : first + DISPOSITIONS_SHOWN], first):
        now = words.get(kept.get(name, ""), t("open"))
        title = scenario.consideration(name).title
        listed.append(f"{place + 1}. {esc(title)}: {bold(now)}")
        buttons = [
            Button(
                f"{place + 1} {'✓ ' if kept.get(name) == code else ''}{label}",
                encode("dis", stored.short, page, place, code),
            )
            for code, label in words.items()
        ]
        rows += [tuple(buttons[:2]), tuple(buttons[2:])]
    body = paragraphs(
        bold(t("Case {code} · what is done about each").format(code=stored.code)),
        "\n".join(listed) or esc(t("No consideration was raised by these answers.")),
    )
    turning = tuple(
        Button(label, encode("dis", stored.short, to))
        for label, to, there in (
            (t("‹ Page {page}").format(page=page), page - 1, page > 0),
            (t("Page {page} ›").format(page=page + 2), page + 1, page + 1 < pages),
        )
        if there
    )
    return Screen(body, (*rows, turning, home(t, stored.short)))


# --- confidence -------------------------------------------------------------------------------


def _sure(turn: Turn, data: Callback) -> None:
    """Ask for confidence before and after, one tap each; both optional."""
    stored = _advised(turn, data)
    when, value = data.arg(0), data.arg(1)
    if when in ("before", "after") and value in map(str, CONFIDENCE):
        sure = int(value)
        changed = (
            replace(stored, confidence_before=sure)
            if when == "before"
            else replace(stored, confidence_after=sure)
        )
        stored = consults.save(turn.tx, changed, stored.revision)
        _record(turn, stored, "confidence.set", {"when": when, "value": int(value)})
    t = turn.t
    rows = []
    for name, words, kept in (
        ("before", t("Before"), stored.confidence_before),
        ("after", t("Now"), stored.confidence_after),
    ):
        rows.append(
            tuple(
                Button(
                    f"{'✓' if kept == n else ''}{words} {n}", encode("conf", stored.short, name, n)
                )
                for n in CONFIDENCE
            )
        )
    body = paragraphs(
        bold(t("Case {code} · how sure are you what to do?").format(code=stored.code)),
        esc(
            t(
                "1 is not at all, 5 is completely: before you saw the summary, and now. Both optional."
            )
        ),
    )
    turn.show(
        Screen(body, (*_in_halves(rows), home(t, stored.short))), consult=stored.id, kind="sure"
    )


def _in_halves(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(half for row in rows for half in (row[:3], row[3:]))


# --- the plan ---------------------------------------------------------------------------------


def _plan(turn: Turn, data: Callback) -> None:
    """Show the plan, or begin to record it."""
    stored = _advised(turn, data)
    plan = plans.plan_of(turn.tx, stored)
    if plan is None or data.arg(0) == "new":
        _stage(turn, stored, {})
        return
    turn.show(plan_screen(turn, stored, plan), consult=stored.id, kind="plan")


def _stage(turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]) -> None:
    """Ask for the next thing the plan needs."""
    stage = next((name for name in STAGES if name not in chosen), None)
    if stage is None:
        _finish(turn, stored, chosen)
        return
    expecting.expect(
        turn.tx, turn.person.id, "plan", consult_id=stored.id, args={"chosen": dict(chosen)}
    )
    body, rows = ASK[stage](turn, stored, chosen)
    head = bold(
        turn.t("Case {code} · plan {place} of 5").format(
            code=stored.code, place=STAGES.index(stage) + 1
        )
    )
    turn.show(
        Screen(paragraphs(head, body), (*rows, home(turn.t, stored.short))),
        consult=stored.id,
        kind="plan",
    )


def _worded(kind: Kind, t: Translate) -> dict[str, str]:
    """Return the codes of a kind of choice with their words in the person's language."""
    return {code: t(words) for code, words in followup().choices[kind].items()}


def _choices(turn: Turn, stored: StoredConsult, stage: Kind) -> tuple[Row, ...]:
    words = _worded(stage, turn.t)
    return laid_out(
        [Button(label, encode("pl", stored.short, stage, code)) for code, label in words.items()], 1
    )


def _ask_decided(
    turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]
) -> tuple[str, tuple[Row, ...]]:
    step = summarise(dialog_of(stored).answers, turn.scenario_of(stored.content_hash)).step
    listed = "\n".join(esc(f"{chr(97 + i)}. {text}") for i, text in enumerate(step.alternatives))
    words = _worded("decided", turn.t)
    buttons = [
        Button(
            clipped(words["step"] + ": " + step.title, 40),
            encode("pl", stored.short, "decided", "step"),
        )
    ]
    buttons += [
        Button(
            turn.t("Alternative {letter}").format(letter=chr(97 + i)),
            encode("pl", stored.short, "decided", f"alt{i}"),
        )
        for i in range(len(step.alternatives))
    ]
    buttons.append(Button(words["other"], encode("pl", stored.short, "decided", "other")))
    body = lines(bold(turn.t("What was decided?")), fold(listed))
    return body, ((buttons[0],), *laid_out(buttons[1:-1], 2), (buttons[-1],))


def _ask_agreed(
    turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]
) -> tuple[str, tuple[Row, ...]]:
    return bold(turn.t("Agreed with whom?")), _choices(turn, stored, "agreed")


def _ask_safeguards(
    turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]
) -> tuple[str, tuple[Row, ...]]:
    marked = chosen.get("marked", [])
    buttons = [
        Button(
            f"{'☑' if code in marked else '☐'} {label}", encode("pl", stored.short, "mark", code)
        )
        for code, label in _worded("safeguard", turn.t).items()
    ]
    done = Button(
        turn.t("Done ({count})").format(count=len(marked)),
        encode("pl", stored.short, "safeguard", "done"),
    )
    return bold(turn.t("Which safeguards?")), (*laid_out(buttons, 1), (done,))


def _ask_days(
    turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]
) -> tuple[str, tuple[Row, ...]]:
    buttons = [
        Button(
            turn.t("Day {days}").format(days=", ".join(map(str, days))),
            encode("pl", stored.short, "days", "-".join(map(str, days))),
        )
        for days in followup().presets
    ]
    body = lines(
        bold(turn.t("When is it reviewed?")),
        esc(turn.t("Counted from today. Or type days, such as 30, 60, 90.")),
    )
    return body, laid_out(buttons, 1)


def _ask_stop(
    turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]
) -> tuple[str, tuple[Row, ...]]:
    return bold(turn.t("What ends it?")), _choices(turn, stored, "stop")


ASK: dict[str, Callable[[Turn, StoredConsult, Mapping[str, Any]], tuple[str, tuple[Row, ...]]]] = {
    "decided": _ask_decided,
    "agreed": _ask_agreed,
    "safeguard": _ask_safeguards,
    "days": _ask_days,
    "stop": _ask_stop,
}


def _chosen(turn: Turn, stored: StoredConsult) -> dict[str, Any]:
    expected = expecting.expected(turn.tx, turn.person.id)
    if expected is None or expected.kind != "plan" or expected.consult_id != stored.id:
        raise Gone
    return dict(expected.args["chosen"])


def _pl(turn: Turn, data: Callback) -> None:
    stored = _advised(turn, data)
    chosen = _chosen(turn, stored)
    stage, value = data.arg(0), data.arg(1)
    asked = next((name for name in STAGES if name not in chosen), None)
    if stage == "mark" and asked == "safeguard" and value in followup().choices["safeguard"]:
        marks = [m for m in chosen.get("marked", []) if m != value]
        chosen["marked"] = marks if value in chosen.get("marked", []) else [*marks, value]
    elif stage == asked:
        chosen |= _taken(stage, value, chosen)
    else:
        raise Gone
    _stage(turn, stored, chosen)


def _taken(stage: str, value: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tap adds to the plan, or raise Gone when it is none of ours."""
    if stage == "safeguard":
        return {"safeguard": chosen.get("marked", [])}
    if stage == "days":
        days = review_days(value.replace("-", ","))
        if days is None:
            raise Gone
        return {"days": list(days)}
    if stage == "decided" and ALTERNATIVE.fullmatch(value):
        return {"decided": "alternative", "alternative": int(value[3:])}
    if value not in followup().choices[stage]:  # type: ignore[index]
        raise Gone
    return {stage: value}


def typed(turn: Turn, expected: Expected, words: str) -> None:
    """Take typed days, or the reason of a decision, while a plan is recorded."""
    if expected.consult_id is None:
        raise Gone
    stored = consults.load(turn.tx, expected.consult_id)
    authorize(turn.tx, turn.person, Action.CONSULT_ANSWER, stored)
    chosen = dict(expected.args["chosen"])
    asked = next((name for name in STAGES if name not in chosen), None)
    days = review_days(words) if asked == "days" else None
    if asked == "days" and days is None:
        turn.say(esc(turn.t("Type whole days from 1 to 3650, such as 30, 60, 90.")))
        return
    if days is not None:
        _stage(turn, stored, {**chosen, "days": list(days)})
        return
    turn.say(esc(turn.t("Please tap one of the choices.")))


def _finish(turn: Turn, stored: StoredConsult, chosen: Mapping[str, Any]) -> None:
    """Keep the plan, schedule its reviews, and show it."""
    expecting.forget(turn.tx, turn.person.id)
    scenario = turn.scenario_of(stored.content_hash)
    choices = {
        "step": evaluate(dialog_of(stored).answers, scenario).step,
        "decided": chosen["decided"],
        "alternative": chosen.get("alternative"),
        "agreed": chosen["agreed"],
        "safeguards": chosen["safeguard"],
        "stop": chosen["stop"],
        "days": chosen["days"],
        "start_at": turn.tx.now,
    }
    plan = plans.record_plan(turn.tx, stored, turn.person.id, choices)
    saved, _ = apply(turn, stored, Planned())
    _schedule(turn, saved, plan)
    _record(
        turn,
        saved,
        "plan.record",
        {"revision": plan.revision, "decided": plan.decided, "agreed": plan.agreed},
    )
    turn.show(plan_screen(turn, saved, plan), consult=saved.id, kind="plan")
    if plan.decided == "other":
        turn.tell(
            turn.t("Recorded. Another decision is an ordinary answer; its reason is yours to note.")
        )


def schedule_again(turn: Turn, stored: StoredConsult) -> None:
    """Ask again about the reviews of a reopened case that are still to come."""
    plan = plans.plan_of(turn.tx, stored)
    if plan is None:
        return
    moments = [each for each in _moments(turn, plan) if each[2] > turn.tx.now]
    plans.schedule(turn.tx, stored, moments, plan.revision)


def _schedule(turn: Turn, stored: StoredConsult, plan: Plan) -> None:
    plans.drop_waiting(turn.tx, stored.id)
    plans.schedule(turn.tx, stored, _moments(turn, plan), plan.revision)


Moment = tuple[plans.Kind, int | None, datetime, datetime]


def _moments(turn: Turn, plan: Plan) -> list[Moment]:
    """Return (kind, day, due, to be sent) of each review of a plan, and of the step's deadline."""
    zone, hour = zone_of(turn.person.time_zone), followup().review_hour
    start = local_day(plan.start_at, zone)
    moments: list[Moment] = []
    for day in plan.days:
        due = due_moment(start + timedelta(days=day), zone, hour)
        quiet = after_quiet(due, zone, turn.person.quiet_from, turn.person.quiet_to)
        moments.append(("review", day, due, quiet))
    deadline = followup().deadlines.get(plan.step)
    if deadline is not None and plan.decided == "step" and plan.agreed == "nobody":
        due = (
            plan.start_at + timedelta(hours=SAME_DAY_HOURS)
            if deadline == 0
            else due_moment(start + timedelta(days=deadline), zone, hour)
        )
        quiet = after_quiet(due, zone, turn.person.quiet_from, turn.person.quiet_to)
        moments.append(("deadline", None, due, quiet))
    return moments


def plan_screen(turn: Turn, stored: StoredConsult, plan: Plan) -> Screen:
    """Return the plan as it stands, with its reviews."""
    t, choices = turn.t, followup()
    step = turn.scenario_of(stored.content_hash).step(plan.step)
    decided = t(choices.words("decided", plan.decided))
    if plan.decided == "step":
        decided = step.title
    elif plan.alternative is not None and plan.alternative < len(step.alternatives):
        decided = step.alternatives[plan.alternative].text
    guards = "; ".join(t(choices.words("safeguard", code)) for code in plan.safeguards) or t("none")
    reviews = [r for r in plans.reviews_of(turn.tx, stored.id) if r.plan_revision == plan.revision]
    body = paragraphs(
        bold(
            t("Case {code} · plan, revision {number}").format(
                code=stored.code, number=plan.revision
            )
        ),
        lines(
            f"{bold(t('Decided:'))} {esc(decided)}",
            f"{bold(t('Agreed with:'))} {esc(t(choices.words('agreed', plan.agreed)))}",
            f"{bold(t('Safeguards:'))} {esc(guards)}",
            f"{bold(t('Ends:'))} {esc(t(choices.words('stop', plan.stop)))}",
        ),
        lines(bold(t("Reviews")), *[f"• {esc(_review_line(turn, r))}" for r in reviews]),
    )
    rows = (
        (Button(t("Change the plan"), encode("plan", stored.short, "new")),),
        (
            Button(t("Calendar file"), encode("ics", stored.short)),
            Button(t("Chart note"), encode("note", stored.short)),
        ),
        (Button(t("Transcript"), encode("rec", stored.short)),),
        home(t, stored.short),
    )
    return Screen(body, rows)


def _review_line(turn: Turn, review: Review) -> str:
    t = turn.t
    day = local_day(review.due_at, zone_of(turn.person.time_zone)).isoformat()
    name = t("day {day}").format(day=review.day) if review.day is not None else t("reached them?")
    state = {
        "waiting": t("to come"),
        "sent": t("asked, not answered"),
        "answered": t(followup().words("outcome", review.outcome or "")),
    }.get(review.state, review.state)
    return f"{name}, {day}: {state}"


# --- reviews ----------------------------------------------------------------------------------


def review_screen(turn: Turn, stored: StoredConsult, review: Review) -> Screen:
    """Return the question of a review: the outcome in one tap, or later."""
    t = turn.t
    body = paragraphs(
        bold(t("Case {code} · review").format(code=stored.code)),
        esc(t("How is the plan going?") if review.kind == "review" else t("Did you reach them?")),
    )
    rows = laid_out(
        [
            Button(words, encode("out", stored.short, review.id.hex, code))
            for code, words in _worded("outcome", t).items()
        ],
        1,
    )
    later = tuple(
        Button(
            t("In {count} d").format(count=days), encode("snz", stored.short, review.id.hex, days)
        )
        for days in SNOOZE_DAYS
    )
    return Screen(body, (*rows, later, home(t, stored.short)))


def _review_of(turn: Turn, stored: StoredConsult, text: str) -> Review:
    try:
        found = plans.review_by_id(turn.tx, UUID(hex=text))
    except (NotFound, ValueError) as error:
        raise Gone from error
    if found.consult_id != stored.id:
        raise Gone
    return found


def _due(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    review = _review_of(turn, stored, data.arg(0))
    turn.show(review_screen(turn, stored, review), consult=stored.id, kind="review")


def _outcome(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    review = _review_of(turn, stored, data.arg(0))
    if data.arg(1) not in followup().choices["outcome"]:
        raise Gone
    plans.answer_review(turn.tx, review, data.arg(1), turn.person.id)
    if stored.phase in ("planned", "followed_up"):
        stored, _ = apply(turn, stored, FollowedUp())
    outcome = turn.t(followup().words("outcome", data.arg(1)))
    turn.tell(turn.t("Kept: {outcome}").format(outcome=outcome))
    plan = plans.plan_of(turn.tx, stored)
    if plan is None:
        show_case(turn, stored)
    else:
        turn.show(plan_screen(turn, stored, plan), consult=stored.id, kind="plan")


def _snooze(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    review = _review_of(turn, stored, data.arg(0))
    if data.arg(1) not in map(str, SNOOZE_DAYS):
        raise Gone
    zone = zone_of(turn.person.time_zone)
    day = local_day(turn.tx.now, zone) + timedelta(days=int(data.arg(1)))
    until = after_quiet(
        due_moment(day, zone, followup().review_hour),
        zone,
        turn.person.quiet_from,
        turn.person.quiet_to,
    )
    try:
        plans.snooze(turn.tx, review, until)
    except Conflict:
        turn.tell(turn.t("That review was answered already."))
    else:
        turn.tell(turn.t("I will ask again in {count} days.").format(count=data.arg(1)))
    show_case(turn, stored)


def _advised(turn: Turn, data: Callback) -> StoredConsult:
    """Return the case of a button that needs a summary to stand; else the button leads nowhere.

    A what-if case is never planned.
    """
    stored = turn.case(data.case)
    if stored.phase not in ADVISED or stored.hypothetical_of is not None:
        raise Gone
    return stored


def _record(turn: Turn, stored: StoredConsult, action: str, meta: Mapping[str, int | str]) -> None:
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id,
            action=action,
            object_type="consult",
            object_id=stored.id,
            consult_id=stored.id,
            meta=dict(meta),
        ),
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "dis": _dispose,
    "conf": _sure,
    "plan": _plan,
    "pl": _pl,
    "due": _due,
    "out": _outcome,
    "snz": _snooze,
}
