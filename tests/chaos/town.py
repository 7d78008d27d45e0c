"""A few people and one bot after the other that answers them, whatever each of them dies of."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from storage import letters
from storage.letters import DeadLetter
from tests.bot.conftest import TOKEN, Clock
from tests.chaos.bot import Birth, Nursery, nursery
from tests.chaos.crowd import PUBLIC
from tests.chaos.lives import SHORT_LEASE, Place, Places, all_sent
from tests.chaos.stories import GLANCE, NAMES, Scene, tap
from web.emulator import Emulator, Person, bot_api, new_emulator, person, served

PATIENCE = 120.0
QUIET = 0.05
ASKED = "SELECT count(*) FROM dead_letter WHERE replayed_at IS NOT NULL AND payload IS NOT NULL"
ARRIVAL = 9
"""Updates with which everybody arrives."""


@dataclass
class Town:
    """People with their phones, and one bot after the other that answers them."""

    place: Place
    emulator: Emulator
    maker: Nursery
    birth: Birth
    people: list[Person] = field(default_factory=list)

    async def life(
        self,
        until: Callable[[], Awaitable[None]] | None = None,
        *,
        kill_after: float = PATIENCE,
        **more: Any,
    ) -> int:
        """Let a bot live until it dies or all is taken in and sent; return how it ended."""
        child = await self.maker.bear(replace(self.birth, **more))
        ending = asyncio.create_task(self.maker.outlive())
        peace = asyncio.ensure_future((until or self.peace)())
        done, _ = await asyncio.wait(
            {ending, peace}, timeout=kill_after, return_when=asyncio.FIRST_COMPLETED
        )
        if peace in done:
            peace.result()
        peace.cancel()
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM if done else signal.SIGKILL)
        return await ending

    async def lives(
        self, until: Callable[[], Awaitable[None]] | None = None, **more: Any
    ) -> list[int]:
        """Let bots live until one does not die, and return how the others ended."""
        ends = []
        async with asyncio.timeout(PATIENCE):
            while (code := await self.life(until, **more)) not in (0, -signal.SIGTERM):
                ends.append(code)
        return ends

    async def arrivals(self) -> None:
        scene = Scene(self.emulator, lambda: all_sent(self.place))
        for each in self.people:
            each.starts()
            for step in (
                tap("agree", who=each.user.id),
                tap("role", "counselor", who=each.user.id),
            ):
                await step(scene)
        await scene.quiet()

    async def peace(self) -> None:
        while self.emulator.updates.waiting:  # noqa: ASYNC110 - another process handles them
            await asyncio.sleep(GLANCE)
        await all_sent(self.place)

    async def replayed(self) -> None:
        """Return when what was asked for once more has been handled, and all is sent."""
        with closing(
            sqlite3.connect(f"file:{self.place.folder}/curbside.db?mode=ro", uri=True)
        ) as raw:
            while raw.execute(ASKED).fetchone() != (0,):  # noqa: ASYNC110 - another process
                await asyncio.sleep(GLANCE)
        await self.peace()

    async def left(self) -> list[tuple[str, int]]:
        """Return reason and attempts of what was put away."""
        database = self.place.opened()
        try:
            found: list[DeadLetter] = await database.read(letters.letters)
        finally:
            await database.close()
        return [(each.reason, each.attempts) for each in found]

    async def taken_in(self) -> int:
        """Return how many updates have had an effect, each counted once."""
        database = self.place.opened()
        try:
            return int(
                await database.read(
                    lambda tx: tx.connection.exec_driver_sql(
                        "SELECT count(update_id) FROM transcript"
                    ).scalar_one()
                )
            )
        finally:
            await database.close()


@asynccontextmanager
async def town(places: Places, port: int = 0, **more: Any) -> AsyncIterator[Town]:
    """A bot's place with three people who have arrived; with a port it is a webhook."""
    place, emulator = places.fresh(), new_emulator(TOKEN, Clock(), seed=1)
    emulator.leads_to[PUBLIC] = f"http://127.0.0.1:{port}"
    emulator.webhook_pause = 0.05
    async with served(bot_api(emulator)) as url, nursery() as maker:
        birth = Birth(
            folder=str(place.folder),
            database=place.url,
            api=url,
            began=time.time(),
            quiet_seconds=QUIET,
            lease=SHORT_LEASE if place.has_server else 30.0,
            port=port,
            hook=PUBLIC,
            **more,
        )
        made = Town(place, emulator, maker, birth)
        made.people = [person(emulator, number, name) for number, name in NAMES.items()]
        assert await made.life(made.arrivals, deadly="") == 0
        yield made
