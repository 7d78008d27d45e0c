"""What admins are told in the chat when the bot itself is in danger; nothing of any case."""

from collections.abc import Iterable

from bot.language import translator
from bot.screen import esc
from storage import people, transcript
from storage.transaction import Tx
from storage.transcript import Outgoing


def token_used_elsewhere(tx: Tx, admins: Iterable[int]) -> tuple[int, ...]:
    """Enqueue the warning for the admins who have talked with the bot, and return their chats."""
    return tuple(chat for chat in admins if _warned(tx, chat))


def _warned(tx: Tx, chat: int) -> bool:
    who = people.by_telegram_id(tx, chat)
    if who is None or transcript.screen_of(tx, chat) is None:
        return False
    t = translator(who.language)
    words = t(
        "Another program is using this bot's token. If it is not yours, the token is stolen: "
        "revoke it in BotFather now. If it is yours, stop it."
    )
    transcript.enqueue(
        tx,
        Outgoing(
            chat_id=chat,
            method="sendMessage",
            params={"text": esc(words), "parse_mode": "HTML"},
            person_id=who.id,
            kind="alarm",
            coalesce="alarm",
            urgent=True,
        ),
    )
    return True
