"""The figures that the documents name, measured here and printed as one table.

``python -m benchmarks [part ...]``: without a part the quick ones; parts are the modules beside this one.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import psutil

from benchmarks import crash, service
from bot.outbox import AT_ONCE
from dialogs.content import load_scenario
from dialogs.depends import depends_map
from dialogs.evaluation import evaluate
from tests.bot.conftest import talking
from tests.bot.walks import FOUNDING
from tests.e2e.conftest import Process

OV01 = next(
    case
    for case in json.loads(
        (Path(__file__).parents[1] / "tests/dialogs/data/reference.json").read_text()
    )["open_vignettes"]
    if case["id"] == "OV01"
)


def per_call_ms(act: Callable[[], object], times: int) -> float:
    """Return the median milliseconds of one call."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


async def tap_to_reply_ms() -> float:
    """Return the median milliseconds from a tap to the edited screen, through HTTP and the disk.

    The clock stops when the emulator tells of the change: waking the one who waits is not the bot's.
    """
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with talking(Path(folder)) as conversation:
            conversation.me.starts()
            await conversation.settles()
            await conversation.taps("I am a clinician", "Counselor")
            for _ in range(8):
                for label in FOUNDING[:-1]:
                    await _tap(conversation, label, spent)
                await conversation.taps("Show the summary", "All", "‹ Summary")
                await conversation.says("/new")
                await conversation.taps("‹ Back")
                conversation.me.says("/start")
                await conversation.settles()
    return statistics.median(spent)


async def _tap(conversation, label: str, spent: list[float]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    me, screen = conversation.me, conversation.me.screen
    before = (screen.text, screen.rows)
    changed: list[float] = []

    def heard(_event: object) -> None:
        if not changed and (me.screen.text, me.screen.rows) != before:
            changed.append(time.perf_counter())

    listeners = conversation.emulator.world.listeners
    listeners.append(heard)
    began = time.perf_counter()
    me.taps(label)
    await conversation.emulator.until(lambda: changed)
    spent.append((changed[0] - began) * 1000)
    listeners.remove(heard)
    await conversation.settles()


def start_and_memory() -> tuple[float, float]:
    """Return (seconds of the second start until the page is served, resident MiB a second later)."""
    with tempfile.TemporaryDirectory() as folder:
        process = Process(Path(folder))
        process.start()
        process.stop()
        seconds = process.start()
        assert process.running is not None
        time.sleep(1)
        memory = psutil.Process(process.running.pid).memory_info().rss / 2**20
        process.stop()
    return seconds, memory


Row: TypeAlias = tuple[str, float, float | None]
"""A name, what was measured, and at most what it should be, if anything."""


def delivery_rows() -> list[Row]:
    """Return throughput on both databases, and what a kill costs, beside the stock approach."""
    rows: list[Row] = []
    with service.urls() as urls:
        for name, url in urls.items():
            rate, used = asyncio.run(service.updates_a_second(url))
            rows.append((f"updates/s answered, {name}", rate, None))
            rows.append((f"CPU an update, {name}, ms", used, 3 if name == "SQLite" else 8))
    ours = asyncio.run(crash.our_loss())
    rows.append((f"lost of {crash.UPDATES} at a kill -9", ours.lost, 0))
    rows.append(("repeated, marked, at that", ours.repeated, AT_ONCE))
    rows.append(("first answer after it, s", ours.to_first_answer, 2))
    rows.append(("CPU of that, s", ours.cpu, None))
    for at_once in (1, 256):
        stock = asyncio.run(crash.stock_loss(at_once))
        rows.append((f"lost by stock polling, {at_once} at once", stock.lost, None))
    return rows


def main() -> int:
    scenario, answers = load_scenario(), OV01["answers"]
    rows: list[Row] = [
        ("one evaluate, ms", per_call_ms(lambda: evaluate(answers, scenario), 2000), 0.5),
        ("it-depends map, ms", per_call_ms(lambda: depends_map(answers, scenario), 50), 30),
        ("tap to reply, median ms", asyncio.run(tap_to_reply_ms()), 5),
    ]
    seconds, memory = start_and_memory()
    rows += [("second start, s", seconds, 2), ("resident memory, MiB", memory, 110)]
    rows.append(("taps of the founding case", len(FOUNDING) - 1, 11))
    rows += delivery_rows()
    for name, value, most in rows:
        verdict = "" if most is None else f"at most {most:g}   {'ok' if value <= most else 'OVER'}"
        print(f"{name:36} {value:10.2f}   {verdict}".rstrip())
    return 0 if all(most is None or value <= most for _, value, most in rows) else 1


if __name__ == "__main__":
    for part in sys.argv[1:]:
        subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=True)
    sys.exit(main() if len(sys.argv) == 1 else 0)
