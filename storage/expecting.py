"""What the next typed words of a person are for; words held for a yes are kept encrypted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from storage import unreadable
from storage.ids import new_id
from storage.schema import expecting as table
from storage.sealing import Place, seal, system_key_id
from storage.transaction import Tx

LASTS = timedelta(hours=24)
"""After this the next words mean nothing special, and held words are gone."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected: a kind known to the bot, a consult, codes, and words held for a yes."""

    kind: str
    consult_id: UUID | None
    args: Mapping[str, Any]
    held: str | None
    token: str
    """Eight signs that a button names, so that an old button does not act on newer words."""


def expect(
    tx: Tx,
    person_id: UUID,
    kind: str,
    *,
    consult_id: UUID | None = None,
    args: Mapping[str, Any] | None = None,
    held: str | None = None,
) -> str:
    """Expect ``kind`` of the person's next words, and return the token of this expectation."""
    row = new_id()
    key = system_key_id(tx, "letters")
    forget(tx, person_id)
    tx.connection.execute(
        insert(table).values(
            person_id=person_id,
            id=row,
            kind=kind,
            consult_id=consult_id,
            args=dict(args or {}),
            held=None if held is None else seal(tx, key, held, _place(row)),
            data_key_id=key,
            at=tx.now,
        )
    )
    return row.hex[-8:]


def expected(tx: Tx, person_id: UUID) -> Expected | None:
    """Return what the person's next words are for, or None; it lasts 24 hours.

    What was held and cannot be read is forgotten with it.
    """
    row = tx.connection.execute(select(table).where(table.c.person_id == person_id)).first()
    if row is None or tx.now - row.at > LASTS:
        return None
    held = (
        None
        if row.held is None
        else unreadable.words(tx, row.data_key_id, row.held, _place(row.id))
    )
    if held == unreadable.UNREADABLE:
        return None
    return Expected(row.kind, row.consult_id, dict(row.args), held, row.id.hex[-8:])


def forget(tx: Tx, person_id: UUID) -> None:
    """Expect nothing special of the person's next words."""
    tx.connection.execute(delete(table).where(table.c.person_id == person_id))


def drop_quoted(tx: Tx, sources: Collection[UUID]) -> None:
    """Forget what is held of words that were taken back; ``of`` in what is expected names whose."""
    wanted = {source.hex for source in sources}
    rows = tx.connection.execute(select(table.c.id, table.c.args).where(table.c.held.is_not(None)))
    found = [row.id for row in rows if row.args.get("of") in wanted]
    if found:
        tx.connection.execute(delete(table).where(table.c.id.in_(found)))


def forget_old(tx: Tx) -> int:
    """Delete what was held for more than 24 hours, and return how many rows that were."""
    return tx.connection.execute(delete(table).where(table.c.at < tx.now - LASTS)).rowcount


def _place(row: UUID) -> Place:
    return Place("expecting", "held", row)
