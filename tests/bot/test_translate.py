"""Whatever arrives becomes a value: the right one for what we know, never an error."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.translate import (
    Chat,
    ChosenInline,
    Command,
    GroupMigration,
    Ignored,
    InlineQuery,
    Media,
    Membership,
    Person,
    StartLink,
    Tap,
    Text,
    Undecodable,
    kind_of,
    queue_key,
    translate,
)
from bot.transport import Telegram
from web.emulator import bot_api, group, new_emulator, person, served

TOKEN = "7000000001:" + "t" * 35
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
ANA = {"id": 501, "is_bot": False, "first_name": "Ana", "last_name": "Ruiz", "language_code": "es"}
PRIVATE = {"id": 501, "type": "private", "first_name": "Ana"}
GROUP = {"id": -100500, "type": "supergroup", "title": "Team"}
ANA_SEEN = Person(501, "Ana Ruiz", "es")
HERE = Chat(501, private=True)


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 9, "date": 1795446000, "chat": PRIVATE, "from": ANA, **content}


def update(kind: str = "message", **content: Any) -> dict[str, Any]:
    body = message(**content) if "message" in kind else content
    return {"update_id": 77, kind: body}


# --- messages -------------------------------------------------------------------------------------


def test_words_are_text() -> None:
    read = translate(update(text="10 mg TID", reply_to_message={"message_id": 8}))

    assert read == Text(77, HERE, ANA_SEEN, 9, "10 mg TID", AT, reply_to=8)


def test_edited_words_say_so_and_are_no_command() -> None:
    read = translate(update("edited_message", text="/new", edit_date=1795446060))

    assert isinstance(read, Text)
    assert read.edited
    assert (read.sent_at - AT).seconds == 60


@pytest.mark.parametrize(
    ("text", "name", "args"),
    [
        ("/new", "new", ""),
        ("/New@Curbside_Bot  two  words ", "new", "two  words"),
        ("/case\nK7", "case", "K7"),
        ("/start", "start", ""),
    ],
)
def test_a_command_has_a_name_and_arguments(text: str, name: str, args: str) -> None:
    read = translate(update(text=text), "curbside_bot")

    assert read == Command(77, HERE, ANA_SEEN, 9, name, args)


@pytest.mark.parametrize("text", ["/5 mg", "/", "5/325", "/naïve", "//x", "/new@"])
def test_a_slash_alone_makes_no_command(text: str) -> None:
    assert isinstance(translate(update(text=text)), Text)


def test_a_command_for_another_bot_is_left_to_it() -> None:
    assert translate(update(text="/new@other_bot"), "curbside_bot") == Ignored(77, "other_bot")


def test_before_we_know_our_name_a_command_is_ours() -> None:
    assert isinstance(translate(update(text="/new@other_bot")), Command)


def test_a_deep_link_carries_its_payload() -> None:
    assert translate(update(text="/start s-Ab_9")) == StartLink(77, HERE, ANA_SEEN, 9, "s-Ab_9")


@pytest.mark.parametrize("payload", ["a b", "a" * 65, "../x", "é", "a=b"])
def test_a_payload_that_cannot_be_ours_is_empty(payload: str) -> None:
    read = translate(update(text=f"/start {payload}"))

    assert isinstance(read, StartLink)
    assert read.payload == ""


@pytest.mark.parametrize(
    "kind", ["photo", "voice", "document", "sticker", "contact", "location", "poll", "dice"]
)
def test_media_is_named_and_its_words_are_for_the_guard_alone(kind: str) -> None:
    content: dict[str, Any] = {kind: {"file_name": "Roe.pdf", "file_id": "x"}, "caption": "Jane"}

    read = translate(update(**content))

    assert read == Media(77, HERE, ANA_SEEN, 9, kind, words="Jane\nRoe.pdf")


def test_an_album_and_an_edited_caption_are_known_as_such() -> None:
    assert translate(update("edited_message", photo=[], media_group_id="g1")) == Media(
        77, HERE, ANA_SEEN, 9, "photo", "g1", edited=True
    )


def test_a_kind_of_content_newer_than_we_are_is_media() -> None:
    assert translate(update(hologram={})) == Media(77, HERE, ANA_SEEN, 9, "unknown")


def test_a_forum_topic_is_kept_and_a_thread_of_replies_is_not() -> None:
    topic = translate(update(text="hi", chat=GROUP, message_thread_id=4, is_topic_message=True))
    thread = translate(update(text="hi", chat=GROUP, message_thread_id=4))

    assert isinstance(topic, Text)
    assert topic.chat == Chat(-100500, private=False, thread=4)
    assert isinstance(thread, Text)
    assert thread.chat == Chat(-100500, private=False)


def test_a_group_s_migration_is_told_from_both_sides() -> None:
    old = {"id": -500, "type": "group"}

    assert translate(update(chat=old, migrate_to_chat_id=-100500)) == GroupMigration(
        77, -500, -100500
    )
    assert translate(update(chat=GROUP, migrate_from_chat_id=-500)) == GroupMigration(
        77, -500, -100500
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"new_chat_members": []}, "service"),
        ({"pinned_message": {}}, "service"),
        ({"text": "hi", "from": {"id": 1, "is_bot": True, "first_name": "B"}}, "bot"),
        ({"text": "hi", "sender_chat": {"id": -1}}, "anonymous"),
        ({"text": "hi", "business_connection_id": "b"}, "business"),
        ({"text": "card", "via_bot": {"id": 7}}, "inline_card"),
    ],
)
def test_what_no_person_wrote_to_us_is_ignored(content: dict[str, Any], reason: str) -> None:
    assert translate(update(**content)) == Ignored(77, reason)


def test_a_message_without_a_sender_is_ignored() -> None:
    raw = update(text="hi")
    del raw["message"]["from"]

    assert translate(raw) == Ignored(77, "anonymous")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"update_id": 1, "channel_post": {}}, "channel_post"),
        ({"update_id": 1, "poll": {}}, "poll"),
        ({"update_id": 1, "Jane Roe": {}}, "unknown"),
        ({"update_id": 1}, "unknown"),
    ],
)
def test_a_kind_we_never_asked_for_is_ignored(raw: dict[str, Any], reason: str) -> None:
    assert translate(raw) == Ignored(1, reason)


# --- everything else ------------------------------------------------------------------------------


def tap(**content: Any) -> dict[str, Any]:
    return update(
        "callback_query", **{"id": "q1", "from": ANA, "message": message(), "data": "1|x"} | content
    )


def test_a_tap_says_which_button_of_which_message() -> None:
    assert translate(tap()) == Tap(77, "q1", HERE, ANA_SEEN, 9, "1|x")


def test_a_tap_on_a_message_out_of_reach_has_no_message() -> None:
    read = translate(tap(message={"message_id": 9, "date": 0, "chat": PRIVATE}))

    assert read == Tap(77, "q1", HERE, ANA_SEEN, None, "1|x")


def test_a_tap_on_an_inline_message_has_no_chat() -> None:
    raw = tap(inline_message_id="i1")
    del raw["callback_query"]["message"]

    assert translate(raw) == Tap(77, "q1", None, ANA_SEEN, None, "1|x")


def test_a_game_is_none_of_ours() -> None:
    raw = tap()
    del raw["callback_query"]["data"]

    assert translate(raw) == Ignored(77, "game")


@pytest.mark.parametrize(
    ("chat", "old", "new", "change", "admin"),
    [
        (PRIVATE, "member", "kicked", "blocked", False),
        (PRIVATE, "kicked", "member", "unblocked", False),
        (GROUP, "left", "member", "added", False),
        (GROUP, "kicked", "administrator", "added", True),
        (GROUP, "administrator", "left", "removed", False),
        (GROUP, "member", "administrator", "changed", True),
        (GROUP, "member", "a new one", "changed", False),
    ],
)
def test_membership_says_what_changed(
    chat: dict[str, Any], old: str, new: str, change: str, admin: bool
) -> None:
    content = {
        "chat": chat,
        "from": ANA,
        "old_chat_member": {"status": old},
        "new_chat_member": {"status": new},
    }
    read = translate({"update_id": 77, "my_chat_member": content})

    assert isinstance(read, Membership)
    assert (read.change, read.admin) == (change, admin)


def test_inline_queries_and_choices_are_read() -> None:
    query = {"id": "q", "from": ANA, "query": "K7", "offset": "2"}
    choice = {"result_id": "r", "from": ANA, "query": "K7"}

    assert translate({"update_id": 1, "inline_query": query}) == InlineQuery(
        1, "q", ANA_SEEN, "K7", "2"
    )
    assert translate({"update_id": 1, "chosen_inline_result": choice}) == ChosenInline(
        1, ANA_SEEN, "r"
    )


# --- words and names ------------------------------------------------------------------------------


def test_nul_and_lone_surrogates_are_removed_and_pairs_kept() -> None:
    raw = json.loads('{"update_id": 1, "message": null}')
    raw["message"] = message(text=json.loads('"a\\u0000b\\ud800c\\ud83d\\ude00"'))

    read = translate(raw)

    assert isinstance(read, Text)
    assert read.text == "abc😀"


def test_a_name_cannot_turn_the_line_it_stands_in() -> None:
    sender = {"id": 5, "first_name": "A\u202ena\u200b  ", "last_name": "\n" + "x" * 200}
    raw = update(text="hi")
    raw["message"]["from"] = sender

    read = translate(raw)

    assert isinstance(read, Text)
    assert read.person.name == "Ana " + "x" * 124
    assert read.person.language is None


# --- whatever else --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        *(None, [], "x", 5, {}),
        *({"update_id": each} for each in ("1", True, -1, 1.0, 2**63)),
    ],
)
def test_without_an_id_it_is_no_update(raw: Any) -> None:
    assert translate(raw) == Undecodable(None, "update_id")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda raw: raw.update(message=5), "message"),
        (lambda raw: raw["message"].pop("chat"), "chat"),
        (lambda raw: raw["message"].update(chat=[]), "chat"),
        (lambda raw: raw["message"].update(message_id="9"), "message_id"),
        (lambda raw: raw["message"].update(message_id=True), "message_id"),
        (lambda raw: raw["message"]["chat"].update(id=2**70), "id"),
        (lambda raw: raw["message"].update({"from": "Ana"}), "from"),
        (lambda raw: raw["message"].update(text=["x"]), "text"),
        (lambda raw: raw["message"].update(date=10**15), "date"),
        (lambda raw: raw["message"].update(date=None), "date"),
    ],
)
def test_a_field_that_is_wrong_is_named(spoil: Callable[[Any], Any], reason: str) -> None:
    raw = copy.deepcopy(update(text="hi"))
    spoil(raw)

    assert translate(raw) == Undecodable(77, reason)


FIELDS = ["message_id", "date", "chat", "from", "text", "photo", "message", "data", "id", "query"]
JSON = st.recursive(
    st.sampled_from([None, True, 0, -1, 2**70, 0.5, float("nan"), "", "\ud800", "words"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)
    ),
    max_leaves=6,
)
KINDS = ["message", "edited_message", "callback_query", "my_chat_member", "inline_query", "poll"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from([*FIELDS, "old_chat_member", "sender_chat"]), JSON),
    JSON,
)
def test_any_json_becomes_a_value(kind: str, content: dict[str, Any], other: Any) -> None:
    known = message(text="hi")
    for raw in (other, {"update_id": 5, kind: other}, {"update_id": 5, kind: {**known, **content}}):
        read = translate(raw, "curbside_bot")

        assert read.update_id in (5, None)
        assert isinstance(queue_key(raw), tuple)


# --- what Telegram's emulator sends ---------------------------------------------------------------


async def test_what_the_emulated_telegram_sends_is_understood() -> None:
    emulator = new_emulator(TOKEN, lambda: AT, seed=1)
    ana = person(emulator, 501, "Ana")
    team = group(emulator, "Team", [ana], supergroup=False)
    ana.starts("s-1")
    ana.edits(ana.says("helo"), "hello")
    ana.sends_sticker()
    ana.asks_inline("K7")
    team.adds_bot(ana)
    team.becomes_supergroup(ana)

    async with served(bot_api(emulator)) as url, Telegram(TOKEN, url) as telegram:
        found = await telegram.get_updates(offset=0, seconds=0)

    read = [translate(raw, "curbside_local_bot") for raw in found]
    assert {type(each) for each in read} >= {
        *(StartLink, Text, Media, InlineQuery, Membership, GroupMigration)
    }
    assert not [each for each in read if isinstance(each, Undecodable)]


# --- the order of handling ------------------------------------------------------------------------


def test_a_chat_is_one_queue_whatever_comes_from_it() -> None:
    kinds = [
        update(text="hi"),
        update("edited_message", text="hi"),
        tap(),
        {"update_id": 1, "my_chat_member": {"chat": PRIVATE, "from": ANA}},
        {"update_id": 1, "inline_query": {"id": "q", "from": ANA}},
    ]

    assert {queue_key(raw) for raw in kinds} == {(501, 0, "")}


def test_topics_and_business_connections_are_queues_of_their_own() -> None:
    topic = update(text="hi", chat=GROUP, message_thread_id=4, is_topic_message=True)
    business = update(text="hi", business_connection_id="b")

    assert queue_key(topic) == (-100500, 4, "")
    assert queue_key(business) == (501, 0, "b")


def test_what_belongs_to_nobody_shares_one_queue() -> None:
    assert queue_key({"update_id": 1, "poll": {"id": "p"}}) == queue_key([]) == ()


def test_a_known_kind_goes_before_a_field_we_do_not_know() -> None:
    assert kind_of({"update_id": 1, "new_field": 2, "message": {}}) == "message"
