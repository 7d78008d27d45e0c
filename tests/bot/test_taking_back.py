"""Words that were taken back, or whose author was forgotten, are nowhere: not where others read them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from storage import console, expecting, people, retention
from storage.schema import opinion_round
from storage.transaction import Tx
from tests.bot.conftest import talking
from tests.bot.opining import Opining, opining_of
from tests.bot.walks import every
from web.emulator import Person

REASON, COMMENT, OTHERS = "no stop date, zzqreason", "I disagree, zzqcomment", "all fine, zzqcleo"


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Opining]:
    """Ben gave a reason and a comment; Cleo and Ana have read both, and the round is closed."""
    async with talking(tmp_path) as talk:
        case = await opining_of(talk)
        await case.gives(case.ben, reason=REASON)
        await talk.taps("Discussion", "Write a comment", who=case.ben)
        await talk.says(COMMENT, case.ben)
        await case.gives(case.cleo, reason=OTHERS)
        await talk.taps("Discussion", who=case.cleo)
        await case.closes()
        await talk.taps("Discussion")
        yield case


async def forgotten(case: Opining, who: Person) -> None:
    await case.talk.says("/forgetme", who)
    who.taps("Yes, delete everything")
    await case.talk.settles()


def everywhere(tx: Tx) -> str:
    """Return all that an admin with leave, the asker and another responder may read."""
    admin = people.set_admin(tx, people.get_or_create(tx, 7004, "Boss"), is_admin=True, by=None)
    consult_id = the_case(tx)
    console.break_the_glass(tx, admin, consult_id, "safety", "Somebody called, worried.")
    found: list[Any] = [console.read_text(tx, admin, consult_id)]
    for number in (501, 504):
        who = people.by_telegram_id(tx, number)
        assert who is not None
        found.append(json.dumps(retention.my_data(tx, who.id)))
    return str(found)


def the_case(tx: Tx) -> UUID:
    found: UUID = tx.connection.execute(select(opinion_round.c.consult_id)).scalar_one()
    return found


async def test_an_admin_with_leave_reads_what_was_said(case: Opining) -> None:
    said = await case.clinic.database(everywhere)

    assert REASON in said
    assert COMMENT in said


async def test_the_words_of_somebody_forgotten_are_nowhere(case: Opining) -> None:
    await forgotten(case, case.ben)

    said = await case.clinic.database(everywhere)
    assert "zzqreason" not in said
    assert "zzqcomment" not in said
    assert "zzqcleo" in said


async def test_a_removed_comment_is_nowhere(case: Opining) -> None:
    await case.talk.taps("1", "Remove: it may identify somebody")

    said = await case.clinic.database(everywhere)
    assert "zzqcomment" not in said
    assert REASON in said


async def test_what_waits_to_be_sent_and_repeats_taken_back_words_is_not_sent(
    case: Opining,
) -> None:
    talk = case.talk
    await talk.taps("1")
    await talk.service.database.write(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE transcript SET state = 'waiting', next_try_at = '2030-01-01 00:00:00'"
            " WHERE chat_id = 504 AND kind LIKE 'opinion%'"
        )
    )
    await talk.taps("Remove: it was hurtful")

    waiting = await every(talk, "SELECT count(*) FROM transcript WHERE state = 'waiting'")
    assert waiting == [(0,)]


async def test_what_was_read_in_a_comment_goes_with_it(case: Opining) -> None:
    talk = case.talk
    await talk.taps("Write a comment", who=case.cleo)
    await talk.says("on oxycodone 10 mg three times a day for 6 months, in an OTP", case.cleo)
    await case.opens(case.ana)
    await talk.taps("Discussion", "2", "Begin a new case from it")
    held = await talk.service.database.read(_held)
    assert held is not None

    await case.opens(case.cleo)
    await talk.taps("Discussion", "2", "Take it back", who=case.cleo)

    assert await talk.service.database.read(_held) is None


def _held(tx: Tx) -> expecting.Expected | None:
    who = people.by_telegram_id(tx, 501)
    assert who is not None
    return expecting.expected(tx, who.id)
