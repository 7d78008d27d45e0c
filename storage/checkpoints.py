"""Signed checkpoints of the audit log, kept where whoever can alter the log cannot reach them."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import func, insert, select

from storage.audit import (
    Event,
    Head,
    index_words,
    last_event,
    lock_log,
    microseconds,
    record,
    seal,
)
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.noted import (
    note_checkpoint,
    noted_checkpoint,
    noted_seq,
    notes_checkpoints,
)
from storage.schema import audit_checkpoint, audit_event
from storage.sealing import system_key
from storage.transaction import Tx

SEAL_SECONDS = 0.2
CHECKPOINT_SECONDS = 60.0
CHECKPOINT_EVENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state of the log at event ``seq``, signed (Ed25519); ``at`` is microseconds since 1970.

    ``count`` is how many events came since the checkpoint before. As a line in a file, or in the
    operator's chat, it is an anchor.
    """

    seq: int
    hash: bytes
    count: int
    at: int
    signature: bytes

    def signed_part(self) -> bytes:
        return f"curbside checkpoint|{self.seq}|{self.hash.hex()}|{self.count}|{self.at}".encode()

    def line(self) -> str:
        """Return the checkpoint as one line of JSON: an anchor."""
        return json.dumps(
            {
                "seq": self.seq,
                "hash": self.hash.hex(),
                "count": self.count,
                "at": self.at,
                "signature": self.signature.hex(),
            }
        )

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(self.signature, self.signed_part())
        except InvalidSignature:
            return False
        return True


class UnreadableAnchor(Exception):
    """A line of the anchor file is not an anchor; carries the number of the line."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} of the anchor file is not an anchor")
        self.line = line


def checkpoint(tx: Tx) -> Checkpoint | None:
    """Sign the state of the log and return it, or None when nothing came since the last time.

    Of several processes one signs a state; the others find it signed.
    """
    lock_log(tx)
    head, previous = last_event(tx), max(_last_seq(tx), noted_seq(tx))
    if head.seq <= previous:
        return None
    if noted_checkpoint(tx) is None and not notes_checkpoints(tx):
        head = _begun(tx)
    made = _signed(tx, head, head.seq - previous)
    tx.connection.execute(
        insert(audit_checkpoint).values(
            seq=made.seq, hash=made.hash, count=made.count, at=made.at, signature=made.signature
        )
    )
    if noted_checkpoint(tx) is not None:
        note_checkpoint(tx, made.seq)
    return made


def _begun(tx: Tx) -> Head:
    """Begin to note the newest checkpoint; return where the log ends once that is on record.

    For a database that an earlier version made. What was noted and is gone stays gone: it is found.
    """
    record(tx, Event(actor=None, action="audit.checkpoints", object_type="log"))
    note_checkpoint(tx, 0)
    while seal(tx):
        pass
    return last_event(tx)


def stored_checkpoints(tx: Tx) -> list[Checkpoint]:
    """Return the checkpoints the database holds, oldest first."""
    rows = tx.connection.execute(select(audit_checkpoint).order_by(audit_checkpoint.c.seq))
    return [
        Checkpoint(
            seq=row.seq,
            hash=bytes(row.hash),
            count=row._mapping["count"],  # noqa: SLF001 - a row's own count() is in the way
            at=row.at,
            signature=bytes(row.signature),
        )
        for row in rows
    ]


def public_key(tx: Tx) -> Ed25519PublicKey:
    """Return the key by which anyone can check an anchor."""
    return _signing_key(tx).public_key()


def append_anchor(path: Path, made: Checkpoint) -> None:
    """Append a checkpoint to the anchor file, durably; the file is created with mode 0600."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(made.line() + "\n")
        file.flush()
        os.fsync(file.fileno())


def anchors_of(path: Path) -> list[Checkpoint]:
    """Return the anchors in a file, whatever else it is; UnreadableAnchor at the first bad line."""
    return read_anchors(path.read_bytes().decode("ascii", "replace").splitlines())


def read_anchors(lines: Iterable[str]) -> list[Checkpoint]:
    """Return the anchors in the lines of a file; UnreadableAnchor at the first bad one."""
    return [_anchor(number, line) for number, line in enumerate(lines, 1) if line.strip()]


async def tend(
    database: Database,
    publish: Callable[[Checkpoint], Awaitable[None]],
    *,
    every_seconds: float = CHECKPOINT_SECONDS,
) -> None:
    """Seal what PostgreSQL has not chained, and publish a checkpoint every minute, until cancelled.

    A checkpoint also comes as soon as 1,000 events are waiting for one. While the database cannot
    be reached nothing is lost: it goes on where it stopped.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        with suppress(StorageUnavailable):
            await database.write(seal)
            if loop.time() >= due or await database.read(waiting_events) >= CHECKPOINT_EVENTS:
                due = loop.time() + every_seconds
                await database.write(index_words)
                await publish_now(database, publish)
        await asyncio.sleep(SEAL_SECONDS)


async def publish_now(
    database: Database, publish: Callable[[Checkpoint], Awaitable[None]]
) -> Checkpoint | None:
    """Make a checkpoint and publish it; None when nothing came since the last one."""
    made = await database.write(checkpoint)
    if made is not None:
        await publish(made)
    return made


def waiting_events(tx: Tx) -> int:
    """Return how many chained events came since the last checkpoint."""
    newest: int = tx.connection.scalar(select(func.max(audit_event.c.seq))) or 0
    return newest - _last_seq(tx)


def _last_seq(tx: Tx) -> int:
    return tx.connection.scalar(select(func.max(audit_checkpoint.c.seq))) or 0


def _signed(tx: Tx, head: Head, count: int) -> Checkpoint:
    bare = Checkpoint(
        seq=head.seq, hash=head.hash, count=count, at=microseconds(tx.now), signature=b""
    )
    signature = _signing_key(tx).sign(bare.signed_part())
    return Checkpoint(
        seq=bare.seq, hash=bare.hash, count=bare.count, at=bare.at, signature=signature
    )


def _signing_key(tx: Tx) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(system_key(tx, "audit").subkey("audit signature"))


def _anchor(number: int, line: str) -> Checkpoint:
    try:
        raw = json.loads(line)
        return Checkpoint(
            seq=int(raw["seq"]),
            hash=bytes.fromhex(raw["hash"]),
            count=int(raw["count"]),
            at=int(raw["at"]),
            signature=bytes.fromhex(raw["signature"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise UnreadableAnchor(number) from None
