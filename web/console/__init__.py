"""The admin console: what happened, in codes and numbers, without anybody's words."""

from functools import partial

from starlette.routing import Route

from web.console import consults, content, export, integrity, log, overview, people, system, teams
from web.console.site import Site


def console_routes(site: Site) -> list[Route]:
    """Return every page of the console."""
    return [
        Route(path, partial(endpoint, site=site), methods=[method])
        for part in (overview, log, export, consults, people, teams, content, integrity, system)
        for method, path, endpoint in part.ROUTES
    ]
