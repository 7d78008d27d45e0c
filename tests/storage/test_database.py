"""A unit of work: durable when answered, alone in failing, in order, refused with one clear line."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
from sqlalchemy import bindparam, create_engine, event, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError

from storage.database import Database, open_database, open_for_reading
from storage.errors import KeyTrouble, StorageError, StorageUnavailable
from storage.keys import Keyring
from storage.locks import POLLING
from storage.postgres import LOCK_SCHEMA
from storage.schema import UtcDateTime, meta
from storage.sqlite import Sqlite
from storage.transaction import Tx
from tests.databases import Clock, PostgresServer, sqlite_url


def note(key: str, value: str = "x") -> "Note":
    return Note(key, value)


class Note:
    """A unit that writes one row."""

    def __init__(self, key: str, value: str) -> None:
        self._row = {"key": key, "value": value}

    def __call__(self, tx: Tx) -> str:
        tx.connection.execute(insert(meta).values(self._row))
        return self._row["key"]


def noted(tx: Tx) -> list[str]:
    keys = tx.connection.scalars(select(meta.c.key).where(meta.c.key.like("note%")))
    return sorted(keys)


async def test_what_a_unit_returned_comes_back_after_the_commit(database: Database) -> None:
    answer = await database.write(note("note1"))

    assert answer == "note1"
    assert await database.read(noted) == ["note1"]


async def test_units_that_wait_together_are_all_written(database: Database) -> None:
    await asyncio.gather(*(database.write(note(f"note{n:03}")) for n in range(200)))

    assert len(await database.read(noted)) == 200


async def test_a_unit_that_raises_is_undone_alone(database: Database) -> None:
    def fails(tx: Tx) -> None:
        note("note-lost")(tx)
        raise LookupError("mine")

    units: list[Callable[[Tx], object]] = [note("note1"), fails, note("note2")]
    results = await asyncio.gather(
        *(database.write(unit) for unit in units), return_exceptions=True
    )

    assert isinstance(results[1], LookupError)
    assert await database.read(noted) == ["note1", "note2"]


async def test_a_constraint_that_fails_is_the_units_own_error(database: Database) -> None:
    await database.write(note("note1"))

    with pytest.raises(IntegrityError) as caught:
        await database.write(note("note1", "a word of the clinician"))
    assert "a word of the clinician" not in str(caught.value)
    assert await database.write(note("note2")) == "note2"


async def test_the_units_of_a_chat_run_in_the_order_given(database: Database) -> None:
    ran: list[int] = []

    def unit(number: int) -> "OrderedUnit":
        return OrderedUnit(ran, number)

    await asyncio.gather(*(database.write(unit(n), chat=7) for n in range(40)))

    assert ran == list(range(40))


class OrderedUnit:
    def __init__(self, ran: list[int], number: int) -> None:
        self._ran = ran
        self._number = number

    def __call__(self, tx: Tx) -> None:
        self._ran.append(self._number)


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises((StorageUnavailable, Exception), match=r"(?i)read.?only|cannot be written"):
        await database.read(note("note1"))
    assert await database.read(noted) == []


async def test_a_cancelled_caller_leaves_the_writer_working(database: Database) -> None:
    task = asyncio.create_task(database.write(note("note1")))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.write(note("note2")) == "note2"


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    await database.close()

    with pytest.raises(StorageUnavailable, match="closed"):
        await database.write(note("note1"))
    with pytest.raises(StorageUnavailable, match="closed"):
        await database.read(noted)


async def test_closing_finishes_what_is_waiting(database_url: str, keys: Keyring) -> None:
    clock = Clock()
    database = open_database(database_url, keys, clock)
    writes = [asyncio.create_task(database.write(note(f"note{n}"))) for n in range(30)]
    await asyncio.sleep(0)
    await database.close()

    await asyncio.gather(*writes)
    again = open_database(database_url, keys, clock)
    assert len(await again.read(noted)) == 30
    await again.close()


async def test_naive_times_are_refused(database: Database) -> None:
    def unit(tx: Tx) -> None:
        naive = tx.now.replace(tzinfo=None)
        tx.connection.execute(select(bindparam("at", type_=UtcDateTime)), {"at": naive})

    with pytest.raises(Exception, match="naive datetime"):
        await database.read(unit)


async def test_the_engine_is_named(database: Database) -> None:
    assert database.version().startswith(("SQLite 3.", "PostgreSQL "))


# --- reading beside a process that writes ------------------------------------------------------


async def test_reading_beside_the_writer_changes_nothing(
    database: Database, database_url: str, keys: Keyring, clock: Clock
) -> None:
    await database.write(note("note1"))
    beside = open_for_reading(database_url, keys, clock)

    assert await beside.read(noted) == ["note1"]
    with pytest.raises(StorageUnavailable):
        await beside.write(note("note2"))
    await beside.close()


def test_reading_a_file_that_is_not_there_is_refused(tmp_path: Path, keys: Keyring) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        open_for_reading(sqlite_url(tmp_path), keys, Clock())


# --- opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "sqlite://", ""])
def test_a_url_that_cannot_be_used_is_refused(url: str, keys: Keyring) -> None:
    with pytest.raises(StorageError, match="URL"):
        open_database(url, keys, Clock())


def test_a_missing_folder_is_refused(tmp_path: Path, keys: Keyring) -> None:
    with pytest.raises(StorageError, match=r"The folder .*absent does not exist\. Create it"):
        open_database(sqlite_url(tmp_path / "absent"), keys, Clock())


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path, keys: Keyring) -> None:
    (tmp_path / "curbside.db").mkdir()

    with pytest.raises(StorageError, match="is a folder"):
        open_database(sqlite_url(tmp_path), keys, Clock())


def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, keys: Keyring
) -> None:
    (tmp_path / "curbside.db").write_text("a letter to my aunt")

    with pytest.raises(StorageError, match="is not a database"):
        open_database(sqlite_url(tmp_path), keys, Clock())
    assert (tmp_path / "curbside.db").read_text() == "a letter to my aunt"


@pytest.mark.parametrize("page", range(1, 12, 2))
async def test_a_damaged_file_is_refused(
    file_database: Database, tmp_path: Path, keys: Keyring, page: int
) -> None:
    await asyncio.gather(*(file_database.write(note(f"note{n}", "y" * 900)) for n in range(40)))
    await file_database.close()
    with (tmp_path / "curbside.db").open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)

    with pytest.raises(StorageError, match="damaged"):
        open_database(sqlite_url(tmp_path), keys, Clock())


async def test_a_newer_schema_is_refused(
    database: Database, database_url: str, keys: Keyring
) -> None:
    await database.write(lambda tx: _set_version(tx, "9999"))
    await database.close()

    with pytest.raises(StorageError, match=r"schema 9999.*newer version"):
        open_database(database_url, keys, Clock())
    with pytest.raises(StorageError, match=r"schema 9999.*newer version"):
        open_for_reading(database_url, keys, Clock())


def _set_version(tx: Tx, version: str) -> None:
    tx.connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})


async def test_other_keys_are_refused(database: Database, database_url: str) -> None:
    await database.close()

    with pytest.raises(KeyTrouble, match="not in the keys file"):
        open_database(database_url, Keyring([b"\x07" * 32]), Clock())


async def test_an_altered_canary_is_refused(
    database: Database, database_url: str, keys: Keyring
) -> None:
    await database.write(
        lambda tx: tx.connection.execute(
            text("UPDATE meta SET value = substr(value, 1, 20) || '00' WHERE key = 'canary'")
        ).close()
    )
    await database.close()

    with pytest.raises(KeyTrouble, match="canary"):
        open_database(database_url, keys, Clock())


async def test_a_second_process_on_the_same_file_is_refused(
    file_database: Database, tmp_path: Path, keys: Keyring
) -> None:
    with pytest.raises(StorageError, match="Another process uses the database"):
        open_database(sqlite_url(tmp_path), keys, Clock())

    await file_database.close()
    again = open_database(sqlite_url(tmp_path), keys, Clock())
    await again.close()


def test_a_server_that_is_not_there_is_refused(keys: Keyring) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        open_database("postgresql://nobody@127.0.0.1:9/none", keys, Clock())


async def test_two_replicas_may_open_an_empty_database_at_once(
    postgres_server: PostgresServer, keys: Keyring
) -> None:
    url = postgres_server.empty_database()
    opened = await asyncio.gather(
        *(asyncio.to_thread(open_database, url, keys, Clock()) for _ in range(3))
    )

    systems = [await each.read(_system_keys) for each in opened]
    assert systems[0] == systems[1] == systems[2]
    assert len(systems[0]) == 5
    for each in opened:
        await each.close()


def _system_keys(tx: Tx) -> list[str]:
    rows = tx.connection.scalars(select(meta.c.value).where(meta.c.key.like("data_key:%")))
    return sorted(rows)


# --- trouble at run time ---------------------------------------------------------------------


async def test_a_full_disk_fails_the_unit_and_writing_resumes_alone(
    file_database: Database,
) -> None:
    pages = await _limit_pages(file_database, 0)

    with pytest.raises(StorageUnavailable, match="disk is full") as caught:
        await file_database.write(note("note-large", "y" * 4096 * (pages + 50)))
    assert caught.value.trouble == "full"
    assert await file_database.write(note("note-small")) == "note-small"
    assert await file_database.read(noted) == ["note-small"]


async def test_a_unit_too_large_for_the_disk_fails_alone_in_its_group(
    file_database: Database,
) -> None:
    pages = await _limit_pages(file_database, 20)
    units = [note("note1"), note("note-large", "y" * 4096 * (pages + 50)), note("note2")]
    results = await asyncio.gather(*map(file_database.write, units), return_exceptions=True)

    assert [isinstance(each, StorageUnavailable) for each in results] == [False, True, False]
    assert await file_database.read(noted) == ["note1", "note2"]


async def _limit_pages(database: Database, more: int) -> int:
    """Let the file grow by no more than some pages, also after a reconnection."""
    writer = database.engines[0]

    def pages(tx: Tx) -> int:
        count: int = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return count

    count = await database.write(pages)

    @event.listens_for(writer, "begin")
    def _limit(connection: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {count + more + 5}")  # type: ignore[attr-defined]

    return count


async def test_when_the_commit_fails_nobody_is_told_otherwise(file_database: Database) -> None:
    with _commits_fail(file_database):
        results = await asyncio.gather(
            *(file_database.write(note(f"note{n}")) for n in range(10)), return_exceptions=True
        )

    assert {type(each) for each in results} == {StorageUnavailable}
    assert await file_database.read(noted) == []
    assert await file_database.write(note("note-after")) == "note-after"


class _commits_fail:  # noqa: N801 - reads as a sentence in a with statement
    """Within it every commit reports an error of the disk."""

    def __init__(self, database: Database) -> None:
        self._dialect = database.engines[0].dialect

    def __enter__(self) -> None:
        def fail(connection: object) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error

        self._dialect.do_commit = fail  # type: ignore[method-assign,assignment]

    def __exit__(self, *_: object) -> None:
        del self._dialect.do_commit


async def test_another_holder_of_the_file_is_waited_for_then_reported(
    file_database: Database, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "curbside.db", isolation_level=None)
    await _shorten_patience(file_database)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageUnavailable) as caught:
        await file_database.write(note("note1"))
    assert caught.value.trouble == "busy"
    other.execute("ROLLBACK")
    other.close()
    assert await file_database.write(note("note1")) == "note1"


async def _shorten_patience(database: Database) -> None:
    backend = database._backend
    assert isinstance(backend, Sqlite)
    raw = backend._connected().connection.driver_connection
    assert raw is not None
    raw.execute("PRAGMA busy_timeout = 20")


async def test_a_folder_that_became_read_only_is_reported(
    file_database: Database, tmp_path: Path
) -> None:
    @event.listens_for(file_database.engines[0], "begin")
    def _query_only(connection: object) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # type: ignore[attr-defined]

    with pytest.raises(StorageUnavailable) as caught:
        await file_database.write(note("note1"))
    assert caught.value.trouble == "read_only"


# --- PostgreSQL: again when the server asks ------------------------------------------------------


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    return postgres_server.database()


async def test_a_deadlock_is_tried_again(postgres_url: str, keys: Keyring) -> None:
    database = open_database(postgres_url, keys, Clock())
    for key in ("note1", "note2"):
        await database.write(note(key, ""))
    both_hold_one = threading.Barrier(2)

    def swap(first: str, second: str) -> "Swap":
        return Swap(first, second, both_hold_one)

    await asyncio.gather(
        database.write(swap("note1", "note2")), database.write(swap("note2", "note1"))
    )

    values = await database.read(lambda tx: list(tx.connection.scalars(_VALUES)))
    assert values == ["xx", "xx"]
    await database.close()


_VALUES = select(meta.c.value).where(meta.c.key.like("note%"))


class Swap:
    """Appends to two rows in a given order; on the first run it waits until both hold one."""

    def __init__(self, first: str, second: str, barrier: threading.Barrier) -> None:
        self._keys = (first, second)
        self._barrier = barrier
        self._runs = 0

    def __call__(self, tx: Tx) -> None:
        self._runs += 1
        for key in self._keys:
            tx.connection.execute(
                text("UPDATE meta SET value = value || 'x' WHERE key = :key"), {"key": key}
            )
            if self._runs == 1 and key == self._keys[0]:
                self._barrier.wait(5)


async def test_a_unit_survives_a_connection_that_was_cut(postgres_url: str, keys: Keyring) -> None:
    database = open_database(postgres_url, keys, Clock())
    runs: list[int] = []

    def cut_once(tx: Tx) -> None:
        note(f"note{len(runs)}")(tx)
        runs.append(1)
        if len(runs) == 1:
            tx.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await database.write(cut_once)

    assert len(runs) == 2
    assert await database.read(noted) == ["note1"]
    await database.close()


async def test_one_process_of_all_has_a_lock_until_it_lets_go_or_is_cut_off(
    postgres_url: str, keys: Keyring
) -> None:
    first, second = (open_database(postgres_url, keys, Clock()) for _ in range(2))
    assert await first.holds(POLLING)
    assert await first.holds(POLLING)
    assert not await second.holds(POLLING)

    await first.let_go(POLLING)
    assert await second.holds(POLLING)
    assert not await first.holds(POLLING)
    await second.write(end_other_sessions)
    assert await first.holds(POLLING)
    assert not await second.holds(POLLING)
    await first.close()
    assert await second.holds(POLLING)
    await second.close()


def end_other_sessions(tx: Tx) -> None:
    tx.connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


async def test_a_file_has_one_process_which_has_every_lock(file_database: Database) -> None:
    assert await file_database.holds(POLLING)
    await file_database.let_go(POLLING)


async def test_an_old_process_stops_writing_once_a_newer_one_has_changed_the_schema(
    postgres_url: str, keys: Keyring
) -> None:
    old = open_database(postgres_url, keys, Clock())
    await old.write(note("note1"))
    newer = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with newer.begin() as connection:
        connection.execute(LOCK_SCHEMA)
        begun = asyncio.create_task(old.write(note("note2"), chat=5))
        while await old.read(lock_waits) == 0:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        connection.execute(text("ALTER TABLE meta ADD COLUMN colour text"))
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    newer.dispose()

    with pytest.raises(StorageUnavailable, match="newer version of Curbside"):
        await begun
    with pytest.raises(StorageUnavailable, match="newer version of Curbside"):
        await old.write(note("note3"))
    assert await old.read(noted) == ["note1"]
    with pytest.raises(StorageError, match="has schema 9999"):
        open_database(postgres_url, keys, Clock())
    await old.close()


def lock_waits(tx: Tx) -> int:
    """Return how many sessions wait for an advisory lock."""
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return tx.connection.scalar(query) or 0


# --- a kill --------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from storage.database import open_database
from storage.keys import Keyring
from storage.locks import POLLING
from tests.storage.test_database import note

async def main(url):
    database = open_database(url, Keyring([bytes(range(1, 33))]), lambda: datetime(2026, 1, 1, tzinfo=UTC))
    async def client(name):
        number = 0
        while True:
            print(await database.write(note(f"note-{name}-{number:06}")), flush=True)
            number += 1
    await asyncio.gather(*(client(name) for name in "abcdefgh"))

asyncio.run(main(sys.argv[1]))
"""


async def test_what_was_answered_survives_a_kill(
    database_url: str, keys: Keyring, clock: Clock
) -> None:
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-c", WRITER, database_url],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    ) as child:
        assert child.stdout is not None
        answered = [child.stdout.readline().strip() for _ in range(300)]
        child.kill()
        answered += [line.strip() for line in child.stdout if line.endswith("\n")]

    database = open_database(database_url, keys, clock)
    assert set(answered) <= set(await database.read(noted))
    await database.close()


async def test_how_long_the_writer_is_in_a_unit_is_told(file_database: Database) -> None:
    """One that is no more will never come out."""
    told: list[float] = []

    def looks(_tx: Tx) -> None:
        time.sleep(0.01)
        told.append(file_database.unit_seconds())

    await file_database.write(looks)
    backend = file_database._backend
    assert isinstance(backend, Sqlite)
    told.append(file_database.unit_seconds())
    backend._queue.put(None)
    await asyncio.to_thread(backend._thread.join)

    assert 0.01 <= told[0] < 5
    assert told[1:] == [0.0]
    assert file_database.unit_seconds() == inf
