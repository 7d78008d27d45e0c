"""The chat as the clinician has it, through the real handler, database and HTTP."""

from tests.bot.conftest import Conversation

FOUNDING = (
    "Start a case",
    "None of these",
    "Methadone clinic",
    "1 · Methadone",
    "Flare",
    "Oxycodone",
    "3-12",
    "open-ended",
    "Pain-prescriber",
    "2 · Counselor",
    "Done",
    "Show the summary",
)


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


async def test_taps_edit_one_message(ready: Conversation) -> None:
    first = ready.screen.id
    screen = await ready.taps(*FOUNDING)

    assert screen.id == first


async def test_a_red_flag_shows_its_banner_and_nothing_else(ready: Conversation) -> None:
    screen = await ready.taps("Start a case", "☐ 1", "Done")

    assert "Possible opioid toxicity" in screen.text
    assert "Address now" not in screen.text


async def test_typed_words_answer_and_the_next_question_is_a_new_message(
    ready: Conversation,
) -> None:
    before = await ready.taps("Start a case", "None of these")

    said = await ready.says("methadone clinic (OTP)")

    assert "Which medication" in said
    assert ready.screen.id > before.id


async def test_a_sticker_is_refused_kindly(ready: Conversation) -> None:
    ready.me.sends_sticker()
    await ready.settles()

    assert "are not taken here" in ready.me.last.text


async def test_an_old_button_shows_the_way_and_changes_nothing(ready: Conversation) -> None:
    screen = await ready.taps("Start a case")
    stale = screen.has("None of these")["callback_data"]
    await ready.taps("None of these")

    ready.me.forges(stale, ready.screen)
    await ready.settles()

    assert "earlier screen" in ready.me.toasts[-1].text
    assert "Where is the client" in ready.screen.text
