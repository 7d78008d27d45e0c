"""Sharing a case: two taps, exactly what was previewed, taken back, and nothing to anybody else."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import share
from bot.language import translator
from bot.screen import TEXT_LIMIT, utf16
from bot.screens.shared import shared_pages
from dialogs.content import load_scenario
from dialogs.identifiers import find_identifiers
from storage import consults, people, shares, transcript
from tests.bot import walks
from tests.bot.conftest import Conversation
from tests.bot.teamwork import Clinic, clinic_of
from tests.dialogs.random_answers import random_answers

SCENARIO = load_scenario("mat_pain")
NOWHERE = "That link does not work any more. Ask for a new one."


@pytest.fixture
async def clinic(ready: Conversation) -> Clinic:
    return await clinic_of(ready)


async def link_of(clinic: Clinic) -> str:
    """Share Ana's case by a link and return the payload."""
    await clinic.talk.taps("Share the case", "I checked: by a link")
    return str(clinic.talk.screen.button("Copy the link")["copy_text"]["text"].split("start=")[1])


def body(text: str) -> str:
    """Return what stands from the case's heading on."""
    return text[text.index("Answers") :]


async def test_two_taps_from_the_summary_open_the_case_to_the_team(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.case()
    await talk.taps("Share the case")
    preview = talk.screen.text
    assert "exactly what others will see" in preview
    assert "In a browser a link shows this and, in full, what follows from these" in preview
    assert "Those who open it in this bot also see, in the transcript: earlier answers" in preview

    await talk.taps("I checked: to “Team & <co>”")
    assert "Shared with “Team & <co>”." in talk.me.toasts[-1].text
    assert "1. Team “Team & <co>”: 180 days left, seen by 0" in talk.screen.text
    await talk.taps("Look at it", who=clinic.ben)

    assert body(clinic.ben.screen.text) == body(preview)
    assert "2026" not in clinic.ben.screen.text
    await talk.taps("All points", "Page 2 ›", "‹ Page 1", "‹ The shared case", who=clinic.ben)
    assert body(clinic.ben.screen.text) == body(preview)
    assert walks.case_of(clinic.ben.screen) == case
    await walks.unharmed(talk)


async def test_a_case_that_changed_after_the_preview_is_looked_at_again(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.case()
    await talk.taps("Share the case")
    old = walks.data_of(talk.screen, "I checked: by a link")
    await walks.forged(talk, f"1|conf|{case}|before|3|")

    assert "changed" in await walks.forged(talk, old)
    assert "exactly what others will see" in talk.screen.text
    assert await talk.rows("SELECT count(*) FROM share") == 0


async def test_a_later_change_stays_the_askers_until_it_is_checked(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.shared()
    await walks.at_once(talk, case, ("o|{case}|duration|s|", "a|{case}|duration|gt12m|"))
    await talk.taps("Look at it", who=clinic.ben)
    assert "Duration: 3-12 months" in clinic.ben.screen.text

    await talk.taps("Shared (1)")
    assert "You have changed answers since" in talk.screen.text
    await talk.taps("Share with more", "I checked: show this from now on")
    await talk.taps("‹ Shared cases", who=clinic.ben)
    await talk.taps("Case", who=clinic.ben)

    assert "Duration: Over 12 months" in clinic.ben.screen.text
    assert await talk.rows("SELECT max(number) FROM publication") == 2


async def test_a_link_opens_the_case_once_it_is_followed(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.case()
    payload = await link_of(clinic)
    address = str(talk.screen.button("Copy the page")["copy_text"]["text"])
    assert address.endswith("/shared/" + payload.removeprefix("s_"))
    assert "no longer works" in await forged_by(clinic, f"1|shv|{case}|")

    assert "Oxycodone" in await clinic.follows(clinic.dan, payload)
    await talk.taps("‹ Shared with", "Who looked")

    assert "Medical or nursing staff in the MAT program: just now, opened 1×" in talk.screen.text
    assert "Dan" not in talk.screen.text
    await talk.taps("‹ Shared with", "Show link 1")
    assert payload in talk.screen.text
    assert "Case" in await clinic.follows(talk.me, payload)
    assert await talk.rows("SELECT count(*) FROM share_view") == 1


async def forged_by(clinic: Clinic, data: str) -> str:
    """Let Dan, who is in no team, send callback data and return the toast."""
    clinic.dan.forges(data, clinic.dan.screen)
    await clinic.talk.settles()
    return str(clinic.dan.toasts[-1].text)


async def test_taken_back_expired_full_and_wrong_links_look_the_same(clinic: Clinic) -> None:
    talk = clinic.talk
    await clinic.case()
    payload = await link_of(clinic)
    await clinic.database(
        lambda tx: tx.connection.exec_driver_sql("UPDATE share SET most_views = 0")
    )
    full = await clinic.follows(clinic.dan, payload)
    await talk.taps("‹ Shared with", "Take back 1")
    assert "Taken back" in talk.me.toasts[-1].text
    said = {
        full,
        await clinic.follows(clinic.dan, payload),
        await clinic.follows(clinic.dan, "s_" + "x" * 43),
        await clinic.follows(clinic.dan, "c_zzzzzzzz"),
    }

    assert len(said) == 1
    assert said.pop().startswith(NOWHERE)


async def test_a_link_stops_after_thirty_days_also_for_those_who_followed_it(
    clinic: Clinic,
) -> None:
    talk, case = clinic.talk, await clinic.case()
    payload = await link_of(clinic)
    await clinic.follows(clinic.dan, payload)
    talk.clock.moves(days=30)

    assert "no longer works" in await forged_by(clinic, f"1|shv|{case}|p|0|")
    assert NOWHERE in await clinic.follows(clinic.dan, payload)


async def test_access_ends_when_one_is_removed_suspended_or_gone(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.shared()
    await talk.taps("Look at it", who=clinic.ben)
    await clinic.database(
        lambda tx: people.set_status(tx, people.get_or_create(tx, 502, "Ben"), "suspended", by=None)
    )
    clinic.ben.forges(f"1|shv|{case}|p|0|", clinic.ben.screen)
    await talk.settles()

    assert "access was taken away" in clinic.ben.last.text


async def test_erasing_a_case_withdraws_its_cards_and_ends_its_links(clinic: Clinic) -> None:
    talk, ward = clinic.talk, await clinic.bound()
    case = await clinic.shared()
    card = clinic.ben.in_group(ward).last
    await talk.taps("Share with more", "I checked: by a link")
    payload = str(talk.screen.button("Copy the link")["copy_text"]["text"].split("start=")[1])

    await walks.forged(talk, f"1|close|{case}|")
    await walks.forged(talk, f"1|del|{case}|yes|")
    await talk.settles()

    assert card.text == "[removed]"
    assert card.rows == []
    assert NOWHERE in await clinic.follows(clinic.ben, payload)
    assert "no longer works" in await forged_by(clinic, f"1|shv|{case}|")
    await walks.unharmed(talk)


async def test_a_closed_case_is_still_taken_back(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.shared()
    await walks.forged(talk, f"1|close|{case}|")
    await talk.says("/team")
    await talk.taps("Cases I share (1)", "Case", "Take back 1")
    assert "Taken back" in talk.me.toasts[-1].text
    assert "Open it again" in talk.screen.labels

    assert "has ended" in await walks.forged(talk, f"1|shr|{case}|p|0|")
    await talk.says("/team")
    assert not any("Cases I share" in label for label in talk.screen.labels)
    await walks.forged(talk, "1|shm||")
    assert "None now." in talk.screen.text


OWNERS = ("", "p|0", "t|{team}", "c", "l", "u", "b|{share}", "s|{share}", "v")


async def test_somebody_elses_case_is_neither_shared_nor_taken_back(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.shared()
    made = await clinic.share_of(case)
    for act in OWNERS:
        data = f"1|shr|{case}|{act.format(team=clinic.team.short, share=made.short)}|"
        clinic.ben.forges(data, clinic.ben.screen)
        clinic.dan.forges(data, clinic.dan.screen)
    for act in ("", "p|0", "all|0"):
        clinic.dan.forges(f"1|shv|{case}|{act}|", clinic.dan.screen)
    await talk.settles()

    denied = await walks.every(talk, "SELECT count(*) FROM audit_event WHERE outcome = 'denied'")
    assert denied == [(2 * len(OWNERS) + 3,)]
    assert await talk.rows("SELECT count(*) FROM share WHERE revoked_at IS NULL") == 1


async def test_forged_buttons_of_ones_own_case_lead_nowhere(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.shared()
    for act in ("zz", "t|zzzzzzzz", "b|zzzzzzzz", "s|zzzzzzzz"):
        assert "no longer works" in await walks.forged(talk, f"1|shr|{case}|{act}|")
    made = await clinic.share_of(case)
    assert "no longer works" in await walks.forged(talk, f"1|shr|{case}|s|{made.short}|")
    other = walks.case_of(await walks_again(talk))
    assert "no longer works" in await walks.forged(talk, f"1|shr|{other}|b|{made.short}|")


async def walks_again(talk: Conversation) -> Any:
    await talk.says("/start")
    return await walks.summary(talk)


async def test_without_a_team_the_preview_offers_to_begin_one(ready: Conversation) -> None:
    await walks.summary(ready)
    await ready.taps("Share the case")

    assert "Begin a team" in ready.screen.labels
    assert "I checked: by a link" in ready.screen.labels


async def test_a_what_if_case_is_not_shared(clinic: Clinic) -> None:
    talk, case = clinic.talk, await clinic.case()
    await walks.forged(talk, f"1|fork|{case}|")
    await talk.settles()
    fork = await talk.rows("SELECT short FROM consult WHERE hypothetical_of IS NOT NULL")

    assert "no longer works" in await walks.forged(talk, f"1|shr|{fork}|p|0|")
    assert not any("Share" in label for label in talk.screen.labels)


async def test_the_list_of_shared_cases_has_pages(clinic: Clinic) -> None:
    def many(tx: Any) -> None:
        ana = people.get_or_create(tx, 501, "Ana")
        for _ in range(10):
            made = consults.create(tx, ana, scenario_id="mat_pain", content_hash=SCENARIO.hash)
            shown = shares.publish(tx, made, ana.id)
            shares.with_team(tx, shown, clinic.team.id, ana.id)

    await clinic.database(many)
    await clinic.talk.says("/team", clinic.ben)
    await clinic.talk.taps("Cases shared with me (10)", "Page 2 ›", who=clinic.ben)

    assert len([row for row in clinic.ben.screen.rows if "Case" in str(row[0]["text"])]) == 2
    await clinic.talk.taps("‹ Page 1", "‹ Teams", who=clinic.ben)
    assert await clinic.follows(clinic.ben, "cases")
    assert await walks.every(clinic.talk, "SELECT reason FROM dead_letter") == []


async def test_the_commands_of_a_group_work_in_private_too(clinic: Clinic) -> None:
    assert "You have no case with a summary yet" in await clinic.talk.says("/share")
    assert "Nobody has shared a case" in await clinic.talk.says("/opinions")


# --- a chat of one's choice -------------------------------------------------------------------


async def test_a_card_goes_into_a_chosen_chat_personal_and_uncached(clinic: Clinic) -> None:
    talk = clinic.talk
    await clinic.case()
    await talk.taps("Share the case", "I checked: to a chat I choose")
    chosen = talk.screen.button("Choose a chat")["switch_inline_query_chosen_chat"]
    query = talk.me.asks_inline(chosen["query"].lower() + " ")
    answer = await talk.me.inline_answer(query)
    await talk.settles()
    assert (answer["is_personal"], answer["cache_time"], len(answer["results"])) == (True, 0, 1)

    sent = talk.me.at(clinic.dan.chat).chooses(query)
    await talk.settles()
    payload = str(sent.rows[0][0]["url"]).split("start=")[1]
    assert "Oxycodone" not in sent.text
    assert "Oxycodone" in await clinic.follows(clinic.dan, payload)

    await talk.taps("‹ Shared with", "Take back 1")

    assert sent.text == "[removed]"
    words = await walks.every(talk, "SELECT content FROM transcript WHERE kind = 'inlinequery'")
    assert words == [(None,)]


async def test_nobody_is_offered_anothers_card(clinic: Clinic) -> None:
    talk = clinic.talk
    case = await clinic.case()
    await talk.taps("Share the case", "I checked: to a chat I choose")
    for who, words in ((clinic.ben, ""), (talk.me, "ZZ9")):
        answer = await who.inline_answer(who.asks_inline(words))
        assert answer["results"] == []
    made = await clinic.share_of(case)

    def chosen(tx: Any) -> Any:
        return tx.connection.exec_driver_sql("SELECT count(*) FROM card").scalar()

    for who, result in ((clinic.ben, made.short), (talk.me, "zzzzzzzz")):
        content = {"result_id": result, "from": who.user.wire(), "query": ""}
        talk.emulator.updates.put("chosen_inline_result", content, who.queue())
    await talk.settles()
    assert await clinic.database(chosen) == 0


async def test_without_a_card_one_is_led_to_the_cases_that_can_be_shared(
    ready: Conversation,
) -> None:
    answer = await ready.me.inline_answer(ready.me.asks_inline(""))

    assert answer["results"] == []
    assert answer["button"]["start_parameter"] == "share"
    ready.me.starts("share")
    await ready.settles()
    assert "You have no case with a summary yet" in ready.me.last.text
    await ready.says("/start")
    await walks.summary(ready)
    ready.me.starts("share")
    await ready.settles()
    await ready.taps("Case")
    assert "exactly what others will see" in ready.screen.text


# --- the guard over all of it -----------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32))
def test_no_set_of_answers_looks_like_an_identifier_and_each_page_fits(seed: int) -> None:
    answers = random_answers(Random(seed))  # noqa: S311 - repeatable, not secret
    for language in ("en", "es"):
        pages = shared_pages(answers, SCENARIO, translator(language), head="Case K7 · shared")

        assert share.identifiers_in(pages, SCENARIO)[1] == ()
        assert max(map(utf16, pages)) < TEXT_LIMIT - 150


def test_an_identifier_in_what_would_be_shared_is_found() -> None:
    words, found = share.identifiers_in(
        ["Answers\n• Reason: John Smith, SSN 123-45-6789"], SCENARIO
    )

    assert "SSN" in words
    assert any(finding.tier == "hard" for finding in found)


@pytest.mark.parametrize(("words", "shared"), [("SSN 123-45-6789", False), ("Asker: Other", True)])
async def test_a_certain_identifier_stops_the_sharing_and_a_doubt_is_shown(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, words: str, shared: bool
) -> None:
    await clinic.case()
    found = (words, find_identifiers(words))
    assert found[1]
    monkeypatch.setattr(share, "identifiers_in", lambda pages, scenario: found)

    await clinic.talk.taps("Share the case")

    assert words not in clinic.talk.screen.text
    assert ("I checked: by a link" in clinic.talk.screen.labels) is shared
    assert ("Not shared" in clinic.talk.screen.text) is not shared
    assert ("Is this an identifier?" in clinic.talk.screen.text) is shared


# --- what the asker's own file and transcript hold --------------------------------------------


async def test_what_others_were_shown_is_not_in_the_askers_transcript(clinic: Clinic) -> None:
    case = await clinic.shared()
    await clinic.talk.taps("Look at it", who=clinic.ben)

    def kinds(tx: Any) -> set[Any]:
        stored = consults.load_short(tx, case)
        return {line.kind for line in transcript.of_consult(tx, stored.id)}

    assert "shared" not in await clinic.database(kinds)
