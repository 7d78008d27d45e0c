"""What an answer of the Bot API means for a message that was to be sent. Pure.

``BadRequest`` and ``TimedOut`` are kinds of ``NetworkError`` in the library, so the order matters:
taken for one, a refusal would be repeated for ever and a message that did arrive sent again.
Telegram's words may repeat ours; what is kept of them is a code.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.transport import never_sent, seconds_of, unanswered
from storage.transcript import REMOVED, UNANSWERED, Waiting

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_SERVER_PAUSE = 300.0
MOST_TRIES = 100
"""Of a message that Telegram's servers fail on: about eight hours, then the chat goes on."""

REPEAT = "↻ "
"""Before a message that may have arrived already; a sign needs no translation."""

TEXT_LIMIT = 4096
"""UTF-16 units of a message, https://core.telegram.org/bots/api#sendmessage."""

_TAG = re.compile(r"<[^>]*>")


def _thread(row: Waiting) -> dict[str, Any]:
    """Return the forum topic that a message goes into: its own, or the one opened for it just now.

    A topic has the id of the message that says it was opened.
    """
    topic = row.params.get("message_id", row.thread_id)
    return {} if topic is None else {"message_thread_id": topic}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Bot API."""

    method: str
    params: Mapping[str, Any]

    @classmethod
    def of(cls, row: Waiting) -> Self:
        """Return the call of a row of the outbox; one that may be a repeat is marked."""
        params = {**row.params}
        if "inline_message_id" not in params:
            params["chat_id"] = row.chat_id
        if row.method.startswith("send"):
            params |= _thread(row)
            params.pop("message_id", None)
        if row.again and row.method == "sendMessage":
            params["text"] = marked(params)
        return cls(row.method, params)

    @property
    def message_id(self) -> int | None:
        found = self.params.get("message_id")
        return found if isinstance(found, int) else None

    @property
    def edits(self) -> bool:
        return self.method.startswith("edit")

    @property
    def on_a_message(self) -> bool:
        """Whether it changes a message that is there; inline messages have another name."""
        return (self.edits or self.method == "deleteMessage") and (
            "inline_message_id" not in self.params
        )

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is the same as doing it once."""
        return not self.method.startswith(("send", "copy", "forward"))

    def without(self, *names: str) -> "Call":
        return replace(self, params={n: v for n, v in self.params.items() if n not in names})


@dataclass(frozen=True, slots=True)
class Sent:
    """Done; the message has this id, if it is about one."""

    message_id: int | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """To be tried again after ``seconds``; the chat is silent until then."""

    seconds: float
    code: str


@dataclass(frozen=True, slots=True)
class Early:
    """Not tried: the chat may not have it for ``seconds``, and a newer one may replace it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Never to be sent."""

    code: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing can be sent to this chat."""

    code: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The group has a new id."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class Instead:
    """To be done in another way, at once. Each way takes something away, so that they end."""

    call: Call
    code: str


Outcome: TypeAlias = Sent | Later | Early | Dead | Unreachable | Moved
Verdict: TypeAlias = Outcome | Instead


def judge(error: TelegramError, call: Call, row: Waiting) -> Verdict:  # noqa: PLR0911 - one a kind
    """Return what the failure of ``call`` means; ``row`` says how often it was tried."""
    match error:
        case RetryAfter():
            return Later(seconds_of(error), "rate")
        case Forbidden():
            return Unreachable("forbidden")
        case ChatMigrated():
            return Moved(error.new_chat_id)
        case BadRequest():
            return refused(error.message.lower(), call)
        case InvalidToken():
            return _unknown(error.message.lower(), row)
        case NetworkError() if never_sent(error):
            return Later(pause(row.attempts, LONGEST_PAUSE), "not_connected")
        case NetworkError() if unanswered(error):
            return without_answer(call, row)
        case _:
            return _failed(row)


def pause(tries: int, longest: float) -> float:
    """Return the seconds to wait after so many tries: doubling up to the longest."""
    return min(longest, FIRST_PAUSE * 2.0 ** min(tries, 20))


def without_answer(call: Call, row: Waiting) -> Later | Dead:
    """Return what a call that nobody answered means: repeated, a routine message once at most.

    The repeats are bounded by lost answers: each costs one, and is marked as a repeat.
    """
    if row.again and not row.urgent and not call.repeatable:
        return Dead(UNANSWERED)
    return Later(pause(row.attempts, LONGEST_PAUSE), UNANSWERED)


def _failed(row: Waiting) -> Verdict:
    if row.attempts >= MOST_TRIES:
        return Dead("server")
    return Later(pause(row.attempts, LONGEST_SERVER_PAUSE), "server")


def _unknown(said: str, row: Waiting) -> Verdict:
    """A 404 may be the address or a method that is none; a 401 is the token, and passes."""
    if "not found" in said and row.attempts > 5:  # noqa: PLR2004 - a few tries
        return Dead("no_such_method")
    return Later(LONGEST_PAUSE, "token")


# --- refusals -------------------------------------------------------------------------------------


def refused(said: str, call: Call) -> Verdict:
    """Return what a 400 with these words (in lower case) means."""
    for words, meaning in MEANINGS:
        if any(each in said for each in words):
            return meaning(call)
    return Dead("refused")


def _done(call: Call) -> Verdict:
    return Sent(call.message_id, "not_modified")


def _deleted(call: Call) -> Verdict:
    return Sent(None, "gone")


def _undeletable(call: Call) -> Verdict:
    """Older than 48 hours: what it said is taken away instead."""
    params = {"chat_id": call.params.get("chat_id"), "message_id": call.message_id}
    return Instead(Call("editMessageText", {**params, "text": REMOVED}), "not_deleted")


def _lost(call: Call) -> Verdict:
    """A message that can no longer be edited is sent anew; a keyboard on it needs no removing."""
    if call.params.get("text") == REMOVED:
        return Dead("not_deleted")
    if "inline_message_id" in call.params:
        return Dead("inline_gone")
    if not call.edits:
        return Dead("refused")
    if call.method == "editMessageText":
        anew = call.without("message_id", "inline_message_id")
        return Instead(replace(anew, method="sendMessage"), "sent_anew")
    return Sent(None, "gone")


def _unparsable(call: Call) -> Verdict:
    return Instead(plain(call), "plain") if "parse_mode" in call.params else Dead("unparsable")


def _no_thread(call: Call) -> Verdict:
    if "message_thread_id" in call.params:
        return Instead(call.without("message_thread_id"), "no_thread")
    return Dead("no_thread")


def _no_reply(call: Call) -> Verdict:
    if call.params.keys() & {"reply_parameters", "reply_to_message_id"}:
        return Instead(call.without("reply_parameters", "reply_to_message_id"), "no_reply")
    return Dead("no_reply")


def _always(verdict: Verdict) -> Callable[[Call], Verdict]:
    return lambda _call: verdict


MEANINGS: tuple[tuple[tuple[str, ...], Callable[[Call], Verdict]], ...] = (
    (("message is not modified",), _done),
    (("message to delete not found",), _deleted),
    (("message can't be deleted",), _undeletable),
    (("message to edit not found", "message can't be edited", "message_id_invalid"), _lost),
    (("message identifier is not specified", "no text in the message to edit"), _lost),
    (("can't parse entities", "can't find end of"), _unparsable),
    (("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid"), _no_thread),
    (("message to be replied not found", "message to reply not found"), _no_reply),
    (("chat not found", "peer_id_invalid", "user not found"), _always(Unreachable("no_chat"))),
    (("group chat was deactivated",), _always(Unreachable("no_chat"))),
    (("not enough rights", "have no rights", "chat_write_forbidden"), _always(Dead("no_rights"))),
    (("is too long", "message_too_long"), _always(Dead("too_long"))),
    (("is empty", "must be non-empty"), _always(Dead("empty"))),
    (("button_", "keyboard button"), _always(Dead("keyboard"))),
    (("file", "photo", "image_process"), _always(Dead("file"))),
)
"""Words of a refusal and what they mean; the first that fit count."""


# --- words ----------------------------------------------------------------------------------------


def plain(call: Call) -> Call:
    """Return the call without markup: what a text that Telegram cannot parse reads like."""
    bare = call.without("parse_mode")
    words = {name: unmarked(str(bare.params[name])) for name in WORDS if name in bare.params}
    return replace(bare, params={**bare.params, **words})


WORDS = ("text", "caption")


def unmarked(text: str) -> str:
    return html.unescape(_TAG.sub("", text))


def marked(params: Mapping[str, Any]) -> str:
    """Return the text of a message that may arrive a second time, marked where it fits."""
    text = str(params.get("text", ""))
    if not text or "entities" in params:
        return text
    fits = len((REPEAT + text).encode("utf-16-le")) // 2 <= TEXT_LIMIT
    return REPEAT + text if fits else text
