"""Names in small letters, or where all is in capitals, without a cue."""

import re

from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.eponyms import is_eponym
from dialogs.identifiers.names.extent import Hit, acts, last_of, next_word
from dialogs.identifiers.names.words import PERSON, PERSON_MODALS
from dialogs.identifiers.tokens import Reading

_SHORT = 3
_AGE_SEX = re.compile(r"\d{2}(?:yo|y|yr|yrs)?[mf]?|\d{2}yo[mf]")
_FIRST_FAR = "\u0590"
"""From Hebrew on, one letter may be a word; before it are the Greek signs of formulas."""


def in_small_letters(reading: Reading, index: int) -> Hit | None:
    """Two known names together, or one that acts or owns."""
    token = reading.at(index)
    if _aged(reading, index):
        return index + 1, "soft"
    if token.has(Sense.MAYBE) and token.owns and reading.low(index + 1) in PERSON:
        return index, "soft"
    if (
        not token.known(Sense.NAME | Sense.GIVEN)
        or token.has(Sense.CITY)
        or is_eponym(reading, index)
    ):
        return None
    other = next_word(reading, index)
    if other and other.known(Sense.NAME | Sense.FAMILY) and len(token.low) >= _SHORT:
        return last_of(reading, index), "hard"
    doing = acts(reading, index) or reading.low(index + 1) in PERSON_MODALS
    if len(token.low) > _SHORT and (doing or token.owns):
        return last_of(reading, index), "soft"
    return None


def _aged(reading: Reading, index: int) -> bool:
    """Whether two words of no dictionary, or names, have an age and sex after them: kemunto wamboi 44f."""
    token, other, age = reading.at(index), reading.at(index + 1), reading.at(index + 2)
    known = Sense.WORD | Sense.FIELD | Sense.HEAD
    two = other.alpha and other.gap == " " and len(token.low) > 2 and len(other.low) > 2
    return (
        two and _AGE_SEX.fullmatch(age.low) is not None and not (token.sense | other.sense) & known
    )


def in_other_script(reading: Reading, index: int) -> Hit | None:
    """Words in a script other than ours."""
    last = index
    if not _other(reading, index):
        return None
    while _other(reading, last + 1) and reading.at(last + 1).gap == " ":
        last += 1
    return last, "soft"


def _other(reading: Reading, index: int) -> bool:
    word = reading.at(index).text
    foreign = [char for char in word if not char.isascii()]
    return bool(foreign) and (len(word) > 2 or len(foreign) > 1 or foreign[0] >= _FIRST_FAR)
