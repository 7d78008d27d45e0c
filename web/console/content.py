"""The scenario versions as they read, what changed between them, and how they do on the vignettes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import cache, partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dialogs import charts
from dialogs.checks import STALE_AFTER_DAYS
from dialogs.content import (
    PRIORITIES,
    Scenario,
    Source,
    Vignette,
    load_vignettes,
    scenario_names,
)
from dialogs.errors import ContentError
from dialogs.evaluation import evaluate
from dialogs.phases import MOVES, PHASES
from dialogs.rules import Record, Rule
from dialogs.wording import rule_words
from storage import console
from storage.transaction import Tx
from web.access import Visit
from web.console.filters import Unreadable
from web.console.site import Site, shown
from web.pages import safe

PARTS = (
    "questions",
    "findings",
    "considerations",
    "steps",
    "banners",
    "sources",
    "gaps",
    "consistency",
)
"""The parts of a scenario that are compared, item by item."""

ITS_ID = {"gaps": "key"}
NOT_COMPARED = {*PARTS, "id", "version", "body", "hash"}
AROUND = 60
"""Characters shown beside a change."""

LONGEST_PIECE = 4000
"""Characters of a field that are compared word by word."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a vignette came out."""

    case: Vignette
    step: str
    missing: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.missing and not self.wrong and self.step == self.case.step


Pieces = tuple[tuple[str, str], ...]
"""A text in pieces, each with its kind: same, del, ins."""


@dataclass(frozen=True, slots=True)
class Change:
    """One item that differs between two versions; ``fields`` are what differs in it."""

    part: str
    item: str
    kind: str
    fields: tuple[tuple[str, Pieces], ...] = ()


async def content(request: Request, *, site: Site) -> Response:
    def unit(tx: Tx, _visit: Visit) -> tuple[tuple[console.ContentRow, ...], Scenario]:
        return console.content_rows(tx), site.scenario_of(tx, None)

    visit, (rows, current) = await site.access.enter(request, "content", unit)
    return shown(
        "content.html",
        visit,
        here="content",
        title="Content",
        rows=[row for row in rows if row.hash != current.hash],
        current=current,
        results=results(current),
        sources=list(sources(current, site.clock().date())),
        diagram=safe(diagram()),
        moves=moves(),
    )


async def version(request: Request, *, site: Site) -> Response:
    digest, against = request.path_params["hash"], request.query_params.get("against", "")

    def unit(
        tx: Tx, _visit: Visit
    ) -> tuple[Scenario, Scenario | None, tuple[console.ContentRow, ...]]:
        first = _scenario(site, tx, digest)
        second = _scenario(site, tx, against) if against else None
        return first, second, console.content_rows(tx)

    visit, (scenario, other, rows) = await site.access.enter(request, "version", unit)
    return shown(
        "content_version.html",
        visit,
        here="content",
        title=f"{scenario.title}, {scenario.version}",
        scenario=scenario,
        other=other,
        others=[row for row in rows if row.hash != scenario.hash],
        changes=list(changes(other, scenario)) if other else [],
        rule=partial(rule_words, scenario=scenario),
        priorities=PRIORITIES,
        results=results(scenario),
    )


def _scenario(site: Site, tx: Tx, digest: str) -> Scenario:
    current = site.scenario_of(tx, None)
    if digest == current.hash:
        return current
    try:
        return site.scenario_of(tx, digest)
    except ContentError:
        raise Unreadable("This version can no longer be read.") from None


@cache
def results(scenario: Scenario) -> tuple[Result, ...]:
    """Return how a scenario does on its vignettes; none when it has none."""
    if scenario.id not in scenario_names():
        return ()
    return tuple(_result(case, scenario) for case in load_vignettes(scenario.id))


def _result(case: Vignette, scenario: Scenario) -> Result:
    found = evaluate(case.answers, scenario)
    seen = {*found.considerations, *found.banners}
    return Result(
        case,
        found.step,
        tuple(name for name in case.must if name not in seen),
        tuple(name for name in case.must_not if name in seen),
    )


def sources(scenario: Scenario, today: date) -> Iterator[tuple[Source, str]]:
    """Yield every source with what is wrong with it; empty for a fresh one. The wrong ones first."""
    found = [(source, _trouble(source, today)) for source in scenario.sources]
    yield from sorted(found, key=lambda each: (not each[1], each[0].title))


def _trouble(source: Source, today: date) -> str:
    if source.superseded_by:
        return "superseded"
    if source.checked_on is None:
        return "not yet checked against the original"
    days = (today - source.checked_on).days
    return f"checked {days} days ago" if days > STALE_AFTER_DAYS else ""


def changes(before: Scenario, after: Scenario) -> Iterator[Change]:
    """Yield what differs from one version to another, item by item, then what has no items."""
    for part in PARTS:
        old = _items(getattr(before, part), ITS_ID.get(part, "id"))
        new = _items(getattr(after, part), ITS_ID.get(part, "id"))
        yield from (Change(part, name, "removed") for name in old if name not in new)
        yield from (Change(part, name, "added") for name in new if name not in old)
        for name in old:
            if name in new and old[name] != new[name]:
                fields = _differing((old[name], before), (new[name], after))
                yield Change(part, name, "changed", tuple(fields))
    whole = _differing((before, before), (after, after))
    yield from (
        Change(name.replace("_", " "), "", "changed", ((name, pieces),)) for name, pieces in whole
    )


def _items(items: Sequence[Record], name: str) -> Mapping[str, Record]:
    return {str(getattr(item, name)): item for item in items}


def _differing(
    old: tuple[Record, Scenario], new: tuple[Record, Scenario]
) -> Iterator[tuple[str, Pieces]]:
    """Yield each field that differs, with its text word by word."""
    for name in type(old[0]).model_fields:
        was, is_now = (getattr(item, name) for item, _ in (old, new))
        skipped = isinstance(old[0], Scenario) and name in NOT_COMPARED
        if was != is_now and not skipped:
            yield name, pieces(as_text(was, old[1]), as_text(is_now, new[1]))


def as_text(value: Any, scenario: Scenario) -> str:
    """Return a value of a scenario for reading: rules as sentences, lists line by line."""
    if isinstance(value, Rule):
        return rule_words(value, scenario)
    if isinstance(value, Record):
        shown = ((name, as_text(part, scenario)) for name, part in value)
        return "; ".join(f"{name}: {part}" for name, part in shown if part)
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {as_text(part, scenario)}" for name, part in value.items())
    if isinstance(value, tuple):
        words = all(isinstance(part, str) for part in value)
        return (", " if words else "\n").join(as_text(part, scenario) for part in value)
    return "" if value is None or value is False else str(value)


def pieces(before: str, after: str) -> Pieces:
    """Return two texts as one, word by word: what stayed, what went, what came."""
    if max(len(before), len(after)) > LONGEST_PIECE:
        return (("del", before), ("ins", after))
    old, new = (re.findall(r"\S+|\s+", text) for text in (before, after))
    found: list[tuple[str, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", _shortened("".join(old[a:b]), first=a == 0, last=b == len(old))))
            continue
        found += [("del", "".join(old[a:b]))] * (b > a) + [("ins", "".join(new[c:d]))] * (d > c)
    return tuple(found)


def _shortened(text: str, *, first: bool, last: bool) -> str:
    """Return what stayed the same, of a long text only what stands beside a change."""
    if len(text) <= 3 * AROUND:
        return text
    before = "" if first else text[:AROUND]
    after = "" if last else text[-AROUND:]
    return f"{before} … {after}"


@dataclass(frozen=True, slots=True)
class Move:
    source: str
    dest: str
    trigger: str


def moves() -> tuple[Move, ...]:
    """Return the moves between the phases of a consult, as a list for reading."""
    return tuple(
        Move(source, row["dest"], row["trigger"])
        for row in MOVES
        for source in _sources_of(row["source"])
        if source != row["dest"]
    )


def _sources_of(given: Any) -> Sequence[str]:
    return given if isinstance(given, tuple | list) else (given,)


@cache
def diagram() -> str:
    """Return the phases of a consult and the moves between them, drawn."""
    drawn: dict[tuple[str, str], str] = {}
    for move in moves():
        key = (move.source, move.dest)
        drawn[key] = f"{drawn[key]}, {move.trigger}" if key in drawn else move.trigger
    return charts.arcs("Phases of a consult", PHASES, drawn)


ROUTES = (
    ("GET", "/console/content", content),
    ("GET", "/console/content/{hash}", version),
)
