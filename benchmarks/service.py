"""How many updates a second the whole bot takes: ``python -m benchmarks.service``.

From the answer of getUpdates, through translation, guard, the dialog's transaction and its audit
row, durably, to the answering message sent over HTTP to a sink on loopback. Telegram's limits are
off: with them on it is Telegram's 30 a second that decides.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.delivery import TOKEN, UNLIMITED, cpu, now, sink, update
from bot import inbox
from bot.buckets import Pace
from bot.service import Service
from bot.settings import Settings
from bot.transport import MOST_UPDATES, Telegram
from storage.database import open_database
from storage.keys import Keyring
from tests.databases import PostgresServer, sqlite_url

UPDATES = 2_000
PEOPLE = 200


class Batches:
    """Telegram with many updates waiting, a hundred at a time."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._next = 1

    async def get_updates(self, *, offset: int, seconds: int) -> Sequence[Any]:
        if self._next > UPDATES:
            self._stop.set()
            return []
        first, self._next = self._next, self._next + MOST_UPDATES
        return [_command(number) for number in range(first, self._next)]


def _command(number: int) -> dict[str, Any]:
    raw = update(number)
    who = {"id": 500 + number % PEOPLE, "is_bot": False, "first_name": "Ana"}
    place = {"id": who["id"], "type": "private", "first_name": "Ana"}
    command = {"offset": 0, "length": 7, "type": "bot_command"}
    raw["message"] |= {"text": "/whoami", "entities": [command], "from": who, "chat": place}
    return raw


async def updates_a_second(url: str) -> tuple[float, float]:
    """Return (updates a second, CPU milliseconds an update) from the first request to the last send.

    The CPU is this process's, the sink's included; on a busy machine it says more than the rate.
    """
    stop = asyncio.Event()
    database = open_database(url, Keyring([b"\x01" * 32]), now)
    settings = Settings(approval="open", burst=1_000_000)
    async with sink() as api, Telegram(TOKEN, api) as telegram:
        pace = Pace(UNLIMITED, UNLIMITED, UNLIMITED)
        service = Service(settings, database, telegram, pace=pace)
        began, used = time.perf_counter(), cpu()
        await inbox.run(Batches(stop), service.intake, stop=stop, poll_seconds=0)
        while service.outbox.mark.sent < UPDATES:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(0.005)
        spent, used = time.perf_counter() - began, cpu() - used
        await service.outbox.drained()
    await database.close()
    return UPDATES / spent, used / UPDATES * 1000


@contextmanager
def urls() -> Iterator[dict[str, str]]:
    """Give a fresh database of each kind; PostgreSQL with its own, safe settings."""
    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield {"SQLite": sqlite_url(Path(folder)), "PostgreSQL": server.database()}
    finally:
        server.stop()


def main() -> None:
    with urls() as found:
        for name, url in found.items():
            rate, used = asyncio.run(updates_a_second(url))
            print(f"{name:12} {rate:8.0f} updates/s, answered   CPU {used:.2f} ms each")


if __name__ == "__main__":
    main()
