"""Methods about chats: what they are, who is in them, forum topics, pinned messages."""

from typing import Any

from web.emulator.chats import chat_to_read, chat_to_write, has_right, message_named
from web.emulator.core import Emulator
from web.emulator.errors import bad
from web.emulator.request import Params
from web.emulator.world import PRESENT, Chat, Json, Topic

ICON_COLOUR = 7322096


def get_chat(emulator: Emulator, params: Params) -> Json:
    chat = chat_to_read(emulator, params)
    seen = chat.wire() | {"accent_color_id": 0, "max_reaction_count": 11}
    pinned = [n for n in chat.pinned if n in chat.history and not chat.history[n].deleted]
    return seen | ({"pinned_message": chat.history[pinned[-1]].wire} if pinned else {})


def get_chat_member(emulator: Emulator, params: Params) -> Json:
    chat = chat_to_read(emulator, params)
    number = params.integer("user_id")
    if number not in emulator.world.users and number != emulator.bot.id:
        raise bad("PARTICIPANT_ID_INVALID")
    return member(emulator, chat, number)


RIGHTS = (
    "can_be_edited",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
)


def member(emulator: Emulator, chat: Chat, number: int) -> Json:
    user = emulator.bot if number == emulator.bot.id else emulator.world.users[number]
    status = chat.members.get(number, "left")
    seen: Json = {"user": user.wire(), "status": status}
    if status in {"administrator", "creator"}:
        seen["is_anonymous"] = False
    if status == "administrator":
        seen |= {right: right in chat.rights for right in RIGHTS}
    return seen | ({"until_date": 0} if status == "kicked" else {})


def get_chat_administrators(emulator: Emulator, params: Params) -> list[Json]:
    chat = chat_to_read(emulator, params)
    if chat.private:
        raise bad("there are no administrators in the private chat")
    high = {"creator", "administrator"}
    return [member(emulator, chat, n) for n, status in chat.members.items() if status in high]


def get_chat_member_count(emulator: Emulator, params: Params) -> int:
    chat = chat_to_read(emulator, params)
    return sum(status in PRESENT for status in chat.members.values())


def forum(emulator: Emulator, params: Params, right: str, refusal: str) -> Chat:
    chat = chat_to_write(emulator, params)
    if not chat.is_forum:
        raise bad("the chat is not a forum")
    if not has_right(emulator, chat, right):
        raise bad(refusal)
    return chat


def create_forum_topic(emulator: Emulator, params: Params) -> Json:
    refusal = "not enough rights to create a topic"
    chat = forum(emulator, params, "can_manage_topics", refusal)
    return opened_topic(emulator, chat, params.text("name"))


def opened_topic(emulator: Emulator, chat: Chat, name: str, by: Any = None) -> Json:
    """Opens a topic; its identifier is that of the service message that says so."""
    if not 1 <= len(name.strip()) <= 128:  # noqa: PLR2004 - the documented length
        raise bad("name must be non-empty" if not name.strip() else "TOPIC_TITLE_TOO_LONG")
    created = {"name": name.strip(), "icon_color": ICON_COLOUR}
    content = {"forum_topic_created": created, "is_topic_message": True}
    message = emulator.world.new_message(chat, by or emulator.bot, content)
    message.wire["message_thread_id"] = message.id
    emulator.world.keep_message(message, "edit")
    chat.topics[message.id] = Topic(message.id, name.strip())
    emulator.world.keep_chat(chat)
    return {"message_thread_id": message.id} | created


def topic_of(emulator: Emulator, params: Params, refusal: str) -> tuple[Chat, Topic]:
    chat = forum(emulator, params, "can_manage_topics", refusal)
    if (topic := chat.topics.get(params.integer("message_thread_id"))) is None:
        raise bad("TOPIC_ID_INVALID")
    return chat, topic


def edit_forum_topic(emulator: Emulator, params: Params) -> bool:
    chat, topic = topic_of(emulator, params, "not enough rights to edit the topic")
    name = params.text("name") or topic.name
    if name == topic.name:
        raise bad("TOPIC_NOT_MODIFIED")
    topic.name = name
    topic_note(emulator, chat, topic, {"forum_topic_edited": {"name": name}})
    return True


def topic_note(emulator: Emulator, chat: Chat, topic: Topic, content: Json) -> None:
    place = {"message_thread_id": topic.id, "is_topic_message": True}
    emulator.world.new_message(chat, emulator.bot, content | place)
    emulator.world.keep_chat(chat)


def close_forum_topic(emulator: Emulator, params: Params) -> bool:
    return set_closed(emulator, params, closed=True)


def reopen_forum_topic(emulator: Emulator, params: Params) -> bool:
    return set_closed(emulator, params, closed=False)


def set_closed(emulator: Emulator, params: Params, *, closed: bool) -> bool:
    chat, topic = topic_of(emulator, params, "not enough rights to close or open the topic")
    if topic.closed is closed:
        raise bad("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    topic_note(emulator, chat, topic, {f"forum_topic_{'closed' if closed else 'reopened'}": {}})
    return True


def delete_forum_topic(emulator: Emulator, params: Params) -> bool:
    chat, topic = topic_of(emulator, params, "not enough rights to delete the topic")
    for message in chat.messages:
        if message.wire.get("message_thread_id") == topic.id:
            message.deleted = True
            emulator.world.keep_message(message, "delete")
    del chat.topics[topic.id]
    emulator.world.keep_chat(chat)
    return True


def pin_chat_message(emulator: Emulator, params: Params) -> bool:
    chat = chat_to_pin(emulator, params)
    message = message_named(chat, params.integer("message_id"), "message to pin")
    if message.id not in chat.pinned:
        chat.pinned.append(message.id)
        emulator.world.keep_chat(chat)
        emulator.world.new_message(chat, emulator.bot, {"pinned_message": message.wire})
    return True


def unpin_chat_message(emulator: Emulator, params: Params) -> bool:
    chat = chat_to_pin(emulator, params)
    number = params.integer("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if number not in chat.pinned:
        raise bad("message to unpin not found")
    chat.pinned.remove(number)
    emulator.world.keep_chat(chat)
    return True


def chat_to_pin(emulator: Emulator, params: Params) -> Chat:
    chat = chat_to_write(emulator, params)
    if not chat.private and not has_right(emulator, chat, "can_pin_messages"):
        raise bad("not enough rights to manage pinned messages in the chat")
    return chat


def leave_chat(emulator: Emulator, params: Params) -> bool:
    chat = chat_to_read(emulator, params)
    if chat.private:
        raise bad("chat member status can't be changed in private chats")
    was = member(emulator, chat, emulator.bot.id)
    chat.members[emulator.bot.id] = "left"
    emulator.world.new_message(chat, emulator.bot, {"left_chat_member": emulator.bot.wire()})
    emulator.world.keep_chat(chat)
    tell_status(emulator, chat, emulator.bot.id, was)
    return True


def tell_status(emulator: Emulator, chat: Chat, by: int, was: Json) -> None:
    """Queues `my_chat_member`: what the bot was in the chat and what it is now."""
    author = emulator.bot if by == emulator.bot.id else emulator.world.users[by]
    change = {"chat": chat.wire(), "from": author.wire(), "date": emulator.world.seconds()}
    change |= {
        "old_chat_member": was,
        "new_chat_member": member(emulator, chat, emulator.bot.id),
    }
    emulator.updates.put("my_chat_member", change, f"member {chat.id}")
