"""The running bot as a whole: what ends it, what does not, and what it takes care of beside the chat."""

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from copy import copy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from telegram.error import InvalidToken, NetworkError

from bot.inbox import Limits, Pulse, TokenRefused
from bot.service import Service, every
from bot.transport import Telegram
from storage import letters, transcript
from storage.checkpoints import publish_now, read_anchors
from storage.errors import StorageUnavailable
from tests.bot.conftest import (
    FAST,
    SETTLED_SECONDS,
    TOKEN,
    Clock,
    Conversation,
    database_in,
    settings_for,
    talking,
)

ANA, OPERATOR = 501, 900


@pytest.fixture(autouse=True)
def said() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of on the screen."""
    with capture_logs() as lines:
        yield lines


# --- what goes on -----------------------------------------------------------------------------


async def test_a_loop_that_fails_is_tried_again(said: list[MutableMapping[str, Any]]) -> None:
    stop, rounds = asyncio.Event(), 0

    async def fails_twice() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ValueError("words of somebody")
        if rounds == 2:
            raise StorageUnavailable("full")
        stop.set()

    await every(0, fails_twice, stop)

    assert rounds == 3
    assert [line["event"] for line in said] == ["loop_failed", "loop_failed"]


async def test_a_database_taken_over_by_a_newer_version_ends_it_in_order(tmp_path: Path) -> None:
    clock = Clock()
    database = database_in(tmp_path, clock)

    async with Telegram(TOKEN, "http://127.0.0.1:9") as telegram:
        service = Service(settings_for(tmp_path), database, telegram, pace=FAST)
        database.outdated.set()
        with pytest.raises(StorageUnavailable, match="newer version of Curbside"):
            await asyncio.wait_for(service.run(asyncio.Event()), 5)
    await database.close()


async def test_a_refused_token_ends_it_in_order(tmp_path: Path) -> None:
    class Refusing(Telegram):
        async def call(self, method: str, params: Any) -> Any:
            raise InvalidToken("Unauthorized")

    database = database_in(tmp_path, Clock())
    service = Service(settings_for(tmp_path), database, Refusing(TOKEN), pace=FAST)
    service.intake.limits = Limits(first_pause=0.001)

    with pytest.raises(TokenRefused):
        await asyncio.wait_for(service.run(asyncio.Event()), 5)
    await database.close()


async def test_a_stop_does_not_wait_for_a_telegram_that_does_not_answer(tmp_path: Path) -> None:
    class Silent(Telegram):
        async def call(self, method: str, params: Any) -> Any:
            await asyncio.Event().wait()

    database = database_in(tmp_path, Clock())
    service = Service(settings_for(tmp_path), database, Silent(TOKEN), pace=FAST)
    stop = asyncio.Event()
    running = asyncio.create_task(service.run(stop))
    await asyncio.sleep(0)
    stop.set()

    await asyncio.wait_for(running, 5)
    await database.close()


async def test_it_introduces_itself_once_telegram_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waking(Telegram):
        asked = 0

        async def call(self, method: str, params: Any) -> Any:
            self.asked += 1
            if self.asked < 3:
                raise NetworkError("not yet")
            return {"username": "curbside_bot"}

    monkeypatch.setattr("bot.service.INTRODUCE_SECONDS", 0)
    database = database_in(tmp_path, Clock())
    service = Service(settings_for(tmp_path), database, Waking(TOKEN), pace=FAST)

    await service.introduce()
    await database.close()

    assert service.handler.username == "curbside_bot"


async def test_health_turns_red_when_telegram_has_not_been_asked_for_long(
    conversation: Conversation,
) -> None:
    await conversation.settles()
    assert (await conversation.service.trouble())[0] == ""

    service = conversation.service
    service.intake = copy(service.intake)  # the one that polls goes on beside it
    service.intake.pulse = Pulse(leads=True, polled_at=-1e9)

    assert (await conversation.service.trouble())[0] == "polling_stale"


# --- dead letters -----------------------------------------------------------------------------


async def buried(conversation: Conversation, update_id: int, words: str) -> UUID:
    """Put an update away as one that could not be handled."""
    who = {"id": ANA, "is_bot": False, "first_name": "Ana"}
    message = {
        "message_id": 4000 + update_id,
        "date": 1795446000,
        "chat": {"id": ANA, "type": "private"},
        "from": who,
        "text": words,
    }
    raw = {"update_id": update_id, "message": message}
    await conversation.service.bury(raw, update_id=update_id, reason="ValueError", attempts=5)
    (letter, *_) = await conversation.service.database.read(letters.letters)
    return letter.id


async def test_a_replayed_letter_is_handled_once_and_its_words_are_gone(
    ready: Conversation,
) -> None:
    letter = await buried(ready, 77, "/help")
    service, before = ready.service, len(ready.emulator.sent("sendMessage"))
    await service.database.write(lambda tx: letters.replay(tx, letter))

    await service.replay()
    await service.replay()
    await ready.settles()

    assert len(ready.emulator.sent("sendMessage")) == before + 1
    assert await service.database.read(letters.asked) == ()
    assert await ready.rows("SELECT count(*) FROM dead_letter WHERE payload IS NOT NULL") == 0


async def test_a_crash_after_a_replay_was_handled_does_not_repeat_it(ready: Conversation) -> None:
    letter = await buried(ready, 77, "/help")
    service, before = ready.service, len(ready.emulator.sent("sendMessage"))
    await service.database.write(lambda tx: letters.replay(tx, letter))
    ((_, payload),) = await service.database.read(letters.asked)
    await service.intake(json.loads(payload))
    await ready.settles()

    await service.replay()
    await ready.settles()

    assert len(ready.emulator.sent("sendMessage")) == before + 1


async def test_a_replayed_letter_that_fails_again_is_a_new_letter(ready: Conversation) -> None:
    letter = await buried(ready, 77, "/help")
    service = ready.service
    await service.database.write(lambda tx: letters.replay(tx, letter))

    async def fails(raw: dict[str, Any]) -> None:
        raise ValueError

    service.intake.handle = fails
    service.intake.limits = Limits(tries=2, first_pause=0.001)
    await service.replay()

    found = await service.database.read(letters.letters)
    assert [(each.update_id, each.reason) for each in found] == [
        (77, "ValueError"),
        (77, "ValueError"),
    ]
    assert await service.database.read(letters.waiting_letters) == 1
    assert await service.database.read(lambda tx: transcript.seen(tx, 77))


async def test_a_replay_waits_for_storage(ready: Conversation) -> None:
    letter = await buried(ready, 77, "/help")
    service = ready.service
    await service.database.write(lambda tx: letters.replay(tx, letter))
    handle = service.intake.handle

    async def full(raw: dict[str, Any]) -> None:
        raise StorageUnavailable("full")

    service.intake.handle = full
    await service.replay()
    assert len(await service.database.read(letters.asked)) == 1
    assert (await service.trouble())[0] == "storage"
    service.intake.handle = handle
    await service.replay()

    assert await service.database.read(letters.asked) == ()
    assert (await service.trouble())[0] == ""


# --- anchors ----------------------------------------------------------------------------------


async def test_checkpoints_reach_the_anchor_file_and_the_operators_chat(tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    async with talking(tmp_path, anchor_file=anchors, anchor_chat=OPERATOR) as conversation:
        conversation.me.starts()
        await conversation.settles()
        await publish_now(conversation.service.database, conversation.service.publish)
        await conversation.taps("I am a clinician")
        await publish_now(conversation.service.database, conversation.service.publish)
        await conversation.settles()
        sent = [
            call for call in conversation.emulator.calls if call.params.get("chat_id") == OPERATOR
        ]

    in_file = read_anchors(anchors.read_text().splitlines())
    assert len(in_file) >= 1
    assert len(sent) == 1


async def test_an_anchor_file_that_cannot_be_written_is_an_alarm_and_nothing_stops(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path, anchor_file=tmp_path / "missing" / "anchors") as conversation:
        conversation.me.starts()
        await conversation.settles()
        await publish_now(conversation.service.database, conversation.service.publish)
        await shows(conversation, "anchor_not_written")
        (tmp_path / "missing").mkdir()
        await conversation.taps("I am a clinician")
        await publish_now(conversation.service.database, conversation.service.publish)
        await shows(conversation, "")


async def shows(conversation: Conversation, code: str) -> None:
    """Wait until the health page says so; the log is tended beside the test."""
    async with asyncio.timeout(SETTLED_SECONDS):
        while (await conversation.service.trouble())[0] != code:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


# --- alarms -----------------------------------------------------------------------------------


async def test_admins_are_told_once_an_hour_that_the_token_is_used_elsewhere(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path, admins=(501, 502)) as conversation:
        conversation.me.starts()
        await conversation.settles()
        await conversation.service.warn()
        await conversation.service.warn()
        await conversation.settles()

        assert "revoke it in BotFather" in conversation.me.last.text
        assert await conversation.rows("SELECT count(*) FROM transcript WHERE kind = 'alarm'") == 1
