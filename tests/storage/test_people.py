"""People: met once, named in cipher, approved by policy, reachable or not."""

import asyncio

import pytest
from sqlalchemy import select

from storage import audit, people
from storage.database import Database
from storage.errors import NotFound
from storage.ids import new_id
from storage.people import Person
from storage.schema import person
from storage.transaction import Tx
from tests.databases import Clock


async def met(database: Database, telegram_id: int = 5, name: str = "Anna") -> Person:
    return await database.write(lambda tx: people.get_or_create(tx, telegram_id, name))


async def test_a_person_is_met_once(database: Database) -> None:
    first = await met(database)

    assert await met(database) == first
    assert first.status == "approved"
    assert await database.read(lambda tx: people.get(tx, first.id)) == first
    assert await database.read(lambda tx: people.by_telegram_id(tx, 6)) is None


async def test_two_processes_that_meet_someone_at_once_agree(database: Database) -> None:
    everyone = await asyncio.gather(*(met(database) for _ in range(6)))

    assert len({each.id for each in everyone}) == 1
    actions = await database.read(lambda tx: [e.action for e in audit.entries(tx)])
    assert actions.count("person.create") == 1


async def test_a_name_is_kept_in_cipher_and_follows_telegram(database: Database) -> None:
    await met(database, name="Anna\x00 B")
    renamed = await met(database, name="Anna C")

    assert renamed.name == "Anna C"
    assert "Anna" not in repr(renamed)
    stored = await database.read(lambda tx: tx.connection.scalar(select(person.c.name)))
    assert stored is not None
    assert b"Anna" not in stored


async def test_the_policy_gives_the_first_status(database: Database) -> None:
    pending = await database.write(lambda tx: people.get_or_create(tx, 5, "Anna", status="pending"))
    admin = await database.write(lambda tx: people.get_or_create(tx, 6, "Ben", is_admin=True))
    decided = await database.write(
        lambda tx: people.set_status(tx, pending, "approved", by=admin.id)
    )

    assert (pending.status, decided.status) == ("pending", "approved")
    assert await database.read(people.counts) == {"approved": 2}
    assert await database.read(lambda tx: people.with_status(tx, "approved")) == [decided, admin]
    assert await database.read(people.admins) == [admin]
    (entry, *_) = await database.read(lambda tx: audit.entries(tx, actor=admin.id))
    assert (entry.action, entry.meta) == ("person.status", {"to": "approved"})


async def test_the_scope_is_accepted_once(database: Database, clock: Clock) -> None:
    anna = await met(database)
    accepted = await database.write(lambda tx: people.accept_scope(tx, anna))
    clock.moves(days=1)
    again = await database.write(lambda tx: people.accept_scope(tx, accepted))

    assert again.scope_accepted_at == accepted.scope_accepted_at != clock()


async def test_choices_are_kept_and_nothing_else_can_be_chosen(database: Database) -> None:
    anna = await met(database)
    chosen = await database.write(
        lambda tx: people.set_choices(
            tx, anna, role="np", quiet_from=1320, quiet_to=420, time_zone="America/Denver"
        )
    )

    assert (chosen.role, chosen.quiet_from, chosen.quiet_to) == ("np", 1320, 420)
    assert await database.read(lambda tx: people.get(tx, anna.id)) == chosen
    with pytest.raises(ValueError, match="not a setting"):
        await database.write(lambda tx: people.set_choices(tx, anna, is_admin=True))


async def test_who_cannot_be_reached_is_noted_until_they_return(
    database: Database, clock: Clock
) -> None:
    anna = await met(database)
    await database.write(lambda tx: people.set_unreachable(tx, 5))
    gone = await database.read(lambda tx: people.get(tx, anna.id))
    await database.write(lambda tx: people.set_reachable(tx, 5))

    assert gone.unreachable_at == clock()
    assert await database.read(lambda tx: people.get(tx, anna.id)) == anna


async def test_admins_and_authors_are_made_and_unmade_on_record(database: Database) -> None:
    anna = await met(database)

    def unit(tx: Tx) -> list[Person]:
        admin = people.set_admin(tx, anna, is_admin=True, by=None)
        author = people.set_author(tx, admin, is_author=True, by=anna.id)
        return [admin, author, people.set_admin(tx, author, is_admin=False, by=None)]

    admin, author, neither = await database.write(unit)
    assert (admin.is_admin, author.is_author, neither.is_admin) == (True, True, False)
    actions = await database.read(lambda tx: [e.action for e in audit.entries(tx)])
    assert actions[:3] == ["person.admin", "person.author", "person.admin"]


async def test_administrators_of_the_settings_are_known_before_they_write(
    database: Database,
) -> None:
    suspended = await met(database, 6, "Ben")
    await database.write(lambda tx: people.set_status(tx, suspended, "suspended", by=None))
    for _ in range(2):
        await database.write(lambda tx: people.keep_admins(tx, [5, 6]))

    anna = await met(database, 5, "Anna")
    assert (anna.is_admin, anna.status, anna.name) == (True, "approved", "Anna")
    assert len(await database.read(people.admins)) == 2


async def test_who_is_no_longer_named_is_no_admin_from_the_start_on(database: Database) -> None:
    for named in ([5, 6], [6]):
        await database.write(lambda tx, named=named: people.keep_admins(tx, named))  # type: ignore[misc]

    assert [who.telegram_id for who in await database.read(people.admins)] == [6]


async def test_an_unknown_person_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="no person"):
        await database.read(lambda tx: people.get(tx, new_id()))
