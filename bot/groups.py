"""What the bot does outside a private chat: it points to it, and drops the rest unstored."""

from bot.screen import esc
from bot.translate import ChosenInline, Command, GroupMigration, InlineQuery, Membership, StartLink
from bot.turn import Turn
from storage import people, transcript
from storage.transaction import Tx


def in_group(turn: Turn) -> None:
    """Answer a command in a group with the way to the private chat; anything else is dropped."""
    if isinstance(turn.incoming, Command | StartLink):
        turn.say(
            esc(
                turn.t("I answer in a private chat. Open it by tapping my name, then send /start.")
            ),
            reply_to=turn.incoming.message_id,
        )


def membership(turn: Turn, change: Membership) -> None:
    """Keep whether the person can be reached: blocked or not."""
    if change.change in ("blocked", "unblocked"):
        people.set_unreachable(turn.tx, turn.chat_id, unreachable=change.change == "blocked")


def inline(turn: Turn, query: InlineQuery | ChosenInline) -> None:
    """Inline queries have no answer yet; their text is never stored."""


def moved(migration: GroupMigration, tx: Tx) -> None:
    """Keep a group's new id: what waits for the old one goes to the new."""
    transcript.move_chat(tx, migration.old, migration.new)
