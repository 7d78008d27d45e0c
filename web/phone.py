"""The local phone: a page on loopback where people chat with the bot as on their phones."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from web import phone_view
from web.emulator.app import bot_api_routes
from web.emulator.core import Emulator
from web.emulator.people import Group, Person, group, person
from web.emulator.world import Message
from web.loopback import Endpoint, local_only

Json = dict[str, Any]
ClockShift = Callable[[float], Awaitable[None] | None]

HERE = Path(__file__).parent
KEEP_ALIVE = 15.0
"""Seconds between two comments that keep the stream of events open."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
TOLD = frozenset({"delete", "answer", "typing", "clock", "inline"})
DAY = 86_400.0
MOST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Part:
    """One member of the cast: a role and the number Telegram would know the person by."""

    id: int
    role: str
    username: str = ""


CAST = (
    Part(7001, "Counselor", "counselor_local"),
    Part(7002, "Pain physician", "physician_local"),
    Part(7003, "Nurse", "nurse_local"),
    Part(7004, "Admin", "admin_local"),
)
TEAM = "Case team"


class Unreadable(Exception):
    """The page asked for something that makes no sense; the text says what."""


@dataclass(slots=True)
class Phone:
    """The page's people and what they may do."""

    emulator: Emulator
    people: list[Person]
    on_clock_shift: ClockShift | None = None

    async def page(self, request: Request) -> Response:
        return HTMLResponse(PAGE.render(title=self.emulator.bot.name), headers=HEADERS)

    async def events(self, request: Request) -> Response:
        return StreamingResponse(self.stream(), media_type="text/event-stream", headers=HEADERS)

    async def stream(self) -> AsyncIterator[str]:
        """The whole state first, then every change as it happens."""
        async with self.emulator.heard() as changes:
            yield line(self.state())
            while True:
                try:
                    event = await asyncio.wait_for(changes.get(), KEEP_ALIVE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if event["type"] == "closed":
                    return
                if (told := self.told(event)) is not None:
                    yield line(told)

    def state(self) -> Json:
        shift = self.on_clock_shift is not None
        return phone_view.state(self.emulator, self.people, clock=shift)

    def told(self, event: Json) -> Json | None:
        """The event as the page wants it, None for what it does not show."""
        kind = event["type"]
        if kind in {"message", "edit"}:
            message = self.emulator.world.chats[event["chat"]].history[event["message"]]
            return event | {"message": phone_view.message_seen(self.emulator, message)}
        if kind in {"chat", "commands"}:
            return self.state()
        return event if kind in TOLD else None

    async def do(self, request: Request) -> Response:
        """Carries out one thing a person does; JSON only, which no other site can send."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return failed("JSON is expected", 415)
        try:
            wish = await request.json()
            result = await self.done(wish)
        except Unreadable as problem:
            return failed(str(problem), 400)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError):
            return failed("The request cannot be read", 400)
        return JSONResponse({"ok": True, "result": result}, headers=HEADERS)

    async def done(self, wish: Json) -> Any:
        name = wish["do"]
        if name == "clock":
            return await self.shift(float(wish["days"]))
        if (action := ACTIONS.get(name)) is None:
            raise Unreadable("There is no such action")
        who = self.person(int(wish["person"]), int(wish["chat"]))
        with self.emulator.lock:
            return action(who, wish)

    def person(self, number: int, chat: int) -> Person:
        """The person looking at that chat, which they must be in."""
        found = next((p for p in self.people if p.user.id == number), None)
        place = self.emulator.world.chats.get(chat)
        if found is None or place is None or number not in place.members:
            raise Unreadable("There is no such person in that chat")
        return found.at(place)

    async def shift(self, days: float) -> int:
        """Moves the clock of the whole demo and returns its new time in Unix seconds."""
        if self.on_clock_shift is None:
            raise Unreadable("The clock cannot be moved here")
        if not 0 < days <= MOST_DAYS:
            raise Unreadable(f"Between 0 and {MOST_DAYS} days")
        if inspect.isawaitable(moved := self.on_clock_shift(days * DAY)):
            await moved
        now = self.emulator.world.seconds()
        self.emulator.world.tell({"type": "clock", "now": now})
        return now

    async def file(self, request: Request) -> Response:
        """A document or photo the bot sent, as a download or shown if it is a picture."""
        name = request.path_params["name"]
        content = self.emulator.store.read_bytes(request.path_params["id"].removeprefix("local-"))
        if content is None:
            return failed("There is no such file", 404)
        kind = picture_kind(content)
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
        disposition = "inline" if kind else f'attachment; filename="{safe}"'
        headers = HEADERS | {"Content-Disposition": disposition}
        return Response(content, media_type=kind or "application/octet-stream", headers=headers)

    async def faults(self, request: Request) -> Response:
        """Sets faults from outside: see `web/emulator/faults.py` for their names."""
        wish = await request.json()
        faults = self.emulator.faults
        if wish.get("clear"):
            faults.clear()
        if "seed" in wish:
            faults.reseed(int(wish["seed"]))
        for planned in wish.get("next", []):
            faults.next(**planned)
        for share in wish.get("random", []):
            faults.at_random(**share)
        counts = {"counts": dict(faults.counts), "dropped_replies": faults.dropped_replies}
        return JSONResponse(counts, headers=HEADERS)


def failed(text: str, status: int) -> Response:
    return JSONResponse({"ok": False, "error": text}, status, headers=HEADERS)


def line(event: Json) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"


def picture_kind(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/jpeg" if content.startswith(b"\xff\xd8") else ""


def say(who: Person, wish: Json) -> int:
    if not (text := str(wish["text"]).strip()):
        raise Unreadable("There is nothing to send")
    answered = who.chat.history.get(int(wish.get("reply") or 0))
    sent = who.says(text, reply_to=answered, topic=int(wish.get("topic") or 0))
    return sent.id


def tap(who: Person, wish: Json) -> str:
    return who.forges(str(wish["data"]), who.chat.history[int(wish["message"])])


def own(who: Person, wish: Json) -> Message:
    message = who.chat.history[int(wish["message"])]
    if message.wire["from"]["id"] != who.user.id:
        raise Unreadable("That is somebody else's message")
    return message


def edit(who: Person, wish: Json) -> int:
    if not (text := str(wish["text"]).strip()):
        raise Unreadable("There is nothing to send")
    edited = who.edits(own(who, wish), text)
    return edited.id


def delete(who: Person, wish: Json) -> None:
    who.deletes(own(who, wish))


def send(who: Person, wish: Json) -> int:
    return SENDABLE[wish["what"]](who).id


SENDABLE: dict[str, Callable[[Person], Message]] = {
    "sticker": Person.sends_sticker,
    "photo": Person.sends_photo,
    "voice": Person.sends_voice,
    "location": Person.sends_location,
    "contact": Person.sends_contact,
    "document": Person.sends_document,
}


def change_bot(who: Person, wish: Json) -> None:
    """Adds the bot to a group, removes it, or makes it an administrator."""
    place = Group(who.emulator, who.chat)
    match wish["what"]:
        case "add":
            place.adds_bot(who)
        case "remove":
            place.removes_bot(who)
        case "promote":
            place.promotes_bot(who)
        case _:
            raise Unreadable("add, remove or promote")


def inline(who: Person, wish: Json) -> str:
    return who.asks_inline(str(wish["text"]))


def results(who: Person, wish: Json) -> Json:
    return who.emulator.inline_answers.get(str(wish["query"]), {"results": [], "button": None})


def choose(who: Person, wish: Json) -> int:
    return who.chooses(str(wish["query"]), int(wish["number"])).id


ACTIONS: dict[str, Callable[[Person, Json], Any]] = {
    "say": say,
    "start": lambda who, wish: who.starts(str(wish.get("payload", ""))).id,
    "tap": tap,
    "edit": edit,
    "delete": delete,
    "send": send,
    "block": lambda who, _: who.blocks_bot(),
    "unblock": lambda who, _: who.starts().id,
    "bot": change_bot,
    "inline": inline,
    "results": results,
    "choose": choose,
}

PAGE = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True).get_template(
    "phone.html"
)


def static(name: str, kind: str) -> Endpoint:
    async def send_file(request: Request) -> Response:
        return Response((HERE / "static" / name).read_bytes(), media_type=kind, headers=HEADERS)

    return send_file


def gather(emulator: Emulator, cast: Sequence[Part], team: str) -> list[Person]:
    """The people of the cast, and their group with the bot in it where a name is given."""
    people = [person(emulator, p.id, p.role, username=p.username) for p in cast]
    if team and people:
        together = group(emulator, team, people)
        if emulator.bot.id not in together.chat.members:
            together.adds_bot(people[0])
    return people


def create_phone(
    emulator: Emulator,
    *,
    cast: Sequence[Part] = CAST,
    team: str = TEAM,
    on_clock_shift: ClockShift | None = None,
) -> list[Route]:
    """Routes of the page, of what it asks for, of the Bot API and of the fault control.

    `on_clock_shift(seconds)` moves the clock of the whole demo; without it the page has no such
    button.
    """
    phone = Phone(emulator, gather(emulator, cast, team), on_clock_shift)
    return [
        Route("/", local_only(phone.page)),
        Route("/phone/phone.css", local_only(static("phone.css", "text/css"))),
        Route("/phone/phone.js", local_only(static("phone.js", "text/javascript"))),
        Route("/phone/phone.svg", local_only(static("phone.svg", "image/svg+xml"))),
        Route("/phone/events", local_only(phone.events)),
        Route("/phone/do", local_only(phone.do), methods=["POST"]),
        Route("/phone/file/{id}/{name}", local_only(phone.file)),
        Route("/emulator/faults", local_only(phone.faults), methods=["POST"]),
        *bot_api_routes(emulator),
    ]
