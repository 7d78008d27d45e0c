"""Changing the key outside the database: every data key is wrapped anew, no text is touched."""

from sqlalchemy import func, select

from storage import audit
from storage.database import Database
from storage.schema import data_key
from storage.sealing import rewrap_some
from storage.transaction import Tx


async def rotate(database: Database) -> int:
    """Wrap every data key by the newest key, and return how many were wrapped anew.

    Interrupted, it is simply run again. Afterwards ``keks_in_use`` tells which older keys can go
    from the keys file; a backup made before still needs them.
    """
    total = 0
    while done := await database.write(rewrap_some):
        total += done
    await database.write(lambda tx: _record(tx, total))
    await database.truncate_log()
    return total


def keks_in_use(tx: Tx) -> dict[str, int]:
    """Return how many data keys each key outside the database wraps."""
    query = (
        select(data_key.c.kek_id, func.count())
        .where(data_key.c.wrapped.is_not(None))
        .group_by(data_key.c.kek_id)
    )
    return {row[0]: row[1] for row in tx.connection.execute(query)}


def _record(tx: Tx, total: int) -> None:
    event = audit.Event(
        actor=None,
        action="key.rotate",
        object_type="key",
        object_id=tx.keys.newest,
        meta={"data_keys": total},
    )
    audit.record(tx, event)
