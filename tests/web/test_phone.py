"""The phone page: what it is told, what it may do, and that it keeps to itself."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, Request, async_playwright, expect
from starlette.applications import Starlette

from web import phone_view
from web.emulator import Emulator, Group, Person, new_emulator, person, served
from web.loopback import is_loopback
from web.phone import create_phone

TOKEN = "4242:local"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
Json = dict[str, Any]


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def shift(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Demo:
    """A served phone page and a bare client that asks as the page does."""

    emulator: Emulator
    clock: Clock
    url: str
    session: aiohttp.ClientSession

    @property
    def counselor(self) -> Person:
        return person(self.emulator, 7001, "Counselor")

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        return await self.session.get(self.url + path, headers=headers)

    async def do(self, action: str, *, who: int = 7001, chat: int = 7001, **more: Any) -> Any:
        status, body = await self.ask({"do": action, "person": who, "chat": chat, **more})
        assert status == 200
        return body["result"]

    async def ask(self, wish: Any) -> tuple[int, Json]:
        async with self.session.post(f"{self.url}/phone/do", json=wish) as answer:
            return answer.status, await answer.json()

    async def bot(self, method: str, **params: Any) -> Any:
        address = f"{self.url}{self.emulator.path}/{method}"
        async with self.session.post(address, json=params) as answer:
            return (await answer.json())["result"]

    async def says(self, text: str, *rows: list[Json], chat: int = 7001, **more: Any) -> Any:
        markup = {"reply_markup": {"inline_keyboard": list(rows)}}
        return await self.bot("sendMessage", chat_id=chat, text=text, **markup, **more)

    async def event(self, stream: aiohttp.ClientResponse, kind: str) -> Json:
        async with asyncio.timeout(5):
            async for line in stream.content:
                told = json.loads(line[6:]) if line.startswith(b"data: ") else {}
                if told.get("type") == kind:
                    return dict(told)
        raise AssertionError("the stream ended")


def button(label: str, **kind: Any) -> Json:
    return {"text": label, **kind}


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    clock = Clock()
    emulator = new_emulator(TOKEN, clock, seed=7)
    app = Starlette(routes=create_phone(emulator, on_clock_shift=clock.shift))
    async with served(app) as url, aiohttp.ClientSession() as session:
        yield Demo(emulator, clock, url, session)


class TestPage:
    @pytest.mark.parametrize(
        "path", ["/", "/phone/phone.js", "/phone/phone.css", "/phone/phone.svg"]
    )
    async def test_nothing_of_other_sites_is_let_in(self, demo: Demo, path: str) -> None:
        answer = await demo.get(path)
        policy = answer.headers["Content-Security-Policy"]

        assert answer.status == 200
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_the_page_has_no_code_or_style_of_its_own(self, demo: Demo) -> None:
        written = await (await demo.get("/")).text()

        assert "<style" not in written
        assert "style=" not in written
        assert "<script>" not in written

    @pytest.mark.parametrize(
        "headers",
        [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example"}, {"Origin": "null"}],
    )
    async def test_other_names_and_sites_are_turned_away(self, demo: Demo, headers: Json) -> None:
        assert (await demo.get("/", **headers)).status == 403

    async def test_this_machine_may_ask(self, demo: Demo) -> None:
        assert (await demo.get("/", Origin=demo.url)).status == 200

    @pytest.mark.parametrize(
        ("written", "local"),
        [
            ("127.0.0.1:80", True),
            ("localhost", True),
            ("[::1]:80", True),
            ("", False),
            ("[", False),
        ],
    )
    def test_names_of_this_machine(self, written: str, local: bool) -> None:
        assert is_loopback(written) is local


class TestEvents:
    async def test_the_state_comes_first(self, demo: Demo) -> None:
        demo.counselor.says("Hello")
        async with demo.session.get(f"{demo.url}/phone/events") as stream:
            state = await demo.event(stream, "state")

        assert [p["name"] for p in state["people"]] == [
            "Counselor",
            "Pain physician",
            "Nurse",
            "Admin",
        ]
        assert state["chats"][-1]["title"] == "Case team"
        assert "Hello" in [m["text"] for m in state["messages"]]
        assert state["clock"]

    async def test_changes_follow(self, demo: Demo) -> None:
        demo.counselor.starts()
        async with demo.session.get(f"{demo.url}/phone/events") as stream:
            await demo.event(stream, "state")
            sent = await demo.says("Sure?", [button("Yes", callback_data="yes")])
            shown = await demo.event(stream, "message")
            query = await demo.do("tap", message=sent["message_id"], data="yes")
            await demo.bot("answerCallbackQuery", callback_query_id=query, text="Kept")
            answer = await demo.event(stream, "answer")
            await demo.bot("deleteMessage", chat_id=7001, message_id=sent["message_id"])
            gone = await demo.event(stream, "delete")
            await demo.bot("setMyCommands", commands=[{"command": "new", "description": "Start"}])
            state = await demo.event(stream, "state")

        assert shown["message"]["rows"] == [[button("Yes", callback_data="yes")]]
        assert (answer["text"], answer["person"]) == ("Kept", 7001)
        assert gone["message"] == sent["message_id"]
        assert state["commands"]["7001:7001"][0]["command"] == "new"

    async def test_every_kind_of_message_has_its_words(self, demo: Demo) -> None:
        team = next(c for c in demo.emulator.world.chats.values() if not c.private)
        together = Group(demo.emulator, team)
        counselor = demo.counselor.in_group(together)
        together.promotes_bot(counselor)
        asked = counselor.says("/x")
        await demo.says("answer", chat=team.id, reply_parameters={"message_id": asked.id})
        await demo.says("orphan", chat=team.id, reply_parameters={"message_id": asked.id})
        for send in (counselor.sends_document, counselor.sends_photo, counselor.sends_sticker):
            send()
        together.renames("Cases", counselor)
        counselor.sends({"group_chat_created": True})
        seen = [phone_view.message_seen(demo.emulator, m) for m in team.messages]
        counselor.deletes(asked)
        last = phone_view.message_seen(demo.emulator, team.history[asked.id + 1])

        assert [m["service"] for m in seen if "service" in m] == [
            "Counselor added Curbside",
            "Counselor renamed the group to Cases",
            "Something changed in the chat",
        ]
        assert seen[2]["reply"] == {"id": asked.id, "name": "Counselor", "text": "/x"}
        assert last["reply"] is None
        assert [k for m in seen for k in ("document", "photo", "other") if k in m] == [
            "document",
            "photo",
            "other",
        ]

    async def test_a_quiet_stream_is_kept_open(
        self, demo: Demo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("web.phone.KEEP_ALIVE", 0.05)
        async with demo.session.get(f"{demo.url}/phone/events") as stream:
            async with asyncio.timeout(2):
                comment = await stream.content.readuntil(b": still here\n\n")

        assert comment.endswith(b": still here\n\n")

    async def test_closing_the_demo_ends_the_stream(self, demo: Demo) -> None:
        async with demo.session.get(f"{demo.url}/phone/events") as stream:
            await demo.event(stream, "state")
            demo.emulator.close()
            async with asyncio.timeout(2):
                assert (await stream.content.read()).strip() == b""


class TestDoing:
    async def test_people_write_edit_and_delete(self, demo: Demo) -> None:
        number = await demo.do("say", text=" frist ")
        reply = await demo.do("say", text="again", reply=number)
        await demo.do("edit", message=number, text="first")
        shown = [m.text for m in demo.counselor.messages]
        await demo.do("delete", message=number)

        assert shown == ["first", "again"]
        assert [m.id for m in demo.counselor.messages] == [reply]

    async def test_they_start_block_and_unblock(self, demo: Demo) -> None:
        await demo.do("start", payload="abc")
        await demo.do("block")
        blocked = demo.counselor.user.blocked
        await demo.do("unblock")

        assert blocked
        assert [m.text for m in demo.counselor.messages] == ["/start abc", "/start"]

    @pytest.mark.parametrize(
        "what", ["sticker", "photo", "voice", "location", "contact", "document"]
    )
    async def test_they_send_other_things(self, demo: Demo, what: str) -> None:
        await demo.do("send", what=what)

        assert what in demo.counselor.messages[-1].wire

    async def test_they_manage_the_bot_in_their_group(self, demo: Demo) -> None:
        team = next(c for c in demo.emulator.world.chats.values() if not c.private)
        statuses = []
        for what in ("remove", "add", "promote"):
            await demo.do("bot", chat=team.id, what=what)
            statuses.append(team.members[4242])

        assert statuses == ["kicked", "member", "administrator"]

    async def test_they_use_inline_mode(self, demo: Demo) -> None:
        team = next(c for c in demo.emulator.world.chats.values() if not c.private)
        query = await demo.do("inline", chat=team.id, text="K7")
        content = {"message_text": "Card"}
        card = {"type": "article", "id": "1", "title": "K7", "input_message_content": content}
        early = await demo.do("results", chat=team.id, query=query)
        await demo.bot("answerInlineQuery", inline_query_id=query, results=[card])
        offered = await demo.do("results", chat=team.id, query=query)
        await demo.do("choose", chat=team.id, query=query, number=0)

        assert early["results"] == []
        assert [r["title"] for r in offered["results"]] == ["K7"]
        assert team.messages[-1].text == "Card"

    async def test_the_clock_moves_for_everybody(self, demo: Demo) -> None:
        before = demo.clock.now
        await demo.ask({"do": "clock", "days": 90})

        assert demo.clock.now - before == timedelta(days=90)

    async def test_a_callback_may_take_its_time(self) -> None:
        moved: list[float] = []

        async def shift(seconds: float) -> None:
            moved.append(seconds)

        emulator = new_emulator(TOKEN, Clock())
        create_phone(emulator)
        app = Starlette(routes=create_phone(emulator, on_clock_shift=shift))
        async with served(app) as url, aiohttp.ClientSession() as session:
            await Demo(emulator, Clock(), url, session).ask({"do": "clock", "days": 1})

        assert moved == [86_400.0]

    async def test_without_a_callback_the_clock_stands(self) -> None:
        emulator = new_emulator(TOKEN, Clock())
        app = Starlette(routes=create_phone(emulator, team=""))
        async with served(app) as url, aiohttp.ClientSession() as session:
            demo = Demo(emulator, Clock(), url, session)
            status, _ = await demo.ask({"do": "clock", "days": 1})
            async with session.get(f"{url}/phone/events") as stream:
                state = await demo.event(stream, "state")

        assert status == 400
        assert not state["clock"]
        assert all(chat["private"] for chat in state["chats"])

    @pytest.mark.parametrize(
        "wish",
        [
            {"do": "dance", "person": 7001, "chat": 7001},
            {"do": "say", "person": 7001, "chat": 7002, "text": "in another's chat"},
            {"do": "say", "person": 5, "chat": 7001, "text": "x"},
            {"do": "say", "person": 7001, "chat": 7001, "text": " "},
            {"do": "edit", "person": 7001, "chat": 7001, "message": 1, "text": ""},
            {"do": "edit", "person": 7001, "chat": 7001, "message": 77, "text": "x"},
            {"do": "bot", "person": 7001, "chat": 7001, "what": "sell"},
            {"do": "send", "person": 7001, "chat": 7001, "what": "money"},
            {"do": "clock", "days": -1},
            {"do": "clock", "days": "soon"},
            {"person": 7001},
            [],
        ],
    )
    async def test_nonsense_is_refused_and_changes_nothing(self, demo: Demo, wish: Any) -> None:
        status, body = await demo.ask(wish)

        assert status == 400
        assert not body["ok"]
        assert demo.counselor.messages == []

    async def test_others_messages_stay_as_they_are(self, demo: Demo) -> None:
        demo.counselor.starts()
        sent = await demo.says("The bot's own")
        status, _ = await demo.ask(
            {"do": "delete", "person": 7001, "chat": 7001, "message": sent["message_id"]}
        )

        assert status == 400
        assert demo.counselor.last.text == "The bot's own"

    async def test_forms_of_other_sites_are_refused(self, demo: Demo) -> None:
        async with demo.session.post(f"{demo.url}/phone/do", data={"do": "say"}) as answer:
            assert answer.status == 415

    async def test_faults_are_set_from_outside(self, demo: Demo) -> None:
        wish = {
            "clear": True,
            "seed": 3,
            "next": [{"kind": "500", "times": 1}],
            "random": [{"kind": "slow", "probability": 0.0}],
        }
        await demo.session.post(f"{demo.url}/emulator/faults", json=wish)
        async with demo.session.get(f"{demo.url}{demo.emulator.path}/getMe") as answer:
            status = answer.status
        async with demo.session.post(f"{demo.url}/emulator/faults", json={}) as answer:
            counted = await answer.json()

        assert status == 500
        assert counted == {"counts": {"500": 1}, "dropped_replies": 0}


class TestFiles:
    async def upload(self, demo: Demo, method: str, name: str, content: bytes) -> Any:
        demo.counselor.starts()
        form = aiohttp.FormData({"chat_id": "7001"})
        form.add_field(name, content, filename='x"; y.html')
        address = f"{demo.url}{demo.emulator.path}/{method}"
        async with demo.session.post(address, data=form) as answer:
            return (await answer.json())["result"]

    async def test_documents_are_downloads_never_pages(self, demo: Demo) -> None:
        sent = await self.upload(demo, "sendDocument", "document", b"<script>x</script>")
        answer = await demo.get(f"/phone/file/{sent['document']['file_id']}/a%22b.html")

        assert await answer.read() == b"<script>x</script>"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="a_b.html"'

    async def test_photos_are_shown(self, demo: Demo) -> None:
        png = b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + (90).to_bytes(4) + (60).to_bytes(4)
        sent = await self.upload(demo, "sendPhoto", "photo", png)
        answer = await demo.get(f"/phone/file/{sent['photo'][0]['file_id']}/photo")
        missing = await demo.get("/phone/file/local-99/photo")

        assert answer.headers["Content-Type"] == "image/png"
        assert missing.status == 404


QUOTE = "<blockquote expandable>" + "A line of the explanation.\n" * 9 + "</blockquote>"


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine")
class TestBrowser:
    """The page in a real browser at the width of a phone."""

    @pytest.fixture
    async def page(self, demo: Demo) -> AsyncIterator[Page]:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
            )
            page = await browser.new_page(viewport={"width": 360, "height": 700})
            self.asked: list[str] = []
            self.problems: list[str] = []
            page.on("request", self.note)
            page.on("pageerror", lambda problem: self.problems.append(str(problem)))
            page.on(
                "console", lambda m: self.problems.append(m.text) if m.type == "error" else None
            )
            await page.goto(f"{demo.url}/#7001")
            yield page
            await browser.close()

    def note(self, request: Request) -> None:
        self.asked.append(request.url)

    async def test_a_conversation_by_taps(self, demo: Demo, page: Page) -> None:
        await page.get_by_role("button", name="Start").click()
        await demo.emulator.until(lambda: demo.counselor.messages)
        sent = await demo.says(
            f"<b>Is it <i>so</i>?</b>\n{QUOTE}See /help",
            [button("Yes, that is so", callback_data="yes"), button("No", callback_data="no")],
            [button("Copy", copy_text={"text": "words"})],
            parse_mode="HTML",
        )
        yes = page.get_by_role("button", name="Yes, that is so")
        await yes.click()
        await expect(yes).to_have_attribute("aria-busy", "true")
        [query] = await demo.emulator.until(lambda: demo.counselor.spinning)
        await demo.bot("answerCallbackQuery", callback_query_id=query.id, text="Kept")
        await expect(page.get_by_role("status")).to_have_text("Kept")
        await expect(yes).not_to_have_attribute("aria-busy", "true")

        turn = page.get_by_role("button", name="Show the whole quote")
        folded = await page.locator("blockquote .inside").bounding_box()
        await turn.click()
        opened = await page.locator("blockquote .inside").bounding_box()
        await demo.bot("editMessageText", chat_id=7001, message_id=sent["message_id"], text="Yes ✓")
        await expect(page.locator("article").last).to_contain_text("Yes ✓edited")

        assert folded is not None
        assert opened is not None
        assert opened["height"] > folded["height"] * 2
        assert await page.locator(".key").count() == 0
        await self.stays_local(demo, page)

    async def stays_local(self, demo: Demo, page: Page) -> None:
        widths = (
            "[document.documentElement.scrollWidth, document.querySelector('.log').scrollWidth]"
        )

        assert all(width <= 360 for width in await page.evaluate(widths))
        assert all(url.startswith(demo.url) for url in self.asked)
        assert self.problems == []

    async def test_typing_editing_and_history(self, demo: Demo, page: Page) -> None:
        await page.get_by_role("button", name="Start").click()
        box = page.get_by_role("textbox")
        await box.fill("frist <b>words</b>")
        await box.press("Enter")
        bubble = page.locator("article", has_text="frist <b>words</b>")
        await bubble.locator(".bubble").click(button="right")
        await page.get_by_role("button", name="Edit", exact=True).click()
        await box.fill("first words")
        await page.get_by_role("button", name="Send", exact=True).click()
        await expect(page.locator("article").last).to_contain_text("first words")
        await page.reload()
        await expect(page.locator("article")).to_have_count(2)
        await expect(page.locator("article").last).to_contain_text("first words")

        assert demo.counselor.messages[-1].edited
        await self.stays_local(demo, page)

    async def test_alerts_commands_and_other_people(self, demo: Demo, page: Page) -> None:
        await demo.bot("setMyCommands", commands=[{"command": "new", "description": "A case"}])
        await page.get_by_role("button", name="Start").click()
        await demo.emulator.until(lambda: demo.counselor.messages)
        await demo.says("Why?", [button("Why?", callback_data="why")])
        await page.get_by_role("button", name="Why?", exact=True).click()
        [query] = await demo.emulator.until(lambda: demo.counselor.spinning)
        await demo.bot(
            "answerCallbackQuery", callback_query_id=query.id, text="Because.", show_alert=True
        )
        await page.get_by_role("alertdialog").get_by_role("button", name="OK").click()
        await page.get_by_role("button", name="Commands").click()
        await page.get_by_role("button", name="/new A case").click()
        await expect(page.locator("article.out").last).to_contain_text("/new")
        await page.get_by_role("button", name="Change person").click()
        await page.get_by_role("button", name="Nurse").click()
        await expect(page.get_by_role("region", name="Phone of Nurse")).to_be_visible()
        await page.get_by_role("button", name="All chats").click()
        await page.get_by_role("button", name="Case team").click()
        await page.get_by_role("textbox").fill("Hello all")
        await page.keyboard.press("Enter")
        await expect(page.locator("article.out")).to_contain_text("Hello all")

        await self.stays_local(demo, page)
