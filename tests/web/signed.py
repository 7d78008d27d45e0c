"""The pages of one process, with browsers and people who are signed in, for the tests."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from uuid import UUID

import httpx

from dialogs.content import Scenario, load_scenario, load_scenario_text
from storage import consults, people, sign_in
from storage.database import Database
from storage.limits import Rate
from storage.people import Person
from storage.transaction import T, Tx
from tests.databases import Clock
from web.app import Given, create_app
from web.limits import Limits

ADMIN, COLLEAGUE, ASKER, STRANGER = 7004, 7005, 7001, 7009
BASE = "http://127.0.0.1:8080"
ENDLESS = Rate(1_000_000, 1_000_000)
UNLIMITED = Limits(ENDLESS, ENDLESS, ENDLESS)


def scenario_of(tx: Tx, content_hash: str | None) -> Scenario:
    current = load_scenario()
    if content_hash is None or content_hash == current.hash:
        return current
    return load_scenario_text(consults.load_content(tx, content_hash))


@dataclass(slots=True)
class Pages:
    """One process's pages over one database."""

    database: Database
    clock: Clock
    given: Mapping[str, Any] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        made = Given(
            clock=self.clock,
            scenario_of=scenario_of,
            notify=self.told.append,
            **{"limits": UNLIMITED, **self.given},
        )
        self.app = create_app(self.database, made)

    def browser(self, base: str = BASE) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=base)

    async def person(self, number: int, *, admin: bool = False, status: Any = "approved") -> Person:
        return await self.database.write(
            lambda tx: people.get_or_create(
                tx, number, f"Name {number}", status=status, is_admin=admin
            )
        )

    async def link(self, person: Person, case: str = "") -> str:
        """A link to the console, or to the page of a case."""
        purpose: sign_in.Purpose = "case" if case else "console"
        return await self.database.write(lambda tx: sign_in.issue(tx, person.id, purpose, case))

    async def picks(self, person: Person, number: int) -> bool:
        """The person picks a number in the chat, for whatever was asked last."""
        return await self.database.write(
            lambda tx: sign_in.answer(tx, person.id, last_asked(tx), number)
        )

    async def signed_in(self, person: Person, case: str = "") -> httpx.AsyncClient:
        """A browser in which the person has signed in, through the pages."""
        browser, token = self.browser(), await self.link(person, case)
        page = await browser.get(f"/sign-in/{token}")
        await submit(browser, page, f"/sign-in/{token}/ask")
        page = await browser.get(f"/sign-in/{token}")
        assert await self.picks(person, number_on(page))
        page = await browser.get(f"/sign-in/{token}")
        entered = await submit(browser, page, f"/sign-in/{token}")
        assert entered.status_code == 303
        assert entered.headers["location"] == (f"/case/{case}" if case else "/console")
        return browser

    async def steps_up(self, browser: httpx.AsyncClient, person: Person) -> None:
        """The person confirms in the chat that it is them."""
        page = await browser.get("/confirm")
        page = await browser.get((await submit(browser, page, "/confirm/ask")).headers["location"])
        assert await self.picks(person, number_on(page))
        done = await submit(browser, await browser.get("/confirm"), "/confirm")
        assert done.status_code == 303

    async def look(self, unit: Callable[[Tx], T]) -> T:
        return await self.database.read(unit)


def last_asked(tx: Tx) -> UUID:
    from sqlalchemy import text

    found = tx.connection.execute(
        text("SELECT id FROM sign_in WHERE bound_at IS NOT NULL ORDER BY id DESC LIMIT 1")
    ).scalar_one()
    return UUID(str(found))


def number_on(page: httpx.Response) -> int:
    found = re.search(r'class="number"[^>]*>(\d\d)<', page.text)
    assert found, page.text
    return int(found[1])


def token_on(page: httpx.Response) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


async def submit(
    browser: httpx.AsyncClient, page: httpx.Response, path: str, **fields: str
) -> httpx.Response:
    """Send a form of ``page``, with what its hidden field holds."""
    return await browser.post(path, data={"token": token_on(page), **fields})


def words_on(page: httpx.Response) -> str:
    """What a person reads on a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())
