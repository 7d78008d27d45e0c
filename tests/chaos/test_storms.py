"""Many people at once, bots and servers killed at random: nothing lost, nothing twice, in order."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.crowd import Plan, storm
from tests.chaos.lives import Files, Servers
from tests.databases import PostgresServer

SHARE = 0.01
"""Of all calls that meet each kind of fault: 429, 500, a page of HTML, a cut or lost answer, ..."""


def _seed() -> int:
    seed = random.randrange(10**6)  # noqa: S311
    print(f"seed {seed}")
    return seed


@pytest.fixture(scope="module")
def careful_server() -> Iterator[PostgresServer]:
    """A server that keeps what it acknowledged: its plug is pulled."""
    server = PostgresServer()
    yield server
    server.stop()


async def test_a_hundred_kills_under_load_through_a_bad_network(tmp_path: Path) -> None:
    seed = _seed()
    plan = Plan(updates=1_000, kills=100, faults=SHARE)
    came = await storm(Files(tmp_path).fresh(), plan, random.Random(seed))  # noqa: S311

    assert came.kills >= 100
    assert came.updates >= 1_000
    assert came.wrongs == [], f"seed {seed}"


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
async def test_kills_of_two_replicas_on_one_server(
    tmp_path: Path, careful_server: PostgresServer, *, webhook: bool
) -> None:
    """Polling has one leader, which is killed as well; behind a webhook any replica takes any update."""
    seed = _seed()
    plan = Plan(updates=200, kills=8, replicas=2, webhook=webhook, faults=SHARE)
    place = Servers(tmp_path, server=careful_server).fresh()
    came = await storm(place, plan, random.Random(seed))  # noqa: S311

    assert came.wrongs == [], f"seed {seed}"


async def test_a_server_that_crashes_under_two_replicas(
    tmp_path: Path, careful_server: PostgresServer
) -> None:
    seed = _seed()
    plan = Plan(updates=200, replicas=2, webhook=True, restarts=5)
    place = Servers(tmp_path, server=careful_server).fresh()
    restart = careful_server.crash_and_start
    came = await storm(place, plan, random.Random(seed), restart)  # noqa: S311

    assert came.wrongs == [], f"seed {seed}"
