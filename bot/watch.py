"""A process that hangs is ended, so that its supervisor starts it anew.

What hangs cannot end itself: a unit in the thread that writes, or a call that does not return into
the loop. So the kernel is asked for an alarm, and asked again for a later one as long as both come
round. When it rings, the process prints where each thread is (files and functions, no values) and
ends by that signal. It takes no memory and no thread, which may be just what there is none of.
"""

import asyncio
import faulthandler
import signal
from collections.abc import Callable

HUNG_SECONDS = 120.0
"""Twice what all tries of an update may take together, and far beyond what a unit of ours takes."""

LOOK_SECONDS = 5.0


async def watch(unit_seconds: Callable[[], float]) -> None:
    """Keep the watch until cancelled; ``unit_seconds`` tells for how long a unit has been running."""
    faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
    try:
        while True:
            if unit_seconds() < LOOK_SECONDS:
                signal.setitimer(signal.ITIMER_REAL, HUNG_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)
    except asyncio.CancelledError:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.unregister(signal.SIGALRM)
        raise
