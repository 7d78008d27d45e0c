"""The row that turns the pages of a screen."""

from collections.abc import Callable

from bot.language import Translate
from bot.screen import Button, Row


def turning(t: Translate, page: int, pages: int, to: Callable[[int], str]) -> tuple[Row, ...]:
    """Return a row with the page before and the page after, those there are; ``to`` encodes one."""
    row = tuple(
        Button(label, to(number))
        for label, number in (
            (t("‹ Page {page}").format(page=page), page - 1),
            (t("Page {page} ›").format(page=page + 2), page + 1),
        )
        if 0 <= number < pages
    )
    return (row,) if row else ()
