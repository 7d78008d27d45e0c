"""A power cut, emulated: what the disk had not been told to keep is kept, lost or torn at random.

The app's own statements are recorded while its units run, and run again by a SQLite (apsw) whose
files go through ``Disk``: a write counts as kept only after the next sync of its file. At a cut
every pending write survives in whole, in part (by sectors of 512 bytes) or not at all.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import apsw
from sqlalchemy import event

from storage.database import Database
from storage.sqlite import WRITER_PRAGMAS

SECTOR = 512
COMMIT = "COMMIT"

Script: TypeAlias = list[tuple[str, Any]]


def recorded(database: Database) -> Script:
    """Return a list that grows with every statement the writer runs, and a mark at each commit."""
    script: Script = []
    writer = database.engines[0]

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        script.append((statement, tuple(given)))

    event.listen(writer, "before_cursor_execute", note)
    event.listen(writer, "commit", lambda _connection: script.append((COMMIT, ())))
    return script


@dataclass(slots=True)
class Kept:
    """A file as the disk has it: what was synced, and the writes since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, data); without data the file was cut to that length."""

    def sync(self) -> None:
        for offset, data in self.pending:
            _apply(self.synced, offset, data)
        self.pending.clear()

    def after_a_cut(self, dice: random.Random) -> bytes:
        """Return what might be found when the power is back."""
        image = bytearray(self.synced)
        for offset, data in self.pending:
            fate = dice.random()
            if data is None:
                if fate < 0.5:
                    _apply(image, offset, None)
            elif fate < 0.4:
                _apply(image, offset, data)
            elif fate < 0.7:
                _tear(image, offset, data, dice)
        return bytes(image)


def _apply(image: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del image[offset:]
        return
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data


def _tear(image: bytearray, offset: int, data: bytes, dice: random.Random) -> None:
    for start in range(0, len(data), SECTOR):
        if dice.random() < 0.5:
            _apply(image, offset + start, data[start : start + SECTOR])


@dataclass(frozen=True, slots=True)
class Cut:
    """The files as found after a cut, and how many commits had been answered by then."""

    files: dict[str, bytes]
    answered: int

    def put_into(self, folder: Path) -> None:
        for name, image in self.files.items():
            (folder / name).write_bytes(image)


class Disk(apsw.VFS):
    """A file system that knows what would survive, and looks at it at random moments.

    A moment is just before a write or a sync, so that a cut comes in the middle of a commit too.
    """

    def __init__(self, folder: Path, dice: random.Random, every: int) -> None:
        self.name = f"disk-{id(self)}"
        self.answered = 0
        self.cuts: list[Cut] = []
        self.files = {path.name: Kept(bytearray(path.read_bytes())) for path in folder.iterdir()}
        self._dice = dice
        self._every = every
        super().__init__(self.name, "")

    def moment(self) -> None:
        if self._dice.randrange(self._every) == 0:
            files = {name: kept.after_a_cut(self._dice) for name, kept in self.files.items()}
            self.cuts.append(Cut(files, self.answered))

    def xOpen(self, name: Any, flags: list[int]) -> "DiskFile":  # noqa: N802 - apsw's name
        return DiskFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - apsw's name
        self.files.pop(Path(filename).name, None)
        super().xDelete(filename, syncdir)


class DiskFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk = disk
        self._kept = disk.files.setdefault(Path(filename or "unnamed").name, Kept())
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        self._disk.moment()
        super().xWrite(data, offset)
        self._kept.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's name
        self._disk.moment()
        super().xTruncate(newsize)
        self._kept.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
        self._disk.moment()
        super().xSync(flags)
        self._kept.sync()


def cuts(
    script: Script, folder: Path, dice: random.Random, *, synchronous: str = "FULL", every: int = 9
) -> list[Cut]:
    """Run a script on the database in ``folder`` and return a cut at about every ninth moment.

    The log is moved into the file more often than in use, so that cuts come in there as well.
    """
    disk = Disk(folder, dice, every)
    connection = apsw.Connection(str(next(folder.glob("*.db"))), vfs=disk.name)
    for pragma in (*WRITER_PRAGMAS, f"synchronous={synchronous}", "wal_autocheckpoint=60"):
        connection.execute(f"PRAGMA {pragma}")
    for statement, given in script:
        if connection.getautocommit():
            connection.execute("BEGIN IMMEDIATE")
        connection.execute(statement, given).fetchall()
        disk.answered += statement == COMMIT
    found = disk.cuts
    connection.close()
    disk.unregister()
    return found
