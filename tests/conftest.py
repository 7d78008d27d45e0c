"""Databases, a clock and keys for every test that stores something."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from storage.database import Database, open_database
from storage.keys import Keyring
from storage.migrations import bring_up_to_date
from storage.sqlite import writing_engine
from tests.databases import Clock, PostgresServer, sqlite_url

KEY = bytes(range(1, 33))

Opener: TypeAlias = Callable[[str], Database]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> Keyring:
    return Keyring([KEY])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.hurry()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has the tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "curbside.db"
    engine = writing_engine(path)
    with engine.begin() as connection:
        bring_up_to_date(connection)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database with tables; the test runs on both kinds."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "curbside.db")
        return sqlite_url(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture
async def database(database_url: str, keys: Keyring, clock: Clock) -> AsyncIterator[Database]:
    opened = open_database(database_url, keys, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def file_database(
    sqlite_template: Path, tmp_path: Path, keys: Keyring, clock: Clock
) -> AsyncIterator[Database]:
    """A SQLite database, for what only a file has."""
    shutil.copy(sqlite_template, tmp_path / "curbside.db")
    opened = open_database(sqlite_url(tmp_path), keys, clock)
    yield opened
    await opened.close()
