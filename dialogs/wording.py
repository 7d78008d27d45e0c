"""Rules as sentences, for people who read a scenario."""

from dataclasses import dataclass

from dialogs.content import Scenario
from dialogs.rules import Criterion, Rule


@dataclass(frozen=True, slots=True)
class Style:
    """What stands around "and" and "or", around the words of a finding, and around its id."""

    strong: str = ""
    words: str = ""
    code: str = ""


PLAIN, MARKDOWN = Style(), Style("**", "_", "`")

WORDS = {
    "in": "{short} is {labels}",
    "not in": "{short} is not known to be {labels}",
    "lacks": "{short} is answered, without {labels}",
    "form": "{short} has the form {value}",
    "unknown": "{short} is not known or not answered",
    "mme >=": "the part of the MME that is known is at least {value}",
}


def rule_words(rule: Rule, scenario: Scenario, style: Style = PLAIN) -> str:
    """Return a rule as a sentence."""
    word = "and" if rule.all else "or"
    joined = f" {style.strong}{word}{style.strong} "
    return joined.join(_criterion_words(each, scenario, style) for each in rule.criteria)


def _criterion_words(criterion: Criterion, scenario: Scenario, style: Style) -> str:
    if criterion.finding is not None:
        words = scenario.finding(criterion.finding).words
        return f"{style.words}{words}{style.words} ({style.code}{criterion.finding}{style.code})"
    question, value = scenario.question(str(criterion.question)), criterion.value
    chosen = (option.label for option in question.options if option.id in criterion.options)
    shown = f"{value:g}" if isinstance(value, float) else ", ".join(value or ())
    words = WORDS.get(criterion.operator, f"{{short}} {criterion.operator} {{value}} {{unit}}")
    return words.format(
        short=question.short, labels=", ".join(chosen), value=shown, unit=question.unit
    )
