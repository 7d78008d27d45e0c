"""The console in a real browser: signing in, filtering, paging, exporting, breaking the glass."""

import asyncio
import os
import re
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Download, Page, expect

from storage import audit, people, sign_in
from storage.database import open_database
from storage.keys import Keyring
from storage.people import Person
from storage.transaction import T, Tx, Unit
from tests.databases import Clock, sqlite_url
from tests.e2e.conftest import Process
from tests.web.signed import ADMIN, ASKER, Pages, last_asked
from tests.web.test_console import SECRET, case_of

PICTURES = os.environ.get("CURBSIDE_PICTURES")
"""A folder: the pages are kept there to be looked at."""

SIZES = {"phone": (390, 844), "desk": (1280, 900)}


class Served:
    """The pages, served in a thread of their own over a real port."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.pages = self.runs(self._open(folder))
        config = uvicorn.Config(self.pages.app, port=0, log_level="warning", lifespan="off")
        self.server = uvicorn.Server(config)
        self.serving = asyncio.run_coroutine_threadsafe(self.server.serve(), self.loop)
        while not self.server.started:
            self.runs(asyncio.sleep(0.02))
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    async def _open(self, folder: Path) -> Pages:
        keys = Keyring([bytes(range(1, 33))])
        return Pages(open_database(sqlite_url(folder), keys, self.clock), self.clock)

    def runs(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def writes(self, unit: Unit[T]) -> T:
        return self.runs(self.pages.database.write(unit))

    def stop(self) -> None:
        self.server.should_exit = True
        self.serving.result(10)
        self.runs(self.pages.database.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.stop()


def picks(served: Served, page: Page, person: Person) -> None:
    """The person picks in the chat the number that the page shows."""
    shown = int(page.locator(".number").inner_text())
    assert served.writes(lambda tx: sign_in.answer(tx, person.id, last_asked(tx), shown))


def signs_in(served: Served, page: Page, person: Person) -> None:
    token = served.writes(lambda tx: sign_in.issue(tx, person.id))
    page.goto(f"http://127.0.0.1:{served.port}/sign-in/{token}")
    page.get_by_role("button", name="Continue").click()
    picks(served, page, person)
    page.get_by_role("button", name="Open Curbside").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def goes_to(page: Page, name: str) -> None:
    if page.locator(".menu summary").is_visible():
        page.locator(".menu summary").click()
    page.get_by_role("link", name=name, exact=True).locator("visible=true").first.click()
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    if PICTURES:
        width = page.viewport_size["width"]  # type: ignore[index]
        page.screenshot(path=str(Path(PICTURES) / f"console-{name}-{width}.png"), full_page=True)


@pytest.mark.parametrize(("size", "scripts"), [("phone", False), ("desk", True)])
def test_an_admin_reviews_the_log_and_decides(
    served: Served, browser: Browser, size: str, scripts: bool
) -> None:
    admin = served.writes(lambda tx: people.get_or_create(tx, ADMIN, "Admin", is_admin=True))
    asker = served.writes(lambda tx: people.get_or_create(tx, ASKER, "Asker"))
    served.writes(lambda tx: people.get_or_create(tx, 8801, "Newcomer", status="pending"))
    case = served.writes(lambda tx: case_of(tx, asker))
    served.writes(_events)
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
        accept_downloads=True,
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    troubles: list[str] = []
    page.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )

    signs_in(served, page, admin)
    for name in ("Consults", "Teams", "Content", "System", "Overview", "Log"):
        goes_to(page, name)

    page.get_by_text("Event, outcome, day, person").click()
    page.get_by_label("Event", exact=True).fill("test.event")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".events li")).to_have_count(50)
    page.get_by_role("link", name="Older").first.click()
    page.get_by_role("link", name="Older").first.click()
    expect(page.locator(".events li")).to_have_count(20)

    page.get_by_role("link", name="Export these").click()
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Ask me in the chat").click()
    picks(served, page, admin)
    page.get_by_role("button", name="Go on").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export").click()
    assert _lines(waiting.value)[0].startswith("seq,at,person,action")

    page.goto(f"http://127.0.0.1:{served.port}/console/consult/{case.id}")
    assert SECRET not in page.content()
    page.locator("select[name=reason_code]").select_option("safety")
    page.get_by_label("In your words").fill("Somebody called, worried.")
    page.get_by_role("button", name="Break the glass").click()
    expect(page.get_by_text(SECRET)).to_be_visible()

    goes_to(page, "People")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Waiting for you")).to_have_count(0)

    goes_to(page, "Integrity")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("The log is whole")).to_be_visible()

    context.close()
    assert troubles == []


def _events(tx: Tx) -> None:
    for number in range(120):
        audit.record(tx, audit.Event(actor=None, action="test.event", meta={"number": number}))


def _lines(download: Download) -> list[str]:
    assert re.fullmatch(r"curbside-log-\d{8}-\d{6}\.csv", download.suggested_filename)
    return Path(download.path()).read_text("utf-8").splitlines()


def test_the_console_opens_from_the_admins_phone(process: Process, phone: Page) -> None:
    """The local cast's admin, who is no clinician, needs seven taps and no typing."""
    phone.set_default_timeout(10_000)
    phone.goto(process.address)
    phone.get_by_role("button", name="Change person").click()
    phone.get_by_text("Admin").last.click()
    phone.get_by_role("button", name="Start", exact=True).click()
    phone.get_by_role("button", name="Administration").click()
    phone.get_by_role("button", name="Open the console").click()
    with phone.context.expect_page() as opening:
        phone.locator("a[href*='/sign-in/']").last.click()
    console = opening.value
    console.set_default_timeout(10_000)
    console.get_by_role("button", name="Continue").click()
    number = console.locator(".number").inner_text()
    phone.bring_to_front()
    phone.get_by_role("button", name=number, exact=True).click()
    expect(phone.get_by_text("Confirmed. Go back to the browser.").first).to_be_visible()
    console.bring_to_front()
    console.get_by_role("button", name="Open Curbside").click()

    expect(console.get_by_role("heading", name="Overview")).to_be_visible()
    goes_to(console, "System")
    assert httpx.get(f"{process.address}/metrics").text.startswith("# TYPE curbside_up gauge")
    console.close()
