"""The commands that Telegram lists, by kind of chat."""

from collections.abc import Sequence
from typing import Any

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


def listed(scope: dict[str, Any], menu: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters of ``setMyCommands``."""
    return {
        "commands": [{"command": name, "description": words} for name, words in menu],
        "scope": scope,
    }


def of_admin(chat_id: int) -> dict[str, Any]:
    return listed({"type": "chat", "chat_id": chat_id}, (*MENU, *ADMIN_MENU))


def admins_menu(chat_id: int) -> Outgoing:
    """Return the call that lists an admin's commands; before they wrote there was no such chat."""
    return Outgoing(
        chat_id=chat_id, method="setMyCommands", params=of_admin(chat_id), kind="commands"
    )
