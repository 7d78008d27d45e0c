"""Descriptors and memory run out while the bot runs: it waits, and goes on when there is room again."""

import asyncio
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from tests.chaos.lives import Files
from tests.chaos.ports import kept_port
from tests.chaos.town import ARRIVAL, Town, town

SAID = 30
"""Messages of each person."""

STARVING = 2.0
"""Seconds in which nothing can be opened."""


async def fully_up(here: Town) -> int:
    """Return the process id of a bot once it has answered everybody."""
    child = await here.maker.bear(here.birth)
    for each in here.people:
        each.says("/privacy")
    await here.peace()
    return child


def limit(child: int, which: int, most: int) -> tuple[int, int]:
    """Let a process have no more than that, and return what it was allowed before."""
    before = resource.prlimit(child, which)
    resource.prlimit(child, which, (most, before[1]))
    return before


async def talked(here: Town) -> int:
    """Have everybody write for a while, and return how many updates were not taken in at its end."""
    for _ in range(SAID):
        for each in here.people:
            each.says("/privacy")
        await asyncio.sleep(STARVING / SAID)
    return len(here.emulator.updates.waiting)


async def ended(here: Town, child: int) -> int:
    await asyncio.wait_for(here.peace(), 60)
    os.kill(child, signal.SIGTERM)
    return await here.maker.outlive()


async def test_without_descriptors_updates_wait_and_the_bot_goes_on_by_itself(
    tmp_path: Path,
) -> None:
    """Connections are cut, so that new ones are needed, and there are no descriptors for them."""
    async with town(Files(tmp_path)) as here:
        child = await fully_up(here)
        before = limit(child, resource.RLIMIT_NOFILE, 3)
        here.emulator.faults.next("dropped", times=2, method="getupdates")
        here.emulator.faults.next("dropped", times=4)
        stuck = await talked(here)
        resource.prlimit(child, resource.RLIMIT_NOFILE, before)
        code = await ended(here, child)

        assert stuck > 0
        assert code == 0
        assert await here.taken_in() == ARRIVAL + 3 + 3 * SAID
        assert await here.left() == []
        assert all("stored" in each.last.text for each in here.people)


async def test_a_database_that_cannot_be_opened_for_want_of_descriptors_is_waited_for(
    tmp_path: Path,
) -> None:
    """The disk refuses a write, which closes the connection that writes; then it takes writes again."""
    async with town(Files(tmp_path), file_bytes=2**30) as here:
        child = await fully_up(here)
        files = limit(child, resource.RLIMIT_NOFILE, 3)
        size = limit(child, resource.RLIMIT_FSIZE, 4096)
        for each in here.people:
            each.says("/privacy")
        await asyncio.sleep(STARVING / 2)
        resource.prlimit(child, resource.RLIMIT_FSIZE, size)
        await asyncio.sleep(STARVING / 2)
        stuck = len(here.emulator.updates.waiting)
        resource.prlimit(child, resource.RLIMIT_NOFILE, files)
        code = await ended(here, child)

        assert stuck == 3
        assert code == 0
        assert await here.taken_in() == ARRIVAL + 3 + 3
        assert await here.left() == []


async def test_without_descriptors_a_webhook_is_not_answered_and_telegram_delivers_again(
    tmp_path: Path,
) -> None:
    with kept_port() as port:
        async with town(Files(tmp_path), port=port) as here:
            child = await fully_up(here)
            before = limit(child, resource.RLIMIT_NOFILE, 3)
            stuck = await talked(here)
            resource.prlimit(child, resource.RLIMIT_NOFILE, before)
            code = await ended(here, child)

            assert stuck > 0
            assert code == 0
            assert await here.taken_in() == ARRIVAL + 3 + 3 * SAID
            assert await here.left() == []


async def test_without_memory_nothing_is_lost_whether_the_process_lives_or_not(
    tmp_path: Path,
) -> None:
    """What cannot be had is an error like any other, or ends the process, or hangs it.

    Python waits for ever for a thread that dies while it starts. The watch ends such a process.
    """
    async with town(Files(tmp_path), hung_seconds=4.0) as here:
        child = await fully_up(here)
        before = limit(child, resource.RLIMIT_AS, psutil.Process(child).memory_info().vms)
        for each in SAID * here.people:
            each.says("/privacy " + "ж" * 4000)
        await asyncio.sleep(STARVING / 2)  # five tries take longer
        with suppress(ProcessLookupError):
            resource.prlimit(child, resource.RLIMIT_AS, before)
        code = await survived(here, child)
        await here.lives()

        assert code in (0, 1, -signal.SIGALRM, -signal.SIGABRT, -signal.SIGSEGV)
        assert await here.taken_in() == ARRIVAL + 3 + 3 * SAID
        assert not here.emulator.updates.waiting


async def survived(here: Town, child: int) -> int:
    """Wait until all is taken in or the process has ended, and return how it ended."""
    ending = asyncio.create_task(here.maker.outlive())
    peace = asyncio.create_task(here.peace())
    await asyncio.wait({ending, peace}, return_when=asyncio.FIRST_COMPLETED)
    peace.cancel()
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGTERM)
    return await ending
