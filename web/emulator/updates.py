"""The queue of updates for the bot: identifiers, expiry, acknowledgement, allowed kinds."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from web.emulator.limits import CALLBACK_SECONDS, QUIET_DAYS, UPDATE_HOURS
from web.emulator.store import Store, values_of

NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
SHORT_LIVED = frozenset({"callback_query", "inline_query"})
HIGHEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Update:
    id: int
    kind: str
    content: dict[str, Any]
    queue: str
    """Updates of one queue are delivered to a webhook one at a time."""
    expires: float

    def wire(self) -> dict[str, Any]:
        return {"update_id": self.id, self.kind: self.content}


@dataclass(slots=True)
class Updates:
    store: Store
    clock: Callable[[], datetime]
    chance: random.Random
    waiting: dict[int, Update] = field(default_factory=dict)
    next_id: int = 0
    last_at: float = 0.0
    allowed: tuple[str, ...] | None = None
    """What was last asked for; None for the default, everything but three kinds."""
    acknowledged: int = 0
    expired: int = 0
    on_new: list[Callable[[], None]] = field(default_factory=list)

    def load(self) -> None:
        saved: dict[str, Any] = dict(self.store.items("queue"))
        self.next_id = saved.get("next_id", 0)
        self.last_at = saved.get("last_at", 0.0)
        allowed = saved.get("allowed")
        self.allowed = None if allowed is None else tuple(allowed)
        found = [Update(**value) for _, value in self.store.items("update")]
        self.waiting = {u.id: u for u in sorted(found, key=lambda u: u.id)}

    def put(self, kind: str, content: dict[str, Any], queue: str) -> int | None:
        """Queues one update and returns its identifier, None where the bot did not ask for it."""
        if not self.wanted(kind):
            return None
        now = self.clock().timestamp()
        life = CALLBACK_SECONDS if kind in SHORT_LIVED else UPDATE_HOURS * 3600
        update = Update(self.fresh_id(now), kind, content, queue, now + life)
        self.waiting[update.id] = update
        self.store.put("update", str(update.id), values_of(update))
        for ring in tuple(self.on_new):
            ring()
        return update.id

    def wanted(self, kind: str) -> bool:
        if self.allowed is None:
            return kind not in NOT_BY_DEFAULT
        return kind in self.allowed

    def fresh_id(self, now: float) -> int:
        """One more than the last, random at first and after a week without updates."""
        quiet = now - self.last_at > timedelta(days=QUIET_DAYS).total_seconds()
        if self.next_id == 0 or (quiet and not self.waiting):
            self.next_id = self.chance.randrange(1_000_000, HIGHEST // 2)
        number, self.next_id, self.last_at = self.next_id, self.next_id + 1, now
        self.store.put("queue", "next_id", self.next_id)
        self.store.put("queue", "last_at", self.last_at)
        return number

    def allow(self, kinds: list[str] | None) -> None:
        """Sets the wanted kinds; an empty list is the default, None leaves them as they are."""
        if kinds is not None:
            self.allowed = tuple(kinds) or None
            self.store.put("queue", "allowed", kinds or None)

    def batch(self, offset: int, limit: int) -> list[Update]:
        """Forgets what the offset acknowledges and returns the next updates."""
        if offset < 0:
            self.forget(list(self.waiting)[:offset])
        elif 0 < offset <= self.next_id:
            self.acknowledged += self.forget([n for n in self.waiting if n < offset])
        self.drop_expired()
        return list(self.waiting.values())[:limit]

    def drop_expired(self) -> None:
        now = self.clock().timestamp()
        self.expired += self.forget([n for n, u in self.waiting.items() if u.expires <= now])

    def forget(self, numbers: list[int]) -> int:
        for number in numbers:
            self.waiting.pop(number, None)
            self.store.drop("update", str(number))
        return len(numbers)
