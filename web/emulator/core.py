"""The emulated Telegram seen by one bot: its world, its updates, its faults and its log."""

import asyncio
import random
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from web.emulator.faults import Faults
from web.emulator.limits import CALLBACK_SECONDS
from web.emulator.rates import Rates
from web.emulator.store import Store, values_of
from web.emulator.updates import Updates
from web.emulator.world import Json, User, World

OK = 200
LOGGED = 5_000
"""Calls and toasts kept for asserts."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the bot: what it asked for and what it was told."""

    method: str
    params: Json
    at: datetime
    code: int
    description: str = ""
    fault: str = ""


@dataclass(slots=True)
class Query:
    """A tapped button or an inline query that waits for its answer."""

    id: str
    user_id: int
    chat_id: int
    message_id: int
    words: str
    at: float
    inline_id: str = ""


@dataclass(frozen=True, slots=True)
class Toast:
    """What the answer to a tapped button showed; an empty text only ends the spinner."""

    user_id: int
    query_id: str
    text: str = ""
    alert: bool = False
    url: str = ""


@dataclass(slots=True)
class Webhook:
    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error_at: int = 0
    last_error: str = ""


@dataclass(slots=True)
class Emulator:
    """One bot's Telegram. Methods are in the other modules; this holds what they share."""

    token: str
    world: World
    updates: Updates
    store: Store
    chance: random.Random
    privacy: bool = True
    """In groups the bot gets only commands, replies to it and service messages."""
    rates: Rates | None = None
    strict_polling: bool = False
    """Polling the same offset again within half a second brings one update, as at Telegram."""
    webhook_pause: float = 2.0
    """Seconds before the second retry of a webhook; doubled each time."""
    leads_to: dict[str, str] = field(default_factory=dict)
    """The beginning of a webhook's address -> what it leads to here, instead of names and TLS."""
    faults: Faults = field(default_factory=Faults)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=LOGGED))
    queries: dict[str, Query] = field(default_factory=dict)
    toasts: deque[Toast] = field(default_factory=lambda: deque(maxlen=LOGGED))
    inline_answers: dict[str, Json] = field(default_factory=dict)
    commands: dict[str, list[Json]] = field(default_factory=dict)
    profile: dict[str, str] = field(default_factory=dict)
    webhook: Webhook = field(default_factory=Webhook)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def bot(self) -> User:
        return self.world.bot

    @property
    def path(self) -> str:
        """Where the Bot API of this bot lives below the server's address."""
        return f"/bot{self.token}"

    def load(self) -> None:
        self.world.load()
        self.updates.load()
        self.queries = {key: Query(**value) for key, value in self.store.items("query")}
        self.commands = dict(self.store.items("commands"))
        self.profile = dict(self.store.items("profile"))
        hooks = [Webhook(**value) for _, value in self.store.items("webhook")]
        self.webhook = hooks[0] if hooks else Webhook()

    def asked(self, query: Query) -> Query:
        self.queries[query.id] = query
        self.store.put("query", query.id, values_of(query))
        return query

    def answered(self, query_id: str) -> Query | None:
        """The query if it still waits for an answer; it no longer does afterwards."""
        query = self.queries.pop(query_id, None)
        if query is None:
            return None
        self.store.drop("query", query_id)
        age = self.world.now().timestamp() - query.at
        return query if age <= CALLBACK_SECONDS else None

    def fresh_query_id(self) -> str:
        return str(self.chance.randrange(10**17, 10**18))

    def keep_webhook(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self.store.put("webhook", "it", values_of(webhook))

    def sent(self, method: str) -> list[Json]:
        """Parameters of every call of that method that was not refused."""
        return [c.params for c in self.calls if c.method.lower() == method.lower() and c.code == OK]

    def refusals(self) -> list[Call]:
        """Calls Telegram would have refused, injected faults aside."""
        return [c for c in self.calls if c.code != OK and not c.fault]

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[asyncio.Queue[Json]]:
        """Every change from now on as a queue of events, on whichever loop it is awaited."""
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[Json]()

        def hear(event: Json) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, event)

        self.world.listeners.append(hear)
        try:
            yield queue
        finally:
            self.world.listeners.remove(hear)

    async def until(self, true: Callable[[], Any], seconds: float = 5.0) -> Any:
        """The first true value of `true()`, looked at after every change; TimeoutError after."""
        async with asyncio.timeout(seconds), self.heard() as events:
            while not (value := true()):
                await events.get()
        return value

    async def quiet(self, seconds: float = 0.05, *, within: float = 10.0) -> None:
        """Returns once the bot has fetched all updates and been silent for that long."""
        async with asyncio.timeout(within), self.heard() as events:
            while True:
                try:
                    await asyncio.wait_for(events.get(), seconds)
                except TimeoutError:
                    if not self.updates.waiting:
                        return

    def close(self) -> None:
        """Ends every stream of events and the poll that waits, and closes the file."""
        self.world.tell({"type": "closed"})
        for ring in tuple(self.updates.on_new):
            ring()
        self.store.close()
