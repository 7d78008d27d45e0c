"""What a record is made of: a few kinds of blocks, the same for every form it is read in.

A form (page, Markdown) lays the blocks out and adds no word of its own about the case.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

Tone: TypeAlias = Literal["", "lead", "now", "discuss", "good", "quiet", "warning"]
"""How much a block weighs; words say the same, so that nothing depends on a colour."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what holds for it; ``notes`` are further lines, such as earlier answers."""

    label: str
    value: str
    notes: tuple[str, ...] = ()
    missing: bool = False
    """Whether ``value`` says that there is no answer."""


@dataclass(frozen=True, slots=True)
class Facts:
    kind: ClassVar[str] = "facts"
    rows: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """One paragraph."""

    kind: ClassVar[str] = "words"
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """Lines under a heading of their own."""

    kind: ClassVar[str] = "bullets"
    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Something with a title: a consideration, the step, a revision of the plan."""

    kind: ClassVar[str] = "card"
    title: str
    tag: str = ""
    """What became of it, in a word or two."""
    text: str = ""
    facts: tuple[Fact, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said, by role; text that was taken away stands as its tombstone."""

    kind: ClassVar[str] = "said"
    who: str
    when: str
    text: str
    about: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """How many of all chose something."""

    label: str
    count: int
    total: int

    @property
    def words(self) -> str:
        return f"{self.count} of {self.total}"


@dataclass(frozen=True, slots=True)
class Spread:
    """How answers to one question are spread; never a winner."""

    kind: ClassVar[str] = "spread"
    heading: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Blocks under a heading within a section."""

    kind: ClassVar[str] = "group"
    heading: str
    blocks: tuple["Facts | Words | Bullets | Card | Said | Spread", ...]
    tone: Tone = ""


Block: TypeAlias = Facts | Words | Bullets | Card | Said | Spread | Group


@dataclass(frozen=True, slots=True)
class Section:
    """One part; ``name`` is its anchor on a page."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record. The same case as it stands gives the same record, whenever it is made."""

    code: str
    question: str
    """What the case asks."""
    head: tuple[Fact, ...]
    notices: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        return f"Case {self.code}"
