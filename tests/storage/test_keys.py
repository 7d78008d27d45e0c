"""Keys outside the database: read, refused, rotated; data keys: bound, destroyed, never swapped."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select, update

from storage import audit, people
from storage.database import Database, open_database
from storage.errors import KeyTrouble, NotFound, Unreadable
from storage.ids import new_id
from storage.keys import DataKey, Keyring, add_key, create_key_file, derive, new_key_line
from storage.rotation import keks_in_use, rotate
from storage.schema import data_key
from storage.sealing import (
    Place,
    blind_index,
    destroy,
    new_data_key,
    opened,
    seal,
    system_key,
    unseal,
)
from storage.transaction import Tx
from storage.verification import verify
from tests.databases import Clock

OLD, NEW = b"\x01" * 32, b"\x02" * 32
ROW = new_id()


# --- the keys file ------------------------------------------------------------------------------


def test_the_newest_key_stands_first() -> None:
    lines = [base64.b64encode(key).decode() for key in (NEW, OLD)]

    ring = Keyring.of_text(f"# rotated in spring\n{lines[0]}  # new\n\n{lines[1]}\n")
    assert ring.newest == Keyring([NEW]).newest
    assert Keyring.of_text(",".join(lines)).newest == ring.newest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no key"),
        ("# only a comment", "no key"),
        ("not base64!", "not base64"),
        (base64.b64encode(b"short").decode(), "5 bytes"),
        (base64.b64encode(bytes(32)).decode(), "all zeros"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(KeyTrouble, match=said):
        Keyring.of_text(text)


def test_a_keys_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "curbside.keys"
    create_key_file(path)
    made = path.read_text()
    create_key_file(path)

    assert path.read_text() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Keyring.of_file(path).newest


def test_a_keys_file_that_is_missing_or_unreadable_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    with pytest.raises(KeyTrouble, match=r"absent does not exist"):
        Keyring.of_file(tmp_path / "absent")
    with pytest.raises(KeyTrouble, match="cannot be read"):
        Keyring.of_file(tmp_path / "binary")
    with pytest.raises(KeyTrouble, match="cannot be created"):
        create_key_file(tmp_path / "absent" / "curbside.keys")


def test_a_key_is_added_before_the_others(tmp_path: Path) -> None:
    path = tmp_path / "curbside.keys"
    create_key_file(path)
    before = Keyring.of_file(path).newest
    add_key(path)

    assert Keyring.of_file(path).newest != before
    assert len(path.read_text().split()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_never_printed() -> None:
    key = DataKey(OLD)

    assert OLD.hex() not in repr(key) + repr(Keyring([OLD]))
    assert derive(OLD, "one") != derive(OLD, "two") != OLD


# --- sealing --------------------------------------------------------------------------------------


def place(row: UUID = ROW, consult: UUID | None = None) -> Place:
    return Place("plan", "reason", row, consult)


async def test_what_was_sealed_is_read_back(database: Database) -> None:
    text = "taken as agreed — “yes”"

    def unit(tx: Tx) -> tuple[bytes, str]:
        key = new_data_key(tx, "consult")
        sealed = seal(tx, key, text, place())
        return sealed, unseal(tx, key, sealed, place())

    sealed, read = await database.write(unit)
    assert read == text
    assert b"agreed" not in sealed
    assert len(sealed) == len(text.encode()) + 29


Damage = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:12],
        lambda sealed: b"",
        lambda sealed: b"\x09" + sealed[1:],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: sealed[:5] + b"\x00" + sealed[6:] if sealed[5] else sealed[:5] + b"\x01",
    ],
    ids=["cut", "header only", "empty", "unknown version", "bit flipped", "nonce changed"],
)
async def test_altered_ciphertext_is_refused(database: Database, damage: Damage) -> None:
    def unit(tx: Tx) -> None:
        key = new_data_key(tx, "consult")
        unseal(tx, key, damage(seal(tx, key, "some words", place())), place())

    with pytest.raises(Unreadable, match=r"plan\.reason") as caught:
        await database.write(unit)
    assert "some words" not in str(caught.value)


async def test_ciphertext_can_be_read_only_where_it_stands(database: Database) -> None:
    def unit(tx: Tx) -> list[str]:
        key, consult = new_data_key(tx, "consult"), new_id()
        sealed = seal(tx, key, "words", place(ROW, consult))
        elsewhere = (
            place(new_id(), consult),
            place(ROW, new_id()),
            place(ROW),
            Place("plan", "other", ROW, consult),
            Place("other", "reason", ROW, consult),
        )
        return [each.column for each in elsewhere if _readable(tx, key, sealed, each)]

    assert await database.write(unit) == []


def _readable(tx: Tx, key: UUID, sealed: bytes, where: Place) -> bool:
    try:
        unseal(tx, key, sealed, where)
    except Unreadable:
        return False
    return True


async def test_another_key_does_not_open_it(database: Database) -> None:
    def unit(tx: Tx) -> None:
        sealed = seal(tx, new_data_key(tx, "consult"), "words", place())
        unseal(tx, new_data_key(tx, "consult"), sealed, place())

    with pytest.raises(Unreadable):
        await database.write(unit)


async def test_a_destroyed_key_is_gone_for_good(database: Database) -> None:
    def unit(tx: Tx) -> tuple[UUID, bytes]:
        key = new_data_key(tx, "consult")
        return key, seal(tx, key, "words", place())

    key, sealed = await database.write(unit)
    await database.write(lambda tx: destroy(tx, key))

    with pytest.raises(KeyTrouble, match="destroyed"):
        await database.read(lambda tx: unseal(tx, key, sealed, place()))
    row = await database.read(
        lambda tx: tx.connection.execute(
            select(data_key.c.wrapped).where(data_key.c.id == key)
        ).scalar()
    )
    assert row is None


async def test_another_replica_forgets_a_destroyed_key_within_minutes(
    database_url: str, keys: Keyring, clock: Clock, postgres_server: object
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("one process only")
    here, there = (open_database(database_url, keys, clock) for _ in range(2))
    key = await here.write(lambda tx: new_data_key(tx, "consult"))
    await there.read(lambda tx: opened(tx, key))
    await here.write(lambda tx: destroy(tx, key))
    clock.moves(minutes=11)

    with pytest.raises(KeyTrouble, match="destroyed"):
        await there.read(lambda tx: opened(tx, key))
    await here.close()
    await there.close()


async def test_a_key_of_a_unit_that_was_undone_is_unknown(database: Database) -> None:
    made: list[UUID] = []

    def unit(tx: Tx) -> None:
        made.append(new_data_key(tx, "consult"))
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(unit)
    with pytest.raises(NotFound):
        await database.read(lambda tx: opened(tx, made[0]))


async def test_wrapped_keys_cannot_be_swapped(database: Database, keys: Keyring) -> None:
    def swap(tx: Tx) -> UUID:
        one, two = new_data_key(tx, "consult"), new_data_key(tx, "consult")
        wrapped = tx.connection.scalar(select(data_key.c.wrapped).where(data_key.c.id == two))
        tx.connection.execute(update(data_key).where(data_key.c.id == one).values(wrapped=wrapped))
        return one

    one = await database.write(swap)

    with pytest.raises(KeyTrouble, match="altered or swapped"):
        await database.read(lambda tx: opened(tx, one))


async def test_only_so_many_keys_are_remembered(database: Database) -> None:
    ring = Keyring([OLD], cache_size=3)
    wrapped = [ring.wrap_new(new_id(), "consult") for _ in range(5)]
    for each in wrapped:
        ring.unwrap(each, 0.0)

    known = [ring.known(each.id, 1.0) is not None for each in wrapped]
    assert known == [False, False, True, True, True]


async def test_equal_values_have_equal_digests_within_a_kind(database: Database) -> None:
    def digests(tx: Tx) -> list[str]:
        pairs = [("name", "anna"), ("name", "anna"), ("name", "anne"), ("place", "anna")]
        return [blind_index(tx, *pair) for pair in pairs]

    same, again, other, kind = await database.read(digests)
    assert same == again
    assert len({same, other, kind}) == 3


# --- rotation -------------------------------------------------------------------------------------


async def test_rotation_wraps_every_key_anew_and_touches_no_text(
    database_url: str, clock: Clock
) -> None:
    before = open_database(database_url, Keyring([OLD]), clock)
    await before.write(lambda tx: people.get_or_create(tx, 5, "Anna"))
    await before.write(audit.seal)
    await before.close()

    both = open_database(database_url, Keyring([NEW, OLD]), clock)
    assert await rotate(both) == 6
    assert await rotate(both) == 0
    assert await both.read(keks_in_use) == {Keyring([NEW]).newest: 6}
    await both.close()

    after = open_database(database_url, Keyring([NEW]), clock)
    anna = await after.write(lambda tx: people.get_or_create(tx, 5, "Anna"))
    assert anna.name == "Anna"
    await after.write(audit.seal)
    assert (await after.read(verify)).ok
    await after.close()

    with pytest.raises(KeyTrouble, match="not in the keys file"):
        open_database(database_url, Keyring([OLD]), clock)


async def test_an_interrupted_rotation_is_simply_run_again(
    database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sealing.REWRAP_BATCH", 2)
    before = open_database(database_url, Keyring([OLD]), clock)
    await before.close()
    both = open_database(database_url, Keyring([NEW, OLD]), clock)
    from storage.sealing import rewrap_some

    assert await both.write(rewrap_some) == 2
    await both.close()

    again = open_database(database_url, Keyring([NEW, OLD]), clock)
    assert await rotate(again) == 3
    assert await again.read(lambda tx: len(keks_in_use(tx))) == 1
    await again.close()


async def test_a_rotation_is_on_record(database: Database) -> None:
    await rotate(database)

    entries = await database.read(audit.entries)
    assert entries[0].action == "key.rotate"
    assert entries[0].meta == {"data_keys": 0}


async def test_each_key_line_is_new() -> None:
    assert new_key_line() != new_key_line()


async def test_the_systems_keys_differ(database: Database) -> None:
    def subkeys(tx: Tx) -> set[bytes]:
        return {system_key(tx, purpose).subkey("x") for purpose in ("audit", "index", "letters")}

    assert len(await database.read(subkeys)) == 3
