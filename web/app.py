"""All pages of one process as one application: nothing is wired anywhere else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from dialogs.content import Scenario
from storage.database import Database
from storage.paper import Press
from storage.transaction import Tx
from web.access import REFUSALS, Access
from web.case import Cases, case_routes
from web.console import console_routes
from web.console.site import Site
from web.guard import Guard
from web.health import Checks, health_routes
from web.limits import Limits, Throttle
from web.metrics import metrics_routes
from web.pages import on_http_error, static_routes
from web.words import Translator, in_english


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the pages are given by the process that serves them.

    ``public_url`` is the only address links are made from; without it the pages are for this
    machine. ``notify`` is told after a commit that something waits for a chat. ``metrics``
    opens ``/metrics``, which asks for no sign-in. ``press`` makes PDFs.
    """

    clock: Callable[[], datetime]
    scenario_of: Callable[[Tx, str | None], Scenario]
    public_url: str | None = None
    checks: Checks = field(default_factory=dict)
    metrics: bool = False
    notify: Callable[[int], None] = lambda chat: None
    translator: Translator = in_english
    press: Press = field(default_factory=Press)
    data_dir: Path | None = None
    anchor_file: Path | None = None
    limits: Limits = field(default_factory=Limits)


def create_app(
    database: Database, given: Given, *, extra_routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """Return the application; ``extra_routes`` go before ours."""
    access = Access(database, given.public_url, given.notify, given.translator)
    site = Site(
        database=database,
        access=access,
        clock=given.clock,
        scenario_of=given.scenario_of,
        checks=given.checks,
        data_dir=given.data_dir,
        anchor_file=given.anchor_file,
    )
    spared = [
        *extra_routes,
        *health_routes(given.checks),
        *(metrics_routes(given.checks) if given.metrics else ()),
        *static_routes(),
    ]
    app = Starlette(
        routes=[
            *spared,
            *access.routes(),
            *console_routes(site),
            *case_routes(Cases(access, given.scenario_of, given.press)),
        ],
        middleware=[
            Middleware(Guard, names=access.names),
            Middleware(Throttle, limits=given.limits, access=access, spared=spared),
        ],
        exception_handlers={**REFUSALS, 404: on_http_error, 405: on_http_error},
    )
    app.state.access = access
    app.state.site = site
    app.state.press = given.press
    return app
