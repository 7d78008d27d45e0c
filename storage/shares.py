"""What others may see of a case, and who: publications, shares, links, and who looked.

A case is open to others only as its asker previewed and checked it: that is a publication, codes
and numbers and nothing typed. A share opens the newest one to a team, or to whoever has its link,
for 180 or 30 days. The link's secret has 256 bits; the database holds a digest of it.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import audit, cards, teams
from storage.errors import NotFound
from storage.ids import new_id, new_short
from storage.people import Person
from storage.schema import card, consult, person, publication, share, share_view, team, team_member
from storage.sealing import system_key
from storage.sign_in import digest
from storage.transaction import Tx

if TYPE_CHECKING:
    from storage.consults import StoredConsult

Kind: TypeAlias = Literal["team", "link", "chat"]
"""A team; whoever has a link; whoever reads the card in a chat that the asker chose."""

State: TypeAlias = Literal["active", "revoked", "expired"]
Via: TypeAlias = Literal["chat", "page"]

LASTS = timedelta(days=30)
"""A link, and a card in a chosen chat: whoever has it may have passed it on."""

TEAM_LASTS = timedelta(days=180)
"""A team hears on day 90 what came of a case; members who leave or are removed lose it at once."""

MOST_READERS = 25
"""People whom one link lets in, unless the asker chose another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A case as others may see it; ``revision`` is the consult's when it was previewed."""

    consult_id: UUID
    number: int
    revision: int
    content_hash: str
    answers: Mapping[str, Any] = field(repr=False)
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A case opened to some; ``publication`` is the one that was checked when it was shared."""

    id: UUID
    short: str
    consult_id: UUID
    kind: Kind
    team_id: UUID | None
    publication: int
    most_views: int | None
    by: UUID
    at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def state(self, now: datetime) -> State:
        if self.revoked_at is not None:
            return "revoked"
        return "active" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """That somebody looked. ``role`` is their role, never their name; None for a page's guest."""

    share_id: UUID
    person_id: UUID | None
    role: str | None
    via: Via
    times: int
    first_at: datetime
    last_at: datetime


# --- publications -----------------------------------------------------------------------------


def publish(tx: Tx, checked: "StoredConsult", by: UUID) -> Publication:
    """Let others see a case as it is now, and return that; the same revision is not kept twice."""
    newest = published(tx, checked.id)
    if newest is not None and newest.revision == checked.revision:
        return newest
    made = Publication(
        consult_id=checked.id,
        number=newest.number + 1 if newest else 1,
        revision=checked.revision,
        content_hash=checked.content_hash,
        answers=dict(checked.answers),
        by=by,
        at=tx.now,
    )
    columns = {name: getattr(made, name) for name in Publication.__slots__}
    tx.connection.execute(insert(publication).values(**columns))
    _record(tx, made.consult_id, "share.publish", by, number=made.number)
    return made


def published(tx: Tx, consult_id: UUID) -> Publication | None:
    """Return the newest publication of a case: what others see of it now; None without any."""
    query = select(publication).where(publication.c.consult_id == consult_id)
    row = tx.connection.execute(query.order_by(publication.c.number.desc()).limit(1)).first()
    return _publication(row) if row else None


def publications(tx: Tx, consult_id: UUID) -> list[Publication]:
    """Return every publication of a case, oldest first."""
    query = select(publication).where(publication.c.consult_id == consult_id)
    return [
        _publication(row) for row in tx.connection.execute(query.order_by(publication.c.number))
    ]


# --- shares -----------------------------------------------------------------------------------


def with_team(tx: Tx, shown: Publication, team_id: UUID, by: UUID) -> Share:
    """Open a case to a team for 180 days; a share with it that stands is prolonged."""
    standing = [s for s in active(tx, shown.consult_id) if s.team_id == team_id]
    if standing:
        return _prolonged(tx, standing[0], shown, by)
    return _insert(tx, shown, by, kind="team", team_id=team_id)


def by_link(
    tx: Tx, shown: Publication, by: UUID, kind: Kind = "link", *, most_views: int = MOST_READERS
) -> Share:
    """Open a case for 30 days to up to ``most_views`` people who follow its link."""
    return _insert(tx, shown, by, kind=kind, most_views=most_views)


def token_of(tx: Tx, share_id: UUID) -> str:
    """Return the secret of a share's link, 256 bits; a link can be shown to its asker again.

    It is derived from a key that is outside the database, so that a copy of the database holds
    only its digest.
    """
    key = system_key(tx, "index").subkey("share link")
    secret = hmac.digest(key, share_id.bytes, hashlib.sha256)
    return urlsafe_b64encode(secret).decode().rstrip("=")


def by_short(tx: Tx, short: str) -> Share:
    """Return a share by the id that buttons and cards carry; NotFound when there is none."""
    row = tx.connection.execute(select(share).where(share.c.short == short)).first()
    if row is None:
        raise NotFound("share", short)
    return _share(row)


def of_consult(tx: Tx, consult_id: UUID) -> list[Share]:
    """Return every share of a case, the newest first."""
    query = select(share).where(share.c.consult_id == consult_id).order_by(share.c.id.desc())
    return [_share(row) for row in tx.connection.execute(query)]


def active(tx: Tx, consult_id: UUID) -> list[Share]:
    """Return the shares of a case that stand, the newest first."""
    return [found for found in of_consult(tx, consult_id) if found.state(tx.now) == "active"]


def revoke(tx: Tx, about: Share, by: UUID) -> None:
    """Close a case to those whom a share opened it to, and withdraw its cards; twice is harmless."""
    if about.revoked_at is not None:
        return
    teams.withdraw_shares(tx, share.c.id == about.id)
    _record(tx, about.consult_id, "share.revoke", by, share=about.id.hex, kind=about.kind)


def resolve(tx: Tx, token: str, reader: UUID | None = None) -> Share:
    """Return the share that a link's secret opens to ``reader`` (None: a guest of the page).

    NotFound for wrong, expired, revoked and used-up ones alike. Looking is counted by `count_view`.
    """
    query = select(share).where(share.c.token_hash == digest(token), *_active(tx))
    row = tx.connection.execute(query).first()
    if row is None or not _has_room(tx, row, reader):
        raise NotFound("share", "")
    return _share(row)


def count_view(tx: Tx, about: Share, reader: UUID | None, via: Via) -> None:
    """Count that somebody looks; one person counts once against the limit, a guest each time."""
    values = {"id": new_id(), "share_id": about.id, "person_id": reader, "via": via, "times": 1}
    statement = insert_or_not(share_view).values(values | {"first_at": tx.now, "last_at": tx.now})
    tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["share_id", "person_id"],
            set_={"times": share_view.c.times + 1, "last_at": tx.now, "via": via},
        )
    )
    _record(tx, about.consult_id, "share.view", reader, share=about.id.hex, via=via)


def views(tx: Tx, consult_id: UUID) -> list[View]:
    """Return who looked at a case, the newest first; by role."""
    rows = tx.connection.execute(
        select(share_view, person.c.role)
        .join(share, share.c.id == share_view.c.share_id)
        .outerjoin(person, person.c.id == share_view.c.person_id)
        .where(share.c.consult_id == consult_id)
        .order_by(share_view.c.last_at.desc(), share_view.c.id.desc())
    )
    return [View(**{name: getattr(row, name) for name in View.__slots__}) for row in rows]


# --- who may ----------------------------------------------------------------------------------


def share_for(tx: Tx, reader: Person, stored: "StoredConsult") -> Share | None:
    """Return a standing share that opens a case to a person, a team's first; None without any.

    A link opens it to whoever followed it while it stood.
    """
    membership = select(team_member.c.team_id).join(team, team.c.id == team_member.c.team_id)
    membership = membership.where(
        team_member.c.person_id == reader.id,
        team_member.c.left_at.is_(None),
        team.c.ended_at.is_(None),
    )
    followed = select(share_view.c.share_id).where(share_view.c.person_id == reader.id)
    query = (
        select(share)
        .where(
            share.c.consult_id == stored.id,
            *_active(tx),
            or_(
                (share.c.kind == "team") & share.c.team_id.in_(membership),
                (share.c.kind != "team") & share.c.id.in_(followed),
            ),
        )
        .order_by(share.c.team_id.is_(None), share.c.id)
    )
    row = tx.connection.execute(query).first()
    return _share(row) if row else None


def may_read(tx: Tx, reader: Person, stored: "StoredConsult") -> bool:
    """Tell whether a person may see what is published of a case: its asker, or one it is open to."""
    if stored.erased_at is not None or not _stands(reader):
        return False
    return stored.owner_id == reader.id or share_for(tx, reader, stored) is not None


def may_respond(tx: Tx, reader: Person, stored: "StoredConsult") -> bool:
    """Tell whether a person may say what they think of a case that is somebody else's.

    An asker of a team only reads; whoever followed a link may respond.
    """
    if stored.owner_id == reader.id or not may_read(tx, reader, stored):
        return False
    roles = [
        teams.role_of(tx, found.team_id, reader.id)
        for found in active(tx, stored.id)
        if found.team_id is not None
    ]
    held = [role for role in roles if role is not None]
    return not held or any(role != "asker" for role in held)


def readers(tx: Tx, consult_id: UUID, *, expired: bool = False) -> frozenset[UUID]:
    """Return the people a case is open to, its asker left out.

    With ``expired`` also those to whom it was open until its time was up: who gave an opinion is
    told on day 90 what came of it. What was revoked is closed for good.
    """
    shown = ("active", "expired") if expired else ("active",)
    standing = [each for each in of_consult(tx, consult_id) if each.state(tx.now) in shown]
    found = set(teams.approved_members(tx, [s.team_id for s in standing if s.team_id is not None]))
    linked = [s.id for s in standing if s.team_id is None]
    query = select(share_view.c.person_id).where(
        share_view.c.share_id.in_(linked), share_view.c.person_id.is_not(None)
    )
    owner = tx.connection.scalar(select(consult.c.owner_id).where(consult.c.id == consult_id))
    return frozenset({*found, *tx.connection.scalars(query)} - {owner})


def open_to(tx: Tx, reader: Person) -> list[UUID]:
    """Return the cases of others that are open to a person, the newest shared first."""
    query = select(share).where(*_active(tx), share.c.by != reader.id).order_by(share.c.id.desc())
    mine = {joined.team.id for joined in teams.of_person(tx, reader.id)}
    followed = set(
        tx.connection.scalars(
            select(share_view.c.share_id).where(share_view.c.person_id == reader.id)
        )
    )
    found = [
        row.consult_id
        for row in tx.connection.execute(query)
        if row.team_id in mine or (row.team_id is None and row.id in followed)
    ]
    return list(dict.fromkeys(found)) if _stands(reader) else []


def opened_by(tx: Tx, person_id: UUID) -> list[UUID]:
    """Return a person's own cases that are open to others now, the newest shared first."""
    query = select(share.c.consult_id).where(*_active(tx), share.c.by == person_id)
    return list(dict.fromkeys(tx.connection.scalars(query.order_by(share.c.id.desc()))))


def _stands(reader: Person) -> bool:
    """Say whether a person may use Curbside and has not blocked it."""
    return reader.status == "approved" and reader.unreachable_at is None


def withdraw_expired(tx: Tx) -> int:
    """Withdraw the cards of shares that have expired, and return how many shares that were."""
    standing = select(card.c.share_id).where(card.c.withdrawn_at.is_(None))
    query = select(share.c.id).where(share.c.id.in_(standing), share.c.expires_at <= tx.now)
    expired = list(tx.connection.scalars(query))
    for share_id in expired:
        cards.withdraw(tx, share_id=share_id)
    return len(expired)


# --- rows -------------------------------------------------------------------------------------


def erase(tx: Tx, consult_id: UUID) -> None:
    """Take back everything others had of a case that is being erased."""
    tx.connection.execute(
        update(share)
        .where(share.c.consult_id == consult_id)
        .values(token_hash=None, revoked_at=func.coalesce(share.c.revoked_at, tx.now))
    )
    ids = select(share.c.id).where(share.c.consult_id == consult_id)
    tx.connection.execute(delete(share_view).where(share_view.c.share_id.in_(ids)))
    tx.connection.execute(delete(publication).where(publication.c.consult_id == consult_id))
    cards.withdraw(tx, consult_id=consult_id)


def _active(tx: Tx) -> tuple[Any, ...]:
    return (share.c.revoked_at.is_(None), share.c.expires_at > tx.now)


def _has_room(tx: Tx, row: Row[Any], reader: UUID | None) -> bool:
    """Say whether a link lets one more in; whoever was in stays in."""
    if row.most_views is None:
        return True
    seen: Select[Any] = select(share_view.c.person_id).where(share_view.c.share_id == row.id)
    known = list(tx.connection.scalars(seen))
    return len(known) < row.most_views or (reader is not None and reader in known)


def _prolonged(tx: Tx, about: Share, shown: Publication, by: UUID) -> Share:
    lasts = TEAM_LASTS if about.team_id else LASTS
    values = {"publication": shown.number, "expires_at": tx.now + lasts}
    tx.connection.execute(update(share).where(share.c.id == about.id).values(**values))
    _record(tx, about.consult_id, "share.renew", by, share=about.id.hex, kind=about.kind)
    return by_short(tx, about.short)


def _insert(tx: Tx, shown: Publication, by: UUID, *, kind: Kind, **more: Any) -> Share:
    identity = new_id()
    values = {
        "id": identity,
        "short": new_short(),
        "consult_id": shown.consult_id,
        "kind": kind,
        "token_hash": None if kind == "team" else digest(token_of(tx, identity)),
        "publication": shown.number,
        "by": by,
        "at": tx.now,
        "expires_at": tx.now + (TEAM_LASTS if kind == "team" else LASTS),
        **more,
    }
    tx.connection.execute(insert(share).values(**values))
    _record(tx, shown.consult_id, "share.create", by, share=identity.hex, kind=kind)
    return by_short(tx, str(values["short"]))


def _share(row: Row[Any]) -> Share:
    return Share(**{name: getattr(row, name) for name in Share.__slots__})


def _publication(row: Row[Any]) -> Publication:
    return Publication(**{name: getattr(row, name) for name in Publication.__slots__})


def _record(tx: Tx, consult_id: UUID, action: str, by: UUID | None, **meta: int | str) -> None:
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
