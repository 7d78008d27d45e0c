"""The it-depends map: single answers that would change the step or what is to be addressed now."""

from typing import Any

import pytest

from dialogs.content import load_scenario
from dialogs.depends import Dependence, candidates, depends_lines, depends_map, phrase, thresholds
from dialogs.evaluation import evaluate
from tests.dialogs.reference_evaluator import VIGNETTES
from tests.dialogs.test_evaluation import drawn

SCENARIO = load_scenario()
FOUNDING: dict[str, Any] = next(case["answers"] for case in VIGNETTES if case["id"] == "OV01")


def found(**changes: Any) -> dict[str, list[Dependence]]:
    groups: dict[str, list[Dependence]] = {}
    for dependence in depends_map({**FOUNDING, **changes}, SCENARIO):
        groups.setdefault(dependence.question, []).append(dependence)
    return groups


def lines(**changes: Any) -> dict[str, tuple[str, ...]]:
    return dict(depends_lines(depends_map({**FOUNDING, **changes}, SCENARIO), SCENARIO))


def test_the_founding_case_depends_on_what_its_author_says_it_depends_on() -> None:
    assert {"setting", "duration", "monitoring", "mat"} <= set(found())


def test_the_most_consequential_question_comes_first() -> None:
    assert list(found())[:3] == ["safety_now", "reason", "risk"]


def test_a_hospital_would_change_the_step() -> None:
    assert lines()["Setting"][1] == (
        "if Hospital inpatient or Emergency department → One written plan across the admission "
        "or procedure"
    )


def test_under_a_month_another_step_is_suggested() -> None:
    assert "if Under 1 month → Set an end date for the short course" in lines()["Duration"]


def test_any_red_flag_is_one_line() -> None:
    assert lines()["Safety now"] == ("if any of them → Emergency assessment now",)


def test_a_consideration_that_would_fall_away_is_named_with_a_minus() -> None:
    assert lines()["Monitoring"] == (
        "if PDMP in last 90 days → - No PDMP check recorded in the last 90 days",
    )


def test_a_number_is_tried_on_the_other_side_of_its_threshold() -> None:
    assert lines()["Methadone dose"] == ("if 100 mg/day or more → + Check for a recent ECG",)
    assert lines(methadone_dose=120)["Methadone dose"] == (
        "if under 100 mg/day → - Check for a recent ECG",
    )


def test_a_number_that_is_not_known_is_tried_on_both_sides() -> None:
    assert [c.label for c in candidates(SCENARIO.question("methadone_dose"), {}, SCENARIO)] == [
        "100 mg/day or more",
        "under 100 mg/day",
    ]


def test_the_dose_is_tried_on_the_other_side_of_50_mme() -> None:
    assert "if 50 MME/day or more → + Pain opioid is 50 MME/day or more" in lines()["Opioid"]


def test_a_high_dose_is_tried_below_50_mme() -> None:
    high = [{"drug": "fentanyl_td", "strength": 75, "n_patches": 2}]

    assert (
        "if under 50 MME/day → - Pain opioid is 50 MME/day or more" in lines(opioid=high)["Opioid"]
    )


def test_an_opioid_that_cannot_be_counted_is_not_given_a_dose() -> None:
    unnamed = [{"drug": "other_opioid"}, {"drug": "oxycodone"}]
    labels = [
        c.label for c in candidates(SCENARIO.question("opioid"), {"opioid": unnamed}, SCENARIO)
    ]

    assert not any("MME" in label for label in labels)


def test_one_of_two_opioids_stays_as_it_is_when_it_never_counts() -> None:
    doses = [{"drug": "oxycodone"}, {"drug": "bup_pain", "strength": 10}]
    question = SCENARIO.question("opioid")
    scaled = [
        c.value for c in candidates(question, {"opioid": doses}, SCENARIO) if "MME" in c.label
    ]

    assert [evaluate({"opioid": value}, SCENARIO).mme for value in scaled] == [50.0, 25.0]
    assert all(value[1] == doses[1] for value in scaled)


def test_a_multi_select_is_toggled_option_by_option() -> None:
    question = SCENARIO.question("signals")
    values = {c.label: c.value for c in candidates(question, {"signals": ["early"]}, SCENARIO)}

    assert values["None"] == ["none"]
    assert values["Craving / loss of control"] == ["early", "craving"]
    assert not any(label.startswith("without") for label in values)


def test_one_of_several_ticks_can_be_taken_away() -> None:
    question = SCENARIO.question("signals")
    several = {"signals": ["early", "craving"]}
    values = {c.label: c.value for c in candidates(question, several, SCENARIO)}

    assert values["without Early refills / lost meds"] == ["craving"]


def test_leaving_a_red_flag_shows_only_where_the_step_goes() -> None:
    groups = found(safety_now=["si"])

    assert list(groups) == ["safety_now"]
    assert [d.step_to for d in groups["safety_now"]] == ["STEP_90D_PLAN"]
    assert groups["safety_now"][0].dropped == groups["safety_now"][0].added == ()


def test_a_banner_alone_is_named_too() -> None:
    dependence = Dependence("reason", "Reason", ("Cancer",), None, (), (), ("SC1",))

    assert phrase(dependence, SCENARIO) == "if Cancer → Outside scope"


@pytest.mark.parametrize(
    ("question", "numbers"),
    [("methadone_dose", {100.0}), ("opioid", {50.0}), ("setting", set())],
)
def test_the_thresholds_are_those_of_the_considerations(question: str, numbers: set[float]) -> None:
    assert thresholds(question, SCENARIO) == numbers


def test_every_line_of_the_map_is_true() -> None:
    for answers in drawn(40, seed=6):
        now = evaluate(answers, SCENARIO)
        for dependence in depends_map(answers, SCENARIO):
            question = SCENARIO.question(dependence.question)
            tried = {c.label: c.value for c in candidates(question, answers, SCENARIO)}
            for label in dependence.options:
                after = evaluate({**answers, question.id: tried[label]}, SCENARIO)

                assert after.step == (dependence.step_to or now.step)
                assert set(dependence.added) <= set(after.considerations)
                assert not set(dependence.dropped) & set(after.considerations)


def test_an_alert_that_one_change_would_leave_held_back_is_a_dropped_one() -> None:
    decided = lines(decided="switch_bup")["Decided so far"]

    assert any(
        "if Nothing yet or" in line and "- Precipitated withdrawal" in line for line in decided
    )


def test_no_alert_is_left_out_that_one_change_takes_away() -> None:
    for answers in drawn(40, seed=8):
        now = evaluate(answers, SCENARIO)
        told = {
            (d.question, label): d for d in depends_map(answers, SCENARIO) for label in d.options
        }
        for name in (q for q in now.asked if q not in ("role", "opioid", "safety_now")):
            for other in candidates(SCENARIO.question(name), answers, SCENARIO):
                after = evaluate({**answers, name: other.value}, SCENARIO)
                if any(SCENARIO.banner(b).stops for b in (*now.banners, *after.banners)):
                    continue
                lost = {i for i in now.considerations if i not in after.considerations}
                lost = {i for i in lost if SCENARIO.consideration(i).priority == "address-now"}
                if lost:
                    assert lost == set(told[name, other.label].dropped)


def test_another_opioid_without_its_dose_drops_no_alert_about_the_dose() -> None:
    high = [{"drug": "oxycodone", "strength": 30, "per_day": 3}]

    assert not any(
        "Morphine" in line and "- Pain opioid is 50" in line
        for line in lines(opioid=high)["Opioid"]
    )
