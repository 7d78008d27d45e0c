"""The words and numbers of a text, each with what the lexicon knows of it."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from dialogs.identifiers.lexicon import Lexicon, Sense
from dialogs.identifiers.text import set_of

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+){0,3}")
_CONTRACTED = re.compile(r"(?:n't|'(?:re|ve|ll|d|m))$")
_ENDS = frozenset('.!?\n;:*>["')
_ABBREVIATED = set_of(
    "mr mrs ms dr st vs approx pt pts rx dx hx sx tx w dept hosp no nr ave sr jr prof rev"
)
_TITLE_SHARE = 0.55
_SHOUTED_SHARE = 0.7
_FEW = 4
_SHORT = 3


class Token(NamedTuple):
    """One word or number; `gap` stands between the one before and it, `low` is its small form without 's."""

    text: str
    low: str
    start: int
    end: int
    gap: str
    sense: int
    opens: bool
    """It begins a sentence."""
    alpha: bool
    """It is of letters only."""
    capital: bool
    upper: bool
    """It has more than one letter, and all are capitals."""

    def has(self, sense: int) -> bool:
        """Whether it has one of these senses at least."""
        return self.sense & sense != 0

    def known(self, sense: int) -> bool:
        """Whether it has all of these senses."""
        return self.sense & sense == sense

    @property
    def owns(self) -> bool:
        """Whether it ends with 's."""
        return self.text[-2:].lower() == "'s"


NOTHING = Token("", "", 0, 0, "\n", 0, opens=True, alpha=False, capital=False, upper=False)
"""Stands before the first token and after the last."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A folded text, its tokens, and whether its capitals tell anything."""

    text: str
    tokens: tuple[Token, ...]
    words: Lexicon
    lows: frozenset[str]
    """All words in small letters."""
    shouted: bool
    """It is all in capitals."""
    titled: bool
    """Most ordinary words are capitalised, as in a heading."""

    def has(self, words: frozenset[str]) -> bool:
        return not self.lows.isdisjoint(words)

    def before(self, start: int, length: int = 48) -> str:
        return self.text[max(0, start - length) : start].lower()

    def after(self, end: int, length: int = 24) -> str:
        return self.text[end : end + length].lower()

    def at(self, index: int) -> Token:
        return self.tokens[index] if 0 <= index < len(self.tokens) else NOTHING

    def low(self, index: int) -> str:
        return self.at(index).low


def _opens(gap: str, found: list[Token]) -> bool:
    if gap == " " or not found:
        return not found
    if "." in gap and not (_ENDS - {"."}) & set(gap):
        return not _abbreviated(found)
    return bool(_ENDS & set(gap)) or gap.lstrip(" ").startswith(("- ", "("))


def _abbreviated(found: list[Token]) -> bool:
    """Whether the full stop after the last token belongs to it, as in "Mr." and "J."."""
    last = found[-1]
    initial = len(last.low) == 1 and last.low.isalpha()
    after_number = len(found) > 1 and found[-2].text[-1].isdigit()
    return last.low in _ABBREVIATED or (initial and not after_number)


def _sense(low: str, words: Lexicon) -> int:
    if low[0].isdigit() or low[-1].isdigit():
        return 0
    if "'" in low and _CONTRACTED.search(low):
        return Sense.WORD | Sense.EVERYDAY
    return words.sense(low.replace("'", ""))


def _tokens(text: str, words: Lexicon) -> tuple[Token, ...]:
    known: dict[str, int] = {}
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        word, gap = match.group(), text[end : match.start()]
        low = word.lower().removesuffix("'s")
        if low not in known:
            known[low] = _sense(low, words)
        alpha = word.isalpha() or word.replace("'", "").isalpha()
        shape = (alpha, word[0].isupper(), len(word) > 1 and word.isupper())
        found.append(Token(word, low, *match.span(), gap, known[low], _opens(gap, found), *shape))
        end = match.end()
    return tuple(found)


def _shouted(tokens: tuple[Token, ...]) -> bool:
    words = [t for t in tokens if t.alpha and len(t.text) > 1]
    return len(words) >= _FEW and sum(t.upper for t in words) > _SHOUTED_SHARE * len(words)


def _titled(tokens: tuple[Token, ...]) -> bool:
    long = [t for t in tokens if t.alpha and len(t.low) > _SHORT and not t.opens]
    plain = [t for t in long if t.has(Sense.WORD) and not t.has(Sense.NAME | Sense.MAYBE)]
    capitals = sum(t.capital and not t.upper for t in plain)
    return len(long) >= _FEW and capitals > _TITLE_SHARE * len(long)


def reading_of(text: str, words: Lexicon) -> Reading:
    tokens = _tokens(text, words)
    lows = frozenset(token.low for token in tokens)
    return Reading(text, tokens, words, lows, _shouted(tokens), _titled(tokens))
