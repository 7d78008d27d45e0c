"""When the power fails, every commit that was answered is there, whole, and the log verifies."""

import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from benchmarks.storage import Taps, open_cases
from storage.database import open_database
from storage.keys import Keyring
from storage.verification import verify
from tests.chaos.powercut import COMMIT, Cut, Script, cuts, recorded
from tests.databases import Clock, sqlite_url

UNITS = 120
CUTS = int(os.environ.get("CURBSIDE_POWER_CUTS", "200"))
VERIFIED_EVERY = 10
"""Opening and verifying takes longer than looking; each tenth cut has both."""


@pytest.fixture
async def run(tmp_path: Path, sqlite_template: Path) -> tuple[Path, Script]:
    """A database as it was before some taps, and what the taps did."""
    (tmp_path / "before").mkdir()
    (tmp_path / "made").mkdir()
    shutil.copy(sqlite_template, tmp_path / "made" / "curbside.db")
    keys = Keyring([b"\x01" * 32])
    database = open_database(sqlite_url(tmp_path / "made"), keys, Clock())
    taps = Taps(await database.write(open_cases))
    await database.truncate_log()
    shutil.copy(tmp_path / "made" / "curbside.db", tmp_path / "before" / "curbside.db")
    script = recorded(database)
    for _ in range(UNITS):
        chat, unit = taps.next()
        await database.write(unit, chat=chat)
    await database.close()
    return tmp_path, script


def _some_cuts(
    folder: Path, script: Script, seed: int, wanted: int, synchronous: str = "FULL"
) -> list[Cut]:
    dice = random.Random(seed)  # noqa: S311
    found: list[Cut] = []
    while len(found) < wanted:
        shutil.rmtree(folder / "run", ignore_errors=True)
        shutil.copytree(folder / "before", folder / "run")
        found += cuts(script, folder / "run", dice, synchronous=synchronous)
    return found[:wanted]


def _found(folder: Path, cut: Cut) -> dict[str, int]:
    """Return what stands in the files after a cut; raises when SQLite finds them damaged."""
    shutil.rmtree(folder / "cut", ignore_errors=True)
    (folder / "cut").mkdir()
    cut.put_into(folder / "cut")
    raw = sqlite3.connect(folder / "cut" / "curbside.db")
    try:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {
            "taken in": raw.execute(
                "SELECT count(*) FROM transcript WHERE direction = 'in'"
            ).fetchone()[0],
            "answered": raw.execute(
                "SELECT count(*) FROM transcript WHERE direction = 'out'"
            ).fetchone()[0],
            "changed": raw.execute("SELECT count(*) FROM answer_change").fetchone()[0],
            "saved": raw.execute("SELECT sum(revision) FROM consult").fetchone()[0],
            "on record": raw.execute(
                "SELECT count(*) FROM audit_event WHERE action = 'consult.answer'"
            ).fetchone()[0],
        }
    finally:
        raw.close()


async def test_no_cut_loses_what_was_answered_or_leaves_half(run: tuple[Path, Script]) -> None:
    folder, script = run
    assert [statement for statement, _ in script].count(COMMIT) == UNITS
    seed = random.randrange(10**6)  # noqa: S311
    print(f"seed {seed}")

    for number, cut in enumerate(_some_cuts(folder, script, seed, CUTS)):
        found = _found(folder, cut)
        assert len(set(found.values())) == 1, f"half a unit, seed {seed}, cut {number}: {found}"
        assert found["saved"] >= cut.answered, f"a unit lost, seed {seed}, cut {number}"
        if number % VERIFIED_EVERY == 0:
            await _opens_and_verifies(folder)


async def _opens_and_verifies(folder: Path) -> None:
    keys = Keyring([b"\x01" * 32])
    database = open_database(sqlite_url(folder / "cut"), keys, Clock())
    report = await database.read(verify)
    await database.close()
    assert report.ok, report.problems


async def test_the_disk_is_cruel_enough(run: tuple[Path, Script]) -> None:
    """With a lesser setting the same cuts do lose answered commits: the emulation can tell."""
    folder, script = run
    lost = 0
    for cut in _some_cuts(folder, script, 7, 60, synchronous="NORMAL"):
        lost += _found(folder, cut)["saved"] < cut.answered

    assert lost > 10
