"""The log: what happened, found by time, person, case, event, outcome and words of codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage import console
from storage.console import LogEntry, Page, Reviewed
from storage.transaction import Tx
from web.access import BadForm, Visit
from web.console import filters
from web.console.site import Site, address, nag, shown

PATH = "/console/log"
SAVED = (
    ("Denied", "outcome=denied"),
    ("Identifiers refused", "event=guard.hit"),
    ("Text read", "event=glass.read"),
    ("Exports", "words=export"),
    ("Sessions", "event=session.begin"),
    ("Without looks of admins", "event=-console.read"),
)
"""Filters that are often wanted; any other can be kept as the address of its page."""


@dataclass(frozen=True, slots=True)
class Found:
    page: Page[LogEntry]
    reviewed: Reviewed
    actions: tuple[str, ...]


async def log(request: Request, *, site: Site) -> Response:
    given = request.query_params
    values = filters.values(given)
    before, after = filters.place(given, "before"), filters.place(given, "after")

    meta: dict[str, int | str] = {}

    def unit(tx: Tx, _visit: Visit) -> Found:
        wanted = filters.log_filter(tx, values)
        meta.update(filters.on_record(values, wanted))
        return Found(
            console.log_page(tx, wanted, before=before, after=None if before else after),
            console.reviewed(tx),
            console.actions(tx),
        )

    visit, found = await site.access.enter(request, "log", unit, meta=meta)
    return shown(
        "log.html",
        visit,
        here="log",
        title="Log",
        nag=nag(found.reviewed),
        found=found.page,
        values=values,
        saved=SAVED,
        chosen=urlencode({name: value for name, value in values.items() if value}),
        filtered=any(values.values()),
        narrowed=any(value for name, value in values.items() if name != "words"),
        actions=found.actions,
        reviewed=found.reviewed,
        newer=_page(values, "after", found.page.newer),
        older=_page(values, "before", found.page.older),
        newest=address(PATH, values) if before or after else "",
        export=address("/console/export", values),
    )


def _page(values: Mapping[str, str], name: str, place: str | None) -> str:
    return address(PATH, {**values, name: place}) if place else ""


async def sign_off(request: Request, *, site: Site) -> Response:
    """Keep that the log was looked through up to an event."""

    def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> None:
        if not fields.get("through", "").isdecimal():
            raise BadForm(400, "Through which event? It has a number, such as 4711.")
        through = filters.place(fields, "through") or 0
        known = console.reviewed(tx)
        if through > known.newest:
            raise BadForm(409, f"There is no event {through} yet: the newest is {known.newest}.")
        if through <= known.through:
            raise BadForm(409, f"The log is signed off up to event {known.through} already.")
        console.sign_off(tx, visit.member, through)

    await site.access.act(request, unit)
    return RedirectResponse(PATH, 303)


ROUTES = (("GET", PATH, log), ("POST", "/console/log/review", sign_off))
