"""Keeps the emulated Telegram in one SQLite file, so that a restart shows the same chat."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

TABLE = (
    "CREATE TABLE IF NOT EXISTS item "
    "(kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
)


class Store(Protocol):
    def items(self, kind: str) -> Iterator[tuple[str, Any]]: ...
    def put(self, kind: str, key: str, value: Any) -> None: ...
    def drop(self, kind: str, key: str) -> None: ...
    def put_bytes(self, key: str, content: bytes) -> None: ...
    def read_bytes(self, key: str) -> bytes | None: ...
    def close(self) -> None: ...


class Memory:
    """Keeps only what files hold; everything else lives in the world itself."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def items(self, kind: str) -> Iterator[tuple[str, Any]]:
        return iter(())

    def put(self, kind: str, key: str, value: Any) -> None:
        """Nothing to keep: the world has it."""

    def drop(self, kind: str, key: str) -> None:
        """Nothing was kept."""

    def put_bytes(self, key: str, content: bytes) -> None:
        self.files[key] = content

    def read_bytes(self, key: str) -> bytes | None:
        return self.files.get(key)

    def close(self) -> None:
        self.files.clear()


class SqliteFile:
    """One table of JSON values; each change is written at once and survives a kill."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute(TABLE)

    def items(self, kind: str) -> Iterator[tuple[str, Any]]:
        found = self.connection.execute("SELECT key, value FROM item WHERE kind = ?", (kind,))
        for key, value in found.fetchall():
            yield key, json.loads(value)

    def put(self, kind: str, key: str, value: Any) -> None:
        self.write(kind, key, json.dumps(value, ensure_ascii=False))

    def put_bytes(self, key: str, content: bytes) -> None:
        self.write("file", key, content)

    def write(self, kind: str, key: str, value: str | bytes) -> None:
        self.connection.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", (kind, key, value))

    def read_bytes(self, key: str) -> bytes | None:
        found = self.connection.execute(
            "SELECT value FROM item WHERE kind = 'file' AND key = ?", (key,)
        ).fetchone()
        return bytes(found[0]) if found else None

    def drop(self, kind: str, key: str) -> None:
        self.connection.execute("DELETE FROM item WHERE kind = ? AND key = ?", (kind, key))

    def close(self) -> None:
        self.connection.close()


def values_of(item: Any) -> dict[str, Any]:
    """The fields of a dataclass with slots, as they are: what is below is not copied."""
    return {name: getattr(item, name) for name in item.__slots__}


def open_store(path: Path | None) -> Store:
    return Memory() if path is None else SqliteFile(path)
