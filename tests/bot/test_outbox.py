"""What is committed is sent: in order, at the pace Telegram allows, and not twice for the asking."""

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot import outbox
from bot.buckets import Pace
from bot.outbox import Outbox
from bot.refusals import MOST_TRIES, REPEAT
from bot.transport import NeverSent, Telegram, Unanswered
from storage import locks, people, transcript
from storage.database import Database, open_database
from storage.errors import StorageUnavailable
from storage.keys import Keyring, create_key_file
from storage.limits import Rate
from storage.transaction import Tx
from storage.transcript import Outgoing
from tests.databases import PostgresServer
from web.emulator import Emulator, bot_api, new_emulator, person, served
from web.emulator.faults import Kind

TOKEN = "7000000001:" + "t" * 35
ANA, BEN, TEAM = 501, 502, -100500
UNLIMITED = Rate(10_000, 10_000)


@dataclass
class Clock:
    """Wall and monotonic time in one; both move only when told to."""

    seconds: float = 0.0

    def wall(self) -> datetime:
        return datetime(2026, 11, 23, 15, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Sender:
    """Telegram as a list of failures; without one left it takes everything."""

    failures: list[TelegramError | BaseException | None] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    waits_for: dict[str, asyncio.Event] = field(default_factory=dict)

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        if method in self.waits_for:
            await self.waits_for[method].wait()
        self.calls.append((method, dict(params)))
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return {"message_id": 100 + len(self.calls)} if method.startswith("send") else True

    @property
    def texts(self) -> list[str]:
        return [str(params.get("text", "")) for _, params in self.calls]

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]


@dataclass
class Post:
    """An outbox on a real database, with a clock that stands still."""

    database: Database
    clock: Clock
    sender: Any
    box: Outbox

    async def enqueue(self, *outgoing: Outgoing) -> list[UUID]:
        return await self.database.write(
            lambda tx: [transcript.enqueue(tx, each) for each in outgoing]
        )

    async def sends(self, *outgoing: Outgoing) -> list[UUID]:
        rows = await self.enqueue(*outgoing)
        for chat in {each.chat_id for each in outgoing}:
            await self.box.deliver(chat)
        return rows

    async def later(self, seconds: float, *chats: int) -> None:
        self.clock.seconds += seconds
        for chat in chats or (ANA,):
            await self.box.deliver(chat)

    async def codes(self) -> list[str]:
        """Return why rows were given up."""

        def read(tx: Tx) -> list[str]:
            rows = tx.connection.exec_driver_sql(
                "SELECT error_code FROM transcript WHERE state = 'dead' ORDER BY number"
            )
            return [row[0] for row in rows]

        return await self.database.read(read)

    async def states(self) -> list[str]:
        def read(tx: Tx) -> list[str]:
            rows = tx.connection.exec_driver_sql("SELECT state FROM transcript ORDER BY number")
            return [row[0] for row in rows]

        return await self.database.read(read)


@pytest.fixture(autouse=True)
def said() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of on the screen."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database nobody has used, made once: copying it is quicker than migrating."""
    folder = tmp_path_factory.mktemp("fresh")
    create_key_file(folder / "keys")
    asyncio.run(opened(folder, Clock()).close())
    return folder


def opened(folder: Path, clock: Clock) -> Database:
    keys = Keyring.of_file(folder / "keys")
    return open_database(f"sqlite:///{folder}/curbside.db", keys, clock.wall)


@pytest.fixture
async def database(fresh: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[Database]:
    shutil.copytree(fresh, tmp_path, dirs_exist_ok=True)
    database = opened(tmp_path, clock)
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def post(database: Database, clock: Clock) -> AsyncIterator[Post]:
    sender = Sender()
    pace = Pace(UNLIMITED, UNLIMITED, UNLIMITED)
    box = Outbox(database, sender, pace=pace, clock=clock.monotonic)
    yield Post(database, clock, sender, box)
    await box.drained()


def text(words: str, chat: int = ANA, **more: Any) -> Outgoing:
    params = {"text": words, "parse_mode": "HTML", **more.pop("params", {})}
    return Outgoing(chat_id=chat, method="sendMessage", params=params, **more)


def edit(words: str, message_id: int | None = 9, chat: int = ANA, **more: Any) -> Outgoing:
    params = {"text": words, "message_id": message_id}
    return Outgoing(chat_id=chat, method="editMessageText", params=params, **more)


def lost(kind: type[NetworkError] = TimedOut) -> NetworkError:
    error = kind("no answer")
    error.__cause__ = Unanswered()
    return error


def offline() -> NetworkError:
    error = NetworkError("not connected")
    error.__cause__ = NeverSent()
    return error


# --- the straight way -----------------------------------------------------------------------------


async def test_what_is_committed_is_sent_in_order(post: Post) -> None:
    await post.sends(text("one"), text("two"), text("three"))

    assert post.sender.texts == ["one", "two", "three"]
    assert await post.states() == ["sent"] * 3
    assert post.box.mark.sent == 3


async def test_the_message_id_is_kept_for_whoever_edits_it(post: Post) -> None:
    (first,) = await post.sends(text("one", screen=True))
    await post.sends(
        Outgoing(chat_id=ANA, method="editMessageText", params={"text": "two"}, target=first)
    )

    assert post.sender.calls[1] == (
        "editMessageText",
        {"text": "two", "message_id": 101, "chat_id": ANA},
    )
    screen = await post.database.read(lambda tx: transcript.screen_of(tx, ANA))
    assert screen is not None
    assert screen.message_id == 101


async def test_what_is_asked_for_while_sending_is_sent_too(post: Post) -> None:
    await post.enqueue(text("one"))
    sending = asyncio.create_task(post.box.deliver(ANA))
    await asyncio.sleep(0)
    await post.enqueue(text("two"))
    post.box.soon(ANA)
    await sending
    await post.box.drained()

    assert post.sender.texts == ["one", "two"]


async def test_the_sweeper_finds_what_nobody_asked_for(post: Post) -> None:
    await post.enqueue(text("one"), text("two", BEN))

    await post.box.sweep()
    await post.box.drained()

    assert sorted(post.sender.texts) == ["one", "two"]
    assert post.box.mark.swept_at == 0.0


async def test_the_sweeper_runs_until_it_is_stopped(post: Post) -> None:
    await post.enqueue(text("one"))
    stop = asyncio.Event()
    running = asyncio.create_task(post.box.run(stop))
    async with asyncio.timeout(5):
        while not post.sender.calls:  # noqa: ASYNC110 - the sender is not ours to signal
            await asyncio.sleep(0.002)
    stop.set()
    await running

    assert post.sender.texts == ["one"]


async def test_a_file_goes_out_over_http(database: Database, clock: Clock) -> None:
    file = {"filename": "case.txt", "base64": base64.b64encode(b"words").decode()}
    async with emulated(clock) as (telegram, emulator):
        box = Outbox(database, telegram)
        post = Post(database, clock, telegram, box)
        await post.sends(Outgoing(chat_id=ANA, method="sendDocument", params={"document": file}))

        assert emulator.calls[-1].params["document"] == {"filename": "case.txt", "size": 5}
        assert await post.states() == ["sent"]


async def test_a_thread_is_added_to_what_is_sent_and_not_to_edits(post: Post) -> None:
    await post.sends(text("one", TEAM, thread_id=4), edit("two", chat=TEAM, thread_id=4))

    assert [params.get("message_thread_id") for _, params in post.sender.calls] == [4, None]


# --- pace -----------------------------------------------------------------------------------------


async def test_a_chat_gets_five_at_once_and_then_one_a_second(database: Database) -> None:
    clock, sender = Clock(), Sender()
    box = Outbox(database, sender, clock=clock.monotonic)
    post = Post(database, clock, sender, box)
    await post.sends(*(text(str(n)) for n in range(8)))
    counts = [len(sender.calls)]
    for _ in range(3):
        await post.later(1.0)
        counts.append(len(sender.calls))
    await box.drained()

    assert counts == [5, 6, 7, 8]


async def test_a_newer_edit_takes_the_place_of_one_that_waits(database: Database) -> None:
    clock, sender = Clock(), Sender()
    box = Outbox(database, sender, clock=clock.monotonic)
    post = Post(database, clock, sender, box)
    for n in range(9):
        await post.sends(edit(str(n), coalesce="edit:9"))
    await post.later(1.0)
    await box.drained()

    assert sender.texts == ["0", "1", "2", "3", "4", "8"]


async def test_a_group_s_message_is_edited_every_three_seconds_at_most(post: Post) -> None:
    for n in range(4):
        await post.sends(edit(str(n), chat=TEAM, coalesce="card"))
    early = list(post.sender.texts)
    await post.later(3.0, TEAM)

    assert early == ["0"]
    assert post.sender.texts == ["0", "3"]


async def test_a_429_silences_its_chat_and_no_other(post: Post) -> None:
    post.sender.failures = [RetryAfter(7)]
    await post.sends(text("one"), text("two"))
    await post.sends(text("other", BEN))
    await post.later(6.9)
    early = list(post.sender.texts)
    await post.later(0.2)

    assert early == ["one", "other"]
    assert post.sender.texts == ["one", "other", "one", "two"]
    assert post.box.mark.codes == {"rate": 1}


# --- refusals -------------------------------------------------------------------------------------


async def test_a_person_who_blocked_us_is_left_alone(post: Post) -> None:
    await post.database.write(lambda tx: people.get_or_create(tx, ANA, name="Ana"))
    post.sender.failures = [Forbidden("bot was blocked by the user")]
    await post.sends(text("one"), text("two"))

    def look(tx: Tx) -> Any:
        return people.get_or_create(tx, ANA, name="Ana").unreachable_at

    assert post.sender.texts == ["one"]
    assert await post.states() == ["dropped", "dropped"]
    assert await post.database.write(look) is not None


async def test_a_group_that_put_us_out_loses_what_waits(post: Post) -> None:
    post.sender.failures = [Forbidden("bot was kicked from the supergroup chat")]
    await post.sends(text("one", TEAM), text("two", TEAM))

    assert await post.states() == ["dropped", "dropped"]


async def test_what_cannot_be_parsed_is_sent_plain_once(post: Post) -> None:
    post.sender.failures = [BadRequest("Can't parse entities: unsupported start tag")]
    await post.sends(text("<b>5 &lt; 10</b> <x>mg"))

    assert post.sender.texts[1] == "5 < 10 mg"
    assert "parse_mode" not in post.sender.calls[1][1]
    assert await post.states() == ["sent"]


async def test_what_cannot_be_sent_plain_either_is_given_up_and_the_next_goes_on(
    post: Post,
) -> None:
    post.sender.failures = [
        BadRequest("Can't parse entities: x"),
        BadRequest("Can't parse entities"),
    ]
    await post.sends(text("<x>"), text("two"))

    assert await post.states() == ["dead", "sent"]
    assert post.box.mark.codes["unparsable"] == 1


async def test_an_edit_that_changes_nothing_is_done(post: Post) -> None:
    post.sender.failures = [
        BadRequest("Message is not modified: specified new message content ...")
    ]
    await post.sends(edit("same"))

    assert await post.states() == ["sent"]


@pytest.mark.parametrize(
    "said",
    ["Message to edit not found", "Message can't be edited", "MESSAGE_ID_INVALID"],
)
async def test_an_edit_of_a_lost_message_is_sent_anew(post: Post, said: str) -> None:
    post.sender.failures = [BadRequest(said)]
    (row,) = await post.sends(edit("words", screen=True))

    assert post.sender.calls[1] == ("sendMessage", {"text": "words", "chat_id": ANA})
    screen = await post.database.read(lambda tx: transcript.screen_of(tx, ANA))
    assert screen is not None
    assert (screen.transcript_id, screen.message_id) == (row, 102)


async def test_an_edit_of_a_message_that_never_was_is_that_message(post: Post) -> None:
    await post.sends(edit("words", None))

    assert post.sender.calls == [("sendMessage", {"text": "words", "chat_id": ANA})]


@pytest.mark.parametrize("method", ["editMessageReplyMarkup", "deleteMessage"])
async def test_of_a_message_that_never_was_nothing_is_removed(post: Post, method: str) -> None:
    await post.sends(Outgoing(chat_id=ANA, method=method, params={"message_id": None}))

    assert post.sender.calls == []
    assert await post.states() == ["sent"]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("deleteMessage", "Message to delete not found"),
        ("editMessageReplyMarkup", "Message to edit not found"),
    ],
)
async def test_what_is_gone_already_needs_no_removing(post: Post, method: str, said: str) -> None:
    post.sender.failures = [BadRequest(said)]
    await post.sends(Outgoing(chat_id=ANA, method=method, params={"message_id": 9}))

    assert await post.states() == ["sent"]


async def test_what_is_too_old_to_be_deleted_is_emptied(post: Post) -> None:
    post.sender.failures = [BadRequest("Message can't be deleted for everyone")]
    await post.sends(Outgoing(chat_id=ANA, method="deleteMessage", params={"message_id": 9}))

    assert post.sender.calls[1] == (
        "editMessageText",
        {"text": "[removed]", "message_id": 9, "chat_id": ANA},
    )
    assert await post.states() == ["sent"]


async def test_what_can_neither_be_deleted_nor_emptied_is_given_up(post: Post) -> None:
    post.sender.failures = [
        BadRequest("Message can't be deleted"),
        BadRequest("Message can't be edited"),
    ]
    await post.sends(Outgoing(chat_id=ANA, method="deleteMessage", params={"message_id": 9}))

    assert post.sender.methods == ["deleteMessage", "editMessageText"]
    assert await post.states() == ["dead"]


@pytest.mark.parametrize("said", ["Message thread not found", "TOPIC_CLOSED"])
async def test_without_its_topic_it_goes_to_the_group(post: Post, said: str) -> None:
    post.sender.failures = [BadRequest(said)]
    await post.sends(text("one", TEAM, thread_id=4))

    assert "message_thread_id" not in post.sender.calls[1][1]
    assert await post.states() == ["sent"]


async def test_a_reply_to_a_deleted_message_is_no_reply(post: Post) -> None:
    post.sender.failures = [BadRequest("Message to be replied not found")]
    await post.sends(text("one", params={"reply_parameters": {"message_id": 3}}))

    assert "reply_parameters" not in post.sender.calls[1][1]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Message is too long", "too_long"),
        ("Message text is empty", "empty"),
        ("BUTTON_DATA_INVALID", "keyboard"),
        ("Not enough rights to send text messages to the chat", "no_rights"),
        ("Wrong file identifier/HTTP URL specified", "file"),
        ("Message thread not found", "no_thread"),
        ("Message to be replied not found", "no_reply"),
        ("Jane Roe is not a valid entity", "refused"),
    ],
)
async def test_a_refusal_is_kept_as_a_code_and_the_next_goes_on(
    post: Post, said: str, code: str
) -> None:
    post.sender.failures = [BadRequest(said)]
    await post.sends(text("one"), text("two"))

    assert await post.states() == ["dead", "sent"]
    assert await post.codes() == [code]


async def test_a_chat_that_is_none_loses_what_waits(post: Post) -> None:
    post.sender.failures = [BadRequest("Chat not found")]
    await post.sends(text("one"), text("two"))

    assert await post.states() == ["dropped", "dropped"]


async def test_a_group_that_moved_gets_it_at_its_new_id(post: Post) -> None:
    post.sender.failures = [ChatMigrated(-1009)]
    await post.sends(text("one", -500), text("two", -500))
    await post.box.sweep()
    await post.box.drained()

    sent = [(params["chat_id"], params["text"]) for _, params in post.sender.calls]
    assert sent == [(-500, "one"), (-1009, "one"), (-1009, "two")]


async def test_a_refused_token_waits_for_a_better_one(post: Post) -> None:
    post.sender.failures = [InvalidToken("Unauthorized")]
    await post.sends(text("one"))
    await post.later(30)

    assert await post.states() == ["sent"]


async def test_a_method_that_is_none_is_given_up_in_the_end(post: Post) -> None:
    post.sender.failures = [InvalidToken("Not Found") for _ in range(6)]
    await post.sends(text("one"))
    for _ in range(5):
        await post.later(31)

    assert await post.states() == ["dead"]


# --- silence --------------------------------------------------------------------------------------


async def test_what_never_left_is_sent_when_the_network_is_back_unmarked(post: Post) -> None:
    post.sender.failures = [offline() for _ in range(40)]
    await post.sends(text("one"), text("two"))
    for _ in range(40):
        await post.later(30.1)

    assert post.sender.texts[-2:] == ["one", "two"]
    assert await post.states() == ["sent", "sent"]


async def test_an_unanswered_message_is_repeated_once_and_marked(post: Post) -> None:
    post.sender.failures = [lost(), lost()]
    await post.sends(text("one"), text("two"))
    for _ in range(3):
        await post.later(30.1)

    assert post.sender.texts == ["one", REPEAT + "one", "two"]
    assert await post.states() == ["dead", "sent"]
    assert await post.codes() == ["unanswered"]


async def test_an_urgent_message_is_repeated_until_it_is_through(post: Post) -> None:
    post.sender.failures = [lost(), lost(NetworkError), lost()]
    await post.sends(text("one", urgent=True))
    for _ in range(4):
        await post.later(30.1)

    assert post.sender.texts == ["one", *[REPEAT + "one"] * 3]
    assert await post.states() == ["sent"]


async def test_an_unanswered_edit_is_repeated_unmarked(post: Post) -> None:
    post.sender.failures = [lost(), lost(), lost()]
    await post.sends(edit("one"))
    for _ in range(4):
        await post.later(30.1)

    assert post.sender.texts == ["one"] * 4
    assert await post.states() == ["sent"]


async def test_a_mark_that_does_not_fit_is_left_out(post: Post) -> None:
    post.sender.failures = [lost()]
    await post.sends(text("x" * 4096))
    await post.later(30.1)

    assert post.sender.texts[1] == "x" * 4096


async def test_servers_that_fail_are_tried_for_hours_and_then_the_chat_goes_on(post: Post) -> None:
    post.sender.failures = [NetworkError("Bad Gateway (502)") for _ in range(MOST_TRIES)]
    await post.sends(text("one"), text("two"))
    while post.sender.failures:
        await post.later(301)

    assert post.clock.seconds > 6 * 3600
    assert await post.states() == ["dead", "sent"]


async def test_a_bug_in_sending_does_not_hold_the_chat_for_ever(post: Post) -> None:
    post.sender.failures = [KeyError("Jane Roe") for _ in range(5)]
    await post.sends(text("one"), text("two"))
    for _ in range(5):
        await post.later(31)

    assert await post.states() == ["dead", "sent"]


# --- crashes --------------------------------------------------------------------------------------


async def test_what_a_killed_process_was_sending_is_sent_at_once_and_marked(post: Post) -> None:
    await post.enqueue(text("one"), edit("two"))
    lease = timedelta(seconds=30)
    await post.database.write(lambda tx: transcript.claim(tx, ANA, 10, lease, by="a dead one"))
    stop = asyncio.Event()
    stop.set()
    await post.box.run(stop)
    await post.box.deliver(ANA)

    assert post.sender.texts == [REPEAT + "one", "two"]


async def test_what_another_process_is_sending_is_left_to_it_until_its_lease_ends(
    post: Post,
) -> None:
    await post.enqueue(text("one"), text("two"))
    lease = timedelta(seconds=30)
    await post.database.write(lambda tx: transcript.claim(tx, ANA, 1, lease, by="another"))
    await post.box.deliver(ANA)
    early = list(post.sender.texts)
    await post.later(31)

    assert early == []
    assert post.sender.texts == [REPEAT + "one", "two"]


async def test_what_was_taken_when_it_was_written_is_sent_first(post: Post) -> None:
    first = await post.database.write(
        lambda tx: (transcript.enqueue(tx, text("one")), post.box.take(tx, ANA))[1]
    )
    await post.enqueue(text("two"))
    await post.box.deliver(ANA)
    early = list(post.sender.texts)
    post.box.soon(ANA, first)
    await post.box.drained()

    assert early == []
    assert post.sender.texts == ["one", "two"]


async def test_what_was_taken_unheard_of_is_sent_when_its_update_comes_again(post: Post) -> None:
    """The commit was kept and its answer lost; what is being sent just now is left alone."""
    await post.enqueue(text("other", chat=BEN))
    held = await post.database.write(lambda tx: post.box.hold(tx, text("one")))
    await post.box.resume(BEN)
    nothing = list(post.sender.texts)
    await post.box.resume(ANA)
    await post.box.drained()

    assert held.attempts == 1
    assert nothing == []
    assert post.sender.texts == [REPEAT + "one"]


async def test_a_tap_is_answered_after_its_screen(post: Post) -> None:
    await post.enqueue(text("one"))
    post.box.soon(ANA)
    await post.box.answer_after(ANA, "q1", "Kept")
    early = list(post.sender.methods)
    await post.box.drained()

    assert early == []
    assert post.sender.methods == ["sendMessage", "answerCallbackQuery"]


async def test_a_tap_does_not_spin_for_long_because_its_screen_does_not_leave(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ANSWER_SECONDS", 0.01)
    held = asyncio.Event()
    post.sender.waits_for = {"sendMessage": held}
    await post.enqueue(text("one"))
    post.box.soon(ANA)
    await post.box.answer_after(ANA, "q1")
    async with asyncio.timeout(5):
        while "answerCallbackQuery" not in post.sender.methods:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    held.set()
    await post.box.drained()

    assert post.sender.methods == ["answerCallbackQuery", "sendMessage"]


async def test_with_too_many_answers_under_way_whoever_asks_waits(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_ANSWERS", 2)
    for number in range(3):
        await post.box.answer_after(ANA, f"q{number}")

    assert post.sender.methods == ["answerCallbackQuery"] * 3


async def test_nothing_is_taken_ahead_for_a_chat_that_has_to_wait(post: Post) -> None:
    before = post.box.is_free(ANA), post.box.is_free(BEN)
    post.sender.failures = [RetryAfter(timedelta(seconds=7))]
    await post.sends(text("one"))
    silenced = post.box.is_free(ANA), post.box.is_free(BEN)
    post.clock.seconds += 8

    assert before == (True, True)
    assert silenced == (False, True)
    assert post.box.is_free(ANA)


async def test_what_a_process_was_sending_that_is_gone_is_taken_over_in_seconds(
    postgres_server: PostgresServer, clock: Clock
) -> None:
    """Its lock tells whether it is there; one that is cut off for a moment keeps what it has."""
    url, keys = postgres_server.database(), Keyring([b"\x01" * 32])
    ours, theirs = (open_database(url, keys, clock.wall) for _ in range(2))
    sender, lease = Sender(), timedelta(seconds=30)
    box = Outbox(ours, sender, pace=Pace(UNLIMITED, UNLIMITED, UNLIMITED), clock=clock.monotonic)
    post = Post(ours, clock, sender, box)
    await post.enqueue(text("one"))
    assert await theirs.holds(locks.sender("other"))
    await ours.write(lambda tx: transcript.claim(tx, ANA, 1, lease, by="other"))
    for seconds in (0, 4):
        clock.seconds += seconds
        await box.sweep()
    assert sender.texts == []

    await theirs.close()
    for seconds in (0, 1, 5):
        clock.seconds += seconds
        await box.sweep()
    await post.later(0)

    assert sender.texts == [REPEAT + "one"]
    await ours.close()


async def test_a_disk_that_is_full_for_a_moment_does_not_repeat_anything(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.KEEPING_PAUSES", (0.001, 0.001, 0.001))
    write = post.database.write
    refused = 0

    async def full(unit: Any, *, chat: int | None = None) -> Any:
        nonlocal refused
        if post.sender.calls and refused < 3:
            refused += 1
            raise StorageUnavailable("full")
        return await write(unit, chat=chat)

    await post.enqueue(text("one"))
    monkeypatch.setattr(post.database, "write", full)
    await post.box.deliver(ANA)

    assert refused == 3
    assert post.sender.texts == ["one"]
    assert await post.states() == ["sent"]


async def test_a_disk_that_stays_full_is_waited_for(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbox.KEEPING_PAUSES", (0.001,))
    await post.enqueue(text("one"))

    async def full(unit: Any, *, chat: int | None = None) -> Any:
        raise StorageUnavailable("full")

    with monkeypatch.context() as patched:
        patched.setattr(post.database, "write", full)
        await post.box.deliver(ANA)
    await post.later(31)

    assert post.sender.texts == ["one"]


async def test_a_sweep_without_storage_is_tried_again(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(unit: Any) -> Any:
        stop.set()
        raise StorageUnavailable("lost")

    stop = asyncio.Event()
    monkeypatch.setattr(post.database, "read", gone)
    await post.box.run(stop)

    assert post.box.mark.swept_at is None


async def test_draining_waits_for_what_is_under_way_but_not_for_ever(
    database: Database, clock: Clock
) -> None:
    begun = asyncio.Event()

    class Slow:
        async def call(self, method: str, params: Mapping[str, Any]) -> Any:
            begun.set()
            await asyncio.sleep(60)

    box = Outbox(database, Slow())
    await Post(database, clock, None, box).enqueue(text("one"))
    box.soon(ANA)
    await begun.wait()
    async with asyncio.timeout(5):
        await box.drained(0.05)
        await asyncio.sleep(0)

    assert not [task for task in asyncio.all_tasks() if "_work" in str(task.get_coro())]


# --- answering taps -------------------------------------------------------------------------------


async def test_what_goes_wrong_is_logged_as_codes(
    post: Post, said: list[MutableMapping[str, Any]]
) -> None:
    post.sender.failures = [BadRequest("Can't parse entities: Jane Roe"), BadRequest("Jane Roe")]
    await post.sends(text("<x>Jane Roe"))

    assert [(line["event"], line["code"]) for line in said] == [("sending", "refused")]
    assert "Jane" not in str(said)


async def test_a_chat_that_has_to_wait_is_left_to_its_alarm_by_the_sweeper(post: Post) -> None:
    post.sender.failures = [offline()]
    await post.sends(text("one"))
    post.clock.seconds += 31
    await post.box.sweep()
    early = list(post.sender.texts)
    await post.box.drained()
    await post.box.sweep()
    await post.box.deliver(ANA)

    assert early == ["one"]
    assert post.sender.texts == ["one", "one"]


async def test_the_sweeper_comes_round_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outbox.SWEEP_SECONDS", 0.01)
    stop = asyncio.Event()
    swept = 0
    sweep = post.box.sweep

    async def count() -> None:
        nonlocal swept
        swept += 1
        await sweep()
        if swept == 3:
            stop.set()

    monkeypatch.setattr(post.box, "sweep", count)
    await post.box.run(stop)

    assert swept == 3


async def test_a_refusal_that_repeats_itself_is_given_up(post: Post) -> None:
    post.sender.failures = [
        BadRequest("Message can't be edited"),
        BadRequest("Message can't be edited"),
    ]
    await post.sends(edit("words"))

    assert post.sender.methods == ["editMessageText", "sendMessage"]
    assert await post.codes() == ["refused"]


async def test_an_inline_message_has_no_id_in_a_chat(post: Post) -> None:
    params = {"inline_message_id": "i1", "text": "card"}
    await post.sends(Outgoing(chat_id=ANA, method="editMessageText", params=params))

    assert post.sender.methods == ["editMessageText"]


async def test_a_tap_is_answered_with_or_without_words(post: Post) -> None:
    await post.box.answer("q1")
    await post.box.answer("q2", "x" * 300, alert=True)

    assert post.sender.calls == [
        ("answerCallbackQuery", {"callback_query_id": "q1"}),
        ("answerCallbackQuery", {"callback_query_id": "q2", "text": "x" * 200, "show_alert": True}),
    ]


async def test_an_answer_that_comes_too_late_is_no_error(post: Post) -> None:
    post.sender.failures = [BadRequest("Query is too old and response timeout expired")]

    await post.box.answer("q1", "words")

    assert post.box.mark.codes["tap_not_answered"] == 1


# --- over HTTP ------------------------------------------------------------------------------------


@asynccontextmanager
async def emulated(clock: Clock) -> AsyncIterator[tuple[Telegram, Emulator]]:
    emulator = new_emulator(TOKEN, clock.wall, seed=1)
    for number in (ANA, BEN):
        person(emulator, number, f"P{number}").starts()
    async with served(bot_api(emulator)) as url, Telegram(TOKEN, url) as telegram:
        yield telegram, emulator


FAULTS: tuple[Kind, ...] = ("429", "500", "502", "dropped", "truncated")


async def test_through_a_bad_network_all_arrives_in_order_and_repeats_are_bounded(
    database: Database, clock: Clock
) -> None:
    async with emulated(clock) as (telegram, emulator):
        pace = Pace(UNLIMITED, UNLIMITED, UNLIMITED)
        box = Outbox(database, telegram, pace=pace, clock=clock.monotonic)
        post = Post(database, clock, telegram, box)
        for fault in FAULTS:
            emulator.faults.at_random(fault, 0.08)
        await post.sends(*(text(str(n), (ANA, BEN)[n % 2]) for n in range(60)))
        async with asyncio.timeout(15):
            while any(state in ("waiting", "sending") for state in await post.states()):
                await post.later(31, ANA, BEN)
        arrived = {
            number: [m.text.removeprefix(REPEAT) for m in person(emulator, number, "").replies]
            for number in (ANA, BEN)
        }

    for number, texts in arrived.items():
        first = list(dict.fromkeys(texts))
        assert first == [str(n) for n in range(60) if (ANA, BEN)[n % 2] == number]
    repeats = sum(len(texts) for texts in arrived.values()) - 60
    assert repeats <= emulator.faults.dropped_replies
