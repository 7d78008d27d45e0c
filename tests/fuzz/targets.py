"""What is fed to each parser, and what has to hold whatever it is fed.

Every target takes the bytes of the fuzzer; a failure is an exception, or more than two seconds.
"""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from atheris import FuzzedDataProvider

from bot.callbacks import MOST_BYTES, encode, parse
from bot.translate import START_PAYLOAD, Undecodable, queue_key, translate, update_id_of
from dialogs.content import load_scenario_text
from dialogs.dosing import dose_lines, read_dose
from dialogs.errors import ContentError
from dialogs.identifiers import KINDS, find_identifiers, guard_lines
from dialogs.narrative import read_lines, read_narrative
from storage.text import clean
from web.webhook import DEEPEST, too_deep

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/dialogs/data"
LONGEST = 4096
"""Characters of a message at Telegram."""

Target: TypeAlias = Callable[[bytes], None]


# --- updates --------------------------------------------------------------------------------------

PERSON = {"id": 501, "is_bot": False, "first_name": "A", "language_code": "en"}
CHAT = {"id": 501, "type": "private", "first_name": "A"}
MESSAGE = {"message_id": 7, "from": PERSON, "chat": CHAT, "date": 1795446000, "text": "10 mg"}
COMMAND = {"offset": 0, "length": 6, "type": "bot_command"}
UPDATES: tuple[dict[str, Any], ...] = (
    {"message": MESSAGE},
    {"message": MESSAGE | {"text": "/start x_y", "entities": [COMMAND]}},
    {"message": MESSAGE | {"text": "", "photo": [{"file_id": "x"}], "caption": "x"}},
    {"message": {**MESSAGE, "reply_to_message": MESSAGE, "message_thread_id": 3}},
    {"message": MESSAGE | {"migrate_to_chat_id": -1001, "chat": {"id": -5, "type": "group"}}},
    {"edited_message": MESSAGE | {"edit_date": 1795446001}},
    {"callback_query": {"id": "1", "from": PERSON, "message": MESSAGE, "data": "1|a|b||2"}},
    {"inline_query": {"id": "1", "from": PERSON, "query": "x", "offset": ""}},
    {"chosen_inline_result": {"result_id": "1", "from": PERSON, "query": "x"}},
    {
        "my_chat_member": {
            "chat": CHAT,
            "from": PERSON,
            "date": 1,
            "old_chat_member": {"user": PERSON, "status": "member"},
            "new_chat_member": {"user": PERSON, "status": "kicked"},
        }
    },
)


def anything(given: FuzzedDataProvider, depth: int = 3) -> Any:
    """Return any JSON value."""
    kind = given.ConsumeIntInRange(0, 6 if depth else 4)
    if kind == 5:
        return [anything(given, depth - 1) for _ in range(given.ConsumeIntInRange(0, 3))]
    if kind == 6:
        names = (given.ConsumeUnicode(8) for _ in range(given.ConsumeIntInRange(0, 3)))
        return {name: anything(given, depth - 1) for name in names}
    simple: tuple[Callable[[], Any], ...] = (
        lambda: None,
        given.ConsumeBool,
        lambda: given.ConsumeInt(9),
        given.ConsumeFloat,
        lambda: given.ConsumeUnicode(40),
    )
    return simple[kind]()


def altered(given: FuzzedDataProvider, value: Any) -> Any:
    """Return ``value`` with something in it replaced or left out."""
    if not isinstance(value, dict) or not value or given.ConsumeIntInRange(0, 3) == 0:
        return anything(given)
    name = given.PickValueInList(sorted(value))
    if given.ConsumeIntInRange(0, 7) == 0:
        return {key: kept for key, kept in value.items() if key != name}
    return {**value, name: altered(given, value[name])}


def updates(data: bytes) -> None:
    """Any JSON is read, ignored or undecodable, and has its place in a queue."""
    given = FuzzedDataProvider(data)
    raw: Any = {"update_id": 9, **copy.deepcopy(given.PickValueInList(list(UPDATES)))}
    for _ in range(given.ConsumeIntInRange(0, 3)):
        raw = altered(given, raw)
    read = translate(raw, "curbside_bot")
    assert hash(queue_key(raw)) is not None
    assert isinstance(read, Undecodable) or read.update_id == update_id_of(raw)


def deep_links(data: bytes) -> None:
    """A payload reaches us only if it can be one of ours."""
    words = f"/start {data.decode('utf-8', 'replace')}"
    raw = {"update_id": 9, "message": MESSAGE | {"text": words, "entities": [COMMAND]}}
    payload = getattr(translate(raw, "curbside_bot"), "payload", "")
    assert not payload or START_PAYLOAD.fullmatch(payload)


def callbacks(data: bytes) -> None:
    """What can be read is what a button of ours could carry."""
    words = data.decode("utf-8", "replace")
    for each in (words, f"1|{words}"):
        found = parse(each)
        if found is not None:
            assert len(each.encode()) <= MOST_BYTES
            again = encode(found.verb, found.case, *found.args, turn=found.turn)
            assert parse(again) == found


def deliveries(data: bytes) -> None:
    """JSON that passes the look at its depth can be read, or is none."""
    if not too_deep(data):
        try:
            value = json.loads(data)
        except ValueError:
            return
        assert depth_of(value) <= DEEPEST


def depth_of(value: Any) -> int:
    within = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth_of, within), default=0)


# --- words ----------------------------------------------------------------------------------------


def words_of(data: bytes) -> str:
    """Return words as they reach the readers: cleaned, at most as long as a message."""
    return clean(data.decode("utf-8", "replace"))[:LONGEST]


def guard(data: bytes) -> None:
    """Findings lie in the text, in order, apart from each other, and are the same every time."""
    words = words_of(data)
    found = find_identifiers(words)
    end = 0
    for finding in found:
        assert end <= finding.start < finding.end <= len(words)
        assert finding.kind in KINDS
        assert finding.tier in {"hard", "soft"}
        end = finding.end
    assert found == find_identifiers(words)
    one_line_each(guard_lines, data)


def doses(data: bytes) -> None:
    """A number of MME is no surprise: none, or not negative; and nothing unread is counted."""
    reading = read_dose(words_of(data))
    assert reading.mme is None or reading.mme >= 0
    assert not (reading.ask and reading.mme is not None)
    one_line_each(dose_lines, data)


def narratives(data: bytes) -> None:
    """A suggestion is the words it names."""
    words = words_of(data)
    reading = read_narrative(words)
    for found in reading.suggestions:
        assert words[found.start : found.end] == found.words
    assert "safety_now" in reading.asks
    one_line_each(read_lines, data)


def one_line_each(read: Callable[[list[str]], Any], data: bytes) -> None:
    """Whatever a line of standard input holds, one line of JSON comes out, or none for an empty one."""
    line = data.decode("utf-8", "replace")
    for out in read([line, json.dumps({"text": line})]):
        json.loads(out)


# --- content --------------------------------------------------------------------------------------

SCENARIO = (ROOT / "dialogs/content/mat_pain.toml").read_text("utf-8").splitlines(keepends=True)


def content(data: bytes) -> None:
    """A wrong scenario is refused as one, whatever is wrong with it."""
    given = FuzzedDataProvider(data)
    lines = list(SCENARIO) if given.ConsumeBool() else []
    for _ in range(given.ConsumeIntInRange(1, 4)):
        at = given.ConsumeIntInRange(0, len(lines))
        gone = given.ConsumeIntInRange(0, 2)
        lines[at : at + gone] = [given.ConsumeUnicode(120)]
    with suppress(ContentError):
        load_scenario_text("".join(lines))


def sentences(*names: str) -> list[bytes]:
    """Return the texts of the test corpora, to begin from."""
    found: list[bytes] = []
    for name in names:
        for line in (DATA / name).read_text("utf-8").splitlines():
            text = json.loads(line).get("text", "") if name.endswith("jsonl") else line
            found.append(str(text).encode())
    return found


TARGETS: dict[str, Target] = {
    "updates": updates,
    "deep_links": deep_links,
    "callbacks": callbacks,
    "deliveries": deliveries,
    "guard": guard,
    "doses": doses,
    "narratives": narratives,
    "content": content,
}

SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "guard": lambda: sentences("guard_open.jsonl", "guard_dirty.txt", "guard_clean.txt"),
    "doses": lambda: sentences("doses.jsonl"),
    "narratives": lambda: sentences("narratives_tuning.jsonl"),
    "callbacks": lambda: [b"1|a|abc123|safety_now|none|3", b"due|abc123|0f|"],
    "deep_links": lambda: [b"j_" + b"A" * 43],
    "deliveries": lambda: [json.dumps({"update_id": 1, **each}).encode() for each in UPDATES],
}
"""What some targets begin from; the others build their input themselves."""
