"""Inline mode: the answer to a query, and the message a chosen result becomes."""

import re
from typing import Any

from web.emulator.core import Emulator
from web.emulator.errors import Refused, bad
from web.emulator.keyboard import inline_rows
from web.emulator.limits import INLINE_RESULTS, START_PAYLOAD, TEXT_UNITS, units
from web.emulator.messages import formatted_text, with_entities
from web.emulator.request import Params
from web.emulator.world import Json


def answer_inline_query(emulator: Emulator, params: Params) -> bool:
    results = params.value("results", "inline query results")
    if not isinstance(results, list):
        raise bad("expected an Array of inline query results")
    if len(results) > INLINE_RESULTS:
        raise bad("too many inline query results specified")
    made = [checked(result) for result in results]
    if len({result["id"] for result in made}) < len(made):
        raise bad("RESULT_ID_DUPLICATE")
    button = checked_button(params.value("button", "inline query results button"))
    query_id = params.text("inline_query_id")
    if emulator.answered(query_id) is None:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    answer = {"results": made, "button": button, "is_personal": params.flag("is_personal")}
    answer["cache_time"] = params.integer("cache_time", 300)
    emulator.inline_answers[query_id] = answer
    emulator.world.tell({"type": "inline", "query": query_id})
    return True


def unparsable(text: str) -> Refused:
    return bad(f"can't parse inline query result: {text}")


def checked(result: Any) -> Json:
    """One article as it will be shown and sent; other kinds are not emulated."""
    if not isinstance(result, dict):
        raise unparsable("Inline query result must be an object")
    if result.get("type") != "article":
        raise bad(f'type "{result.get("type")}" is unsupported for the inline query result')
    if not 1 <= len(str(result.get("id", "")).encode()) <= 64:  # noqa: PLR2004 - documented
        raise bad("RESULT_ID_INVALID")
    if not str(result.get("title", "")).strip():
        raise bad("ARTICLE_TITLE_EMPTY")
    kept = {name: result[name] for name in ("id", "title", "description") if name in result}
    return kept | {"content": content(result.get("input_message_content"))} | markup(result)


def content(given: Any) -> Json:
    if not isinstance(given, dict) or not given.get("message_text"):
        raise unparsable("Input message content is not specified")
    made = formatted_text(
        str(given["message_text"]), str(given.get("parse_mode", "")), given.get("entities")
    )
    if not 1 <= units(made.text) <= TEXT_UNITS:
        raise bad("MESSAGE_TOO_LONG" if made.text else "MESSAGE_EMPTY")
    return with_entities({"text": made.text}, "entities", made)


def markup(result: Json) -> Json:
    given = result.get("reply_markup")
    if not isinstance(given, dict):
        return {}
    return {"reply_markup": {"inline_keyboard": inline_rows(given.get("inline_keyboard", []))}}


def checked_button(given: Any) -> Any:
    if given is None:
        return None
    if not isinstance(given, dict) or not given.get("text"):
        raise bad("InlineQueryResultsButton must be an Object")
    payload = str(given.get("start_parameter", ""))
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{START_PAYLOAD}}}", payload):
        raise bad("START_PARAM_INVALID")
    return given
