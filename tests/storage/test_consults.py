"""Consults: opened, saved by one at a time, listed, and really erased."""

import asyncio
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from storage import audit, consults, people, transcript
from storage.consults import ABSENT, AnswerChange, StoredConsult
from storage.database import Database
from storage.errors import Conflict, KeyTrouble, NotFound
from storage.ids import CODE_LETTERS, new_code, new_id, new_short
from storage.people import Person
from storage.schema import answer_change, consult
from storage.sealing import opened
from storage.transaction import Tx
from storage.transcript import Incoming, Outgoing
from tests.databases import Clock


def asker(tx: Tx, telegram_id: int = 5) -> Person:
    return people.get_or_create(tx, telegram_id, "Anna")


def opened_case(tx: Tx, **more: Any) -> StoredConsult:
    given: dict[str, Any] = {"scenario_id": "mat_pain", "content_hash": "h", "phase": "asking"}
    return consults.create(tx, asker(tx), **given | more)


async def test_a_consult_is_found_by_either_id(database: Database) -> None:
    made = await database.write(lambda tx: opened_case(tx, answers={"role": "np"}))

    assert await database.read(lambda tx: consults.load(tx, made.id)) == made
    assert await database.read(lambda tx: consults.load_short(tx, made.short)) == made
    with pytest.raises(NotFound):
        await database.read(lambda tx: consults.load(tx, new_id()))
    with pytest.raises(NotFound):
        await database.read(lambda tx: consults.load_short(tx, "aaaaaaaa"))


async def test_what_is_saved_is_loaded_with_its_order_and_its_three_kinds_of_nothing(
    database: Database, clock: Clock
) -> None:
    made = await database.write(opened_case)
    clock.moves(minutes=1)
    answers = {"z": "unk", "a": None, "m": ["x", "y"], "n": 2.5, "doses": [{"drug": "oxycodone"}]}
    changed = replace(
        made,
        answers=answers,
        previous={"q": None},
        draft={"words": "as she said"},
        turn=4,
        phase="confirming",
        cursor="a",
        confidence_before=3,
        finished_at=clock(),
    )
    saved = await database.write(lambda tx: consults.save(tx, changed, 0))

    loaded = await database.read(lambda tx: consults.load(tx, made.id))
    assert loaded == saved == replace(changed, revision=1, updated_at=clock())
    assert list(loaded.answers) == ["z", "a", "m", "n", "doses"]
    assert "as she said" not in repr(loaded)
    stored = await database.read(lambda tx: tx.connection.scalar(select(consult.c.draft)))
    assert stored is not None
    assert b"as she said" not in stored


async def test_of_two_who_save_at_once_one_is_told(database: Database) -> None:
    made = await database.write(opened_case)
    results = await asyncio.gather(
        *(database.write(lambda tx: consults.save(tx, made, 0)) for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Conflict) for each in results) == 4
    assert (await database.read(lambda tx: consults.load(tx, made.id))).revision == 1


async def test_codes_are_short_and_a_persons_own(database: Database) -> None:
    made = await database.write(lambda tx: [opened_case(tx) for _ in range(60)])
    codes = [each.code for each in made]

    assert len(set(codes)) == 60
    assert {code[0] for code in codes} <= set(CODE_LETTERS)
    assert {len(code) for code in codes} == {2}


def test_codes_grow_when_half_of_them_are_taken() -> None:
    taken: set[str] = set()
    for _ in range(800):
        taken.add(new_code(taken))

    assert len(taken) == 800
    assert {len(code) for code in taken} == {2, 3, 4}
    assert len(new_short()) == 8


async def test_cases_opened_at_once_have_different_codes(database: Database) -> None:
    await database.write(asker)
    made = await asyncio.gather(*(database.write(opened_case) for _ in range(12)))

    assert len({each.code for each in made}) == 12


async def test_a_list_has_pages_the_last_used_first(database: Database, clock: Clock) -> None:
    made = []
    for _ in range(5):
        made.append(await database.write(opened_case))
        clock.moves(minutes=1)
    await database.write(lambda tx: consults.save(tx, made[0], 0))
    owner = made[0].owner_id

    first = await database.read(lambda tx: consults.list_for(tx, owner, per_page=2))
    last = await database.read(lambda tx: consults.list_for(tx, owner, 99, per_page=2))
    assert [each.id for each in first.consults] == [made[0].id, made[4].id]
    assert (first.number, first.pages, first.total) == (0, 3, 5)
    assert [each.id for each in last.consults] == [made[1].id]
    assert last.number == 2
    nobody = await database.read(lambda tx: consults.list_for(tx, new_id(), -1))
    assert (nobody.consults, nobody.pages) == ((), 1)


async def test_the_latest_open_case_is_found(database: Database, clock: Clock) -> None:
    older = await database.write(opened_case)
    clock.moves(minutes=1)
    newer = await database.write(opened_case)
    closed = replace(newer, phase="closed", closed_at=clock())
    await database.write(lambda tx: consults.save(tx, closed, 0))

    found = await database.read(lambda tx: consults.latest_open(tx, older.owner_id))
    assert found == older
    assert await database.read(lambda tx: consults.latest_open(tx, new_id())) is None


async def test_the_history_tells_absent_skipped_and_not_known_apart(
    database: Database, clock: Clock
) -> None:
    made = await database.write(opened_case)
    values = [ABSENT, None, "unk", ["a"], ABSENT]
    changes = [
        AnswerChange(question="q", old=old, new=new, via="tap", by=made.owner_id, at=clock())
        for old, new in pairwise(values)
    ]
    for change in changes:
        await database.write(partial(consults.record_change, consult_id=made.id, change=change))

    assert await database.read(lambda tx: consults.history(tx, made.id)) == changes


async def test_erasing_takes_everything_but_a_tombstone(database: Database, clock: Clock) -> None:
    def fill(tx: Tx) -> StoredConsult:
        made = opened_case(tx, answers={"role": "np"})
        change = AnswerChange(
            question="role", old=ABSENT, new="np", via="tap", by=made.owner_id, at=tx.now
        )
        consults.record_change(tx, made.id, change)
        transcript.receive(
            tx, Incoming(update_id=1, chat_id=5, kind="text", content="hi", consult_id=made.id)
        )
        transcript.enqueue(
            tx, Outgoing(chat_id=5, method="sendMessage", params={}, consult_id=made.id)
        )
        return consults.save(tx, replace(made, draft={"words": "x"}), 0)

    made = await database.write(fill)
    for _ in range(2):
        await database.write(lambda tx: consults.erase(tx, made.id, by=made.owner_id))

    gone = await database.read(lambda tx: consults.load(tx, made.id))
    assert (gone.answers, gone.previous, gone.draft) == ({}, {}, {})
    assert (gone.erased_at, gone.phase) == (clock(), "closed")
    assert await database.read(transcript.unsent) == 0
    lines = await database.read(lambda tx: transcript.of_consult(tx, made.id))
    assert {(line.content, line.params) for line in lines} == {(None, None)}
    changes = await database.read(
        lambda tx: tx.connection.scalar(select(func.count()).select_from(answer_change))
    )
    assert changes == 0
    with pytest.raises(KeyTrouble, match="destroyed"):
        await database.read(lambda tx: opened(tx, made.data_key_id))
    with pytest.raises(Conflict):
        await database.write(lambda tx: consults.save(tx, made, made.revision))
    page = await database.read(lambda tx: consults.list_for(tx, made.owner_id))
    assert page.total == 0
    entries = await database.read(lambda tx: audit.entries(tx, consult_id=made.id))
    assert [entry.action for entry in entries] == ["consult.erase", "consult.create"]


async def test_a_version_of_the_content_is_kept_once(database: Database) -> None:
    def keep(tx: Tx) -> None:
        consults.store_content(
            tx, content_hash="abc", scenario_id="mat_pain", version="1", body="text = 1"
        )

    for _ in range(2):
        await database.write(keep)

    assert await database.read(lambda tx: consults.load_content(tx, "abc")) == "text = 1"
    actions = await database.read(lambda tx: [e.action for e in audit.entries(tx)])
    assert actions.count("content.store") == 1
    with pytest.raises(NotFound, match="no content abd"):
        await database.read(lambda tx: consults.load_content(tx, "abd"))
