"""The console as an admin uses it: pages, filters, export, glass, people, verification."""

import asyncio
import csv
import io
import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from dialogs.content import load_scenario, load_scenario_text
from storage import audit, console, consults, letters, people, plans, transcript
from storage.consults import StoredConsult
from storage.database import Database
from storage.errors import StorageUnavailable
from storage.people import Person
from storage.schema import consult
from storage.transaction import Tx
from tests.databases import Clock
from tests.sealed import plaintexts
from tests.storage.test_rounds import team_with_a_case
from tests.web.signed import ADMIN, ASKER, COLLEAGUE, Pages, submit, token_on, words_on
from web.console import content, export, integrity, overview, system
from web.console.jobs import MOST_JOBS, Jobs
from web.health import Check
from web.words import without_markup

SECRET = "She lives at the old mill"
EVERY_PAGE = (
    "/console",
    "/console/overview.csv",
    "/console/log",
    "/console/export",
    "/console/consults",
    "/console/people",
    "/console/teams",
    "/console/content",
    "/console/integrity",
    "/console/system",
)


@pytest.fixture
async def pages(file_database: Database, clock: Clock, tmp_path: Path) -> Pages:
    async def well() -> Check:
        return Check("", {"unsent": 0, "age": None})

    return Pages(file_database, clock, {"data_dir": tmp_path, "checks": {"bot": well}})


@pytest.fixture
async def admin(pages: Pages) -> Person:
    return await pages.person(ADMIN, admin=True)


@pytest.fixture
async def browser(pages: Pages, admin: Person) -> httpx.AsyncClient:
    return await pages.signed_in(admin)


@pytest.fixture
async def case(pages: Pages) -> StoredConsult:
    """A case of the asker, with words in its transcript and in its plan."""
    asker = await pages.person(ASKER)
    return await pages.database.write(lambda tx: case_of(tx, asker))


def case_of(tx: Tx, asker: Person) -> StoredConsult:
    scenario = load_scenario()
    consults.store_content(
        tx,
        content_hash=scenario.hash,
        scenario_id=scenario.id,
        version=scenario.version,
        body=scenario.body,
    )
    made = consults.create(
        tx, asker, scenario_id=scenario.id, content_hash=scenario.hash, phase="asking"
    )
    answers = {"safety_now": ["none"], "setting": "otp", "mat": "unk", "reason": None}
    saved = consults.save(
        tx, replace(made, answers=answers, phase="advised", finished_at=tx.now), made.revision
    )
    transcript.receive(
        tx,
        transcript.Incoming(
            update_id=1,
            chat_id=ASKER,
            kind="text",
            content=SECRET,
            person_id=asker.id,
            consult_id=saved.id,
        ),
    )
    transcript.enqueue(
        tx,
        transcript.Outgoing(
            chat_id=ASKER,
            method="sendMessage",
            params={"text": "<b>Case</b> 3 &lt; 4"},
            consult_id=saved.id,
        ),
    )
    choices = {
        "step": "STEP_GATHER",
        "decided": "other",
        "agreed": "nobody",
        "safeguards": ["naloxone"],
        "stop": "open",
        "days": [30],
        "start_at": tx.now,
        "reason": "Her own words",
    }
    plans.record_plan(tx, saved, asker.id, choices)
    plans.dispose(tx, saved, "naloxone", "not_applicable")
    return saved


# --- every page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_a_page_is_shown_without_words_and_on_record(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult, path: str
) -> None:
    answer = await browser.get(path)
    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])

    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert "Name 7001" not in answer.text
    assert newest.action == ("overview.export" if path.endswith(".csv") else "console.read")
    assert newest.outcome == "ok"


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/confirm", "/console/consult/" + "0" * 32])
async def test_a_page_is_for_admins_only(pages: Pages, path: str) -> None:
    asker = await pages.signed_in(await pages.person(ASKER))

    assert (await asker.get(path)).status_code == 403
    assert (await pages.browser().get(path)).status_code == 401


async def test_nothing_is_shown_when_it_cannot_be_put_on_record(
    pages: Pages, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_tx: Tx, event: audit.Event) -> None:
        raise StorageUnavailable("full")

    monkeypatch.setattr(audit, "record", fail)

    answer = await browser.get("/console/log")

    assert answer.status_code == 503
    assert "console.read" not in answer.text


async def test_no_page_asks_for_anything_outside(browser: httpx.AsyncClient) -> None:
    for path in EVERY_PAGE:
        text = (await browser.get(path)).text
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "style=" not in text
        assert "<script>" not in text


# --- the log --------------------------------------------------------------------------------------


async def many_events(pages: Pages, count: int, actor: UUID | None = None) -> None:
    def unit(tx: Tx) -> None:
        for number in range(count):
            audit.record(
                tx,
                audit.Event(
                    actor=actor,
                    action="test.event",
                    outcome="denied" if number % 40 == 0 else "ok",
                    meta={"number": number, "question": "mat" if number % 2 else "opioid"},
                ),
            )

    await pages.database.write(unit)


async def test_the_log_is_paged_both_ways(pages: Pages, browser: httpx.AsyncClient) -> None:
    await many_events(pages, 130)
    first = await browser.get("/console/log?event=test.event")
    second = await browser.get(link(first, "next"))
    third = await browser.get(link(second, "next"))
    back = await browser.get(link(third, "prev"))

    numbers = [numbers_on(page) for page in (first, second, third)]

    assert [len(found) for found in numbers] == [50, 50, 30]
    joined = [*numbers[0], *numbers[1], *numbers[2]]
    assert sorted(joined, reverse=True) == joined
    assert numbers_on(back) == numbers[1]
    assert 'rel="next"' not in third.text
    assert 'rel="prev"' not in first.text


def link(page: httpx.Response, rel: str) -> str:
    return page.text.split(f'rel="{rel}" href="')[1].split('"')[0].replace("&amp;", "&")


def numbers_on(page: httpx.Response) -> list[int]:
    return [int(found) for found in re.findall(r'class="seq">(\d+)<', page.text)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("event=test.event&outcome=denied", 2),
        ("words=opioid", 40),
        ("words=opioid+test", 40),
        ("words=test.event", 50),
        ("words=mat&outcome=denied", 0),
        ("words=opioid&event=test.event&outcome=denied", 2),
        ("event=-console.read&words=opioid", 40),
        ("event=-test.event&words=opioid", 0),
        ("outcome=denied", 2),
        ("words=zebra", 0),
        ("from=2026-11-24", 0),
        ("event=test.event&to=2026-11-22", 0),
        ("event=test.event&from=2026-11-23&to=2026-11-23", 50),
    ],
)
async def test_filters_find_what_they_say(
    pages: Pages, browser: httpx.AsyncClient, query: str, found: int
) -> None:
    await many_events(pages, 80)

    answer = await browser.get(f"/console/log?{query}")

    assert len(numbers_on(answer)) == found


async def test_filters_by_person_and_case(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> None:
    name = await pages.look(lambda tx: console.pseudonym(tx, case.owner_id))

    of_case = await browser.get(f"/console/log?case={case.id.hex}")
    of_person = await browser.get(f"/console/log?person={name}&event=consult.create")
    word = await browser.get(f"/console/log?case={case.id.hex}&words=create")

    assert "consult.create" in of_case.text
    assert len(numbers_on(of_person)) == 1
    assert len(numbers_on(word)) == 1


async def test_a_case_is_found_by_its_code_and_by_the_end_that_the_log_shows(
    pages: Pages, browser: httpx.AsyncClient, case: StoredConsult
) -> None:
    for name in (case.code, case.code.lower(), case.id.hex[-6:], case.id.hex[-6:].upper()):
        found = await browser.get(f"/console/log?case={name}")
        assert "consult.create" in found.text, name
        assert f"case {case.id.hex[-6:]}" in words_on(found)
    unknown = await browser.get("/console/log?case=zzz")
    assert "There is no such case. It is found by its code, such as K7" in words_on(unknown)

    other = await pages.database.write(lambda tx: another(tx, case))
    several = await browser.get(f"/console/log?case={case.code}")

    ends = f"{other.hex[-6:]}, {case.id.hex[-6:]}"
    assert f"Several cases are called so. Take one of these: {ends}." in words_on(several)


def another(tx: Tx, case: StoredConsult) -> UUID:
    """Somebody else's case of the same code."""
    who = people.get_or_create(tx, 7077, "Somebody")
    made = consults.create(
        tx, who, scenario_id=case.scenario_id, content_hash=case.content_hash, answers={}
    )
    tx.connection.execute(update(consult).where(consult.c.id == made.id).values(code=case.code))
    return made.id


@pytest.mark.parametrize(
    ("query", "back"),
    [
        ("case=zzz&event=console.read", "/console/log?event=console.read"),
        ("from=yesterday", "/console/log"),
        ("from=2026-11-24&to=2026-11-23&outcome=ok", "/console/log?outcome=ok"),
        ("event=a&words=%22", "/console/log?event=a"),
    ],
)
async def test_a_refused_filter_leads_back_with_what_was_right(
    browser: httpx.AsyncClient, query: str, back: str
) -> None:
    answer = await browser.get(f"/console/log?{query}")

    assert answer.status_code == 400
    assert f'href="{back}"' in answer.text


async def test_days_the_wrong_way_round_are_said(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/console/log?from=2026-11-24&to=2026-11-23")

    assert "“from” is after “to”" in words_on(answer)


async def test_a_refused_form_leads_back_to_its_page(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> None:
    await pages.steps_up(browser, admin)
    page = await browser.get(f"/console/consult/{case.id}")
    glass = await submit(
        browser, page, f"/console/consult/{case.id}/glass", reason_code="", reason="Long enough."
    )
    export = await submit(browser, page, "/console/export", format="exe")
    through = await submit(browser, page, "/console/log/review", through="x")

    assert glass.status_code == 400
    assert "Choose one of the reasons." in words_on(glass)
    assert ">Long enough.</textarea>" in glass.text
    assert 'href="/console/export"' in export.text
    assert 'href="/console/log"' in through.text


@pytest.mark.parametrize(
    "query",
    [
        "words=" + "a" * 65,
        "words=%22%27",
        "words=a+b+c+d+e+f",
        "event=SELECT+1",
        "outcome=%3Cb%3E",
        "person=p-zzzzzzzz",
        "person=p-00000000",
        "case=1",
        "from=yesterday",
        "from=0001-01-01",
        "to=9999-12-31",
        "before=-1",
        "before=1e9",
        "after=" + "9" * 19,
        "before=%D9%A1",
    ],
)
async def test_a_filter_that_cannot_be_read_says_what_it_takes(
    browser: httpx.AsyncClient, query: str
) -> None:
    answer = await browser.get(f"/console/log?{query}")

    assert answer.status_code == 400
    assert len(words_on(answer)) > 40


@pytest.mark.parametrize(
    "query",
    ["words=" + "a" * 10_000, "person=" + "é" * 10_000, "before=1%27--", "event=%00", "from=x"],
)
async def test_a_filter_that_was_refused_is_on_record_without_what_it_held(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, query: str
) -> None:
    answer = await browser.get(f"/console/log?{query}")

    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])

    assert answer.status_code == 400
    assert (newest.action, newest.outcome, newest.meta) == (
        "console.refuse",
        "refused",
        {"status": 400},
    )


async def test_an_altered_place_shows_another_page_at_most(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/console/log?before=999999999999999999")

    assert answer.status_code == 200


async def test_a_search_is_on_record_without_its_words(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    await browser.get("/console/log?words=old+mill&event=test.event")

    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])

    assert newest.object_type == "log"
    assert newest.meta == {"event": "test.event", "words": 2}


async def test_a_search_that_leaves_an_event_out_is_on_record_as_such(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    await browser.get("/console/log?event=-console.read")

    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])

    assert newest.meta == {"without": "console.read"}


# --- signing off ----------------------------------------------------------------------------------


async def test_the_log_is_signed_off_and_asks_again_after_a_week(
    pages: Pages, browser: httpx.AsyncClient, clock: Clock, admin: Person
) -> None:
    page = await browser.get("/console/log")
    assert "never been signed off" in words_on(page)
    through = str(numbers_on(page)[0])

    done = await submit(browser, page, "/console/log/review", through=through)
    assert done.status_code == 303
    assert "signed off on" not in words_on(await browser.get("/console"))
    again = await submit(browser, page, "/console/log/review", through=through)
    beyond = await submit(browser, page, "/console/log/review", through="999999")
    nothing = await submit(browser, page, "/console/log/review", through="")
    clock.moves(days=8)
    browser = await pages.signed_in(admin)

    assert (again.status_code, beyond.status_code, nothing.status_code) == (409, 409, 400)
    assert f"signed off up to event {through} already" in words_on(again)
    assert "There is no event 999999 yet: the newest is" in words_on(beyond)
    assert "Somebody was faster" not in words_on(beyond)
    assert "Through which event?" in words_on(nothing)
    assert "last signed off on 2026-11-23" in words_on(await browser.get("/console"))


# --- exporting ------------------------------------------------------------------------------------


async def test_an_export_asks_for_a_confirmation_first(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/console/export?event=test.event")
    back = "/console/export?event=test.event"
    assert f'value="{back}"' in page.text

    answer = await submit(browser, page, "/console/export", format="csv", back=back)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/confirm?{urlencode({'back': back})}"


async def test_csv_and_json_lines_hold_the_same_events(
    pages: Pages,
    browser: httpx.AsyncClient,
    admin: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(export, "BATCH", 30)
    await many_events(pages, 80, admin.id)
    await pages.steps_up(browser, admin)
    page = await browser.get("/console/export?event=test.event")

    as_csv = await submit(browser, page, "/console/export", format="csv", event="test.event")
    as_json = await submit(browser, page, "/console/export", format="jsonl", event="test.event")
    table = list(csv.DictReader(io.StringIO(as_csv.text)))
    lines = [json.loads(line) for line in as_json.text.splitlines()]

    assert len(table) == len(lines) == 80
    assert list(table[0]) == list(export.COLUMNS) == list(lines[0])
    assert [row["seq"] for row in table] == [str(line["seq"]) for line in lines]
    assert json.loads(table[3]["meta"]) == lines[3]["meta"] == {"number": 3, "question": "mat"}
    assert "attachment" in as_csv.headers["content-disposition"]
    assert "80 events, complete" in words_on(await browser.get("/console/export"))


async def test_an_export_is_on_record_before_it_begins_and_when_it_ends(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    await pages.steps_up(browser, admin)
    page = await browser.get("/console/export")
    await submit(browser, page, "/console/export", format="jsonl", outcome="nothing")

    found = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=2))

    assert [entry.action for entry in found] == ["log.export_end", "log.export"]
    assert found[0].meta == {"rows": 0}
    assert found[1].meta["outcome"] == "nothing"


async def test_an_export_is_on_record_with_its_whole_filter(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> None:
    await pages.steps_up(browser, admin)
    name = await pages.look(lambda tx: console.pseudonym(tx, case.owner_id))
    chosen = {"from": "2026-11-20", "to": "2026-11-23", "person": name, "case": case.code}
    page = await browser.get("/console/export")
    await submit(browser, page, "/console/export", format="csv", words="old mill", **chosen)

    [found] = await pages.look(
        lambda tx: [e for e in audit.entries(tx, limit=3) if e.action == "log.export"]
    )

    assert {name: value for name, value in found.meta.items() if name != "through"} == {
        "format": "csv",
        "from": "2026-11-20t00:00:00z",
        "to": "2026-11-24t00:00:00z",
        "person": name,
        "case": case.id.hex,
        "words": 2,
    }


async def test_an_unknown_format_is_refused(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    await pages.steps_up(browser, admin)
    page = await browser.get("/console/export")

    assert (await submit(browser, page, "/console/export", format="exe")).status_code == 400


async def test_an_export_that_breaks_off_says_so(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    await many_events(pages, 10)
    site = pages.app.state.site
    job = site.jobs.begin("export", admin.id, 10)
    wanted = export.Wanted(job, console.LogFilter(), 0, 10)
    parts = export.stream(site, wanted, export.json_lines)
    await anext(parts)
    await parts.aclose()  # type: ignore[attr-defined]

    assert "broken off" in words_on(await browser.get("/console/export"))


def test_only_the_last_jobs_are_remembered(clock: Clock) -> None:
    jobs = Jobs(clock)
    made = [jobs.begin("export", UUID(int=n), 10) for n in range(MOST_JOBS + 1)]

    forgotten = jobs.update(made[0], state="done")
    running = jobs.update(made[1], done=5)

    assert forgotten.state == "done"
    assert running.share == 50
    assert len(jobs.of("export")) == MOST_JOBS
    assert jobs.running("export")
    assert jobs.of("verify") == ()


# --- consults and their text ------------------------------------------------------------------------


async def test_consults_are_listed_filtered_and_paged(
    pages: Pages, browser: httpx.AsyncClient, case: StoredConsult
) -> None:
    asker = await pages.person(ASKER)
    for _ in range(60):
        await pages.database.write(lambda tx: case_like(tx, asker))
    name = await pages.look(lambda tx: console.pseudonym(tx, asker.id))

    first = await browser.get(f"/console/consults?person={name}")
    second = await browser.get(link(first, "next"))
    back = await browser.get(link(second, "prev"))
    by_code = await browser.get(f"/console/consults?code={case.code.lower()}&phase=advised")

    assert first.text.count('class="row"') == 50
    assert second.text.count('class="row"') == 11
    assert back.text.count('class="row"') == 50
    assert by_code.text.count('class="row"') == 1


def case_like(tx: Tx, asker: Person) -> StoredConsult:
    scenario = load_scenario()
    return consults.create(
        tx, asker, scenario_id=scenario.id, content_hash=scenario.hash, phase="asking"
    )


@pytest.mark.parametrize("query", ["code=%27", "phase=A+B", "before=zz", "after=" + "g" * 32])
async def test_a_list_of_consults_reads_its_address_strictly(
    browser: httpx.AsyncClient, query: str
) -> None:
    assert (await browser.get(f"/console/consults?{query}")).status_code == 400


async def test_a_case_is_shown_in_codes(browser: httpx.AsyncClient, case: StoredConsult) -> None:
    page = await browser.get(f"/console/consult/{case.id}")

    words = words_on(page)
    assert "setting otp" in words
    assert "mat not known" in words
    assert "reason skipped" in words
    assert "naloxone not_applicable" in words
    assert "consult.create" in words
    assert SECRET not in words
    assert "Her own words" not in words


async def test_there_is_no_page_of_a_case_that_does_not_exist(browser: httpx.AsyncClient) -> None:
    for path in ("/console/consult/", "/console/person/"):
        assert (await browser.get(f"{path}{UUID(int=1)}")).status_code == 404
        assert (await browser.get(f"{path}nothing")).status_code == 404


async def breaks_glass(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> httpx.Response:
    await pages.steps_up(browser, admin)
    page = await browser.get(f"/console/consult/{case.id}")
    return await submit(
        browser,
        page,
        f"/console/consult/{case.id}/glass",
        reason_code="safety",
        reason="Somebody called, worried.",
    )


async def test_the_text_is_closed_until_the_glass_is_broken(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> None:
    before = await browser.get(f"/console/consult/{case.id}/text")
    await pages.steps_up(browser, admin)
    still = await browser.get(f"/console/consult/{case.id}/text")

    assert (
        before.headers["location"]
        == f"/confirm?{urlencode({'back': f'/console/consult/{case.id}'})}"
    )
    assert still.status_code == 404


async def test_breaking_the_glass_opens_one_case_for_half_an_hour_and_tells_the_asker(
    pages: Pages,
    browser: httpx.AsyncClient,
    admin: Person,
    case: StoredConsult,
    clock: Clock,
) -> None:
    other = await pages.database.write(lambda tx: case_like(tx, _person(tx, case)))
    pages.told.clear()
    broken = await breaks_glass(pages, browser, admin, case)
    read = await browser.get(broken.headers["location"])
    elsewhere = await browser.get(f"/console/consult/{other.id}/text")
    reads = await pages.look(lambda tx: audit.entries(tx, consult_id=case.id, actor=admin.id))
    notice = await pages.look(lambda tx: transcript.of_chat(tx, ASKER)[-1])
    clock.moves(minutes=31)
    late = await browser.get(f"/console/consult/{case.id}/text")

    assert SECRET in words_on(read)
    assert "Case 3 < 4" in words_on(read)
    assert "Her own words" in words_on(read)
    assert elsewhere.status_code == 404
    assert {"glass.break", "glass.read"} <= {entry.action for entry in reads}
    assert ASKER in pages.told
    assert notice.params is not None
    assert f"your case {case.code} until 15:30 UTC" in notice.params["text"]
    assert late.status_code in {303, 401}


def _person(tx: Tx, case: StoredConsult) -> Person:
    return console.member(tx, case.owner_id)


async def test_another_admin_needs_a_reason_of_their_own(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> None:
    await breaks_glass(pages, browser, admin, case)
    colleague = await pages.person(COLLEAGUE, admin=True)
    theirs = await pages.signed_in(colleague)
    await pages.steps_up(theirs, colleague)

    assert (await theirs.get(f"/console/consult/{case.id}/text")).status_code == 404


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "A long enough reason"),
        ("curious", "A long enough reason"),
        ("safety", "short"),
        ("safety", "x" * 501),
    ],
)
async def test_the_glass_does_not_break_without_a_reason(
    pages: Pages, admin: Person, case: StoredConsult, code: str, reason: str
) -> None:
    browser = await pages.signed_in(admin)
    await pages.steps_up(browser, admin)
    page = await browser.get(f"/console/consult/{case.id}")

    answer = await submit(
        browser, page, f"/console/consult/{case.id}/glass", reason_code=code, reason=reason
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"reason": "Mrs. Quackenbush called, worried"}, 400),
        ({"reason": "Mrs. Quackenbush called, worried", "nobody": "1"}, 400),
        ({"reason": "Nurse Quackenbush called, worried"}, 400),
        ({"reason": "Nurse Quackenbush called, worried", "nobody": "1"}, 303),
    ],
)
async def test_a_reason_passes_the_guard_like_all_words(
    pages: Pages, admin: Person, case: StoredConsult, typed: dict[str, str], status: int
) -> None:
    browser = await pages.signed_in(admin)
    await pages.steps_up(browser, admin)
    page = await browser.get(f"/console/consult/{case.id}")
    fields = {"reason_code": "safety", **typed}

    answer = await submit(browser, page, f"/console/consult/{case.id}/glass", **fields)
    kept = await pages.look(lambda tx: [text for _, text in plaintexts(tx)])

    assert answer.status_code == status
    assert "Quackenbush" not in answer.text
    assert any("Quackenbush" in text for text in kept) == (status == 303)
    assert ("identify somebody (a name)" in words_on(answer)) == (status == 400)


async def test_there_is_nothing_to_read_in_an_erased_case(
    pages: Pages, browser: httpx.AsyncClient, admin: Person, case: StoredConsult
) -> None:
    await pages.database.write(lambda tx: consults.erase(tx, case.id, by=case.owner_id))
    await pages.steps_up(browser, admin)

    page = await browser.get(f"/console/consult/{case.id}")
    answer = await browser.post(
        f"/console/consult/{case.id}/glass",
        data={"token": token_on(page), "reason_code": "legal", "reason": "A request of a court."},
    )

    assert "was erased" in words_on(page)
    assert answer.status_code == 404


def test_markup_of_the_chat_is_taken_off() -> None:
    assert without_markup("<blockquote expandable>a &amp; b</blockquote> 3 < 4") == "a & b 3 < 4"


# --- people ---------------------------------------------------------------------------------------


async def test_somebody_who_waits_is_approved_and_told(
    pages: Pages, browser: httpx.AsyncClient
) -> None:
    waiting = await pages.person(8801, status="pending")
    page = await browser.get("/console/people")

    done = await submit(
        browser, page, f"/console/person/{waiting.id}/decide", expected="pending", to="approved"
    )
    told = await pages.look(lambda tx: transcript.of_chat(tx, 8801)[-1].params)

    assert "Name 8801" in words_on(page)
    assert done.status_code == 303
    assert 8801 in pages.told
    assert told is not None
    assert "You are approved" in told["text"]


async def test_of_two_admins_who_decide_at_once_one_is_told(
    database: Database, clock: Clock
) -> None:
    pages = Pages(database, clock)
    admins = [await pages.person(n, admin=True) for n in (ADMIN, COLLEAGUE)]
    browsers = [await pages.signed_in(each) for each in admins]
    waiting = await pages.person(8801, status="pending")
    forms = [await browser.get("/console/people") for browser in browsers]

    answers = await asyncio.gather(
        *(
            submit(browser, page, f"/console/person/{waiting.id}/decide", expected="pending", to=to)
            for browser, page, to in zip(browsers, forms, ("approved", "suspended"), strict=True)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert any("Somebody was faster" in words_on(answer) for answer in answers)
    await database.write(audit.seal)
    late = await pages.look(lambda tx: console.last_of(tx, "console.refuse"))
    assert late is not None
    assert late.meta == {"status": 409}


async def test_suspending_ends_the_sessions(pages: Pages, browser: httpx.AsyncClient) -> None:
    colleague = await pages.person(COLLEAGUE, admin=True)
    theirs = await pages.signed_in(colleague)
    page = await browser.get(f"/console/person/{colleague.id}")

    done = await submit(
        browser, page, f"/console/person/{colleague.id}/decide", expected="approved", to="suspended"
    )

    assert done.status_code == 303
    assert (await theirs.get("/console")).status_code == 401


@pytest.mark.parametrize(
    ("expected", "to"),
    [("approved", "deleted"), ("approved", ""), ("", "approved"), ("pending", "approved")],
)
async def test_only_sensible_decisions_are_taken(
    pages: Pages, browser: httpx.AsyncClient, expected: str, to: str
) -> None:
    asker = await pages.person(ASKER)
    page = await browser.get(f"/console/person/{asker.id}")

    answer = await submit(
        browser, page, f"/console/person/{asker.id}/decide", expected=expected, to=to
    )

    assert answer.status_code == 409


async def test_nobody_decides_about_themselves(browser: httpx.AsyncClient, admin: Person) -> None:
    page = await browser.get(f"/console/person/{admin.id}")

    answer = await submit(
        browser, page, f"/console/person/{admin.id}/decide", expected="approved", to="suspended"
    )

    assert "This is you" in words_on(page)
    assert answer.status_code == 409


async def test_somebody_is_made_an_author_and_no_longer(
    pages: Pages, browser: httpx.AsyncClient
) -> None:
    asker = await pages.person(ASKER)
    path = f"/console/person/{asker.id}"

    await submit(browser, await browser.get(path), f"{path}/author", on="1")
    made = words_on(await browser.get(path))
    twice = await submit(browser, await browser.get(path), f"{path}/author", on="1")
    await submit(browser, await browser.get(path), f"{path}/author", on="0")

    assert "No longer an author" in made
    assert twice.status_code == 409
    assert "Make an author" in words_on(await browser.get(path))


async def test_a_name_is_shown_on_request_and_on_record(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    asker = await pages.person(ASKER)
    path = f"/console/person/{asker.id}"
    page = await browser.get(path)

    shown = await submit(browser, page, f"{path}/name")
    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])

    assert "Name 7001" not in words_on(page)
    assert "Name 7001" in words_on(shown)
    assert (newest.action, newest.object_id) == ("person.name_read", str(asker.id))


async def test_people_are_listed_by_status(pages: Pages, browser: httpx.AsyncClient) -> None:
    for number in range(9000, 9055):
        await pages.person(number, status="suspended")

    first = await browser.get("/console/people?status=suspended")
    second = await browser.get(link(first, "next"))
    odd = await browser.get("/console/people?status=deleted")

    assert first.text.count('class="row"') == 50
    assert second.text.count('class="row"') == 5
    assert odd.status_code == 400


async def test_a_session_of_somebody_else_is_not_ended_by_mistake(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    asker = await pages.person(ASKER)
    page = await browser.get(f"/console/person/{asker.id}")

    for session in ("nothing", UUID(int=5).hex):
        answer = await submit(
            browser, page, f"/console/person/{asker.id}/sign-out", session=session
        )
        assert answer.status_code in {400, 409}


# --- teams ----------------------------------------------------------------------------------------


async def test_a_team_is_listed_read_and_named_on_record(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    found = await pages.database.write(team_with_a_case)
    listed = await browser.get("/console/teams")
    read = await browser.get(f"/console/team/{found.id}")

    named = await submit(browser, read, f"/console/team/{found.id}/name")
    newest = await pages.look(lambda tx: audit.entries(tx, actor=admin.id, limit=1)[0])
    nobody = await browser.get(f"/console/team/{UUID(int=3)}")

    assert "3 members" in words_on(listed)
    assert "Harbour" not in listed.text + read.text
    assert "Name Harbour" in words_on(named)
    assert (newest.action, newest.object_id) == ("team.name_read", str(found.id))
    assert nobody.status_code == 404


async def test_the_overview_of_a_team_counts_its_cases_only(
    pages: Pages, browser: httpx.AsyncClient, case: StoredConsult
) -> None:
    found = await pages.database.write(team_with_a_case)
    name = await pages.look(lambda tx: console.team_row(tx, found.id).pseudonym)

    page = await browser.get(f"/console?period=all&team={name}")
    other = await browser.get("/console?period=all&team=t-00000000")

    assert f"team {name}" in words_on(page)
    assert f"<option selected>{name}</option>" in page.text
    assert "Started –" in words_on(page)
    assert "Started 0" in words_on(other)


# --- overview -------------------------------------------------------------------------------------


async def test_the_overview_counts_and_leaves_small_counts_out(
    pages: Pages, browser: httpx.AsyncClient, case: StoredConsult
) -> None:
    asker = await pages.person(ASKER)
    alone = words_on(await browser.get("/console"))
    for _ in range(6):
        await pages.database.write(lambda tx: case_of_another(tx, asker))
    table = await browser.get("/console/overview.csv?period=7")
    taken = await pages.look(lambda tx: next(iter(audit.entries(tx, limit=1))))
    page = await browser.get("/console?period=7")

    assert taken.action == "overview.export"
    assert taken.meta == {"from": "2026-11-17", "to": "2026-11-24"}
    assert "Started –" in alone
    assert "Started 7" in words_on(page)
    assert "started,,7" in table.text
    assert "unknown,mat,7" in table.text
    assert "not_applicable,naloxone,not shown" in table.text
    assert 'aria-label="Not known and skipped: MAT Not known 7' in page.text
    assert "median_seconds,at most,60" in table.text
    assert "finished_from,2026-11-17,7" in table.text


async def test_a_whole_overview_begins_with_the_first_day_counted(
    browser: httpx.AsyncClient, case: StoredConsult
) -> None:
    page = await browser.get("/console?period=all")

    assert "2026-11-23 to 2026-11-23, UTC" in words_on(page)


async def test_where_cases_were_left_is_told_with_the_share_of_those_asked(
    pages: Pages, browser: httpx.AsyncClient
) -> None:
    asker = await pages.person(ASKER)
    for number in range(12):
        await pages.database.write(lambda tx, left=number < 6: cancelled(tx, asker, left=left))  # type: ignore[misc]
    table = await browser.get("/console/overview.csv?period=7")

    page = await browser.get("/console?period=7")

    assert "left,safety_now,6" in table.text
    assert "left,setting,6" in table.text
    assert "6 (50 %)" in words_on(page)


def cancelled(tx: Tx, asker: Person, *, left: bool) -> None:
    """A case that ends at its first question, or at its second."""
    made = case_like(tx, asker)
    answers: dict[str, Any] = {} if left else {"safety_now": ["none"]}
    consults.save(tx, replace(made, answers=answers, phase="cancelled"), made.revision)


def case_of_another(tx: Tx, asker: Person) -> None:
    made = case_like(tx, asker)
    answers = {"safety_now": ["none"], "mat": "unk"}
    consults.save(
        tx, replace(made, answers=answers, phase="advised", finished_at=tx.now), made.revision
    )


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("period=7", 200),
        ("period=all", 200),
        ("from=2026-11-01&to=2026-11-20", 200),
        ("from=2026-11-01", 200),
        ("to=2026-11-01", 200),
        ("period=8", 400),
        ("from=2026-11-20&to=2026-11-01", 400),
        ("from=x", 400),
        ("team=A%20B", 400),
        ("team=t-1", 200),
    ],
)
async def test_any_period_can_be_asked_for(
    browser: httpx.AsyncClient, query: str, status: int
) -> None:
    assert (await browser.get(f"/console?{query}")).status_code == status


async def test_counting_goes_on_until_everything_is_counted(
    pages: Pages, case: StoredConsult
) -> None:
    site = pages.app.state.site

    assert not await overview.caught_up(site, 0)
    assert await overview.caught_up(site, 3)


# --- content --------------------------------------------------------------------------------------


async def test_versions_are_read_and_compared(pages: Pages, browser: httpx.AsyncClient) -> None:
    current = load_scenario()
    older = load_scenario_text(
        current.body.replace('version = "', 'version = "old-', 1).replace(
            current.questions[2].prompt, "Where?", 1
        )
    )
    await pages.database.write(
        lambda tx: consults.store_content(
            tx,
            content_hash=older.hash,
            scenario_id=older.id,
            version=older.version,
            body=older.body,
        )
    )

    overview_page = await browser.get("/console/content")
    reading = await browser.get(f"/console/content/{older.hash}")
    compared = await browser.get(f"/console/content/{current.hash}?against={older.hash}")
    unknown = await browser.get("/console/content/nothing")

    assert "what changed since" in words_on(overview_page)
    assert "Where?" in words_on(reading)
    assert f"questions: {current.questions[2].id} prompt Where" in words_on(compared)
    assert "<del>" in compared.text
    assert unknown.status_code == 404


async def test_a_version_that_can_no_longer_be_read_says_so(
    pages: Pages, browser: httpx.AsyncClient
) -> None:
    await pages.database.write(
        lambda tx: consults.store_content(
            tx, content_hash="f" * 64, scenario_id="old", version="1", body="not = toml = "
        )
    )

    answer = await browser.get("/console/content/" + "f" * 64)

    assert answer.status_code == 400
    assert "can no longer be read" in words_on(answer)


def test_texts_are_compared_word_by_word() -> None:
    found = content.pieces("Where is the patient now?", "Where is the client now?")

    assert found == (
        ("same", "Where is the "),
        ("del", "patient"),
        ("ins", "client"),
        ("same", " now?"),
    )
    assert content.pieces("a" * 5000, "b") == (("del", "a" * 5000), ("ins", "b"))
    assert content.pieces("", "new") == (("ins", "new"),)
    long = " ".join(["word"] * 100)
    shown = content.pieces(f"{long} old {long}", f"{long} new {long}")
    assert [len(text) for _, text in shown] == [63, 3, 3, 63]


def test_what_has_no_items_is_compared_as_a_whole_and_rules_as_sentences() -> None:
    current = load_scenario()
    first = current.considerations[0]
    other = current.model_copy(
        update={
            "footer": "Another footer.",
            "mme_factors": {**current.mme_factors, "codeine": 0.2},
            "considerations": (
                first.model_copy(update={"when": current.considerations[1].when}),
                *current.considerations[1:],
            ),
        }
    )

    found = {change.part: change for change in content.changes(current, other)}

    assert set(found) == {"footer", "mme factors", "considerations"}
    [(name, shown)] = found["considerations"].fields
    assert name == "when"
    assert all(kind in {"same", "del", "ins"} for kind, _ in shown)
    assert ("ins", "0.2") in found["mme factors"].fields[0][1]


def test_items_that_came_and_went_are_told_apart() -> None:
    current = load_scenario()
    fewer = current.model_copy(
        update={"banners": current.banners[1:], "step_order": current.step_order[1:]}
    )

    lost = list(content.changes(current, fewer))
    gained = list(content.changes(fewer, current))

    assert [(c.part, c.kind) for c in lost] == [("banners", "removed"), ("step order", "changed")]
    assert [(c.part, c.kind) for c in gained] == [("banners", "added"), ("step order", "changed")]


def test_old_and_superseded_sources_come_first(clock: Clock) -> None:
    current = load_scenario()

    found = list(content.sources(current, (clock.at + timedelta(days=800)).date()))

    assert found[0][1]
    assert {"superseded", "not yet checked against the original"} <= {
        trouble for _, trouble in found
    }
    assert any("days ago" in trouble for _, trouble in found)


# --- integrity and system -------------------------------------------------------------------------


async def verified(pages: Pages, browser: httpx.AsyncClient) -> str:
    page = await browser.get("/console/integrity")
    begun = await submit(browser, page, "/console/integrity/verify")
    assert begun.status_code == 303
    await asyncio.gather(*pages.app.state.site.tasks)
    return words_on(await browser.get("/console/integrity"))


async def test_the_log_is_verified_from_the_page(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    words = await verified(pages, browser)

    assert "The log is whole" in words
    assert "audit.verify" in words_on(await browser.get("/console/log"))


async def test_a_log_that_was_altered_is_found_out(
    pages: Pages, browser: httpx.AsyncClient
) -> None:
    def alter(tx: Tx) -> None:
        tx.connection.exec_driver_sql("DROP TRIGGER audit_event_no_update")
        tx.connection.exec_driver_sql("UPDATE audit_event SET outcome = 'denied' WHERE seq = 2")

    await pages.database.write(alter)

    words = await verified(pages, browser)

    assert "The log is not whole" in words
    assert "event 2: altered" in words


async def test_an_anchor_file_that_cannot_be_read_is_said(
    file_database: Database, clock: Clock, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors"
    pages = Pages(file_database, clock, {"anchor_file": anchors})
    browser = await pages.signed_in(await pages.person(ADMIN, admin=True))
    assert "The log is whole" in await verified(pages, browser)
    anchors.write_text("not an anchor\n")

    assert "could not be verified" in await verified(pages, browser)


async def test_only_one_verification_runs_at_a_time(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    site = pages.app.state.site
    site.jobs.begin("verify", admin.id, 10)

    page = await browser.get("/console/integrity")
    await submit(browser, await browser.get("/console/teams"), "/console/integrity/verify")

    assert "Verify now" not in words_on(page)
    assert 'http-equiv="refresh"' in page.text
    assert len(site.jobs.of("verify")) == 1
    assert integrity.PATH == "/console/integrity"


async def test_the_system_page_shows_queues_and_checks(
    pages: Pages, browser: httpx.AsyncClient
) -> None:
    words = words_on(await browser.get("/console/system"))

    assert "SQLite" in words
    assert "Waiting to be sent 1" in words
    assert "Bot ok" in words


async def put_away(pages: Pages, reason: str = "KeyError") -> UUID:
    return await pages.database.write(
        lambda tx: letters.bury(
            tx,
            update_id=77,
            kind="message",
            keys=["message"],
            payload=json.dumps({"text": SECRET}),
            reason=reason,
            attempts=5,
        )
    )


async def test_an_update_that_was_put_away_is_listed_and_handled_once_more(
    pages: Pages, browser: httpx.AsyncClient, admin: Person
) -> None:
    letter = await put_away(pages)
    page = await browser.get("/console/system")
    overview_page = await browser.get("/console")

    done = await submit(browser, page, f"/console/letter/{letter}/replay")
    again = await browser.get("/console/system")
    newest = await pages.look(
        lambda tx: [e for e in audit.entries(tx) if e.action == "dead_letter.replay"]
    )

    assert "message KeyError 5 tries" in words_on(page)
    assert "Updates put away 1" in words_on(overview_page)
    assert SECRET not in page.text
    assert done.status_code == 303
    assert "handled once more" in words_on(again)
    assert [(e.actor, e.object_id) for e in newest] == [(admin.id, str(letter))]


async def test_an_update_that_is_gone_cannot_be_handled_once_more(
    pages: Pages, admin: Person, clock: Clock
) -> None:
    letter = await put_away(pages)
    clock.moves(hours=25)
    browser = await pages.signed_in(admin)
    page = await browser.get("/console/system")

    answer = await submit(browser, page, f"/console/letter/{letter}/replay")

    assert "gone after 24 hours" in words_on(page)
    assert answer.status_code == 404


def test_the_newest_backup_is_the_one_that_was_made_last(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    nothing = integrity.newest_backup(tmp_path)
    for name, at in (("a.backup", 1_700_000_000), ("b.backup", 1_600_000_000), ("c.part", 1.8e9)):
        (folder / name).touch()
        os.utime(folder / name, (at, at))

    newest = integrity.newest_backup(tmp_path)

    assert nothing is None
    assert integrity.newest_backup(None) is None
    assert newest == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("oldest_unsent_seconds", 90, ("oldest unsent", "1 min 30 s")),
        ("disk_free_bytes", 2.5e6, ("disk free", "2.5 MB")),
        ("dead_letters", 3, ("dead letters", "3")),
        ("last_poll_seconds", None, ("last poll", "–")),
        ("age", None, ("age", "–")),
    ],
)
def test_numbers_of_a_check_read_with_their_unit(
    name: str, value: float | None, read: tuple[str, str]
) -> None:
    assert system.read(name, value) == read


def test_a_job_that_runs_is_remembered_before_those_that_have_ended(clock: Clock) -> None:
    jobs = Jobs(clock)
    jobs.begin("verify", UUID(int=0), 10)
    for n in range(MOST_JOBS):
        jobs.update(jobs.begin("export", UUID(int=n), 10), state="done")

    assert jobs.running("verify")
    assert len(jobs.of("export")) == MOST_JOBS - 1


async def test_the_console_is_one_list_of_routes(pages: Pages) -> None:
    paths: set[Any] = {getattr(route, "path", "") for route in pages.app.routes}

    assert {"/console", "/console/log", "/console/system", "/sign-in/{token}"} <= paths


def test_the_data_dictionary_says_the_same_as_the_page() -> None:
    written = Path("docs/data-dictionary.md").read_text("utf-8")

    assert all(f"| `{name}` | {meaning} |" in written for name, meaning in export.COLUMNS.items())
