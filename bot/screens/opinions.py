"""What people think of a case, on the screen: an opinion in taps, then the spread with its dissent.

Pure: the same values give the same screen.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.language import Translate
from bot.screen import bold, chunks, esc, fold, lines, paragraphs
from dialogs.content import Scenario
from dialogs.opinions import (
    CONCERN_WORDS,
    Opinion,
    Side,
    Spread,
    leaning_words,
    remarks,
    step_words,
)

PAGE = 3500
"""UTF-16 units of a page of reasons; the rest is for its head."""

MOST_COUNTED = 5
"""Steps, or considerations, that the first screen of a spread counts."""

_JOINER = "\u2060"
_LIVE = re.compile(
    r"(?<=:)(?=//)|(?<=[@#$])(?=\w)|(?<![\w/]/)(?<=/)(?=\w)|(?<=\w\.)(?=[A-Za-z]{2})"
)
"""Places in words at which Telegram would make a link, a mention, a command or a tag of them."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What turns an opinion's codes into words."""

    scenario: Scenario
    t: Translate

    def concern(self, code: str) -> str:
        words = {c: self.t(label) for c, label in CONCERN_WORDS.items()}
        return words[code]  # type: ignore[index]

    def role(self, role: str) -> str:
        options = self.scenario.question("role").by_id
        return options[role].button if role in options else self.t("Clinician")

    def step(self, step: str) -> str:
        return step_words(step, self.scenario, self.t("Another step"))

    def leaning(self, name: str) -> str:
        return leaning_words(name, self.scenario, self.t("none of the considerations"))


def harmless(words: str) -> str:
    """Return somebody's words as HTML in which nothing can be tapped: no link, mention or command."""
    return esc(_LIVE.sub(_JOINER, words))


# --- one's own --------------------------------------------------------------------------------


def choices_text(choices: Mapping[str, str], reason: str, words: Wording) -> str:
    """Return what somebody chose, a line each."""
    t = words.t
    return lines(
        f"{esc(t('Issue of concern:'))} {bold(words.concern(choices['concern']))}",
        f"{esc(t('Step:'))} {bold(words.step(choices['step']))}",
        f"{esc(t('Weighs most:'))} {bold(words.leaning(choices['leans_on']))}",
        f"{esc(t('How sure:'))} {bold(t('{sure} of 5').format(sure=choices['sure']))}",
        f"{esc(t('Reason:'))} {quoted(reason) if reason else esc(t('none typed'))}",
    )


def quoted(reason: str) -> str:
    return f"“{harmless(reason)}”"


def numbered(titles: Sequence[str]) -> str:
    return "\n".join(f"{place}. {esc(title)}" for place, title in enumerate(titles, 1))


# --- everybody's ------------------------------------------------------------------------------


def spread_text(found: Spread, words: Wording) -> str:
    """Return the three numbers, what they do not mean, and the strongest reason of each side."""
    t = words.t
    numbers = " · ".join(f"{words.concern(s.concern)} {len(s.opinions)}" for s in found.sides)
    said = [esc(t(each.words).format(**each.values)) for each in remarks(found)]
    if not found.total:
        return lines(*said)
    return paragraphs(
        lines(bold(numbers), *said),
        *[_side(side, words) for side in found.sides if side.opinions],
        *_counted(found, words),
    )


def _counted(found: Spread, words: Wording) -> Sequence[str]:
    """Return how often each step was proposed and each consideration weighed most; of one, nothing."""
    if found.total == 1:
        return ()
    return (
        _counts(words.t("Steps proposed"), found.steps, words.step),
        _counts(words.t("What weighs most"), found.considerations, words.leaning),
    )


def _side(side: Side, words: Wording) -> str:
    """Return one side with its strongest reason; that of the smallest side stands like the others."""
    best = side.opinions[0]
    name = words.t("{concern}: the strongest reason").format(concern=words.concern(side.concern))
    return lines(bold(name), opinion_text(best, words))


def opinion_text(opinion: Opinion, words: Wording) -> str:
    """Return one opinion, by role: why, who, how sure, what weighs most, which step."""
    t = words.t
    who = [
        words.role(opinion.role),
        t("sure {sure} of 5").format(sure=opinion.sure),
        t("yours") if opinion.own else "",
        t("changed after seeing the others") if opinion.changed else "",
        t("given before the case was updated") if opinion.outdated else "",
    ]
    return lines(
        quoted(opinion.reason) if opinion.reason else esc(t("No reason typed.")),
        f"<i>{esc(' · '.join(each for each in who if each))}</i>",
        esc(t("Weighs most: {title}").format(title=words.leaning(opinion.leans_on))),
        esc(t("Step: {title}").format(title=words.step(opinion.step))),
    )


def _counts(heading: str, counted: Sequence[tuple[str, int]], name: Callable[[str], str]) -> str:
    listed = [f"• {esc(name(each))}: {count}" for each, count in counted]
    shown, rest = listed[:MOST_COUNTED], listed[MOST_COUNTED:]
    return lines(bold(heading), *shown, fold("\n".join(rest)) if rest else "")


def reasons_pages(found: Spread, words: Wording) -> tuple[str, ...]:
    """Return every opinion by side, in pages; the sides in their fixed order, the strongest first."""
    return chunks(list(_reasons(found, words)), PAGE) or ("",)


def _reasons(found: Spread, words: Wording) -> Iterator[str]:
    for side in found.sides:
        head = f"{words.concern(side.concern)} ({len(side.opinions)})"
        for place, opinion in enumerate(side.opinions):
            text = opinion_text(opinion, words)
            yield lines(bold(head), text) if place == 0 else text
