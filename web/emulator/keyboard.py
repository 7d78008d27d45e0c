"""Checks a reply markup as Telegram does and returns it as a message shows it."""

import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from web.emulator.errors import Refused, bad
from web.emulator.limits import BUTTONS, CALLBACK_BYTES, COPY_TEXT, KEYBOARD_BYTES, ROW_BUTTONS
from web.emulator.request import Params

Markup = dict[str, Any]
KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")


def reply_markup(params: Params) -> Markup | None:
    """The checked markup of a call, None when it has none."""
    value = params.value("reply_markup", "reply keyboard markup")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad("object expected as reply markup")
    kind = next((k for k in KINDS if k in value), None)
    match kind:
        case "inline_keyboard":
            return {"inline_keyboard": inline_rows(value["inline_keyboard"])}
        case "keyboard":
            return value | {"keyboard": [[typed(b) for b in row] for row in rows(value, kind)]}
        case "remove_keyboard" | "force_reply" if value[kind] is True:
            return value
    return None


def inline_only(params: Params) -> Markup | None:
    """The markup of an edit: an edited message keeps only an inline keyboard."""
    markup = reply_markup(params)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad("inline keyboard expected")
    return markup


def rows(value: Mapping[str, Any], name: str) -> list[list[Any]]:
    found = value[name]
    if not isinstance(found, list) or not all(isinstance(row, list) for row in found):
        raise bad(f'field "{name}" must be an Array of Arrays')
    return found


def typed(button: Any) -> dict[str, Any]:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict):
        raise bad("can't parse keyboard button: KeyboardButton must be a String or an Object")
    if not str(button.get("text", "")).strip():
        raise bad("keyboard button text must be non-empty")
    return button


def inline_rows(value: Any) -> list[list[dict[str, Any]]]:
    made = [[button(b) for b in row] for row in rows({"inline_keyboard": value}, "inline_keyboard")]
    made = [row for row in made if row]
    if sum(map(len, made)) > BUTTONS or len(json.dumps(made).encode()) > KEYBOARD_BYTES:
        raise bad("reply markup is too long")
    if any(len(row) > ROW_BUTTONS for row in made):
        raise bad("reply markup is too long")
    return made


def button(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise unparsable("InlineKeyboardButton must be an Object")
    text = value.get("text")
    if not isinstance(text, str):
        raise unparsable('Field "text" must be of type String')
    if not text.strip():
        raise bad("inline keyboard button text must be non-empty")
    for name, check in CHECKS.items():
        if value.get(name) not in {None, ""} if isinstance(value.get(name), str) else name in value:
            return {"text": text, name: check(value[name])} | style(value)
    raise unparsable("Text buttons are unallowed in the inline keyboard")


def style(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"style": value["style"]} if "style" in value else {}


def unparsable(text: str) -> Refused:
    return bad(f"can't parse inline keyboard button: {text}")


def callback(value: Any) -> str:
    if not isinstance(value, str):
        raise unparsable('Field "callback_data" must be of type String')
    if len(value.encode()) > CALLBACK_BYTES:
        raise bad("BUTTON_DATA_INVALID")
    return value


def address(value: Any) -> str:
    """An address Telegram would show: http, https or tg, and a host other people can reach."""
    written = str(value)
    parts = urlsplit(written if "://" in written else f"http://{written}")
    if parts.scheme not in {"http", "https", "tg", "ton"}:
        raise bad(f"inline keyboard button URL '{written}' is invalid: Unsupported URL protocol")
    if parts.scheme in {"tg", "ton"}:
        return written
    if re.search(r"[\s<>\"]", written) or not parts.hostname:
        raise bad(f"inline keyboard button URL '{written}' is invalid: Wrong HTTP URL")
    if "." not in parts.hostname and ":" not in parts.hostname:
        raise bad("BUTTON_URL_INVALID")
    if is_private(parts.hostname):
        raise bad("BUTTON_URL_INVALID")
    return written


def is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host.endswith((".localhost", ".local", ".internal"))


def copied(value: Any) -> dict[str, str]:
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise unparsable('Field "copy_text" must be of type Object')
    if not 1 <= len(text) <= COPY_TEXT:
        raise bad("BUTTON_COPY_TEXT_INVALID")
    return {"text": text}


def words(value: Any) -> str:
    if not isinstance(value, str):
        raise unparsable('Field "switch_inline_query" must be of type String')
    return value


def refused(value: Any) -> Any:
    raise bad("BUTTON_TYPE_INVALID")


CHECKS = {
    "url": address,
    "callback_data": callback,
    "switch_inline_query": words,
    "switch_inline_query_chosen_chat": lambda value: value,
    "switch_inline_query_current_chat": words,
    "copy_text": copied,
    "web_app": refused,
    "login_url": refused,
    "callback_game": refused,
    "pay": refused,
}
