"""The medicines of a case: which the client takes now, which are MAT, and the doses that are certain."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from dialogs.contexts import Context, contexts
from dialogs.doses import Dose
from dialogs.dosing import finding
from dialogs.regimen import Finding
from dialogs.sig import Part, parts
from dialogs.stretches import Stretch
from dialogs.told import MAT, OPIOID, Hit, Sentence, back, find, sign_of

METHADONE_MG: Final = (1, 400)
"""Plausible mg of methadone for OUD a day; from 20 on, a bare number beside the name is one."""
BARE_METHADONE_MG: Final = 20
LEAST_LIKE_MAT_MG: Final = 40
"""mg of methadone once a day from which it is taken for MAT."""
LEAST_SUBLINGUAL_MG: Final = 2


def of_medicines(told: Sequence[Sentence]) -> list[Hit]:
    whole = " ".join(sentence.text for sentence in told)
    oud, denied = bool(find("oud_told").search(whole)), _denied(told)
    hits: list[Hit] = []
    for sentence in told:
        for stretch in sentence.stretches:
            if _current(sentence, stretch):
                hits += _medicine(sentence, stretch, oud=oud)
        hits += _no_opioid(sentence)
    return [hit for hit in hits if not (hit.question == "opioid" and hit.value["drug"] in denied)]


def _denied(told: Sequence[Sentence]) -> set[str | None]:
    """Return the opioids somebody says are not taken: told both ways, they are asked."""
    return {
        stretch.product.option
        for sentence in told
        for stretch in sentence.stretches
        if stretch.product.option
        and "negated"
        in contexts(sentence.masked, *stretch.name) - _supposed(sentence.masked[: stretch.name[0]])
        and not find("tox").search(sentence.masked[: stretch.name[0]])
    }


def _current(sentence: Sentence, stretch: Stretch) -> bool:
    """Tell a medicine the client takes now: not denied, past, planned, tested for, or another's."""
    start, end = stretch.name
    if contexts(sentence.masked, start, end) - _supposed(sentence.masked[:start]):
        return False
    before, after = sentence.masked[max(0, start - 60) : start], sentence.masked[end : end + 40]
    clause = re.split(
        r"[;:]|, (?:and |but )?(?=(?:he|she|they|pt|on|takes|now|currently)\b)|\b(?:but|now|currently)\b",
        before,
    )[-1]
    once = sign_of(stretch) == OPIOID and _given_once(sentence, stretch)
    if once or find("allergies").search(sentence.masked[:start]):
        return False
    silent = (find("tox"), find("allergy"), find("illicit"), find("overdose"), find("asked"))
    if any(pattern.search(clause) for pattern in silent):
        return False
    if find("illicit_after").search(after) or find("allergy").match(after.lstrip()):
        return False
    later = sentence.masked[end : _next_name(sentence, stretch)]
    if find("gift").search(later):
        return False
    ended = ["over", "around_surgery"] if sign_of(stretch) == OPIOID else ["over"]
    return not any(find(cue).search(words) for cue in ended for words in (clause, later))


def _given_once(sentence: Sentence, stretch: Stretch) -> bool:
    """Tell a dose that was given in an emergency room or as an injection from one that goes on."""
    before = sentence.masked[: stretch.name[0]]
    later = sentence.masked[stretch.name[1] : _next_name(sentence, stretch)]
    given = find("dose_given").search(before) or find("dose_given_after").search(later)
    where = find("dose_where").search(sentence.masked)
    return bool(given and where) and not find("taken_home").search(sentence.masked)


_BECAUSE = re.compile(r"\b(?:because of|due to|over) (?:the |his |her |their )?$")


def _supposed(before: str) -> set[Context]:
    """Return the contexts that do not matter here: one can only stop what one takes."""
    stopping = find("stopping").search(before)
    if stopping:
        return {"plan", "negated", "unsure", *({"other"} if stopping["whom"] else ())}
    return {"plan", "unsure"} if _BECAUSE.search(before) else set()


def _next_name(sentence: Sentence, stretch: Stretch) -> int:
    return min(
        (s.name[0] for s in sentence.stretches if s.name[0] > stretch.name[0]),
        default=len(sentence.text),
    )


def _medicine(sentence: Sentence, stretch: Stretch, *, oud: bool) -> list[Hit]:
    sign = sign_of(stretch)
    if sign == OPIOID:
        return _opioid(sentence, stretch)
    if sign == MAT:
        return _mat(sentence, stretch, oud=oud)
    start, end = sentence.offset + stretch.name[0], sentence.offset + stretch.name[1]
    hits = []
    for tag in stretch.product.tags:
        question, value = tag.split(".")
        hits.append(Hit(question, value, start, end))
    after = sentence.masked[stretch.name[1] : stretch.name[1] + 60]
    if "cns.gaba" in stretch.product.tags and re.search(
        r"^[^.;,]{0,30}\bfor (?:\w+ ){0,3}(?:pain|neuropath\w+|neuralgia|sciatica)\b", after
    ):
        hits.append(Hit("nonopioid", "gaba_tx", start, end))
    return hits


def _short(sentence: Sentence, stretch: Stretch) -> Stretch:
    """Return the stretch up to where the sentence turns to something else."""
    stop = find("stopper").search(sentence.masked, stretch.name[1], stretch.end)
    end = stop.start() if stop else stretch.end
    return Stretch(
        stretch.product,
        stretch.start,
        max(end, stretch.name[1]),
        stretch.name,
        stretch.partner,
        exact=stretch.exact,
    )


def _opioid(sentence: Sentence, stretch: Stretch) -> list[Hit]:
    found = finding(sentence.folded, _short(sentence, stretch))
    hits = []
    for entry in found.entries:
        start, end = back(sentence, entry.start, entry.end)
        hits.append(
            Hit("opioid", _certain(entry.dose), sentence.offset + start, sentence.offset + end)
        )
    return hits


def _certain(dose: Dose) -> dict[str, Any]:
    """Return an entry without `up_to` where no amount is known to which it belongs."""
    entry = dose.as_mapping()
    if dose.per_day is None and dose.strength is None:
        entry.pop("up_to", None)
    return entry


def _mat(sentence: Sentence, stretch: Stretch, *, oud: bool) -> list[Hit]:
    """Return the MAT a medicine is, and the methadone dose; or methadone and buprenorphine for pain."""
    short = _short(sentence, stretch)
    found = finding(sentence.folded, short)
    if found.entries:
        return _opioid(sentence, stretch) if _surely_for_pain(sentence, short, found) else []
    value = _which_mat(sentence, stretch, short, oud=oud)
    unsure = stretch.product.id == "buprenorphine" and not stretch.product.mat and not oud
    if value is None or (unsure and found.asks and not _in_milligrams(sentence, stretch, short)):
        return []
    span = (sentence.offset + stretch.name[0], sentence.offset + stretch.name[1])
    hits = [Hit("mat", value, *span)]
    if value == "methadone":
        hits += _methadone_dose(sentence, stretch)
    return hits


def _surely_for_pain(sentence: Sentence, short: Stretch, found: Finding) -> bool:
    """Tell methadone for pain from methadone that a pain clinic merely knows of."""
    if short.product.id != "methadone":
        return True
    told = find("for_pain").search(sentence.text, short.start, short.end)
    return bool(told) or any((entry.dose.per_day or 0) > 1 for entry in found.entries)


def _which_mat(sentence: Sentence, stretch: Stretch, short: Stretch, *, oud: bool) -> str | None:
    product, words = stretch.product, sentence.text[short.start : short.end]
    near = sentence.text[max(0, stretch.name[0] - 40) : short.end]
    alcohol = product.id == "naltrexone" and find("not_oud").search(near)
    if alcohol or find("for_pain").search(words):
        return None
    if product.mat:
        return product.mat
    if product.id == "methadone":
        often = any(
            (p.high or 0) > 1
            for p in parts(sentence.text, stretch.name[1], short.end)
            if p.kind in ("often", "times", "every")
        )
        told = oud or _like_mat(sentence, stretch)
        return "methadone" if find("care").search(near) or (told and not often) else None
    injected = re.search(
        r"\b(?:injections?|injectable|shots?|monthly|xr|depot|extended[- ]release|im)\b", near
    )
    if product.id == "naltrexone":
        return _naltrexone(near, injected=bool(injected))
    if injected:
        return "bup_xr"
    return (
        "bup_sl"
        if oud
        or stretch.partner
        or find("care").search(near)
        or _in_milligrams(sentence, stretch, short)
        or re.search(r"\b(?:sl|sublingual|films?|strips?|\d+[/-]\d)\b", words)
        else None
    )


def _like_mat(sentence: Sentence, stretch: Stretch) -> bool:
    """Tell much methadone once a day, in a sentence that says nothing of pain."""
    told = _methadone_dose(sentence, stretch)
    return (
        bool(told)
        and told[0].value >= LEAST_LIKE_MAT_MG
        and not find("of_pain").search(sentence.text)
    )


def _in_milligrams(sentence: Sentence, stretch: Stretch, short: Stretch) -> bool:
    """Tell buprenorphine of 2 mg or more: products for pain hold micrograms."""
    found = parts(sentence.text, stretch.name[1], short.end)
    micro = any(
        p.unit.startswith(("mc", "ug", "mic")) or p.kind in ("patch", "rate") for p in found
    )
    return not micro and any(
        p.kind in ("amount", "total")
        and p.unit.startswith("mg")
        and (p.low or 0) >= LEAST_SUBLINGUAL_MG
        for p in found
    )


def _naltrexone(near: str, *, injected: bool) -> str | None:
    if injected:
        return "ntx_xr"
    return "ntx_po" if re.search(r"\b(?:tablets?|oral|po|pills?|50 ?mg|daily)\b", near) else None


def _methadone_dose(sentence: Sentence, stretch: Stretch) -> list[Hit]:
    """Return mg of methadone a day where one amount is said, and not several times a day."""
    found = parts(sentence.text, stretch.name[1], _short(sentence, stretch).end)
    often = any((p.high or 0) > 1 for p in found if p.kind in ("often", "times", "every", "perday"))
    amounts = [
        p for p in found if p.kind in ("amount", "total") and p.unit.startswith(("mg", "milli"))
    ]
    amounts = amounts or [
        p for p in found if p.kind == "number" and _bare_dose(sentence, stretch, p)
    ]
    values = {p.low if p.low == p.high and not p.doubtful else None for p in amounts}
    if often or len(values) != 1 or _about(sentence, amounts[0].start):
        return []
    value = values.pop()
    if value is None or not METHADONE_MG[0] <= value <= METHADONE_MG[1]:
        return []
    place = sentence.offset + stretch.name[0], sentence.offset + amounts[0].end
    return [Hit("methadone_dose", int(value) if float(value).is_integer() else value, *place)]


def _bare_dose(sentence: Sentence, stretch: Stretch, part: Part) -> bool:
    beside = re.fullmatch(r"[ ,:(]{0,2}", sentence.text[stretch.name[1] : part.start])
    return bool(beside) and (part.low or 0) >= BARE_METHADONE_MG


def _about(sentence: Sentence, start: int) -> bool:
    return bool(
        re.search(
            r"\b(?:from|was|about|around|approximately|maybe|~|to|up to|over|under) ?$",
            sentence.text[:start],
        )
    ) and not re.search(
        r"\b(?:increased|raised|decreased|lowered|changed|up|down) to ?$", sentence.text[:start]
    )


def _no_opioid(sentence: Sentence) -> Iterator[Hit]:
    for match in find("no_opioid").finditer(sentence.text):
        tested = find("tox").search(sentence.text)
        if not tested and not contexts(sentence.masked, *match.span()) - {"negated"}:
            yield Hit(
                "opioid",
                {"drug": "none"},
                sentence.offset + match.start(),
                sentence.offset + match.end(),
            )
