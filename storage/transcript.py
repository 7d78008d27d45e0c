"""Every message in and out: the outbox, and the guard against doing anything twice.

Outbound rows without an end are still to be sent; inbound rows carry the update ids.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from storage.errors import AlreadySeen
from storage.ids import new_id
from storage.schema import consult, dead_letter, screen
from storage.schema import transcript as table
from storage.sealing import Place, seal, system_key_id, unseal
from storage.transaction import Tx

State = Literal["received", "waiting", "sending", "sent", "dead", "dropped"]

LETTERS_LAST = timedelta(hours=24)
OPEN = ("waiting", "sending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One call of the Bot API to be made. ``params`` are its parameters without the chat."""

    chat_id: int
    method: str
    params: Mapping[str, Any]
    consult_id: UUID | None = None
    person_id: UUID | None = None
    kind: str = "message"
    coalesce: str | None = None
    """A newer call of the same chat and name takes the place of an older one not sent yet."""
    target: UUID | None = None
    """A row of the transcript whose message id is filled in when this is sent."""
    thread_id: int | None = None
    screen: bool = False
    """This message carries the chat's keyboard once it is sent."""
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An outbound row taken to be sent. ``again`` is True when an earlier try may have got through."""

    id: UUID
    number: int
    chat_id: int
    method: str
    params: dict[str, Any]
    kind: str
    thread_id: int | None
    screen: bool
    urgent: bool
    attempts: int
    again: bool
    consult_id: UUID | None


@dataclass(frozen=True, slots=True)
class CurrentScreen:
    """The last message with a keyboard that Telegram has, in one chat."""

    transcript_id: UUID
    message_id: int
    consult_id: UUID | None
    kind: str
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An update that could not be handled; its payload is kept encrypted for 24 hours."""

    id: UUID
    update_id: int | None
    kind: str
    keys: str
    reason: str
    attempts: int
    at: datetime
    replayed_at: datetime | None


# --- inbound ----------------------------------------------------------------------------------


def seen(tx: Tx, update_id: int) -> bool:
    """Say whether an update was handled before."""
    query = select(table.c.id).where(table.c.update_id == update_id)
    return tx.connection.scalar(query) is not None


def receive(
    tx: Tx,
    *,
    update_id: int,
    chat_id: int,
    person_id: UUID | None,
    kind: str,
    message_id: int | None = None,
) -> UUID:
    """Keep that an update came in; AlreadySeen when it came before. No words of it are kept."""
    if seen(tx, update_id):
        raise AlreadySeen(update_id)
    identity = new_id()
    row = insert(table).values(
        id=identity,
        chat_id=chat_id,
        person_id=person_id,
        direction="in",
        kind=kind,
        update_id=update_id,
        message_id=message_id,
        data_key_id=system_key_id(tx, "chat"),
        state="received",
        created_at=tx.now,
    )
    try:
        with tx.connection.begin_nested():
            tx.connection.execute(row)
    except IntegrityError as error:
        raise AlreadySeen(update_id) from error
    return identity


def belongs(tx: Tx, identity: UUID, *, consult_id: UUID | None) -> None:
    """Say which consult an inbound row turned out to be about."""
    if consult_id is not None:
        tx.connection.execute(
            update(table).where(table.c.id == identity).values(consult_id=consult_id)
        )


# --- outbound: what is to be sent -------------------------------------------------------------


def enqueue(tx: Tx, outgoing: Outgoing) -> UUID:
    """Keep a call to be made after the commit, and return its row's id."""
    identity = new_id()
    if outgoing.coalesce is not None:
        _replace_older(tx, outgoing)
    key = _key_for(tx, outgoing.consult_id)
    params = json.dumps(dict(outgoing.params), ensure_ascii=False, separators=(",", ":"))
    tx.connection.execute(
        insert(table).values(
            id=identity,
            consult_id=outgoing.consult_id,
            chat_id=outgoing.chat_id,
            person_id=outgoing.person_id,
            direction="out",
            kind=outgoing.kind,
            data_key_id=key,
            method=outgoing.method,
            params=seal(tx, key, params, _place(identity, outgoing.consult_id)),
            target_id=outgoing.target,
            coalesce=outgoing.coalesce,
            thread_id=outgoing.thread_id,
            state="waiting",
            screen=outgoing.screen,
            urgent=outgoing.urgent,
            created_at=tx.now,
            digest=hashlib.sha256(params.encode()).hexdigest()[:32],
        )
    )
    return identity


def _replace_older(tx: Tx, outgoing: Outgoing) -> None:
    tx.connection.execute(
        update(table)
        .where(
            table.c.chat_id == outgoing.chat_id,
            table.c.coalesce == outgoing.coalesce,
            table.c.state == "waiting",
            table.c.direction == "out",
        )
        .values(state="dropped", error_code="replaced", params=None)
    )


def _key_for(tx: Tx, consult_id: UUID | None) -> UUID:
    if consult_id is None:
        return system_key_id(tx, "chat")
    found: UUID | None = tx.connection.scalar(
        select(consult.c.data_key_id).where(consult.c.id == consult_id)
    )
    return found or system_key_id(tx, "chat")


def claim(
    tx: Tx, *, holder: str, lease: timedelta, chat_id: int | None = None, limit: int = 20
) -> list[Waiting]:
    """Take outbound rows to be sent, in each chat only from the oldest on, and nobody else's.

    A chat whose oldest open row is held by another, or whose time has not come, is left alone.
    """
    chats = [chat_id] if chat_id is not None else due_chats(tx, limit=limit)
    taken: list[Waiting] = []
    for chat in chats:
        taken += _claim_chat(tx, chat, holder, lease, limit - len(taken))
        if len(taken) >= limit:
            break
    return taken


def _claim_chat(tx: Tx, chat_id: int, holder: str, lease: timedelta, limit: int) -> list[Waiting]:
    query = (
        select(table)
        .where(table.c.chat_id == chat_id, table.c.direction == "out", table.c.state.in_(OPEN))
        .order_by(table.c.number)
        .limit(max(limit, 0))
    )
    if not tx.on_sqlite:
        query = query.with_for_update(skip_locked=True)
    rows: list[Row[Any]] = []
    for row in tx.connection.execute(query):
        held = row.state == "sending" and row.lease_until and row.lease_until > tx.now
        early = row.next_try_at is not None and row.next_try_at > tx.now
        if (held and row.lease_by != holder) or held or early:
            break
        rows.append(row)
    if rows and not tx.on_sqlite and not _is_oldest(tx, chat_id, rows[0].number):
        return []
    if rows:
        tx.connection.execute(
            update(table)
            .where(table.c.id.in_([row.id for row in rows]))
            .values(
                state="sending",
                attempts=table.c.attempts + 1,
                lease_by=holder,
                lease_until=tx.now + lease,
            )
        )
    return [_waiting(tx, row) for row in rows]


def _is_oldest(tx: Tx, chat_id: int, number: int) -> bool:
    oldest = tx.connection.scalar(
        select(func.min(table.c.number)).where(
            table.c.chat_id == chat_id, table.c.direction == "out", table.c.state.in_(OPEN)
        )
    )
    return bool(oldest == number)


def _waiting(tx: Tx, row: Row[Any]) -> Waiting:
    place = _place(row.id, row.consult_id)
    params = json.loads(unseal(tx, row.data_key_id, row.params, place)) if row.params else {}
    if row.target_id is not None and "message_id" not in params:
        params["message_id"] = tx.connection.scalar(
            select(table.c.message_id).where(table.c.id == row.target_id)
        )
    return Waiting(
        id=row.id,
        number=row.number,
        chat_id=row.chat_id,
        method=row.method,
        params=params,
        kind=row.kind,
        thread_id=row.thread_id,
        screen=row.screen,
        urgent=row.urgent,
        attempts=row.attempts + 1,
        again=row.state == "sending",
        consult_id=row.consult_id,
    )


def due_chats(tx: Tx, *, limit: int = 100) -> list[int]:
    """Return the chats with something to send now, the longest waiting first."""
    ready = or_(
        and_(
            table.c.state == "waiting",
            or_(table.c.next_try_at.is_(None), table.c.next_try_at <= tx.now),
        ),
        and_(table.c.state == "sending", table.c.lease_until <= tx.now),
    )
    query = (
        select(table.c.chat_id)
        .where(table.c.state.in_(OPEN), table.c.direction == "out", ready)
        .group_by(table.c.chat_id)
        .order_by(func.min(table.c.number))
        .limit(limit)
    )
    return list(tx.connection.scalars(query))


def sent(tx: Tx, identity: UUID, message_id: int | None) -> None:
    """Keep that a row was sent, with the id Telegram gave it; a screen becomes the chat's current one."""
    row = tx.connection.execute(select(table).where(table.c.id == identity)).first()
    if row is None:
        return
    tx.connection.execute(
        update(table)
        .where(table.c.id == identity)
        .values(
            state="sent", sent_at=tx.now, message_id=message_id, lease_until=None, error_code=None
        )
    )
    if row.screen and message_id is not None:
        _set_screen(tx, row, message_id)


def _set_screen(tx: Tx, row: Row[Any], message_id: int) -> None:
    clear_screen(tx, row.chat_id)
    tx.connection.execute(
        insert(screen).values(
            chat_id=row.chat_id,
            transcript_id=row.id,
            message_id=message_id,
            consult_id=row.consult_id,
            kind=row.kind,
            digest=row.digest,
            at=tx.now,
        )
    )


def put_back(tx: Tx, identities: Sequence[UUID]) -> None:
    """Let go of rows that were taken and not tried."""
    tx.connection.execute(
        update(table)
        .where(table.c.id.in_(identities), table.c.state == "sending")
        .values(state="waiting", lease_until=None, attempts=table.c.attempts - 1)
    )


def retry_later(tx: Tx, identity: UUID, at: datetime, code: str) -> None:
    """Try a row again at ``at``; what comes after it in its chat waits as well."""
    tx.connection.execute(
        update(table)
        .where(table.c.id == identity)
        .values(state="waiting", next_try_at=at, lease_until=None, error_code=code)
    )


def dead(tx: Tx, identity: UUID, code: str) -> None:
    """Give a row up; it stays on the transcript with the reason."""
    tx.connection.execute(
        update(table)
        .where(table.c.id == identity)
        .values(state="dead", lease_until=None, error_code=code)
    )


def drop_chat(tx: Tx, chat_id: int, code: str) -> int:
    """Give up everything that waits for a chat, and return how many rows that were."""
    return tx.connection.execute(
        update(table)
        .where(table.c.chat_id == chat_id, table.c.direction == "out", table.c.state.in_(OPEN))
        .values(state="dead", lease_until=None, error_code=code)
    ).rowcount


def move_chat(tx: Tx, old: int, new: int) -> None:
    """Send what waits for a group to its new id."""
    tx.connection.execute(
        update(table)
        .where(table.c.chat_id == old, table.c.direction == "out", table.c.state.in_(OPEN))
        .values(chat_id=new, state="waiting", lease_until=None)
    )


# --- screens ------------------------------------------------------------------------------------


def current_screen(tx: Tx, chat_id: int) -> CurrentScreen | None:
    """Return the chat's last message with a keyboard, once Telegram has it."""
    row = tx.connection.execute(select(screen).where(screen.c.chat_id == chat_id)).first()
    if row is None:
        return None
    return CurrentScreen(row.transcript_id, row.message_id, row.consult_id, row.kind, row.digest)


def clear_screen(tx: Tx, chat_id: int) -> None:
    """Forget the chat's current screen: its keyboard was taken away."""
    tx.connection.execute(delete(screen).where(screen.c.chat_id == chat_id))


# --- dead letters ---------------------------------------------------------------------------------


def bury(
    tx: Tx, raw: Any, *, update_id: int | None, kind: str, keys: str, reason: str, attempts: int
) -> UUID:
    """Keep an update that could not be handled: codes for 24 hours, its payload only encrypted."""
    identity, key = new_id(), system_key_id(tx, "letters")
    payload = json.dumps(raw, ensure_ascii=True, separators=(",", ":"), default=str)
    tx.connection.execute(
        insert(dead_letter).values(
            id=identity,
            update_id=update_id,
            kind=kind[:64],
            keys=keys[:256],
            payload=seal(tx, key, payload, Place("dead_letter", "payload", identity)),
            data_key_id=key,
            reason=reason[:64],
            attempts=attempts,
            at=tx.now,
            expires_at=tx.now + LETTERS_LAST,
        )
    )
    return identity


def letters(tx: Tx, *, limit: int = 100) -> list[Letter]:
    """Return the dead letters, newest first, without their payload."""
    rows = tx.connection.execute(
        select(dead_letter).order_by(dead_letter.c.id.desc()).limit(limit)
    ).all()
    names = Letter.__dataclass_fields__
    return [Letter(**{name: getattr(row, name) for name in names}) for row in rows]


def letter_payload(tx: Tx, identity: UUID) -> Any:
    """Return the update of a dead letter to be tried again, or None once it has expired."""
    row = tx.connection.execute(select(dead_letter).where(dead_letter.c.id == identity)).first()
    if row is None or row.payload is None or row.expires_at <= tx.now:
        return None
    return json.loads(
        unseal(tx, row.data_key_id, row.payload, Place("dead_letter", "payload", identity))
    )


def replayed(tx: Tx, identity: UUID) -> None:
    tx.connection.execute(
        update(dead_letter).where(dead_letter.c.id == identity).values(replayed_at=tx.now)
    )


def forget_letters(tx: Tx) -> int:
    """Delete the payloads that have expired, and return how many that were."""
    return tx.connection.execute(
        update(dead_letter)
        .where(dead_letter.c.expires_at <= tx.now, dead_letter.c.payload.is_not(None))
        .values(payload=None)
    ).rowcount


# --- watching -------------------------------------------------------------------------------------


def unsent(tx: Tx) -> tuple[int, datetime | None]:
    """Return (rows still to be sent, when the oldest of them was made)."""
    row = tx.connection.execute(
        select(func.count(), func.min(table.c.created_at)).where(
            table.c.state.in_(OPEN), table.c.direction == "out"
        )
    ).one()
    return int(row[0]), row[1]


def dead_codes(tx: Tx) -> Mapping[str, int]:
    """Return error code -> rows given up with it."""
    rows = tx.connection.execute(
        select(table.c.error_code, func.count())
        .where(table.c.state == "dead")
        .group_by(table.c.error_code)
    )
    return {str(code): int(count) for code, count in rows}


def _place(identity: UUID, consult_id: UUID | None) -> Place:
    return Place("transcript", "params", identity, consult_id)
