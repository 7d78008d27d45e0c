"""Groups: bound by a lead, one card a case and nothing of it, talk dropped, moves and removals."""

import pytest

from bot import handler
from bot.translate import Text
from bot.turn import Turn
from storage import cards
from storage.consults import StoredConsult
from tests.bot import walks
from tests.bot.conftest import Conversation
from tests.bot.teamwork import Clinic, clinic_of, url_of
from web.emulator import group, person

NEUTRAL = "That message was not recorded: it seems to identify somebody. Please delete it."


@pytest.fixture
async def clinic(ready: Conversation) -> Clinic:
    return await clinic_of(ready)


async def test_a_lead_binds_a_group_and_says_so_in_private(clinic: Clinic) -> None:
    talk = clinic.talk
    ward = group(talk.emulator, "Ward <3>", [talk.me, clinic.ben])
    ward.adds_bot(talk.me)
    await talk.settles()
    here = talk.me.in_group(ward)
    assert "I post one card" in here.last.text

    await talk.says("/team", here)
    assert "in our private chat" in here.last.text
    assert "Post cards in “Ward <3>”?" in talk.me.last.text
    await talk.taps("Yes, of “Team & <co>”")
    assert "posted there from now on" in talk.me.toasts[-1].text
    await talk.says("/team", here)

    assert "posted here already" in here.last.text
    await talk.says("/team")
    await talk.taps("Team & <co>", "Groups", "Ward <3>", "Post no more cards there")
    assert "None yet." in talk.screen.text
    await walks.unharmed(talk)


async def test_the_link_that_adds_us_to_a_group_binds_it_too(clinic: Clinic) -> None:
    talk = clinic.talk
    await talk.says("/team")
    await talk.taps("Team & <co>", "Groups")
    url = str(talk.screen.button("Add me to a group")["url"])
    ward = group(talk.emulator, "Ward 3", [talk.me])
    ward.adds_bot(talk.me)

    await talk.says(
        f"/start@{talk.emulator.bot.username} {url.split('startgroup=')[1]}", talk.me.in_group(ward)
    )

    assert url.startswith(f"https://t.me/{talk.emulator.bot.username}?startgroup=g_")
    assert "Post cards in “Ward 3”?" in talk.me.last.text
    await talk.taps("No")
    assert await talk.rows("SELECT count(*) FROM team_group WHERE bound_at IS NOT NULL") == 0


async def test_only_leads_bind_and_no_team_takes_anothers_group(clinic: Clinic) -> None:
    talk, ward = clinic.talk, await clinic.bound()
    await talk.says("/team", clinic.ben.in_group(ward))
    assert "Only a team's lead" in clinic.ben.in_group(ward).last.text

    await talk.says("/team", clinic.dan)
    await talk.taps("Begin a team", who=clinic.dan)
    await talk.says("Another", clinic.dan)
    await talk.says("/team", clinic.dan.in_group(ward))

    assert "Cards of another team" in clinic.dan.in_group(ward).last.text


async def test_two_leads_are_asked_and_the_first_to_answer_binds(clinic: Clinic) -> None:
    talk = clinic.talk
    await talk.says("/team", clinic.dan)
    await talk.taps("Begin a team", who=clinic.dan)
    await talk.says("Another", clinic.dan)
    ward = group(talk.emulator, "Ward 3", [talk.me, clinic.dan])
    ward.adds_bot(talk.me)
    for who in (talk.me, clinic.dan):
        await talk.says("/team", who.in_group(ward))
    await talk.taps("Yes, of “Team & <co>”")
    await talk.taps("Yes, of “Another”", who=clinic.dan)

    assert "posted there already" in clinic.dan.toasts[-1].text
    assert await talk.rows("SELECT count(*) FROM team_group WHERE bound_at IS NOT NULL") == 1


async def test_the_card_holds_nothing_of_the_case(clinic: Clinic) -> None:
    ward = await clinic.bound()
    await clinic.shared()
    here = clinic.ben.in_group(ward)

    code, question, replies = here.last.text.split("\n")
    assert code.startswith("Case ")
    assert question == "Is there an issue of concern? A colleague asks what you think."
    assert replies == (
        "Replies here are read by all and go on record. Say what you think in private."
    )
    assert here.last.labels == ["Open it in private"]
    assert "Oxycodone" in await clinic.follows(clinic.ben, url_of(here))
    outside = await clinic.follows(clinic.dan, url_of(here))
    assert "That link does not work any more" in outside
    assert "Oxycodone" not in outside
    await walks.unharmed(clinic.talk)


async def test_sharing_again_posts_no_second_card(clinic: Clinic) -> None:
    ward = await clinic.bound()
    await clinic.shared()
    posted = len(clinic.ben.in_group(ward).replies)

    await clinic.talk.taps("Share with more", "I checked: to “Team")

    assert len(clinic.ben.in_group(ward).replies) == posted


async def test_each_case_has_its_topic_where_the_lead_opted_in(clinic: Clinic) -> None:
    ward = await clinic.bound(admin=True, topics=True)
    await clinic.shared()
    [topic] = ward.chat.topics.values()
    card = clinic.ben.in_group(ward).last

    assert topic.name == card.text.split("\n")[0]
    assert card.wire["message_thread_id"] == topic.id
    kept = await walks.every(
        clinic.talk, "SELECT message_id FROM transcript WHERE method = 'createForumTopic'"
    )
    assert kept == [(topic.id,)]


async def test_without_the_right_to_open_topics_the_card_is_posted_all_the_same(
    clinic: Clinic,
) -> None:
    ward = await clinic.bound(topics=True)
    await clinic.shared()

    card = clinic.ben.in_group(ward).last
    assert card.text.startswith("Case ")
    assert "message_thread_id" not in card.wire


async def test_the_topics_of_a_forum_are_turned_on_and_off(clinic: Clinic) -> None:
    await clinic.bound(admin=True, topics=True)
    await clinic.talk.says("/team")
    await clinic.talk.taps("Team & <co>", "Groups", "Ward 3", "A topic for each case: on")

    assert "A topic for each case: off" in clinic.talk.screen.labels
    assert "dropped unread" in clinic.talk.screen.text


async def test_a_group_that_moves_keeps_its_binding_and_its_card(clinic: Clinic) -> None:
    talk = clinic.talk
    ward = group(talk.emulator, "Ward 3", [talk.me, clinic.ben], supergroup=False)
    ward.adds_bot(talk.me)
    await talk.says("/team", talk.me.in_group(ward))
    await talk.taps("Yes, of")
    case = await clinic.shared()
    moved = ward.becomes_supergroup(talk.me)
    await talk.settles()

    await talk.taps("Take back 1")

    assert clinic.ben.in_group(moved).replies == []
    await talk.taps("I checked: to “Team")
    assert clinic.ben.in_group(moved).last.text.startswith("Case ")
    assert case


async def test_when_we_are_removed_the_leads_are_told(clinic: Clinic) -> None:
    talk, ward = clinic.talk, await clinic.bound()
    ward.removes_bot(talk.me)
    await talk.settles()
    assert talk.me.last.text == (
        "I was removed from “Ward 3”. Cards of “Team & <co>” are no longer posted there."
    )

    await clinic.shared()

    assert clinic.ben.last.text.startswith("Case ")
    assert "was shared with “Team & <co>”" in clinic.ben.last.text
    await talk.taps("Look at it", who=clinic.ben)
    assert "Oxycodone" in clinic.ben.last.text


async def test_a_group_we_can_no_longer_write_to_is_unbound(clinic: Clinic) -> None:
    ward = await clinic.bound()
    ward.chat.members[clinic.talk.emulator.bot.id] = "kicked"
    await clinic.shared()

    assert await clinic.talk.rows("SELECT ended FROM team_group") == "forbidden"


async def test_commands_in_a_group_lead_to_the_private_chat(clinic: Clinic) -> None:
    ward = await clinic.bound(admin=True, topics=True)
    thread = ward.opens_topic("Talk", clinic.ben)
    here = clinic.ben.in_group(ward)
    here.says("/share", topic=thread)
    await clinic.talk.settles()
    assert here.last.wire["message_thread_id"] == thread
    assert "You have no case with a summary yet" in await clinic.follows(clinic.ben, url_of(here))

    await clinic.talk.says("/opinions", here)
    assert "Nobody has shared a case" in await clinic.follows(clinic.ben, url_of(here))
    await clinic.talk.says("/new", here)
    assert "private chat" in here.last.text


async def test_the_menus_are_those_of_the_place(clinic: Clinic) -> None:
    def names(scope: str) -> list[str]:
        return [each["command"] for each in clinic.talk.emulator.commands[f"{scope} []"]]

    assert names("all_group_chats") == ["share", "opinions"]
    assert "team" in names("all_private_chats")


# --- what people say in a group ---------------------------------------------------------------


async def answered(clinic: Clinic, who: str, words: str, *, admin: bool = False) -> list[str]:
    """Let somebody answer the card and return what the discussion was handed."""
    ward = await clinic.bound(admin=admin)
    await clinic.shared()
    here = {"ben": clinic.ben, "dan": clinic.dan}[who].in_group(ward)
    here.says(words, reply_to=here.last)
    await clinic.talk.settles()
    return [message.text for message in here.messages]


@pytest.fixture
def discussed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the discussion was handed."""
    heard: list[str] = []
    equip = handler._equip

    def equipped(turn: Turn) -> None:
        def discuss(stored: StoredConsult, reply: Text) -> None:
            heard.append(f"{stored.code}: {reply.text}")

        equip(turn)
        turn.discuss = discuss

    monkeypatch.setattr(handler, "_equip", equipped)
    return heard


async def test_a_members_answer_to_the_card_is_handed_to_the_discussion(
    clinic: Clinic, discussed: list[str]
) -> None:
    await answered(clinic, "ben", "I would ask about sleep first.")

    [said] = discussed
    assert said.endswith(": I would ask about sleep first.")


async def test_an_answer_by_somebody_else_is_dropped_unstored(
    clinic: Clinic, discussed: list[str]
) -> None:
    before = await clinic.talk.rows("SELECT count(*) FROM transcript WHERE direction = 'in'")
    await answered(clinic, "dan", "Let me in, Mr John Smith")
    case_taps = await clinic.talk.rows(
        "SELECT count(*) FROM transcript WHERE kind = 'text' AND direction = 'in'"
    )

    assert discussed == []
    assert case_taps == 0
    assert before is not None


@pytest.mark.parametrize("admin", [True, False])
async def test_an_answer_with_an_identifier_is_not_recorded(
    clinic: Clinic, discussed: list[str], admin: bool
) -> None:
    seen = await answered(clinic, "ben", "John Smith, SSN 123-45-6789", admin=admin)

    assert discussed == []
    assert seen[-1] == NEUTRAL
    assert ("John Smith, SSN 123-45-6789" in seen) is not admin
    assert await walks.every(clinic.talk, "SELECT reason FROM dead_letter") == []


async def test_talk_that_answers_something_else_is_dropped(
    clinic: Clinic, discussed: list[str]
) -> None:
    ward = await clinic.bound(admin=True)
    await clinic.shared()
    here = clinic.ben.in_group(ward)
    other = here.says("How is everyone?")
    here.says("Fine", reply_to=other)
    here.sends_photo("a photo")
    await clinic.talk.settles()

    assert discussed == []
    kept = await walks.every(
        clinic.talk, "SELECT chat_id FROM transcript WHERE kind IN ('text', 'media')"
    )
    assert (ward.chat.id,) not in kept


async def test_an_answer_to_a_withdrawn_card_is_dropped(
    clinic: Clinic, discussed: list[str]
) -> None:
    ward = await clinic.bound()
    await clinic.shared()
    here = clinic.ben.in_group(ward)
    card = here.last
    await clinic.talk.taps("Take back 1")
    here.says("Too late", reply_to=card)
    await clinic.talk.settles()

    assert card.text == "[removed]"
    assert discussed == []


async def test_edits_of_a_card_are_joined(clinic: Clinic) -> None:
    ward = await clinic.bound()
    case = await clinic.shared()
    share = await clinic.share_of(case)

    def edits(tx: object) -> None:
        [card] = cards.of_consult(tx, share.consult_id)  # type: ignore[arg-type]
        for number in range(5):
            cards.edit(tx, card, {"text": f"Case, edit {number}"})  # type: ignore[arg-type]

    await clinic.database(edits)
    clinic.talk.service.outbox.soon(ward.chat.id)
    await clinic.talk.settles()

    made = [c for c in clinic.talk.emulator.calls if c.method == "editmessagetext"]
    assert clinic.ben.in_group(ward).last.text == "Case, edit 4"
    assert sum("edit" in str(call.params) for call in made) <= 1


async def test_until_telegram_has_told_our_name_a_card_has_no_button(clinic: Clinic) -> None:
    ward = await clinic.bound()
    clinic.talk.service.handler.username = ""
    await clinic.shared()
    assert clinic.ben.in_group(ward).last.rows == []

    await clinic.talk.taps("Share with more", "I checked: by a link")

    assert "Telegram has not told my name yet" in clinic.talk.screen.text


async def test_a_newcomer_is_pointed_to_the_private_chat(clinic: Clinic) -> None:
    ward = await clinic.bound()
    eve = person(clinic.talk.emulator, 504, "Eve").in_group(ward)
    ward.adds(eve, clinic.talk.me)

    await clinic.talk.says("/team", eve)

    assert "Only a team's lead" in eve.last.text
