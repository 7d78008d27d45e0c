"""What the phone page is told: people, chats and messages as plain values."""

from collections.abc import Sequence
from typing import Any

from web.emulator.chats import is_service
from web.emulator.core import Emulator
from web.emulator.people import Person
from web.emulator.profile import commands_for
from web.emulator.world import PRESENT, Chat, Message

Json = dict[str, Any]
SHOWN = 300
"""Newest messages of a chat the page is told of."""


def state(emulator: Emulator, people: Sequence[Person], *, clock: bool) -> Json:
    """Everything the page shows, for its first paint and after a lost connection."""
    chats = [chat for chat in emulator.world.chats.values() if seen_by_any(chat, people)]
    return {
        "type": "state",
        "bot": bot(emulator),
        "clock": clock,
        "now": emulator.world.seconds(),
        "people": [person_seen(person) for person in people],
        "chats": [chat_seen(emulator, chat) for chat in chats],
        "messages": [
            message_seen(emulator, message) for chat in chats for message in chat.messages[-SHOWN:]
        ],
        "commands": commands(emulator, people, chats),
    }


def seen_by_any(chat: Chat, people: Sequence[Person]) -> bool:
    return any(chat.members.get(person.user.id) in PRESENT for person in people)


def bot(emulator: Emulator) -> Json:
    words = {key: value for key, value in emulator.profile.items() if value}
    description = next((v for k, v in words.items() if k.startswith('["description"')), "")
    return emulator.bot.wire() | {"description": description}


def person_seen(person: Person) -> Json:
    user = person.user
    spinning = [query.message_id for query in person.spinning]
    return {"id": user.id, "name": user.name, "blocked": user.blocked, "spinning": spinning}


def chat_seen(emulator: Emulator, chat: Chat) -> Json:
    status = chat.members.get(emulator.bot.id, "left")
    return {
        "id": chat.id,
        "private": chat.private,
        "title": emulator.bot.name if chat.private else chat.title,
        "members": [n for n, s in chat.members.items() if s in PRESENT and n != emulator.bot.id],
        "bot": status,
        "topics": [
            {"id": topic.id, "name": topic.name, "closed": topic.closed}
            for topic in chat.topics.values()
        ],
        "forum": chat.is_forum,
        "keyboard": chat.keyboard,
        "pinned": chat.pinned,
        "moved": chat.migrated_to,
    }


def commands(emulator: Emulator, people: Sequence[Person], chats: Sequence[Chat]) -> Json:
    """The commands menu by `person:chat`."""
    return {
        f"{person.user.id}:{chat.id}": commands_for(
            emulator, chat, person.user.id, person.user.language
        )
        for person in people
        for chat in chats
        if person.user.id in chat.members
    }


def message_seen(emulator: Emulator, message: Message) -> Json:
    wire = message.wire
    seen: Json = {
        "chat": message.chat_id,
        "id": message.id,
        "from": wire["from"]["id"],
        "name": wire["from"]["first_name"],
        "bot": message.by_bot,
        "via": "via_bot" in wire,
        "date": wire["date"],
        "edited": message.edited,
        "text": message.text,
        "entities": wire.get("entities", wire.get("caption_entities", [])),
        "rows": message.rows,
        "topic": wire.get("message_thread_id", 0),
        "reply": reply_seen(emulator, message),
        "silent": message.silent,
        "protected": "has_protected_content" in wire,
    }
    if is_service(message):
        return seen | {"service": service_words(wire)}
    return seen | attachment(wire)


def reply_seen(emulator: Emulator, message: Message) -> Json | None:
    chat = emulator.world.chats[message.chat_id]
    answered = chat.history.get(message.replies_to or 0)
    if answered is None or answered.deleted:
        return None
    name = answered.wire["from"]["first_name"]
    return {"id": answered.id, "name": name, "text": answered.text[:120] or "Message"}


def attachment(wire: Json) -> Json:
    if "document" in wire:
        file = wire["document"]
        named = {"file": file["file_id"], "name": file["file_name"], "size": file["file_size"]}
        return {"document": named | {"mime": file.get("mime_type", "")}}
    if "photo" in wire:
        size = wire["photo"][-1]
        return {"photo": {n: size[n] for n in ("width", "height")} | {"file": size["file_id"]}}
    return {"other": name} if (name := next((n for n in OTHER if n in wire), "")) else {}


OTHER = ("sticker", "voice", "location", "contact", "poll")


def service_words(wire: Json) -> str:
    """The line in the middle of the chat that a service message becomes."""
    name = wire["from"]["first_name"]
    for key, words in SERVICE.items():
        if key in wire:
            return words.format(name=name, what=subject(wire[key]))
    return "Something changed in the chat"


SERVICE = {
    "new_chat_members": "{name} added {what}",
    "left_chat_member": "{name} removed {what}",
    "new_chat_title": "{name} renamed the group to {what}",
    "pinned_message": "{name} pinned a message",
    "forum_topic_created": "{name} opened the topic {what}",
    "forum_topic_edited": "{name} renamed the topic to {what}",
    "forum_topic_closed": "{name} closed the topic",
    "forum_topic_reopened": "{name} reopened the topic",
    "migrate_to_chat_id": "The group became a supergroup",
    "migrate_from_chat_id": "The group became a supergroup",
}


def subject(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(subject(each) for each in value)
    if isinstance(value, dict):
        return str(value.get("first_name") or value.get("name") or "")
    return str(value)
