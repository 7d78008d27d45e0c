"""Consults, the history of their answers, and the scenario versions they are pinned to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from storage import audit
from storage.errors import Conflict, NotFound
from storage.ids import new_code, new_id, new_short
from storage.people import Person
from storage.schema import answer_change, content_version
from storage.schema import consult as table
from storage.sealing import Place, destroy, new_data_key, seal, unseal
from storage.transaction import Tx

JUST_STORED = (
    "draft",
    "id",
    "short",
    "owner_id",
    "code",
    "data_key_id",
    "opened_at",
    "updated_at",
    "revision",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConsult:
    """One row of the table. ``answers`` and ``previous`` hold codes and numbers, never words."""

    id: UUID
    short: str
    owner_id: UUID
    code: str
    scenario_id: str
    content_hash: str
    phase: str
    turn: int
    revision: int
    answers: Mapping[str, Any]
    previous: Mapping[str, Any]
    draft: Mapping[str, Any]
    cursor: str | None
    path: str
    hypothetical_of: UUID | None
    confidence_before: int | None
    confidence_after: int | None
    data_key_id: UUID
    opened_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    closed_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """One answer that was given, changed, or fell away."""

    question: str
    old: Any
    new: Any
    via: str
    by: UUID
    at: datetime


def create(
    tx: Tx,
    *,
    owner: Person,
    scenario_id: str,
    content_hash: str,
    hypothetical_of: UUID | None = None,
) -> StoredConsult:
    """Make a consult of ``owner``, with a data key of its own and a code that is short to say."""
    codes = set(tx.connection.scalars(select(table.c.code).where(table.c.owner_id == owner.id)))
    identity, key = new_id(), new_data_key(tx, "consult")
    tx.connection.execute(
        insert(table).values(
            id=identity,
            short=_unused_short(tx),
            owner_id=owner.id,
            code=new_code(codes),
            scenario_id=scenario_id,
            content_hash=content_hash,
            phase="welcome",
            turn=0,
            revision=0,
            answers={},
            previous={},
            path=owner.path,
            hypothetical_of=hypothetical_of,
            data_key_id=key,
            opened_at=tx.now,
            updated_at=tx.now,
        )
    )
    return load(tx, identity)


def _unused_short(tx: Tx) -> str:
    while True:
        short = new_short()
        if tx.connection.scalar(select(table.c.id).where(table.c.short == short)) is None:
            return short


def load(tx: Tx, identity: UUID) -> StoredConsult:
    """Return a consult; raises NotFound, for an erased one as well."""
    return _found(
        tx, tx.connection.execute(select(table).where(table.c.id == identity)).first(), identity
    )


def by_short(tx: Tx, short: str) -> StoredConsult:
    """Return the consult that a button names; raises NotFound, for an erased one as well."""
    return _found(
        tx, tx.connection.execute(select(table).where(table.c.short == short)).first(), short
    )


def _found(tx: Tx, row: Row[Any] | None, identity: UUID | str) -> StoredConsult:
    if row is None or row.erased_at is not None:
        raise NotFound("consult", identity)
    return _consult(tx, row)


def list_for(tx: Tx, owner: Person, *, page: int, size: int) -> Sequence[StoredConsult]:
    """Return a page of the owner's consults, the one touched last first; pages count from 0."""
    rows = tx.connection.execute(
        select(table)
        .where(table.c.owner_id == owner.id, table.c.erased_at.is_(None))
        .order_by(table.c.updated_at.desc(), table.c.id.desc())
        .offset(page * (size - 1))
        .limit(size)
    ).all()
    return [_consult(tx, row) for row in rows]


def save(tx: Tx, stored: StoredConsult) -> StoredConsult:
    """Write a consult back as the next revision; Conflict when it was changed meanwhile."""
    values = {k: v for k, v in asdict(stored).items() if k not in JUST_STORED}
    draft = json.dumps(stored.draft, ensure_ascii=False, separators=(",", ":"))
    changed = tx.connection.execute(
        update(table)
        .where(table.c.id == stored.id, table.c.revision == stored.revision)
        .values(
            **values,
            draft=seal(tx, stored.data_key_id, draft, _place(stored.id)),
            revision=stored.revision + 1,
            updated_at=tx.now,
        )
    ).rowcount
    if not changed:
        raise Conflict("consult", stored.id)
    return load(tx, stored.id)


def set_confidence(
    tx: Tx, stored: StoredConsult, *, before: int | None = None, after: int | None = None
) -> StoredConsult:
    """Keep how sure the asker is, 1 to 5, before and after the summary; None leaves it."""
    given = {"confidence_before": before, "confidence_after": after}
    values = {name: value for name, value in given.items() if value is not None}
    tx.connection.execute(update(table).where(table.c.id == stored.id).values(**values))
    return load(tx, stored.id)


def hand_over(tx: Tx, stored: StoredConsult, new_owner: Person) -> StoredConsult:
    """Give a consult to another member; it gets a code that is new among theirs if it has to."""
    codes = set(tx.connection.scalars(select(table.c.code).where(table.c.owner_id == new_owner.id)))
    code = new_code(codes) if stored.code in codes else stored.code
    tx.connection.execute(
        update(table)
        .where(table.c.id == stored.id)
        .values(owner_id=new_owner.id, code=code, revision=stored.revision + 1)
    )
    return load(tx, stored.id)


# --- the history of answers -------------------------------------------------------------------


def record_change(
    tx: Tx, consult_id: UUID, *, question: str, old: Any, new: Any, via: str, by: UUID
) -> None:
    """Add one change to the history, which is only ever added to."""
    tx.connection.execute(
        insert(answer_change).values(
            id=new_id(),
            consult_id=consult_id,
            question=question,
            old={"value": old},
            new={"value": new},
            via=via,
            by=by,
            at=tx.now,
        )
    )


def history(tx: Tx, consult_id: UUID) -> tuple[AnswerChange, ...]:
    """Return every change of an answer, first to last."""
    rows = tx.connection.execute(
        select(answer_change)
        .where(answer_change.c.consult_id == consult_id)
        .order_by(answer_change.c.id)
    )
    return tuple(
        AnswerChange(row.question, row.old["value"], row.new["value"], row.via, row.by, row.at)
        for row in rows
    )


# --- erasing ------------------------------------------------------------------------------------


def erase(tx: Tx, stored: StoredConsult, *, by: UUID | None) -> None:
    """Destroy the key and the answers of a consult; its row stays so that the log can be verified."""
    destroy(tx, stored.data_key_id)
    tx.connection.execute(delete(answer_change).where(answer_change.c.consult_id == stored.id))
    tx.connection.execute(
        update(table)
        .where(table.c.id == stored.id)
        .values(answers={}, previous={}, draft=None, cursor=None, erased_at=tx.now)
    )
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action="consult.erase",
            object_type="consult",
            object_id=stored.id,
            consult_id=stored.id,
            meta={"key": stored.data_key_id.hex},
        ),
    )


# --- scenario versions ----------------------------------------------------------------------------


def keep_content(tx: Tx, content_hash: str, scenario_id: str, version: str, body: str) -> None:
    """Keep the text of a scenario, so that consults pinned to it can be continued for ever."""
    known = select(content_version.c.hash).where(content_version.c.hash == content_hash)
    if tx.connection.scalar(known) is None:
        tx.connection.execute(
            insert(content_version).values(
                hash=content_hash,
                scenario_id=scenario_id,
                version=version,
                body=body,
                first_seen_at=tx.now,
            )
        )


def content_body(tx: Tx, content_hash: str) -> str:
    """Return the text of a scenario version; raises NotFound."""
    body: str | None = tx.connection.scalar(
        select(content_version.c.body).where(content_version.c.hash == content_hash)
    )
    if body is None:
        raise NotFound("content", content_hash[:12])
    return body


def count_open(tx: Tx) -> int:
    """Return how many consults are neither closed nor cancelled nor erased."""
    query = select(func.count()).where(
        table.c.phase.not_in(("closed", "cancelled")), table.c.erased_at.is_(None)
    )
    return tx.connection.scalar(query) or 0


def _consult(tx: Tx, row: Row[Any]) -> StoredConsult:
    values = {name: getattr(row, name) for name in StoredConsult.__dataclass_fields__}
    sealed = values["draft"]
    text = "{}" if sealed is None else unseal(tx, row.data_key_id, sealed, _place(row.id))
    return StoredConsult(**(values | {"draft": json.loads(text)}))


def _place(identity: UUID) -> Place:
    return Place("consult", "draft", identity, identity)
