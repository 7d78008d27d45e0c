"""The message to the colleague: what has to be seen to first, a short one, a long one."""

from collections.abc import Callable

from bot import helplines, reviews
from bot.callbacks import Callback, encode
from bot.cases import dialog_of, to_be_read
from bot.language import Translate, document_note
from bot.screen import Button, Row, Screen, bold, esc, fold, lines, paragraphs
from bot.turn import Gone, Turn
from dialogs.messages import Basis, Message, colleague_message
from dialogs.phases import ENDED
from storage import audit
from storage.consults import StoredConsult


def step_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that the step gains: the message, the plan."""
    t = turn.t
    if stored.hypothetical_of is not None:
        return ()
    message = (Button(t("Message to the colleague"), encode("msg", stored.short)),)
    if stored.phase in ENDED:
        return (message,)
    return (
        message,
        (
            Button(t("Record a plan"), encode("plan", stored.short)),
            *helplines.lines_row(t, stored.short),
        ),
        reviews.step_row(turn, stored),
    )


def advised(turn: Turn, data: Callback, action: str = "consult.read") -> StoredConsult:
    """Return the case of a button that needs a summary; one that has ended can still be read."""
    return to_be_read(turn, turn.case(data.case, action))


def _message(turn: Turn, data: Callback) -> None:
    """Show the message to the colleague: short on a copy button, long as a block."""
    stored = advised(turn, data)
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
        _consent_table(turn, stored),
        lines(
            esc(
                t(
                    "Tap a block to copy it. Fill in the [brackets] outside this chat: no names here."
                )
            ),
            esc(document_note(turn.scenario_of(stored.content_hash), t)),
        ),
    )
    rows = (
        (Button(t("Copy the short one"), copy=message.short),),
        (Button(t("As a file to print"), encode("msgf", stored.short)),),
        (Button(t("‹ The step"), encode("v", stored.short, "step")),),
    )
    return Screen(body, rows)


def _consent_table(turn: Turn, stored: StoredConsult) -> str:
    """Return what is usually needed, by who tells whom, folded; never that it is lawful."""
    table = turn.scenario_of(stored.content_hash).consent_table
    rows = [
        f"• {row.discloser} → {row.recipient}: {row.basis if row.wording == '-' else row.wording}"
        for row in table
    ]
    return fold("\n".join([bold(turn.t("Who may tell whom, usually")), *map(esc, rows)]))


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
    stored = advised(turn, data, "consult.export")
    message = _written(turn, stored)
    name = f"case-{stored.code}-{'letter' if message.letter else 'message'}.txt"
    caption = _name(message, turn.t)
    turn.document(name, f"{message.long}\n".encode(), caption, consult=stored.id)
    turn.tell(turn.t("The file is below."))
    exported(turn, stored, "message")


def exported(turn: Turn, stored: StoredConsult, form: str) -> None:
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
}
