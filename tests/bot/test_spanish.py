"""Nothing of the interface is said past the translator, wherever one goes."""

from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from pathlib import Path

import pytest

from bot.callbacks import parse
from storage import people
from storage.transaction import Tx
from tests.bot.conftest import Conversation, talking
from tests.bot.disguise import in_disguise, said_past_the_translator
from tests.bot.opining import REASON, opining_of
from tests.bot.walks import ANSWERS, CHOICES, at_once, case_of, unharmed
from web.emulator import Person, person

LAST = ("forget", "del", "x", "close", "tmx")
"""Verbs that end something; tapped when there is nothing else."""

ELSEWHERE = ("|language|en|", "|pdf|")
"""Buttons that are left alone: English, and a file that takes seconds to make."""

TYPED = (
    "oxycodone 10 mg",
    "10 mg",
    "30, 60",
    "xyzzy plugh",
    "why",
    "methadone for pain 1 patch",
    "back",
    "metadone clinc",
    "help",
    "fentanyl 3 patches, Tylenol 500 mg and methadone 80 mg for OUD",
    "2",
    "call 555-123-4567",
)
COMMANDS = (
    *("/cases", "/resume", "/summary", "/transcript", "/team", "/share", "/opinions", "/lines"),
    *("/settings", "/privacy", "/mydata", "/whoami", "/help", "/nothing", "/cancel", "/admin"),
)
NAMES = ("Eva", "Ana", "Ben", "Cleo", "Dan", "Team & <co>", "Ward 3", REASON)
WORDS = ("methadone", "tylenol", "Tylenol")
"""Medicines that were typed, and are named again."""


@pytest.fixture(autouse=True)
def _disguised(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with in_disguise(monkeypatch):
        yield


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Conversation]:
    """Somebody whose phone is set to Spanish, before anything was tapped."""
    async with talking(tmp_path, admins=(601,)) as talk:
        eva = person(talk.emulator, 601, "Eva", language="es")
        yield Conversation(talk.service, talk.emulator, talk.clock, eva)


# --- the founding case ----------------------------------------------------------------------------

BEFORE = ("v|{case}|why|safety_now|", "set||", "page||privacy|", "go|{case}|")
"""Why the first question is asked, the settings, privacy."""

VIEWS = (
    *("v|{case}|step|", "v|{case}|all|0|", "v|{case}|all|1|", "v|{case}|gaps|0|"),
    *("v|{case}|depends|0|", "v|{case}|depends|1|", "msg|{case}|", "rec|{case}|", "shr|{case}|"),
    *("note|{case}|0|", "ics|{case}|", "lines|{case}|0|", "rev|{case}|", "fork|{case}|"),
)
"""Every page of a case with its summary and its plan; the what-if case comes last."""

WHAT_IF = ("cmp|{case}|", "v|{case}|depends|0|", "o|{case}|opioid|s|")
"""The two summaries side by side, and the question of the opioids from the summary."""


async def later(talk: Conversation, **amount: float) -> None:
    talk.clock.moves(**amount)
    await talk.service.clock_moved()
    await talk.settles()


async def begun(talk: Conversation) -> str:
    """Go from the first screen to the first question and return the short id of the case."""
    talk.me.starts()
    await talk.settles()
    for data in ("agree||", "role||counselor|"):
        await at_once(talk, "", (data,))
    await talk.says("/new")
    return case_of(talk.screen)


async def test_the_founding_case_and_its_views(alone: Conversation) -> None:
    case = await begun(alone)
    for data in (*BEFORE, *ANSWERS, *CHOICES, *VIEWS):
        await at_once(alone, case, (data,))
    for data in WHAT_IF:
        await at_once(alone, case_of(alone.screen), (data,))
    for words in TYPED:
        await alone.says(words)
    await later(alone, days=31)

    assert await said_past_the_translator(alone, *NAMES, *TYPED, *WORDS) == []
    await unharmed(alone)


# --- wandering ----------------------------------------------------------------------------------


def like(data: str) -> str:
    """Return what a button does, whatever the case and the turn."""
    read = parse(data)
    return f"{read.verb} {read.args}" if read else data


def ends(data: str) -> bool:
    read = parse(data)
    return read is None or read.verb in LAST


class Wanderer:
    """Somebody who taps what they have not tapped yet, and types now and then."""

    def __init__(self, talk: Conversation, who: Person) -> None:
        self.talk, self.who = talk, who
        self.seen: set[str] = set()
        self.passed: dict[str, str] = {}
        self.typed = cycle(TYPED)

    def offered(self) -> list[str]:
        """Return the buttons of the screen that nothing like was tapped yet."""
        screen = self.who.screen_or_none
        found = [
            button["callback_data"]
            for row in (screen.rows if screen else ())
            for button in row
            if "callback_data" in button and not button["callback_data"].endswith(ELSEWHERE)
        ]
        return [data for data in found if like(data) not in self.seen]

    def next(self) -> str | None:
        """Return a button of the screen, else one that was passed by."""
        here = self.offered()
        self.passed.update((like(data), data) for data in here)
        return min(here or list(self.passed.values()), key=ends, default=None)

    async def goes(self, most: int, typing: int = 9) -> None:
        """Tap at most so often, and type after every so many taps."""
        for count in range(1, most + 1):
            data = self.next()
            if data is None:
                return
            self.seen.add(like(data))
            self.passed.pop(like(data), None)
            self.who.forges(data, self.who.screen_or_none or self.who.last)
            await self.talk.settles()
            if count % typing == 0:
                await self.talk.says(next(self.typed), self.who)


async def test_wherever_one_goes_alone(alone: Conversation) -> None:
    await begun(alone)
    walk = Wanderer(alone, alone.me)
    for command in COMMANDS:
        await alone.says(command)
        await walk.goes(10)
    await later(alone, days=100)

    assert await said_past_the_translator(alone, *NAMES, *TYPED, *WORDS) == []


def in_spanish(tx: Tx) -> None:
    for number in (501, 502, 503, 504):
        people.set_choices(tx, people.get_or_create(tx, number, ""), language="es")


async def test_wherever_a_team_goes(alone: Conversation) -> None:
    ana = person(alone.emulator, 501, "Ana", language="es")
    talk = Conversation(alone.service, alone.emulator, alone.clock, ana)
    case = await opining_of(talk)
    await talk.service.database.write(in_spanish)
    ward = await case.clinic.bound()
    talk.emulator.calls.clear()
    walks = [Wanderer(talk, who) for who in (ana, case.ben, case.cleo)]
    for _ in range(5):
        for walk in walks:
            await walk.goes(12, typing=8)
    for command in ("/team", "/share", "/opinions", "/help"):
        await talk.says(command, ana.in_group(ward))
    await later(talk, days=40)

    assert await said_past_the_translator(talk, *NAMES, *TYPED, *WORDS) == []
