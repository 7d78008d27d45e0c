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
from dialogs.identifiers.names.extent import Hit, first_of
from dialogs.identifiers.names.small import in_other_script, in_small_letters
from dialogs.identifiers.names.titles import after_title
from dialogs.identifiers.names.words import NAMEISH, STOP, TITLES
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
            last = reading.at(hit[0])
            if reading.low(index - 1) in _SAINTS and reading.at(index - 1).capital:
                yield Finding(reading.at(index - 1).start, last.end, "geo", "soft")
                continue
            yield Finding(start, last.end - 2 * last.owns, "name", hit[1])


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
