"""What the doctor asks of a database that it may only read."""

from datetime import datetime

from storage.transaction import Tx


def is_whole(tx: Tx) -> bool:
    """Return whether SQLite finds the whole file in order; takes about a second for each 500 MB.

    PostgreSQL watches over its own pages.
    """
    if not tx.on_sqlite:
        return True
    return bool(tx.connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar() == "ok")


def server_time(tx: Tx) -> datetime:
    """Return what the database server's clock says; for a file, our own."""
    if tx.on_sqlite:
        return tx.now
    found: datetime = tx.connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return found
