"""The numbers of the health checks in Prometheus' text form; off unless it is asked for."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from web.health import Check, Checks, outcome

KIND = "text/plain; version=0.0.4; charset=utf-8"


def metrics_routes(checks: Checks) -> list[Route]:
    return [Route("/metrics", partial(metrics, checks=checks), methods=["GET"])]


async def metrics(_request: Request, *, checks: Checks) -> Response:
    found = dict(zip(checks, await asyncio.gather(*map(outcome, checks.values())), strict=True))
    return PlainTextResponse("\n".join([*lines(found), ""]), media_type=KIND)


def lines(found: Mapping[str, Check]) -> Iterator[str]:
    """Yield one gauge for each check's state (1 is well) and one for each of its numbers."""
    yield "# TYPE curbside_up gauge"
    for name, check in found.items():
        yield f'curbside_up{{check="{_name(name)}"}} {int(not check.trouble)}'
    for name, check in found.items():
        for key, value in check.values.items():
            if value is not None:
                gauge = f"curbside_{_name(name)}_{_name(key)}"
                yield f"# TYPE {gauge} gauge"
                yield f"{gauge} {value:g}"


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", text.lower())
