"""Every way by which words reach the bot: a clear identifier is kept by none of them.

The ways are enumerated from the tables of routes, so that a new one cannot be forgotten; that nothing
was kept is read from the files and from everything encrypted, opened.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot import routes
from bot.turn import Turn
from storage import consults, expecting, people
from storage.errors import Identifying
from storage.transaction import Tx
from tests.bot.conftest import Conversation
from tests.bot.test_handler import files
from tests.bot.walks import case_of, every, founding, unharmed
from tests.sealed import plaintexts
from web.emulator import Person, group

HARD = "Zebulon Quackenbush, MRN 00834412"
PIECES = ("Quackenbush", "00834412")
SOFT = "per Dr. Quackenbush"

Way = Callable[[Person, str], Any]


def edited(me: Person, words: str) -> None:
    me.edits(me.says("not known"), words)


WAYS: dict[str, Way] = {
    "words": lambda me, words: me.says(words),
    "an edit": edited,
    "a caption": lambda me, words: me.sends_photo(words),
    "a file name": lambda me, words: me.sends_document(f"{words}.pdf"),
    "a file's caption": lambda me, words: me.sends_document(caption=words),
    "a contact": lambda me, words: me.sends(
        {"contact": {"first_name": words, "phone_number": "6145550188"}}
    ),
    "a poll": lambda me, words: me.sends({"poll": {"id": "1", "question": words}}),
    "a link": lambda me, words: me.starts("Zebulon_Quackenbush_00834412"),
    "an inline query": lambda me, words: me.asks_inline(words),
}


def commanding(name: str) -> Way:
    return lambda me, words: me.says(f"/{name} {words}")


WAYS |= {f"/{name}": commanding(name) for name in (*routes.COMMANDS, "nothing")}


async def kept(talk: Conversation) -> list[str]:
    """Return where any piece of the identifier is kept: files as they are, ciphertexts opened."""
    disk = await files(talk)
    found = [piece for piece in PIECES if piece.encode() in disk]
    opened = await talk.service.database.read(lambda tx: list(plaintexts(tx)))
    return found + [place for place, text in opened if any(piece in text for piece in PIECES)]


@pytest.mark.parametrize("way", WAYS)
async def test_a_clear_identifier_is_kept_by_no_way_in(ready: Conversation, way: str) -> None:
    await founding(ready, 2)
    WAYS[way](ready.me, HARD)
    await ready.settles()

    assert await kept(ready) == []
    await unharmed(ready)


@pytest.mark.parametrize("way", ["a caption", "a file name", "a file's caption", "a contact"])
async def test_a_picture_or_file_that_names_somebody_is_deleted(
    ready: Conversation, way: str
) -> None:
    sent = WAYS[way](ready.me, HARD)
    await ready.settles()

    assert sent.deleted
    assert "Not stored" in ready.me.last.text
    assert "Nothing was downloaded" in ready.me.last.text
    assert not any(piece in ready.me.last.text for piece in PIECES)


@pytest.mark.parametrize("kind", routes.WORDS)
async def test_nor_by_any_words_that_are_expected(ready: Conversation, kind: str) -> None:
    screen = await founding(ready, 2)
    await expects(ready, kind, case_of(screen))
    ready.me.says(HARD)
    await ready.settles()

    assert await kept(ready) == []
    assert "Not stored" in ready.me.last.text
    await unharmed(ready)


async def expects(talk: Conversation, kind: str, short: str) -> None:
    """Have the bot expect words of a kind, on the screen that asks for them."""

    def unit(tx: Tx) -> None:
        me = people.get_or_create(tx, 501, "Ana")
        expecting.expect(
            tx,
            me.id,
            kind,
            consult_id=consults.load_short(tx, short).id,
            args={"short": short, "field": "reason"},
        )

    await talk.service.database.write(unit)


@pytest.mark.parametrize("name", set(routes.COMMANDS) - {"new"})
async def test_a_possible_identifier_after_a_command_goes_nowhere(
    ready: Conversation, name: str
) -> None:
    await founding(ready, 2)
    ready.me.says(f"/{name} {SOFT}")
    await ready.settles()

    assert await kept(ready) == []


async def test_what_people_say_in_a_group_is_kept_by_no_way_in(ready: Conversation) -> None:
    team = group(ready.emulator, "Night team", [ready.me])
    team.adds_bot(ready.me, admin=True)
    here = ready.me.in_group(team)
    here.says(HARD)
    here.says(f"/new {HARD}")
    here.sends_photo(HARD)
    await ready.settles()

    assert await kept(ready) == []
    await unharmed(ready)


async def test_what_is_kept_is_what_people_read(ready: Conversation) -> None:
    """The tests above would see it: words without an identifier are found among what is kept."""
    await founding(ready, 2)
    await ready.says(SOFT)
    opened = await ready.service.database.read(lambda tx: list(plaintexts(tx)))

    assert {place for place, _ in opened} >= {"person.name", "transcript.params", "expecting.held"}
    assert json.dumps([SOFT, None]) in {text for _, text in opened}


async def test_words_that_only_storage_sees_through_are_answered(
    ready: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at in parts may identify somebody as a whole: storage refuses, the bot says so."""

    def keep(_turn: Turn) -> None:
        raise Identifying(("mrn", "name"))

    monkeypatch.setattr("bot.handler.route", keep)
    said = await ready.says("seen as a whole")

    assert "Not stored" in said
    assert "Found: a medical record number, a name" in said
    hits = await every(ready, "SELECT count(*) FROM audit_event WHERE action = 'guard.hit'")
    assert hits == [(2,)]
    await unharmed(ready)
