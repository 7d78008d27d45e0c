"""Ages of ninety and more: in digits, in words, and as a year of birth."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import unit_after

_NINETY = re.compile(r"(?:9\d|1[01]\d)(?!\d)")
_AGE_AFTER = re.compile(
    r"(?:\s?-?\s?(?:y/?\s?o|y\.\s?o\.?|yo[mfwb]?|yr-?\s?olds?|yrs?\.?[\s-](?:olds?|of age|"
    r"young)|years?[\s-](?:olds?|of age|young)|year-?olds?|y[mf])(?![a-z])"
    r"|\s?-?\s?(?:yr|yrs|years|y)\s?/?\s?(?:[mf]|male|female|man|woman|lady|gentleman)(?![a-z])"
    r"|\s?/\s?[mfMF](?![a-zA-Z/])|(?:st|nd|rd|th)\s(?:birthday|bday|year of life)|\s?(?:ano|"
    r"año)s(?! (?:con|en|de (?!edad)))(?: de edad)?(?=\W|$))",
    re.IGNORECASE,
)
_SEX_AFTER = re.compile(r"\s?[MF](?![A-Za-z/.°])|[mf](?![A-Za-z/.°])")
_NOT_OLDER = re.compile(
    r"(?:over|above|under|than|least|most|>|<|≥|≤|=|age range|up to|beyond|past|below|until|"
    r"to|-|–)\s?(?:the\s)?(?:age\s)?(?:of\s)?$"
)
_AGE_BEFORE = re.compile(
    r"(?:\b(?:age|aged|edad|turns|turned|turning|turn)\b(?:\s(?:is|of|was|now|de|around|about|"
    r"approx|approximately|just|listed as|today))?\W{0,3}|"
    r"\b(?:at|is now|now) age\W{0,3}|\bage/sex\W{0,3}|\bold as\W{0,2})$"
)
_AGED = re.compile(r"\baged? $")
_PERSON_IS = re.compile(
    r"\b(?:he|she|they|who|pt|patient|mother|father|mom|dad|grandma|grandpa|grandmother|"
    r"grandfather|granny|nana|wife|husband|aunt|uncle|client|veteran|man|woman|lady|gentleman|"
    r"resident)"
    r"(?:'s|'re| is| was|,)(?: now| only| already| almost| nearly| about)?\s$"
)
_ENDS_AGE = re.compile(
    r"\s{0,2}(?:[,.;!?)](?!\d)|$|\n|now\b|already\b|today\b|and\b|with\b|w/|but\b|so\b|yet\b|who\b|"
    r"years?\b(?! (?:ago|"
    r"of|in|since|clean|sober)))"
)
_TEMPERATURE = re.compile(
    r"(?:\bt|temp|temperature|tmax|tm|febrile|fever|afebrile|to|of|°|\d)\W{0,3}(?:is|was|of|=)"
    r"?\W{0,3}$"
)
# who was born in 1936 or before: the guard knows no today, and errs on the safe side
_BIRTH_YEAR = re.compile(
    r"\b(?:born|b\.|birth year|year of birth|yob|dob|d\.o\.b\.?)(?:\s(?:in|is|was|around))"
    r"?\W{0,3}(18[5-9]\d|19[0-2]\d|193[0-6])(?![\d/-])"
)
_TENS_WORD = re.compile(
    r"\b(?:ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a) "
    r"hundred(?:(?:\sand)?[\s-](?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|"
    r"twelve|thirteen))?)"
    r"(?:[\s-]{1,2}(?:years?[\s-](?:old|of age|young)|yr[\s-]olds?|yrs?[\s-]old|yo\b|y/o|"
    r"year-old|years-old))"
)
_TENS_AFTER_CUE = re.compile(
    r"\b(?:age|aged|turned|turning|turns)(?:\s(?:of|is))?\s(?:ninety(?:[\s-](?:one|two|"
    r"three|four|five|six|seven|eight|nine))?|one hundred(?:(?:\sand)?\s(?:one|two|three|four|"
    r"five|six|seven|eight|nine|ten))?)\b"
)


_AT_NINETY = re.compile(
    r"\bat (ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?),? (?:he|she|they)\b"
)
_IN_BRACKETS = re.compile(
    r"\b(?:man|woman|lady|gentleman|female|male|mother|father|grandmother|grandfather|grandma|"
    r"grandpa|nonagenarian|centenarian) \((9\d|1[01]\d)\)"
)
_AT_DIGITS = re.compile(r"(?:^|[.;!?\n] ?)at (9\d),? (?:he|she|they)\b")
_OTHER_NUMBER = re.compile(r"[./:%-]\d|%|\+|s")
_AGE_UNITS = re.compile(r"\s?(?:y|yr|yrs|years?|or|and|to|in|m|f)\b", re.IGNORECASE)
_HEAD_OF_NOTE = re.compile(r"(?:^|\b(?:a|pt|patient|is|an|for|on|re)|[:.;,\n])\s?$")
_WORDS = frozenset({"ninety", "hundred"})


def ages(reading: Reading) -> Iterator[Finding]:
    for token in reading.tokens:
        number = _NINETY.match(token.low)
        if number and _is_age(reading, token, token.start + number.end()):
            yield _whole(reading, token, token.start + number.end())
    low = reading.text.lower()
    for pattern in (_TENS_WORD, _TENS_AFTER_CUE) if reading.has(_WORDS) else ():
        yield from (Finding(*found.span(), "age", "hard") for found in pattern.finditer(low))
    for pattern in (_AT_NINETY, _AT_DIGITS, _IN_BRACKETS, _BIRTH_YEAR):
        yield from (Finding(*found.span(1), "age", "hard") for found in pattern.finditer(low))


def _whole(reading: Reading, token: Token, end: int) -> Finding:
    """The age with "aged" before it and "years old" after it."""
    cue = _AGED.search(reading.before(token.start))
    after = _AGE_AFTER.match(reading.text, end) or _SEX_AFTER.match(reading.text, end)
    start = token.start - len(cue[0]) if cue else token.start
    return Finding(start, max(token.end, after.end() if after else 0), "age", "hard")


def _is_age(reading: Reading, token: Token, end: int) -> bool:
    text, before = reading.text, reading.before(token.start)
    if before[-1:] in {".", "/"} and before[-2:-1].isdigit():
        return False
    if _NOT_OLDER.search(before) or _OTHER_NUMBER.match(text, end):
        return False
    if _AGE_AFTER.match(text, end) or _sexed(text, end, before):
        return True
    if unit_after(text, end) and not _AGE_UNITS.match(text, end):
        return False
    of_person = _PERSON_IS.search(before) and _ENDS_AGE.match(text, end)
    return bool(_AGE_BEFORE.search(before) or of_person)


def _sexed(text: str, end: int, before: str) -> bool:
    """Whether M or F follows and means a sex, not a temperature: 90F, pt 94 M."""
    if not _SEX_AFTER.match(text, end) or _TEMPERATURE.search(before):
        return False
    return text[end] != " " or _HEAD_OF_NOTE.search(before) is not None
