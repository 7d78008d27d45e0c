"""Dead letters: given up with a reason, sealed for a day, handled again when asked."""

from uuid import UUID

import pytest

from storage import letters, transcript
from storage.database import Database
from storage.errors import NotFound
from storage.ids import new_id
from storage.transaction import Tx
from storage.transcript import Incoming
from tests.databases import Clock


async def buried(database: Database, update_id: int | None = 9) -> UUID:
    def unit(tx: Tx) -> UUID:
        return letters.bury(
            tx,
            update_id=update_id,
            kind="message",
            keys=["update_id", "message"],
            payload='{"text": "words"}',
            reason="value_error",
            attempts=5,
        )

    return await database.write(unit)


async def test_what_was_given_up_counts_as_handled_and_says_why(database: Database) -> None:
    identity = await buried(database)

    assert await database.read(lambda tx: transcript.seen(tx, 9))
    (letter,) = await database.read(letters.letters)
    assert (letter.id, letter.keys, letter.reason) == (
        identity,
        ("message", "update_id"),
        "value_error",
    )
    assert "words" not in repr(letter)
    assert await database.read(letters.waiting_letters) == 1


async def test_a_letter_is_handled_again_once(database: Database) -> None:
    identity = await buried(database)

    assert await database.write(lambda tx: letters.replay(tx, identity)) == '{"text": "words"}'
    assert not await database.read(lambda tx: transcript.seen(tx, 9))
    incoming = Incoming(update_id=9, chat_id=5, kind="text")
    await database.write(lambda tx: transcript.receive(tx, incoming))
    assert await database.read(letters.waiting_letters) == 0


async def test_what_is_asked_for_stays_asked_for_until_it_is_done(database: Database) -> None:
    identity = await buried(database)
    assert await database.read(letters.asked) == ()
    await database.write(lambda tx: letters.replay(tx, identity))

    assert await database.read(letters.asked) == ((identity, '{"text": "words"}'),)
    await database.write(lambda tx: letters.done(tx, identity))
    assert await database.read(letters.asked) == ()
    with pytest.raises(NotFound):
        await database.write(lambda tx: letters.replay(tx, identity))


async def test_what_was_asked_for_is_forgotten_after_a_day(
    database: Database, clock: Clock
) -> None:
    identity = await buried(database)
    await database.write(lambda tx: letters.replay(tx, identity))
    clock.moves(hours=24)

    assert await database.read(letters.asked) == ()


async def test_an_update_without_an_id_can_be_given_up(database: Database) -> None:
    identity = await buried(database, None)

    assert await database.write(lambda tx: letters.replay(tx, identity))


async def test_the_payload_is_gone_after_a_day(database: Database, clock: Clock) -> None:
    identity = await buried(database)
    clock.moves(hours=24)

    with pytest.raises(NotFound):
        await database.write(lambda tx: letters.replay(tx, identity))
    assert await database.write(letters.expire) == 1
    assert await database.write(letters.expire) == 0
    (letter,) = await database.read(letters.letters)
    assert letter.reason == "value_error"


async def test_a_letter_that_is_not_there_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        await database.write(lambda tx: letters.replay(tx, new_id()))
