"""The consult in the chat: buttons and typed words of one case, from the first question to the summary."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bot.callbacks import Callback, encode
from bot.cases import (
    apply,
    dialog_of,
    has_summary,
    open_case,
    remember_said,
    remember_saying,
    remember_typed,
    said_doses,
    typed_question,
)
from bot.language import Translate
from bot.screen import Button, Row, Screen, esc
from bot.screens import question as question_screens
from bot.screens import review, start, summary
from bot.turn import Gone, Turn
from dialogs import typed
from dialogs.content import Question, Scenario
from dialogs.doses import ESTIMATE_NOTE
from dialogs.dosing import DoseReading, read_dose
from dialogs.engine import asking, entries, marked
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
    Guessed,
    Marked,
    Note,
    Opened,
    Origin,
    Picked,
    ReadBack,
    Reviewed,
)
from dialogs.opioids import focused, live
from dialogs.phases import ADVISED, ENDED
from dialogs.phrases import worded
from dialogs.summary import summarise
from storage import consults, transcript
from storage.consults import StoredConsult

Said: TypeAlias = tuple[Mapping[str, Any], ...]
"""Entries of the dose question that a message said."""

SAFETY = "safety_now"
"""The red flags: the one question that cannot be skipped."""

LONG = 120
"""Characters from which typed words at a question are read as a case in words."""


# --- showing where we are -------------------------------------------------------------------


def screen_of(turn: Turn, stored: StoredConsult, said: str = "") -> Screen:
    """Return the screen that a stored consult is at."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    case, code, t = stored.short, code_of(turn, stored), turn.t
    fork = stored.hypothetical_of is not None
    match consult.phase:
        case "asking" | "confirming":
            return question_screens.question_screen(
                consult, scenario, t, case=case, code=stored.code, said=said, hypothetical=fork
            )
        case "reviewing":
            return review.review_screen(consult, scenario, t, case=case, code=code, said=said)
        case "stopped":
            return review.stopped_screen(consult, scenario, t, case=case, code=code)
        case "closed" | "cancelled":
            return ended_screen(turn, stored)
        case _:
            return _whole(turn, stored, said)


def _whole(turn: Turn, stored: StoredConsult, said: str = "") -> Screen:
    """Return the summary."""
    return summary.summary_screen(
        dialog_of(stored),
        turn.scenario_of(stored.content_hash),
        turn.t,
        case=stored.short,
        code=stored.code,
        said=said,
        hypothetical=stored.hypothetical_of is not None,
        extra=turn.summary_rows(stored),
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


def show_case(turn: Turn, stored: StoredConsult, said: str = "") -> None:
    """Make the case's present screen the chat's current one."""
    turn.show(screen_of(turn, stored, said), consult=stored.id, kind=f"case.{stored.phase}")


def return_to(turn: Turn, stored: StoredConsult) -> None:
    """Show a case again as it was left: what was read from words and waits, else its screen."""
    if not turn.still_offered(stored):
        show_case(turn, stored)


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
        "nothing marked": t("Tick at least one, or tap None, Not known or Skip."),
        "not possible": t("That is not possible here. Here is where we are."),
        "stopped": t("The questions are paused by a red flag."),
        "ended": t("This case has ended. You can open it again."),
        "too many entries": t("Five opioids are the most one case can hold."),
    }


# --- events -----------------------------------------------------------------------------------


def take(turn: Turn, stored: StoredConsult, event: Event, tapped: int | None = None) -> None:
    """Apply an event to a case and show where it leads."""
    before = dialog_of(stored)
    scenario = turn.scenario_of(stored.content_hash)
    saved, step = apply(turn, stored, event, tapped)
    if step.note:
        turn.tell(notes(turn)[step.note])
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
    stored = turn.case(data.case)
    question = _known_option(turn, stored, data)
    if question.kind != "dose":
        raise Gone
    take(turn, stored, Picked(question.id, data.arg(1)), data.turn)


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
    take(turn, turn.case(data.case), Confirmed(how), data.turn)  # type: ignore[arg-type]


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
            return summary.step_screen(told, t, case=case, code=code, rows=turn.step_rows(stored))
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
    screen = view_screen(turn, stored, data.arg(0), data.arg(1))
    if screen is None:
        return_to(turn, stored)
        return
    turn.show(screen, consult=stored.id, kind=f"view.{data.arg(0)}")


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


def typed_words(turn: Turn, stored: StoredConsult, words: str, said: Said = ()) -> bool:
    """Apply typed words to the question of a case; False when they mean nothing there.

    ``said`` are the entries of the dose question that the words said before they were edited.
    """
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    question = asking(consult, scenario)
    if question is None:
        return _word_elsewhere(turn, stored, words)
    if consult.phase == "confirming":
        name = typed.word(words)
        if name in ("yes", "no", "back"):
            answer(turn, stored, Confirmed() if name == "yes" else Declined())
            return True
    if question.kind == "dose" and _typed_dose(turn, stored, consult, words, said):
        return True
    match typed.meaning(words, question):
        case typed.Word(name):
            return _word_here(turn, stored, question, name)
        case typed.Exact(value):
            answer(turn, stored, _typed_answer(consult, question, value, said))
        case typed.Likely(value):
            answer(turn, stored, Guessed(question.id, _as_entries(question, value)))
        case typed.OutOfRange():
            turn.say(esc(range_words(question, turn.t)), consult=stored.id)
        case _:
            return False
    return True


def _as_entries(question: Question, value: object) -> object:
    return [{"drug": value}] if question.kind == "dose" else value


def _typed_answer(consult: Consult, question: Question, value: object, said: Said) -> Event:
    if question.kind == "dose" and (said or (value == "none" and live(entries(consult)))):
        return ReadBack(question.id, ({"drug": str(value)},), said)
    if question.kind == "dose":
        return Picked(question.id, str(value))
    if question.kind == "multi" and value != ["none"] and isinstance(value, list):
        merged = [*marked(consult, question), *value]
        order = [option.id for option in question.options]
        kept = sorted({v for v in merged if v != "none"}, key=order.index)
        return Answered(question.id, kept, "typed")
    return Answered(question.id, value, "typed")


def range_words(question: Question, t: Translate) -> str:
    """Return what a question takes that a number was typed at."""
    if question.kind != "number":
        return t("There is no choice with that number.")
    words = t("Please type a number from {low} to {high} ({unit}), or tap Not known.")
    low, high = (question_screens.plain_number(n) for n in (question.minimum, question.maximum))
    return words.format(low=low, high=high, unit=t(question.unit))


def answer(turn: Turn, stored: StoredConsult, event: Event) -> None:
    """Apply a typed answer: the old screen keeps question and answer, the next one is a new message."""
    before = dialog_of(stored)
    scenario = turn.scenario_of(stored.content_hash)
    question = asking(before, scenario)
    if question and turn.words_id is not None:
        stored = _remembered(remember_typed(stored, turn.words_id, question.id), event, turn)
    saved, step = apply(turn, stored, event)
    if step.note:
        turn.say(esc(notes(turn)[step.note]), consult=stored.id)
        return
    value = step.consult.answers.get(question.id) if question else None
    if question and question.id in step.consult.answers and step.changes:
        line = question_screens.last_answer(question, value, scenario, turn.t)
        turn.settle(f"{esc(question.prompt)}\n{line}", stored.id)
    show_case(turn, saved)


def _remembered(stored: StoredConsult, event: Event, turn: Turn) -> StoredConsult:
    """Return the consult with what the words say of the opioids, for when they are edited."""
    match event:
        case ReadBack() if turn.words_id is not None:
            return remember_saying(stored, turn.words_id)
        case Picked(_, drug) if turn.words_id is not None:
            return remember_said(stored, turn.words_id, ({"drug": drug},))
        case _:
            return stored


def _drug_meant(consult: Consult, said: Said) -> str | None:
    """Return the drug that a dose without a name is of: the one corrected, else the one in focus."""
    held = live(entries(consult))
    place = focused(consult.draft, held)
    corrected = said or (held[place : place + 1] if place is not None else ())
    return str(corrected[0]["drug"]) if len(corrected) == 1 else None


def _typed_dose(
    turn: Turn, stored: StoredConsult, consult: Consult, words: str, said: Said
) -> bool:
    """Read typed words as doses and read them back; False when there is no dose in them."""
    reading = read_dose(words, _drug_meant(consult, said))
    read = tuple(entry.dose.as_mapping() for entry in reading.entries)
    if not read or not any(len(entry) > 1 for entry in read):
        if reading.ask and any(character.isdigit() for character in words):
            _say_beside(turn, stored, reading)
            return True
        return False
    _say_beside(turn, stored, reading)
    answer(turn, stored, ReadBack("opioid", read, said))
    return True


def _say_beside(turn: Turn, stored: StoredConsult, reading: DoseReading) -> None:
    """Say what was left out and what is missing; the screen itself says that it is an estimate."""
    said = [note for note in (*reading.notes, *reading.ask) if note != ESTIMATE_NOTE]
    if said:
        turn.say("\n".join(esc(worded(each, turn.t)) for each in said), consult=stored.id)


def _word_here(turn: Turn, stored: StoredConsult, question: Question, name: str) -> bool:
    """Do what a word of the dialog means at a question."""
    match name:
        case "back":
            answer(turn, stored, Back())
        case "skip" if question.id != SAFETY:
            answer(turn, stored, Answered(question.id, None, "typed"))
        case "unknown" if question.allows_unknown:
            answer(turn, stored, Answered(question.id, "unk", "typed"))
        case "done" if question.kind in ("multi", "dose"):
            answer(turn, stored, Done(question.id))
        case "why":
            scenario = turn.scenario_of(stored.content_hash)
            turn.show(
                summary.why_screen(question.id, scenario, turn.t, case=stored.short),
                consult=stored.id,
                kind="view.why",
            )
        case _:
            return _word_elsewhere(turn, stored, name)
    return True


def unclear(turn: Turn, stored: StoredConsult, said: str = "") -> None:
    """Say that words were not understood at a question and how it is answered; show it again."""
    question = asking(dialog_of(stored), turn.scenario_of(stored.content_hash))
    if question is not None:
        told = [said or turn.t("I could not match that."), how(turn, stored, question)]
        turn.say(esc(" ".join(told)), consult=stored.id)
    show_case(turn, stored)


def how(turn: Turn, stored: StoredConsult, question: Question) -> str:
    """Return how a question is answered by typing."""
    t = turn.t
    if stored.phase == "confirming":
        return t("Please type yes or no, or tap.")
    named = t(question.unknown_label or "Not known")
    words = [
        t("back"),
        *([t("skip")] if question.id != SAFETY else []),
        *([named[:1].lower() + named[1:]] if question.allows_unknown else []),
        t("why"),
        t("help"),
    ]
    ways = {
        "number": range_words(question, t),
        "dose": t("Tap the medicine, or type it with its dose: {example}.").format(
            example=t("oxycodone 10 mg TID")
        ),
        "multi": t("Tick or type what applies, or its numbers; then Done."),
    }
    way = ways.get(question.kind, t("Tap a choice, type it or its number."))
    return f"{way} {t('Or type: {words}.').format(words=', '.join(words))}"


def help_with(turn: Turn, stored: StoredConsult) -> None:
    """Show what can be done here, with the way back to the case; words typed there name no case."""
    screen = start.help_screen(
        turn.t, case=stored.short, code=code_of(turn, stored), admin=turn.person.is_admin
    )
    turn.show(screen, kind="help")


def _word_elsewhere(turn: Turn, stored: StoredConsult, words: str) -> bool:
    """Do what a word of the dialog means outside a question."""
    match typed.word(words) or words:
        case "repeat" | "summary":
            show_case(turn, stored)
        case "back" if stored.phase == "reviewing":
            answer(turn, stored, Back())
        case "cancel":
            ask_to_stop(turn, stored)
        case "help":
            help_with(turn, stored)
        case "done" | "yes" if stored.phase == "reviewing":
            answer(turn, stored, Asked())
        case _:
            return False
    return True


# --- correcting an answer by editing one's own message ----------------------------------------


def edited(turn: Turn, message_id: int, words: str) -> None:
    """Apply an edited message to the question that it answered."""
    found = consults.list_for(turn.tx, turn.person.id, per_page=50).consults
    stored = next((s for s in found if typed_question(s, message_id)), None)
    if stored is None:
        turn.say(
            esc(turn.t("Only answers you typed can be corrected by editing. Tap to change others."))
        )
        return
    if stored.phase in ENDED:
        words = turn.t("Case {code} has ended; nothing was changed. Open it again to change it.")
        turn.say(esc(words.format(code=code_of(turn, stored))), consult=stored.id)
        return
    question = typed_question(stored, message_id) or ""
    origin: Origin = "review" if stored.phase == "reviewing" else "path"
    opened, step = apply(
        turn, stored, Opened(question, "summary" if stored.phase in ADVISED else origin)
    )
    said = said_doses(stored, message_id)
    if step.note or not typed_words(turn, opened, words, said):
        turn.say(esc(turn.t("I could not match the edited words. Nothing was changed.")))
        show_case(turn, opened)


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
