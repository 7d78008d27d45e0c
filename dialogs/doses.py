"""Doses of opioids for pain, their morphine milligram equivalents (MME), and the words for both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, Protocol, TypeAlias

from dialogs.phrases import Phrase, Translate

CDC_2022: Final[Mapping[str, float]] = {
    "codeine": 0.15, "fentanyl_td": 2.4, "hydrocodone": 1.0, "hydromorphone": 5.0, "methadone_pain": 4.7,
    "morphine": 1.0, "oxycodone": 1.5, "oxymorphone": 3.0, "tapentadol": 0.4, "tramadol": 0.2,
}  # fmt: skip
"""MME for a mg a day; for a fentanyl patch for a mcg/h. Source: CDC 2022 conversion table."""

NEVER_COUNTED: Final = ("none", "bup_pain")
"""No opioid, and buprenorphine of any kind: they add nothing to the MME."""

PATCH_INTERVAL_H: Final = 72
"""Hours after which a fentanyl patch is usually changed."""

ACETAMINOPHEN_CHECK_MG: Final = 3000
"""mg of acetaminophen a day above which a check is asked for. Source: CDC 2022, hepatotoxic above 3-4 g."""

MAT_NOTE: Final = Phrase(
    "MAT dose not counted: CDC's factors must not be applied to OUD treatment doses."
)
UP_TO_NOTE: Final = Phrase("Up to: the most a day, because a range or 'as needed' was entered.")
INTERVAL_NOTE: Final = Phrase("Fentanyl patch not changed every 72 h: check interval.")
ATYPICAL_NOTE: Final = Phrase(
    "Tramadol, tapentadol: it is not known whether overdose risk follows MME the same way."
)
METHADONE_NOTE: Final = Phrase(
    "Methadone for pain: long, variable half-life; late respiratory peak."
)
BUPRENORPHINE_NOTE: Final = Phrase("Buprenorphine for pain is never counted.")
NOT_IN_TABLE_NOTE: Final = Phrase("An opioid that is not in the CDC table: cannot calculate.")
ACETAMINOPHEN_NOTE: Final = Phrase("Acetaminophen may be over 3 g a day: check.")
ESTIMATE_NOTE: Final = Phrase("Estimate. Not for converting between opioids.")

NO_OPIOID: Final = Phrase("no opioid counted")
CANNOT: Final = Phrase("cannot calculate")
MME: Final = Phrase("{mme} MME/day")
UP_TO_MME: Final = Phrase("up to {mme} MME/day")

Form: TypeAlias = Literal["ir", "er", "patch"]


@dataclass(frozen=True, slots=True)
class Dose:
    """One entry of the opioid question; what was not said is None.

    ``strength`` is mg of the active opioid per dose, mcg/h for a patch; ``per_day`` the most doses in 24 h
    after any stated daily maximum; ``interval_h`` hours between changes of a patch.
    """

    drug: str
    strength: float | None = None
    per_day: float | None = None
    form: Form | None = None
    up_to: bool = False
    n_patches: int = 1
    interval_h: float | None = None

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> "Dose":
        return cls(**{name: value for name, value in entry.items() if value is not None})

    def as_mapping(self) -> dict[str, Any]:
        """Return the entry as the answers hold it: fields that were not said are absent."""
        values = {
            name: getattr(self, name)
            for name in ("drug", "form", "strength", "per_day", "interval_h")
        }
        given = {name: _short(value) for name, value in values.items() if value is not None}
        more = {"up_to": True} if self.up_to else {}
        return {**given, **more, **({"n_patches": self.n_patches} if self.n_patches > 1 else {})}


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def countable(dose: Dose, factors: Mapping[str, float] = CDC_2022) -> float | None:
    """Return the MME a day of one opioid: 0 when it is never counted, None when it cannot be calculated."""
    if dose.drug in NEVER_COUNTED:
        return 0.0
    if dose.drug not in factors or dose.strength is None:
        return None
    if dose.drug == "fentanyl_td":
        return dose.strength * factors[dose.drug] * dose.n_patches
    return None if dose.per_day is None else dose.strength * dose.per_day * factors[dose.drug]


def mme(doses: Iterable[Dose] | None, factors: Mapping[str, float] = CDC_2022) -> float | None:
    """Return the MME a day, to two decimals; None for no answer, or a dose that cannot be calculated."""
    if doses is None:
        return None
    counted = [countable(dose, factors) for dose in doses]
    known = [part for part in counted if part is not None]
    return round(sum(known), 2) if len(known) == len(counted) else None


def mme_at_least(
    doses: Iterable[Dose] | None, factors: Mapping[str, float] = CDC_2022
) -> float | None:
    """Return the part of the MME that can be calculated, to two decimals; None for no answer."""
    if doses is None:
        return None
    return round(sum(countable(dose, factors) or 0.0 for dose in doses), 2)


def mme_notes(
    doses: Sequence[Dose], *, mat: bool = False, acetaminophen_mg: float = 0
) -> tuple[str, ...]:
    """Return what must stand beside the MME of ``doses``.

    ``mat``: a MAT dose was mentioned and left out. ``acetaminophen_mg``: the most a day, 0 if not known.
    """
    drugs = {dose.drug for dose in doses}
    odd_patch = any(
        d.drug == "fentanyl_td" and d.interval_h not in (None, PATCH_INTERVAL_H) for d in doses
    )
    said = (
        (any(dose.up_to for dose in doses), UP_TO_NOTE),
        (mat, MAT_NOTE),
        (odd_patch, INTERVAL_NOTE),
        (bool(drugs & {"tramadol", "tapentadol"}), ATYPICAL_NOTE),
        ("methadone_pain" in drugs, METHADONE_NOTE),
        ("bup_pain" in drugs, BUPRENORPHINE_NOTE),
        ("other_opioid" in drugs, NOT_IN_TABLE_NOTE),
        (acetaminophen_mg > ACETAMINOPHEN_CHECK_MG, ACETAMINOPHEN_NOTE),
        (bool(drugs - {"none"}), ESTIMATE_NOTE),
    )
    return tuple(note for holds, note in said if holds)


def show_mme(value: float) -> str:
    """Return an amount with at most one decimal: 45.0 -> "45", 58.75 -> "58.8"."""
    return show_number(float(Decimal(str(value)).quantize(Decimal("0.1"), ROUND_HALF_UP)))


def show_number(value: float) -> str:
    return str(_short(float(value)))


def mme_line(doses: Sequence[Dose] | None, factors: Mapping[str, float] = CDC_2022) -> Phrase:
    """Return the MME in words: "45 MME/day", "up to 60 MME/day", never "0 MME"."""
    total = mme(doses, factors)
    if total is None:
        return CANNOT
    if total == 0:
        return NO_OPIOID
    up_to = any(d.up_to and countable(d, factors) for d in doses or ())
    return (UP_TO_MME if up_to else MME).format(mme=show_mme(total))


class _Scenario(Protocol):
    def question(self, question: str) -> Any: ...


def show_dose(entry: Mapping[str, Any] | Dose, scenario: _Scenario, t: Translate = str) -> str:
    """Return one entry of the opioid question as a clinician reads it: "Oxycodone ER 10 mg, 3 a day"."""
    dose = entry if isinstance(entry, Dose) else Dose.from_mapping(entry)
    label: str = scenario.question("opioid").by_id[dose.drug].label
    name = label.removesuffix(" (mcg/h)")
    form = f" {dose.form.upper()}" if dose.form in ("ir", "er") else ""
    told = [f"{name}{form}{_show_strength(dose, t)}", _show_times(dose, t)]
    return ", ".join(part for part in told if part)


def _show_strength(dose: Dose, t: Translate) -> str:
    if dose.strength is None:
        return ""
    patch = dose.form == "patch" or dose.drug == "fentanyl_td"
    worn = f" {t('x {count} patches').format(count=dose.n_patches)}" if dose.n_patches > 1 else ""
    return f" {show_number(dose.strength)} {'mcg/h' if patch else 'mg'}{worn}"


def _show_times(dose: Dose, t: Translate) -> str:
    if dose.interval_h is not None:
        return t("changed every {hours} h").format(hours=show_number(dose.interval_h))
    if dose.per_day is None:
        return t("as needed") if dose.up_to else ""
    times = t("up to {count} a day") if dose.up_to else t("{count} a day")
    return times.format(count=show_number(dose.per_day))
