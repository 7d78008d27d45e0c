"""While a round runs, nothing of anybody's opinion, not even a number, reaches who gave none.

Every surface is read before Ben gives an opinion and after he gave, changed and discussed it; both
readings have to be the same. Once the round is closed the same surfaces do show it.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from storage import console, discussion, library, people, retention, rounds
from storage.console import LogFilter
from storage.rounds import Shown
from storage.schema import consult
from storage.transaction import Tx
from tests.bot.conftest import Conversation, talking
from tests.bot.opining import REASON, Opining, opining_of, share_again
from tests.bot.teamwork import known
from tests.web.signed import Pages, submit, words_on
from web.emulator import Group, Person
from web.health import Check

SAID = "I would wait for the clinic."
SECRETS = (REASON, SAID, "opinion.give", "comment.add", "opinion_round")
ADMIN_NUMBER = 509


@dataclass
class World:
    """Everybody who must not know: the asker, a responder, a stranger, a group, an admin."""

    case: Opining
    group: Group
    admin: Person
    pages: Pages
    browser: httpx.AsyncClient
    """The admin's."""
    readers: dict[str, httpx.AsyncClient]
    """Of those to whom the case's page is open."""

    @property
    def others(self) -> dict[str, Person]:
        return {
            "the asker": self.case.ana,
            "another responder": self.case.cleo,
            "a stranger": self.case.clinic.dan,
            "an admin": self.admin,
        }

    async def read(self, unit: Callable[[Tx], Any]) -> Any:
        return await self.case.talk.service.database.read(unit)

    async def page(self, path: str) -> str:
        return words_on(await self.browser.get(path))

    async def screen(self, who: Person, data: str) -> str:
        """What a button of the case leads somebody to: toast, text and buttons."""
        toast = await self.case.forged(data, who)
        labels = who.screen.labels if who.screen_or_none else []
        return f"{toast} | {who.last.text} | {labels}"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with talking(tmp_path, admins=(ADMIN_NUMBER,)) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor")
        case = await opining_of(talk)
        group = await case.clinic.bound(admin=True)
        await share_again(case)
        pages = await console_of(case)
        admin = await known(talk, ADMIN_NUMBER, "Ada")
        person = await talk.service.database.write(
            lambda tx: people.get_or_create(tx, ADMIN_NUMBER, "Ada", is_admin=True)
        )
        browser = await pages.signed_in(person)
        await pages.steps_up(browser, person)
        readers = {
            name: await pages.signed_in(await told(talk, number), case.case)
            for name, number in (("the asker", 501), ("another responder", 504))
        }
        yield World(case, group, admin, pages, browser, readers)


async def told(talk: Conversation, number: int) -> people.Person:
    """Return somebody the bot knows."""
    found = await talk.service.database.read(lambda tx: people.by_telegram_id(tx, number))
    assert found is not None
    return found


async def console_of(case: Opining) -> Pages:
    async def well() -> Check:
        values = (await case.talk.service.trouble())[1]
        return Check("", {name: values[name] for name in ("unsent", "buried")})

    given = {"checks": {"bot": well}, "metrics": True}
    return Pages(case.talk.service.database, case.talk.clock, given)  # type: ignore[arg-type]


# --- the surfaces -------------------------------------------------------------------------------------

Surface = Callable[[World], Awaitable[Any]]


OWN = (
    *("console.", "glass.", "log.", "session.", "sign_in."),
    *("overview.export", "consult.read", "consult.export", "share.view"),
)
"""What reading itself puts on record."""


def screen(who: str, data: str, *, numbers: bool = True) -> Surface:
    """A screen; without ``numbers`` where others' looking is counted as well."""

    async def read(world: World) -> str:
        words = await world.screen(world.others[who], data)
        return words if numbers else re.sub(r"\d+", "#", words)

    return read


def page(path: str, *, numbers: bool = True) -> Surface:
    """A page of the console; without ``numbers`` where what the admin does is counted as well."""

    async def read(world: World) -> str:
        words = await world.page(path)
        return words if numbers else re.sub(r"\d+", "#", words)

    return read


def written(who: str, form: str = "") -> Surface:
    """The case's page, or a file of it, as somebody signed in gets it."""

    async def read(world: World) -> str:
        answer = await world.readers[who].get(f"/case/{world.case.case}{form}")
        return f"{answer.status_code} {answer.text}"

    return read


def stored(unit: Callable[[World, Tx], Any]) -> Surface:
    return lambda world: world.read(lambda tx: unit(world, tx))


def case_id(tx: Tx) -> Any:
    return tx.connection.scalar(select(consult.c.id))


def data_of(who: str) -> Surface:
    def unit(world: World, tx: Tx) -> Any:
        found = people.by_telegram_id(tx, world.others[who].user.id)
        assert found is not None
        kept = retention.my_data(tx, found.id)
        return kept | {"log": [e for e in kept["log"] if not e["action"].startswith(OWN)]}

    return stored(unit)


def shown_to(who: str | None, *, lasting: bool = False) -> Surface:
    """What the page and the files of a case are made of."""

    def unit(world: World, tx: Tx) -> tuple[Shown, Any]:
        found = people.by_telegram_id(tx, world.others[who].user.id) if who else None
        reader = found.id if found else None
        running = rounds.latest(tx, case_id(tx))
        assert running is not None
        return (
            rounds.shown(tx, running, reader, lasting=lasting),
            discussion.shown(tx, running.consult_id, reader, lasting=lasting),
        )

    return stored(unit)


def log_of(wanted: Callable[[Tx], LogFilter]) -> Surface:
    """The events of the log without those of the admin who reads it."""

    def unit(world: World, tx: Tx) -> Any:
        rows = console.log_page(tx, wanted(tx), limit=1000).rows
        return [(row.action, row.pseudonym) for row in rows if not row.action.startswith(OWN)]

    return lambda world: world.case.talk.service.database.write(lambda tx: unit(world, tx))


def exported(form: str) -> Surface:
    """The rows of an export of the log without those of the admin who makes it."""

    async def read(world: World) -> list[str]:
        before = await world.browser.get("/console/export")
        made = await submit(world.browser, before, "/console/export", format=form)
        return [line for line in made.text.splitlines() if not any(own in line for own in OWN)]

    return read


def person_of(world: World, tx: Tx) -> Any:
    found = people.by_telegram_id(tx, world.case.cleo.user.id)
    assert found is not None
    return found.id


def rounds_id(tx: Tx) -> Any:
    running = rounds.latest(tx, case_id(tx))
    assert running is not None
    return running.id


def every_statistic(tx: Tx) -> list[Any]:
    return [tuple(row) for row in tx.connection.exec_driver_sql("SELECT * FROM statistic")]


async def metrics_of(world: World) -> str:
    return (await world.browser.get("/metrics")).text


async def messages_of(world: World) -> dict[str, int]:
    return {name: len(who.replies) for name, who in world.others.items()}


async def group_of(world: World) -> list[str]:
    return [message.text for message in world.group.messages]


SURFACES: dict[str, Surface] = {
    "what people think, for the asker": screen("the asker", "op|{case}|"),
    "all opinions, for the asker": screen("the asker", "op|{case}|all|0|"),
    "the asker's discussion": screen("the asker", "tlk|{case}|"),
    "the asker's summary": screen("the asker", "go|{case}|"),
    "the asker's list of shares": screen("the asker", "shr|{case}|"),
    "who looked": screen("the asker", "shr|{case}|v|", numbers=False),
    "the asker's library": screen("the asker", "lib|{case}|"),
    "the asker's cases": screen("the asker", "cases||"),
    "the shared case, for a responder": screen("another responder", "shv|{case}|p|0|"),
    "its points, for a responder": screen("another responder", "shv|{case}|all|0|"),
    "the list of shared cases": screen("another responder", "shl||"),
    "what people think, for a responder": screen("another responder", "op|{case}|"),
    "all opinions, for a responder": screen("another responder", "op|{case}|all|0|"),
    "a responder's discussion": screen("another responder", "tlk|{case}|"),
    "a responder's questions": screen("another responder", "cla|{case}|"),
    "a responder's library": screen("another responder", "lib|{case}|"),
    "what people think, for a stranger": screen("a stranger", "op|{case}|"),
    "the discussion, for a stranger": screen("a stranger", "tlk|{case}|"),
    "what a page shows the asker": shown_to("the asker"),
    "what a page shows a responder": shown_to("another responder"),
    "what a page shows through a link": shown_to(None),
    "what the asker's files hold": shown_to("the asker", lasting=True),
    "what a responder's files hold": shown_to("another responder", lasting=True),
    "the page, for the asker": written("the asker"),
    "the page, for a responder": written("another responder"),
    "the page as a file, for the asker": written("the asker", "/html"),
    "the page as a file, for a responder": written("another responder", "/html"),
    "Markdown, for the asker": written("the asker", "/md"),
    "Markdown, for a responder": written("another responder", "/md"),
    "/mydata of the asker": data_of("the asker"),
    "/mydata of a responder": data_of("another responder"),
    "/mydata of a stranger": data_of("a stranger"),
    "/mydata of an admin": data_of("an admin"),
    "the library itself": stored(
        lambda world, tx: library.cases(tx, person_of(world, tx), rounds_id(tx), "mat_pain")
    ),
    "the console's overview": page("/console", numbers=False),
    "the overview as a file": page("/console/overview.csv"),
    "the console's cases": page("/console/consults"),
    "the console's people": page("/console/people"),
    "the console's teams": page("/console/teams"),
    "the console's content": page("/console/content"),
    "the console's integrity": page("/console/integrity", numbers=False),
    "the console's system": page("/console/system", numbers=False),
    "the log": log_of(lambda tx: LogFilter()),
    "the log of the case": log_of(lambda tx: LogFilter(consult_id=case_id(tx))),
    "the log of opinions": log_of(lambda tx: LogFilter(action="opinion.give")),
    "the log of words": log_of(lambda tx: LogFilter(words=("opinion",))),
    "the actions on record": stored(
        lambda world, tx: [a for a in console.actions(tx) if not a.startswith(("console.", "log."))]
    ),
    "the newest opinion on record": stored(lambda world, tx: console.last_of(tx, "opinion.give")),
    "the log as CSV": exported("csv"),
    "the log as JSON lines": exported("jsonl"),
    "statistics": stored(lambda world, tx: sorted(map(str, every_statistic(tx)))),
    "metrics": metrics_of,
    "messages to others": messages_of,
    "the group": group_of,
}
"""Name -> how it is read."""

TAPPED = tuple(name for name, read in SURFACES.items() if read.__qualname__.startswith("screen."))
"""Surfaces that are read by tapping, which itself leaves something behind: read last."""


async def reading(world: World, names: Sequence[str]) -> dict[str, Any]:
    return {name: await SURFACES[name](world) for name in names}


# --- the test -----------------------------------------------------------------------------------------


async def ben_thinks(world: World) -> None:
    """Ben gives an opinion, changes it, and says something in the discussion."""
    case = world.case
    await case.gives(case.ben, reason=REASON)
    await case.talk.taps("Change mine", "Change concern", "No", who=case.ben)
    await case.talk.taps("Give the changed opinion", who=case.ben)
    await case.talk.taps("Discussion", "Write a comment", who=case.ben)
    await case.talk.says(SAID, case.ben)
    assert SAID in case.ben.last.text


async def test_nothing_of_an_opinion_reaches_who_gave_none(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = [name for name in SURFACES if name not in TAPPED]
    await reading(world, tuple(SURFACES))  # what looking itself changes has happened before both
    before = await reading(world, TAPPED) | await reading(world, silent)

    await ben_thinks(world)

    after = await reading(world, silent) | await reading(world, TAPPED)
    for name in SURFACES:
        assert after[name] == before[name], name
        assert not [secret for secret in SECRETS if secret in str(after[name])], name
    for path in console_pages(world.pages):
        shown = await world.page(path)
        assert not [secret for secret in SECRETS if secret in shown], path
    assert not [secret for secret in SECRETS if secret in capsys.readouterr().out]


def console_pages(pages: Pages) -> list[str]:
    """Every page of the console that has an address of its own."""
    paths = [(getattr(r, "path", ""), getattr(r, "methods", ())) for r in pages.app.routes]
    return [
        p for p, methods in paths if p.startswith("/console") and "{" not in p and "GET" in methods
    ]


async def test_breaking_the_glass_shows_nothing_of_it_either(world: World) -> None:
    await ben_thinks(world)

    words = await text_behind_glass(world)

    assert "Agree a written plan" in words
    assert not [secret for secret in SECRETS if secret in words]
    assert "your opinion, 1 of 4" not in words


async def test_once_it_is_closed_the_same_surfaces_show_it(world: World) -> None:
    await ben_thinks(world)

    shown = await world.case.closes()

    assert REASON in shown.text
    assert SAID in (await world.screen(world.case.ana, "tlk|{case}|"))
    assert REASON in (await world.screen(world.case.cleo, "op|{case}|"))
    assert REASON not in (await world.screen(world.case.clinic.dan, "op|{case}|"))
    for reader in world.readers:
        for form in ("", "/html", "/md"):
            assert REASON in await written(reader, form)(world), (reader, form)
    assert "opinion.give" in await world.page("/console/log?event=opinion.give")
    assert REASON in await text_behind_glass(world)


async def text_behind_glass(world: World) -> str:
    case = await world.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT id FROM consult").scalar()
    )
    path = f"/console/consult/{case}"
    form = await world.browser.get(path)
    await submit(
        world.browser, form, f"{path}/glass", reason_code="complaint", reason="They asked us."
    )
    return await world.page(f"{path}/text")
