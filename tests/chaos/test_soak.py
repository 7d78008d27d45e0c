"""Weeks of use leave nothing behind in the process; ``make chaos`` has the long form, with figures."""

from pathlib import Path

from bot.transport import CONNECTIONS
from tests.chaos.lives import Files
from tests.chaos.soak import LASTING, soak

WARM = 2
"""Rounds after which everything is loaded that is loaded once."""

ROUNDS = 5
SOME = LASTING[::3]
"""Counted are objects and files, which a few hundred updates show; memory needs thousands."""


async def test_a_bot_holds_after_weeks_what_it_held_when_it_was_warm(tmp_path: Path) -> None:
    weights = await soak(Files(tmp_path).fresh(), seed=1, rounds=ROUNDS, stories=SOME, kept=16)
    warm, last = weights[WARM - 1], weights[-1]
    print(*weights, sep="\n")

    assert last.updates - warm.updates > 300
    assert min(each.objects for each in weights[-2:]) - warm.objects < last.updates - warm.updates
    assert last.files - warm.files < CONNECTIONS, "more than connections to Telegram"
