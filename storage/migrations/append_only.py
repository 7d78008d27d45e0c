"""The triggers that keep the log append-only, whoever asks."""

from sqlalchemy import Connection, text

_SQLITE = {
    f"{table}_no_{verb.lower()}": f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} "
    f"ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for table in ("audit_event", "audit_checkpoint")
    for verb in ("UPDATE", "DELETE")
}

_REFUSE = """
CREATE FUNCTION curbside_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
"""

_SEAL_ONCE = """
CREATE FUNCTION curbside_seal_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.seq IS NOT NULL OR NEW.seq IS NULL
     OR (OLD.id, OLD.at, OLD.actor, OLD.action, OLD.object_type, OLD.object_id, OLD.consult_id,
         OLD.outcome, OLD.meta, OLD.row_mac)
     IS DISTINCT FROM
        (NEW.id, NEW.at, NEW.actor, NEW.action, NEW.object_type, NEW.object_id, NEW.consult_id,
         NEW.outcome, NEW.meta, NEW.row_mac)
  THEN RAISE EXCEPTION 'audit_event is append-only';
  END IF;
  RETURN NEW;
END $$
"""


def _postgres_trigger(name: str, when: str, function: str, each: str = "ROW") -> str:
    return f"CREATE TRIGGER {name} BEFORE {when} FOR EACH {each} EXECUTE FUNCTION {function}()"


_POSTGRES = {
    name: _postgres_trigger(name, *rest)
    for name, *rest in (
        ("audit_event_no_update", "UPDATE ON audit_event", "curbside_seal_once"),
        ("audit_event_no_delete", "DELETE ON audit_event", "curbside_refuse"),
        ("audit_event_no_truncate", "TRUNCATE ON audit_event", "curbside_refuse", "STATEMENT"),
        ("audit_checkpoint_no_change", "UPDATE OR DELETE ON audit_checkpoint", "curbside_refuse"),
        (
            "audit_checkpoint_no_truncate",
            "TRUNCATE ON audit_checkpoint",
            "curbside_refuse",
            "STATEMENT",
        ),
    )
}


def protect(connection: Connection) -> None:
    """Create the triggers: on PostgreSQL a row may be sealed once, nothing else may change."""
    if connection.dialect.name == "sqlite":
        statements = [*_SQLITE.values()]
    else:
        statements = [_REFUSE, _SEAL_ONCE, *_POSTGRES.values()]
    for statement in statements:
        connection.execute(text(statement))


def drop(connection: Connection) -> None:
    """Remove the triggers; what is done meanwhile is found by ``storage.verification``."""
    if connection.dialect.name == "sqlite":
        statements = [f"DROP TRIGGER {name}" for name in _SQLITE]
    else:
        statements = [
            f"DROP FUNCTION {name}() CASCADE" for name in ("curbside_refuse", "curbside_seal_once")
        ]
    for statement in statements:
        connection.execute(text(statement))


def missing_triggers(connection: Connection) -> list[str]:
    """Return the names of the triggers that are gone, disabled, or (on SQLite) not as created."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        found = {
            row.name for row in connection.execute(text(query)) if _SQLITE.get(row.name) == row.sql
        }
        return sorted(set(_SQLITE) - found)
    query = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"
    return sorted(set(_POSTGRES) - set(connection.scalars(text(query))))
