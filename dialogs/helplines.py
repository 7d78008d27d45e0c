"""Help lines that a person answers: which there are, when they are open, and which is open now. Pure.

The national ones are part of the project; an operator adds local ones in a file of the same form.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationError, model_validator

from dialogs.content import CONTENT, Day, Words
from dialogs.errors import ContentError
from dialogs.phrases import Translate
from dialogs.rules import Record

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NUMBER = r"\+?[0-9][0-9 ()-]{1,18}[0-9]"
"""A telephone number as it is dialled."""

MOST_LINES = 40


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone such as America/Chicago")
    return name


def _clock(value: str) -> str:
    if time.fromisoformat(value).strftime("%H:%M") != value:
        raise ValueError("not a time such as 09:00")
    return value


Number = Annotated[str, Field(pattern=f"^{NUMBER}$")]
Clock = Annotated[str, AfterValidator(_clock)]


class Hours(Record):
    """When a line is open on some days of the week; one that closes before it opens runs past midnight."""

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(min_length=1)
    opens: Clock
    closes: Clock


class HelpLine(Record):
    """A line that a person answers."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    name: Words
    call: Number
    text: Number | Literal[""] = ""
    who: Words
    """Whom it is for, and with what."""
    region: Words
    zone: Annotated[str, AfterValidator(_zone)]
    always: bool = False
    hours: tuple[Hours, ...] = ()
    checked_on: Day = None
    """The day somebody compared this with the service itself; None: nobody has."""

    @model_validator(mode="after")
    def _is_open_some_time(self) -> Self:
        if self.always == bool(self.hours):
            raise ValueError("either always = true, or hours")
        return self


class _Lines(Record):
    lines: tuple[HelpLine, ...] = Field(max_length=MOST_LINES)


@cache
def national_lines() -> tuple[HelpLine, ...]:
    """Return the lines that are part of the project; read once."""
    return read_lines_of(CONTENT.joinpath("help_lines.toml").read_text("utf-8"))


def read_lines_of(text: str) -> tuple[HelpLine, ...]:
    """Return the lines of a file; ContentError names each place that is wrong."""
    try:
        found = _Lines.model_validate(tomllib.loads(text)).lines
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ContentError(_wrong(error)) from error
    ids = [line.id for line in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ContentError(f"two lines have the id {', '.join(twice)}")
    return found


def _wrong(error: tomllib.TOMLDecodeError | ValidationError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors(include_url=False))


def _place(error: Mapping[str, Any]) -> str:
    """Return where an error is, lines counted from 1: "line 2, zone"."""
    where = [str(part + 1) if isinstance(part, int) else str(part) for part in error["loc"]]
    return ", ".join([f"line {where[1]}", *where[2:]]) if len(where) > 1 else ", ".join(where)


# --- when they are open -------------------------------------------------------------------------


def is_open(line: HelpLine, now: datetime) -> bool:
    """Tell whether somebody answers the line now."""
    return line.always or any(begin <= now < end for begin, end in _spans(line, now))


def next_opening(line: HelpLine, now: datetime) -> datetime | None:
    """Return when a closed line opens next, or None for one that is open."""
    if is_open(line, now):
        return None
    return min(begin for begin, _ in _spans(line, now) if begin > now)


def _spans(line: HelpLine, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return when the line is open from yesterday to a week ahead, by its own clock."""
    zone = ZoneInfo(line.zone)
    today = now.astimezone(zone).date()
    found = []
    for ahead in range(-1, 8):
        day = today + timedelta(days=ahead)
        for hours in line.hours:
            if DAYS[day.weekday()] in hours.days:
                opens, closes = time.fromisoformat(hours.opens), time.fromisoformat(hours.closes)
                until = day if closes > opens else day + timedelta(days=1)
                begin = datetime.combine(day, opens, zone).astimezone(UTC)
                found.append((begin, datetime.combine(until, closes, zone).astimezone(UTC)))
    return found


def open_first(lines: Iterable[HelpLine], now: datetime) -> tuple[HelpLine, ...]:
    """Return the lines that are open now, then the others by when they open; else as in the file."""
    kept = tuple(lines)
    opening = {line.id: next_opening(line, now) for line in kept}
    return tuple(sorted(kept, key=lambda line: opening[line.id] or now))


def hours_words(line: HelpLine, t: Translate = str) -> str:
    """Return when the line is open, by its own clock: "mon-fri 09:00-20:00"."""
    if line.always:
        return ""
    return "; ".join(
        f"{_day_words(each.days, t)} {each.opens}-{each.closes}" for each in line.hours
    )


def _day_words(days: tuple[str, ...], t: Translate) -> str:
    places = [DAYS.index(day) for day in days]
    run = len(days) > 2 and places == list(range(places[0], places[0] + len(days)))  # noqa: PLR2004 - three days or more read as from - to
    named = [t(day) for day in days]
    return f"{named[0]}-{named[-1]}" if run else ", ".join(named)
