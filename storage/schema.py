"""The tables. Nothing outside ``storage`` sees them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.transaction import in_utc


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, stored and returned in UTC; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return in_utc(value) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Counter = BigInteger().with_variant(Integer, "sqlite")
"""A number the database gives; on SQLite it has to be INTEGER to be the row's own."""

OUTBOX_OPEN = text("state IN ('waiting', 'sending')")


def _id() -> Column[Any]:
    return Column("id", Uuid, primary_key=True)


def _at(name: str, *, required: bool = False) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=not required)


def _text(name: str, default: str | None = None, *, required: bool = True) -> Column[Any]:
    return Column(name, Text, nullable=not required, server_default=default)


def _sealed(name: str) -> Column[Any]:
    """A column of ciphertext; see ``storage.sealing``."""
    return Column(name, LargeBinary)


def _key() -> Column[Any]:
    return Column("data_key_id", Uuid, ForeignKey("data_key.id"), nullable=False)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def _number(name: str, default: int | None = None, *, required: bool = False) -> Column[Any]:
    given = str(default) if default is not None else None
    return Column(name, Integer, nullable=not required, server_default=given)


meta = Table("meta", metadata, Column("key", Text, primary_key=True), _text("value"))

data_key = Table(
    "data_key",
    metadata,
    _id(),
    _text("scope"),
    Column("wrapped", LargeBinary),
    _text("kek_id"),
    _at("created_at", required=True),
    _at("destroyed_at"),
)

person = Table(
    "person",
    metadata,
    _id(),
    Column("telegram_id", BigInteger, unique=True),
    _sealed("name"),
    _key(),
    _text("status"),
    _flag("is_admin"),
    _flag("is_author"),
    _text("role", required=False),
    _text("language", required=False),
    _text("time_zone", required=False),
    _number("quiet_from"),
    _number("quiet_to"),
    _text("path"),
    _at("scope_accepted_at"),
    _at("unreachable_at"),
    _at("created_at", required=True),
)

content_version = Table(
    "content_version",
    metadata,
    Column("hash", Text, primary_key=True),
    _text("scenario_id"),
    _text("version"),
    _text("body"),
    _at("first_seen_at", required=True),
)

consult = Table(
    "consult",
    metadata,
    _id(),
    Column("short", Text, nullable=False, unique=True),
    Column("owner_id", Uuid, ForeignKey("person.id"), nullable=False),
    _text("code"),
    _text("scenario_id"),
    _text("content_hash"),
    _text("phase"),
    _number("turn", required=True),
    _number("revision", required=True),
    Column("answers", JSON, nullable=False),
    Column("previous", JSON, nullable=False),
    _sealed("draft"),
    _text("cursor", required=False),
    _text("path"),
    Column("hypothetical_of", Uuid, ForeignKey("consult.id")),
    _number("confidence_before"),
    _number("confidence_after"),
    _key(),
    _at("opened_at", required=True),
    _at("updated_at", required=True),
    _at("finished_at"),
    _at("closed_at"),
    _at("erased_at"),
    UniqueConstraint("owner_id", "code"),
    Index(None, "owner_id", "updated_at"),
)

answer_change = Table(
    "answer_change",
    metadata,
    _id(),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    _text("question"),
    Column("old", JSON, nullable=False),
    Column("new", JSON, nullable=False),
    _text("via"),
    Column("by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("at", required=True),
    Index(None, "consult_id", "id"),
)

transcript = Table(
    "transcript",
    metadata,
    Column("number", Counter, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("consult_id", Uuid, ForeignKey("consult.id")),
    Column("chat_id", BigInteger, nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id")),
    _text("direction"),
    _text("kind"),
    Column("update_id", BigInteger, unique=True),
    Column("message_id", BigInteger),
    _sealed("content"),
    _key(),
    _text("method", required=False),
    _sealed("params"),
    Column("target_id", Uuid),
    _text("coalesce", required=False),
    Column("thread_id", BigInteger),
    _text("state"),
    _flag("screen"),
    _flag("urgent"),
    _number("attempts", 0, required=True),
    _at("next_try_at"),
    _at("lease_until"),
    _text("lease_by", required=False),
    _at("created_at", required=True),
    _at("sent_at"),
    _text("error_code", required=False),
    _text("digest", required=False),
    Index(None, "chat_id", "number"),
    Index(None, "consult_id", "number"),
    Index(
        "ix_transcript_open",
        "chat_id",
        "number",
        sqlite_where=OUTBOX_OPEN,
        postgresql_where=OUTBOX_OPEN,
    ),
)
"""Every message in and out, in the order of ``number``; outbound rows are the outbox as well."""

screen = Table(
    "screen",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("transcript_id", Uuid, nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("consult_id", Uuid),
    _text("kind"),
    _text("digest", required=False),
    _at("at", required=True),
)
"""The last message with a keyboard in each chat, once Telegram has it."""

expecting = Table(
    "expecting",
    metadata,
    Column("person_id", Uuid, ForeignKey("person.id"), primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    _text("kind"),
    Column("consult_id", Uuid, ForeignKey("consult.id")),
    Column("args", JSON, nullable=False),
    _sealed("held"),
    _key(),
    _at("at", required=True),
)
"""What the next typed words of a person are for."""

dead_letter = Table(
    "dead_letter",
    metadata,
    _id(),
    Column("update_id", BigInteger, index=True),
    _text("kind"),
    _text("keys"),
    _sealed("payload"),
    _key(),
    _text("reason"),
    _number("attempts", 0, required=True),
    _at("at", required=True),
    _at("expires_at", required=True),
    _at("replayed_at"),
)

audit_event = Table(
    "audit_event",
    metadata,
    _id(),
    Column("at", BigInteger, nullable=False),
    Column("actor", Uuid),
    _text("action"),
    _text("object_type"),
    _text("object_id"),
    Column("consult_id", Uuid),
    _text("outcome"),
    _text("meta"),
    Column("row_mac", LargeBinary, nullable=False),
    Column("seq", BigInteger, unique=True),
    Column("prev", LargeBinary),
    Column("hash", LargeBinary),
    Index(
        "ix_audit_event_unsealed",
        "at",
        sqlite_where=text("seq IS NULL"),
        postgresql_where=text("seq IS NULL"),
    ),
)
"""What happened: ids and codes only. ``at`` is microseconds since 1970-01-01 UTC."""

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
"""One row: the newest sealed event, so that a cut tail shows without an anchor."""

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# --- after the summary: dispositions, plans, reviews -------------------------------------------

disposition = Table(
    "disposition",
    metadata,
    Column("consult_id", Uuid, ForeignKey("consult.id"), primary_key=True),
    Column("consideration", Text, primary_key=True),
    _text("value"),
    _at("at", required=True),
)

plan = Table(
    "plan",
    metadata,
    _id(),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    _number("revision", required=True),
    _text("step"),
    _text("decided"),
    _number("alternative"),
    _text("agreed"),
    Column("safeguards", JSON, nullable=False),
    _text("stop"),
    Column("days", JSON, nullable=False),
    _at("start_at", required=True),
    _sealed("reason"),
    _key(),
    Column("by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("at", required=True),
    UniqueConstraint("consult_id", "revision"),
)
"""What was decided and agreed; a change is a new revision."""

review = Table(
    "review",
    metadata,
    _id(),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    _number("plan_revision"),
    _text("kind"),
    _number("day"),
    _at("due_at", required=True),
    _at("send_at", required=True),
    _text("state"),
    _at("sent_at"),
    _at("answered_at"),
    _text("outcome", required=False),
    _sealed("reason"),
    Column("data_key_id", Uuid),
    _at("told_at"),
    Index(None, "state", "send_at"),
    Index(None, "consult_id", "due_at"),
)
"""A moment at which the person is asked: a review of the plan, or the step's own deadline.

``data_key_id`` is the consult's own, once there is a reason; ``told_at`` is when somebody else was
told that the person can no longer be asked.
"""

closeout = Table(
    "closeout",
    metadata,
    Column("consult_id", Uuid, ForeignKey("consult.id"), primary_key=True),
    _text("changed", required=False),
    _text("worth", required=False),
    _at("at", required=True),
)
"""What the asker said at the end: did it change what they did, was it worth the time."""

handover = Table(
    "handover",
    metadata,
    _id(),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("from_id", Uuid, ForeignKey("person.id"), nullable=False),
    Column("to_id", Uuid, ForeignKey("person.id"), nullable=False),
    _text("state"),
    _at("at", required=True),
    _at("expires_at", required=True),
    _at("answered_at"),
    Index(None, "consult_id"),
    Index(None, "to_id"),
)
"""A case that its owner offers to somebody else, and what became of it."""

# --- the pages: sign-in, sessions, the admin console ---------------------------------------------

sign_in = Table(
    "sign_in",
    metadata,
    _id(),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    _text("purpose"),
    _text("target"),
    Column("session_id", Uuid),
    Column("nonce_hash", LargeBinary),
    _number("number"),
    _at("created_at", required=True),
    _at("expires_at", required=True),
    _at("bound_at"),
    _at("confirmed_at"),
    _at("refused_at"),
    _at("used_at"),
    Index(None, "expires_at"),
)
"""A link that was sent, bound to one browser on its first use; only digests of what opens it."""

web_session = Table(
    "web_session",
    metadata,
    _id(),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    _at("created_at", required=True),
    _at("seen_at", required=True),
    _at("ends_at", required=True),
    _at("revoked_at"),
    _at("stepped_up_at"),
    Index(None, "person_id", "ends_at"),
)

break_glass = Table(
    "break_glass",
    metadata,
    _id(),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    _text("reason_code"),
    _sealed("reason"),
    _key(),
    _at("at", required=True),
    _at("until", required=True),
    Index(None, "consult_id", "until"),
)
"""An admin may read the text of one case until then; the asker was told."""

log_review = Table(
    "log_review",
    metadata,
    _id(),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    Column("through_seq", BigInteger, nullable=False),
    _at("at", required=True),
    Index(None, "through_seq"),
)
"""The log was looked through up to this event."""

statistic = Table(
    "statistic",
    metadata,
    Column("team", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    _number("count", required=True),
)
"""How many consults opened on a day have a property; ``team`` is empty for all of them together.

``day`` counts days since 1970-01-01 UTC.
"""

consult_tally = Table(
    "consult_tally",
    metadata,
    Column("consult_id", Uuid, ForeignKey("consult.id"), primary_key=True),
    _number("day", required=True),
    Column("keys", JSON, nullable=False),
    Column("teams", JSON, nullable=False),
    _at("again_at"),
    Index(None, "again_at"),
)
"""What each consult counts for in ``statistic``; ``again_at`` is when time alone may change that."""

# --- teams, what is shared with whom, the cards of it in groups -----------------------------------

team = Table(
    "team",
    metadata,
    _id(),
    Column("short", Text, nullable=False, unique=True),
    _sealed("name"),
    _key(),
    Column("created_by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("created_at", required=True),
    _at("ended_at"),
)
"""A team's name is sealed under the team's own key, which ends with the team."""

team_member = Table(
    "team_member",
    metadata,
    Column("team_id", Uuid, ForeignKey("team.id"), primary_key=True),
    Column("person_id", Uuid, ForeignKey("person.id"), primary_key=True),
    _text("role"),
    _at("joined_at", required=True),
    _at("left_at"),
    Index(None, "person_id"),
)

team_invite = Table(
    "team_invite",
    metadata,
    _id(),
    Column("team_id", Uuid, ForeignKey("team.id"), nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    _text("code_hash"),
    _text("role"),
    Column("by", Uuid, ForeignKey("person.id"), nullable=False),
    _number("uses", 0, required=True),
    _number("most_uses", required=True),
    _at("created_at", required=True),
    _at("expires_at", required=True),
    _at("revoked_at"),
    UniqueConstraint("code_hash"),
    Index(None, "team_id"),
)
"""A link and a typed code into a team; only digests of both."""

BOUND = text("bound_at IS NOT NULL AND ended_at IS NULL")
team_group = Table(
    "team_group",
    metadata,
    _id(),
    Column("team_id", Uuid, ForeignKey("team.id"), nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    _sealed("title"),
    _key(),
    _flag("is_forum"),
    _flag("topics"),
    Column("asked_by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("asked_at", required=True),
    _at("bound_at"),
    _at("ended_at"),
    _text("ended", required=False),
    Index(None, "team_id"),
    Index(
        "ix_team_group_chat_id_bound",
        "chat_id",
        unique=True,
        sqlite_where=BOUND,
        postgresql_where=BOUND,
    ),
)
"""A Telegram group in which a team's cards are posted, once a lead has said so in private."""

publication = Table(
    "publication",
    metadata,
    Column("consult_id", Uuid, ForeignKey("consult.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _number("revision", required=True),
    _text("content_hash"),
    Column("answers", JSON, nullable=False),
    Column("by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("at", required=True),
)
"""What others may see of a case: its answers as the asker previewed and checked them."""

share = Table(
    "share",
    metadata,
    _id(),
    Column("short", Text, nullable=False, unique=True),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    _text("kind"),
    Column("team_id", Uuid, ForeignKey("team.id")),
    Column("token_hash", LargeBinary, unique=True),
    _number("publication", required=True),
    _number("most_views"),
    Column("by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("at", required=True),
    _at("expires_at", required=True),
    _at("revoked_at"),
    Index(None, "consult_id"),
    Index(None, "team_id"),
)
"""To whom a case is open: a team, whoever has a link, or whoever reads a card in a chosen chat."""

share_view = Table(
    "share_view",
    metadata,
    _id(),
    Column("share_id", Uuid, ForeignKey("share.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id")),
    _text("via"),
    _number("times", required=True),
    _at("first_at", required=True),
    _at("last_at", required=True),
    UniqueConstraint("share_id", "person_id"),
    Index(None, "person_id"),
)

card = Table(
    "card",
    metadata,
    _id(),
    Column("share_id", Uuid, ForeignKey("share.id"), nullable=False),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("chat_id", BigInteger),
    Column("transcript_id", Uuid),
    Column("topic_id", Uuid),
    _text("inline_id", required=False),
    _at("posted_at", required=True),
    _at("withdrawn_at"),
    Index(None, "share_id"),
    Index(None, "consult_id"),
    Index(None, "chat_id"),
)
"""The message about a case in a group, or in a chat somebody chose (``inline_id``).

``transcript_id`` and ``topic_id`` name the calls that posted it and opened its topic.
"""

# --- what people think: rounds of opinions, questions to the asker, the discussion ---------------

RUNNING = text("closed_at IS NULL")
opinion_round = Table(
    "opinion_round",
    metadata,
    _id(),
    Column("short", Text, nullable=False, unique=True),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("opened_by", Uuid, ForeignKey("person.id"), nullable=False),
    _at("opened_at", required=True),
    _at("ends_at", required=True),
    _at("closed_at"),
    _text("closed", required=False),
    Index(None, "consult_id"),
    Index(
        "ix_opinion_round_running",
        "consult_id",
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    ),
)
"""Those a case is open to are asked what they think; until it is closed, none sees the others'."""

opinion = Table(
    "opinion",
    metadata,
    _id(),
    Column("round_id", Uuid, ForeignKey("opinion_round.id"), nullable=False),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    _number("revision", required=True),
    _number("publication", required=True),
    _flag("saw_others"),
    _sealed("choices"),
    _sealed("reason"),
    _key(),
    _at("at", required=True),
    UniqueConstraint("round_id", "person_id", "revision"),
    Index(None, "consult_id"),
    Index(None, "person_id"),
)
"""What somebody thinks; a change is a new revision. ``choices`` is empty once they were forgotten."""

opinion_draft = Table(
    "opinion_draft",
    metadata,
    _id(),
    Column("round_id", Uuid, ForeignKey("opinion_round.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    _sealed("choices"),
    _sealed("reason"),
    _key(),
    _at("at", required=True),
    UniqueConstraint("round_id", "person_id"),
    Index(None, "consult_id"),
)
"""What somebody has tapped so far and not given."""

PENDING = text("settled_at IS NULL")
clarification = Table(
    "clarification",
    metadata,
    _id(),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    _text("question"),
    Column("asked_by", Uuid, ForeignKey("person.id"), nullable=False),
    _text("role"),
    _at("asked_at", required=True),
    _at("settled_at"),
    _text("settled", required=False),
    Index(
        "ix_clarification_pending",
        "consult_id",
        "question",
        unique=True,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    ),
    Index(None, "consult_id"),
)
"""One of the scenario's own questions, put to the asker by somebody who reads the case."""

comment = Table(
    "comment",
    metadata,
    _id(),
    Column("short", Text, nullable=False, unique=True),
    Column("consult_id", Uuid, ForeignKey("consult.id"), nullable=False),
    Column("person_id", Uuid, ForeignKey("person.id"), nullable=False),
    _text("role"),
    _text("via"),
    Column("chat_id", BigInteger),
    Column("message_id", BigInteger),
    _sealed("content"),
    _key(),
    _at("at", required=True),
    _at("edited_at"),
    _at("removed_at"),
    Column("removed_by", Uuid, ForeignKey("person.id")),
    _text("removed", required=False),
    Index(None, "consult_id", "id"),
    Index(None, "person_id"),
    Index(None, "chat_id", "message_id"),
)
"""What somebody who reads the case said; a removed one stays, without its words and with the reason."""

library_case = Table(
    "library_case",
    metadata,
    Column("consult_id", Uuid, ForeignKey("consult.id"), primary_key=True),
    Column("team_id", Uuid, ForeignKey("team.id"), primary_key=True),
    _at("at", required=True),
    Index(None, "team_id"),
)
"""A shared case whose asker lets the team find it by its coded answers."""

SEALED = text("seq IS NOT NULL")
for _led in (audit_event.c.at, audit_event.c.action, audit_event.c.actor, audit_event.c.consult_id):
    Index(f"ix_audit_event_{_led.name}_seq", _led, audit_event.c.seq, postgresql_where=SEALED)
NOT_OK = text("outcome <> 'ok'")
Index(
    "ix_audit_event_not_ok",
    audit_event.c.outcome,
    audit_event.c.seq,
    sqlite_where=NOT_OK,
    postgresql_where=text("outcome <> 'ok' AND seq IS NOT NULL"),
)
Index("ix_consult_phase_id", consult.c.phase, consult.c.id)
GIVEN_UP = text("state = 'dead'")
Index(
    "ix_transcript_given_up",
    transcript.c.created_at,
    transcript.c.error_code,
    sqlite_where=GIVEN_UP,
    postgresql_where=GIVEN_UP,
)
