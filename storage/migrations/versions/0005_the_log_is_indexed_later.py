"""An event of the log enters the index of words, and on PostgreSQL every other, after its commit."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.log_words import index_words_later

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SEALED = "seq IS NOT NULL"
INDEXES = {
    "ix_audit_event_at_seq": ("at", SEALED),
    "ix_audit_event_action_seq": ("action", SEALED),
    "ix_audit_event_actor_seq": ("actor", SEALED),
    "ix_audit_event_consult_id_seq": ("consult_id", SEALED),
    "ix_audit_event_not_ok": ("outcome", f"outcome <> 'ok' AND {SEALED}"),
}


def upgrade() -> None:
    index_words_later(op.get_bind())
    if op.get_bind().dialect.name == "sqlite":
        return
    for name, (column, which) in INDEXES.items():
        op.drop_index(name, "audit_event")
        op.create_index(name, "audit_event", [column, "seq"], postgresql_where=sa.text(which))
