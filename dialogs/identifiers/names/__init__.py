"""People's names.

There is no list of all names, so the question is put the other way round: a capital inside a sentence
is suspect unless the word is known; small letters are suspect after a cue; and a known name is taken for
one wherever it stands, unless what follows makes it an eponym.
"""

from collections.abc import Callable, Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.capitals import capitalised, family_first
from dialogs.identifiers.names.cues import introduced
from dialogs.identifiers.names.extent import Hit, first_of, verb_at
from dialogs.identifiers.names.small import in_other_script, in_small_letters
from dialogs.identifiers.names.titles import after_title
from dialogs.identifiers.names.words import NAMEISH, STOP, TITLES, TOWN_HEADS
from dialogs.identifiers.tokens import Reading, Token

_SAINTS = frozenset({"st", "saint"})
"""Before a name they make a hospital, church or town of it."""
Rule = Callable[[Reading, int], Hit | None]


def names(reading: Reading) -> Iterator[Finding]:
    after = 0
    for index, token in enumerate(reading.tokens):
        if index < after or not token.alpha:
            continue
        hit = next((hit for rule in _rules(reading, token) if (hit := rule(reading, index))), None)
        if hit:
            after = hit[0] + 1
            start = reading.at(first_of(reading, index)).start
            yield _place_of(reading, index, hit) or Finding(
                start, _end(reading, hit), "name", hit[1]
            )


def _end(reading: Reading, hit: Hit) -> int:
    """Where the name ends, without its 's."""
    last = reading.at(hit[0])
    return last.end - 2 * last.owns


def _place_of(reading: Reading, index: int, hit: Hit) -> Finding | None:
    """The place that the name is, if it is a city by itself or a saint's."""
    token, before = reading.at(index), reading.at(index - 1)
    town = index if token.low in TOWN_HEADS and hit[0] == index + 1 else index - 1
    if _is_town(reading, town, hit[0]):
        return Finding(reading.at(town).start, reading.at(hit[0]).end, "geo", "soft")
    if before.low in _SAINTS and before.capital:
        return Finding(before.start, reading.at(hit[0]).end, "geo", "soft")
    alone = token.has(Sense.CITY) and hit == (index, "soft")
    return Finding(token.start, _end(reading, hit), "geo", "soft") if alone else None


def _is_town(reading: Reading, first: int, last: int) -> bool:
    """Whether San, Lake or the like stands first, and nobody acts: San Diego."""
    head, name = reading.at(first), reading.at(first + 1)
    headed = head.low in TOWN_HEADS and head.capital and name.capital and name.gap == " "
    return headed and not verb_at(reading, last + 1)


def _rules(reading: Reading, token: Token) -> tuple[Rule, ...]:
    """The rules to try on a word, in order."""
    shown = token.capital and not reading.shouted
    if not token.text.isascii():
        return (in_other_script,)
    if _is_plain(token, shown=shown):
        return (after_title,) if token.low in TITLES else ()
    if len(token.low) == 1 and token.text.isascii():
        return (after_title, capitalised) if shown else ()
    return (after_title, family_first, introduced, capitalised if shown else in_small_letters)


def _is_plain(token: Token, *, shown: bool) -> bool:
    """Whether the word is no name wherever it stands, unless it is a title."""
    if token.low in STOP:
        return not token.sense & Sense.MAYBE
    everyday = token.sense & (Sense.EVERYDAY | Sense.FIELD)
    return bool(everyday) and not shown and not token.sense & (NAMEISH | Sense.GIVEN)
