"""What leaves the chat: the message to the colleague, the chart-ready note, the calendar file."""

from collections.abc import Callable
from datetime import timedelta

from bot.callbacks import Callback, encode
from bot.cases import dialog_of
from bot.language import Translate
from bot.screen import Button, Row, Screen, bold, esc, lines, paragraphs
from bot.turn import Gone, Turn
from dialogs.evaluation import evaluate
from dialogs.followup import followup
from dialogs.messages import PART_2_NOTICE, Basis, Message, colleague_message
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
    stored = _advised(turn, data)
    screen = message_screen(turn, stored, _written(turn, stored))
    turn.show(screen, consult=stored.id, kind="message")


def _written(turn: Turn, stored: StoredConsult) -> Message:
    scenario = turn.scenario_of(stored.content_hash)
    message = colleague_message(dialog_of(stored).answers, scenario)
    if message is None:
        raise Gone
    return message


def message_screen(turn: Turn, stored: StoredConsult, message: Message) -> Screen:
    """Return the message with what has to be seen to before it is sent."""
    t = turn.t
    body = paragraphs(
        bold(f"{t('Case {code}').format(code=stored.code)} · {_name(message, t)}"),
        lines(bold(_before(t)[message.basis]), esc(message.consent)),
        f"{bold(t('Short'))}\n<pre>{esc(message.short)}</pre>",
        f"{bold(t('In full'))}\n<pre>{esc(message.long)}</pre>",
        esc(t("Tap a block to copy it. Fill in the [brackets] outside this chat: no names here.")),
    )
    rows = (
        (Button(t("Copy the short one"), copy=message.short),),
        (Button(t("As a file to print"), encode("msgf", stored.short)),),
        (Button(t("‹ The step"), encode("v", stored.short, "step")),),
    )
    return Screen(body, rows)


def _name(message: Message, t: Translate) -> str:
    return t("letter for the client to carry") if message.letter else t("message to the colleague")


def _before(t: Translate) -> dict[Basis, str]:
    """Return what has to be seen to before it is sent, by what the sending rests on."""
    return {
        "inside": t("Inside your own program: usually no consent is needed to ask."),
        "refused": t(
            "Consent was declined: do not send it. The client may carry it, or join a call."
        ),
        "recorded": t("Consent is recorded: check that it covers this recipient."),
        "missing": t("No consent that covers this is recorded: do not send it yet."),
        "other": t("Before you send it: share the minimum useful."),
    }


def _message_file(turn: Turn, data: Callback) -> None:
    """Send the long message as a file, to be printed."""
    stored = _advised(turn, data, "consult.export")
    message = _written(turn, stored)
    name = f"case-{stored.code}-{'letter' if message.letter else 'message'}.txt"
    caption = _name(message, turn.t)
    turn.document(name, f"{message.long}\n".encode(), caption, consult=stored.id)
    turn.tell(turn.t("The file is below."))
    _exported(turn, stored, "message")


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
    "msgf": _message_file,
    "note": _note,
    "ics": _calendar,
}
