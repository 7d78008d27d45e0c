"""Typed doses: what was read, what must be asked before it counts, and the MME of what is certain."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps, loads
from typing import Any, Final

from dialogs.contexts import find as cue
from dialogs.doses import (
    Dose,
    countable,
    mme,
    mme_at_least,
    mme_line,
    mme_notes,
    show_dose,
    show_mme,
)
from dialogs.folded import Folded, fold
from dialogs.lexicon import Product
from dialogs.phrases import Phrase
from dialogs.regimen import (
    ASK_BUPRENORPHINE,
    ASK_CHOSEN,
    ASK_EITHER,
    ASK_FENTANYL,
    ASK_METHADONE,
    ASK_NOW,
    ASK_REST,
    ASK_SURE,
    DRUGS,
    TIMES_LIKE,
    Finding,
    ReadDose,
    entered,
)
from dialogs.sig import Part, hours, parts
from dialogs.stretches import Stretch, find, stretches_of
from dialogs.understood import understood

__all__ = [
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

LONGEST: Final = 4096
"""Characters that are read; a Telegram message holds no more."""
ASK_DRUG: Final = Phrase("Which drug?")

MAT: Final = "MAT"
OTHER: Final = Phrase("not a pain opioid")
NOT_NOW: Final = Phrase("not taken now")
NOT_ENTERED: Final = Phrase("Not entered, {why}: {name}.")
NOT_THEIRS: Final = "somebody else's"
"""Why a medicine is not entered."""


class UnknownDrug(ValueError):
    """A dose was to be read for something that is no option with a dose."""

    def __init__(self) -> None:
        super().__init__("drug: expected one of " + ", ".join(DRUGS))


@dataclass(frozen=True, slots=True)
class DoseReading:
    entries: tuple[ReadDose, ...]
    mme: float | None
    """MME a day; None while anything must be asked, or when it cannot be calculated."""
    ask: tuple[str, ...]
    notes: tuple[str, ...]


# --- the whole text -------------------------------------------------------------------------------


def read_dose(text: str, drug: str | None = None) -> DoseReading:
    """Return what ``text`` says about opioids for pain; ``drug`` is the option that was tapped before.

    Raises UnknownDrug for a ``drug`` that cannot have a dose.
    """
    if drug is not None and drug not in DRUGS:
        raise UnknownDrug
    folded = _without_partner(fold(text[:LONGEST]))
    if drug is None and (none := find("none").fullmatch(folded.text)):
        return _reading([Finding((ReadDose(Dose("none"), *folded.span(*none.span())),))], ())
    stretches = stretches_of(folded.text, drug)
    findings = [finding(folded, stretch, drug) for stretch in stretches]
    asks = [
        ask
        for place, found in enumerate(findings)
        for ask in found.asks or _rest(folded.text, stretches, place, found)
    ]
    asks += _asks_of_all(folded.text, stretches, findings)
    if not any(f.entries or f.asks or _settled(f) for f in findings) and (
        _amounts(folded.text) or not stretches
    ):
        asks.append(ASK_DRUG)
    return _reading(findings, asks)


def _without_partner(folded: Folded) -> Folded:
    """Return the text with spaces for what a combination holds beside its opioid."""
    return replace(folded, text=find("partner").sub(lambda m: " " * len(m[0]), folded.text))


def _rest(text: str, stretches: Sequence[Stretch], place: int, finding: Finding) -> tuple[str, ...]:
    """Return the question for what is said beside a dose and not understood."""
    told = [e.dose for e in finding.entries if e.dose.strength or e.dose.per_day]
    if not told or (not finding.idle and understood(text, stretches, place)):
        return ()
    return (ASK_REST.format(drug=DRUGS[told[0].drug]),)


def _settled(finding: Finding) -> bool:
    """Tell a dose that is known not to count, so that no drug need be asked for."""
    return finding.ignored[1:] in ((MAT,), (NOT_NOW,), (NOT_THEIRS,))


def _asks_of_all(
    text: str, stretches: Sequence[Stretch], findings: Sequence[Finding]
) -> Iterator[str]:
    """Yield what must be asked about the doses together."""
    told = any(e.dose.strength or e.dose.per_day for f in findings for e in f.entries)
    if _either(text, stretches, findings):
        yield ASK_EITHER
    if told and find("unsure").search(text) and not find("asking").match(text):
        yield ASK_SURE


def _either(text: str, stretches: Sequence[Stretch], findings: Sequence[Finding]) -> bool:
    """Tell two opioids of which one is taken: "tramadol 50 tid or Norco 5 tid"."""
    entered = [s for s, found in zip(stretches, findings, strict=True) if found.entries]
    return any(find("either").search(text[: s.name[0]]) for s in entered[1:])


def _is_mat(finding: Finding) -> bool:
    return finding.ignored[1:] == (MAT,)


def _reading(findings: Sequence[Finding], asks: Iterable[str]) -> DoseReading:
    entries = tuple(entry for f in findings for entry in f.entries)
    ask = tuple(dict.fromkeys(asks))
    doses = [entry.dose for entry in entries]
    ignored = dict.fromkeys(f.ignored for f in findings if f.ignored)
    partner_mg = sum(f.partner_mg for f in findings)
    notes = (
        *mme_notes(doses, mat=any(map(_is_mat, findings)), acetaminophen_mg=partner_mg),
        *(NOT_ENTERED.format(why=why, name=name) for name, why in ignored),
    )
    return DoseReading(entries, mme(doses) if entries and not ask else None, ask, notes)


def _amounts(text: str) -> bool:
    kinds = (
        "amount",
        "rate",
        "total",
        "pair",
        "tabs",
        "often",
        "times",
        "every",
        "perday",
        "tod",
        "clock",
        "number",
        "liquid",
        "concentration",
        "volume",
    )
    return any(part.kind in kinds for part in parts(text))


# --- one medicine ---------------------------------------------------------------------------------


def finding(folded: Folded, stretch: Stretch, drug: str | None = None) -> Finding:
    """Return what the words of one medicine say."""
    product = stretch.product
    found = tuple(
        _counted(p, folded.text, stretch) for p in parts(folded.text, stretch.start, stretch.end)
    )
    found = tuple(p for p in found if not _inside(p, stretch.name))
    words = folded.text[stretch.start : stretch.end]
    called = folded.text[slice(*stretch.name)] if stretch.exact else product.id
    later = folded.text[stretch.name[1] : stretch.end]
    if find("not_now").search(folded.text[: stretch.name[0]]) and not find("now_again").search(
        later
    ):
        return Finding(ignored=(called, NOT_NOW))
    if _of_another(folded.text[: stretch.name[0]]):
        return Finding(ignored=(called, NOT_THEIRS))
    if ended := _ended(folded.text, stretch):
        return _not_now(called, product, [p for p in found if p.start > ended])
    option, ask = _option(product, found, words, drug, partner=stretch.partner)
    if option is None:
        mat = product.id in ("methadone", "buprenorphine", "naltrexone")
        return Finding(asks=(ask,)) if ask else Finding(ignored=(called, MAT if mat else OTHER))
    result = entered(folded, stretch, option, found)
    if drug and option != drug:
        return replace(result, asks=(*result.asks, ASK_CHOSEN))
    return result


def _of_another(before: str) -> bool:
    relatives = list(cue("relative").finditer(before))
    return bool(relatives and find("theirs").fullmatch(before[relatives[-1].end() :]))


def _ended(text: str, stretch: Stretch) -> int | None:
    """Return where it is said after a dose that it is taken no more."""
    match = find("ended").search(text[stretch.name[1] :])
    place = stretch.name[1] + match.start() if match else stretch.end
    return place if place < stretch.end else None


def _not_now(called: str, product: Product, later: Sequence[Part]) -> Finding:
    """Return a medicine that is taken no more; a dose told after that may be the one of now."""
    if any(p.kind in ("amount", "pair", "often", "times", "every", "perday") for p in later):
        return Finding(asks=(ASK_NOW.format(drug=DRUGS.get(product.option or "", called)),))
    return Finding(ignored=(called, NOT_NOW))


def _counted(part: Part, text: str, stretch: Stretch) -> Part:
    """Return a number just before the name as a count: "3 Norco a day", "two fentanyl 25 mcg/h patches"."""
    before = part.kind == "number" and part.end <= stretch.name[0]
    joined = before and re.fullmatch(
        r" (?:x |of (?:his|her|the|their) )?", text[part.end : stretch.name[0]]
    )
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
    elsewhere = kinds & {"injection", "other_route", "buccal"} or _under_the_tongue(found)
    if product.option and elsewhere and product.option != "bup_pain":
        return "other_opioid", None
    return product.option, None


def _under_the_tongue(found: Sequence[Part]) -> bool:
    """Tell a way of taking, not a "film", which may be of another medicine."""
    return any(p.kind == "sublingual" and p.text[:4] not in ("film", "stri") for p in found)


def _methadone(words: str, drug: str | None) -> tuple[str | None, str | None]:
    oud, pain = bool(find("oud").search(words)), bool(find("pain").search(words))
    if drug == "methadone_pain" and not oud:
        return drug, None
    if oud == pain:
        return None, ASK_METHADONE
    return ("methadone_pain", None) if pain else (None, None)


def _buprenorphine(
    product: Product, found: Sequence[Part], words: str, drug: str | None, *, partner: bool
) -> tuple[str | None, str | None]:
    kinds, pain = {part.kind for part in found}, bool(find("pain").search(words))
    micrograms = "rate" in kinds or any(p.unit.startswith(("mc", "ug", "mic")) for p in found)
    if product.mat or partner:
        return None, ASK_BUPRENORPHINE if pain else None
    for_oud = bool(kinds & {"sublingual", "injection"} or find("oud").search(words))
    for_pain = bool(kinds & {"patch", "buccal"} or micrograms or pain or drug == "bup_pain")
    if for_oud == for_pain:
        return None, ASK_BUPRENORPHINE
    return ("bup_pain", None) if for_pain else (None, None)


def _fentanyl(
    product: Product, found: Sequence[Part], kinds: set[str], drug: str | None
) -> tuple[str | None, str | None]:
    if kinds & {"injection", "other_route", "buccal", "sublingual"}:
        return "other_opioid", None
    intervals = [hours(part) for part in found if part.kind == "every"]
    changed = any(i and i[0] in (48, 72) for i in intervals)
    if product.form or drug == "fentanyl_td" or changed or kinds & {"patch", "patches", "rate"}:
        return "fentanyl_td", None
    return None, ASK_FENTANYL


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
    except (ValueError, RecursionError):
        return dumps({"error": "line: expected one JSON object"})
    if not isinstance(given, Mapping) or not isinstance(given.get("text"), str):
        return dumps({"error": "text: expected a string"})
    try:
        return dumps(read(given))
    except UnknownDrug as error:
        return dumps({"error": str(error)})


def _dose_line(given: Mapping[str, Any]) -> Mapping[str, Any]:
    drug = given.get("drug")
    if drug is not None and not isinstance(drug, str):
        raise UnknownDrug
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
