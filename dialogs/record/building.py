"""A case as it is kept, put together as its record."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dialogs.content import PRIORITIES, Priority, Scenario
from dialogs.depends import depends_lines, depends_map
from dialogs.evaluation import evaluate
from dialogs.followup import Kind, followup, local_day
from dialogs.messages import PART_2_NOTICE
from dialogs.record.values import (
    Block,
    Bullets,
    Card,
    Fact,
    Facts,
    Group,
    Record,
    Section,
    Tone,
    Words,
)
from dialogs.shown import show_answer, state_of
from dialogs.summary import (
    HEADINGS,
    ConsiderationView,
    GapView,
    SourceView,
    Summary,
    plain_because,
    plain_source,
    summarise,
)

QUESTION = "Is there an issue of concern with MAT and a prescribed opioid for pain?"
ADD_NOTHING = (
    "Do not add identifiers. A rare combination of answers may still point to a person: "
    "treat this as protected information."
)
OUTDATED = "Answers were changed after this summary was shown; it stands here as it was."
NO_SUMMARY = "No summary was shown yet."
LEGEND = "+ would be added, - would no longer apply."
WORKED_OUT = "Worked out by answering the questions again, one change at a time."

STATES: Mapping[str, str] = {
    "welcome": "begun",
    "asking": "being asked",
    "confirming": "being asked",
    "reviewing": "answers being checked",
    "stopped": "stopped by a red flag",
    "advised": "summary shown",
    "decided": "decided",
    "planned": "plan recorded",
    "followed_up": "followed up",
    "closed": "closed",
    "cancelled": "cancelled",
}
VIA: Mapping[str, str] = {
    "tap": "tapped",
    "typed": "typed",
    "edited": "corrected in the message",
    "narrative": "read from the case in words, confirmed",
    "asked": "asked by a colleague",
    "clarifying": "answered a colleague's question",
    "fork": "copied for a what-if",
}
REVIEW_STATES: Mapping[str, str] = {"waiting": "to come", "sent": "asked, not answered"}
TONES: Mapping[Priority, Tone] = {
    "address-now": "now",
    "discuss": "discuss",
    "reassuring": "good",
}


@dataclass(frozen=True, slots=True)
class Given:
    """One answer given or changed; ``value`` is None where a question was left without one."""

    question: str
    value: Any
    via: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One revision of a plan, as codes of ``dialogs.followup``."""

    revision: int
    step: str
    decided: str
    alternative: int | None
    agreed: str
    safeguards: Sequence[str]
    stop: str
    reason: str | None
    at: datetime
    start_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One review; ``day`` is None for the step's own deadline."""

    day: int | None
    due_at: datetime
    state: str
    outcome: str | None
    answered_at: datetime | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is kept of a case. ``shown`` holds the answers of the summary last shown, if one was."""

    code: str
    phase: str
    hypothetical: bool
    scenario: Scenario
    answers: Mapping[str, Any]
    shown: Mapping[str, Any] | None
    opened_at: datetime
    version: int | None = None
    """Which version others see; None for the asker's own record."""
    version_at: datetime | None = None
    sure_before: int | None = None
    sure_after: int | None = None
    given: Sequence[Given] = ()
    dispositions: Mapping[str, str] = field(default_factory=dict)
    plans: Sequence[Planned] = ()
    reviews: Sequence[Reviewed] = ()
    changed: str | None = None
    worth: str | None = None
    """What the asker said at the end, as codes."""
    team: Sequence[Section] = ()
    """What others thought of it, as parts of the record."""


@dataclass(frozen=True, slots=True)
class Days:
    """How moments read: as days since the case was begun; with their dates only for the asker."""

    opened_at: datetime
    zone: ZoneInfo
    dates: bool

    def say(self, moment: datetime) -> str:
        """Return ``day 12``, or ``2026-12-05, day 12``."""
        here = local_day(moment, self.zone)
        day = f"day {(here - local_day(self.opened_at, self.zone)).days}"
        return f"{here.isoformat()}, {day}" if self.dates else day


def record_of(case: Case, days: Days) -> Record:
    """Return the record of a case, in the order in which a colleague reads it."""
    case = _as_it_stands(case)
    told = None if case.shown is None else summarise(case.shown, case.scenario)
    parts = [
        _answers(case, days),
        *_summary(case, told),
        *case.team,
        *_followed(case, days),
        *_sources(told),
    ]
    return Record(
        code=_code(case),
        question=QUESTION,
        head=_head(case, days),
        notices=(PART_2_NOTICE, ADD_NOTHING),
        sections=tuple(part for part in parts if part.blocks),
    )


def _as_it_stands(case: Case) -> Case:
    """Return the case with the summary of now where a red flag stands: nothing older may hide it."""
    flags = map(case.scenario.banner, evaluate(case.answers, case.scenario).banners)
    return replace(case, shown=case.answers) if any(flag.stops for flag in flags) else case


def _code(case: Case) -> str:
    return f"{case.code} (what-if)" if case.hypothetical else case.code


def _head(case: Case, days: Days) -> tuple[Fact, ...]:
    scenario = case.scenario
    sure = [
        f"{number} of 5 {when}"
        for number, when in ((case.sure_before, "before"), (case.sure_after, "after"))
        if number
    ]
    rows = [
        Fact("State", STATES.get(case.phase, case.phase)),
        Fact("Asked by", asker_of(case.answers, scenario)),
        Fact("Begun", days.say(case.opened_at)),
        Fact("Scenario", f"{scenario.title}, version {scenario.version}"),
        Fact("Content", scenario.hash[:12]),
    ]
    if case.version is not None and case.version_at is not None:
        rows.append(Fact("Shared", f"version {case.version}, {days.say(case.version_at)}"))
    return (*rows, Fact("How sure", ", ".join(sure))) if sure else tuple(rows)


def asker_of(answers: Mapping[str, Any], scenario: Scenario) -> str:
    """Return the role of whoever asks; never a name."""
    question = scenario.question("role")
    found = question.by_id.get(str(answers.get("role")))
    return found.label if found else "role not given"


# --- the answers ------------------------------------------------------------------------------


def _answers(case: Case, days: Days) -> Section:
    """Return every question that applies, with what was answered earlier, and what was not asked."""
    asked = evaluate(case.answers, case.scenario).asked
    rows = tuple(_answer(name, case, days) for name in asked if name in case.answers)
    rest = [case.scenario.question(name).short for name in asked if name not in case.answers]
    blocks: list[Block] = [Facts(rows)] if rows else []
    if rest:
        blocks.append(Words(f"Not asked: {', '.join(rest)}.", "quiet"))
    return Section("answers", "Answers", tuple(blocks))


def _answer(name: str, case: Case, days: Days) -> Fact:
    question = case.scenario.question(name)
    value = show_answer(question, case.answers[name], case.scenario)
    missing = state_of(name, case.answers) != "given"
    return Fact(question.short, value, tuple(_earlier(name, case, days)), missing)


def _earlier(name: str, case: Case, days: Days) -> Iterator[str]:
    """Yield how an answer came to be, where it was changed: each value, how and when."""
    changes = [given for given in case.given if given.question == name]
    question = case.scenario.question(name)
    for given in changes if len(changes) > 1 else ():
        words = "no answer"
        if given.value is not None:
            words = show_answer(question, given.value, case.scenario)
        yield f"{days.say(given.at)}: {words} ({VIA.get(given.via, given.via)})"


# --- the summary as it stood --------------------------------------------------------------------


def _summary(case: Case, told: Summary | None) -> Iterator[Section]:
    if told is None or case.shown is None:
        yield Section("summary", "Summary", (Words(NO_SUMMARY),))
        return
    outdated = dict(case.shown) != dict(case.answers)
    banners = [Card(b.title, text=b.text, tone="warning") for b in told.banners]
    yield Section(
        "step",
        told.step.heading.rstrip("."),
        (*([Words(OUTDATED, "warning")] if outdated else []), *banners, *_step(told)),
    )
    if told.stopped:
        return
    yield Section("considerations", "Considerations", tuple(_considerations(case, told)))
    yield Section("unknown", "What is not known yet", tuple(_gaps(told)))
    yield Section("depends", "It depends", tuple(_depends(case, told)))


def _step(told: Summary) -> tuple[Block, ...]:
    step, cite = told.step, _numbers(told)
    rows = [
        Fact("Who", step.who),
        Fact("Ask", step.ask),
        Fact("By when", step.by),
        Fact("Consent", step.consent),
        Fact("Why this step", plain_because(step.why) or step.why_note),
        Fact("Then", step.then or ""),
        Fact("Timing", step.timing),
        Fact("Sources", _cited(step.sources, cite)),
    ]
    text = "\n".join(part for part in (step.judgement or "", *step.notes) if part)
    card = Card(
        step.title,
        text=text,
        facts=tuple(row for row in rows if row.value),
        tone="lead",
    )
    if not step.alternatives:
        return (card,)
    return (Group("", (card, Bullets("Other reasonable choices", step.alternatives))),)


def _considerations(case: Case, told: Summary) -> Iterator[Block]:
    cite = _numbers(told)
    for line in told.lines:
        yield Words(line)
    for priority in PRIORITIES:
        own = [view for view in told.raised if view.priority == priority]
        if own:
            cards = tuple(_consideration(view, case, cite) for view in own)
            yield Group(f"{HEADINGS[priority]} ({len(own)})", cards, TONES[priority])
    yield Words("\n".join([told.mme_line, *told.mme_notes]))
    for prompt in told.prompts:
        yield Words(f"Check: {prompt.text}", "warning")


def _consideration(view: ConsiderationView, case: Case, cite: Mapping[str, int]) -> Card:
    done = case.dispositions.get(view.id)
    rows = (
        Fact("Because", plain_because(view.because)),
        Fact("Strength", view.strength),
        Fact("Sources", _cited(view.sources, cite)),
    )
    return Card(
        view.title,
        tag=followup().words("disposition", done) if done else "",
        text=view.text,
        facts=rows,
        tone=TONES[view.priority],
    )


def _gaps(told: Summary) -> Iterator[Block]:
    titles = dict(told.held_back)
    rows = tuple(_gap(gap, titles) for gap in (*told.gaps, *told.minor_gaps))
    if rows:
        yield Facts(rows)


def _gap(gap: GapView, titles: Mapping[str, str]) -> Fact:
    """Return one gap, with the considerations that wait for it."""
    held = "; ".join(titles[i] for i in gap.holds_back)
    note = (f"Held back until it is known: {held}.",) if held else ()
    return Fact(f"{gap.title} ({gap.state})", gap.text, note)


def _depends(case: Case, told: Summary) -> Iterator[Block]:
    scenario = case.scenario
    yield Words(f"Now: {told.step.title}. If one answer were different:")
    found = depends_lines(depends_map(case.shown or {}, scenario), scenario)
    yield Facts(tuple(Fact(short, words[0], words[1:]) for short, words in found))
    yield Words(f"{LEGEND} {WORKED_OUT}", "quiet")


# --- the plan and what came of it -----------------------------------------------------------------


def _followed(case: Case, days: Days) -> Iterator[Section]:
    if not case.plans and not case.reviews:
        return
    cards = tuple(_plan(plan, case, days) for plan in case.plans)
    rows = (*(_review(review, days) for review in case.reviews), *_at_the_end(case))
    plans = (Group("", cards),) if cards else ()
    reviews = (Facts(rows),) if rows else ()
    yield Section("plan", "Plan and outcome", (*plans, *reviews))


def _plan(plan: Planned, case: Case, days: Days) -> Card:
    words = followup().words
    guards = [words("safeguard", code) for code in plan.safeguards]
    rows = [
        Fact("Decided", _decided(plan, case)),
        Fact("Agreed with", words("agreed", plan.agreed)),
        Fact("Safeguards", "; ".join(guards) or "none"),
        Fact("Starts", days.say(plan.start_at) if plan.start_at else ""),
        Fact("Ends", words("stop", plan.stop)),
        Fact("Reason", plan.reason or ""),
    ]
    newest = plan.revision == max(each.revision for each in case.plans)
    return Card(
        f"Plan, revision {plan.revision}",
        tag=days.say(plan.at) if newest else f"{days.say(plan.at)}, replaced",
        facts=tuple(row for row in rows if row.value),
        tone="" if newest else "quiet",
    )


def _decided(plan: Planned, case: Case) -> str:
    """Return what was decided in words; the step's own title where it is the suggested one."""
    step = case.scenario.step(plan.step)
    if plan.decided == "step":
        return step.title
    if plan.alternative is not None and plan.alternative < len(step.alternatives):
        return step.alternatives[plan.alternative].text
    return followup().words("decided", plan.decided)


def _review(review: Reviewed, days: Days) -> Fact:
    name = "Step: reached them?" if review.day is None else f"Day {review.day} of the plan"
    if review.outcome is None or review.answered_at is None:
        waits = REVIEW_STATES.get(review.state, review.state)
        return Fact(name, f"{waits}, due {days.say(review.due_at)}", missing=True)
    kind: Kind = "reached" if review.day is None else "outcome"
    outcome = followup().words(kind, review.outcome)
    reason = (f"Reason: {review.reason}",) if review.reason else ()
    return Fact(name, f"{outcome}, answered {days.say(review.answered_at)}", reason)


def _at_the_end(case: Case) -> Iterator[Fact]:
    """Yield what the asker said at the end, where they did."""
    words = followup().words
    if case.changed:
        yield Fact("Changed what was done", words("changed", case.changed))
    if case.worth:
        yield Fact("Worth the time", words("worth", case.worth))


# --- the sources ----------------------------------------------------------------------------------


def _numbers(told: Summary) -> Mapping[str, int]:
    """Return source -> its number, in the order in which they are first cited."""
    return {name: place for place, name in enumerate(_listed(told), 1)}


def _listed(told: Summary) -> Mapping[str, SourceView]:
    every = [*told.step.sources, *(source for view in told.raised for source in view.sources)]
    return {_name(source): source for source in every}


def _name(source: SourceView) -> str:
    """Return what makes two citations one source: everything but the section that is cited."""
    return f"{source.title}|{source.year}|{source.kind}|{source.checked}"


def _cited(sources: Iterable[SourceView], cite: Mapping[str, int]) -> str:
    """Return ``1 (Recs 2 and 6); 4``."""
    return "; ".join(
        f"{cite[_name(s)]} ({s.section})" if s.section else str(cite[_name(s)]) for s in sources
    )


def _sources(told: Summary | None) -> Iterator[Section]:
    if told is None:
        return
    rows = tuple(
        Fact(str(place), plain_source(_whole(source)))
        for place, source in enumerate(_listed(told).values(), 1)
    )
    blocks = (Facts(rows),) if rows else ()
    yield Section("sources", "Sources and limits", (*blocks, Words(told.footer, "warning")))


def _whole(source: SourceView) -> SourceView:
    """Return a source without the section that one citation names; its address loses the anchor."""
    return replace(source, section="", url=source.url.partition("#")[0])
