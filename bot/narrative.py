"""A case told in words: what was read is offered, one tap each; nothing is filled in by itself."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.callbacks import Callback, encode
from bot.cases import dialog_of, keep, open_case
from bot.dialog import current_case, new_case, show_case
from bot.language import Translate
from bot.screen import Button, Row, Screen, bold, esc, lines, paragraphs, utf16
from bot.screens import start
from bot.translate import Text
from bot.turn import Gone, Turn
from dialogs import typed
from dialogs.answers import check_answers
from dialogs.engine import pending
from dialogs.errors import InvalidAnswer
from dialogs.model import Change, Step
from dialogs.narrative import read_narrative
from dialogs.shown import show_answer
from storage import consults, expecting
from storage.consults import StoredConsult
from storage.expecting import Expected

MOST = 10
"""Suggestions of one screen."""

FULL_PART = 3500
"""UTF-16 units from which a message may be the first part of a paste: Telegram splits at 4,096."""
PART_SECONDS = 2
"""Parts of one paste arrive within this."""

RIGHT, WRONG, CHANGE = "1", "0", "2"
"""What a button says of a suggestion."""


def ask(turn: Turn, data: Callback | None = None) -> None:
    """Ask for the case in words."""
    if turn.person.role is None:
        turn.show(start.role_screen(turn.scenario, turn.t), kind="role")
        return
    t = turn.t
    expecting.expect(turn.tx, turn.person.id, "narrative")
    body = paragraphs(
        bold(t("Describe the case in a few sentences")),
        esc(
            t(
                "Paste or dictate: the medication for OUD, the pain, the opioid, how long, who monitors. "
                "No names, dates or numbers that identify anybody; what you write is checked first and "
                "not kept. You confirm each thing I read."
            )
        ),
    )
    turn.show(Screen(body, ((Button(t("Rather tap the questions"), encode("new")),),)), kind="tell")


def new(turn: Turn, words: str = "") -> None:
    """Begin a case; words after the command are read as the case."""
    if words:
        offer(turn, words)
    else:
        new_case(turn)


def told(turn: Turn, expected: Expected, words: str) -> None:
    """Read a case in words and offer what was read."""
    expecting.forget(turn.tx, turn.person.id)
    offer(turn, words)


def continues(turn: Turn) -> bool:
    """Say whether a message is the next part of a paste that Telegram split."""
    return _earlier_part(turn) is not None


def _earlier_part(turn: Turn) -> Expected | None:
    """Return what was read in the part of the paste before this message."""
    expected = expecting.expected(turn.tx, turn.person.id)
    if expected is None or expected.kind != "suggested" or not isinstance(turn.incoming, Text):
        return None
    before = expected.args.get("part_at")
    follows = before is not None and 0 <= _seconds(turn.incoming) - before <= PART_SECONDS
    return expected if follows else None


def waits(turn: Turn) -> bool:
    """Say whether something read from a case in words waits to be confirmed."""
    expected = expecting.expected(turn.tx, turn.person.id)
    return expected is not None and expected.kind == "suggested"


def still_offered(turn: Turn, stored: StoredConsult) -> bool:
    """Show what was read from a case in words again, where it waits to be confirmed."""
    suggestions = _waiting(turn, stored)
    if not suggestions or stored.owner_id != turn.person.id:
        return False
    turn.show(_screen(turn, stored, suggestions), consult=stored.id, kind="suggestions")
    return True


def _waiting(turn: Turn, stored: StoredConsult) -> list[dict[str, Any]]:
    """Return what was read of a case and waits to be confirmed; none once it is not being asked."""
    expected = expecting.expected(turn.tx, turn.person.id)
    if expected is None or expected.kind != "suggested" or expected.consult_id != stored.id:
        return []
    return _unpacked(expected.held) if stored.phase == "asking" else []


def _seconds(text: Text) -> int:
    return int(text.sent_at.timestamp())


def _part(turn: Turn, words: str) -> dict[str, int]:
    """Return when a message came that may be followed by the rest of its paste."""
    full = isinstance(turn.incoming, Text) and utf16(words) >= FULL_PART
    return {"part_at": _seconds(turn.incoming)} if full else {}  # type: ignore[arg-type]


def _case_of(turn: Turn, earlier: Expected | None) -> StoredConsult | None:
    if earlier is None or earlier.consult_id is None:
        return None
    return consults.load(turn.tx, earlier.consult_id)


def joined(earlier: list[dict[str, Any]], later: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the suggestions of two parts of one text; what they tell in two ways is left to be asked."""
    kept = {each["q"]: each for each in earlier}
    for each in later:
        before = kept.get(each["q"])
        if before is None or before["v"] == each["v"]:
            kept.setdefault(each["q"], each)
        elif isinstance(each["v"], list):
            more = [value for value in each["v"] if value not in before["v"]]
            words = f"{before['w']} … {each['w']}" if more else before["w"]
            kept[each["q"]] = before | {"v": [*before["v"], *more], "w": words}
        else:
            del kept[each["q"]]
    return list(kept.values())


def is_case(words: str) -> bool:
    """Say whether words that answer nothing tell a case: at least two answers can be read in them."""
    return len(read_narrative(words).suggestions) > 1


def offer(turn: Turn, words: str, *, fresh: bool = False, of: str = "") -> None:
    """Offer what can be read from ``words``, each with the words it came from, in the case at hand.

    Without a case that is being asked, or where a ``fresh`` one is wanted, one is opened. ``of``
    names the comment that the words are from, whose author may take them back.
    """
    if turn.person.role is None:
        turn.show(start.role_screen(turn.scenario, turn.t), kind="role")
        return
    reading = read_narrative(words)
    earlier = None if fresh else _earlier_part(turn)
    here = None if fresh else _case_of(turn, earlier) or current_case(turn)
    stored = here if here is not None and here.phase == "asking" else open_case(turn)
    suggestions = [
        {"q": s.question, "v": _plain(s.value), "w": s.words, "on": None}
        for s in reading.suggestions
        if _fits(turn, stored, s.question, _plain(s.value))
    ]
    suggestions = joined([] if fresh else _waiting(turn, stored), suggestions)[:MOST]
    if not suggestions:
        said = turn.t(
            "I could not read an answer from that with certainty. Here are the questions."
        )
        if fresh:  # a tap: what is said beside the screen would stand below it
            show_case(turn, stored, esc(said))
            return
        turn.say(esc(said))
        show_case(turn, stored)
        return
    expecting.expect(
        turn.tx,
        turn.person.id,
        "suggested",
        consult_id=stored.id,
        args=_part(turn, words) | _source(of),
        held=_packed(suggestions),
    )
    turn.show(_screen(turn, stored, suggestions), consult=stored.id, kind="suggestions")


def _source(of: str) -> dict[str, str]:
    return {"of": of} if of else {}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _packed(suggestions: list[dict[str, Any]]) -> str:
    import json  # noqa: PLC0415 - only here

    return json.dumps(suggestions, ensure_ascii=False)


def _unpacked(held: str | None) -> list[dict[str, Any]]:
    import json  # noqa: PLC0415 - only here

    found: list[dict[str, Any]] = json.loads(held or "[]")
    return found


def _fits(turn: Turn, stored: StoredConsult, question: str, value: Any) -> bool:
    """Say whether a suggestion is a valid answer of this scenario; else it is not offered."""
    try:
        check_answers({question: value}, turn.scenario_of(stored.content_hash))
    except InvalidAnswer:
        return False
    return question not in ("safety_now", "role")


def _screen(turn: Turn, stored: StoredConsult, suggestions: list[dict[str, Any]]) -> Screen:
    scenario, t = turn.scenario_of(stored.content_hash), turn.t
    said = {code: word for code, _, word in marks(t)} | {None: t("not confirmed")}
    listed, rows = [], []
    for place, each in enumerate(suggestions, 1):
        question = scenario.question(each["q"])
        words = esc(show_answer(question, each["v"], scenario, t))
        listed.append(
            lines(
                f"{place}. {esc(question.short)}: <b>{words}</b> ({esc(said[each['on']])})",
                f"   <i>“{esc(each['w'])}”</i>",
            )
        )
        rows.append(
            tuple(
                Button(f"{sign} {place} {word}", encode("sug", stored.short, place - 1, code))
                for code, sign, word in marks(t)
            )
        )
    body = paragraphs(
        bold(t("Case {code} · is this right?").format(code=stored.code)),
        "\n".join(listed),
        esc(
            t(
                "Only what you mark as right is filled in; what you want to change is asked next. "
                "Safety is always asked."
            )
        ),
    )
    open_ = any(each["on"] is None for each in suggestions)
    last: list[Row] = (
        [(Button(t("All of it is right"), encode("sugall", stored.short)),)] if open_ else []
    )
    on = (Button(t("Go on with the questions"), encode("sugdone", stored.short)),)
    return Screen(body, (*rows, *last, on))


def marks(t: Translate) -> tuple[tuple[str, str, str], ...]:
    """Return what can be said of a suggestion: its code, a sign, and the word beside the sign."""
    return ((RIGHT, "✓", t("right")), (WRONG, "✗", t("wrong")), (CHANGE, "✎", t("change")))


def _pending(turn: Turn, data: Callback) -> tuple[StoredConsult, list[dict[str, Any]]]:
    stored = turn.case(data.case)
    suggestions = _waiting(turn, stored)
    if not suggestions:
        raise Gone
    return stored, suggestions


PLACES = re.compile(r"\d{1,2}")
_BESIDE = re.compile(r"[\d,.;:&+\s]+|\b(?:and|y|is|are|es|son)\b")


def typed_marks(turn: Turn, stored: StoredConsult, words: str) -> bool:
    """Take typed words as marks: what is said of which; False where it is not clear of which."""
    suggestions = _waiting(turn, stored)
    said = _said(turn, words)
    places = [int(place) - 1 for place in PLACES.findall(typed.plain(words))]
    if not suggestions or said is None:
        return False
    if not places:
        open_ = [n for n, each in enumerate(suggestions) if each["on"] is None]
        places = open_ if said == RIGHT or len(open_) == 1 else []
    if not places or not all(0 <= place < len(suggestions) for place in places):
        return False
    for place in places:
        suggestions[place]["on"] = said
    _again(turn, stored, suggestions)
    return True


def _said(turn: Turn, words: str) -> str | None:
    """Return the mark that words name beside places: right, wrong, change; else None."""
    bare = " ".join(_BESIDE.sub(" ", typed.plain(words)).split())
    by_word = {"yes": RIGHT, "no": WRONG}.get(typed.word(bare) or "")
    return by_word or next(
        (code for code, _, word in marks(turn.t) if bare == typed.plain(word)), None
    )


def _mark(turn: Turn, data: Callback) -> None:
    stored, suggestions = _pending(turn, data)
    place = int(data.arg(0)) if data.arg(0).isdigit() else len(suggestions)
    if place >= len(suggestions):
        raise Gone
    if data.arg(1) not in (RIGHT, WRONG, CHANGE):
        raise Gone
    suggestions[place]["on"] = data.arg(1)
    _again(turn, stored, suggestions)


def _again(turn: Turn, stored: StoredConsult, suggestions: list[dict[str, Any]]) -> None:
    before = expecting.expected(turn.tx, turn.person.id)
    expecting.expect(
        turn.tx,
        turn.person.id,
        "suggested",
        consult_id=stored.id,
        args=_source(before.args.get("of", "") if before else ""),
        held=_packed(suggestions),
    )
    if all(each["on"] is not None for each in suggestions):
        _fill(turn, stored, suggestions)
        return
    turn.show(_screen(turn, stored, suggestions), consult=stored.id, kind="suggestions")


def _all(turn: Turn, data: Callback) -> None:
    stored, suggestions = _pending(turn, data)
    for each in suggestions:
        each["on"] = each["on"] or RIGHT
    _again(turn, stored, suggestions)


def _done(turn: Turn, data: Callback) -> None:
    stored, suggestions = _pending(turn, data)
    _fill(turn, stored, suggestions)


def _fill(turn: Turn, stored: StoredConsult, suggestions: list[dict[str, Any]]) -> None:
    """Take over what was marked right; what is to be changed is asked next, and safety first."""
    expecting.forget(turn.tx, turn.person.id)
    scenario = turn.scenario_of(stored.content_hash)
    confirmed = {each["q"]: each["v"] for each in suggestions if each["on"] == RIGHT}
    again = tuple(each["q"] for each in suggestions if each["on"] == CHANGE)
    consult = dialog_of(stored)
    answers = consult.answers
    fresh = {q: v for q, v in confirmed.items() if q not in answers or answers[q] != v}
    changes = tuple(Change(q, answers.get(q), v, "narrative") for q, v in fresh.items())
    filled = replace(
        consult,
        answers=MappingProxyType({**answers, **fresh}),
        reask=() if not again else (*again, *({"safety_now"} - answers.keys())),
        turn=consult.turn + 1,
    )
    if pending(filled, scenario) is None:
        filled = replace(filled.moved("answered", complete=True), cursor=None)
    saved = keep(turn, stored, Step(filled, changes), scenario)
    said = turn.t("Answers taken over: {count}").format(count=len(fresh)) if fresh else ""
    show_case(turn, consults.load(turn.tx, saved.id), esc(said))


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "tell": ask,
    "sug": _mark,
    "sugall": _all,
    "sugdone": _done,
}
