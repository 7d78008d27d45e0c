"""Sends what the transcript still has to send: right after the commit, and until it is through.

In order within a chat, chats side by side. Telegram has no key against doing something twice, so
sending is at least once: a crash, or an answer that never came, may bring a message a second time,
marked. Edits and deletions are the same when repeated.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic
from typing import Any, Protocol, TypeAlias, TypeVar
from uuid import uuid4

import structlog
from telegram.error import TelegramError

from bot.buckets import Pace
from bot.hygiene import describe
from bot.refusals import (
    Call,
    Dead,
    Early,
    Instead,
    Later,
    Moved,
    Outcome,
    Sent,
    Unreachable,
    Verdict,
    judge,
    without_answer,
)
from storage import groups, locks, people, plans, transcript
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.transaction import Tx
from storage.transcript import REMOVED, UPLOADS, Outgoing, Waiting

log = structlog.get_logger()

LEASE = timedelta(seconds=30)
"""After it another process may take the row; one that carries a file has longer."""

ROW_SECONDS = 27.0
"""What a row may take with every other way tried; less than its lease, so that it is not ours twice."""

UPLOAD_SECONDS = 110.0

SWEEP_SECONDS = 1.0
AT_ONCE = 32
"""Calls made side by side."""

MOST_CHATS = 128
"""Chats worked on at a time; the others wait for the sweeper."""

DRAIN_SECONDS = 2.5
"""Of the 10 that a stop may take; what is cut off then is repeated, marked, after the start."""

GONE_SECONDS = 5.0
"""A process whose connection to the database was cut is back sooner; one that was killed is not."""

ANSWER_SECONDS = 0.25
"""A tap goes on spinning until the new screen is there, so long at most."""

MOST_ANSWERS = 256
"""Answers to taps under way; above it, whoever handles an update waits for its answer."""

STUCK_SECONDS = 30.0
KEEPING_PAUSES = (0.2, 1.0, 5.0)
"""Seconds between tries to keep that a message was sent, while the disk does not take it."""

MOST_BUGS = 5
TOAST_LIMIT = 200
"""Characters of an answer to a tap, https://core.telegram.org/bots/api#answercallbackquery."""

T = TypeVar("T")

Settle: TypeAlias = Callable[[Tx], object]


class Sender(Protocol):
    """What the outbox needs of ``bot.transport.Telegram``."""

    async def call(self, method: str, params: Mapping[str, Any]) -> Any: ...


@dataclass(slots=True)
class Postmark:
    """What the health page says about sending; times are monotonic seconds."""

    swept_at: float | None = None
    sent: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    """How often something went otherwise than planned, by code."""


class Outbox:
    """The sender. Holds nothing that would be missed: what is to be sent is in the database."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = monotonic,
        moved: Callable[[Tx, int, int], None] = groups.move,
    ) -> None:
        self._database = database
        self._sender = sender
        self._pace = pace or Pace()
        self._clock = clock
        self._moved = moved
        self._holder = uuid4().hex
        self._missed: dict[str, float] = {}
        """Senders that were not there at the last look, and since when; monotonic seconds."""
        self._room = asyncio.Semaphore(AT_ONCE)
        self._working: dict[int, asyncio.Task[None]] = {}
        self._asked: set[int] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._taken: dict[int, Waiting] = {}
        """The call of a chat that was taken when it was written, until the chat is worked on."""
        self._alarms: dict[int, asyncio.TimerHandle] = {}
        self.mark = Postmark()

    # --- when to send -----------------------------------------------------------------------------

    def soon(self, chat_id: int, first: Waiting | None = None) -> None:
        """Begin to send what waits for a chat, ``first`` what is ours already."""
        if first is not None:
            self._taken[chat_id] = first
        _ = self._work_on(chat_id)

    def is_free(self, chat_id: int) -> bool:
        """Return whether a call that is written now could be made at once."""
        idle = chat_id not in self._working and not self._room.locked()
        return idle and self._pace.wait(chat_id, self._clock()) <= 0

    def hold(self, tx: Tx, outgoing: Outgoing) -> Waiting:
        """Write a call of a chat for which nothing waits, and take it in one."""
        return transcript.hold(tx, outgoing, LEASE, by=self._holder)

    async def resume(self, chat_id: int) -> None:
        """Send what was taken for a chat in a transaction of which nobody heard that it was kept."""
        if chat_id not in self._working:
            ours = [self._holder]
            if await self._database.write(lambda tx: transcript.release(tx, ours, chat_id)):
                self.soon(chat_id)

    def take(self, tx: Tx, chat_id: int) -> Waiting | None:
        """Take the next call of a chat in the transaction that wrote it, to be given to ``soon``."""
        rows = transcript.claim(tx, chat_id, 1, LEASE, by=self._holder)
        return rows[0] if rows else None

    async def deliver(self, chat_id: int) -> None:
        """Send what waits for a chat; return when nothing is left, or the rest has to wait."""
        await asyncio.wait({self._work_on(chat_id)})

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is left over, every second, until ``stop``."""
        forgotten = await self._forgot_last_run()
        while not stop.is_set():
            try:
                forgotten = forgotten or await self._forgot_last_run()
                await self.sweep()
            except StorageUnavailable as error:
                log.warning("sweep_failed", trouble=error.trouble)
            try:
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
            except TimeoutError:
                continue

    async def sweep(self) -> None:
        """Begin to send whatever is due in chats that nothing is being done for."""
        await self._take_over()
        if len(self._working) < MOST_CHATS:
            for chat_id in await self._database.read(transcript.due_chats):
                if chat_id not in self._alarms:
                    self.soon(chat_id)
        self.mark.swept_at = self._clock()

    async def drained(self, seconds: float = DRAIN_SECONDS) -> None:
        """Return when all that was begun is done or written down for later, within ``seconds``."""
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
        deadline = self._clock() + seconds
        while (tasks := self._tasks()) and (left := deadline - self._clock()) > 0:
            await asyncio.wait(tasks, timeout=left)
        for task in self._tasks():
            task.cancel()

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {*self._working.values(), *self._answers}

    async def answer_after(
        self, chat_id: int, query_id: str, words: str = "", *, alert: bool = False
    ) -> None:
        """Have a tap answered once its new screen has been sent, or soon; nobody waits for it."""
        answering = self._answered_after(chat_id, query_id, words, alert=alert)
        task = asyncio.create_task(answering)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)
        if len(self._answers) > MOST_ANSWERS:
            await asyncio.wait({task})

    async def _answered_after(
        self, chat_id: int, query_id: str, words: str, *, alert: bool
    ) -> None:
        if sending := self._working.get(chat_id):
            await asyncio.wait({sending}, timeout=ANSWER_SECONDS)
        await self.answer(query_id, words, alert=alert)

    async def answer(self, query_id: str, words: str = "", *, alert: bool = False) -> None:
        """Answer a tap; one that is too old or answered already is no error."""
        params: dict[str, Any] = {"callback_query_id": query_id}
        if words:
            params |= {"text": words[:TOAST_LIMIT], "show_alert": alert}
        try:
            await self._sender.call("answerCallbackQuery", params)
        except TelegramError as error:
            self.mark.codes["tap_not_answered"] += 1
            log.info("tap_not_answered", error=describe(error))

    async def answer_inline(self, params: Mapping[str, Any]) -> None:
        """Answer our name typed in another chat; one that is too old is no error."""
        try:
            await self._sender.call("answerInlineQuery", params)
        except TelegramError as error:
            self.mark.codes["inline_not_answered"] += 1
            log.info("inline_not_answered", error=describe(error))

    async def _forgot_last_run(self) -> bool:
        """Free what an earlier process was sending when it died, at once: a file has one process."""
        try:
            if self._database.chains_at_once:
                await self._kept(transcript.release_all)
        except StorageUnavailable as error:
            log.warning("sweep_failed", trouble=error.trouble)
            return False
        return True

    async def _take_over(self) -> None:
        """Free what processes were sending that are not there any more; they may be back in a moment."""
        await self._database.holds(locks.sender(self._holder))
        now, lost = self._clock(), await self._database.read(transcript.lost_senders)
        self._missed = {holder: self._missed.get(holder, now) for holder in lost}
        gone = [holder for holder, since in self._missed.items() if now - since >= GONE_SECONDS]
        if gone:
            log.warning("taken_over", count=len(gone))
            await self._database.write(lambda tx: transcript.release(tx, gone))

    def _work_on(self, chat_id: int) -> asyncio.Task[None]:
        self._asked.add(chat_id)
        if alarm := self._alarms.pop(chat_id, None):
            alarm.cancel()
        task = self._working.get(chat_id)
        if task is None or task.done():
            task = self._working[chat_id] = asyncio.create_task(self._work(chat_id))
            task.add_done_callback(lambda ended: self._ended(chat_id, ended))
        return task

    def _ended(self, chat_id: int, task: asyncio.Task[None]) -> None:
        if self._working.get(chat_id) is task:
            del self._working[chat_id]

    def _wake(self, chat_id: int, seconds: float) -> None:
        """Work on the chat again in ``seconds``."""
        loop = asyncio.get_running_loop()
        self._alarms[chat_id] = loop.call_later(seconds, self.soon, chat_id)

    # --- one chat ---------------------------------------------------------------------------------

    async def _work(self, chat_id: int) -> None:
        """Send to a chat until nothing is due; what cannot be read or kept is tried again later."""
        try:
            async with self._room:
                await self._send_in_order(chat_id)
        except Exception:
            log.exception("sending_stopped")
            self._pace.silence(chat_id, STUCK_SECONDS, self._clock())
            self._wake(chat_id, STUCK_SECONDS)

    async def _send_in_order(self, chat_id: int) -> None:
        """Send row by row; keep what came of one and take the next in the same transaction."""
        settle: Settle | None = None
        while True:
            self._asked.discard(chat_id)
            wait = self._pace.wait(chat_id, self._clock())
            ours = self._taken.pop(chat_id, None)
            next_ = await self._next(chat_id, settle, take=ours is None and wait <= 0)
            row, settle = ours or next_, None
            if row is not None:
                settle = await self._settled(row)
            elif wait > 0:
                self._wake(chat_id, wait)
                return
            elif chat_id not in self._asked:
                return

    async def _next(self, chat_id: int, settle: Settle | None, *, take: bool) -> Waiting | None:
        """Keep what came of the last row and return the next one to send, if one may be taken."""

        def unit(tx: Tx) -> Waiting | None:
            if settle is not None:
                settle(tx)
            return self.take(tx, chat_id) if take else None

        if settle is None and not take:
            return None
        return await self._kept(unit, chat_id)

    async def _kept(self, unit: Callable[[Tx], T], chat_id: int | None = None) -> T:
        """Return what ``unit`` returns, trying again for a while: what it keeps has happened."""
        for seconds in KEEPING_PAUSES:
            try:
                return await self._database.write(unit, chat=chat_id)
            except StorageUnavailable as error:
                log.warning("not_kept", trouble=error.trouble)
                await asyncio.sleep(seconds)
        return await self._database.write(unit, chat=chat_id)

    # --- one row ----------------------------------------------------------------------------------

    async def _settled(self, row: Waiting) -> Settle:
        """Make the call of a row and return how to keep what came of it."""
        try:
            async with asyncio.timeout(
                ROW_SECONDS if row.method not in UPLOADS else UPLOAD_SECONDS
            ):
                outcome = await self._outcome(row)
        except TimeoutError:
            outcome = without_answer(Call.of(row), row)
        except Exception:
            log.exception("sending_failed", row=row.number, method=row.method)
            outcome = Dead("bug") if row.attempts >= MOST_BUGS else Later(STUCK_SECONDS, "bug")
        self._note(row, outcome)
        return self._keeping(row, outcome)

    async def _outcome(self, row: Waiting) -> Outcome:
        """Return what came of a row, after every other way that a refusal suggests."""
        verdict: Verdict = first_of(row)
        while isinstance(verdict, Instead):
            if verdict.code:
                self.mark.codes[verdict.code] += 1
            verdict = await self._made(verdict.call, row)
        return verdict

    async def _made(self, call: Call, row: Waiting) -> Verdict:
        """Make one call in its turn and return what came of it."""
        now = self._clock()
        if call.edits and (early := self._pace.wait_to_edit(row.chat_id, now)) > 0:
            return Early(early)
        if (turn := self._pace.take(row.chat_id, now, edit=call.edits)) > 0:
            await asyncio.sleep(turn)
        try:
            result = await self._sender.call(call.method, call.params)
        except TelegramError as error:
            return judge(error, call, row)
        return Sent(_number_of(result) or call.message_id)

    def _keeping(self, row: Waiting, outcome: Outcome) -> Settle:
        """Silence the chat where it has to wait, and return what writes the outcome down."""
        match outcome:
            case Sent(message_id=message_id):
                return lambda tx: transcript.sent(tx, row.id, message_id)
            case Early(seconds=seconds):
                self._pace.silence(row.chat_id, seconds, self._clock())
                return lambda tx: transcript.put_back(tx, [row.id])
            case Later(seconds=seconds, code=code):
                self._pace.silence(row.chat_id, seconds, self._clock())
                pause = timedelta(seconds=seconds)
                return lambda tx: transcript.retry_later(tx, row.id, tx.now + pause, code)
            case Unreachable(code=code):
                return lambda tx: give_up(tx, row.chat_id, code)
            case Moved(chat_id=new):
                return lambda tx: self._move(tx, row, new)
            case Dead(code=code):
                return lambda tx: transcript.dead(tx, row.id, code)

    def _move(self, tx: Tx, row: Waiting, chat_id: int) -> None:
        transcript.put_back(tx, [row.id])
        self._moved(tx, row.chat_id, chat_id)

    def _note(self, row: Waiting, outcome: Outcome) -> None:
        self.mark.sent += isinstance(outcome, Sent)
        code = "moved" if isinstance(outcome, Moved) else getattr(outcome, "code", "")
        if code:
            self.mark.codes[code] += 1
            say = log.error if isinstance(outcome, Dead) else log.info
            say("sending", row=row.number, method=row.method, code=code, attempts=row.attempts)


def _number_of(result: Any) -> int | None:
    """Return the id of the message, or of the forum topic, that a call made; None where none."""
    told = result if isinstance(result, dict) else {}
    found = told.get("message_id", told.get("message_thread_id"))
    return found if isinstance(found, int) else None


def first_of(row: Waiting) -> Sent | Instead:
    """Return the call of a row; an edit of a message that never came to be is that message."""
    call = Call.of(row)
    if call.message_id is not None or not call.on_a_message:
        return Instead(call, "")
    if call.method == "editMessageText" and call.params.get("text") != REMOVED:
        return Instead(replace(call.without("message_id"), method="sendMessage"), "")
    return Sent(None)


def give_up(tx: Tx, chat_id: int, code: str) -> None:
    """Give up what waits for a chat that cannot be reached; a person is marked, a group unbound."""
    if chat_id > 0:
        people.set_unreachable(tx, chat_id)
        plans.wait_again(tx, chat_id)
    else:
        groups.lose(tx, chat_id, code)
    transcript.drop_chat(tx, chat_id, code)
