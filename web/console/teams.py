"""The teams, in numbers."""

from starlette.requests import Request
from starlette.responses import Response

from storage import console
from storage.transaction import Tx
from web.access import Visit
from web.console.site import Site, shown


async def teams(request: Request, *, site: Site) -> Response:
    def unit(tx: Tx, _visit: Visit) -> tuple[console.TeamRow, ...]:
        return console.team_rows(tx)

    visit, rows = await site.access.enter(request, "teams", unit)
    return shown("teams.html", visit, here="teams", title="Teams", rows=rows)


ROUTES = (("GET", "/console/teams", teams),)
