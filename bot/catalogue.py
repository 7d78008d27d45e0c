"""Every sentence of the interface, found in the code, and what a kept catalogue lacks of it."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import get_args

from bot.language import LANGUAGES, catalogue
from bot.menus import ADMIN_MENU, GROUP_MENU, MENU
from dialogs.content import SourceKind, load_scenario, scenario_names
from dialogs.followup import followup
from dialogs.helplines import DAYS
from dialogs.identifiers import KINDS, kind_title
from dialogs.opinions import CONCERN_WORDS, REMARKS
from dialogs.summary import GapState
from storage.console import BREAK_GLASS_REASONS
from storage.discussion import REMOVALS
from storage.unreadable import UNREADABLE

PACKAGES = ("bot", "dialogs", "web")
"""What says something to people; what the pages say in a chat is among it."""

MARKS = ("t", "Phrase")
"""What a sentence is handed to: its translation, or what keeps it until it is worded."""


def lacking(language: str) -> tuple[str, ...]:
    """Return the sentences that have no translation into a language, in alphabetical order."""
    kept = catalogue(language).sentences
    return tuple(sorted(sentence for sentence in sentences() if not kept.get(sentence)))


def report() -> tuple[str, bool]:
    """Return what the catalogues lack as text, and whether they lack nothing."""
    lines = [
        f"error: interface in {name}: not translated: {sentence!r}"
        for language, name in LANGUAGES.items()
        if language != "en"
        for sentence in lacking(language)
    ]
    count = f"interface: {len(sentences())} sentences in {len(LANGUAGES)} languages"
    return "\n".join([count, *lines]), not lines


@cache
def sentences() -> frozenset[str]:
    """Return every sentence of the interface, in English."""
    written = {str(e.value) for e in translated_expressions() if isinstance(e, ast.Constant)}
    return frozenset(written | _computed())


def translated_expressions() -> Iterator[ast.expr]:
    """Yield what the code hands to `t` (also as `turn.t`) or to `Phrase`; both ways of a choice."""
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in MARKS and node.args:
                first = node.args[0]
                yield from (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted(Path(str(files(package))).rglob("*.py"))


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _computed() -> set[str]:
    """Return the words that reach `t` from elsewhere: kinds, states, a plan's words, reasons."""
    plan = {words for choices in followup().choices.values() for words in choices.values()}
    opinions = {*CONCERN_WORDS.values(), *REMARKS, *REMOVALS.values()}
    reasons = set(BREAK_GLASS_REASONS.values())
    menus = {words for _, words in (*MENU, *GROUP_MENU, *ADMIN_MENU)}
    kinds = {kind_title(kind) for kind in KINDS} | set(get_args(SourceKind))
    states = {*get_args(GapState), *DAYS, *_of_questions()}
    return plan | opinions | reasons | menus | kinds | states | {UNREADABLE}


def _of_questions() -> Iterator[str]:
    """Yield what stands at questions and is of the interface: how "not known" is called, units."""
    for question in (q for name in scenario_names() for q in load_scenario(name).questions):
        yield question.unknown_label
        if question.unit:
            yield question.unit
