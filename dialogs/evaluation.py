"""What follows from the answers: one step, what is raised, what is held back, and the MME."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dialogs.answers import Answers, is_given
from dialogs.content import Scenario, Table
from dialogs.doses import Dose, countable, show_dose
from dialogs.phrases import Translate
from dialogs.rules import Criterion, Marks, Rule
from dialogs.shown import show_answer, show_options, state_of

Amounts: TypeAlias = tuple[float | None, float | None]
"""(MME a day, the part of it that can be calculated)."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    step: str
    then: str | None
    """The next matching row, printed as one plain line; None when there is none."""
    considerations: tuple[str, ...]
    """Raised, in display order: address-now, discuss, reassuring; file order within."""
    held_back: tuple[str, ...]
    """Neither raised nor ruled out, because an answer is missing; in file order."""
    banners: tuple[str, ...]
    mme: float | None
    """Morphine milligram equivalents a day of the pain opioids; None: cannot be calculated."""
    mme_at_least: float | None
    """The part of it that can be calculated; None without an opioid answer."""
    asked: tuple[str, ...]
    """The questions that apply."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Answers as bits: which criteria and findings are true, and which are not assessed."""

    true: int
    unknown: int
    asked: tuple[str, ...]
    kept: Mapping[str, Any]
    """The answers that count: given, to questions that apply."""
    mme: float | None
    mme_at_least: float | None
    answers: Answers
    scenario: Scenario


def mme_of(
    entries: Iterable[Mapping[str, Any]], factors: Mapping[str, float]
) -> tuple[float | None, float]:
    """Return (MME a day or None, the part that can be calculated), each rounded to 2 decimals."""
    parts = [countable(Dose.from_mapping(entry), factors) for entry in entries]
    known = [part for part in parts if part is not None]
    total = round(sum(known), 2)
    return (total if len(known) == len(parts) else None), total


def mark(answers: Answers, scenario: Scenario) -> Marked:
    """Return the answers as bits.

    The answer to a question that is not asked counts as not given, and what depends on it is
    false, not unknown.
    """
    true, unknown = 0, 0
    asked: list[str] = []
    kept: dict[str, Any] = {}
    amounts: Amounts = (None, None)
    for name, kind, ask, marks in scenario.table.questions:
        applies = True if ask is None else ask.truth(true, unknown)
        if applies is False:
            true |= marks.when_not_asked
            continue
        value: Any = answers.get(name) if applies else None
        if applies:
            asked.append(name)
        if is_given(value):
            kept[name] = value
            amounts = mme_of(value, scenario.mme_factors) if kind == "dose" else amounts
            more, still = _bits(kind, marks, value, amounts)
        else:
            more, still = marks.when_unknown
        true, unknown = true | more, unknown | still
    true, unknown = _with_findings(scenario.table, true, unknown)
    return Marked(true, unknown, tuple(asked), kept, *amounts, answers, scenario)


def _bits(kind: str, marks: Marks, value: Any, amounts: Amounts) -> tuple[int, int]:
    """Return (true, unknown) bits of one given answer."""
    if kind == "dose":
        total, known = amounts
        true = marks.of(_entries(value)) | _reached(marks, known or 0.0)
        return true, _unreached(marks, known or 0.0) if total is None else 0
    if kind == "number":
        return marks.of(()) | _reached(marks, value), 0
    if kind == "choice":
        return marks.alone.get(value, marks.absences), 0
    return marks.of(value), 0


def _entries(doses: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for dose in doses:
        yield dose["drug"]
        if "form" in dose:
            yield f"form:{dose['form']}"


def _reached(marks: Marks, value: float) -> int:
    return sum(bit for holds, bound, bit in marks.thresholds if holds(value, bound))


def _unreached(marks: Marks, known: float) -> int:
    """A threshold that the known part does not reach is open while a part is not known."""
    return sum(bit for holds, bound, bit in marks.thresholds if not holds(known, bound))


def _with_findings(table: Table, true: int, unknown: int) -> tuple[int, int]:
    """Add the bits of the findings, in their order; the same logic as `Compiled.truth`."""
    for bit, mask, every in table.findings:
        if not mask & ~true if every else mask & true:
            true |= bit
        elif not mask & ~(true | unknown) if every else mask & unknown:
            unknown |= bit
    return true, unknown


def evaluate(answers: Answers, scenario: Scenario) -> Evaluation:
    """Return what follows from checked answers; the same answers always give the same result."""
    return conclude(mark(answers, scenario))


def conclude(marked: Marked) -> Evaluation:
    """Return what follows from marked answers."""
    table, true, unknown = marked.scenario.table, marked.true, marked.unknown
    banners = [(name, stops) for name, stops, rule in table.banners if rule.truth(true, unknown)]
    steps = [step for step, rule in table.rows if rule.truth(true, unknown)]
    stopping = tuple(name for name, stops in banners if stops)
    if stopping:
        return _result(marked, (steps[0], None), ((), ()), stopping)
    step = steps[0] if steps else marked.scenario.step_order[-1].step
    decided = (step, _following(steps, marked.scenario))
    return _result(marked, decided, _raised(marked), tuple(name for name, _ in banners))


def _result(
    marked: Marked,
    decided: tuple[str, str | None],
    lists: tuple[tuple[str, ...], tuple[str, ...]],
    banners: tuple[str, ...],
) -> Evaluation:
    return Evaluation(*decided, *lists, banners, marked.mme, marked.mme_at_least, marked.asked)


def _following(steps: Sequence[str], scenario: Scenario) -> str | None:
    """The next matching row: never the fallback, never one the chosen step rules out."""
    if not steps:
        return None
    blocked = scenario.then_rules.blocked_after.get(steps[0], ())
    return next((s for s in steps[1:] if s != steps[0] and s not in blocked), None)


def _raised(marked: Marked) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is raised, in display order, and what is held back, in file order."""
    table, true, unknown = marked.scenario.table, marked.true, marked.unknown
    silenced = {i for ids, rule in table.suppressions if rule.truth(true, unknown) for i in ids}
    raised, held = [], []
    for name, mask, every in table.considerations:
        if name in silenced:
            continue
        if not mask & ~true if every else mask & true:
            raised.append(name)
        elif not mask & ~(true | unknown) if every else mask & unknown:
            held.append(name)
    raised.sort(key=marked.scenario.display_order.__getitem__)
    return tuple(raised), tuple(held)


def difference(before: Evaluation, after: Evaluation) -> "Difference":
    """Return what a change of answers did."""
    known = {*after.considerations, *after.held_back}
    return Difference(
        added=_only(after.considerations, before.considerations),
        dropped=_only(before.considerations, known),
        step_from=before.step,
        step_to=after.step,
        held=_only(after.held_back, before.held_back),
        released=_only(before.held_back, known),
        banners_added=_only(after.banners, before.banners),
        banners_dropped=_only(before.banners, after.banners),
        mme_from=(before.mme, before.mme_at_least or None),
        mme_to=(after.mme, after.mme_at_least or None),
    )


def _only(here: Iterable[str], there: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in here if name not in there)


@dataclass(frozen=True, slots=True)
class Difference:
    added: tuple[str, ...]
    """Raised now; what was held back before is among it."""
    dropped: tuple[str, ...]
    """Raised before, and now neither raised nor held back."""
    step_from: str
    step_to: str
    held: tuple[str, ...]
    """Held back now; what was raised before is among it."""
    released: tuple[str, ...]
    """Held back before, and now neither raised nor held back."""
    banners_added: tuple[str, ...]
    banners_dropped: tuple[str, ...]
    mme_from: Amounts
    mme_to: Amounts

    @property
    def nothing(self) -> bool:
        lists = (self.added, self.dropped, self.held, self.released)
        same = (self.step_from, self.mme_from) == (self.step_to, self.mme_to)
        return same and not any((*lists, self.banners_added, self.banners_dropped))


@dataclass(frozen=True, slots=True)
class Because:
    """One question and the part of its answer that made something true."""

    question: str
    """The short heading."""
    answer: str
    question_id: str


def because(name: str, answers: Answers, scenario: Scenario) -> tuple[Because, ...]:
    """Return why a consideration was raised, a banner shown or a step chosen, by question.

    Computed from the criteria that are true. An exclusion is not a reason. Empty for what is not
    true, and for the fallback row, which matches when nothing else does.
    """
    return reasons(name, mark(answers, scenario))


def reasons(name: str, marked: Marked, t: Translate = str) -> tuple[Because, ...]:
    """Return the same from marked answers, worded by ``t``."""
    rule = _true_rule(name, marked)
    true = list(_true_criteria(rule, marked)) if rule else []
    return tuple(_reasons(true, marked.answers, marked.scenario, t))


def _true_rule(name: str, marked: Marked) -> Rule | None:
    """The rule of that name that is true; of a step's rows, the first that is."""
    scenario = marked.scenario
    rows = ((row.step, row.when) for row in scenario.step_order if row.when)
    raised = ((item.id, item.when) for item in scenario.considerations)
    banners = ((item.id, item.when) for item in scenario.banners)
    found = (rule for owner, rule in (*rows, *raised, *banners) if owner == name)
    return next((rule for rule in found if holds(rule, marked)), None)


def holds(rule: Rule | None, marked: Marked) -> bool:
    """Tell whether a rule of the scenario is true; no rule always is."""
    if rule is None:
        return True
    compiled = marked.scenario.table.bits.compile(rule)
    return compiled.truth(marked.true, marked.unknown) is True


def awaited(consideration: str, marked: Marked) -> frozenset[str]:
    """Return the questions whose answers a consideration that is held back waits for.

    Where it is not known yet whether a question applies, those that decide it. A question that is
    answered is among them only for a part that cannot be calculated: the dose.
    """
    rule = marked.scenario.consideration(consideration).when
    found = {_applying(name, marked) for name in _open_questions(rule, marked)}
    return frozenset().union(*found)


def _open_questions(rule: Rule, marked: Marked) -> Iterator[str]:
    """Yield the questions of the criteria that are not assessed, through the findings."""
    for criterion in rule.criteria:
        if not marked.scenario.table.bits.bit(criterion) & marked.unknown:
            continue
        if criterion.question is not None:
            yield criterion.question
        else:
            yield from _open_questions(marked.scenario.finding(str(criterion.finding)).when, marked)


def _applying(question: str, marked: Marked) -> frozenset[str]:
    if question in marked.asked:
        return frozenset((question,))
    deciding = marked.scenario.question(question).depends_on - marked.kept.keys()
    return frozenset[str]().union(*(_applying(name, marked) for name in deciding))


def _true_criteria(rule: Rule, marked: Marked) -> Iterator[Criterion]:
    for criterion in rule.criteria:
        bit = marked.scenario.table.bits.bit(criterion)
        if not bit & marked.true or criterion.operator == "not in":
            continue
        if criterion.finding is None:
            yield criterion
        else:
            yield from _true_criteria(marked.scenario.finding(criterion.finding).when, marked)


def _reasons(
    criteria: Sequence[Criterion], answers: Answers, scenario: Scenario, t: Translate
) -> Iterator[Because]:
    for question in scenario.questions:
        own = [criterion for criterion in criteria if criterion.question == question.id]
        if own:
            words = "; ".join(dict.fromkeys(_reason(own, question.id, answers, scenario, t)))
            yield Because(question.short, words, question.id)


def _reason(
    own: Sequence[Criterion], name: str, answers: Answers, scenario: Scenario, t: Translate
) -> Iterator[str]:
    """Yield the options that count, then what was not ticked; or why there is no answer."""
    question, state = scenario.question(name), state_of(name, answers)
    if state != "given":
        yield t(state)
        return
    value = answers[name]
    wanted = {option for c in own if c.operator == "in" for option in c.options}
    missing = {option for c in own if c.operator == "lacks" for option in c.options}
    if question.kind == "number":
        yield show_answer(question, value, scenario, t)
    elif question.kind == "dose":
        yield from _doses_that_count(own, wanted, value, scenario, t)
    elif wanted:
        yield show_options(question, wanted & ({value} if isinstance(value, str) else set(value)))
    if missing:
        yield t("not ticked: {options}").format(options=show_options(question, missing))


def _doses_that_count(
    own: Sequence[Criterion],
    wanted: set[str],
    doses: Sequence[Mapping[str, Any]],
    scenario: Scenario,
    t: Translate,
) -> Iterator[str]:
    forms = {form for c in own if c.operator == "form" for form in c.options}
    total = any(c.operator == "mme >=" for c in own)
    for dose in doses:
        counts = total and countable(Dose.from_mapping(dose), scenario.mme_factors)
        if counts or dose["drug"] in wanted or dose.get("form") in forms:
            yield show_dose(dose, scenario, t)
