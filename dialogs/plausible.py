"""Amounts of an opioid that are asked about, because nobody is likely to take so little or so much.

They are no limits of a dose and no advice: outside them a slip of the pen or of the reader is the more
likely explanation. They lie well below and above what is marketed, and what is entered by taps or read
by the evaluation is bounded by the content alone (`dose_fields`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from dialogs.doses import Dose, countable, show_number
from dialogs.phrases import Phrase

MG_AT_ONCE: Final[Mapping[str, tuple[float, float]]] = {
    "oxycodone": (0.5, 240),
    "hydrocodone": (0.5, 240),
    "hydromorphone": (0.1, 64),
    "morphine": (0.5, 400),
    "oxymorphone": (0.5, 120),
    "codeine": (1, 240),
    "tramadol": (5, 400),
    "tapentadol": (5, 500),
    "methadone_pain": (0.5, 100),
    "bup_pain": (0.02, 4),
    "other_opioid": (0.001, 1000),
}
"""The least and the most mg of one dose."""
MG_A_DAY: Final[Mapping[str, float]] = {
    "oxycodone": 640, "hydrocodone": 480, "hydromorphone": 192, "morphine": 960, "oxymorphone": 320,
    "codeine": 720, "tramadol": 800, "tapentadol": 1000, "methadone_pain": 200, "bup_pain": 8,
    "other_opioid": 4000,
}  # fmt: skip
"""The most mg a day, told as doses or as the amount of a day."""
MCG_AN_HOUR: Final[Mapping[str, tuple[float, float]]] = {
    "fentanyl_td": (6, 300),
    "bup_pain": (2.5, 140),
}
"""The least and the most of one patch."""
MCG_AN_HOUR_WORN: Final = 400
PATCHES_WORN: Final = 6
TIMES_A_DAY: Final = 12
"""Doses of a known amount; without one every hour may still be an infusion, or a slip to be asked with it."""
HOURLY: Final = 24
MME_A_DAY: Final = 1000

ASK_AMOUNT: Final = Phrase(
    "{drug}: {read} a dose was read, which is unlikely: how much is one dose?"
)
ASK_OFTEN: Final = Phrase(
    "{drug}: {read} a day was read, which is unlikely: how many times in 24 hours?"
)
ASK_DAY: Final = Phrase(
    "{drug}: {read} was read, which is unlikely: how much, and how many times in 24 hours?"
)


def _digits(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".") if value < 1 else show_number(value)


def likely(dose: Dose, name: str, *, daily: bool = False) -> tuple[Dose, tuple[str, ...]]:
    """Return the dose without the numbers that are not likely, and what is asked for them.

    ``name`` is what the drug is called in the question; ``daily``: the strength is the amount of a day.
    """
    if dose.form == "patch" and dose.drug in MCG_AN_HOUR:
        return _patch(dose, name)
    asks: list[str] = []
    kept = dose
    least, most = MG_AT_ONCE.get(dose.drug, (0, 1000))
    most = MG_A_DAY.get(dose.drug, most) if daily else most
    if dose.strength is not None and not least <= dose.strength <= most:
        asks.append(ASK_AMOUNT.format(drug=name, read=f"{_digits(dose.strength)} mg"))
        kept = replace(kept, strength=None)
    if dose.per_day is not None and dose.per_day > _most_times(dose):
        asks.append(ASK_OFTEN.format(drug=name, read=f"{show_number(dose.per_day)} x"))
        kept = replace(kept, per_day=None)
    if not asks and _much(dose):
        read = f"{show_number(dose.strength or 0)} mg x {show_number(dose.per_day or 0)}"
        return replace(kept, strength=None, per_day=None), (ASK_DAY.format(drug=name, read=read),)
    return kept, tuple(asks)


def _most_times(dose: Dose) -> float:
    return HOURLY if dose.strength is None else TIMES_A_DAY


def _much(dose: Dose) -> bool:
    if dose.strength is None or dose.per_day is None:
        return False
    a_day = dose.strength * dose.per_day
    return a_day > MG_A_DAY.get(dose.drug, a_day) or (countable(dose) or 0) > MME_A_DAY


def _patch(dose: Dose, name: str) -> tuple[Dose, tuple[str, ...]]:
    least, most = MCG_AN_HOUR[dose.drug]
    rate = dose.strength
    if rate is None:
        return dose, ()
    few = dose.n_patches <= PATCHES_WORN and rate * dose.n_patches <= MCG_AN_HOUR_WORN
    if least <= rate <= most and few:
        return dose, ()
    worn = f" x {dose.n_patches}" if dose.n_patches > 1 else ""
    read = f"{_digits(rate)} mcg/h{worn}"
    return replace(dose, strength=None), (ASK_AMOUNT.format(drug=name, read=read),)
