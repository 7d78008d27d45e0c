"""What people write is kept by one function, and it keeps no clear identifier."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage import console, consults, discussion, groups, plans, rounds, teams
from storage.database import Database
from storage.errors import Identifying
from storage.transaction import Tx
from tests.sealed import plaintexts
from tests.storage.test_rounds import YES, Team, team_with_a_case

STORAGE = Path(consults.__file__).parent
HARD = "ask Zebulon Quackenbush, MRN 00834412"

NO_WORDS_OF_CLINICIANS = {
    ("people", "_named"): "the person's own name, as their Telegram shows it",
    ("letters", "_sealed"): "an update that could not be handled, for 24 hours",
    ("expecting", "expect"): "words that wait for a yes, which the guard has looked at",
    ("consults", "_sealed_draft"): "a plan's draft; its words are looked at when the plan is kept",
    ("transcript", "_sealed"): "what the bot says, and the codes of what came in",
    ("rounds", "_words"): "an opinion's choices, in codes; its words go the other way",
    (
        "audit",
        "catch_up",
    ): "chains events of the log, which hold no words; it only has the same name",
    ("checkpoints", "_begun"): "the same",
    ("sealing", "seal_words"): "the way of all words of clinicians",
}
"""Who may seal something without the guard, and what."""


def sealing() -> Iterator[tuple[str, str]]:
    """Yield (module, function) of every use of ``seal`` in storage."""
    for path in sorted(STORAGE.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                yield from ((path.stem, function.name) for _ in _calls(function))


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "seal"
        ):
            yield node


def test_nothing_else_is_sealed_without_the_guard() -> None:
    """A new text goes through ``seal_words``, or says here why it holds no words of a clinician."""
    assert set(sealing()) == set(NO_WORDS_OF_CLINICIANS)


PLAN: dict[str, Any] = {
    "step": "STEP_GATHER",
    "decided": "other",
    "agreed": "nobody",
    "safeguards": [],
    "stop": "open",
    "days": [],
}

KEEPS: dict[str, Callable[[Tx, Team, str], object]] = {
    "plan.reason": lambda tx, on, words: plans.record_plan(
        tx, on.case, on.asker.id, PLAN | {"start_at": tx.now, "reason": words}
    ),
    "team.name": lambda tx, on, words: teams.create(tx, on.asker.id, words),
    "team.name, another": lambda tx, on, words: teams.rename(
        tx, teams.load(tx, on.id), words, on.asker.id
    ),
    "team_group.title": lambda tx, on, words: groups.ask(
        tx, on.id, on.asker.id, chat_id=-5, title=words, is_forum=False
    ),
    "comment.content": lambda tx, on, words: discussion.add(tx, on.case, on.ben, words),
    "comment.content, edited": lambda tx, on, words: discussion.edit(
        tx, discussion.add(tx, on.case, on.ben, "I would wait."), words
    ),
    "opinion_draft.reason": lambda tx, on, words: rounds.keep_draft(
        tx, on.case, on.round, on.ben, replace(YES, reason=words)
    ),
    "opinion.reason": lambda tx, on, words: rounds.give(
        tx, on.case, on.round, on.ben, replace(YES, reason=words), base=0
    ),
    "break_glass.reason": lambda tx, on, words: console.break_the_glass(
        tx, on.ben, on.case.id, "safety", words
    ),
}
"""Every way in which storage keeps words of a person, by the column they are kept in."""


@pytest.mark.parametrize("place", KEEPS)
async def test_a_clear_identifier_is_not_kept(database: Database, place: str) -> None:
    scene = await database.write(team_with_a_case)
    with pytest.raises(Identifying) as refused:
        await database.write(lambda tx: KEEPS[place](tx, scene, HARD))
    opened = await database.read(lambda tx: list(plaintexts(tx)))

    assert refused.value.kinds == ("mrn", "name")
    assert "Quackenbush" not in str(refused.value)
    assert not [where for where, text in opened if "Quackenbush" in text]


@pytest.mark.parametrize("place", KEEPS)
async def test_other_words_are_kept(file_database: Database, place: str) -> None:
    scene = await file_database.write(team_with_a_case)
    await file_database.write(lambda tx: KEEPS[place](tx, scene, "in her own words"))
    opened = await file_database.read(lambda tx: list(plaintexts(tx)))

    assert (place.split(",", maxsplit=1)[0], "in her own words") in opened


def test_every_user_of_that_way_is_tried() -> None:
    users = {path.stem for path in STORAGE.glob("*.py") if "seal_words(" in path.read_text("utf-8")}
    tried = {"plan": "plans", "team": "teams", "team_group": "groups", "break_glass": "console"}
    tried |= {"comment": "discussion", "opinion": "rounds", "opinion_draft": "rounds"}

    assert {place.split(".")[0] for place in KEEPS} == set(tried)
    assert users == {*tried.values(), "sealing"}
