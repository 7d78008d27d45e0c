"""Names after a word that makes one likely: "named", "patient", "his wife", "spoke with"."""

from dialogs.identifiers.finding import Tier
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.eponyms import is_eponym
from dialogs.identifiers.names.extent import Hit, last_of, next_word, proper, verb_at
from dialogs.identifiers.names.words import (
    COPULA,
    KIN,
    NAMED_BEFORE_IS,
    NAMEISH,
    NAMING,
    NICK,
    NOT_PEOPLE,
    OWNERS,
    PARTICLES,
    PERSON,
    SMALL_VERBS,
    SPEAKING,
    STOP,
    WITHHELD,
)
from dialogs.identifiers.tokens import Reading, Token

_LONGEST_GAP = 4
_SPEAKING_GAPS = frozenset({" ", "/ ", "/", ": "})
_SUBJECTS = frozenset({"patient", "pt", "this", "wife", "husband"})
_SHORT = 3


def introduced(reading: Reading, index: int) -> Hit | None:
    token = reading.at(index)
    if len(token.low) < _SHORT - 1 or token.has(Sense.FIELD):
        return None
    cue = _cue(reading, index)
    if cue == "naming":
        return None if _known_as(reading, index) else _named(reading, index)
    if not cue or is_eponym(reading, index):
        return None
    return _of_person(reading, index) if cue == "person" else _spoken(reading, index)


def _cue(reading: Reading, index: int) -> str:
    """What the words before announce: "naming", "person", "speaking" or nothing."""
    token, before = reading.at(index), reading.low(index - 1)
    gap = token.gap
    if before in NICK and gap == " " and token.has(Sense.NAME):
        return _cue(reading, index - 1)
    if len(gap) > _LONGEST_GAP or any(sign in gap for sign in "\n;!?)"):
        return ""
    if _naming(reading, index):
        return "naming"
    if before in PERSON and not gap.startswith("."):
        return "" if reading.at(index - 1).owns else "person"
    if before == "is" and reading.low(index - 2) in _SUBJECTS:
        return "person" if token.capital else "speaking"
    return "speaking" if before in SPEAKING and gap in _SPEAKING_GAPS else ""


def _known_as(reading: Reading, index: int) -> bool:
    """Whether it is a disease or a short form that is known by this name: known as HTLV."""
    token, before = reading.at(index), reading.at(index - 1)
    called = before.low == "as" or reading.low(index - 1) == "called"
    short = token.upper and not token.known(Sense.NAME | Sense.GIVEN) and not reading.shouted
    return called and (short or is_eponym(reading, index))


def _naming(reading: Reading, index: int) -> bool:
    before = reading.low(index - 1)
    if before in COPULA and reading.low(index - 2) in NAMED_BEFORE_IS:
        return reading.low(index - 3) not in NOT_PEOPLE
    if before not in NAMING or reading.at(index).gap.startswith("."):
        return False
    return reading.low(index - 2) not in NOT_PEOPLE


def _named(reading: Reading, index: int) -> Hit | None:
    token = reading.at(index)
    if token.low in STOP | WITHHELD or token.has(Sense.FIELD | Sense.HEAD):
        return None
    if token.capital and not reading.shouted:
        return last_of(reading, index, loose=True), "hard"
    if token.has(NAMEISH) or not token.has(Sense.WORD) or _partnered(reading, index):
        tier: Tier = "hard" if token.has(NAMEISH) else "soft"
        return last_of(reading, index, loose=True), tier
    return None


def _partnered(reading: Reading, index: int) -> bool:
    """Whether a family name, or a word of no list, follows a word that may be a given name."""
    token, other = reading.at(index), next_word(reading, index)
    if other is None or (token.has(Sense.EVERYDAY) and not token.has(Sense.GIVEN)):
        return False
    return other.has(Sense.NAME | Sense.FAMILY) or not other.sense


def _of_person(reading: Reading, index: int) -> Hit | None:
    token = reading.at(index)
    if not token.capital or reading.shouted:
        return small_after(reading, index, alone=True)
    given = token.has(Sense.GIVEN) and not token.opens
    if proper(token) and (token.has(NAMEISH) or given or not token.has(Sense.WORD)):
        return last_of(reading, index, loose=True), "hard"
    return None


def small_after(reading: Reading, index: int, *, alone: bool) -> Hit | None:
    """A name in small letters after a person word; `alone` lets a known given name stand by itself."""
    token, other = reading.at(index), next_word(reading, index)
    if len(token.low) < _SHORT:
        return None
    if token.has(NAMEISH | Sense.GIVEN) and _particled(reading, index):
        return last_of(reading, index, loose=True), "soft"
    if other is not None and _full_name(token, other, alone=alone):
        firm = token.has(Sense.NAME) and not other.has(Sense.FIELD)
        return last_of(reading, index, loose=True), "hard" if firm else "soft"
    if alone and _relative(reading, index):
        return last_of(reading, index), "soft"
    if alone and token.has(Sense.NAME) and (token.has(Sense.GIVEN) or verb_at(reading, index + 1)):
        return index, "hard" if token.has(Sense.GIVEN) else "soft"
    return None


def _particled(reading: Reading, index: int) -> bool:
    """Whether a particle and a word of no everyday kind follow: mees van ooste."""
    particle, family = reading.at(index + 1), reading.at(index + 2)
    if particle.low in PARTICLES and family.low in PARTICLES:
        family = reading.at(index + 3)
    close = particle.gap == family.gap == " " and family.alpha and len(family.low) > _SHORT
    return (
        particle.low in PARTICLES - STOP and close and not family.has(Sense.EVERYDAY | Sense.FIELD)
    )


def _relative(reading: Reading, index: int) -> bool:
    """Whether an everyday word that may be a given name stands between kin and verb: her son tyler has."""
    of_someone = reading.low(index - 2) in OWNERS or reading.at(index - 2).owns
    kin = reading.low(index - 1) in KIN and of_someone
    named = reading.at(index).has(Sense.MAYBE) and reading.low(index) not in SMALL_VERBS
    return kin and named and verb_at(reading, index + 1)


def _full_name(token: Token, other: Token, *, alone: bool) -> bool:
    if other.has(Sense.FIELD):
        return False
    if token.has(Sense.NAME):
        return other.has(Sense.NAME | Sense.FAMILY) or not other.sense
    if not token.sense:
        return not other.sense or other.has(Sense.NAME)
    if token.low in SMALL_VERBS:
        return other.has(Sense.NAME)
    if token.has(Sense.MAYBE) and (
        other.has(Sense.NAME | Sense.FAMILY) or (alone and not other.sense)
    ):
        return True
    return token.has(Sense.GIVEN) and other.known(Sense.NAME | Sense.FAMILY)


def _spoken(reading: Reading, index: int) -> Hit | None:
    """After "with", "told", "saw": small letters need a second name, or a common given name."""
    token, other = reading.at(index), next_word(reading, index)
    if token.capital and not reading.shouted:
        return None
    if other is not None and token.has(NAMEISH) and other.has(Sense.NAME):
        return small_after(reading, index, alone=False)
    if other is not None and _two_unknown(token, other):
        return last_of(reading, index), "soft"
    if (
        token.known(Sense.NAME | Sense.GIVEN)
        and len(token.low) > _SHORT
        and not token.has(Sense.CITY)
        and token.low not in SMALL_VERBS
    ):
        return last_of(reading, index), "soft"
    return None


def _two_unknown(token: Token, other: Token) -> bool:
    """Two words no dictionary has, of which one may be a name."""
    plain = not (token.sense | other.sense) & (Sense.WORD | Sense.FIELD | Sense.HEAD)
    return plain and len(token.low) >= _SHORT
