"""The record of a case, read from what is kept of it."""

from dialogs.content import Scenario
from dialogs.followup import zone_of
from dialogs.phases import ADVISED
from dialogs.record.building import Case, Days, Given, Planned, Reviewed, record_of
from dialogs.record.values import Record
from storage import audit, consults, people, plans
from storage.consults import ABSENT, StoredConsult
from storage.people import Person
from storage.plans import Plan, Review
from storage.transaction import Tx


def record_for(tx: Tx, reader: Person, stored: StoredConsult, scenario: Scenario) -> Record:
    """Return the record as ``reader`` may see it: calendar dates for the asker only.

    The caller has asked for leave. The same case as it stands gives the same record.
    """
    own = reader.id == stored.owner_id
    zone = people.get(tx, stored.owner_id).time_zone
    return record_of(case_of(tx, stored, scenario), Days(stored.opened_at, zone_of(zone), own))


def case_of(tx: Tx, stored: StoredConsult, scenario: Scenario) -> Case:
    """Return everything that the record tells of a case."""
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


def on_record(tx: Tx, reader: Person, stored: StoredConsult, form: str) -> None:
    """Put on record that somebody read or took the record of a case; ``form`` is a code."""
    event = audit.Event(
        actor=reader.id,
        action="consult.read" if form == "page" else "consult.export",
        object_type="consult",
        object_id=stored.id,
        consult_id=stored.id,
        meta={"form": form},
    )
    audit.record(tx, event)


def _shown(stored: StoredConsult) -> dict[str, object] | None:
    """Return the answers of the summary as it stood; None where none was shown.

    They stand in the draft, which is deleted after a while: then the answers are the same ones.
    """
    kept = stored.draft.get("shown")
    if kept is not None:
        return dict(kept)
    stands = stored.phase in (*ADVISED, "stopped") or stored.finished_at is not None
    return dict(stored.answers) if stands else None


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
        due_at=review.due_at,
        state=review.state,
        outcome=review.outcome,
        answered_at=review.answered_at,
        reason=review.reason,
    )
