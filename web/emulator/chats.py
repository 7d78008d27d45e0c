"""Finds the chat, the message and the topic a call speaks of, or refuses as Telegram does."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from web.emulator.core import Emulator
from web.emulator.errors import bad, forbidden
from web.emulator.request import Params
from web.emulator.world import PRESENT, Chat, Message, User


def chat_to_write(emulator: Emulator, params: Params) -> Chat:
    """The chat under `chat_id`, open to the bot's messages."""
    chat = chat_to_read(emulator, params)
    if chat.private:
        check_person(emulator, emulator.world.users[chat.id])
    return chat


def chat_to_read(emulator: Emulator, params: Params) -> Chat:
    """The chat under `chat_id` if the bot is in it."""
    if not params.text("chat_id"):
        raise bad("chat_id is empty")
    number = params.integer("chat_id")
    if (chat := emulator.world.chats.get(number)) is None:
        raise bad("chat not found")
    if chat.migrated_to:
        raise bad(
            "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
        )
    if not chat.private:
        check_member(emulator, chat)
    return chat


def check_person(emulator: Emulator, user: User) -> None:
    if user.deactivated:
        raise forbidden("user is deactivated")
    if user.blocked:
        raise forbidden("bot was blocked by the user")
    if not user.started and not has_met(emulator, user):
        raise bad("chat not found")
    if not user.started:
        raise forbidden("bot can't initiate conversation with a user")


def has_met(emulator: Emulator, user: User) -> bool:
    """Whether the bot shares a group with the person, and so knows of them."""
    groups = (chat for chat in emulator.world.chats.values() if not chat.private)
    return any({user.id, emulator.bot.id} <= chat.members.keys() for chat in groups)


def check_member(emulator: Emulator, chat: Chat) -> None:
    status = chat.members.get(emulator.bot.id, "left")
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.kind} chat")
    if status not in PRESENT:
        raise forbidden(f"bot is not a member of the {chat.kind} chat")


def has_right(emulator: Emulator, chat: Chat, right: str) -> bool:
    status = chat.members.get(emulator.bot.id)
    return status == "creator" or (status == "administrator" and right in chat.rights)


def message_named(chat: Chat, number: int, what: str) -> Message:
    """The message that is still there, or `<what> not found`."""
    message = chat.history.get(number)
    if message is None or message.deleted:
        raise bad(f"{what} not found")
    return message


def own_message(emulator: Emulator, params: Params) -> tuple[Chat, Message]:
    """The bot's own message an edit is for."""
    if inline := params.text("inline_message_id"):
        return inline_message(emulator, inline)
    chat = chat_to_write(emulator, params)
    if not params.text("message_id"):
        raise bad("message identifier is not specified")
    message = message_named(chat, params.integer("message_id"), "message to edit")
    if not message.by_bot or is_service(message):
        raise bad("message can't be edited")
    return chat, message


def inline_message(emulator: Emulator, inline: str) -> tuple[Chat, Message]:
    for chat in emulator.world.chats.values():
        for message in chat.messages:
            if message.inline_id == inline:
                return chat, message
    raise bad("MESSAGE_ID_INVALID")


CONTENT = ("text", "document", "photo", "caption", "sticker", "voice", "location", "contact")


def is_service(message: Message) -> bool:
    return not any(name in message.wire for name in CONTENT)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new message goes: the fields of topic and reply, and the answered message."""

    fields: dict[str, Any]
    replies_to: int | None


def place(emulator: Emulator, chat: Chat, params: Params) -> Place:
    answered = answered_message(chat, params)
    thread = params.integer("message_thread_id")
    if not thread and answered is not None and "is_topic_message" in answered.wire:
        thread = int(answered.wire["message_thread_id"])
    return Place(topic_fields(emulator, chat, thread), answered.id if answered else None)


def topic_fields(emulator: Emulator, chat: Chat, thread: int) -> dict[str, Any]:
    if not thread:
        return {}
    if not chat.is_forum:
        return check_no_topic(chat)
    if thread not in chat.topics:
        raise bad("message thread not found")
    if chat.topics[thread].closed and not has_right(emulator, chat, "can_manage_topics"):
        raise bad("TOPIC_CLOSED")
    return {"message_thread_id": thread, "is_topic_message": True}


def check_no_topic(chat: Chat) -> dict[str, Any]:
    """Private chats have no such topic; groups that are no forum ignore the identifier."""
    if chat.private:
        raise bad("message thread not found")
    return {}


def answered_message(chat: Chat, params: Params) -> Message | None:
    reply = params.value("reply_parameters", "reply parameters")
    if reply is None and params.has("reply_to_message_id"):
        reply = {"message_id": params.integer("reply_to_message_id")} | (
            {"allow_sending_without_reply": params.flag("allow_sending_without_reply")}
        )
    if reply is None:
        return None
    if not isinstance(reply, dict):
        raise bad("object expected as reply parameters")
    message = chat.history.get(int(reply.get("message_id") or 0))
    if message is not None and not message.deleted:
        return message
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad("message to be replied not found")


def check_may_delete(emulator: Emulator, chat: Chat, message: Message) -> None:
    """Own messages and those of a private chat for 48 hours, others' with the right to."""
    allowed = message.by_bot or chat.private or has_right(emulator, chat, "can_delete_messages")
    if not allowed or "forum_topic_created" in message.wire:
        raise bad("message can't be deleted")
    old = emulator.world.age(message) >= timedelta(hours=48)
    if old and not has_right(emulator, chat, "can_delete_messages"):
        raise bad("message can't be deleted for everyone")
