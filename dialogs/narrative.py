"""A case told in plain words: the answers it surely contains, each with the words it came from.

Nothing here fills anything in: every suggestion waits for a tap. A wrong suggestion is worse than none,
so a fact that is negated, past, planned, somebody else's or unsure is left to be asked.
Safety red flags and the role are always asked, never suggested.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import ahocorasick

from dialogs.contexts import Context, contexts, days_ago
from dialogs.doses import Dose
from dialogs.dosing import LONGEST, Finding, Stretch, finding, stretches_of, text_line
from dialogs.folded import Folded, fold
from dialogs.sig import N, number, parts

FAST_PATH: Final = ("safety_now", "setting", "mat", "reason", "opioid", "duration", "endplan", "monitoring")
"""What must be known for a first step; asked when the text does not say it."""

MULTI: Final = frozenset({"monitoring", "signals", "cns", "risk", "nonopioid"})

METHADONE_MG: Final = (1, 400)
"""Plausible mg of methadone for OUD a day; from 20 on, a bare number beside the name is one."""
BARE_METHADONE_MG: Final = 20

OPIOID, MAT, MEDICINE = "\ue000", "\ue001", "\ue002"
"""Signs that stand for a name of a medicine in the masked sentence, one for each of its characters."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An answer and the words it came from: ``words == text[start:end]``, code points, end exclusive."""

    question: str
    value: Any
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    suggestions: tuple[Suggestion, ...]
    asks: tuple[str, ...]
    """Questions of the fast path that remain to be asked, `safety_now` always."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One fact found, on the folded text."""

    question: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rule:
    question: str
    value: str
    keys: tuple[str, ...]
    find: tuple[re.Pattern[str], ...]
    allow: frozenset[Context]
    within: int | None
    """Days; an older event, or one of an unknown year, is not offered."""
    dated: bool
    masked: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the folded text, with the medicines it names."""

    text: str
    masked: str
    offset: int
    folded: Folded
    stretches: tuple[Stretch, ...]
    before: str
    """The masked sentence before this one."""


# --- rules --------------------------------------------------------------------------------------------


@cache
def rules() -> tuple[Rule, ...]:
    """Return the packaged patterns."""
    body = resources.files("dialogs").joinpath("content/narrative.toml").read_text(encoding="utf-8")
    raw = tomllib.loads(body)
    own = rf"(?:(?:the|his|her|their|this|these|all|any|some) )*(?:{OPIOID}+|(?:prescribed )?opioids?|pain (?:pills?|meds?|medications?|medicine)|painkillers?|narcotics?)(?![a-z])"
    macros = {
        "OWN": own,
        "O": rf"(?:{own}|(?:it|them)\b)",
        "MAT": rf"(?:(?:the|his|her|their) )?{MAT}+(?:/{MAT}+)?",
        "MED": f"{MEDICINE}+",
        **raw["macros"],
    }
    return tuple(_rule(entry, macros) for entry in raw["rule"])


def _rule(entry: Mapping[str, Any], macros: Mapping[str, str]) -> Rule:
    def filled(pattern: str) -> str:
        for _ in range(3):
            pattern = re.sub(r"\{([A-Z]+)\}", lambda m: macros[m[1]], pattern)
        return pattern

    return Rule(
        entry["question"],
        entry["value"],
        tuple(entry["keys"]),
        tuple(re.compile(filled(pattern)) for pattern in entry["find"]),
        frozenset(entry.get("allow", ())),
        entry.get("within"),
        entry.get("dated", False),
        entry.get("masked", True),
    )


# --- the text -----------------------------------------------------------------------------------------

_END = re.compile(r"[.!?](?<!\bdr.)(?<!\bvs.)(?<!\bno.)(?<!\bmr.)(?<!\bms.)(?<!\bapprox.)(?<!\be\.g.)(?<!\bi\.e.)(?<![ .][a-z].)(?=[\s\"')]|$)|[\n;]|\?")


def sentences(folded: Folded) -> tuple[Sentence, ...]:
    """Return the sentences of a text; a line and a semicolon end one too."""
    found: list[Sentence] = []
    begin = 0
    for end in [*(m.end() for m in _END.finditer(folded.text)), len(folded.text)]:
        piece = folded.text[begin:end]
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            found.append(_sentence(folded, begin + lead, end, found[-1].masked if found else ""))
        begin = end
    return tuple(found)


def _sentence(folded: Folded, begin: int, end: int, before: str) -> Sentence:
    text = folded.text[begin:end].rstrip()
    own = Folded(text, folded.places[begin : begin + len(text)])
    stretches = stretches_of(text)
    return Sentence(text, _masked(text, stretches), begin, own, stretches, before)


def _masked(text: str, stretches: Sequence[Stretch]) -> str:
    for stretch in stretches:
        start, end = stretch.name
        text = text[:start] + _sign(stretch) * (end - start) + text[end:]
    return text


def _sign(stretch: Stretch) -> str:
    product = stretch.product
    if product.mat or product.id in ("methadone", "naltrexone") or (product.id == "buprenorphine" and not product.option):
        return MAT
    return OPIOID if product.option else MEDICINE


def read_narrative(text: str) -> Reading:
    """Return the answers a narrative suggests, and the fast-path questions it leaves open."""
    folded = fold(text[:LONGEST])
    told = sentences(folded)
    hits = [hit for sentence in told for hit in _of_rules(sentence)]
    hits += _of_medicines(told)
    hits += [hit for sentence in told for hit in (*_ecg(sentence), *_age(sentence), *_physical_therapy(sentence, text))]
    opioids = [hit for hit in hits if hit.question == "opioid"]
    hits += _durations(told, opioids)
    agreed = _agreed(hits)
    suggestions = tuple(_suggested(text, folded, question, found) for question, found in agreed.items())
    given = {s.question for s in suggestions}
    asks = tuple(q for q in FAST_PATH if q not in given)
    return Reading(tuple(sorted(suggestions, key=lambda s: (s.start, s.end))), asks)


def _suggested(text: str, folded: Folded, question: str, hits: Sequence[Hit]) -> Suggestion:
    start, end = folded.span(min(h.start for h in hits), max(h.end for h in hits))
    words = text[start:end]
    if question == "opioid":
        value: Any = [hit.value for hit in hits]
    elif question in MULTI:
        value = list(dict.fromkeys(hit.value for hit in hits))
    else:
        value = hits[0].value
    return Suggestion(question, value, words, start, end)


# --- agreement ----------------------------------------------------------------------------------------


def _agreed(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    """Return the facts that do not contradict each other, by question."""
    by_question: dict[str, list[Hit]] = {}
    for hit in hits:
        by_question.setdefault(hit.question, []).append(hit)
    return {q: kept for q, found in by_question.items() if (kept := _settled(q, found, by_question))}


def _settled(question: str, hits: list[Hit], others: Mapping[str, Sequence[Hit]]) -> list[Hit]:
    if question == "opioid":
        return _opioids(hits)
    if question in MULTI:
        return _one_each(hits)
    if question == "duration" and {h.value for h in hits} > {"notyet"}:
        return []
    if question == "duration" and hits[0].value == "notyet" and others.get("opioid"):
        return []
    if question in ("methadone_dose", "ecg") and not _on_methadone(others):
        return []
    hits = _preferred(question, hits)
    if question == "reason" and _nothing_taken(others):
        hits = [hit for hit in hits if hit.value not in ("trauma", "periop")]
    return hits[:1] if len({hit.value for hit in hits}) == 1 else []


def _nothing_taken(others: Mapping[str, Sequence[Hit]]) -> bool:
    """Tell a case without an opioid, where what was treated before says nothing."""
    planned = any(hit.value == "notyet" for hit in others.get("duration", ()))
    return not planned and [hit.value["drug"] for hit in others.get("opioid", ())] == ["none"]


def _on_methadone(others: Mapping[str, Sequence[Hit]]) -> bool:
    return {h.value for h in others.get("mat", ())} <= {"methadone"} or any(
        h.value["drug"] == "methadone_pain" for h in others.get("opioid", ())
    )


def _preferred(question: str, hits: list[Hit]) -> list[Hit]:
    """Return the hits without those another one explains: a flare is of a lasting pain, an intent has no date."""
    values = {hit.value for hit in hits}
    for first, explained in _EXPLAINS.get(question, ()):
        if first in values:
            hits = [hit for hit in hits if hit.value not in explained]
    return hits


_EXPLAINS: Final[Mapping[str, tuple[tuple[str, frozenset[str]], ...]]] = {
    "reason": (("flare", frozenset({"chronic_back", "chronic_neuro", "chronic_other", "periop"})),),
    "endplan": (("intent", frozenset({"none"})),),
    "setting": (("resid", frozenset({"inpt"})), ("corr", frozenset({"otp", "obot"})), ("inpt", frozenset({"otp"})), ("ed", frozenset({"otp"}))),
    "mat_status": (("missed", frozenset({"stable_th", "stable_obs"})),),
}


def _one_each(hits: Sequence[Hit]) -> list[Hit]:
    first: dict[Any, Hit] = {}
    for hit in hits:
        first.setdefault(hit.value, hit)
    return list(first.values())


def _opioids(hits: list[Hit]) -> list[Hit]:
    """Return one entry for each opioid and form; of two that differ only the drug is kept."""
    named = [hit for hit in hits if hit.value["drug"] not in ("other_opioid", "none")]
    unnamed = [hit for hit in hits if hit.value["drug"] == "other_opioid"]
    none = [hit for hit in hits if hit.value["drug"] == "none"]
    if not named and not unnamed:
        return none[:1]
    if none:
        return []
    kept: dict[tuple[str, str | None], Hit] = {}
    for hit in named or unnamed:
        key = (hit.value["drug"], hit.value.get("form"))
        kept[key] = _merged(kept[key], hit) if key in kept else hit
    return _without_bare(list(kept.values()))


def _merged(first: Hit, second: Hit) -> Hit:
    """Return one entry of two mentions; what differs is left out."""
    one, two = first.value, second.value
    both = {**two, **one}
    agreed = {name: value for name, value in both.items() if one.get(name, value) == two.get(name, value)}
    richer = first if len(one) >= len(two) else second
    return Hit("opioid", agreed, richer.start, richer.end)


def _without_bare(hits: list[Hit]) -> list[Hit]:
    """Return the entries without a mention that only repeats the name of another one."""
    told = {hit.value["drug"] for hit in hits if len(hit.value) > 1}
    return [hit for hit in hits if len(hit.value) > 1 or hit.value["drug"] not in told]


# --- rules on sentences -------------------------------------------------------------------------------


@cache
def _keys() -> ahocorasick.Automaton:
    """Return the words that call for rules, each with the places of its rules."""
    called: dict[str, list[int]] = {}
    for place, rule in enumerate(rules()):
        for key in rule.keys:
            called.setdefault(key, []).append(place)
    automaton = ahocorasick.Automaton()
    for key, places in called.items():
        automaton.add_word(key, tuple(places))
    automaton.make_automaton()
    return automaton


def _of_rules(sentence: Sentence) -> Iterator[Hit]:
    called = {place for _, places in _keys().iter(sentence.text) for place in places}
    for place in sorted(called):
        rule = rules()[place]
        yield from _matched(sentence, rule, sentence.masked if rule.masked else sentence.text)


def _matched(sentence: Sentence, rule: Rule, body: str) -> Iterator[Hit]:
    for pattern in rule.find:
        for match in pattern.finditer(body):
            start, end = _trimmed(body, *match.span())
            if start < end and _holds(sentence, rule, start, end):
                yield Hit(rule.question, rule.value, sentence.offset + start, sentence.offset + end)
                return


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " ,.;:-":
        start += 1
    while start < end and text[end - 1] in " ,.;:-":
        end -= 1
    return start, end


_UNDATED = re.compile(
    r"\b(?:19|20)\d\d\b|\byears? (?:ago|back)\b|\bin (?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
)
"""A time that cannot be counted in days without today's date."""


def _holds(sentence: Sentence, rule: Rule, start: int, end: int) -> bool:
    if contexts(sentence.masked, start, end) - rule.allow:
        return False
    if re.search(r"\b(?:it|them)$", sentence.masked[start:end]) and not _means_opioid(sentence, start):
        return False
    if rule.within is None:
        return True
    ago = days_ago(sentence.masked, start, end)
    if ago is None:
        return not rule.dated and not _UNDATED.search(sentence.masked)
    urgent = rule.value == "od_12m" and ago <= 1
    return ago <= rule.within and not urgent


def _means_opioid(sentence: Sentence, start: int) -> bool:
    """Tell whether "it" stands for an opioid: the last medicine named before it is one."""
    for said in (sentence.masked[:start], sentence.before):
        signs = re.findall(f"[{OPIOID}{MAT}{MEDICINE}]", said)
        if signs:
            return bool(signs[-1] == OPIOID)
    return False


# --- medicines ----------------------------------------------------------------------------------------

_TOX = re.compile(r"\b(?:uds|udt|urine|tox\w*|drug screen|positive|negative for|metabolites?|screen(?:ed|s)?|tested)\b")
_ALLERGY = re.compile(r"\b(?:allerg\w+|intoleran\w+|reaction to|sensitiv\w+|nausea (?:with|from)|itching (?:with|from))\b")
_ILLICIT = re.compile(r"\b(?:street|illicit|non-?prescribed|buys?|buying|bought|dealer|off the street|counterfeit|pressed|snort\w*|inject(?:s|ing)|misus\w+|abus\w+|addict\w+ to|friend.?s)\b")
_ILLICIT_AFTER = re.compile(r"^.{0,3}\b(?:use|misuse|abuse|addiction|use disorder|dependence|habit|exposure|test strips?|overdose|withdrawal)\b")
_OVERDOSE = re.compile(r"\b(?:overdos\w+|od.?d|od) (?:on|from|of|with)\b|\b(?:revived|reversed)\b")
_ASKED = re.compile(r"\b(?:ask(?:s|ing|ed)?|request\w*|inquir\w+|question\w*|wonder\w*|info\w*|advice) (?:about|for|on|regarding)?")
_OVER = re.compile(r"\b(?:finished|completed|ran out of|all gone|used up|held|on hold|paused|none since)\b")
_OUD_TOLD = re.compile(
    r"\b(?:oud|otp|mat|moud|mmt|opioid use disorder|opioid treatment program|medication[- ]assisted|take[- ]?homes?"
    r"|methadone (?:clinic|program|maintenance|treatment))\b"
)


def _of_medicines(told: Sequence[Sentence]) -> list[Hit]:
    whole = " ".join(sentence.text for sentence in told)
    oud = bool(_OUD_TOLD.search(whole))
    hits: list[Hit] = []
    for sentence in told:
        for stretch in sentence.stretches:
            if _current(sentence, stretch):
                hits += _medicine(sentence, stretch, oud=oud)
        hits += _no_opioid(sentence)
    return hits


def _current(sentence: Sentence, stretch: Stretch) -> bool:
    """Tell a medicine the client takes now from one that is denied, past, planned, tested for, or another's."""
    start, end = stretch.name
    if contexts(sentence.masked, start, end) - _supposed(sentence.masked[:start]):
        return False
    before, after = sentence.masked[max(0, start - 60) : start], sentence.masked[end : end + 40]
    clause = re.split(r"[;:]|, (?:and |but )?(?=(?:he|she|they|pt|on|takes|now|currently)\b)|\b(?:but|now|currently)\b", before)[-1]
    silent = (_TOX, _ALLERGY, _ILLICIT, _OVERDOSE, _ASKED)
    if any(pattern.search(clause) for pattern in silent) or _ILLICIT_AFTER.search(after):
        return False
    later = sentence.masked[end : _next_name(sentence, stretch)]
    return not _OVER.search(later) and not _OVER.search(clause)


_STOPPING = re.compile(
    r"\b(?P<whom>wants? (?:him|her|them) )?(?:to )?(?:just )?(?:stop|tapering|taper|stopping|weaning|wean|discontinue|come off|coming off|get off|keep|continue|stay on|reduce|cut down on|lower)"
    r" (?:of |off |on |taking |using |with |down )*(?:the |his |her |their )?$"
)
_BECAUSE = re.compile(r"\b(?:because of|due to|over) (?:the |his |her |their )?$")


def _supposed(before: str) -> set[Context]:
    """Return the contexts that do not matter where the words suppose the medicine: one can only stop what one takes."""
    stopping = _STOPPING.search(before)
    if stopping:
        return {"plan", "negated", "unsure", *({"other"} if stopping["whom"] else ())}
    return {"plan", "unsure"} if _BECAUSE.search(before) else set()


def _next_name(sentence: Sentence, stretch: Stretch) -> int:
    return min((s.name[0] for s in sentence.stretches if s.name[0] > stretch.name[0]), default=len(sentence.text))


def _medicine(sentence: Sentence, stretch: Stretch, *, oud: bool) -> list[Hit]:
    sign = _sign(stretch)
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
    if "cns.gaba" in stretch.product.tags and re.search(r"^[^.;,]{0,30}\bfor (?:\w+ ){0,3}(?:pain|neuropath\w+|neuralgia|sciatica)\b", after):
        hits.append(Hit("nonopioid", "gaba_tx", start, end))
    return hits


_STOPPER = re.compile(
    r"(?:,| and| but|;| -)? (?:(?:he|she|they|pt|patient|client) (?!takes?\b|uses?\b)|sees|attends|meets|goes|lives|drinks|smokes|works|counsel|group|pdmp|uds|naloxone|narcan|physical therapy"
    r"|because|since (?!\d)|after (?!\d)|who\b|which\b|while\b|until\b|before (?!bed)|due to|pain (?:score|is|level|\d))"
)


def _short(sentence: Sentence, stretch: Stretch) -> Stretch:
    """Return the stretch up to where the sentence turns to something else."""
    stop = _STOPPER.search(sentence.masked, stretch.name[1], stretch.end)
    end = stop.start() if stop else stretch.end
    return Stretch(stretch.product, stretch.start, max(end, stretch.name[1]), stretch.name, stretch.partner, exact=stretch.exact)


def _opioid(sentence: Sentence, stretch: Stretch) -> list[Hit]:
    found: Finding = finding(sentence.folded, _short(sentence, stretch))
    hits = []
    for entry in found.entries:
        start, end = _back(sentence, entry.start, entry.end)
        hits.append(Hit("opioid", _certain(entry.dose), sentence.offset + start, sentence.offset + end))
    return hits


def _certain(dose: Dose) -> dict[str, Any]:
    """Return an entry without `up_to` where no amount is known to which it belongs."""
    entry = dose.as_mapping()
    if dose.per_day is None and dose.strength is None:
        entry.pop("up_to", None)
    return entry


def _back(sentence: Sentence, start: int, end: int) -> tuple[int, int]:
    """Return a span of the original as a span of the sentence."""
    places = sentence.folded.places
    first = next(i for i, place in enumerate(places) if place >= start)
    last = max(i for i, place in enumerate(places) if place < end)
    return first, last + 1


def _mat(sentence: Sentence, stretch: Stretch, *, oud: bool) -> list[Hit]:
    """Return the MAT a medicine is, and the methadone dose; or methadone and buprenorphine for pain."""
    short = _short(sentence, stretch)
    found = finding(sentence.folded, short)
    if found.entries:
        return _opioid(sentence, stretch)
    value = _which_mat(sentence, stretch, short, oud=oud)
    if value is None or (found.asks and stretch.product.id == "buprenorphine" and not stretch.product.mat and not oud):
        return []
    span = (sentence.offset + stretch.name[0], sentence.offset + stretch.name[1])
    hits = [Hit("mat", value, *span)]
    if value == "methadone":
        hits += _methadone_dose(sentence, stretch)
    return hits


_CARE = re.compile(r"\b(?:oud|otp|mat|moud|mmt|opioid use disorder|opioid treatment|medication[- ]assisted|maintenance|maintained|addiction|take[- ]?homes?|substance use)\b|(?<!pain )\b(?:clinic|program)\b")
_FOR_PAIN = re.compile(r"\bfor (?:\w+ ){0,3}pain\b|\b(?:from|by|through|per) (?:his |her |the |their |a )?pain\b|\bfor (?:neuropathy|migraines?|arthritis)\b|\bprescribed for pain\b")


def _which_mat(sentence: Sentence, stretch: Stretch, short: Stretch, *, oud: bool) -> str | None:
    product, words = stretch.product, sentence.text[short.start : short.end]
    near = sentence.text[max(0, stretch.name[0] - 40) : short.end]
    if _FOR_PAIN.search(words):
        return None
    if product.mat:
        return product.mat
    if product.id == "methadone":
        often = any((p.high or 0) > 1 for p in parts(sentence.text, stretch.name[1], short.end) if p.kind in ("often", "times", "every"))
        return "methadone" if _CARE.search(near) or (oud and not often) else None
    injected = re.search(r"\b(?:injections?|injectable|shots?|monthly|xr|depot|extended[- ]release|im)\b", near)
    if product.id == "naltrexone":
        return _naltrexone(near, injected=bool(injected))
    if injected:
        return "bup_xr"
    return "bup_sl" if oud or stretch.partner or _CARE.search(near) or re.search(r"\b(?:sl|sublingual|films?|strips?|\d+[/-]\d)\b", words) else None


def _naltrexone(near: str, *, injected: bool) -> str | None:
    if re.search(r"\b(?:alcohol|aud|etoh|drinking|weight|low dose)\b", near):
        return None
    if injected:
        return "ntx_xr"
    return "ntx_po" if re.search(r"\b(?:tablets?|oral|po|pills?|50 ?mg|daily)\b", near) else None


def _methadone_dose(sentence: Sentence, stretch: Stretch) -> list[Hit]:
    """Return mg of methadone a day where one amount is said, and not several times a day."""
    short = _short(sentence, stretch)
    found = [p for p in parts(sentence.text, stretch.name[1], short.end) if p.kind not in ("word", "sep")]
    often = any((p.high or 0) > 1 for p in found if p.kind in ("often", "times", "every", "perday"))
    amounts = [p for p in found if p.kind in ("amount", "total") and p.unit.startswith(("mg", "milli"))]
    if not amounts:
        amounts = [p for p in found if p.kind == "number" and _beside(sentence, stretch, p.start) and (p.low or 0) >= BARE_METHADONE_MG]
    values = {(p.low, p.high) for p in amounts}
    if often or len(values) != 1 or any(p.doubtful for p in found if p.kind in ("amount", "total", "number")):
        return []
    low, high = values.pop()
    if low is None or low != high or not METHADONE_MG[0] <= low <= METHADONE_MG[1] or _about(sentence, amounts[0].start):
        return []
    end = amounts[0].end
    return [Hit("methadone_dose", int(low) if float(low).is_integer() else low, sentence.offset + stretch.name[0], sentence.offset + end)]


def _beside(sentence: Sentence, stretch: Stretch, start: int) -> bool:
    return bool(re.fullmatch(r"[ ,:(]{0,2}", sentence.text[stretch.name[1] : start]))


def _about(sentence: Sentence, start: int) -> bool:
    return bool(re.search(r"\b(?:from|was|about|around|approximately|maybe|~|to|up to|over|under) ?$", sentence.text[:start])) and not re.search(
        r"\b(?:increased|raised|decreased|lowered|changed|up|down) to ?$", sentence.text[:start]
    )


_NO_OPIOID = re.compile(
    r"\b(?:no (?:current |other )?(?:opioids?|opiates?|pain opioids?)(?: (?:pain )?(?:medications?|medicines?|meds))?(?: (?:for pain|at present|currently|now|at this time|prescribed))+"
    r"|no (?:current|pain) opioids?\b(?: at present| currently| now| for pain)*"
    r"|not (?:currently |now )?(?:on|taking|prescribed) (?:any |an )?(?:opioids?|opiates?)(?: for pain| at present| currently| now)*"
    r"|not (?:currently )?on any (?:pain )?opioids?)(?= ?(?:[.,;]|$|and\b|or\b))"
)


def _no_opioid(sentence: Sentence) -> Iterator[Hit]:
    for match in _NO_OPIOID.finditer(sentence.text):
        tested = _TOX.search(sentence.text)
        if not tested and not contexts(sentence.masked, *match.span()) - {"negated"}:
            yield Hit("opioid", {"drug": "none"}, sentence.offset + match.start(), sentence.offset + match.end())


# --- numbers ------------------------------------------------------------------------------------------

_QTC = re.compile(r"\bqtc(?: interval)?(?: (?:was|is|of|at|on|today|now|last|recent|measured|came back|ecg|ekg|check|month|week)){0,4}[ :=]{0,3}(?P<sign><|>|under|over|above|below)? ?(?P<ms>\d{3})\b(?: ?ms)?")


def _ecg(sentence: Sentence) -> Iterator[Hit]:
    """Yield the band of a QTc; of several in one sentence only when all lie in the same."""
    found = list(_QTC.finditer(sentence.text)) if "qtc" in sentence.text else []
    bands = {_band(m["sign"], int(m["ms"])) for m in found}
    ago = days_ago(sentence.masked, *found[0].span()) if found else None
    old = (ago or 0) > 365 or re.search(r"\b(?:19|20)\d\d\b", sentence.text)  # noqa: PLR2004
    if found and len(bands) == 1 and None not in bands and not old and not contexts(sentence.masked, *found[0].span()):
        start, end = found[0].span()
        yield Hit("ecg", bands.pop(), sentence.offset + start, sentence.offset + end)


def _band(sign: str | None, ms: int) -> str | None:
    """Return the option for a QTc in ms, None when a bound leaves it open or it cannot be one."""
    if not 300 <= ms <= 700:  # noqa: PLR2004
        return None
    if sign in ("<", "under", "below"):
        return "lt450" if ms <= 450 else None  # noqa: PLR2004
    if sign:
        return "ge500" if ms >= 500 else None  # noqa: PLR2004
    return "lt450" if ms < 450 else "450_499" if ms < 500 else "ge500"  # noqa: PLR2004


_AGE = re.compile(rf"(?P<age>{N})[- ]?(?:y/?o\b|yo\b|years?[- ]old|yrs? old)|^(?P<short>\d{{2,3}}) ?[mf]\b|\baged? (?P<aged>\d{{2,3}})\b")


_YEARS_OLD = re.compile(r"[- ]old\b|y/?o\b|^\d\d|\baged? ")


def _age(sentence: Sentence) -> Iterator[Hit]:
    if not _YEARS_OLD.search(sentence.text):
        return
    for match in _AGE.finditer(sentence.text):
        years = number(match["age"] or match["short"] or match["aged"])
        other = contexts(sentence.masked, *match.span()) - {"past"} or _of_another(sentence.text[match.end() : match.end() + 24])
        if years is not None and 65 <= years <= 110 and not other:  # noqa: PLR2004
            yield Hit("risk", "age65", sentence.offset + match.start(), sentence.offset + match.end())


def _of_another(after: str) -> bool:
    return bool(re.match(r"[ ,]*(?:mother|father|wife|husband|mom|dad|parent|grand\w+|sister|brother|partner|aunt|uncle|neighbor|roommate|boyfriend|girlfriend)\b", after))


_PT = re.compile(r"\b(?:in|doing|does|attends|attending|continues|with|goes to|through|started|and|,) PT\b(?! (?:is|was|has|reports|states|says|takes|on|denies|with|did))|\bPT (?:twice|once|three times|\d ?x|weekly|x ?\d|\d times)\b")


def _physical_therapy(sentence: Sentence, text: str) -> Iterator[Hit]:
    """Yield physical therapy written "PT"; in small letters it would be the patient."""
    start, end = sentence.folded.span(0, len(sentence.text))
    match = _PT.search(text, start, end)
    if match is None:
        return
    first, last = _back(sentence, text.index("PT", match.start()), match.end())
    if not contexts(sentence.masked, first, last):
        yield Hit("nonopioid", "exercise", sentence.offset + first, sentence.offset + last)


# --- duration -----------------------------------------------------------------------------------------

_DAYS: Final[Mapping[str, float]] = {"d": 1, "w": 7, "m": 30.4, "y": 365.25}
_UNIT = r"(?P<unit>days?|weeks?|wks?|months?|mos?|mths?|years?|yrs?)\b"
_LENGTH = rf"(?P<quality>(?:about|around|approximately|roughly|almost|nearly|just under|under|less than|over|more than|at least|>|<|~|the (?:past|last)|past|last) ?)*(?P<low>{N}|a couple of|a couple|a few|few|many|an?)(?:(?: ?- ?| to | or )(?P<high>{N}))?(?: and a half)?[ -]?{_UNIT}"
_GAP = rf"(?:(?!\b(?:pain(?! (?:clinic|doctor|doc|physician|specialist|management|prescriber|provider|team))|sober|oud|jail|program|known|married|works?|worked|clean|remission|ago|next|stopped|off|course|supply|refill\w*|every|surgery|followed|script)\b)[^.;{MAT}{MEDICINE}])"
_NAME = rf"(?<!{OPIOID}){OPIOID}++"
_LASTING = (
    re.compile(rf"{_NAME}{_GAP}{{0,70}}?(?:\b(?:for|x)|,| over) ?{_LENGTH}(?! ago)(?: now)?(?= ?(?:[.,;)]|$|now|from|by|with|and|since|but))"),
    re.compile(rf"\b(?:for|over) {_LENGTH},? (?:now,? )?(?:(?:he|she|they|pt|patient|client|has|have|been|was|is|now) ?){{0,4}}(?:on|taking|takes|using|prescribed) (?:\w+ ){{0,3}}{OPIOID}"),
    re.compile(rf"\b{_LENGTH} (?:of|on|into|taking) (?:the |his |her |their )?{OPIOID}"),
    re.compile(rf"{_NAME}{_GAP}{{0,50}}?\b(?:started|begun|began|initiated|since) (?:about )?{_LENGTH} ago"),
    re.compile(rf"\b(?:started|began|initiated|put (?:him|her|them)) (?:him |her |them )?(?:on )?{_NAME}{_GAP}{{0,50}}?{_LENGTH} ago"),
    re.compile(rf"^(?:about |around |some )?{_LENGTH} ago,?[^.;{MAT}{MEDICINE}]{{0,50}}\b(?:started|began|put|placed|prescribed|gave|initiated)[^.;{MAT}{MEDICINE}]{{0,24}}{OPIOID}"),
    re.compile(rf"{_NAME}{_GAP}{{0,40}}?, {_LENGTH}$"),
)
_AGAIN = re.compile(rf"^(?:(?:he|she|they|pt|patient|client) )?(?:(?:has|have) been (?:on|taking) (?:it|this|them) for|started(?: it| this)?) {_LENGTH}(?P<ago> ago)?")
_YEARS = re.compile(rf"{_NAME}{_GAP}{{0,50}}?\bfor (?:many |several )?years\b(?! (?:of|ago))")
_GIVEN = re.compile(r"\b(?:given|gave|prescribed|rx.?d|rx|script|course|supply|will|discharged with)\b")


def _durations(told: Sequence[Sentence], opioids: Sequence[Hit]) -> list[Hit]:
    """Return how long the opioid has been taken, where a stretch of time surely belongs to it."""
    hits: list[Hit] = []
    for sentence in told:
        own = [h for h in opioids if sentence.offset <= h.start < sentence.offset + len(sentence.text) and h.value["drug"] != "none"]
        if own:
            hits += _lasting(sentence)
        elif _means_opioid(sentence, 0) and (match := _AGAIN.search(sentence.masked)):
            hits += _length_hit(sentence, match)
    return hits


_LENGTHS = re.compile(r"\b(?:days?|weeks?|wks?|months?|mos?|mths?|years?|yrs?)\b|\d(?:wks?|mos?|yrs?|d)\b")


def _lasting(sentence: Sentence) -> list[Hit]:
    if not _LENGTHS.search(sentence.text):
        return []
    for pattern in _LASTING:
        for match in pattern.finditer(sentence.masked):
            if hits := _length_hit(sentence, match):
                return hits
    years = _YEARS.search(sentence.masked)
    if years and not contexts(sentence.masked, years.end() - 5, years.end()) - {"past"}:
        return [Hit("duration", "gt12m", sentence.offset + years.start(), sentence.offset + years.end())]
    return []


def _length_hit(sentence: Sentence, match: re.Match[str]) -> list[Hit]:
    band = _length_band(match)
    start = match.start("low")
    given = _GIVEN.search(sentence.masked[: match.end()]) and " ago" not in sentence.masked[match.start() : match.end() + 4]
    been = re.search(r"\bbeen\b", sentence.masked[: match.end()])
    unsure = contexts(sentence.masked, start, match.end("unit")) - {"past"}
    if band is None or unsure or (given and not been and band == "lt1m"):
        return []
    start, end = _trimmed(sentence.masked, *match.span())
    return [Hit("duration", band, sentence.offset + start, sentence.offset + end)]


_VAGUE: Final[Mapping[str, tuple[float, float]]] = {
    "a": (1, 1), "an": (1, 1), "a couple": (2, 2), "a couple of": (2, 2), "a few": (3, 5), "few": (3, 5), "many": (3, 50),
}  # fmt: skip


def _length_band(match: re.Match[str]) -> str | None:
    """Return the option for a length of time; None near the border of two."""
    low, high = _VAGUE.get(match["low"]) or (number(match["low"]), number(match["high"] or match["low"]))
    if low is None or high is None:
        return None
    days = _DAYS[match["unit"][0]]
    quality = match["quality"] or ""
    bands = {_band_of(low * days, quality), _band_of(high * days, quality)}
    return bands.pop() if len(bands) == 1 else None


_BORDERS: Final = ((28, 31), (88, 93), (350, 372))
"""Days on which "one month", "three months" and "a year" lie: there the wording decides, or nothing."""


def _band_of(days: float, quality: str) -> str | None:
    at = next((i for i, (low, high) in enumerate(_BORDERS) if low <= days <= high), None)
    bands = ("lt1m", "1to3m", "3to12m", "gt12m")
    below, above = re.search(r"under|less|almost|nearly|<", quality), re.search(r"\bover|more|>", quality)
    if at is not None:
        return bands[at] if below else bands[at + 1] if above else None
    if "at least" in quality or (below and "just under" not in quality and re.search("under|less|<", quality) and days > _BORDERS[0][1]):
        return None
    return bands[sum(days > high for _, high in _BORDERS)]


# --- a line each --------------------------------------------------------------------------------------


def read_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield one JSON object for each line ``{"text": ...}``; an unreadable line yields ``{"error": ...}``."""
    for line in lines:
        if line.strip():
            yield text_line(line, _shown)


def _shown(given: Mapping[str, Any]) -> Mapping[str, Any]:
    reading = read_narrative(given["text"])
    fields: Callable[[Suggestion], dict[str, Any]] = lambda s: {  # noqa: E731
        "question": s.question, "value": s.value, "words": s.words, "start": s.start, "end": s.end
    }  # fmt: skip
    return {"suggestions": [fields(s) for s in reading.suggestions], "asks": list(reading.asks)}
