"""Plans and reviews as they are kept: sent once however many look, moved with the case, told about."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storage import console, consults, handovers, people, plans, shares, teams
from storage.access import POLICY, Action, allowed
from storage.console import Said
from storage.consults import StoredConsult
from storage.database import Database, open_database
from storage.errors import Conflict, NotFound
from storage.handovers import Handover
from storage.keys import Keyring
from storage.people import Person
from storage.plans import Closeout, Due
from storage.retention import my_data, purge_all
from storage.transaction import Tx
from tests.databases import Clock

CHOICES: dict[str, Any] = {
    "step": "STEP_90D_PLAN",
    "decided": "other",
    "agreed": "client",
    "safeguards": ["naloxone"],
    "stop": "open",
    "days": [30],
    "reason": "the client asked for time",
}


class Planned:
    """Ana's case with a plan and ten reviews; Ben is in her team, Dan is a stranger."""

    def __init__(self, tx: Tx) -> None:
        self.ana, self.ben, self.dan = (
            people.get_or_create(tx, number, "Somebody") for number in (1, 2, 3)
        )
        made = consults.create(tx, self.ana, scenario_id="mat_pain", content_hash="h")
        self.case: StoredConsult = consults.save(tx, replace(made, phase="planned"), made.revision)
        self.team = teams.create(tx, self.ana.id, "Team")
        teams.accept(tx, self.ben.id, teams.invite(tx, self.team, "lead", self.ana.id).token)
        self.plan = plans.record_plan(tx, self.case, self.ana.id, {**CHOICES, "start_at": tx.now})
        due = tx.now + timedelta(days=30)
        plans.schedule(tx, self.case, [("review", day, due, due) for day in range(10)], 1)

    def goes_on(self, tx: Tx) -> None:
        """Answer the first review: it continues, for a reason."""
        first = plans.reviews_of(tx, self.case.id)[0]
        plans.answer_review(tx, first, "continued", self.ana.id)
        plans.give_reason(tx, self.case, first, "function is better")

    def share(self, tx: Tx) -> None:
        shown = shares.publish(tx, self.case, self.ana.id)
        shares.with_team(tx, shown, self.team.id, self.ana.id)


@pytest.fixture
async def planned(database: Database) -> Planned:
    return await database.write(Planned)


async def asked(database: Database, clock: Clock) -> tuple[Due, ...]:
    clock.moves(days=30)
    return await database.write(plans.take_due)


# --- sent once ----------------------------------------------------------------------------------


async def test_replicas_that_look_at_the_same_time_send_each_review_once(
    database: Database, database_url: str, keys: Keyring, clock: Clock, planned: Planned
) -> None:
    clock.moves(days=30)
    replicas = 0 if database_url.startswith("sqlite") else 3
    others = [open_database(database_url, keys, clock) for _ in range(replicas)]
    try:
        found = await asyncio.gather(
            *(each.write(plans.take_due) for each in (database, *others) for _ in range(5))
        )
    finally:
        for each in others:
            await each.close()

    sent = [due.review.id for batch in found for due in batch]
    assert len(sent) == len(set(sent)) == 10


async def test_a_closed_case_is_not_asked_about(
    database: Database, clock: Clock, planned: Planned
) -> None:
    case = planned.case
    await database.write(lambda tx: consults.save(tx, replace(case, phase="closed"), case.revision))

    assert await asked(database, clock) == ()


# --- what came of it ----------------------------------------------------------------------------


async def test_an_outcome_is_kept_with_its_reason_and_another_takes_its_place(
    database: Database, planned: Planned
) -> None:
    await database.write(planned.goes_on)
    [kept] = [r for r in await database.read(reviews_of(planned)) if r.outcome]
    assert (kept.outcome, kept.reason) == ("continued", "function is better")

    await database.write(lambda tx: plans.answer_review(tx, kept, "on_plan", planned.ana.id))
    [kept] = [r for r in await database.read(reviews_of(planned)) if r.outcome]
    assert (kept.outcome, kept.reason) == ("on_plan", None)


def reviews_of(planned: Planned) -> Any:
    return lambda tx: plans.reviews_of(tx, planned.case.id)


async def test_an_admin_who_has_leave_reads_both_reasons(
    database: Database, planned: Planned
) -> None:
    await database.write(planned.goes_on)
    await database.write(lambda tx: people.set_admin(tx, planned.dan, is_admin=True, by=None))

    def read(tx: Tx) -> tuple[Said, ...]:
        admin = console.member(tx, planned.dan.id)
        console.break_the_glass(tx, admin, planned.case.id, "legal", "A request of a court")
        return console.read_text(tx, admin, planned.case.id)

    said = {each.kind: each.text for each in await database.write(read)}
    assert said["plan"] == "the client asked for time"
    assert said["review"] == "function is better"


async def test_reasons_are_kept_as_long_as_other_texts_and_the_codes_stay(
    database: Database, clock: Clock, planned: Planned
) -> None:
    await database.write(planned.goes_on)
    clock.moves(days=179)
    assert await purge_all(database) == 0
    clock.moves(days=2)
    assert await purge_all(database) == 2

    [kept] = [r for r in await database.read(reviews_of(planned)) if r.outcome]
    plan = await database.read(lambda tx: plans.plan_of(tx, planned.case))
    assert (kept.outcome, kept.reason) == ("continued", None)
    assert plan is not None
    assert (plan.decided, plan.reason) == ("other", None)


async def test_a_dropped_review_is_not_answered(database: Database, planned: Planned) -> None:
    def drop_and_answer(tx: Tx) -> None:
        first = plans.reviews_of(tx, planned.case.id)[0]
        plans.drop_waiting(tx, planned.case.id)
        plans.answer_review(tx, first, "on_plan", planned.ana.id)

    with pytest.raises(Conflict):
        await database.write(drop_and_answer)


async def test_what_was_said_at_the_end_is_kept_in_its_newest_form(
    database: Database, planned: Planned
) -> None:
    case = planned.case.id
    assert await database.read(lambda tx: plans.closeout_of(tx, case)) == Closeout()

    await database.write(lambda tx: plans.keep_closeout(tx, case, Closeout("yes", None)))
    await database.write(lambda tx: plans.keep_closeout(tx, case, Closeout("partly", "no")))

    assert await database.read(lambda tx: plans.closeout_of(tx, case)) == Closeout("partly", "no")


async def test_ones_data_hold_reasons_and_what_was_said_at_the_end(
    database: Database, planned: Planned
) -> None:
    await database.write(
        lambda tx: plans.keep_closeout(tx, planned.case.id, Closeout("yes", "yes"))
    )
    await database.write(
        lambda tx: handovers.offer(tx, planned.case, planned.ben.id, planned.ana.id)
    )

    found = await database.read(lambda tx: my_data(tx, planned.ana.id))

    [case] = found["consults"]
    assert case["plans"][0]["reason"] == "the client asked for time"
    assert case["closeout"] == {"changed": "yes", "worth": "yes"}
    assert [each["state"] for each in case["handovers"]] == ["offered"]


async def test_an_erased_case_keeps_nothing_of_it(database: Database, planned: Planned) -> None:
    def erase(tx: Tx) -> None:
        plans.keep_closeout(tx, planned.case.id, Closeout("yes", "yes"))
        handovers.offer(tx, planned.case, planned.ben.id, planned.ana.id)
        consults.erase(tx, planned.case.id, by=planned.ana.id)

    await database.write(erase)

    def left(tx: Tx) -> int:
        tables = ("plan", "review", "closeout", "handover")
        counts = (
            tx.connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()  # noqa: S608
            for name in tables
        )
        return sum(int(count or 0) for count in counts)

    assert await database.read(left) == 0


# --- owners who are gone ------------------------------------------------------------------------


async def test_a_stranded_case_is_told_about_once_until_its_owner_is_back(
    database: Database, planned: Planned
) -> None:
    assert await database.write(plans.take_stranded) == ()
    await database.write(lambda tx: people.set_unreachable(tx, 1))

    [found] = await database.write(plans.take_stranded)
    assert (found.consult_id, found.because) == (planned.case.id, "unreachable")
    assert await database.write(plans.take_stranded) == ()

    await database.write(lambda tx: people.set_reachable(tx, 1))
    await database.write(plans.take_stranded)
    await database.write(lambda tx: people.set_status(tx, planned.ana, "suspended", by=None))
    [again] = await database.write(plans.take_stranded)
    assert again.because == "suspended"


# --- from one to another ------------------------------------------------------------------------


async def may(database: Database, who: Person, about: StoredConsult | Handover) -> set[str]:
    """Return which actions of a handover somebody may do."""
    found = await database.read(lambda tx: {a for a in POLICY if allowed(tx, who, a, about)})
    wanted = (Action.CONSULT_HAND_OVER, Action.CONSULT_TAKE_OVER, Action.HANDOVER_ANSWER)
    return found & set(wanted)


async def test_who_may_hand_over_accept_and_take_over(database: Database, planned: Planned) -> None:
    ana, ben, dan, case = planned.ana, planned.ben, planned.dan, planned.case
    made = await database.write(lambda tx: handovers.offer(tx, case, ben.id, ana.id))
    assert await may(database, ana, case) == {Action.CONSULT_HAND_OVER}
    assert await may(database, ben, made) == {Action.HANDOVER_ANSWER}
    assert await may(database, ana, made) == set()

    await database.write(planned.share)
    assert await may(database, ben, case) == set()
    await database.write(lambda tx: people.set_unreachable(tx, 1))

    assert await may(database, ben, case) == {Action.CONSULT_TAKE_OVER}
    assert await may(database, dan, case) == set()


async def test_a_case_moves_with_its_reviews_and_its_shares(
    database: Database, clock: Clock, planned: Planned
) -> None:
    await database.write(planned.share)
    made = await database.write(
        lambda tx: handovers.offer(tx, planned.case, planned.ben.id, planned.ana.id)
    )

    moved = await database.write(lambda tx: handovers.accept(tx, made, planned.ben.id))

    assert moved.owner_id == planned.ben.id
    assert {due.telegram_id for due in await asked(database, clock)} == {2}
    assert {s.by for s in await database.read(lambda tx: shares.of_consult(tx, moved.id))} == {
        planned.ben.id
    }


async def test_an_offer_is_answered_once_and_the_newest_stands(
    database: Database, planned: Planned
) -> None:
    ana, ben, case = planned.ana, planned.ben, planned.case
    first = await database.write(lambda tx: handovers.offer(tx, case, ben.id, ana.id))
    second = await database.write(lambda tx: handovers.offer(tx, case, ben.id, ana.id))
    with pytest.raises(Conflict):
        await database.write(lambda tx: handovers.accept(tx, first, ben.id))

    await database.write(lambda tx: handovers.decline(tx, second, ben.id))

    with pytest.raises(Conflict):
        await database.write(lambda tx: handovers.accept(tx, second, ben.id))
    with pytest.raises(NotFound):
        await database.read(lambda tx: handovers.load(tx, case.id))


async def test_a_case_that_is_somebody_elses_by_now_is_not_accepted(
    database: Database, planned: Planned
) -> None:
    made = await database.write(
        lambda tx: handovers.offer(tx, planned.case, planned.ben.id, planned.ana.id)
    )
    await database.write(lambda tx: consults.hand_to(tx, planned.case, planned.dan.id))

    with pytest.raises(Conflict):
        await database.write(lambda tx: handovers.accept(tx, made, planned.ben.id))
