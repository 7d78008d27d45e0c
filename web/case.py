"""The transcript of a case on a page and as a file, for whoever may read it; comments on it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dialogs.identifiers import Finding, find_identifiers, kind_title
from dialogs.record.markdown import as_markdown
from dialogs.record.page import as_page, as_sheet, style_digest
from dialogs.record.values import Record
from storage import access as leave
from storage import audit, consults, discussion, record, shares
from storage.access import Action, Denied
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.paper import NoPaper, Press
from storage.record import RecordFacts, ScenarioOf
from storage.text import clean
from storage.transaction import Tx
from web.access import Access, BadForm, Visit, check_token, form
from web.pages import HEADERS, environment, error_page, page

FILES = (
    ("pdf", "PDF", "to print"),
    ("html", "Web page", "opens anywhere, needs nothing"),
    ("md", "Markdown", "plain text for a chart"),
)
"""Ending, name and use of each form that can be taken along."""

KINDS = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}
MOST_CHARACTERS = 4096
MOST_COMMENT_BYTES = 64 * 1024
"""Of a form with a comment of signs that take twelve bytes each on the way."""

REFUSED = "Not stored: this seems to identify somebody ({kinds}). Write it without that."
ASKED = (
    "Nothing is stored yet. Is this an identifier ({kinds})? If it identifies nobody, "
    "tick the box and send it again; else write it differently."
)
LENGTH = f"A comment has 1 to {MOST_CHARACTERS} characters."
FULL = "This discussion is full. Please talk to each other directly."
CLOSED = "Comments open for you once you have given your opinion, or when the round closes."


@dataclass(frozen=True, slots=True)
class Case:
    """A case as somebody who is signed in has it before them."""

    visit: Visit
    stored: StoredConsult
    facts: RecordFacts
    may_talk: bool
    hidden: bool
    """Whether the discussion is kept from them until a round of opinions has closed."""

    @property
    def record(self) -> Record:
        return self.facts.record


@dataclass(frozen=True, slots=True)
class Written:
    """A comment that was sent and is not kept: it goes back to its writer, and nowhere else."""

    text: str = ""
    notice: str = ""
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A comment as it came in, with what the guard found in it."""

    fields: Mapping[str, str]
    text: str
    found: Sequence[Finding]
    refused: Written | None


@dataclass(frozen=True, slots=True)
class Cases:
    """What the pages of cases work with."""

    access: Access
    scenario_of: ScenarioOf
    press: Press

    # --- reading ------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """Show the record of a case."""
        return shown_to_member(await self._read(request, "page"))

    async def file(self, request: Request) -> Response:
        """Send the record of a case as a file."""
        ending = request.path_params["form"]
        if ending not in KINDS:
            raise NotFound("form", "")
        case = await self._read(request, ending)
        try:
            content = await self._content(case.record, ending)
        except NoPaper as trouble:
            return error_page(503, trouble.words)
        name = f"case-{case.stored.code}-transcript.{ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=KINDS[ending], headers=headers)

    async def _content(self, made: Record, ending: str) -> bytes:
        if ending == "pdf":
            return await self.press.pdf(as_sheet(made))
        return (as_page(made) if ending == "html" else as_markdown(made)).encode()

    async def _read(self, request: Request, ending: str) -> Case:
        """Return a case, once it is on record who reads it; what is not open looks like nothing."""
        try:
            return await self.access.written(lambda tx: self._case(tx, request, ending))
        except Denied:
            _like_nothing()

    def _case(self, tx: Tx, request: Request, ending: str) -> Case:
        visit, stored = self._entered(tx, request)
        lasting = ending != "page"
        record.on_record(tx, visit.member, stored, ending)
        if visit.member.id != stored.owner_id and not lasting:
            _count_view(tx, visit, stored)
        facts = record.facts_for(tx, visit.member, stored, self.scenario_of, lasting=lasting)
        return Case(
            visit=visit,
            stored=stored,
            facts=facts,
            may_talk=_may_talk(tx, visit, stored),
            hidden=discussion.hidden(tx, stored.id, visit.member.id),
        )

    def _entered(self, tx: Tx, request: Request) -> tuple[Visit, StoredConsult]:
        """Return who asks for which case; raises Denied when it is not open to them."""
        visit = self.access.signed_in(tx, request)
        stored = consults.load_short(tx, request.path_params["short"])
        leave.authorize(tx, visit.member, Action.SHARED_READ, stored)
        return visit, stored

    # --- saying something ---------------------------------------------------------------------

    async def comment(self, request: Request) -> Response:
        """Keep a comment that has passed the identifier guard, or say what to change about it."""
        fields = await form(request, self.access.names, MOST_COMMENT_BYTES)
        text = clean(fields.get("text", "")).replace("\r\n", "\n").strip()
        found = await asyncio.to_thread(find_identifiers, text[:MOST_CHARACTERS])
        sent = Sent(fields, text, found, _refused(text, found, fields.get("checked") == "yes"))
        try:
            case = await self.access.written(lambda tx: self._commented(tx, request, sent))
        except Denied:
            _like_nothing()
        if case is not None:
            return shown_to_member(case, sent.refused)
        return RedirectResponse(f"/case/{request.path_params['short']}#discussion", 303)

    def _commented(self, tx: Tx, request: Request, sent: Sent) -> Case | None:
        """Keep a comment, or return the case to show it again beside what was sent."""
        visit, stored = self._entered(tx, request)
        check_token(sent.fields, visit.form_token)
        if not _may_talk(tx, visit, stored):
            leave.authorize(tx, visit.member, Action.SHARED_RESPOND, stored)
        if not 1 <= len(sent.text) <= MOST_CHARACTERS:
            raise BadForm(400, LENGTH)
        if discussion.hidden(tx, stored.id, visit.member.id):
            raise BadForm(409, CLOSED)
        _guarded(tx, visit, sent)
        if sent.refused is not None:
            return self._case(tx, request, "page")
        try:
            discussion.add(tx, stored, visit.member, sent.text, via="page")
        except Conflict:
            raise BadForm(409, FULL) from None
        return None

    # --- through a link -----------------------------------------------------------------------

    async def link(self, request: Request) -> Response:
        """Show what a share's link is for. Nothing is opened or counted: previews ask for pages too."""
        token = request.path_params["token"]
        await self.access.database.read(lambda tx: _resolved(tx, token))
        return page("shared_link.html", token=token)

    async def opened(self, request: Request) -> Response:
        """Show the case that a share's link opens, once it is counted and on record."""
        await form(request, self.access.names)
        token = request.path_params["token"]

        def unit(tx: Tx) -> RecordFacts:
            found = _resolved(tx, token)
            stored = consults.load(tx, found.consult_id)
            shares.count_view(tx, found, None, "page")
            record.on_record(tx, None, stored, "page")
            return record.facts_for(tx, None, stored, self.scenario_of)

        facts = await self.access.written(unit)
        return shown(facts.record, before=_rendered("shared_before.html"))


def _resolved(tx: Tx, token: str) -> shares.Share:
    """Return the share a link opens to whoever has it; NotFound whatever is wrong with it."""
    return shares.resolve(tx, token)


def _like_nothing() -> NoReturn:
    """Raise what an address that leads nowhere raises: a case that is not open looks like none."""
    raise NotFound("case", "") from None


def _count_view(tx: Tx, visit: Visit, stored: StoredConsult) -> None:
    found = shares.share_for(tx, visit.member, stored)
    if found is not None:
        shares.count_view(tx, found, visit.member.id, "page")


def _may_talk(tx: Tx, visit: Visit, stored: StoredConsult) -> bool:
    """Say whether they may take part: the asker, and whoever may give an opinion."""
    if stored.owner_id == visit.member.id:
        return shares.published(tx, stored.id) is not None
    return leave.allowed(tx, visit.member, Action.SHARED_RESPOND, stored)


def _refused(text: str, found: Sequence[Finding], checked: bool) -> Written | None:
    """Return what goes back to the writer, or None when the comment may be kept."""
    tiers = {finding.tier for finding in found}
    kinds = ", ".join(sorted({kind_title(finding.kind) for finding in found}))
    if "hard" in tiers:
        return Written(text, REFUSED.format(kinds=kinds))
    if "soft" in tiers and not checked:
        return Written(text, ASKED.format(kinds=kinds), ask=True)
    return None


def _guarded(tx: Tx, visit: Visit, sent: Sent) -> None:
    """Put on record what the guard found, by kind."""
    refused = sent.refused
    outcome = "passed" if refused is None else "asked" if refused.ask else "refused"
    for kind in sorted({finding.kind for finding in sent.found}):
        event = audit.Event(
            actor=visit.member.id, action="guard.hit", outcome=outcome, meta={"kind": kind}
        )
        audit.record(tx, event)


# --- what is shown ------------------------------------------------------------------------------


def shown_to_member(case: Case, written: Written | None = None) -> Response:
    """Return the record with what surrounds it: forms to take along, and what can be said."""
    given = {"visit": case.visit, "short": case.stored.short}
    before = _rendered("case_before.html", files=FILES, **given)
    after = _rendered(
        "case_after.html", case=case, written=written or Written(), closed=CLOSED, **given
    )
    return shown(case.record, before=before, after=after, status=200 if written is None else 422)


def shown(made: Record, *, before: str = "", after: str = "", status: int = 200) -> Response:
    """Return a record as a page of ours: no script, its own style sheet, nothing from elsewhere."""
    return Response(
        as_page(made, before=before, after=after),
        status,
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy()},
    )


@cache
def policy() -> str:
    """Return the pages' policy with the record's own style sheet allowed, and scripts not at all."""
    ours = HEADERS["Content-Security-Policy"]
    styled = ours.replace("style-src 'self'", f"style-src 'self' '{style_digest()}'")
    return styled.replace("script-src 'self'; ", "").replace("connect-src 'self'; ", "")


def _rendered(template: str, **values: object) -> str:
    return environment().get_template(template).render(**values)


def case_routes(cases: Cases) -> list[Route]:
    return [
        Route("/case/{short}", cases.page, methods=["GET"]),
        Route("/case/{short}/comment", cases.comment, methods=["POST"]),
        Route("/case/{short}/{form}", cases.file, methods=["GET"]),
        Route("/shared/{token}", cases.link, methods=["GET"]),
        Route("/shared/{token}", cases.opened, methods=["POST"]),
    ]
