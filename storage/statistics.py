"""How Curbside is used, counted ahead of time: opening every case for a page would take seconds.

Each consult has a tally of what it counts for. When it changed, the difference to its last tally
is added to the counts of the day it was opened. The log tells which consults changed; what was
erased stays counted and is tallied no more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import func, select, text

from dialogs.answers import NOT_KNOWN
from dialogs.content import Scenario
from dialogs.errors import ContentError
from dialogs.evaluation import Evaluation, evaluate
from storage import rounds, teams
from storage.errors import NotFound
from storage.rounds import Round
from storage.schema import (
    audit_event,
    consult,
    consult_tally,
    disposition,
    meta,
    plan,
    review,
    share,
    statistic,
)
from storage.transaction import Tx

ScenarioOf: TypeAlias = Callable[[Tx, str | None], Scenario]
Tally: TypeAlias = list[str]

SMALLEST = 5
"""Counts below this are not shown: they may point at somebody."""

ABANDONED_AFTER = timedelta(days=7)
"""A consult without a summary that was not touched for so long."""

AGAIN_AFTER = timedelta(days=1)
BATCH = 500
EVENTS = 5000
ALL = ""
MARK = "statistics:seq"
FROZEN: Tally = []
EPOCH = date(1970, 1, 1)
SERIES = ("started", "finished", "abandoned", "stopped")
TIMES = (60, 90, 120, 180, 300, 600, 1800, 3600, 86400)
"""Upper ends of the classes of the time to the summary, in seconds; one more has none."""

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
LOCK_KEY = 0x63627374
_ADD = text(
    "INSERT INTO statistic (team, day, key, count) VALUES (:team, :day, :key, :count)"
    " ON CONFLICT (team, day, key) DO UPDATE SET count = statistic.count + excluded.count"
)
_KEEP_MARK = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days; ``until`` is not included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What was counted in a period.

    None is a count that is not shown: from 1 to 4, or one that would give such a count away.
    """

    period: Period
    team: str
    counts: Mapping[str, int | None]
    """By key, such as ``started`` or ``unknown:mat``; what is missing is 0."""
    median_seconds: int | None
    """Of the time to the summary, in classes; None when there are fewer than five."""
    weeks: tuple[tuple[date, Mapping[str, int | None]], ...]
    """First day (or first of several weeks) and its counts of `SERIES`."""
    behind: bool
    """Some changes are not counted yet."""

    def of(self, kind: str) -> dict[str, int | None]:
        """Return name -> count of the keys of one kind, such as ``step``."""
        start = kind + ":"
        return {k.removeprefix(start): n for k, n in self.counts.items() if k.startswith(start)}

    def count(self, key: str) -> int | None:
        return self.counts.get(key, 0)


def teams_of(tx: Tx, consult_ids: Sequence[UUID]) -> Mapping[UUID, tuple[str, ...]]:
    """Return the teams that each consult was shared with and not taken back from, by pseudonym."""
    rows = tx.connection.execute(
        select(share.c.consult_id, share.c.team_id)
        .where(
            share.c.consult_id.in_(consult_ids),
            share.c.team_id.is_not(None),
            share.c.revoked_at.is_(None),
        )
        .distinct()
    )
    found: dict[UUID, set[str]] = {}
    for row in rows:
        found.setdefault(row.consult_id, set()).add(teams.pseudonym(tx, row.team_id))
    return {consult_id: tuple(sorted(names)) for consult_id, names in found.items()}


# --- counting -------------------------------------------------------------------------------------


def refresh(tx: Tx, scenario_of: ScenarioOf, limit: int = BATCH) -> bool:
    """Count what changed, up to ``limit`` consults, and say whether that was everything."""
    if not tx.on_sqlite:
        tx.connection.execute(_LOCK, {"key": LOCK_KEY})
    mark = _mark(tx)
    changed, seen = _changed(tx, mark, limit)
    due = _due(tx, limit)
    _tally(tx, [*dict.fromkeys([*changed, *due])], scenario_of)
    if seen != mark:
        tx.connection.execute(_KEEP_MARK, {"key": MARK, "value": str(seen)})
    return seen - mark < EVENTS and len(changed) < limit and len(due) < limit


def is_behind(tx: Tx) -> bool:
    """Say whether more events wait to be counted than one refresh takes."""
    newest = tx.connection.scalar(select(func.max(audit_event.c.seq))) or 0
    return newest - _mark(tx) > EVENTS


def is_due(tx: Tx) -> bool:
    """Say whether there is anything to count: new events, or a case that time has changed."""
    newest = tx.connection.scalar(select(func.max(audit_event.c.seq))) or 0
    return newest > _mark(tx) or bool(_due(tx, 1))


def _mark(tx: Tx) -> int:
    value = tx.connection.scalar(select(meta.c.value).where(meta.c.key == MARK))
    return int(value or 0)


def _changed(tx: Tx, mark: int, limit: int) -> tuple[list[UUID], int]:
    """Return the consults with events after ``mark``, and the number of the last event looked at."""
    rows = tx.connection.execute(
        select(audit_event.c.seq, audit_event.c.consult_id)
        .where(audit_event.c.seq > mark)
        .order_by(audit_event.c.seq)
        .limit(EVENTS)
    )
    found: dict[UUID, None] = {}
    for seq, consult_id in rows:
        if consult_id is not None and consult_id not in found:
            if len(found) == limit:
                break
            found[consult_id] = None
        mark = seq
    return list(found), mark


def _due(tx: Tx, limit: int) -> list[UUID]:
    query = (
        select(consult_tally.c.consult_id)
        .where(consult_tally.c.again_at <= tx.now)
        .order_by(consult_tally.c.again_at)
        .limit(limit)
    )
    return list(tx.connection.scalars(query))


@dataclass(frozen=True, slots=True)
class _Facts:
    """The rows that consults count by, of one batch."""

    before: Mapping[UUID, Any]
    dispositions: Mapping[UUID, list[Any]]
    plans: Mapping[UUID, Any]
    reviews: Mapping[UUID, list[Any]]
    rounds: Mapping[UUID, list[Round]]
    teams: Mapping[UUID, tuple[str, ...]]


def _tally(tx: Tx, ids: Sequence[UUID], scenario_of: ScenarioOf) -> None:
    if not ids:
        return
    rows = tx.connection.execute(
        select(consult).where(consult.c.id.in_(ids), consult.c.hypothetical_of.is_(None))
    ).all()
    facts = _facts(tx, ids)
    made = [_made(tx, row, facts, scenario_of) for row in rows]
    moved: Counter[tuple[str, int, str]] = Counter()
    for now in made:
        before = facts.before.get(now["consult_id"])
        if now["keys"] == FROZEN:
            continue
        if before is not None:
            _move(moved, before, -1)
        _move(moved, now, 1)
    _write(tx, made, moved)


def _move(moved: Counter[tuple[str, int, str]], tally: Mapping[str, Any], by: int) -> None:
    for team in (ALL, *tally["teams"]):
        for key in tally["keys"]:
            moved[team, tally["day"], key] += by


def _write(tx: Tx, made: Sequence[dict[str, Any]], moved: Counter[tuple[str, int, str]]) -> None:
    if made:
        ids = [now["consult_id"] for now in made]
        tx.connection.execute(consult_tally.delete().where(consult_tally.c.consult_id.in_(ids)))
        tx.connection.execute(consult_tally.insert(), list(made))
    added = [
        {"team": team, "day": day, "key": key, "count": number}
        for (team, day, key), number in sorted(moved.items())
        if number
    ]
    if added:
        tx.connection.execute(_ADD, added)


def _facts(tx: Tx, ids: Sequence[UUID]) -> _Facts:
    def grouped(rows: Iterable[Any]) -> Mapping[UUID, list[Any]]:
        found: dict[UUID, list[Any]] = {}
        for row in rows:
            found.setdefault(row.consult_id, []).append(row)
        return found

    run = tx.connection.execute
    tallies = run(select(consult_tally).where(consult_tally.c.consult_id.in_(ids)))
    plans = run(
        select(plan.c.consult_id, plan.c.step, plan.c.decided)
        .where(plan.c.consult_id.in_(ids))
        .order_by(plan.c.revision)
    )
    return _Facts(
        before={row["consult_id"]: row for row in tallies.mappings()},
        dispositions=grouped(run(select(disposition).where(disposition.c.consult_id.in_(ids)))),
        plans={row.consult_id: row for row in plans},
        reviews=grouped(
            run(select(review).where(review.c.consult_id.in_(ids)).order_by(review.c.due_at))
        ),
        rounds=grouped(rounds.closed_of(tx, ids)),
        teams=teams_of(tx, ids),
    )


def _made(tx: Tx, row: Any, facts: _Facts, scenario_of: ScenarioOf) -> dict[str, Any]:
    keys = FROZEN if row.erased_at is not None else list(_keys(tx, row, facts, scenario_of))
    return {
        "consult_id": row.id,
        "day": (row.opened_at.date() - EPOCH).days,
        "keys": keys,
        "teams": list(facts.teams.get(row.id, ())),
        "again_at": None if keys == FROZEN else _again_at(tx, row, facts.reviews.get(row.id, ())),
    }


def _again_at(tx: Tx, row: Any, reviews: Sequence[Any]) -> datetime | None:
    """Return when time alone may change what a consult counts for."""
    moments = [max(r.send_at, tx.now) + AGAIN_AFTER for r in reviews if r.state == "waiting"]
    if not _is_settled(row) and not _is_abandoned(tx, row):
        moments.append(row.updated_at + ABANDONED_AFTER)
    return min(moments, default=None)


def _is_settled(row: Any) -> bool:
    return row.finished_at is not None or row.phase == "stopped"


def _is_abandoned(tx: Tx, row: Any) -> bool:
    if _is_settled(row):
        return False
    ended = row.phase in {"cancelled", "closed"}
    return ended or row.updated_at + ABANDONED_AFTER <= tx.now


# --- what a consult counts for --------------------------------------------------------------------


def _keys(tx: Tx, row: Any, facts: _Facts, scenario_of: ScenarioOf) -> Iterator[str]:
    yield "started"
    yield from _answer_keys(row.answers)
    yield from _end_keys(tx, row, scenario_of)
    for each in facts.dispositions.get(row.id, ()):
        yield f"{each.value}:{each.consideration}"
    decided = facts.plans.get(row.id)
    if decided is not None:
        yield "planned"
        yield f"decided:{decided.decided}"
        if decided.decided == "step":
            yield f"followed:{decided.step}"
    yield from _review_keys(facts.reviews.get(row.id, ()))
    yield from _opinion_keys(tx, row, facts.rounds.get(row.id, ()), scenario_of)


def _answer_keys(answers: Mapping[str, Any]) -> Iterator[str]:
    for question, value in answers.items():
        if value is None or value == []:
            yield f"skipped:{question}"
        elif value == NOT_KNOWN:
            yield f"unknown:{question}"
        else:
            yield f"answered:{question}"


def _end_keys(tx: Tx, row: Any, scenario_of: ScenarioOf) -> Iterator[str]:
    if row.finished_at is not None:
        yield "finished"
        yield f"time:{_time_class((row.finished_at - row.opened_at).total_seconds())}"
        found = _evaluated(tx, row, scenario_of)
        if found is not None:
            yield f"step:{found[0].step}"
            yield from (f"raised:{name}" for name in found[0].considerations)
    elif row.phase == "stopped":
        yield "stopped"
    elif _is_abandoned(tx, row):
        yield "abandoned"
        yield f"left:{_left_at(row, _evaluated(tx, row, scenario_of))}"
    else:
        yield "open"


def _time_class(seconds: float) -> str:
    return str(next((end for end in TIMES if seconds <= end), "more"))


def _evaluated(tx: Tx, row: Any, scenario_of: ScenarioOf) -> tuple[Evaluation, Scenario] | None:
    """Return what follows from the answers; None when the scenario can no longer be read."""
    try:
        scenario = scenario_of(tx, row.content_hash)
    except (NotFound, ContentError):
        return None
    return evaluate(row.answers, scenario), scenario


def _left_at(row: Any, found: tuple[Evaluation, Scenario] | None) -> str:
    """Return the question that was open when a consult was left, or ``review``."""
    if found is None:
        return "unclear"
    evaluation, scenario = found
    quick = row.path != "full"
    path = (q for q in evaluation.asked if not quick or scenario.question(q).fast)
    return next((q for q in path if q not in row.answers), "review")


def _review_keys(reviews: Sequence[Any]) -> Iterator[str]:
    outcome = None
    for each in reviews:
        if each.sent_at is not None:
            yield "asked"
        if each.state == "answered":
            yield "replied"
            outcome = each.outcome if each.kind == "review" else outcome
    if outcome:
        yield "reviewed"
        yield f"outcome:{outcome}"


def _opinion_keys(
    tx: Tx, row: Any, closed: Sequence[Round], scenario_of: ScenarioOf
) -> Iterator[str]:
    """Yield what the rounds of a case count for: those that run are not counted yet."""
    found = _evaluated(tx, row, scenario_of) if closed else None
    for each in closed:
        yield "rounds"
        for said in rounds.shown(tx, each, None).opinions:
            yield "opinions"
            yield f"concern:{said.concern}"
            if found is not None:
                yield f"proposed:{'same' if said.step == found[0].step else 'other'}"


# --- reading --------------------------------------------------------------------------------------


def overview(tx: Tx, period: Period, team: str = ALL) -> Overview:
    """Return what was counted, small counts left out."""
    first, last = (period.since - EPOCH).days, (period.until - EPOCH).days
    width = 7 * max(1, -(-period.days // (7 * 30)))
    rows = tx.connection.execute(
        select(statistic.c.key, func.sum(statistic.c.count))
        .where(statistic.c.team == team, statistic.c.day >= first, statistic.c.day < last)
        .group_by(statistic.c.key)
    ).all()
    counts = {row[0]: int(row[1]) for row in rows}
    return Overview(
        period=period,
        team=team,
        counts=_shown(counts),
        median_seconds=_median(counts),
        weeks=_weeks(tx, period, team, width),
        behind=is_behind(tx),
    )


def from_the_first(tx: Tx, period: Period, team: str = ALL) -> Period:
    """Return the period from the first day on of which anything was counted."""
    first = tx.connection.scalar(select(func.min(statistic.c.day)).where(statistic.c.team == team))
    if first is None:
        return period
    day = EPOCH + timedelta(days=first)
    return Period(min(max(period.since, day), period.until - timedelta(days=1)), period.until)


def _weeks(
    tx: Tx, period: Period, team: str, width: int
) -> tuple[tuple[date, Mapping[str, int | None]], ...]:
    first, last = (period.since - EPOCH).days, (period.until - EPOCH).days
    sums: Counter[tuple[int, str]] = Counter()
    for day, key, number in tx.connection.execute(
        select(statistic.c.day, statistic.c.key, statistic.c.count).where(
            statistic.c.team == team,
            statistic.c.day >= first,
            statistic.c.day < last,
            statistic.c.key.in_((*SERIES, *INTERNAL)),
        )
    ):
        sums[(day - first) // width, key] += number
    return tuple(
        (
            period.since + timedelta(days=width * place),
            _week({key: sums[place, key] for key in (*SERIES, *INTERNAL)}),
        )
        for place in range(-(-(last - first) // width))
    )


def _week(counts: Mapping[str, int]) -> dict[str, int | None]:
    shown = {key: hidden(counts[key]) for key in SERIES}
    _hide_another(shown, counts, _ends(counts))
    return shown


def hidden(number: int) -> int | None:
    """Return a count, or None when it is too small to be shown."""
    return None if 0 < number < SMALLEST else number


PARTITIONS = ("step:", "time:", "left:", "decided:", "outcome:", "concern:", "proposed:")
"""Keys that add up to a count shown beside them: one that is left out would follow from the rest."""

INTERNAL = ("open",)
"""Not shown: with it the others could be reckoned up."""

ENDS = ("finished", "abandoned", "stopped")
"""Together with those still open they add up to ``started``."""

OF_A_QUESTION = ("answered", "unknown", "skipped", "left")
"""They add up to the cases in which a question was asked."""


def _shown(counts: Mapping[str, int]) -> dict[str, int | None]:
    shown = {k: hidden(number) for k, number in counts.items() if number and k not in INTERNAL}
    for part in PARTITIONS:
        _hide_another(shown, counts, [key for key in shown if key.startswith(part)])
    _hide_another(shown, counts, _ends(counts))
    for question in {key.partition(":")[2] for key in shown if key.startswith(OF_A_QUESTION)}:
        names = [f"{kind}:{question}" for kind in OF_A_QUESTION]
        _hide_another(shown, counts, names, first=names[0])
    return shown


def _ends(counts: Mapping[str, int]) -> Sequence[str]:
    """Return what adds up to ``started``; nothing, as long as open cases blur the sum."""
    return () if counts.get("open") else ENDS


def _hide_another(
    shown: dict[str, int | None], counts: Mapping[str, int], names: Sequence[str], first: str = ""
) -> None:
    """Leave out one more of ``names`` where only one is left out: it would follow from the rest."""
    there = [name for name in names if counts.get(name)]
    rest = [name for name in there if shown[name] is not None]
    if len(there) - len(rest) == 1 and rest:
        shown[first if first in rest else min(rest, key=lambda name: counts[name])] = None


def _median(counts: Mapping[str, int]) -> int | None:
    """Return the end of the class that the median falls in."""
    classes = [(end, counts.get(f"time:{end}", 0)) for end in TIMES]
    total = sum(number for _, number in classes) + counts.get("time:more", 0)
    if total < SMALLEST:
        return None
    passed = 0
    for end, number in classes:
        passed += number
        if 2 * passed >= total:
            return end
    return None
