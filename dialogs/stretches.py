"""A text of prescriptions divided among the medicines it names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dialogs.lexicon import Mention, Product, mentions
from dialogs.patterns import finder

find: Final = finder("dosing")

_UNNAMED_OPIOID: Final = Product(
    id="unnamed",
    option="other_opioid",
    mat=None,
    form=None,
    strengths=(),
    implied=None,
    combined=False,
    micrograms=False,
    partner=False,
    tags=(),
)
_SENTENCE_END = re.compile(r"\n|(?<!\.[a-z])\.(?= )")
"""Not the last stop of "t.i.d."."""
_JOINED_CLOSELY = re.compile(r" ?\(? ?(?:/|-|with|w/) ?")
_JOINED = re.compile(r" ?\(? ?(?:/|-|with|w/|and|\+)? ?")
_PAIR_FOLLOWS = re.compile(r"\)?(?: [a-z]{2,7})? ?\d+(?:\.\d+)?(?: ?mg)?[-/]\d{3}")


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


def stretches_of(text: str, drug: str | None = None) -> tuple[Stretch, ...]:
    """Return the text divided among the medicines it names, or given whole to the chosen one."""
    named = _named(text)
    if drug and not any(
        s.product.option or s.product.id in ("methadone", "buprenorphine", "fentanyl")
        for s in named
    ):
        first = min((_leading(text, s, 0)[0] for s in named), default=len(text))
        own = (_chosen(drug, first),) if text[:first].strip() else ()
        return (*own, *_divided(text, named, first))
    return _divided(text, named, 0)


def _chosen(drug: str, end: int) -> Stretch:
    return Stretch(replace(_UNNAMED_OPIOID, id=drug, option=drug), 0, end, (0, 0), chosen=True)


def _named(text: str) -> list[Stretch]:
    """Return the medicines named, brand and generic of one taken together, partners joined to theirs."""
    found: list[Stretch] = []
    for mention in mentions(text):
        last = found[-1] if found else None
        if last and _is_partner(text, last, mention):
            found[-1] = replace(
                last, end=mention.end, name=(last.name[0], mention.end), partner=True
            )
        elif last and _is_same(text, last, mention):
            found[-1] = replace(
                last,
                product=_merged(last.product, mention.product),
                end=mention.end,
                name=(last.name[0], mention.end),
            )
        elif last and last.product.partner and _precedes(text, last, mention):
            found[-1] = Stretch(
                mention.product, last.start, mention.end, (last.name[0], mention.end), partner=True
            )
        else:
            name = (mention.start, mention.end)
            found.append(Stretch(mention.product, *name, name, exact=mention.exact))
    return sorted((*found, *_unnamed(text)), key=lambda s: s.start)


def _is_partner(text: str, last: Stretch, mention: Mention) -> bool:
    if (
        not mention.product.partner
        or last.product.partner
        or not (last.product.option or last.product.id == "buprenorphine")
    ):
        return False
    joined = _JOINED if _PAIR_FOLLOWS.match(text, mention.end) else _JOINED_CLOSELY
    return bool(joined.fullmatch(text, last.end, mention.start))


def _precedes(text: str, last: Stretch, mention: Mention) -> bool:
    joined = re.fullmatch(r" ?(?:/|-|with|w/) ?", text[last.end : mention.start])
    return bool(joined and mention.product.option)


def _is_same(text: str, last: Stretch, mention: Mention) -> bool:
    return mention.product.id == last.product.id and bool(
        find("links").fullmatch(text, last.end, mention.start)
    )


def _merged(first: Product, second: Product) -> Product:
    """Return the more telling of two names of one medicine: the brand."""
    return second if second.form or second.combined or (second.mat and not first.form) else first


def _unnamed(text: str) -> Iterator[Stretch]:
    """Yield the opioids without a name: "a prescribed opioid"."""
    for match in find("unnamed").finditer(text):
        yield Stretch(_UNNAMED_OPIOID, *match.span(), match.span())


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
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, begin)]
    return ends[-1] if ends else 0


def _leading(text: str, stretch: Stretch, floor: int) -> tuple[int, bool]:
    """Return where the words that belong to a medicine but stand before it begin."""
    begin = stretch.name[0]
    window = text[max(floor, begin - 60) : begin]
    found = find("leading").search(window)
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
