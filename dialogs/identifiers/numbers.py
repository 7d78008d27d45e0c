"""Identifiers that are told by the shape of their digits: dates, phones, cards, social security numbers."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import phonenumbers

from dialogs.identifiers.day_pairs import day_either_way, day_pair, doses_before, is_day
from dialogs.identifiers.finding import Finding
from dialogs.identifiers.tokens import Reading
from dialogs.identifiers.units import dose_after, unit_after

_SHAPES = re.compile(
    r"(?P<abroad>(?<=\+)(?=(?:\d[ ().-]{0,2}){8})\d{1,4}(?:[ .-]?\(?\d{1,5}\)?){2,7}(?!\d))"
    r"|(?P<ip>\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d))"
    r"|(?P<iso>(?:19|20)\d\d ?(?P<i>[-/. ]) ?[01]?\d ?(?P=i) ?[0-3]?\d(?!\d))"
    r"|(?P<ssn>\d{3} ?[-._ ] ?\d{2} ?[-._ ] ?\d{4}(?!\d))"
    r"|(?P<dmy>\d{1,2}(?: ?[-/.] ?\d{1,2} ?[-/.] ?|[ _]\d{1,2}[ _])(?:(?:19|20)\d\d|(?<![ _])"
    r"'?\d\d)(?![\d/]|-\d))"
    r"|(?P<card>\d{4}(?P<c>[ -])\d{4}(?P=c)\d{4}(?P=c)\d{1,7}(?!\d)|\d{4}[ -]\d{6}[ -]\d{5}(?!\d))"
    r"|(?P<zip>\d{5}-\d{4}(?![\d-]))"
    r"|(?P<nanp>(?:1 ?[-. ]? ?)?\(?[2-9]\d\d ?\)? ?[-./ ]? ?\d{3} ?[-. ] ?\d{4}(?!\d))"
    r"|(?P<local>[2-9]\d\d-\d{4}(?![\d-]))"
    r"|(?P<groups>\d{2,24}(?: ?[-. /] ?\(?\d{2,24}\)?){1,8}(?!\d))"
    r"|(?P<long>\d{7,40})"
)
_EXTENSION = re.compile(r"(?: ?,? ?(?:ext\.?|extension|x) ?\d{1,6})", re.IGNORECASE)
_PUBLIC = frozenset(
    {
        "8006624357",
        "8002221222",
        "8002738255",
        "8553003595",
        "8008994847",
        "8004228338",
        "8884663000",
        "8003321088",
        "8442890879",
        "8777264727",
        "8003681019",
        "8007997233",
        "8006564673",
        "8883737888",
        "8664887386",
        "8775658860",
        "8338526262",
    }
)
"""Help lines for anyone: SAMHSA, poison control, 988's old number, the UCSF warm line, and others."""

_PHONE_CUE = re.compile(
    r"(?:phone|cell|mobile|tel|telephone|call|called|calling|callback|text|texted|reach\w*|"
    r"ring|line|contact|(?:my|his|her|their|the|our|new|other|best|good|current|a) (?:number|num)|"
    r"whatsapp|signal|pager|beeper|dial|ph|home|work|voicemail|vm|sms|hotline)"
    r"(?:\W{1,3}(?:me|him|her|them|mom|dad|is|was|at|on|number|no|the|his|their|it|back|or|us|"
    r"new)){0,4}\W{0,4}$"
)
_FAX_CUE = re.compile(r"\be?fax(?:ed|es)?\b[^.;\n]{0,36}$|\bfx? ?[:#=] ?\(?$|\bfx \(?$")
_NOT_PERSONAL = re.compile(
    r"(?:pmid|pmc|nct|ndc|isbn|issn|doi|upc|loinc|snomed|rxcui|cas|clinicaltrials)"
    r"\W{0,5}(?:no|number|code|is)?\W{0,3}$|[$€£]\s?$"
)
_AMOUNT_CUE = re.compile(
    r"(?:viral load|vl|rna|dna|copies|platelets?|plts?|cost\w*|paid|usd|dollars)\W{0,3}(?:of|"
    r"is|was|at|=|:)?\W{0,3}$"
)
_SSN_CUE = re.compile(r"(?:\bss[n#]|social)[^.;\n]{0,24}$")


_SECTION = re.compile(r"(?:version|ver|\bv|section|chapter|sec|§|table|figure)\W{0,2}$")
_SCORES_BEFORE = re.compile(
    r"\b(?:finnegan|cows|ciwa(?:-ar)?|sows|apgars?|phq|gad|peg|nrs|vas|scores?)\W{0,3}"
    r"(?:scores?|of|were|was|are)?\W{0,3}$"
)
_PAGES = re.compile(r"(?:[:;(]|\bpp?\.?|pages?) ?$")
_CODED = re.compile(r"(?!D\.?O\.?B)[A-Z]{2,5}\.$")
"""Letters of a standard right before, as in NPSG.03.06.01."""
_TAIL = re.compile(r"\d[-./) ]{1,2}$")
"""What stands before the last digits of a longer number."""
_PART_BEFORE = re.compile(r"\d/$")
"""A share right before, as in 5/10-6/10."""
_DRUG_CODE = re.compile(r"\d{4,5}-\d{3,4}-\d{1,2}")
_COUNTED = re.compile(
    r"\s{0,2}(?:iu|copies|units?|cells|/\s?(?:[um]?l|mcl|mm3?|hpf|day|d|dl|kg)\b|"
    r"ng|mcg|per (?:m?l|day|kg|mm3?|hour|year)\b|k/|dollars|usd|%|mg\b)|\.\d",
    re.IGNORECASE,
)
_TEN_DIGITS = re.compile(r"1?[2-9]\d\d[2-9]\d{6}")


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_public(number: str) -> bool:
    """Whether it is the number of a help line for everyone."""
    digits = _digits(number)
    return len(digits) <= 11 and digits[-10:] in _PUBLIC


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _groups(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _dose_list(groups: list[str]) -> bool:
    """Whether these numbers are a titration or years rather than parts of one number."""
    if all(re.fullmatch(r"(?:19|20)\d\d", g) for g in groups):
        return True
    return all(g[0] != "0" and len(g) <= 4 and int(g) % 5 == 0 and int(g) <= 3000 for g in groups)


def _possible(text: str) -> bool:
    """Whether the phone library holds the number possible, with its country or without."""
    for region in (None, "US", "GB", "MX"):
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(text, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def numbers(reading: Reading) -> Iterator[Finding]:
    end = 0
    for match in re.finditer(r"\d+", reading.text):
        if match.start() < end or _inside_word(reading, match.start()):
            continue
        finding = _at(reading, match.start())
        if finding:
            end = finding.end
            yield finding


def _inside_word(reading: Reading, start: int) -> bool:
    before = reading.before(start, 2)
    return before[-1:].isalpha() or (before[-1:] == "." and before[:1].isdigit())


def _at(reading: Reading, start: int) -> Finding | None:
    match = _SHAPES.match(reading.text, start)
    return (match and _shape(reading, match)) or day_pair(reading, start)


def _shape(reading: Reading, match: re.Match[str]) -> Finding | None:
    name = next(name for name in _READERS if match[name])
    return _READERS[name](reading, match.start(), match.end())


def _ip(reading: Reading, start: int, end: int) -> Finding | None:
    try:
        IPv4Address(".".join(str(int(part)) for part in reading.text[start:end].split(".")))
    except ValueError:
        return None
    if _SECTION.search(reading.before(start, 12)):
        return None
    return Finding(start, end, "ip", "hard")


def _iso(reading: Reading, start: int, end: int) -> Finding | None:
    _, month, day = map(int, _groups(reading.text[start:end]))
    if not day_either_way(month, day):
        return _grouped(reading, start, end)
    return Finding(start, end, "date", "hard")


def _dmy(reading: Reading, start: int, end: int) -> Finding | None:
    one, other, _ = map(int, _groups(reading.text[start:end]))
    if not day_either_way(one, other) or dose_after(reading.text, end):
        return None
    if _SECTION.search(reading.before(start, 12)) or _CODED.search(
        reading.text[max(0, start - 6) : start]
    ):
        return None
    if _short_list(reading, start, end) or _PART_BEFORE.search(reading.before(start, 3)):
        return None
    return Finding(start, end, "date", "hard")


def _short_list(reading: Reading, start: int, end: int) -> bool:
    """Three doses with dashes, such as 10-10-10 or 20-10-20 after a word of dosing."""
    shape = reading.text[start:end]
    if "'" in shape or len(_groups(shape)[2]) == 4:
        return False
    if "-" in shape and _SCORES_BEFORE.search(reading.before(start, 24)):
        return True
    parts = [int(g) for g in _groups(shape)]
    rounded = all(p % 2 == 0 or p % 5 == 0 for p in parts) and not shape.startswith("0")
    return rounded and doses_before(reading.before(start))


def _ssn(reading: Reading, start: int, end: int) -> Finding | None:
    if _FAX_CUE.search(reading.before(start)) or dose_after(reading.text, end):
        return None
    return Finding(start, end, "ssn", "hard")


def _card(reading: Reading, start: int, end: int) -> Finding | None:
    return Finding(start, end, "account", "hard")


def _zip(reading: Reading, start: int, end: int) -> Finding | None:
    if _NOT_PERSONAL.search(reading.before(start, 20)) or dose_after(reading.text, end):
        return None
    return Finding(start, end, "zip", "hard")


def _nanp(reading: Reading, start: int, end: int) -> Finding | None:
    if is_public(reading.text[start:end]):
        return None
    if dose_after(reading.text, end) or _NOT_PERSONAL.search(reading.before(start, 20)):
        return None
    return _phone(reading, start, end)


def _local(reading: Reading, start: int, end: int) -> Finding | None:
    """A number without its area, such as 555-0117, unless it may be a range: 872-882, 500-1000."""
    first, second = _groups(reading.text[start:end])
    ranged = int(second) > int(first) and (
        int(second) % 5 == 0 or _PAGES.search(reading.before(start))
    )
    if _TAIL.search(reading.before(start, 3)):
        return None
    if ranged or "ndc" in reading.lows:
        return _grouped(reading, start, end)
    return None if unit_after(reading.text, end) else _phone(reading, start, end)


def _phone(reading: Reading, start: int, end: int) -> Finding:
    extension = _EXTENSION.match(reading.text, end)
    kind = "fax" if _FAX_CUE.search(reading.before(start)) else "phone"
    return Finding(_opened(reading, start), extension.end() if extension else end, kind, "hard")


def _opened(reading: Reading, start: int) -> int:
    while start and reading.text[start - 1] in "+(":
        start -= 1
    return start


def _grouped(reading: Reading, start: int, end: int) -> Finding | None:
    """Groups of digits of no fixed shape: a phone number abroad, or the digits after a plus sign."""
    groups = _groups(reading.text[start:end])
    total = sum(map(len, groups))
    if "ndc" in reading.lows and _DRUG_CODE.fullmatch(reading.text[start:end]):
        return None
    before = reading.before(start)
    plus = before.rstrip("( ").endswith("+") or groups[0].startswith("00")
    if _NOT_PERSONAL.search(before) or total < 7 or (not plus and _amounts(reading, groups, end)):
        return None
    if plus and total >= 8:
        return _phone(reading, start, end)
    if _PHONE_CUE.search(before) or _FAX_CUE.search(before):
        return _phone(reading, start, end)
    return _uncued(reading, start, end, groups)


def _amounts(reading: Reading, groups: list[str], end: int) -> bool:
    return dose_after(reading.text, end) or unit_after(reading.text, end) or _dose_list(groups)


def _uncued(reading: Reading, start: int, end: int, groups: list[str]) -> Finding | None:
    total = sum(map(len, groups))
    leading = groups[0].startswith("0")
    if total >= 9 and (leading or (min(map(len, groups)) >= 3 and len(groups) >= 3)):
        if _possible(reading.text[start:end]):
            return _phone(reading, start, end)
        return Finding(start, end, "other", "hard")
    if total >= 10 and max(map(len, groups)) >= 5:
        return Finding(start, end, "other", "hard")
    if max(map(len, groups)) >= 7:
        return Finding(start, end, "other", "hard")
    return None


def _long(reading: Reading, start: int, end: int) -> Finding | None:
    digits = reading.text[start:end]
    before = reading.before(start)
    if (
        _COUNTED.match(reading.text, end)
        or _NOT_PERSONAL.search(before)
        or _AMOUNT_CUE.search(before)
    ):
        return None
    if is_public(digits):
        return None
    return Finding(_opened(reading, start), end, _long_kind(digits, before), "hard")


def _long_kind(digits: str, before: str) -> str:
    if _FAX_CUE.search(before):
        return "fax"
    if _SSN_CUE.search(before):
        return "ssn"
    if _PHONE_CUE.search(before) or _TEN_DIGITS.fullmatch(digits):
        return "phone"
    if len(digits) >= 13 and _luhn(digits[:19]):
        return "account"
    return _date_digits(digits)


def _date_digits(digits: str) -> str:
    if len(digits) == 8:
        year_first = digits[:2] in {"19", "20"} and is_day(int(digits[4:6]), int(digits[6:]))
        year_last = digits[4:6] in {"19", "20"} and day_either_way(
            int(digits[:2]), int(digits[2:4])
        )
        return "date" if year_first or year_last else "other"
    return "other"


def _abroad(reading: Reading, start: int, end: int) -> Finding | None:
    """A number after a plus sign, in groups of any length: +33 6 12 34 56 78."""
    text = reading.text
    if is_public(text[start:end]) or text[start - 2 : start - 1].isdigit() or dose_after(text, end):
        return None
    return _phone(reading, start, end)


_READERS: dict[str, Callable[[Reading, int, int], Finding | None]] = {
    "abroad": _abroad,
    "ip": _ip,
    "iso": _iso,
    "ssn": _ssn,
    "dmy": _dmy,
    "card": _card,
    "zip": _zip,
    "nanp": _nanp,
    "local": _local,
    "groups": _grouped,
    "long": _long,
}
