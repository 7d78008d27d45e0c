"""Only Telegram is let in, and it hears 200 only when an update is committed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import pytest
from starlette.applications import Starlette

from web.emulator import served
from web.health import Check, health_routes
from web.webhook import DEEPEST, MOST_BODY_BYTES, PATH, too_deep, webhook_route

SECRET = "a-secret-of-thirty-two-bytes-and-more"
KNOWN = ("X-Telegram-Bot-Api-Secret-Token", SECRET)
UPDATE = {"update_id": 7, "message": {"text": "hi"}}


@dataclass
class Desk:
    """Keeps what it is given, unless storage is unavailable."""

    full: bool = False
    stored: list[Any] = field(default_factory=list)

    async def __call__(self, update: Any) -> None:
        if self.full:
            raise OSError("disk full")
        self.stored.append(update)


@asynccontextmanager
async def hooked(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[webhook_route(SECRET, desk)])
    async with served(app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def posted(
    desk: Desk, content: bytes, *headers: tuple[str, str], method: str = "POST"
) -> httpx.Response:
    async with hooked(desk) as client:
        return await client.request(method, PATH, content=content, headers=list(headers))


async def test_an_update_with_the_secret_is_taken() -> None:
    desk = Desk()

    answer = await posted(desk, json.dumps(UPDATE).encode(), KNOWN)

    assert answer.status_code == 200
    assert desk.stored == [UPDATE]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((KNOWN[0], SECRET[:-1]),),
        ((KNOWN[0], SECRET + "x"),),
        ((KNOWN[0], ""),),
        (KNOWN, KNOWN),
        (KNOWN, (KNOWN[0], "other")),
        ((KNOWN[0], "é" * 40),),
        (("Authorization", SECRET),),
    ],
)
async def test_without_the_secret_there_is_no_such_page(headers: Any) -> None:
    desk = Desk()
    as_bytes = [(name.encode(), value.encode()) for name, value in headers]

    answer = await posted(desk, json.dumps(UPDATE).encode(), *as_bytes)

    assert answer.status_code == 404
    assert desk.stored == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_finds_no_such_page(method: str) -> None:
    assert (await posted(Desk(), b"", KNOWN, method=method)).status_code == 404


async def test_another_path_finds_no_such_page() -> None:
    async with hooked(Desk()) as client:
        answer = await client.post(PATH + "/x", json=UPDATE, headers=[KNOWN])

    assert answer.status_code == 404


async def test_an_update_that_cannot_be_stored_is_to_come_again() -> None:
    desk = Desk(full=True)

    answer = await posted(desk, json.dumps(UPDATE).encode(), KNOWN)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk" not in answer.text


async def test_the_answer_waits_for_the_commit() -> None:
    committed = asyncio.Event()

    async def take(_update: Any) -> None:
        await committed.wait()

    app = Starlette(routes=[webhook_route(SECRET, take)])
    async with served(app) as url, httpx.AsyncClient(base_url=url) as client:
        asking = asyncio.create_task(client.post(PATH, json=UPDATE, headers=[KNOWN]))
        done, _ = await asyncio.wait({asking}, timeout=0.1)
        committed.set()
        answer = await asking

    assert not done
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"Jane Roe", b"1" * 5000])
async def test_what_is_no_json_is_refused(body: bytes) -> None:
    desk = Desk()

    answer = await posted(desk, body, KNOWN)

    assert answer.status_code == 400
    assert desk.stored == []


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_what_is_nested_too_deep_is_refused(opening: bytes) -> None:
    answer = await posted(Desk(), opening * 40_000, KNOWN)

    assert answer.status_code == 400


async def test_a_body_that_is_too_long_is_refused() -> None:
    answer = await posted(Desk(), b'"' + b"x" * MOST_BODY_BYTES + b'"', KNOWN)

    assert answer.status_code == 413


async def test_a_body_that_never_ends_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MOST_BODY_BYTES:
            sent += 65_536
            yield b"x" * 65_536

    app = Starlette(routes=[webhook_route(SECRET, Desk())])
    async with served(app) as url, aiohttp.ClientSession() as session:
        try:
            headers = dict([KNOWN])
            async with session.post(url + PATH, data=endless(), headers=headers) as answer:
                status = answer.status
        except aiohttp.ClientError:
            status = 413

    assert status == 413
    assert sent < 100 * MOST_BODY_BYTES


async def test_a_body_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.webhook.BODY_SECONDS", 0.05)

    async def nothing() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(0.3)

    async with hooked(Desk()) as client:
        answer = await client.post(PATH, content=nothing(), headers=[KNOWN])

    assert answer.status_code == 408


@pytest.mark.parametrize("secret", ["", "s" * 31])
def test_without_a_good_secret_there_is_no_webhook(secret: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        webhook_route(secret, Desk())


def test_brackets_in_words_do_not_nest() -> None:
    assert not too_deep(json.dumps({"text": '[{"\\' * 1000}).encode())
    assert not too_deep(b"[" * DEEPEST + b"]" * DEEPEST)
    assert too_deep(b"[" * (DEEPEST + 1))


def test_depth_is_judged_quickly_whatever_comes() -> None:
    assert not too_deep(b'"' + b'\\"' * (MOST_BODY_BYTES // 2))


# --- health ---------------------------------------------------------------------------------------


async def asked(path: str, **checks: Any) -> httpx.Response:
    async with (
        served(Starlette(routes=health_routes(checks))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        return await client.get(path)


async def fine() -> Check:
    return Check(values={"waiting": 2})


async def broken() -> Check:
    raise OSError("Jane Roe")


async def silent() -> Check:
    await asyncio.sleep(60)
    raise AssertionError


async def test_a_process_that_answers_is_alive() -> None:
    answer = await asked("/healthz", bot=broken)

    assert (answer.status_code, answer.text) == (200, "ok")


async def test_ready_when_every_check_finds_nothing() -> None:
    answer = await asked("/readyz", bot=fine)

    assert answer.status_code == 200
    assert answer.json() == {"bot": {"state": "ok", "waiting": 2}}


async def test_not_ready_when_one_finds_trouble() -> None:
    async def full() -> Check:
        return Check("storage")

    answer = await asked("/readyz", bot=fine, disk=full)

    assert answer.status_code == 503
    assert answer.json()["disk"] == {"state": "storage"}


async def test_a_check_that_fails_or_hangs_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.health.CHECK_SECONDS", 0.05)

    answer = await asked("/readyz", broken=broken, silent=silent)

    assert answer.status_code == 503
    assert answer.json() == {"broken": {"state": "OSError"}, "silent": {"state": "TimeoutError"}}
