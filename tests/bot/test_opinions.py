"""Thinking apart before thinking together: opinions given in taps, blind, then shown as a spread."""

import pytest

from storage import people, retention, teams
from storage.transaction import Tx
from tests.bot.conftest import Conversation
from tests.bot.opining import CHOICES, REASON, Opining, opining_by_chat, opining_of
from tests.bot.walks import data_of, every, unharmed
from web.emulator import Person

NO = ("No", "2", "1", "2")
NAMED = ((502, "Ben"), (501, "Ana"))


@pytest.fixture
async def case(ready: Conversation) -> Opining:
    return await opining_of(ready)


# --- giving -------------------------------------------------------------------------------------------


async def test_an_opinion_is_given_in_five_taps_and_its_giver_sees_the_others(
    case: Opining,
) -> None:
    await case.gives(case.cleo, NO)

    screen = await case.gives(case.ben, reason=REASON)

    assert "what people think so far" in screen.text
    assert "Yes 0 · It depends 1 · No 1" in screen.text
    assert "This is not a vote." in screen.text
    assert f"“{REASON}”\nMedical/nursing, MAT program · sure 4 of 5 · yours" in screen.text
    assert "No: the strongest reason\nNo reason typed." in screen.text
    assert case.ben.toasts[-1].text == "Given. Here is what the others think."
    await unharmed(case.talk)


async def test_that_it_is_blind_and_by_role_is_said_up_front(case: Opining) -> None:
    words = (await case.opens(case.ben)).text

    assert "Case " in words
    assert "your opinion, 1 of 4" in words
    assert (
        "It will stand there as “Medical/nursing, MAT program”, never by name, for good." in words
    )
    assert "In a small team a role may still tell who you are." in words
    assert "Nobody sees it, or that you gave it, before they gave theirs" in words
    assert "(in 3 days)" in words


async def test_it_is_reached_from_what_a_member_was_sent(ready: Conversation) -> None:
    case = await opining_by_chat(ready)
    assert "A colleague asks what you think." in case.ben.last.text

    await case.talk.taps("Look at it", "Say what you think", who=case.ben)

    assert "Is there an issue of concern?" in case.ben.screen.text


async def test_choices_can_be_typed_by_number_or_in_words(case: Opining) -> None:
    await case.opens(case.ben)

    for words in ("it depends", "2", "1", "5"):
        await case.talk.says(words, case.ben)

    assert "not given yet" in case.ben.last.text
    assert "How sure: 5 of 5" in case.ben.last.text


async def test_typed_words_that_are_no_choice_are_not_taken(case: Opining) -> None:
    await case.opens(case.ben)

    assert "Please tap one of the choices" in await case.talk.says("perhaps", case.ben)
    assert await every(case.talk, "SELECT count(*) FROM opinion_draft") == [(0,)]


async def test_any_step_of_the_table_can_be_proposed(case: Opining) -> None:
    await case.opens(case.ben)
    await case.talk.taps("Yes", who=case.ben)
    assert "No gap in MAT, and a release plan" not in case.ben.screen.text

    screen = await case.talk.taps("More steps", who=case.ben)
    assert "No gap in MAT, and a release plan" in screen.text
    assert "Emergency" not in screen.text
    assert "21. None of these" in screen.text

    await case.talk.taps("21", who=case.ben)
    await case.talk.taps("1", "3", who=case.ben)
    assert "Step: Another step" in case.ben.screen.text


async def test_a_choice_is_changed_before_it_is_given(case: Opining) -> None:
    await case.chooses(case.ben)

    await case.talk.taps("Change concern", "Yes", who=case.ben)

    assert "Issue of concern: Yes" in case.ben.screen.text
    assert "How sure: 4 of 5" in case.ben.screen.text


async def test_a_reason_is_one_line_checked_and_short(case: Opining) -> None:
    await case.chooses(case.ben)

    assert "this has 300" in await case.talk.says("x" * 300, case.ben)
    assert "Not stored" in await case.talk.says("Call her at 555-201-7788.", case.ben)
    await case.talk.says("No end\ndate.", case.ben)

    assert "Reason: “No end date.”" in case.ben.last.text
    screen = await case.talk.taps("Remove the reason", who=case.ben)
    assert "Reason: none typed" in screen.text


async def test_a_reason_that_may_identify_somebody_is_asked_about_first(case: Opining) -> None:
    await case.chooses(case.ben)

    assert "Use it as it is?" in await case.talk.says("since Christmas Eve", case.ben)
    await case.talk.taps("It identifies nobody", who=case.ben)

    assert "Reason: “since Christmas Eve”" in case.ben.last.text


async def test_what_was_tapped_survives_anything_else_done_meanwhile(case: Opining) -> None:
    await case.opens(case.ben)
    await case.talk.taps("Yes", "1", who=case.ben)
    await case.talk.says("/help", case.ben)
    await case.talk.says("/privacy", case.ben)

    assert "3 of 4" in (await case.opens(case.ben)).text


async def test_whoever_has_no_role_is_asked_for_it_first(case: Opining) -> None:
    def no_role(tx: Tx) -> None:
        tx.connection.exec_driver_sql("UPDATE person SET role = NULL WHERE telegram_id = 502")

    await case.clinic.database(no_role)

    assert "role" in (await case.opens(case.ben)).text


# --- blind ----------------------------------------------------------------------------------------------


async def test_the_asker_sees_no_opinion_and_not_how_many(case: Opining) -> None:
    before = (await case.opens(case.ana)).text

    await case.gives(case.ben, reason=REASON)

    after = (await case.opens(case.ana)).text
    assert after == before
    assert "Until the round closes you see no opinion, and not how many there are" in after


async def test_the_asker_gives_none_and_a_stranger_reads_none(case: Opining) -> None:
    assert await case.forged("opin|{case}|concern|yes|0", case.ana) == (
        "That button no longer works."
    )
    assert await case.forged("op|{case}|", case.clinic.dan) == "That button no longer works."
    assert await every(case.talk, "SELECT count(*) FROM opinion_draft") == [(0,)]


async def test_all_opinions_are_not_read_before_ones_own(case: Opining) -> None:
    await case.gives(case.ben, reason=REASON)

    await case.forged("op|{case}|all|0|", case.cleo)

    assert REASON not in case.cleo.last.text


async def test_an_asker_of_the_team_reads_when_the_round_closes(case: Opining) -> None:
    def only_asks(tx: Tx) -> None:
        about = teams.load(tx, case.clinic.team.id)
        for member in teams.members(tx, about.id):
            if member.role == "responder":
                teams.set_role(tx, about, member.person_id, "asker", about.created_by)

    await case.gives(case.ben, reason=REASON)
    await case.clinic.database(only_asks)

    assert "opinions are being collected" in (await case.opens(case.cleo)).text
    await case.closes()
    assert REASON in (await case.opens(case.cleo)).text


# --- two devices, closed rounds, forged data ----------------------------------------------------------------


async def test_of_two_devices_the_first_counts_and_the_second_is_told(case: Opining) -> None:
    screen = await case.chooses(case.ben)
    give = data_of(screen, "Give my opinion")
    await case.talk.taps("Give my opinion", who=case.ben)

    case.ben.forges(give, case.ben.screen)
    case.ben.forges(give, case.ben.screen)
    await case.talk.settles()

    assert "You gave your opinion meanwhile" in case.ben.toasts[-1].text
    assert "what people think so far" in case.ben.last.text
    assert await every(case.talk, "SELECT count(*), max(revision) FROM opinion") == [(1, 1)]


async def test_two_devices_at_the_same_moment_give_one_opinion(case: Opining) -> None:
    screen = await case.chooses(case.ben)
    give = data_of(screen, "Give my opinion")

    for _ in range(3):
        case.ben.forges(give, screen)
    await case.talk.settles()

    assert await every(case.talk, "SELECT count(*) FROM opinion") == [(1,)]
    assert case.ben.spinning == []


async def test_a_vote_on_a_closed_round_is_refused_clearly(case: Opining) -> None:
    await case.chooses(case.ben)
    await case.closes()

    await case.talk.taps("Give my opinion", who=case.ben)

    assert "The round has closed; your opinion was not taken." in case.ben.toasts[-1].text
    assert "Nobody gave an opinion." in case.ben.last.text
    assert await every(case.talk, "SELECT count(*) FROM opinion") == [(0,)]


async def test_a_reason_typed_after_the_round_closed_is_not_taken(case: Opining) -> None:
    await case.chooses(case.ben)
    await case.closes()

    await case.talk.says(REASON, case.ben)

    assert REASON not in case.ben.last.text
    assert "The round has closed" in case.ben.last.text or "Nobody gave" in case.ben.last.text


@pytest.mark.parametrize(
    "data",
    [
        "opin|{case}|concern|perhaps|0",
        "opin|{case}|step|STEP_EMERGENCY|0",
        "opin|{case}|leans_on|NTX1|0",
        "opin|{case}|sure|9|0",
        "opin|{case}|change||0",
        "opin|{case}|again|role|0",
        "opin|{case}|nonsense||0",
    ],
)
async def test_forged_choices_lead_nowhere(case: Opining, data: str) -> None:
    await case.opens(case.ben)

    assert "no longer works" in await case.forged(data, case.ben)
    assert await every(case.talk, "SELECT count(*) FROM opinion_draft") == [(0,)]


async def test_giving_half_an_opinion_asks_for_the_rest(case: Opining) -> None:
    await case.opens(case.ben)

    await case.forged("opin|{case}|give||0", case.ben)

    assert "1 of 4" in case.ben.last.text


async def test_only_the_asker_closes_a_round_or_asks_again(case: Opining) -> None:
    for data in ("opend|{case}|yes|", "opnew|{case}|"):
        assert await case.forged(data, case.ben) == "That button no longer works."

    assert await every(case.talk, "SELECT count(*) FROM opinion_round WHERE closed_at IS NULL") == [
        (1,)
    ]


# --- after it opened ----------------------------------------------------------------------------


async def test_when_the_asker_closes_it_the_givers_are_told_without_content(case: Opining) -> None:
    await case.gives(case.ben, reason=REASON)

    screen = await case.closes()

    assert REASON in screen.text
    assert "One opinion: what one person thinks, not what the team thinks." in screen.text
    assert case.ben.last.text.endswith("the round of opinions has closed.")
    assert "closed" not in case.cleo.last.text
    await case.talk.taps("What people think", who=case.ben)
    assert REASON in case.ben.last.text
    await unharmed(case.talk)


async def test_closing_it_is_asked_once_more_and_can_be_left(case: Opining) -> None:
    await case.opens(case.ana)

    screen = await case.talk.taps("Close it now")
    assert "Whoever is still thinking is cut off." in screen.text
    await case.talk.taps("No, leave it open")

    assert "opinions are being collected" in case.ana.last.text


async def test_time_closes_a_round_and_the_asker_is_told(case: Opining) -> None:
    await case.gives(case.ben)

    case.talk.clock.moves(days=3)
    await case.talk.service.clock_moved()
    await case.talk.settles()

    assert case.ana.last.text.endswith("the round of opinions has closed.")
    assert case.ben.last.text.endswith("the round of opinions has closed.")
    await case.talk.service.clock_moved()
    assert await every(case.talk, "SELECT closed FROM opinion_round") == [("time",)]


async def test_a_changed_opinion_says_that_it_was_changed(case: Opining) -> None:
    await case.gives(case.ben)
    await case.gives(case.cleo, NO)

    await case.opens(case.ben)
    await case.talk.taps("Change mine", "Change concern", "No", who=case.ben)
    screen = await case.talk.taps("Give the changed opinion", who=case.ben)

    assert "All 2 answered alike. Nobody argued another side" in screen.text
    assert "Changed after seeing the others: 1." in screen.text
    assert "yours · changed after seeing the others" in screen.text


async def test_many_opinions_stand_on_pages_by_side(case: Opining) -> None:
    await case.gives(case.ben, reason=REASON)
    await case.gives(case.cleo, NO)

    screen = await case.talk.taps("All opinions", who=case.cleo)

    assert screen.text.index("It depends (1)") < screen.text.index("No (1)")
    await case.talk.taps("‹ What people think", who=case.cleo)
    assert "so far" in case.cleo.last.text


async def test_the_asker_can_ask_everybody_again(case: Opining) -> None:
    await case.gives(case.ben)
    await case.closes()

    await case.talk.taps("Ask again")

    assert "opinions are being collected" in case.ana.last.text
    assert case.cleo.last.text.endswith("a colleague asks again what you think.")
    assert "1 of 4" in (await case.opens(case.ben)).text


async def test_a_case_shared_with_nobody_is_not_asked_about_again(case: Opining) -> None:
    await case.closes()
    await case.talk.says("/summary")
    await case.talk.taps("Shared (1)", "Take back 1")
    await case.opens(case.ana)

    await case.talk.taps("Ask again")

    assert "not shared with anybody now" in case.ana.toasts[-1].text


# --- people who go ------------------------------------------------------------------------------


async def test_a_removed_member_sees_and_gives_nothing(case: Opining) -> None:
    await case.gives(case.ben, reason=REASON)
    await case.chooses(case.cleo)

    def remove(tx: Tx) -> None:
        about = teams.load(tx, case.clinic.team.id)
        for member in teams.members(tx, about.id):
            if member.person_id != about.created_by:
                teams.leave(tx, about, member.person_id, about.created_by)

    await case.clinic.database(remove)
    told = len(case.ben.replies)
    await case.talk.taps("Give my opinion", who=case.cleo)
    assert case.cleo.toasts[-1].text == "That button no longer works."
    await case.closes()

    assert REASON in case.ana.last.text
    assert len(case.ben.replies) == told
    await case.forged("op|{case}|", case.ben)
    assert case.ben.toasts[-1].text == "That button no longer works."
    assert await every(case.talk, "SELECT count(*) FROM opinion") == [(1,)]


async def test_a_givers_deleted_account_takes_the_opinion_along(case: Opining) -> None:
    await case.gives(case.ben, reason=REASON)
    blind = (await case.opens(case.ana)).text

    await case.talk.says("/forgetme", case.ben)
    await case.talk.taps("Yes, delete everything", who=case.ben)

    assert (await case.opens(case.ana)).text == blind
    screen = await case.closes()
    assert REASON not in screen.text
    assert "Nobody gave an opinion.\nGone with the account of their author: 1." in screen.text
    await unharmed(case.talk)


async def test_ones_own_opinion_is_in_ones_data(case: Opining) -> None:
    await case.gives(case.ben, reason=REASON)

    def data(tx: Tx) -> list[str]:
        found = [people.get_or_create(tx, number, name) for number, name in NAMED]
        return [str(retention.my_data(tx, who.id)) for who in found]

    own, askers = await case.clinic.database(data)
    assert REASON in own
    assert REASON not in askers


async def test_somebody_who_reads_by_a_link_gives_an_opinion_too(case: Opining) -> None:
    await case.talk.says("/summary")
    await case.talk.taps("Shared (1)", "Share with more")
    for label in [label for label in case.ana.screen.labels if label.startswith("Page")]:
        await case.talk.taps(label)
    await case.talk.taps("I checked: by a link")
    link = case.ana.screen.button("Copy the link")["copy_text"]["text"]

    await case.clinic.follows(case.clinic.dan, link.split("start=")[1])
    await case.gives(case.clinic.dan, CHOICES)

    assert "what people think so far" in case.clinic.dan.last.text


def labels(who: Person) -> list[str]:
    return who.screen.labels


async def test_every_button_fits_and_says_what_it_does(case: Opining) -> None:
    await case.opens(case.ben)
    seen = [labels(case.ben)]
    seen += [(await case.talk.taps(label, who=case.ben)).labels for label in CHOICES]

    assert all(len(label) <= 40 for each in seen for label in each)
