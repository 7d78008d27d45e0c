"""An update with which the process dies each time: put away after some deaths, and nobody else is."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage import letters
from storage.transaction import Tx
from tests.chaos.bot import ROOT
from tests.chaos.lives import Files, Place, Places, Servers
from tests.chaos.town import ARRIVAL, town
from tests.databases import PostgresServer

TRIES = 5


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
        assert await here.life(quiet_seconds=8.0) == -signal.SIGSEGV

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
        ends = await here.lives(hung_seconds=4.0)

        assert set(ends) == {-signal.SIGALRM}
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
watch.HUNG_SECONDS, watch.LOOK_SECONDS = 3.0, 0.1
began = []
async def main():
    kept = asyncio.create_task(watch.watch(lambda: 9.0 * len(began)))
    await asyncio.sleep(4.0)
    print("alive", flush=True)
    {begin}
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )

    assert ended.returncode == -signal.SIGALRM
    assert ended.stdout == "alive\n"
    assert where in ended.stderr
