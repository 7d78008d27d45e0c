"""What a bot left behind, as a test compares it: effects without ids, times and what chance made."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    select,
    true,
)

from storage.audit import seal
from storage.database import Database
from storage.schema import UtcDateTime, audit_event, dead_letter, metadata, transcript
from storage.transaction import Tx
from storage.verification import verify

APART = frozenset(
    {
        *("transcript", "screen", "audit_head", "audit_checkpoint", "data_key", "meta"),
        *("statistic", "consult_tally"),
    }
)
"""Tables whose rows may differ after a crash (messages come again), or that are looked at apart.

The overview is counted beside the bot, now and again: how far that is depends on when it began.
"""

CHANCE = frozenset(
    {
        *("code", "short", "args", "object_id", "meta", "body", "keys", "number"),
        *("seq", "prev", "hash", "code_hash", "teams"),
    }
)
"""Columns in which ids or chance may stand; a team is counted for when the counting comes by."""

TIDIED = "retention.run"
"""What a bot puts on record at its start when there was something to remove, so after a death again."""

Effects = Counter[tuple[str, str]]


def effects(tx: Tx) -> Effects:
    """Return how often each row stands in each table: the same effects make the same counts."""
    found: Effects = Counter()
    for table in metadata.sorted_tables:
        if table.name not in APART:
            found.update((table.name, row) for row in _rows(tx, table))
    return found


def _rows(tx: Tx, table: Table) -> Iterator[str]:
    kept = [column for column in table.columns if column.name not in CHANCE]
    which = table.c.team == "" if "team" in table.c else true()
    if table is audit_event:
        which = audit_event.c.action != TIDIED
    for row in tx.connection.execute(select(*kept).where(which)):
        told = {column.name: _told(column, row[place]) for place, column in enumerate(kept)}
        yield json.dumps(told, sort_keys=True)


def _told(column: Column[Any], value: Any) -> Any:
    """Return a value, or of an id, a time or a ciphertext only whether it is there."""
    if value is None or isinstance(column.type, Text | JSON):
        return value
    if isinstance(column.type, Uuid | LargeBinary | UtcDateTime):
        return "set"
    return "set" if isinstance(column.type, BigInteger) else value


@dataclass(frozen=True, slots=True)
class Trace:
    """What stands in a database after everybody went home."""

    effects: Effects
    taken_in: int
    """Updates with effects, each counted once: the column is unique."""
    unsent: int
    buried: int
    given_up: int
    """Messages that will never be sent."""
    order_kept: bool
    """Whether the messages of each chat arrived in the order in which they were written."""
    log_whole: bool
    tidied: int
    """Runs of the retention on record."""


async def trace(database: Database) -> Trace:
    """Return what a database holds; its audit log is sealed to the end and verified."""
    if not database.chains_at_once:
        await database.write(seal)
    return await database.read(_trace)


def _trace(tx: Tx) -> Trace:
    return Trace(
        effects=effects(tx),
        taken_in=_count(tx, transcript.c.update_id.is_not(None)),
        unsent=_count(tx, transcript.c.state.in_(("waiting", "sending"))),
        buried=tx.connection.scalar(select(func.count()).select_from(dead_letter)) or 0,
        given_up=_count(tx, transcript.c.state == "dead"),
        order_kept=all(ids == sorted(ids) for ids in _sent_by_chat(tx).values()),
        log_whole=verify(tx).ok,
        tidied=_count(tx, audit_event.c.action == TIDIED),
    )


def _count(tx: Tx, which: Any) -> int:
    return tx.connection.scalar(select(func.count()).where(which)) or 0


def _sent_by_chat(tx: Tx) -> dict[int, list[int]]:
    """Return the message ids of each chat's sent messages, in the order they were written."""
    query = (
        select(transcript.c.chat_id, transcript.c.message_id)
        .where(
            transcript.c.state == "sent",
            transcript.c.method.like("send%"),
            transcript.c.message_id.is_not(None),
        )
        .order_by(transcript.c.number)
    )
    found: dict[int, list[int]] = {}
    for chat, message in tx.connection.execute(query):
        found.setdefault(chat, []).append(message)
    return found


def known(tx: Tx) -> set[tuple[int, int]]:
    """Return chat and id of every message that the bot knows it sent."""
    query = select(transcript.c.chat_id, transcript.c.message_id).where(
        transcript.c.direction == "out", transcript.c.message_id.is_not(None)
    )
    return {(row[0], row[1]) for row in tx.connection.execute(query)}
