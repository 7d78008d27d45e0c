"""What the identifier guard finds, what it leaves alone, and that it never runs away."""

import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
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


@pytest.mark.parametrize("line", lines("guard_dirty.txt"))
def test_finds_what_is_marked_and_nothing_else(line: str) -> None:
    text, spans = unmarked(line)
    findings = find_identifiers(text)

    assert all(any(f.start < end and start < f.end for f in findings) for _, start, end in spans)
    assert all(any(f.start < end and start < f.end for _, start, end in spans) for f in findings)


@pytest.mark.parametrize("text", lines("guard_clean.txt"))
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

PASSES = [
    "relapsed in 2021", "in March 2024", "since March", "on Monday", "2 weeks ago", "for 90 days", "an 89-year-old", "moved from Texas to Oregon", "over 90 years old",
    "pt J.S. is stable", "12/3 once daily", "on 8/2 BID", "pain 7/10 today", "2/2 MVA", "March 2-week taper", "call 1-800-662-4357 or 988", "he is 95 kg", "QTc 498 ms",
    "see https://www.samhsa.gov/rules", "PMID 27653566", "version 2.1.10.4", "section 1.2.23 says", "take 8 may help", "temp 99F today", "95% of the dose", "age 95% of",
    "viral load 2500000", "1450000 IU/mL", "2019 2020 2021 labs", "300-600-900 mg", "may 24 h later", "jan 10:30", "dec 10 mg daily", "he may 2 things", "1.5 mar", "NDC 12496-1208-03",
    "HR 92-98", "the 92s", "case 24 mg", "chart review 2020", "case 2019-2021", "visit 12 weeks", "lot 12 mg", "group 24 therapy", "record 120 mg", "order NEJM 2016",
    "bup 8mg@night", "take it @bedtime", "he @16 mg", "met @ clinic", "venmo was paid", "line 3 meds", "signal 12 mg x2", "username unknown here", "twitter drama", "IV 1:2:3",
    "12:30:45 in the log", "CTN-0051 and rs1799971", "J0571-J0575", "Q4 2MG", "plate 12 mg fixation", "12-step way", "1.5 mile road", "24-French street", "2 way street",
    "4 mg st", "next county over", "the county line", "went to Emergency Department", "the Intensive Care Unit Hospital", "WBC 12000 from 14000", "lives in Ohio", "Stanford Hospital protocol",
    "Smith, 2019 said no", "Wong-Baker faces", "Foley out", "Wernicke encephalopathy", "Sordo 2017 and Wakeman 2020", "Johns Hopkins says yes", "Kaplan-Meier curve", "MR imaging", "severe MR on echo", "MS Contin 60",
    "miss doses", "Miss the dose", "10 ms later", "Dr on call", "drug named suboxone", "name: unknown", "brand name is Suboxone", "named the plan", "named only as reason", "pt is on 8 mg", "patient, on bup", "his wife counts films",
    "Will do", "May repeat x1", "Grace period", "Hope this helps", "Mark the site", "Hope is not a plan", "Art therapy", "In Summer Camp style", "told May be", "A Kelly clamp", "the Foley is out", "Use NexGen here", "Jack of all trades",
    "Boston study", "a GP", "met at 6 1 4 5 pm", "p.r.n. and q.i.d.", "s.l. i.v. p.o. b.i.d.", "C O W S low", "b o n e", "one two three", "B12 and H1N1", "M30s", "100000units", "J4n", "xk9zq", "Sentence. Case", "Plan Methadone Taper Naloxone Kit Today",
]  # fmt: skip


@pytest.mark.parametrize("text", PASSES)
def test_passes(text: str) -> None:
    assert words(text) == []


SOFT = [
    "Dr. Ramaswamy agreed", "per dr ramaswamy", "Nurse Halloran called", "Officer Dombrowski needs it", "lives in Dayton", "Gallia County", "on Christmas Eve", "lives on Maple Avenue",
    "5th and Main encampment", "apt 3B", "M5V 3L9", "discharged on the 22nd.", "for 王小明 now", "Иван Щукин", "told Rose to bring it", "marisol says no", "Edit wants to taper", "the Hendersons",
    "spoke with irmtraud hein", "transferred to Mercyhurst Hospital", "31 elm way", "works in Portsmouth", "KIMBERLY came", "s d f g h j k", "asked jay's mom", "corner of Oak and Vine",
]  # fmt: skip


@pytest.mark.parametrize("text", SOFT)
def test_may_be_overridden(text: str) -> None:
    assert tiers(text) == {"soft"}


HARD = [
    "Mr. Grace wants to taper", "mr young is out", "mrs. o'leary", "Ms. van der Berg", "Miss Havisham", "MS GARCIA-LOPEZ", "saw ms garcia", "Sr. Rosario", "Aunt Bernadette", "J. Whitcomb", "J. R. Whitcomb", "Bill H. keeps", "Brown, Angela R.", "Young, Chase 22M",
    "Emily Carter", "Mark Young says", "JOHN LONG here", "patient named Red", "her name is Young", "goes by Smokey", "pt john smith", "his cousin big mike", "Big Tony came", "maria gonzalez today", "told Hope is 28 weeks", "call Keisha back", "Tyrone says",
    "J0hn Sm1th", "J o h n  S m i t h", "j o h n s m i t h", "six one four five five five oh one two two", "five two three one eight nine oh four six", "6 1 4 5 5 5 0 1 4 4", "6-1-4-5-5-5-0",
    "RR 2 Box 15", "State Route 56", "Hauptstrasse 12", "lives at 905 Larchmere", "12 Oak St, Apt 4", "3.14.68", "20240611", "03 14 2024", "from 4/2 to 4/9", "10/01 visit", "Oct 22", "5 Nov", "Tuesday the 9th", "Sat 14th", "Monday the third", "June twenty-first", "twenty first of June",
    "March the 3rd", "may 5th", "on may 5", "5 march 2024", "94 M with falls", "he turned 90", "her 93rd birthday", "a hundred and two year old", "aged ninety", "98765 43210", "0044 7700 900123", "044 55 1234 5678", "call 555-0119", "5550119 12345",
    "12 34567 89012", "routing 041000124", "1234567890123", "4242424242424242", "www.example.org/p", "hxxp://a.example", "login at 10.0.0.12", "ig: john.doe.80", "snapchat: kaykay_xo99", "fb name kowalczyk", "twitter @jdoe", "AB-123456-C", "plate ABC 1234", "passport C03005988", "NPI 1487792215", "file A1029384",
]  # fmt: skip


@pytest.mark.parametrize("text", HARD)
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


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(SCRAPS, max_size=25).map("".join)))
def test_spans_lie_in_the_text_in_order_and_apart(text: str) -> None:
    findings = find_identifiers(text)

    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    assert all(one.end <= two.start for one, two in itertools.pairwise(findings))
    assert {f.kind for f in findings} <= set(guard.KINDS)


@settings(max_examples=100, deadline=None)
@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_the_excerpt_shows_no_finding_and_is_short(text: str) -> None:
    findings = find_identifiers(text)
    excerpt = masked(text, findings)

    assert len(excerpt) <= 130
    assert all(text[f.start : f.end] not in excerpt for f in findings if f.end - f.start > 2)


def test_spans_are_those_of_the_text_as_it_came() -> None:
    text = "ﬁlms for Jo\u0301zef\u200b Kowalczyk, ８ mg"

    assert words(text) == ["Jo\u0301zef\u200b Kowalczyk"]


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
    "1/", "1 ", "A.", "J. ", "St ", "12 St ", "Jan 1 ", "(", "mrn ", "john ", "::", "zero ", "90 ", "plate A1", "10/01 ", "614-555-0", "j0hn ", "lives in ", "éx@St ", "王", "patient named ",
]  # fmt: skip


@pytest.mark.parametrize("unit", REPEATED)
def test_twice_the_text_is_at_most_twice_the_work(unit: str) -> None:
    find_identifiers("warm")
    once, twice = (calls((unit * 2000)[:length]) for length in (800, 1600))

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


@pytest.mark.parametrize(("name", "pattern"), sorted(dict(patterns()).items()))
def test_no_pattern_nests_endless_repeats(name: str, pattern: re.Pattern[str]) -> None:
    parser: Callable[..., Any] = re._parser.parse  # type: ignore[attr-defined]

    assert list(unbounded(parser(pattern.pattern, pattern.flags))) == [], name
