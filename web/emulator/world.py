"""What exists in the emulated Telegram: people, chats, messages. Kept in memory and in a store."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from web.emulator.store import Store, values_of

Json = dict[str, Any]

PRESENT = frozenset({"creator", "administrator", "member", "restricted"})


@dataclass(slots=True)
class User:
    id: int
    name: str
    username: str = ""
    language: str = "en"
    is_bot: bool = False
    started: bool = False
    """Has written to the bot, which may therefore write to them."""
    blocked: bool = False
    deactivated: bool = False

    def wire(self) -> Json:
        seen: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        if self.username:
            seen["username"] = self.username
        return seen if self.is_bot else seen | {"language_code": self.language}


@dataclass(slots=True)
class Message:
    chat_id: int
    id: int
    wire: Json
    """The message as the Bot API shows it, but for the message it replies to."""
    by_bot: bool = False
    replies_to: int | None = None
    deleted: bool = False
    silent: bool = False
    inline_id: str = ""

    @property
    def text(self) -> str:
        """The words in it: text or caption."""
        return str(self.wire.get("text", self.wire.get("caption", "")))

    @property
    def rows(self) -> list[list[Json]]:
        markup: Json = self.wire.get("reply_markup", {})
        return list(markup.get("inline_keyboard", []))

    @property
    def buttons(self) -> list[list[str]]:
        """The labels of the inline keyboard, row by row."""
        return [[str(button["text"]) for button in row] for row in self.rows]

    @property
    def labels(self) -> list[str]:
        return [label for row in self.buttons for label in row]

    @property
    def edited(self) -> bool:
        return "edit_date" in self.wire

    def button(self, wanted: str) -> Json:
        """The button of that label or callback data, else the only one with it in its label."""
        every = [button for row in self.rows for button in row]
        for key in ("text", "callback_data"):
            for button in every:
                if button.get(key) == wanted:
                    return button
        partly = [button for button in every if wanted in str(button["text"])]
        if len(partly) != 1:
            raise LookupError(f"{len(partly)} buttons match {wanted!r}; there are {self.labels}")
        return partly[0]

    def has(self, wanted: str) -> bool:
        try:
            return bool(self.button(wanted))
        except LookupError:
            return False


@dataclass(slots=True)
class Topic:
    id: int
    name: str
    closed: bool = False


@dataclass(slots=True)
class Chat:
    id: int
    kind: str
    title: str
    members: dict[int, str] = field(default_factory=dict)
    """Status by user identifier: creator, administrator, member, left, kicked."""
    rights: list[str] = field(default_factory=list)
    """The bot's rights where it is an administrator."""
    is_forum: bool = False
    topics: dict[int, Topic] = field(default_factory=dict)
    history: dict[int, Message] = field(default_factory=dict)
    migrated_to: int = 0
    pinned: list[int] = field(default_factory=list)
    keyboard: Json | None = None
    """Reply keyboard or forced reply in force, none after it was removed."""
    username: str = ""

    @property
    def private(self) -> bool:
        return self.kind == "private"

    @property
    def messages(self) -> list[Message]:
        """What is to be seen in the chat, oldest first."""
        return [message for message in self.history.values() if not message.deleted]

    def wire(self) -> Json:
        if self.private:
            seen: Json = {"id": self.id, "type": "private", "first_name": self.title}
        else:
            seen = {"id": self.id, "type": self.kind, "title": self.title}
        if self.username:
            seen["username"] = self.username
        return seen | ({"is_forum": True} if self.is_forum else {})


Listener = Callable[[Json], None]


@dataclass(slots=True)
class World:
    """Everybody and every chat, saved as it changes; listeners hear of every change."""

    bot: User
    clock: Callable[[], datetime]
    store: Store
    users: dict[int, User] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)

    def load(self) -> None:
        self.counters = {key: int(value) for key, value in self.store.items("counter")}
        self.users = {int(key): User(**value) for key, value in self.store.items("user")}
        for key, value in self.store.items("chat"):
            topics = {int(k): Topic(**v) for k, v in value.pop("topics").items()}
            members = {int(k): v for k, v in value.pop("members").items()}
            self.chats[int(key)] = Chat(**value, topics=topics, members=members)
        for message in sorted(self.stored_messages(), key=lambda m: m.id):
            self.chats[message.chat_id].history[message.id] = message

    def stored_messages(self) -> Iterator[Message]:
        return (Message(**value) for _, value in self.store.items("message"))

    def now(self) -> datetime:
        return self.clock()

    def seconds(self) -> int:
        return int(self.now().timestamp())

    def age(self, message: Message) -> timedelta:
        return timedelta(seconds=self.seconds() - int(message.wire["date"]))

    def next(self, counter: str, first: int = 1) -> int:
        self.counters[counter] = self.counters.get(counter, first - 1) + 1
        self.store.put("counter", counter, self.counters[counter])
        return self.counters[counter]

    def next_message(self, chat: Chat) -> int:
        """Supergroups count their own messages; all other chats of a bot share one count."""
        return self.next(f"message {chat.id}" if chat.kind == "supergroup" else "message")

    def keep_user(self, user: User) -> User:
        self.users[user.id] = user
        self.store.put("user", str(user.id), values_of(user))
        return user

    def keep_chat(self, chat: Chat, *, event: str = "chat") -> Chat:
        self.chats[chat.id] = chat
        value = {n: getattr(chat, n) for n in Chat.__slots__ if n not in {"history", "topics"}}
        topics = {str(k): values_of(v) for k, v in chat.topics.items()}
        self.store.put("chat", str(chat.id), value | {"topics": topics})
        self.tell({"type": event, "chat": chat.id})
        return chat

    def keep_message(self, message: Message, event: str) -> Message:
        self.chats[message.chat_id].history[message.id] = message
        self.store.put("message", f"{message.chat_id} {message.id}", values_of(message))
        self.tell({"type": event, "chat": message.chat_id, "message": message.id})
        return message

    def tell(self, event: Json) -> None:
        for listener in tuple(self.listeners):
            listener(event)

    def private_chat(self, user: User) -> Chat:
        if (chat := self.chats.get(user.id)) is not None:
            return chat
        members = {user.id: "member", self.bot.id: "member"}
        return self.keep_chat(Chat(user.id, "private", user.name, members, username=user.username))

    def new_message(self, chat: Chat, author: User, content: Json, **marks: Any) -> Message:
        """Puts one message into the chat; `content` is everything beside author, chat and date."""
        number = self.next_message(chat)
        wire = {"message_id": number, "from": author.wire(), "chat": chat.wire()}
        wire |= {"date": self.seconds()} | content
        message = Message(chat.id, number, wire, by_bot=author.id == self.bot.id, **marks)
        return self.keep_message(message, "message")

    def shown(self, message: Message) -> Json:
        """The message as the Bot API shows it, with the one it replies to."""
        answered = self.chats[message.chat_id].history.get(message.replies_to or 0)
        if answered is None or answered.deleted:
            return message.wire
        return message.wire | {"reply_to_message": answered.wire}
