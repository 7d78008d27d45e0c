"""Texts of the chat on a page, and of the pages in a chat."""

import html
import re
from collections.abc import Callable
from typing import TypeAlias

Translate: TypeAlias = Callable[[str], str]
Translator: TypeAlias = Callable[[str | None], Translate]
"""From a person's language to the translation of what they are told in the chat."""

_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def in_english(_language: str | None) -> Translate:
    return str


def without_markup(text: str) -> str:
    """Return a message of the chat as plain text.

    >>> without_markup("<b>Case K7</b>: 3 &lt; 4")
    'Case K7: 3 < 4'
    """
    return html.unescape(_TAG.sub("", text))
