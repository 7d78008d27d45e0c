"""What storage refuses, in words that never repeat what a clinician typed."""

from typing import Literal
from uuid import UUID

Trouble = Literal[
    "full",
    "io",
    "read_only",
    "busy",
    "corrupt",
    "closed",
    "lost",
    "contended",
    "unreadable",
    "outdated",
]

REMEDIES: dict[Trouble, str] = {
    "full": "The disk is full. Nothing was written; free some space and writing goes on by itself.",
    "io": "The disk reported an error. Nothing was written; check the disk and its free space.",
    "read_only": "The database cannot be written. Give the process write permission on its folder.",
    "busy": "Another process holds the database. Nothing was written; it is tried again.",
    "corrupt": "The database file is damaged. Stop, and restore the latest backup.",
    "closed": "The database is closed.",
    "lost": "The database server cannot be reached. Nothing is lost; it is tried again.",
    "contended": "The database stayed contended after several tries. It is tried again.",
    "outdated": (
        "The database was brought up to date by a newer version of Curbside: this one stops. "
        "Nothing is lost; start the newer version."
    ),
    "unreadable": "The database file cannot be opened. Check that it exists and its permissions.",
}


class StorageError(Exception):
    """The database cannot be used as asked; the message is one line and says what to do."""


class StorageUnavailable(StorageError):
    """The database does not take writes (or reads) now; the same call may succeed later."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(REMEDIES[trouble])
        self.trouble: Trouble = trouble


class NotFound(StorageError):
    """No such row, or one that has been erased."""

    def __init__(self, kind: str, identity: UUID | str | int) -> None:
        super().__init__(f"no {kind} {identity}")
        self.kind = kind
        self.identity = identity


class Conflict(StorageError):
    """Someone else changed the row first; nothing was written."""

    def __init__(self, kind: str, identity: UUID | str | int) -> None:
        super().__init__(f"{kind} {identity} was changed by someone else first")
        self.kind = kind
        self.identity = identity


class AlreadySeen(StorageError):
    """An update that has been handled before; nothing was written."""

    def __init__(self, update_id: int) -> None:
        super().__init__(f"update {update_id} has been handled before")
        self.update_id = update_id


class Identifying(StorageError):
    """Words that were to be kept identify somebody; nothing was written. Carries the kinds alone."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        super().__init__(f"not kept, as it identifies somebody: {', '.join(kinds)}")
        self.kinds = kinds


class KeyTrouble(StorageError):
    """A key is missing, wrong or destroyed."""


class KeyDestroyed(KeyTrouble):
    """The text under this key was erased for good."""

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"Data key {key_id} was destroyed: its text is erased.")


class Unreadable(StorageError):
    """A ciphertext does not belong where it stands, or was altered."""

    def __init__(self, table: str, column: str, row: UUID) -> None:
        super().__init__(f"{table}.{column} of {row} was altered or does not belong there")
        self.table = table
        self.column = column
        self.row = row
