"""What a change of answers did to the summary, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.language import Translate
from bot.screen import bold, esc, fold, lines
from dialogs.content import Scenario
from dialogs.evaluation import Difference, Evaluation, Marked, conclude, difference, mark
from dialogs.summary import mme_amount, step_title, summarise

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a change did, as HTML: what always stands in sight, and what may be folded."""

    first: str = ""
    rest: str = ""

    def __str__(self) -> str:
        return lines(self.first, fold(self.rest) if self.rest else "")


def change_lines(before: Answers, after: Answers, scenario: Scenario, t: Translate) -> Told:
    """Return what a change did: the step first, then points, warnings, what is held back, the MME."""
    old, new = mark(before, scenario), mark(after, scenario)
    first, then = conclude(old), conclude(new)
    step = _step_line((old, first), (new, then), t)
    rest = [*_other_lines(difference(first, then), scenario, t), *_mme_line(old, new, t)]
    if not step and not rest:
        same = summarise(before, scenario, t) == summarise(after, scenario, t)
        nothing = t("Changed: nothing in the summary.")
        return Told(esc(nothing if same else t("Changed: neither the step nor the points.")))
    head = lines(bold(t("What your change did")), esc(step))
    return Told(head, "\n".join(esc(line) for line in rest))


def _step_line(old: tuple[Marked, Evaluation], new: tuple[Marked, Evaluation], t: Translate) -> str:
    before, after = (
        step_title(marked.scenario.step(result.step), marked) for marked, result in (old, new)
    )
    words = t("step: {before} → {after}")
    return words.format(before=before, after=after) if before != after else ""


def _other_lines(did: Difference, scenario: Scenario, t: Translate) -> Iterator[str]:
    def titles(ids: tuple[str, ...]) -> str:
        return "; ".join(scenario.consideration(i).title for i in ids)

    def banners(ids: tuple[str, ...]) -> str:
        return "; ".join(scenario.banner(i).title for i in ids)

    if did.added:
        yield "+ " + titles(did.added)
    if did.dropped:
        yield "− " + t("no longer applies: {titles}").format(titles=titles(did.dropped))
    if did.banners_added:
        yield "+ " + t("warning: {titles}").format(titles=banners(did.banners_added))
    if did.banners_dropped:
        gone = banners(did.banners_dropped)
        yield "− " + t("warning no longer shown: {titles}").format(titles=gone)
    if did.held:
        yield t("held back now: {titles}").format(titles=titles(did.held))
    if did.released:
        yield t("no longer held back: {titles}").format(titles=titles(did.released))


def _mme_line(old: Marked, new: Marked, t: Translate) -> Iterator[str]:
    before, after = mme_amount(old, t), mme_amount(new, t)
    if before != after:
        yield t("MME: {before} → {after}").format(before=before, after=after)
