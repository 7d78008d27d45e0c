"""No window of time holds more than Telegram allows."""

import pytest

from bot.buckets import GROUP_EDIT_SECONDS, KEPT_CHATS, Pace

ANA, TEAM = 501, -100500


def sent_at(pace: Pace, chat: int, count: int) -> list[float]:
    """When ``count`` messages to a chat go out if each is sent as soon as it may be."""
    now, times = 0.0, []
    for _ in range(count):
        now += pace.wait(chat, now)
        now += pace.take(chat, now)
        times.append(now)
    return times


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(1 for t in times if 0 <= t - start < seconds) for start in times)


def test_a_person_gets_five_at_once_and_then_one_a_second() -> None:
    assert sent_at(Pace(), ANA, 8) == pytest.approx([0, 0, 0, 0, 0, 1, 2, 3])


def test_a_group_gets_at_most_twenty_a_minute() -> None:
    assert most_within(sent_at(Pace(), TEAM, 100), 60) <= 20


def test_all_together_get_at_most_thirty_a_second() -> None:
    pace = Pace()

    times = [pace.take(chat, 0.0) for chat in range(1, 200)]

    assert most_within(times, 1.0) <= 30
    assert times[-1] == pytest.approx((199 - 5) / 25)


def test_a_silenced_chat_waits_and_the_others_do_not() -> None:
    pace = Pace()
    pace.silence(ANA, 7, now=10)
    pace.silence(ANA, 3, now=10)

    assert pace.wait(ANA, 10) == 7
    assert pace.wait(ANA + 1, 10) == 0
    assert pace.wait(ANA, 17) == 0


def test_only_in_groups_do_edits_wait_for_each_other() -> None:
    pace = Pace()
    for chat in (ANA, TEAM):
        pace.take(chat, 0, edit=True)

    assert pace.wait_to_edit(ANA, 1) == 0
    assert pace.wait_to_edit(TEAM, 1) == GROUP_EDIT_SECONDS - 1


def test_a_clock_that_stands_still_gives_nothing_back() -> None:
    pace = Pace()
    for _ in range(5):
        pace.take(ANA, 100)

    assert pace.wait(ANA, 100) == 1
    assert pace.wait(ANA, 90) >= 1


def test_chats_that_are_as_good_as_new_are_forgotten() -> None:
    pace = Pace()
    for chat in range(1, KEPT_CHATS + 1):
        pace.take(chat, 0)
    pace.silence(1, 1000, 0)
    pace.take(KEPT_CHATS + 1, 100)

    assert set(pace._lanes) == {1, KEPT_CHATS + 1}
    assert pace.wait(1, 100) == 900
