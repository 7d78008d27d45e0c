"""The bot is killed at every numbered point of a conversation; nothing is lost, nothing done twice."""

import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

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
    screens: int
    answers: list[tuple[str, int]]
    dead_letters: int
    unsent: int
    whole: bool


async def live(maker: Nursery, folder: Path, point: int) -> Life:
    """Hold the conversation with a bot that dies at ``point``, and with its successor."""
    emulator = new_emulator(TOKEN, Clock(), seed=1)
    async with served(bot_api(emulator)) as url:
        child = await maker.bear(folder, url, point)
        me = person(emulator, 501, "Ana")
        walking = asyncio.create_task(walk(me))
        ending = asyncio.create_task(maker.outlive())
        await asyncio.wait({walking, ending}, return_when=asyncio.FIRST_COMPLETED)
        died = ending.done()
        if died:
            assert ending.result() == -signal.SIGKILL
            child = await maker.bear(folder, url, 0)
            ending = asyncio.create_task(maker.outlive())
        await walking
        os.kill(child, signal.SIGTERM)
        assert await ending == 0
        screens = len(emulator.sent("sendMessage"))
    return Life(died, screens, *await found(folder))


async def found(folder: Path) -> tuple[list[tuple[str, int]], int, int, bool]:
    """Return what the database holds: answers with how often, dead letters, unsent, a whole log."""
    with sqlite3.connect(folder / "curbside.db") as raw:
        answers = raw.execute(
            "SELECT question, count(*) FROM answer_change GROUP BY question ORDER BY question"
        ).fetchall()
        buried = raw.execute("SELECT count(*) FROM dead_letter").fetchone()[0]
        unsent = raw.execute(
            "SELECT count(*) FROM transcript WHERE state IN ('waiting', 'sending')"
        ).fetchone()[0]
    raw.close()
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
            repeated += life.screens - 1
            assert life.answers == once, point
            assert life.dead_letters == 0, point
            assert life.unsent == 0, point
            assert life.whole, point
            assert life.screens <= 2, point
            point += 1

    assert deaths >= len(STEPS) * POINTS_A_STEP
    assert repeated <= deaths
