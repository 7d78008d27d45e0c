"""Who may do what: one question, asked by every handler and every route."""

from collections.abc import Callable, Mapping

from storage import audit
from storage.consults import StoredConsult
from storage.people import Person
from storage.transaction import Tx

Action = str
"""One of `RULES`."""


class Denied(Exception):
    """The person may not do this; ``event`` is to be put on record in a transaction of its own."""

    def __init__(self, event: audit.Event) -> None:
        super().__init__(f"denied: {event.action} on {event.object_type} {event.object_id}")
        self.event = event


Rule = Callable[[Tx, Person, StoredConsult | None], bool]


def _own(tx: Tx, person: Person, stored: StoredConsult | None) -> bool:
    return stored is not None and stored.owner_id == person.id


def _admin(tx: Tx, person: Person, stored: StoredConsult | None) -> bool:
    return person.is_admin


RULES: Mapping[Action, Rule] = {
    "consult.read": _own,
    "consult.answer": _own,
    "consult.share": _own,
    "consult.erase": _own,
    "consult.hand_over": _own,
    "console.open": _admin,
    "person.approve": _admin,
}
"""What is not listed is denied. Everything needs an approved person as well."""


def allowed(tx: Tx, person: Person, action: Action, stored: StoredConsult | None = None) -> bool:
    """Say whether ``person`` may do ``action`` with ``stored``."""
    rule = RULES.get(action)
    return rule is not None and person.status == "approved" and rule(tx, person, stored)


def authorize(tx: Tx, person: Person, action: Action, stored: StoredConsult | None = None) -> None:
    """Return if the person may, else raise Denied, whose event the caller records."""
    if allowed(tx, person, action, stored):
        return
    raise Denied(
        audit.Event(
            actor=person.id,
            action=action,
            object_type="consult" if stored else "",
            object_id=stored.id if stored else "",
            consult_id=stored.id if stored else None,
            outcome="denied",
        )
    )
