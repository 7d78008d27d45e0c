"""The emulator refuses what Telegram refuses, in Telegram's words, and keeps its contract."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update

from web.emulator import (
    Emulator,
    Group,
    Person,
    Rates,
    bot_api,
    group,
    new_emulator,
    person,
    served,
)
from web.emulator.entities import Formatted, HtmlReader, trimmed, with_found
from web.emulator.errors import Refused
from web.emulator.limits import units
from web.emulator.profile import commands_for

TOKEN = "4242:local"
Json = dict[str, Any]


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Telegram:
    """The emulator behind its address, and a bare client that speaks as a bot does."""

    emulator: Emulator
    clock: Clock
    url: str
    session: aiohttp.ClientSession
    counselor: Person = field(init=False)

    def __post_init__(self) -> None:
        self.counselor = person(self.emulator, 1001, "Counselor")

    async def raw(self, method: str, **params: Any) -> tuple[int, Json]:
        address = f"{self.url}/bot{TOKEN}/{method}"
        async with self.session.post(address, json=params) as answer:
            return answer.status, await answer.json()

    async def call(self, method: str, **params: Any) -> Any:
        _, body = await self.raw(method, **params)
        return body["result"]

    async def refusal(self, method: str, **params: Any) -> str:
        status, body = await self.raw(method, **params)
        assert status == body["error_code"]
        assert not body["ok"]
        return str(body["description"])

    async def send(self, text: str, *rows: list[Json], **params: Any) -> Any:
        markup = {"reply_markup": {"inline_keyboard": list(rows)}} if rows else {}
        return await self.call("sendMessage", chat_id=1001, text=text, **markup, **params)

    async def cannot_send(self, text: str, **params: Any) -> str:
        return await self.refusal("sendMessage", chat_id=1001, text=text, **params)


def button(label: str, **kind: Any) -> Json:
    return {"text": label, **kind}


YES = button("Yes", callback_data="yes")
NO = button("No", callback_data="no")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def telegram(clock: Clock) -> AsyncIterator[Telegram]:
    emulator = new_emulator(TOKEN, clock, seed=7)
    async with served(bot_api(emulator)) as url, aiohttp.ClientSession() as session:
        made = Telegram(emulator, clock, url, session)
        made.counselor.starts()
        emulator.updates.forget(list(emulator.updates.waiting))
        yield made


class TestCalls:
    async def test_methods_are_found_in_any_case(self, telegram: Telegram) -> None:
        me = await telegram.call("GETME")

        assert me["id"] == 4242
        assert me["is_bot"]

    async def test_an_unknown_method_is_not_found(self, telegram: Telegram) -> None:
        assert await telegram.refusal("sendEverything") == "Not Found: method not found"

    async def test_a_wrong_token_is_unauthorized(self, telegram: Telegram) -> None:
        async with telegram.session.get(f"{telegram.url}/bot1:wrong/getMe") as answer:
            assert answer.status == 401
            assert (await answer.json())["description"] == "Unauthorized"

    async def test_parameters_come_by_query_form_or_json(self, telegram: Telegram) -> None:
        address = f"{telegram.url}/bot{TOKEN}/sendMessage"
        markup = json.dumps({"inline_keyboard": [[YES]]})
        form = {"chat_id": "1001", "text": "by form", "reply_markup": markup}

        await telegram.session.get(address, params={"chat_id": "1001", "text": "by query"})
        await telegram.session.post(address, data=form)

        assert [m.text for m in telegram.counselor.replies] == ["by query", "by form"]
        assert telegram.counselor.last.buttons == [["Yes"]]

    @pytest.mark.parametrize("body", [b"{", b"[1]"])
    async def test_a_broken_body_is_refused(self, telegram: Telegram, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        address = f"{telegram.url}/bot{TOKEN}/sendMessage"
        async with telegram.session.post(address, data=body, headers=headers) as answer:
            assert answer.status == 400

    @pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://a.example"}])
    async def test_other_sites_cannot_ask(self, telegram: Telegram, headers: Json) -> None:
        async with telegram.session.get(
            f"{telegram.url}/bot{TOKEN}/getMe", headers=headers
        ) as answer:
            assert answer.status == 403

    async def test_every_call_is_on_record(self, telegram: Telegram) -> None:
        await telegram.send("Hello", [YES])
        await telegram.cannot_send("")

        assert telegram.emulator.sent("sendMessage")[0]["reply_markup"]["inline_keyboard"] == [
            [YES]
        ]
        assert [call.description for call in telegram.emulator.refusals()] == [
            "Bad Request: message text is empty"
        ]


class TestTexts:
    async def test_4096_units_fit_and_4097_do_not(self, telegram: Telegram) -> None:
        await telegram.send("<b>" + "😀" * 2048 + "</b>", parse_mode="HTML")

        refused = await telegram.cannot_send("😀" * 2048 + "x")

        assert refused == "Bad Request: message is too long"

    async def test_an_empty_text_is_refused(self, telegram: Telegram) -> None:
        assert await telegram.cannot_send("") == "Bad Request: message text is empty"
        assert await telegram.cannot_send(" \n ") == "Bad Request: text must be non-empty"

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("<b>open", 'Can\'t find end tag corresponding to start tag "b"'),
            ("é<script>", 'Unsupported start tag "script" at byte offset 2'),
            ("a < b", 'Unsupported start tag "" at byte offset 2'),
            ("<b", "Unclosed start tag at byte offset 0"),
            ("</b>", "Unexpected end tag at byte offset 0"),
            (
                "<b><i>x</b></i>",
                'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
            ),
            ("<b>x</b ", "Unclosed end tag at byte offset 4"),
            ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
            ("x<br/>", 'Unsupported start tag "br/" at byte offset 1'),
            ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
            ("<a href='x", "Unclosed start tag at byte offset 0"),
            ("<a href=x_y>", "Unexpected end of name token at byte offset 8"),
            ("<a href", 'Unclosed start tag "a" at byte offset 0'),
            ("<a />", 'Empty attribute name in the tag "a" at byte offset 0'),
            ("<tg-emoji>x</tg-emoji>", "Invalid custom emoji identifier specified"),
        ],
    )
    async def test_broken_html_is_refused(
        self, telegram: Telegram, written: str, words: str
    ) -> None:
        refused = await telegram.cannot_send(written, parse_mode="HTML")

        assert refused == f"Bad Request: can't parse entities: {words}"

    async def test_other_parse_modes_are_refused(self, telegram: Telegram) -> None:
        unknown = await telegram.cannot_send("x", parse_mode="BBCode")

        assert unknown == "Bad Request: unsupported parse_mode"
        assert "HTML only" in await telegram.cannot_send("x", parse_mode="MarkdownV2")

    async def test_html_becomes_entities(self, telegram: Telegram) -> None:
        sent = await telegram.send(
            " 😀<b>bold <i>both</i></b> &lt;&amp;&#33;&euro; <a href='https://a.example/x'>l</a>"
            '<pre><code class="language-py">x=1</code></pre><blockquote expandable>q</blockquote>',
            parse_mode="html",
        )

        assert sent["text"] == "😀bold both <&!&euro; lx=1q"
        assert [(e["type"], e["offset"], e["length"]) for e in sent["entities"]] == [
            ("bold", 2, 9),
            ("italic", 7, 4),
            ("text_link", 22, 1),
            ("pre", 23, 3),
            ("expandable_blockquote", 26, 1),
        ]
        assert sent["entities"][3]["language"] == "py"

    async def test_links_that_lead_nowhere_become_plain(self, telegram: Telegram) -> None:
        sent = await telegram.send(
            "<a href='tg://user?id=5'>who</a> <a href='javascript:x'>no</a> <a>a.example</a>",
            parse_mode="HTML",
        )

        assert [e["type"] for e in sent["entities"]] == ["text_mention", "text_link"]
        assert sent["entities"][1]["url"] == "http://a.example/"

    async def test_commands_and_addresses_are_found(self, telegram: Telegram) -> None:
        sent = await telegram.send("/new@bot or https://a.example/b. a@b.example #tag @person")

        assert [e["type"] for e in sent["entities"]] == [
            "bot_command",
            "url",
            "email",
            "hashtag",
            "mention",
        ]

    async def test_only_100_entities_are_kept(self, telegram: Telegram) -> None:
        sent = await telegram.send("<b>x</b> " * 120, parse_mode="HTML")

        assert len(sent["entities"]) == 100

    async def test_addresses_of_links_have_limited_room(self, telegram: Telegram) -> None:
        link = f"<a href='https://a.example/{'x' * 990}'>x</a> "
        await telegram.send(link * 9, parse_mode="HTML")

        refused = await telegram.cannot_send(link * 10, parse_mode="HTML")

        assert refused == "Bad Request: ENTITIES_TOO_LONG"

    async def test_a_text_before_parsing_has_at_most_32_kibibytes(self, telegram: Telegram) -> None:
        refused = await telegram.cannot_send("<b></b>" * 5000, parse_mode="HTML")

        assert refused == "Bad Request: text is too long"

    async def test_tags_without_content_leave_nothing(self, telegram: Telegram) -> None:
        sent = await telegram.send(
            "<b></b><blockquote\n>q</blockquote ><tg-emoji emoji-id=5>e</>"
            "<code class=language-c>c</code>",
            parse_mode="HTML",
        )

        assert [e["type"] for e in sent["entities"]] == ["blockquote", "custom_emoji", "code"]

    async def test_entities_of_trimmed_space_are_dropped(self, telegram: Telegram) -> None:
        sent = await telegram.send("x <b> </b>", parse_mode="HTML")

        assert "entities" not in sent

    async def test_previews_and_protection(self, telegram: Telegram) -> None:
        sent = await telegram.send(
            "x", link_preview_options={"is_disabled": True}, protect_content=True
        )

        assert sent["has_protected_content"]
        assert sent["link_preview_options"] == {"is_disabled": True}
        assert "link preview" in await telegram.cannot_send("x", link_preview_options=[1])
        assert "can't parse" in await telegram.cannot_send("x", link_preview_options="{")

    async def test_given_entities_are_kept(self, telegram: Telegram) -> None:
        bold = {"type": "bold", "offset": 0, "length": 1}
        sent = await telegram.send("ab", entities=[bold])

        assert sent["entities"] == [bold]
        assert "MessageEntity" in await telegram.cannot_send("ab", entities=[{"type": "bold"}])

    @settings(max_examples=150, deadline=None)
    @given(st.text(st.characters(codec="utf-8"), max_size=60))
    def test_escaped_text_survives(self, text: str) -> None:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

        assert HtmlReader(escaped).read().text == text

    @settings(max_examples=150, deadline=None)
    @given(st.text("<>/b ia&#;=\"'\n", max_size=40))
    def test_any_html_is_read_or_refused(self, written: str) -> None:
        made = read_or_refused(written)

        assert made.text != "?"
        assert all(0 <= begin < end <= units(made.text) for begin, end in spans(made))

    def test_trimming_moves_entities(self) -> None:
        bold = {"type": "bold", "offset": 0, "length": 4}

        assert trimmed(Formatted(" ab ", (bold,))).entities == (
            {"type": "bold", "offset": 0, "length": 2},
        )


def read_or_refused(written: str) -> Formatted:
    """The text read, an empty one where it was refused as Telegram refuses."""
    try:
        return with_found(trimmed(HtmlReader(written).read()))
    except Refused as refused:
        expected = "Bad Request: can't parse entities: "
        return Formatted("" if refused.description.startswith(expected) else "?", ())


def spans(made: Formatted) -> list[tuple[int, int]]:
    return [(e["offset"], e["offset"] + e["length"]) for e in made.entities]


class TestButtons:
    async def refused(self, telegram: Telegram, **kind: Any) -> str:
        markup = {"inline_keyboard": [[button("Go", **kind)]]}
        return await telegram.cannot_send("x", reply_markup=markup)

    async def test_callback_data_is_at_most_64_bytes(self, telegram: Telegram) -> None:
        await telegram.send("x", [button("ok", callback_data="é" * 32)])

        refused = await self.refused(telegram, callback_data="é" * 32 + "x")

        assert refused == "Bad Request: BUTTON_DATA_INVALID"

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:8080/x",
            "http://127.0.0.1:8080/x",
            "https://[::1]/x",
            "http://host/x",
            "http://10.0.0.4/x",
        ],
    )
    async def test_addresses_of_this_machine_are_refused(
        self, telegram: Telegram, url: str
    ) -> None:
        assert await self.refused(telegram, url=url) == "Bad Request: BUTTON_URL_INVALID"

    async def test_other_addresses_are_checked(self, telegram: Telegram) -> None:
        await telegram.send("x", [button("t", url="tg://resolve?domain=a")])
        await telegram.send("x", [button("t", url="t.me/a?start=b")])

        assert "Unsupported URL protocol" in await self.refused(telegram, url="ftp://a.example")
        assert "Wrong HTTP URL" in await self.refused(telegram, url="https://a b.example")

    async def test_copied_text_is_1_to_256_characters(self, telegram: Telegram) -> None:
        await telegram.send("x", [button("copy", copy_text={"text": "c" * 256})])

        for text in ("", "c" * 257):
            refused = await self.refused(telegram, copy_text={"text": text})
            assert refused == "Bad Request: BUTTON_COPY_TEXT_INVALID"

    async def test_a_button_needs_text_and_an_effect(self, telegram: Telegram) -> None:
        nothing = await telegram.cannot_send("x", reply_markup={"inline_keyboard": [[{}]]})
        empty = await telegram.cannot_send(
            "x", reply_markup={"inline_keyboard": [[button(" ", callback_data="a")]]}
        )

        assert "can't parse inline keyboard button" in nothing
        assert empty == "Bad Request: inline keyboard button text must be non-empty"
        assert "Text buttons are unallowed" in await self.refused(telegram)
        assert "BUTTON_TYPE_INVALID" in await self.refused(telegram, web_app={"url": "x"})

    @pytest.mark.parametrize(
        "markup",
        [
            {"inline_keyboard": [YES]},
            {"inline_keyboard": "no"},
            {"inline_keyboard": [["no"]]},
            {"keyboard": [[{}]]},
            {"keyboard": [[5]]},
            {"inline_keyboard": [[{"text": "x", "callback_data": 5}]]},
            {"inline_keyboard": [[{"text": "x", "copy_text": "plain"}]]},
            {"inline_keyboard": [[{"text": "x", "switch_inline_query": 5}]]},
            "not json",
            [],
        ],
    )
    async def test_a_broken_markup_is_refused(self, telegram: Telegram, markup: Any) -> None:
        assert (await telegram.cannot_send("x", reply_markup=markup)).startswith("Bad Request: ")

    @pytest.mark.parametrize("rows", [[[YES] * 9], [[YES]] * 101])
    async def test_too_many_buttons_are_refused(
        self, telegram: Telegram, rows: list[list[Json]]
    ) -> None:
        refused = await telegram.cannot_send("x", reply_markup={"inline_keyboard": rows})

        assert refused == "Bad Request: reply markup is too long"

    async def test_inline_mode_buttons_and_forced_replies(self, telegram: Telegram) -> None:
        await telegram.send("x", [button("Share", switch_inline_query_current_chat="K7")])
        shared = telegram.counselor.taps("Share")
        await telegram.send("y", reply_markup={"force_reply": True})
        await telegram.send("z", reply_markup={"force_reply": False})

        assert shared == ""
        assert telegram.counselor.chat.keyboard == {"force_reply": True}

    async def test_an_edit_takes_inline_keyboards_only(self, telegram: Telegram) -> None:
        sent = await telegram.send("x")
        refused = await telegram.refusal(
            "editMessageReplyMarkup",
            chat_id=1001,
            message_id=sent["message_id"],
            reply_markup={"force_reply": True},
        )

        assert refused == "Bad Request: inline keyboard expected"

    async def test_a_part_of_a_label_is_enough_to_tap(self, telegram: Telegram) -> None:
        await telegram.send("x", [button("✓ Yes, all of it", callback_data="a"), NO])

        assert telegram.counselor.last.labels == ["✓ Yes, all of it", "No"]
        assert telegram.counselor.taps("all of it", telegram.counselor.last)

    async def test_reply_keyboards_belong_to_the_chat(self, telegram: Telegram) -> None:
        await telegram.send("x", reply_markup={"keyboard": [["A", {"text": "B"}]]})
        shown = telegram.counselor.chat.keyboard
        await telegram.send("y", reply_markup={"remove_keyboard": True})

        assert shown is not None
        assert shown["keyboard"] == [[{"text": "A"}, {"text": "B"}]]
        assert telegram.counselor.chat.keyboard is None
        assert telegram.counselor.last.rows == []


class TestEdits:
    async def test_an_edit_shows_in_place_and_drops_the_keyboard(self, telegram: Telegram) -> None:
        sent = await telegram.send("Before", [YES])
        await telegram.call(
            "editMessageText", chat_id=1001, message_id=sent["message_id"], text="After"
        )

        assert [m.text for m in telegram.counselor.replies] == ["After"]
        assert telegram.counselor.last.edited
        assert telegram.counselor.last.rows == []

    async def test_the_same_again_is_not_modified(self, telegram: Telegram) -> None:
        sent = await telegram.send("Same", [YES])
        target = {"chat_id": 1001, "message_id": sent["message_id"]}
        markup = {"inline_keyboard": [[YES]]}

        for method, content in (
            ("editMessageText", {"text": "Same"}),
            ("editMessageReplyMarkup", {}),
        ):
            refused = await telegram.refusal(method, **target, **content, reply_markup=markup)
            assert refused.startswith("Bad Request: message is not modified: specified new message")

    async def test_what_cannot_be_edited(self, telegram: Telegram) -> None:
        theirs = telegram.counselor.says("mine")
        document = await self.document(telegram)

        async def refused(method: str, number: Any, **content: Any) -> str:
            return await telegram.refusal(method, chat_id=1001, message_id=number, **content)

        assert await refused("editMessageText", 999, text="x") == (
            "Bad Request: message to edit not found"
        )
        assert await refused("editMessageText", theirs.id, text="x") == (
            "Bad Request: message can't be edited"
        )
        assert await refused("editMessageText", document, text="x") == (
            "Bad Request: there is no text in the message to edit"
        )
        assert await refused("editMessageText", "", text="x") == (
            "Bad Request: message identifier is not specified"
        )

    async def document(self, telegram: Telegram) -> int:
        form = aiohttp.FormData({"chat_id": "1001", "caption": "old"})
        form.add_field("document", b"bytes", filename="case.html")
        address = f"{telegram.url}/bot{TOKEN}/sendDocument"
        async with telegram.session.post(address, data=form) as answer:
            return int((await answer.json())["result"]["message_id"])

    async def test_captions_are_edited_apart_from_texts(self, telegram: Telegram) -> None:
        number = await self.document(telegram)
        target = {"chat_id": 1001, "message_id": number}
        await telegram.call("editMessageCaption", **target, caption="new")
        shown = telegram.counselor.last.text
        sent = await telegram.send("text")

        assert shown == "new"
        assert "too long" in await telegram.refusal(
            "editMessageCaption", **target, caption="c" * 1025
        )
        assert "no caption" in await telegram.refusal(
            "editMessageCaption", chat_id=1001, message_id=sent["message_id"], caption="x"
        )

    async def test_messages_are_deleted_within_48_hours(self, telegram: Telegram) -> None:
        old, new = await telegram.send("old"), await telegram.send("new")
        await telegram.call("deleteMessage", chat_id=1001, message_id=new["message_id"])
        telegram.clock.pass_(hours=48)

        refused = await telegram.refusal(
            "deleteMessage", chat_id=1001, message_id=old["message_id"]
        )

        assert refused == "Bad Request: message can't be deleted for everyone"
        assert [m.text for m in telegram.counselor.replies] == ["old"]

    async def test_deleting_again_finds_nothing(self, telegram: Telegram) -> None:
        sent = await telegram.send("x")
        numbers = [sent["message_id"], 999]
        await telegram.call("deleteMessages", chat_id=1001, message_ids=numbers)

        refused = await telegram.refusal(
            "deleteMessage", chat_id=1001, message_id=sent["message_id"]
        )

        assert refused == "Bad Request: message to delete not found"
        assert "not specified" in await telegram.refusal("deleteMessage", chat_id=1001)
        assert "not specified" in await telegram.refusal("deleteMessages", chat_id=1001)
        assert "too many" in await telegram.refusal(
            "deleteMessages", chat_id=1001, message_ids=list(range(101))
        )


class TestTaps:
    async def test_a_tap_waits_until_it_is_answered_once(self, telegram: Telegram) -> None:
        await telegram.send("Sure?", [YES])
        query = telegram.counselor.taps("Yes")
        assert [q.id for q in telegram.counselor.spinning] == [query]

        await telegram.call("answerCallbackQuery", callback_query_id=query, text="Kept")

        assert not telegram.counselor.spinning
        assert [toast.text for toast in telegram.counselor.toasts] == ["Kept"]
        assert await telegram.refusal("answerCallbackQuery", callback_query_id=query) == (
            "Bad Request: query is too old and response timeout expired or query ID is invalid"
        )

    async def test_a_late_answer_is_refused(self, telegram: Telegram) -> None:
        await telegram.send("Sure?", [YES])
        query = telegram.counselor.taps("Yes")
        telegram.clock.pass_(seconds=151)

        assert "too old" in await telegram.refusal("answerCallbackQuery", callback_query_id=query)
        assert await telegram.call("getUpdates") == []

    async def test_a_toast_has_at_most_200_characters(self, telegram: Telegram) -> None:
        await telegram.send("Sure?", [YES])
        query = telegram.counselor.taps("yes")

        refused = await telegram.refusal(
            "answerCallbackQuery", callback_query_id=query, text="x" * 201
        )

        assert refused == "Bad Request: MESSAGE_TOO_LONG"
        assert "URL_INVALID" in await telegram.refusal(
            "answerCallbackQuery", callback_query_id=query, url="https://a.example"
        )

    async def test_unreadable_numbers_stay_text_in_the_record(self, telegram: Telegram) -> None:
        await telegram.call("getMe", text="{broken", number="5", long="5" * 30)

        assert telegram.emulator.sent("getMe") == [
            {"text": "{broken", "number": 5, "long": "5" * 30}
        ]

    async def test_the_update_says_who_tapped_what(self, telegram: Telegram) -> None:
        sent = await telegram.send("Sure?", [YES, NO])
        telegram.counselor.taps("No")
        [update] = await telegram.call("getUpdates")

        tapped = update["callback_query"]
        assert (tapped["data"], tapped["from"]["id"]) == ("no", 1001)
        assert tapped["message"]["message_id"] == sent["message_id"]

    async def test_a_deleted_message_is_inaccessible(self, telegram: Telegram) -> None:
        sent = await telegram.send("Sure?", [YES])
        message = telegram.counselor.last
        await telegram.call("deleteMessage", chat_id=1001, message_id=sent["message_id"])
        telegram.counselor.forges("old", message)
        [update] = await telegram.call("getUpdates")

        assert update["callback_query"]["message"]["date"] == 0

    async def test_links_and_copies_stay_on_the_phone(self, telegram: Telegram) -> None:
        copied = button("Copy", copy_text={"text": "words"})
        await telegram.send("x", [button("Open", url="https://a.example"), copied])

        assert telegram.counselor.taps("Open") == "https://a.example"
        assert telegram.counselor.taps("Copy") == "words"
        with pytest.raises(LookupError, match="0 buttons"):
            telegram.counselor.taps("Nothing")


class TestUpdates:
    async def test_an_offset_acknowledges_what_came_before(self, telegram: Telegram) -> None:
        for word in "abc":
            telegram.counselor.says(word)
        first = await telegram.call("getUpdates", limit=2)
        again = await telegram.call("getUpdates")
        rest = await telegram.call("getUpdates", offset=first[-1]["update_id"] + 1)

        assert [u["message"]["text"] for u in first] == ["a", "b"]
        assert len(again) == 3
        assert [u["message"]["text"] for u in rest] == ["c"]
        assert telegram.emulator.updates.acknowledged == 2

    async def test_a_negative_offset_keeps_the_last(self, telegram: Telegram) -> None:
        for word in "abc":
            telegram.counselor.says(word)

        kept = await telegram.call("getUpdates", offset=-1)

        assert [u["message"]["text"] for u in kept] == ["c"]

    async def test_a_long_poll_ends_with_the_first_update(self, telegram: Telegram) -> None:
        poll = asyncio.create_task(telegram.call("getUpdates", timeout=30))
        await asyncio.sleep(0.05)
        telegram.counselor.says("now")

        [update] = await asyncio.wait_for(poll, 2)

        assert update["message"]["text"] == "now"

    async def test_a_long_poll_ends_when_the_phone_is_closed(self, telegram: Telegram) -> None:
        poll = asyncio.create_task(telegram.call("getUpdates", timeout=30))
        await asyncio.sleep(0.05)
        telegram.emulator.close()

        assert await asyncio.wait_for(poll, 2) == []

    async def test_an_empty_poll_ends_after_its_time(self, telegram: Telegram) -> None:
        assert await telegram.call("getUpdates", timeout=1) == []

    async def test_a_second_poller_ends_the_first(self, telegram: Telegram) -> None:
        first = asyncio.create_task(telegram.raw("getUpdates", timeout=30))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(telegram.raw("getUpdates", timeout=30))
        status, body = await asyncio.wait_for(first, 2)
        telegram.counselor.says("for the second")

        assert status == 409
        assert body["description"].startswith("Conflict: terminated by other getUpdates request")
        assert (await asyncio.wait_for(second, 2))[0] == 200

    async def test_only_wanted_kinds_are_queued(self, telegram: Telegram) -> None:
        await telegram.call("getUpdates", allowed_updates=["callback_query"])
        telegram.counselor.says("unheard")
        await telegram.send("Sure?", [YES])
        telegram.counselor.taps("Yes")

        assert [set(u) - {"update_id"} for u in await telegram.call("getUpdates")] == [
            {"callback_query"}
        ]
        assert "Array of String" in await telegram.refusal("getUpdates", allowed_updates=[1])

    async def test_updates_are_lost_after_24_hours(self, telegram: Telegram) -> None:
        telegram.counselor.says("too old")
        telegram.clock.pass_(hours=24)
        telegram.counselor.says("new")

        assert [u["message"]["text"] for u in await telegram.call("getUpdates")] == ["new"]
        assert telegram.emulator.updates.expired == 1

    async def test_identifiers_start_anywhere_and_jump_after_a_quiet_week(
        self, telegram: Telegram
    ) -> None:
        numbers = []
        for days in (0, 1, 9):
            telegram.clock.pass_(days=days)
            telegram.counselor.says("x")
            [update] = await telegram.call("getUpdates")
            numbers.append(update["update_id"])
            await telegram.call("getUpdates", offset=update["update_id"] + 1)

        assert numbers[0] >= 1_000_000
        assert numbers[1] == numbers[0] + 1
        assert numbers[2] != numbers[1] + 1

    async def test_an_offset_of_the_future_is_ignored(self, telegram: Telegram) -> None:
        telegram.counselor.says("x")

        assert len(await telegram.call("getUpdates", offset=2**31 - 1)) == 1

    async def test_asking_for_the_same_again_at_once_is_punished(self, telegram: Telegram) -> None:
        telegram.emulator.strict_polling = True
        for word in "ab":
            telegram.counselor.says(word)

        batches = [await telegram.call("getUpdates", offset=1) for _ in range(2)]

        assert list(map(len, batches)) == [2, 1]


@dataclass
class Hook:
    """A bot behind a webhook that fails as often as it is told to."""

    failures: int = 0
    got: list[Json] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    tried: int = 0

    async def hear(self, request: Request) -> Response:
        self.tried += 1
        if self.tried <= self.failures:
            return Response(status_code=500)
        self.secrets.append(request.headers.get("x-telegram-bot-api-secret-token", ""))
        self.got.append(await request.json())
        return Response()


class TestWebhook:
    async def test_updates_are_delivered_with_the_secret_until_2xx(
        self, telegram: Telegram
    ) -> None:
        hook = Hook(failures=2)
        telegram.emulator.webhook_pause = 0.01
        async with served(Starlette(routes=[Route("/hook", hook.hear, methods=["POST"])])) as url:
            await telegram.call("setWebhook", url=f"{url}/hook", secret_token="s3cret")
            for word in "ab":
                telegram.counselor.says(word)
            await telegram.emulator.until(lambda: len(hook.got) == 2)
            info = await telegram.call("getWebhookInfo")
            await telegram.call("deleteWebhook")

        assert [u["message"]["text"] for u in hook.got] == ["a", "b"]
        assert hook.secrets == ["s3cret", "s3cret"]
        assert info["last_error_message"].startswith("Wrong response from the webhook: 500")

    async def test_polling_is_a_conflict_while_a_webhook_is_set(self, telegram: Telegram) -> None:
        await telegram.call(
            "setWebhook", url="http://127.0.0.1:1/hook", allowed_updates=["message"]
        )
        telegram.counselor.says("kept")
        refused = await telegram.refusal("getUpdates")
        info = await telegram.call("getWebhookInfo")
        await telegram.call("setWebhook", url="", drop_pending_updates=True)

        assert refused.startswith("Conflict: can't use getUpdates method while webhook is active")
        assert (info["pending_update_count"], info["allowed_updates"]) == (1, ["message"])
        assert await telegram.call("getUpdates") == []

    @pytest.mark.parametrize(
        ("wish", "words"),
        [
            ({"url": "ftp://x"}, "invalid webhook URL specified"),
            ({"url": "https://a.example/hook"}, "loopback only"),
            ({"url": "http://127.0.0.1/h", "secret_token": "ü"}, "unallowed characters"),
            ({"url": "http://127.0.0.1/h", "secret_token": "x" * 257}, "is too long"),
        ],
    )
    async def test_what_no_webhook_can_be(self, telegram: Telegram, wish: Json, words: str) -> None:
        assert words in await telegram.refusal("setWebhook", **wish)


class TestPeople:
    async def test_strangers_cannot_be_written_to(self, telegram: Telegram) -> None:
        nurse = person(telegram.emulator, 1003, "Nurse")
        unknown = await telegram.refusal("sendMessage", chat_id=1003, text="x")
        group(telegram.emulator, "Team", [nurse]).adds_bot(nurse)

        assert unknown == "Bad Request: chat not found"
        assert await telegram.refusal("sendMessage", chat_id=1003, text="x") == (
            "Forbidden: bot can't initiate conversation with a user"
        )
        assert "thread not found" in await telegram.cannot_send("x", message_thread_id=5)
        assert await telegram.refusal("sendMessage", chat_id=5, text="x") == (
            "Bad Request: chat not found"
        )
        assert await telegram.refusal("sendMessage", text="x") == "Bad Request: chat_id is empty"
        assert nurse.replies == []

    async def test_a_block_is_told_and_enforced_until_they_write(self, telegram: Telegram) -> None:
        telegram.counselor.blocks_bot()
        refused = await telegram.cannot_send("x")
        telegram.counselor.says("back again")
        await telegram.send("welcome")
        updates = await telegram.call("getUpdates")

        assert refused == "Forbidden: bot was blocked by the user"
        changes = [u["my_chat_member"] for u in updates if "my_chat_member" in u]
        assert [c["new_chat_member"]["status"] for c in changes] == ["kicked", "member"]

    async def test_a_deleted_account_is_deactivated(self, telegram: Telegram) -> None:
        telegram.counselor.deactivates()

        assert await telegram.cannot_send("x") == "Forbidden: user is deactivated"

    async def test_deep_links_carry_a_payload(self, telegram: Telegram) -> None:
        telegram.counselor.starts("team-abc_1")
        [update] = await telegram.call("getUpdates")

        assert update["message"]["text"] == "/start team-abc_1"
        with pytest.raises(ValueError, match="payload"):
            telegram.counselor.starts("x" * 65)

    async def test_a_long_paste_arrives_in_parts(self, telegram: Telegram) -> None:
        telegram.counselor.says("word " * 1000)
        updates = await telegram.call("getUpdates")

        assert len(updates) == 2
        assert sum(len(u["message"]["text"].split()) for u in updates) == 1000

    async def test_edits_are_told_and_deletions_are_not(self, telegram: Telegram) -> None:
        message = telegram.counselor.says("frist")
        telegram.counselor.edits(message, "first")
        telegram.counselor.deletes(message)
        updates = await telegram.call("getUpdates")

        assert updates[1]["edited_message"]["text"] == "first"
        assert len(updates) == 2
        assert telegram.counselor.messages[-1] is not message

    async def test_replies_need_their_message(self, telegram: Telegram) -> None:
        asked = telegram.counselor.says("question")
        sent = await telegram.send("answer", reply_parameters={"message_id": asked.id})
        alone = await telegram.send(
            "x", reply_parameters={"message_id": 999, "allow_sending_without_reply": True}
        )
        old_style = await telegram.send("y", reply_to_message_id=asked.id)

        assert sent["reply_to_message"]["text"] == "question"
        assert "reply_to_message" not in alone
        assert old_style["reply_to_message"]["message_id"] == asked.id
        assert await telegram.cannot_send("x", reply_parameters={"message_id": 999}) == (
            "Bad Request: message to be replied not found"
        )
        assert "object expected" in await telegram.cannot_send("x", reply_parameters=[1])


class TestFiles:
    async def upload(self, telegram: Telegram, method: str, name: str, content: bytes) -> Json:
        form = aiohttp.FormData({"chat_id": "1001"})
        form.add_field(name, io.BytesIO(content), filename="a.png")
        address = f"{telegram.url}/bot{TOKEN}/{method}"
        async with telegram.session.post(address, data=form) as answer:
            return dict(await answer.json())

    async def test_a_document_is_kept_as_it_was_sent(self, telegram: Telegram) -> None:
        body = await self.upload(telegram, "sendDocument", "document", b"content")
        identifier = body["result"]["document"]["file_id"]

        assert telegram.emulator.store.read_bytes(identifier.removeprefix("local-")) == b"content"
        assert "temporarily unavailable" in await telegram.refusal("getFile", file_id=identifier)

    async def test_attached_files_are_found(self, telegram: Telegram) -> None:
        form = aiohttp.FormData({"chat_id": "1001", "document": "attach://part1"})
        form.add_field("part1", b"content", filename="note.txt")
        address = f"{telegram.url}/bot{TOKEN}/sendDocument"
        async with telegram.session.post(address, data=form) as answer:
            body = await answer.json()

        assert body["result"]["document"]["file_name"] == "note.txt"

    async def test_files_are_checked(self, telegram: Telegram) -> None:
        png = b"\x89PNG\r\n\x1a\n" + b"\0" * 8
        wide = png + (9000).to_bytes(4) + (200).to_bytes(4)
        fine = png + (90).to_bytes(4) + (60).to_bytes(4)
        jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\0\x40\0\x80" + b"\0" * 12

        sizes = [
            (await self.upload(telegram, "sendPhoto", "photo", content))["result"]["photo"][0]
            for content in (fine, jpeg)
        ]
        problems = [
            (await self.upload(telegram, method, name, content))["description"]
            for method, name, content in (
                ("sendPhoto", "photo", b"no picture"),
                ("sendPhoto", "photo", wide),
                ("sendPhoto", "photo", b"\xff\xd8\xff\xe0\0\x04ab"),
                ("sendPhoto", "photo", b"x" * (10 * 1024 * 1024 + 1)),
                ("sendDocument", "document", b""),
                ("sendDocument", "other", b"x"),
            )
        ]

        assert [(s["width"], s["height"]) for s in sizes] == [(90, 60), (128, 64)]
        assert problems == [
            "Bad Request: IMAGE_PROCESS_FAILED",
            "Bad Request: PHOTO_INVALID_DIMENSIONS",
            "Bad Request: IMAGE_PROCESS_FAILED",
            "Bad Request: file is too big",
            "Bad Request: file must be non-empty",
            "Bad Request: there is no document in the request",
        ]

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ("https://a.example/x", "failed to get HTTP URL content"),
            ("abc", "wrong file identifier/HTTP URL specified"),
            ("attach://gone", "there is no document in the request"),
        ],
    )
    async def test_files_that_are_not_there(
        self, telegram: Telegram, written: str, words: str
    ) -> None:
        assert words in await telegram.refusal("sendDocument", chat_id=1001, document=written)

    async def test_chat_actions_and_copies(self, telegram: Telegram) -> None:
        sent = await telegram.send("to copy")
        await telegram.call("sendChatAction", chat_id=1001, action="typing")
        await telegram.call(
            "copyMessage", chat_id=1001, from_chat_id=1001, message_id=sent["message_id"]
        )

        assert [m.text for m in telegram.counselor.replies] == ["to copy", "to copy"]
        assert "wrong parameter action" in await telegram.refusal(
            "sendChatAction", chat_id=1001, action="dancing"
        )


class TestGroups:
    @pytest.fixture
    def team(self, telegram: Telegram) -> Person:
        nurse = person(telegram.emulator, 1003, "Nurse")
        together = group(telegram.emulator, "Case team", [telegram.counselor, nurse], is_forum=True)
        together.adds_bot(telegram.counselor)
        telegram.emulator.updates.forget(list(telegram.emulator.updates.waiting))
        return telegram.counselor.in_group(together)

    async def texts(self, telegram: Telegram) -> list[str]:
        updates = await telegram.call("getUpdates")
        return [u["message"]["text"] for u in updates if "text" in u.get("message", {})]

    async def test_privacy_mode_lets_only_some_messages_through(
        self, telegram: Telegram, team: Person
    ) -> None:
        card = await telegram.call("sendMessage", chat_id=team.chat.id, text="Card")
        ours = team.chat.history[card["message_id"]]
        theirs = team.says("among us")
        team.says("a reply among us", reply_to=theirs)
        team.says("@curbside_local_bot a mention")
        team.says("/new@another_bot")
        team.says("/new")
        team.says("/new@Curbside_Local_Bot")
        team.says("a reply to the card", reply_to=ours)

        assert await self.texts(telegram) == [
            "/new",
            "/new@Curbside_Local_Bot",
            "a reply to the card",
        ]

    async def test_an_administrator_hears_everything(
        self, telegram: Telegram, team: Person
    ) -> None:
        Group(telegram.emulator, team.chat).promotes_bot(telegram.counselor)
        team.says("among us")

        assert await self.texts(telegram) == ["among us"]

    async def test_coming_and_going_is_told(self, telegram: Telegram, team: Person) -> None:
        together = Group(telegram.emulator, team.chat)
        together.renames("Cases", telegram.counselor)
        together.removes(person(telegram.emulator, 1003, "Nurse"), telegram.counselor)
        together.adds(person(telegram.emulator, 1004, "Admin"), telegram.counselor)
        together.removes_bot(telegram.counselor)
        refused = await telegram.refusal("sendMessage", chat_id=team.chat.id, text="x")
        team.says("/unheard")
        updates = await telegram.call("getUpdates")

        assert refused == "Forbidden: bot was kicked from the supergroup chat"
        assert [next(iter(set(u) - {"update_id"})) for u in updates] == [
            "message",
            "message",
            "message",
            "my_chat_member",
        ]
        assert updates[0]["message"]["new_chat_title"] == "Cases"

    async def test_topics_need_a_forum_and_the_right(
        self, telegram: Telegram, team: Person
    ) -> None:
        here = {"chat_id": team.chat.id}
        assert "not enough rights to create a topic" in await telegram.refusal(
            "createForumTopic", **here, name="K7"
        )
        assert "the chat is not a forum" in await telegram.refusal(
            "createForumTopic", chat_id=1001, name="K7"
        )
        Group(telegram.emulator, team.chat).promotes_bot(telegram.counselor)
        topic = await telegram.call("createForumTopic", **here, name="K7")
        thread = {**here, "message_thread_id": topic["message_thread_id"]}
        sent = await telegram.call("sendMessage", **thread, text="Card")
        for name in ("", "x" * 129):
            assert "Bad Request" in await telegram.refusal("createForumTopic", **here, name=name)
        await telegram.call("editForumTopic", **thread, name="K8")
        await telegram.call("closeForumTopic", **thread)

        assert sent["is_topic_message"]
        assert "TOPIC_NOT_MODIFIED" in await telegram.refusal("closeForumTopic", **thread)
        assert "TOPIC_NOT_MODIFIED" in await telegram.refusal("editForumTopic", **thread, name="K8")
        assert "TOPIC_ID_INVALID" in await telegram.refusal(
            "reopenForumTopic", **here, message_thread_id=1
        )
        assert "message thread not found" in await telegram.refusal(
            "sendMessage", **here, message_thread_id=1, text="x"
        )
        Group(telegram.emulator, team.chat).demotes_bot(telegram.counselor)
        assert await telegram.refusal("sendMessage", **thread, text="x") == (
            "Bad Request: TOPIC_CLOSED"
        )

    async def test_people_open_topics_and_replies_stay_in_them(
        self, telegram: Telegram, team: Person
    ) -> None:
        together = Group(telegram.emulator, team.chat)
        thread = together.opens_topic("K7", telegram.counselor)
        asked = team.says("/share", topic=thread)
        answer = await telegram.call(
            "sendMessage",
            chat_id=team.chat.id,
            text="here",
            reply_parameters={"message_id": asked.id},
        )
        together.closes_topic(thread, telegram.counselor)
        Group(telegram.emulator, team.chat).promotes_bot(telegram.counselor)
        await telegram.call("deleteForumTopic", chat_id=team.chat.id, message_thread_id=thread)

        assert answer["message_thread_id"] == thread
        assert team.chat.topics == {}

    async def test_a_migrated_group_names_its_heir(self, telegram: Telegram) -> None:
        basic = group(telegram.emulator, "Old", [telegram.counselor], supergroup=False)
        basic.adds_bot(telegram.counselor)
        moved = basic.becomes_supergroup(telegram.counselor)
        status, body = await telegram.raw("sendMessage", chat_id=basic.chat.id, text="x")

        assert status == 400
        assert body["description"].startswith(
            "Bad Request: group chat was upgraded to a supergroup chat"
        )
        assert body["parameters"] == {"migrate_to_chat_id": moved.chat.id}
        sent = await telegram.call(
            "sendMessage", chat_id=moved.chat.id, text="x", message_thread_id=5
        )
        assert "message_thread_id" not in sent
        assert [m.text for m in moved.messages][-1] == "x"

    async def test_members_are_told(self, telegram: Telegram, team: Person) -> None:
        here = {"chat_id": team.chat.id}

        assert (await telegram.call("getChat", **here))["title"] == "Case team"
        assert (await telegram.call("getChatMember", **here, user_id=1001))["status"] == "creator"
        assert (await telegram.call("getChatMember", **here, user_id=4242))["status"] == "member"
        assert await telegram.call("getChatMemberCount", **here) == 3
        assert len(await telegram.call("getChatAdministrators", **here)) == 1
        assert "PARTICIPANT_ID_INVALID" in await telegram.refusal(
            "getChatMember", **here, user_id=77
        )
        assert "private chat" in await telegram.refusal("getChatAdministrators", chat_id=1001)

    async def test_pins_and_others_messages_need_rights(
        self, telegram: Telegram, team: Person
    ) -> None:
        here = {"chat_id": team.chat.id}
        card = await telegram.call("sendMessage", **here, text="Card")
        theirs = team.says("/x")
        number = {"message_id": card["message_id"]}
        assert "not enough rights" in await telegram.refusal("pinChatMessage", **here, **number)
        assert "message can't be deleted" in await telegram.refusal(
            "deleteMessage", **here, message_id=theirs.id
        )
        Group(telegram.emulator, team.chat).promotes_bot(telegram.counselor)
        for _ in range(2):
            await telegram.call("pinChatMessage", **here, **number)
        pinned = (await telegram.call("getChat", **here))["pinned_message"]["text"]
        await telegram.call("unpinChatMessage", **here)
        await telegram.call("deleteMessage", **here, message_id=theirs.id)

        assert pinned == "Card"
        assert "message to unpin not found" in await telegram.refusal("unpinChatMessage", **here)

    async def test_leaving_ends_it(self, telegram: Telegram, team: Person) -> None:
        await telegram.call("leaveChat", chat_id=team.chat.id)

        assert await telegram.refusal("sendMessage", chat_id=team.chat.id, text="x") == (
            "Forbidden: bot is not a member of the supergroup chat"
        )
        assert "private chats" in await telegram.refusal("leaveChat", chat_id=1001)


class TestInline:
    def article(self, **more: Any) -> Json:
        content = {"message_text": "<b>Card</b>", "parse_mode": "HTML"}
        made = {"type": "article", "id": "1", "title": "K7", "input_message_content": content}
        return made | more

    async def test_a_chosen_result_becomes_a_message(self, telegram: Telegram) -> None:
        query = telegram.counselor.asks_inline("K7")
        markup = {"inline_keyboard": [[button("Open", url="https://t.me/a?start=b")]]}
        await telegram.call(
            "answerInlineQuery",
            inline_query_id=query,
            results=[self.article(reply_markup=markup)],
            button={"text": "Sign in", "start_parameter": "inline"},
        )
        answer = await telegram.counselor.inline_answer(query)
        message = telegram.counselor.chooses(query)
        telegram.counselor.forges("on the card", message)
        await telegram.call(
            "editMessageText", inline_message_id=message.inline_id, text="Withdrawn"
        )
        updates = await telegram.call("getUpdates")

        assert answer["button"]["text"] == "Sign in"
        assert message.text == "Withdrawn"
        kinds = [next(iter(set(u) - {"update_id"})) for u in updates]
        assert kinds == [
            "inline_query",
            "message",
            "chosen_inline_result",
            "callback_query",
        ]
        assert "MESSAGE_ID_INVALID" in await telegram.refusal(
            "editMessageText", inline_message_id="none", text="x"
        )

    @pytest.mark.parametrize(
        ("results", "words"),
        [
            ("no", "expected an Array"),
            ([5], "must be an object"),
            ([{"type": "photo"}], "is unsupported"),
            ([{"type": "article", "id": ""}], "RESULT_ID_INVALID"),
            ([{"type": "article", "id": "1"}], "ARTICLE_TITLE_EMPTY"),
            ([{"type": "article", "id": "1", "title": "t"}], "content is not specified"),
            (
                [
                    {
                        "type": "article",
                        "id": "1",
                        "title": "t",
                        "input_message_content": {"message_text": " "},
                    }
                ],
                "MESSAGE_EMPTY",
            ),
        ],
    )
    async def test_broken_results_are_refused(
        self, telegram: Telegram, results: Any, words: str
    ) -> None:
        query = telegram.counselor.asks_inline("x")
        refused = await telegram.refusal(
            "answerInlineQuery", inline_query_id=query, results=json.dumps(results)
        )

        assert words in refused

    async def test_other_limits_of_an_answer(self, telegram: Telegram) -> None:
        async def refused(**params: Any) -> str:
            query = telegram.counselor.asks_inline("x")
            return await telegram.refusal("answerInlineQuery", inline_query_id=query, **params)

        assert "too many" in await refused(results=[self.article()] * 51)
        assert "RESULT_ID_DUPLICATE" in await refused(results=[self.article()] * 2)
        assert "START_PARAM_INVALID" in await refused(
            results=[], button={"text": "b", "start_parameter": "a b"}
        )
        assert "must be an Object" in await refused(results=[], button=[5])
        assert "too old" in await telegram.refusal(
            "answerInlineQuery", inline_query_id="0", results=[]
        )


class TestProfile:
    async def test_commands_are_kept_by_scope_and_language(self, telegram: Telegram) -> None:
        def shown(language: str) -> list[str]:
            chat = telegram.counselor.chat
            found = commands_for(telegram.emulator, chat, 1001, language)
            return [command["command"] for command in found]

        private = {"type": "all_private_chats"}
        new = {"command": "new", "description": "Start"}
        await telegram.call("setMyCommands", commands=[{**new, "command": "help"}])
        everywhere = shown("en")
        await telegram.call("setMyCommands", commands=[new], scope=private)
        spanish = {**new, "command": "nuevo"}
        await telegram.call("setMyCommands", commands=[spanish], scope=private, language_code="es")

        assert (everywhere, shown("en"), shown("es")) == (["help"], ["new"], ["nuevo"])
        assert await telegram.call("getMyCommands", scope=private) == [new]
        await telegram.call("deleteMyCommands", scope=private)
        assert shown("en") == ["help"]

    @pytest.mark.parametrize(
        ("command", "words"),
        [
            ({"command": "", "description": "d"}, "command must be non-empty"),
            ({"command": "New", "description": "d"}, "BOT_COMMAND_INVALID"),
            ({"command": "c" * 33, "description": "d"}, "must not exceed 32"),
            ({"command": "new", "description": ""}, "description must be non-empty"),
            ({"command": "new", "description": "d" * 257}, "must not exceed 256"),
            (5, "expected an Object"),
        ],
    )
    async def test_broken_commands_are_refused(
        self, telegram: Telegram, command: Any, words: str
    ) -> None:
        assert words in await telegram.refusal("setMyCommands", commands=[command])

    async def test_a_list_of_commands_is_needed(self, telegram: Telegram) -> None:
        new = {"command": "new", "description": "d"}

        assert "expected an Array" in await telegram.refusal("setMyCommands", commands="5")
        assert "TOO_MUCH" in await telegram.refusal("setMyCommands", commands=[new] * 101)
        assert await telegram.call("setChatMenuButton", menu_button={"type": "commands"})

    async def test_scopes_are_checked(self, telegram: Telegram) -> None:
        async def refused(scope: Json) -> str:
            return await telegram.refusal("getMyCommands", scope=scope)

        assert "Unsupported type" in await refused({"type": "planet"})
        assert "Empty chat_id" in await refused({"type": "chat"})

    async def test_descriptions_are_kept_and_limited(self, telegram: Telegram) -> None:
        await telegram.call("setMyDescription", description="What it does")

        assert (await telegram.call("getMyDescription"))["description"] == "What it does"
        assert (await telegram.call("getMyName"))["name"] == "Curbside"
        assert "TOO_LONG" in await telegram.refusal(
            "setMyShortDescription", short_description="x" * 121
        )


class TestFaults:
    @pytest.mark.parametrize(
        ("kind", "status"),
        [("429", 429), ("500", 500), ("502", 502), ("401", 401), ("403", 403), ("409", 409)],
    )
    async def test_a_refused_call_has_no_effect(
        self, telegram: Telegram, kind: Any, status: int
    ) -> None:
        telegram.emulator.faults.next(kind, retry_after=3)
        address = f"{telegram.url}/bot{TOKEN}/sendMessage"
        async with telegram.session.post(address, json={"chat_id": 1001, "text": "x"}) as answer:
            written = await answer.text()

        assert answer.status == status
        assert ("retry after 3" in written) is (kind == "429")
        assert telegram.counselor.replies == []
        assert telegram.emulator.refusals() == []

    @pytest.mark.parametrize("kind", ["dropped", "truncated"])
    async def test_a_lost_answer_took_effect(self, telegram: Telegram, kind: Any) -> None:
        telegram.emulator.faults.next(kind, method="sendMessage")
        await telegram.call("getMe")
        with pytest.raises((aiohttp.ClientPayloadError, ValueError)):
            await telegram.send("arrived")

        assert telegram.counselor.last.text == "arrived"
        assert telegram.emulator.faults.dropped_replies == 1

    async def test_updates_come_twice_or_in_disorder(self, telegram: Telegram) -> None:
        for word in "abcdef":
            telegram.counselor.says(word)
        telegram.emulator.faults.next("duplicate")
        telegram.emulator.faults.next("reorder")

        twice = await telegram.call("getUpdates")
        mixed = [u["update_id"] for u in await telegram.call("getUpdates")]

        assert len(twice) == 12
        assert mixed != sorted(mixed)
        assert len(set(mixed)) == 6

    async def test_a_share_of_calls_fails_the_same_way_each_time(self, telegram: Telegram) -> None:
        faults = telegram.emulator.faults

        async def schedule() -> list[int]:
            faults.reseed(5)
            return [(await telegram.raw("getMe"))[0] for _ in range(12)]

        faults.at_random("500", 0.5)
        first, second = await schedule(), await schedule()
        faults.clear()

        assert first == second
        assert {200, 500} == set(first)
        assert set(await schedule()) == {200}

    async def test_a_slow_answer_comes_late_and_others_do_not_wait(
        self, telegram: Telegram
    ) -> None:
        telegram.emulator.faults.next("slow", seconds=0.3, chat=1001)
        slow = asyncio.create_task(telegram.send("slow"))
        await telegram.call("getMe")

        assert not slow.done()
        assert (await slow)["text"] == "slow"


class TestPort:
    async def test_a_busy_port_is_an_error(self, telegram: Telegram) -> None:
        port = int(telegram.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with served(bot_api(telegram.emulator), port):
                pass


class TestRates:
    async def test_a_burst_then_one_a_second_with_retry_after(self, telegram: Telegram) -> None:
        time = [0.0]
        telegram.emulator.rates = Rates(private_burst=2, clock=lambda: time[0])
        for _ in range(2):
            await telegram.send("x")
        status, body = await telegram.raw("sendMessage", chat_id=1001, text="x")
        time[0] = 2.1
        await telegram.send("x")

        assert status == 429
        assert body["description"] == "Too Many Requests: retry after 3"
        assert body["parameters"] == {"retry_after": 3}

    async def test_groups_have_20_a_minute(self, telegram: Telegram) -> None:
        together = group(telegram.emulator, "Team", [telegram.counselor])
        together.adds_bot(telegram.counselor)
        telegram.emulator.rates = Rates()
        codes = [
            (await telegram.raw("sendMessage", chat_id=together.chat.id, text="x"))[0]
            for _ in range(21)
        ]

        assert codes == [200] * 20 + [429]


class TestRestart:
    def test_everything_is_there_again(self, clock: Clock, tmp_path: Path) -> None:
        path = tmp_path / "telegram.sqlite"
        first = new_emulator(TOKEN, clock, path=path)
        counselor = person(first, 1001, "Counselor")
        together = group(first, "Case team", [counselor], is_forum=True)
        together.adds_bot(counselor)
        together.opens_topic("K7", counselor)
        said = counselor.starts("abc")
        first.store.put_bytes("1", b"bytes")
        waiting = list(first.updates.waiting.values())
        first.close()

        second = new_emulator(TOKEN, clock, path=path)
        again = person(second, 1001, "Counselor")

        assert [m.text for m in again.messages] == ["/start abc"]
        assert again.user.started
        assert list(second.updates.waiting.values()) == waiting
        assert [t.name for t in group(second, "Case team", [again]).chat.topics.values()] == ["K7"]
        assert second.store.read_bytes("1") == b"bytes"
        assert again.says("next").id > said.id
        second.close()

    async def test_a_killed_demo_still_waits_for_its_answer(
        self, clock: Clock, tmp_path: Path
    ) -> None:
        path = tmp_path / "telegram.sqlite"
        first = new_emulator(TOKEN, clock, path=path)
        counselor = person(first, 1001, "Counselor")
        query = counselor.asks_inline("x")
        first.store.put("webhook", "it", {"url": "http://127.0.0.1:1/", "secret": "s"})
        first.close()

        second = new_emulator(TOKEN, clock, path=path)

        assert second.answered(query) is not None
        assert second.answered(query) is None
        assert second.webhook.secret == "s"
        second.close()


class TestLibrary:
    """What python-telegram-bot sends and reads."""

    async def test_its_calls_are_understood(self, telegram: Telegram) -> None:
        async with Bot(TOKEN, base_url=f"{telegram.url}/bot") as bot:
            sent = await bot.send_message(1001, "<b>Hi</b>", parse_mode="HTML")
            await bot.send_document(1001, b"<p>x</p>", filename="case.html", caption="Case")
            await bot.edit_message_text("Hi again", chat_id=1001, message_id=sent.message_id)
            await bot.set_my_commands([("new", "Start")])

        assert [m.text for m in telegram.counselor.replies] == ["Hi again", "Case"]
        assert telegram.counselor.last.wire["document"]["file_name"] == "case.html"

    async def test_it_reads_every_update(self, telegram: Telegram) -> None:
        counselor = telegram.counselor
        together = group(telegram.emulator, "Case team", [counselor], is_forum=True)
        together.adds_bot(counselor, admin=True)
        together.opens_topic("K7", counselor)
        for sends in (
            counselor.sends_sticker,
            counselor.sends_photo,
            counselor.sends_voice,
            counselor.sends_location,
            counselor.sends_contact,
            counselor.sends_document,
            counselor.sends_poll,
        ):
            sends()
        counselor.edits(counselor.says("x"), "y")
        counselor.asks_inline("x")
        await telegram.send("Sure?", [YES])
        counselor.taps("Yes")
        counselor.blocks_bot()
        together.removes_bot(counselor)

        read = [Update.de_json(u, None) for u in await telegram.call("getUpdates")]

        assert len(read) == 16
        assert {u.effective_user.id for u in read if u.effective_user} == {1001}


class TestWaiting:
    async def test_a_test_can_wait_for_words_and_for_silence(self, telegram: Telegram) -> None:
        async def answer() -> None:
            [update] = await telegram.call("getUpdates", timeout=5)
            await telegram.send("Hello, Counselor")
            await telegram.call("getUpdates", offset=update["update_id"] + 1)

        bot = asyncio.create_task(answer())
        telegram.counselor.says("Hello")

        assert (await telegram.counselor.hears("Hello, C")).text == "Hello, Counselor"
        await telegram.emulator.quiet()
        await bot
        assert telegram.counselor.screen_or_none is None

    async def test_waiting_in_vain_ends(self, telegram: Telegram) -> None:
        with pytest.raises(TimeoutError):
            await telegram.counselor.hears("never", seconds=0.05)
