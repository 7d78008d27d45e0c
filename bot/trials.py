"""Which updates are being tried: known after the death of the process, so that a deadly one is found.

Whatever is handled stands meanwhile in a small file, by its id alone. What a process has written to
a file outlives it, however it is killed; only a loss of power takes it, and a loss of power is no
fault of an update. So there is no flush to the disk: two writes of 16 bytes for each update.

What was being tried when a process died is suspect, and is tried alone from then on. Only a death
with one update on trial counts, and counts for that one. A death at any other moment shows that
something else kills, and acquits all.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import structlog

log = structlog.get_logger()

NAME = "trials"
PLACES = 128
"""Updates that the file has room for: those being handled, and suspects."""

MOST_SUSPECTS = 64
"""Beyond these, those for which the fewest deaths count are let go."""

MOST_FILES = 16
"""Processes that may share a folder."""

ENTRY = struct.Struct("<qii")
"""An update's id, the deaths that count, and its state."""

FREE, SUSPECT, ON_TRIAL = 0, 1, 2

Entry: TypeAlias = tuple[int, int, int]


class Trials:
    """What stands in the file of this process; without a file it remembers nothing."""

    def __init__(self, file: int | None = None) -> None:
        self._file = file
        self._suspects: dict[int, int] = {}
        self._places: dict[int, int] = {}
        self._free = list(range(PLACES))
        if file is not None:
            self._take_over(_entries(os.pread(file, PLACES * ENTRY.size, 0)))

    def deaths_of(self, update_id: int | None) -> int | None:
        """Return how often a process died with this update alone on trial; None for no suspect."""
        return None if update_id is None else self._suspects.get(update_id)

    @contextmanager
    def on(self, update_id: int | None) -> Iterator[None]:
        """Have an update stand in the file meanwhile, and acquit it when it has come to an end.

        One that failed is as suspect as before; one that was cut off still stands on trial, as the
        thread that hangs over it may go on.
        """
        if update_id is None:
            yield
            return
        self._put(update_id, ON_TRIAL)
        try:
            yield
        except Exception:
            self._adjourn(update_id)
            raise
        self._acquit(update_id)

    def close(self) -> None:
        """End in order: what was cut off is no suspect, as the process lives."""
        for update_id in tuple(self._places):
            self._adjourn(update_id)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take_over(self, left: list[Entry]) -> None:
        """Judge what a process that is gone has left, and write it down at once."""
        self._suspects = judged(left)
        self._places = {update_id: place for place, update_id in enumerate(self._suspects)}
        self._free = list(range(len(self._suspects), PLACES))
        kept = [ENTRY.pack(update_id, n, SUSPECT) for update_id, n in self._suspects.items()]
        self._write(0, b"".join(kept).ljust(PLACES * ENTRY.size, b"\0"))

    def _put(self, update_id: int, state: int) -> None:
        place = self._places.get(update_id)
        if place is None:
            place = self._places[update_id] = self._room()
        entry = ENTRY.pack(update_id, self._suspects.get(update_id, 0), state)
        self._write(place * ENTRY.size, entry)

    def _adjourn(self, update_id: int) -> None:
        if update_id in self._suspects:
            self._put(update_id, SUSPECT)
        else:
            self._acquit(update_id)

    def _room(self) -> int:
        if not self._free:
            self._acquit(next(iter(self._places)))
        return self._free.pop()

    def _acquit(self, update_id: int) -> None:
        self._suspects.pop(update_id, None)
        place = self._places.pop(update_id, None)
        if place is not None:
            self._write(place * ENTRY.size, bytes(ENTRY.size))
            self._free.append(place)

    def _write(self, at: int, what: bytes) -> None:
        """Write, or go on without the file: not being able to is no reason not to answer anybody."""
        if self._file is None:
            return
        try:
            os.pwrite(self._file, what, at)
        except OSError as error:
            log.error("trials_not_written", code=error.errno)  # noqa: TRY400 - one line is enough
            os.close(self._file)
            self._file = None


def trials_in(folder: Path) -> Trials:
    """Return the trials of the first file in ``folder`` that no living process holds.

    So a process takes over what the one before has left. Where no file can be had it goes on
    without one.
    """
    try:
        return Trials(_held(folder))
    except OSError as error:
        log.error("trials_not_kept", code=error.errno)  # noqa: TRY400 - one line is enough
        return Trials()


def _held(folder: Path) -> int | None:
    for number in range(1, MOST_FILES + 1):
        file = os.open(folder / f"{NAME}-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
        else:
            return file
    log.error("trials_not_kept", count=MOST_FILES)
    return None


def judged(left: list[Entry]) -> dict[int, int]:
    """Return the suspects by id with the deaths that count for each, most deaths first."""
    alone = sum(state == ON_TRIAL for *_, state in left) == 1
    suspects = [
        (update_id, deaths + (state == ON_TRIAL) if alone else 0)
        for update_id, deaths, state in left
    ]
    return dict(sorted(suspects, key=lambda each: -each[1])[:MOST_SUSPECTS])


def _entries(written: bytes) -> list[Entry]:
    whole = len(written) - len(written) % ENTRY.size
    found = (ENTRY.unpack_from(written, at) for at in range(0, whole, ENTRY.size))
    return [entry for entry in found if entry[2] in (SUSPECT, ON_TRIAL) and entry[1] >= 0]
