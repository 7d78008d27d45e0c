"""Names after a title: Mr. Tran, mrs young, Dr. Patel, Officer Reyes, Aunt Bernadette."""

from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.extent import Hit, last_of, proper
from dialogs.identifiers.names.words import (
    CIVIL,
    CLINICAL,
    ELDER,
    KIN_TITLE,
    NAMEISH,
    OFFICE,
    PARTICLES,
    STOP,
    TITLES,
)
from dialogs.identifiers.tokens import Reading, Token

_GAPS = frozenset({" ", ". ", "."})
_SHORT = 3
_WRITTEN_OUT = frozenset({"Mr", "Mrs", "Ms"})
_SCAN = frozenset(
    [
        "imaging",
        "images",
        "image",
        "scan",
        "scans",
        "angiogram",
        "angiography",
        "venogram",
        "sequence",
    ]
)


def after_title(reading: Reading, index: int) -> Hit | None:
    title, name = reading.at(index), reading.at(index + 1)
    if title.text == "TIA" or title.low not in TITLES or name.gap not in _GAPS or not name.alpha:
        return None
    if title.low in CIVIL and _civil(title, name):
        return last_of(reading, index + 1, loose=True), "hard"
    if title.low in ELDER and _elder(reading, index):
        return last_of(reading, index + 1), "hard"
    if title.low in CLINICAL and _clinical(title, name):
        return last_of(reading, index + 1), "soft"
    if (title.low in OFFICE or title.low in KIN_TITLE) and _person(title, name):
        return last_of(reading, index + 1), "hard" if title.low in KIN_TITLE else "soft"
    return None


def _civil(title: Token, name: Token) -> bool:
    """Mr, Mrs, Ms and their like; "MR", "MS" and "ms" have other meanings, so has "miss"."""
    if title.text in _WRITTEN_OUT and name.capital and not name.upper:
        return True
    if name.low in PARTICLES or len(name.low) == 1:
        return title.low in {"mr", "mrs"} or title.text == "Ms"
    if name.low in STOP | _SCAN or (name.has(Sense.FIELD) and not _namelike(name)):
        return False
    if title.upper or title.low in {"miss", "ms"}:
        return _strictly(title, name)
    return True


def _namelike(name: Token) -> bool:
    return len(name.low) > _SHORT and name.has(Sense.STATE | Sense.GIVEN | Sense.FAMILY)


def _strictly(title: Token, name: Token) -> bool:
    if title.text == "Miss":
        return name.capital
    if title.low == "miss":
        return False
    if title.upper:
        return name.capital and (name.has(NAMEISH) or not name.sense)
    firm = not title.opens or name.known(Sense.FAMILY | Sense.NAME)
    return name.has(Sense.NAME) and firm


def _elder(reading: Reading, index: int) -> bool:
    """Sr. Rosario, but not "John Smith Sr."."""
    title, before = reading.at(index), reading.at(index - 1)
    after_name = before.capital and before.has(Sense.NAME)
    return title.capital and not title.upper and proper(reading.at(index + 1)) and not after_name


def _clinical(title: Token, name: Token) -> bool:
    if name.low in STOP or name.has(Sense.FIELD):
        return False
    if name.capital and not name.upper:
        return title.capital or not name.has(Sense.EVERYDAY) or name.has(Sense.NAME)
    return name.has(Sense.NAME) and title.low in {"dr", "drs"}


def _person(title: Token, name: Token) -> bool:
    return proper(name) and (title.capital or name.has(NAMEISH))
