"""What goes into the chart and the calendar: the case as a note, and its review dates."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from bot.callbacks import Callback, encode
from bot.cases import dialog_of
from bot.colleague import advised, exported
from bot.language import document_note
from bot.plan_view import answers_of, decided_words
from bot.screen import Button, Screen, bold, chunks, esc, lines, paragraphs, utf16
from bot.screens.summary import home
from bot.turn import Turn
from dialogs.evaluation import evaluate
from dialogs.followup import followup, local_day
from dialogs.messages import PART_2_NOTICE
from dialogs.shown import show_answer
from dialogs.summary import Summary, plain_because, plain_source, summarise
from storage import plans
from storage.consults import StoredConsult
from storage.plans import Plan, Review

REVIEW_MINUTES = 15
PAGE_UNITS = 3000
"""UTF-16 units of the note on one page, before signs are escaped."""


# --- the note ---------------------------------------------------------------------------------


def _note(turn: Turn, data: Callback) -> None:
    """Show the chart-ready note as text, a page at a time, or send it as a file."""
    stored = advised(turn, data, "consult.export")
    note = chart_note(turn, stored)
    if data.arg(0) == "file":
        name = f"case-{stored.code}-note.txt"
        turn.document(name, note.encode(), turn.t("Chart-ready note"), consult=stored.id)
        turn.tell(turn.t("The file is below."))
    else:
        page = int(data.arg(0)) if data.arg(0).isdigit() else 0
        turn.show(note_screen(turn, stored, note, page), consult=stored.id, kind="note")
    exported(turn, stored, "note")


def note_screen(turn: Turn, stored: StoredConsult, note: str, page: int) -> Screen:
    """Return a page of the note in a block that is copied by a tap."""
    t, pages = turn.t, pages_of(note)
    page = min(page, len(pages) - 1)
    count = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    head = t("Case {code} · chart note").format(code=stored.code)
    body = paragraphs(
        bold(head + count),
        f"<pre>{esc(pages[page])}</pre>",
        lines(
            esc(t("Tap the block to copy it. Dates are for you; share relative days.")),
            esc(document_note(turn.scenario_of(stored.content_hash), t)),
        ),
    )
    turning = tuple(
        Button(label, encode("note", stored.short, to))
        for label, to, there in (
            (t("‹ Page {page}").format(page=page), page - 1, page > 0),
            (t("Page {page} ›").format(page=page + 2), page + 1, page + 1 < len(pages)),
        )
        if there
    )
    file = Button(t("As a file"), encode("note", stored.short, "file"))
    return Screen(body, (turning, (file,), home(t, stored.short)))


def pages_of(note: str) -> tuple[str, ...]:
    """Return the note in pages of whole paragraphs; one that is too long is split between lines."""
    parts = note.strip().split("\n\n")
    return chunks([piece for part in parts for piece in _pieces(part)], PAGE_UNITS)


def _pieces(paragraph: str) -> tuple[str, ...]:
    """Return a paragraph in pieces that each fit a page."""
    pieces = [""]
    for line in paragraph.splitlines():
        if pieces[-1] and utf16(pieces[-1]) + utf16(line) > PAGE_UNITS - 2:
            pieces.append("")
        pieces[-1] += f"{line}\n"
    return tuple(piece.strip("\n") for piece in pieces)


def chart_note(turn: Turn, stored: StoredConsult) -> str:
    """Return the case for the chart: answers, considerations with what was done, step, plan, sources."""
    scenario = turn.scenario_of(stored.content_hash)
    told = summarise(dialog_of(stored).answers, scenario)
    day = local_day(turn.tx.now, turn.zone).isoformat()
    blocks = [
        f"Case consult {stored.code}, as of {day}",
        f"{scenario.title}, version {scenario.version}, content {scenario.hash[:12]}",
        "Question: is there an issue of concern with MAT and a prescribed opioid for pain?",
        "\n".join(["Answers", *_answers(turn, stored)]),
        told.mme_line,
        "\n".join(["Considerations", *_considerations(turn, stored, told)]),
        _step(told),
        *_plan(turn, stored),
        "\n".join(["Sources", *_sources(told)]),
        told.footer,
        PART_2_NOTICE,
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _answers(turn: Turn, stored: StoredConsult) -> Iterator[str]:
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    asked = evaluate(consult.answers, scenario).asked
    for question in (scenario.question(name) for name in asked if name in consult.answers):
        yield f"- {question.short}: {show_answer(question, consult.answers[question.id], scenario)}"
    rest = [scenario.question(name).short for name in asked if name not in consult.answers]
    if rest:
        yield f"- Not asked: {', '.join(rest)}"


def _considerations(turn: Turn, stored: StoredConsult, told: Summary) -> list[str]:
    kept, words = plans.dispositions(turn.tx, stored.id), followup().choices["disposition"]
    lines = [
        f"- [{words.get(kept.get(view.id, ''), 'open')}] {view.title} ({plain_because(view.because)})"
        for view in told.raised
    ]
    return lines or ["- none"]


def _step(told: Summary) -> str:
    step = told.step
    rows = [
        "Suggested step (a suggestion; the clinician decides)",
        step.title,
        f"Who: {step.who}",
        f"Ask: {step.ask}",
        f"By when: {step.by}",
        f"Consent: {step.consent}",
    ]
    return "\n".join(rows)


def _plan(turn: Turn, stored: StoredConsult) -> Iterator[str]:
    """Yield the plan as it stands, how often it was changed, and what came of its reviews."""
    plan = plans.plan_of(turn.tx, stored)
    if plan is None:
        return
    choices = followup()
    rows = [
        f"Plan, revision {plan.revision}",
        f"Decided: {decided_words(turn, stored, plan)}",
        f"Because: {plan.reason}" if plan.reason else "",
        f"Agreed with: {choices.words('agreed', plan.agreed)}",
        f"Safeguards: {', '.join(choices.words('safeguard', c) for c in plan.safeguards) or 'none'}",
        f"Starts: {local_day(plan.start_at, turn.zone).isoformat()}",
        f"Ends: {choices.words('stop', plan.stop)}",
    ]
    yield "\n".join(row for row in rows if row)
    yield "\n".join(["Reviews", *(_review(turn, plan, r) for r in _reviews(turn, stored))])


def _reviews(turn: Turn, stored: StoredConsult) -> tuple[Review, ...]:
    return plans.reviews_of(turn.tx, stored.id)


def _review(turn: Turn, plan: Plan, review: Review) -> str:
    name = f"day {review.day}" if review.day is not None else "were they reached?"
    old = review.plan_revision not in (None, plan.revision)
    earlier = f" (plan of revision {review.plan_revision})" if old else ""
    state = "to come" if review.state == "waiting" else "asked, not answered"
    if review.outcome is not None:
        state = followup().words(answers_of(review), review.outcome)
    reason = f" - {review.reason}" if review.reason else ""
    day = local_day(review.due_at, turn.zone).isoformat()
    return f"- {name}{earlier}, {day}: {state}{reason}"


def _sources(told: Summary) -> list[str]:
    cited = [*told.step.sources, *(source for view in told.raised for source in view.sources)]
    return sorted({f"- {plain_source(source)}" for source in cited})


# --- the calendar -----------------------------------------------------------------------------


def _calendar(turn: Turn, data: Callback) -> None:
    """Send the review dates to come as a calendar file, without clinical content."""
    stored = advised(turn, data, "consult.export")
    found = [r for r in plans.reviews_of(turn.tx, stored.id) if r.state == "waiting"]
    if not found:
        turn.tell(turn.t("No review is to come."))
        return
    content = calendar_of(turn, stored, found)
    turn.document(f"case-{stored.code}.ics", content, turn.t("Review dates"), consult=stored.id)
    turn.tell(turn.t("The calendar file is below."))
    exported(turn, stored, "ics")


def calendar_of(turn: Turn, stored: StoredConsult, found: Sequence[Review]) -> bytes:
    """Return the reviews as an iCalendar file (RFC 5545): the case's code, and when."""
    from icalendar import Calendar, Event  # noqa: PLC0415 - 60 ms that few updates need

    calendar = Calendar()
    calendar.add("prodid", "-//Curbside//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for review in found:
        event = Event()
        event.add("uid", f"{review.id}@curbside")
        event.add("dtstamp", turn.tx.now)
        event.add("dtstart", review.due_at)
        event.add("dtend", review.due_at + timedelta(minutes=REVIEW_MINUTES))
        event.add("summary", turn.t("Review of case {code}").format(code=stored.code))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"note": _note, "ics": _calendar}
