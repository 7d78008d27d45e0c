"""Reviews that fall due: one message a person, from database rows, once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bot.callbacks import encode
from bot.language import Translate, translator
from bot.screen import Button, Row, Screen, bold, esc, lines, paragraphs
from dialogs.followup import after_quiet, local_day, zone_of
from storage import people, plans, shares, teams, transcript
from storage.people import Person
from storage.plans import Due, Stranded
from storage.transaction import Tx
from storage.transcript import Outgoing

MOST_LISTED = 10


def remind(zone: str, tx: Tx) -> tuple[int, ...]:
    """Enqueue what falls due now, in the transaction that marks it as sent; return the chats.

    Several reviews of one person, as after downtime, make one message. ``zone`` is the time zone of
    people who have set none.
    """
    by_person: dict[int, list[Due]] = defaultdict(list)
    for due in plans.take_due(tx):
        if not _put_off(tx, due, zone):
            plans.record_sent(tx, due.review)
            by_person[due.telegram_id].append(due)
    for chat, found in by_person.items():
        who = people.get(tx, found[0].review.person_id)
        today = local_day(tx.now, here := zone_of(who.time_zone, zone))
        late = {d.review.id: (today - local_day(d.review.due_at, here)).days for d in found}
        screen = reminder_screen(_cases(found), translator(found[0].language), late)
        _send(tx, chat, who.id, screen, "reminder")
    return (*by_person, *tell_of_stranded(tx))


def _send(tx: Tx, chat: int, person: UUID, screen: Screen, kind: str) -> None:
    transcript.enqueue(
        tx,
        Outgoing(
            chat_id=chat,
            method="sendMessage",
            params=screen.params(),
            person_id=person,
            kind=kind,
            urgent=True,
        ),
    )


def _put_off(tx: Tx, due: Due, zone: str) -> bool:
    """Leave a review that is late, as after downtime, until the person's quiet hours are over."""
    who = people.get(tx, due.review.person_id)
    here = zone_of(who.time_zone, zone)
    until = after_quiet(tx.now, here, who.quiet_from, who.quiet_to)
    if until <= tx.now:
        return False
    plans.snooze(tx, due.review, until)
    return True


def _cases(found: Iterable[Due]) -> tuple[tuple[Due, ...], ...]:
    """Return what is due by case, and of each case the newest last: that one is asked about."""
    grouped: dict[str, list[Due]] = defaultdict(list)
    for due in sorted(found, key=lambda each: each.review.due_at):
        grouped[due.short].append(due)
    return tuple(map(tuple, grouped.values()))


def reminder_screen(
    cases: Sequence[Sequence[Due]], t: Translate, late: Mapping[UUID, int]
) -> Screen:
    """Return the reminder: which cases have a review, and nothing clinical.

    ``late`` holds how many days ago each review was due, by the person's calendar.
    """
    listed = [_line(case, t, late) for case in cases[:MOST_LISTED]]
    rows = tuple(
        (
            Button(
                t("Case {code}: answer").format(code=case[-1].code),
                encode("due", case[-1].short, case[-1].review.id.hex),
            ),
        )
        for case in cases[:MOST_LISTED]
    )
    more = len(cases) - len(listed)
    rest = esc(t("and {count} more under /cases").format(count=more)) if more > 0 else ""
    return Screen(paragraphs("\n".join(listed), rest), rows)


def _line(case: Sequence[Due], t: Translate, late: Mapping[UUID, int]) -> str:
    newest = case[-1]
    days = late.get(newest.review.id, 0)
    if newest.review.kind == "deadline":
        words = t("Case {code}: did you reach them?")
    elif len(case) > 1:
        words = t(
            "Case {code} has {count} reviews, the newest {days} d late; that one is asked about."
        )
    elif days > 0:
        words = t("Case {code} has a review that is {days} d late.")
    else:
        words = t("Case {code} has a review today.")
    return bold(words.format(code=newest.code, count=len(case), days=max(days, 0)))


# --- owners who cannot be asked any more ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who is told that a case has lost its owner, and whether they may take it over."""

    who: Person
    leads: bool


def tell_of_stranded(tx: Tx) -> tuple[int, ...]:
    """Tell the leads of its teams, or else the admins, of a case whose owner cannot be asked; once."""
    chats: list[int] = []
    for case in plans.take_stranded(tx):
        for told in _who_is_told(tx, case):
            if told.who.telegram_id is None:
                continue
            screen = stranded_screen(case, translator(told.who.language), leads=told.leads)
            _send(tx, told.who.telegram_id, told.who.id, screen, "stranded")
            chats.append(told.who.telegram_id)
    return tuple(chats)


def _who_is_told(tx: Tx, case: Stranded) -> list[Told]:
    shared = [each.team_id for each in shares.active(tx, case.consult_id)]
    members = teams.approved_members(tx, [each for each in shared if each is not None])
    leads = [who for who, role in members.items() if role == "lead" and who != case.owner_id]
    if leads:
        return [Told(people.get(tx, who), leads=True) for who in leads]
    return [Told(who, leads=False) for who in people.admins(tx) if who.id != case.owner_id]


def stranded_screen(case: Stranded, t: Translate, *, leads: bool) -> Screen:
    """Return that a case has lost its owner: its code, why, and what can be done; nothing clinical."""
    because = {
        "unreachable": t("has blocked the bot or cannot be reached by Telegram"),
        "suspended": t("may not use the bot at present"),
    }
    todo = t(
        "It was shared with no team, so nobody else may see it. Please reach its owner yourself."
    )
    if leads:
        todo = t(
            "You lead a team that it is shared with: you may take it over, reminders included."
        )
    body = lines(
        bold(t("Case {code}: reviews are due, and nobody can be asked").format(code=case.code)),
        esc(t("Its owner {because}.").format(because=because[case.because])),
        esc(todo),
    )
    take: tuple[Row, ...] = ()
    if leads:
        take = ((Button(t("Take the case over"), encode("hand", case.short, "take")),),)
    return Screen(body, take)
