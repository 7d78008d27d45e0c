"""The check of the content: what must hold of a scenario before anybody is asked anything."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from dialogs import translations
from dialogs.answers import NONE, check_answers
from dialogs.content import (
    Citation,
    Question,
    Scenario,
    Source,
    Vignette,
    load_scenario,
    load_vignettes,
    scenario_names,
)
from dialogs.errors import InvalidAnswer
from dialogs.evaluation import Evaluation, evaluate
from dialogs.rules import Criterion
from dialogs.shown import show_answer
from dialogs.translations import load_translations
from dialogs.witnesses import reaching, witnesses

STALE_AFTER_DAYS = 365
"""Days after which a source wants to be read again."""
MESSAGE_UNITS = 4096
"""UTF-16 units of one Telegram message."""
HEAD_UNITS = 300
"""UTF-16 units kept free in a question's message for its header and the answer given."""
BUTTON_CHARACTERS = 28
MESSAGES = ("draft", "short")
SHORT_CHARACTERS = 200
"""A short message before it is filled in; it may grow to the 256 of a copy button."""
FOUNDING_CASE = "OV01"

MOST_TAPS = 11
"""Taps after /new for the founding case on the fast path, the review card included."""
MOST_SECONDS = 90.0
"""Seconds from /new to the summary, half of the time (p50)."""

READ_WORDS_A_SECOND = 4.0
"""Reading a prompt, in words a second: 240 a minute."""
SKIM_WORDS_A_SECOND = 8.0
"""Looking an option over, in words a second; every option of a screen is looked at, once."""
TAP_SECONDS = 1.2
"""Finding a button and tapping it."""
CHOOSE_SECONDS = 1.0
"""Making up one's mind, once a screen."""
WAIT_SECONDS = 0.4
"""From a tap to the next screen, over a mobile network."""

FORBIDDEN = re.compile(
    r"\b(dirty|abus\w*|addicts?|failed test|drug[- ]seek\w*|non-?complian\w*)\b", re.IGNORECASE
)
"""Words that never stand in a text (the content's own rule 4)."""


@dataclass(frozen=True, slots=True)
class Problem:
    level: Literal["error", "warning"]
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What the founding case costs on the fast path, from /new to the summary."""

    taps: int
    seconds: float
    """p50 of the simple model above: each constant is taken as the median."""


def check_scenario(
    scenario: Scenario, today: date, vignettes: Sequence[Vignette]
) -> tuple[Problem, ...]:
    """Return what is wrong with a scenario; errors stop a release, warnings do not."""
    return (
        *_unreachable(scenario),
        *_unused(scenario),
        *_impossible(scenario),
        *_wrong_vignettes(scenario, vignettes),
        *_without_vignette(scenario, vignettes),
        *_bad_sources(scenario, today),
        *_bad_texts(scenario),
        *_bad_messages(scenario),
        *_over_budget(scenario, vignettes),
    )


def _error(subject: str, text: str) -> Problem:
    return Problem("error", subject, text)


def _warning(subject: str, text: str) -> Problem:
    return Problem("warning", subject, text)


# --- the paths ----------------------------------------------------------------------------------


def _unreachable(scenario: Scenario) -> Iterator[Problem]:
    for question in scenario.questions:
        found = witnesses(question.ask_when, scenario)
        if not any(question.id in evaluate(answers, scenario).asked for answers in found):
            yield _error(question.id, "no answers lead to this question")


def walk(scenario: Scenario, place: int) -> list[str]:
    """Return the questions asked when each is answered with its option at ``place``, or its last.

    Every path ends: a question depends on earlier ones only, which loading the file makes sure of.
    """
    answers: dict[str, object] = {}
    asked: list[str] = []
    while name := next((q for q in evaluate(answers, scenario).asked if q not in answers), None):
        question = scenario.question(name)
        answers[name] = _at(question, place)
        asked.append(name)
    return asked


def _at(question: Question, place: int) -> object:
    if not question.options:
        return None
    option = question.options[min(place, len(question.options) - 1)].id
    return {"choice": option, "multi": [option], "dose": [{"drug": option}]}[question.kind]


def _criteria(scenario: Scenario) -> Iterator[Criterion]:
    rules = [rule for _, rule in scenario.rules()]
    rules += [finding.when for finding in scenario.findings]
    rules += [question.ask_when for question in scenario.questions if question.ask_when]
    return (criterion for rule in rules for criterion in rule.criteria)


def _unused(scenario: Scenario) -> Iterator[Problem]:
    used = {(c.question, option) for c in _criteria(scenario) for option in c.options}
    for question in scenario.questions:
        for option in question.options:
            live = (question.id, option.id) in used
            if live == option.informational:
                text = "is used" if live else "no rule looks at it, and it is not"
                yield _error(f"{question.id}.{option.id}", f"{text} marked informational")
    named = {criterion.finding for criterion in _criteria(scenario)}
    for finding in scenario.findings:
        if finding.id not in named:
            yield _error(finding.id, "no rule uses this finding")


def _impossible(scenario: Scenario) -> Iterator[Problem]:
    for raised in scenario.considerations:
        found = witnesses(raised.when, scenario)
        if not any(raised.id in evaluate(answers, scenario).considerations for answers in found):
            yield _error(raised.id, "no answers raise this consideration")
    for banner in scenario.banners:
        found = witnesses(banner.when, scenario)
        if not any(banner.id in evaluate(answers, scenario).banners for answers in found):
            yield _error(banner.id, "no answers show this banner")
    for step in scenario.steps:
        if reaching(step.id, scenario) is None:
            yield _error(step.id, "no answers lead to this step")


# --- the vignettes ------------------------------------------------------------------------------


def _wrong_vignettes(scenario: Scenario, vignettes: Iterable[Vignette]) -> Iterator[Problem]:
    for vignette in vignettes:
        try:
            answers = check_answers(vignette.answers, scenario)
        except InvalidAnswer as error:
            yield _error(vignette.id, str(error))
            continue
        yield from _differences(vignette, evaluate(answers, scenario))


def _differences(vignette: Vignette, result: Evaluation) -> Iterator[Problem]:
    shown = {*result.considerations, *result.banners}
    if result.step != vignette.step:
        yield _error(vignette.id, f"the step is {result.step}, not {vignette.step}")
    if result.mme != vignette.mme:
        yield _error(vignette.id, "another MME than expected")
    for name in vignette.must:
        if name not in shown:
            yield _error(vignette.id, f"{name} is not raised")
    for name in vignette.must_not:
        if name in shown:
            yield _error(vignette.id, f"{name} is raised")


def _without_vignette(scenario: Scenario, vignettes: Sequence[Vignette]) -> Iterator[Problem]:
    found = [evaluate(vignette.answers, scenario) for vignette in vignettes]
    results = [{*result.considerations, *result.banners} for result in found]
    wanted = [raised.id for raised in scenario.considerations]
    wanted += [banner.id for banner in scenario.banners]
    for name in wanted:
        if not any(name in vignette.must for vignette in vignettes):
            yield _error(name, "no vignette raises it")
        if all(name in shown for shown in results):
            yield _error(name, "no vignette is without it")
    for step in scenario.steps:
        led = {vignette.step == step.id for vignette in vignettes}
        if led != {True, False}:
            yield _error(step.id, "no vignette each way leads to it and past it")


# --- the sources --------------------------------------------------------------------------------


def _bad_sources(scenario: Scenario, today: date) -> Iterator[Problem]:
    cited = {c.source for _, citations in scenario.citations() for c in citations}
    cited |= {question.why_source for question in scenario.questions}
    superseding = {source.superseded_by for source in scenario.sources}
    for source in scenario.sources:
        if source.id not in cited | superseding:
            yield _error(source.id, "nothing cites this source")
        yield from _incomplete(source, today)
    for owner, citations in scenario.citations():
        yield from _superseded(owner, citations, scenario)


def _incomplete(source: Source, today: date) -> Iterator[Problem]:
    if not source.year and source.kind != "author's judgement":
        yield _warning(source.id, "the year is not recorded")
    if not source.url and source.kind != "author's judgement":
        yield _warning(source.id, "no address is recorded")
    if source.checked_on is None:
        yield _warning(source.id, "not yet checked against the original")
    elif source.checked_on > today:
        yield _error(source.id, "checked on a day that has not come")
    elif (today - source.checked_on).days > STALE_AFTER_DAYS:
        yield _warning(source.id, f"last checked on {source.checked_on}: check it again")


def _superseded(owner: str, citations: Iterable[Citation], scenario: Scenario) -> Iterator[Problem]:
    for citation in citations:
        newer = scenario.source(citation.source).superseded_by
        if newer and citation.retained:
            yield _warning(owner, f"cites {citation.source}, superseded by {newer}, on purpose")
        elif newer:
            yield _error(owner, f"cites {citation.source}, superseded by {newer}")


# --- the texts ----------------------------------------------------------------------------------


def _bad_texts(scenario: Scenario) -> Iterator[Problem]:
    for question in scenario.questions:
        if units(screen_text(question)) > MESSAGE_UNITS - HEAD_UNITS:
            yield _error(question.id, "the question does not fit one message")
        for option in question.options:
            red_flag = any(other.red_flag for other in question.options)
            if len(option.button) > BUTTON_CHARACTERS and not red_flag:
                yield _error(f"{question.id}.{option.id}", "the button's label is too long")
    for owner, text in texts(scenario):
        if units(text) > MESSAGE_UNITS - HEAD_UNITS:
            yield _error(owner, "a text does not fit one message")
        if FORBIDDEN.search(text):
            yield _error(owner, "a word that never stands in a text")


def _bad_messages(scenario: Scenario) -> Iterator[Problem]:
    for step in scenario.steps:
        if bool(step.draft) != bool(step.short):
            yield _error(step.id, "a step has both messages, draft and short, or none")
        shorts = (step.short, *(v.text for v in step.variants if v.field == "short"))
        if max(map(len, shorts)) > SHORT_CHARACTERS:
            yield _error(step.id, "the short message has no room for what it is filled with")


def screen_text(question: Question) -> str:
    """Return all that a question's message can hold: prompt, every option in full, and why."""
    return "\n".join([question.prompt, *(o.label for o in question.options), question.why])


def texts(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield every text that a clinician reads, with its owner."""
    yield from (("scope_text", scenario.scope_text), ("footer", scenario.footer))
    yield from ((question.id, screen_text(question)) for question in scenario.questions)
    yield from ((c.id, f"{c.title}\n{c.text}\n{c.strength}") for c in scenario.considerations)
    yield from ((banner.id, f"{banner.title}\n{banner.text}") for banner in scenario.banners)
    for step in scenario.steps:
        alternatives = (alternative.text for alternative in step.alternatives)
        variants = (v.text for v in step.variants if v.field not in MESSAGES)
        words = (step.title, step.who, step.ask, step.by, step.consent)
        yield step.id, "\n".join([*words, step.judgement, *alternatives, *variants])
        messages = (v.text for v in step.variants if v.field in MESSAGES)
        yield step.id, "\n".join([step.draft, step.short, *messages])
    yield from ((gap.key, f"{gap.title}\n{gap.changes}") for gap in scenario.gaps)
    yield from ((prompt.id, prompt.text) for prompt in scenario.consistency)
    yield from ((line.id, line.text) for line in scenario.lines)
    yield from (("consent", line.text) for line in scenario.consent_lines)


def units(text: str) -> int:
    """Return the length as Telegram counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


# --- the tap budget -----------------------------------------------------------------------------


def budget(scenario: Scenario, case: Vignette) -> Budget:
    """Return what a case costs on the fast path: one screen a question, then the review card."""
    fast = [question for question in scenario.questions if question.fast]
    taps = [_taps(question, case.answers.get(question.id)) for question in fast]
    seconds = sum(_seconds(q.prompt, _labels(q), t) for q, t in zip(fast, taps, strict=True))
    given = case.answers
    review = [f"{q.short} {show_answer(q, given.get(q.id), scenario)}" for q in fast]
    return Budget(sum(taps) + 1, seconds + _seconds("", review, 1))


def _labels(question: Question) -> list[str]:
    return [option.label for option in question.options]


def _taps(question: Question, value: object) -> int:
    """A choice, a drug and "none" advance at once; other ticks need Done."""
    if question.kind == "multi" and isinstance(value, list | tuple) and list(value) != [NONE]:
        return len(value) + 1
    return 1


def _seconds(prompt: str, options: Iterable[str], taps: int) -> float:
    """Return the seconds of one screen: read, look over, choose, tap, wait for the next."""
    skimmed = sum(len(option.split()) for option in options)
    reading = len(prompt.split()) / READ_WORDS_A_SECOND + skimmed / SKIM_WORDS_A_SECOND
    return reading + CHOOSE_SECONDS + taps * TAP_SECONDS + WAIT_SECONDS


def _over_budget(scenario: Scenario, vignettes: Iterable[Vignette]) -> Iterator[Problem]:
    for case in vignettes:
        if case.id == FOUNDING_CASE:
            cost = budget(scenario, case)
            if cost.taps > MOST_TAPS:
                yield _error(case.id, f"{cost.taps} taps, {MOST_TAPS} are the budget")
            if cost.seconds > MOST_SECONDS:
                yield _error(case.id, f"{cost.seconds:.0f} s, {MOST_SECONDS:.0f} are the budget")


# --- the report ---------------------------------------------------------------------------------


def check_report(today: date) -> tuple[str, bool]:
    """Return the report on every scenario of the project, and whether there is no error."""
    blocks, clean = [], True
    for name in scenario_names():
        scenario, vignettes = load_scenario(name), load_vignettes(name)
        problems = (*check_scenario(scenario, today, vignettes), *_untranslated(scenario))
        clean = clean and all(problem.level != "error" for problem in problems)
        blocks.append(report(scenario, vignettes, problems))
    return "\n\n".join(blocks), clean


def _untranslated(scenario: Scenario) -> Iterator[Problem]:
    """Yield what keeps a translation from being used."""
    for translation in load_translations(scenario.id):
        for text in translations.problems(translation, scenario):
            yield Problem("error", f"translation {translation.language}", text)


def report(scenario: Scenario, vignettes: Sequence[Vignette], problems: Sequence[Problem]) -> str:
    """Return one scenario's figures and problems as text."""
    errors = sum(problem.level == "error" for problem in problems)
    counts = (
        f"{len(scenario.questions)} questions ({sum(q.fast for q in scenario.questions)} fast)",
        f"{len(scenario.findings)} findings",
        f"{len(scenario.considerations)} considerations",
        f"{len(scenario.banners)} banners",
        f"{len(scenario.step_order)} rows of {len(scenario.steps)} steps",
        f"{len(scenario.sources)} sources",
        f"{len(vignettes)} vignettes",
    )
    lines = [f"{scenario.id} {scenario.version} ({scenario.hash[:12]}): {', '.join(counts)}"]
    longest = max(len(question.options) for question in scenario.questions)
    paths = [len(walk(scenario, place)) for place in range(longest)]
    lines.append(f"paths end after {min(paths)} to {max(paths)} questions")
    for case in (case for case in vignettes if case.id == FOUNDING_CASE):
        cost = budget(scenario, case)
        lines.append(
            f"founding case, fast path: {cost.taps} taps (at most {MOST_TAPS}), "
            f"p50 {cost.seconds:.0f} s (at most {MOST_SECONDS:.0f})"
        )
    lines += [f"{p.level}: {p.subject}: {p.text}" for p in problems]
    return "\n".join([*lines, f"{errors} errors, {len(problems) - errors} warnings"])
