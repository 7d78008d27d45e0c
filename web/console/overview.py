"""How Curbside is used: from a case's beginning to its outcome, in counts of five and more."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from dialogs import charts
from dialogs.charts import Bar
from dialogs.content import Scenario
from dialogs.followup import followup
from dialogs.opinions import CONCERN_WORDS
from storage import console, statistics
from storage.statistics import Overview, Period
from storage.transaction import Tx
from web.access import Visit
from web.console import filters
from web.console.site import Site, address, nag, shown
from web.pages import count, lasted, safe

MOST_ROWS = 12
LONGEST_BY_WEEK = 210
"""Days; a longer period is drawn in longer steps."""
MOST_ROUNDS = 1
"""Batches counted while a page is asked for; the rest is counted in the background."""

PROPOSED = {"same": "As suggested", "other": "Another one"}
DECIDED = {"step": "The suggested step", "alternative": "An alternative", "other": "Something else"}


NOTHING = Markup()


@dataclass(frozen=True, slots=True)
class Card:
    """One chart with its title and a sentence under it."""

    title: str
    drawing: Markup
    note: str = ""
    legend: Markup = NOTHING


@dataclass(frozen=True, slots=True)
class Figure:
    """One large number."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Errors:
    """What went wrong in a period, code -> how often; of the machine, so that nothing is left out."""

    given_up: Mapping[str, int]
    put_away: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for an overview, and what it was asked for."""

    state: Overview
    errors: Errors
    scenario: Scenario
    teams: tuple[str, ...]
    reviewed: console.Reviewed


async def overview(request: Request, *, site: Site) -> Response:
    name, period, team = _asked(request, site)
    visit, found = await _found(request, site, period, team, whole=name == "all")
    state = found.state
    return shown(
        "overview.html",
        visit,
        here="overview",
        title="Overview",
        nag=nag(found.reviewed),
        figures=list(figures(state)),
        cards=list(cards(state, found.scenario, found.errors)),
        period=state.period,
        last=state.period.until - timedelta(days=1),
        chosen=name,
        periods=filters.PERIODS,
        teams=found.teams,
        team=team,
        behind=state.behind,
        csv=address("/console/overview.csv", dict(request.query_params)),
    )


async def as_csv(request: Request, *, site: Site) -> Response:
    """Return the same numbers as a table; small counts are left out of it as well."""
    name, period, team = _asked(request, site)
    _, found = await _found(
        request, site, period, team, whole=name == "all", recorded="overview.export"
    )
    period = found.state.period
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(["from", "to", "measure", "of", "count"])
    for row in rows(found.state, found.errors):
        table.writerow([period.since, period.until, *row])
    file = f"curbside-overview-{period.since}-{period.until}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: Request, site: Site) -> tuple[str, Period, str]:
    name, period = filters.period(request.query_params, site.clock().date())
    return name, period, filters.code(request.query_params.get("team", ""), "team")


async def _found(
    request: Request,
    site: Site,
    period: Period,
    team: str,
    *,
    whole: bool,
    recorded: str = "console.read",
) -> tuple[Visit, Found]:
    """Return who asks and what there is to show; ``whole`` begins with the first day counted."""
    meta: dict[str, int | str] = {"from": f"{period.since}", "to": f"{period.until}"}
    visit, reviewed = await site.access.enter(
        request,
        "overview",
        lambda tx, _visit: console.reviewed(tx),
        meta=meta | ({"team": team} if team else {}),
        recorded=recorded,
    )
    await caught_up(site, MOST_ROUNDS)

    def reading(tx: Tx) -> Found:
        asked = statistics.from_the_first(tx, period, team) if whole else period
        return Found(
            statistics.overview(tx, asked, team),
            _errors(tx, asked),
            site.scenario_of(tx, None),
            tuple(row.pseudonym for row in console.team_rows(tx)),
            reviewed,
        )

    return visit, await site.database.read(reading)


def _errors(tx: Tx, period: Period) -> Errors:
    since, until = (datetime.combine(d, time(), UTC) for d in (period.since, period.until))
    return Errors(console.given_up(tx, since, until), console.put_away(tx, since, until))


async def caught_up(site: Site, rounds: int) -> bool:
    """Count what changed since the last time, some batches of it; True when that was all."""
    for _ in range(rounds):
        if await site.database.write(lambda tx: statistics.refresh(tx, site.scenario_of)):
            return True
    return False


# --- what is shown --------------------------------------------------------------------------------


def number(value: int | None) -> str:
    return "–" if value is None else count(value)


def figures(state: Overview) -> Iterator[Figure]:
    """Yield the numbers at the top."""
    started, finished = state.count("started"), state.count("finished")
    yield Figure("Started", number(started))
    yield Figure("Finished", number(finished), share(finished, started))
    yield Figure(
        "Abandoned", number(state.count("abandoned")), share(state.count("abandoned"), started)
    )
    stopped = state.count("stopped")
    yield Figure("Red flag", number(stopped), share(stopped, started))
    median = state.median_seconds
    yield Figure("Time to summary", f"≤ {lasted(median)}" if median else "–", "median")
    yield Figure("Planned", number(state.count("planned")), share(state.count("planned"), finished))
    reviewed = state.count("reviewed")
    yield Figure("Outcome known", number(reviewed), share(reviewed, state.count("planned")))
    yield Figure("Opinions", number(state.count("opinions")), _in_rounds(state.count("rounds")))
    asked, replied = state.count("asked"), state.count("replied")
    yield Figure("Reminders answered", number(replied), f"of {number(asked)} asked")


def _in_rounds(rounds: int | None) -> str:
    return f"in {number(rounds)} rounds" if rounds != 0 else ""


def share(part: int | None, whole: int | None) -> str:
    return f"{100 * part / whole:.0f} %" if part and whole else ""


def cards(state: Overview, scenario: Scenario, errors: Errors) -> Iterator[Card]:
    """Yield the charts, from a case's beginning to its outcome."""
    ends = ("Finished", "Abandoned", "Red flag")
    by_week = state.period.days <= LONGEST_BY_WEEK
    day = "%d %b" if by_week else "%d %b %Y"
    yield Card(
        "Cases by week" if by_week else "Cases over time",
        safe(
            charts.columns(
                "Cases over time",
                [
                    Bar(f"{first:{day}}", (week["finished"], week["abandoned"], week["stopped"]))
                    for first, week in state.weeks
                ],
                ends,
            )
        ),
        "By the day they were begun; those still open are left out.",
        safe(charts.legend(ends)),
    )
    yield Card(
        "From beginning to outcome",
        safe(charts.funnel("From beginning to outcome", _funnel(state))),
    )
    yield Card("Time to the summary", safe(_times(state)))
    yield Card(
        "Where cases were left",
        safe(_by_question(state, scenario, "left")),
        "The question that stood open for a week, or when the case was cancelled; and the share of "
        "those who were asked it.",
    )
    yield Card(
        "Not known",
        safe(_unknown(state, scenario)),
        "Answers by question.",
        safe(charts.legend(UNKNOWN)),
    )
    yield Card(
        "Steps",
        safe(_steps(state, scenario)),
        "As suggested, and as decided.",
        safe(charts.legend(STEPS)),
    )
    yield Card(
        "“Not applicable”",
        safe(_not_applicable(state, scenario)),
        "Of the cases it was raised in. Often here means that the scenario raises it wrongly.",
    )
    yield Card("Outcomes at review", safe(_words(state, "outcome", followup().choices["outcome"])))
    yield Card("What was decided", safe(_words(state, "decided", DECIDED)))
    yield Card(
        "Opinions: is there an issue of concern?",
        safe(_concern(state)),
        "Of rounds that are closed.",
    )
    yield Card("Opinions: which step", safe(_words(state, "proposed", PROPOSED)))
    yield Card(
        "Errors",
        safe(_wrong(errors)),
        "Messages that Telegram did not take, updates that could not be handled. Shown in full: they "
        "say nothing of a case.",
        safe(charts.legend(WRONG)),
    )


WRONG = ("Messages given up", "Updates put away")


def _wrong(errors: Errors) -> str:
    rows = [Bar(name.replace("_", " "), (hits, 0)) for name, hits in errors.given_up.items()]
    rows += [Bar(name.replace("_", " "), (0, hits)) for name, hits in errors.put_away.items()]
    return charts.bars("Errors", rows[:MOST_ROWS], WRONG)


def _funnel(state: Overview) -> list[tuple[str, int | None]]:
    keys = {
        "started": "Begun",
        "finished": "Summary read",
        "planned": "Plan recorded",
        "reviewed": "Outcome known",
    }
    return [(label, state.count(key)) for key, label in keys.items()]


def _times(state: Overview) -> str:
    found = state.of("time")
    names = {str(end): f"≤ {lasted(end)}" for end in statistics.TIMES} | {"more": "longer"}
    rows = [Bar(name, (found.get(end, 0),)) for end, name in names.items()]
    return charts.bars("Time to the summary", rows if found else [], ("cases",))


def _by_question(state: Overview, scenario: Scenario, kind: str) -> str:
    names = {question.id: question.short for question in scenario.questions} | {
        "review": "Review of answers"
    }
    rows = [
        Bar(names.get(key, key), (hits,), beside=_of_those_asked(state, key, hits))
        for key, hits in _sorted(state.of(kind))
    ]
    return charts.bars("Where cases were left", rows, ("cases",))


def _of_those_asked(state: Overview, question: str, left: int | None) -> str:
    """Return the share of those whom a question was asked; empty where a count of it is not shown."""
    parts = [state.count(f"{kind}:{question}") for kind in ("answered", "unknown", "skipped")]
    known = [part for part in parts if part is not None]
    if left is None or len(known) < len(parts) or not sum(known):
        return ""
    return f"({100 * left / (left + sum(known)):.0f} %)"


UNKNOWN = ("Not known", "Skipped")


def _unknown(state: Overview, scenario: Scenario) -> str:
    unknown, skipped = state.of("unknown"), state.of("skipped")
    names = {question.id: question.short for question in scenario.questions}
    both = {key: _sum(unknown.get(key, 0), skipped.get(key, 0)) for key in unknown | skipped}
    rows = [
        Bar(names.get(key, key), (unknown.get(key, 0), skipped.get(key, 0)), key)
        for key, _ in _sorted(both)
    ]
    return charts.bars("Not known and skipped", rows, UNKNOWN)


STEPS = ("Followed", "Suggested, not or not yet followed")


def _steps(state: Overview, scenario: Scenario) -> str:
    names = {step.id: step.title for step in scenario.steps}
    followed = state.of("followed")
    rows = []
    for key, hits in _sorted(state.of("step")):
        done = followed.get(key, 0)
        rest = hits if hits is None or done is None else hits - done
        rows.append(Bar(names.get(key, key), (done, rest), key))
    return charts.bars("Steps", rows, STEPS)


def _not_applicable(state: Overview, scenario: Scenario) -> str:
    names = {raised.id: raised.title for raised in scenario.considerations}
    raised = state.of("raised")
    rows = [
        Bar(names.get(key, key), (hits,), beside=f"of {number(raised.get(key, 0))}")
        for key, hits in _sorted(state.of("not_applicable"))
    ]
    return charts.bars("Dispositioned not applicable", rows, ("times",))


def _concern(state: Overview) -> str:
    """Return the three answers in the order in which they always stand, whatever the numbers."""
    found = state.of("concern")
    rows = [Bar(words, (found.get(key, 0),)) for key, words in CONCERN_WORDS.items()]
    return charts.bars("Is there an issue of concern?", rows if found else [], ("opinions",))


def _words(state: Overview, kind: str, names: Mapping[str, str]) -> str:
    rows = [Bar(names.get(key, key), (hits,), key) for key, hits in _sorted(state.of(kind))]
    return charts.bars(kind.capitalize(), rows, ("cases",))


def _sorted(found: Mapping[str, int | None]) -> list[tuple[str, int | None]]:
    ordered = sorted(found.items(), key=lambda item: (-(item[1] or 1), item[0]))
    return ordered[:MOST_ROWS]


def _sum(*parts: int | None) -> int | None:
    return sum(part or 0 for part in parts) or None


def rows(state: Overview, errors: Errors) -> Iterator[tuple[str, str, str]]:
    """Yield (measure, of what, count) for every number of the overview."""
    for key in sorted(state.counts):
        measure, _, about = key.partition(":")
        yield measure, about, _cell(state.counts[key])
    yield "median_seconds", "at most", _cell(state.median_seconds)
    for first, week in state.weeks:
        yield from ((f"{key}_from", str(first), _cell(week[key])) for key in statistics.SERIES)
    yield from (("given_up", code, str(hits)) for code, hits in errors.given_up.items())
    yield from (("put_away", reason, str(hits)) for reason, hits in errors.put_away.items())


def _cell(count: int | None) -> str:
    return "not shown" if count is None else str(count)


ROUTES = (("GET", "/console", overview), ("GET", "/console/overview.csv", as_csv))
