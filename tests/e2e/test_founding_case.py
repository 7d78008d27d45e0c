"""A newcomer taps the founding case on the local phone; the process dies in the middle."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Process

PICTURES = os.environ.get("CURBSIDE_PICTURES")
"""A folder: the screens are kept there to be looked at."""


def taps(page: Page, label: str, then: str) -> None:
    """Tap the button and wait until the words of the next screen stand there."""
    page.get_by_role("button", name=label).last.click()
    expect(page.get_by_text(then).last).to_be_visible(timeout=10_000)


def looks(page: Page, name: str) -> None:
    """Nothing may be wider than the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if PICTURES:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def test_the_founding_case_comes_out_and_a_killed_process_goes_on(
    process: Process, phone: Page
) -> None:
    phone.goto(process.address)
    taps(phone, "Start", "not end-to-end encrypted")
    looks(phone, "scope")
    taps(phone, "I am a clinician", "Your role in this case?")
    taps(phone, "1 · Counselor", "Ready when you are")
    taps(phone, "Start a case", "any of these right now?")
    looks(phone, "red_flags")
    taps(phone, "None of these", "Where is the client being treated")
    taps(phone, "Methadone clinic", "Which medication")
    taps(phone, "1 · Methadone", "What is the opioid for?")

    process.kill()
    process.start()
    phone.goto(process.address)
    phone.get_by_text("What is the opioid for?").last.wait_for(timeout=10_000)

    taps(phone, "Flare", "Which opioid(s)")
    looks(phone, "opioids")
    taps(phone, "Oxycodone", "How long has the client")
    taps(phone, "3-12", "stop or taper plan")
    taps(phone, "open-ended", "What monitoring")
    taps(phone, "Pain-prescriber", "Ticked: Pain-prescriber")
    taps(phone, "2 · Counselor", "Counselor check-ins.")
    looks(phone, "monitoring")
    taps(phone, "Done", "check your answers")
    looks(phone, "review")
    taps(phone, "Show the summary", "Agree a written plan to be off within 90 days")
    looks(phone, "summary")
    taps(phone, "The step in full", "a safe decision but not the only possible decision")
    expect(phone.get_by_text("Other reasonable choices").last).to_be_visible()
    looks(phone, "step")


def test_an_orderly_stop_says_goodbye_with_exit_code_zero(process: Process) -> None:
    assert process.stop() == 0


def test_a_second_process_on_the_same_file_is_refused_in_one_line(process: Process) -> None:
    second = Process(process.folder)
    log = process.folder / "log"
    before = len(log.read_text())

    with pytest.raises(AssertionError):
        second.start()
    code = second.stop()

    assert code == 1
    assert len(log.read_text()[before:].strip().splitlines()) == 1
