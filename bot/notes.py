"""What goes into the chart and the calendar: the case as a note, and its review dates."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from bot.callbacks import Callback, encode
from bot.cases import dialog_of
from bot.colleague import advised, exported
from bot.language import Translate, document_note, language_of
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
from storage.plans import Entry, Plan, Review

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
    """Return the case for the chart: answers, considerations with what was done, step, plan, sources.

    It is in the language of the content, whatever the interface is in: a chart has one language.
    """
    scenario = turn.scenario_of(stored.content_hash)
    t = language_of(scenario)
    told = summarise(dialog_of(stored).answers, scenario, t)
    blocks = [
        *_heads(turn, stored, t),
        "\n".join([t("Answers"), *_answers(turn, stored, t)]),
        told.mme_line,
        "\n".join([t("Considerations"), *_considerations(turn, stored, told, t)]),
        _step(told, t),
        *_plan(turn, stored, t),
        "\n".join([t("Sources"), *_sources(told)]),
        told.footer,
        PART_2_NOTICE,
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _heads(turn: Turn, stored: StoredConsult, t: Translate) -> tuple[str, ...]:
    """Return which case this is, by which content, and what was asked."""
    scenario = turn.scenario_of(stored.content_hash)
    day = local_day(turn.tx.now, turn.zone).isoformat()
    return (
        t("Case consult {code}, as of {day}").format(code=stored.code, day=day),
        t("{title}, version {version}, content {digest}").format(
            title=scenario.title, version=scenario.version, digest=scenario.hash[:12]
        ),
        t("Question: is there an issue of concern with MAT and a prescribed opioid for pain?"),
    )


def _answers(turn: Turn, stored: StoredConsult, t: Translate) -> Iterator[str]:
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    asked = evaluate(consult.answers, scenario).asked
    for question in (scenario.question(name) for name in asked if name in consult.answers):
        answer = show_answer(question, consult.answers[question.id], scenario, t)
        yield f"- {question.short}: {answer}"
    rest = [scenario.question(name).short for name in asked if name not in consult.answers]
    if rest:
        yield "- " + t("Not asked: {names}").format(names=", ".join(rest))


def _considerations(turn: Turn, stored: StoredConsult, told: Summary, t: Translate) -> list[str]:
    kept, words = plans.dispositions(turn.tx, stored.id), followup().choices["disposition"]
    lines = [
        f"- [{t(words.get(kept.get(view.id, ''), 'open'))}] {view.title} "
        f"({plain_because(view.because)})"
        for view in told.raised
    ]
    return lines or [f"- {t('none')}"]


def _step(told: Summary, t: Translate) -> str:
    step = told.step
    rows = [
        t("Suggested step (a suggestion; the clinician decides)"),
        step.title,
        f"{t('Who:')} {step.who}",
        f"{t('Ask:')} {step.ask}",
        f"{t('By when:')} {step.by}",
        f"{t('Consent:')} {step.consent}",
    ]
    return "\n".join(rows)


def _plan(turn: Turn, stored: StoredConsult, t: Translate) -> Iterator[str]:
    """Yield the plan as it stands, how often it was changed, and what came of its reviews."""
    plan = plans.plan_of(turn.tx, stored)
    if plan is None:
        return
    choices = followup()
    guards = ", ".join(t(choices.words("safeguard", code)) for code in plan.safeguards)
    rows = [
        t("Plan, revision {number}").format(number=plan.revision),
        f"{t('Decided:')} {decided_words(turn, stored, plan, t)}",
        f"{t('Because:')} {plan.reason}" if plan.reason else "",
        f"{t('Agreed with:')} {t(choices.words('agreed', plan.agreed))}",
        f"{t('Safeguards:')} {guards or t('none')}",
        f"{t('Starts:')} {local_day(plan.start_at, turn.zone).isoformat()}",
        f"{t('Ends:')} {t(choices.words('stop', plan.stop))}",
    ]
    yield "\n".join(row for row in rows if row)
    yield "\n".join([t("Reviews"), *(_review(turn, plan, r, t) for r in _reviews(turn, stored))])


def _reviews(turn: Turn, stored: StoredConsult) -> tuple[Review, ...]:
    return plans.reviews_of(turn.tx, stored.id)


def _review(turn: Turn, plan: Plan, review: Review, t: Translate) -> str:
    name = t("were they reached?")
    if review.day is not None:
        name = t("day {day}").format(day=review.day)
    old = review.plan_revision not in (None, plan.revision)
    earlier = t("(plan of revision {number})").format(number=review.plan_revision) if old else ""
    state = t("to come") if review.state == "waiting" else t("asked, not answered")
    if review.outcome is not None:
        state = t(followup().words(answers_of(review), review.outcome))
    reason = f" - {review.reason}" if review.reason else ""
    day = local_day(review.holds_at, turn.zone).isoformat()
    return f"- {' '.join(filter(None, (name, earlier)))}, {day}: {state}{reason}"


def _sources(told: Summary) -> list[str]:
    cited = [*told.step.sources, *(source for view in told.raised for source in view.sources)]
    return sorted({f"- {plain_source(source)}" for source in cited})


# --- the calendar -----------------------------------------------------------------------------


def _calendar(turn: Turn, data: Callback) -> None:
    """Send the review dates to come as a calendar file, without clinical content.

    What fell away since an earlier file is called off in the next one.
    """
    stored = advised(turn, data, "consult.export")
    taken = plans.calendars_taken(turn.tx, stored.id)
    every = plans.calendar_of(turn.tx, stored.id)
    found = [each for each in every if taken or each.review.state == "waiting"]
    if not found:
        turn.tell(turn.t("No review is to come."))
        return
    content = calendar_of(turn, stored, found, sequence=taken)
    turn.document(f"case-{stored.code}.ics", content, turn.t("Review dates"), consult=stored.id)
    turn.tell(turn.t("The calendar file is below."))
    exported(turn, stored, "ics")


def calendar_of(
    turn: Turn, stored: StoredConsult, found: Sequence[Entry], *, sequence: int
) -> bytes:
    """Return the reviews as an iCalendar file (RFC 5545): the case's code, and when.

    ``sequence`` is higher than in any earlier file, so that calendars take the newer dates.
    """
    from icalendar import Calendar, Event  # noqa: PLC0415 - 60 ms that few updates need

    calendar = Calendar()
    calendar.add("prodid", "-//Curbside//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in found:
        event, at = Event(), entry.review.holds_at
        off = entry.review.state == "dropped"
        event.add("uid", f"{entry.uid}@curbside")
        event.add("sequence", sequence)
        event.add("status", "CANCELLED" if off else "CONFIRMED")
        event.add("dtstamp", turn.tx.now)
        event.add("dtstart", at)
        event.add("dtend", at + timedelta(minutes=REVIEW_MINUTES))
        event.add("summary", turn.t("Review of case {code}").format(code=stored.code))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"note": _note, "ics": _calendar}
