"""Identifiers written so as not to look like one: spaced letters, digits as words, digits for letters."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding, Tier
from dialogs.identifiers.lexicon import Lexicon, Sense
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import NOTHING, Reading, Token

_DIGIT_WORDS = set_of("zero oh o one two three four five six seven eight nine double triple")
_SPACED = re.compile(r"(?<![\w.'-])(?:[A-Za-z][ .\-_*]{1,3}){3,40}[A-Za-z](?![\w'])")
_DOSES = re.compile(r"\d(?:\.\d)?(?:-\d(?:\.\d)?)+")
_SPACED_DIGITS = re.compile(r"(?<![\w.,/-])(?:\d[ .\-_*]{1,3}){6,24}\d(?![\w,/]|\.\d)")
_SPACED_SSN = re.compile(r"\d \d \d ?[-. ] ?\d \d ?[-. ] ?\d \d \d \d")
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
_CODE = re.compile(r"\d{2,}|[A-Za-z]{1,4}\d+$|\d+[a-z]{1,4}$")
_OTHER = re.compile(r"[^A-Za-z]")
_WIDE = re.compile(r"[ .\-_*]{2,}")
_CAPITALISED = re.compile(r"[A-Z][a-z]+")
_DASHED = re.compile(r"[.-]")
_LONGEST_NAME = 26
_SHORT = 4
_LONG = 6
_ENOUGH_DIGITS = 7
_MANY_DIGITS = 9


def disguised(reading: Reading) -> Iterator[Finding]:
    yield from _spaced_letters(reading)
    for match in _SPACED_DIGITS.finditer(reading.text):
        kind = _digits_kind(match[0])
        if kind:
            yield Finding(*match.span(), kind, "hard")
    yield from _spelt_digits(reading)
    for match in _LEET_TOKEN.finditer(reading.text):
        if _is_leet(match[0].rstrip("!"), reading.words):
            yield Finding(*match.span(), "name", "hard")


def _digits_kind(shape: str) -> str:
    """What single digits with signs between them are; nothing for a row of doses or counts."""
    if "." in shape and _DOSES.fullmatch(shape):
        return ""
    count = sum(char.isdigit() for char in shape)
    if _SPACED_SSN.fullmatch(shape):
        return "ssn"
    tight = _DASHED.search(shape) and " - " not in shape
    return "phone" if count >= _MANY_DIGITS or tight else ""


def _spaced_letters(reading: Reading) -> Iterator[Finding]:
    for match in _SPACED.finditer(reading.text):
        tier = _spaced_tier(match[0], reading.words)
        if tier:
            yield Finding(*match.span(), "name", tier)


def _spaced_tier(shape: str, words: Lexicon) -> Tier | None:
    low = _OTHER.sub("", shape).lower()
    if len(low) < _SHORT or words.sense(low) & Sense.WORD:
        return None
    if _is_full_name(low, words) or any(_is_name(part, words) for part in _split(shape)):
        return "hard"
    return "soft" if len(low) >= _LONG and "." not in shape else None


def _is_name(word: str, words: Lexicon) -> bool:
    return len(word) > 2 and bool(words.sense(word) & Sense.NAME)


def _is_full_name(word: str, words: Lexicon) -> bool:
    """Whether the word is a name, or a given name and a family name run together."""
    if _is_name(word, words):
        return True
    return len(word) <= _LONGEST_NAME and any(
        words.sense(word[:cut]) & Sense.GIVEN and words.sense(word[cut:]) & Sense.FAMILY
        for cut in range(3, len(word) - 1)
    )


def _split(shape: str) -> list[str]:
    """The words of spaced letters, told by wider gaps or by capitals."""
    wide = _WIDE.split(shape)
    capital = _CAPITALISED.findall(_OTHER.sub("", shape))
    return [_OTHER.sub("", part).lower() for part in (*wide, *capital)]


def _spelt_digits(reading: Reading) -> Iterator[Finding]:
    """Seven and more digits written as words."""
    run: list[Token] = []
    for token in (*reading.tokens, NOTHING):
        if run and ("\n" in token.gap or len(token.gap) > 3 or not _is_digit(token)):
            yield from _number(run)
            run = []
        if _is_digit(token):
            run.append(token)


def _is_digit(token: Token) -> bool:
    return token.low in _DIGIT_WORDS or (len(token.low) == 1 and token.low.isdigit())


def _number(run: list[Token]) -> Iterator[Finding]:
    spelt = sum(token.low in _DIGIT_WORDS for token in run)
    if len(run) >= _ENOUGH_DIGITS and spelt * 2 >= len(run):
        yield Finding(run[0].start, run[-1].end, "ssn" if len(run) == 9 else "phone", "hard")


def _is_leet(word: str, words: Lexicon) -> bool:
    """Whether it is a name when its digits are read as letters: J0hn, Sm1th."""
    letters = sum(char.isalpha() for char in word)
    digits = sum(char.isdigit() for char in word)
    if letters < 2 or digits * 2 > len(word) + 1 or letters == len(word) or _CODE.match(word):
        return False
    plain = {word.lower().translate(table) for table in (_LEET, _LEET_L)}
    return any(_is_leet_name(word, name, words) for name in plain if name.isalpha())


def _is_leet_name(word: str, name: str, words: Lexicon) -> bool:
    shown = not word.islower() or word[0].isdigit()
    sense = words.sense(name) if len(name) > 3 else 0
    return bool(sense & Sense.NAME or (shown and sense & Sense.MAYBE))
