"""The transcript: nothing handled twice, nothing unsent forgotten, a chat's calls in order."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select

from storage import consults, people, transcript
from storage.database import Database, open_database
from storage.errors import AlreadySeen
from storage.keys import Keyring
from storage.schema import transcript as table
from storage.transaction import Tx
from storage.transcript import Incoming, Outgoing, Waiting
from tests.databases import Clock

MINUTE = timedelta(minutes=1)


def said(text: str, chat: int = 5, **more: object) -> Outgoing:
    return Outgoing(chat_id=chat, method="sendMessage", params={"text": text}, **more)  # type: ignore[arg-type]


async def queue(database: Database, *outgoing: Outgoing) -> list[UUID]:
    return await database.write(lambda tx: [transcript.enqueue(tx, each) for each in outgoing])


async def take(database: Database, chat: int | None = 5, limit: int = 10) -> list[Waiting]:
    return await database.write(lambda tx: transcript.claim(tx, chat, limit))


async def texts(database: Database, chat: int | None = 5) -> list[str]:
    return [waiting.params["text"] for waiting in await take(database, chat)]


async def delivered(database: Database, waiting: Waiting, message_id: int | None) -> None:
    await database.write(lambda tx: transcript.sent(tx, waiting.id, message_id))


# --- in ---------------------------------------------------------------------------------------


async def test_an_update_is_taken_in_once(database: Database) -> None:
    incoming = Incoming(update_id=9, chat_id=5, kind="text", content="Pain since May\x00")
    await database.write(lambda tx: transcript.receive(tx, incoming))

    assert await database.read(lambda tx: transcript.seen(tx, 9))
    with pytest.raises(AlreadySeen) as caught:
        await database.write(lambda tx: transcript.receive(tx, incoming))
    assert caught.value.update_id == 9
    (line,) = await database.read(lambda tx: transcript.of_chat(tx, 5))
    assert (line.direction, line.content, line.state) == ("in", "Pain since May", "received")


async def test_ids_may_come_in_any_order_and_restart_lower(database: Database) -> None:
    ids = [50, 3, 49, 51, 1]
    for update_id in ids:
        incoming = Incoming(update_id=update_id, chat_id=5, kind="text")
        await database.write(partial(transcript.receive, incoming=incoming))

    assert await database.read(
        lambda tx: [n for n in range(55) if transcript.seen(tx, n)]
    ) == sorted(ids)


async def test_the_same_update_on_five_tasks_has_one_effect(database: Database) -> None:
    def unit(tx: Tx) -> None:
        transcript.receive(tx, Incoming(update_id=9, chat_id=5, kind="text"))
        transcript.enqueue(tx, said("hello"))

    results = await asyncio.gather(
        *(database.write(unit) for _ in range(5)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in results) == ["AlreadySeen"] * 4 + ["NoneType"]
    assert await database.read(transcript.unsent) == 1


async def test_words_are_in_no_column_as_they_are(database: Database) -> None:
    incoming = Incoming(update_id=9, chat_id=5, kind="text", content="secret words")
    await database.write(lambda tx: transcript.receive(tx, incoming))
    await queue(database, said("secret words", screen=True))

    rows = await database.read(
        lambda tx: [list(row) for row in tx.connection.execute(select(table))]
    )
    assert "secret words" not in str(rows)
    assert b"secret words" not in b"".join(v for row in rows for v in row if isinstance(v, bytes))


# --- out --------------------------------------------------------------------------------------


async def test_a_chats_calls_are_taken_oldest_first_and_held_once(database: Database) -> None:
    await queue(database, said("one"), said("two"), said("other", chat=6), said("three"))

    assert await texts(database) == ["one", "two", "three"]
    assert await texts(database) == []
    assert await texts(database, 6) == ["other"]


async def test_what_is_held_as_it_is_written_is_what_a_claim_returns(database: Database) -> None:
    """The same of the same call, but for which row it is and when it was made."""
    call = said("one", kind="case.asking", screen=True, coalesce="edit:7", thread_id=3)
    held = await database.write(lambda tx: transcript.hold(tx, call, MINUTE, by="us"))
    nobody_gets_it = await take(database)
    await delivered(database, held, 100)
    await queue(database, call)
    (claimed,) = await take(database, limit=1)

    same = {"id": held.id, "number": held.number, "created_at": held.created_at}
    assert nobody_gets_it == []
    assert replace(claimed, **same) == held  # type: ignore[arg-type]
    assert claimed.number > held.number


async def test_of_a_chat_it_is_known_what_it_shows_and_what_is_to_come(database: Database) -> None:
    async def state() -> transcript.ChatState:
        return await database.read(lambda tx: transcript.chat_state(tx, 5))

    nothing = await state()
    first, _ = await queue(database, said("one", screen=True), said("other", chat=6))
    coming = await state()
    (waiting,) = await take(database, limit=1)
    sending = await state()
    await delivered(database, waiting, 100)
    shown = await state()

    known = transcript.ChatState
    assert nothing == known(screen_message=None, on_its_way=None, waits=False)
    assert coming == sending == known(screen_message=None, on_its_way=first, waits=True)
    assert shown == known(screen_message=100, on_its_way=None, waits=False)


async def test_while_the_first_is_held_nobody_gets_the_second(database: Database) -> None:
    await queue(database, said("one"), said("two"))
    (first,) = await take(database, limit=1)
    assert await take(database) == []
    await delivered(database, first, 100)

    assert await texts(database) == ["two"]


async def test_any_chat_that_is_due_is_served_urgent_ones_first(database: Database) -> None:
    await queue(database, said("a", 1), said("b", 2), said("c", 3, urgent=True), said("d", 1))

    taken = await take(database, None, limit=3)
    assert [waiting.params["text"] for waiting in taken] == ["c", "a", "d"]
    assert await texts(database, None) == ["b"]


async def test_a_call_put_off_holds_back_its_chat_and_no_other(
    database: Database, clock: Clock
) -> None:
    await queue(database, said("one"), said("two"), said("other", chat=6))
    (first,) = await take(database, limit=1)
    later = clock() + MINUTE
    await database.write(lambda tx: transcript.retry_later(tx, first.id, later, "retry_after"))

    assert await texts(database) == []
    assert await database.read(transcript.due_chats) == [6]
    assert await database.read(transcript.next_due) == clock()
    assert await texts(database, 6) == ["other"]
    assert await database.read(transcript.next_due) == later
    clock.moves(minutes=1)
    again = await take(database)
    assert [(each.params["text"], each.attempts) for each in again] == [("one", 2), ("two", 1)]
    assert not again[0].again


async def test_a_call_whose_holder_died_is_taken_over_and_marked(
    database: Database, clock: Clock
) -> None:
    await queue(database, said("one"))
    await take(database)
    clock.moves(minutes=2)

    assert await database.read(transcript.due_chats) == [5]
    (again,) = await take(database)
    assert again.again
    assert again.attempts == 2


@pytest.mark.parametrize("hours", [-5, -2, -0.2])
async def test_a_clock_set_back_holds_nothing_up(
    database: Database, clock: Clock, hours: float
) -> None:
    await queue(database, said("one"), said("two"))
    (first,) = await take(database, limit=1)
    await database.write(
        lambda tx: transcript.retry_later(tx, first.id, clock() + MINUTE, "retry_after")
    )
    clock.moves(hours=hours)

    assert await database.read(transcript.due_chats) == [5]
    assert await texts(database) == ["one", "two"]


async def test_nothing_is_put_off_for_more_than_an_hour(database: Database, clock: Clock) -> None:
    (identity,) = await queue(database, said("one"))
    far = clock() + timedelta(days=3)
    await database.write(lambda tx: transcript.retry_later(tx, identity, far, "x"))

    assert await database.read(transcript.next_due) == clock() + timedelta(hours=1)


async def test_a_newer_call_of_the_same_name_replaces_the_one_that_waits(
    database: Database,
) -> None:
    await queue(database, said("25 %", coalesce="p"), said("else"), said("50 %", coalesce="p"))
    await queue(database, said("elsewhere", chat=6, coalesce="p"))

    assert await texts(database) == ["else", "50 %"]
    await queue(database, said("75 %", coalesce="p"))
    counts = await database.read(transcript.state_counts)
    assert counts == {"dropped": 1, "sending": 2, "waiting": 2}


async def test_an_edit_waits_for_its_message_and_is_given_its_id(database: Database) -> None:
    (sent_first,) = await queue(database, said("one"))
    edit = Outgoing(chat_id=5, method="editMessageText", params={"text": "two"}, target=sent_first)
    await queue(database, edit)
    (first,) = await take(database)
    assert first.params == {"text": "one"}
    await delivered(database, first, 100)

    (second,) = await take(database)
    assert second.params == {"text": "two", "message_id": 100}
    await delivered(database, second, None)
    assert await database.read(lambda tx: transcript.message_id_of(tx, second.id)) == 100


async def test_an_edit_of_a_message_that_never_arrived_says_so(database: Database) -> None:
    (lost,) = await queue(database, said("one"))
    await queue(database, Outgoing(chat_id=5, method="editMessageText", params={}, target=lost))
    await take(database)
    await database.write(lambda tx: transcript.dead(tx, lost, "bad_request"))

    (edit,) = await take(database)
    assert edit.target_lost
    assert "message_id" not in edit.params


async def test_the_screen_of_a_chat_is_the_last_one_delivered(database: Database) -> None:
    await queue(database, said("q1", screen=True, kind="question"), said("plain"))
    assert await database.read(lambda tx: transcript.screen_of(tx, 5)) is None
    for number, waiting in enumerate(await take(database)):
        await delivered(database, waiting, 100 + number)
    first = await database.read(lambda tx: transcript.screen_of(tx, 5))
    assert first is not None
    assert (first.message_id, first.kind) == (100, "question")

    (newer,) = await queue(database, said("q2", screen=True))
    assert await database.read(lambda tx: transcript.newest_screen(tx, 5)) == newer
    (waiting,) = await take(database)
    await delivered(database, waiting, 102)
    second = await database.read(lambda tx: transcript.screen_of(tx, 5))
    assert second is not None
    assert (second.message_id, second.transcript_id) == (102, newer)
    assert second.digest == await database.read(lambda tx: transcript.digest_of(tx, {"text": "q2"}))


async def test_a_chat_that_blocked_us_is_dropped(database: Database) -> None:
    await queue(database, said("one"), said("two"), said("other", chat=6))

    assert await database.write(lambda tx: transcript.drop_chat(tx, 5, "forbidden")) == 2
    assert await database.read(transcript.unsent) == 1


async def test_an_upgraded_group_keeps_its_calls(database: Database) -> None:
    await queue(database, said("one", chat=-5))
    await database.write(lambda tx: transcript.move_chat(tx, -5, -1005))

    assert await texts(database, -1005) == ["one"]


async def test_a_refused_call_can_be_made_plain(database: Database) -> None:
    (identity,) = await queue(database, said("<b>one"))
    await database.write(lambda tx: transcript.replace_params(tx, identity, {"text": "one"}))

    assert await texts(database) == ["one"]


async def test_what_is_unsent_is_counted_and_dated(database: Database, clock: Clock) -> None:
    assert await database.read(transcript.oldest_unsent) is None
    assert await database.read(transcript.next_due) is None
    began = clock()
    await queue(database, said("one"))
    clock.moves(minutes=3)
    await queue(database, said("two"))

    assert await database.read(transcript.unsent) == 2
    assert await database.read(transcript.oldest_unsent) == began


async def test_lines_of_a_consult_are_read_in_order_and_found_by_message(
    database: Database,
) -> None:
    def begin(tx: Tx) -> UUID:
        asker = people.get_or_create(tx, 5, "Anna")
        case = consults.create(tx, asker, scenario_id="mat_pain", content_hash="h", phase="asking")
        transcript.receive(
            tx, Incoming(update_id=1, chat_id=5, kind="text", content="no", consult_id=case.id)
        )
        transcript.enqueue(tx, said("why?", consult_id=case.id, person_id=asker.id))
        transcript.enqueue(tx, said("unrelated", person_id=asker.id))
        return case.id

    case = await database.write(begin)
    (waiting, _) = await take(database)
    await delivered(database, waiting, 77)

    lines = await database.read(lambda tx: transcript.of_consult(tx, case))
    assert [(each.direction, each.content, each.params) for each in lines] == [
        ("in", "no", None),
        ("out", None, {"text": "why?"}),
    ]
    found = await database.read(lambda tx: transcript.by_message_id(tx, 5, 77))
    assert found == lines[1]
    assert await database.read(lambda tx: transcript.by_message_id(tx, 5, 78)) is None
    assert len(await database.read(lambda tx: transcript.of_chat(tx, 5, limit=2))) == 2


# --- several senders ------------------------------------------------------------------------------


async def test_many_senders_keep_each_chat_in_order(
    database_url: str, keys: Keyring, clock: Clock
) -> None:
    """Eight senders over two connections pools (one on SQLite), forty calls in four chats."""
    pools = [open_database(database_url, keys, clock)]
    if database_url.startswith("postgresql"):
        pools.append(open_database(database_url, keys, clock))
    wanted = {chat: [f"{chat}-{n}" for n in range(10)] for chat in range(4)}
    for n in range(10):
        await queue(pools[0], *(said(wanted[chat][n], chat) for chat in wanted))
    got: dict[int, list[str]] = {chat: [] for chat in wanted}
    held: set[int] = set()
    dice = random.Random(7)  # noqa: S311

    async def sender(database: Database) -> None:
        while await database.read(transcript.unsent):
            for waiting in await take(database, None, limit=dice.randint(1, 4)):
                got[waiting.chat_id].append(waiting.params["text"])
                held.add(waiting.chat_id)
                await delivered(database, waiting, len(got[waiting.chat_id]))

    await asyncio.gather(*(sender(pools[n % len(pools)]) for n in range(8)))

    assert got == wanted
    for each in pools:
        await each.close()
