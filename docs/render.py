"""Write the pages that are made from the code and the content: ``python -m docs.render``.

A test fails when a page is older than what it is made from.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bot.settings import settings_page
from dialogs import wording
from dialogs.content import (
    PRIORITIES,
    Citation,
    Consideration,
    Question,
    Scenario,
    Step,
    Vignette,
    load_scenario,
    load_vignettes,
    scenario_names,
)
from dialogs.phases import drawing, mermaid
from dialogs.rules import Rule

DOCS = Path(__file__).parent
UNCHECKED = "**not yet checked against the original**"


def pages() -> dict[str, str]:
    """Return every page that is made, by its path below ``docs``."""
    made = {
        f"scenarios/{name}.md": scenario_page(load_scenario(name), load_vignettes(name))
        for name in scenario_names()
    }
    return {**made, "settings.md": settings_page(), "phases.mmd": mermaid()}


def write(into: Path, say: Callable[[str], object]) -> None:
    """Write the pages and the drawing below ``into``, naming each."""
    for name, text in pages().items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        say(name)
    drawn = drawing()
    if drawn is not None:
        (into / "phases.svg").write_bytes(drawn)
        say("phases.svg")


def scenario_page(scenario: Scenario, vignettes: Iterable[Vignette]) -> str:
    """Return all that a scenario asks and says, for a clinician to read and sign."""
    blocks = [
        *_front(scenario),
        "## Questions",
        *(_question(question, scenario) for question in scenario.questions),
        "## Findings",
        "Conditions with a name, used by the rules below.",
        *_findings(scenario),
        *_considerations(scenario),
        "## Left out on purpose",
        *_suppression(scenario),
        "## Banners",
        *_banners(scenario),
        "## The step table",
        "The first matching row is the step; the next one is printed under it as one line.",
        *_rows(scenario),
        "## What each step says",
        *(_step(step, scenario) for step in scenario.steps),
        *_tables(scenario),
        *_sources(scenario),
        *_vignettes(vignettes),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _front(scenario: Scenario) -> Iterator[str]:
    yield f"# {scenario.title}"
    yield (
        f"Scenario `{scenario.id}`, version {scenario.version}, content `{scenario.hash[:16]}`. "
        "Made from the scenario file; not edited by hand."
    )
    yield (
        "**Not signed.** Nothing here has been reviewed by a licensed clinician or a lawyer; that "
        "review is a release gate. Who signs writes down: name, licence, date, and the content's "
        "number above."
    )
    yield f"Scope, as shown on the first screen: {scenario.scope_text}"
    yield f"Under every summary: {scenario.footer}"


def rule_words(rule: Rule, scenario: Scenario) -> str:
    """Return a rule as a sentence in Markdown."""
    return wording.rule_words(rule, scenario, wording.MARKDOWN)


# --- questions, considerations, steps -------------------------------------------------------------


def _question(question: Question, scenario: Scenario) -> str:
    fast = ", fast path" if question.fast else ""
    asked = rule_words(question.ask_when, scenario) if question.ask_when else question.asked_when
    unknown = question.unknown_label if question.allows_unknown else "none; it can be skipped"
    lines = [
        f"### {question.short} (`{question.id}`{fast})",
        "",
        f"> {question.prompt}",
        "",
        f"- Asked: {asked}",
        f"- Why: {question.why} ({scenario.source(question.why_source).title})",
        f'- Not known: "{unknown}"' if question.allows_unknown else f"- Not known: {unknown}",
    ]
    if question.unit:
        lines.append(f"- Number from {question.minimum:g} to {question.maximum:g} {question.unit}")
    for option in question.options:
        button = f' (button "{option.short}")' if option.short else ""
        lines.append(
            f"- `{option.id}`: {option.label}{button}; typed: {', '.join(option.synonyms)}"
        )
    return "\n".join(lines)


def _findings(scenario: Scenario) -> Iterator[str]:
    yield "\n".join(
        f"- `{finding.id}`: {finding.words}: {rule_words(finding.when, scenario)}"
        for finding in scenario.findings
    )


def _considerations(scenario: Scenario) -> Iterator[str]:
    yield "## Considerations"
    for priority in PRIORITIES:
        own = [c for c in scenario.considerations if c.priority == priority]
        yield f"### {priority.capitalize()} ({len(own)})"
        yield from (_consideration(found, scenario) for found in own)


def _consideration(found: Consideration, scenario: Scenario) -> str:
    return "\n".join(
        [
            f"#### {found.id}. {found.title}",
            "",
            f"> {found.text}",
            "",
            f"- Raised when: {rule_words(found.when, scenario)}",
            f"- Strength: {found.strength}",
            f"- Verified: {found.confidence}",
            *_cited(found.sources, scenario),
        ]
    )


def _cited(citations: Iterable[Citation], scenario: Scenario) -> Iterator[str]:
    for citation in citations:
        source = scenario.source(citation.source)
        section = f", {citation.section}" if citation.section else ""
        retained = f" (superseded; {citation.retained})" if citation.retained else ""
        checked = f"checked {source.checked_on}" if source.checked_on else UNCHECKED
        yield f"- Source `{source.id}`: {source.title}{section}{retained}; {source.kind}; {checked}"


def _suppression(scenario: Scenario) -> Iterator[str]:
    yield "\n".join(
        f"- {', '.join(s.ids)} when {rule_words(s.when, scenario)}: {s.words}"
        for s in scenario.suppress
    )


def _banners(scenario: Scenario) -> Iterator[str]:
    for banner in scenario.banners:
        stops = "Stops everything else." if banner.stops else "Shown above the summary."
        yield "\n".join(
            [
                f"### {banner.id}. {banner.title}",
                "",
                f"> {banner.text}",
                "",
                f"- Shown when: {rule_words(banner.when, scenario)}. {stops}",
                f"- Basis: {banner.basis}",
                *_cited(banner.sources, scenario),
            ]
        )


def _rows(scenario: Scenario) -> Iterator[str]:
    rows = [
        f"{place}. `{row.step}`: "
        + (rule_words(row.when, scenario) if row.when else "always; never printed as the next row")
        for place, row in enumerate(scenario.step_order, 1)
    ]
    yield "\n".join(rows)
    blocked = scenario.then_rules.blocked_after.items()
    yield "\n".join(f"- After `{step}` never next: {', '.join(never)}" for step, never in blocked)


def _step(step: Step, scenario: Scenario) -> str:
    variants = [f"- Variant of {v.field}{_when(v.when, scenario)}: {v.text}" for v in step.variants]
    others = [f"- Alternative{_when(a.when, scenario)}: {a.text}" for a in step.alternatives]
    lines = [
        f"### {step.title} (`{step.id}`)",
        "",
        f"- Who: {step.who}",
        f"- Ask: {step.ask}",
        f"- By when: {step.by} (from: {step.timing})",
        f"- Consent: {step.consent}",
        f"- Consent, as printed before the line for the role: {step.consent_note or '-'}",
        *([f"- Judgement: {step.judgement}"] if step.judgement else []),
        *variants,
        *others,
        f"- Message to the colleague, what it asks for: {step.draft or 'none'}",
        f"- Message to the colleague, short: {step.short or 'none'}",
        *(["- Whom to ask works in the MAT program."] if step.inside else []),
        *_cited(step.sources, scenario),
    ]
    return "\n".join(lines)


def _when(rule: Rule | None, scenario: Scenario) -> str:
    return f", when {rule_words(rule, scenario)}" if rule else ""


# --- tables ---------------------------------------------------------------------------------------


def _tables(scenario: Scenario) -> Iterator[str]:
    yield "## What is not known yet"
    order = list(scenario.gap_order)
    yield "First what could change the step now, then in this order: " + ", ".join(order) + "."
    yield "\n".join(
        f"- {g.title} (`{g.key}`{_when(g.when, scenario)}): {g.changes}" for g in scenario.gaps
    )
    yield "## Consistency prompts and lines"
    prompts = [f"- {p.text} When {rule_words(p.when, scenario)}." for p in scenario.consistency]
    shown = [f"- {line.text} When {rule_words(line.when, scenario)}." for line in scenario.lines]
    yield "\n".join([*prompts, *shown])
    yield "## Consent"
    yield "\n".join(
        f"- {', '.join(line.roles) or 'any other'}{_when(line.when, scenario)}: {line.text}"
        for line in scenario.consent_lines
    )
    yield _table(
        ("who discloses", "to whom", "basis", "wording"),
        [(c.discloser, c.recipient, c.basis, c.wording) for c in scenario.consent_table],
    )
    yield "## MME factors"
    yield _table(
        ("opioid", "factor"), [(drug, f"{f:g}") for drug, f in scenario.mme_factors.items()]
    )
    yield "## Where experts disagree"
    yield _table(
        ("question", "positions", "how it is handled"),
        [(d.question, d.positions, d.handling) for d in scenario.disagreements],
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)


def _sources(scenario: Scenario) -> Iterator[str]:
    yield "## Sources"
    rows = [
        (
            f"`{source.id}`",
            source.title,
            source.year or "not recorded",
            source.kind,
            source.verified,
            str(source.checked_on) if source.checked_on else UNCHECKED,
            source.superseded_by or "-",
            source.url or "not recorded",
        )
        for source in scenario.sources
    ]
    head = ("id", "title", "year", "kind", "how far read", "checked", "superseded by", "address")
    yield _table(head, rows)


def _vignettes(vignettes: Iterable[Vignette]) -> Iterator[str]:
    yield "## Vignettes"
    yield "\n".join(
        f"- {case.id} {case.title}: {case.step}; raised: {', '.join(case.must)}; "
        f"not raised: {', '.join(case.must_not)}"
        for case in vignettes
    )


if __name__ == "__main__":
    write(DOCS, print)
