"""Names told by their capitals."""

import re

from dialogs.identifiers.finding import Tier
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.names.eponyms import is_citation, is_eponym
from dialogs.identifiers.names.extent import Hit, acts, last_of, proper, verb_at
from dialogs.identifiers.names.words import (
    ACRONYMS,
    AT_PLACES,
    BEEN,
    CHAINS,
    DOES,
    FEASTS,
    HALF_PREFIXES,
    HOUSEHOLD,
    IDIOM_VERBS,
    KIN,
    MEETING,
    MONTH_NAMES,
    NAMEISH,
    NEVER_ALONE,
    NO_SUBJECT,
    NOT_AFTER,
    NOUNS_FIRST,
    OFTEN_PEOPLE,
    PERSON,
    PERSON_DOING,
    RARELY_PEOPLE,
    STATES_OF,
    STAYS,
    STOP,
    SURNAMES,
    TAKEN,
    WEAK_VERBS,
    WISHES,
)
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import dose_after

_SHORT = 3
_LONG = 5
_NUMBER = re.compile(r"\d")
_AGE = re.compile(r"\d\d")
_INITIALS = re.compile(r"[A-Z]{2,5}s")
_PARTS = re.compile(r"[A-Z][a-z]+")
_ARTICLES = frozenset({"a", "an", "the"})
_PREFIXED = re.compile(r"(?:Mc|Mac|De|Di|La|Le|Van|O'|D'|Fitz|[A-Z]'|Da|Ja|Ke|Sha|Ta)[A-Z]")


def capitalised(reading: Reading, index: int) -> Hit | None:
    token = reading.at(index)
    if _compound(reading, index) or _is_chain(reading, index):
        return None
    if _halved(reading, index):
        return index + 1, "soft"
    if token.has(Sense.FIELD) or (token.low in STOP and not _subject(reading, index)):
        return _initial(reading, index)
    if is_eponym(reading, index) or is_citation(reading, index):
        return None
    rules = (_with_initial, _hyphened, _pair, _worded, _initial, _alone)
    return next((hit for rule in rules if (hit := rule(reading, index))), None)


def _compound(reading: Reading, index: int) -> bool:
    """Whether it is a plural of capitals (DUIs), or joined to a small word (Carol-singing)."""
    token, other = reading.at(index), reading.at(index + 1)
    joined = other.gap == "-" and other.has(Sense.EVERYDAY) and not other.capital
    ordinary = token.has(Sense.MAYBE | Sense.CITY) and not other.has(NAMEISH)
    return _INITIALS.fullmatch(token.text) is not None or (joined and ordinary)


def _is_chain(reading: Reading, index: int) -> bool:
    """Whether it is a shop or a place to eat: works at Wendy's."""
    token = reading.at(index)
    chain = token.owns and token.low in CHAINS and reading.low(index - 1) in AT_PLACES
    return chain and reading.low(index + 1) not in PERSON


# two words


def family_first(reading: Reading, index: int) -> Hit | None:
    """Brown, Angela R."""
    token, given = reading.at(index), reading.at(index + 1)
    listed = token.has(Sense.CITY) and given.has(Sense.CITY)
    if not token.capital or token.has(Sense.FIELD) or token.low in STOP or listed:
        return None
    if given.gap not in {", ", ","} or not given.capital or given.has(Sense.FIELD):
        return None
    if not given.has(Sense.GIVEN) or (token.has(Sense.WORD) and not token.has(Sense.FAMILY)):
        return None
    firm = (given.sense | token.sense) & Sense.NAME and given.upper == token.upper
    loose = given.has(Sense.MAYBE) and token.opens and _described(reading, index + 2)
    return (last_of(reading, index + 1), "hard") if firm or loose else None


def _described(reading: Reading, at: int) -> bool:
    """Whether an initial, an age or a verb follows, as after a name at the head of a note."""
    low = reading.low(at)
    return len(low) == 1 or _AGE.match(low) is not None or verb_at(reading, at)


def _with_initial(reading: Reading, index: int) -> Hit | None:
    """Bill H. keeps losing films."""
    token, other = reading.at(index), reading.at(index + 1)
    single = len(other.text) == 1 and other.capital and other.low != "i" and other.gap == " "
    if not single or not token.has(NAMEISH) or token.upper:
        return None
    if reading.text[other.end : other.end + 1] not in {".", " ", "", ",", "'", ")"}:
        return None
    return last_of(reading, index + 1), "hard"


def _hyphened(reading: Reading, index: int) -> Hit | None:
    """Ji-woo Park, Park Min-jun: a given name whose second half is small, and a family name."""
    token, half, family = (reading.at(index + step) for step in range(3))
    if family.gap == "-" and family.alpha and not family.capital and half.gap == " ":
        late = token.has(Sense.FAMILY) and half.capital and half.has(Sense.GIVEN)
        return (index + 2, "hard") if late and family.has(Sense.GIVEN | Sense.FAMILY) else None
    given = token.has(Sense.GIVEN) and half.gap == "-" and half.alpha and not half.capital
    if not given or family.gap != " " or not family.has(Sense.FAMILY) or not _joins(family):
        return None
    return index + 2, "hard"


def _halved(reading: Reading, index: int) -> bool:
    """Whether a given name of two halves acts here, the second in small letters: Ye-jin is 24."""
    token, half = reading.at(index), reading.at(index + 1)
    small = half.gap == "-" and half.alpha and not half.capital and len(token.low) > 1
    if not small or token.low in HALF_PREFIXES or not half.has(Sense.GIVEN):
        return False
    if half.has(Sense.NAME):
        return half.owns or verb_at(reading, index + 2)
    return token.has(Sense.GIVEN) and acts(reading, index + 1) and len(half.low) <= _SHORT


def _worded(reading: Reading, index: int) -> Hit | None:
    """A given name before a small word that is a family name too: Pat Long has been, Sky Day is 19."""
    token, other = reading.at(index), reading.at(index + 1)
    given = token.has(Sense.GIVEN) and token.has(NAMEISH) and token.low not in FEASTS
    family = other.has(Sense.FAMILY) and (other.low in STOP or other.low in NOT_AFTER)
    if not (given and family) or token.upper or other.upper or reading.titled:
        return None
    close = other.gap == " " and other.capital and not other.opens
    doing = verb_at(reading, index + 2) or reading.low(index + 2) in DOES
    return (index + 1, "soft") if close and doing else None


def _pair(reading: Reading, index: int) -> Hit | None:
    """Two capitals together of which one is a name: Emily Carter, Mark Young."""
    token, other = reading.at(index), reading.at(index + 1)
    if (
        is_citation(reading, index + 1)
        or not _joins(other)
        or other.low in NOT_AFTER
        or other.upper != token.upper
    ):
        return None
    tier = _pair_tier(reading, index, token, other)
    return (last_of(reading, index + 1), tier) if tier else None


def _pair_tier(reading: Reading, index: int, token: Token, other: Token) -> Tier | None:
    if token.has(Sense.NAME) or other.has(Sense.NAME):
        return "hard" if _firm_pair(token, other) else None
    if token.known(Sense.MAYBE | Sense.GIVEN) and other.has(Sense.FAMILY) and not reading.titled:
        sure = verb_at(reading, index + 2) or not token.opens or not other.has(Sense.EVERYDAY)
        return "hard" if sure else None
    rare = other.has(Sense.FAMILY) and not other.has(Sense.EVERYDAY | Sense.FIELD | Sense.HEAD)
    if (
        not token.sense
        and other.has(Sense.FAMILY)
        and (rare or _person_follows(reading, index + 2))
    ):
        return "soft" if not (token.upper or reading.titled) else None
    unknown = not (token.sense | other.sense) & Sense.WORD
    return "soft" if unknown and not token.upper else None


def _person_follows(reading: Reading, at: int) -> bool:
    """Whether an age, or a verb of doing or having been, follows."""
    if reading.low(at) == "has":
        return reading.low(at + 1) == "been"
    return _AGE.match(reading.low(at)) is not None or acts(reading, at - 1)


def _firm_pair(token: Token, other: Token) -> bool:
    if token.upper:
        return token.has(Sense.NAME) and other.has(Sense.NAME | Sense.FAMILY)
    if token.has(Sense.WORD) and not token.has(NAMEISH | Sense.GIVEN):
        return False
    if other.has(Sense.EVERYDAY) and not other.has(NAMEISH):
        return other.has(Sense.FAMILY) and not token.has(Sense.CITY)
    return True


def _joins(token: Token) -> bool:
    family = token.upper and token.has(Sense.FAMILY) and not token.has(Sense.FIELD | Sense.HEAD)
    return token.gap in {" ", "-"} and token.alpha and not token.opens and (proper(token) or family)


def _initial(reading: Reading, index: int) -> Hit | None:
    """J. Whitcomb, J Smith, J. R. Smith."""
    token, at = reading.at(index), index + 1
    if len(token.text) != 1 or (token.low in {"a", "i"} and reading.at(at).gap == " "):
        return None
    if len(reading.at(at).text) == 1 and reading.at(at).gap == ". ":
        at += 1
    other = reading.at(at)
    if other.gap not in {". ", ".", " "} or not proper(other) or other.upper:
        return None
    if not other.has(Sense.NAME) or is_eponym(reading, at):
        return None
    return last_of(reading, at), "hard"


# one word


def _alone(reading: Reading, index: int) -> Hit | None:
    token = reading.at(index)
    if token.upper or len(token.low) == 1:
        return _shouted(reading, index)
    if _with_article(reading, index):
        family = reading.low(index + 1) in HOUSEHOLD and token.has(Sense.NAME)
        return (index, "soft") if family or _is_plural(reading, token) else None
    if token.has(Sense.NAME):
        return _known(reading, index)
    if token.has(Sense.MAYBE):
        return _maybe(reading, index)
    if not token.has(Sense.WORD):
        return _unknown(reading, index)
    return _owning(reading, index) or _surname(reading, index) or _wishing(reading, index)


def _with_article(reading: Reading, index: int) -> bool:
    """People take no article: a Kelly, the Foley are things."""
    article = reading.low(index - 1) in _ARTICLES and reading.at(index).gap == " "
    return article and not verb_at(reading, index + 1)


def _is_plural(reading: Reading, token: Token) -> bool:
    """Whether it is a family, such as the Hendersons."""
    return token.low.endswith("s") and bool(reading.words.sense(token.low[:-1]) & Sense.NAME)


def _shouted(reading: Reading, index: int) -> Hit | None:
    """One word in capitals: a given name that is long or does something, a family name that wants."""
    token = reading.at(index)
    if not token.has(Sense.NAME) or len(token.low) <= _SHORT or token.low in ACRONYMS:
        return None
    if not token.has(Sense.GIVEN):
        acting = reading.low(index + 1) in WISHES
        return (index, "soft") if acting and not token.has(Sense.CITY) else None
    sure = verb_at(reading, index + 1) or len(token.low) > _LONG
    return (last_of(reading, index), "soft") if sure else None


def _known(reading: Reading, index: int) -> Hit | None:
    """A name that is no everyday word."""
    token, verb = reading.at(index), verb_at(reading, index + 1)
    if not verb and _needs_verb(reading, index):
        return None
    if token.has(Sense.CITY):
        return index, "soft"
    sure = not token.opens or verb or token.owns
    return last_of(reading, index), "hard" if token.has(Sense.GIVEN) and sure else "soft"


def _needs_verb(reading: Reading, index: int) -> bool:
    """A city that opens a sentence, an eponym, two letters, "Jack of all trades"."""
    token = reading.at(index)
    if token.has(Sense.CITY):
        return token.opens
    eponym = token.has(Sense.EPONYM) and not token.has(Sense.GIVEN)
    idiom = token.opens and reading.low(index + 1) in {"of", "off", "up"}
    return eponym or idiom or len(token.low) < _SHORT


def _maybe(reading: Reading, index: int) -> Hit | None:
    """An everyday word that is a given name too: Mark says, told Rose to."""
    token = reading.at(index)
    if token.opens and token.low in NOUNS_FIRST:
        return None
    if _subject(reading, index):
        return last_of(reading, index), "soft" if token.opens else "hard"
    if token.opens or reading.titled or _in_heading(reading, index):
        return None
    met = reading.low(index - 1) in MEETING and token.low not in MONTH_NAMES and token.gap == " "
    return (last_of(reading, index), "soft") if met or token.low not in NEVER_ALONE else None


def _in_heading(reading: Reading, index: int) -> bool:
    """Whether a neighbour is capitalised too, so that it is a title rather than a person."""
    before, token, after = (reading.at(at) for at in (index - 1, index, index + 1))
    heading = not before.opens or (after.gap.startswith(":") and before.low not in MEETING)
    left = before.capital and token.gap in {" ", "-", "/"} and heading
    right = after.capital and after.gap in {" ", "-", "/"}
    return left or right or (token.gap.endswith(("-", "/")) and before.low != "w")


def _subject(reading: Reading, index: int) -> bool:
    """Whether the word is the subject of what only a person does: Mark says, Hope is 28 weeks."""
    token, verb = reading.at(index), reading.low(index + 1)
    if verb in {"is", "was"}:
        return _is_so(token, reading.low(index + 2)) or _on_drug(reading, index)
    if verb in {"has", "had"}:
        return token.low in OFTEN_PEOPLE
    idle = WEAK_VERBS | IDIOM_VERBS if token.opens else WEAK_VERBS
    return verb_at(reading, index + 1) and verb not in idle


def _on_drug(reading: Reading, index: int) -> bool:
    """Whether "is on" and a drug follow, which is said of people only."""
    verb, on, drug = reading.low(index + 1), reading.low(index + 2), reading.at(index + 3)
    dosed = drug.has(Sense.FIELD) or dose_after(reading.text, drug.end)
    return verb in {"is", "was"} and on == "on" and dosed


def _is_so(token: Token, after: str) -> bool:
    counted = _NUMBER.match(after) is not None
    if token.low == "hope":
        return counted
    if after in PERSON_DOING:
        return True
    thing = token.low in RARELY_PEOPLE or (token.opens and token.low in NEVER_ALONE)
    return not thing and (counted or after in STATES_OF)


def _unknown(reading: Reading, index: int) -> Hit | None:
    """A capital on a word no list has."""
    token = reading.at(index)
    if len(token.low) < _SHORT or reading.titled:
        return None
    coined = _coined(token)
    if coined and _is_brand(reading, token):
        return None
    if not (coined or token.opens) or _does_something(reading, index):
        return last_of(reading, index), "soft"
    return None


def _does_something(reading: Reading, index: int) -> bool:
    return acts(reading, index) or reading.at(index).owns or _is_someone(reading, index)


def _is_someone(reading: Reading, index: int) -> bool:
    """Whether "is a 44", "is on 16" or "has been stable" follows."""
    verb, after, then = (reading.low(index + step) for step in (1, 2, 3))
    if verb == "has":
        return after == "been" and then in BEEN
    aged = after in {"a", "an", "on"} and _AGE.match(then) is not None
    return verb in {"is", "was"} and (aged or after in STAYS or _AGE.fullmatch(after) is not None)


def _coined(token: Token) -> bool:
    """Whether it looks like a brand, with a capital inside and none of a name's forms."""
    return any(char.isupper() for char in token.text[1:]) and not _PREFIXED.match(token.text)


def _owning(reading: Reading, index: int) -> Hit | None:
    """A word that is seldom a given name, and here has kin: spoke to Innocent's uncle."""
    token = reading.at(index)
    kin = token.owns and token.has(Sense.GIVEN) and reading.low(index + 1) in KIN
    someone = kin and not token.opens and token.low not in NO_SUBJECT and not reading.titled
    return (index, "soft") if someone and token.low not in PERSON else None


def _surname(reading: Reading, index: int) -> Hit | None:
    """An everyday word that is a common family name, and does what people do: Green is asking."""
    token, verb = reading.at(index), reading.low(index + 1)
    doing = verb in {"is", "was"} and reading.low(index + 2) in PERSON_DOING
    wanting = token.low in SURNAMES and (doing or verb in WISHES)
    return (index, "soft") if wanting and not reading.titled else None


def _is_brand(reading: Reading, token: Token) -> bool:
    """Whether an everyday word is part of a coined one: WellCare, BrightView."""
    parts = _PARTS.findall(token.text)
    return any(reading.words.sense(part.lower()) & Sense.EVERYDAY for part in parts)


def _wishing(reading: Reading, index: int) -> Hit | None:
    """A word that is seldom a given name, and here wants or says something: Edit wants to taper."""
    token = reading.at(index)
    verb, after = reading.low(index + 1), reading.low(index + 2)
    has = verb == "has" and after in TAKEN and not token.has(Sense.EVERYDAY)
    rare = token.known(Sense.GIVEN | Sense.FAMILY) and not token.has(Sense.EVERYDAY)
    doing = verb in WISHES or (rare and (acts(reading, index) or _is_someone(reading, index)))
    wishes = (has or doing) and token.low not in NO_SUBJECT
    return (index, "soft") if wishes and token.has(Sense.GIVEN) and not reading.titled else None
