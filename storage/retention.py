"""What is kept how long, given out, and destroyed."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from storage import audit, consults, expecting, people, plans, transcript
from storage.people import Person
from storage.schema import consult, person
from storage.schema import transcript as messages
from storage.sealing import destroy
from storage.transaction import Tx

MOST_CASES = 100_000


def my_data(tx: Tx, who: Person) -> dict[str, Any]:
    """Return everything that is stored about a person, ready to be written as JSON."""
    found = consults.list_for(tx, who, page=0, size=MOST_CASES)
    audit.record(
        tx,
        audit.Event(actor=who.id, action="person.export", object_type="person", object_id=who.id),
    )
    return {
        "person": {**_plain(asdict(who)), "name": people.name_of(tx, who)},
        "cases": [_case(tx, stored) for stored in found],
        "log": [_plain(asdict(entry)) for entry in audit.entries(tx, actor=who.id, limit=10_000)],
    }


def _case(tx: Tx, stored: consults.StoredConsult) -> Mapping[str, Any]:
    plan_rows = [_plain(asdict(plan)) for plan in plans.plans_of(tx, stored)]
    return {
        **_plain(asdict(stored)),
        "history": [_plain(asdict(change)) for change in consults.history(tx, stored.id)],
        "dispositions": dict(plans.dispositions(tx, stored.id)),
        "plans": plan_rows,
        "reviews": [_plain(asdict(review)) for review in plans.reviews_of(tx, stored.id)],
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that JSON can hold; keys of ciphertexts are left out."""
    kept = (dict, list, tuple, str, int, float, bool, type(None))
    return {
        name: value if isinstance(value, kept) else str(value)
        for name, value in values.items()
        if name != "data_key_id"
    }


def forget(tx: Tx, who: Person, *, by: Person) -> int:
    """Erase a person and all their cases, and return how many cases that were."""
    found = consults.list_for(tx, who, page=0, size=MOST_CASES)
    for stored in found:
        plans.drop_waiting(tx, stored.id)
        consults.erase(tx, stored, by=by.id)
    expecting.forget(tx, who.id)
    if who.telegram_id is not None:
        _blank_messages(tx, who)
        transcript.clear_screen(tx, who.telegram_id)
    destroy(tx, who.data_key_id)
    tx.connection.execute(
        update(person)
        .where(person.c.id == who.id)
        .values(
            telegram_id=None,
            name=None,
            status="deleted",
            is_admin=False,
            role=None,
            language=None,
            time_zone=None,
            scope_accepted_at=None,
        )
    )
    audit.record(
        tx,
        audit.Event(
            actor=by.id,
            action="person.erase",
            object_type="person",
            object_id=who.id,
            meta={"cases": len(found)},
        ),
    )
    return len(found)


def _blank_messages(tx: Tx, who: Person) -> None:
    """Empty the person's messages; only what is still to be sent to them stays until it is."""
    tx.connection.execute(
        update(messages)
        .where(messages.c.person_id == who.id, messages.c.state.not_in(("waiting", "sending")))
        .values(content=None, params=None, message_id=None)
    )


def purge(tx: Tx, *, days: int) -> int:
    """Destroy the text of cases that were last touched more than ``days`` ago; return how many."""
    ids = tx.connection.scalars(
        select(consult.c.id).where(
            consult.c.erased_at.is_(None), consult.c.updated_at < tx.now - timedelta(days=days)
        )
    ).all()
    for identity in ids:
        stored = consults.load(tx, identity)
        plans.drop_waiting(tx, identity)
        consults.erase(tx, stored, by=None)
    expecting.forget_old(tx)
    transcript.forget_letters(tx)
    return len(ids)
