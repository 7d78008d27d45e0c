"""Teams: who is in them and as what, how one gets in, and which groups hear of their cases.

A member is somebody whose row has not ended. What a member may do is asked of the database each
time: whoever left, was removed or suspended has lost it at once.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import audit, cards, groups, unreadable
from storage.errors import Conflict, NotFound
from storage.ids import CODE_LETTERS, new_id, new_short
from storage.schema import person, share, team, team_invite, team_member
from storage.sealing import Place, blind_index, destroy, new_data_key, seal_words
from storage.sign_in import TOKEN_BYTES, digest
from storage.text import clean
from storage.transaction import Tx

Role: TypeAlias = Literal["asker", "responder", "lead"]

ROLES: tuple[Role, ...] = ("asker", "responder", "lead")
"""An asker shares and reads; a responder also says what they think; a lead also runs the team."""

NAME_LENGTH = 60
MOST_TEAMS = 20
"""Of one person at a time."""

MOST_MEMBERS = 200
INVITE_LASTS = timedelta(days=7)
MOST_USES = 25
MOST_INVITES = 5
"""Live invitations of a team; a further one takes the place of the oldest."""

CODE_LENGTH = 12
"""Signs of a typed code: 46 bits, good for a week, and only a few tries a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Some clinicians who think about each other's cases."""

    id: UUID
    short: str
    name: str = field(repr=False)
    data_key_id: UUID
    created_by: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Joined:
    """A team that a person is in, and as what; ``new`` when they came in just now."""

    team: Team
    role: Role
    new: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody who is in a team now."""

    team_id: UUID
    person_id: UUID
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """What lets people into a team; it is known only now, the database keeps digests."""

    token: str = field(repr=False)
    code: str = field(repr=False)
    role: Role
    expires_at: datetime


# --- teams ------------------------------------------------------------------------------------


def create(tx: Tx, by: UUID, name: str) -> Team:
    """Begin a team with ``by`` as its lead; ``name`` has passed the identifier guard."""
    identity, key_id = new_id(), new_data_key(tx, "team")
    made = Team(
        id=identity,
        short=new_short(),
        name=clean(name)[:NAME_LENGTH],
        data_key_id=key_id,
        created_by=by,
        created_at=tx.now,
    )
    sealed = seal_words(tx, key_id, made.name, _name_place(identity))
    columns = {each: getattr(made, each) for each in Team.__slots__} | {"name": sealed}
    tx.connection.execute(insert(team).values(**columns))
    record(tx, identity, "team.create", by)
    _join(tx, identity, by, "lead")
    return made


def load(tx: Tx, team_id: UUID) -> Team:
    """Return a team that has not ended; NotFound when there is none."""
    return _one(tx, select(team).where(team.c.id == team_id), team_id)


def load_short(tx: Tx, short: str) -> Team:
    """Return a team by the id that callback data carries; NotFound when there is none."""
    return _one(tx, select(team).where(team.c.short == short), short)


def of_person(tx: Tx, person_id: UUID) -> list[Joined]:
    """Return the teams a person is in, the first joined first."""
    rows = tx.connection.execute(
        select(team, team_member.c.role)
        .join(team_member, team_member.c.team_id == team.c.id)
        .where(team_member.c.person_id == person_id, *_PRESENT, team.c.ended_at.is_(None))
        .order_by(team_member.c.joined_at, team.c.id)
    )
    return [Joined(_team(tx, row), row.role) for row in rows]


def rename(tx: Tx, about: Team, name: str, by: UUID) -> None:
    """Give a team another name; it has passed the identifier guard."""
    words = clean(name)[:NAME_LENGTH]
    sealed = seal_words(tx, about.data_key_id, words, _name_place(about.id))
    tx.connection.execute(update(team).where(team.c.id == about.id).values(name=sealed))
    record(tx, about.id, "team.rename", by)


def end(tx: Tx, about: Team, by: UUID | None) -> None:
    """End a team: nobody is in it, nothing is shared with it, its name can never be read again."""
    tx.connection.execute(
        update(team_member)
        .where(team_member.c.team_id == about.id, *_PRESENT)
        .values(left_at=tx.now)
    )
    revoke_invitations(tx, about.id)
    withdraw_shares(tx, share.c.team_id == about.id)
    groups.end_all(tx, about.id, "team_ended")
    destroy(tx, about.data_key_id)
    tx.connection.execute(
        update(team).where(team.c.id == about.id).values(name=None, ended_at=tx.now)
    )
    record(tx, about.id, "team.end", by)


# --- members ----------------------------------------------------------------------------------

_PRESENT = (team_member.c.left_at.is_(None),)


def members(tx: Tx, team_id: UUID) -> list[Membership]:
    """Return who is in a team, the first joined first."""
    rows = tx.connection.execute(
        select(team_member)
        .where(team_member.c.team_id == team_id, *_PRESENT)
        .order_by(team_member.c.joined_at, team_member.c.person_id)
    )
    return [Membership(row.team_id, row.person_id, row.role, row.joined_at) for row in rows]


def role_of(tx: Tx, team_id: UUID, person_id: UUID) -> Role | None:
    """Return as what a person is in a team, or None."""
    found: Role | None = tx.connection.scalar(
        select(team_member.c.role)
        .join(team, team.c.id == team_member.c.team_id)
        .where(
            team_member.c.team_id == team_id,
            team_member.c.person_id == person_id,
            *_PRESENT,
            team.c.ended_at.is_(None),
        )
    )
    return found


def set_role(tx: Tx, about: Team, person_id: UUID, role: Role, by: UUID) -> None:
    """Make a member an asker, a responder or a lead; Conflict when no lead would be left."""
    if role not in ROLES or role_of(tx, about.id, person_id) is None:
        raise NotFound("member", person_id)
    if role != "lead":
        _require_other_lead(tx, about.id, person_id)
    tx.connection.execute(
        update(team_member).where(*_row_of(about.id, person_id)).values(role=role)
    )
    record(tx, about.id, "team.role", by, member=person_id, role=role)


def leave(tx: Tx, about: Team, person_id: UUID, by: UUID | None) -> None:
    """Take a person out of a team, and what they shared with it back; the last one ends the team.

    Raises Conflict when others would be left without a lead.
    """
    if role_of(tx, about.id, person_id) is None:
        raise NotFound("member", person_id)
    if len(members(tx, about.id)) == 1:
        end(tx, about, by)
        return
    _require_other_lead(tx, about.id, person_id)
    _take_out(tx, about.id, person_id, by)


def leave_all(tx: Tx, person_id: UUID) -> None:
    """Take a person who is being forgotten out of every team; the longest there leads instead."""
    for joined in of_person(tx, person_id):
        others = [m for m in members(tx, joined.team.id) if m.person_id != person_id]
        if others and not any(m.role == "lead" for m in others):
            tx.connection.execute(
                update(team_member)
                .where(*_row_of(joined.team.id, others[0].person_id))
                .values(role="lead")
            )
            record(tx, joined.team.id, "team.role", None, member=others[0].person_id, role="lead")
        leave(tx, joined.team, person_id, person_id)


def _take_out(tx: Tx, team_id: UUID, person_id: UUID, by: UUID | None) -> None:
    tx.connection.execute(
        update(team_member).where(*_row_of(team_id, person_id)).values(left_at=tx.now)
    )
    withdraw_shares(tx, (share.c.team_id == team_id) & (share.c.by == person_id))
    action = "team.leave" if by == person_id else "team.remove"
    record(tx, team_id, action, by, member=person_id)


def _require_other_lead(tx: Tx, team_id: UUID, person_id: UUID) -> None:
    """Raise Conflict when this person is the only lead among several members."""
    found = {m.person_id: m.role for m in members(tx, team_id)}
    leads = [who for who, role in found.items() if role == "lead"]
    if leads == [person_id] and found:
        raise Conflict("team", team_id)


def _row_of(team_id: UUID, person_id: UUID) -> Sequence[Any]:
    return (team_member.c.team_id == team_id, team_member.c.person_id == person_id)


def _join(tx: Tx, team_id: UUID, person_id: UUID, role: Role) -> None:
    """Let a person in, for the first time or again."""
    values: dict[str, Any] = {
        "team_id": team_id,
        "person_id": person_id,
        "role": role,
        "joined_at": tx.now,
        "left_at": None,
    }
    statement = insert_or_not(team_member).values(values)
    tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["team_id", "person_id"],
            set_={name: values[name] for name in ("role", "joined_at", "left_at")},
        )
    )
    record(tx, team_id, "team.join", person_id, role=role)


def withdraw_shares(tx: Tx, which: Any) -> None:
    """Revoke the shares that ``which`` selects and withdraw their cards."""
    ids = list(tx.connection.scalars(select(share.c.id).where(which, share.c.revoked_at.is_(None))))
    tx.connection.execute(update(share).where(share.c.id.in_(ids)).values(revoked_at=tx.now))
    for share_id in ids:
        cards.withdraw(tx, share_id=share_id)


# --- invitations ------------------------------------------------------------------------------


def invite(tx: Tx, about: Team, role: Role, by: UUID) -> Invitation:
    """Make a link and a typed code that let up to 25 people in as ``role`` within seven days."""
    _drop_oldest_invitation(tx, about.id)
    made = Invitation(
        token=secrets.token_urlsafe(TOKEN_BYTES),
        code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
        role=role,
        expires_at=tx.now + INVITE_LASTS,
    )
    identity = new_id()
    tx.connection.execute(
        insert(team_invite).values(
            id=identity,
            team_id=about.id,
            token_hash=digest(made.token),
            code_hash=_code_digest(tx, made.code),
            role=role,
            by=by,
            most_uses=MOST_USES,
            created_at=tx.now,
            expires_at=made.expires_at,
        )
    )
    record(tx, about.id, "team.invite", by, invite=identity, role=role)
    return made


def accept(tx: Tx, person_id: UUID, secret: str) -> Joined:
    """Let a person into the team that a link's token or a typed code is for.

    NotFound for wrong, expired, revoked and used-up ones alike, and for one from before the person
    left: whoever was removed needs a new one. Conflict when the person is in too many teams.
    """
    row = _invitation(tx, secret)
    found = load(tx, row.team_id)
    present = role_of(tx, found.id, person_id)
    if present is not None:
        return Joined(found, present)
    left = tx.connection.scalar(select(team_member.c.left_at).where(*_row_of(found.id, person_id)))
    if left is not None and left >= row.created_at:
        raise NotFound("invitation", row.id)
    _require_room(tx, found.id, person_id)
    tx.connection.execute(
        update(team_invite).where(team_invite.c.id == row.id).values(uses=team_invite.c.uses + 1)
    )
    _join(tx, found.id, person_id, row.role)
    return Joined(found, row.role, new=True)


def is_live(tx: Tx, secret: str) -> bool:
    """Tell whether a link's token or a typed code would let somebody in."""
    try:
        return bool(_invitation(tx, secret))
    except NotFound:
        return False


def revoke_invitations(tx: Tx, team_id: UUID, by: UUID | None = None) -> int:
    """Make every link and code into a team worthless, and return how many were live."""
    count = tx.connection.execute(
        update(team_invite)
        .where(team_invite.c.team_id == team_id, *_live(tx))
        .values(revoked_at=tx.now)
    ).rowcount
    if count:
        record(tx, team_id, "team.invite_revoke", by, count=count)
    return count


def live_invitations(tx: Tx, team_id: UUID) -> int:
    """Return how many links and codes into a team still work."""
    query = select(team_invite.c.id).where(team_invite.c.team_id == team_id, *_live(tx))
    return len(tx.connection.execute(query).all())


def _invitation(tx: Tx, secret: str) -> Row[Any]:
    digests = (team_invite.c.token_hash == digest(secret)) | (
        team_invite.c.code_hash == _code_digest(tx, secret)
    )
    query = select(team_invite).where(digests, *_live(tx)).with_for_update()
    row = tx.connection.execute(query).first()
    if row is None:
        raise NotFound("invitation", "")
    return row


def _live(tx: Tx) -> Sequence[Any]:
    return (
        team_invite.c.revoked_at.is_(None),
        team_invite.c.expires_at > tx.now,
        team_invite.c.uses < team_invite.c.most_uses,
    )


def _require_room(tx: Tx, team_id: UUID, person_id: UUID) -> None:
    if len(of_person(tx, person_id)) >= MOST_TEAMS or len(members(tx, team_id)) >= MOST_MEMBERS:
        raise Conflict("team", team_id)


def _drop_oldest_invitation(tx: Tx, team_id: UUID) -> None:
    surplus = tx.connection.scalars(
        select(team_invite.c.id)
        .where(team_invite.c.team_id == team_id, *_live(tx))
        .order_by(team_invite.c.id.desc())
        .offset(MOST_INVITES - 1)
    ).all()
    tx.connection.execute(
        update(team_invite).where(team_invite.c.id.in_(surplus)).values(revoked_at=tx.now)
    )


def _code_digest(tx: Tx, code: str) -> str:
    """Return a keyed digest: a code is short enough to be guessed from a plain one."""
    letters = "".join(sign for sign in code.upper() if sign.isalpha())
    return blind_index(tx, "invitation", letters)


def pseudonym(tx: Tx, team_id: UUID) -> str:
    """Return the name under which the console shows a team: the same every time, telling nothing."""
    return "t-" + blind_index(tx, "team pseudonym", team_id.hex)[:8]


# --- rows -------------------------------------------------------------------------------------


def approved_members(tx: Tx, team_ids: Sequence[UUID]) -> Mapping[UUID, Role]:
    """Return who is in any of the teams and may use Curbside now, with their highest role."""
    rows = tx.connection.execute(
        select(team_member.c.person_id, team_member.c.role)
        .join(person, person.c.id == team_member.c.person_id)
        .join(team, team.c.id == team_member.c.team_id)
        .where(
            team_member.c.team_id.in_(team_ids),
            *_PRESENT,
            team.c.ended_at.is_(None),
            person.c.status == "approved",
        )
        .order_by(team_member.c.person_id)
    )
    found: dict[UUID, Role] = {}
    for row in rows:
        known = found.get(row.person_id, "asker")
        found[row.person_id] = max(known, row.role, key=ROLES.index)
    return found


def _one(tx: Tx, query: Select[Any], wanted: UUID | str) -> Team:
    row = tx.connection.execute(query.where(team.c.ended_at.is_(None))).first()
    if row is None:
        raise NotFound("team", wanted)
    return _team(tx, row)


def _team(tx: Tx, row: Row[Any]) -> Team:
    return Team(
        id=row.id,
        short=row.short,
        name=unreadable.words(tx, row.data_key_id, row.name, _name_place(row.id)),
        data_key_id=row.data_key_id,
        created_by=row.created_by,
        created_at=row.created_at,
    )


def _name_place(team_id: UUID) -> Place:
    return Place("team", "name", team_id)


def record(tx: Tx, team_id: UUID, action: str, by: UUID | None, **meta: int | str | UUID) -> None:
    """Put on record what was done to a team; ids and codes only."""
    codes = {name: value.hex if isinstance(value, UUID) else value for name, value in meta.items()}
    audit.record(
        tx,
        audit.Event(actor=by, action=action, object_type="team", object_id=team_id, meta=codes),
    )
