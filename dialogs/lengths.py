"""The numbers of a case: QTc, age, and how long the opioid has been taken."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from dialogs.contexts import contexts, days_ago
from dialogs.sig import number
from dialogs.told import Hit, Sentence, back, find, means_opioid, trimmed


def ecgs(sentence: Sentence) -> Iterator[Hit]:
    """Yield the band of a QTc; of several in one sentence only when all lie in the same."""
    found = list(find("qtc").finditer(sentence.text)) if "qtc" in sentence.text else []
    bands = {_band(m["sign"], int(m["ms"])) for m in found}
    ago = days_ago(sentence.masked, *found[0].span()) if found else None
    old = (ago or 0) > 365 or re.search(r"\b(?:19|20)\d\d\b", sentence.text)  # noqa: PLR2004
    if (
        found
        and len(bands) == 1
        and None not in bands
        and not old
        and not any(find("earlier").match(sentence.text[m.end() :]) for m in found)
        and not contexts(sentence.masked, *found[0].span())
    ):
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


_YEARS_OLD = re.compile(r"[- ]old\b|y/?o\b|^\d\d|\baged? ")


def ages(sentence: Sentence) -> Iterator[Hit]:
    if not _YEARS_OLD.search(sentence.text):
        return
    for match in find("age").finditer(sentence.text):
        years = number(match["age"] or match["short"] or match["aged"])
        other = contexts(sentence.masked, *match.span()) - {"past"} or _of_another(
            sentence.text[match.end() : match.end() + 24]
        )
        if years is not None and 65 <= years <= 110 and not other:  # noqa: PLR2004
            yield Hit(
                "risk", "age65", sentence.offset + match.start(), sentence.offset + match.end()
            )


def _of_another(after: str) -> bool:
    return bool(find("relative").match(after))


def physical_therapy(sentence: Sentence, text: str) -> Iterator[Hit]:
    """Yield physical therapy written "PT"; in small letters it would be the patient."""
    start, end = sentence.folded.span(0, len(sentence.text))
    match = find("pt").search(text, start, end)
    if match is None:
        return
    first, last = back(sentence, text.index("PT", match.start()), match.end())
    if not contexts(sentence.masked, first, last):
        yield Hit("nonopioid", "exercise", sentence.offset + first, sentence.offset + last)


# --- duration -----------------------------------------------------------------------------------------

_DAYS: Final[Mapping[str, float]] = {"d": 1, "w": 7, "m": 30.4, "y": 365.25}
_LASTING = tuple(f"lasting_{place}" for place in range(1, 9))
"""Patterns of a stretch of time that belongs to the opioid before or after it."""


def durations(told: Sequence[Sentence], opioids: Sequence[Hit]) -> list[Hit]:
    """Return how long the opioid has been taken, where a stretch of time surely belongs to it."""
    hits: list[Hit] = []
    for sentence in told:
        own = [
            h
            for h in opioids
            if sentence.offset <= h.start < sentence.offset + len(sentence.text)
            and h.value["drug"] != "none"
        ]
        if own:
            hits += _lasting(sentence)
        elif means_opioid(sentence, 0) and (match := find("again").search(sentence.masked)):
            hits += _length_hit(sentence, match)
    return hits


def _lasting(sentence: Sentence) -> list[Hit]:
    if since := find("since_year").search(sentence.masked):
        return _since_hit(sentence, since)
    if not find("lengths").search(sentence.text):
        return []
    for name in _LASTING:
        for match in find(name).finditer(sentence.masked):
            if hits := _length_hit(sentence, match):
                return hits
    years = find("years").search(sentence.masked)
    if years and not contexts(sentence.masked, years.end() - 5, years.end()) - {"past"}:
        return [
            Hit("duration", "gt12m", sentence.offset + years.start(), sentence.offset + years.end())
        ]
    return []


def _since_hit(sentence: Sentence, match: re.Match[str]) -> list[Hit]:
    """Return more than a year for "since 2019": the years listed lie behind any day this can be read on."""
    if contexts(sentence.masked, match.start("since"), match.end()) - {"past"}:
        return []
    return [
        Hit("duration", "gt12m", sentence.offset + match.start(), sentence.offset + match.end())
    ]


def _length_hit(sentence: Sentence, match: re.Match[str]) -> list[Hit]:
    band = _length_band(match)
    start = match.start("low")
    course = band == "lt1m" and re.search(
        r"\bx ?[^ ]+ ?d", sentence.masked[match.start() : match.end()]
    )
    given = course or (
        find("given").search(sentence.masked[: match.end()])
        and " ago" not in sentence.masked[match.start() : match.end() + 4]
    )
    been = re.search(r"\bbeen\b", sentence.masked[: match.end()])
    unsure = contexts(sentence.masked, start, match.end("unit")) - {"past"}
    if band is None or unsure or (given and not been and band == "lt1m"):
        return []
    start, end = trimmed(sentence.masked, *match.span())
    return [Hit("duration", band, sentence.offset + start, sentence.offset + end)]


_VAGUE: Final[Mapping[str, tuple[float, float]]] = {
    "a": (1, 1), "an": (1, 1), "a couple": (2, 2), "a couple of": (2, 2), "a few": (3, 5),
    "few": (3, 5), "many": (3, 50),
}  # fmt: skip


def _length_band(match: re.Match[str]) -> str | None:
    """Return the option for a length of time; None near the border of two."""
    low, high = _VAGUE.get(match["low"]) or (
        number(match["low"]),
        number(match["high"] or match["low"]),
    )
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
    below, above = (
        re.search(r"under|less|almost|nearly|<", quality),
        re.search(r"\bover|more|>", quality),
    )
    if at is not None:
        return bands[at] if below else bands[at + 1] if above else None
    if "at least" in quality or (
        below
        and "just under" not in quality
        and re.search("under|less|<", quality)
        and days > _BORDERS[0][1]
    ):
        return None
    return bands[sum(days > high for _, high in _BORDERS)]
