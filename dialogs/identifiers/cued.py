"""Numbers that identify because of the word before them: record, plan, licence, device, inmate and the like."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.tokens import Reading
from dialogs.identifiers.units import dose_after, unit_after

_MARK = r"(?:numbers?|num|nbr|no|nr|id|ids|code|identifier|#)"
_SMALL = r"(?:is|was|of|for|on|file|the|his|her|their|reads?|ends?|ending|in|at|our|ehr|epic|as|with|are|it|now|to|under|still|just|state|card|new|old|listed|shows?|pt|patient|record|last|four|4|digits?|ssn)"
_FILL = rf"[\s:#=.\-()\[\]\"',]{{0,4}}(?:(?:{_MARK}|{_SMALL})(?:[\s:#=.\-()\[\]\"',]{{1,4}}|(?=\d))){{0,6}}"
_ID = (
    r"(?P<id>(?:[A-Za-z]{1,6}[-./: ]?)?[A-Za-z0-9]{0,20}\d[A-Za-z0-9]{0,20}"
    r"(?:[-./ ][A-Za-z0-9]{0,12}\d[A-Za-z0-9]{0,12}){0,6}(?:-[A-Za-z]{1,3}(?![a-z]))?)"
)
_AFTER_CUE = re.compile(rf"(?P<fill>{_FILL}){_ID}(?![A-Za-z0-9])", re.IGNORECASE)
_MARKED = re.compile(rf"(?:#|\b{_MARK}\b|:|=)", re.IGNORECASE)
_NUMBERED = re.compile(r"#|\b(?:number|num|no|id|nr)\b", re.IGNORECASE)
_PLATE = re.compile(
    rf"{_FILL}(?:[A-Z]{{2}}\s)?(?P<id>[A-Z0-9]{{1,4}}[- ]?[A-Z0-9]{{2,5}}|[A-Z0-9]{{5,8}})(?![A-Za-z0-9])"
)
_VANITY = re.compile(rf"(?i:{_FILL})[\"']?(?P<id>[A-Z]{{4,8}}|[A-Z0-9]{{1,4}}[- ]?[A-Z0-9]{{2,5}})(?![A-Za-z0-9])")

STRONG: dict[str, str] = {
    "mrn": "mrn", "mrns": "mrn", "mr#": "mrn", "csn": "mrn", "fin": "mrn", "har": "mrn", "emrn": "mrn", "empi": "mrn", "mpi": "mrn",
    "imei": "device", "meid": "device", "esn": "device", "iccid": "device", "udi": "device", "vin": "vin", "ssn": "ssn", "ssns": "ssn",
    "npi": "license", "dea": "license", "dl": "license", "dln": "license", "iban": "account", "mbi": "plan", "hicn": "plan", "bin": "plan",
    "serial": "device", "sn": "device", "routing": "account", "aba": "account", "passport": "license", "medicaid": "plan", "medicare": "plan",
    "pcn": "plan", "rxgrp": "plan", "rxbin": "plan", "uci": "mrn", "nhs": "mrn", "curp": "other", "rfc": "other", "nie": "other", "dni": "other",
    "itin": "ssn", "tin": "other", "ein": "other", "swift": "account", "sort": "account", "edipi": "other", "dodid": "other", "uid": "other",
    "cdcr": "other", "bop": "other", "nysid": "other", "sid": "other", "vehicle": "vin", "social": "ssn", "ss": "ssn", "soc": "ssn", "barcode": "other",
}  # fmt: skip
"""Cue words that need no further mark."""

WEAK: dict[str, str] = {
    "chart": "mrn", "record": "mrn", "records": "mrn", "rec": "mrn", "case": "other", "patient": "mrn", "pt": "mrn", "encounter": "mrn", "enc": "mrn",
    "visit": "mrn", "hospital": "mrn", "unit": "mrn", "mr": "mrn", "med": "mrn", "medical": "mrn", "admission": "mrn", "epic": "mrn", "ehr": "mrn", "emr": "mrn",
    "account": "account", "acct": "account", "bank": "account", "checking": "account", "savings": "account", "card": "account",
    "visa": "account", "mastercard": "account", "amex": "account", "invoice": "account", "billing": "account", "debit": "account", "credit": "account",
    "member": "plan", "membership": "plan", "policy": "plan", "subscriber": "plan", "group": "plan", "grp": "plan", "insurance": "plan", "ins": "plan",
    "plan": "plan", "beneficiary": "plan", "enrollee": "plan", "claim": "plan", "aetna": "plan", "cigna": "plan", "humana": "plan", "anthem": "plan", "tricare": "plan", "bcbs": "plan", "payer": "plan", "payor": "plan", "uhc": "plan", "caresource": "plan", "kaiser": "plan", "molina": "plan", "hmo": "plan",
    "license": "license", "licence": "license", "lic": "license", "permit": "license", "cert": "license", "certificate": "license", "certification": "license", "registration": "license", "reg": "license", "driver": "license", "drivers": "license", "credential": "license", "visa#": "license",
    "device": "device", "pump": "device", "pacemaker": "device", "icd": "device", "implant": "device", "stimulator": "device", "scs": "device", "lot": "device", "monitor": "device", "cgm": "device", "lead": "device", "prosthesis": "device", "glucometer": "device", "cpap": "device", "generator": "device", "model": "device", "tablet": "device", "phone": "phone", "vns": "device", "hearing": "device", "wheelchair": "device",
    "inmate": "other", "offender": "other", "prisoner": "other", "booking": "other", "docket": "other", "cause": "other", "employee": "other", "emp": "other", "badge": "other", "student": "other", "school": "other", "staff": "other", "rx": "other", "prescription": "other", "script": "other", "referral": "other", "auth": "other", "authorization": "other", "pa": "other", "confirmation": "other", "conf": "other", "order": "other", "tracking": "other", "accession": "other", "acc": "other", "specimen": "other", "sample": "other", "requisition": "other", "req": "other", "file": "other", "folder": "other", "ticket": "other", "reference": "other", "ref": "other", "study": "other", "subject": "other", "participant": "other", "client": "other", "id": "other", "identifier": "other", "doc": "other", "jail": "other", "military": "other", "veteran": "other", "va": "other", "locker": "other", "guest": "other", "otp": "other", "clinic": "other", "incident": "other", "report": "other", "warrant": "other", "court": "other", "parole": "other", "probation": "other", "tribal": "other", "enrollment": "other", "alien": "other", "badge#": "other", "voter": "other", "library": "other", "union": "other", "wristband": "other", "bracelet": "other", "fingerprint": "other", "pdmp": "other", "transaction": "account", "receipt": "account", "number": "other", "num": "other", "call": "other", "biometric": "other", "registry": "other", "donor": "other", "loyalty": "other", "dossier": "other", "expediente": "mrn", "poliza": "plan",
}  # fmt: skip
"""Cue words that need a mark (#, number, id, a colon) or a long number."""

_PLATE_CUES = frozenset({"plate", "plates", "tag", "tags", "lp"})
_LAST_FOUR = re.compile(
    r"last (?:four|4)(?:(?:[\s:=#]{1,3}(?:digits?|of|are|is|was|the|his|her|their|my|pt|patient'?s?|ssn|ss|soc|social|security|number|no|num|on|file|in|are|listed|as)){0,8})[\s:=#.\-x*]{1,6}"
    r"(?P<id>\d{4})(?!\d)"
)
_HIDDEN_SSN = re.compile(r"(?:[x*#•]{3}[- ]?[x*#•]{2}[- ]?)(?P<id>\d{4})(?!\d)", re.IGNORECASE)
_LETTERS_ONLY = re.compile(r"[^A-Za-z]")
_UNIT_END = re.compile(r"\d(?:mg|mcg|ml|mgs|g|kg|h|hr|hrs|d|wk|wks|mo|yr|yrs|yo|y|x|am|pm|st|nd|rd|th|f|m|k|mme|u|iu|days?|weeks?|months?)$", re.IGNORECASE)
_NO_ID = re.compile(r"(?:19|20)\d\d(?:-(?:19|20)?\d\d)?$|[a-z]{0,4}\d{1,2}$|\d{1,3}\s\d{1,3}$|f\d\d\.\d+|\d{1,3}[a-z]?-\d{1,3}[a-z]?$|\d{1,4}-\d{1,4}$", re.IGNORECASE)


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
        licensed = self.reading.low(index - 1) in {"license", "licence", "lic", "vanity", "temp", "number"}
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
        if re.fullmatch(r"[a-z]+ \d{1,3}", value, re.IGNORECASE) or (_NO_ID.fullmatch(value) and not named and not (marked and strong)):
            return digits >= 4 and strong and not unit_after(self.text, match.end()) and not re.match(r"(?:19|20)\d\d", value)
        first = re.split(r"[-./: ]", value)[0]
        if first.isalpha() and first.islower() and len(first) > 2 and " " in value:
            return False
        if strong:
            return digits >= (3 if marked else 4) and not self._counted(match)
        if marked and not self._counted(match):
            return digits >= 3 and len(value) >= 4
        return self._plain(value, digits)

    def _counted(self, match: re.Match[str]) -> bool:
        """Is a plain short number a count or dose: "record 120 mg"? A longer or mixed one is not."""
        return match["id"].isdigit() and len(match["id"]) < 5 and unit_after(self.text, match.end())

    def _plain(self, value: str, digits: int) -> bool:
        """Without a mark: only a number that is long, or letters and digits in one piece."""
        piece = value.split(" ", maxsplit=1)[0]
        mixed = bool(re.search(r"[A-Za-z]", piece)) and _digits(piece) >= 4
        return _digits(piece) >= 6 or (mixed and len(piece) >= 6)
