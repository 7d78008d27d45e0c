"""The index of the log's words: which events hold a code, newest first, without reading the table.

Words are the parts of codes (``consult.answer`` has two). Beside them stand ``x`` and the whole
action, ``o`` and the outcome, ``a`` and the actor, ``c`` and the consult, so that a search for a
word and a filter is one intersection in the index.
"""

from sqlalchemy import Connection

_SQLITE = [
    (
        "CREATE VIRTUAL TABLE audit_word USING fts5"
        " (words, content='', detail=none, columnsize=0, tokenize='unicode61')"
    ),
]
"""Filled by ``storage.audit.index_words``: with trusted_schema off a trigger may not write to it."""

_SQLITE_DONE = [
    "INSERT INTO meta (key, value) SELECT 'log_words', coalesce(max(seq), 0) FROM audit_event",
]
"""Up to here events were indexed when they were written; from here on, many at a time."""

_POSTGRES = [
    """
    CREATE FUNCTION curbside_words
      (action text, object_type text, outcome text, meta text, actor uuid, consult_id uuid)
    RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
      SELECT regexp_split_to_array(action || ' ' || object_type || ' ' || outcome || ' ' || meta
        || ' x' || translate(action, '.:-_', '') || ' o' || translate(outcome, '.:-_', '')
        || coalesce(' a' || replace(actor::text, '-', ''), '')
        || coalesce(' c' || replace(consult_id::text, '-', ''), ''), '[^a-z0-9]+')
    $$
    """,
    (
        "CREATE INDEX ix_audit_event_words ON audit_event USING gin"
        " (curbside_words(action, object_type, outcome, meta, actor, consult_id))"
        " WITH (gin_pending_list_limit = 256)"
    ),
]
"""The cost keeps the planner from calling the function on every row where the index would do."""


_POSTGRES_SEALED = [
    "DROP INDEX ix_audit_event_words",
    f"{_POSTGRES[1]} WHERE seq IS NOT NULL",
]
"""An event is chained a moment after it was written, which writes it anew: once is enough."""


def index_words(connection: Connection) -> None:
    """Create the index."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES:
        connection.exec_driver_sql(statement)


def index_words_later(connection: Connection) -> None:
    """Take the index out of the transaction of each event: it is filled a moment later."""
    for statement in _SQLITE_DONE if connection.dialect.name == "sqlite" else _POSTGRES_SEALED:
        connection.exec_driver_sql(statement)
