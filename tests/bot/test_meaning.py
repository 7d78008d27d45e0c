"""Typed words are understood by the screen that stands in the chat, whatever its kind."""

import pytest

from bot.callbacks import encode
from bot.present import names
from bot.screen import Button, Screen
from storage import transcript
from storage.transcript import Outgoing
from tests.bot.conftest import Conversation
from tests.bot.walks import FOUNDING, every, founding, summary, unharmed

TOLD = (
    "Client is on methadone at our OTP. Takes oxycodone 10 mg TID for chronic low back pain and "
    "gabapentin 300 mg at night."
)
SOFT = "ask Rose"
"""Words in which the guard finds a possible name."""


async def answered(talk: Conversation) -> list[tuple[str, ...]]:
    return await every(talk, "SELECT DISTINCT question FROM answer_change")


async def said(talk: Conversation, text: str) -> str:
    """Send words and return all that was said since."""
    before = {message.id for message in talk.me.replies}
    await talk.says(text)
    return "\n".join(m.text for m in talk.me.replies if m.id not in before)


# --- a screen that is no question takes no answer to one -----------------------------------------

WORDS = ("no", "none", "yes", "1", "not assessed yet", "skip", "sedated", "done", "zzz")


@pytest.mark.parametrize("word", WORDS)
async def test_words_at_a_held_back_text_do_not_answer_the_red_flags(
    ready: Conversation, word: str
) -> None:
    await ready.taps("Start a case")
    await ready.says(SOFT)

    await ready.says(word)

    assert await answered(ready) == []
    await unharmed(ready)


@pytest.mark.parametrize("word", WORDS)
async def test_words_at_the_question_whether_to_stop_do_not_answer_the_red_flags(
    ready: Conversation, word: str
) -> None:
    await ready.taps("Start a case")
    await ready.says("cancel")

    await ready.says(word)

    assert await answered(ready) == []
    await unharmed(ready)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("page", ["/help", "why", "/lines", "/settings", "/cases", "/privacy"])
async def test_words_at_a_page_do_not_answer_the_red_flags(
    ready: Conversation, page: str, word: str
) -> None:
    await ready.taps("Start a case")
    await ready.says(page)

    await ready.says(word)

    assert await answered(ready) == []
    await unharmed(ready)


@pytest.mark.parametrize("word", ["no", "none", "1", "zzz", "skip", "not assessed yet"])
async def test_words_at_what_was_read_do_not_answer_the_red_flags_and_lose_nothing(
    ready: Conversation, word: str
) -> None:
    await ready.says(TOLD)

    await ready.says(word)

    assert await answered(ready) == []
    assert "is this right?" in ready.screen.text
    assert "All of it is right" in ready.screen.labels
    await unharmed(ready)


async def test_the_question_comes_back_after_a_page_and_says_so(ready: Conversation) -> None:
    await ready.taps("Start a case", "Why?")

    words = await said(ready, "no")
    assert "not taken as an answer" in words
    assert "any of these right now" in ready.screen.text

    await ready.says("no")
    assert await answered(ready) == [("safety_now",)]


async def test_words_written_before_the_question_came_are_no_answer_to_it(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case")
    ready.me.says("none")
    ready.me.says("none")
    await ready.settles()

    assert await answered(ready) == [("safety_now",)]
    assert "Where is the client" in ready.screen.text


async def test_a_question_below_which_another_message_asks_is_shown_again_first(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case")
    notice = Outgoing(
        chat_id=ready.me.chat.id,
        method="sendMessage",
        params=Screen("Post cards there?", ((Button("No", encode("tml")),),)).params(),
    )
    await ready.service.database.write(lambda tx: transcript.enqueue(tx, notice))
    ready.service.outbox.soon(ready.me.chat.id)
    await ready.settles()

    assert "not taken as an answer" in await said(ready, "no")
    assert await answered(ready) == []

    await ready.says("no")
    assert await answered(ready) == [("safety_now",)]


# --- a screen's own yes and no -------------------------------------------------------------------


async def test_yes_uses_held_words_and_no_drops_them(ready: Conversation) -> None:
    await founding(ready, 2)
    await ready.says(SOFT)
    assert "Dropped" in await said(ready, "no")
    assert "Where is the client" in ready.screen.text

    await ready.says(SOFT)
    assert "I could not match that" in await said(ready, "yes")
    assert await every(ready, "SELECT 1 FROM expecting") == []
    assert await answered(ready) == [("safety_now",)]


async def test_held_words_are_asked_about_before_anything_else(ready: Conversation) -> None:
    await founding(ready, 2)
    await ready.says(SOFT)

    words = await said(ready, "methadone clinic")

    assert "Please answer this first" in words
    assert "Use it as it is?" in ready.screen.text


async def test_a_case_written_again_takes_the_place_of_the_held_one(ready: Conversation) -> None:
    await ready.taps("Describe the case in words")
    await ready.says("Methadone at our OTP, oxycodone for back pain since Christmas Eve.")
    assert "Use it as it is?" in ready.screen.text

    await ready.says("On methadone at our OTP. Takes oxycodone 10 mg TID for back pain.")

    assert "is this right?" in ready.screen.text
    await unharmed(ready)


async def test_what_was_read_stays_when_words_were_held_back_and_dropped(
    ready: Conversation,
) -> None:
    await ready.says(TOLD)
    await ready.says(SOFT)
    await ready.says("ask Lily")

    await ready.says("no")

    assert "All of it is right" in ready.screen.labels
    screen = await ready.taps("All of it is right")
    assert "taken over" in screen.text


async def test_yes_stops_a_case_and_no_goes_on(ready: Conversation) -> None:
    await ready.taps("Start a case")
    await ready.says("cancel")
    await ready.says("no")
    assert "any of these right now" in ready.screen.text

    await ready.says("cancel")
    await ready.says("yes")

    assert "was stopped" in ready.screen.text
    assert await answered(ready) == []


async def test_what_was_read_is_marked_by_words(ready: Conversation) -> None:
    await ready.says(TOLD)
    assert "2 wrong" in await said(ready, "no")

    await ready.says("wrong 2")
    assert "(wrong)" in ready.screen.text
    await ready.says("1, 3 right")
    assert ready.screen.text.count("(right)") == 2
    await ready.says("99 right")
    assert "is this right?" in ready.screen.text

    await ready.says("yes")

    assert "taken over" in ready.screen.text
    assert "any of these right now" in ready.screen.text


async def test_what_was_read_outlasts_help_and_a_question_whether_to_stop(
    ready: Conversation,
) -> None:
    await ready.says(TOLD)
    await ready.says("/help")
    await ready.taps("‹ Case")
    assert "is this right?" in ready.screen.text

    await ready.says("cancel")
    await ready.says("no")
    assert "is this right?" in ready.screen.text

    await ready.says("done")

    assert "any of these right now" in ready.screen.text


async def test_a_second_text_about_the_case_adds_to_what_was_read(ready: Conversation) -> None:
    await ready.says(TOLD)
    before = ready.screen.text

    await ready.says(
        "He has been on the oxycodone for two years. He drinks alcohol most days of the week, and he "
        "has sleep apnea which is not treated at all at the moment."
    )

    assert "is this right?" in ready.screen.text
    assert len(ready.screen.text) > len(before)


async def test_words_of_the_dialog_do_what_the_buttons_of_a_page_do(ready: Conversation) -> None:
    await founding(ready, 3)
    await ready.taps("Why?")

    await ready.says("back")

    assert "Which medication" in ready.screen.text


async def test_a_button_of_a_page_is_typed(ready: Conversation) -> None:
    await summary(ready)

    assert "it depends" in (await said(ready, "it depends")).lower()
    await ready.says("back")
    assert "summary" in ready.screen.text
    await ready.says("change answers")
    assert "check your answers" in ready.screen.text
    await ready.says("show the summary")
    assert "Agree a written plan" in ready.screen.text
    await ready.says("zzz")
    assert "Agree a written plan" in ready.screen.text
    await unharmed(ready)


async def test_an_answer_is_opened_from_the_card_by_its_number_or_name(
    ready: Conversation,
) -> None:
    await founding(ready, len(FOUNDING) - 1)
    assert "check your answers" in ready.screen.text

    await ready.says("duration")
    assert "How long" in ready.screen.text
    await ready.says("back")
    await ready.says("no")

    assert "check your answers" in ready.screen.text


async def test_a_case_is_chosen_by_its_code(ready: Conversation) -> None:
    await ready.taps("Start a case", "None of these")
    code = ready.screen.text.split("·")[0].removeprefix("Case ").strip()
    await ready.says("/new")
    await ready.says("/help")
    await ready.says("methadone clinic")
    assert "Which case do you mean?" in ready.screen.text

    await ready.says("zzz")
    assert "Which case do you mean?" in ready.screen.text
    await ready.says(code.lower())

    assert "Where is the client" in ready.screen.text
    assert code in ready.screen.text


async def test_the_stop_card_says_what_can_be_typed(ready: Conversation) -> None:
    await ready.taps("Start a case", "☐ 1", "Done")

    for word in ("back", "why", "none", "skip"):
        assert "paused by a red flag" in await said(ready, word)
        assert "stop here" in ready.screen.text
    await ready.says("facts to read out")

    assert "last dose (date and time)" in ready.screen.text
    await ready.says("back")
    assert "stop here" in ready.screen.text


def test_a_button_is_called_by_its_words_or_its_number() -> None:
    assert names("Yes, stop it") == {"yes, stop it", "yes"}
    assert names("3 · Pain prescriber") >= {"3", "pain prescriber"}
    assert names("Done (2)") >= {"done"}
    assert names("‹ Back to the question") >= {"back to the question"}
    assert names("2 Setting ?") >= {"2", "setting"}
