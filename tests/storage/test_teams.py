"""Teams: who gets in, as what, who goes, and what is left when the last one went."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from storage import audit, consults, groups, people, retention, shares, teams
from storage.database import Database
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.schema import team as table
from storage.schema import team_invite
from storage.teams import Team
from storage.transaction import Tx
from tests.databases import Clock


def somebody(tx: Tx, number: int) -> Person:
    return people.get_or_create(tx, number, f"Person {number}")


class Clinic:
    """A team of three: Ana leads, Ben responds, Cora asks."""

    def __init__(self, tx: Tx) -> None:
        self.ana, self.ben, self.cora = (somebody(tx, number) for number in (1, 2, 3))
        self.team: Team = teams.create(tx, self.ana.id, "Pain and MAT")
        for who, role in ((self.ben, "responder"), (self.cora, "asker")):
            made = teams.invite(tx, self.team, role, self.ana.id)  # type: ignore[arg-type]
            teams.accept(tx, who.id, made.token)


@pytest.fixture
async def clinic(database: Database) -> Clinic:
    return await database.write(Clinic)


async def test_whoever_begins_a_team_leads_it(database: Database, clinic: Clinic) -> None:
    found = await database.read(lambda tx: teams.load_short(tx, clinic.team.short))
    roles = await database.read(lambda tx: {m.role for m in teams.members(tx, clinic.team.id)})

    assert found.name == "Pain and MAT"
    assert roles == {"lead", "responder", "asker"}
    assert await database.read(lambda tx: teams.role_of(tx, found.id, clinic.ana.id)) == "lead"


async def test_the_name_is_sealed_and_can_be_changed(database: Database, clinic: Clinic) -> None:
    sealed = await database.read(lambda tx: tx.connection.scalar(select(table.c.name)))
    await database.write(lambda tx: teams.rename(tx, clinic.team, "Tuesday", clinic.ana.id))

    assert b"Pain" not in bytes(sealed or b"")
    assert (await database.read(lambda tx: teams.load(tx, clinic.team.id))).name == "Tuesday"


async def test_a_person_may_be_in_several_teams(database: Database, clinic: Clinic) -> None:
    await database.write(lambda tx: teams.create(tx, clinic.ben.id, "Second"))
    joined = await database.read(lambda tx: teams.of_person(tx, clinic.ben.id))

    assert [(each.team.name, each.role) for each in joined] == [
        ("Pain and MAT", "responder"),
        ("Second", "lead"),
    ]


async def test_nobody_is_in_more_than_twenty_teams(database: Database, clinic: Clinic) -> None:
    def unit(tx: Tx) -> None:
        dora = somebody(tx, 4)
        for number in range(teams.MOST_TEAMS):
            teams.create(tx, dora.id, f"Team {number}")
        teams.accept(tx, dora.id, teams.invite(tx, clinic.team, "asker", clinic.ana.id).code)

    with pytest.raises(Conflict):
        await database.write(unit)


# --- invitations ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [lambda i: i.token, lambda i: i.code, lambda i: typed(i.code)])
async def test_a_link_and_a_typed_code_let_in(
    database: Database, clinic: Clinic, way: Callable[[teams.Invitation], str]
) -> None:
    def unit(tx: Tx) -> teams.Joined:
        made = teams.invite(tx, clinic.team, "responder", clinic.ana.id)
        return teams.accept(tx, somebody(tx, 4).id, way(made))

    joined = await database.write(unit)

    assert (joined.team, joined.role) == (clinic.team, "responder")


def typed(code: str) -> str:
    return f" {code[:4]} {code[4:8]}-{code[8:]} ".lower()


async def test_the_database_keeps_only_digests(database: Database, clinic: Clinic) -> None:
    made = await database.write(lambda tx: teams.invite(tx, clinic.team, "asker", clinic.ana.id))
    rows = await database.read(lambda tx: str(tx.connection.execute(select(team_invite)).all()))

    assert made.token not in rows
    assert made.code not in rows
    assert made.token not in repr(made)


async def test_wrong_expired_revoked_and_used_up_ones_look_the_same(
    database: Database, clinic: Clinic, clock: Clock
) -> None:
    def fresh(tx: Tx) -> str:
        return teams.invite(tx, clinic.team, "asker", clinic.ana.id).token

    expired = await database.write(fresh)
    clock.moves(days=7)
    revoked = await database.write(fresh)
    assert await database.write(
        lambda tx: teams.revoke_invitations(tx, clinic.team.id, clinic.ana.id)
    )
    full = await database.write(fresh)
    for number in range(teams.MOST_USES):
        await database.write(
            lambda tx, n=number: teams.accept(tx, somebody(tx, 100 + n).id, full)  # type: ignore[misc]
        )

    said = set()
    for secret in ("x" * 43, "", expired, revoked, full):
        with pytest.raises(NotFound) as caught:
            await database.write(
                lambda tx, s=secret: teams.accept(tx, somebody(tx, 99).id, s)  # type: ignore[misc]
            )
        said.add(str(caught.value))
    assert len(said) == 1


async def test_whoever_is_in_uses_no_invitation_up(database: Database, clinic: Clinic) -> None:
    def unit(tx: Tx) -> teams.Joined:
        return teams.accept(
            tx, clinic.ben.id, teams.invite(tx, clinic.team, "lead", clinic.ana.id).token
        )

    joined = await database.write(unit)

    assert joined.role == "responder"
    assert not await database.read(
        lambda tx: tx.connection.scalar(
            select(team_invite.c.uses).where(team_invite.c.role == "lead")
        )
    )


async def test_whoever_was_removed_needs_a_new_invitation(
    database: Database, clinic: Clinic, clock: Clock
) -> None:
    old = await database.write(lambda tx: teams.invite(tx, clinic.team, "asker", clinic.ana.id))
    clock.moves(minutes=1)
    await database.write(lambda tx: teams.leave(tx, clinic.team, clinic.ben.id, clinic.ana.id))

    with pytest.raises(NotFound):
        await database.write(lambda tx: teams.accept(tx, clinic.ben.id, old.token))
    clock.moves(minutes=1)
    again = await database.write(
        lambda tx: teams.accept(
            tx, clinic.ben.id, teams.invite(tx, clinic.team, "asker", clinic.ana.id).token
        )
    )
    assert again.role == "asker"


async def test_a_sixth_invitation_takes_the_place_of_the_oldest(
    database: Database, clinic: Clinic
) -> None:
    def unit(tx: Tx) -> int:
        teams.revoke_invitations(tx, clinic.team.id)
        for _ in range(teams.MOST_INVITES + 1):
            teams.invite(tx, clinic.team, "asker", clinic.ana.id)
        return teams.live_invitations(tx, clinic.team.id)

    assert await database.write(unit) == teams.MOST_INVITES


# --- going ------------------------------------------------------------------------------------


async def test_roles_change_but_a_lead_stays(database: Database, clinic: Clinic) -> None:
    def role(who: Person, to: teams.Role) -> Callable[[Tx], None]:
        return lambda tx: teams.set_role(tx, clinic.team, who.id, to, clinic.ana.id)

    with pytest.raises(Conflict):
        await database.write(role(clinic.ana, "asker"))
    with pytest.raises(Conflict):
        await database.write(lambda tx: teams.leave(tx, clinic.team, clinic.ana.id, clinic.ana.id))
    await database.write(role(clinic.ben, "lead"))
    await database.write(role(clinic.ana, "asker"))
    with pytest.raises(NotFound):
        await database.write(role(clinic.ana, "owner"))  # type: ignore[arg-type]

    found = await database.read(lambda tx: teams.role_of(tx, clinic.team.id, clinic.ana.id))
    assert found == "asker"


async def test_the_last_one_to_leave_ends_the_team(database: Database, clinic: Clinic) -> None:
    for who in (clinic.ben, clinic.cora, clinic.ana):
        await database.write(
            lambda tx, w=who: teams.leave(tx, clinic.team, w.id, w.id)  # type: ignore[misc]
        )

    with pytest.raises(NotFound):
        await database.read(lambda tx: teams.load(tx, clinic.team.id))
    with pytest.raises(NotFound):
        await database.write(lambda tx: teams.leave(tx, clinic.team, clinic.ana.id, None))
    assert await database.read(lambda tx: teams.of_person(tx, clinic.ana.id)) == []
    assert await database.read(lambda tx: tx.connection.scalar(select(table.c.name))) is None


async def test_the_forgotten_leave_and_the_longest_there_leads(
    database: Database, clinic: Clinic
) -> None:
    await database.write(lambda tx: retention.forget_person(tx, clinic.ana.id, by=clinic.ana.id))

    roles = await database.read(
        lambda tx: {m.person_id: m.role for m in teams.members(tx, clinic.team.id)}
    )
    assert clinic.ana.id not in roles
    assert sorted(roles.values()) in (["asker", "lead"], ["lead", "responder"])


async def test_a_persons_file_names_their_teams(database: Database, clinic: Clinic) -> None:
    data = await database.read(lambda tx: retention.my_data(tx, clinic.ben.id))

    assert [(each["name"], each["role"]) for each in data["teams"]] == [
        ("Pain and MAT", "responder")
    ]


async def test_what_somebody_shared_goes_with_them(database: Database, clinic: Clinic) -> None:
    def shared(tx: Tx) -> shares.Share:
        case = consults.create(tx, clinic.ben, scenario_id="mat_pain", content_hash="h")
        shown = shares.publish(tx, case, clinic.ben.id)
        return shares.with_team(tx, shown, clinic.team.id, clinic.ben.id)

    made = await database.write(shared)
    await database.write(lambda tx: teams.leave(tx, clinic.team, clinic.ben.id, clinic.ana.id))

    after = await database.read(lambda tx: shares.by_short(tx, made.short))
    assert after.revoked_at is not None


async def test_all_of_it_is_on_record(database: Database, clinic: Clinic) -> None:
    await database.write(lambda tx: teams.leave(tx, clinic.team, clinic.ben.id, clinic.ana.id))
    found = await database.read(lambda tx: audit.entries(tx, actor=clinic.ana.id))

    assert [entry.action for entry in reversed(found)] == [
        "team.create",
        "team.join",
        "team.invite",
        "team.invite",
        "team.remove",
    ]
    assert found[0].meta["member"] == clinic.ben.id.hex


# --- groups -----------------------------------------------------------------------------------

CHAT = -1001


def asked(tx: Tx, clinic: Clinic, chat_id: int = CHAT) -> groups.Group:
    return groups.ask(
        tx, clinic.team.id, clinic.ana.id, chat_id=chat_id, title="Ward 3", is_forum=True
    )


async def test_a_group_is_bound_only_once_it_was_asked_for_and_confirmed(
    database: Database, clinic: Clinic
) -> None:
    def bound(tx: Tx) -> None:
        assert groups.of_team(tx, clinic.team.id) == []
        groups.bind(tx, asked(tx, clinic), clinic.ana.id)

    await database.write(bound)
    await database.write(lambda tx: asked(tx, clinic))

    [found] = await database.read(lambda tx: groups.of_team(tx, clinic.team.id))
    assert (found.chat_id, found.title, found.is_forum, found.topics) == (
        CHAT,
        "Ward 3",
        True,
        False,
    )
    with pytest.raises(Conflict):
        await database.write(lambda tx: groups.bind(tx, found, clinic.ana.id))


async def test_asking_again_replaces_the_question(database: Database, clinic: Clinic) -> None:
    first = await database.write(lambda tx: asked(tx, clinic))
    second = await database.write(lambda tx: asked(tx, clinic))

    assert (await database.read(lambda tx: groups.load(tx, second.id))).id == second.id
    with pytest.raises(NotFound):
        await database.read(lambda tx: groups.load(tx, first.id))


async def test_a_group_of_one_team_is_not_taken_by_another(
    database: Database, clinic: Clinic
) -> None:
    def other(tx: Tx) -> None:
        groups.bind(tx, asked(tx, clinic), clinic.ana.id)
        second = teams.create(tx, clinic.ben.id, "Second")
        groups.ask(tx, second.id, clinic.ben.id, chat_id=CHAT, title="", is_forum=False)

    with pytest.raises(Conflict):
        await database.write(other)


async def test_a_group_is_lost_unbound_and_bound_again(database: Database, clinic: Clinic) -> None:
    def bound(tx: Tx) -> groups.Group:
        groups.bind(tx, asked(tx, clinic), clinic.ana.id)
        [found] = groups.of_team(tx, clinic.team.id)
        groups.set_topics(tx, found, clinic.ana.id, topics=True)
        return groups.load(tx, found.id)

    first = await database.write(bound)
    lost = await database.write(lambda tx: groups.lose(tx, CHAT, "removed"))
    assert first.topics
    assert lost == [first]
    assert await database.write(lambda tx: groups.lose(tx, CHAT, "removed")) == []
    second = await database.write(bound)
    await database.write(lambda tx: groups.unbind(tx, second, clinic.ana.id))
    assert await database.read(lambda tx: groups.of_chat(tx, CHAT)) is None


async def test_a_team_that_ends_has_no_group(database: Database, clinic: Clinic) -> None:
    def unit(tx: Tx) -> None:
        groups.bind(tx, asked(tx, clinic), clinic.ana.id)
        asked(tx, clinic, chat_id=-7)
        teams.end(tx, clinic.team, clinic.ana.id)

    await database.write(unit)

    assert await database.read(lambda tx: groups.of_chat(tx, CHAT)) is None


async def test_a_group_keeps_its_binding_when_it_moves(database: Database, clinic: Clinic) -> None:
    def unit(tx: Tx) -> None:
        groups.bind(tx, asked(tx, clinic), clinic.ana.id)
        groups.move(tx, CHAT, -1002)
        groups.move(tx, CHAT, -1002)

    await database.write(unit)

    moved = await database.read(lambda tx: groups.of_chat(tx, -1002))
    assert moved is not None
    assert moved.title == "Ward 3"
