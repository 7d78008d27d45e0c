"""A copy made while others write holds one moment, and comes back whole."""

import asyncio
import sqlite3
import stat
from pathlib import Path
from uuid import UUID

import pytest

from storage import audit, consults, people, to_record, transcript
from storage.backup import backup, restore
from storage.database import Database, open_database
from storage.errors import StorageError, StorageUnavailable
from storage.keys import Keyring
from storage.transaction import Tx
from storage.transcript import Outgoing
from storage.verification import verify
from tests.databases import Clock, PostgresServer, sqlite_url


def a_case(tx: Tx) -> UUID:
    asker = people.get_or_create(tx, 5, "Anna")
    case = consults.create(tx, asker, scenario_id="mat_pain", content_hash="h", phase="asking")
    saved = consults.save(tx, consults.load(tx, case.id), 0)
    transcript.enqueue(
        tx,
        Outgoing(
            chat_id=5, method="sendMessage", params={"text": "one\ntwo\\"}, consult_id=case.id
        ),
    )
    return saved.id


@pytest.fixture
def empty_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A second database of the same kind, absent or empty."""
    if database_url.startswith("sqlite"):
        (tmp_path / "second").mkdir()
        return sqlite_url(tmp_path / "second")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.empty_database()


async def test_a_backup_made_during_writes_restores_and_verifies(
    database: Database, database_url: str, empty_url: str, tmp_path: Path, keys: Keyring
) -> None:
    case = await database.write(a_case)
    writing = asyncio.gather(*(database.write(a_case) for _ in range(40)))
    await asyncio.to_thread(backup, database_url, tmp_path / "copy")
    await writing
    restore(tmp_path / "copy", empty_url)

    restored = open_database(empty_url, keys, Clock())
    lines = await restored.read(lambda tx: transcript.of_consult(tx, case))
    assert lines[0].params == {"text": "one\ntwo\\"}
    await restored.write(audit.seal)
    assert (await restored.read(verify)).ok
    assert await restored.write(a_case) != case
    await restored.close()


async def test_a_backup_is_for_its_owner_only_and_never_overwritten(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    size = backup(database_url, copy)

    found = copy.stat()
    assert size == found.st_size > 0
    assert stat.S_IMODE(found.st_mode) == 0o600
    with pytest.raises(StorageError, match="exists already"):
        backup(database_url, tmp_path / "copy")
    assert not copy.with_name("copy.part").exists()


async def test_a_database_in_use_is_not_restored_over(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    backup(database_url, tmp_path / "copy")

    with pytest.raises(StorageError, match=r"not empty|Another process"):
        restore(tmp_path / "copy", database_url)
    await database.close()
    with pytest.raises(StorageError, match=r"not empty|exists already"):
        restore(tmp_path / "copy", database_url)


@pytest.mark.parametrize("content", [b"", b"a letter to my aunt", b"SQLite format 3\0" + b"x" * 99])
async def test_something_else_is_not_restored(
    empty_url: str, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "copy").write_bytes(content)

    with pytest.raises(StorageError, match="not a backup"):
        restore(tmp_path / "copy", empty_url)
    with pytest.raises(StorageError, match="does not exist"):
        restore(tmp_path / "absent", empty_url)


async def test_a_truncated_backup_is_refused_and_leaves_the_target_empty(
    database: Database, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    backup(database_url, tmp_path / "copy")
    whole = (tmp_path / "copy").read_bytes()
    (tmp_path / "short").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(StorageError, match="not a backup"):
        restore(tmp_path / "short", empty_url)
    restore(tmp_path / "copy", empty_url)


async def test_a_backup_of_a_newer_version_is_refused(
    file_database: Database, tmp_path: Path
) -> None:
    backup(sqlite_url(tmp_path), tmp_path / "copy")
    with sqlite3.connect(tmp_path / "copy") as copy:
        copy.execute("UPDATE alembic_version SET version_num = '9999'")
    copy.close()
    (tmp_path / "second").mkdir()

    with pytest.raises(StorageError, match="schema 9999"):
        restore(tmp_path / "copy", sqlite_url(tmp_path / "second"))


async def test_a_damaged_database_is_not_copied(file_database: Database, tmp_path: Path) -> None:
    await file_database.close()
    with (tmp_path / "curbside.db").open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xa5" * 4096)

    with pytest.raises(StorageError, match="damaged"):
        backup(sqlite_url(tmp_path), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, sqlite_template: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        backup(f"sqlite:///{sqlite_template}", tmp_path / "absent" / "copy")


def test_a_server_that_is_gone_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        backup("postgresql://nobody@127.0.0.1:9/none", tmp_path / "copy")


async def test_a_backup_is_on_record_at_once_or_when_the_running_bot_looks(
    file_database: Database, tmp_path: Path
) -> None:
    assert to_record.leave(tmp_path, 4096)
    assert to_record.leave(tmp_path, 8192)
    with (tmp_path / to_record.NAME).open("ab") as file:
        file.write(b"\xff not a number\n")
    await file_database.write(lambda tx: to_record.backup(tx, 1))
    await to_record.take(file_database, tmp_path)
    await to_record.take(file_database, tmp_path)

    events = await file_database.read(
        lambda tx: [e.meta["bytes"] for e in audit.entries(tx) if e.action == "backup.make"]
    )
    assert events == [0, 8192, 4096, 1]
    assert not to_record.leave(tmp_path / "absent", 1)
