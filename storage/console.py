"""What the admin console asks the database: codes, times and pseudonyms, never words.

Nothing here counts a large table. Lists are read in pages from a place in an index, both ways.
While a round of opinions is open its events are left out, see `hidden_consults`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    and_,
    cast,
    column,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    table,
    text,
    update,
)

from storage import access, audit, letters, people, rounds, sign_in, teams, unreadable
from storage.errors import Conflict, NotFound
from storage.ids import new_id
from storage.people import Person
from storage.schema import (
    NOT_OK,
    audit_checkpoint,
    audit_event,
    break_glass,
    comment,
    consult,
    content_version,
    data_key,
    dead_letter,
    disposition,
    log_review,
    opinion,
    person,
    plan,
    review,
    share,
    team,
    team_group,
    team_member,
    transcript,
    web_session,
)
from storage.sealing import Place, blind_index, seal_words
from storage.text import clean
from storage.transaction import Tx
from storage.unreadable import UNREADABLE

Member: TypeAlias = Person
R = TypeVar("R")

PAGE = 50
RARE = 10_000
"""A word that fewer events have than this is looked up; a common one is met while walking."""

NEAR = 5000
"""Events that are walked before the index of words is asked."""

NOBODY = literal(UUID(int=0), Uuid())

SLACK = timedelta(hours=1)
"""How far the order of the log and the order of its times may differ: clocks are set back."""

GLASS_LASTS = timedelta(minutes=30)
REVIEW_EVERY = timedelta(days=7)
MOST_LINES = 200
MOST_ACTIONS = 500
MOST_TEAMS = 500
BREAK_GLASS_REASONS: Mapping[str, str] = {
    "safety": "Somebody may be in danger",
    "complaint": "A complaint or a request of the person concerned",
    "legal": "A legal request",
    "fault": "A fault that codes alone do not explain",
}


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows of a list, newest first; ``newer`` and ``older`` are where the next pages begin."""

    rows: tuple[R, ...]
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which events are wanted; what is empty does not restrict."""

    since: datetime | None = None
    until: datetime | None = None
    """Not included."""
    actor: UUID | None = None
    consult_id: UUID | None = None
    action: str = ""
    without: str = ""
    """An action that is not wanted."""
    outcome: str = ""
    words: tuple[str, ...] = ()
    """Parts of codes, ``a-z0-9``; an event has to have all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One event as the console shows it."""

    seq: int
    id: UUID
    at: datetime
    actor: UUID | None
    pseudonym: str
    action: str
    object_type: str
    object_id: str
    consult_id: UUID | None
    outcome: str
    meta_json: str

    @property
    def meta(self) -> Mapping[str, int | str]:
        found: dict[str, int | str] = json.loads(self.meta_json)
        return found


Cells: TypeAlias = tuple[int, str, str, str, str, str, str, str, str]
"""An event in an export: number, time, pseudonym, action, object type and id, case, outcome, meta."""


# --- who is asking ------------------------------------------------------------------------------


def member(tx: Tx, person_id: UUID) -> Member:
    """Return who is signed in; raises NotFound."""
    return people.get(tx, person_id)


def authorize(tx: Tx, who: Member, action: str) -> None:
    """Return if the person may, now; raises Denied."""
    access.authorize(tx, who, action)


def pseudonym(tx: Tx, person_id: UUID | None) -> str:
    """Return the name under which the console shows a person: the same every time, telling nothing."""
    return "" if person_id is None else "p-" + blind_index(tx, "pseudonym", person_id.hex)[:8]


def by_pseudonym(tx: Tx, name: str) -> UUID | None:
    """Return whom a pseudonym stands for, or None."""
    ids = tx.connection.scalars(select(person.c.id))
    return next((found for found in ids if pseudonym(tx, found) == name), None)


HIDDEN_ACTIONS = ("opinion.", "comment.", "guard.")
"""What is left out about a case while a round of opinions runs."""


def hidden_consults(tx: Tx) -> frozenset[UUID]:
    """Return the consults with a round that runs: nothing of it is shown or counted yet."""
    return rounds.hidden_consults(tx)


def _visible(tx: Tx) -> list[ColumnElement[bool]]:
    hidden = hidden_consults(tx)
    if not hidden:
        return []
    event = audit_event.c
    kinds = or_(*(event.action.startswith(kind) for kind in HIDDEN_ACTIONS))
    return [not_(and_(kinds, event.consult_id.in_(hidden)))]


SHOWN = tuple(c for c in audit_event.c if c.name not in {"row_mac", "prev", "hash"})

# --- the log --------------------------------------------------------------------------------------


def log_page(
    tx: Tx,
    wanted: LogFilter,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> Page[LogEntry]:
    """Return events in the order of the log: older than ``before``, or newer than ``after``.

    Times are filtered exactly, but only among events that stand within an hour of their place.
    """
    audit.catch_up(tx)
    upwards = after is not None
    rows = tx.connection.execute(
        log_query(tx, wanted, before=before, after=after, limit=limit + 1)
    ).all()
    found = [_entry(tx, row) for row in rows[:limit]]
    more = len(rows) > limit
    if upwards:
        found.reverse()
    edges = (str(found[0].seq), str(found[-1].seq)) if found else (None, None)
    newer = edges[0] if (more if upwards else before is not None) else None
    older = edges[1] if (more or upwards) else None
    return Page(tuple(found), newer, older)


def log_query(
    tx: Tx, wanted: LogFilter, *, before: int | None, after: int | None, limit: int
) -> Select[Any]:
    """Return the one query of a page: filter, order and limit together, led by the best index."""
    lowest, highest = _bounds(tx, wanted)
    low = max([n for n in (lowest, after) if n is not None], default=None)
    high = min([n for n in (highest, before) if n is not None], default=None)
    query = select(*SHOWN).where(audit_event.c.seq.is_not(None), *_visible(tx))
    query = query.where(*_times(wanted))
    if wanted.without:
        query = query.where(audit_event.c.action.concat("") != wanted.without)
    return _led(tx, query, wanted, (low, high), upwards=after is not None).limit(limit)


def _led(
    tx: Tx,
    query: Select[Any],
    wanted: LogFilter,
    between: tuple[int | None, int | None],
    *,
    upwards: bool,
) -> Select[Any]:
    """Add the filters so that one index leads: the case's, one column's, or the words'.

    ``column || ''`` keeps a planner from choosing a second index, which it does wrongly when the
    events of a filter stand close together.
    """
    event = audit_event.c
    by_case = wanted.consult_id is not None and (not wanted.words or not tx.on_sqlite)
    columns = [
        (col, value)
        for col, value in (
            (event.actor, wanted.actor),
            (event.action, wanted.action or None),
            (event.outcome, wanted.outcome or None),
        )
        if value is not None
    ]
    if by_case:
        query = query.where(event.consult_id == wanted.consult_id, *_loosely(columns))
        if wanted.words:
            query = query.where(*_reads(wanted.words))
        return _ordered(query, event.seq, between, upwards=upwards)
    if wanted.outcome not in {"", "ok"}:
        query = query.where(NOT_OK)  # the index is of these only, and a parameter may be "ok"
    words = _index_words(wanted)
    if wanted.words or len(columns) > 1:
        query = query.where(*_loosely(columns))
        return _by_words(tx, query, words, wanted.words, between, upwards=upwards)
    return _ordered(query.where(*(c == v for c, v in columns)), event.seq, between, upwards=upwards)


def _loosely(columns: Sequence[tuple[Any, Any]]) -> list[ColumnElement[bool]]:
    return [
        func.nullif(col, NOBODY, type_=Uuid()) == value
        if isinstance(value, UUID)
        else col.concat("") == value
        for col, value in columns
    ]


def _index_words(wanted: LogFilter) -> list[str]:
    words = list(wanted.words)
    words += [audit.action_word(wanted.action)] if wanted.action else []
    words += [audit.outcome_word(wanted.outcome)] if wanted.outcome else []
    words += [audit.id_word("a", wanted.actor)] if wanted.actor else []
    words += [audit.id_word("c", wanted.consult_id)] if wanted.consult_id else []
    return words


_WORD = table("audit_word", column("rowid", Integer), column("audit_word", Text))


def _by_words(
    tx: Tx,
    query: Select[Any],
    words: list[str],
    plain: Sequence[str],
    between: tuple[int | None, int | None],
    *,
    upwards: bool,
) -> Select[Any]:
    """Let the index of words lead; ``plain`` are the words that are not a filter in disguise."""
    if tx.on_sqlite:
        query = query.join_from(_WORD, audit_event, audit_event.c.seq == _WORD.c.rowid + 0).where(
            _WORD.c.audit_word.op("MATCH")(" AND ".join(f'"{word}"' for word in words))
        )
        return _ordered(query, _WORD.c.rowid, between, upwards=upwards)
    walked = query.where(*_reads(plain))
    if not _is_met(tx, walked, between, upwards=upwards) and _is_rare(tx, words):
        found = query.where(_has_words(words))
        return _ordered(found, audit_event.c.seq + 0, between, upwards=upwards)
    return _ordered(walked, audit_event.c.seq, between, upwards=upwards)


def _is_met(
    tx: Tx, query: Select[Any], between: tuple[int | None, int | None], *, upwards: bool
) -> bool:
    """Say whether a page of events is met among the next few thousand: then the index is not asked.

    It would have to gather every event of a common word first, a tenth of a second for a million.
    """
    low, high = between
    if upwards:
        low = low or 0
        near = (low, min(high or low + NEAR, low + NEAR))
    else:
        high = _last_seq(tx) + 1 if high is None else high
        near = (max(low or 0, high - NEAR), high)
    some = _ordered(query, audit_event.c.seq, near, upwards=upwards).limit(PAGE + 1)
    return len(tx.connection.execute(some).all()) > PAGE


def _reads(words: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    """Yield what makes an event have the words, without their index: for walking."""
    event = audit_event.c
    held = func.concat_ws(" ", event.action, event.object_type, event.outcome, event.meta)
    for word in words:
        yield held.op("~")(f"(^|[^a-z0-9]){word}($|[^a-z0-9])")


def _has_words(words: list[str]) -> ColumnElement[bool]:
    event = audit_event.c
    held = func.curbside_words(
        event.action,
        event.object_type,
        event.outcome,
        event.meta,
        event.actor,
        event.consult_id,
        type_=ARRAY(Text),
    )
    return held.op("@>")(cast(literal(words, ARRAY(Text)), ARRAY(Text)))


def _is_rare(tx: Tx, words: list[str]) -> bool:
    """Say whether few events have the words: a planner that has not met a word guesses many."""
    event = audit_event.c
    some = select(literal(1)).where(event.seq.is_not(None), _has_words(words)).limit(RARE + 1)
    found = tx.connection.scalar(select(func.count()).select_from(some.subquery())) or 0
    return found <= RARE


def _ordered(
    query: Select[Any], place: Any, between: tuple[int | None, int | None], *, upwards: bool
) -> Select[Any]:
    low, high = between
    if low is not None:
        query = query.where(place > low)
    if high is not None:
        query = query.where(place < high)
    return query.order_by(place.asc() if upwards else place.desc())


def _bounds(tx: Tx, wanted: LogFilter) -> tuple[int | None, int | None]:
    """Return between which numbers the events of a time stand, without reading them."""
    event = audit_event.c
    low = high = None
    if wanted.since is not None:
        first = _first_at(tx, event.at >= audit.microseconds(wanted.since - SLACK))
        low = first - 1 if first is not None else _last_seq(tx)
    if wanted.until is not None:
        high = _first_at(tx, event.at >= audit.microseconds(wanted.until + SLACK))
    return low, high


def _first_at(tx: Tx, which: ColumnElement[bool]) -> int | None:
    query = (
        select(audit_event.c.seq)
        .where(which, audit_event.c.seq.is_not(None))
        .order_by(audit_event.c.at, audit_event.c.seq)
        .limit(1)
    )
    return tx.connection.scalar(query)


def _last_seq(tx: Tx) -> int:
    return audit.last_event(tx).seq


def _times(wanted: LogFilter) -> Iterator[ColumnElement[bool]]:
    at = audit_event.c.at
    if wanted.since is not None:
        yield at >= audit.microseconds(wanted.since)
    if wanted.until is not None:
        yield at < audit.microseconds(wanted.until)


def _entry(tx: Tx, row: Any) -> LogEntry:
    return LogEntry(
        seq=row.seq,
        id=row.id,
        at=audit.moment_of(row.at),
        actor=row.actor,
        pseudonym=pseudonym(tx, row.actor),
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        consult_id=row.consult_id,
        outcome=row.outcome,
        meta_json=row.meta,
    )


def log_rows(tx: Tx, wanted: LogFilter, *, after: int, through: int, limit: int) -> list[Cells]:
    """Return the next events of an export as texts, oldest first; none when it is done."""
    query = log_query(tx, wanted, before=through + 1, after=after, limit=limit)
    names: dict[UUID | None, str] = {}
    return [_cells(tx, row, names) for row in tx.connection.execute(query)]


def _cells(tx: Tx, row: Any, names: dict[UUID | None, str]) -> Cells:
    _, at, actor, action, object_type, object_id, consult_id, outcome, meta, seq = row
    if actor not in names:
        names[actor] = pseudonym(tx, actor)
    return (
        seq,
        audit.moment_of(at).isoformat(timespec="microseconds"),
        names[actor],
        action,
        object_type,
        object_id,
        consult_id.hex if consult_id else "",
        outcome,
        meta,
    )


def span(tx: Tx, wanted: LogFilter) -> tuple[int, int]:
    """Return (number before the first event, number of the last) that a filter may let through."""
    audit.catch_up(tx)
    low, high = _bounds(tx, wanted)
    last = _last_seq(tx)
    return low or 0, last if high is None else min(last, high - 1)


def actions(tx: Tx) -> tuple[str, ...]:
    """Return the actions that are on record, by jumping from one to the next in their index."""
    found: list[str] = []
    visible = _visible(tx)
    while True:
        query = select(func.min(audit_event.c.action)).where(
            audit_event.c.seq.is_not(None), *visible
        )
        if found:
            query = query.where(audit_event.c.action > found[-1])
        following = tx.connection.scalar(query)
        if following is None or len(found) >= MOST_ACTIONS:
            return tuple(found)
        found.append(following)


def last_of(tx: Tx, action: str) -> LogEntry | None:
    """Return the newest event of an action, or None."""
    query = (
        select(*SHOWN)
        .where(audit_event.c.action == action, audit_event.c.seq.is_not(None), *_visible(tx))
        .order_by(audit_event.c.seq.desc())
        .limit(1)
    )
    row = tx.connection.execute(query).first()
    return _entry(tx, row) if row else None


# --- signing the log off ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The log was looked through up to ``through``; ``overdue`` when that was over a week ago."""

    through: int
    at: datetime | None
    by: str
    overdue: bool
    newest: int


def reviewed(tx: Tx) -> Reviewed:
    """Return how far the log was looked through, and whether that is due again."""
    row = tx.connection.execute(
        select(log_review).order_by(log_review.c.through_seq.desc()).limit(1)
    ).first()
    newest = _last_seq(tx)
    if row is None:
        return Reviewed(0, None, "", overdue=True, newest=newest)
    late = tx.now - row.at > REVIEW_EVERY and newest > row.through_seq
    return Reviewed(row.through_seq, row.at, pseudonym(tx, row.person_id), late, newest)


def cases_called(tx: Tx, text: str) -> tuple[UUID, ...]:
    """Return the cases of a code such as K7, or whose identifier ends in six to twelve digits.

    The newest first, up to ten: a code is one person's, so that several may have it.
    """
    which = [consult.c.code == text.upper()]
    if ENDING.fullmatch(text.lower()):
        which.append(cast(consult.c.id, String).like("%" + text.lower()))
    query = select(consult.c.id).where(or_(*which)).order_by(consult.c.id.desc()).limit(10)
    return tuple(tx.connection.scalars(query))


ENDING = re.compile(r"[0-9a-f]{6,12}")


def sign_off(tx: Tx, who: Member, through: int) -> None:
    """Keep that the log was looked through up to an event; Conflict when somebody went further."""
    known = reviewed(tx)
    if not known.through < through <= known.newest:
        raise Conflict("log", through)
    identity = new_id()
    tx.connection.execute(
        insert(log_review).values(id=identity, person_id=who.id, through_seq=through, at=tx.now)
    )
    _record(tx, who, "log.review", meta={"through": through})


# --- consults -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultFilter:
    phase: str = ""
    code: str = ""
    owner: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultRow:
    """A consult without anything its asker wrote; ``answers`` holds codes and numbers."""

    id: UUID
    code: str
    owner_id: UUID
    pseudonym: str
    scenario_id: str
    version: str
    content_hash: str
    phase: str
    path: str
    hypothetical: bool
    answers: Mapping[str, Any]
    confidence_before: int | None
    confidence_after: int | None
    opened_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    closed_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultDetails:
    """One consult with what followed, as codes; its newest events are a page of the log."""

    row: ConsultRow
    dispositions: Mapping[str, str]
    plans: tuple[Mapping[str, Any], ...]
    reviews: tuple[Mapping[str, Any], ...]
    events: Page[LogEntry]
    glass: "Glass | None"


def consults_page(
    tx: Tx,
    wanted: ConsultFilter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = PAGE,
) -> Page[ConsultRow]:
    """Return consults, those opened last first."""
    upwards = after is not None
    query = _consults().where(*_wanted_consults(wanted))
    if before is not None:
        query = query.where(consult.c.id < before)
    if after is not None:
        query = query.where(consult.c.id > after)
    order = consult.c.id.asc() if upwards else consult.c.id.desc()
    rows = tx.connection.execute(query.order_by(order).limit(limit + 1)).all()
    found = [_consult_row(tx, row) for row in rows[:limit]]
    more = len(rows) > limit
    if upwards:
        found.reverse()
    edges = (found[0].id.hex, found[-1].id.hex) if found else (None, None)
    newer = edges[0] if (more if upwards else before is not None) else None
    return Page(tuple(found), newer, edges[1] if (more or upwards) else None)


def _consults() -> Select[Any]:
    return select(consult, content_version.c.version).outerjoin(
        content_version, content_version.c.hash == consult.c.content_hash
    )


def _wanted_consults(wanted: ConsultFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.phase:
        yield consult.c.phase == wanted.phase
    if wanted.code:
        yield consult.c.code == wanted.code
    if wanted.owner is not None:
        yield consult.c.owner_id == wanted.owner


def _consult_row(tx: Tx, row: Any) -> ConsultRow:
    names = ConsultRow.__dataclass_fields__.keys() - {"pseudonym", "version", "hypothetical"}
    return ConsultRow(
        **{name: getattr(row, name) for name in names},
        pseudonym=pseudonym(tx, row.owner_id),
        version=row.version or "",
        hypothetical=row.hypothetical_of is not None,
    )


def consult_row(tx: Tx, consult_id: UUID) -> ConsultRow:
    """Return one consult; raises NotFound."""
    row = tx.connection.execute(_consults().where(consult.c.id == consult_id)).first()
    if row is None:
        raise NotFound("consult", consult_id)
    return _consult_row(tx, row)


def consult_details(tx: Tx, who: Member, consult_id: UUID) -> ConsultDetails:
    """Return one consult with what followed; raises NotFound."""
    found = consult_row(tx, consult_id)
    chosen = tx.connection.execute(
        select(disposition.c.consideration, disposition.c.value)
        .where(disposition.c.consult_id == consult_id)
        .order_by(disposition.c.consideration)
    )
    plan_columns = [c for c in plan.c if c.name not in {"reason", "data_key_id"}]
    plans = tx.connection.execute(
        select(*plan_columns).where(plan.c.consult_id == consult_id).order_by(plan.c.revision)
    ).mappings()
    reviews = tx.connection.execute(
        select(review).where(review.c.consult_id == consult_id).order_by(review.c.due_at)
    ).mappings()
    return ConsultDetails(
        row=found,
        dispositions={row.consideration: row.value for row in chosen},
        plans=tuple(dict(each) for each in plans),
        reviews=tuple(dict(each) for each in reviews),
        events=log_page(tx, LogFilter(consult_id=consult_id), limit=200),
        glass=open_glass(tx, who, consult_id),
    )


# --- breaking the glass ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Glass:
    """Leave for one admin to read the text of one case for a while."""

    id: UUID
    consult_id: UUID
    at: datetime
    until: datetime
    reason_code: str


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the transcript with its words."""

    at: datetime
    direction: str
    kind: str
    text: str


def open_glass(tx: Tx, who: Member, consult_id: UUID) -> Glass | None:
    """Return the leave that this admin has for this case now, or None."""
    row = tx.connection.execute(
        select(break_glass)
        .where(
            break_glass.c.consult_id == consult_id,
            break_glass.c.person_id == who.id,
            break_glass.c.until > tx.now,
        )
        .order_by(break_glass.c.until.desc())
        .limit(1)
    ).first()
    return Glass(row.id, row.consult_id, row.at, row.until, row.reason_code) if row else None


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who is to be told in the chat: their private chat, and the language they read."""

    person_id: UUID
    chat_id: int
    language: str | None


@dataclass(frozen=True, slots=True)
class Broken:
    """What the asker is to be told about; ``told`` is None when they can no longer be reached."""

    code: str
    until: datetime
    reason_code: str
    told: Told | None


def break_the_glass(tx: Tx, who: Member, consult_id: UUID, code: str, reason: str) -> Broken:
    """Give leave to read one case for half an hour; its asker is to be told in the same unit.

    Raises NotFound for a case that was erased: there is nothing to read.
    """
    found = tx.connection.execute(
        select(
            consult.c.code,
            consult.c.data_key_id,
            consult.c.erased_at,
            person.c.id,
            person.c.telegram_id,
            person.c.language,
        )
        .join(person, person.c.id == consult.c.owner_id)
        .where(consult.c.id == consult_id)
    ).first()
    if found is None or found.erased_at is not None:
        raise NotFound("consult", consult_id)
    identity, until = new_id(), tx.now + GLASS_LASTS
    place = Place("break_glass", "reason", identity, consult_id)
    tx.connection.execute(
        insert(break_glass).values(
            id=identity,
            consult_id=consult_id,
            person_id=who.id,
            reason_code=code,
            reason=seal_words(tx, found.data_key_id, clean(reason), place),
            data_key_id=found.data_key_id,
            at=tx.now,
            until=until,
        )
    )
    meta: dict[str, int | str] = {"reason": code, "minutes": int(GLASS_LASTS.total_seconds()) // 60}
    _record(tx, who, "glass.break", consult_id=consult_id, meta=meta)
    return Broken(found.code, until, code, _told(found))


def _told(row: Any) -> Told | None:
    return None if row.telegram_id is None else Told(row.id, row.telegram_id, row.language)


def read_text(tx: Tx, who: Member, consult_id: UUID) -> tuple[Said, ...]:
    """Return the words of a case; raises NotFound unless this admin has leave to read them now."""
    if open_glass(tx, who, consult_id) is None:
        raise NotFound("leave to read", consult_id)
    _record(tx, who, "glass.read", consult_id=consult_id)
    rows = tx.connection.execute(
        select(transcript)
        .where(transcript.c.consult_id == consult_id)
        .order_by(transcript.c.number.desc())
        .limit(MOST_LINES)
    ).all()
    hide = consult_id in hidden_consults(tx)
    said = [_said(tx, row) for row in rows if not (hide and row.kind.startswith("opinion"))]
    opinions = () if hide else _opinion_words(tx, consult_id)
    words = [*(s for s in said if s.text), *_plan_words(tx, consult_id), *opinions]
    return tuple(sorted(words, key=_at))


def _at(said: Said) -> datetime:
    return said.at


def _said(tx: Tx, row: Any) -> Said:
    words = _opened(tx, row, "content")
    if not words and row.params is not None:
        params = _opened(tx, row, "params")
        words = params if params == UNREADABLE else _words_of(json.loads(params))
    return Said(row.created_at, row.direction, row.kind, words)


def _words_of(params: Mapping[str, Any]) -> str:
    return str(params.get("text") or params.get("caption") or "")


def _opened(tx: Tx, row: Any, name: str) -> str:
    sealed = getattr(row, name)
    place = Place("transcript", name, row.id, row.consult_id)
    return "" if sealed is None else unreadable.words(tx, row.data_key_id, sealed, place)


def _plan_words(tx: Tx, consult_id: UUID) -> Iterator[Said]:
    """Yield why something was decided, and why it continues."""
    for kept, at in ((plan, plan.c.at), (review, review.c.answered_at)):
        query = select(kept, at.label("said_at")).where(
            kept.c.consult_id == consult_id, kept.c.reason.is_not(None)
        )
        for row in tx.connection.execute(query).all():
            place = Place(kept.name, "reason", row.id, consult_id)
            words = unreadable.words(tx, row.data_key_id, row.reason, place)
            yield Said(row.said_at, "in", kept.name, words)


def _opinion_words(tx: Tx, consult_id: UUID) -> Iterator[Said]:
    """Yield the reasons of the opinions on a case, and what was said in its discussion."""
    for kept, name in ((opinion, "reason"), (comment, "content")):
        query = select(kept).where(kept.c.consult_id == consult_id, kept.c[name].is_not(None))
        for row in tx.connection.execute(query).all():
            place = Place(kept.name, name, row.id, consult_id)
            words = unreadable.words(tx, row.data_key_id, getattr(row, name), place)
            yield Said(row.at, "in", kept.name, words)


# --- people ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """A person as the console lists them; ``name`` only while somebody has to decide about them.

    Never their role: opinions stand by role, and a name beside it would tell whose they are.
    """

    id: UUID
    pseudonym: str
    name: str
    telegram_id: int | None
    status: str
    is_admin: bool
    is_author: bool
    created_at: datetime
    unreachable_at: datetime | None
    sessions: int


MOVES: Mapping[str, tuple[str, ...]] = {
    "pending": ("approved", "suspended"),
    "approved": ("suspended",),
    "suspended": ("approved",),
}
"""Which status an admin can give after which."""


def people_page(tx: Tx, status: str, *, before: UUID | None, limit: int = PAGE) -> Page[PersonRow]:
    """Return people, the newest first; only those of ``status`` where it is given."""
    query = select(person).where(person.c.status != "deleted")
    if status:
        query = query.where(person.c.status == status)
    if before is not None:
        query = query.where(person.c.id < before)
    rows = tx.connection.execute(query.order_by(person.c.id.desc()).limit(limit + 1)).all()
    sessions = _session_counts(tx, [row.id for row in rows])
    found = [_person_row(tx, row, sessions.get(row.id, 0)) for row in rows[:limit]]
    older = found[-1].id.hex if len(rows) > limit else None
    return Page(tuple(found), None, older)


def person_row(tx: Tx, person_id: UUID, *, named: bool = False) -> PersonRow:
    """Return one person; raises NotFound."""
    row = tx.connection.execute(select(person).where(person.c.id == person_id)).first()
    if row is None:
        raise NotFound("person", person_id)
    return _person_row(tx, row, _session_counts(tx, [person_id]).get(person_id, 0), named=named)


def _session_counts(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = tx.connection.execute(
        select(web_session.c.person_id, func.count())
        .where(
            web_session.c.person_id.in_(ids),
            web_session.c.ends_at > tx.now,
            web_session.c.revoked_at.is_(None),
        )
        .group_by(web_session.c.person_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def _person_row(tx: Tx, row: Any, sessions: int, *, named: bool = False) -> PersonRow:
    shown = named or row.status == "pending"
    place = Place("person", "name", row.id)
    readable = shown and row.name is not None
    return PersonRow(
        id=row.id,
        pseudonym=pseudonym(tx, row.id),
        name=unreadable.words(tx, row.data_key_id, row.name, place) if readable else "",
        telegram_id=row.telegram_id if shown else None,
        status=row.status,
        is_admin=row.is_admin,
        is_author=row.is_author,
        created_at=row.created_at,
        unreachable_at=row.unreachable_at,
        sessions=sessions,
    )


def decide(tx: Tx, who: Member, person_id: UUID, *, expected: str, to: str) -> Told | None:
    """Approve, suspend or readmit somebody; return who may begin now and is to be told, if anybody.

    Of two who decide at once the second gets Conflict. Nobody decides about themselves.
    """
    if to not in MOVES.get(expected, ()) or person_id == who.id:
        raise Conflict("person", person_id)
    changed = tx.connection.execute(
        update(person)
        .where(person.c.id == person_id, person.c.status == expected)
        .values(status=to)
        .returning(person.c.id, person.c.telegram_id, person.c.language)
    ).first()
    if changed is None:
        raise Conflict("person", person_id)
    meta = {"from": expected, "to": to}
    _record(tx, who, "person.status", kind="person", object_id=person_id, meta=meta)
    if to == "suspended":
        sign_in.revoke_all(tx, person_id, by=who.id)
        return None
    return _told(changed)


def set_author(tx: Tx, who: Member, person_id: UUID, *, on: bool) -> None:
    """Let somebody change content, or no longer."""
    changed = tx.connection.execute(
        update(person)
        .where(person.c.id == person_id, person.c.is_author != on)
        .values(is_author=on)
    ).rowcount
    if not changed:
        raise Conflict("person", person_id)
    _record(tx, who, "person.author", kind="person", object_id=person_id, meta={"to": int(on)})


def person_by_name(tx: Tx, who: Member, person_id: UUID) -> PersonRow:
    """Return one person with their name, which is put on record."""
    _record(tx, who, "person.name_read", kind="person", object_id=person_id)
    return person_row(tx, person_id, named=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRow:
    """A team by its pseudonym, in numbers."""

    id: UUID
    pseudonym: str
    members: int
    groups: int
    """Telegram groups that hear of its cases."""
    cases: int
    """Shared with it now."""
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """Somebody who is in a team, or was, and as what."""

    id: UUID
    pseudonym: str
    role: str
    status: str
    joined_at: datetime
    left_at: datetime | None


def team_rows(tx: Tx) -> tuple[TeamRow, ...]:
    """Return the teams, the newest first, up to 500."""
    query = select(team.c.id, team.c.created_at, team.c.ended_at)
    rows = tx.connection.execute(query.order_by(team.c.id.desc()).limit(MOST_TEAMS)).all()
    return _counted_teams(tx, rows)


def team_row(tx: Tx, team_id: UUID) -> TeamRow:
    """Return one team; raises NotFound."""
    query = select(team.c.id, team.c.created_at, team.c.ended_at).where(team.c.id == team_id)
    rows = _counted_teams(tx, tx.connection.execute(query).all())
    if not rows:
        raise NotFound("team", team_id)
    return rows[0]


def _counted_teams(tx: Tx, rows: Sequence[Any]) -> tuple[TeamRow, ...]:
    ids = [row.id for row in rows]

    def counted(column: Any, *which: ColumnElement[bool]) -> Mapping[UUID, int]:
        query = select(column, func.count()).where(column.in_(ids), *which).group_by(column)
        return {row[0]: int(row[1]) for row in tx.connection.execute(query)}

    members = counted(team_member.c.team_id, team_member.c.left_at.is_(None))
    bound = counted(
        team_group.c.team_id, team_group.c.bound_at.is_not(None), team_group.c.ended_at.is_(None)
    )
    cases = counted(share.c.team_id, share.c.revoked_at.is_(None), share.c.expires_at > tx.now)
    return tuple(
        TeamRow(
            id=row.id,
            pseudonym=teams.pseudonym(tx, row.id),
            members=members.get(row.id, 0),
            groups=bound.get(row.id, 0),
            cases=cases.get(row.id, 0),
            created_at=row.created_at,
            ended_at=row.ended_at,
        )
        for row in rows
    )


def member_rows(tx: Tx, team_id: UUID) -> tuple[MemberRow, ...]:
    """Return who is in a team and who was, those present first."""
    rows = tx.connection.execute(
        select(team_member, person.c.status)
        .join(person, person.c.id == team_member.c.person_id)
        .where(team_member.c.team_id == team_id)
        .order_by(team_member.c.left_at.is_not(None), team_member.c.joined_at)
    )
    return tuple(
        MemberRow(
            row.person_id,
            pseudonym(tx, row.person_id),
            row.role,
            row.status,
            row.joined_at,
            row.left_at,
        )
        for row in rows
    )


def team_by_name(tx: Tx, who: Member, team_id: UUID) -> str:
    """Return the name of a team, which is put on record; NotFound once it has ended."""
    found = teams.load(tx, team_id)
    _record(tx, who, "team.name_read", kind="team", object_id=team_id)
    return found.name


# --- content, integrity, system -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContentRow:
    hash: str
    scenario_id: str
    version: str
    first_seen_at: datetime


def content_rows(tx: Tx) -> tuple[ContentRow, ...]:
    """Return the scenario versions in use or used before, the newest first."""
    columns = [c for c in content_version.c if c.name != "body"]
    rows = tx.connection.execute(
        select(*columns).order_by(content_version.c.first_seen_at.desc(), content_version.c.hash)
    )
    return tuple(
        ContentRow(row.hash, row.scenario_id, row.version, row.first_seen_at) for row in rows
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What is known about the log and the keys without reading through them."""

    newest: int
    unsealed: int
    anchors: tuple[tuple[int, datetime], ...]
    """(event, when) of the newest signed checkpoints."""
    keys_since: datetime | None
    """When the newest key-encryption key was first used."""
    keys_older: int
    """Data keys still wrapped by an older one."""
    verified: LogEntry | None
    purged: LogEntry | None


def integrity(tx: Tx) -> Integrity:
    """Return what the page on integrity shows at once."""
    anchors = tx.connection.execute(
        select(audit_checkpoint.c.seq, audit_checkpoint.c.at)
        .order_by(audit_checkpoint.c.seq.desc())
        .limit(5)
    )
    newest_key = data_key.c.kek_id == tx.keys.newest
    older = select(func.count()).where(data_key.c.wrapped.is_not(None), not_(newest_key))
    return Integrity(
        newest=_last_seq(tx),
        unsealed=_unsealed(tx),
        anchors=tuple((row.seq, audit.moment_of(row.at)) for row in anchors),
        keys_since=tx.connection.scalar(select(func.min(data_key.c.created_at)).where(newest_key)),
        keys_older=tx.connection.scalar(older) or 0,
        verified=last_of(tx, "audit.verify"),
        purged=last_of(tx, "retention.run"),
    )


def _unsealed(tx: Tx) -> int:
    waiting = select(literal(1)).where(audit_event.c.seq.is_(None)).limit(RARE)
    return tx.connection.scalar(select(func.count()).select_from(waiting.subquery())) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """How the process is doing, as far as the database knows."""

    waiting: int
    oldest: datetime | None
    given_up: Mapping[str, int]
    """Error code -> messages that were given up in the last week."""
    letters: int
    reviews_late: int
    size_bytes: int


def system(tx: Tx) -> System:
    """Return queue depths, errors of the last week, and the size of the database."""
    open_rows = transcript.c.state.in_(("waiting", "sending"))
    queue = tx.connection.execute(
        select(func.count(), func.min(transcript.c.created_at)).where(
            open_rows, transcript.c.direction == "out"
        )
    ).one()
    late = select(func.count()).where(
        review.c.state == "waiting", review.c.send_at < tx.now - timedelta(minutes=5)
    )
    return System(
        waiting=int(queue[0]),
        oldest=queue[1],
        given_up=given_up(tx, tx.now - timedelta(days=7), tx.now),
        letters=_letters(tx),
        reviews_late=tx.connection.scalar(late) or 0,
        size_bytes=_size(tx),
    )


def given_up(tx: Tx, since: datetime, until: datetime) -> Mapping[str, int]:
    """Return error code -> messages made in this time that were given up."""
    rows = tx.connection.execute(
        select(transcript.c.error_code, func.count())
        .where(
            text("state = 'dead'"),
            transcript.c.created_at >= since,
            transcript.c.created_at < until,
        )
        .group_by(transcript.c.error_code)
        .order_by(func.count().desc(), transcript.c.error_code)
    )
    return {str(code or "unknown"): int(number) for code, number in rows}


def put_away(tx: Tx, since: datetime, until: datetime) -> Mapping[str, int]:
    """Return reason -> updates of this time that could not be handled."""
    rows = tx.connection.execute(
        select(dead_letter.c.reason, func.count())
        .where(dead_letter.c.at >= since, dead_letter.c.at < until)
        .group_by(dead_letter.c.reason)
        .order_by(func.count().desc(), dead_letter.c.reason)
    )
    return {str(reason): int(number) for reason, number in rows}


def _letters(tx: Tx) -> int:
    some = (
        select(literal(1))
        .where(dead_letter.c.replayed_at.is_(None), dead_letter.c.expires_at > tx.now)
        .limit(RARE)
    )
    return tx.connection.scalar(select(func.count()).select_from(some.subquery())) or 0


def replay(tx: Tx, who: Member, letter_id: UUID) -> None:
    """Have the bot handle an update once more; raises NotFound when it is gone."""
    letters.replay(tx, letter_id)
    _record(tx, who, "dead_letter.replay", kind="dead_letter", object_id=letter_id)


def _size(tx: Tx) -> int:
    if tx.on_sqlite:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(tx.connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    return int(
        tx.connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    )


def _record(
    tx: Tx,
    who: Member,
    action: str,
    *,
    kind: str = "consult",
    object_id: UUID | None = None,
    consult_id: UUID | None = None,
    meta: Mapping[str, int | str] | None = None,
) -> None:
    about = object_id or consult_id
    audit.record(
        tx,
        audit.Event(
            actor=who.id,
            action=action,
            object_type=kind if about else "log",
            object_id=about or "",
            consult_id=consult_id,
            meta=meta or {},
        ),
    )
