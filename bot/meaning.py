"""What typed words mean: always by the screen that stands in the chat, as docs/repairs.md lists."""

import re
from collections.abc import Mapping

from bot import dialog, held, narrative, opinions, persons, routes, talk, typed_answers
from bot.callbacks import Callback, encode
from bot.present import Present
from bot.screen import Button, Screen, bold, esc, laid_out, paragraphs
from bot.screens import start
from bot.turn import Gone, Turn
from dialogs import typed
from dialogs.phases import ENDED
from storage import consults, expecting
from storage.consults import StoredConsult
from storage.expecting import Expected

QUESTION = ("case.asking", "case.confirming")
"""The screens on which words answer a question of the case."""

ASKS = ("sure", "forget", "held")
"""The screens that ask something of their own; nothing else is done before they are answered."""

AROUND = ("help", "lines", "ready", "cases", "settings", "privacy")
"""The screens that are of no case, and that a case may wait behind."""

VIEWS = ("view.", "help", "lines")
"""The beginnings of the kinds of screens that only read; behind them stands the case."""

MADE_ANEW: Mapping[str, tuple[str, ...]] = {
    opinions.KIND: ("op",),
    talk.KIND: ("tlk",),
    talk.SAYING: ("tlk", "say"),
}
"""The verb and argument that lead to a screen whose words are not kept, by its kind."""

_CODE = re.compile(r"(?:case |caso )?([a-z][0-9]{1,4})")


def meant(turn: Turn, words: str, here: Present | None) -> None:
    """Do what guarded words mean at the screen ``here``: what it waits for, or what it can do."""
    if narrative.continues(turn):
        narrative.offer(turn, words)
    elif not _expected(turn, here, words):
        if turn.person.role is None or (here is not None and here.kind == "role"):
            _role(turn, here, words)
        elif here is None:
            _nowhere(turn, words)
        elif here.kind in QUESTION:
            _at_question(turn, here, words)
        elif here.covered:
            _told(
                turn,
                turn.t("Something came in between; nothing was changed. Here is the screen again."),
                here,
            )
        else:
            _elsewhere(turn, here, words)


def _expected(turn: Turn, here: Present | None, words: str) -> bool:
    """Hand words to what asked for them outside the questions, while its screen stands."""
    expected = _asked_for(turn, here, words)
    if expected is None:
        return False
    routes.WORDS[expected.kind](turn, expected, words)
    return True


def _asked_for(turn: Turn, here: Present | None, words: str) -> Expected | None:
    """Return what is expected outside the questions, where its screen stands and words are for it."""
    expected = expecting.expected(turn.tx, turn.person.id)
    if expected is None or expected.kind not in routes.WORDS or here is None:
        return None
    elsewhere = here.kind != routes.STANDS[expected.kind]
    return None if elsewhere or typed.word(words) in ("cancel", "help", "back") else expected


def is_code(turn: Turn, here: Present | None, words: str) -> bool | None:
    """Say whether words are the code that alone is expected; None where others may be typed."""
    expected = _asked_for(turn, here, words)
    reads = routes.CODES.get(expected.kind) if expected else None
    return None if expected is None or reads is None else reads(expected, words)


def _role(turn: Turn, here: Present | None, words: str) -> None:
    """Take a role typed at its question; elsewhere the question is shown first."""
    if typed.word(words) == "help":
        persons.help_(turn)
    elif here is not None and here.kind == "role":
        persons.typed_role(turn, words)
    else:
        turn.say(esc(turn.t("Please choose your role first, by a tap or its number.")))
        persons.begin(turn)


# --- at a question ----------------------------------------------------------------------------


def _at_question(turn: Turn, here: Present, words: str) -> None:
    """Answer the question that is on the screen, and no other."""
    stored = _own(turn, here)
    if stored is None:
        _nowhere(turn, words)
    elif here.covered or not here.is_of(stored.short, stored.turn):
        dialog.ask_again(turn, stored)
    elif not typed_answers.typed_words(turn, stored, words):
        if len(words) >= dialog.LONG:
            narrative.offer(turn, words)
        else:
            typed_answers.unclear(turn, stored)


def _own(turn: Turn, here: Present) -> StoredConsult | None:
    """Return the case of a screen if it is the person's and has not ended."""
    if here.consult_id is None:
        return None
    found = consults.load(turn.tx, here.consult_id)
    mine = found.owner_id == turn.person.id and found.erased_at is None
    return found if mine and found.phase not in ENDED else None


# --- at any other screen ----------------------------------------------------------------------


def _elsewhere(turn: Turn, here: Present, words: str) -> None:
    """Do what one button of the screen does, or a word that works anywhere; else change nothing."""
    stored = _own(turn, here) or _behind(turn, here)
    if _of_the_case(turn, here, stored, words):
        return
    data = here.meant(words)
    if data is not None:
        _press(turn, data)
    elif not (_code(turn, here, words) or _word(turn, here, stored, words)):
        again = here.kind == "held" and typed.word(words) is None
        if not (again and held.written_again(turn, words)):
            _unfit(turn, here, stored, words)


def _of_the_case(turn: Turn, here: Present, stored: StoredConsult | None, words: str) -> bool:
    """Do what words mean on a screen of a case that has a meaning of its own for them."""
    if stored is None:
        return False
    if here.kind == "suggestions":
        return narrative.typed_marks(turn, stored, words)
    return here.kind.startswith("case.") and typed_answers.typed_words(turn, stored, words)


def _press(turn: Turn, data: Callback) -> None:
    """Do what a button does, as if it was tapped."""
    verb = routes.VERBS.get(data.verb)
    if verb is None:
        raise Gone
    verb(turn, data)


def _behind(turn: Turn, here: Present) -> StoredConsult | None:
    """Return the case that a screen of no case leads back to by a button."""
    if here.consult_id is not None:
        return None
    shorts = {data.case for _, data in here.buttons() if data.verb == "go" and data.case}
    mine = consults.list_for(turn.tx, turn.person.id, per_page=50).consults
    found = [each for each in mine if each.short in shorts and each.phase not in ENDED]
    return found[0] if len(shorts) == len(found) == 1 else None


def _code(turn: Turn, here: Present, words: str) -> bool:
    """Open the case whose code was typed where cases are chosen."""
    match = _CODE.fullmatch(typed.plain(words))
    if match is None or here.kind not in (*AROUND, "which"):
        return False
    mine = consults.list_for(turn.tx, turn.person.id, per_page=100).consults
    found = [each for each in mine if each.code.casefold() == match[1]]
    if len(found) == 1:
        dialog.return_to(turn, found[0])
    return len(found) == 1


def _word(turn: Turn, here: Present, stored: StoredConsult | None, words: str) -> bool:
    """Do what a word of the dialog means where no button of the screen says it."""
    name = typed.word(words)
    if here.kind in ASKS and name not in ("help", "repeat"):
        return False
    match name:
        case "help":
            persons.help_(turn)
        case "cancel":
            dialog.ask_to_stop(turn, stored)
        case "repeat" if stored is not None and not here.kind.startswith(VIEWS):
            again(turn, here)
        case "repeat" | "summary" if stored is not None:
            dialog.return_to(turn, stored)
        case "back" if stored is not None and not here.kind.startswith("case."):
            dialog.return_to(turn, stored)
        case "repeat" | "summary" | "back" if stored is None:
            dialog.resume(turn)
        case _:
            return False
    return True


def _unfit(turn: Turn, here: Present, stored: StoredConsult | None, words: str) -> None:
    """Say that words do not fit the screen, and show it again; or the question behind it."""
    case_told = len(words) >= dialog.LONG or (stored is None and narrative.is_case(words))
    waits = stored is not None and stored.phase in ("asking", "confirming")
    if here.kind not in ASKS and case_told:
        narrative.offer(turn, words)
    elif here.kind in AROUND and dialog.asked_cases(turn):
        _nowhere(turn, words)
    elif stored is not None and waits and here.kind.startswith(VIEWS):
        dialog.ask_again(turn, stored)
    else:
        _told(turn, _how(turn, here), here)


def _how(turn: Turn, here: Present) -> str:
    """Return that words were not understood at a screen, and what can be typed there."""
    t = turn.t
    match here.kind:
        case "held":
            return t(
                "Nothing was used or changed. Please answer this first: type yes to use your words as "
                "they are, or no to drop them."
            )
        case "sure" | "forget":
            return t("Nothing was changed. Please answer this first: tap, or type yes or no.")
        case "suggestions":
            return t(
                "I could not match that; nothing was filled in. Tap, or type what you say of one and "
                "its number, for example “2 wrong” or “1, 3 right”; or “all of it is right”."
            )
        case "which":
            return t("I could not match that. Tap a case, or type its code.")
        case "case.stopped":
            return t(
                "The questions are paused by a red flag; nothing was changed. Tap a button, or type what "
                "stands on it."
            )
        case _:
            return t(
                "I could not match that. Tap a button or type what stands on it, or type: back, repeat, "
                "cancel, help."
            )


def _told(turn: Turn, said: str, here: Present) -> None:
    turn.say(esc(said))
    again(turn, here)


def again(turn: Turn, here: Present) -> None:
    """Show a screen once more, at the bottom of the chat; one that repeats words is made anew."""
    if here.screen.text:
        turn.show(here.screen, consult=here.consult_id, kind=here.kind)
        return
    if here.consult_id is None:
        persons.begin(turn)
        return
    stored = consults.load(turn.tx, here.consult_id)
    if here.kind == "suggestions" and turn.still_offered(stored):
        return
    verb, *args = MADE_ANEW.get(here.kind, ("go",))
    routes.VERBS[verb](turn, Callback(verb, stored.short, tuple(args)))


# --- where no case is at hand -----------------------------------------------------------------


def _nowhere(turn: Turn, words: str) -> None:
    """Answer words at no screen of a case: the one case that waits is shown, and asks first."""
    waiting = dialog.asked_cases(turn)
    name = typed.word(words)
    told = len(words) >= dialog.LONG or narrative.is_case(words)
    match name:
        case "help":
            persons.help_(turn)
        case "repeat" | "summary" | "back":
            dialog.resume(turn)
        case "cancel":
            dialog.cancel(turn)
        case _ if told:
            narrative.offer(turn, words)
        case _ if len(waiting) == 1:
            dialog.ask_again(turn, waiting[0])
        case _ if waiting:
            _which(turn, waiting)
        case _:
            turn.say(
                esc(
                    turn.t("I could not match that. Start a case, tell it in words, or type: help.")
                )
            )
            turn.show(start.ready_screen(turn.t, turn.scenario), kind="ready")


def _which(turn: Turn, waiting: list[StoredConsult]) -> None:
    """Ask which of several waiting cases is meant."""
    buttons = [
        Button(turn.t("Case {code}").format(code=dialog.code_of(turn, s)), encode("go", s.short))
        for s in waiting[:8]
    ]
    body = paragraphs(
        bold(turn.t("Which case do you mean?")),
        esc(
            turn.t(
                "Several cases wait for an answer. Open one by a tap or its code, then type it again."
            )
        ),
    )
    turn.show(Screen(body, laid_out(buttons)), kind="which")
