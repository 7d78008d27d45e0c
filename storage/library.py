"""The case library: shared cases that their askers let a team find by coded answers, and how they went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from storage import audit, consults, plans, shares, teams
from storage.consults import StoredConsult
from storage.plans import Plan
from storage.schema import consult, library_case, publication, share
from storage.transaction import Tx

MOST_SEARCHED: Final = 500
"""The newest cases of a library, among which similar ones are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryCase:
    """A case that can be found, as it was published."""

    consult_id: UUID
    code: str
    content_hash: str
    answers: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a case: its plan, and (day of the review, outcome's code) in order."""

    plan: Plan | None
    outcomes: tuple[tuple[int | None, str], ...]


_later = publication.alias()
_NEWEST = (
    select(func.max(_later.c.number))
    .where(_later.c.consult_id == publication.c.consult_id)
    .correlate(publication)
    .scalar_subquery()
)


def teams_of(tx: Tx, stored: StoredConsult) -> frozenset[UUID]:
    """Return the teams that may find a case."""
    query = select(library_case.c.team_id).where(library_case.c.consult_id == stored.id)
    return frozenset(tx.connection.scalars(query))


def opt_in(tx: Tx, stored: StoredConsult, by: UUID) -> int:
    """Let the teams that a case is shared with find it; return how many teams that are."""
    found = {s.team_id for s in shares.active(tx, stored.id) if s.team_id is not None}
    for team_id in found:
        values = {"consult_id": stored.id, "team_id": team_id, "at": tx.now}
        tx.connection.execute(insert_or_not(library_case).values(values).on_conflict_do_nothing())
    _record(tx, stored, "library.opt_in", by, teams=len(found))
    return len(found)


def opt_out(tx: Tx, stored: StoredConsult, by: UUID) -> None:
    """Take a case out of every library."""
    mine = library_case.c.consult_id == stored.id
    tx.connection.execute(delete(library_case).where(mine))
    _record(tx, stored, "library.opt_out", by)


def cases(tx: Tx, reader: UUID, besides: UUID, scenario_id: str) -> list[LibraryCase]:
    """Return the cases that a person may find, another one left out; the newest first.

    Found are cases of the teams the person is in now whose share was not taken back; leaving a team
    takes one's shares back.
    """
    mine = [joined.team.id for joined in teams.of_person(tx, reader)]
    ids = (
        select(library_case.c.consult_id)
        .join(
            share,
            (share.c.consult_id == library_case.c.consult_id)
            & (share.c.team_id == library_case.c.team_id),
        )
        .where(library_case.c.team_id.in_(mine), share.c.revoked_at.is_(None))
    )
    rows = tx.connection.execute(
        select(consult.c.id, consult.c.code, publication.c.content_hash, publication.c.answers)
        .join(publication, publication.c.consult_id == consult.c.id)
        .where(
            publication.c.number == _NEWEST,
            consult.c.id.in_(ids),
            consult.c.id != besides,
            consult.c.scenario_id == scenario_id,
            consult.c.erased_at.is_(None),
        )
        .order_by(consult.c.id.desc())
        .limit(MOST_SEARCHED)
    )
    return [
        LibraryCase(
            consult_id=row.id, code=row.code, content_hash=row.content_hash, answers=row.answers
        )
        for row in rows
    ]


def became(tx: Tx, consult_id: UUID) -> Became:
    """Return what became of a case."""
    reviews = plans.reviews_of(tx, consult_id)
    return Became(
        plans.plan_of(tx, consults.load(tx, consult_id)),
        tuple((each.day, each.outcome) for each in reviews if each.outcome is not None),
    )


def _record(tx: Tx, about: StoredConsult, action: str, by: UUID, **meta: int | str) -> None:
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action=action,
            object_type="consult",
            object_id=about.id,
            consult_id=about.id,
            meta=meta,
        ),
    )
