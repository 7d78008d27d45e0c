"""What cannot be read: said in its place and put on record, while everything else goes on.

A ciphertext that was altered, cut or moved, or whose key is missing, is never replaced by a guess.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select

from storage import audit
from storage.errors import KeyDestroyed, KeyTrouble, Unreadable
from storage.schema import audit_event
from storage.sealing import Place, unseal
from storage.transaction import Tx

UNREADABLE: Final = (
    "This entry cannot be read: it was altered or its key is missing. An admin should run verify."
)
"""What stands in the place of words, until they are shown in somebody's language."""

ACTION = "entry.unreadable"
NOTED_EVERY = timedelta(days=1)

_NOTED = "entries that cannot be read"


def words(tx: Tx, key_id: UUID, sealed: bytes, place: Place) -> str:
    """Return the words in ``sealed``, or that they cannot be read."""
    try:
        return unseal(tx, key_id, sealed, place)
    except KeyDestroyed:
        raise
    except (KeyTrouble, Unreadable):
        note(tx, place)
        return UNREADABLE


def note(tx: Tx, place: Place) -> None:
    """Remember what cannot be read, until `on_record` in this transaction."""
    tx.notes.setdefault(_NOTED, {})[place] = None


def on_record(tx: Tx, actor: UUID | None) -> None:
    """Put on record what could not be read in this transaction, each entry once a day."""
    record_all(tx, actor, taken(tx))


def taken(tx: Tx) -> tuple[Place, ...]:
    """Return what could not be read in this transaction, for one that records it."""
    return tuple(tx.notes.pop(_NOTED, ()))


def record_all(tx: Tx, actor: UUID | None, places: Iterable[Place]) -> None:
    """Put on record what could not be read, each entry once a day."""
    for place in places:
        _record(tx, actor, f"{place.table}.{place.column}", place.row, place.consult)


def failed(tx: Tx, actor: UUID | None, error: KeyTrouble | Unreadable) -> None:
    """Put on record what ended a transaction that was to read it."""
    if isinstance(error, Unreadable):
        _record(tx, actor, f"{error.table}.{error.column}", error.row, None)
    else:
        _record(tx, actor, "data_key", "", None)


def _record(
    tx: Tx, actor: UUID | None, kind: str, identity: UUID | str, consult_id: UUID | None
) -> None:
    lately = audit.chained_or_not(audit_event.c.action == ACTION, tx.now - NOTED_EVERY)
    same = (audit_event.c.object_type == kind) & (audit_event.c.object_id == str(identity))
    if tx.connection.scalar(select(exists(select(audit_event.c.id).where(lately, same)))):
        return
    event = audit.Event(
        actor=actor,
        action="entry.unreadable",
        object_type=kind,
        object_id=identity,
        consult_id=consult_id,
        outcome="failed",
    )
    audit.record(tx, event)
