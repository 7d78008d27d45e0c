"""Every kind of fault of the Bot API, in a conversation: it ends as it does on a good network."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.refusals import REPEAT
from tests.bot.conftest import Conversation, talking
from tests.bot.walks import ANSWERS, case_of, every, unharmed
from web.emulator.faults import LOSING, Kind

PASSING: tuple[Kind, ...] = ("429", "500", "502", "truncated", "dropped", "slow")
"""Faults of calls that pass; what does not pass (401, 403, 409) is in the tests of the outbox."""

PATIENCE = 60.0

DISORDER: tuple[Kind, ...] = ("duplicate", "reorder", "500", "502", "truncated", "dropped")
"""Faults of fetching."""


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with talking(tmp_path) as conversation:
        conversation.me.starts()
        await conversation.settles()
        await conversation.taps("I am a clinician", "Counselor", "Start a case")
        yield conversation


async def weathers(talk: Conversation) -> None:
    """Wait until everything is handled and sent, while the time goes on ten times as fast."""
    async with asyncio.timeout(PATIENCE):
        while talk.emulator.updates.waiting or await talk._unsent():
            talk.clock.moves(seconds=0.2)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", PASSING)
async def test_a_fault_of_sending_costs_time_and_nothing_else(
    talk: Conversation, kind: Kind
) -> None:
    """Two calls meet the fault: the answer to the next words, and the edit after the next tap."""
    faults = talk.emulator.faults
    faults.next(kind, method="sendMessage", seconds=0.2)
    faults.next(kind, method="editMessageText", seconds=0.2)
    talk.me.says("/whoami")
    talk.me.forges("1|" + ANSWERS[0].format(case=case_of(talk.screen)), talk.screen)
    await weathers(talk)

    assert faults.counts[kind] == 2
    assert await every(talk, "SELECT question FROM answer_change") == [("safety_now",)]
    assert "Where is the client" in talk.screen.text
    whoami = [m.text for m in talk.me.replies if "numeric Telegram id" in m.text]
    assert len(whoami) == (2 if kind in LOSING else 1)
    assert [text.startswith(REPEAT) for text in whoami] == [False, True][: len(whoami)]


@pytest.mark.parametrize("kind", DISORDER)
async def test_a_fault_of_fetching_loses_and_repeats_nothing(
    talk: Conversation, kind: Kind
) -> None:
    case = case_of(talk.screen)
    talk.emulator.faults.next(kind, method="getUpdates", times=2)
    for each in ANSWERS[:4]:
        talk.me.forges("1|" + each.format(case=case), talk.screen)
    await weathers(talk)

    found = await every(talk, "SELECT question, count(*) FROM answer_change GROUP BY question")
    assert dict(found) == dict.fromkeys(("safety_now", "setting", "mat", "reason"), 1)
    assert "Which opioid" in talk.screen.text
    await unharmed(talk)


async def test_all_of_them_at_once_for_a_whole_case(talk: Conversation) -> None:
    seed = random.randrange(10**6)  # noqa: S311
    print(f"seed {seed}")
    faults, case = talk.emulator.faults, case_of(talk.screen)
    faults.reseed(seed)
    for kind in (*PASSING, "duplicate", "reorder"):
        faults.at_random(kind, 0.05, seconds=0.05)
    for each in ANSWERS:
        talk.me.forges("1|" + each.format(case=case), talk.screen)
    await weathers(talk)

    given = await every(talk, "SELECT question FROM answer_change ORDER BY id")
    assert [name for (name,) in given] == [
        "safety_now", "setting", "mat", "reason", "opioid", "duration", "endplan", "monitoring",
    ], f"seed {seed}"  # fmt: skip
    assert await every(talk, "SELECT phase FROM consult") == [("advised",)]
