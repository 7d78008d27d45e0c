"""Help lines in the chat and in the settings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.settings import SettingsError, load_settings
from tests.bot.conftest import Clock, Conversation, talking
from tests.bot.walks import summary, unharmed
from tests.dialogs.test_helplines import LOCAL


async def test_the_lines_are_reached_from_help_and_by_command(ready: Conversation) -> None:
    assert "Help lines: a person answers" in await ready.says("/lines")
    await ready.says("/help")
    screen = await ready.taps("Help lines")

    assert "988" in screen.text
    assert "open day and night" in screen.text
    assert "Without a date: not yet checked with the service itself." in screen.text
    assert "checked on" not in screen.text
    await ready.taps("‹ Back")
    await unharmed(ready)


async def test_the_step_leads_to_the_lines_and_back(ready: Conversation) -> None:
    await summary(ready)

    screen = await ready.taps("The step in full", "Help lines")
    assert "Poison Help" in screen.text
    screen = await ready.taps("‹ Back")

    assert "suggested coordination step" in screen.text


async def test_a_red_flag_shows_its_banner_and_no_list(ready: Conversation) -> None:
    screen = await ready.taps("Start a case", "☐ 3", "Done")

    assert "988" in screen.text
    assert "Help lines" not in screen.labels


async def test_a_closed_line_says_when_it_opens_by_the_readers_clock(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 11, 29, 15, 0, tzinfo=UTC))
    async with talking(tmp_path, clock, time_zone="America/Denver") as talk:
        talk.me.starts()
        await talk.settles()

        said = await talk.says("/lines")

        assert "closed; opens 2026-11-30 07:00, your time (mon-fri 09:00-20:00" in said
        assert said.index("Poison Help") < said.index("Substance Use Warmline")


async def test_an_open_line_says_its_hours(ready: Conversation) -> None:
    assert "open now (mon-fri 09:00-20:00 America/New_York)" in await ready.says("/lines")


async def test_people_who_wait_for_approval_see_the_lines(tmp_path: Path) -> None:
    async with talking(tmp_path, approval="approve") as talk:
        talk.me.starts()
        await talk.settles()

        assert "Help lines: a person answers" in await talk.says("/lines")


async def test_an_operators_own_lines_come_first_and_replace_national_ones(
    tmp_path: Path,
) -> None:
    file = tmp_path / "lines.toml"
    own = LOCAL.replace('"clinic"', '"poison"').replace("Clinic on call", "Our poison centre")
    always = "always = true\n" + own.split("hours = [")[1].split("\n", 1)[1]
    file.write_text(own.split("hours = [")[0] + always)
    async with talking(tmp_path, help_lines_file=file) as talk:
        talk.me.starts()
        await talk.settles()

        said = await talk.says("/lines")

        assert said.index("Our poison centre") < said.index("988")
        assert "Poison Help" not in said
        assert "checked on 2026-11-01" in said


async def test_many_lines_have_pages(tmp_path: Path) -> None:
    file = tmp_path / "many.toml"
    block = LOCAL.replace("own staff", "own staff, day and night " * 12)
    file.write_text("".join(block.replace('"clinic"', f'"c{n}"') for n in range(20)))
    async with talking(tmp_path, help_lines_file=file) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor")
        await talk.says("/lines")

        await talk.taps("Page 2 ›")
        assert "‹ Page 1" in talk.screen.labels
        await unharmed(talk)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LOCAL.replace("America/Chicago", "Chicago"), "line 1, zone"),
        (None, "the file cannot be read"),
    ],
)
def test_a_wrong_file_stops_the_start_with_a_line_that_says_where(
    content: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lines.toml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("CURBSIDE_HELP_LINES_FILE", str(file))

    with pytest.raises(SettingsError, match=f"CURBSIDE_HELP_LINES_FILE: .*{said}"):
        load_settings(tmp_path / "none")


def test_a_time_zone_that_there_is_not_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURBSIDE_TIME_ZONE", "Central")

    with pytest.raises(SettingsError, match="CURBSIDE_TIME_ZONE must be a name such as"):
        load_settings(tmp_path / "none")
