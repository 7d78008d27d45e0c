"""Consent, answered where the step is shown: one tap, and back on the step."""

from collections.abc import Callable

from bot.callbacks import Callback
from bot.cases import dialog_of, keep
from bot.dialog import notes, show_case, show_view
from bot.screens.consent import CONSENT
from bot.turn import Gone, Turn
from dialogs.engine import advance
from dialogs.model import Answered, Opened
from dialogs.phases import ADVISED


def _answer(turn: Turn, data: Callback) -> None:
    """Keep what was tapped as the answer about consent, and show the step as it reads with it."""
    stored = turn.case(data.case)
    scenario = turn.scenario_of(stored.content_hash)
    value = data.arg(0)
    if value not in scenario.question(CONSENT).by_id and value != "unk":
        raise Gone
    opened = advance(dialog_of(stored), Opened(CONSENT, "summary"), scenario, data.turn)
    step = opened if opened.note else advance(opened.consult, Answered(CONSENT, value), scenario)
    if step.note or stored.phase not in ADVISED:
        turn.tell(notes(turn)[step.note or "not possible"])
        show_case(turn, stored)
        return
    saved = keep(turn, stored, step, scenario)
    if not show_view(turn, saved, "step"):
        show_case(turn, saved)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"cons": _answer}
