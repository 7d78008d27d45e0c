"""Text as the guard reads it: folded to plain letters and digits, with the way back to the original."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache


def set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LONGEST = 6
"""A character that stands for more letters than this (a whole phrase in one sign) is read as a blank."""
_DROPPED = frozenset({"Cf", "Mn", "Mc", "Me", "Cc", "Cs", "Co", "Cn"})
_LOOKALIKES = dict(
    zip(
        "АВЕЅІЈКМНОРСТУХЗабеѕіјкмнорстухгԁԛԝһүԍɡɑοаΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιοκνρυχєѵꓲꓳ",
        "ABESIJKMHOPCTYXZabesijkmhopctyxrdqwhyggaoaABEZHIKMNOPTYXaiokvpuxevIO",
        strict=True,
    )
)
_SPELT = {
    **dict(zip("øđðłıəħŋØĐÐŁƏ", "oddliehnODDLE", strict=True)),
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ẞ": "SS",
    "Æ": "AE",
    "Œ": "OE",
    "Þ": "Th",
    **dict.fromkeys("’‘ʼʻ`´", "'"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("•\r\u2028\u2029\n", "\n"),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("µμ", "u"),
    "\t": " ",
    "…": ".",
    "−": "-",
    "。": ".",
    "，": ",",
    "×": "x",
    "№": "No ",
}


def _base(char: str) -> str:
    if char in _SPELT or char in _LOOKALIKES:
        return _SPELT.get(char) or _LOOKALIKES[char]
    category = unicodedata.category(char)
    if category in _DROPPED:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(char))
    return {"Pd": "-", "Zs": " "}.get(category, char)


@lru_cache(maxsize=4096)
def fold(char: str) -> str:
    """What the guard reads for one character: nothing, itself, or a few plain characters.

    Compatibility forms, accents, digits of all scripts, dashes and letters that look Latin are made plain;
    what cannot be seen is dropped.
    """
    if char in _SPELT:
        return _SPELT[char]
    parts = unicodedata.normalize("NFKD", char)
    return "".join(_base(part) for part in parts) if len(parts) <= _LONGEST else " "


def folded(text: str) -> str:
    return text if text.isascii() else "".join(map(fold, text))


@dataclass(frozen=True, slots=True)
class View:
    """The folded text; `starts[i]` is the place in the original of its i-th character."""

    text: str
    starts: tuple[int, ...] | range

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original for a span (not empty) of the folded text."""
        return self.starts[start], self.starts[end - 1] + 1


def view_of(text: str) -> View:
    if text.isascii() and text.isprintable():
        return View(text, range(len(text)))
    pieces = [fold(char) for char in text]
    starts = [place for place, piece in enumerate(pieces) for _ in piece]
    return View("".join(pieces), tuple(starts))
