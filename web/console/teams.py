"""The teams, in numbers and pseudonyms."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from storage import console
from storage.access import Action
from storage.console import MemberRow, TeamRow
from storage.transaction import Tx
from web.access import Visit
from web.console.site import Site, shown

PATH = "/console/teams"


async def teams(request: Request, *, site: Site) -> Response:
    def unit(tx: Tx, _visit: Visit) -> tuple[TeamRow, ...]:
        return console.team_rows(tx)

    visit, rows = await site.access.enter(request, "teams", unit)
    return shown("teams.html", visit, here="teams", title="Teams", rows=rows)


async def team(request: Request, *, site: Site) -> Response:
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, _visit: Visit) -> tuple[TeamRow, tuple[MemberRow, ...]]:
        return console.team_row(tx, identity), console.member_rows(tx, identity)

    visit, (row, members) = await site.access.enter(request, "team", unit)
    return _team(visit, row, members, "")


async def named(request: Request, *, site: Site) -> Response:
    """Show a team with its name; that it was looked at is on record."""
    identity: UUID = request.path_params["id"]

    def unit(
        tx: Tx, visit: Visit, _fields: Mapping[str, str]
    ) -> tuple[Visit, TeamRow, tuple[MemberRow, ...], str]:
        name = console.team_by_name(tx, visit.member, identity)
        return visit, console.team_row(tx, identity), console.member_rows(tx, identity), name

    return _team(*await site.access.act(request, unit, action=Action.PERSON_DECIDE))


def _team(visit: Visit, row: TeamRow, members: tuple[MemberRow, ...], name: str) -> Response:
    return shown(
        "team.html", visit, here="teams", title=row.pseudonym, row=row, members=members, name=name
    )


ROUTES = (
    ("GET", PATH, teams),
    ("GET", "/console/team/{id:uuid}", team),
    ("POST", "/console/team/{id:uuid}/name", named),
)
