"""Rounds of opinions: each thinks alone first; what the others think shows once one has said so.

A round runs until the asker or time closes it. Until then what somebody thinks, and whether they
said so, reaches only those who have said what they think themselves.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Select, delete, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from dialogs.opinions import Opinion
from storage import audit, shares, transcript, unreadable
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.ids import new_id, new_short
from storage.people import Person
from storage.schema import opinion, opinion_draft, opinion_round, person, publication
from storage.sealing import Place, seal, seal_words, unseal
from storage.text import clean
from storage.transaction import Tx

Closed: TypeAlias = Literal["asker", "time"]

LASTS = timedelta(days=3)
"""How long people have to think, unless the asker closes the round before."""

MOST_DUE = 100
"""Rounds closed in one sweep."""

CHOICES = ("concern", "step", "leans_on", "sure")
"""What an opinion consists of, in the order in which it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Those a case is open to are asked what they think of it."""

    id: UUID
    short: str
    consult_id: UUID
    opened_by: UUID
    opened_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    closed: Closed | None

    @property
    def running(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has chosen so far and not given."""

    choices: Mapping[str, str] = field(default_factory=dict)
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Given:
    """The opinion of one person as it stands now."""

    revision: int
    choices: Mapping[str, str]
    role: str
    reason: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """What one reader may see of a round; nothing at all, not even a number, while it is hidden."""

    round: Round
    hidden: bool
    opinions: tuple[Opinion, ...] = ()
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Giver:
    """Somebody who said what they think, as far as a notification needs."""

    person_id: UUID
    telegram_id: int
    language: str | None


# --- rounds -----------------------------------------------------------------------------------


def open_round(tx: Tx, stored: StoredConsult, by: UUID, lasts: timedelta = LASTS) -> Round:
    """Ask those a case is open to what they think; a round that runs already goes on."""
    values: dict[str, Any] = {
        "id": new_id(),
        "short": new_short(),
        "consult_id": stored.id,
        "opened_by": by,
        "opened_at": tx.now,
        "ends_at": tx.now + lasts,
    }
    statement = insert_or_not(opinion_round).values(values).on_conflict_do_nothing()
    if tx.connection.scalar(statement.returning(opinion_round.c.id)) is not None:
        _record(tx, "round.open", by, stored.id, round_id=values["id"], hours=_hours(lasts))
    found = running(tx, stored.id)
    if found is None:  # pragma: no cover - the row is there, inserted or found
        raise NotFound("round", stored.id)
    return found


def running(tx: Tx, consult_id: UUID) -> Round | None:
    """Return the round of a case that runs, or None."""
    mine = opinion_round.c.consult_id == consult_id
    query = select(opinion_round).where(mine, opinion_round.c.closed_at.is_(None))
    row = tx.connection.execute(query).first()
    return _round(row) if row else None


def rounds_of(tx: Tx, consult_id: UUID) -> tuple[Round, ...]:
    """Return the rounds about a case, the first opened first."""
    query = select(opinion_round).where(opinion_round.c.consult_id == consult_id)
    rows = tx.connection.execute(query.order_by(opinion_round.c.opened_at, opinion_round.c.id))
    return tuple(_round(row) for row in rows)


def closed_of(tx: Tx, consult_ids: Sequence[UUID]) -> tuple[Round, ...]:
    """Return the rounds about some cases that are closed, the first opened first."""
    mine = opinion_round.c.consult_id.in_(consult_ids)
    query = select(opinion_round).where(mine, opinion_round.c.closed_at.is_not(None))
    rows = tx.connection.execute(query.order_by(opinion_round.c.opened_at, opinion_round.c.id))
    return tuple(_round(row) for row in rows)


def latest(tx: Tx, consult_id: UUID) -> Round | None:
    """Return the round about a case that was opened last, or None."""
    found = rounds_of(tx, consult_id)
    return found[-1] if found else None


def by_short(tx: Tx, short: str) -> Round:
    """Return a round by the id that callback data carries; NotFound when there is none."""
    row = tx.connection.execute(_one(short)).first()
    if row is None:
        raise NotFound("round", short)
    return _round(row)


def close(tx: Tx, about: Round, by: UUID | None, how: Closed) -> None:
    """Close a round: from now on its opinions show. Conflict when somebody closed it before."""
    changed = tx.connection.execute(
        update(opinion_round)
        .where(opinion_round.c.id == about.id, opinion_round.c.closed_at.is_(None))
        .values(closed_at=tx.now, closed=how)
    ).rowcount
    if not changed:
        raise Conflict("round", about.id)
    tx.connection.execute(delete(opinion_draft).where(opinion_draft.c.round_id == about.id))
    _record(tx, "round.close", by, about.consult_id, round_id=about.id, how=how)


def due(tx: Tx) -> tuple[Round, ...]:
    """Return rounds whose time is over and that nobody else is closing."""
    query = (
        select(opinion_round)
        .where(opinion_round.c.closed_at.is_(None), opinion_round.c.ends_at <= tx.now)
        .order_by(opinion_round.c.ends_at, opinion_round.c.id)
        .limit(MOST_DUE)
        .with_for_update(skip_locked=True)
    )
    return tuple(_round(row) for row in tx.connection.execute(query).all())


def hidden_consults(tx: Tx) -> frozenset[UUID]:
    """Return the cases with a round that runs: what is said about them is not told or counted."""
    query = select(opinion_round.c.consult_id).where(opinion_round.c.closed_at.is_(None))
    return frozenset(tx.connection.scalars(query.distinct()))


# --- giving an opinion ------------------------------------------------------------------------


def draft(tx: Tx, about: Round, person_id: UUID) -> Draft:
    """Return what a person has chosen so far; empty when they have not begun."""
    query = select(opinion_draft).where(*_drafted(about, person_id))
    row = tx.connection.execute(query).first()
    if row is None:
        return Draft()
    return Draft(
        json.loads(_opened(tx, "opinion_draft", "choices", row)),
        _opened(tx, "opinion_draft", "reason", row),
    )


def keep_draft(tx: Tx, stored: StoredConsult, about: Round, who: Person, kept: Draft) -> None:
    """Keep what a person has chosen so far; a reason has passed the identifier guard."""
    drop_draft(tx, about, who.id)
    tx.connection.execute(
        insert(opinion_draft).values(
            round_id=about.id,
            person_id=who.id,
            **_words(tx, stored, "opinion_draft", dict(kept.choices), kept.reason),
        )
    )


def drop_draft(tx: Tx, about: Round, person_id: UUID) -> None:
    tx.connection.execute(delete(opinion_draft).where(*_drafted(about, person_id)))


def give(
    tx: Tx, stored: StoredConsult, about: Round, who: Person, kept: Draft, *, base: int
) -> Given:
    """Give an opinion, or change it: ``base`` is the revision that the person was shown, 0 for none.

    Conflict when the round is closed, or another device was first: nothing is written then.
    """
    _require_running(tx, about)
    mine, others = given(tx, about, who.id), _others_gave(tx, about, who.id)
    values = {
        "round_id": about.id,
        "person_id": who.id,
        "revision": base + 1,
        "publication": _publication(tx, stored.id),
        "saw_others": base > 0 and others,
        **_words(tx, stored, "opinion", {**kept.choices, "role": who.role or ""}, kept.reason),
    }
    statement = insert_or_not(opinion).values(values).on_conflict_do_nothing()
    written = tx.connection.scalar(statement.returning(opinion.c.id))
    if written is None or (mine.revision if mine else 0) != base:
        raise Conflict("opinion", about.id)
    drop_draft(tx, about, who.id)
    _record(tx, "opinion.give", who.id, stored.id, round_id=about.id, revision=base + 1)
    return Given(base + 1, kept.choices, who.role or "", kept.reason, tx.now)


def given(tx: Tx, about: Round, person_id: UUID) -> Given | None:
    """Return what a person thinks, as they said last; None when they did not."""
    row = tx.connection.execute(
        select(opinion)
        .where(opinion.c.round_id == about.id, opinion.c.person_id == person_id)
        .order_by(opinion.c.revision.desc())
        .limit(1)
    ).first()
    if row is None or row.choices is None:
        return None
    choices = json.loads(_opened(tx, "opinion", "choices", row))
    role = choices.pop("role")
    return Given(row.revision, choices, role, _opened(tx, "opinion", "reason", row), row.at)


# --- who sees what ----------------------------------------------------------------------------


def sees(tx: Tx, about: Round, person_id: UUID | None) -> bool:
    """Tell whether the opinions of a round show to somebody who may read its case."""
    return not about.running or (person_id is not None and _gave(tx, about, person_id))


def shown(tx: Tx, about: Round, person_id: UUID | None, *, lasting: bool = False) -> Shown:
    """Return what a reader may see of a round, in the order given.

    The caller has made sure that they may read the case; ``person_id`` is None for whoever reads
    through a link. ``lasting`` is for what is kept or passed on (a file): it never holds a round
    that still runs, whoever asks for it.
    """
    if (lasting and about.running) or not sees(tx, about, person_id):
        return Shown(about, hidden=True)
    rows = tx.connection.execute(_current(about)).all()
    newest = _publication(tx, about.consult_id)
    places = {who: place for place, who in enumerate(_in_order(tx, about))}
    found = [
        _opinion(tx, row, places[row.person_id], newest, own=row.person_id == person_id)
        for row in rows
        if row.choices is not None
    ]
    found.sort(key=lambda each: each.place)
    return Shown(about, hidden=False, opinions=tuple(found), removed=len(rows) - len(found))


def record_look(tx: Tx, about: Round, person_id: UUID) -> None:
    """Put on record that somebody looked at a round, or tapped in it; hidden as long as it runs.

    Everybody who comes near a round leaves such events, whether they give an opinion or not: so the
    gaps that it leaves in the numbers of the log count nothing.
    """
    _record(tx, "opinion.read", person_id, about.consult_id, round_id=about.id)


def opinion_givers(
    tx: Tx, consult_id: UUID, round_id: UUID | None = None, *, expired: bool = False
) -> tuple[Giver, ...]:
    """Return who gave an opinion on a case (in one round) and can still be told about it.

    Whoever the case is not open to any more, was suspended or forgotten is told nothing; with
    ``expired`` it is enough that the case was open to them until its time was up.
    """
    of_round = [] if round_id is None else [opinion.c.round_id == round_id]
    rows = tx.connection.execute(
        select(person.c.id, person.c.telegram_id, person.c.language)
        .join(opinion, opinion.c.person_id == person.c.id)
        .where(
            opinion.c.consult_id == consult_id,
            opinion.c.choices.is_not(None),
            person.c.status == "approved",
            person.c.telegram_id.is_not(None),
            *of_round,
        )
        .distinct()
        .order_by(person.c.id)
    ).all()
    readers = shares.readers(tx, consult_id, expired=expired)
    return tuple(Giver(r.id, r.telegram_id, r.language) for r in rows if r.id in readers)


# --- what goes --------------------------------------------------------------------------------


def forget(tx: Tx, person_id: UUID) -> None:
    """Remove what a person thinks; that somebody's opinion went is all that stays."""
    theirs = select(opinion.c.consult_id).where(opinion.c.person_id == person_id).distinct()
    for consult_id in tx.connection.scalars(theirs).all():
        transcript.take_back(tx, consult_id)
    tx.connection.execute(delete(opinion_draft).where(opinion_draft.c.person_id == person_id))
    tx.connection.execute(
        update(opinion).where(opinion.c.person_id == person_id).values(choices=None, reason=None)
    )


def of_person(tx: Tx, person_id: UUID) -> list[dict[str, Any]]:
    """Return every opinion a person gave, for the file of their own data."""
    rows = tx.connection.execute(
        select(opinion)
        .where(opinion.c.person_id == person_id, opinion.c.choices.is_not(None))
        .order_by(opinion.c.at, opinion.c.id)
    ).all()
    return [
        {
            "case": str(row.consult_id),
            "revision": row.revision,
            "choices": json.loads(_opened(tx, "opinion", "choices", row)),
            "reason": _opened(tx, "opinion", "reason", row),
            "at": row.at.isoformat(),
        }
        for row in rows
    ]


def purge_reasons(tx: Tx, before: datetime, limit: int) -> int:
    """Remove the typed reasons given before a moment; what was tapped stays."""
    old = (
        select(opinion.c.id)
        .where(opinion.c.at < before, opinion.c.reason.is_not(None))
        .limit(limit)
    )
    statement = update(opinion).where(opinion.c.id.in_(old)).values(reason=None)
    return tx.connection.execute(statement).rowcount


# --- rows -------------------------------------------------------------------------------------


def _one(short: str) -> Select[Any]:
    return select(opinion_round).where(opinion_round.c.short == short)


def _require_running(tx: Tx, about: Round) -> None:
    """Raise Conflict unless a round runs; nobody closes it before this transaction has ended."""
    now = tx.connection.execute(_one(about.short).with_for_update()).first()
    if now is None or now.closed_at is not None:
        raise Conflict("round", about.id)


def _gave(tx: Tx, about: Round, person_id: UUID) -> bool:
    mine = (opinion.c.round_id == about.id) & (opinion.c.person_id == person_id)
    query = select(exists().where(mine, opinion.c.choices.is_not(None)))
    return bool(tx.connection.scalar(query))


def _others_gave(tx: Tx, about: Round, person_id: UUID) -> bool:
    others = (opinion.c.round_id == about.id) & (opinion.c.person_id != person_id)
    return bool(tx.connection.scalar(select(exists().where(others))))


def _current(about: Round) -> Select[Any]:
    """Return the newest revision of each person's opinion."""
    later = opinion.alias()
    newer = exists().where(
        later.c.round_id == opinion.c.round_id,
        later.c.person_id == opinion.c.person_id,
        later.c.revision > opinion.c.revision,
    )
    return select(opinion).where(opinion.c.round_id == about.id, ~newer)


def _in_order(tx: Tx, about: Round) -> Sequence[UUID]:
    """Return who said what they think, those who said it first first."""
    query = select(opinion.c.person_id).where(
        opinion.c.round_id == about.id, opinion.c.revision == 1
    )
    return tx.connection.scalars(query.order_by(opinion.c.at, opinion.c.id)).all()


def _opinion(tx: Tx, row: Row[Any], place: int, newest: int, *, own: bool) -> Opinion:
    choices = json.loads(_opened(tx, "opinion", "choices", row))
    return Opinion(
        concern=choices["concern"],
        step=choices["step"],
        leans_on=choices["leans_on"],
        sure=int(choices["sure"]),
        role=choices["role"],
        reason=_opened(tx, "opinion", "reason", row),
        place=place,
        changed=row.saw_others,
        outdated=row.publication < newest,
        own=own,
    )


def _publication(tx: Tx, consult_id: UUID) -> int:
    """Return the number of the version of a case that others see now; 0 before the first."""
    query = select(func.max(publication.c.number)).where(publication.c.consult_id == consult_id)
    return tx.connection.scalar(query) or 0


def _round(row: Row[Any]) -> Round:
    return Round(**{name: getattr(row, name) for name in Round.__slots__})


def _drafted(about: Round, person_id: UUID) -> Iterable[Any]:
    return opinion_draft.c.round_id == about.id, opinion_draft.c.person_id == person_id


def _words(
    tx: Tx, stored: StoredConsult, table: str, choices: Mapping[str, str], reason: str
) -> dict[str, Any]:
    """Return the columns that an opinion and its draft have in common, sealed for a new row."""
    identity, key_id, words = new_id(), stored.data_key_id, clean(reason)
    place = Place(table, "choices", identity, stored.id)
    sealed = {"choices": seal(tx, key_id, json.dumps(choices), place)}
    if words:
        sealed["reason"] = seal_words(tx, key_id, words, replace(place, column="reason"))
    key = {"data_key_id": key_id}
    return {"id": identity, "consult_id": stored.id, "at": tx.now, **key, **sealed}


def _opened(tx: Tx, table: str, name: str, row: Row[Any]) -> str:
    sealed = getattr(row, name)
    place = Place(table, name, row.id, row.consult_id)
    if sealed is None:
        return ""
    read = unreadable.words if name == "reason" else unseal
    return read(tx, row.data_key_id, sealed, place)


def _hours(lasts: timedelta) -> int:
    return int(lasts.total_seconds()) // 3600


def _record(
    tx: Tx, action: str, by: UUID | None, consult_id: UUID, *, round_id: UUID, **meta: int | str
) -> None:
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action=action,
            object_type="round",
            object_id=round_id,
            consult_id=consult_id,
            meta=meta,
        ),
    )
