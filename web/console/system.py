"""How the process is doing: queues, errors, versions, disk."""

import asyncio
import shutil
import sys
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from storage import console
from storage.access import Action
from storage.transaction import Tx
from web.access import Visit
from web.console.site import Site, shown
from web.health import Check, outcome


async def system(request: Request, *, site: Site) -> Response:
    def unit(_tx: Tx, _visit: Visit) -> None:
        return None

    visit, _ = await site.access.enter(request, "system", unit, action=Action.SYSTEM_READ)
    found = await site.database.read(console.system)
    return shown(
        "system.html",
        visit,
        here="system",
        title="System",
        found=found,
        checks=await checked(site),
        engine=await asyncio.to_thread(site.database.version),
        python=sys.version.split()[0],
        disk=await asyncio.to_thread(shutil.disk_usage, site.data_dir or "."),
        now=visit.now,
    )


async def checked(site: Site) -> Mapping[str, Check]:
    found = await asyncio.gather(*map(outcome, site.checks.values()))
    return dict(zip(site.checks, found, strict=True))


ROUTES = (("GET", "/console/system", system),)
