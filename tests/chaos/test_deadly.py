"""An update with which the process dies each time: put away after some deaths, and nobody else is."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from storage import letters
from storage.letters import DeadLetter
from storage.transaction import Tx
from tests.bot.conftest import TOKEN, Clock
from tests.chaos.bot import ROOT, Birth, Nursery, nursery
from tests.chaos.lives import SHORT_LEASE, Files, Place, Places, Servers, all_sent
from tests.chaos.stories import GLANCE, NAMES, Scene, tap
from tests.databases import PostgresServer
from web.emulator import Emulator, Person, bot_api, new_emulator, person, served

TRIES = 5
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
            while code := await self.life(until, **more):
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
async def town(places: Places, **more: Any) -> AsyncIterator[Town]:
    """A bot's place with three people who have arrived."""
    place, emulator = places.fresh(), new_emulator(TOKEN, Clock(), seed=1)
    async with served(bot_api(emulator)) as url, nursery() as maker:
        birth = Birth(
            folder=str(place.folder),
            database=place.url,
            api=url,
            began=time.time(),
            quiet_seconds=QUIET,
            lease=SHORT_LEASE if place.has_server else 30.0,
            **more,
        )
        made = Town(place, emulator, maker, birth)
        made.people = [person(emulator, number, name) for number, name in NAMES.items()]
        assert await made.life(made.arrivals, deadly="") == 0
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    if request.param == "sqlite":
        return Files(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return Servers(tmp_path, server=server)


async def test_an_update_that_kills_the_process_is_put_away_and_nothing_else_is(
    places: Places,
) -> None:
    """Whoever was handled beside it is suspect for one life; after that all but its own chat go first."""
    async with town(places, deadly="killed") as here:
        ana, *others = here.people
        ana.says("/frob")
        ana.says("/privacy")
        for each in others:
            for _ in range(5):
                each.says("/help")
        ends = await here.lives()

        assert set(ends) == {-signal.SIGKILL}
        assert TRIES <= len(ends) <= TRIES + 1, ends
        assert await here.left() == [("deadly", TRIES)]
        assert await here.taken_in() == ARRIVAL + 2 + 2 * 5
        assert "stored" in ana.last.text


async def test_others_are_answered_while_it_still_kills(tmp_path: Path) -> None:
    async with town(Files(tmp_path), deadly="crashed") as here:
        ana, *others = here.people
        ana.says("/frob")
        assert await here.life() == -signal.SIGSEGV
        for each in others:
            each.says("/privacy")
        assert await here.life(quiet_seconds=2.0) == -signal.SIGSEGV

        assert ["stored" in each.last.text for each in others] == [True] * 2
        assert await here.left() == []


async def test_two_that_kill_are_both_found(tmp_path: Path) -> None:
    async with town(Files(tmp_path), deadly="killed") as here:
        ana, ben, eve = here.people
        ana.says("/frob")
        ben.says("/frob")
        eve.says("/privacy")
        ends = await here.lives()

        assert len(ends) <= 2 * TRIES + 2
        assert await here.left() == [("deadly", TRIES)] * 2
        assert await here.taken_in() == ARRIVAL + 3
        assert "stored" in eve.last.text


async def test_what_is_killed_at_other_moments_too_is_acquitted_each_time(tmp_path: Path) -> None:
    """A process that dies before it tries a suspect dies of something else."""
    async with town(Files(tmp_path), deadly="killed") as here:
        here.people[0].says("/frob")
        for _ in range(2):
            assert await here.life() == -signal.SIGKILL
            assert await here.life() == -signal.SIGKILL
            assert await here.life(kill_after=1.0, quiet_seconds=60.0) == -signal.SIGKILL
        assert await here.left() == []
        ends = await here.lives()

        assert len(ends) == TRIES
        assert await here.left() == [("deadly", TRIES)]


async def test_a_unit_that_hangs_ends_the_process_which_says_where(tmp_path: Path) -> None:
    """The thread that writes hangs, and with it everybody's updates; then it is as with a death."""
    async with town(Files(tmp_path), deadly="hangs") as here:
        ana, *others = here.people
        ana.says("/frob")
        for each in others:
            each.says("/privacy")
        ends = await here.lives(hung_seconds=2.0)

        assert set(ends) == {1}
        assert TRIES <= len(ends) <= TRIES + 1, ends
        assert await here.left() == [("deadly", TRIES)]
        assert await here.taken_in() == ARRIVAL + 3
        assert ["stored" in each.last.text for each in others] == [True] * 2


async def test_what_was_put_away_is_handled_once_more_when_it_no_longer_kills(
    tmp_path: Path,
) -> None:
    async with town(Files(tmp_path), deadly="killed") as here:
        ana = here.people[0]
        ana.says("/frob")
        await here.lives()
        await _asks_again(here.place)
        assert len(await here.lives(here.replayed)) == TRIES
        assert await here.left() == [("deadly", TRIES)] * 2

        await _asks_again(here.place)
        assert await here.life(here.replayed, deadly="") == 0

        assert await here.left() == [("deadly", TRIES)] * 2
        assert "What you can do" in ana.last.text


async def _asks_again(place: Place) -> None:
    """Ask for the newest dead letter to be handled once more, as an admin does."""

    def ask(tx: Tx) -> None:
        letters.replay(tx, letters.letters(tx)[0].id)

    database = place.opened()
    try:
        await database.write(ask)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("begin", "where"),
    [("time.sleep(60)", "in <module>"), ("began.append(1); await asyncio.sleep(60)", "select")],
    ids=["the loop hangs", "the writer hangs"],
)
def test_the_watch_ends_a_process_and_says_where_it_hangs(begin: str, where: str) -> None:
    """A unit that began and a loop that is held up are the same to it; a loop that waits is none."""
    code = f"""
import asyncio, json, time
from bot import watch
watch.HUNG_SECONDS, watch.LOOK_SECONDS = 0.4, 0.05
began = []
async def main():
    kept = asyncio.create_task(watch.watch(lambda: 9.0 * len(began)))
    await asyncio.sleep(0.8)
    print("alive", flush=True)
    {begin}
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )

    assert ended.returncode == 1
    assert ended.stdout == "alive\n"
    assert "Timeout" in ended.stderr
    assert where in ended.stderr
