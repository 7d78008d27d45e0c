"""Reviews that fall due: one message a person, from database rows, once."""

from collections import defaultdict
from collections.abc import Sequence

from bot.callbacks import encode
from bot.language import Translate, translator
from bot.screen import Button, Screen, bold, esc, paragraphs
from dialogs.followup import after_quiet, zone_of
from storage import people, plans, transcript
from storage.plans import Due
from storage.transaction import Tx
from storage.transcript import Outgoing

MOST_LISTED = 10


def remind(tx: Tx) -> tuple[int, ...]:
    """Enqueue what falls due now, in the transaction that marks it as sent; return the chats.

    Several reviews of one person, as after downtime, make one message.
    """
    by_person: dict[int, list[Due]] = defaultdict(list)
    for due in plans.take_due(tx):
        if not _put_off(tx, due):
            by_person[due.telegram_id].append(due)
    for chat, found in by_person.items():
        screen = reminder_screen(found, translator(found[0].language))
        transcript.enqueue(
            tx,
            Outgoing(
                chat_id=chat,
                method="sendMessage",
                params=screen.params(),
                person_id=found[0].review.person_id,
                kind="reminder",
                urgent=True,
            ),
        )
    return tuple(by_person)


def _put_off(tx: Tx, due: Due) -> bool:
    """Leave a review that is late, as after downtime, until the person's quiet hours are over."""
    who = people.get(tx, due.review.person_id)
    until = after_quiet(tx.now, zone_of(who.time_zone), who.quiet_from, who.quiet_to)
    if until <= tx.now:
        return False
    plans.snooze(tx, due.review, until)
    return True


def reminder_screen(found: Sequence[Due], t: Translate) -> Screen:
    """Return the reminder: which cases have a review, and nothing clinical."""
    lines = [_line(due, t) for due in found[:MOST_LISTED]]
    rows = tuple(
        (
            Button(
                t("Case {code}: answer").format(code=due.code),
                encode("due", due.short, due.review.id.hex),
            ),
        )
        for due in found[:MOST_LISTED]
    )
    more = len(found) - len(lines)
    rest = esc(t("and {count} more under /cases").format(count=more)) if more > 0 else ""
    return Screen(paragraphs("\n".join(lines), rest), rows)


def _line(due: Due, t: Translate) -> str:
    words = (
        t("Case {code} has a review today.")
        if due.review.kind == "review"
        else t("Case {code}: did you reach them?")
    )
    return bold(words.format(code=due.code))
