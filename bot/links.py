"""Deep links: addresses at t.me that open our chat with something in mind.

A link's payload is a kind and, after a ``_``, a secret or an id. Whether it opens anything is asked
of the database; wrong, foreign, expired and revoked ones are answered in the same words, and only a
few tries are free.
"""

from datetime import timedelta

from bot import persons
from bot.screen import Button, Row, esc
from bot.turn import Turn
from storage import audit

INVITE, SHARE, CARD, GROUP = "i", "s", "c", "g"
KINDS = (INVITE, SHARE, CARD, GROUP)

MOST_TRIES = 5
WINDOW = timedelta(minutes=10)
"""In which so many wrong links or codes end the trying for a while."""


def private(turn: Turn, kind: str, rest: str = "") -> str:
    """Return the address that opens the private chat; empty while our name is not known."""
    payload = f"{kind}_{rest}" if rest else kind
    return f"https://t.me/{turn.username}?start={payload}" if turn.username else ""


def to_group(turn: Turn, secret: str) -> str:
    """Return the address that adds us to a group the person chooses."""
    payload = f"{GROUP}_{secret}"
    return f"https://t.me/{turn.username}?startgroup={payload}" if turn.username else ""


def row(label: str, url: str) -> tuple[Row, ...]:
    """Return a row with a button that opens ``url``, or none where it is empty."""
    return ((Button(label, url=url),),) if url else ()


def exhausted(turn: Turn) -> bool:
    """Say that the person tried too many wrong ones just now, and tell them."""
    tries = audit.refused(turn.tx, turn.person.id, "link.follow", turn.tx.now - WINDOW)
    if tries < MOST_TRIES:
        return False
    turn.say(esc(turn.t("Too many wrong links or codes. Wait ten minutes, then try again.")))
    return True


def refuse(turn: Turn, kind: str) -> None:
    """Put a link or code that opens nothing on record."""
    known = kind if kind in KINDS else "other"
    audit.record(
        turn.tx,
        audit.Event(
            actor=turn.person.id, action="link.follow", outcome="refused", meta={"kind": known}
        ),
    )


def lead_nowhere(turn: Turn, kind: str) -> None:
    """Answer a link that opens nothing; all of them in the same words."""
    refuse(turn, kind)
    turn.say(esc(turn.t("That link does not work any more. Ask for a new one.")))
    persons.begin(turn)
