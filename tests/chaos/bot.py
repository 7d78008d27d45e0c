"""A bot that dies at a numbered point, and the nursery that bears one in a few milliseconds.

Points come in three lanes, each counted from 1: ``chat``, before a transaction of a chat begins and
after it is durable, before a call of the Bot API leaves and after it was answered; ``house``, around
the transactions that belong to no chat (reminders, sealing, tidying, letting go of old leases);
``commit``, when all of a transaction has run and only COMMIT is missing.

Run as ``python -m tests.chaos.bot``: a process that has imported everything once and forks a bot for
each line it reads, a ``Birth`` in JSON. It prints the process id of each bot, then its exit code.
"""

import asyncio
import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import event
from starlette.applications import Starlette

from bot import buckets, outbox, routes, service, watch
from bot.hygiene import configure_logging
from bot.inbox import Limits
from bot.service import Scenarios, Service
from bot.settings import Settings
from bot.transport import Telegram
from bot.turn import Turn
from storage.database import Database, open_database
from storage.keys import Keyring
from storage.limits import MOST_KEPT
from storage.transaction import T, Unit
from tests.bot.conftest import FAST, TOKEN, UNLIMITED
from tests.chaos.ports import listening_on
from web.webhook import webhook_route

ROOT = Path(__file__).parents[2]
NEVER = ""
PASSED = "passed.json"
"""Where a bot that stopped in order writes how many points of each lane it passed."""

WEIGHED = "weighed.json"
"""Where a bot writes after each week how many objects it holds."""

SECRET = "s" * 40
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Birth:
    """What a bot is born with. ``point`` is a lane and a number such as ``chat:5``."""

    folder: str
    database: str
    api: str
    point: str = NEVER
    began: float = 0.0
    """When the clock stood at ``START``, in seconds since 1970: bots of one test share a clock."""
    ahead: float = 0.0
    """Seconds that the clock is ahead of that."""
    port: int = 0
    """Where it takes updates as a webhook, a port that is kept for it; 0 for polling."""
    hook: str = ""
    """The address that Telegram delivers to: that of whoever balances the replicas."""
    lease: float = 30.0
    """Seconds that a replica holds a message it sends."""
    file_bytes: int = 0
    """The largest file that the kernel lets it write; 0 for any."""
    deadly: str = ""
    """What ``/frob`` does to the process, a name of ``DEADLY``; nothing by default."""
    hung_seconds: float = watch.HUNG_SECONDS
    quiet_seconds: float = Limits().quiet_seconds
    kept: int = MOST_KEPT
    """Entries that each memory of the bot may hold: keys, how fast people and chats are."""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


class Fate:
    """Counts the points passed and ends the process at one of them, as the kernel would."""

    def __init__(self, point: str) -> None:
        lane, _, number = point.partition(":")
        self._death = (lane, int(number or 0))
        self.passed: Counter[str] = Counter()

    def passes(self, lane: str) -> None:
        self.passed[lane] += 1
        if (lane, self.passed[lane]) == self._death:
            os.kill(os.getpid(), signal.SIGKILL)


def _killed(_turn: Turn, _words: str) -> None:
    """End as a process ends that has taken all memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def _crashed(_turn: Turn, _words: str) -> None:
    """End as by a mistake in a library written in C: in this thread, which goes no step further."""
    signal.raise_signal(signal.SIGSEGV)


def _hangs(_turn: Turn, _words: str) -> None:
    time.sleep(3600)


DEADLY: Mapping[str, Callable[[Turn, str], None]] = {
    "killed": _killed,
    "crashed": _crashed,
    "hangs": _hangs,
}


class MortalTelegram(Telegram):
    """The Bot API, with a point before each call leaves and one after it was answered."""

    fate: Fate

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        counted = method.startswith(("send", "edit", "delete", "answer"))
        if counted:
            self.fate.passes("chat")
        result = await super().call(method, params)
        if counted:
            self.fate.passes("chat")
        return result


def mortal(database: Database, fate: Fate) -> None:
    """Put a point before each transaction begins, before it is durable, and after it is."""
    write: Callable[..., Awaitable[Any]] = database.write

    async def dying(unit: Unit[T], *, chat: int | None = None) -> Any:
        lane = "house" if chat is None else "chat"
        fate.passes(lane)
        outcome = await write(unit, chat=chat)
        fate.passes(lane)
        return outcome

    database.write = dying  # type: ignore[method-assign]
    event.listen(database.engines[0], "commit", lambda _connection: fate.passes("commit"))


def settings_of(birth: Birth) -> Settings:
    given: dict[str, Any] = {**UNLIMITED, "approval": "open", **birth.settings}
    if birth.port:
        given |= {"token": TOKEN, "webhook": True, "webhook_secret": SECRET}
        given |= {"public_url": birth.hook}
    return Settings(data_dir=Path(birth.folder), poll_seconds=1, **given)


@dataclass(slots=True)
class Going:
    """A clock that goes on over deaths and is the same for every replica; it may be moved on."""

    birth: Birth
    moved: timedelta = timedelta()

    def __call__(self) -> datetime:
        seconds = time.time() - self.birth.began + self.birth.ahead
        return START + timedelta(seconds=seconds) + self.moved


async def serve(birth: Birth) -> None:
    fate, stop = Fate(birth.point), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    keys = Keyring.of_file(Path(birth.folder) / "keys")
    keys._cache_size = birth.kept
    clock = Going(birth)
    database = open_database(birth.database, keys, clock)
    mortal(database, fate)
    watching = asyncio.create_task(watch.watch(database.unit_seconds))
    async with MortalTelegram(TOKEN, birth.api, poll_seconds=1) as telegram:
        telegram.fate = fate
        bot = Service(settings_of(birth), database, telegram, pace=FAST)
        bot.intake.limits = Limits(quiet_seconds=birth.quiet_seconds)
        bot.handler._tempo._asked.most = bot.handler._tempo._told.most = birth.kept
        _weekly(bot, clock, Path(birth.folder) / WEIGHED)
        async with _hooked(bot, birth):
            await bot.run(stop)
    await database.close()
    watching.cancel()
    (Path(birth.folder) / PASSED).write_text(json.dumps(fate.passed))


def _weekly(bot: Service, clock: Going, into: Path) -> None:
    """Let a week pass at each SIGUSR1: all that waits for time is done, then all objects are counted."""
    weeks: list[asyncio.Task[None]] = []

    async def passes() -> None:
        clock.moved += timedelta(days=7)
        for act in (bot.clock_moved, bot.tidy, bot.count):
            await act()
        gc.collect()
        weighed = {"week": len(weeks), "objects": len(gc.get_objects())}
        part = into.with_suffix(".part")
        part.write_text(json.dumps(weighed))
        part.replace(into)

    def asked() -> None:
        weeks.append(asyncio.create_task(passes()))

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked)


@contextlib.asynccontextmanager
async def _hooked(bot: Service, birth: Birth) -> AsyncIterator[None]:
    """Serve the webhook, where there is a port for it."""
    if not birth.port:
        yield
        return
    app = Starlette(routes=[webhook_route(SECRET, bot.intake)])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
    pages = asyncio.create_task(server.serve(sockets=[listening_on(birth.port)]))
    try:
        yield
    finally:
        server.should_exit = True
        await pages


def _live(birth: Birth) -> None:
    outbox.LEASE = timedelta(seconds=birth.lease)
    buckets.KEPT_CHATS = birth.kept
    watch.HUNG_SECONDS = birth.hung_seconds
    watch.LOOK_SECONDS = min(watch.LOOK_SECONDS, birth.hung_seconds / 4)
    if birth.deadly:
        routes.COMMANDS["frob"] = DEADLY[birth.deadly]
    if birth.file_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (birth.file_bytes, hard))
    asyncio.run(serve(birth))


def _load_once() -> None:
    """Load the scenario in the parent: each bot is born with it."""
    ready = Scenarios(Settings().scenario)
    service.Scenarios = lambda _name: ready  # type: ignore[misc,assignment]


def main() -> None:
    configure_logging("error", "json", sys.stderr)
    _load_once()
    print("ready", flush=True)
    for line in sys.stdin:
        birth = Birth(**json.loads(line))
        child = os.fork()
        if child == 0:
            _live(birth)
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


# --- on the test's side ---------------------------------------------------------------------------


@dataclass(slots=True)
class Nursery:
    """A process that makes bots, one at a time."""

    process: asyncio.subprocess.Process

    async def bear(self, birth: Birth) -> int:
        """Start a bot and return its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(birth.line)
        await self.process.stdin.drain()
        return int(await self._line())

    async def outlive(self) -> int:
        """Return the exit code of the bot, once it has ended."""
        return int(await self._line())

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()


@contextlib.asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """A nursery that lives while the block does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.bot",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    made = Nursery(process)
    try:
        assert await made._line() == b"ready\n"
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    main()
