"""Turns HTML into text and entities with Telegram's own refusals, and finds links and commands."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from web.emulator.errors import Refused, bad
from web.emulator.limits import ENTITIES, ENTITY_BYTES, units

Entity = dict[str, Any]

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "blockquote": "blockquote",
}
SPACE = re.compile(r"[ \t\r\n\v\0]*")
NAME = re.compile(r"[^ \t\r\n\v\0>]*")
ATTRIBUTE = re.compile(r"""[^ \t\r\n\v\0=>/"']*""")
TOKEN = re.compile(r"[A-Za-z0-9.-]*")
REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(lt|gt|amp|quot)(?![A-Za-z]));?")


CHARACTERS = range(1, 0x10FFFF)
HALVES = range(0xD800, 0xE000)
"""Halves of surrogate pairs, which no text may have."""


@dataclass(frozen=True, slots=True)
class Formatted:
    text: str
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    tag: str
    attributes: dict[str, str]
    start: int
    begin: int
    """Index in the text made so far, for a link that is its own address."""


@dataclass(slots=True)
class HtmlReader:
    """Walks one HTML text from tag to tag; `offset` is in UTF-16 units of the text so far."""

    source: str
    place: int = 0
    text: str = ""
    offset: int = 0

    def read(self) -> Formatted:
        opened: list[Open] = []
        entities: list[Entity] = []
        while (begin := self.source.find("<", self.place)) >= 0:
            self.add(self.source[self.place : begin])
            if self.source.startswith("/", begin + 1):
                entities += self.close(begin, opened)
            else:
                opened.append(self.open(begin))
        self.add(self.source[self.place :])
        if opened:
            raise unparsable(f'Can\'t find end tag corresponding to start tag "{opened[-1].tag}"')
        return Formatted(self.text, tuple(in_order(merged(entities))))

    def add(self, raw: str) -> None:
        plain = REFERENCE.sub(character, raw)
        self.text += plain
        self.offset += units(plain)

    @property
    def next(self) -> str:
        """The character at the place, empty at the end."""
        return self.source[self.place : self.place + 1]

    def take(self, pattern: re.Pattern[str]) -> str:
        """What the pattern finds at the place, which moves behind it."""
        found = pattern.match(self.source, self.place)
        self.place = found.end() if found else self.place
        return found[0] if found else ""

    def at(self, begin: int) -> str:
        return f"at byte offset {len(self.source[:begin].encode())}"

    def open(self, begin: int) -> Open:
        self.place = begin + 1
        tag = self.take(NAME).lower()
        if not self.next:
            raise unparsable(f"Unclosed start tag {self.at(begin)}")
        if tag not in KINDS:
            raise unparsable(f'Unsupported start tag "{tag}" {self.at(begin)}')
        attributes: dict[str, str] = {}
        while self.next != ">":
            self.take(SPACE)
            if self.next != ">":
                attributes |= self.attribute(tag, begin)
        self.place += 1
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise unparsable(f'Tag "span" must have class "tg-spoiler" {self.at(begin)}')
        return Open(tag, attributes, self.offset, len(self.text))

    def attribute(self, tag: str, begin: int) -> dict[str, str]:
        if not (name := self.take(ATTRIBUTE)):
            raise unparsable(f'Empty attribute name in the tag "{tag}" {self.at(begin)}')
        self.take(SPACE)
        if self.next == "=":
            self.place += 1
            self.take(SPACE)
            value = self.value(begin) if self.next else ""
        else:
            value = ""
        if not self.next:
            raise unparsable(f'Unclosed start tag "{tag}" {self.at(begin)}')
        return {name: value}

    def value(self, begin: int) -> str:
        """An attribute's value: quoted, or a bare token in lower case."""
        start, quote = self.place, self.next
        if quote not in {'"', "'"}:
            token = self.take(TOKEN).lower()
            if self.next and self.next not in " \t\r\n\v\0>":
                raise unparsable(f"Unexpected end of name token {self.at(start)}")
            return token
        end = self.source.find(quote, start + 1)
        if end < 0 or end + 1 == len(self.source):
            raise unparsable(f"Unclosed start tag {self.at(begin)}")
        self.place = end + 1
        return REFERENCE.sub(character, self.source[start + 1 : end])

    def close(self, begin: int, opened: list[Open]) -> Iterator[Entity]:
        if not opened:
            raise unparsable(f"Unexpected end tag {self.at(begin)}")
        self.place = begin + 2
        tag = self.take(NAME).lower()
        self.take(SPACE)
        if self.next != ">":
            raise unparsable(f"Unclosed end tag {self.at(begin)}")
        self.place += 1
        begun = opened.pop()
        if tag not in {"", begun.tag}:
            raise unparsable(
                f'Unmatched end tag {self.at(begin)}, expected "</{begun.tag}>", found "</{tag}>"'
            )
        if self.offset == begun.start:
            return iter(())
        return entity(begun, self.offset - begun.start, self.text[begun.begin :])


def unparsable(text: str) -> Refused:
    return bad(f"can't parse entities: {text}")


def character(found: re.Match[str]) -> str:
    if found[3]:
        return html.unescape(f"&{found[3]};")
    code = int(found[1]) if found[1] else int(found[2], 16)
    return chr(code) if code in CHARACTERS and code not in HALVES else found[0]


def entity(begun: Open, length: int, inner: str) -> Iterator[Entity]:
    made: Entity = {"type": KINDS[begun.tag], "offset": begun.start, "length": length}
    match begun.tag:
        case "a":
            yield from link(made, begun.attributes.get("href") or inner)
        case "blockquote":
            long = "expandable" in begun.attributes
            yield made | ({"type": "expandable_blockquote"} if long else {})
        case "code":
            language = begun.attributes.get("class", "").removeprefix("language-")
            yield made | ({"language": language} if language else {})
        case "tg-emoji":
            yield made | {"custom_emoji_id": emoji(begun.attributes.get("emoji-id", ""))}
        case _:
            yield made


def link(made: Entity, address: str) -> Iterator[Entity]:
    """A link with a usable address; any other address leaves plain text."""
    if (mention := re.fullmatch(r"tg://user\?id=(\d+)", address)) is not None:
        yield made | {"type": "text_mention", "user": {"id": int(mention[1])}}
    elif re.match(r"(https?|tg|ton)://\S|[\w-]+(\.[\w-]+)+(/|$)", address):
        yield made | {"url": address if "://" in address else f"http://{address}/"}


def emoji(identifier: str) -> str:
    if not identifier.isdecimal() or int(identifier) == 0:
        raise unparsable("Invalid custom emoji identifier specified")
    return identifier


def merged(entities: list[Entity]) -> list[Entity]:
    """`<pre><code class="language-x">` is one entity, not two."""
    places = {(e["offset"], e["length"]): e for e in entities if e["type"] == "pre"}
    kept: list[Entity] = []
    for made in entities:
        around = places.get((made["offset"], made["length"]))
        if made["type"] == "code" and around is not None:
            around.update({k: v for k, v in made.items() if k == "language"})
        else:
            kept.append(made)
    return kept


def in_order(entities: list[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def trimmed(formatted: Formatted) -> Formatted:
    """The text without white space at its ends, entities moved and cut to fit."""
    text = formatted.text.replace("\r", "")
    start = units(text) - units(text.lstrip())
    text = text.strip()
    length = units(text)
    entities = []
    for each in formatted.entities:
        begin = max(0, each["offset"] - start)
        end = min(length, each["offset"] - start + each["length"])
        if end > begin:
            entities.append(each | {"offset": begin, "length": end - begin})
    return Formatted(text, tuple(entities))


FOUND = re.compile(
    r"(?P<url>https?://[^\s<>\"]+[^\s<>\".,;:!?)\]])"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?<![\w/@])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)(?![\w/])"
    r"|(?<![\w@])(?P<mention>@[A-Za-z]\w{3,31})"
    r"|(?<!\w)(?P<hashtag>#\w*[^\W\d]\w*)"
)


def with_found(formatted: Formatted) -> Formatted:
    """The same text with commands, addresses and mentions marked, at most 100 entities."""
    taken = [
        range(e["offset"], e["offset"] + e["length"])
        for e in formatted.entities
        if e["type"] in {"code", "pre", "text_link", "text_mention"}
    ]
    found = [e for e in detected(formatted.text) if not any(e["offset"] in t for t in taken)]
    kept = in_order([*formatted.entities, *found])[:ENTITIES]
    if len(json.dumps([e.get("url", "") for e in kept])) > ENTITY_BYTES:
        raise bad("ENTITIES_TOO_LONG")
    return Formatted(formatted.text, tuple(kept))


def detected(text: str) -> Iterator[Entity]:
    for found in FOUND.finditer(text):
        kind = found.lastgroup
        yield {
            "type": kind,
            "offset": units(text[: found.start()]),
            "length": units(found[0]),
        }
