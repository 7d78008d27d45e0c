"""Several real processes on one PostgreSQL, behind a load balancer, with the emulated Telegram."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.bot.conftest import TOKEN
from web.emulator import Emulator, Message, Person, bot_api, served

ROOT = Path(__file__).parents[2]
KEYS = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
SECRET = "w" * 32
PUBLIC = "https://127.0.0.1"
PATIENCE = 30.0


@dataclass
class Replica:
    """One process of `run_bot.py run`; ``port`` is where its pages are."""

    environment: dict[str, str]
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    said: bytes = b""

    async def start(self) -> None:
        """Start it and return when it says that it runs."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "run_bot.py",
            "run",
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        said = b""
        while b"is running" not in said:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
            assert line, said.decode()
            said += line
        found = re.search(rb"http://127\.0\.0\.1:(\d+)/", said)
        assert found
        self.port = int(found[1])

    async def ends(self) -> int:
        """Return the exit code, once it has ended; what it said is kept."""
        assert self.process is not None
        out, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        self.said, self.port = out, 0
        return self.process.returncode or 0

    async def stop(self) -> int:
        """Ask it to stop and return the exit code."""
        assert self.process is not None
        self.process.terminate()
        return await self.ends()

    async def kill(self) -> int:
        assert self.process is not None
        self.process.kill()
        return await self.ends()

    async def health(self) -> dict[str, Any]:
        """Return what `/readyz` says of the bot."""
        async with aiohttp.ClientSession() as session:
            answer = await session.get(f"http://127.0.0.1:{self.port}/readyz")
            return dict((await answer.json())["bot"])


@dataclass
class Balancer:
    """Passes each connection on to the next replica that takes it, as a proxy in front would."""

    replicas: Sequence[Replica]
    turn: int = 0
    taken: set[int] = field(default_factory=set)
    """Which of the replicas connections went to."""

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in self.replicas:
            self.turn += 1
            one = self.turn % len(self.replicas)
            with suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", self.replicas[one].port)
                self.taken.add(one)
                await asyncio.gather(copied(reader, there[1]), copied(there[0], writer))
                return
        writer.close()


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either side ends, then end the other."""
    with suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def replicas(
    emulator: Emulator, database_url: str, folder: Path, count: int, *, webhook: bool
) -> AsyncIterator[tuple[list[Replica], Balancer]]:
    """So many replicas on one database; whatever still runs at the end is killed."""
    async with served(bot_api(emulator)) as api:
        environment = {
            **{name: value for name, value in os.environ.items() if "CURBSIDE" not in name},
            "CURBSIDE_TOKEN": TOKEN,
            "CURBSIDE_TELEGRAM_API": api,
            "CURBSIDE_DATABASE_URL": database_url,
            "CURBSIDE_DATA_DIR": str(folder),
            "CURBSIDE_KEYS": KEYS,
            "CURBSIDE_PORT": "0",
            "CURBSIDE_APPROVAL": "open",
            "CURBSIDE_BURST": "1000000",
            "CURBSIDE_CASES_A_DAY": "1000000",
            "CURBSIDE_POLL_SECONDS": "5",
            "CURBSIDE_LOG_FORMAT": "json",
        }
        if webhook:
            environment |= {
                "CURBSIDE_WEBHOOK": "true",
                "CURBSIDE_WEBHOOK_SECRET": SECRET,
                "CURBSIDE_PUBLIC_URL": PUBLIC,
            }
        made = [Replica(environment) for _ in range(count)]
        balancer = Balancer(made)
        front = await asyncio.start_server(balancer.pass_on, "127.0.0.1", 0)
        emulator.leads_to[PUBLIC] = f"http://127.0.0.1:{front.sockets[0].getsockname()[1]}"
        try:
            await asyncio.gather(*(each.start() for each in made))
            yield made, balancer
        finally:
            for each in made:
                if each.process is not None and each.process.returncode is None:
                    await each.kill()
            front.close()


async def shows(me: Person, label: str) -> Message:
    """Return the newest screen once it has this button; what brings it happens in another process."""
    async with asyncio.timeout(PATIENCE):
        while (screen := me.screen_or_none) is None or not screen.has(label):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return screen


async def taps(me: Person, label: str) -> None:
    """Tap a button once it is there, and wait until the screen has changed."""
    screen = await shows(me, label)
    before = seen(screen)
    me.taps(label)
    async with asyncio.timeout(PATIENCE):
        # It changes in another process; between two screens there may be none.
        while (now := me.screen_or_none) is None or seen(now) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def seen(message: Message) -> tuple[int, str, object]:
    return message.id, message.text, message.rows
