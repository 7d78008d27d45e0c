"""The application as a whole: headers, names, files, errors."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from storage.database import Database
from storage.errors import StorageUnavailable
from tests.databases import Clock
from tests.web.signed import ADMIN, BASE, Pages, scenario_of, token_on, words_on
from web import stores
from web.app import Given, create_app
from web.console.filters import FIELDS
from web.health import Check, outcome
from web.pages import HEADERS, lasted, size, static_address


@pytest.fixture
async def pages(file_database: Database, clock: Clock) -> Pages:
    return Pages(file_database, clock)


@pytest.mark.parametrize(
    "path",
    ["/console", "/healthz", "/nothing", "/signed-out", "/sign-in/x", "/static/0/console.css"],
)
async def test_every_answer_carries_the_same_strict_headers(pages: Pages, path: str) -> None:
    answer = await pages.browser().get(path)

    for name, value in HEADERS.items():
        if not (name == "Cache-Control" and path.startswith("/static")):
            assert answer.headers[name] == value
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[bad", "a b"])
async def test_a_foreign_name_is_refused(pages: Pages, host: str) -> None:
    answer = await pages.browser().get("/console", headers={"Host": host})

    assert answer.status_code == 400


async def test_whoever_watches_the_process_may_use_any_name(pages: Pages) -> None:
    answer = await pages.browser().get("/healthz", headers={"Host": "10.0.0.7:8080"})

    assert answer.status_code == 200


async def test_an_address_that_is_too_long_is_refused(pages: Pages) -> None:
    answer = await pages.browser().get("/console/log?words=" + "a" * 64_000)

    assert answer.status_code == 400
    assert "too long" in words_on(answer)


async def test_errors_repeat_nothing_of_what_was_asked(pages: Pages) -> None:
    browser = pages.browser()

    answers = [
        await browser.get("/nothing/<b>secret"),
        await browser.post("/console"),
        await browser.get("/sign-in/secret"),
    ]

    assert [answer.status_code for answer in answers] == [404, 405, 404]
    assert all("secret" not in answer.text for answer in answers)


async def test_files_are_served_by_name_only_and_may_be_kept(pages: Pages) -> None:
    browser = pages.browser()

    style = await browser.get(static_address("console.css"))
    other = await browser.get("/static/x/phone.css")
    above = await browser.get("/static/x/..%2Fpages.py")

    assert style.status_code == 200
    assert "immutable" in style.headers["Cache-Control"]
    assert other.status_code == 404
    assert above.status_code == 404


async def test_the_database_being_away_is_said_and_nothing_shown(
    pages: Pages, file_database: Database
) -> None:
    await file_database.close()

    answer = await pages.browser().get("/console")

    assert answer.status_code == 503


async def fails(_request: Request) -> Response:
    raise RuntimeError("secret")


async def stops(_request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"begun"
        raise StorageUnavailable("lost")

    return StreamingResponse(parts())


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello", headers={"Referrer-Policy": "same-origin"})


async def test_routes_of_others_go_first_and_keep_their_headers(
    file_database: Database, clock: Clock
) -> None:
    extra = [Route("/console", hello), Route("/fails", fails), Route("/stops", stops)]
    given = Given(clock=clock, scenario_of=scenario_of)
    app = create_app(file_database, given, extra_routes=extra)
    browser = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url=BASE
    )

    first, failed = await browser.get("/console"), await browser.get("/fails")

    assert first.text == "hello"
    assert first.headers["Referrer-Policy"] == "same-origin"
    assert failed.status_code == 500
    assert "secret" not in failed.text
    assert failed.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


async def test_an_answer_that_breaks_off_is_not_ended_in_good_order(
    file_database: Database, clock: Clock
) -> None:
    given = Given(clock=clock, scenario_of=scenario_of)
    app = create_app(file_database, given, extra_routes=[Route("/stops", stops)])
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE)

    with pytest.raises(RuntimeError, match="already started"):
        await browser.get("/stops")


# --- metrics --------------------------------------------------------------------------------------


async def well() -> Check:
    return Check("", {"unsent": 3, "oldest_unsent_seconds": None})


async def ill() -> Check:
    return Check("sweeper_stale", {"age": 1.5})


async def test_metrics_are_off_unless_asked_for(pages: Pages) -> None:
    assert (await pages.browser().get("/metrics")).status_code == 404


async def test_metrics_are_prometheus_text(file_database: Database, clock: Clock) -> None:
    pages = Pages(file_database, clock, {"metrics": True, "checks": {"bot": well, "Disk": ill}})

    answer = await pages.browser().get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'curbside_up{check="bot"} 1' in answer.text
    assert 'curbside_up{check="disk"} 0' in answer.text
    assert "curbside_bot_unsent 3\n" in answer.text
    assert "oldest" not in answer.text


async def test_the_database_and_its_disk_are_watched(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = stores.stores(pages.database, tmp_path)
    well_off = await look()
    monkeypatch.setattr(stores, "LEAST_FREE_BYTES", 2**80)

    full = await look()

    assert well_off.trouble == ""
    assert well_off.values["dead_letters"] == 0
    assert (well_off.values["size_bytes"] or 0) > 0
    assert (well_off.values["disk_free_bytes"] or 0) > 0
    assert full.trouble == "disk_full"


async def test_a_check_that_fails_is_its_own_finding() -> None:
    async def broken() -> Check:
        raise OSError

    assert await outcome(broken) == Check("OSError")


# --- how numbers read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),
        (7260, "2 h 1 min"),
        (172800, "2 d"),
    ],
)
def test_time_spans_read_in_two_units(seconds: float | None, words: str) -> None:
    assert lasted(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "–"),
        (12, "12 B"),
        (1500, "1.5 kB"),
        (2.5e6, "2.5 MB"),
        (3e9, "3.0 GB"),
        (4e12, "4.0 TB"),
    ],
)
def test_sizes_read_in_a_unit_that_fits(number: float | None, words: str) -> None:
    assert size(number) == words


# --- whatever is asked ------------------------------------------------------------------------------

NASTY = (
    "",
    "0",
    "-1",
    "9" * 40,
    "a" * 500,
    "'; DROP TABLE person; --",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00",
    "\ud7ff\u202e\u0000",
    "00000000-0000-0000-0000-000000000001",
    "{{7*7}}%s%n",
)


async def test_whatever_is_asked_no_route_fails(file_database: Database, clock: Clock) -> None:
    pages = Pages(file_database, clock, {"metrics": True, "checks": {"bot": well}})
    admin = await pages.person(ADMIN, admin=True)
    browser = await pages.signed_in(admin)
    token = token_on(await browser.get("/console/teams"))
    names = (*FIELDS, "before", "after", "period", "team", "phase", "code", "status", "back")
    codes = set()
    for route in (each for each in pages.app.routes if each.path != "/sign-out"):
        for place, nasty in enumerate(NASTY):
            path = re.sub(r"\{[^}]*\}", quote(nasty or "x", safe=""), route.path)
            query = dict.fromkeys((names[place % len(names)], names[-place]), nasty)
            fields = {"token": token, "through": nasty, "format": nasty, "session": nasty, **query}
            method = browser.get if "GET" in route.methods else browser.post
            given: dict[str, Any] = {"params": query} if method == browser.get else {"data": fields}
            codes.add((await method(path, **given)).status_code)

    assert (await browser.get("/console/teams")).status_code == 200
    assert codes <= {200, 303, 400, 401, 403, 404, 409, 413}
    assert {200, 400, 404} <= codes
