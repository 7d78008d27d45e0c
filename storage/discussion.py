"""The discussion of a case: comments by role, sealed under the case's key; removed ones leave a trace.

While a round of opinions runs, a comment could give away what somebody thinks: it shows only to
those who have said what they think themselves.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from storage import audit, expecting, rounds, transcript, unreadable
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.ids import new_id, new_short
from storage.people import Person
from storage.schema import comment
from storage.sealing import Place, seal_words
from storage.text import clean
from storage.transaction import Tx

Via: TypeAlias = Literal["private", "group", "page"]

MOST_COMMENTS: Final = 500
"""Of one case; a longer discussion belongs into a conversation."""

MODERATION: Final[Mapping[str, str]] = {
    "identifies": "it may identify somebody",
    "hurtful": "it was hurtful",
    "off_topic": "it was off the topic",
}
"""Why a lead or an admin removes a comment: code -> words."""

REMOVALS: Final[Mapping[str, str]] = {
    **MODERATION,
    "author": "its author took it back",
    "account": "its author's account was deleted",
    "expired": "its words are no longer kept",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said, by role only; ``text`` is empty once it was removed, and ``removed`` why."""

    id: UUID
    short: str
    consult_id: UUID
    person_id: UUID
    role: str
    via: Via
    chat_id: int | None
    message_id: int | None
    text: str = field(repr=False)
    at: datetime
    edited_at: datetime | None
    removed_at: datetime | None
    removed: str | None


def add(
    tx: Tx,
    stored: StoredConsult,
    who: Person,
    text: str,
    *,
    via: Via = "private",
    message: tuple[int, int] | None = None,
) -> Comment:
    """Add a comment that has passed the identifier guard; ``message`` is its chat and id in a group.

    Raises Conflict when the case has too many.
    """
    mine = comment.c.consult_id == stored.id
    count = tx.connection.scalar(select(func.count()).select_from(comment).where(mine)) or 0
    if count >= MOST_COMMENTS:
        raise Conflict("comments", stored.id)
    identity, short = new_id(), new_short()
    chat_id, message_id = message or (None, None)
    tx.connection.execute(
        insert(comment).values(
            id=identity,
            short=short,
            consult_id=stored.id,
            person_id=who.id,
            role=who.role or "",
            via=via,
            chat_id=chat_id,
            message_id=message_id,
            content=_sealed(tx, stored.data_key_id, identity, stored.id, text),
            data_key_id=stored.data_key_id,
            at=tx.now,
        )
    )
    made = by_short(tx, short)
    _record(tx, made, "comment.add", who.id, via=via)
    return made


def edit(tx: Tx, found: Comment, text: str) -> None:
    """Let a comment say what its author's edited message says; a removed one stays removed."""
    if found.removed_at is not None:
        return
    row = tx.connection.execute(select(comment).where(comment.c.id == found.id)).one()
    sealed = _sealed(tx, row.data_key_id, found.id, found.consult_id, text)
    tx.connection.execute(
        update(comment).where(comment.c.id == found.id).values(content=sealed, edited_at=tx.now)
    )
    _take_back(tx, [found.id], [found.consult_id])
    _record(tx, found, "comment.edit", found.person_id)


def remove(tx: Tx, found: Comment, by: UUID, reason: str) -> None:
    """Remove the words of a comment; who removed it is on record, and why is shown in its place.

    Raises Conflict when it was removed before.
    """
    changed = tx.connection.execute(
        update(comment)
        .where(comment.c.id == found.id, comment.c.removed_at.is_(None))
        .values(content=None, removed_at=tx.now, removed_by=by, removed=reason)
    ).rowcount
    if not changed:
        raise Conflict("comment", found.id)
    _take_back(tx, [found.id], [found.consult_id])
    _record(tx, found, "comment.remove", by, reason=reason)


def by_short(tx: Tx, short: str) -> Comment:
    """Return a comment by the id that callback data carries; NotFound when there is none."""
    row = tx.connection.execute(select(comment).where(comment.c.short == short)).first()
    if row is None:
        raise NotFound("comment", short)
    return _comment(tx, row)


def of_message(tx: Tx, chat_id: int, message_id: int) -> Comment | None:
    """Return the comment that came in as a message of a group, or None."""
    which = (comment.c.chat_id == chat_id) & (comment.c.message_id == message_id)
    row = tx.connection.execute(select(comment).where(which)).first()
    return _comment(tx, row) if row else None


def said_in_groups(tx: Tx, consult_id: UUID, person_id: UUID, since: datetime) -> int:
    """Return how often a person has answered a card of a case since a moment."""
    query = select(func.count()).where(
        comment.c.consult_id == consult_id,
        comment.c.person_id == person_id,
        comment.c.via == "group",
        comment.c.at >= since,
    )
    return tx.connection.scalar(query) or 0


def hidden(tx: Tx, consult_id: UUID, person_id: UUID | None, *, lasting: bool = False) -> bool:
    """Tell whether the discussion is kept from a reader for now; see `rounds.shown`."""
    running = rounds.running(tx, consult_id)
    if running is None:
        return False
    return lasting or not rounds.sees(tx, running, person_id)


def shown(
    tx: Tx, consult_id: UUID, person_id: UUID | None, *, lasting: bool = False
) -> tuple[Comment, ...]:
    """Return the discussion as a reader may see it, oldest first; none of it while it is hidden.

    The caller has made sure that the reader may read the case; None is a reader through a link.
    """
    if hidden(tx, consult_id, person_id, lasting=lasting):
        return ()
    query = select(comment).where(comment.c.consult_id == consult_id).order_by(comment.c.id)
    return tuple(_comment(tx, row) for row in tx.connection.execute(query).all())


def forget(tx: Tx, person_id: UUID) -> None:
    """Remove the words of everything a person said; that something was said stays."""
    theirs = select(comment.c.id, comment.c.consult_id).where(comment.c.person_id == person_id)
    rows = tx.connection.execute(theirs).all()
    _take_back(tx, [row.id for row in rows], {row.consult_id for row in rows})
    tx.connection.execute(
        update(comment)
        .where(comment.c.person_id == person_id, comment.c.removed_at.is_(None))
        .values(content=None, removed_at=tx.now, removed="account")
    )
    tx.connection.execute(
        update(comment)
        .where(comment.c.person_id == person_id)
        .values(chat_id=None, message_id=None)
    )


def purge(tx: Tx, before: datetime, limit: int) -> int:
    """Remove the words of comments made before a moment."""
    old = select(comment.c.id).where(comment.c.at < before, comment.c.content.is_not(None))
    statement = update(comment).where(comment.c.id.in_(old.limit(limit)))
    gone = statement.values(content=None, removed_at=tx.now, removed="expired")
    return tx.connection.execute(gone).rowcount


def of_person(tx: Tx, person_id: UUID) -> list[dict[str, Any]]:
    """Return everything a person said, for the file of their own data."""
    query = select(comment).where(comment.c.person_id == person_id).order_by(comment.c.id)
    found = [_comment(tx, row) for row in tx.connection.execute(query).all()]
    return [
        {
            "case": str(each.consult_id),
            "via": each.via,
            "text": each.text,
            "at": each.at.isoformat(),
            "removed": each.removed,
        }
        for each in found
    ]


def _take_back(tx: Tx, comments: Collection[UUID], consult_ids: Collection[UUID]) -> None:
    """Let nobody be sent these words any more, or go on with what was read in them."""
    expecting.drop_quoted(tx, comments)
    for consult_id in consult_ids:
        transcript.take_back(tx, consult_id)


def _comment(tx: Tx, row: Row[Any]) -> Comment:
    values = {name: getattr(row, name) for name in Comment.__slots__ if name != "text"}
    place = Place("comment", "content", row.id, row.consult_id)
    text = "" if row.content is None else unreadable.words(tx, row.data_key_id, row.content, place)
    return Comment(**values, text=text)


def _sealed(tx: Tx, key_id: UUID, identity: UUID, consult_id: UUID, text: str) -> bytes:
    return seal_words(tx, key_id, clean(text), Place("comment", "content", identity, consult_id))


def _record(tx: Tx, about: Comment, action: str, by: UUID, **meta: int | str) -> None:
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action=action,
            object_type="comment",
            object_id=about.id,
            consult_id=about.consult_id,
            meta=meta,
        ),
    )
