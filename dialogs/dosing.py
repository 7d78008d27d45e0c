"""Typed doses: what was read, what must be asked before it counts, and the MME of what is certain.

The one rule: where words can mean two things, the reader asks. An entry holds only what is certain.

``strength`` x ``per_day`` is always the most mg a day. A dose is what is taken at one time ("2 tablets
four times a day" of 30 mg: 60 x 4), except where a range of tablets is cut by a daily maximum of
tablets: then a dose is one tablet ("5/325 1-2 q4h, max 6/day": 5 x 6).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from json import JSONDecodeError, dumps, loads
from typing import Any, Final

from dialogs.doses import (
    CDC_2022,
    NEVER_COUNTED,
    MAT_NOTE,
    Dose,
    Form,
    countable,
    mme,
    mme_at_least,
    mme_line,
    mme_notes,
    show_dose,
    show_mme,
)
from dialogs.folded import Folded, fold
from dialogs.lexicon import Mention, Product, mentions
from dialogs.sig import Part, hours, parts

__all__ = [
    "CDC_2022",
    "Dose",
    "DoseReading",
    "ReadDose",
    "countable",
    "dose_lines",
    "mme",
    "mme_at_least",
    "mme_line",
    "mme_notes",
    "read_dose",
    "show_dose",
    "show_mme",
]

MOST_STRENGTH: Final = 1000
"""mg, or mcg/h: a larger strength is asked again."""
MOST_PER_DAY: Final = 48
"""Doses in 24 h: more are asked again."""
LONGEST: Final = 4096
"""Characters that are read; a Telegram message holds no more."""

PARTNER_AMOUNTS: Final = frozenset({160, 200, 300, 325, 400, 500, 650, 660, 750})
"""mg of acetaminophen, aspirin or ibuprofen in combinations with an opioid."""
MOST_TABLETS: Final = 10
"""Tablets at one time: a larger number may be what was dispensed."""
COUNT_LIKE: Final = 3
"""A bare whole number up to this may be a number of tablets."""
TIMES_LIKE: Final = 12
"""A bare number up to this before "daily" may be a number of tablets a day."""

ASK_DRUG: Final = "Which drug?"
ASK_OTHER_DRUG: Final = "Another dose without a known drug: which drug?"
ASK_CHOSEN: Final = "Another drug than the chosen one was typed: which drug?"
ASK_STRENGTH: Final = "{drug}: strength of one dose (mg)?"
ASK_RATE: Final = "{drug}: strength in mcg/h?"
ASK_TIMES: Final = "{drug}: how many times in 24 hours?"
ASK_TABLETS: Final = "{drug}: how many tablets at a time, and how many a day at most?"
ASK_PATCHES: Final = "{drug}: how many patches at once?"
ASK_CHANGED: Final = "{drug}: how often is it changed?"
ASK_UNIT: Final = "{drug}: unit of the strength (mg or mcg)?"
ASK_LIQUID: Final = "{drug}: mg in one dose of the liquid?"
ASK_RANGE: Final = "{drug}: number out of range, strength of one dose?"
ASK_MAXIMUM: Final = "{drug}: daily maximum?"
ASK_METHADONE: Final = "Methadone: for pain, or for OUD?"
ASK_BUPRENORPHINE: Final = "Buprenorphine: for pain, or for OUD?"
ASK_FENTANYL: Final = "Fentanyl: patch (mcg/h), or another form?"

DRUGS: Final[Mapping[str, str]] = {
    "oxycodone": "Oxycodone", "hydrocodone": "Hydrocodone", "hydromorphone": "Hydromorphone", "morphine": "Morphine",
    "oxymorphone": "Oxymorphone", "codeine": "Codeine", "tramadol": "Tramadol", "tapentadol": "Tapentadol",
    "fentanyl_td": "Fentanyl patch", "methadone_pain": "Methadone for pain", "bup_pain": "Buprenorphine for pain",
    "other_opioid": "Other opioid",
}  # fmt: skip
"""Options of the opioid question a dose can belong to, and their names in what is asked."""

_OUD = re.compile(
    r"\b(?:(?:oud|opioid use disorder)(?! in (?:\w+ )?remission)|otp|mat|moud|mmt|opioid treatment|medication[- ]assisted|maintenance|maintained|addiction"
    r"|take[- ]?homes?|(?<!pain )clinic|(?<!pain )program|recovery|dosing window|substance use)\b"
)
_PAIN = re.compile(
    r"\bfor (?:(?:his|her|their|the|chronic|severe|low|lower|back|neck|knee|hip|nerve|neuropathic|post-?op|cancer) ){0,4}pain\b"
    r"|\bpain (?:clinic|doctor|doc|management|physician|specialist|prescriber|medicine|team|md)\b|\banalgesi[ac]\b|\bas (?:an? )?painkiller"
    r"|\bprescribed for pain\b|\bneuropathy\b|\bback pain\b"
)
_UNNAMED = re.compile(
    r"\b(?:(?:an?|his|her|their|the|this|that|some|one|prescribed|unnamed|unknown) |^)"
    r"(?:(?:legitimately|prescribed|prescription|unnamed|unknown|short[- ]acting|long[- ]acting|strong|oral|pain|daily) ){0,3}"
    r"(?P<name>opioid|opiate|narcotic)s?(?: (?:pain )?(?:analgesic|medication|medicine|med|pill|tablet|painkiller)s?)?\b"
    r"(?! (?:use|treatment|agonist|antagonist|dependen|addict|na[i]ve|contract|agreement|withdrawal|overdose|crisis|receptor"
    r"|toleran|prescriber|misuse|taper|plan|risk|clinic|program|blocker|or\b))"
)
_LINKS = re.compile(r"[\s()/\-,:®™]*(?:(?:or|aka|with|and|w/|brand|generic|i\.e\.|plus) ?)?[\s()/\-®™]*")
_JOINED_CLOSELY = re.compile(r" ?\(? ?(?:/|-|with|w/) ?")
_JOINED = re.compile(r" ?\(? ?(?:/|-|with|w/|and|\+)? ?")
_PAIR_FOLLOWS = re.compile(r"\)?(?: [a-z]{2,7})? ?\d+(?:\.\d+)?(?: ?mg)?[-/]\d{3}")


@dataclass(frozen=True, slots=True)
class ReadDose:
    """A dose and where it stands in the original text: code points, end exclusive."""

    dose: Dose
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DoseReading:
    entries: tuple[ReadDose, ...]
    mme: float | None
    """MME a day; None while anything must be asked, or when it cannot be calculated."""
    ask: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a folded text that belongs to one medicine."""

    product: Product
    start: int
    end: int
    name: tuple[int, int]
    """Where the medicine is named; empty when it was chosen before."""
    partner: bool = False
    """Named together with acetaminophen or naloxone."""
    chosen: bool = False
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Amount:
    """Strength of one dose, mg or mcg/h."""

    value: float | None
    asked: str | None = None
    ranged: bool = False
    partner_mg: float = 0
    total: bool = False
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one stretch says: entries, questions, notes."""

    entries: tuple[ReadDose, ...] = ()
    asks: tuple[str, ...] = ()
    ignored: tuple[()] | tuple[str, bool] = ()
    """A medicine that is not entered, and whether it is MAT."""
    partner_mg: float = 0
    """mg of acetaminophen a day, 0 if not known."""


# --- the whole text -------------------------------------------------------------------------------


def read_dose(text: str, drug: str | None = None) -> DoseReading:
    """Return what ``text`` says about opioids for pain; ``drug`` is the option that was tapped before.

    Raises ValueError for a ``drug`` that cannot have a dose.
    """
    if drug is not None and drug not in DRUGS:
        raise ValueError("drug: not an option with a dose")
    folded = fold(text[:LONGEST])
    stretches = stretches_of(folded.text, drug)
    findings = [finding(folded, stretch, drug) for stretch in stretches]
    asks = [ask for f in findings for ask in f.asks]
    if not any(f.entries or f.asks or _is_mat(f) for f in findings) and (_amounts(folded.text) or not stretches):
        asks.append(ASK_DRUG)
    return _reading(findings, asks)


def _is_mat(finding: Finding) -> bool:
    return bool(finding.ignored and finding.ignored[1])


def _reading(findings: Sequence[Finding], asks: Iterable[str]) -> DoseReading:
    entries = tuple(entry for f in findings for entry in f.entries)
    ask = tuple(dict.fromkeys(asks))
    doses = [entry.dose for entry in entries]
    ignored = dict.fromkeys(f.ignored for f in findings if f.ignored)
    called = [(name, "MAT" if mat else "not a pain opioid") for name, mat in ignored]
    partner_mg = sum(f.partner_mg for f in findings)
    notes = (
        *mme_notes(doses, mat=any(map(_is_mat, findings)), acetaminophen_mg=partner_mg),
        *(f"Not entered, {what}: {name}." for name, what in called),
    )
    return DoseReading(entries, mme(doses) if entries and not ask else None, ask, notes)


def _amounts(text: str) -> bool:
    kinds = ("amount", "rate", "total", "pair", "tabs", "often", "times", "every", "perday", "number", "liquid")
    return any(part.kind in kinds for part in parts(text))


def stretches_of(text: str, drug: str | None = None) -> tuple[Stretch, ...]:
    """Return the text divided among the medicines it names, or given whole to the chosen one."""
    named = _named(text)
    if drug and not any(s.product.option or s.product.id in ("methadone", "buprenorphine", "fentanyl") for s in named):
        first = min((_leading(text, s, 0)[0] for s in named), default=len(text))
        return (_chosen(drug, first), *_divided(text, named, first))
    return _divided(text, named, 0)


def _chosen(drug: str, end: int) -> Stretch:
    product = Product(drug, drug, None, None, (), None, combined=False, micrograms=False, partner=False, tags=())
    return Stretch(product, 0, end, (0, 0), chosen=True)


def _named(text: str) -> list[Stretch]:
    """Return the medicines named, brand and generic of one taken together, partners joined to theirs."""
    found: list[Stretch] = []
    for mention in mentions(text):
        last = found[-1] if found else None
        if last and _is_partner(text, last, mention):
            found[-1] = replace(last, end=mention.end, name=(last.name[0], mention.end), partner=True)
        elif last and _is_same(text, last, mention):
            found[-1] = replace(
                last, product=_merged(last.product, mention.product), end=mention.end, name=(last.name[0], mention.end)
            )
        elif last and last.product.partner and _precedes(text, last, mention):
            found[-1] = Stretch(mention.product, last.start, mention.end, (last.name[0], mention.end), partner=True)
        else:
            name = (mention.start, mention.end)
            found.append(Stretch(mention.product, *name, name, exact=mention.exact))
    covered = [s.name for s in found]
    return sorted((*found, *_unnamed(text, covered)), key=lambda s: s.start)


def _is_partner(text: str, last: Stretch, mention: Mention) -> bool:
    if not mention.product.partner or last.product.partner or not (last.product.option or last.product.id == "buprenorphine"):
        return False
    joined = _JOINED if _PAIR_FOLLOWS.match(text, mention.end) else _JOINED_CLOSELY
    return bool(joined.fullmatch(text, last.end, mention.start))


def _precedes(text: str, last: Stretch, mention: Mention) -> bool:
    joined = re.fullmatch(r" ?(?:/|-|with|w/) ?", text[last.end : mention.start])
    return bool(joined and mention.product.option)


def _is_same(text: str, last: Stretch, mention: Mention) -> bool:
    return mention.product.id == last.product.id and bool(_LINKS.fullmatch(text, last.end, mention.start))


def _merged(first: Product, second: Product) -> Product:
    """Return the more telling of two names of one medicine: the brand."""
    return second if second.form or second.combined or (second.mat and not first.form) else first


def _unnamed(text: str, covered: Sequence[tuple[int, int]]) -> Iterator[Stretch]:
    product = Product("unnamed", "other_opioid", None, None, (), None, False, False, False, ())  # noqa: FBT003
    for match in _UNNAMED.finditer(text):
        start, end = match.span()
        if not any(a < end and start < b for a, b in covered):
            yield Stretch(product, start, end, (start, end))


def _divided(text: str, named: Sequence[Stretch], floor: int) -> tuple[Stretch, ...]:
    """Return the named medicines with the words that belong to each: mostly those that follow."""
    if not named:
        return ()
    begins, before = [], floor
    for stretch in named:
        begins.append(max(_leading(text, stretch, before)[0], floor))
        before = stretch.name[1]
    if not floor:
        begins[0] = _first(text, begins[0])
    ends = [*begins[1:], len(text)]
    return tuple(replace(s, start=b, end=e) for s, b, e in zip(named, begins, ends, strict=True))


def _first(text: str, begin: int) -> int:
    """The first medicine also owns the words before it, in its own sentence."""
    return max(text.rfind("\n", 0, begin), text.rfind(". ", 0, begin)) + 1


_LEADING = re.compile(
    r"(?:(?:\b(?:two|three|half(?: a)?|one|1|2|3|1/2) (?:x )?(?:tab(?:let)?s? (?:of )?)?)?"
    r"\d+(?:[.,]\d+)?(?: ?[-/] ?\d+(?:\.\d+)?)?(?: ?(?:mgs?|mcgs?|milligrams?|micrograms?|ug)(?: ?/ ?(?:hr?|hour))?)"
    r"(?: (?:of|tab(?:let)?s?|capsules?|daily|er|ir|xr|sr|long[- ]acting|extended[- ]release|immediate[- ]release|patch|oral|po|iv))*"
    r"|\b(?:one|two|three|four|five|six|seven|eight|\d{1,2}) (?:x )?(?:of (?:his|her|the|their) )?(?=$)"
    r"|\b(?:half an?|one|two|three|four|\d) (?:tab(?:let)?s?|pills?|capsules?|patch(?:es)?)(?: of)?"
    r"|\b(?:iv|oral|sl|sublingual|transdermal|injectable|intravenous|intrathecal|long[- ]acting|extended[- ]release|er|mat|otp|maintenance|monthly|weekly|liquid)) ?(?:of )?$"
)


def _leading(text: str, stretch: Stretch, floor: int) -> tuple[int, bool]:
    """Return where the words that belong to a medicine but stand before it begin."""
    begin = stretch.name[0]
    window = text[max(floor, begin - 60) : begin]
    found = _LEADING.search(window)
    if not found or not _owns(text, stretch, max(floor, begin - 60) + found.start(), floor):
        return begin, False
    return max(floor, begin - 60) + found.start(), True


def _owns(text: str, stretch: Stretch, begin: int, floor: int) -> bool:
    """Tell whether an amount between two medicines belongs to the later one."""
    if floor == 0 or not text[begin : stretch.name[0]].strip()[:1].isdigit():
        return True
    if re.search(r"[,;+\n.]|\band\b|\bplus\b|\bwith\b|&", text[floor:begin]):
        own = text[stretch.name[1] : stretch.name[1] + 16]
        return not re.match(r"(?: (?:er|ir|xr))? ?\d", own)
    return False


# --- one medicine ---------------------------------------------------------------------------------


def finding(folded: Folded, stretch: Stretch, drug: str | None = None) -> Finding:
    """Return what the words of one medicine say."""
    product = stretch.product
    found = tuple(_counted(p, folded.text, stretch) for p in parts(folded.text, stretch.start, stretch.end))
    found = tuple(p for p in found if not _inside(p, stretch.name))
    words = folded.text[stretch.start : stretch.end]
    option, ask = _option(product, found, words, drug, partner=stretch.partner)
    if option is None:
        mat = product.id in ("methadone", "buprenorphine", "naltrexone") and ask is None
        called = folded.text[slice(*stretch.name)] if stretch.exact else product.id
        ignored = () if ask else (called, mat)
        return Finding(asks=(ask,) if ask else (), ignored=ignored)
    result = entered(folded, stretch, option, found)
    if drug and option != drug:
        return replace(result, asks=(*result.asks, ASK_CHOSEN))
    return result


def _counted(part: Part, text: str, stretch: Stretch) -> Part:
    """Return a number just before the name as a count: "3 Norco a day", "two fentanyl 25 mcg/h patches"."""
    before = part.kind == "number" and part.end <= stretch.name[0]
    joined = before and re.fullmatch(r" (?:x |of (?:his|her|the|their) )?", text[part.end : stretch.name[0]])
    if not joined or part.doubtful or (part.high or 99) > TIMES_LIKE:
        return part
    patches = stretch.product.id == "fentanyl" or stretch.product.form == "patch"
    return replace(part, kind="patches" if patches else "tabs")


def _inside(part: Part, name: tuple[int, int]) -> bool:
    return part.start < name[1] and name[0] < part.end


def _option(
    product: Product, found: Sequence[Part], words: str, drug: str | None, *, partner: bool
) -> tuple[str | None, str | None]:
    """Return the option of the opioid question a medicine is, and what must be asked if that is not clear."""
    kinds = {part.kind for part in found}
    if product.id == "methadone":
        return _methadone(words, drug)
    if product.id == "buprenorphine" and not product.option:
        return _buprenorphine(product, found, words, drug, partner=partner)
    if product.id == "fentanyl":
        return _fentanyl(product, found, kinds, drug)
    if product.option and kinds & {"injection", "other_route", "buccal"} and product.option != "bup_pain":
        return "other_opioid", None
    return product.option, None


def _methadone(words: str, drug: str | None) -> tuple[str | None, str | None]:
    oud, pain = bool(_OUD.search(words)), bool(_PAIN.search(words))
    if drug == "methadone_pain" and not oud:
        return drug, None
    if oud == pain:
        return None, ASK_METHADONE
    return ("methadone_pain", None) if pain else (None, None)


def _buprenorphine(
    product: Product, found: Sequence[Part], words: str, drug: str | None, *, partner: bool
) -> tuple[str | None, str | None]:
    kinds, pain = {part.kind for part in found}, bool(_PAIN.search(words))
    micrograms = "rate" in kinds or any(p.unit.startswith(("mc", "ug", "mic")) for p in found)
    if product.mat or partner:
        return None, ASK_BUPRENORPHINE if pain else None
    for_oud = bool(kinds & {"sublingual", "injection"} or _OUD.search(words))
    for_pain = bool(kinds & {"patch", "buccal"} or micrograms or pain or drug == "bup_pain")
    if for_oud == for_pain:
        return None, ASK_BUPRENORPHINE
    return ("bup_pain", None) if for_pain else (None, None)


def _fentanyl(product: Product, found: Sequence[Part], kinds: set[str], drug: str | None) -> tuple[str | None, str | None]:
    if kinds & {"injection", "other_route", "buccal", "sublingual"}:
        return "other_opioid", None
    intervals = [hours(part) for part in found if part.kind == "every"]
    changed = any(i and i[0] in (48, 72) for i in intervals)
    if product.form or drug == "fentanyl_td" or changed or kinds & {"patch", "patches", "rate"}:
        return "fentanyl_td", None
    return None, ASK_FENTANYL


def entered(folded: Folded, stretch: Stretch, option: str, found: Sequence[Part]) -> Finding:
    """Return the entries and questions of one opioid for pain."""
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
    )


def _form(stretch: Stretch, option: str, found: Sequence[Part]) -> Form | None:
    kinds = {part.kind for part in found}
    near = {part.kind for part in found if abs(part.start - stretch.name[1]) < 30 or part.start < stretch.name[1]}  # noqa: PLR2004
    if option == "fentanyl_td" or "patch" in kinds & near or stretch.product.form == "patch" or "rate" in kinds:
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


def _by_time_of_day(found: Sequence[Part]) -> list[list[Part]]:
    """Return the parts of each amount where every amount has its own time of day: "10 mg qam and 20 mg qhs"."""
    amounts = [i for i, part in enumerate(found) if part.kind in ("amount", "number")]
    if len(amounts) < 2 or any(p.kind in ("often", "every", "times", "perday", "max") for p in found):  # noqa: PLR2004
        return []
    cuts = [0, *amounts[1:], len(found)]
    groups = [list(found[a:b]) for a, b in pairwise(cuts)]
    own = all(any(p.kind == "tod" for p in group) for group in groups)
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
    values = {_rate(part, stretch.product) for part in found if part.kind in ("rate", "amount", "number", "pair", "total")}
    values.discard(0.0)
    clear = len(values) == 1 and None not in values
    strength = next(iter(values)) if clear else None
    worn = {int(p.low) for p in found if p.kind == "patches" and p.low and float(p.low).is_integer() and p.low <= 20}  # noqa: PLR2004
    interval, asks = _interval(found, option)
    if strength is None and (values or option not in NEVER_COUNTED):
        asks = (ASK_RATE.format(drug=_name(option)), *asks)
    if len(worn) > 1 or any(p.kind in ("loose", "tabs") for p in found):
        asks = (*asks, ASK_PATCHES.format(drug=_name(option)))
    n_patches = worn.pop() if len(worn) == 1 else 1
    dose = Dose(option, strength, None, "patch", n_patches=n_patches, interval_h=interval)
    kinds = ("rate", "amount", "number", "every", "patch", "patches", "rare")
    used = [p for p in found if p.kind in kinds and (p.kind != "number" or _rate(p, stretch.product))]
    start, end = _span(folded, stretch, _close(stretch, used))
    return Finding((ReadDose(dose, start, end),), asks)


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
    clear = len(spans) == 1 and first is not None and first[0] == first[1] and 24 <= first[0] <= 336  # noqa: PLR2004
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


def _oral(folded: Folded, stretch: Stretch, option: str, found: Sequence[Part], form: Form | None) -> Finding:
    """Return the entry of one strength: what is certain of it, and the questions."""
    caps, rest, asks = _limits(found, option)
    foreign = _foreign(rest)
    if foreign is not None:
        rest, asks = rest[:foreign], [*asks, ASK_OTHER_DRUG]
    rest = _daily_counts(rest)
    count, count_ask = _tablets(rest, option, implied=bool(stretch.product.implied))
    amount = _strength(stretch, option, rest, count)
    often = _frequency(rest, option, amount)
    ranged = bool(amount.ranged or often.ranged or caps or (count and count[0] != count[1]))
    up_to = ranged or any(p.kind in ("prn", "upto") for p in found)
    tablets = count[1] if count else 1.0
    tablets = 1.0 if amount.end == -1 else tablets
    strength, per_day, more = _combined(amount.value, tablets, often, caps, option, ranged=bool(count and count[0] != count[1]))
    told = None if per_day is not None else often.asked
    asks += [ask for ask in (amount.asked, count_ask, told, *more) if ask]
    strength, per_day, more = _in_range(strength, per_day, option)
    asks += more
    if count_ask:
        strength = None
    if option in NEVER_COUNTED and not any(part.kind in ("amount", "number", "pair") for part in rest):
        asks = []
    dose = Dose(option, strength, per_day, form, up_to=up_to)
    start, end = _span(folded, stretch, _used(stretch, found))
    partner = amount.partner_mg * (_most_tablets(dose, amount) or 0)
    return Finding((ReadDose(dose, start, end),), tuple(dict.fromkeys(asks)), partner_mg=partner)


def _most_tablets(dose: Dose, amount: Amount) -> float | None:
    if not (dose.strength and dose.per_day and amount.value):
        return None
    return dose.strength * dose.per_day / amount.value


_USED = (
    "rate", "total", "rare", "tabsday", "dosesday", "times", "perday", "every", "often", "tod", "tabs", "pair", "amount",
    "loose", "max", "upto", "prn", "er", "ir", "sublingual", "buccal", "injection", "other_route", "liquid",
)  # fmt: skip


def _used(stretch: Stretch, found: Sequence[Part]) -> list[Part]:
    """Return the parts that tell about the dose: numbers only next to others."""
    used = [p for p in found if p.kind in _USED]
    numbers = [p for p in found if p.kind == "number" and (p.start - stretch.name[1] in (0, 1) or not stretch.name[1])]
    return [*used, *numbers] or list(found[:1])


def _limits(found: Sequence[Part], option: str) -> tuple[list[Cap], list[Part], list[str]]:
    """Return the daily maxima, the other parts, and what must be asked about a maximum."""
    caps: list[Cap] = []
    rest: list[Part] = []
    asks: list[str] = []
    pending = False
    steady = any(p.kind in ("often", "every", "times", "perday", "tod") for p in _before_upto(found))
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


def _to_total(found: Sequence[Part], place: int) -> bool:
    """Tell "5 mg up to 40 mg a day": a strength, and the most a day."""
    amount = any(p.kind in ("amount", "pair") for p in found[:place])
    return amount and any(p.kind == "total" for p in found[place + 1 : place + 2])


def _before_upto(found: Sequence[Part]) -> Sequence[Part]:
    place = next((i for i, part in enumerate(found) if part.kind == "upto"), 0)
    return found[:place]


_CAP_UNITS = {"tabsday": "tablets", "perday": "", "times": "doses", "dosesday": "doses", "often": "doses", "total": "mg"}


def _cap(part: Part) -> Cap | None:
    unit = _CAP_UNITS.get(part.kind)
    if unit is None or part.high is None or part.doubtful or (unit == "mg" and not part.unit.startswith(("mg", "mil"))):
        return None
    return Cap(part.high, unit)


def _foreign(rest: Sequence[Part]) -> int | None:
    """Return where the dose of an unknown medicine begins: a word and a second amount after a whole dose."""
    amounts = [i for i, p in enumerate(rest) if p.kind in ("amount", "pair", "rate", "liquid", "total")]
    for first, later in pairwise(amounts):
        between = rest[first + 1 : later]
        often = any(p.kind in ("often", "every", "times", "perday", "tod") for p in between)
        word = next((i for i in range(later - 1, first, -1) if _strange(rest[i])), None)
        if often and word is not None and rest[later].kind != "total":
            return word
    return None


_KNOWN_WORDS = frozenset(
    "mg and or of for the a an to is are take takes taking tablet tablets tab tabs by po mouth total then plus with dose doses at on in her"
    " his pain she he they daily day per each max about maybe now was total equals equal means".split()
)


def _strange(part: Part) -> bool:
    return part.kind == "word" and len(part.text) > 3 and part.text not in _KNOWN_WORDS  # noqa: PLR2004


def _tablets(rest: Sequence[Part], option: str, *, implied: bool) -> tuple[tuple[float, float] | None, str | None]:
    """Return the tablets at one time (fewest, most), and what must be asked about them."""
    counts = {(p.low, p.high) for p in rest if p.kind == "tabs" and p.low and p.high and not p.doubtful}
    counts |= {(p.low, p.high) for i, p in enumerate(rest) if _bare_range(rest, i, implied=implied) and p.low and p.high}
    wrong = any(low > high for low, high in counts if low and high)
    wrong = wrong or any((high or 0) > MOST_TABLETS for _, high in counts)
    if len(counts) > 1 or wrong or any(p.kind == "tabs" and p.doubtful for p in rest):
        return None, ASK_TABLETS.format(drug=_name(option))
    if not counts:
        return None, None
    low, high = counts.pop()
    return (low or 1, high or 1), None


def _bare_range(rest: Sequence[Part], place: int, *, implied: bool = False) -> bool:
    """Tell a "1-2" or "1" that counts tablets: after a strength, before a time."""
    part = rest[place]
    if part.kind not in ("pair", "number") or part.unit or part.doubtful or (part.high or 99) > 4 or "/" in part.text:  # noqa: PLR2004
        return False
    before = implied or any(p.kind in ("amount", "pair", "number") for p in rest[:place])
    following = rest[place + 1].kind if place + 1 < len(rest) else ""
    return before and following in ("every", "often", "times", "prn", "tod", "tabs")


def _strength(stretch: Stretch, option: str, rest: Sequence[Part], count: tuple[float, float] | None) -> Amount:
    """Return the one strength that was typed; asked when there is none, or more than one."""
    ask = ASK_STRENGTH.format(drug=_name(option))
    if any(part.kind == "liquid" for part in rest):
        return Amount(None, ASK_LIQUID.format(drug=_name(option)))
    if stretch.product.implied and not any(part.kind in ("amount", "total") for part in rest):
        return Amount(stretch.product.implied)
    typed = [_amount(part, stretch, option) for i, part in enumerate(rest) if _is_amount(rest, i)]
    bare = [] if typed else [_amount(part, stretch, option) for i, part in enumerate(rest) if _is_bare(rest, i, stretch)]
    found = list(dict.fromkeys(replace(a, start=0, end=0) for a in typed or bare[:1]))
    if not found:
        return Amount(None, ask)
    if len(found) == 1:
        return found[0]
    return _one_of(found, rest, count) or Amount(None, next((a.asked for a in found if a.asked), None) or ask)


def _is_amount(rest: Sequence[Part], place: int) -> bool:
    part = rest[place]
    if part.kind in ("amount", "total", "rate"):
        return True
    return part.kind == "pair" and (bool(part.unit) or "/" in part.text or not _bare_range(rest, place)) and bool(
        part.unit or _partner_mg(part) or "/" in part.text or _is_naloxone(part)
    )


def _is_bare(rest: Sequence[Part], place: int, stretch: Stretch) -> bool:
    """Tell a number without a unit that can be a strength: next to the name, or before a time."""
    part = rest[place]
    if part.kind not in ("number", "pair") or "/" in part.text or _bare_range(rest, place):
        return False
    following = rest[place + 1] if place + 1 < len(rest) else None
    if following and following.kind == "number":
        return False
    before = rest[place - 1].kind if place else ""
    beside = 0 <= part.start - stretch.name[1] <= 1 or (before in ("er", "ir", "patch") and part.start - stretch.name[1] < 30)  # noqa: PLR2004
    timed = bool(following and following.kind in ("every", "often", "times", "prn", "tod", "tabs"))
    return beside or timed or (stretch.chosen and place == 0)


def _one_of(found: Sequence[Amount], rest: Sequence[Part], count: tuple[float, float] | None) -> Amount | None:
    """Return the dose where several amounts agree: "10 mg (two 5 mg tablets)", "10 mg tid (30 mg/day)"."""
    values = [a.value for a in found]
    if None in values or len(found) != 2:  # noqa: PLR2004
        return None
    low, high = sorted(a.value or 0 for a in found)
    totals = [a for a in found if a.total]
    if len(totals) == 1:
        one = next(a for a in found if not a.total)
        often = _plain_frequency(rest)
        agrees = often is not None and (one.value or 0) * often * (count[1] if count else 1) == totals[0].value
        return one if agrees else None
    if count and count[0] == count[1] and low * count[0] == high:
        return replace(max(found, key=lambda a: a.value or 0), end=-1)
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
        elif "/" in part.text or part.third is not None:
            return Amount(None, ASK_STRENGTH.format(drug=name))
    if part.doubtful or low is None or high is None or low > high:
        return Amount(None, ASK_STRENGTH.format(drug=name))
    micro = part.unit.startswith(("mc", "ug", "mic"))
    bare = not part.unit and not partner
    if micro or (bare and stretch.product.micrograms):
        return _micrograms(high, stretch, option, ranged=low != high)
    if part.unit.startswith("g") or part.kind == "rate":
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
    "oxycodone": (5, 7.5, 10, 15, 20, 30, 40, 60, 80), "hydrocodone": (5, 7.5, 10, 15, 20, 30, 40, 60),
    "hydromorphone": (4, 8, 12, 16, 32), "morphine": (10, 15, 20, 30, 45, 50, 60, 80, 100), "oxymorphone": (5, 7.5, 10, 15, 20, 30, 40),
    "codeine": (15, 30, 60), "tramadol": (37.5, 50, 100, 200, 300), "tapentadol": (50, 75, 100, 150, 200, 250),
    "methadone_pain": (5, 10),
}  # fmt: skip


def _partner_mg(part: Part) -> float:
    """Return mg of acetaminophen (aspirin, ibuprofen) in "5/325", 0 when the pair is something else."""
    if part.kind != "pair" or part.doubtful or part.low is None or part.high is None or part.third is not None:
        return 0.0
    small, large = sorted((part.low, part.high))
    return large if large in PARTNER_AMOUNTS and small <= 100 and small * 3 <= large else 0.0  # noqa: PLR2004


def _is_naloxone(part: Part) -> bool:
    return bool(part.low and part.high) and part.low == 4 * (part.high or 0)


def _per_day(part: Part) -> float | None:
    """Return the most doses in 24 h one part says; None when it says less than one a day, or nothing clear."""
    if part.kind in ("often", "times", "perday", "tabsday"):
        return part.high
    if part.kind == "tod":
        return 2 if "and" in part.text else 1
    span = hours(part) if part.kind == "every" else None
    if span is None or span[0] <= 0 or span[1] > 24:  # noqa: PLR2004
        return None
    return float(-(-24 // span[0]))


def _frequency(rest: Sequence[Part], option: str, amount: Amount) -> Frequency:
    """Return how many doses a day were typed; asked when none, or when two differ."""
    ask = ASK_TIMES.format(drug=_name(option))
    timed = [p for p in rest if p.kind in ("often", "times", "perday", "tabsday", "every")]
    timed = [p for i, p in enumerate(timed) if not (p.kind == "often" and amount.total)]
    times_of_day = {p.text: _per_day(p) or 1 for p in rest if p.kind == "tod"}
    if any(p.kind in ("rare", "loose") for p in rest) or any(p.doubtful for p in timed):
        return Frequency(None, ask)
    if amount.total and not timed:
        return Frequency(1)
    if not timed:
        return Frequency(sum(times_of_day.values())) if times_of_day else Frequency(None, ask)
    values = {_per_day(p) for p in timed}
    unsure = _daily_count(rest) or (amount.value is None and (_several(rest) or _could_be_strength(timed)))
    if len(values) != 1 or None in values or unsure:
        return Frequency(None, ask)
    ranged = any(p.low != p.high for p in timed)
    return Frequency(values.pop(), None, ranged, tablets=any(p.kind == "tabsday" for p in timed))


def _several(rest: Sequence[Part]) -> bool:
    """Tell two amounts with two times: which belongs to which is not said."""
    timed = sum(p.kind in ("often", "times", "every", "perday", "tod") for p in rest)
    return timed > 1 and sum(p.kind in ("amount", "pair", "total") for p in rest) > 1


def _could_be_strength(timed: Sequence[Part]) -> bool:
    """Tell "Norco 10 a day": ten a day, or 10 mg?"""
    return any(part.kind == "perday" and (part.high or 0) >= 5 for part in timed)  # noqa: PLR2004


def _daily_counts(rest: list[Part]) -> list[Part]:
    """Return the parts with "4 daily" after a strength as one part: four tablets a day."""
    strength = any(p.kind in ("amount", "pair") for p in rest)
    merged: list[Part] = []
    for part in rest:
        last = merged[-1] if merged else None
        if strength and last and last.kind == "number" and part.kind == "often" and part.text == "daily":
            merged[-1] = replace(last, kind="tabsday", end=part.end)
        else:
            merged.append(part)
    return merged


def _daily_count(rest: Sequence[Part]) -> bool:
    """Tell "10 daily" without a unit: 10 mg once, or 10 tablets a day?"""
    return any(
        a.kind == "number" and b.kind == "often" and "day" in b.text + "day" * ("dai" in b.text) and (a.high or 0) <= TIMES_LIKE
        for a, b in pairwise(rest)
    )


def _combined(
    value: float | None, tablets: float, often: Frequency, caps: Sequence[Cap], option: str, *, ranged: bool
) -> tuple[float | None, float | None, list[str]]:
    """Return strength and doses a day whose product is the most mg a day, after the daily maxima."""
    strength = None if value is None else value * (1 if often.tablets else tablets)
    per_day = often.value
    for cap in caps:
        capped = _capped(value, strength, per_day, tablets, cap, tablets_range=ranged)
        if capped is None:
            return None, None, [ASK_TABLETS.format(drug=_name(option))]
        strength, per_day = capped
    return strength, per_day, []


def _capped(
    value: float | None, strength: float | None, per_day: float | None, tablets: float, cap: Cap, *, tablets_range: bool
) -> tuple[float | None, float | None] | None:
    """Return strength and doses a day under one daily maximum; None when the maximum can mean two things."""
    least = min if per_day is not None else (lambda new, _: new)
    if cap.unit == "mg":
        if strength is None or cap.value < strength:
            return (strength, per_day) if strength is None else None
        return strength, least(cap.value / strength, per_day or 0)
    if cap.unit == "doses" or tablets == 1:
        return strength, least(cap.value, per_day or 0)
    ranged = 0.5 if tablets_range else 0
    if cap.unit == "tablets" or (per_day is not None and cap.value > per_day - ranged):
        most = least(cap.value, (per_day or 0) * tablets)
        return (strength, per_day) if per_day is not None and most == per_day * tablets else (value, most)
    return None


def _in_range(strength: float | None, per_day: float | None, option: str) -> tuple[float | None, float | None, list[str]]:
    """Return the two numbers without those that cannot be, and what must be asked for them."""
    asks = []
    if strength is not None and not 0 < strength <= MOST_STRENGTH:
        strength, asks = None, [ASK_RANGE.format(drug=_name(option))]
    if per_day is not None and not 0 < per_day <= MOST_PER_DAY:
        per_day, asks = None, [*asks, ASK_TIMES.format(drug=_name(option))]
    rounded = [None if x is None else round(x, 4) for x in (strength, per_day)]
    return rounded[0], rounded[1], asks


# --- a line each ----------------------------------------------------------------------------------


def dose_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield one JSON object for each line ``{"text": ..., "drug": option id or absent}``.

    A line that cannot be read yields ``{"error": ...}``, never with a word of it, and the next is read.
    """
    for line in lines:
        if line.strip():
            yield text_line(line, _dose_line)


def text_line(line: str, read: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> str:
    """Return the JSON answer to one JSON line with a ``text``, or its error."""
    try:
        given = loads(line)
        if not isinstance(given, Mapping) or not isinstance(given.get("text"), str):
            return dumps({"error": "text: a string"})
        return dumps(read(given), ensure_ascii=False)
    except (JSONDecodeError, RecursionError):
        return dumps({"error": "line: one JSON object with text"})
    except ValueError as error:
        return dumps({"error": str(error)})


def _dose_line(given: Mapping[str, Any]) -> Mapping[str, Any]:
    drug = given.get("drug")
    if drug is not None and not isinstance(drug, str):
        raise ValueError("drug: an option of the opioid question")
    reading = read_dose(given["text"], drug)
    return {
        "entries": [shown(entry.dose) for entry in reading.entries],
        "mme": reading.mme,
        "ask": list(reading.ask),
        "notes": list(reading.notes),
    }


def shown(dose: Dose) -> dict[str, Any]:
    """Return an entry with its four fields always there, null when not said."""
    return {"drug": dose.drug, "strength": None, "per_day": None, "form": None, **dose.as_mapping()}
