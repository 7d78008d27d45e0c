"""The identifier guard on sentences by several hands, and the policy it follows."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.identifiers import KINDS, Finding, find_identifiers, guard_lines, kind_title, masked

DATA = Path(__file__).parent / "data"
MARK = re.compile(r"\[\[(\w+)\|(.*?)\]\]")


def lines_of(name: str) -> list[str]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def unmarked(line: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a marked sentence without its marks, and where the identifiers stand in it."""
    text, spans, last = "", [], 0
    for match in MARK.finditer(line):
        text += line[last : match.start()]
        spans.append((len(text), len(text) + len(match[2])))
        text += match[2]
        last = match.end()
    return text + line[last:], spans


def overlaps(finding: Finding, span: tuple[int, int]) -> bool:
    return finding.start < span[1] and span[0] < finding.end


OPEN = [json.loads(line) for line in (DATA / "guard_open.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("case", [c for c in OPEN if c["label"]], ids=lambda c: c["id"])
def test_an_identifier_of_the_open_sentences_is_found(case: dict[str, object]) -> None:
    span = (int(str(case["start"])), int(str(case["end"])))

    assert any(overlaps(f, span) for f in find_identifiers(str(case["text"])))


@pytest.mark.parametrize("case", [c for c in OPEN if not c["label"]], ids=lambda c: c["id"])
def test_a_clean_open_sentence_has_no_finding(case: dict[str, object]) -> None:
    assert find_identifiers(str(case["text"])) == ()


def test_nearly_every_identifier_of_the_dirty_sentences_is_found() -> None:
    missed = [
        (kind, text)
        for kind, (text, spans) in (
            (MARK.findall(line), unmarked(line)) for line in lines_of("guard_dirty.txt")
        )
        for span in spans
        if not any(overlaps(f, span) for f in find_identifiers(text))
    ]

    assert len(missed) <= 2, missed


def test_the_clean_sentences_are_left_alone() -> None:
    flagged = [line for line in lines_of("guard_clean.txt") if find_identifiers(line)]

    assert flagged == []


@pytest.mark.parametrize(
    ("text", "kind", "tier"),
    [
        ("call him at 312-555-0143", "phone", "hard"),
        ("her SSN is 219-09-9999", "ssn", "hard"),
        ("write to jo.smith@example.org", "email", "hard"),
        ("seen on 03/14/2024", "date", "hard"),
        ("a 93-year-old woman", "age", "hard"),
        ("Dr. Halvorsen agrees", "name", "soft"),
    ],
)
def test_the_policy_of_kinds_and_tiers(text: str, kind: str, tier: str) -> None:
    found = find_identifiers(text)

    assert any(f.tier == tier for f in found), found
    assert any(kind in f.kind for f in found), found


@pytest.mark.parametrize(
    "text",
    [
        "on it since 2023, relapse on a Monday, seen in Ohio",
        "oxycodone 10 mg TID, 5/325 1-2 q4-6h prn max 6/day",
        "buprenorphine 8-2 BID, methadone 80 mg at the OTP",
        "a 67-year-old man, pain 7/10, 10 weeks",
    ],
)
def test_years_weekdays_states_doses_and_ages_pass(text: str) -> None:
    assert find_identifiers(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "call 3\u200b1\u200b2-555-0143",
        "ｊｏ.ｓｍｉｔｈ@example.org",
        "jo dot smith at example dot org",
        "seen on the third of March",
    ],
)
def test_a_disguise_does_not_hide_it(text: str) -> None:
    assert find_identifiers(text) != ()


def test_an_excerpt_never_shows_the_identifier() -> None:
    text = "please call Jamal Whitfield at 312-555-0143 tomorrow"
    excerpt = masked(text, find_identifiers(text))

    assert "Whitfield" not in excerpt
    assert "0143" not in excerpt
    assert len(excerpt) <= 130


def test_every_kind_has_a_title() -> None:
    assert all(kind_title(kind) for kind in KINDS)


def test_headless_answers_each_line_and_repeats_nothing_of_a_bad_one() -> None:
    lines = ['{"text": "call 312-555-0143"}', "not json", '{"words": "x"}', "", '{"text": 5}']
    good, *bad = [json.loads(answer) for answer in guard_lines(lines)]

    assert good["findings"][0]["tier"] == "hard"
    assert [set(answer) for answer in bad] == [{"error"}] * 3
    assert "not json" not in str(bad)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_findings_lie_in_the_text_in_order_and_never_overlap(text: str) -> None:
    found = find_identifiers(text)

    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
