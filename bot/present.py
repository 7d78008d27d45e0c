"""The screen that stands in a chat, read back from what was sent: what typed words are for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.callbacks import Callback, parse
from bot.screen import Button, Row, Screen
from dialogs import typed
from storage import transcript
from storage.transaction import Tx

_COUNT = re.compile(r"\s*(?:\(\d+\)|\?)$")
_LEAD = re.compile(r"\W*(?:(\d{1,3})\b(?:\s*·)?)?\s*")
_PAGER = re.compile(r"‹.*\d")

MEANS: Mapping[tuple[str, str], str] = {
    ("held", "go"): "yes",
    ("held", "drop"): "no",
    ("f", ""): "done",
    ("sugdone", ""): "done",
}
"""Words of the dialog for buttons that do not say them, by the button's verb and last argument."""


@dataclass(frozen=True, slots=True)
class Present:
    """A screen as the person has it, with its buttons."""

    kind: str
    consult_id: UUID | None
    row: UUID
    screen: Screen
    covered: bool = False
    """Whether a message with buttons stands below it, or the words were written before it came."""

    def buttons(self) -> Iterator[tuple[Button, Callback]]:
        """Yield the buttons that lead to us, with what they say and carry."""
        for row in self.screen.rows:
            for button in row:
                data = parse(button.data)
                if data is not None:
                    yield button, data

    def is_of(self, short: str, turn: int) -> bool:
        """Say whether its buttons are those of a case as it is now."""
        return turn in {
            data.turn for _, data in self.buttons() if data.case == short and data.turn is not None
        }

    def meant(self, words: str) -> Callback | None:
        """Return what the one button carries that the words name, or None."""
        said, name = typed.plain(words), typed.word(words)
        named = self._one(lambda button, data: said in names(button.label))
        if named is not None or name is None:
            return named
        by_word = self._one(lambda button, data: name in _words_of(button, data))
        if by_word is not None or name != "back":
            return by_word
        return self._way_back()

    def _one(self, fits: Any) -> Callback | None:
        found = {data for button, data in self.buttons() if fits(button, data)}
        return found.pop() if len(found) == 1 else None

    def _way_back(self) -> Callback | None:
        """Return the last button that leads back, else the one that says no."""
        back = [
            data
            for button, data in self.buttons()
            if button.label.startswith("‹") and not _PAGER.fullmatch(button.label)
        ]
        if back:
            return back[-1]
        return self._one(lambda button, data: "no" in _words_of(button, data))


def names(label: str) -> frozenset[str]:
    """Return what a button may be called: its label, without signs and counts, its number."""
    whole = _COUNT.sub("", label)
    lead = _LEAD.match(whole)
    bare = whole[lead.end() :] if lead else whole
    number = lead[1] if lead and lead[1] else ""
    said = {typed.plain(each) for each in (label, whole, bare, bare.split(",")[0], number)}
    return frozenset(said - {""})


def _words_of(button: Button, data: Callback) -> set[str | None]:
    last = data.args[-1] if data.args else ""
    return {*map(typed.word, names(button.label)), MEANS.get((data.verb, last))} - {None}


def of(tx: Tx, chat_id: int, written: int | None = None) -> Present | None:
    """Return the screen that stands in a chat, or None; ``written`` is the message with the words.

    Telegram counts the messages of a chat up, whoever they are from.
    """
    screen = transcript.screen_of(tx, chat_id)
    if screen is None:
        return None
    early = written is not None and written < screen.message_id
    covered = early or _covered(tx, chat_id, screen.message_id)
    return _present(tx, screen.transcript_id, screen.kind, screen.consult_id, covered=covered)


def of_row(tx: Tx, kept: Mapping[str, Any] | None) -> Present | None:
    """Return a screen that stood in a chat, by what `kept` noted of it."""
    if kept is None:
        return None
    consult = UUID(kept["consult"]) if kept["consult"] else None
    return _present(tx, UUID(kept["row"]), kept["kind"], consult)


def kept(present: Present | None) -> dict[str, Any] | None:
    """Return a note by which a screen is found again."""
    if present is None:
        return None
    consult = str(present.consult_id) if present.consult_id else None
    return {"row": str(present.row), "kind": present.kind, "consult": consult}


def _present(
    tx: Tx, row: UUID, kind: str, consult: UUID | None, *, covered: bool = False
) -> Present:
    line = transcript.line_of(tx, row)
    return Present(kind, consult, row, _screen((line and line.params) or {}), covered)


def _screen(params: Mapping[str, Any]) -> Screen:
    """Return the screen that was sent with these parameters; without buttons once they expired."""
    rows = params.get("reply_markup", {}).get("inline_keyboard", [])
    return Screen(params.get("text", ""), tuple(_row(row) for row in rows))


def _row(row: list[dict[str, Any]]) -> Row:
    return tuple(
        Button(
            each["text"],
            data=each.get("callback_data", ""),
            copy=each.get("copy_text", {}).get("text", ""),
            url=each.get("url", ""),
            inline=each.get("switch_inline_query_chosen_chat", {}).get("query", ""),
        )
        for each in row
    )


def _covered(tx: Tx, chat_id: int, message_id: int) -> bool:
    """Say whether a message with buttons stands below the screen, as the chat has it now."""
    below = {line.message_id: line for line in transcript.sent_below(tx, chat_id, message_id)}
    return any(
        button.data
        for line in below.values()
        for row in _screen(line.params or {}).rows
        for button in row
    )
