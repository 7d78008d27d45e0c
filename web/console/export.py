"""The log as a file: read in small pages and sent as it is read, so that its size does not matter."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storage import audit, console
from storage.console import Cells, LogFilter
from storage.transaction import Tx
from web.access import BadForm, Visit
from web.console import filters
from web.console.jobs import Job
from web.console.site import Site, address, shown

Format = Literal["csv", "jsonl"]
BATCH = 5000
BUSY = "Two exports are being sent just now. Wait until one is done, then try again."
KINDS: Mapping[str, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}

COLUMNS: Mapping[str, str] = {
    "seq": "The event's number in the log, from 1; the order of everything.",
    "at": "When, in UTC, to the microsecond.",
    "person": "Who did it, as a pseudonym; empty for Curbside itself.",
    "action": "What was done: a code, object first.",
    "object_type": "What it was done to: a kind.",
    "object_id": "Which one: an identifier.",
    "case": "The case it belongs to: an identifier, or empty.",
    "outcome": "How it ended: ok, denied, refused and other codes.",
    "meta": "Further codes and whole numbers, as JSON.",
}
"""The data dictionary: each column with its meaning; ``docs/data-dictionary.md`` has it as well."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An export that was begun."""

    job: Job
    filter: LogFilter
    after: int
    through: int


async def page(request: Request, *, site: Site) -> Response:
    """Show what will be exported, what the columns mean, and how far running exports are."""
    values = filters.values(request.query_params)

    def unit(tx: Tx, _visit: Visit) -> tuple[int, int]:
        return console.span(tx, filters.log_filter(tx, values))

    visit, (first, last) = await site.access.enter(request, "export", unit)
    return shown(
        "export.html",
        visit,
        here="log",
        title="Export the log",
        values=values,
        most=max(0, last - first),
        columns=COLUMNS,
        back=address("/console/log", values),
        again=address("/console/export", values),
        jobs=site.jobs.of("export"),
        refresh=2 if site.jobs.running("export") else None,
    )


async def send(request: Request, *, site: Site) -> Response:
    """Put on record that the log is exported, then send it."""

    def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> tuple[Wanted, Format]:
        form: Format = "csv" if fields.get("format") == "csv" else "jsonl"
        if fields.get("format") not in KINDS:
            raise BadForm(400, "The format is csv or jsonl.")
        values = filters.values(fields)
        wanted = filters.log_filter(tx, values)
        first, last = console.span(tx, wanted)
        job = site.jobs.begin("export", visit.member.id, max(0, last - first))
        meta: dict[str, int | str] = {"format": form, "through": last}
        _record(tx, job, "log.export", meta | filters.on_record(values, wanted))
        return Wanted(job, wanted, first, last), form

    if site.exporting.locked():
        raise BadForm(429, BUSY)
    wanted, form = await site.access.act(request, unit, step_up=True)
    name = f"curbside-log-{site.clock():%Y%m%d-%H%M%S}.{form}"
    return StreamingResponse(
        stream(site, wanted, LINES[form]),
        media_type=KINDS[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def stream(
    site: Site, wanted: Wanted, lines: Callable[[Sequence[Cells], bool], str]
) -> AsyncIterator[bytes]:
    """Yield the export in parts, and keep how far it is; its end is put on record as well."""
    async with site.exporting:
        async for part in _parts(site, wanted, lines):
            yield part


async def _parts(
    site: Site, wanted: Wanted, lines: Callable[[Sequence[Cells], bool], str]
) -> AsyncIterator[bytes]:
    job, after, rows, state = wanted.job, wanted.after, 0, "failed"
    try:
        first = True
        while batch := await site.database.read(lambda tx, after=after: _rows(tx, wanted, after)):  # type: ignore[misc]
            yield lines(batch, first).encode()
            first, after, rows = False, batch[-1][0], rows + len(batch)
            site.jobs.update(job, done=after - wanted.after, rows=rows)
            if len(batch) < BATCH:
                break
        if first:
            yield lines([], first).encode()
        state = "done"
    finally:
        site.jobs.update(job, state=state, rows=rows)
    await site.database.write(lambda tx: _record(tx, job, "log.export_end", {"rows": rows}))


def _rows(tx: Tx, wanted: Wanted, after: int) -> list[Cells]:
    return console.log_rows(tx, wanted.filter, after=after, through=wanted.through, limit=BATCH)


def _record(tx: Tx, job: Job, action: str, meta: Mapping[str, int | str]) -> None:
    event = audit.Event(
        actor=job.person_id, action=action, object_type="log", object_id=job.id, meta=meta
    )
    audit.record(tx, event)


def csv_lines(entries: Sequence[Cells], first: bool) -> str:
    """Return rows of CSV; values are codes, so that none begins like a formula."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    if first:
        table.writerow(COLUMNS)
    table.writerows(entries)
    return out.getvalue()


def json_lines(entries: Sequence[Cells], first: bool) -> str:
    """Return one object a line; the values are codes and ids, which need no escaping."""
    names = list(COLUMNS)[1:-1]
    shape = "".join(f', "{name}": "%s"' for name in names)
    return "".join(
        f'{{"seq": {cells[0]}{shape % cells[1:-1]}, "meta": {cells[-1]}}}\n' for cells in entries
    )


LINES: Mapping[Format, Callable[[Sequence[Cells], bool], str]] = {
    "csv": csv_lines,
    "jsonl": json_lines,
}

ROUTES = (("GET", "/console/export", page), ("POST", "/console/export", send))
