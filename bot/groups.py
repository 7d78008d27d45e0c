"""What the bot does outside a private chat: cards and pointers; talk is dropped, unstored, unlogged.

In a group nothing of a case is said. What reaches us there and is kept: commands, and answers to our
cards by people the case is open to.
"""

from bot import excerpts, inline, links, teams
from bot.language import translator
from bot.screen import Screen, bold, esc, lines
from bot.translate import (
    ChosenInline,
    Command,
    GroupMigration,
    Incoming,
    InlineQuery,
    Media,
    Membership,
    StartLink,
    Text,
)
from bot.turn import Turn
from storage import cards, consults, people, shares, transcript
from storage import groups as bound
from storage import teams as kept
from storage.consults import StoredConsult
from storage.errors import Conflict
from storage.teams import Team
from storage.transaction import Tx


def is_talk(incoming: Incoming) -> bool:
    """Say whether this is what people say in a group: dropped, unless it answers a card."""
    return isinstance(incoming, Text | Media) and not incoming.chat.private


def answers_card(incoming: Incoming, tx: Tx) -> bool:
    """Say whether this answers one of our cards, by somebody the case is open to."""
    return isinstance(incoming, Text) and _answered(tx, incoming) is not None


def _answered(tx: Tx, reply: Text) -> StoredConsult | None:
    """Return the case whose card a message answers, if it is open to its author."""
    if reply.reply_to is None:
        return None
    card = cards.of_message(tx, reply.chat.id, reply.reply_to)
    author = people.by_telegram_id(tx, reply.person.telegram_id)
    if card is None or author is None or author.scope_accepted_at is None:
        return None
    stored = consults.load(tx, card.consult_id)
    return stored if shares.may_read(tx, author, stored) else None


def in_group(turn: Turn) -> None:
    """Answer a command in a group with the way to the private chat, and take answers to cards."""
    incoming = turn.incoming
    if _identifies(turn):
        _refuse(turn)
    elif isinstance(incoming, Text):
        _discussed(turn, incoming)
    elif isinstance(incoming, StartLink) and incoming.payload.startswith("g_"):
        _ask_to_bind(turn, incoming.payload.removeprefix("g_"))
    elif isinstance(incoming, Command | StartLink):
        name = incoming.name if isinstance(incoming, Command) else "start"
        act = COMMANDS.get(name, _point)
        act(turn)


def _identifies(turn: Turn) -> bool:
    """Say whether words may identify somebody; a doubt is enough for what would be kept."""
    return any(f.tier == "hard" or isinstance(turn.incoming, Text) for f in turn.findings)


def _refuse(turn: Turn) -> None:
    """Record nothing of words that may identify somebody; say so without repeating them."""
    if isinstance(turn.incoming, Text | Command):
        turn.delete_incoming()
        turn.say(excerpts.refusal("", turn.findings, turn.t, group=True), thread=turn.chat.thread)


def _discussed(turn: Turn, reply: Text) -> None:
    stored = _answered(turn.tx, reply)
    if stored is not None:
        turn.consult_id = stored.id
        turn.discuss(stored, reply)


# --- commands ---------------------------------------------------------------------------------


def _point(turn: Turn) -> None:
    words = turn.t("I answer in a private chat. Open it by tapping my name, then send /start.")
    _answer(turn, words)


def _share(turn: Turn) -> None:
    words = turn.t("A case is shared from its summary, in our private chat.")
    _answer(turn, words, turn.t("Share a case"), links.private(turn, inline.SHARE))


def _opinions(turn: Turn) -> None:
    words = turn.t("Cases are read and answered in our private chat; nothing of them stands here.")
    _answer(turn, words, turn.t("Cases shared with me"), links.private(turn, "cases"))


def _answer(turn: Turn, words: str, label: str = "", url: str = "") -> None:
    """Answer a command in the topic it was given in."""
    screen = Screen(esc(words), links.row(label, url) if label else ())
    markup = {n: v for n, v in screen.params().items() if n == "reply_markup"}
    reply_to = getattr(turn.incoming, "message_id", None)
    turn.say(screen.text, reply_to=reply_to, thread=turn.chat.thread, **markup)


def _bind(turn: Turn) -> None:
    _ask_to_bind(turn, "")


COMMANDS = {"share": _share, "opinions": _opinions, "team": _bind}


# --- binding ----------------------------------------------------------------------------------


def _ask_to_bind(turn: Turn, short: str) -> None:
    """Ask the lead in private whether the team's cards are to be posted in this group."""
    t = turn.t
    led = _led_by(turn, short)
    if not led:
        _answer(
            turn,
            t("Only a team's lead can have its cards posted here. Begin a team in private: /team."),
        )
        return
    try:
        asked = [(team, _asked(turn, team)) for team in led]
    except Conflict:
        _answer(
            turn, t("Cards of another team are posted here. Its lead can end that under /team.")
        )
        return
    if any(group.bound for _, group in asked):
        _answer(turn, t("Cards of your team are posted here already."))
        return
    teams.ask_to_bind(turn, asked)
    _answer(turn, t("I asked you in our private chat."))


def _asked(turn: Turn, team: Team) -> bound.Group:
    chat = turn.chat
    return bound.ask(
        turn.tx, team.id, turn.person.id, chat_id=chat.id, title=chat.title, is_forum=chat.forum
    )


def _led_by(turn: Turn, short: str) -> list[Team]:
    """Return the teams that the person leads; only the one a link names, where it names one."""
    if turn.person.status != "approved" or turn.person.scope_accepted_at is None:
        return []
    joined = kept.of_person(turn.tx, turn.person.id)
    return [j.team for j in joined if j.role == "lead" and short in ("", j.team.short)]


# --- what we may do ---------------------------------------------------------------------------


def membership(turn: Turn, change: Membership) -> None:
    """Keep whether a person can be reached, and whether we are still in a group."""
    if change.chat.private:
        _reach(turn, change)
    elif change.change == "added":
        _greet(turn)
    elif change.change == "removed":
        _removed(turn)


def _reach(turn: Turn, change: Membership) -> None:
    if change.change == "blocked":
        people.set_unreachable(turn.tx, turn.chat_id)
    elif change.change == "unblocked":
        people.set_reachable(turn.tx, turn.chat_id)


def _greet(turn: Turn) -> None:
    t = turn.t
    turn.say(
        lines(
            bold(t("Hello.")),
            esc(
                t(
                    "I post one card for each case that a team shares here, and nothing of the case. "
                    "To begin, the team's lead sends /team here."
                )
            ),
        )
    )


def _removed(turn: Turn) -> None:
    """Forget a group we were removed from, and tell the leads of its team."""
    transcript.drop_chat(turn.tx, turn.chat_id, "removed")
    for group in bound.lose(turn.tx, turn.chat_id, "removed"):
        _tell_leads(turn, group)


def _tell_leads(turn: Turn, group: bound.Group) -> None:
    team = kept.load(turn.tx, group.team_id)
    for member in kept.members(turn.tx, team.id):
        if member.role == "lead":
            who = people.get(turn.tx, member.person_id)
            t = translator(who.language)
            words = t("I was removed from “{group}”. Cards of “{team}” are no longer posted there.")
            turn.notify(who, Screen(esc(words.format(group=group.title, team=team.name))))


def inline_mode(turn: Turn, query: InlineQuery | ChosenInline) -> None:
    """Answer our name typed in another chat; the words are never stored."""
    if isinstance(query, InlineQuery):
        inline.offer(turn, query)
    else:
        inline.chosen(turn, query)


def moved(migration: GroupMigration, tx: Tx) -> None:
    """Keep a group's new id: its binding, its cards and what waits to be sent go with it."""
    bound.move(tx, migration.old, migration.new)
