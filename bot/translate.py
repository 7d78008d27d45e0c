"""Between Telegram's words and ours: a raw update becomes one frozen value. Pure.

Read from the raw JSON, not with ``telegram.Update.de_json``: a few microseconds instead of 155 to
300, fields of a newer Bot API do not matter, and whatever arrives becomes a value, never an error.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, TypeGuard

from storage.text import clean

MOST_ID = 2**63 - 1
MOST_SECONDS = 253_402_300_799
"""The last second of the year 9999, the last that ``datetime`` holds."""

NAME_LENGTH = 128
START_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COMMAND = re.compile(
    r"/([A-Za-z][A-Za-z0-9_]{0,31})(?:@([A-Za-z0-9_]{3,32}))?(?:\s+(.*))?", re.DOTALL
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters that turn or hide what stands beside a name."""

MEDIA = (
    *("photo", "video", "voice", "audio", "document", "sticker", "animation", "video_note"),
    *("contact", "location", "venue", "poll", "dice", "game", "story", "paid_media", "checklist"),
)
WRITTEN = (
    *("file_name", "title", "performer", "address", "question"),
    *("first_name", "last_name", "phone_number"),
)
"""Fields of a picture, file, place, poll or contact that hold words."""
MOST_WRITTEN = 1024
SERVICE = frozenset(
    {
        *("new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo"),
        *("delete_chat_photo", "group_chat_created", "supergroup_chat_created", "pinned_message"),
        *("channel_chat_created", "message_auto_delete_timer_changed", "write_access_allowed"),
        *("forum_topic_created", "forum_topic_edited", "forum_topic_closed", "chat_shared"),
        *("forum_topic_reopened", "general_forum_topic_hidden", "general_forum_topic_unhidden"),
        *("video_chat_scheduled", "video_chat_started", "video_chat_ended", "users_shared"),
        *("video_chat_participants_invited", "boost_added", "chat_background_set"),
        *("proximity_alert_triggered", "connected_website", "giveaway_created", "web_app_data"),
    }
)
"""Messages that Telegram itself writes into a chat: nobody waits for an answer to them."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acted. The name is what their Telegram shows: keep it encrypted."""

    telegram_id: int
    name: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """Where something happened; ``thread`` is the forum topic, in a group that has them.

    A group's ``title`` is what its members named it: keep it encrypted.
    """

    id: int
    private: bool
    thread: int | None = None
    title: str = field(default="", repr=False, compare=False)
    forum: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """Words a person wrote; ``edited`` when they replace what they wrote as ``message_id``."""

    update_id: int
    chat: Chat
    person: Person
    message_id: int
    text: str
    sent_at: datetime
    reply_to: int | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """``/name args``, in lower case and meant for us."""

    update_id: int
    chat: Chat
    person: Person
    message_id: int
    name: str
    args: str = ""


@dataclass(frozen=True, slots=True)
class StartLink:
    """A deep link was followed; the payload is empty when it cannot be one of ours."""

    update_id: int
    chat: Chat
    person: Person
    message_id: int
    payload: str


@dataclass(frozen=True, slots=True)
class Tap:
    """A button was tapped. Without a message id its message is out of our reach."""

    update_id: int
    query_id: str
    chat: Chat | None
    person: Person
    message_id: int | None
    data: str


@dataclass(frozen=True, slots=True)
class Media:
    """Something that is not text, and is not taken; ``album`` groups several.

    ``words`` are its caption and the names in it: looked at by the guard, and never kept.
    """

    update_id: int
    chat: Chat
    person: Person
    message_id: int
    kind: str
    album: str | None = None
    edited: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """What we may do in a chat has changed."""

    update_id: int
    chat: Chat
    person: Person
    change: Literal["blocked", "unblocked", "added", "removed", "changed"]
    admin: bool = False


@dataclass(frozen=True, slots=True)
class GroupMigration:
    """A group has become a supergroup and has a new id. Told twice, once from each side."""

    update_id: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class InlineQuery:
    """Somebody types our name in another chat; the words are answered and never stored."""

    update_id: int
    query_id: str
    person: Person
    text: str
    offset: str = ""


@dataclass(frozen=True, slots=True)
class ChosenInline:
    """Somebody sent one of our inline results; by ``inline_id`` it can be edited later."""

    update_id: int
    person: Person
    result_id: str
    inline_id: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An update that is none of our business; the reason is a code."""

    update_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Something that is no update as we know them; the reason is a code."""

    update_id: int | None
    reason: str


Incoming: TypeAlias = (
    Text
    | Command
    | StartLink
    | Tap
    | Media
    | Membership
    | GroupMigration
    | InlineQuery
    | ChosenInline
    | Ignored
    | Undecodable
)

Json: TypeAlias = Mapping[str, Any]


class _Odd(Exception):
    """A field is missing or not what it should be; its message is a code."""


def translate(raw: object, username: str = "") -> Incoming:
    """Return what the update ``raw`` means to us; ``username`` is our bot's, without the @."""
    update_id = update_id_of(raw)
    if update_id is None or not isinstance(raw, dict):
        return Undecodable(None, "update_id")
    kind = kind_of(raw)
    read = READERS.get(kind)
    if read is None:
        return Ignored(update_id, kind if kind in KNOWN_KINDS else "unknown")
    try:
        return read(update_id, _object(raw, kind), username.lower())
    except _Odd as odd:
        return Undecodable(update_id, str(odd))


def update_id_of(raw: object) -> int | None:
    """Return the id of an update, or None when it has none."""
    found = raw.get("update_id") if isinstance(raw, dict) else None
    return found if _is_id(found) and found >= 0 else None


def kind_of(raw: Json) -> str:
    """Return which kind of update ``raw`` is: the name of its other field, or an empty text."""
    others = [str(name) for name in raw if name != "update_id"]
    return next((name for name in others if name in READERS), others[0] if others else "")


def queue_key(raw: object) -> tuple[int | str, ...]:
    """Return what updates have to be handled in order with: their chat and topic, else the person.

    A business chat has the id of the customer's private chat, so its connection counts as well.
    """
    content = raw.get(kind_of(raw)) if isinstance(raw, dict) else None
    if not isinstance(content, dict):
        return ()
    message = content.get("message")
    within = message if isinstance(message, dict) else content
    chat, sender = within.get("chat"), content.get("from")
    if isinstance(chat, dict) and _is_id(chat.get("id")):
        return chat["id"], _topic(within) or 0, str(within.get("business_connection_id", ""))
    if isinstance(sender, dict) and _is_id(sender.get("id")):
        return sender["id"], 0, ""
    return ()


def _message(update_id: int, message: Json, username: str) -> Incoming:
    if "migrate_to_chat_id" in message:
        return GroupMigration(update_id, _chat(message).id, _id(message, "migrate_to_chat_id"))
    if "migrate_from_chat_id" in message:
        return GroupMigration(update_id, _id(message, "migrate_from_chat_id"), _chat(message).id)
    if message.keys() & SERVICE:
        return Ignored(update_id, "service")
    if (reason := _not_from_a_person(message)) is not None:
        return Ignored(update_id, reason)
    if "text" in message:
        return _words(update_id, message, username)
    return _media(update_id, message, edited=False)


def _edited(update_id: int, message: Json, _username: str) -> Incoming:
    if (reason := _not_from_a_person(message)) is not None:
        return Ignored(update_id, reason)
    if "text" in message:
        return _text(update_id, message, edited=True)
    return _media(update_id, message, edited=True)


NOT_OURS = {"business_connection_id": "business", "via_bot": "inline_card"}


def _not_from_a_person(message: Json) -> str | None:
    """Return why a message is not a person's own, or None when it is."""
    if "from" not in message or "sender_chat" in message:
        return "anonymous"
    if _object(message, "from").get("is_bot") is True:
        return "bot"
    return next((code for name, code in NOT_OURS.items() if name in message), None)


def _words(update_id: int, message: Json, username: str) -> Incoming:
    text = _str(message, "text")
    match = _COMMAND.fullmatch(text.strip())
    if match is None:
        return _text(update_id, message, edited=False)
    name, addressed, args = match[1].lower(), (match[2] or "").lower(), (match[3] or "").strip()
    if addressed and username and addressed != username:
        return Ignored(update_id, "other_bot")
    chat, person, message_id = _chat(message), _person(message), _id(message, "message_id")
    if name == "start" and args:
        payload = args if START_PAYLOAD.fullmatch(args) else ""
        return StartLink(update_id, chat, person, message_id, payload)
    return Command(update_id, chat, person, message_id, name, args)


def _text(update_id: int, message: Json, *, edited: bool) -> Text:
    return Text(
        update_id,
        _chat(message),
        _person(message),
        _id(message, "message_id"),
        _str(message, "text"),
        _moment(message, "edit_date" if "edit_date" in message else "date"),
        _reply_to(message),
        edited,
    )


def _media(update_id: int, message: Json, *, edited: bool) -> Media:
    kind = next((name for name in MEDIA if name in message), "unknown")
    album = message.get("media_group_id")
    return Media(
        update_id,
        _chat(message),
        _person(message),
        _id(message, "message_id"),
        kind,
        clean(album)[:64] if isinstance(album, str) else None,
        edited,
        _words_beside(message, kind),
    )


def _words_beside(message: Json, kind: str) -> str:
    """Return what is written on a picture or file: its caption, its name, what a contact holds."""
    within = message.get(kind)
    named = [within.get(name) for name in WRITTEN] if isinstance(within, dict) else []
    said = (message.get("caption"), *named)
    return "\n".join(clean(each)[:MOST_WRITTEN] for each in said if isinstance(each, str))


def _tap(update_id: int, query: Json, _username: str) -> Incoming:
    if "data" not in query:
        return Ignored(update_id, "game")
    message = query.get("message")
    chat = _chat(message) if isinstance(message, dict) else None
    return Tap(
        update_id,
        _str(query, "id"),
        chat,
        _person(query),
        _reachable(message) if isinstance(message, dict) else None,
        _str(query, "data"),
    )


def _reachable(message: Json) -> int | None:
    """Return the id of a message we can still edit; one with date 0 is inaccessible."""
    return _id(message, "message_id") if message.get("date") else None


def _membership(update_id: int, change: Json, _username: str) -> Incoming:
    chat = _chat(change)
    old = _str(_object(change, "old_chat_member"), "status")
    new = _str(_object(change, "new_chat_member"), "status")
    return Membership(
        update_id, chat, _person(change), _change(chat, old, new), new == "administrator"
    )


def _change(
    chat: Chat, old: str, new: str
) -> Literal["blocked", "unblocked", "added", "removed", "changed"]:
    was_in, is_in = old not in OUTSIDE, new not in OUTSIDE
    if was_in == is_in:
        return "changed"
    if chat.private:
        return "unblocked" if is_in else "blocked"
    return "added" if is_in else "removed"


OUTSIDE = frozenset({"left", "kicked"})


def _inline(update_id: int, query: Json, _username: str) -> Incoming:
    offset = query.get("offset")
    return InlineQuery(
        update_id,
        _str(query, "id"),
        _person(query),
        _str(query, "query"),
        clean(offset) if isinstance(offset, str) else "",
    )


def _chosen(update_id: int, result: Json, _username: str) -> Incoming:
    inline_id = result.get("inline_message_id")
    return ChosenInline(
        update_id,
        _person(result),
        _str(result, "result_id"),
        clean(inline_id)[:128] if isinstance(inline_id, str) else "",
    )


READERS: Mapping[str, Callable[[int, Json, str], Incoming]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _tap,
    "my_chat_member": _membership,
    "inline_query": _inline,
    "chosen_inline_result": _chosen,
}
KNOWN_KINDS = frozenset(
    {
        *("channel_post", "edited_channel_post", "business_connection", "business_message"),
        *("edited_business_message", "deleted_business_messages", "message_reaction"),
        *("message_reaction_count", "shipping_query", "pre_checkout_query", "poll_answer"),
        *("purchased_paid_media", "poll", "chat_member", "chat_join_request", "chat_boost"),
        *("removed_chat_boost",),
    }
)
"""Kinds of update we never ask for; named so that a code, and no foreign key, is logged."""


def _chat(message: Json) -> Chat:
    chat = _object(message, "chat")
    private = chat.get("type") == "private"
    if private:
        return Chat(_id(chat, "id"), private=True)
    title = chat.get("title")
    return Chat(
        _id(chat, "id"),
        private=False,
        thread=_topic(message),
        title=clean(title) if isinstance(title, str) else "",
        forum=chat.get("is_forum") is True,
    )


def _topic(message: Json) -> int | None:
    """Return the forum topic; other messages use the field for threads of replies."""
    topic = message.get("message_thread_id")
    return topic if message.get("is_topic_message") is True and _is_id(topic) else None


def _person(within: Json) -> Person:
    sender = _object(within, "from")
    parts = (sender.get("first_name"), sender.get("last_name"))
    name = " ".join(_INVISIBLE.sub("", clean(part)) for part in parts if isinstance(part, str))
    language = sender.get("language_code")
    return Person(
        _id(sender, "id"),
        " ".join(name.split())[:NAME_LENGTH],
        clean(language)[:35] if isinstance(language, str) else None,
    )


def _reply_to(message: Json) -> int | None:
    replied = message.get("reply_to_message")
    found = replied.get("message_id") if isinstance(replied, dict) else None
    return found if _is_id(found) else None


def _moment(within: Json, name: str) -> datetime:
    seconds = within.get(name)
    if not _is_id(seconds) or not 0 <= seconds <= MOST_SECONDS:
        raise _Odd(name)
    return datetime.fromtimestamp(seconds, UTC)


def _object(within: Json, name: str) -> Json:
    found = within.get(name)
    if not isinstance(found, dict):
        raise _Odd(name)
    return found


def _str(within: Json, name: str) -> str:
    found = within.get(name)
    if not isinstance(found, str):
        raise _Odd(name)
    return clean(found)


def _id(within: Json, name: str) -> int:
    found = within.get(name)
    if not _is_id(found):
        raise _Odd(name)
    return int(found)


def _is_id(found: object) -> TypeGuard[int]:
    """Return whether ``found`` is a whole number that fits a column; true and 1.0 are none."""
    return isinstance(found, int) and not isinstance(found, bool) and abs(found) <= MOST_ID
