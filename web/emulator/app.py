"""Serves the emulated Bot API: one route, any method, on loopback only."""

import asyncio
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from web.emulator import groups, inline, messages, profile
from web.emulator.core import LOGGED, Call, Emulator
from web.emulator.errors import (
    Refused,
    bad,
    conflict,
    forbidden,
    no_method,
    too_many,
    unauthorized,
)
from web.emulator.faults import Fault
from web.emulator.polling import OTHER, Poller
from web.emulator.rates import Rates
from web.emulator.request import Params, read_params
from web.emulator.store import open_store
from web.emulator.updates import Updates
from web.emulator.webhook import Deliveries, delete_webhook, get_webhook_info, set_webhook
from web.emulator.world import User, World
from web.loopback import local_only

Method = Callable[[Emulator, Params], Any]


def refuse_file(emulator: Emulator, params: Params) -> Any:
    raise bad("wrong file_id or the file is temporarily unavailable")


def accept(emulator: Emulator, params: Params) -> bool:
    return True


METHODS: dict[str, Method] = {
    "getme": profile.get_me,
    "sendmessage": messages.send_message,
    "editmessagetext": messages.edit_message_text,
    "editmessagecaption": messages.edit_message_caption,
    "editmessagereplymarkup": messages.edit_message_reply_markup,
    "deletemessage": messages.delete_message,
    "deletemessages": messages.delete_messages,
    "copymessage": messages.copy_message,
    "answercallbackquery": messages.answer_callback_query,
    "answerinlinequery": inline.answer_inline_query,
    "senddocument": messages.send_document,
    "sendphoto": messages.send_photo,
    "sendchataction": messages.send_chat_action,
    "setmycommands": profile.set_my_commands,
    "getmycommands": profile.get_my_commands,
    "deletemycommands": profile.delete_my_commands,
    **{f"setmy{name}": partial(profile.set_profile, which=name) for name in profile.PROFILE},
    **{f"getmy{name}": partial(profile.get_profile, which=name) for name in profile.PROFILE},
    "setchatmenubutton": accept,
    "setmydefaultadministratorrights": accept,
    "getchat": groups.get_chat,
    "getchatmember": groups.get_chat_member,
    "getchatadministrators": groups.get_chat_administrators,
    "getchatmembercount": groups.get_chat_member_count,
    "createforumtopic": groups.create_forum_topic,
    "editforumtopic": groups.edit_forum_topic,
    "closeforumtopic": groups.close_forum_topic,
    "reopenforumtopic": groups.reopen_forum_topic,
    "deleteforumtopic": groups.delete_forum_topic,
    "pinchatmessage": groups.pin_chat_message,
    "unpinchatmessage": groups.unpin_chat_message,
    "leavechat": groups.leave_chat,
    "getfile": refuse_file,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
}


class HalfAnswer(Response):
    """An answer that announces more bytes than it sends, so that the server hangs up."""

    def __init__(self, body: bytes, sent: int) -> None:
        super().__init__(body, media_type="application/json")
        self.sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        part = bytes(self.body[: self.sent])
        await send({"type": "http.response.body", "body": part, "more_body": True})


class BotApi:
    """Answers `/bot<token>/<method>`; what it does is in METHODS."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.poller = Poller(emulator)

    async def answer(self, request: Request) -> Response:
        method = request.path_params["method"].lower()
        if request.path_params["token"] != self.emulator.token:
            return refusal(unauthorized())
        try:
            params = await read_params(request)
        except Refused as refused:
            return refusal(refused)
        fault = self.emulator.faults.draw(method, params.integer("chat_id"))
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if (early := before(fault)) is not None:
            self.log(request.path_params["method"], params, early.status_code, fault=fault)
            return early
        return await self.carry_out(request.path_params["method"], params, fault)

    async def carry_out(self, name: str, params: Params, fault: Fault | None) -> Response:
        try:
            result = await self.result(name.lower(), params, fault)
        except Refused as refused:
            self.log(name, params, refused.code, refused.description, fault)
            return refusal(refused)
        self.log(name, params, 200, fault=fault)
        return after(fault, result)

    async def result(self, method: str, params: Params, fault: Fault | None) -> Any:
        if method == "getupdates":
            return await self.poller.poll(params, fault)
        if (work := METHODS.get(method)) is None:
            raise no_method()
        with self.emulator.lock:
            return work(self.emulator, params)

    def log(
        self,
        method: str,
        params: Params,
        code: int,
        description: str = "",
        fault: Fault | None = None,
    ) -> None:
        if method.lower() == "getupdates" and code == 200:  # noqa: PLR2004
            return
        kind = fault.kind if fault else ""
        now = self.emulator.world.now()
        call = Call(method, params.shown(), now, code, description, kind)
        self.emulator.calls.append(call)
        self.emulator.world.tell({"type": "call", "method": method, "code": code})


def refusal(refused: Refused) -> Response:
    return JSONResponse(refused.body(), refused.code)


GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"


def before(fault: Fault | None) -> Response | None:
    """The answer of a fault that keeps the call from having any effect."""
    if fault is None:
        return None
    if fault.kind == "502":
        return HTMLResponse(GATEWAY, 502)
    refused = {
        "429": too_many(fault.retry_after),
        "500": Refused(500, "Internal Server Error"),
        "401": unauthorized(),
        "403": forbidden("bot was blocked by the user"),
        "409": conflict(OTHER),
    }.get(fault.kind)
    return refusal(refused) if refused else None


def after(fault: Fault | None, result: Any) -> Response:
    """The answer to a call that took effect, whole or cut off."""
    body = json.dumps({"ok": True, "result": result}, ensure_ascii=False).encode()
    kind = fault.kind if fault else ""
    if kind == "dropped":
        return HalfAnswer(body, 0)
    kept = body[: len(body) * 2 // 3] if kind == "truncated" else body
    return Response(kept, media_type="application/json")


def new_emulator(
    token: str,
    clock: Callable[[], datetime],
    *,
    username: str = "curbside_local_bot",
    name: str = "Curbside",
    path: Path | None = None,
    seed: int = 0,
    privacy: bool = True,
    rates: Rates | None = None,
    logged: int = LOGGED,
) -> Emulator:
    """One bot's Telegram, kept in the file at `path` where one is given.

    `seed` makes the first update identifier and query identifiers repeatable; `logged` is how
    many calls stay on record.
    """
    store = open_store(path)
    bot = User(int(token.partition(":")[0]), name, username, is_bot=True)
    chance = random.Random(seed or None)  # noqa: S311 - identifiers of a local toy server
    world = World(bot, clock, store)
    updates = Updates(store, clock, chance)
    emulator = Emulator(token, world, updates, store, chance, privacy=privacy, rates=rates)
    emulator.calls = deque(maxlen=logged)
    emulator.load()
    return emulator


def bot_api(emulator: Emulator) -> Starlette:
    """The Bot API as an app of its own; webhooks are delivered while it runs."""
    deliveries = Deliveries(emulator)
    return Starlette(routes=bot_api_routes(emulator), lifespan=deliveries.lifespan)


def bot_api_routes(emulator: Emulator) -> list[Route]:
    answer: Callable[[Request], Awaitable[Response]] = BotApi(emulator).answer
    return [Route("/bot{token}/{method}", local_only(answer), methods=["GET", "POST"])]
