"""Texts of the chat on a page."""

import html
import re

_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def without_markup(text: str) -> str:
    """Return a message of the chat as plain text.

    >>> without_markup("<b>Case K7</b>: 3 &lt; 4")
    'Case K7: 3 < 4'
    """
    return html.unescape(_TAG.sub("", text))
