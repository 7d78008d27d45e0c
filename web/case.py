"""The transcript of a case on a page, and as a file, for whoever is signed in and may read it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialogs.content import Scenario
from dialogs.record.markdown import as_markdown
from dialogs.record.page import as_page, as_sheet, style_digest
from dialogs.record.values import Record
from storage import access as leave
from storage import consults, record
from storage.access import Action, Denied
from storage.consults import StoredConsult
from storage.paper import NoPaper, Press
from storage.transaction import Tx
from web.access import Access, Visit
from web.pages import HEADERS, environment, error_page

FILES = (
    ("pdf", "PDF", "two pages to print"),
    ("html", "Web page", "opens anywhere, needs nothing"),
    ("md", "Markdown", "plain text for a chart"),
)
"""Ending, name and use of each form that can be taken along."""

KINDS = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Cases:
    """What the pages of cases work with."""

    access: Access
    scenario_of: Callable[[Tx, str | None], Scenario]
    press: Press

    async def page(self, request: Request) -> Response:
        """Show the record of a case."""
        try:
            visit, stored, made = await self._read(request, "page")
        except Denied:
            return error_page(404)
        return shown(made, before=_before(visit, stored))

    async def file(self, request: Request) -> Response:
        """Send the record of a case as a file."""
        form = request.path_params["form"]
        if form not in KINDS:
            return error_page(404)
        try:
            _visit, stored, made = await self._read(request, form)
            content = await self._content(made, form)
        except Denied:
            return error_page(404)
        except NoPaper as trouble:
            return error_page(503, trouble.words)
        name = f"case-{stored.code}-transcript.{form}"
        disposition = f'attachment; filename="{name}"'
        return Response(
            content, media_type=KINDS[form], headers={"Content-Disposition": disposition}
        )

    async def _content(self, made: Record, form: str) -> bytes:
        if form == "pdf":
            return await self.press.pdf(as_sheet(made))
        return (as_page(made) if form == "html" else as_markdown(made)).encode()

    async def _read(self, request: Request, form: str) -> tuple[Visit, StoredConsult, Record]:
        """Return the record, once it is on record who reads it; Denied looks like NotFound outside."""
        action = Action.CONSULT_READ if form == "page" else Action.CONSULT_EXPORT

        def unit(tx: Tx) -> tuple[Visit, StoredConsult, Record]:
            visit = self.access.signed_in(tx, request)
            stored = consults.load_short(tx, request.path_params["short"])
            leave.authorize(tx, visit.member, action, stored)
            scenario = self.scenario_of(tx, stored.content_hash)
            record.on_record(tx, visit.member, stored, form)
            return visit, stored, record.record_for(tx, visit.member, stored, scenario)

        return await self.access.written(unit)


def shown(made: Record, *, before: str = "", after: str = "") -> Response:
    """Return a record as a page of ours: no script, its own style sheet, nothing from elsewhere."""
    return Response(
        as_page(made, before=before, after=after),
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy()},
    )


@cache
def policy() -> str:
    """Return the pages' policy with the record's own style sheet allowed, and scripts not at all."""
    ours = HEADERS["Content-Security-Policy"]
    styled = ours.replace("style-src 'self'", f"style-src 'self' '{style_digest()}'")
    return styled.replace("script-src 'self'; ", "").replace("; connect-src 'self'", "")


def _before(visit: Visit, stored: StoredConsult) -> str:
    template = environment().get_template("case_before.html")
    return template.render(visit=visit, short=stored.short, files=FILES)


def case_routes(cases: Cases) -> list[Route]:
    return [
        Route("/case/{short}", cases.page, methods=["GET"]),
        Route("/case/{short}/{form}", cases.file, methods=["GET"]),
    ]
