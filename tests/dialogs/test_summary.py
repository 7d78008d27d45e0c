"""What the clinician reads: one step, what was raised and why, and what is not known yet."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dialogs.answers import is_given
from dialogs.content import load_scenario
from dialogs.evaluation import mark
from dialogs.summary import (
    UNCHECKED,
    Summary,
    mme_amount,
    plain_summary,
    step_title,
    summarise,
)
from tests.dialogs.reference_evaluator import VIGNETTES
from tests.dialogs.test_evaluation import drawn

SCENARIO = load_scenario()
CASES: dict[str, dict[str, Any]] = {case["id"]: case["answers"] for case in VIGNETTES}
FOUNDING = CASES["OV01"]


def summary(case: str = "OV01", **changes: Any) -> Summary:
    return summarise({**CASES[case], **changes}, SCENARIO)


# --- the founding case ---------------------------------------------------------------------------


def test_the_founding_case_is_a_judgement_call_with_alternatives() -> None:
    step = summary().step

    assert step.id == "STEP_90D_PLAN"
    assert step.heading == "Suggested coordination step - your judgement decides."
    assert step.judgement is not None
    assert '"a safe decision but not the only possible decision"' in step.judgement
    assert len(step.alternatives) == 5
    assert step.then is None


def test_the_step_says_whom_what_and_by_when() -> None:
    step = summary().step

    assert step.who == "The client first, then the pain physician."
    assert step.ask.startswith("Ask the client and the pain physician to agree a written plan")
    assert "off oxycodone within 90 days" in step.ask
    assert "Methadone stays as it is (or is split, if the OTP agrees)." in step.ask
    assert step.by == "Contact within 1 week; plan within 4 weeks; joint reviews day 30/60/90"


def test_the_step_says_which_answers_chose_it() -> None:
    assert [reason.question for reason in summary().step.why] == ["MAT", "Opioid", "Duration"]


def test_a_consideration_carries_its_reasons_strength_and_sources() -> None:
    view = summary().raised[0]

    assert (view.id, view.priority) == ("DUR2", "address-now")
    assert [(b.question, b.answer) for b in view.because] == [
        ("Opioid", "Oxycodone IR 10 mg, 3 a day"),
        ("Stop plan", "No - open-ended"),
    ]
    assert view.strength == "CDC R2 (A/2), R6 (A/4); FDA label change"
    assert [source.checked for source in view.sources] == ["checked 2026-11-22", UNCHECKED]
    assert view.sources[0].url.endswith("rr7103a1.htm#Recommendation2")
    assert view.sources[1].kind == "label"


# --- variants of the 90-day step -----------------------------------------------------------------


def test_after_a_year_it_is_the_plan_and_a_first_reduction() -> None:
    step = summary(duration="gt12m").step

    assert step.title == "Agree a written plan and a first reduction within 90 days"
    assert "agree the plan and the first reduction within 90 days" in step.ask
    assert "expect the taper itself to take longer" in step.ask


def test_a_pain_prescriber_holds_the_plan() -> None:
    step = summary(role="pain").step

    assert step.who == "The client first, then the MAT prescriber. You hold the plan."
    assert step.ask.startswith("With the client, write to the MAT prescriber to agree")


def test_without_a_role_both_sides_are_named() -> None:
    step = summary(role=None).step

    assert step.who.startswith("MAT side: the client and the pain physician. Pain/PCP side:")
    assert step.consent.startswith("MAT side: written Part 2 consent before disclosing")


def test_on_buprenorphine_the_buprenorphine_comes_first() -> None:
    step = summary(mat="bup_sl").step

    assert step.alternatives[0] == "Divide or raise buprenorphine first."
    assert any("SET2" in note for note in step.notes)
    assert "Buprenorphine stays as it is" in step.ask


def test_in_remission_recovery_support_takes_the_place_of_mat() -> None:
    step = summary(mat="none_remission").step

    assert "Recovery support takes the place of MAT in the plan." in step.ask
    assert step.alternatives[0].startswith("Recovery support first")


def test_with_consent_refused_nothing_is_disclosed() -> None:
    step = summary(consent="refused").step

    assert step.consent.startswith("Declined or revoked: no disclosure.")
    assert any("a letter the client carries" in note for note in step.notes)


def test_with_the_plan_not_known_that_is_asked_first() -> None:
    step = summary(endplan="unk").step

    assert step.ask.startswith("Is there already a stop or review date? Ask the client")


# --- consent by role -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"consent": "tpo"},
            "Written consent is recorded. Check the consent covers this",
        ),
        ({"consent": "limited"}, "The consent does not cover this recipient"),
        ({"consent": "none"}, "Written Part 2 consent before you disclose"),
        ({"consent": "unk"}, "Written Part 2 consent before you disclose"),
        ({"role": "pain"}, "Share the minimum useful (HIPAA treatment); ask the client to sign"),
        ({"role": "pcp"}, "Share the minimum useful"),
        ({"role": "hosp"}, "Share the minimum useful"),
        ({"role": "corr"}, "Share the minimum useful (HIPAA treatment; facility policy)"),
        ({"role": "other"}, "MAT side: written Part 2 consent"),
    ],
)
def test_the_consent_line_follows_the_role(changes: dict[str, Any], words: str) -> None:
    consent = summary(**changes).step.consent

    assert consent.startswith(words)
    assert consent.endswith("Check your program's policy and state law, which may be stricter.")


def test_an_office_is_asked_whether_it_is_a_part_2_program() -> None:
    assert "Does your clinic treat its records as Part 2?" in summary(role="pcp").step.consent


def test_inside_the_program_no_consent_is_needed() -> None:
    inside = summary(decided="mat_threat").step.consent
    outside = summary(decided="mat_threat", role="pain").step.consent

    assert inside.startswith("Inside the program: no new consent. To involve outside prescribers:")
    assert outside.startswith("Share the minimum useful")


# --- what is not known ---------------------------------------------------------------------------


def test_not_known_skipped_and_not_asked_read_differently() -> None:
    found = summarise({"mat": "methadone", "setting": "unk", "role": None}, SCENARIO)

    assert found.not_known == ("Setting",)
    assert found.skipped == ("Your role",)
    assert "Duration" in found.not_asked
    assert {gap.key: gap.state for gap in found.gaps}["setting"] == "not known"
    assert {gap.key: gap.state for gap in found.gaps}["duration"] == "not asked"
    assert {gap.key: gap.state for gap in found.gaps}["role"] == "skipped"


def test_gaps_that_could_change_the_step_come_first() -> None:
    found = summary("OV13").gaps
    moving = [gap.moves_step for gap in found]
    order = {key: place for place, key in enumerate(SCENARIO.gap_order)}

    assert moving == sorted(moving, reverse=True)
    assert [gap.key for gap in found[:3]] == ["decided", "risk", "cns"]
    for group in (True, False):
        keys = [gap.key for gap in found if gap.moves_step is group and gap.key in order]
        assert keys == sorted(keys, key=order.__getitem__)


def test_a_gap_says_what_it_would_change_and_what_it_holds_back() -> None:
    risk = next(gap for gap in summary("OV13").gaps if gap.key == "risk")

    assert "pregnancy would change the step to joint obstetric planning" in risk.text
    assert risk.question == "risk"
    assert "Joint plan with obstetrics before any change" in risk.steps
    assert {"RSK2", "RSK3", "RSK4", "RSK5"} <= set(risk.holds_back)


def test_an_ecg_is_a_gap_only_from_100_mg_on_or_when_the_dose_is_not_known() -> None:
    def keys(**changes: Any) -> set[str]:
        return {gap.key for gap in summary(**changes).gaps}

    assert "ecg" not in keys()
    assert "ecg" in keys(methadone_dose=100)
    assert "ecg" in keys(methadone_dose="unk")
    assert "ecg" not in keys(mat="bup_sl")


def test_a_missing_strength_is_a_gap_of_its_own() -> None:
    found = {gap.key: gap for gap in summary(opioid=[{"drug": "oxycodone"}]).gaps}

    assert found["opioid_dose"].question == "opioid"
    assert found["opioid_dose"].holds_back == ("OPI1",)
    assert "opioid" not in found


def test_an_answer_that_would_change_nothing_is_no_gap() -> None:
    keys = [gap.key for gap in summary(role="pain", consent="unk").gaps]

    assert "consent" not in keys


def test_alertness_not_assessed_is_said_first() -> None:
    line = "Alertness and breathing not assessed. Check before acting on anything below."

    assert summary(safety_now="unk").lines == (line,)
    assert plain_summary(summary(safety_now="unk")).startswith(line)
    assert summary().lines == ()


def test_what_is_held_back_is_named() -> None:
    assert ("OPI1", "Pain opioid is 50 MME/day or more") in summary("OV13").held_back


# --- red flags, scope, the fallback --------------------------------------------------------------


def test_under_a_red_flag_there_is_the_banner_and_the_step_and_nothing_else() -> None:
    found = summary(safety_now=["si"])

    assert found.stopped
    assert [banner.id for banner in found.banners] == ["RF2"]
    assert found.step.title == "Emergency assessment now"
    assert not any((found.raised, found.gaps, found.held_back, found.prompts))
    assert (found.mme_line, found.mme_notes) == ("", ())
    assert "Check your program's policy" not in found.step.consent


def test_the_plain_text_under_a_red_flag_starts_with_the_banner() -> None:
    text = plain_summary(summary(safety_now=["sed"]))

    assert text.startswith("POSSIBLE OPIOID TOXICITY\nPossible opioid toxicity. Stop using")
    assert "ADDRESS NOW" not in text
    assert "WHAT I DON'T KNOW YET" not in text


def test_out_of_scope_keeps_the_points_on_mat() -> None:
    found = summary(reason="cancer")

    assert not found.stopped
    assert found.banners[0].text.startswith("Outside scope.")
    assert "RSK7" in [view.id for view in found.raised]


def test_a_step_that_no_answer_chose_says_so() -> None:
    step = summarise({"mat": "methadone"}, SCENARIO).step

    assert step.why == ()
    assert step.why_note == "No other row of the step table matches these answers."


def test_the_next_matching_row_is_one_plain_line() -> None:
    assert summary(ecg="ge500").step.then == "Agree a written plan to be off within 90 days"
    assert "Then: Agree a written plan" in plain_summary(summary(ecg="ge500"))


def test_the_line_of_the_next_row_is_in_its_variant_too() -> None:
    then = summary(ecg="ge500", duration="gt12m").step.then

    assert then == "Agree a written plan and a first reduction within 90 days"


# --- the MME -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opioid", "line"),
    [
        ([{"drug": "oxycodone", "strength": 10, "per_day": 3}], "Pain opioid: 45 MME/day"),
        (
            [{"drug": "oxycodone", "strength": 5, "per_day": 4, "up_to": True}],
            "Pain opioid: up to 30 MME/day",
        ),
        ([{"drug": "oxycodone"}], "Pain opioid MME: cannot calculate"),
        (
            [{"drug": "oxycodone"}, {"drug": "morphine", "strength": 15, "per_day": 2}],
            "Pain opioid MME: cannot calculate (the part that is known: 30)",
        ),
        ([{"drug": "none"}], "Pain opioid: no opioid counted"),
        ([{"drug": "bup_pain", "strength": 10}], "Pain opioid: no opioid counted"),
        ("unk", "Pain opioid MME: cannot calculate"),
    ],
)
def test_the_mme_in_words_is_never_zero_and_never_a_guess(opioid: Any, line: str) -> None:
    assert summary(opioid=opioid).mme_line == line


def test_the_mat_is_said_not_to_count() -> None:
    assert summary().mme_notes[0].startswith("MAT dose not counted")
    assert not any("MAT" in note for note in summary(mat="none_remission").mme_notes)


def test_tramadol_on_methadone_asks_for_an_interaction_check() -> None:
    notes = summary(opioid=[{"drug": "tramadol", "strength": 50, "per_day": 4}]).mme_notes

    assert any("check interactions" in note for note in notes)


# --- consistency, drafts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [
        ({"setting": "obot"}, "methadone_outside_otp"),
        ({"mat": "ntx_xr"}, "naltrexone_date"),
        ({"mat": "none_active", "opioid": [{"drug": "methadone_pain"}]}, "pain_or_oud"),
        ({"opioid": [{"drug": "none"}]}, "already_stopped"),
        ({"duration": "notyet", "decided": "taper"}, "started_or_not"),
        ({"reason": "trauma", "duration": "gt12m"}, "still_acute"),
        ({"methadone_dose": 201}, "methadone_dose_high"),
        ({"methadone_dose": 4}, "methadone_dose_low"),
    ],
)
def test_answers_that_disagree_are_asked_about_once(changes: dict[str, Any], prompt: str) -> None:
    found = summary(**changes).prompts

    assert [view.id for view in found] == [prompt]
    assert set(changes) <= {*found[0].questions, "decided"}


def test_consistent_answers_ask_nothing() -> None:
    assert summary().prompts == ()
    assert summary(methadone_dose=200).prompts == ()


def test_the_draft_names_the_medicines_and_keeps_other_placeholders() -> None:
    draft = summary().step.draft

    assert draft.startswith("[Client] is stable on methadone. Oxycodone [n]x/day since [month]")
    assert "VARIANTS" not in draft


def test_the_draft_keeps_the_placeholder_of_what_is_not_known() -> None:
    draft = summary(mat="unk", opioid="unk").step.draft

    assert "[opioid]" in draft
    assert summary(safety_now=["si"]).step.draft == ""


def test_several_opioids_are_all_named() -> None:
    doses = [{"drug": "oxycodone"}, {"drug": "tramadol"}, {"drug": "oxycodone"}]

    assert "off oxycodone and tramadol within 90 days" in summary(opioid=doses).step.ask


def test_an_opioid_without_a_name_is_the_opioid() -> None:
    assert "off the opioid within 90 days" in summary(opioid=[{"drug": "other_opioid"}]).step.ask


# --- as plain text -------------------------------------------------------------------------------


def test_the_plain_text_has_every_part_in_order() -> None:
    text = plain_summary(summary(setting="obot"))
    parts = [
        "Suggested coordination step - your judgement decides.",
        "Why this step: MAT: Methadone",
        "ADDRESS NOW",
        "DUR2. No firm stop date",
        "Because you answered: ",
        "DISCUSS",
        "REASSURING",
        "WHAT I DON'T KNOW YET",
        "Pain opioid: 45 MME/day",
        "Check: Methadone for OUD",
        "Not for emergencies.",
    ]
    places = [text.index(part) for part in parts]

    assert places == sorted(places)


def test_a_summary_with_nothing_raised_or_missing_leaves_those_parts_out() -> None:
    known = {
        "safety_now": ["none"],
        "role": "other",
        "setting": "resid",
        "mat": "none_remission",
        "reason": "cancer",
        "opioid": [{"drug": "none"}],
        "duration": "gt12m",
        "endplan": "none",
        "monitoring": ["none"],
        "signals": ["none"],
        "comm": "both_contact",
        "consent": "tpo",
        "cns": ["none"],
        "risk": ["none"],
        "naloxone": "have",
        "decided": "none",
    }
    text = plain_summary(summarise(known, SCENARIO))

    assert "ADDRESS NOW" not in text
    assert "WHAT I DON'T KNOW YET" not in text


def test_the_same_answers_give_the_same_bytes() -> None:
    for answers in drawn(50, seed=3):
        assert plain_summary(summarise(answers, SCENARIO)) == plain_summary(
            summarise(dict(reversed(answers.items())), SCENARIO)
        )


def test_no_summary_leaves_a_template_field_open() -> None:
    for answers in drawn(300, seed=4):
        assert not re.search(r"[{}]", plain_summary(summarise(answers, SCENARIO)))


def test_every_step_has_an_alternative_for_any_answers() -> None:
    for answers in drawn(300, seed=5):
        assert summarise(answers, SCENARIO).step.alternatives


def test_a_superseded_source_says_why_it_is_still_cited() -> None:
    view = next(view for view in summary("OV06").raised if view.id == "NTX2")
    text = plain_summary(summary("OV06"))

    assert [source.note for source in view.sources if source.note]
    assert "(timings said to be kept in 2020; from memory, to be checked)" in text


def test_a_title_stands_for_itself_without_a_variant() -> None:
    step = SCENARIO.step("STEP_CORR")

    assert step_title(step, mark({}, SCENARIO)) == step.title


def every_kind_of_answers() -> Iterator[dict[str, Any]]:
    yield from drawn(150, seed=31)
    for vignette in VIGNETTES:
        yield {}
        for name in vignette["answers"]:
            yield {k: v for k, v in vignette["answers"].items() if k != name}


def test_nothing_is_held_back_without_the_question_that_it_waits_for() -> None:
    for answers in every_kind_of_answers():
        found = summarise(answers, SCENARIO)
        open_questions = (*found.gaps, *found.minor_gaps)

        assert {i for gap in open_questions for i in gap.holds_back} == dict(found.held_back).keys()
        for gap in open_questions:
            assert gap.key == "opioid_dose" or not is_given(answers.get(gap.question))


def test_what_is_no_gap_by_its_condition_stands_apart_when_it_holds_something_back() -> None:
    found = summarise({**CASES["OV01"], "methadone_dose": 60, "ecg": None}, SCENARIO)

    assert "ecg" not in {gap.key for gap in found.gaps}
    assert {gap.key for gap in found.minor_gaps} == {"ecg"}


def test_the_gaps_read_as_sentences_in_plain_text() -> None:
    text = plain_summary(summarise(CASES["OV13"], SCENARIO))

    assert re.search(r"^- How settled the MAT dose is \(not asked\): ", text, re.MULTILINE)
    assert "\n  Held back until it is known: OPI1 Pain opioid is 50 MME/day or more" in text


def test_the_amount_stands_alone_or_says_that_there_is_none() -> None:
    no_dose = {**FOUNDING, "opioid": [{"drug": "oxycodone"}]}

    assert mme_amount(mark(FOUNDING, SCENARIO)) == "45 MME/day"
    assert "cannot calculate" in mme_amount(mark(no_dose, SCENARIO))
