"""What the identifier guard finds, what it leaves alone, and that it never runs away."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dialogs.identifiers as guard
from dialogs.identifiers import Finding, find_identifiers, guard_lines, kind_title, masked

DATA = Path(__file__).parent / "data"
MARK = re.compile(r"\[\[(\w+)\|([^\]]*)\]\]")


def lines(name: str) -> list[str]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def unmarked(line: str) -> tuple[str, list[tuple[str, int, int]]]:
    text, spans, end = "", [], 0
    for found in MARK.finditer(line):
        text += line[end : found.start()]
        spans.append((found[1], len(text), len(text) + len(found[2])))
        text, end = text + found[2], found.end()
    return text + line[end:], spans


def kinds(text: str) -> set[str]:
    return {finding.kind for finding in find_identifiers(text)}


def tiers(text: str) -> set[str]:
    return {finding.tier for finding in find_identifiers(text)}


def words(text: str) -> list[str]:
    return [text[f.start : f.end] for f in find_identifiers(text)]


# sentences by hand


@pytest.mark.parametrize("line", lines("guard_dirty.txt") + lines("guard_typed_dirty.txt"))
def test_finds_what_is_marked_and_nothing_else(line: str) -> None:
    text, spans = unmarked(line)
    findings = find_identifiers(text)

    assert all(any(f.start < end and start < f.end for f in findings) for _, start, end in spans)
    assert all(any(f.start < end and start < f.end for _, start, end in spans) for f in findings)


@pytest.mark.parametrize("text", lines("guard_clean.txt") + lines("guard_typed_clean.txt"))
def test_leaves_clean_text_alone(text: str) -> None:
    assert words(text) == []


@pytest.mark.parametrize("line", lines("guard_open.jsonl"))
def test_agrees_with_the_labelled_sentences(line: str) -> None:
    row = json.loads(line)
    findings = find_identifiers(row["text"])

    if row["label"]:
        assert any(f.start < row["end"] and row["start"] < f.end for f in findings)
    else:
        assert findings == ()


# kinds

EXAMPLES = {
    "name": ("Mr. Tran missed three doses", "pt josh relapsed"),
    "date": ("seen 3/14/2024", "due on 10/01", "on March 3", "the third of March", "14 de marzo"),
    "phone": ("call 614-555-0155", "+44 7700 900123", "cell 07700 900 461", "text 6145550155"),
    "fax": ("fax it to (513) 555-0108", "fax 6145550121"),
    "email": ("write a.b@mail.example", "a.b at mail dot example", "jdoe at gmail"),
    "address": ("lives at 31 Elm St", "P.O. Box 318", "10809 County Road 42", "Calle Ocho 14"),
    "geo": ("lives in chillicothe", "Gallia County", "from Marietta, OH", "County of Gallia"),
    "zip": ("zip 43215", "OH 44502", "45701-2979", "K1A 0B1", "lives in 45662"),
    "age": ("aged 97", "90F on tramadol", "ninety-three year old", "born 1931", "she is 93, alone"),
    "ssn": ("523-18-9046", "ssn 305118842", "last 4 of ssn 6640", "xxx-xx-7719"),
    "mrn": ("MRN 00834412", "chart no. 44-81-20", "MR# 902-11-7"),
    "plan": ("Medicare 1EG4-TE5-MK73", "member ID YRP882930114"),
    "account": ("acct # 0048 2291", "visa ending 4242", "4111 1111 1111 1111"),
    "license": ("DEA BX4821937", "driver's license S530-460-88-120"),
    "plate": ("license plate GOBUCKS", "tag 8TRK201", "Ohio plate HKL 4471"),
    "vin": ("1HGCM82633A004352 is his truck",),
    "device": ("stimulator serial NKX204418S", "mac 00:1B:44:11:3A:B7"),
    "url": ("https://mychart.example/visit?id=8821", "see facebook.com/u.tharp"),
    "ip": ("from 73.54.201.18", "fe80::1ff:fe23:4567:890a"),
    "handle": ("ig @lil.dre_43", "venmo $Brayden-Cuts", "u/throwra_1", "username: kaykayx"),
    "other": ("inmate # 558-204", "badge 4471", "ref AB-2024-00913", "9006217 is on it"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in EXAMPLES.items() for t in ts])
def test_every_kind_is_found_by_its_name(kind: str, text: str) -> None:
    assert kind in kinds(text)


def test_every_kind_has_a_title_and_examples() -> None:
    assert set(EXAMPLES) == set(guard.KINDS)
    assert all(kind_title(kind) for kind in guard.KINDS)


# policy


@pytest.mark.parametrize("text", lines("guard_passes.txt"))
def test_passes(text: str) -> None:
    assert words(text) == []


@pytest.mark.parametrize("text", lines("guard_soft.txt"))
def test_may_be_overridden(text: str) -> None:
    assert tiers(text) == {"soft"}


@pytest.mark.parametrize("text", lines("guard_hard.txt"))
def test_has_to_be_edited(text: str) -> None:
    assert "hard" in tiers(text)


def test_findings_that_overlap_are_one() -> None:
    assert words("call Emily Carter-Young MD") == ["Emily Carter-Young"]


# spans

SCRAPS = st.sampled_from(
    [
        "Mr. ",
        "Tran ",
        "pt ",
        "J0hn ",
        "Ж",
        "王",
        "\u200b",
        "é",
        "ﷺ",
        "3/14/24 ",
        "614-555-0155 ",
        "@a_b ",
        "MRN ",
        "12345 ",
        "May ",
        "5 ",
        "\n",
        "(",
        "St ",
        "x@y.example ",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(SCRAPS, max_size=25).map("".join)))
def test_spans_lie_in_the_text_in_order_and_apart(text: str) -> None:
    findings = find_identifiers(text)

    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    assert all(one.end <= two.start for one, two in pairwise(findings))
    assert {f.kind for f in findings} <= set(guard.KINDS)


@settings(max_examples=60, deadline=None)
@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_the_excerpt_shows_no_finding_and_is_short(text: str) -> None:
    findings = find_identifiers(text)
    excerpt = masked(text, findings)

    assert len(excerpt) <= 130
    assert all(text[f.start : f.end] not in excerpt for f in findings if f.end - f.start > 2)


def test_spans_are_those_of_the_text_as_it_came() -> None:
    text = "ﬁlms for Jo\u0301zef\u200b Kowalczyk, ８ mg"

    assert words(text) == ["Jo\u0301zef\u200b Kowalczyk"]


WHOLE = {
    "Intake Tues 11/5, no ECG": "Tues 11/5",
    "seen Monday, September 9 again": "Monday, September 9",
    "since Nov 3 '24": "Nov 3 '24",
    "drawn 20MAR2025 in clinic": "20MAR2025",
    "our oldest, aged 90, falls": "aged 90",
    "a 92 y.o. man": "92 y.o.",
    "an asked ninety-three year old": "ninety-three year old",
    "told Emily Carter's sister": "Emily Carter",
    "pt Brown, Angela R. is here": "Brown, Angela R",
    "moved from Marietta, OH": "Marietta, OH",
    "case of Mohammed Al-Farsi": "Mohammed Al-Farsi",
    "lives at 31 Elm St, Zanesville in June": "31 Elm St, Zanesville",
}  # fmt: skip


@pytest.mark.parametrize(("text", "whole"), WHOLE.items())
def test_the_span_is_the_whole_identifier(text: str, whole: str) -> None:
    assert words(text) == [whole]


CUED = {
    "his SS number is 509338172": "ssn",
    "Medicaid # 910028837461": "plan",
    "IMEI 356938035643809": "device",
    "pump s/n 8637-40-NGP0031": "device",
    "lead s/n: NMA8829901": "device",
    "Rx # 6620194 filled": "other",
    "MRN8812073 has pain": "mrn",
    "patient 614-555-0144 called": "phone",
    "her number is 614 555 0144": "phone",
    "F: 513-555-0142": "fax",
    "message t.me/marcus_lee": "handle",
    "moved to Dayton, OH": "geo",
    "at St. Luke's": "geo",
    "ssn 4 1 2 - 5 5 - 9 0 0 1": "ssn",
}


@pytest.mark.parametrize(("text", "kind"), CUED.items())
def test_the_word_before_a_number_says_its_kind(text: str, kind: str) -> None:
    assert kinds(text) == {kind}


# excerpts


def test_the_excerpt_keeps_some_words_around() -> None:
    text = "call 614-555-0155 about the taper"

    assert masked(text, find_identifiers(text)) == "call ▒▒▒▒ about the taper"


def test_the_excerpt_covers_every_place_of_the_words() -> None:
    text = "told Rose to come; Rose did"

    assert "Rose" not in masked(text, find_identifiers(text))


def test_the_excerpt_of_long_text_is_cut_at_words() -> None:
    text = "a long beginning of the note before we saw Emily Carter and then a long rest of the same note"
    excerpt = masked(text, find_identifiers(text))

    assert excerpt.startswith("… ")
    assert excerpt.endswith(" …")
    assert "▒▒▒▒" in excerpt


def test_many_findings_are_cut_short() -> None:
    text = "and then also we called about it 614-555-0155 " * 20

    assert len(masked(text, find_identifiers(text))) <= 130


def test_nothing_found_has_no_excerpt() -> None:
    assert masked("bup 8 mg", ()) == ""


def test_neighbouring_findings_are_covered_together() -> None:
    assert (
        masked("ab12cd", [Finding(0, 2, "name", "hard"), Finding(2, 4, "other", "hard")])
        == "▒▒▒▒ cd"
    )


# headless


def test_each_line_is_answered_with_its_findings() -> None:
    (answer,) = guard_lines(['{"text": "call 614-555-0155"}'])

    assert json.loads(answer) == {
        "findings": [{"kind": "phone", "tier": "hard", "start": 5, "end": 17}]
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "not JSON"),
        ("[1]", "not an object"),
        ('{"words": "John"}', "text is missing"),
        ('{"text": 5}', "not a string"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_an_error_that_repeats_nothing(line: str, says: str) -> None:
    first, second = guard_lines([line, "", '{"text": "ok"}'])

    assert says in json.loads(first)["error"]
    assert "John" not in first
    assert json.loads(second) == {"findings": []}


# work


def calls(text: str) -> int:
    """How many functions of Python are called to read the text."""
    count = 0

    def counted(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        find_identifiers(text)
    finally:
        sys.setprofile(None)
    return count


REPEATED = [
    "1/",
    "1 ",
    "A.",
    "J. ",
    "St ",
    "12 St ",
    "Jan 1 ",
    "(",
    "mrn ",
    "john ",
    "::",
    "zero ",
    "90 ",
    "plate A1",
    "10/01 ",
    "614-555-0",
    "j0hn ",
    "lives in ",
    "éx@St ",
    "王",
    "patient named ",
]


@pytest.mark.parametrize("unit", REPEATED)
def test_twice_the_text_is_at_most_twice_the_work(unit: str) -> None:
    find_identifiers("warm")
    once, twice = (calls((unit * 2000)[:length]) for length in (500, 1000))

    assert twice <= 2.2 * once + 200


def modules() -> Iterator[ModuleType]:
    yield from (m for name, m in sys.modules.items() if name.startswith("dialogs.identifiers."))


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{module.__name__}.{name}", value


def unbounded(parsed: Any, inside: bool = False) -> Iterator[str]:
    """The repeats without a bound that stand inside another repeat, from the parsed form of a pattern."""
    for operation, argument in parsed:
        name = str(operation)
        if name in {"MAX_REPEAT", "MIN_REPEAT"}:
            _, most, body = argument
            endless = most > 1000
            if endless and inside:
                yield name
            yield from unbounded(body, inside or endless)
        else:
            for part in argument if isinstance(argument, list | tuple) else ():
                for group in part if isinstance(part, list) else [part]:
                    if hasattr(group, "data"):
                        yield from unbounded(group, inside)


@pytest.mark.parametrize(("name", "pattern"), sorted(patterns(), key=str))
def test_no_pattern_nests_endless_repeats(name: str, pattern: re.Pattern[str]) -> None:
    parser: Callable[..., Any] = vars(re)["_parser"].parse

    assert list(unbounded(parser(pattern.pattern, pattern.flags))) == [], name
