"""How much one browser and one address may ask of the pages, and how often a link may be wrong.

Counted in memory, for this process. Files, health and what others bring (Telegram's deliveries,
the local phone) are spared: they are cheap, guarded, or on this machine.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from time import monotonic

from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storage.limits import ONCE_A_MINUTE, Buckets, Rate
from web.access import Access
from web.pages import error_page

BROWSER = Rate(per_second=5, burst=60)
ADDRESS = Rate(per_second=50, burst=600)
"""Many people may share the address of a hospital or a proxy."""

WRONG = Rate(per_second=1 / 30, burst=20)
"""Links and codes that open nothing, from one address."""

SIGN_IN = "/sign-in/"
"""Where links, and codes that were typed, are tried."""

TOO_MANY_WRONG = "Too many wrong links or codes. Wait a minute, then try again."


@dataclass(frozen=True, slots=True)
class Limits:
    """What is answered; ``clock`` counts seconds."""

    browser: Rate = BROWSER
    address: Rate = ADDRESS
    wrong: Rate = WRONG
    clock: Callable[[], float] = monotonic


class Throttle:
    """Answers what is too much with 429 and words, before anything is looked up."""

    def __init__(
        self, app: ASGIApp, limits: Limits, access: Access, spared: Sequence[BaseRoute]
    ) -> None:
        self._app = app
        self._access = access
        self._spared = spared
        self._browsers = Buckets(limits.browser, limits.clock)
        self._addresses = Buckets(limits.address, limits.clock)
        self._wrong = Buckets(limits.wrong, limits.clock)
        self._noted = Buckets(ONCE_A_MINUTE, limits.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._spares(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        seconds = self._wait(request)
        if seconds:
            await self._refuse(request, seconds, receive, send)
        else:
            await self._app(scope, receive, self._watched(request, send))

    def _spares(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._spared)

    def _wait(self, request: Request) -> float:
        """Return the seconds after which this may be asked again, 0 when it is answered now."""
        address, browser = address_of(request), self._browser(request)
        if request.url.path.startswith(SIGN_IN) and (wait := self._wrong.wait(address)):
            return wait
        if not self._addresses.take(address):
            return self._addresses.wait(address)
        if browser and not self._browsers.take(browser):
            return self._browsers.wait(browser)
        return 0.0

    def _browser(self, request: Request) -> bytes:
        """Return what stands for a session's cookie; a made-up one still counts for its address."""
        secret = request.cookies.get(self._access.cookie, "")
        return hashlib.sha256(secret.encode()).digest() if secret else b""

    async def _refuse(self, request: Request, seconds: float, receive: Receive, send: Send) -> None:
        browser = self._browser(request)
        if browser and self._noted.take(browser):
            await self._access.note_limit(request)
        wrong = request.url.path.startswith(SIGN_IN) and self._wrong.wait(address_of(request))
        answer = error_page(429, TOO_MANY_WRONG if wrong else "")
        answer.headers["Retry-After"] = str(ceil(seconds))
        await answer(request.scope, receive, send)

    def _watched(self, request: Request, send: Send) -> Send:
        """Return what sends, and counts a link or code that opened nothing."""
        if not request.url.path.startswith(SIGN_IN):
            return send

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 404:  # noqa: PLR2004 - not found
                self._wrong.take(address_of(request))
            await send(message)

        return counted


def address_of(request: Request) -> str:
    """Return the address that asks: behind a proxy that the server does not trust, the proxy's."""
    return request.client.host if request.client else ""
