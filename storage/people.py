"""The people who use Curbside, and what they chose."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import audit, unreadable
from storage.errors import NotFound
from storage.ids import new_id
from storage.schema import person
from storage.sealing import Place, new_data_key, seal
from storage.text import clean
from storage.transaction import Tx

Status: TypeAlias = Literal["pending", "approved", "suspended", "deleted"]
Path: TypeAlias = Literal["quick", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone known by a Telegram id; ``name`` is what Telegram shows for them.

    ``quiet_from`` and ``quiet_to`` are minutes after midnight in ``time_zone``. ``role`` is an
    option of the scenario's role question. A deleted person has no Telegram id and no name.
    """

    id: UUID
    telegram_id: int | None
    name: str = field(repr=False)
    data_key_id: UUID
    status: Status
    is_admin: bool
    is_author: bool
    role: str | None
    language: str | None
    time_zone: str | None
    quiet_from: int | None
    quiet_to: int | None
    path: Path
    scope_accepted_at: datetime | None
    unreachable_at: datetime | None
    created_at: datetime


CHOSEN = frozenset({"role", "language", "time_zone", "quiet_from", "quiet_to", "path"})
"""What a person may set about themselves."""


_BY_TELEGRAM_ID = select(person).where(person.c.telegram_id == bindparam("wanted"))
_BY_ID = select(person).where(person.c.id == bindparam("wanted"))


def get_or_create(
    tx: Tx, telegram_id: int, name: str, *, status: Status = "approved", is_admin: bool = False
) -> Person:
    """Return the person with this Telegram id, met now for the first time or known before.

    ``status`` and ``is_admin`` are for a new person; a changed name is kept.
    """
    known = by_telegram_id(tx, telegram_id)
    if known is None:
        known = _meet(tx, telegram_id, status=status, is_admin=is_admin)
    return known if known.name == clean(name) else _named(tx, known, clean(name))


def by_telegram_id(tx: Tx, telegram_id: int) -> Person | None:
    row = tx.connection.execute(_BY_TELEGRAM_ID, {"wanted": telegram_id}).first()
    return _person(tx, row) if row else None


def get(tx: Tx, person_id: UUID) -> Person:
    """Return a person by id; NotFound when there is none."""
    row = tx.connection.execute(_BY_ID, {"wanted": person_id}).first()
    if row is None:
        raise NotFound("person", person_id)
    return _person(tx, row)


def with_status(tx: Tx, status: Status) -> list[Person]:
    """Return the people of one status, longest known first."""
    query = select(person).where(person.c.status == status).order_by(person.c.id)
    return [_person(tx, row) for row in tx.connection.execute(query)]


def admins(tx: Tx) -> list[Person]:
    query = select(person).where(person.c.is_admin, person.c.status == "approved")
    return [_person(tx, row) for row in tx.connection.execute(query)]


def met_last(tx: Tx, most: int) -> tuple[int, ...]:
    """Return the Telegram ids of the people met last, the newest first."""
    query = select(person.c.telegram_id).where(person.c.telegram_id.is_not(None))
    return tuple(tx.connection.scalars(query.order_by(person.c.id.desc()).limit(most)))


def counts(tx: Tx) -> dict[str, int]:
    """Return how many people there are of each status."""
    query = select(person.c.status, func.count()).group_by(person.c.status)
    return {row[0]: row[1] for row in tx.connection.execute(query)}


def accept_scope(tx: Tx, who: Person) -> Person:
    """Note that the person accepted the scope and privacy screen; the first time counts."""
    if who.scope_accepted_at is not None:
        return who
    _record(tx, who, "person.accept_scope", who.id)
    return _changed(tx, who, scope_accepted_at=tx.now)


def set_choices(tx: Tx, who: Person, **chosen: Any) -> Person:
    """Return the person with new settings (role, language, time_zone, quiet hours, path)."""
    if unknown := set(chosen) - CHOSEN:
        raise ValueError(f"not a setting: {sorted(unknown)}")
    _record(tx, who, "person.change", who.id, **{name: _code(v) for name, v in chosen.items()})
    return _changed(tx, who, **chosen)


def _code(value: Any) -> int | str:
    """Return a setting as the log takes it: as a code or a number, a time zone as set or not."""
    if isinstance(value, int):
        return value
    return value if audit.is_code(value) else int(value is not None)


def set_status(tx: Tx, who: Person, status: Status, *, by: UUID | None) -> Person:
    """Approve, suspend or readmit someone; ``by`` is the person who decided, None for the policy."""
    _record(tx, who, "person.status", by, to=status)
    return _changed(tx, who, status=status)


def set_admin(tx: Tx, who: Person, *, is_admin: bool, by: UUID | None) -> Person:
    """Make someone an administrator, or no longer one."""
    _record(tx, who, "person.admin", by, to=int(is_admin))
    return _changed(tx, who, is_admin=is_admin)


def set_author(tx: Tx, who: Person, *, is_author: bool, by: UUID | None) -> Person:
    """Let someone change content, or no longer."""
    _record(tx, who, "person.author", by, to=int(is_author))
    return _changed(tx, who, is_author=is_author)


def set_unreachable(tx: Tx, telegram_id: int) -> None:
    """Note that Telegram no longer delivers to this person (blocked, deactivated)."""
    _set_reach(tx, telegram_id, tx.now)


def set_reachable(tx: Tx, telegram_id: int) -> None:
    """Note that the person unblocked us or wrote again."""
    _set_reach(tx, telegram_id, None)


def keep_admins(tx: Tx, telegram_ids: Collection[int]) -> None:
    """Make the people with these Telegram ids approved administrators, met or not yet, and nobody else."""
    for telegram_id in telegram_ids:
        who = by_telegram_id(tx, telegram_id)
        if who is None:
            _meet(tx, telegram_id, status="approved", is_admin=True)
        elif not (who.is_admin and who.status == "approved"):
            set_status(tx, set_admin(tx, who, is_admin=True, by=None), "approved", by=None)
    for who in admins(tx):
        if who.telegram_id not in telegram_ids:
            set_admin(tx, who, is_admin=False, by=None)


def _meet(tx: Tx, telegram_id: int, *, status: Status, is_admin: bool) -> Person:
    """Insert a person unless another process just did, and return them."""
    values = {
        "id": new_id(),
        "telegram_id": telegram_id,
        "data_key_id": new_data_key(tx, "person"),
        "status": status,
        "is_admin": is_admin,
        "is_author": False,
        "path": "quick",
        "created_at": tx.now,
    }
    tx.connection.execute(
        insert_or_not(person).values(values).on_conflict_do_nothing(index_elements=["telegram_id"])
    )
    met = by_telegram_id(tx, telegram_id)
    if met is None:  # pragma: no cover - the row is there, inserted or found
        raise NotFound("person", telegram_id)
    if met.id == values["id"]:
        _record(tx, met, "person.create", None, status=status)
    return met


def _named(tx: Tx, who: Person, name: str) -> Person:
    sealed = seal(tx, who.data_key_id, name, _name_place(who.id))
    tx.connection.execute(update(person).where(person.c.id == who.id).values(name=sealed))
    return replace(who, name=name)


def _changed(tx: Tx, who: Person, **values: Any) -> Person:
    tx.connection.execute(update(person).where(person.c.id == who.id).values(**values))
    return replace(who, **values)


def _set_reach(tx: Tx, telegram_id: int, at: datetime | None) -> None:
    tx.connection.execute(
        update(person).where(person.c.telegram_id == telegram_id).values(unreachable_at=at)
    )


def _record(tx: Tx, who: Person, action: str, by: UUID | None, **meta: int | str) -> None:
    event = audit.Event(actor=by, action=action, object_type="person", object_id=who.id, meta=meta)
    audit.record(tx, event)


def _name_place(person_id: UUID) -> Place:
    return Place("person", "name", person_id)


def _person(tx: Tx, row: Any) -> Person:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    if row.name is None:
        return Person(**values | {"name": ""})
    name = unreadable.words(tx, row.data_key_id, row.name, _name_place(row.id))
    return Person(**values | {"name": name})
