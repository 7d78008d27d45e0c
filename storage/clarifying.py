"""Clarifying questions: one of the scenario's own, put to the asker by somebody who reads the case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import audit
from storage.consults import StoredConsult
from storage.errors import Conflict
from storage.ids import new_id
from storage.people import Person
from storage.schema import clarification
from storage.transaction import Tx

Settled: TypeAlias = Literal["answered", "left"]
"""The asker answered it (perhaps with "not known"), or left it open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarification:
    """A question of the scenario that somebody put to the asker; ``role`` is who, by role only."""

    id: UUID
    consult_id: UUID
    question: str
    asked_by: UUID
    role: str
    asked_at: datetime
    settled_at: datetime | None
    settled: Settled | None


_OF_CASE = (
    select(clarification)
    .where(clarification.c.consult_id == bindparam("wanted"))
    .order_by(clarification.c.id)
)


def ask(tx: Tx, stored: StoredConsult, who: Person, question: str) -> Clarification:
    """Put a question to the asker; Conflict when somebody did already and it waits."""
    values: dict[str, Any] = {
        "id": new_id(),
        "consult_id": stored.id,
        "question": question,
        "asked_by": who.id,
        "role": who.role or "",
        "asked_at": tx.now,
    }
    statement = insert_or_not(clarification).values(values).on_conflict_do_nothing()
    if tx.connection.scalar(statement.returning(clarification.c.id)) is None:
        raise Conflict("clarification", stored.id)
    _record(tx, stored.id, "clarify.ask", who.id, question=question)
    return Clarification(**values, settled_at=None, settled=None)


def pending(tx: Tx, consult_id: UUID, question: str) -> Clarification | None:
    """Return the clarifying question of this name that waits for the asker, or None."""
    found = [each for each in of_case(tx, consult_id) if each.question == question]
    return next((each for each in found if each.settled_at is None), None)


def of_case(tx: Tx, consult_id: UUID) -> tuple[Clarification, ...]:
    """Return every clarifying question of a case, the first asked first."""
    rows = tx.connection.execute(_OF_CASE, {"wanted": consult_id}).all()
    return tuple(_clarification(row) for row in rows)


def settle(tx: Tx, found: Clarification, by: UUID, how: Settled) -> None:
    """Note that the asker answered, or left the question open; settled twice, the first counts."""
    changed = tx.connection.execute(
        update(clarification)
        .where(clarification.c.id == found.id, clarification.c.settled_at.is_(None))
        .values(settled_at=tx.now, settled=how)
    ).rowcount
    if changed:
        _record(tx, found.consult_id, "clarify.settle", by, question=found.question, how=how)


def of_person(tx: Tx, person_id: UUID) -> list[dict[str, str]]:
    """Return the questions a person put to askers, for the file of their own data."""
    query = select(clarification).where(clarification.c.asked_by == person_id)
    rows = tx.connection.execute(query.order_by(clarification.c.id))
    return [
        {"case": str(row.consult_id), "question": row.question, "at": row.asked_at.isoformat()}
        for row in rows
    ]


def _clarification(row: Row[Any]) -> Clarification:
    return Clarification(**{name: getattr(row, name) for name in Clarification.__slots__})


def _record(tx: Tx, consult_id: UUID, action: str, by: UUID, **meta: int | str) -> None:
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action=action,
            object_type="consult",
            object_id=consult_id,
            consult_id=consult_id,
            meta=meta,
        ),
    )
