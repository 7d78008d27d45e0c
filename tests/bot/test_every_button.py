"""Every button there is, pressed by somebody it was not made for: denied, on record, without effect.

The buttons are those the bot really made on a long walk, and for each verb of the table one more that is
made up; a verb that is new is found by itself.
"""

import json
from collections.abc import Iterator
from typing import Any

from bot import routes
from bot.callbacks import parse
from bot.teams import READS, RUNS
from storage import people, teams
from storage.schema import metadata
from storage.transaction import Tx
from tests.bot.conftest import Conversation
from tests.bot.walks import case_of, every, forged, planned, unharmed
from tests.sealed import plaintexts
from web.emulator import Person, person

ON_ONESELF = {
    "agree": "accepts the scope for oneself",
    "role": "one's own role",
    "set": "one's own settings",
    "page": "a page of help",
    "new": "begins a case of one's own",
    "forget": "one's own data",
    "cases": "the list of one's own cases",
    "tell": "words of one's own",
    "held": "one's own words that wait for a yes",
    "tml": "the list of one's own teams",
    "tmn": "the name of a new team of one's own",
    "tmc": "a code that one was given",
    "lines": "help lines, the same for everybody",
    "shl": "the list of what one may see",
    "shm": "the list of what one has shared",
    "signin": "a sign-in of one's own; a foreign one is tried in the tests of the pages",
}
"""Verbs that name no object of anybody: what they do, they do to whoever presses."""

OF_TEAMS = (*READS, *RUNS)
"""What a button may do to a team."""

ELSEWHERE = {"got": "the offer of a case: tried in the tests of handing over"}
"""Verbs about objects that this walk does not make, and where they are tried."""

FOR_ADMINS = {"appr", "console"}


async def buttons(talk: Conversation) -> dict[str, set[str]]:
    """Return the data of every button the bot has made, by verb."""
    opened = await talk.service.database.read(lambda tx: list(plaintexts(tx)))
    found: dict[str, set[str]] = {}
    for place, text in opened:
        for data in _data(json.loads(text)) if place == "transcript.params" else ():
            read = parse(data)
            if read is not None:
                found.setdefault(read.verb, set()).add(data)
    return found


def _data(params: dict[str, Any]) -> Iterator[str]:
    for row in params.get("reply_markup", {}).get("inline_keyboard", ()):
        yield from (button["callback_data"] for button in row if "callback_data" in button)


async def walked(talk: Conversation) -> str:
    """Go a long way with one case, and return its short id."""
    screen = await planned(talk)
    short = case_of(screen)
    for data in (f"v|{short}|all", f"msg|{short}", f"fork|{short}", "cases"):
        await forged(talk, f"1|{data}|")
    await talk.service.database.write(has_a_team)
    return short


def has_a_team(tx: Tx) -> None:
    ana = people.get_or_create(tx, 501, "Ana")
    teams.create(tx, ana.id, "Night team")


def held_things(tx: Tx) -> dict[str, list[Any]]:
    """Return every row of every table but what is said, the log and what is counted from it."""
    beside = {"transcript", "screen", "person", "expecting", "data_key", "meta"}
    counted = {"consult_tally", "statistic"}
    return {
        table.name: sorted(map(str, tx.connection.execute(table.select())))
        for table in metadata.sorted_tables
        if table.name not in beside | counted and not table.name.startswith("audit")
    }


async def stranger(talk: Conversation) -> Person:
    """Somebody else who may use the bot, with a screen of their own."""
    ben = person(talk.emulator, 502, "Ben")
    ben.starts()
    await talk.settles()
    await talk.taps("I am a clinician", "Counselor", who=ben)
    return ben


async def made_up(talk: Conversation, verb: str, short: str) -> set[str]:
    """Return data that nobody made a button of, for the case and for the team."""
    shorts = {short, *(row[0] for row in await every(talk, "SELECT short FROM team"))}
    arguments = ("", "0|go|", "1|1|1|", *(f"{name}|" for name in OF_TEAMS))
    return {f"1|{verb}|{each}|{args}" for each in shorts for args in arguments}


async def denials(talk: Conversation, telegram_id: int) -> int:
    found = await every(
        talk,
        "SELECT telegram_id FROM audit_event JOIN person ON person.id = actor"
        " WHERE outcome = 'denied'",
    )
    return found.count((telegram_id,))


async def tries(talk: Conversation, who: Person, verb: str, short: str) -> None:
    """Press every button of a verb that was made for another, and some that nobody made."""
    made = (await buttons(talk)).get(verb, set())
    for data in sorted(made | await made_up(talk, verb, short)):
        who.forges(data, who.screen_or_none or who.last)
    await talk.settles()


async def test_a_button_of_somebody_elses_case_is_denied(ready: Conversation) -> None:
    short = await walked(ready)
    ben = await stranger(ready)
    before = await ready.service.database.read(held_things)
    for verb in sorted(set(routes.VERBS) - set(ON_ONESELF) - set(ELSEWHERE) - FOR_ADMINS):
        earlier = await denials(ready, 502)
        await tries(ready, ben, verb, short)

        assert await ready.service.database.read(held_things) == before, verb
        assert await denials(ready, 502) > earlier, verb
    assert await shown_to_strangers(ready) == []
    await unharmed(ready)


async def shown_to_strangers(talk: Conversation) -> list[Any]:
    """Return what was sent of a case to a chat that is not its asker's."""
    return await every(
        talk,
        "SELECT transcript.kind FROM transcript JOIN consult ON consult.id = consult_id"
        " JOIN person ON person.id = consult.owner_id"
        " WHERE telegram_id != chat_id AND direction = 'out'",
    )


async def test_a_button_of_admins_is_denied_to_others(ready: Conversation) -> None:
    await walked(ready)
    before = await ready.service.database.read(held_things)
    somebody = (await every(ready, "SELECT id FROM person"))[0][0]
    for verb in sorted(FOR_ADMINS):
        earlier = await denials(ready, 501)
        ready.me.forges(f"1|{verb}||{somebody}|1|", ready.screen)
        await tries(ready, ready.me, verb, "")

        assert await ready.service.database.read(held_things) == before, verb
        assert await denials(ready, 501) > earlier, verb
    await unharmed(ready)


async def test_a_button_about_oneself_does_nothing_to_others(ready: Conversation) -> None:
    short = await walked(ready)
    ben = await stranger(ready)
    mine = (
        "SELECT consult.id, revision, phase, erased_at FROM consult"
        " JOIN person ON person.id = owner_id WHERE telegram_id = 501"
    )
    before = await every(ready, mine)
    for verb in [*sorted(set(ON_ONESELF) - {"forget"}), "forget"]:
        await tries(ready, ben, verb, short)

        assert await every(ready, mine) == before, verb
    assert await shown_to_strangers(ready) == []
    await unharmed(ready)
