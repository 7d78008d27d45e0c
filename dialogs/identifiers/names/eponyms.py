"""Names that stand for a disease, a test, a method, a paper or an institution."""

from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.extent import verb_at
from dialogs.identifiers.names.words import CALLED, CITED, FAMOUS, JOURNAL, NAMEISH, WEAK_VERBS
from dialogs.identifiers.tokens import Reading, Token

_WINDOW = 3
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
    head = reading.at(last + 1)
    close = head.gap in {" ", "-", "/"} and head.has(Sense.HEAD)
    owner = token.owns or (last == index + 1 and reading.at(last).owns)
    return close and not (owner and token.has(Sense.GIVEN) and not token.has(Sense.EPONYM))


def _hyphened(reading: Reading, index: int) -> bool:
    """Whether it begins a pair such as Hawkins-Kennedy that neither acts nor owns."""
    first = index - 1 if reading.at(index).gap == "-" else index
    token, other = reading.at(first), reading.at(first + 1)
    pair = token.has(Sense.EPONYM) and other.gap == "-" and other.capital
    return pair and not (verb_at(reading, first + 2) or other.owns)


def _famous(reading: Reading, index: int) -> bool:
    before, low, after = (reading.low(at) for at in (index - 1, index, index + 1))
    return (low, after) in FAMOUS or (before, low) in FAMOUS


def _run(reading: Reading, index: int) -> int:
    """The last of the capitals that stand together from here on."""
    last = index
    while last < index + _WINDOW and _linked(reading.at(last + 1)):
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
    if JOURNAL.match(reading.text, token.start):
        return True
    return not token.has(Sense.MAYBE) and CITED.match(reading.text, token.end) is not None
