"""After the summary: dispositions, confidence, and the plan in five taps."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from string import ascii_lowercase
from typing import Any, TypeAlias

from bot import forks, plan_view, reviews
from bot.callbacks import Callback, encode
from bot.cases import apply, dialog_of, to_be_changed, to_be_read
from bot.language import Translate
from bot.screen import (
    Button,
    Row,
    Screen,
    bold,
    clipped,
    esc,
    fold,
    laid_out,
    lines,
    paragraphs,
)
from bot.screens.summary import home
from bot.turn import Gone, Turn
from dialogs.evaluation import evaluate
from dialogs.followup import (
    LATEST,
    MOST_DAYS,
    STARTS,
    Kind,
    followup,
    review_days,
    start_day,
)
from dialogs.model import Planned
from dialogs.phases import ENDED
from storage import audit, consults, expecting, plans
from storage.access import Action, authorize
from storage.consults import StoredConsult
from storage.expecting import Expected

STAGES = ("decided", "agreed", "safeguard", "days", "stop")
PART_OF = {"why": "decided", "start": "days"}
"""What is asked only sometimes belongs to one of the five."""

DISPOSITIONS_SHOWN = 4
ALTERNATIVE = re.compile(r"alt[0-9]")
CONFIDENCE = (1, 2, 3, 4, 5)
MOST_REASON = 300
"""Characters of a reason."""

Asking: TypeAlias = tuple[str, tuple[Row, ...]]
"""What is asked as HTML, and its buttons."""


def summary_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that the summary gains: the plan, what was done, confidence."""
    t = turn.t
    comparing = forks.summary_rows(turn, stored)
    if stored.hypothetical_of is not None:
        close = (Button(t("Close the case"), encode("ask", stored.short, "close")),)
        return comparing if stored.phase in ENDED else (*comparing, close)
    plan = plans.plan_of(turn.tx, stored)
    if stored.phase in ENDED:
        return (*comparing, _to_read(turn, stored, plan))
    name = t("The plan") if plan else t("Record a plan")
    return (
        *comparing,
        (
            Button(name, encode("plan", stored.short)),
            Button(t("What is done"), encode("dis", stored.short, 0)),
        ),
        (
            Button(t("How sure?"), encode("conf", stored.short)),
            Button(t("Close the case"), encode("ask", stored.short, "close")),
        ),
    )


def _to_read(turn: Turn, stored: StoredConsult, plan: plans.Plan | None) -> Row:
    """Return what there is to read of an ended case besides its summary."""
    planned = (Button(turn.t("The plan"), encode("plan", stored.short)),) if plan else ()
    return (*planned, Button(turn.t("Chart note"), encode("note", stored.short)))


# --- dispositions -----------------------------------------------------------------------------


def _dispose(turn: Turn, data: Callback) -> None:
    """Show a page of considerations with what is done about each; a tap sets or takes back."""
    stored = _advised(turn, data)
    scenario = turn.scenario_of(stored.content_hash)
    raised = evaluate(dialog_of(stored).answers, scenario).considerations
    place, value = data.arg(1), data.arg(2)
    if place.isdigit() and int(place) < len(raised) and value in followup().choices["disposition"]:
        _set_disposition(turn, stored, raised[int(place)], value)
    page = int(data.arg(0)) if data.arg(0).isdigit() else 0
    turn.show(_dispositions(turn, stored, raised, page), consult=stored.id, kind="dispositions")


def _set_disposition(turn: Turn, stored: StoredConsult, name: str, value: str) -> None:
    kept = plans.dispositions(turn.tx, stored.id).get(name)
    chosen = None if kept == value else value
    plans.dispose(turn.tx, stored, name, chosen)
    _record(
        turn, stored, "disposition.set", {"consideration": name.lower(), "value": chosen or "none"}
    )


def _dispositions(turn: Turn, stored: StoredConsult, raised: tuple[str, ...], page: int) -> Screen:
    t, scenario = turn.t, turn.scenario_of(stored.content_hash)
    kept = plans.dispositions(turn.tx, stored.id)
    pages = max(1, -(-len(raised) // DISPOSITIONS_SHOWN))
    page = min(page, pages - 1)
    words = _worded("disposition", t)
    listed, rows = [], []
    first = page * DISPOSITIONS_SHOWN
    for place, name in enumerate(raised[first : first + DISPOSITIONS_SHOWN], first):
        now = words.get(kept.get(name, ""), t("open"))
        title = scenario.consideration(name).title
        listed.append(f"{place + 1}. {esc(title)}: {bold(now)}")
        buttons = [
            Button(
                f"{place + 1} {'✓ ' if kept.get(name) == code else ''}{label}",
                encode("dis", stored.short, page, place, code),
            )
            for code, label in words.items()
        ]
        rows += [tuple(buttons[:2]), tuple(buttons[2:])]
    body = paragraphs(
        bold(t("Case {code} · what is done about each").format(code=stored.code)),
        "\n".join(listed) or esc(t("No consideration was raised by these answers.")),
    )
    turning = tuple(
        Button(label, encode("dis", stored.short, to))
        for label, to, there in (
            (t("‹ Page {page}").format(page=page), page - 1, page > 0),
            (t("Page {page} ›").format(page=page + 2), page + 1, page + 1 < pages),
        )
        if there
    )
    return Screen(body, (*rows, turning, home(t, stored.short)))


# --- confidence -------------------------------------------------------------------------------


def _sure(turn: Turn, data: Callback) -> None:
    """Ask for confidence before and after, one tap each; both optional."""
    stored = _advised(turn, data)
    when, value = data.arg(0), data.arg(1)
    if when in ("before", "after") and value in map(str, CONFIDENCE):
        sure = int(value)
        changed = (
            replace(stored, confidence_before=sure)
            if when == "before"
            else replace(stored, confidence_after=sure)
        )
        stored = consults.save(turn.tx, changed, stored.revision)
        _record(turn, stored, "confidence.set", {"when": when, "value": int(value)})
    t = turn.t
    rows = []
    for name, words, kept in (
        ("before", t("Before"), stored.confidence_before),
        ("after", t("Now"), stored.confidence_after),
    ):
        rows.append(
            tuple(
                Button(
                    f"{'✓' if kept == n else ''}{words} {n}", encode("conf", stored.short, name, n)
                )
                for n in CONFIDENCE
            )
        )
    body = paragraphs(
        bold(t("Case {code} · how sure are you what to do?").format(code=stored.code)),
        esc(
            t(
                "1 is not at all, 5 is completely: before you saw the summary, and now. Both optional."
            )
        ),
    )
    turn.show(
        Screen(body, (*_in_halves(rows), home(t, stored.short))), consult=stored.id, kind="sure"
    )


def _in_halves(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(half for row in rows for half in (row[:3], row[3:]))


# --- the plan ---------------------------------------------------------------------------------


def _plan(turn: Turn, data: Callback) -> None:
    """Show the plan or an earlier one, or begin to record it."""
    stored = to_be_read(turn, turn.case(data.case))
    found = plans.plans_of(turn.tx, stored)
    if not found or data.arg(0) == "new":
        to_be_changed(turn, stored)
        _stage(turn, stored, Chosen({}))
        return
    if data.arg(0) == "old":
        turn.show(plan_view.earlier_screen(turn, stored, found), consult=stored.id, kind="plan")
        return
    turn.show(plan_view.plan_screen(turn, stored, found[-1]), consult=stored.id, kind="plan")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A plan half recorded: codes by stage, and the reason in words, kept sealed."""

    codes: Mapping[str, Any]
    reason: str | None = field(default=None, repr=False)

    @property
    def stage(self) -> str | None:
        """What is asked next; None when nothing is left."""
        if self.codes.get("decided") == "other" and "why" not in self.codes:
            return "why"
        if self.codes.get("picking"):
            return "start"
        return next((name for name in STAGES if name not in self.codes), None)

    def having(self, **codes: Any) -> "Chosen":
        return replace(self, codes={**self.codes, **codes})


Take: TypeAlias = Callable[[Turn, StoredConsult, Chosen, str], Chosen]
"""What a tap adds to a plan; raises Gone for one that is none of ours."""


def _stage(turn: Turn, stored: StoredConsult, chosen: Chosen) -> None:
    """Ask for the next thing the plan needs."""
    if chosen.stage is None:
        _finish(turn, stored, chosen)
        return
    expecting.expect(
        turn.tx,
        turn.person.id,
        "plan",
        consult_id=stored.id,
        args={"chosen": dict(chosen.codes)},
        held=chosen.reason,
    )
    body, rows = ASK[chosen.stage](turn, stored, chosen)
    place = STAGES.index(PART_OF.get(chosen.stage, chosen.stage)) + 1
    head = turn.t("Case {code} · plan {place} of 5").format(code=stored.code, place=place)
    turn.show(
        Screen(paragraphs(bold(head), body), (*rows, home(turn.t, stored.short))),
        consult=stored.id,
        kind="plan",
    )


def _worded(kind: Kind, t: Translate) -> dict[str, str]:
    """Return the codes of a kind of choice with their words in the person's language."""
    return {code: t(words) for code, words in followup().choices[kind].items()}


def _choices(turn: Turn, stored: StoredConsult, stage: Kind) -> tuple[Row, ...]:
    words = _worded(stage, turn.t)
    return laid_out(
        [Button(label, encode("pl", stored.short, stage, code)) for code, label in words.items()], 1
    )


def _alternatives(turn: Turn, stored: StoredConsult) -> dict[int, str]:
    """Return the alternatives shown under the step now, by their place in the content."""
    step = plan_view.suggested(turn, stored)
    every = turn.scenario_of(stored.content_hash).step(step.id).alternatives
    return {place: each.text for place, each in enumerate(every) if each.text in step.alternatives}


def _ask_decided(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    step, words = plan_view.suggested(turn, stored), _worded("decided", turn.t)
    lettered = dict(zip(ascii_lowercase, _alternatives(turn, stored).items(), strict=False))
    listed = "\n".join(esc(f"{letter}. {text}") for letter, (_, text) in lettered.items())
    first = Button(
        clipped(f"{words['step']}: {step.title}", 40),
        encode("pl", stored.short, "decided", "step"),
    )
    others = [
        Button(
            turn.t("Alternative {letter}").format(letter=letter),
            encode("pl", stored.short, "decided", f"alt{place}"),
        )
        for letter, (place, _) in lettered.items()
    ]
    other = Button(words["other"], encode("pl", stored.short, "decided", "other"))
    body = lines(
        bold(turn.t("What was decided?")),
        esc(turn.t("The step:")) + f" {esc(step.title)}",
        fold(bold(turn.t("Other reasonable choices")) + f"\n{listed}"),
    )
    return body, ((first,), *laid_out(others, 2), (other,))


def _ask_why(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    body = lines(
        bold(turn.t("What was decided instead, and why?")),
        esc(
            turn.t("Type a line, without names; or leave it out. Deviating is an ordinary answer.")
        ),
    )
    return body, ((Button(turn.t("Leave it out"), encode("pl", stored.short, "why", "none")),),)


def _ask_agreed(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    return bold(turn.t("Agreed with whom?")), _choices(turn, stored, "agreed")


def _ask_safeguards(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    marked = chosen.codes.get("marked", [])
    buttons = [
        Button(
            f"{'☑' if code in marked else '☐'} {label}", encode("pl", stored.short, "mark", code)
        )
        for code, label in _worded("safeguard", turn.t).items()
    ]
    done = Button(
        turn.t("Done ({count})").format(count=len(marked)),
        encode("pl", stored.short, "safeguard", "done"),
    )
    body = lines(
        bold(turn.t("Which safeguards?")), esc(turn.t("Tick all that are agreed, then Done."))
    )
    return body, (*laid_out(buttons, 1), (done,))


def _ask_days(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    start = chosen.codes.get("start", 0)
    offered = followup().reviews_for(plan_view.suggested(turn, stored).id)
    buttons = [
        Button(
            turn.t("Day {days}").format(days=", ".join(map(str, days))),
            encode("pl", stored.short, "days", "-".join(map(str, days))),
        )
        for days in offered
        if start + days[0] > 0
    ]
    body = lines(
        bold(turn.t("When is it reviewed?")),
        esc(
            turn.t("The plan starts {day}; days are counted from then.").format(
                day=day_words(start, turn.t)
            )
        ),
        esc(turn.t("Tap, or type days, such as 30, 60, 90.")),
    )
    another = Button(turn.t("It starts another day"), encode("pl", stored.short, "start", "pick"))
    return body, (*laid_out(buttons, 1), (another,))


def _ask_start(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    buttons = [
        Button(day_words(day, turn.t).capitalize(), encode("pl", stored.short, "start", day))
        for day in STARTS
    ]
    body = lines(
        bold(turn.t("When does the plan start?")),
        esc(turn.t("Tap, or type in how many days, such as 10.")),
    )
    return body, laid_out(buttons, 2)


def day_words(day: int, t: Translate) -> str:
    """Return a day relative to today, in words."""
    named = {0: t("today"), 1: t("tomorrow"), -1: t("yesterday")}
    if day in named:
        return named[day]
    return (
        t("in {count} days").format(count=day) if day > 0 else t("{count} d ago").format(count=-day)
    )


def _ask_stop(turn: Turn, stored: StoredConsult, chosen: Chosen) -> Asking:
    return bold(turn.t("What ends it?")), _choices(turn, stored, "stop")


ASK: dict[str, Callable[[Turn, StoredConsult, Chosen], Asking]] = {
    "decided": _ask_decided,
    "why": _ask_why,
    "agreed": _ask_agreed,
    "safeguard": _ask_safeguards,
    "days": _ask_days,
    "start": _ask_start,
    "stop": _ask_stop,
}


def _chosen_of(expected: Expected) -> Chosen:
    return Chosen(dict(expected.args["chosen"]), expected.held)


def _chosen(turn: Turn, stored: StoredConsult) -> Chosen:
    expected = expecting.expected(turn.tx, turn.person.id)
    if expected is None or expected.kind != "plan" or expected.consult_id != stored.id:
        raise Gone
    return _chosen_of(expected)


def _pl(turn: Turn, data: Callback) -> None:
    """Take a tap of the plan; one that is not for what is asked now leads nowhere."""
    stored = _advised(turn, data)
    chosen = _chosen(turn, stored)
    name, value = data.arg(0), data.arg(1)
    take = TAKE.get(name)
    if take is None or chosen.stage not in TAPPED_AT[name]:
        raise Gone
    _stage(turn, stored, take(turn, stored, chosen, value))


def _take_decided(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
    if ALTERNATIVE.fullmatch(value) and int(value[3:]) in _alternatives(turn, stored):
        return chosen.having(decided="alternative", alternative=int(value[3:]))
    if value not in ("step", "other"):
        raise Gone
    return chosen.having(decided=value)


def _take_why(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
    return chosen.having(why="none")


def _take_code(kind: Kind) -> Take:
    """Return what takes one of the codes of a kind of choice."""

    def take(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
        if value not in followup().choices[kind]:
            raise Gone
        return chosen.having(**{kind: value})

    return take


def _take_mark(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
    if value not in followup().choices["safeguard"]:
        raise Gone
    marked = chosen.codes.get("marked", [])
    kept = [code for code in marked if code != value]
    return chosen.having(marked=kept if value in marked else [*marked, value])


def _take_marks(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
    return chosen.having(safeguard=chosen.codes.get("marked", []))


def _take_days(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
    days = review_days(value.replace("-", ","))
    if days is None or not _in_time(days, chosen):
        raise Gone
    return chosen.having(days=list(days))


def _in_time(days: Sequence[int], chosen: Chosen) -> bool:
    """Say whether the first review of a plan that starts on its day is still to come."""
    return bool(chosen.codes.get("start", 0) + days[0] > 0)


def _take_start(turn: Turn, stored: StoredConsult, chosen: Chosen, value: str) -> Chosen:
    if value == "pick":
        return chosen.having(picking=True)
    if value not in map(str, STARTS):
        raise Gone
    return chosen.having(start=int(value), picking=False)


TAKE: dict[str, Take] = {
    "decided": _take_decided,
    "why": _take_why,
    "agreed": _take_code("agreed"),
    "mark": _take_mark,
    "safeguard": _take_marks,
    "days": _take_days,
    "start": _take_start,
    "stop": _take_code("stop"),
}
TAPPED_AT: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ASK},
    "mark": ("safeguard",),
    "start": ("days", "start"),
}
"""Which buttons belong to what is asked."""


def typed(turn: Turn, expected: Expected, words: str) -> None:
    """Take typed days, a typed start, or the reason of a decision, while a plan is recorded."""
    if expected.consult_id is None:
        raise Gone
    stored = consults.load(turn.tx, expected.consult_id)
    authorize(turn.tx, turn.person, Action.CONSULT_ANSWER, stored)
    to_be_changed(turn, stored)
    chosen = _chosen_of(expected)
    read = READ.get(chosen.stage or "")
    took = read(turn, chosen, words) if read else turn.t("Please tap one of the choices.")
    if isinstance(took, str):
        turn.say(esc(took), consult=stored.id)
        return
    _stage(turn, stored, took)


def _read_why(turn: Turn, chosen: Chosen, words: str) -> Chosen | str:
    if len(words) > MOST_REASON:
        return turn.t("Please say it in {most} characters.").format(most=MOST_REASON)
    return replace(chosen.having(why="given"), reason=words.strip())


def _read_days(turn: Turn, chosen: Chosen, words: str) -> Chosen | str:
    days = review_days(words)
    if days is None:
        words = turn.t("Type up to six whole days from 1 to {most}, such as 30, 60, 90.")
        return words.format(most=MOST_DAYS)
    if not _in_time(days, chosen):
        return turn.t("Day {day} of this plan is over already. Type a later one.").format(
            day=days[0]
        )
    return chosen.having(days=list(days))


def _read_start(turn: Turn, chosen: Chosen, words: str) -> Chosen | str:
    day = start_day(words)
    if day is None:
        return turn.t("Type in how many days it starts, from 0 to {most}.").format(most=LATEST)
    return chosen.having(start=day, picking=False)


READ: dict[str, Callable[[Turn, Chosen, str], Chosen | str]] = {
    "why": _read_why,
    "days": _read_days,
    "start": _read_start,
}
"""What typed words mean where they are taken: the plan with them, or what is wrong with them."""


def is_code(expected: Expected, words: str) -> bool | None:
    """Say whether words are the days that are asked for; None where any words may be typed."""
    stage = _chosen_of(expected).stage
    if stage == "why":
        return None
    if stage == "start":
        return start_day(words) is not None
    return stage == "days" and review_days(words) is not None


def _finish(turn: Turn, stored: StoredConsult, chosen: Chosen) -> None:
    """Keep the plan, schedule its reviews, and show it."""
    expecting.forget(turn.tx, turn.person.id)
    scenario, codes = turn.scenario_of(stored.content_hash), chosen.codes
    choices = {
        "step": evaluate(dialog_of(stored).answers, scenario).step,
        "decided": codes["decided"],
        "alternative": codes.get("alternative"),
        "agreed": codes["agreed"],
        "safeguards": codes["safeguard"],
        "stop": codes["stop"],
        "days": codes["days"],
        "start_at": turn.tx.now + timedelta(days=codes.get("start", 0)),
        "reason": chosen.reason,
    }
    plan = plans.record_plan(turn.tx, stored, turn.person.id, choices)
    saved, _ = apply(turn, stored, Planned())
    reviews.schedule(turn, saved, plan)
    _record(
        turn,
        saved,
        "plan.record",
        {"revision": plan.revision, "decided": plan.decided, "agreed": plan.agreed},
    )
    turn.show(plan_view.plan_screen(turn, saved, plan), consult=saved.id, kind="plan")


# --- what belongs to every part ---------------------------------------------------------------


def _advised(turn: Turn, data: Callback) -> StoredConsult:
    """Return the case of a button that changes something and needs a summary to stand."""
    return to_be_changed(turn, turn.case(data.case))


def _record(turn: Turn, stored: StoredConsult, action: str, meta: Mapping[str, int | str]) -> None:
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id,
            action=action,
            object_type="consult",
            object_id=stored.id,
            consult_id=stored.id,
            meta=dict(meta),
        ),
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "dis": _dispose,
    "conf": _sure,
    "plan": _plan,
    "pl": _pl,
}
