"""Handing a case to a colleague of one's team: one offers, the other accepts, both are told."""

from collections.abc import Callable
from uuid import UUID

from bot.callbacks import Callback, encode
from bot.dialog import code_of, show_case
from bot.language import Translate, translator
from bot.screen import Button, Row, Screen, bold, clipped, esc, lines, paragraphs
from bot.turn import Gone, Turn
from storage import consults, handovers, people
from storage.access import Action, authorize
from storage.consults import StoredConsult
from storage.errors import Conflict, NotFound
from storage.handovers import Handover
from storage.people import Person
from storage.transcript import Outgoing

MOST_COLLEAGUES = 10
"""Colleagues of one page."""

MOST_NAME = 40
"""Characters of a name on a button."""


def _hand(turn: Turn, data: Callback) -> None:
    """Choose a colleague, offer the case, take the offer back, or take a stranded case over."""
    if data.arg(0) == "take":
        _take_over(turn, data)
        return
    stored = turn.case(data.case, Action.CONSULT_HAND_OVER)
    if stored.hypothetical_of is not None:
        raise Gone
    act = {"to": _sure, "yes": _offer, "drop": _drop}.get(data.arg(0))
    if act is None:
        _choose(turn, stored, int(data.arg(1)) if data.arg(1).isdigit() else 0)
    else:
        act(turn, stored, data.arg(1))


def _choose(turn: Turn, stored: StoredConsult, page: int) -> None:
    screen = choice_screen(turn, stored, min(page, MOST_COLLEAGUES))
    turn.show(screen, consult=stored.id, kind="hand")


def choice_screen(turn: Turn, stored: StoredConsult, page: int = 0) -> Screen:
    """Return who the case can be handed to: the members of the owner's teams."""
    t, waiting = turn.t, handovers.open_offer(turn.tx, stored.id)
    found = _by_name(turn)
    first = page * MOST_COLLEAGUES
    shown = found[first : first + MOST_COLLEAGUES]
    note = t("They get its answers, its plan and its reminders, once they have accepted.")
    if not found:
        note = t("A case goes to a colleague of a team you are in. You are in none: see /team.")
    rows: list[Row] = [
        (Button(_who(turn, each), encode("hand", stored.short, "to", each.id.hex)),)
        for each in shown
    ]
    if len(found) > first + MOST_COLLEAGUES:
        further = encode("hand", stored.short, "page", page + 1)
        rows.append((Button(t("Page {page} ›").format(page=page + 2), further),))
    if waiting is not None:
        rows.append((Button(t("Take the offer back"), encode("hand", stored.short, "drop")),))
    offered = t("It is offered to a colleague, who has not answered yet.") if waiting else ""
    body = paragraphs(
        bold(t("Hand case {code} to whom?").format(code=stored.code)), esc(note), esc(offered)
    )
    return Screen(body, (*rows, (Button(t("‹ The case"), encode("go", stored.short)),)))


def _by_name(turn: Turn) -> list[Person]:
    """Return who the case can be handed to, by name; those without one stand last."""
    found = [people.get(turn.tx, each) for each in handovers.colleagues(turn.tx, turn.person)]
    return sorted(found, key=lambda each: (not each.name, each.name.casefold(), each.id))


def _who(turn: Turn, each: Person) -> str:
    """Return a colleague as a button shows them: their name in Telegram, never with their role.

    Opinions stand by role for good; a name beside a role would tell whose they are.
    """
    return clipped(each.name, MOST_NAME) or turn.t("no name")


def _colleague(turn: Turn, text: str) -> Person:
    """Return who a button names, if the case can be handed to them."""
    try:
        wanted = UUID(hex=text)
    except ValueError as error:
        raise Gone from error
    if wanted not in handovers.colleagues(turn.tx, turn.person):
        raise Gone
    return people.get(turn.tx, wanted)


def _sure(turn: Turn, stored: StoredConsult, text: str) -> None:
    t, to = turn.t, _colleague(turn, text)
    body = paragraphs(
        bold(t("Hand case {code} to {name}?").format(code=stored.code, name=_who(turn, to))),
        esc(
            t(
                "It stays yours until they accept. Then it is theirs: answers, plan, reminders. "
                "You keep what your teams see of it."
            )
        ),
    )
    yes = Button(t("Yes, offer it"), encode("hand", stored.short, "yes", to.id.hex))
    no = Button(t("No, keep it"), encode("go", stored.short))
    turn.show(Screen(body, ((yes,), (no,))), consult=stored.id, kind="hand")


def _offer(turn: Turn, stored: StoredConsult, text: str) -> None:
    to = _colleague(turn, text)
    made = handovers.offer(turn.tx, stored, to.id, turn.person.id)
    turn.tell(turn.t("Offered. I tell you when they have answered."))
    _notify(turn, to, offer_screen(stored, made, translator(to.language)))
    show_case(turn, stored)


def offer_screen(stored: StoredConsult, made: Handover, t: Translate) -> Screen:
    """Return the question to whom a case is offered; nothing clinical stands in it."""
    body = lines(
        bold(t("A colleague wants to hand you case {code}").format(code=stored.code)),
        esc(
            t(
                "If you accept, it is yours: its answers, its plan and its reminders. "
                "The offer waits for seven days."
            )
        ),
    )
    rows = (
        (Button(t("Accept the case"), encode("got", "", made.id.hex, "yes")),),
        (Button(t("Decline"), encode("got", "", made.id.hex, "no")),),
    )
    return Screen(body, rows)


def _drop(turn: Turn, stored: StoredConsult, text: str) -> None:
    taken = handovers.withdraw(turn.tx, stored, turn.person.id)
    turn.tell(turn.t("The offer is taken back.") if taken else turn.t("There is no offer open."))
    show_case(turn, stored)


# --- the other side ---------------------------------------------------------------------------


def _got(turn: Turn, data: Callback) -> None:
    """Accept or decline a case that was offered; only whom it was offered to may."""
    try:
        found = handovers.load(turn.tx, UUID(hex=data.arg(0)))
    except (NotFound, ValueError) as error:
        raise Gone from error
    authorize(turn.tx, turn.person, Action.HANDOVER_ANSWER, found)
    if data.arg(1) not in ("yes", "no"):
        raise Gone
    try:
        _answer(turn, found, accepted=data.arg(1) == "yes")
    except Conflict:
        turn.tell(turn.t("That offer stands no more."))


def _answer(turn: Turn, found: Handover, *, accepted: bool) -> None:
    giver = people.get(turn.tx, found.from_id)
    t = translator(giver.language)
    if not accepted:
        stored = consults.load(turn.tx, found.consult_id)
        handovers.decline(turn.tx, found, turn.person.id)
        turn.say(esc(turn.t("Declined. Its owner is told.")))
        words = t("Case {code} was not accepted; it is still yours.")
        _notify(turn, giver, Screen(esc(words.format(code=stored.code))))
        return
    before = consults.load(turn.tx, found.consult_id)
    saved = handovers.accept(turn.tx, found, turn.person.id)
    turn.consult_id = saved.id
    _show_new(turn, before, saved)
    words = t("Case {code} was accepted. It is your colleague's now, reminders included.")
    _notify(turn, giver, Screen(esc(words.format(code=before.code))))


def _show_new(turn: Turn, before: StoredConsult, saved: StoredConsult) -> None:
    """Show the case to its new owner; it has another code where they had a case of that code."""
    words = turn.t("The case is yours now.")
    if saved.code != before.code:
        words = turn.t("The case is yours now, as {code}.").format(code=code_of(turn, saved))
    turn.tell(words)
    show_case(turn, saved, esc(words))


def _take_over(turn: Turn, data: Callback) -> None:
    """Make a lead the owner of a case whose owner is gone."""
    try:
        stored = consults.load_short(turn.tx, data.case)
    except NotFound as error:
        raise Gone from error
    authorize(turn.tx, turn.person, Action.CONSULT_TAKE_OVER, stored)
    saved = handovers.take_over(turn.tx, stored, turn.person)
    turn.consult_id = saved.id
    _show_new(turn, stored, saved)


def _notify(turn: Turn, who: Person, screen: Screen) -> None:
    """Send somebody else a message; whoever cannot be reached is left alone."""
    if who.telegram_id is None:
        return
    turn.enqueue(
        Outgoing(
            chat_id=who.telegram_id,
            method="sendMessage",
            params=screen.params(),
            person_id=who.id,
            kind="handover",
        )
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"hand": _hand, "got": _got}
