"""Real processes on one PostgreSQL: restarted, killed and outdated while people tap."""

import asyncio
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from bot.refusals import REPEAT
from tests.bot.conftest import TOKEN, Clock
from tests.bot.walks import FOUNDING
from tests.databases import PostgresServer
from tests.e2e.replicas import Replica, replicas, shows, taps
from web.emulator import Emulator, Person, new_emulator, person

PEOPLE = 5
WALK = ("I am a clinician", "Counselor", *FOUNDING)
ANSWERED = 8
"""Questions that the founding case answers."""


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> str:
    return postgres_server.database()


@pytest.fixture
def emulator() -> Emulator:
    made = new_emulator(TOKEN, Clock(), seed=1)
    made.webhook_pause = 0.1
    return made


def found(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the replicas' database."""
    address = make_url(database_url).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        return connection.execute(query).fetchall()


async def walks(me: Person, pause: float) -> None:
    """Tap through the founding case, from the very beginning."""
    await asyncio.sleep(pause)
    me.starts()
    for label in WALK:
        await taps(me, label)


def everybody(emulator: Emulator) -> list[Person]:
    return [person(emulator, 501 + number, f"P{number}") for number in range(PEOPLE)]


def unharmed(database_url: str) -> None:
    """Every answer is there once, and nothing waits or was put away."""
    changes = found(
        database_url,
        "SELECT consult_id, question, count(*) FROM answer_change GROUP BY 1, 2",
    )
    per_case = Counter(consult for consult, _, _ in changes)
    assert {count for _, _, count in changes} == {1}
    assert list(per_case.values()) == [ANSWERED] * PEOPLE
    assert found(database_url, "SELECT count(*) FROM dead_letter") == [(0,)]
    assert found(
        database_url, "SELECT count(*) FROM transcript WHERE state IN ('waiting', 'sending')"
    ) == [(0,)]


def repeats(emulator: Emulator) -> int:
    return sum(REPEAT in params["text"] for params in emulator.sent("sendMessage"))


async def restarted(replica: Replica) -> float:
    """Stop a replica as a deployment does, start its successor, and return the seconds of the stop."""
    began = monotonic()
    assert await replica.stop() == 0, replica.said.decode()
    took = monotonic() - began
    await replica.start()
    return took


async def test_a_rolling_restart_behind_a_webhook_loses_and_repeats_nothing(
    emulator: Emulator, database_url: str, tmp_path: Path
) -> None:
    async with replicas(emulator, database_url, tmp_path, 2, webhook=True) as (both, balancer):
        people = everybody(emulator)
        walking = asyncio.gather(*(walks(me, 0.2 * n) for n, me in enumerate(people)))
        await shows(people[-1], WALK[1])
        stops = [await restarted(each) for each in both]
        await walking
        assert [await each.stop() for each in both] == [0, 0]

    unharmed(database_url)
    assert balancer.taken == {0, 1}
    assert max(stops) <= 10
    assert repeats(emulator) == 0


async def test_when_the_process_that_fetches_is_killed_another_goes_on(
    emulator: Emulator, database_url: str, tmp_path: Path
) -> None:
    async with replicas(emulator, database_url, tmp_path, 2, webhook=False) as (both, _):
        people = everybody(emulator)
        walking = asyncio.gather(*(walks(me, 0.2 * n) for n, me in enumerate(people)))
        leads = [(await each.health())["leads"] for each in both]
        assert sorted(leads) == [0, 1]
        leader, other = sorted(both, key=lambda each: leads[both.index(each)], reverse=True)
        await shows(people[0], WALK[5])
        await leader.kill()
        await walking
        assert (await other.health())["leads"] == 1
        assert await other.stop() == 0

    unharmed(database_url)
    assert repeats(emulator) <= PEOPLE
    assert not [call for call in emulator.refusals() if call.code == 409]


async def test_an_old_process_ends_when_a_newer_version_takes_the_database_over(
    emulator: Emulator, database_url: str, tmp_path: Path
) -> None:
    async with replicas(emulator, database_url, tmp_path, 1, webhook=False) as ((old,), _):
        me = person(emulator, 501, "Ana")
        me.starts()
        await taps(me, "I am a clinician")
        address = make_url(database_url).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        me.taps("Counselor")
        assert await old.ends() == 1
        assert b"newer version of Curbside" in old.said
        with pytest.raises(AssertionError, match="has schema 9999"):
            await old.start()

    assert emulator.updates.waiting
