"""How much one person may ask at once and in a day, and what is answered beyond it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from bot.language import Translate, offered, translator
from bot.screen import esc
from bot.translate import Command, InlineQuery, Media, StartLink, Tap, Text
from bot.turn import Turn
from storage import consults, limits, people, transcript
from storage.limits import ONCE_A_MINUTE, Buckets, Rate
from storage.transaction import Tx

Asking: TypeAlias = Text | Command | StartLink | Tap | Media | InlineQuery
"""What a person asks of us. What Telegram only reports, such as who left a group, is always taken."""

PER_SECOND = 1.0
"""Taps and messages of one person that are answered when the first burst is over."""

DAY = timedelta(days=1)


class TooManyCases(Exception):
    """The person has begun as many cases within a day as one may."""


class Tempo:
    """Counts what each person asks, and what each was told about it, in this process only."""

    def __init__(self, burst: int, clock: Callable[[], float]) -> None:
        self._asked = Buckets(Rate(PER_SECOND, burst), clock)
        self._told = Buckets(ONCE_A_MINUTE, clock)

    def takes(self, incoming: Asking) -> bool:
        """Say whether it is not too fast."""
        return self._asked.take(incoming.person.telegram_id)

    def tells(self, incoming: Asking) -> bool:
        """Say whether it is time to put on record, and in the chat, that it is too fast."""
        direct = isinstance(incoming, Tap | InlineQuery)
        return self._told.take((incoming.person.telegram_id, direct))


def too_fast(incoming: Asking, tx: Tx) -> str:
    """Return what is said to what is not taken."""
    t = _language(incoming, tx)
    match incoming:
        case Tap():
            return t("Too fast: this tap was not taken. Wait a moment, then tap again.")
        case InlineQuery():
            return t("Too fast. Wait a moment.")
        case _:
            return t(
                "Too many messages at once, so some are not taken. Wait a few seconds, look at the "
                "last question, and send again what is missing."
            )


def hold_back(incoming: Asking, tx: Tx) -> str:
    """Put on record that somebody is too fast; return what is said, which for a message is sent."""
    known = people.by_telegram_id(tx, incoming.person.telegram_id)
    if known is not None:
        limits.note(tx, known.id, "updates")
    words = too_fast(incoming, tx)
    if not isinstance(incoming, Tap | InlineQuery):
        notice = transcript.Outgoing(
            chat_id=incoming.chat.id,
            method="sendMessage",
            params={"text": esc(words), "parse_mode": "HTML"},
            person_id=known.id if known else None,
            thread_id=incoming.chat.thread,
        )
        transcript.enqueue(tx, notice)
    return words


def nothing_found(query: InlineQuery, words: str, start: str) -> dict[str, Any]:
    """Return the answer to an inline query that is not looked at."""
    return {
        "inline_query_id": query.query_id,
        "results": [],
        "is_personal": True,
        "cache_time": 0,
        "button": {"text": words, "start_parameter": start},
    }


def _language(incoming: Asking, tx: Tx) -> Translate:
    known = people.by_telegram_id(tx, incoming.person.telegram_id)
    return translator((known and known.language) or offered(incoming.person.language))


# --- cases a day ------------------------------------------------------------------------------


def one_more_case(turn: Turn) -> None:
    """Raise TooManyCases when the person has begun as many within a day as one may."""
    begun = consults.begun(turn.tx, turn.person.id, turn.tx.now - DAY)
    if begun >= turn.settings.cases_a_day:
        raise TooManyCases


def no_more_cases(turn: Turn) -> None:
    """Say that no further case is begun today, and put it on record."""
    limits.note(turn.tx, turn.person.id, "cases")
    words = turn.t(
        "You have begun as many cases as one may within a day ({count}, copies included). The next "
        "can begin once the first is a day old. Those you have stay open: /cases."
    ).format(count=turn.settings.cases_a_day)
    if isinstance(turn.incoming, Tap):
        turn.tell(words, alert=True)
    else:
        turn.say(esc(words))
