"""Words held back because they may identify somebody: one tap applies them, another drops them."""

import json
from collections.abc import Callable

from bot import excerpts, narrative
from bot.callbacks import Callback
from bot.dialog import current_case, edited, show_case
from bot.persons import begin
from bot.turn import Gone, Turn
from storage import audit, expecting
from storage.expecting import Expected


def hold(
    turn: Turn, words: str, message_id: int, *, correction: bool = False, new: bool = False
) -> None:
    """Keep ``words`` encrypted and ask whether they identify anybody; nothing is used yet."""
    outer = expecting.expected(turn.tx, turn.person.id)
    outer = None if outer and outer.kind == "held" else outer
    token = expecting.expect(
        turn.tx,
        turn.person.id,
        "held",
        consult_id=outer.consult_id if outer else None,
        args={
            "for": outer.kind if outer else None,
            "args": dict(outer.args) if outer else {},
            "message": message_id,
            "edited": correction,
            "new": new,
        },
        held=json.dumps([words, outer.held if outer else None]),
    )
    stored = current_case(turn)
    turn.show(
        excerpts.question(words, turn.findings, turn.t, held=token),
        consult=stored.id if stored else None,
        kind="held",
    )


def _held(turn: Turn, data: Callback) -> None:
    """Apply the held words as if they were typed just now, or forget them."""
    found = expecting.expected(turn.tx, turn.person.id)
    if found is None or found.kind != "held" or found.token != data.arg(0):
        raise Gone
    words, outer = json.loads(found.held or '["", null]')
    _expect_again(turn, found, outer)
    match data.arg(1):
        case "go":
            _record(turn, "overridden")
            _apply(turn, found, words)
        case "drop":
            _record(turn, "dropped")
            _drop(turn, found)
        case _:
            raise Gone


def _expect_again(turn: Turn, found: Expected, outer: str | None) -> None:
    """Expect what was expected before the words were held back."""
    expecting.forget(turn.tx, turn.person.id)
    if found.args["for"] is not None:
        expecting.expect(
            turn.tx,
            turn.person.id,
            found.args["for"],
            consult_id=found.consult_id,
            args=found.args["args"],
            held=outer,
        )


def _apply(turn: Turn, found: Expected, words: str) -> None:
    turn.words_id = int(found.args["message"])
    if found.args["edited"]:
        edited(turn, turn.words_id, words)
    elif found.args["new"]:
        narrative.offer(turn, words)
    else:
        turn.mean(words)


def _drop(turn: Turn, found: Expected) -> None:
    turn.delete(int(found.args["message"]))
    turn.tell(turn.t("Dropped. Nothing of it was used."))
    stored = current_case(turn)
    if stored is None:
        begin(turn)
    else:
        show_case(turn, stored)


def _record(turn: Turn, outcome: str) -> None:
    audit.record(turn.tx, audit.Event(actor=turn.person.id, action="guard.answer", outcome=outcome))


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"held": _held}
