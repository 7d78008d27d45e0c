"""The list of faults in the docs: every one has an expected behaviour and tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$",
    (ROOT / "docs" / "reliability.md").read_text("utf-8"),
    re.MULTILINE,
)
WITHOUT_TEST = {"12"}
"""A promise of PostgreSQL's."""


def test_every_fault_is_listed_once() -> None:
    assert [number for number, *_ in ROWS] == [str(number) for number in range(1, 38)]


def test_every_fault_has_tests_that_there_are() -> None:
    for number, _, expected, shown in ROWS:
        tests = re.findall(r"`([\w/]+\.py)(?:::([\w.]+))?`", shown)

        assert expected
        assert bool(tests) != (number in WITHOUT_TEST), number
        for file, name in tests:
            source = (ROOT / "tests" / file).read_text("utf-8")
            assert name.rpartition(".")[2] in source, f"{number}: {file} has no {name}"
