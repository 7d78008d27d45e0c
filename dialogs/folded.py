"""Typed text made comparable, with the way back to every character of the original."""

import re
import unicodedata
from dataclasses import dataclass

from dialogs.glued import seams

_SIGNS = {
    "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": " - ", "‑": "-", "‐": "-", "−": "-",
    "×": "x", "⁄": "/", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "µ": "u", "μ": "u",
    "\t": " ", "\r": " ", "\u2028": "\n",
    "…": "...",
}  # fmt: skip
_LOOKALIKES = dict(zip("аеорсхуіАВЕКМНОРСТХІ", "aeopcxyiabekmhopctxi", strict=True))
"""Cyrillic letters that cannot be told from Latin ones, as pasted text sometimes has them."""
_WRAP = re.compile(r"(?<=[a-z0-9,])\n(?=[a-z])")


@dataclass(frozen=True, slots=True)
class Folded:
    """Lower-case text without marks, invisible signs and doubled spaces."""

    text: str
    places: tuple[int, ...] | range
    """For each character of ``text``, the code point of the original it came from."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where ``text[start:end]`` (not empty) stands in the original; end exclusive."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """Return ``text`` folded; a line that only wraps is joined with the one before."""
    if text.isascii() and "  " not in text and not re.search(r"[\t\r]", text):
        return _parted(Folded(_WRAP.sub(" ", text.lower()), range(len(text))))
    kept: list[tuple[str, int]] = []
    for place, sign in enumerate(text):
        for character in _plain(sign):
            if not (character == " " and kept and kept[-1][0] in " \n"):
                kept.append((character, place))
    joined = "".join(character for character, _ in kept)
    return _parted(Folded(_WRAP.sub(" ", joined), tuple(place for _, place in kept)))


def _parted(folded: Folded) -> Folded:
    """Return ``folded`` with a space wherever one is missing between amounts, times and names."""
    ends = seams(folded.text)
    if not ends:
        return folded
    text, places = folded.text, folded.places
    cuts = [*zip([0, *ends], [*ends, len(text)], strict=True)]
    return Folded(
        " ".join(text[a:b] for a, b in cuts),
        tuple(place for a, b in cuts for place in (*places[a:b], places[b - 1]))[:-1],
    )


def _plain(sign: str) -> str:
    """Return what one character stands for; nothing for one that cannot be seen."""
    if sign == "\n" or sign in _SIGNS:
        return _SIGNS.get(sign, sign)
    if sign in _LOOKALIKES:
        return _LOOKALIKES[sign]
    category = unicodedata.category(sign)
    if category in ("Cf", "Cc", "Mn", "Me", "Cs", "Co", "Cn"):
        return ""
    if category == "Zs":
        return " "
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    decomposed = unicodedata.normalize("NFKD", sign).lower()
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
