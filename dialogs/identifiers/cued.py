"""Numbers that identify because of the word before them: record, plan, licence, device, inmate and the like."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.tokens import Reading
from dialogs.identifiers.units import dose_after, unit_after

_MARK = r"(?:numbers?|num|nbr|no|nr|id|ids|code|identifier|#)"
_SMALL = (
    r"(?:is|was|of|for|on|file|the|his|her|their|reads?|ends?|ending|in|at|our|ehr|epic|as|"
    r"with|are|it|now|to|under|still|just|state|card|new|old|listed|shows?|pt|patient|record|"
    r"last|four|4|digits?|ssn)"
)
_FILL = (
    rf"[\s:#=.\-()\[\]\"',]{{0,4}}(?:(?:{_MARK}|{_SMALL})(?:[\s:#=.\-()\[\]\"',]{{1,4}}|(?=\d)"
    rf")){{0,6}}(?<![A-Za-z0-9])"
)
_ID = (
    r"(?P<id>(?:[A-Za-z]{1,6}[-./: ]?)?[A-Za-z0-9]{0,20}\d[A-Za-z0-9]{0,20}"
    r"(?:[-./ ][A-Za-z0-9]{0,12}\d[A-Za-z0-9]{0,12}){0,6}(?:-[A-Za-z]{1,3}(?![a-z]))?)"
)
_AFTER_CUE = re.compile(rf"(?P<fill>{_FILL}){_ID}(?![A-Za-z0-9])", re.IGNORECASE)
_MARKED = re.compile(rf"(?:#|\b{_MARK}\b|:|=|\bend(?:s|ing)\b)", re.IGNORECASE)
_NUMBERED = re.compile(r"#|\b(?:number|num|no|id|nr)\b", re.IGNORECASE)
_PLATE = re.compile(
    rf"{_FILL}(?:[A-Z]{{2}}\s)?(?P<id>[A-Z0-9]{{1,4}}[- ]?[A-Z0-9]{{2,5}}|[A-Z0-9]{{5,8}})"
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
    license="npi dea dl dln passport",
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
    "bracelet fingerprint pdmp number num call biometric registry donor loyalty dossier",
    account="account acct bank checking savings card visa mastercard amex invoice billing debit "
    "credit transaction receipt",
    plan="member membership policy subscriber group grp insurance ins plan beneficiary enrollee "
    "claim aetna cigna humana anthem tricare bcbs payer payor uhc caresource kaiser molina "
    "hmo poliza",
    license="license licence lic permit cert certificate certification registration reg driver "
    "drivers credential",
    device="device pump pacemaker icd implant stimulator scs lot monitor cgm lead prosthesis "
    "glucometer cpap generator model tablet vns hearing wheelchair",
    phone="phone",
)
"""Cue words that need a mark (#, number, id, a colon) or a long number."""
_PLATE_CUES = frozenset({"plate", "plates", "tag", "tags", "lp"})
_LAST_FOUR = re.compile(
    r"last (?:four|4)(?:(?:[\s:=#]{1,3}(?:digits?|of|are|is|was|the|his|her|their|my|pt|"
    r"patient'?s?|ssn|ss|soc|social|security|number|no|num|on|file|in|are|listed|as)){0,8})"
    r"[\s:=#.\-x*]{1,6}"
    r"(?P<id>\d{4})(?!\d)"
)
_HIDDEN_SSN = re.compile(r"(?:[x*#•]{3}[- ]?[x*#•]{2}[- ]?)(?P<id>\d{4})(?!\d)", re.IGNORECASE)
_UNIT_END = re.compile(
    r"\d(?:mg|mcg|ml|mgs|g|kg|h|hr|hrs|d|wk|wks|mo|yr|yrs|yo|y|x|am|pm|st|nd|rd|th|f|m|k|mme|"
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


class Cued:
    """Finds the numbers after the cue words of one reading."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text

    def found(self) -> Iterator[Finding]:
        for index, token in enumerate(self.reading.tokens):
            yield from self._at(index, token.low)
        if "x" in self.text.lower() or "*" in self.text:
            yield from self._spans(_HIDDEN_SSN, "ssn")
        if "last" in self.text.lower():
            yield from self._last_four()

    def _spans(self, pattern: re.Pattern[str], kind: str) -> Iterator[Finding]:
        for match in pattern.finditer(self.text.lower()):
            yield Finding(*match.span(), kind, "hard")

    def _last_four(self) -> Iterator[Finding]:
        for match in _LAST_FOUR.finditer(self.text.lower()):
            if not unit_after(self.text, match.end()):
                yield Finding(*match.span("id"), "ssn" if "s" in match[0][8:] else "other", "hard")

    def _at(self, index: int, low: str) -> Iterator[Finding]:
        if low in _PLATE_CUES:
            yield from self._plate(index)
        kind = STRONG.get(low) or WEAK.get(low)
        if kind:
            yield from self._after(index, kind, strong=low in STRONG)

    def _plate(self, index: int) -> Iterator[Finding]:
        token = self.reading.tokens[index]
        licensed = self.reading.low(index - 1) in {
            "license",
            "licence",
            "lic",
            "vanity",
            "temp",
            "number",
        }
        match = (_VANITY if licensed else _PLATE).match(self.text, token.end)
        if match is None and licensed:
            match = re.compile(_PLATE.pattern, re.IGNORECASE).match(self.text, token.end)
        if match and (_digits(match["id"]) or licensed) and not dose_after(self.text, match.end()):
            if _digits(match["id"]) >= 2 or match["id"].isupper():
                yield Finding(*match.span("id"), "plate", "hard")

    def _after(self, index: int, kind: str, *, strong: bool) -> Iterator[Finding]:
        token = self.reading.tokens[index]
        match = _AFTER_CUE.match(self.text, token.end)
        if match is None or (_digits(match["id"]) < 5 and dose_after(self.text, match.end())):
            return
        if self._enough(match, strong=strong) and not _UNIT_END.search(match["id"]):
            yield Finding(match.start("id"), match.end("id"), kind, "hard")

    def _enough(self, match: re.Match[str], *, strong: bool) -> bool:
        value, digits = match["id"], _digits(match["id"])
        marked = bool(_MARKED.search(match["fill"]))
        named = bool(_NUMBERED.search(match["fill"])) and digits >= 5
        if re.fullmatch(r"[a-z]+ \d{1,3}", value, re.IGNORECASE) or (
            _NO_ID.fullmatch(value) and not named and not (marked and strong)
        ):
            return (
                digits >= 4
                and strong
                and not unit_after(self.text, match.end())
                and not re.match(r"(?:19|20)\d\d", value)
            )
        first = re.split(r"[-./: ]", value)[0]
        if first.isalpha() and value[len(first)] == " " and self._is_word(first):
            return False
        if strong:
            return digits >= (3 if marked else 4) and not self._counted(match)
        if marked and not self._counted(match):
            return digits >= 3 and len(value) >= 4
        return self._plain(value, digits)

    def _is_word(self, first: str) -> bool:
        """Is the part before the first blank a word rather than the letters of a number?"""
        return len(first) > 2 and (not first.isupper() or len(first) > 4)

    def _counted(self, match: re.Match[str]) -> bool:
        """Is a plain short number a count or dose: "record 120 mg"? A longer or mixed one is not."""
        return match["id"].isdigit() and len(match["id"]) < 5 and unit_after(self.text, match.end())

    def _plain(self, value: str, digits: int) -> bool:
        """Without a mark: only a number that is long, or letters and digits in one piece."""
        piece = value.split(" ", maxsplit=1)[0]
        mixed = bool(re.search(r"[A-Za-z]", piece)) and _digits(piece) >= 4
        return _digits(piece) >= 6 or (mixed and len(piece) >= 6)
