"""The real process: what refuses to start says so in one line, and a stop takes a few seconds."""

import asyncio
import os
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.bot.conftest import TOKEN
from tests.e2e.replicas import KEYS, ROOT, Replica

NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""


def replica(folder: Path, **values: str) -> Replica:
    """A process with a file of its own that does not reach Telegram."""
    kept = {name: value for name, value in os.environ.items() if "CURBSIDE" not in name}
    wanted = {
        "TOKEN": TOKEN,
        "TELEGRAM_API": NOBODY,
        "DATA_DIR": str(folder),
        "KEYS": KEYS,
        "PORT": "0",
        **values,
    }
    return Replica(kept | {f"CURBSIDE_{name}": value for name, value in wanted.items()})


async def refused(which: Replica) -> str:
    """Return the one line that a process which does not start says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "run_bot.py",
        cwd=ROOT,
        env=which.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1, said.decode()
    (line,) = said.decode().splitlines()
    return line


async def test_a_second_process_on_the_same_file_or_port_is_refused_in_one_line(
    tmp_path: Path,
) -> None:
    first = replica(tmp_path)
    await first.start()
    port = first.port
    try:
        same_file = await refused(replica(tmp_path))
        same_port = await refused(replica(tmp_path, PORT=str(port)))
    finally:
        await first.stop()

    assert same_file.startswith("Another process uses the database")
    assert "use PostgreSQL" in same_file
    assert same_port.startswith(f"Port {port} on 127.0.0.1 cannot be used")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"KEYS": "AAAA"}, "key"),
        ({"DATABASE_URL": "sqlite:////nowhere/curbside.db"}, "does not exist"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "cannot be reached"),
        ({"WEBHOOK": "true"}, "CURBSIDE_PUBLIC_URL"),
        ({"TOKNE": "x"}, "Is CURBSIDE_TOKEN meant?"),
    ],
)
async def test_what_stands_in_the_way_is_said_in_one_line(
    values: dict[str, str], words: str, tmp_path: Path
) -> None:
    assert words in await refused(replica(tmp_path, **values))


async def test_a_stop_is_orderly_and_quick_when_telegram_does_not_answer(tmp_path: Path) -> None:
    one = replica(tmp_path)
    await one.start()
    began = monotonic()

    assert await one.stop() == 0
    assert monotonic() - began <= 10
    assert not (tmp_path / "curbside.db-wal").exists()
