"""Three people and their team on local phones side by side, from the question to day 90."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import Process
from tests.e2e.walks import FOUNDING

PICTURES = os.environ.get("CURBSIDE_PICTURES")
"""A folder: the screens are kept there to be looked at."""

SECONDS = 20_000
"""Milliseconds that a screen may take on a busy machine."""

PLAN = (
    ("Record a plan", "What was decided?"),
    ("The suggested step", "Agreed with whom?"),
    ("Client and pain prescriber", "Which safeguards?"),
    ("Naloxone", "Done (1)"),
    ("Done (1)", "type days, such as 30, 60, 90"),
    ("Day 30, 60, 90", "What ends it?"),
    ("Off by the last review", "plan, revision 1"),
)

DAY_90_ASKED = re.compile("has 3 reviews|has a review that is 1 d late")
"""With the others after nine in the morning, else by itself on the next day."""


@dataclass
class Phone:
    """One person's phone among those on the page."""

    at: Locator

    def taps(self, label: str, then: str) -> None:
        self.at.get_by_role("button", name=label).last.click(timeout=SECONDS)
        self.sees(then)

    def walks(self, taps: tuple[tuple[str, str], ...]) -> None:
        for label, then in taps:
            self.taps(label, then)

    def says(self, words: str, then: str) -> None:
        box = self.at.get_by_role("textbox").last
        box.fill(words)
        box.press("Enter")
        self.sees(then)

    def sees(self, words: str | re.Pattern[str]) -> None:
        expect(self.at.get_by_text(words).last).to_be_visible(timeout=SECONDS)

    def newest(self, form: str) -> str:
        """The last words of the chat that have this form."""
        return str(re.findall(form, self.at.inner_text())[-1])

    def begins_as(self, role: str) -> None:
        self.taps("Start", "not end-to-end encrypted")
        self.taps("I am a clinician", "Your role in this case?")
        self.taps(role, "Ready when you are")


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """A page as wide as a desk, which never asks anything but this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield context.new_page()
    context.close()
    assert [url for url in asked if not url.startswith("http://127.0.0.1:")] == []


def looks(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(PICTURES) / f"team-{name}.png"), full_page=True)


def moves(page: Page, days: int) -> None:
    """Move the clock of the demo."""
    days_in_words = "1 day" if days == 1 else f"{days} days"
    page.get_by_role("button", name=f"Move the clock by {days_in_words}", exact=True).click()


def signs_in(page: Page, phone: Phone, address: str) -> Page:
    """Sign in to the page of the case with the code that the phone shows, in another tab."""
    code = phone.newest(r"[0-9A-Z]{5}-[0-9A-Z]{5}")
    tab = page.context.new_page()
    tab.goto(f"{address}/sign-in")
    tab.get_by_label("Code").fill(code)
    tab.get_by_role("button", name="Continue").click()
    tab.get_by_role("button", name="Continue").click()
    number = tab.locator(".number").inner_text()
    phone.at.get_by_role("button", name=number, exact=True).last.click()
    tab.get_by_role("button", name="Open Curbside").click(timeout=SECONDS)
    return tab


def gives(who: Phone, concern: str, reason: str) -> None:
    who.taps("Say what you think", "Is there an issue of concern?")
    who.taps(concern, "Which step would you take?")
    who.taps("1", "Which consideration weighs most for you?")
    who.taps("2", "How sure are you?")
    who.taps("4", "your opinion, not given yet")
    who.says(reason, f"Reason: “{reason}”")
    who.taps("Give my opinion", "what people think so far")


def forms_a_team(asker: Phone, *others: Phone) -> None:
    """One begins a team; the others join it by its typed code."""
    asker.says("/team", "I have a code")
    asker.taps("Begin a team", "What is the team called?")
    asker.says("Pain and MAT", "Your role: lead")
    asker.taps("Invite", "Invite as what?")
    asker.taps("Responder", "Send the link or the code")
    code = asker.newest(r"[A-Z]{4}-[A-Z]{4}-[A-Z]{4}")
    for colleague in others:
        colleague.says("/team", "I have a code")
        colleague.taps("I have a code", "Which code were you given?")
        colleague.says(code, "Your role: responder")


def shares_a_case(asker: Phone) -> None:
    """The founding case is answered, previewed, and shared with the team."""
    asker.says("/new", "any of these right now?")
    asker.walks(FOUNDING[1:])
    asker.taps("Share the case", "This is exactly what others will see.")
    asker.taps("I checked: to “Pain and MAT”", "shared with")


def think_apart(asker: Phone, physician: Phone, nurse: Phone) -> None:
    """One gives an opinion; the other asks first, sees nothing of it, and gives one too."""
    physician.taps("Look at it", "Say what you think")
    gives(physician, "It depends", "An end date first.")
    nurse.taps("Look at it", "Ask the asker")
    nurse.taps("Ask the asker", "Naloxone at home?")
    number = nurse.newest(r"(\d+)\. Naloxone: Naloxone at home\?")
    nurse.at.get_by_role("button", name=number, exact=True).last.click()
    asker.sees("a question from “Medical/nursing, MAT program”")
    asker.taps("Yes, usable", "All 10 points")
    nurse.sees("your question was settled.")
    physician.sees("was updated by an answer.")
    nurse.taps("Look at it", "Say what you think")
    expect(nurse.at.get_by_text("An end date first.")).to_have_count(0)
    gives(nurse, "No", "Well looked after.")
    nurse.sees("An end date first.")


def think_together(asker: Phone, physician: Phone) -> None:
    """The asker, who saw nothing either, closes the round: everybody sees what each thinks."""
    asker.says("/summary", "Record a plan")
    asker.taps("Opinions", "opinions are being collected")
    expect(asker.at.get_by_text("An end date first.")).to_have_count(0)
    asker.taps("Close it now and see", "close the round?")
    asker.taps("Yes, close it", "An end date first.")
    asker.sees("Well looked after.")
    physician.sees("the round of opinions has closed.")


def plans_and_reviews(desk: Page, asker: Phone) -> None:
    """A plan is recorded, and on day 90 how it went."""
    asker.says("/summary", "Record a plan")
    asker.walks(PLAN)
    looks(desk, "planned")
    moves(desk, 90)
    asker.sees(re.compile("has [23] reviews"))
    moves(desk, 1)
    asker.sees(DAY_90_ASKED)
    asker.taps(": answer", "review, day 90")
    asker.taps("On plan", "Day 90")


def reads_the_record(desk: Page, physician: Phone, address: str) -> None:
    """A colleague reads the record on a page, by role and days, says something, takes it along."""
    physician.taps("What people think", "All opinions")
    physician.taps("‹ The shared case", "‹ Shared cases")
    physician.taps("Transcript", "No names.")
    physician.taps("Open the page", "or type:")
    page = signs_in(desk, physician, address)
    for words in (
        "Medical or nursing staff in the MAT program",
        "An end date first.",
        "On plan, answered day 9",
        "42 CFR part 2 prohibits",
    ):
        expect(page.get_by_text(words).last).to_be_visible()
    assert not re.search(r"\d{4}-\d\d-\d\d, day", page.locator("main").inner_text())
    page.get_by_label("Your comment").fill("Thank you for telling us.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#discussion").get_by_text("Thank you for telling us.")).to_be_visible()
    looks(page, "page")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    looks(page, "page-phone")
    with page.expect_download() as taken:
        page.get_by_text("Take along").click()
        page.get_by_role("link", name="Markdown").click()
    assert taken.value.suggested_filename.endswith("-transcript.md")
    page.close()


def test_a_team_thinks_apart_then_together_and_hears_on_day_90_what_came_of_it(
    process: Process, desk: Page
) -> None:
    desk.goto(f"{process.address}/#7001,7002,7003")
    asker, physician, nurse = (
        Phone(desk.locator(f'section.phone[data-person="{number}"]'))
        for number in (7001, 7002, 7003)
    )
    asker.begins_as("1 · Counselor")
    physician.begins_as("3 · Pain prescriber")
    nurse.begins_as("2 · Medical")

    forms_a_team(asker, physician, nurse)
    shares_a_case(asker)
    physician.sees("A colleague asks what you think.")
    looks(desk, "shared")
    think_apart(asker, physician, nurse)
    looks(desk, "opinions")
    think_together(asker, physician)
    plans_and_reviews(desk, asker)
    for colleague in (physician, nurse):
        colleague.sees("has news: day 90.")
        colleague.taps("What came of it", "Day 90: On plan")
    looks(desk, "day-90")
    reads_the_record(desk, physician, process.address)
