"""Faults on demand: the next calls, or a share of all calls drawn from a seed."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "429",
    "500",
    "502",
    "401",
    "403",
    "409",
    "truncated",
    "slow",
    "dropped",
    "duplicate",
    "reorder",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_UPDATES = frozenset({"duplicate", "reorder"})
"""These change what getUpdates brings and are drawn for that method only."""
LOSING = frozenset({"dropped", "truncated"})
"""The effect happens, the answer does not arrive."""


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    method: str = ""
    """Lower-case method it is for; empty for every method but getUpdates."""
    retry_after: int = 1
    seconds: float = 1.0
    """How long a slow answer takes."""
    chat: int | None = None

    def fits(self, method: str, chat: int | None) -> bool:
        if self.chat not in {None, chat}:
            return False
        if self.kind in OF_UPDATES:
            return method == "getupdates"
        return method == self.method if self.method else method != "getupdates"


@dataclass(slots=True)
class Faults:
    """Faults to come and a count of those that came."""

    seed: int = 0
    planned: list[Fault] = field(default_factory=list)
    shares: list[tuple[float, Fault]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dropped_replies: int = 0
    """Answers that did not arrive whole although the call took effect, getUpdates aside."""
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.reseed(self.seed)

    def reseed(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - a replayable schedule, no secret

    def next(
        self,
        kind: Kind,
        *,
        times: int = 1,
        method: str = "",
        retry_after: int = 1,
        seconds: float = 1.0,
        chat: int | None = None,
    ) -> None:
        """The next `times` calls (of that method, in that chat) meet the fault."""
        fault = Fault(kind, method.lower(), retry_after, seconds, chat)
        self.planned += [fault] * times

    def at_random(
        self,
        kind: Kind,
        probability: float,
        *,
        method: str = "",
        retry_after: int = 1,
        seconds: float = 1.0,
    ) -> None:
        """That share of calls meets the fault, drawn from the seed."""
        self.shares.append((probability, Fault(kind, method.lower(), retry_after, seconds)))

    def clear(self) -> None:
        """No further faults; counts stay."""
        self.planned.clear()
        self.shares.clear()

    def draw(self, method: str, chat: int | None = None) -> Fault | None:
        """The fault this call meets, None for none."""
        fault = self.planned_for(method, chat) or self.chosen_for(method, chat)
        if fault is not None:
            self.counts[fault.kind] += 1
            self.dropped_replies += fault.kind in LOSING and method != "getupdates"
        return fault

    def planned_for(self, method: str, chat: int | None) -> Fault | None:
        for place, fault in enumerate(self.planned):
            if fault.fits(method, chat):
                return self.planned.pop(place)
        return None

    def chosen_for(self, method: str, chat: int | None) -> Fault | None:
        for probability, fault in self.shares:
            if fault.fits(method, chat) and self.chance.random() < probability:
                return fault
        return None
