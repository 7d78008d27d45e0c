"""How a case ends and begins again: closed, stopped, reopened, deleted; and its reviews with it."""

from collections.abc import Callable

from bot import cases_list, reviews
from bot.callbacks import Callback, encode
from bot.cases import apply
from bot.dialog import code_of, notes, show_case
from bot.screen import Button, Screen, bold, esc, paragraphs
from bot.turn import Gone, Turn
from dialogs.model import Cancelled, Closed, Event, Reopened
from dialogs.phases import ADVISED, ENDED
from storage import consults
from storage import plans as kept
from storage.consults import StoredConsult


def _end(event: Event) -> Callable[[Turn, Callback], None]:
    """Return what ends a case: reviews that were not asked about yet are dropped."""

    def route(turn: Turn, data: Callback) -> None:
        stored = turn.case(data.case)
        saved, step = apply(turn, stored, event, data.turn)
        if step.note:
            turn.tell(notes(turn)[step.note])
        else:
            kept.drop_waiting(turn.tx, stored.id)
            if _asks_how_it_was(turn, saved):
                turn.show(reviews.closeout_screen(turn, saved), consult=saved.id, kind="closeout")
                return
        show_case(turn, saved)

    return route


def _asks_how_it_was(turn: Turn, stored: StoredConsult) -> bool:
    """Say whether a case with a plan was closed and the two closing questions are still open."""
    planned = stored.phase == "closed" and kept.plan_of(turn.tx, stored) is not None
    return planned and kept.closeout_of(turn.tx, stored.id) == kept.Closeout()


def _reopen(turn: Turn, data: Callback) -> None:
    """Take a case up again; reviews to come are asked about again, or it is said that none are."""
    stored = turn.case(data.case)
    saved, step = apply(turn, stored, Reopened(), data.turn)
    if step.note:
        turn.tell(notes(turn)[step.note])
    else:
        to_come = reviews.schedule_again(turn, saved)
        if not to_come and saved.phase in ADVISED:
            screen = reviews.nothing_to_come_screen(turn, saved)
            turn.show(screen, consult=saved.id, kind="reopened")
            return
    show_case(turn, saved)


def _delete(turn: Turn, data: Callback) -> None:
    """Delete an ended case for good, after a question."""
    stored = turn.case(data.case, "consult.erase")
    if stored.phase not in ENDED:
        raise Gone
    if data.arg(0) != "yes":
        turn.show(sure_to_delete(turn, stored), consult=stored.id, kind="sure")
        return
    kept.drop_waiting(turn.tx, stored.id)
    consults.erase(turn.tx, stored.id, by=turn.person.id)
    turn.erased, turn.consult_id = True, None
    turn.tell(turn.t("Case {code} was deleted.").format(code=code_of(turn, stored)))
    cases_list.show(turn)


def sure_to_delete(turn: Turn, stored: StoredConsult) -> Screen:
    """Return the question before a case is deleted."""
    t = turn.t
    body = paragraphs(
        bold(t("Delete case {code} for good?").format(code=code_of(turn, stored))),
        esc(
            t(
                "Its answers and the key they are encrypted with are destroyed. The log keeps that a "
                "case was deleted, not what was in it. Messages in this chat stay with Telegram."
            )
        ),
    )
    yes = Button(t("Yes, delete it"), encode("del", stored.short, "yes"))
    no = Button(t("No, keep it"), encode("go", stored.short))
    return Screen(body, ((yes,), (no,)))


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "x": _end(Cancelled()),
    "close": _end(Closed()),
    "reopen": _reopen,
    "del": _delete,
}
