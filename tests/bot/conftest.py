"""A running bot on a real database, talking HTTP on loopback with the emulated Telegram."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot import handler
from bot.buckets import Pace
from bot.service import Service
from bot.settings import Settings
from bot.transport import Telegram
from storage.database import Database, open_database
from storage.keys import Keyring, create_key_file
from storage.limits import Rate
from storage.transaction import Tx
from web.emulator import Emulator, Message, Person, bot_api, new_emulator, person, served

TOKEN = "7000000001:" + "t" * 35
FAST = Pace(Rate(10_000, 10_000), Rate(10_000, 10_000), Rate(10_000, 10_000))
SETTLED_SECONDS = 10.0
handler.LATE_SECONDS = SETTLED_SECONDS  # a busy machine must not cost an answer its words
UNLIMITED = {"burst": 1_000_000, "cases_a_day": 1_000_000}
"""Settings of people who do in a second what takes others a day."""


@dataclass
class Clock:
    at: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 15, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def moves(self, **amount: float) -> None:
        self.at += timedelta(**amount)


@dataclass
class Conversation:
    """One bot with its Telegram. What a person does is answered before the call returns."""

    service: Service
    emulator: Emulator
    clock: Clock
    me: Person

    async def settles(self) -> None:
        """Wait until every update is handled and everything is sent."""
        async with asyncio.timeout(SETTLED_SECONDS):
            while self.emulator.updates.waiting or await self._unsent():
                await asyncio.sleep(0.002)
                if not self.emulator.updates.waiting:
                    await self.service.outbox.drained()
            await self.service.outbox.drained()

    async def _unsent(self) -> int:
        def count(tx: Tx) -> int:
            found = tx.connection.exec_driver_sql(
                "SELECT count(*) FROM transcript WHERE state IN ('waiting', 'sending')"
            ).scalar()
            return int(found or 0)

        return await self.service.database.read(count)

    async def says(self, text: str, who: Person | None = None) -> str:
        """Send words and return the text of the bot's newest message."""
        (who or self.me).says(text)
        await self.settles()
        return (who or self.me).last.text

    async def taps(self, *labels: str, who: Person | None = None) -> Message:
        """Tap buttons of the current screen one after the other and return the screen they led to."""
        somebody = who or self.me
        for label in labels:
            somebody.taps(label)
            await self.settles()
        return somebody.screen

    @property
    def screen(self) -> Message:
        return self.me.screen

    def count(self, table: str) -> "asyncio.Future[int]":
        return asyncio.ensure_future(self.rows(f"SELECT count(*) FROM {table}"))  # noqa: S608

    async def rows(self, sql: str) -> Any:
        """Return the first value of a query on the bot's own database."""
        return await self.service.database.read(
            lambda tx: tx.connection.exec_driver_sql(sql).scalar()
        )


Start = Callable[..., Any]


def settings_for(folder: Path, **values: Any) -> Settings:
    chosen = {**UNLIMITED, "approval": "open", "time_zone": "UTC", "poll_seconds": 1, **values}
    return Settings(**{"data_dir": folder, **chosen})


@cache
def prepared() -> tuple[bytes, bytes]:
    """Return a keys file and a database that has every table; made once, copied for each test."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        create_key_file(folder / "keys")
        keys = Keyring.of_file(folder / "keys")
        database = open_database(f"sqlite:///{folder}/curbside.db", keys, Clock())
        with ThreadPoolExecutor() as beside_the_loop:
            beside_the_loop.submit(asyncio.run, database.close()).result()
        return (folder / "keys").read_bytes(), (folder / "curbside.db").read_bytes()


def database_in(folder: Path, clock: Clock) -> Database:
    if not (folder / "curbside.db").exists():
        keys_file, empty = prepared()
        (folder / "keys").write_bytes(keys_file)
        (folder / "keys").chmod(0o600)
        (folder / "curbside.db").write_bytes(empty)
    keys = Keyring.of_file(folder / "keys")
    return open_database(f"sqlite:///{folder}/curbside.db", keys, clock)


@asynccontextmanager
async def talking(
    folder: Path, clock: Clock | None = None, emulator: Emulator | None = None, **values: Any
) -> AsyncIterator[Conversation]:
    """A bot that runs while the block does."""
    clock = clock or Clock()
    emulator = emulator or new_emulator(TOKEN, clock, seed=1)
    database = database_in(folder, clock)
    stop = asyncio.Event()

    def seconds() -> float:
        return clock().timestamp()

    async with served(bot_api(emulator)) as url, Telegram(TOKEN, url, poll_seconds=1) as telegram:
        service = Service(
            settings_for(folder, **values), database, telegram, pace=FAST, seconds=seconds
        )
        running = asyncio.create_task(service.run(stop))
        try:
            yield Conversation(service, emulator, clock, person(emulator, 501, "Ana"))
        finally:
            stop.set()
            await running
            await database.close()


@pytest.fixture
async def conversation(tmp_path: Path) -> AsyncIterator[Conversation]:
    async with talking(tmp_path) as conversation:
        yield conversation


@pytest.fixture
async def ready(conversation: Conversation) -> Conversation:
    """A conversation with somebody who has accepted the scope and is a counselor."""
    conversation.me.starts()
    await conversation.settles()
    await conversation.taps("I am a clinician", "Counselor")
    return conversation
