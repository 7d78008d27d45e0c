"""The long form of the chaos tests: ``make chaos``, or ``python -m tests.chaos.long --hours 0.5``.

Twenty rounds, each about as much as the short form, with the next seed: a twentieth of the points of
every conversation on both databases, so that in the end the bot was killed at each; storms with
random kills through a bad network, two replicas on one server, crashes of the server, power cuts,
any order; in the first, weeks of use in minutes on one process that is weighed. It goes on until the
rounds or the hours are over, prints a line for each thing done and a table at the end, and ends with
1 when anything was lost, repeated, out of order or left unsent, or when a process grew.
``--only soak`` does the works whose name has that word, ``--first 7`` begins with the eighth round.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos.bot import ROOT
from tests.chaos.crowd import Plan, storm
from tests.chaos.lives import (
    Files,
    Moment,
    Places,
    Servers,
    Stage,
    moments,
    quiet_lives,
    stage,
    wrongs,
)
from tests.chaos.soak import grown, soak
from tests.chaos.stories import STORIES, Stuck
from tests.databases import PostgresServer

ROUNDS = 20
CUTS = 200
WALKS = 500
SOAK = "soak, SQLite"
WEEKS = 60
"""Of use on one process: some 600 updates each."""

STORM = Plan(updates=1_000, kills=100, faults=0.01)
REPLICAS = Plan(updates=500, kills=40, replicas=2, faults=0.01)
BEHIND_A_HOOK = Plan(updates=500, kills=40, replicas=2, webhook=True, faults=0.01)
CRASHES = Plan(updates=200, replicas=2, webhook=True, restarts=5)


@dataclass
class Row:
    """One line of the table."""

    what: str
    updates: int = 0
    kills: int = 0
    crashes: int = 0
    dropped: int = 0
    twice: int = 0
    """Messages that came a second time."""
    seconds: float = 0.0
    wrongs: list[str] = field(default_factory=list)


@dataclass
class Ledger:
    """What was done so far, and until when there is time."""

    until: float
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until

    def row(self, what: str) -> Row:
        return self.rows.setdefault(what, Row(what))

    def say(self, words: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {words}", flush=True)

    def table(self) -> str:
        head = ("what", "updates", "kills", "crashes", "lost answers", "twice", "wrong", "seconds")
        lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        for row in self.rows.values():
            cells = (row.what, row.updates, row.kills, row.crashes, row.dropped, row.twice)
            lines.append(
                "| " + " | ".join(map(str, (*cells, len(row.wrongs), round(row.seconds)))) + " |"
            )
        return "\n".join(lines)


async def every_point(
    ledger: Ledger, what: str, places: Places, seed: int, share: tuple[int, int]
) -> None:
    """Kill the bot at its share of the points of all conversations: (number, of how many)."""
    row, began = ledger.row(what), time.monotonic()
    async with stage(places) as on:
        quiet = await quiet_lives(on, STORIES)
        every = moments(quiet, STORIES)
        number, of = share
        drawn = random.Random(seed).sample(every[number::of], len(every[number::of]))  # noqa: S311
        ledger.say(f"{what}: {len(drawn)} of {len(every)} points")
        done = 0
        for start in range(0, len(drawn), 40):
            if ledger.over:
                break
            batch = drawn[start : start + 40]
            await asyncio.gather(*(_one(ledger, row, on, moment, quiet) for moment in batch))
            done += len(batch)
            ledger.say(f"{what}: {done} of {len(drawn)}; wrong: {len(row.wrongs)}")
    row.seconds += time.monotonic() - began


async def _one(ledger: Ledger, row: Row, on: Stage, moment: Moment, quiet: object) -> None:
    assert isinstance(quiet, dict)
    try:
        life = await on.live(moment.story, moment.point)
    except Stuck as stuck:
        found = [str(stuck)]
    else:
        found = wrongs(life, quiet[moment.story.name])
        row.kills += life.died
        row.twice += life.strays.total()
        row.updates += life.trace.taken_in
    for wrong in found:
        row.wrongs.append(wrong)
        ledger.say(f"WRONG  {moment}: {wrong}")


async def one_storm(
    ledger: Ledger,
    what: str,
    places: Places,
    plan: Plan,
    seed: int,
    *,
    restart: Callable[[], None] | None = None,
) -> None:
    row = ledger.row(what)
    came = await storm(places.fresh(), plan, random.Random(seed), restart)  # noqa: S311
    row.updates += came.updates
    row.kills += came.kills
    row.crashes += plan.restarts
    row.dropped += came.dropped
    row.twice += came.strays
    row.seconds += came.seconds
    row.wrongs += came.wrongs
    ledger.say(
        f"{what}: {came.updates} updates, {came.kills} kills, {came.strays} messages twice"
        f" in {came.seconds:.0f} s; wrong: {came.wrongs or 'nothing'}"
    )


async def weeks(ledger: Ledger, what: str, places: Places, seed: int) -> None:
    """Hold all conversations again and again on one process, and weigh it after each week."""
    row, began = ledger.row(what), time.monotonic()
    weights = await soak(
        places.fresh(), seed=seed, rounds=WEEKS, until=ledger.until, say=ledger.say
    )
    row.updates += weights[-1].updates if weights else 0
    row.seconds += time.monotonic() - began
    row.wrongs += grown(weights)
    ledger.say(f"{what}: {len(weights)} weeks; wrong: {grown(weights) or 'nothing'}")


async def by_pytest(ledger: Ledger, what: str, path: str, **amount: int) -> None:
    """Run tests that take an amount from the environment, with that amount."""
    row, began = ledger.row(what), time.monotonic()
    environment = os.environ | {name: str(value) for name, value in amount.items()}
    words = (sys.executable, "-m", "pytest", "-q", "-x", path)
    process = await asyncio.create_subprocess_exec(*words, cwd=ROOT, env=environment)
    code = await process.wait()
    row.seconds += time.monotonic() - began
    row.updates += sum(amount.values())
    row.wrongs += [f"see above: {path}"] if code else []
    ledger.say(f"{what}: {amount}; {'wrong' if code else 'nothing wrong'}")


async def rounds(ledger: Ledger, seed: int, numbers: range, only: str) -> None:
    """Do everything once with each seed, or only the works with a word in their name."""
    server = PostgresServer()
    try:
        for number in numbers:
            for name, work in _works(ledger, server, seed, number).items():
                if only in name and not ledger.over:
                    await work()
    finally:
        server.stop()


def _works(
    ledger: Ledger, server: PostgresServer, first_seed: int, number: int
) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return what one round does by its name, each thing in a folder of its own."""
    seed, share = first_seed + number, (number % ROUNDS, ROUNDS)

    def files() -> Places:
        return Files(_folder())

    def servers() -> Places:
        return Servers(_folder(), server=server)

    def stormy(what: str, at: Callable[[], Places], plan: Plan) -> Callable[[], Awaitable[None]]:
        restart = server.crash_and_start if plan.restarts else None
        return lambda: one_storm(ledger, what, at(), plan, seed, restart=restart)

    storms = (
        ("storm, SQLite", files, STORM),
        ("two replicas that poll, PostgreSQL", servers, REPLICAS),
        ("two replicas behind a webhook, PostgreSQL", servers, BEHIND_A_HOOK),
        ("crashes of the server, PostgreSQL", servers, CRASHES),
    )
    everywhere = (("every point, SQLite", files), ("every point, PostgreSQL", servers))
    return {
        **{what: stormy(what, at, plan) for what, at, plan in storms},
        **_tests(ledger),
        **({SOAK: lambda: weeks(ledger, SOAK, files(), seed)} if number == 0 else {}),
        **{what: partial(every_point, ledger, what, at(), seed, share) for what, at in everywhere},
    }


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="curbside-chaos-"))


def _tests(ledger: Ledger) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return the works that are tests with a larger amount."""
    cuts, walks = "power cuts", "any order, in walks of 50 steps"
    return {
        cuts: lambda: by_pytest(
            ledger, cuts, "tests/chaos/test_powercut.py", CURBSIDE_POWER_CUTS=CUTS
        ),
        walks: lambda: by_pytest(
            ledger, walks, "tests/bot/test_any_order.py", CURBSIDE_ANY_ORDER=WALKS
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="20 by default")
    parser.add_argument("--hours", type=float, default=24.0, help="stop after so many hours")
    parser.add_argument("--first", type=int, default=0, help="the round to begin with, from 0")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311
    parser.add_argument("--only", default="", help="a word of the names of the works to do")
    options = parser.parse_args()
    ledger = Ledger(until=time.monotonic() + options.hours * 3600)
    ledger.say(f"seed {options.seed}, {options.rounds} rounds, at most {options.hours} hours")
    numbers = range(options.first, options.first + options.rounds)
    asyncio.run(rounds(ledger, options.seed, numbers, options.only))
    print(f"\n{ledger.table()}\n")
    return 1 if any(row.wrongs for row in ledger.rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
