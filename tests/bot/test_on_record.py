"""What is on record of what people do in the chat: each thing once, as ids and codes."""

from typing import Any

import pytest

from storage import people
from storage.audit import Entry, entries
from storage.console import LogFilter, log_page
from storage.transaction import Tx
from tests.bot.conftest import Conversation, talking
from tests.bot.opining import Opining, opining_of
from tests.bot.walks import planned, summary


class Log:
    """The log of a bot, read from where it was read last."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._seen: set[Any] = set()

    async def more(self) -> list[str]:
        """Return the actions that came since, with the outcome where it is not ok."""
        found: list[Entry] = await self._talk.service.database.read(
            lambda tx: entries(tx, limit=1000)[::-1]
        )
        fresh = [each for each in found if each.id not in self._seen]
        self._seen |= {each.id for each in fresh}
        return [
            each.action + ("" if each.outcome == "ok" else f" {each.outcome}") for each in fresh
        ]


async def test_looking_at_ones_own_case_is_on_record_once_a_tap(ready: Conversation) -> None:
    await summary(ready)
    log = Log(ready)
    await log.more()

    for words in ("/summary", "/resume"):
        await ready.says(words)
        assert await log.more() == ["consult.read"]
    await ready.taps("The step in full")
    assert await log.more() == ["consult.read"]
    await ready.says("/cases")
    assert await log.more() == ["consult.list"]
    await ready.taps(ready.screen.labels[0])
    assert await log.more() == ["consult.read"]
    await ready.says("/help")
    assert await log.more() in ([], ["consult.read"])


async def test_a_tap_that_answers_is_on_record_as_the_answer_alone(ready: Conversation) -> None:
    log = Log(ready)
    await ready.says("/new")
    await log.more()

    await ready.taps(ready.screen.labels[0])
    assert set(await log.more()) == {"consult.answer"}


async def test_settings_and_exports_are_on_record(ready: Conversation) -> None:
    log = Log(ready)
    await log.more()

    await ready.says("/settings")
    await ready.taps("Quiet hours", "20:00")
    assert await log.more() == ["person.change"]
    await ready.says("/settings")
    await ready.taps("Change role", "2")
    assert await log.more() == ["person.change"]
    await ready.says("/mydata")
    assert await log.more() == ["person.export"]
    changed = await ready.service.database.read(
        lambda tx: [e.meta for e in entries(tx) if e.action == "person.change"]
    )
    assert changed[1] == {"quiet_from": 1200, "quiet_to": 480}


async def test_a_reminder_and_putting_it_off_are_on_record(ready: Conversation) -> None:
    await planned(ready)
    log = Log(ready)
    ready.clock.moves(days=31)
    await log.more()

    await ready.service.remind()
    await ready.settles()
    assert await log.more() == ["review.send"]
    await ready.taps("answer", "In 7 d")
    assert await log.more() == ["consult.read", "review.snooze"]


async def test_whoever_is_turned_away_is_on_record(tmp_path: Any) -> None:
    async with talking(tmp_path, approval="approve") as talk:
        log = Log(talk)

        async def denied(words: str) -> list[str]:
            await talk.says(words)
            return [action for action in await log.more() if action.startswith("use.")]

        assert await denied("/new") == ["use.new denied"]
        assert await denied("/admin") == ["use.admin denied"]
        assert await denied("/new") == []
        talk.clock.moves(minutes=2)
        assert await denied("/new") == ["use.new denied"]


WORDS = "My patient John Smith, DOB 3/3/1970"


@pytest.mark.parametrize("status", ["pending", "suspended", "new"])
async def test_words_of_somebody_who_may_not_use_it_are_guarded(tmp_path: Any, status: str) -> None:
    async with talking(tmp_path, approval="approve" if status == "pending" else "open") as talk:
        log = Log(talk)
        await talk.says("/start")
        if status == "suspended":
            await talk.service.database.write(_suspend)
        await log.more()
        await talk.says(WORDS)

        assert {e for e in await log.more() if e.startswith("guard")} == {"guard.hit refused"}
        texts = "\n".join(message.text for message in talk.me.replies)
        assert "Not stored: this seems to identify somebody." in texts
        assert "John Smith" not in texts
        assert talk.emulator.sent("deleteMessage")
        assert await talk.rows("SELECT count(*) FROM transcript WHERE content IS NOT NULL") == 0


def _suspend(tx: Tx) -> None:
    people.set_status(tx, people.get_or_create(tx, 501, "Ana"), "suspended", by=None)


@pytest.fixture
async def case(tmp_path: Any) -> Any:
    async with talking(tmp_path) as talk:
        yield await opining_of(talk)


async def test_what_the_guard_finds_in_a_reason_is_told_once_the_round_is_closed(
    case: Opining,
) -> None:
    await case.chooses(case.ben)
    await case.talk.says("J saw Mr Whitaker", case.ben)
    await case.talk.says("Cleveland may know", case.ben)
    await case.talk.taps("It identifies nobody, go on", who=case.ben)

    async def told() -> list[str]:
        found = await case.clinic.database(lambda tx: log_page(tx, LogFilter(), limit=1000).rows)
        return sorted({row.action for row in found if row.action.startswith("guard")})

    assert await told() == []
    await case.closes()
    assert await told() == ["guard.answer", "guard.hit"]


async def test_a_reader_who_looks_while_a_round_runs_is_told_of_once_it_is_closed(
    case: Opining,
) -> None:
    await case.gives(case.ben)
    await case.talk.taps("Discussion", who=case.ben)

    async def told() -> list[str]:
        found = await case.clinic.database(lambda tx: log_page(tx, LogFilter(), limit=1000).rows)
        return [row.action for row in found if row.action in ("consult.read", "opinion.read")]

    assert await told() == []
    await case.closes()
    assert await told()
