"""Inline mode: the asker's own card in a chat they choose; read-only, personal, never cached.

What was typed after our name is looked at to find the case, and forgotten.
"""

from typing import Any

from bot import links, share
from bot.translate import ChosenInline, InlineQuery
from bot.turn import Turn
from storage import audit, cards, consults, shares
from storage.errors import NotFound
from storage.shares import Share

MOST_RESULTS = 10
SHARE = "share"
"""The payload that leads to the cases that can be shared."""


def offer(turn: Turn, query: InlineQuery) -> None:
    """Answer an inline query with the cards the person made for a chat of their choice."""
    wanted = query.text.strip().upper()
    turn.inline = {
        "inline_query_id": query.query_id,
        "results": [_result(turn, each) for each in _ready(turn, wanted)],
        "is_personal": True,
        "cache_time": 0,
        "button": {"text": turn.t("Share a case"), "start_parameter": SHARE},
    }


def _ready(turn: Turn, wanted: str) -> list[tuple[str, Share]]:
    """Return code and share of each of the person's cards, those whose code begins so."""
    if turn.person.status != "approved" or turn.person.scope_accepted_at is None:
        return []
    found = []
    for consult_id in shares.opened_by(turn.tx, turn.person.id):
        code = consults.load(turn.tx, consult_id).code
        chosen = [s for s in shares.active(turn.tx, consult_id) if s.kind == "chat"]
        if chosen and code.startswith(wanted):
            found.append((code, chosen[0]))
    return found[:MOST_RESULTS]


def _result(turn: Turn, found: tuple[str, Share]) -> dict[str, Any]:
    code, made = found
    url = links.private(turn, links.SHARE, shares.token_of(turn.tx, made.id))
    params = share.card_screen(turn, code, url).params()
    content = {"message_text": params.pop("text"), "parse_mode": "HTML"}
    content["link_preview_options"] = params["link_preview_options"]
    keyboard = {"reply_markup": params["reply_markup"]} if "reply_markup" in params else {}
    return {
        "type": "article",
        "id": made.short,
        "title": turn.t("Case {code}").format(code=code),
        "description": turn.t("A card with a link; nothing of the case."),
        "input_message_content": content,
        **keyboard,
    }


def chosen(turn: Turn, result: ChosenInline) -> None:
    """Keep where a card went, so that it can be withdrawn."""
    try:
        made = shares.by_short(turn.tx, result.result_id)
    except NotFound:
        return
    if made.by != turn.person.id or made.kind != "chat":
        return
    cards.sent_inline(
        turn.tx, share_id=made.id, consult_id=made.consult_id, inline_id=result.inline_id
    )
    turn.consult_id = made.consult_id
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id,
            action="share.card",
            object_type="consult",
            object_id=made.consult_id,
            consult_id=made.consult_id,
            meta={"share": made.id.hex, "known": int(bool(result.inline_id))},
        ),
    )
