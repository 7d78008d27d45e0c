"""The summary on one phone screen, and the pages behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.callbacks import encode
from bot.language import Translate, content_note
from bot.screen import (
    TEXT_LIMIT,
    Button,
    Row,
    Screen,
    bold,
    chunks,
    esc,
    fold,
    laid_out,
    lines,
    paragraphs,
    utf16,
    visible,
)
from bot.screens.changes import Told, change_lines
from dialogs.content import PRIORITIES, Priority, Scenario
from dialogs.depends import depends_map, phrase
from dialogs.evaluation import Because
from dialogs.model import Consult
from dialogs.rules import questions_of
from dialogs.summary import (
    ConsiderationView,
    GapView,
    StepView,
    Summary,
    plain_source,
    summarise,
)

VISIBLE = 900
"""Characters of the first message before anything is opened."""

GAPS_SHOWN = 3
MOST_ADDRESS_NOW = 7
PAGE = TEXT_LIMIT - 200
"""UTF-16 units of a page; the rest is for its head."""

GAP_BUTTONS = 8


def summary_screen(
    consult: Consult,
    scenario: Scenario,
    t: Translate,
    *,
    case: str,
    code: str,
    said: str = "",
    hypothetical: bool = False,
    extra: tuple[Row, ...] = (),
) -> Screen:
    """Return the first message: the step, titles by priority, the first gaps; the rest behind buttons."""
    summary = _told(consult, scenario, t)
    name = t("What-if case {code} · summary") if hypothetical else t("Case {code} · summary")
    head = lines(bold(name.format(code=code)), said)
    return Screen(
        _fitted(summary, head, changed(consult, scenario, t), t),
        _rows(summary, consult, t, case, extra),
    )


def _told(consult: Consult, scenario: Scenario, t: Translate) -> Summary:
    """Return the summary; under its footer the language of the content, where that is another."""
    told = summarise(consult.answers, scenario, t, consult.previous)
    return replace(told, footer=lines(told.footer, content_note(scenario, t)))


def changed(consult: Consult, scenario: Scenario, t: Translate) -> Told:
    """Return what the last change of answers did; empty where nothing was changed."""
    if consult.earlier is None or consult.shown is None:
        return Told()
    return change_lines(consult.earlier, consult.shown, scenario, t)


LEVELS = ((MOST_ADDRESS_NOW, 7), (MOST_ADDRESS_NOW, 0), (4, 0), (2, 0), (0, 0))
"""How many titles stand unfolded: (address now, discuss), from all to none."""


def _fitted(summary: Summary, head: str, did: Told, t: Translate) -> str:
    """Return the text with as many titles unfolded as fit a phone screen."""
    whole = lines(head, str(did))
    for most in LEVELS:
        text = _text(summary, whole, _by_priority(summary, t, *most), t)
        if visible(text) <= VISIBLE:
            return text
    brief = replace(summary, step=replace(summary.step, by=""))
    text = _text(brief, whole, _by_priority(summary, t, *LEVELS[-1]), t)
    return (
        text if visible(text) <= VISIBLE else _together(brief, lines(head, did.first), did.rest, t)
    )


def _together(summary: Summary, head: str, rest: str, t: Translate) -> str:
    """Return the text with all titles, and what else a change did, in one fold."""
    counts = {p: sum(view.priority == p for view in summary.raised) for p in PRIORITIES}
    heads = [f"{words} ({counts[p]})" for p, words in _headings(t).items() if counts[p]]
    titles = "\n".join(esc(f"• {view.title}") for view in summary.raised)
    points = lines(bold(" · ".join(heads)), fold(lines(titles, rest)))
    return _text(replace(summary, step=replace(summary.step, then=None)), head, points, t)


def _text(summary: Summary, head: str, points: str, t: Translate) -> str:
    step = summary.step
    label = (
        t("Suggested step, a judgement call: you decide")
        if step.judgement
        else t("Suggested step: you decide")
    )
    then = t("Then: {title}").format(title=step.then) if step.then else ""
    return paragraphs(
        head,
        *[bold(banner.title) + "\n" + (fold(esc(banner.text))) for banner in summary.banners],
        "\n".join(esc(line) for line in summary.lines),
        lines(esc(label), bold(step.title), esc(step.by), esc(then)),
        points,
        esc(summary.mme_line),
        _gap_lines(summary.gaps[:GAPS_SHOWN], t),
        f"<i>{esc(summary.footer)}</i>",
    )


def _headings(t: Translate) -> dict[Priority, str]:
    return {
        "address-now": t("Address now"),
        "discuss": t("Discuss"),
        "reassuring": t("Reassuring"),
    }


def _by_priority(summary: Summary, t: Translate, address_now: int, discuss: int) -> str:
    """Return the titles by priority, so many of each unfolded."""
    most = {"address-now": address_now, "discuss": discuss, "reassuring": 2}
    heads = _headings(t)
    return paragraphs(*[_titles(summary, p, heads[p], most=most[p]) for p in PRIORITIES])


def _titles(summary: Summary, priority: Priority, heading: str, *, most: int) -> str:
    titles = [esc(f"• {view.title}") for view in summary.raised if view.priority == priority]
    if not titles:
        return ""
    head = bold(f"{heading} ({len(titles)})")
    first, rest = titles[:most], titles[most:]
    tail = fold("\n".join(rest)) if rest else ""
    return lines(head, *first, tail)


def _gap_lines(gaps: Sequence[GapView], t: Translate) -> str:
    if not gaps:
        return ""
    listed = [f"• {esc(gap.title)} <i>({esc(gap_state(gap, t))})</i>" for gap in gaps]
    return lines(bold(t("What I don't know yet")), *listed)


def gap_state(gap: GapView, t: Translate) -> str:
    """Return why there is no answer, or the earlier one that is to be confirmed."""
    return t("was: {answer}; confirm").format(answer=gap.was) if gap.was else t(gap.state)


def _rows(
    summary: Summary, consult: Consult, t: Translate, case: str, extra: tuple[Row, ...]
) -> tuple[Row, ...]:
    turn = consult.turn

    def view(label: str, name: str, *args: object) -> Button:
        return Button(label, encode("v", case, name, *args))

    rows: list[Row] = [
        (
            view(t("The step in full"), "step"),
            view(t("All {count} points").format(count=len(summary.raised)), "all", 0),
        ),
        (
            view(t("It depends"), "depends", 0),
            view(t("Unknown ({count})").format(count=len(summary.gaps)), "gaps", 0),
        ),
    ]
    if any(gap.question == "opioid" and gap.key != "opioid" for gap in summary.gaps):
        rows.append((Button(t("+ Add a dose"), encode("o", case, "opioid", "s", turn=turn)),))
    rows.append(
        (
            Button(t("Change answers"), encode("rev", case, turn=turn)),
            Button(t("More questions"), encode("more", case, turn=turn)),
        )
    )
    return (*rows, *extra)


# --- pages ------------------------------------------------------------------------------------


def home(t: Translate, case: str) -> Row:
    return (Button(t("‹ Summary"), encode("v", case, "home")),)


def step_screen(
    summary: Summary, t: Translate, *, case: str, code: str, rows: tuple[Row, ...] = ()
) -> Screen:
    """Return the step in full: who, ask, by when, consent, why, alternatives."""
    step = summary.step
    body = paragraphs(
        bold(t("Case {code} · suggested coordination step").format(code=code)),
        lines(esc(step.heading), bold(step.title), esc(step.judgement or "")),
        *step_lines(step, t),
        "\n".join(esc(note) for note in step.notes),
        fold(bold(t("Other reasonable choices")) + "\n" + _bullets(step.alternatives)),
        esc(t("Then: {title}").format(title=step.then)) if step.then else "",
        fold(bold(t("Sources")) + "\n" + _bullets([*map(plain_source, step.sources), step.timing])),
    )
    return Screen(body, (*rows, home(t, case)))


def step_lines(step: StepView, t: Translate) -> tuple[str, ...]:
    """Return who, ask, by when, consent and why, each a paragraph of HTML."""
    return (
        f"{bold(t('Who:'))} {esc(step.who)}",
        f"{bold(t('Ask:'))} {esc(step.ask)}",
        f"{bold(t('By:'))} {esc(step.by)}",
        f"{bold(t('Consent:'))} {esc(step.consent)}",
        lines(
            bold(t("Why this step:")), _bullets([_because(b) for b in step.why] or [step.why_note])
        ),
    )


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(esc(f"• {text}") for text in texts)


def _because(because: Because) -> str:
    return f"{because.question}: {because.answer}"


def consideration_block(view: ConsiderationView, t: Translate) -> str:
    """Return one consideration as HTML: title, then text, because, strength and sources folded."""
    because = "; ".join(_because(b) for b in view.because)
    sources = [f"• {plain_source(source)}" for source in view.sources]
    inside = lines(
        esc(view.text),
        f"{bold(t('Because you answered'))} {esc(because)}",
        f"{bold(t('Strength:'))} {esc(view.strength)}",
        bold(t("Source:")),
        *[esc(source) for source in sources],
    )
    return lines(bold(view.title), fold(inside))


HEADINGS = {"address-now": "Address now", "discuss": "Discuss", "reassuring": "Reassuring"}


def details_pages(summary: Summary, t: Translate) -> tuple[str, ...]:
    """Return all considerations as pages of HTML; none is split."""
    parts = []
    seen = ""
    headings = _headings(t)
    for view in summary.raised:
        block = consideration_block(view, t)
        if view.priority != seen:
            seen = view.priority
            block = lines(f"<u>{esc(headings[seen])}</u>", block)
        parts.append(block)
    return chunks(parts, PAGE) or (esc(t("No consideration was raised by these answers.")),)


def details_screen(
    summary: Summary, t: Translate, *, case: str, code: str, page: int, rows: tuple[Row, ...] = ()
) -> Screen:
    """Return one page of the considerations in full."""
    pages = details_pages(summary, t)
    page = min(max(page, 0), len(pages) - 1)
    head = t("Case {code} · considerations").format(code=code)
    count = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    body = paragraphs(bold(head + count), pages[page])
    return Screen(body, (*rows, pager("all", page, len(pages), t, case), home(t, case)))


def pager(view: str, page: int, pages: int, t: Translate, case: str) -> Row:
    row = []
    if page:
        row.append(Button(t("‹ Page {page}").format(page=page), encode("v", case, view, page - 1)))
    if page + 1 < pages:
        row.append(
            Button(t("Page {page} ›").format(page=page + 2), encode("v", case, view, page + 1))
        )
    return tuple(row)


def gaps_screen(
    summary: Summary, consult: Consult, t: Translate, *, case: str, code: str, page: int
) -> Screen:
    """Return what is not known yet, what it could change, and one tap to answer it now."""
    titles = dict(summary.held_back)
    listed = [
        (gap, _gap_block(place, gap, titles, t))
        for place, gap in enumerate((*summary.gaps, *summary.minor_gaps), 1)
    ]
    pages = _in_pages(listed)
    page = min(max(page, 0), len(pages) - 1)
    body = paragraphs(
        bold(t("Case {code} · what I don't know yet").format(code=code)),
        *[block for _, block in pages[page]],
        "" if listed else esc(t("Nothing that could change this is open.")),
    )
    first = sum(map(len, pages[:page])) + 1
    buttons = [
        Button(f"{place} {gap.title}", encode("o", case, gap.question, "s", turn=consult.turn))
        for place, (gap, _) in enumerate(pages[page], first)
    ]
    turned = pager("gaps", page, len(pages), t, case)
    return Screen(body, (*laid_out(buttons), turned, home(t, case)))


def _gap_block(place: int, gap: GapView, titles: Mapping[str, str], t: Translate) -> str:
    """Return one gap, what it could change, and folded the considerations that it holds back."""
    held = "\n".join(esc(f"• {titles[i]}") for i in gap.holds_back)
    return lines(
        f"{place}. {bold(gap.title)} <i>({esc(gap_state(gap, t))})</i>",
        esc(gap.text),
        fold(bold(t("Held back until it is known")) + "\n" + held) if held else "",
    )


def _in_pages(listed: Sequence[tuple[GapView, str]]) -> list[list[tuple[GapView, str]]]:
    """Return the gaps in pages of so many buttons and so much text as a message takes."""
    pages: list[list[tuple[GapView, str]]] = [[]]
    for item in listed:
        size = sum(utf16(block) + 2 for _, block in (*pages[-1], item))
        if pages[-1] and (len(pages[-1]) == GAP_BUTTONS or size > PAGE):
            pages.append([])
        pages[-1].append(item)
    return pages


def depends_screen(
    consult: Consult, scenario: Scenario, t: Translate, *, case: str, code: str, page: int
) -> Screen:
    """Return which single answers, if different, would change the step or an address-now line."""
    blocks = [
        lines(bold(scenario.question(question).short), *[esc(f"• {phrase}") for phrase in phrases])
        for question, phrases in depends_phrases(consult, scenario, t)
    ]
    pages = chunks(blocks, 1800)
    page = min(max(page, 0), len(pages) - 1)
    step = summarise(consult.answers, scenario, t).step.title
    body = paragraphs(
        bold(t("Case {code} · it depends").format(code=code)),
        esc(t("Now: {step}. If one answer were different:").format(step=step)),
        f"<i>{esc(t('+ would be added, - would no longer apply.'))}</i>",
        pages[page],
        f"<i>{esc(t('Worked out by answering the questions again, one change at a time.'))}</i>",
    )
    fork = (Button(t("Try one as a what-if case"), encode("fork", case)),)
    return Screen(body, (pager("depends", page, len(pages), t, case), fork, home(t, case)))


def depends_phrases(
    consult: Consult, scenario: Scenario, t: Translate = str
) -> list[tuple[str, list[str]]]:
    """Return (question id, phrases) of the map, most consequential first."""
    found: dict[str, list[str]] = {}
    for dependence in depends_map(consult.answers, scenario):
        found.setdefault(dependence.question, []).append(phrase(dependence, scenario, t))
    return list(found.items())


def switched_by(question_id: str, scenario: Scenario) -> tuple[str, ...]:
    """Return the considerations whose rule looks at a question, computed from the content."""
    findings = scenario.findings_by_id
    return tuple(
        c.id for c in scenario.considerations if question_id in questions_of(c.when, findings)
    )


def why_screen(question_id: str, scenario: Scenario, t: Translate, *, case: str) -> Screen:
    """Return why a question is asked: one line, what it can switch on, the source."""
    question = scenario.question(question_id)
    switches = [scenario.consideration(i).title for i in switched_by(question_id, scenario)]
    source = scenario.source(question.why_source)
    body = paragraphs(
        lines(bold(t("Why do you ask?")), esc(question.prompt)),
        esc(question.why),
        fold(bold(t("It can switch on")) + "\n" + _bullets(switches)) if switches else "",
        esc(t("Source: {source}").format(source=f"{source.title} {source.year}".strip())),
    )
    return Screen(body, ((Button(t("‹ Back to the question"), encode("v", case, "home")),),))
