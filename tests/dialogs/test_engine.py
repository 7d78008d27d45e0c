"""The dialog, event by event, on the real scenario."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.content import load_scenario
from dialogs.engine import (
    MOST_ENTRIES,
    advance,
    answered,
    asking,
    begin,
    entries,
    marked,
    pending,
    progress,
    to_confirm,
)
from dialogs.evaluation import evaluate, mark
from dialogs.model import (
    Answered,
    Asked,
    Back,
    Began,
    Cancelled,
    Closed,
    Confirmed,
    Consult,
    Continued,
    Declined,
    Done,
    Doses,
    Event,
    FollowedUp,
    Guessed,
    Marked,
    Opened,
    Origin,
    Picked,
    Planned,
    ReadBack,
    Reopened,
    Reviewed,
)
from dialogs.summary import summarise

SCENARIO = load_scenario()

FOUNDING: tuple[Event, ...] = (
    Answered("safety_now", ["none"]),
    Answered("setting", "otp"),
    Answered("mat", "methadone"),
    Answered("reason", "flare"),
    Picked("opioid", "oxycodone"),
    Answered("duration", "3to12m"),
    Answered("endplan", "none"),
    Marked("monitoring", "pain_visits", on=True),
    Marked("monitoring", "counselor", on=True),
    Done("monitoring"),
)


def after(*events: Event, start: Consult | None = None) -> Consult:
    consult = start or begin(SCENARIO, {"role": "counselor"})
    for event in events:
        step = advance(consult, event, SCENARIO)
        assert step.note is None, (event, step.note)
        consult = step.consult
    return consult


def question_of(consult: Consult) -> str | None:
    question = asking(consult, SCENARIO)
    return question.id if question else None


def test_a_consult_begins_with_the_red_flags() -> None:
    consult = after()

    assert consult.phase == "asking"
    assert question_of(consult) == "safety_now"
    assert progress(consult, SCENARIO) == (1, 8)


def test_who_has_no_role_yet_is_asked_for_it_after_the_red_flags() -> None:
    consult = after(Answered("safety_now", ["none"]), start=begin(SCENARIO, {}))

    assert question_of(consult) == "role"


def test_the_founding_case_takes_eleven_taps_to_its_ninety_day_step() -> None:
    taps = (*FOUNDING, Asked())

    consult = after(*taps)

    assert len(taps) == 11
    assert consult.phase == "advised"
    assert evaluate(consult.answers, SCENARIO).step == "STEP_90D_PLAN"


def test_a_red_flag_stops_the_questions_at_once() -> None:
    consult = after(Marked("safety_now", "sed", on=True), Done("safety_now"))

    assert consult.phase == "stopped"
    assert advance(consult, Opened("mat", "path"), SCENARIO).note == "stopped"
    assert advance(consult, Asked(), SCENARIO).note == "stopped"


def test_after_a_red_flag_the_first_question_can_be_answered_again() -> None:
    stopped = after(Marked("safety_now", "sed", on=True), Done("safety_now"))

    consult = after(Opened("safety_now", "path"), Answered("safety_now", ["none"]), start=stopped)

    assert question_of(consult) == "setting"


def test_back_deletes_nothing() -> None:
    consult = after(*FOUNDING[:3], Back())

    assert question_of(consult) == "mat"
    assert consult.answers["mat"] == "methadone"


def test_back_at_the_first_question_says_so() -> None:
    assert advance(after(), Back(), SCENARIO).note == "first question"


def test_back_from_the_review_card_opens_the_last_question() -> None:
    assert question_of(after(*FOUNDING, Back())) == "monitoring"


def test_not_known_skipped_and_not_asked_are_three_things() -> None:
    consult = after(
        Answered("safety_now", ["none"]), Answered("setting", "unk"), Answered("mat", None)
    )

    assert (consult.answers["setting"], consult.answers["mat"]) == ("unk", None)
    assert "reason" not in consult.answers


def test_a_mark_can_be_taken_off_again() -> None:
    consult = after(*FOUNDING[:8], Marked("monitoring", "pain_visits", on=False))
    question = SCENARIO.question("monitoring")

    assert marked(consult, question) == ()
    assert advance(consult, Done("monitoring"), SCENARIO).note == "nothing marked"


def test_marks_keep_the_turn_so_that_quick_taps_are_not_stale() -> None:
    before = after(*FOUNDING[:7])
    consult = after(Marked("monitoring", "counselor", on=True), start=before)

    assert consult.turn == before.turn


def test_a_button_of_an_earlier_turn_changes_nothing() -> None:
    consult = after(*FOUNDING[:2])

    step = advance(consult, Answered("mat", "methadone"), SCENARIO, turn=consult.turn - 1)

    assert step.note == "stale"
    assert step.consult == consult


def test_an_answer_to_another_question_changes_nothing() -> None:
    step = advance(after(), Answered("mat", "methadone"), SCENARIO)

    assert step.note == "not possible"


def test_changing_one_answer_from_the_review_card_returns_to_it_in_two_taps() -> None:
    consult = after(*FOUNDING, Opened("setting", "review"), Answered("setting", "ed"))

    assert consult.phase == "reviewing"
    assert consult.answers["setting"] == "ed"


def test_changing_one_answer_from_the_summary_returns_to_it_and_keeps_what_was_shown() -> None:
    consult = after(*FOUNDING, Asked(), Opened("setting", "summary"), Answered("setting", "corr"))

    assert consult.phase == "advised"
    assert consult.earlier is not None
    assert consult.earlier["setting"] == "otp"


def test_back_from_an_opened_question_returns_unchanged() -> None:
    consult = after(*FOUNDING, Asked(), Opened("setting", "summary"), Back())

    assert consult.phase == "advised"
    assert consult.earlier is None


def test_dependents_are_asked_again_only_if_the_value_really_changed() -> None:
    full = after(*FOUNDING, Asked(), Opened("mat_status", "summary"), Answered("mat_status", "new"))

    same = after(Opened("mat", "summary"), Answered("mat", "methadone"), start=full)
    other = after(Opened("mat", "summary"), Answered("mat", "bup_sl"), start=full)

    assert same.phase == "advised"
    assert question_of(other) == "mat_status"
    assert other.previous["mat_status"] == "new"


def test_an_answer_that_fell_away_returns_as_the_offered_default() -> None:
    full = after(*FOUNDING, Asked(), Opened("ecg", "summary"), Answered("ecg", "lt450"))
    changed = after(Opened("mat", "summary"), Answered("mat", "bup_sl"), start=full)
    back = after(Opened("mat", "summary"), Answered("mat", "methadone"), start=changed)

    assert "ecg" not in changed.answers
    assert changed.phase == "advised"
    assert "ecg" not in back.answers
    assert back.previous["ecg"] == "lt450"


def test_what_fell_away_is_in_the_changes() -> None:
    full = after(*FOUNDING, Asked(), Opened("ecg", "summary"), Answered("ecg", "lt450"))
    opened = after(Opened("mat", "summary"), start=full)

    changes = advance(opened, Answered("mat", "bup_sl"), SCENARIO).changes

    assert [(c.question, c.old, c.new) for c in changes] == [
        ("mat", "methadone", "bup_sl"),
        ("ecg", "lt450", None),
    ]


def test_the_same_answer_again_is_no_change() -> None:
    opened = after(*FOUNDING, Opened("setting", "review"))

    assert advance(opened, Answered("setting", "otp"), SCENARIO).changes == ()


def test_a_question_that_does_not_apply_cannot_be_opened() -> None:
    consult = after(*FOUNDING, Asked(), Opened("mat", "summary"), Answered("mat", "bup_sl"))

    assert advance(consult, Opened("ecg", "summary"), SCENARIO).note == "not possible"


def test_more_questions_are_asked_until_none_is_left() -> None:
    consult = after(*FOUNDING, Asked(), Continued())
    asked = []
    while (question := asking(consult, SCENARIO)) is not None:
        asked.append(question.id)
        consult = after(Answered(question.id, "unk"), start=consult)

    assert consult.phase == "reviewing"
    assert "naloxone" in asked
    assert advance(consult, Continued(), SCENARIO).note == "not possible"


def test_the_full_path_asks_everything_that_applies() -> None:
    consult = begin(SCENARIO, {"role": "pcp"}, "full")

    assert progress(consult, SCENARIO)[1] > 8


def test_a_dose_typed_for_a_picked_drug_is_read_back_and_then_counted() -> None:
    picked = after(*FOUNDING[:5], Opened("opioid", "path"))
    read = {"drug": "oxycodone", "strength": 10, "per_day": 3}

    reading = after(ReadBack("opioid", (read,)), start=picked)
    consult = after(Confirmed(), start=reading)

    assert reading.phase == "confirming"
    assert consult.answers["opioid"] == [read]
    assert question_of(consult) == "duration"


def test_a_dose_read_wrongly_is_dropped() -> None:
    picked = after(*FOUNDING[:5], Opened("opioid", "path"))
    read = {"drug": "oxycodone", "strength": 10, "per_day": 3}

    consult = after(ReadBack("opioid", (read,)), Declined(), start=picked)

    assert consult.phase == "asking"
    assert consult.answers["opioid"] == [{"drug": "oxycodone"}]


def test_back_while_a_dose_is_read_back_drops_the_reading() -> None:
    picked = after(*FOUNDING[:5], Opened("opioid", "path"))
    reading = after(ReadBack("opioid", ({"drug": "oxycodone", "strength": 5},)), start=picked)

    assert after(Back(), start=reading).phase == "asking"


def test_several_opioids_can_be_added_and_dropped() -> None:
    editor = after(*FOUNDING[:5], Opened("opioid", "path"), Doses("opioid", "another"))
    two = after(Picked("opioid", "tramadol"), start=editor)
    one = after(Doses("opioid", "drop", 0), Done("opioid"), start=two)

    assert after(Done("opioid"), start=two).answers["opioid"] == [
        {"drug": "oxycodone"},
        {"drug": "tramadol"},
    ]
    assert one.answers["opioid"] == [{"drug": "tramadol"}]


def test_a_reading_of_another_drug_is_added() -> None:
    editor = after(*FOUNDING[:5], Opened("opioid", "path"), Doses("opioid", "focus", 0))
    read = {"drug": "morphine", "strength": 15, "per_day": 4}

    consult = after(ReadBack("opioid", (read,)), Confirmed(), start=editor)

    assert consult.answers["opioid"] == [{"drug": "oxycodone"}, read]


def test_more_opioids_than_a_case_holds_are_refused() -> None:
    consult = after(*FOUNDING[:5], Opened("opioid", "path"))
    for _ in range(MOST_ENTRIES - 1):
        consult = after(Doses("opioid", "another"), Picked("opioid", "codeine"), start=consult)
    full = after(Doses("opioid", "another"), start=consult)

    assert advance(full, Picked("opioid", "codeine"), SCENARIO).note == "too many entries"
    many = ({"drug": "codeine"},) * 3
    assert advance(full, ReadBack("opioid", many), SCENARIO).note == "too many entries"


def test_an_entry_that_is_not_there_is_stale() -> None:
    editor = after(*FOUNDING[:5], Opened("opioid", "path"))

    assert advance(editor, Doses("opioid", "drop", 7), SCENARIO).note == "stale"


def test_no_opioid_ends_the_dose_question() -> None:
    editor = after(*FOUNDING[:5], Opened("opioid", "path"), Doses("opioid", "another"))

    assert after(Picked("opioid", "none"), start=editor).answers["opioid"] == [{"drug": "none"}]


def test_a_guess_waits_for_a_yes() -> None:
    asked = after(FOUNDING[0])

    consult = after(Guessed("setting", "otp"), Confirmed(), start=asked)

    assert consult.answers["setting"] == "otp"
    assert advance(asked, Confirmed(), SCENARIO).note == "not possible"
    assert advance(asked, Declined(), SCENARIO).note == "not possible"


def test_a_closed_case_takes_no_answer_until_it_is_opened_again() -> None:
    closed = after(*FOUNDING, Asked(), Closed())

    assert advance(closed, Continued(), SCENARIO).note == "ended"
    assert after(Reopened(), start=closed).phase == "advised"


def test_a_cancelled_case_goes_on_at_the_same_question() -> None:
    consult = after(*FOUNDING[:4], Cancelled(), Reopened())

    assert question_of(consult) == "opioid"


def test_a_case_cancelled_at_a_red_flag_opens_at_the_red_flag() -> None:
    consult = after(
        Marked("safety_now", "si", on=True), Done("safety_now"), Cancelled(), Reopened()
    )

    assert consult.phase == "stopped"


def test_a_plan_and_its_review_move_the_case_on() -> None:
    assert after(*FOUNDING, Asked(), Planned(), FollowedUp(), FollowedUp()).phase == "followed_up"


def test_the_review_card_can_be_shown_from_the_summary() -> None:
    assert after(*FOUNDING, Asked(), Reviewed()).phase == "reviewing"


def test_no_summary_before_the_red_flags_were_asked() -> None:
    assert advance(after(), Asked(), SCENARIO).note == "not possible"


def test_a_consult_begins_once() -> None:
    assert advance(after(), Began(), SCENARIO).note == "not possible"


def test_answered_lists_what_applies_in_the_scenarios_order() -> None:
    assert answered(after(*FOUNDING[:3]), SCENARIO) == ("safety_now", "role", "setting", "mat")


# --- any sequence of events ---------------------------------------------------------------------

NAMES = st.sampled_from([question.id for question in SCENARIO.questions])


@st.composite
def values(draw: st.DrawFn) -> Any:
    name = draw(NAMES)
    question = SCENARIO.question(name)
    ids = [option.id for option in question.options]
    if question.kind == "choice":
        return name, draw(st.sampled_from([*ids, "unk", None]))
    if question.kind == "multi":
        return name, draw(st.sampled_from([[i] for i in ids]))
    return name, "unk"


EVENTS: st.SearchStrategy[Event] = st.one_of(
    values().map(lambda pair: Answered(*pair)),
    st.builds(Marked, st.just("safety_now"), st.sampled_from(["sed", "si"]), st.booleans()),
    st.builds(Done, st.sampled_from(["safety_now", "monitoring", "opioid"])),
    st.builds(Picked, st.just("opioid"), st.sampled_from(["oxycodone", "none"])),
    st.builds(Opened, NAMES, st.sampled_from(["path", "review", "summary"])),
    st.sampled_from(
        [Back(), Asked(), Reviewed(), Continued(), Cancelled(), Closed(), Reopened(), Confirmed()]
    ),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(EVENTS, max_size=30))
def test_any_sequence_keeps_a_place_and_never_shows_a_summary_under_a_red_flag(
    sequence: list[Event],
) -> None:
    consult = begin(SCENARIO, {"role": "counselor"})
    for event in sequence:
        step = advance(consult, event, SCENARIO)
        assert step.note is None or step.consult == consult
        consult = step.consult
        if consult.phase in ("asking", "confirming"):
            assert asking(consult, SCENARIO) is not None
        if consult.phase == "advised":
            assert evaluate(consult.answers, SCENARIO).step != "STEP_EMERGENCY"
        if consult.phase == "reviewing" and consult.path == "quick":
            assert pending(consult, SCENARIO) is None or "safety_now" in consult.answers
        assert set(consult.answers) <= {q.id for q in SCENARIO.questions}
        assert mark(consult.answers, SCENARIO).asked


@pytest.mark.parametrize("kind", [Marked("monitoring", "pill", on=True), Done("setting")])
def test_marks_and_done_outside_their_question_are_refused(kind: Event) -> None:
    assert advance(after(), kind, SCENARIO).note == "not possible"


# --- answers that apply again -------------------------------------------------------------------


def ecg_lost(origin: Origin = "summary") -> Consult:
    """The founding case with a long QTc, after MAT was set to remission and back to methadone."""
    known = after(*FOUNDING, Asked(), Opened("ecg", "summary"), Answered("ecg", "ge500"))
    start = known if origin == "summary" else after(Reviewed(), start=known)
    gone = after(Opened("mat", origin), Answered("mat", "none_remission"), start=start)
    assert "ecg" not in gone.answers
    return after(Opened("mat", origin), Answered("mat", "methadone"), start=gone)


@pytest.mark.parametrize("origin", ["summary", "review"])
def test_a_question_that_applies_again_is_put_again_with_its_answer(origin: Origin) -> None:
    again = ecg_lost(origin)

    kept = after(Answered("ecg", again.previous["ecg"]), start=again)

    assert question_of(again) == "ecg"
    assert again.previous["ecg"] == "ge500"
    assert kept.phase == ("advised" if origin == "summary" else "reviewing")
    assert kept.answers["ecg"] == "ge500"


def test_what_is_not_confirmed_stays_in_sight() -> None:
    left = after(Reviewed(), start=ecg_lost())
    shown = after(Asked(), start=left)

    first = summarise(shown.answers, SCENARIO, previous=shown.previous).gaps[0]

    assert to_confirm(left, SCENARIO) == ("ecg",)
    assert (first.question, first.was) == ("ecg", "500 ms or more")
    assert question_of(after(Continued(), start=left)) == "ecg"
    assert after(Continued(), start=left).path == "quick"


def test_back_from_a_question_put_again_leads_back_to_the_summary_in_the_end() -> None:
    again = after(Back(), start=ecg_lost())

    kept = after(Answered(question_of(again) or "", "methadone"), start=again)

    assert question_of(again) == "mat"
    assert question_of(kept) == "ecg"
    assert after(Answered("ecg", "ge500"), start=kept).phase == "advised"


def test_a_question_that_was_skipped_has_nothing_to_confirm() -> None:
    skipped = after(*FOUNDING, Asked(), Opened("ecg", "summary"), Answered("ecg", None))
    gone = after(Opened("mat", "summary"), Answered("mat", "none_remission"), start=skipped)

    again = after(Opened("mat", "summary"), Answered("mat", "methadone"), start=gone)

    assert again.phase == "advised"
    assert "ecg" not in again.previous


def test_another_dose_of_the_same_opioid_opens_nothing_again() -> None:
    known = after(*FOUNDING, Asked(), Opened("goal", "summary"), Answered("goal", "keep"))
    read = {"drug": "oxycodone", "strength": 10, "per_day": 3}
    events = (Opened("opioid", "summary"), ReadBack("opioid", (read,)), Confirmed())

    consult = after(*events, start=known)

    assert consult.phase == "advised"
    assert consult.answers["goal"] == "keep"


def changes_of(draw: st.DrawFn, name: str) -> Any:
    question = SCENARIO.question(name)
    match question.kind:
        case "choice":
            return draw(st.sampled_from([*question.by_id, "unk"]))
        case "multi":
            return [draw(st.sampled_from([*question.by_id]))]
        case "number":
            return draw(st.sampled_from([40, 120]))
        case _:
            return [{"drug": draw(st.sampled_from(["oxycodone", "none"]))}]


@st.composite
def changed(draw: st.DrawFn) -> tuple[str, Any]:
    name = draw(NAMES.filter(lambda name: name != "safety_now"))
    return name, changes_of(draw, name)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(changed(), min_size=1, max_size=12),
    st.sampled_from(["summary", "review"]),
    st.booleans(),
)
def test_no_answer_is_lost_unseen_whatever_is_changed(
    changes: list[tuple[str, Any]], origin: Origin, keep: bool
) -> None:
    consult = after(*FOUNDING, Asked())
    given: dict[str, Any] = dict(consult.answers)
    for name, value in changes:
        before = to_confirm(consult, SCENARIO)
        opened = advance(consult, Opened(name, origin), SCENARIO)
        if opened.note:
            continue
        consult = after(Answered(name, value), start=opened.consult)
        given[name] = value
        new = {*to_confirm(consult, SCENARIO)} - {*before}
        assert not new or question_of(consult) in new
        while keep and (waiting := question_of(consult)) and waiting in consult.previous:
            consult = after(Answered(waiting, consult.previous[waiting]), start=consult)
        for asked in mark(consult.answers, SCENARIO).asked:
            if asked in given:
                held = consult.answers if asked in consult.answers else consult.previous
                assert held[asked] == given[asked]
                assert asked in consult.answers or asked in to_confirm(consult, SCENARIO)


def test_a_case_closed_at_its_review_card_comes_back_to_it() -> None:
    assert after(*FOUNDING, Closed(), Reopened()).phase == "reviewing"


def test_read_opioids_are_not_added_to_more_than_a_case_holds() -> None:
    consult = after(*FOUNDING[:5], Opened("opioid", "path"))
    for _ in range(MOST_ENTRIES - 1):
        consult = after(Doses("opioid", "another"), Picked("opioid", "codeine"), start=consult)
    read = after(ReadBack("opioid", ({"drug": "codeine", "strength": 30},)), start=consult)

    step = advance(read, Confirmed("add"), SCENARIO)

    assert step.note == "too many entries"
    assert step.consult == read


def test_a_drug_that_is_held_already_is_looked_at_and_not_added() -> None:
    editor = after(*FOUNDING[:5], Opened("opioid", "path"), Picked("opioid", "oxycodone"))

    assert entries(editor) == ({"drug": "oxycodone"},)
    assert editor.draft.focus == 0


def test_a_guessed_drug_is_added_to_what_is_held() -> None:
    guessed = Guessed("opioid", [{"drug": "codeine"}])
    editor = after(*FOUNDING[:5], Opened("opioid", "path"), guessed, Confirmed())

    assert [entry["drug"] for entry in entries(editor)] == ["oxycodone", "codeine"]


def test_the_place_on_the_way_counts_answers_where_no_question_is_on_it() -> None:
    at_the_end = after(*FOUNDING)
    assert at_the_end.phase == "reviewing"

    place, total = progress(at_the_end, SCENARIO)

    assert place == total == 8
