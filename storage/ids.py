"""Identifiers made by us, never by the database."""

import secrets
from collections.abc import Collection
from uuid import UUID

from uuid6 import uuid7

SHORT_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SHORT_LENGTH = 8

CODE_LETTERS = "CDFGHJKMNPRTVWX"
"""Read aloud without confusion: no vowels, and none of B L Q S Y Z, which sound or look alike."""


def new_id() -> UUID:
    """Return a UUIDv7: unique anywhere, and later ones sort after earlier ones."""
    return UUID(int=uuid7().int)


def new_short() -> str:
    """Return 8 random characters of ``[a-z0-9]``, 41 bits, for callback data."""
    return "".join(secrets.choice(SHORT_ALPHABET) for _ in range(SHORT_LENGTH))


def new_code(taken: Collection[str]) -> str:
    """Return a case code like ``K7`` that is not ``taken``: one digit as long as half are free."""
    numbers = range(1, 10)
    while len(taken) * 2 >= len(CODE_LETTERS) * len(numbers):
        numbers = range(numbers.start * 10, numbers.stop * 10)
    free = [f"{a}{n}" for a in CODE_LETTERS for n in numbers if f"{a}{n}" not in taken]
    return secrets.choice(free)
