"""A case told in plain words: the answers it surely contains, each with the words it came from.

Nothing here fills anything in: every suggestion waits for a tap. A wrong suggestion is worse than none,
so a fact that is negated, past, planned, somebody else's or unsure is left to be asked.
Safety red flags and the role are always asked, never suggested.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import ahocorasick

from dialogs.contexts import Context, contexts, days_ago
from dialogs.dosing import LONGEST, text_line
from dialogs.folded import Folded, fold
from dialogs.lengths import ages, durations, ecgs, physical_therapy
from dialogs.medicines import of_medicines
from dialogs.patterns import filled, packaged
from dialogs.told import (
    MAT,
    MEDICINE,
    OPIOID,
    Hit,
    Sentence,
    find,
    heard,
    last_named,
    means_opioid,
    sentences,
    trimmed,
)

FAST_PATH: Final = (
    "safety_now",
    "setting",
    "mat",
    "reason",
    "opioid",
    "duration",
    "endplan",
    "monitoring",
)
"""What must be known for a first step; asked when the text does not say it."""

MULTI: Final = frozenset({"monitoring", "signals", "cns", "risk", "nonopioid"})


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
class Rule:
    question: str
    value: str
    keys: tuple[str, ...]
    find: tuple[str, ...]
    """Patterns; compiled when first called for."""
    allow: frozenset[Context]
    within: int | None
    """Days; an older event, or one of an unknown year, is not offered."""
    dated: bool
    masked: bool


# --- rules --------------------------------------------------------------------------------------------


@cache
def rules() -> tuple[Rule, ...]:
    """Return the packaged patterns."""
    raw = packaged("narrative")
    own = find("own").pattern
    macros = {
        "OWN": own,
        "O": rf"(?:{own}|(?:it|them)\b)",
        "MAT": rf"(?:(?:the|his|her|their) )?{MAT}+(?:/{MAT}+)?",
        "MED": f"{MEDICINE}+",
        **raw["macros"],
    }
    return tuple(_rule(entry, macros) for entry in raw["rule"])


def _rule(entry: Mapping[str, Any], macros: Mapping[str, str]) -> Rule:
    return Rule(
        entry["question"],
        entry["value"],
        tuple(entry["keys"]),
        tuple(filled(pattern, macros) for pattern in entry["find"]),
        frozenset(entry.get("allow", ())),
        entry.get("within"),
        entry.get("dated", False),
        entry.get("masked", True),
    )


def read_narrative(text: str) -> Reading:
    """Return the answers a narrative suggests, and the fast-path questions it leaves open."""
    folded = fold(text[:LONGEST])
    told = heard(sentences(folded), folded)
    hits = [hit for sentence in told for hit in _of_rules(sentence)]
    hits += of_medicines(told)
    hits += [
        hit
        for sentence in told
        for hit in (*ecgs(sentence), *ages(sentence), *physical_therapy(sentence, text))
    ]
    opioids = [hit for hit in hits if hit.question == "opioid"]
    hits += durations(told, opioids)
    hits = [
        hit
        for hit in hits
        if hit.value != "none" or hit.question != "endplan" or not _tapering(told)
    ]
    agreed = _agreed(hits)
    suggestions = tuple(
        _suggested(text, folded, question, found) for question, found in agreed.items()
    )
    given = {s.question for s in suggestions}
    asks = tuple(q for q in FAST_PATH if q not in given)
    return Reading(tuple(sorted(suggestions, key=lambda s: (s.start, s.end))), asks)


def _tapering(told: Sequence[Sentence]) -> bool:
    """Tell whether a taper goes on or is planned, so that "no end date" is not "open-ended"."""
    found = (
        (sentence, match)
        for sentence in told
        for match in find("tapering").finditer(sentence.masked)
    )
    return any(
        "negated" not in contexts(sentence.masked, *match.span()) for sentence, match in found
    )


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
    return {
        q: kept for q, found in by_question.items() if (kept := _settled(q, found, by_question))
    }


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
    """Return the hits another one does not explain: a flare is of a lasting pain, an intent has no date."""
    values = {hit.value for hit in hits}
    for first, explained in _EXPLAINS.get(question, ()):
        if first in values:
            hits = [hit for hit in hits if hit.value not in explained]
    return hits


_EXPLAINS: Final[Mapping[str, tuple[tuple[str, frozenset[str]], ...]]] = {
    "reason": (("flare", frozenset({"chronic_back", "chronic_neuro", "chronic_other", "periop"})),),
    "endplan": (("intent", frozenset({"none"})),),
    "setting": (
        ("resid", frozenset({"inpt", "otp", "obot"})),
        ("corr", frozenset({"otp", "obot"})),
        ("inpt", frozenset({"otp"})),
        ("ed", frozenset({"otp"})),
    ),
    "mat_status": (("missed", frozenset({"stable_th", "stable_obs"})),),
}


def _one_each(hits: Sequence[Hit]) -> list[Hit]:
    first: dict[Any, Hit] = {}
    for hit in sorted(hits, key=lambda h: h.start):
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
    agreed = {
        name: value for name, value in both.items() if one.get(name, value) == two.get(name, value)
    }
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


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matched(sentence: Sentence, rule: Rule, body: str) -> Iterator[Hit]:
    for pattern in rule.find:
        for match in _compiled(pattern).finditer(body):
            start, end = trimmed(body, *match.span())
            if start < end and _holds(sentence, rule, start, end):
                yield Hit(rule.question, rule.value, sentence.offset + start, sentence.offset + end)
                return


def _holds(sentence: Sentence, rule: Rule, start: int, end: int) -> bool:
    certain = not contexts(sentence.masked, start, end) - rule.allow
    return certain and _meant(sentence, rule, start, end) and _timely(sentence, rule, start, end)


def _meant(sentence: Sentence, rule: Rule, start: int, end: int) -> bool:
    """Tell whether the words are about the client, and "it" and an end about the opioid."""
    if "other" not in rule.allow and find("relative").match(sentence.masked[start:end]):
        return False
    if rule.question == "setting" and _not_there(sentence, start, rule):
        return False
    if rule.question == "endplan" and not _of_the_opioid(sentence, rule, start, end):
        return False
    if rule.value == "tox_absent" and "fent" in sentence.text[start:end]:
        return False
    it = re.search(r"\b(?:it|them)$", sentence.masked[start:end])
    return not it or means_opioid(sentence, start)


def _timely(sentence: Sentence, rule: Rule, start: int, end: int) -> bool:
    """Tell whether an event is recent enough for its rule."""
    if rule.within is None:
        return True
    ago = days_ago(_told_with(sentence, rule, end), start, end)
    if ago is None:
        return not rule.dated and not find("undated").search(sentence.masked)
    urgent = rule.value == "od_12m" and ago <= 1
    return ago <= rule.within and not urgent


def _not_there(sentence: Sentence, start: int, rule: Rule) -> bool:
    """Tell a place that was left, or where the client works or visits somebody."""
    left = rule.within is not None and find("left").search(sentence.masked)
    return bool(left or find("elsewhere").search(sentence.masked[:start]))


def _told_with(sentence: Sentence, rule: Rule, end: int) -> str:
    """Return the words whose time is that of the event: after a place only those up to a comma."""
    comma = sentence.masked.find(",", end) if rule.question == "setting" else -1
    return sentence.masked[:comma] if comma >= 0 else sentence.masked


def _of_the_opioid(sentence: Sentence, rule: Rule, start: int, end: int) -> bool:
    """Tell whether an end can be that of the opioid: a date is of the medicine named last before it."""
    if rule.value == "dated":
        return last_named(sentence, end) in (OPIOID, None)
    return MAT not in sentence.masked or OPIOID in sentence.masked


# --- a line each --------------------------------------------------------------------------------------


def read_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield one JSON object for each line ``{"text": ...}``; an unreadable line yields ``{"error": ...}``."""
    for line in lines:
        if line.strip():
            yield text_line(line, _shown)


def _shown(given: Mapping[str, Any]) -> Mapping[str, Any]:
    reading = read_narrative(given["text"])
    return {
        "suggestions": [asdict(found) for found in reading.suggestions],
        "asks": list(reading.asks),
    }
