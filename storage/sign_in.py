"""Signing in to the pages: a link from the bot, one browser, one use; and the sessions that follow.

The link alone opens nothing. The first browser to continue from it is the only one that can, and it
shows a number which the person has to pick in the chat: a link that was forwarded, guessed, or
fetched for a preview is useless. The database holds digests of what opens it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from storage import audit
from storage.errors import NotFound
from storage.ids import new_id
from storage.schema import person, web_session
from storage.schema import sign_in as table
from storage.transaction import Tx

Purpose = Literal["console", "case", "step_up"]
State = Literal["fresh", "asked", "confirmed"]

LINK_LASTS = timedelta(minutes=5)
IDLE = timedelta(minutes=30)
SESSION_LASTS = timedelta(hours=8)
STEP_UP_LASTS = timedelta(minutes=5)
SEEN_EVERY = timedelta(seconds=30)
"""How exactly it is kept when a session was last used."""

MOST_LINKS = 5
"""Unused links of one person at a time; a further one takes the place of the oldest."""

TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43
NUMBERS = range(10, 100)

CODE_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", " ": "", "-": "", "\t": ""})


class Refused(Exception):
    """Not something that opens anything; wrong, used, expired and another browser's look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A link that may still be used. ``number`` is what its browser shows, once it has one."""

    id: UUID
    person_id: UUID
    purpose: str
    target: str
    state: State
    number: int | None
    session_id: UUID | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What the person is asked in the chat: which of ``choices`` the browser shows."""

    sign_in: SignIn
    telegram_id: int
    language: str | None
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id: UUID
    person_id: UUID
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    stepped_up_at: datetime | None

    def stepped_up(self, now: datetime) -> bool:
        """Say whether the person confirmed in the chat, a moment ago, that it is them."""
        return self.stepped_up_at is not None and now - self.stepped_up_at <= STEP_UP_LASTS


# --- the link -----------------------------------------------------------------------------------


def issue(
    tx: Tx,
    person_id: UUID,
    purpose: Purpose = "console",
    target: str = "",
    *,
    typed: bool = False,
) -> str:
    """Return the secret part of a link for a person; ``target`` is a code of what it leads to.

    A ``typed`` one is a short code: 50 bits are plenty for five minutes and one browser.
    """
    _drop_oldest(tx, person_id)
    code = "".join(secrets.choice(CODE_SIGNS) for _ in range(CODE_LENGTH))
    token = code if typed else secrets.token_urlsafe(TOKEN_BYTES)
    _insert(tx, person_id, token, purpose=purpose, target=target)
    return token


def grouped(code: str) -> str:
    """Return a typed code as it reads best."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def as_code(typed: str) -> str:
    """Return what was typed as the code it stands for; case, spaces and look-alikes do not matter."""
    return typed.upper().translate(_LOOK_ALIKES)[:CODE_LENGTH]


def _insert(tx: Tx, person_id: UUID, token: str, **values: Any) -> UUID:
    identity = new_id()
    given = {"target": "", **values}
    tx.connection.execute(
        insert(table).values(
            id=identity,
            token_hash=digest(token),
            person_id=person_id,
            created_at=tx.now,
            expires_at=tx.now + LINK_LASTS,
            **given,
        )
    )
    _record(tx, person_id, "sign_in.issue", identity, {"purpose": given["purpose"]})
    return identity


def _drop_oldest(tx: Tx, person_id: UUID) -> None:
    open_ids = tx.connection.scalars(
        select(table.c.id)
        .where(table.c.person_id == person_id, table.c.expires_at > tx.now, *_UNSPENT)
        .order_by(table.c.id.desc())
        .offset(MOST_LINKS - 1)
    ).all()
    if open_ids:
        tx.connection.execute(
            update(table).where(table.c.id.in_(open_ids)).values(refused_at=tx.now)
        )


_UNSPENT = (table.c.used_at.is_(None), table.c.refused_at.is_(None))


def look(tx: Tx, token: str, nonce: str = "") -> SignIn:
    """Return what a link is for without using it; raises Refused."""
    return _sign_in(_found(tx, token, nonce))


def bind(tx: Tx, token: str, nonce: str) -> Question | None:
    """Tie a link to the browser that holds ``nonce``, and return what to ask in the chat.

    None when this browser had done so already. Raises Refused when another one has.
    """
    row = _found(tx, token, nonce)
    if row.bound_at is not None:
        return None
    number = secrets.choice(NUMBERS)
    changed = tx.connection.execute(
        update(table)
        .where(table.c.id == row.id, table.c.bound_at.is_(None))
        .values(nonce_hash=digest(nonce), number=number, bound_at=tx.now)
    ).rowcount
    if not changed:
        raise Refused
    return _question(tx, row.id)


def _question(tx: Tx, identity: UUID) -> Question:
    row = tx.connection.execute(select(table).where(table.c.id == identity)).one()
    who = tx.connection.execute(
        select(person.c.telegram_id, person.c.language).where(person.c.id == row.person_id)
    ).one()
    if who.telegram_id is None:
        raise Refused
    decoys = secrets.SystemRandom().sample([n for n in NUMBERS if n != row.number], 2)
    choices = tuple(sorted([row.number, *decoys]))
    return Question(_sign_in(row), who.telegram_id, who.language, choices)


def answer(tx: Tx, person_id: UUID, identity: UUID, number: int) -> bool:
    """Take the number that was picked in the chat; a wrong one, or 0 for none, ends the link."""
    row = tx.connection.execute(
        select(table).where(
            table.c.id == identity,
            table.c.person_id == person_id,
            table.c.expires_at > tx.now,
            table.c.bound_at.is_not(None),
            table.c.confirmed_at.is_(None),
            *_UNSPENT,
        )
    ).first()
    if row is None:
        return False
    right: bool = row.number == number
    values = {"confirmed_at" if right else "refused_at": tx.now}
    tx.connection.execute(update(table).where(table.c.id == identity).values(**values))
    outcome = "ok" if right else "refused"
    _record(tx, person_id, "sign_in.answer", identity, {"purpose": row.purpose}, outcome=outcome)
    return right


def consume(tx: Tx, token: str, nonce: str) -> tuple[str, SignIn]:
    """Use a confirmed link up: return the secret of a new session and what the link was for."""
    row = _found(tx, token, nonce)
    _take(tx, row.id)
    secret, identity = secrets.token_urlsafe(TOKEN_BYTES), new_id()
    tx.connection.execute(
        insert(web_session).values(
            id=identity,
            token_hash=digest(secret),
            person_id=row.person_id,
            created_at=tx.now,
            seen_at=tx.now,
            ends_at=tx.now + SESSION_LASTS,
        )
    )
    _record(tx, row.person_id, "session.begin", identity, {"purpose": row.purpose})
    return secret, _sign_in(row)


def _take(tx: Tx, identity: UUID) -> None:
    """Mark a confirmed link as used; of two who try at once, one is refused."""
    changed = tx.connection.execute(
        update(table)
        .where(table.c.id == identity, table.c.confirmed_at.is_not(None), *_UNSPENT)
        .values(used_at=tx.now)
    ).rowcount
    if not changed:
        raise Refused


def _found(tx: Tx, token: str, nonce: str) -> Row[Any]:
    if len(token) > TOKEN_CHARACTERS:
        raise Refused
    row = tx.connection.execute(
        select(table).where(
            table.c.token_hash == digest(token), table.c.expires_at > tx.now, *_UNSPENT
        )
    ).first()
    if row is None:
        raise Refused
    if row.nonce_hash is not None and not hmac.compare_digest(bytes(row.nonce_hash), digest(nonce)):
        raise Refused
    return row


def note_refused(tx: Tx, token: str) -> None:
    """Put on record that somebody tried a link that is used, void or another browser's."""
    if len(token) > TOKEN_CHARACTERS:
        return
    row = tx.connection.execute(select(table).where(table.c.token_hash == digest(token))).first()
    if row is not None:
        meta: dict[str, int | str] = {"purpose": row.purpose}
        _record(tx, row.person_id, "sign_in.refuse", row.id, meta, outcome="refused")


# --- sessions -----------------------------------------------------------------------------------


def session(tx: Tx, secret: str) -> Session:
    """Return the session of a browser and keep that it was used now; raises Refused."""
    row = tx.connection.execute(
        select(web_session).where(web_session.c.token_hash == digest(secret))
    ).first()
    if row is None or row.revoked_at is not None or not _alive(row, tx.now):
        raise Refused
    if tx.now - row.seen_at >= SEEN_EVERY:
        tx.connection.execute(
            update(web_session).where(web_session.c.id == row.id).values(seen_at=tx.now)
        )
    return _session(row)


def sessions_of(tx: Tx, person_id: UUID) -> tuple[Session, ...]:
    """Return the sessions of a person that are alive, the newest first."""
    rows = tx.connection.execute(
        select(web_session)
        .where(
            web_session.c.person_id == person_id,
            web_session.c.ends_at > tx.now,
            web_session.c.revoked_at.is_(None),
        )
        .order_by(web_session.c.id.desc())
    )
    return tuple(_session(row) for row in rows if _alive(row, tx.now))


def revoke(tx: Tx, session_id: UUID, *, by: UUID) -> None:
    """End one session; raises NotFound."""
    if not _revoke(tx, web_session.c.id == session_id):
        raise NotFound("session", session_id)
    _record(tx, by, "session.revoke", session_id, {})


def revoke_all(tx: Tx, person_id: UUID, *, by: UUID) -> int:
    """End every session of a person, and return how many that were."""
    ended = _revoke(tx, web_session.c.person_id == person_id)
    _record(tx, by, "session.revoke_all", person_id, {"sessions": ended}, kind="person")
    return ended


def _revoke(tx: Tx, whose: Any) -> int:
    return tx.connection.execute(
        update(web_session)
        .where(whose, web_session.c.revoked_at.is_(None), web_session.c.ends_at > tx.now)
        .values(revoked_at=tx.now)
    ).rowcount


def _alive(row: Row[Any], now: datetime) -> bool:
    alive: bool = now < row.ends_at and now - row.seen_at <= IDLE
    return alive


# --- stepping up --------------------------------------------------------------------------------


def ask_again(tx: Tx, current: Session, secret: str) -> Question:
    """Ask the person in the chat whether it is them in this session; earlier asking is void."""
    tx.connection.execute(
        update(table).where(table.c.session_id == current.id, *_UNSPENT).values(refused_at=tx.now)
    )
    identity = _insert(
        tx,
        current.person_id,
        secrets.token_urlsafe(TOKEN_BYTES),
        purpose="step_up",
        session_id=current.id,
        nonce_hash=digest(secret),
        number=secrets.choice(NUMBERS),
        bound_at=tx.now,
    )
    return _question(tx, identity)


def asked_again(tx: Tx, current: Session) -> SignIn | None:
    """Return what the person was asked for this session and may still answer, or None."""
    row = tx.connection.execute(_asking(tx, current)).first()
    return _sign_in(row) if row else None


def step_up(tx: Tx, current: Session) -> bool:
    """Take the person's answer from the chat: True when they said, just now, that it is them."""
    row = tx.connection.execute(_asking(tx, current)).first()
    if row is None or row.confirmed_at is None:
        return False
    _take(tx, row.id)
    tx.connection.execute(
        update(web_session).where(web_session.c.id == current.id).values(stepped_up_at=tx.now)
    )
    _record(tx, current.person_id, "session.step_up", current.id, {})
    return True


def _asking(tx: Tx, current: Session) -> Any:
    return (
        select(table)
        .where(table.c.session_id == current.id, table.c.expires_at > tx.now, *_UNSPENT)
        .order_by(table.c.id.desc())
        .limit(1)
    )


# --- values -------------------------------------------------------------------------------------


def digest(secret: str) -> bytes:
    """Return what is stored of a secret: it has 256 random bits, so a plain hash will do."""
    return hashlib.sha256(secret.encode()).digest()


def _sign_in(row: Row[Any]) -> SignIn:
    confirmed, asked = row.confirmed_at is not None, row.bound_at is not None
    return SignIn(
        id=row.id,
        person_id=row.person_id,
        purpose=row.purpose,
        target=row.target,
        state="confirmed" if confirmed else "asked" if asked else "fresh",
        number=row.number,
        session_id=row.session_id,
        expires_at=row.expires_at,
    )


def _session(row: Row[Any]) -> Session:
    return Session(**{name: getattr(row, name) for name in Session.__dataclass_fields__})


def _record(
    tx: Tx,
    actor: UUID,
    action: str,
    object_id: UUID,
    meta: dict[str, int | str],
    *,
    outcome: str = "ok",
    kind: str = "",
) -> None:
    event = audit.Event(
        actor=actor,
        action=action,
        object_type=kind or action.partition(".")[0],
        object_id=object_id,
        outcome=outcome,
        meta=meta,
    )
    audit.record(tx, event)
