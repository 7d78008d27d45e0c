"""Typed words at one case: answers, doses, words of the dialog, and corrections of one's own messages."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from bot import unfinished
from bot.cases import (
    apply,
    dialog_of,
    keep,
    remember_said,
    remember_saying,
    remember_typed,
    said_doses,
    typed_question,
)
from bot.dialog import SAFETY, ask_to_stop, code_of, help_with, refusal, return_to, show_case
from bot.language import Translate
from bot.screen import esc
from bot.screens import question as question_screens
from bot.screens import summary
from bot.turn import Turn
from dialogs import typed
from dialogs.content import Question, Scenario
from dialogs.doses import BUPRENORPHINE_NOTE, ESTIMATE_NOTE
from dialogs.dosing import DoseReading
from dialogs.engine import advance, asking, entries, marked
from dialogs.model import (
    Answered,
    Asked,
    Back,
    Confirmed,
    Consult,
    Declined,
    Done,
    Event,
    Guessed,
    Opened,
    Origin,
    Picked,
    ReadBack,
    Step,
)
from dialogs.opioids import focused, live
from dialogs.phases import ADVISED, ENDED
from dialogs.phrases import worded
from storage import consults
from storage.consults import StoredConsult

Said: TypeAlias = tuple[Mapping[str, Any], ...]
"""Entries of the dose question that a message said."""


def typed_words(turn: Turn, stored: StoredConsult, words: str, said: Said = ()) -> bool:
    """Apply typed words to the question of a case; False when they mean nothing there.

    ``said`` are the entries of the dose question that the words said before they were edited.
    """
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    question = asking(consult, scenario)
    if question is None:
        return _word_elsewhere(turn, stored, words)
    name = typed.word(words)
    if consult.phase == "confirming" and name in ("yes", "no", "back"):
        right = unfinished.confirmed(consult) or Confirmed()
        answer(turn, stored, right if name == "yes" else Declined())
        return True
    if name not in (None, "yes", "no") and not _is_option(words, question):
        return _word_here(turn, stored, question, str(name))
    if question.kind == "dose" and _typed_dose(turn, stored, question, words, said):
        return True
    return _typed_option(turn, stored, question, words, said)


def _is_option(words: str, question: Question) -> bool:
    """Say whether words are an option as it is written; words of the dialog go before synonyms."""
    written = (name for o in question.options for name in (o.label, o.button, o.id))
    return typed.plain(words) in set(map(typed.plain, written))


def _typed_option(
    turn: Turn, stored: StoredConsult, question: Question, words: str, said: Said
) -> bool:
    """Take the answer that words are, or read back the one that they may be."""
    consult = dialog_of(stored)
    match typed.meaning(words, question):
        case typed.Exact(value) if _is_sure(consult, question, value):
            answer(turn, stored, _typed_answer(consult, question, value, said))
        case typed.Exact(value) | typed.Likely(value):
            answer(turn, stored, _asked_back(consult, question, value))
        case typed.OutOfRange():
            turn.say(esc(range_words(question, turn.t)), consult=stored.id)
        case _:
            return False
    return True


def _is_sure(consult: Consult, question: Question, value: object) -> bool:
    """Say whether an exact answer is taken at once: not where another one is being read back."""
    unclear = question.kind == "dose" and value == "none" and bool(consult.draft.said)
    return consult.phase == "asking" and not unclear


def _asked_back(consult: Consult, question: Question, value: object) -> Event:
    if question.kind == "dose" and consult.draft.reading:
        return ReadBack(question.id, ({"drug": str(value)},))
    return Guessed(question.id, _as_entries(question, value))


def _as_entries(question: Question, value: object) -> object:
    return [{"drug": value}] if question.kind == "dose" else value


def _typed_answer(consult: Consult, question: Question, value: object, said: Said) -> Event:
    if question.kind == "dose" and (said or (value == "none" and live(entries(consult)))):
        return ReadBack(question.id, ({"drug": str(value)},), said)
    if question.kind == "dose":
        whole = unfinished.with_drug(consult.draft.said, question.id, str(value))
        return whole or Picked(question.id, str(value))
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
        turn.say(esc(refusal(turn, step.note, question)), consult=stored.id)
        return
    value = step.consult.answers.get(question.id) if question else None
    if question and question.id in step.consult.answers and _answers(event, step, scenario):
        line = question_screens.last_answer(question, value, scenario, turn.t)
        turn.settle(f"{esc(question.prompt)}\n{line}", stored.id)
    show_case(turn, saved)


def _answers(event: Event, step: Step, scenario: Scenario) -> bool:
    """Say whether an event answered its question, be it as before."""
    given = isinstance(event, Answered | Picked | Done | Confirmed)
    return bool(step.changes) or (
        given and step.consult.phase != "confirming" and _left(event, step, scenario)
    )


def _left(event: Event, step: Step, scenario: Scenario) -> bool:
    """Say whether the question of an event is not asked any more."""
    after = asking(step.consult, scenario)
    return after is None or after.id != getattr(event, "question", "opioid")


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
    """Return the drug that a dose without a name is of: the one read or corrected, or in focus."""
    held = live(entries(consult))
    place = focused(consult.draft, held)
    read = consult.draft.reading if consult.phase == "confirming" else ()
    meant = said or live(read) or (held[place : place + 1] if place is not None else ())
    return str(meant[0]["drug"]) if len(meant) == 1 else None


def _typed_dose(
    turn: Turn, stored: StoredConsult, question: Question, words: str, said: Said
) -> bool:
    """Read typed words as doses and read them back; False when there is no dose in them.

    Words about which something must be asked are kept, and joined with the answer.
    """
    consult = dialog_of(stored)
    kept = consult.draft.said
    text, reading = unfinished.read(words, kept, _drug_meant(consult, said))
    read = tuple(entry.dose.as_mapping() for entry in reading.entries)
    waits = text if reading.ask else ""
    if any(len(entry) > 1 for entry in read):
        _say_beside(turn, stored, reading)
        answer(turn, _keep_said(turn, stored, waits), ReadBack("opioid", read, said))
        return True
    joined = bool(kept) and text != words
    digits = any(character.isdigit() for character in words)
    option = isinstance(typed.meaning(words, question), typed.Exact | typed.Likely)
    if option and not digits and not read:
        return False
    if (reading.ask and (digits or joined)) or (not reading.ask and not read and reading.notes):
        _say_beside(turn, stored, reading)
        show_case(turn, _keep_said(turn, stored, waits))
        return True
    return False


def _keep_said(turn: Turn, stored: StoredConsult, words: str) -> StoredConsult:
    """Keep words of a dose, encrypted with the case, until what was asked about them is answered."""
    consult, scenario = dialog_of(stored), turn.scenario_of(stored.content_hash)
    if consult.draft.said == words:
        return stored
    draft = replace(consult.draft, said=words[: unfinished.MOST])
    return keep(turn, stored, Step(replace(consult, draft=draft)), scenario)


def _say_beside(turn: Turn, stored: StoredConsult, reading: DoseReading) -> None:
    """Say what was left out and what is missing, but not what the screen itself says."""
    on_screen = (ESTIMATE_NOTE, *((BUPRENORPHINE_NOTE,) if reading.entries else ()))
    said = [note for note in (*reading.notes, *reading.ask) if note not in on_screen]
    if said:
        turn.say("\n".join(esc(worded(each, turn.t)) for each in said), consult=stored.id)


def _word_here(turn: Turn, stored: StoredConsult, question: Question, name: str) -> bool:
    """Do what a word of the dialog means at a question; say why where it means nothing."""
    refused = _refused(stored, question, name, turn.t)
    if refused is not None:
        unclear(turn, stored, refused)
        return True
    match name:
        case "back":
            answer(turn, stored, Back())
        case "skip":
            answer(turn, stored, Answered(question.id, None, "typed"))
        case "unknown":
            answer(turn, stored, Answered(question.id, "unk", "typed"))
        case "done":
            answer(turn, stored, Done(question.id))
        case "why":
            scenario = turn.scenario_of(stored.content_hash)
            why = summary.why_screen(question.id, scenario, turn.t, case=stored.short)
            turn.show(why, consult=stored.id, kind="view.why")
        case _:
            return _word_elsewhere(turn, stored, name)
    return True


def _refused(stored: StoredConsult, question: Question, name: str, t: Translate) -> str | None:
    """Return why a word of the dialog does nothing at a question, or None."""
    if stored.phase == "confirming" and name in ("skip", "unknown", "done"):
        return t("Something was read back and waits for a yes or no.")
    match name:
        case "skip" if question.id == SAFETY:
            return t("This question cannot be skipped: it is about red flags.")
        case "unknown" if not question.allows_unknown:
            return t("This question has no “not known”.")
        case "done" if question.kind not in ("multi", "dose"):
            return t("There is nothing to be done here with “done”: one choice is the answer.")
        case _:
            return None


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
    event, said = _opened(stored, message_id), said_doses(stored, message_id)
    if not _fits(turn, stored, event, words, said):
        turn.say(esc(turn.t("I could not match the edited words. Nothing was changed.")))
        return_to(turn, stored)
        return
    opened, _ = apply(turn, stored, event)
    typed_words(turn, opened, words, said)


def _opened(stored: StoredConsult, message_id: int) -> Opened:
    """Return that the question of a message is opened, and where its answer leads back to."""
    origin: Origin = "review" if stored.phase == "reviewing" else "path"
    advised = stored.phase in ADVISED
    return Opened(typed_question(stored, message_id) or "", "summary" if advised else origin)


def _fits(turn: Turn, stored: StoredConsult, event: Opened, words: str, said: Said) -> bool:
    """Say whether edited words answer the question of their message, before anything is changed."""
    scenario = turn.scenario_of(stored.content_hash)
    step = advance(dialog_of(stored), event, scenario)
    question = asking(step.consult, scenario)
    if step.note or question is None:
        return False
    name = typed.word(words)
    if name not in (None, "yes", "no") and not _is_option(words, question):
        known = name == "unknown" and question.allows_unknown
        return known or (name == "skip" and question.id != SAFETY)
    if question.kind == "dose":
        _, reading = unfinished.read(words, "", _drug_meant(step.consult, said))
        if any(len(entry.dose.as_mapping()) > 1 for entry in reading.entries):
            return True
    return isinstance(typed.meaning(words, question), typed.Exact | typed.Likely)
