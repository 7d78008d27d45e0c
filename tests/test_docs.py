"""What the documents promise to be complete about, compared with the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from storage.access import Action
from storage.handovers import State
from storage.schema import metadata

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CODE = re.compile(r"[a-z_]+\.[a-z_]+")
RECORDERS = {"Event", "AuditEvent", "record", "_record"}
"""What puts an action on record; each module of storage has a ``_record`` of its own."""

BUILT = {"handover": set(get_args(State)) - {"offered", "expired"}}
"""Actions that are put together: object -> what can follow."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in ("bot", "storage", "web"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if not {"migrations", "emulator"} & set(path.parts):
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def calls(tree: ast.AST) -> list[ast.Call]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and called(n) in RECORDERS]


def recorded() -> set[str]:
    """Return every action that the code puts on record.

    Codes in functions that record something, and what such a function is told to record.
    """
    found = {str(action) for action in Action}
    for _, tree in modules():
        told = [n for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg == "recorded"]
        found |= {str(n.value.value) for n in told if isinstance(n.value, ast.Constant)}
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and calls(function):
                words = [n.value for n in ast.walk(function) if isinstance(n, ast.Constant)]
                found |= {w for w in words if isinstance(w, str) and CODE.fullmatch(w)}
    return found | {f"{kind}.{state}" for kind, states in BUILT.items() for state in states}


def built() -> set[str]:
    """Return the beginnings of the actions that are put together in a call."""
    return {
        str(part.values[0].value).rstrip(".")
        for _, tree in modules()
        for call in calls(tree)
        for part in call.args
        if isinstance(part, ast.JoinedStr) and isinstance(part.values[0], ast.Constant)
    }


def named(document: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", (DOCS / document).read_text(encoding="utf-8")))


def test_the_data_dictionary_has_every_action_that_is_put_on_record() -> None:
    found = recorded()

    assert {"consult.open", "team.leave", "handover.accepted", "console.read"} <= found
    assert sorted(found - named("data-dictionary.md")) == []
    assert built() == set(BUILT)


def test_the_data_dictionary_has_no_action_that_nothing_records() -> None:
    actions = {
        action
        for line in (DOCS / "data-dictionary.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
        for action in re.findall(r"`([a-z_]+\.[a-z_]+)`", line.split("|")[1])
    }

    assert sorted(actions - recorded()) == []


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_the_privacy_document_says_what_becomes_of_every_table(table: str) -> None:
    assert table in named("privacy.md")
