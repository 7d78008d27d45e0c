"""The number of the newest checkpoint, written down beside the checkpoints: removed ones leave a gap.

The log says from when on it is written down, so that its absence is found as well.
"""

import json
import re

from sqlalchemy import and_, exists, or_, select, text

from storage.audit import Event, Mac, mac_key, record
from storage.schema import audit_event, meta
from storage.transaction import Tx

CHECKPOINTS = "audit.checkpoints"
"""The event that tells that there are checkpoints, and where ``meta`` notes the newest one."""

CREATED = "database.create"
NOTED = '{"checkpoints":1}'
"""What the event of the creation tells, in a database that has the note from its beginning."""

_NOTE = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def note_checkpoint(tx: Tx, seq: int) -> None:
    """Write down, beside the checkpoints, the number of the newest one and its keyed digest."""
    value = f"{seq}:{checkpoint_mac(mac_key(tx), seq).hex()}"
    tx.connection.execute(_NOTE, {"key": CHECKPOINTS, "value": value})


def noted_checkpoint(tx: Tx) -> tuple[int, bytes] | None:
    """Return the number of the newest checkpoint as it was written down, with its keyed digest.

    None where nothing was; number 0, and no digest, for what we never write.
    """
    value = tx.connection.scalar(select(meta.c.value).where(meta.c.key == CHECKPOINTS))
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", value)
    return (int(found[1]), bytes.fromhex(found[2])) if found else (0, b"")


def noted_seq(tx: Tx) -> int:
    """Return the number of the newest checkpoint as we wrote it down, else 0."""
    seq, mac = noted_checkpoint(tx) or (0, b"")
    return seq if mac == checkpoint_mac(mac_key(tx), seq) else 0


def notes_checkpoints(tx: Tx) -> bool:
    """Tell whether the log says that the newest checkpoint is written down in this database."""
    created = and_(audit_event.c.action == CREATED, audit_event.c.meta == NOTED)
    query = select(exists().where(or_(audit_event.c.action == CHECKPOINTS, created)))
    return bool(tx.connection.scalar(query))


def note_creation(tx: Tx) -> None:
    """Put on record that the database was made, and that its checkpoints are written down."""
    record(tx, Event(actor=None, action="database.create", meta=json.loads(NOTED)))
    note_checkpoint(tx, 0)


def checkpoint_mac(key: Mac, seq: int) -> bytes:
    return key(b"checkpoint" + seq.to_bytes(8, "big"))
