"""One update in, one transaction, one answer: the straight line that every update takes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Any, TypeAlias
from uuid import UUID

from bot import (
    clarify,
    colleague,
    dialog,
    excerpts,
    groups,
    held,
    inline,
    limits,
    links,
    meaning,
    narrative,
    opinions,
    persons,
    plans,
    present,
    record,
    routes,
    share,
    talk,
    teams,
    typed_answers,
)
from bot.callbacks import parse
from bot.language import offered, translator
from bot.outbox import Outbox
from bot.screen import Row, esc, paragraphs
from bot.settings import Settings
from bot.translate import (
    Chat,
    ChosenInline,
    Command,
    GroupMigration,
    Ignored,
    Incoming,
    InlineQuery,
    Media,
    Membership,
    StartLink,
    Tap,
    Text,
    Undecodable,
    translate,
)
from bot.turn import Ended, Gone, Turn
from dialogs.content import Scenario
from dialogs.identifiers import Finding, find_identifiers
from dialogs.translations import in_language
from storage import audit, consults, expecting, people, rounds, transcript, unreadable
from storage import limits as limiting
from storage import record as records
from storage.access import Denied
from storage.consults import StoredConsult
from storage.database import Database
from storage.errors import AlreadySeen, Identifying, KeyTrouble, Unreadable
from storage.people import Person
from storage.transaction import Tx

LATE_SECONDS = 1.0
INLINE_GUARD = 500
"""Characters up to which the guard runs in the loop; longer texts are looked at in a thread."""


Personal: TypeAlias = (
    Text | Command | StartLink | Tap | Media | Membership | InlineQuery | ChosenInline
)
"""What a person did; everything that is answered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left to do once the transaction is durable."""

    toast: str = ""
    alert: bool = False
    deliver: tuple[int, ...] = ()
    erased: bool = False
    """Something was destroyed, and is to be gone from the database's log as well."""
    inline: Mapping[str, Any] | None = None
    """What answers an inline query."""
    first: transcript.Waiting | None = None
    """What is to be sent first, taken by us in the same transaction: it leaves without another."""


@dataclass(frozen=True, slots=True)
class Means:
    """What answers are made with, besides the transaction."""

    settings: Settings
    scenario_of: Callable[[Tx, str | None], Scenario]
    username: str = ""
    hold: Callable[[Tx, transcript.Outgoing], transcript.Waiting] | None = None
    """Takes what is written for the chat, where it can be sent at once."""


class Handler:
    """Answers updates. Between two of them it holds nothing but how fast each person is."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        settings: Settings,
        scenario_of: Callable[[Tx, str | None], Scenario],
        *,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self.username = ""
        """Our own, without the @: commands for other bots are left to them."""
        self._database = database
        self._outbox = outbox
        self._settings = settings
        self._scenario_of = scenario_of
        self._tempo = limits.Tempo(settings.burst, seconds)

    async def __call__(self, raw: dict[str, Any]) -> None:
        """Answer one raw update; raises what storage raises, and then nothing was done."""
        incoming = translate(raw, self.username)
        if isinstance(incoming, Ignored | Undecodable):
            return
        if groups.is_talk(incoming) and not await self._database.read(
            partial(groups.answers_card, incoming)
        ):
            return
        if isinstance(incoming, GroupMigration):
            await self._database.write(partial(groups.moved, incoming))
            return
        if isinstance(incoming, limits.Asking) and not self._tempo.takes(incoming):
            await self._hold_back(incoming)
            return
        findings = await look(words_of(incoming))
        query = incoming.query_id if isinstance(incoming, Tap) else None
        late = asyncio.create_task(self._answer_late(query)) if query else None
        try:
            outcome = await self._respond(incoming, findings)
        finally:
            answered = late is not None and late.done()
            if late is not None:
                late.cancel()
        await self._tell(chat_id(incoming), outcome, None if answered else query)

    async def _tell(self, chat: int, outcome: Outcome, query: str | None) -> None:
        """Do what is left once the transaction is durable; ``query`` is the tap that still spins."""
        if outcome.first is not None:
            self._outbox.soon(outcome.first.chat_id, outcome.first)
        for each in outcome.deliver:
            self._outbox.soon(each)
        if query is not None:
            await self._outbox.answer_after(chat, query, outcome.toast, alert=outcome.alert)
        if outcome.inline is not None:
            await self._outbox.answer_inline(outcome.inline)
        if outcome.erased:
            await self._database.truncate_log()

    async def _hold_back(self, incoming: limits.Asking) -> None:
        """Answer what is too fast, and do nothing else: a tap each time, a message once a minute."""
        chat, words = chat_id(incoming), ""
        if self._tempo.tells(incoming):
            words = await self._database.write(partial(limits.hold_back, incoming), chat=chat)
        elif isinstance(incoming, Tap | InlineQuery):
            words = await self._database.read(partial(limits.too_fast, incoming))
        match incoming:
            case Tap(query_id=query):
                await self._outbox.answer(query, words)
            case InlineQuery():
                held = limits.nothing_found(incoming, words, inline.SHARE)
                await self._outbox.answer_inline(held)
            case _:
                self._outbox.soon(chat)

    async def _answer_late(self, query: str) -> None:
        """Answer a tap without words when deciding takes longer than a second: nothing spins."""
        await asyncio.sleep(LATE_SECONDS)
        await self._outbox.answer(query)

    async def _respond(self, incoming: Personal, findings: tuple[Finding, ...]) -> Outcome:
        free = self._outbox.is_free(chat_id(incoming))
        hold = self._outbox.hold if free else None
        means = Means(self._settings, self._scenario_of, self.username, hold)
        unit = partial(respond, incoming, findings, means)
        try:
            return await self._written(incoming, unit, free=free)
        except AlreadySeen:
            await self._outbox.resume(chat_id(incoming))
            return Outcome()
        except Denied as denied:
            return await self._written(incoming, partial(refuse, incoming, denied))
        except Identifying as found:
            return await self._written(incoming, partial(not_kept, incoming, found.kinds))
        except (KeyTrouble, Unreadable) as error:
            return await self._written(incoming, partial(not_readable, incoming, error))

    async def _written(
        self, incoming: Personal, unit: Callable[[Tx], Outcome], *, free: bool = False
    ) -> Outcome:
        """Return the outcome of a unit, and take what is to be sent first in its transaction."""
        chat = chat_id(incoming)

        def both(tx: Tx) -> Outcome:
            outcome = unit(tx)
            if not free or outcome.first is not None or chat not in outcome.deliver:
                return outcome
            return replace(outcome, first=self._outbox.take(tx, chat))

        return await self._database.write(both, chat=chat)


async def look(words: str) -> tuple[Finding, ...]:
    """Return the identifiers in ``words``, before anything is written."""
    if not words:
        return ()
    if len(words) <= INLINE_GUARD:
        return find_identifiers(words)
    return await asyncio.to_thread(find_identifiers, words)


def words_of(incoming: Incoming) -> str:
    """Return the free text of an update: typed words, a command's words, or a caption."""
    match incoming:
        case Text(text=text):
            return text
        case Command(args=args):
            return args
        case Media(words=words):
            return words
        case _:
            return ""


# --- the transaction --------------------------------------------------------------------------


def respond(incoming: Personal, findings: tuple[Finding, ...], means: Means, tx: Tx) -> Outcome:
    """Answer one update: read, decide, save and say what to send, all in ``tx``."""
    person = _person(tx, incoming, means.settings)
    language = person.language or offered(incoming.person.language)
    turn = Turn(
        tx=tx,
        person=person,
        incoming=incoming,
        chat=chat_of(incoming),
        t=translator(language),
        settings=means.settings,
        scenario_of=lambda digest: in_language(means.scenario_of(tx, digest), language),
        username=means.username,
        hold=means.hold,
        findings=findings,
        words_id=incoming.message_id if isinstance(incoming, Text) else None,
    )
    _equip(turn)
    inbound, before = _received(tx, incoming, person), audit.recorded(tx)
    try:
        route(turn)
    except limits.TooManyCases:
        limits.no_more_cases(turn)
    except Ended as ended:
        turn.tell(dialog.notes(turn)["ended"])
        dialog.show_case(turn, ended.stored)
    except Gone:
        turn.tell(turn.t("That button no longer works. Here is what does."))
        _somewhere(turn)
    if audit.recorded(tx) == before:
        _note_read(turn)
    unreadable.on_record(tx, person.id)
    transcript.belongs(tx, inbound, consult_id=turn.consult_id)
    deliver = tuple(sorted(turn.deliver))
    return Outcome(turn.toast, turn.alert, deliver, turn.erased, turn.inline, turn.first)


def _note_read(turn: Turn) -> None:
    """Put on record that somebody saw a case, where nothing else is on record of this update."""
    seen = turn.consult_id or turn.seen
    if seen is None:
        return
    stored, running = consults.load(turn.tx, seen), rounds.running(turn.tx, seen)
    if running is not None and stored.owner_id != turn.person.id:
        rounds.record_look(turn.tx, running, turn.person.id)
    elif turn.person.status != "deleted":
        records.on_record(turn.tx, turn.person, stored, "chat")


def _equip(turn: Turn) -> None:
    """Give a turn what parts need of others that they do not know."""
    turn.mean = partial(meaning.meant, turn)
    turn.again = partial(meaning.again, turn)
    turn.still_offered = partial(narrative.still_offered, turn)
    turn.follow = partial(routes.link, turn)
    turn.summary_rows = partial(under_summary, turn)
    turn.step_rows = partial(colleague.step_rows, turn)
    turn.reader_rows = partial(for_readers, turn)
    turn.discuss = partial(talk.replied, turn)
    turn.waited_for = partial(clarify.waited_for, turn)
    turn.clarified = partial(clarify.answered, turn)


def under_summary(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that the other parts put under a summary."""
    outward = (
        *share.summary_rows(turn, stored),
        *opinions.summary_rows(turn, stored),
        *record.rows(turn, stored),
    )
    return (*plans.summary_rows(turn, stored), tuple(button for row in outward for button in row))


def for_readers(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the rows that the other parts put under a case that somebody else shared."""
    return (*opinions.reader_rows(turn, stored), *record.rows(turn, stored))


def _received(tx: Tx, incoming: Personal, person: Person) -> UUID:
    """Keep that an update came in, without its words; AlreadySeen when it came before."""
    return transcript.receive(
        tx,
        transcript.Incoming(
            update_id=incoming.update_id,
            chat_id=chat_id(incoming),
            person_id=person.id,
            kind=kind_of(incoming),
            message_id=getattr(incoming, "message_id", None),
            thread_id=chat_of(incoming).thread,
        ),
    )


def refuse(incoming: Personal, denied: Denied, tx: Tx) -> Outcome:
    """Put a denial on record and answer as if there were no such button or command."""
    person = people.get(tx, denied.event.actor or UUID(int=0))
    _received(tx, incoming, person)
    audit.record(tx, denied.event)
    t = translator(person.language or offered(incoming.person.language))
    if not isinstance(incoming, Command):
        return Outcome(t("That button no longer works."))
    chat = chat_id(incoming)
    words = esc(t("I do not know that command."))
    transcript.enqueue(
        tx,
        transcript.Outgoing(
            chat_id=chat, method="sendMessage", params={"text": words}, person_id=person.id
        ),
    )
    return Outcome(deliver=(chat,))


def not_kept(incoming: Personal, kinds: Sequence[str], tx: Tx) -> Outcome:
    """Answer words that storage would not keep: the guard saw in them what it had not seen apart."""
    person = people.get_or_create(tx, incoming.person.telegram_id, incoming.person.name)
    _received(tx, incoming, person)
    _record_hits(tx, person.id, kinds, "refused")
    t = translator(person.language or offered(incoming.person.language))
    chat = chat_id(incoming)
    words = excerpts.unkept([Finding(0, 0, kind, "hard") for kind in kinds], t)
    transcript.enqueue(
        tx,
        transcript.Outgoing(
            chat_id=chat,
            method="sendMessage",
            params={"text": words, "parse_mode": "HTML"},
            person_id=person.id,
        ),
    )
    return Outcome(deliver=(chat,))


def not_readable(incoming: Personal, error: KeyTrouble | Unreadable, tx: Tx) -> Outcome:
    """Say that something the answer needs cannot be read; nothing of it was changed.

    The message stands under a key of the system: it may be the person's own that is missing.
    """
    person = people.by_telegram_id(tx, incoming.person.telegram_id)
    inbound = transcript.Incoming(
        update_id=incoming.update_id, chat_id=chat_id(incoming), kind=kind_of(incoming)
    )
    transcript.receive(tx, inbound)
    unreadable.failed(tx, person.id if person else None, error)
    t = translator((person and person.language) or offered(incoming.person.language))
    words = t(unreadable.UNREADABLE)
    if isinstance(incoming, Tap):
        return Outcome(words, alert=True)
    if not isinstance(incoming, Text | Command | StartLink | Media):
        return Outcome()
    chat = chat_id(incoming)
    said = transcript.Outgoing(chat_id=chat, method="sendMessage", params={"text": esc(words)})
    transcript.enqueue(tx, said)
    return Outcome(deliver=(chat,))


def chat_of(incoming: Personal) -> Chat:
    """Return the chat in which the person is answered; without one, the private chat."""
    chat: Chat | None = getattr(incoming, "chat", None)
    return chat or Chat(incoming.person.telegram_id, private=True)


def chat_id(incoming: Personal) -> int:
    return chat_of(incoming).id


def kind_of(incoming: Incoming) -> str:
    """Return the kind of an update, for the transcript; never its words."""
    return type(incoming).__name__.lower()


def _person(tx: Tx, incoming: Personal, settings: Settings) -> Person:
    who = incoming.person
    admin = who.telegram_id in settings.admins
    status: people.Status = "approved" if settings.approval == "open" or admin else "pending"
    found = people.get_or_create(tx, who.telegram_id, who.name, status=status, is_admin=admin)
    if found.is_admin != admin:
        found = people.set_admin(tx, found, is_admin=admin, by=None)
    if found.status == "pending" and status == "approved":
        found = people.set_status(tx, found, "approved", by=None)
    if found.unreachable_at is not None and not isinstance(incoming, Membership):
        people.set_reachable(tx, who.telegram_id)
        found = replace(found, unreachable_at=None)
    return _with_language(tx, found, offered(who.language))


def _with_language(tx: Tx, found: Person, language: str) -> Person:
    """Keep the language somebody is first spoken to in, so that they are notified in it too."""
    known = found.language is not None or language == "en"
    return found if known else people.set_choices(tx, found, language=language)


def _somewhere(turn: Turn) -> None:
    """Show the case that stands in the chat, or where a case is begun."""
    stored = dialog.current_case(turn)
    if stored is not None:
        dialog.return_to(turn, stored)
    else:
        persons.begin(turn)


# --- which part answers -----------------------------------------------------------------------


def route(turn: Turn) -> None:
    """Hand the update to the part that answers it; nothing is left without an answer."""
    incoming = turn.incoming
    if isinstance(incoming, Membership):
        groups.membership(turn, incoming)
    elif isinstance(incoming, InlineQuery | ChosenInline):
        groups.inline_mode(turn, incoming)
    elif not turn.chat.private:
        groups.in_group(turn)
    elif turn.person.status != "approved" and not _ones_own(incoming) and not _invited(turn):
        _keep_link(turn)
        _turn_away(turn, incoming)
    elif isinstance(incoming, Tap):
        tapped(turn, incoming)
    elif isinstance(incoming, Command):
        commanded(turn, incoming)
    elif isinstance(incoming, StartLink):
        followed(turn, incoming)
    elif isinstance(incoming, Media):
        shown(turn, incoming)
    elif isinstance(incoming, Text):
        written(turn, incoming)


def _turn_away(turn: Turn, incoming: Incoming) -> None:
    """Say that somebody may not use this yet, or no longer; words that identify are deleted."""
    if any(finding.tier == "hard" for finding in turn.findings):
        _refuse(turn, words_of(incoming))
    known = isinstance(incoming, Command) and incoming.name in routes.COMMANDS
    kind = incoming.name if isinstance(incoming, Command) and known else kind_of(incoming)
    limiting.note_denied(turn.tx, turn.person.id, kind, turn.person.status)
    persons.waiting(turn)


def _keep_link(turn: Turn) -> None:
    """Keep the link that somebody came with, sealed, until they may follow it; it lasts a day."""
    link = turn.incoming
    if isinstance(link, StartLink) and link.payload:
        expecting.expect(turn.tx, turn.person.id, "link", held=link.payload)


def shown(turn: Turn, media: Media) -> None:
    """Refuse a picture or file; one whose caption or name clearly identifies somebody is deleted."""
    not_taken = esc(
        turn.t(
            "Pictures, files, voice and locations are not taken here: they may identify somebody. "
            "Nothing was downloaded. Please tap, or type."
        )
    )
    if any(finding.tier == "hard" for finding in turn.findings):
        turn.delete_incoming()
        _guarded(turn, "refused")
        refused = excerpts.refusal(media.words, turn.findings, turn.t)
        turn.say(paragraphs(refused, not_taken))
        return
    turn.say(not_taken)


def _invited(turn: Turn) -> bool:
    """Say whether the person just came with an invitation that is enough to be let in."""
    link = turn.incoming
    if not isinstance(link, StartLink) or not link.payload.startswith(f"{links.INVITE}_"):
        return False
    return teams.admit(turn, link.payload.removeprefix(f"{links.INVITE}_"))


def followed(turn: Turn, link: StartLink) -> None:
    """Answer a deep link; before scope and role are known it waits, sealed, until they are."""
    if turn.person.scope_accepted_at is None or turn.person.role is None:
        _keep_link(turn)
        persons.begin(turn)
        return
    routes.link(turn, link.payload)


def _ones_own(incoming: Incoming) -> bool:
    """Say whether this is about the person's own data, which stay theirs without approval."""
    if isinstance(incoming, Tap):
        data = parse(incoming.data)
        return data is not None and data.verb == "forget"
    return isinstance(incoming, Command) and incoming.name in routes.ALWAYS


def tapped(turn: Turn, tap: Tap) -> None:
    """Answer a tap; data that is not of our form leads nowhere."""
    data = parse(tap.data)
    verb = routes.VERBS.get(data.verb) if data else None
    if data is None or verb is None:
        raise Gone
    if turn.person.scope_accepted_at is None and data.verb not in routes.VERBS_BEFORE_SCOPE:
        persons.begin(turn)
        return
    verb(turn, data)


def commanded(turn: Turn, command: Command) -> None:
    """Answer a command; an unknown one is answered with the list."""
    act = routes.COMMANDS.get(command.name)
    tiers = {finding.tier for finding in turn.findings}
    if "hard" in tiers:
        _refuse(turn, command.args)
        return
    if turn.person.scope_accepted_at is None and command.name not in routes.BEFORE_SCOPE:
        persons.begin(turn)
        return
    if "soft" in tiers and command.name == "new":
        held.hold(turn, command.args, command.message_id, new=True)
        _guarded(turn, "asked")
        return
    if act is None:
        turn.say(esc(turn.t("I do not know that command.")))
        persons.help_(turn)
        return
    if turn.person.scope_accepted_at is not None and not narrative.waits(turn):
        expecting.forget(turn.tx, turn.person.id)  # before the scope a link may wait
    act(turn, "" if tiers else command.args)  # words that may identify are for no other command


def written(turn: Turn, text: Text) -> None:
    """Answer typed words, after the guard."""
    tiers = {finding.tier for finding in turn.findings}
    known = turn.person.scope_accepted_at is not None
    if known and tiers and not text.edited and _as_code(turn, text):
        return
    if "hard" in tiers:
        _refuse(turn, text.text)
        return
    if not known:
        persons.begin(turn)
        return
    if "soft" in tiers:
        held.hold(turn, text.text, text.message_id, correction=text.edited)
        _guarded(turn, "asked")
        return
    if text.edited:
        typed_answers.edited(turn, text.message_id, text.text)
    else:
        meaning.meant(turn, text.text, present.of(turn.tx, turn.chat_id, text.message_id))


def _as_code(turn: Turn, text: Text) -> bool:
    """Take words where only a code is expected; others are answered with its form, and not kept.

    False where other words may be typed, and where words that are none clearly identify somebody.
    """
    here = present.of(turn.tx, turn.chat_id, text.message_id)
    code = meaning.is_code(turn, here, text.text)
    hard = {finding.kind for finding in turn.findings if finding.tier == "hard"}
    if code is None or (not code and hard - {"date"}):
        return False
    if not code:
        _guarded(turn, "refused")
        if hard:
            turn.delete_incoming()
    meaning.meant(turn, text.text, here)
    return True


def _refuse(turn: Turn, words: str) -> None:
    """Refuse words with a clear identifier: their message is deleted, nothing of them is kept."""
    turn.delete_incoming()
    turn.say(excerpts.refusal(words, turn.findings, turn.t))
    _guarded(turn, "refused")


def _guarded(turn: Turn, outcome: str) -> None:
    kinds = sorted({finding.kind.lower() for finding in turn.findings})
    _record_hits(turn.tx, turn.person.id, kinds, outcome)


def _record_hits(tx: Tx, actor: UUID, kinds: Sequence[str], outcome: str) -> None:
    """Put on record what the guard found; of words about a round that runs, with its case."""
    consult_id = held.round_of(tx, expecting.expected(tx, actor))
    for kind in kinds:
        event = audit.Event(
            actor=actor,
            action="guard.hit",
            consult_id=consult_id,
            outcome=outcome,
            meta={"kind": kind},
        )
        audit.record(tx, event)
