"""Reviews that fall due: once, at the person's own hour, without clinical words, after any downtime."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.language import translator
from bot.reminders import reminder_screen
from dialogs.content import load_scenario
from dialogs.followup import deadline_moment, followup, start_day, zone_of
from storage.ids import new_id
from storage.plans import Due, Review
from tests.bot.conftest import Clock, Conversation, talking
from tests.bot.walks import PLAN, case_of, data_of, every, forged, planned, summary, unharmed
from web.emulator import Message, person

CLINICAL = ("methadone", "oxycodone", "pain", "opioid", "taper", "naloxone", "mg")


async def later(talk: Conversation, **amount: float) -> None:
    """Move the clock and let the sweeper look."""
    talk.clock.moves(**amount)
    await talk.service.clock_moved()
    await talk.settles()


def reminders(talk: Conversation) -> list[Message]:
    words = ("has a review", "that one is asked about", ": did you reach them")
    return [m for m in talk.me.replies if any(each in m.text for each in words)]


async def states(talk: Conversation) -> list[Any]:
    return [row[0] for row in await every(talk, "SELECT state FROM review ORDER BY due_at, id")]


async def agreed(talk: Conversation) -> None:
    """Begin as a counselor who has accepted the scope."""
    talk.me.starts()
    await talk.settles()
    await talk.taps("I am a clinician", "Counselor")


async def test_a_review_is_asked_about_once_and_says_nothing_clinical(
    ready: Conversation,
) -> None:
    await planned(ready)
    await later(ready, days=29)
    assert reminders(ready) == []

    await later(ready, days=1)
    await later(ready, hours=1)

    [message] = reminders(ready)
    assert not any(word in message.text.lower() for word in CLINICAL)
    assert not any(word in str(message.labels).lower() for word in CLINICAL)
    await unharmed(ready)


async def test_day_ninety_is_asked_about_and_its_outcome_kept(ready: Conversation) -> None:
    await planned(ready)
    for _ in range(3):
        await later(ready, days=30)
    assert len(reminders(ready)) == 3

    screen = await ready.taps("answer")
    assert "review, day 90" in screen.text
    assert "How is the plan going?" in screen.text
    assert "Decided: Agree a written plan" in screen.text
    screen = await ready.taps("Slower than planned")

    assert "Kept: Slower than planned" in ready.me.toasts[-1].text
    assert "two last questions" in screen.text
    screen = await ready.taps("‹ The case", "The plan")
    assert "day 90, 2027-02-21: Slower than planned" in screen.text
    assert "asked, not answered" in screen.text
    assert await states(ready) == ["sent", "sent", "answered"]


async def test_an_early_outcome_leads_back_to_the_plan(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)

    screen = await ready.taps("answer", "On plan")

    assert "plan, revision 1" in screen.text
    assert "day 30, 2026-12-23: On plan" in screen.text


async def test_something_continues_for_a_reason_that_is_optional(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)
    screen = await ready.taps("answer", "Continued, with a reason")
    assert "Why does it continue?" in screen.text

    assert "300 characters" in await ready.says("goes on as before, " * 30)
    await ready.says("Function is better and the surgeon asked to wait")
    assert "Function is better and the surgeon asked to wait" in ready.screen.text

    await later(ready, days=30)
    screen = await ready.taps("answer", "Continued, with a reason", "Leave it out")
    assert "day 60, 2027-01-22: Continued, with a reason\n" in screen.text
    await unharmed(ready)


async def test_the_last_reason_leads_to_the_closing_questions(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=90)

    await ready.taps("answer", "Continued, with a reason")
    await ready.says("Joint review agreed again")
    assert "two last questions" in ready.screen.text


async def test_the_last_reason_may_be_left_out(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=90)

    screen = await ready.taps("answer", "Continued, with a reason", "Leave it out")

    assert "two last questions" in screen.text


async def test_a_reason_stands_sealed_and_not_in_the_log(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)
    await ready.taps("answer", "Continued, with a reason")
    await ready.says("Zebrafish study pending")

    [(kept,)] = await every(ready, "SELECT reason FROM review WHERE reason IS NOT NULL")
    assert b"Zebrafish" not in kept
    assert "ebrafish" not in str(await every(ready, "SELECT meta FROM audit_event"))


async def test_an_old_button_of_the_reason_leads_on(ready: Conversation) -> None:
    case = case_of(await planned(ready))

    await forged(ready, f"1|fin|{case}|")

    assert "two last questions" in ready.screen.text


async def test_the_closing_questions_are_answered_by_a_tap_and_taken_back_by_another(
    ready: Conversation,
) -> None:
    case = case_of(await planned(ready))
    await later(ready, days=90)
    await ready.taps("answer", "The plan was given up")

    screen = await ready.taps("1 Partly", "2 Yes")
    assert "1 ✓ Partly" in screen.labels
    assert await every(ready, "SELECT changed, worth FROM closeout") == [("partly", "yes")]
    await ready.taps("1 ✓ Partly")
    assert await every(ready, "SELECT changed, worth FROM closeout") == [(None, "yes")]
    for data in (f"1|said|{case}|changed|maybe|", f"1|said|{case}|outcome|lost|"):
        assert "no longer works" in await forged(ready, data)


async def test_closing_a_case_with_a_plan_asks_the_two_questions_once(
    ready: Conversation,
) -> None:
    await planned(ready)
    screen = await ready.taps("‹ Summary", "Close the case", "Yes, close it")
    assert "two last questions" in screen.text
    await ready.taps("1 Yes")

    screen = await ready.taps("‹ The case", "Open it again", "Close the case", "Yes, close it")

    assert "is closed" in screen.text


async def test_answering_twice_keeps_the_last_answer(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)
    screen = await ready.taps("answer")
    for data in [data_of(screen, label) for label in ("On plan", "Lost contact")]:
        await forged(ready, data)

    assert await every(ready, "SELECT outcome FROM review WHERE state = 'answered'") == [("lost",)]


async def test_a_snoozed_review_comes_again_and_an_answered_one_does_not(
    ready: Conversation,
) -> None:
    await planned(ready)
    await later(ready, days=30)
    await ready.taps("answer", "In 7 d")
    assert "I will ask you on 2026-12-30 09:00" in ready.me.toasts[-1].text

    await later(ready, days=6)
    assert len(reminders(ready)) == 1
    await later(ready, days=1)
    assert len(reminders(ready)) == 2

    await ready.taps("answer")
    snooze = str(ready.screen.button("In 1 d")["callback_data"])
    await ready.taps("On plan")
    assert "answered already" in await forged(ready, snooze)


async def test_forged_reviews_lead_nowhere(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)
    data = str((await ready.taps("answer")).button("On plan")["callback_data"])

    assert "no longer works" in await forged(ready, data.replace("on_plan", "nonsense"))
    snooze = data.replace("|out|", "|snz|").replace("on_plan", "5000")
    assert "no longer works" in await forged(ready, snooze)
    await ready.says("/new")
    other = str(ready.screen.button("None of these")["callback_data"]).split("|")[2]
    mine = data.split("|")[2]
    assert "no longer works" in await forged(ready, data.replace(mine, other))


async def test_the_steps_own_deadline_asks_whether_they_were_reached(
    ready: Conversation,
) -> None:
    await summary(ready)
    await ready.taps("Record a plan", "The suggested step", "Nobody yet", "Done (0)")
    await ready.taps("Day 30, 60, 90", "Off by the last review")

    await later(ready, days=7)

    assert "did you reach them?" in reminders(ready)[0].text
    screen = await ready.taps("answer")
    assert "did you reach them?" in screen.text
    assert "Who: The client first, then the pain physician." in screen.text
    assert screen.labels[:4] == [
        *("Yes, reached them", "Left a message", "Could not reach them", "In 4 h")
    ]
    screen = await ready.taps("Could not reach them")
    assert "reached them?, 2026-11-30: Could not reach them" in screen.text


async def test_the_deadline_is_asked_about_again_in_hours(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("The step in full", "Ask me whether I reached them")
    assert "I will ask you on 2026-11-30 09:00" in ready.me.toasts[-1].text
    await later(ready, days=7)

    await ready.taps("answer", "In 4 h")
    await later(ready, hours=4)

    assert len(reminders(ready)) == 2


async def test_the_steps_deadline_is_asked_about_without_a_plan_or_not_at_all(
    ready: Conversation,
) -> None:
    case = case_of(await summary(ready))
    screen = await ready.taps("The step in full", "Ask me whether I reached them")
    assert "✓ I ask on 2026-11-30 · stop" in screen.labels

    await ready.taps("✓ I ask on 2026-11-30 · stop")
    assert "I will not ask" in ready.me.toasts[-1].text
    assert await states(ready) == ["dropped"]
    await forged(ready, f"1|close|{case}|")
    assert "has ended" in await forged(ready, f"1|dl|{case}|")


async def test_a_same_day_step_is_asked_about_the_same_day(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    async with talking(tmp_path, clock, time_zone="America/New_York") as talk:
        await agreed(talk)
        await talk.taps("Start a case", "None of these", "Methadone clinic", "Naltrexone tablets")
        await talk.taps("Flare", "Oxycodone", "3-12", "open-ended", "Pain-prescriber", "Done")
        await talk.taps("Show the summary", "The step in full", "Ask me whether I reached them")

        await later(talk, hours=3, minutes=59)
        assert reminders(talk) == []
        await later(talk, minutes=1)

        assert len(reminders(talk)) == 1
        assert "Both" not in reminders(talk)[0].text


async def test_after_downtime_one_message_names_all_that_is_due(tmp_path: Path) -> None:
    clock = Clock()
    async with talking(tmp_path, clock) as talk:
        await agreed(talk)
        for _ in range(2):
            await planned(talk)
            await talk.says("/start")
        emulator = talk.emulator

    clock.moves(days=100)
    async with talking(tmp_path, clock, emulator) as again:
        await again.service.clock_moved()
        await again.settles()

        [message] = reminders(again)
        assert message.text.count("has 3 reviews, the newest 10 d late; that one is asked") == 2
        assert len(message.labels) == 2
        await again.taps(message.labels[0])
        assert "review, day 90" in again.screen.text
        await unharmed(again)


async def test_a_clock_that_went_back_asks_nothing_twice(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)
    await later(ready, days=-20)
    await later(ready, days=25)

    assert len(reminders(ready)) == 1


async def test_another_time_zone_moves_what_is_to_come(ready: Conversation) -> None:
    await planned(ready)
    await ready.taps("‹ Summary")
    await ready.says("/settings")
    await ready.taps("Time zone", "America/Los Angeles")

    moments = await every(ready, "SELECT send_at FROM review ORDER BY due_at")
    assert [str(at)[11:16] for (at,) in moments] == ["17:00", "17:00", "17:00"]

    await ready.taps("Quiet hours", "22:00–06:00")
    moments = await every(ready, "SELECT send_at FROM review ORDER BY due_at")
    assert [str(at)[11:16] for (at,) in moments] == ["17:00", "17:00", "17:00"]


async def test_a_snoozed_review_keeps_its_day_in_another_time_zone(ready: Conversation) -> None:
    await planned(ready)
    await later(ready, days=30)
    await ready.taps("answer", "In 7 d")
    await ready.says("/settings")
    await ready.taps("Time zone", "America/Chicago")

    await later(ready, days=6)
    assert len(reminders(ready)) == 1
    await later(ready, days=1, hours=6)
    assert len(reminders(ready)) == 2


def test_more_than_ten_cases_at_once_are_counted() -> None:
    at = datetime(2026, 12, 23, 9, 0, tzinfo=UTC)
    reviews = [
        Review(
            id=new_id(),
            consult_id=new_id(),
            person_id=new_id(),
            plan_revision=1,
            kind="review",
            day=30,
            due_at=at,
            send_at=at,
            state="sent",
            outcome=None,
            answered_at=None,
        )
        for _ in range(12)
    ]
    due = [[Due(review, 501, None, f"K{n}", f"case{n:04}")] for n, review in enumerate(reviews)]

    screen = reminder_screen(due, translator("en"), {reviews[0].id: 3})

    assert len(screen.rows) == 10
    assert "and 2 more under /cases" in screen.text
    assert "Case K0 has a review that is 3 d late." in screen.text
    assert "Case K1 has a review today." in screen.text


async def test_reviews_are_asked_about_at_nine_where_the_person_is(ready: Conversation) -> None:
    await ready.taps("Settings", "Time zone", "America/New York", "‹ Back")
    await planned(ready)

    ready.clock.at = datetime(2026, 12, 23, 13, 59, tzinfo=UTC)
    await later(ready)
    assert reminders(ready) == []

    await later(ready, minutes=1)
    assert len(reminders(ready)) == 1


async def test_daylight_saving_keeps_the_local_hour(tmp_path: Path) -> None:
    clock = Clock(datetime(2027, 2, 20, 15, 0, tzinfo=UTC))
    async with talking(tmp_path, clock) as talk:
        await agreed(talk)
        await talk.taps("Settings", "Time zone", "America/New York", "‹ Back")
        await planned(talk)

        clock.at = datetime(2027, 3, 22, 12, 59, tzinfo=UTC)
        await later(talk)
        assert reminders(talk) == []

        await later(talk, minutes=1)
        assert len(reminders(talk)) == 1


async def test_a_month_with_thirty_days_is_no_trouble(tmp_path: Path) -> None:
    clock = Clock(datetime(2027, 1, 31, 15, 0, tzinfo=UTC))
    async with talking(tmp_path, clock) as talk:
        await agreed(talk)
        screen = await planned(talk)

        assert "day 30, 2027-03-02" in screen.text


async def test_quiet_hours_put_a_review_off(ready: Conversation) -> None:
    await ready.taps("Settings", "Quiet hours", "22:00–06:00", "‹ Back")
    await summary(ready)
    await ready.taps("Record a plan", "The suggested step", "Own team", "Done (0)")
    await ready.taps("Day 7", "Off by the last review")
    ready.clock.at = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)

    await later(ready)
    assert reminders(ready) == []

    await later(ready, hours=6, minutes=29)
    assert reminders(ready) == []
    await later(ready, minutes=1)
    assert len(reminders(ready)) == 1


async def test_a_person_who_blocked_the_bot_keeps_their_reviews_waiting(
    ready: Conversation,
) -> None:
    await planned(ready)
    ready.me.blocks_bot()
    await ready.settles()

    await later(ready, days=30)
    assert (await states(ready))[0] == "waiting"

    ready.me.unblocks_bot()
    await ready.settles()
    await later(ready, minutes=1)
    assert len(reminders(ready)) == 1


async def test_a_reminder_that_telegram_refuses_to_deliver_waits_again(
    ready: Conversation,
) -> None:
    await planned(ready)
    ready.emulator.faults.next("403", method="sendMessage")

    await later(ready, days=30)

    assert reminders(ready) == []
    assert (await states(ready))[0] == "waiting"


async def test_the_health_says_when_the_sweeper_has_not_run(ready: Conversation) -> None:
    assert (await ready.service.trouble())[0] == ""

    ready.service.beats.reminded_at = -1e9

    assert (await ready.service.trouble())[0] == "reminders_stale"


async def test_a_changed_plan_is_asked_about_on_its_own_days(ready: Conversation) -> None:
    await planned(ready)
    await ready.taps("Change the plan", *PLAN[1:5])
    await ready.says("14")
    await ready.taps("No end agreed")

    await later(ready, days=14)
    assert len(reminders(ready)) == 1
    await later(ready, days=90)
    assert len(reminders(ready)) == 1


async def test_a_deleted_case_is_never_asked_about(ready: Conversation) -> None:
    await planned(ready)
    await ready.taps("‹ Summary", "Close the case", "Yes, close it", "‹ The case")
    await ready.taps("Delete this case", "Yes, delete it")

    await later(ready, days=100)

    assert reminders(ready) == []
    await unharmed(ready)


async def test_a_review_of_a_plan_that_was_changed_leads_to_the_plan_of_now(
    ready: Conversation,
) -> None:
    await planned(ready)
    old = str((await every(ready, "SELECT id FROM review ORDER BY due_at"))[0][0])
    case = case_of(ready.screen)
    await ready.taps("Change the plan", *PLAN[1:])
    review = old.replace("-", "")

    for data in (
        f"1|due|{case}|{review}|",
        f"1|out|{case}|{review}|on_plan|",
        f"1|snz|{case}|{review}|7|",
    ):
        assert "not asked about any more" in await forged(ready, data)
        assert "plan, revision 2" in ready.screen.text


async def test_a_review_of_a_closed_case_is_answered_but_not_put_off(
    ready: Conversation,
) -> None:
    case = case_of(await planned(ready))
    await later(ready, days=30)
    screen = await ready.taps("answer")
    snooze, outcome = data_of(screen, "In 7 d"), data_of(screen, "On plan")
    await forged(ready, f"1|close|{case}|")

    assert "not asked about any more" in await forged(ready, snooze)
    assert "Kept: On plan" in await forged(ready, outcome)

    await later(ready, days=100)
    assert len(reminders(ready)) == 1


async def test_words_for_a_review_of_a_deleted_case_are_answered(ready: Conversation) -> None:
    case = case_of(await planned(ready))
    await later(ready, days=30)
    await ready.taps("answer", "Continued, with a reason")
    ready.me.forges(f"1|close|{case}|", ready.me.replies[0])
    await ready.settles()
    await forged(ready, f"1|del|{case}|yes|")

    await ready.says("it went on")

    await unharmed(ready)


# --- whoever cannot be asked any more -----------------------------------------------------------

BOSS = 900


async def test_an_admin_is_told_once_when_the_owner_blocks_the_bot(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(BOSS,)) as talk:
        boss = person(talk.emulator, BOSS, "Bo")
        boss.starts()
        await talk.settles()
        await agreed(talk)
        await planned(talk)
        talk.me.blocks_bot()
        await talk.settles()

        await later(talk, minutes=1)
        await later(talk, minutes=1)

        told = [m.text for m in boss.replies if "nobody can be asked" in m.text]
        assert len(told) == 1
        assert "has blocked the bot" in told[0]
        assert "shared with no team" in told[0]
        assert not any(word in told[0].lower() for word in CLINICAL)

        talk.me.unblocks_bot()
        await talk.settles()
        await later(talk, minutes=1)
        talk.me.blocks_bot()
        await talk.settles()
        await later(talk, minutes=1)
        assert len([m for m in boss.replies if "nobody can be asked" in m.text]) == 2


async def test_an_admin_is_told_when_the_owner_is_suspended(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(BOSS,)) as talk:
        boss = person(talk.emulator, BOSS, "Bo")
        boss.starts()
        await talk.settles()
        await agreed(talk)
        await planned(talk)
        await talk.service.database.write(
            lambda tx: tx.connection.exec_driver_sql(
                "UPDATE person SET status = 'suspended' WHERE telegram_id = 501"
            )
        )

        await later(talk, days=40)

        assert reminders(talk) == []
        assert "may not use the bot at present" in boss.last.text
        await unharmed(talk)


# --- when a deadline falls due ------------------------------------------------------------------

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("step", "now", "due"),
    [
        ("STEP_QTC", "2026-11-23T10:00", "2026-11-23T14:00"),
        ("STEP_QTC", "2026-11-23T17:00", "2026-11-24T08:00"),
        ("STEP_QTC", "2026-11-23T02:00", "2026-11-23T08:00"),
        ("STEP_QTC", "2026-11-23T23:00", "2026-11-24T08:00"),
        ("STEP_GATHER", "2026-11-23T10:00", "2026-11-26T09:00"),
        ("STEP_GATHER", "2026-11-27T10:00", "2026-12-02T09:00"),
        ("STEP_KEEP_MAT", "2026-11-28T10:00", "2026-11-30T09:00"),
        ("STEP_UNTREATED_OUD", "2026-11-27T10:00", "2026-11-30T09:00"),
        ("STEP_90D_PLAN", "2027-03-10T10:00", "2027-03-17T09:00"),
        ("STEP_EMERGENCY", "2026-11-23T10:00", None),
    ],
)
def test_a_deadline_falls_on_a_waking_hour_of_a_working_day(
    step: str, now: str, due: str | None
) -> None:
    found = deadline_moment(step, datetime.fromisoformat(now).replace(tzinfo=NEW_YORK), NEW_YORK)

    shown = found and found.astimezone(NEW_YORK).strftime("%Y-%m-%dT%H:%M")
    assert shown == due


def test_every_step_but_the_emergency_has_a_deadline_and_reviews_of_its_own() -> None:
    kept = followup()
    steps = {step.id for step in load_scenario().steps} - {"STEP_EMERGENCY"}

    assert steps == {*kept.deadlines, *kept.working_days}
    assert steps | {"OTHER"} == set(kept.presets)
    assert kept.reviews_for("STEP_OF_ANOTHER_SCENARIO") == kept.presets["OTHER"]


@pytest.mark.parametrize(
    ("words", "day"),
    [("10", 10), ("in 10 days", 10), ("today", 0), ("Tomorrow", 1), ("yesterday", -1)],
)
def test_a_start_is_typed_in_words_or_days(words: str, day: int) -> None:
    assert start_day(words) == day


def test_a_zone_that_nobody_knows_is_the_other_one() -> None:
    assert zone_of("Mars/Olympus", "America/Chicago").key == "America/Chicago"
    assert zone_of(None, "Mars/Olympus").key == "UTC"
    assert zone_of(None, "").key == "UTC"
