"""Teams as people meet them: begun, joined, run and left in the private chat."""

from pathlib import Path

import pytest

from storage import people, teams
from storage.transaction import Tx
from tests.bot import walks
from tests.bot.conftest import Clock, Conversation, talking
from tests.bot.teamwork import NURSE, Clinic, clinic_of, known
from web.emulator import person

NOWHERE = "That link does not work any more. Ask for a new one."
NO_CODE = "That code does not work. Check it, or ask for a new one."


@pytest.fixture
async def clinic(ready: Conversation) -> Clinic:
    return await clinic_of(ready)


async def test_a_team_is_begun_and_a_newcomer_follows_its_link(ready: Conversation) -> None:
    await ready.says("/team")
    await ready.taps("Begin a team")
    screen = await ready.says("  Pain   & MAT ")
    assert screen.startswith("Pain & MAT\n")
    await ready.taps("Invite", "Responder")
    link = ready.screen.button("Copy the link")["copy_text"]["text"]
    ben = person(ready.emulator, 502, "Ben")

    ben.starts(link.split("start=")[1])
    await ready.settles()
    await ready.taps("I am a clinician", NURSE, who=ben)

    assert ben.last.text.startswith("Pain & MAT\n\nYour role: responder\nMembers: 2")
    assert ready.me.last.text == "Ben joined the team “Pain & MAT” as responder."
    waiting = await walks.every(ready, "SELECT count(*) FROM expecting WHERE kind = 'link'")
    assert waiting == [(0,)]
    await walks.unharmed(ready)


async def test_a_link_waits_sealed_until_the_scope_was_accepted(clinic: Clinic) -> None:
    made = await clinic.invited()
    eve = person(clinic.talk.emulator, 504, "Eve")

    await clinic.follows(eve, f"i_{made.token}")

    [row] = await walks.every(clinic.talk, "SELECT kind, args, held FROM expecting")
    assert row[0] == "link"
    assert made.token not in str(row)


@pytest.mark.parametrize("way", ["button", "command"])
async def test_a_typed_code_lets_in(clinic: Clinic, way: str) -> None:
    made = await clinic.invited("asker")
    code = f"{made.code[:4]} {made.code[4:8]} {made.code[8:]}".lower()

    if way == "command":
        await clinic.talk.says(f"/team {code}", clinic.dan)
    else:
        await clinic.talk.says("/team", clinic.dan)
        await clinic.talk.taps("I have a code", who=clinic.dan)
        await clinic.talk.says(code, clinic.dan)

    assert "Your role: asker" in clinic.dan.last.text


async def test_only_a_few_wrong_codes_are_free(ready: Conversation) -> None:
    clinic = await clinic_of(ready)
    made = await clinic.invited()

    for _ in range(5):
        assert await ready.says("/team CCCC-CCCC-CCCC", clinic.dan) == NO_CODE
    assert "Wait ten minutes" in await ready.says(f"/team {made.code}", clinic.dan)
    assert "Wait ten minutes" in await clinic.follows(clinic.dan, f"i_{made.token}")
    ready.clock.moves(minutes=11)
    assert "Your role: responder" in await ready.says(f"/team {made.code}", clinic.dan)


async def test_wrong_revoked_and_removed_peoples_links_look_the_same(clinic: Clinic) -> None:
    talk, made = clinic.talk, await clinic.invited()
    talk.clock.moves(minutes=1)
    await talk.says("/team")
    await talk.taps("Team & <co>", "Members (2)", "Ben", "Remove from the team", "Yes, remove")
    assert "You are no longer in the team “Team & <co>”." in clinic.ben.last.text
    removed = await clinic.follows(clinic.ben, f"i_{made.token}")
    await talk.taps("‹ The team", "Invite", "Make all links worthless")
    revoked = await clinic.follows(clinic.dan, f"i_{made.token}")
    wrong = await clinic.follows(clinic.dan, "i_" + "x" * 43)
    strange = await clinic.follows(clinic.dan, "zzz")

    assert removed.startswith(NOWHERE)
    assert removed == revoked == wrong == strange


async def test_a_name_with_an_identifier_is_not_kept(ready: Conversation) -> None:
    await ready.says("/team")
    await ready.taps("Begin a team")
    said = await ready.says("Team of John Smith, SSN 123-45-6789")

    assert "Not stored" in said
    assert await ready.rows("SELECT count(*) FROM team") == 0
    assert "up to 60 characters" in await ready.says("x" * 61)
    assert (await ready.says("Tuesday")).startswith("Tuesday\n")


async def test_a_team_is_renamed_by_its_lead(clinic: Clinic) -> None:
    await clinic.talk.says("/team")
    await clinic.talk.taps("Team & <co>", "Rename")

    assert (await clinic.talk.says("Second Tuesday")).startswith("Second Tuesday\n")


async def test_roles_are_given_and_a_lead_stays(clinic: Clinic) -> None:
    talk = clinic.talk
    await talk.says("/team")
    await talk.taps("Team & <co>", "Members (2)", "Ana (you)", "Asker")
    assert "needs a lead" in talk.me.toasts[-1].text
    await talk.taps("Leave the team", "Yes, leave")
    assert "needs a lead" in talk.me.toasts[-1].text

    await talk.taps("Members (2)", "Ben", "Lead")
    await talk.taps("‹ Members", "‹ The team", "Leave the team", "Yes, leave")

    assert "You left the team" in talk.me.toasts[-1].text
    assert "You are in none yet" in talk.screen.text
    assert await talk.rows("SELECT count(*) FROM team_member WHERE left_at IS NULL") == 1


async def test_the_last_one_to_leave_is_told_that_the_team_ends(clinic: Clinic) -> None:
    talk = clinic.talk
    await talk.says("/team")
    await talk.taps("Team & <co>", "Members (2)", "Ana (you)", "Remove from the team")
    assert "Leave “Team & <co>”?" in talk.screen.text
    await talk.taps("‹ The team", "Members (2)", "Ben", "Remove from the team", "Yes, remove")
    await talk.taps("‹ The team", "Leave the team")
    assert "the team ends" in talk.screen.text

    await talk.taps("Yes, leave")

    assert await talk.rows("SELECT count(*) FROM team WHERE ended_at IS NULL") == 0


async def test_a_long_list_of_members_has_pages(clinic: Clinic) -> None:
    def many(tx: Tx) -> None:
        for number in range(600, 610):
            who = people.get_or_create(tx, number, f"Person {number}")
            made = teams.invite(tx, clinic.team, "asker", clinic.team.created_by)
            teams.accept(tx, who.id, made.token)

    await clinic.database(many)
    await clinic.talk.says("/team")
    await clinic.talk.taps("Team & <co>", "Members (12)", "Page 2 ›")

    assert len([row for row in clinic.talk.screen.rows if "asker" in str(row)]) == 4
    await clinic.talk.taps("‹ Page 1")
    await walks.unharmed(clinic.talk)


LEADS = (
    "inv",
    "inv|lead",
    "norm",
    "mem|0",
    "name",
    "grp",
    "g|{hex}",
    "gt|{hex}",
    "gu|{hex}",
    "gb|{hex}",
    "m|{hex}",
    "r|{hex}|lead",
    "x|{hex}|yes",
)


async def test_what_a_lead_does_is_denied_to_members_and_all_of_it_to_strangers(
    clinic: Clinic,
) -> None:
    talk, short = clinic.talk, clinic.team.short
    hex_id = clinic.team.created_by.hex
    for act in LEADS:
        for who in (clinic.ben, clinic.dan):
            who.forges(f"1|tm|{short}|{act.format(hex=hex_id)}|", who.screen)
    for act in ("", "|lv|yes"):
        clinic.dan.forges(f"1|tm|{short}{act}|", clinic.dan.screen)
    await talk.settles()

    assert {toast.text for toast in clinic.dan.toasts[-15:]} == {"That button no longer works."}
    denied = await walks.every(
        talk, "SELECT count(*) FROM audit_event WHERE outcome = 'denied' AND object_type = 'team'"
    )
    assert denied == [(2 * len(LEADS) + 2,)]
    assert await talk.rows("SELECT count(*) FROM team_member WHERE left_at IS NULL") == 2


async def test_forged_buttons_of_a_lead_lead_nowhere(clinic: Clinic) -> None:
    talk, short = clinic.talk, clinic.team.short
    await talk.says("/team")
    for act in ("zz", "m|zz", "r|zz|lead", "g|zz", f"g|{'0' * 32}", "gb|" + "0" * 32):
        assert "no longer works" in await walks.forged(talk, f"1|tm|{short}|{act}|")
    member = clinic.team.created_by.hex
    assert "no longer works" in await walks.forged(talk, f"1|tm|{short}|r|{member}|boss|")
    assert "no longer works" in await walks.forged(talk, "1|tm|zzzzzzzz|")


async def test_nobody_begins_a_twenty_first_team(clinic: Clinic) -> None:
    for number in range(19):
        await clinic.database(
            lambda tx, n=number: teams.create(tx, clinic.team.created_by, f"Team {n}")
        )
    await clinic.talk.says("/team")
    await clinic.talk.taps("Begin a team")

    assert "at most 20 teams" in await clinic.talk.says("One more")
    other = await clinic.database(_other_team)
    assert "at most 20 teams" in await clinic.talk.says(f"/team {other.code}")
    assert "at most 20 teams" in await clinic.follows(clinic.talk.me, f"i_{other.token}")


def _other_team(tx: Tx) -> teams.Invitation:
    dan = people.get_or_create(tx, 503, "Dan")
    return teams.invite(tx, teams.create(tx, dan.id, "Other"), "asker", dan.id)


async def test_where_people_are_invited_an_invitation_lets_them_in(tmp_path: Path) -> None:
    async with talking(tmp_path, Clock()) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", NURSE)
        clinic = await clinic_of(talk)
        made = await clinic.invited()
    async with talking(tmp_path, talk.clock, talk.emulator, approval="invite") as again:
        eve, fay = (person(again.emulator, n, name) for n, name in ((504, "Eve"), (505, "Fay")))
        for who, payload in ((eve, f"i_{made.token}"), (fay, "i_" + "x" * 43)):
            who.starts(payload)
        await again.settles()
        await again.taps("I am a clinician", NURSE, who=eve)

        assert "Your role: responder" in eve.last.text
        assert fay.last.text.startswith("Waiting for approval.")


async def test_whoever_writes_again_can_be_reached_again(clinic: Clinic) -> None:
    await clinic.database(
        lambda tx: tx.connection.exec_driver_sql("UPDATE person SET unreachable_at = created_at")
    )
    await clinic.talk.says("/team", clinic.ben)

    assert await clinic.talk.rows("SELECT count(*) FROM person WHERE unreachable_at IS NULL") == 1


async def test_whoever_is_in_already_is_shown_the_team(clinic: Clinic) -> None:
    made = await clinic.invited()

    assert "Your role: responder" in await clinic.follows(clinic.ben, f"i_{made.token}")
    assert "joined" not in clinic.talk.me.last.text
    eve = await known(clinic.talk, 504, "Eve")
    assert "Your role: responder" in await clinic.follows(eve, f"i_{made.token}")


async def test_whoever_waits_for_approval_follows_the_link_afterwards(tmp_path: Path) -> None:
    async with talking(tmp_path, Clock()) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", NURSE)
        made = await (await clinic_of(talk)).invited()
    async with talking(tmp_path, talk.clock, talk.emulator, approval="approve") as again:
        eve = person(again.emulator, 504, "Eve")
        eve.starts(f"i_{made.token}")
        await again.settles()
        assert eve.last.text.startswith("Waiting for approval.")
        await again.service.database.write(
            lambda tx: people.set_status(
                tx, people.get_or_create(tx, 504, "Eve"), "approved", by=None
            )
        )
        await again.says("/start", eve)
        await again.taps("I am a clinician", NURSE, who=eve)

        assert "Your role: responder" in eve.last.text
