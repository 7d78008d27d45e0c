"""How alembic runs here: on the connection it is handed, in its one transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator

from storage.schema import metadata


def _plain(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Render our column types as what the database sees, so that a migration needs no code of ours."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out the index of words, which SQLAlchemy cannot describe; see ``log_words``."""
    return not (name or "").startswith(("audit_word", "ix_audit_event_words"))


def run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
        compare_type=True,
        compare_server_default=False,
        render_item=_plain,
        include_name=_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
