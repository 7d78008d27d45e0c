"""Two processes look for reviews that are due at the same moment: each is taken by one of them."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID

from storage import consults, people, plans
from storage.database import Database, open_database
from storage.keys import Keyring
from storage.transaction import Tx
from tests.databases import Clock, PostgresServer

CASES = 12


def planned(tx: Tx) -> None:
    """Schedule a review for tomorrow in each of some cases."""
    owner = people.get_or_create(tx, 5, "Anna", status="approved")
    due = tx.now + timedelta(days=1)
    for _ in range(CASES):
        case = consults.create(tx, owner, scenario_id="mat_pain", content_hash="h", phase="planned")
        plans.schedule(tx, case, [("review", 1, due, due)], 1)


async def test_each_review_is_taken_once_by_two_processes(
    postgres_server: PostgresServer, clock: Clock, keys: Keyring
) -> None:
    url = postgres_server.database()
    processes = [open_database(url, keys, clock) for _ in range(2)]
    await processes[0].write(planned)
    clock.moves(days=2)
    both_have_looked = threading.Barrier(2)

    def taken(tx: Tx) -> list[UUID]:
        found = [due.review.id for due in plans.take_due(tx)]
        both_have_looked.wait(10)  # neither is committed before the other has looked as well
        return found

    async def look(process: Database) -> list[UUID]:
        return await process.write(taken)

    found = await asyncio.gather(*map(look, processes))
    for process in processes:
        await process.close()

    assert sorted(map(len, found)) == [0, CASES]
    assert len(set(found[0] + found[1])) == CASES
