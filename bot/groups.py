"""What the bot does outside a private chat: it points to it, and drops the rest unstored."""

from bot import excerpts
from bot.screen import esc
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
from storage import groups as bound
from storage import people
from storage.transaction import Tx


def is_talk(incoming: Incoming) -> bool:
    """Say whether this is what people say among themselves in a group: dropped unstored."""
    return isinstance(incoming, Text | Media) and not incoming.chat.private


def in_group(turn: Turn) -> None:
    """Answer a command in a group with the way to the private chat; anything else is dropped."""
    if any(finding.tier == "hard" for finding in turn.findings):
        turn.delete_incoming()
        turn.say(excerpts.refusal("", turn.findings, turn.t, group=True))
    elif isinstance(turn.incoming, Command | StartLink):
        turn.say(
            esc(
                turn.t("I answer in a private chat. Open it by tapping my name, then send /start.")
            ),
            reply_to=turn.incoming.message_id,
        )


def membership(turn: Turn, change: Membership) -> None:
    """Keep whether the person can be reached: blocked or not."""
    if change.change in ("blocked", "unblocked"):
        keep = people.set_unreachable if change.change == "blocked" else people.set_reachable
        keep(turn.tx, turn.chat_id)


def inline(turn: Turn, query: InlineQuery | ChosenInline) -> None:
    """Inline queries have no answer yet; their text is never stored."""


def moved(migration: GroupMigration, tx: Tx) -> None:
    """Keep a group's new id: its binding, its cards and what waits to be sent go with it."""
    bound.move(tx, migration.old, migration.new)
