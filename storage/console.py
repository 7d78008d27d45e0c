"""What the admin console asks the database: codes, times and pseudonyms, never words.

Nothing here counts a large table. Lists are read in pages from a place in an index, both ways.
While a round of opinions is open its events are left out, see `hidden_consults`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    column,
    func,
    insert,
    literal,
    not_,
    select,
    table,
    text,
    tuple_,
    update,
)

from storage import access, audit, people
from storage.errors import NotFound
from storage.ids import new_id
from storage.people import Person
from storage.schema import (
    audit_checkpoint,
    audit_event,
    break_glass,
    consult,
    content_version,
    data_key,
    disposition,
    log_review,
    person,
    plan,
    review,
    transcript,
    web_session,
)
from storage.sealing import Place, blind_index, seal, unseal
from storage.transaction import Tx

Member: TypeAlias = Person
R = TypeVar("R")

PAGE = 50
RARE = 10_000
"""A word that fewer events have than this is looked up; a common one is met while walking."""

SLACK = timedelta(hours=1)
"""How far the order of the log and the order of its times may differ: clocks are set back."""

GLASS_LASTS = timedelta(minutes=30)
REVIEW_EVERY = timedelta(days=7)
MOST_LINES = 200
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
    meta: Mapping[str, int | str]


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


def hidden_consults(tx: Tx) -> frozenset[UUID]:
    """Return the consults with an open round of opinions: nothing of it is shown or counted yet."""
    return frozenset()


def _visible(tx: Tx) -> list[ColumnElement[bool]]:
    hidden = hidden_consults(tx)
    if not hidden:
        return []
    event = audit_event.c
    return [not_(and_(event.action.startswith("opinion."), event.consult_id.in_(hidden)))]


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
    audit.seal(tx)
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
    query = select(audit_event).where(audit_event.c.seq.is_not(None), *_visible(tx))
    query = query.where(*_times(wanted))
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
            query = query.where(_has_words(list(wanted.words)))
        return _ordered(query, event.seq, between, upwards=upwards)
    words = _index_words(wanted)
    if wanted.words or len(columns) > 1:
        query = query.where(*_loosely(columns))
        return _by_words(tx, query, words, between, upwards=upwards)
    return _ordered(query.where(*(c == v for c, v in columns)), event.seq, between, upwards=upwards)


def _loosely(columns: Sequence[tuple[Any, Any]]) -> list[ColumnElement[bool]]:
    return [
        (func.coalesce(col, value) == value) & col.is_not(None)
        if isinstance(value, UUID)
        else (col.concat("") == value)
        for col, value in columns
    ]


def _index_words(wanted: LogFilter) -> list[str]:
    words = list(wanted.words)
    words += [audit.action_word(wanted.action)] if wanted.action else []
    words += [audit.outcome_word(wanted.outcome)] if wanted.outcome else []
    words += [audit.id_word("a", wanted.actor)] if wanted.actor else []
    words += [audit.id_word("c", wanted.consult_id)] if wanted.consult_id else []
    return words


_WORD = table("audit_word", column("rowid"), column("audit_word"))


def _by_words(
    tx: Tx,
    query: Select[Any],
    words: list[str],
    between: tuple[int | None, int | None],
    *,
    upwards: bool,
) -> Select[Any]:
    if tx.on_sqlite:
        query = query.join_from(_WORD, audit_event, audit_event.c.seq == _WORD.c.rowid).where(
            _WORD.c.audit_word.op("MATCH")(" AND ".join(f'"{word}"' for word in words))
        )
        return _ordered(query, _WORD.c.rowid, between, upwards=upwards)
    query = query.where(_has_words(words))
    if _is_rare(tx, words):
        return _ordered(query, audit_event.c.seq + 0, between, upwards=upwards)
    return _ordered(query, audit_event.c.seq, between, upwards=upwards)


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
    return held.contains(cast(literal(words, ARRAY(Text)), ARRAY(Text)))


def _is_rare(tx: Tx, words: list[str]) -> bool:
    """Say whether few events have the words: a planner that has not met a word guesses many."""
    some = select(literal(1)).select_from(audit_event).where(_has_words(words)).limit(RARE + 1)
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
        meta=audit.meta_of(row.meta),
    )
