"""Webhook mode: setting it, and delivering updates until the bot says 2xx."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from web.emulator.core import Emulator, Webhook
from web.emulator.errors import bad
from web.emulator.limits import SECRET_TOKEN
from web.emulator.polling import allowed
from web.emulator.request import Params
from web.emulator.updates import Update
from web.emulator.world import Json

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LONGEST_PAUSE = 60.0
ANSWER_SECONDS = 60.0


def set_webhook(emulator: Emulator, params: Params) -> bool:
    url, secret = params.text("url"), params.text("secret_token")
    if not url:
        return delete_webhook(emulator, params)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise bad("invalid webhook URL specified")
    if parts.hostname not in LOOPBACK:
        raise bad("bad webhook: this emulator delivers to loopback only")
    if len(secret) > SECRET_TOKEN:
        raise bad("secret token is too long")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", secret):
        raise bad("secret token contains unallowed characters")
    emulator.updates.allow(allowed(params))
    change(emulator, Webhook(url, secret, params.within("max_connections", 40, 1, 100)), params)
    return True


def delete_webhook(emulator: Emulator, params: Params) -> bool:
    change(emulator, Webhook(), params)
    return True


def change(emulator: Emulator, webhook: Webhook, params: Params) -> None:
    if params.flag("drop_pending_updates"):
        emulator.updates.forget(list(emulator.updates.waiting))
    emulator.keep_webhook(webhook)
    for ring in tuple(emulator.updates.on_new):
        ring()


def get_webhook_info(emulator: Emulator, params: Params) -> Json:
    hook = emulator.webhook
    shown: Json = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(emulator.updates.waiting),
    }
    if hook.url:
        shown |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
    if hook.last_error:
        shown |= {"last_error_date": hook.last_error_at, "last_error_message": hook.last_error}
    if emulator.updates.allowed is not None:
        shown["allowed_updates"] = list(emulator.updates.allowed)
    return shown


class Deliveries:
    """One task for each queue with updates; a queue delivers one update at a time."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.busy: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        async with self.running():
            yield

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delivers while the block runs."""
        wake = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ring() -> None:
            loop.call_soon_threadsafe(wake.set)

        self.emulator.updates.on_new.append(ring)
        task = asyncio.create_task(self.watch(wake))
        try:
            yield
        finally:
            self.emulator.updates.on_new.remove(ring)
            for each in (task, *self.busy.values()):
                each.cancel()
            await asyncio.gather(task, *self.busy.values(), return_exceptions=True)

    async def watch(self, wake: asyncio.Event) -> None:
        wake.set()
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        ) as session:
            while True:
                await wake.wait()
                wake.clear()
                if self.emulator.webhook.url:
                    self.start(session)

    def start(self, session: aiohttp.ClientSession) -> None:
        for queue in {update.queue for update in self.emulator.updates.waiting.values()}:
            if queue not in self.busy:
                task = asyncio.create_task(self.drain(queue, session))
                self.busy[queue] = task

    async def drain(self, queue: str, session: aiohttp.ClientSession) -> None:
        try:
            while (update := self.first(queue)) is not None:
                await self.deliver(update, session)
        finally:
            self.busy.pop(queue, None)

    def first(self, queue: str) -> Update | None:
        if not self.emulator.webhook.url:
            return None
        with self.emulator.lock:
            self.emulator.updates.drop_expired()
            waiting = self.emulator.updates.waiting.values()
            return next((update for update in waiting if update.queue == queue), None)

    async def deliver(self, update: Update, session: aiohttp.ClientSession) -> None:
        """Tries until 2xx: again at once, then after 2, 4, 8 ... seconds."""
        pause = 0.0
        while update.id in self.emulator.updates.waiting and self.emulator.webhook.url:
            if await self.attempt(update, session):
                self.emulator.updates.acknowledged += self.emulator.updates.forget([update.id])
                self.emulator.world.tell({"type": "acknowledged", "update": update.id})
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2 or self.emulator.webhook_pause, LONGEST_PAUSE)
            self.emulator.updates.drop_expired()

    def here(self, url: str) -> str:
        for begins, leads in self.emulator.leads_to.items():
            if url.startswith(begins):
                return leads + url.removeprefix(begins)
        return url

    async def attempt(self, update: Update, session: aiohttp.ClientSession) -> bool:
        hook = self.emulator.webhook
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        problem = "Connection refused"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(
                self.here(hook.url), json=update.wire(), headers=headers
            ) as answer:
                if answer.ok:
                    return True
                problem = f"Wrong response from the webhook: {answer.status} {answer.reason}"
        hook.last_error, hook.last_error_at = problem, self.emulator.world.seconds()
        return False
