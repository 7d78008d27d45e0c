"""How a database is opened, written and read."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from storage import audit, noted, sealing
from storage.errors import StorageError, StorageUnavailable
from storage.faults import unavailable
from storage.keys import Keyring
from storage.migrations import bring_up_to_date, require_current
from storage.postgres import LOCK_SCHEMA, TAKE_YOUR_TIME, Postgres, check_server
from storage.sqlite import FileLock, Sqlite, check_file, check_pages, path_of
from storage.transaction import Clock, T, Tx, Unit

__all__ = ["Database", "Tx", "Unit", "open_database", "open_for_reading"]

WAITING_UNITS = 1024
"""More callers than this wait before their unit is queued: back-pressure, not memory."""


class Database:
    """A database in use. A unit is an ordinary function; nothing awaits inside a transaction."""

    def __init__(self, backend: Sqlite | Postgres, release: Callable[[], None]) -> None:
        self._backend = backend
        self._release = release
        self.outdated = asyncio.Event()
        """Set once a newer version of Curbside has changed the schema: nothing can be written."""

        self._room = asyncio.Semaphore(WAITING_UNITS)

    async def write(self, unit: Unit[T], *, chat: int | None = None) -> T:
        """Return what ``unit`` returned, once its transaction is durable.

        A unit that raises is rolled back alone and its error is raised here. Units of one
        ``chat`` run in the order in which they were given. A unit may run more than once.
        """
        async with self._room:
            try:
                return await self._backend.write(unit, chat)
            except StorageUnavailable as error:
                if error.trouble == "outdated":
                    self.outdated.set()
                raise

    async def read(self, unit: Unit[T]) -> T:
        """Return what ``unit`` saw in one read-only snapshot."""
        return await self._backend.read(unit)

    async def holds(self, name: str) -> bool:
        """Return whether this process, of all on this database, has the lock of this name.

        It tries to take it, and keeps it until it lets go, ends, or its connection is cut.
        """
        return await self._backend.holds(name)

    async def let_go(self, name: str) -> None:
        """Let another process have the lock of this name."""
        await self._backend.let_go(name)

    async def truncate_log(self) -> None:
        """Empty SQLite's write-ahead log, so that what was erased is in no file."""
        await self._backend.truncate_log()

    async def close(self) -> None:
        """Finish what is waiting and let go of the files; closing twice is harmless."""
        await self._backend.close()
        self._release()

    def unit_seconds(self) -> float:
        """Return for how long one unit has been holding up all that wait for it; 0 for none."""
        return self._backend.unit_seconds()

    def version(self) -> str:
        """Return name and version of the database engine, for the start-up line and the doctor."""
        return self._backend.version()

    @property
    def chains_at_once(self) -> bool:
        """Whether audit events are chained in their own transaction; else a sealer has to run."""
        return isinstance(self._backend, Sqlite)

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """The writing and the reading engine, for tests that plant faults."""
        return self._backend.writer, self._backend.reader


def open_database(url: str, keys: Keyring, clock: Clock) -> Database:
    """Return the database at ``url``, its schema brought up to date and its keys checked.

    Raises StorageError or KeyTrouble with one line that says what to do: missing folder, file that
    is no database, damaged file, newer schema, second process on one file, wrong keys.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_file(path_of(parsed), keys, clock)
    return _prepared(Postgres(parsed, keys.for_database(), clock), lambda: None)


def is_there(url: str) -> bool:
    """Say whether a database was ever made; a server's is taken to be there."""
    parsed = _parsed(url)
    return parsed.get_backend_name() != "sqlite" or path_of(parsed).exists()


def open_for_reading(url: str, keys: Keyring, clock: Clock) -> Database:
    """Return the database at ``url`` beside a process that uses it: nothing is changed in it.

    For commands such as verify and backup. Writing raises StorageUnavailable.
    """
    parsed = _parsed(url)
    backend: Sqlite | Postgres
    if parsed.get_backend_name() == "sqlite":
        check_file(path_of(parsed), for_writing=False)
        backend = Sqlite(path_of(parsed), keys.for_database(), clock, audit.HeadKeeper())
    else:
        backend = Postgres(parsed, keys.for_database(), clock)
    return _ready(backend, backend.look_now, _check, lambda: None)


def _open_file(path: Path, keys: Keyring, clock: Clock) -> Database:
    check_file(path, for_writing=True)
    lock = FileLock(path)
    lock.take()
    try:
        return _prepared(Sqlite(path, keys.for_database(), clock, audit.HeadKeeper()), lock.release)
    except BaseException:
        lock.release()
        raise


def _prepared(backend: Sqlite | Postgres, release: Callable[[], None]) -> Database:
    database = _ready(backend, backend.run_now, _prepare, release)
    backend.start()
    return database


def _ready(
    backend: Sqlite | Postgres,
    run: Callable[[Unit[None]], None],
    unit: Unit[None],
    release: Callable[[], None],
) -> Database:
    try:
        run(unit)
    except BaseException as error:
        backend.close_now()
        trouble = backend.trouble(error)
        if trouble:
            raise unavailable(trouble, error) from error
        raise
    return Database(backend, release)


def _prepare(tx: Tx) -> None:
    """Bring the schema up to date, make missing system keys, and try the keys given."""
    _check_engine(tx)
    if not tx.on_sqlite:
        tx.connection.execute(LOCK_SCHEMA)
        tx.connection.execute(TAKE_YOUR_TIME)
    bring_up_to_date(tx.connection)
    if sealing.create_system_keys(tx):
        noted.note_creation(tx)
    sealing.check_keys(tx)


def _check_engine(tx: Tx) -> None:
    if tx.on_sqlite:
        check_pages(tx.connection)
    else:
        check_server(tx.connection)


def _check(tx: Tx) -> None:
    _check_engine(tx)
    require_current(tx.connection)
    sealing.check_keys(tx)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() in {"sqlite", "postgresql"}:
            return parsed
    except ArgumentError:
        pass
    raise StorageError(
        "The database URL is not understood. Use sqlite:///path/to/file.db or "
        "postgresql://user@host/name."
    )
