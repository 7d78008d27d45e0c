"""Ways through the dialog that several tests take, and what they ask of the bot's database."""

from typing import Any

from tests.bot.conftest import Conversation
from web.emulator import Message

FOUNDING = (
    "Start a case",
    "None of these",
    "Methadone clinic",
    "1 · Methadone",
    "Flare",
    "Oxycodone",
    "3-12",
    "open-ended",
    "Pain-prescriber",
    "2 · Counselor",
    "Done",
    "Show the summary",
)
"""The founding case: eleven taps after the case was begun, the review card included."""

PLAN = (
    "Record a plan",
    "The suggested step",
    "Client and pain prescriber",
    "Naloxone",
    "Done (1)",
    "Day 30, 60, 90",
    "Off by the last review",
)
"""A plan recorded with one safeguard."""


async def summary(talk: Conversation) -> Message:
    """Go to the summary of the founding case."""
    return await talk.taps(*FOUNDING)


async def planned(talk: Conversation) -> Message:
    """Go to the recorded plan of the founding case."""
    await summary(talk)
    return await talk.taps(*PLAN)


def data_of(screen: Message, label: str) -> str:
    """Return the callback data of a button."""
    return str(screen.button(label)["callback_data"])


def case_of(screen: Message) -> str:
    """Return the short id of the case whose buttons a screen has."""
    found = [str(b.get("callback_data", "||")).split("|")[2] for row in screen.rows for b in row]
    return max(found, key=len)


async def forged(talk: Conversation, data: str) -> str:
    """Send callback data as a tap on the current screen and return the toast it got."""
    talk.me.forges(data, talk.me.screen_or_none or talk.me.last)
    await talk.settles()
    return talk.me.toasts[-1].text


async def every(talk: Conversation, sql: str) -> list[Any]:
    """Return all rows of a query on the bot's own database."""
    return await talk.service.database.read(
        lambda tx: [tuple(row) for row in tx.connection.exec_driver_sql(sql)]
    )


async def unharmed(talk: Conversation) -> None:
    """Check that nothing was buried, nothing spins, and Telegram refused nothing."""
    assert await every(talk, "SELECT reason FROM dead_letter") == []
    assert talk.me.spinning == []
    assert [call for call in talk.emulator.refusals() if not _harmless(call.description)] == []


def _harmless(description: str) -> bool:
    """Say whether Telegram only said that something was done already."""
    return "message is not modified" in description or "query is too old" in description
