"""The guard without a chat: one JSON object a line in, one a line out."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dialogs.identifiers.finding import Finding

_NO_JSON = "the line is not JSON: write one object a line"
_NO_OBJECT = 'the line is not an object: write {"text": "..."}'
_NO_TEXT = "field text is missing: add a string"
_NOT_STRING = "field text is not a string: put it in quotation marks"


def _read(line: str) -> str:
    """The text of a line; ValueError says what to do and repeats nothing of it."""
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(_NO_JSON) from None
    if not isinstance(value, dict):
        raise ValueError(_NO_OBJECT)  # noqa: TRY004
    if "text" not in value:
        raise ValueError(_NO_TEXT)
    if not isinstance(value["text"], str):
        raise ValueError(_NOT_STRING)  # noqa: TRY004
    return value["text"]


def _row(finding: Finding) -> dict[str, str | int]:
    return {"kind": finding.kind, "tier": finding.tier, "start": finding.start, "end": finding.end}


def answers(lines: Iterable[str], find: Callable[[str], Iterable[Finding]]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            continue
        try:
            yield json.dumps({"findings": [_row(finding) for finding in find(_read(line))]})
        except ValueError as error:
            yield json.dumps({"error": str(error)})
