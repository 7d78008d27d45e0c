"""Help lines in the chat: those open now first, local ones first of all."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

from bot.callbacks import Callback, encode
from bot.language import Translate
from bot.screen import Button, Row, Screen, bold, chunks, esc, lines, paragraphs
from bot.settings import Settings
from bot.turn import Turn
from dialogs.helplines import (
    HelpLine,
    hours_words,
    is_open,
    national_lines,
    next_opening,
    open_first,
    read_lines_of,
)

PAGE_UNITS = 3000
"""UTF-16 units of the lines on one page."""


def directory(settings: Settings) -> tuple[HelpLine, ...]:
    """Return the operator's own lines, then the national ones that they do not replace."""
    local = _local(settings.help_lines_file) if settings.help_lines_file else ()
    taken = {line.id for line in local}
    return (*local, *(line for line in national_lines() if line.id not in taken))


@cache
def _local(path: Path) -> tuple[HelpLine, ...]:
    """Return the lines of a file, read once: the settings have checked it at the start."""
    return read_lines_of(path.read_text("utf-8"))


def lines_row(t: Translate, case: str = "") -> Row:
    """Return the button that leads to the help lines."""
    return (Button(t("Help lines"), encode("lines", case)),)


def show(turn: Turn, case: str = "", page: int = 0) -> None:
    turn.show(lines_screen(turn, case, page), kind="lines")


def lines_screen(turn: Turn, case: str = "", page: int = 0) -> Screen:
    """Return a page of the lines, with what is known of each; never whom to call for a client."""
    t, now = turn.t, turn.tx.now
    blocks = [_block(turn, line, now) for line in open_first(directory(turn.settings), now)]
    pages = chunks(blocks, PAGE_UNITS)
    page = min(page, len(pages) - 1)
    body = paragraphs(
        bold(t("Help lines: a person answers")),
        pages[page],
        esc(t("Without a date: not yet checked with the service itself.")),
        esc(t("In an emergency follow your own procedure and call 911.")),
    )
    turning = tuple(
        Button(label, encode("lines", case, to))
        for label, to, there in (
            (t("‹ Page {page}").format(page=page), page - 1, page > 0),
            (t("Page {page} ›").format(page=page + 2), page + 1, page + 1 < len(pages)),
        )
        if there
    )
    back = encode("v", case, "step") if case else encode("page", "", "start")
    return Screen(body, (turning, (Button(t("‹ Back"), back),)))


def _block(turn: Turn, line: HelpLine, now: datetime) -> str:
    t = turn.t
    call = t("call {number}").format(number=line.call)
    text = t("text {number}").format(number=line.text) if line.text else ""
    numbers = ", ".join(each for each in (call, text) if each)
    return lines(
        bold(line.name),
        f"{esc(numbers)} · {esc(_open_words(turn, line, now))}",
        esc(f"{line.who} ({line.region})"),
        f"<i>{esc(_checked(line, t))}</i>" if line.checked_on else "",
    )


def _open_words(turn: Turn, line: HelpLine, now: datetime) -> str:
    """Return whether the line is open now, and its hours or when it opens by the reader's clock."""
    t = turn.t
    if line.always:
        return t("open day and night")
    hours = f"{hours_words(line, t)} {line.zone}"
    if is_open(line, now):
        return t("open now ({hours})").format(hours=hours)
    opens = next_opening(line, now) or now
    words = t("closed; opens {moment}, your time ({hours})")
    return words.format(moment=f"{opens.astimezone(turn.zone):%Y-%m-%d %H:%M}", hours=hours)


def _checked(line: HelpLine, t: Translate) -> str:
    """Return when somebody compared the line with the service itself."""
    return t("checked on {day}").format(day=line.checked_on)


def _page(turn: Turn, data: Callback) -> None:
    """Show the lines; a case's short id only leads back to its step."""
    page = int(data.arg(0)) if data.arg(0).isdigit() else 0
    show(turn, data.case, min(page, 99))


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"lines": _page}
