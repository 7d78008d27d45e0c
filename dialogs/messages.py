"""The message to the colleague, short and long, or the letter the client carries; no identifiers.

What the answers say is filled in; everything else stays a placeholder in [brackets]. A dose appears
only as it was typed and confirmed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.answers import is_given
from dialogs.content import Scenario
from dialogs.evaluation import evaluate
from dialogs.summary import show_answer, summarise

SHORT = 256
"""Characters that a copy button holds."""

PART_2_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The short notice that goes with a disclosure under written consent; 42 CFR 2.32, from memory."""

PART_2_ROLES = ("counselor", "otp_med")
BACKGROUND = ("setting", "duration", "endplan", "monitoring", "comm", "naloxone", "cns", "goal")
MOST_RAISED = 4

_PLACEHOLDER = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Message:
    """What can be sent to the colleague, or handed to the client where consent was refused."""

    short: str
    """At most 256 characters."""
    long: str
    """In the order situation, background, assessment, request."""
    letter: bool
    """True when it is a letter the client carries, because consent was refused."""
    consent: str


def colleague_message(answers: Mapping[str, Any], scenario: Scenario) -> Message | None:
    """Return the message for the suggested step, or None where the step has none (an emergency)."""
    step = scenario.step(evaluate(answers, scenario).step)
    if not step.draft:
        return None
    letter = answers.get("consent") == "refused" and answers.get("role") in PART_2_ROLES
    known = _known(answers, scenario)
    draft = _filled(step.draft, known)
    view = summarise(answers, scenario).step
    return Message(
        short=_short(view.title, known, letter=letter),
        long=_long(answers, scenario, draft, letter=letter),
        letter=letter,
        consent=view.consent,
    )


def _known(answers: Mapping[str, Any], scenario: Scenario) -> dict[str, str]:
    """Return placeholder -> words, for what the answers say."""
    known: dict[str, str] = {}
    mat: Any = answers.get("mat")
    if is_given(mat) and not str(mat).startswith("none"):
        known["mat"] = known["mat drug"] = _lower(scenario.question("mat").option(mat).button)
    opioids: Any = answers.get("opioid")
    named = (
        [e for e in opioids if e["drug"] not in ("none", "other_opioid")]
        if is_given(opioids)
        else []
    )
    if named:
        options = scenario.question("opioid").by_id
        known["opioid"] = known["product"] = " and ".join(
            _lower(options[e["drug"]].label) for e in named
        )
    counts = {e.get("per_day") for e in named}
    if len(counts) == 1 and (count := counts.pop()) is not None:
        known["n"] = f"{count:g}"
    for name, question in (("duration", "duration"), ("pain", "reason"), ("reason", "reason")):
        value: Any = answers.get(question)
        if is_given(value):
            known[name] = _lower(scenario.question(question).option(value).label)
    return known


def _lower(words: str) -> str:
    """Return words as they stand inside a sentence; abbreviations keep their capitals."""
    first = words.split(" ", maxsplit=1)[0]
    return words if first.isupper() and len(first) > 1 else words[:1].lower() + words[1:]


def _filled(draft: str, known: Mapping[str, str]) -> str:
    def fill(match: re.Match[str]) -> str:
        name = match[1]
        words = known.get(name.lower())
        if words is None:
            return match[0]
        return (
            words[:1].upper() + words[1:] if name[0].isupper() and name != name.upper() else words
        )

    return _PLACEHOLDER.sub(fill, draft)


def _short(title: str, known: Mapping[str, str], *, letter: bool) -> str:
    opening = "I carry this for my own care: " if letter else "About [client], whom we share"
    drugs = [known.get("mat", "[MAT]"), known.get("opioid", "[opioid]")]
    about = "" if letter else f" ({' and '.join(drugs)}): "
    ending = " Could we speak by [date]?"
    room = SHORT - len(opening) - len(about) - len(ending) - 1
    words = title if len(title) <= room else title[: room - 1].rsplit(" ", 1)[0] + "…"
    text = f"{opening}{about}{words}.{ending}"
    return text if len(text) <= SHORT else f"{opening}: {words}.{ending}"[:SHORT]


def _long(answers: Mapping[str, Any], scenario: Scenario, draft: str, *, letter: bool) -> str:
    raised = evaluate(answers, scenario).considerations
    urgent = [c for c in map(scenario.consideration, raised) if c.priority == "address-now"]
    shown = [f"- {c.title}" for c in urgent[:MOST_RAISED]]
    role = answers.get("role")
    situation = ("mat", "reason", "opioid")
    blocks = [
        "For the client to carry to [colleague]:" if letter else "To [colleague], about [client]:",
        "Situation\n" + _facts(answers, scenario, situation),
        "Background\n" + _facts(answers, scenario, BACKGROUND),
        "Assessment (guidance-based points, not a verdict)\n"
        + ("\n".join(shown) or "- none to address now"),
        f"Request\n{draft}",
    ]
    if role in PART_2_ROLES and not letter:
        blocks.append(f"Send only with the client's written consent. {PART_2_NOTICE}")
    return "\n\n".join(blocks)


def _facts(answers: Mapping[str, Any], scenario: Scenario, names: tuple[str, ...]) -> str:
    lines = []
    for name in names:
        value = answers.get(name)
        question = scenario.question(name)
        words = show_answer(question, value, scenario) if is_given(value) else "not recorded"
        lines.append(f"- {question.short}: {words}")
    return "\n".join(lines)
