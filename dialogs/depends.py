"""What would change the answer: every single-answer change, by running the engine again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from dialogs.answers import NONE, Answers, is_given
from dialogs.content import Question, Scenario
from dialogs.evaluation import Evaluation, Marked, awaited, conclude, evaluate, mark, mme_of
from dialogs.phrases import Phrase, Translate, worded
from dialogs.rules import questions_of

WITHOUT = Phrase("without {option}")
OR_MORE = Phrase("{bound} {unit} or more")
UNDER = Phrase("under {bound} {unit}")
MME_A_DAY = Phrase("MME/day")

LONG_LIST = 5
"""Options of one effect from which on they are not listed one by one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another answer to one question, and how it is called."""

    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Dependence:
    """Answers to one question that would all have the same effect."""

    question: str
    short: str
    options: tuple[str, ...]
    """Labels, in the scenario's order."""
    step_to: str | None
    """The other step; None when the step stays."""
    added: tuple[str, ...]
    """Address-now considerations that would be raised."""
    dropped: tuple[str, ...]
    """Address-now considerations that would no longer be."""
    banners: tuple[str, ...]
    """Banners that would be shown."""


def candidates(question: Question, answers: Answers, scenario: Scenario) -> Iterator[Candidate]:
    """Yield the other answers to a question: options, toggles, both sides of a threshold, drugs."""
    value: Any = answers.get(question.id)
    match question.kind:
        case "choice":
            yield from (Candidate(o.button, o.id) for o in question.options if o.id != value)
        case "multi":
            yield from _toggles(question, value if is_given(value) else ())
        case "number":
            yield from _sides(question, value if is_given(value) else None, scenario)
        case _:
            yield from _drugs(question, value if is_given(value) else (), scenario)


def _toggles(question: Question, chosen: Sequence[str]) -> Iterator[Candidate]:
    held = [option for option in chosen if option != NONE]
    for option in question.options:
        if option.id == NONE:
            if NONE not in chosen:
                yield Candidate(option.button, [NONE])
        elif option.id not in held:
            yield Candidate(option.button, [*held, option.id])
        elif len(held) > 1:
            rest = [other for other in held if other != option.id]
            yield Candidate(WITHOUT.format(option=option.button), rest)


def _sides(question: Question, value: float | None, scenario: Scenario) -> Iterator[Candidate]:
    """Yield a number on the other side (on both sides, when there is none) of each threshold."""
    low, high, unit = question.minimum or 0, question.maximum or 0, Phrase(question.unit)
    for bound in sorted(thresholds(question.id, scenario)):
        if (value is None or value < bound) and bound <= high:
            yield Candidate(OR_MORE.format(bound=f"{bound:g}", unit=unit), bound)
        if (value is None or value >= bound) and bound > low:
            yield Candidate(UNDER.format(bound=f"{bound:g}", unit=unit), max(low, bound - 1))


@cache
def thresholds(question: str, scenario: Scenario) -> frozenset[float]:
    """Return the numbers at which a consideration or a step looks at a question."""
    rules = [c.when for c in scenario.considerations]
    rules += [row.when for row in scenario.step_order if row.when]
    findings = scenario.findings_by_id
    used = {name for rule in rules for name in questions_of(rule, findings)}
    rules += [finding.when for finding in scenario.findings]
    return frozenset(
        c.value
        for rule in rules
        for c in rule.criteria
        if c.question == question and question in used and isinstance(c.value, float)
    )


def _drugs(
    question: Question, doses: Sequence[Mapping[str, Any]], scenario: Scenario
) -> Iterator[Candidate]:
    """Yield each other drug instead, then the same drugs at other doses."""
    held = {dose["drug"] for dose in doses}
    for option in question.options:
        if held != {option.id}:
            yield Candidate(option.button, [{"drug": option.id}])
    yield from amounts(question, doses, scenario)


def amounts(
    question: Question, doses: Sequence[Mapping[str, Any]], scenario: Scenario
) -> Iterator[Candidate]:
    """Yield the same drugs on the other side of each MME threshold; on both when not known."""
    total, known = mme_of(doses, scenario.mme_factors)
    for bound in sorted(thresholds(question.id, scenario)):
        more = OR_MORE.format(bound=f"{bound:g}", unit=MME_A_DAY)
        under = UNDER.format(bound=f"{bound:g}", unit=MME_A_DAY)
        if known < bound:
            yield from _scaled(more, bound, doses, scenario)
        if known >= bound or total is None:
            yield from _scaled(under, bound / 2, doses, scenario)


def _scaled(
    label: str, mme: float, doses: Sequence[Mapping[str, Any]], scenario: Scenario
) -> Iterator[Candidate]:
    """Yield the same drugs at doses that come to ``mme``; nothing when none of them counts."""
    factors = scenario.mme_factors
    counted = [dose for dose in doses if dose["drug"] in factors]
    if not counted or any(dose["drug"] == "other_opioid" for dose in doses):
        return
    share = mme / len(counted)
    yield Candidate(
        label,
        [
            {**dose, "strength": share / factors[dose["drug"]], "per_day": 1, "n_patches": 1}
            if dose in counted
            else dose
            for dose in doses
        ],
    )


def dose_gap(doses: Any, scenario: Scenario) -> bool:
    """Tell whether an opioid lacks its name, strength or times a day, so that there is no MME."""
    return is_given(doses) and mme_of(doses, scenario.mme_factors)[0] is None


def depends_map(answers: Answers, scenario: Scenario) -> tuple[Dependence, ...]:
    """Return every single-answer change that would change the step or an address-now consideration.

    Grouped by question, the most consequential first: by the row of the step table that it would
    lead to, then by the number of considerations.
    """
    now = evaluate(answers, scenario)
    groups = [
        _of_question(scenario.question(name), answers, now, scenario)
        for name in now.asked
        if name != "role"
    ]
    found = sorted((group for group in groups if group), key=lambda g: _weight(g[0], scenario))
    return tuple(dependence for group in found for dependence in group)


Effect = tuple[str | None, tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def _of_question(
    question: Question, answers: Answers, now: Evaluation, scenario: Scenario
) -> list[Dependence]:
    effects: dict[Effect, list[str]] = {}
    for candidate in candidates(question, answers, scenario):
        after = mark({**answers, question.id: candidate.value}, scenario)
        effect = effect_of(now, after, question.id)
        if any(effect):
            effects.setdefault(effect, []).append(candidate.label)
    found = [
        Dependence(question.id, question.short, tuple(labels), *effect)
        for effect, labels in effects.items()
    ]
    return sorted(found, key=lambda dependence: _weight(dependence, scenario))


def effect_of(now: Evaluation, marked: Marked, question: str) -> Effect:
    """Return (other step, address-now raised, address-now dropped, banners) of a changed answer.

    Under a red flag nothing else is shown, so nothing else counts as dropped. What would be held
    back is dropped too, unless it waits only for the rest of that answer (another drug, without
    its dose).
    """
    scenario, after = marked.scenario, conclude(marked)
    step_to = after.step if after.step != now.step else None
    banners = tuple(name for name in after.banners if name not in now.banners)
    if any(scenario.banner(name).stops for name in (*after.banners, *now.banners)):
        return step_to, (), (), ()
    urgent = scenario.urgent
    added = tuple(i for i in after.considerations if i in urgent and i not in now.considerations)
    gone = (i for i in now.considerations if i in urgent and i not in after.considerations)
    dropped = tuple(
        i for i in gone if i not in after.held_back or not awaited(i, marked) <= {question}
    )
    return step_to, added, dropped, banners


def _weight(dependence: Dependence, scenario: Scenario) -> tuple[int, int]:
    row = scenario.rank.get(dependence.step_to or "", len(scenario.step_order))
    return row, -len(dependence.added) - len(dependence.dropped)


def depends_lines(
    dependences: Sequence[Dependence], scenario: Scenario, t: Translate = str
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (question, phrases) to read: ``if Hospital inpatient → One written plan ...``."""
    lines: dict[str, tuple[str, ...]] = {}
    for dependence in dependences:
        held = lines.get(dependence.short, ())
        lines[dependence.short] = (*held, phrase(dependence, scenario, t))
    return tuple(lines.items())


def phrase(dependence: Dependence, scenario: Scenario, t: Translate = str) -> str:
    """Return one dependence in the words of ``t``."""
    titles = [f"+ {scenario.consideration(i).title}" for i in dependence.added]
    titles += [f"- {scenario.consideration(i).title}" for i in dependence.dropped]
    if dependence.step_to:
        titles.insert(0, scenario.step(dependence.step_to).title)
    if not titles:
        titles = [scenario.banner(i).title for i in dependence.banners]
    words = t("if {options} → {effect}")
    return words.format(options=_options(dependence, scenario, t), effect="; ".join(titles))


def _options(dependence: Dependence, scenario: Scenario, t: Translate) -> str:
    """The options, or "any of them" where a long list has one effect."""
    possible = [o for o in scenario.question(dependence.question).options if o.id != NONE]
    every = len(possible) >= LONG_LIST and len(dependence.options) == len(possible)
    if every:
        return t("any of them")
    return f" {t('or')} ".join(worded(option, t) for option in dependence.options)
