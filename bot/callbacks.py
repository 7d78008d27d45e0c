"""What a button carries: a verb, a case, arguments and a turn, in at most 64 bytes.

The text is forgeable (anybody can send any bytes), so it carries no authority: whoever reads it
authorises the person and the case in the database.
"""

import re
from dataclasses import dataclass

VERSION = "1"
MOST_BYTES = 64
"""The Bot API's limit on ``callback_data``."""

_FORM = re.compile(
    r"1\|([a-z]{1,8})\|([a-z0-9]{0,8})((?:\|[A-Za-z0-9_.:+-]{0,40}){0,4})\|(\d{0,9})"
)


@dataclass(frozen=True, slots=True)
class Callback:
    """One button's meaning; ``case`` is the short id of a consult or empty."""

    verb: str
    case: str = ""
    args: tuple[str, ...] = ()
    turn: int | None = None

    def arg(self, place: int) -> str:
        """Return the argument at ``place``, or an empty text where there is none."""
        return self.args[place] if place < len(self.args) else ""


def encode(verb: str, case: str = "", *args: object, turn: int | None = None) -> str:
    """Return the data of a button; raise ValueError when it would not fit 64 bytes."""
    fields = [VERSION, verb, case, *map(str, args), "" if turn is None else str(turn)]
    data = "|".join(fields)
    if len(data) > MOST_BYTES or _FORM.fullmatch(data) is None:  # the form is of ASCII only
        raise ValueError(f"not a callback: {verb} with {len(args)} arguments")
    return data


def parse(data: str) -> Callback | None:
    """Return what ``data`` means, or None when it is not of our form."""
    match = _FORM.fullmatch(data)
    if match is None or len(data) > MOST_BYTES:
        return None
    verb, case, args, turn = match.groups()
    return Callback(verb, case, tuple(args.split("|")[1:]), int(turn) if turn else None)
