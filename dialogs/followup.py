"""What can be recorded after a summary, as codes with words; and when a review falls due. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Kind = Literal[
    "decided",
    "agreed",
    "safeguard",
    "stop",
    "outcome",
    "reached",
    "changed",
    "worth",
    "disposition",
]

MOST_DAYS = 730
"""A review further away than two years is a slip."""

MOST_REVIEWS = 6
STARTS = (0, 1, 3, 7, 14, 28, -7)
"""Days from today on which a plan may start, as offered by tap."""

EARLIEST, LATEST = -30, 365
"""Days from today on which a plan may start."""

SAME_DAY_HOURS = 4
"""When a same-day step is asked about, at most."""

LAST_HOUR, FIRST_HOUR = 20, 8
"""Between these a same-day step is asked about; later in the day it is the next morning."""

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Followup:
    """The choices of the plan and its reviews; see ``followup.toml``."""

    choices: Mapping[Kind, Mapping[str, str]]
    presets: Mapping[str, tuple[tuple[int, ...], ...]]
    deadlines: Mapping[str, int]
    working_days: Mapping[str, int]
    review_hour: int

    def words(self, kind: Kind, code: str) -> str:
        """Return the words of a code; an unknown code reads as itself."""
        return self.choices[kind].get(code, code)

    def reviews_for(self, step: str) -> tuple[tuple[int, ...], ...]:
        """Return the days offered for the reviews of a step, its usual ones first."""
        return self.presets.get(step, self.presets["OTHER"])


@cache
def followup() -> Followup:
    """Return the choices that are part of the project; read once."""
    document: dict[str, Any] = tomllib.loads(
        files("dialogs").joinpath("followup.toml").read_text("utf-8")
    )
    kinds: tuple[Kind, ...] = get_args(Kind)
    return Followup(
        choices={kind: {c["code"]: c["words"] for c in document[kind]} for kind in kinds},
        presets={
            step: tuple(tuple(days) for days in offered)
            for step, offered in document["presets"].items()
        },
        deadlines=document["deadlines"],
        working_days=document["working_days"],
        review_hour=document["review_hour"],
    )


# --- what is typed ------------------------------------------------------------------------------


def review_days(text: str) -> tuple[int, ...] | None:
    """Return typed days such as "30, 60 and 90" in order, or None when they are not 1 to 730."""
    words = (
        text.replace(",", " ").replace("/", " ").replace("and", " ").replace("days", " ").split()
    )
    if not words or not all(map(_is_count, words)) or len(words) > MOST_REVIEWS:
        return None
    days = sorted({int(word) for word in words})
    return tuple(days) if days[0] >= 1 and days[-1] <= MOST_DAYS else None


def start_day(text: str) -> int | None:
    """Return a typed start such as "in 10 days" or "today" as days from today, or None."""
    words = text.casefold().strip()
    named = {"today": 0, "tomorrow": 1, "yesterday": -1}
    count = words.removeprefix("in ").removesuffix("days").removesuffix("day").strip()
    day = int(count) if _is_count(count) else named.get(words)
    return day if day is not None and EARLIEST <= day <= LATEST else None


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= len(str(MOST_DAYS)) + 1


# --- days and moments ---------------------------------------------------------------------------


def zone_of(name: str | None, otherwise: str = "UTC") -> ZoneInfo:
    """Return the zone called ``name``; without one, or where it is unknown, the other one."""
    for each in (name, otherwise):
        try:
            if each:
                return ZoneInfo(each)
        except (ZoneInfoNotFoundError, ValueError):
            continue
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


def deadline_moment(step: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when a step begun now is asked about: were they reached? None without a deadline."""
    choices, today = followup(), local_day(now, zone)
    if step in choices.working_days:
        day = after_working_days(today, choices.working_days[step])
        return due_moment(day, zone, choices.review_hour)
    days = choices.deadlines.get(step)
    if days is None:
        return None
    if days == 0:
        return _same_day(now, zone)
    return due_moment(today + timedelta(days=days), zone, choices.review_hour)


def after_working_days(day: date, count: int) -> date:
    """Return the ``count``-th day after ``day`` that is neither a Saturday nor a Sunday."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day


def _same_day(now: datetime, zone: ZoneInfo) -> datetime:
    """Return four hours from now, or the next moment at which people are awake."""
    local = (now + timedelta(hours=SAME_DAY_HOURS)).astimezone(zone)
    if local.hour < FIRST_HOUR:
        return due_moment(local.date(), zone, FIRST_HOUR)
    if local.hour >= LAST_HOUR:
        return due_moment(local.date() + timedelta(days=1), zone, FIRST_HOUR)
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
