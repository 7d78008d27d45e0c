"""Dead letters: updates that could not be handled, with a reason, for an administrator to see.

The payload may hold words: it is encrypted, and gone after 24 hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import unreadable
from storage.errors import NotFound
from storage.ids import new_id
from storage.schema import dead_letter, transcript
from storage.sealing import Place, seal, system_key_id, unseal
from storage.text import clean
from storage.transaction import Tx

KEPT = timedelta(hours=24)
MOST_ASKED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What is known of an update that was given up. ``keys`` are the names of its parts."""

    id: UUID
    update_id: int | None
    kind: str
    keys: tuple[str, ...]
    reason: str
    attempts: int
    at: datetime
    expires_at: datetime
    replayed_at: datetime | None


def bury(
    tx: Tx,
    *,
    update_id: int | None,
    kind: str,
    keys: Sequence[str],
    payload: str | None,
    reason: str,
    attempts: int = 1,
) -> UUID:
    """Give an update up: it counts as handled, and its payload is kept sealed for 24 hours.

    ``reason`` is a code such as the name of an error; never its message. A payload that the
    identifier guard has not seen is allowed, as it is sealed; None where nothing may be kept.
    """
    identity, key_id = new_id(), system_key_id(tx, "letters")
    tx.connection.execute(
        insert(dead_letter).values(
            id=identity,
            update_id=update_id,
            kind=kind,
            keys=",".join(sorted(keys)),
            payload=_sealed(tx, key_id, identity, payload),
            data_key_id=key_id,
            reason=reason[:64],
            attempts=attempts,
            at=tx.now,
            expires_at=tx.now + KEPT,
        )
    )
    if update_id is not None:
        _count_as_handled(tx, update_id)
    return identity


def letters(tx: Tx, limit: int = 50) -> list[DeadLetter]:
    """Return the newest dead letters, without their payload."""
    query = select(dead_letter).order_by(dead_letter.c.id.desc()).limit(limit)
    return [_letter(row) for row in tx.connection.execute(query)]


def waiting_letters(tx: Tx) -> int:
    """Return how many dead letters could still be replayed."""
    query = select(func.count()).where(
        dead_letter.c.payload.is_not(None), dead_letter.c.replayed_at.is_(None)
    )
    return tx.connection.scalar(query) or 0


def replay(tx: Tx, letter_id: UUID) -> str:
    """Ask for a letter to be handled once more, and return its payload; its update id is new again.

    The running bot takes up what was asked for; until ``done`` is told it does so again, also
    after a crash. Raises NotFound when there is no such letter or its payload is gone.
    """
    row = tx.connection.execute(select(dead_letter).where(dead_letter.c.id == letter_id)).first()
    if row is None or row.payload is None or row.expires_at <= tx.now:
        raise NotFound("dead letter", letter_id)
    tx.connection.execute(
        update(dead_letter).where(dead_letter.c.id == letter_id).values(replayed_at=tx.now)
    )
    tx.connection.execute(
        update(transcript)
        .where(transcript.c.update_id == row.update_id, transcript.c.kind == "dead_letter")
        .values(update_id=None)
    )
    return unseal(tx, row.data_key_id, row.payload, _place(letter_id))


def asked(tx: Tx) -> tuple[tuple[UUID, str], ...]:
    """Return id and payload of the letters that are to be handled once more, oldest first.

    One that cannot be read waits until it expires.
    """
    query = (
        select(dead_letter)
        .where(
            dead_letter.c.replayed_at.is_not(None),
            dead_letter.c.payload.is_not(None),
            dead_letter.c.expires_at > tx.now,
        )
        .order_by(dead_letter.c.id)
        .limit(MOST_ASKED)
    )
    found = [
        (row.id, unreadable.words(tx, row.data_key_id, row.payload, _place(row.id)))
        for row in tx.connection.execute(query)
    ]
    return tuple((row, payload) for row, payload in found if payload != unreadable.UNREADABLE)


def done(tx: Tx, letter_id: UUID) -> None:
    """Note that a letter was handled once more; its payload is needed no longer."""
    tx.connection.execute(
        update(dead_letter).where(dead_letter.c.id == letter_id).values(payload=None)
    )


def expire(tx: Tx) -> int:
    """Remove the payloads kept for 24 hours, and return how many."""
    result = tx.connection.execute(
        update(dead_letter)
        .where(dead_letter.c.expires_at <= tx.now, dead_letter.c.payload.is_not(None))
        .values(payload=None)
    )
    return result.rowcount


def _count_as_handled(tx: Tx, update_id: int) -> None:
    """Let the duplicate guard know the update; it belongs to no chat any more."""
    values = {
        "id": new_id(),
        "chat_id": 0,
        "direction": "in",
        "kind": "dead_letter",
        "update_id": update_id,
        "data_key_id": system_key_id(tx, "chat"),
        "state": "received",
        "created_at": tx.now,
    }
    statement = insert_or_not(transcript).on_conflict_do_nothing(index_elements=["update_id"])
    tx.connection.execute(statement, values)


def _sealed(tx: Tx, key_id: UUID, identity: UUID, payload: str | None) -> bytes | None:
    return None if payload is None else seal(tx, key_id, clean(payload), _place(identity))


def _place(identity: UUID) -> Place:
    return Place("dead_letter", "payload", identity)


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        update_id=row.update_id,
        kind=row.kind,
        keys=tuple(filter(None, row.keys.split(","))),
        reason=row.reason,
        attempts=row.attempts,
        at=row.at,
        expires_at=row.expires_at,
        replayed_at=row.replayed_at,
    )
