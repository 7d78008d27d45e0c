"""The running bot: inbox, outbox, reminders and housekeeping side by side, begun and ended together."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import inf
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from telegram.error import TelegramError

from bot import inbox, menus
from bot.alarms import token_used_elsewhere
from bot.buckets import Pace
from bot.handler import Handler
from bot.hygiene import describe
from bot.inbox import Intake, NotStored, TokenRefused, unless_stopped
from bot.opinions import close_due
from bot.outbox import Outbox
from bot.paper import Papered
from bot.reminders import remind
from bot.screen import esc
from bot.settings import Settings
from bot.translate import kind_of
from bot.transport import Telegram
from bot.trials import trials_in
from bot.webhook import PATH, Fetching, Webhook
from dialogs.content import Scenario, load_scenario, load_scenario_text
from storage import (
    checkpoints,
    consults,
    expecting,
    letters,
    people,
    retention,
    shares,
    statistics,
    to_record,
    transcript,
    unreadable,
)
from storage.checkpoints import CHECKPOINT_EVENTS, Checkpoint
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.locks import POLLING
from storage.paper import Press
from storage.sealing import Place
from storage.transaction import Tx
from storage.transcript import Outgoing

log = structlog.get_logger()

REMIND_SECONDS = 15.0
TIDY_SECONDS = 3600.0
REPLAY_SECONDS = 5.0
INTRODUCE_SECONDS = 15.0
"""Between two tries to introduce ourselves to a Telegram that does not answer."""

WARN_SECONDS = 3600.0
TELL_SECONDS = 3600.0
"""Between two checkpoints in the operator's chat."""

COUNT_SECONDS = 30.0
COUNTED_AT_ONCE = 100
"""Cases tallied in one transaction: some 20 ms, so that nobody waits for it."""

STALE_SECONDS = 120.0
"""A sweeper that has not run for so long turns health red."""


class Scenarios:
    """The scenario that new cases begin with, and the older ones that cases are pinned to."""

    def __init__(self, name: str) -> None:
        self.current = load_scenario(name)
        self._pinned: dict[str, Scenario] = {self.current.hash: self.current}

    def __call__(self, tx: Tx, content_hash: str | None) -> Scenario:
        """Return a scenario by the hash of its text; None is the current one."""
        if content_hash is None:
            return self.current
        found = self._pinned.get(content_hash)
        if found is None:
            found = load_scenario_text(consults.load_content(tx, content_hash))
            self._pinned[content_hash] = found
        return found


@dataclass(slots=True)
class Beats:
    """When each loop last came round; monotonic seconds."""

    reminded_at: float | None = None
    tidied_at: float | None = None
    warned_at: float | None = None
    told_at: float | None = None
    told_seq: int = 0
    """The event up to which the anchor chat was told."""
    anchors: str = ""
    """What is wrong with the anchor file, as a code."""


class Service:
    """Everything that serves one bot; ``intake`` takes updates from polling or from the webhook."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        telegram: Telegram,
        *,
        pace: Pace | None = None,
        press: Press | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self.settings = settings
        self.database = database
        self.telegram = telegram
        self.scenarios = Scenarios(settings.scenario)
        self.press = press or Press()
        papered = Papered(telegram, self.press, self._data_of)
        self.outbox = Outbox(database, papered, pace=pace)
        self.handler = Handler(database, self.outbox, settings, self.scenarios, seconds=seconds)
        self.intake = Intake(self.handler, self.bury)
        self.beats = Beats()
        self._failure: Exception | None = None

    async def bury(self, raw: Any, *, update_id: int | None, reason: str, attempts: int) -> None:
        """Keep an update that could not be handled as a dead letter."""
        known = raw if isinstance(raw, dict) else {}
        await self.database.write(
            lambda tx: letters.bury(
                tx,
                payload=json.dumps(raw, default=str),
                update_id=update_id,
                kind=kind_of(known),
                keys=sorted(str(key) for key in known),
                reason=reason,
                attempts=attempts,
            )
        )

    async def _data_of(self, person_id: UUID) -> bytes:
        """Return the file of a person's data; what of it cannot be read is on record then."""

        def unit(tx: Tx) -> tuple[bytes, tuple[Place, ...]]:
            return retention.my_file(tx, person_id), unreadable.taken(tx)

        made, places = await self.database.read(unit)
        if places:
            await self.database.write(lambda tx: unreadable.record_all(tx, person_id, places))
        return made

    async def run(
        self, stop: asyncio.Event, *, before_drain: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Serve until ``stop``, then finish what was begun; raises what made it stop by itself.

        ``before_drain`` is awaited when nothing more is fetched, and before the last is sent.
        """
        self.intake.trials = trials_in(self.settings.data_dir)
        await self.database.write(lambda tx: people.keep_admins(tx, self.settings.admins))
        async with asyncio.TaskGroup() as group:
            for work in (
                unless_stopped(self.introduce(), stop),
                self.take_in(stop),
                self.outbox.run(stop),
                every(REMIND_SECONDS, self.remind, stop),
                every(REPLAY_SECONDS, self.replay, stop),
                every(TIDY_SECONDS, self.tidy, stop),
                every(COUNT_SECONDS, self.count, stop),
                unless_stopped(checkpoints.tend(self.database, self.publish), stop),
                self._until_outdated(stop),
            ):
                group.create_task(self._part(work, stop))
        if before_drain is not None:
            await before_drain()
        await self.outbox.drained()
        await self.press.close()
        await self._acquit()
        if self._failure is not None:
            raise self._failure

    async def _part(self, work: Awaitable[object], stop: asyncio.Event) -> None:
        """Do a part of what a service does; where it cannot go on, all of it ends in order."""
        try:
            await work
        except (TokenRefused, StorageUnavailable) as error:
            log.error("stops", reason=type(error).__name__)  # noqa: TRY400 - said by the caller
            self._failure = self._failure or error
            stop.set()

    async def _acquit(self) -> None:
        """End the trials in order, once the thread that writes has shown that it does not hang."""
        with suppress(StorageUnavailable):
            await self.database.write(_nothing)
        self.intake.trials.close()

    async def _until_outdated(self, stop: asyncio.Event) -> None:
        """Wait until ``stop``; raises StorageUnavailable when a newer version took the database over."""
        if await unless_stopped(self.database.outdated.wait(), stop):
            raise StorageUnavailable("outdated")

    async def take_in(self, stop: asyncio.Event) -> None:
        """Have updates delivered, or fetch them when this process is the one to do so."""
        if self.settings.webhook:
            await self._webhook().run(stop)
        else:
            await self._poll(stop)

    async def _poll(self, stop: asyncio.Event) -> None:
        try:
            await inbox.run(
                Fetching(self.telegram, self.warn),
                self.intake,
                stop=stop,
                poll_seconds=self.settings.poll_seconds,
                leads=partial(self.database.holds, POLLING),
            )
        finally:
            stop.set()
            with suppress(StorageUnavailable):
                await self.database.let_go(POLLING)

    def _webhook(self) -> Webhook:
        secret, url = self.settings.webhook_secret, self.settings.public_url
        assert secret is not None and url is not None  # noqa: S101, PT018 - settings checked it
        return Webhook(
            self.telegram, url + PATH, secret.get_secret_value(), self.intake.pulse, self.warn
        )

    async def introduce(self) -> None:
        """Tell Telegram the commands of each kind of chat; not being able to is no reason to stop."""
        self.handler.username = await self._own_name()
        for menu in menus.every(self.settings.admins):
            with suppress(TelegramError):
                await self.telegram.call("setMyCommands", menu)

    async def _own_name(self) -> str:
        """Return the bot's name, asking until Telegram answers: commands for other bots are left to them."""
        while True:
            try:
                me = await self.telegram.call("getMe", {})
                return str(me.get("username", ""))
            except TelegramError as error:
                log.info("not_introduced", error=describe(error))
                await asyncio.sleep(INTRODUCE_SECONDS)

    async def warn(self) -> None:
        """Tell the admins that another program uses the token; at most once an hour."""
        now = monotonic()
        if (_age(self.beats.warned_at, now) or WARN_SECONDS) < WARN_SECONDS:
            return
        self.beats.warned_at = now
        admins = self.settings.admins
        with suppress(StorageUnavailable):
            for chat in await self.database.write(lambda tx: token_used_elsewhere(tx, admins)):
                self.outbox.soon(chat)

    # --- health -------------------------------------------------------------------------

    async def trouble(self) -> tuple[str, Mapping[str, float | None]]:
        """Return what is wrong as a code (empty: nothing), and the numbers worth watching."""
        waiting, oldest, at = await self.database.read(_unsent)
        now, swept = monotonic(), self.outbox.mark.swept_at
        values: dict[str, float | None] = {
            "unsent": waiting,
            "oldest_unsent_seconds": (at - oldest).total_seconds() if oldest else 0,
            "sweeper_age_seconds": None if swept is None else now - swept,
            "reminders_age_seconds": _age(self.beats.reminded_at, now),
            "last_poll_seconds": self.intake.pulse.silent_for(now),
            "buried": self.intake.pulse.buried,
            "leads": float(self.intake.pulse.leads),
        }
        for name in ("sweeper_age_seconds", "reminders_age_seconds"):
            if (values[name] or 0) > STALE_SECONDS:
                return name.removesuffix("_age_seconds") + "_stale", values
        if not self.settings.webhook and (values["last_poll_seconds"] or 0) > self._silence():
            return self.intake.pulse.alarm or "polling_stale", values
        return self.intake.pulse.alarm or self.beats.anchors, values

    def _silence(self) -> float:
        """Return the seconds without an answer to a poll after which something must be wrong."""
        return STALE_SECONDS + self.settings.poll_seconds if self.intake.pulse.leads else inf

    def sending(self) -> Mapping[str, float | None]:
        """Return how much was sent since the start, and how often something went otherwise, by code."""
        mark = self.outbox.mark
        return {"sent": mark.sent, **dict(sorted(mark.codes.items()))}

    async def clock_moved(self) -> None:
        """Look at once for what has fallen due, after the clock of the local phone was moved."""
        await self.remind()

    # --- the loops ----------------------------------------------------------------------

    async def remind(self) -> None:
        for fall_due in (partial(remind, self.settings.time_zone), close_due):
            for chat in await self.database.write(fall_due):
                self.outbox.soon(chat)
        self.beats.reminded_at = monotonic()

    async def replay(self) -> None:
        """Handle once more the dead letters that an admin asked for."""
        for identity, payload in await self.database.read(letters.asked):
            with suppress(NotStored):
                await self.intake(json.loads(payload))
                await self.database.write(partial(letters.done, letter_id=identity))

    async def tidy(self) -> None:
        removed = await retention.purge_all(self.database, text_days=self.settings.retention_days)
        await self.database.write(lambda tx: retention.note_run(tx, removed))
        await self.database.write(expecting.forget_old)
        await to_record.take(self.database, self.settings.data_dir)
        await self.database.write(shares.withdraw_expired)
        self.beats.tidied_at = monotonic()

    async def count(self) -> None:
        """Count what changed since the last time, for the overview."""
        if not await self.database.read(statistics.is_due):
            return
        tally = partial(statistics.refresh, scenario_of=self.scenarios, limit=COUNTED_AT_ONCE)
        while not await self.database.write(tally):
            pass

    async def publish(self, made: Checkpoint) -> None:
        """Take a checkpoint to where whoever can alter the log cannot: the anchor file and chat."""
        if self.settings.anchor_file is not None:
            try:
                await asyncio.to_thread(checkpoints.append_anchor, self.settings.anchor_file, made)
            except OSError as error:
                self.beats.anchors = "anchor_not_written"
                log.error("anchor_not_written", code=error.errno)  # noqa: TRY400 - one line is enough
            else:
                self.beats.anchors = ""
        if self.settings.anchor_chat is not None:
            await self._publish_in_chat(self.settings.anchor_chat, made)

    async def _publish_in_chat(self, chat: int, made: Checkpoint) -> None:
        """Send a checkpoint to the operator's chat, silently, once an hour or 1,000 events."""
        now = monotonic()
        few = made.seq - self.beats.told_seq < CHECKPOINT_EVENTS
        if few and (_age(self.beats.told_at, now) or TELL_SECONDS) < TELL_SECONDS:
            return
        self.beats.told_at, self.beats.told_seq = now, made.seq
        await self.database.write(lambda tx: transcript.enqueue(tx, anchor_message(chat, made)))
        self.outbox.soon(chat)


def anchor_message(chat: int, made: Checkpoint) -> Outgoing:
    """Return the message that is an anchor: the line of the anchor file and nothing else."""
    params = {
        "text": f"<code>{esc(made.line())}</code>",
        "parse_mode": "HTML",
        "disable_notification": True,
    }
    return Outgoing(chat_id=chat, method="sendMessage", params=params, kind="anchor")


def _unsent(tx: Tx) -> tuple[int, datetime | None, datetime]:
    return transcript.unsent(tx), transcript.oldest_unsent(tx), tx.now


def _nothing(tx: Tx) -> None:
    """Write nothing."""


def _age(then: float | None, now: float) -> float | None:
    return None if then is None else now - then


async def every(seconds: float, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Do ``act`` now and again every so many seconds, until ``stop``.

    One that fails is tried again next time: a reminder nobody can write must not stop the bot.
    """
    while not stop.is_set():
        try:
            await act()
        except StorageUnavailable as error:
            log.warning("loop_failed", kind=getattr(act, "__name__", ""), trouble=error.trouble)
        except Exception:
            log.exception("loop_failed", kind=getattr(act, "__name__", ""))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
