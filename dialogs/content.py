"""Scenarios: what is asked, what may be raised, which step is suggested, and on which sources.

The words live in ``dialogs/content/*.toml`` so that a clinician can review them. This module says
what a valid file is; nothing else in the project reads one.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from dialogs.errors import ContentError
from dialogs.rules import Bits, Compiled, Finding, Marks, Record, Rule, questions_of

CONTENT = files("dialogs").joinpath("content")

MOST_PROBLEMS = 5
"""Places named in one ContentError."""

Priority = Literal["address-now", "discuss", "reassuring"]
PRIORITIES: tuple[Priority, ...] = ("address-now", "discuss", "reassuring")
"""In the order in which they are shown."""

Kind = Literal["choice", "multi", "number", "dose"]
SourceKind = Literal[
    "guideline", "label", "regulation", "expert opinion", "author's judgement", "research"
]
Words = Annotated[str, Field(min_length=1)]
Day = Annotated[date | None, BeforeValidator(lambda day: day or None)]


class Option(Record):
    id: str
    label: Words
    short: str = ""
    """The button, where the label is too long for one."""
    words: str = ""
    """How it reads inside a sentence."""
    synonyms: tuple[str, ...] = ()
    informational: bool = False
    """Kept for the transcript and the summary; no rule looks at it."""
    red_flag: str | None = None

    @property
    def button(self) -> str:
        return self.short or self.label


class Question(Record):
    id: str
    group: str
    kind: Kind
    fast: bool
    prompt: Words
    short: Words
    why: Words
    why_source: str
    options: tuple[Option, ...] = ()
    ask_when: Rule | None = None
    asked_when: Words
    allows_unknown: bool = True
    unknown_label: str = "Not known"
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""

    @cached_property
    def by_id(self) -> Mapping[str, Option]:
        return {option.id: option for option in self.options}

    def option(self, option: str) -> Option:
        return self.by_id[option]

    @cached_property
    def depends_on(self) -> frozenset[str]:
        """The questions whose answers decide whether this one is asked."""
        criteria = self.ask_when.criteria if self.ask_when else ()
        return frozenset(c.question for c in criteria if c.question is not None)


class Source(Record):
    """A document, how far somebody here has read it, and when."""

    id: str
    title: Words
    year: str
    """As printed; empty when it is not recorded."""
    url: str = ""
    kind: SourceKind
    verified: Words
    checked_on: Day = None
    """The day the original was read; None means: not yet checked against the original."""
    superseded_by: str = ""


class Citation(Record):
    source: str
    section: str = ""
    anchor: str = ""
    """Added to the source's address."""
    retained: str = ""
    """Why a superseded source is still cited."""


class Consideration(Record):
    id: str
    title: Words
    text: Words
    priority: Priority
    strength: Words
    confidence: Words
    """How far the citation was verified, in words."""
    when: Rule
    for_asker: bool = False
    """It is about what the asker does before writing: no part of a message to a colleague."""
    sources: tuple[Citation, ...] = Field(min_length=1)


class Alternative(Record):
    """Another reasonable choice, shown under the step when its rule holds."""

    text: Words
    when: Rule | None = None


class Variant(Record):
    """Words of a step that change with the answers.

    Within one slot of one field the first variant that holds is used; the slots are then joined,
    and take the place of the step's own words.
    """

    field: Literal["title", "who", "ask", "consent", "note", "draft", "short"]
    slot: str = ""
    text: Words
    when: Rule | None = None


class Step(Record):
    id: str
    title: Words
    in_words: Words
    who: Words
    ask: Words
    by: Words
    timing: Words
    """Where the "by when" comes from."""
    consent: Words
    """The basis as the content states it, for the page that clinicians sign."""
    consent_note: str = ""
    """What is printed of it."""
    consent_role: bool = True
    """Whether the line for the asker's role follows."""
    consent_tail: bool = True
    draft: str = ""
    """What the long message to the colleague asks for, with [placeholders]; empty for no message."""
    short: str = ""
    """The message on a copy button: at most 256 characters once it is filled in."""
    inside: bool = False
    """Whom to ask works in the MAT program: from inside, nothing is disclosed."""
    judgement: str = ""
    alternatives: tuple[Alternative, ...] = Field(min_length=1)
    variants: tuple[Variant, ...] = ()
    sources: tuple[Citation, ...] = Field(min_length=1)


class Row(Record):
    """One row of the step table; the last row has no rule and always matches."""

    step: str
    when: Rule | None = None


class Banner(Record):
    id: str
    title: Words
    text: Words
    when: Rule
    stops: bool
    """Nothing else is shown while this banner stands."""
    basis: Words
    sources: tuple[Citation, ...] = Field(min_length=1)


class Suppression(Record):
    ids: tuple[str, ...]
    words: Words
    when: Rule


class Gap(Record):
    """A line of "What I don't know yet": which question closes it, and what it could change."""

    key: str
    question: str
    title: Words
    changes: Words
    when: Rule | None = None
    """The gap is listed only when this holds (for instance: an ECG only on methadone)."""


class ConsistencyPrompt(Record):
    id: str
    text: Words
    when: Rule


class ConsentLine(Record):
    """The consent in one line, by the role of the asker; the first that fits is shown."""

    roles: tuple[str, ...]
    """Empty: for every role, and when it is not known."""
    when: Rule | None = None
    text: Words


class ConsentBasis(Record):
    """A row of the full consent and legal-basis table."""

    discloser: Words
    recipient: Words
    basis: Words
    wording: Words


class Disagreement(Record):
    question: Words
    positions: Words
    handling: Words


class Then(Record):
    blocked_after: Mapping[str, tuple[str, ...]]


class MoreLine(Record):
    """A line shown when its rule holds: above the summary, or beside the MME."""

    id: str
    place: Literal["top", "mme"]
    text: Words
    when: Rule


@dataclass(frozen=True, slots=True)
class Table:
    """The scenario's rules, compiled; what `evaluate` walks."""

    questions: tuple[tuple[str, str, Compiled | None, Marks], ...]
    findings: tuple[tuple[int, int, bool], ...]
    """(own bit, mask, whether all of it must be true): as tuples, because this is the inner loop."""
    considerations: tuple[tuple[str, int, bool], ...]
    suppressions: tuple[tuple[frozenset[str], Compiled], ...]
    banners: tuple[tuple[str, bool, Compiled], ...]
    rows: tuple[tuple[str, Compiled], ...]
    bits: Bits


class Scenario(Record):
    """One scenario file, checked. Two scenarios are the same when their texts are."""

    id: str
    version: str
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """Of its words, as in ISO 639-1."""
    title: Words
    body: str = Field(repr=False)
    """The text of the file, to be kept with the consults that are pinned to it."""
    hash: str
    scope_text: Words
    footer: Words
    step_heading: Words
    consent_tail: Words
    mme_factors: Mapping[str, float]
    mu_opioids: tuple[str, ...]
    dose_fields: Mapping[str, str]
    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]
    considerations: tuple[Consideration, ...]
    suppress: tuple[Suppression, ...]
    banners: tuple[Banner, ...]
    steps: tuple[Step, ...]
    step_order: tuple[Row, ...]
    then_rules: Then
    gap_order: tuple[str, ...]
    gaps: tuple[Gap, ...]
    consistency: tuple[ConsistencyPrompt, ...]
    lines: tuple[MoreLine, ...]
    consent_lines: tuple[ConsentLine, ...]
    consent_table: tuple[ConsentBasis, ...]
    disagreements: tuple[Disagreement, ...]
    sources: tuple[Source, ...]

    def __hash__(self) -> int:
        return hash(self.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and other.hash == self.hash

    def question(self, question: str) -> Question:
        return self._questions[question]

    def consideration(self, consideration: str) -> Consideration:
        return self._considerations[consideration]

    def step(self, step: str) -> Step:
        return self._steps[step]

    def banner(self, banner: str) -> Banner:
        return self._banners[banner]

    def source(self, source: str) -> Source:
        return self._sources[source]

    def finding(self, finding: str) -> Finding:
        return self.findings_by_id[finding]

    @cached_property
    def _questions(self) -> Mapping[str, Question]:
        return {question.id: question for question in self.questions}

    @cached_property
    def _considerations(self) -> Mapping[str, Consideration]:
        return {consideration.id: consideration for consideration in self.considerations}

    @cached_property
    def _steps(self) -> Mapping[str, Step]:
        return {step.id: step for step in self.steps}

    @cached_property
    def _banners(self) -> Mapping[str, Banner]:
        return {banner.id: banner for banner in self.banners}

    @cached_property
    def _sources(self) -> Mapping[str, Source]:
        return {source.id: source for source in self.sources}

    @cached_property
    def findings_by_id(self) -> Mapping[str, Finding]:
        return {finding.id: finding for finding in self.findings}

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Yield every rule with the id of what it belongs to, the questions' own left out."""
        yield from ((consideration.id, consideration.when) for consideration in self.considerations)
        yield from ((banner.id, banner.when) for banner in self.banners)
        yield from ((prompt.id, prompt.when) for prompt in self.consistency)
        yield from ((line.id, line.when) for line in self.lines)
        yield from ((f"row {i}", row.when) for i, row in enumerate(self.step_order, 1) if row.when)
        yield from ((f"suppression of {s.ids[0]}", s.when) for s in self.suppress)
        yield from ((f"gap {gap.key}", gap.when) for gap in self.gaps if gap.when)
        yield from (("consent line", line.when) for line in self.consent_lines if line.when)
        for step in self.steps:
            yield from ((step.id, variant.when) for variant in step.variants if variant.when)
            yield from ((step.id, other.when) for other in step.alternatives if other.when)

    def citations(self) -> Iterator[tuple[str, tuple[Citation, ...]]]:
        """Yield what cites something, with what it cites."""
        yield from ((raised.id, raised.sources) for raised in self.considerations)
        yield from ((step.id, step.sources) for step in self.steps)
        yield from ((banner.id, banner.sources) for banner in self.banners)

    def looks_at(self, rule: Rule | None) -> tuple[str, ...]:
        """Return the questions a rule looks at, through its findings, in their order."""
        names = set(questions_of(rule, self.findings_by_id))
        return tuple(question.id for question in self.questions if question.id in names)

    @cached_property
    def table(self) -> Table:
        """The compiled rules; made once, when the scenario is loaded."""
        asks = [question.ask_when for question in self.questions if question.ask_when]
        bits = Bits(self.findings, [*asks, *(rule for _, rule in self.rules())])
        rows = [(row.step, bits.compile(row.when)) for row in self.step_order if row.when]
        return Table(
            questions=tuple(_asked(question, bits) for question in self.questions),
            findings=tuple((bit, rule.bits, rule.every) for bit, rule in bits.findings),
            considerations=tuple((c.id, *_masked(c.when, bits)) for c in self.considerations),
            suppressions=tuple((frozenset(s.ids), bits.compile(s.when)) for s in self.suppress),
            banners=tuple((b.id, b.stops, bits.compile(b.when)) for b in self.banners),
            rows=tuple(rows),
            bits=bits,
        )

    @cached_property
    def display_order(self) -> Mapping[str, int]:
        """Consideration -> its place on the screen: by priority, then as in the file."""
        ranked = sorted(self.considerations, key=lambda c: PRIORITIES.index(c.priority))
        return {consideration.id: place for place, consideration in enumerate(ranked)}

    @cached_property
    def urgent(self) -> frozenset[str]:
        """The considerations to address now."""
        return frozenset(c.id for c in self.considerations if c.priority == "address-now")

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """Step -> its first row in the table, counted from 0; a lower row is a nearer harm."""
        first: dict[str, int] = {}
        for place, row in enumerate(self.step_order):
            first.setdefault(row.step, place)
        return first

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _require_known_names(self)
        _require_rules_look_back(self)
        _require_one_fallback(self)
        _ = self.table
        return self


def _masked(rule: Rule, bits: Bits) -> tuple[int, bool]:
    compiled = bits.compile(rule)
    return compiled.bits, compiled.every


def _asked(question: Question, bits: Bits) -> tuple[str, str, Compiled | None, Marks]:
    ask = bits.compile(question.ask_when) if question.ask_when else None
    return question.id, question.kind, ask, bits.marks(question.id)


def _require_known_names(scenario: Scenario) -> None:
    """Refuse two things of one name, and names that stand for nothing."""
    sources = _unique("source", (source.id for source in scenario.sources))
    steps = _unique("step", (step.id for step in scenario.steps))
    raised = _unique("consideration", (c.id for c in scenario.considerations))
    questions = _unique("question", (question.id for question in scenario.questions))
    banners = _unique("banner", (banner.id for banner in scenario.banners))
    for owner, citations in scenario.citations():
        _known(owner, sources, (citation.source for citation in citations))
    for question in scenario.questions:
        _unique(f"option of {question.id}", (option.id for option in question.options))
        _known(question.id, banners, (o.red_flag for o in question.options if o.red_flag))
        _known(question.id, sources, (question.why_source,))
    _known("sources", sources, (s.superseded_by for s in scenario.sources if s.superseded_by))
    _known("suppress", raised, (name for s in scenario.suppress for name in s.ids))
    _known("step_order", steps, (row.step for row in scenario.step_order))
    _known("then_rules", steps, scenario.then_rules.blocked_after)
    _known("then_rules", steps, (s for b in scenario.then_rules.blocked_after.values() for s in b))
    _known("gaps", questions, (gap.question for gap in scenario.gaps))
    _unique("gap", (gap.key for gap in scenario.gaps))
    _known("gap_order", [gap.key for gap in scenario.gaps], scenario.gap_order)


def _unique(kind: str, names: Iterable[str]) -> frozenset[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two of one name: {kind} {name!r}")
        seen.add(name)
    return frozenset(seen)


def _known(owner: str, known: Iterable[str], names: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(f"{owner}: nothing is called {unknown[0]!r}")


def _require_rules_look_back(scenario: Scenario) -> None:
    """Refuse a question that depends on a later one, and a rule on an option that does not exist.

    This makes one pass in file order enough, and a cycle impossible.
    """
    earlier: dict[str, Question] = {}
    for question in scenario.questions:
        _require_options(question.id, question.ask_when, earlier)
        if question.ask_when and any(c.finding for c in question.ask_when.criteria):
            raise ValueError(f"{question.id}: ask_when looks at answers, not at findings")
        earlier[question.id] = question
    for finding in scenario.findings:
        _require_options(finding.id, finding.when, earlier)
    for owner, rule in scenario.rules():
        _require_options(owner, rule, earlier)


def _require_options(owner: str, rule: Rule | None, questions: Mapping[str, Question]) -> None:
    for criterion in rule.criteria if rule else ():
        if criterion.question is None:
            continue
        if criterion.question not in questions:
            raise ValueError(f"{owner}: no earlier question {criterion.question!r}")
        if criterion.operator != "form":
            _known(owner, questions[criterion.question].by_id, criterion.options)


def _require_one_fallback(scenario: Scenario) -> None:
    without = [row for row in scenario.step_order if row.when is None]
    if len(without) != 1 or scenario.step_order[-1].when is not None:
        raise ValueError("step_order: the last row, and only the last, has no rule")


def load_scenario_text(text: str) -> Scenario:
    """Read and check one scenario; the same text always gives the same hash."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Scenario.model_validate({**document, "body": text, "hash": digest})
    except UNREADABLE as error:
        raise ContentError(_brief(error)) from error


UNREADABLE = (ValueError, RecursionError)
"""What reading a file raises: it is no TOML, does not fit, nests too deep, or cannot be encoded."""


def _brief(error: ValueError | RecursionError) -> str:
    """Name the first few places that are wrong, and how many more there are."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    more = [f"and {len(found) - MOST_PROBLEMS} more"] if len(found) > MOST_PROBLEMS else []
    return "; ".join([*found[:MOST_PROBLEMS], *more])


@cache
def load_scenario(name: str = "mat_pain") -> Scenario:
    """Return a scenario that is part of the project; read once."""
    path = CONTENT.joinpath(f"{name}.toml")
    if not path.is_file():
        raise ContentError("no such scenario")
    return load_scenario_text(path.read_text("utf-8"))


class Vignette(Record):
    """A case, and what is expected of it; other considerations may be raised too."""

    id: str
    title: Words
    story: Words
    answers: Mapping[str, Any]
    step: str
    must: tuple[str, ...]
    """Considerations and banners that are shown."""
    must_not: tuple[str, ...]
    mme: float | None = None
    """None: cannot be calculated."""


class Vignettes(Record):
    vignettes: tuple[Vignette, ...]


def load_vignettes_text(text: str) -> tuple[Vignette, ...]:
    """Read one file of vignettes."""
    try:
        return Vignettes.model_validate(tomllib.loads(text)).vignettes
    except UNREADABLE as error:
        raise ContentError(_brief(error)) from error


def load_vignettes(name: str = "mat_pain") -> tuple[Vignette, ...]:
    """Return the vignettes beside a scenario of the project."""
    return load_vignettes_text(CONTENT.joinpath("vignettes", f"{name}.toml").read_text("utf-8"))


def scenario_names() -> tuple[str, ...]:
    """Return the names that `load_scenario` takes: each scenario has its vignettes."""
    found = (entry.name for entry in CONTENT.joinpath("vignettes").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found))
