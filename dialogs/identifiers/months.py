"""Dates with the month, the day of the week or the holiday as a word."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import unit_after

_MONTHS = set_of(
    "jan january feb february mar march apr april may jun june jul july aug august sep sept "
    "september oct october nov november dec december"
)
_SPANISH = set_of(
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre "
    "diciembre"
)
_DAY = re.compile(r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?$")
_ONES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_TEENS = (
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
)
_ORDINALS = frozenset((*_ONES, *_TEENS, "twentieth", "thirtieth"))
_VERBS_AFTER_MAY = set_of(
    "be help cause need not have also repeat worsen increase decrease reduce require take "
    "make get lead still well then"
)
_MONTH_GAP = re.compile(r"\s{0,2}[.,]?\s{0,2}[-/]?\s{0,2}(?:the\s)?$")
_ORDER_GAPS = frozenset({" ", "-", "/", " - ", "", ".", ", ", ". "})
_WEEKDAYS = set_of(
    "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat "
    "saturday sun sunday"
)
_HOLIDAYS = re.compile(
    r"\b(?:on|since)\s(?:the\s)?(?:christmas(?:\s(?:day|eve))?|xmas(?:\sday)?|new "
    r"year'?s?(?:\s(?:day|eve))?|"
    r"thanksgiving(?:\sday)?|halloween|valentine'?s(?:\sday)?|(?:the\s)?(?:4th|fourth) of "
    r"july|juneteenth|labor day|memorial day|veterans day|mlk day|easter(?:\ssunday)?|cinco "
    r"de mayo|st\.? patrick'?s day)\b",
    re.IGNORECASE,
)
_NTH = re.compile(
    r"\b(?:on|since|until|till|by|for|due|from) (the \d{1,2}(?:st|nd|rd|th))(?=[.,;)\n]|$| at | and | of "
    r"(?:this|last|next))"
)
_DATE_CUES = set_of("on since until till by from due of before after for")
_VERBS_TOO = frozenset({"may", "march", "mar"})
_YEAR = re.compile(r"(?:19|20)\d\d")
_NTH_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)")
_YEAR_GAPS = frozenset({" ", ", ", ",", ". ", "-", "/"})
_SHORT_YEAR = re.compile(r"\d\d")
_SHORT_YEAR_GAPS = frozenset({" '", ", '"})
_OF_A_YEAR = frozenset({"of", "de", "del"})
_NUMBERED = re.compile(r"(?<![\d/.-])(?:0?[1-9]|1[0-2])/(?:19|20)\d\d(?![\d/-])")
"""10/2023, a month and its year."""
_PUBLISHED = re.compile(
    r"\b(?:guidelines?|guidance|guide|label|labell?ing|rules?|statements?|updated?|published|version|"
    r"editions?|revision|revised|manual|stud(?:y|ies)|trials?|et al|article|issue|review|amended|effective|"
    r"approved|recalled|advisory|bulletin|policy|law|act|cdc|fda|asam|samhsa|dea|hhs|nida|cms|who|tip)\b"
)
"""What has a month of its own, which is nobody's."""
_COMPACT = re.compile(
    r"(?:[12]\d|3[01]|0?[1-9])(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)(?:\d\d){1,2}"
)
"""20MAR2025, as machines print it."""
_WEEKDAY_BEFORE = re.compile(
    r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? (?:the )?$"
)
_CLOCK_OR_SPAN = re.compile(r"[:.]\d|/\d|\s?-\s?(?:day|week|month)")
_NO_UNIT = re.compile(r"\s(?:to|at|of|am|pm|in|or)\b")
_VERB_OBJECT = re.compile(r"\s(?!(?:and|at|to|for|with|he|she|pt|on)\b)[a-z]")
_YEAR_FOLLOWS = re.compile(r"\W{0,2}(?:19|20)?\d\d(?!\d)")

Span = tuple[int, int]
"""The first and the last token of a date."""


def month_days(reading: Reading) -> Iterator[Finding]:
    for index, token in enumerate(reading.tokens):
        span = None
        if token.low in _MONTHS:
            span = _day_after(reading, index) or _day_before(reading, index)
        elif token.low in _SPANISH:
            span = _day_before(reading, index)
        elif token.low in _WEEKDAYS:
            span = _nth_after(reading, index)
        elif _COMPACT.fullmatch(token.low):
            span = (index, index)
        if span:
            yield Finding(reading.at(span[0]).start, _with_year(reading, span[1]), "date", "hard")
    low = reading.text.lower()
    yield from (Finding(*found.span(), "date", "soft") for found in _HOLIDAYS.finditer(low))
    yield from (Finding(*found.span(1), "date", "soft") for found in _NTH.finditer(low))


def month_years(reading: Reading) -> Iterator[Finding]:
    """A month with its year, which narrows down when something was; that of a publication passes.

    Source: 45 CFR 164.514(b)(2)(i)(C), which leaves nothing of a date but the year.
    """
    for index, token in enumerate(reading.tokens):
        if token.low in _MONTHS or token.low in _SPANISH:
            linked = reading.low(index + 1) in _OF_A_YEAR
            year = reading.at(index + 2 if linked else index + 1)
            if _is_year(year) and not _of_a_publication(reading, token.start, year.end):
                yield Finding(token.start, year.end, "date", "soft")
    for found in _NUMBERED.finditer(reading.text):
        if not _of_a_publication(reading, *found.span()):
            yield Finding(*found.span(), "date", "soft")


def _of_a_publication(reading: Reading, start: int, end: int) -> bool:
    return bool(_PUBLISHED.search(reading.before(start)) or _PUBLISHED.search(reading.after(end)))


def with_weekday(reading: Reading, finding: Finding) -> Finding:
    """The finding, from the day of the week on if it is a date and one stands right before it."""
    before = reading.before(finding.start, 16)
    day = _WEEKDAY_BEFORE.search(before) if finding.kind == "date" else None
    start = finding.start - len(before) + day.start() if day else finding.start
    return Finding(start, finding.end, finding.kind, finding.tier)


def _with_year(reading: Reading, last: int) -> int:
    """Where the date ends, with the year that follows if there is one."""
    year = reading.at(last + 1)
    return year.end if _is_year(year) else reading.at(last).end


def _is_year(token: Token) -> bool:
    """Whether this is the year of the day or month before it: 2023, or '23."""
    if token.gap in _YEAR_GAPS:
        return _YEAR.fullmatch(token.low) is not None
    return token.gap in _SHORT_YEAR_GAPS and _SHORT_YEAR.fullmatch(token.low) is not None


def _day_after(reading: Reading, index: int) -> Span | None:
    """March 3, Jan. 5th, feb 28, March the third, June twenty-first."""
    at = index + 2 if reading.low(index + 1) == "the" else index + 1
    if not _MONTH_GAP.match(reading.at(at).gap):
        return None
    if _DAY.match(reading.low(at)):
        return None if _no_day(reading, index, at) else (index, at)
    last = _ordinal(reading, at)
    if last is None or (reading.low(index) in _VERBS_TOO and _verbal(reading, index)):
        return None
    return index, last


def _verbal(reading: Reading, index: int) -> bool:
    """Whether "may" or "march" is likely the verb: small letters and no word of time before."""
    return not reading.at(index).capital and reading.low(index - 1) not in _DATE_CUES


def _no_day(reading: Reading, index: int, at: int) -> bool:
    """Whether the number after the month is a dose, a count, a clock time or part of a span."""
    day = reading.at(at)
    if not day.low[-1].isdigit():
        return False
    if unit_after(reading.text, day.end) or _CLOCK_OR_SPAN.match(reading.text, day.end):
        return _NO_UNIT.match(reading.text, day.end) is None
    verb = reading.low(index) == "may" and _verbal(reading, index)
    return verb and _VERB_OBJECT.match(reading.text, day.end) is not None


def _ordinal(reading: Reading, at: int) -> int | None:
    """The last token of an ordinal in words that begins here, or nothing."""
    if reading.low(at) in {"twenty", "thirty"} and reading.low(at + 1) in _ONES:
        return at + 1
    return at if reading.low(at) in _ORDINALS else None


def _day_before(reading: Reading, index: int) -> Span | None:
    """12 August, 14-Mar, 3rd of March, the third of March, 14 de marzo."""
    linked = reading.low(index - 1) in {"of", "de"}
    at = index - 2 if linked else index - 1
    if not linked and (reading.at(index).gap not in _ORDER_GAPS or reading.low(index) in _SPANISH):
        return None
    if _DAY.match(reading.low(at)):
        return (at, index) if linked or not _dose_before(reading, at, index) else None
    if not linked or _ordinal(reading, at) is None:
        return None
    return (at - 1 if reading.low(at - 1) in {"twenty", "thirty"} else at), index


def _dose_before(reading: Reading, at: int, index: int) -> bool:
    """Whether the number before the month is no day, as in "8 may help" or "1.5 mar"."""
    day, month = reading.at(at), reading.at(index)
    if day.low[-1].isalpha():
        return False
    if day.gap[-1:] in {".", "/", "-"} and reading.low(at - 1).isdigit():
        return True
    if month.low in _VERBS_TOO and not month.capital:
        return _YEAR_FOLLOWS.match(reading.text, month.end) is None
    return reading.low(index + 1) in _VERBS_AFTER_MAY


def _nth_after(reading: Reading, index: int) -> Span | None:
    """Tuesday the 9th, Sat 14th, Monday the third."""
    at = index + 2 if reading.low(index + 1) == "the" else index + 1
    if reading.at(at).gap not in {" ", ", "}:
        return None
    if _NTH_DAY.fullmatch(reading.low(at)):
        return index, at
    last = _ordinal(reading, at) if at == index + 2 else None
    return None if last is None else (index, last)
