"""For admins in the chat: who waits for approval, and today's state in a few lines."""

from collections.abc import Callable
from uuid import UUID

from bot.callbacks import Callback, encode
from bot.screen import Button, Screen, bold, esc, lines, paragraphs
from bot.turn import Gone, Turn
from storage import letters, people, sign_in, transcript
from storage.access import Action, authorize
from storage.errors import NotFound
from storage.people import Person

MOST = 8
"""People of one screen."""


def admin(turn: Turn, data: Callback | None = None) -> None:
    """Show the admin's screen; for everybody else there is no such command."""
    authorize(turn.tx, turn.person, Action.PEOPLE_LIST)
    t = turn.t
    pending = people.with_status(turn.tx, "pending")
    counts = people.counts(turn.tx)
    body = paragraphs(
        bold(t("Administration")),
        lines(
            esc(t("People: {count} approved").format(count=counts.get("approved", 0))),
            esc(t("Waiting for approval: {count}").format(count=len(pending))),
            esc(t("Messages still to be sent: {count}").format(count=transcript.unsent(turn.tx))),
            esc(t("Updates put away: {count}").format(count=letters.waiting_letters(turn.tx))),
        ),
        "\n".join(
            f"{place}. {esc(_who(each, turn))}" for place, each in enumerate(pending[:MOST], 1)
        ),
    )
    rows = [
        (
            Button(t("Approve {place}").format(place=place), encode("appr", "", each.id.hex, 1)),
            Button(t("Refuse {place}").format(place=place), encode("appr", "", each.id.hex, 0)),
        )
        for place, each in enumerate(pending[:MOST], 1)
    ]
    console = (Button(t("Open the console"), encode("console")),)
    turn.show(Screen(body, (*rows, console)), kind="admin")


def _who(each: Person, turn: Turn) -> str:
    return f"{each.name or turn.t('no name')} ({each.telegram_id})"


def _decide(turn: Turn, data: Callback) -> None:
    """Approve or refuse somebody; who was decided on meanwhile stays as the other admin left it."""
    try:
        found = people.get(turn.tx, UUID(hex=data.arg(0)))
    except (NotFound, ValueError) as error:
        raise Gone from error
    authorize(turn.tx, turn.person, Action.PERSON_DECIDE, found)
    if found.status != "pending":
        turn.tell(turn.t("That was decided already."))
    else:
        approved = data.arg(1) == "1"
        people.set_status(
            turn.tx, found, "approved" if approved else "suspended", by=turn.person.id
        )
        if approved and found.telegram_id is not None:
            words = turn.t("You are approved. Send /start to begin.")
            turn.say(esc(words), chat_id=found.telegram_id, kind="approval")
    admin(turn)


def _console(turn: Turn, data: Callback) -> None:
    """Send a link to the console that works once, in one browser, for five minutes."""
    authorize(turn.tx, turn.person, Action.SYSTEM_READ)
    settings = turn.settings
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    token = sign_in.issue(turn.tx, turn.person.id)
    words = turn.t("Works once, within five minutes. It asks you here for a number it shows.")
    turn.say(f"{esc(base)}/sign-in/{token}\n{esc(words)}", kind="sign_in")


def _signed(turn: Turn, data: Callback) -> None:
    """Take the number that the browser shows; a wrong one ends that sign-in."""
    try:
        identity, number = UUID(data.arg(0)), int(data.arg(1))
    except ValueError as error:
        raise Gone from error
    right = sign_in.answer(turn.tx, turn.person.id, identity, number)
    turn.tell(
        turn.t("Go back to the browser.")
        if right
        else turn.t("That is not it. Ask for a new link.")
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "appr": _decide,
    "console": _console,
    "signin": _signed,
}
