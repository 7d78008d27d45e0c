"""The commands that Telegram lists, by kind of chat."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.language import LANGUAGES, translator
from storage.transcript import Outgoing

MENU = (
    ("new", "start a case"),
    ("cases", "your cases"),
    ("resume", "go on where you were"),
    ("team", "your teams, cases shared with you"),
    ("lines", "help lines that are open now"),
    ("privacy", "what is stored, for how long"),
    ("help", "what you can do here"),
)
"""The commands that Telegram lists in a private chat."""

GROUP_MENU = (
    ("share", "share a case: leads to the private chat"),
    ("opinions", "cases shared with you: leads to the private chat"),
)
"""The commands that Telegram lists in a group."""

ADMIN_MENU = (("admin", "today's numbers, who waits for you, the console"),)
"""What an admin's own chat lists besides."""


def every(admins: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield the parameters of ``setMyCommands`` for every kind of chat, in every language."""
    for language in LANGUAGES:
        yield listed({"type": "all_private_chats"}, MENU, language)
        yield listed({"type": "all_group_chats"}, GROUP_MENU, language)
        yield from (of_admin(admin, language) for admin in admins)


def listed(
    scope: dict[str, Any], menu: Sequence[tuple[str, str]], language: str = "en"
) -> dict[str, Any]:
    """Return the parameters of ``setMyCommands``; English is what other languages fall back to."""
    t = translator(language)
    commands = [{"command": name, "description": t(words)} for name, words in menu]
    spoken = {} if language == "en" else {"language_code": language}
    return {"commands": commands, "scope": scope, **spoken}


def of_admin(chat_id: int, language: str = "en") -> dict[str, Any]:
    return listed({"type": "chat", "chat_id": chat_id}, (*MENU, *ADMIN_MENU), language)


def admins_menu(chat_id: int) -> Outgoing:
    """Return the call that lists an admin's commands; before they wrote there was no such chat."""
    return Outgoing(
        chat_id=chat_id, method="setMyCommands", params=of_admin(chat_id), kind="commands"
    )
