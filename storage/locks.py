"""Locks of a whole process, which tell the others on the same PostgreSQL that it is there.

They are held by one connection that is kept for them; when the process ends, however it ends, the
server lets go of them at once.
"""

import threading
from contextlib import suppress

from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

CHAT_LOCKS = 0x63627264
"""The first key of our per-chat advisory locks, so that they meet no other program's."""

SCHEMA_LOCKS, PROCESS_LOCKS = CHAT_LOCKS + 1, CHAT_LOCKS + 2
"""The first keys of the lock on the schema, and of those of whole processes."""

POLLING = "polling"
"""Held by the process that fetches updates."""

_TAKE = text(f"SELECT pg_try_advisory_lock({PROCESS_LOCKS}, hashtext(:name))")
_LET_GO = text(f"SELECT pg_advisory_unlock({PROCESS_LOCKS}, hashtext(:name))")
_IS_THERE = text("SELECT 1")


def sender(holder: str) -> str:
    """Return the name of the lock that a process holds as long as it may be sending."""
    return f"sender {holder}"


class ProcessLocks:
    """The locks of this process. Its methods block, and may be called from any thread."""

    def __init__(self, url: URL, connecting: dict[str, object]) -> None:
        self._engine = create_engine(
            url,
            hide_parameters=True,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=connecting,
        )
        self._connection: Connection | None = None
        self._held: set[str] = set()
        self._one_at_a_time = threading.Lock()

    def holds(self, name: str) -> bool:
        """Return whether the lock is ours, after trying to take it; raises DBAPIError."""
        with self._one_at_a_time:
            connection = self._connected()
            if name not in self._held and connection.scalar(_TAKE, {"name": name}):
                self._held.add(name)
            return name in self._held

    def let_go(self, name: str) -> None:
        with self._one_at_a_time:
            if self._connection is not None and name in self._held:
                self._held.discard(name)
                with suppress(DBAPIError):
                    self._connection.execute(_LET_GO, {"name": name})

    def close(self) -> None:
        """Let go of all of them."""
        with self._one_at_a_time:
            self._disconnect()

    def _connected(self) -> Connection:
        """Return the connection; one that was cut has taken its locks with it."""
        if self._connection is not None:
            try:
                self._connection.execute(_IS_THERE)
            except DBAPIError:
                self._disconnect()
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            with suppress(DBAPIError):
                connection.close()
