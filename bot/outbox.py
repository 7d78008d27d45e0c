"""Sends what the transcript still has to send: right after the commit, and again until it is through.

Telegram has no key against doing something twice, so sending is at least once: after a crash, or an
answer that never came, a message may come twice. Edits and deletions may be repeated harmlessly.
"""

import asyncio
import html
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.buckets import Pace
from bot.hygiene import describe
from bot.transport import seconds_of, unanswered
from storage import people, transcript
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.transcript import Waiting

log = structlog.get_logger()

LEASE = timedelta(seconds=60)
"""Longer than any call may take; after it another process may take the row."""

MOST_TRIES = 8
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
SWEEP_SECONDS = 1.0
SHORT_WAIT = 2.0
"""Waits for a turn that are sat out; longer ones are written down and left to the sweeper."""

AT_ONCE = 32
TAG = re.compile(r"<[^>]*>")


class Sender(Protocol):
    """What the outbox needs of ``bot.transport.Telegram``."""

    async def call(self, method: str, params: Mapping[str, Any]) -> Any: ...


@dataclass(slots=True)
class Postmark:
    """What the health page says about sending; times are monotonic seconds."""

    swept_at: float | None = None
    sent: int = 0
    codes: Counter[str] = field(default_factory=Counter)


class Again(Exception):
    """The row is to be tried later: after ``seconds``, for the reason ``code``."""

    def __init__(self, seconds: float, code: str) -> None:
        super().__init__(code)
        self.seconds = seconds
        self.code = code


class Hopeless(Exception):
    """The row can never be sent, for the reason ``code``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Outbox:
    """Sends in order within a chat, chats side by side."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._database = database
        self._sender = sender
        self._pace = pace or Pace()
        self._clock = clock
        self._holder = uuid4().hex
        self._lanes: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self.mark = Postmark()

    # --- sending ------------------------------------------------------------------------

    def soon(self, chat_id: int) -> None:
        """Send what waits for a chat beside whatever else is done; the sweeper takes up failures."""
        task = asyncio.create_task(self._delivered(chat_id))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def drained(self) -> None:
        """Return when everything begun has been sent or written down for later."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _delivered(self, chat_id: int) -> None:
        try:
            await self.deliver(chat_id)
        except StorageUnavailable as error:
            log.warning("delivery_put_off", trouble=error.trouble)

    async def deliver(self, chat_id: int) -> None:
        """Send what waits for a chat, in order, until nothing is due."""
        async with self._lane(chat_id), self._room:
            while rows := await self._claimed(chat_id):
                if not await self._send_all(rows):
                    return

    async def _claimed(self, chat_id: int) -> list[Waiting]:
        claim = partial(
            transcript.claim, holder=self._holder, lease=LEASE, chat_id=chat_id, limit=5
        )
        return await self._database.write(claim, chat=chat_id)

    async def _send_all(self, rows: list[Waiting]) -> bool:
        """Send claimed rows in order; False when one has to wait, and the rest with it."""
        for place, row in enumerate(rows):
            if await self._settled(row):
                continue
            rest = [later.id for later in rows[place + 1 :]]
            if rest:
                await self._write(partial(transcript.put_back, identities=rest))
            return False
        return True

    async def _settled(self, row: Waiting) -> bool:
        """Send one row and keep what came of it; False when it is to be tried later."""
        try:
            message_id = await self._sent(row)
        except Again as later:
            self.mark.codes[later.code] += 1
            await self._later(row, later)
            return False
        except Hopeless as lost:
            self.mark.codes[lost.code] += 1
            log.warning("not_sent", row=row.number, method=row.method, code=lost.code)
            await self._write(partial(transcript.dead, identity=row.id, code=lost.code))
            return True
        self.mark.sent += 1
        await self._write(lambda tx: transcript.sent(tx, row.id, message_id))
        return True

    async def _later(self, row: Waiting, later: Again) -> None:
        if row.attempts >= MOST_TRIES and later.code not in ("rate", "too_many_requests"):
            await self._write(lambda tx: transcript.dead(tx, row.id, later.code))
            return
        pause = timedelta(seconds=later.seconds)
        await self._write(lambda tx: transcript.retry_later(tx, row.id, tx.now + pause, later.code))

    async def _sent(self, row: Waiting) -> int | None:
        """Make the call of a row and return the message's id; raises Again or Hopeless."""
        await self._turn(row)
        params = {**row.params, "chat_id": row.chat_id}
        if row.thread_id is not None:
            params["message_thread_id"] = row.thread_id
        return await self._called(row, row.method, params)

    async def _turn(self, row: Waiting) -> None:
        """Wait for the chat's and everybody's turn; a long wait is left to the sweeper."""
        edit = row.method.startswith("edit")
        now = self._clock()
        wait = self._pace.wait(row.chat_id, now)
        if edit:
            wait = max(wait, self._pace.wait_to_edit(row.chat_id, now))
        if wait > SHORT_WAIT:
            raise Again(wait, "rate")
        if wait:
            await asyncio.sleep(wait)
        turn = self._pace.take(row.chat_id, self._clock(), edit=edit)
        if turn:
            await asyncio.sleep(turn)

    async def _called(self, row: Waiting, method: str, params: dict[str, Any]) -> int | None:
        try:
            result = await self._sender.call(method, params)
        except TelegramError as error:
            return await self._after(error, row, method, params)
        if isinstance(result, dict) and isinstance(result.get("message_id"), int):
            return int(result["message_id"])
        found = params.get("message_id")
        return found if isinstance(found, int) else None

    # --- what went wrong ----------------------------------------------------------------

    async def _after(
        self, error: TelegramError, row: Waiting, method: str, params: dict[str, Any]
    ) -> int | None:
        """Do what an error asks for: most specific first, since some are subclasses of others."""
        match error:
            case RetryAfter():
                pause = seconds_of(error)
                self._pace.silence(row.chat_id, pause, self._clock())
                raise Again(pause, "too_many_requests")
            case Forbidden():
                await self._unreachable(row.chat_id)
                raise Hopeless("forbidden")
            case ChatMigrated():
                new = error.new_chat_id
                await self._write(lambda tx: transcript.move_chat(tx, row.chat_id, new))
                raise Again(0, "migrated")
            case BadRequest():
                return await self._refused(str(error).lower(), row, method, params)
            case InvalidToken():
                raise Again(LONGEST_PAUSE, "token_refused")
            case NetworkError():
                return self._network(error, row)
            case _:
                raise Again(_pause(row), "telegram_error")

    async def _unreachable(self, chat_id: int) -> None:
        """Keep that a person cannot be written to, and give up what waits for them."""

        def unit(tx: Any) -> None:
            people.set_unreachable(tx, chat_id, unreachable=True)
            transcript.drop_chat(tx, chat_id, "forbidden")

        await self._write(unit)

    async def _refused(
        self, said: str, row: Waiting, method: str, params: dict[str, Any]
    ) -> int | None:
        """Answer a 400: done already, done otherwise, or hopeless."""
        if "message is not modified" in said or "message to delete not found" in said:
            found = params.get("message_id")
            return found if isinstance(found, int) else None
        if "can't parse entities" in said and "parse_mode" in params:
            return await self._called(row, method, plainly(params))
        lost = ("message to edit not found", "message can't be edited", "message_id_invalid")
        if method == "editMessageText" and any(each in said for each in lost):
            fresh = {name: value for name, value in params.items() if name != "message_id"}
            return await self._called(row, "sendMessage", fresh)
        if "message_thread_id" in params and ("thread not found" in said or "topic" in said):
            without = {n: v for n, v in params.items() if n != "message_thread_id"}
            return await self._called(row, method, without)
        raise Hopeless(_code(said))

    def _network(self, error: NetworkError, row: Waiting) -> int | None:
        """Try again what may be repeated; a message whose fate is open is repeated once, if urgent.

        Where the request certainly never left, it is simply tried again.
        """
        log.info("send_failed", row=row.number, method=row.method, error=describe(error))
        repeatable = row.method != "sendMessage" or not unanswered(error)
        if repeatable or row.attempts < (3 if row.urgent else 2):
            raise Again(_pause(row), "unanswered" if unanswered(error) else "not_connected")
        raise Hopeless("unanswered")

    # --- the sweeper --------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is left over, every second, until ``stop``."""
        while not stop.is_set():
            try:
                await self.sweep()
            except StorageUnavailable as error:
                log.warning("sweep_failed", trouble=error.trouble)
            try:
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
            except TimeoutError:
                continue

    async def sweep(self) -> None:
        """Send what is due in any chat."""
        chats = await self._database.read(transcript.due_chats)
        async with asyncio.TaskGroup() as group:
            for chat in chats:
                group.create_task(self.deliver(chat))
        self.mark.swept_at = self._clock()

    # --- answering taps -----------------------------------------------------------------

    async def answer(self, query_id: str, words: str = "", *, alert: bool = False) -> None:
        """Answer a callback query; one that is too old or answered already is no error."""
        params: dict[str, Any] = {"callback_query_id": query_id}
        if words:
            params |= {"text": words, "show_alert": alert}
        try:
            await self._sender.call("answerCallbackQuery", params)
        except TelegramError as error:
            self.mark.codes["answer"] += 1
            log.debug("tap_not_answered", error=describe(error))

    # --- small things -------------------------------------------------------------------

    def _lane(self, chat_id: int) -> asyncio.Lock:
        lane = self._lanes.get(chat_id)
        if lane is None:
            lane = self._lanes[chat_id] = asyncio.Lock()
        return lane

    async def _write(self, unit: Callable[[Any], Any]) -> None:
        await self._database.write(unit)


def plainly(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters without markup: what an HTML that Telegram refuses reads like."""
    kept = {name: value for name, value in params.items() if name != "parse_mode"}
    for name in ("text", "caption"):
        if name in kept:
            kept[name] = html.unescape(TAG.sub("", str(kept[name])))
    return kept


def _pause(row: Waiting) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (row.attempts - 1))


def _code(said: str) -> str:
    """Return a refusal as a code; Telegram's words may repeat ours, so only known ones are kept."""
    known = (
        "chat not found",
        "message is too long",
        "message text is empty",
        "button_data_invalid",
    )
    return next((each.replace(" ", "_") for each in known if each in said), "bad_request")
