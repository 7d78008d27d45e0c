"""What a case must be after whatever was tapped: told again, plainly, apart from the engine.

It knows the questions from the reference content, and what each button of a case means. It has no
drafts of typed doses: the tests do not type any.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.dialogs.reference_evaluator import CONTENT, NOT_ASKED, RED_FLAGS, truth

QUESTIONS: dict[str, dict[str, Any]] = {q["id"]: q for q in CONTENT["questions"]}
STOPPING = set().union(*RED_FLAGS.values())
ADVISED = ("advised", "decided", "planned", "followed_up")
ENDED = ("closed", "cancelled")
ORIGINS = {"p": "path", "r": "review", "s": "summary"}
MOST_OPIOIDS = 5
ALWAYS_KNOWN = ("role",)
"""Questions without "not known": the content says so of them in words."""


class Refused(Exception):
    """The button means nothing now; nothing changes."""


@dataclass
class Case:
    """One case as the model has it."""

    answers: dict[str, Any]
    path: str = "quick"
    phase: str = "asking"
    turn: int = 1
    changes: int = 0
    """Rows of the history of answers."""
    previous: dict[str, Any] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    """Questions whose answers fell away when another one changed."""
    cursor: str | None = None
    origin: str = "path"
    advised: bool = False
    marks: list[str] | None = None
    opioids: list[dict[str, Any]] | None = None
    listing: bool = False
    typed: dict[int, str] = field(default_factory=dict)
    """By message: the question that typed words answered."""

    # --- where it is --------------------------------------------------------------------

    @property
    def asked(self) -> list[str]:
        """The questions that apply, in order."""
        kept: dict[str, Any] = {}
        found = []
        for name, question in QUESTIONS.items():
            applies = truth(question.get("ask_when", {"always": True}), kept)
            if applies is False:
                kept[name] = NOT_ASKED
            elif applies:
                found.append(name)
                kept[name] = self.answers.get(name)
        return found

    @property
    def pending(self) -> str | None:
        again = [name for name in self.asked if name in self.again]
        left = [name for name in self.asked if name not in self.answers and self._on_path(name)]
        return next(iter([*again, *left]), None)

    def _on_path(self, name: str) -> bool:
        return self.path == "full" or QUESTIONS[name]["fast"] or name == "role"

    @property
    def question(self) -> str | None:
        """The question on the screen."""
        return (self.cursor or self.pending) if self.phase == "asking" else None

    @property
    def red(self) -> bool:
        value = self.answers.get("safety_now")
        return bool(STOPPING & set(value if isinstance(value, list) else ()))

    @property
    def options(self) -> list[str]:
        return [o["id"] for o in QUESTIONS[self.question or "role"]["options"]]

    # --- what a button does -------------------------------------------------------------

    def tap(self, verb: str, args: list[str], turn: int | None) -> None:
        """Do what a button does; an older turn, or one that makes no sense, does nothing."""
        if verb not in VERBS or (turn is not None and turn != self.turn):
            return
        try:
            VERBS[verb](self, args)
        except Refused:
            return
        self.turn += verb != "m"

    def say(self, words: str, message: int) -> bool:
        """Do what typed words do at a question; return whether they meant something."""
        name = self.question
        meant = self._meant(words)
        if name is None or meant is None:
            if words == "back" and self.phase == "reviewing":
                self.tap("b", [], None)
                return True
            return False
        before = self.turn
        self.tap(*meant)
        if self.turn != before:
            self.typed.pop(message, None)
            self.typed[message] = name
        return True

    def _meant(self, words: str) -> tuple[str, list[str], None] | None:
        name = self.question
        if name is None:
            return None
        match words:
            case "back":
                return "b", [], None
            case "skip" if name != "safety_now":
                return "s", [name], None
            case "not known" if name not in ALWAYS_KNOWN:
                return "u", [name], None
            case "1" if QUESTIONS[name]["type"] in ("choice", "multi"):
                one = QUESTIONS[name]["type"] == "choice"
                return ("a", [name, self.options[0]], None) if one else ("first", [name], None)
            case _:
                return None

    def takes_numbers(self, name: str | None) -> bool:
        """Whether the number of an option is an answer: a dose or an amount is read otherwise."""
        return name is None or QUESTIONS[name]["type"] in ("choice", "multi")

    def edit(self, words: str, message: int) -> None:
        """Do what an edit of typed words does: the question is opened again and answered."""
        name = self.typed.get(message)
        if name is None or self.phase in ENDED or (words, name) == ("skip", "safety_now"):
            return  # what fits nothing opens nothing
        origin = "s" if self.phase in ADVISED else "r" if self.phase == "reviewing" else "p"
        before = self.turn
        self.tap("o", [name, origin], None)
        if self.turn != before:
            self.say(words, message)

    # --- the parts of it ----------------------------------------------------------------

    def require(self, name: str) -> dict[str, Any]:
        if self.question != name:
            raise Refused
        return QUESTIONS[name]

    def record(self, name: str, value: Any) -> None:
        """Keep an answer, and go where it leads."""
        known, old = name in self.answers, self.answers.get(name)
        self.answers[name] = value
        self.previous.pop(name, None)
        self.again = [q for q in self.again if q != name]
        if not known or old != value:
            self.changes += 1
            if known:
                self._fall(name)
        self.rest()
        self.cursor = None
        self._lead()

    def _fall(self, name: str) -> None:
        gone = [name]
        for other, question in QUESTIONS.items():
            if other in self.answers and set(gone) & set(_named(question.get("ask_when", {}))):
                gone.append(other)
                self.previous[other] = self.answers.pop(other)
                self.again.append(other)
                self.changes += 1

    def _lead(self) -> None:
        if self.red:
            self.phase = "stopped"
        elif [q for q in self.asked if q in self.again]:
            self.phase = "asking"
        elif self.origin != "path":
            self.go_home()
        else:
            self.phase = "asking" if self.pending else "reviewing"
            self.again = []

    def go_home(self) -> None:
        """Go back to where the question was opened from."""
        if self.red:
            self.phase = "stopped"
            return
        self.phase, self.again = "reviewing", []
        if self.origin == "summary":
            self.advise()
        else:
            self.origin = "path"

    def advise(self) -> None:
        if self.red or self.phase not in ("asking", "reviewing"):
            raise Refused
        self.phase, self.cursor, self.origin, self.again = "advised", None, "path", []
        self.advised = True
        self.rest()

    def open(self, name: str, origin: str) -> None:
        if self.phase in ENDED:
            raise Refused
        self.phase, self.cursor, self.origin = "asking", name, origin
        self.rest()

    def rest(self) -> None:
        """Forget what was ticked and not kept."""
        self.marks, self.opioids, self.listing = None, None, False

    def ticked(self, name: str) -> list[str]:
        if self.marks is not None:
            return self.marks
        kept = self.answers.get(name)
        return list(kept) if isinstance(kept, list) else []

    def entries(self) -> list[dict[str, Any]]:
        if self.opioids or self.listing:
            return self.opioids or []
        kept = self.answers.get("opioid")
        return list(kept) if isinstance(kept, list) else []


def _named(rule: Any) -> Iterator[str]:
    """Return every question that a rule names."""
    if isinstance(rule, dict):
        yield from [rule["q"]] if "q" in rule else []
        yield from ["opioid"] if "drug_in" in rule else []
        for part in rule.values():
            yield from _named(part)
    elif isinstance(rule, list):
        for part in rule:
            yield from _named(part)


# --- buttons ------------------------------------------------------------------------------------


def _choose(case: Case, args: list[str]) -> None:
    question = case.require(args[0])
    case.record(args[0], [args[1]] if question["type"] == "multi" else args[1])


def _unknown(case: Case, args: list[str]) -> None:
    case.require(args[0])
    if args[0] in ALWAYS_KNOWN:
        raise Refused
    case.record(args[0], "unk")


def _skip(case: Case, args: list[str]) -> None:
    case.require(args[0])
    case.record(args[0], None)


def _mark(case: Case, args: list[str]) -> None:
    case.require(args[0])
    kept = [m for m in case.ticked(args[0]) if m not in (args[1], "none")]
    kept += [args[1]] if args[2] == "1" else []
    case.marks = sorted(kept, key=case.options.index)


def _first(case: Case, args: list[str]) -> None:
    """Add the first option to what is ticked, and take that for the answer."""
    case.require(args[0])
    real = [option for option in case.options if option != "none"]
    kept = {m for m in case.ticked(args[0]) if m != "none"} | {real[0]}
    case.record(args[0], [option for option in real if option in kept])


def _done(case: Case, args: list[str]) -> None:
    question = case.require(args[0])
    value: Any = case.entries() if question["type"] == "dose" else case.ticked(args[0])
    if not value:
        raise Refused
    case.record(args[0], [dict(v) if isinstance(v, dict) else v for v in value])


def _pick(case: Case, args: list[str]) -> None:
    case.require(args[0])
    entry = {"drug": args[1]}
    if args[1] == "none" or not case.listing:
        case.record(args[0], [entry])
        return
    held = [e for e in case.entries() if e["drug"] != "none"]
    if len(held) >= MOST_OPIOIDS:
        raise Refused
    case.rest()
    case.opioids = [*held, entry]


def _dose(case: Case, args: list[str]) -> None:
    case.require("opioid")
    held, act, place = case.entries(), args[0], int(args[1])
    if act != "another" and place >= len(held):
        raise Refused
    case.rest()
    rest = held[:place] + held[place + 1 :]
    case.opioids = rest if act == "drop" else held
    case.listing = act == "another" or (act == "drop" and not rest)


def _keep(case: Case, args: list[str]) -> None:
    value = case.answers.get(args[0], case.previous.get(args[0]))
    case.require(args[0])
    case.record(args[0], value)


def _open(case: Case, args: list[str]) -> None:
    name = args[0]
    if name not in case.asked or (name != "safety_now" and "safety_now" not in case.answers):
        raise Refused
    if case.phase == "stopped" and name != "safety_now":
        raise Refused
    case.open(name, ORIGINS.get(args[1], "path"))


def _back(case: Case, args: list[str]) -> None:
    name = case.question
    answered = [q for q in case.asked if q in case.answers and q != "role"]
    if name is None:
        case.open((answered or ["safety_now"])[-1], "path")
    elif case.origin != "path" and case.cursor:
        case.cursor = None
        case.rest()
        case.go_home()
    else:
        path = [q for q in case.asked if q != "role"]
        before = [q for q in path[: path.index(name)] if q in case.answers]
        if not before:
            raise Refused
        case.open(before[-1], "path")


def _review(case: Case, args: list[str]) -> None:
    if "safety_now" not in case.answers or case.phase not in ("asking", *ADVISED):
        raise Refused
    case.phase, case.cursor, case.origin = "reviewing", None, "path"
    case.rest()


def _ask(case: Case, args: list[str]) -> None:
    if "safety_now" not in case.answers:
        raise Refused
    case.advise()


def _more(case: Case, args: list[str]) -> None:
    was = case.path
    case.path = "full"
    if case.pending is None or case.phase in ENDED:
        case.path = was
        raise Refused
    case.phase, case.cursor, case.origin = "asking", None, "path"
    case.rest()


def _ends(phase: str) -> Callable[[Case, list[str]], None]:
    def end(case: Case, args: list[str]) -> None:
        if case.phase in ENDED:
            raise Refused
        case.phase = phase

    return end


def _reopen(case: Case, args: list[str]) -> None:
    if case.phase not in ENDED:
        raise Refused
    case.phase = "stopped" if case.red else "advised" if case.advised else "asking"
    if case.phase == "asking" and case.question is None:
        case.phase = "reviewing"


VERBS: dict[str, Callable[[Case, list[str]], None]] = {
    "a": _choose,
    "u": _unknown,
    "s": _skip,
    "m": _mark,
    "d": _done,
    "first": _first,
    "pick": _pick,
    "dose": _dose,
    "keep": _keep,
    "o": _open,
    "b": _back,
    "rev": _review,
    "f": _ask,
    "more": _more,
    "x": _ends("cancelled"),
    "close": _ends("closed"),
    "reopen": _reopen,
}
