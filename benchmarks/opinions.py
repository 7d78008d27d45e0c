"""Rounds at their largest: 100 members, 50 open cases, 1,000 opinions; what reading and giving costs.

Usage: ``python -m benchmarks.opinions``. SQLite on disk, FULL durability.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.screens.opinions import Wording, reasons_pages, spread_text
from dialogs.content import load_scenario
from dialogs.likeness import most_alike
from dialogs.opinions import CONCERNS, SURE, leanings, spread
from storage import console, consults, discussion, library, people, rounds, shares, teams
from storage.console import LogFilter
from storage.consults import StoredConsult
from storage.database import Database, open_database
from storage.keys import Keyring
from storage.people import Person
from storage.rounds import Draft, Round
from storage.transaction import Tx
from tests.bot.opining import FOUNDING
from tests.conftest import KEY
from tests.databases import Clock, sqlite_url

MEMBERS, CASES, EACH = 100, 50, 20
"""50 cases with 20 opinions each are 1,000."""

SCENARIO = load_scenario()
Case = tuple[StoredConsult, Round]


def filled(tx: Tx) -> tuple[list[Person], list[Case]]:
    """Make a team, its cases, and the opinions in them."""
    everybody = [_member(tx, number) for number in range(1, MEMBERS + 1)]
    team = teams.create(tx, everybody[0].id, "Everybody")
    for start in range(1, MEMBERS, 20):
        invitation = teams.invite(tx, team, "responder", everybody[0].id)
        for who in everybody[start : start + 20]:
            teams.accept(tx, who.id, invitation.token)
    consults.store_content(
        tx,
        content_hash=SCENARIO.hash,
        scenario_id=SCENARIO.id,
        version=SCENARIO.version,
        body=SCENARIO.body,
    )
    cases = [_case(tx, everybody[number], team.id) for number in range(CASES)]
    for number, (stored, found) in enumerate(cases):
        for place in range(EACH):
            who = everybody[(number + 1 + place) % MEMBERS]
            rounds.give(tx, stored, found, who, _opinion(place), base=0)
            discussion.add(tx, stored, who, "A comment of ordinary length about the case. " * 3)
    return everybody, cases


def _member(tx: Tx, number: int) -> Person:
    return people.set_choices(tx, people.get_or_create(tx, number, f"M {number}"), role="counselor")


def _case(tx: Tx, owner: Person, team_id: object) -> Case:
    stored = consults.create(
        tx, owner, scenario_id=SCENARIO.id, content_hash=SCENARIO.hash, answers=FOUNDING
    )
    shares.with_team(tx, shares.publish(tx, stored, owner.id), team_id, owner.id)  # type: ignore[arg-type]
    library.opt_in(tx, stored, owner.id)
    return stored, rounds.open_round(tx, stored, owner.id)


def _opinion(place: int) -> Draft:
    leaning = leanings(FOUNDING, SCENARIO)
    choices = {
        "concern": CONCERNS[place % 3],
        "step": "STEP_90D_PLAN",
        "leans_on": leaning[place % len(leaning)],
        "sure": str(SURE[place % 5]),
    }
    return Draft(choices, "A reason of ordinary length, typed on a phone between two clients.")


async def measured(act: Callable[[int], Awaitable[object]], times: int) -> tuple[float, float]:
    """Return (median, 95th percentile) in milliseconds."""
    spent = []
    for number in range(times):
        began = time.perf_counter()
        await act(number)
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1]


async def figures(database: Database) -> list[tuple[str, tuple[float, float], float]]:
    everybody, cases = await database.write(filled)

    def reads(  # type: ignore[no-untyped-def]  # noqa: ANN202
        unit: Callable[[Tx, StoredConsult, Round, Person], object], *, on_record: bool = False
    ):
        def one(number: int) -> Awaitable[object]:
            stored, found = cases[number % CASES]
            reader = everybody[(number % CASES + 1) % MEMBERS]
            look = database.write if on_record else database.read
            return look(lambda tx: unit(tx, stored, found, reader))

        return one

    def spread_screen(tx: Tx, stored: StoredConsult, found: Round, who: Person) -> str:
        view = rounds.shown(tx, found, who.id)
        return spread_text(spread(view.opinions, SCENARIO, view.removed), Wording(SCENARIO, str))

    def every_reason(tx: Tx, stored: StoredConsult, found: Round, who: Person) -> object:
        view = rounds.shown(tx, found, who.id)
        return reasons_pages(spread(view.opinions, SCENARIO), Wording(SCENARIO, str))

    def similar(tx: Tx, stored: StoredConsult, found: Round, who: Person) -> object:
        others = library.cases(tx, who.id, stored.id, SCENARIO.id)
        return most_alike(FOUNDING, [each.answers for each in others], SCENARIO)

    def give(number: int) -> Awaitable[object]:
        stored, found = cases[number % CASES]
        who = everybody[(number % CASES + 1 + EACH + number // CASES) % MEMBERS]
        return database.write(
            lambda tx: rounds.give(tx, stored, found, who, _opinion(number), base=0)
        )

    return [
        ("spread of 20 opinions, as a screen", await measured(reads(spread_screen), 200), 60),
        ("all reasons of a round, in pages", await measured(reads(every_reason), 200), 60),
        (
            "a round that is hidden",
            await measured(reads(lambda tx, s, f, w: rounds.shown(tx, f, None)), 200),
            60,
        ),
        (
            "the discussion of a case, 20 comments",
            await measured(reads(lambda tx, s, f, w: discussion.shown(tx, s.id, w.id)), 200),
            60,
        ),
        ("similar cases among 50", await measured(reads(similar), 100), 60),
        (
            "a page of the log with 50 rounds hidden",
            await measured(
                reads(lambda tx, s, f, w: console.log_page(tx, LogFilter()), on_record=True), 100
            ),
            100,
        ),
        ("giving an opinion, durable", await measured(give, 200), 20),
    ]


async def run() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(sqlite_url(Path(folder)), Keyring([KEY]), Clock())
        try:
            found = await figures(database)
        finally:
            await database.close()
    for name, (median, high), most in found:
        state = "ok" if high <= most else "OVER"
        print(
            f"{name:42} median {median:7.2f} ms   p95 {high:7.2f} ms   at most {most:g}   {state}"
        )
    return all(high <= most for _, (_, high), most in found)


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(run()) else 1)
