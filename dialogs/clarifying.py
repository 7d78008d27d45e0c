"""Which of the scenario's own questions may still be put to the asker."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from dialogs.content import Scenario
from dialogs.evaluation import Marked, conclude, mark
from dialogs.shown import state_of
from dialogs.summary import gaps

Missing: TypeAlias = Literal["not known", "skipped", "not asked"]

NEVER: Final = ("safety_now", "role")
"""The red flags are the asker's own first question; the role is nobody else's business."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that applies and has no answer (or a dose without amounts), and why."""

    id: str
    missing: Missing
    moves_step: bool
    """Whether some answer to it would change the suggested step."""


def open_questions(answers: Mapping[str, Any], scenario: Scenario) -> tuple[OpenQuestion, ...]:
    """Return the questions that may be put to the asker, first those that could change the step."""
    found: dict[str, OpenQuestion] = {}
    for question in _missing(mark(answers, scenario)):
        if question.id not in NEVER:
            found.setdefault(question.id, question)
    return tuple(found.values())


def _missing(marked: Marked) -> Iterator[OpenQuestion]:
    for gap in gaps(conclude(marked), marked):
        yield OpenQuestion(gap.question, gap.state, gap.moves_step)
    for name in marked.asked:
        state = state_of(name, marked.answers)
        if state != "given":
            yield OpenQuestion(name, state, moves_step=False)
