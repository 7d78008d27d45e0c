"""Who may do what: one table, asked by every handler and route."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from storage import audit, handovers, rounds, shares, teams
from storage.consults import StoredConsult
from storage.database import Database
from storage.discussion import Comment
from storage.handovers import Handover
from storage.people import Person
from storage.teams import Team
from storage.transaction import T, Tx, Unit


class Action(StrEnum):
    """Everything that needs leave. The name says the object: consult, shared case, team, self, ..."""

    CONSULT_CREATE = "consult.create"
    CONSULT_READ = "consult.read"
    CONSULT_ANSWER = "consult.answer"
    CONSULT_EXPORT = "consult.export"
    CONSULT_ERASE = "consult.erase"
    CONSULT_SHARE = "consult.share"
    CONSULT_HAND_OVER = "consult.hand_over"
    CONSULT_TAKE_OVER = "consult.take_over"
    HANDOVER_ANSWER = "handover.answer"
    SHARED_READ = "shared.read"
    SHARED_RESPOND = "shared.respond"
    COMMENT_REMOVE = "comment.remove"
    OUTCOME_READ = "outcome.read"
    TEAM_CREATE = "team.create"
    TEAM_READ = "team.read"
    TEAM_RUN = "team.run"
    SELF_READ = "self.read"
    SELF_CHANGE = "self.change"
    SELF_EXPORT = "self.export"
    SELF_FORGET = "self.forget"
    PEOPLE_LIST = "people.list"
    PERSON_DECIDE = "person.decide"
    CONTENT_EDIT = "content.edit"
    AUDIT_READ = "audit.read"
    DEAD_LETTER_READ = "dead_letter.read"
    DEAD_LETTER_REPLAY = "dead_letter.replay"
    SYSTEM_CONFIGURE = "system.configure"
    SYSTEM_READ = "system.read"


class Denied(Exception):
    """The actor may not do this. Carries the audit event, as the unit that raised is undone."""

    def __init__(self, event: audit.Event) -> None:
        super().__init__(f"denied: {event.action} on {event.object_type} {event.object_id}")
        self.event = event


Rule: TypeAlias = Callable[[Tx, Person, Any], bool]


def anyone(tx: Tx, actor: Person, about: Any) -> bool:
    """Approved people."""
    return True


def owner(tx: Tx, actor: Person, about: Any) -> bool:
    """The person who opened this consult, while it is not erased."""
    return (
        isinstance(about, StoredConsult) and about.owner_id == actor.id and about.erased_at is None
    )


def reader(tx: Tx, actor: Person, about: Any) -> bool:
    """Whoever a consult is open to now: its asker, members of its teams, who followed its link."""
    return isinstance(about, StoredConsult) and shares.may_read(tx, actor, about)


def opinion_giver(tx: Tx, actor: Person, about: Any) -> bool:
    """Readers of a consult, and who said what they think of it before its time was up."""
    if reader(tx, actor, about):
        return True
    if not isinstance(about, StoredConsult) or about.erased_at is not None:
        return False
    givers = rounds.opinion_givers(tx, about.id, expired=True)
    return actor.id in {each.person_id for each in givers}


def responder(tx: Tx, actor: Person, about: Any) -> bool:
    """Readers of somebody else's consult who may say what they think of it."""
    return isinstance(about, StoredConsult) and shares.may_respond(tx, actor, about)


def moderator(tx: Tx, actor: Person, about: Any) -> bool:
    """Who said it, a lead of a team that the case is open to, and admins."""
    if not isinstance(about, Comment):
        return False
    if actor.is_admin or about.person_id == actor.id:
        return True
    open_to = [each.team_id for each in shares.active(tx, about.consult_id) if each.team_id]
    return any(teams.role_of(tx, team_id, actor.id) == "lead" for team_id in open_to)


def member(tx: Tx, actor: Person, about: Any) -> bool:
    return isinstance(about, Team) and teams.role_of(tx, about.id, actor.id) is not None


def lead(tx: Tx, actor: Person, about: Any) -> bool:
    return isinstance(about, Team) and teams.role_of(tx, about.id, actor.id) == "lead"


def oneself(tx: Tx, actor: Person, about: Any) -> bool:
    return isinstance(about, Person) and about.id == actor.id


def stand_in(tx: Tx, actor: Person, about: Any) -> bool:
    """Who leads a team that a consult is shared with, once its owner cannot be asked any more."""
    return isinstance(about, StoredConsult) and handovers.may_take_over(tx, actor, about)


def offered(tx: Tx, actor: Person, about: Any) -> bool:
    """Whom a consult was offered to."""
    return isinstance(about, Handover) and about.to_id == actor.id


def admin(tx: Tx, actor: Person, about: Any) -> bool:
    return actor.is_admin


def author(tx: Tx, actor: Person, about: Any) -> bool:
    return actor.is_author


POLICY: Mapping[str, Rule] = {
    Action.CONSULT_CREATE: anyone,
    Action.CONSULT_READ: owner,
    Action.CONSULT_ANSWER: owner,
    Action.CONSULT_EXPORT: owner,
    Action.CONSULT_ERASE: owner,
    Action.CONSULT_SHARE: owner,
    Action.CONSULT_HAND_OVER: owner,
    Action.CONSULT_TAKE_OVER: stand_in,
    Action.HANDOVER_ANSWER: offered,
    Action.SHARED_READ: reader,
    Action.SHARED_RESPOND: responder,
    Action.COMMENT_REMOVE: moderator,
    Action.OUTCOME_READ: opinion_giver,
    Action.TEAM_CREATE: anyone,
    Action.TEAM_READ: member,
    Action.TEAM_RUN: lead,
    Action.SELF_READ: oneself,
    Action.SELF_CHANGE: oneself,
    Action.SELF_EXPORT: oneself,
    Action.SELF_FORGET: oneself,
    Action.PEOPLE_LIST: admin,
    Action.PERSON_DECIDE: admin,
    Action.CONTENT_EDIT: author,
    Action.AUDIT_READ: admin,
    Action.DEAD_LETTER_READ: admin,
    Action.DEAD_LETTER_REPLAY: admin,
    Action.SYSTEM_CONFIGURE: admin,
    Action.SYSTEM_READ: admin,
}
"""The rule for each action. What is not in the table is denied."""

ALWAYS_ONES_OWN = frozenset({Action.SELF_READ, Action.SELF_EXPORT, Action.SELF_FORGET})
"""Open to people who are not approved, or are suspended: their data stay theirs."""


def allowed(tx: Tx, actor: Person, action: str, about: Any = None) -> bool:
    """Tell whether ``actor`` may do ``action`` to ``about``, without leaving a trace."""
    rule = POLICY.get(action)
    standing = actor.status == "approved" or (
        action in ALWAYS_ONES_OWN and actor.status != "deleted"
    )
    return rule is not None and standing and rule(tx, actor, about)


def authorize(tx: Tx, actor: Person, action: str, about: Any = None) -> None:
    """Raise Denied unless ``actor`` may do ``action`` to ``about``."""
    if not allowed(tx, actor, action, about):
        raise Denied(_denial(actor, action, about))


async def write_audited(database: Database, unit: Unit[T], *, chat: int | None = None) -> T:
    """Return what ``database.write`` does; a denial is put on record in a unit of its own."""
    try:
        return await database.write(unit, chat=chat)
    except Denied as denied:
        await record_denial(database, denied)
        raise


async def read_audited(database: Database, unit: Unit[T]) -> T:
    """Return what ``database.read`` does; a denial is put on record."""
    try:
        return await database.read(unit)
    except Denied as denied:
        await record_denial(database, denied)
        raise


async def record_denial(database: Database, denied: Denied) -> None:
    """Put a denial on record: the unit that was denied left nothing behind."""
    await database.write(lambda tx: audit.record(tx, denied.event))


@dataclass(frozen=True, slots=True)
class _Named:
    kind: str
    id: UUID | str
    consult_id: UUID | None = None


def _denial(actor: Person, action: str, about: Any) -> audit.Event:
    named = _named(about)
    return audit.Event(
        actor=actor.id,
        action=str(action),
        object_type=named.kind,
        object_id=named.id,
        consult_id=named.consult_id,
        outcome="denied",
    )


def _named(about: Any) -> _Named:
    """Return kind and id of any object that has an ``id``; a consult's parts name their consult."""
    if isinstance(about, StoredConsult):
        return _Named("consult", about.id, about.id)
    kind = "" if about is None else type(about).__name__.lower()
    identity = getattr(about, "id", "")
    consult_id = getattr(about, "consult_id", None)
    return _Named(kind, identity if isinstance(identity, UUID) else "", consult_id)
