"""Text at the edge of the database."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """Return ``text`` without NUL and lone surrogates.

    SQLite stores NUL, PostgreSQL rejects it, and neither takes a lone surrogate: removed where
    text comes in, both databases hold the same.
    """
    return _UNSTORABLE.sub("", text)
