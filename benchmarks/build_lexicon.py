"""Builds the packaged word lists of the identifier guard from their sources.

    python -m benchmarks.build_lexicon PHILTER_DIR MIMESIS_DIR SMALL HUGE

PHILTER_DIR is the unpacked philter-ucsf 1.0.3 (BSD-3, Regents of the University of California),
MIMESIS_DIR the unpacked mimesis wheel 22.2.0 (MIT), SMALL and HUGE the lists of the Debian packages
wamerican-small and wamerican-huge (SCOWL, 2020.12.07). The licence notices stand in
dialogs/identifiers/data/NOTICE.txt.

Form of a list: one line a prefix of up to three letters, then the rest of each word, a full stop for
an empty rest.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dialogs.identifiers.text import folded

DATA = Path(__file__).parent.parent / "dialogs" / "identifiers" / "data"
PREFIX = 3
PHILTER = Path("philter_ucsf") / "filters"


def plain(words: Iterable[str]) -> set[str]:
    """The words in lower case without accents, those of two letters and more that are letters only."""
    return {
        w for word in words if len(w := folded(word).lower()) > 1 and w.isascii() and w.isalpha()
    }


def packed(words: Iterable[str]) -> str:
    groups: dict[str, list[str]] = defaultdict(list)
    for word in sorted(words):
        groups[word[:PREFIX]].append(word[PREFIX:] or ".")
    return "".join(f"{prefix} {' '.join(rests)}\n" for prefix, rests in sorted(groups.items()))


def philter(directory: Path, name: str) -> set[str]:
    return plain(json.loads((directory / PHILTER / name).read_text(encoding="utf-8")))


def scowl(path: str) -> set[str]:
    lines = Path(path).read_text(encoding="utf-8").split()
    return plain(word for word in lines if word.islower() and "'" not in word)


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.replace("-", " ").split()
    elif isinstance(value, dict):
        yield from (leaf for part in value.values() for leaf in leaves(part))
    elif isinstance(value, list):
        yield from (leaf for part in value for leaf in leaves(part))


def mimesis(directory: Path, *keys: str) -> set[str]:
    files = directory.glob("mimesis/datasets/*/person.json")
    people = (json.loads(file.read_text(encoding="utf-8")) for file in sorted(files))
    return plain(leaf for person in people for key in keys for leaf in leaves(person.get(key)))


def main(philter_dir: str, mimesis_dir: str, small: str, huge: str) -> None:
    words, others = Path(philter_dir), Path(mimesis_dir)
    common = scowl(small)
    safe = philter(words, "whitelists/whitelist_plus_fps_091718_nonames.json")
    given = philter(words, "blacklists/firstnames_minus_fps.json") | mimesis(others, "names")
    family = philter(words, "blacklists/lastnames_minus_fps.json") | mimesis(
        others, "surnames", "surname"
    )
    lists = {
        "given": given,
        "family": family,
        "plain": common - given - family,
        "common": common & (given | family),
        "medical": safe - common,
        "rare": scowl(huge) - common - safe,
    }
    for name, found in lists.items():
        (DATA / f"{name}.txt").write_text(packed(found), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
