"""Whether the log is whole, and what would tell if it were not."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from storage import audit, console
from storage.checkpoints import Checkpoint, UnreadableAnchor, anchors_of
from storage.errors import StorageError
from storage.transaction import Tx
from storage.verification import VerifyReport, verify
from web.access import Visit
from web.console.jobs import Job
from web.console.site import Site, nag, shown

PATH = "/console/integrity"


async def integrity(request: Request, *, site: Site) -> Response:
    def unit(tx: Tx, _visit: Visit) -> tuple[console.Integrity, console.Reviewed]:
        return console.integrity(tx), console.reviewed(tx)

    visit, (found, reviewed) = await site.access.enter(request, "integrity", unit)
    return shown(
        "integrity.html",
        visit,
        here="integrity",
        title="Integrity",
        nag=nag(reviewed),
        found=found,
        reviewed=reviewed,
        anchored=site.anchor_file is not None,
        backed_up=await asyncio.to_thread(newest_backup, site.data_dir),
        jobs=site.jobs.of("verify"),
        running=site.jobs.running("verify"),
        refresh=2 if site.jobs.running("verify") else None,
        now=visit.now,
    )


def newest_backup(folder: Path | None) -> datetime | None:
    """Return when the newest backup was made of those that ``run_bot.py backup`` keeps by itself."""
    if folder is None:
        return None
    made = [path.stat().st_mtime for path in folder.joinpath("backups").glob("*.backup")]
    return datetime.fromtimestamp(max(made), UTC) if made else None


async def begin(request: Request, *, site: Site) -> Response:
    """Begin to verify the log, unless that is running."""

    def unit(tx: Tx, visit: Visit, _fields: Mapping[str, str]) -> tuple[Visit, int]:
        return visit, console.reviewed(tx).newest

    visit, newest = await site.access.act(request, unit)
    if not site.jobs.running("verify"):
        job = site.jobs.begin("verify", visit.member.id, newest)
        task = asyncio.create_task(run(site, job))
        site.tasks.add(task)
        task.add_done_callback(site.tasks.discard)
    return RedirectResponse(PATH, 303)


async def run(site: Site, job: Job) -> None:
    """Verify the log beside the work of the database, and put the result on record."""

    def told(events: int) -> None:
        site.jobs.update(job, done=events)

    try:
        anchors = await asyncio.to_thread(_anchors, site)
        report = await site.database.read(lambda tx: verify(tx, anchors, told))
    except (StorageError, OSError, UnreadableAnchor) as error:
        site.jobs.update(job, state="failed", result=type(error).__name__)
        return
    await site.database.write(lambda tx: _record(tx, job, report))
    result = "whole" if report.ok else "not whole"
    site.jobs.update(
        job,
        state="done",
        rows=report.events,
        result=result,
        problems=tuple(str(problem) for problem in report.problems),
    )


def _anchors(site: Site) -> list[Checkpoint] | None:
    if site.anchor_file is None or not site.anchor_file.exists():
        return None
    return anchors_of(site.anchor_file)


def _record(tx: Tx, job: Job, report: VerifyReport) -> None:
    event = audit.Event(
        actor=job.person_id,
        action="audit.verify",
        object_type="log",
        outcome="ok" if report.ok else "problems",
        meta={
            "events": report.events,
            "problems": len(report.problems),
            "anchored": report.anchored,
        },
    )
    audit.record(tx, event)


ROUTES = (("GET", PATH, integrity), ("POST", "/console/integrity/verify", begin))
