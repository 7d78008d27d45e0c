"""Days written as two numbers, such as 10/01, told from strengths, scores, fractions and ratios."""

import re

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.tokens import Reading
from dialogs.identifiers.units import dose_after, unit_after

_PAIR = re.compile(r"(\d{1,2}) ?[/-] ?(\d{1,2})(?![\d/]|\.\d|-\d(?!\d?/\d))")
_RANGE = re.compile(r" ?(?:-|to|through|thru|until|till|and|&) ?(\d{1,2})/(\d{1,2})(?![\d/])")
_DATE_STRONG = re.compile(
    r"(?:\bd\.?o\.?b\.?|date|dated|born|b-?day|birth(?:day|date)?|admitted|admit|adm|admission|"
    r"discharged?|d/c'?d?|dc'?d|released|release|seen|"
    r"saw (?:him|her|them|pt|patient)|due|appt|appointment|scheduled|sched|visit|visited|"
    r"surgery|surg|procedure|court|hearing|week of|"
    r"relapsed?|ama|eloped|no[- ]?show(?:ed)?|"
    r"overdosed?|o\.?d\.?'?e?d|died|death|lmp|edd|edc|since|as of|until|till|til|"
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
    r"beginning|given|through|thru|stopped|ended|ending|pulled|revoked|suspended|cancell?ed|"
    r"hospitali[sz]ed|transferred|jailed|arrested|fired|expelled|evicted|moved|quit|reinstated|"
    r"postponed|rescheduled|married|delivered|operated|intubated|extubated|"
    r"inducted|induction|injection|injected|missed|dose|vivitrol|sublocade|brixadi|and|to)"
    r"(?:\W{1,3}(?:on|the|date|was|is|of)){0,2}\W{0,3}$"
)
_SERIES = re.compile(
    r"\b(?:uds|urines?|labs?|visits?|seen|injections?|shots?|ekgs?|called|no[- ]shows?|missed)\W{1,3}"
    r"(?:on )?\d{1,2}/\d{1,2}\b[^\n.;]{0,40}(?:,|and|&) ?$"
)
"""Days of a series before this one: UDS 3/2 positive, 3/9 negative."""
_BIRTH_CUE = re.compile(
    r"(?:\bd\.?o\.?b\.?|\bborn|\bb-?day|\bbirth ?(?:day|date)|\bdate of birth)"
    r"(?:\W{1,3}(?:is|was|on|of|listed|as)){0,2}\W{0,3}$"
)
_OPENS_NOTE = re.compile(r"(?:^|[.;\n]) ?$")
_NOTE_SIGN = re.compile(r"(?::| -{1,2}) [A-Za-z]")
_LARGEST_PART = 5
"""Up to here two pairs may be fractions, as in 1/3-1/4."""
_SIX = re.compile(r"(\d\d)(\d\d)(\d\d)(?!\d)")
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
_COUNTED = re.compile(r"\s(?:neg|pos|clean|attended|kept|missed|right|ok)\w*\b", re.IGNORECASE)
"""What may follow a share, as in "UDS 8/10 negative", or a day."""
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NO_UNIT = re.compile(r"\s{0,2}(?:to|at|in)\b", re.IGNORECASE)


def is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


def day_either_way(one: int, other: int) -> bool:
    """Whether the two are a month and a day, in this order or the other."""
    return is_day(one, other) or is_day(other, one)


def doses_before(before: str) -> bool:
    """Whether a word of scoring or dosing stands right before."""
    return _SCORE_CUE.search(before) is not None


def day_pair(reading: Reading, start: int) -> Finding | None:
    """The day, or the span of days, written as two numbers at this place."""
    pair = _PAIR.match(reading.text, start)
    if pair is None:
        return _birth_in_six(reading, start)
    dated = _is_date(reading, pair)
    if not dated and not _spans(reading, pair) and not _heads_note(reading, pair):
        return None
    one, other = int(pair[1]), int(pair[2])
    share = one <= other in _SCALES and _COUNTED.match(reading.text, pair.end())
    end = _range_end(reading, pair.end())
    return Finding(start, end, "date", "soft" if share or not dated else "hard")


def _heads_note(reading: Reading, pair: re.Match[str]) -> bool:
    """Whether the pair stands before a note of that day, as in "5/19: called"."""
    one, other = int(pair[1]), int(pair[2])
    opens = _OPENS_NOTE.search(reading.before(pair.start())) is not None
    headed = opens and _NOTE_SIGN.match(reading.text, pair.end()) is not None
    return headed and "/" in pair[0] and is_day(one, other) and other not in _SCALES and one < other


def _birth_in_six(reading: Reading, start: int) -> Finding | None:
    """A day of birth in six digits without a sign between: DOB 041786."""
    six = _SIX.match(reading.text, start)
    if six is None or not _BIRTH_CUE.search(reading.before(start)):
        return None
    one, other, third = map(int, six.groups())
    valid = day_either_way(one, other) or is_day(other, third)
    return Finding(start, six.end(), "date", "hard") if valid else None


def _spans(reading: Reading, pair: re.Match[str]) -> bool:
    """Whether two days of one month, or of two that follow each other, make a span: 11/1-11/6."""
    last = _RANGE.match(reading.text, pair.end())
    if last is None or "-" in pair[0] or _measured(reading, pair):
        return False
    (month, day), (to_month, to_day) = map(int, pair.groups()), map(int, last.groups())
    if (month, day) in _STRENGTHS or to_day <= _LARGEST_PART:
        return False
    rising = (month == to_month and day < to_day) or (
        to_month == month % 12 + 1 and to_day < day > 12
    )
    counted = unit_after(reading.text, last.end()) or doses_before(reading.before(pair.start()))
    return rising and is_day(month, day) and is_day(to_month, to_day) and not counted


def _range_end(reading: Reading, end: int) -> int:
    """The end of "4/2 to 4/9", or of the first day alone."""
    match = _RANGE.match(reading.text, end)
    return match.end() if match and day_either_way(int(match[1]), int(match[2])) else end


def _is_date(reading: Reading, pair: re.Match[str]) -> bool:
    one, other = int(pair[1]), int(pair[2])
    if not day_either_way(one, other) or _measured(reading, pair):
        return False
    before = reading.before(pair.start(), 64)
    padded = len(pair[1]) == len(pair[2]) == 2 and "0" in pair[1][0] + pair[2][0]
    if (one, other) == (2, 2):
        return before.endswith("on ")
    if "-" in pair[0]:
        falling = padded or other <= one or other > 12
        return falling and _DATE_STRONG.search(before) is not None
    return padded or _cued(reading, before, (one, other), pair.end())


def _measured(reading: Reading, pair: re.Match[str]) -> bool:
    """Whether a unit follows, or the pair is the tail of a longer row."""
    text, start, end = reading.text, pair.start(), pair.end()
    if dose_after(text, end) or (unit_after(text, end) and not _NO_UNIT.match(text, end)):
        return True
    return text[start - 1 : start] in set("/-.,:+*<>=~") and text[start - 2 : start - 1].isdigit()


def _cued(reading: Reading, before: str, pair: tuple[int, int], end: int) -> bool:
    """Whether a word of time stands before, and none of dosing or scoring for a pair that could be either."""
    dosed, strength = doses_before(before), pair in _STRENGTHS
    if _DATE_STRONG.search(before):
        return not (dosed and (strength or pair[1] in _SCALES))
    if _SERIES.search(before) and not (dosed or strength):
        return True
    if strength or dosed or (pair[1] in _SCALES and pair[0] <= pair[1]):
        return False
    return bool(_DATE_NOUN.match(reading.after(end)) or _DATE_WEAK.search(before))
