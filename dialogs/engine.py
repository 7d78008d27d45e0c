"""One pure function: a consult and an event in, a step out."""

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from types import MappingProxyType
from typing import Any

from dialogs import evaluation
from dialogs.content import Question, Scenario
from dialogs.errors import InvalidMove
from dialogs.evaluation import conclude, mark
from dialogs.model import (
    Answered,
    Asked,
    Back,
    Began,
    Cancelled,
    Change,
    Closed,
    Confirmed,
    Consult,
    Continued,
    Declined,
    Done,
    Doses,
    Draft,
    Event,
    FollowedUp,
    Guessed,
    Marked,
    Note,
    Opened,
    Picked,
    Planned,
    ReadBack,
    Reopened,
    Reviewed,
    Step,
    Via,
)
from dialogs.opioids import drugs, live, merged, places_of

MOST_ENTRIES = 5
"""Pain opioids in one case; more than that is a list for a call, not for a phone."""

EMERGENCY = "STEP_EMERGENCY"
ABSENT = object()


def begin(scenario: Scenario, known: Mapping[str, Any], path: str = "quick") -> Consult:
    """Return a new consult at its first question; ``known`` are answers kept from the person."""
    fresh = Consult(
        scenario.id,
        scenario.hash,
        answers=MappingProxyType(dict(known)),
        path="full" if path == "full" else "quick",
    )
    return advance(fresh, Began(), scenario).consult


def advance(consult: Consult, event: Event, scenario: Scenario, turn: int | None = None) -> Step:
    """Return the consult after ``event``.

    ``turn`` is the turn of the button that was tapped. Never raises for anything a clinician
    can do: what makes no sense leaves the consult as it is and carries a note that says why.
    """
    if turn is not None and turn != consult.turn:
        return Step(consult, note="stale")
    try:
        step = _take(event, consult, scenario)
    except InvalidMove:
        return Step(consult, note=_refusal(consult))
    if step.note or isinstance(event, Marked):
        return step
    return replace(step, consult=replace(step.consult, turn=consult.turn + 1))


def _refusal(consult: Consult) -> Note:
    if consult.phase == "stopped":
        return "stopped"
    return "ended" if consult.phase in ("closed", "cancelled") else "not possible"


# --- where we are ---------------------------------------------------------------------------

_recent: tuple[evaluation.Marked, ...] = ()
"""The marks worked out last; one step asks for those of the same answers several times."""


def marks_of(consult: Consult, scenario: Scenario) -> evaluation.Marked:
    """Return the answers of a consult as bits.

    They are never changed in place, so the same mapping has the same marks.
    """
    global _recent  # noqa: PLW0603 - replaced as a whole; whoever reads an older one works it out again
    for known in _recent:
        if known.answers is consult.answers and known.scenario is scenario:
            return known
    made = mark(consult.answers, scenario)
    if isinstance(consult.answers, MappingProxyType):
        _recent = (made, *_recent[:3])
    return made


def asking(consult: Consult, scenario: Scenario) -> Question | None:
    """Return the question on the screen, or None outside the questions."""
    if consult.phase not in ("asking", "confirming"):
        return None
    return scenario.question(consult.cursor) if consult.cursor else pending(consult, scenario)


def pending(consult: Consult, scenario: Scenario) -> Question | None:
    """Return the next question that wants an answer: first those opened again by a change."""
    again = opened_again(consult, scenario)
    if again:
        return scenario.question(again[0])
    for name in marks_of(consult, scenario).asked:
        question = scenario.question(name)
        if name not in consult.answers and _on_path(question, consult):
            return question
    return None


def opened_again(consult: Consult, scenario: Scenario) -> tuple[str, ...]:
    """Return the questions to be put again: opened by a change, or with an earlier answer to confirm."""
    confirm = to_confirm(consult, scenario)
    asked = marks_of(consult, scenario).asked
    return tuple(name for name in asked if name in consult.reask or name in confirm)


def to_confirm(consult: Consult, scenario: Scenario) -> tuple[str, ...]:
    """Return the questions that apply and have only an answer that fell away and is not confirmed."""
    asked = marks_of(consult, scenario).asked
    return tuple(q for q in asked if q in consult.previous and q not in consult.answers)


def _on_path(question: Question, consult: Consult) -> bool:
    return consult.path == "full" or question.fast or question.id == "role"


def path_questions(consult: Consult, scenario: Scenario) -> tuple[Question, ...]:
    """Return the questions of the path that apply now, the remembered role left out."""
    asked = marks_of(consult, scenario).asked
    questions = (scenario.question(name) for name in asked)
    return tuple(q for q in questions if q.id != "role" and _on_path(q, consult))


def progress(consult: Consult, scenario: Scenario) -> tuple[int, int]:
    """Return (place of the current question, number of questions) on the path; counted from 1."""
    path = [question.id for question in path_questions(consult, scenario)]
    question = asking(consult, scenario)
    if question and question.id in path:
        return path.index(question.id) + 1, len(path)
    return len([name for name in path if name in consult.answers]), len(path)


def answered(consult: Consult, scenario: Scenario) -> tuple[str, ...]:
    """Return the ids of the questions that apply and have an entry, in the scenario's order."""
    return tuple(q for q in marks_of(consult, scenario).asked if q in consult.answers)


def refused_by_red_flag(consult: Consult, scenario: Scenario) -> bool:
    return conclude(marks_of(consult, scenario)).step == EMERGENCY


# --- events ---------------------------------------------------------------------------------


@singledispatch
def _take(event: Event, consult: Consult, scenario: Scenario) -> Step:
    raise InvalidMove(consult.phase, type(event).__name__)


@_take.register
def _(event: Began, consult: Consult, scenario: Scenario) -> Step:
    return Step(consult.moved("begin"))


@_take.register
def _(event: Answered, consult: Consult, scenario: Scenario) -> Step:
    _require(event.question, consult, scenario)
    return _record(consult, scenario, event.question, event.value, event.via)


@_take.register
def _(event: Marked, consult: Consult, scenario: Scenario) -> Step:
    question = _require(event.question, consult, scenario)
    exclusive = {option.id for option in question.options if option.id == "none"}
    marks = tuple(m for m in marked(consult, question) if m != event.option and m not in exclusive)
    kept = (*marks, event.option) if event.on else marks
    order = [option.id for option in question.options]
    draft = replace(consult.draft, marked=tuple(sorted(kept, key=order.index)), touched=True)
    return Step(replace(consult, draft=draft))


@_take.register
def _(event: Done, consult: Consult, scenario: Scenario) -> Step:
    question = _require(event.question, consult, scenario)
    value: Any = (
        [dict(entry) for entry in entries(consult)]
        if question.kind == "dose"
        else list(marked(consult, question))
    )
    if not value:
        return Step(consult, note="nothing marked")
    return _record(consult, scenario, question.id, value, "tap")


@_take.register
def _(event: Picked, consult: Consult, scenario: Scenario) -> Step:
    question = _require(event.question, consult, scenario)
    entry = {"drug": event.drug}
    held = live(entries(consult))
    if event.drug == "none" or not (held or consult.draft.listing):
        return _record(consult, scenario, question.id, [entry], "tap")
    same = [place for place, e in enumerate(held) if e["drug"] == event.drug]
    if same and not consult.draft.listing:
        return Step(replace(consult, draft=Draft(entries=held, focus=same[0])))
    if len(held) >= MOST_ENTRIES:
        return Step(consult, note="too many entries")
    draft = Draft(entries=(*held, entry), focus=len(held))
    return Step(replace(consult, draft=draft))


@_take.register
def _(event: Doses, consult: Consult, scenario: Scenario) -> Step:
    _require(event.question, consult, scenario)
    held = entries(consult)
    if event.act == "another":
        return Step(replace(consult, draft=Draft(entries=held, listing=True)))
    if not 0 <= event.entry < len(held):
        return Step(consult, note="stale")
    if event.act == "focus":
        return Step(replace(consult, draft=Draft(entries=held, focus=event.entry)))
    rest = held[: event.entry] + held[event.entry + 1 :]
    return Step(replace(consult, draft=Draft(entries=rest, listing=not rest)))


@_take.register
def _(event: ReadBack, consult: Consult, scenario: Scenario) -> Step:
    _require(event.question, consult, scenario)
    held = live(entries(consult))
    corrects = places_of(event.corrects, held)
    draft = replace(
        consult.draft, entries=held, reading=event.entries, corrects=corrects, guess=None
    )
    if len(merged(draft)) > MOST_ENTRIES:
        return Step(consult, note="too many entries")
    return Step(replace(consult.moved("read_back"), draft=draft))


@_take.register
def _(event: Guessed, consult: Consult, scenario: Scenario) -> Step:
    _require(event.question, consult, scenario)
    guess = {"question": event.question, "value": event.value}
    return Step(replace(consult.moved("read_back"), draft=replace(consult.draft, guess=guess)))


@_take.register
def _(event: Confirmed, consult: Consult, scenario: Scenario) -> Step:
    question = asking(consult, scenario)
    if consult.phase != "confirming" or question is None:
        raise InvalidMove(consult.phase, "confirm")
    if not consult.draft.reading:
        return _guessed(consult, scenario, question, (consult.draft.guess or {}).get("value"))
    value = [dict(entry) for entry in merged(consult.draft, event.how)]
    if len(value) > MOST_ENTRIES:
        return Step(consult, note="too many entries")
    return _record(consult, scenario, question.id, value, "typed")


def _guessed(consult: Consult, scenario: Scenario, question: Question, value: Any) -> Step:
    """Take a guess that was right; a drug is added to what is listed, never put in its place."""
    if question.kind != "dose" or not live(entries(consult)):
        return _record(consult, scenario, question.id, value, "typed")
    asked_again = replace(consult.moved("change"), draft=replace(consult.draft, guess=None))
    return _take(Picked(question.id, next(drugs(value))), asked_again, scenario)


@_take.register
def _(event: Declined, consult: Consult, scenario: Scenario) -> Step:
    if consult.phase != "confirming":
        raise InvalidMove(consult.phase, "decline")
    draft = replace(consult.draft, reading=(), corrects=(), guess=None, said="")
    return Step(replace(consult.moved("change"), draft=draft))


@_take.register
def _(event: Back, consult: Consult, scenario: Scenario) -> Step:
    if consult.phase == "confirming":
        return _take(Declined(), consult, scenario)
    question = asking(consult, scenario)
    if consult.phase == "reviewing" or question is None:
        before = [name for name in answered(consult, scenario) if name != "role"]
        return _open(consult, scenario, (before or ["safety_now"])[-1], "path")
    if consult.origin != "path" and consult.cursor:
        return Step(_returned(replace(consult, cursor=None, draft=Draft()), scenario))
    path = [name for name in marks_of(consult, scenario).asked if name != "role"]
    before = [n for n in path[: path.index(question.id)] if n in consult.answers]
    if not before:
        return Step(consult, note="first question")
    return _open(consult, scenario, before[-1], consult.origin)


@_take.register
def _(event: Opened, consult: Consult, scenario: Scenario) -> Step:
    if event.question not in marks_of(consult, scenario).asked:
        raise InvalidMove(consult.phase, "open")
    if event.question != "safety_now" and "safety_now" not in consult.answers:
        raise InvalidMove(consult.phase, "open")
    if consult.phase == "stopped" and event.question != "safety_now":
        return Step(consult, note="stopped")
    return _open(consult, scenario, event.question, event.origin)


@_take.register
def _(event: Reviewed, consult: Consult, scenario: Scenario) -> Step:
    if "safety_now" not in consult.answers:
        raise InvalidMove(consult.phase, "review")
    return Step(replace(consult.moved("review"), cursor=None, draft=Draft(), origin="path"))


@_take.register
def _(event: Asked, consult: Consult, scenario: Scenario) -> Step:
    if "safety_now" not in consult.answers:
        raise InvalidMove(consult.phase, "advise")
    return Step(_advised(consult, scenario))


@_take.register
def _(event: Continued, consult: Consult, scenario: Scenario) -> Step:
    here = replace(consult, cursor=None, origin="path", draft=Draft())
    on_path = consult.phase == "reviewing" and pending(here, scenario) is not None
    wanted = here if on_path else replace(here, path="full")
    if pending(wanted, scenario) is None:
        return Step(consult, note="not possible")
    return Step(wanted.moved("change"))


@_take.register
def _(event: Planned, consult: Consult, scenario: Scenario) -> Step:
    return Step(consult.moved("plan"))


@_take.register
def _(event: FollowedUp, consult: Consult, scenario: Scenario) -> Step:
    return Step(consult.moved("follow_up"))


@_take.register
def _(event: Cancelled, consult: Consult, scenario: Scenario) -> Step:
    return Step(consult.moved("cancel"))


@_take.register
def _(event: Closed, consult: Consult, scenario: Scenario) -> Step:
    return Step(consult.moved("close"))


@_take.register
def _(event: Reopened, consult: Consult, scenario: Scenario) -> Step:
    again = consult.moved("reopen", red_flag=refused_by_red_flag(consult, scenario))
    if again.phase == "asking" and asking(again, scenario) is None:
        return Step(again.moved("answered", complete=True))
    return Step(again)


# --- how an answer is kept ------------------------------------------------------------------


def marked(consult: Consult, question: Question) -> tuple[str, ...]:
    """Return the options ticked on the screen: the draft, else the answer being changed."""
    if consult.draft.touched:
        return consult.draft.marked
    kept = consult.answers.get(question.id)
    return tuple(kept) if isinstance(kept, list | tuple) else ()


def entries(consult: Consult) -> tuple[Mapping[str, Any], ...]:
    """Return the opioids in the dose editor: the draft, else the answer being changed."""
    if consult.draft.entries or consult.draft.listing:
        return consult.draft.entries
    kept = consult.answers.get("opioid")
    return tuple(kept) if isinstance(kept, list | tuple) else ()


def _require(name: str, consult: Consult, scenario: Scenario) -> Question:
    """Return the question on the screen if it is ``name``; else the button is stale."""
    question = asking(consult, scenario)
    if question is None or question.id != name:
        raise InvalidMove(consult.phase, "answer")
    return question


def _record(consult: Consult, scenario: Scenario, name: str, value: Any, via: Via) -> Step:
    old = consult.answers.get(name, ABSENT)
    answers = {**consult.answers, name: value}
    previous = {key: kept for key, kept in consult.previous.items() if key != name}
    reask = tuple(q for q in consult.reask if q != name)
    changes: tuple[Change, ...] = (_change(name, old, value, via),)
    if old is not ABSENT and old == value:
        changes = ()
    if changes and old is not ABSENT:
        fallen = _fallen(name, old, answers, scenario)
        changes += tuple(_change(q, answers[q], ABSENT, via) for q in fallen)
        gone = {q: answers.pop(q) for q in fallen}
        previous |= {q: kept for q, kept in gone.items() if kept is not None}
        reask += fallen
    kept = replace(
        consult,
        answers=MappingProxyType(answers),
        previous=MappingProxyType(previous),
        reask=reask,
        cursor=None,
        draft=Draft(),
    )
    return Step(_after_answer(_with_returned(kept, consult, scenario), consult, scenario), changes)


def _with_returned(kept: Consult, before: Consult, scenario: Scenario) -> Consult:
    """Return the consult with the questions to be put again that apply again by this answer."""
    waiting = to_confirm(before, scenario)
    new = tuple(q for q in to_confirm(kept, scenario) if q not in (*waiting, *kept.reask))
    return replace(kept, reask=(*kept.reask, *new))


def _change(name: str, old: Any, new: Any, via: Via) -> Change:
    return Change(name, None if old is ABSENT else old, None if new is ABSENT else new, via)


def _fallen(name: str, old: Any, answers: Mapping[str, Any], scenario: Scenario) -> tuple[str, ...]:
    """Return the answered questions whose being asked depends on ``name``, first to last.

    Another dose of the same opioids opens nothing again: only the drugs decide what is asked.
    """
    dose = scenario.question(name).kind == "dose"
    if dose and set(drugs(old)) == set(drugs(answers[name])) != set():
        return ()
    fallen: list[str] = []
    for question in scenario.questions:
        depends = {name, *fallen} & question.depends_on
        if depends and question.id in answers:
            fallen.append(question.id)
    return tuple(fallen)


def _after_answer(kept: Consult, before: Consult, scenario: Scenario) -> Consult:
    red_flag = refused_by_red_flag(kept, scenario)
    if red_flag:
        return kept.moved("answered", red_flag=True)
    again = [q for q in marks_of(kept, scenario).asked if q in kept.reask]
    if again:
        return kept.moved("answered")
    if before.origin != "path":
        return _returned(kept, scenario)
    complete = pending(kept, scenario) is None
    return replace(kept.moved("answered", complete=complete), reask=())


def _returned(consult: Consult, scenario: Scenario) -> Consult:
    """Go back to where the question was opened from: the review card or the summary."""
    if refused_by_red_flag(consult, scenario):
        return consult.moved("answered", red_flag=True)
    home = replace(consult.moved("answered", complete=True), reask=())
    return _advised(home, scenario) if consult.origin == "summary" else replace(home, origin="path")


def _advised(consult: Consult, scenario: Scenario) -> Consult:
    red_flag = refused_by_red_flag(consult, scenario)
    if red_flag:
        raise InvalidMove(consult.phase, "advise")
    home = replace(consult.moved("advise"), cursor=None, origin="path", draft=Draft(), reask=())
    if home.shown is not None and home.shown != home.answers:
        home = replace(home, earlier=home.shown)
    return replace(home, shown=home.answers)


def _open(consult: Consult, scenario: Scenario, name: str, origin: Any) -> Step:
    return Step(replace(consult.moved("change"), cursor=name, origin=origin, draft=Draft()))
