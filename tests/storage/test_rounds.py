"""Opinions are blind until one has given one's own, and nothing of them gets lost."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import pytest

from dialogs.opinions import Opinion
from storage import consults, people, retention, rounds, shares, teams
from storage.consults import StoredConsult
from storage.database import Database
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.rounds import Draft, Round
from storage.transaction import Tx
from tests.databases import Clock

YES = Draft({"concern": "yes", "step": "STEP_GATHER", "leans_on": "DUR2", "sure": "4"}, "No date.")
NO = Draft({"concern": "no", "step": "other", "leans_on": "other", "sure": "2"})


@dataclass(frozen=True)
class Team:
    """An asker's case, shared with a team of two more, a round running."""

    asker: Person
    ben: Person
    cleo: Person
    id: UUID
    case: StoredConsult
    round: Round


def somebody(tx: Tx, number: int, role: str) -> Person:
    who = people.get_or_create(tx, number, f"Somebody {number}")
    return people.set_choices(tx, who, role=role)


def team_with_a_case(tx: Tx) -> Team:
    asker, ben, cleo = (
        somebody(tx, number, role)
        for number, role in ((1, "counselor"), (2, "pharmacist"), (3, "pain"))
    )
    made = teams.create(tx, asker.id, "Harbour")
    for who in (ben, cleo):
        teams.accept(tx, who.id, teams.invite(tx, made, "responder", asker.id).token)
    case = consults.create(
        tx, asker, scenario_id="mat_pain", content_hash="h", answers={"mat": "methadone"}
    )
    shares.with_team(tx, shares.publish(tx, case, asker.id), made.id, asker.id)
    return Team(asker, ben, cleo, made.id, case, rounds.open_round(tx, case, asker.id))


@pytest.fixture
async def team(database: Database) -> Team:
    return await database.write(team_with_a_case)


async def gives(
    database: Database, team: Team, who: Person, kept: Draft = YES, base: int = 0
) -> rounds.Given:
    return await database.write(
        lambda tx: rounds.give(tx, team.case, team.round, who, kept, base=base)
    )


async def seen(database: Database, team: Team, who: Person | None) -> rounds.Shown:
    def unit(tx: Tx) -> rounds.Shown:
        now = rounds.by_short(tx, team.round.short)
        return rounds.shown(tx, now, who.id if who else None)

    return await database.read(unit)


async def closes(database: Database, team: Team) -> None:
    await database.write(lambda tx: rounds.close(tx, team.round, team.asker.id, "asker"))


# --- the round --------------------------------------------------------------------------------------


async def test_a_case_has_one_round_at_a_time(database: Database, team: Team) -> None:
    again = await database.write(lambda tx: rounds.open_round(tx, team.case, team.asker.id))

    assert again == team.round
    assert again.running
    assert again.ends_at - again.opened_at == rounds.LASTS


async def test_after_it_was_closed_another_can_be_opened(database: Database, team: Team) -> None:
    await closes(database, team)

    other = await database.write(lambda tx: rounds.open_round(tx, team.case, team.asker.id))

    assert other.id != team.round.id
    assert await database.read(lambda tx: rounds.latest(tx, team.case.id)) == other
    assert len(await database.read(lambda tx: rounds.rounds_of(tx, team.case.id))) == 2


async def test_a_round_is_closed_once(database: Database, team: Team) -> None:
    await closes(database, team)

    with pytest.raises(Conflict):
        await closes(database, team)
    now = await database.read(lambda tx: rounds.by_short(tx, team.round.short))
    assert (now.closed, now.running) == ("asker", False)


async def test_time_makes_a_round_due(database: Database, team: Team, clock: Clock) -> None:
    assert await database.write(rounds.due) == ()

    clock.moves(days=3)

    assert [each.id for each in await database.write(rounds.due)] == [team.round.id]
    await database.write(lambda tx: rounds.close(tx, team.round, None, "time"))
    assert await database.write(rounds.due) == ()


async def test_an_unknown_round_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.read(lambda tx: rounds.by_short(tx, "abcd1234"))
    assert await database.read(lambda tx: rounds.latest(tx, UUID(int=1))) is None


# --- blind --------------------------------------------------------------------------------------------


async def test_a_round_looks_the_same_to_the_others_with_and_without_opinions(
    database: Database, team: Team
) -> None:
    readers = (team.asker, team.cleo, None)
    before = [await seen(database, team, who) for who in readers]

    await gives(database, team, team.ben)

    assert [await seen(database, team, who) for who in readers] == before
    assert all(view.hidden and view.opinions == () and view.removed == 0 for view in before)


async def test_whoever_gave_theirs_sees_the_others(database: Database, team: Team) -> None:
    await gives(database, team, team.ben, YES)
    await gives(database, team, team.cleo, NO)

    view = await seen(database, team, team.cleo)

    assert view.opinions == (
        Opinion(
            concern="yes",
            step="STEP_GATHER",
            leans_on="DUR2",
            sure=4,
            role="pharmacist",
            reason="No date.",
            place=0,
        ),
        Opinion(
            concern="no", step="other", leans_on="other", sure=2, role="pain", place=1, own=True
        ),
    )


async def test_when_it_closes_everybody_sees_it(database: Database, team: Team) -> None:
    await gives(database, team, team.ben)
    await closes(database, team)

    for who in (team.asker, team.cleo, None):
        assert len((await seen(database, team, who)).opinions) == 1


async def test_what_is_kept_or_passed_on_never_holds_a_running_round(
    database: Database, team: Team
) -> None:
    await gives(database, team, team.ben)

    view = await database.read(lambda tx: rounds.shown(tx, team.round, team.ben.id, lasting=True))

    assert view.hidden


async def test_the_cases_that_are_hidden_are_those_with_a_round(
    database: Database, team: Team
) -> None:
    assert await database.read(rounds.hidden_consults) == {team.case.id}

    await closes(database, team)

    assert await database.read(rounds.hidden_consults) == frozenset()


# --- giving and changing ------------------------------------------------------------------------------


async def test_an_opinion_is_changed_as_a_new_revision(database: Database, team: Team) -> None:
    await gives(database, team, team.ben, YES)
    await gives(database, team, team.cleo, NO)

    changed = await gives(database, team, team.ben, NO, base=1)

    view = await seen(database, team, team.ben)
    assert changed.revision == 2
    assert [(o.concern, o.changed) for o in view.opinions] == [("no", True), ("no", False)]
    assert len(await database.read(lambda tx: rounds.of_person(tx, team.ben.id))) == 2


async def test_a_change_before_anybody_else_is_no_change_after_the_others(
    database: Database, team: Team
) -> None:
    await gives(database, team, team.ben, YES)
    await gives(database, team, team.ben, NO, base=1)

    (only,) = (await seen(database, team, team.ben)).opinions

    assert not only.changed


@pytest.mark.parametrize("base", [0, 2])
async def test_the_second_of_two_devices_is_told_and_changes_nothing(
    database: Database, team: Team, base: int
) -> None:
    await gives(database, team, team.ben, YES)

    with pytest.raises(Conflict):
        await gives(database, team, team.ben, NO, base=base)

    mine = await database.read(lambda tx: rounds.given(tx, team.round, team.ben.id))
    assert mine is not None
    assert (mine.revision, mine.choices, mine.reason) == (1, dict(YES.choices), "No date.")


async def test_of_many_at_the_same_time_one_counts(database: Database, team: Team) -> None:
    results = await asyncio.gather(
        *(gives(database, team, team.ben, kept) for kept in (YES, NO, YES, NO)),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in results) == ["Conflict"] * 3 + ["Given"]
    assert len((await seen(database, team, team.ben)).opinions) == 1


async def test_nobody_votes_in_a_closed_round(database: Database, team: Team) -> None:
    await closes(database, team)

    with pytest.raises(Conflict):
        await gives(database, team, team.ben)
    assert (await seen(database, team, None)).opinions == ()


async def test_an_opinion_from_before_the_case_was_updated_is_marked(
    database: Database, team: Team
) -> None:
    await gives(database, team, team.ben)

    def updated(tx: Tx) -> None:
        saved = consults.save(tx, consults.load(tx, team.case.id), team.case.revision)
        shares.publish(tx, saved, team.asker.id)

    await database.write(updated)
    await gives(database, team, team.cleo)

    view = await seen(database, team, team.cleo)
    assert [(o.role, o.outdated) for o in view.opinions] == [("pharmacist", True), ("pain", False)]


# --- drafts -------------------------------------------------------------------------------------------


async def test_what_was_tapped_is_kept_until_it_is_given(database: Database, team: Team) -> None:
    async def draft() -> Draft:
        return await database.read(lambda tx: rounds.draft(tx, team.round, team.ben.id))

    assert await draft() == Draft()
    for kept in (Draft({"concern": "yes"}), YES):
        await database.write(
            lambda tx, kept=kept: rounds.keep_draft(tx, team.case, team.round, team.ben, kept)  # type: ignore[misc]
        )
        assert await draft() == kept
    assert (await seen(database, team, team.ben)).hidden

    await gives(database, team, team.ben)
    assert await draft() == Draft()


async def test_a_closed_round_keeps_no_drafts(database: Database, team: Team) -> None:
    await database.write(lambda tx: rounds.keep_draft(tx, team.case, team.round, team.ben, YES))

    await closes(database, team)

    assert await database.read(lambda tx: rounds.draft(tx, team.round, team.ben.id)) == Draft()


# --- who is told -------------------------------------------------------------------------------------


async def told(database: Database, team: Team) -> list[int]:
    givers = await database.read(lambda tx: rounds.opinion_givers(tx, team.case.id))
    return [giver.telegram_id for giver in givers]


async def test_those_who_gave_an_opinion_can_be_told(database: Database, team: Team) -> None:
    await gives(database, team, team.ben)
    await gives(database, team, team.ben, NO, base=1)

    assert await told(database, team) == [2]
    assert [
        giver.person_id
        for giver in await database.read(
            lambda tx: rounds.opinion_givers(tx, team.case.id, team.round.id)
        )
    ] == [team.ben.id]


async def test_whoever_was_removed_from_the_team_is_told_nothing(
    database: Database, team: Team
) -> None:
    await gives(database, team, team.ben)
    await gives(database, team, team.cleo)

    def remove(tx: Tx) -> None:
        teams.leave(tx, teams.load(tx, team.id), team.ben.id, team.asker.id)

    await database.write(remove)

    assert await told(database, team) == [3]
    assert len((await seen(database, team, team.cleo)).opinions) == 2


# --- what goes --------------------------------------------------------------------------------------


async def test_a_forgotten_persons_opinion_goes_and_only_that_it_went_stays(
    database: Database, team: Team
) -> None:
    await gives(database, team, team.ben)
    await gives(database, team, team.cleo, NO)
    hidden = await seen(database, team, team.asker)

    await database.write(lambda tx: retention.forget_person(tx, team.ben.id, by=team.ben.id))

    assert await seen(database, team, team.asker) == hidden
    await closes(database, team)
    view = await seen(database, team, team.asker)
    assert ([o.role for o in view.opinions], view.removed) == (["pain"], 1)
    assert await told(database, team) == [3]
    assert await database.read(lambda tx: rounds.of_person(tx, team.ben.id)) == []


async def test_an_erased_case_takes_its_rounds_along(database: Database, team: Team) -> None:
    await gives(database, team, team.ben)
    await database.write(lambda tx: rounds.keep_draft(tx, team.case, team.round, team.cleo, YES))

    await database.write(lambda tx: consults.erase(tx, team.case.id, by=team.asker.id))

    assert await database.read(lambda tx: rounds.rounds_of(tx, team.case.id)) == ()
    assert await database.read(rounds.hidden_consults) == frozenset()


async def test_reasons_are_kept_as_long_as_other_texts(
    database: Database, team: Team, clock: Clock
) -> None:
    await gives(database, team, team.ben)
    await closes(database, team)

    clock.moves(days=181)
    await retention.purge_all(database)

    (only,) = (await seen(database, team, None)).opinions
    assert (only.reason, only.step) == ("", "STEP_GATHER")


async def test_ones_own_opinions_are_in_ones_data_and_in_nobody_elses(
    database: Database, team: Team
) -> None:
    await gives(database, team, team.ben)

    mine = await database.read(lambda tx: retention.my_data(tx, team.ben.id))
    askers = await database.read(lambda tx: retention.my_data(tx, team.asker.id))

    assert mine["opinions"][0]["reason"] == "No date."
    assert askers["opinions"] == []
    assert "No date." not in str(askers)
