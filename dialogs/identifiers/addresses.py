"""Street addresses: by the house number and the street's last word, or by their own forms."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding, Tier
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import dose_after

_CLEAR = set_of(
    "street avenue ave boulevard blvd road rd lane ln terrace parkway pkwy highway hwy "
    "turnpike tpke freeway crescent alley expressway causeway esplanade streets avenues rue "
    "calle avenida"
)
_LOOSE = set_of(
    "st dr drive court ct place pl way circle cir square sq trail trl loop pike run pass path "
    "row walk plaza crossing xing ridge hill hills point pt cove landing heights hts view "
    "glen bend creek mews close green grove gardens garden park ter terr aly cres common "
    "commons hollow branch meadows manor station valley vista village estates"
)
_USUAL = set_of("st dr drive court ct place pl way circle cir square terrace ter park")
_RARER = set_of("place way square terrace ter park")
_DIRECTIONS = set_of(
    "n s e w ne nw se sw north south east west northeast northwest southeast southwest"
)
_NOT_STREET = set_of(
    "mg mcg ml g mm cm h hr hrs hour hours min mins minute minutes day days week weeks month "
    "months mo wk yr yrs year years yo yof yom y o tab tabs film films patch patches dose "
    "doses mme bid tid qid qd prn daily po sl iv im the a an of in on for with without and or "
    "but to by per from is was at not no his her their my our this that x times step steps "
    "hours units mile miles pt pts patient patients point male female m f who he she they has "
    "had then than more less about every each other good bad different same only dr way "
    "percent blocks block feet pain after before while when since until"
)
_UNIT = re.compile(
    r",?\s{1,2}(?:apt|apartment|unit|suite|ste|lot|trlr|trailer|rm|room|floor|fl|bldg|"
    r"building|#)\.?\s?#?\s?[A-Za-z]?-?\d{0,5}[A-Za-z]?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_CITY_TAIL = re.compile(
    r",?\s(?:[A-Z][a-z]{2,20}\s?){1,2}(?:,?\s(?:[A-Z]{2})(?![A-Za-z]))?(?:\s\d{5}(?:-\d{4})?)"
    r"?|,\s[A-Z][a-z]{2,20}"
)
_PO_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?(?:box|bx)|post office box|apartado(?: postal)?|casilla)"
    r"\s?#?\s?[A-Z]?\d{1,7}(?:,\s[A-Z][a-z]{2,20})?|\b(?:rr|rural route|hc)"
    r"\s?#?\d{1,3},?\s(?:box|bx)\s?\d{1,6}|\b(?:box|bx) \d{1,6},? (?:rr|rural route|hc) ?\d{1,3}",
    re.IGNORECASE,
)
_ROUTE = re.compile(
    r"\b(?:\d{1,6}\s)?(?:(?:county|co\.?|cnty|state|township|twp|forest|ranch|farm(?: to "
    r"market)?|us|u\.s\.)\s(?:road|rd|route|rte|rt|highway|hwy)|(?:rte|hwy|highway|route)"
    r"(?=[\s-]\d)|(?-i:SR|CR)(?=[\s-]\d)|interstate|fm(?=\s\d{3}))"
    r"\.?[\s-]?\d{1,4}[A-Za-z]?(?![\w%]|[.-]\d)",
    re.IGNORECASE,
)
_FOREIGN_CUES = set_of(
    "calle avenida avda av carrera cra rue via viale piazza rua paseo plaza camino jalan jl "
    "ulica ul avenue boulevard chemin impasse quai"
)
_FOREIGN = re.compile(
    r"\b\d{1,5}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|chemin|impasse|quai|calle|rua|ulica) "
    r"(?:(?:de|la|las|los|el|del|des|du|da|do|di) |l'){0,2}[A-Z][a-z]{1,20}(?: [A-Z][a-z]{1,20})?|"
    r"\b(?:\d{1,5},? )?(?:Calle|Avenida|Avda|Av|Carrera|Cra|Rue|Via|Viale|Piazza|Rua|Paseo|Plaza|Camino|"
    r"Jalan|Jl|Ulica|Ul)\.?\s(?:(?:de|la|las|los|el|del|des|du|da|do|di)\s)"
    r"{0,2}(?:[A-Z][a-z]{1,20}|\d{1,3})(?:\s[A-Z][a-z]{1,20}){0,2}(?:,?\s?(?:#|No\.?|n)"
    r"?\s?\d{1,5}(?:-\d{1,4})?)?"
)
_GERMANIC = re.compile(
    r"\b[A-Z][a-z]{2,20}(?:strasse|str\.|gasse|weg|platz|straat|gatan|vej|laan)\s\d{1,4}[a-z]?"
)
_APT = re.compile(
    r"\b(?:apt|apartment|trailer|trlr|(?<!a )lot)\.?\s?#?\s?(?:[A-Z]\d{0,4}|\d{1,5}[A-Z])"
    r"(?![A-Za-z0-9])|\b(?:apt|apartment|trailer|trlr)\.?\s?#\s?\d{1,5}\b|\b(?:apartment|trlr)"
    r"\s\d{1,5}\b",
    re.IGNORECASE,
)
_DIRECTED = re.compile(r"\b\d{3,5} (?:[NSEW]|[NS][EW])\.? [A-Z][a-z]{2,20}\b")
"""3021 S Main."""
_US_ROUTE = re.compile(r"\b(?:\d{2,6} )?(?:US|U\.S\.)[- ]\d{1,3}(?![\w%.-])")
_CORNER = re.compile(
    r"\b\d{1,3}(?:st|nd|rd|th) (?:and|&) [A-Z][a-z]{2,20}|\b[Cc]orner of \w{1,20} (?:\w{1,20} "
    r")?(?:and|&) \w{1,20}"
)
_APT_CUES = set_of("apt apartment trailer trlr lot")
_CUED = (
    (_PO_BOX, set_of("box bx apartado casilla")),
    (_ROUTE, set_of("road rd route rte rt highway hwy sr cr interstate fm")),
    (_FOREIGN, _FOREIGN_CUES),
)
_HOUSE = re.compile(
    r"\b(?:lives?|living|stays?|staying|resides?|residing|address|addr|home|house|resident|"
    r"located|moved|mail\w*|deliver\w*|ship\w*|sent|send|pick \w{2,4} up|found(?: down)?)"
    r"(?:\W{1,3}(?:is|at|to|in|it|her|him|them|now|the|with|films|naloxone|narcan))"
    r"{0,3}\W{1,3}"
    r"(?P<id>\d{1,6}[A-Za-z]?\s(?:[NSEW]\.?\s)?[A-Z][a-z]{2,20}(?:\s[A-Z][a-z]{2,20})?)"
)
_COUNTS = set_of("one two three four five six seven eight nine ten")
_GAPS = frozenset({" ", ". ", ", ", "-", "  ", "."})
_NUMBERED = re.compile(r"\d{1,6}[a-z]?")
_NTH = re.compile(r"\d{1,3}(?:st|nd|rd|th)")
_LONGEST = 6
"""Words between the house number and the end of the street, and one more."""


def addresses(reading: Reading) -> Iterator[Finding]:
    for index, token in enumerate(reading.tokens):
        if token.low in _CLEAR or token.low in _USUAL or (token.low in _LOOSE and token.capital):
            yield from _street(reading, index)
    for pattern, cues in _CUED:
        for match in pattern.finditer(reading.text) if reading.has(cues) else ():
            if not dose_after(reading.text, match.end()):
                yield Finding(*match.span(), "address", "hard")
    yield from _uncued(reading)


def _uncued(reading: Reading) -> Iterator[Finding]:
    for pattern in (_GERMANIC, _DIRECTED, _US_ROUTE):
        for match in pattern.finditer(reading.text):
            yield Finding(*match.span(), "address", "hard")
    for match in _CORNER.finditer(reading.text):
        yield Finding(*match.span(), "address", "soft")
    for match in _APT.finditer(reading.text) if reading.has(_APT_CUES) else ():
        yield Finding(*match.span(), "address", "soft")
    for match in _HOUSE.finditer(reading.text):
        yield Finding(*match.span("id"), "address", "hard")


def _street(reading: Reading, index: int) -> Iterator[Finding]:
    if reading.at(index).gap not in {" ", ". "}:
        return
    at = _house(reading, index)
    if at is None:
        yield from _street_alone(reading, index)
    elif _is_house(reading, at):
        tier = _tier(reading, at, index)
        yield Finding(reading.at(at).start, _address_end(reading, index), "address", tier)


def _house(reading: Reading, index: int) -> int | None:
    """The number before the street's words, or nothing when another kind of word comes first."""
    for at in range(index - 1, max(-1, index - 1 - _LONGEST), -1):
        token = reading.at(at)
        number = token.text[0].isdigit() and not _NTH.fullmatch(token.low)
        if at < index - 1 and (number or (_is_count(token) and reading.at(at + 1).capital)):
            return at
        if token.low.isdigit() and token.gap == ". ":
            return None  # the next of a numbered list
        block = token.low == "of" and reading.low(at - 1) in {"block", "blk"}
        if not (block or _street_word(token)) or token.gap not in _GAPS:
            return None
    return None


def _street_word(token: Token) -> bool:
    return token.low not in _NOT_STREET or token.low in _DIRECTIONS or token.text == "Dr"


def _is_house(reading: Reading, at: int) -> bool:
    token, before = reading.at(at), reading.before(reading.at(at).start, 2)
    queens = before[-1:] == "-" and reading.at(at + 1).capital
    decimal = before[-1:] in {".", "/", "-", ":"} and before[:1].isdigit() and not queens
    joined = reading.at(at + 1).gap.startswith("-")
    counted = _NUMBERED.fullmatch(token.low) is not None or _is_count(token)
    return counted and not decimal and not joined


def _is_count(token: Token) -> bool:
    """Whether it is a house number in words: One Riverside Plaza."""
    return token.capital and token.low in _COUNTS


def _tier(reading: Reading, at: int, index: int) -> Tier:
    """Small letters throughout and a rarer last word (way, park) may be something else."""
    lower = not any(reading.at(word).capital for word in range(at + 1, index))
    return "soft" if lower and reading.low(index) in _RARER else "hard"


def _address_end(reading: Reading, index: int) -> int:
    end = reading.at(index).end
    for tail in (_UNIT, _CITY_TAIL):
        match = tail.match(reading.text, end + (reading.text[end : end + 1] == "."))
        end = match.end() if match else end
    return len(reading.text[:end].rstrip())


def _street_alone(reading: Reading, index: int) -> Iterator[Finding]:
    """A street by name without a number: Sullivant Avenue, 5th Street."""
    before, suffix = reading.at(index - 1), reading.at(index)
    if suffix.low not in _CLEAR or not suffix.capital or suffix.upper or suffix.gap != " ":
        return
    if (before.capital and before.low not in _NOT_STREET) or _NTH.fullmatch(before.low):
        yield Finding(before.start, _address_end(reading, index), "address", "soft")
