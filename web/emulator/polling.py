"""getUpdates: long polls, the one poller there may be, and what a fault does to a batch."""

import asyncio
import time
from typing import Any

from web.emulator.core import Emulator
from web.emulator.errors import bad, conflict
from web.emulator.faults import Fault
from web.emulator.limits import POLL_SECONDS, UPDATES_A_POLL
from web.emulator.request import Params
from web.emulator.updates import Update

OTHER = "terminated by other getUpdates request; make sure that only one bot instance is running"
HOOKED = (
    "can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


class Poller:
    """Holds the poll that waits; a second one ends it with 409."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.waiting: asyncio.Future[str] | None = None
        self.last_offset: int | None = None
        self.last_at = 0.0

    async def poll(self, params: Params, fault: Fault | None) -> list[dict[str, Any]]:
        if self.emulator.webhook.url:
            raise conflict(HOOKED)
        self.emulator.updates.allow(allowed(params))
        offset = params.integer("offset")
        limit, seconds = self.patience(params, offset)
        batch = self.batch(offset, limit)
        if not batch and seconds:
            batch = await self.wait(offset, limit, seconds)
        return shaken(batch, fault, self.emulator)

    def patience(self, params: Params, offset: int) -> tuple[int, int]:
        """Limit and seconds to wait; asking for the same offset at once is punished."""
        limit = params.within("limit", UPDATES_A_POLL, 1, UPDATES_A_POLL)
        seconds = params.within("timeout", 0, 0, POLL_SECONDS)
        now, same = time.monotonic(), offset == self.last_offset
        since = now - self.last_at
        self.last_offset, self.last_at = offset, now
        if not self.emulator.strict_polling or not same:
            return limit, seconds
        return (1 if since < 0.5 else limit), (3 if seconds < 3 and since < 3 else seconds)  # noqa: PLR2004

    def batch(self, offset: int, limit: int) -> list[Update]:
        with self.emulator.lock:
            return self.emulator.updates.batch(offset, limit)

    async def wait(self, offset: int, limit: int, seconds: int) -> list[Update]:
        self.end_other()
        loop = asyncio.get_running_loop()
        mine = self.waiting = loop.create_future()

        def ring() -> None:
            loop.call_soon_threadsafe(self.release, mine, "new")

        self.emulator.updates.on_new.append(ring)
        try:
            if batch := self.batch(offset, limit):
                return batch
            reason = await asyncio.wait_for(mine, seconds)
        except TimeoutError:
            return []
        finally:
            self.emulator.updates.on_new.remove(ring)
            if self.waiting is mine:
                self.waiting = None
        if reason != "new":
            raise conflict(reason)
        return self.batch(offset, limit)

    def end_other(self, reason: str = OTHER) -> None:
        if self.waiting is not None:
            self.release(self.waiting, reason)

    @staticmethod
    def release(future: asyncio.Future[str], reason: str) -> None:
        if not future.done():
            future.set_result(reason)


def allowed(params: Params) -> list[str] | None:
    given = params.value("allowed_updates", "allowed_updates")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(kind, str) for kind in given):
        raise bad("expected an Array of String as allowed_updates")
    return given


def shaken(batch: list[Update], fault: Fault | None, emulator: Emulator) -> list[dict[str, Any]]:
    """The batch as it is sent: twice or in another order where a fault says so."""
    wires = [update.wire() for update in batch]
    kind = fault.kind if fault else ""
    if kind == "reorder":
        emulator.faults.chance.shuffle(wires)
    return wires + wires if kind == "duplicate" else wires
