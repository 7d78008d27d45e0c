"""What typed words mean at a question: a word of the dialog, an answer, a likely one, or unclear.

Text never silently answers the next question: what is not exact is read back first.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dialogs.content import Option, Question

LIKELY = 84
"""Similarity (0 to 100, rapidfuzz) from which words are offered as "did you mean"."""

CLEARLY_AHEAD = 6
"""How much better than the next option the best must be; else nothing is offered."""

SHORTEST = 3
"""Characters from which words are compared with labels at all."""

LONGEST = 80
"""Characters of a typed answer; of longer texts only the exact words of an option are matched."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "back": ("back", "previous", "zurück", "atrás", "atras", "volver", "anterior"),
    "skip": ("skip", "next", "pass", "later", "saltar", "omitir"),
    "unknown": (
        "not known", "unknown", "don't know", "dont know", "do not know", "no idea", "unsure",
        "not sure", "idk", "unk", "no sé", "no se", "no se sabe",
    ),
    "why": ("why", "why do you ask", "por qué", "por que"),
    "repeat": ("repeat", "again", "repetir", "otra vez"),
    "cancel": ("cancel", "stop", "cancelar"),
    "help": ("help", "?", "??", "ayuda"),
    "done": ("done", "ready", "ok", "finished", "listo", "hecho"),
    "yes": ("yes", "y", "yep", "right", "correct", "sí", "si"),
    "no": ("no", "n", "nope", "wrong"),
    "summary": ("summary", "resumen"),
}  # fmt: skip
"""Words that work anywhere, in English and Spanish; an option of the question comes first."""

_BY_WORD = {word: name for name, words in WORDS.items() for word in words}
_NUMBER = re.compile(r"[0-9]{1,4}(?:[.,][0-9]{1,2})?")
_NAMED_AMOUNT = re.compile(
    r"([a-z ]{0,30})[ :=]*([-+]?[0-9][0-9.,e+-]*)"
    r"\s*(?:mgs?|milligrams?)?"
    r"\s*(?:(?:/|per|a|each|every)\s*(?:day|d|24 ?h)|daily|qd|od|once(?: a day| daily)?)?"
)
"""A number with its unit and with words before it: "methadone 80 mg a day"."""

_PLACES = re.compile(r"[0-9]{1,2}(?:\s*(?:,|and|y|&|\s)\s*[0-9]{1,2})*")
_PARTS = re.compile(r"\s*(?:,|;|\+|&|\band\b|\by\b)\s*")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the dialog, by its name in `WORDS`."""

    name: str


@dataclass(frozen=True, slots=True)
class Exact:
    """An answer that can be taken as it is."""

    value: Any


@dataclass(frozen=True, slots=True)
class Likely:
    """An answer to be confirmed first."""

    value: Any


@dataclass(frozen=True, slots=True)
class OutOfRange:
    """A number the question does not take."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nothing the question knows."""


Meaning: TypeAlias = Word | Exact | Likely | OutOfRange | Unclear


def plain(text: str) -> str:
    """Return ``text`` folded for comparing: case, accents of width, odd spaces and marks."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    kept = "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc") or c in "\n\t")
    return " ".join(kept.split()).strip(" .!¡¿\"'✓☑☐•·")


def word(text: str) -> str | None:
    """Return the name of the word of the dialog that ``text`` is, or None."""
    stripped = plain(text)
    return _BY_WORD.get(stripped) or _BY_WORD.get(stripped.rstrip("?"))


def meaning(text: str, question: Question) -> Meaning:
    """Return what ``text`` means at ``question``; doses are read elsewhere."""
    said = plain(text)
    if len(said) > LONGEST:
        return _exactly(said, question)
    if not said:
        return Unclear()
    if question.kind == "number":
        return _number(said, question) or _word(said)
    if question.kind == "multi":
        return _several(said, question)
    return _one(said, question.options) or _word_or_likely(said, question)


def _exactly(said: str, question: Question) -> Meaning:
    """Return the option whose words a long text is, whatever its length."""
    hit = _by_name(said, question.options)
    if not isinstance(hit, Exact):
        return Unclear()
    return Exact([hit.value]) if question.kind == "multi" else hit


def _word(said: str) -> Meaning:
    name = word(said)
    return Word(name) if name else Unclear()


def _number(said: str, question: Question) -> Meaning | None:
    digits = _amount(said, question)
    if not _NUMBER.fullmatch(digits):
        return OutOfRange() if re.fullmatch(r"[-+]?[0-9][0-9.,e+-]*", digits) else None
    value = float(digits.replace(",", "."))
    low, high = question.minimum or 0, question.maximum or float("inf")
    return (
        Exact(int(value) if value == int(value) else value)
        if low <= value <= high
        else OutOfRange()
    )


def _amount(said: str, question: Question) -> str:
    """Return the number of "methadone 80 mg a day", where only the question's own words stand before it."""
    match = _NAMED_AMOUNT.fullmatch(said)
    named = set(plain(question.short).split())
    return match[2] if match and set(match[1].split()) <= named else said


def _one(said: str, options: Sequence[Option]) -> Meaning | None:
    named = _by_name(said, options)
    if said.isascii() and said.isdigit():
        return _either(named, _by_place(int(said), options))
    return named


def _either(named: Meaning | None, placed: Meaning | None) -> Meaning | None:
    """Return the option that digits name, or stand for by their place; where they differ, a question."""
    if not isinstance(named, Exact):
        return placed
    same = not isinstance(placed, Exact) or placed.value == named.value
    return named if same else Likely(named.value)


def _by_name(said: str, options: Sequence[Option]) -> Meaning | None:
    hits = {option.id for option in options if said in _names(option)}
    return Exact(hits.pop()) if len(hits) == 1 else None


def _by_place(place: int, options: Sequence[Option]) -> Meaning | None:
    return Exact(options[place - 1].id) if 1 <= place <= len(options) else OutOfRange()


def _names(option: Option) -> set[str]:
    return {plain(name) for name in (option.label, option.button, option.id, *option.synonyms)}


def _word_or_likely(said: str, question: Question) -> Meaning:
    name = word(said)
    if name:
        return Word(name)
    found = _nearest(said, question.options)
    return Likely(found) if found else Unclear()


def _nearest(said: str, options: Iterable[Option]) -> str | None:
    """Return the one option that the words clearly come closest to, or None."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - taps need none of it: 3 MB

    names = [(name, option.id) for option in options for name in _names(option)]
    scored = process.extract(said, [name for name, _ in names], scorer=fuzz.WRatio, limit=None)
    best: dict[str, float] = {}
    for _, score, place in scored:
        owner = names[place][1]
        best[owner] = max(best.get(owner, 0), score)
    ranked = sorted(best.items(), key=lambda item: -item[1])
    if len(said) < SHORTEST or not ranked or ranked[0][1] < LIKELY:
        return None
    ahead = len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= CLEARLY_AHEAD
    return ranked[0][0] if ahead else None


def _several(said: str, question: Question) -> Meaning:
    """Return the marks of a multi-select; several may be typed with commas."""
    numbered = [option for option in question.options if option.id != "none"]
    whole = _by_name(said, question.options)
    if said.isascii() and said.isdigit():
        whole = _either(whole, _by_place(int(said), numbered))
    if isinstance(whole, Exact | Likely):
        return type(whole)([whole.value])
    if _PLACES.fullmatch(said):
        found = [_by_place(int(place), numbered) for place in re.findall(r"[0-9]+", said)]
        values = [hit.value for hit in found if isinstance(hit, Exact)]
        return Exact(list(dict.fromkeys(values))) if len(values) == len(found) else OutOfRange()
    name = word(said)
    if name:
        return Word(name)
    return _named(said, question)


def _named(said: str, question: Question) -> Meaning:
    values: list[str] = []
    exact = True
    for part in filter(None, _PARTS.split(said)):
        hit = _by_name(part, question.options)
        if not isinstance(hit, Exact):
            exact = False
        value = hit.value if isinstance(hit, Exact) else _nearest(part, question.options)
        if value is None:
            near = _nearest(said, question.options)
            return Likely([near]) if near else Unclear()
        values.append(value)
    chosen = list(dict.fromkeys(values))
    if "none" in chosen and len(chosen) > 1:
        return Unclear()
    return Exact(chosen) if exact else Likely(chosen)
