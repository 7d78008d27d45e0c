"""The guard, words held back, and the promise that nothing a person does makes the bot crash."""

import asyncio
import random
import threading
from pathlib import Path

import pytest

from bot import handler
from dialogs.identifiers import Finding
from tests.bot.conftest import Clock, Conversation, talking
from tests.bot.walks import case_of, data_of, every, forged, founding, summary, unharmed
from web.emulator import group

HARD = "John Smith born 03/04/1971 takes methadone"
SOFT = "ask Dr. Lee"


async def files(talk: Conversation) -> bytes:
    """Return every byte that the bot's database has on disk."""
    folder = talk.service.settings.data_dir
    return b"".join(path.read_bytes() for path in sorted(folder.glob("curbside.db*")))


async def test_a_tap_whose_answer_takes_long_stops_spinning_meanwhile(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "LATE_SECONDS", 0.02)
    held = threading.Event()
    busy = asyncio.create_task(ready.service.database.write(lambda tx: held.wait(10)))
    ready.me.taps("Start a case")
    await ready.emulator.until(lambda: ready.emulator.sent("answerCallbackQuery")[-1:])
    await ready.emulator.until(lambda: not ready.me.spinning)
    early = ready.screen.text
    held.set()
    await busy
    await ready.settles()

    assert "any of these right now" not in early
    assert "any of these right now" in ready.screen.text


# --- the guard ----------------------------------------------------------------------------------


async def test_words_that_identify_somebody_are_refused_deleted_and_stored_nowhere(
    ready: Conversation,
) -> None:
    await founding(ready, 2)
    mine = ready.me.says(HARD)
    await ready.settles()

    assert "Not stored" in ready.me.last.text
    assert "▒▒▒▒ born ▒▒▒▒" in ready.me.last.text
    assert "Smith" not in ready.me.last.text
    assert mine.deleted
    disk = await files(ready)
    assert b"Smith" not in disk
    assert b"03/04/1971" not in disk
    assert await every(ready, "SELECT 1 FROM expecting") == []
    hits = await every(ready, "SELECT count(*) FROM audit_event WHERE action = 'guard.hit'")
    assert hits == [(2,)]
    await unharmed(ready)


async def test_after_a_refusal_the_question_still_stands(ready: Conversation) -> None:
    await founding(ready, 2)
    await ready.says(HARD)

    assert "Which medication" in await ready.says("methadone clinic")


async def test_an_identifier_after_a_command_is_refused(ready: Conversation) -> None:
    mine = ready.me.says(f"/new {HARD}")
    await ready.settles()

    assert "Not stored" in ready.me.last.text
    assert mine.deleted
    assert await every(ready, "SELECT 1 FROM consult") == []


async def test_an_identifier_edited_into_an_answer_is_refused(ready: Conversation) -> None:
    await founding(ready, 2)
    mine = ready.me.says("methadone clinic")
    await ready.settles()

    ready.me.edits(mine, f"{HARD} 555-01-0199")
    await ready.settles()

    assert "Not stored" in ready.me.last.text
    assert mine.deleted


async def test_possible_identifiers_are_asked_about_and_nothing_is_used(
    ready: Conversation,
) -> None:
    await founding(ready, 2)

    said = await ready.says(SOFT)

    assert "This may identify somebody. Use it as it is?" in said
    assert "Lee" not in said
    assert b"Dr. Lee" not in await files(ready)
    assert await every(ready, "SELECT 1 FROM answer_change WHERE via != 'tap'") == []


async def test_one_tap_applies_held_words_as_if_typed_just_now(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft_everything(monkeypatch)
    await founding(ready, 2)
    mine = ready.me.says("methadone clinic")
    await ready.settles()

    screen = await ready.taps("It identifies nobody, go on")
    assert "Which medication" in screen.text
    assert any("✓ Setting" in m.text for m in ready.me.replies)
    assert await every(ready, "SELECT 1 FROM expecting") == []

    ready.me.edits(mine, "hospital inpatient")
    await ready.settles()
    await ready.taps("It identifies nobody, go on")
    assert await every(ready, "SELECT count(*) FROM answer_change WHERE question = 'setting'") == [
        (2,)
    ]
    await unharmed(ready)


def soft_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the guard find a possible identifier in any words."""

    def perhaps(words: str) -> tuple[Finding, ...]:
        return (Finding(0, min(4, len(words)), "name", "soft"),)

    monkeypatch.setattr("bot.handler.find_identifiers", perhaps)


async def test_dropped_words_are_forgotten_and_deleted(ready: Conversation) -> None:
    await founding(ready, 2)
    mine = ready.me.says(SOFT)
    await ready.settles()

    screen = await ready.taps("Drop it")

    assert "Where is the client" in screen.text
    assert mine.deleted
    assert await every(ready, "SELECT 1 FROM expecting") == []


async def test_dropped_words_without_a_case_lead_to_the_beginning(ready: Conversation) -> None:
    await ready.says(SOFT)

    screen = await ready.taps("Drop it")

    assert "Ready when you are" in screen.text


async def test_a_held_button_of_older_words_leads_nowhere(ready: Conversation) -> None:
    await founding(ready, 2)
    await ready.says(SOFT)
    old = data_of(ready.screen, "It identifies nobody")
    await ready.says(SOFT)

    assert "no longer works" in await forged(ready, old)
    fresh = await every(ready, "SELECT kind FROM expecting")
    assert fresh == [("held",)]


async def test_a_held_button_takes_only_two_answers(ready: Conversation) -> None:
    await ready.says(SOFT)
    data = data_of(ready.screen, "It identifies nobody")

    assert "no longer works" in await forged(ready, data.replace("|go|", "|fly|"))


async def test_words_that_are_the_code_that_is_asked_for_are_not_held(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready.taps("Settings", "Time zone")
    soft_everything(monkeypatch)

    assert "I do not know that time zone" in await ready.says("my own one")
    assert "Time zone: Europe/Madrid" in await ready.says("Europe/Madrid")


async def test_held_words_for_what_was_asked_go_there(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready.says("/team")
    await ready.taps("Begin a team")
    soft_everything(monkeypatch)
    await ready.says("Riverside")

    screen = await ready.taps("It identifies nobody, go on")

    assert "Riverside" in screen.text


async def test_held_words_after_new_are_read_as_a_case(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft_everything(monkeypatch)
    await ready.says("/new nothing to read in this")

    screen = await ready.taps("It identifies nobody, go on")

    assert "None of these" in screen.labels
    assert await every(ready, "SELECT count(*) FROM consult") == [(1,)]


async def test_held_words_expire_after_a_day(ready: Conversation) -> None:
    await ready.says(SOFT)
    data = data_of(ready.screen, "It identifies nobody")
    ready.clock.moves(hours=25)

    assert "no longer works" in await forged(ready, data)


# --- a case in words ----------------------------------------------------------------------------

FOUNDING_WORDS = (Path(__file__).parents[1] / "dialogs/data/founding_case.txt").read_text("utf-8")


async def test_a_case_told_in_words_is_offered_and_only_what_is_right_taken_over(
    ready: Conversation,
) -> None:
    await ready.taps("Describe the case in words")
    said = await ready.says(FOUNDING_WORDS.strip())
    assert "is this right?" in said

    await ready.taps("✗ 1 wrong")
    screen = await ready.taps("All of it is right")

    assert "Answers taken over" in screen.text
    assert "None of these" in screen.labels
    given = await every(ready, "SELECT question FROM answer_change WHERE via = 'narrative'")
    assert ("safety_now",) not in given
    assert len(given) >= 3
    await unharmed(ready)


async def test_long_words_at_the_first_question_are_read_as_the_case(
    ready: Conversation,
) -> None:
    await ready.taps("Start a case")

    assert "is this right?" in await ready.says(FOUNDING_WORDS.strip())
    await ready.taps("Go on with the questions")

    assert await every(ready, "SELECT count(*) FROM consult") == [(1,)]
    assert await every(ready, "SELECT 1 FROM answer_change WHERE via = 'narrative'") == []


async def test_words_after_new_are_read_as_the_case(ready: Conversation) -> None:
    assert "is this right?" in await ready.says(f"/new {FOUNDING_WORDS.strip()}")


async def test_a_story_without_an_answer_in_it_leads_to_the_questions(
    ready: Conversation,
) -> None:
    await ready.taps("Describe the case in words")

    ready.me.says("the weather was fine and we talked about football " * 4)
    await ready.settles()

    assert any("could not read an answer" in m.text for m in ready.me.replies)
    assert "None of these" in ready.screen.labels


async def test_old_suggestions_lead_nowhere(ready: Conversation) -> None:
    await ready.says(f"/new {FOUNDING_WORDS.strip()}")
    case = case_of(ready.screen)

    assert "no longer works" in await forged(ready, f"1|sug|{case}|99|1|")
    await forged(ready, f"1|sugdone|{case}|")
    assert "no longer works" in await forged(ready, f"1|sugall|{case}|")


async def test_suggestions_of_a_closed_case_lead_nowhere(ready: Conversation) -> None:
    await ready.says(f"/new {FOUNDING_WORDS.strip()}")
    case = case_of(ready.screen)
    data = data_of(ready.screen, "Go on with the questions")
    await forged(ready, f"1|x|{case}|")

    assert "no longer works" in await forged(ready, data)


async def test_suggestions_that_answer_the_last_question_lead_to_the_card(
    ready: Conversation,
) -> None:
    await founding(ready, 3)
    await forged(ready, f"1|s|{case_of(ready.screen)}|mat|")
    await ready.says("repeat")
    await ready.says(FOUNDING_WORDS.strip())

    await ready.taps("All of it is right")

    await unharmed(ready)


# --- whatever anybody does ------------------------------------------------------------------------

WORDS = (
    "back", "skip", "not known", "why", "help", "repeat", "cancel", "yes", "no", "done", "1", "2, 3",
    "99", "none", "methadone", "metadone", "oxycodone 10 mg TID", "5/325 1-2 q6h prn max 6/day",
    "25 mcg/h patch", "1e9 mg", "30, 60, 90", "🙂", "\u200f\u200b", "/new", "/cases", "/resume",
    "/summary", "/settings", "/cancel", "/start", "/help", "/privacy", "/frob", SOFT, HARD, "x" * 4000,
    "Europe/Madrid", "pain visits and counselor",
)  # fmt: skip

STEPS = 100


async def test_no_order_of_taps_words_and_restarts_does_harm(tmp_path: Path) -> None:
    chance, clock = random.Random(1), Clock()  # noqa: S311 - a replayable walk
    stale: list[str] = []
    emulator = None
    for part in range(2):
        async with talking(tmp_path, clock, emulator) as talk:
            emulator = talk.emulator
            if part == 0:
                talk.me.starts()
                await talk.settles()
                await talk.taps("I am a clinician", "Counselor")
            for _ in range(STEPS):
                await _anything(talk, chance, stale)
            await unharmed(talk)


async def _anything(talk: Conversation, chance: random.Random, stale: list[str]) -> None:
    """Do one thing that a person could do, and check that it is answered."""
    screen = talk.me.screen_or_none
    buttons = [
        b["callback_data"]
        for row in (screen.rows if screen else [])
        for b in row
        if "callback_data" in b and "|forget|" not in b["callback_data"]
    ]
    stale.extend(buttons)
    what = chance.random()
    before = len(talk.me.messages)
    if buttons and screen and what < 0.7:
        talk.me.forges(chance.choice(buttons), screen)
    elif stale and what < 0.8:
        talk.me.forges(chance.choice(stale), chance.choice(talk.me.replies))
    elif what < 0.83:
        talk.clock.moves(days=chance.choice((1, 31)))
        await talk.service.clock_moved()
    elif what < 0.85:
        talk.me.sends_sticker()
    else:
        talk.me.says(chance.choice(WORDS))
    await talk.settles()
    assert talk.me.spinning == []
    assert len(talk.me.messages) >= min(before, 1)
    assert await every(talk, "SELECT reason FROM dead_letter") == []


async def test_a_red_flag_holds_whatever_is_told_in_words(ready: Conversation) -> None:
    case = case_of(await ready.taps("Start a case"))
    await ready.taps("☐ 1", "Done")
    await ready.says(FOUNDING_WORDS.strip())

    await forged(ready, f"1|go|{case}|")

    assert "Possible opioid toxicity" in ready.screen.text


async def test_summary_words_show_the_summary_again_at_the_bottom(ready: Conversation) -> None:
    first = await summary(ready)
    number = first.id

    await ready.says("/summary")

    assert ready.screen.id > number
    assert "summary" in ready.screen.text


async def test_words_of_the_dialog_work_where_no_case_stands(ready: Conversation) -> None:
    await ready.says("/privacy")

    assert "What you can do here" in await ready.says("help")
    assert "No case yet" in await ready.says("repeat")
    assert "No case is open here" in await ready.says("cancel")


async def test_words_of_the_dialog_work_on_the_card(ready: Conversation) -> None:
    await founding(ready, 11)

    assert "Who monitors" in await ready.says("back") or ready.screen.rows
    await ready.says("done")
    assert "check your answers" in ready.screen.text
    await ready.says("repeat")
    await ready.says("yes")

    assert "summary" in ready.screen.text
    await unharmed(ready)


async def test_done_can_be_typed_on_marks(ready: Conversation) -> None:
    await ready.taps("Start a case", "☐ 3")

    await ready.says("done")

    assert await every(ready, "SELECT count(*) FROM answer_change") == [(1,)]


async def test_inline_queries_are_not_stored(ready: Conversation) -> None:
    ready.me.asks_inline("John Smith")
    await ready.settles()

    assert b"John Smith" not in await files(ready)
    assert await every(ready, "SELECT reason FROM dead_letter") == []


async def test_a_group_that_becomes_a_supergroup_keeps_what_waits_for_it(
    ready: Conversation,
) -> None:
    everybody = group(ready.emulator, "Team", [ready.me], supergroup=False)
    everybody.adds_bot(ready.me)
    moved = everybody.becomes_supergroup(ready.me)
    ready.me.in_group(moved).says("/new")
    await ready.settles()

    assert "private chat" in ready.me.in_group(moved).last.text
    assert await every(ready, "SELECT reason FROM dead_letter") == []


async def test_an_emergency_has_no_message_to_the_colleague(ready: Conversation) -> None:
    case = case_of(await ready.taps("Start a case", "☐ 1", "Done"))

    assert "no longer works" in await forged(ready, f"1|msg|{case}|")


async def test_words_and_taps_in_one_go_leave_one_live_screen_at_the_bottom(
    ready: Conversation,
) -> None:
    """What is on its way is the current screen already."""
    await founding(ready, 2)
    old = ready.screen
    case = case_of(old)
    ready.me.says("methadone clinic")
    ready.me.forges(f"1|u|{case}|mat|", old)
    ready.me.says("skip")
    await ready.settles()

    live = [message for message in ready.me.replies if message.rows]
    assert [message.id for message in live] == [ready.me.last.id]
    assert "What is the opioid for?" in ready.screen.text
    assert "not taken as an answer" in ready.me.replies[-2].text
    await unharmed(ready)
