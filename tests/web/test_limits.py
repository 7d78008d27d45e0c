"""The pages answer so much and no more, say so in words, and put it on record once a minute."""

from dataclasses import dataclass, field

from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from storage.database import Database
from storage.limits import Rate
from storage.schema import audit_event
from tests.databases import Clock
from tests.web.signed import ADMIN, ENDLESS, Pages, token_on, words_on
from web.console.export import BUSY
from web.limits import Limits


@dataclass
class Seconds:
    at: float = field(default_factory=lambda: 100.0)

    def __call__(self) -> float:
        return self.at


FEW = Rate(per_second=0.5, burst=20)


def pages_with(database: Database, clock: Clock, seconds: Seconds, **rates: Rate) -> Pages:
    three = {"browser": ENDLESS, "address": ENDLESS, "wrong": ENDLESS, **rates}
    return Pages(database, clock, {"limits": Limits(clock=seconds, **three)})


async def hits(pages: Pages) -> int:
    of_limits = select(func.count()).where(audit_event.c.action == "limit.hit")
    return await pages.look(lambda tx: int(tx.connection.scalar(of_limits) or 0))


async def test_a_browser_that_asks_too_much_is_told_to_wait_and_is_on_record_once(
    file_database: Database, clock: Clock
) -> None:
    seconds = Seconds()
    pages = pages_with(file_database, clock, seconds, browser=FEW)
    browser = await pages.signed_in(await pages.person(ADMIN, admin=True))
    answers = [await browser.get("/console") for _ in range(25)]

    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    assert "Wait a moment" in words_on(answers[-1])
    assert answers[-1].headers["retry-after"] == "2"
    assert answers[-1].headers["x-frame-options"] == "DENY"
    assert await hits(pages) == 1

    seconds.at += 2
    assert (await browser.get("/console")).status_code == 200
    assert (await browser.get("/console")).status_code == 429


async def test_an_address_is_bounded_whatever_cookies_it_makes_up(
    file_database: Database, clock: Clock
) -> None:
    pages = pages_with(file_database, clock, Seconds(), address=FEW)
    asked = pages.browser()
    answers = [
        await asked.get("/console", headers={"cookie": f"curbside={each}"}) for each in range(25)
    ]

    assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 5
    assert await hits(pages) == 0


async def test_files_health_and_what_others_bring_are_spared(
    file_database: Database, clock: Clock
) -> None:
    async def brought(_request: Request) -> Response:
        return PlainTextResponse("taken")

    pages = pages_with(file_database, clock, Seconds(), address=Rate(per_second=0.5, burst=1))
    asked = pages.browser()
    paths = ("/healthz", "/readyz", "/static/0/console.css")

    for path in paths:
        assert {(await asked.get(path)).status_code for _ in range(3)} == {200}
    assert [(await asked.get("/nowhere")).status_code for _ in range(2)] == [404, 429]


async def test_links_and_typed_codes_may_be_wrong_a_few_times_only(
    file_database: Database, clock: Clock
) -> None:
    seconds = Seconds()
    pages = pages_with(file_database, clock, seconds, wrong=FEW)
    good = await pages.link(await pages.person(ADMIN, admin=True))
    asked = pages.browser()
    links = [await asked.get(f"/sign-in/{'x' * 42}{each % 10}") for each in range(10)]
    codes = [
        await asked.post("/sign-in", data={"code": f"ABCD{each}"}, follow_redirects=True)
        for each in range(11)
    ]

    assert {answer.status_code for answer in (*links, *codes[:10])} == {404}
    assert codes[10].status_code == 429
    assert "Too many wrong links or codes" in words_on(codes[10])
    assert (await asked.get(f"/sign-in/{good}")).status_code == 429
    assert (await asked.get("/sign-in")).status_code == 200
    seconds.at += 60
    assert (await asked.get(f"/sign-in/{good}")).status_code == 200


async def test_a_third_export_at_a_time_is_refused_with_words(
    file_database: Database, clock: Clock
) -> None:
    pages = Pages(file_database, clock)
    admin = await pages.person(ADMIN, admin=True)
    browser = await pages.signed_in(admin)
    await pages.steps_up(browser, admin)
    asked = {"format": "csv", "token": token_on(await browser.get("/console/export"))}
    site = pages.app.state.site
    async with site.exporting, site.exporting:
        refused = await browser.post("/console/export", data=asked)

    assert refused.status_code == 429
    assert BUSY in words_on(refused)
    assert (await browser.post("/console/export", data=asked)).status_code == 200
