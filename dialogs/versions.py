"""What differs between two versions of a scenario, by its content and not only by its ids."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dialogs.content import Consideration, Question, Scenario
from dialogs.rules import Finding, Rule
from dialogs.summary import StepView, source_views

Part = Literal[
    "new", "gone", "title", "text", "priority", "strength", "rule", "sources",
    "question", "choices", "when asked", "reason",
]  # fmt: skip
"""What can differ in a consideration, a question or a step."""

Seen: TypeAlias = dict[Part, object]


@dataclass(frozen=True, slots=True)
class Differing:
    """One consideration or question that is not the same in two versions."""

    id: str
    parts: tuple[Part, ...]


def considerations(then: Scenario, now: Scenario) -> tuple[Differing, ...]:
    """Return the considerations that differ, those of today in its display order, then those gone."""
    old, new = ({c.id: c for c in scenario.considerations} for scenario in (then, now))
    order = sorted(new, key=now.display_order.__getitem__)
    views = {i: _consideration(c, then) for i, c in old.items()}
    return tuple(_differing(order, views, lambda name: _consideration(new[name], now)))


def questions(then: Scenario, now: Scenario) -> tuple[Differing, ...]:
    """Return the questions that differ, those of today in their order, then those gone."""
    new = {question.id: question for question in now.questions}
    views = {question.id: _question(question, then) for question in then.questions}
    return tuple(_differing(list(new), views, lambda name: _question(new[name], now)))


def step_parts(then: StepView, now: StepView) -> tuple[str, ...]:
    """Return the names of the fields in which two steps read differently."""
    fields = (
        "title",
        "who",
        "ask",
        "by",
        "consent",
        "judgement",
        "notes",
        "alternatives",
        "sources",
    )
    return tuple(name for name in fields if getattr(then, name) != getattr(now, name))


def _differing(
    order: list[str], old: dict[str, Seen], view: Callable[[str], Seen]
) -> Iterator[Differing]:
    for name in order:
        if name not in old:
            yield Differing(name, ("new",))
            continue
        seen = view(name)
        parts = tuple(part for part, value in seen.items() if old[name][part] != value)
        if parts:
            yield Differing(name, parts)
    yield from (Differing(name, ("gone",)) for name in old if name not in order)


def _consideration(item: Consideration, scenario: Scenario) -> Seen:
    return {
        "title": item.title,
        "text": item.text,
        "priority": item.priority,
        "strength": (item.strength, item.confidence),
        "rule": (_rule(item.when, scenario), _silenced(item.id, scenario)),
        "sources": source_views(item.sources, scenario),
    }


def _question(question: Question, scenario: Scenario) -> Seen:
    options = tuple((option.id, option.label) for option in question.options)
    limits = (question.minimum, question.maximum, question.unit, question.allows_unknown)
    return {
        "question": (question.prompt, question.short, question.kind),
        "choices": (options, limits),
        "when asked": (_rule(question.ask_when, scenario), question.fast),
        "reason": (question.why, question.why_source),
    }


def _rule(rule: Rule | None, scenario: Scenario) -> tuple[Rule | None, tuple[Finding, ...]]:
    """Return a rule with the findings that it looks at, so that a changed finding changes it."""
    return rule, tuple(_findings(rule, scenario)) if rule else ()


def _silenced(consideration: str, scenario: Scenario) -> list[object]:
    """Return the rules that take a consideration back."""
    return [_rule(s.when, scenario) for s in scenario.suppress if consideration in s.ids]


def _findings(rule: Rule, scenario: Scenario) -> Iterator[Finding]:
    for criterion in rule.criteria:
        if criterion.finding is not None:
            found = scenario.finding(criterion.finding)
            yield found
            yield from _findings(found.when, scenario)
