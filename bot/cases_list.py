"""The list of a person's cases."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.callbacks import Callback
from bot.cases import dialog_of
from bot.language import Translate
from bot.screens.start import CaseLine, cases_screen
from bot.turn import Turn
from dialogs.engine import progress
from storage import consults
from storage.consults import StoredConsult

PAGE = 8
MOST_PAGES = 100_000
"""A forged page number stays within what a database counts."""


def show(turn: Turn, page: int = 0) -> None:
    """Show one page of the person's cases, the one touched last first."""
    found = consults.list_for(turn.tx, turn.person.id, page, per_page=PAGE)
    consults.record_list(turn.tx, turn.person.id, len(found.consults))
    listed = [line(turn, stored) for stored in found.consults]
    more = found.number + 1 < found.pages
    screen = cases_screen(listed, turn.t, page=found.number, more=more)
    turn.show(screen, kind="cases")


def line(turn: Turn, stored: StoredConsult) -> CaseLine:
    return CaseLine(
        case=stored.short,
        code=stored.code,
        state=state(turn, stored),
        age=age(stored.updated_at, turn.tx.now, turn.t),
        hypothetical=stored.hypothetical_of is not None,
    )


def state(turn: Turn, stored: StoredConsult) -> str:
    """Return where a case stands, in a few words."""
    t = turn.t
    if not consults.is_whole(stored):
        return t("cannot be read")
    words = {
        "reviewing": t("check your answers"),
        "stopped": t("paused by a red flag"),
        "advised": t("summary ready"),
        "decided": t("decided"),
        "planned": t("plan recorded"),
        "followed_up": t("followed up"),
        "closed": t("closed"),
        "cancelled": t("stopped"),
    }
    if stored.phase in words:
        return words[stored.phase]
    place, total = progress(dialog_of(stored), turn.scenario_of(stored.content_hash))
    return t("question {place} of {total}").format(place=place, total=total)


def age(then: datetime, now: datetime, t: Translate) -> str:
    """Return how long ago something was, in relative words; never a date."""
    passed = max(now - then, timedelta())
    if passed < timedelta(minutes=1):
        return t("just now")
    if passed < timedelta(hours=1):
        return t("{count} min ago").format(count=passed.seconds // 60)
    if passed < timedelta(days=1):
        return t("{count} h ago").format(count=passed.seconds // 3600)
    return t("{count} d ago").format(count=passed.days)


def _page(turn: Turn, data: Callback) -> None:
    show(turn, min(int(data.arg(0)), MOST_PAGES) if data.arg(0).isdigit() else 0)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"cases": _page}
