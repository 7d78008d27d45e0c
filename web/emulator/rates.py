"""Telegram's sending limits as buckets; a test that does not want them leaves them out."""

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from web.emulator.errors import too_many


@dataclass(slots=True)
class Rates:
    """About 30 messages a second in all, 1 a second to a person, 20 a minute to a group."""

    overall: int = 30
    private: int = 1
    private_burst: int = 5
    """Messages a person may get at once before the limit of one a second bites."""
    group: int = 20
    clock: Callable[[], float] = time.monotonic
    every: deque[float] = field(default_factory=deque)
    chats: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, chat: int, *, private: bool) -> None:
        """Counts one message to the chat or raises 429 with the seconds to wait."""
        now = self.clock()
        limit, window = self.limit(private=private)
        wait = max(
            self.wait(self.every, self.overall, 1.0, now),
            self.wait(self.chats[chat], limit, window, now),
        )
        if wait > 0:
            raise too_many(int(wait) + 1)
        self.every.append(now)
        self.chats[chat].append(now)

    def limit(self, *, private: bool) -> tuple[int, float]:
        if private:
            return self.private_burst, self.private_burst / self.private
        return self.group, 60.0

    @staticmethod
    def wait(times: deque[float], limit: int, window: float, now: float) -> float:
        while times and times[0] <= now - window:
            times.popleft()
        return times[0] + window - now if len(times) >= limit else 0.0
