"""The admin console on 1,000,000 events and 50,000 consults, on SQLite and on PostgreSQL.

``python -m benchmarks.console [events] [consults] [sqlite|postgresql]`` prints one table. The data
are made here; the chain is a real one, so that verifying it can be measured too.
"""

import asyncio
import random
import resource
import shutil
import statistics as figures
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from dialogs.content import Scenario, load_scenario
from dialogs.evaluation import evaluate
from storage import audit, consults, people
from storage.console import LogFilter, span
from storage.database import Database, open_database
from storage.ids import new_id, new_short
from storage.keys import Keyring
from storage.schema import (
    audit_event,
    consult,
    disposition,
    plan,
    review,
    transcript,
)
from storage.sealing import Place, new_data_key, seal, system_key_id
from storage.transaction import Tx
from tests.databases import Clock, PostgresServer, sqlite_url
from tests.web.signed import ADMIN, Pages
from web.console.export import Wanted, csv_lines, stream
from web.console.overview import caught_up

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
DAYS = 540
BATCH = 20_000
PEOPLE = 300
OUTCOMES = ("on_plan", "slower", "continued", "stopped_plan", "lost")


# --- made-up use ----------------------------------------------------------------------------------


def answers_of(scenario: Scenario, dice: random.Random, most: int) -> dict[str, Any]:
    """Return answers of up to ``most`` questions on the quick path, as somebody might give them."""
    answers: dict[str, Any] = {}
    while len(answers) < most:
        asked = evaluate(answers, scenario).asked
        left = [q for q in asked if q not in answers and scenario.question(q).fast]
        if not left:
            break
        answers[left[0]] = _answer(scenario, left[0], dice)
    return answers


def _answer(scenario: Scenario, name: str, dice: random.Random) -> Any:
    question, luck = scenario.question(name), dice.random()
    if luck < 0.03:
        return None
    if luck < 0.12 and question.allows_unknown:
        return "unk"
    if question.kind == "number":
        return int(question.minimum or 1) + dice.randrange(30)
    calm = [o.id for o in question.options if o.red_flag is None and o.id != "none"]
    if question.kind == "multi":
        return _several([o.id for o in question.options], calm, dice)
    return [{"drug": dice.choice(calm)}] if question.kind == "dose" else dice.choice(calm)


def _several(options: list[str], calm: list[str], dice: random.Random) -> list[str]:
    if calm and not ("none" in options and dice.random() < 0.6):
        return [dice.choice(calm)]
    return ["none"] if dice.random() < 0.95 else [options[0]]


def pool(scenario: Scenario, dice: random.Random, count: int = 400) -> list[dict[str, Any]]:
    return [
        answers_of(scenario, dice, dice.choice((30, 30, 30, 30, 7, 4, 2))) for _ in range(count)
    ]


class Seed:
    """Made-up people, consults and events, the same for the same seed."""

    def __init__(self, now: datetime, number: int = 7) -> None:
        self.dice = random.Random(number)
        self.now = now
        self.scenario = load_scenario()
        self.people: list[UUID] = []
        self.consults: list[tuple[UUID, UUID, datetime, dict[str, Any]]] = []

    def meet(self, tx: Tx, count: int) -> None:
        found = [
            people.get_or_create(tx, 10_000 + n, f"Person {n}", status="approved").id
            for n in range(count)
        ]
        self.people = found

    def open_consults(self, tx: Tx, count: int) -> None:
        """Insert consults with what followed, spread over a year and a half."""
        scenario, dice = self.scenario, self.dice
        consults.store_content(
            tx,
            content_hash=scenario.hash,
            scenario_id=scenario.id,
            version=scenario.version,
            body=scenario.body,
        )
        key, ready = new_data_key(tx, "consult"), pool(scenario, dice)
        rows: dict[Any, list[dict[str, Any]]] = {consult: [], disposition: [], plan: [], review: []}
        for number in range(count):
            self._one(rows, number, key, ready, DAYS * (number + 1) / (count + 1))
            if len(rows[consult]) >= BATCH or number == count - 1:
                for table, made in rows.items():
                    if made:
                        tx.connection.execute(insert(table), made)
                        made.clear()

    def _one(
        self,
        rows: dict[Any, list[dict[str, Any]]],
        number: int,
        key: UUID,
        ready: list[dict[str, Any]],
        day: float,
    ) -> None:
        dice, scenario = self.dice, self.scenario
        opened = self.now - timedelta(days=DAYS - day)
        answers, owner, identity = dice.choice(ready), dice.choice(self.people), new_id()
        found = evaluate(answers, scenario)
        flagged = answers.get("safety_now") not in (None, "unk", ["none"])
        whole = not flagged and all(q in answers for q in found.asked if scenario.question(q).fast)
        took = timedelta(seconds=dice.lognormvariate(4.5, 0.7))
        planned = whole and dice.random() < 0.45
        left = "stopped" if flagged else dice.choice(("asking", "cancelled"))
        phase = "planned" if planned else "advised" if whole else left
        rows[consult].append(
            {
                "id": identity,
                "short": new_short(),
                "owner_id": owner,
                "code": f"K{number}",
                "scenario_id": scenario.id,
                "content_hash": scenario.hash,
                "phase": phase,
                "turn": len(answers) + 2,
                "revision": len(answers) + 2,
                "answers": answers,
                "previous": {},
                "path": "quick",
                "data_key_id": key,
                "opened_at": opened,
                "updated_at": opened + took,
                "finished_at": opened + took if whole else None,
                "confidence_before": 1 + dice.randrange(5) if whole else None,
                "confidence_after": 2 + dice.randrange(4) if whole else None,
            }
        )
        self.consults.append((identity, owner, opened, answers))
        if whole:
            rows[disposition] += [
                {"consult_id": identity, "consideration": c, "value": value, "at": opened + took}
                for c in found.considerations
                if (value := dice.choice(("", "", "done", "will_do", "not_applicable", "revisit")))
                and dice.random() < 0.5
            ]
        if planned:
            self._plan(rows, (identity, owner, key), found.step, opened + took)

    def _plan(
        self,
        rows: dict[Any, list[dict[str, Any]]],
        ids: tuple[UUID, UUID, UUID],
        step: str,
        at: datetime,
    ) -> None:
        dice, (identity, owner, key) = self.dice, ids
        rows[plan].append(
            {
                "id": new_id(),
                "consult_id": identity,
                "revision": 1,
                "step": step,
                "decided": dice.choice(("step", "step", "step", "alternative", "other")),
                "agreed": dice.choice(("client_pain", "client", "team", "nobody")),
                "safeguards": ["naloxone"],
                "stop": "last_review",
                "days": [30, 90],
                "start_at": at,
                "data_key_id": key,
                "by": owner,
                "at": at,
            }
        )
        for day in (30, 90):
            due = at + timedelta(days=day)
            state = "waiting" if due > self.now else dice.choice(("sent", "answered", "answered"))
            rows[review].append(
                {
                    "id": new_id(),
                    "consult_id": identity,
                    "person_id": owner,
                    "plan_revision": 1,
                    "kind": "review",
                    "day": day,
                    "due_at": due,
                    "send_at": due,
                    "state": state,
                    "sent_at": None if state == "waiting" else due,
                    "answered_at": due if state == "answered" else None,
                    "outcome": dice.choice(OUTCOMES) if state == "answered" else None,
                }
            )

    # --- events -------------------------------------------------------------------------

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """Yield events of the consults in the order of time, about ``count`` of them."""
        each = max(1, count // max(len(self.consults), 1) - 2)
        left = count
        for place, (identity, owner, opened, answers) in enumerate(self.consults):
            last = place == len(self.consults) - 1
            for number in range(min(left, each + 2) if not last else left):
                left -= 1
                yield self._event(identity, owner, opened, list(answers) or ["role"], number)

    def _event(
        self, identity: UUID, owner: UUID, opened: datetime, questions: list[str], number: int
    ) -> dict[str, Any]:
        dice = self.dice
        action, outcome, meta = "consult.answer", "ok", ""
        luck = dice.random()
        if number == 0:
            action, meta = "consult.create", '{"path":"quick"}'
        elif luck < 0.0001:
            action, outcome = "consult.read", "denied"
        elif luck < 0.01:
            action, outcome, meta = "guard.hit", "refused", '{"kind":"date"}'
        elif luck < 0.1:
            action, meta = "consult.phase", '{"from":"asking","to":"reviewing"}'
        elif luck < 0.15:
            action, meta = (
                "disposition.set",
                '{"consideration":"naloxone","value":"not_applicable"}',
            )
        if not meta:
            meta = (
                f'{{"question":"{dice.choice(questions)}","via":"{dice.choice(("tap", "typed"))}"}}'
            )
        return {
            "id": new_id(),
            "at": audit.microseconds(opened + timedelta(seconds=9 * number)),
            "actor": owner,
            "action": action,
            "object_type": "consult",
            "object_id": str(identity),
            "consult_id": identity,
            "outcome": outcome,
            "meta": meta,
        }


def write_events(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Chain and insert events, as the log itself would, many at a time."""
    key, head = audit.mac_key(tx), audit.last_event(tx)
    for row in rows:
        row["row_mac"] = audit.row_mac(key, audit._canonical(row))  # noqa: SLF001 - seeding
        seq = head.seq + 1
        made = audit.Head(seq, audit.link(key, head.hash, seq, row["row_mac"]))
        row |= {"seq": seq, "prev": head.hash, "hash": made.hash}
        head = made
    tx.connection.execute(insert(audit_event), rows)
    audit.note_head(tx, head)
    audit.catch_up(tx)


async def seeded(database: Database, events: int, cases: int, now: datetime = NOW) -> Seed:
    """Fill a database with made-up use."""
    seed = Seed(now)
    await database.write(lambda tx: seed.meet(tx, min(PEOPLE, cases)))
    await database.write(lambda tx: seed.open_consults(tx, cases))
    rows: list[dict[str, Any]] = []
    for row in seed.events(events):
        rows.append(row)
        if len(rows) == BATCH:
            await database.write(lambda tx, rows=rows: write_events(tx, rows))  # type: ignore[misc]
            rows = []
    if rows:
        await database.write(lambda tx: write_events(tx, rows))
    return seed


def add_texts(tx: Tx, seed: Seed, number: int = 5) -> None:
    """Add messages with made-up words to the newest consults, and some that were given up."""
    for identity, owner, opened, _ in seed.consults[-number:]:
        key = consults.load(tx, identity).data_key_id
        row = new_id()
        tx.connection.execute(
            insert(transcript).values(
                id=row,
                consult_id=identity,
                chat_id=1,
                person_id=owner,
                direction="in",
                kind="text",
                content=seal(
                    tx,
                    key,
                    "He says he handles it well.",
                    Place("transcript", "content", row, identity),
                ),
                data_key_id=key,
                state="received",
                created_at=opened,
            )
        )
    for code in ("forbidden", "forbidden", "bad_request") * 4:
        tx.connection.execute(
            insert(transcript).values(
                id=new_id(),
                chat_id=2,
                direction="out",
                kind="message",
                data_key_id=system_key_id(tx, "chat"),
                state="dead",
                error_code=code,
                created_at=seed.now - timedelta(days=3),
            )
        )


# --- measuring ------------------------------------------------------------------------------------


async def timed(ask: Callable[[], Awaitable[Any]], times: int) -> tuple[float, float]:
    """Return (p50, p95) in milliseconds, after one call that warms up."""
    spent = []
    await ask()
    for _ in range(times):
        began = time.perf_counter()
        answer = await ask()
        spent.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
    ordered = sorted(spent)
    return figures.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


async def measured(url: str, events: int, cases: int) -> Iterator[tuple[str, str]]:
    """Yield (what, figure) for one database."""
    clock = Clock(NOW)
    database = open_database(url, Keyring([bytes(range(1, 33))]), clock)
    rows: list[tuple[str, str]] = []
    try:
        began = time.perf_counter()
        seed = await seeded(database, events, cases)
        if not url.startswith("sqlite"):
            await database.write(lambda tx: tx.connection.exec_driver_sql("ANALYZE"))
        rows.append(("seeding", f"{time.perf_counter() - began:.0f} s"))
        rows += await _pages(Pages(database, clock), seed)
    finally:
        await database.close()
    return iter(rows)


async def _pages(pages: Pages, seed: Seed) -> list[tuple[str, str]]:
    admin = await pages.person(ADMIN, admin=True)
    browser = await pages.signed_in(admin)
    site = pages.app.state.site
    began = time.perf_counter()
    while not await caught_up(site, 20):
        pass
    rows = [("counting everything once", f"{time.perf_counter() - began:.1f} s")]
    case = seed.consults[len(seed.consults) // 2][0].hex
    middle = await pages.look(lambda tx: audit.last_event(tx).seq // 2)
    asked = {
        "first page": "",
        "deep page": f"before={middle}",
        "deep page, upwards": f"after={middle}",
        "rare event": "event=consult.read",
        "rare outcome": "outcome=denied",
        "common event": "event=consult.answer",
        "common event, one case": f"event=consult.answer&case={case}",
        "a week of last year": "from=2026-01-05&to=2026-01-11",
        "two filters that never meet": "event=guard.hit&outcome=denied",
        "rare word": "words=denied",
        "common word": "words=question",
        "word nobody wrote": "words=zebra",
        "common word, one case": f"words=question&case={case}",
        "two words that never meet": "words=guard+tap",
        "common word, rare event": "words=consult&event=consult.read",
        "common word, a week": "words=tap&from=2026-01-05&to=2026-01-11",
    }
    for name, query in asked.items():
        p50, p95 = await timed(lambda query=query: browser.get(f"/console/log?{query}"), 21)  # type: ignore[misc]
        rows.append((f"log: {name}", f"{p50:.0f} / {p95:.0f} ms"))
    for name, path in {
        "consults": "/console/consults",
        "one consult": f"/console/consult/{UUID(case)}",
        "overview, 90 days": "/console",
        "overview, all": "/console?period=all",
        "integrity": "/console/integrity",
        "system": "/console/system",
    }.items():
        p50, p95 = await timed(lambda path=path: browser.get(path), 11)  # type: ignore[misc]
        rows.append((name, f"{p50:.0f} / {p95:.0f} ms"))
    rows.append(await _export(pages, browser, admin))
    return rows


async def _export(pages: Pages, browser: Any, admin: Any) -> tuple[str, str]:
    first, last = await pages.database.write(lambda tx: span(tx, LogFilter()))
    site = pages.app.state.site
    wanted = Wanted(site.jobs.begin("export", admin.id, last - first), LogFilter(), first, last)
    before, began, size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), 0
    async for part in stream(site, wanted, csv_lines):
        size += len(part)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    spent = time.perf_counter() - began
    return "export of everything", f"{spent:.0f} s, {size / 1e6:.0f} MB, {grown:.0f} MB more memory"


async def main(events: int, cases: int, only: str = "") -> None:
    folder = Path(tempfile.mkdtemp(prefix="curbside-bench-"))
    server = PostgresServer()
    try:
        for name, url in (("SQLite", sqlite_url(folder)), ("PostgreSQL", server.database())):
            if only and only != name.lower():
                continue
            print(f"\n{name}: {events:,} events, {cases:,} consults (p50 / p95)", flush=True)
            for what, figure in await measured(url, events, cases):
                print(f"  {what:32} {figure}", flush=True)
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    events, cases, only = (*sys.argv[1:4], *("1000000", "50000", "")[len(sys.argv) - 1 :])
    asyncio.run(main(int(events), int(cases), only))
