"""What stands before every route: whose name the request calls us by, and how answers are marked."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.loopback import NAMES
from web.pages import HEADERS, error_page

log = structlog.get_logger()

OPEN_TO_ANY_NAME = frozenset({"/healthz", "/readyz", "/metrics"})
"""Whoever watches the process asks by an address, not by a name."""

LONGEST_QUERY = 60 * 1024
"""Bytes of an address after its question mark."""


def own_names(public_url: str | None) -> frozenset[str]:
    """Return the host names we answer to: this machine's own, and the public one."""
    public = urlsplit(public_url).hostname if public_url else None
    return NAMES | ({public} if public else frozenset())


class Guard:
    """Refuses foreign host names (the address in a link is never taken from the request)."""

    def __init__(
        self, app: ASGIApp, names: Collection[str], headers: Mapping[str, str] = HEADERS
    ) -> None:
        self._app = app
        self._names = frozenset(names)
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def marked(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(scope=message))
            await send(message)

        try:
            await self._answer(scope, receive, marked)
        except Exception:
            log.exception("page_failed")
            if begun:
                raise  # the browser has to see that what it got is not all
            await error_page(500)(scope, receive, marked)

    async def _answer(self, scope: Scope, receive: Receive, marked: Send) -> None:
        if len(scope["query_string"]) > LONGEST_QUERY:
            await error_page(400, "The address is too long.")(scope, receive, marked)
        elif scope["path"] in OPEN_TO_ANY_NAME or self._is_ours(scope):
            await self._app(scope, receive, marked)
        else:
            await error_page(400)(scope, receive, marked)

    def _is_ours(self, scope: Scope) -> bool:
        try:
            host = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname
        except ValueError:
            return False
        return host in self._names

    def _mark(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)
