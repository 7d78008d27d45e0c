"""What people think of a case: the spread of their opinions, the dissent, the strongest reasons.

Never a winner: a majority is shown beside those who disagree, each side with its best reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from dialogs.answers import Answers
from dialogs.content import Scenario
from dialogs.engine import EMERGENCY
from dialogs.evaluation import evaluate, holds, mark

Concern: TypeAlias = Literal["yes", "depends", "no"]

CONCERNS: Final[tuple[Concern, ...]] = get_args(Concern)
"""In the order in which they are always shown, whatever the numbers."""

CONCERN_WORDS: Final[Mapping[Concern, str]] = {"yes": "Yes", "depends": "It depends", "no": "No"}

SURE: Final = (1, 2, 3, 4, 5)
"""How sure somebody is: 1 is not at all, 5 completely."""

OTHER: Final = "other"
"""A step that is none of those offered, or a reason that is none of the considerations."""

MOST_REASON: Final = 280
"""Characters of a reason: one line."""

NOBODY: Final = "Nobody gave an opinion."
SINGLE: Final = "One opinion: what one person thinks, not what the team thinks."
ALIKE: Final = (
    "All {count} answered alike. Nobody argued another side, which does not make it right."
)
NO_VOTE: Final = "This is not a vote. Read the reasons, first of all of those who disagree."
CHANGED: Final = "Changed after seeing the others: {count}."
OUTDATED: Final = "Given before the case was updated: {count}."
GONE: Final = "Gone with the account of their author: {count}."

REMARKS: Final = (NOBODY, SINGLE, ALIKE, NO_VOTE, CHANGED, OUTDATED, GONE)
"""Every sentence that can stand beside the numbers, for those who translate them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one person thinks, by role only.

    ``step`` is a step's id or `OTHER`; ``leans_on`` a consideration's id or `OTHER`; ``place``
    counts the opinions in the order in which they were first given.
    """

    concern: Concern
    step: str
    leans_on: str
    sure: int
    role: str
    reason: str = field(default="", repr=False)
    place: int = 0
    changed: bool = False
    """Changed after the others were seen."""
    outdated: bool = False
    """Given before an answer of the case was added or changed."""
    own: bool = False
    """The reader's."""

    @property
    def strength(self) -> tuple[bool, bool, int, int]:
        """Return what orders reasons: written ones first, then by consideration, surest, earliest."""
        return (not self.reason, self.leans_on == OTHER, -self.sure, self.place)


@dataclass(frozen=True, slots=True)
class Side:
    """Everybody who answered the question of concern alike, the strongest reason first."""

    concern: Concern
    opinions: tuple[Opinion, ...]

    @property
    def strongest(self) -> Opinion | None:
        return self.opinions[0] if self.opinions else None


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about the spread, with the numbers that stand in it."""

    words: str
    values: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> str:
        return self.words.format(**self.values)


@dataclass(frozen=True, slots=True)
class Spread:
    """All opinions of a round: the three sides, the steps proposed, the considerations cited."""

    sides: tuple[Side, ...]
    steps: tuple[tuple[str, int], ...]
    considerations: tuple[tuple[str, int], ...]
    removed: int = 0
    """Opinions that went with the account of their author."""

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        return tuple(opinion for side in self.sides for opinion in side.opinions)

    @property
    def total(self) -> int:
        return sum(len(side.opinions) for side in self.sides)


def spread(opinions: Iterable[Opinion], scenario: Scenario, removed: int = 0) -> Spread:
    """Return the spread of opinions; the order in which they come does not matter."""
    held = sorted(opinions, key=lambda opinion: opinion.strength)
    return Spread(
        sides=tuple(Side(c, tuple(o for o in held if o.concern == c)) for c in CONCERNS),
        steps=_counted([o.step for o in held], [step.id for step in scenario.steps]),
        considerations=_counted(
            [o.leans_on for o in held], [item.id for item in scenario.considerations]
        ),
        removed=removed,
    )


def _counted(ids: Sequence[str], order: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return (id, how often), the most frequent first, then in the scenario's order."""
    place = {name: number for number, name in enumerate((*order, OTHER))}
    return tuple(sorted(Counter(ids).items(), key=lambda item: (-item[1], place[item[0]])))


def remarks(found: Spread) -> tuple[Remark, ...]:
    """Return what has to be said beside the numbers, so that nobody takes them for a verdict."""
    return tuple(_remarks(found))


def _remarks(found: Spread) -> Iterator[Remark]:
    sides = [side for side in found.sides if side.opinions]
    if not sides:
        yield Remark(NOBODY)
    elif found.total == 1:
        yield Remark(SINGLE)
    elif len(sides) == 1:
        yield Remark(ALIKE, {"count": found.total})
    else:
        yield Remark(NO_VOTE)
    for words, count in (
        (CHANGED, sum(opinion.changed for opinion in found.opinions)),
        (OUTDATED, sum(opinion.outdated for opinion in found.opinions)),
        (GONE, found.removed),
    ):
        if count:
            yield Remark(words, {"count": count})


def concern_line(found: Spread) -> str:
    """Return the three numbers in one line, always all three."""
    return " · ".join(f"{CONCERN_WORDS[s.concern]} {len(s.opinions)}" for s in found.sides)


def step_words(step: str, scenario: Scenario, other: str = "Another step") -> str:
    return other if step == OTHER else scenario.step(step).title


def leaning_words(name: str, scenario: Scenario, other: str = "none of the considerations") -> str:
    return other if name == OTHER else scenario.consideration(name).title


def steps_near(answers: Answers, scenario: Scenario) -> tuple[str, ...]:
    """Return the steps whose rows hold for these answers, in the order of the step table."""
    marked = mark(answers, scenario)
    rows = (row.step for row in scenario.step_order if holds(row.when, marked))
    return tuple(dict.fromkeys(step for step in rows if step != EMERGENCY))


def all_steps(scenario: Scenario) -> tuple[str, ...]:
    """Return every step that a team can propose; an emergency is nobody's opinion."""
    return tuple(step.id for step in scenario.steps if step.id != EMERGENCY)


def leanings(answers: Answers, scenario: Scenario) -> tuple[str, ...]:
    """Return the considerations that these answers raise, as the summary orders them."""
    return evaluate(answers, scenario).considerations


def one_line(words: str) -> str:
    """Return a typed reason as one line."""
    return " ".join(words.split())
