"""Answers: what may be given to each question, and the check of what comes from outside.

A choice is an option's id, a multi-select a list of ids, a number a number, a dose question a list
of objects. ``"unk"`` is *not known* (somebody looked); None is *skipped*; no key is *not asked*.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from dialogs.content import Question, Scenario
from dialogs.errors import InvalidAnswer

NOT_KNOWN: Final = "unk"
SKIPPED: Final = None
NONE: Final = "none"
"""The option that excludes all others of its question."""

Value: TypeAlias = str | float | list[str] | list[dict[str, Any]] | None
Answers: TypeAlias = Mapping[str, Any]

FORMS: Final = ("ir", "er", "patch")
ID = re.compile(r"[a-z][a-z0-9_]{0,31}")

LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "strength": (0, 1000),
    "per_day": (0, 48),
    "n_patches": (0, 20),
    "interval_h": (0, 336),
}
"""Field of a dose -> (more than, at most): mg or mcg/h, doses in 24 h, patches, hours."""

DOSE_FIELDS: Final = ("drug", "strength", "per_day", "form", "up_to", "n_patches", "interval_h")


def is_given(value: Any) -> bool:
    """Tell an answer from *skipped* and *not known*."""
    if value is None or value == NOT_KNOWN:
        return False
    return isinstance(value, str | int | float) or (len(value) > 0 and list(value) != [NOT_KNOWN])


def check_answers(raw: Any, scenario: Scenario) -> dict[str, Any]:
    """Return the answers in their one shape, or raise InvalidAnswer.

    ``[]`` and null become None (skipped), ``["unk"]`` becomes ``"unk"``; where a question has no
    "not known", that is skipped too. The message of the error never repeats a value.
    """
    if not isinstance(raw, Mapping):
        raise InvalidAnswer("answers", "one object: question id -> answer")
    known = {question.id for question in scenario.questions}
    for name in raw:
        if name not in known:
            raise InvalidAnswer(_shown(name), "one of " + ", ".join(sorted(known)))
    return {q.id: _checked(raw[q.id], q) for q in scenario.questions if q.id in raw}


def _shown(name: Any) -> str:
    """Repeat an id, so that the mistake is found; anything else might be somebody's words."""
    return name if isinstance(name, str) and ID.fullmatch(name) else "unknown field"


def _checked(value: Any, question: Question) -> Value:
    if value is None or (isinstance(value, list | tuple) and not value):
        return SKIPPED
    listed = (
        isinstance(value, list | tuple) and len(value) == 1 and question.kind in ("multi", "dose")
    )
    if value == NOT_KNOWN or (listed and value[0] == NOT_KNOWN):
        return NOT_KNOWN if question.allows_unknown else SKIPPED
    match question.kind:
        case "choice":
            return _choice(value, question)
        case "multi":
            return _multi(value, question)
        case "number":
            return _number(
                question.id, value, (question.minimum or 0, question.maximum or math.inf)
            )
        case _:
            return _doses(value, question)


def _choice(value: Any, question: Question) -> str:
    if isinstance(value, str) and value in question.by_id:
        return value
    raise InvalidAnswer(question.id, "one of " + _options(question))


def _options(question: Question) -> str:
    unknown = (NOT_KNOWN,) if question.allows_unknown else ()
    return ", ".join((*question.by_id, *unknown))


def _multi(value: Any, question: Question) -> list[str]:
    known = question.by_id
    if not isinstance(value, list | tuple) or not all(
        isinstance(v, str) and v in known for v in value
    ):
        raise InvalidAnswer(question.id, "a list of " + _options(question))
    chosen = list(dict.fromkeys(value))
    if NONE in chosen and len(chosen) > 1:
        raise InvalidAnswer(question.id, f"{NONE!r} alone, or others without it")
    return chosen


def _number(field: str, value: Any, bounds: tuple[float, float]) -> float:
    low, high = bounds
    if not _is_number(value) or not low <= value <= high:
        raise InvalidAnswer(field, f"a number from {low:g} to {high:g}, or {NOT_KNOWN}")
    return float(value) if isinstance(value, float) else int(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _doses(value: Any, question: Question) -> list[dict[str, Any]]:
    if not isinstance(value, list | tuple):
        raise InvalidAnswer(question.id, f"a list of objects with {', '.join(DOSE_FIELDS)}")
    entries = [_dose(entry, f"{question.id}[{i}]", question) for i, entry in enumerate(value)]
    if len(entries) > 1 and any(entry["drug"] == NONE for entry in entries):
        raise InvalidAnswer(question.id, f"{NONE!r} alone, or others without it")
    return entries


def _dose(entry: Any, field: str, question: Question) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or not set(entry) <= set(DOSE_FIELDS):
        raise InvalidAnswer(field, f"an object with {', '.join(DOSE_FIELDS)}")
    drug = entry.get("drug")
    if not isinstance(drug, str) or drug not in question.by_id:
        raise InvalidAnswer(f"{field}.drug", "one of " + ", ".join(question.by_id))
    given = {name: value for name, value in entry.items() if value is not None}
    return {name: _dose_field(name, value, f"{field}.{name}") for name, value in given.items()}


def _dose_field(name: str, value: Any, field: str) -> Any:
    if name == "drug":
        return value
    if name == "form":
        if not isinstance(value, str) or value not in FORMS:
            raise InvalidAnswer(field, "one of " + ", ".join(FORMS))
        return value
    if name == "up_to":
        if not isinstance(value, bool):
            raise InvalidAnswer(field, "true or false")
        return value
    return _amount(name, value, field)


def _amount(name: str, value: Any, field: str) -> float:
    above, most = LIMITS[name]
    whole = name != "n_patches" or (_is_number(value) and value == int(value))
    if not _is_number(value) or not above < value <= most or not whole:
        kind = "a whole number" if name == "n_patches" else "a number"
        raise InvalidAnswer(field, f"{kind} above {above:g} and at most {most:g}")
    return float(value) if isinstance(value, float) else int(value)
