"""Nothing is acknowledged before it is committed, and nothing keeps the others from coming."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot import inbox
from bot.inbox import Intake, Limits, NotStored, Polling, TokenRefused
from bot.transport import Telegram
from bot.trials import Trials, trials_in
from storage.errors import StorageUnavailable
from web.emulator import Emulator, bot_api, new_emulator, person, served
from web.emulator.faults import Kind

TOKEN = "7000000001:" + "t" * 35
QUICK = Limits(
    try_seconds=0.2, patience_seconds=9, first_pause=0.001, longest_pause=0.02, drain_seconds=0.2
)


@pytest.fixture(autouse=True)
def said() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of on the screen."""
    with capture_logs() as lines:
        yield lines


def text(update_id: int, words: str = "hi", chat: int = 501) -> dict[str, Any]:
    sender = {"id": chat, "is_bot": False, "first_name": "Ana"}
    place = {"id": chat, "type": "private"}
    message = {"message_id": update_id, "date": 1795446000, "chat": place, "from": sender}
    return {"update_id": update_id, "message": message | {"text": words}}


@dataclass
class Desk:
    """Handles updates as it is told to, and remembers what it handled and buried."""

    does: Callable[[dict[str, Any]], Any] = lambda raw: None
    handled: list[int] = field(default_factory=list)
    buried: list[tuple[int | None, str, int]] = field(default_factory=list)
    tries: int = 0
    full: bool = False

    async def __call__(self, raw: dict[str, Any]) -> None:
        self.tries += 1
        if self.full:
            raise StorageUnavailable("full")
        outcome = self.does(raw)
        if outcome is not None:
            await outcome
        self.handled.append(raw["update_id"])

    async def bury(self, raw: Any, *, update_id: int | None, reason: str, attempts: int) -> None:
        if self.full:
            raise StorageUnavailable("full")
        self.buried.append((update_id, reason, attempts))

    def intake(self, limits: Limits = QUICK) -> Intake:
        return Intake(self, self.bury, limits=limits)


@dataclass
class Source:
    """Telegram as a list of answers; what it was asked for is kept."""

    answers: list[Any]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[int] = field(default_factory=list)

    async def get_updates(self, *, offset: int, seconds: int) -> Sequence[Any]:
        self.asked.append(offset)
        if not self.answers:
            self.stop.set()
            return ()
        answer = self.answers.pop(0)
        if isinstance(answer, TelegramError):
            raise answer
        return list(answer)


async def polled(desk: Desk, *answers: Any, limits: Limits = QUICK) -> tuple[Source, Intake]:
    source, intake = Source(list(answers)), desk.intake(limits)
    async with asyncio.timeout(5):
        await inbox.run(source, intake, stop=source.stop, poll_seconds=0)
    return source, intake


# --- acknowledging --------------------------------------------------------------------------------


async def test_a_batch_is_acknowledged_by_the_next_question_and_then_forgotten() -> None:
    desk = Desk()

    source, _ = await polled(desk, [text(7), text(8)], [])

    assert desk.handled == [7, 8]
    assert source.asked[:3] == [0, 9, 0]


async def test_ids_that_begin_anew_below_are_handled() -> None:
    desk = Desk()

    await polled(desk, [text(900_000)], [], [text(12)])

    assert desk.handled == [900_000, 12]


async def test_an_update_that_cannot_be_stored_is_not_acknowledged() -> None:
    desk = Desk(full=True)

    source, _ = await polled(desk, [text(7)], [text(7)])

    assert source.asked == [0, 0, 0]
    assert desk.handled == []
    assert desk.buried == []


async def test_storage_that_recovers_goes_on_where_it_was() -> None:
    desk = Desk(full=True)
    source, intake = Source([[text(7)], [text(7)], []]), desk.intake()
    polling = Polling(source, intake, source.stop, 0)

    await polling._take(await source.get_updates(offset=0, seconds=0))
    alarm, desk.full = intake.pulse.alarm, False
    await polling.run()

    assert (alarm, intake.pulse.alarm) == ("storage", "")
    assert desk.handled == [7]
    assert source.asked == [0, 0, 8, 0]


async def test_one_unstored_update_holds_back_the_rest_of_its_chat_only() -> None:
    def fails_once(raw: dict[str, Any]) -> None:
        if raw["update_id"] == 1 and desk.tries < 4:
            raise StorageUnavailable("busy")

    desk = Desk(fails_once)
    batch = [text(1, chat=501), text(2, chat=501), text(3, chat=502)]

    source, _ = await polled(desk, batch, [])

    assert desk.handled == [3]
    assert source.asked[1] == 0


# --- order ----------------------------------------------------------------------------------------


async def test_a_chat_is_handled_in_order_and_chats_side_by_side() -> None:
    running: set[int] = set()
    most = 0

    async def slowly(raw: dict[str, Any]) -> None:
        nonlocal most
        chat = raw["message"]["chat"]["id"]
        assert chat not in running
        running.add(chat)
        most = max(most, len(running))
        await asyncio.sleep(0.002)
        running.discard(chat)

    desk = Desk(slowly)
    batch = [text(number, chat=500 + number % 3) for number in (9, 1, 8, 2, 7, 3, 6, 4, 5)]

    await polled(desk, batch)

    assert most == 3
    for chat in (500, 501, 502):
        theirs = [number for number in desk.handled if 500 + number % 3 == chat]
        assert theirs == sorted(theirs)


async def test_a_chat_is_in_order_behind_a_webhook_too() -> None:
    async def slow_at_first(raw: dict[str, Any]) -> None:
        await asyncio.sleep(0.02 if raw["update_id"] == 1 else 0)

    desk = Desk(slow_at_first)
    intake = desk.intake()

    await asyncio.gather(*(intake(text(number)) for number in (1, 2, 3)))

    assert desk.handled == [1, 2, 3]


async def test_only_so_many_are_handled_at_once() -> None:
    running = most = 0

    async def count(_raw: dict[str, Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    desk = Desk(count)

    await polled(desk, [text(n, chat=n) for n in range(1, 30)], limits=Limits(at_once=4))

    assert most == 4
    assert len(desk.handled) == 29


# --- poison ---------------------------------------------------------------------------------------


async def test_an_update_that_always_fails_is_put_away_after_five_tries() -> None:
    def fails(raw: dict[str, Any]) -> None:
        if raw["update_id"] == 7:
            raise KeyError("Jane Roe")

    desk = Desk(fails)

    source, intake = await polled(desk, [text(7), text(8), text(9, chat=502)], [])

    assert desk.buried == [(7, "KeyError", 5)]
    assert sorted(desk.handled) == [8, 9]
    assert source.asked[1] == 10
    assert intake.pulse.buried == 1


async def test_an_update_that_fails_at_first_is_tried_again() -> None:
    def fails_twice(_raw: dict[str, Any]) -> None:
        if desk.tries < 3:
            raise KeyError

    desk = Desk(fails_twice)

    await polled(desk, [text(7)])

    assert desk.handled == [7]
    assert desk.tries == 3


def suspecting(folder: Path, *deaths: tuple[int, ...]) -> Trials:
    """Return the trials of a process after others that died while they handled these."""
    for update_ids in deaths:
        dying = trials_in(folder)
        for each in update_ids:
            dying.on(each).__enter__()
        assert dying._file is not None
        os.close(dying._file)
    return trials_in(folder)


async def test_suspects_are_handled_alone_and_one_after_the_other(tmp_path: Path) -> None:
    at_once: list[int] = []
    running: set[int] = set()

    async def takes_a_while(raw: dict[str, Any]) -> None:
        running.add(raw["update_id"])
        await asyncio.sleep(0.01)
        if running & {1, 2}:
            at_once.append(len(running))
        running.discard(raw["update_id"])

    desk = Desk(takes_a_while)
    intake = Intake(desk, desk.bury, limits=QUICK, trials=suspecting(tmp_path, (1, 2)))
    await asyncio.gather(*(intake(text(each, chat=500 + each)) for each in range(6)))
    intake.trials.close()

    assert at_once == [1, 1]
    assert sorted(desk.handled) == list(range(6))


async def test_after_a_death_others_go_first_and_all_tasks_go_on_when_one_is_cut_off(
    tmp_path: Path,
) -> None:
    desk = Desk()
    limits = replace(QUICK, quiet_seconds=0.05)
    intake = Intake(desk, desk.bury, limits=limits, trials=suspecting(tmp_path, (1,)))
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await intake(text(1))
    await asyncio.gather(*(intake(text(each, chat=500 + each)) for each in range(1, 50)))
    intake.trials.close()

    assert desk.handled[-1] == 1
    assert len(desk.handled) == 49


async def test_a_deadly_update_is_put_away_unread_once_that_can_be_stored(tmp_path: Path) -> None:
    desk = Desk(full=True)
    intake = Intake(desk, desk.bury, limits=QUICK, trials=suspecting(tmp_path, *[(7,)] * 5))
    with pytest.raises(NotStored):
        await intake(text(7))
    desk.full = False
    await intake(text(7))
    await intake(text(7))
    intake.trials.close()

    assert desk.buried == [(7, "deadly", 5)]
    assert desk.handled == [7], "asked for once more, it is an update like any other"


async def test_an_update_that_hangs_is_put_away_in_time() -> None:
    desk = Desk(lambda raw: asyncio.sleep(60) if raw["update_id"] == 7 else None)
    limits = Limits(try_seconds=0.05, patience_seconds=0.12, first_pause=0.001)
    began = monotonic()

    await polled(desk, [text(7), text(8, chat=502)], limits=limits)

    assert [(number, reason) for number, reason, _ in desk.buried] == [(7, "TimeoutError")]
    assert desk.handled == [8]
    assert monotonic() - began < 2


@pytest.mark.parametrize("junk", [{"message": 5}, {"message": {"from": {}, "text": "hi"}}])
async def test_what_cannot_be_decoded_is_put_away_and_acknowledged(junk: Any) -> None:
    desk = Desk()

    source, _ = await polled(desk, [{"update_id": 7, **junk}, text(8)], [])

    assert [letter[0] for letter in desk.buried] == [7]
    assert desk.handled == [8]
    assert source.asked[1] == 9


async def test_junk_without_an_id_does_not_stop_the_others() -> None:
    desk = Desk()

    source, _ = await polled(desk, ["junk", text(8)], [])

    assert desk.buried == [(None, "update_id", 0)]
    assert source.asked[1] == 9


async def test_a_letter_that_cannot_be_kept_means_not_acknowledged() -> None:
    desk = Desk(full=True)

    with pytest.raises(NotStored):
        await desk.intake()({"update_id": 7, "message": 5})


# --- Telegram's moods -----------------------------------------------------------------------------


async def test_a_failing_network_is_asked_again_ever_more_slowly() -> None:
    desk = Desk()
    polling = Polling(Source([]), desk.intake(Limits()), asyncio.Event(), 0)

    pauses = [polling._after(NetworkError("x")) for _ in range(12)]

    assert pauses[0] <= 0.2
    assert pauses[-1] > 15
    assert max(pauses) <= 30
    assert polling.intake.pulse.alarm == "unreachable"


async def test_an_answer_ends_the_alarm() -> None:
    desk = Desk()

    _, intake = await polled(desk, NetworkError("x"), [text(7)])

    assert intake.pulse.alarm == ""
    assert intake.pulse.silent_for(monotonic()) is not None
    assert desk.handled == [7]


async def test_a_second_poller_is_an_alarm_and_is_outwaited() -> None:
    desk = Desk()
    polling = Polling(Source([]), desk.intake(Limits()), asyncio.Event(), 0)

    assert polling._after(Conflict("x")) == 30
    assert polling.intake.pulse.alarm == "conflict"


async def test_telegram_may_say_how_long_to_wait() -> None:
    polling = Polling(Source([]), Desk().intake(Limits()), asyncio.Event(), 0)

    assert polling._after(RetryAfter(7)) == 7


async def test_a_refused_token_stops_with_a_clear_line_but_not_at_the_first_hiccup() -> None:
    desk = Desk()
    hiccup, *refusals = [InvalidToken("x") for _ in range(4)]

    with pytest.raises(TokenRefused, match="CURBSIDE_TOKEN"):
        await polled(desk, hiccup, [text(7)], *refusals)

    assert desk.handled == [7]


async def test_before_the_first_answer_silence_has_no_length() -> None:
    assert Desk().intake().pulse.silent_for(5.0) is None


# --- stopping -------------------------------------------------------------------------------------


async def test_a_stop_finishes_what_is_begun_and_acknowledges_it() -> None:
    begun, stop = asyncio.Event(), asyncio.Event()

    async def slowly(_raw: dict[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(0.05)

    desk = Desk(slowly)
    source = Source([[text(7)]])
    running = asyncio.create_task(inbox.run(source, desk.intake(), stop=stop, poll_seconds=0))
    await begun.wait()
    stop.set()
    await running

    assert desk.handled == [7]
    assert source.asked == [0, 8]


async def test_a_stop_does_not_wait_for_ever_and_then_acknowledges_nothing() -> None:
    begun, stop = asyncio.Event(), asyncio.Event()

    async def hangs(_raw: dict[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(60)

    desk = Desk(hangs)
    source = Source([[text(7)]])
    limits = Limits(drain_seconds=0.05)
    running = asyncio.create_task(inbox.run(source, desk.intake(limits), stop=stop, poll_seconds=0))
    await begun.wait()
    stop.set()
    async with asyncio.timeout(2):
        await running

    assert source.asked == [0]


async def test_a_stop_ends_a_waiting_poll_at_once() -> None:
    async with telegram() as (source, _):
        stop = asyncio.Event()
        running = asyncio.create_task(
            inbox.run(source, Desk().intake(), stop=stop, poll_seconds=30)
        )
        await asyncio.sleep(0.05)
        stop.set()
        async with asyncio.timeout(2):
            await running

        assert running.done()


async def test_a_telegram_that_does_not_listen_to_the_farewell_is_no_error() -> None:
    desk, stop = Desk(lambda raw: stop.set()), asyncio.Event()
    source = Source([[text(7)], NetworkError("gone")])

    await inbox.run(source, desk.intake(), stop=stop, poll_seconds=0)

    assert source.asked == [0, 8]


# --- over HTTP ------------------------------------------------------------------------------------


@asynccontextmanager
async def telegram() -> AsyncIterator[tuple[Telegram, Emulator]]:
    emulator = new_emulator(TOKEN, lambda: datetime(2026, 11, 23, tzinfo=UTC), seed=1)
    async with served(bot_api(emulator)) as url, Telegram(TOKEN, url, poll_seconds=1) as made:
        yield made, emulator


FAULTS: tuple[Kind, ...] = ("500", "502", "truncated", "dropped", "duplicate", "reorder", "401")


async def test_everything_arrives_once_through_a_bad_network() -> None:
    async with telegram() as (source, emulator):
        people = [person(emulator, 500 + n, f"P{n}") for n in range(4)]
        for fault in FAULTS:
            emulator.faults.at_random(fault, 0.1, method="getupdates")
        for number in range(40):
            people[number % 4].says(f"{number}")
        words: dict[int, str] = {}
        stop = asyncio.Event()

        def keep(raw: dict[str, Any]) -> None:
            words[raw["update_id"]] = raw["message"]["text"]
            if len(words) == 40:
                stop.set()

        async with asyncio.timeout(15):
            intake = Desk(keep).intake(Limits(first_pause=0.001, refusals=9))
            await inbox.run(source, intake, stop=stop, poll_seconds=1)

    assert sorted(words.values(), key=int) == [str(number) for number in range(40)]
