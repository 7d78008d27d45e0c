"""The words and numbers of a text, each with what the lexicon knows of it."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from dialogs.identifiers.lexicon import Lexicon, Sense
from dialogs.identifiers.text import set_of

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+){0,3}")
_CONTRACTED = re.compile(r"(?:n't|'(?:re|ve|ll|d|m))$")
_ENDS = frozenset('.!?\n;:*>["“')
_ABBREVIATED = set_of(
    "mr mrs ms dr st vs approx pt pts rx dx hx sx tx w dept hosp no nr ave sr jr prof rev"
)
_TITLE_SHARE = 0.6
_SHOUTED_SHARE = 0.7


class Token(NamedTuple):
    """One word or number; `gap` is what stands between the one before and it, `low` its lower case without 's."""

    text: str
    low: str
    start: int
    end: int
    gap: str
    sense: int
    opens: bool
    """Does it begin a sentence?"""
    alpha: bool
    """Is it of letters only?"""
    capital: bool
    upper: bool
    """Has it more than one letter, and all capitals?"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A folded text, its tokens, and whether its capitals tell anything."""

    text: str
    tokens: tuple[Token, ...]
    shouted: bool
    lows: frozenset[str]
    """All words in lower case."""

    def has(self, words: frozenset[str]) -> bool:
        return not self.lows.isdisjoint(words)

    def before(self, start: int, length: int = 48) -> str:
        return self.text[max(0, start - length) : start].lower()

    def after(self, end: int, length: int = 24) -> str:
        return self.text[end : end + length].lower()

    def low(self, index: int) -> str:
        """The token there in lower case, or nothing."""
        return self.tokens[index].low if 0 <= index < len(self.tokens) else ""


def _opens(gap: str, found: list[Token]) -> bool:
    if "." in gap and not (_ENDS - {"."}) & set(gap):
        return not _abbreviated(found)
    return bool(_ENDS & set(gap)) or gap.lstrip(" ").startswith(("- ", "1) ", "("))


def _abbreviated(found: list[Token]) -> bool:
    """Does the full stop after the last token belong to it: Mr., J.?"""
    last = found[-1]
    initial = len(last.low) == 1 and last.low.isalpha()
    after_number = len(found) > 1 and found[-2].text[-1].isdigit()
    return last.low in _ABBREVIATED or (initial and not after_number)


def _sense(low: str, words: Lexicon) -> int:
    return (
        Sense.WORD | Sense.EVERYDAY
        if "'" in low and _CONTRACTED.search(low)
        else words.sense(low.replace("'", ""))
    )


def tokens_of(text: str, words: Lexicon) -> tuple[Token, ...]:
    known: dict[str, int] = {}
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(text):
        low = match.group().lower().removesuffix("'s")
        if low not in known:
            known[low] = 0 if low[0].isdigit() or low[-1].isdigit() else _sense(low, words)
        gap = text[end : match.start()]
        opens = not found or _opens(gap, found)
        text_, length = match.group(), match.end() - match.start()
        shape = (
            text_.replace("'", "").isalpha(),
            text_[0].isupper(),
            length > 1 and text_.isupper(),
        )
        found.append(Token(text_, low, *match.span(), gap, known[low], opens, *shape))
        end = match.end()
    return tuple(found)


def _shouted(tokens: tuple[Token, ...]) -> bool:
    words = [t for t in tokens if t.alpha and len(t.text) > 1]
    return len(words) >= 4 and sum(t.upper for t in words) > _SHOUTED_SHARE * len(words)


def reading_of(text: str, words: Lexicon) -> Reading:
    tokens = tokens_of(text, words)
    return Reading(text, tokens, _shouted(tokens), frozenset(token.low for token in tokens))
