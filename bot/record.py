"""The transcript of a case on its way out: as a page behind a sign-in, or as a file."""

from collections.abc import Callable
from typing import Any

from bot import paper
from bot.callbacks import Callback, encode
from bot.dialog import code_of, current_case, resume
from bot.language import document_note
from bot.screen import Button, Row, Screen, bold, esc, lines, paragraphs
from bot.screens.summary import home
from bot.turn import Gone, Turn
from dialogs.phases import ADVISED
from dialogs.record.markdown import as_markdown
from dialogs.record.page import as_page, as_sheet
from dialogs.record.values import Record
from storage import record as records
from storage import sign_in
from storage.access import Action
from storage.consults import StoredConsult

FORMS = {"html": "HTML", "md": "Markdown", "pdf": "PDF"}
"""The kinds of file, by the ending of their names."""


def rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the row that leads to the transcript, under a summary or a plan."""
    return ((Button(turn.t("Transcript"), encode("rec", stored.short)),),)


def transcript(turn: Turn) -> None:
    """Offer the transcript of the case that stands in the chat, else show where we are."""
    stored = current_case(turn)
    if stored is None:
        turn.say(esc(turn.t("Open a case first, then ask for its transcript.")))
        resume(turn)
        return
    turn.consult_id = stored.id
    _offer(turn, turn.case(stored.short, Action.SHARED_READ))


def _chosen(turn: Turn, data: Callback) -> None:
    _offer(turn, turn.case(data.case, Action.SHARED_READ))


def _offer(turn: Turn, stored: StoredConsult) -> None:
    turn.show(offer_screen(turn, stored), consult=stored.id, kind="transcript")


def offer_screen(turn: Turn, stored: StoredConsult) -> Screen:
    """Return what the transcript holds, and the ways to have it."""
    t = turn.t
    body = paragraphs(
        bold(t("Case {code} · transcript").format(code=code_of(turn, stored))),
        esc(
            t(
                "Answers with their history, the summary as it stood, what it depends on, the plan "
                "and its outcome. No names."
            )
        ),
        lines(
            esc(t("The page opens in your browser. A file stays in this chat, and with Telegram.")),
            esc(document_note(turn.scenario_of(stored.content_hash), t)),
        ),
    )
    files = tuple(Button(name, encode("recf", stored.short, form)) for form, name in FORMS.items())
    page = (Button(t("Open the page"), encode("recp", stored.short)),)
    return Screen(body, (page, files, _back(turn, stored)))


def _back(turn: Turn, stored: StoredConsult) -> Row:
    """Return the row that leads back: to the summary, the question, or the shared case."""
    t = turn.t
    if stored.owner_id != turn.person.id:
        return (Button(t("‹ The shared case"), encode("shv", stored.short)),)
    if stored.phase in ADVISED:
        return home(t, stored.short)
    return (Button(t("‹ Back"), encode("go", stored.short)),)


# --- the page -----------------------------------------------------------------------------------


def _page(turn: Turn, data: Callback) -> None:
    """Send a link to the page that works once, in one browser, for five minutes."""
    stored = turn.case(data.case, Action.SHARED_READ)
    turn.say(page_words(turn, "case", stored.short), kind="sign_in")
    turn.tell(turn.t("The link is below."))


def page_words(turn: Turn, purpose: sign_in.Purpose, target: str) -> str:
    """Return a new link as HTML: to the public address, else to this machine with a typed code."""
    t, settings = turn.t, turn.settings
    once = esc(t("Works once, within five minutes. It asks you here for a number it shows."))
    if settings.public_url:
        token = sign_in.issue(turn.tx, turn.person.id, purpose, target)
        return lines(f"{esc(settings.address)}/sign-in/{token}", once)
    code = sign_in.issue(turn.tx, turn.person.id, purpose, target, typed=True)
    typed = t("No public address is set, so it opens on the bot's own machine. There, or type:")
    shown = f"<code>{sign_in.grouped(code)}</code>"
    return lines(f"{esc(settings.address)}/sign-in/{code}", f"{esc(typed)} {shown}", once)


# --- a file -------------------------------------------------------------------------------------


def _file(turn: Turn, data: Callback) -> None:
    """Send the transcript as a file, and put on record that it was taken."""
    stored = turn.case(data.case, Action.SHARED_READ)
    form = data.arg(0)
    if form not in FORMS:
        raise Gone
    made = records.record_for(
        turn.tx, turn.person, stored, lambda tx, digest: turn.scenario_of(digest), lasting=True
    )
    turn.upload(_document(turn, stored, made, form), consult=stored.id)
    records.on_record(turn.tx, turn.person, stored, form)
    turn.tell(turn.t("The file is below."))


def _document(turn: Turn, stored: StoredConsult, made: Record, form: str) -> dict[str, Any]:
    """Return the parameters of the message that carries the file."""
    caption = esc(turn.t("Transcript of case {code}").format(code=code_of(turn, stored)))
    kind = "transcript" if stored.hypothetical_of is None else "what-if-transcript"
    name = f"case-{stored.code}-{kind}"
    if form == "md":
        content = as_markdown(made).encode()
        return {"document": paper.file(f"{name}.md", content), "caption": caption}
    page = paper.file(f"{name}.html", as_page(made).encode())
    if form == "html":
        return {"document": page, "caption": caption}
    no_pdf = turn.t("PDF cannot be made on this machine. This page prints the same.")
    otherwise = {"document": page, "caption": lines(caption, esc(no_pdf))}
    sheet = paper.sheet(f"{name}.pdf", as_sheet(made), otherwise)
    return {"document": sheet, "caption": caption}


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "rec": _chosen,
    "recp": _page,
    "recf": _file,
}
