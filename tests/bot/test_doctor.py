"""Each thing that stands in the way is one line that ends with what to do about it."""

import json
import os
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.doctor import Finding, findings, queue, sqlite_version, time_difference
from bot.settings import Settings
from storage import people, transcript
from storage.console import System
from storage.database import Database
from storage.transaction import Tx
from storage.transcript import Outgoing
from tests.bot.conftest import TOKEN
from tests.conftest import KEY
from tests.databases import Clock
from web.emulator import Emulator, bot_api, new_emulator, person, served

SECRET = "w" * 32


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(b64encode(KEY).decode())
    path.chmod(0o600)
    return path


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    return new_emulator(TOKEN, clock, seed=1)


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[str]:
    async with served(bot_api(emulator)) as url:
        yield url


@pytest.fixture
def given(database: Database, database_url: str, keys_file: Path, tmp_path: Path) -> dict[str, Any]:
    """Settings of a local installation that is well."""
    return {"data_dir": tmp_path, "database_url": database_url, "keys_file": keys_file}


async def looked(clock: Clock, **values: Any) -> dict[str, Finding]:
    found = [finding async for finding in findings(Settings(**values), clock)]
    assert all(finding.line.startswith("FAIL" if finding.remedy else "ok") for finding in found)
    return {finding.what: finding for finding in found}


def remedies(found: dict[str, Finding]) -> dict[str, str]:
    """Return what is to be done, clocks aside: the one of these tests stands still."""
    return {
        what: finding.remedy
        for what, finding in found.items()
        if finding.remedy and "clock" not in what
    }


async def test_a_local_installation_that_is_well_has_no_remedy(
    given: dict[str, Any], clock: Clock
) -> None:
    found = await looked(clock, **given)

    assert remedies(found) == {}
    assert found["token"].found.startswith("none")
    assert found["queue"].found == "unsent messages: 0; updates put away: 0"
    assert json.loads(found["keys"].json)["ok"]


async def test_a_bot_that_fetches_is_known_to_telegram_and_has_no_webhook(
    given: dict[str, Any], clock: Clock, api: str
) -> None:
    found = await looked(clock, **given, token=TOKEN, telegram_api=api, admins=(1,))

    assert remedies(found) == {}
    assert found["token"].found.startswith("@")
    assert found["webhook"].found == "none, updates are fetched; 0 updates waiting"


async def test_without_an_admin_it_says_how_to_become_one(
    given: dict[str, Any], clock: Clock, api: str
) -> None:
    found = await looked(clock, **given, token=TOKEN, telegram_api=api)

    assert found["admins"].found == "none"
    assert "/whoami" in found["admins"].remedy


async def test_before_the_first_start_nothing_fails_for_what_it_will_make(
    clock: Clock, tmp_path: Path
) -> None:
    fresh = {
        "data_dir": tmp_path / "data",
        "database_url": f"sqlite:///{tmp_path / 'data' / 'curbside.db'}",
    }
    found = await looked(clock, **fresh, keys_file=tmp_path / "data" / "keys")
    of_settings = await looked(
        clock, **fresh, keys_file=tmp_path / "none", keys=f"{b64encode(KEY).decode()}"
    )

    for each in (found, of_settings):
        assert each["database"].found == "none yet: the first start makes it (make run)"
        assert [finding.what for finding in each.values() if finding.remedy] == []
    assert found["keys"].found == "none yet: the first start makes it (make run)"
    assert not (tmp_path / "data").exists()


async def test_keys_without_their_database_say_what_makes_or_restores_it(
    clock: Clock, keys_file: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'curbside.db'}"
    found = await looked(clock, data_dir=tmp_path, database_url=url, keys_file=keys_file)

    assert "the first start makes it (make run)" in found["database"].remedy
    assert "restore the latest backup" in found["database"].remedy


async def test_a_database_without_its_keys_wants_them_back(
    clock: Clock, given: dict[str, Any], database_url: str, tmp_path: Path
) -> None:
    if not database_url.startswith("sqlite"):
        pytest.skip("a server's database is taken to be there")
    found = await looked(clock, **{**given, "keys_file": tmp_path / "lost"})

    assert "Restore it" in found["keys"].remedy


async def test_the_first_admin_finds_their_number_among_those_who_wrote_last(
    given: dict[str, Any], clock: Clock, api: str, database: Database
) -> None:
    for number in (11, 22, 33, 44):
        await database.write(lambda tx, n=number: people.get_or_create(tx, n, "Somebody"))  # type: ignore[misc]

    found = await looked(clock, **given, token=TOKEN, telegram_api=api)
    named = await looked(clock, **given, token=TOKEN, telegram_api=api, admins=(44,))

    assert found["admins"].found == "none; wrote to the bot last: 44, 33, 22"
    assert named["admins"].found == "44"


async def test_without_keys_or_database_nobody_is_known_to_have_written(
    given: dict[str, Any], clock: Clock, api: str, tmp_path: Path
) -> None:
    for values in (
        {"keys_file": tmp_path / "none"},
        {"database_url": f"sqlite:///{tmp_path}/no.db"},
    ):
        found = await looked(clock, **(given | values), token=TOKEN, telegram_api=api)

        assert found["admins"].found == "none"


async def test_on_the_local_phone_one_of_its_people_is_admin(
    given: dict[str, Any], clock: Clock
) -> None:
    assert "local phone it is Admin" in (await looked(clock, **given))["admins"].found


async def test_a_webhook_of_somebody_else_is_named(
    given: dict[str, Any], clock: Clock, api: str, emulator: Emulator
) -> None:
    emulator.webhook.url = "https://thief.example/hook"

    found = await looked(clock, **given, token=TOKEN, telegram_api=api, admins=(1,))

    assert found["webhook"].found.startswith("https://thief.example/hook")
    assert "revoke it in BotFather" in found["webhook"].remedy


async def test_a_webhook_that_does_not_get_through_is_told(
    given: dict[str, Any], clock: Clock, api: str, emulator: Emulator
) -> None:
    emulator.webhook.url = "https://bot.example/telegram"
    emulator.webhook.last_error = "Connection refused"
    person(emulator, 501, "Ana").says("hi")

    found = await looked(
        clock,
        **given,
        token=TOKEN,
        telegram_api=api,
        admins=(1,),
        webhook=True,
        webhook_secret=SECRET,
        public_url="https://bot.example",
    )

    assert "last failure: Connection refused" in found["webhook"].found
    assert "from outside" in found["webhook"].remedy


async def test_a_refused_token_and_an_unreachable_telegram_are_told_apart(
    given: dict[str, Any], clock: Clock, api: str
) -> None:
    wrong = await looked(clock, **given, token=TOKEN[:-1] + "x", telegram_api=api)
    away = await looked(clock, **given, token=TOKEN, telegram_api="http://127.0.0.1:9")

    assert "BotFather" in wrong["token"].remedy
    assert "network" in away["token"].remedy
    assert away["clock"].found == "could not be compared"


async def test_keys_that_others_can_read_and_keys_that_are_missing(
    given: dict[str, Any], clock: Clock, keys_file: Path
) -> None:
    keys_file.chmod(0o644)  # noqa: ASYNC240 - nothing else runs in this loop
    readable = await looked(clock, **given)
    keys_file.unlink()  # noqa: ASYNC240
    missing = await looked(clock, **given)

    assert readable["keys"].remedy.startswith("chmod 0400")
    assert missing["keys"].remedy
    assert "database" not in missing


async def test_keys_from_the_environment_are_well(given: dict[str, Any], clock: Clock) -> None:
    found = await looked(clock, **given, keys=b64encode(KEY).decode())

    assert found["keys"].line == "ok   keys: from CURBSIDE_KEYS"


async def test_a_database_that_does_not_open_says_why(given: dict[str, Any], clock: Clock) -> None:
    url = make_url(given["database_url"]).set(database="/nowhere/at_all")
    found = await looked(
        clock, **given | {"database_url": url.render_as_string(hide_password=False)}
    )

    assert found["database"].remedy


async def test_a_page_that_is_damaged_is_found_however_large_the_file(
    file_database: Database,
    tmp_path: Path,
    keys_file: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await file_database.write(lambda tx: people.get_or_create(tx, 5, "Anna"))
    await file_database.close()
    path = tmp_path / "curbside.db"
    with sqlite3.connect(path) as raw:
        (root,) = raw.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_transcript_given_up'"
        ).fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
    raw.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * size : root * size] = os.urandom(size)
    path.write_bytes(content)
    monkeypatch.setattr("storage.sqlite.QUICK_CHECK_BYTES", 0)

    found = await looked(clock, data_dir=tmp_path, keys_file=keys_file)

    assert "restore the latest backup" in found["database"].remedy


async def test_what_waits_for_long_is_named(
    given: dict[str, Any], clock: Clock, database: Database
) -> None:
    def enqueue(tx: Tx) -> None:
        transcript.enqueue(tx, Outgoing(chat_id=5, method="sendMessage", params={"text": "one"}))

    await database.write(enqueue)
    real = given | {"token": TOKEN, "telegram_api": "http://127.0.0.1:9"}
    soon = await looked(clock, **real)
    clock.moves(minutes=11)
    late = await looked(clock, **real)
    copy = await looked(clock, **given)

    assert soon["queue"].line == "ok   queue: unsent messages: 1 since 0 min; updates put away: 0"
    assert "/readyz" in late["queue"].remedy
    assert not copy["queue"].remedy


async def test_clocks_that_are_apart_are_set_by_ntp(given: dict[str, Any], clock: Clock) -> None:
    async def dated(_request: Request) -> Response:
        return Response(headers={"Date": format_datetime(clock() + timedelta(minutes=2))})

    async with served(Starlette(routes=[Route("/", dated)])) as url:
        found = await time_difference(Settings(**given, telegram_api=url), clock)
        on_time = await time_difference(
            Settings(**given, telegram_api=url), lambda: clock() + timedelta(minutes=2)
        )
    server = await looked(clock, **given)

    assert found.line.startswith("FAIL clock: 120 s apart")
    assert "NTP" in found.remedy
    assert not on_time.remedy
    if not given["database_url"].startswith("sqlite"):
        assert "NTP" in server["database clock"].remedy


async def test_anchors_are_where_the_bot_may_write(
    given: dict[str, Any], clock: Clock, tmp_path: Path
) -> None:
    well = await looked(clock, **given, anchor_file=tmp_path / "anchors", anchor_chat=7)
    nowhere = await looked(clock, **given, anchor_file=tmp_path / "missing" / "anchors")
    folder = await looked(clock, **given, anchor_file=tmp_path)

    assert well["anchors"].line == f"ok   anchors: {tmp_path}/anchors, chat 7"
    assert "CURBSIDE_ANCHOR_FILE" in nowhere["anchors"].remedy
    assert "is a folder" in folder["anchors"].remedy


async def test_a_folder_and_a_scenario_that_are_none(
    given: dict[str, Any], clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor.FREE_MIB", 10**9)
    full = await looked(clock, **given, scenario="no_such")
    lost = await looked(clock, **given | {"data_dir": tmp_path / "not" / "here"})

    assert full["disk"].remedy.startswith("free at least")
    assert "CURBSIDE_SCENARIO" in full["scenario"].remedy
    assert "CURBSIDE_DATA_DIR" in lost["disk"].remedy


@pytest.mark.parametrize(
    ("version", "bad"),
    [("3.40.1", True), ("3.44.6", False), ("3.50.6", True), ("3.50.7", False), ("3.54.0", False)],
)
def test_sqlite_in_the_range_of_the_bug_is_named(
    version: str, bad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version", version)

    assert ("WAL-reset bug" in sqlite_version(Settings()).found) is bad


def test_an_empty_queue_has_no_age(clock: Clock) -> None:
    found = System(
        waiting=0,
        oldest=None,
        given_up={},
        letters=2,
        reviews_late=0,
        size_bytes=1,
    )

    assert queue(found, clock() + timedelta(days=1), serving=True).line == (
        "ok   queue: unsent messages: 0; updates put away: 2"
    )
