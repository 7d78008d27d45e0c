"""Identifiers written so as not to look like one: spaced letters, digits as words, digits for letters."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding, Tier
from dialogs.identifiers.lexicon import Lexicon, Sense
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token

_DIGIT_WORDS = set_of("zero oh one two three four five six seven eight nine double triple")
_SPACED = re.compile(r"(?<![\w.'-])(?:[A-Za-z][ .\-_*]{1,3}){3,40}[A-Za-z](?![\w'])")
_SPACED_DIGITS = re.compile(r"(?<![\w.,/-])(?:\d[ .\-_*]{1,2}){6,24}\d(?![\w,/]|\.\d)")
_LEET = str.maketrans(
    {
        "0": "o",
        "1": "i",
        "3": "e",
        "4": "a",
        "5": "s",
        "7": "t",
        "8": "b",
        "@": "a",
        "$": "s",
        "!": "i",
        "9": "g",
    }
)
_LEET_L = str.maketrans(
    {
        "0": "o",
        "1": "l",
        "3": "e",
        "4": "a",
        "5": "s",
        "7": "t",
        "8": "b",
        "@": "a",
        "$": "s",
        "!": "l",
        "9": "g",
    }
)
_LEET_TOKEN = re.compile(
    r"(?<![\w@$./#-])(?=[A-Za-z0-9@$!]{0,19}[A-Za-z])(?=[A-Za-z0-9@$!]{0,19}[0-9@$!])"
    r"[A-Za-z0-9@$!]{3,20}(?![\w@$/])"
)
_LONGEST_NAME = 26
_SHORT = 4
_ENOUGH_DIGITS = 7


def _is_name(word: str, words: Lexicon) -> bool:
    return len(word) > 2 and bool(words.sense(word) & Sense.NAME)


def _parts_name(word: str, words: Lexicon) -> bool:
    """Is the word a name, or a given name and a family name run together?"""
    if len(word) > _LONGEST_NAME:
        return False
    if _is_name(word, words):
        return True
    if words.sense(word) & Sense.WORD:
        return False
    return any(
        words.sense(word[:cut]) & (Sense.GIVEN | Sense.MAYBE)
        and words.sense(word[cut:]) & Sense.FAMILY
        for cut in range(3, len(word) - 1)
    )


class Disguise:
    """Finds what is hidden by spelling in one reading."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.words = reading.words

    def found(self) -> Iterator[Finding]:
        yield from self._spaced()
        yield from self._spelt()
        yield from self._leet()

    def _spaced(self) -> Iterator[Finding]:
        for match in _SPACED.finditer(self.text):
            letters = re.sub(r"[^A-Za-z]", "", match[0])
            tier = self._spaced_tier(match[0], letters)
            if tier:
                yield Finding(*match.span(), "name", tier)
        for match in _SPACED_DIGITS.finditer(self.text):
            if sum(c.isdigit() for c in match[0]) >= 9 or "-" in match[0] or "." in match[0]:
                yield Finding(*match.span(), "phone", "hard")

    def _spaced_tier(self, shape: str, letters: str) -> Tier | None:
        low = letters.lower()
        if len(low) < _SHORT or self.words.sense(low) & Sense.WORD:
            return None
        if _parts_name(low, self.words) or any(self._named(part) for part in self._split(shape)):
            return "hard"
        return "soft" if len(low) >= 6 else None

    def _named(self, part: str) -> bool:
        return _is_name(part, self.words)

    def _split(self, shape: str) -> list[str]:
        """The words of spaced letters, told by wider gaps or by capitals."""
        wide = re.split(r"[ .\-_*]{2,}", shape)
        capital = re.findall(r"[A-Z][a-z]+", re.sub(r"[^A-Za-z]", "", shape))
        return [re.sub(r"[^a-z]", "", part.lower()) for part in (*wide, *capital)]

    def _spelt(self) -> Iterator[Finding]:
        """Seven and more digits written as words."""
        run: list[Token] = []
        for token in self.reading.tokens:
            if run and ("\n" in token.gap or len(token.gap) > 3 or not self._digit(token)):
                yield from self._number(run)
                run = []
            if self._digit(token):
                run.append(token)
        yield from self._number(run)

    def _digit(self, token: Token) -> bool:
        return (
            token.low in _DIGIT_WORDS
            or (token.low == "o")
            or (len(token.low) == 1 and token.low.isdigit())
        )

    def _number(self, run: list[Token]) -> Iterator[Finding]:
        spelt = sum(token.low in _DIGIT_WORDS for token in run)
        if len(run) >= _ENOUGH_DIGITS and spelt * 2 >= len(run):
            yield Finding(run[0].start, run[-1].end, "ssn" if len(run) == 9 else "phone", "hard")

    def _leet(self) -> Iterator[Finding]:
        spans: list[tuple[int, int]] = []
        for match in _LEET_TOKEN.finditer(self.text):
            if self._leet_name(match[0]):
                spans.append(match.span())
        for start, end in spans:
            yield Finding(start, end, "name", "hard")

    def _leet_name(self, word: str) -> bool:
        core = word.rstrip("!")
        if (
            not re.search(r"[0-9@$!]", core)
            or len(re.sub(r"[^A-Za-z]", "", core)) < 2
            or re.match(r"\d{2,}|[A-Za-z]{1,4}\d+$|\d+[a-z]{1,4}$", core)
        ):
            return False
        if sum(c.isdigit() for c in core) * 2 > len(core):
            return False
        plain = (core.lower().translate(_LEET), core.lower().translate(_LEET_L))
        return any(
            len(p) > 3
            and p.isalpha()
            and (
                _is_name(p, self.words)
                or (
                    (not core.islower() or core[0].isdigit())
                    and bool(self.words.sense(p) & Sense.MAYBE)
                )
            )
            for p in plain
        )
