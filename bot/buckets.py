"""How fast we may send: token buckets for each chat and for all of them. Pure: time is given.

Telegram documents "about" 30 messages a second overall, one a second in a chat and 20 a minute in
a group (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
"""

from dataclasses import dataclass, field

from storage.limits import Bucket, Rate

OVERALL = Rate(per_second=25, burst=5)
"""Never more than 30 in any second."""

PRIVATE = Rate(per_second=1, burst=5)
GROUP = Rate(per_second=0.25, burst=5)
"""Never more than 20 in any minute."""

GROUP_EDIT_SECONDS = 3.0
KEPT_CHATS = 4096


@dataclass(slots=True)
class Lane:
    """One chat: its bucket, until when Telegram told us to be silent, and its last edit."""

    bucket: Bucket
    silent_until: float = 0.0
    edit_from: float = 0.0


@dataclass(slots=True)
class Pace:
    """The buckets of all chats; seconds are those of one monotonic clock."""

    overall: Rate = OVERALL
    private: Rate = PRIVATE
    group: Rate = GROUP
    _lanes: dict[int, Lane] = field(default_factory=dict)
    _all: Bucket | None = None

    def wait(self, chat_id: int, now: float) -> float:
        """Return the seconds until the chat may be sent something, 0 when it may be now."""
        lane = self._lane(chat_id, now)
        return max(lane.silent_until - now, lane.bucket.wait(now), 0.0)

    def wait_to_edit(self, chat_id: int, now: float) -> float:
        """Return the seconds until a message may be edited: in a group at most one in 3 s."""
        return max(self._lane(chat_id, now).edit_from - now, 0.0) if chat_id < 0 else 0.0

    def take(self, chat_id: int, now: float, *, edit: bool = False) -> float:
        """Count one as sent to the chat, and return the seconds to wait for its turn among all."""
        lane = self._lane(chat_id, now)
        lane.bucket.take(now)
        if edit:
            lane.edit_from = now + GROUP_EDIT_SECONDS
        if self._all is None:
            self._all = Bucket(self.overall, self.overall.burst, now)
        turn = self._all.wait(now)
        self._all.take(now)
        return turn

    def silence(self, chat_id: int, seconds: float, now: float) -> None:
        """Send the chat nothing for ``seconds``; other chats go on."""
        lane = self._lane(chat_id, now)
        lane.silent_until = max(lane.silent_until, now + seconds)

    def _lane(self, chat_id: int, now: float) -> Lane:
        lane = self._lanes.get(chat_id)
        if lane is None:
            self._forget_idle(now)
            rate = self.group if chat_id < 0 else self.private
            lane = self._lanes[chat_id] = Lane(Bucket(rate, rate.burst, now))
        return lane

    def _forget_idle(self, now: float) -> None:
        """Drop the chats that are as good as new, once there are many."""
        if len(self._lanes) < KEPT_CHATS:
            return
        for chat_id, lane in list(self._lanes.items()):
            if lane.bucket.full(now) and now >= max(lane.silent_until, lane.edit_from):
                del self._lanes[chat_id]
