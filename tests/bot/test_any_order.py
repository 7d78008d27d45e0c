"""Whatever is done in whatever order: the database is what the model says, after every step.

Taps, words, edits, repeats, old buttons, a second device, restarts and deaths, through the real
intake, handler, outbox and database, with the emulated Telegram in the same process.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from secrets import randbits
from subprocess import PIPE, STDOUT
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import text
from telegram.error import BadRequest, Forbidden

from bot.handler import Handler
from bot.inbox import Intake
from bot.outbox import Outbox
from bot.service import Scenarios
from bot.transport import form_of
from storage import sqlite
from storage.database import Database
from storage.sqlite import Job, Sqlite, _Truncate
from storage.transaction import T, Tx, Unit
from storage.verification import verify
from tests.bot.conftest import FAST, TOKEN, Clock, database_in, settings_for
from tests.bot.model import ENDED, VERBS, Case
from tests.chaos.bot import ROOT
from web.emulator import Message, new_emulator, person
from web.emulator.app import METHODS
from web.emulator.errors import Refused
from web.emulator.request import Params, Upload

STEPS = 50
EXAMPLES = int(os.environ.get("CURBSIDE_ANY_ORDER", "500"))
"""Of 50 steps: 25,000 steps."""
MOST_CASES = 4
READS = ("v", "go", "ask", "cases", "page")
"""Buttons that only show something."""

KNOWN = frozenset((*VERBS, *READS, "new", "set", "del"))
WORDS = ("1", "skip", "not known", "back", "repeat", "qqq")
PATIENCE = 60.0
MEMORY = Path("/dev/shm")  # noqa: S108 - memory where there is some: no disk is tested here


class Wire:
    """Telegram in the same process."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        form = form_of(params)
        files = {
            n: Upload(name, body, kind) for n, (name, body, kind) in form.multipart_data.items()
        }
        try:
            return METHODS[method.lower()](self._bot.emulator, Params(form.json_parameters, files))
        except Refused as refused:
            kind = Forbidden if refused.code == 403 else BadRequest
            raise kind(refused.description.partition(": ")[2]) from None


class Bot:
    """One bot whose process can end at any time, with its phone and its database."""

    def __init__(self) -> None:
        self.folder = FOLDERS[-1]
        for left in self.folder.glob("curbside.db*"):
            left.unlink()
        self.emulator = new_emulator(TOKEN, Clock(), seed=1)
        self.me = person(self.emulator, 501, "Ana")
        self.settings = settings_for(self.folder)
        self.given: list[dict[str, Any]] = []
        """Every update so far."""

    async def starts(self) -> None:
        self.database: Database = database_in(self.folder, Clock())
        in_place(self.database)
        self.outbox = Outbox(self.database, Wire(self), pace=FAST)
        handler = Handler(self.database, self.outbox, self.settings, SCENARIOS)
        self.intake = Intake(handler, self._bury)
        await self.outbox._forgot_last_run()
        await self.outbox.sweep()
        await self.outbox.drained(PATIENCE)

    async def ends(self) -> None:
        """End in order."""
        await self.outbox.drained(PATIENCE)
        await self.dies()

    async def dies(self) -> None:
        """End in the middle of sending; what is committed stays, and no part works on."""
        self.database._backend.close_now()
        self.database._release()
        working = list(self.outbox._working.values())
        for task in working:
            task.cancel()
        for alarm in self.outbox._alarms.values():
            alarm.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def hears(self) -> list[dict[str, Any]]:
        """Return the updates that wait, and take them off Telegram's hands."""
        waiting = [update.wire() for update in self.emulator.updates.waiting.values()]
        self.emulator.updates.forget([update["update_id"] for update in waiting])
        self.given += waiting
        return waiting

    async def takes(self, updates: list[dict[str, Any]]) -> None:
        """Handle updates side by side, as from two devices, and send what they cause."""
        await asyncio.gather(*(self.intake(update) for update in updates))
        await self.outbox.drained(PATIENCE)

    async def _bury(self, raw: Any, *, update_id: int | None, reason: str, attempts: int) -> None:
        raise AssertionError(f"{kind_of(raw)} was put away: {reason}")


def in_place(database: Database) -> None:
    """Let units run in the thread that gives them: the same transactions, without the waiting."""
    backend = database._backend
    assert isinstance(backend, Sqlite)

    async def write(unit: Unit[T], *, chat: int | None = None) -> T:
        return backend.run_now(unit)

    async def read(unit: Unit[T]) -> T:
        return backend.look_now(unit)

    async def truncate_log() -> None:
        job = Job(_Truncate(), asyncio.get_running_loop().create_future())
        backend._truncate(job)
        assert job.error is None

    database.write, database.read = write, read  # type: ignore[method-assign]
    database.truncate_log = truncate_log  # type: ignore[method-assign]


def kind_of(raw: Any) -> str:
    return json.dumps(raw)[:300]


SCENARIOS = Scenarios("mat_pain")


class AnyOrder(RuleBasedStateMachine):
    """One person who has arrived, and what their cases must be."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bot = Bot()
        self.cases: dict[str, Case] = {}
        self.path = "quick"
        self.seen: list[tuple[str, Message]] = []
        """Every button that was ever on a screen."""
        self.begun: list[str] = []
        """The path of every case that was begun and not yet found."""
        self.mine: Message | None = None
        """The newest words of the person."""
        self.run(self.arrives())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)

    async def arrives(self) -> None:
        await self.bot.starts()
        self.bot.me.starts()
        await self.settles()
        for data in ("1|agree||", "1|role||counselor|", "1|new||"):
            self.bot.me.forges(data, self.bot.me.screen)
            await self.settles()
        self.begun.append(self.path)
        await self.same()

    async def settles(self) -> None:
        await self.bot.takes(await self.bot.hears())

    # --- what the person sees -----------------------------------------------------------

    @property
    def screen(self) -> Message:
        return self.bot.me.screen

    def buttons(self) -> list[str]:
        """Return what the buttons of the newest screen carry, as far as the model knows them."""
        found = [str(b.get("callback_data", "")) for row in self.screen.rows for b in row]
        return [data for data in found if data.split("|")[1:2] and _modelled(data)]

    def learn(self) -> None:
        """Remember the buttons of the screen."""
        self.seen += [(data, self.screen) for data in self.buttons()]

    def name(self, found: Iterable[str]) -> None:
        """Give the cases that were begun the names they got: each has one, nothing else has."""
        new = [short for short in found if short not in self.cases]
        assert len(new) == len(self.begun), f"{new} where {len(self.begun)} were begun"
        fresh = [Case({"role": "counselor"}, path=path) for path in self.begun]
        self.cases |= dict(zip(new, fresh, strict=True))
        self.begun.clear()

    def standing(self) -> str | None:
        """Return the case that the newest screen asks about; one to read leads home and asks nothing."""
        parted = [data.split("|") for data in self.buttons()]
        if any(verb == "v" and rest[:1] == ["home"] for _, verb, _, *rest in parted):
            return None
        return next((case for _, verb, case, *_ in parted if case and verb != "go"), None)

    # --- what the model makes of it -----------------------------------------------------

    def expects(self, data: str) -> None:
        """Do to the model what a button does to the bot."""
        _, verb, short, *rest = data.split("|")
        args, turn = rest[:-1], int(rest[-1]) if rest[-1] else None
        if verb == "set" and args[:1] == ["path"]:
            self.path = "full" if self.path == "quick" else "quick"
        if verb == "new":
            self.begun.append(self.path)
        if short not in self.cases:
            return
        case = self.cases[short]
        if verb == "del" and args == ["yes"] and case.phase in ENDED:
            del self.cases[short]
        case.tap(verb, args, turn)

    # --- what is done -------------------------------------------------------------------

    @rule(place=st.integers(0, 20))
    def taps(self, place: int) -> None:
        if self.buttons():
            data = self.buttons()[place % len(self.buttons())]
            self.run(self.tapped([(data, self.screen)]))

    @rule(place=st.integers(0, 200))
    def taps_an_old_button(self, place: int) -> None:
        if self.seen:
            self.run(self.tapped([self.seen[-1 - place % len(self.seen)]]))

    @rule(one=st.integers(0, 20), other=st.integers(0, 20))
    def taps_on_two_devices(self, one: int, other: int) -> None:
        buttons = self.buttons()
        if buttons:
            both = [buttons[one % len(buttons)], buttons[other % len(buttons)]]
            self.run(self.tapped([(data, self.screen) for data in both]))

    async def tapped(self, taps: list[tuple[str, Message]]) -> None:
        for data, message in taps:
            if "|new|" not in data or len(self.cases) < MOST_CASES:
                self.bot.me.forges(data, message)
                self.expects(data)
        await self.settles()
        await self.same()

    @rule(place=st.integers(0, 20))
    def taps_and_the_bot_dies(self, place: int) -> None:
        buttons = self.buttons()
        data = buttons[place % len(buttons)] if buttons else "1|page||start|"
        if "|new|" in data and len(self.cases) >= MOST_CASES:
            return
        self.bot.me.forges(data, self.screen)
        self.expects(data)
        self.run(self.death())

    async def death(self) -> None:
        updates = await self.bot.hears()
        await asyncio.gather(*(self.bot.intake(update) for update in updates))
        await self.bot.dies()
        await self.bot.starts()
        await self.bot.takes(updates)
        await self.same()

    @precondition(lambda self: len(self.cases) < MOST_CASES)
    @rule()
    def begins_another_case(self) -> None:
        self.bot.me.says("/new")
        self.begun.append(self.path)
        self.run(self.answered())

    @rule(words=st.sampled_from(WORDS))
    def types(self, words: str) -> None:
        case = self.cases.get(self.standing() or "")
        if case is not None and case.phase in ENDED:  # words answer no question that is not shown
            case = None
        numbered = case is None or (case.phase != "reviewing" and case.takes_numbers(case.question))
        if words == "1" and not numbered:
            return
        self.mine = self.bot.me.says(words)
        if case is not None:
            case.say(words, self.mine.id)
        self.run(self.answered())

    @precondition(lambda self: self.mine is not None)
    @rule(words=st.sampled_from(("1", "skip", "not known")))
    def edits(self, words: str) -> None:
        assert self.mine is not None
        answered = [case.typed.get(self.mine.id) for case in self.cases.values()]
        if words == "1" and not all(map(Case({}).takes_numbers, answered)):
            return
        self.bot.me.edits(self.mine, words)
        for case in self.cases.values():
            case.edit(words, self.mine.id)
        self.run(self.answered())

    async def answered(self) -> None:
        await self.settles()
        await self.same()

    @rule(back=st.integers(0, 30), times=st.integers(1, 3))
    def telegram_repeats_itself(self, back: int, times: int) -> None:
        old = self.bot.given[-1 - back % len(self.bot.given)]
        self.run(self.repeated([old] * times))

    async def repeated(self, updates: list[dict[str, Any]]) -> None:
        await self.bot.takes(updates)
        await self.same()

    @rule()
    def the_bot_is_restarted(self) -> None:
        self.run(self.restarted())

    async def restarted(self) -> None:
        await self.bot.ends()
        await self.bot.starts()
        await self.same()

    # --- what must be -------------------------------------------------------------------

    async def same(self) -> None:
        """Compare every case, and see that nothing waits, spins or was lost."""
        self.learn()
        found, counts = await self.bot.database.read(_found)
        self.name(found)
        expected = {
            short: (case.phase, case.turn, case.answers, case.path, case.changes)
            for short, case in self.cases.items()
        }
        assert found == expected, f"{found} where the model has {expected}"
        assert counts == (len({update["update_id"] for update in self.bot.given}), 0)
        assert self.bot.me.spinning == []

    def teardown(self) -> None:
        self.run(self.over())
        self.runner.close()

    async def over(self) -> None:
        report = await self.bot.database.read(verify)
        await self.bot.ends()
        assert report.ok, report.problems


def _modelled(data: str) -> bool:
    _, verb, _, *rest = data.split("|")
    if verb == "set":
        return rest[:1] == ["path"]
    return verb in KNOWN


def _found(tx: Tx) -> tuple[dict[str, Any], tuple[int, int]]:
    """Return every case as it is stored, and how many updates are kept and messages wait."""
    cases = {
        row.short: (row.phase, row.turn, json.loads(row.answers), row.path, row.changes)
        for row in tx.connection.execute(_CASES)
    }
    kept, waiting = tx.connection.execute(_COUNTS).one()
    return cases, (kept, waiting)


_CASES = text(
    "SELECT short, phase, turn, answers, path, (SELECT count(*) FROM answer_change"
    " WHERE consult_id = consult.id) AS changes FROM consult WHERE erased_at IS NULL"
    " ORDER BY opened_at, id"
)
_COUNTS = text(
    "SELECT count(update_id), coalesce(sum(state IN ('waiting', 'sending')), 0) FROM transcript"
)


@contextmanager
def one_place() -> Iterator[None]:
    """Let every bot use one file, made anew for each, and what was compiled for it before.

    An engine keeps the SQL it has compiled, so a restart with a new one costs a hundred times
    what is tested; its connections are opened again either way.
    """
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as name, pytest.MonkeyPatch.context() as patch:
        FOLDERS.append(Path(name))
        for kind in ("writing_engine", "reading_engine"):
            patch.setattr(sqlite, kind, cache(getattr(sqlite, kind)))
        patch.setattr(Sqlite, "start", lambda _: None)  # the units run in place: no second thread
        yield
        FOLDERS.pop()


def walk(number: int) -> None:
    """Walk half of the ways; they follow from ``number``."""
    with one_place():
        run_state_machine_as_test(seed(number)(AnyOrder), settings=HALF)


def quiet() -> None:
    """Say nothing of what is expected, so that a failure stands out."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextmanager
def beside(number: int) -> Iterator[None]:
    """Walk half of the ways in a process of its own, which nothing measures, and see that it went well."""
    words = (sys.executable, "-m", __name__, str(number))
    with subprocess.Popen(words, cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True) as process:
        try:
            yield
            said, _ = process.communicate(timeout=HALF_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0, said


def test_the_database_is_what_the_model_says_whatever_is_done_in_whatever_order() -> None:
    one, other = SEEDS
    with beside(one), beside(other):
        pass


FOLDERS: list[Path] = []
SEEDS = (1, 2)
if "CURBSIDE_ANY_ORDER" in os.environ:  # the long form walks other ways each time
    SEEDS = (randbits(32), randbits(32))
HALF_SECONDS = 3600.0

HALF = settings(
    max_examples=EXAMPLES // 2,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    derandomize=False,
    suppress_health_check=list(HealthCheck),
)

if __name__ == "__main__":
    quiet()
    walk(int(sys.argv[1]))
