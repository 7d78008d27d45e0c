"""The message to the colleague, short and long, or the letter the client carries; no identifiers.

The words are the step's own, in their variant for the role, the MAT, the duration and the goal.
What the answers say is filled in; everything else stays a placeholder in [brackets]. A dose appears
only as it was typed and confirmed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dialogs.content import Scenario
from dialogs.doses import show_dose
from dialogs.evaluation import Marked, mark
from dialogs.shown import show_answer, state_of
from dialogs.summary import (
    Summary,
    listed,
    mat_words,
    opioid_words,
    plain_because,
    summarise,
)

SHORT = 256
"""Characters that a copy button holds."""

PART_2_NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The short notice that goes with a disclosure under written consent; 42 CFR 2.32, from memory."""

Basis = Literal["inside", "refused", "recorded", "missing", "other"]
"""What the sending rests on: nobody outside learns of it; consent was refused, is recorded, is not
recorded; or the sender is not known to work in the MAT program."""

PART_2_ROLES = ("counselor", "otp_med")
PERHAPS_PART_2 = ("pcp", "other", None)
"""An office-based prescriber may be a Part 2 program; the bot asks, it does not decide."""

SITUATION = ("mat", "reason", "opioid")
BACKGROUND = ("duration", "endplan", "monitoring", "comm", "naloxone", "cns", "goal")
MOST_RAISED = 4
CARRIED = "Carried by [client], who decides whether to show it. "
RISKY_PAIR = ("methadone_pain", "bup_pain")
"""What is doubled with the MAT where one prescriber is to own the long-acting opioid."""

_PLACEHOLDER = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Message:
    """What can be sent to the colleague, or handed to the client where consent was refused."""

    short: str
    """At most 256 characters."""
    long: str
    """In the order situation, background, assessment, request."""
    basis: Basis
    consent: str
    """What is usually needed before it is sent; never that it is lawful."""

    @property
    def letter(self) -> bool:
        """True when it is a letter the client carries, because consent was refused."""
        return self.basis == "refused"


def colleague_message(answers: Mapping[str, Any], scenario: Scenario) -> Message | None:
    """Return the message for the suggested step, or None where the step has none (an emergency)."""
    told = summarise(answers, scenario)
    if not told.step.draft:
        return None
    basis = _basis(answers, inside=told.step.inside)
    marked = mark(answers, scenario)
    known = _known(marked)
    return Message(
        short=_short(told, known, letter=basis == "refused"),
        long=_long(marked, told, known, basis),
        basis=basis,
        consent=told.step.consent,
    )


def _basis(answers: Mapping[str, Any], *, inside: bool) -> Basis:
    program = answers.get("role") in PART_2_ROLES
    if inside and program:
        return "inside"
    if answers.get("consent") == "refused":
        return "refused"
    if not program:
        return "other"
    return "recorded" if answers.get("consent") == "tpo" else "missing"


# --- what the answers say ---------------------------------------------------------------------

WITHOUT_MAT = {
    "none_active": "no MAT yet (OUD active)",
    "none_remission": "no MAT (OUD in remission)",
}
UNCHANGED = {"none_active": "MAT offered", "none_remission": "recovery support in place"}
GOES_ON = {
    "none_active": "MAT is being offered.",
    "none_remission": "Recovery support goes on.",
}
MAT_FIRST = {
    "methadone": "split-dose methadone or [other]",
    "bup_sl": "dividing or raising buprenorphine or [other]",
    "bup_xr": "raising buprenorphine or [other]",
}
NALOXONE = {"have": "Naloxone is at home", "none": "No naloxone yet"}
FORMS = {"ntx_xr": "[date], injection", "ntx_po": "[date], tablets"}


def _known(marked: Marked) -> dict[str, str]:
    """Return placeholder (in lower case) -> words, for what the answers say."""
    found = {name: fill(marked) for name, fill in FILLS.items()}
    return {name: words for name, words in found.items() if words}


def _by(question: str, words: Mapping[str, str], default: str = "") -> "Fill":
    """Return what gives the words for the answer to a question; ``default`` for any other answer."""
    return lambda marked: words.get(str(marked.kept.get(question)), default)


def _mat(marked: Marked) -> str:
    return mat_words(marked) or WITHOUT_MAT.get(str(marked.kept.get("mat")), "")


def _mat_dose(marked: Marked) -> str:
    """Return the MAT with its dose as typed; the dose stays open where nobody typed one."""
    named = mat_words(marked)
    return f"{named} {_methadone(marked) or '[dose]'}" if named else _mat(marked)


def _mat_goes_on(marked: Marked) -> str:
    mat = marked.kept.get("mat")
    return GOES_ON.get(mat, "MAT continues unchanged.") if mat else ""


def _methadone(marked: Marked) -> str:
    return _answer("methadone_dose", marked)


def _opioid(marked: Marked) -> str:
    none = marked.kept.get("opioid") == [{"drug": "none"}]
    return "an opioid" if none else opioid_words(marked)


def _opioid_and_dose(marked: Marked) -> str:
    entries = marked.kept.get("opioid", ())
    if any("strength" in entry for entry in entries):
        return "; ".join(_lower(show_dose(entry, marked.scenario)) for entry in entries)
    words = _opioid(marked)
    return f"{words} [dose]" if words else ""


def _product(marked: Marked) -> str:
    """Return what is doubled with the MAT."""
    options = marked.scenario.question("opioid").by_id
    drugs = [entry["drug"] for entry in marked.kept.get("opioid", ())]
    return listed([options[drug].words for drug in drugs if drug in RISKY_PAIR])


def _times(marked: Marked) -> str:
    """Return how often the one opioid is taken, where that was typed."""
    counts = {entry.get("per_day") for entry in marked.kept.get("opioid", ())}
    count = counts.pop() if len(counts) == 1 else None
    return f"{count:g}" if count is not None else ""


def _unknown_side(marked: Marked) -> str:
    """Return what the team that does not know would be told of."""
    told = {"pain_unaware": _mat, "mat_unaware": _opioid}.get(str(marked.kept.get("comm")))
    return told(marked) if told else ""


def _duration(marked: Marked) -> str:
    return "" if marked.kept.get("duration") == "notyet" else _answer("duration", marked)


def _reason(marked: Marked) -> str:
    reason = marked.kept.get("reason")
    words = marked.scenario.question("reason").option(reason).words if reason else ""
    return words or _answer("reason", marked)


def _sedative(marked: Marked) -> str:
    none = marked.kept.get("cns") == ["none"]
    return "no other sedating medicine" if none else _answer("cns", marked)


def _signal(marked: Marked) -> str:
    """Return the signals, or that the MAT itself is new or was interrupted."""
    signals = _answer("signals", marked)
    unsettled = marked.kept.get("mat_status") in ("new", "missed")
    return signals or (_answer("mat_status", marked) if unsettled else "")


def _answer(name: str, marked: Marked) -> str:
    """Return the answer to a question as it stands in a sentence; "none" of several is no answer."""
    value = marked.kept.get(name)
    if value is None or value == ["none"]:
        return ""
    shown = show_answer(marked.scenario.question(name), value, marked.scenario)
    return ", ".join(map(_lower, shown.split("; ")))


def _said(name: str) -> "Fill":
    return lambda marked: _answer(name, marked)


Fill = Callable[[Marked], str]
FILLS: Mapping[str, Fill] = {
    "mat": _mat,
    "mat drug": _mat,
    "mat drug/dose": _mat_dose,
    "mat unchanged": _by("mat", UNCHANGED, "MAT unchanged"),
    "mat continues unchanged / mat is being offered.": _mat_goes_on,
    "mat split/other": _by("mat", MAT_FIRST),
    "mat / opioid": _unknown_side,
    "opioid": _opioid,
    "opioid and dose": _opioid_and_dose,
    "product": _product,
    "n": _times,
    "dose": _methadone,
    "date/form": _by("mat", FORMS),
    "duration": _duration,
    "pain": _reason,
    "reason": _reason,
    "signal": _signal,
    "value": _said("ecg"),
    "sedative": _sedative,
    "naloxone given: yes/no": _by("naloxone", NALOXONE),
    "with consent": _by("consent", {"tpo": "with consent"}),
}
"""Placeholder in lower case -> what fills it; what returns nothing leaves it open."""

ONLY_BEFORE = {"n": "x/day"}
"""A placeholder that is filled only before these words: [n] times a day is not [n] weeks."""


def _lower(words: str) -> str:
    """Return words as they stand inside a sentence; abbreviations keep their capitals."""
    first = words.split(" ", maxsplit=1)[0]
    return words if first.isupper() and len(first) > 1 else words[:1].lower() + words[1:]


def filled(draft: str, known: Mapping[str, str]) -> str:
    """Return ``draft`` with every placeholder replaced that is known; a capital stays a capital."""

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        words = known.get(name.lower())
        if words is None or not draft.startswith(ONLY_BEFORE.get(name, ""), match.end()):
            return match[0]
        capital = name[0].isupper() and name[1:2].islower()
        return words[:1].upper() + words[1:] if capital else words

    return _PLACEHOLDER.sub(fill, draft)


# --- the two messages ---------------------------------------------------------------------------


def _short(told: Summary, known: Mapping[str, str], *, letter: bool) -> str:
    """Return the short message, with as much filled in as fits a copy button."""
    own = told.step.short or f"About [client]: {told.step.title}. Can we speak by [date]? [phone]"
    draft = CARRIED + own if letter else own
    brief = {name: words for name, words in known.items() if name in ("mat", "mat unchanged")}
    tries = (filled(draft, known), filled(draft, brief), draft)
    return next(text for text in tries if len(text) <= SHORT)


def _long(marked: Marked, told: Summary, known: Mapping[str, str], basis: Basis) -> str:
    told_below = {marked.scenario.question(name).short for name in (*SITUATION, *BACKGROUND)}
    why = plain_because(b for b in told.step.why if b.question not in told_below)
    blocks = [
        _heading(marked, letter=basis == "refused"),
        _section("Situation", _facts(marked, SITUATION), [f"- {why}"] if why else []),
        _section("Background", _facts(marked, BACKGROUND)),
        _section(
            "Assessment (points from guidance, not a verdict)", _assessed(told, marked.scenario)
        ),
        f"Request\n{filled(told.step.draft, known)}\nBy when: {told.step.by}",
        "[name, role, phone, best time to call]",
        *_notice(marked.answers, basis),
    ]
    return "\n\n".join(blocks)


def _heading(marked: Marked, *, letter: bool) -> str:
    role = marked.kept.get("role")
    writer = marked.scenario.question("role").option(role).label if role else "[role]"
    about = f"To: [colleague]\nAbout: [client]\nFrom: {writer}"
    carried = (
        "Letter for the client to carry, and to show or not. Nothing is disclosed without them."
    )
    return f"{carried}\n{about}" if letter else about


def _section(title: str, *groups: Iterable[str]) -> str:
    return "\n".join([title, *(line for group in groups for line in group)])


def _facts(marked: Marked, names: Sequence[str]) -> list[str]:
    """Return what is known, a line each, then what is not: looked for, and never asked, apart."""
    scenario, asked = marked.scenario, [name for name in names if name in marked.asked]
    shown = [(scenario.question(n), marked.kept[n]) for n in asked if n in marked.kept]
    lines = [f"- {question.short}: {show_answer(question, v, scenario)}" for question, v in shown]
    for heading, states in (("Not known", ("not known",)), ("Not asked", ("skipped", "not asked"))):
        missing = [
            scenario.question(n).short for n in asked if state_of(n, marked.answers) in states
        ]
        if missing:
            lines.append(f"- {heading}: {', '.join(missing)}")
    return lines


def _assessed(told: Summary, scenario: Scenario) -> list[str]:
    urgent = [
        f"- {view.title}"
        for view in told.raised
        if view.priority == "address-now" and not scenario.consideration(view.id).for_asker
    ]
    return urgent[:MOST_RAISED] or ["- none to address now"]


def _notice(answers: Mapping[str, Any], basis: Basis) -> list[str]:
    """Return the Part 2 notice where it goes with what is sent."""
    if basis in ("recorded", "missing"):
        return [PART_2_NOTICE]
    if basis == "other" and answers.get("role") in PERHAPS_PART_2:
        return [f"[If your clinic's records are Part 2 records: {PART_2_NOTICE}]"]
    return []
