"""The record of a case: what stands in it, and that every form holds the same."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.content import load_scenario
from dialogs.opinions import Concern, Opinion
from dialogs.record.building import Case, Days, Given, Planned, Reviewed, record_of
from dialogs.record.markdown import as_markdown, esc
from dialogs.record.page import as_page, as_sheet, halves, sheet_style, style, style_digest
from dialogs.record.team import Asked, Comment, Round, team_sections
from dialogs.record.values import (
    Block,
    Bullets,
    Card,
    Fact,
    Facts,
    Group,
    Record,
    Said,
    Section,
    Share,
    Spread,
    Words,
)
from tests.dialogs.random_answers import random_answers

BEGUN = datetime(2026, 8, 25, 14, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
FOUNDING: Mapping[str, Any] = {
    "safety_now": ["none"],
    "role": "counselor",
    "setting": "otp",
    "mat": "methadone",
    "reason": "flare",
    "opioid": [{"drug": "oxycodone", "strength": 10, "per_day": 3, "form": "ir"}],
    "duration": "3to12m",
    "endplan": "none",
    "monitoring": ["pain_visits", "counselor"],
    "naloxone": "unk",
    "goal": None,
}


def day(number: int) -> datetime:
    return BEGUN + timedelta(days=number)


def case(**changed: Any) -> Case:
    """The founding case with a summary, as somebody who counsels in a clinic asked it."""
    given: dict[str, Any] = {
        "code": "K7",
        "phase": "advised",
        "hypothetical": False,
        "scenario": load_scenario(),
        "answers": FOUNDING,
        "shown": FOUNDING,
        "opened_at": BEGUN,
    }
    return Case(**{**given, **changed})


def planned(**changed: Any) -> Planned:
    given: dict[str, Any] = {
        "revision": 1,
        "step": "STEP_90D_PLAN",
        "decided": "step",
        "alternative": None,
        "agreed": "client_pain",
        "safeguards": ["naloxone"],
        "stop": "last_review",
        "reason": None,
        "at": day(3),
    }
    return Planned(**{**given, **changed})


def record(*, dates: bool = False, zone: ZoneInfo = UTC_ZONE, **changed: Any) -> Record:
    return record_of(case(**changed), Days(BEGUN, zone, dates))


def text(made: Record) -> str:
    return as_markdown(made)


def section(made: Record, name: str) -> Section:
    return next(part for part in made.sections if part.name == name)


# --- what stands in it ----------------------------------------------------------------------------


def test_the_header_says_code_state_role_and_version() -> None:
    made = text(record(phase="planned", sure_before=2, sure_after=4))

    assert made.startswith("# Case K7\n")
    for line in (
        "- **State:** plan recorded",
        "- **Asked by:** Counselor / case manager in the MAT program",
        "- **Begun:** day 0",
        f"- **Content:** {load_scenario().hash[:12]}",
        "- **How sure:** 2 of 5 before, 4 of 5 after",
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
        "Do not add identifiers.",
    ):
        assert line in made
    assert "de-identified" not in made


def test_not_known_skipped_and_not_asked_read_differently() -> None:
    made = text(record())

    assert "- **Naloxone:** not known" in made
    assert "- **Client's goal:** skipped" in made
    assert "Not asked: MAT dose" in made


def test_a_changed_answer_keeps_its_history() -> None:
    history = (
        Given("duration", "gt12m", "tap", day(0)),
        Given("duration", None, "tap", day(1)),
        Given("duration", "3to12m", "typed", day(2)),
        Given("mat", "methadone", "tap", day(0)),
    )
    rows = section(record(given=history), "answers").blocks[0]

    assert isinstance(rows, Facts)
    notes = {row.label: row.notes for row in rows.rows}
    assert notes["Duration"] == (
        "day 0: Over 12 months (tapped)",
        "day 1: no answer (tapped)",
        "day 2: 3-12 months (typed)",
    )
    assert notes["MAT"] == ()


def test_days_are_counted_in_the_askers_zone_and_dates_are_for_the_asker() -> None:
    late = datetime(2026, 8, 26, 3, tzinfo=UTC)
    zone = ZoneInfo("America/Chicago")

    assert Days(BEGUN, zone, dates=False).say(late) == "day 0"
    assert Days(BEGUN, zone, dates=True).say(late) == "2026-08-25, day 0"
    assert "2026-08" not in text(record(plans=(planned(),)))
    assert "2026-08-28, day 3" in text(record(plans=(planned(),), dates=True))


def test_the_summary_stands_as_it_was_shown_while_answers_change() -> None:
    changed = {**FOUNDING, "endplan": "dated"}
    made = text(record(answers=changed, phase="asking"))

    assert "Answers were changed after this summary was shown" in made
    assert "Agree a written plan to be off within 90 days" in made
    assert "Yes - written, with a date" in made


def test_without_a_summary_the_record_says_so() -> None:
    made = record(answers={"safety_now": ["none"]}, shown=None, phase="asking")

    assert [part.name for part in made.sections] == ["answers", "summary"]
    assert "No summary was shown yet." in text(made)
    assert "role not given" in text(made)


def test_nothing_answered_is_a_record_too() -> None:
    made = record(answers={}, shown=None, phase="welcome")

    assert "Not asked: Safety now" in text(made)


def test_a_red_flag_hides_everything_else_even_an_older_summary() -> None:
    made = record(answers={**FOUNDING, "safety_now": ["si"]}, phase="stopped")
    names = [part.name for part in made.sections]

    assert names == ["answers", "step", "sources"]
    assert "No firm stop date" not in text(made)
    assert load_scenario().step("STEP_EMERGENCY").title in text(made)


def test_what_is_done_about_a_consideration_stands_with_it() -> None:
    made = text(record(dispositions={"RSK7": "will_do"}))

    assert "#### Naloxone not confirmed (Will do)" in made


def test_a_what_if_copy_says_so() -> None:
    assert record(hypothetical=True).title == "Case K7 (what-if)"


def test_plans_reviews_and_outcomes_are_told_in_words() -> None:
    plans = (
        planned(
            decided="alternative", alternative=3, reason="the client asked for it", start_at=day(6)
        ),
        planned(revision=2, decided="other", safeguards=[], at=day(4)),
        planned(revision=3, decided="alternative", alternative=99, at=day(5)),
    )
    reviews = (
        Reviewed(day=None, due_at=day(4), state="sent", outcome=None, answered_at=None),
        Reviewed(day=30, due_at=day(34), state="answered", outcome="on_plan", answered_at=day(35)),
        Reviewed(
            day=60,
            due_at=day(64),
            state="answered",
            outcome="continued",
            answered_at=day(65),
            reason="surgery comes first",
        ),
        Reviewed(day=None, due_at=day(4), state="answered", outcome="reached", answered_at=day(4)),
    )
    made = text(
        record(plans=plans, reviews=reviews, phase="followed_up", changed="partly", worth="yes")
    )

    for line in (
        "### Plan, revision 1 (day 3, replaced)",
        "- **Decided:** Slower taper - about 10% a month or less - especially beyond a year.",
        "- **Reason:** the client asked for it",
        "- **Decided:** Something else",
        "- **Safeguards:** none",
        "- **Decided:** One of the alternatives",
        "- **Step: reached them?:** asked, not answered, due day 4",
        "- **Day 30 of the plan:** On plan, answered day 35",
        "- **Day 60 of the plan:** Continued, with a reason, answered day 65",
        "Reason: surgery comes first",
        "- **Step: reached them?:** Yes, reached them, answered day 4",
        "- **Starts:** day 6",
        "- **Changed what was done:** Partly",
        "- **Worth the time:** Yes",
    ):
        assert line in made


def test_reviews_without_a_plan_are_told_as_well() -> None:
    review = Reviewed(day=7, due_at=day(7), state="waiting", outcome=None, answered_at=None)

    assert "- **Day 7 of the plan:** to come, due day 7" in text(record(reviews=(review,)))


def test_a_consistency_prompt_stands_as_a_check() -> None:
    made = record(answers={**FOUNDING, "setting": "obot"}, shown={**FOUNDING, "setting": "obot"})

    assert "Check: " in text(made)


def test_sources_are_listed_once_and_cited_by_number() -> None:
    rows = section(record(), "sources").blocks[0]

    assert isinstance(rows, Facts)
    assert [row.label for row in rows.rows] == [str(n) for n in range(1, len(rows.rows) + 1)]
    assert len({row.value for row in rows.rows}) == len(rows.rows)


# --- every form holds the same ----------------------------------------------------------------

TALK = (
    Spread("Is there an issue of concern?", (Share("Yes", 2, 3), Share("It depends", 1, 3))),
    Said("Nurse", "day 2", "I would ask first.\nThen *wait*."),
    Said("Pain physician", "day 3", "taken away: off topic", about="moderated", gone=True),
    Bullets("Cited", ("No firm stop date",)),
)


def full() -> Record:
    """A record that has every kind of block."""
    team = Section("opinions", "What the team thinks", (Group("Opinions (3)", TALK), *TALK))
    history = (
        Given("duration", "gt12m", "tap", day(0)),
        Given("duration", "3to12m", "tap", day(1)),
    )
    review = Reviewed(day=30, due_at=day(33), state="sent", outcome=None, answered_at=None)
    return record(given=history, plans=(planned(),), reviews=(review,), team=(team,))


def words_of_page(page: str) -> list[str]:
    body = re.search(r"<main>(.*)</main>", page, re.DOTALL)
    assert body is not None
    without = re.sub(r"<nav.*?</nav>", " ", body[1], flags=re.DOTALL)
    return words_in(unescape(re.sub(r"<[^>]*>", " ", without)))


def words_of_markdown(made: str) -> list[str]:
    without = re.sub(r"(?m)^\s*(#+|>|-)\s", " ", made).replace("**", " ")
    return words_in(re.sub(r"\\(.)", r"\1", without))


def words_in(read: str) -> list[str]:
    """The words alone: signs that only lay out, such as colons after labels, are left out."""
    return re.findall(r"\w+", read)


@pytest.mark.parametrize(
    "made", [record(), full(), record(shown=None)], ids=["plain", "full", "none"]
)
def test_page_sheet_and_markdown_hold_the_same_words_in_the_same_order(made: Record) -> None:
    page = words_of_page(as_page(made))

    assert page == words_of_markdown(as_markdown(made))
    assert page == words_of_page(as_sheet(made))
    assert len(page) > 20


@settings(max_examples=12, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_case_reads_the_same_in_every_form(random: Random) -> None:
    answers = random_answers(random)
    made = record(answers=answers, shown=answers)

    assert words_of_page(as_page(made)) == words_of_markdown(as_markdown(made))


def test_the_same_case_gives_the_same_bytes() -> None:
    assert as_page(full()) == as_page(full())
    assert as_markdown(full()) == as_markdown(full())


# --- what people wrote stays words -------------------------------------------------------------

HOSTILE = (
    '<script>x</script> <a href="tg://user?id=1">[me](tg://user?id=1)</a>\n# 1. *b* | `c`\n- d'
)


def said(words: str) -> Record:
    return record(team=(Section("talk", "Discussion", (Said("Nurse", "day 1", words),)),))


def test_markup_in_a_comment_is_shown_as_it_was_typed() -> None:
    page, made = as_page(said(HOSTILE)), as_markdown(said(HOSTILE))

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert r"\<script\>x\</script\>" in made
    assert r"\[me\](tg://user?id=1)" in made
    assert "\n> \\# 1. \\*b\\* \\| \\`c\\`  \n> \\- d" in made


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab1 .)-+=*_`#<>[]()|~\\&!\n"), max_size=30))
def test_no_text_leaves_its_quote(words: str) -> None:
    block = Said("Nurse", "day 1", words)
    made = as_markdown(said(words)).split("## Discussion\n\n")[1].split("\n\n## ")[0]

    quoted = made.split("\n\n", 1)[1]
    assert len(quoted.rstrip("\n").split("\n")) == len(block.text.split("\n"))
    assert all(line.startswith("> ") for line in quoted.rstrip("\n").split("\n"))


def test_a_line_cannot_begin_a_list_or_a_heading() -> None:
    assert esc("1. a") == r"1\. a"
    assert esc("- a") == r"\- a"
    assert esc("30-day plan") == "30-day plan"


# --- the page ----------------------------------------------------------------------------------


def test_the_page_needs_nothing_from_anywhere() -> None:
    page = as_page(full())

    assert not re.search(r"(src|href)=[\"'](?!#)", page)
    assert "<script" not in page
    assert "url(" not in style()
    assert style_digest().startswith("sha256-")


def test_every_element_of_a_sheet_has_its_style() -> None:
    within_a_line = {"b", "i", "small", "br"}
    styled = set(re.findall(r"\w+", sheet_style().split("li::marker")[0]))
    used = set(re.findall(r"<([a-z]\w*)", as_sheet(full()).split("</head>")[1]))

    assert used - within_a_line <= styled
    assert {"h1", "section", "li"} <= used


def test_columns_are_cut_where_they_are_about_even() -> None:
    assert halves(["a" * 10, "b" * 10]) == ["a" * 10, "b" * 10]
    assert halves(["a" * 9, "b", "c" * 10]) == ["a" * 9 + "b", "c" * 10]
    assert halves(["a"]) == ["a"]
    assert halves([]) == [""]


def test_each_kind_of_block_is_laid_out() -> None:
    def kinds(blocks: tuple[Block, ...]) -> set[str]:
        inner = (kinds(block.blocks) for block in blocks if isinstance(block, Group))
        return {block.kind for block in blocks}.union(*inner)

    found = {kind for part in full().sections for kind in kinds(part.blocks)}

    assert found == {each.kind for each in (Facts, Words, Bullets, Card, Said, Spread, Group)}
    assert Fact("a", "b").notes == ()


# --- what others thought -------------------------------------------------------------------------

DAYS = Days(BEGUN, UTC_ZONE, dates=False)


def opinion(concern: Concern, **changed: Any) -> Opinion:
    given: dict[str, Any] = {
        "concern": concern,
        "step": "STEP_90D_PLAN",
        "leans_on": "DUR2",
        "sure": 3,
        "role": "pain",
        "reason": "No end is in sight.",
    }
    return Opinion(**{**given, **changed})


def a_round(*opinions: Opinion, **changed: Any) -> Round:
    given: dict[str, Any] = {
        "opened_at": day(1),
        "closed_at": day(2),
        "closed": "asker",
        "opinions": opinions,
    }
    return Round(**{**given, **changed})


def team(*rounds: Round, **parts: Any) -> str:
    given: dict[str, Any] = {"asked": (), "comments": (), "scenario": load_scenario()}
    made = team_sections(rounds, days=DAYS, **{**given, **parts})
    return text(record(team=made))


def test_the_spread_shows_every_side_and_the_strongest_reason_of_each() -> None:
    made = team(
        a_round(
            opinion("yes", reason="Short fills first.", sure=5),
            opinion("yes", step="other", leans_on="other", reason="", changed=True, place=1),
            opinion("no", role="nobody", outdated=True, place=2),
            removed=1,
        )
    )

    for line in (
        "Opened on day 1, closed by the asker on day 2.",
        "This is not a vote. Read the reasons, first of all of those who disagree.",
        "Gone with the account of their author: 1.",
        "- Yes: 2 of 3",
        "- It depends: 0 of 3",
        "- No: 1 of 3",
        "- Another step: 1 of 3",
        "### Yes (2)",
        "the strongest reason of this side",
        "> Short fills first.",
        "> No reason was written.",
        "changed after seeing the others",
        "**A colleague**",
        "given before the case was updated",
    ):
        assert line in made


def test_a_single_opinion_is_said_to_be_one() -> None:
    assert "One opinion: what one person thinks" in team(a_round(opinion("yes")))


def test_nothing_of_a_hidden_round_is_told_not_even_a_number() -> None:
    made = team(a_round(closed_at=None, closed=None, opinions=None), comments=None)

    assert "still open" in made
    assert "shows to those who have given theirs" in made
    assert "The discussion shows again" in made
    assert "1 of 1" not in made


def test_several_rounds_are_numbered() -> None:
    made = team(a_round(opinion("yes")), a_round())

    assert "Round 1: opened on day 1" in made
    assert "Round 2: opened on day 1" in made
    assert "Nobody gave an opinion." in made


def test_clarifying_questions_stand_with_who_asked_and_what_came_of_it() -> None:
    def asked(question: str, **changed: Any) -> Asked:
        given: dict[str, Any] = {
            "question": question,
            "role": "pain",
            "asked_at": day(1),
            "settled_at": None,
            "settled": None,
        }
        return Asked(**{**given, **changed})

    made = team(
        asked=(asked("ecg"), asked("gone", settled_at=day(2), settled="answered")),
    )

    assert "- **Latest QTc on ECG (last 12 months)?:** Pain physician" in made
    assert "on day 1; waits for an answer" in made
    assert "- **gone:**" in made
    assert "answered on day 2" in made


def test_a_removed_comment_leaves_its_reason_and_an_edited_one_says_so() -> None:
    made = team(
        comments=(
            Comment(role="pain", at=day(1), text="Ask the clinic.", edited=True),
            Comment(role="otp_med", at=day(2), text="", gone="it was off the topic"),
        )
    )

    assert "day 1, edited\n\n> Ask the clinic." in made
    assert "> Removed: it was off the topic." in made


def test_a_case_nobody_saw_has_no_such_parts() -> None:
    assert team_sections((), (), (), load_scenario(), DAYS) == ()


def test_what_others_see_is_a_version() -> None:
    made = text(record(version=2, version_at=day(3)))

    assert "- **Shared:** version 2, day 3" in made
