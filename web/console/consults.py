"""Cases as codes and times; their text only behind glass."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dialogs.identifiers import find_identifiers
from dialogs.phases import PHASES
from storage import console
from storage.console import Broken, ConsultDetails, Said
from storage.transaction import Tx
from web.access import BadForm, StepUpNeeded, Visit, tell
from web.console import filters
from web.console.site import Site, address, shown
from web.guarded import guarded
from web.words import Translate, without_markup

PATH = "/console/consults"
NAMES = ("phase", "code", "person")
SHORTEST_REASON = 10
LONGEST_REASON = 500


async def consults(request: Request, *, site: Site) -> Response:
    given = request.query_params
    values = filters.values(given, NAMES)
    before, after = filters.id_place(given, "before"), filters.id_place(given, "after")

    def unit(tx: Tx, _visit: Visit) -> console.Page[console.ConsultRow]:
        wanted = filters.consult_filter(tx, values)
        return console.consults_page(tx, wanted, before=before, after=None if before else after)

    visit, found = await site.access.enter(request, "consults", unit)
    return shown(
        "consults.html",
        visit,
        here="consults",
        title="Consults",
        found=found,
        values=values,
        phases=PHASES,
        filtered=any(values.values()),
        newer=address(PATH, {**values, "after": found.newer}) if found.newer else "",
        older=address(PATH, {**values, "before": found.older}) if found.older else "",
    )


async def consult(request: Request, *, site: Site) -> Response:
    return await _consult(request, site, Typed())


@dataclass(frozen=True, slots=True)
class Typed:
    """A reason that was refused, with what to change; words go back unless they may identify."""

    code: str = ""
    reason: str = ""
    notice: str = ""


async def _consult(request: Request, site: Site, typed: Typed) -> Response:
    identity: UUID = request.path_params["id"]

    def unit(tx: Tx, visit: Visit) -> ConsultDetails:
        return console.consult_details(tx, visit.member, identity)

    visit, found = await site.access.enter(request, "consult", unit, consult_id=identity)
    answer = shown(
        "consult.html",
        visit,
        here="consults",
        typed=typed,
        title=f"Case {found.row.code}",
        found=found,
        reasons=console.BREAK_GLASS_REASONS,
        minutes=int(console.GLASS_LASTS.total_seconds()) // 60,
    )
    answer.status_code = 400 if typed.notice else 200
    return answer


async def break_glass(request: Request, *, site: Site) -> Response:
    """Open the text of one case for a while; the asker is told."""
    identity: UUID = request.path_params["id"]
    sent: dict[str, str] = {}

    def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> int | None:
        sent.update(fields)
        code, reason = fields.get("reason_code", ""), guarded(fields, "reason")
        if code not in console.BREAK_GLASS_REASONS:
            raise BadForm(400, "Choose one of the reasons.")
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise BadForm(400, f"A reason has {SHORTEST_REASON} to {LONGEST_REASON} characters.")
        broken = console.break_the_glass(tx, visit.member, identity, code, reason)
        if broken.told is None:
            return None
        return tell(tx, broken.told, notice(broken, site.access.translator(broken.told.language)))

    try:
        chat = await site.access.act(request, unit, step_up=True)
    except BadForm as refused:
        if not sent:
            raise
        await site.access.note(request, refused.status)
        words = sent.get("reason", "")
        harmless = "" if find_identifiers(words) else words
        typed = Typed(sent.get("reason_code", ""), harmless, refused.notice)
        return await _consult(request, site, typed)
    if chat is not None:
        site.access.notify(chat)
    return RedirectResponse(f"/console/consult/{identity}/text", 303)


def notice(broken: Broken, t: Translate) -> str:
    """Return what the asker reads when somebody may read the words of their case."""
    reason = t(console.BREAK_GLASS_REASONS[broken.reason_code])
    return "\n".join(
        (
            t("An administrator may read the text of your case {code} until {time} UTC.").format(
                code=broken.code, time=f"{broken.until:%H:%M}"
            ),
            t("Reason given: {reason}.").format(reason=reason),
            t("This is on record. /privacy says more."),
        )
    )


async def text(request: Request, *, site: Site) -> Response:
    """Show the words of a case to whoever has leave to read them now."""
    identity: UUID = request.path_params["id"]

    def unit(
        tx: Tx, visit: Visit
    ) -> tuple[console.ConsultRow, console.Glass | None, tuple[Said, ...]]:
        if not visit.stepped_up and console.open_glass(tx, visit.member, identity) is None:
            raise StepUpNeeded(back=f"/console/consult/{identity}")
        said = console.read_text(tx, visit.member, identity)
        return (
            console.consult_row(tx, identity),
            console.open_glass(tx, visit.member, identity),
            said,
        )

    visit, (row, glass, said) = await site.access.enter(request, "text", unit, consult_id=identity)
    return shown(
        "consult_text.html",
        visit,
        here="consults",
        title=f"Case {row.code}: text",
        row=row,
        glass=glass,
        said=[(each, without_markup(each.text)) for each in said],
    )


ROUTES = (
    ("GET", PATH, consults),
    ("GET", "/console/consult/{id:uuid}", consult),
    ("POST", "/console/consult/{id:uuid}/glass", break_glass),
    ("GET", "/console/consult/{id:uuid}/text", text),
)
