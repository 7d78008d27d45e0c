"""What others thought and said of a case, as parts of its record; by role only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dialogs.content import Scenario
from dialogs.opinions import (
    CONCERN_WORDS,
    Opinion,
    Side,
    leaning_words,
    remarks,
    spread,
    step_words,
)
from dialogs.opinions import Spread as Found
from dialogs.record.building import Days
from dialogs.record.values import (
    Block,
    Fact,
    Facts,
    Group,
    Said,
    Section,
    Share,
    Spread,
    Words,
)

HIDDEN = (
    "A round of opinions is open. What is said in it shows to those who have given theirs, "
    "and to everybody once it is closed."
)
HIDDEN_TALK = "The discussion shows again once the round of opinions is closed."
CONCERN = "Is there an issue of concern?"
STRONGEST = "the strongest reason of this side"
NO_REASON = "No reason was written."
CLOSED: Mapping[str, str] = {
    "asker": "closed by the asker",
    "time": "closed when its time was over",
}
SETTLED: Mapping[str, str] = {"answered": "answered", "left": "left open by the asker"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of opinions as a reader may see it; ``opinions`` is None while it is hidden."""

    opened_at: datetime
    closed_at: datetime | None
    closed: str | None
    opinions: Sequence[Opinion] | None
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One clarifying question, by the role of whoever asked it."""

    question: str
    role: str
    asked_at: datetime
    settled_at: datetime | None
    settled: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said; ``gone`` says why its words are not there any more."""

    role: str
    at: datetime
    text: str
    edited: bool = False
    gone: str = ""


def team_sections(
    rounds: Sequence[Round],
    asked: Sequence[Asked],
    comments: Sequence[Comment] | None,
    scenario: Scenario,
    days: Days,
) -> tuple[Section, ...]:
    """Return the parts about opinions, questions and discussion; ``comments`` is None while hidden."""
    several = len(rounds) > 1
    thought = [
        block
        for place, each in enumerate(rounds, 1)
        for block in _round(each, f"Round {place}" if several else "", scenario, days)
    ]
    put = (Facts(tuple(_asked(each, scenario, days) for each in asked)),) if asked else ()
    parts = (
        Section("opinions", "What the team thinks", tuple(thought)),
        Section("questions", "Questions to the asker", put),
        Section("discussion", "Discussion", tuple(_talk(comments, scenario, days))),
    )
    return tuple(part for part in parts if part.blocks)


def role_words(role: str, scenario: Scenario) -> str:
    """Return a role in words; one that the scenario does not know reads as a colleague."""
    found = scenario.question("role").by_id.get(role)
    return found.label if found else "A colleague"


# --- opinions ---------------------------------------------------------------------------------


def _round(each: Round, name: str, scenario: Scenario, days: Days) -> Iterator[Block]:
    how = CLOSED.get(each.closed or "", "closed")
    ended = "still open" if each.closed_at is None else f"{how} on {days.say(each.closed_at)}"
    head = f"{name}: opened" if name else "Opened"
    yield Words(f"{head} on {days.say(each.opened_at)}, {ended}.", "quiet")
    if each.opinions is None:
        yield Words(HIDDEN)
        return
    found = spread(each.opinions, scenario, each.removed)
    for remark in remarks(found):
        yield Words(remark.plain())
    if found.total:
        yield Group("", tuple(_spreads(found, scenario)))
    for side in found.sides:
        if side.opinions:
            yield _side(side, scenario)


def _spreads(found: Found, scenario: Scenario) -> Iterator[Spread]:
    total = found.total
    yield Spread(
        CONCERN,
        tuple(Share(CONCERN_WORDS[s.concern], len(s.opinions), total) for s in found.sides),
    )
    yield Spread("Step", tuple(Share(step_words(s, scenario), n, total) for s, n in found.steps))
    yield Spread(
        "Leans on",
        tuple(Share(leaning_words(c, scenario), n, total) for c, n in found.considerations),
    )


def _side(side: Side, scenario: Scenario) -> Block:
    said = tuple(
        _opinion(each, scenario, strongest=each is side.strongest and len(side.opinions) > 1)
        for each in side.opinions
    )
    return Group(f"{CONCERN_WORDS[side.concern]} ({len(side.opinions)})", said)


def _opinion(each: Opinion, scenario: Scenario, *, strongest: bool) -> Said:
    notes = [
        STRONGEST if strongest else "",
        f"step: {step_words(each.step, scenario)}",
        f"leans on: {leaning_words(each.leans_on, scenario)}",
        f"sure: {each.sure} of 5",
        "changed after seeing the others" if each.changed else "",
        "given before the case was updated" if each.outdated else "",
    ]
    return Said(
        who=role_words(each.role, scenario),
        when="",
        text=each.reason or NO_REASON,
        about="; ".join(note for note in notes if note),
        gone=not each.reason,
    )


# --- questions and discussion -----------------------------------------------------------------


def _asked(each: Asked, scenario: Scenario, days: Days) -> Fact:
    known = {question.id: question.prompt for question in scenario.questions}
    ends = "waits for an answer"
    if each.settled_at is not None:
        ends = f"{SETTLED.get(each.settled or '', 'settled')} on {days.say(each.settled_at)}"
    words = f"{role_words(each.role, scenario)}, on {days.say(each.asked_at)}; {ends}"
    return Fact(known.get(each.question, each.question), words)


def _talk(comments: Sequence[Comment] | None, scenario: Scenario, days: Days) -> Iterator[Block]:
    if comments is None:
        yield Words(HIDDEN_TALK)
        return
    for each in comments:
        yield Said(
            who=role_words(each.role, scenario),
            when=days.say(each.at),
            text=f"Removed: {each.gone}." if each.gone else each.text,
            about="edited" if each.edited and not each.gone else "",
            gone=bool(each.gone),
        )
