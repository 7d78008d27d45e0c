"""The sentences of a case, with the medicines they name, and the facts found in them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dialogs.folded import Folded
from dialogs.patterns import finder
from dialogs.sig import N
from dialogs.stretches import Stretch, stretches_of

OPIOID, MAT, MEDICINE = "\ue000", "\ue001", "\ue002"
"""Signs that stand for a name of a medicine in the masked sentence, one for each of its characters."""

find: Final = finder(
    "narrative", N=N, OPIOID=OPIOID, MAT=MAT, MEDICINE=MEDICINE, NAME=rf"(?<!{OPIOID}){OPIOID}++"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One fact found, on the folded text."""

    question: str
    value: Any
    start: int
    end: int


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


def sentences(folded: Folded) -> tuple[Sentence, ...]:
    """Return the sentences of a text; a line and a semicolon end one too."""
    found: list[Sentence] = []
    begin = 0
    for end in [*(m.end() for m in find("end").finditer(folded.text)), len(folded.text)]:
        piece = folded.text[begin:end]
        lead = len(piece) - len(piece.lstrip())
        if piece.strip():
            found.append(_sentence(folded, begin + lead, end, found[-1].masked if found else ""))
        begin = end
    return tuple(found)


def heard(told: Sequence[Sentence], folded: Folded) -> tuple[Sentence, ...]:
    """Return the sentences without those under a heading of plans, past treatment, allergies or relatives."""
    kept: list[Sentence] = []
    silent, end = False, 0
    for sentence in told:
        heading = find("heading").match(sentence.text)
        if heading:
            silent = bool(find("silent").fullmatch(heading["title"]))
        elif "\n\n" in folded.text[end : sentence.offset] or find("speaking").match(sentence.text):
            silent = False
        if not silent or find("kept").search(sentence.text):
            kept.append(sentence)
        end = sentence.offset + len(sentence.text)
    return tuple(kept)


def _sentence(folded: Folded, begin: int, end: int, before: str) -> Sentence:
    text = folded.text[begin:end].rstrip()
    own = Folded(text, folded.places[begin : begin + len(text)])
    stretches = stretches_of(text)
    return Sentence(text, _masked(text, stretches), begin, own, stretches, before)


def _masked(text: str, stretches: Sequence[Stretch]) -> str:
    for stretch in stretches:
        start, end = stretch.name
        text = text[:start] + sign_of(stretch) * (end - start) + text[end:]
    return text


def sign_of(stretch: Stretch) -> str:
    product = stretch.product
    if (
        product.mat
        or product.id in ("methadone", "naltrexone")
        or (product.id == "buprenorphine" and not product.option)
    ):
        return MAT
    return OPIOID if product.option else MEDICINE


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " ,.;:-":
        start += 1
    while start < end and text[end - 1] in " ,.;:-":
        end -= 1
    return start, end


def means_opioid(sentence: Sentence, start: int) -> bool:
    """Tell whether "it" stands for an opioid: the last medicine named before it is one."""
    return last_named(sentence, start) == OPIOID


def last_named(sentence: Sentence, start: int) -> str | None:
    """Return the sign of the last medicine named before a place, in this sentence or the one before."""
    for said in (sentence.masked[:start], sentence.before):
        signs = re.findall(f"[{OPIOID}{MAT}{MEDICINE}]", said)
        if signs:
            return str(signs[-1])
    return None


def back(sentence: Sentence, start: int, end: int) -> tuple[int, int]:
    """Return a span of the original as a span of the sentence."""
    places = sentence.folded.places
    first = next(i for i, place in enumerate(places) if place >= start)
    last = max(i for i, place in enumerate(places) if place < end)
    return first, last + 1
