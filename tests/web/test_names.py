"""Names and roles: opinions stand by role for good, so nothing shows a name beside a role.

Every surface is read once opinions are open to all. Whoever does not lead a team meets a name in one
place, where a case is handed on, and there it stands without a role; a lead sees names of members with
what they do in the team; an admin looks a name up on record.
"""

import re
from typing import Any

import pytest

from dialogs.content import load_scenario
from storage import people
from storage.transaction import Tx
from tests.bot.opining import REASON
from tests.bot.walks import every
from tests.web import test_blind as blind
from tests.web.signed import submit, words_on

world = blind.world
World = blind.World

NAMES = ("Ana", "Ben", "Dan")
"""Everybody but Cleo, who reads."""

ROLES = tuple(
    words for o in load_scenario().question("role").options for words in (o.label, o.button, o.id)
)
OWN = {"the asker": "Ana", "a stranger": "Dan"}
"""Whose own name may stand in what they read."""


def names_in(said: Any, names: tuple[str, ...] = NAMES) -> list[str]:
    return [name for name in names if re.search(rf"\b{name}\b", str(said))]


def roles_in(said: Any) -> list[str]:
    return [role for role in ROLES if re.search(rf"\b{re.escape(role)}\b", str(said))]


@pytest.fixture
async def open_world(world: World) -> World:
    """Ben and Cleo have given theirs, and the round is closed."""
    await blind.ben_thinks(world)
    await world.case.gives(world.case.cleo)
    await world.case.closes()
    return world


async def test_no_surface_shows_a_name_where_opinions_stand_by_role(open_world: World) -> None:
    found = await blind.reading(open_world, tuple(blind.SURFACES))

    assert REASON in str(found["all opinions, for the asker"])
    for name, said in found.items():
        own = [each for who, each in OWN.items() if name.endswith(who)]
        assert [each for each in names_in(said) if each not in own] == [], name


async def test_members_hand_a_case_on_to_names_without_roles(open_world: World) -> None:
    case, talk = open_world.case, open_world.case.talk
    await talk.service.database.write(_cleo_owns)
    screens = [await open_world.screen(case.cleo, "hand|{case}|")]
    assert case.cleo.screen.labels[:2] == ["Ana", "Ben"]
    for tap in ("Ben", "Yes, offer it"):
        await talk.taps(tap, who=case.cleo)
        screens.append(case.cleo.last.text)
    await talk.taps("Accept the case", who=case.ben)
    told = [message.text for message in (*case.ben.replies, *case.cleo.replies)]

    assert names_in(screens[0]) == ["Ana", "Ben"]
    for screen in screens[:2]:
        assert roles_in(screen) == []
    assert [text for text in told if names_in(text)] == []


def _cleo_owns(tx: Tx) -> None:
    cleo = people.get_or_create(tx, 504, "Cleo")
    tx.connection.exec_driver_sql("UPDATE consult SET owner_id = ?", (cleo.id.hex,))


async def test_only_leads_open_the_list_of_members(open_world: World) -> None:
    case, talk = open_world.case, open_world.case.talk
    [(short,)] = await every(talk, "SELECT short FROM team")
    for data in (f"tm|{short}|mem|0|", f"tm|{short}|"):
        assert names_in(await open_world.screen(case.cleo, data)) == [], data

    assert "no longer works" in await case.forged(f"tm|{short}|mem|0|", case.cleo)
    members = await open_world.screen(case.ana, f"tm|{short}|mem|0|")
    assert names_in(members) == ["Ana", "Ben"]
    assert roles_in(members) == []


async def test_the_console_shows_no_role_beside_a_name(open_world: World) -> None:
    browser = open_world.browser
    ben = await open_world.read(lambda tx: people.by_telegram_id(tx, 502))
    case = f"/console/consult/{await open_world.read(blind.case_id)}"
    for path in [*blind.console_pages(open_world.pages), f"/console/person/{ben.id}", case]:
        assert names_in(await open_world.page(path)) == [], path
    assert "role counselor" not in await open_world.page(case)
    before = await browser.get(f"/console/person/{ben.id}")
    shown = words_on(await submit(browser, before, f"/console/person/{ben.id}/name"))

    assert names_in(shown) == ["Ben"]
    assert roles_in(shown) == []
    assert "person.name_read" in await open_world.page("/console/log?event=person.name_read")
