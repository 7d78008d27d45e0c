"""The parts of a typed prescription: amounts, tablets, times, limits, each with its place.

Only shapes are told apart here ("q4-6h", "5/325", "max 6/day"); what they mean together is the dose
reader's business. The text is folded (see `dialogs.folded`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

_UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "once": 1, "twice": 2, "thrice": 3, "single": 1,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_PARTS = {"half": 0.5, "half a": 0.5, "half of a": 0.5, "a half": 0.5, "one and a half": 1.5, "one half": 0.5}
_ROMAN = {"i": 1, "ii": 2, "iii": 3}

_U = "|".join(sorted((u for u in _UNITS if u not in ("once", "twice", "thrice", "single")), key=len, reverse=True))
_T = "|".join(_TENS)
_WORDS = rf"(?:(?:(?:a|{_U}) hundred(?: (?:and )?)?)?(?:(?:{_T})(?:[ -](?:{_U}))?|{_U})|(?:a|{_U}) hundred)\b"
N = rf"(?:(?<![\d.,])(?:\d+(?:[.,]\d+)*(?:e[+-]?\d+)?|\.\d+)|\b{_WORDS})"
"""A number in digits or words."""
_TO = r"(?: ?- ?| to | or )"
R = rf"(?P<a>{N})(?:{_TO}(?P<b>{N}))?"
"""A number or a range of two."""

_MG = r"(?:mgs?|milligrams?|milligrammes?|mcgs?|micrograms?|micg|ugs?|gm?s?|grams?)(?![a-z])"
_DAY = r"(?:day|daily|dia|d|24 ?(?:hours?|hrs?|h))\b"
_A = r"(?: ?/ ?| (?:a|an|per|each|every|in|in a|for|in the|at|by) | )"
_TABS = r"(?:tab(?:let)?s?|tabs?|caps?|caplets?|capsules?|pills?|pastillas?)\b"
_TIMES = r"(?: ?x\b| ?times?\b| veces\b)"
_LONG = r"(?:days?|wks?|weeks?|mos?|mths?|months?|yrs?|years?|nights?)\b"

_KINDS: tuple[tuple[str, str], ...] = (
    ("aside", rf"\b(?:x ?|for |over |since |past |last |next |within |in )(?:about |the (?:past|last) )?{N}(?:{_TO}{N})?[ -]?(?:d\b|{_LONG})"
              rf"|(?<!every )(?<!q )(?<!q)(?<!each )(?<![\d.]){N}(?:{_TO}{N})?[ -]?(?:day|week|wk|month|mo|year|yr)s?\b(?:[ -]old)?(?: supply| course| script)?"
              rf"|# ?\d+|\b(?:disp|dispense|qty|quantity|refills?|rf|count)\W{{0,3}}\d+|\b\d+ refills?\b"
              rf"|\b(?:no|zero) refills?\b|\b{N} ?(?:-| )?(?:y/?o\b|years?[ -]old)|\b\d{{1,2}}(?:-\d{{1,2}})?/10\b|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b"
              rf"|\b(?:19|20)\d\d\b(?! ?mg)|\b{N} ?%|\b{N} ?(?:kg|lbs?|pounds|cm)\b|\b[lcts]\d(?:-[lcts]?\d)?\b"),
    ("liquid", rf"{N} ?{_MG} ?(?:/|per) ?(?:{N} ?)?(?:ml|cc)\b|{N} ?(?:ml|cc|tsp|teaspoons?)\b"),
    ("rate", rf"{R} ?(?P<u>{_MG})? ?(?:/|per |an )(?: ?)(?:hour|hr|h)\b"),
    ("total", rf"{R} ?(?P<u>{_MG})(?: (?:total|in total))?(?: ?/ ?| (?:a|per|each|every|in|in a|in the) )(?:day|d|24 ?(?:hours?|hrs?|h))\b"
              rf"|{R} ?(?P<u>{_MG}) total daily\b|\b(?:total )?daily (?:dose|total)(?: of| is|:)? {R} ?(?P<u>{_MG})"),
    ("rare", rf"\b(?:every other day|qod|q ?o ?d|alternate days|every second day|weekly|biweekly|monthly|(?:once|twice) (?:a|per|each|every) (?:week|month)"
             rf"|every (?:week|month)|mwf|(?:a|per|each) (?:week|month))\b|{N}{_TIMES}?(?: ?/ ?| (?:a|per|each) )(?:week|wk|month)\b"),
    ("tabsday", rf"{R} ?(?:{_TABS})(?: ?/ ?| (?:a|per|each|every|in|in a|total per) |(?: total)? )(?:day|daily|d|24 ?(?:hours?|hrs?|h))\b"),
    ("dosesday", rf"{R} doses(?: ?/ ?| (?:a|per|each|in) | )(?:day|daily|24 ?(?:hours?|hrs?|h))\b|{R} doses\b"),
    ("times", rf"{R}{_TIMES}{_A}{_DAY}|\bx ?{R}(?: ?/ ?| (?:a|per) | )(?:day|daily|d)\b"
              rf"|\b(?P<a>once|twice|thrice)(?:(?: or | to |-)(?P<b>twice|thrice|{N}(?: times)?))?(?: ?/ ?| (?:a|per|each|every|in the) |[ -])(?:day|daily)\b"),
    ("perday", rf"{R}(?: ?/ ?| (?:a|per|each|in) )(?:day|d|24 ?(?:hours?|hrs?|h))\b"),
    ("every", rf"\bq ?(?P<a>\d+) ?h ?(?:-|to) ?q?(?P<b>\d+) ?(?P<u>h)\b|\b(?:q|every|each) ?\.? ?{R}(?:[ -]?(?P<u>hours?|hrs?|h|days?|d|weeks?|wks?|min(?:ute)?s?))?\b\.?"
              rf"|\b{R}[ -]hourly\b|\bevery (?P<a>{N})(?:st|nd|rd|th) (?P<u>day)\b|\bevery (?P<u>hour)\b|\b(?P<u>h)ourly\b"),
    ("often", r"\b(?P<f>q\.? ?i\.? ?d\.?|q\.? ?d\.?|b\.? ?i\.? ?d\.?|t\.? ?i\.? ?d\.?|t\.?d\.?s\.?|q\.?d\.?s\.?|bd|qday|q ?day|q24|daily|once daily|every day|each day|per day|a day)"
              r"(?:(?: ?- ?| to | or | ?/ ?)(?P<g>q\.?i\.?d\.?|b\.?i\.?d\.?|t\.?i\.?d\.?))?(?![a-z])"),
    ("tod", r"\b(?:q ?(?:am|pm|hs|noon|evening|morning|night|mane|nocte)|hs|(?:at|before) (?:bed ?time|bed|night|noon|lunch)|nightly|every (?:night|morning|evening|afternoon)|each (?:night|morning|evening)"
            r"|in (?:the )?(?:morning|evening|afternoon|am|pm|a\.m\.|p\.m\.)|mornings?|evenings?|bedtime|noon|midday|(?:every )?am and pm)\b"),
    ("patches", rf"\b(?:x ?)?(?P<a>{N}) ?(?:x )?(?:patches)\b|\b(?P<a>{N}) (?:x )?(?={N} ?(?:mcg|ug|microgram)[^,;]{{0,14}}patches)|\bpatches x ?(?P<a>{N})\b"),
    ("tabs", rf"\b(?P<p>half of a|half a|half|one and a half|a half|one half)[ -]?(?:of (?:a|one) )?(?:{_TABS})|(?P<p>(?:\d+ )?\b[13]/[24]) ?(?:of (?:a|one) )?{_TABS}|(?!\d+(?:\.\d+)?[-/]\d{{3}}){R} ?(?:{_TABS}|(?:po|p\.o\.|by mouth|orally)(?![a-z]))"
             rf"|\b(?P<r>iii|ii|i)(?: ?- ?(?P<s>iii|ii))? (?=(?:po|p\.o\.|{_TABS}|q ?\d|q[a-z]?[id]|bid|tid))(?:po\b|{_TABS})?|\ba {_TABS}"
             rf"|\btakes? {R}\b(?! ?(?:{_MG}|[./,-]\d|/|x\b|times))|{R} (?:x )?(?:of (?:his|her|the|their) )?(?={N} ?(?:mg|milligrams?)[ -](?:{_TABS}))"),
    ("pair", rf"(?P<a>{N}) ?(?:mg)? ?(?P<x>[/-]) ?(?P<b>{N})(?: ?[/-] ?(?P<c>{N}))?(?: ?(?P<u>{_MG}))?"),
    ("amount", rf"(?P<a>{N}) ?(?:mg)?(?:{_TO}(?P<b>{N}))?[ -]?(?P<u>{_MG})"),
    ("loose", rf"{R}{_TIMES}|\b(?:once|twice|thrice)\b|\bx ?{N}\b"),
    ("max", r"\b(?:(?:daily )?max(?:imum|imo)?\.?(?: daily)?(?: dose)?|mdd|not (?:to |more than |exceed(?:ing)? |over )(?:exceed )?|nte|no more than|do not exceed|don't exceed|limit(?:ed to)?|at most)\b[ :=of]{0,4}"),
    ("upto", r"\bup to\b|\bas many as\b"),
    ("prn", r"\b(?:prn|p\.r\.n\.?|as needed|if needed|when needed|as necessary|if necessary)(?![a-z])"),
    ("er", r"\b(?:er|xr|sr|cr|xl|la|e\.r\.|extended[ -]release|sustained[ -]release|controlled[ -]release|long[ -]acting|slow[ -]release)\b"),
    ("ir", r"\b(?:ir|immediate[ -]release|short[ -]acting|instant[ -]release)\b"),
    ("patch", r"\b(?:patch|patches|transdermal|td|parche)\b"),
    ("sublingual", r"\b(?:sl|sublingual(?:ly)?|under the tongue|films?|strips?)\b"),
    ("buccal", r"\bbuccal(?:ly)?\b"),
    ("injection", r"\b(?:iv|i\.v\.|im|intravenous(?:ly)?|intramuscular|injections?|injectable|shots?|subcut|subq|sc|sq|depot|pca|infusion|drip|intrathecal|epidural|pump)\b"),
    ("other_route", r"\b(?:nasal(?:ly)?|intranasal|spray|lozenges?|lollipops?|troches?|suppositor(?:y|ies)|rectal(?:ly)?)\b"),
    ("number", rf"{R}"),
    ("word", r"[a-z][a-z'&-]*"),
    ("sep", r"[,;+\n]|\. "),
)  # fmt: skip
"""Kinds of parts, the more telling first; where two begin at one place the first wins."""

_TOKEN = re.compile(r"[a-z]+|[0-9#,;+\n]|\.(?=\d)|\. ")
_STARTERS = frozenset(_UNITS) | frozenset(_TENS) | frozenset(
    """a am alternate an as at ascending b bd bed bedtime before bid biweekly bnx buccal buccally by c changed change controlled count cr d daily
    depot disp dispense do don drip each epidural er evening evenings every extended film films for half hourly hs i ii iii if im immediate in
    infusion injectable injection injections instant intramuscular intranasal intrathecal intravenous intravenously ir iv l la last limit limited
    long lozenge lozenges lollipop lollipops max maximum maximo maxima mdd midday monthly morning mornings mwf nasal nasally next nightly no noon
    not nte over p parche past patch patches pca per pm prn pump qty quantity rectal rectally refill refills replaced rf s sc short shot shots since
    sl slow spray sq sr strip strips subcut sublingual sublingually subq suppository suppositories sustained t take takes td tds tid total
    transdermal troche troches under up weekly when within x xl xr zero e once twice thrice""".split()
)
"""Words that can begin a part; every other word is just a word."""

_OFTEN = {"qid": 4, "qds": 4, "tid": 3, "tds": 3, "bid": 2, "bd": 2}
_HOURS = {"d": 24, "w": 168, "h": 1}


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `low` and `high` are equal unless a range was typed."""

    kind: str
    start: int
    end: int
    text: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    third: float | None = None
    doubtful: bool = False
    """A number that could be read in two ways, or in none."""


def number(text: str) -> float | None:
    """Return the number typed, or None when it could mean two ("1,000") or none ("1.2.3")."""
    if text in _UNITS:
        return _UNITS[text]
    if text[0].isalpha():
        return _in_words(text)
    if re.fullmatch(r"\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?|\.\d+", text):
        return float(text)
    comma = re.fullmatch(r"(\d+),(\d+)", text)
    if not comma:
        return None
    whole, part = comma.groups()
    clear = len(part) == 1 or (len(part) == 2 and (part in ("25", "50", "75") or whole == "0"))  # noqa: PLR2004
    return float(f"{whole}.{part}") if clear else None


def _in_words(text: str) -> float:
    total = 0
    for word in re.findall(r"[a-z]+", text):
        if word == "hundred":
            total = max(total, 1) * 100
        total += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return total


@cache
def _scanner() -> tuple[re.Pattern[str], dict[str, tuple[re.Pattern[str], ...]]]:
    groups = re.compile(r"\?P<([a-z])>")
    alone = {kind: tuple(re.compile(p) for p in _split(pattern)) for kind, pattern in _KINDS}
    whole = "|".join(f"(?P<{kind}>{groups.sub('?:', pattern)})" for kind, pattern in _KINDS)
    return re.compile(whole), alone


def _split(pattern: str) -> Iterator[str]:
    """Yield the alternatives of a pattern, because a name may stand in each of them."""
    depth, begin, in_set = 0, 0, False
    for place, sign in enumerate(pattern):
        if pattern[place - 1 : place] == "\\":
            continue
        in_set = sign == "[" or (in_set and sign != "]")
        depth += (sign == "(") - (sign == ")") if not in_set else 0
        if sign == "|" and depth == 0 and not in_set:
            yield pattern[begin:place]
            begin = place + 1
    yield pattern[begin:]


def parts(text: str, start: int = 0, end: int | None = None) -> tuple[Part, ...]:
    """Return the parts of ``text[start:end]`` in order."""
    scan, alone = _scanner()
    end = len(text) if end is None else end
    found: list[Part] = []
    token = _TOKEN.search(text, start, end)
    while token:
        place, word = token.end(), token.group()
        if word.isalpha() and word not in _STARTERS and word[0] != "q":
            found.append(Part("word", token.start(), place, word))
        elif match := scan.match(text, token.start(), end):
            found.append(_part(match.lastgroup or "", match, alone))
            place = max(match.end(), token.start() + 1)
        token = _TOKEN.search(text, place, end)
    return tuple(found)


def _names(kind: str, match: re.Match[str], alone: dict[str, tuple[re.Pattern[str], ...]]) -> dict[str, str | None]:
    for pattern in alone[kind]:
        again = pattern.match(match.string, match.start())
        if again and again.end() == match.end():
            return again.groupdict()
    return {}


def _part(kind: str, match: re.Match[str], alone: dict[str, tuple[re.Pattern[str], ...]]) -> Part:
    named = _names(kind, match, alone)
    low, high, third = (number(named[g]) if named.get(g) else None for g in "abc")
    doubtful = any(named.get(g) and number(named[g]) is None for g in "abc")
    unit = named.get("u") or ""
    changed = high is not None and match.string[: match.start()].endswith("from ")
    if kind == "often":
        low, high = _often(named.get("f") or ""), _often(named["g"]) if named.get("g") else None
    elif kind == "tabs":
        low, high = _tablets(named, low, high)
    elif kind == "every" and low is None and not doubtful:
        low = 1
    high = low if high is None else high
    return Part(kind, match.start(), match.end(), match.group(), low, high, unit, third, doubtful or changed)


def _often(text: str) -> float:
    return _OFTEN.get(re.sub(r"[^a-z]", "", text), 1)


def _tablets(named: dict[str, str | None], low: float | None, high: float | None) -> tuple[float | None, float | None]:
    if part := named.get("p"):
        return _fraction(part), None
    if roman := named.get("r"):
        return _ROMAN[roman], _ROMAN.get(named.get("s") or "")
    return (1, None) if low is None and not named.get("a") else (low, high)


def _fraction(text: str) -> float:
    if text in _PARTS:
        return _PARTS[text]
    *whole, part = text.split(" ")
    over, under = part.split("/")
    return float(whole[0] if whole else 0) + int(over) / int(under)


def hours(part: Part) -> tuple[float, float] | None:
    """Return the shortest and longest interval of an "every" part, in hours; None when unclear."""
    if part.low is None or part.high is None or part.unit.startswith("min"):
        return None
    each = _HOURS.get(part.unit[:1] or "h", 1)
    return part.low * each, part.high * each
