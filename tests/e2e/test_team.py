"""Two people and a group on the local phone: a team is begun, a case shared, read, and taken back."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Process
from tests.e2e.test_founding_case import looks, taps
from tests.e2e.walks import FOUNDING

SECONDS = 10_000


@pytest.fixture
def phones(browser: Browser, process: Process) -> tuple[Page, Page]:
    """The phones of the counselor and of the pain physician."""
    made = []
    for number in (7001, 7002):
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(f"{process.address}/#{number}")
        made.append(page)
    return made[0], made[1]


def says(page: Page, words: str, then: str) -> None:
    """Type words and wait until those of the answer stand there."""
    page.get_by_role("textbox").last.fill(words)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text(then).last).to_be_visible(timeout=SECONDS)


def opens(page: Page, chat: str) -> None:
    """Go to a chat by the list of chats."""
    page.get_by_role("button", name="All chats").click()
    page.get_by_role("button", name=chat).first.click()


def begins(page: Page, role: str) -> None:
    taps(page, "Start", "not end-to-end encrypted")
    taps(page, "I am a clinician", "Your role in this case?")
    taps(page, role, "Ready when you are")


def test_a_team_reads_a_case_in_private_and_its_group_sees_a_card(
    phones: tuple[Page, Page],
) -> None:
    asker, reader = phones
    team_of(asker, reader)
    bind_group(asker)

    says(asker, "/start", "Ready when you are")
    for label, then in FOUNDING:
        taps(asker, label, then)
    taps(asker, "Share the case", "exactly what others will see")
    looks(asker, "share_preview")
    taps(asker, "I checked: to “Tuesday”", "180 days left")
    looks(asker, "share_shared")

    opens(reader, "Case team")
    expect(reader.get_by_text("Is there an issue of concern?").last).to_be_visible(timeout=SECONDS)
    looks(reader, "share_card")
    taps(reader, "Open it in private", "As its asker checked it")
    looks(reader, "share_read")
    taps(asker, "Who looked", "Pain physician")
    taps(asker, "‹ Shared with", "seen by 1")

    taps(asker, "Share with more", "exactly what others will see")
    taps(asker, "I checked: to a chat I choose", "Tap the button, choose the chat")
    asker.get_by_role("button", name="Choose a chat").last.click()
    asker.get_by_role("button", name="Case team").first.click()
    card = asker.get_by_text("A card with a link; nothing of the case.")
    expect(card).to_be_visible(timeout=SECONDS)
    looks(asker, "share_inline")
    card.click()
    opens(reader, "Case team")
    expect(reader.get_by_text("Is there an issue of concern?").last).to_be_visible()

    opens(asker, "Curbside")
    taps(asker, "‹ Shared with", "seen by 1")
    taps(asker, "Take back 1", "seen by 1")
    expect(reader.get_by_text("[removed]").last).to_be_visible(timeout=SECONDS)
    looks(reader, "share_removed")


def team_of(asker: Page, reader: Page) -> None:
    """Begin a team on one phone, and join it by its code on the other."""
    begins(asker, "1 · Counselor")
    begins(reader, "3 · Pain")
    says(asker, "/team", "You are in none yet")
    taps(asker, "Begin a team", "What is the team called?")
    says(asker, "Tuesday", "Your role: lead")
    looks(asker, "team")
    taps(asker, "Invite", "Invite as what?")
    taps(asker, "Responder", "Invitation to “Tuesday”")
    looks(asker, "team_invitation")
    code = re.search(r"[A-Z]{4}-[A-Z]{4}-[A-Z]{4}", asker.locator(".log").inner_text())
    assert code is not None
    says(reader, f"/team {code[0]}", "Your role: responder")
    expect(asker.get_by_text("joined the team “Tuesday” as responder").last).to_be_visible()


def bind_group(asker: Page) -> None:
    """Have the team's cards posted in the group."""
    taps(asker, "‹ The team", "Your role: lead")
    taps(asker, "Groups", "Add me to a group with")
    asker.get_by_role("button", name="Add me to a group").last.click()
    expect(asker.get_by_text("Choose a chat")).to_be_visible()
    looks(asker, "team_choose_group")
    asker.get_by_role("button", name="Case team").first.click()
    expect(asker.get_by_text("I asked you in our private chat").last).to_be_visible(timeout=SECONDS)
    opens(asker, "Curbside")
    taps(asker, "Yes, of “Tuesday”", "Post no more cards there")
    looks(asker, "team_group")
