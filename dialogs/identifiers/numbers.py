"""Identifiers that are told by the shape of their digits: dates, phones, cards, social security numbers."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import phonenumbers

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.tokens import Reading
from dialogs.identifiers.units import dose_after, unit_after

_SHAPES = re.compile(
    r"(?P<ip>\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d))"
    r"|(?P<iso>(?:19|20)\d\d ?(?P<i>[-/. ]) ?[01]?\d ?(?P=i) ?[0-3]?\d(?!\d))"
    r"|(?P<ssn>\d{3} ?[-. ] ?\d{2} ?[-. ] ?\d{4}(?!\d))"
    r"|(?P<dmy>\d{1,2}(?: ?[-/.] ?\d{1,2} ?[-/.] ?|[ _]\d{1,2}[ _])(?:(?:19|20)\d\d|(?<![ _])"
    r"'?\d\d)(?![\d/]))"
    r"|(?P<card>\d{4}([ -])\d{4}\4\d{4}\4\d{1,7}(?!\d)|\d{4}[ -]\d{6}[ -]\d{5}(?!\d))"
    r"|(?P<zip>\d{5}-\d{4}(?![\d-]))"
    r"|(?P<nanp>(?:1 ?[-. ]? ?)?\(?[2-9]\d\d ?\)? ?[-./ ]? ?\d{3} ?[-. ] ?\d{4}(?!\d))"
    r"|(?P<groups>\d{2,24}(?: ?[-. /] ?\(?\d{2,24}\)?){1,8}(?!\d))"
    r"|(?P<long>\d{7,40})"
)
_PAIR = re.compile(r"(\d{1,2}) ?[/-] ?(\d{1,2})(?![\d/]|\.\d|-\d)")
_RANGE = re.compile(r" ?(?:-|to|through|thru|until|till|and|&) ?(\d{1,2})/(\d{1,2})(?![\d/])")
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
    }
)
"""Help lines for anyone: SAMHSA, poison control, 988's old number, the UCSF warm line."""

_PHONE_CUE = re.compile(
    r"(?:phone|cell|mobile|tel|telephone|call|called|calling|callback|text|texted|reach\w*|"
    r"ring|line|contact|number|num|no|"
    r"whatsapp|signal|pager|beeper|dial|#|ph|home|work|voicemail|vm|sms|hotline)"
    r"(?:\W{1,3}(?:me|him|her|them|mom|dad|is|was|at|on|number|no|the|his|their|it|back|or|us|"
    r"new)){0,4}\W{0,4}$"
)
_FAX_CUE = re.compile(r"\bfax(?:ed|es)?\b[^.;\n]{0,36}$")
_NOT_PERSONAL = re.compile(
    r"(?:pmid|pmc|nct|ndc|isbn|issn|doi|upc|loinc|snomed|rxcui|cas|clinicaltrials)"
    r"\W{0,5}(?:no|number|code|is)?\W{0,3}$|[$€£]\s?$"
)
_AMOUNT_CUE = re.compile(
    r"(?:viral load|vl|rna|dna|copies|platelets?|plts?|cost\w*|paid|usd|dollars)\W{0,3}(?:of|"
    r"is|was|at|=|:)?\W{0,3}$"
)
_SSN_CUE = re.compile(r"(?:\bss[n#]|social)[^.;\n]{0,24}$")

_DATE_STRONG = re.compile(
    r"(?:\bd\.?o\.?b\.?|date|dated|born|birth(?:day|date)?|admitted|admit|admission|"
    r"discharged?|d/c'?d?|dc'?d|released|release|seen|"
    r"saw (?:him|her|them|pt|patient)|due|appt|appointment|scheduled|sched|visit|visited|"
    r"surgery|surg|procedure|court|hearing|week of|"
    r"relapsed?|overdosed?|o\.?d\.?'?e?d|died|death|lmp|edd|edc|since|as of|until|till|til|"
    r"effective|expires?|exp|eff|signed|"
    r"filled|last (?:used?|dose|dosed|seen|fill|refill|visit|uds|clean|positive|urine|"
    r"injection|drink)|next (?:dose|fill|refill|visit|appt|injection|shot)|refill|"
    r"collected|drawn|labs?|received|intake|eval|evaluated|consult|note|scan|mri|ct|xray|"
    r"x-ray|echo|ekg|ecg|uds|urine|test(?:ed)?|returns?|f/u|"
    r"follow(?:ing)? ?up|mon|tues?|wed|thurs?|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|"
    r"sun)day|dos|fill date)"
    r"(?:\W{1,3}(?:is|was|on|for|from|the|at|by|date|of|in|visit|dose|around|about|approx|"
    r"again|till|until|to|collected|drawn|done|last|next|him|her|them|home|it|lab|results?))"
    r"{0,4}\W{0,4}$"
)
_DATE_WEAK = re.compile(
    r"\b(?:on|since|until|till|from|by|before|after|between|starting|started|start|begin\w*|"
    r"beginning|given|through|thru|stopped|ended|ending|"
    r"inducted|induction|injection|injected|missed|dose|vivitrol|sublocade|brixadi|and|to)"
    r"(?:\W{1,3}(?:on|the|date|was|is|of)){0,2}\W{0,3}$"
)
_DATE_NOUN = re.compile(
    r"\W{0,2}(?:visit|note|appt|appointment|uds|labs?|refill|fill|ekg|ecg|admission|discharge|"
    r"surgery|injection|encounter|clinic|intake|relapse|overdose|od|at \d)\b"
)
_STRENGTHS = frozenset(
    {
        (8, 2),
        (4, 1),
        (2, 1),
        (12, 3),
        (16, 4),
        (24, 6),
        (1, 1),
        (5, 1),
        (2, 2),
        (1, 2),
        (1, 4),
        (3, 4),
        (1, 3),
        (2, 3),
    }
)
_SCALES = frozenset({10, 5, 4, 7, 12, 30, 24})
_SCORE_CUE = re.compile(
    r"\b(?:pain|score\w*|scale|rated?|rates|vas|nrs|peg|at rest|severity|bp|strength|reflexes|"
    r"dtrs?|pulses|murmur|films?|combo|split|dsm|criteria|"
    r"suboxone|bup(?:e|renorphine)?|bup[-/]n(?:al)?x|zubsolv|bunavail|percocet|norco|vicodin|"
    r"lortab|hydrocodone|oxycodone|tramadol|subs?|"
    r"strips?|tabs?|tablets?|dose|dosed?|doses|dosing|taking|takes|took|mg|to|worst|best|"
    r"function|sleep|mood|cravings?|now|it'?s|is|was|still|stays?|down|up)\W{0,3}(?:is|was|of|"
    r"at|a|on|by|to|from|around|about|now|=|:|~)?\W{0,3}$"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


def _either_way(one: int, other: int) -> bool:
    return is_day(one, other) or is_day(other, one)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _groups(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _dose_list(groups: list[str]) -> bool:
    """Are these numbers a titration or years rather than parts of one number?"""
    if all(re.fullmatch(r"(?:19|20)\d\d", g) for g in groups):
        return True
    return all(g[0] != "0" and len(g) <= 4 and int(g) % 5 == 0 and int(g) <= 3000 for g in groups)


def _possible(text: str) -> bool:
    """Does the phone library hold the number possible, with its country or without?"""
    for region in (None, "US", "GB", "MX"):
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(text, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


class Numbers:
    """Finds numeric identifiers at the digit runs of one reading; looks at each place once."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.readers: dict[str, Callable[[int, int], Finding | None]] = {
            "ip": self._ip,
            "iso": self._iso,
            "ssn": self._ssn,
            "dmy": self._dmy,
            "card": self._card,
            "zip": self._zip,
            "nanp": self._nanp,
            "groups": self._grouped,
            "long": self._long,
        }

    def found(self) -> Iterator[Finding]:
        end = 0
        for match in re.finditer(r"\d+", self.text):
            if match.start() < end or self._inside_word(match.start()):
                continue
            for finding in self._at(match.start()):
                end = max(end, finding.end)
                yield finding

    def _inside_word(self, start: int) -> bool:
        if start == 0:
            return False
        before = self.text[start - 1]
        return before.isalpha() or (
            before == "." and self.text[max(0, start - 2) : start - 1].isdigit()
        )

    def _at(self, start: int) -> Iterator[Finding]:
        match = _SHAPES.match(self.text, start)
        finding = self._shape(match) if match else None
        if finding:
            yield finding
            return
        pair = _PAIR.match(self.text, start)
        if pair and self._pair_is_date(pair):
            yield Finding(start, self._range_end(pair.end()), "date", "hard")

    def _shape(self, match: re.Match[str]) -> Finding | None:
        name = next(name for name in self.readers if match[name])
        return self.readers[name](match.start(), match.end())

    def _range_end(self, end: int) -> int:
        """The end of "4/2 to 4/9", or of the first day alone."""
        match = _RANGE.match(self.text, end)
        return match.end() if match and _either_way(int(match[1]), int(match[2])) else end

    def _ip(self, start: int, end: int) -> Finding | None:
        try:
            IPv4Address(".".join(str(int(part)) for part in self.text[start:end].split(".")))
        except ValueError:
            return None
        if re.search(
            r"(?:version|ver|v|section|chapter|sec|§)\W{0,2}$", self.reading.before(start, 12)
        ):
            return None
        return Finding(start, end, "ip", "hard")

    def _iso(self, start: int, end: int) -> Finding | None:
        _, month, day = map(int, _groups(self.text[start:end]))
        if not _either_way(month, day):
            return self._grouped(start, end)
        return Finding(start, end, "date", "hard")

    def _dmy(self, start: int, end: int) -> Finding | None:
        one, other, _ = map(int, _groups(self.text[start:end]))
        if not _either_way(one, other) or dose_after(self.text, end):
            return None
        if self._part_of_numbers(start) or self._short_list(start, end):
            return None
        return Finding(start, end, "date", "hard")

    def _part_of_numbers(self, start: int) -> bool:
        """Is it the tail of a longer row of numbers, or a section of a document?"""
        return bool(
            re.search(
                r"(?:version|ver|section|chapter|sec|§|table|figure)\W{0,2}$",
                self.reading.before(start, 12),
            )
        )

    def _short_list(self, start: int, end: int) -> bool:
        """Three doses with dashes, such as 10-10-10 or 20-10-20 after a word of dosing."""
        shape = self.text[start:end]
        if "'" in shape or len(_groups(shape)[2]) == 4:
            return False
        parts = [int(g) for g in _groups(shape)]
        rounded = all(p % 2 == 0 or p % 5 == 0 for p in parts) and not shape.startswith("0")
        return rounded and bool(_SCORE_CUE.search(self.reading.before(start)))

    def _ssn(self, start: int, end: int) -> Finding | None:
        if _FAX_CUE.search(self.reading.before(start)) or dose_after(self.text, end):
            return None
        return Finding(start, end, "ssn", "hard")

    def _card(self, start: int, end: int) -> Finding | None:
        return Finding(start, end, "account", "hard")

    def _zip(self, start: int, end: int) -> Finding | None:
        if _NOT_PERSONAL.search(self.reading.before(start, 20)) or dose_after(self.text, end):
            return None
        return Finding(start, end, "zip", "hard")

    def _nanp(self, start: int, end: int) -> Finding | None:
        digits = _digits(self.text[start:end])
        if digits[-10:] in _PUBLIC:
            return None
        if dose_after(self.text, end) or _NOT_PERSONAL.search(self.reading.before(start, 20)):
            return None
        return self._phone(start, end)

    def _phone(self, start: int, end: int) -> Finding:
        extension = _EXTENSION.match(self.text, end)
        kind = "fax" if _FAX_CUE.search(self.reading.before(start)) else "phone"
        return Finding(self._opened(start), extension.end() if extension else end, kind, "hard")

    def _opened(self, start: int) -> int:
        while start and self.text[start - 1] in "+(":
            start -= 1
        return start

    def _grouped(self, start: int, end: int) -> Finding | None:
        """Groups of digits of no fixed shape: a phone number abroad, or the digits after a plus sign."""
        groups = _groups(self.text[start:end])
        total = sum(map(len, groups))
        before = self.reading.before(start)
        plus = before.rstrip("( ").endswith("+") or groups[0].startswith("00")
        if _NOT_PERSONAL.search(before) or total < 7 or (not plus and self._amounts(groups, end)):
            return None
        if plus and total >= 8:
            return self._phone(start, end)
        if _PHONE_CUE.search(before) or _FAX_CUE.search(before):
            return self._phone(start, end)
        return self._uncued(start, end, groups)

    def _amounts(self, groups: list[str], end: int) -> bool:
        return dose_after(self.text, end) or unit_after(self.text, end) or _dose_list(groups)

    def _uncued(self, start: int, end: int, groups: list[str]) -> Finding | None:
        total = sum(map(len, groups))
        leading = groups[0].startswith("0")
        if total >= 9 and (leading or (min(map(len, groups)) >= 3 and len(groups) >= 3)):
            if _possible(self.text[start:end]):
                return self._phone(start, end)
            return Finding(start, end, "other", "hard")
        if total >= 10 and max(map(len, groups)) >= 5:
            return Finding(start, end, "other", "hard")
        if max(map(len, groups)) >= 7:
            return Finding(start, end, "other", "hard")
        return None

    def _long(self, start: int, end: int) -> Finding | None:
        digits = self.text[start:end]
        before = self.reading.before(start)
        if self._counted(start, end) or _NOT_PERSONAL.search(before) or _AMOUNT_CUE.search(before):
            return None
        if digits[-10:] in _PUBLIC and len(digits) <= 11:
            return None
        return Finding(self._opened(start), end, self._long_kind(digits, before), "hard")

    def _counted(self, start: int, end: int) -> bool:
        units = r"\s{0,2}(?:iu|copies|units?|cells|/|ng|mcg|per|k/|dollars|usd|%|mg\b)"
        return bool(re.match(units, self.text[end : end + 12].lower())) or self._decimal(start, end)

    def _decimal(self, start: int, end: int) -> bool:
        return (
            bool(re.match(r"\.\d", self.text[end : end + 2]))
            and self.text[start : end + 1].count(".") == 1
        )

    def _long_kind(self, digits: str, before: str) -> str:
        if _FAX_CUE.search(before):
            return "fax"
        if _SSN_CUE.search(before):
            return "ssn"
        if _PHONE_CUE.search(before) or re.fullmatch(r"1?[2-9]\d\d[2-9]\d{6}", digits):
            return "phone"
        if len(digits) >= 13 and _luhn(digits[:19]):
            return "account"
        return self._date_digits(digits)

    def _date_digits(self, digits: str) -> str:
        if len(digits) == 8:
            year_first = digits[:2] in {"19", "20"} and is_day(int(digits[4:6]), int(digits[6:]))
            year_last = digits[4:6] in {"19", "20"} and _either_way(
                int(digits[:2]), int(digits[2:4])
            )
            return "date" if year_first or year_last else "other"
        return "other"

    def _pair_is_date(self, pair: re.Match[str]) -> bool:
        """Is a pair such as 10/01 a day rather than a strength, a score, a fraction or a ratio?"""
        one, other = int(pair[1]), int(pair[2])
        text, end = self.text, pair.end()
        if not _either_way(one, other) or dose_after(text, end) or self._inside_row(pair.start()):
            return False
        if (one, other) == (2, 2) and not self.reading.before(pair.start(), 4).endswith("on "):
            return False
        dashed = "-" in pair[0]
        if unit_after(text, end) and not re.match(r"\s{0,2}(?:to|at|in)\b", text[end : end + 6]):
            return False
        before = self.reading.before(pair.start(), 64)
        padded = (pair[1].startswith("0") or pair[2].startswith("0")) and len(pair[1]) == len(
            pair[2]
        ) == 2
        if padded and not dashed:
            return True
        if _DATE_STRONG.search(before) and not (dashed and one < other <= 24 and not padded):
            return not self._scored(before, one, other)
        if dashed or (one, other) in _STRENGTHS:
            return False
        return self._weak(before, one, other, end)

    def _inside_row(self, start: int) -> bool:
        return (
            start > 0
            and self.text[start - 1] in "/-.,:+*<>=~"
            and self.text[max(0, start - 2) : start - 1].isdigit()
        )

    def _scored(self, before: str, one: int, other: int) -> bool:
        return (other in _SCALES or (one, other) in _STRENGTHS) and bool(_SCORE_CUE.search(before))

    def _weak(self, before: str, one: int, other: int, end: int) -> bool:
        if other in _SCALES and one <= other:
            return False
        if _DATE_NOUN.match(self.reading.after(end)):
            return not _SCORE_CUE.search(before)
        return bool(_DATE_WEAK.search(before)) and not _SCORE_CUE.search(before)
