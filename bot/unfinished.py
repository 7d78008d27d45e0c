"""Words of a dose that wait for what was asked about them: kept, and joined with the answer."""

from dialogs.dosing import DoseReading, read_dose
from dialogs.model import Consult, Event, ReadBack
from dialogs.regimen import DRUGS

MOST = 300
"""Characters that are kept; a dose takes fewer."""


def read(words: str, kept: str, drug: str | None) -> tuple[str, DoseReading]:
    """Return what was read and from which words: new ones alone, or joined with those kept."""
    alone = read_dose(words, drug)
    if not kept or (_settled(alone) and _fields(alone)):
        return words, alone
    tries = [(text, read_dose(text, drug)) for text in _joined(words, kept)]
    tries += [(f"{kept} {words}", read_dose(words, named)) for named in _drugs(kept, drug)]
    best = max(tries, key=lambda tried: _worth(tried[1]))
    return best if _worth(best[1]) >= _worth(alone) else (words, alone)


def _joined(words: str, kept: str) -> tuple[str, ...]:
    return tuple(
        text[:MOST] for text in (f"{kept} {words}", f"{kept} for {words}", f"{words} {kept}")
    )


def _drugs(kept: str, drug: str | None) -> set[str]:
    """Return the one drug that the kept words name, if it is one."""
    named = {entry.dose.drug for entry in read_dose(kept, drug).entries} & set(DRUGS)
    return named if len(named) == 1 else set()


def _fields(reading: DoseReading) -> int:
    return sum(len(entry.dose.as_mapping()) - 1 for entry in reading.entries)


def _settled(reading: DoseReading) -> bool:
    return not reading.ask and bool(reading.entries or reading.notes)


def _worth(reading: DoseReading) -> tuple[bool, int, int]:
    return _settled(reading), _fields(reading), -len(reading.ask)


def with_drug(kept: str, question: str, drug: str) -> Event | None:
    """Return the dose that the kept words are of this drug, to be read back; None where they are none."""
    if not kept or drug not in DRUGS:
        return None
    reading = read_dose(kept, drug)
    entries = tuple(entry.dose.as_mapping() for entry in reading.entries)
    return ReadBack(question, entries) if _fields(reading) and len(entries) == 1 else None


def confirmed(consult: Consult) -> Event | None:
    """Return the kept dose of a drug that was guessed and is right, to be read back; else None."""
    value = (consult.draft.guess or {}).get("value")
    if consult.draft.reading or not isinstance(value, list) or not isinstance(value[0], dict):
        return None
    return with_drug(consult.draft.said, "opioid", str(value[0]["drug"]))
