"""The log: whole while nobody touches it; whatever somebody does to it is found."""

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, make_url, select, text
from sqlalchemy.exc import DBAPIError

from storage import audit, consults, people
from storage.audit import Event, Head
from storage.checkpoints import (
    Checkpoint,
    UnreadableAnchor,
    anchors_of,
    append_anchor,
    checkpoint,
    publish_now,
    read_anchors,
    stored_checkpoints,
    tend,
    waiting_events,
)
from storage.database import Database, open_database
from storage.ids import new_id
from storage.keys import Keyring
from storage.migrations.append_only import drop, protect
from storage.noted import CHECKPOINTS, note_checkpoint
from storage.schema import audit_event, meta
from storage.sqlite import Sqlite
from storage.transaction import Tx
from storage.verification import VerifyReport, verify
from tests.databases import Clock

SOMEONE, CASE = new_id(), new_id()


def event(number: int) -> Event:
    return Event(
        actor=SOMEONE,
        action="consult.answer",
        object_type="consult",
        object_id=CASE,
        consult_id=CASE,
        meta={"number": number, "via": "tap"},
    )


async def write_events(database: Database, numbers: range) -> None:
    await database.write(lambda tx: [audit.record(tx, event(n)) for n in numbers].clear())
    await database.write(audit.seal)


async def kinds(database: Database, anchors: list[Checkpoint] | None = None) -> set[str]:
    report = await database.read(lambda tx: verify(tx, anchors))
    return {problem.kind for problem in report.problems}


# --- on record ----------------------------------------------------------------------------------


async def test_an_event_is_on_record_with_its_effect(database: Database, clock: Clock) -> None:
    await write_events(database, range(1))

    (entry, *_) = await database.read(audit.entries)
    assert entry.at == clock()
    assert entry.meta == {"number": 0, "via": "tap"}
    assert (entry.actor, entry.consult_id, entry.outcome) == (SOMEONE, CASE, "ok")
    assert entry.seq == 2


async def test_an_event_goes_with_the_unit_that_was_undone(database: Database) -> None:
    def unit(tx: Tx) -> None:
        audit.record(tx, event(1))
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(unit)
    await database.write(audit.seal)
    assert (await database.read(verify)) == VerifyReport(events=1, problems=(), anchored=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "Patient said no"},
        {"meta": {"note": "takes ten a day"}},
        {"meta": {"A Name": 1}},
        {"meta": {"dose": 1.5}},
        {"object_id": "über"},
        {"object_type": "x" * 65},
        {"outcome": "it went|well"},
    ],
)
async def test_words_are_refused(database: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an audit") as caught:
        await database.write(lambda tx: audit.record(tx, replace(event(1), **wrong)))
    assert "takes" not in str(caught.value)


async def test_entries_are_read_in_pages_and_by_whom_and_what(database: Database) -> None:
    await write_events(database, range(5))
    newest = await database.read(lambda tx: audit.entries(tx, limit=3))
    rest = await database.read(lambda tx: audit.entries(tx, before=newest[-1].id))

    assert [entry.meta.get("number") for entry in newest + rest] == [4, 3, 2, 1, 0, None]
    assert len(await database.read(lambda tx: audit.entries(tx, actor=SOMEONE))) == 5
    assert len(await database.read(lambda tx: audit.entries(tx, consult_id=new_id()))) == 0


async def test_many_writers_make_one_whole_chain(database: Database) -> None:
    await asyncio.gather(
        *(database.write(partial(audit.record, event=event(n))) for n in range(60)),
        *(database.write(audit.seal) for _ in range(5)),
    )
    await database.write(audit.seal)

    report = await database.read(verify)
    assert report.ok
    assert report.events == 61


async def test_units_of_one_commit_that_are_undone_leave_no_gap(database: Database) -> None:
    """SQLite commits them together: what one had put on record goes, and the next takes its place."""

    def fails(tx: Tx) -> None:
        audit.record(tx, event(0))
        raise ValueError("undone")

    def stays(tx: Tx) -> None:
        audit.record(tx, event(1))
        audit.record(tx, event(2))

    await database.write(audit.seal)
    before = await database.read(verify)
    units = [unit for _ in range(20) for unit in (fails, stays)]
    await asyncio.gather(*map(database.write, units), return_exceptions=True)
    await database.write(audit.seal)
    report = await database.read(verify)

    assert report.ok, report.problems
    assert report.events == before.events + 40


async def test_the_log_can_only_be_added_to(database: Database) -> None:
    await write_events(database, range(3))
    for statement in (
        "UPDATE audit_event SET action = 'x' WHERE seq = 2",
        "UPDATE audit_event SET seq = 99 WHERE seq = 2",
        "UPDATE audit_event SET seq = NULL WHERE seq = 2",
        "DELETE FROM audit_event WHERE seq = 2",
        "DELETE FROM audit_event",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            await database.write(partial(_execute, statement))
    assert (await database.read(verify)).ok


def _execute(statement: str, tx: Tx) -> None:
    tx.connection.execute(text(statement))


async def test_a_checkpoint_can_only_be_added(database: Database) -> None:
    await write_events(database, range(3))
    await database.write(checkpoint)
    for statement in ("UPDATE audit_checkpoint SET count = 1", "DELETE FROM audit_checkpoint"):
        with pytest.raises(DBAPIError, match="append-only"):
            await database.write(partial(_execute, statement))


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_the_keyed_digest_is_the_standard_one(key: bytes, message: bytes) -> None:
    assert audit.hmac_sha256(key)(message) == hmac.digest(key, message, "sha256")


# --- checkpoints and anchors ----------------------------------------------------------------------


async def test_a_checkpoint_is_made_only_when_something_came(database: Database) -> None:
    await write_events(database, range(3))
    made = await database.write(checkpoint)

    assert made is not None
    assert (made.seq, made.count) == (4, 4)
    assert await database.write(checkpoint) is None
    assert await database.read(waiting_events) == 0


async def test_anchors_are_appended_and_read_back(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    for number in range(2):
        await write_events(database, range(number, number + 1))
        made = await database.write(checkpoint)
        assert made is not None
        append_anchor(path, made)

    anchors = read_anchors(path.read_text().splitlines())
    assert anchors == await database.read(stored_checkpoints)
    assert path.stat().st_mode & 0o777 == 0o600
    report = await database.read(lambda tx: verify(tx, anchors))
    assert report.ok
    assert report.anchored == 3


@pytest.mark.parametrize("line", ["{}", "[1]", "not json", '{"seq": "x"}'])
def test_a_line_that_is_no_anchor_is_named(line: str) -> None:
    with pytest.raises(UnreadableAnchor, match="line 2"):
        read_anchors(["", line])


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\xff\x00", b"[" * 100_000, b'{"seq": Infinity}', b"\xff\xfe{}"]
)
def test_a_file_that_holds_no_anchors_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anchors"
    path.write_bytes(content)

    with pytest.raises(UnreadableAnchor, match="line 1 of the anchor file is not an anchor"):
        anchors_of(path)


async def test_the_log_is_tended_until_told_to_stop(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.checkpoints.SEAL_SECONDS", 0.001)
    published: list[Checkpoint] = []
    once, twice = asyncio.Event(), asyncio.Event()

    async def publish(made: Checkpoint) -> None:
        published.append(made)
        (once if len(published) == 1 else twice).set()

    await database.write(lambda tx: audit.record(tx, event(1)))
    tending = asyncio.create_task(tend(database, publish, every_seconds=0.0))
    await asyncio.wait_for(once.wait(), 5)
    await database.write(lambda tx: audit.record(tx, event(2)))
    await asyncio.wait_for(twice.wait(), 5)
    tending.cancel()

    assert [made.seq for made in published] == [2, 3]
    assert await kinds(database, published) == set()


async def test_the_log_is_tended_through_an_outage(
    file_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.checkpoints.SEAL_SECONDS", 0.001)
    await file_database.close()

    async def publish(made: Checkpoint) -> None:
        raise AssertionError(made)

    tending = asyncio.create_task(tend(file_database, publish))
    await asyncio.sleep(0.02)

    assert not tending.done()
    tending.cancel()


# --- tampering ------------------------------------------------------------------------------------

Plant = Callable[[Connection], None]


def sql(*statements: str) -> Plant:
    def plant(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return plant


def tampered(url: str, plant: Plant) -> None:
    """Do what someone with the database in hand can do: past the triggers, and put them back."""
    engine = create_engine(make_url(url))
    with engine.begin() as connection:
        drop(connection)
        plant(connection)
        protect(connection)
    engine.dispose()


COLUMNS = "at, actor, action, object_type, object_id, consult_id, outcome, meta, row_mac"
FORGED = (
    "INSERT INTO audit_event (id, {columns}, seq, prev, hash)"
    " SELECT '{id}', {columns}, {seq}, {prev}, {hash} FROM audit_event WHERE seq = 9"
)


def forged(**given: str) -> str:
    return FORGED.format(columns=COLUMNS, id=new_id().hex, **given)


PLANTED: dict[str, tuple[Plant, str]] = {
    "an action edited": (
        sql("UPDATE audit_event SET action = 'consult.read' WHERE seq = 5"),
        "altered",
    ),
    "an actor edited": (
        sql("UPDATE audit_event SET actor = consult_id WHERE seq = 5"),
        "altered",
    ),
    "an actor removed": (sql("UPDATE audit_event SET actor = NULL WHERE seq = 5"), "altered"),
    "a time edited": (sql("UPDATE audit_event SET at = at + 1 WHERE seq = 5"), "altered"),
    "an outcome edited": (
        sql("UPDATE audit_event SET outcome = 'denied' WHERE seq = 5"),
        "altered",
    ),
    "meta edited": (
        sql("""UPDATE audit_event SET meta = '{"number"\\:4}' WHERE seq = 5"""),
        "altered",
    ),
    "an object edited": (sql("UPDATE audit_event SET object_id = 'x' WHERE seq = 5"), "altered"),
    "a digest of another row": (
        sql(
            "UPDATE audit_event SET row_mac ="
            " (SELECT row_mac FROM audit_event WHERE seq = 6) WHERE seq = 5"
        ),
        "altered",
    ),
    "one from the middle deleted": (sql("DELETE FROM audit_event WHERE seq = 7"), "gap"),
    "the first deleted": (sql("DELETE FROM audit_event WHERE seq = 1"), "gap"),
    "the tail deleted": (sql("DELETE FROM audit_event WHERE seq > 22"), "tail_cut"),
    "a middle deleted and the rest renumbered": (
        sql(
            "DELETE FROM audit_event WHERE seq = 7",
            "UPDATE audit_event SET seq = -seq WHERE seq > 7",
            "UPDATE audit_event SET seq = -seq - 1 WHERE seq < 0",
        ),
        "broken_link",
    ),
    "a gap made": (
        sql(
            "UPDATE audit_event SET seq = -seq WHERE seq > 15",
            "UPDATE audit_event SET seq = -seq + 100 WHERE seq < 0",
        ),
        "gap",
    ),
    "two swapped": (
        sql(
            "UPDATE audit_event SET seq = -1 WHERE seq = 5",
            "UPDATE audit_event SET seq = 5 WHERE seq = 6",
            "UPDATE audit_event SET seq = 6 WHERE seq = -1",
        ),
        "broken_link",
    ),
    "one forged at the end": (sql(forged(seq="25", prev="hash", hash="row_mac")), "broken_link"),
    "one forged before the first": (sql(forged(seq="0", prev="prev", hash="hash")), "gap"),
    "one forged and not chained": (sql(forged(seq="NULL", prev="NULL", hash="NULL")), "altered"),
    "one unchained": (
        sql("UPDATE audit_event SET seq = NULL, prev = NULL, hash = NULL WHERE seq = 24"),
        "tail_cut",
    ),
    "a link changed": (
        sql("UPDATE audit_event SET hash = row_mac WHERE seq = 5"),
        "broken_link",
    ),
    "a link removed": (sql("UPDATE audit_event SET prev = NULL WHERE seq = 5"), "broken_link"),
    "the head removed": (sql("DELETE FROM audit_head"), "head_missing"),
    "the head changed": (sql("UPDATE audit_head SET seq = 20"), "head_altered"),
    "a checkpoint changed": (
        sql("UPDATE audit_checkpoint SET at = at + 1 WHERE seq = 11"),
        "checkpoint_forged",
    ),
    "a checkpoint of another event": (
        sql("UPDATE audit_checkpoint SET seq = 12 WHERE seq = 11"),
        "checkpoint_differs",
    ),
    "a checkpoint removed": (
        sql("DELETE FROM audit_checkpoint WHERE seq = 11"),
        "checkpoint_missing",
    ),
    "another key put in place": (
        sql(
            "UPDATE meta SET value = (SELECT value FROM meta WHERE key = 'data_key:index')"
            " WHERE key = 'data_key:audit'"
        ),
        "altered",
    ),
    "a trigger removed": (lambda connection: None, "trigger_missing"),
}


@pytest.fixture
async def anchors(database: Database) -> list[Checkpoint]:
    """A log of 24 events; checkpoints at 11 and 21."""
    await write_events(database, range(10))
    first = await database.write(checkpoint)
    await write_events(database, range(10, 20))
    second = await database.write(checkpoint)
    await write_events(database, range(20, 23))
    assert first is not None
    assert second is not None
    return [first, second]


@pytest.mark.parametrize("what", PLANTED)
async def test_tampering_is_found(
    database: Database, database_url: str, anchors: list[Checkpoint], what: str
) -> None:
    plant, expected = PLANTED[what]
    assert await kinds(database, anchors) == set()
    tampered(database_url, plant)
    if what == "a trigger removed":
        _drop_triggers(database_url)
    database._backend._keys.system.clear()

    assert expected in await kinds(database)
    assert expected in await kinds(database, anchors)


def _drop_triggers(url: str) -> None:
    engine = create_engine(make_url(url))
    with engine.begin() as connection:
        drop(connection)
    engine.dispose()


@pytest.mark.parametrize(
    "what", ["the tail deleted", "one from the middle deleted", "one unchained"]
)
async def test_what_was_cut_stays_found_after_more_was_written(
    database: Database, database_url: str, anchors: list[Checkpoint], what: str
) -> None:
    tampered(database_url, PLANTED[what][0])
    await write_events(database, range(30, 40))

    assert await kinds(database)


async def test_a_tail_cut_with_its_head_is_found_by_an_anchor(
    database: Database, database_url: str
) -> None:
    await write_events(database, range(10))
    old = await database.read(audit.noted_head)
    noted = await database.read(_noted)
    assert old is not None
    await write_events(database, range(10, 20))
    anchor = await database.write(checkpoint)
    assert anchor is not None

    def cut(connection: Connection) -> None:
        connection.execute(text("DELETE FROM audit_event WHERE seq > 11"))
        connection.execute(text("DELETE FROM audit_checkpoint"))
        connection.execute(
            text("UPDATE audit_head SET seq = :seq, hash = :hash, mac = :mac"),
            {"seq": old[0].seq, "hash": old[0].hash, "mac": old[1]},
        )

    tampered(database_url, cut)
    assert await kinds(database) == {"checkpoint_missing"}

    tampered(database_url, sql(f"UPDATE meta SET value = '{noted}' WHERE key = '{CHECKPOINTS}'"))  # noqa: S608
    assert await kinds(database) == set()
    assert await kinds(database, [anchor]) == {"anchor_beyond_end"}


def _noted(tx: Tx) -> str:
    return str(tx.connection.scalar(select(meta.c.value).where(meta.c.key == CHECKPOINTS)))


WIPED = (
    "DELETE FROM audit_event",
    "DELETE FROM audit_head",
    "DELETE FROM audit_checkpoint",
    f"DELETE FROM meta WHERE key = '{CHECKPOINTS}'",  # noqa: S608
)


async def test_a_log_that_was_wiped_is_found_without_anchors_and_stays_found(
    database: Database, database_url: str, anchors: list[Checkpoint]
) -> None:
    tampered(database_url, sql(*WIPED))
    assert await kinds(database) == {"log_missing"}

    if isinstance(database._backend, Sqlite):
        database._backend._head.lost()
    await write_events(database, range(30, 40))
    await database.write(checkpoint)
    assert "log_missing" in await kinds(database)


async def test_a_case_that_the_log_does_not_know_is_found(
    database: Database, database_url: str
) -> None:
    """All but the first event is gone, and what was noted of it, as if nothing had happened since."""
    await database.write(audit.seal)
    old = await database.read(audit.noted_head)
    noted = await database.read(_noted)
    assert old is not None
    await database.write(_with_a_case)
    await database.write(audit.seal)
    await database.write(checkpoint)
    back = {"seq": old[0].seq, "hash": old[0].hash, "mac": old[1]}

    def cut(connection: Connection) -> None:
        connection.execute(text("DELETE FROM audit_event WHERE seq > :seq"), {"seq": old[0].seq})
        connection.execute(text("DELETE FROM audit_checkpoint"))
        connection.execute(text("UPDATE audit_head SET seq = :seq, hash = :hash, mac = :mac"), back)
        connection.execute(
            text("UPDATE meta SET value = :v WHERE key = :k"), {"v": noted, "k": CHECKPOINTS}
        )

    assert await kinds(database) == set()
    tampered(database_url, cut)

    assert await kinds(database) == {"event_missing"}


def _with_a_case(tx: Tx) -> None:
    who = people.get_or_create(tx, 7, "Ana")
    consults.create(tx, who, scenario_id="mat_pain", content_hash="h")


async def test_removed_checkpoints_are_found_without_anchors_and_stay_found(
    database: Database, database_url: str, anchors: list[Checkpoint]
) -> None:
    tampered(database_url, sql("DELETE FROM audit_checkpoint"))
    assert await kinds(database) == {"checkpoint_missing"}

    await write_events(database, range(30, 40))
    await database.write(checkpoint)
    assert await kinds(database) == {"checkpoint_missing"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM meta WHERE key = '{key}'", "checkpoint_missing"),
        (
            "UPDATE meta SET value = '0:' || substr(value, 4) WHERE key = '{key}'",
            "checkpoint_forged",
        ),
        ("UPDATE meta SET value = 'x' WHERE key = '{key}'", "checkpoint_forged"),
    ],
)
async def test_a_note_of_the_newest_checkpoint_that_is_not_ours_is_found(
    database: Database, database_url: str, anchors: list[Checkpoint], change: str, found: str
) -> None:
    tampered(database_url, sql(change.format(key=CHECKPOINTS)))
    assert await kinds(database) == {found}

    await write_events(database, range(30, 40))
    await database.write(checkpoint)
    if "DELETE" in change:
        assert await kinds(database) == {found}


async def test_a_database_of_an_earlier_version_notes_its_checkpoints_from_the_next_one_on(
    database_url: str, keys: Keyring, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_before(tx: Tx) -> None:
        audit.record(tx, Event(actor=None, action="database.create"))

    monkeypatch.setattr("storage.noted.note_creation", as_before)
    database = open_database(database_url, keys, clock)
    await write_events(database, range(3))
    assert await kinds(database) == set()

    made = await database.write(checkpoint)
    assert made is not None
    assert made.count == made.seq == 5
    assert await database.write(checkpoint) is None
    assert await kinds(database) == set()
    tampered(database_url, sql("DELETE FROM audit_checkpoint"))
    assert await kinds(database) == {"checkpoint_missing"}
    await database.close()


async def test_a_removed_last_checkpoint_is_found_by_its_anchor_and_by_its_note(
    database: Database, database_url: str, anchors: list[Checkpoint]
) -> None:
    tampered(database_url, sql("DELETE FROM audit_checkpoint WHERE seq = 21"))

    assert await kinds(database) == {"checkpoint_missing"}
    assert await kinds(database, anchors) == {"checkpoint_missing"}


async def test_a_rewrite_with_the_keys_is_found_by_an_anchor(
    database: Database, database_url: str, anchors: list[Checkpoint]
) -> None:
    """Someone who has the keys as well changes an event and makes everything fit again."""
    chained = await database.read(_rewritten)

    def rewrite(connection: Connection) -> None:
        connection.execute(text("DELETE FROM audit_checkpoint"))
        for values in chained:
            connection.execute(
                text(
                    "UPDATE audit_event SET outcome = :outcome, row_mac = :mac, prev = :prev,"
                    " hash = :hash WHERE seq = :seq"
                ),
                values,
            )

    tampered(database_url, rewrite)
    head = Head(chained[-1]["seq"], chained[-1]["hash"])
    await database.write(lambda tx: audit.note_head(tx, head))
    await database.write(lambda tx: note_checkpoint(tx, 0))
    await database.write(checkpoint)

    assert await kinds(database) == set()
    assert await kinds(database, anchors) == {"anchor_differs"}


def _rewritten(tx: Tx) -> list[dict[str, Any]]:
    """Return the chain as it would be had event 5 been denied."""
    key, head, chained = audit.mac_key(tx), Head(0, audit.BEGINNING), []
    for row in tx.connection.execute(audit_event.select().order_by(audit_event.c.seq)):
        outcome = "denied" if row.seq == 5 else row.outcome
        mac = audit.row_mac(key, audit._canonical(dict(row._mapping) | {"outcome": outcome}))
        made = Head(row.seq, audit.link(key, head.hash, row.seq, mac))
        chained.append(
            {"seq": row.seq, "outcome": outcome, "mac": mac, "prev": head.hash, "hash": made.hash}
        )
        head = made
    return chained


async def test_a_forged_anchor_is_found(database: Database, anchors: list[Checkpoint]) -> None:
    wrong = [replace(anchors[0], at=1), replace(anchors[1], signature=bytes(64))]

    assert await kinds(database, wrong) == {"anchor_forged"}


async def test_an_event_that_waits_too_long_for_the_sealer_is_found(
    database: Database, clock: Clock
) -> None:
    await database.write(lambda tx: audit.record(tx, event(1)))
    if database.version().startswith("SQLite"):
        return
    assert await kinds(database) == set()
    clock.moves(seconds=120)

    assert await kinds(database) == {"unsealed"}
    await database.write(audit.seal)
    assert await kinds(database) == set()


async def test_a_report_names_the_events(database: Database, database_url: str) -> None:
    await write_events(database, range(300))
    tampered(database_url, sql("UPDATE audit_event SET outcome = 'no' WHERE seq > 5"))

    report = await database.read(verify)
    assert not report.ok
    assert str(report.problems[0]) == "event 6: altered"
    assert len(report.problems) == 200
    assert report.events == 301


async def test_publishing_returns_what_was_published(database: Database) -> None:
    published: list[Checkpoint] = []

    async def publish(made: Checkpoint) -> None:
        published.append(made)

    await write_events(database, range(2))
    made = await publish_now(database, publish)

    assert published == [made]
    assert await publish_now(database, publish) is None
