"""Names that stand for a disease, a test, a method, a paper or an institution."""

import re

from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.extent import verb_at
from dialogs.identifiers.names.words import (
    AUTHORS,
    CALLED,
    CITED,
    COUNTRIES,
    FAMOUS,
    JOURNAL,
    NAMEISH,
    RESULTS,
    STOP,
    TESTS,
    WEAK_VERBS,
)
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import unit_after

_WINDOW = 3
_BEFORE_RESULTS = frozenset({" ", ": ", " = ", "=", "-"})
_GRADE = re.compile(r"\d{1,3}|[IVX]{1,4}[AaBb]?|[A-D]")
_DATED = re.compile(r",? (?:19|20)\d\d[a-z]?[;)]")
_ENDS_AGE = re.compile(r" ?-?/?(?:[ymfYMF]\b|yo|y/?o|yr|year)")
_LINKS = frozenset({" ", "-", "/", ". "})


def is_eponym(reading: Reading, index: int) -> bool:
    token = reading.at(index)
    if _famous(reading, index):
        return True
    if token.has(Sense.ALWAYS):
        return not _person(reading, index)
    last = _run(reading, index)
    if _hyphened(reading, index):
        return True
    if any(_marks(reading.at(at), token) for at in range(index + 1, last + 1)):
        return True
    if token.has(Sense.EPONYM) and (_measured(reading, last) or _graded(reading, index)):
        return True
    head = reading.at(last + 1)
    close = head.gap in {" ", "-", "/"} and head.has(Sense.HEAD)
    owner = token.owns or (last == index + 1 and reading.at(last).owns)
    return close and not (owner and token.has(Sense.GIVEN) and not token.has(Sense.EPONYM))


def _graded(reading: Reading, index: int) -> bool:
    """Whether a grade in capitals follows right away: Fontaine IIb, Weber B fracture."""
    grade = reading.at(index + 1)
    if grade.gap != " " or not _GRADE.fullmatch(grade.text) or not grade.alpha:
        return False
    initial = len(grade.text) == 1 and reading.text[grade.end : grade.end + 1] in {".", "'", ""}
    return not initial and not (len(grade.text) == 1 and verb_at(reading, index + 2))


def _measured(reading: Reading, last: int) -> bool:
    """Whether a result, a score or a grade follows, or one word more and a test: Beck 22, Murphy neg."""
    result, head = reading.at(last + 1), reading.at(last + 2)
    if result.gap not in _BEFORE_RESULTS or result.opens:
        return False
    if result.low in RESULTS:
        return head.low != "for"
    if _GRADE.fullmatch(result.text):
        return not (
            _ENDS_AGE.match(reading.text, result.end) or unit_after(reading.text, result.end)
        )
    named = result.has(Sense.EVERYDAY) and not result.capital and result.low not in STOP
    return named and head.gap == " " and head.low in TESTS and not verb_at(reading, last + 1)


def _hyphened(reading: Reading, index: int) -> bool:
    """Whether it begins a pair such as Hawkins-Kennedy that neither acts nor owns."""
    first = index - 1 if reading.at(index).gap == "-" else index
    token, other = reading.at(first), reading.at(first + 1)
    pair = token.has(Sense.EPONYM) and other.gap == "-" and other.capital
    return pair and not (verb_at(reading, first + 2) or other.owns)


def _famous(reading: Reading, index: int) -> bool:
    before, low, after = (reading.low(at) for at in (index - 1, index, index + 1))
    pairs = {(low, after), (before, low)}
    return not (pairs.isdisjoint(FAMOUS) and pairs.isdisjoint(COUNTRIES))


def _run(reading: Reading, index: int) -> int:
    """The last of the capitals that stand together from here on."""
    last = index
    while last < index + _WINDOW and _linked(reading.at(last + 1)) and not reading.shouted:
        last += 1
    also = reading.low(last + 1) == "and" and reading.at(index).has(Sense.EPONYM)
    return last + 2 if also and reading.at(last + 2).capital else last


def _linked(token: Token) -> bool:
    return token.gap in _LINKS and (token.capital or token.gap == "-")


def _marks(token: Token, first: Token) -> bool:
    """Whether a later word of the run makes the first one an eponym."""
    if first.owns and token.capital and token.low in CALLED:
        return True
    if token.has(Sense.HEAD):
        return not (
            token.capital and first.known(Sense.GIVEN | Sense.NAME) and token.has(Sense.FAMILY)
        )
    return token.has(Sense.ALWAYS) and (token.gap != " " or first.has(Sense.EPONYM))


def _person(reading: Reading, index: int) -> bool:
    """Whether the bearer of a famous name acts here, or has a given name before it."""
    token, before = reading.at(index), reading.at(index - 1)
    acting = verb_at(reading, index + 1) and reading.low(index + 1) not in WEAK_VERBS
    given = (
        before.capital and token.gap == " " and before.known(Sense.GIVEN) and before.has(NAMEISH)
    )
    return (acting and token.has(Sense.NAME)) or given


def is_citation(reading: Reading, index: int) -> bool:
    """Whether it is the author of a paper: Sordo 2017, Wakeman and colleagues."""
    token = reading.at(index)
    if JOURNAL.match(reading.text, token.start) or AUTHORS.match(reading.text, token.end):
        return True
    if token.gap.endswith("(") and _DATED.match(reading.text, token.end):
        return True
    return not token.has(Sense.MAYBE) and CITED.match(reading.text, token.end) is not None
