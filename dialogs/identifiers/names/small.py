"""Names in small letters, or where all is in capitals, without a cue."""

from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.eponyms import is_eponym
from dialogs.identifiers.names.extent import Hit, acts, last_of, next_word
from dialogs.identifiers.names.words import PERSON, PERSON_MODALS
from dialogs.identifiers.tokens import Reading

_SHORT = 3


def in_small_letters(reading: Reading, index: int) -> Hit | None:
    """Two known names together, or one that acts or owns."""
    token = reading.at(index)
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


def in_other_script(reading: Reading, index: int) -> Hit | None:
    """Words in a script other than ours."""
    last = index
    if not _other(reading, index):
        return None
    while _other(reading, last + 1) and reading.at(last + 1).gap == " ":
        last += 1
    return last, "soft"


def _other(reading: Reading, index: int) -> bool:
    return sum(not char.isascii() for char in reading.at(index).text) > 1
