"""For admins in the chat: today's numbers, one chart, who waits for approval, the way to the console."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from bot.callbacks import Callback, encode
from bot.language import translator
from bot.screen import Button, Row, Screen, bold, esc, lines, paragraphs
from bot.translate import Tap
from bot.turn import Gone, Turn
from dialogs import charts
from dialogs.charts import Bar
from storage import console, letters, people, sign_in, statistics, transcript
from storage.access import Action, authorize
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.statistics import Overview, Period

MOST = 8
"""People of one screen."""

WEEKS = 12
AT_ONCE = 100
"""Cases counted while an admin waits; the service counts the rest."""


def command(turn: Turn) -> None:
    """Show the chart, and below it the admin's screen; for everybody else there is no such command."""
    authorize(turn.tx, turn.person, Action.PEOPLE_LIST)
    statistics.refresh(turn.tx, lambda _tx, content_hash: turn.scenario_of(content_hash), AT_ONCE)
    if isinstance(turn.incoming, Tap):  # else the screen stays in its place, above the chart
        transcript.clear_screen(turn.tx, turn.chat_id)
    screen = _screen(turn)  # before the chart, which waits to be sent as well
    _chart(turn)
    turn.show(screen, kind="admin")


def _screen(turn: Turn) -> Screen:
    t, pending = turn.t, people.with_status(turn.tx, "pending")
    asked = t("Waiting for approval: {count}").format(count=len(pending))
    body = paragraphs(
        bold(t("Administration")),
        lines(_used(turn, 1, t("Today")), _used(turn, 7, t("Last 7 days"))),
        _state(turn),
        lines(esc(asked), *(_line(turn, n, who) for n, who in enumerate(pending[:MOST], 1)))
        if pending
        else esc(t("Nobody waits for approval.")),
        esc(t("The others are in the console.")) if len(pending) > MOST else "",
    )
    rows = [_choice(turn, place, each) for place, each in enumerate(pending[:MOST], 1)]
    console = (Button(t("Open the console"), encode("console")),)
    return Screen(body, (*rows, console))


def _line(turn: Turn, place: int, who: Person) -> str:
    return f"{place}. {esc(who.name or turn.t('no name'))} ({who.telegram_id})"


def _choice(turn: Turn, place: int, who: Person) -> Row:
    t = turn.t
    return (
        Button(t("Approve {place}").format(place=place), encode("appr", "", who.id.hex, 1)),
        Button(t("Refuse {place}").format(place=place), encode("appr", "", who.id.hex, 0)),
    )


# --- numbers ----------------------------------------------------------------------------------


def _counted(turn: Turn, days: int) -> Overview:
    """Return what was counted in the last so many days, today (UTC) included."""
    until = turn.tx.now.date() + timedelta(days=1)
    return statistics.overview(turn.tx, Period(until - timedelta(days=days), until))


def _used(turn: Turn, days: int, title: str) -> str:
    found, t = _counted(turn, days), turn.t
    said = t("{begun} cases begun, {finished} with a summary, {stopped} stopped by a red flag")
    numbers = {
        "begun": _number(found.count("started")),
        "finished": _number(found.count("finished")),
        "stopped": _number(found.count("stopped")),
    }
    return f"{bold(title)}: {esc(said.format(**numbers))}"


def _number(count: int | None) -> str:
    """Return a count; small ones are not told exactly, as they may point at somebody."""
    return f"1–{statistics.SMALLEST - 1}" if count is None else str(count)


def _state(turn: Turn) -> str:
    """Return how the bot does, and whether the log waits to be looked through."""
    tx, t = turn.tx, turn.t
    return lines(
        esc(t("People: {count} approved").format(count=people.counts(tx).get("approved", 0))),
        esc(t("Messages still to be sent: {count}").format(count=transcript.unsent(tx))),
        esc(t("Updates put away: {count}").format(count=letters.waiting_letters(tx))),
        bold(t("The weekly look through the log is due.")) if console.reviewed(tx).overdue else "",
    )


def _chart(turn: Turn) -> None:
    """Send the cases of the last weeks as a picture; without a case there is none."""
    found, t = _counted(turn, 7 * WEEKS), turn.t
    if found.count("started") == 0:
        return
    ends = (t("with a summary"), t("left"), t("red flag"))
    weeks = [
        Bar(f"{first:%m-%d}", (week["finished"], week["abandoned"], week["stopped"]))
        for first, week in found.weeks
    ]
    title = t("Cases by week")
    drawing = charts.picture(title, charts.columns(title, weeks, ends), ends)
    turn.picture(drawing, t("By the week they were begun in. Counts from 1 to 4 are hatched."))


# --- decisions --------------------------------------------------------------------------------


def _decide(turn: Turn, data: Callback) -> None:
    """Approve or refuse somebody; who was decided on meanwhile stays as the other admin left it."""
    try:
        found = people.get(turn.tx, UUID(hex=data.arg(0)))
    except (NotFound, ValueError) as error:
        raise Gone from error
    authorize(turn.tx, turn.person, Action.PERSON_DECIDE, found)
    to = "approved" if data.arg(1) == "1" else "suspended"
    try:
        told = console.decide(turn.tx, turn.person, found.id, expected="pending", to=to)
    except Conflict:
        turn.tell(turn.t("That was decided already."))
    else:
        turn.tell(turn.t("Approved.") if told else turn.t("Refused."))
        if told is not None:
            t = translator(told.language)
            words = esc(t("You are approved. Send /start to begin."))
            turn.say(words, chat_id=told.chat_id, kind="approval")
    turn.show(_screen(turn), kind="admin")


# --- the console ------------------------------------------------------------------------------


def _console(turn: Turn, data: Callback) -> None:
    """Send a link to the console that works once, in one browser, for five minutes."""
    authorize(turn.tx, turn.person, Action.SYSTEM_READ)
    t, settings = turn.t, turn.settings
    link = f"{settings.address}/sign-in/{sign_in.issue(turn.tx, turn.person.id)}"
    how = esc(t("Works once, within five minutes. It asks you here for a number it shows."))
    if settings.public_url:
        button = {"text": t("Open in the browser"), "url": link}
        turn.say(how, kind="sign_in", reply_markup={"inline_keyboard": [[button]]})
        return
    here = esc(t("Open this on the machine that Curbside runs on:"))
    turn.say(f"{here}\n{esc(link)}\n\n{how}", kind="sign_in")


def _signed(turn: Turn, data: Callback) -> None:
    """Take the number that the browser shows; a wrong one ends that sign-in."""
    try:
        identity, number = UUID(data.arg(0)), int(data.arg(1))
    except ValueError as error:
        raise Gone from error
    right = sign_in.answer(turn.tx, turn.person.id, identity, number)
    words = (
        turn.t("Confirmed. Go back to the browser.")
        if right
        else turn.t(
            "Not confirmed: nothing was opened. To sign in, ask for a new link with /admin."
        )
    )
    turn.tell(words)
    if isinstance(turn.incoming, Tap) and turn.incoming.message_id is not None:
        turn.replace(turn.incoming.message_id, esc(words))


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "admin": lambda turn, data: command(turn),
    "appr": _decide,
    "console": _console,
    "signin": _signed,
}
