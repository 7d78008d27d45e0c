"""A screen: one message with its keyboard, and the one place where values become HTML."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 12
ONE_COLUMN = 18
"""A label longer than this many characters takes a row of its own on a 360 px phone."""

HALF = 16
"""Characters of a button that takes half a row."""

TEXT_LIMIT = 4096
"""UTF-16 units of a message after entities, by the Bot API."""

COPY_LIMIT = 256
TOAST_LIMIT = 200

_TAG = re.compile(r"<[^>]*>")
_FOLD = re.compile(r"<blockquote expandable>(.*?)</blockquote>", re.DOTALL)
LINE = 44
"""Characters of a line on a 360 px phone, for what a folded quote shows."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button that sends ``data``, copies ``copy``, opens ``url``, or has the person choose a chat.

    Exactly one of them. In the chosen chat our name and ``inline`` are typed for the person.
    """

    label: str
    data: str = ""
    copy: str = ""
    url: str = ""
    inline: str = ""

    def markup(self) -> dict[str, Any]:
        if self.inline:
            chosen = {"query": self.inline, "allow_user_chats": True, "allow_group_chats": True}
            return {"text": self.label, "switch_inline_query_chosen_chat": chosen}
        if self.copy:
            return {"text": self.label, "copy_text": {"text": self.copy}}
        if self.url:
            return {"text": self.label, "url": self.url}
        return {"text": self.label, "callback_data": self.data}


Row = tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Screen:
    """HTML text with every value escaped, and rows of buttons."""

    text: str
    rows: tuple[Row, ...] = ()

    def with_row(self, *row: Button) -> "Screen":
        return Screen(self.text, (*self.rows, row))

    def params(self) -> dict[str, Any]:
        """Return the Bot API parameters of this screen, the chat left out."""
        keyboard = [[button.markup() for button in row] for row in self.rows if row]
        params: dict[str, Any] = {
            "text": self.text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        return params | ({"reply_markup": {"inline_keyboard": keyboard}} if keyboard else {})


def esc(value: object) -> str:
    """Return ``value`` as HTML text; the only way a value gets into a message."""
    return html.escape(str(value), quote=False)


def bold(value: object) -> str:
    return f"<b>{esc(value)}</b>"


def fold(lines: str) -> str:
    """Return ``lines`` (already HTML) as a quote that opens on a tap."""
    return f"<blockquote expandable>{lines}</blockquote>"


def laid_out(buttons: Sequence[Button], columns: int | None = None) -> tuple[Row, ...]:
    """Return ``buttons`` in rows: two to a row, or one where a label is long."""
    wide = max((len(button.label) for button in buttons), default=0) > ONE_COLUMN
    width = columns or (1 if wide else 2)
    return tuple(tuple(buttons[i : i + width]) for i in range(0, len(buttons), width))


def paired(buttons: Sequence[Button]) -> tuple[Row, ...]:
    """Return ``buttons`` in their order, two short neighbours to a row, a long one alone."""
    rows: list[Row] = []
    for button in buttons:
        before = rows[-1] if rows else ()
        if len(before) == 1 and max(len(before[0].label), len(button.label)) <= HALF:
            rows[-1] = (before[0], button)
        else:
            rows.append((button,))
    return tuple(rows)


def paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def bar(place: int, total: int) -> str:
    """Return a progress bar of one sign a question; a text beside it says the same in digits."""
    return "▰" * place + "▱" * max(0, total - place)


def visible(text: str) -> int:
    """Return how many characters a reader sees before opening anything: three lines of each fold."""

    def shown(match: re.Match[str]) -> str:
        first = _TAG.sub("", match[1]).split("\n")[:3]
        return "\n".join(first)[: 3 * LINE]

    return len(html.unescape(_TAG.sub("", _FOLD.sub(shown, text))))


def utf16(text: str) -> int:
    """Return the length of ``text`` in UTF-16 units, as the Bot API counts."""
    return len(text.encode("utf-16-le")) // 2


def clipped(label: str, most: int) -> str:
    """Return ``label``, cut at a word with an ellipsis when it is longer than ``most``."""
    if len(label) <= most:
        return label
    return label[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:(/") + "…"


def chunks(parts: Iterable[str], most: int) -> tuple[str, ...]:
    """Return ``parts`` joined into pages of at most ``most`` UTF-16 units, no part split."""
    pages: list[str] = []
    for part in parts:
        if pages and utf16(pages[-1]) + utf16(part) + 2 <= most:
            pages[-1] += f"\n\n{part}"
        else:
            pages.append(part)
    return tuple(pages)
