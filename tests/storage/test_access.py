"""Who may do what: the whole table against every kind of person, denials on record."""

from dataclasses import replace
from typing import Any

import pytest

from storage import access, audit, consults, people
from storage.access import ALWAYS_ONES_OWN, POLICY, Action, Denied, allowed, authorize
from storage.consults import StoredConsult
from storage.database import Database
from storage.ids import new_id
from storage.people import Person
from storage.transaction import Tx

OWNERS = [action for action in POLICY if POLICY[action] is access.owner]
ADMINS = [action for action in POLICY if POLICY[action] is access.admin]
ONES_OWN = [action for action in POLICY if POLICY[action] is access.oneself]


class Cast:
    """Two people and the first one's case."""

    def __init__(self, tx: Tx) -> None:
        self.anna: Person = people.get_or_create(tx, 5, "Anna")
        self.ben: Person = people.get_or_create(tx, 6, "Ben")
        self.case: StoredConsult = consults.create(
            tx, self.anna, scenario_id="mat_pain", content_hash="h"
        )


@pytest.fixture
async def cast(file_database: Database) -> Cast:
    return await file_database.write(Cast)


async def may(database: Database, who: Person, about: Any) -> set[str]:
    """Return everything ``who`` may do to ``about``."""
    return await database.read(lambda tx: {a for a in POLICY if allowed(tx, who, a, about)})


async def test_a_case_is_its_owners(file_database: Database, cast: Cast) -> None:
    assert set(OWNERS) <= await may(file_database, cast.anna, cast.case)
    assert not set(OWNERS) & await may(file_database, cast.ben, cast.case)
    boss = replace(cast.ben, is_admin=True)
    assert not set(OWNERS) & await may(file_database, boss, cast.case)


async def test_an_erased_case_is_nobodys(file_database: Database, cast: Cast) -> None:
    erased = replace(cast.case, erased_at=cast.case.opened_at)

    assert not set(OWNERS) & await may(file_database, cast.anna, erased)


@pytest.mark.parametrize("status", ["pending", "suspended", "deleted"])
async def test_who_is_not_approved_may_only_have_and_forget_their_own(
    file_database: Database, cast: Cast, status: Any
) -> None:
    anna = replace(cast.anna, status=status, is_admin=True, is_author=True)

    for about in (cast.case, anna, None):
        assert await may(file_database, anna, about) <= set(ALWAYS_ONES_OWN)
    kept = set() if status == "deleted" else set(ALWAYS_ONES_OWN)
    assert await may(file_database, anna, anna) == kept


async def test_administration_is_for_administrators(file_database: Database, cast: Cast) -> None:
    boss = replace(cast.ben, is_admin=True)

    assert set(ADMINS) <= await may(file_database, boss, None)
    assert not set(ADMINS) & await may(file_database, cast.ben, None)


async def test_authors_edit_content_and_people_change_themselves(
    file_database: Database, cast: Cast
) -> None:
    author = replace(cast.ben, is_author=True)

    assert Action.CONTENT_EDIT in await may(file_database, author, None)
    assert Action.CONTENT_EDIT not in await may(file_database, cast.ben, None)
    assert set(ONES_OWN) <= await may(file_database, cast.ben, cast.ben)
    assert not set(ONES_OWN) & await may(file_database, cast.ben, cast.anna)


async def test_every_action_has_a_rule_and_what_has_none_is_denied(
    file_database: Database, cast: Cast
) -> None:
    boss = replace(cast.anna, is_admin=True, is_author=True)

    assert set(Action) <= set(POLICY)
    with pytest.raises(Denied):
        await file_database.read(lambda tx: authorize(tx, boss, "consult.sell", cast.case))


async def test_a_denial_is_on_record_though_its_unit_was_undone(database: Database) -> None:
    cast = await database.write(Cast)

    def unit(tx: Tx) -> None:
        people.set_choices(tx, cast.ben, role="np")
        authorize(tx, cast.ben, Action.CONSULT_READ, cast.case)

    with pytest.raises(Denied, match=r"denied: consult\.read on consult"):
        await access.write_audited(database, unit)
    with pytest.raises(Denied):
        await access.read_audited(
            database, lambda tx: authorize(tx, cast.ben, Action.SELF_READ, cast.anna)
        )

    assert (await database.read(lambda tx: people.get(tx, cast.ben.id))).role is None
    second, first = await database.read(lambda tx: audit.entries(tx, actor=cast.ben.id, limit=2))
    assert (first.action, first.outcome, first.consult_id) == (
        "consult.read",
        "denied",
        cast.case.id,
    )
    assert (second.object_type, second.object_id) == ("person", str(cast.anna.id))


async def test_what_is_allowed_goes_through(database: Database) -> None:
    cast = await database.write(Cast)

    def unit(tx: Tx) -> str:
        authorize(tx, cast.anna, Action.CONSULT_READ, cast.case)
        authorize(tx, cast.anna, Action.CONSULT_CREATE)
        return "through"

    assert await access.write_audited(database, unit) == "through"
    assert await access.read_audited(database, unit) == "through"


async def test_a_part_of_a_case_names_its_case_in_the_denial(
    file_database: Database, cast: Cast
) -> None:
    class Review:
        id = new_id()
        consult_id = cast.case.id

    with pytest.raises(Denied) as caught:
        await file_database.read(lambda tx: authorize(tx, cast.ben, "review.answer", Review()))
    event = caught.value.event
    assert (event.object_type, event.object_id) == ("review", Review.id)
    assert event.consult_id == cast.case.id
