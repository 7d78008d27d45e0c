"""Methods about the bot itself: who it is, its commands, its descriptions."""

import json
import re
from typing import Any

from web.emulator.core import Emulator
from web.emulator.errors import bad
from web.emulator.limits import COMMAND_NAME, COMMAND_WORDS, COMMANDS
from web.emulator.request import Params
from web.emulator.world import Chat, Json

SCOPES = (
    "default",
    "all_private_chats",
    "all_group_chats",
    "all_chat_administrators",
    "chat",
    "chat_administrators",
    "chat_member",
)


def get_me(emulator: Emulator, params: Params) -> Json:
    return emulator.bot.wire() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not emulator.privacy,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def scope_key(params: Params) -> str:
    """One string for scope and language, under which commands are kept."""
    scope = params.value("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(scope, dict) or scope.get("type") not in SCOPES:
        raise bad("can't parse BotCommandScope: Unsupported type specified")
    if str(scope["type"]).startswith("chat") and not scope.get("chat_id"):
        raise bad("can't parse BotCommandScope: Empty chat_id specified")
    named = [str(scope[name]) for name in ("type", "chat_id", "user_id") if name in scope]
    return " ".join([*named, f"[{params.text('language_code')}]"])


def set_my_commands(emulator: Emulator, params: Params) -> bool:
    given = params.value("commands", "commands")
    if not isinstance(given, list):
        raise bad("expected an Array of BotCommand")
    if len(given) > COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    commands = [command(each) for each in given]
    key = scope_key(params)
    emulator.commands[key] = commands
    emulator.store.put("commands", key, commands)
    emulator.world.tell({"type": "commands"})
    return True


def command(value: Any) -> Json:
    if not isinstance(value, dict):
        raise bad("can't parse BotCommand: expected an Object")
    name = str(value.get("command", "")).strip().removeprefix("/")
    words = str(value.get("description", "")).strip()
    if not name:
        raise bad("command must be non-empty")
    if len(name) > COMMAND_NAME:
        raise bad(f"command length must not exceed {COMMAND_NAME}")
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise bad("BOT_COMMAND_INVALID")
    if not words:
        raise bad("command description must be non-empty")
    if len(words) > COMMAND_WORDS:
        raise bad(f"command description length must not exceed {COMMAND_WORDS}")
    return {"command": name, "description": words}


def get_my_commands(emulator: Emulator, params: Params) -> list[Json]:
    return emulator.commands.get(scope_key(params), [])


def delete_my_commands(emulator: Emulator, params: Params) -> bool:
    key = scope_key(params)
    emulator.commands.pop(key, None)
    emulator.store.drop("commands", key)
    emulator.world.tell({"type": "commands"})
    return True


def commands_for(emulator: Emulator, chat: Chat, user_id: int, language: str) -> list[Json]:
    """The menu the person sees in the chat: the narrowest scope that has one wins."""
    if chat.private:
        scopes = [f"chat {chat.id}", "all_private_chats", "default"]
    else:
        scopes = group_scopes(chat, user_id)
    keys = [f"{scope} [{code}]" for scope in scopes for code in (language, "")]
    return next((emulator.commands[key] for key in keys if emulator.commands.get(key)), [])


def group_scopes(chat: Chat, user_id: int) -> list[str]:
    administrator = chat.members.get(user_id) in {"creator", "administrator"}
    narrow = [f"chat_member {chat.id} {user_id}"]
    if administrator:
        narrow.append(f"chat_administrators {chat.id}")
    narrow.append(f"chat {chat.id}")
    if administrator:
        narrow.append("all_chat_administrators")
    return [*narrow, "all_group_chats", "default"]


PROFILE = {
    "name": ("name", 64),
    "description": ("description", 512),
    "shortdescription": ("short_description", 120),
}


def set_profile(emulator: Emulator, params: Params, which: str) -> bool:
    name, longest = PROFILE[which]
    if len(words := params.text(name)) > longest:
        raise bad(f"BOT_{name.upper()}_TOO_LONG")
    key = json.dumps([name, params.text("language_code")])
    emulator.profile[key] = words
    emulator.store.put("profile", key, words)
    return True


def get_profile(emulator: Emulator, params: Params, which: str) -> Json:
    name, _ = PROFILE[which]
    plain = emulator.bot.name if name == "name" else ""
    languages = [params.text("language_code"), ""]
    found = [emulator.profile.get(json.dumps([name, code])) for code in languages]
    return {name: next((words for words in found if words), plain)}
