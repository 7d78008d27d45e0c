"""Sealing text in a transaction: data keys made, used, destroyed and re-wrapped."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from uuid import UUID

from cryptography.exceptions import InvalidTag
from sqlalchemy import bindparam, insert, select, update

from dialogs.identifiers import find_identifiers
from storage.errors import Identifying, KeyDestroyed, KeyTrouble, NotFound, Unreadable
from storage.ids import new_id
from storage.keys import DataKey, WrappedKey, derive
from storage.schema import data_key, meta
from storage.transaction import Tx

Scope: TypeAlias = Literal["consult", "person", "team", "system"]
Purpose: TypeAlias = Literal["canary", "audit", "index", "letters", "chat"]

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
CANARY = b"curbside can read this"
REWRAP_BATCH = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext stands; it can be read nowhere else."""

    table: str
    column: str
    row: UUID
    consult: UUID | None = None

    def binding(self) -> bytes:
        return f"{self.table}|{self.column}|{self.row}|{self.consult}".encode()


_WRAPPED = select(data_key.c.scope, data_key.c.wrapped, data_key.c.kek_id).where(
    data_key.c.id == bindparam("wanted")
)
_INSERT = insert(data_key)


def new_data_key(tx: Tx, scope: Scope) -> UUID:
    """Make a data key for a consult, a person, a team or the system, and return its id."""
    made = tx.keys.wrap_new(new_id(), scope)
    values = {"id": made.id, "scope": scope, "wrapped": made.wrapped, "kek_id": made.kek_id}
    tx.connection.execute(_INSERT, values | {"created_at": tx.now})
    return made.id


def opened(tx: Tx, key_id: UUID) -> DataKey:
    """Return a data key ready for use; KeyDestroyed when it is gone."""
    at = tx.now.timestamp()
    known = tx.keys.known(key_id, at)
    return known or tx.keys.unwrap(_stored(tx, key_id), at)


def seal(tx: Tx, key_id: UUID, text: str, place: Place) -> bytes:
    """Return ``text`` encrypted under a data key and bound to its place."""
    return opened(tx, key_id).seal(text.encode(), place.binding())


def seal_words(tx: Tx, key_id: UUID, words: str, place: Place) -> bytes:
    """Return what a person wrote, sealed; Identifying when a clear identifier is among it.

    The guard has looked before, where it can be answered; this is where nothing gets round it.
    """
    kinds = {found.kind for found in find_identifiers(words) if found.tier == "hard"}
    if kinds:
        raise Identifying(tuple(sorted(kinds)))
    return seal(tx, key_id, words, place)


def unseal(tx: Tx, key_id: UUID, sealed: bytes, place: Place) -> str:
    """Return the text in ``sealed``; Unreadable when it was altered or moved."""
    try:
        return opened(tx, key_id).unseal(sealed, place.binding()).decode()
    except InvalidTag:
        raise Unreadable(place.table, place.column, place.row) from None


def destroy(tx: Tx, key_id: UUID) -> None:
    """Destroy a data key: what it sealed can never be read again. Its row stays, empty."""
    tx.connection.execute(
        update(data_key)
        .where(data_key.c.id == key_id, data_key.c.destroyed_at.is_(None))
        .values(wrapped=None, destroyed_at=tx.now)
    )
    tx.keys.forget(key_id)
    for owner in [owner for owner, noted in tx.notes.items() if noted == key_id]:
        del tx.notes[owner]


def note_key(tx: Tx, owner: UUID, key_id: UUID) -> None:
    """Remember, until the end of the transaction, under which data key the words of a row stand."""
    tx.notes["key", owner] = key_id


def noted_key(tx: Tx, owner: UUID) -> UUID | None:
    """Return the data key that was noted for a row, None when it was destroyed since."""
    found: UUID | None = tx.notes.get(("key", owner))
    return found


def system_key_id(tx: Tx, purpose: Purpose) -> UUID:
    """Return the id of the system's data key for ``purpose``."""
    known = tx.keys.system.get(purpose)
    if known is None:
        known = tx.keys.system[purpose] = _stored_system_key_id(tx, purpose)
    return known


def system_key(tx: Tx, purpose: Purpose) -> DataKey:
    return opened(tx, system_key_id(tx, purpose))


def blind_index(tx: Tx, kind: str, value: str) -> str:
    """Return a keyed digest (128 bits, hexadecimal): equal values of a kind give equal digests."""
    return derive(system_key(tx, "index").subkey(kind), value)[:16].hex()


def create_system_keys(tx: Tx) -> bool:
    """Make the system keys that this database lacks, and tell whether it had none at all.

    A database that lost some of them is not repaired: ``check_keys`` refuses it.
    """
    if tx.connection.scalar(select(meta.c.key).where(meta.c.key == "canary")):
        return False
    for purpose in PURPOSES:
        _remember(tx, f"data_key:{purpose}", str(new_data_key(tx, "system")))
    _remember(tx, "canary", system_key(tx, "canary").seal(CANARY, b"canary").hex())
    return True


def check_keys(tx: Tx) -> None:
    """Raise KeyTrouble unless the keys given open this database: the canary is decrypted."""
    sealed = tx.connection.scalar(select(meta.c.value).where(meta.c.key == "canary"))
    try:
        sings = system_key(tx, "canary").unseal(bytes.fromhex(sealed or ""), b"canary") == CANARY
    except InvalidTag:
        sings = False
    if not sings:
        raise KeyTrouble("The canary of this database cannot be read: it was altered.")
    for purpose in PURPOSES:
        system_key(tx, purpose)


def rewrap_some(tx: Tx) -> int:
    """Re-wrap up to 500 data keys under the newest KEK and return how many were left to do."""
    rows = tx.connection.execute(
        select(data_key.c.id, data_key.c.scope, data_key.c.wrapped, data_key.c.kek_id)
        .where(data_key.c.wrapped.is_not(None), data_key.c.kek_id != tx.keys.newest)
        .limit(REWRAP_BATCH)
    ).all()
    for row in rows:
        made = tx.keys.rewrap(WrappedKey(row.id, row.scope, row.wrapped, row.kek_id))
        tx.connection.execute(
            update(data_key)
            .where(data_key.c.id == made.id, data_key.c.wrapped.is_not(None))
            .values(wrapped=made.wrapped, kek_id=made.kek_id)
        )
    return len(rows)


def _stored(tx: Tx, key_id: UUID) -> WrappedKey:
    row = tx.connection.execute(_WRAPPED, {"wanted": key_id}).one_or_none()
    if row is None:
        raise NotFound("data key", key_id)
    if row.wrapped is None:
        raise KeyDestroyed(key_id)
    return WrappedKey(key_id, row.scope, row.wrapped, row.kek_id)


def _stored_system_key_id(tx: Tx, purpose: Purpose) -> UUID:
    value = tx.connection.scalar(select(meta.c.value).where(meta.c.key == f"data_key:{purpose}"))
    if value is None:
        raise KeyTrouble(f"This database has no {purpose} key: it was altered or is incomplete.")
    return UUID(value)


def _remember(tx: Tx, key: str, value: str) -> None:
    tx.connection.execute(insert(meta).values(key=key, value=value))
