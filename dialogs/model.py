"""The values that pass through a consult: events in, the consult kept, notes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from dialogs.phases import Facts, Phase, Trigger, move

Origin = Literal["path", "review", "summary"]
"""Where a question was opened from, and so where its answer leads back to."""

Via = Literal["tap", "typed", "edited", "narrative", "asked", "fork", "clarifying"]
"""How an answer came in."""

Placed = Literal["", "add", "instead"]
"""Where a confirmed dose goes: as it was read back, beside the others, or in another's place."""


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Draft:
    """What is half entered on the current question; never an answer."""

    marked: tuple[str, ...] = ()
    touched: bool = False
    """True once a mark was switched, so that no mark at all is not read as the old answer."""
    entries: tuple[Mapping[str, Any], ...] = ()
    focus: int | None = None
    listing: bool = False
    reading: tuple[Mapping[str, Any], ...] = ()
    corrects: tuple[int, ...] = ()
    """Places of the entries that an edited message had said."""
    guess: Mapping[str, Any] | None = None
    said: str = ""
    """Words of a dose that wait for what was asked about them."""


@dataclass(frozen=True, slots=True)
class Consult:
    """All that is decided by the dialog; where we are follows from it."""

    scenario: str
    content_hash: str
    phase: Phase = "welcome"
    answers: Mapping[str, Any] = field(default_factory=_nothing)
    """As `dialogs.answers`; a question that was skipped holds None."""
    previous: Mapping[str, Any] = field(default_factory=_nothing)
    """Answers that fell away or were opened again, offered as the default."""
    cursor: str | None = None
    origin: Origin = "path"
    path: Literal["quick", "full"] = "quick"
    reask: tuple[str, ...] = ()
    draft: Draft = field(default_factory=Draft)
    shown: Mapping[str, Any] | None = None
    """The answers as they stood when the summary was last shown."""
    earlier: Mapping[str, Any] | None = None
    """The answers of the summary before that one, where they differ."""
    turn: int = 0
    """Goes up with every screen; a button of an older turn is stale."""

    def moved(
        self, trigger: Trigger, *, red_flag: bool = False, complete: bool = False
    ) -> "Consult":
        """Return the consult in its next phase, or raise InvalidMove."""
        facts = Facts(self.phase, red_flag, complete, self.shown is not None)
        return replace(self, phase=move(trigger, facts))


@dataclass(frozen=True, slots=True)
class Answered:
    """One question has its answer: a value, "unk" for not known, or None for skipped."""

    question: str
    value: Any
    via: Via = "tap"


@dataclass(frozen=True, slots=True)
class Marked:
    """One option of a multi-select was switched on or off."""

    question: str
    option: str
    on: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The marks of a multi-select, or the entries of a dose question, are its answer."""

    question: str


@dataclass(frozen=True, slots=True)
class Picked:
    """A drug of the dose question was tapped."""

    question: str
    drug: str


@dataclass(frozen=True, slots=True)
class Doses:
    """The dose editor: focus on an entry, list the drugs for another, or drop an entry."""

    question: str
    act: Literal["focus", "another", "drop"]
    entry: int = 0


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Doses were read from typed words and wait for a yes."""

    question: str
    entries: tuple[Mapping[str, Any], ...]
    corrects: tuple[Mapping[str, Any], ...] = ()
    """What the message had said before it was edited."""


@dataclass(frozen=True, slots=True)
class Guessed:
    """Typed words probably mean this value and wait for a yes."""

    question: str
    value: Any


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What was read or guessed is right."""

    how: Placed = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """What was read or guessed is wrong."""


@dataclass(frozen=True, slots=True)
class Back:
    """Return to the question before; nothing is deleted."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A question was opened to be answered or changed."""

    question: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Began:
    """The consult starts."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Show the review card."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Show the summary."""


@dataclass(frozen=True, slots=True)
class Continued:
    """Go on with the questions: with those still open on the card, else with the full path."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan was recorded."""


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """A review of the plan was answered."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Stop this consult; its answers are kept until it is deleted."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The case is done."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """Take an ended case up again."""


Event: TypeAlias = (
    Answered
    | Marked
    | Done
    | Picked
    | Doses
    | ReadBack
    | Guessed
    | Confirmed
    | Declined
    | Back
    | Opened
    | Began
    | Reviewed
    | Asked
    | Continued
    | Planned
    | FollowedUp
    | Cancelled
    | Closed
    | Reopened
)

Note = Literal[
    "stale",
    "first question",
    "nothing marked",
    "not possible",
    "stopped",
    "ended",
    "too many entries",
]


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that was given, changed, or fell away; for the history."""

    question: str
    old: Any
    new: Any
    via: Via


@dataclass(frozen=True, slots=True)
class Step:
    """What one event leads to: the new consult, what changed, and a note when it was refused."""

    consult: Consult
    changes: tuple[Change, ...] = ()
    note: Note | None = None
