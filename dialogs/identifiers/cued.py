"""Numbers that identify because of the word before them: record, plan, licence, device, inmate."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.numbers import is_public
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import dose_after, unit_after

_MARK = r"(?:numbers?|num|nbr|no|nr|id|ids|code|identifier|s/?n|#)"
_SMALL = (
    r"(?:is|was|of|for|on|file|the|his|her|their|reads?|ends?|ending|in|at|our|ehr|epic|as|"
    r"with|are|it|now|to|under|still|just|state|card|new|old|listed|shows?|pt|patient|record|"
    r"digits?|ssn)"
)
_FILL = (
    rf"[\s:#=.\-()\[\]\"',]{{0,4}}(?:(?:{_MARK}|{_SMALL})(?:[\s:#=.\-()\[\]\"',]{{1,4}}|(?=\d)"
    rf")){{0,6}}(?<![A-Za-z0-9])"
)
_ID = (
    r"(?P<id>\d{1,3}(?:,\d{3}){1,3}(?!,?\d)|(?:[A-Za-z]{1,6}[-./: ]?)?[A-Za-z0-9]{0,20}\d[A-Za-z0-9]{0,20}"
    r"(?:[-./ ][A-Za-z0-9]{0,12}\d[A-Za-z0-9]{0,12}){0,6}(?:-[A-Za-z]{1,3}(?![a-z]))?)"
)
_AFTER_CUE = re.compile(rf"(?P<fill>{_FILL}){_ID}(?![A-Za-z0-9])", re.IGNORECASE)
_MARKED = re.compile(rf"(?:#|\b{_MARK}\b|:|=|\bend(?:s|ing)\b)", re.IGNORECASE)
_NUMBERED = re.compile(r"#|\b(?:number|num|no|id|nr)\b", re.IGNORECASE)
_PLATE = re.compile(
    rf"(?i:{_FILL})(?:[A-Z]{{2}}\s)?(?P<id>[A-Z0-9]{{1,4}}[- ]?[A-Z0-9]{{2,5}}|[A-Z0-9]{{5,8}})"
    rf"(?![A-Za-z0-9])"
)
_VANITY = re.compile(
    rf"(?i:{_FILL})[\"']?(?P<id>[A-Z]{{4,8}}|[A-Z0-9]{{1,4}}[- ]?[A-Z0-9]{{2,5}})"
    rf"(?![A-Za-z0-9])"
)


def _by_word(**kinds: str) -> dict[str, str]:
    return {word: kind for kind, words in kinds.items() for word in words.split()}


STRONG = _by_word(
    mrn="mrn mrns csn fin har emrn empi mpi uci nhs",
    device="imei meid esn iccid udi serial sn",
    vin="vin vehicle",
    ssn="ssn ssns itin social ss soc",
    license="npi dea dl dln cdl passport",
    account="iban routing aba swift sort",
    plan="mbi hicn bin medicaid medicare pcn rxgrp rxbin",
    other="curp rfc nie dni tin ein edipi dodid uid inmate booking docket badge cdcr bop nysid sid "
    "barcode",
)
"""Cue words that need no further mark, and the kind of the number after them."""
WEAK = _by_word(
    mrn="chart record records rec patient pt encounter enc visit hospital unit mr med medical "
    "admission epic ehr emr expediente",
    other="case offender prisoner cause employee emp student school staff rx prescription script "
    "referral auth authorization pa confirmation conf order tracking accession acc specimen "
    "sample requisition req file folder ticket reference ref study subject participant client "
    "id identifier doc jail military veteran va locker guest otp clinic incident report "
    "warrant court parole probation tribal enrollment alien voter library union wristband "
    "bracelet fingerprint pdmp number num biometric registry donor loyalty dossier",
    account="account acct bank check cheque checking savings card visa mastercard amex invoice billing debit "
    "credit transaction receipt",
    plan="member membership policy subscriber group grp insurance ins plan beneficiary enrollee "
    "claim aetna cigna humana anthem tricare bcbs payer payor uhc caresource kaiser molina "
    "hmo poliza buckeye",
    license="license licence lic permit cert certificate certification registration reg driver "
    "drivers credential",
    device="device pump pacemaker icd implant stimulator scs lot monitor cgm lead prosthesis "
    "glucometer cpap generator model tablet vns hearing transmitter sensor wheelchair dispenser lockbox",
)
"""Cue words that need a mark (#, number, id, a colon) or a long number."""
_PLATE_CUES = frozenset({"plate", "plates", "tag", "tags", "lp", "reg"})
_LICENSED = frozenset({"license", "licence", "lic", "vanity", "temp", "number"})
_CHARTS = frozenset({"chart", "charts", "expediente"})
"""Cue words after which five digits are enough."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_WORD_AND_COUNT = re.compile(r"[a-z]+ \d{1,3}", re.IGNORECASE)
_PARTS = re.compile(r"[-./: ]")
_LETTER = re.compile(r"[A-Za-z]")
_LAST_FOUR = re.compile(
    r"last (?:four|4)(?:(?:[\s:=#]{1,3}(?:digits?|of|are|is|was|the|his|her|their|my|pt|"
    r"patient'?s?|ssn|ss|soc|social|security|number|no|num|on|file|in|are|listed|as)){0,8})"
    r"[\s:=#.\-x*]{1,6}"
    r"(?P<id>\d{4})(?!\d)"
)
_OF_SSN = re.compile(r" of (?:the |his |her |their |pt'?s? )?(?:ssn?|social|soc)\b")
_HIDDEN_SSN = re.compile(r"(?:[x*#•]{3}[- ]?[x*#•]{2}[- ]?)(?P<id>\d{4})(?!\d)", re.IGNORECASE)
_OTHER_CODE = re.compile(r"[A-TV-Z]\d\d\.\w{1,4}|(?:0?[1-9]|1[0-2])[/-](?:19|20)\d\d|NCT\d{8}")
"""A code of the classification of diseases (M51.26), a month (04/2021), a registered trial."""
_TELEPHONE = re.compile(r"(?:1[-. ])?\d{3}[-./ ]\d{3}[-. ]\d{4}")
"""A telephone number by its shape, whatever vague word stands before it."""
_UNIT_END = re.compile(
    r"(?:^|[ ])\d[\d.,/-]{0,12}(?:mg|mcg|ml|mgs|g|kg|h|hr|hrs|d|wk|wks|mo|yr|yrs|yo|y|x|am|pm|"
    r"st|nd|rd|th|f|m|k|mme|"
    r"u|iu|days?|weeks?|months?)$",
    re.IGNORECASE,
)
_NO_ID = re.compile(
    r"(?:19|20)\d\d(?:-(?:19|20)?\d\d)?$|[a-z]{0,4}\d{1,2}$|\d{1,3}\s\d{1,3}$|f\d\d\.\d+|"
    r"\d{1,3}[a-z]?-\d{1,3}[a-z]?$|\d{1,4}-\d{1,4}$",
    re.IGNORECASE,
)


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def cued_numbers(reading: Reading) -> Iterator[Finding]:
    for index, token in enumerate(reading.tokens):
        if token.low in _PLATE_CUES:
            yield from _plate(reading, index)
        serial = token.low == "n" and token.gap == "/" and reading.low(index - 1) == "s"
        kind = "device" if serial else STRONG.get(token.low) or WEAK.get(token.low)
        if kind:
            yield from _after(reading, token, kind)
    low = reading.text.lower()
    yield from (Finding(*found.span(), "ssn", "hard") for found in _HIDDEN_SSN.finditer(low))
    for match in _LAST_FOUR.finditer(low) if "last" in reading.lows else ():
        if not unit_after(low, match.end()) or _OF_SSN.match(low, match.end()):
            yield Finding(*match.span("id"), "ssn", "hard")


def _plate(reading: Reading, index: int) -> Iterator[Finding]:
    token, text = reading.at(index), reading.text
    licensed = reading.low(index - 1) in _LICENSED
    match = (_VANITY if licensed else _PLATE).match(text, token.end)
    if match is None or dose_after(text, match.end()):
        return
    if licensed or _digits(match["id"]) > 1:
        yield Finding(*match.span("id"), "plate", "hard")


def _after(reading: Reading, token: Token, kind: str) -> Iterator[Finding]:
    match = _AFTER_CUE.match(reading.text, token.end)
    if match is None or _UNIT_END.search(match["id"]) or _OTHER_CODE.fullmatch(match["id"]):
        return
    if _digits(match["id"]) < 5 and dose_after(reading.text, match.end()):
        return
    if token.low not in STRONG and _TELEPHONE.fullmatch(match["id"]):
        return
    if not is_public(match["id"]) and _identifies(reading.text, match, strong=token.low in STRONG):
        yield Finding(*match.span("id"), kind, "hard")


def _identifies(text: str, match: re.Match[str], *, strong: bool) -> bool:
    value, digits = match["id"], _digits(match["id"])
    marked = bool(_MARKED.search(match["fill"]))
    if _ordinary(match, marked=marked and strong):
        return (
            strong and digits >= 4 and not unit_after(text, match.end()) and not _YEAR.match(value)
        )
    if _begins_with_word(value):
        return False
    counted = value.isdigit() and len(value) < 5 and unit_after(text, match.end())
    if strong:
        return digits >= (3 if marked else 4) and not counted
    named = text[: match.start()].lower().endswith(("id", "identifier")) and _LETTER.search(value)
    if (marked or named) and not counted:
        return digits >= 3 and len(value) >= 4
    charted = text[: match.start()].lower().endswith(tuple(_CHARTS))
    return _plain(value) or (charted and value.isdigit() and digits == 5)


def _ordinary(match: re.Match[str], *, marked: bool) -> bool:
    """Whether the value looks like a year, a range or a word with a count."""
    value = match["id"]
    named = _NUMBERED.search(match["fill"]) is not None and _digits(value) >= 5
    ordinary = _NO_ID.fullmatch(value) is not None and not named and not marked
    return ordinary or _WORD_AND_COUNT.fullmatch(value) is not None


def _begins_with_word(value: str) -> bool:
    """Whether the part before the first blank is a word rather than the letters of a number."""
    first = _PARTS.split(value, maxsplit=1)[0]
    if not first.isalpha() or value[len(first)] != " ":
        return False
    if _YEAR.fullmatch(value[len(first) + 1 :]):
        return True
    return len(first) > 2 and (not first.isupper() or len(first) > 4)


def _plain(value: str) -> bool:
    """Without a mark: only a number that is long, or letters and digits in one piece."""
    first, _, rest = value.replace(",", "").partition(" ")
    piece = rest.split(" ")[0] if first.isalpha() else first
    mixed = _LETTER.search(piece) is not None and _digits(piece) >= 4
    return _digits(piece) >= 6 or (mixed and len(piece) >= 6)
