"""Backups on record: made beside the running bot, which alone writes its file."""

import asyncio
import os
from pathlib import Path

from storage import audit
from storage.database import Database
from storage.transaction import Tx

NAME = "backups-to-record"
MOST_BYTES = 10_000
"""Of the file that are looked at; somebody else may have written it."""


def backup(tx: Tx, size: int) -> None:
    """Put on record that a backup of ``size`` bytes was made."""
    event = audit.Event(
        actor=None, action="backup.make", object_type="database", meta={"bytes": size}
    )
    audit.record(tx, event)


def leave(folder: Path, size: int) -> bool:
    """Leave a note for the running bot that a backup was made; False where it cannot be written."""
    try:
        handle = os.open(folder / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(f"{size}\n")
    except OSError:
        return False
    return True


async def take(database: Database, folder: Path) -> None:
    """Put on record what was left, and forget the note; a line that is none of ours counts as 0 bytes."""
    for size in await asyncio.to_thread(_taken, folder / NAME):
        await database.write(lambda tx, size=size: backup(tx, size))  # type: ignore[misc]


def _taken(path: Path) -> list[int]:
    beside = path.with_name(path.name + ".taken")
    try:
        path.rename(beside)
        with beside.open("rb") as file:
            lines = file.read(MOST_BYTES).splitlines()
        beside.unlink()
    except OSError:
        return []
    return [int(line) if line.isdigit() and len(line) < 16 else 0 for line in lines]  # noqa: PLR2004
