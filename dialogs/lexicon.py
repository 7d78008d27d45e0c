"""Names of medicines in a text: exact ones, and misspelled ones when one name is clearly meant."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import ahocorasick

from dialogs.patterns import packaged

LONG = 9
"""Letters from which a name may be misspelled in two places; shorter ones in one."""
FARTHEST = 3
"""Slips within which a second name makes a word doubtful."""
SHORTEST = 6
"""Letters of the shortest name that is looked for misspelled."""

NOT_MISSPELLED = frozenset(
    {"cocaine", "heroine", "hydrocodeine", "morphing", "operation", "procedure"}
)
"""Words that lie close to a name and are another word, or could be two names."""

_TABLETS = re.compile(r" ?(?:tab|cap|pill)")
_WORD = re.compile(r"[a-z]{5,}")


@dataclass(frozen=True, slots=True)
class Product:
    """What a name of a medicine stands for."""

    id: str
    option: str | None
    mat: str | None
    form: str | None
    strengths: tuple[float, ...]
    """Marketed amounts of the active opioid: mg, mcg/h for a patch, mcg where `micrograms`."""
    implied: float | None
    """The strength the name itself says, in mg."""
    combined: bool
    micrograms: bool
    partner: bool
    """Also the second part of a combination: acetaminophen, naloxone."""
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a folded text."""

    product: Product
    start: int
    end: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Spellings:
    """Names and, at the same places, what they stand for."""

    names: tuple[str, ...]
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    automaton: ahocorasick.Automaton
    spellings: dict[str, Spellings]
    """First letter -> the names long enough to be recognised misspelled."""


@cache
def lexicon() -> Lexicon:
    """Return the packaged names of medicines."""
    named = [(term, _product(p)) for p in packaged("lexicon")["product"] for term in p["terms"]]
    automaton = ahocorasick.Automaton()
    for term, product in named:
        for written in (term, term.replace(" ", "-")):
            automaton.add_word(written, (len(written), product))
    automaton.make_automaton()
    long = [(term, product) for term, product in named if len(term) >= SHORTEST and term.isalpha()]
    return Lexicon(
        automaton, {letter: _spellings(long, letter) for letter in {term[0] for term, _ in long}}
    )


def _spellings(named: Iterable[tuple[str, Product]], letter: str) -> Spellings:
    own = [(term, product) for term, product in named if term[0] == letter]
    return Spellings(tuple(term for term, _ in own), tuple(product for _, product in own))


def _product(raw: dict[str, object]) -> Product:
    values = {name: raw.get(name) for name in ("id", "option", "mat", "form", "implied")}
    flags = {name: bool(raw.get(name)) for name in ("combined", "micrograms", "partner")}
    lists = {name: tuple(raw.get(name) or ()) for name in ("strengths", "tags")}  # type: ignore[arg-type, var-annotated]
    return Product(**values, **flags, **lists)  # type: ignore[arg-type]


def mentions(text: str) -> tuple[Mention, ...]:
    """Return the medicines named in a folded text, in order, none inside another."""
    exact = _longest(_exact(text))
    covered = [(m.start, m.end) for m in exact]
    return tuple(sorted((*exact, *_misspelled(text, covered)), key=lambda m: m.start))


def _exact(text: str) -> Iterator[Mention]:
    for last, (length, product) in lexicon().automaton.iter(text):
        start, end = last + 1 - length, last + 1
        if _stands_alone(text, start, end) and not _counts_tablets(text, end):
            yield Mention(product, start, end, exact=True)


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isalnum():
        return False
    if after == "s" and not text[end + 1 : end + 2].isalnum():
        return True
    return not after.isalpha() and (not after.isdigit() or text[end - 1].isalpha())


def _counts_tablets(text: str, end: int) -> bool:
    """Tell "Tylenol 3 tabs", where the number may not belong to the name."""
    return text[end - 2] == " " and text[end - 1].isdigit() and bool(_TABLETS.match(text, end))


def _longest(found: Iterable[Mention]) -> tuple[Mention, ...]:
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start, -m.end)):
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return tuple(kept)


def _misspelled(text: str, covered: list[tuple[int, int]]) -> Iterator[Mention]:
    for word in _WORD.finditer(text):
        if any(start < word.end() and word.start() < end for start, end in covered):
            continue
        product = respelled(word.group())
        if product:
            yield Mention(product, word.start(), word.end(), exact=False)


def respelled(word: str) -> Product | None:
    """Return the one medicine that ``word`` misspells, or None when it is none or could be two."""
    if word in NOT_MISSPELLED:
        return None
    spellings = lexicon().spellings.get(word[0])
    if spellings is None:
        return None
    from rapidfuzz import process  # noqa: PLC0415 - taps need none of it: 3 MB
    from rapidfuzz.distance import OSA  # noqa: PLC0415

    found = process.extract(
        word, spellings.names, scorer=OSA.distance, score_cutoff=FARTHEST, limit=None
    )
    near = [(int(slips), spellings.products[place]) for _, slips, place in found]
    alike = [int(slips) for name, slips, _ in found if abs(len(name) - len(word)) <= 1]
    best = min(alike, default=FARTHEST)
    if best > (2 if len(word) >= LONG else 1):
        return None
    others = {product.id for slips, product in near if slips <= best + 1}
    return next(p for slips, p in near if slips == best) if len(others) == 1 else None
