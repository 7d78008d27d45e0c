"""Conditions as data, in the shape of FHIR ``Questionnaire.item.enableWhen``; three truth values.

A rule is a flat list of criteria joined by ``all`` or ``any``. A criterion looks at one answer or
at one named finding; a finding is a rule with a name. There is no nesting and no expression text.

Truth is True, False or None (not assessed). A missing answer is None, never "no". Two operators say
otherwise on purpose: ``unknown`` is true when there is no answer, and ``not in`` (an exclusion)
holds unless the answer is known to be in the set.

Rules are compiled once to bit masks. Every criterion and every finding has a bit; one evaluation
gathers the bits that are true and those that are not assessed; each rule is two integer operations.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Truth: TypeAlias = bool | None
Operator = Literal["in", "not in", "lacks", "form", ">=", ">", "<", "mme >=", "unknown"]

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "mme >=": operator.ge,
}


class Record(BaseModel):
    """A frozen value read from a scenario file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Criterion(Record):
    """One comparison of one answer, or one named finding.

    ``in``: a chosen option is in the set. ``not in``: not known to be in the set. ``lacks``:
    answered, and no chosen option is in the set. ``form``: a dose has one of these forms.
    ``>=``, ``>``, ``<``: the number. ``mme >=``: the part of the MME that can be calculated.
    ``unknown``: there is no answer.
    """

    question: str | None = None
    finding: str | None = None
    operator: Operator = "in"
    value: tuple[str, ...] | float | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.question is None) == (self.finding is None):
            raise ValueError("a criterion names a question or a finding")
        wants = (
            "nothing"
            if self.finding is not None or self.operator == "unknown"
            else "number"
            if self.operator in COMPARE
            else "options"
        )
        if wants != _kind(self.value):
            raise ValueError(f"operator {self.operator!r} takes {wants}")
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """The set the criterion names; empty for numbers and findings."""
        return self.value if isinstance(self.value, tuple) else ()


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    return "options" if isinstance(value, tuple) and value else "number"


class Rule(Record):
    """Criteria joined by ``all`` or by ``any``; exactly one of the two is given."""

    all: tuple[Criterion, ...] = ()
    any: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _is_flat(self) -> Self:
        if bool(self.all) == bool(self.any):
            raise ValueError("a rule has either `all` or `any`")
        return self

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        return self.all or self.any


class Finding(Record):
    """A condition with a name; it may use answers and findings that stand before it."""

    id: str
    words: str = Field(min_length=1)
    when: Rule


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule as a mask of bits: all of them must be true, or any."""

    bits: int
    every: bool

    def truth(self, true: int, unknown: int) -> Truth:
        """Kleene's AND or OR: one False (one True) settles it, else one unknown leaves it open."""
        if self.every:
            missing = self.bits & ~true
            return True if not missing else False if missing & ~unknown else None
        return True if self.bits & true else None if self.bits & unknown else False


@dataclass(frozen=True, slots=True)
class Marks:
    """What the answers to one question do to the bits."""

    hits: Mapping[str, int]
    """Option (or ``form:er``) -> bits it makes true."""
    absences: int
    """Bits of ``lacks`` and ``not in``: true for any answer that does not clear them."""
    clears: Mapping[str, int]
    """Option -> bits of ``absences`` that it makes false."""
    alone: Mapping[str, int]
    """Option -> the true bits when it is the whole answer; ``absences`` for any other option."""
    thresholds: tuple[tuple[Callable[[Any, Any], bool], float, int], ...]
    """(comparison, number, bit), for numbers and for the MME."""
    when_unknown: tuple[int, int]
    """(true, unknown) bits when there is no answer."""
    when_not_asked: int
    """True bits when the question is not asked; the other bits are false."""

    def of(self, chosen: Iterable[str]) -> int:
        """Return the bits that are true when these options were chosen."""
        hit, cleared = 0, 0
        for option in chosen:
            hit |= self.hits.get(option, 0)
            cleared |= self.clears.get(option, 0)
        return hit | (self.absences & ~cleared)


Key: TypeAlias = tuple[str | None, str | None, str, Any]


class Bits:
    """One bit for every different criterion and every finding of a scenario."""

    def __init__(self, findings: Iterable[Finding], rules: Iterable[Rule]) -> None:
        self._bit: dict[Key, int] = {}
        self._criteria: list[Criterion] = []
        self.findings: list[tuple[int, Compiled]] = []
        for finding in findings:
            compiled = self.compile(finding.when)
            self.findings.append((self._name(finding.id), compiled))
        for rule in rules:
            self.compile(rule)

    def compile(self, rule: Rule) -> Compiled:
        """Return the rule as a mask, giving new criteria their bits."""
        bits = 0
        for criterion in rule.criteria:
            bits |= self.bit(criterion)
        return Compiled(bits, every=bool(rule.all))

    def bit(self, criterion: Criterion) -> int:
        """Return the bit of a criterion; a finding must be known by then."""
        key = (criterion.question, criterion.finding, criterion.operator, criterion.value)
        if criterion.finding is not None and key not in self._bit:
            raise ValueError(f"no earlier finding {criterion.finding!r}")
        if key not in self._bit:
            self._bit[key] = 1 << len(self._bit)
            self._criteria.append(criterion)
        return self._bit[key]

    def _name(self, finding: str) -> int:
        key = (None, finding, "in", None)
        if key in self._bit:
            raise ValueError(f"two findings {finding!r}")
        return self._bit.setdefault(key, 1 << len(self._bit))

    def marks(self, question: str) -> Marks:
        """Return what the answers to ``question`` do to the bits given so far."""
        hits: dict[str, int] = {}
        clears: dict[str, int] = {}
        thresholds: list[tuple[Callable[[Any, Any], bool], float, int]] = []
        mask: dict[str, int] = {}
        for criterion in (c for c in self._criteria if c.question == question):
            bit, kind = self.bit(criterion), criterion.operator
            mask[kind] = mask.get(kind, 0) | bit
            if isinstance(criterion.value, float):
                thresholds.append((COMPARE[kind], criterion.value, bit))
            held = clears if kind in ("lacks", "not in") else hits
            prefix = "form:" if kind == "form" else ""
            for option in criterion.options:
                held[prefix + option] = held.get(prefix + option, 0) | bit
        holds = mask.pop("not in", 0)
        absent = mask.pop("unknown", 0)
        open_bits = sum(mask.values())
        absences = holds | mask.get("lacks", 0)
        return Marks(
            hits=hits,
            absences=absences,
            clears=clears,
            alone={o: hits.get(o, 0) | (absences & ~clears.get(o, 0)) for o in {*hits, *clears}},
            thresholds=tuple(thresholds),
            when_unknown=(holds | absent, open_bits),
            when_not_asked=holds,
        )


def questions_of(rule: Rule | None, findings: Mapping[str, Finding]) -> Iterator[str]:
    """Yield the questions a rule looks at, through its findings."""
    for criterion in rule.criteria if rule else ():
        if criterion.question is not None:
            yield criterion.question
        else:
            yield from questions_of(findings[str(criterion.finding)].when, findings)
