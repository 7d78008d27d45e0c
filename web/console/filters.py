"""What an address may ask for: read strictly, each value short, each error saying what to change."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from storage import console
from storage.console import ConsultFilter, LogFilter
from storage.statistics import Period
from storage.transaction import Tx
from web.access import BadForm

LONGEST = 64
MOST_WORDS = 5
MOST_DIGITS = 18
CODE = re.compile(r"[a-z0-9_.:-]{1,64}")
WORD = re.compile(r"[a-z0-9]+")
PSEUDONYM = re.compile(r"p-[0-9a-f]{8}")
FIELDS = ("from", "to", "person", "case", "event", "outcome", "words")
PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "A year", "all": "All"}
BEGINNING = date(2020, 1, 1)
ALTERED = "The address of the page was altered. Begin at the first page."


class Unreadable(BadForm):
    """A filter that cannot be read; ``notice`` says what it takes, ``names`` which it is."""

    def __init__(self, notice: str, *names: str) -> None:
        super().__init__(400, notice)
        self.without = names


def values(given: Mapping[str, str], names: tuple[str, ...] = FIELDS) -> dict[str, str]:
    """Return the filters in an address, without spaces around them."""
    found = {name: given.get(name, "").strip() for name in names}
    for name, value in found.items():
        if len(value) > LONGEST:
            raise Unreadable(f"The filter “{name}” is longer than {LONGEST} characters.", name)
    return found


def log_filter(tx: Tx, found: Mapping[str, str]) -> LogFilter:
    """Return which events are wanted."""
    without = found["event"].startswith("-")
    action = code(found["event"].removeprefix("-"), "event")
    since, until = moment(found["from"], "from"), moment(found["to"], "to")
    if until and len(found["to"]) == len("2026-01-01"):
        until += timedelta(days=1)
    if since and until and since >= until:
        raise Unreadable("Nothing can be found: “from” is after “to”.", "from", "to")
    return LogFilter(
        since=since,
        until=until,
        actor=actor(tx, found["person"]),
        consult_id=case_of(tx, found["case"]),
        action="" if without else action,
        without=action if without else "",
        outcome=code(found["outcome"], "outcome"),
        words=words(found["words"]),
    )


def consult_filter(tx: Tx, found: Mapping[str, str]) -> ConsultFilter:
    """Return which consults are wanted."""
    shown = found["code"].upper()
    if shown and not re.fullmatch(r"[A-Z][0-9]{1,6}", shown):
        raise Unreadable("A case code is a letter and a number, such as K7.", "code")
    return ConsultFilter(
        phase=code(found["phase"], "phase"), code=shown, owner=actor(tx, found["person"])
    )


def moment(text: str, name: str) -> datetime | None:
    """Return a day, or a minute of it, in UTC."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or not 2000 <= read.year < 2200:  # noqa: PLR2004 - centuries
        raise Unreadable(f"The filter “{name}” is a day such as 2026-01-31.", name)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def actor(tx: Tx, text: str) -> UUID | None:
    if not text:
        return None
    found = console.by_pseudonym(tx, text) if PSEUDONYM.fullmatch(text) else None
    if found is None:
        raise Unreadable("There is nobody of that pseudonym; one looks like p-1a2b3c4d.", "person")
    return found


def case_of(tx: Tx, text: str) -> UUID | None:
    """Return the case that is meant: by its code, the end of its identifier, or the whole of it."""
    if not text:
        return None
    try:
        return UUID(hex=text)
    except ValueError:
        found = console.cases_called(tx, text)
    if not found:
        raise Unreadable(NO_CASE, "case")
    if len(found) > 1:
        ends = ", ".join(each.hex[-6:] for each in found)
        raise Unreadable(f"Several cases are called so. Take one of these: {ends}.", "case")
    return found[0]


NO_CASE = (
    "There is no such case. It is found by its code, such as K7, by the end of its identifier as the "
    "log shows it, such as 4f37d1, or by the whole of it."
)


def identity(text: str, name: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(hex=text)
    except ValueError:
        raise Unreadable(f"“{name}” is not an identifier.", name) from None


def code(text: str, name: str) -> str:
    if text and not CODE.fullmatch(text):
        raise Unreadable(f"The filter “{name}” is a code of a-z 0-9 _ . : -", name)
    return text


def words(text: str) -> tuple[str, ...]:
    """Return the words of a search: codes fall into their parts."""
    found = tuple(dict.fromkeys(WORD.findall(text.lower())))
    if text and not found:
        raise Unreadable("A search takes words of a-z and 0-9.", "words")
    if len(found) > MOST_WORDS:
        raise Unreadable(f"A search takes at most {MOST_WORDS} words.", "words")
    return found


def place(given: Mapping[str, str], name: str) -> int | None:
    """Return a place in the log from the address of a page."""
    text = given.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise Unreadable(ALTERED, name)
    return int(text)


def id_place(given: Mapping[str, str], name: str) -> UUID | None:
    """Return a place in a list of rows with ids."""
    text = given.get(name, "")
    if text and not re.fullmatch(r"[0-9a-f]{32}", text):
        raise Unreadable(ALTERED, name)
    return UUID(hex=text) if text else None


def period(given: Mapping[str, str], today: date) -> tuple[str, Period]:
    """Return the period of an overview: a name, or two days, both included."""
    first, last = (moment(given.get(name, ""), name) for name in ("from", "to"))
    if first or last:
        since = first.date() if first else BEGINNING
        until = min(last.date() if last else today, today) + timedelta(days=1)
        if since >= until:
            raise Unreadable("The period ends before it begins.", "from", "to")
        return "", Period(since, until)
    name = given.get("period", "90")
    if name not in PERIODS:
        raise Unreadable("The period is 7, 30, 90, 365 or all.", "period")
    length = (today - BEGINNING).days if name == "all" else int(name) - 1
    return name, Period(today - timedelta(days=length), today + timedelta(days=1))


def on_record(found: Mapping[str, str], wanted: LogFilter) -> dict[str, int | str]:
    """Return what the log says of a filter: codes and times as they are, of words only how many."""
    kept: dict[str, int | str] = {
        name: code(found[name].removeprefix("-"), name)
        for name in ("event", "outcome")
        if found[name]
    }
    if found["event"].startswith("-"):
        kept["without"] = kept.pop("event")
    if PSEUDONYM.fullmatch(found["person"]):
        kept["person"] = found["person"]
    if wanted.consult_id:
        kept["case"] = wanted.consult_id.hex
    for name, at in (("from", wanted.since), ("to", wanted.until)):
        if at is not None:
            kept[name] = f"{at:%Y-%m-%dt%H:%M:%Sz}"
    if found["words"]:
        kept["words"] = len(words(found["words"]))
    return kept
