"""Where Telegram delivers updates. Answered with 200 only when their effects are committed.

Whoever does not know the secret sees a page that does not exist. Anything else than 200 makes
Telegram deliver again, for up to 24 hours.
"""

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

log = structlog.get_logger()

PATH = "/telegram"
SECRET_HEADER = b"x-telegram-bot-api-secret-token"
LEAST_SECRET_BYTES = 32
MOST_BODY_BYTES = 256 * 1024
DEEPEST = 64
"""Levels of nesting; a real update has fewer than 20."""

BODY_SECONDS = 10.0
RETRY_SECONDS = 5

_STRING = re.compile(
    rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL
)  # to the end when unclosed: linear on any input
_BRACKET = re.compile(rb"[\[\]{}]")

Take = Callable[[Any], Awaitable[None]]


class Webhook:
    """The route's app; ``take`` returns when an update is committed and raises when it is not."""

    def __init__(self, secret: str, take: Take) -> None:
        self._secret = secret.encode()
        self._take = take
        if len(self._secret) < LEAST_SECRET_BYTES:
            raise ValueError(f"a webhook needs a secret of at least {LEAST_SECRET_BYTES} bytes")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST" or not self._is_telegram(request):
            return plain(404, "Not Found")
        try:
            body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return plain(408, "Request Timeout")
        if body is None:
            return plain(413, "Content Too Large")
        return await self._taken(body)

    def _is_telegram(self, request: Request) -> bool:
        """Return whether the request carries the secret, once; compared in constant time."""
        given = [value for name, value in request.scope["headers"] if name == SECRET_HEADER]
        return len(given) == 1 and hmac.compare_digest(given[0], self._secret)

    async def _taken(self, body: bytes) -> Response:
        if too_deep(body):
            return plain(400, "Bad Request")
        try:
            update = json.loads(body)
        except ValueError:
            return plain(400, "Bad Request")
        try:
            await self._take(update)
        except Exception:
            log.exception("update_not_stored", mode="webhook")
            return plain(503, "Service Unavailable", {"Retry-After": str(RETRY_SECONDS)})
        return plain(200, "OK")


def webhook_route(secret: str, take: Take, path: str = PATH) -> Route:
    """Return the route; raises ValueError without a secret of at least 32 bytes."""
    return Route(path, Webhook(secret, take))


def plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status, headers)


async def _body(request: Request) -> bytes | None:
    """Return the body, or None when it is too long; it is then not read to its end."""
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for part in request.stream():
            body += part
            if len(body) > MOST_BODY_BYTES:
                return None
    return bytes(body)


def too_deep(body: bytes) -> bool:
    """Return whether the JSON in ``body`` is nested too deep to be read safely."""
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False
