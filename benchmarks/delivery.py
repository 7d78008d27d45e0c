"""How fast updates come in and messages go out, by this machine's own measure.

The sink answers every call at once, over HTTP on loopback: what is measured is ours. Limits of
Telegram are switched off; with them on it is Telegram's 30 a second that decides.
"""

import asyncio
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import inbox
from bot.buckets import Pace
from bot.inbox import Intake
from bot.outbox import Outbox
from bot.translate import translate
from bot.transport import Telegram
from storage import transcript
from storage.database import Database, open_database
from storage.keys import Keyring, create_key_file
from storage.limits import Rate
from storage.transcript import Outgoing
from web.emulator import served

TOKEN = "7000000001:" + "t" * 35
MESSAGES = 600
UPDATES = 2_000
UNLIMITED = Rate(1e9, 1e9)
ANSWER = b'{"ok":true,"result":{"message_id":7}}'


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a benchmark reads the clock


@asynccontextmanager
async def sink() -> AsyncIterator[str]:
    """A Bot API that takes everything."""

    async def take(request: Request) -> Response:
        await request.body()
        return Response(ANSWER, media_type="application/json")

    async with served(Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])) as url:
        yield url


@asynccontextmanager
async def database() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        create_key_file(Path(folder) / "keys")
        keys = Keyring.of_file(Path(folder) / "keys")
        opened = open_database(f"sqlite:///{folder}/curbside.db", keys, now)
        yield opened
        await opened.close()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def sending(chats: int) -> tuple[float, float]:
    """Return (messages a second, CPU milliseconds a message) from the commit to the commit."""
    async with sink() as url, database() as opened, Telegram(TOKEN, url) as telegram:
        box = Outbox(opened, telegram, pace=Pace(UNLIMITED, UNLIMITED, UNLIMITED))
        params = {"text": "x" * 400, "parse_mode": "HTML"}
        await opened.write(
            lambda tx: [
                transcript.enqueue(
                    tx, Outgoing(chat_id=1 + n % chats, method="sendMessage", params=params)
                )
                for n in range(MESSAGES)
            ]
        )
        began, used = time.perf_counter(), cpu()
        await asyncio.gather(*(box.deliver(1 + chat) for chat in range(chats)))
        spent, used = time.perf_counter() - began, cpu() - used
        assert box.mark.sent == MESSAGES
    return MESSAGES / spent, used / MESSAGES * 1000


async def taking_in() -> float:
    """Return updates a second through the inbox, when handling one takes no time."""
    batches = [[update(n) for n in range(at, at + 100)] for at in range(1, UPDATES, 100)]
    stop = asyncio.Event()

    class Source:
        async def get_updates(self, *, offset: int, seconds: int) -> list[Any]:
            if not batches:
                stop.set()
                return []
            return batches.pop(0)

    async def nothing(raw: dict[str, Any]) -> None:
        pass

    async def bury(raw: Any, *, update_id: int | None, reason: str, attempts: int) -> None:
        raise AssertionError(reason)

    began = time.perf_counter()
    await inbox.run(Source(), Intake(nothing, bury), stop=stop, poll_seconds=0)
    return UPDATES / (time.perf_counter() - began)


def update(number: int) -> dict[str, Any]:
    ana = {"id": 500 + number % 50, "is_bot": False, "first_name": "Ana", "language_code": "en"}
    chat = {"id": ana["id"], "type": "private", "first_name": "Ana"}
    message = {"message_id": number, "from": ana, "chat": chat, "date": 1795446000, "text": "10 mg"}
    return {"update_id": number, "message": message}


def translating_us() -> float:
    """Return the microseconds of reading one message."""
    raw, times = update(7), 20_000
    began = time.perf_counter()
    for _ in range(times):
        translate(raw)
    return (time.perf_counter() - began) / times * 1e6


def main() -> None:
    print(f"translate, us                    {translating_us():10.1f}")
    print(f"inbox, updates/s                 {asyncio.run(taking_in()):10.0f}")
    for chats in (1, 32):
        rate, used = asyncio.run(sending(chats))
        print(f"outbox, {chats:2} chats, messages/s    {rate:10.0f}   CPU {used:.2f} ms each")


if __name__ == "__main__":
    main()
