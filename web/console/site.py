"""What every page of the console works with, and how a page is laid out."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from dialogs.content import Scenario
from storage.console import Reviewed
from storage.database import Database
from storage.transaction import Tx
from web.access import Access, Visit
from web.console.jobs import Jobs
from web.health import Checks
from web.pages import page

PAGES = (
    ("overview", "/console", "Overview"),
    ("log", "/console/log", "Log"),
    ("consults", "/console/consults", "Consults"),
    ("people", "/console/people", "People"),
    ("teams", "/console/teams", "Teams"),
    ("content", "/console/content", "Content"),
    ("integrity", "/console/integrity", "Integrity"),
    ("system", "/console/system", "System"),
)

EXPORTS = 2
"""Exports of the log that are sent at the same time."""


@dataclass(slots=True)
class Site:
    """The console of one process."""

    database: Database
    access: Access
    clock: Callable[[], datetime]
    scenario_of: Callable[[Tx, str | None], Scenario]
    checks: Checks
    data_dir: Path | None = None
    anchor_file: Path | None = None
    jobs: Jobs = field(init=False)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """What runs beside the pages; kept, so that it is not thrown away while it runs."""

    exporting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(EXPORTS))

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.clock)


def shown(template: str, visit: Visit, /, *, here: str, title: str, **values: Any) -> Response:
    """Return a page of the console, laid out around its template."""
    values.setdefault("refresh", None)
    values.setdefault("nag", None)
    return page(template, visit=visit, here=here, title=title, pages=PAGES, **values)


def nag(found: Reviewed) -> str | None:
    """Return a reminder that the log has not been looked through, or None."""
    if not found.overdue:
        return None
    if found.at is None:
        return "The log has never been signed off."
    return f"The log was last signed off on {found.at:%Y-%m-%d}, through event {found.through}."


def address(path: str, values: Mapping[str, str]) -> str:
    """Return an address with its parameters; empty ones are left out."""
    given = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
