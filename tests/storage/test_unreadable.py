"""Ciphertext that was cut, altered or moved: said in its place, on record, and the rest goes on."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from storage import (
    audit,
    consults,
    discussion,
    expecting,
    letters,
    people,
    plans,
    retention,
    teams,
    transcript,
    unreadable,
)
from storage import schema as tables
from storage.database import Database
from storage.errors import KeyTrouble, Unreadable
from storage.people import Person
from storage.transaction import Tx
from storage.transcript import Incoming
from storage.unreadable import UNREADABLE
from tests.databases import Clock

WORDS = "words-as-typed"


def fill(tx: Tx) -> Person:
    """Let Ana use everything that keeps words of hers."""
    who = people.set_choices(tx, people.get_or_create(tx, 501, "Ana"), role="np")
    case = consults.create(tx, who, scenario_id="mat_pain", content_hash="h", phase="asking")
    case = consults.save(tx, replace(case, draft={"text": WORDS}), 0)
    choices = {
        "step": "STEP_90D_PLAN",
        "decided": "other",
        "agreed": "yes",
        "safeguards": [],
        "stop": "date",
        "days": [30],
        "start_at": tx.now,
        "reason": WORDS,
    }
    plans.record_plan(tx, case, who.id, choices)
    discussion.add(tx, case, who, WORDS)
    transcript.receive(
        tx,
        Incoming(
            update_id=1,
            chat_id=501,
            kind="text",
            content=WORDS,
            person_id=who.id,
            consult_id=case.id,
        ),
    )
    teams.create(tx, who.id, WORDS)
    expecting.expect(tx, who.id, "held", held=WORDS)
    return who


def case_of(tx: Tx, who: Person) -> consults.StoredConsult:
    return consults.list_for(tx, who.id).consults[0]


READS: dict[str, tuple[str, str, Callable[[Tx, Person], object], object]] = {
    "a name": ("person", "name", lambda tx, who: people.get(tx, who.id).name, UNREADABLE),
    "a draft, in the list": (
        "consult",
        "draft",
        lambda tx, who: case_of(tx, who).draft,
        consults.LOST_DRAFT,
    ),
    "why something was decided": (
        "plan",
        "reason",
        lambda tx, who: plans.plans_of(tx, case_of(tx, who))[0].reason,
        UNREADABLE,
    ),
    "a comment": (
        "comment",
        "content",
        lambda tx, who: discussion.shown(tx, case_of(tx, who).id, who.id)[0].text,
        UNREADABLE,
    ),
    "a message": (
        "transcript",
        "content",
        lambda tx, who: transcript.of_consult(tx, case_of(tx, who).id)[0].content,
        UNREADABLE,
    ),
    "a team": (
        "team",
        "name",
        lambda tx, who: teams.of_person(tx, who.id)[0].team.name,
        UNREADABLE,
    ),
    "held words": ("expecting", "held", lambda tx, who: expecting.expected(tx, who.id), None),
}


@pytest.mark.parametrize("what", READS)
async def test_an_entry_that_was_cut_says_so_and_is_on_record_once_a_day(
    database: Database, clock: Clock, what: str
) -> None:
    name, column, read, expected = READS[what]
    who = await database.write(fill)
    table = tables.metadata.tables[name]
    sealed = table.c[column]
    cut = update(table).where(sealed.is_not(None)).values({column: func.substr(sealed, 1, 20)})
    await database.write(lambda tx: tx.connection.execute(cut))

    def noted(tx: Tx) -> object:
        found = read(tx, who)
        unreadable.on_record(tx, who.id)
        return found

    for hours in (0, 1, 25):
        clock.moves(hours=hours)
        if what != "held words" or hours < 25:
            assert await database.write(noted) == expected
    events = await database.read(
        lambda tx: [e for e in audit.entries(tx) if e.action == unreadable.ACTION]
    )
    assert {(e.object_type, e.outcome, e.actor) for e in events} == {
        (f"{name}.{column}", "failed", who.id)
    }
    assert len(events) == (1 if what == "held words" else 2)


async def test_the_file_of_ones_data_says_what_of_it_cannot_be_read(database: Database) -> None:
    who = await database.write(fill)

    def cut(tx: Tx) -> None:
        for name, column in (("person", "name"), ("plan", "reason"), ("transcript", "content")):
            table = tables.metadata.tables[name]
            changed = {column: func.substr(table.c[column], 1, 20)}
            tx.connection.execute(update(table).values(changed))

    await database.write(cut)
    found = await database.read(lambda tx: retention.my_data(tx, who.id))

    assert found["person"]["name"] == UNREADABLE
    assert found["consults"][0]["plans"][0]["reason"] == UNREADABLE
    assert found["consults"][0]["messages"][0]["text"] == UNREADABLE
    assert found["comments"][0]["text"] == WORDS


async def test_a_name_that_cannot_be_read_is_taken_anew_from_telegram(database: Database) -> None:
    who = await database.write(fill)
    other = await database.write(lambda tx: people.get_or_create(tx, 502, "Ben"))

    def swap(tx: Tx) -> None:
        name = select(tables.person.c.name).where(tables.person.c.id == other.id).scalar_subquery()
        of_ana = tables.person.c.id == who.id
        tx.connection.execute(update(tables.person).where(of_ana).values(name=name))

    await database.write(swap)
    assert (await database.write(lambda tx: people.get_or_create(tx, 501, "Ana"))).name == "Ana"
    assert (await database.read(lambda tx: people.get(tx, who.id))).name == "Ana"


async def test_a_dead_letter_that_cannot_be_read_does_not_hold_up_the_others(
    database: Database,
) -> None:
    def two(tx: Tx) -> None:
        for number in (1, 2):
            letters.bury(
                tx,
                payload=f'{{"update_id": {number}}}',
                update_id=number,
                kind="text",
                keys=[],
                reason="bug",
                attempts=1,
            )
        tx.connection.execute(update(tables.dead_letter).values(replayed_at=tx.now))
        first = tables.dead_letter.c.update_id == 1
        tx.connection.execute(update(tables.dead_letter).where(first).values(payload=b"\1cut"))

    await database.write(two)
    found = await database.read(letters.asked)

    assert [payload for _, payload in found] == ['{"update_id": 2}']


async def test_a_case_that_was_read_without_its_draft_goes_no_further(database: Database) -> None:
    who = await database.write(fill)
    whole = await database.read(lambda tx: case_of(tx, who))
    consults.require_whole(whole)
    sealed = tables.consult.c.draft
    cut = update(tables.consult).values(draft=func.substr(sealed, 1, 20))
    await database.write(lambda tx: tx.connection.execute(cut))

    with pytest.raises(Unreadable, match=r"consult\.draft of"):
        consults.require_whole(await database.read(lambda tx: case_of(tx, who)))


async def test_what_ends_a_transaction_is_on_record_by_its_place(database: Database) -> None:
    who = await database.write(fill)
    unread = Unreadable("consult", "draft", who.id)
    await database.write(lambda tx: unreadable.failed(tx, who.id, unread))
    await database.write(lambda tx: unreadable.failed(tx, None, KeyTrouble("no key")))

    events = await database.read(lambda tx: audit.entries(tx, limit=2))
    assert [(e.object_type, e.object_id) for e in events] == [
        ("data_key", ""),
        ("consult.draft", str(who.id)),
    ]
