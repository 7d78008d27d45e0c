"""The bot is killed at every numbered point of a conversation; nothing is lost, nothing done twice."""

import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.verification import verify
from tests.bot.conftest import TOKEN, Clock, database_in
from web.emulator import Person, bot_api, new_emulator, person, served

ROOT = Path(__file__).parents[2]
STEPS = (
    ("I am a clinician", "Your role"),
    ("Counselor", "Ready when you are"),
    ("Start a case", "any of these right now"),
    ("None of these", "Where is the client"),
    ("Methadone clinic", "Which medication"),
    ("Not known", "What is the opioid for"),
    ("Skip", "Which opioid"),
)
"""What is tapped, and the words of the screen it leads to."""

PATIENCE = 20.0
POINTS_A_STEP = 6
"""Two transactions, each with a point before and after, and a call with two."""


@dataclass
class Nursery:
    """The process that makes bots."""

    process: asyncio.subprocess.Process

    async def bear(self, folder: Path, url: str, point: int) -> int:
        """Start a bot and return its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{folder} {url} {point}\n".encode())
        await self.process.stdin.drain()
        return int(await self._line())

    async def outlive(self) -> int:
        """Return the exit code of the bot, once it has ended."""
        return int(await self._line())

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.bot",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def walk(me: Person) -> None:
    """Tap through the conversation as somebody does who waits for each screen."""
    me.starts()
    await shows(me, "second look")
    for label, then in STEPS:
        me.taps(label)
        await shows(me, then)


async def shows(me: Person, words: str) -> None:
    """Wait until the screen has these words; what brings them happens in another process."""
    async with asyncio.timeout(PATIENCE):
        while (screen := me.screen_or_none) is None or words not in screen.text:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Life:
    """What one conversation with one death came to."""

    died: bool
    strays: int
    """Messages in the chat that the bot does not know it sent: each is there a second time."""
    answers: list[tuple[str, int]]
    dead_letters: int
    unsent: int
    whole: bool


async def live(maker: Nursery, folder: Path, point: int) -> Life:
    """Hold the conversation with a bot that dies at ``point``, and with its successor."""
    emulator = new_emulator(TOKEN, Clock(), seed=1)
    async with served(bot_api(emulator)) as url:
        me = person(emulator, 501, "Ana")
        walking = asyncio.create_task(walk(me))
        died = await _until(walking, maker, folder, url, point)
        if died:
            await _until(asyncio.gather(walking, _all_sent(folder)), maker, folder, url, 0)
        await walking
        strays = {message.id for message in me.replies} - known(folder)
    return Life(died, len(strays), *await found(folder))


async def _until(
    done: asyncio.Future[Any], maker: Nursery, folder: Path, url: str, point: int
) -> bool:
    """Keep a bot alive until ``done``, then ask it to stop; return whether it was killed before."""
    child = await maker.bear(folder, url, point)
    ending = asyncio.create_task(maker.outlive())
    await asyncio.wait({done, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        os.kill(child, signal.SIGTERM)
    code = await ending
    assert code in (0, -signal.SIGKILL)
    return code != 0


async def _all_sent(folder: Path) -> None:
    """Wait until nothing is left to be sent."""
    async with asyncio.timeout(PATIENCE):
        while count(folder, UNSENT):  # noqa: ASYNC110 - another process sends
            await asyncio.sleep(0.01)


UNSENT = "SELECT count(*) FROM transcript WHERE state IN ('waiting', 'sending')"


def count(folder: Path, query: str) -> int:
    """Return a number from the database of a bot that may be running."""
    with closing(sqlite3.connect(folder / "curbside.db")) as raw:
        return int(raw.execute(query).fetchone()[0])


def known(folder: Path) -> set[int]:
    """Return the ids of the messages that the bot knows it sent."""
    with closing(sqlite3.connect(folder / "curbside.db")) as raw:
        rows = raw.execute("SELECT message_id FROM transcript WHERE direction = 'out'")
        return {row[0] for row in rows}


async def found(folder: Path) -> tuple[list[tuple[str, int]], int, int, bool]:
    """Return what the database holds: answers with how often, dead letters, unsent, a whole log."""
    with closing(sqlite3.connect(folder / "curbside.db")) as raw:
        answers = raw.execute(
            "SELECT question, count(*) FROM answer_change GROUP BY question ORDER BY question"
        ).fetchall()
    buried, unsent = count(folder, "SELECT count(*) FROM dead_letter"), count(folder, UNSENT)
    database = database_in(folder, Clock())
    report = await database.read(verify)
    await database.close()
    return answers, buried, unsent, report.ok


async def test_a_kill_at_any_point_loses_nothing_and_does_nothing_twice() -> None:
    once = [(question, 1) for question in ("mat", "reason", "safety_now", "setting")]
    async with nursery() as maker:
        point, deaths, repeated = 1, 0, 0
        while True:
            with tempfile.TemporaryDirectory() as folder:
                life = await live(maker, Path(folder), point)
            if not life.died:
                break
            deaths += 1
            repeated += life.strays
            assert life.answers == once, point
            assert life.dead_letters == 0, point
            assert life.unsent == 0, point
            assert life.whole, point
            assert life.strays <= 1, point
            point += 1

    assert deaths >= len(STEPS) * POINTS_A_STEP
    assert repeated <= deaths
