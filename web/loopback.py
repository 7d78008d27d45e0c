"""Keeps the local pages local: only this machine's own names and pages may ask."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
Endpoint = Callable[[Request], Awaitable[Response]]


def is_loopback(written: str) -> bool:
    """Whether a Host header or an address names this machine."""
    try:
        return urlsplit(written if "://" in written else f"//{written}").hostname in NAMES
    except ValueError:
        return False


def local_only(endpoint: Endpoint) -> Endpoint:
    """The endpoint for requests to a loopback name from no other site; 403 for all others.

    A name of somebody else that resolves to 127.0.0.1 (DNS rebinding) is no loopback name.
    """

    async def guarded(request: Request) -> Response:
        if not is_loopback(request.headers.get("host", "")):
            return PlainTextResponse("This page is for 127.0.0.1 only.", 403)
        origin = request.headers.get("origin")
        if origin is not None and not is_loopback(origin):
            return PlainTextResponse("Another site may not ask here.", 403)
        return await endpoint(request)

    return guarded
