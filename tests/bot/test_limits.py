"""Whoever asks too much is told so; nobody who only taps quickly notices that there is a limit."""

from pathlib import Path

import pytest

from bot.settings import Settings
from tests.bot import walks
from tests.bot.conftest import Conversation, talking
from web.emulator import person

BURST = 30
DEFAULT = Settings.model_fields["burst"].default
HITS = "SELECT count(*) FROM audit_event WHERE action = 'limit.hit'"
NOTICE = "Too many messages at once, so some are not taken."


async def arrives(talk: Conversation) -> None:
    talk.me.starts()
    await talk.settles()
    await talk.taps("I am a clinician", "Counselor")


async def tires(talk: Conversation) -> int:
    """The person asks as much as one may at once; return the updates that are known then."""
    for _ in range(BURST + 5):
        talk.me.says("/whoami")
    await talk.settles()
    return await updates(talk)


async def updates(talk: Conversation) -> int:
    return int(await talk.rows("SELECT count(*) FROM transcript WHERE update_id IS NOT NULL"))


def notices(talk: Conversation) -> int:
    return sum(message.text.startswith(NOTICE) for message in talk.me.replies)


async def test_beyond_the_burst_a_message_gets_one_notice_a_minute_and_is_not_stored(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path, burst=BURST) as talk:
        known = await tires(talk)
        assert (known, notices(talk), await talk.rows(HITS)) == (BURST, 1, 1)
        assert not talk.emulator.updates.waiting

        talk.clock.moves(seconds=59)
        await tires(talk)
        assert notices(talk) == 1
        talk.clock.moves(seconds=61)
        await tires(talk)

        assert (notices(talk), await talk.rows(HITS)) == (2, 2)


async def test_a_second_later_one_more_is_taken(tmp_path: Path) -> None:
    async with talking(tmp_path, burst=BURST) as talk:
        known = await tires(talk)
        talk.clock.moves(seconds=1)

        assert "501" in await talk.says("/whoami")
        await talk.says("/whoami")

        assert await updates(talk) == known + 1


async def test_every_tap_that_is_too_fast_is_answered_and_changes_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path, burst=BURST) as talk:
        await arrives(talk)
        known, screen = await tires(talk), talk.screen
        for _ in range(3):
            talk.me.taps("Start a case")
            await talk.settles()

        said = [toast.text for toast in talk.me.toasts[-3:]]
        assert said == ["Too fast: this tap was not taken. Wait a moment, then tap again."] * 3
        assert not talk.me.spinning
        assert (await updates(talk), talk.screen, await talk.rows(HITS)) == (known, screen, 1)
        await walks.unharmed(talk)


async def test_what_is_looked_for_too_fast_from_another_chat_finds_nothing(tmp_path: Path) -> None:
    async with talking(tmp_path, burst=BURST) as talk:
        await tires(talk)
        answer = await talk.me.inline_answer(talk.me.asks_inline("K7Q"))

        assert answer["results"] == []
        assert answer["button"]["text"] == "Too fast. Wait a moment."


async def test_others_are_answered_meanwhile(tmp_path: Path) -> None:
    async with talking(tmp_path, burst=BURST) as talk:
        await tires(talk)
        ben = person(talk.emulator, 502, "Ben")

        assert "502" in await talk.says("/whoami", ben)


async def test_a_stranger_who_floods_is_told_in_the_words_of_their_telegram(tmp_path: Path) -> None:
    async with talking(tmp_path, burst=BURST, approval="approve") as talk:
        eva = person(talk.emulator, 503, "Eva", language="es")
        for _ in range(BURST + 2):
            eva.says("hola")
        await talk.settles()

        assert eva.last.text.startswith("Demasiados mensajes a la vez")


async def test_a_whole_case_and_fifty_marks_without_a_pause_are_not_too_fast(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path, burst=DEFAULT) as talk:
        await arrives(talk)
        case = walks.case_of(await walks.founding(talk, 7))
        for again in range(50):
            await walks.at_once(talk, case, (f"m|{{case}}|monitoring|counselor|{1 - again % 2}|",))
        await walks.at_once(talk, case, walks.ANSWERS[7:])

        assert "Too fast" not in {toast.text[:8] for toast in talk.me.toasts}
        assert await talk.rows(HITS) == 0


@pytest.mark.parametrize("begins", ["/new", "tap"])
async def test_no_more_cases_than_the_setting_says_begin_within_a_day(
    tmp_path: Path, begins: str
) -> None:
    async with talking(tmp_path, cases_a_day=1) as talk:
        await arrives(talk)
        await walks.summary(talk)
        if begins == "tap":
            await walks.forged(talk, "1|new|||||")
            said = talk.me.toasts[-1].text
        else:
            said = await talk.says("/new")
        assert said.startswith("You have begun as many cases as one may within a day (1, ")
        assert await talk.rows("SELECT count(*) FROM consult") == 1
        assert await talk.rows(HITS) == 1

        talk.clock.moves(days=1, seconds=1)
        await talk.says("/new")

        assert await talk.rows("SELECT count(*) FROM consult") == 2


async def test_wrong_shares_cards_invitations_and_codes_are_counted_together(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path) as talk:
        await arrives(talk)
        for payload in (f"s_{'x' * 43}", f"i_{'x' * 43}", f"c_{'x' * 16}", "zzz"):
            talk.me.starts(payload)
            await talk.settles()
        assert "That code does not work" in await talk.says("/team CDFGHJKMNPRT")

        talk.me.starts(f"s_{'y' * 43}")
        await talk.settles()

        assert "Wait ten minutes" in talk.me.last.text
        assert "Wait ten minutes" in await talk.says("/team CDFGHJKMNPRT")
