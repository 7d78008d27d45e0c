"""The bot is killed at the points of every conversation; nothing is lost, nothing done twice."""

import asyncio
import random
from pathlib import Path

from bot import routes
from tests.chaos.lives import (
    Files,
    Life,
    Moment,
    Places,
    Servers,
    Stage,
    chosen,
    moments,
    quiet_lives,
    stage,
    wrongs,
)
from tests.chaos.stories import SAID, STORIES, TAPPED, Story, Stuck
from tests.databases import PostgresServer

POINTS = 160
"""Of some 4,700; ``make chaos`` has them all."""

POINTS_ON_A_SERVER = 24


async def test_a_kill_at_any_point_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    await _killed(Files(tmp_path), POINTS, STORIES)


async def test_a_kill_beside_a_server_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """The server outlives the bot: what a dead one was sending is free when its lease ends."""
    few = STORIES[::4]
    await _killed(Servers(tmp_path, server=postgres_server), POINTS_ON_A_SERVER, few)


async def _killed(places: Places, wanted: int, stories: tuple[Story, ...]) -> None:
    seed = random.randrange(10**6)  # noqa: S311
    print(f"seed {seed}")
    async with stage(places) as on:
        quiet = await quiet_lives(on, stories)
        drawn = chosen(moments(quiet, stories), wanted, random.Random(seed))  # noqa: S311
        async with asyncio.TaskGroup() as group:
            lives = [group.create_task(_wrongs(on, moment, quiet)) for moment in drawn]

    assert len(drawn) == wanted
    assert [line for life in lives for line in life.result()] == [], f"seed {seed}"


async def _wrongs(on: Stage, moment: Moment, quiet: dict[str, Life]) -> list[str]:
    try:
        life = await on.live(moment.story, moment.point)
    except Stuck as stuck:
        return [f"{moment}: {stuck}"]
    return [f"{moment}: {wrong}" for wrong in wrongs(life, quiet[moment.story.name])]


def test_stories_are_told_apart() -> None:
    names = [story.name for story in STORIES]

    assert len(set(names)) == len(names)


ELSEWHERE = {"signin", "today"}
"""Buttons that need the pages, which these bots do not serve, or an earlier version of the content."""


def test_every_button_and_command_is_in_a_story() -> None:
    assert set(routes.VERBS) - TAPPED == ELSEWHERE
    assert set(routes.COMMANDS) - SAID == set()
