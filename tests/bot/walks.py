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

ANSWERS = (
    "a|{case}|safety_now|none|",
    "a|{case}|setting|otp|",
    "a|{case}|mat|methadone|",
    "a|{case}|reason|flare|",
    "pick|{case}|opioid|oxycodone|",
    "a|{case}|duration|3to12m|",
    "a|{case}|endplan|none|",
    "m|{case}|monitoring|pain_visits|1|",
    "m|{case}|monitoring|counselor|1|",
    "d|{case}|monitoring|",
    "f|{case}|",
)
"""What the buttons of the founding case carry, the first one left out."""

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

CHOICES = (
    "plan|{case}|",
    "pl|{case}|decided|step|",
    "pl|{case}|agreed|client_pain|",
    "pl|{case}|mark|naloxone|",
    "pl|{case}|safeguard|done|",
    "pl|{case}|days|30-60-90|",
    "pl|{case}|stop|last_review|",
)
"""What the buttons of that plan carry."""


async def founding(talk: Conversation, count: int) -> Message:
    """Make the first ``count`` taps of the founding case in one go, without looking between them."""
    screen = await talk.taps("Start a case")
    await at_once(talk, case_of(screen), ANSWERS[: count - 1])
    return talk.screen


async def at_once(talk: Conversation, case: str, data: tuple[str, ...]) -> None:
    """Tap one button after the other, faster than the bot answers."""
    for each in data:
        talk.me.forges("1|" + each.format(case=case), talk.screen)
    await talk.settles()


async def summary(talk: Conversation) -> Message:
    """Go to the summary of the founding case."""
    return await founding(talk, len(FOUNDING))


async def planned(talk: Conversation) -> Message:
    """Go to the recorded plan of the founding case."""
    await at_once(talk, case_of(await summary(talk)), CHOICES)
    return talk.screen


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
