"""Forgetting: what was erased is in no file, what is old has no words, what stays still verifies."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from storage import audit, consults, people, plans, retention, transcript
from storage.consults import ABSENT, AnswerChange
from storage.database import Database
from storage.errors import KeyTrouble
from storage.people import Person
from storage.retention import Purged
from storage.schema import consult, data_key, person
from storage.schema import transcript as table
from storage.sealing import opened
from storage.transaction import Tx
from storage.transcript import Incoming, Outgoing
from storage.verification import verify
from tests.databases import Clock

BUTTONS: dict[str, Any] = {"reply_markup": {"inline_keyboard": []}}
NAME, WORDS, PLAN, DRAFT = "Annabella", "words-as-typed", "plan-as-typed", "draft-as-typed"


def fill(tx: Tx) -> Person:
    """Let Annabella use everything that keeps something."""
    who = people.get_or_create(tx, 424242, NAME)
    case = consults.create(
        tx, who, scenario_id="mat_pain", content_hash="h", phase="asking", answers={"role": "np"}
    )
    case = consults.save(tx, replace(case, draft={"text": DRAFT}), 0)
    change = AnswerChange(question="role", old=ABSENT, new="np", via="tap", by=who.id, at=tx.now)
    consults.record_change(tx, case.id, change)
    inward = Incoming(
        update_id=1,
        chat_id=424242,
        kind="text",
        content=WORDS,
        person_id=who.id,
        consult_id=case.id,
    )
    transcript.receive(tx, inward)
    transcript.receive(tx, replace(inward, update_id=2, consult_id=None))
    for consult_id in (case.id, None):
        transcript.enqueue(
            tx,
            Outgoing(
                chat_id=424242,
                method="sendMessage",
                params={"text": WORDS},
                consult_id=consult_id,
                person_id=who.id,
                screen=True,
            ),
        )
    _plan(tx, case, who)
    return who


def _plan(tx: Tx, case: consults.StoredConsult, who: Person) -> None:
    choices = {
        "step": "STEP_90D_PLAN",
        "decided": "yes",
        "agreed": "yes",
        "safeguards": ["naloxone"],
        "stop": "date",
        "days": [30, 90],
        "start_at": tx.now,
        "reason": PLAN,
    }
    plans.record_plan(tx, case, who.id, choices)
    plans.dispose(tx, case, "naloxone", "done")
    plans.schedule(tx, case, [("review", 30, tx.now, tx.now)])


async def deliver(database: Database) -> None:
    def unit(tx: Tx) -> None:
        for waiting in transcript.claim(tx, None, 100):
            transcript.sent(tx, waiting.id, 77)

    while await database.read(transcript.unsent):
        await database.write(unit)


# --- taken along --------------------------------------------------------------------------------


async def test_a_person_takes_everything_along(database: Database) -> None:
    who = await database.write(fill)
    found = json.loads(json.dumps(await database.read(lambda tx: retention.my_data(tx, who.id))))

    assert found["person"]["name"] == NAME
    (case,) = found["consults"]
    assert case["answers"] == {"role": "np"}
    assert case["in_progress"] == {"text": DRAFT}
    assert case["history"][0]["new"] == "np"
    assert "old" not in case["history"][0]
    assert case["plans"][0]["reason"] == PLAN
    assert case["dispositions"] == {"naloxone": "done"}
    assert len(case["reviews"]) == 1
    assert [line["text"] for line in case["messages"]] == [WORDS, None]
    assert len(found["other_messages"]) == 2
    assert {"consult.create"} <= {entry["action"] for entry in found["log"]}


async def test_a_forgotten_person_has_nothing_to_take_along(database: Database) -> None:
    who = await database.write(fill)
    await database.write(lambda tx: retention.forget_person(tx, who.id, by=who.id))

    found = await database.read(lambda tx: retention.my_data(tx, who.id))
    assert found["person"]["telegram_id"] is None
    assert found["other_messages"] == []
    assert found["consults"][0]["answers"] == {}


async def test_files_that_were_sent_are_named_and_never_in_the_file(database: Database) -> None:
    who = await database.write(fill)
    await database.write(lambda tx: transcript.enqueue(tx, _document(who)))
    before = await database.read(lambda tx: retention.my_file(tx, who.id))
    await deliver(database)
    after = await database.read(lambda tx: retention.my_file(tx, who.id))

    for each in (before, after):
        assert b"case.pdf" in each
        assert b"Q29udGVudA" not in each
    (kept,) = await database.read(
        lambda tx: [each.params for each in transcript.of_chat(tx, 424242) if each.kind == "file"]
    )
    assert kept == {"document": {"filename": "case.pdf"}, "caption": "A file"}


def _document(who: Person, **more: Any) -> Outgoing:
    content = "Q29udGVudA" * 2000
    params = {"document": {"filename": "case.pdf", "base64": content}, "caption": "A file"}
    return Outgoing(
        chat_id=424242,
        method="sendDocument",
        params=params,
        person_id=who.id,
        kind="file",
        **more,
    )


async def test_of_too_many_messages_the_newest_are_in_the_file(database: Database) -> None:
    who = await database.write(fill)

    def many(tx: Tx) -> None:
        for number in range(300):
            params = {"text": f"message {number} {WORDS}"}
            out = Outgoing(chat_id=424242, method="sendMessage", params=params, person_id=who.id)
            transcript.enqueue(tx, out)

    await database.write(many)
    whole = await database.read(lambda tx: retention.my_data(tx, who.id))
    some = await database.read(lambda tx: retention.my_data(tx, who.id, most=10_000))

    assert (len(whole["other_messages"]), whole["messages_left_out"]) == (302, 0)
    assert 10 < len(some["other_messages"]) < 100
    assert some["other_messages"] == whole["other_messages"][-len(some["other_messages"]) :]
    assert some["messages_left_out"] == 302 - len(some["other_messages"])


async def test_the_file_can_be_had_three_times_within_a_day(
    database: Database, clock: Clock
) -> None:
    who = await database.write(fill)
    for _ in range(3):
        assert await database.read(lambda tx: retention.may_export(tx, who.id)) is None
        await database.write(lambda tx: retention.note_export(tx, who.id))
        clock.moves(hours=1)

    again = await database.read(lambda tx: retention.may_export(tx, who.id))
    assert again == clock() + timedelta(hours=21)
    clock.moves(hours=21)
    assert await database.read(lambda tx: retention.may_export(tx, who.id)) is None


# --- forgotten ----------------------------------------------------------------------------------


async def test_a_forgotten_person_is_in_no_row(database: Database) -> None:
    who = await database.write(fill)
    await deliver(database)
    count = await database.write(lambda tx: retention.forget_person(tx, who.id, by=who.id))

    assert count == 1
    rows = await database.read(_all_rows)
    for trace in (NAME, WORDS, PLAN, DRAFT, "424242"):
        assert trace not in rows
    tombstone = await database.read(lambda tx: people.get(tx, who.id))
    assert (tombstone.status, tombstone.telegram_id, tombstone.name) == ("deleted", None, "")
    with pytest.raises(KeyTrouble, match="destroyed"):
        await database.read(lambda tx: opened(tx, who.data_key_id))
    assert await database.read(lambda tx: transcript.seen(tx, 1) and transcript.seen(tx, 2))
    await database.write(audit.seal)
    assert (await database.read(verify)).ok


def _all_rows(tx: Tx) -> str:
    tables = (person, consult, table, data_key)
    return str([[tuple(row) for row in tx.connection.execute(select(each))] for each in tables])


async def test_someone_forgotten_may_come_back_as_a_new_person(database: Database) -> None:
    who = await database.write(fill)
    await database.write(lambda tx: retention.forget_person(tx, who.id, by=who.id))
    again = await database.write(lambda tx: people.get_or_create(tx, 424242, NAME))

    assert again.id != who.id
    assert await database.read(lambda tx: consults.list_for(tx, again.id).total) == 0


async def test_the_farewell_reaches_its_chat_and_then_loses_it(database: Database) -> None:
    who = await database.write(fill)

    def farewell(tx: Tx) -> UUID:
        retention.forget_person(tx, who.id, by=who.id)
        return transcript.enqueue(
            tx,
            Outgoing(
                chat_id=424242, method="sendMessage", params={"text": "Bye"}, person_id=who.id
            ),
        )

    await database.write(farewell)
    (waiting,) = await database.write(lambda tx: transcript.claim(tx, 424242))
    assert waiting.params == {"text": "Bye"}
    await database.write(lambda tx: transcript.sent(tx, waiting.id, 78))
    await retention.purge_all(database)

    assert "424242" not in await database.read(_all_rows)


async def test_erased_words_and_keys_are_in_no_file(
    file_database: Database, tmp_path: Path
) -> None:
    who = await file_database.write(fill)
    await deliver(file_database)
    traces = await file_database.read(lambda tx: _ciphertexts_and_keys(tx, who))
    assert len(traces) >= 6
    assert _found(tmp_path, traces) == len(traces)
    await file_database.write(lambda tx: retention.forget_person(tx, who.id, by=who.id))
    await file_database.truncate_log()

    assert _found(tmp_path, traces) == 0
    assert _found(tmp_path, [text.encode() for text in (NAME, WORDS, PLAN, DRAFT)]) == 0
    assert (await file_database.read(verify)).ok


def _ciphertexts_and_keys(tx: Tx, who: Person) -> list[bytes]:
    """Return every wrapped key and ciphertext that stands for the person's words."""
    keys = select(data_key.c.wrapped).where(data_key.c.scope != "system")
    kept = [
        *tx.connection.scalars(keys),
        *tx.connection.scalars(select(person.c.name)),
        *tx.connection.scalars(select(consult.c.draft)),
        *tx.connection.scalars(select(table.c.content)),
        *tx.connection.scalars(select(table.c.params)),
    ]
    return [each[-40:] for each in kept if each]


def _found(folder: Path, traces: list[bytes]) -> int:
    files = b"".join(path.read_bytes() for path in folder.glob("curbside.db*"))
    return sum(trace in files for trace in traces)


# --- old ------------------------------------------------------------------------------------------


async def test_words_go_after_180_days_and_what_happened_stays(
    database: Database, clock: Clock
) -> None:
    who = await database.write(fill)
    await deliver(database)
    clock.moves(days=179)
    assert await retention.purge_all(database) == 0
    clock.moves(days=2)

    assert await retention.purge_all(database) == 6
    assert await retention.purge_all(database) == 0
    lines = await database.read(lambda tx: transcript.of_chat(tx, 424242))
    assert {(line.content, line.params) for line in lines} == {(None, None)}
    assert len(lines) == 4
    (case,) = await database.read(lambda tx: consults.list_for(tx, who.id).consults)
    assert case.draft == {}
    assert case.answers == {"role": "np"}


@pytest.mark.parametrize("kind", ["opinion", "opinion.talk", "suggestions"])
async def test_what_repeats_somebodys_words_is_not_kept_once_it_is_sent(
    database: Database, kind: str
) -> None:
    who = await database.write(fill)
    quoting = Outgoing(
        chat_id=424242,
        method="sendMessage",
        params={"text": WORDS, **BUTTONS},
        person_id=who.id,
        kind=kind,
    )
    first = await database.write(lambda tx: transcript.enqueue(tx, quoting))
    (waiting,) = [
        each
        for each in await database.write(lambda tx: transcript.claim(tx, 424242, 10))
        if each.id == first
    ]
    assert waiting.params == {"text": WORDS, **BUTTONS}
    await database.write(lambda tx: transcript.sent(tx, first, 5))
    second = await database.write(lambda tx: transcript.enqueue(tx, quoting))
    await database.write(lambda tx: transcript.dead(tx, second, "refused"))
    third = await database.write(lambda tx: transcript.enqueue(tx, quoting))
    await database.write(lambda tx: transcript.drop_chat(tx, 424242, "blocked"))

    kept = {each.id: each for each in await _lines(database)}
    assert [(kept[n].state, kept[n].params) for n in (first, second, third)] == [
        ("sent", BUTTONS),
        ("dead", BUTTONS),
        ("dropped", None),
    ]


async def _lines(database: Database) -> list[transcript.Line]:
    return await database.read(lambda tx: transcript.of_chat(tx, 424242))


async def test_what_an_earlier_version_kept_goes_with_the_next_run(database: Database) -> None:
    who = await database.write(fill)
    await deliver(database)

    def as_before(tx: Tx) -> None:
        quoting = Outgoing(
            chat_id=424242, method="sendMessage", params={"text": WORDS}, kind="opinion"
        )
        for each in (quoting, _document(who)):
            number = transcript.enqueue(tx, each)
            tx.connection.execute(update(table).where(table.c.id == number).values(state="sent"))

    await database.write(as_before)

    assert await retention.purge_all(database) == 2
    assert await retention.purge_all(database) == 0
    assert [each.params for each in (await _lines(database))[-2:]] == [None, None]


async def test_what_is_still_to_be_sent_keeps_its_words(database: Database, clock: Clock) -> None:
    await database.write(fill)
    clock.moves(days=400)
    await retention.purge_all(database)

    waiting = await database.write(lambda tx: transcript.claim(tx, 424242, 1))
    assert waiting[0].params == {"text": WORDS}


async def test_a_large_purge_goes_in_rounds(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.retention.BATCH", 2)

    def many(tx: Tx) -> None:
        for number in range(7):
            transcript.receive(
                tx, Incoming(update_id=number, chat_id=5, kind="text", content=WORDS)
            )

    await database.write(many)
    clock.at = datetime(2030, 1, 1, tzinfo=UTC)

    first = await database.write(retention.purge)
    assert first == Purged(
        texts=2, drafts=0, letters=0, chats=0, reasons=0, decisions=0, comments=0
    )
    assert first.more
    assert await retention.purge_all(database) == 5


async def test_a_run_is_on_record_when_it_removed_something_and_once_a_day_otherwise(
    database: Database, clock: Clock
) -> None:
    for removed, hours in ((0, 1), (0, 1), (3, 1), (0, 1)):
        await database.write(lambda tx, n=removed: retention.note_run(tx, n))  # type: ignore[misc]
        clock.moves(hours=hours)

    noted = await database.read(
        lambda tx: [e.meta["rows"] for e in audit.entries(tx) if e.action == "retention.run"]
    )
    assert sorted(noted) == [0, 3]


async def test_a_quiet_day_is_on_record_as_well(database: Database, clock: Clock) -> None:
    for _ in range(3):
        await database.write(lambda tx: retention.note_run(tx, 0))
        clock.moves(hours=24)

    noted = await database.read(
        lambda tx: [e for e in audit.entries(tx) if e.action == "retention.run"]
    )
    assert len(noted) == 3
