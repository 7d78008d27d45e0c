"""A copy of the whole database while it is in use, and the way back.

The copy is as encrypted as the database: without the keys file its words cannot be read. The keys
file is therefore kept apart from it, and both are needed to restore.
"""

import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, make_url, select, text
from sqlalchemy.exc import DBAPIError

from storage.errors import StorageError
from storage.faults import postgres_trouble, unavailable
from storage.migrations import HEAD, REVISIONS, bring_up_to, bring_up_to_date, version_of
from storage.postgres import engine_for
from storage.schema import metadata
from storage.sqlite import FileLock, check_file, path_of

FORMAT = "curbside backup 1"
MANIFEST = "manifest.json"
CHUNK_BYTES = 1 << 20


def backup(url: str, path: Path) -> int:
    """Copy the database at ``url`` into the new file ``path``, and return its size in bytes.

    The copy is one moment of the database, whoever writes meanwhile. An existing file is not
    overwritten; the file appears under its name only when it is complete.
    """
    parsed = make_url(url)
    with _new_file(path) as part:
        if parsed.get_backend_name() == "sqlite":
            check_file(path_of(parsed), for_writing=False)
            _copy_file(path_of(parsed), part)
        else:
            _archive_server(url, part)
    return path.stat().st_size


def restore(path: Path, url: str) -> None:
    """Put the backup at ``path`` into the empty or absent database at ``url``.

    A database that holds anything is refused. Afterwards verify the log, with the anchors.
    """
    if not path.is_file():
        raise StorageError(f"The backup {path} does not exist.")
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        _restore_file(path, path_of(parsed))
    else:
        _restore_server(path, url)


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    """Give a file to fill beside ``path``; it takes its name when it was filled without error."""
    if path.exists():
        raise StorageError(f"{path} exists already. Name a new file, or move that one away.")
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        _flush(part)
        part.rename(path)
        _flush(path.parent)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- SQLite -----------------------------------------------------------------------------------


def _copy_file(source: Path, part: Path) -> None:
    """Copy a file of SQLite in one reading transaction, and make sure that the copy is whole."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(part)) as copy,
    ):
        try:
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").close()
            found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.DatabaseError:
            found = "unreadable"
    if found != "ok":
        raise StorageError(f"The database {source} is damaged; it was not copied.")


def _restore_file(path: Path, target: Path) -> None:
    check_file(target, for_writing=True)
    lock = FileLock(target)
    lock.take()
    try:
        with _new_file(target) as part:
            _check_backup_file(path)
            shutil.copyfile(path, part)
    finally:
        lock.release()


def _check_backup_file(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            whole = copy.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            query = "SELECT version_num FROM alembic_version"
            revision = copy.execute(query).fetchone()[0] if whole else None
    except sqlite3.DatabaseError:
        revision = None
    _refuse_unknown(path, revision)


# --- PostgreSQL -------------------------------------------------------------------------------


def _archive_server(url: str, part: Path) -> None:
    """Write every table of one snapshot into an archive: a manifest, and a COPY of each."""
    with _server(url, read_only=True) as connection, zipfile.ZipFile(part, "w", _DEFLATED) as file:
        tables = [_archive_table(connection, table, file) for table in metadata.sorted_tables]
        manifest = {"format": FORMAT, "revision": version_of(connection), "tables": tables}
        file.writestr(MANIFEST, json.dumps(manifest))


_DEFLATED = zipfile.ZIP_DEFLATED


def _archive_table(connection: Connection, table: Table, file: zipfile.ZipFile) -> dict[str, Any]:
    columns = [column.name for column in table.columns]
    with (
        file.open(f"{table.name}.copy", "w", force_zip64=True) as entry,
        _cursor(connection) as cursor,
        cursor.copy(f"COPY {_named(table.name, columns)} TO STDOUT") as copy,
    ):
        for chunk in copy:
            entry.write(chunk)
    return {"name": table.name, "columns": columns, "rows": cursor.rowcount}


def _restore_server(path: Path, url: str) -> None:
    try:
        with zipfile.ZipFile(path) as file, _server(url, read_only=False) as connection:
            manifest = _manifest(path, file)
            if version_of(connection) is not None:
                raise StorageError("The database is not empty. Restore into a new one.")
            bring_up_to(connection, manifest["revision"])
            for table in manifest["tables"]:
                _restore_table(connection, table, file)
            _continue_numbers(connection)
            bring_up_to_date(connection)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError):
        raise StorageError(f"{path} is not a backup of Curbside, or is damaged.") from None


def _manifest(path: Path, file: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(file.read(MANIFEST))
    _refuse_unknown(path, manifest["revision"] if manifest["format"] == FORMAT else None)
    return manifest


def _restore_table(connection: Connection, table: dict[str, Any], file: zipfile.ZipFile) -> None:
    with (
        file.open(f"{table['name']}.copy") as entry,
        _cursor(connection) as cursor,
        cursor.copy(f"COPY {_named(table['name'], table['columns'])} FROM STDIN") as copy,
    ):
        while chunk := entry.read(CHUNK_BYTES):
            copy.write(chunk)
    if cursor.rowcount != table["rows"]:
        raise StorageError(f"The backup of table {table['name']} is incomplete.")


def _continue_numbers(connection: Connection) -> None:
    """Let each number that the database gives go on after the restored ones."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            highest = connection.scalar(select(column).order_by(column.desc()).limit(1)) or 0
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :next, false)"),
                {"table": table.name, "column": column.name, "next": highest + 1},
            )


@contextmanager
def _server(url: str, *, read_only: bool) -> Iterator[Connection]:
    engine = engine_for(make_url(url))
    options = engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=read_only
    )
    try:
        with options.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            yield connection
    except DBAPIError as error:
        trouble = postgres_trouble(error)
        raise unavailable(trouble, error) if trouble else error from error.__cause__
    finally:
        engine.dispose()


def _cursor(connection: Connection) -> Any:
    raw: Any = connection.connection.driver_connection
    return raw.cursor()


def _named(table: str, columns: list[str]) -> str:
    """Return table and columns for COPY; names with anything but our own letters are refused."""
    names = [table, *columns]
    if not all(name.replace("_", "").isalnum() and name.isascii() for name in names):
        raise StorageError("The backup names a table or column that cannot be ours.")
    return f'"{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in columns)})'


def _refuse_unknown(path: Path, revision: str | None) -> None:
    if revision is None:
        raise StorageError(f"{path} is not a backup of Curbside, or is damaged.")
    if revision not in REVISIONS:
        raise StorageError(
            f"{path} has schema {revision}, this version of Curbside knows {HEAD}: "
            "restore it with a newer version."
        )
