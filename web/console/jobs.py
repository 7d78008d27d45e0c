"""What takes longer than a page: exports and verifications, with how far they are."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from storage.ids import new_id

State = Literal["running", "done", "failed"]
MOST_JOBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something that runs or has run; ``done`` of ``total`` events are behind it."""

    id: UUID
    kind: str
    person_id: UUID
    began_at: datetime
    total: int
    done: int = 0
    rows: int = 0
    state: State = "running"
    result: str = ""
    problems: tuple[str, ...] = ()

    @property
    def share(self) -> int:
        """Return how far it is, in per cent."""
        return 100 if self.state == "done" else min(99, 100 * self.done // max(self.total, 1))


class Jobs:
    """The last jobs of this process, in memory only; those that have ended are forgotten first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: OrderedDict[UUID, Job] = OrderedDict()

    def begin(self, kind: str, person_id: UUID, total: int) -> Job:
        job = Job(id=new_id(), kind=kind, person_id=person_id, began_at=self._clock(), total=total)
        self._known[job.id] = job
        if len(self._known) > MOST_JOBS:
            ended = (each.id for each in self._known.values() if each.state != "running")
            del self._known[next(ended, next(iter(self._known)))]
        return job

    def update(self, job: Job, **changes: object) -> Job:
        """Keep and return a job as it is now."""
        made = replace(self._known.get(job.id, job), **changes)  # type: ignore[arg-type]
        if job.id in self._known:
            self._known[job.id] = made
        return made

    def of(self, kind: str) -> tuple[Job, ...]:
        """Return the jobs of a kind, the newest first."""
        return tuple(job for job in reversed(self._known.values()) if job.kind == kind)

    def running(self, kind: str) -> bool:
        return any(job.state == "running" for job in self.of(kind))
