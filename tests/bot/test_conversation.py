"""The chat as the clinician has it, through the real handler, database and HTTP."""

import json
from pathlib import Path

import pytest

from bot import forks, narrative
from bot.screens import versions
from dialogs.content import load_scenario, load_scenario_text
from tests.bot.conftest import Clock, Conversation, talking
from tests.bot.walks import FOUNDING, case_of, data_of, every, forged, founding, summary, unharmed
from web.emulator import Message, group, person


async def test_the_first_screen_says_what_this_is_and_what_not_to_type(
    conversation: Conversation,
) -> None:
    conversation.me.starts()
    await conversation.settles()

    assert "not end-to-end encrypted" in conversation.screen.text
    assert "You decide" in conversation.screen.text


async def test_the_founding_case_ends_in_a_plan_to_be_off_within_ninety_days(
    ready: Conversation,
) -> None:
    screen = await ready.taps(*FOUNDING)

    assert "Agree a written plan to be off within 90 days" in screen.text
    assert "a judgement call" in screen.text
    assert len(FOUNDING) - 1 == 11
    await unharmed(ready)


async def test_taps_edit_one_message(ready: Conversation) -> None:
    first = ready.screen.id
    screen = await ready.taps(*FOUNDING)

    assert screen.id == first


# --- red flags ----------------------------------------------------------------------------------


async def test_a_red_flag_shows_its_banner_and_nothing_else(ready: Conversation) -> None:
    screen = await ready.taps("Start a case", "☐ 1", "Done")

    assert "Possible opioid toxicity" in screen.text
    assert "Address now" not in screen.text


async def test_a_stopped_case_has_the_facts_to_read_out_and_a_way_back(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case", "☐ 1", "Done")

    facts = await ready.taps("Facts to read out")
    assert "last dose (date and time)" in facts.text

    screen = await ready.taps("‹ Back", "Dealt with", "None of these")
    assert "Where is the client" in screen.text


async def test_questions_of_a_stopped_case_are_not_answered(ready: Conversation) -> None:
    start = await ready.taps("Start a case")
    case = case_of(start)
    await ready.taps("☐ 1", "Done")

    toast = await forged(ready, f"1|o|{case}|mat|r|")

    assert "paused" in toast or "not possible" in toast
    assert "Possible opioid toxicity" in ready.screen.text


async def test_typed_words_do_not_lead_past_a_red_flag(ready: Conversation) -> None:
    await ready.taps("Start a case", "☐ 1", "Done")

    await ready.says("methadone")

    assert "Possible opioid toxicity" in ready.screen.text


async def test_the_red_flags_cannot_be_skipped_or_forged_away(ready: Conversation) -> None:
    screen = await ready.taps("Start a case")
    case = case_of(screen)

    for data in (f"1|s|{case}|safety_now|", f"1|keep|{case}|safety_now|"):
        assert "no longer works" in await forged(ready, data)
    await ready.says("skip")

    assert "None of these" in ready.screen.labels
    assert await every(ready, "SELECT question FROM answer_change") == []


# --- answering ----------------------------------------------------------------------------------


async def test_typed_words_answer_and_the_next_question_is_a_new_message(
    ready: Conversation,
) -> None:
    before = await ready.taps("Start a case", "None of these")

    said = await ready.says("methadone clinic (OTP)")

    assert "Which medication" in said
    assert ready.screen.id > before.id


async def test_a_settled_question_keeps_its_answer_and_loses_its_buttons(
    ready: Conversation,
) -> None:
    before = await ready.taps("Start a case", "None of these")

    await ready.says("methadone clinic (OTP)")

    settled = next(m for m in ready.me.replies if m.id == before.id)
    assert "✓ Setting" in settled.text
    assert settled.rows == []


async def test_a_small_typo_is_read_back_before_it_counts(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    said = await ready.says("metadone clinc")
    assert "Did you mean: Methadone clinic (OTP)" in said

    screen = await ready.taps("Yes")
    assert "Which medication" in screen.text


async def test_a_wrong_guess_shows_the_choices_again(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    await ready.says("metadone clinc")

    screen = await ready.taps("No, show the choices")

    assert "Where is the client" in screen.text
    assert "1 · Methadone clinic (OTP)" in screen.labels


async def test_yes_and_no_can_be_typed(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    await ready.says("metadone clinc")
    assert "Where is the client" in await ready.says("no")
    await ready.says("metadone clinc")
    assert "Which medication" in await ready.says("yes")


async def test_an_option_is_answered_by_its_number(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    assert "Which medication" in await ready.says("1")


async def test_a_number_that_no_option_has_is_answered_so(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    assert "no choice with that number" in await ready.says("99")


async def test_a_qtc_in_figures_and_a_red_flag_in_full_are_understood(
    ready: Conversation,
) -> None:
    await summary(ready)
    await ready.taps("Unknown", "ECG")
    await ready.says("500")
    assert "Same-day QTc" in ready.screen.text

    await ready.taps("Change answers", "Safety now")
    await ready.says(load_scenario().question("safety_now").option("spine").label)
    assert "stop here" in ready.screen.text


async def test_words_that_fit_nothing_ask_again_and_say_how(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    ready.me.says("purple monkey dishwasher")
    await ready.settles()

    assert "I could not match that" in ready.me.replies[-2].text
    assert "Where is the client" in ready.screen.text


async def test_emoji_and_invisible_characters_are_answered(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    for words in ("🙂🙂🙂", "\u200b\u200d\u2060", "\u202eabc", "а" * 300):
        ready.me.says(words)
        await ready.settles()

    assert "Where is the client" in ready.screen.text
    await unharmed(ready)


async def test_skip_and_not_known_read_differently_on_the_review_card(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case", "None of these", "Skip", "Not known", *FOUNDING[4:-1])

    lines = ready.screen.text.split("\n")
    assert any("Setting" in line and "skipped" in line for line in lines)
    assert any("MAT" in line and "not known" in line for line in lines)


async def test_skip_not_known_and_back_can_be_typed(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    assert "Which medication" in await ready.says("skip")
    assert "Where is the client" in await ready.says("back")
    assert "Which medication" in await ready.says("don't know")


async def test_back_never_deletes_an_answer(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these", "Methadone clinic")

    screen = await ready.taps("‹ Back")
    assert "Answered before: Methadone clinic (OTP)" in screen.text

    screen = await ready.taps("Keep it and go on")
    assert "Which medication" in screen.text


async def test_there_is_nothing_before_the_first_question(ready: Conversation) -> None:
    await ready.taps("Start a case", "‹ Back")

    assert "first question" in ready.me.toasts[-1].text


async def test_why_shows_the_reason_and_what_it_can_switch_on(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    screen = await ready.taps("Why?")
    assert "Why do you ask?" in screen.text
    assert "It can switch on" in screen.text

    screen = await ready.taps("‹ Back to the question")
    assert "Where is the client" in screen.text


async def test_why_help_and_repeat_can_be_typed(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    assert "Why do you ask?" in await ready.says("why")
    assert "What you can do here" in await ready.says("help")
    assert "Where is the client" in await ready.says("repeat")


async def test_marks_are_switched_on_and_off_and_done_counts_them(ready: Conversation) -> None:
    await ready.taps("Start a case")

    screen = await ready.taps("☐ 2", "☐ 3")
    assert "Done (2)" in screen.labels

    screen = await ready.taps("☑ 2")
    assert "Done (1)" in screen.labels
    assert "☐ 2" in screen.labels


async def test_none_of_these_replaces_marks_and_a_mark_replaces_none(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case", "☐ 2", "None of these", "‹ Back")
    assert "Done (1)" in ready.screen.labels
    assert "☑ 2" not in ready.screen.labels

    screen = await ready.taps("☐ 3")

    assert "☑ 3" in screen.labels
    assert "Done (1)" in screen.labels


async def test_done_without_a_mark_is_not_an_answer(ready: Conversation) -> None:
    await ready.taps("Start a case", "Done (0)")

    assert "Tick at least one" in ready.me.toasts[-1].text
    assert "None of these" in ready.screen.labels


async def test_marks_can_be_typed_by_number_and_added_to(ready: Conversation) -> None:
    await founding(ready, 8)
    await ready.taps("Pain-prescriber")

    said = await ready.says("2, 3")

    assert "check your answers" in said
    assert "pain-prescriber visits; Counselor check-ins; PDMP" in said


# --- opioids and doses --------------------------------------------------------------------------


async def test_a_typed_dose_is_read_back_before_it_counts(ready: Conversation) -> None:
    await founding(ready, 5)

    said = await ready.says("oxycodone 10 mg TID")
    assert "I read this" in said
    assert "45 MME/day" in said

    await ready.taps("Yes, that is right")
    assert await every(ready, "SELECT count(*) FROM answer_change WHERE question = 'opioid'") == [
        (1,)
    ]


async def test_a_dose_read_wrongly_can_be_typed_again(ready: Conversation) -> None:
    await founding(ready, 5)
    await ready.says("oxycodone 10 mg TID")

    screen = await ready.taps("No, I will type it again")

    assert "Tap the medicine" in screen.text


async def test_a_dose_can_be_added_after_the_drug_was_tapped(ready: Conversation) -> None:
    await founding(ready, 6)
    await ready.taps("+ Add a dose")

    await ready.says("10 mg three times a day")
    screen = await ready.taps("Yes, that is right")

    assert "How long" in screen.text or "Duration" in screen.text
    assert "+ Add a dose" not in screen.labels


async def test_several_opioids_are_listed_and_one_can_be_dropped(ready: Conversation) -> None:
    await founding(ready, 6)
    await ready.taps("+ Add a dose", "Add another opioid", "Tramadol")

    assert "Done (2)" in ready.screen.labels
    screen = await ready.taps("Remove Oxycodone")
    assert "Done (1)" in screen.labels

    await ready.taps("Dose of Tramadol")
    assert "50 mg" in await ready.says("50 mg q6h")


async def test_removing_the_last_opioid_shows_the_list(ready: Conversation) -> None:
    await founding(ready, 6)
    screen = await ready.taps("+ Add a dose", "Remove Oxycodone")

    assert "Hydrocodone" in screen.labels


async def test_five_opioids_are_the_most(ready: Conversation) -> None:
    await founding(ready, 6)
    await ready.taps("+ Add a dose")
    for drug in ("Hydrocodone", "Morphine", "Codeine", "Tramadol"):
        await ready.taps("Add another opioid", drug)

    await ready.taps("Add another opioid", "Tapentadol")

    assert "Five opioids are the most" in ready.me.toasts[-1].text


async def doses_of(ready: Conversation) -> list[list[object]]:
    """Return (strength, times a day) of each opioid that the case has now."""
    found = await every(ready, "SELECT answers FROM consult")
    entries = json.loads(found[0][0])["opioid"]
    return [[entry.get("strength"), entry.get("per_day")] for entry in entries]


async def with_a_dose(ready: Conversation, *, then: tuple[str, ...] = FOUNDING[6:-1]) -> Message:
    """Type the dose in the founding case, go on to ``then``, and return the message that said it."""
    await founding(ready, 5)
    mine = ready.me.says("oxycodone 10 mg tid")
    await ready.settles()
    await ready.says("yes")
    await ready.taps(*then)
    return mine


@pytest.mark.parametrize(("words", "left"), [("oxycodone 20 mg tid", 20), ("5 mg tid", 5)])
async def test_a_dose_corrected_by_editing_its_message_replaces_it(
    ready: Conversation, words: str, left: int
) -> None:
    mine = await with_a_dose(ready)

    ready.me.edits(mine, words)
    await ready.settles()
    assert "Instead of Oxycodone 10 mg, 3 a day:" in ready.screen.text
    assert "In addition, not instead" not in ready.screen.labels
    await ready.says("yes")

    assert "check your answers" in ready.screen.text
    assert await doses_of(ready) == [[left, 3]]


async def test_an_edited_message_leaves_the_other_opioids_alone(ready: Conversation) -> None:
    mine = await with_a_dose(ready)
    await ready.taps("Opioid", "Add another opioid")
    await ready.says("oxycodone ER 15 mg bid")
    assert "In addition to Oxycodone 10 mg, 3 a day:" in ready.screen.text
    assert "All opioids together: 90 MME/day" in ready.screen.text
    await ready.taps("Yes, that is right")
    assert await doses_of(ready) == [[10, 3], [15, 2]]

    ready.me.edits(mine, "morphine 15 mg qid")
    await ready.settles()
    await ready.taps("Yes, that is right")
    assert await doses_of(ready) == [[15, 4], [15, 2]]

    ready.me.edits(mine, "tramadol")
    await ready.settles()
    assert "Instead of Morphine 15 mg, 4 a day:" in ready.screen.text
    await ready.taps("Yes, that is right")
    assert await doses_of(ready) == [[None, None], [15, 2]]


async def test_a_dose_typed_at_the_entry_in_focus_replaces_it(ready: Conversation) -> None:
    await with_a_dose(ready, then=FOUNDING[6:])

    await ready.taps("Change answers", "Opioid", "Dose of Oxycodone")
    said = await ready.says("oxycodone 20 mg tid")
    assert "Instead of Oxycodone 10 mg, 3 a day:" in said
    screen = await ready.taps("Yes, that is right")

    assert "90 MME/day" in screen.text
    assert "135 MME/day" not in screen.text


async def test_the_same_drug_can_be_added_where_that_is_meant(ready: Conversation) -> None:
    await with_a_dose(ready)
    await ready.taps("Opioid")
    await ready.says("oxycodone 20 mg tid")

    await ready.taps("In addition, not instead")

    assert await doses_of(ready) == [[10, 3], [20, 3]]


async def test_a_drug_typed_at_the_list_is_added_and_no_dose_is_lost(ready: Conversation) -> None:
    await with_a_dose(ready)
    await ready.taps("Opioid")

    await ready.says("tramadol")
    assert "Done (2)" in ready.screen.labels
    await ready.taps("Done (2)", "Opioid")
    await ready.says("tramdol")
    await ready.taps("Yes")
    await ready.taps("Done (2)", "Opioid")
    assert await doses_of(ready) == [[10, 3], [None, None]]
    said = await ready.says("none")

    assert "Instead of Oxycodone 10 mg, 3 a day; Tramadol:" in said
    await ready.taps("No, I will type it again", "Done (2)")
    assert await doses_of(ready) == [[10, 3], [None, None]]


async def test_an_absurd_dose_is_answered_and_changes_nothing(ready: Conversation) -> None:
    await founding(ready, 5)

    for words in ("oxycodone 1e9 mg", "oxycodone 10 mg oxycodone 20 mg TID", "10 mg TID", "-5 mg"):
        ready.me.says(words)
        await ready.settles()

    assert await every(ready, "SELECT 1 FROM answer_change WHERE question = 'opioid'") == []
    await unharmed(ready)


async def test_a_drug_that_is_only_named_needs_no_dose(ready: Conversation) -> None:
    await founding(ready, 5)

    said = await ready.says("oxycodone")

    assert "+ Add a dose" in ready.screen.labels
    assert "How long" in said or "Duration" in said


async def test_a_misspelt_drug_is_read_back(ready: Conversation) -> None:
    await founding(ready, 5)

    assert "Did you mean: Oxycodone?" in await ready.says("oxycdone")
    await ready.taps("Yes")

    assert "+ Add a dose" in ready.screen.labels


async def test_a_number_is_typed_and_its_range_is_kept(ready: Conversation) -> None:
    await ready.taps("Settings", "Ask all questions", "‹ Back", *FOUNDING[:4], "Stable, observed")

    assert "Please type a number" in await ready.says("5000")
    ready.me.says("80 mg")
    await ready.settles()

    assert await every(ready, "SELECT 1 FROM answer_change WHERE question = 'methadone_dose'") == [
        (1,)
    ]


# --- the review card and changes ----------------------------------------------------------------


async def test_an_answer_is_changed_from_the_review_card_and_one_is_back(
    ready: Conversation,
) -> None:
    await founding(ready, 11)

    screen = await ready.taps("Duration", "Over 12 months")

    assert "check your answers" in screen.text
    assert "Over 12 months" in screen.text


async def test_an_answer_is_changed_from_the_summary_in_three_taps(ready: Conversation) -> None:
    await summary(ready)

    screen = await ready.taps("Change answers", "Duration", "Over 12 months")

    assert "What your change did" in screen.text


async def test_back_on_a_question_opened_from_the_card_returns_to_the_card(
    ready: Conversation,
) -> None:
    await founding(ready, 11)
    await ready.taps("Duration")

    screen = await ready.taps("‹ Back")

    assert "check your answers" in screen.text


async def test_an_answer_that_no_longer_applies_returns_as_the_default(
    ready: Conversation,
) -> None:
    await ready.taps("Settings", "Ask all questions", "‹ Back")
    await founding(ready, 4)
    await ready.taps("Stable, observed", "‹ Back", "‹ Back")
    await ready.taps("Buprenorphine, daily", "‹ Back")

    screen = await ready.taps("1 · Methadone")

    assert "Answered before" in screen.text
    assert "Keep the answer before" in screen.labels


async def test_an_answer_lost_by_a_mis_tap_is_put_again_and_kept_in_sight(
    ready: Conversation,
) -> None:
    await summary(ready)
    await ready.taps("Unknown", "ECG", "500 ms or more")
    assert "Same-day QTc" in ready.screen.text
    await ready.taps("Change answers", "MAT", "remission")

    screen = await ready.taps("Change answers", "MAT", "1 · Methadone")
    assert "Answered before: 500 ms or more" in screen.text
    assert "Answered before: 500 ms or more" in await ready.says("/summary")

    again = case_of(ready.screen)
    await ready.taps("‹ Back", "Keep it and go on", "Keep the answer before")
    assert "Same-day QTc" in ready.screen.text
    await forged(ready, f"1|rev|{again}|")
    assert "was: 500 ms" not in ready.screen.text


async def test_an_answer_that_was_not_confirmed_stands_first_on_card_and_summary(
    ready: Conversation,
) -> None:
    await summary(ready)
    await ready.taps("Unknown", "ECG", "500 ms or more", "Change answers", "MAT", "remission")
    case = case_of(await ready.taps("Change answers", "MAT", "1 · Methadone"))

    await forged(ready, f"1|rev|{case}|")
    assert "1. QTc: was: 500 ms or more; confirm" in ready.screen.text
    await forged(ready, f"1|f|{case}|")
    assert "• ECG (was: 500 ms or more; confirm)" in ready.screen.text
    await ready.taps("Unknown")
    assert "ECG (was: 500 ms or more; confirm)" in ready.screen.text
    screen = await ready.taps("ECG", "Keep the answer before")

    assert "Same-day QTc" in screen.text


async def test_editing_ones_own_message_corrects_the_answer(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    mine = ready.me.says("methadone clinic")
    await ready.settles()
    assert "Which medication" in ready.screen.text

    ready.me.edits(mine, "hospital inpatient")
    await ready.settles()

    assert "Which medication" in ready.screen.text
    assert await every(ready, "SELECT count(*) FROM answer_change WHERE question = 'setting'") == [
        (2,)
    ]


async def test_editing_after_the_summary_says_what_the_change_did(ready: Conversation) -> None:
    await founding(ready, 6)
    mine = ready.me.says("3-12 months")
    await ready.settles()
    await ready.taps(*FOUNDING[7:])

    ready.me.edits(mine, "under 1 month")
    await ready.settles()

    assert "What your change did" in ready.screen.text


async def test_a_dose_added_at_the_summary_is_told_with_its_mme(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("+ Add a dose")

    await ready.says("10 mg TID")
    screen = await ready.taps("Yes, that is right")

    assert "MME: cannot calculate → 45 MME/day" in screen.text
    assert "Changed: nothing" not in screen.text


async def test_an_edited_message_that_was_no_answer_is_answered(ready: Conversation) -> None:
    mine = ready.me.says("hello there")
    await ready.settles()

    ready.me.edits(mine, "hello again")
    await ready.settles()

    assert "Only answers you typed" in ready.me.last.text


async def test_an_edit_that_fits_nothing_changes_nothing(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    mine = ready.me.says("methadone clinic")
    await ready.settles()

    ready.me.edits(mine, "purple monkey dishwasher")
    await ready.settles()

    assert any("Nothing was changed" in m.text for m in ready.me.replies)
    assert await every(ready, "SELECT count(*) FROM answer_change WHERE question = 'setting'") == [
        (1,)
    ]


async def test_an_edit_for_a_closed_case_changes_nothing(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    mine = ready.me.says("methadone clinic")
    await ready.settles()
    await ready.says("/cancel")
    await ready.taps("Yes, stop it")

    ready.me.edits(mine, "hospital inpatient")
    await ready.settles()

    assert "has ended; nothing was changed" in ready.me.last.text


async def test_answers_that_disagree_are_asked_about_on_the_card_and_do_not_block(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case", "None of these", "Office-based MAT", *FOUNDING[3:-1])

    assert "Is this methadone prescribed for pain?" in ready.screen.text
    assert any(label.endswith("Setting ?") for label in ready.screen.labels)

    screen = await ready.taps("Show the summary")
    assert "summary" in screen.text


# --- buttons that are old, tapped twice, forged or foreign ---------------------------------------


async def test_an_old_button_shows_the_way_and_changes_nothing(ready: Conversation) -> None:
    screen = await ready.taps("Start a case")
    stale = data_of(screen, "None of these")
    await ready.taps("None of these")

    assert "earlier screen" in await forged(ready, stale)
    assert "Where is the client" in ready.screen.text


async def test_a_double_tap_answers_once(ready: Conversation) -> None:
    await ready.taps("Start a case")
    screen = ready.screen
    for _ in range(2):
        ready.me.forges(data_of(screen, "None of these"), screen)
    await ready.settles()

    assert "Where is the client" in ready.screen.text
    assert await every(ready, "SELECT count(*) FROM answer_change") == [(1,)]
    await unharmed(ready)


async def test_a_tap_on_an_older_message_moves_the_screen_to_the_bottom(
    ready: Conversation,
) -> None:
    older = await ready.taps("Start a case")
    case = case_of(older)
    await ready.says("/help")

    ready.me.forges(f"1|go|{case}|", older)
    await ready.settles()

    assert ready.screen.id > older.id
    assert "None of these" in ready.screen.labels
    assert next(m for m in ready.me.replies if m.id == older.id).rows == []


FORGERIES = (
    "",
    "garbage",
    "2|a|x|y|1",
    "1|zzz||",
    "1|a|{case}|safety_now|nonsense|",
    "1|a|{case}|opioid|oxycodone|",
    "1|a|{case}|nonsense|none|",
    "1|m|{case}|safety_now|none|1|",
    "1|m|{case}|setting|otp|1|",
    "1|d|{case}|setting|",
    "1|d|{case}|nonsense|",
    "1|u|{case}|role|",
    "1|pick|{case}|setting|otp|",
    "1|dose|{case}|focus|x|",
    "1|dose|{case}|burn|1|",
    "1|keep|{case}|nonsense|",
    "1|go|zzzzzzzz|",
    "1|go||",
    "1|role||emperor|",
    "1|pl|{case}|days|1|",
    "1|plan|{case}|",
    "1|dis|{case}|0|",
    "1|conf|{case}|",
    "1|due|{case}|abc|",
    "1|out|{case}|00000000000000000000000000000000|on_plan|",
    "1|msg|{case}|",
    "1|note|{case}|",
    "1|ics|{case}|",
    "1|sug|{case}|0|1|",
    "1|held||abcdefgh|go|",
    "1|forget||",
    "1|fork|{case}|",
    "1|cmp|{case}|",
    "1|today|{case}|",
    "1|del|{case}|yes|",
)


async def test_forged_data_leads_nowhere_and_is_answered(ready: Conversation) -> None:
    case = case_of(await ready.taps("Start a case"))

    for data in FORGERIES:
        assert "no longer works" in await forged(ready, data.format(case=case)), data

    assert await every(ready, "SELECT 1 FROM answer_change") == []
    await unharmed(ready)


async def test_forged_numbers_beyond_all_bounds_do_no_harm(ready: Conversation) -> None:
    screen = await summary(ready)
    case, many = case_of(screen), "9" * 39

    for data in (
        f"1|cases||{many}|",
        f"1|v|{case}|all|{many}|",
        f"1|v|{case}|gaps|{many}|",
        f"1|v|{case}|depends|{many}|",
        f"1|v|{case}|nonsense|",
        f"1|v|{case}|why|nonsense|",
        f"1|dis|{case}|{many}|{many}|done|",
        f"1|dose|{case}|focus|{many}|",
        f"1|set||zone|{many}|",
        "1|set||nonsense|",
        f"1|conf|{case}|before|7|",
        f"1|plan|{case}|",
        f"1|pl|{case}|decided|alt{many}|",
    ):
        await forged(ready, data)

    await unharmed(ready)


async def test_a_case_of_somebody_else_leaks_nothing_and_the_try_is_on_record(
    ready: Conversation,
) -> None:
    screen = await summary(ready)
    case, secret = case_of(screen), screen.text.split("\n")[0]
    other = person(ready.emulator, 777, "Bo")
    other.starts()
    await ready.settles()
    await ready.taps("I am a clinician", "Counselor", who=other)

    for verb in ("go", "v", "o", "rev", "close", "del", "fork", "msg", "note", "plan", "ask"):
        other.forges(f"1|{verb}|{case}|step|", other.screen)
        await ready.settles()
        assert "no longer works" in other.toasts[-1].text

    assert not any(secret in message.text for message in other.replies)
    denied = await every(ready, "SELECT count(*) FROM audit_event WHERE outcome = 'denied'")
    assert denied == [(11,)]
    assert other.spinning == []
    await unharmed(ready)


async def test_a_made_up_case_and_a_foreign_one_look_the_same(ready: Conversation) -> None:
    case = case_of(await summary(ready))
    other = person(ready.emulator, 777, "Bo")
    other.starts()
    await ready.settles()
    await ready.taps("I am a clinician", "Counselor", who=other)

    for short in (case, "abcdefgh"):
        other.forges(f"1|go|{short}|", other.screen)
        await ready.settles()

    assert other.toasts[-1].text.startswith(other.toasts[-2].text)


# --- what else people send ----------------------------------------------------------------------


async def test_a_sticker_is_refused_kindly(ready: Conversation) -> None:
    ready.me.sends_sticker()
    await ready.settles()

    assert "are not taken here" in ready.me.last.text


async def test_every_kind_of_media_is_answered_and_nothing_downloaded(
    ready: Conversation,
) -> None:
    before = len(ready.me.replies)
    ready.me.sends_photo("John Smith, born 03/04/1971")
    ready.me.sends_voice()
    ready.me.sends_document()
    ready.me.sends_location()
    ready.me.sends_contact()
    ready.me.sends_poll()
    await ready.settles()

    assert len(ready.me.replies) == before + 6
    assert ready.emulator.sent("getFile") == []
    await unharmed(ready)


async def test_an_unknown_command_is_answered_with_the_list(ready: Conversation) -> None:
    ready.me.says("/frobnicate")
    await ready.settles()

    assert "I do not know that command" in ready.me.replies[-2].text
    assert "/cases" in ready.screen.text


async def test_a_paste_of_many_thousand_characters_is_answered(ready: Conversation) -> None:
    ready.me.says("pain and more pain " * 500)
    await ready.settles()

    assert "could not" in ready.me.replies[-2].text or ready.screen.rows
    await unharmed(ready)


async def test_an_unknown_deep_link_is_answered(ready: Conversation) -> None:
    ready.me.starts("nonsense")
    await ready.settles()

    assert any("does not work any more" in m.text for m in ready.me.replies)


async def test_talk_in_a_group_is_neither_stored_nor_answered(ready: Conversation) -> None:
    everybody = group(ready.emulator, "Team", [ready.me])
    everybody.adds_bot(ready.me, admin=True)
    await ready.settles()
    rows = await ready.count("transcript")
    here = ready.me.in_group(everybody)
    before = len(here.replies)

    here.says("Mr Smith, 080-12-3456")
    await ready.settles()

    assert await ready.count("transcript") == rows
    assert len(here.replies) == before


async def test_a_command_in_a_group_points_to_the_private_chat(ready: Conversation) -> None:
    everybody = group(ready.emulator, "Team", [ready.me])
    everybody.adds_bot(ready.me)
    here = ready.me.in_group(everybody)

    here.says("/new")
    await ready.settles()
    assert "private chat" in here.last.text

    here.says("/new John Smith, born 03/04/1971")
    await ready.settles()
    assert "not recorded" in here.last.text
    assert "▒" not in here.last.text


# --- several cases ------------------------------------------------------------------------------


async def test_typed_words_that_could_mean_two_cases_ask_which(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    first = ready.screen.text.split("·")[0]
    await ready.says("/new")
    await ready.taps("None of these")
    await ready.says("/help")

    said = await ready.says("methadone clinic")
    assert "Which case do you mean?" in said

    screen = await ready.taps(first.strip())
    assert "Where is the client" in screen.text
    assert await every(ready, "SELECT 1 FROM answer_change WHERE question = 'setting'") == []


async def test_typed_words_bring_the_only_case_that_waits_and_do_not_answer_it(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case", "None of these")
    await ready.says("/help")

    await ready.says("methadone clinic")
    assert "Where is the client" in ready.screen.text
    assert "not taken as an answer" in ready.me.replies[-2].text

    assert "Which medication" in await ready.says("methadone clinic")


async def test_cases_are_listed_with_state_and_age_in_pages(ready: Conversation) -> None:
    for _ in range(9):
        await ready.says("/new")
    await ready.taps("None of these")
    ready.clock.moves(minutes=5)

    said = await ready.says("/cases")
    assert said.count("question 1 of 8") == 7
    assert "5 min ago" in said
    screen = await ready.taps("Older ›")
    assert "‹ Newer" in screen.labels

    ready.clock.moves(hours=3)
    assert "3 h ago" in await ready.says("/cases")
    ready.clock.moves(days=4)
    assert "4 d ago" in await ready.says("/cases")


async def test_without_a_case_the_list_and_resume_offer_to_start_one(
    ready: Conversation,
) -> None:
    assert "No case yet" in await ready.says("/cases")
    assert "No case yet" in await ready.says("/resume")
    assert "No case yet" in await ready.says("/summary")


async def test_marks_half_ticked_are_kept_when_one_switches_cases(ready: Conversation) -> None:
    first = case_of(await ready.taps("Start a case", "☐ 3"))
    await ready.says("/new")

    await forged(ready, f"1|go|{first}|")

    assert "☑ 3" in ready.screen.labels


# --- how a case ends ----------------------------------------------------------------------------


async def test_cancel_asks_first_and_keeps_the_answers(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")

    await ready.says("/cancel")
    screen = await ready.taps("No, go on")
    assert "Where is the client" in screen.text

    await ready.says("cancel")
    screen = await ready.taps("Yes, stop it")
    assert "was stopped" in screen.text

    screen = await ready.taps("Open it again")
    assert "Where is the client" in screen.text


async def test_a_case_stopped_on_the_review_card_is_opened_again_there(
    ready: Conversation,
) -> None:
    await founding(ready, 11)
    await ready.says("/cancel")

    screen = await ready.taps("Yes, stop it", "Open it again")

    assert "check your answers" in screen.text
    await unharmed(ready)


async def test_cancel_without_a_case_says_so(ready: Conversation) -> None:
    assert "No case is open here" in await ready.says("/cancel")


async def test_a_closed_case_is_opened_again_at_its_summary(ready: Conversation) -> None:
    await summary(ready)

    screen = await ready.taps("Close the case", "Yes, close it")
    assert "is closed" in screen.text

    screen = await ready.taps("Open it again")
    assert "Agree a written plan" in screen.text


async def test_closing_twice_is_harmless(ready: Conversation) -> None:
    case = case_of(await summary(ready))
    await ready.taps("Close the case", "Yes, close it")

    assert "ended" in await forged(ready, f"1|close|{case}|")
    assert "ended" in await forged(ready, f"1|x|{case}|")
    await ready.taps("Open it again")
    assert "not possible" in await forged(ready, f"1|reopen|{case}|")


async def test_an_ended_case_is_deleted_for_good_after_a_question(ready: Conversation) -> None:
    case = case_of(await summary(ready))
    await ready.taps("Close the case", "Yes, close it")

    screen = await ready.taps("Delete this case", "No, keep it")
    assert "is closed" in screen.text

    await ready.taps("Delete this case", "Yes, delete it")

    assert "was deleted" in ready.me.toasts[-1].text
    assert await every(ready, "SELECT 1 FROM answer_change") == []
    assert "no longer works" in await forged(ready, f"1|go|{case}|")
    assert "No case yet" in await ready.says("/cases")
    await unharmed(ready)


async def test_words_after_a_deleted_case_are_answered(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("Close the case", "Yes, close it", "Delete this case", "Yes, delete it")

    ready.me.says("methadone")
    await ready.settles()

    await unharmed(ready)


# --- restarts, duplicates -----------------------------------------------------------------------


async def test_resume_after_a_restart_shows_the_same_question(tmp_path: Path) -> None:
    clock = Clock()
    async with talking(tmp_path, clock) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor", *FOUNDING[:4])
        text, emulator = talk.screen.text, talk.emulator

    async with talking(tmp_path, clock, emulator) as again:
        await again.says("/resume")
        assert again.screen.text.split("\n")[-1] == text.split("\n")[-1]

        screen = await again.taps(*FOUNDING[4:])
        assert "Agree a written plan" in screen.text
        await unharmed(again)


async def test_what_was_tapped_while_the_bot_was_down_is_answered(tmp_path: Path) -> None:
    clock = Clock()
    async with talking(tmp_path, clock) as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor", "Start a case")
        emulator = talk.emulator
        me = talk.me

    me.taps("None of these")
    async with talking(tmp_path, clock, emulator) as again:
        await again.settles()

        assert "Where is the client" in again.screen.text
        await unharmed(again)


async def test_an_update_that_comes_twice_counts_once(ready: Conversation) -> None:
    await ready.taps("Start a case")
    ready.emulator.faults.next("duplicate", times=3)

    await ready.taps("☐ 3", "☐ 4")
    await ready.says("back")

    rows = "SELECT count(*), count(DISTINCT update_id) FROM transcript WHERE direction = 'in'"
    [(handled, distinct)] = await every(ready, rows)
    assert handled == distinct
    assert ready.emulator.faults.counts["duplicate"] > 0
    await unharmed(ready)


# --- what-if cases and other versions -----------------------------------------------------------


async def test_a_what_if_case_is_marked_everywhere_and_compared(ready: Conversation) -> None:
    await summary(ready)
    screen = await ready.taps("It depends", "Try one as a what-if case")
    assert "What-if case" in screen.text
    assert "Record a plan" not in screen.labels

    screen = await ready.taps("Compare with the real case")
    assert "The answers are the same" in screen.text
    assert "Step, the same" in screen.text

    await ready.taps("‹ Summary", "Change answers")
    assert "what-if" in ready.screen.text
    await ready.taps("Duration", "Not started yet")
    screen = await ready.taps("Compare with the real case")

    assert "3-12 months → Not started" in screen.text
    assert "+ only in" in screen.text
    assert "− only in" in screen.text
    await unharmed(ready)


async def test_a_what_if_case_is_marked_where_it_ends_and_is_handed_to_nobody(
    ready: Conversation,
) -> None:
    await summary(ready)
    fork = case_of(await ready.taps("It depends", "Try one as a what-if case"))

    screen = await ready.taps("Close the case")
    assert "(what-if)?" in screen.text
    assert "Hand it to a colleague" not in screen.labels
    assert "Reviews to come" not in screen.text
    assert "no longer works" in await forged(ready, f"1|hand|{fork}|")

    await ready.says("/cases")
    assert sum(label.endswith("· what-if") for label in ready.screen.labels) == 1
    await ready.taps("what-if")
    await ready.says("/cancel")
    assert "(what-if)?" in ready.screen.text
    await ready.taps("Yes, stop it", "Delete this case", "Yes, delete it")
    assert "(what-if) was deleted" in ready.me.toasts[-1].text


async def test_a_real_case_can_still_be_handed_on_where_it_is_closed(ready: Conversation) -> None:
    await summary(ready)
    screen = await ready.taps("Close the case")

    assert "Hand it to a colleague" in screen.labels
    assert "what-if" not in screen.text


async def test_a_what_if_case_leaves_the_real_one_as_it_is(ready: Conversation) -> None:
    real = case_of(await summary(ready))
    await ready.taps("It depends", "Try one as a what-if case")
    await ready.taps("Change answers", "Duration", "Not started yet")

    await forged(ready, f"1|v|{real}|home|")

    assert "Agree a written plan" in ready.screen.text
    forks = await every(ready, "SELECT count(*) FROM answer_change WHERE via = 'fork'")
    assert forks[0][0] >= 9
    assert "what-if" in await ready.says("/cases")


async def test_a_what_if_case_is_neither_planned_nor_sent(ready: Conversation) -> None:
    await summary(ready)
    fork = case_of(await ready.taps("It depends", "Try one as a what-if case"))

    for verb in ("plan", "msg", "note", "ics"):
        assert "no longer works" in await forged(ready, f"1|{verb}|{fork}|")
    screen = await ready.taps("The step in full")
    assert "Message to the colleague" not in screen.labels


async def test_a_what_if_case_outlives_the_real_one(ready: Conversation) -> None:
    real = case_of(await summary(ready))
    await ready.taps("It depends", "Try one as a what-if case")
    await forged(ready, f"1|close|{real}|")
    await forged(ready, f"1|del|{real}|yes|")
    await ready.says("/cases")
    await ready.taps("summary ready")

    await ready.taps("Compare with the real case")

    assert "nothing to compare" in ready.me.toasts[-1].text
    await unharmed(ready)


# --- a newer version of the content -------------------------------------------------------------


async def test_a_case_keeps_its_version_and_shows_what_would_differ_today(
    ready: Conversation,
) -> None:
    screen = await summary(ready)
    assert "What would differ today" not in screen.labels
    then = ready.service.scenarios.current
    body = then.body.replace(f'version = "{then.version}"', 'version = "99"', 1)
    body = body.replace(then.question("setting").prompt, "Where is the client now?", 1)
    ready.service.scenarios.current = load_scenario_text(body)

    await ready.says("/summary")
    screen = await ready.taps("What would differ today")

    assert "Today, version 99" in screen.text or "Step, the same" in screen.text
    assert "asked differently" in screen.text
    await ready.taps("‹ Summary")
    assert "Where is the client" in (await ready.taps("Change answers", "Setting")).text
    assert "Where is the client now?" not in ready.screen.text
    await unharmed(ready)


def test_what_changed_between_two_versions_is_named() -> None:
    then = load_scenario()
    first, *rest = then.questions
    renamed = first.model_copy(update={"id": "other", "short": "Something new"})
    now = then.model_copy(update={"questions": (renamed, *rest)})

    words = versions.changed_questions(then, now, ("mat", "gone"), str)

    assert f"− {first.short}" in words
    assert "+ Something new" in words
    assert "no longer one of the choices" in words
    assert versions.changed_questions(then, then, (), str) == ""


def test_an_answer_that_today_has_no_place_for_is_left_out() -> None:
    kept, lost = forks.still_valid({"mat": "methadone", "setting": "moon"}, load_scenario())

    assert kept == {"mat": "methadone"}
    assert lost == ("setting",)


async def test_help_leads_back_to_the_case(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    before = ready.screen.text
    await ready.says("/help")

    screen = await ready.taps("‹ Case")

    assert screen.text.splitlines()[0] == before.splitlines()[0]


async def test_what_was_read_and_is_to_be_changed_is_asked_right_after_safety(
    ready: Conversation,
) -> None:
    await ready.says(
        "Client is on methadone at our OTP. Takes oxycodone 10 mg TID for chronic low back pain "
        "and gabapentin 300 mg at night."
    )
    labels = ready.screen.labels
    place = next(n for n in range(1, len(labels)) if f"{n}. Sedatives" in ready.screen.text)
    await ready.taps(f"✎ {place} change", "Go on with the questions")
    assert "any of these right now" in ready.screen.text
    assert "taken over" not in ready.screen.text

    screen = await ready.taps("None of these")

    assert "sedat" in screen.text.lower()
    await unharmed(ready)


async def test_a_paste_that_telegram_splits_is_read_as_one_case(ready: Conversation) -> None:
    told = "Client is on methadone at our OTP for OUD. " + "He works as a roofer. " * 180
    ready.me.says(told + "He takes oxycodone 10 mg TID and lorazepam at night.")
    await ready.settles()

    screen = await ready.taps("All of it is right")

    assert len(await every(ready, "SELECT 1 FROM consult")) == 1
    assert "Answers taken over: 4" in screen.text
    await unharmed(ready)


async def test_what_two_parts_tell_in_two_ways_is_asked() -> None:
    def read(question: str, value: object) -> dict[str, object]:
        return {"q": question, "v": value, "w": str(value), "on": None}

    earlier = [read("mat", "methadone"), read("cns", ["gaba"]), read("setting", "otp")]
    later = [read("mat", "bup_sl"), read("cns", ["gaba", "benzo"]), read("setting", "otp")]

    kept = {each["q"]: each["v"] for each in narrative.joined(earlier, later)}

    assert kept == {"cns": ["gaba", "benzo"], "setting": "otp"}
