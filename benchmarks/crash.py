"""What one ``kill -9`` loses of 300 queued updates: stock polling, and ours. ``python -m benchmarks.crash``.

The same emulated Telegram on loopback for both, a fresh process each time. A process is killed when
it has answered 50 updates, started again, and left until nothing more is answered. Stock is
python-telegram-bot's own Application as its documentation starts it; its handler answers after 20 ms
of work. Ours is ``run_bot.py``, with its database, guard, audit log and the pace Telegram allows. What
was being sent at the kill, to different chats, may be repeated: its answers were lost with the process.
"""

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import psutil

from web.emulator import Emulator, bot_api, new_emulator, person, served

ROOT = Path(__file__).parents[1]
TOKEN = "7000000001:" + "t" * 35
KEYS = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
UPDATES = 300
KILLED_AT = 50
QUIET_SECONDS = 3.0
PATIENCE_SECONDS = 10.0
"""Stock may have nothing left to answer after the kill."""

STOCK = """
import asyncio, sys
from telegram import Update
from telegram.ext import Application, MessageHandler, filters

async def answer(update, context):
    await asyncio.sleep(0.02)
    await update.message.reply_text("ok")

token, api, at_once = sys.argv[1:]
made = Application.builder().token(token).base_url(api + "/bot")
app = made.concurrent_updates(int(at_once)).build()
app.add_handler(MessageHandler(filters.ALL, answer))
app.run_polling(allowed_updates=Update.ALL_TYPES)
"""


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a benchmark reads the clock


@dataclass(frozen=True, slots=True)
class Loss:
    """What became of the queued updates of one run."""

    lost: int
    repeated: int
    to_first_answer: float
    """Seconds from the start after the kill to the first answer."""

    cpu: float
    """Seconds of CPU that took: what it would take on a machine with nothing else to do."""


def stock(api: str, at_once: int) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-c", STOCK, TOKEN, api, str(at_once)], dict(os.environ)


def ours(
    api: str, folder: str, database_url: str | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return how our process is started; Telegram's pace for all chats together stays on."""
    settings = {
        "TOKEN": TOKEN,
        "TELEGRAM_API": api,
        "DATA_DIR": folder,
        "KEYS": KEYS,
        "PORT": "0",
        "APPROVAL": "open",
        "POLL_SECONDS": "1",
        **({"DATABASE_URL": database_url} if database_url else {}),
    }
    kept = {name: value for name, value in os.environ.items() if "CURBSIDE" not in name}
    added = {f"CURBSIDE_{name}": value for name, value in settings.items()}
    return [sys.executable, "run_bot.py", "run"], kept | added


def answered(emulator: Emulator) -> int:
    return len(emulator.sent("sendMessage"))


async def started(command: tuple[list[str], dict[str, str]]) -> asyncio.subprocess.Process:
    words, environment = command
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *words, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet
    )


async def until_quiet(emulator: Emulator) -> None:
    """Wait until nothing has been answered for some seconds, and nothing waits."""
    last, since = answered(emulator), perf_counter()
    while emulator.updates.waiting or perf_counter() - since < QUIET_SECONDS:
        await asyncio.sleep(0.05)
        if answered(emulator) != last:
            last, since = answered(emulator), perf_counter()


async def loss(command: tuple[list[str], dict[str, str]], emulator: Emulator) -> Loss:
    """Start the bot, kill it when it has answered some, start it again, and count."""
    for number in range(UPDATES):
        person(emulator, 1000 + number, "P").says("/whoami")
    process = await started(command)
    while answered(emulator) < KILLED_AT:  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(0.002)
    process.kill()
    await process.wait()
    before, began = answered(emulator), perf_counter()
    process = await started(command)
    while answered(emulator) == before and perf_counter() - began < PATIENCE_SECONDS:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    to_first, used = perf_counter() - began, psutil.Process(process.pid).cpu_times()
    await until_quiet(emulator)
    process.terminate()
    await process.wait()
    told = {params["chat_id"] for params in emulator.sent("sendMessage")}
    repeated = answered(emulator) - len(told)
    return Loss(UPDATES - len(told), repeated, to_first, used.user + used.system)


async def stock_loss(at_once: int) -> Loss:
    emulator = new_emulator(TOKEN, now, seed=1)
    async with served(bot_api(emulator)) as api:
        return await loss(stock(api, at_once), emulator)


async def our_loss(database_url: str | None = None) -> Loss:
    emulator = new_emulator(TOKEN, now, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        async with served(bot_api(emulator)) as api:
            return await loss(ours(api, folder, database_url), emulator)


def main() -> None:
    print(f"one kill -9 after {KILLED_AT} of {UPDATES} queued updates were answered")
    for at_once in (1, 16, 256):
        found = asyncio.run(stock_loss(at_once))
        print(f"stock, {at_once:3} at once     lost {found.lost:4}   repeated {found.repeated:3}")
    found = asyncio.run(our_loss())
    print(
        f"ours                   lost {found.lost:4}   repeated {found.repeated:3}"
        f"   first answer {found.to_first_answer:.1f} s after the start ({found.cpu:.1f} s of CPU)"
    )


if __name__ == "__main__":
    main()
