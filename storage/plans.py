"""Dispositions, plans and their reviews."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from json import loads
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from dialogs.phases import ENDED
from storage import audit, unreadable
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.ids import new_id
from storage.schema import (
    audit_event,
    closeout,
    consult,
    disposition,
    person,
    plan,
    review,
    transcript,
)
from storage.sealing import Place, seal_words
from storage.transaction import Tx

Kind = Literal["review", "deadline"]
State = Literal["waiting", "sent", "answered", "dropped"]

MOST_DUE = 500
"""Reviews taken up in one sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was decided and agreed, as codes; ``days`` are counted from ``start_at``."""

    id: UUID
    consult_id: UUID
    revision: int
    step: str
    decided: str
    alternative: int | None
    agreed: str
    safeguards: tuple[str, ...]
    stop: str
    days: tuple[int, ...]
    start_at: datetime
    reason: str | None
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One moment at which the person is asked; ``day`` is None for the step's own deadline."""

    id: UUID
    consult_id: UUID
    person_id: UUID
    plan_revision: int | None
    kind: Kind
    day: int | None
    due_at: datetime
    send_at: datetime
    state: State
    outcome: str | None
    answered_at: datetime | None
    reason: str | None = field(default=None, repr=False)

    @property
    def holds_at(self) -> datetime:
        """The moment that holds: the plan's, or the later one to which it was put off."""
        return self.send_at


@dataclass(frozen=True, slots=True)
class Entry:
    """A review as a calendar knows it: ``uid`` stays when the plan is changed or the day moves."""

    uid: UUID
    review: Review


@dataclass(frozen=True, slots=True)
class Due:
    """A review whose time has come, with what a notification may say."""

    review: Review
    telegram_id: int
    language: str | None
    code: str
    short: str


@dataclass(frozen=True, slots=True)
class Stranded:
    """A case with reviews to come whose owner can no longer be asked."""

    consult_id: UUID
    code: str
    short: str
    owner_id: UUID
    because: Literal["unreachable", "suspended"]


@dataclass(frozen=True, slots=True)
class Closeout:
    """What the asker said at the end, as codes; None where they did not say."""

    changed: str | None = None
    worth: str | None = None


# --- dispositions -----------------------------------------------------------------------------


def dispose(tx: Tx, stored: StoredConsult, consideration: str, value: str | None) -> None:
    """Keep what the person does about a consideration; None takes it back."""
    tx.connection.execute(
        delete(disposition).where(
            disposition.c.consult_id == stored.id, disposition.c.consideration == consideration
        )
    )
    if value is not None:
        tx.connection.execute(
            insert(disposition).values(
                consult_id=stored.id, consideration=consideration, value=value, at=tx.now
            )
        )


def dispositions(tx: Tx, consult_id: UUID) -> Mapping[str, str]:
    """Return consideration -> code."""
    rows = tx.connection.execute(
        select(disposition.c.consideration, disposition.c.value)
        .where(disposition.c.consult_id == consult_id)
        .order_by(disposition.c.consideration)
    )
    return {row.consideration: row.value for row in rows}


# --- plans ------------------------------------------------------------------------------------


def record_plan(tx: Tx, stored: StoredConsult, by: UUID, choices: Mapping[str, Any]) -> Plan:
    """Keep a plan as the next revision; ``choices`` has the names of `Plan`'s own fields."""
    latest = tx.connection.scalar(
        select(func.max(plan.c.revision)).where(plan.c.consult_id == stored.id)
    )
    row_id = new_id()
    reason = choices.get("reason")
    place = Place("plan", "reason", row_id, stored.id)
    tx.connection.execute(
        insert(plan).values(
            id=row_id,
            consult_id=stored.id,
            revision=(latest or 0) + 1,
            step=choices["step"],
            decided=choices["decided"],
            alternative=choices.get("alternative"),
            agreed=choices["agreed"],
            safeguards=list(choices["safeguards"]),
            stop=choices["stop"],
            days=list(choices["days"]),
            start_at=choices["start_at"],
            reason=None if reason is None else seal_words(tx, stored.data_key_id, reason, place),
            data_key_id=stored.data_key_id,
            by=by,
            at=tx.now,
        )
    )
    found = plan_of(tx, stored)
    if found is None:
        raise NotFound("plan", row_id)
    return found


def plan_of(tx: Tx, stored: StoredConsult) -> Plan | None:
    """Return the newest revision of the case's plan, or None."""
    found = plans_of(tx, stored)
    return found[-1] if found else None


def plans_of(tx: Tx, stored: StoredConsult) -> tuple[Plan, ...]:
    """Return every revision, first to last."""
    rows = tx.connection.execute(
        select(plan).where(plan.c.consult_id == stored.id).order_by(plan.c.revision)
    ).all()
    return tuple(_plan(tx, row) for row in rows)


def _plan(tx: Tx, row: Row[Any]) -> Plan:
    place = Place("plan", "reason", row.id, row.consult_id)
    reason = (
        None if row.reason is None else unreadable.words(tx, row.data_key_id, row.reason, place)
    )
    return Plan(
        id=row.id,
        consult_id=row.consult_id,
        revision=row.revision,
        step=row.step,
        decided=row.decided,
        alternative=row.alternative,
        agreed=row.agreed,
        safeguards=tuple(row.safeguards),
        stop=row.stop,
        days=tuple(row.days),
        start_at=row.start_at,
        reason=reason,
        by=row.by,
        at=row.at,
    )


# --- reviews ----------------------------------------------------------------------------------


def schedule(
    tx: Tx,
    stored: StoredConsult,
    reviews: Iterable[tuple[Kind, int | None, datetime, datetime]],
    plan_revision: int | None = None,
) -> None:
    """Ask at these moments: (kind, day, due, to be sent); what waited of the same kind is dropped."""
    wanted = list(reviews)
    for kind in {each[0] for each in wanted}:
        drop_waiting(tx, stored.id, kind)
    for kind, day, due_at, send_at in wanted:
        tx.connection.execute(
            insert(review).values(
                id=new_id(),
                consult_id=stored.id,
                person_id=stored.owner_id,
                plan_revision=plan_revision,
                kind=kind,
                day=day,
                due_at=due_at,
                send_at=send_at,
                state="waiting",
            )
        )


def drop_waiting(tx: Tx, consult_id: UUID, kind: Kind | None = None) -> int:
    """Stop the reviews that have not been asked about, and return how many that were."""
    of_kind = [review.c.kind == kind] if kind else []
    return tx.connection.execute(
        update(review)
        .where(review.c.consult_id == consult_id, review.c.state == "waiting", *of_kind)
        .values(state="dropped")
    ).rowcount


def reviews_of(tx: Tx, consult_id: UUID) -> tuple[Review, ...]:
    """Return the case's reviews that were not dropped, in the order in which they fall due."""
    rows = tx.connection.execute(
        select(review)
        .where(review.c.consult_id == consult_id, review.c.state != "dropped")
        .order_by(review.c.due_at, review.c.id)
    ).all()
    return tuple(_review(tx, row) for row in rows)


def calendar_of(tx: Tx, consult_id: UUID) -> tuple[Entry, ...]:
    """Return the reviews to come, and those that fell away, as entries of a calendar.

    Planned anew before it was asked about, a review of the same day is the same entry.
    """
    rows = tx.connection.execute(
        select(review).where(review.c.consult_id == consult_id).order_by(review.c.id)
    ).all()
    open_: dict[tuple[Kind, int | None], int] = {}
    entries: list[Entry] = []
    for found in (_review(tx, row) for row in rows):
        place = open_.get((found.kind, found.day))
        if place is None or entries[place].review.state in ("sent", "answered"):
            open_[found.kind, found.day] = len(entries)
            entries.append(Entry(found.id, found))
        else:
            entries[place] = Entry(entries[place].uid, found)
    shown = [each for each in entries if each.review.state in ("waiting", "dropped")]
    return tuple(sorted(shown, key=lambda each: (each.review.holds_at, each.uid)))


def calendars_taken(tx: Tx, consult_id: UUID) -> int:
    """Return how many calendar files of a case were sent so far."""
    query = select(audit_event.c.meta).where(
        audit_event.c.consult_id == consult_id, audit_event.c.action == "consult.export"
    )
    return sum(loads(meta).get("form") == "ics" for meta in tx.connection.scalars(query))


def review_by_id(tx: Tx, identity: UUID) -> Review:
    """Return one review; raises NotFound."""
    row = tx.connection.execute(select(review).where(review.c.id == identity)).first()
    if row is None:
        raise NotFound("review", identity)
    return _review(tx, row)


def _review(tx: Tx, row: Row[Any]) -> Review:
    place = _reason_place(row.id, row.consult_id)
    reason = (
        None if row.reason is None else unreadable.words(tx, row.data_key_id, row.reason, place)
    )
    return Review(
        id=row.id,
        consult_id=row.consult_id,
        person_id=row.person_id,
        plan_revision=row.plan_revision,
        kind=row.kind,
        day=row.day,
        due_at=row.due_at,
        send_at=row.send_at,
        state=row.state,
        outcome=row.outcome,
        answered_at=row.answered_at,
        reason=reason,
    )


def _reason_place(review_id: UUID, consult_id: UUID) -> Place:
    return Place("review", "reason", review_id, consult_id)


def take_due(tx: Tx) -> tuple[Due, ...]:
    """Mark the reviews whose time has come as sent, and return them; nobody else gets them.

    Whoever could not be reached keeps theirs waiting.
    """
    rows = tx.connection.execute(
        select(review, person.c.telegram_id, person.c.language, consult.c.code, consult.c.short)
        .join(person, person.c.id == review.c.person_id)
        .join(consult, consult.c.id == review.c.consult_id)
        .where(
            review.c.state == "waiting",
            review.c.send_at <= tx.now,
            person.c.status == "approved",
            person.c.unreachable_at.is_(None),
            consult.c.erased_at.is_(None),
            consult.c.phase.not_in(ENDED),
        )
        .order_by(review.c.send_at, review.c.id)
        .limit(MOST_DUE)
        .with_for_update(of=review, skip_locked=True)
    ).all()
    ids = [row.id for row in rows]
    if ids:
        tx.connection.execute(
            update(review).where(review.c.id.in_(ids)).values(state="sent", sent_at=tx.now)
        )
    return tuple(
        Due(_review(tx, row), row.telegram_id, row.language, row.code, row.short) for row in rows
    )


def record_sent(tx: Tx, found: Review) -> None:
    """Put on record that somebody is asked about a review."""
    _record(tx, found.id, found.consult_id, "review.send", None)


def wait_again(tx: Tx, telegram_id: int) -> int:
    """Leave reviews waiting whose notification never got through; return how many that were."""
    unsent = select(transcript.c.created_at).where(
        transcript.c.chat_id == telegram_id,
        transcript.c.kind == "reminder",
        transcript.c.state.in_(("waiting", "sending")),
    )
    who = select(person.c.id).where(person.c.telegram_id == telegram_id)
    return tx.connection.execute(
        update(review)
        .where(review.c.person_id.in_(who), review.c.state == "sent", review.c.sent_at.in_(unsent))
        .values(state="waiting")
    ).rowcount


def answer_review(tx: Tx, found: Review, outcome: str, by: UUID) -> None:
    """Keep the outcome of a review; answering it again replaces the answer and its reason.

    Raises Conflict for a review that was dropped: the plan was changed, or the case ended.
    """
    changed = tx.connection.execute(
        update(review)
        .where(review.c.id == found.id, review.c.state != "dropped")
        .values(state="answered", outcome=outcome, answered_at=tx.now, reason=None)
    ).rowcount
    if not changed:
        raise Conflict("review", found.id)
    _record(tx, found.id, found.consult_id, "review.answer", by, outcome=outcome)


def _record(
    tx: Tx, review_id: UUID, consult_id: UUID, action: str, by: UUID | None, **meta: int | str
) -> None:
    event = audit.Event(
        actor=by,
        action=action,
        object_type="review",
        object_id=review_id,
        consult_id=consult_id,
        meta=meta,
    )
    audit.record(tx, event)


def give_reason(tx: Tx, stored: StoredConsult, found: Review, words: str) -> None:
    """Keep why a review came out as it did; the words have passed the identifier guard."""
    sealed = seal_words(tx, stored.data_key_id, words, _reason_place(found.id, stored.id))
    tx.connection.execute(
        update(review)
        .where(review.c.id == found.id)
        .values(reason=sealed, data_key_id=stored.data_key_id)
    )
    _record(tx, found.id, stored.id, "review.reason", stored.owner_id)


def snooze(tx: Tx, found: Review, until: datetime, by: UUID | None = None) -> None:
    """Ask again at ``until``; one that was answered is not asked again. ``by`` is None for the clock."""
    changed = tx.connection.execute(
        update(review)
        .where(review.c.id == found.id, review.c.state.in_(("waiting", "sent")))
        .values(state="waiting", send_at=until)
    ).rowcount
    if not changed:
        raise Conflict("review", found.id)
    _record(tx, found.id, found.consult_id, "review.snooze", by)


def give_to(tx: Tx, consult_id: UUID, new_owner: UUID) -> None:
    """Send the reviews that still wait to the case's new owner."""
    tx.connection.execute(
        update(review)
        .where(review.c.consult_id == consult_id, review.c.state == "waiting")
        .values(person_id=new_owner)
    )


def waiting_for(tx: Tx, person_id: UUID) -> tuple[Review, ...]:
    """Return the reviews that a person is still to be asked about."""
    rows = tx.connection.execute(
        select(review)
        .where(review.c.person_id == person_id, review.c.state == "waiting")
        .order_by(review.c.due_at, review.c.id)
    ).all()
    return tuple(_review(tx, row) for row in rows)


def move(tx: Tx, found: Review, due_at: datetime, send_at: datetime) -> None:
    """Ask at another moment, as when the person lives by another clock now."""
    tx.connection.execute(
        update(review).where(review.c.id == found.id).values(due_at=due_at, send_at=send_at)
    )


def purge_reasons(tx: Tx, before: datetime, limit: int) -> int:
    """Remove the words with which something was decided or continued before a moment; codes stay.

    Returns how many were removed, ``limit`` at most: then there may be more.
    """
    removed = 0
    for table, at in ((plan, plan.c.at), (review, review.c.answered_at)):
        old = select(table.c.id).where(at < before, table.c.reason.is_not(None))
        statement = update(table).where(table.c.id.in_(old.limit(limit - removed)))
        removed += tx.connection.execute(statement.values(reason=None)).rowcount
    return removed


# --- owners who cannot be asked any more ------------------------------------------------------

_GONE = (person.c.status != "approved") | person.c.unreachable_at.is_not(None)


def take_stranded(tx: Tx) -> tuple[Stranded, ...]:
    """Return cases whose owner can no longer be asked, once; who came back is forgotten here."""
    back = select(person.c.id).where(
        person.c.status == "approved", person.c.unreachable_at.is_(None)
    )
    tx.connection.execute(
        update(review)
        .where(review.c.state == "waiting", review.c.told_at.is_not(None))
        .where(review.c.person_id.in_(back))
        .values(told_at=None)
    )
    rows = tx.connection.execute(
        select(review.c.id, review.c.consult_id, consult.c.code, consult.c.short)
        .add_columns(consult.c.owner_id, person.c.status)
        .join(person, person.c.id == review.c.person_id)
        .join(consult, consult.c.id == review.c.consult_id)
        .where(review.c.state == "waiting", review.c.told_at.is_(None), _GONE)
        .where(consult.c.erased_at.is_(None))
        .order_by(review.c.consult_id)
        .limit(MOST_DUE)
        .with_for_update(of=review, skip_locked=True)
    ).all()
    tx.connection.execute(
        update(review).where(review.c.id.in_([row.id for row in rows])).values(told_at=tx.now)
    )
    return tuple({row.consult_id: _stranded(row) for row in rows}.values())


def _stranded(row: Row[Any]) -> Stranded:
    because: Literal["unreachable", "suspended"]
    because = "unreachable" if row.status == "approved" else "suspended"
    return Stranded(row.consult_id, row.code, row.short, row.owner_id, because)


def is_stranded(tx: Tx, stored: StoredConsult) -> bool:
    """Tell whether the owner of a case can no longer be asked."""
    query = select(person.c.id).where(person.c.id == stored.owner_id, _GONE)
    return tx.connection.scalar(query) is not None


# --- the end ----------------------------------------------------------------------------------


def closeout_of(tx: Tx, consult_id: UUID) -> Closeout:
    """Return what the asker said at the end."""
    row = tx.connection.execute(
        select(closeout.c.changed, closeout.c.worth).where(closeout.c.consult_id == consult_id)
    ).first()
    return Closeout(row.changed, row.worth) if row else Closeout()


def keep_closeout(tx: Tx, consult_id: UUID, said: Closeout) -> None:
    """Keep what the asker said at the end, in place of what they said before."""
    tx.connection.execute(delete(closeout).where(closeout.c.consult_id == consult_id))
    values = {"consult_id": consult_id, "changed": said.changed, "worth": said.worth}
    tx.connection.execute(insert(closeout).values(**values, at=tx.now))
