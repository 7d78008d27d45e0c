"""Failures of the Bot API as callers see them: never sent, perhaps sent, or refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.transport import (
    ALLOWED_UPDATES,
    Telegram,
    Transport,
    form_of,
    never_sent,
    seconds_of,
    unanswered,
)
from web.emulator import Emulator, bot_api, new_emulator, person, served

TOKEN = "7000000001:" + "t" * 35
HELLO = {"chat_id": 501, "text": "hello"}


@asynccontextmanager
async def emulated(**values: Any) -> AsyncIterator[tuple[Telegram, Emulator]]:
    emulator = new_emulator(TOKEN, lambda: datetime(2026, 11, 23, tzinfo=UTC), seed=1)
    person(emulator, 501, "Ana").starts()
    async with served(bot_api(emulator)) as url, Telegram(TOKEN, url, **values) as telegram:
        yield telegram, emulator


@asynccontextmanager
async def answering(answer: Any, **values: Any) -> AsyncIterator[Telegram]:
    """A server that gives the same answer to whatever it is asked."""
    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with served(app) as url, Telegram(TOKEN, url, **values) as telegram:
        yield telegram


def saying(status: int, body: bytes, kind: str = "application/json") -> Any:
    async def answer(_request: Request) -> Response:
        return Response(body, status, media_type=kind)

    return answer


async def failure(telegram: Telegram) -> TelegramError:
    with pytest.raises(TelegramError) as failed:
        await telegram.call("sendMessage", HELLO)
    return failed.value


async def test_a_call_returns_the_result() -> None:
    async with emulated() as (telegram, _):
        sent = await telegram.call("sendMessage", HELLO)

        assert sent["text"] == "hello"


async def test_nested_parameters_arrive_as_they_are() -> None:
    keyboard = {"inline_keyboard": [[{"text": "Sí", "callback_data": "v"}]]}
    async with emulated() as (telegram, emulator):
        await telegram.call("sendMessage", {**HELLO, "reply_markup": keyboard, "entities": None})

        assert emulator.calls[-1].params["reply_markup"] == keyboard
        assert "entities" not in emulator.calls[-1].params


async def test_a_file_is_uploaded() -> None:
    file = {"filename": "case.txt", "base64": base64.b64encode(b"words").decode()}
    async with emulated() as (telegram, emulator):
        await telegram.call("sendDocument", {"chat_id": 501, "document": file})

        assert emulator.calls[-1].params["document"] == {"filename": "case.txt", "size": 5}


async def test_the_typed_client_shares_the_connections() -> None:
    async with emulated() as (telegram, _):
        assert (await telegram.bot.get_me()).is_bot


async def test_updates_come_raw_and_only_those_we_handle() -> None:
    async with emulated() as (telegram, emulator):
        found = await telegram.get_updates(offset=0, seconds=0)

        assert [update["message"]["text"] for update in found] == ["/start"]
        assert set(emulator.updates.allowed or ()) == set(ALLOWED_UPDATES)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", RetryAfter),
        ("500", NetworkError),
        ("502", NetworkError),
        ("401", InvalidToken),
        ("403", Forbidden),
        ("409", Conflict),
    ],
)
async def test_a_refusal_has_its_kind(fault: Any, kind: type[TelegramError]) -> None:
    async with emulated() as (telegram, emulator):
        emulator.faults.next(fault)

        error = await failure(telegram)

        assert type(error) is kind
        assert not never_sent(error)
        assert not unanswered(error)


async def test_a_bad_request_is_no_network_trouble_to_us() -> None:
    async with emulated() as (telegram, _):
        with pytest.raises(BadRequest, match="Chat not found"):
            await telegram.call("sendMessage", {"chat_id": 1, "text": "hello"})


async def test_retry_after_gives_seconds() -> None:
    async with emulated() as (telegram, emulator):
        emulator.faults.next("429", retry_after=7)

        error = await failure(telegram)

        assert isinstance(error, RetryAfter)
        assert seconds_of(error) == 7


async def test_a_migrated_group_gives_its_new_id() -> None:
    body = {"ok": False, "description": "x", "parameters": {"migrate_to_chat_id": -1009}}
    async with answering(saying(400, json.dumps(body).encode())) as telegram:
        error = await failure(telegram)

        assert isinstance(error, ChatMigrated)
        assert error.new_chat_id == -1009


@pytest.mark.parametrize("fault", ["dropped", "truncated"])
async def test_an_answer_that_does_not_arrive_whole_leaves_it_open(fault: Any) -> None:
    async with emulated() as (telegram, emulator):
        emulator.faults.next(fault)

        error = await failure(telegram)

        assert unanswered(error)
        assert not never_sent(error)


async def test_a_slow_answer_leaves_it_open() -> None:
    async with emulated(read_seconds=0.05) as (telegram, emulator):
        emulator.faults.next("slow", seconds=0.3)

        error = await failure(telegram)

        assert isinstance(error, TimedOut)
        assert unanswered(error)


async def test_no_server_means_never_sent() -> None:
    async with Telegram(TOKEN, "http://127.0.0.1:9") as telegram:
        error = await failure(telegram)

        assert never_sent(error)
        assert not unanswered(error)


async def test_an_address_that_is_none_means_never_sent() -> None:
    async with Telegram(TOKEN, "http://[nowhere") as telegram:
        assert never_sent(await failure(telegram))


@pytest.mark.parametrize(
    "body", [b"<html>welcome</html>", b"[]", b'{"ok": true}', b'"result"', b"", b"\xff\xfe"]
)
async def test_a_welcome_page_instead_of_an_answer_leaves_it_open(body: bytes) -> None:
    async with answering(saying(200, body)) as telegram:
        error = await failure(telegram)

        assert unanswered(error)
        assert "welcome" not in str(error)


@pytest.mark.parametrize("body", [b"<html>Jane Roe</html>", b"{}", b'{"description": 5}', b"[1]"])
async def test_a_gateway_s_page_is_a_failure_without_its_words(body: bytes) -> None:
    async with answering(saying(502, body)) as telegram:
        error = await failure(telegram)

        assert type(error) is NetworkError
        assert error.message == "Bad Gateway (502)"


async def test_odd_parameters_of_a_refusal_are_not_read() -> None:
    body = {"description": "no", "parameters": {"retry_after": "soon", "x": [1]}}
    async with answering(saying(400, json.dumps(body).encode())) as telegram:
        error = await failure(telegram)

        assert isinstance(error, BadRequest)
        assert error.message == "no"


async def test_a_redirect_is_not_followed() -> None:
    async def elsewhere(_request: Request) -> Response:
        return RedirectResponse("http://127.0.0.1:9/stolen")

    async with answering(elsewhere) as telegram:
        assert "307" in str(await failure(telegram))


async def test_a_token_in_telegram_s_words_is_redacted() -> None:
    body = json.dumps({"description": f"no bot{TOKEN}"}).encode()
    async with answering(saying(400, body)) as telegram:
        assert TOKEN not in str(await failure(telegram))


async def test_updates_that_are_no_list_are_a_failure() -> None:
    async with answering(saying(200, b'{"result": {"update_id": 1}}')) as telegram:
        with pytest.raises(NetworkError, match="no updates"):
            await telegram.get_updates(offset=0, seconds=0)


async def test_more_calls_than_connections_take_turns() -> None:
    busy = 0
    most = 0

    async def answer(_request: Request) -> Response:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return Response(b'{"result": true}')

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    transport = Transport(connections=2)
    async with served(app) as url, transport:
        found = await asyncio.gather(*(transport.post(f"{url}/x") for _ in range(8)))

    assert found == [True] * 8
    assert most == 2


async def test_a_closed_transport_opens_again_when_used() -> None:
    async with emulated() as (telegram, _):
        await telegram._calls.shutdown()

        assert await telegram.call("getMe", {})


def test_text_that_cannot_be_encoded_is_cleaned() -> None:
    form = form_of({"text": "a\ud800b\x00c", "reply_markup": {"text": "\udfff!"}})

    assert form.json_parameters == {"text": "abc", "reply_markup": '{"text":"!"}'}
    assert json.loads(form.as_json) == {"text": "abc", "reply_markup": {"text": "!"}}


@pytest.mark.parametrize("content", ["not base64!", 5, None])
def test_a_file_without_content_is_refused_here(content: Any) -> None:
    with pytest.raises(BadRequest):
        form_of({"document": {"filename": "x", "base64": content}})


async def test_the_transport_says_how_long_it_waits() -> None:
    assert Transport(3.0).read_timeout == 3.0
