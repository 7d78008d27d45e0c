"""What every operator says of an answer, of a missing one, and of a question that is not asked."""

import pytest
from pydantic import ValidationError

from dialogs.rules import Bits, Compiled, Criterion, Finding, Rule, Truth

T, F, U = True, False, None
SMALL = Criterion(question="colour", operator="in", value=("red", "blue"))


@pytest.mark.parametrize(
    ("parts", "every", "some"),
    [
        ((T, T), T, T),
        ((T, U), U, T),
        ((T, F), F, T),
        ((U, U), U, U),
        ((U, F), F, U),
        ((F, F), F, F),
    ],
)
def test_all_and_any_of_three_values(parts: tuple[Truth, Truth], every: Truth, some: Truth) -> None:
    true = sum(1 << place for place, part in enumerate(parts) if part)
    unknown = sum(1 << place for place, part in enumerate(parts) if part is None)

    assert Compiled(0b11, every=True).truth(true, unknown) is every
    assert Compiled(0b11, every=False).truth(true, unknown) is some


@pytest.mark.parametrize(
    ("criterion", "chosen", "other", "unknown", "not_asked"),
    [
        ({"operator": "in", "value": ["red"]}, T, F, U, F),
        ({"operator": "not in", "value": ["red"]}, F, T, T, T),
        ({"operator": "lacks", "value": ["red"]}, F, T, U, F),
        ({"operator": "unknown"}, F, F, T, F),
    ],
)
def test_an_operator_over_every_state_of_an_answer(
    criterion: dict[str, object], chosen: Truth, other: Truth, unknown: Truth, not_asked: Truth
) -> None:
    rule = Rule.model_validate({"all": [{"question": "colour", **criterion}]})
    bits = Bits([], [rule])
    compiled, marks = bits.compile(rule), bits.marks("colour")

    assert compiled.truth(marks.of(["red"]), 0) is chosen
    assert compiled.truth(marks.of(["blue"]), 0) is other
    assert compiled.truth(*marks.when_unknown) is unknown
    assert compiled.truth(marks.when_not_asked, 0) is not_asked


def test_a_criterion_used_twice_has_one_bit() -> None:
    bits = Bits([], [Rule(all=(SMALL,)), Rule(any=(SMALL,))])

    assert bits.compile(Rule(all=(SMALL,))).bits == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"operator": "in", "value": ["red"]}, "names a question or a finding"),
        ({"question": "a", "finding": "b"}, "names a question or a finding"),
        ({"question": "a", "operator": "in"}, "takes options"),
        ({"question": "a", "operator": "in", "value": []}, "takes options"),
        ({"question": "a", "operator": ">=", "value": ["red"]}, "takes number"),
        ({"question": "a", "operator": "unknown", "value": 1}, "takes nothing"),
        ({"finding": "a", "value": 1}, "takes nothing"),
        ({"question": "a", "operator": "~", "value": 1}, "operator"),
        ({"question": "a", "value": ["red"], "note": "x"}, "note"),
    ],
)
def test_a_criterion_that_says_nothing_is_refused(wrong: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Criterion.model_validate(wrong)


@pytest.mark.parametrize("wrong", [{}, {"all": [SMALL], "any": [SMALL]}])
def test_a_rule_has_all_or_any(wrong: object) -> None:
    with pytest.raises(ValidationError, match="either `all` or `any`"):
        Rule.model_validate(wrong)


def test_a_finding_is_known_before_it_is_used() -> None:
    late = Rule(all=(Criterion(finding="later"),))

    with pytest.raises(ValueError, match="no earlier finding 'later'"):
        Bits([], [late])


def test_two_findings_of_one_name_are_refused() -> None:
    finding = Finding(id="warm", words="a warm colour", when=Rule(all=(SMALL,)))

    with pytest.raises(ValueError, match="two findings 'warm'"):
        Bits([finding, finding], [])
