"""A health check of where things are kept: queues of the database, its size, room on the disk."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from storage import console
from storage.database import Database
from web.health import Check

LEAST_FREE_BYTES = 50 * 2**20


def stores(database: Database, folder: Path) -> Callable[[], Awaitable[Check]]:
    """Return a check of a database, and of the disk that ``folder`` is on."""

    async def check() -> Check:
        found = await database.read(console.system)
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        values: dict[str, float | None] = {
            "dead_letters": found.letters,
            "given_up_last_week": sum(found.given_up.values()),
            "reviews_late": found.reviews_late,
            "size_bytes": found.size_bytes,
            "disk_free_bytes": free,
        }
        return Check("disk_full" if free < LEAST_FREE_BYTES else "", values)

    return check
