"""Cards: the one message about a case in a group or a chosen chat; content-free, edited rarely.

What a card says is the bot's to word. Here it is posted, found by its message, edited and withdrawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from storage import transcript
from storage.ids import new_id
from storage.schema import card, share
from storage.schema import transcript as line
from storage.transaction import Tx
from storage.transcript import REMOVED, Outgoing

TOPIC_NAME_LENGTH = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message about a case; ``chat_id`` is None where it was sent inline."""

    id: UUID
    share_id: UUID
    consult_id: UUID
    chat_id: int | None
    transcript_id: UUID | None
    topic_id: UUID | None
    inline_id: str | None
    posted_at: datetime


def post(
    tx: Tx, *, share_id: UUID, consult_id: UUID, chat_id: int, topic: str, params: Mapping[str, Any]
) -> Card:
    """Post a card in a group, in a forum topic of the name ``topic`` where that is not empty."""
    topic_id = None
    if topic:
        opening = {"name": topic[:TOPIC_NAME_LENGTH]}
        topic_id = transcript.enqueue(
            tx,
            Outgoing(
                chat_id=chat_id,
                method="createForumTopic",
                params=opening,
                consult_id=consult_id,
                kind="topic",
            ),
        )
    sent = transcript.enqueue(
        tx,
        Outgoing(
            chat_id=chat_id,
            method="sendMessage",
            params=params,
            consult_id=consult_id,
            kind="card",
            target=topic_id,
        ),
    )
    return _kept(
        tx,
        share_id=share_id,
        consult_id=consult_id,
        chat_id=chat_id,
        transcript_id=sent,
        topic_id=topic_id,
    )


def sent_inline(tx: Tx, *, share_id: UUID, consult_id: UUID, inline_id: str) -> Card:
    """Keep that a card was sent into a chat that somebody chose."""
    return _kept(tx, share_id=share_id, consult_id=consult_id, inline_id=inline_id or None)


def edit(tx: Tx, about: Card, params: Mapping[str, Any]) -> None:
    """Let a card say something else; edits that wait are joined into the newest one."""
    if about.inline_id is not None:
        _edit_inline(tx, about, params)
    elif about.chat_id is not None:
        _edit_in_chat(tx, about, about.chat_id, params)


def withdraw(tx: Tx, *, consult_id: UUID | None = None, share_id: UUID | None = None) -> None:
    """Take the words off the cards of a case or of one share; what was not sent yet never is."""
    which = card.c.share_id == share_id if share_id else card.c.consult_id == consult_id
    for about in _live(tx, which):
        tx.connection.execute(update(card).where(card.c.id == about.id).values(withdrawn_at=tx.now))
        if about.inline_id is not None or _is_out(tx, about):
            edit(tx, about, {"text": REMOVED})


def of_consult(tx: Tx, consult_id: UUID) -> list[Card]:
    """Return the cards of a case that stand, the first posted first."""
    return _live(tx, card.c.consult_id == consult_id)


def of_message(tx: Tx, chat_id: int, message_id: int) -> Card | None:
    """Return the card that a message of a group is, or None."""
    found = [c for c in _live(tx, card.c.chat_id == chat_id) if message_of(tx, c) == message_id]
    return found[0] if found else None


def message_of(tx: Tx, about: Card) -> int | None:
    """Return the message id that a card has now; a lost one was sent anew by its last edit."""
    newest: int | None = tx.connection.scalar(
        select(line.c.message_id)
        .where(
            line.c.chat_id == about.chat_id,
            line.c.coalesce == _name(about),
            line.c.message_id.is_not(None),
        )
        .order_by(line.c.number.desc())
        .limit(1)
    )
    if newest is not None or about.transcript_id is None:
        return newest
    return transcript.message_id_of(tx, about.transcript_id)


def is_posted(tx: Tx, share_id: UUID, chat_id: int) -> bool:
    """Say whether a share has a card in a chat."""
    return bool(_live(tx, (card.c.share_id == share_id) & (card.c.chat_id == chat_id)))


def _edit_in_chat(tx: Tx, about: Card, chat_id: int, params: Mapping[str, Any]) -> None:
    known = message_of(tx, about)
    transcript.enqueue(
        tx,
        Outgoing(
            chat_id=chat_id,
            method="editMessageText",
            params={**params, **({} if known is None else {"message_id": known})},
            kind="card.edit",
            target=about.transcript_id if known is None else None,
            coalesce=_name(about),
        ),
    )


def _edit_inline(tx: Tx, about: Card, params: Mapping[str, Any]) -> None:
    """Edit a card in a chat we may not know: in the lane of nobody, chat 0."""
    transcript.enqueue(
        tx,
        Outgoing(
            chat_id=0,
            method="editMessageText",
            params={**params, "inline_message_id": about.inline_id},
            kind="card.edit",
            coalesce=_name(about),
        ),
    )


def _name(about: Card) -> str:
    return f"card:{about.id.hex}"


def _is_out(tx: Tx, about: Card) -> bool:
    """Say whether a card was sent, or is being sent just now; else it is taken back."""
    if about.transcript_id is None:
        return False
    waits = (line.c.id == about.transcript_id) & (line.c.state == "waiting")
    dropped = update(line).where(waits).values(state="dropped", error_code="withdrawn")
    if tx.connection.execute(dropped).rowcount:
        return False
    state = tx.connection.scalar(select(line.c.state).where(line.c.id == about.transcript_id))
    return state in ("sending", "sent")


def _kept(tx: Tx, **values: Any) -> Card:
    made = Card(
        **{"chat_id": None, "transcript_id": None, "topic_id": None, "inline_id": None}
        | values
        | {"id": new_id(), "posted_at": tx.now}
    )
    columns = {name: getattr(made, name) for name in Card.__slots__}
    tx.connection.execute(insert(card).values(**columns))
    return made


def _live(tx: Tx, which: Any) -> list[Card]:
    query = (
        select(card)
        .join(share, share.c.id == card.c.share_id)
        .where(which, card.c.withdrawn_at.is_(None))
        .order_by(card.c.id)
    )
    return _cards(tx.connection.execute(query).all())


def _cards(rows: Sequence[Row[Any]]) -> list[Card]:
    return [Card(**{name: getattr(row, name) for name in Card.__slots__}) for row in rows]
