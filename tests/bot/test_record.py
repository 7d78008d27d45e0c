"""The transcript in the chat: a page behind a sign-in, or a file."""

import re
from pathlib import Path
from typing import Any

import pytest

from storage.paper import Press
from tests.bot.conftest import Conversation, talking
from tests.bot.walks import case_of, every, forged, planned, summary, unharmed
from tests.storage.test_paper import answering
from web.emulator import person


def file_of(talk: Conversation) -> tuple[str, bytes]:
    """Name and content of the newest file in the chat."""
    message = next(m for m in reversed(talk.me.messages) if "document" in m.wire)
    document: dict[str, Any] = message.wire["document"]
    content = talk.emulator.store.read_bytes(document["file_id"].removeprefix("local-"))
    assert content is not None
    return document["file_name"], content


async def warmed_up(talk: Conversation) -> None:
    """Have the process that makes PDFs running: starting takes longer than a busy machine has."""
    talk.service.press.seconds = 60
    await talk.service.press.pdf("<p>.</p>")


async def test_the_summary_leads_to_the_transcript(ready: Conversation) -> None:
    await summary(ready)
    screen = await ready.taps("Transcript")

    assert "No names." in screen.text
    assert screen.labels == ["Open the page", "HTML", "Markdown", "PDF", "‹ Summary"]


async def test_the_plan_leads_to_it_as_well(ready: Conversation) -> None:
    await planned(ready)
    screen = await ready.taps("Transcript", "‹ Summary")

    assert "summary" in screen.text


@pytest.mark.parametrize(
    ("label", "ending", "begins"),
    [("HTML", "html", b"<!doctype html>"), ("Markdown", "md", b"# Case"), ("PDF", "pdf", b"%PDF-")],
)
async def test_a_file_comes_into_the_chat_on_record(
    ready: Conversation, label: str, ending: str, begins: bytes
) -> None:
    code = (await planned(ready)).text.split()[1]
    await warmed_up(ready)
    await ready.taps("Transcript", label)
    name, content = file_of(ready)
    exported = await every(
        ready, "SELECT meta FROM audit_event WHERE action = 'consult.export' ORDER BY at"
    )

    assert name == f"case-{code}-transcript.{ending}"
    assert content.startswith(begins)
    assert ending in exported[-1][0]
    await unharmed(ready)


async def test_the_same_case_is_the_same_file(ready: Conversation) -> None:
    await summary(ready)
    await warmed_up(ready)
    files = []
    for _ in range(2):
        await ready.taps("Transcript", "PDF", "‹ Summary")
        files.append(file_of(ready))

    assert files[0] == files[1]


async def test_without_the_library_the_page_comes_instead(ready: Conversation) -> None:
    lacking = answering("r.read(4); w.write(struct.pack('>I', 1) + b'?'); w.flush(); r.read()")
    ready.service.press.command = lacking
    await summary(ready)
    await ready.taps("Transcript", "PDF")
    name, content = file_of(ready)

    assert name.endswith(".html")
    assert content.startswith(b"<!doctype html>")
    assert "This page prints the same." in ready.me.replies[-1].text
    assert isinstance(ready.service.press, Press)


async def test_the_asker_gets_dates_in_the_own_file(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("Transcript", "Markdown")

    assert b"2026-11-23, day 0" in file_of(ready)[1]


async def test_the_link_opens_this_machine_and_has_a_typed_code(ready: Conversation) -> None:
    await summary(ready)
    await ready.taps("Transcript", "Open the page")
    said = ready.me.replies[-1].text
    found = re.search(r"http://127\.0\.0\.1:\d+/sign-in/([0-9A-Z]{10})\n", said)

    assert found is not None
    assert f"{found[1][:5]}-{found[1][5:]}" in said
    assert [row[0] for row in await every(ready, "SELECT purpose FROM sign_in")] == ["case"]


async def test_with_a_public_address_the_link_is_made_from_it(tmp_path: Path) -> None:
    async with talking(tmp_path, public_url="https://curbside.example") as talk:
        talk.me.starts()
        await talk.settles()
        await talk.taps("I am a clinician", "Counselor")
        await summary(talk)
        await talk.taps("Transcript", "Open the page")
        said = talk.me.replies[-1].text

        assert re.search(r"https://curbside\.example/sign-in/[\w-]{43}\n", said)


async def test_the_command_offers_the_case_that_stands_in_the_chat(ready: Conversation) -> None:
    await summary(ready)

    assert "transcript" in await ready.says("/transcript")
    await unharmed(ready)


async def test_the_command_without_a_case_says_what_to_do(ready: Conversation) -> None:
    await ready.says("/transcript")

    assert any("Open a case first" in reply.text for reply in ready.me.replies)


async def test_a_case_without_a_summary_has_a_transcript_too(ready: Conversation) -> None:
    await ready.taps("Start a case")
    await ready.says("/transcript")
    await ready.taps("Markdown")
    screen = await ready.taps("‹ Back")

    assert b"No summary was shown yet." in file_of(ready)[1]
    assert "any of these right now?" in screen.text


async def test_a_forged_button_of_somebody_elses_case_leads_nowhere(ready: Conversation) -> None:
    case = case_of(await summary(ready))
    other = person(ready.emulator, 502, "Ben")
    other.starts()
    await ready.settles()
    await ready.taps("I am a clinician", "Counselor", who=other)
    before = len(other.messages)
    for data in (f"1|rec|{case}|", f"1|recf|{case}|md|", f"1|recp|{case}|"):
        other.forges(data, other.screen)
        await ready.settles()

    assert other.toasts[-1].text == "That button no longer works."
    assert not any("document" in message.wire for message in other.messages[before:])


async def test_a_forged_form_leads_nowhere(ready: Conversation) -> None:
    case = case_of(await summary(ready))

    assert "no longer works" in await forged(ready, f"1|recf|{case}|exe|")
