"""Looks for what would stop the bot; each finding says what to do about it."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
from telegram.error import InvalidToken, TelegramError

from bot.hygiene import redact
from bot.settings import Settings
from bot.transport import Telegram
from bot.webhook import PATH
from dialogs.content import load_scenario
from dialogs.errors import ConsultError
from storage import console, diagnosis, people
from storage.console import System
from storage.database import is_there, open_for_reading
from storage.errors import StorageError
from storage.keys import Keyring

FREE_MIB = 200
CLOCK_SECONDS = 30
MOST_MET = 3
LATE_MINUTES = 10
"""A message that is unsent for so long waits for something that does not come by itself."""

BUG_FIXED = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""SQLite versions from which the WAL-reset bug is fixed, each in its own line of releases."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``remedy`` is empty when it is well."""

    what: str
    found: str
    remedy: str = ""

    @property
    def line(self) -> str:
        return f"{'FAIL' if self.remedy else 'ok  '} {self.what}: {self.found}" + (
            f" -> {self.remedy}" if self.remedy else ""
        )

    @property
    def json(self) -> str:
        told = {
            "what": self.what,
            "ok": not self.remedy,
            "found": self.found,
            "remedy": self.remedy,
        }
        return json.dumps(told, ensure_ascii=False)


async def findings(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Finding]:
    """Yield what was found, one line a thing; nothing is changed."""
    yield versions()
    yield sqlite_version(settings)
    yield scenario(settings)
    yield disk(settings)
    found, keys = keyring(settings)
    yield found
    if not_yet(settings):
        yield Finding("database", FIRST_START)
    elif keys is not None:
        async for finding in database(settings, keys, clock):
            yield finding
    yield anchors(settings)
    yield await admins(settings, keys, clock)
    if settings.token is None:
        yield Finding("token", "none: the local phone is served instead of Telegram")
        return
    async for finding in telegram(settings):
        yield finding
    yield await time_difference(settings, clock)


def versions() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    names = ("python-telegram-bot", "sqlalchemy", "starlette", "cryptography")
    found = ", ".join(f"{name} {version(name)}" for name in names)
    return Finding("versions", f"Python {python}, {found}")


def sqlite_version(settings: Settings) -> Finding:
    if not settings.database_url.startswith("sqlite"):
        return Finding("sqlite", "not used")
    mine = tuple(map(int, sqlite3.sqlite_version.split(".")))
    fixed = any(
        mine >= least and (mine[:2] == least[:2] or least == BUG_FIXED[0]) for least in BUG_FIXED
    )
    note = (
        ""
        if fixed
        else "; in the range of the WAL-reset bug, which one writer and no other program avoids"
    )
    return Finding("sqlite", sqlite3.sqlite_version + note)


def scenario(settings: Settings) -> Finding:
    try:
        found = load_scenario(settings.scenario)
    except ConsultError:
        return Finding(
            "scenario", settings.scenario, "set CURBSIDE_SCENARIO to one that exists: mat_pain"
        )
    return Finding("scenario", f"{found.id}, version {found.version}, {found.hash[:12]}")


def disk(settings: Settings) -> Finding:
    folder = (
        settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    )
    try:
        free = shutil.disk_usage(folder).free // 2**20
    except OSError:
        return Finding(
            "disk",
            f"{settings.data_dir} cannot be read",
            "set CURBSIDE_DATA_DIR to a folder of yours",
        )
    remedy = f"free at least {FREE_MIB} MiB" if free < FREE_MIB else ""
    return Finding("disk", f"{free} MiB free in {settings.data_dir}", remedy)


FIRST_START = "none yet: the first start makes it (make run)"


def not_yet(settings: Settings) -> bool:
    """Say whether this is before the first start: neither database nor keys file was made."""
    try:
        return not is_there(settings.database_url) and not settings.keys_file.exists()
    except StorageError:
        return False


def keyring(settings: Settings) -> tuple[Finding, Keyring | None]:
    try:
        if settings.keys is not None:
            return Finding("keys", "from CURBSIDE_KEYS"), Keyring.of_text(
                settings.keys.get_secret_value()
            )
        if not_yet(settings):
            return Finding("keys", FIRST_START), None
        keys = Keyring.of_file(settings.keys_file)
    except StorageError as error:
        return Finding("keys", "not usable", str(error)), None
    others = settings.keys_file.stat().st_mode & 0o077
    remedy = (
        f"chmod 0400 {settings.keys_file}: others on this machine can read it" if others else ""
    )
    return Finding("keys", f"from {settings.keys_file}", remedy), keys


LOST = (
    "the first start makes it (make run); if there was one, restore the latest backup or set "
    "CURBSIDE_DATABASE_URL to where it is"
)


async def database(
    settings: Settings, keys: Keyring, clock: Callable[[], datetime]
) -> AsyncIterator[Finding]:
    """Yield whether the database opens with the keys, is whole, and gets its messages out."""
    shown = settings.database_url.split("@")[-1]
    try:
        if not is_there(settings.database_url):
            yield Finding("database", f"{shown}: none", LOST)
            return
        opened = open_for_reading(settings.database_url, keys, clock)
    except StorageError as error:
        yield Finding("database", shown, str(error))
        return
    try:
        whole, there, found = await opened.read(
            lambda tx: (diagnosis.is_whole(tx), diagnosis.server_time(tx), console.system(tx))
        )
        damaged = "" if whole else "the file is damaged: stop the bot and restore the latest backup"
        yield Finding("database", f"{shown}, {opened.version()}", damaged)
        yield queue(found, clock(), serving=settings.token is not None)
        if not settings.database_url.startswith("sqlite"):
            yield apart("database clock", clock(), there)
    except StorageError as error:
        yield Finding("database", shown, str(error))
    finally:
        await opened.close()


def queue(found: System, now: datetime, *, serving: bool) -> Finding:
    """Return what waits: messages to be sent, and updates that nobody could handle.

    A copy that serves nobody, such as a restored backup, may have waited for long.
    """
    minutes = (now - found.oldest).total_seconds() / 60 if found.oldest else 0.0
    since = f" since {minutes:.0f} min" if found.waiting else ""
    late = serving and minutes > LATE_MINUTES
    return Finding(
        "queue",
        f"unsent messages: {found.waiting}{since}; updates put away: {found.letters}",
        "start the bot; if it runs, look at /readyz and its log" if late else "",
    )


def anchors(settings: Settings) -> Finding:
    """Return whether checkpoints of the log go where whoever can alter the log cannot."""
    path = settings.anchor_file
    chat = f"chat {settings.anchor_chat}" if settings.anchor_chat else ""
    if path is None:
        return Finding("anchors", chat or "none: a log that was cut or rewritten would look whole")
    return Finding("anchors", ", ".join(filter(None, (str(path), chat))), _unwritable(path))


def _unwritable(path: Path) -> str:
    """Return what to do about a file that cannot be appended to, or nothing."""
    if path.is_dir():
        return f"{path} is a folder: set CURBSIDE_ANCHOR_FILE to a file in it"
    writable = os.access(path if path.exists() else path.parent, os.W_OK)
    return "" if writable else f"let the bot's user write {path}, or set CURBSIDE_ANCHOR_FILE"


async def admins(
    settings: Settings, keys: Keyring | None, clock: Callable[[], datetime]
) -> Finding:
    """Return who is named; if nobody is, the numbers among which the first admin finds theirs."""
    if settings.admins:
        return Finding("admins", ", ".join(map(str, settings.admins)))
    if settings.token is None:
        return Finding("admins", "none named; on the local phone it is Admin, one of its people")
    met = await met_last(settings, keys, clock) if keys is not None else ()
    wrote = f"; wrote to the bot last: {', '.join(map(str, met))}" if met else ""
    remedy = "send /whoami to the bot and put the number it answers with into CURBSIDE_ADMINS"
    return Finding("admins", f"none{wrote}", remedy)


async def met_last(
    settings: Settings, keys: Keyring, clock: Callable[[], datetime]
) -> tuple[int, ...]:
    """Return the Telegram ids of those who came to the bot last; none where it cannot be read."""
    try:
        opened = open_for_reading(settings.database_url, keys, clock)
    except StorageError:
        return ()
    try:
        return await opened.read(lambda tx: people.met_last(tx, MOST_MET))
    except StorageError:
        return ()
    finally:
        await opened.close()


async def telegram(settings: Settings) -> AsyncIterator[Finding]:
    """Yield whether Telegram knows the token, and whether it delivers as we are set up."""
    assert settings.token is not None  # noqa: S101 - asked before
    async with Telegram(settings.token.get_secret_value(), settings.telegram_api) as api:
        try:
            me = await api.call("getMe", {})
            hook = await api.call("getWebhookInfo", {})
        except InvalidToken:
            yield Finding("token", "refused", "copy it again from BotFather into CURBSIDE_TOKEN")
            return
        except TelegramError:
            remedy = "check the network and CURBSIDE_TELEGRAM_API"
            yield Finding("token", "Telegram was not reached", remedy)
            return
    yield Finding("token", f"@{me.get('username', '')}")
    yield webhook(settings, hook)


def webhook(settings: Settings, hook: Mapping[str, Any]) -> Finding:
    """Return whether the webhook at Telegram is the one of these settings, and gets through."""
    wanted = f"{settings.public_url}{PATH}" if settings.webhook else ""
    url, waiting = str(hook.get("url", "")), int(hook.get("pending_update_count", 0))
    told = f"{url or 'none, updates are fetched'}; {waiting} updates waiting"
    trouble = str(hook.get("last_error_message", "")) if waiting and url else ""
    if url != wanted:
        other = "; if it is not yours, the token is stolen: revoke it in BotFather" if url else ""
        return Finding("webhook", told, f"start the bot: it sets the webhook right{other}")
    remedy = "see that Telegram reaches this address from outside" if trouble else ""
    return Finding(
        "webhook", told + (f"; last failure: {redact(trouble)}" if trouble else ""), remedy
    )


async def time_difference(settings: Settings, clock: Callable[[], datetime]) -> Finding:
    """Compare the clock with the Date header of the Bot API's server."""
    patience = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.get(settings.telegram_api, allow_redirects=False) as answer,
        ):
            there = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return Finding("clock", "could not be compared")
    return apart("clock", clock(), there)


def apart(what: str, here: datetime, there: datetime) -> Finding:
    seconds = abs((here - there).total_seconds())
    remedy = "set the clocks of both machines by NTP" if seconds > CLOCK_SECONDS else ""
    return Finding(what, f"{seconds:.0f} s apart from the server's", remedy)
