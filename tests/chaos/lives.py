"""One conversation with one death in it, and what it came to."""

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy.engine import make_url

from storage.database import Database, open_database
from storage.keys import Keyring
from tests.bot.conftest import TOKEN, Clock, prepared
from tests.chaos.bot import NEVER, PASSED, Birth, Nursery, nursery
from tests.chaos.stories import GLANCE, NAMES, Scene, Step, Story
from tests.chaos.traces import Trace, known, trace
from tests.databases import PostgresServer
from web.emulator import Emulator, bot_api, new_emulator, served

UNSENT = "SELECT count(*) FROM transcript WHERE state IN ('waiting', 'sending')"

SHORT_LEASE = 1.0
"""Seconds that a message of a dead bot is held on a server, where others may be alive."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with the keys and the phones, and the database that goes with it."""

    folder: Path
    url: str

    @property
    def has_server(self) -> bool:
        return self.url.startswith("postgresql")

    def unsent(self) -> int:
        """Return how many messages wait, beside a bot that may be running or dead."""
        if self.has_server:
            plain = make_url(self.url).set(drivername="postgresql")
            with psycopg.connect(plain.render_as_string(hide_password=False)) as raw:
                row = raw.execute(UNSENT).fetchone()
                return int(row[0]) if row else 0
        with closing(sqlite3.connect(f"file:{self.folder}/curbside.db?mode=ro", uri=True)) as raw:
            return int(raw.execute(UNSENT).fetchone()[0])

    def opened(self) -> Database:
        return open_database(self.url, Keyring.of_file(self.folder / "keys"), Clock())


class Places(Protocol):
    """Where databases come from: one kind."""

    def fresh(self) -> Place: ...
    def copy(self, place: Place) -> Place: ...
    def drop(self, place: Place) -> None: ...


@dataclass
class Files:
    """Places with a SQLite file."""

    root: Path
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def fresh(self) -> Place:
        folder = self._folder()
        _put_keys(folder)
        (folder / "curbside.db").write_bytes(prepared()[1])
        return self._place(folder)

    def copy(self, place: Place) -> Place:
        folder = self._folder()
        shutil.copytree(place.folder, folder, dirs_exist_ok=True)
        return self._place(folder)

    def drop(self, place: Place) -> None:
        shutil.rmtree(place.folder)

    def _folder(self) -> Path:
        folder = self.root / str(next(self.numbers))
        folder.mkdir()
        return folder

    def _place(self, folder: Path) -> Place:
        return Place(folder, f"sqlite:///{folder}/curbside.db")


@dataclass
class Servers(Files):
    """Places with a database of a PostgreSQL server."""

    server: PostgresServer = field(kw_only=True)

    def fresh(self) -> Place:
        folder = self._folder()
        _put_keys(folder)
        return Place(folder, self.server.database())

    def copy(self, place: Place) -> Place:
        folder = self._folder()
        shutil.copytree(place.folder, folder, dirs_exist_ok=True)
        return Place(folder, self.server.copy(place.url))

    def drop(self, place: Place) -> None:
        shutil.rmtree(place.folder)
        self.server.drop(place.url)


def _put_keys(folder: Path) -> None:
    (folder / "keys").write_bytes(prepared()[0])
    (folder / "keys").chmod(0o600)


@dataclass(frozen=True, slots=True)
class Life:
    """What one conversation with one death came to."""

    died: bool
    trace: Trace
    strays: Counter[int]
    """By chat: messages that the bot does not know it sent. Each is there a second time."""
    shown: Mapping[int, str]
    """The words of each person's newest screen, without the code of the case."""
    passed: Mapping[str, int]
    """Points of each lane that were passed, of a life without a death."""


@dataclass(slots=True)
class Stage:
    """Stories on one kind of database, with nurseries that are shared by the lives on it."""

    places: Places
    idle: "asyncio.Queue[Nursery]"
    _ready: dict[str, Place] = field(default_factory=dict)
    """By story: its place as it is before the first step."""
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def live(self, story: Story, point: str = NEVER) -> Life:
        """Hold the conversation of a story with a bot that dies at ``point`` and its successor."""
        before = await self._prepared(story)
        place = await asyncio.to_thread(self.places.copy, before)  # other phones go on meanwhile
        maker = await self.idle.get()
        try:
            return await _lived(maker, place, story, point)
        finally:
            self.idle.put_nowait(maker)
            await asyncio.to_thread(self.places.drop, place)

    async def _prepared(self, story: Story) -> Place:
        async with self._making:
            if story.name not in self._ready:
                self._ready[story.name] = await self._before(story)
        return self._ready[story.name]

    async def _before(self, story: Story) -> Place:
        place = await asyncio.to_thread(self.places.fresh)
        if story.before:
            first = replace(story, steps=story.before, days_later=0.0)
            maker = await self.idle.get()
            try:
                await _lived(maker, place, first, NEVER)
            finally:
                self.idle.put_nowait(maker)
        return place


@asynccontextmanager
async def stage(places: Places, at_once: int = 2) -> AsyncIterator[Stage]:
    """A stage on which so many lives can be led at the same time."""
    idle: asyncio.Queue[Nursery] = asyncio.Queue()
    async with nursery() as one, nursery() as other:
        for maker in (one, other)[:at_once]:
            idle.put_nowait(maker)
        yield Stage(places, idle)


async def _lived(maker: Nursery, place: Place, story: Story, point: str) -> Life:
    emulator = new_emulator(TOKEN, Clock(), path=place.folder / "phone.db", seed=1)
    birth = Birth(
        folder=str(place.folder),
        database=place.url,
        api="",
        point=point,
        lease=SHORT_LEASE if place.has_server else 30.0,
        began=time.time(),
        ahead=story.days_later * 86_400,
        settings=story.settings,
    )
    async with served(bot_api(emulator)) as url:
        scene = Scene(emulator, lambda: all_sent(place))
        walking = asyncio.create_task(walk(scene, story.steps))
        died = await _until(walking, maker, replace(birth, api=url))
        if died:
            ended = asyncio.gather(walking, all_sent(place))
            await _until(ended, maker, replace(birth, api=url, point=NEVER))
    life = await _seen(place, emulator, story, died=died)
    emulator.close()
    return life


async def walk(scene: Scene, steps: Sequence[Step]) -> None:
    """Make one step after the other, and wait until the last one is answered in full."""
    for step in steps:
        await step(scene)
    await scene.quiet()


async def all_sent(place: Place) -> None:
    """Return when nothing is left to be sent."""
    while True:
        with suppress(sqlite3.OperationalError, psycopg.OperationalError):
            if not place.unsent():
                return
        await asyncio.sleep(GLANCE)


async def _until(done: Awaitable[Any], maker: Nursery, birth: Birth) -> bool:
    """Keep a bot until ``done``, then ask it to stop; return whether it was killed before."""
    child = await maker.bear(birth)
    ending, work = asyncio.create_task(maker.outlive()), asyncio.ensure_future(done)
    try:
        await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        code = await ending
    if work.done():
        work.result()
    assert code in (0, -signal.SIGKILL, -signal.SIGTERM), f"a bot ended with {code}"
    return code == -signal.SIGKILL


async def _seen(place: Place, emulator: Emulator, story: Story, *, died: bool) -> Life:
    database = place.opened()
    try:
        left = await trace(database)
        mine = await database.read(known)
    finally:
        await database.close()
    there = {
        (chat.id, message.id)
        for chat in emulator.world.chats.values()
        for message in chat.history.values()
        if message.by_bot
    }
    strays = Counter(chat for chat, _ in there - mine if not story.forgets)
    passed = place.folder / PASSED
    return Life(
        died,
        left,
        strays,
        _shown(emulator),
        json.loads(passed.read_text()) if passed.exists() else {},
    )


def _shown(emulator: Emulator) -> dict[int, str]:
    """Return what each person's newest screen offers: its buttons without cases and ids."""
    found = {}
    for number in NAMES:
        chat = emulator.world.chats.get(number)
        screens = [m for m in chat.messages if m.by_bot and m.rows] if chat else []
        verbs = (
            [str(b.get("callback_data", "")) for row in screens[-1].rows for b in row]
            if screens
            else []
        )
        found[number] = " ".join(data.split("|")[1] for data in verbs if "|" in data)
    return found


def wrongs(life: Life, quiet: Life) -> list[str]:
    """Return what a life with a death has that the same conversation without one has not."""
    left, right = life.trace, quiet.trace
    found = {
        "an effect is missing": sorted((right.effects - left.effects).elements()),
        "an effect came twice": sorted((left.effects - right.effects).elements()),
        "updates lost": right.taken_in - left.taken_in,
        "unsent": left.unsent,
        "put away": left.buried,
        "given up": left.given_up - right.given_up,
        "out of order": not left.order_kept,
        "the log is broken": not left.log_whole,
        "sent more often than once a kill and chat": {
            chat: count for chat, count in life.strays.items() if count > life.died
        },
        "tidied more often than at each start": max(0, left.tidied - right.tidied - life.died),
        "another screen stands": {n: s for n, s in life.shown.items() if s != quiet.shown[n]},
    }
    return [f"{name}: {what}" for name, what in found.items() if what]


@dataclass(frozen=True, slots=True)
class Moment:
    """One point of one story."""

    story: Story
    point: str

    def __str__(self) -> str:
        return f"{self.story.name!r} at {self.point}"


def moments(quiet: Mapping[str, Life], stories: Sequence[Story]) -> list[Moment]:
    """Return every point that the stories passed when nobody died."""
    return [
        Moment(story, f"{lane}:{number}")
        for story in stories
        for lane, passed in sorted(quiet[story.name].passed.items())
        for number in range(1, passed + 1)
    ]


def chosen(every: Sequence[Moment], wanted: int, dice: random.Random) -> list[Moment]:
    """Return so many moments: some of each story and lane, drawn by ``dice``."""
    shuffled = dice.sample(every, len(every))
    firsts = {(m.story.name, m.point.partition(":")[0]): m for m in shuffled}
    rest = [m for m in shuffled if m not in firsts.values()]
    return [*firsts.values(), *rest][:wanted]


async def quiet_lives(on: Stage, stories: Sequence[Story]) -> dict[str, Life]:
    """Return each story as it goes when nobody dies."""
    lives = await asyncio.gather(*(on.live(story) for story in stories))
    return {story.name: life for story, life in zip(stories, lives, strict=True)}
