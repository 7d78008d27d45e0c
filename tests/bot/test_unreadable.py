"""Ciphertext that was altered under a running bot: people are told, and other things go on."""

from pathlib import Path

from storage.unreadable import UNREADABLE
from tests.bot.conftest import Conversation, talking
from tests.bot.walks import every, planned, summary
from tests.web.signed import ADMIN, Pages, submit, words_on


async def change(talk: Conversation, sql: str) -> None:
    await talk.service.database.write(lambda tx: tx.connection.exec_driver_sql(sql))


async def test_a_case_that_cannot_be_read_is_said_and_the_rest_goes_on(
    ready: Conversation,
) -> None:
    await summary(ready)
    case = ready.screen
    await change(ready, "UPDATE consult SET draft = substr(draft, 1, 20)")

    assert await ready.says("/summary") == UNREADABLE
    ready.me.taps("The step in full", case)
    await ready.settles()
    assert ready.me.toasts[-1].text == UNREADABLE
    assert "cannot be read" in await ready.says("/cases")
    assert "501" in await ready.says("/whoami")
    await ready.says("/mydata")
    assert "document" in ready.me.last.wire
    assert await every(ready, "SELECT 1 FROM dead_letter") == []
    assert await every(
        ready, "SELECT DISTINCT object_type FROM audit_event WHERE action = 'entry.unreadable'"
    ) == [("consult.draft",)]


async def test_it_is_said_in_the_language_of_the_person(ready: Conversation) -> None:
    await summary(ready)
    await ready.says("/settings")
    await ready.taps("Language", "Español")
    await change(ready, "UPDATE consult SET draft = substr(draft, 1, 20)")

    assert "Esta entrada no se puede leer" in await ready.says("/summary")


async def test_a_key_that_cannot_be_opened_is_said(ready: Conversation) -> None:
    await change(
        ready,
        "UPDATE data_key SET wrapped = substr(wrapped, 1, 20) WHERE id ="
        " (SELECT data_key_id FROM person WHERE telegram_id = 501)",
    )
    ready.service.database._backend._keys._cache.clear()

    assert await ready.says("/help") == UNREADABLE
    assert await every(ready, "SELECT 1 FROM dead_letter") == []


async def test_the_console_says_what_cannot_be_read(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor")
        await planned(talk)
        pages = Pages(talk.service.database, talk.clock, {"data_dir": tmp_path})  # type: ignore[arg-type]
        admin = await pages.person(ADMIN, admin=True)
        browser = await pages.signed_in(admin)
        await pages.steps_up(browser, admin)
        await change(talk, "UPDATE transcript SET params = substr(params, 1, 20)")
        await change(talk, "UPDATE person SET name = substr(name, 1, 5) WHERE telegram_id = 501")
        [(case,)] = await every(talk, "SELECT id FROM consult")
        [(person,)] = await every(talk, "SELECT id FROM person WHERE telegram_id = 501")

        page = await browser.get(f"/console/consult/{case}")
        asked = {"reason_code": "safety", "reason": "Somebody called, worried."}
        page = await submit(browser, page, f"/console/consult/{case}/glass", **asked)
        text = await browser.get(page.headers["location"])
        named = await submit(
            browser,
            await browser.get(f"/console/person/{person}"),
            f"/console/person/{person}/name",
        )

        assert (text.status_code, named.status_code) == (200, 200)
        assert UNREADABLE in words_on(text)
        assert UNREADABLE in words_on(named)
