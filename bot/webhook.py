"""Whether Telegram delivers updates or we fetch them: one setting of the token, kept as we need it.

Whoever has the token can change it: another installation by mistake, or a thief. So it is looked
at every minute, put right, and said.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.hygiene import describe
from bot.inbox import Limits, Pulse, TokenRefused
from bot.transport import ALLOWED_UPDATES

log = structlog.get_logger()

PATH = "/telegram"
LOOK_SECONDS = 60.0
CONNECTIONS = 40
"""Deliveries at a time, https://core.telegram.org/bots/api#setwebhook."""


class Api(Protocol):
    """What is needed of ``bot.transport.Telegram``."""

    async def call(self, method: str, params: Mapping[str, Any]) -> Any: ...

    async def get_updates(self, *, offset: int, seconds: int) -> Sequence[Any]: ...


async def _nobody() -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Fetching:
    """The source of updates of a bot that fetches: a webhook set before is taken away first."""

    api: Api
    tell: Callable[[], Awaitable[None]] = _nobody
    """Told that another program uses the token."""
    free: bool = False

    async def get_updates(self, *, offset: int, seconds: int) -> Sequence[Any]:
        if not self.free:
            await self.api.call("deleteWebhook", {"drop_pending_updates": False})
            self.free = True
        try:
            return await self.api.get_updates(offset=offset, seconds=seconds)
        except Conflict as error:
            self.free = "webhook" not in error.message.lower()
            await self.tell()
            raise


@dataclass(slots=True)
class Webhook:
    """The webhook of this installation, set at the start and looked at every minute."""

    api: Api
    address: str
    secret: str = field(repr=False)
    pulse: Pulse
    tell: Callable[[], Awaitable[None]] = _nobody
    """Told that another program has changed the webhook."""
    limits: Limits = field(default_factory=Limits)
    look_seconds: float = LOOK_SECONDS
    is_set: bool = False
    failures: int = 0
    refusals: int = 0
    last_error: int | None = None
    """When Telegram last failed to deliver, as of the last look; seconds since 1970."""

    async def run(self, stop: asyncio.Event) -> None:
        """Keep it set until ``stop``; raises TokenRefused when Telegram does not know the token."""
        while not stop.is_set():
            try:
                await self._look()
                pause = self.look_seconds
            except TelegramError as error:
                pause = self._after(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _look(self) -> None:
        if not self.is_set:
            await self._set()
        found = await self.api.call("getWebhookInfo", {})
        self.failures = self.refusals = 0
        if found.get("url") == self.address:
            self._judge(found)
            return
        log.error("webhook_taken", code="webhook_taken")
        self._raise_alarm("webhook_taken")
        await self._set()
        await self.tell()

    async def _set(self) -> None:
        wanted = {
            "url": self.address,
            "secret_token": self.secret,
            "allowed_updates": list(ALLOWED_UPDATES),
            "max_connections": CONNECTIONS,
            "drop_pending_updates": False,
        }
        await self.api.call("setWebhook", wanted)
        self.is_set = self.pulse.leads = True

    def _judge(self, found: Mapping[str, Any]) -> None:
        """Raise the alarm when updates wait and Telegram has failed to deliver since the last look."""
        before, self.last_error = self.last_error, found.get("last_error_date")
        self.pulse.waiting = int(found.get("pending_update_count") or 0)
        fails = self.pulse.waiting > 0 and self.last_error not in (None, before)
        self._raise_alarm("not_delivered" if fails else "")

    def _after(self, error: TelegramError) -> float:
        """Return the seconds to rest after Telegram refused or did not answer."""
        self.failures += 1
        log.warning("webhook_unknown", count=self.failures, error=describe(error))
        if isinstance(error, InvalidToken):
            self.refusals += 1
            self._raise_alarm("token_refused")
            if self.refusals >= self.limits.refusals:
                raise TokenRefused
        else:
            self._raise_alarm("unreachable")
        return min(
            self.limits.longest_pause, self.limits.first_pause * 2.0 ** min(self.failures, 20)
        )

    def _raise_alarm(self, alarm: Any) -> None:
        """Say how delivery is; trouble with storage is not ours to end."""
        if self.pulse.alarm != "storage":
            self.pulse.alarm = alarm
