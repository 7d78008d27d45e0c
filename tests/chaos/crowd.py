"""Several people at once, faster than anybody taps, while bots are killed at random.

Each person changes one answer again and again, from one option to the next. So the history of the
answer tells everything: a lost, repeated or overtaken update breaks the chain of old and new.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Any

import aiohttp
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage.schema import answer_change, consult, person
from storage.transaction import Tx
from tests.bot.conftest import TOKEN, Clock
from tests.chaos.bot import Birth, Nursery, nursery
from tests.chaos.lives import SHORT_LEASE, Place, all_sent
from tests.chaos.ports import kept_port
from tests.chaos.stories import GLANCE, NAMES, Scene, tap
from tests.chaos.traces import Trace, known, trace
from web.emulator import Emulator, Person, bot_api, new_emulator, served
from web.emulator import person as person_of
from web.emulator.faults import KINDS, LOSING

OPTIONS = ("otp", "obot", "inpt", "corr")
AT_ONCE = 8
"""Updates of one person that may wait at a time."""

ASIDE = 5
"""After so many changes there is a command, which is answered by a message."""

PUBLIC = "https://127.0.0.1"
LONGEST_LIFE = 0.8
"""Seconds after its birth at which a bot is killed from outside, at most."""

LEASE = 30.0
"""Seconds that a message is held where nobody is killed: longer than a server takes to come back."""

MOST_POINTS = 120
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to the bots, and for how long."""

    updates: int
    kills: int = 0
    people: int = 10
    replicas: int = 1
    webhook: bool = False
    faults: float = 0.0
    """The share of calls that meets each kind of fault."""
    restarts: int = 0
    """Immediate restarts of the database server."""


@dataclass(frozen=True, slots=True)
class Came:
    """What it came to."""

    plan: Plan
    updates: int
    kills: int
    dropped: int
    """Calls that send something whose answer was lost."""
    strays: int
    """Messages that are in a chat a second time."""
    broken: list[str]
    """People whose history is not the one that they tapped."""
    trace: Trace
    seconds: float

    @property
    def wrongs(self) -> list[str]:
        """Return everything that must not be."""
        found = {
            "histories": self.broken,
            "updates lost": self.updates - self.trace.taken_in,
            "unsent": self.trace.unsent,
            "put away": self.trace.buried,
            "out of order": not self.trace.order_kept,
            "the log is broken": not self.trace.log_whole,
            "sent too often": max(0, self.strays - self.kills - self.dropped),
            "given up": max(0, self.trace.given_up - self.dropped),
        }
        return [f"{name}: {what}" for name, what in found.items() if what]


@dataclass(slots=True)
class Crowd:
    """Everybody's phones, and what each has tapped so far."""

    emulator: Emulator
    people: list[Person]
    changes: Counter[int] = field(default_factory=Counter)
    asides: int = 0

    @property
    def updates(self) -> int:
        return 2 * self.changes.total() + self.asides

    async def acts(self, enough: Callable[[], bool]) -> None:
        """Let everybody tap until it is enough, then wait until all of it is taken in."""
        async with asyncio.TaskGroup() as group:
            for who in self.people:
                group.create_task(self._taps(who, enough))
        async with asyncio.timeout(PATIENCE):
            while self.emulator.updates.waiting:  # noqa: ASYNC110 - other processes handle them
                await asyncio.sleep(GLANCE)

    async def _taps(self, who: Person, enough: Callable[[], bool]) -> None:
        case = _case_of(who)
        for option in cycle(OPTIONS):
            if enough():
                return
            while self._waiting(who) >= AT_ONCE:  # noqa: ASYNC110 - other processes handle them
                await asyncio.sleep(GLANCE)
            who.forges(f"1|o|{case}|setting|p|", who.screen)
            who.forges(f"1|a|{case}|setting|{option}|", who.screen)
            self.changes[who.user.id] += 1
            if self.changes[who.user.id] % ASIDE == 0:
                who.says("/whoami")
                self.asides += 1
            await asyncio.sleep(0)

    def _waiting(self, who: Person) -> int:
        queues = (f"callback {who.user.id}", f"message {who.chat.id}")
        return sum(u.queue in queues for u in list(self.emulator.updates.waiting.values()))

    def expected(self, who: Person) -> list[tuple[str | None, str]]:
        """Return (old, new) of each change, as the history of the answer has to be."""
        news = list(islice(cycle(OPTIONS), self.changes[who.user.id]))
        return list(zip([None, *news], news, strict=False))


def _case_of(who: Person) -> str:
    return next(
        data.split("|")[2]
        for row in who.screen.rows
        for data in (str(b.get("callback_data", "")) for b in row)
        if data.startswith("1|a|")
    )


# --- before ---------------------------------------------------------------------------------------


async def gathered(place: Place, maker: Nursery, plan: Plan) -> Emulator:
    """Bring everybody to the second question of a case, in peace, and return their phones."""
    emulator = new_emulator(TOKEN, Clock(), seed=1, logged=200_000)
    emulator.webhook_pause = 0.05
    async with served(bot_api(emulator)) as url:
        birth = _birth(place, url)
        child = await maker.bear(birth)
        async with asyncio.TaskGroup() as group:
            for number in range(plan.people):
                group.create_task(_arrives(Scene(emulator, _at_once), 601 + number))
        await all_sent(place)
        os.kill(child, signal.SIGTERM)
        assert await maker.outlive() == 0
    return emulator


async def _at_once() -> None:
    """Wait for nothing."""


async def _arrives(scene: Scene, number: int) -> None:
    NAMES[number] = f"P{number}"
    me = person_of(scene.emulator, number, NAMES[number])
    me.starts()
    for step in (
        tap("agree", who=number),
        tap("role", "counselor", who=number),
        tap("new", who=number),
        tap("a", "safety_now", "none", who=number),
        tap("v", "why", "setting", who=number),
        tap("v", "home", who=number),
    ):
        await step(scene)
    await scene.button(me, "a|*|setting")


def _birth(place: Place, url: str, **more: Any) -> Birth:
    return Birth(
        folder=str(place.folder),
        database=place.url,
        api=url,
        began=time.time(),
        **more,
    )


# --- the run --------------------------------------------------------------------------------------


async def storm(
    place: Place, plan: Plan, dice: random.Random, restart: Callable[[], None] | None = None
) -> Came:
    """Let a crowd act while bots, and the server, are killed; then look at what is left."""
    async with nursery() as first, nursery() as second:
        makers = [first, second][: plan.replicas]
        emulator = await gathered(place, first, plan)
        crowd = Crowd(
            emulator, [person_of(emulator, 601 + n, f"P{601 + n}") for n in range(plan.people)]
        )
        _spoil(emulator, plan, dice)
        began = time.monotonic()
        run = _Run(plan, crowd, dice, restart)
        async with (
            served(bot_api(emulator)) as url,
            _births(place, url, plan, emulator, dice) as births,
        ):
            await run.everything(makers, births, place)
        return await _looked_at(place, crowd, run, time.monotonic() - began)


def _spoil(emulator: Emulator, plan: Plan, dice: random.Random) -> None:
    emulator.faults.reseed(dice.randrange(10**6))
    for kind in KINDS:
        if plan.faults and kind not in ("401", "403", "409"):
            emulator.faults.at_random(kind, plan.faults, seconds=0.2)


@dataclass(slots=True)
class _Run:
    plan: Plan
    crowd: Crowd
    dice: random.Random
    restart: Callable[[], None] | None
    kills: int = 0
    restarts: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def enough(self) -> bool:
        """Whether everything the plan asks for has happened."""
        plan = self.plan
        done = self.kills >= plan.kills and self.restarts >= plan.restarts
        return done and self.crowd.updates >= plan.updates

    async def everything(self, makers: list[Nursery], births: list[Birth], place: Place) -> None:
        async with asyncio.TaskGroup() as group:
            for maker, birth in zip(makers, births, strict=True):
                group.create_task(self._lives(maker, birth))
            if self.restart is not None:
                group.create_task(self._restarts(self.restart))
            await self.crowd.acts(self.enough)
            self.crowd.emulator.faults.clear()
            async with asyncio.timeout(PATIENCE):
                await all_sent(place)
            self.over.set()

    async def _lives(self, maker: Nursery, birth: Birth) -> None:
        """Bear one bot after the other, each killed at a point or at a moment, until it is over."""
        while not self.over.is_set():
            by_itself = self.kills < self.plan.kills and self.dice.random() < 0.5
            point = f"chat:{self.dice.randrange(1, MOST_POINTS)}" if by_itself else ""
            child = await maker.bear(replace(birth, point=point))
            ending = asyncio.create_task(maker.outlive())
            try:
                await self._until_death(child, ending, by_itself=by_itself)
            finally:
                _end(child, signal.SIGTERM)
                code = await ending
            assert code in (0, -signal.SIGKILL, -signal.SIGTERM, 1), f"a bot ended with {code}"
            self.kills += code == -signal.SIGKILL

    async def _until_death(
        self, child: int, ending: "asyncio.Task[int]", *, by_itself: bool
    ) -> None:
        """Wait until the bot dies at its point, is killed at a moment, or has done its part."""
        if not by_itself and self.kills < self.plan.kills:
            await asyncio.wait({ending}, timeout=self.dice.uniform(0, LONGEST_LIFE))
            _end(child, signal.SIGKILL)
        over = asyncio.create_task(self.over.wait())
        await asyncio.wait({ending, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()

    async def _restarts(self, restart: Callable[[], None]) -> None:
        while self.restarts < self.plan.restarts:
            await asyncio.sleep(self.dice.uniform(0.5, 1.5))
            await asyncio.to_thread(restart)
            self.restarts += 1


def _end(child: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, number)


@asynccontextmanager
async def _births(
    place: Place, url: str, plan: Plan, emulator: Emulator, dice: random.Random
) -> AsyncIterator[list[Birth]]:
    """Yield what each replica is born with; behind a webhook a balancer stands before them."""
    lease = SHORT_LEASE if place.has_server and plan.kills else LEASE
    if not plan.webhook:
        emulator.webhook.url = ""
        yield [_birth(place, url, lease=lease) for _ in range(plan.replicas)]
        return
    async with aiohttp.ClientSession() as session, AsyncExitStack() as held:
        ports = [held.enter_context(kept_port()) for _ in range(plan.replicas)]
        front = Front(ports, session, dice)
        app = Starlette(routes=[Route("/{path:path}", front.pass_on, methods=["POST"])])
        async with served(app) as address:
            emulator.leads_to[PUBLIC] = address
            yield [_birth(place, url, lease=lease, port=port, hook=PUBLIC) for port in ports]


@dataclass(slots=True)
class Front:
    """Passes each update on to one of the replicas, now and then to all of them at once."""

    ports: list[int]
    session: aiohttp.ClientSession
    dice: random.Random

    async def pass_on(self, request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        ports = self.ports if self.dice.random() < 0.05 else [self.dice.choice(self.ports)]
        codes = await asyncio.gather(*(self._given(port, body, headers) for port in ports))
        return Response(status_code=min(codes))

    async def _given(self, port: int, body: bytes, headers: dict[str, str]) -> int:
        secret = {n: v for n, v in headers.items() if n.startswith(("x-telegram", "content-type"))}
        address = f"http://127.0.0.1:{port}/telegram"
        try:
            async with self.session.post(address, data=body, headers=secret) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 502


# --- after ----------------------------------------------------------------------------------------


async def _looked_at(place: Place, crowd: Crowd, run: _Run, seconds: float) -> Came:
    database = place.opened()
    try:
        left, mine = await trace(database), await database.read(known)
        found = await database.read(_histories)
    finally:
        await database.close()
    there = {
        (chat.id, message.id)
        for chat in crowd.emulator.world.chats.values()
        for message in chat.history.values()
        if message.by_bot
    }
    return Came(
        plan=run.plan,
        updates=crowd.updates + len(crowd.people) * ARRIVAL,
        kills=run.kills,
        dropped=sum(
            c.fault in LOSING and c.method.startswith("send") for c in crowd.emulator.calls
        ),
        strays=len(there - mine),
        broken=[
            f"{who.user.name}: {len(found.get(who.user.id, []))} of {len(crowd.expected(who))}"
            for who in crowd.people
            if found.get(who.user.id, []) != crowd.expected(who)
        ],
        trace=left,
        seconds=seconds,
    )


ARRIVAL = 7
"""Updates of each person before it begins."""


def _histories(tx: Tx) -> dict[int, list[tuple[str | None, str]]]:
    """Return the changes of each person's answer, in the order in which they were committed."""
    query = (
        select(person.c.telegram_id, answer_change.c.old, answer_change.c.new)
        .join(consult, consult.c.id == answer_change.c.consult_id)
        .join(person, person.c.id == consult.c.owner_id)
        .where(answer_change.c.question == "setting")
        .order_by(answer_change.c.at, answer_change.c.id)
    )
    found: dict[int, list[tuple[str | None, str]]] = {}
    for who, old, new in tx.connection.execute(query):
        found.setdefault(who, []).append((_one(old), str(_one(new))))
    return found


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
