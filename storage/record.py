"""The record of a case, read from what is kept of it: the asker's own, or what is open to others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from dialogs.content import Scenario
from dialogs.followup import zone_of
from dialogs.phases import ADVISED
from dialogs.record.building import Case, Days, Given, Planned, Reviewed, record_of
from dialogs.record.team import Asked, Comment, Round, team_sections
from dialogs.record.values import Record, Section
from storage import audit, clarifying, consults, discussion, people, plans, rounds, shares
from storage.consults import ABSENT, StoredConsult
from storage.discussion import REMOVALS
from storage.errors import NotFound
from storage.people import Person
from storage.plans import Plan, Review
from storage.shares import Publication
from storage.transaction import Tx

ScenarioOf: TypeAlias = Callable[[Tx, str | None], Scenario]


def record_for(
    tx: Tx,
    reader: Person | None,
    stored: StoredConsult,
    scenario_of: ScenarioOf,
    *,
    lasting: bool = False,
) -> Record:
    """Return the record as ``reader`` may see it; see ``facts_for``."""
    facts = facts_for(tx, reader, stored, scenario_of, lasting=lasting)
    return facts.record


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What a record is put together from; doing so takes no transaction, which others wait for."""

    case: Case
    days: Days

    @property
    def record(self) -> Record:
        return record_of(self.case, self.days)


def facts_for(
    tx: Tx,
    reader: Person | None,
    stored: StoredConsult,
    scenario_of: ScenarioOf,
    *,
    lasting: bool = False,
) -> RecordFacts:
    """Return what ``reader`` may see of a case; None reads through a link.

    The caller has asked for leave. Others see what was published of the case, and no calendar
    date; through a link only that. ``lasting`` is for what is kept or passed on: nothing of a
    round that still runs.
    """
    if reader is None:
        return _through_a_link(tx, stored, scenario_of)
    if reader.id == stored.owner_id:
        scenario = scenario_of(tx, stored.content_hash)
        case = _own(tx, stored, scenario)
    else:
        shown = _newest(tx, stored)
        scenario = scenario_of(tx, shown.content_hash)
        case = _published(tx, stored, shown, scenario)
    days = _days(tx, stored, dates=case.version is None)
    team = _team(tx, reader, stored, scenario, days, lasting=lasting)
    return RecordFacts(replace(case, team=team), days)


def _newest(tx: Tx, stored: StoredConsult) -> Publication:
    shown = shares.published(tx, stored.id)
    if shown is None:
        raise NotFound("publication", stored.id)
    return shown


def _through_a_link(tx: Tx, stored: StoredConsult, scenario_of: ScenarioOf) -> RecordFacts:
    """Return what the preview showed: the answers as checked and what follows from them.

    Nothing that was there before and taken back, nothing that came later, nothing others said.
    """
    shown = _newest(tx, stored)
    case = Case(
        code=stored.code,
        phase="advised",
        hypothetical=False,
        scenario=scenario_of(tx, shown.content_hash),
        answers=shown.answers,
        shown=shown.answers,
        opened_at=stored.opened_at,
        version=shown.number,
        version_at=shown.at,
    )
    return RecordFacts(case, _days(tx, stored, dates=False))


READ = ("page", "chat")
"""The forms in which a case is only looked at."""


def on_record(tx: Tx, reader: Person | None, stored: StoredConsult, form: str) -> None:
    """Put on record that somebody read or took the record of a case; ``form`` is a code."""
    event = audit.Event(
        actor=None if reader is None else reader.id,
        action="consult.read" if form in READ else "consult.export",
        object_type="consult",
        object_id=stored.id,
        consult_id=stored.id,
        meta={"form": form},
    )
    audit.record(tx, event)


def _days(tx: Tx, stored: StoredConsult, *, dates: bool) -> Days:
    zone = people.get(tx, stored.owner_id).time_zone
    return Days(stored.opened_at, zone_of(zone), dates)


# --- the case ---------------------------------------------------------------------------------


def _own(tx: Tx, stored: StoredConsult, scenario: Scenario) -> Case:
    """Return everything that is kept of a case."""
    end = plans.closeout_of(tx, stored.id)
    return Case(
        code=stored.code,
        phase=stored.phase,
        hypothetical=stored.hypothetical_of is not None,
        scenario=scenario,
        answers=stored.answers,
        shown=_shown(stored),
        opened_at=stored.opened_at,
        sure_before=stored.confidence_before,
        sure_after=stored.confidence_after,
        given=tuple(_given(each) for each in consults.history(tx, stored.id)),
        dispositions=plans.dispositions(tx, stored.id),
        plans=tuple(_planned(each) for each in plans.plans_of(tx, stored)),
        reviews=tuple(_reviewed(each) for each in plans.reviews_of(tx, stored.id)),
        changed=end.changed,
        worth=end.worth,
    )


def _published(tx: Tx, stored: StoredConsult, shown: Publication, scenario: Scenario) -> Case:
    """Return what members may see: the answers as published, how they came to be, plan and outcome.

    What is done about each consideration, how sure the asker is, what they said at the end, and
    the asker's words stay theirs.
    """
    own = _own(tx, stored, scenario)
    return replace(
        own,
        answers=shown.answers,
        shown=shown.answers,
        version=shown.number,
        version_at=shown.at,
        sure_before=None,
        sure_after=None,
        given=tuple(given for given in own.given if given.at <= shown.at),
        dispositions={},
        plans=tuple(replace(plan, reason=None) for plan in own.plans),
        reviews=tuple(replace(review, reason=None) for review in own.reviews),
        changed=None,
        worth=None,
    )


def _shown(stored: StoredConsult) -> Mapping[str, Any] | None:
    """Return the answers of the summary as it stood; None where none was shown.

    They stand in the draft, which is deleted after a while: then the answers are the same ones.
    """
    kept = stored.draft.get("shown")
    if kept is not None:
        return dict(kept)
    stands = stored.phase in (*ADVISED, "stopped") or stored.finished_at is not None
    return stored.answers if stands else None


def _given(change: consults.AnswerChange) -> Given:
    value = None if change.new is ABSENT else change.new
    return Given(change.question, value, change.via, change.at)


def _planned(plan: Plan) -> Planned:
    return Planned(
        revision=plan.revision,
        step=plan.step,
        decided=plan.decided,
        alternative=plan.alternative,
        agreed=plan.agreed,
        safeguards=plan.safeguards,
        stop=plan.stop,
        reason=plan.reason,
        at=plan.at,
        start_at=plan.start_at,
    )


def _reviewed(review: Review) -> Reviewed:
    return Reviewed(
        day=review.day,
        due_at=review.holds_at,
        state=review.state,
        outcome=review.outcome,
        answered_at=review.answered_at,
        reason=review.reason,
    )


# --- what others thought and said ---------------------------------------------------------------


def _team(
    tx: Tx,
    reader: Person,
    stored: StoredConsult,
    scenario: Scenario,
    days: Days,
    *,
    lasting: bool,
) -> tuple[Section, ...]:
    who = reader.id
    found = [
        rounds.shown(tx, each, who, lasting=lasting) for each in rounds.rounds_of(tx, stored.id)
    ]
    hidden = discussion.hidden(tx, stored.id, who, lasting=lasting)
    said = discussion.shown(tx, stored.id, who, lasting=lasting)
    return team_sections(
        [_round(each) for each in found],
        [_asked(each) for each in clarifying.of_case(tx, stored.id)],
        None if hidden else [_comment(each) for each in said],
        scenario,
        days,
    )


def _round(shown: rounds.Shown) -> Round:
    about = shown.round
    return Round(
        opened_at=about.opened_at,
        closed_at=about.closed_at,
        closed=about.closed,
        opinions=None if shown.hidden else shown.opinions,
        removed=shown.removed,
    )


def _asked(found: clarifying.Clarification) -> Asked:
    return Asked(
        question=found.question,
        role=found.role,
        asked_at=found.asked_at,
        settled_at=found.settled_at,
        settled=found.settled,
    )


def _comment(found: discussion.Comment) -> Comment:
    return Comment(
        role=found.role,
        at=found.at,
        text=found.text,
        edited=found.edited_at is not None,
        gone=REMOVALS.get(found.removed or "", "") if found.removed_at is not None else "",
    )
