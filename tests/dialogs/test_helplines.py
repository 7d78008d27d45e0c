"""Help lines: when a person answers, and what a file of them has to be."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialogs.errors import ContentError
from dialogs.helplines import (
    HelpLine,
    hours_words,
    is_open,
    national_lines,
    next_opening,
    open_first,
    read_lines_of,
)

LOCAL = """
[[lines]]
id = "clinic"
name = "Clinic on call"
call = "+1 (312) 555-0100"
who = "own staff"
region = "Chicago"
zone = "America/Chicago"
hours = [{ days = ["mon", "wed", "fri"], opens = "18:00", closes = "07:00" }]
checked_on = 2026-11-01
"""
CHICAGO = ZoneInfo("America/Chicago")


def local() -> HelpLine:
    return read_lines_of(LOCAL)[0]


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=CHICAGO)


def test_the_national_lines_are_not_checked_until_somebody_has() -> None:
    found = national_lines()

    assert {"988", "1-800-222-1222", "1-855-300-3595"} <= {line.call for line in found}
    assert all(line.checked_on is None for line in found)
    assert all(line.region == "US" for line in found)


@pytest.mark.parametrize(
    ("moment", "answered"),
    [
        ("2026-11-23T17:59", False),
        ("2026-11-23T18:00", True),
        ("2026-11-24T06:59", True),
        ("2026-11-24T07:00", False),
        ("2026-11-24T20:00", False),
        ("2026-11-28T03:00", True),
        ("2026-11-28T19:00", False),
    ],
)
def test_a_line_is_open_by_its_own_clock_and_past_midnight(moment: str, answered: bool) -> None:
    assert is_open(local(), at(moment)) == answered


def test_a_closed_line_says_when_it_opens() -> None:
    assert next_opening(local(), at("2026-11-24T12:00")) == at("2026-11-25T18:00")
    assert next_opening(local(), at("2026-11-28T12:00")) == at("2026-11-30T18:00")
    assert next_opening(local(), at("2026-11-23T20:00")) is None


def test_hours_keep_the_lines_own_clock_when_daylight_saving_ends() -> None:
    assert next_opening(local(), at("2026-11-01T12:00")) == at("2026-11-02T18:00")
    assert not is_open(local(), at("2026-11-02T17:59"))


def test_open_lines_stand_first_in_their_own_order() -> None:
    lines = (local(), *national_lines())

    assert open_first(lines, at("2026-11-23T18:30"))[0].id == "clinic"
    assert open_first(lines, at("2026-11-24T03:00"))[0].id == "clinic"
    late = open_first(lines, at("2026-11-24T21:00"))
    assert [line.id for line in late[-2:]] == ["warmline", "clinic"]
    assert late[0].id == "poison"


def test_hours_read_as_days_and_times() -> None:
    assert hours_words(local()) == "mon, wed, fri 18:00-07:00"
    assert [hours_words(line) for line in national_lines() if line.id == "warmline"] == [
        "mon-fri 09:00-20:00"
    ]
    assert hours_words(national_lines()[0]) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"America/Chicago"', '"Chicago"', "line 1, zone: "),
        ('"18:00"', '"six"', "line 1, hours"),
        ('"18:00"', '"18:00:00"', "line 1, hours"),
        ('"mon"', '"monday"', "line 1, hours"),
        ('"+1 (312) 555-0100"', '"call us"', "line 1, call: "),
        ("hours = [", "always = true\nhours = [", "either always = true, or hours"),
        ("checked_on = 2026-11-01", 'checked_on = "soon"', "line 1, checked_on"),
        ('region = "Chicago"\n', "", "line 1, region: Field required"),
        ("[[lines]]", "[[line]]", "lines: Field required"),
        ("[[lines]]", "[[lines]", "Expected"),
        ("checked_on = 2026-11-01\n", f"checked_on = 2026-11-01\n{LOCAL}", "two lines have the id"),
    ],
)
def test_a_file_that_is_wrong_says_where(old: str, new: str, said: str) -> None:
    with pytest.raises(ContentError, match=said.replace("(", r"\(")):
        read_lines_of(LOCAL.replace(old, new, 1))
