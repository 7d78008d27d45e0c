"""What the audit log costs, and how fast it is verified: ``python -m benchmarks.audit``.

The cost is measured with the units of ``benchmarks.storage``, with and without their event, in
turns; on PostgreSQL a sealer chains the events every 200 ms meanwhile.
"""

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.storage import Taps, measure, now, open_cases
from storage import audit
from storage.checkpoints import Checkpoint, checkpoint, tend
from storage.database import Database, open_database
from storage.ids import new_id
from storage.keys import Keyring
from storage.transaction import Tx
from storage.verification import verify
from tests.databases import PostgresServer, sqlite_url

EVENTS = 1_000_000
BATCH = 5_000
TURNS = 4
CALLERS = 16
KEY = b"\x01" * 32


async def overhead(url: str) -> tuple[float, float]:
    """Return units a second without and with an audit event in each."""
    database = open_database(url, Keyring([KEY]), now)
    cases = await database.write(open_cases)
    taps = {audited: Taps(cases, audited=audited) for audited in (False, True)}
    taps[True].skip(10_000_000)
    rates: dict[bool, list[float]] = {False: [], True: []}
    tending = asyncio.create_task(tend(database, _forget))
    for turn in range(TURNS * 2):
        rate, _ = await measure(database, taps[bool(turn % 2)], CALLERS)
        rates[bool(turn % 2)].append(rate)
    tending.cancel()
    with suppress(asyncio.CancelledError):
        await tending
    await database.close()
    return median(rates[False]), median(rates[True])


async def _forget(made: Checkpoint) -> None:
    """Publish a checkpoint nowhere."""


async def fill(database: Database, events: int) -> None:
    """Record many events, sealed and with a checkpoint now and then."""
    actor, case = new_id(), new_id()

    def some(tx: Tx) -> None:
        for number in range(BATCH):
            event = audit.Event(
                actor=actor,
                action="consult.answer",
                object_type="consult",
                object_id=case,
                consult_id=case,
                meta={"number": number},
            )
            audit.record(tx, event)

    for _ in range(events // BATCH):
        await database.write(some)
        while await database.write(audit.seal):
            pass
        await database.write(checkpoint)


async def verification(url: str, events: int) -> tuple[float, int]:
    """Return the seconds to verify that many events, and how many there were."""
    database = open_database(url, Keyring([KEY]), now)
    await fill(database, events)
    start = perf_counter()
    report = await database.read(verify)
    taken = perf_counter() - start
    assert report.ok, report.problems[:5]
    await database.close()
    return taken, report.events


def main(events: int) -> None:
    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory() as folder:
            report("SQLite", sqlite_url(Path(folder)), events)
        report("PostgreSQL", server.database(), events)
    finally:
        server.stop()


def report(name: str, url: str, events: int) -> None:
    without, with_ = asyncio.run(overhead(url))
    print(
        f"{name:<12}{without:>8.0f} units/s without the log, {with_:>8.0f} with it: "
        f"{1 - with_ / without:.1%} less"
    )
    seconds, found = asyncio.run(verification(url, events))
    print(f"{name:<12}{found:>8} events verified in {seconds:.1f} s ({found / seconds:,.0f}/s)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
