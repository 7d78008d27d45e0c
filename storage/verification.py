"""Whether the audit log is whole: every event, the chain, the checkpoints, the anchors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias

from sqlalchemy import exists, select, text

from storage.audit import (
    BEGINNING,
    Head,
    head_mac,
    last_event,
    link,
    mac_key,
    microseconds,
    noted_head,
    row_mac,
)
from storage.checkpoints import Checkpoint, public_key, stored_checkpoints
from storage.migrations.append_only import missing_triggers
from storage.noted import CREATED, checkpoint_mac, noted_checkpoint, notes_checkpoints
from storage.schema import audit_event, consult
from storage.transaction import Tx

BATCH = 10_000
MOST_PROBLEMS = 200
UNSEALED_FOR = timedelta(seconds=60)
"""PostgreSQL's sealer chains within half a second; a minute means that it does not run."""

Kind: TypeAlias = Literal[
    "altered",
    "log_missing",
    "event_missing",
    "gap",
    "broken_link",
    "unsealed",
    "head_missing",
    "head_altered",
    "tail_cut",
    "checkpoint_forged",
    "checkpoint_differs",
    "checkpoint_missing",
    "anchor_forged",
    "anchor_differs",
    "anchor_beyond_end",
    "trigger_missing",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written; ``seq`` is the event's number, 0 for the whole."""

    kind: Kind
    seq: int = 0

    def __str__(self) -> str:
        return f"event {self.seq}: {self.kind}" if self.seq else self.kind


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome: ``problems`` lists the first 200. ``anchored`` is the newest anchored event."""

    events: int
    problems: tuple[Problem, ...]
    anchored: int

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class _Found:
    events: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: Kind, seq: int = 0) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(kind, seq))


def verify(
    tx: Tx,
    anchors: Sequence[Checkpoint] | None = None,
    progress: Callable[[int], None] = lambda events: None,
) -> VerifyReport:
    """Return whether the log is whole; ``progress`` is told how many events were read so far.

    Without anchors a log that was cut or rewritten by someone with the keys looks whole, and so
    does a database put back as it was at an earlier moment.
    """
    found, checkpoints = _Found(), stored_checkpoints(tx)
    marks = {mark.seq for mark in (*checkpoints, *(anchors or ()))}
    hashes = _walk(tx, found, marks, progress)
    _check_unsealed(tx, found)
    _check_beginning(tx, found)
    _check_head(tx, found)
    _check_checkpoints(tx, found, checkpoints, hashes)
    _check_note(tx, found, checkpoints[-1].seq if checkpoints else 0)
    _check_anchors(tx, found, anchors or (), {mark.seq for mark in checkpoints}, hashes)
    for _name in missing_triggers(tx.connection):
        found.add("trigger_missing")
    anchored = max((mark.seq for mark in anchors or ()), default=0)
    return VerifyReport(found.events, tuple(found.problems), anchored)


def _walk(
    tx: Tx, found: _Found, marks: set[int], progress: Callable[[int], None]
) -> dict[int, bytes]:
    """Check every chained event in order, and return the hashes at ``marks``.

    After a break it goes on from what is stored, so that each break is reported once.
    """
    key, last, prev = mac_key(tx), 0, BEGINNING
    hashes: dict[int, bytes] = {}
    for seq, canonical, mac, stored_prev, stored in _chained(tx):
        if seq != last + 1:
            found.add("gap", seq)
        if row_mac(key, canonical or "") != mac:
            found.add("altered", seq)
        if stored_prev != prev or link(key, prev, seq, mac) != stored:
            found.add("broken_link", seq)
        if seq in marks:
            hashes[seq] = stored
        last, prev = seq, stored
        found.events += 1
        if found.events % BATCH == 0:
            progress(found.events)
    return hashes


def _chained(tx: Tx) -> Iterator[tuple[int, str | None, bytes, bytes, bytes]]:
    """Yield number, canonical line, digest, and links of each chained event, in order.

    Read by the driver's own cursor: SQLAlchemy's rows would take as long as the digests.
    """
    names = (_binary(tx, name) for name in ("row_mac", "prev", "hash"))
    query = (
        f"SELECT seq, {_canonical(tx)}, {', '.join(names)} FROM audit_event"  # noqa: S608
        " WHERE seq IS NOT NULL ORDER BY seq"
    )
    cursor = tx.connection.connection.cursor()
    try:
        for start, end in _ranges(tx):
            cursor.execute(query.replace("IS NOT NULL", f"BETWEEN {start} AND {end}"))
            yield from cursor.fetchall()
    finally:
        cursor.close()


def _ranges(tx: Tx) -> Iterator[tuple[int, int]]:
    """Yield (first, last) numbers of batches that together hold every chained event."""
    batch = text(
        "SELECT min(seq) AS first, max(seq) AS last FROM (SELECT seq FROM audit_event"
        " WHERE seq > :after ORDER BY seq LIMIT :batch) AS batch"
    )
    after = -(2**62)
    while True:
        row = tx.connection.execute(batch, {"after": after, "batch": BATCH}).one()
        if row.first is None:
            return
        yield row.first, row.last
        after = row.last


def _binary(tx: Tx, name: str) -> str:
    """Return the SQL of a binary column, empty where it is null and binary whatever was put in."""
    return f"CAST(coalesce({name}, '') AS BLOB)" if tx.on_sqlite else f"coalesce({name}, '')"


def _canonical(tx: Tx) -> str:
    """Return the SQL of an event as one line, the same as ``storage.audit`` signs it."""
    names = ("id", "actor", "consult_id")
    if tx.on_sqlite:
        hexes = {name: f"coalesce({name}, '')" for name in names}
    else:
        hexes = {name: f"coalesce(replace(CAST({name} AS text), '-', ''), '')" for name in names}
    return (
        f"{hexes['id']} || '|' || at || '|' || {hexes['actor']} || '|' || action || '|' || "
        f"object_type || '|' || object_id || '|' || {hexes['consult_id']} || '|' || outcome || "
        "'|' || meta"
    )


def _check_unsealed(tx: Tx, found: _Found) -> None:
    """Report events not chained for too long (on SQLite: at all), and altered ones among them."""
    key = mac_key(tx)
    oldest = microseconds(tx.now) + 1 if tx.on_sqlite else microseconds(tx.now - UNSEALED_FOR)
    query = text(
        f"SELECT at, {_canonical(tx)}, {_binary(tx, 'row_mac')}"  # noqa: S608
        " FROM audit_event WHERE seq IS NULL"
    )
    for at, canonical, mac in tx.connection.execute(query):
        found.events += 1
        if at < oldest:
            found.add("unsealed")
        if row_mac(key, canonical or "") != mac:
            found.add("altered")


def _check_beginning(tx: Tx, found: _Found) -> None:
    """Report a log that does not know its database: its creation, or that a case was begun."""
    if not tx.connection.scalar(select(exists().where(audit_event.c.action == CREATED))):
        found.add("log_missing")
    begun = (audit_event.c.consult_id == consult.c.id) & (audit_event.c.action == "consult.create")
    unknown = select(exists(select(consult.c.id).where(~exists().where(begun))))
    if tx.connection.scalar(unknown):
        found.add("event_missing")


def _check_head(tx: Tx, found: _Found) -> None:
    """Compare the end of the chain with the head that was written down."""
    noted, end = noted_head(tx), last_event(tx)
    if noted is None:
        if end.seq:
            found.add("head_missing")
        return
    head, mac = noted
    if head_mac(mac_key(tx), head) != mac:
        found.add("head_altered", head.seq)
    elif end.seq < head.seq:
        found.add("tail_cut", end.seq)
    elif end != Head(head.seq, head.hash):
        found.add("head_altered", head.seq)


def _check_checkpoints(
    tx: Tx, found: _Found, checkpoints: Sequence[Checkpoint], hashes: dict[int, bytes]
) -> None:
    key, before = public_key(tx), 0
    for mark in checkpoints:
        if not mark.signed_by(key):
            found.add("checkpoint_forged", mark.seq)
        if hashes.get(mark.seq) != mark.hash:
            found.add("checkpoint_differs", mark.seq)
        if mark.seq - before != mark.count:
            found.add("checkpoint_missing", mark.seq)
        before = mark.seq


def _check_note(tx: Tx, found: _Found, newest: int) -> None:
    """Compare the newest checkpoint with the number that was written down beside it.

    A smaller one is of an earlier version, which makes checkpoints and does not write it down.
    """
    noted = noted_checkpoint(tx)
    if noted is None:
        if notes_checkpoints(tx):
            found.add("checkpoint_missing")
        return
    seq, mac = noted
    if checkpoint_mac(mac_key(tx), seq) != mac:
        found.add("checkpoint_forged", seq)
    elif seq > newest:
        found.add("checkpoint_missing", seq)


def _check_anchors(
    tx: Tx,
    found: _Found,
    anchors: Iterable[Checkpoint],
    stored: set[int],
    hashes: dict[int, bytes],
) -> None:
    key, end = public_key(tx), last_event(tx).seq
    for anchor in anchors:
        if not anchor.signed_by(key):
            found.add("anchor_forged", anchor.seq)
        elif anchor.seq > end:
            found.add("anchor_beyond_end", anchor.seq)
        elif hashes.get(anchor.seq) != anchor.hash:
            found.add("anchor_differs", anchor.seq)
        elif anchor.seq not in stored:
            found.add("checkpoint_missing", anchor.seq)
