"""Every page and form there is, asked for by people it is not for. New ones are found by themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

import web
from storage import audit, consults, people
from storage.database import Database
from storage.people import Person
from storage.transaction import Tx
from tests.databases import Clock
from tests.web.signed import ASKER, COLLEAGUE, Pages
from web.access import form_token

OPEN = {
    "/healthz": "says whether the process lives",
    "/readyz": "says whether it can work",
    "/metrics": "numbers, only where the operator opens it",
    "/static/{digest}/{name}": "style and pictures",
    "/sign-in": "asks for a code that the bot gave, tried a few times only",
    "/sign-in/{token}": "the link is what lets in; a foreign one is tried in test_access",
    "/sign-in/{token}/ask": "the same",
    "/sign-out": "ends one's own session",
    "/signed-out": "says that one is out",
    "/shared/{token}": "opens to whoever has the link; a wrong one leads nowhere",
}
"""What anybody may ask for, and why."""

NOWHERE = UUID(int=5)


def with_values(path: str, short: str) -> str:
    """Return an address of a route, with ids that exist nowhere but for the case of a colleague."""
    path = re.sub(r"\{\w+:uuid\}", str(NOWHERE), path)
    path = path.replace("{short}", short).replace("{form}", "md")
    return re.sub(r"\{\w+\}", "nothing", path)


def every_route(pages: Pages) -> Iterator[tuple[str, str]]:
    """Yield (method, path) of every route of the application that is not open to anybody."""
    for route in _leaves(pages.app.routes):
        for method in sorted(route.methods - {"HEAD"}):
            if route.path not in OPEN:
                yield method, route.path


def _leaves(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "routes", None)
        if inner:
            yield from _leaves(inner)
        else:
            yield route


@pytest.fixture
def pages(database: Database, clock: Clock) -> Pages:
    return Pages(database, clock)


async def ask(pages: Pages, browser: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    """Ask for a route, of a colleague's case where it has one; a form is sent as if from our own page."""
    short = await pages.database.write(colleagues_case)
    secret = browser.cookies.get(pages.app.state.access.cookie) or ""
    fields = {"token": form_token(secret)} if method == "POST" else None
    return await browser.request(method, with_values(path, short), data=fields)


def colleagues_case(tx: Tx) -> str:
    """Return the short id of a case of somebody else, made at first use."""
    colleague = people.get_or_create(tx, COLLEAGUE, "Name 7005")
    had = consults.latest_open(tx, colleague.id)
    made = had or consults.create(tx, colleague, scenario_id="mat_pain", content_hash="h")
    return made.short


async def test_nobody_without_a_session_gets_anything(pages: Pages) -> None:
    for method, path in every_route(pages):
        answer = await ask(pages, pages.browser(), method, path)

        assert answer.status_code in {400, 401, 403, 404}, (method, path)


async def test_whoever_is_signed_in_and_no_admin_is_denied_and_on_record(pages: Pages) -> None:
    asker = await pages.person(ASKER)
    browser = await pages.signed_in(asker)
    for method, path in every_route(pages):
        before = await denials(pages, asker)
        answer = await ask(pages, browser, method, path)

        assert answer.status_code == (404 if path.startswith("/case/") else 403), (method, path)
        assert await denials(pages, asker) == before + 1, (method, path)


async def test_whoever_is_suspended_is_out_everywhere(pages: Pages, database: Database) -> None:
    admin = await pages.person(7004, admin=True)
    browser = await pages.signed_in(admin)
    await database.write(lambda tx: people.set_status(tx, admin, "suspended", by=None))
    for method, path in every_route(pages):
        answer = await ask(pages, browser, method, path)

        assert answer.status_code in {401, 403, 404}, (method, path)


async def denials(pages: Pages, person: Person) -> int:
    found = await pages.look(lambda tx: audit.entries(tx, actor=person.id, limit=500))
    return sum(each.outcome == "denied" for each in found)


# --- words that a form brings ----------------------------------------------------------------

WEB = Path(web.__file__).parent
CODES = {"through": "the number of an event", "code": "a code that the bot gave"}
"""Fields of our forms that people type into and that hold no words."""


def typed_fields() -> set[str]:
    """Return the fields of every form that changes something into which people type."""
    found: set[str] = set()
    for template in (WEB / "templates").glob("*.html"):
        for form in re.findall(
            r'<form[^>]*method="post".*?</form>', template.read_text(), re.DOTALL
        ):
            boxes = re.findall(r"<(?:textarea|input)\b[^>]*>", form)
            typed = [box for box in boxes if not re.search(r'type="(?:hidden|checkbox|date)"', box)]
            found |= {name for box in typed for name in re.findall(r'name="(\w+)"', box)}
    return found


def test_every_field_for_words_passes_the_guard() -> None:
    code = "".join(path.read_text("utf-8") for path in WEB.rglob("*.py"))
    guarded = set(re.findall(r'guarded\(fields, "(\w+)"', code))
    given_back = set(re.findall(r"to_thread\(find_identifiers, (\w+)", code))

    assert typed_fields() == guarded | given_back | set(CODES)
