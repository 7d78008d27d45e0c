"""People: who may use the bot, and what they have set for themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from storage import audit
from storage.errors import Conflict, NotFound
from storage.ids import new_id
from storage.schema import person as table
from storage.sealing import Place, new_data_key, seal, unseal
from storage.transaction import Tx

Status = Literal["pending", "approved", "suspended", "deleted"]
SETTINGS = ("role", "language", "time_zone", "quiet_from", "quiet_to", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has written to the bot. Quiet hours are minutes of the local day."""

    id: UUID
    telegram_id: int | None
    """None once everything about the person was deleted."""
    status: Status
    is_admin: bool
    is_author: bool
    role: str | None
    language: str | None
    time_zone: str | None
    quiet_from: int | None
    quiet_to: int | None
    path: str
    scope_accepted_at: datetime | None
    unreachable_at: datetime | None
    created_at: datetime
    data_key_id: UUID


def get_or_create(
    tx: Tx,
    telegram_id: int,
    *,
    name: str = "",
    language: str | None = None,
    status: Status = "pending",
    is_admin: bool = False,
) -> Person:
    """Return the person with this Telegram id, made on the first meeting.

    ``is_admin`` is what the settings say now; it is brought up to date, and put on record.
    """
    row = tx.connection.execute(select(table).where(table.c.telegram_id == telegram_id)).first()
    if row is None:
        return _created(
            tx, telegram_id, name=name, language=language, status=status, is_admin=is_admin
        )
    if row.is_admin != is_admin:
        tx.connection.execute(update(table).where(table.c.id == row.id).values(is_admin=is_admin))
        _record(tx, row.id, row.id, "person.admin", {"admin": int(is_admin)})
        return by_id(tx, row.id)
    return _person(row)


def _created(
    tx: Tx, telegram_id: int, *, name: str, language: str | None, status: Status, is_admin: bool
) -> Person:
    identity, key = new_id(), new_data_key(tx, "person")
    tx.connection.execute(
        insert(table).values(
            id=identity,
            telegram_id=telegram_id,
            name=seal(tx, key, name, _place(identity)),
            data_key_id=key,
            status="approved" if is_admin else status,
            is_admin=is_admin,
            language=language,
            path="quick",
            created_at=tx.now,
        )
    )
    _record(tx, identity, identity, "person.create", {"status": "approved" if is_admin else status})
    return by_id(tx, identity)


def by_id(tx: Tx, identity: UUID) -> Person:
    """Return a person; raises NotFound."""
    row = tx.connection.execute(select(table).where(table.c.id == identity)).first()
    if row is None:
        raise NotFound("person", identity)
    return _person(row)


def by_telegram_id(tx: Tx, telegram_id: int) -> Person:
    """Return the person with this Telegram id; raises NotFound."""
    row = tx.connection.execute(select(table).where(table.c.telegram_id == telegram_id)).first()
    if row is None:
        raise NotFound("person", telegram_id)
    return _person(row)


def name_of(tx: Tx, person: Person) -> str:
    """Return the display name; empty once it was destroyed."""
    sealed = tx.connection.scalar(select(table.c.name).where(table.c.id == person.id))
    return "" if sealed is None else unseal(tx, person.data_key_id, sealed, _place(person.id))


def everybody(tx: Tx, status: Status | None = None) -> Sequence[Person]:
    """Return the people, the newest first; only those of ``status`` where it is given."""
    query = select(table).where(table.c.status != "deleted").order_by(table.c.id.desc())
    if status is not None:
        query = query.where(table.c.status == status)
    return [_person(row) for row in tx.connection.execute(query)]


def accept_scope(tx: Tx, person: Person) -> Person:
    """Keep that the person has read and accepted the scope; the first time counts."""
    if person.scope_accepted_at is not None:
        return person
    tx.connection.execute(
        update(table).where(table.c.id == person.id).values(scope_accepted_at=tx.now)
    )
    _record(tx, person.id, person.id, "person.scope")
    return by_id(tx, person.id)


def change_settings(tx: Tx, person: Person, **values: Any) -> Person:
    """Keep what a person set for themselves; the names are those in `SETTINGS`."""
    unknown = set(values) - set(SETTINGS)
    if unknown:
        raise ValueError(f"not settings of a person: {len(unknown)}")
    tx.connection.execute(update(table).where(table.c.id == person.id).values(**values))
    _record(tx, person.id, person.id, "person.settings", {"setting": min(values)})
    return by_id(tx, person.id)


def set_status(tx: Tx, person_id: UUID, status: Status, *, by: UUID, expected: Status) -> Person:
    """Approve, suspend or take back; Conflict when somebody else changed the status first."""
    changed = tx.connection.execute(
        update(table)
        .where(table.c.id == person_id, table.c.status == expected)
        .values(status=status)
    ).rowcount
    if not changed:
        raise Conflict("person", person_id)
    _record(tx, by, person_id, "person.status", {"from": expected, "to": status})
    return by_id(tx, person_id)


def set_unreachable(tx: Tx, telegram_id: int, *, unreachable: bool) -> None:
    """Keep that Telegram no longer lets us write to a person, or does again."""
    tx.connection.execute(
        update(table)
        .where(table.c.telegram_id == telegram_id)
        .values(unreachable_at=tx.now if unreachable else None)
    )


def _person(row: Row[Any]) -> Person:
    return Person(**{name: getattr(row, name) for name in Person.__dataclass_fields__})


def _place(identity: UUID) -> Place:
    return Place("person", "name", identity)


def _record(
    tx: Tx, actor: UUID, person_id: UUID, action: str, meta: Mapping[str, int | str] | None = None
) -> None:
    audit.record(
        tx,
        audit.Event(
            actor=actor, action=action, object_type="person", object_id=person_id, meta=meta or {}
        ),
    )
