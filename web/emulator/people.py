"""People with phones: what they can do in a chat with the bot, and what they see of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from web.emulator.core import Emulator, Query, Toast
from web.emulator.entities import Formatted, trimmed, with_found
from web.emulator.groups import member, opened_topic, tell_status
from web.emulator.limits import START_PAYLOAD, TEXT_UNITS, units
from web.emulator.world import PRESENT, Chat, Json, Message, User

ALL_RIGHTS = ("can_manage_chat", "can_delete_messages", "can_pin_messages", "can_manage_topics")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone, looking at one chat: the private one unless `in_group`."""

    emulator: Emulator
    user: User
    chat: Chat

    def in_group(self, group: Group) -> Person:
        """The same person looking at the group."""
        return self.at(group.chat)

    def at(self, chat: Chat) -> Person:
        """The same person looking at another chat."""
        return replace(self, chat=chat)

    # What they see

    @property
    def messages(self) -> list[Message]:
        return self.chat.messages

    @property
    def replies(self) -> list[Message]:
        """What the bot said in the chat and did not delete."""
        return [message for message in self.messages if message.by_bot]

    @property
    def last(self) -> Message:
        """The newest message of the bot."""
        return self.replies[-1]

    @property
    def screen(self) -> Message:
        """The newest message that has buttons."""
        return [message for message in self.replies if message.rows][-1]

    @property
    def screen_or_none(self) -> Message | None:
        return next((message for message in reversed(self.replies) if message.rows), None)

    @property
    def toasts(self) -> list[Toast]:
        """Answers to this person's taps, oldest first."""
        return [toast for toast in self.emulator.toasts if toast.user_id == self.user.id]

    @property
    def spinning(self) -> list[Query]:
        """Taps of theirs nobody has answered yet."""
        waiting = self.emulator.queries.values()
        return [q for q in waiting if q.user_id == self.user.id and q.message_id]

    async def hears(
        self, wanted: str = "", *, after: Message | None = None, seconds: float = 5.0
    ) -> Message:
        """The newest message of the bot that has the words, waited for if need be."""
        return await self.emulator.until(lambda: self.heard(wanted, after), seconds)  # type: ignore[no-any-return]

    def heard(self, wanted: str = "", after: Message | None = None) -> Message | None:
        """The newest message of the bot that has the words (below `after`), None if none yet."""
        since = after.id if after else 0
        found = [m for m in self.replies if m.id > since and wanted in m.text]
        return found[-1] if found else None

    # What they do

    def says(self, text: str, *, reply_to: Message | None = None, topic: int = 0) -> Message:
        """Sends words; more than 4,096 UTF-16 units leave as several messages, as from a phone."""
        return [self.sends(text_of(part), reply_to, topic) for part in parts(text)][-1]

    def starts(self, payload: str = "") -> Message:
        """Opens t.me/<bot>?start=<payload> and taps Start."""
        if not re.fullmatch(rf"[A-Za-z0-9_-]{{0,{START_PAYLOAD}}}", payload):
            raise ValueError("A start payload is at most 64 of A-Z, a-z, 0-9, _ and -")
        return self.alone().says(f"/start {payload}".strip())

    def alone(self) -> Person:
        """The same person in the private chat with the bot."""
        return self.at(self.emulator.world.private_chat(self.user))

    def taps(self, button: str, message: Message | None = None) -> str:
        """Taps a button by its label or data and returns what it gave.

        That is the query's identifier for a callback button, the address of a link, the copied
        text of a copy button.
        """
        if message is None:
            message = next((m for m in reversed(self.messages) if m.has(button)), self.screen)
        found = message.button(button)
        if "callback_data" in found:
            return self.forges(found["callback_data"], message)
        if "url" in found:
            return str(found["url"])
        return str(found["copy_text"]["text"]) if "copy_text" in found else ""

    def forges(self, data: str, message: Message) -> str:
        """Sends callback data whether or not the message has such a button (a stale phone)."""
        emulator = self.emulator
        with emulator.lock:
            now = emulator.world.now().timestamp()
            query = emulator.asked(
                Query(
                    emulator.fresh_query_id(),
                    self.user.id,
                    message.chat_id,
                    message.id,
                    data,
                    now,
                    message.inline_id,
                )
            )
            emulator.updates.put("callback_query", self.tapped(query, message), self.queue())
        return query.id

    def tapped(self, query: Query, message: Message) -> Json:
        seen: Json = {"id": query.id, "from": self.user.wire(), "data": query.words}
        seen["chat_instance"] = str(message.chat_id * 7919)
        if message.inline_id:
            return seen | {"inline_message_id": message.inline_id}
        if message.deleted:
            gone = {"chat": self.chat.wire(), "message_id": message.id, "date": 0}
            return seen | {"message": gone}
        return seen | {"message": self.emulator.world.shown(message)}

    def queue(self) -> str:
        return f"callback {self.user.id}"

    def edits(self, message: Message, text: str) -> Message:
        """Changes the words of an own message."""
        with self.emulator.lock:
            kept = {n: v for n, v in message.wire.items() if n not in {"text", "entities"}}
            date = {"edit_date": self.emulator.world.seconds()}
            message.wire = kept | text_of(text) | date
            self.emulator.world.keep_message(message, "edit")
            self.tell_bot("edited_message", message)
        return message

    def deletes(self, message: Message) -> None:
        """Deletes a message for everybody; no bot is told of it."""
        message.deleted = True
        self.emulator.world.keep_message(message, "delete")

    def sends_sticker(self) -> Message:
        return self.sends({"sticker": file("sticker") | STICKER})

    def sends_photo(self, caption: str = "") -> Message:
        size = file("photo") | {"width": 90, "height": 67}
        return self.sends({"photo": [size]} | ({"caption": caption} if caption else {}))

    def sends_voice(self, seconds: int = 3) -> Message:
        voice = file("voice") | {"duration": seconds, "mime_type": "audio/ogg"}
        return self.sends({"voice": voice})

    def sends_location(self, latitude: float = 0.0, longitude: float = 0.0) -> Message:
        return self.sends({"location": {"latitude": latitude, "longitude": longitude}})

    def sends_contact(self) -> Message:
        return self.sends({"contact": {"phone_number": "15550100", "first_name": "Contact"}})

    def sends_document(self, name: str = "note.pdf", caption: str = "") -> Message:
        sent = file("document") | {"file_name": name, "mime_type": "application/pdf"}
        return self.sends({"document": sent} | ({"caption": caption} if caption else {}))

    def sends_poll(self) -> Message:
        options = [
            {"text": word, "voter_count": 0, "persistent_id": word} for word in ("yes", "no")
        ]
        poll = {"id": "1", "question": "?", "options": options, "total_voter_count": 0}
        rest = {"is_closed": False, "is_anonymous": True, "type": "regular"}
        more = {"allows_multiple_answers": False, "allows_revoting": True, "members_only": False}
        return self.sends({"poll": poll | rest | more})

    def sends(self, content: Json, reply_to: Message | None = None, topic: int = 0) -> Message:
        """Sends any content; the bot hears of it if it may."""
        with self.emulator.lock:
            if self.chat.private:
                self.begins()
            if topic:
                content = content | {"message_thread_id": topic, "is_topic_message": True}
            message = self.emulator.world.new_message(
                self.chat, self.user, content, replies_to=reply_to.id if reply_to else None
            )
            self.tell_bot("message", message)
        return message

    def begins(self) -> None:
        """Writing to a bot lets it write back, also after it was blocked."""
        if self.user.blocked:
            self.unblocks_bot()
        if not self.user.started:
            self.user.started = True
            self.emulator.world.keep_user(self.user)

    def tell_bot(self, kind: str, message: Message) -> None:
        if bot_hears(self.emulator, self.chat, message):
            wire = self.emulator.world.shown(message)
            self.emulator.updates.put(kind, wire, f"message {self.chat.id}")

    def blocks_bot(self) -> None:
        self.set_blocked(blocked=True)

    def unblocks_bot(self) -> None:
        self.set_blocked(blocked=False)

    def set_blocked(self, *, blocked: bool) -> None:
        chat = self.alone().chat
        was = member(self.emulator, chat, self.emulator.bot.id)
        self.user.blocked = blocked
        self.emulator.world.keep_user(self.user)
        chat.members[self.emulator.bot.id] = "kicked" if blocked else "member"
        self.emulator.world.keep_chat(chat)
        tell_status(self.emulator, chat, self.user.id, was)

    def deactivates(self) -> None:
        """Deletes the account: nobody can write to it any more."""
        self.user.deactivated = True
        self.emulator.world.keep_user(self.user)

    # Inline mode

    def asks_inline(self, words: str) -> str:
        """Types `@bot words` in the chat and returns the query's identifier."""
        emulator = self.emulator
        with emulator.lock:
            now = emulator.world.now().timestamp()
            number = emulator.fresh_query_id()
            query = emulator.asked(Query(number, self.user.id, self.chat.id, 0, words, now))
            kind = "sender" if self.chat.private else self.chat.kind
            content = {"id": query.id, "from": self.user.wire(), "query": words, "offset": ""}
            emulator.updates.put("inline_query", content | {"chat_type": kind}, self.queue())
        return query.id

    async def inline_answer(self, query_id: str, seconds: float = 5.0) -> Json:
        """Results and button the bot offered."""
        answers = self.emulator.inline_answers
        return await self.emulator.until(lambda: answers.get(query_id), seconds)  # type: ignore[no-any-return]

    def chooses(self, query_id: str, number: int = 0) -> Message:
        """Sends the result of that number into the chat."""
        emulator, answer = self.emulator, self.emulator.inline_answers[query_id]
        result = answer["results"][number]
        content = result["content"] | {"via_bot": emulator.bot.wire()}
        if "reply_markup" in result:
            content["reply_markup"] = result["reply_markup"]
        with emulator.lock:
            inline_id = f"inline{emulator.fresh_query_id()}" if "reply_markup" in result else ""
            message = emulator.world.new_message(self.chat, self.user, content, inline_id=inline_id)
            self.tell_bot("message", message)
            chosen = {"result_id": result["id"], "from": self.user.wire(), "query": ""}
            chosen |= {"inline_message_id": inline_id} if inline_id else {}
            emulator.updates.put("chosen_inline_result", chosen, self.queue())
        return message


@dataclass(frozen=True, slots=True)
class Group:
    """A group or forum several people and perhaps the bot are in."""

    emulator: Emulator
    chat: Chat

    @property
    def messages(self) -> list[Message]:
        return self.chat.messages

    def adds_bot(self, by: Person, *, admin: bool = False) -> None:
        self.set_bot("administrator" if admin else "member", by, "new_chat_members")

    def removes_bot(self, by: Person) -> None:
        """Removing is banning: the bot is kicked."""
        self.set_bot("kicked", by, "left_chat_member")

    def promotes_bot(self, by: Person, rights: tuple[str, ...] = ALL_RIGHTS) -> None:
        self.chat.rights = list(rights)
        self.set_bot("administrator", by)

    def demotes_bot(self, by: Person) -> None:
        self.set_bot("member", by)

    def set_bot(self, status: str, by: Person, note: str = "") -> None:
        bot, world = self.emulator.bot, self.emulator.world
        was = member(self.emulator, self.chat, bot.id)
        self.chat.members[bot.id] = status
        if status == "administrator" and not self.chat.rights:
            self.chat.rights = list(ALL_RIGHTS)
        world.keep_chat(self.chat)
        tell_status(self.emulator, self.chat, by.user.id, was)
        if note:
            wire: Any = [bot.wire()] if note == "new_chat_members" else bot.wire()
            self.service(by, {note: wire})

    def service(self, by: Person, content: Json) -> Message:
        message = self.emulator.world.new_message(self.chat, by.user, content)
        if self.chat.members.get(self.emulator.bot.id) in PRESENT:
            wire = self.emulator.world.shown(message)
            self.emulator.updates.put("message", wire, f"message {self.chat.id}")
        return message

    def adds(self, person: Person, by: Person) -> None:
        self.chat.members[person.user.id] = "member"
        self.emulator.world.keep_chat(self.chat)
        self.service(by, {"new_chat_members": [person.user.wire()]})

    def removes(self, person: Person, by: Person) -> None:
        self.chat.members[person.user.id] = "left"
        self.emulator.world.keep_chat(self.chat)
        self.service(by, {"left_chat_member": person.user.wire()})

    def renames(self, title: str, by: Person) -> None:
        self.chat.title = title
        self.emulator.world.keep_chat(self.chat)
        self.service(by, {"new_chat_title": title})

    def opens_topic(self, name: str, by: Person) -> int:
        """Opens a forum topic and returns its identifier."""
        thread = opened_topic(self.emulator, self.chat, name, by.user)["message_thread_id"]
        opened = self.chat.history[thread]
        self.emulator.updates.put("message", opened.wire, f"message {self.chat.id}")
        return int(thread)

    def closes_topic(self, thread: int, by: Person) -> None:
        self.chat.topics[thread].closed = True
        self.emulator.world.keep_chat(self.chat)
        place = {"message_thread_id": thread, "is_topic_message": True}
        self.service(by, {"forum_topic_closed": {}} | place)

    def becomes_supergroup(self, by: Person) -> Group:
        """Moves a basic group to a supergroup with an identifier of its own."""
        emulator, old = self.emulator, self.chat
        new = new_chat(emulator, old.title, dict(old.members), supergroup=True)
        new.rights = list(old.rights)
        moved = Group(emulator, emulator.world.keep_chat(new))
        self.service(by, {"migrate_to_chat_id": new.id})
        old.migrated_to = new.id
        emulator.world.keep_chat(old)
        moved.service(by, {"migrate_from_chat_id": old.id})
        return moved


def person(
    emulator: Emulator, number: int, name: str, *, username: str = "", language: str = "en"
) -> Person:
    """The person of that number, made known if need be, in the private chat with the bot."""
    world = emulator.world
    user = world.users.get(number) or world.keep_user(User(number, name, username, language))
    return Person(emulator, user, world.private_chat(user))


def group(
    emulator: Emulator,
    title: str,
    people: list[Person],
    *,
    supergroup: bool = True,
    is_forum: bool = False,
) -> Group:
    """A group of these people, the first its creator, found again by its title; without the bot."""
    for chat in emulator.world.chats.values():
        if chat.title == title and not chat.private and not chat.migrated_to:
            return Group(emulator, chat)
    members = {each.user.id: "member" for each in people} | {people[0].user.id: "creator"}
    chat = new_chat(emulator, title, members, supergroup=supergroup or is_forum)
    chat.is_forum = is_forum
    return Group(emulator, emulator.world.keep_chat(chat))


def new_chat(emulator: Emulator, title: str, members: dict[int, str], *, supergroup: bool) -> Chat:
    number = emulator.world.next("group", 1_900_000_000 if supergroup else 4_100_000_000)
    if supergroup:
        return Chat(-1_000_000_000_000 - number, "supergroup", title, members)
    return Chat(-number, "group", title, members)


def bot_hears(emulator: Emulator, chat: Chat, message: Message) -> bool:
    """Whether a message of a person reaches the bot: privacy mode in groups, else always."""
    status = chat.members.get(emulator.bot.id, "left")
    if chat.private:
        return True
    if status not in PRESENT:
        return False
    if not emulator.privacy or status == "administrator" or "via_bot" in message.wire:
        return True
    return is_reply_to_bot(chat, message) or is_command(emulator, message)


def is_reply_to_bot(chat: Chat, message: Message) -> bool:
    answered = chat.history.get(message.replies_to or 0)
    return answered is not None and answered.by_bot


def is_command(emulator: Emulator, message: Message) -> bool:
    found = re.match(r"/[A-Za-z0-9_]+(?:@(\w+))?", message.text)
    username = emulator.bot.username.lower()
    return found is not None and (found[1] or username).lower() == username


def text_of(text: str) -> Json:
    made = with_found(trimmed(Formatted(text)))
    return {"text": made.text} | ({"entities": list(made.entities)} if made.entities else {})


def parts(text: str) -> list[str]:
    """The text in pieces a phone would send, broken at white space where there is some."""
    found: list[str] = []
    while units(text) > TEXT_UNITS:
        piece = text.encode("utf-16-le")[: TEXT_UNITS * 2].decode("utf-16-le", "ignore")
        cut = max(piece.rfind(" "), piece.rfind("\n"))
        piece = piece[: cut + 1] if cut > 0 else piece
        found.append(piece)
        text = text[len(piece) :]
    return [*found, text] if text.strip() else found


STICKER = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}


def file(kind: str) -> Json:
    return {"file_id": f"person-{kind}", "file_unique_id": kind, "file_size": 1234}
