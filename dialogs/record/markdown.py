"""A record as Markdown: for a chart, a repository, a mail."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dialogs.record.values import (
    Block,
    Bullets,
    Card,
    Fact,
    Facts,
    Group,
    Record,
    Said,
    Spread,
    Words,
)

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_LISTING = re.compile(r"(?m)^(\s*(?=[-+=])|\s*\d+(?=[.)]))(.)")


def as_markdown(record: Record) -> str:
    """Return the record as one Markdown text; what people wrote cannot become markup."""
    parts = [
        f"# {esc(record.title)}",
        esc(record.question),
        "\n".join(map(_fact, record.head)),
        "\n".join(f"> {esc(notice)}  " for notice in record.notices),
    ]
    for section in record.sections:
        parts.append(f"## {esc(section.title)}")
        parts += [text for block in section.blocks for text in _block(block, 3)]
    return "\n\n".join(parts) + "\n"


def esc(text: str) -> str:
    r"""Return words as Markdown that shows exactly these words, on one line each.

    >>> print(esc("1. <b>*x*</b>"))
    1\. \<b\>\*x\*\</b\>
    """
    return _LISTING.sub(r"\1\\\2", _SIGNS.sub(r"\\\1", text))


def _lines(text: str, indent: str = "") -> str:
    """Return words over several lines with each break kept."""
    return f"  \n{indent}".join(esc(line) for line in text.split("\n"))


def _block(block: Block, level: int) -> Iterator[str]:
    if isinstance(block, Group):
        if block.heading:
            yield f"{'#' * level} {esc(block.heading)}"
        for each in block.blocks:
            yield from _block(each, level + bool(block.heading))
        return
    yield WAYS[block.kind](block, level)


def _fact(row: Fact, indent: str = "") -> str:
    notes = "".join(f"\n{indent}  - {esc(note)}" for note in row.notes)
    return f"{indent}- **{esc(row.label)}:** {_lines(row.value, indent + '  ')}{notes}"


def _facts(block: Facts, _level: int) -> str:
    return "\n".join(map(_fact, block.rows))


def _words(block: Words, _level: int) -> str:
    return _lines(block.text)


def _bullets(block: Bullets, _level: int) -> str:
    listed = [f"- {esc(line)}" for line in block.lines]
    return "\n".join([f"**{esc(block.heading)}**", "", *listed])


def _card(block: Card, level: int) -> str:
    tag = f" ({esc(block.tag)})" if block.tag else ""
    parts = [
        f"{'#' * level} {esc(block.title)}{tag}",
        _lines(block.text),
        "\n".join(map(_fact, block.facts)),
    ]
    return "\n\n".join(part for part in parts if part)


def _said(block: Said, _level: int) -> str:
    notes = "".join(f", {esc(note)}" for note in (block.when, block.about) if note)
    quoted = "\n".join(f"> {esc(line)}  " for line in block.text.split("\n"))
    return f"**{esc(block.who)}**{notes}\n\n{quoted}"


def _spread(block: Spread, _level: int) -> str:
    rows = [f"- {esc(share.label)}: {share.words}" for share in block.shares]
    return "\n".join([f"**{esc(block.heading)}**", "", *rows])


WAYS: Mapping[str, Callable[[Any, int], str]] = {
    "facts": _facts,
    "words": _words,
    "bullets": _bullets,
    "card": _card,
    "said": _said,
    "spread": _spread,
}
"""How each kind of block is laid out."""
