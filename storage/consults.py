"""Consults: kept, listed, changed and erased."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import audit, shares, unreadable
from storage.errors import Conflict, KeyDestroyed, KeyTrouble, NotFound, Unreadable
from storage.ids import new_code, new_id, new_short
from storage.people import Person
from storage.schema import (
    answer_change,
    break_glass,
    clarification,
    closeout,
    comment,
    consult,
    consult_tally,
    content_version,
    disposition,
    handover,
    library_case,
    opinion,
    opinion_draft,
    opinion_round,
    person,
    plan,
    review,
    transcript,
)
from storage.sealing import Place, destroy, new_data_key, note_key, seal, unseal
from storage.transaction import Tx

Via: TypeAlias = Literal["tap", "typed", "edited", "narrative", "asked", "fork", "clarifying"]

PAGE = 8
ENDED = ("closed", "cancelled")


class Absent(Enum):
    """Stands for "never asked", which is neither skipped (None) nor not known ("unk")."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConsult:
    """A consult as it is kept.

    ``answers`` holds only codes and numbers, in the order answered; ``previous`` what was
    answered and no longer applies. ``draft`` is what is being chosen or read back and may hold
    the clinician's words: it is encrypted. ``revision`` counts the saves, ``turn`` the screens.
    An erased consult has no answers, no draft and an ``erased_at``.
    """

    id: UUID
    short: str
    owner_id: UUID
    code: str
    scenario_id: str
    content_hash: str
    phase: str
    turn: int
    revision: int
    answers: Mapping[str, Any]
    previous: Mapping[str, Any]
    draft: Mapping[str, Any] = field(repr=False)
    cursor: str | None
    path: str
    hypothetical_of: UUID | None
    confidence_before: int | None
    confidence_after: int | None
    data_key_id: UUID
    opened_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    closed_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a person's consults, the last used first; pages count from 0."""

    consults: tuple[StoredConsult, ...]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChange:
    """One answer given, changed or withdrawn: ABSENT before it was asked, None when skipped."""

    question: str
    old: Any
    new: Any
    via: Via
    by: UUID
    at: datetime


LOST_DRAFT: Final[Mapping[str, Any]] = {"unreadable": unreadable.UNREADABLE}
"""What stands for a draft that cannot be read; never saved."""

SAVED = frozenset(
    {
        "phase",
        "turn",
        "answers",
        "previous",
        "draft",
        "cursor",
        "path",
        "confidence_before",
        "confidence_after",
        "finished_at",
        "closed_at",
    }
)
"""What ``save`` writes; the rest is fixed when a consult is created."""


_SHORT = select(consult).where(consult.c.short == bindparam("wanted"))
_LOAD = select(consult).where(consult.c.id == bindparam("wanted"))
_INSERT = insert(consult)
_SAVE = update(consult).where(
    consult.c.id == bindparam("wanted"),
    consult.c.revision == bindparam("expected"),
    consult.c.erased_at.is_(None),
)
_RECORD_CHANGE = insert(answer_change)
"""Statements of every update, made once: making one costs more than running it."""


def create(
    tx: Tx,
    owner: Person,
    *,
    scenario_id: str,
    content_hash: str,
    phase: str = "welcome",
    path: str = "quick",
    answers: Mapping[str, Any] | None = None,
    hypothetical_of: UUID | None = None,
) -> StoredConsult:
    """Open a consult for ``owner`` with a data key, a short id and a code of its own."""
    made = StoredConsult(
        id=new_id(),
        short=new_short(),
        owner_id=owner.id,
        code=new_code(_codes(tx, owner.id)),
        scenario_id=scenario_id,
        content_hash=content_hash,
        phase=phase,
        turn=0,
        revision=0,
        answers=dict(answers or {}),
        previous={},
        draft={},
        cursor=None,
        path=path,
        hypothetical_of=hypothetical_of,
        confidence_before=None,
        confidence_after=None,
        data_key_id=new_data_key(tx, "consult"),
        opened_at=tx.now,
        updated_at=tx.now,
        finished_at=None,
        closed_at=None,
        erased_at=None,
    )
    tx.connection.execute(_INSERT, _columns(tx, made))
    _record(tx, made, "consult.create", owner.id)
    return made


def begun(tx: Tx, owner_id: UUID, since: datetime) -> int:
    """Return how many consults a person began since then, copies included."""
    query = select(func.count()).where(
        consult.c.owner_id == owner_id, consult.c.updated_at >= since, consult.c.opened_at >= since
    )
    return tx.connection.scalar(query) or 0


def load(tx: Tx, consult_id: UUID) -> StoredConsult:
    """Return a consult by id; NotFound when there is none. An erased one is returned, empty."""
    return _load(tx, _LOAD, consult_id)


def load_short(tx: Tx, short: str) -> StoredConsult:
    """Return a consult by the id that callback data carries; NotFound when there is none."""
    return _load(tx, _SHORT, short)


def save(tx: Tx, changed: StoredConsult, expected_revision: int) -> StoredConsult:
    """Write a consult and return it with its new revision.

    Raises Conflict when it is no longer at ``expected_revision``, or was erased.
    """
    made = replace(changed, revision=expected_revision + 1, updated_at=tx.now)
    try:
        columns = {name: value for name, value in _columns(tx, made).items() if name in SAVED}
    except KeyDestroyed:
        raise Conflict("consult", made.id) from None
    columns |= {"revision": made.revision, "updated_at": made.updated_at}
    known = {"wanted": made.id, "expected": expected_revision}
    if tx.connection.execute(_SAVE, known | columns).rowcount != 1:
        raise Conflict("consult", made.id)
    return made


def list_for(tx: Tx, owner_id: UUID, page: int = 0, *, per_page: int = PAGE) -> Page:
    """Return one page of a person's consults; a page past the end is the last one."""
    mine = (consult.c.owner_id == owner_id) & consult.c.erased_at.is_(None)
    total: int = tx.connection.scalar(select(func.count()).where(mine)) or 0
    pages = max(1, -(-total // per_page))
    number = min(max(page, 0), pages - 1)
    query = select(consult).where(mine).order_by(consult.c.updated_at.desc(), consult.c.id.desc())
    rows = tx.connection.execute(query.limit(per_page).offset(number * per_page)).all()
    return Page(tuple(_listed(tx, row) for row in rows), number, pages, total)


def is_whole(stored: StoredConsult) -> bool:
    """Tell whether a consult of a list was read with its draft; one that was not is never saved."""
    return stored.draft != LOST_DRAFT


def require_whole(stored: StoredConsult) -> None:
    """Raise Unreadable for a consult whose draft could not be read."""
    if not is_whole(stored):
        place = _draft_place(stored.id)
        raise Unreadable(place.table, place.column, place.row)


def load_listed(tx: Tx, consult_id: UUID) -> StoredConsult:
    """Return a consult by id, to be looked at only: without its draft where that cannot be read."""
    row = tx.connection.execute(_LOAD, {"wanted": consult_id}).first()
    if row is None:
        raise NotFound("consult", consult_id)
    return _listed(tx, row)


def _listed(tx: Tx, row: Any) -> StoredConsult:
    """Return a consult to be looked at; one whose draft cannot be read stands there without it."""
    try:
        return _consult(tx, row)
    except KeyDestroyed:
        raise
    except (KeyTrouble, Unreadable):
        unreadable.note(tx, _draft_place(row.id))
        return StoredConsult(**dict(row._mapping) | {"draft": LOST_DRAFT})  # noqa: SLF001 - as below


def record_list(tx: Tx, reader: UUID, count: int) -> None:
    """Put on record that somebody looked at the list of their consults."""
    meta = {"count": count}
    event = audit.Event(
        actor=reader, action="consult.list", object_type="person", object_id=reader, meta=meta
    )
    audit.record(tx, event)


def latest_open(tx: Tx, owner_id: UUID) -> StoredConsult | None:
    """Return the consult a person used last and has not ended, or None."""
    query = (
        select(consult)
        .where(
            consult.c.owner_id == owner_id,
            consult.c.erased_at.is_(None),
            consult.c.phase.not_in(ENDED),
        )
        .order_by(consult.c.updated_at.desc(), consult.c.id.desc())
        .limit(1)
    )
    row = tx.connection.execute(query).first()
    return _consult(tx, row) if row else None


def record_change(tx: Tx, consult_id: UUID, change: AnswerChange) -> None:
    """Append to the answer history; nothing there is ever changed."""
    values = {
        "id": new_id(),
        "consult_id": consult_id,
        "question": change.question,
        "old": _held(change.old),
        "new": _held(change.new),
        "via": change.via,
        "by": change.by,
        "at": change.at,
    }
    tx.connection.execute(_RECORD_CHANGE, values)


def history(tx: Tx, consult_id: UUID) -> list[AnswerChange]:
    """Return every answer change of a consult, oldest first."""
    query = select(answer_change).where(answer_change.c.consult_id == consult_id)
    return [_change(row) for row in tx.connection.execute(query.order_by(answer_change.c.id))]


ERASED_WITH_IT = (
    *(answer_change, disposition, plan, review, closeout, handover, consult_tally),
    *(opinion, opinion_draft, opinion_round, clarification, comment, library_case),
)
"""The tables of what belongs to a consult alone, in an order that their references allow."""


def hand_to(tx: Tx, given: StoredConsult, owner: UUID) -> StoredConsult:
    """Make somebody else the owner; the code changes where they have a case of that code already."""
    taken = _codes(tx, owner)
    code = new_code(taken) if given.code in taken else given.code
    saved = save(tx, given, given.revision)
    moved = {"owner_id": owner, "code": code}
    tx.connection.execute(update(consult).where(consult.c.id == given.id).values(moved))
    return replace(saved, owner_id=owner, code=code)


def erase(tx: Tx, consult_id: UUID, *, by: UUID | None, reason: str = "asked") -> None:
    """Erase a consult: its key is destroyed, its answers and words are gone, a tombstone stays.

    ``reason`` is a code (asked, forgotten, retention). Call ``truncate_log`` after the commit.
    Erasing twice is harmless.
    """
    erased = load(tx, consult_id)
    if erased.erased_at is not None:
        return
    destroy(tx, erased.data_key_id)
    shares.erase(tx, consult_id)
    _blank_transcript(tx, consult_id)
    for table in ERASED_WITH_IT:
        tx.connection.execute(delete(table).where(table.c.consult_id == consult_id))
    tx.connection.execute(
        update(break_glass).where(break_glass.c.consult_id == consult_id).values(reason=None)
    )
    tx.connection.execute(update(consult).where(consult.c.id == consult_id).values(_blank(tx)))
    _record(tx, erased, "consult.erase", by, reason=reason)


def store_content(tx: Tx, *, content_hash: str, scenario_id: str, version: str, body: str) -> None:
    """Keep a version of the content, so that a consult begun with it can go on with it."""
    values = {
        "hash": content_hash,
        "scenario_id": scenario_id,
        "version": version,
        "body": body,
        "first_seen_at": tx.now,
    }
    statement = insert_or_not(content_version).on_conflict_do_nothing(index_elements=["hash"])
    if tx.connection.scalar(statement.returning(content_version.c.hash), values) is not None:
        event = audit.Event(
            actor=None, action="content.store", object_type="content", object_id=content_hash[:64]
        )
        audit.record(tx, event)


def load_content(tx: Tx, content_hash: str) -> str:
    """Return the body of a stored version of the content; NotFound when it is not here."""
    query = select(content_version.c.body).where(content_version.c.hash == content_hash)
    body: str | None = tx.connection.scalar(query)
    if body is None:
        raise NotFound("content", content_hash[:12])
    return body


def _load(tx: Tx, query: Select[Any], identity: UUID | str) -> StoredConsult:
    row = tx.connection.execute(query, {"wanted": identity}).first()
    if row is None:
        raise NotFound("consult", identity)
    if row.erased_at is None:
        note_key(tx, row.id, row.data_key_id)
    return _consult(tx, row)


def _codes(tx: Tx, owner_id: UUID) -> set[str]:
    """Return the codes a person's consults have; nobody else opens one for them meanwhile."""
    tx.connection.execute(select(person.c.id).where(person.c.id == owner_id).with_for_update())
    return set(tx.connection.scalars(select(consult.c.code).where(consult.c.owner_id == owner_id)))


def _draft_place(consult_id: UUID) -> Place:
    return Place("consult", "draft", consult_id, consult_id)


def _columns(tx: Tx, made: StoredConsult) -> dict[str, Any]:
    columns = {name: getattr(made, name) for name in StoredConsult.__slots__}
    columns["answers"], columns["previous"] = dict(made.answers), dict(made.previous)
    columns["draft"] = _sealed_draft(tx, made) if made.draft else None
    return columns


def _sealed_draft(tx: Tx, made: StoredConsult) -> bytes:
    text = json.dumps(dict(made.draft), separators=(",", ":"))
    return seal(tx, made.data_key_id, text, _draft_place(made.id))


def _consult(tx: Tx, row: Any) -> StoredConsult:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    sealed = values["draft"]
    if sealed is None:
        return StoredConsult(**values | {"draft": {}})
    text = unseal(tx, row.data_key_id, sealed, _draft_place(row.id))
    return StoredConsult(**values | {"draft": json.loads(text)})


def _held(value: Any) -> list[Any]:
    """Return a value as it stands in the history: JSON null is "skipped", an empty list "absent"."""
    return [] if value is ABSENT else [value]


def _change(row: Any) -> AnswerChange:
    old, new = (value[0] if value else ABSENT for value in (row.old, row.new))
    return AnswerChange(question=row.question, old=old, new=new, via=row.via, by=row.by, at=row.at)


def _blank_transcript(tx: Tx, consult_id: UUID) -> None:
    """Remove the words of a consult from the transcript, and what was not sent yet."""
    mine = transcript.c.consult_id == consult_id
    tx.connection.execute(
        update(transcript)
        .where(mine, transcript.c.state.in_(("waiting", "sending")))
        .values(state="dropped", error_code="erased")
    )
    tx.connection.execute(update(transcript).where(mine).values(content=None, params=None))


def _blank(tx: Tx) -> dict[str, Any]:
    return {
        "answers": {},
        "previous": {},
        "draft": None,
        "cursor": None,
        "phase": "closed",
        "confidence_before": None,
        "confidence_after": None,
        "closed_at": func.coalesce(consult.c.closed_at, tx.now),
        "erased_at": tx.now,
        "revision": consult.c.revision + 1,
    }


def _record(tx: Tx, about: StoredConsult, action: str, by: UUID | None, **meta: int | str) -> None:
    event = audit.Event(
        actor=by,
        action=action,
        object_type="consult",
        object_id=about.id,
        consult_id=about.id,
        meta=meta,
    )
    audit.record(tx, event)
