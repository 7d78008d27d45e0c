"""How an answer reads on the screen, in the summary and in the transcript."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from dialogs.answers import NOT_KNOWN, is_given
from dialogs.content import Question, Scenario
from dialogs.doses import show_dose
from dialogs.phrases import Translate

State = Literal["given", "not known", "skipped", "not asked"]


def state_of(question: str, answers: Mapping[str, Any]) -> State:
    """Tell the three ways of having no answer apart: looked for, passed over, never asked."""
    if question not in answers:
        return "not asked"
    value = answers[question]
    if is_given(value):
        return "given"
    return "not known" if value in (NOT_KNOWN, [NOT_KNOWN]) else "skipped"


def show_answer(question: Question, value: Any, scenario: Scenario, t: Translate = str) -> str:
    """Return the answer in words: labels in the scenario's order, doses in full."""
    if not is_given(value):
        known = value in (NOT_KNOWN, [NOT_KNOWN])
        return t(question.unknown_label).lower() if known else t("skipped")
    match question.kind:
        case "choice":
            return question.option(value).label
        case "multi":
            return show_options(question, value)
        case "number":
            return f"{value:g} {t(question.unit)}"
        case _:
            return "; ".join(show_dose(entry, scenario, t) for entry in value)


def show_options(question: Question, chosen: Iterable[str]) -> str:
    held = set(chosen)
    return "; ".join(option.label for option in question.options if option.id in held)
