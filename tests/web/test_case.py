"""The page of a case: who may see it, what it carries, what it never does."""

import re
from typing import Any

import httpx
import pytest

from dialogs.content import load_scenario
from dialogs.record.page import style_digest
from storage import audit, consults, sign_in
from storage.consults import StoredConsult
from storage.database import Database
from storage.paper import Press
from storage.people import Person
from storage.transaction import Tx
from tests.databases import Clock
from tests.dialogs.test_record import FOUNDING
from tests.storage.test_paper import answering
from tests.web.signed import ASKER, BASE, STRANGER, Pages, submit, words_on


@pytest.fixture
async def pages(file_database: Database, clock: Clock) -> Pages:
    return Pages(file_database, clock)


@pytest.fixture
async def asker(pages: Pages) -> Person:
    return await pages.person(ASKER)


async def case_of(pages: Pages, who: Person, **changed: Any) -> StoredConsult:
    """The founding case of somebody, with its summary."""
    from dataclasses import replace

    scenario = load_scenario()

    def unit(tx: Tx) -> StoredConsult:
        made = consults.create(
            tx, who, scenario_id=scenario.id, content_hash=scenario.hash, answers=FOUNDING
        )
        shown = replace(made, phase="advised", draft={"shown": dict(FOUNDING)}, **changed)
        return consults.save(tx, shown, made.revision)

    return await pages.database.write(unit)


async def newest(pages: Pages, action: str) -> audit.Entry:
    return await pages.look(lambda tx: next(e for e in audit.entries(tx) if e.action == action))


async def test_the_asker_reads_the_case_after_signing_in(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)

    page = await browser.get(f"/case/{stored.short}")
    entry = await newest(pages, "consult.read")

    assert page.status_code == 200
    assert f"Case {stored.code}" in words_on(page)
    assert "42 CFR part 2 prohibits" in words_on(page)
    assert (entry.actor, entry.consult_id, entry.meta["form"]) == (asker.id, stored.id, "page")


async def test_the_page_asks_nobody_else_and_is_kept_nowhere(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)
    page = await browser.get(f"/case/{stored.short}")
    policy = page.headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'self' '{style_digest()}'" in policy
    assert "script-src" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "<script" not in page.text
    assert not re.search(r"(src|href|action)=\"(?!/|#)", page.text)


async def test_somebody_else_sees_what_a_wrong_address_shows(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)
    stranger = await pages.person(STRANGER)
    browser = await pages.signed_in(stranger, stored.short)

    answers = [
        await browser.get(f"/case/{short}{form}")
        for short in (stored.short, "aaaaaaaa")
        for form in ("", "/md", "/pdf")
    ]
    denied = await pages.look(lambda tx: [e for e in audit.entries(tx) if e.outcome == "denied"])

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert {(e.actor, e.consult_id) for e in denied} == {(stranger.id, stored.id)}


async def test_nobody_reads_without_signing_in(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)

    answer = await pages.browser().get(f"/case/{stored.short}")

    assert answer.status_code == 401
    assert "/transcript" in words_on(answer)


async def test_an_erased_case_is_gone_for_its_asker_too(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)
    await pages.database.write(lambda tx: consults.erase(tx, stored.id, by=asker.id))

    assert (await browser.get(f"/case/{stored.short}")).status_code == 404


@pytest.mark.parametrize(
    ("form", "kind", "begins"),
    [
        ("html", "text/html; charset=utf-8", b"<!doctype html>"),
        ("md", "text/markdown; charset=utf-8", b"# Case "),
        ("pdf", "application/pdf", b"%PDF-"),
    ],
)
async def test_the_case_is_taken_along_in_each_form_on_record(
    pages: Pages, asker: Person, form: str, kind: str, begins: bytes
) -> None:
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)
    first = await browser.get(f"/case/{stored.short}/{form}")
    again = await browser.get(f"/case/{stored.short}/{form}")
    entry = await newest(pages, "consult.export")
    await pages.app.state.press.close()

    assert first.headers["content-type"] == kind
    assert first.headers["content-disposition"] == (
        f'attachment; filename="case-{stored.code}-transcript.{form}"'
    )
    assert first.content.startswith(begins)
    assert first.content == again.content
    assert (entry.consult_id, entry.meta["form"]) == (stored.id, form)


async def test_a_form_that_is_none_is_not_there(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)

    assert (await browser.get(f"/case/{stored.short}/exe")).status_code == 404


async def test_without_the_library_the_page_says_what_to_do(
    file_database: Database, clock: Clock
) -> None:
    lacking = answering("r.read(4); w.write(struct.pack('>I', 1) + b'?'); w.flush(); r.read()")
    press = Press(command=lacking)
    pages = Pages(file_database, clock, {"press": press})
    asker = await pages.person(ASKER)
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)
    answer = await browser.get(f"/case/{stored.short}/pdf")
    await press.close()

    assert answer.status_code == 503
    assert "pdf extra" in words_on(answer)


async def test_signing_out_needs_no_more_than_being_signed_in(pages: Pages, asker: Person) -> None:
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)
    page = await browser.get(f"/case/{stored.short}")
    await submit(browser, page, "/sign-out")

    assert (await browser.get(f"/case/{stored.short}")).status_code == 401


# --- a typed code -------------------------------------------------------------------------------


async def typed(browser: httpx.AsyncClient, code: str) -> str:
    answer = await browser.post("/sign-in", data={"code": code}, headers={"origin": BASE})
    assert answer.status_code == 303
    return str(answer.headers["location"])


async def test_a_typed_code_leads_to_its_link_however_it_is_written(
    pages: Pages, asker: Person
) -> None:
    code = await pages.database.write(
        lambda tx: sign_in.issue(tx, asker.id, "case", "abcdefgh", typed=True)
    )
    browser = pages.browser()
    assert "Type the code" in words_on(await browser.get("/sign-in"))
    written = (code, sign_in.grouped(code), sign_in.grouped(code).lower(), f" {code} ")

    places = {await typed(browser, each) for each in written}

    assert places == {f"/sign-in/{code}"}
    assert (await browser.get(places.pop())).status_code == 200


@pytest.mark.parametrize("code", ["", "é" * 30, "../../console", "AAAAA-AAAAA"])
async def test_a_wrong_code_looks_like_an_expired_one(pages: Pages, code: str) -> None:
    browser = pages.browser()

    answer = await browser.get(await typed(browser, code))

    assert answer.status_code == 404
    assert "wrong, used or expired" in words_on(answer)
