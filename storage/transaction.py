"""What a unit of work is given."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from storage.keys import Keyring

T = TypeVar("T")

Clock: TypeAlias = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction: its connection, the keys, and the time at which it began (UTC)."""

    connection: Connection
    keys: Keyring
    now: datetime
    notes: dict[Hashable, Any] = field(default_factory=dict)
    """What units know of the transaction without looking; emptied when one of them is rolled back."""

    @property
    def on_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"


Unit: TypeAlias = Callable[[Tx], T]
"""A synchronous function that may run again when its transaction had to be repeated."""

Work: TypeAlias = Callable[[Tx], Any]


def in_utc(moment: datetime) -> datetime:
    """Return ``moment`` in UTC; a naive one is refused."""
    if moment.utcoffset() is None:
        raise ValueError("naive datetime")
    return moment.astimezone(UTC)
