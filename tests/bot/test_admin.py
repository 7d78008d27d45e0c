"""Admins in the chat: numbers, one chart, approvals, and the way to the console."""

from pathlib import Path
from typing import Any

import pytest

from bot.language import LANGUAGES
from bot.picture import png
from dialogs.charts import Bar, columns, picture
from storage import sign_in
from storage.transaction import Tx
from tests.bot.conftest import Conversation, talking
from tests.bot.walks import data_of, every, forged, summary, unharmed
from web.emulator import Message, person
from web.emulator.messages import picture_size

ADMIN = 501


async def begun(talk: Conversation) -> None:
    talk.me.starts()
    await talk.settles()


async def one_case(talk: Conversation) -> None:
    """Go from the first screen to the summary of one case."""
    await begun(talk)
    await talk.taps("I am a clinician", "Counselor")
    await summary(talk)


def photos(talk: Conversation) -> list[Message]:
    return [message for message in talk.me.replies if "photo" in message.wire]


# --- numbers ------------------------------------------------------------------------------------


async def test_an_admin_need_not_be_a_clinician_to_administer(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await begun(talk)
        assert "I am a clinician and I agree" in talk.screen.labels

        screen = await talk.taps("Administration")

        assert "Nobody waits for approval." in screen.text
        assert "The weekly look through the log is due." in screen.text
        assert photos(talk) == []
        assert screen.id == talk.me.last.id
        await unharmed(talk)


async def test_small_numbers_are_not_told_exactly(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await one_case(talk)

        words = await talk.says("/admin")

        assert "Today: 1–4 cases begun, 1–4 with a summary, 0 stopped by a red flag" in words


async def test_the_numbers_come_with_a_chart_as_a_picture(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await one_case(talk)

        await talk.says("/admin")

        [photo] = photos(talk)
        [size] = photo.wire["photo"]
        assert (size["width"], size["height"]) == (1116, 630)
        assert "hatched" in photo.text
        assert photo.id < talk.screen.id
        assert await every(talk, "SELECT count(*) FROM transcript WHERE state = 'dead'") == [(0,)]
        await unharmed(talk)


async def test_for_anybody_else_there_is_no_admin_command(ready: Conversation) -> None:
    assert "I do not know that command" in await ready.says("/admin")
    assert "no longer works" in await forged(ready, "1|console||")
    assert "no longer works" in await forged(ready, "1|admin||")
    assert "/admin" not in await ready.says("/help")
    assert "Administration" not in ready.screen.labels

    denied = await every(ready, "SELECT count(*) FROM audit_event WHERE outcome = 'denied'")
    assert denied == [(3,)]
    await unharmed(ready)


async def test_help_and_menu_name_the_command_for_admins_only(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await begun(talk)

        assert "/admin" in await talk.says("/help")
        listed = {
            str(call.params["scope"]): [each["command"] for each in call.params["commands"]]
            for call in talk.emulator.calls
            if call.method == "setMyCommands"
        }
        assert {scope: "admin" in names for scope, names in listed.items()} == {
            "{'type': 'all_private_chats'}": False,
            "{'type': 'all_group_chats'}": False,
            f"{{'type': 'chat', 'chat_id': {ADMIN}}}": True,
        }


async def test_the_menu_comes_with_the_first_screen_as_there_was_no_chat_before(
    tmp_path: Path,
) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await begun(talk)
        menus = [call for call in talk.emulator.calls if call.method == "setMyCommands"]
        menu = menus[-1]

        assert len(menus) == 3 * len(LANGUAGES) + 1
        assert menu.params["scope"] == {"type": "chat", "chat_id": ADMIN}
        assert menu.params["commands"][-1]["command"] == "admin"
        await unharmed(talk)


# --- approvals ----------------------------------------------------------------------------------


async def waiting(talk: Conversation, *numbers: int) -> None:
    for number in numbers:
        person(talk.emulator, number, "Bo").starts()
    await begun(talk)


async def test_an_admin_approves_in_the_chat_and_the_person_is_told(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,), approval="approve") as talk:
        await waiting(talk, 777)
        assert "Bo (777)" in await talk.says("/admin")

        data = data_of(talk.screen, "Approve 1")
        screen = await talk.taps("Approve 1")

        assert "Nobody waits for approval." in screen.text
        assert "You are approved" in person(talk.emulator, 777, "Bo").last.text
        assert "decided already" in await forged(talk, data)
        assert "no longer works" in await forged(talk, data.replace(data.split("|")[3], "abc"))
        await unharmed(talk)


async def test_an_admin_may_refuse(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,), approval="approve") as talk:
        await waiting(talk, 777)
        await talk.says("/admin")

        await talk.taps("Refuse 1")

        assert await every(talk, "SELECT status FROM person WHERE telegram_id = 777") == [
            ("suspended",)
        ]


async def test_who_is_approved_is_told_in_their_own_language(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,), approval="approve") as talk:
        await waiting(talk, 777)
        await talk.service.database.write(
            lambda tx: tx.connection.exec_driver_sql(
                "UPDATE person SET language = 'es' WHERE telegram_id = 777"
            )
        )
        await talk.says("/admin")

        await talk.taps("Approve 1")

        assert "aprob" in person(talk.emulator, 777, "Bo").last.text


async def test_more_people_than_fit_a_screen_are_in_the_console(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,), approval="approve") as talk:
        await waiting(talk, *range(701, 711))

        words = await talk.says("/admin")

        assert "Waiting for approval: 10" in words
        assert "The others are in the console." in words
        assert len(talk.screen.buttons) == 9


# --- the way to the console ---------------------------------------------------------------------


async def test_the_link_stands_as_text_without_a_public_address(tmp_path: Path) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await begun(talk)
        await talk.says("/admin")

        await talk.taps("Open the console")

        assert "http://127.0.0.1:8080/sign-in/" in talk.me.last.text
        assert "Works once" in talk.me.last.text
        await unharmed(talk)


async def test_the_link_is_a_button_with_a_public_address(tmp_path: Path) -> None:
    address = "https://curbside.example.org"
    async with talking(tmp_path, admins=(ADMIN,), public_url=address) as talk:
        await begun(talk)
        await talk.says("/admin")

        await talk.taps("Open the console")

        [[button]] = talk.me.last.rows
        assert button["url"].startswith(f"{address}/sign-in/")
        assert "sign-in" not in talk.me.last.text


@pytest.mark.parametrize(
    ("right", "words"), [(True, "Go back to the browser"), (False, "nothing was opened")]
)
async def test_the_question_for_the_number_goes_once_it_is_answered(
    tmp_path: Path, right: bool, words: str
) -> None:
    async with talking(tmp_path, admins=(ADMIN,)) as talk:
        await begun(talk)
        await talk.says("/admin")

        def asked(tx: Tx) -> Any:
            token = sign_in.issue(tx, _admin(tx))
            question = sign_in.bind(tx, token, "a browser")
            assert question is not None
            return question.sign_in

        found = await talk.service.database.write(asked)
        picked = found.number if right else 0
        toast = await forged(talk, f"1|signin||{found.id.hex}|{picked}|")

        assert words in toast
        assert words in talk.me.last.text
        assert talk.me.last.labels == []
        assert "no longer works" in await forged(talk, "1|signin||nonsense|12|")


def _admin(tx: Tx) -> Any:
    from storage import people

    [found] = people.admins(tx)
    return found.id


# --- the picture --------------------------------------------------------------------------------


def test_a_drawing_becomes_a_picture_with_its_title_and_legend() -> None:
    drawing = columns("Cases", [Bar("11-23", (7, None)), Bar("11-30", (5, 6))], ("a & b", "c"))

    made = picture("Cases <by> week", drawing, ("a & b", "c"))

    assert "Cases &lt;by&gt; week" in made
    assert "a &amp; b" in made
    assert picture_size(png(made)) == (1116, 630)
    assert png(made) == png(made)


def test_what_is_no_chart_is_no_picture() -> None:
    with pytest.raises(ValueError, match="not a chart"):
        picture("Nothing", "<p>Nothing in this period.</p>", ())


async def test_the_menu_is_told_in_every_language(tmp_path: Path) -> None:
    async with talking(tmp_path) as talk:
        await begun(talk)

        told = {
            call.params.get("language_code", "en"): call.params["commands"][0]["description"]
            for call in talk.emulator.calls
            if call.method == "setMyCommands" and "private" in str(call.params["scope"])
        }
    assert told == {"en": "start a case", "es": "iniciar un caso"}
