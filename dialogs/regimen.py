"""One opioid of a typed prescription: strength, times a day, limits, and what must be asked.

The one rule: where words can mean two things, it is asked. An entry holds only what is certain.

``strength`` x ``per_day`` is always the most mg a day. A dose is what is taken at one time ("2 tablets
four times a day" of 30 mg: 60 x 4), except where a range of tablets is cut by a daily maximum of
tablets: then a dose is one tablet ("5/325 1-2 q4h, max 6/day": 5 x 6).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from dialogs.daytimes import on_top, times_of_day, with_added
from dialogs.doses import NEVER_COUNTED, Dose, Form
from dialogs.folded import Folded
from dialogs.lexicon import Product
from dialogs.patterns import packaged
from dialogs.phrases import Phrase
from dialogs.plausible import likely
from dialogs.sig import Part, hours
from dialogs.stretches import Stretch

MOST_STRENGTH: Final = 1000
"""mg, or mcg/h: a larger strength is asked again."""
MOST_PER_DAY: Final = 48
"""Doses in 24 h: more are asked again."""

PARTNER_AMOUNTS: Final = frozenset({108, 160, 167, 200, 300, 325, 400, 500, 650, 660, 750})
"""mg of acetaminophen, aspirin or ibuprofen in combinations with an opioid."""
MOST_TABLETS: Final = 10
"""Tablets at one time: a larger number may be what was dispensed."""
MOST_AT_ONCE: Final = 5
"""Tablets above which they are asked about: that many may have been dispensed."""
COUNT_LIKE: Final = 3
"""A bare whole number up to this may be a number of tablets."""
TIMES_LIKE: Final = 12
"""A bare number up to this before "daily" may be a number of tablets a day."""

MOST_PATCHES: Final = 20
MOST_BARE_TABLETS: Final = 4
"""A number without a word before a time counts tablets at most up to this: "5/325 1-2 q6h"."""
LEAST_STRENGTH: Final = 5
"""From here on "10 a day" without a unit could also be mg."""
MOST_COMBINED: Final = 100
"""mg of an opioid in a combination product; none comes near it."""
MOST_BUCCAL: Final = 2
"""mg of buprenorphine for pain in a cheek; 450 "mg" are mcg."""
NEAR: Final = 30
"""Characters within which a form ("ER", "patch") belongs to a name."""
FAR: Final = 12
"""Characters from a name where two numbers with a slash are no strength any more, but a date."""
SHORT_WORD: Final = 3
DAY_H: Final = 24
LONGEST_CHANGE_H: Final = 336
"""Hours between changes of a patch."""

ASK_OTHER_DRUG: Final = Phrase("Another dose without a known drug: which drug?")
ASK_CHOSEN: Final = Phrase("Another drug than the chosen one was typed: which drug?")
ASK_STRENGTH: Final = Phrase("{drug}: strength of one dose (mg)?")
ASK_RATE: Final = Phrase("{drug}: strength in mcg/h?")
ASK_TIMES: Final = Phrase("{drug}: how many times in 24 hours?")
ASK_TABLETS: Final = Phrase("{drug}: how many tablets at a time, and how many a day at most?")
ASK_PATCHES: Final = Phrase("{drug}: how many patches at once?")
ASK_CHANGED: Final = Phrase("{drug}: how often is it changed?")
ASK_UNIT: Final = Phrase("{drug}: unit of the strength (mg or mcg)?")
ASK_LIQUID: Final = Phrase("{drug}: mg in one dose of the liquid?")
ASK_RANGE: Final = Phrase("{drug}: number out of range, strength of one dose?")
ASK_REST: Final = Phrase("{drug}: not everything was understood. What is taken in 24 hours now?")
ASK_MAXIMUM: Final = Phrase("{drug}: daily maximum?")
ASK_EITHER: Final = Phrase("Either of two opioids: which is taken?")
ASK_SURE: Final = Phrase("Something is marked as unsure: what is certain?")
ASK_NOW: Final = Phrase("{drug}: what is taken now?")
ASK_METHADONE: Final = Phrase("Methadone: for pain, or for OUD?")
ASK_BUPRENORPHINE: Final = Phrase("Buprenorphine: for pain, or for OUD?")
ASK_FENTANYL: Final = Phrase("Fentanyl: patch (mcg/h), or another form?")

DRUGS: Final[Mapping[str, str]] = {
    "oxycodone": "Oxycodone",
    "hydrocodone": "Hydrocodone",
    "hydromorphone": "Hydromorphone",
    "morphine": "Morphine",
    "oxymorphone": "Oxymorphone",
    "codeine": "Codeine",
    "tramadol": "Tramadol",
    "tapentadol": "Tapentadol",
    "fentanyl_td": "Fentanyl patch",
    "methadone_pain": "Methadone for pain",
    "bup_pain": "Buprenorphine for pain",
    "other_opioid": "Other opioid",
}
"""Options of the opioid question a dose can belong to, and their names in what is asked."""


@dataclass(frozen=True, slots=True)
class ReadDose:
    """A dose and where it stands in the original text: code points, end exclusive."""

    dose: Dose
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Amount:
    """Strength of one dose, mg or mcg/h."""

    value: float | None
    asked: str | None = None
    ranged: bool = False
    partner_mg: float = 0
    total: bool = False
    """It is what is taken in a day."""
    whole: bool = False
    """It is what is taken at one time, however many tablets that are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one stretch says: entries, questions, notes."""

    entries: tuple[ReadDose, ...] = ()
    asks: tuple[str, ...] = ()
    ignored: tuple[()] | tuple[str, str] = ()
    """A medicine that is not entered, and why."""
    partner_mg: float = 0
    """mg of acetaminophen a day, 0 if not known."""
    idle: bool = False
    """A number stands there that nothing explains."""


def entered(folded: Folded, stretch: Stretch, option: str, found: Sequence[Part]) -> Finding:
    """Return the entries and questions of one opioid for pain."""
    if stretch.chosen and not _used(stretch, found):
        return Finding(
            asks=tuple(ask.format(drug=_name(option)) for ask in (ASK_STRENGTH, ASK_TIMES))
        )
    form = _form(stretch, option, found)
    if form == "patch" and option in ("fentanyl_td", "bup_pain"):
        return _patch(folded, stretch, option, found)
    pairs = _by_time_of_day(found)
    groups = pairs or [list(found)]
    results = [_oral(folded, stretch, option, group, form) for group in groups]
    return Finding(
        tuple(entry for r in results for entry in r.entries),
        tuple(ask for r in results for ask in r.asks),
        partner_mg=sum(r.partner_mg for r in results),
        idle=any(r.idle for r in results),
    )


def _form(stretch: Stretch, option: str, found: Sequence[Part]) -> Form | None:
    kinds = {part.kind for part in found}
    near = {
        part.kind
        for part in found
        if abs(part.start - stretch.name[1]) < NEAR or part.start < stretch.name[1]
        if not _apart(part, stretch, found)
    }
    if (
        option == "fentanyl_td"
        or "patch" in kinds & near
        or stretch.product.form == "patch"
        or "rate" in kinds
    ):
        return "patch"
    if option in ("bup_pain", "methadone_pain", "other_opioid"):
        return "er" if "er" in near else None
    said = {"er", "ir"} & near
    if len(said) == 1:
        return "er" if "er" in said else "ir"
    if stretch.product.form in ("er", "ir"):
        return stretch.product.form  # type: ignore[return-value]
    combined = stretch.partner or any(_partner_mg(p) for p in found if p.kind == "pair")
    return "ir" if combined and not said else None


def _apart(part: Part, stretch: Stretch, found: Sequence[Part]) -> bool:
    """Tell "ER sent him home with Norco": a place, because words stand between it and the name."""
    between = [p for p in found if part.end <= p.start and p.end <= stretch.name[0]]
    return any(p.kind == "word" and p.text != "of" for p in between)


def _by_time_of_day(found: Sequence[Part]) -> list[list[Part]]:
    """Return the parts of each amount where each has its time of day: "10 mg qam and 20 mg qhs"."""
    amounts = [i for i, part in enumerate(found) if part.kind in ("amount", "number")]
    if not amounts[1:] or any(
        p.kind in ("often", "every", "times", "perday", "max") for p in found
    ):
        return []
    cuts = [0, *amounts[1:], len(found)]
    groups = [list(found[a:b]) for a, b in pairwise(cuts)]
    own = all(any(p.kind == "tod" for p in group) for group in groups)
    own = own and not any(p.kind == "tod" for p in found[: amounts[0]])
    return groups if own else []


def _span(folded: Folded, stretch: Stretch, used: Iterable[Part]) -> tuple[int, int]:
    places = [(p.start, p.end) for p in used]
    if stretch.name[1] > stretch.name[0]:
        places.append(stretch.name)
    start, end = min(a for a, _ in places), max(b for _, b in places)
    text = folded.text[start:end]
    return folded.span(start, start + len(text.rstrip(" .,;:")))


def _name(option: str) -> str:
    return DRUGS[option]


# --- patches --------------------------------------------------------------------------------------


def _patch(folded: Folded, stretch: Stretch, option: str, found: Sequence[Part]) -> Finding:
    """Return one patch entry: mcg/h, patches worn at once, hours between changes."""
    values = {
        _rate(part, stretch.product)
        for part in found
        if part.kind in ("rate", "amount", "number", "pair", "total")
    }
    values.discard(0.0)
    clear = len(values) == 1 and None not in values
    strength = next(iter(values)) if clear else None
    worn = {
        int(p.low)
        for p in found
        if p.kind == "patches" and p.low and float(p.low).is_integer() and p.low <= MOST_PATCHES
    }
    interval, asks = _interval(found, option)
    if strength is None and (values or option not in NEVER_COUNTED):
        asks = (ASK_RATE.format(drug=_name(option)), *asks)
    if len(worn) > 1 or any(p.kind in ("loose", "tabs") for p in found):
        asks = (*asks, ASK_PATCHES.format(drug=_name(option)))
    n_patches = worn.pop() if len(worn) == 1 else 1
    dose, unlikely = likely(
        Dose(option, strength, None, "patch", n_patches=n_patches, interval_h=interval),
        _name(option),
    )
    asks = (*unlikely, *asks)
    kinds = ("rate", "amount", "number", "every", "patch", "patches", "rare")
    used = [
        p for p in found if p.kind in kinds and (p.kind != "number" or _rate(p, stretch.product))
    ]
    start, end = _span(folded, stretch, _close(stretch, used))
    left = any(p.kind == "number" and _rate(p, stretch.product) == 0 for p in found)
    return Finding((ReadDose(dose, start, end),), asks, idle=left)


def _close(stretch: Stretch, used: Sequence[Part]) -> list[Part]:
    return [part for part in used if part.start < stretch.end]


def _rate(part: Part, product: Product) -> float | None:
    """Return mcg/h, 0 for a number that says nothing, None for one that must be asked."""
    value = part.high
    mcg = part.unit.startswith(("mc", "ug", "mic"))
    if part.kind == "rate":
        fits = part.unit == "" or mcg
    elif part.kind == "amount":
        fits = mcg and _marketed(value, product)
    else:
        if part.kind == "number" and not part.doubtful and not _marketed(value, product):
            return 0.0
        fits = part.kind == "number" and _marketed(value, product)
    certain = fits and value is not None and part.low == value and 0 < value <= MOST_STRENGTH
    return value if certain else None


def _marketed(value: float | None, product: Product) -> bool:
    known = product.strengths or (5, 7.5, 10, 12, 12.5, 15, 20, 25, 37.5, 50, 62.5, 75, 87.5, 100)
    return value in known


def _interval(found: Sequence[Part], option: str) -> tuple[float | None, tuple[str, ...]]:
    spans = {hours(part) for part in found if part.kind == "every"}
    if any(p.kind == "rare" and p.text in ("weekly", "every week", "once a week") for p in found):
        spans.add((168, 168))
    asked = (ASK_CHANGED.format(drug=_name(option)),)
    if not spans:
        often = any(p.kind in ("often", "times", "perday", "tod", "rare") for p in found)
        return None, asked if often else ()
    first = next(iter(spans))
    clear = (
        len(spans) == 1
        and first is not None
        and first[0] == first[1]
        and DAY_H <= first[0] <= LONGEST_CHANGE_H
    )
    return (first[0], ()) if clear and first else (None, asked)


# --- everything else ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frequency:
    """Doses in 24 h at most; None when not said."""

    value: float | None
    asked: str | None = None
    ranged: bool = False
    tablets: bool = False
    """It counts tablets, not doses."""


@dataclass(frozen=True, slots=True)
class Cap:
    """The stated daily maximum."""

    value: float
    unit: str
    """mg, tablets, doses, or "" for a bare number."""


def _oral(
    folded: Folded, stretch: Stretch, option: str, found: Sequence[Part], form: Form | None
) -> Finding:
    """Return the entry of one strength: what is certain of it, and the questions."""
    caps, rest, asks = _limits(found, option)
    foreign = _foreign(rest)
    if foreign is not None:
        rest, asks = rest[:foreign], [*asks, ASK_OTHER_DRUG]
    rest = _shared_out(_daily_counts(with_added(folded.text, rest)), stretch, option)
    count, count_ask = _tablets(rest, option, implied=bool(stretch.product.implied))
    amount = _strength(stretch, option, rest, count)
    often = _frequency(folded.text, rest, option, amount)
    if amount.total and often.value is None:
        amount = Amount(None, ASK_STRENGTH.format(drug=_name(option)))
    uneven = count is not None and count[0] != count[1]
    tablets = count[1] if count and not amount.whole else 1.0
    if amount.value is not None and _beside_amount(folded.text, stretch, rest):
        amount = Amount(None, ASK_STRENGTH.format(drug=_name(option)))
    strength, per_day, more = _combined(amount.value, tablets, often, caps, option, ranged=uneven)
    told = None if per_day is not None else often.asked
    asks += [ask for ask in (amount.asked, count_ask, told, *more) if ask]
    strength, per_day, more = _in_range(None if count_ask else strength, per_day, option)
    asks += more
    up_to = any(
        (
            amount.ranged,
            often.ranged,
            caps,
            uneven,
            *(p.kind in ("prn", "upto", "awake") for p in found),
        )
    )
    dose, unlikely = likely(
        Dose(option, strength, per_day, form, up_to=up_to), _name(option), daily=amount.total
    )
    said = option not in NEVER_COUNTED or any(p.kind in _SAID for p in rest)
    partner = amount.partner_mg * (_most_tablets(dose, amount) or 0)
    entry = ReadDose(dose, *_span(folded, stretch, _used(stretch, found)))
    return Finding(
        (entry,),
        tuple(dict.fromkeys([*asks, *unlikely])) if said else (),
        partner_mg=partner,
        idle=bool(idle(stretch, rest)),
    )


_SAID: Final = ("amount", "number", "pair", "concentration")
"""Kinds of parts that tell how much of an opioid that is never counted."""


def _most_tablets(dose: Dose, amount: Amount) -> float | None:
    if not (dose.strength and dose.per_day and amount.value):
        return None
    return dose.strength * dose.per_day / amount.value


_USED = frozenset(
    {
        "rate",
        "total",
        "rare",
        "tabsday",
        "dosesday",
        "times",
        "perday",
        "every",
        "often",
        "tod",
        "tabs",
        "tabsof",
        "meals",
        "clock",
        "pair",
    }
    | {
        "amount",
        "loose",
        "max",
        "upto",
        "prn",
        "er",
        "ir",
        "sublingual",
        "buccal",
        "injection",
        "liquid",
        "concentration",
        "volume",
        "divided",
    }
    | {"other_route"}
)
"""Kinds of parts that tell about the dose of the medicine they stand with."""


def _used(stretch: Stretch, found: Sequence[Part]) -> list[Part]:
    """Return the parts that tell about the dose: numbers only next to others."""
    used = [
        p for p in found if p.kind in _USED and not (p.kind == "pair" and _elsewhere(p, stretch))
    ]
    numbers = [
        p
        for p in found
        if p.kind == "number" and (p.start - stretch.name[1] in (0, 1) or not stretch.name[1])
    ]
    return [*used, *numbers]


def _elsewhere(part: Part, stretch: Stretch) -> bool:
    """Tell two numbers with a slash that stand alone, far from the name: a date, a score."""
    return not part.unit and not _partner_mg(part) and part.start - stretch.name[1] > FAR


def _limits(found: Sequence[Part], option: str) -> tuple[list[Cap], list[Part], list[str]]:
    """Return the daily maxima, the other parts, and what must be asked about a maximum."""
    caps: list[Cap] = []
    rest: list[Part] = []
    asks: list[str] = []
    pending = False
    steady = any(
        p.kind in ("often", "every", "times", "perday", "tod") for p in _before_upto(found)
    )
    found = _with_daily_totals(found)
    for place, part in enumerate(found):
        if part.kind == "max" or (part.kind == "upto" and (steady or _to_total(found, place))):
            pending = True
        elif pending and part.kind not in ("word", "upto", "sep"):
            cap = _cap(part)
            caps += [cap] if cap else []
            asks += [] if cap or part.kind == "aside" else [ASK_MAXIMUM.format(drug=_name(option))]
            pending = False
        else:
            rest.append(part)
            pending = pending and part.kind in ("word", "upto")
    return caps, rest, asks


def _with_daily_totals(found: Sequence[Part]) -> Sequence[Part]:
    """Return the parts with "40 mg daily" after "max" as one: the most a day."""
    joined: list[Part] = []
    for part in found:
        before = [p for p in joined[-2:] if p.kind != "word"]
        if _is_daily(part) and [p.kind for p in before] == ["max", "amount"]:
            joined[-1] = replace(joined[-1], kind="total", end=part.end)
        else:
            joined.append(part)
    return joined


def _is_daily(part: Part) -> bool:
    return part.kind == "often" and part.high == 1


def _to_total(found: Sequence[Part], place: int) -> bool:
    """Tell "5 mg up to 40 mg a day": a strength, and the most a day."""
    amount = any(p.kind in ("amount", "pair") for p in found[:place])
    return amount and any(p.kind == "total" for p in found[place + 1 : place + 2])


def _before_upto(found: Sequence[Part]) -> Sequence[Part]:
    place = next((i for i, part in enumerate(found) if part.kind == "upto"), 0)
    return found[:place]


_CAP_UNITS = {
    "tabsday": "tablets",
    "perday": "",
    "times": "doses",
    "dosesday": "doses",
    "often": "doses",
    "total": "mg",
}


def _cap(part: Part) -> Cap | None:
    unit = _CAP_UNITS.get(part.kind)
    if (
        unit is None
        or part.high is None
        or part.doubtful
        or (unit == "mg" and not part.unit.startswith(("mg", "mil")))
    ):
        return None
    return Cap(part.high, unit)


def _foreign(rest: Sequence[Part]) -> int | None:
    """Return where the dose of an unknown medicine begins: a word and a second amount after a whole dose."""
    amounts = [
        i
        for i, p in enumerate(rest)
        if p.kind in ("amount", "pair", "rate", "liquid", "total", "concentration")
    ]
    for first, later in pairwise(amounts):
        between = rest[first + 1 : later]
        often = any(p.kind in ("often", "every", "times", "perday", "tod") for p in between)
        word = next((i for i in range(later - 1, first, -1) if _strange(rest[i])), None)
        if often and word is not None and rest[later].kind != "total":
            return word
    return None


_MORE = frozenset({"extra", "additional", "additionally"})
"""Words of doses that come on top of the regular ones."""

_KNOWN_WORDS = frozenset(packaged("reading")["words"]["sig"].split())


def _strange(part: Part) -> bool:
    return part.kind == "word" and len(part.text) > SHORT_WORD and part.text not in _KNOWN_WORDS


def _tablets(
    rest: Sequence[Part], option: str, *, implied: bool
) -> tuple[tuple[float, float] | None, str | None]:
    """Return the tablets at one time (fewest, most), and what must be asked about them."""
    told = [p for p in rest if p.kind in ("tabs", "tabsof")]
    counts = {(p.low, p.high) for p in told if p.low and p.high and not p.doubtful}
    counts |= {
        (p.low, p.high)
        for i, p in enumerate(rest)
        if _bare_range(rest, i, implied=implied) and p.low and p.high
    }
    wrong = any(low > high for low, high in counts if low and high)
    wrong = wrong or any((high or 0) > MOST_TABLETS for _, high in counts)
    if len(counts) > 1 or wrong or _unclear_count(rest):
        return None, ASK_TABLETS.format(drug=_name(option))
    if not counts:
        return None, None
    low, high = counts.pop()
    return (low or 1, high or 1), None


def _unclear_count(rest: Sequence[Part]) -> bool:
    """Tell tablets that are not surely a dose: "6 tabs", "10 mg (2 tabs)", "2 3 times a day"."""
    one = sum(p.kind in ("amount", "pair") for p in rest) == 1
    inside = one and any(p.kind == "tabsof" and p.high != 1 for p in rest)
    tabs = [p for p in rest if p.kind == "tabs"]
    many = [p for p in tabs if (p.high or 0) > MOST_AT_ONCE and re.search(r"tab|cap|pill", p.text)]
    listed = any(
        _bare_range(rest, i) and (one.high or 0) > 1 and other.text[0].isdigit()
        for i, (one, other) in enumerate(pairwise(rest))
        if other.kind == "times"
    )
    return inside or listed or bool(many) or any(p.doubtful for p in tabs)


def _bare_range(rest: Sequence[Part], place: int, *, implied: bool = False) -> bool:
    """Tell a "1-2" or "1" that counts tablets: after a strength, before a time."""
    part = rest[place]
    if (
        part.kind not in ("pair", "number")
        or part.unit
        or part.doubtful
        or (part.high or 99) > MOST_BARE_TABLETS
        or "/" in part.text
    ):
        return False
    before = implied or any(p.kind in ("amount", "pair", "number") for p in rest[:place])
    following = rest[place + 1].kind if place + 1 < len(rest) else ""
    return before and following in ("every", "often", "times", "prn", "tod", "tabs")


def _strength(
    stretch: Stretch, option: str, rest: Sequence[Part], count: tuple[float, float] | None
) -> Amount:
    """Return the one strength that was typed; asked when there is none, or more than one."""
    ask = ASK_STRENGTH.format(drug=_name(option))
    if any(part.kind in ("liquid", "concentration", "volume") for part in rest):
        return _liquid(rest) or Amount(None, ASK_LIQUID.format(drug=_name(option)))
    if stretch.product.implied and not any(part.kind in ("amount", "total") for part in rest):
        return Amount(stretch.product.implied)
    typed = [_amount(part, stretch, option) for i, part in enumerate(rest) if _is_amount(rest, i)]
    bare = (
        []
        if typed
        else [
            _amount(part, stretch, option)
            for i, part in enumerate(rest)
            if _is_bare(rest, i, stretch)
        ]
    )
    found = list(dict.fromkeys(typed or bare[:1]))
    if not found:
        return Amount(None, ask)
    if len(found) == 1:
        return found[0]
    return _one_of(found, rest, count) or Amount(
        None, next((a.asked for a in found if a.asked), None) or ask
    )


def _is_amount(rest: Sequence[Part], place: int) -> bool:
    part = rest[place]
    if part.kind in ("amount", "total", "rate"):
        return True
    return (
        part.kind == "pair"
        and (bool(part.unit) or "/" in part.text or not _bare_range(rest, place))
        and bool(part.unit or _partner_mg(part) or "/" in part.text)
    )


def _is_bare(rest: Sequence[Part], place: int, stretch: Stretch) -> bool:
    """Tell a number without a unit that can be a strength: next to the name, or before a time."""
    part = rest[place]
    if part.kind not in ("number", "pair") or "/" in part.text or _bare_range(rest, place):
        return False
    following = rest[place + 1] if place + 1 < len(rest) else None
    if following and following.kind == "number" and not _counts(rest, place + 1):
        return False
    before = rest[place - 1].kind if place else ""
    beside = 0 <= part.start - stretch.name[1] <= 1 or (
        before in ("er", "ir", "patch") and part.start - stretch.name[1] < NEAR
    )
    timed = bool(following and following.kind in ("every", "often", "times", "prn", "tod", "tabs"))
    return beside or timed or (stretch.chosen and place == 0)


def idle(stretch: Stretch, found: Sequence[Part]) -> list[Part]:
    """Return the bare numbers that are neither a strength nor a number of tablets."""
    implied = bool(stretch.product.implied)
    typed = implied or any(_is_amount(found, i) for i in range(len(found)))
    left = [
        i
        for i, p in enumerate(found)
        if p.kind in ("number", "pair")
        and not _is_amount(found, i)
        and not _bare_range(found, i, implied=implied)
    ]
    bare = next((i for i in left if not typed and _is_bare(found, i, stretch)), None)
    return [found[i] for i in left if i != bare]


def _beside_amount(text: str, stretch: Stretch, rest: Sequence[Part]) -> bool:
    """Tell "10 20 mg", "15, 30 mg", "5 and 10 mg": which of the two is not said."""
    left = idle(stretch, rest)
    numbers = [p for p in rest if p.kind in ("amount", "pair", "number")]
    return any(
        (one in left or other in left)
        and re.fullmatch(r"[ ,/]*(?:and |& ?|or )?", text[one.end : other.start])
        for one, other in pairwise(numbers)
    )


def _counts(rest: Sequence[Part], place: int) -> bool:
    """Tell "7.5 one three times a day": a number of tablets between a strength and a time."""
    return _bare_range(rest, place) and rest[place].high == 1


def _liquid(rest: Sequence[Part]) -> Amount | None:
    """Return the mg of one dose of a liquid: one concentration with one volume, or with the mg themselves."""
    strengths, volumes, amounts = (
        [part for part in rest if part.kind == kind]
        for kind in ("concentration", "volume", "amount")
    )
    others = any(p.kind in ("liquid", "pair", "total", "tabs", "rate") for p in rest)
    mg = _mg_per_ml(strengths[0]) if len(strengths) == 1 else None
    if others or mg is None or len(volumes) > 1 or len(amounts) > 1:
        return None
    measured = _measured(volumes[0], mg, _partner_per_ml(strengths[0])) if volumes else None
    told = _in_mg(amounts[0]) if amounts else None
    if volumes and amounts:
        return measured if measured and told and measured.value == told.value else None
    return measured or told


def _measured(volume: Part, mg_per_ml: float, partner_per_ml: float) -> Amount | None:
    low, high = volume.low, volume.high
    if not (low and high) or low > high:
        return None
    return Amount(round(mg_per_ml * high, 4), ranged=low != high, partner_mg=partner_per_ml * high)


def _in_mg(amount: Part) -> Amount | None:
    clear = amount.unit.startswith(("mg", "milli")) and amount.low and amount.high
    ordered = (amount.low or 0) <= (amount.high or 0)
    return Amount(amount.high, ranged=amount.low != amount.high) if clear and ordered else None


def _partner_per_ml(part: Part) -> float:
    return _partner_mg(replace(part, kind="pair", third=None)) / (part.third or 1)


def _mg_per_ml(part: Part) -> float | None:
    """Return mg of the opioid in one mL of "5 mg/5 mL", "7.5-325 mg/15 mL"; None when that is not clear."""
    low, high, ml = part.low, part.high, 1 if part.third is None else part.third
    in_mg = not part.unit or part.unit.startswith(("mg", "milli"))
    if part.doubtful or not in_mg or not (low and high and ml):
        return None
    return min(low, high) / ml if low == high or _partner_per_ml(part) else None


def _one_of(
    found: Sequence[Amount], rest: Sequence[Part], count: tuple[float, float] | None
) -> Amount | None:
    """Return the dose where several amounts agree: "10 mg (two 5 mg tablets)", "10 mg tid (30 mg/day)"."""
    values = [a.value for a in found]
    if None in values or found[2:]:
        return None
    low, high = sorted(a.value or 0 for a in found)
    totals = [a for a in found if a.total]
    if len(totals) == 1:
        one = next(a for a in found if not a.total)
        often = _plain_frequency(rest)
        agrees = (
            often is not None
            and (one.value or 0) * often * (count[1] if count else 1) == totals[0].value
        )
        return one if agrees else None
    larger = max(found, key=lambda a: a.value or 0)
    if count and low * count[1] == high and (larger.ranged or count[0] == count[1]):
        return replace(larger, whole=True)
    return None


def _plain_frequency(rest: Sequence[Part]) -> float | None:
    values = {_per_day(part) for part in rest if part.kind in ("often", "every", "times", "perday")}
    return values.pop() if len(values) == 1 else None


def _amount(part: Part, stretch: Stretch, option: str) -> Amount:
    """Return what one amount says: its larger value, or what must be asked."""
    name = _name(option)
    low, high, partner = part.low, part.high, 0.0
    if part.kind == "pair":
        partner = _partner_mg(part)
        if partner and low and high:
            low = high = min(low, high)
        elif _with_naloxone(part, stretch):
            high = low
        elif "/" in part.text or part.third is not None:
            return Amount(None, ASK_STRENGTH.format(drug=name))
    if part.doubtful or low is None or high is None or low > high:
        return Amount(None, ASK_STRENGTH.format(drug=name))
    micro = part.unit.startswith(("mc", "ug", "mic"))
    bare = not part.unit and not partner
    if micro or (bare and stretch.product.micrograms):
        return _micrograms(high, stretch, option, ranged=low != high)
    slip = stretch.product.micrograms and high > MOST_BUCCAL
    if part.unit.startswith("g") or part.kind == "rate" or slip:
        return Amount(None, ASK_UNIT.format(drug=name))
    if bare and not all(_plausible(value, stretch, option) for value in (low, high)):
        return Amount(None, ASK_STRENGTH.format(drug=name))
    return Amount(high, None, low != high, partner, total=part.kind == "total")


def _micrograms(value: float, stretch: Stretch, option: str, *, ranged: bool) -> Amount:
    if option != "bup_pain":
        return Amount(None, ASK_UNIT.format(drug=_name(option)))
    return Amount(value / 1000, None, ranged)


def _plausible(value: float, stretch: Stretch, option: str) -> bool:
    """Tell whether a bare number is surely mg: a marketed strength that is not like a number of tablets."""
    known = stretch.product.strengths or _GENERIC.get(option, ())
    return value in known and not (value <= COUNT_LIKE and float(value).is_integer())


_GENERIC: Final[Mapping[str, tuple[float, ...]]] = {
    "oxycodone": (5, 7.5, 10, 15, 20, 30, 40, 60, 80),
    "hydrocodone": (5, 7.5, 10, 15, 20, 30, 40, 60),
    "hydromorphone": (4, 8, 12, 16, 32),
    "morphine": (10, 15, 20, 30, 45, 50, 60, 80, 100),
    "oxymorphone": (5, 7.5, 10, 15, 20, 30, 40),
    "codeine": (15, 30, 60),
    "tramadol": (37.5, 50, 100, 200, 300),
    "tapentadol": (50, 75, 100, 150, 200, 250),
    "methadone_pain": (5, 10),
}
"""Marketed mg of a drug that was chosen before, so that its product is not known."""


def _partner_mg(part: Part) -> float:
    """Return mg of acetaminophen (aspirin, ibuprofen) in "5/325", 0 when the pair is something else."""
    if (
        part.kind != "pair"
        or part.doubtful
        or part.low is None
        or part.high is None
        or part.third is not None
    ):
        return 0.0
    small, large = sorted((part.low, part.high))
    return (
        large if large in PARTNER_AMOUNTS and small <= MOST_COMBINED and small * 3 <= large else 0.0
    )


def _with_naloxone(part: Part, stretch: Stretch) -> bool:
    """Tell "10/5" of oxycodone with naloxone, which always holds half as much naloxone."""
    combined = stretch.partner or (stretch.product.combined and stretch.product.form == "er")
    return combined and part.third is None and part.low == 2 * (part.high or 0)


def _per_day(part: Part) -> float | None:
    """Return the most doses in 24 h one part says; None for less than one a day, or nothing clear."""
    if part.kind in ("often", "times", "perday", "tabsday"):
        return part.high
    span = hours(part) if part.kind == "every" else None
    if span is None or span[0] <= 0 or span[1] > DAY_H:
        return None
    return float(-(-DAY_H // span[0]))


def _frequency(text: str, rest: Sequence[Part], option: str, amount: Amount) -> Frequency:
    """Return how many doses a day were typed; asked when none, or when two differ."""
    ask = ASK_TIMES.format(drug=_name(option))
    timed = [p for p in rest if p.kind in ("often", "times", "perday", "tabsday", "every")]
    daytimes = times_of_day(text, rest)
    if any(p.doubtful for p in timed) or _irregular(rest, timed) or on_top(text, rest):
        return Frequency(None, ask)
    if daytimes is None or (amount.total and (timed or daytimes > 1)):
        return Frequency(None, ask)
    if not timed:
        return Frequency(daytimes or 1) if amount.total or daytimes else Frequency(None, ask)
    values = {_per_day(p) for p in timed}
    unsure = (
        _daily_count(rest)
        or _added(rest)
        or daytimes not in (0, *values)
        or (amount.value is None and (_several(rest) or _could_be_strength(timed)))
    )
    if len(values) != 1 or None in values or unsure:
        return Frequency(None, ask)
    ranged = any(p.low != p.high for p in timed)
    return Frequency(values.pop(), None, ranged, tablets=any(p.kind == "tabsday" for p in timed))


def _irregular(rest: Sequence[Part], timed: Sequence[Part]) -> bool:
    """Tell doses that a number a day does not count: now and then, at meals, on top of others."""
    extra = any(p.kind == "word" and p.text in _MORE for p in rest)
    meals = not timed and any(p.kind == "meals" for p in rest)
    return extra or meals or any(p.kind in ("rare", "loose") for p in rest)


def _several(rest: Sequence[Part]) -> bool:
    """Tell two amounts with two times: which belongs to which is not said."""
    timed = sum(p.kind in ("often", "times", "every", "perday", "tod") for p in rest)
    return timed > 1 and sum(p.kind in ("amount", "pair", "total") for p in rest) > 1


def _added(rest: Sequence[Part]) -> bool:
    """Tell "10 mg tid and 10 mg tid": said twice, or taken twice."""
    amounts = [i for i, p in enumerate(rest) if p.kind in ("amount", "pair")]
    between = rest[amounts[0] : amounts[-1]] if amounts else []
    joined = any(p.text in ("and", "plus", "+") for p in between)
    return joined and any(p.kind in ("often", "times", "every", "perday") for p in between)


def _could_be_strength(timed: Sequence[Part]) -> bool:
    """Tell "Norco 10 a day", which may be ten a day or 10 mg."""
    return any(part.kind == "perday" and (part.high or 0) >= LEAST_STRENGTH for part in timed)


def _daily_counts(rest: list[Part]) -> list[Part]:
    """Return the parts with "4 daily" after a strength as one part: four tablets a day."""
    strength = any(p.kind in ("amount", "pair") for p in rest)
    merged: list[Part] = []
    for part in rest:
        last = merged[-1] if merged else None
        if (
            strength
            and last
            and last.kind == "number"
            and part.kind == "often"
            and part.text == "daily"
        ):
            merged[-1] = replace(last, kind="tabsday", end=part.end)
        else:
            merged.append(part)
    return merged


_TIMED: Final = ("often", "times", "every", "perday", "dosesday")


def _shared_out(rest: list[Part], stretch: Stretch, option: str) -> list[Part]:
    """Return the parts with the amount of a day as one dose: "45 mg/day in 3 doses" is 15 mg, three times.

    Where it is not said to be divided, one dose has to be a marketed strength: "10 mg per day tid" is asked.
    """
    divided = any(part.kind == "divided" for part in rest)
    parts = _with_divided_totals(rest) if divided else rest
    totals = [part for part in parts if part.kind == "total"]
    shares = [p for p in parts if p.kind in _TIMED or (p.kind == "divided" and p.high)]
    several = any(p.kind in ("amount", "pair", "tabs", "tod") for p in parts)
    clear = divided or all(p.kind == "often" for p in shares)
    if several or not clear or (len(totals), len(shares)) != (1, 1):
        return rest
    dose = _share(totals[0], shares[0])
    if dose is None or not (divided or _plausible(dose[0].high or 0, stretch, option)):
        return rest
    return [*(p for p in parts if p not in (totals[0], shares[0])), *dose]


def _share(total: Part, share: Part) -> tuple[Part, Part] | None:
    """Return one dose of the amount of a day and its times; None when either is not clear."""
    times = share.high if share.kind in ("divided", "dosesday") else _per_day(share)
    if not (times and total.low and total.high) or total.doubtful or share.low != share.high:
        return None
    return (
        replace(total, kind="amount", low=total.low / times, high=total.high / times),
        replace(share, kind="times", low=times, high=times),
    )


def _with_divided_totals(rest: Sequence[Part]) -> list[Part]:
    """Return the parts with "60 mg daily" as one: the amount of a day that is divided."""
    joined: list[Part] = []
    for part in rest:
        if _is_daily(part) and joined and joined[-1].kind == "amount":
            joined[-1] = replace(joined[-1], kind="total", end=part.end)
        else:
            joined.append(part)
    return joined


def _daily_count(rest: Sequence[Part]) -> bool:
    """Tell "10 daily" without a unit, which may be 10 mg once or ten tablets a day."""
    return any(
        a.kind == "number"
        and b.kind == "often"
        and ("day" in b.text or b.text == "daily")
        and (a.high or 0) <= TIMES_LIKE
        for a, b in pairwise(rest)
    )


def _combined(
    value: float | None,
    tablets: float,
    often: Frequency,
    caps: Sequence[Cap],
    option: str,
    *,
    ranged: bool,
) -> tuple[float | None, float | None, list[str]]:
    """Return strength and doses a day whose product is the most mg a day, after the daily maxima."""
    strength = None if value is None else value * (1 if often.tablets else tablets)
    per_day = often.value
    for cap in caps:
        capped = _capped(value, strength, per_day, tablets, cap, ranged=ranged)
        if capped is None:
            return None, None, [ASK_TABLETS.format(drug=_name(option))]
        strength, per_day = capped
    return strength, per_day, []


def _capped(
    value: float | None,
    strength: float | None,
    per_day: float | None,
    tablets: float,
    cap: Cap,
    *,
    ranged: bool,
) -> tuple[float | None, float | None] | None:
    """Return strength and doses a day under one daily maximum; None when the maximum can mean two things."""
    if cap.unit == "mg":
        if not strength:  # not said, or 0 mg, which is asked about afterwards
            return strength, per_day
        return None if cap.value < strength else (strength, _least(cap.value / strength, per_day))
    if cap.unit == "doses" or tablets == 1:
        return strength, _least(cap.value, per_day)
    if cap.unit == "tablets" or _counts_tablets(cap.value, per_day, ranged=ranged):
        binds = per_day is None or cap.value < per_day * tablets
        return (value, cap.value) if binds else (strength, per_day)
    return None


def _least(most: float, per_day: float | None) -> float:
    return most if per_day is None else min(most, per_day)


def _counts_tablets(most: float, per_day: float | None, *, ranged: bool) -> bool:
    """Tell whether a bare maximum can only count tablets, because as doses it would forbid nothing."""
    return per_day is not None and (most > per_day or (ranged and most == per_day))


def _in_range(
    strength: float | None, per_day: float | None, option: str
) -> tuple[float | None, float | None, list[str]]:
    """Return the two numbers without those that cannot be, and what must be asked for them."""
    asks: list[str] = []
    if strength is not None and not 0 < strength <= MOST_STRENGTH:
        strength, asks = None, [ASK_RANGE.format(drug=_name(option))]
    if per_day is not None and not 0 < per_day <= MOST_PER_DAY:
        per_day, asks = None, [*asks, ASK_TIMES.format(drug=_name(option))]
    rounded = [None if x is None else _rounded(x) for x in (strength, per_day)]
    return rounded[0], rounded[1], asks


def _rounded(value: float) -> float:
    """Return a number without the noise of arithmetic; one that is very small stays itself."""
    return round(value, 4) or value
