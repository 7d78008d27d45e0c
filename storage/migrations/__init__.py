"""The schema's versions. alembic is imported only when there is something to apply."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from storage.errors import StorageError

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision, oldest first; the last one is what this code needs."""

HEAD = REVISIONS[-1]


def bring_up_to_date(connection: Connection) -> None:
    """Apply the missing migrations in the transaction of ``connection``.

    A schema this code does not know is refused: it was made by a newer version.
    """
    found = version_of(connection)
    _refuse_newer(found)
    if found != HEAD:
        bring_up_to(connection, HEAD)


def bring_up_to(connection: Connection, revision: str) -> None:
    """Apply the migrations up to ``revision``."""
    from alembic import command  # noqa: PLC0415 - see configuration

    command.upgrade(configuration(connection), revision)


def migrated_here() -> bool:
    """Return whether this process has applied migrations; what that needed stays in its memory."""
    return "alembic" in sys.modules


def require_current(connection: Connection) -> None:
    """Raise StorageError unless the schema is the one this code needs."""
    found = version_of(connection)
    _refuse_newer(found)
    if found != HEAD:
        raise StorageError(
            f"The database has schema {found}, this version needs {HEAD}. "
            "Start Curbside once: it brings the schema up to date."
        )


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in REVISIONS:
        raise StorageError(
            f"The database has schema {found}, this version of Curbside knows {HEAD}: "
            "it was used by a newer version. Start that version, or restore an older backup."
        )


def version_of(connection: Connection) -> str | None:
    """Return the revision of the database, or None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None  # a first start, or a first start that was interrupted
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def configuration(connection: Connection) -> "Config":
    """Return alembic's configuration bound to ``connection``."""
    from alembic.config import Config  # noqa: PLC0415 - 0.2 s that most starts need not pay

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
