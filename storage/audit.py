"""The audit log: what happened, by whom, to what; ids and codes only, altered by nobody unseen.

Each event carries a keyed digest of itself (``row_mac``) and stands in a keyed chain (``seq``,
``prev``, ``hash``). SQLite chains in the transaction of the effect: it has one writer anyway.
PostgreSQL writes the digest in the transaction and chains afterwards (``seal``), because a chain
inside concurrent transactions costs three quarters of the throughput.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeAlias, TypeGuard
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, or_, select, text

from storage.ids import new_id
from storage.schema import audit_event, audit_head
from storage.sealing import system_key
from storage.transaction import Tx

Code: TypeAlias = str
"""Up to 64 of ``a-z0-9_.:-``: a word of our code, never of a person."""

Mac: TypeAlias = Callable[[bytes], bytes]

BEGINNING = bytes(32)
"""What the first event follows."""

END = "the end of the chain"
"""The note of a transaction that recorded an event: this one writes, so nobody else does."""

RECORDED = "events on record"
"""The note of a transaction how many events it recorded."""

SEAL_BATCH = 2000
SEALER_LOCK = 0x63627365

_CODE = re.compile(r"[a-z0-9_.:-]{0,64}")
_OBJECT_ID = re.compile(r"[A-Za-z0-9_.:-]{0,64}")
_SIGNS = str.maketrans("", "", ".:-_")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something to put on record. ``meta`` holds whole numbers and codes; text is refused."""

    actor: UUID | None
    action: Code
    object_type: Code = ""
    object_id: UUID | str | int = ""
    consult_id: UUID | None = None
    outcome: Code = "ok"
    meta: Mapping[str, int | Code] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event on record. ``seq`` is None until PostgreSQL's sealer has chained it."""

    id: UUID
    at: datetime
    actor: UUID | None
    action: Code
    object_type: Code
    object_id: str
    consult_id: UUID | None
    outcome: Code
    meta: Mapping[str, int | Code]
    seq: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of the chain."""

    seq: int
    hash: bytes


_INSERT = insert(audit_event)
_INDEX_WORDS = text("INSERT INTO audit_word (rowid, words) VALUES (:seq, :words)")
_INDEXED = text("SELECT value FROM meta WHERE key = 'log_words'")
_UNINDEXED = (
    select(audit_event)
    .where(audit_event.c.seq > bindparam("done"))
    .order_by(audit_event.c.seq)
    .limit(bindparam("limit"))
)
_NOTE_INDEXED = text(
    "INSERT INTO meta (key, value) VALUES ('log_words', :seq)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_LAST = text("SELECT seq, hash FROM audit_event WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1")
_END = text(
    "SELECT seq, hash FROM (SELECT seq, hash, 1 AS noted FROM audit_head UNION ALL"
    " SELECT seq, hash, 0 FROM (SELECT seq, hash FROM audit_event WHERE seq IS NOT NULL"
    " ORDER BY seq DESC LIMIT 1) AS newest) AS ends ORDER BY seq DESC, noted DESC LIMIT 1"
)
_NOTE_HEAD = text(
    "INSERT INTO audit_head (id, seq, hash, mac) VALUES (1, :seq, :hash, :mac)"
    " ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac"
)
_LOCK_SEALER = text("SELECT pg_advisory_xact_lock(:key)")
_UNSEALED = text(
    "SELECT id, row_mac FROM audit_event WHERE seq IS NULL ORDER BY at, id LIMIT :limit"
)
_SEAL = text(
    "UPDATE audit_event AS event SET seq = link.seq, prev = link.prev, hash = link.hash"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[]), CAST(:prevs AS bytea[]),"
    " CAST(:hashes AS bytea[])) AS link (id, seq, prev, hash) WHERE event.id = link.id"
)


def record(tx: Tx, event: Event) -> UUID:
    """Put an event on record in the transaction of its effect, and return its id."""
    row = _row(tx, event)
    key = mac_key(tx)
    row["row_mac"] = row_mac(key, _canonical(row))
    if tx.on_sqlite:
        head = end_of_chain(tx)
        row |= {
            "seq": head.seq + 1,
            "prev": head.hash,
            "hash": link(key, head.hash, head.seq + 1, row["row_mac"]),
        }
    tx.connection.execute(_INSERT, row)
    tx.notes[RECORDED] = recorded(tx) + 1
    if tx.on_sqlite:
        tx.notes[END] = Head(row["seq"], row["hash"])
    identity: UUID = row["id"]
    return identity


def recorded(tx: Tx) -> int:
    """Return how many events this transaction has put on record so far."""
    count: int = tx.notes.get(RECORDED, 0)
    return count


def lock_log(tx: Tx) -> None:
    """Be the only process that chains or signs until the end of the transaction."""
    if not tx.on_sqlite:
        tx.connection.execute(_LOCK_SEALER, {"key": SEALER_LOCK})


def seal(tx: Tx, limit: int = SEAL_BATCH) -> int:
    """Chain what PostgreSQL has not chained yet, oldest first, and return how many that were."""
    if tx.on_sqlite:
        return 0
    lock_log(tx)
    rows = tx.connection.execute(_UNSEALED, {"limit": limit}).all()
    if rows:
        _chain(tx, [(row.id, bytes(row.row_mac)) for row in rows])
    return len(rows)


def index_words(tx: Tx, limit: int = SEAL_BATCH) -> int:
    """Add events to SQLite's index of words, oldest first, and return how many that were.

    It is behind by a minute or 1,000 events at most; whoever searches catches up first.
    """
    if not tx.on_sqlite:
        return 0
    done = int(tx.connection.scalar(_INDEXED) or 0)
    found = tx.connection.execute(_UNINDEXED, {"done": done, "limit": limit})
    rows = [dict(row) for row in found.mappings()]
    if rows:
        words = [{"seq": row["seq"], "words": words_of(row)} for row in rows]
        tx.connection.execute(_INDEX_WORDS, words)
        tx.connection.execute(_NOTE_INDEXED, {"seq": str(rows[-1]["seq"])})
    return len(rows)


def catch_up(tx: Tx) -> None:
    """Bring what is read of the log up to this moment: the chain of PostgreSQL, SQLite's words."""
    seal(tx)
    while index_words(tx):
        pass


def entries(
    tx: Tx,
    *,
    before: UUID | None = None,
    consult_id: UUID | None = None,
    actor: UUID | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Return what is on record, newest first; ``before`` is the last id of the page before."""
    query = select(audit_event).order_by(audit_event.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_event.c.id < before)
    if consult_id is not None:
        query = query.where(chained_or_not(audit_event.c.consult_id == consult_id, _EPOCH))
    if actor is not None:
        query = query.where(chained_or_not(audit_event.c.actor == actor, _EPOCH))
    return [_entry(row) for row in tx.connection.execute(query)]


def refused(tx: Tx, actor: UUID, action: Code, since: datetime) -> int:
    """Return how often somebody was refused something since then."""
    query = select(func.count()).where(
        chained_or_not(audit_event.c.actor == actor, since),
        audit_event.c.outcome == "refused",
        audit_event.c.action == action,
    )
    return tx.connection.scalar(query) or 0


def done(
    tx: Tx, actor: UUID, action: Code, since: datetime, *, outcome: Code = "ok"
) -> tuple[datetime, ...]:
    """Return when somebody did something since then, or was denied it, oldest first."""
    query = select(audit_event.c.at).where(
        chained_or_not(audit_event.c.actor == actor, since),
        audit_event.c.outcome == outcome,
        audit_event.c.action == action,
    )
    return tuple(moment_of(at) for at in tx.connection.scalars(query.order_by(audit_event.c.at)))


def chained_or_not(which: ColumnElement[bool], since: datetime) -> ColumnElement[bool]:
    """Return ``which`` of the events since then, said so that PostgreSQL finds them.

    What is chained has indexes of its own; what is not is found by its time.
    """
    seq, recent = audit_event.c.seq, audit_event.c.at >= microseconds(since)
    return or_(and_(seq.is_not(None), which, recent), and_(seq.is_(None), recent, which))


class HeadKeeper:
    """Writes down the head of the chain before each commit that moved it, and remembers it after.

    SQLite has one process that writes, so what was committed last is where the chain ends.
    """

    def __init__(self) -> None:
        self._known: Head | None = None
        self._moved: Head | None = None

    def begins(self, tx: Tx) -> None:
        """Tell a transaction where the chain ends; what the last one did not commit is forgotten."""
        self._moved = None
        if self._known is not None:
            tx.notes[END] = self._known

    def commits(self, tx: Tx) -> None:
        head = end_of_chain(tx)
        if head.seq and head != self._known:
            note_head(tx, head)
        self._moved = head

    def committed(self) -> None:
        self._known = self._moved

    def lost(self) -> None:
        """Look again: nobody knows what came of the last transaction."""
        self._known = None


def last_event(tx: Tx) -> Head:
    """Return the newest chained event; number 0 before the first."""
    row = tx.connection.execute(_LAST).first()
    return Head(row.seq, bytes(row.hash)) if row else Head(0, BEGINNING)


def end_of_chain(tx: Tx) -> Head:
    """Return what the next event follows: the newest event, or the noted head where that is newer.

    So a tail that was cut leaves a gap for good, whatever is written afterwards.
    """
    known: Head | None = tx.notes.get(END)
    if known is not None:
        return known
    row = tx.connection.execute(_END).first()
    return Head(row.seq, bytes(row.hash)) if row else Head(0, BEGINNING)


def noted_head(tx: Tx) -> tuple[Head, bytes] | None:
    """Return the head that was written down, with its digest."""
    row = tx.connection.execute(select(audit_head)).first()
    return (Head(row.seq, bytes(row.hash)), bytes(row.mac)) if row else None


def note_head(tx: Tx, head: Head) -> None:
    """Write down where the chain ends."""
    tx.notes[END] = head
    tx.connection.execute(
        _NOTE_HEAD, {"seq": head.seq, "hash": head.hash, "mac": head_mac(mac_key(tx), head)}
    )


def mac_key(tx: Tx) -> Mac:
    """Return the keyed digest of this database's log."""
    return hmac_sha256(system_key(tx, "audit").subkey("audit mac"))


@lru_cache(maxsize=16)
def hmac_sha256(key: bytes) -> Mac:
    """Return HMAC-SHA256 (RFC 2104) under a key of up to 64 bytes.

    With both paddings hashed beforehand it takes a third of the time of ``hmac.digest``; a
    verification computes two for each event.
    """
    padded = key.ljust(sha256().block_size, b"\0")
    inner, outer = (sha256(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))

    def mac(message: bytes) -> bytes:
        inside, outside = inner.copy(), outer.copy()
        inside.update(message)
        outside.update(inside.digest())
        return outside.digest()

    return mac


def row_mac(key: Mac, canonical: str) -> bytes:
    return key(canonical.encode())


def link(key: Mac, prev: bytes, seq: int, mac: bytes) -> bytes:
    """Return the hash of event number ``seq`` with digest ``mac`` after ``prev``."""
    return key(prev + seq.to_bytes(8, "big", signed=True) + mac)


def head_mac(key: Mac, head: Head) -> bytes:
    return key(b"head" + head.seq.to_bytes(8, "big") + head.hash)


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970-01-01 UTC, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(at: int) -> datetime:
    return _EPOCH + at * _MICROSECOND


def _row(tx: Tx, event: Event) -> dict[str, Any]:
    return {
        "id": new_id(),
        "at": microseconds(tx.now),
        "actor": event.actor,
        "action": _code(event.action),
        "object_type": _code(event.object_type),
        "object_id": _object_id(event.object_id),
        "consult_id": event.consult_id,
        "outcome": _code(event.outcome),
        "meta": _meta(event.meta),
    }


def _canonical(row: Mapping[str, Any]) -> str:
    """Return the event as one line; no field can hold the separator, except meta, the last."""
    actor = row["actor"].hex if row["actor"] else ""
    consult = row["consult_id"].hex if row["consult_id"] else ""
    return (
        f"{row['id'].hex}|{row['at']}|{actor}|{row['action']}|{row['object_type']}|"
        f"{row['object_id']}|{consult}|{row['outcome']}|{row['meta']}"
    )


def words_of(row: Mapping[str, Any]) -> str:
    """Return what the index of words holds of an event; see ``storage.migrations.log_words``."""
    return " ".join(
        (
            row["action"],
            row["object_type"],
            row["outcome"],
            row["meta"],
            action_word(row["action"]),
            outcome_word(row["outcome"]),
            id_word("a", row["actor"]) if row["actor"] else "",
            id_word("c", row["consult_id"]) if row["consult_id"] else "",
        )
    )


def action_word(action: Code) -> str:
    return "x" + action.translate(_SIGNS)


def outcome_word(outcome: Code) -> str:
    return "o" + outcome.translate(_SIGNS)


def id_word(kind: str, identity: UUID) -> str:
    return kind + identity.hex


def _meta(meta: Mapping[str, int | Code]) -> str:
    for key, value in meta.items():
        _code(key)
        if not isinstance(value, int):
            _code(value)
    return json.dumps(meta, sort_keys=True, separators=(",", ":"))


def is_code(value: object) -> TypeGuard[Code]:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _code(value: object) -> str:
    if not is_code(value):
        raise ValueError("an audit code is up to 64 of a-z0-9_.:-")
    return value


def _object_id(value: UUID | str | int) -> str:
    if not _OBJECT_ID.fullmatch(str(value)):
        raise ValueError("an audit object id is up to 64 of A-Za-z0-9_.:-")
    return str(value)


def _chain(tx: Tx, rows: Sequence[tuple[UUID, bytes]]) -> None:
    key, head = mac_key(tx), end_of_chain(tx)
    links: list[tuple[UUID, int, bytes, bytes]] = []
    for identity, mac in rows:
        made = Head(head.seq + 1, link(key, head.hash, head.seq + 1, mac))
        links.append((identity, made.seq, head.hash, made.hash))
        head = made
    ids, seqs, prevs, hashes = (list(column) for column in zip(*links, strict=True))
    tx.connection.execute(_SEAL, {"ids": ids, "seqs": seqs, "prevs": prevs, "hashes": hashes})
    note_head(tx, head)


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        at=moment_of(row.at),
        actor=row.actor,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        consult_id=row.consult_id,
        outcome=row.outcome,
        meta=json.loads(row.meta),
        seq=row.seq,
    )
