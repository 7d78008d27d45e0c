"""What a database error means: try again, wait, or stop."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from storage.errors import StorageUnavailable, Trouble

SQLITE_TROUBLES: dict[int, Trouble] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_NOMEM: "io",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_CANTOPEN: "unreadable",
    sqlite3.SQLITE_PERM: "unreadable",
}
"""By primary result code, https://www.sqlite.org/rescode.html."""

CONTENDED = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout: PostgreSQL asks for the transaction again."""

SERVER_GONE = frozenset({"57P01", "57P02", "57P03", "53300"})
"""The server is stopping, crashed, starting, or has no connection left."""

POSTGRES_TROUBLES: dict[str, Trouble] = {
    "53100": "full",
    "25006": "read_only",
    "58030": "io",
    "XX001": "corrupt",
    "XX002": "corrupt",
}
"""By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html."""


def sqlite_trouble(error: BaseException) -> Trouble | None:
    """Return what keeps SQLite from working, or None when the statement itself is at fault."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    return SQLITE_TROUBLES.get(code & 0xFF) if isinstance(code, int) else None


def postgres_trouble(error: BaseException) -> Trouble | None:
    """Return what keeps PostgreSQL from working, or None when the statement itself is at fault."""
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state in CONTENDED:
        return "contended"
    if error.connection_invalidated or state in SERVER_GONE or _never_connected(error, state):
        return "lost"
    return POSTGRES_TROUBLES.get(state) if state else None


def unavailable(trouble: Trouble, error: BaseException) -> StorageUnavailable:
    """Return the error to raise to the caller, with the database's own one as its cause."""
    failure = StorageUnavailable(trouble)
    failure.__cause__ = error
    return failure


def _never_connected(error: DBAPIError, state: str | None) -> bool:
    return state is None and isinstance(error, OperationalError | InterfaceError)
