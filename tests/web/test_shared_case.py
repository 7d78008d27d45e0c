"""A case that was shared: on a page for members, through a link for whoever has it; comments."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dialogs.content import load_scenario
from storage import consults, discussion, plans, rounds, shares, teams
from storage.consults import StoredConsult
from storage.database import Database
from storage.people import Person, set_choices
from storage.rounds import Draft
from storage.schema import comment
from storage.shares import Share
from storage.transaction import Tx
from tests.databases import Clock
from tests.web.signed import ASKER, COLLEAGUE, STRANGER, Pages, submit, words_on
from tests.web.test_case import case_of, newest

THOUGHT = Draft(
    {"concern": "yes", "step": "STEP_90D_PLAN", "leans_on": "DUR2", "sure": "4"},
    "An end date first.",
)


class Shared:
    """A case of the asker that a team of two has before it."""

    def __init__(self, pages: Pages, asker: Person, member: Person) -> None:
        self.pages, self.asker, self.member = pages, asker, member
        self.stored: StoredConsult
        self.share: Share
        self.team: teams.Team

    async def set_up(self) -> None:
        self.stored = await case_of(self.pages, self.asker)
        self.team = await self.pages.database.write(
            lambda tx: teams.create(tx, self.asker.id, "Case team")
        )
        await self.pages.database.write(self._join)
        self.share = await self.pages.database.write(self._share)

    def _join(self, tx: Tx) -> None:
        invitation = teams.invite(tx, self.team, "responder", self.asker.id)
        teams.accept(tx, self.member.id, invitation.token)

    def _share(self, tx: Tx) -> Share:
        shown = shares.publish(tx, self.stored, self.asker.id)
        return shares.with_team(tx, shown, self.team.id, self.asker.id)

    async def link(self, **more: Any) -> str:
        def unit(tx: Tx) -> str:
            shown = shares.published(tx, self.stored.id)
            assert shown is not None
            return shares.token_of(tx, shares.by_link(tx, shown, self.asker.id, **more).id)

        return await self.pages.database.write(unit)

    async def opens_round(self) -> None:
        await self.pages.database.write(
            lambda tx: rounds.open_round(tx, self.stored, self.asker.id)
        )

    async def gives(self, who: Person, thought: Draft = THOUGHT) -> None:
        def unit(tx: Tx) -> None:
            running = rounds.running(tx, self.stored.id)
            assert running is not None
            rounds.give(tx, self.stored, running, who, thought, base=0)

        await self.pages.database.write(unit)

    async def page(self, browser: httpx.AsyncClient) -> httpx.Response:
        return await browser.get(f"/case/{self.stored.short}")


@pytest.fixture
async def pages(file_database: Database, clock: Clock) -> Pages:
    return Pages(file_database, clock)


@pytest.fixture
async def shared(pages: Pages) -> Shared:
    asker, member = await pages.person(ASKER), await pages.person(COLLEAGUE)
    member = await pages.database.write(lambda tx: set_choices(tx, member, role="pain"))
    made = Shared(pages, asker, member)
    await made.set_up()
    return made


# --- what a member sees ---------------------------------------------------------------------------


async def test_a_member_sees_what_was_published_and_no_calendar_date(
    shared: Shared, pages: Pages, clock: Clock
) -> None:
    def goes_on(tx: Tx) -> None:
        now = consults.load(tx, shared.stored.id)
        changed = {**now.answers, "duration": "gt12m"}
        consults.save(tx, replace(now, answers=changed), now.revision)
        choices = {
            "step": "STEP_90D_PLAN",
            "decided": "step",
            "agreed": "client",
            "safeguards": [],
            "stop": "open",
            "days": [30],
            "start_at": tx.now,
            "reason": "a word of the asker",
        }
        plans.record_plan(tx, now, shared.asker.id, choices)

    await pages.database.write(goes_on)
    browser = await pages.signed_in(shared.member, shared.stored.short)
    page = await shared.page(browser)
    read = words_on(page)
    views = await pages.look(lambda tx: shares.views(tx, shared.stored.id))

    assert page.status_code == 200
    assert "version 1, day 0" in read
    assert "3-12 months" in read
    assert "Over 12 months" not in read
    assert "Plan, revision 1" in read
    assert "a word of the asker" not in read
    assert f"{clock():%Y-%m-%d}" not in page.text
    assert [(view.person_id, view.via) for view in views] == [(shared.member.id, "page")]


async def test_a_removed_members_old_link_and_session_open_nothing(
    shared: Shared, pages: Pages
) -> None:
    browser = await pages.signed_in(shared.member, shared.stored.short)
    assert (await shared.page(browser)).status_code == 200
    await pages.database.write(
        lambda tx: teams.leave(tx, shared.team, shared.member.id, shared.asker.id)
    )

    answers = [await shared.page(browser), await browser.get(f"/case/{shared.stored.short}/md")]

    assert [answer.status_code for answer in answers] == [404, 404]


async def test_a_running_round_shows_nothing_until_one_has_given_ones_own(
    shared: Shared, pages: Pages
) -> None:
    await shared.opens_round()
    other = await pages.person(STRANGER)
    await pages.database.write(
        lambda tx: teams.accept(
            tx, other.id, teams.invite(tx, shared.team, "responder", shared.asker.id).token
        )
    )
    await shared.gives(other)
    browser = await pages.signed_in(shared.member, shared.stored.short)
    before = await shared.page(browser)
    await shared.gives(shared.member, replace(THOUGHT, reason="Naloxone first."))
    after = await shared.page(browser)
    kept = await browser.get(f"/case/{shared.stored.short}/md")
    asker = await shared.page(await pages.signed_in(shared.asker, shared.stored.short))

    assert "An end date first." in words_on(after)
    assert "2 of 2" in words_on(after)
    for page in (before, kept, asker):
        assert "An end date first." not in page.text
        assert "2 of 2" not in page.text
        assert "1 of 1" not in page.text


# --- through a link -------------------------------------------------------------------------------


async def test_a_links_page_opens_by_a_tap_only_and_is_counted(
    shared: Shared, pages: Pages
) -> None:
    token, browser = await shared.link(), pages.browser()
    first = await browser.get(f"/shared/{token}")
    unseen = await pages.look(lambda tx: shares.views(tx, shared.stored.id))
    opened = await browser.post(f"/shared/{token}", data={"open": "yes"})
    seen = await pages.look(lambda tx: shares.views(tx, shared.stored.id))
    entry = await newest(pages, "share.view")

    assert first.status_code == 200
    assert f"Case {shared.stored.code}" not in words_on(first)
    assert unseen == []
    assert f"Case {shared.stored.code}" in words_on(opened)
    assert [(view.person_id, view.via, view.times) for view in seen] == [(None, "page", 1)]
    assert (entry.actor, entry.consult_id) == (None, shared.stored.id)
    for answer in (first, opened):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
    assert "Say something" not in opened.text


PLAN = {
    "step": "STEP_90D_PLAN",
    "decided": "step",
    "agreed": "client",
    "safeguards": [],
    "stop": "open",
    "days": [30],
    "reason": None,
}


async def test_a_links_page_shows_what_was_checked_and_nothing_before_or_after(
    shared: Shared, pages: Pages
) -> None:
    def changes_and_back(tx: Tx) -> None:
        for old, new in (("otp", "corr"), ("corr", "otp")):
            now = consults.load(tx, shared.stored.id)
            consults.save(tx, replace(now, answers={**now.answers, "setting": new}), now.revision)
            change = consults.AnswerChange(
                question="setting", old=old, new=new, via="tap", by=shared.asker.id, at=tx.now
            )
            consults.record_change(tx, now.id, change)
        shares.publish(tx, consults.load(tx, shared.stored.id), shared.asker.id)

    def closes(tx: Tx) -> None:
        running = rounds.running(tx, shared.stored.id)
        assert running is not None
        rounds.close(tx, running, shared.asker.id, "asker")

    def goes_on(tx: Tx) -> None:
        now = consults.load(tx, shared.stored.id)
        plans.record_plan(tx, now, shared.asker.id, PLAN | {"start_at": tx.now})
        discussion.add(tx, now, shared.asker, "zzqcomment", via="page")
        now = consults.load(tx, shared.stored.id)
        later = replace(now, phase="planned", answers={**now.answers, "duration": "gt12m"})
        consults.save(tx, later, now.revision)

    await pages.database.write(changes_and_back)
    token, browser = await shared.link(), pages.browser()

    async def read() -> str:
        return words_on(await browser.post(f"/shared/{token}", data={"open": "yes"}))

    before = await read()
    await shared.opens_round()
    await shared.gives(shared.member)
    await pages.database.write(closes)
    await pages.database.write(goes_on)
    after = await read()
    member = words_on(await shared.page(await pages.signed_in(shared.member, shared.stored.short)))

    assert after == before
    assert "State summary shown" in before
    for word in ("Jail or prison (tapped)", "Plan, revision 1", "zzqcomment", THOUGHT.reason):
        assert word not in before
        assert word in member
    assert "3-12 months" in before
    await pages.database.write(
        lambda tx: shares.publish(tx, consults.load(tx, shared.stored.id), shared.asker.id)
    )
    anew = await read()
    assert "Over 12 months" in anew
    assert "Plan, revision 1" not in anew


async def test_wrong_expired_revoked_and_used_up_links_look_the_same(
    shared: Shared, pages: Pages, clock: Clock
) -> None:
    used_up = await shared.link(most_views=1)
    await pages.browser().post(f"/shared/{used_up}", data={"open": "yes"})
    revoked, expired = await shared.link(), await shared.link()

    def revokes(tx: Tx) -> None:
        shares.revoke(tx, shares.resolve(tx, revoked), shared.asker.id)

    await pages.database.write(revokes)
    browser = pages.browser()
    answers = [
        await browser.get(f"/shared/{t}") for t in ("x", "a" * 43, "é" * 300, revoked, used_up)
    ]
    answers += [
        await browser.post(f"/shared/{t}", data={"open": "yes"})
        for t in ("a" * 43, revoked, used_up)
    ]
    clock.at += timedelta(days=31)
    answers += [
        await browser.get(f"/shared/{expired}"),
        await browser.post(f"/shared/{expired}", data={"open": "yes"}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


# --- comments -------------------------------------------------------------------------------------


async def says(
    shared: Shared, browser: httpx.AsyncClient, text: str, **more: str
) -> httpx.Response:
    page = await shared.page(browser)
    return await submit(browser, page, f"/case/{shared.stored.short}/comment", text=text, **more)


async def said(pages: Pages, shared: Shared) -> list[str]:
    found = await pages.look(lambda tx: discussion.shown(tx, shared.stored.id, shared.asker.id))
    return [each.text for each in found]


async def test_a_members_comment_stands_on_the_page_by_role(shared: Shared, pages: Pages) -> None:
    browser = await pages.signed_in(shared.member, shared.stored.short)
    answer = await says(shared, browser, "Ask the clinic first.\r\nThen wait.")
    page = await browser.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "Pain physician" in words_on(page)
    assert "Ask the clinic first." in words_on(page)
    assert await said(pages, shared) == ["Ask the clinic first.\nThen wait."]


async def test_markup_in_a_comment_is_only_words(shared: Shared, pages: Pages) -> None:
    browser = await pages.signed_in(shared.member, shared.stored.short)
    answer = await says(shared, browser, "<b onclick=x>5 < 6</b> & <script>y</script>")
    page = await browser.get(answer.headers["location"])

    assert "<script" not in page.text
    assert "onclick=x&gt;" in page.text


async def test_a_clear_identifier_is_not_kept_and_its_writer_keeps_the_words(
    shared: Shared, pages: Pages
) -> None:
    words = "Call the client at 212-555-0182 tomorrow."
    browser = await pages.signed_in(shared.member, shared.stored.short)
    answer = await says(shared, browser, words, checked="yes")
    rows = await pages.look(lambda tx: tx.connection.execute(comment.select()).all())
    entry = await newest(pages, "guard.hit")

    assert answer.status_code == 422
    assert "a phone number" in words_on(answer)
    assert words in answer.text
    assert rows == []
    assert (entry.outcome, entry.meta) == ("refused", {"kind": "phone"})


async def test_a_possible_identifier_is_asked_about_once(shared: Shared, pages: Pages) -> None:
    from dialogs.identifiers import find_identifiers

    words = "The client lives in Dayton."
    assert {finding.tier for finding in find_identifiers(words)} == {"soft"}
    browser = await pages.signed_in(shared.member, shared.stored.short)
    asked = await says(shared, browser, words)
    kept = await submit(
        browser, asked, f"/case/{shared.stored.short}/comment", text=words, checked="yes"
    )

    assert asked.status_code == 422
    assert "I checked" in words_on(asked)
    assert kept.status_code == 303
    assert await said(pages, shared) == [words]


@pytest.mark.parametrize(
    ("text", "status"), [("", 400), ("   ", 400), ("x" * 4097, 400), ("é" * 40000, 413)]
)
async def test_a_comment_without_words_or_end_is_refused(
    shared: Shared, pages: Pages, text: str, status: int
) -> None:
    browser = await pages.signed_in(shared.member, shared.stored.short)

    assert (await says(shared, browser, text)).status_code == status
    assert await said(pages, shared) == []


async def test_a_comment_of_4096_signs_of_any_kind_is_kept(shared: Shared, pages: Pages) -> None:
    browser = await pages.signed_in(shared.member, shared.stored.short)
    answer = await says(shared, browser, "😀" * 4096)

    assert answer.status_code == 303
    assert await said(pages, shared) == ["😀" * 4096]


async def test_nobody_comments_through_another_sites_form_or_without_leave(
    shared: Shared, pages: Pages
) -> None:
    member = await pages.signed_in(shared.member, shared.stored.short)
    stranger = await pages.signed_in(await pages.person(STRANGER), shared.stored.short)
    page = await shared.page(member)
    path = f"/case/{shared.stored.short}/comment"

    forged = await member.post(path, data={"text": "x", "token": "0" * 64})
    foreign = await submit(stranger, page, path, text="x")

    assert (forged.status_code, foreign.status_code) == (403, 404)
    assert await said(pages, shared) == []


async def test_an_asker_of_the_team_reads_and_does_not_comment(
    shared: Shared, pages: Pages
) -> None:
    await pages.database.write(
        lambda tx: teams.set_role(tx, shared.team, shared.member.id, "asker", shared.asker.id)
    )
    browser = await pages.signed_in(shared.member, shared.stored.short)
    page = await shared.page(browser)
    asker = await pages.signed_in(shared.asker, shared.stored.short)
    own = await shared.page(asker)
    path = f"/case/{shared.stored.short}/comment"
    answer = await browser.post(path, data={"text": "x", "token": "0" * 64})

    assert "Say something" not in page.text
    assert answer.status_code == 403
    assert (await submit(asker, own, path, text="Thank you.")).status_code == 303


async def test_while_a_round_runs_comments_wait(shared: Shared, pages: Pages) -> None:
    await shared.opens_round()
    browser = await pages.signed_in(shared.member, shared.stored.short)
    page = await shared.page(browser)
    token = page.text.split('name="token" value="')[1][:64]
    answer = await browser.post(
        f"/case/{shared.stored.short}/comment", data={"text": "x", "token": token}
    )

    assert "Comments open for you once" in words_on(page)
    assert answer.status_code == 409


async def test_a_full_discussion_says_so(
    shared: Shared, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discussion, "MOST_COMMENTS", 0)
    browser = await pages.signed_in(shared.member, shared.stored.short)

    answer = await says(shared, browser, "One more.")

    assert answer.status_code == 409
    assert "talk to each other directly" in words_on(answer)


async def test_a_case_that_was_never_published_is_for_its_asker_alone(pages: Pages) -> None:
    asker = await pages.person(ASKER)
    stored = await case_of(pages, asker)
    browser = await pages.signed_in(asker, stored.short)
    page = await browser.get(f"/case/{stored.short}")

    assert "Say something" not in page.text
    assert load_scenario().hash[:12] in page.text
