"""How the process is doing: queues, errors, versions, disk, and updates to be handled once more."""

import asyncio
import shutil
import sys
from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage import console, letters
from storage.access import Action
from storage.letters import DeadLetter
from storage.transaction import Tx
from web.access import Visit
from web.console.site import Site, shown
from web.health import Check, outcome
from web.pages import lasted, size

PATH = "/console/system"
MOST_LETTERS = 50


async def system(request: Request, *, site: Site) -> Response:
    def unit(tx: Tx, _visit: Visit) -> list[DeadLetter]:
        return letters.letters(tx, MOST_LETTERS)

    visit, put_away = await site.access.enter(request, "system", unit, action=Action.SYSTEM_READ)
    found = await site.database.read(console.system)
    return shown(
        "system.html",
        visit,
        here="system",
        title="System",
        found=found,
        letters=put_away,
        checks=await checked(site),
        engine=await asyncio.to_thread(site.database.version),
        python=sys.version.split()[0],
        disk=await asyncio.to_thread(shutil.disk_usage, site.data_dir or "."),
        read=read,
        now=visit.now,
    )


async def checked(site: Site) -> Mapping[str, Check]:
    found = await asyncio.gather(*map(outcome, site.checks.values()))
    return dict(zip(site.checks, found, strict=True))


def read(name: str, value: float | None) -> tuple[str, str]:
    """Return a number of a check as people read it: its name without the unit, then with it.

    >>> read("oldest_unsent_seconds", 90)
    ('oldest unsent', '1 min 30 s')
    """
    for ending, shown_as in (("_seconds", lasted), ("_bytes", size)):
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " "), shown_as(value)
    return name.replace("_", " "), "–" if value is None else f"{value:g}"


async def replay(request: Request, *, site: Site) -> Response:
    """Have an update handled once more; the bot takes it up within seconds."""
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, visit: Visit, _fields: Mapping[str, str]) -> None:
        console.replay(tx, visit.member, identity)

    await site.access.act(request, unit, action=Action.DEAD_LETTER_REPLAY)
    return RedirectResponse(f"{PATH}#letters", 303)


ROUTES = (("GET", PATH, system), ("POST", "/console/letter/{id:uuid}/replay", replay))
