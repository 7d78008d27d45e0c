"""Everything that a database keeps encrypted, opened: what a thief with the keys would read."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import LargeBinary, Table, select

from storage.errors import KeyDestroyed, Unreadable
from storage.schema import metadata
from storage.sealing import Place, unseal
from storage.transaction import Tx


def sealed_columns(table: Table) -> list[str]:
    """Return the columns of a table that hold ciphertext: binary ones beside a data key."""
    if "data_key_id" not in table.c:
        return []
    return [column.name for column in table.c if isinstance(column.type, LargeBinary)]


def plaintexts(tx: Tx) -> Iterator[tuple[str, str]]:
    """Yield (table and column, text) of every ciphertext of the database."""
    for table in metadata.sorted_tables:
        for column in sealed_columns(table):
            for row in tx.connection.execute(select(table)).mappings():
                yield from _opened(tx, table, column, dict(row))


def _opened(tx: Tx, table: Table, column: str, row: dict[str, object]) -> Iterator[tuple[str, str]]:
    sealed, key, identity = row[column], row["data_key_id"], row.get("id")
    consult = row["id"] if table.name == "consult" else row.get("consult_id")
    if not isinstance(sealed, bytes) or not isinstance(key, UUID) or not isinstance(identity, UUID):
        return
    for bound in (consult, None):
        place = Place(table.name, column, identity, bound if isinstance(bound, UUID) else None)
        try:
            yield f"{table.name}.{column}", unseal(tx, key, sealed, place)
        except (KeyDestroyed, Unreadable):
            continue
        return
