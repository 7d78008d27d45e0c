"""How much of something is taken: token buckets in memory, and a limit that was hit on record."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from uuid import UUID

from storage import audit
from storage.transaction import Tx

MOST_KEPT = 4096
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, then ``per_second``."""

    per_second: float
    burst: float


ONCE_A_MINUTE = Rate(per_second=1 / 60, burst=1)


@dataclass(slots=True)
class Bucket:
    """What is left at ``rate``; ``at`` is the second in which ``left`` was true."""

    rate: Rate
    left: float
    at: float

    def wait(self, now: float) -> float:
        """Return the seconds until one may be taken, 0 when it may be now."""
        return max(0.0, (1 - self._level(now)) / self.rate.per_second)

    def take(self, now: float) -> None:
        """Count one as taken. It may be taken ahead: whoever comes next waits the longer."""
        self.left = self._level(now) - 1
        self.at = max(self.at, now)

    def full(self, now: float) -> bool:
        """Return whether the bucket is as good as new."""
        return self._level(now) >= self.rate.burst

    def _level(self, now: float) -> float:
        grown = max(0.0, now - self.at) * self.rate.per_second
        return min(self.rate.burst, self.left + grown)


@dataclass(slots=True)
class Buckets:
    """A bucket for each key; beyond ``most`` keys, the one not heard of for longest is forgotten."""

    rate: Rate
    clock: Callable[[], float] = monotonic
    most: int = MOST_KEPT
    _kept: OrderedDict[Hashable, Bucket] = field(default_factory=OrderedDict)

    def take(self, key: Hashable) -> bool:
        """Say whether one more of ``key`` is within the rate; one that is not does not count."""
        now = self.clock()
        bucket = self._kept.pop(key, None) or Bucket(self.rate, self.rate.burst, now)
        self._kept[key] = bucket
        if len(self._kept) > self.most:
            self._kept.popitem(last=False)
        within = bucket.wait(now) <= 0
        if within:
            bucket.take(now)
        return within

    def wait(self, key: Hashable) -> float:
        """Return the seconds until one more of ``key`` is within the rate, 0 when it is now."""
        bucket = self._kept.get(key)
        return 0.0 if bucket is None else bucket.wait(self.clock())


def note(tx: Tx, actor: UUID, kind: audit.Code) -> None:
    """Put on record that somebody hit the limit ``kind``; once a minute at most, whichever it is."""
    if audit.refused(tx, actor, "limit.hit", tx.now - NOTED_EVERY):
        return
    event = audit.Event(actor=actor, action="limit.hit", outcome="refused", meta={"kind": kind})
    audit.record(tx, event)


def note_denied(tx: Tx, actor: UUID, kind: audit.Code, status: audit.Code) -> None:
    """Put on record that somebody was turned away who is not approved; each kind once a minute."""
    if audit.done(tx, actor, f"use.{kind}", tx.now - NOTED_EVERY, outcome="denied"):
        return
    event = audit.Event(
        actor=actor,
        action=f"use.{kind}",
        object_type="person",
        object_id=actor,
        outcome="denied",
        meta={"status": status},
    )
    audit.record(tx, event)
