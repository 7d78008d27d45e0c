"""Which function answers which command, button and expected words; one table each."""

from collections.abc import Callable

from bot import (
    admin,
    cases_list,
    colleague,
    dialog,
    endings,
    forks,
    held,
    narrative,
    persons,
    plans,
    record,
)
from bot.callbacks import Callback
from bot.screen import esc
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
    "privacy": _plain(persons.privacy),
    "help": _plain(persons.help_),
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
    **colleague.VERBS,
    **record.VERBS,
    **endings.VERBS,
    **forks.VERBS,
    **held.VERBS,
    **admin.VERBS,
}

WORDS: dict[str, Words] = {
    "zone": lambda turn, expected, words: persons.keep_zone(turn, words),
    "narrative": narrative.told,
    "plan": plans.typed,
}

STANDS: dict[str, str] = {"zone": "settings", "narrative": "tell", "plan": "plan"}
"""The screen on which words are expected; once another one stands, they mean what they say."""

MENU = (
    ("new", "start a case"),
    ("cases", "your cases"),
    ("resume", "go on where you were"),
    ("privacy", "what is stored, for how long"),
    ("help", "what you can do here"),
)
"""The commands that Telegram lists in a private chat."""

ADMIN_MENU = (("admin", "today's numbers, who waits for you, the console"),)

ALWAYS = ("whoami", "privacy", "help", "mydata", "forgetme")
"""Commands that work before approval and after suspension."""

BEFORE_SCOPE = ("start", "help", "privacy", "whoami", "settings", "forgetme", "mydata", "admin")
"""Commands that work before the scope screen was accepted; administering is not consulting."""

VERBS_BEFORE_SCOPE = ("agree", "page", "set", "forget", *admin.VERBS)
"""Buttons that work before it."""


def link(turn: Turn, payload: str) -> None:
    """Follow a deep link; unknown, expired and revoked ones look the same."""
    turn.say(esc(turn.t("That link does not work any more. Ask for a new one.")))
    persons.begin(turn)
