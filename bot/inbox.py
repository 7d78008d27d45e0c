"""Telegram is the inbox: it keeps an update for 24 hours until we ask for the next one.

So an update is acknowledged only when its effects are committed. Updates of one chat are handled
in order, chats side by side. One that fails again and again, that nobody can read, or that takes the
process down with it each time, is put away as a dead letter and acknowledged, so that it does not keep
the others from coming.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal, Protocol, TypeAlias, TypeVar
from weakref import WeakValueDictionary

import structlog
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.hygiene import describe
from bot.translate import Undecodable, queue_key, translate, update_id_of
from bot.transport import seconds_of
from bot.trials import Trials
from storage.errors import StorageUnavailable

log = structlog.get_logger()

T = TypeVar("T")

DEADLY = "deadly"
"""Why an update is put away with which the process died each time."""

FAREWELL_SECONDS = 1.0
STAND_BY_SECONDS = 0.5
"""Between two looks whether the process that fetches updates is gone."""

Key: TypeAlias = tuple[int | str, ...]
Raw: TypeAlias = dict[str, Any]
Handle: TypeAlias = Callable[[Raw], Awaitable[None]]


class UpdateSource(Protocol):
    """What the inbox needs of ``bot.transport.Telegram``."""

    async def get_updates(self, *, offset: int, seconds: int) -> Sequence[Any]: ...


class Bury(Protocol):
    """Stores ``raw`` (whatever it is) as a dead letter; raises StorageUnavailable if it cannot."""

    async def __call__(
        self, raw: Any, *, update_id: int | None, reason: str, attempts: int
    ) -> None: ...


class TokenRefused(Exception):
    """Telegram does not know the token."""

    def __init__(self) -> None:
        super().__init__(
            "Telegram refuses the token. Copy it again from BotFather into CURBSIDE_TOKEN; if it "
            "is right, check CURBSIDE_TELEGRAM_API."
        )


class NotStored(Exception):
    """An update could not be stored; it must come again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient the inbox is. Seconds, unless it says otherwise."""

    tries: int = 5
    """Failures after which an update is put away, and deaths of the process."""
    try_seconds: float = 30.0
    patience_seconds: float = 60.0
    """All tries of an update together: the others of its batch are not acknowledged meanwhile."""
    first_pause: float = 0.1
    longest_pause: float = 30.0
    quiet_seconds: float = 1.0
    """What a process has to live before it tries what killed one before it; twice that after each death."""
    at_once: int = 32
    """Updates handled side by side."""
    drain_seconds: float = 4.0
    """Of the 10 that a stop may take; the farewell, the pages and the outbox have the rest."""
    refusals: int = 3
    """Refusals of the token in a row that are believed."""


Alarm = Literal[
    "",
    "conflict",
    "token_refused",
    "unreachable",
    "storage",
    "webhook_taken",
    "not_delivered",
]


@dataclass(slots=True)
class Pulse:
    """What the health page says about the inbox; times are monotonic seconds."""

    polled_at: float | None = None
    stored_at: float | None = None
    alarm: Alarm = ""
    handled: int = 0
    buried: int = 0
    waiting: int = 0
    leads: bool = False
    """Whether this process is the one that fetches, or Telegram delivers to it."""

    def silent_for(self, now: float) -> float | None:
        """Return the seconds since Telegram last answered, None when it never did."""
        return None if self.polled_at is None else now - self.polled_at


class Intake:
    """Takes updates in, from polling or the webhook: in order within a chat, tried, or buried."""

    def __init__(
        self,
        handle: Handle,
        bury: Bury,
        *,
        limits: Limits | None = None,
        pulse: Pulse | None = None,
        trials: Trials | None = None,
    ) -> None:
        self.handle = handle
        self.bury = bury
        self.limits = limits or Limits()
        self.pulse = pulse or Pulse()
        self.trials = trials or Trials()
        self._suspect = asyncio.Lock()
        self._room = asyncio.Semaphore(self.limits.at_once)
        self._lanes: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, raw: Any) -> None:
        """Return when the effects of ``raw`` are committed; NotStored when it must come again."""
        update_id = update_id_of(raw)
        async with self._lane(queue_key(raw)):
            deaths = self.trials.deaths_of(update_id)
            async with self._room if deaths is None else self._alone(deaths):
                with self.trials.on(update_id):
                    await self._take(raw, deaths or 0)

    async def _take(self, raw: Any, deaths: int) -> None:
        """Handle ``raw``, or put it away when nobody can read it or it is deadly."""
        if deaths >= self.limits.tries:
            await self._put_away(raw, DEADLY, deaths)
            return
        read = translate(raw)
        if isinstance(read, Undecodable):
            await self._put_away(raw, read.reason, 0)
        else:
            await self._try(raw)

    @asynccontextmanager
    async def _alone(self, deaths: int) -> AsyncIterator[None]:
        """Keep all others waiting; after a death others go first, for longer each time.

        A process that dies meanwhile dies of something else, which is then known.
        """
        async with self._suspect:
            if 0 < deaths < self.limits.tries:
                await asyncio.sleep(self.limits.quiet_seconds * 2 ** (deaths - 1))
            held = 0
            try:
                while held < self.limits.at_once:
                    await self._room.acquire()
                    held += 1
                yield
            finally:
                for _ in range(held):
                    self._room.release()

    def _lane(self, key: Key) -> asyncio.Lock:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = asyncio.Lock()
        return lane

    async def _try(self, raw: Raw) -> None:
        """Handle ``raw``, up to so many times and so long, then put it away."""
        deadline = monotonic() + self.limits.patience_seconds
        for attempt in range(1, self.limits.tries + 1):
            error = await self._failure(raw, deadline - monotonic())
            if error is None:
                self.pulse.handled += 1
                self._stores()
                return
            log.warning(
                "update_failed", update_id=update_id_of(raw), attempts=attempt, exc_info=error
            )
            pause = self.limits.first_pause * 2**attempt
            if attempt == self.limits.tries or monotonic() + pause >= deadline:
                await self._put_away(raw, type(error).__name__, attempt)
                return
            await asyncio.sleep(pause)

    async def _failure(self, raw: Raw, seconds_left: float) -> Exception | None:
        try:
            async with asyncio.timeout(min(self.limits.try_seconds, seconds_left)):
                await self.handle(raw)
        except StorageUnavailable as error:
            self.pulse.alarm = "storage"
            raise NotStored from error
        except Exception as error:  # noqa: BLE001 - any bug; it is tried again, then buried
            return error
        return None

    def _stores(self) -> None:
        """End the alarm about storage; the others are ended by whoever raised them."""
        if self.pulse.alarm == "storage":
            self.pulse.alarm = ""

    async def _put_away(self, raw: Any, reason: str, attempts: int) -> None:
        update_id = update_id_of(raw)
        try:
            await self.bury(raw, update_id=update_id, reason=reason, attempts=attempts)
        except Exception as error:
            raise NotStored from error
        self.pulse.buried += 1
        log.error("update_buried", update_id=update_id, reason=reason, attempts=attempts)


async def always() -> bool:
    return True


async def run(
    source: UpdateSource,
    intake: Intake,
    *,
    stop: asyncio.Event,
    poll_seconds: int = 30,
    leads: Callable[[], Awaitable[bool]] = always,
) -> None:
    """Fetch updates and have them handled until ``stop``; what is begun is finished first, in a few seconds.

    Of several processes only the one that ``leads`` asks: Telegram allows one. Raises TokenRefused
    when Telegram does not know the token.
    """
    polling = Polling(source, intake, stop, poll_seconds, leads)
    await polling.run()


@dataclass(slots=True)
class Polling:
    """The loop and what it has to remember between two requests."""

    source: UpdateSource
    intake: Intake
    stop: asyncio.Event
    poll_seconds: int
    leads: Callable[[], Awaitable[bool]] = always
    offset: int = 0
    failures: int = 0
    refusals: int = 0

    async def run(self) -> None:
        while not self.stop.is_set():
            try:
                updates = await self._fetched() if await self._is_ours() else None
            except TelegramError as error:
                await self._rest(self._after(error))
            except StorageUnavailable as error:
                log.warning("not_leading", trouble=error.trouble)
                self.intake.pulse.alarm = "storage"
                await self._rest(self._back_off())
            else:
                if updates is not None:
                    await self._take(updates)
        await self._acknowledge()

    async def _is_ours(self) -> bool:
        """Return whether it is for this process to fetch; rest a moment when it is for another.

        Whoever begins to lead does not know what the one before has acknowledged: it asks for all.
        """
        pulse, led = self.intake.pulse, self.intake.pulse.leads
        pulse.leads = await self.leads()
        if pulse.leads != led:
            log.info("leads" if pulse.leads else "stands_by")
            self.offset, pulse.alarm = 0, ""
        if not pulse.leads:
            await self._rest(STAND_BY_SECONDS)
        return pulse.leads

    async def _fetched(self) -> Sequence[Any] | None:
        """Return the next updates, or None when we are stopped while waiting for them."""
        asking = self.source.get_updates(offset=self.offset, seconds=self.poll_seconds)
        updates = await unless_stopped(asking, self.stop)
        if updates is not None:
            self.refusals = 0
            self.intake.pulse.polled_at = monotonic()
        return updates

    async def _take(self, updates: Sequence[Any]) -> None:
        """Handle a batch and move the offset past it once all of it is committed.

        Nothing to acknowledge means offset 0: after a week of silence ids start anew, lower.
        """
        pulse = self.intake.pulse
        pulse.waiting = len(updates)
        stored = await self._handled(updates)
        pulse.waiting = 0
        known = [found for found in map(update_id_of, updates) if found is not None]
        if stored and (known or not updates):
            self.offset = max(known, default=-1) + 1
            self.failures, pulse.alarm, pulse.stored_at = 0, "", monotonic()
        elif not self.stop.is_set():
            pulse.alarm = "storage"
            await self._rest(self._back_off())

    async def _handled(self, updates: Sequence[Any]) -> bool:
        """Return whether all of ``updates`` are committed, in time when we are being stopped."""
        work = asyncio.create_task(self._side_by_side(updates))
        try:
            await unless_stopped(asyncio.shield(work), self.stop)
            async with asyncio.timeout(self.intake.limits.drain_seconds):
                return await work
        except TimeoutError:
            log.warning("updates_left", waiting=len(updates))
            return False
        finally:
            work.cancel()

    async def _side_by_side(self, updates: Sequence[Any]) -> bool:
        async with asyncio.TaskGroup() as group:
            chats = [group.create_task(self._in_order(each)) for each in by_chat(updates)]
        return all(chat.result() for chat in chats)

    async def _in_order(self, updates: Sequence[Any]) -> bool:
        """Handle a chat's updates; stop at the first that cannot be stored, to keep the order."""
        for raw in updates:
            try:
                await self.intake(raw)
            except NotStored:
                log.exception("update_not_stored", update_id=update_id_of(raw))
                return False
        return True

    def _after(self, error: TelegramError) -> float:
        """Return the seconds to rest after Telegram refused or did not answer; sets the alarm."""
        alarm: Alarm = "unreachable"
        pause = self._back_off()
        match error:
            case InvalidToken():
                alarm = "token_refused"
                self._believe_refusal()
            case Conflict():
                alarm, pause = "conflict", self.intake.limits.longest_pause
            case RetryAfter():
                pause = seconds_of(error)
            case _:
                pass
        self.intake.pulse.alarm = alarm
        log.warning("poll_failed", kind=alarm, count=self.failures, error=describe(error))
        return pause

    def _believe_refusal(self) -> None:
        self.refusals += 1
        if self.refusals >= self.intake.limits.refusals:
            self.intake.pulse.alarm = "token_refused"
            raise TokenRefused

    def _back_off(self) -> float:
        """Return the seconds to the next try: doubling up to the longest, half of it by chance."""
        limits = self.intake.limits
        self.failures += 1
        full = min(limits.longest_pause, limits.first_pause * 2 ** min(self.failures, 20))
        return random.uniform(full / 2, full)  # noqa: S311 - spreads retries, guards nothing

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()

    async def _acknowledge(self) -> None:
        """Tell Telegram what is done, so that it does not come again; it may, and is known then."""
        if self.offset:
            with suppress(TelegramError, TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self.source.get_updates(offset=self.offset, seconds=0)


async def unless_stopped(work: Awaitable[T], stop: asyncio.Event) -> T | None:
    """Return the result of ``work``, or None when ``stop`` came first and it was cancelled."""
    task, stopped = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopped.cancel()
        task.cancel()


def by_chat(updates: Sequence[Any]) -> list[list[Any]]:
    """Return the updates of each chat, in the order of their ids as far as they have one."""
    chats: dict[Key, list[Any]] = {}
    for raw in sorted(updates, key=lambda raw: update_id_of(raw) or 0):
        chats.setdefault(queue_key(raw), []).append(raw)
    return list(chats.values())
