"""The running bot: inbox, outbox, reminders and housekeeping side by side, begun and ended together."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import structlog
from telegram.error import TelegramError

from bot import inbox
from bot.buckets import Pace
from bot.handler import Handler
from bot.inbox import Intake
from bot.outbox import Outbox
from bot.reminders import remind
from bot.routes import ADMIN_MENU, MENU
from bot.settings import Settings
from bot.translate import kind_of
from bot.transport import ALLOWED_UPDATES, Telegram
from dialogs.content import Scenario, load_scenario, load_scenario_text
from storage import checkpoints, consults, expecting, letters, retention, transcript
from storage.checkpoints import Checkpoint
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.transaction import Tx

log = structlog.get_logger()

REMIND_SECONDS = 15.0
TIDY_SECONDS = 3600.0
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


class Service:
    """Everything that serves one bot; ``intake`` takes updates from polling or from the webhook."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        telegram: Telegram,
        *,
        pace: Pace | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.telegram = telegram
        self.scenarios = Scenarios(settings.scenario)
        self.outbox = Outbox(database, telegram, pace=pace)
        self.handler = Handler(database, self.outbox, settings, self.scenarios)
        self.intake = Intake(self.handler, self.bury)
        self.beats = Beats()

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

    async def run(self, stop: asyncio.Event, *, polling: bool = True) -> None:
        """Serve until ``stop``, then finish what was begun."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.introduce())
            if polling:
                group.create_task(self.poll(stop))
            group.create_task(self.outbox.run(stop))
            group.create_task(every(REMIND_SECONDS, self.remind, stop))
            group.create_task(every(TIDY_SECONDS, self.tidy, stop))
            group.create_task(self._tend(stop))
        await self.outbox.drained()

    async def poll(self, stop: asyncio.Event) -> None:
        try:
            await inbox.run(
                self.telegram, self.intake, stop=stop, poll_seconds=self.settings.poll_seconds
            )
        finally:
            stop.set()

    async def introduce(self) -> None:
        """Tell Telegram the commands of each kind of chat; not being able to is no reason to stop."""
        scopes: list[tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = [
            ({"type": "all_private_chats"}, MENU),
            *[
                ({"type": "chat", "chat_id": admin}, (*MENU, *ADMIN_MENU))
                for admin in self.settings.admins
            ],
        ]
        with suppress(TelegramError):
            me = await self.telegram.call("getMe", {})
            self.handler.username = str(me.get("username", ""))
        for scope, menu in scopes:
            commands = [{"command": name, "description": words} for name, words in menu]
            with suppress(TelegramError):
                await self.telegram.call("setMyCommands", {"commands": commands, "scope": scope})

    async def use_webhook(self, address: str, secret: str) -> None:
        """Have updates delivered to ``address``."""
        await self.telegram.call(
            "setWebhook",
            {"url": address, "secret_token": secret, "allowed_updates": list(ALLOWED_UPDATES)},
        )

    async def use_polling(self) -> None:
        """Take a webhook away that an earlier start has set; updates that wait are kept."""
        with suppress(TelegramError):
            await self.telegram.call("deleteWebhook", {"drop_pending_updates": False})

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
        }
        for name in ("sweeper_age_seconds", "reminders_age_seconds"):
            if (values[name] or 0) > STALE_SECONDS:
                return name.removesuffix("_age_seconds") + "_stale", values
        return self.intake.pulse.alarm, values

    async def clock_moved(self) -> None:
        """Look at once for what has fallen due, after the clock of the local phone was moved."""
        await self.remind()

    # --- the loops ----------------------------------------------------------------------

    async def remind(self) -> None:
        for chat in await self.database.write(remind):
            self.outbox.soon(chat)
        self.beats.reminded_at = monotonic()

    async def tidy(self) -> None:
        await retention.purge_all(self.database, text_days=self.settings.retention_days)
        await self.database.write(expecting.forget_old)
        self.beats.tidied_at = monotonic()

    async def _tend(self, stop: asyncio.Event) -> None:
        """Keep the log sealed and its checkpoints published, until ``stop``."""
        tending = asyncio.create_task(checkpoints.tend(self.database, self.publish))
        await stop.wait()
        tending.cancel()
        with suppress(asyncio.CancelledError):
            await tending

    async def publish(self, made: Checkpoint) -> None:
        """Append a checkpoint to the anchor file, where one is set."""
        path = self.settings.anchor_file
        if path is not None:
            await asyncio.to_thread(checkpoints.append_anchor, path, made)


def _unsent(tx: Tx) -> tuple[int, datetime | None, datetime]:
    return transcript.unsent(tx), transcript.oldest_unsent(tx), tx.now


def _age(then: float | None, now: float) -> float | None:
    return None if then is None else now - then


async def every(seconds: float, act: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Do ``act`` now and again every so many seconds, until ``stop``."""
    while not stop.is_set():
        try:
            await act()
        except StorageUnavailable as error:
            log.warning("loop_failed", kind=getattr(act, "__name__", ""), trouble=error.trouble)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
