"""What the console asks of the database, on both kinds, against the plain meaning of each question."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from dialogs.content import Scenario, load_scenario
from storage import audit, console, consults, people, plans, rounds, statistics, teams
from storage.console import LogEntry, LogFilter, Told
from storage.consults import StoredConsult
from storage.database import Database
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.schema import consult_tally
from storage.statistics import Period
from storage.transaction import Tx
from tests.databases import Clock
from tests.storage.test_rounds import NO, YES, team_with_a_case

ACTIONS = ("consult.answer", "consult.phase", "guard.hit", "console.read")
OUTCOMES = ("ok", "ok", "ok", "denied", "refused")
WORDS = ("mat", "opioid", "naloxone", "pain_type")
BEGAN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def scenario_of(_tx: Tx, _hash: str | None) -> Scenario:
    return load_scenario()


async def person_of(database: Database, number: int) -> Person:
    return await database.write(lambda tx: people.get_or_create(tx, number, "Somebody"))


# --- the log --------------------------------------------------------------------------------------


@pytest.fixture
async def events(database: Database, clock: Clock) -> list[LogEntry]:
    """Three hundred events of some people, actions and days, oldest first."""
    dice = random.Random(11)  # noqa: S311 - the same events each time
    actors = [(await person_of(database, n)).id for n in range(3)]
    cases = [UUID(int=n) for n in range(1, 9)]

    def some(tx: Tx) -> None:
        for _ in range(20):
            audit.record(
                tx,
                audit.Event(
                    actor=dice.choice([*actors, None]),
                    action=dice.choice(ACTIONS),
                    object_type="consult",
                    consult_id=dice.choice([*cases, None]),
                    outcome=dice.choice(OUTCOMES),
                    meta={"question": dice.choice(WORDS), "number": dice.randrange(9)},
                ),
            )

    for _ in range(15):
        await database.write(some)
        clock.moves(hours=7)
    return list(
        reversed(
            (await database.write(lambda tx: console.log_page(tx, LogFilter(), limit=400))).rows
        )
    )


def plainly(entry: LogEntry, wanted: LogFilter) -> bool:
    """Whether an event is wanted, said without any index."""
    words = f"{entry.action} {entry.object_type} {entry.outcome} {entry.meta_json}"
    parts = set("".join(c if c.isalnum() else " " for c in words).split())
    return (
        (wanted.since is None or entry.at >= wanted.since)
        and (wanted.until is None or entry.at < wanted.until)
        and wanted.actor in {None, entry.actor}
        and wanted.consult_id in {None, entry.consult_id}
        and wanted.action in {"", entry.action}
        and wanted.without != entry.action
        and wanted.outcome in {"", entry.outcome}
        and set(wanted.words) <= parts
    )


def any_filter(dice: random.Random, events: list[LogEntry]) -> LogFilter:
    """A filter with some of its fields set, each to something that occurs."""
    one, other = dice.choice(events), dice.choice(events)
    given: dict[str, Any] = {
        "since": min(one.at, other.at),
        "until": max(one.at, other.at),
        "actor": one.actor,
        "consult_id": other.consult_id,
        "action": one.action,
        "without": one.action,
        "outcome": other.outcome,
        "words": tuple(dice.sample(("mat", "opioid", "pain", "type", "consult", "denied", "7"), 1)),
    }
    return LogFilter(
        **{name: given[name] for name in dice.sample(sorted(given), dice.randrange(4))}
    )


@pytest.mark.parametrize(("rare", "near"), [(0, 3), (10_000, 3), (10_000, 5000)])
async def test_pages_of_any_filter_are_the_events_it_means(
    database: Database,
    events: list[LogEntry],
    monkeypatch: pytest.MonkeyPatch,
    rare: int,
    near: int,
) -> None:
    monkeypatch.setattr(console, "RARE", rare)
    monkeypatch.setattr(console, "NEAR", near)
    dice = random.Random(5)  # noqa: S311 - the same filters each time
    for _ in range(25):
        wanted = any_filter(dice, events)
        meant = [entry.seq for entry in reversed(events) if plainly(entry, wanted)]

        found = await database.read(lambda tx, wanted=wanted: walk(tx, wanted))  # type: ignore[misc]

        assert found == meant, wanted


def walk(tx: Tx, wanted: LogFilter) -> list[int]:
    """The numbers of all pages, forwards; each page is checked on the way back."""
    found: list[int] = []
    before: int | None = None
    while True:
        page = console.log_page(tx, wanted, before=before, limit=7)
        numbers = [row.seq for row in page.rows]
        found += numbers
        if page.newer is not None and numbers:
            back = console.log_page(tx, wanted, after=int(page.newer), limit=7)
            assert [row.seq for row in back.rows] == found[-len(numbers) - 7 : -len(numbers)]
        if page.older is None:
            return found
        before = int(page.older)


async def test_an_export_holds_each_event_once_and_in_order(
    database: Database, events: list[LogEntry]
) -> None:
    wanted = LogFilter(outcome="ok")

    def unit(tx: Tx) -> list[int]:
        after, through = console.span(tx, wanted)
        found: list[int] = []
        while rows := console.log_rows(tx, wanted, after=after, through=through, limit=11):
            found += [row[0] for row in rows]
            after = rows[-1][0]
        return found

    assert await database.write(unit) == [e.seq for e in events if e.outcome == "ok"]


async def test_an_export_of_a_time_reads_only_around_it(
    database: Database, events: list[LogEntry]
) -> None:
    wanted = LogFilter(since=BEGAN + timedelta(hours=30), until=BEGAN + timedelta(hours=40))
    never = LogFilter(since=BEGAN + timedelta(days=400))

    first, last = await database.write(lambda tx: console.span(tx, wanted))
    nothing = await database.write(lambda tx: console.span(tx, never))

    assert last - first < len(events) / 3
    assert nothing[0] == nothing[1]


async def test_what_happened_while_clocks_differed_a_little_is_found_by_its_time(
    database: Database, clock: Clock
) -> None:
    clock.moves(minutes=50)
    await database.write(lambda tx: audit.record(tx, audit.Event(actor=None, action="late.event")))
    clock.moves(minutes=-50)
    await database.write(lambda tx: audit.record(tx, audit.Event(actor=None, action="early.event")))
    wanted = LogFilter(since=BEGAN + timedelta(minutes=45))

    page = await database.write(lambda tx: console.log_page(tx, wanted))

    assert [row.action for row in page.rows] == ["late.event"]


async def test_the_actions_on_record_are_each_told_once(
    database: Database, events: list[LogEntry]
) -> None:
    found = await database.read(console.actions)

    assert list(found) == sorted({*ACTIONS, "database.create", "person.create"})


async def test_pseudonyms_lead_back_to_people_and_tell_nothing(database: Database) -> None:
    who = await person_of(database, 7_100_200_300)
    name = await database.read(lambda tx: console.pseudonym(tx, who.id))

    assert await database.read(lambda tx: console.by_pseudonym(tx, name)) == who.id
    assert await database.read(lambda tx: console.by_pseudonym(tx, "p-00000000")) is None
    assert await database.read(lambda tx: console.pseudonym(tx, None)) == ""
    assert str(who.telegram_id) not in name
    assert who.id.hex[:8] not in name


async def test_while_a_round_is_open_its_events_are_left_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, opened = UUID(int=1), UUID(int=2)
    for case, action in (
        (opened, "opinion.give"),
        (closed, "opinion.give"),
        (opened, "consult.answer"),
    ):
        event = audit.Event(actor=None, action=action, consult_id=case)
        await database.write(lambda tx, event=event: audit.record(tx, event))  # type: ignore[misc]
    monkeypatch.setattr(console, "hidden_consults", lambda _tx: frozenset({opened}))

    page = await database.write(lambda tx: console.log_page(tx, LogFilter()))
    seen = [(row.action, row.consult_id) for row in page.rows if row.consult_id]

    assert seen == [("consult.answer", opened), ("opinion.give", closed)]


async def test_the_newest_of_an_action_is_found(database: Database, events: list[LogEntry]) -> None:
    newest = await database.read(lambda tx: console.last_of(tx, "guard.hit"))

    assert newest is not None
    assert newest.seq == max(entry.seq for entry in events if entry.action == "guard.hit")
    assert await database.read(lambda tx: console.last_of(tx, "never.done")) is None


# --- deciding and signing off -----------------------------------------------------------------------


async def test_two_decisions_about_one_person_do_not_both_count(database: Database) -> None:
    admin, waiting = await person_of(database, 1), await person_of(database, 2)

    def decide(tx: Tx) -> Told | None:
        return console.decide(tx, admin, waiting.id, expected="approved", to="suspended")

    await database.write(decide)
    with pytest.raises(Conflict):
        await database.write(decide)


async def test_of_two_admins_who_decide_in_the_same_moment_one_wins(database: Database) -> None:
    admins = [await person_of(database, number) for number in (1, 2)]
    waiting = await database.write(lambda tx: people.get_or_create(tx, 3, "Bo", status="pending"))
    choices = zip(admins, ("approved", "suspended"), strict=True)

    came = await asyncio.gather(
        *(
            database.write(
                lambda tx, who=who, to=to: console.decide(  # type: ignore[misc]
                    tx, who, waiting.id, expected="pending", to=to
                )
            )
            for who, to in choices
        ),
        return_exceptions=True,
    )

    assert len([each for each in came if isinstance(each, Conflict)]) == 1
    decided = await database.read(
        lambda tx: [e.meta["to"] for e in audit.entries(tx) if e.action == "person.status"]
    )
    now = (await database.read(lambda tx: people.get(tx, waiting.id))).status
    assert decided == [now]


async def test_the_log_is_signed_off_once_and_not_beyond_its_end(database: Database) -> None:
    admin = await person_of(database, 1)
    await database.write(audit.seal)
    newest = (await database.read(console.reviewed)).newest
    await database.write(lambda tx: console.sign_off(tx, admin, newest))

    for through in (newest, newest + 1000, 0):
        with pytest.raises(Conflict):
            await database.write(lambda tx, n=through: console.sign_off(tx, admin, n))  # type: ignore[misc]
    assert (await database.read(console.reviewed)).through == newest


async def test_the_text_needs_leave_of_ones_own(database: Database) -> None:
    admin, asker = await person_of(database, 1), await person_of(database, 2)
    case = await database.write(lambda tx: opened(tx, asker))

    with pytest.raises(NotFound):
        await database.write(lambda tx: console.read_text(tx, admin, case.id))
    broken = await database.write(
        lambda tx: console.break_the_glass(tx, admin, case.id, "legal", "A request of a court")
    )

    assert broken.told == Told(asker.id, 2, None)
    assert await database.write(lambda tx: console.read_text(tx, admin, case.id)) == ()
    with pytest.raises(NotFound):
        await database.write(lambda tx: console.read_text(tx, asker, case.id))


async def test_an_asker_who_left_is_not_told(database: Database) -> None:
    admin, asker = await person_of(database, 1), await person_of(database, 2)
    case = await database.write(lambda tx: opened(tx, asker))
    waiting = await database.write(
        lambda tx: people.get_or_create(tx, 3, "Somebody", status="pending")
    )

    def leave(tx: Tx) -> tuple[Told | None, Told | None]:
        tx.connection.exec_driver_sql("UPDATE person SET telegram_id = NULL")
        return (
            console.break_the_glass(tx, admin, case.id, "legal", "A request of a court").told,
            console.decide(tx, admin, waiting.id, expected="pending", to="approved"),
        )

    assert await database.write(leave) == (None, None)


# --- statistics -------------------------------------------------------------------------------------


def opened(tx: Tx, owner: Person) -> StoredConsult:
    scenario = load_scenario()
    return consults.create(
        tx, owner, scenario_id=scenario.id, content_hash=scenario.hash, phase="asking"
    )


def changed(tx: Tx, case: StoredConsult, **values: Any) -> StoredConsult:
    """Save a case and put it on record, as the bot does."""
    saved = consults.save(tx, replace(case, **values), case.revision)
    audit.record(tx, audit.Event(actor=case.owner_id, action="consult.phase", consult_id=case.id))
    return saved


async def counted(database: Database, days: int = 30) -> statistics.Overview:
    await database.write(audit.seal)
    while not await database.write(lambda tx: statistics.refresh(tx, scenario_of)):
        pass
    since = BEGAN.date() - timedelta(days=3)
    return await database.read(
        lambda tx: statistics.overview(tx, Period(since, since + timedelta(days=days)))
    )


ANSWERS: dict[str, Any] = {"safety_now": ["none"], "setting": "otp", "mat": "unk", "reason": None}


async def test_a_case_counts_for_what_it_is_now(database: Database) -> None:
    owner = await person_of(database, 1)
    cases = [await database.write(lambda tx: opened(tx, owner)) for _ in range(12)]
    before = await counted(database)
    for case in cases[:8]:
        await database.write(
            lambda tx, case=case: changed(  # type: ignore[misc]
                tx, case, answers=ANSWERS, phase="advised", finished_at=tx.now
            )
        )
    after = await counted(database)
    again = await counted(database)

    assert (before.count("started"), before.count("finished")) == (12, 0)
    assert (after.count("started"), after.count("finished")) == (12, 8)
    assert after.of("unknown") == {"mat": 8}
    assert after.of("skipped") == {"reason": 8}
    assert after.of("answered") == {"safety_now": 8, "setting": 8}
    assert sum(n or 0 for n in after.of("step").values()) == 8
    assert after.median_seconds == 60
    assert after == again
    assert "open" not in after.counts


async def test_small_counts_are_not_shown(database: Database) -> None:
    owner = await person_of(database, 1)
    for _ in range(4):
        await database.write(lambda tx: opened(tx, owner))

    found = await counted(database)

    assert found.count("started") is None
    assert found.median_seconds is None
    assert [week["started"] for _, week in found.weeks if week["started"] != 0] == [None]


def test_one_small_count_takes_another_with_it() -> None:
    counts = {"finished": 27, "step:a": 15, "step:b": 9, "step:c": 3, "left:x": 8}

    shown = statistics._shown(counts)

    assert shown == {"finished": 27, "step:a": 15, "step:b": None, "step:c": None, "left:x": 8}


def test_how_cases_ended_does_not_tell_the_small_count_that_is_left_out() -> None:
    ended = {"started": 100, "finished": 88, "abandoned": 9, "stopped": 3}
    going_on = {"started": 104, "finished": 88, "abandoned": 9, "stopped": 3, "open": 4}

    assert statistics._shown(ended)["abandoned"] is None
    assert statistics._shown(going_on) == {
        "started": 104,
        "finished": 88,
        "abandoned": 9,
        "stopped": None,
    }
    assert statistics._week({"open": 0, **ended}) == {
        "started": 100,
        "finished": 88,
        "abandoned": None,
        "stopped": None,
    }


def test_what_was_not_known_is_told_rather_than_what_was_answered() -> None:
    counts = {"answered:mat": 900, "unknown:mat": 40, "skipped:mat": 3, "unknown:dose": 7}
    few = {"answered:mat": 2, "unknown:mat": 40, "skipped:mat": 9}

    assert statistics._shown(counts) == {
        "answered:mat": None,
        "unknown:mat": 40,
        "skipped:mat": None,
        "unknown:dose": 7,
    }
    assert statistics._shown(few) == {
        "answered:mat": None,
        "unknown:mat": 40,
        "skipped:mat": None,
    }


async def test_a_case_left_alone_is_abandoned_after_a_week(
    database: Database, clock: Clock
) -> None:
    owner = await person_of(database, 1)
    for _ in range(5):
        case = await database.write(lambda tx: opened(tx, owner))
        await database.write(
            lambda tx, case=case: changed(  # type: ignore[misc]
                tx, case, answers={"safety_now": ["none"]}
            )
        )
    fresh = await counted(database)
    clock.moves(days=8)
    late = await counted(database)

    assert fresh.count("abandoned") == 0
    assert late.count("abandoned") == 5
    assert sum(n or 0 for n in late.of("left").values()) == 5


async def test_a_cancelled_case_is_abandoned_at_once_and_a_red_flag_is_not(
    database: Database,
) -> None:
    owner = await person_of(database, 1)
    for phase in ["cancelled"] * 5 + ["stopped"] * 6:
        case = await database.write(lambda tx: opened(tx, owner))
        await database.write(lambda tx, case=case, phase=phase: changed(tx, case, phase=phase))  # type: ignore[misc]

    found = await counted(database)

    assert (found.count("abandoned"), found.count("stopped")) == (5, 6)


async def test_plans_reviews_and_dispositions_are_counted(database: Database, clock: Clock) -> None:
    owner = await person_of(database, 1)

    def follow(tx: Tx) -> None:
        case = changed(tx, opened(tx, owner), answers=ANSWERS, phase="planned", finished_at=tx.now)
        plans.dispose(tx, case, "naloxone", "not_applicable")
        choices = {
            "step": "STEP_GATHER",
            "decided": "step",
            "agreed": "nobody",
            "safeguards": [],
            "stop": "open",
            "days": [7],
            "start_at": tx.now,
        }
        plans.record_plan(tx, case, owner.id, choices)
        due = tx.now + timedelta(days=7)
        plans.schedule(tx, case, [("review", 7, due, due)], 1)

    for _ in range(6):
        await database.write(follow)
    planned = await counted(database)
    clock.moves(days=8)

    def reply(tx: Tx) -> None:
        for due in plans.take_due(tx):
            plans.answer_review(tx, due.review, "on_plan", owner.id)

    await database.write(reply)
    replied = await counted(database)

    assert planned.count("planned") == 6
    assert planned.of("followed") == {"STEP_GATHER": 6}
    assert planned.of("not_applicable") == {"naloxone": 6}
    assert planned.count("asked") == 0
    assert (replied.count("asked"), replied.count("replied")) == (6, 6)
    assert replied.of("outcome") == {"on_plan": 6}


async def test_what_is_erased_stays_counted_and_leaves_no_tally(database: Database) -> None:
    owner = await person_of(database, 1)
    cases = [await database.write(lambda tx: opened(tx, owner)) for _ in range(6)]
    for case in cases:
        await database.write(lambda tx, case=case: changed(tx, case, answers=ANSWERS))  # type: ignore[misc]
    before = await counted(database)
    for case in cases:
        await database.write(lambda tx, case=case: consults.erase(tx, case.id, by=owner.id))  # type: ignore[misc]
    after = await counted(database)
    kept = await database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT keys FROM consult_tally").all()
    )

    assert before.counts == after.counts
    assert after.count("started") == 6
    assert {str(row[0]) for row in kept} == {"[]"}


async def test_what_was_erased_before_it_was_counted_is_not_counted(database: Database) -> None:
    owner = await person_of(database, 1)
    for _ in range(6):
        case = await database.write(lambda tx: opened(tx, owner))
        await database.write(lambda tx, case=case: consults.erase(tx, case.id, by=owner.id))  # type: ignore[misc]

    assert (await counted(database)).count("started") == 0


async def test_what_if_copies_are_not_counted(database: Database) -> None:
    owner = await person_of(database, 1)
    first = await database.write(lambda tx: opened(tx, owner))
    for _ in range(6):
        await database.write(
            lambda tx: consults.create(
                tx,
                owner,
                scenario_id=first.scenario_id,
                content_hash=first.content_hash,
                phase="asking",
                hypothetical_of=first.id,
            )
        )

    assert (await counted(database)).count("started") is None


async def test_a_team_is_shown_in_numbers_and_pseudonyms(database: Database) -> None:
    team = await database.write(team_with_a_case)
    await database.write(
        lambda tx: teams.leave(tx, teams.load(tx, team.id), team.cleo.id, team.cleo.id)
    )
    [row] = await database.read(console.team_rows)
    members = await database.read(lambda tx: console.member_rows(tx, team.id))

    assert (row.members, row.groups, row.cases, row.ended_at) == (2, 0, 1, None)
    assert row.pseudonym.startswith("t-")
    assert "Harbour" not in repr(row)
    assert [(m.role, m.left_at is None) for m in members] == [
        ("lead", True),
        ("responder", True),
        ("responder", False),
    ]


async def test_the_name_of_a_team_is_read_on_record_and_ends_with_it(database: Database) -> None:
    team = await database.write(team_with_a_case)
    admin = await person_of(database, 9)

    name = await database.write(lambda tx: console.team_by_name(tx, admin, team.id))
    await database.write(lambda tx: teams.end(tx, teams.load(tx, team.id), None))

    await database.write(audit.seal)

    assert name == "Harbour"
    read = await database.read(lambda tx: console.last_of(tx, "team.name_read"))
    assert read is not None
    assert read.actor == admin.id
    with pytest.raises(NotFound):
        await database.write(lambda tx: console.team_by_name(tx, admin, team.id))
    with pytest.raises(NotFound):
        await database.read(lambda tx: console.team_row(tx, UUID(int=3)))
    assert (await database.read(lambda tx: console.team_row(tx, team.id))).ended_at is not None


async def test_opinions_are_counted_once_their_round_is_closed(database: Database) -> None:
    team = await database.write(team_with_a_case)
    for who, said in ((team.ben, YES), (team.cleo, NO)):
        await database.write(
            lambda tx, who=who, said=said: rounds.give(  # type: ignore[misc]
                tx, team.case, team.round, who, said, base=0
            )
        )
    await counted(database)
    [running] = await tallies(database)
    await database.write(lambda tx: rounds.close(tx, team.round, team.asker.id, "asker"))
    await counted(database)
    [closed] = await tallies(database)

    assert [key for key in running if key.partition(":")[0] in OPINION_KEYS] == []
    assert sorted(key for key in closed if key.partition(":")[0] in OPINION_KEYS) == [
        "concern:no",
        "concern:yes",
        "opinions",
        "opinions",
        "proposed:other",
        "proposed:same",
        "rounds",
    ]


OPINION_KEYS = {"rounds", "opinions", "concern", "proposed"}


async def tallies(database: Database) -> list[list[str]]:
    """What each case counts for."""
    return await database.read(
        lambda tx: list(tx.connection.scalars(select(consult_tally.c["keys"])))
    )


async def test_a_case_counts_for_the_teams_it_is_shared_with(database: Database) -> None:
    team = await database.write(team_with_a_case)

    found = await database.read(lambda tx: statistics.teams_of(tx, [team.case.id]))
    [row] = await database.read(console.team_rows)
    await database.write(lambda tx: teams.end(tx, teams.load(tx, team.id), None))
    after = await database.read(lambda tx: statistics.teams_of(tx, [team.case.id]))

    assert found == {team.case.id: (row.pseudonym,)}
    assert after == {}


async def test_the_counts_of_a_team_are_its_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await person_of(database, 1)
    cases = [await database.write(lambda tx: opened(tx, owner)) for _ in range(11)]
    shared = {case.id for case in cases[:5]}
    monkeypatch.setattr(
        statistics, "teams_of", lambda _tx, ids: {i: ("t-1",) for i in ids if i in shared}
    )
    everything = await counted(database)
    since = BEGAN.date()

    theirs = await database.read(
        lambda tx: statistics.overview(tx, Period(since, since + timedelta(days=1)), "t-1")
    )

    assert (everything.count("started"), theirs.count("started")) == (11, 5)


async def test_there_is_something_to_count_after_an_event_and_when_a_case_is_left(
    database: Database, clock: Clock
) -> None:
    owner = await person_of(database, 1)
    await database.write(lambda tx: opened(tx, owner))
    await database.write(audit.seal)
    before = await database.read(statistics.is_due)
    await counted(database)
    after = await database.read(statistics.is_due)
    clock.moves(days=8)
    left = await database.read(statistics.is_due)

    assert (before, after, left) == (True, False, True)


async def test_a_period_begins_with_the_first_day_counted_and_keeps_a_day(
    database: Database,
) -> None:
    whole = Period(date(2020, 1, 1), date(2026, 12, 1))
    assert await database.read(lambda tx: statistics.from_the_first(tx, whole)) == whole
    owner = await person_of(database, 1)
    await database.write(lambda tx: opened(tx, owner))
    await counted(database)

    found = await database.read(lambda tx: statistics.from_the_first(tx, whole))
    past = Period(date(2020, 1, 1), date(2021, 1, 1))
    early = await database.read(lambda tx: statistics.from_the_first(tx, past))

    assert found == Period(BEGAN.date(), date(2026, 12, 1))
    assert early.days == 1


async def test_counting_goes_on_where_it_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "EVENTS", 3)
    owner = await person_of(database, 1)
    for _ in range(9):
        await database.write(lambda tx: opened(tx, owner))
    await database.write(audit.seal)

    assert await database.read(statistics.is_behind)
    assert (await counted(database)).count("started") == 9
    assert not await database.read(statistics.is_behind)


async def test_a_scenario_that_can_no_longer_be_read_leaves_out_the_step_only(
    database: Database,
) -> None:
    owner = await person_of(database, 1)

    def missing(_tx: Tx, _hash: str | None) -> Scenario:
        raise NotFound("content", "x")

    for phase in ["advised"] * 5 + ["cancelled"] * 5:
        case = await database.write(lambda tx: opened(tx, owner))
        await database.write(
            lambda tx, case=case, phase=phase: changed(  # type: ignore[misc]
                tx, case, phase=phase, finished_at=tx.now if phase == "advised" else None
            )
        )
    await database.write(audit.seal)
    await database.write(lambda tx: statistics.refresh(tx, missing))
    found = await counted(database)

    assert (found.count("finished"), found.of("step")) == (5, {})
    assert found.of("left") == {"unclear": 5}


def test_the_median_is_the_end_of_its_class() -> None:
    assert statistics._median({"time:60": 2, "time:90": 2, "time:120": 3}) == 90
    assert statistics._median({"time:more": 9}) is None


def test_a_long_period_is_drawn_in_longer_steps() -> None:
    assert Period(date(2024, 1, 1), date(2026, 1, 1)).days == 731
