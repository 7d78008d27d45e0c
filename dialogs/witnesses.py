"""Answers that make a rule true: the proof that something in the scenario can happen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from dialogs.answers import NONE
from dialogs.content import Question, Scenario
from dialogs.doses import Dose
from dialogs.evaluation import evaluate, mme_of
from dialogs.rules import COMPARE, Criterion, Rule

HIGH_DOSE = {"strength": 1000, "per_day": 10}
"""A dose that reaches any threshold of the MME."""


def witnesses(rule: Rule | None, scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Yield small sets of answers for which ``rule`` may be true; nothing when it never can be."""
    for criteria in cases(rule, scenario):
        answers = _answering(_with_asking(criteria, scenario), scenario)
        if answers is not None:
            yield answers


def cases(rule: Rule | None, scenario: Scenario) -> Iterator[tuple[Criterion, ...]]:
    """Yield the rule as alternatives, each a list of criteria on answers that must all hold."""
    parts = [list(_cases_of(criterion, scenario)) for criterion in (rule.criteria if rule else ())]
    if rule and rule.any:
        yield from (case for part in parts for case in part)
    else:
        yield from (tuple(c for case in chosen for c in case) for chosen in product(*parts))


def _cases_of(criterion: Criterion, scenario: Scenario) -> Iterator[tuple[Criterion, ...]]:
    if criterion.finding is None:
        yield (criterion,)
    else:
        yield from cases(scenario.finding(criterion.finding).when, scenario)


def _with_asking(criteria: Sequence[Criterion], scenario: Scenario) -> tuple[Criterion, ...]:
    """Add what it takes for the questions to be asked at all."""
    held = list(criteria)
    seen: set[str] = set()
    while new := {str(c.question) for c in held} - seen:
        seen |= new
        rules = [scenario.question(name).ask_when for name in sorted(new)]
        held += [criterion for rule in rules if rule for criterion in rule.all]
    return tuple(held)


def _answering(criteria: Sequence[Criterion], scenario: Scenario) -> dict[str, Any] | None:
    """Return one answer a question that fits all its criteria; None when there is none."""
    answers: dict[str, Any] = {}
    for name in dict.fromkeys(str(c.question) for c in criteria):
        own = [criterion for criterion in criteria if criterion.question == name]
        if all(criterion.operator in ("unknown", "not in") for criterion in own):
            continue
        values = samples(scenario.question(name), own)
        fitting = [v for v in values if all(fits(c, v, scenario) for c in own)]
        if not fitting:
            return None
        answers[name] = fitting[0]
    return answers


def samples(question: Question, criteria: Iterable[Criterion] = ()) -> list[Any]:
    """Return answers that show all that a question can say, one at a time and some together."""
    options = [option.id for option in question.options]
    wanted = [option for c in criteria if c.operator == "in" for option in c.options]
    match question.kind:
        case "choice":
            return list(options)
        case "multi":
            together = [option for option in dict.fromkeys(wanted) if option != NONE]
            return [*([option] for option in options), together]
        case "number":
            low, high = question.minimum or 0, question.maximum or 0
            bounds = [c.value for c in criteria if isinstance(c.value, float)]
            near = [bound + step for bound in bounds for step in (0, -1, 1)]
            return [n for n in (low, high, *near) if low <= n <= high]
        case _:
            plain = [[{"drug": option}] for option in options]
            full = [[{"drug": option, "form": "er", **HIGH_DOSE}] for option in options]
            return [*plain, *(entry for entry in full if entry[0]["drug"] != NONE)]


def fits(criterion: Criterion, value: Any, scenario: Scenario) -> bool:
    """Tell whether a criterion holds for one given answer."""
    operator, bound = criterion.operator, criterion.value
    if operator == "unknown":
        return False
    if operator == "mme >=":
        return COMPARE[operator](mme_of(value, scenario.mme_factors)[1], bound)
    if operator in COMPARE:
        return COMPARE[operator](value, bound)
    if operator == "form":
        return any(Dose.from_mapping(dose).form in criterion.options for dose in value)
    hit = bool(_chosen(value) & set(criterion.options))
    return hit if operator == "in" else not hit


def _chosen(value: Any) -> set[str]:
    listed = [value] if isinstance(value, str) else value
    return {entry["drug"] if isinstance(entry, Mapping) else entry for entry in listed}


def reaching(step: str, scenario: Scenario) -> dict[str, Any] | None:
    """Return answers that lead to a step: a witness of one of its rows, with one more answer."""
    more = [{}, *({q.id: v} for q in scenario.questions for v in samples(q))]
    rules = (row.when for row in scenario.step_order if row.step == step)
    found = (answers for rule in rules for answers in witnesses(rule, scenario))
    tried = ({**extra, **answers} for answers in found for extra in more)
    return next((answers for answers in tried if evaluate(answers, scenario).step == step), None)
