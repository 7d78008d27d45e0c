"""How like two cases are, by their structured answers; never by anybody's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dialogs.answers import is_given
from dialogs.content import Question, Scenario
from dialogs.evaluation import mark

NOT_COMPARED = ("safety_now", "role")
LEAST_SAME = 3
"""Answers that have to agree before two cases are called similar."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The questions that both cases answer: alike, and differently; in the scenario's order."""

    same: tuple[str, ...]
    different: tuple[str, ...]

    @property
    def compared(self) -> int:
        return len(self.same) + len(self.different)


def likeness(one: Mapping[str, Any], other: Mapping[str, Any], scenario: Scenario) -> Likeness:
    """Return in what two cases agree. Amounts are not compared: no two are the same."""
    return _compared(_given(one, scenario), _given(other, scenario))


def _given(answers: Mapping[str, Any], scenario: Scenario) -> Mapping[str, frozenset[str]]:
    """Return question -> options chosen, of the questions that apply and can be compared."""
    asked = set(mark(answers, scenario).asked) - set(NOT_COMPARED)
    return {
        question.id: _chosen(question, answers[question.id])
        for question in scenario.questions
        if question.id in asked and question.kind != "number" and is_given(answers.get(question.id))
    }


def _compared(one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]) -> Likeness:
    both = [name for name in one if name in other]
    same = tuple(name for name in both if one[name] == other[name])
    return Likeness(same, tuple(name for name in both if name not in same))


def _chosen(question: Question, value: Any) -> frozenset[str]:
    """Return the options of an answer; of doses, the medicines."""
    if question.kind == "dose":
        return frozenset(str(entry["drug"]) for entry in value)
    return frozenset([value] if isinstance(value, str) else value)


def most_alike(
    one: Mapping[str, Any], others: Sequence[Mapping[str, Any]], scenario: Scenario, most: int = 5
) -> tuple[tuple[int, Likeness], ...]:
    """Return (place in ``others``, likeness) of the most similar cases.

    More answers the same comes first, then fewer different, then the order given. A case with
    fewer than three answers the same, or more different than the same, is left out.
    """
    mine = _given(one, scenario)
    found = [
        (place, _compared(mine, _given(other, scenario))) for place, other in enumerate(others)
    ]
    alike = [
        (place, each)
        for place, each in found
        if len(each.same) >= LEAST_SAME and len(each.same) >= len(each.different)
    ]
    alike.sort(key=lambda item: (-len(item[1].same), len(item[1].different), item[0]))
    return tuple(alike[:most])
