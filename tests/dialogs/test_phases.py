"""The table of moves: what it refuses, and what draws it."""

import sys

import pytest

from dialogs.errors import InvalidMove
from dialogs.phases import Facts, drawing, move


def test_a_move_that_the_table_has_is_refused_while_its_condition_does_not_hold() -> None:
    with pytest.raises(InvalidMove):
        move("advise", Facts("reviewing", red_flag=True))

    assert move("advise", Facts("reviewing")) == "advised"


def test_a_move_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidMove):
        move("follow_up", Facts("asking"))


@pytest.mark.parametrize(
    ("facts", "there"),
    [
        (Facts("closed", red_flag=True, advised=True), "stopped"),
        (Facts("closed", advised=True), "advised"),
        (Facts("cancelled"), "asking"),
    ],
)
def test_an_ended_case_comes_back_to_where_it_stood(facts: Facts, there: str) -> None:
    assert move("reopen", facts) == there


def test_without_the_drawing_tool_there_is_no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)

    assert drawing() is None
