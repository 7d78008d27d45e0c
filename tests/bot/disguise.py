"""A language in which nothing of the interface can pass for English, and what passes for it all the same.

Each sentence of the catalogue is written in wide letters, each text of the scenario in ringed ones. What
is left in plain letters was said past the translator.
"""

import html
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import chain
from string import ascii_letters, ascii_lowercase

import pytest

from bot import language
from bot.catalogue import sentences
from bot.language import Catalogue
from dialogs import translations
from dialogs.content import load_scenario
from dialogs.helplines import national_lines
from dialogs.messages import PART_2_NOTICE
from dialogs.regimen import DRUGS
from dialogs.translations import Translation, texts_of
from storage.transcript import REMOVED
from tests.bot.conftest import Conversation

WIDE = {ord(letter): chr(ord(letter) + 0xFEE0) for letter in ascii_letters}
RINGED = {
    ord(letter): chr((0x24D0 if letter in ascii_lowercase else 0x24B6) + place % 26)
    for place, letter in enumerate(ascii_letters)
}
PLACE = re.compile(r"(\{[^{}]*\})")
DRAFT_PLACE = re.compile(r"(\{[^{}]*\}|\[[^\[\]]*\]|\(mcg/h\))")
"""What is filled in stays as it is: in a sentence, and in a text of the scenario."""


def disguised(words: str, letters: dict[int, str], places: re.Pattern[str]) -> str:
    """Return words in other letters of the same length; what is filled in stays plain."""
    parts = places.split(words)
    return "".join(p if places.fullmatch(p) else p.translate(letters) for p in parts)


@contextmanager
def in_disguise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Speak that language instead of Spanish while the block runs."""
    wide = Catalogue("es", {each: disguised(each, WIDE, PLACE) for each in sentences()})
    ringed = (_scenario(),)
    monkeypatch.setattr(language, "catalogue", lambda name: wide)
    monkeypatch.setattr(translations, "load_translations", lambda name: ringed)
    translations._packaged.cache_clear()
    yield
    translations._packaged.cache_clear()


def _scenario() -> Translation:
    """Return the scenario in ringed letters; how "not known" is called is for the catalogue."""
    scenario = load_scenario()
    labels = {question.unknown_label for question in scenario.questions}
    return Translation(
        language="es",
        scenario=scenario.id,
        version=scenario.version,
        reviewer="nobody, for a test",
        reviewed_on=date(2026, 11, 23),
        texts={
            each: each if each in labels else disguised(each, RINGED, DRAFT_PLACE)
            for each in texts_of(scenario)
        },
    )


# --- what is left in plain letters ----------------------------------------------------------------

ALIKE = re.compile(
    r"^   “.*”$|https?://\S+|(?<!\w)/[a-z]+\b|\b(?:mg|mcg|mcg/h|MME|MAT|h|d|x|ms|UTC|ER|IR)\b"
    r"|[A-Z][a-z]+/[A-Za-z_ ]+|\b[0-9A-Z]{5}-[0-9A-Z]{5}\b|\b(?:[A-Z]{4}-){2}[A-Z]{4}\b"
)
"""Words that a case was told in, addresses, commands, units, zones, codes."""

NAMES = (
    "Curbside",
    "Telegram",
    "English",
    "Español",
    "HTML",
    "Markdown",
    "PDF",
    "BotFather",
    REMOVED,
)


def content() -> Iterator[str]:
    """Yield what is in no language but its own: sources, help lines, the notice of the law, medicines."""
    scenario = load_scenario()
    for source in scenario.sources:
        yield from (source.title, source.verified)
    cited = [each.sources for each in scenario.considerations]
    cited += [each.sources for each in scenario.steps]
    for citation in chain.from_iterable(cited):
        yield from (citation.section, citation.retained)
    for line in national_lines():
        yield from (line.name, line.who, line.region)
    yield from (PART_2_NOTICE, *DRUGS.values())


def shown(talk: Conversation) -> Iterator[str]:
    """Yield every line that the bot put before people's eyes: texts, buttons, toasts, captions."""
    for call in talk.emulator.calls:
        said = [str(call.params.get(name, "")) for name in ("text", "caption")]
        plain = call.method == "answerCallbackQuery"
        yield from "\n".join(said if plain else map(_read, said)).splitlines()
        for row in (call.params.get("reply_markup") or {}).get("inline_keyboard", ()):
            yield from (button["text"] for button in row)


def _read(text: str) -> str:
    """Return what is read of HTML; a document in a block is for somebody else."""
    kept = re.sub(r"<pre>.*?</pre>|<code>.*?</code>", "", text, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", kept))


def left(line: str, words: Sequence[str]) -> str:
    """Return what stands in plain letters in a line, ``words`` and masked ones apart."""
    line = re.sub(r"\S+ ▒+", "", line)
    for each in words:
        line = line.replace(each, "")
    return " ".join(re.findall(r"[A-Za-z]{2,}", ALIKE.sub("", line)))


async def said_past_the_translator(talk: Conversation, *by_people: str) -> list[str]:
    """Return the lines with plain letters that are neither content nor what people wrote."""
    codes = await talk.service.database.read(
        lambda tx: [
            str(row[0]) for row in tx.connection.exec_driver_sql("SELECT code FROM consult")
        ]
    )
    known = {each for each in (*content(), *NAMES, *codes, *by_people) if each}
    words = sorted(known, key=len, reverse=True)
    return [line for line in dict.fromkeys(shown(talk)) if left(line, words)]
