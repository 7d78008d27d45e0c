"""A process that hangs is ended, so that its supervisor starts it anew.

What hangs cannot end itself: a unit in the thread that writes, or a library that does not return
into the loop. So a thread of the interpreter waits that needs nothing of either, and is put off as
long as both come round. It prints where each thread is (files and functions, no values), and the
process ends with code 1.
"""

import asyncio
import faulthandler
from collections.abc import Callable

HUNG_SECONDS = 120.0
"""Twice what all tries of an update may take together, and far beyond what a unit of ours takes."""

LOOK_SECONDS = 5.0


async def watch(unit_seconds: Callable[[], float]) -> None:
    """Keep the watch until cancelled; ``unit_seconds`` tells for how long a unit has been running."""
    try:
        while True:
            if unit_seconds() < LOOK_SECONDS:
                faulthandler.dump_traceback_later(HUNG_SECONDS, exit=True)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        faulthandler.cancel_dump_traceback_later()
