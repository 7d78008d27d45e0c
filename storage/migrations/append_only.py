"""The triggers that keep the log append-only, whoever asks."""

from sqlalchemy import Connection

_SQLITE = [
    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for table in ("audit_event", "audit_checkpoint")
    for verb in ("UPDATE", "DELETE")
]

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


_POSTGRES = [
    _REFUSE,
    _SEAL_ONCE,
    _postgres_trigger(
        "audit_event_no_update", "UPDATE ON audit_event", "curbside_seal_once"
    ),
    _postgres_trigger(
        "audit_event_no_delete", "DELETE ON audit_event", "curbside_refuse"
    ),
    _postgres_trigger(
        "audit_event_no_truncate", "TRUNCATE ON audit_event", "curbside_refuse", "STATEMENT"
    ),
    _postgres_trigger(
        "audit_checkpoint_no_change", "UPDATE OR DELETE ON audit_checkpoint", "curbside_refuse"
    ),
    _postgres_trigger(
        "audit_checkpoint_no_truncate",
        "TRUNCATE ON audit_checkpoint",
        "curbside_refuse",
        "STATEMENT",
    ),
]


def protect(connection: Connection) -> None:
    """Create the triggers: on PostgreSQL a row may be sealed once, nothing else may change."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        connection.exec_driver_sql(statement.replace("%", "%%") if "%" in statement else statement)
