"""Clarifying questions: a reader picks one of the scenario's own; the asker gets that very question."""

from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from bot.callbacks import Callback, encode
from bot.cases import apply
from bot.dialog import notes, show_case
from bot.language import Translate, translator
from bot.opinions import back_rows, notify
from bot.screen import Button, Row, Screen, bold, clipped, esc, laid_out, lines, paragraphs
from bot.screens.opinions import Wording
from bot.turn import Gone, Turn
from dialogs.clarifying import open_questions
from dialogs.content import Question, Scenario
from dialogs.model import Answered, Opened
from storage import clarifying, people, rounds, shares
from storage.access import Action
from storage.clarifying import Clarification
from storage.consults import StoredConsult
from storage.errors import Conflict

MOST_OFFERED = 20
SETTLED = "settled"


def _published(turn: Turn, stored: StoredConsult) -> shares.Publication:
    found = shares.published(turn.tx, stored.id)
    if found is None:
        raise Gone
    return found


# --- asking -------------------------------------------------------------------------------------


def _pick(turn: Turn, data: Callback) -> None:
    """Offer the questions without an answer; a tap puts one to the asker."""
    stored = turn.case(data.case, Action.SHARED_RESPOND)
    if data.arg(0):
        _put(turn, stored, data.arg(0))
    _offer(turn, stored)


def _offer(turn: Turn, stored: StoredConsult) -> None:
    t, shown = turn.t, _published(turn, stored)
    scenario = turn.scenario_of(shown.content_hash)
    found = open_questions(shown.answers, scenario)[:MOST_OFFERED]
    waiting = {each.question for each in _waiting(turn, stored)}
    listed = [
        f"{place}. {bold(scenario.question(each.id).short)}: {esc(scenario.question(each.id).prompt)}"
        f" <i>({esc(t('waits for the asker') if each.id in waiting else t(each.missing))})</i>"
        for place, each in enumerate(found, 1)
    ]
    body = paragraphs(
        bold(t("Case {code} · ask the asker").format(code=stored.code)),
        esc(
            t(
                "The asker gets the question you tap, from “{role}”. The answer goes into the case, "
                "for everybody."
            ).format(role=Wording(scenario, t).role(turn.person.role or ""))
        )
        if found
        else esc(t("Every question of the scenario that applies has an answer.")),
        "\n".join(listed),
    )
    buttons = [
        Button(str(place), encode("cla", stored.short, each.id))
        for place, each in enumerate(found, 1)
        if each.id not in waiting
    ]
    rows = (*laid_out(buttons, 5), *back_rows(turn, stored))
    turn.show(Screen(body, rows), consult=stored.id, kind="clarify")


def _waiting(turn: Turn, stored: StoredConsult) -> list[Clarification]:
    found = clarifying.of_case(turn.tx, stored.id)
    return [each for each in found if each.settled_at is None]


def _put(turn: Turn, stored: StoredConsult, name: str) -> None:
    """Put a question to the asker, once; one that was answered or asked meanwhile is not."""
    shown = _published(turn, stored)
    scenario = turn.scenario_of(shown.content_hash)
    if name not in {each.id for each in open_questions(shown.answers, scenario)}:
        turn.tell(turn.t("That question has an answer now."))
        return
    try:
        made = clarifying.ask(turn.tx, stored, turn.person, name)
    except Conflict:
        turn.tell(turn.t("Somebody asked that already; the asker has not answered yet."))
        return
    asker = people.get(turn.tx, stored.owner_id)
    notify(
        turn.tx,
        asker,
        question_screen(stored, made, scenario, translator(asker.language)),
        turn.deliver,
    )
    turn.tell(turn.t("Asked. You are told when it is answered."))


# --- answering ----------------------------------------------------------------------------------


def question_screen(
    stored: StoredConsult, asked: Clarification, scenario: Scenario, t: Translate
) -> Screen:
    """Return the question as its asker gets it: choices as buttons, anything else behind one."""
    question = scenario.question(asked.question)
    who = t("Case {code}: a question from “{role}”").format(
        code=stored.code, role=Wording(scenario, t).role(asked.role)
    )
    choices = [
        Button(clipped(option.button, 40), encode("clq", stored.short, question.id, "a", option.id))
        for option in (question.options if question.kind == "choice" else ())
    ]
    body = paragraphs(
        bold(who),
        lines(bold(question.prompt), *_in_full(question)),
        esc(t("Your answer goes into the case, for everybody it is open to.")),
    )
    return Screen(body, (*laid_out(choices), *_last(stored, question, t)))


def _in_full(question: Question) -> tuple[str, ...]:
    """Return the options whose button is shorter than they are."""
    if question.kind != "choice" or all(o.button == o.label for o in question.options):
        return ()
    return tuple(f"• {esc(option.label)}" for option in question.options)


def _last(stored: StoredConsult, question: Question, t: Translate) -> tuple[Row, ...]:
    case, name = stored.short, question.id
    open_it = (Button(t("Answer it"), encode("clq", case, name)),)
    unknown = (
        (Button(t(question.unknown_label or "Not known"), encode("clq", case, name, "a", "unk")),)
        if question.allows_unknown
        else ()
    )
    leave = (Button(t("Leave it open"), encode("clq", case, name, "left")),)
    return (() if question.kind == "choice" else open_it, (*unknown, *leave))


def _answer(turn: Turn, data: Callback) -> None:
    """Answer a button under a clarifying question in the asker's chat."""
    stored = turn.case(data.case)
    name, act = data.arg(0), data.arg(1)
    asked = clarifying.pending(turn.tx, stored.id, name)
    if asked is None:
        turn.tell(turn.t("That question was settled already."))
        show_case(turn, stored)
    elif act == "left":
        clarifying.settle(turn.tx, asked, turn.person.id, "left")
        _tell(turn, stored, asked, turn.deliver)
        turn.tell(turn.t("Left open. Whoever asked is told."))
        show_case(turn, stored)
    else:
        _open(turn, stored, name, data.arg(2) if act == "a" else "")


def _open(turn: Turn, stored: StoredConsult, name: str, value: str) -> None:
    """Open the question as a screen of the case; a choice that was tapped answers it at once."""
    question = turn.scenario_of(stored.content_hash).question(name)
    opened, step = apply(turn, stored, Opened(name, "summary"))
    known = value in question.by_id or (value == "unk" and question.allows_unknown)
    if not step.note and known:
        opened, step = apply(turn, opened, Answered(name, value, "clarifying"))
    if step.note:
        turn.tell(notes(turn)[step.note])
    show_case(turn, opened)


# --- answered -----------------------------------------------------------------------------------


def waited_for(turn: Turn, stored: StoredConsult) -> frozenset[str]:
    """Return the questions of a case that somebody put to its asker and that wait."""
    return frozenset(each.question for each in _waiting(turn, stored))


def answered(turn: Turn, saved: StoredConsult, names: Collection[str]) -> None:
    """Settle the clarifying questions that have an answer now, and let everybody see the answers.

    Only these answers are published: what else the asker changed stays theirs until they checked it.
    """
    given = {name for name in names if saved.answers.get(name) is not None}
    settled = [asked for asked in _waiting(turn, saved) if asked.question in given]
    for asked in settled:
        clarifying.settle(turn.tx, asked, turn.person.id, "answered")
        _tell(turn, saved, asked, turn.deliver)
    if given:
        _publish(turn, saved, given)
        _tell_givers(turn, saved, {asked.asked_by for asked in settled})


def _publish(turn: Turn, saved: StoredConsult, names: Collection[str]) -> None:
    shown = shares.published(turn.tx, saved.id)
    if shown is not None:
        answers = {**shown.answers, **{name: saved.answers[name] for name in names}}
        shares.publish(turn.tx, replace(saved, answers=answers), turn.person.id)


def _tell(turn: Turn, stored: StoredConsult, asked: Clarification, chats: set[int]) -> None:
    """Tell whoever asked that their question is settled, while the case is open to them."""
    who = people.get(turn.tx, asked.asked_by)
    if shares.may_read(turn.tx, who, stored):
        words = translator(who.language)("Case {code}: your question was settled.")
        _notice(turn, stored, words, who, chats)


def _tell_givers(turn: Turn, stored: StoredConsult, told: Collection[UUID]) -> None:
    """Tell those who gave an opinion in the round that runs that the case was updated."""
    found = rounds.running(turn.tx, stored.id)
    givers = rounds.opinion_givers(turn.tx, stored.id, found.id) if found else ()
    for giver in (each for each in givers if each.person_id not in told):
        words = translator(giver.language)(
            "Case {code} was updated by an answer. Your opinion stands; you can change it."
        )
        _notice(turn, stored, words, people.get(turn.tx, giver.person_id), turn.deliver)


def _notice(
    turn: Turn, stored: StoredConsult, words: str, who: people.Person, chats: set[int]
) -> None:
    look = Button(translator(who.language)("Look at it"), encode("shv", stored.short, "p", 0))
    screen = Screen(esc(words.format(code=stored.code)), ((look,),))
    notify(turn.tx, who, screen, chats)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"cla": _pick, "clq": _answer}
