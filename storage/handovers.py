"""A case that goes from one owner to another: offered by one, accepted by the other, both on record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from storage import audit, consults, plans, shares, teams
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.ids import new_id
from storage.people import Person
from storage.schema import expecting, handover, share
from storage.transaction import Tx

State: TypeAlias = Literal["offered", "accepted", "declined", "withdrawn", "expired"]

LASTS = timedelta(days=7)
"""How long an offer waits for its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """An offer of a case; it is the owner's until the other has accepted."""

    id: UUID
    consult_id: UUID
    from_id: UUID
    to_id: UUID
    state: State
    at: datetime
    expires_at: datetime
    answered_at: datetime | None


def colleagues(tx: Tx, owner: Person) -> tuple[UUID, ...]:
    """Return who a case can be offered to: approved members of the owner's teams."""
    mine = [joined.team.id for joined in teams.of_person(tx, owner.id)]
    return tuple(each for each in teams.approved_members(tx, mine) if each != owner.id)


def offer(tx: Tx, stored: StoredConsult, to: UUID, by: UUID) -> Handover:
    """Offer a case to a colleague; an earlier offer of it is withdrawn."""
    withdraw(tx, stored, by)
    row_id = new_id()
    tx.connection.execute(
        insert(handover).values(
            id=row_id,
            consult_id=stored.id,
            from_id=stored.owner_id,
            to_id=to,
            state="offered",
            at=tx.now,
            expires_at=tx.now + LASTS,
        )
    )
    made = load(tx, row_id)
    _record(tx, made, "handover.offer", by)
    return made


def load(tx: Tx, identity: UUID) -> Handover:
    """Return an offer; NotFound when there is none."""
    row = tx.connection.execute(select(handover).where(handover.c.id == identity)).first()
    if row is None:
        raise NotFound("handover", identity)
    return _handover(row)


def of_consult(tx: Tx, consult_id: UUID) -> tuple[Handover, ...]:
    """Return every offer of a case, the first made first."""
    rows = tx.connection.execute(
        select(handover).where(handover.c.consult_id == consult_id).order_by(handover.c.id)
    )
    return tuple(_handover(row) for row in rows)


def open_offer(tx: Tx, consult_id: UUID) -> Handover | None:
    """Return the offer of a case that waits for its answer, or None."""
    row = tx.connection.execute(
        select(handover).where(
            handover.c.consult_id == consult_id,
            handover.c.state == "offered",
            handover.c.expires_at > tx.now,
        )
    ).first()
    return _handover(row) if row else None


def withdraw(tx: Tx, stored: StoredConsult, by: UUID) -> bool:
    """Take back the offer of a case, and tell whether there was one."""
    found = open_offer(tx, stored.id)
    if found is None:
        return False
    _settle(tx, found, "withdrawn", by)
    return True


def decline(tx: Tx, found: Handover, by: UUID) -> None:
    """Leave the case with its owner. Conflict when the offer stands no more."""
    _require_open(tx, found)
    _settle(tx, found, "declined", by)


def accept(tx: Tx, found: Handover, by: UUID) -> StoredConsult:
    """Make whom it was offered to the case's owner, with its reviews and what is shared of it.

    Conflict when the offer stands no more, or the case is somebody else's by now.
    """
    stored = consults.load(tx, found.consult_id)
    _require_open(tx, found)
    if stored.owner_id != found.from_id or stored.erased_at is not None:
        raise Conflict("handover", found.id)
    _settle(tx, found, "accepted", by)
    return give(tx, stored, found.to_id)


def may_take_over(tx: Tx, actor: Person, stored: StoredConsult) -> bool:
    """Tell whether somebody leads a team that a case is shared with, whose owner is gone."""
    if stored.erased_at is not None or not plans.is_stranded(tx, stored):
        return False
    shared = [each.team_id for each in shares.active(tx, stored.id) if each.team_id is not None]
    return any(teams.role_of(tx, each, actor.id) == "lead" for each in shared)


def take_over(tx: Tx, stored: StoredConsult, actor: Person) -> StoredConsult:
    """Make a lead the owner of a case whose owner is gone and cannot be asked."""
    withdraw(tx, stored, actor.id)
    event = audit.Event(
        actor=actor.id,
        action="handover.take",
        object_type="consult",
        object_id=stored.id,
        consult_id=stored.id,
        meta={"from": stored.owner_id.hex},
    )
    audit.record(tx, event)
    return give(tx, stored, actor.id)


def give(tx: Tx, stored: StoredConsult, owner: UUID) -> StoredConsult:
    """Move a case with its reviews and shares; nothing that was typed is waited for any more."""
    before = stored.owner_id
    moved = consults.hand_to(tx, stored, owner)
    plans.give_to(tx, stored.id, owner)
    tx.connection.execute(
        update(share).where(share.c.consult_id == stored.id, share.c.by == before).values(by=owner)
    )
    tx.connection.execute(expecting.delete().where(expecting.c.consult_id == stored.id))
    return moved


def _require_open(tx: Tx, found: Handover) -> None:
    now = load(tx, found.id)
    if now.state != "offered" or now.expires_at <= tx.now:
        raise Conflict("handover", found.id)


def _settle(tx: Tx, found: Handover, state: State, by: UUID) -> None:
    tx.connection.execute(
        update(handover).where(handover.c.id == found.id).values(state=state, answered_at=tx.now)
    )
    _record(tx, found, f"handover.{state}", by)


def _handover(row: Row[Any]) -> Handover:
    return Handover(**{name: getattr(row, name) for name in Handover.__slots__})


def _record(tx: Tx, about: Handover, action: str, by: UUID) -> None:
    event = audit.Event(
        actor=by,
        action=action,
        object_type="handover",
        object_id=about.id,
        consult_id=about.consult_id,
        meta={"to": about.to_id.hex},
    )
    audit.record(tx, event)
