"""What is typed at a question: doses that are asked about, refusals that say why, corrections."""

from tests.bot.conftest import Conversation
from tests.bot.test_meaning import answered, said
from tests.bot.walks import FOUNDING, every, founding, summary, unharmed


async def opioid(talk: Conversation) -> str:
    """Go to the opioid question."""
    await founding(talk, 5)
    return talk.screen.text


async def doses(talk: Conversation) -> int:
    found = await every(talk, "SELECT count(*) FROM answer_change WHERE question = 'opioid'")
    return int(found[0][0])


# --- doses about which something is asked --------------------------------------------------------


async def test_a_dose_without_its_drug_is_kept_and_joined_with_it(ready: Conversation) -> None:
    await opioid(ready)

    assert "Which drug?" in await said(ready, "5/325 1-2 q6h prn max 6/day")
    assert "Typed so far: 5/325" in ready.screen.text
    read = await said(ready, "percocet")

    assert "I read this" in read
    assert "Oxycodone IR 5 mg, up to 6 a day" in read
    assert await doses(ready) == 0
    await ready.says("yes")
    assert await doses(ready) == 1


async def test_a_patch_without_its_drug_is_joined_with_the_drug_that_is_tapped(
    ready: Conversation,
) -> None:
    await opioid(ready)
    assert "Which drug?" in await said(ready, "25 mcg/h patch")

    screen = await ready.taps("Fentanyl patch")

    assert "I read this" in screen.text
    assert "60 MME/day" in screen.text


async def test_a_dose_is_joined_with_a_drug_that_was_guessed(ready: Conversation) -> None:
    await opioid(ready)
    await ready.says("10 mg TID")
    assert "Did you mean: Other opioid" in await said(ready, "name not knwn")

    await ready.says("yes")

    assert "I read this" in ready.screen.text
    assert "10 mg, 3 a day" in ready.screen.text


async def test_methadone_is_asked_what_it_is_for_and_the_answer_joined(
    ready: Conversation,
) -> None:
    await opioid(ready)
    assert "for pain, or for OUD?" in await said(ready, "methadone 90 mg daily")

    assert "I read this" in await said(ready, "for pain")
    await ready.says("no")
    assert "Typed so far" not in ready.screen.text

    await ready.says("methadone 90 mg daily")
    assert "Not entered, MAT: methadone" in await said(ready, "OUD")
    assert "Typed so far" not in ready.screen.text
    assert await doses(ready) == 0


async def test_an_absurd_dose_is_asked_about_and_can_be_said_right(ready: Conversation) -> None:
    await opioid(ready)
    assert "Which drug?" in await said(ready, "1e9 mg")
    assert "out of range" in await said(ready, "oxycodone")

    assert "45 MME/day" in await said(ready, "10 mg TID")


async def test_no_to_a_question_about_a_dose_is_not_no_opioid(ready: Conversation) -> None:
    await opioid(ready)
    await ready.says("25 mcg/h patch")

    await ready.says("no")

    assert await doses(ready) == 0


async def test_buprenorphine_is_said_once_never_to_be_counted(ready: Conversation) -> None:
    await opioid(ready)

    read = await said(ready, "butrans 20 mcg/h")

    assert read.count("never counted") == 1
    assert "cannot be calculated" not in read


async def test_kept_words_of_a_dose_are_encrypted(ready: Conversation) -> None:
    await opioid(ready)
    await ready.says("7/325 1-2 q6h prn")

    stored = await every(ready, "SELECT * FROM consult")

    assert "7/325" not in str(stored)


# --- words of the dialog at a question -----------------------------------------------------------


async def test_done_is_no_synonym_where_it_is_a_word_of_the_dialog(ready: Conversation) -> None:
    await founding(ready, 3)

    words = await said(ready, "done")

    assert "one choice is the answer" in words
    assert "Tap a choice, type it or its number" in words
    assert ("mat",) not in await answered(ready)


async def test_a_refused_skip_says_why(ready: Conversation) -> None:
    await ready.taps("Start a case")

    words = await said(ready, "skip")

    assert "cannot be skipped" in words
    assert "not assessed yet" in words
    assert "back, skip" not in words
    assert await answered(ready) == []


async def test_done_with_no_drug_says_what_is_possible(ready: Conversation) -> None:
    await opioid(ready)

    words = await said(ready, "done")

    assert "No medicine is chosen yet" in words
    assert "No opioid now" in words


async def test_a_number_is_taken_with_its_unit_and_its_name(ready: Conversation) -> None:
    await ready.taps("Settings", "Ask all questions", "‹ Back", *FOUNDING[:4], "Stable, observed")
    assert "from 1 to 400 (mg/day)" in ready.screen.text

    words = await said(ready, "eighty")
    assert "I could not match that" in words
    assert "from 1 to 400 (mg/day)" in words
    assert "from 1 to 400" in await said(ready, "methadone 5000 mg")
    await ready.says("methadone 100 mg/d")

    assert ("methadone_dose",) in await answered(ready)


async def test_a_reading_takes_only_yes_no_or_another_reading(ready: Conversation) -> None:
    await founding(ready, 2)
    await ready.says("metadone clinc")

    for word in ("skip", "not known", "done", "zzz"):
        assert "yes or no" in await said(ready, word)
    assert "Did you mean: Jail or prison?" in await said(ready, "jail")

    assert ("setting",) not in await answered(ready)


async def test_the_same_answer_typed_again_is_echoed(ready: Conversation) -> None:
    await founding(ready, 2)
    await ready.says("jail")
    await ready.says("back")
    before = ready.screen.id

    await ready.says("jail")

    settled = next(m for m in ready.me.replies if m.id == before)
    assert "✓ Setting: Jail or prison" in settled.text
    await unharmed(ready)


# --- one's own messages, edited ------------------------------------------------------------------


async def test_an_edit_that_fits_nothing_moves_nobody(ready: Conversation) -> None:
    await founding(ready, 3)
    mine = ready.me.says("buprenorphine injection")
    await ready.settles()
    assert "What is the opioid for?" in ready.screen.text

    for words in ("zzz", "back", "done", "why", "cancel"):
        ready.me.edits(mine, words)
        await ready.settles()
        assert "Nothing was changed" in ready.me.replies[-2].text
        assert "What is the opioid for?" in ready.screen.text


# --- consent, where the step is shown ------------------------------------------------------------


async def test_consent_is_asked_where_the_step_is_shown(ready: Conversation) -> None:
    await summary(ready)
    screen = await ready.taps("The step in full")
    assert "Written consent to share SUD treatment records?" in screen.text

    screen = await ready.taps("4 · Declined or revoked")

    assert "suggested coordination step" in screen.text
    assert "Written consent to share SUD treatment records?" not in screen.text
    assert ("consent",) in await answered(ready)
    await ready.taps("‹ Summary")
    assert "summary" in ready.screen.text
    await unharmed(ready)


async def test_consent_can_be_typed_where_the_step_is_shown(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("The step in full")

    await ready.says("not yet")

    assert ("consent",) in await answered(ready)


# --- answers that disagree -----------------------------------------------------------------------

DISAGREE = "Is this methadone prescribed for pain?"


async def test_a_conflict_made_from_the_summary_is_asked_about_there_once(
    ready: Conversation,
) -> None:
    await summary(ready)

    screen = await ready.taps("Change answers", "Setting", "Office-based MAT")
    assert DISAGREE in screen.text
    assert "Change: Setting" in screen.labels

    assert DISAGREE not in await said(ready, "/summary")
    screen = await ready.taps("Change answers")
    assert DISAGREE not in screen.text
    await unharmed(ready)


async def test_a_conflict_is_opened_from_the_summary(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("Change answers", "Setting", "Office-based MAT")

    screen = await ready.taps("Change: Setting", "1 · Methadone clinic")

    assert DISAGREE not in screen.text
    assert "✓ Setting: Methadone clinic" in screen.text


async def test_a_conflict_on_the_card_is_asked_about_once(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these", "Office-based MAT", *FOUNDING[3:-1])
    assert DISAGREE in ready.screen.text

    screen = await ready.taps("Duration", "Over 12 months")
    assert DISAGREE not in screen.text
    screen = await ready.taps("Show the summary")

    assert DISAGREE not in screen.text
