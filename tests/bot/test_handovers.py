"""A case goes to a colleague: one offers, the other accepts; and what becomes of one without an owner."""

from typing import Any

import pytest

from storage import people, teams
from storage.transaction import Tx
from tests.bot.conftest import Conversation
from tests.bot.opining import Opining, opining_of
from tests.bot.teamwork import Clinic, clinic_of
from tests.bot.walks import case_of, data_of, every, forged, planned, summary, unharmed
from web.emulator import Person

NOTHING = "That button no longer works."


@pytest.fixture
async def clinic(ready: Conversation) -> Clinic:
    return await clinic_of(ready)


async def offered(clinic: Clinic) -> str:
    """Let Ana offer her planned case to Ben and return its short id."""
    case = case_of(await planned(clinic.talk))
    await clinic.talk.taps("Hand it to a colleague", "Ben", "Yes, offer it")
    return case


async def owners(talk: Conversation) -> list[Any]:
    return await every(
        talk,
        "SELECT person.telegram_id, consult.code FROM consult"
        " JOIN person ON person.id = consult.owner_id",
    )


async def as_one(clinic: Clinic, who: Person, data: str) -> str:
    """Send callback data as somebody and return the toast it got."""
    who.forges(data, who.screen_or_none or who.last)
    await clinic.talk.settles()
    return who.toasts[-1].text


async def later(talk: Conversation, **amount: float) -> None:
    talk.clock.moves(**amount)
    await talk.service.clock_moved()
    await talk.settles()


# --- both agree ---------------------------------------------------------------------------------


async def test_a_case_is_the_colleagues_once_they_have_accepted(clinic: Clinic) -> None:
    talk = clinic.talk
    await offered(clinic)
    assert "Offered" in talk.me.toasts[-1].text
    assert "A colleague wants to hand you case" in clinic.ben.last.text
    for word in ("methadone", "oxycodone", "opioid", "pain"):
        assert word not in clinic.ben.last.text.lower()
    assert (await owners(talk))[0][0] == 501

    await talk.taps("Accept the case", who=clinic.ben)

    assert (await owners(talk))[0][0] == 502
    assert "The case is yours now" in clinic.ben.toasts[-1].text
    assert "· summary" in clinic.ben.screen.text
    assert "is your colleague's now, reminders included" in talk.me.last.text
    await unharmed(talk)


async def test_the_reminders_go_to_the_new_owner_and_the_old_one_has_lost_the_case(
    clinic: Clinic,
) -> None:
    talk, case = clinic.talk, await offered(clinic)
    await talk.taps("Accept the case", who=clinic.ben)

    await later(talk, days=30)

    assert "has a review today" in clinic.ben.last.text
    assert not [m for m in talk.me.replies if "has a review today" in m.text]
    for verb in ("go", "plan", "msg", "note", "hand"):
        assert NOTHING in await forged(talk, f"1|{verb}|{case}|")
    await talk.taps("answer", "On plan", who=clinic.ben)
    assert "day 30, 2026-12-23: On plan" in clinic.ben.screen.text


async def test_a_declined_case_stays_with_its_owner_who_is_told(clinic: Clinic) -> None:
    talk = clinic.talk
    await offered(clinic)

    await talk.taps("Decline", who=clinic.ben)

    assert "Declined. Its owner is told." in clinic.ben.last.text
    assert "was not accepted; it is still yours" in talk.me.last.text
    assert (await owners(talk))[0][0] == 501


async def test_an_offer_is_taken_back(clinic: Clinic) -> None:
    talk, case = clinic.talk, await offered(clinic)
    accept = data_of(clinic.ben.last, "Accept the case")
    await forged(talk, f"1|hand|{case}|")
    assert "has not answered yet" in talk.me.screen.text

    await talk.taps("Take the offer back")

    assert "taken back" in talk.me.toasts[-1].text
    assert "stands no more" in await as_one(clinic, clinic.ben, accept)
    assert "There is no offer open" in await forged(talk, f"1|hand|{case}|drop|")
    assert (await owners(talk))[0][0] == 501


async def test_an_offer_waits_for_a_week(clinic: Clinic) -> None:
    await offered(clinic)
    accept = data_of(clinic.ben.last, "Accept the case")

    await later(clinic.talk, days=7)

    assert "stands no more" in await as_one(clinic, clinic.ben, accept)


async def test_an_offer_of_a_deleted_case_leads_nowhere(clinic: Clinic) -> None:
    talk, case = clinic.talk, await offered(clinic)
    accept = data_of(clinic.ben.last, "Accept the case")
    await forged(talk, f"1|close|{case}|")
    await forged(talk, f"1|del|{case}|yes|")

    assert "no longer works" in await as_one(clinic, clinic.ben, accept)
    await unharmed(talk)


async def test_only_whom_it_was_offered_to_may_accept(clinic: Clinic) -> None:
    await offered(clinic)
    accept = data_of(clinic.ben.last, "Accept the case")

    assert NOTHING in await as_one(clinic, clinic.dan, accept)
    assert NOTHING in await as_one(clinic, clinic.talk.me, accept)
    for data in (accept.replace("yes", "perhaps"), "1|got||nonsense|yes|"):
        assert "no longer works" in await as_one(clinic, clinic.ben, data)
    assert await every(
        clinic.talk,
        "SELECT count(*) FROM audit_event WHERE action = 'handover.answer' AND outcome = 'denied'",
    ) == [(2,)]


async def test_a_case_goes_to_nobody_outside_the_team(clinic: Clinic) -> None:
    case = case_of(await summary(clinic.talk))
    [(dan,)] = await every(clinic.talk, "SELECT id FROM person WHERE telegram_id = 503")
    [(ben,)] = await every(clinic.talk, "SELECT id FROM person WHERE telegram_id = 502")

    for who in (str(dan).replace("-", ""), "nonsense"):
        assert "no longer works" in await forged(clinic.talk, f"1|hand|{case}|yes|{who}|")
    await clinic.talk.service.database.write(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE person SET status = 'suspended' WHERE telegram_id = 502"
        )
    )
    gone = f"1|hand|{case}|yes|{str(ben).replace('-', '')}|"
    assert "no longer works" in await forged(clinic.talk, gone)


async def test_somebody_without_a_team_is_told_what_to_do(ready: Conversation) -> None:
    await summary(ready)

    screen = await ready.taps("Close the case", "Hand it to a colleague")

    assert "You are in none: see /team." in screen.text
    assert screen.labels == ["‹ The case"]


async def test_many_colleagues_have_pages(clinic: Clinic) -> None:
    def grow(tx: Tx) -> None:
        for number in range(600, 612):
            invited = teams.invite(tx, clinic.team, "asker", clinic.team.created_by)
            teams.accept(tx, people.get_or_create(tx, number, "").id, invited.token)

    await clinic.database(grow)
    case = case_of(await summary(clinic.talk))
    await forged(clinic.talk, f"1|hand|{case}|")
    assert len(clinic.talk.me.screen.labels) == 12
    assert "no name" in clinic.talk.me.screen.labels

    screen = await clinic.talk.taps("Page 2 ›")

    assert screen.labels == ["no name", "no name", "no name", "‹ The case"]


async def test_a_code_that_the_new_owner_has_already_changes(clinic: Clinic) -> None:
    talk = clinic.talk
    await offered(clinic)
    await talk.taps("Start a case", who=clinic.ben)
    await talk.service.database.write(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE consult SET code = (SELECT code FROM consult ORDER BY opened_at, id LIMIT 1)"
        )
    )
    accept = next(m for m in clinic.ben.replies if "wants to hand you" in m.text)

    words = await as_one(clinic, clinic.ben, data_of(accept, "Accept the case"))

    assert "The case is yours now, as " in words
    assert len({code for _, code in await owners(talk)}) == 2


async def test_a_what_if_copy_is_not_handed_on(clinic: Clinic) -> None:
    case = case_of(await summary(clinic.talk))
    await forged(clinic.talk, f"1|fork|{case}|")
    copy = case_of(clinic.talk.me.screen)

    assert "no longer works" in await forged(clinic.talk, f"1|hand|{copy}|")


# --- an owner who is gone -----------------------------------------------------------------------


async def test_a_lead_takes_over_a_shared_case_whose_owner_blocked_the_bot(
    clinic: Clinic,
) -> None:
    talk = clinic.talk
    await talk.service.database.write(
        lambda tx: tx.connection.exec_driver_sql("UPDATE team_member SET role = 'lead'")
    )
    case = case_of(await planned(talk))
    await talk.taps("‹ Summary", "Share the case", "I checked: to “Team")
    take = f"1|hand|{case}|take|"
    assert NOTHING in await as_one(clinic, clinic.ben, take)
    talk.me.blocks_bot()
    await talk.settles()

    await later(talk, minutes=1)
    assert "reviews are due, and nobody can be asked" in clinic.ben.last.text
    assert "You lead a team that it is shared with" in clinic.ben.last.text
    assert NOTHING in await as_one(clinic, clinic.dan, take)
    await talk.taps("Take the case over", who=clinic.ben)

    assert (await owners(talk))[0][0] == 502
    await later(talk, days=30)
    assert any("has a review" in message.text for message in clinic.ben.replies)
    assert await every(talk, "SELECT count(*) FROM audit_event WHERE action = 'handover.take'") == [
        (1,)
    ]
    await unharmed(talk)


async def test_a_lead_of_another_team_takes_nothing_over(clinic: Clinic) -> None:
    talk, case = clinic.talk, case_of(await planned(clinic.talk))
    talk.me.blocks_bot()
    await talk.settles()

    assert NOTHING in await as_one(clinic, clinic.ben, f"1|hand|{case}|take|")
    assert "no longer works" in await as_one(clinic, clinic.ben, "1|hand|zzzzzzzz|take|")


# --- everyone who gave an opinion ---------------------------------------------------------------


async def outcome_of(case: Opining, who: Person) -> None:
    """Let the case's owner record a plan and, on day 30, an outcome."""
    talk = case.talk
    who.forges(f"1|plan|{case.case}|", who.last)
    await talk.settles()
    for label in ("The suggested step", "Own team", "Done (0)", "Day 30", "No end agreed"):
        await talk.taps(label, who=who)
    await later(talk, days=30)
    await talk.taps("answer", "Slower than planned", who=who)


async def test_who_gave_an_opinion_is_told_the_outcome(ready: Conversation) -> None:
    case = await opining_of(ready)
    await case.gives(case.ben)
    await case.closes()
    await outcome_of(case, case.ana)

    assert "on which you said what you think, has news: day 30" in case.ben.last.text
    assert "has news" not in case.cleo.last.text
    assert "lower than planned" not in case.ben.last.text
    await case.talk.taps("What came of it", who=case.ben)
    assert "Decided: Agree a written plan" in case.ben.last.text
    assert "Day 30: Slower than planned" in case.ben.last.text
    await unharmed(case.talk)


async def test_who_gave_an_opinion_on_a_case_that_was_taken_back_is_told_nothing(
    ready: Conversation,
) -> None:
    case = await opining_of(ready)
    await case.gives(case.ben)
    await case.closes()
    await case.talk.service.database.write(
        lambda tx: tx.connection.exec_driver_sql("UPDATE share SET revoked_at = at")
    )
    await outcome_of(case, case.ana)

    assert "has news" not in case.ben.last.text
    assert NOTHING in await case.forged("news|{case}|", case.ben)


async def test_the_outcome_is_shown_to_nobody_to_whom_the_case_is_not_open(
    ready: Conversation,
) -> None:
    case = await opining_of(ready)

    assert NOTHING in await case.forged("news|{case}|", case.clinic.dan)
    assert "no longer works" in await case.forged("news|zzzzzzzz|", case.ben)
    await case.forged("news|{case}|", case.ben)
    assert "No outcome yet." in case.ben.last.text


async def test_an_owner_who_once_gave_an_opinion_is_not_told_of_their_own_outcome(
    ready: Conversation,
) -> None:
    case = await opining_of(ready)
    await case.gives(case.ben)
    await case.closes()
    await case.talk.service.database.write(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE consult SET owner_id = (SELECT id FROM person WHERE telegram_id = 502)"
        )
    )
    await outcome_of(case, case.ben)

    assert not [m for m in case.ben.replies if "has news" in m.text]
