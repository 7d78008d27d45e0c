"""Which function answers which command, button and expected words; one table each."""

from collections.abc import Callable

from bot import (
    admin,
    cases_list,
    clarify,
    colleague,
    consent,
    dialog,
    endings,
    forks,
    handovers,
    held,
    helplines,
    inline,
    library,
    links,
    narrative,
    notes,
    opinions,
    persons,
    plans,
    record,
    reviews,
    share,
    shared,
    talk,
    teams,
)
from bot.callbacks import Callback
from bot.turn import Turn
from storage.expecting import Expected

Command = Callable[[Turn, str], None]
Verb = Callable[[Turn, Callback], None]
Words = Callable[[Turn, Expected, str], None]


def _plain(act: Callable[[Turn], None]) -> Command:
    return lambda turn, args: act(turn)


COMMANDS: dict[str, Command] = {
    "start": _plain(persons.begin),
    "new": narrative.new,
    "cases": _plain(cases_list.show),
    "resume": _plain(dialog.resume),
    "summary": _plain(dialog.summary_again),
    "transcript": _plain(record.transcript),
    "cancel": _plain(dialog.cancel),
    "settings": _plain(persons.settings),
    "team": teams.show,
    "share": _plain(share.list_ready),
    "opinions": _plain(shared.list_shared),
    "privacy": _plain(persons.privacy),
    "help": _plain(persons.help_),
    "lines": _plain(helplines.show),
    "whoami": _plain(persons.whoami),
    "mydata": _plain(persons.my_data),
    "forgetme": _plain(persons.forget_me),
    "admin": _plain(admin.command),
}

VERBS: dict[str, Verb] = {
    **dialog.VERBS,
    **persons.VERBS,
    **cases_list.VERBS,
    **narrative.VERBS,
    **plans.VERBS,
    **reviews.VERBS,
    **colleague.VERBS,
    **consent.VERBS,
    **record.VERBS,
    **notes.VERBS,
    **endings.VERBS,
    **forks.VERBS,
    **handovers.VERBS,
    **helplines.VERBS,
    **held.VERBS,
    **teams.VERBS,
    **share.VERBS,
    **shared.VERBS,
    **opinions.VERBS,
    **clarify.VERBS,
    **talk.VERBS,
    **library.VERBS,
    **admin.VERBS,
}

WORDS: dict[str, Words] = {
    "zone": lambda turn, expected, words: persons.keep_zone(turn, words),
    "narrative": narrative.told,
    "plan": plans.typed,
    "team_name": teams.named,
    "team_code": teams.coded,
    "opinion": opinions.typed,
    "comment": talk.typed,
    "because": reviews.because,
}

CODES: dict[str, Callable[[Expected, str], bool | None]] = {
    "zone": lambda expected, words: persons.zone_named(words) is not None,
    "plan": plans.is_code,
    "team_code": lambda expected, words: teams.is_code(words),
}
"""Where only a code is expected and nothing of other words is kept: whether words are one.

None where any words may be typed after all.
"""

STANDS: dict[str, str] = {
    "zone": "settings",
    "narrative": "tell",
    "plan": "plan",
    "team_name": "team_name",
    "team_code": "team_code",
    "opinion": opinions.KIND,
    "comment": talk.SAYING,
    "because": "because",
}
"""The screen on which words are expected; once another one stands, they mean what they say."""

ALWAYS = ("whoami", "privacy", "help", "lines", "mydata", "forgetme")
"""Commands that work before approval and after suspension."""

BEFORE_SCOPE = (
    "start",
    "help",
    "lines",
    "privacy",
    "whoami",
    "settings",
    "forgetme",
    "mydata",
    "admin",
)
"""Commands that work before the scope screen was accepted; administering is not consulting."""

VERBS_BEFORE_SCOPE = ("agree", "page", "set", "forget", *admin.VERBS)
"""Buttons that work before it."""


def _shown(act: Callable[[Turn], None]) -> Callable[[Turn, str], bool]:
    """Return what follows a link to a list, which always opens."""

    def follow(turn: Turn, rest: str) -> bool:
        act(turn)
        return True

    return follow


LINKS: dict[str, Callable[[Turn, str], bool]] = {
    links.INVITE: teams.by_link,
    links.SHARE: shared.by_link,
    links.CARD: shared.by_card,
    inline.SHARE: _shown(share.list_ready),
    "cases": _shown(shared.list_shared),
}
"""What a deep link's kind leads to; False when it opens nothing."""


def link(turn: Turn, payload: str) -> None:
    """Follow a deep link; unknown, foreign, expired and revoked ones look the same."""
    kind, _, secret = payload.partition("_")
    act = LINKS.get(kind)
    if not links.exhausted(turn) and (act is None or not act(turn, secret)):
        links.lead_nowhere(turn, kind)
