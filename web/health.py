"""Two pages for whoever watches the process: is it alive, and can it do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

CHECK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One part's state: a code when something is wrong, and numbers worth watching."""

    trouble: str = ""
    values: Mapping[str, float | None] = field(default_factory=dict)

    def shown(self) -> dict[str, float | str | None]:
        return {"state": self.trouble or "ok", **self.values}


Checks = Mapping[str, Callable[[], Awaitable[Check]]]


def health_routes(checks: Checks) -> list[Route]:
    """Return ``/healthz``, and ``/readyz``: 503 as long as one of ``checks`` finds trouble."""
    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", partial(ready, checks=checks), methods=["GET"]),
    ]


async def alive(_request: Request) -> Response:
    return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})


async def ready(_request: Request, *, checks: Checks) -> Response:
    found = dict(zip(checks, await asyncio.gather(*map(outcome, checks.values())), strict=True))
    status = 503 if any(check.trouble for check in found.values()) else 200
    shown = {name: check.shown() for name, check in found.items()}
    return JSONResponse(shown, status, headers={"Cache-Control": "no-store"})


async def outcome(check: Callable[[], Awaitable[Check]]) -> Check:
    """Return what ``check`` finds; one that fails or takes too long has found trouble."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever fails in a check is its finding
        return Check(type(error).__name__)
