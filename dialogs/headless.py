"""The engine without a chat: one JSON object of answers a line in, one JSON object a line out."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from dialogs.answers import check_answers
from dialogs.content import Scenario, load_scenario
from dialogs.errors import InvalidAnswer
from dialogs.evaluation import evaluate
from dialogs.summary import plain_summary, summarise

SHAPE = "one JSON object of answers, each key once"


def evaluate_lines(
    lines: Iterable[str], scenario: Scenario | None = None, *, text: bool = False
) -> Iterator[str]:
    """Yield one line of JSON for each line that is not blank.

    A bad line gives ``{"error": ...}``, which names the field and what it takes and never repeats
    a value. ``text`` adds the summary as the clinician reads it.
    """
    held = scenario or load_scenario()
    for line in lines:
        if line.strip():
            yield json.dumps(_line(line, held, text=text))


def _line(line: str, scenario: Scenario, *, text: bool) -> dict[str, Any]:
    try:
        answers = check_answers(read_object(line, SHAPE), scenario)
    except InvalidAnswer as error:
        return {"error": str(error)}
    result = asdict(evaluate(answers, scenario))
    del result["asked"]
    return result | ({"text": plain_summary(summarise(answers, scenario))} if text else {})


def read_object(line: str, shape: str) -> dict[str, Any]:
    """Return a line of strict JSON, or raise InvalidAnswer.

    Refused: anything but an object, a key given twice, NaN and Infinity, nesting without end.
    """
    try:
        found = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidAnswer("line", shape) from None  # the error holds the line
    if not isinstance(found, dict):
        raise InvalidAnswer("line", shape)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(_: str) -> None:
    raise ValueError("not a number of JSON")
