"""A case that somebody else shared, in the private chat of whoever it is open to; read-only."""

from collections.abc import Callable
from uuid import UUID

from bot.callbacks import Callback, encode
from bot.cases_list import age
from bot.dialog import show_case
from bot.screen import Button, Row, Screen, bold, esc, paragraphs
from bot.screens.paging import turning
from bot.screens.summary import details_pages
from bot.share import pages_of
from bot.turn import Gone, Turn
from dialogs.summary import summarise
from storage import consults, shares
from storage.access import Action
from storage.consults import StoredConsult
from storage.errors import NotFound
from storage.shares import Publication, Share

LISTED = 8


def by_link(turn: Turn, token: str) -> bool:
    """Open the case of a share's link; False when it opens nothing."""
    try:
        found = shares.resolve(turn.tx, token, turn.person.id)
    except NotFound:
        return False
    stored = consults.load(turn.tx, found.consult_id)
    _open(turn, stored, found)
    return True


def by_card(turn: Turn, short: str) -> bool:
    """Open the case of a team's card; False when it is not open to the person."""
    try:
        stored = consults.load(turn.tx, shares.by_short(turn.tx, short).consult_id)
    except NotFound:
        return False
    if not shares.may_read(turn.tx, turn.person, stored):
        return False
    _open(turn, stored, shares.share_for(turn.tx, turn.person, stored))
    return True


def _open(turn: Turn, stored: StoredConsult, found: Share | None) -> None:
    """Show a case, count that somebody looks; its asker is shown the case itself."""
    if stored.owner_id == turn.person.id:
        show_case(turn, stored)
        return
    if found is not None:
        shares.count_view(turn.tx, found, turn.person.id, "chat")
    turn.consult_id = stored.id
    show(turn, stored)


def show(turn: Turn, stored: StoredConsult, page: int = 0) -> None:
    """Show a page of a shared case as it was published, with what can be done about it."""
    shown = _published(turn, stored)
    pages = pages_of(turn, stored, shown)
    page = min(page, len(pages) - 1)
    number = f"<i>{page + 1}/{len(pages)}</i>" if len(pages) > 1 else ""
    rows = (
        *turning(turn.t, page, len(pages), lambda to: encode("shv", stored.short, "p", to)),
        *turn.reader_rows(stored),
        (
            Button(turn.t("All points"), encode("shv", stored.short, "all", 0)),
            Button(turn.t("‹ Shared cases"), encode("shl")),
        ),
    )
    turn.show(Screen(paragraphs(pages[page], number), rows), consult=stored.id, kind="shared")


def _published(turn: Turn, stored: StoredConsult) -> Publication:
    found = shares.published(turn.tx, stored.id)
    if found is None:
        raise Gone
    return found


def _view(turn: Turn, data: Callback) -> None:
    """Answer a button of a shared case."""
    stored = turn.case(data.case, Action.SHARED_READ)
    page = min(int(data.arg(1)), 100) if data.arg(1).isdigit() else 0
    match data.arg(0):
        case "p":
            show(turn, stored, page)
        case "all":
            _details(turn, stored, page)
        case _:
            _open(turn, stored, shares.share_for(turn.tx, turn.person, stored))


def _details(turn: Turn, stored: StoredConsult, page: int) -> None:
    """Show the considerations in full, with their sources."""
    shown = _published(turn, stored)
    told = summarise(shown.answers, turn.scenario_of(shown.content_hash), turn.t)
    pages = details_pages(told, turn.t)
    page = min(page, len(pages) - 1)
    count = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    head = turn.t("Case {code} · considerations").format(code=stored.code)
    back = (Button(turn.t("‹ The shared case"), encode("shv", stored.short, "p", 0)),)
    turned = turning(turn.t, page, len(pages), lambda to: encode("shv", stored.short, "all", to))
    rows = (*turned, back)
    body = paragraphs(bold(head + count), pages[page])
    turn.show(Screen(body, rows), consult=stored.id, kind="shared")


# --- all of them ------------------------------------------------------------------------------


def list_shared(turn: Turn, page: int = 0) -> None:
    """Show the cases of others that are open to the person, the newest shared first."""
    t, found = turn.t, shares.open_to(turn.tx, turn.person)
    pages = max(1, -(-len(found) // LISTED))
    page = min(page, pages - 1)
    rows = [_line(turn, each) for each in found[page * LISTED : (page + 1) * LISTED]]
    turned = turning(t, page, pages, lambda to: encode("shl", "", to))
    said = (
        t("Tap one to read it in private.")
        if found
        else t("Nobody has shared a case with you, or it was taken back.")
    )
    body = paragraphs(bold(t("Cases shared with me")), esc(said))
    back = (Button(t("‹ Teams"), encode("tml")),)
    turn.show(Screen(body, (*rows, *turned, back)), kind="shared")


def _line(turn: Turn, consult_id: UUID) -> Row:
    stored, shown = consults.load(turn.tx, consult_id), shares.published(turn.tx, consult_id)
    since = age(shown.at if shown else stored.updated_at, turn.tx.now, turn.t)
    label = turn.t("Case {code} · {age}").format(code=stored.code, age=since)
    return (Button(label, encode("shv", stored.short)),)


def _list(turn: Turn, data: Callback) -> None:
    list_shared(turn, min(int(data.arg(0)), 100) if data.arg(0).isdigit() else 0)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"shv": _view, "shl": _list}
