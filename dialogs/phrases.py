"""The words of the interface that stand in this package, as keys of the kept catalogue.

What is said to a person is English here, and the catalogue's key; whoever shows it words it in the
person's language. Without a translator it reads English, as the commands without a chat do.
"""

from collections.abc import Callable
from typing import Self, TypeAlias

Translate: TypeAlias = Callable[[str], str]
"""English -> the person's language; `str` leaves the English."""


class Phrase(str):
    """An English sentence that still knows its key and what was put into its places."""

    __slots__ = ("key", "values")
    key: str
    values: tuple[tuple[str, object], ...]

    def __new__(cls, words: str, key: str = "", *values: tuple[str, object]) -> Self:
        made = super().__new__(cls, words)
        made.key, made.values = key or words, values
        return made

    def format(self, *args: object, **values: object) -> "Phrase":
        return Phrase(super().format(*args, **values), self.key, *values.items())


def worded(words: str, t: Translate = str) -> str:
    """Return a sentence in the language of ``t``; other words, such as content, stay as they are."""
    if not isinstance(words, Phrase):
        return words
    values = {name: _value(value, t) for name, value in words.values}
    return t(words.key).format(**values) if values else t(words.key)


def _value(value: object, t: Translate) -> object:
    return worded(value, t) if isinstance(value, str) else value
