"""Questions to the asker, the discussion, and cases like this one: what others do with a shared case."""

import pytest

from bot.screens.opinions import harmless
from bot.talk import PAGE, paged, pieces
from storage import consults, library, shares
from storage.transaction import Tx
from tests.bot.conftest import Conversation
from tests.bot.opining import Opining, opining_of, share_again
from tests.bot.walks import ANSWERS, CHOICES, case_of, every, unharmed
from web.emulator import Group

HTML = "See <b>this</b> & <a href='x'>that</a>, tg://user?id=1, @somebody, /start #tag"


@pytest.fixture
async def case(ready: Conversation) -> Opining:
    return await opining_of(ready)


# --- clarifying questions ---------------------------------------------------------------------------


async def asks(case: Opining, question: str) -> None:
    """Let Ben put a question to the asker."""
    await case.forged(f"cla|{{case}}|{question}|", case.ben)


async def test_a_responder_picks_a_question_and_the_asker_gets_that_very_one(
    case: Opining,
) -> None:
    await case.forged("shv|{case}|p|0|", case.ben)
    await case.talk.taps("Ask the asker", who=case.ben)
    listed = case.ben.screen.text
    assert "Naloxone: Naloxone at home? (not asked)" in listed
    assert "How long has the client been taking it?" not in listed
    number = next(line for line in listed.splitlines() if "Naloxone at home" in line).split(".")[0]

    await case.talk.taps(number, who=case.ben)

    assert case.ben.toasts[-1].text == "Asked. You are told when it is answered."
    assert "Naloxone at home? (waits for the asker)" in case.ben.screen.text
    assert "a question from “Medical/nursing, MAT program”" in case.ana.last.text
    assert "Naloxone at home?" in case.ana.last.text
    await unharmed(case.talk)


async def test_the_answer_updates_everybodys_summary_and_is_on_the_record(case: Opining) -> None:
    await case.gives(case.cleo)
    await asks(case, "naloxone")

    screen = await case.talk.taps("Yes")

    assert "summary" in screen.text
    assert await every(
        case.talk, "SELECT question, via FROM answer_change ORDER BY id DESC LIMIT 1"
    ) == [("naloxone", "clarifying")]
    assert case.ben.last.text.endswith("your question was settled.")
    assert case.cleo.last.text.endswith("Your opinion stands; you can change it.")
    await case.talk.taps("Look at it", who=case.ben)
    assert "• Naloxone: Yes" in case.ben.last.text
    assert "given before the case was updated" in (await case.opens(case.cleo)).text
    await unharmed(case.talk)


async def test_what_else_the_asker_changed_is_not_shown_with_it(case: Opining) -> None:
    await case.talk.says("/summary")
    await case.forged("o|{case}|duration|s|", case.ana)
    await case.talk.taps("Over 12")
    await asks(case, "naloxone")

    await case.talk.taps("Yes")
    await case.forged("shv|{case}|p|0|", case.ben)

    assert "• Naloxone: Yes" in case.ben.last.text
    assert "• Duration: 3-12 months" in case.ben.last.text


async def test_a_question_of_several_answers_opens_as_a_screen(case: Opining) -> None:
    await asks(case, "cns")

    await case.talk.taps("Answer it")
    await case.talk.taps("None")

    assert await every(
        case.talk, "SELECT question, via FROM answer_change ORDER BY id DESC LIMIT 1"
    ) == [("cns", "clarifying")]
    assert await every(case.talk, "SELECT settled FROM clarification") == [("answered",)]


async def test_not_known_is_an_answer_too(case: Opining) -> None:
    await asks(case, "naloxone")

    await case.talk.taps("Not known")

    assert await every(case.talk, "SELECT settled FROM clarification") == [("answered",)]


async def test_the_asker_may_leave_a_question_open(case: Opining) -> None:
    await asks(case, "naloxone")

    await case.talk.taps("Leave it open")

    assert await every(case.talk, "SELECT settled FROM clarification") == [("left",)]
    assert case.ben.last.text.endswith("your question was settled.")
    await case.forged("clq|{case}|naloxone|a|yes|", case.ana)
    assert case.ana.toasts[-1].text == "That question was settled already."


async def test_a_question_is_put_once(case: Opining) -> None:
    await asks(case, "naloxone")

    await case.forged("cla|{case}|naloxone|", case.cleo)
    assert "Somebody asked that already" in case.cleo.toasts[-1].text
    await case.forged("cla|{case}|duration|", case.cleo)
    assert case.cleo.toasts[-1].text == "That question has an answer now."
    assert await every(case.talk, "SELECT count(*) FROM clarification") == [(1,)]


async def test_an_ended_case_takes_no_answer(case: Opining) -> None:
    await asks(case, "naloxone")
    question = case.ana.last
    await case.talk.says("/summary")
    await case.talk.taps("Close the case", "Yes, close it")

    case.ana.forges(f"1|clq|{case.case}|naloxone|a|yes|", question)
    await case.talk.settles()

    assert "ended" in case.ana.toasts[-1].text
    assert await every(case.talk, "SELECT settled FROM clarification") == [(None,)]


async def test_the_asker_and_strangers_ask_nothing(case: Opining) -> None:
    for who in (case.ana, case.clinic.dan):
        assert await case.forged("cla|{case}|naloxone|", who) == "That button no longer works."


# --- the discussion -----------------------------------------------------------------------------------


async def says(case: Opining, words: str) -> str:
    """Let Ben comment, after the round was closed."""
    await case.opens(case.ben)
    await case.talk.taps("Discussion", "Write a comment", who=case.ben)
    return await case.talk.says(words, case.ben)


async def test_a_comment_stands_by_role_for_everybody(case: Opining) -> None:
    await case.closes()

    await says(case, "I would ask about sleep first.")

    await case.talk.taps("Discussion")
    assert "1. Medical/nursing, MAT program, day 0\nI would ask about sleep" in case.ana.last.text
    await unharmed(case.talk)


async def test_nothing_in_a_comment_can_be_tapped(case: Opining) -> None:
    await case.closes()

    shown = await says(case, HTML)

    assert shown.replace("\u2060", "").count(HTML) == 1
    entities = case.ben.last.wire.get("entities", [])
    assert {e["type"] for e in entities} <= {"bold", "italic"}


@pytest.mark.parametrize(
    "words",
    ["https://x.org", "tg://resolve?domain=a", "t.me/abc", "@name", "/start", "(/start)", "#tag"],
)
def test_links_mentions_and_commands_are_broken(words: str) -> None:
    assert "\u2060" in harmless(words)
    assert harmless(words).replace("\u2060", "") == words


@pytest.mark.parametrize("words", ["0.5 mg", "and/or", "5/325", "e.g. this", "a: b", "50 %"])
def test_ordinary_words_stay_as_they_are(words: str) -> None:
    assert harmless(words).replace("e.\u2060g", "e.g") == words


async def test_a_comment_of_4096_characters_is_kept_whole_and_shown_on_pages(
    case: Opining,
) -> None:
    await case.closes()
    words = ("The plan is to wait and see " * 147)[:4095] + "."

    last = await says(case, words)

    assert last.endswith(words[-60:])
    assert "· 2/2" in last
    first = (await case.talk.taps("‹ Page 1", who=case.ben)).text
    assert words[:60] in first
    await unharmed(case.talk)


@pytest.mark.parametrize(
    "text", ["<" * 4096, "𝒙" * 2048, "a b " * 1024, "", "x" * PAGE, "\n" * 4000]
)
def test_pieces_hold_every_character_and_fit(text: str) -> None:
    found = pieces(text)

    assert "".join(found) == text
    assert all(len(piece.encode("utf-16-le")) // 2 <= PAGE for piece in found)


def test_no_page_is_empty_but_the_only_one() -> None:
    assert paged([]) == [[]]


async def test_the_discussion_stays_shut_while_one_has_not_said_what_one_thinks(
    case: Opining,
) -> None:
    await case.gives(case.ben)
    await case.talk.taps("Discussion", "Write a comment", who=case.ben)
    await case.talk.says("I would wait.", case.ben)

    for who in (case.ana, case.cleo):
        await case.forged("tlk|{case}|", who)
        assert "The discussion opens for you once" in who.last.text
        await case.forged("tlk|{case}|say|", who)
        assert "no longer works" in who.toasts[-1].text


async def test_an_identifier_in_a_comment_is_not_kept(case: Opining) -> None:
    await case.closes()

    assert "Not stored" in await says(case, "Call her at 555-201-7788.")
    assert await every(case.talk, "SELECT count(*) FROM comment") == [(0,)]


async def test_a_full_discussion_says_so(case: Opining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.discussion.MOST_COMMENTS", 0)
    await case.closes()

    await says(case, "One more.")

    assert any("This discussion is full." in m.text for m in case.ben.replies[-2:])


# --- moderation and new cases ---------------------------------------------------------------------------


async def test_a_lead_removes_a_comment_with_a_reason_that_stays(case: Opining) -> None:
    await case.closes()
    await says(case, "That is a stupid question.")

    await case.talk.taps("Discussion", "1", "Remove: it was hurtful")

    assert "[removed: it was hurtful]" in case.ana.last.text
    assert "stupid" not in case.ana.last.text
    await case.forged("tlk|{case}|", case.ben)
    assert "[removed: it was hurtful]" in case.ben.last.text
    assert await every(case.talk, "SELECT content, removed FROM comment") == [(None, "hurtful")]


async def test_whoever_is_no_lead_removes_only_their_own(case: Opining) -> None:
    await case.closes()
    await says(case, "I would wait.")
    [(short,)] = await every(case.talk, "SELECT short FROM comment")

    assert await case.forged(f"tlkc|{{case}}|rm|{short}|hurtful|", case.cleo) == (
        "That button no longer works."
    )
    await case.forged(f"tlkc|{{case}}|rm|{short}|author|", case.ana)
    assert "no longer works" in case.ana.toasts[-1].text
    await case.talk.taps("1", "Take it back", who=case.ben)

    assert "[removed: its author took it back]" in case.ben.last.text


async def test_a_comment_that_is_gone_or_of_another_case_leads_nowhere(case: Opining) -> None:
    await case.closes()

    await case.forged("tlkc|{case}|see|abcd1234|", case.ana)

    assert "no longer works" in case.ana.toasts[-1].text


async def test_a_new_case_is_begun_from_a_comment(case: Opining) -> None:
    await case.closes()
    await says(case, "Compare with one on methadone with oxycodone and no end date.")

    await case.talk.taps("1", "Begin a new case from it", who=case.ben)

    assert "is this right?" in case.ben.last.text
    assert "“no end date”" in case.ben.last.text
    assert await every(case.talk, "SELECT count(*) FROM consult") == [(2,)]


# --- replies in the group -----------------------------------------------------------------------------


async def carded(case: Opining) -> Group:
    """Return a group of the team in which the case's card stands."""
    group = await case.clinic.bound()
    await share_again(case)
    return group


async def test_replies_to_the_card_join_the_discussion_and_edits_change_them(
    case: Opining,
) -> None:
    group = await carded(case)
    ben = case.ben.in_group(group)

    message = ben.says("I would wait.", reply_to=group.messages[-1])
    await case.talk.settles()
    ben.edits(message, "I would wait a week.")
    await case.talk.settles()
    await case.closes()
    await case.talk.taps("Discussion")

    assert "I would wait a week." in case.ana.last.text
    assert "(edited)" in case.ana.last.text
    assert await every(case.talk, "SELECT via FROM comment") == [("group",)]


async def test_the_first_reply_while_a_round_runs_gets_a_notice_in_private_and_none_in_the_group(
    case: Opining,
) -> None:
    group = await carded(case)
    card, stood = group.messages[-1], len(group.messages)
    ben = case.ben.in_group(group)
    before = len(case.ben.replies)
    message = ben.says("I would wait.", reply_to=card)
    await case.talk.settles()
    told = case.ben.last
    for words in ("And ask again.", "Once more."):
        ben.says(words, reply_to=card)
        await case.talk.settles()

    assert "is read by all in the group, and is on record by your role" in told.text
    assert told.labels == ["Take the reply back", "Say what you think"]
    assert len(case.ben.replies) == before + 1
    assert len(group.messages) == stood + 3
    await case.talk.taps("Take the reply back", "Take it back", who=case.ben)
    assert "The discussion opens for you once" in case.ben.last.text
    deleted = [c for c in case.talk.emulator.calls if c.method == "deleteMessage"]
    assert deleted[-1].params["message_id"] == message.id
    assert await every(case.talk, "SELECT removed FROM comment ORDER BY id") == [
        ("author",),
        (None,),
        (None,),
    ]


async def newest_comment(case: Opining) -> str:
    [(short,)] = await every(case.talk, "SELECT short FROM comment ORDER BY id DESC LIMIT 1")
    return str(short)


async def test_others_do_not_open_a_reply_that_is_kept_from_them(case: Opining) -> None:
    group = await carded(case)
    case.ben.in_group(group).says("I would wait.", reply_to=group.messages[-1])
    await case.talk.settles()
    one = f"tlkc|{{case}}|see|{await newest_comment(case)}|"

    for who in (case.cleo, case.ana):
        assert "That button no longer works." in await case.forged(one, who)


async def test_the_asker_is_told_too_and_is_asked_for_no_opinion(case: Opining) -> None:
    group = await carded(case)
    case.ana.in_group(group).says("He is worse today.", reply_to=group.messages[-1])
    await case.talk.settles()

    assert case.ana.last.labels == ["Take the reply back"]


async def test_a_reply_once_the_round_is_closed_gets_no_notice(case: Opining) -> None:
    group = await carded(case)
    card = group.messages[-1]
    await case.closes()
    before = len(case.ben.replies)
    case.ben.in_group(group).says("I would wait.", reply_to=card)
    await case.talk.settles()

    assert len(case.ben.replies) == before


async def test_a_removed_reply_is_deleted_in_the_group_too(case: Opining) -> None:
    group = await carded(case)
    message = case.ben.in_group(group).says("I would wait.", reply_to=group.messages[-1])
    await case.talk.settles()
    await case.closes()

    await case.talk.taps("Discussion", "1", "Remove: it was off the topic")

    deleted = [c for c in case.talk.emulator.calls if c.method == "deleteMessage"]
    assert deleted[-1].params["message_id"] == message.id


# --- the library ----------------------------------------------------------------------------------------


async def second_case(case: Opining) -> str:
    """Let Cleo have the same case, shared with the team and planned."""
    await case.talk.says("/new", case.cleo)
    short = case_of(case.cleo.screen)
    for each in (*ANSWERS, *CHOICES):
        case.cleo.forges("1|" + each.format(case=short), case.cleo.screen)
    await case.talk.settles()
    return short


async def test_similar_cases_tell_how_many_answers_agree_and_how_they_went(case: Opining) -> None:
    short = await second_case(case)
    await case.forged("lib|{case}|", case.ana)
    assert "No similar case yet." in case.ana.last.text

    await share_and_opt_in(case, short)
    await case.forged("lib|{case}|", case.ana)

    words = case.ana.last.text
    assert "7 of 7 answers the same" in words or "8 of 8 answers the same" in words
    assert "Same: Setting, " in words
    assert "Decided: Agree a written plan to be off within 90 days" in words
    await case.talk.taps(next(label for label in case.ana.screen.labels if "Case " in label))
    assert "· shared" in case.ana.last.text


async def share_and_opt_in(case: Opining, short: str) -> None:
    def unit(tx: Tx) -> None:
        stored = consults.load_short(tx, short)
        shares.with_team(
            tx, shares.publish(tx, stored, stored.owner_id), case.clinic.team.id, stored.owner_id
        )
        assert library.opt_in(tx, stored, stored.owner_id) == 1

    await case.clinic.database(unit)


async def test_the_asker_lets_the_team_find_a_case_and_takes_it_out_again(case: Opining) -> None:
    await case.forged("lib|{case}|", case.ana)

    await case.talk.taps("Let my team find this case")
    assert await every(case.talk, "SELECT count(*) FROM library_case") == [(1,)]
    await case.talk.taps("Take it out of the library")

    assert await every(case.talk, "SELECT count(*) FROM library_case") == [(0,)]
    assert await case.forged("lib|{case}|in|", case.ben) == "That button no longer works."
