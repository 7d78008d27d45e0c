"""A record as one HTML page that needs nothing else: on a phone, at a desk, on paper."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import accumulate

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from dialogs.record.values import Record


def as_page(record: Record, *, before: str = "", after: str = "") -> str:
    """Return the page; ``before`` and ``after`` are HTML of whoever shows it, such as forms.

    A file has neither, so that it is the same whoever makes it.
    """
    return _rendered(record, paper=False, before=before, after=after)


def as_sheet(record: Record) -> str:
    """Return the page for paper, to be laid out with ``sheet_style``.

    It has less markup than the page, as laying out costs by the element.
    """
    return _rendered(record, paper=True)


def _rendered(record: Record, *, paper: bool, before: str = "", after: str = "") -> str:
    return (
        _environment()
        .get_template("record.html")
        .render(
            record=record,
            paper=paper,
            style=Markup(style()),  # noqa: S704 - our own file
            before=Markup(before),  # noqa: S704 - made by a template that escapes
            after=Markup(after),  # noqa: S704 - made by a template that escapes
        )
    )


@cache
def style() -> str:
    """Return the style sheet that stands in the page: for the screen, and for printing it."""
    return f"@media screen {{\n{_read('record.css')}}}\n@media print {{\n{paper_style()}}}\n"


@cache
def paper_style() -> str:
    return _read("paper.css")


@cache
def sheet_style() -> str:
    """Return all the style that a sheet needs, without that of a browser."""
    return _read("elements.css") + paper_style()


@cache
def style_digest() -> str:
    """Return what a Content-Security-Policy names to allow this style sheet and no other."""
    return "sha256-" + b64encode(hashlib.sha256(style().encode()).digest()).decode("ascii")


def halves(parts: Sequence[str]) -> list[Markup]:
    """Return the parts as one or two columns of about the same length, in their order."""
    whole = sum(map(len, parts))
    sums = list(accumulate(map(len, parts), initial=0))
    cut = min(range(len(parts) + 1), key=lambda place: (abs(2 * sums[place] - whole), place))
    columns = [parts[:cut], parts[cut:]] if 0 < cut < len(parts) else [parts]
    return [Markup("").join(column) for column in columns]


def _read(name: str) -> str:
    return files("dialogs.record").joinpath(name).read_text("utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=DictLoader({"record.html": _read("record.html")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["halves"] = halves
    return made
