"""The schema: what the code says, on both databases; a start that is cut off begins again."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect

from storage.database import open_database
from storage.errors import StorageError
from storage.keys import Keyring
from storage.migrations import (
    HEAD,
    REVISIONS,
    bring_up_to_date,
    configuration,
    require_current,
    version_of,
)
from storage.migrations.append_only import missing_triggers
from storage.schema import metadata
from storage.sqlite import writing_engine
from tests.databases import Clock, PostgresServer, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """An engine on a database without tables."""
    if request.param == "sqlite":
        return writing_engine(tmp_path / "empty.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    engine = create_engine(server.empty_database())
    engine.connect().close()
    return engine


def test_the_migrations_make_what_the_code_says(empty: Engine) -> None:
    with empty.begin() as connection:
        bring_up_to_date(connection)
        command.check(configuration(connection))

        assert version_of(connection) == HEAD
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
        assert missing_triggers(connection) == []
    empty.dispose()


def test_the_revisions_named_are_those_there_are(empty: Engine) -> None:
    with empty.begin() as connection:
        script = ScriptDirectory.from_config(configuration(connection))
        found = [each.revision for each in script.walk_revisions()]

    assert tuple(reversed(found)) == REVISIONS
    assert script.get_current_head() == HEAD
    empty.dispose()


MIGRATED = """
import sys
from sqlalchemy import create_engine
from storage.migrations import bring_up_to_date, migrated_here
with create_engine(f"sqlite:///{sys.argv[1]}").begin() as connection:
    bring_up_to_date(connection)
print(migrated_here())
"""


def test_a_process_knows_whether_it_applied_migrations(tmp_path: Path) -> None:
    def said() -> str:
        return subprocess.run(
            [sys.executable, "-c", MIGRATED, str(tmp_path / "new.db")],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert [said(), said()] == ["True", "False"]


def test_an_up_to_date_database_needs_no_alembic(empty: Engine) -> None:
    with empty.begin() as connection:
        bring_up_to_date(connection)
    statements: list[str] = []
    event.listen(empty, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with empty.begin() as connection:
        bring_up_to_date(connection)
        require_current(connection)

    assert not any("CREATE" in statement for statement in statements)
    empty.dispose()


def test_reading_needs_the_schema_to_be_there(empty: Engine) -> None:
    with empty.begin() as connection, pytest.raises(StorageError, match="Start Curbside once"):
        require_current(connection)
    empty.dispose()


MANY = 10_000


class Interrupted(Exception):
    pass


def _interrupt() -> None:
    raise Interrupted


@contextmanager
def _interrupted_at(engine: Engine, number: int) -> Iterator[list[int]]:
    """Raise after the ``number``-th statement; the list holds how many there were."""
    ran = [0]

    def count(*_: object) -> None:
        ran[0] += 1
        if ran[0] == number:
            raise Interrupted

    event.listen(engine, "after_cursor_execute", count)
    with pytest.raises(Interrupted):
        yield ran
    event.remove(engine, "after_cursor_execute", count)


def test_a_migration_cut_off_at_any_statement_begins_again(empty: Engine) -> None:
    """At each one on SQLite; on PostgreSQL, where one takes longer, at every seventh."""
    with _interrupted_at(empty, MANY) as ran, empty.begin() as connection:
        bring_up_to_date(connection)
        _interrupt()
    for number in range(1, ran[0] + 1, 1 if empty.name == "sqlite" else 7):
        with _interrupted_at(empty, number), empty.begin() as connection:
            bring_up_to_date(connection)
        with empty.begin() as connection:
            assert inspect(connection).get_table_names() == []

    with empty.begin() as connection:
        bring_up_to_date(connection)
        assert version_of(connection) == HEAD
    empty.dispose()


def test_a_process_killed_in_a_migration_leaves_an_empty_file(tmp_path: Path) -> None:
    """Killed, not raised: nothing is rolled back by us."""
    for number in (3, 20, 40):
        path = tmp_path / f"killed-{number}.db"
        child = os.fork()
        if child == 0:  # pragma: no cover - the child is killed
            _migrate_and_die(path, number)
        os.waitpid(child, 0)
        with sqlite3.connect(path) as raw:
            tables = raw.execute("SELECT name FROM sqlite_master").fetchall()
        raw.close()

        assert tables == []


def _migrate_and_die(path: Path, number: int) -> None:  # pragma: no cover - in the child
    engine = writing_engine(path)
    ran = [0]

    def die(*_: object) -> None:
        ran[0] += 1
        if ran[0] == number:
            os._exit(9)

    event.listen(engine, "after_cursor_execute", die)
    connection: Connection
    with engine.begin() as connection:
        bring_up_to_date(connection)
    os._exit(0)


async def test_an_old_file_is_brought_up_to_date_when_opened(tmp_path: Path) -> None:
    database = open_database(sqlite_url(tmp_path), Keyring([b"\x01" * 32]), Clock())

    assert await database.read(lambda tx: version_of(tx.connection)) == HEAD
    await database.close()
