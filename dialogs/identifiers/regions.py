"""Places smaller than a state, and postal codes."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.words import CHAINS, COUNTRIES, FAMOUS, MONTH_NAMES
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token

_ZIP_CUE = re.compile(
    r"(?:\bzip(?:\s?code)?|postal(?:\scode)?|postcode|zipcode|c\.?p\.?)\W{0,3}(?:is|was|of|=|"
    r"for|in)?\W{0,3}(?:the\s|home\s)?$"
)
_STATES = (
    r"al|ak|az|ar|ca|co|ct|de|fl|ga|hi|ia|id|il|in|ks|ky|la|ma|md|me|mi|mn|mo|ms|mt|nc|nd|ne|"
    r"nh|nj|nm|nv|ny|oh|ok|or|pa|ri|sc|sd|tn|tx|ut|va|vt|wa|wi|wv|wy|dc|pr|"
    r"alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|"
    r"georgia|hawaii|idaho|illinois|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|"
    r"massachusetts|michigan|minnesota|mississippi|missouri|montana|nebraska|nevada|new "
    r"hampshire|new jersey|new mexico|new york|north carolina|north dakota|ohio|oklahoma|"
    r"oregon|pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|"
    r"vermont|virginia|washington|west virginia|wisconsin|wyoming"
)
_ZIP_STATE = re.compile(rf"(?:^|[\s,(])(?:{_STATES})\.?,?\s{{1,2}}$")
_ZIP_PLACE = re.compile(
    r"\b(?:lives?|living|resides?|residing|moved|moving|relocat\w+|from|near|area|located|"
    r"address|home|stays?|staying|mail\w*|ship\w*)(?:\W{1,3}(?:in|to|at|is|from|near|around|"
    r"the|of|code|zip)){0,3}\W{1,3}$"
)
_RESIDE = re.compile(
    r"\b(?:liv(?:es|ed|ing|e)|mov(?:ed|ing|es|e)|relocat(?:ed|ing|es|e)|resid(?:es|ed|ing|e)|"
    r"grew up|raised|born|commut(?:es|ed|ing|e)|driv(?:es|ing|e)|drove|stay(?:s|ed|ing)?|"
    r"hails?|comes?|coming|travel(?:s|ed|ing|led)?|based|"
    r"practi[cs](?:es|ing|ed)|transfer(?:s|red|ring)?(?: (?:care|clinics?|him|her|otps?))?|"
    r"settled|homeless|camp(?:s|"
    r"ing)?|sleep(?:s|ing)?|works?|working|jail(?:ed)?|incarcerated|prison|arrested|school|"
    r"college|rehab|clinic|otp|pharmacy|hospital|visiting|flew|returned|returning|going|went|"
    r"family|house|apartment|home|native|resident|fled|shelter|detox|bus|released)"
    r"(?:\W{1,2}(?:back|down|up|out|over|just|now|currently|all|the|way|here|alone|often|a|"
    r"day|with|family|it's|is|mill|mine|bar|job|factory|plant|is)){0,3}"
    r"\s(?:in|to|from|near|at|around|outside|outside of|of|by|close to|nearest)\s$"
)
_GEO_HEADS = set_of("county parish borough township twp village cty reservation")
_FACILITY = set_of(
    "hospital clinic center centre infirmary jail prison penitentiary correctional elementary "
    "highschool university college church temple mosque shelter motel hotel inn "
    "pharmacy apartments manor nursing rehab recovery ranch reformatory detention academy "
    "school library mall hospice medical memorial health healthcare"
)
_WARDS = set_of(
    "unit care home department dept office room floor ward service services team group "
    "program children's children emergency postanesthesia intensive recovery step"
)
_PARTICLES = set_of(
    "san santa saint st los las la el new north south east west fort ft port mount mt lake "
    "grand palm cape bay little upper lower big white green cedar oak old"
)
_PARTS_OF_STATES = set_of("upstate downstate rural central mainland")
_DIRECTIONS = set_of("north south east west")
_DEGREES = set_of("pa md ma ms")
"""Short forms of states that are degrees too."""
_SMALL_WORDS = set_of(
    "the a an his her their our my your its this that and or but of in on at to for with "
    "without than then more less"
)


_CERTAIN_BEFORE = re.compile(r"\b(?:in|near|outside|around) $")
_CERTAIN_STATE = re.compile(r", [A-Z]{2}\b")
_CERTAIN_END = re.compile(r", [A-Z]{2}$| (?:County|Township|Parish|reservation|Jail|Hospital)\b")
_NO_ZIP = re.compile(r"\s?(?:mg|mcg|mme|ml|ng|cells|copies|iu|units|to|/)", re.IGNORECASE)
_PREPOSITIONS = set_of("in to from near at around outside of by nearest")
_STATE = re.compile(_STATES)
_LONGEST = 3


def regions(reading: Reading) -> Iterator[Finding]:
    for index, token in enumerate(reading.tokens):
        if token.low in _GEO_HEADS:
            yield from _county(reading, index)
        elif token.low in _FACILITY and token.capital:
            yield from _facility(reading, index)
        elif len(token.low) == 5 and token.low.isdigit() and _is_zip(reading, token):
            yield Finding(token.start, token.end, "zip", "hard")
        if token.alpha and (token.capital or reading.tokens[index - 1].low in _PREPOSITIONS):
            yield from _place(reading, index)


def is_certain(reading: Reading, finding: Finding) -> bool:
    """Whether it is a place and no person: after "in" or "near", or with its state or "County"."""
    if finding.kind != "geo":
        return False
    words = reading.text[finding.start : finding.end]
    named = _CERTAIN_END.search(words) or _CERTAIN_STATE.match(reading.text, finding.end)
    return bool(named or _CERTAIN_BEFORE.search(reading.before(finding.start, 10)))


def _county(reading: Reading, index: int) -> Iterator[Finding]:
    """Gallia County, County of Kent, Washington Township."""
    before, head = reading.at(index - 1), reading.at(index)
    if head.gap == " " and before.alpha and before.low not in _SMALL_WORDS and _names(before, head):
        yield Finding(before.start, head.end, "geo", "soft")
    named = reading.at(index + 2)
    if reading.low(index + 1) == "of" and named.capital:
        yield Finding(head.start, named.end, "geo", "soft")


def _names(before: Token, head: Token) -> bool:
    """Whether the word before "county" is its name, unlike "the next county"."""
    if before.capital and head.low == "reservation":
        return not before.opens
    if before.capital and head.capital:
        return not before.has(Sense.HEAD)
    inside = before.capital and not before.opens and not before.has(Sense.EVERYDAY)
    return inside or not before.has(Sense.WORD | Sense.FIELD)


def _is_zip(reading: Reading, token: Token) -> bool:
    if token.low.endswith("000"):
        return False
    before = reading.before(token.start, 56)
    if _ZIP_CUE.search(before) or _ZIP_STATE.search(before):
        return True
    return bool(_ZIP_PLACE.search(before)) and not _NO_ZIP.match(reading.text, token.end)


def _facility(reading: Reading, index: int) -> Iterator[Finding]:
    """A named facility: the capital names before Hospital, Jail, Elementary."""
    first = index
    while first > index - _LONGEST and _part_of_name(reading, first - 1):
        first -= 1
    names = reading.tokens[first:index]
    if (reading.low(index - 1), reading.low(index)) in FAMOUS:
        return
    known = Sense.WORD | Sense.FIELD | Sense.ALWAYS | Sense.HEAD
    if not all(name.has(known) for name in names) and not any(
        name.has(Sense.ALWAYS) for name in names
    ):
        yield Finding(names[0].start, reading.at(index).end, "geo", "soft")


def _part_of_name(reading: Reading, at: int) -> bool:
    token = reading.at(at)
    joined = reading.at(at + 1).gap in {" ", ". "} and token.gap != "."  # the S of U.S.
    return joined and token.alpha and token.capital and token.low not in _SMALL_WORDS


def _place(reading: Reading, index: int) -> Iterator[Finding]:
    """A place by the words before it, or by the state after it."""
    token = reading.at(index)
    known = token.has(Sense.FIELD | Sense.HEAD | Sense.STATE) or token.low in MONTH_NAMES
    if known and token.low not in _PARTICLES:
        return
    joined = reading.at(index + 1)
    if joined.low == "style" or (
        joined.gap == "-" and joined.has(Sense.EVERYDAY) and not joined.capital
    ):
        return  # Philly-style
    if _whole_state(reading, index) or (token.owns and token.low in CHAINS):
        return
    if _resides(reading, index):
        last = _last(reading, index)
        last += _is_state(reading.at(last + 1))
        if not any(t.low in _FACILITY or t.low in _WARDS for t in reading.tokens[index : last + 1]):
            yield Finding(token.start, reading.at(last).end, "geo", "soft")
    elif token.capital and (_state_follows(reading, index) or _city_of_state(reading, index)):
        yield Finding(_start(reading, index), reading.at(index + 1).end, "geo", "soft")


def _whole_state(reading: Reading, index: int) -> bool:
    """Whether a state or country of two words begins here, or a part of one: New Jersey, East Texas."""
    token, after = reading.at(index), reading.at(index + 1)
    if token.low in _PARTS_OF_STATES:
        return after.has(Sense.STATE) or _whole_state(reading, index + 1)
    pair = (token.low, after.low)
    state = _STATE.fullmatch(" ".join(pair)) is not None and reading.low(index + 2) != "city"
    if token.low in _DIRECTIONS and after.has(Sense.STATE):
        return True
    return state or pair in COUNTRIES


def _resides(reading: Reading, index: int) -> bool:
    """Whether "lives in", "from" or the like comes before a word that may be a place."""
    token = reading.at(index)
    if reading.low(index - 1) not in _PREPOSITIONS or len(token.low) < 3 or token.gap != " ":
        return False
    if reading.low(index - 1) == "of" and token.has(Sense.WORD) and not token.has(Sense.CITY):
        return False  # the College of Obstetricians
    shown = token.capital and not token.upper
    if shown and token.has(Sense.CITY) and not reading.at(index + 1).has(Sense.HEAD):
        return True
    if not shown and token.has(Sense.WORD) and not token.has(Sense.CITY):
        return False
    return _RESIDE.search(reading.before(token.start, 72)) is not None


def _last(reading: Reading, index: int) -> int:
    last = index
    while last < index + _LONGEST - 1 and _continues(reading.at(last + 1)):
        last += 1
    return last


def _continues(token: Token) -> bool:
    close = token.gap == " " and token.capital and token.alpha
    return close and not token.opens and not token.has(Sense.FIELD)


def _state_follows(reading: Reading, index: int) -> bool:
    """Marietta, OH."""
    token, state = reading.at(index), reading.at(index + 1)
    everyday = token.has(Sense.EVERYDAY) and not token.has(Sense.CITY)
    if token.upper or len(token.low) < 3 or everyday or token.has(Sense.EPONYM):
        return False
    return _is_state(state) and not _credentialed(reading, index)


def _city_of_state(reading: Reading, index: int) -> bool:
    """Toledo, Ohio."""
    city, state = reading.at(index), reading.at(index + 1)
    known = city.has(Sense.CITY) or (not city.sense and not city.opens)
    written = state.gap == ", " and state.capital and len(state.low) > 2
    return known and written and _STATE.fullmatch(state.low) is not None


def _credentialed(reading: Reading, index: int) -> bool:
    """Whether it is a person with a degree rather than a place with its state: Ruth Lowe, PA."""
    given, family = reading.at(index - 1), reading.at(index)
    named = given.capital and given.known(Sense.NAME | Sense.GIVEN) and family.has(Sense.FAMILY)
    return named and family.gap == " " and reading.low(index + 1) in _DEGREES


def _is_state(token: Token) -> bool:
    """Whether it is the short form of a state after a comma: ", OH"."""
    written = token.gap == ", " and token.upper and len(token.text) == 2
    return written and _STATE.fullmatch(token.low) is not None


def _start(reading: Reading, index: int) -> int:
    """Where the place before a state begins: at "New" of New Albany."""
    before = reading.at(index - 1)
    two = before.capital and before.alpha and not before.opens and not before.has(Sense.FIELD)
    return before.start if two and reading.at(index).gap == " " else reading.at(index).start
