"""The person in the chat: scope, role, settings, privacy, their data, and leaving."""

import json
from pathlib import Path
from typing import Any

from dialogs.followup import zone_of
from tests.bot.conftest import Conversation, talking
from tests.bot.walks import every, forged, planned, summary, unharmed
from web.emulator import person


async def begun(talk: Conversation) -> None:
    talk.me.starts()
    await talk.settles()


# --- the scope ----------------------------------------------------------------------------------


async def test_nothing_works_before_the_scope_was_accepted(conversation: Conversation) -> None:
    await begun(conversation)

    for words in ("/new", "/cases", "/resume", "methadone", "/nonsense"):
        conversation.me.says(words)
        await conversation.settles()
        assert "I am a clinician and I agree" in conversation.screen.labels
    await forged(conversation, "1|new||")

    assert await every(conversation, "SELECT 1 FROM consult") == []


async def test_privacy_and_help_can_be_read_before(conversation: Conversation) -> None:
    await begun(conversation)

    screen = await conversation.taps("How privacy works here")
    assert "deleted after 180 days" in screen.text
    assert "Answers, doses and plans are not: they are codes and numbers" in screen.text
    assert "read a case's words and messages for 30 minutes; you are told" in screen.text

    screen = await conversation.taps("‹ Back")
    assert "I am a clinician and I agree" in screen.labels
    assert "/mydata" in await conversation.says("/help")


async def test_the_scope_is_accepted_once_and_the_first_time_counts(
    conversation: Conversation,
) -> None:
    await begun(conversation)
    await conversation.taps("I am a clinician")
    [(first,)] = await every(conversation, "SELECT scope_accepted_at FROM person")
    conversation.clock.moves(days=1)

    await forged(conversation, "1|agree||")

    assert await every(conversation, "SELECT scope_accepted_at FROM person") == [(first,)]
    await conversation.says("/start")
    assert "I am a clinician and I agree" not in conversation.screen.labels


async def test_a_deep_link_before_the_scope_leads_to_the_scope(
    conversation: Conversation,
) -> None:
    conversation.me.starts("hello")
    await conversation.settles()

    assert "I am a clinician and I agree" in conversation.screen.labels


# --- the role -----------------------------------------------------------------------------------


async def test_the_role_is_asked_once_and_can_be_typed(conversation: Conversation) -> None:
    await begun(conversation)
    await conversation.taps("I am a clinician")
    assert "Counselor" in str(conversation.screen.labels)

    conversation.me.says("purple")
    await conversation.settles()
    assert any("choose your role first" in m.text for m in conversation.me.replies)

    assert "Ready when you are" in await conversation.says("1")
    assert await every(conversation, "SELECT role FROM person") == [("counselor",)]
    assert "None of these" in (await conversation.taps("Start a case")).labels


async def test_a_case_cannot_be_begun_without_a_role(conversation: Conversation) -> None:
    await begun(conversation)
    await conversation.taps("I am a clinician")

    for data in ("1|new||", "1|tell||"):
        await forged(conversation, data)
        assert "Counselor" in str(conversation.screen.labels)
    await conversation.says("/new he takes methadone")

    assert "Counselor" in str(conversation.screen.labels)
    assert await every(conversation, "SELECT 1 FROM consult") == []


async def test_the_role_is_changed_under_settings(ready: Conversation) -> None:
    screen = await ready.taps("Settings", "Change role")
    assert any(label.startswith("✓ 1 · Counselor") for label in screen.labels)

    screen = await ready.taps("Pain")

    assert "Settings" in screen.text
    assert await every(ready, "SELECT role FROM person") == [("pain",)]


# --- settings -----------------------------------------------------------------------------------


async def test_the_path_is_switched_between_eight_and_all(ready: Conversation) -> None:
    screen = await ready.taps("Settings", "Ask all questions")
    assert "all that apply" in screen.text

    screen = await ready.taps("Ask the quick eight")
    assert "quick (8)" in screen.text


async def test_a_time_zone_is_tapped_or_typed(ready: Conversation) -> None:
    screen = await ready.taps("Settings", "Time zone", "America/Chicago")
    assert "America/Chicago" in screen.text

    await ready.taps("Time zone")
    assert "I do not know that time zone" in await ready.says("Middle Earth")
    assert "Europe/Madrid" in await ready.says("europe/madrid")


async def test_a_time_zone_is_typed_as_its_own_question_says(ready: Conversation) -> None:
    """Places are soft findings of the guard; a zone that is known is a code, and no place."""
    await ready.taps("Settings")
    for typed, kept in (
        ("America/Chicago", "America/Chicago"),
        ("europe/kyiv", "Europe/Kyiv"),
        ("America/New York", "America/New_York"),
    ):
        await ready.taps("Time zone")
        await ready.says(typed)
        assert await every(ready, "SELECT time_zone FROM person") == [(kept,)]
    assert await every(ready, "SELECT count(*) FROM audit_event WHERE action = 'guard.hit'") == [
        (0,)
    ]


async def test_what_is_no_time_zone_is_told_how_to_write_one_and_not_kept(
    ready: Conversation,
) -> None:
    await ready.taps("Settings", "Time zone")

    for typed in ("Mars/Phobos", "Factory", "localtime", "2036-11-23"):
        assert "I do not know that time zone" in await ready.says(typed)
    assert "Not stored" in await ready.says("John Whitaker")
    assert await every(ready, "SELECT time_zone FROM person") == [(None,)]
    assert await every(ready, "SELECT kind, held FROM expecting") == [("zone", None)]
    await unharmed(ready)


async def test_words_after_leaving_the_time_zones_are_no_time_zone(ready: Conversation) -> None:
    await ready.taps("Settings", "Time zone", "‹ Back", "‹ Back", "Start a case", "None of these")

    assert "Which medication" in await ready.says("methadone clinic")


async def test_quiet_hours_are_set_and_taken_back(ready: Conversation) -> None:
    screen = await ready.taps("Settings", "Quiet hours", "21:00–07:00")
    assert "Quiet hours: 21:00–07:00" in screen.text

    screen = await ready.taps("Quiet hours", "None")
    assert "Quiet hours: none" in screen.text


async def test_the_language_is_kept_and_clinical_content_stays_english(
    ready: Conversation,
) -> None:
    screen = await ready.taps("Settings", "Language", "Español")

    assert "Clinical content" not in ready.screen.text or "English" in screen.text
    assert await every(ready, "SELECT language FROM person") == [("es",)]


# --- one's data ---------------------------------------------------------------------------------


async def test_whoami_says_the_numeric_id(ready: Conversation) -> None:
    assert "501" in await ready.says("/whoami")


async def test_an_admin_is_told_so(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(501,)) as talk:
        await begun(talk)

        assert "You are an admin here" in await talk.says("/whoami")


async def test_mydata_is_a_file_and_nothing_of_it_stands_in_the_chat(
    ready: Conversation,
) -> None:
    await planned(ready)
    await ready.says("/mydata")

    message = [m for m in ready.me.replies if "document" in m.wire][-1]
    number = message.wire["document"]["file_id"].removeprefix("local-")
    found: dict[str, Any] = json.loads(ready.emulator.store.read_bytes(number) or b"")

    assert found["person"]["name"] == "Ana"
    [case] = found["consults"]
    assert case["answers"]["mat"] == "methadone"
    assert "methadone" not in message.text
    assert case["plans"]
    assert case["reviews"]


async def test_mydata_never_holds_an_earlier_one_and_comes_three_times_a_day(
    ready: Conversation,
) -> None:
    sizes = []
    for _ in range(3):
        await ready.says("/mydata")
        message = [m for m in ready.me.replies if "document" in m.wire][-1]
        number = message.wire["document"]["file_id"].removeprefix("local-")
        sizes.append(len(ready.emulator.store.read_bytes(number) or b""))
    refused = await ready.says("/mydata")
    stored = await ready.rows("SELECT max(length(params)) FROM transcript WHERE kind = 'document'")

    assert refused == "You had this file 3 times within a day. You can have it again in 24 h."
    assert sizes[2] - sizes[1] < 1000
    assert stored < 1000
    assert await every(
        ready, "SELECT count(*) FROM audit_event WHERE action = 'person.export'"
    ) == [(3,)]


async def test_forgetme_asks_first(ready: Conversation) -> None:
    await summary(ready)
    await ready.says("/forgetme")

    screen = await ready.taps("No")

    assert "Ready when you are" in screen.text
    assert await every(ready, "SELECT count(*) FROM consult WHERE erased_at IS NULL") == [(1,)]


async def test_forgetme_deletes_everything_and_start_begins_anew(ready: Conversation) -> None:
    await planned(ready)
    await ready.says("/forgetme")

    ready.me.taps("Yes, delete everything")
    await ready.settles()
    assert "Deleted: 1 cases" in ready.me.last.text

    assert await every(ready, "SELECT 1 FROM consult WHERE erased_at IS NULL") == []
    assert await every(ready, "SELECT 1 FROM answer_change") == []
    assert await every(ready, "SELECT 1 FROM person WHERE telegram_id = 501") == []
    assert await every(ready, "SELECT 1 FROM review WHERE state = 'waiting'") == []
    await begun(ready)
    assert "I am a clinician and I agree" in ready.screen.labels
    await ready.taps("I am a clinician", "Counselor")
    assert "No case yet" in await ready.says("/cases")
    await unharmed(ready)


async def test_an_old_button_after_forgetme_leads_to_the_beginning(
    ready: Conversation,
) -> None:
    screen = await summary(ready)
    case = str(screen.button("The step in full")["callback_data"])
    await ready.says("/forgetme")
    ready.me.taps("Yes, delete everything")
    await ready.settles()

    ready.me.forges(case, screen)
    await ready.settles()

    assert "I am a clinician and I agree" in ready.screen.labels
    await unharmed(ready)


async def test_forgetting_while_messages_wait_to_be_sent_sends_the_farewell(
    ready: Conversation,
) -> None:
    await summary(ready)
    ready.emulator.faults.next("429", method="editMessageText", retry_after=1)
    ready.me.taps("The step in full")
    ready.me.says("/forgetme")
    while ready.emulator.updates.waiting:
        await ready.emulator.quiet(0.01)
    ready.me.forges("1|forget||yes|", ready.me.last)

    ready.clock.moves(seconds=5)
    await ready.settles()

    assert "Deleted: 1 cases" in ready.me.last.text


# --- who may come in ----------------------------------------------------------------------------


async def test_who_is_not_approved_yet_waits_and_nothing_they_type_is_kept(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path, approval="approve") as talk:
        await begun(talk)
        assert "Waiting for approval" in talk.me.last.text
        assert "501" in talk.me.last.text

        await talk.says("John Smith, born 03/04/1971")

        assert await every(talk, "SELECT 1 FROM transcript WHERE content IS NOT NULL") == []
        await unharmed(talk)


async def test_a_suspended_person_is_told_and_cannot_go_on(ready: Conversation) -> None:
    case = await summary(ready)
    await ready.service.database.write(
        lambda tx: tx.connection.exec_driver_sql("UPDATE person SET status = 'suspended'")
    )

    ready.me.forges(str(case.button("The step in full")["callback_data"]), case)
    await ready.settles()

    assert "taken away by an admin" in ready.me.last.text
    assert ready.me.spinning == []


async def test_who_is_no_longer_named_an_admin_is_none(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(501,)) as talk:
        await begun(talk)
        emulator = talk.emulator
    async with talking(tmp_path, emulator=emulator) as again:
        await begun(again)

        assert await every(again, "SELECT is_admin FROM person") == [(0,)]


async def test_whoever_waited_is_let_in_once_everybody_is(tmp_path: Path) -> None:
    async with talking(tmp_path, approval="approve") as talk:
        await begun(talk)
        emulator = talk.emulator
    async with talking(tmp_path, emulator=emulator) as again:
        await begun(again)

        assert "I am a clinician and I agree" in again.screen.labels


def test_an_unknown_zone_reads_utc() -> None:
    assert zone_of("Middle/Earth").key == "UTC"
    assert zone_of(None).key == "UTC"


async def test_whoever_is_first_spoken_to_in_spanish_is_notified_in_spanish(
    conversation: Conversation,
) -> None:
    eva = person(conversation.emulator, 601, "Eva", language="es")
    eva.starts()
    await conversation.settles()

    kept = await every(conversation, "SELECT language FROM person WHERE telegram_id = 601")
    assert kept == [("es",)]
