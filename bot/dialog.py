"""The consult in the chat: buttons and typed words of one case, from the first question to the summary."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bot import unfinished
from bot.callbacks import Callback, encode
from bot.cases import (
    apply,
    asked_now,
    dialog_of,
    has_summary,
    open_case,
)
from bot.language import Translate
from bot.screen import Button, Row, Screen, esc, lines
from bot.screens import question as question_screens
from bot.screens import review, start, summary
from bot.screens.consent import with_consent
from bot.turn import Gone, Turn
from dialogs.content import Question, Scenario
from dialogs.engine import asking
from dialogs.model import (
    Answered,
    Asked,
    Back,
    Confirmed,
    Consult,
    Continued,
    Declined,
    Done,
    Doses,
    Event,
    Marked,
    Note,
    Opened,
    Picked,
    Reviewed,
)
from dialogs.phases import ENDED
from dialogs.summary import PromptView, summarise
from storage import consults, transcript
from storage.consults import StoredConsult

Said: TypeAlias = tuple[Mapping[str, Any], ...]
"""Entries of the dose question that a message said."""

SAFETY = "safety_now"
"""The red flags: the one question that cannot be skipped."""

LONG = 120
"""Characters from which typed words at a question are read as a case in words."""


# --- showing where we are -------------------------------------------------------------------


def screen_of(
    turn: Turn, stored: StoredConsult, said: str = "", disagree: tuple[PromptView, ...] = ()
) -> Screen:
    """Return the screen that a stored consult is at; ``disagree`` are answers that disagree."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    case, code, t = stored.short, code_of(turn, stored), turn.t
    fork = stored.hypothetical_of is not None
    match consult.phase:
        case "asking" | "confirming":
            return question_screens.question_screen(
                consult, scenario, t, case=case, code=stored.code, said=said, hypothetical=fork
            )
        case "reviewing":
            return review.review_screen(
                consult, scenario, t, case=case, code=code, said=said, asking=disagree
            )
        case "stopped":
            return review.stopped_screen(consult, scenario, t, case=case, code=code)
        case "closed" | "cancelled":
            return ended_screen(turn, stored)
        case _:
            return _whole(turn, stored, said, disagree)


def _whole(
    turn: Turn, stored: StoredConsult, said: str = "", disagree: tuple[PromptView, ...] = ()
) -> Screen:
    """Return the summary; ``disagree`` are answers that are asked about."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    asked = review.disagreeing_rows(disagree, consult, scenario, turn.t, case=stored.short)
    return summary.summary_screen(
        consult,
        scenario,
        turn.t,
        case=stored.short,
        code=stored.code,
        said=lines(said, review.disagreeing(disagree)),
        hypothetical=stored.hypothetical_of is not None,
        extra=(*asked, *turn.summary_rows(stored)),
    )


def code_of(turn: Turn, stored: StoredConsult) -> str:
    """Return a case's code as a heading shows it; a what-if case says so everywhere."""
    if stored.hypothetical_of is None:
        return stored.code
    return turn.t("{code} (what-if)").format(code=stored.code)


def ended_screen(turn: Turn, stored: StoredConsult) -> Screen:
    return review.ended_screen(
        turn.t,
        case=stored.short,
        code=code_of(turn, stored),
        cancelled=stored.phase == "cancelled",
        rows=_to_read(turn, stored) if has_summary(turn, stored) else (),
    )


def sure_screen(turn: Turn, stored: StoredConsult, what: str) -> Screen:
    """Return the question before a case is closed or stopped; a what-if case is handed to nobody."""
    return review.sure_screen(
        turn.t,
        case=stored.short,
        code=code_of(turn, stored),
        what=what,
        real=stored.hypothetical_of is None,
    )


def _to_read(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that lead to what can be read of an ended case."""
    whole = Button(turn.t("The summary"), encode("v", stored.short, "home"))
    step = Button(turn.t("The step in full"), encode("v", stored.short, "step"))
    return ((whole, step), *turn.summary_rows(stored))


READS = ("v", "go", "plan", "msg", "note", "ics", "rec", "shr", "op", "cmp", "today", "lines")
"""What buttons of an ended case may do."""


def to_read(screen: Screen, t: Translate, case: str) -> Screen:
    """Return a screen of an ended case without the buttons that would change something."""
    kept = (
        tuple(b for b in row if not b.data or b.data.split("|")[1] in READS) for row in screen.rows
    )
    back = Button(t("‹ The case"), encode("go", case))
    return Screen(screen.text, (*(row for row in kept if row), (back,)))


def show_case(turn: Turn, stored: StoredConsult, said: str = "", *, anew: bool = True) -> None:
    """Make the case's present screen the chat's current one; ``anew`` after something was done."""
    disagree = asked_now(stored, turn.scenario_of(stored.content_hash)) if anew else ()
    screen = screen_of(turn, stored, said, disagree)
    turn.show(screen, consult=stored.id, kind=f"case.{stored.phase}")


def return_to(turn: Turn, stored: StoredConsult) -> None:
    """Show a case again as it was left: what was read from words and waits, else its screen."""
    if not turn.still_offered(stored):
        show_case(turn, stored, anew=False)


def ask_again(turn: Turn, stored: StoredConsult) -> None:
    """Show a case whose question was not on the screen; words typed before are no answer to it."""
    words = turn.t(
        "That was not taken as an answer: the question was not on the screen. Here is case {code}."
    )
    turn.say(esc(words.format(code=code_of(turn, stored))), consult=stored.id)
    return_to(turn, stored)


def notes(turn: Turn) -> dict[Note, str]:
    """Return what is said when an event was refused."""
    t = turn.t
    return {
        "stale": t("That button is from an earlier screen. Here is where we are."),
        "first question": t("This is the first question."),
        "nothing marked": t("Tick at least one."),
        "not possible": t("That is not possible here. Here is where we are."),
        "stopped": t("The questions are paused by a red flag."),
        "ended": t("This case has ended. You can open it again."),
        "too many entries": t("Five opioids are the most one case can hold."),
    }


def refusal(turn: Turn, note: Note, question: Question | None) -> str:
    """Return what is said when an event was refused at a question."""
    if note != "nothing marked" or question is None:
        return notes(turn)[note]
    t = turn.t
    none = next((option.button for option in question.options if option.id == "none"), "")
    unknown = t(question.unknown_label or "Not known") if question.allows_unknown else ""
    ways = ", ".join(
        way for way in (none, unknown, "" if question.id == SAFETY else t("Skip")) if way
    )
    if question.kind == "dose":
        return t("No medicine is chosen yet. Tap one, or: {ways}.").format(ways=ways)
    return t("Tick at least one, or tap: {ways}.").format(ways=ways)


# --- events -----------------------------------------------------------------------------------


def take(turn: Turn, stored: StoredConsult, event: Event, tapped: int | None = None) -> None:
    """Apply an event to a case and show where it leads."""
    before = dialog_of(stored)
    scenario = turn.scenario_of(stored.content_hash)
    saved, step = apply(turn, stored, event, tapped)
    if step.note:
        turn.tell(refusal(turn, step.note, asking(before, scenario)))
        if step.note in ("stale", "not possible", "stopped", "ended"):
            show_case(turn, saved)
        return
    said = said_of(turn, before, step.consult, scenario)
    show_case(turn, saved, said)


def said_of(turn: Turn, before: Consult, after: Consult, scenario: Scenario) -> str:
    """Return the line that echoes the answer just given, so that the chat reads on its own."""
    question = asking(before, scenario)
    if question is None or after.phase == "confirming" or question.id not in after.answers:
        return ""
    if after.answers is before.answers or asking(after, scenario) == question:
        return ""
    value = after.answers[question.id]
    return question_screens.last_answer(question, value, scenario, turn.t)


def _question_event(
    make: Callable[[str], Event], may: Callable[[Question], bool]
) -> Callable[[Turn, Callback], None]:
    """Return what answers a button of a question; ``may`` refuses a forged one."""

    def route(turn: Turn, data: Callback) -> None:
        stored = turn.case(data.case)
        known = {q.id: q for q in turn.scenario_of(stored.content_hash).questions}
        question = known.get(data.arg(0))
        if question is None or not may(question):
            raise Gone
        take(turn, stored, make(question.id), data.turn)

    return route


def _choose(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    question = _known_option(turn, stored, data)
    if question.kind not in ("choice", "multi"):
        raise Gone
    value = [data.arg(1)] if question.kind == "multi" else data.arg(1)
    take(turn, stored, Answered(question.id, value), data.turn)


def _known_option(turn: Turn, stored: StoredConsult, data: Callback) -> Question:
    """Return the question of a forged or true button, or raise Gone."""
    scenario = turn.scenario_of(stored.content_hash)
    known = {question.id: question for question in scenario.questions}
    question = known.get(data.arg(0))
    if question is None or data.arg(1) not in question.by_id:
        raise Gone
    return question


def _mark(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    question = _known_option(turn, stored, data)
    if question.kind != "multi" or data.arg(1) == "none":
        raise Gone
    take(turn, stored, Marked(question.id, data.arg(1), data.arg(2) == "1"), data.turn)


def _pick(turn: Turn, data: Callback) -> None:
    """Take a medicine; where a dose without one was typed before, both are read back."""
    stored = turn.case(data.case)
    question = _known_option(turn, stored, data)
    if question.kind != "dose":
        raise Gone
    event = unfinished.with_drug(dialog_of(stored).draft.said, question.id, data.arg(1))
    take(turn, stored, event or Picked(question.id, data.arg(1)), data.turn)


def _dose(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    act, place = data.arg(0), data.arg(1)
    if not place.isdigit() or act not in ("focus", "another", "drop"):
        raise Gone
    take(turn, stored, Doses("opioid", act, int(place)), data.turn)  # type: ignore[arg-type]


def _keep(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    consult = dialog_of(stored)
    name = data.arg(0)
    if name not in consult.answers and name not in consult.previous:
        raise Gone
    value = consult.answers.get(name, consult.previous.get(name))
    take(turn, stored, Answered(name, value), data.turn)


ORIGINS = {"p": "path", "r": "review", "s": "summary"}


def _open(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case)
    origin = ORIGINS.get(data.arg(1), "path")
    take(turn, stored, Opened(data.arg(0), origin), data.turn)  # type: ignore[arg-type]


def _event(event: Event) -> Callable[[Turn, Callback], None]:
    def route(turn: Turn, data: Callback) -> None:
        take(turn, turn.case(data.case), event, data.turn)

    return route


def _confirm(turn: Turn, data: Callback) -> None:
    how = data.arg(0)
    if how not in ("", "add", "instead"):
        raise Gone
    stored = turn.case(data.case)
    event = unfinished.confirmed(dialog_of(stored)) or Confirmed(how)  # type: ignore[arg-type]
    take(turn, stored, event, data.turn)


# --- pages that change nothing ----------------------------------------------------------------


def view_screen(turn: Turn, stored: StoredConsult, name: str, arg: str) -> Screen | None:
    """Return a page of the case that only reads, or None where there is no such page now."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    case, code, t = stored.short, code_of(turn, stored), turn.t
    page = int(arg) if arg.isdigit() else 0
    if name == "why" and arg in {question.id for question in scenario.questions}:
        return summary.why_screen(arg, scenario, t, case=case)
    if name == "facts" and consult.phase == "stopped":
        return review.facts_screen(t, case=case, code=code)
    if not has_summary(turn, stored):
        return None
    if consult.phase in ENDED:
        found = _page_of(turn, stored, name, page) or _whole(turn, stored)
        return to_read(found, t, case)
    return _page_of(turn, stored, name, page)


def _page_of(turn: Turn, stored: StoredConsult, name: str, page: int) -> Screen | None:
    """Return a page behind the summary, or None for what is none."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    case, code, t = stored.short, code_of(turn, stored), turn.t
    told = summarise(consult.answers, scenario, t, consult.previous)
    match name:
        case "step":
            full = summary.step_screen(told, t, case=case, code=code, rows=turn.step_rows(stored))
            return with_consent(full, consult, scenario, t, case=case)
        case "all":
            return summary.details_screen(told, t, case=case, code=code, page=page)
        case "gaps":
            return summary.gaps_screen(told, consult, t, case=case, code=code, page=page)
        case "depends":
            return summary.depends_screen(consult, scenario, t, case=case, code=code, page=page)
        case _:
            return None


def _view(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case, "consult.read")
    if not show_view(turn, stored, data.arg(0), data.arg(1)):
        return_to(turn, stored)


def show_view(turn: Turn, stored: StoredConsult, name: str, arg: str = "") -> bool:
    """Show a page of a case, and say whether there is one now."""
    screen = view_screen(turn, stored, name, arg)
    if screen is not None:
        turn.show(screen, consult=stored.id, kind=f"view.{name}")
    return screen is not None


def _go(turn: Turn, data: Callback) -> None:
    return_to(turn, turn.case(data.case, "consult.read"))


def _ask_first(turn: Turn, data: Callback) -> None:
    """Ask before a case is closed or cancelled."""
    stored = turn.case(data.case)
    turn.show(
        sure_screen(turn, stored, data.arg(0)),
        consult=stored.id,
        kind="sure",
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "a": _choose,
    "m": _mark,
    "d": _question_event(Done, lambda question: question.kind in ("multi", "dose")),
    "u": _question_event(lambda q: Answered(q, "unk"), lambda question: question.allows_unknown),
    "s": _question_event(lambda q: Answered(q, None), lambda question: question.id != SAFETY),
    "pick": _pick,
    "dose": _dose,
    "keep": _keep,
    "o": _open,
    "b": _event(Back()),
    "yes": _confirm,
    "no": _event(Declined()),
    "f": _event(Asked()),
    "rev": _event(Reviewed()),
    "more": _event(Continued()),
    "ask": _ask_first,
    "v": _view,
    "go": _go,
}


# --- typed words ------------------------------------------------------------------------------


def current_case(turn: Turn) -> StoredConsult | None:
    """Return the case whose screen stands in the chat, if it is the person's and not ended."""
    screen = transcript.screen_of(turn.tx, turn.chat_id)
    if screen is None or screen.consult_id is None:
        return None
    found = consults.load(turn.tx, screen.consult_id)
    mine = found.owner_id == turn.person.id and found.erased_at is None
    if not mine or found.phase in ENDED:
        return None
    return found


def asked_cases(turn: Turn) -> list[StoredConsult]:
    """Return the person's cases that are waiting for an answer, newest first."""
    found = consults.list_for(turn.tx, turn.person.id, per_page=20).consults
    return [stored for stored in found if stored.phase in ("asking", "confirming")]


def help_with(turn: Turn, stored: StoredConsult) -> None:
    """Show what can be done here, with the way back to the case; words typed there name no case."""
    screen = start.help_screen(
        turn.t, case=stored.short, code=code_of(turn, stored), admin=turn.person.is_admin
    )
    turn.show(screen, kind="help")


# --- commands ---------------------------------------------------------------------------------


def new_case(turn: Turn, data: Callback | None = None) -> None:
    """Begin a case; whoever has no role yet is asked for it first."""
    if turn.person.role is None:
        turn.show(start.role_screen(turn.scenario, turn.t), kind="role")
        return
    stored = open_case(turn)
    show_case(turn, stored)


def resume(turn: Turn) -> None:
    """Show the newest case that has not ended, at the exact question."""
    live = [
        stored
        for stored in consults.list_for(turn.tx, turn.person.id, per_page=20).consults
        if stored.phase not in ENDED
    ]
    if not live:
        turn.show(start.cases_screen((), turn.t), kind="cases")
        return
    return_to(turn, live[0])


def cancel(turn: Turn) -> None:
    ask_to_stop(turn, current_case(turn))


def ask_to_stop(turn: Turn, stored: StoredConsult | None) -> None:
    """Ask before a case is stopped, where there is one."""
    if stored is None:
        turn.show(start.ready_screen(turn.t, turn.scenario), kind="ready")
        turn.say(esc(turn.t("No case is open here.")))
        return
    turn.show(sure_screen(turn, stored, "cancel"), consult=stored.id, kind="sure")


def summary_again(turn: Turn) -> None:
    stored = current_case(turn)
    if stored is None:
        resume(turn)
        return
    return_to(turn, stored)
