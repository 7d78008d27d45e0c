"""Reviews that fall due: once, at the person's own hour, without clinical words, after any downtime."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bot.conftest import Clock, Conversation, talking
from tests.bot.walks import PLAN, data_of, every, forged, planned, summary, unharmed
from web.emulator import Message

CLINICAL = ("methadone", "oxycodone", "pain", "opioid", "taper", "naloxone", "mg")


async def later(talk: Conversation, **amount: float) -> None:
    """Move the clock and let the sweeper look."""
    talk.clock.moves(**amount)
    await talk.service.clock_moved()
    await talk.settles()


def reminders(talk: Conversation) -> list[Message]:
    return [m for m in talk.me.replies if "review today" in m.text or "reach them" in m.text]


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
    assert "How is the plan going?" in screen.text
    screen = await ready.taps("Slower than planned")

    assert "Kept: Slower than planned" in ready.me.toasts[-1].text
    assert "day 90, 2027-02-21: Slower than planned" in screen.text
    assert "asked, not answered" in screen.text
    assert await states(ready) == ["sent", "sent", "answered"]


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
    assert "in 7 days" in ready.me.toasts[-1].text

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
    assert "Did you reach them?" in screen.text


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

        assert len(reminders(again)) == 1
        assert len(reminders(again)[0].labels) == 6
        await unharmed(again)


async def test_more_than_ten_at_once_are_counted(ready: Conversation) -> None:
    for _ in range(4):
        await planned(ready)
        await ready.says("/start")

    await later(ready, days=100)

    [message] = reminders(ready)
    assert len(message.labels) == 10
    assert "and 2 more" in message.text


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
    await ready.taps("Change the plan", *PLAN[1:5], "Day 14", "No end agreed")

    await later(ready, days=14)
    assert len(reminders(ready)) == 1
    await later(ready, days=90)
    assert len(reminders(ready)) == 1


async def test_a_deleted_case_is_never_asked_about(ready: Conversation) -> None:
    await planned(ready)
    await ready.taps("‹ Summary", "Close the case", "Yes, close it")
    await ready.taps("Delete this case", "Yes, delete it")

    await later(ready, days=100)

    assert reminders(ready) == []
    await unharmed(ready)
