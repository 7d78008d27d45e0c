"""The scenario versions as they read, what changed between them, and how they do on the vignettes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dialogs import charts
from dialogs.checks import STALE_AFTER_DAYS
from dialogs.content import Scenario, Source, Vignette, load_vignettes, scenario_names
from dialogs.errors import ContentError
from dialogs.evaluation import evaluate
from dialogs.phases import MOVES, PHASES
from dialogs.rules import Record
from storage import console
from storage.transaction import Tx
from web.access import Visit
from web.console.filters import Unreadable
from web.console.site import Site, shown
from web.pages import safe

PARTS = ("questions", "considerations", "steps", "banners", "sources", "gaps", "consistency")
"""The parts of a scenario that are compared, item by item."""

ITS_ID = {"gaps": "key"}


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


@dataclass(frozen=True, slots=True)
class Change:
    """One item that differs between two versions; ``fields`` are what differs in it."""

    part: str
    item: str
    kind: str
    fields: tuple[str, ...] = ()


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
    """Yield what differs from one version to another, item by item."""
    for part in PARTS:
        old = _items(getattr(before, part), ITS_ID.get(part, "id"))
        new = _items(getattr(after, part), ITS_ID.get(part, "id"))
        yield from (Change(part, name, "removed") for name in old if name not in new)
        yield from (Change(part, name, "added") for name in new if name not in old)
        for name in old:
            if name in new and old[name] != new[name]:
                yield Change(part, name, "changed", tuple(_differing(old[name], new[name])))
    if before.step_order != after.step_order:
        yield Change("step table", "rows", "changed")


def _items(items: Sequence[Record], name: str) -> Mapping[str, Record]:
    return {str(getattr(item, name)): item for item in items}


def _differing(old: Record, new: Record) -> Iterable[str]:
    return (name for name in type(old).model_fields if getattr(old, name) != getattr(new, name))


@cache
def diagram() -> str:
    """Return the phases of a consult and the moves between them, drawn."""
    moves: dict[tuple[str, str], str] = {}
    for row in MOVES:
        given: Any = row["source"]
        for source in given if isinstance(given, tuple | list) else (given,):
            key = (source, row["dest"])
            moves[key] = f"{moves[key]}, {row['trigger']}" if key in moves else row["trigger"]
    return charts.arcs(
        "Phases of a consult", PHASES, {k: v for k, v in moves.items() if k[0] != k[1]}
    )


ROUTES = (
    ("GET", "/console/content", content),
    ("GET", "/console/content/{hash}", version),
)
