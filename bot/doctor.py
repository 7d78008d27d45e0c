"""Looks for what would stop the bot; each finding says what to do about it."""

import json
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version

import aiohttp
from telegram.error import InvalidToken, TelegramError

from bot.settings import Settings
from bot.transport import Telegram
from dialogs.content import load_scenario
from dialogs.errors import ConsultError
from storage.database import open_for_reading
from storage.errors import StorageError
from storage.keys import Keyring

FREE_MIB = 200
CLOCK_SECONDS = 30
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
    keys = keyring(settings)
    yield keys[0]
    if keys[1] is not None:
        yield await database(settings, keys[1], clock)
    yield admins(settings)
    if settings.token is None:
        yield Finding("token", "none: the local phone is served instead of Telegram")
        return
    yield await token(settings)
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


def keyring(settings: Settings) -> tuple[Finding, Keyring | None]:
    try:
        if settings.keys is not None:
            return Finding("keys", "from CURBSIDE_KEYS"), Keyring.of_text(
                settings.keys.get_secret_value()
            )
        return Finding("keys", f"from {settings.keys_file}"), Keyring.of_file(settings.keys_file)
    except StorageError as error:
        return Finding("keys", "not usable", str(error)), None


async def database(settings: Settings, keys: Keyring, clock: Callable[[], datetime]) -> Finding:
    shown = settings.database_url.split("@")[-1]
    try:
        opened = open_for_reading(settings.database_url, keys, clock)
    except StorageError as error:
        return Finding("database", shown, str(error))
    try:
        return Finding("database", f"{shown}, {opened.version()}")
    finally:
        await opened.close()


def admins(settings: Settings) -> Finding:
    if settings.admins or settings.token is None:
        return Finding("admins", f"{len(settings.admins)} named")
    return Finding(
        "admins", "none", "send /whoami to the bot and put the number into CURBSIDE_ADMINS"
    )


async def token(settings: Settings) -> Finding:
    assert settings.token is not None  # noqa: S101 - asked before
    async with Telegram(settings.token.get_secret_value(), settings.telegram_api) as telegram:
        try:
            me = await telegram.call("getMe", {})
            hook = await telegram.call("getWebhookInfo", {})
        except InvalidToken:
            return Finding("token", "refused", "copy it again from BotFather into CURBSIDE_TOKEN")
        except TelegramError:
            return Finding(
                "token", "Telegram was not reached", "check the network and CURBSIDE_TELEGRAM_API"
            )
    wanted = f"{settings.public_url}/telegram" if settings.webhook else ""
    found = str(hook.get("url", ""))
    remedy = "start the bot once: it sets the webhook right" if found != wanted else ""
    mode = "webhook" if found else "polling"
    return Finding(
        "token",
        f"@{me.get('username', '')}, {mode}, {hook.get('pending_update_count', 0)} waiting",
        remedy,
    )


async def time_difference(settings: Settings, clock: Callable[[], datetime]) -> Finding:
    """Compare the clock with the Date header of the Bot API's server."""
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            answer = await session.get(settings.telegram_api, allow_redirects=False)
            there = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return Finding("clock", "could not be compared")
    apart = abs((clock() - there).total_seconds())
    remedy = "set the machine's clock by NTP" if apart > CLOCK_SECONDS else ""
    return Finding("clock", f"{apart:.0f} s apart from the server's", remedy)
