"""What the guard knows of a word: the packaged lists, read at first use.

Five built lists (see `data/NOTICE.txt` and `benchmarks/build_lexicon.py`) and our own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from dialogs.identifiers.text import folded

_PREFIX = 3


class Sense:
    """The senses a word may have, as bits of a number; none at all for a word in no list.

    Plain numbers: the operators of an enumeration would cost more than all the rest of the reading.
    """

    WORD = 1
    """An everyday or medical word."""
    GIVEN = 2
    FAMILY = 4
    NAME = 8
    """A given or family name, and not an everyday word."""
    FIELD = 16
    """A word of this field, a people or a state: never a name."""
    CITY = 32
    MAYBE = 64
    """An everyday word that is a common given name too: Will, Grace."""
    EPONYM = 128
    """May name a disease or test."""
    ALWAYS = 256
    """An eponym whatever follows."""
    HEAD = 512
    """Makes an eponym of the name before it: syndrome, score."""
    STATE = 2048
    """A state or country."""
    EVERYDAY = 1024
    """Among the forty thousand most common words."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A list of words in its packed form: by prefix, one string of rests."""

    groups: Mapping[str, str]

    def __contains__(self, word: str) -> bool:
        rests = self.groups.get(word[:_PREFIX])
        return rests is not None and f" {word[_PREFIX:] or '.'} " in rests


def _text(name: str) -> str:
    return (files(__package__) / "data" / name).read_text(encoding="utf-8")


def _packed(name: str) -> Packed:
    lines = (line.partition(" ") for line in _text(name).splitlines())
    return Packed({prefix: f" {rests} " for prefix, _, rests in lines})


def _unpacked(name: str) -> frozenset[str]:
    lines = (line.partition(" ") for line in _text(name).splitlines())
    return frozenset(
        prefix + (rest if rest != "." else "")
        for prefix, _, rests in lines
        for rest in rests.split()
    )


def _lines(name: str) -> list[str]:
    return [line for line in _text(name).splitlines() if not line.startswith("#")]


def _words(name: str) -> list[str]:
    return [folded(word).lower() for line in _lines(name) for word in line.split()]


def _places() -> tuple[frozenset[str], frozenset[str]]:
    both = " ".join(_lines("places.txt")).partition("[city]")
    return frozenset(both[0].split()) - {"[pass]"}, frozenset(both[2].split())


_ENDINGS = (
    "asvir",
    "azepam",
    "azolam",
    "barbital",
    "buvir",
    "caine",
    "cillin",
    "cycline",
    "dipine",
    "done",
    "dronate",
    "ectomy",
    "emia",
    "fentanil",
    "fentanyl",
    "floxacin",
    "gliflozin",
    "gliptin",
    "glutide",
    "gravir",
    "grel",
    "ipril",
    "itis",
    "limus",
    "mycin",
    "navir",
    "nitazene",
    "ologist",
    "ology",
    "olol",
    "opathy",
    "opioid",
    "opioids",
    "oplasty",
    "orphan",
    "orphine",
    "orphone",
    "osis",
    "ostomy",
    "otomy",
    "oxetine",
    "prazole",
    "profen",
    "sartan",
    "scopy",
    "setron",
    "statin",
    "tadine",
    "tegravir",
    "tidine",
    "tinib",
    "trexone",
    "triptan",
    "triptyline",
    "umab",
    "vastatin",
    "virals",
    "xaban",
    "ximab",
    "zepine",
    "zodone",
    "zoline",
    "zumab",
)
"""How drugs, illnesses, operations and specialists end."""
_SHORTEST_FORMED = 7
_SHORTEST_MISSPELT = 7


@dataclass(frozen=True, slots=True)
class Lexicon:
    given: Packed
    family: Packed
    plain: frozenset[str]
    """Everyday words that are no names: most words of a text."""
    common: Packed
    """Everyday words that are names too."""
    medical: Packed
    rare: Packed
    own: Mapping[str, int]
    shortened: frozenset[str]
    """The longer words of the field, each without one letter."""

    def sense(self, word: str) -> int:
        """The senses of one word in lower case, plain letters."""
        own = self.own.get(word, 0)
        if not own and word in self.plain:
            return Sense.WORD | Sense.EVERYDAY
        names = self._names(word)
        if own & Sense.NAME:
            return own & ~Sense.FIELD | names
        if own & Sense.FIELD:
            return own | names | Sense.WORD
        if own & Sense.MAYBE:
            return own | names | Sense.WORD | self._everyday(word)
        return own | self._listed(word, names)

    def _names(self, word: str) -> int:
        found = Sense.GIVEN if word in self.given else 0
        return found | Sense.FAMILY if word in self.family else found

    def _everyday(self, word: str) -> int:
        return Sense.EVERYDAY if self._is_common(word) else 0

    def _listed(self, word: str, names: int) -> int:
        if self._is_common(word):
            return names | Sense.WORD | Sense.EVERYDAY
        if word in self.medical:
            return names | Sense.WORD
        if names:
            return names | Sense.NAME
        known = word in self.rare or self._formed(word) or self._misspelt(word)
        return Sense.WORD if known else 0

    def _is_common(self, word: str) -> bool:
        return word in self.plain or word in self.common

    def _formed(self, word: str) -> bool:
        """Whether it is the plural of a word, or a drug or illness by its ending."""
        if word.endswith("s") and (self._is_common(word[:-1]) or word[:-1] in self.medical):
            return True
        return len(word) >= _SHORTEST_FORMED and word.endswith(_ENDINGS)

    def _misspelt(self, word: str) -> bool:
        """Whether it is a longer word of the field with one letter wrong: Sublocaid, fetanyl.

        Many names end with a vowel, so that a word that does is left to the other rules.
        """
        if len(word) < _SHORTEST_MISSPELT or word[-1] in "aio":
            return False
        return word in self.shortened or any(cut in self.shortened for cut in _shortened(word))


def _shortened(word: str) -> Iterator[str]:
    """The word without one of its letters, but never without the first."""
    return (word[:at] + word[at + 1 :] for at in range(1, len(word)))


def _own() -> dict[str, int]:
    passing, cities = _places()
    own: dict[str, int] = dict.fromkeys(_words("domain.txt"), Sense.FIELD)
    given = dict.fromkeys(_words("given_words.txt"), Sense.MAYBE | Sense.GIVEN)
    states = {word: Sense.STATE if word in given else Sense.STATE | Sense.FIELD for word in passing}
    for words in (states, dict.fromkeys(cities, Sense.CITY), given):
        for word, sense in words.items():
            own[word] = own.get(word, 0) | sense
    for word in _words("firm_names.txt"):
        own[word] = own.get(word, 0) | Sense.NAME
    for word in _words("heads.txt"):
        own[word] = own.get(word, 0) | Sense.HEAD
    for word in _words("eponyms.txt"):
        bare = word.rstrip("*")
        own[bare] = own.get(bare, 0) | Sense.EPONYM | (Sense.ALWAYS if bare != word else 0)
    return own


_LISTS = ("given.txt", "family.txt", "common.txt", "medical.txt", "rare.txt")


@cache
def packaged() -> Lexicon:
    """The packaged lists, read once."""
    given, family, common, medical, rare = map(_packed, _LISTS)
    long = (word for word in _words("domain.txt") if len(word) >= _SHORTEST_MISSPELT)
    shortened = frozenset(cut for word in long for cut in _shortened(word))
    return Lexicon(given, family, _unpacked("plain.txt"), common, medical, rare, _own(), shortened)
