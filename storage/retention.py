"""What is kept for how long, what a person can take along, and how they are forgotten."""

import json
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import (
    audit,
    clarifying,
    consults,
    discussion,
    expecting,
    handovers,
    letters,
    people,
    plans,
    rounds,
    shares,
    teams,
)
from storage import transcript as lines
from storage.consults import ABSENT, AnswerChange, StoredConsult
from storage.database import Database
from storage.people import Person
from storage.schema import (
    audit_event,
    consult,
    meta,
    person,
    screen,
    share_view,
    sign_in,
    transcript,
    web_session,
)
from storage.sealing import destroy
from storage.transaction import Tx

TEXT_DAYS = 180
BATCH = 1000
EXPORTED_EVENTS = 10_000
CAUGHT_UP = "quoting_let_go"
EXPORTS = 3
"""Files of their own data that a person gets within ``EXPORTS_WITHIN``."""

EXPORTS_WITHIN = timedelta(hours=24)
MOST_WORDS = 5_000_000
"""Characters of messages in a file of somebody's data: such a file is made in memory."""

NOTED_EVERY = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Purged:
    """What one round of purging removed; ``more`` tells that another round is needed."""

    texts: int
    drafts: int
    letters: int
    chats: int
    reasons: int
    decisions: int
    comments: int

    @property
    def rows(self) -> int:
        return sum(astuple(self))

    @property
    def more(self) -> bool:
        return BATCH in astuple(replace(self, letters=0))


def purge(tx: Tx, *, text_days: int = TEXT_DAYS) -> Purged:
    """Remove the words older than ``text_days`` and expired dead letters, up to 1,000 rows each.

    What happened stays: ids, times and coded answers until their consult is erased.
    """
    before = tx.now - timedelta(days=text_days)
    return Purged(
        texts=_purge_texts(tx, before),
        drafts=_purge_drafts(tx, before),
        letters=letters.expire(tx),
        chats=_purge_chats_of_the_forgotten(tx),
        reasons=rounds.purge_reasons(tx, before, BATCH),
        decisions=plans.purge_reasons(tx, before, BATCH),
        comments=discussion.purge(tx, before, BATCH),
    )


async def purge_all(database: Database, *, text_days: int = TEXT_DAYS) -> int:
    """Purge in rounds until nothing is left, empty the log, and return how many rows changed."""
    removed = 0
    while True:
        round_ = await database.write(lambda tx: purge(tx, text_days=text_days))
        removed += round_.rows
        if not round_.more:
            break
    await database.write(_note_caught_up)
    if removed:
        await database.truncate_log()
    return removed


def note_run(tx: Tx, removed: int) -> None:
    """Put on record that retention ran; a run that removed nothing once a day."""
    lately = audit.chained_or_not(audit_event.c.action == "retention.run", tx.now - NOTED_EVERY)
    noted = tx.connection.scalar(select(audit_event.c.id).where(lately).limit(1))
    if removed or noted is None:
        event = audit.Event(actor=None, action="retention.run", meta={"rows": removed})
        audit.record(tx, event)


def forget_person(tx: Tx, person_id: UUID, *, by: UUID | None) -> int:
    """Erase a person and all their consults, and return how many consults that were.

    Their keys are destroyed; their chat id is taken off every line. What stays is a tombstone
    without name or Telegram id, for the log. Call ``truncate_log`` after the commit. A farewell
    can be enqueued after this, in the same unit, with ``person_id`` set: ``purge`` takes the chat
    off it once it is sent.
    """
    who = people.get(tx, person_id)
    owned = list(tx.connection.scalars(select(consult.c.id).where(consult.c.owner_id == who.id)))
    for consult_id in owned:
        consults.erase(tx, consult_id, by=by, reason="forgotten")
    teams.leave_all(tx, who.id)
    rounds.forget(tx, who.id)
    discussion.forget(tx, who.id)
    expecting.forget(tx, who.id)
    for table in (sign_in, web_session, share_view):
        tx.connection.execute(delete(table).where(table.c.person_id == who.id))
    _take_off_lines(tx, who)
    destroy(tx, who.data_key_id)
    tx.connection.execute(update(person).where(person.c.id == who.id).values(**_TOMBSTONE))
    event = audit.Event(
        actor=by,
        action="person.forget",
        object_type="person",
        object_id=who.id,
        meta={"consults": len(owned)},
    )
    audit.record(tx, event)
    return len(owned)


@dataclass(slots=True)
class _Room:
    """How many characters of messages still fit; ``left_out`` counts those that did not."""

    characters: int
    left_out: int = 0


def may_export(tx: Tx, person_id: UUID) -> datetime | None:
    """Return from when on a person may have the file of their data; None is now."""
    since = tx.now - EXPORTS_WITHIN
    taken = [at for at in audit.done(tx, person_id, "person.export", since) if at > since]
    return None if len(taken) < EXPORTS else taken[-EXPORTS] + EXPORTS_WITHIN


def note_export(tx: Tx, person_id: UUID) -> None:
    """Put on record that a person takes their data along."""
    event = audit.Event(
        actor=person_id, action="person.export", object_type="person", object_id=person_id
    )
    audit.record(tx, event)


def my_file(tx: Tx, person_id: UUID) -> bytes:
    """Return the file of everything kept about a person; what cannot be read says so in its place."""
    found = my_data(tx, person_id)
    return json.dumps(found, ensure_ascii=False, indent=1, default=str).encode()


def my_data(tx: Tx, person_id: UUID, *, most: int = MOST_WORDS) -> dict[str, Any]:
    """Return everything kept about a person, as it goes into their file (JSON).

    Files that were sent are named. Of messages, older cases last, as many as have ``most``
    characters together; ``messages_left_out`` counts the others.
    """
    who, room = people.get(tx, person_id), _Room(most)
    owned = select(consult.c.id).where(consult.c.owner_id == who.id)
    mine = tx.connection.scalars(owned.order_by(consult.c.opened_at.desc())).all()
    cases = [_consult(tx, consult_id, room) for consult_id in mine]
    return {
        "person": _about(who),
        "teams": [_team(joined) for joined in teams.of_person(tx, who.id)],
        "consults": cases[::-1],
        "opinions": rounds.of_person(tx, who.id),
        "comments": discussion.of_person(tx, who.id),
        "questions_to_askers": clarifying.of_person(tx, who.id),
        "other_messages": _other_lines(tx, who, room),
        "messages_left_out": room.left_out,
        "log": [_entry(entry) for entry in _log(tx, who)],
    }


_TOMBSTONE: dict[str, Any] = {
    "status": "deleted",
    "telegram_id": None,
    "name": None,
    "is_admin": False,
    "is_author": False,
    "role": None,
    "language": None,
    "time_zone": None,
    "quiet_from": None,
    "quiet_to": None,
    "scope_accepted_at": None,
    "unreachable_at": None,
}


_NOBODYS: dict[str, Any] = {
    "content": None,
    "params": None,
    "person_id": None,
    "chat_id": 0,
    "message_id": None,
}


def _purge_texts(tx: Tx, before: datetime) -> int:
    too_old = and_(
        transcript.c.created_at < before,
        transcript.c.content.is_not(None) | transcript.c.params.is_not(None),
        transcript.c.state.not_in(lines.OPEN),
    )
    which = too_old if _caught_up(tx) else or_(too_old, lines.STALE)
    old = select(transcript.c.number).where(which).limit(BATCH)
    statement = update(transcript).where(transcript.c.number.in_(old))
    return tx.connection.execute(statement.values(content=None, params=None)).rowcount


def _caught_up(tx: Tx) -> bool:
    """Tell whether what earlier versions kept of sent messages is gone; this happens once."""
    return tx.connection.scalar(select(meta.c.value).where(meta.c.key == CAUGHT_UP)) is not None


def _note_caught_up(tx: Tx) -> None:
    noted = insert_or_not(meta).values(key=CAUGHT_UP, value="1")
    tx.connection.execute(noted.on_conflict_do_nothing(index_elements=["key"]))


def _purge_drafts(tx: Tx, before: datetime) -> int:
    old = (
        select(consult.c.id)
        .where(consult.c.updated_at < before, consult.c.draft.is_not(None))
        .limit(BATCH)
    )
    statement = update(consult).where(consult.c.id.in_(old)).values(draft=None)
    return tx.connection.execute(statement).rowcount


def _purge_chats_of_the_forgotten(tx: Tx) -> int:
    """Take chat and person off what was still sent to people after they were forgotten."""
    left = (
        select(transcript.c.number)
        .join(person, person.c.id == transcript.c.person_id)
        .where(person.c.status == "deleted", transcript.c.state.not_in(lines.OPEN))
        .limit(BATCH)
    )
    statement = update(transcript).where(transcript.c.number.in_(left)).values(_NOBODYS)
    return tx.connection.execute(statement).rowcount


def _take_off_lines(tx: Tx, who: Person) -> None:
    """Remove words, chat and person from a person's lines; the update ids stay as guard."""
    theirs = transcript.c.person_id == who.id
    if who.telegram_id is not None:
        lines.drop_chat(tx, who.telegram_id, "forgotten")
        tx.connection.execute(screen.delete().where(screen.c.chat_id == who.telegram_id))
        theirs |= transcript.c.chat_id == who.telegram_id
    tx.connection.execute(update(transcript).where(theirs).values(_NOBODYS))


def _about(who: Person) -> dict[str, Any]:
    return {
        "id": str(who.id),
        "telegram_id": who.telegram_id,
        "name": who.name,
        "status": who.status,
        "administrator": who.is_admin,
        "author": who.is_author,
        "role": who.role,
        "language": who.language,
        "time_zone": who.time_zone,
        "quiet_from_minutes": who.quiet_from,
        "quiet_to_minutes": who.quiet_to,
        "path": who.path,
        "scope_accepted_at": _iso(who.scope_accepted_at),
        "created_at": _iso(who.created_at),
    }


def _consult(tx: Tx, consult_id: UUID, room: _Room) -> dict[str, Any]:
    kept = consults.load_listed(tx, consult_id)
    return _consult_facts(kept) | {
        "answers": dict(kept.answers),
        "earlier_answers": dict(kept.previous),
        "in_progress": dict(kept.draft),
        "history": [_change(change) for change in consults.history(tx, consult_id)],
        "dispositions": dict(plans.dispositions(tx, consult_id)),
        "plans": [_plain(plan) for plan in plans.plans_of(tx, kept)],
        "reviews": [_plain(review) for review in plans.reviews_of(tx, consult_id)],
        "closeout": asdict(plans.closeout_of(tx, consult_id)),
        "handovers": [_plain(each) for each in handovers.of_consult(tx, consult_id)],
        "shared": [_plain(each) for each in shares.of_consult(tx, consult_id)],
        "messages": _fitting(tx, _of_owner(kept), room),
    }


def _team(joined: teams.Joined) -> dict[str, Any]:
    return {"id": str(joined.team.id), "name": joined.team.name, "role": joined.role}


def _plain(value: plans.Plan | plans.Review | shares.Share | handovers.Handover) -> dict[str, Any]:
    """Return a value as JSON can hold it: ids and times as text."""
    kept = (list, tuple, str, int, type(None))
    return {
        name: held if isinstance(held, kept) else str(held) for name, held in asdict(value).items()
    }


def _consult_facts(kept: StoredConsult) -> dict[str, Any]:
    return {
        "code": kept.code,
        "id": str(kept.id),
        "scenario": kept.scenario_id,
        "content": kept.content_hash,
        "phase": kept.phase,
        "confidence_before": kept.confidence_before,
        "confidence_after": kept.confidence_after,
        "opened_at": _iso(kept.opened_at),
        "updated_at": _iso(kept.updated_at),
        "finished_at": _iso(kept.finished_at),
        "closed_at": _iso(kept.closed_at),
        "erased_at": _iso(kept.erased_at),
    }


def _change(change: AnswerChange) -> dict[str, Any]:
    made = {"question": change.question, "via": change.via, "at": _iso(change.at)}
    sides = {"old": change.old, "new": change.new}
    return made | {side: value for side, value in sides.items() if value is not ABSENT}


def _of_owner(kept: StoredConsult) -> ColumnElement[bool]:
    """Return a consult's lines that are its asker's own: what others see and say of it is theirs."""
    others = transcript.c.person_id.is_not(None) & (transcript.c.person_id != kept.owner_id)
    return (transcript.c.consult_id == kept.id) & not_(others)


def _other_lines(tx: Tx, who: Person, room: _Room) -> list[dict[str, Any]]:
    """Return the lines of a person's chat that are not about a case of their own."""
    if who.telegram_id is None:
        return []
    owned = select(consult.c.id).where(consult.c.owner_id == who.id)
    about = transcript.c.consult_id
    not_owned = about.is_(None) | about.not_in(owned)
    return _fitting(tx, (transcript.c.chat_id == who.telegram_id) & not_owned, room)


def _fitting(tx: Tx, which: ColumnElement[bool], room: _Room) -> list[dict[str, Any]]:
    """Return some lines, oldest first; of more than there is room for, the newest."""
    found: list[dict[str, Any]] = []
    for line in lines.newest(tx, which):
        made = _line(line)
        room.characters -= len(str(made))
        if room.characters < 0:
            room.left_out += lines.count(tx, which) - len(found)
            room.characters = 0
            break
        found.append(made)
    return found[::-1]


def _line(line: lines.Line) -> dict[str, Any]:
    return {
        "direction": line.direction,
        "kind": line.kind,
        "method": line.method,
        "text": line.content,
        "sent": lines.named(line.params) if line.params is not None else None,
        "state": line.state,
        "at": _iso(line.created_at),
    }


def _log(tx: Tx, who: Person) -> list[audit.Entry]:
    return audit.entries(tx, actor=who.id, limit=EXPORTED_EVENTS)


def _entry(entry: audit.Entry) -> dict[str, Any]:
    return {
        "at": _iso(entry.at),
        "action": entry.action,
        "object": f"{entry.object_type} {entry.object_id}".strip(),
        "outcome": entry.outcome,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
