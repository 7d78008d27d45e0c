"""The pages' templates, their files, and what every answer carries."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

HERE = Path(__file__).parent
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "case.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "curbside.svg": "image/svg+xml",
}
"""The files of the pages, each with its type; nothing else in the folder is served here."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Added to every answer that does not say otherwise."""

ERRORS = {
    400: ("That cannot be read", "Something in the address or the form is not as it should be."),
    401: (
        "Please sign in",
        "Write /transcript to the bot, or /admin as an admin, and open the link it answers with.",
    ),
    403: ("Not allowed", "This is not open to you. That you asked is on record."),
    404: ("Nothing here", "The page does not exist, or the link is wrong, used or expired."),
    405: ("Not like this", "The page cannot be asked for in this way."),
    409: (
        "Somebody was faster",
        "It was changed meanwhile. Look at the page again before deciding.",
    ),
    413: ("Too long", "The form holds more than is taken."),
    415: ("Not a form", "The page takes forms only."),
    429: ("Too fast", "More was asked than is answered at once. Wait a moment, then try again."),
    500: ("Something went wrong", "It is on record and will be looked at. Nothing was changed."),
    503: ("Not just now", "The database does not answer. Nothing is lost; try again in a moment."),
}
"""What an error says: never a word of what was asked."""


def when(moment: datetime | None) -> str:
    """Return a moment as it reads in a table, in UTC to the second."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def count(number: float | None) -> str:
    """Return a number with thin spaces between thousands."""
    if number is None:
        return "–"
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def lasted(seconds: float | None) -> str:
    """Return a time span in its two largest units, the smaller one only if it is not 0."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    for length, unit, smaller, below in SPANS:
        if whole >= length:
            rest = whole % length // smaller
            return (
                f"{whole // length} {unit} {rest} {below}" if rest else f"{whole // length} {unit}"
            )
    return f"{whole} s"


SPANS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def size(number: float | None) -> str:
    """Return a number of bytes in a unit that fits."""
    if number is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004 - a thousand
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


@cache
def environment() -> Environment:
    """Return the templates: everything is escaped, and a name that is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(when=when, day=day, count=count, lasted=lasted, size=size)
    made.globals["static"] = static_address
    return made


def page(template: str, answer: int = 200, /, **values: Any) -> Response:
    """Return a page made from a template."""
    return HTMLResponse(environment().get_template(template).render(**values), answer)


def error_page(status: int, notice: str = "", back: str = "") -> Response:
    """Return the page of an error.

    ``notice`` is a sentence of ours about what to change, ``back`` the page where that is done.
    """
    title, words = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])  # noqa: PLR2004
    if notice and status == 409:  # noqa: PLR2004 - it says itself what stands against it
        title = "Not done"
    return page("error.html", status, title=title, words=notice or words, status=status, back=back)


async def on_http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return error_page(status)


@cache
def static_file(name: str) -> bytes:
    return HERE.joinpath("static", name).read_bytes()


@cache
def static_address(name: str) -> str:
    """Return the address of a file, which changes with its content: it may be kept for long."""
    return f"/static/{hashlib.sha256(static_file(name)).hexdigest()[:12]}/{name}"


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return error_page(404)
    headers: Mapping[str, str] = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(static_file(name), media_type=STATIC[name], headers=headers)


def static_routes() -> list[Route]:
    return [Route("/static/{digest}/{name}", _static, methods=["GET"])]


def safe(svg: str) -> Markup:
    """Mark a drawing of ``dialogs.charts``, which escapes its texts itself, as fit for a page."""
    return Markup(svg)  # noqa: S704 - made by our own functions, which escape
