"""Words held back because they may identify somebody: one tap applies them, another drops them."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from bot import excerpts, narrative, present
from bot.callbacks import Callback
from bot.dialog import LONG, current_case, show_case
from bot.persons import begin
from bot.turn import Gone, Turn
from bot.typed_answers import edited
from storage import audit, expecting, rounds
from storage.expecting import Expected
from storage.transaction import Tx


def hold(
    turn: Turn, words: str, message_id: int, *, correction: bool = False, new: bool = False
) -> None:
    """Keep ``words`` encrypted and ask whether they identify anybody; nothing is used yet."""
    outer = expecting.expected(turn.tx, turn.person.id)
    behind, inner = _behind(turn, outer)
    token = expecting.expect(
        turn.tx,
        turn.person.id,
        "held",
        consult_id=outer.consult_id if outer else None,
        args={**behind, "message": message_id, "edited": correction, "new": new},
        held=json.dumps([words, inner]),
    )
    stored = current_case(turn)
    turn.show(
        excerpts.question(words, turn.findings, turn.t, held=token),
        consult=stored.id if stored else None,
        kind="held",
    )


def _behind(turn: Turn, outer: Expected | None) -> tuple[dict[str, Any], str | None]:
    """Return what was expected, and what stood in the chat, before any words were held back."""
    if outer is not None and outer.kind == "held":
        kept = {name: outer.args.get(name) for name in ("for", "args", "under")}
        return kept, json.loads(outer.held or '["", null]')[1]
    at = present.kept(present.of(turn.tx, turn.chat_id))
    if outer is None:
        return {"for": None, "args": {}, "under": at}, None
    return {"for": outer.kind, "args": dict(outer.args), "under": at}, outer.held


def _held(turn: Turn, data: Callback) -> None:
    """Apply the held words as if they were typed just now, or forget them."""
    found = expecting.expected(turn.tx, turn.person.id)
    if found is None or found.kind != "held" or found.token != data.arg(0):
        raise Gone
    words, outer = json.loads(found.held or '["", null]')
    _expect_again(turn, found, outer)
    match data.arg(1):
        case "go":
            _record(turn, found, "overridden")
            _apply(turn, found, words)
        case "drop":
            _record(turn, found, "dropped")
            _drop(turn, found)
        case _:
            raise Gone


def written_again(turn: Turn, words: str) -> bool:
    """Take words in the place of those held back, where free words were asked for or told a case."""
    found = expecting.expected(turn.tx, turn.person.id)
    if found is None or found.kind != "held" or found.args["edited"]:
        return False
    if len(words) < LONG and found.args["for"] in (None, "suggested"):
        return False
    _expect_again(turn, found, json.loads(found.held or '["", null]')[1])
    _record(turn, found, "dropped")
    turn.delete(int(found.args["message"]))
    turn.mean(words, present.of_row(turn.tx, found.args.get("under")))
    return True


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
        turn.mean(words, present.of_row(turn.tx, found.args.get("under")))


def _drop(turn: Turn, found: Expected) -> None:
    """Forget held words, and show again what stood in the chat when they were typed."""
    turn.delete(int(found.args["message"]))
    turn.tell(turn.t("Dropped. Nothing of it was used."))
    under = present.of_row(turn.tx, found.args.get("under"))
    if under is not None and under.screen.rows:
        turn.again(under)
        return
    stored = current_case(turn)
    if stored is None:
        begin(turn)
    else:
        show_case(turn, stored)


def _record(turn: Turn, found: Expected, outcome: str) -> None:
    event = audit.Event(
        actor=turn.person.id,
        action="guard.answer",
        consult_id=round_of(turn.tx, found),
        outcome=outcome,
    )
    audit.record(turn.tx, event)


def round_of(tx: Tx, expected: Expected | None) -> UUID | None:
    """Return the case whose running round the expected words are about, as an opinion or comment.

    That somebody writes there is told to nobody before the round is closed.
    """
    if expected is None or expected.consult_id is None:
        return None
    kind = expected.args.get("for") if expected.kind == "held" else expected.kind
    about = kind in ("opinion", "comment") and rounds.running(tx, expected.consult_id)
    return expected.consult_id if about else None


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"held": _held}
