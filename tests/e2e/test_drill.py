"""A backup made by command while the bot writes passes the drill; a damaged or foreign one does not."""

import asyncio
import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from storage.checkpoints import append_anchor, tend
from storage.database import Database
from tests.conftest import KEY
from tests.databases import PostgresServer
from tests.storage.test_backup import a_case

ROOT = Path(__file__).parents[2]

Command: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(database_url: str, tmp_path: Path) -> Command:
    """Runs a command with the settings of the installation."""
    (tmp_path / "keys").write_text(b64encode(KEY).decode())
    environment = {
        **{name: value for name, value in os.environ.items() if "CURBSIDE" not in name},
        "CURBSIDE_DATABASE_URL": database_url,
        "CURBSIDE_DATA_DIR": str(tmp_path),
        "CURBSIDE_TOKEN": "7000000001:" + "t" * 35,
        "CURBSIDE_TELEGRAM_API": "http://127.0.0.1:9",
        "PYTHON": sys.executable,
    }

    def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, words)],
            cwd=ROOT,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def drill_url(database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """What the drill is told about where to restore to."""
    if database_url.startswith("sqlite"):
        return {}
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return {"DRILL_DATABASE_URL": server.empty_database()}


async def backed_up(database: Database, command: Command, path: Path) -> Path:
    """Make a backup while cases are written, and anchors before and after it; return the anchors."""
    anchors = path.with_name("anchors")

    async def anchored() -> None:
        published = asyncio.Event()

        async def publish(made: object) -> None:
            append_anchor(anchors, made)  # type: ignore[arg-type]
            published.set()

        tending = asyncio.create_task(tend(database, publish, every_seconds=0))
        await asyncio.wait_for(published.wait(), 5)
        tending.cancel()

    await database.write(a_case)
    await anchored()
    writing = asyncio.gather(*(database.write(a_case) for _ in range(20)))
    made = await asyncio.to_thread(command, sys.executable, "run_bot.py", "backup", path)
    await writing
    assert json.loads(made.stdout)["bytes"] == size(path), made.stdout + made.stderr
    await anchored()
    return anchors


def size(path: Path) -> int:
    return path.stat().st_size


async def test_a_backup_made_while_the_bot_writes_passes_the_drill(
    database: Database, command: Command, drill_url: dict[str, str], tmp_path: Path
) -> None:
    anchors = await backed_up(database, command, tmp_path / "copy")

    done = await asyncio.to_thread(
        command, "deploy/drill.sh", tmp_path / "copy", tmp_path / "keys", anchors, **drill_url
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout
    assert '"anchors_after_it": 1' in done.stdout
    assert "token: none" in done.stdout


async def test_a_backup_without_its_keys_fails_the_drill_and_says_so(
    database: Database, command: Command, drill_url: dict[str, str], tmp_path: Path
) -> None:
    await backed_up(database, command, tmp_path / "copy")
    (tmp_path / "other").write_text(b64encode(bytes(32 * [7])).decode())

    done = await asyncio.to_thread(
        command, "deploy/drill.sh", tmp_path / "copy", tmp_path / "other", **drill_url
    )

    assert done.returncode == 1
    assert "FAILED" in done.stdout
    assert '"error": ' in done.stdout


async def test_a_damaged_backup_fails_the_drill(
    database: Database, command: Command, drill_url: dict[str, str], tmp_path: Path
) -> None:
    await backed_up(database, command, tmp_path / "copy")
    damaged = bytearray((tmp_path / "copy").read_bytes())
    quarter = len(damaged) // 4
    damaged[quarter : 3 * quarter] = bytes(2 * quarter)
    (tmp_path / "copy").write_bytes(damaged)

    done = await asyncio.to_thread(
        command, "deploy/drill.sh", tmp_path / "copy", tmp_path / "keys", **drill_url
    )

    assert done.returncode == 1
    assert "is not a backup of Curbside, or is damaged" in done.stdout


async def test_a_backup_without_a_name_goes_into_the_data_folder(
    database: Database, command: Command, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(command, sys.executable, "run_bot.py", "backup")

    path = Path(json.loads(made.stdout)["backup"])
    assert path.parent == tmp_path / "backups"
    assert size(path) == json.loads(made.stdout)["bytes"]
