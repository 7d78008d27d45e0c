"""${message}."""

import sqlalchemy as sa
from alembic import op
% if up_revision == "0001":

from storage.migrations.append_only import protect
from storage.migrations.log_words import index_words
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
% if up_revision == "0001":
    protect(op.get_bind())
    index_words(op.get_bind())
% endif


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
