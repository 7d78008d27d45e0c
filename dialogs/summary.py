"""The summary as plain strings: one step, what was raised and why, and what is not known yet.

Nothing here knows Telegram or HTML; renderers elsewhere lay it out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from dialogs.answers import Answers
from dialogs.content import (
    PRIORITIES,
    Citation,
    Gap,
    Priority,
    Question,
    Scenario,
    Source,
    Step,
    Variant,
)
from dialogs.depends import amounts, candidates, dose_gap
from dialogs.doses import CANNOT, Dose, mme_line, mme_notes, show_dose, show_mme
from dialogs.evaluation import (
    Because,
    Evaluation,
    Marked,
    awaited,
    conclude,
    evaluate,
    holds,
    mark,
    reasons,
)
from dialogs.phrases import Phrase, Translate, worded
from dialogs.shown import show_answer, state_of

__all__ = ["Summary", "plain_summary", "show_answer", "show_dose", "summarise"]

MOST_ADDRESS_NOW = 7
"""Address-now titles before a "show more"."""

NO_ROW = Phrase("No other row of the step table matches these answers.")
UNCHECKED = Phrase("not yet checked against the original")
CHECKED = Phrase("checked {day}")
NO_YEAR = Phrase("year not recorded")

NAMELESS = "other_opioid"
"""The option for an opioid whose name is not known."""

DOSE = "opioid_dose"
"""The gap that is closed by the dose fields of the opioid question, not by its drug."""

NOTHING: Answers = MappingProxyType({})

GapState = Literal["not known", "skipped", "not asked"]


@dataclass(frozen=True, slots=True)
class SourceView:
    title: str
    section: str
    year: str
    url: str
    kind: str
    checked: str
    """When somebody read the original, or that nobody has."""
    verified: str
    """How far it was read."""
    note: str
    """Why it is cited although it was superseded; mostly empty."""


@dataclass(frozen=True, slots=True)
class ConsiderationView:
    id: str
    title: str
    text: str
    priority: Priority
    strength: str
    confidence: str
    because: tuple[Because, ...]
    sources: tuple[SourceView, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    id: str
    heading: str
    title: str
    who: str
    ask: str
    by: str
    timing: str
    """Where the "by when" comes from."""
    consent: str
    why: tuple[Because, ...]
    why_note: str
    """Said when no answer chose the step (the fallback row); else empty."""
    alternatives: tuple[str, ...]
    judgement: str | None
    notes: tuple[str, ...]
    then: str | None
    """Title of the next matching row."""
    draft: str
    """What the message to the colleague asks for, with [placeholders]; empty for no message."""
    short: str
    """The same for a copy button, not filled in yet."""
    inside: bool
    """Whom to ask works in the MAT program."""
    sources: tuple[SourceView, ...]


@dataclass(frozen=True, slots=True)
class GapView:
    key: str
    question: str
    title: str
    text: str
    """What it would change."""
    state: GapState
    moves_step: bool
    """Whether some answer to it would change the step; found by running the engine again."""
    steps: tuple[str, ...]
    """Titles of the steps it could lead to."""
    holds_back: tuple[str, ...]
    """Considerations that are held back because this is missing."""
    moves: bool
    """Whether some answer to it alone would change the step or raise or drop a consideration."""
    listed: bool = True
    """Whether its own condition holds; else it stands last, for what it holds back."""
    was: str = ""
    """An earlier answer that fell away and is to be confirmed; mostly empty."""


@dataclass(frozen=True, slots=True)
class BannerView:
    id: str
    title: str
    text: str
    stops: bool


@dataclass(frozen=True, slots=True)
class PromptView:
    id: str
    text: str
    questions: tuple[str, ...]
    """The questions whose answers disagree."""


@dataclass(frozen=True, slots=True)
class Summary:
    scenario: str
    version: str
    stopped: bool
    """A red flag stands: the banner and the step, and nothing else."""
    step: StepView
    raised: tuple[ConsiderationView, ...]
    gaps: tuple[GapView, ...]
    minor_gaps: tuple[GapView, ...]
    """Open questions that are no gap by their own condition but hold a consideration back."""
    held_back: tuple[tuple[str, str], ...]
    banners: tuple[BannerView, ...]
    mme_line: str
    mme_notes: tuple[str, ...]
    prompts: tuple[PromptView, ...]
    lines: tuple[str, ...]
    footer: str
    not_known: tuple[str, ...]
    """Headings of the questions whose answer is not known."""
    skipped: tuple[str, ...]
    not_asked: tuple[str, ...]


def summarise(
    answers: Answers, scenario: Scenario, t: Translate = str, previous: Answers = NOTHING
) -> Summary:
    """Return what the clinician reads, worded by ``t``; the same answers always give the same.

    ``previous`` are answers that fell away: those that apply again stand first among the gaps.
    """
    marked = mark(answers, scenario)
    result = conclude(marked)
    banners = tuple(
        BannerView(b.id, b.title, b.text, b.stops) for b in map(scenario.banner, result.banners)
    )
    stopped = any(banner.stops for banner in banners)
    raised = tuple(consideration_view(i, marked, t) for i in result.considerations)
    held = tuple((i, scenario.consideration(i).title) for i in result.held_back)
    found = () if stopped else all_gaps(result, marked, t, previous)
    return Summary(
        scenario=scenario.title,
        version=scenario.version,
        stopped=stopped,
        step=step_view(result, marked, t),
        raised=raised,
        gaps=tuple(gap for gap in found if gap.listed),
        minor_gaps=tuple(gap for gap in found if not gap.listed),
        held_back=held,
        banners=banners,
        mme_line="" if stopped else mme_words(marked, t),
        mme_notes=() if stopped else mme_beside(marked, t),
        prompts=() if stopped else prompts(marked),
        lines=_true_lines("top", marked),
        footer=scenario.footer,
        not_known=_headings("not known", answers, result, scenario),
        skipped=_headings("skipped", answers, result, scenario),
        not_asked=_headings("not asked", answers, result, scenario),
    )


def _headings(
    state: str, answers: Answers, result: Evaluation, scenario: Scenario
) -> tuple[str, ...]:
    return tuple(
        scenario.question(name).short for name in result.asked if state_of(name, answers) == state
    )


def _true_lines(place: str, marked: Marked) -> tuple[str, ...]:
    lines = (line for line in marked.scenario.lines if line.place == place)
    return tuple(line.text for line in lines if holds(line.when, marked))


def prompts(marked: Marked) -> tuple[PromptView, ...]:
    """Return the consistency prompts that these answers raise; they never block."""
    scenario = marked.scenario
    found = (prompt for prompt in scenario.consistency if holds(prompt.when, marked))
    return tuple(PromptView(p.id, p.text, scenario.looks_at(p.when)) for p in found)


# --- considerations and sources ---------------------------------------------------------------


def consideration_view(name: str, marked: Marked, t: Translate = str) -> ConsiderationView:
    """Return one consideration with the answers that raised it."""
    found = marked.scenario.consideration(name)
    return ConsiderationView(
        id=found.id,
        title=found.title,
        text=found.text,
        priority=found.priority,
        strength=found.strength,
        confidence=found.confidence,
        because=reasons(name, marked, t),
        sources=source_views(found.sources, marked.scenario, t),
    )


def source_views(
    citations: Iterable[Citation], scenario: Scenario, t: Translate = str
) -> tuple[SourceView, ...]:
    return tuple(_source_view(citation, scenario, t) for citation in citations)


def _source_view(citation: Citation, scenario: Scenario, t: Translate) -> SourceView:
    source = scenario.source(citation.source)
    anchor = f"#{citation.anchor}" if citation.anchor and source.url else ""
    return SourceView(
        title=source.title,
        section=citation.section,
        year=source.year or worded(NO_YEAR, t),
        url=source.url + anchor,
        kind=t(source.kind),
        checked=worded(_checked(source), t),
        verified=source.verified,
        note=citation.retained,
    )


def _checked(source: Source) -> Phrase:
    return CHECKED.format(day=source.checked_on) if source.checked_on else UNCHECKED


# --- the step -----------------------------------------------------------------------------------


def step_view(result: Evaluation, marked: Marked, t: Translate = str) -> StepView:
    """Return the suggested step, in its variant for these answers, with its alternatives."""
    scenario = marked.scenario
    step, why = scenario.step(result.step), reasons(result.step, marked, t)
    return StepView(
        id=step.id,
        heading=scenario.step_heading,
        title=step_title(step, marked),
        who=_words("who", step.who, step, marked),
        ask=_words("ask", step.ask, step, marked),
        by=step.by,
        timing=step.timing,
        consent=consent_line(step, marked),
        why=why,
        why_note="" if why else worded(NO_ROW, t),
        alternatives=tuple(a.text for a in step.alternatives if holds(a.when, marked)),
        judgement=step.judgement or None,
        notes=tuple(_slots("note", step, marked)),
        then=step_title(scenario.step(result.then), marked) if result.then else None,
        draft=_words("draft", step.draft, step, marked),
        short=" ".join(_chosen("short", step, marked)) or step.short,
        inside=step.inside,
        sources=source_views(step.sources, scenario, t),
    )


def step_title(step: Step, marked: Marked) -> str:
    """Return the title, in its variant for these answers."""
    return _words("title", step.title, step, marked)


def _words(field: str, base: str, step: Step, marked: Marked) -> str:
    parts = list(_slots(field, step, marked))
    return " ".join(parts) if parts else _filled(base, marked)


def _slots(field: str, step: Step, marked: Marked) -> Iterator[str]:
    return (_filled(text, marked) for text in _chosen(field, step, marked))


def _chosen(field: str, step: Step, marked: Marked) -> tuple[str, ...]:
    """Return, slot by slot, the first variant of a field that holds; not filled in yet."""
    chosen: dict[str, Variant] = {}
    for variant in step.variants:
        if variant.field == field and holds(variant.when, marked):
            chosen.setdefault(variant.slot, variant)
    return tuple(variant.text for variant in chosen.values())


def consent_line(step: Step, marked: Marked) -> str:
    """Return what is usually needed before anything is disclosed; never that it is lawful."""
    note = " ".join(_slots("consent", step, marked)) or step.consent_note
    line = _consent_by_role(marked) if step.consent_role else ""
    tail = marked.scenario.consent_tail if step.consent_tail else ""
    return " ".join(part for part in (note, line, tail) if part)


def _consent_by_role(marked: Marked) -> str:
    """The first line for the asker's role, else the line for everybody."""
    role = marked.kept.get("role")
    lines = (line for line in marked.scenario.consent_lines if role in line.roles or not line.roles)
    return next(line.text for line in lines if holds(line.when, marked))


PLACEHOLDERS = re.compile(r"\{opioid\}|\[opioid\]|\[Opioid\]|\[MAT\]|\[MAT drug\]")


def _filled(text: str, marked: Marked) -> str:
    """Fill in the opioid and the MAT where they are known; other [placeholders] stay."""
    opioid, mat = opioid_words(marked), mat_words(marked)
    known = {
        "{opioid}": opioid or "the opioid",
        "[opioid]": opioid or "[opioid]",
        "[Opioid]": (opioid[:1].upper() + opioid[1:]) or "[Opioid]",
        "[MAT]": mat or "[MAT]",
        "[MAT drug]": mat or "[MAT drug]",
    }
    return PLACEHOLDERS.sub(lambda found: known[found.group()], text)


def opioid_words(marked: Marked) -> str:
    """Return the opioids for pain as they read inside a sentence; empty for none."""
    question = marked.scenario.question("opioid")
    drugs = dict.fromkeys(dose["drug"] for dose in marked.kept.get("opioid", ()))
    named = [question.option(drug).words for drug in drugs if drug != NAMELESS]
    if NAMELESS in drugs:
        named.append("another opioid" if named else question.option(NAMELESS).words)
    return listed(named)


def listed(words: Iterable[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``; empty ones are left out."""
    *most, last = [*filter(None, words)] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def mat_words(marked: Marked) -> str:
    """Return the MAT as it reads inside a sentence; empty when there is none known."""
    mat = marked.kept.get("mat")
    return marked.scenario.question("mat").option(mat).words if mat else ""


# --- what is not known yet ----------------------------------------------------------------------


def gaps(
    result: Evaluation, marked: Marked, t: Translate = str, previous: Answers = NOTHING
) -> tuple[GapView, ...]:
    """Return what is missing: first what is to be confirmed, then what could change the step.

    Then by the scenario's order. A missing answer that alone could change nothing, and holds
    nothing back, is left out. Under a condition of its own a gap is not listed otherwise.
    """
    return tuple(view for view in all_gaps(result, marked, t, previous) if view.listed)


def all_gaps(
    result: Evaluation, marked: Marked, t: Translate = str, previous: Answers = NOTHING
) -> tuple[GapView, ...]:
    """Return the gaps, and then what is no gap by its own condition but holds something back."""
    scenario = marked.scenario
    held = _held_back(result, marked)
    earlier = {q: value for q, value in previous.items() if q not in marked.answers}
    missing = (gap for gap in scenario.gaps if _is_missing(gap, marked, {*earlier, *held}))
    views = (_gap_view(gap, result, marked, held.get(gap.key, ())) for gap in missing)
    known = (_with_earlier(view, earlier, marked, t) for view in views)
    found = [view for view in known if _matters(view)]
    order = {key: place for place, key in enumerate(scenario.gap_order)}
    found.sort(
        key=lambda v: (not v.listed, not v.was, not v.moves_step, order.get(v.key, len(order)))
    )
    return tuple(found)


def _held_back(result: Evaluation, marked: Marked) -> Mapping[str, tuple[str, ...]]:
    """Return gap -> the considerations that are held back because it is open."""
    found: dict[str, tuple[str, ...]] = {}
    for name in result.held_back:
        for question in awaited(name, marked):
            key = DOSE if question in marked.kept else question
            found[key] = (*found.get(key, ()), name)
    return found


def _is_missing(gap: Gap, marked: Marked, wanted: AbstractSet[str]) -> bool:
    """Tell whether a gap is open; those that are ``wanted`` need not meet its own condition."""
    if gap.question not in marked.asked:
        return False
    if gap.key not in wanted and not holds(gap.when, marked):
        return False
    if gap.key == DOSE:
        return dose_gap(marked.kept.get(gap.question), marked.scenario)
    return gap.question not in marked.kept


def _matters(view: GapView) -> bool:
    return bool(view.was or view.holds_back or view.moves or view.key == DOSE)


def _with_earlier(gap: GapView, earlier: Answers, marked: Marked, t: Translate) -> GapView:
    """Return a gap with the earlier answer to its question, which always has it listed."""
    if gap.question not in earlier:
        return gap
    scenario = marked.scenario
    was = show_answer(scenario.question(gap.question), earlier[gap.question], scenario, t)
    return replace(gap, was=was, listed=True)


def _gap_view(gap: Gap, result: Evaluation, marked: Marked, held: tuple[str, ...]) -> GapView:
    question, scenario = marked.scenario.question(gap.question), marked.scenario
    tried = _outcomes(question, marked) if gap.key != DOSE else _dose_outcomes(question, marked)
    outcomes = list(tried)
    state = state_of(gap.question, marked.answers)
    steps = dict.fromkeys(o.step for o in outcomes if o.step != result.step)
    return GapView(
        key=gap.key,
        question=gap.question,
        title=gap.title,
        text=gap.changes,
        state=state if state != "given" else "not asked",
        moves_step=bool(steps),
        steps=tuple(scenario.step(step).title for step in steps),
        holds_back=held,
        moves=any(_differs(result, outcome) for outcome in outcomes),
        listed=holds(gap.when, marked),
    )


def _outcomes(question: Question, marked: Marked) -> Iterator[Evaluation]:
    for candidate in candidates(question, marked.answers, marked.scenario):
        yield evaluate({**marked.answers, question.id: candidate.value}, marked.scenario)


def _dose_outcomes(question: Question, marked: Marked) -> Iterator[Evaluation]:
    doses = marked.kept[question.id]
    for candidate in amounts(question, doses, marked.scenario):
        yield evaluate({**marked.answers, question.id: candidate.value}, marked.scenario)


def _differs(before: Evaluation, after: Evaluation) -> bool:
    return before.step != after.step or before.considerations != after.considerations


# --- the MME --------------------------------------------------------------------------------------


MME_LINE = Phrase("Pain opioid: {line}")
NO_MME = Phrase("Pain opioid MME: {line}")
KNOWN_PART = Phrase("(the part that is known: {mme})")


def mme_words(marked: Marked, t: Translate = str) -> str:
    """Return the MME in words: the pain opioids only, never a guess, never "0 MME"."""
    line = _mme_line(marked)
    words = (NO_MME if line == CANNOT else MME_LINE).format(line=line)
    return worded(words, t) + _known_part(marked, t)


def mme_amount(marked: Marked, t: Translate = str) -> str:
    """Return the amount alone: "45 MME/day", or why there is none."""
    return worded(_mme_line(marked), t) + _known_part(marked, t)


def _mme_line(marked: Marked) -> str:
    return mme_line(_doses(marked), marked.scenario.mme_factors)


def _known_part(marked: Marked, t: Translate) -> str:
    known = marked.mme_at_least if marked.mme is None else None
    return f" {worded(KNOWN_PART.format(mme=show_mme(known)), t)}" if known else ""


def mme_beside(marked: Marked, t: Translate = str) -> tuple[str, ...]:
    """Return what has to be said beside the MME of these opioids."""
    mat = marked.kept.get("mat") in ("methadone", "bup_sl", "bup_xr")
    notes = mme_notes(_doses(marked) or (), mat=mat)
    return (*(worded(note, t) for note in notes), *_true_lines("mme", marked))


def _doses(marked: Marked) -> tuple[Dose, ...] | None:
    entries = marked.kept.get("opioid")
    return tuple(Dose.from_mapping(entry) for entry in entries) if entries else None


# --- as plain text -----------------------------------------------------------------------------

HEADINGS: Mapping[Priority, str] = {
    "address-now": "Address now",
    "discuss": "Discuss",
    "reassuring": "Reassuring",
}


def plain_summary(summary: Summary) -> str:
    """Return the whole summary as text; ends without a newline."""
    parts = [_plain_banners(summary), *summary.lines, _plain_step(summary.step)]
    if not summary.stopped:
        parts += [_plain_group(summary, priority) for priority in PRIORITIES]
        parts += [_plain_gaps(summary), _plain_mme(summary), _plain_checks(summary)]
    parts += [summary.footer]
    return "\n\n".join(part for part in parts if part)


def _plain_banners(summary: Summary) -> str:
    return "\n\n".join(f"{b.title.upper()}\n{b.text}" for b in summary.banners)


def _plain_step(step: StepView) -> str:
    rows = [
        step.heading,
        step.title.upper(),
        f"Who: {step.who}",
        f"What to ask: {step.ask}",
        f"By when: {step.by}",
        f"Consent: {step.consent}",
        f"Why this step: {plain_because(step.why) or step.why_note}",
        step.judgement or "",
        *step.notes,
        *(f"Or: {alternative}" for alternative in step.alternatives),
        f"Then: {step.then}" if step.then else "",
    ]
    return "\n".join(row for row in rows if row)


def plain_because(reasons: Iterable[Because]) -> str:
    """Return ``Setting: Office-based MAT; MAT: Methadone``."""
    return "; ".join(f"{reason.question}: {reason.answer}" for reason in reasons)


def _plain_group(summary: Summary, priority: Priority) -> str:
    own = [view for view in summary.raised if view.priority == priority]
    blocks = [_plain_consideration(view) for view in own]
    return "\n\n".join([HEADINGS[priority].upper(), *blocks]) if own else ""


def _plain_consideration(view: ConsiderationView) -> str:
    rows = [
        f"{view.id}. {view.title}",
        view.text,
        f"Because you answered: {plain_because(view.because)}",
        f"Strength: {view.strength}",
        *(f"Source: {plain_source(source)}" for source in view.sources),
    ]
    return "\n".join(rows)


def plain_source(source: SourceView) -> str:
    parts = (source.title, source.section, source.year, source.kind, source.url, source.checked)
    note = f" ({source.note})" if source.note else ""
    return ", ".join(part for part in parts if part) + note


def _plain_gaps(summary: Summary) -> str:
    titles, found = dict(summary.held_back), (*summary.gaps, *summary.minor_gaps)
    rows = [row for gap in found for row in _plain_gap(gap, titles)]
    return "\n".join(["WHAT I DON'T KNOW YET", *rows]) if rows else ""


def _plain_gap(gap: GapView, titles: Mapping[str, str]) -> Iterator[str]:
    yield f"- {gap.title} ({gap.state}): {gap.text}"
    if gap.holds_back:
        held = "; ".join(f"{name} {titles[name]}" for name in gap.holds_back)
        yield f"  Held back until it is known: {held}"


def _plain_mme(summary: Summary) -> str:
    return "\n".join([summary.mme_line, *summary.mme_notes])


def _plain_checks(summary: Summary) -> str:
    return "\n".join(f"Check: {prompt.text}" for prompt in summary.prompts)
