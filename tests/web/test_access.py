"""Signing in: one link, one browser, one use; and what ends a session."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

import httpx
import pytest

from storage import audit, people, sign_in
from storage.database import Database
from storage.errors import NotFound
from storage.people import Person
from storage.schema import sign_in as links
from storage.schema import web_session
from storage.sign_in import Refused
from storage.transaction import Tx
from tests.databases import Clock
from tests.web.signed import (
    ADMIN,
    ASKER,
    BASE,
    STRANGER,
    Pages,
    number_on,
    submit,
    token_on,
    words_on,
)


@pytest.fixture
async def pages(file_database: Database, clock: Clock) -> Pages:
    return Pages(file_database, clock)


@pytest.fixture
async def admin(pages: Pages) -> Person:
    return await pages.person(ADMIN, admin=True)


async def test_a_link_opens_the_console_in_the_browser_whose_number_was_picked(
    pages: Pages, admin: Person
) -> None:
    browser = await pages.signed_in(admin)

    page = await browser.get("/console")

    assert page.status_code == 200
    assert "Overview" in words_on(page)
    assert pages.told == [ADMIN]


async def test_asking_for_the_page_of_a_link_changes_nothing(pages: Pages, admin: Person) -> None:
    token = await pages.link(admin)
    for _ in range(3):
        assert (await pages.browser().get(f"/sign-in/{token}")).status_code == 200

    rows = await pages.look(lambda tx: tx.connection.execute(links.select()).all())

    assert [(row.bound_at, row.used_at) for row in rows] == [(None, None)]
    assert pages.told == []


async def test_only_digests_are_stored(pages: Pages, admin: Person) -> None:
    token = await pages.link(admin)

    row = await pages.look(lambda tx: tx.connection.execute(links.select()).one())

    assert bytes(row.token_hash) == sign_in.digest(token)
    assert token.encode() not in repr(tuple(row)).encode()


async def test_a_forwarded_link_is_useless_in_another_browser(pages: Pages, admin: Person) -> None:
    browser, other, token = pages.browser(), pages.browser(), await pages.link(admin)
    page = await browser.get(f"/sign-in/{token}")
    theirs = await other.get(f"/sign-in/{token}")
    await submit(browser, page, f"/sign-in/{token}/ask")
    number = number_on(await browser.get(f"/sign-in/{token}"))
    await pages.picks(admin, number)

    answers = [
        await other.get(f"/sign-in/{token}"),
        await submit(other, theirs, f"/sign-in/{token}/ask"),
        await submit(other, theirs, f"/sign-in/{token}"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize("number", [0, 9])
async def test_a_wrong_number_ends_the_link(pages: Pages, admin: Person, number: int) -> None:
    browser, token = pages.browser(), await pages.link(admin)
    await submit(browser, await browser.get(f"/sign-in/{token}"), f"/sign-in/{token}/ask")

    picked = await pages.picks(admin, number)

    assert not picked
    assert (await browser.get(f"/sign-in/{token}")).status_code == 404


async def test_somebody_else_cannot_pick_the_number(pages: Pages, admin: Person) -> None:
    other = await pages.person(ASKER)
    browser, token = pages.browser(), await pages.link(admin)
    await submit(browser, await browser.get(f"/sign-in/{token}"), f"/sign-in/{token}/ask")
    number = number_on(await browser.get(f"/sign-in/{token}"))

    assert not await pages.picks(other, number)
    assert await pages.picks(admin, number)
    assert not await pages.picks(admin, number)


async def test_the_question_in_the_chat_holds_the_right_number_among_three(
    pages: Pages, admin: Person
) -> None:
    browser, token = pages.browser(), await pages.link(admin)
    await submit(browser, await browser.get(f"/sign-in/{token}"), f"/sign-in/{token}/ask")
    number = number_on(await browser.get(f"/sign-in/{token}"))

    def question(tx: Tx) -> sign_in.SignIn:
        return sign_in.look(tx, token, browser.cookies["curbside-browser"])

    found = await pages.look(question)

    assert found.number == number
    assert found.state == "asked"


async def test_a_link_that_was_not_confirmed_opens_nothing(pages: Pages, admin: Person) -> None:
    browser, token = pages.browser(), await pages.link(admin)
    page = await browser.get(f"/sign-in/{token}")
    await submit(browser, page, f"/sign-in/{token}/ask")

    answer = await submit(browser, page, f"/sign-in/{token}")

    assert answer.status_code == 404
    assert "curbside" not in browser.cookies


async def test_a_link_works_once(database: Database, clock: Clock) -> None:
    pages = Pages(database, clock)
    admin = await pages.person(ADMIN, admin=True)
    browser, token = pages.browser(), await pages.link(admin)
    page = await browser.get(f"/sign-in/{token}")
    await submit(browser, page, f"/sign-in/{token}/ask")
    await pages.picks(admin, number_on(await browser.get(f"/sign-in/{token}")))
    last = await browser.get(f"/sign-in/{token}")

    answers = await asyncio.gather(*(submit(browser, last, f"/sign-in/{token}") for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404]


async def test_a_link_lasts_five_minutes(pages: Pages, admin: Person, clock: Clock) -> None:
    token = await pages.link(admin)
    clock.moves(minutes=5)

    assert (await pages.browser().get(f"/sign-in/{token}")).status_code == 404


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 4000, "%00", "é"])
async def test_a_forged_link_looks_like_an_expired_one(pages: Pages, token: str) -> None:
    answer = await pages.browser().get(f"/sign-in/{token}")

    assert answer.status_code == 404
    assert "wrong, used or expired" in words_on(answer)


async def test_the_sixth_open_link_ends_the_first(pages: Pages, admin: Person) -> None:
    tokens = [await pages.link(admin) for _ in range(6)]

    codes = [(await pages.browser().get(f"/sign-in/{token}")).status_code for token in tokens]

    assert codes == [404, 200, 200, 200, 200, 200]


# --- sessions -----------------------------------------------------------------------------------


async def test_without_a_session_there_is_nothing_to_see(pages: Pages) -> None:
    for secret in ("", secrets.token_urlsafe(32)):
        browser = pages.browser()
        browser.cookies.set("curbside", secret)
        answer = await browser.get("/console/log")

        assert answer.status_code == 401
        assert "/admin" in words_on(answer)


async def test_a_session_ends_after_half_an_hour_without_use(
    pages: Pages, admin: Person, clock: Clock
) -> None:
    browser = await pages.signed_in(admin)
    clock.moves(minutes=29)
    assert (await browser.get("/console/teams")).status_code == 200
    clock.moves(minutes=29)
    assert (await browser.get("/console/teams")).status_code == 200
    clock.moves(minutes=31)

    assert (await browser.get("/console/teams")).status_code == 401


async def test_a_session_ends_after_eight_hours(pages: Pages, admin: Person, clock: Clock) -> None:
    browser = await pages.signed_in(admin)
    codes = []
    for _ in range(20):
        clock.moves(minutes=25)
        codes.append((await browser.get("/console/teams")).status_code)

    assert codes == [200] * 19 + [401]


async def test_signing_out_ends_the_session_in_the_database(pages: Pages, admin: Person) -> None:
    browser = await pages.signed_in(admin)
    secret = browser.cookies["curbside"]
    await submit(browser, await browser.get("/console/teams"), "/sign-out")
    browser.cookies.set("curbside", secret)

    assert (await browser.get("/console")).status_code == 401


async def test_somebody_who_is_no_longer_admin_is_out_at_once_and_on_record(
    pages: Pages, admin: Person
) -> None:
    browser = await pages.signed_in(admin)
    await pages.database.write(lambda tx: people.set_admin(tx, admin, is_admin=False, by=None))

    answer = await browser.get("/console/log")
    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])

    assert answer.status_code == 403
    assert (newest.action, newest.outcome) == ("audit.read", "denied")


async def test_a_person_who_is_no_admin_can_sign_in_but_not_see_the_console(pages: Pages) -> None:
    stranger = await pages.person(STRANGER)
    browser = await pages.signed_in(stranger)

    assert (await browser.get("/console")).status_code == 403


async def test_an_admin_can_end_another_session(pages: Pages, admin: Person) -> None:
    first, second = await pages.signed_in(admin), await pages.signed_in(admin)
    row = await pages.look(
        lambda tx: tx.connection.execute(web_session.select().order_by(web_session.c.id)).first()
    )
    assert row is not None

    page = await second.get(f"/console/person/{admin.id}")
    await submit(second, page, f"/console/person/{admin.id}/sign-out", session=row.id.hex)

    assert (await first.get("/console/teams")).status_code == 401
    assert (await second.get("/console/teams")).status_code == 200


async def test_ending_all_sessions_ends_all(pages: Pages, admin: Person) -> None:
    browsers = [await pages.signed_in(admin) for _ in range(2)]
    page = await browsers[0].get(f"/console/person/{admin.id}")
    await submit(browsers[0], page, f"/console/person/{admin.id}/sign-out")

    assert [(await b.get("/console/teams")).status_code for b in browsers] == [401, 401]


# --- confirming again ---------------------------------------------------------------------------


async def test_a_confirmation_in_the_chat_lasts_five_minutes(
    pages: Pages, admin: Person, clock: Clock
) -> None:
    browser = await pages.signed_in(admin)
    await pages.steps_up(browser, admin)
    assert (await browser.get("/confirm")).status_code == 303
    clock.moves(minutes=6)

    assert (await browser.get("/confirm")).status_code == 200


async def test_asking_twice_makes_the_first_number_void(pages: Pages, admin: Person) -> None:
    browser = await pages.signed_in(admin)
    page = await browser.get("/confirm")
    await submit(browser, page, "/confirm/ask")
    await submit(browser, page, "/confirm/ask")

    done = await submit(browser, page, "/confirm")

    assert done.headers["location"] == "/confirm?back=%2Fconsole"


@pytest.mark.parametrize(
    "back",
    ["//evil.example", "https://evil.example", "/a\\b", "javascript:1", "/?\r\nx", "/" + "a" * 700],
)
async def test_a_confirmation_never_leads_elsewhere(pages: Pages, admin: Person, back: str) -> None:
    browser = await pages.signed_in(admin)
    await pages.steps_up(browser, admin)

    answer = await browser.get("/confirm", params={"back": back})

    assert answer.headers["location"] == "/console"


# --- forms and cookies ----------------------------------------------------------------------------


async def test_a_form_without_our_token_does_nothing(pages: Pages, admin: Person) -> None:
    browser = await pages.signed_in(admin)

    for fields in ({"a": "b"}, {"token": "0" * 64}, {"token": "é"}):
        answer = await browser.post("/sign-out", data=fields)
        assert answer.status_code == 403
    assert (await browser.get("/console/teams")).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:9999"),
        ("Origin", "http://[bad"),
        ("Sec-Fetch-Site", "cross-site"),
    ],
)
async def test_a_form_of_another_site_does_nothing(
    pages: Pages, admin: Person, name: str, value: str
) -> None:
    browser = await pages.signed_in(admin)
    token = token_on(await browser.get("/console/teams"))

    answer = await browser.post("/sign-out", data={"token": token}, headers={name: value})

    assert answer.status_code == 403


async def test_our_own_form_is_taken_with_and_without_its_origin(
    pages: Pages, admin: Person
) -> None:
    browser = await pages.signed_in(admin)
    token = token_on(await browser.get("/confirm"))

    for origin in (BASE, "null"):
        answer = await browser.post("/confirm", data={"token": token}, headers={"Origin": origin})
        assert answer.status_code == 303


async def test_what_is_no_form_is_not_read(pages: Pages, admin: Person) -> None:
    browser = await pages.signed_in(admin)

    codes = [
        (await browser.post("/sign-out", json={"token": "x"})).status_code,
        (await browser.post("/sign-out", files={"token": b"x"})).status_code,
        (await browser.post("/sign-out", data={"token": "x" * 20_000})).status_code,
        (await form(browser, b"\xff\xfe=1")).status_code,
        (await form(browser, b"a&b")).status_code,
        (await form(browser, b"&".join([b"a=1"] * 60))).status_code,
    ]

    assert codes == [415, 415, 413, 400, 400, 400]


async def form(browser: httpx.AsyncClient, content: bytes) -> httpx.Response:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await browser.post("/sign-out", content=content, headers=kind)


async def test_binding_needs_the_page_first(pages: Pages, admin: Person) -> None:
    token = await pages.link(admin)

    answer = await pages.browser().post(f"/sign-in/{token}/ask", data={"token": "0" * 64})

    assert answer.status_code == 403


async def test_cookies_are_strict_and_over_https_bound_to_the_host(
    file_database: Database, clock: Clock
) -> None:
    plain = Pages(file_database, clock)
    public = Pages(file_database, clock, {"public_url": "https://curbside.example"})
    admin = await plain.person(ADMIN, admin=True)

    local = await plain.browser().get(f"/sign-in/{await plain.link(admin)}")
    secure = await public.browser("https://curbside.example").get(
        f"/sign-in/{await public.link(admin)}"
    )

    assert local.headers["set-cookie"].startswith("curbside-browser=")
    assert "secure" not in local.headers["set-cookie"].lower()
    cookie = secure.headers["set-cookie"].lower()
    assert cookie.startswith("__host-curbside-browser=")
    assert all(word in cookie for word in ("secure", "httponly", "samesite=strict", "path=/"))
    assert "domain" not in cookie


async def test_every_step_of_signing_in_is_on_record(pages: Pages, admin: Person) -> None:
    browser = await pages.signed_in(admin)
    await submit(browser, await browser.get("/console/teams"), "/sign-out")

    found = await pages.look(lambda tx: audit.entries(tx, actor=admin.id))

    assert [entry.action for entry in reversed(found)] == [
        "sign_in.issue",
        "sign_in.answer",
        "session.begin",
        "console.read",
        "session.revoke",
    ]


async def refusals(pages: Pages) -> list[tuple[str, str, Any]]:
    """What is on record as refused, oldest first: action, outcome, status or purpose."""
    found = await pages.look(lambda tx: audit.entries(tx, limit=50))
    return [
        (e.action, e.outcome, e.meta.get("status") or e.meta.get("purpose"))
        for e in reversed(found)
        if e.outcome != "ok"
    ]


async def test_a_form_that_was_forged_is_on_record(pages: Pages, admin: Person) -> None:
    browser = await pages.signed_in(admin)

    await browser.post("/sign-out", data={"token": "0" * 64})
    await browser.post("/sign-out", data={"a": "b"}, headers={"Origin": "https://evil.example"})

    assert await refusals(pages) == [("console.refuse", "refused", 403)] * 2


async def test_a_link_tried_again_or_elsewhere_is_on_record_and_a_forged_one_is_nobodys(
    pages: Pages, admin: Person
) -> None:
    token = await pages.link(admin)
    browser = pages.browser()
    page = await browser.get(f"/sign-in/{token}")
    await submit(browser, page, f"/sign-in/{token}/ask")

    await pages.browser().get(f"/sign-in/{token}")
    await pages.browser().get("/sign-in/" + "a" * 43)
    await pages.browser().get("/sign-in/" + "a" * 4000)

    assert await refusals(pages) == [("sign_in.refuse", "refused", "console")]


async def test_what_nobody_signed_in_asks_wrongly_does_not_fill_the_log(pages: Pages) -> None:
    browser = pages.browser()

    for path in ("/console/log?before=x", "/console/consult/" + str(UUID(int=4))):
        await browser.get(path)
        await browser.post(path)

    assert await refusals(pages) == []


async def test_a_person_who_was_deleted_meanwhile_cannot_be_asked(
    pages: Pages, admin: Person
) -> None:
    browser, token = pages.browser(), await pages.link(admin)
    page = await browser.get(f"/sign-in/{token}")
    await pages.database.write(
        lambda tx: tx.connection.exec_driver_sql("UPDATE person SET telegram_id = NULL")
    )

    answer = await submit(browser, page, f"/sign-in/{token}/ask")

    assert answer.status_code == 404


async def test_a_session_that_does_not_exist_cannot_be_revoked(pages: Pages, admin: Person) -> None:
    with pytest.raises(NotFound):
        await pages.database.write(lambda tx: sign_in.revoke(tx, admin.id, by=admin.id))
    with pytest.raises(Refused):
        await pages.look(lambda tx: sign_in.look(tx, "nothing"))
