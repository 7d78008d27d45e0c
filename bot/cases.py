"""A stored consult and the dialog's consult: one into the other, and events applied to it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, cast

from bot.limits import one_more_case
from bot.turn import Ended, Gone, Turn
from dialogs.content import Scenario
from dialogs.engine import advance, begin, refused_by_red_flag
from dialogs.evaluation import evaluate, mark
from dialogs.model import Confirmed, Consult, Draft, Event, Origin, Step
from dialogs.phases import ADVISED, ENDED, Phase
from dialogs.summary import PromptView, prompts
from storage import audit, consults
from storage.audit import Event as AuditEvent
from storage.consults import AnswerChange, StoredConsult

Path = Any


def dialog_of(stored: StoredConsult) -> Consult:
    """Return the dialog's view of a stored consult; Unreadable when its draft could not be read."""
    consults.require_whole(stored)
    kept = dict(stored.draft or {})
    return Consult(
        scenario=stored.scenario_id,
        content_hash=stored.content_hash,
        phase=cast("Phase", stored.phase),
        answers=MappingProxyType(dict(stored.answers)),
        previous=MappingProxyType(dict(stored.previous)),
        cursor=stored.cursor,
        origin=cast("Origin", kept.get("origin", "path")),
        path="full" if stored.path == "full" else "quick",
        reask=tuple(kept.get("reask", ())),
        draft=_draft_of(kept.get("draft", {})),
        shown=_mapping(kept.get("shown")),
        earlier=_mapping(kept.get("earlier")),
        turn=stored.turn,
    )


def has_summary(turn: Turn, stored: StoredConsult) -> bool:
    """Say whether a case has a summary to be read: it stands, or it stood before the case ended.

    While a red flag stands there is none.
    """
    if stored.phase not in ENDED:
        return stored.phase in ADVISED
    consult = dialog_of(stored)
    scenario = turn.scenario_of(stored.content_hash)
    return consult.shown is not None and not refused_by_red_flag(consult, scenario)


def to_be_changed(turn: Turn, stored: StoredConsult) -> StoredConsult:
    """Return a case whose summary stands; raise Ended for one that has ended, Gone for any other."""
    if stored.phase in ENDED:
        raise Ended(stored)
    return to_be_read(turn, stored)


def to_be_read(turn: Turn, stored: StoredConsult) -> StoredConsult:
    """Return a case with a summary to be read, also an ended one; raise Gone for any other.

    A what-if case is never planned, nor sent on.
    """
    if stored.hypothetical_of is not None or not has_summary(turn, stored):
        raise Gone
    return stored


def _mapping(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if value is None else MappingProxyType(dict(value))


def _draft_of(kept: Mapping[str, Any]) -> Draft:
    """Return the draft as it was before it was written as JSON."""
    lists = ("marked", "entries", "reading", "corrects")
    values: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in kept.items()}
    return Draft(**values)


BLANK = asdict(Draft())


def _kept(consult: Consult) -> dict[str, Any]:
    held = {} if consult.draft == Draft() else asdict(_plain(consult.draft))
    draft = {key: value for key, value in held.items() if value != BLANK[key]}
    kept: dict[str, Any] = {
        "origin": consult.origin,
        "reask": list(consult.reask),
        "draft": draft,
        "shown": None if consult.shown is None else dict(consult.shown),
        "earlier": None if consult.earlier is None else dict(consult.earlier),
    }
    return {key: value for key, value in kept.items() if value not in (None, [], {}, "path")}


def _plain(draft: Draft) -> Draft:
    """Return the draft with ordinary dictionaries, which can be written as JSON."""
    return replace(
        draft,
        entries=tuple(dict(entry) for entry in draft.entries),
        reading=tuple(dict(entry) for entry in draft.reading),
        guess=None if draft.guess is None else dict(draft.guess),
    )


def written(stored: StoredConsult, consult: Consult) -> StoredConsult:
    """Return the stored consult as it is to be saved."""
    return replace(
        stored,
        phase=consult.phase,
        turn=consult.turn,
        answers=dict(consult.answers),
        previous=dict(consult.previous),
        draft=_kept(consult) | {k: v for k, v in (stored.draft or {}).items() if k in OF_MESSAGES},
        cursor=consult.cursor,
        path=consult.path,
    )


OF_MESSAGES = ("typed", "said", "saying")
"""What is kept of the person's messages, so that editing one corrects its answer: the question of
each, the doses that each said, and the one whose doses wait for a yes."""

MOST_TYPED = 40
"""Typed answers of a case that can still be corrected by editing the message."""


def remember_typed(stored: StoredConsult, message_id: int, question: str) -> StoredConsult:
    """Return the consult with the note that a message of the person's answered ``question``."""
    typed = {**(stored.draft or {}).get("typed", {}), str(message_id): question}
    recent = dict(list(typed.items())[-MOST_TYPED:])
    return replace(stored, draft={**(stored.draft or {}), "typed": recent})


def remember_saying(stored: StoredConsult, message_id: int) -> StoredConsult:
    """Return the consult with the note that the doses of a message wait for a yes."""
    return replace(stored, draft={**(stored.draft or {}), "saying": str(message_id)})


def remember_said(
    stored: StoredConsult, message_id: int | str, entries: Iterable[Mapping[str, Any]]
) -> StoredConsult:
    """Return the consult with the note which entries of the dose question a message said."""
    kept = stored.draft or {}
    said = {k: v for k, v in kept.get("said", {}).items() if k in kept.get("typed", {})}
    said[str(message_id)] = [dict(entry) for entry in entries]
    return replace(stored, draft={**kept, "said": said})


def said_doses(stored: StoredConsult, message_id: int) -> tuple[Mapping[str, Any], ...]:
    """Return the entries of the dose question that a message of the person's said."""
    return tuple((stored.draft or {}).get("said", {}).get(str(message_id), ()))


def _confirmed(stored: StoredConsult, before: Consult, event: Event) -> StoredConsult:
    """Return the consult with the note what a message said, once its doses are confirmed."""
    message = (stored.draft or {}).get("saying")
    if not isinstance(event, Confirmed) or not message or not before.draft.reading:
        return stored
    return remember_said(stored, message, before.draft.reading)


def typed_question(stored: StoredConsult, message_id: int) -> str | None:
    """Return the question that a message of the person's answered, or None."""
    found = (stored.draft or {}).get("typed", {}).get(str(message_id))
    return str(found) if found else None


def apply(
    turn: Turn, stored: StoredConsult, event: Event, tapped_turn: int | None = None
) -> tuple[StoredConsult, Step]:
    """Advance a stored consult by one event and save it, its history and its audit row."""
    scenario = turn.scenario_of(stored.content_hash)
    before = dialog_of(stored)
    step = advance(before, event, scenario, tapped_turn)
    if step.note:
        return stored, step
    return keep(turn, _confirmed(stored, before, event), step, scenario), step


def keep(turn: Turn, stored: StoredConsult, step: Step, scenario: Scenario) -> StoredConsult:
    """Save a step: the consult, each change of an answer, and what happened as codes."""
    waited = turn.waited_for(stored) & {change.question for change in step.changes}
    for change in step.changes:
        consults.record_change(
            turn.tx,
            stored.id,
            AnswerChange(
                question=change.question,
                old=change.old,
                new=change.new,
                via="clarifying" if change.question in waited else change.via,
                by=turn.person.id,
                at=turn.tx.now,
            ),
        )
    after = _asked_once(stored, _stamped(stored, step.consult, turn), step.consult, scenario)
    saved = consults.save(turn.tx, after, stored.revision)
    _audited(turn, stored, step, scenario)
    turn.consult_id = stored.id
    if waited:
        turn.clarified(saved, waited)
    return saved


def _asked_once(
    stored: StoredConsult, after: StoredConsult, consult: Consult, scenario: Scenario
) -> StoredConsult:
    """Return the consult with the note when each consistency prompt that holds was first asked."""
    asked = dict((stored.draft or {}).get("asked", {}))
    if consult.phase in ("reviewing", *ADVISED):
        holding = prompts(mark(consult.answers, scenario))
        asked = {prompt.id: asked.get(prompt.id, consult.turn) for prompt in holding}
    return replace(after, draft={**(after.draft or {}), "asked": asked}) if asked else after


def asked_now(stored: StoredConsult, scenario: Scenario) -> tuple[PromptView, ...]:
    """Return the consistency prompts that the last event raised; each is asked once."""
    asked = (stored.draft or {}).get("asked", {})
    holding = prompts(mark(stored.answers, scenario)) if asked else ()
    return tuple(prompt for prompt in holding if asked.get(prompt.id) == stored.turn)


def _stamped(stored: StoredConsult, consult: Consult, turn: Turn) -> StoredConsult:
    after = written(stored, consult)
    if consult.phase in ADVISED and stored.finished_at is None:
        after = replace(after, finished_at=turn.tx.now)
    ended = consult.phase in ("closed", "cancelled")
    return replace(after, closed_at=(stored.closed_at or turn.tx.now) if ended else None)


def _audited(turn: Turn, stored: StoredConsult, step: Step, scenario: Scenario) -> None:
    for change in step.changes:
        _record(turn, stored, "consult.answer", {"question": change.question, "via": change.via})
    if step.consult.phase == stored.phase:
        return
    meta: dict[str, int | str] = {"from": stored.phase, "to": step.consult.phase}
    if step.consult.phase == "advised":
        meta["step"] = evaluate(step.consult.answers, scenario).step.lower()
    if step.consult.phase == "stopped":
        meta["banners"] = ":".join(evaluate(step.consult.answers, scenario).banners).lower()
    _record(turn, stored, "consult.phase", meta)


def _record(turn: Turn, stored: StoredConsult, action: str, meta: Mapping[str, int | str]) -> None:
    audit.record(
        turn.tx,
        AuditEvent(
            actor=turn.person.id,
            action=action,
            object_type="consult",
            object_id=str(stored.id),
            consult_id=stored.id,
            meta=dict(meta),
        ),
    )


def open_case(turn: Turn) -> StoredConsult:
    """Begin a new consult, pinned to the scenario as it is today; raises TooManyCases."""
    one_more_case(turn)
    scenario = turn.scenario
    known = {"role": turn.person.role} if turn.person.role else {}
    fresh = begin(scenario, known, turn.person.path)
    consults.store_content(
        turn.tx,
        content_hash=scenario.hash,
        scenario_id=scenario.id,
        version=scenario.version,
        body=scenario.body,
    )
    stored = consults.create(
        turn.tx,
        turn.person,
        scenario_id=scenario.id,
        content_hash=scenario.hash,
        phase=fresh.phase,
        path=fresh.path,
    )
    saved = consults.save(turn.tx, written(stored, fresh), stored.revision)
    _record(turn, saved, "consult.open", {"path": fresh.path})
    turn.consult_id = saved.id
    return saved
