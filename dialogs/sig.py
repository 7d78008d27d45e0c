"""The parts of a typed prescription: amounts, tablets, times, limits, each with its place.

Only shapes are told apart here ("q4-6h", "5/325", "max 6/day"); what they mean together is the dose
reader's business. The text is folded (see `dialogs.folded`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from dialogs.patterns import packaged, sources

_UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "una": 1, "dos": 2, "tres": 3, "cuatro": 4,
    "once": 1, "twice": 2, "thrice": 3, "single": 1,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_PARTS = {
    "half": 0.5,
    "media": 0.5,
    "half a": 0.5,
    "half of a": 0.5,
    "a half": 0.5,
    "1 and a half": 1.5,
    "1 half": 0.5,
}
_ROMAN = {"i": 1, "ii": 2, "iii": 3}

_U = "|".join(
    sorted(
        (u for u in _UNITS if u not in ("once", "twice", "thrice", "single")), key=len, reverse=True
    )
)
_T = "|".join(_TENS)
_BELOW_HUNDRED = rf"(?:(?:{_T})(?:[ -](?:{_U}))?|{_U})"
_WORDS = rf"(?:(?:a|{_U}) hundred(?:(?: and)? {_BELOW_HUNDRED})?|{_BELOW_HUNDRED})\b"
_DIGITS = r"(?<![\d.,])(?:\d+(?:[.,]\d+)*(?:e[+-]?\d+)?|\.\d+)"
N = rf"(?:{_DIGITS}|\b{_WORDS})"
"""A number in digits or words."""
_TO = r"(?: ?- ?| to | or )"
_RANGE = rf"(?P<a>{_DIGITS})(?:{_TO}(?P<b>{_DIGITS}))?"


_SOURCES = sources("sig", N=_DIGITS, R=_RANGE, TO=_TO)
_KINDS = tuple(
    (name.removeprefix("kind_"), pattern)
    for name, pattern in _SOURCES.items()
    if name.startswith("kind_")
)
"""Kinds of parts, the more telling first; where two begin at one place the first wins."""

_TOKEN = re.compile(r"[a-z]+|[0-9#,;+\n]|\.(?=\d)|\. ")
_STARTERS = frozenset(
    {"once", "twice", "thrice", *packaged("reading")["words"]["starters"].split()}
)
"""Words that can begin a part; every other word is just a word."""

_MINUS = re.compile(r"(?:^|[a-z:] ?) -$")
"""A sign before a number after a word: "-5 mg" is no amount."""

MOST_TIMES = 12
"""Doses a day; a larger number before "x" is something else."""

_OFTEN = {"qid": 4, "qds": 4, "tid": 3, "tds": 3, "bid": 2, "bd": 2}
_HOURS = {"d": 24, "w": 168, "h": 1}


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `low` and `high` are equal unless a range was typed."""

    kind: str
    start: int
    end: int
    text: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    third: float | None = None
    doubtful: bool = False
    """A number that could be read in two ways, or in none."""


def number(text: str | None) -> float | None:
    """Return the number typed, or None when it could mean two ("1,000", "1.000") or none ("1.2.3")."""
    if not text:
        return None
    if text in _UNITS:
        return _UNITS[text]
    if text[0].isalpha():
        return _in_words(text)
    if re.fullmatch(r"(?![1-9]\d{0,2}\.\d{3}$)\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?|\.\d+", text):
        return float(text)
    comma = re.fullmatch(r"(\d+),(\d+)", text)
    if not comma:
        return None
    whole, part = comma.groups()
    clear = len(part) == 1 or (len(part) == 2 and (part in ("25", "50", "75") or whole == "0"))  # noqa: PLR2004
    return float(f"{whole}.{part}") if clear else None


def _in_words(text: str) -> float:
    total = 0
    for word in re.findall(r"[a-z]+", text):
        if word == "hundred":
            total = max(total, 1) * 100
        total += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return total


@cache
def _scanner() -> re.Pattern[str]:
    groups = re.compile(r"\?P<([a-z])>")
    return re.compile(
        "|".join(f"(?P<{kind}>{groups.sub('?:', pattern)})" for kind, pattern in _KINDS)
    )


@cache
def _alone(kind: str) -> tuple[re.Pattern[str], ...]:
    """Return the alternatives of one kind, each with its named numbers."""
    return tuple(re.compile(pattern) for pattern in _split(dict(_KINDS)[kind]))


def _split(pattern: str) -> Iterator[str]:
    """Yield the alternatives of a pattern, because a name may stand in each of them."""
    depth, begin, in_set = 0, 0, False
    for place, sign in enumerate(pattern):
        if pattern[place - 1 : place] == "\\":
            continue
        in_set = sign == "[" or (in_set and sign != "]")
        depth += (sign == "(") - (sign == ")") if not in_set else 0
        if sign == "|" and depth == 0 and not in_set:
            yield pattern[begin:place]
            begin = place + 1
    yield pattern[begin:]


@dataclass(frozen=True, slots=True)
class Digits:
    """A text with its number words as digits, and where each of its characters begins and ends in it."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


@cache
def _words() -> re.Pattern[str]:
    return re.compile(
        rf"(?<=\d) ?\((?P<again>{_WORDS})\)|\b(?P<told>{_WORDS})(?: ?\((?P<figure>\d+)\))?"
    )


def _digits(text: str, start: int, end: int) -> Digits:
    """Return ``text`` up to ``end``, number words after ``start`` in digits: "twenty five" as "25"."""
    pieces, starts, ends, done = [text[:start]], [*range(start)], [*range(1, start + 1)], start
    for match in _words().finditer(text, start, end):
        figure = _figure(match, text)
        pieces += [text[done : match.start()], figure]
        starts += [*range(done, match.start()), *[match.start()] * len(figure)]
        ends += [*range(done + 1, match.start() + 1), *[match.end()] * len(figure)]
        done = match.end()
    pieces.append(text[done:end])
    return Digits("".join(pieces), [*starts, *range(done, end)], [*ends, *range(done + 1, end + 1)])


def _figure(match: re.Match[str], text: str) -> str:
    """Return a number in words as digits; nothing where it only repeats the digits: "3 (three) times".

    Two numbers that differ become one that means nothing.
    """
    if again := match["again"]:
        said = re.search(r"\d+$", text[: match.start()])
        return "" if said and float(said.group()) == _in_words(again) else ".0.0"
    value = f"{_in_words(match['told']):g}"
    return value if match["figure"] in (None, value) else "0.0.0"


def parts(text: str, start: int = 0, end: int | None = None) -> tuple[Part, ...]:
    """Return the parts of ``text[start:end]`` in order."""
    end = len(text) if end is None else end
    if not _words().search(text, start, end):
        return tuple(_scanned(text[:end], start))
    written = _digits(text, start, end)
    found = _scanned(written.text, start)
    return tuple(
        replace(part, start=written.starts[part.start], end=written.ends[part.end - 1])
        for part in found
    )


def _scanned(text: str, start: int) -> Iterator[Part]:
    token = _TOKEN.search(text, start)
    while token:
        place, word = token.end(), token.group()
        if word.isalpha() and word not in _STARTERS and word[0] != "q":
            yield Part("word", token.start(), place, word)
        elif match := _scanner().match(text, token.start()):
            yield from _told(match.lastgroup or "", match)
            place = max(match.end(), token.start() + 1)
        token = _TOKEN.search(text, place)


def _told(kind: str, match: re.Match[str]) -> Iterator[Part]:
    """Yield what is told at one place: "3 x 10 mg daily" is two parts."""
    part = _part(kind, match)
    if kind != "multiple":
        yield part
        return
    doubtful = part.doubtful or (part.low or 0) > MOST_TIMES
    yield replace(part, kind="times", high=part.low, unit="", doubtful=doubtful)
    yield replace(part, kind="amount", low=part.high)


def _names(kind: str, match: re.Match[str]) -> dict[str, str | None]:
    """Return the named numbers of a part: those of the alternative that is as long as the whole."""
    tried = (pattern.match(match.string, match.start()) for pattern in _alone(kind))
    return next((found.groupdict() for found in tried if found and found.end() == match.end()), {})


def _part(kind: str, match: re.Match[str]) -> Part:
    named = _names(kind, match)
    low, high, third = (number(named.get(g)) for g in "abc")
    doubtful = any(named.get(g) and number(named[g]) is None for g in "abc")
    unit = named.get("u") or ""
    changed = high is not None and match.string[: match.start()].endswith("from ")
    minus = kind in ("amount", "total") and _MINUS.search(match.string, 0, match.start())
    if kind == "often":
        low, high = _often(named.get("f") or ""), _often(more) if (more := named.get("g")) else None
    elif kind == "tabs":
        low, high = _tablets(named, low, high)
    elif kind == "scheme":
        kind, low, high = "tabsday", sum(float(named.get(g) or 0) for g in "abcd"), None
    elif kind == "every" and low is None and not doubtful:
        low = 1
    high = low if high is None else high
    return Part(
        kind,
        match.start(),
        match.end(),
        match.group(),
        low,
        high,
        unit,
        third,
        doubtful or changed or bool(minus),
    )


def _often(text: str) -> float:
    return _OFTEN.get(re.sub(r"[^a-z]", "", text), 1)


def _tablets(
    named: dict[str, str | None], low: float | None, high: float | None
) -> tuple[float | None, float | None]:
    if part := named.get("p"):
        return _fraction(part), None
    if roman := named.get("r"):
        return _ROMAN[roman], _ROMAN.get(named.get("s") or "")
    return (1, None) if low is None and not named.get("a") else (low, high)


def _fraction(text: str) -> float:
    if text in _PARTS:
        return _PARTS[text]
    *whole, part = text.split(" ")
    over, under = part.split("/")
    return float(whole[0] if whole else 0) + int(over) / int(under)


def hours(part: Part) -> tuple[float, float] | None:
    """Return the shortest and longest interval of an "every" part, in hours; None when unclear."""
    if part.low is None or part.high is None or part.unit.startswith("min"):
        return None
    each = _HOURS.get(part.unit[:1] or "h", 1)
    return part.low * each, part.high * each
