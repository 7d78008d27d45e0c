"""The process that makes PDFs: bounded, started again, and plain about what it cannot do."""

import asyncio
import io
import re
import socket
import struct
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from dialogs.record.building import Given, Reviewed
from dialogs.record.markdown import as_markdown
from dialogs.record.page import as_sheet
from storage import paper
from storage.paper import MOST_SHEET_BYTES, NoPaper, Press
from tests.dialogs.test_record import FOUNDING, day, full, planned, record, words_of_markdown


@pytest.fixture
async def press() -> AsyncIterator[Press]:
    made = Press(seconds=60)
    yield made
    await made.close()


def answering(code: str) -> tuple[str, ...]:
    """A process that does ``code`` with each sheet it is given."""
    reading = "import sys,struct,time\nr,w=sys.stdin.buffer,sys.stdout.buffer\n"
    return (sys.executable, "-c", reading + code)


def words_on_paper(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return " ".join(page.extract_text() for page in pages)


def fonts_of(content: bytes) -> set[str]:
    """The names of the fonts on the first page."""
    page = PdfReader(io.BytesIO(content)).pages[0]
    fonts = page["/Resources"]["/Font"]  # type: ignore[index]
    return {str(font.get_object()["/BaseFont"]) for font in fonts.values()}


async def test_a_sheet_becomes_a_pdf_with_every_word_of_the_markdown(press: Press) -> None:
    content = await press.pdf(as_sheet(full()))
    on_paper = re.sub(r"[^0-9a-z]", "", words_on_paper(content).casefold())

    missing = [
        word
        for word in words_of_markdown(as_markdown(full()))
        if re.sub(r"[^0-9a-z]", "", word.casefold()) not in on_paper
    ]
    assert missing == []
    assert "42 CFR part 2 prohibits unauthorized use or disclosure" in words_on_paper(content)


async def test_parts_are_found_by_their_headings_and_packed(press: Press) -> None:
    made = PdfReader(io.BytesIO(await press.pdf(as_sheet(record()))))
    parts = [entry.title for entry in made.outline[1] if not isinstance(entry, list)]

    assert parts == [section.title for section in record().sections]
    for page in made.pages:
        assert page["/Contents"]["/Filter"] == "/FlateDecode"  # type: ignore[index]


async def test_the_same_sheet_gives_the_same_bytes_also_from_another_process(press: Press) -> None:
    first = await press.pdf(as_sheet(record()))
    again = await press.pdf(as_sheet(record()))
    await press.close()

    assert first == again == await press.pdf(as_sheet(record()))


async def test_a_case_prints_on_two_pages(press: Press) -> None:
    """In Liberation Sans, which is preferred; the wider DejaVu Sans may need a third."""
    content = await press.pdf(as_sheet(record()))
    narrow = "Liberation" in str(fonts_of(content))

    assert len(PdfReader(io.BytesIO(content)).pages) <= (2 if narrow else 3)


ASKED: Mapping[str, Any] = {
    "signals": ["none"],
    "comm": "knows_no_contact",
    "consent": "none",
    "cns": ["none"],
    "risk": ["none"],
    "mat_status": "stable_obs",
    "methadone_dose": 80,
    "ecg": "lt450",
    "benefit": "function",
    "nonopioid": ["exercise"],
    "decided": "none",
    "goal": "keep",
}
"""What the founding case leaves open, answered."""

TOLD = "Stays on it until the surgical review; the pain clinic agrees, and a split dose is tried first. "


def reviewed(number: int, **changed: Any) -> Reviewed:
    given: dict[str, Any] = {
        "day": number,
        "due_at": day(number),
        "state": "waiting",
        "outcome": None,
        "answered_at": None,
        "reason": None,
    }
    return Reviewed(**{**given, **changed})


@pytest.mark.parametrize("answers", [FOUNDING, {**FOUNDING, **ASKED}])
@pytest.mark.parametrize("reason", [None, TOLD * 2])
async def test_a_case_with_a_plan_prints_on_two_pages_without_a_lonely_heading(
    press: Press, answers: Mapping[str, Any], reason: str | None
) -> None:
    held = reviewed(30, state="answered", outcome="continued", answered_at=day(31), reason=reason)
    made = record(
        phase="planned",
        answers=answers,
        shown=answers,
        plans=(planned(decided="other", reason=reason) if reason else planned(),),
        reviews=(held if reason else reviewed(30), reviewed(60), reviewed(90)),
        given=tuple(Given(name, value, "tap", day(0)) for name, value in answers.items()),
        dates=True,
    )

    content = await press.pdf(as_sheet(made))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]

    if "Liberation" in str(fonts_of(content)):
        assert len(pages) == 2
    last = [line for line in pages[0].splitlines() if line.strip() and "42 CFR" not in line]
    assert last[-1] not in {section.title for section in made.sections}


async def test_sheets_wait_for_each_other(press: Press) -> None:
    made = await asyncio.gather(*(press.pdf(f"<p>{number}</p>") for number in range(4)))

    assert [words_on_paper(each).split()[0] for each in made] == ["0", "1", "2", "3"]


async def test_a_sheet_that_takes_too_long_is_given_up_and_the_next_one_is_made() -> None:
    press = Press(seconds=0.2, command=answering("time.sleep(60)"))
    with pytest.raises(NoPaper, match="late"):
        await press.pdf("<p>slow</p>")
    press.command, press.seconds = Press().command, 60

    assert (await press.pdf("<p>quick</p>")).startswith(b"%PDF")
    await press.close()


async def test_a_process_that_dies_is_plain_failure_and_replaced(press: Press) -> None:
    press.command = answering("r.read(5); sys.exit(3)")
    with pytest.raises(NoPaper, match="failed"):
        await press.pdf("<p>x</p>")
    press.command = Press().command

    assert (await press.pdf("<p>x</p>")).startswith(b"%PDF")


async def test_an_answer_that_is_no_pdf_is_refused(press: Press) -> None:
    press.command = answering("w.write(struct.pack('>I', 2**31)); w.flush(); time.sleep(60)")

    with pytest.raises(NoPaper, match="failed"):
        await press.pdf("<p>x</p>")


async def test_what_is_missing_is_said_with_what_to_do(press: Press) -> None:
    press.command = answering(
        "r.read(4); w.write(struct.pack('>I', 1) + b'?'); w.flush(); r.read()"
    )

    with pytest.raises(NoPaper) as caught:
        await press.pdf("<p>x</p>")
    assert "docs/operations.md" in caught.value.words


async def test_a_sheet_without_end_and_a_queue_without_end_are_refused() -> None:
    press = Press()
    with pytest.raises(NoPaper, match="large"):
        await press.pdf("x" * (MOST_SHEET_BYTES + 1))
    with pytest.raises(NoPaper, match="busy"):
        await replace(press, _waiting=paper.MOST_WAITING).pdf("x")


async def test_the_process_ends_when_it_has_had_nothing_to_do(press: Press) -> None:
    press.idle_seconds = 0
    await press.pdf("<p>x</p>")
    process = press._process
    assert process is not None

    assert await asyncio.wait_for(process.wait(), 20) != 0
    assert (await press.pdf("<p>y</p>")).startswith(b"%PDF")


async def test_closing_what_was_never_opened_is_harmless() -> None:
    await Press().close()


# --- in the process itself ----------------------------------------------------------------------


def exchanged(*sheets: str) -> list[bytes]:
    """What `serve` answers to these sheets, in this process."""
    given = b"".join(struct.pack(">I", len(s)) + s.encode() for s in sheets)
    answers, out = io.BytesIO(), []
    paper.serve(io.BytesIO(given), answers)
    answers.seek(0)
    while head := answers.read(4):
        out.append(answers.read(struct.unpack(">I", head)[0]))
    return out


def test_one_sheet_that_cannot_be_laid_out_leaves_the_next_one_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lay_out(sheet: str) -> bytes:
        return f"paper of {1 // (sheet != 'bad')}".encode()

    monkeypatch.setattr(paper, "_layer", lambda: lay_out)

    assert exchanged("bad", "good") == [b"-", b"+paper of 1"]


def test_a_machine_without_the_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr(paper, "_layer", missing)

    assert exchanged("a", "b") == [b"?", b"?"]


async def test_a_sheet_fetches_nothing(press: Press, tmp_path: Path) -> None:
    asked: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        (tmp_path / "secret.css").write_text("p::after { content: 'secret' }")
        content = await press.pdf(
            f'<link rel="stylesheet" href="file://{tmp_path}/secret.css">'
            f'<img src="http://127.0.0.1:{port}/x.png"><p>words</p>'
        )
        with suppress(BlockingIOError):
            asked.append(listening.accept()[0].recv(10))

    assert words_on_paper(content).split()[0] == "words"
    assert "secret" not in words_on_paper(content)
    assert asked == []
