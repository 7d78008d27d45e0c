"""What can be recorded after a summary, as codes with words; and when a review falls due. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Kind = Literal["decided", "agreed", "safeguard", "stop", "outcome", "disposition"]

MOST_DAYS = 3650
"""A review further away than ten years is a slip."""

MOST_REVIEWS = 6
SAME_DAY_HOURS = 4
"""When a same-day step is asked about."""


@dataclass(frozen=True, slots=True)
class Followup:
    """The choices of the plan and its reviews; see ``followup.toml``."""

    choices: Mapping[Kind, Mapping[str, str]]
    presets: tuple[tuple[int, ...], ...]
    deadlines: Mapping[str, int]
    review_hour: int

    def words(self, kind: Kind, code: str) -> str:
        """Return the words of a code; an unknown code reads as itself."""
        return self.choices[kind].get(code, code)


@cache
def followup() -> Followup:
    """Return the choices that are part of the project; read once."""
    document: dict[str, Any] = tomllib.loads(
        files("dialogs").joinpath("followup.toml").read_text("utf-8")
    )
    kinds: tuple[Kind, ...] = ("decided", "agreed", "safeguard", "stop", "outcome", "disposition")
    return Followup(
        choices={kind: {c["code"]: c["words"] for c in document[kind]} for kind in kinds},
        presets=tuple(tuple(days) for days in document["presets"]),
        deadlines=document["deadlines"],
        review_hour=document["review_hour"],
    )


def review_days(text: str) -> tuple[int, ...] | None:
    """Return typed days such as "30, 60 and 90" in order, or None when they are not 1 to 3650."""
    words = (
        text.replace(",", " ").replace("/", " ").replace("and", " ").replace("days", " ").split()
    )
    if (
        not words
        or not all(word.isascii() and word.isdigit() for word in words)
        or len(words) > MOST_REVIEWS
    ):
        return None
    days = sorted({int(word) for word in words})
    return tuple(days) if days[0] >= 1 and days[-1] <= MOST_DAYS else None


def zone_of(name: str | None) -> ZoneInfo:
    """Return the zone called ``name``; none or an unknown one is UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def local_day(now: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day that ``now`` is for somebody in ``zone``."""
    return now.astimezone(zone).date()


def due_moment(day: date, zone: ZoneInfo, hour: int) -> datetime:
    """Return the moment (UTC) at which a review of ``day`` is asked about: ``hour`` local time.

    A time that daylight saving skips is taken an hour later; one that it repeats, the first time.
    """
    local = datetime.combine(day, time(hour), zone)
    return local.astimezone(UTC)


def after_quiet(
    moment: datetime, zone: ZoneInfo, quiet_from: int | None, quiet_to: int | None
) -> datetime:
    """Return ``moment``, or the end of the quiet hours it falls in; minutes of the local day."""
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return moment
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    over_midnight = quiet_from > quiet_to
    within = (
        (minute >= quiet_from or minute < quiet_to)
        if over_midnight
        else (quiet_from <= minute < quiet_to)
    )
    if not within:
        return moment
    day = local.date() + timedelta(days=1 if over_midnight and minute >= quiet_from else 0)
    end = datetime.combine(day, time(quiet_to // 60, quiet_to % 60), zone)
    return end.astimezone(UTC)
