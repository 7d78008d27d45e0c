"""What leaves the chat: the message to the colleague, the chart-ready note, the calendar file."""

from collections.abc import Callable
from datetime import timedelta

from bot.callbacks import Callback, encode
from bot.cases import dialog_of
from bot.screen import COPY_LIMIT, Button, Row, Screen, bold, esc, lines, paragraphs
from bot.turn import Gone, Turn
from dialogs.evaluation import evaluate
from dialogs.followup import followup
from dialogs.messages import PART_2_NOTICE, colleague_message
from dialogs.phases import ADVISED
from dialogs.shown import show_answer
from dialogs.summary import plain_because, plain_source, summarise
from storage import audit, plans
from storage.consults import StoredConsult

REVIEW_MINUTES = 15


def step_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that the step gains: the message, the plan."""
    t = turn.t
    if stored.hypothetical_of is not None:
        return ()
    return (
        (Button(t("Message to the colleague"), encode("msg", stored.short)),),
        (Button(t("Record a plan"), encode("plan", stored.short)),),
    )


def _advised(turn: Turn, data: Callback, action: str = "consult.read") -> StoredConsult:
    stored = turn.case(data.case, action)
    if stored.phase not in ADVISED or stored.hypothetical_of is not None:
        raise Gone
    return stored


def _message(turn: Turn, data: Callback) -> None:
    """Show the message to the colleague: short on a copy button, long as a block."""
    stored, t = _advised(turn, data), turn.t
    scenario = turn.scenario_of(stored.content_hash)
    message = colleague_message(dialog_of(stored).answers, scenario)
    if message is None:
        raise Gone
    name = t("a letter the client carries") if message.letter else t("message to the colleague")
    body = paragraphs(
        bold(t("Case {code} · {name}").format(code=stored.code, name=name)),
        lines(bold(t("Before you send it:")), esc(message.consent)),
        f"<pre>{esc(message.long)}</pre>",
        esc(t("Fill in what stands in [brackets] outside this chat. No names here.")),
    )
    copy = Button(t("Copy the short message"), copy=message.short[:COPY_LIMIT])
    back = Button(t("‹ The step"), encode("v", stored.short, "step"))
    turn.show(Screen(body, ((copy,), (back,))), consult=stored.id, kind="message")


def _note(turn: Turn, data: Callback) -> None:
    """Send the chart-ready note as a file."""
    stored = _advised(turn, data)
    name = f"case-{stored.code}-note.txt"
    turn.document(
        name, chart_note(turn, stored).encode(), turn.t("Chart-ready note"), consult=stored.id
    )
    turn.tell(turn.t("The note is below."))
    _exported(turn, stored, "note")


def chart_note(turn: Turn, stored: StoredConsult) -> str:
    """Return the case for the chart: answers, considerations with what was done, step, plan, sources."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    told = summarise(consult.answers, scenario)
    kept, words = plans.dispositions(turn.tx, stored.id), followup().choices["disposition"]
    result = evaluate(consult.answers, scenario)
    answers = [
        f"- {scenario.question(q).short}: {show_answer(scenario.question(q), consult.answers[q], scenario)}"
        for q in result.asked
        if q in consult.answers
    ]
    raised = [
        f"- {view.title} [{words.get(kept.get(view.id, ''), 'open')}] because {plain_because(view.because)}"
        for view in told.raised
    ]
    sources = sorted({plain_source(source) for view in told.raised for source in view.sources})
    blocks = [
        f"Case consult {stored.code} ({scenario.title}, version {scenario.version})",
        "Question: is there an issue of concern with MAT and a prescribed opioid for pain?",
        "\n".join(["Answers", *answers]),
        "\n".join(["Considerations", *(raised or ["- none"])]),
        f"Suggested step (a suggestion; the clinician decides)\n{told.step.title}\n{told.step.ask}",
        *_plan_note(turn, stored),
        "\n".join(["Sources", *[f"- {source}" for source in sources]]),
        told.footer,
        PART_2_NOTICE,
    ]
    return "\n\n".join(blocks) + "\n"


def _plan_note(turn: Turn, stored: StoredConsult) -> list[str]:
    plan = plans.plan_of(turn.tx, stored)
    if plan is None:
        return []
    choices = followup()
    guards = ", ".join(choices.words("safeguard", code) for code in plan.safeguards) or "none"
    reviews = [
        f"- {f'day {r.day}' if r.day is not None else 'step'}: "
        + (choices.words("outcome", r.outcome) if r.outcome else r.state)
        for r in plans.reviews_of(turn.tx, stored.id)
    ]
    rows = [
        f"Plan, revision {plan.revision}",
        f"Decided: {choices.words('decided', plan.decided)}",
        f"Agreed with: {choices.words('agreed', plan.agreed)}",
        f"Safeguards: {guards}",
        f"Ends: {choices.words('stop', plan.stop)}",
        "Reviews",
        *reviews,
    ]
    return ["\n".join(rows)]


def _calendar(turn: Turn, data: Callback) -> None:
    """Send the review dates as a calendar file, without clinical content."""
    from icalendar import Calendar, Event  # noqa: PLC0415 - 60 ms that few updates need

    stored = _advised(turn, data)
    calendar = Calendar()
    calendar.add("prodid", "-//Curbside//EN")
    calendar.add("version", "2.0")
    for review in plans.reviews_of(turn.tx, stored.id):
        event = Event()
        event.add("uid", f"{review.id}@curbside")
        event.add("dtstamp", turn.tx.now)
        event.add("dtstart", review.due_at)
        event.add("dtend", review.due_at + timedelta(minutes=REVIEW_MINUTES))
        event.add("summary", turn.t("Review of case {code}").format(code=stored.code))
        calendar.add_component(event)
    turn.document(
        f"case-{stored.code}.ics", calendar.to_ical(), turn.t("Review dates"), consult=stored.id
    )
    turn.tell(turn.t("The calendar file is below."))
    _exported(turn, stored, "ics")


def _exported(turn: Turn, stored: StoredConsult, form: str) -> None:
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id,
            action="consult.export",
            object_type="consult",
            object_id=stored.id,
            consult_id=stored.id,
            meta={"form": form},
        ),
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "msg": _message,
    "note": _note,
    "ics": _calendar,
}
