"""A bot that dies at a numbered point: before or after any transaction, before or after any call.

Run as ``python -m tests.chaos.bot``: a process that has imported everything once and forks a bot for
each line it reads: ``folder url point``. Point 0 never comes. It prints the exit code of each bot.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from bot.hygiene import configure_logging
from bot.service import Service
from bot.transport import Telegram
from storage.database import Database
from storage.transaction import T, Unit
from tests.bot.conftest import FAST, TOKEN, Clock, database_in, settings_for


class Fate:
    """Counts the points passed and ends the process at one of them, as the kernel would."""

    def __init__(self, point: int) -> None:
        self._point = point
        self._passed = count(1)

    def passes(self) -> None:
        if next(self._passed) == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


class MortalTelegram(Telegram):
    """The Bot API, with a point before each call leaves and one after it was answered."""

    fate: Fate

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        counted = method.startswith(("send", "edit", "delete", "answer"))
        if counted:
            self.fate.passes()
        result = await super().call(method, params)
        if counted:
            self.fate.passes()
        return result


def mortal(database: Database, fate: Fate) -> None:
    """Put a point before each transaction begins and one after it is durable."""
    write: Callable[..., Awaitable[Any]] = database.write

    async def dying(unit: Unit[T], *, chat: int | None = None) -> Any:
        if chat is None:
            return await write(unit)
        fate.passes()
        outcome = await write(unit, chat=chat)
        fate.passes()
        return outcome

    database.write = dying  # type: ignore[method-assign]


async def serve(folder: Path, url: str, point: int) -> None:
    fate, stop = Fate(point), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = database_in(folder, Clock())
    mortal(database, fate)
    async with MortalTelegram(TOKEN, url, poll_seconds=1) as telegram:
        telegram.fate = fate
        service = Service(settings_for(folder), database, telegram, pace=FAST)
        await service.run(stop)
    await database.close()


def main() -> None:
    configure_logging("error", "json", sys.stderr)
    for line in sys.stdin:
        folder, url, point = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(serve(Path(folder), url, int(point)))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
