"""The transcript of a case among 100 members, 50 open cases and 1,000 opinions, on SQLite.

``python -m benchmarks.pages`` prints one table: the page, through the application as a browser asks
for it, and the PDF, from the process that makes it.
"""

import asyncio
import random
import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx

from dialogs.content import load_scenario
from dialogs.record.page import as_sheet
from storage import consults, discussion, people, record, rounds, shares, teams
from storage.consults import StoredConsult
from storage.database import Database, open_database
from storage.keys import Keyring
from storage.migrations import bring_up_to_date
from storage.paper import Press
from storage.people import Person
from storage.rounds import Draft
from storage.sqlite import writing_engine
from storage.transaction import Tx
from tests.databases import Clock, sqlite_url
from tests.dialogs.test_record import FOUNDING
from tests.web.signed import Pages, scenario_of

MEMBERS, CASES, OPINIONS = 100, 50, 1_000
PAGES, PAPERS = 200, 30
PAGE_MS, PAPER_MS = 60, 300
ROLES = ("counselor", "otp_med", "pain", "pcp", "hosp")
REASONS = ("An end date first.", "Short fills, and naloxone at home.", "It is well looked after.")


def members(tx: Tx) -> tuple[list[Person], teams.Team]:
    """Make one team of a hundred people."""
    made = [people.get_or_create(tx, 9000 + n, f"Person {n}") for n in range(MEMBERS)]
    made = [people.set_choices(tx, who, role=ROLES[n % len(ROLES)]) for n, who in enumerate(made)]
    team = teams.create(tx, made[0].id, "All of them")
    for start in range(1, MEMBERS, teams.MOST_USES):
        token = teams.invite(tx, team, "responder", made[0].id).token
        for who in made[start : start + teams.MOST_USES]:
            teams.accept(tx, who.id, token)
    return made, team


def case(tx: Tx, who: Person, team: teams.Team) -> StoredConsult:
    """Make a case with its summary, shared with the team, with a round that runs."""
    scenario = load_scenario()
    made = consults.create(
        tx, who, scenario_id=scenario.id, content_hash=scenario.hash, answers=FOUNDING
    )
    shown = replace(made, phase="advised", draft={"shown": dict(FOUNDING)})
    stored = consults.save(tx, shown, made.revision)
    shares.with_team(tx, shares.publish(tx, stored, who.id), team.id, who.id)
    rounds.open_round(tx, stored, who.id)
    return stored


def thinks(tx: Tx, stored: StoredConsult, who: Person, dice: random.Random) -> None:
    running = rounds.running(tx, stored.id)
    assert running is not None
    choices = {
        "concern": dice.choice(("yes", "depends", "no")),
        "step": dice.choice(("STEP_90D_PLAN", "STEP_MAT_REVIEW", "other")),
        "leans_on": dice.choice(("DUR2", "RSK7", "MON1", "other")),
        "sure": str(dice.randint(1, 5)),
    }
    rounds.give(tx, stored, running, who, Draft(choices, dice.choice(REASONS)), base=0)


async def made_up(database: Database) -> tuple[list[Person], list[StoredConsult]]:
    """Fill the database; half of the rounds are closed, with a discussion of ten comments."""
    dice = random.Random(1)
    crowd, team = await database.write(members)
    cases: list[StoredConsult] = []
    for number in range(CASES):
        asker = crowd[number]
        stored = await database.write(partial(case, who=asker, team=team))
        givers = [who for who in crowd if who.id != asker.id]
        for who in dice.sample(givers, OPINIONS // CASES):
            await database.write(partial(thinks, stored=stored, who=who, dice=dice))
        if number % 2:
            await database.write(partial(talked, stored=stored, givers=givers))
        cases.append(stored)
    return crowd, cases


def talked(tx: Tx, stored: StoredConsult, givers: list[Person]) -> None:
    running = rounds.running(tx, stored.id)
    assert running is not None
    rounds.close(tx, running, stored.owner_id, "asker")
    for who in givers[:10]:
        discussion.add(tx, stored, who, "I would ask the clinic first, then agree a date.")


async def page_ms(browser: httpx.AsyncClient, cases: list[StoredConsult]) -> list[float]:
    """Return the milliseconds of each page, case after case."""
    spent = []
    for number in range(PAGES):
        began = time.perf_counter()
        answer = await browser.get(f"/case/{cases[number % len(cases)].short}")
        spent.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
    return spent


async def paper_ms(database: Database, reader: Person, cases: list[StoredConsult]) -> list[float]:
    """Return the milliseconds of each PDF of a case with twenty opinions, once the process runs."""
    press, spent = Press(seconds=60), []
    closed = cases[1::2]
    await press.pdf("<p>.</p>")
    for number in range(PAPERS):
        stored = closed[number % len(closed)]
        made = await database.read(
            partial(
                record.record_for,
                reader=reader,
                stored=stored,
                scenario_of=scenario_of,
                lasting=True,
            )
        )
        began = time.perf_counter()
        await press.pdf(as_sheet(made))
        spent.append((time.perf_counter() - began) * 1000)
    await press.close()
    return spent


async def figures(folder: Path) -> list[tuple[str, float, float]]:
    """Return (what, measured, at most), in milliseconds."""
    engine = writing_engine(folder / "curbside.db")
    with engine.begin() as connection:
        bring_up_to_date(connection)
    engine.dispose()
    clock = Clock()
    database = open_database(sqlite_url(folder), Keyring([bytes(range(1, 33))]), clock)
    try:
        crowd, cases = await made_up(database)
        reader = crowd[-1]
        browser = await Pages(database, clock).signed_in(reader, cases[0].short)
        pages = await page_ms(browser, cases)
        papers = await paper_ms(database, reader, cases)
    finally:
        await database.close()
    return [
        ("transcript page, p50", statistics.median(pages), PAGE_MS),
        ("transcript page, p95", statistics.quantiles(pages, n=20)[-1], PAGE_MS),
        ("PDF with 20 opinions, p50", statistics.median(papers), PAPER_MS),
        ("PDF with 20 opinions, p95", statistics.quantiles(papers, n=20)[-1], PAPER_MS),
    ]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="curbside-pages-"))
    try:
        for name, value, most in asyncio.run(figures(folder)):
            print(f"{name:28s} {value:8.1f} ms   at most {most} ms")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
