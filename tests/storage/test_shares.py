"""What others may see of a case: published, opened, counted, revoked, erased; and the cards of it."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from storage import cards, consults, people, shares, teams, transcript
from storage.access import POLICY, Action, allowed
from storage.consults import StoredConsult
from storage.database import Database
from storage.errors import NotFound
from storage.people import Person
from storage.schema import publication, share, share_view
from storage.schema import transcript as lines
from storage.teams import Team
from storage.transaction import Tx
from storage.transcript import REMOVED
from tests.databases import Clock

GROUP = -1001


class Shared:
    """Ana's case, published; Ben responds and Cora asks in their team; Dan is a stranger."""

    def __init__(self, tx: Tx) -> None:
        self.ana, self.ben, self.cora, self.dan = (
            people.get_or_create(tx, number, "Somebody") for number in (1, 2, 3, 4)
        )
        self.case: StoredConsult = consults.create(
            tx, self.ana, scenario_id="mat_pain", content_hash="h", answers={"role": "np"}
        )
        self.shown = shares.publish(tx, self.case, self.ana.id)
        self.team: Team = teams.create(tx, self.ana.id, "Team")
        for who, role in ((self.ben, "responder"), (self.cora, "asker")):
            made = teams.invite(tx, self.team, role, self.ana.id)  # type: ignore[arg-type]
            teams.accept(tx, who.id, made.token)

    def to_team(self, tx: Tx) -> shares.Share:
        return shares.with_team(tx, self.shown, self.team.id, self.ana.id)

    def by_link(self, tx: Tx, **more: Any) -> shares.Share:
        return shares.by_link(tx, self.shown, self.ana.id, **more)


@pytest.fixture
async def shared(database: Database) -> Shared:
    return await database.write(Shared)


async def may(database: Database, who: Person, about: StoredConsult) -> set[str]:
    found = await database.read(lambda tx: {a for a in POLICY if allowed(tx, who, a, about)})
    return found & {Action.SHARED_READ, Action.SHARED_RESPOND, Action.CONSULT_READ}


async def test_a_publication_is_what_was_previewed(
    database: Database, shared: Shared, clock: Clock
) -> None:
    changed = replace(shared.case, answers={"role": "np", "mat": "methadone"})
    saved = await database.write(lambda tx: consults.save(tx, changed, shared.case.revision))

    before = await database.read(lambda tx: shares.published(tx, saved.id))
    await database.write(lambda tx: shares.publish(tx, saved, shared.ana.id))
    again = await database.write(lambda tx: shares.publish(tx, saved, shared.ana.id))

    assert before == shared.shown
    assert (again.number, dict(again.answers)) == (2, changed.answers)
    every = await database.read(lambda tx: shares.publications(tx, saved.id))
    assert [each.number for each in every] == [1, 2]


async def test_a_shared_case_is_open_to_the_team_and_to_nobody_else(
    database: Database, shared: Shared
) -> None:
    assert await may(database, shared.ben, shared.case) == set()
    await database.write(shared.to_team)

    assert await may(database, shared.ben, shared.case) == {
        Action.SHARED_READ,
        Action.SHARED_RESPOND,
    }
    assert await may(database, shared.cora, shared.case) == {Action.SHARED_READ}
    assert await may(database, shared.dan, shared.case) == set()
    assert await may(database, replace(shared.dan, is_admin=True), shared.case) == set()
    assert Action.SHARED_RESPOND not in await may(database, shared.ana, shared.case)


async def test_access_ends_with_membership_suspension_blocking_revoking_and_time(
    database: Database, shared: Shared, clock: Clock
) -> None:
    made = await database.write(shared.to_team)
    suspended = replace(shared.ben, status="suspended")
    blocked = replace(shared.ben, unreachable_at=clock())

    assert await may(database, suspended, shared.case) == set()
    assert await may(database, blocked, shared.case) == set()
    await database.write(lambda tx: teams.leave(tx, shared.team, shared.cora.id, shared.ana.id))
    assert await may(database, shared.cora, shared.case) == set()
    clock.moves(days=180)
    assert await may(database, shared.ben, shared.case) == set()
    assert made.state(clock()) == "expired"
    renewed = await database.write(shared.to_team)
    assert await may(database, shared.ben, shared.case) != set()
    await database.write(lambda tx: shares.revoke(tx, renewed, shared.ana.id))
    await database.write(
        lambda tx: shares.revoke(tx, shares.by_short(tx, renewed.short), shared.ana.id)
    )
    assert await may(database, shared.ben, shared.case) == set()


async def test_sharing_again_prolongs(database: Database, shared: Shared, clock: Clock) -> None:
    first = await database.write(shared.to_team)
    clock.moves(days=10)
    second = await database.write(shared.to_team)

    assert (second.id, second.expires_at) == (first.id, clock() + shares.TEAM_LASTS)
    assert await database.read(lambda tx: shares.active(tx, shared.case.id)) == [second]


# --- links ------------------------------------------------------------------------------------


async def test_a_link_opens_the_case_to_whoever_followed_it(
    database: Database, shared: Shared
) -> None:
    made = await database.write(shared.by_link)
    token = await database.read(lambda tx: shares.token_of(tx, made.id))

    def follow(tx: Tx) -> None:
        shares.count_view(tx, shares.resolve(tx, token, shared.dan.id), shared.dan.id, "chat")

    assert len(token) == 43
    assert await may(database, shared.dan, shared.case) == set()
    await database.write(follow)
    await database.write(follow)
    assert await may(database, shared.dan, shared.case) == {
        Action.SHARED_READ,
        Action.SHARED_RESPOND,
    }
    [view] = await database.read(lambda tx: shares.views(tx, shared.case.id))
    assert (view.person_id, view.times, view.via) == (shared.dan.id, 2, "chat")
    assert await database.read(lambda tx: shares.open_to(tx, shared.dan)) == [shared.case.id]
    assert await database.read(lambda tx: shares.readers(tx, shared.case.id)) == {shared.dan.id}


async def test_the_database_has_only_a_digest_of_the_link(
    database: Database, shared: Shared
) -> None:
    made = await database.write(shared.by_link)
    token = await database.read(lambda tx: shares.token_of(tx, made.id))
    row = await database.read(lambda tx: tx.connection.execute(select(share)).one())

    assert token not in str(tuple(row))
    assert len(bytes(row.token_hash)) == 32


async def test_wrong_expired_revoked_full_and_erased_links_look_the_same(
    database: Database, shared: Shared, clock: Clock
) -> None:
    def fresh(tx: Tx, **more: Any) -> str:
        return shares.token_of(tx, shared.by_link(tx, **more).id)

    expired = await database.write(fresh)
    clock.moves(days=30)
    full = await database.write(lambda tx: fresh(tx, most_views=1))
    await database.write(lambda tx: shares.count_view(tx, shares.resolve(tx, full), None, "page"))
    revoked = await database.write(fresh)
    standing = await database.write(fresh)
    [newest, last, *_] = await database.read(lambda tx: shares.active(tx, shared.case.id))
    await database.write(lambda tx: shares.revoke(tx, last, shared.ana.id))
    await database.read(lambda tx: shares.resolve(tx, standing))
    await database.write(lambda tx: consults.erase(tx, shared.case.id, by=shared.ana.id))

    said = set()
    for token in ("", "x" * 43, expired, full, revoked, standing):
        with pytest.raises(NotFound) as caught:
            await database.read(lambda tx, t=token: shares.resolve(tx, t))  # type: ignore[misc]
        said.add(str(caught.value))
    assert len(said) == 1
    assert newest.kind == "link"


async def test_a_full_link_still_lets_those_in_who_were(database: Database, shared: Shared) -> None:
    made = await database.write(lambda tx: shared.by_link(tx, most_views=1))
    token = await database.read(lambda tx: shares.token_of(tx, made.id))
    await database.write(lambda tx: shares.count_view(tx, made, shared.dan.id, "chat"))

    assert await database.read(lambda tx: shares.resolve(tx, token, shared.dan.id)) == made
    with pytest.raises(NotFound):
        await database.read(lambda tx: shares.resolve(tx, token, shared.ben.id))


async def test_the_members_are_the_readers(database: Database, shared: Shared) -> None:
    await database.write(shared.to_team)
    blocked = replace(shared.ben, status="suspended")

    readers = await database.read(lambda tx: shares.readers(tx, shared.case.id))
    assert readers == {shared.ben.id, shared.cora.id}
    assert await database.read(lambda tx: shares.open_to(tx, shared.ben)) == [shared.case.id]
    assert await database.read(lambda tx: shares.open_to(tx, blocked)) == []
    assert await database.read(lambda tx: shares.open_to(tx, shared.ana)) == []


async def test_an_erased_case_leaves_nothing_to_others(database: Database, shared: Shared) -> None:
    def unit(tx: Tx) -> None:
        shares.count_view(tx, shared.to_team(tx), shared.ben.id, "page")
        consults.erase(tx, shared.case.id, by=shared.ana.id)

    await database.write(unit)

    erased = await database.read(lambda tx: consults.load(tx, shared.case.id))
    assert await may(database, shared.ben, erased) == set()
    for table in (publication, share_view):
        assert await database.read(lambda tx, t=table: tx.connection.execute(select(t)).all()) == []  # type: ignore[misc]


# --- cards ------------------------------------------------------------------------------------


def posted(tx: Tx, shared: Shared, topic: str = "") -> cards.Card:
    made = shared.to_team(tx)
    return cards.post(
        tx,
        share_id=made.id,
        consult_id=shared.case.id,
        chat_id=GROUP,
        topic=topic,
        params={"text": "Case K7"},
    )


def sends(tx: Tx, message_id: int | None = None) -> list[transcript.Waiting]:
    """Send what waits for the group, as the outbox does, and return it."""
    taken = transcript.claim(tx, GROUP, 10)
    for row in taken:
        transcript.sent(tx, row.id, message_id)
    return taken


async def test_a_card_goes_into_the_topic_that_is_opened_for_it(
    database: Database, shared: Shared
) -> None:
    await database.write(lambda tx: posted(tx, shared, "Case K7"))
    [topic] = await database.write(lambda tx: sends(tx, 70))
    [card] = await database.write(lambda tx: sends(tx, 71))

    assert (topic.method, topic.params) == ("createForumTopic", {"name": "Case K7"})
    assert (card.method, card.params) == ("sendMessage", {"text": "Case K7", "message_id": 70})


async def test_a_card_is_found_by_its_message_and_edited_once(
    database: Database, shared: Shared
) -> None:
    card = await database.write(lambda tx: posted(tx, shared))
    await database.write(lambda tx: sends(tx, 71))
    for words in ("one", "two"):
        await database.write(lambda tx, w=words: cards.edit(tx, card, {"text": w}))  # type: ignore[misc]
    [edit] = await database.write(lambda tx: sends(tx, 71))

    assert edit.params == {"text": "two", "message_id": 71}
    found = await database.read(lambda tx: cards.of_message(tx, GROUP, 71))
    assert found == card
    assert await database.read(lambda tx: cards.of_message(tx, GROUP, 72)) is None
    assert await database.read(lambda tx: cards.is_posted(tx, card.share_id, GROUP))


async def test_a_card_that_was_sent_anew_is_known_by_its_new_message(
    database: Database, shared: Shared
) -> None:
    card = await database.write(lambda tx: posted(tx, shared))
    await database.write(lambda tx: cards.edit(tx, card, {"text": "at once"}))
    await database.write(lambda tx: sends(tx, 71))
    [edit] = await database.write(lambda tx: sends(tx, 90))

    assert edit.params["message_id"] == 71
    assert await database.read(lambda tx: cards.message_of(tx, card)) == 90


async def test_erasing_takes_the_words_off_the_cards(database: Database, shared: Shared) -> None:
    await database.write(lambda tx: posted(tx, shared))
    inline = await database.write(
        lambda tx: cards.sent_inline(
            tx,
            share_id=shared.by_link(tx, kind="chat").id,
            consult_id=shared.case.id,
            inline_id="in-1",
        )
    )
    await database.write(lambda tx: sends(tx, 71))
    await database.write(lambda tx: consults.erase(tx, shared.case.id, by=shared.ana.id))
    [edit] = await database.write(lambda tx: sends(tx, 71))
    [elsewhere] = await database.write(lambda tx: transcript.claim(tx, 0, 10))

    assert edit.params == {"text": REMOVED, "message_id": 71}
    assert elsewhere.params == {"text": REMOVED, "inline_message_id": inline.inline_id}
    assert await database.read(lambda tx: cards.of_consult(tx, shared.case.id)) == []


async def test_a_card_that_was_not_sent_yet_never_is(database: Database, shared: Shared) -> None:
    card = await database.write(lambda tx: posted(tx, shared))
    made = await database.read(lambda tx: shares.active(tx, shared.case.id)[0])
    await database.write(lambda tx: shares.revoke(tx, made, shared.ana.id))

    assert await database.write(sends) == []
    state = await database.read(
        lambda tx: tx.connection.scalar(
            select(lines.c.state).where(lines.c.id == card.transcript_id)
        )
    )
    assert state == "dropped"


async def test_a_card_without_a_message_needs_no_words_taken_off(
    database: Database, shared: Shared
) -> None:
    await database.write(
        lambda tx: cards.sent_inline(
            tx, share_id=shared.by_link(tx).id, consult_id=shared.case.id, inline_id=""
        )
    )
    await database.write(lambda tx: cards.withdraw(tx, consult_id=shared.case.id))

    assert await database.read(transcript.unsent) == 0


async def test_views_say_the_role_and_not_the_name(database: Database, shared: Shared) -> None:
    def unit(tx: Tx) -> None:
        people.set_choices(tx, shared.ben, role="np")
        shares.count_view(tx, shared.to_team(tx), shared.ben.id, "page")
        shares.count_view(tx, shared.by_link(tx), None, "page")
        tx.connection.execute(update(share_view).values(times=3))

    await database.write(unit)

    found = await database.read(lambda tx: shares.views(tx, shared.case.id))
    assert [(view.role, view.times) for view in found] == [(None, 3), ("np", 3)]


async def test_the_cards_of_an_expired_share_are_withdrawn(
    database: Database, shared: Shared, clock: Clock
) -> None:
    await database.write(lambda tx: posted(tx, shared))
    await database.write(lambda tx: sends(tx, 71))
    assert await database.write(shares.withdraw_expired) == 0
    clock.moves(days=180)

    assert await database.write(shares.withdraw_expired) == 1
    assert await database.write(shares.withdraw_expired) == 0
    [edit] = await database.write(lambda tx: sends(tx, 71))
    assert edit.params["text"] == REMOVED
