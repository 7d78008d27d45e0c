"""What is asked, said and found about a case: clarifying questions, comments, the library."""

import pytest

from storage import (
    access,
    audit,
    clarifying,
    consults,
    discussion,
    library,
    people,
    retention,
    rounds,
    shares,
    teams,
)
from storage.access import Action
from storage.database import Database
from storage.discussion import Comment
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.transaction import Tx
from tests.databases import Clock
from tests.storage.test_rounds import YES, Team, closes, somebody, team_with_a_case

HTML = "<b>bold</b> & <a href='tg://user?id=1'>me</a>\n\n“quoted”"


@pytest.fixture
async def team(database: Database) -> Team:
    return await database.write(team_with_a_case)


async def says(database: Database, team: Team, who: Person, text: str = "I would wait.") -> Comment:
    return await database.write(lambda tx: discussion.add(tx, team.case, who, text))


async def read(database: Database, team: Team, who: Person | None) -> tuple[Comment, ...]:
    return await database.read(
        lambda tx: discussion.shown(tx, team.case.id, who.id if who else None)
    )


# --- clarifying questions ---------------------------------------------------------------------------


async def test_a_question_waits_for_the_asker_once(database: Database, team: Team) -> None:
    asked = await database.write(lambda tx: clarifying.ask(tx, team.case, team.ben, "naloxone"))

    with pytest.raises(Conflict):
        await database.write(lambda tx: clarifying.ask(tx, team.case, team.cleo, "naloxone"))
    assert await database.read(lambda tx: clarifying.pending(tx, team.case.id, "naloxone")) == asked
    assert await database.read(lambda tx: clarifying.pending(tx, team.case.id, "goal")) is None
    assert asked.role == "pharmacist"
    mine = await database.read(lambda tx: retention.my_data(tx, team.ben.id))
    assert [each["question"] for each in mine["questions_to_askers"]] == ["naloxone"]


async def test_a_settled_question_can_be_asked_again(database: Database, team: Team) -> None:
    asked = await database.write(lambda tx: clarifying.ask(tx, team.case, team.ben, "goal"))
    for how in ("left", "answered"):
        await database.write(
            lambda tx, how=how: clarifying.settle(tx, asked, team.asker.id, how)  # type: ignore[misc]
        )

    await database.write(lambda tx: clarifying.ask(tx, team.case, team.cleo, "goal"))

    found = await database.read(lambda tx: clarifying.of_case(tx, team.case.id))
    assert [(each.role, each.settled) for each in found] == [("pharmacist", "left"), ("pain", None)]


# --- the discussion -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Short.", HTML, "é" * 4096, "𝒙" * 2048])
async def test_a_comment_is_kept_as_it_was_written(
    database: Database, team: Team, text: str
) -> None:
    await closes(database, team)

    await says(database, team, team.ben, text)

    (found,) = await read(database, team, team.cleo)
    assert (found.text, found.role, found.via) == (text, "pharmacist", "private")


async def test_while_a_round_runs_comments_show_only_to_those_who_gave_theirs(
    database: Database, team: Team
) -> None:
    await says(database, team, team.ben)
    for who in (team.ben, team.cleo, team.asker, None):
        assert await read(database, team, who) == ()

    await database.write(lambda tx: rounds.give(tx, team.case, team.round, team.cleo, YES, base=0))

    assert len(await read(database, team, team.cleo)) == 1
    assert await read(database, team, team.ben) == ()
    lasting = await database.read(
        lambda tx: discussion.shown(tx, team.case.id, team.cleo.id, lasting=True)
    )
    assert lasting == ()
    await closes(database, team)
    assert len(await read(database, team, team.ben)) == 1


async def test_an_edited_message_changes_its_comment(database: Database, team: Team) -> None:
    await closes(database, team)
    made = await database.write(
        lambda tx: discussion.add(tx, team.case, team.ben, "Frist.", via="group", message=(-100, 7))
    )
    assert await database.read(lambda tx: discussion.of_message(tx, -100, 7)) == made
    assert await database.read(lambda tx: discussion.of_message(tx, -100, 8)) is None

    await database.write(lambda tx: discussion.edit(tx, made, "First."))

    (found,) = await read(database, team, team.cleo)
    assert (found.text, found.edited_at is not None) == ("First.", True)


async def test_a_removed_comment_leaves_its_reason_and_no_words(
    database: Database, team: Team
) -> None:
    await closes(database, team)
    made = await says(database, team, team.ben)

    await database.write(lambda tx: discussion.remove(tx, made, team.asker.id, "hurtful"))

    (found,) = await read(database, team, team.cleo)
    assert (found.text, found.removed, found.role) == ("", "hurtful", "pharmacist")
    with pytest.raises(Conflict):
        await database.write(lambda tx: discussion.remove(tx, made, team.asker.id, "hurtful"))
    await database.write(lambda tx: discussion.edit(tx, found, "Back again."))
    assert (await read(database, team, team.cleo))[0].text == ""


async def test_a_lead_the_author_and_an_admin_may_remove_a_comment(
    database: Database, team: Team
) -> None:
    made = await says(database, team, team.ben)

    def unit(tx: Tx) -> dict[str, bool]:
        admin = people.set_admin(tx, somebody(tx, 9, "counselor"), is_admin=True, by=None)
        who = {"lead": team.asker, "author": team.ben, "other": team.cleo, "admin": admin}
        return {
            name: access.allowed(tx, each, Action.COMMENT_REMOVE, made)
            for name, each in who.items()
        } | {"nothing": access.allowed(tx, admin, Action.COMMENT_REMOVE, team.case)}

    assert await database.write(unit) == {
        "lead": True,
        "author": True,
        "other": False,
        "admin": True,
        "nothing": False,
    }


async def test_a_discussion_has_an_end(
    database: Database, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discussion, "MOST_COMMENTS", 1)
    await says(database, team, team.ben)

    with pytest.raises(Conflict):
        await says(database, team, team.cleo)


async def test_a_forgotten_persons_comments_lose_their_words(
    database: Database, team: Team
) -> None:
    await closes(database, team)
    await says(database, team, team.ben)

    await database.write(lambda tx: retention.forget_person(tx, team.ben.id, by=team.ben.id))

    (found,) = await read(database, team, team.cleo)
    assert (found.text, found.removed) == ("", "account")


async def test_comments_expire_with_other_texts_and_stand_in_ones_own_data(
    database: Database, team: Team, clock: Clock
) -> None:
    await closes(database, team)
    await says(database, team, team.ben)
    mine = await database.read(lambda tx: retention.my_data(tx, team.ben.id))
    assert mine["comments"][0]["text"] == "I would wait."

    clock.moves(days=181)
    await retention.purge_all(database)

    assert (await read(database, team, team.cleo))[0].removed == "expired"


async def test_the_log_holds_no_word_of_a_comment(database: Database, team: Team) -> None:
    await says(database, team, team.ben, "Ask about the dog.")

    entries = await database.read(lambda tx: audit.entries(tx, consult_id=team.case.id))

    assert entries[0].action == "comment.add"
    assert "dog" not in str(entries)


async def test_an_unknown_comment_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.read(lambda tx: discussion.by_short(tx, "abcd1234"))


# --- the library --------------------------------------------------------------------------------------


async def found(database: Database, team: Team, who: Person) -> list[str]:
    other = team.round.id  # any id that is not the case's

    def unit(tx: Tx) -> list[str]:
        return [each.code for each in library.cases(tx, who.id, other, "mat_pain")]

    return await database.read(unit)


async def test_a_case_is_found_once_its_asker_says_so_and_no_longer_than_that(
    database: Database, team: Team
) -> None:
    assert await found(database, team, team.ben) == []

    assert await database.write(lambda tx: library.opt_in(tx, team.case, team.asker.id)) == 1
    await database.write(lambda tx: library.opt_in(tx, team.case, team.asker.id))
    assert await found(database, team, team.ben) == [team.case.code]
    assert await database.read(lambda tx: library.teams_of(tx, team.case)) == {team.id}

    await database.write(lambda tx: library.opt_out(tx, team.case, team.asker.id))
    assert await found(database, team, team.ben) == []


async def test_a_library_is_its_teams_alone(database: Database, team: Team) -> None:
    await database.write(lambda tx: library.opt_in(tx, team.case, team.asker.id))
    stranger = await database.write(lambda tx: somebody(tx, 77, "counselor"))

    assert await found(database, team, stranger) == []


async def test_a_share_that_was_taken_back_is_not_found_but_an_expired_one_is(
    database: Database, team: Team, clock: Clock
) -> None:
    await database.write(lambda tx: library.opt_in(tx, team.case, team.asker.id))
    clock.moves(days=31)
    assert await found(database, team, team.ben) == [team.case.code]

    def revoke(tx: Tx) -> None:
        for each in shares.of_consult(tx, team.case.id):
            shares.revoke(tx, each, team.asker.id)

    await database.write(revoke)
    assert await found(database, team, team.ben) == []


async def test_an_erased_case_and_one_of_somebody_who_left_are_not_found(
    database: Database, team: Team
) -> None:
    await database.write(lambda tx: library.opt_in(tx, team.case, team.asker.id))

    await database.write(lambda tx: consults.erase(tx, team.case.id, by=team.asker.id))

    assert await found(database, team, team.ben) == []


async def test_what_became_of_a_case_is_told(database: Database, team: Team) -> None:
    became = await database.read(lambda tx: library.became(tx, team.case.id))

    assert (became.plan, became.outcomes) == (None, ())


async def test_whoever_leaves_a_team_takes_their_cases_along(
    database: Database, team: Team
) -> None:
    await database.write(lambda tx: library.opt_in(tx, team.case, team.asker.id))

    def leave(tx: Tx) -> None:
        here = teams.load(tx, team.id)
        teams.set_role(tx, here, team.ben.id, "lead", team.asker.id)
        teams.leave(tx, here, team.asker.id, team.asker.id)

    await database.write(leave)

    assert await found(database, team, team.cleo) == []
