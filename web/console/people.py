"""Who may use Curbside: approved, suspended, made authors; signed out."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage import console, sign_in
from storage.access import Action
from storage.errors import Conflict
from storage.transaction import Tx
from web.access import Visit, tell
from web.console import filters
from web.console.site import Site, address, shown

PATH = "/console/people"
STATUSES = ("pending", "approved", "suspended")


async def people(request: Request, *, site: Site) -> Response:
    status = request.query_params.get("status", "")
    if status and status not in STATUSES:
        raise filters.Unreadable("The status is pending, approved or suspended.")
    before = filters.id_place(request.query_params, "before")

    def unit(
        tx: Tx, _visit: Visit
    ) -> tuple[console.Page[console.PersonRow], tuple[console.PersonRow, ...]]:
        waiting = console.people_page(tx, "pending", before=None).rows
        return console.people_page(tx, status, before=before), waiting

    visit, (found, waiting) = await site.access.enter(
        request, "people", unit, action=Action.PEOPLE_LIST
    )
    return shown(
        "people.html",
        visit,
        here="people",
        title="People",
        found=found,
        waiting=() if status or before else waiting,
        status=status,
        statuses=STATUSES,
        older=address(PATH, {"status": status, "before": found.older}) if found.older else "",
    )


async def person(request: Request, *, site: Site) -> Response:
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, _visit: Visit) -> tuple[console.PersonRow, tuple[sign_in.Session, ...]]:
        return console.person_row(tx, identity), sign_in.sessions_of(tx, identity)

    visit, (row, sessions) = await site.access.enter(
        request, "person", unit, action=Action.PEOPLE_LIST
    )
    return _person(visit, row, sessions)


async def named(request: Request, *, site: Site) -> Response:
    """Show a person with their name; that it was looked at is on record."""
    identity: UUID = request.path_params["id"]

    def unit(
        tx: Tx, visit: Visit, _fields: Mapping[str, str]
    ) -> tuple[Visit, console.PersonRow, tuple[sign_in.Session, ...]]:
        row = console.person_by_name(tx, visit.member, identity)
        return visit, row, sign_in.sessions_of(tx, identity)

    return _person(*await site.access.act(request, unit, action=Action.PERSON_DECIDE))


def _person(
    visit: Visit, row: console.PersonRow, sessions: tuple[sign_in.Session, ...]
) -> Response:
    return shown(
        "person.html",
        visit,
        here="people",
        title=row.pseudonym,
        row=row,
        sessions=sessions,
        moves=console.MOVES.get(row.status, ()),
        oneself=row.id == visit.member.id,
    )


async def decide(request: Request, *, site: Site) -> Response:
    """Approve, suspend or readmit; of two who decide at once one is told."""
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> int | None:
        told = console.decide(
            tx, visit.member, identity, expected=fields.get("expected", ""), to=fields.get("to", "")
        )
        if told is None:
            return None
        t = site.access.translator(told.language)
        return tell(tx, told, t("You are approved. Send /start to begin."))

    chat = await site.access.act(request, unit, action=Action.PERSON_DECIDE)
    if chat is not None:
        site.access.notify(chat)
    return RedirectResponse(PATH, 303)


async def set_author(request: Request, *, site: Site) -> Response:
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> None:
        console.set_author(tx, visit.member, identity, on=fields.get("on") == "1")

    await site.access.act(request, unit, action=Action.PERSON_DECIDE)
    return RedirectResponse(f"/console/person/{identity}", 303)


async def sign_out(request: Request, *, site: Site) -> Response:
    """End one session of a person, or all of them."""
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> None:
        if not fields.get("session"):
            sign_in.revoke_all(tx, identity, by=visit.member.id)
            return
        session = filters.identity(fields["session"], "session")
        if session not in {each.id for each in sign_in.sessions_of(tx, identity)}:
            raise Conflict("session", identity)
        assert session is not None  # noqa: S101 - it is one of theirs
        sign_in.revoke(tx, session, by=visit.member.id)

    await site.access.act(request, unit, action=Action.PERSON_DECIDE)
    return RedirectResponse(f"/console/person/{identity}", 303)


ROUTES = (
    ("GET", PATH, people),
    ("GET", "/console/person/{id:uuid}", person),
    ("POST", "/console/person/{id:uuid}/name", named),
    ("POST", "/console/person/{id:uuid}/decide", decide),
    ("POST", "/console/person/{id:uuid}/author", set_author),
    ("POST", "/console/person/{id:uuid}/sign-out", sign_out),
)
