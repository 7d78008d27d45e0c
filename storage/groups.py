"""Telegram groups that a team's cards are posted in: asked for in the group, bound in private."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from storage import audit, transcript, unreadable
from storage.errors import Conflict, NotFound
from storage.ids import new_id
from storage.schema import card, team, team_group
from storage.sealing import Place, seal_words
from storage.text import clean
from storage.transaction import Tx

TITLE_LENGTH = 128
"""Characters of a group's title, by the Bot API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of a team. ``topics`` says that each case gets a forum topic of its own."""

    id: UUID
    team_id: UUID
    chat_id: int
    title: str = field(repr=False)
    is_forum: bool
    topics: bool
    asked_by: UUID
    bound: bool


def ask(tx: Tx, team_id: UUID, by: UUID, *, chat_id: int, title: str, is_forum: bool) -> Group:
    """Note that a lead asked, in the group itself, to bind it; nothing is posted there yet.

    Raises Conflict when the group belongs to another team.
    """
    bound = of_chat(tx, chat_id)
    if bound is not None and bound.team_id != team_id:
        raise Conflict("group", bound.id)
    if bound is not None:
        return bound
    tx.connection.execute(delete(team_group).where(*_asked_for(team_id, chat_id)))
    identity, key_id = new_id(), _key_of(tx, team_id)
    words = clean(title)[:TITLE_LENGTH]
    values = {
        "id": identity,
        "team_id": team_id,
        "chat_id": chat_id,
        "title": seal_words(tx, key_id, words, _title_place(identity)),
        "data_key_id": key_id,
        "is_forum": is_forum,
        "topics": False,
        "asked_by": by,
        "asked_at": tx.now,
    }
    tx.connection.execute(insert(team_group).values(values))
    record(tx, team_id, "group.ask", by, identity)
    return load(tx, identity)


def load(tx: Tx, group_id: UUID) -> Group:
    """Return a group that was asked for or is bound; NotFound when there is none."""
    query = select(team_group).where(team_group.c.id == group_id, team_group.c.ended_at.is_(None))
    row = tx.connection.execute(query).first()
    if row is None:
        raise NotFound("group", group_id)
    return _group(tx, row)


def bind(tx: Tx, group: Group, by: UUID) -> None:
    """Let a team's cards be posted in a group; Conflict when another team was first."""
    if of_chat(tx, group.chat_id) is not None:
        raise Conflict("group", group.id)
    tx.connection.execute(
        update(team_group).where(team_group.c.id == group.id).values(bound_at=tx.now)
    )
    record(tx, group.team_id, "group.bind", by, group.id)


def unbind(tx: Tx, group: Group, by: UUID) -> None:
    """Post no more cards in a group."""
    _end(tx, [group.id], "unbound")
    record(tx, group.team_id, "group.unbind", by, group.id)


def set_topics(tx: Tx, group: Group, by: UUID, *, topics: bool) -> None:
    """Give each further case a forum topic of its own, or no longer."""
    tx.connection.execute(
        update(team_group).where(team_group.c.id == group.id).values(topics=topics)
    )
    record(tx, group.team_id, "group.topics", by, group.id, on=int(topics))


def lose(tx: Tx, chat_id: int, code: str) -> list[Group]:
    """Unbind a group that we can no longer write to, and return what was bound there."""
    lost = of_chat(tx, chat_id)
    if lost is None:
        return []
    _end(tx, [lost.id], code)
    record(tx, lost.team_id, "group.lost", None, lost.id, reason=code)
    return [lost]


def end_all(tx: Tx, team_id: UUID, code: str) -> None:
    """Unbind every group of a team."""
    _end(tx, [group.id for group in of_team(tx, team_id)], code)
    tx.connection.execute(
        delete(team_group).where(team_group.c.team_id == team_id, team_group.c.bound_at.is_(None))
    )


def of_team(tx: Tx, team_id: UUID) -> list[Group]:
    """Return the groups bound to a team, the first bound first."""
    query = select(team_group).where(team_group.c.team_id == team_id, *_BOUND)
    rows = tx.connection.execute(query.order_by(team_group.c.bound_at, team_group.c.id))
    return [_group(tx, row) for row in rows]


def of_chat(tx: Tx, chat_id: int) -> Group | None:
    """Return the group bound in a chat, or None."""
    query = select(team_group).where(team_group.c.chat_id == chat_id, *_BOUND)
    row = tx.connection.execute(query).first()
    return _group(tx, row) if row else None


def move(tx: Tx, old: int, new: int) -> None:
    """Keep a group's new id: binding, cards, and what waits to be sent go with it."""
    transcript.move_chat(tx, old, new)
    tx.connection.execute(update(card).where(card.c.chat_id == old).values(chat_id=new))
    if of_chat(tx, new) is None:
        tx.connection.execute(
            update(team_group).where(team_group.c.chat_id == old).values(chat_id=new)
        )


_BOUND = (team_group.c.bound_at.is_not(None), team_group.c.ended_at.is_(None))


def _asked_for(team_id: UUID, chat_id: int) -> Sequence[Any]:
    return (
        team_group.c.team_id == team_id,
        team_group.c.chat_id == chat_id,
        team_group.c.bound_at.is_(None),
    )


def _end(tx: Tx, ids: Sequence[UUID], code: str) -> None:
    """End bindings; the title goes with them."""
    tx.connection.execute(
        update(team_group)
        .where(team_group.c.id.in_(ids))
        .values(ended_at=tx.now, ended=code, title=None)
    )


def _key_of(tx: Tx, team_id: UUID) -> UUID:
    key_id: UUID = tx.connection.execute(
        select(team.c.data_key_id).where(team.c.id == team_id)
    ).scalar_one()
    return key_id


def _title_place(group_id: UUID) -> Place:
    return Place("team_group", "title", group_id)


def _group(tx: Tx, row: Row[Any]) -> Group:
    return Group(
        id=row.id,
        team_id=row.team_id,
        chat_id=row.chat_id,
        title=unreadable.words(tx, row.data_key_id, row.title, _title_place(row.id)),
        is_forum=row.is_forum,
        topics=row.topics,
        asked_by=row.asked_by,
        bound=row.bound_at is not None,
    )


def record(
    tx: Tx, team_id: UUID, action: str, by: UUID | None, group_id: UUID, **meta: int | str
) -> None:
    """Put on record what was done to a group; the chat's id is in its row, not in the log."""
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action=action,
            object_type="group",
            object_id=group_id,
            meta={"team": team_id.hex, **meta},
        ),
    )
