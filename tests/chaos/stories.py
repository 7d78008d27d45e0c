"""The conversations in which the bot is killed: what was done before, then step by step.

A step names a button by what it carries, not by its words, so that words may change. A new handler
needs one line here: a story, or a step of one.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from web.emulator import Emulator, Group, Message, Person, group, person

CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}-[A-Z]{4}\b")
"""What lets somebody into a team."""

PATIENCE = 60.0
"""Longer than a poller waits that met another one, 30 s."""

GLANCE = 0.004
"""Seconds between two looks; what is waited for happens in another process."""

ANA, BEN, EVE = 501, 502, 503
NAMES = {ANA: "Ana", BEN: "Ben", EVE: "Eve"}


@dataclass(slots=True)
class Scene:
    """A chat with people who wait until what they did is taken in, and for the next button."""

    emulator: Emulator
    all_sent: Callable[[], Awaitable[None]]
    said: Message | None = None
    """The newest words somebody typed."""
    first: int = ANA
    """The number that Ana has here, and Ben and Eve the next ones."""

    def who(self, number: int) -> Person:
        return person(self.emulator, self.first + number - ANA, NAMES[number])

    async def taken_in(self) -> None:
        """Wait until every update is acknowledged, so committed."""
        async with asyncio.timeout(PATIENCE):
            while self.emulator.updates.waiting:  # noqa: ASYNC110 - another process handles them
                await asyncio.sleep(GLANCE)

    async def quiet(self) -> None:
        """Wait until every update is committed and everything is sent."""
        await self.taken_in()
        async with asyncio.timeout(PATIENCE):
            await self.all_sent()

    async def button(self, who: Person, start: str, end: str = "") -> tuple[str, Message]:
        """Wait for a button whose data begins and ends so, and return its data and message."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := _found(who, start, end)) is None:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(GLANCE)
        except TimeoutError:
            raise Stuck(f"no button {start}; there are {_data(who)}") from None
        return found


class Stuck(Exception):
    """What was waited for did not come."""


def _found(who: Person, start: str, end: str) -> tuple[str, Message] | None:
    """Return the newest button whose data begins and ends so; ``*`` is any case."""
    verb, _, rest = start.partition("|*|")
    for data in _data(who):
        fields = data.split("|", 3)
        further = (fields[3:] or [""])[0]
        if fields[1:2] == [verb] and further.startswith(rest) and further.strip("|").endswith(end):
            return data, who.screen
    return None


def _data(who: Person) -> list[str]:
    """Return what the buttons of somebody's newest screen carry."""
    screen = who.screen_or_none
    return [str(b.get("callback_data", "")) for row in (screen.rows if screen else ()) for b in row]


Step: TypeAlias = Callable[[Scene], Awaitable[None]]


TAPPED: set[str] = set()
"""The verbs of the buttons that stories tap."""


def tap(verb: str, *args: str, who: int = ANA, end: str = "") -> Step:
    """Return a tap on the newest button of that verb whose arguments begin, or end, so."""
    TAPPED.add(verb)

    async def step(scene: Scene) -> None:
        await scene.taken_in()
        data, message = await scene.button(scene.who(who), f"{verb}|*|{'|'.join(args)}", end)
        scene.who(who).forges(data, message)

    return step


def twice(verb: str, *args: str) -> Step:
    """Return two taps on one button, the second before the first is answered."""
    TAPPED.add(verb)

    async def step(scene: Scene) -> None:
        await scene.taken_in()
        data, message = await scene.button(scene.who(ANA), f"{verb}|*|{'|'.join(args)}")
        scene.who(ANA).forges(data, message)
        scene.who(ANA).forges(data, message)

    return step


SAID: set[str] = set()
"""The commands that stories say."""


def say(text: str, who: int = ANA) -> Step:
    """Return typed words; whoever types has read what was said before."""
    if text.startswith("/"):
        SAID.add(text.split(maxsplit=1)[0].removeprefix("/"))

    async def step(scene: Scene) -> None:
        await scene.quiet()
        scene.said = scene.who(who).says(text)

    return step


def edit(text: str) -> Step:
    """Return a change of the words that were typed last."""

    async def step(scene: Scene) -> None:
        await scene.quiet()
        assert scene.said is not None
        scene.who(ANA).edits(scene.said, text)

    return step


def does(act: Callable[[Person], object], who: int = ANA) -> Step:
    """Return anything else that a person can do."""

    async def step(scene: Scene) -> None:
        await scene.quiet()
        act(scene.who(who))

    return step


def in_team_chat(act: Callable[[Person, Group], object]) -> Step:
    """Return what somebody does in a group; it is made when it is not there yet."""

    async def step(scene: Scene) -> None:
        await scene.quiet()
        ana = scene.who(ANA)
        act(ana, group(scene.emulator, f"Team {scene.first}", [ana]))

    return step


def join_by_code(who: int) -> Step:
    """Return that somebody sends the code that Ana's newest message shows."""

    async def step(scene: Scene) -> None:
        await scene.quiet()
        found = CODE.search(scene.who(ANA).last.text)
        assert found is not None
        scene.who(who).says(f"/team {found[0]}")

    return step


@dataclass(frozen=True, slots=True)
class Story:
    """Steps, each cut by death at every point; ``before`` them others were made in peace."""

    name: str
    steps: tuple[Step, ...]
    before: tuple[Step, ...] = ()
    days_later: float = 0.0
    """How long after ``before`` the steps are made."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    forgets: bool = False
    """Afterwards the bot no longer knows which messages were its own."""


DATA = Path(__file__).parents[1] / "dialogs" / "data"
WORDS = (DATA / "founding_case.txt").read_text("utf-8").strip()
NAMED = "John Smith born 03/04/1971 takes methadone"
PERHAPS_NAMED = "ask Dr. Lee"

ARRIVED = (say("/start"), tap("agree"), tap("role", "counselor"))
SAFE = (*ARRIVED, tap("new"), tap("a", "safety_now", "none"))
AT_DOSE = (
    *SAFE,
    tap("a", "setting", "otp"),
    tap("a", "mat", "methadone"),
    tap("a", "reason", "flare"),
)
CHECKED = (
    *AT_DOSE,
    tap("pick", "opioid", "oxycodone"),
    tap("a", "duration", "3to12m"),
    tap("a", "endplan", "none"),
    tap("m", "monitoring", "counselor", "1"),
    tap("d", "monitoring"),
)
ADVISED = (*CHECKED, tap("f"))
PLAN = (
    tap("plan"),
    tap("pl", "decided", "step"),
    tap("pl", "agreed", "client_pain"),
    tap("pl", "mark", "naloxone"),
    tap("pl", "safeguard", "done"),
    tap("pl", "days", "30-60-90"),
    tap("pl", "stop", "last_review"),
)
PLANNED = (*ADVISED, *PLAN)
CLOSED = (*ADVISED, tap("ask", "close"), tap("close"))
IN_A_TEAM = (
    *ADVISED,
    say("/start", BEN),
    tap("agree", who=BEN),
    tap("role", "otp_med", who=BEN),
    say("/team"),
    tap("tmn"),
    say("Pain and MAT"),
    tap("tm", "inv"),
    tap("tm", "inv", "responder"),
    join_by_code(BEN),
    say("/summary"),
)
SHARED = (*IN_A_TEAM, tap("shr"), tap("shr", "t"))
OPINION = (
    tap("shv", who=BEN),
    tap("op", who=BEN),
    tap("opin", "concern", "yes", who=BEN),
    tap("opin", "step", who=BEN),
    tap("opin", "leans_on", who=BEN),
    tap("opin", "sure", "4", who=BEN),
    say("No end date.", BEN),
    tap("opin", "give", who=BEN),
)

READ = does(lambda ana: None)
"""Ana reads: where two screens have a button of the same verb, the second is waited for."""

TEAM = (*ARRIVED, say("/team"), tap("tmn"), say("Tuesday"))
IN_GROUP = (
    in_team_chat(lambda ana, team: team.adds_bot(ana)),
    in_team_chat(lambda ana, team: ana.in_group(team).says("/team")),
    tap("tm", "gb"),
)
TO_SHARE = (*TEAM, *IN_GROUP, say("/start"), *ADVISED[3:])

STORIES = (
    Story("arrival", ARRIVED),
    Story("the first answers", (*SAFE[3:], tap("u", "setting"), tap("s", "mat")), ARRIVED),
    Story("marks, back and why", (
        tap("m", "monitoring", "pain_visits", "1"), tap("b"), tap("v", "why"), tap("v", "home"),
    ), CHECKED[:-2]),
    Story("red flag", (
        tap("m", "safety_now"), tap("d", "safety_now"), tap("v", "facts"), tap("v", "home"),
        tap("o", "safety_now"), tap("u", "safety_now"),
    ), (*ARRIVED, tap("new"))),
    Story("typed answers", (
        say("methadone clinic"), edit("hospital"), say("1"), say("not known"),
    ), SAFE),
    Story("a typed dose", (
        say("oxycodone 10 mg TID"), tap("no"), say("oxycodone 5 mg BID"), tap("yes"),
    ), AT_DOSE),
    Story("the dose editor", (
        tap("o", "opioid"), tap("dose", "another"), tap("pick", "opioid", "morphine"),
        tap("d", "opioid"),
    ), CHECKED),
    Story("the review card", (
        tap("o", "setting"), tap("keep", "setting"), tap("f"), tap("rev"), tap("f"),
    ), CHECKED),
    Story("the summary's pages", (
        tap("v", "step"), tap("v", "home"), tap("v", "all"), tap("v", "home"), tap("v", "gaps"),
        tap("v", "home"), tap("v", "depends"), tap("v", "home"), tap("more"),
    ), ADVISED),
    Story("a plan", PLAN, ADVISED),
    Story("what is done", (
        tap("dis", "0"), tap("dis", "0", "0"), tap("v", "home"), tap("conf"),
        tap("conf", "before"), tap("v", "home"),
    ), ADVISED),
    Story("papers", (tap("ics"), tap("note"), say("/mydata")), PLANNED),
    Story("a message to the colleague", (tap("v", "step"), tap("cons"), tap("msg")), ADVISED),
    Story("a reminder", (tap("due"), tap("out"), tap("plan", "new")), PLANNED, days_later=31),
    Story("a reminder put off", (tap("due"), tap("snz"), say("/cases")), PLANNED, days_later=31),
    Story("settings", (
        say("/settings"), tap("set", "path"), tap("set", "quiet"), tap("set", "quiet", "21-07"),
        tap("set", "zone"), say("UTC"), tap("set", "language"), tap("set", "language", "es"),
    ), ARRIVED),
    Story("a case in words", (
        tap("tell"), say(WORDS), tap("sug", "0", "0"), tap("sugall"),
    ), ARRIVED),
    Story("words after /new", (say(f"/new {WORDS}"), tap("sugdone")), ARRIVED),
    Story("words that identify", (
        say(NAMED), say(PERHAPS_NAMED), tap("held"), say("/cancel"),
    ), SAFE),
    Story("the end of a case", (
        tap("ask", "close"), tap("close"), tap("reopen"), tap("ask", "close"), tap("close"),
    ), ADVISED),
    Story("a case cancelled", (say("/cancel"), tap("x"), tap("reopen")), SAFE),
    Story("a case deleted", (tap("del"), tap("del", "yes")), CLOSED),
    Story("a what-if case", (tap("v", "depends"), tap("fork"), tap("cmp")), ADVISED),
    Story("cases", (say("/cases"), tap("go"), say("/resume"), say("/summary")), ADVISED),
    Story("taps made twice", (
        twice("a", "setting", "otp"), twice("a", "mat", "methadone"), twice("s", "reason"),
    ), SAFE),
    Story("pages of the bot", (
        say("/help"), say("/privacy"), say("/whoami"), say("/frob"),
        does(lambda ana: ana.sends_sticker()),
    ), ARRIVED),
    Story("forgotten", (
        say("/forgetme"), tap("forget", "yes"), say("/start"),
    ), PLANNED, forgets=True),
    Story("approval", (
        say("/start", BEN), say("/admin"), tap("appr"), tap("console"), say("/start", BEN),
        tap("agree", who=BEN),
    ), ARRIVED, settings={"approval": "approve", "admins": (ANA,)}),
    Story("a group", (
        in_team_chat(lambda ana, team: team.adds_bot(ana)),
        in_team_chat(lambda ana, team: ana.in_group(team).says("/new")),
    ), ARRIVED),
    Story("a team", (
        tap("tmn"), say("Tuesday"), tap("tm", "inv"), tap("tm", "inv", "lead"), READ, tap("tm"),
        tap("tm", "mem"), tap("tm", "m", ""), tap("tm", "r", ""), READ, tap("tm", "lv"),
        tap("tm", "lv", "yes"),
    ), (*ARRIVED, say("/team"))),
    Story("a group bound", IN_GROUP, TEAM),
    Story("a case shared and taken back", (
        tap("shr"), tap("shr", "t"), tap("shr", "v"), READ, tap("shr"), tap("shr", "p"),
        tap("shr", "l"), READ, tap("shr"), tap("shr", "b"), READ, tap("shr", "b"),
    ), TO_SHARE),
    Story("a shared case deleted", (
        tap("shr", "t"), say("/resume"), tap("ask", "close"), tap("close"), tap("del"),
        tap("del", "yes"),
    ), (*TO_SHARE, tap("shr"))),
    Story("the transcript of a case", (
        tap("rec"), tap("recp"), tap("recf", "md"), tap("v", "home"),
    ), ADVISED),
    Story("helplines and opinions", (say("/lines"), say("/opinions"), say("/cases")), ADVISED),
    Story("an opinion", OPINION, SHARED),
    Story("a question to the asker", (
        tap("shv", who=BEN), tap("cla", who=BEN), tap("cla", "naloxone", who=BEN),
        tap("clq", "naloxone", "a", "have"),
    ), SHARED),
    Story("a round closed, and what is said then", (
        tap("op"), tap("opend"), tap("opend", "yes"), tap("tlk"), tap("tlk", "say"),
        say("Thank you."), tap("tlkc", "see"), tap("tlkc", "new"),
    ), (*SHARED, *OPINION, say("/summary"))),
    Story("a round closed by time", (tap("op", who=BEN),), (*SHARED, *OPINION), days_later=4),
    Story("the step's own deadline", (tap("dl"), tap("dl"), tap("dl")), (*ADVISED, tap("v", "step"))),
    Story("why something continues", (
        tap("due"), tap("out", end="continued"), say("The pain is worse."), say("/resume"),
    ), PLANNED, days_later=31),
    Story("the last words of a case", (
        tap("due"), tap("out", end="continued"), tap("fin"), say("/resume"), tap("plan"),
    ), PLANNED, days_later=31),
    Story("closing questions", (
        tap("due"), tap("out", end="stopped_plan"), tap("said", "changed"), tap("said", "worth"),
        tap("ask", "close"), tap("close"),
    ), PLANNED, days_later=31),
    Story("what came of it", (
        tap("due"), tap("out"), tap("news", who=BEN),
    ), (*SHARED, *OPINION, say("/summary"), *PLAN), days_later=31),
    Story("a case handed on", (
        tap("ask", "close"), tap("hand"), tap("hand", "to"), tap("hand", "yes"),
        tap("got", end="no", who=BEN), say("/summary"), tap("ask", "close"), tap("hand"),
        tap("hand", "to"), tap("hand", "yes"), READ, tap("got", end="yes", who=BEN),
    ), IN_A_TEAM),
    Story("cases alike", (
        tap("op"), tap("lib"), tap("lib", "in"), READ, tap("lib", "out"),
    ), (*SHARED, say("/summary"))),
    Story("asked again", (
        tap("op"), tap("opend"), tap("opend", "yes"), READ, tap("opnew"),
    ), (*SHARED, *OPINION, say("/summary"))),
    Story("pages by buttons", (
        tap("cases"), say("/start"), tap("set"), READ, tap("page", "start"), say("/help"),
        tap("lines"), tap("page", "start"), say("/team"), tap("tmc"), say("ABCD-EFGH-JKLM"),
    ), (*SAFE, say("/start"))),
    Story("what is shared", (
        say("/team"), tap("shm"), tap("tml"), say("/team", BEN), tap("shl", who=BEN),
        say("/share"), say("/transcript"),
    ), SHARED),
    Story("papers to the colleague", (tap("msg"), tap("msgf")), (*ADVISED, tap("v", "step"))),
    Story("the admin's page", (tap("admin"), say("/admin")), (*ARRIVED, say("/start")),
          settings={"admins": (ANA,)}),
    Story("blocked and back", (
        does(lambda ana: ana.blocks_bot()), say("/start"), say("/resume"),
    ), SAFE),
)  # fmt: skip
