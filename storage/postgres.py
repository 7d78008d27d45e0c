"""PostgreSQL: the same units in a pool of threads, one transaction each."""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.errors import StorageError, StorageUnavailable, Trouble
from storage.faults import postgres_trouble, unavailable
from storage.keys import Keyring
from storage.locks import CHAT_LOCKS, SCHEMA_LOCKS, ProcessLocks
from storage.migrations import HEAD
from storage.transaction import Clock, T, Tx, Unit

THREADS = 8
ATTEMPTS = 8
REPEATED = frozenset({"contended", "lost"})
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
OLDEST_SERVER = 13
SETTINGS = (
    "-c timezone=UTC -c lock_timeout=15s -c statement_timeout=30s"
    " -c idle_in_transaction_session_timeout=60s"
    " -c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
"""The server notices within half a minute that a process is gone with its machine: its locks go too."""

CONNECTING: dict[str, object] = {"options": SETTINGS, "connect_timeout": 5}

LOCK_SCHEMA = text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCKS}, 0)")
"""For a migration: every writing transaction shares this lock."""

TAKE_YOUR_TIME = text("SET LOCAL statement_timeout = 0")
"""A statement of a migration may take as long as it takes."""


class Postgres:
    """One PostgreSQL database, used by any number of processes."""

    def __init__(self, url: URL, keys: Keyring, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self.writer = engine_for(url)
        self.reader = self.writer.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="curbside-database")
        self._lanes: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._locks = ProcessLocks(self.writer.url, CONNECTING)
        self._started = self._closed = False

    def run_now(self, unit: Unit[T]) -> T:
        """Run one unit in the calling thread; the schema may not be there yet."""
        return self._repeat(lambda: self._first(unit))

    def version(self) -> str:
        with self.reader.connect() as connection:
            return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar()}"

    def look_now(self, unit: Unit[T]) -> T:
        """Run one reading unit in the calling thread."""
        return self._repeat(lambda: self._look(unit))

    def unit_seconds(self) -> float:
        """Return 0: a unit that hangs holds up its chat alone, and the server ends it in a minute."""
        return 0.0

    def trouble(self, error: BaseException) -> Trouble | None:
        return postgres_trouble(error)

    def start(self) -> None:
        self._started = True

    async def write(self, unit: Unit[T], chat: int | None) -> T:
        """Return what ``unit`` returned, once it is committed; a chat's units run in order."""
        if not self._started:
            raise StorageUnavailable("closed")
        if chat is None:
            return await self._in_thread(lambda: self._repeat(lambda: self._once(unit, None)))
        async with self._lane(chat):
            return await self._in_thread(lambda: self._repeat(lambda: self._once(unit, chat)))

    async def read(self, unit: Unit[T]) -> T:
        """Return what ``unit`` saw in one snapshot."""
        return await self._in_thread(lambda: self._repeat(lambda: self._look(unit)))

    async def truncate_log(self) -> None:
        """Nothing to do here: old row versions go with VACUUM, old log files with the server."""

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        self._threads.shutdown()
        self._locks.close()
        self.writer.dispose()

    async def holds(self, name: str) -> bool:
        """Return whether this process of all has the lock of this name, after trying to take it."""
        return await self._in_thread(lambda: self._repeat(lambda: self._locks.holds(name)))

    async def let_go(self, name: str) -> None:
        await self._in_thread(lambda: self._locks.let_go(name))

    def _lane(self, chat: int) -> asyncio.Lock:
        """Return the lock of a chat in this process: its waiting units hold no thread."""
        lane = self._lanes.get(chat)
        if lane is None:
            lane = self._lanes[chat] = asyncio.Lock()
        return lane

    async def _in_thread(self, call: Callable[[], T]) -> T:
        if self._closed:
            raise StorageUnavailable("closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def _first(self, unit: Unit[T]) -> T:
        with self.writer.begin() as connection:
            return unit(self._tx(connection))

    def _once(self, unit: Unit[T], chat: int | None) -> T:
        with self.writer.begin() as connection:
            enter(connection, chat)
            return unit(self._tx(connection))

    def _look(self, unit: Unit[T]) -> T:
        with self.reader.connect() as connection:
            return unit(self._tx(connection))

    def _tx(self, connection: Connection) -> Tx:
        return Tx(connection, self._keys, self._clock())

    def _repeat(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, repeating it while the server asks for that.

        A commit whose answer was lost is repeated too: the unit finds its update handled.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return call()
            except DBAPIError as error:
                _give_up_unless_worth_repeating(error, attempt)
            time.sleep(_pause(attempt))


def enter(connection: Connection, chat: int | None) -> None:
    """Lock a chat and, shared, the schema; raises StorageUnavailable when a newer version changed it.

    Two statements in one message to the server, so that the second sees what the wait for the
    first has brought.
    """
    locks = f"pg_advisory_xact_lock_shared({SCHEMA_LOCKS}, 0)"
    if chat is not None:
        locks += f", pg_advisory_xact_lock({CHAT_LOCKS}, hashint8({int(chat)}))"
    found = connection.exec_driver_sql(
        f"SELECT {locks}; SELECT version_num FROM alembic_version",  # noqa: S608 - numbers of ours
        execution_options={"no_parameters": True},
    )
    cursor: Any = found.cursor
    cursor.nextset()
    if cursor.fetchone() != (HEAD,):
        raise StorageUnavailable("outdated")


def _give_up_unless_worth_repeating(error: DBAPIError, attempt: int) -> None:
    trouble = postgres_trouble(error)
    if trouble is None:
        raise error
    if trouble not in REPEATED or attempt == ATTEMPTS:
        raise unavailable(trouble, error)


def _pause(attempt: int) -> float:
    """Return how long to wait before the next attempt, in seconds, with jitter."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    return random.uniform(0, longest)  # noqa: S311 - spreads retries, guards nothing


def engine_for(url: URL) -> Engine:
    """Return an engine with as many connections as threads."""
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=THREADS,
        max_overflow=2,
        pool_pre_ping=False,
        connect_args=CONNECTING,
    )


def check_server(connection: Connection) -> None:
    """Raise StorageError when the server is older than we support."""
    version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    major = int(version) // 10_000
    if major < OLDEST_SERVER:
        raise StorageError(f"PostgreSQL {major} is too old: use {OLDEST_SERVER} or newer.")
