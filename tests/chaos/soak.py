"""Weeks of use in minutes: all conversations, again and again with new people, on one process.

After each round a week passes: reminders fall due, texts are destroyed, cases are counted, the log is
sealed. Then the process is weighed: its memory as the kernel counts it, the objects that Python
holds after a collection, and its open files.
"""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from tests.bot.conftest import TOKEN, Clock
from tests.chaos.bot import WEIGHED, Birth, nursery
from tests.chaos.lives import Place, all_sent, walk
from tests.chaos.stories import ANA, GLANCE, STORIES, Scene, Story
from web.emulator import Emulator, bot_api, new_emulator, served

LASTING = tuple(story for story in STORIES if not story.settings and not story.days_later)
"""Conversations that anybody can hold at any time."""

HOUSEHOLDS = 3
"""Conversations at a time."""

KEPT = 256
"""People, chats and keys that the bot may remember here, instead of 4,096 of each: so it is warm soon."""

WEEK_SECONDS = 60.0
"""In which a week has passed, at most."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a process holds after a round."""

    updates: int
    """Taken in since the start."""
    memory: int
    """Bytes, as the kernel counts them (RSS)."""
    objects: int
    files: int

    def __str__(self) -> str:
        memory = f"{self.memory / 2**20:.1f} MB"
        return f"{self.updates} updates: {memory}, {self.objects} objects, {self.files} files"


@dataclass(slots=True)
class Soak:
    """A process, its Telegram, and who comes next."""

    place: Place
    emulator: Emulator
    clock: Clock
    child: int
    newcomers: Any
    weeks: int = 0

    async def round(self, stories: Sequence[Story]) -> Weight:
        """Hold every conversation once, let a week pass, and weigh the process."""
        waiting = list(stories)
        async with asyncio.TaskGroup() as group:
            for _ in range(HOUSEHOLDS):
                group.create_task(self._household(waiting))
        await all_sent(self.place)
        objects = await self._week()
        process = psutil.Process(self.child)
        return Weight(
            updates=self.emulator.updates.acknowledged,
            memory=process.memory_info().rss,
            objects=objects,
            files=process.num_fds(),
        )

    async def _household(self, waiting: list[Story]) -> None:
        while waiting:
            story = waiting.pop()
            scene = Scene(self.emulator, self._sent, first=next(self.newcomers))
            await walk(scene, (*story.before, *story.steps))

    async def _sent(self) -> None:
        await all_sent(self.place)

    async def _week(self) -> int:
        """Let a week pass for everybody, and return how many objects the bot then holds."""
        self.weeks += 1
        self.clock.moves(days=7)
        os.kill(self.child, signal.SIGUSR1)
        weighed = self.place.folder / WEIGHED
        async with asyncio.timeout(WEEK_SECONDS):
            while (found := _read(weighed)).get("week") != self.weeks:  # noqa: ASYNC110 - a process
                await asyncio.sleep(GLANCE)
        await all_sent(self.place)
        return int(found["objects"])


WARM_ROUNDS = 6
"""After which everything is loaded that is loaded once, and the memories of the bot are full."""

MOST_GROWN = 0.05


def grown(weights: Sequence[Weight]) -> list[str]:
    """Return what a process held more of at the end than when it was warm, by 5 % or more."""
    if len(weights) <= WARM_ROUNDS:
        return []
    warm, last = weights[WARM_ROUNDS - 1], weights[-1]
    found = {
        "memory": last.memory / warm.memory - 1,
        "objects": last.objects / warm.objects - 1,
    }
    return [f"{what} grew by {by:.1%}" for what, by in found.items() if by >= MOST_GROWN]


def _read(weighed: Path) -> dict[str, int]:
    return dict(json.loads(weighed.read_text())) if weighed.exists() else {}


async def soak(
    place: Place,
    *,
    seed: int,
    rounds: int,
    stories: Sequence[Story] = LASTING,
    kept: int = KEPT,
    until: float = float("inf"),
    say: Callable[[str], object] = str,
) -> list[Weight]:
    """Return the weight after each round; ``until`` is when no other begins, in monotonic seconds."""
    clock, dice = Clock(), random.Random(seed)  # noqa: S311
    emulator = new_emulator(TOKEN, clock, seed=1)
    weights: list[Weight] = []
    async with served(bot_api(emulator)) as url, nursery() as maker:
        birth = Birth(str(place.folder), place.url, url, began=time.time())
        child = await maker.bear(replace(birth, kept=kept, settings={"retention_days": 30}))
        running = Soak(place, emulator, clock, child, count(ANA, 3))
        while len(weights) < rounds and time.monotonic() < until:
            weights.append(await running.round(dice.sample(stories, len(stories))))
            say(f"week {len(weights)}, {weights[-1]}")
        os.kill(child, signal.SIGTERM)
        assert await maker.outlive() == 0
    return weights
