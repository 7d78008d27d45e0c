"""The transcript: every message in and out, in order; what is not sent yet is the outbox.

Inbound rows carry Telegram's update id, unique: the guard against handling an update twice.
Outbound rows are written in the transaction of their cause and sent after it, a chat's in order.
Sending is at least once: Telegram knows no idempotency key.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import unreadable
from storage.errors import AlreadySeen, KeyDestroyed, KeyTrouble, Unreadable
from storage.ids import new_id
from storage.locks import PROCESS_LOCKS, sender
from storage.schema import OUTBOX_OPEN, consult, person, screen, transcript
from storage.sealing import Place, blind_index, noted_key, seal, system_key_id, unseal
from storage.text import clean
from storage.transaction import Tx

State: TypeAlias = Literal["received", "waiting", "sending", "sent", "dead", "dropped"]

OPEN: tuple[State, ...] = ("waiting", "sending")
LEASE = timedelta(seconds=60)
UPLOAD_LEASE = timedelta(seconds=120)
"""For calls that carry a file; longer than ``bot.transport`` lets one take."""

UPLOADS = frozenset({"sendDocument", "sendPhoto", "sendMediaGroup"})
QUOTING = ("opinion", "suggestions")
"""How the kinds of messages begin that repeat what somebody typed: opinions, comments, a case told.

Whoever said it may take it back, so these are not kept once they are sent.
"""

BUTTONS = ("reply_markup",)
"""What is kept of them: what typed words mean is known by the buttons of the screen that stands."""

TAKEN_BACK = "taken_back"
"""Why a message was not sent: what it repeats was taken back, or its author was forgotten."""

AT_ONCE = 200
"""Lines that are read at a time."""

REMOVED = "[removed]"
"""What stands where a message of ours was taken back."""

UNANSWERED = "unanswered"
"""Why a call waits again when it left and no answer came: it may have got through."""

LONGEST_WAIT = timedelta(hours=1)
"""No call is put off for longer; a later moment was written before the clock was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message or tap as it is kept. ``content`` has passed the identifier guard, or is None."""

    update_id: int
    chat_id: int
    kind: str
    content: str | None = field(default=None, repr=False)
    message_id: int | None = None
    thread_id: int | None = None
    person_id: UUID | None = None
    consult_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A call to the Bot API to be made after the commit.

    ``params`` are its exact parameters without ``chat_id``. A newer waiting row of the same chat
    and ``coalesce`` replaces the older one. The message id of ``target``, an earlier outgoing
    row, is filled in when this one is sent. ``screen`` marks the chat's current keyboard.
    """

    chat_id: int
    method: str
    params: Mapping[str, Any] = field(repr=False)
    consult_id: UUID | None = None
    person_id: UUID | None = None
    kind: str = "message"
    coalesce: str | None = None
    target: UUID | None = None
    thread_id: int | None = None
    screen: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A call that is ours to make now. ``attempts`` counts this one, so 1 is the first.

    ``target_lost`` tells that the message it edits was never delivered. ``again`` tells that an
    earlier try may have got through: its holder died, or no answer came.
    """

    id: UUID
    chat_id: int
    method: str
    params: dict[str, Any] = field(repr=False)
    kind: str
    consult_id: UUID | None
    person_id: UUID | None
    attempts: int
    urgent: bool
    target_lost: bool
    again: bool
    created_at: datetime
    number: int
    thread_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the transcript. ``content`` is None once the words were erased or have expired."""

    id: UUID
    direction: Literal["in", "out"]
    kind: str
    method: str | None
    content: str | None = field(repr=False)
    params: Mapping[str, Any] | None = field(repr=False)
    message_id: int | None
    state: State
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The last message with a keyboard that Telegram has in a chat."""

    chat_id: int
    transcript_id: UUID
    message_id: int
    consult_id: UUID | None
    kind: str
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatState:
    """What a chat shows, and what it has not got yet.

    ``on_its_way`` is the newest message with a keyboard that is still to be sent; ``waits`` tells
    whether anything is.
    """

    screen_message: int | None
    on_its_way: UUID | None
    waits: bool


_OVER = transcript.c.state.not_in(OPEN)
_HELD = transcript.c.params.is_not(None)
_QUOTES = or_(*(transcript.c.kind.startswith(kind) for kind in QUOTING))
_CARRIES = transcript.c.method.in_(sorted(UPLOADS))
STALE = and_(_OVER, _HELD, or_(_QUOTES, _CARRIES))
"""Rows that are done with; of what an earlier version sent they hold what is not kept."""

# Statements of every update are made once: making one costs more than running it.

_SEEN = select(transcript.c.number).where(transcript.c.update_id == bindparam("wanted"))
_RECEIVE = (
    insert_or_not(transcript)
    .on_conflict_do_nothing(index_elements=["update_id"])
    .returning(transcript.c.number)
)
_BELONGS = (
    update(transcript)
    .where(transcript.c.id == bindparam("wanted"), transcript.c.content.is_(None))
    .values(consult_id=bindparam("consult"))
)
_ENQUEUE = insert(transcript)
_REPLACE_OLDER = (
    update(transcript)
    .where(
        OUTBOX_OPEN,
        transcript.c.chat_id == bindparam("chat"),
        transcript.c.state == "waiting",
        transcript.c.coalesce == bindparam("name"),
    )
    .values(state="dropped", error_code="replaced", params=None)
)
_CONSULTS_KEY = select(consult.c.data_key_id).where(
    consult.c.id == bindparam("wanted"), consult.c.erased_at.is_(None)
)
_PERSONS_KEY = select(person.c.data_key_id).where(
    person.c.id == bindparam("wanted"), person.c.status != "deleted"
)
_OF = select(transcript).where(transcript.c.id == bindparam("wanted"))
_MESSAGE_ID = select(transcript.c.message_id).where(transcript.c.id == bindparam("wanted"))
_SETTLE = (
    update(transcript)
    .where(transcript.c.id == bindparam("wanted"))
    .values(lease_until=None, lease_by=None)
)
_SET_SCREEN = insert_or_not(screen)
_SET_SCREEN = _SET_SCREEN.on_conflict_do_update(
    index_elements=["chat_id"],
    set_={each.name: _SET_SCREEN.excluded[each.name] for each in screen.c if not each.primary_key},
)
_OPEN_HERE = and_(OUTBOX_OPEN, transcript.c.chat_id == bindparam("chat"))
_PENDING_SCREEN = (
    select(transcript.c.id)
    .where(_OPEN_HERE, transcript.c.screen, transcript.c.method == "sendMessage")
    .order_by(transcript.c.number.desc())
    .limit(1)
)
_SCREEN_OF = select(screen).where(screen.c.chat_id == bindparam("chat"))
_CHAT_STATE = select(
    _SCREEN_OF.with_only_columns(screen.c.message_id).scalar_subquery().label("screen_message"),
    _PENDING_SCREEN.scalar_subquery().label("on_its_way"),
    exists().where(_OPEN_HERE).label("waits"),
)


def _due(moment: Any) -> Any:
    """Return that ``moment`` has come, or cannot be true because the clock was set back since."""
    return or_(
        moment <= bindparam("now"),
        moment > bindparam("latest"),
        transcript.c.created_at > bindparam("now"),
    )


_CLAIMABLE = or_(
    and_(transcript.c.state == "waiting", _due(transcript.c.next_try_at)),
    and_(transcript.c.state == "sending", _due(transcript.c.lease_until)),
)
_HEADS = (
    select(func.min(transcript.c.number).label("number"))
    .where(OUTBOX_OPEN)
    .group_by(transcript.c.chat_id)
    .subquery()
)
_DUE_CHATS = (
    select(transcript.c.chat_id)
    .join(_HEADS, _HEADS.c.number == transcript.c.number)
    .where(_CLAIMABLE)
    .order_by(transcript.c.urgent.desc(), transcript.c.next_try_at)
    .limit(bindparam("most"))
)
_HEAD_OF_CHAT = (
    select(func.min(transcript.c.number))
    .where(OUTBOX_OPEN, transcript.c.chat_id == bindparam("chat"))
    .scalar_subquery()
)
_LOCK_HEAD = (
    select(transcript.c.number)
    .where(transcript.c.number == _HEAD_OF_CHAT, _CLAIMABLE)
    .with_for_update(skip_locked=True)
)
_OPEN_OF_CHAT = (
    select(transcript)
    .where(OUTBOX_OPEN, transcript.c.chat_id == bindparam("chat"))
    .order_by(transcript.c.number)
    .limit(bindparam("most"))
)
_LEASE = (
    update(transcript)
    .where(transcript.c.number.in_(bindparam("numbers", expanding=True)))
    .values(
        state="sending",
        attempts=transcript.c.attempts + 1,
        lease_until=bindparam("until"),
        lease_by=bindparam("holder"),
    )
)


_LOST_SENDERS = text(
    "SELECT DISTINCT lease_by FROM transcript"
    " WHERE state = 'sending' AND lease_until > :now AND lease_by <> '' AND NOT EXISTS ("
    "  SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
    "  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    "  AND classid = :locks"
    "  AND objid::bigint = hashtext(:name || lease_by)::bigint & 4294967295)"
).bindparams(locks=PROCESS_LOCKS, name=sender(""))


def seen(tx: Tx, update_id: int) -> bool:
    """Tell whether this update was handled before. Ids restart at random: never compare them."""
    return tx.connection.scalar(_SEEN, {"wanted": update_id}) is not None


def receive(tx: Tx, incoming: Incoming) -> UUID:
    """Append what came in and return its id; AlreadySeen when another process was first."""
    identity = new_id()
    key_id = system_key_id(tx, "chat")
    if incoming.content is not None:
        key_id = _key_for(tx, incoming.consult_id, incoming.person_id)
    values = {
        "id": identity,
        "update_id": incoming.update_id,
        "chat_id": incoming.chat_id,
        "person_id": incoming.person_id,
        "consult_id": incoming.consult_id,
        "direction": "in",
        "kind": incoming.kind,
        "message_id": incoming.message_id,
        "thread_id": incoming.thread_id,
        "content": _sealed(
            tx, key_id, _place("content", identity, incoming.consult_id), incoming.content
        ),
        "data_key_id": key_id,
        "state": "received",
        "created_at": tx.now,
    }
    if tx.connection.scalar(_RECEIVE, values) is None:
        raise AlreadySeen(incoming.update_id)
    return identity


def belongs(tx: Tx, transcript_id: UUID, *, consult_id: UUID | None) -> None:
    """Note which consult an inbound row turned out to be about; it has no content to move."""
    if consult_id is not None:
        tx.connection.execute(_BELONGS, {"wanted": transcript_id, "consult": consult_id})


def enqueue(tx: Tx, outgoing: Outgoing) -> UUID:
    """Append a call to make after the commit, and return its id."""
    if outgoing.coalesce is not None:
        older = {"chat": outgoing.chat_id, "name": outgoing.coalesce}
        tx.connection.execute(_REPLACE_OLDER, older)
    values = _row_of(tx, outgoing)
    tx.connection.execute(_ENQUEUE, values)
    identity: UUID = values["id"]
    return identity


def hold(tx: Tx, outgoing: Outgoing, lease: timedelta, *, by: str) -> Waiting:
    """Append a call that is ours to make after the commit: the chat waits for nothing else.

    That is what ``claim`` would return of it; it edits no message that is still to be sent.
    """
    held = {"state": "sending", "attempts": 1, "lease_until": tx.now + lease, "lease_by": by}
    values = _row_of(tx, outgoing) | held
    number: int = tx.connection.execute(_ENQUEUE, values).inserted_primary_key.number  # type: ignore[union-attr]
    return Waiting(
        id=values["id"],
        chat_id=outgoing.chat_id,
        method=outgoing.method,
        params=dict(outgoing.params),
        kind=outgoing.kind,
        consult_id=outgoing.consult_id,
        person_id=outgoing.person_id,
        attempts=1,
        urgent=outgoing.urgent,
        target_lost=False,
        again=False,
        created_at=tx.now,
        number=number,
        thread_id=outgoing.thread_id,
    )


def _row_of(tx: Tx, outgoing: Outgoing) -> dict[str, Any]:
    """Return the columns of a call that waits."""
    identity = new_id()
    key_id = _key_for(tx, outgoing.consult_id, outgoing.person_id)
    text = json.dumps(dict(outgoing.params), ensure_ascii=False, separators=(",", ":"))
    return {
        "id": identity,
        "chat_id": outgoing.chat_id,
        "person_id": outgoing.person_id,
        "consult_id": outgoing.consult_id,
        "direction": "out",
        "kind": outgoing.kind,
        "method": outgoing.method,
        "params": _sealed(tx, key_id, _place("params", identity, outgoing.consult_id), text),
        "data_key_id": key_id,
        "target_id": outgoing.target,
        "thread_id": outgoing.thread_id,
        "coalesce": outgoing.coalesce,
        "state": "waiting",
        "screen": outgoing.screen,
        "urgent": outgoing.urgent,
        "next_try_at": tx.now,
        "created_at": tx.now,
        "digest": blind_index(tx, "screen", text) if outgoing.screen else None,
    }


def claim(
    tx: Tx, chat_id: int | None, limit: int = 10, lease: timedelta = LEASE, *, by: str = ""
) -> list[Waiting]:
    """Take up to ``limit`` calls to make now, of one chat or of any, and lease them.

    A chat's calls are taken oldest first and held by one holder at a time. A call that edits a
    message not sent yet waits for it. An expired lease may be taken over.
    """
    chats = [chat_id] if chat_id is not None else due_chats(tx, limit)
    taken: list[Waiting] = []
    for chat in chats:
        if len(taken) < limit:
            taken += _claim_chat(tx, chat, limit - len(taken), lease, by)
    return taken


def sent(tx: Tx, transcript_id: UUID, message_id: int | None = None) -> None:
    """Note that Telegram took the call; ``message_id`` as it answered, None where it gives none."""
    row = tx.connection.execute(_OF, {"wanted": transcript_id}).one()
    known = message_id if message_id is not None else _target_message_id(tx, row)
    done = {"state": "sent", "message_id": known, "sent_at": tx.now, "error_code": None}
    _settle(tx, transcript_id, **done, **_left(tx, row))
    if row.screen and known is not None:
        _set_screen(tx, row, known)


def retry_later(tx: Tx, transcript_id: UUID, at: datetime, code: str) -> None:
    """Put a call back until ``at``, at most an hour; the chat's later ones wait behind it."""
    tx.connection.execute(
        update(transcript)
        .where(transcript.c.id == transcript_id, transcript.c.state.in_(OPEN))
        .values(
            state="waiting",
            next_try_at=min(at, tx.now + LONGEST_WAIT),
            lease_until=None,
            lease_by=None,
            error_code=code[:64],
        )
    )


def put_back(tx: Tx, transcript_ids: Sequence[UUID]) -> None:
    """Let go of calls that were taken and not made."""
    tx.connection.execute(
        update(transcript)
        .where(transcript.c.id.in_(transcript_ids), transcript.c.state == "sending")
        .values(
            state="waiting",
            lease_until=None,
            lease_by=None,
            attempts=transcript.c.attempts - 1,
        )
    )


def release_all(tx: Tx) -> int:
    """Let go of what a process that is gone was sending, and return how many calls that were."""
    return tx.connection.execute(
        update(transcript).where(transcript.c.state == "sending").values(lease_until=tx.now)
    ).rowcount


def lost_senders(tx: Tx) -> frozenset[str]:
    """Return who was sending something and is not there any more; on a file there is nobody else."""
    return (
        frozenset()
        if tx.on_sqlite
        else frozenset(tx.connection.scalars(_LOST_SENDERS, {"now": tx.now}))
    )


def release(tx: Tx, holders: Collection[str], chat_id: int | None = None) -> int:
    """Let go of what these were sending, to one chat or to any; return how many calls that were."""
    theirs = update(transcript).where(
        transcript.c.state == "sending", transcript.c.lease_by.in_(holders)
    )
    if chat_id is not None:
        theirs = theirs.where(transcript.c.chat_id == chat_id)
    return tx.connection.execute(theirs.values(lease_until=tx.now)).rowcount


def dead(tx: Tx, transcript_id: UUID, code: str) -> None:
    """Give a call up for good; ``code`` says why."""
    row = tx.connection.execute(_OF, {"wanted": transcript_id}).one()
    _settle(tx, transcript_id, state="dead", error_code=code[:64], **_left(tx, row))


def drop_chat(tx: Tx, chat_id: int, code: str) -> int:
    """Drop everything a chat still waits for (it blocked us), and return how many that were."""
    result = tx.connection.execute(
        update(transcript)
        .where(OUTBOX_OPEN, transcript.c.chat_id == chat_id)
        .values(state="dropped", error_code=code[:64], lease_until=None, lease_by=None)
    )
    here = and_(transcript.c.chat_id == chat_id, _OVER, _HELD, or_(_QUOTES, _CARRIES))
    never_sent = and_(here, transcript.c.state == "dropped")
    tx.connection.execute(update(transcript).where(never_sent).values(params=None))
    return result.rowcount


def take_back(tx: Tx, consult_id: UUID) -> None:
    """Send and keep nothing more that repeats what was said about a case, or carries it as a file."""
    about = and_(transcript.c.consult_id == consult_id, _HELD, or_(_QUOTES, _CARRIES))
    tx.connection.execute(
        update(transcript)
        .where(about, OUTBOX_OPEN)
        .values(
            state="dropped", error_code=TAKEN_BACK, params=None, lease_until=None, lease_by=None
        )
    )
    quoted = and_(transcript.c.consult_id == consult_id, _HELD, _QUOTES)
    tx.connection.execute(update(transcript).where(quoted).values(params=None))


def move_chat(tx: Tx, old_chat_id: int, new_chat_id: int) -> None:
    """Send what an upgraded group still waits for to its new id."""
    tx.connection.execute(
        update(transcript)
        .where(OUTBOX_OPEN, transcript.c.chat_id == old_chat_id)
        .values(chat_id=new_chat_id)
    )


def replace_params(tx: Tx, transcript_id: UUID, params: Mapping[str, Any]) -> None:
    """Change a call that was refused, such as to plain text, before it is tried again."""
    row = tx.connection.execute(_OF, {"wanted": transcript_id}).one()
    text = json.dumps(dict(params), ensure_ascii=False, separators=(",", ":"))
    sealed = _sealed(tx, row.data_key_id, _place("params", row.id, row.consult_id), text)
    tx.connection.execute(
        update(transcript).where(transcript.c.id == transcript_id).values(params=sealed)
    )


def _left(tx: Tx, row: Any) -> dict[str, Any]:
    """Return what changes in a row's parameters once it is done with.

    Of a message that repeats somebody's words its buttons are left, of a file its name and caption.
    """
    quotes = row.kind.startswith(QUOTING)
    if row.params is None or not (quotes or row.method in UPLOADS):
        return {}
    try:
        params = _params(tx, row) or {}
    except (KeyTrouble, Unreadable):
        return {}
    kept = {name: params[name] for name in BUTTONS if name in params} if quotes else named(params)
    place = _place("params", row.id, row.consult_id)
    text = json.dumps(kept, ensure_ascii=False)
    return {"params": _sealed(tx, row.data_key_id, place, text) if kept else None}


def named(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the name of a file in place of the file."""
    files = {
        name: {"filename": value["filename"]}
        for name, value in params.items()
        if isinstance(value, Mapping) and "filename" in value
    }
    return {**params, **files}


def due_chats(tx: Tx, limit: int = 100) -> list[int]:
    """Return the chats whose oldest unsent call may be made now, urgent and oldest first."""
    return list(tx.connection.scalars(_DUE_CHATS, _at(tx) | {"most": limit}))


def next_due(tx: Tx) -> datetime | None:
    """Return when the next unsent call may be made (or its lease ends), None without any."""
    moment = func.coalesce(transcript.c.lease_until, transcript.c.next_try_at)
    query = (
        select(transcript.c.lease_until, transcript.c.next_try_at)
        .join(_HEADS, _HEADS.c.number == transcript.c.number)
        .order_by(moment)
        .limit(1)
    )
    row = tx.connection.execute(query).first()
    found: datetime | None = (row.lease_until or row.next_try_at) if row else None
    return found


def unsent(tx: Tx) -> int:
    """Return how many calls are still to be made."""
    query = select(func.count()).select_from(transcript).where(OUTBOX_OPEN)
    return tx.connection.scalar(query) or 0


def state_counts(tx: Tx) -> dict[str, int]:
    """Return how many rows of the transcript are in each state."""
    query = select(transcript.c.state, func.count()).group_by(transcript.c.state)
    return {row[0]: row[1] for row in tx.connection.execute(query)}


def oldest_unsent(tx: Tx) -> datetime | None:
    """Return since when the oldest unsent call waits."""
    query = select(func.min(transcript.c.created_at)).where(OUTBOX_OPEN)
    found: datetime | None = tx.connection.scalar(query)
    return found


def screen_of(tx: Tx, chat_id: int) -> Screen | None:
    """Return the last message with a keyboard that Telegram has in a chat."""
    row = tx.connection.execute(_SCREEN_OF, {"chat": chat_id}).first()
    if row is None:
        return None
    return Screen(
        chat_id=row.chat_id,
        transcript_id=row.transcript_id,
        message_id=row.message_id,
        consult_id=row.consult_id,
        kind=row.kind,
        digest=row.digest,
    )


def chat_state(tx: Tx, chat_id: int) -> ChatState:
    """Return what a chat shows, and what it has not got yet."""
    row = tx.connection.execute(_CHAT_STATE, {"chat": chat_id}).one()
    return ChatState(
        screen_message=row.screen_message, on_its_way=row.on_its_way, waits=bool(row.waits)
    )


def clear_screen(tx: Tx, chat_id: int) -> None:
    """Forget the chat's current screen: its keyboard was taken away."""
    tx.connection.execute(delete(screen).where(screen.c.chat_id == chat_id))


def newest_screen(tx: Tx, chat_id: int) -> UUID | None:
    """Return the newest outgoing row that carries a keyboard, sent or still waiting."""
    query = (
        select(transcript.c.id)
        .where(
            transcript.c.chat_id == chat_id,
            transcript.c.screen,
            transcript.c.state.in_((*OPEN, "sent")),
        )
        .order_by(transcript.c.number.desc())
        .limit(1)
    )
    found: UUID | None = tx.connection.scalar(query)
    return found


def message_id_of(tx: Tx, transcript_id: UUID) -> int | None:
    """Return the Telegram message id of a row, None while it is not sent."""
    found: int | None = tx.connection.scalar(_MESSAGE_ID, {"wanted": transcript_id})
    return found


def by_message_id(tx: Tx, chat_id: int, message_id: int) -> Line | None:
    """Return the newest line with this Telegram message id in a chat."""
    query = (
        select(transcript)
        .where(transcript.c.chat_id == chat_id, transcript.c.message_id == message_id)
        .order_by(transcript.c.number.desc())
        .limit(1)
    )
    row = tx.connection.execute(query).first()
    return _line(tx, row) if row else None


def line_of(tx: Tx, transcript_id: UUID) -> Line | None:
    """Return one line, or None where there is none any more."""
    row = tx.connection.execute(_OF, {"wanted": transcript_id}).first()
    return _line(tx, row) if row else None


def sent_below(tx: Tx, chat_id: int, message_id: int, limit: int = 50) -> list[Line]:
    """Return what we sent to a chat below a message of it, edits included, oldest first."""
    numbers = (
        select(transcript.c.number)
        .where(
            transcript.c.chat_id == chat_id,
            transcript.c.direction == "out",
            transcript.c.state == "sent",
            transcript.c.message_id > message_id,
        )
        .order_by(transcript.c.number.desc())
        .limit(limit)
    )
    return of_query(tx, select(transcript).where(transcript.c.number.in_(numbers)))


def of_consult(tx: Tx, consult_id: UUID) -> list[Line]:
    """Return the transcript of a consult, oldest first: what passed between its asker and us.

    What others were shown of it, or said about it, is theirs.
    """
    owner = select(consult.c.owner_id).where(consult.c.id == consult_id).scalar_subquery()
    askers = or_(transcript.c.person_id.is_(None), transcript.c.person_id == owner)
    mine = select(transcript).where(transcript.c.consult_id == consult_id, askers)
    return of_query(tx, mine)


def of_chat(tx: Tx, chat_id: int, limit: int = 200) -> list[Line]:
    """Return the newest ``limit`` lines of a chat, oldest first."""
    numbers = (
        select(transcript.c.number)
        .where(transcript.c.chat_id == chat_id)
        .order_by(transcript.c.number.desc())
        .limit(limit)
    )
    return of_query(tx, select(transcript).where(transcript.c.number.in_(numbers)))


def digest_of(tx: Tx, params: Mapping[str, Any]) -> str:
    """Return the keyed digest by which two renderings of a screen are compared."""
    text = json.dumps(dict(params), ensure_ascii=False, separators=(",", ":"))
    return blind_index(tx, "screen", text)


def _claim_chat(tx: Tx, chat_id: int, limit: int, lease: timedelta, by: str) -> list[Waiting]:
    rows = _claimable_rows(tx, chat_id, limit)
    if rows:
        numbers = [row.number for row in rows]
        longest = max(lease, UPLOAD_LEASE) if any(row.method in UPLOADS for row in rows) else lease
        held = {"numbers": numbers, "until": tx.now + longest, "holder": by}
        tx.connection.execute(_LEASE, held)
    return [waiting for row in rows if (waiting := _readable(tx, row)) is not None]


def _readable(tx: Tx, row: Any) -> Waiting | None:
    """Return the call of a row; one that cannot be decrypted any more is given up."""
    try:
        return _waiting(tx, row)
    except (KeyTrouble, Unreadable):
        dead(tx, row.id, "unreadable")
        return None


def _claimable_rows(tx: Tx, chat_id: int, limit: int) -> Sequence[Any]:
    """Return the rows from the oldest on that may be sent now, in order.

    The oldest is locked first: whoever holds it holds the chat.
    """
    if not _lock_head(tx, chat_id):
        return []
    rows = tx.connection.execute(_OPEN_OF_CHAT, {"chat": chat_id, "most": limit}).all()
    return _ready_prefix(tx, rows)


def _lock_head(tx: Tx, chat_id: int) -> bool:
    return tx.connection.scalar(_LOCK_HEAD, _at(tx) | {"chat": chat_id}) is not None


def _at(tx: Tx) -> dict[str, Any]:
    return {"now": tx.now, "latest": tx.now + LONGEST_WAIT}


def _ready_prefix(tx: Tx, rows: Sequence[Any]) -> list[Any]:
    ready: list[Any] = []
    ids: set[UUID] = set()
    for row in rows:
        if ready and (_is_later(row, tx.now) or row.target_id in ids):
            break
        ready.append(row)
        ids.add(row.id)
    return ready


def _is_later(row: Any, now: datetime) -> bool:
    """Tell whether a row behind the head must wait: put off, or still held by someone."""
    moment = row.next_try_at if row.state == "waiting" else row.lease_until
    return bool(row.created_at <= now < moment <= now + LONGEST_WAIT)


def _waiting(tx: Tx, row: Any) -> Waiting:
    params = _params(tx, row) or {}
    message_id = _target_message_id(tx, row)
    if message_id is not None:
        params["message_id"] = message_id
    return Waiting(
        id=row.id,
        chat_id=row.chat_id,
        method=row.method,
        params=params,
        kind=row.kind,
        consult_id=row.consult_id,
        person_id=row.person_id,
        attempts=row.attempts + 1,
        urgent=row.urgent,
        target_lost=row.target_id is not None and message_id is None,
        again=row.state == "sending" or row.error_code == UNANSWERED,
        created_at=row.created_at,
        number=row.number,
        thread_id=row.thread_id,
    )


def _target_message_id(tx: Tx, row: Any) -> int | None:
    return message_id_of(tx, row.target_id) if row.target_id is not None else None


def _settle(tx: Tx, transcript_id: UUID, **values: Any) -> None:
    tx.connection.execute(_SETTLE, {"wanted": transcript_id} | values)


def _set_screen(tx: Tx, row: Any, message_id: int) -> None:
    values = {
        "chat_id": row.chat_id,
        "transcript_id": row.id,
        "message_id": message_id,
        "consult_id": row.consult_id,
        "kind": row.kind,
        "digest": row.digest,
        "at": tx.now,
    }
    tx.connection.execute(_SET_SCREEN, values)


def _key_for(tx: Tx, consult_id: UUID | None, person_id: UUID | None) -> UUID:
    """Return the data key of a line: its consult's, else its person's, else the system's.

    What is said after an erasure, about nobody any more, is under the system's.
    """
    found: UUID | None = None
    if consult_id is not None:
        found = noted_key(tx, consult_id)
        found = found or tx.connection.scalar(_CONSULTS_KEY, {"wanted": consult_id})
    elif person_id is not None:
        found = tx.connection.scalar(_PERSONS_KEY, {"wanted": person_id})
    return found or system_key_id(tx, "chat")


def _sealed(tx: Tx, key_id: UUID, place: Place, text: str | None) -> bytes | None:
    return None if text is None else seal(tx, key_id, clean(text), place)


def _place(column: str, row: UUID, consult_id: UUID | None) -> Place:
    return Place("transcript", column, row, consult_id)


def _params(tx: Tx, row: Any) -> dict[str, Any] | None:
    text = _opened(tx, row, "params")
    params: dict[str, Any] | None = json.loads(text) if text is not None else None
    return params


def _opened(tx: Tx, row: Any, column: str) -> str | None:
    sealed = getattr(row, column)
    if sealed is None:
        return None
    return unseal(tx, row.data_key_id, sealed, _place(column, row.id, row.consult_id))


def of_query(tx: Tx, query: Select[Any]) -> list[Line]:
    """Return the lines a query selects, oldest first; for storage's own modules."""
    rows = tx.connection.execute(query.order_by(transcript.c.number))
    return [_line(tx, row) for row in rows]


def newest(tx: Tx, which: ColumnElement[bool]) -> Iterator[Line]:
    """Yield lines, newest first, few at a time: somebody may have a great many."""
    query = select(transcript).where(which).order_by(transcript.c.number.desc()).limit(AT_ONCE)
    rows = tx.connection.execute(query).all()
    while rows:
        yield from (_line(tx, row) for row in rows)
        rows = tx.connection.execute(query.where(transcript.c.number < rows[-1].number)).all()


def count(tx: Tx, which: ColumnElement[bool]) -> int:
    """Return how many lines there are of some."""
    return tx.connection.scalar(select(func.count()).select_from(transcript).where(which)) or 0


def _line(tx: Tx, row: Any) -> Line:
    """Return a line; one that cannot be read says so, and has no parameters."""
    try:
        return _read(tx, row)
    except KeyDestroyed:
        raise
    except (KeyTrouble, Unreadable):
        unreadable.note(tx, _place("content", row.id, row.consult_id))
        read = _read(tx, _Emptied(row))
        return replace(read, content=unreadable.UNREADABLE)


class _Emptied:
    """A row without its words."""

    content = params = None

    def __init__(self, row: Any) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


def _read(tx: Tx, row: Any) -> Line:
    return Line(
        id=row.id,
        direction=row.direction,
        kind=row.kind,
        method=row.method,
        content=_opened(tx, row, "content"),
        params=_params(tx, row),
        message_id=row.message_id,
        state=row.state,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )
