"""How far a name goes, and what its neighbours say about it."""

from dialogs.identifiers.finding import Tier
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.words import (
    NAMEISH,
    NICK,
    PARTICLES,
    STOP,
    STRONG_VERBS,
    WEAK_VERBS,
)
from dialogs.identifiers.tokens import Reading, Token

Hit = tuple[int, Tier]
"""The index of the last token of a name, and the tier."""

_LONGEST = 4
_JOINTS = frozenset({" ", "-", ". ", " '"})


def last_of(reading: Reading, index: int, *, loose: bool = False) -> int:
    """The last token of the name that begins here: names, particles and initials that follow.

    `loose` lets an everyday word that is a family name too (Young) be the second.
    """
    last = index
    for at in range(index + 1, index + 1 + _LONGEST):
        if not _belongs(reading, at, index, loose=loose and at == index + 1):
            break
        token = reading.at(at)
        if token.low not in PARTICLES or token.has(Sense.NAME):
            last = at
    return last


def _belongs(reading: Reading, at: int, first: int, *, loose: bool) -> bool:
    token, head = reading.at(at), reading.at(first)
    if token.gap not in _JOINTS or not token.alpha or token.opens:
        return False
    joined = token.gap == "-" and token.capital and reading.low(at - 1) in PARTICLES
    if joined or token.low in PARTICLES or _of_state(token, head):
        return True
    if len(token.text) == 1:
        return token.capital and token.low != "i"
    if token.has(Sense.FIELD | Sense.HEAD) or token.low in STOP or _small_verb(token):
        return False
    if not head.capital or reading.shouted:
        return token.has(NAMEISH) or not token.sense or (loose and token.has(Sense.FAMILY))
    half = token.gap == "-" and not token.has(Sense.EVERYDAY)
    return half or (token.capital and token.upper == head.upper)


def _of_state(token: Token, head: Token) -> bool:
    """Whether a state is the family name here, as in Terrell Washington."""
    family = token.known(Sense.STATE | Sense.FAMILY) and token.capital and not token.upper
    return family and token.gap == " " and head.capital and head.known(Sense.GIVEN | Sense.NAME)


def _small_verb(token: Token) -> bool:
    return token.low in STRONG_VERBS and not token.capital


def first_of(reading: Reading, index: int) -> int:
    """The first token: a nickname word such as "Big" may stand before."""
    before = reading.at(index - 1)
    nick = before.capital and before.low in NICK and not before.opens
    return index - 1 if nick and reading.at(index).gap == " " else index


def verb_at(reading: Reading, at: int) -> bool:
    return reading.low(at) in STRONG_VERBS or reading.low(at) in WEAK_VERBS


def acts(reading: Reading, index: int) -> bool:
    """Whether a verb of doing or saying follows."""
    return reading.low(index + 1) in STRONG_VERBS - WEAK_VERBS


def next_word(reading: Reading, index: int) -> Token | None:
    """The next token if it stands close and is a word of some length and weight."""
    token = reading.at(index + 1)
    close = token.alpha and token.gap in {" ", "-"}
    return token if close and token.low not in STOP and len(token.low) > 2 else None


def proper(token: Token) -> bool:
    """Whether it can be a name at all: a capital, no word of the field, no small word."""
    return (
        token.capital
        and len(token.low) > 1
        and not token.has(Sense.FIELD | Sense.HEAD)
        and token.low not in STOP
        and not (token.upper and not token.has(NAMEISH))
    )
