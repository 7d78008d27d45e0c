"""How many updates a second are kept, durably: ``python -m benchmarks.storage``.

One unit is what the bot does for one tap: duplicate guard, the update taken in, the consult loaded
and saved, the answer's change, a call of the Bot API to make, an audit event; all text encrypted.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID

from storage import audit, consults, people, transcript
from storage.consults import ABSENT, AnswerChange
from storage.database import Database, open_database
from storage.keys import Keyring
from storage.transaction import Tx
from storage.transcript import Incoming, Outgoing
from tests.databases import PostgresServer, sqlite_url

CALLERS = (1, 16, 64)
SECONDS = 3.0
CHATS = 64


@dataclass(frozen=True, slots=True)
class Figure:
    """Units a second, and how long one took, in milliseconds."""

    database: str
    callers: int
    per_second: float
    p50: float
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.database:<12}{self.callers:>8}{self.per_second:>10.0f}"
            f"{self.p50:>10.2f}{self.p99:>10.2f}"
        )


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock of a running bot


class Taps:
    """Gives each call the next update of one of the chats."""

    def __init__(self, cases: dict[int, UUID], *, audited: bool = True) -> None:
        self._cases = cases
        self._update = 0
        self._audited = audited

    def skip(self, updates: int) -> None:
        """Begin at a later update, so that two of these do not meet."""
        self._update += updates

    def next(self) -> tuple[int, Callable[[Tx], None]]:
        self._update += 1
        chat = self._update % len(self._cases)
        update_id = self._update
        return chat, lambda tx: self._tap(tx, chat, update_id)

    def _tap(self, tx: Tx, chat: int, update_id: int) -> None:
        if transcript.seen(tx, update_id):
            return
        case = consults.load(tx, self._cases[chat])
        transcript.receive(
            tx,
            Incoming(
                update_id=update_id, chat_id=chat, kind="tap", content="x" * 60, consult_id=case.id
            ),
        )
        changed = replace(case, turn=case.turn + 1, answers={"role": "np", "turn": case.turn})
        consults.save(tx, changed, case.revision)
        consults.record_change(tx, case.id, _change(case.owner_id, tx.now))
        transcript.enqueue(tx, _reply(chat, case.id))
        if self._audited:
            _record(tx, case.owner_id, case.id)


def _change(by: UUID, at: datetime) -> AnswerChange:
    return AnswerChange(question="role", old=ABSENT, new="np", via="tap", by=by, at=at)


def _reply(chat: int, case: UUID) -> Outgoing:
    return Outgoing(
        chat_id=chat,
        method="editMessageText",
        params={"text": "x" * 400, "parse_mode": "HTML"},
        consult_id=case,
        screen=True,
        coalesce="screen",
    )


def _record(tx: Tx, by: UUID, case: UUID) -> None:
    audit.record(
        tx,
        audit.Event(
            actor=by,
            action="consult.answer",
            object_type="consult",
            object_id=case,
            consult_id=case,
            meta={"question": "role", "via": "tap"},
        ),
    )


def open_cases(tx: Tx) -> dict[int, UUID]:
    """Open a case in each chat."""
    cases = {}
    for chat in range(CHATS):
        owner = people.get_or_create(tx, chat, "Somebody")
        cases[chat] = consults.create(tx, owner, scenario_id="mat_pain", content_hash="h").id
    return cases


async def measure(database: Database, taps: Taps, callers: int) -> tuple[float, list[float]]:
    """Return units a second and the sorted times of each, in milliseconds."""
    times: list[float] = []
    begin = perf_counter()

    async def caller() -> None:
        while perf_counter() - begin < SECONDS:
            chat, unit = taps.next()
            start = perf_counter()
            await database.write(unit, chat=chat)
            times.append((perf_counter() - start) * 1000)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return len(times) / (perf_counter() - begin), sorted(times)


async def figures(name: str, url: str) -> list[Figure]:
    """Return the figures of one database."""
    database = open_database(url, Keyring([b"\x01" * 32]), now)
    taps = Taps(await database.write(open_cases))
    found = []
    for callers in CALLERS:
        rate, times = await measure(database, taps, callers)
        p99 = times[int(len(times) * 0.99)]
        found.append(Figure(name, callers, rate, times[len(times) // 2], p99))
    await database.close()
    return found


def main() -> None:
    print(f"{'database':<12}{'callers':>8}{'units/s':>10}{'p50 ms':>10}{'p99 ms':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in asyncio.run(figures("SQLite", sqlite_url(Path(folder)))):
            print(figure)
    server = PostgresServer()
    try:
        for figure in asyncio.run(figures("PostgreSQL", server.database())):
            print(figure)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
