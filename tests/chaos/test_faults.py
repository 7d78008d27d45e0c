"""Faults of the machine and of our own code, with a bot that runs: it waits, says so, and goes on."""

import asyncio
import os
import resource
import signal
import sqlite3
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from bot import routes
from bot.inbox import Limits
from bot.reminders import remind
from bot.turn import Turn
from storage.database import open_database
from storage.errors import StorageError
from storage.keys import Keyring
from tests.bot.conftest import TOKEN, Clock, Conversation, talking
from tests.bot.walks import case_of, every, planned
from tests.chaos.bot import Birth, nursery
from tests.chaos.lives import Files, Servers, all_sent, stage
from tests.chaos.stories import PLANNED, Scene, Story
from tests.databases import PostgresServer, sqlite_url
from web.emulator import bot_api, new_emulator, person, served

PATIENCE = 20.0


async def until(true: Any) -> None:
    """Wait until something is true; what makes it so happens beside."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.01)


# --- the disk -------------------------------------------------------------------------------------


async def test_a_full_disk_holds_updates_back_and_the_bot_goes_on_by_itself(
    ready: Conversation,
) -> None:
    """Nothing is acknowledged, reading goes on, health is red; with room again all is handled."""
    full, writer = [True], ready.service.database.engines[0]

    @event.listens_for(writer, "begin")
    def limit(connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one() if full[0] else 2**30
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    case_before = await every(ready, "SELECT count(*) FROM consult")
    ready.me.says("/mydata")
    ready.me.taps("Start a case")
    for _ in range(40):
        ready.me.says("/privacy")
    await until(lambda: ready.service.intake.pulse.alarm == "storage")

    assert ready.emulator.updates.waiting
    assert await every(ready, "SELECT count(*) FROM consult") >= case_before
    assert (await ready.service.trouble())[0] == "storage"
    full[0] = False
    async with asyncio.timeout(PATIENCE):
        while ready.emulator.updates.waiting:  # noqa: ASYNC110 - the bot handles them
            await asyncio.sleep(0.01)
    await ready.settles()
    assert await every(ready, "SELECT count(*) FROM consult") == [(1,)]
    assert (await ready.service.trouble())[0] == ""


async def test_a_file_that_may_not_grow_is_waited_for(tmp_path: Path) -> None:
    """The kernel refuses the write: another error than a full disk, and the same patience."""
    place = Files(tmp_path).fresh()
    emulator = new_emulator(TOKEN, Clock(), seed=1)
    me = person(emulator, 501, "Ana")
    async with served(bot_api(emulator)) as url, nursery() as maker:
        birth = Birth(str(place.folder), place.url, url, began=time.time(), file_bytes=500_000)
        child = await maker.bear(birth)
        me.starts()
        for _ in range(150):
            me.says("/help")
        await Scene(emulator, lambda: all_sent(place)).button(me, "page")
        async with asyncio.timeout(PATIENCE):
            before = -1
            while (now := len(emulator.updates.waiting)) != before:
                before = now
                await asyncio.sleep(1.5)
        stuck = len(emulator.updates.waiting)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(child, resource.RLIMIT_FSIZE, (hard, hard))
        await until(lambda: not emulator.updates.waiting)
        await all_sent(place)
        os.kill(child, signal.SIGTERM)
        code = await maker.outlive()

    assert stuck > 0
    assert code == 0
    with sqlite3.connect(tmp_path / "1" / "curbside.db") as raw:
        kept = raw.execute("SELECT count(update_id) FROM transcript").fetchone()
    raw.close()
    assert kept == (151,)


def test_a_folder_that_cannot_be_written_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of the system, as root may write anywhere."""
    monkeypatch.setattr("storage.sqlite.os.access", lambda path, mode: mode != os.W_OK)

    with pytest.raises(StorageError, match=r"cannot be written\. Give write permission"):
        open_database(sqlite_url(tmp_path), Keyring([b"\x01" * 32]), Clock())


async def test_a_transaction_that_only_read_so_far_may_still_write(ready: Conversation) -> None:
    """It began as a writing one: nobody else can have begun to write meanwhile."""
    tried: list[str] = []
    path = ready.service.settings.data_dir / "curbside.db"

    def reads_then_writes(tx: Any) -> None:
        tx.connection.exec_driver_sql("SELECT count(*) FROM person").scalar()
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            tried.append(str(error))
        other.close()
        tx.connection.exec_driver_sql("UPDATE person SET path = 'full'")

    await ready.service.database.write(reads_then_writes)

    assert tried == ["database is locked"]
    assert await every(ready, "SELECT path FROM person") == [("full",)]


# --- the server -----------------------------------------------------------------------------------


async def test_a_commit_whose_answer_was_lost_has_one_effect(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """The unit is run again and finds its update handled."""
    places = Servers(tmp_path, server=postgres_server)
    place, clock = places.fresh(), Clock()
    database = open_database(place.url, Keyring.of_file(place.folder / "keys"), clock)
    dialect, lost = database.engines[0].dialect, [0]
    commit = dialect.do_commit

    def loses_its_answer(connection: Any) -> None:
        commit(connection)
        if lost[0] < 1:
            lost[0] += 1
            raise psycopg.OperationalError("the connection was closed")

    runs: list[int] = []

    def unit(tx: Any) -> str:
        runs.append(1)
        found = tx.connection.exec_driver_sql("SELECT count(*) FROM meta WHERE key = 'once'")
        if found.scalar():
            return "known"
        tx.connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES ('once', '1')")
        return "done"

    dialect.do_commit = loses_its_answer  # type: ignore[method-assign,assignment]
    try:
        outcome = await database.write(unit)
    finally:
        del dialect.do_commit
    await database.close()

    assert lost == [1]
    assert (outcome, len(runs)) == ("known", 2)


async def test_two_schedulers_remind_once(tmp_path: Path, postgres_server: PostgresServer) -> None:
    story = Story("planned", (), PLANNED)
    async with stage(Servers(tmp_path, server=postgres_server)) as on:
        place = await on._prepared(story)
    clock = Clock()
    clock.moves(days=31)
    keys = Keyring.of_file(place.folder / "keys")
    one, other = open_database(place.url, keys, clock), open_database(place.url, keys, clock)
    told = await asyncio.gather(
        *(each.write(partial(remind, "UTC")) for each in (one, other, one, other))
    )
    await one.close()
    await other.close()

    assert sorted(told, key=len) == [(), (), (), (501,)]


# --- the clock ------------------------------------------------------------------------------------


async def test_a_clock_that_jumps_reminds_once_and_keeps_the_conversation(
    ready: Conversation,
) -> None:
    await planned(ready)
    reminders = "SELECT count(*) FROM transcript WHERE kind = 'reminder'"
    for hours in (5, -2, 1, -26, 24, -3):
        ready.clock.moves(hours=hours)
        await ready.service.clock_moved()
        await ready.says("/resume")
    assert await every(ready, reminders) == [(0,)]

    for days in (31, -2, 1, 1, -29, 29):
        ready.clock.moves(days=days)
        await ready.service.clock_moved()
        await ready.settles()

    assert await every(ready, reminders) == [(1,)]
    assert await every(ready, "SELECT reason FROM dead_letter") == []


# --- our own mistakes -----------------------------------------------------------------------------


class Mistake(Exception):
    pass


@pytest.mark.parametrize("error", [Mistake, MemoryError, RecursionError])
async def test_an_update_that_makes_a_handler_fail_is_put_away_and_holds_up_nobody(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(turn: Turn, words: str) -> None:
        raise error

    monkeypatch.setitem(routes.COMMANDS, "frob", fails)
    ready.service.intake.limits = replace(Limits(), first_pause=0.01)
    ben = person(ready.emulator, 502, "Ben")
    with capture_logs() as said:
        ready.me.says("/frob")
        ben.starts()
        ready.me.says("/privacy")
        await ready.settles()

    assert [line["event"] for line in said].count("update_failed") == 5
    letters = await every(ready, "SELECT reason, attempts FROM dead_letter")
    assert letters == [(error.__name__, 5)]
    assert "second look" in ben.last.text
    assert "stored" in ready.me.last.text


async def test_an_update_that_hangs_is_put_away_in_time(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.service.intake.limits = Limits(tries=2, try_seconds=0.1, first_pause=0.01)
    respond = ready.service.handler._respond

    async def hangs(incoming: Any, findings: Any) -> Any:
        if getattr(incoming, "name", "") == "frob":
            await asyncio.sleep(3600)
        return await respond(incoming, findings)

    monkeypatch.setattr(ready.service.handler, "_respond", hangs)
    ready.me.says("/frob")
    ready.me.says("/privacy")
    await ready.settles()

    assert await every(ready, "SELECT reason, attempts FROM dead_letter") == [("TimeoutError", 2)]
    assert "stored" in ready.me.last.text


@pytest.mark.parametrize("words", ["", "x" * 5000, "<b>", '<a href="tg://x">'])
async def test_a_message_that_telegram_refuses_does_not_hold_up_the_next(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setitem(routes.COMMANDS, "frob", lambda turn, args: turn.say(words))
    ready.me.says("/frob")
    ready.me.says("/privacy")
    await ready.settles()

    assert "stored" in ready.me.last.text
    states = await every(ready, "SELECT DISTINCT state FROM transcript WHERE direction = 'out'")
    assert {state for (state,) in states} <= {"sent", "dead", "dropped"}


# --- Telegram away --------------------------------------------------------------------------------


async def test_after_a_day_without_telegram_the_bot_goes_on_with_what_there_is(
    tmp_path: Path,
) -> None:
    """What Telegram dropped is gone: its limit. What was to be sent waits and is sent."""
    clock = Clock()
    emulator = new_emulator(TOKEN, clock, seed=1)
    async with talking(tmp_path, clock, emulator) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor", "Start a case")
        case = case_of(talk.screen)
    person(emulator, 501, "Ana").forges(f"1|a|{case}|safety_now|none|", talk.screen)
    clock.moves(hours=25)
    async with talking(tmp_path, clock, emulator) as talk:
        await talk.settles()
        assert await every(talk, "SELECT 1 FROM answer_change") == []
        talk.me.forges(f"1|a|{case}|safety_now|none|", talk.screen)
        await talk.settles()

        assert await every(talk, "SELECT question FROM answer_change") == [("safety_now",)]
        assert "Where is the client" in talk.screen.text
