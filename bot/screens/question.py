"""One question a screen: choices, marks, numbers and doses."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.callbacks import encode
from bot.language import Translate
from bot.screen import (
    Button,
    Row,
    Screen,
    bar,
    bold,
    clipped,
    esc,
    laid_out,
    lines,
    paired,
    paragraphs,
)
from dialogs.content import Option, Question, Scenario
from dialogs.doses import BUPRENORPHINE_NOTE, NEVER_COUNTED, show_dose, show_mme, show_number
from dialogs.engine import asking, entries, marked, progress
from dialogs.evaluation import mme_of
from dialogs.model import Consult
from dialogs.opioids import beside, merged, other_way, told
from dialogs.phrases import worded
from dialogs.shown import show_answer

SAFETY = "safety_now"
MOST_SINGLE = 8
"""Boxes in one column; more of them stand in two."""

FULL_WIDTH = 34
"""Characters of a button that fills a 360 px phone; longer options stand in the text, numbered."""


def question_screen(
    consult: Consult,
    scenario: Scenario,
    t: Translate,
    *,
    case: str,
    code: str,
    said: str = "",
    hypothetical: bool = False,
) -> Screen:
    """Return the screen of the question that ``consult`` is at; ``said`` is a line about what was done."""
    question = asking(consult, scenario)
    if question is None:
        raise ValueError("this consult is not at a question")
    shown = _Shown(consult, scenario, question, t, case)
    if consult.phase == "confirming":
        body, rows = shown.reading() if consult.draft.reading else shown.guess()
    elif question.kind == "dose" and entries(consult) and not consult.draft.listing:
        body, rows = shown.doses()
    else:
        body, rows = shown.options()
    head = _head(consult, scenario, t, code, hypothetical=hypothetical)
    return Screen(paragraphs(lines(head, said), body), rows)


def _head(
    consult: Consult, scenario: Scenario, t: Translate, code: str, *, hypothetical: bool
) -> str:
    name = t("What-if case {code}") if hypothetical else t("Case {code}")
    if consult.origin != "path":
        return bold(name.format(code=code))
    place, total = progress(consult, scenario)
    count = t("{place} of {total}").format(place=place, total=total)
    return f"{bold(name.format(code=code))} · {esc(count)}  {bar(place, total)}"


def last_answer(question: Question, value: Any, scenario: Scenario, t: Translate) -> str:
    """Return the line that keeps an answer in the chat: a heading, the answer, a check mark."""
    return f"✓ {esc(question.short)}: {esc(show_answer(question, value, scenario, t))}"


def plain_number(value: float | None) -> str:
    """Return a number without a needless ".0"."""
    return "" if value is None else show_number(value)


class _Shown:
    """One question with all it takes to show it."""

    def __init__(
        self, consult: Consult, scenario: Scenario, question: Question, t: Translate, case: str
    ) -> None:
        self.consult, self.scenario, self.question = consult, scenario, question
        self.t, self.case = t, case

    def button(self, label: str, verb: str, *args: object) -> Button:
        return Button(label, encode(verb, self.case, *args, turn=self.consult.turn))

    # --- choices and marks --------------------------------------------------------------

    def options(self) -> tuple[str, tuple[Row, ...]]:
        options = self.question.options
        numbered = self.question.kind != "dose" and any(
            len(option.label) > FULL_WIDTH for option in options
        )
        body = paragraphs(
            bold(self.question.prompt),
            _numbered(options, none=self.question.kind != "multi") if numbered else "",
            self.hint(),
            self.typed_so_far(),
            self.kept(),
        )
        return body, (*self.choices(numbered=numbered), *self.navigation())

    def hint(self) -> str:
        q, t = self.question, self.t
        if q.kind == "multi":
            ticked = [self.number(o) for o in marked(self.consult, q)]
            said = t("Ticked: {which}.").format(which=", ".join(ticked)) if ticked else ""
            return esc(f"{t('Tick all that apply, then Done.')} {said}".strip())
        if q.kind == "number":
            words = t("Type a number from {low} to {high} ({unit}).")
            low, high = plain_number(q.minimum), plain_number(q.maximum)
            return esc(words.format(low=low, high=high, unit=t(q.unit)))
        if q.kind == "dose":
            return esc(
                t("Tap the medicine. A dose is optional; you can also type it: {example}").format(
                    example=t("oxycodone 10 mg TID")
                )
            )
        return ""

    def typed_so_far(self) -> str:
        """Return the words of a dose that wait for what was asked about them."""
        words, said = self.t("Typed so far: {words}"), self.consult.draft.said
        return esc(words.format(words=said)) if said else ""

    def number(self, option_id: str) -> str:
        ids = [option.id for option in self.question.options]
        return self.question.options[ids.index(option_id)].button if option_id in ids else ""

    def kept(self) -> str:
        """Return the line that offers the answer given before, where there is one."""
        value = self.consult.previous.get(self.question.id)
        held = self.consult.answers.get(self.question.id, value)
        if held is None or (
            self.question.kind == "multi" and self.question.id in self.consult.answers
        ):
            return ""
        words = self.t("Answered before: {answer}")
        return esc(words.format(answer=show_answer(self.question, held, self.scenario, self.t)))

    def choices(self, *, numbered: bool) -> tuple[Row, ...]:
        q = self.question
        if q.kind == "multi":
            return self.marks(numbered=numbered)
        if q.kind == "number":
            return ()
        verb = "pick" if q.kind == "dose" else "a"
        buttons = [
            self.button(self.label(place, option, numbered=numbered), verb, q.id, option.id)
            for place, option in enumerate(q.options, 1)
        ]
        return paired(buttons) if q.kind == "dose" else laid_out(buttons)

    def label(self, place: int, option: Option, *, numbered: bool) -> str:
        if self.question.kind == "dose":
            return option.button
        return f"{place} · {clipped(option.button, 26)}" if numbered else option.label

    def marks(self, *, numbered: bool) -> tuple[Row, ...]:
        q, ticked = self.question, marked(self.consult, self.question)
        none = [option for option in q.options if option.id == "none"]
        rest = [option for option in q.options if option.id != "none"]
        buttons = []
        for place, option in enumerate(rest, 1):
            on = option.id in ticked
            words = self.mark_words(place, option, numbered=numbered)
            sign = "☑" if on else "☐"
            buttons.append(self.button(f"{sign} {words}", "m", q.id, option.id, 0 if on else 1))
        exclusive = tuple(self.button(o.label, "a", q.id, o.id) for o in none)
        done = self.t("Done ({count})").format(count=len(ticked))
        columns = 4 if q.id == SAFETY else 1 if len(buttons) <= MOST_SINGLE else 2
        return (exclusive, *laid_out(buttons, columns), (self.button(done, "d", q.id),))

    def mark_words(self, place: int, option: Option, *, numbered: bool) -> str:
        """Return what stands on a box to tick; a red flag is never shortened, so it has its number."""
        if self.question.id == SAFETY:
            return str(place)
        return f"{place} · {clipped(option.button, 26)}" if numbered else option.label

    # --- doses --------------------------------------------------------------------------

    def doses(self) -> tuple[str, tuple[Row, ...]]:
        held, q, t = entries(self.consult), self.question, self.t
        focus = self.consult.draft.focus
        rows: list[Row] = []
        listed = []
        for place, entry in enumerate(held):
            here = place == focus or len(held) == 1
            listed.append(f"{'▸' if here else '•'} {esc(show_dose(entry, self.scenario, t))}")
            name = clipped(self.drug(entry), 18)
            rows.append(
                (
                    self.button(t("Dose of {drug}").format(drug=name), "dose", "focus", place),
                    self.button(t("Remove {drug}").format(drug=name), "dose", "drop", place),
                )
            )
        named = self.drug(held[focus]) if focus is not None and focus < len(held) else ""
        body = paragraphs(
            bold(q.prompt),
            "\n".join(listed),
            esc(
                t("Type the dose{of}, for example: {example}").format(
                    of=f" ({named})" if named else "", example=t("10 mg three times a day")
                )
            ),
            esc(t("Without a dose the MME cannot be calculated; everything else works.")),
        )
        rows.append((self.button(t("Add another opioid"), "dose", "another", 0),))
        rows.append((self.button(t("Done ({count})").format(count=len(held)), "d", q.id),))
        return body, (*rows, *self.navigation(skip=False))

    def drug(self, entry: Mapping[str, Any]) -> str:
        return next(o.button for o in self.question.options if o.id == entry["drug"])

    def reading(self) -> tuple[str, tuple[Row, ...]]:
        t, draft = self.t, self.consult.draft
        listed = lines(
            *self.placed(t("Instead of {which}:"), told(draft)),
            *self.placed(t("In addition to {which}:"), beside(draft)),
            *[f"• {esc(show_dose(entry, self.scenario, self.t))}" for entry in draft.reading],
        )
        body = paragraphs(bold(t("I read this. Is it right?")), listed, esc(self.counted()))
        yes, no = self.yes_or_no(t("Yes, that is right"), t("No, I will type it again"))
        return body, (yes, *self.other_way(), no)

    def placed(self, words: str, entries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the line that says what a reading replaces or adds to; none where there is nothing."""
        which = "; ".join(show_dose(entry, self.scenario, self.t) for entry in entries)
        return (esc(words.format(which=which)),) if entries else ()

    def counted(self) -> str:
        """Return what was read in MME, and the sum where other opioids stay."""
        t, draft = self.t, self.consult.draft
        if any(entry["drug"] == "none" for entry in draft.reading):
            return ""
        amount = mme_of(draft.reading, self.scenario.mme_factors)[0]
        never = any(entry["drug"] in NEVER_COUNTED for entry in draft.reading)
        beside = worded(BUPRENORPHINE_NOTE, t) if never else ""
        if not amount:
            nothing = all(entry["drug"] in NEVER_COUNTED for entry in draft.reading)
            return beside if nothing else t("MME: cannot be calculated from this.")
        words = t("Counts as {mme} MME/day. Estimate. Not for converting between opioids.")
        said = f"{words.format(mme=show_mme(amount))} {beside}".strip()
        total = mme_of(merged(draft), self.scenario.mme_factors)[0]
        if not total or len(merged(draft)) == len(draft.reading):
            return said
        return f"{said} {t('All opioids together: {mme} MME/day.').format(mme=show_mme(total))}"

    def other_way(self) -> tuple[Row, ...]:
        """Return the button that places what was read the other way, where that can be meant."""
        labels = {
            "add": self.t("In addition, not instead"),
            "instead": self.t("Instead, not in addition"),
        }
        how = other_way(self.consult.draft)
        return ((self.button(labels[how], "yes", how),),) if how else ()

    def guess(self) -> tuple[str, tuple[Row, ...]]:
        t = self.t
        value = (self.consult.draft.guess or {}).get("value")
        answer = show_answer(self.question, value, self.scenario, t)
        body = paragraphs(
            esc(self.question.prompt),
            bold(t("Did you mean: {answer}?").format(answer=answer)),
        )
        return body, self.yes_or_no(t("Yes"), t("No, show the choices"))

    def yes_or_no(self, yes: str, no: str) -> tuple[Row, ...]:
        return ((self.button(yes, "yes"),), (self.button(no, "no"),))

    # --- the last row -------------------------------------------------------------------

    def navigation(self, *, skip: bool = True) -> tuple[Row, ...]:
        q, t, consult = self.question, self.t, self.consult
        keep: list[Button] = []
        if q.id in consult.previous and q.id not in consult.answers:
            keep.append(self.button(t("Keep the answer before"), "keep", q.id))
        elif q.id in consult.answers and q.kind != "dose":
            keep.append(self.button(t("Keep it and go on"), "keep", q.id))
        unknown = (
            [self.button(t(q.unknown_label or "Not known"), "u", q.id)] if q.allows_unknown else []
        )
        skipped = [self.button(t("Skip"), "s", q.id)] if skip and q.id != SAFETY else []
        why = Button(t("Why?"), encode("v", self.case, "why", q.id))
        last = [self.button(t("‹ Back"), "b"), why, *skipped]
        more = [Button(t("+ Add a dose"), encode("o", self.case, "opioid", "p", turn=consult.turn))]
        offer = more if _dose_wanted(consult, q) else []
        return tuple(tuple(row) for row in (offer, keep, unknown, last) if row)


def _numbered(options: Sequence[Option], *, none: bool) -> str:
    listed = [option for option in options if none or option.id != "none"]
    return "\n".join(f"{place}. {esc(option.label)}" for place, option in enumerate(listed, 1))


def _dose_wanted(consult: Consult, question: Question) -> bool:
    """Say whether this is the question right after a drug was picked without a dose."""
    given = consult.answers.get("opioid")
    if not isinstance(given, list) or question.id != "duration" or consult.origin != "path":
        return False
    return any(e["drug"] != "none" and "strength" not in e for e in given)
