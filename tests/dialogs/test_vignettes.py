"""Every vignette says what is expected of a case; the open ones are the content's own."""

import pytest

from dialogs.content import Vignette, load_scenario, load_vignettes
from dialogs.evaluation import evaluate
from tests.dialogs.reference_evaluator import VIGNETTES, reference

SCENARIO = load_scenario()


@pytest.mark.parametrize("case", load_vignettes(), ids=lambda case: case.id)
def test_vignette(case: Vignette) -> None:
    found = evaluate(case.answers, SCENARIO)
    shown = {*found.considerations, *found.banners}

    assert found.step == case.step
    assert found.mme == case.mme
    assert set(case.must) - shown == set()
    assert set(case.must_not) & shown == set()


@pytest.mark.parametrize("case", load_vignettes(), ids=lambda case: case.id)
def test_the_reference_reads_the_vignette_the_same_way(case: Vignette) -> None:
    found = evaluate(case.answers, SCENARIO)
    expected = reference(dict(case.answers))

    assert set(found.considerations) == set(expected["considerations"])
    assert (found.step, found.then) == (expected["step"], expected["then"])


def test_the_fifteen_open_vignettes_are_there_word_for_word() -> None:
    ours = {case.id: case for case in load_vignettes()}

    assert len(VIGNETTES) == 15
    for theirs in VIGNETTES:
        case = ours[theirs["id"]]
        assert dict(case.answers) == theirs["answers"]
        assert (case.title, case.story, case.step) == (
            theirs["title"],
            theirs["story"],
            theirs["step"],
        )
        assert (list(case.must), list(case.must_not)) == (theirs["must"], theirs["must_not"])
