"""People's names.

There is no list of all names, so the question is put the other way round: a capital inside a sentence is suspect
unless the word is known; small letters are suspect after a cue; and a known name is taken for one wherever it stands,
unless what follows makes it an eponym.
"""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding, Tier
from dialogs.identifiers.lexicon import Lexicon, Sense
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token

_CIVIL = set_of(
    "mr mrs ms miss mx mister missus sra srta senor senora senorita señor señora mme mlle "
    "herr frau monsieur madame"
)
_ELDER = set_of("sr don dona")
_CLINICAL = set_of("dr drs doctor prof professor nurse counselor counsellor therapist")
_OFFICE = set_of(
    "officer judge pastor rev reverend sgt sergeant lt capt captain detective deputy attorney "
    "coach father sister brother rabbi imam trooper warden sheriff agent sponsor pharmacist "
    "caseworker paramedic medic social"
)
_KIN_TITLE = set_of(
    "aunt auntie uncle grandma grandpa granny nana papa abuela abuelo tia tio cousin gramma "
    "grandmother grandfather"
)
_NAMING = set_of(
    "named name names called aka alias nickname nicknamed goes llamado llamada llama nombre"
)
_NOT_PEOPLE = set_of(
    "brand generic drug trade medication product street medicine chemical clinic file company "
    "pharmacy code slang common strain dog cat pet facility program last first full common "
    "user screen domain so is was also been just commonly often used get getting got we i she "
    "he nobody who they ems police"
)
_PERSON = set_of(
    "pt pts patient patients client wife husband spouse mom mum mother dad father brother "
    "sister son daughter bf gf boyfriend girlfriend partner fiance fiancee friend cousin aunt "
    "uncle niece nephew roommate "
    "sponsor neighbor neighbour caregiver caretaker guardian grandson granddaughter "
    "grandmother grandfather grandma grandpa stepdad stepmom stepson stepdaughter baby ex "
    "twin landlord boss coworker dealer inmate paciente esposa esposo hijo hija hermano "
    "hermana re regarding client's"
)
_SPEAKING = set_of(
    "with w about for from per saw see seen met told asked called call texted contact tell "
    "ask by and to signed signature consult visited paged d emailed phoned admitted "
    "discharged examined started regarding re mr cc attn dear hi hello hey thanks"
)
_STRONG_VERBS = set_of(
    "says said reports reported states stated takes took wants wanted asks asked denies "
    "denied claims claimed missed relapsed came called lost uses used needs needed tells told "
    "thinks feels felt complains insists endorses endorsed admits "
    "admitted swears prefers refuses refused hates lives works worked stole sold sells "
    "overdosed presented presents tested keeps gets got left returned stopped started tried "
    "showed agreed texted disagrees disagreed believes hopes wishes misses "
    "smokes smoked snorts snorted injects injected drinks drank sleeps moved went goes comes "
    "calls knows likes loves struggles struggled takes ran brought brings begged begs fell "
    "wakes woke hid hides gave gives sees saw vomited threatens worries cried cries quit "
    "quits decided picked picks dropped doubled tapered visited seems failed fails screamed "
    "ate shares shared met has had is was"
)
_WEAK_VERBS = set_of(
    "has had is was will does did can could would should may might isn't wasn't doesn't "
    "didn't hasn't needs"
)
_STATES_OF = set_of(
    "on a an in not pregnant stable doing asking having taking using back still now out here "
    "very also again sober due homeless allergic withdrawing sedated interested worried "
    "requesting complaining looking currently only tolerating ready afraid unable getting "
    "going being his her my our"
)
_CITED = re.compile(
    r"(?:'s)?,?\s(?:et al|and colleagues|& colleagues|\(?(?:19|20)\d\d\b|and [A-Z][a-z]+ "
    r"(?:19|20)\d\d|& [A-Z][a-z]+)"
)
_PARTICLES = set_of(
    "de la del los las van von der den di da dos das du al el bin ibn abu st san santa le ter "
    "ten y e mac mc o st. af av zu"
)
_INITIAL_GAPS = frozenset({" ", ". ", ".", " '", "-"})
_STOP = set_of(
    "a an the and or but of in on at to for with without from by as if then than that this "
    "these those is was are were be been being has have had do does did will would can could "
    "should may might must not no yes he she they we you i it his her their our your my its "
    "who what when where why how which there here so too very just only also even still now "
    "today tomorrow yesterday tonight again ever never always more less most least some any "
    "all both each every either neither one two three four five six seven eight nine ten up "
    "down out off over under back about after before since until while during new old good "
    "bad big small high low long short left right last next first second third same other "
    "such own per via mg ml she's he's"
)
_NEVER_ALONE = set_of(
    "jan may june april august summer autumn christian christmas easter noel asia israel "
    "india china jordan jersey kenya paris london dallas austin brooklyn chelsea savannah "
    "sierra dakota cheyenne montana carolina georgia virginia florence sydney phoenix houston "
    "denver berlin milan rome roman genesis crystal molly angel star "
    "sky major judge bishop pope gospel royal king queen prince princess stone river brook "
    "forest glen dale lane ford van eden trinity case cash chance grant grace max amber coral "
    "cloud luna stew norm peg tip tim kit tad dash reed ash mars venus jupiter titan apollo "
    "zen bliss merry happy constant true truly love lovely bright valor loyal noble sincere "
    "victor storm rain wind ocean bay cape cove lake marina summit canyon ridge heaven bear "
    "lion tiger hawk falcon eagle cricket kitten lark dove teal navy indigo silver ivory "
    "emerald sapphire garnet jewel gem diamond gold copper sterling sage rosemary thyme basil "
    "saffron cinnamon ginger pepper honey sugar candy brandy sherry tawny misty stormy rainy "
    "dusty rocky cliff clay heath wade ward lance pierce blaze axel maverick colt journey "
    "justice liberty destiny melody harmony charity chastity mercy patience prudence "
    "constance honor verity serenity"
) - {"grace", "max", "tim"}
_SECTIONS = set_of("s b a r o p i")
_MEETING = set_of(
    "saw told asked met called call tell ask seen boarding texted admitted discharged restart "
    "examined see"
)
_MONTH_NAMES = frozenset({"may", "june", "april", "august", "jan"})
_NICK = frozenset({"big", "lil", "little", "old", "young"})
_NOT_AFTER = set_of(
    "day days eve house church period center street st ave road way protocol method line "
    "lines team group unit clinic hospital program programs study dust week weekend season "
    "care home health medical"
)
_FAMOUS = frozenset(
    {
        ("johns", "hopkins"),
        ("john", "hopkins"),
        ("betty", "ford"),
        ("dana", "farber"),
        ("mary", "jane"),
        ("joan", "of"),
        ("al", "anon"),
        ("nar", "anon"),
        ("st", "jude"),
        ("big", "pharma"),
        ("roe", "wade"),
        ("good", "samaritan"),
        ("lou", "gehrig"),
        ("rite", "aid"),
        ("duane", "reade"),
        ("whitney", "houston"),
        ("eli", "lilly"),
        ("orange", "book"),
        ("purdue", "pharma"),
        ("kaplan", "meier"),
        ("john", "henry"),
        ("hail", "mary"),
        ("molina", "healthcare"),
        ("rob", "peter"),
        ("peter", "to"),
        ("to", "paul"),
    }
)
"""Two words that name an institution, a firm or a saying."""
_IDIOM_VERBS = set_of(
    "returned got gets goes comes ran fell moved brings brought seems failed fails works "
    "worked showed shared struck met gave gives hopes wishes knows likes started stopped"
)
"""Verbs that things may have for a subject too."""
_WISHES = set_of(
    "says said reports denies denied wants wanted asks asked claims insists endorses "
    "complains refuses refused prefers swears thinks feels relapsed overdosed told tells "
    "admits hates missed"
)
_NO_SUBJECT = set_of(
    "doctor baby judge girl man lady boy mama papa god senator president layman priest king "
    "queen doc pain church army press sister court police union maid groom chief"
)
_CAPITAL_SHARE = 0.55
_WINDOW = 3

NAMEISH = Sense.NAME | Sense.MAYBE


class Names:
    """Finds people's names in one reading."""

    def __init__(self, reading: Reading, words: Lexicon) -> None:
        self.reading = reading
        self.words = words
        self.text = reading.text
        self.tokens = reading.tokens
        self.titled = self._title_case()

    def _title_case(self) -> bool:
        """Is most of the text in capitals at the beginning of words, so that a capital says little?"""
        long = [t for t in self.tokens if t.alpha and len(t.low) > 3 and not t.opens]
        capitals = sum(
            t.capital and not t.upper and bool(t.sense & Sense.WORD) and not t.sense & NAMEISH
            for t in long
        )
        return len(long) >= 4 and capitals > _CAPITAL_SHARE * len(long)

    def found(self) -> Iterator[Finding]:
        after = 0
        for index in range(len(self.tokens)):
            if index < after:
                continue
            hit = self._at(index)
            if hit:
                last, tier = hit
                first = self._first(index)
                after = last + 1
                yield Finding(self.tokens[first].start, self.tokens[last].end, "name", tier)

    def _at(self, index: int) -> tuple[int, Tier] | None:
        """The last token and the tier of the name that begins here, if one does."""
        token = self.tokens[index]
        if not token.alpha:
            return None
        hit = self._titled(index) or self._foreign(index)
        if hit or len(token.low) < 2 and not self._initial_first(index):
            return hit
        if token.low in _STOP and not token.sense & Sense.MAYBE:
            return None
        for rule in self._rules(token):
            hit = rule(index)
            if hit:
                return hit
        return None

    def _rules(self, token: Token):  # type: ignore[no-untyped-def]
        if token.capital and not self.reading.shouted:
            return (self._introduced, self._capital)
        return (self._introduced, self._small)

    # -- titles

    def _titled(self, index: int) -> tuple[int, Tier] | None:
        """Mr. Tran, mrs young, Dr. Patel, Officer Reyes, Aunt Bernadette."""
        token = self.tokens[index]
        at = index + 1
        if (
            at >= len(self.tokens)
            or self.tokens[at].gap not in {" ", ". ", "."}
            or not self.tokens[at].alpha
        ):
            return None
        if token.low in _CIVIL and self._civil(token, self.tokens[at]):
            return self._last(at, loose=True), "hard"
        if (
            token.low in _ELDER
            and token.capital
            and not token.upper
            and self._proper(self.tokens[at])
            and not self._after_name(index)
        ):
            return self._last(at), "hard"
        if token.low in _CLINICAL and self._clinical(token, self.tokens[at]):
            return self._last(at), "soft"
        if (
            token.low in _OFFICE | _KIN_TITLE
            and self._proper(self.tokens[at])
            and (token.capital or self.tokens[at].sense & NAMEISH)
        ):
            return self._last(at), "hard" if token.low in _KIN_TITLE else "soft"
        return None

    def _civil(self, title: Token, name: Token) -> bool:
        if (
            title.text in {"Mr", "Mrs", "Ms"}
            and name.capital
            and not (name.upper and len(name.text) > 1)
        ):
            return True
        if name.low in _PARTICLES or len(name.low) == 1:
            return title.low in {"mr", "mrs"} or title.text == "Ms"
        if name.low in _STOP or (
            name.sense & Sense.FIELD and not name.sense & (Sense.STATE | Sense.GIVEN | Sense.FAMILY)
        ):
            return False
        if title.upper or title.low in {"miss", "ms"}:
            strict = title.text in {"Ms", "Miss"} and name.capital
            return strict or (
                bool(name.sense & NAMEISH or not name.sense)
                and (
                    name.capital
                    or title.low == "ms"
                    and not title.upper
                    and not title.opens
                    and bool(name.sense & Sense.NAME)
                )
                and title.low != "miss"
            )
        return (
            name.capital
            or not name.sense & Sense.EVERYDAY
            or bool(name.sense & (Sense.MAYBE | Sense.FAMILY))
        )

    def _clinical(self, title: Token, name: Token) -> bool:
        if name.low in _STOP or name.sense & Sense.FIELD or name.low in {"google", "who"}:
            return False
        if name.capital and not name.upper:
            return title.capital or not name.sense & Sense.EVERYDAY or bool(name.sense & Sense.NAME)
        return bool(name.sense & Sense.NAME) and title.low in {"dr", "drs"}

    def _proper(self, token: Token) -> bool:
        """Can it be a name at all: a capital, no word of the field, no small word?"""
        return (
            token.capital
            and len(token.low) > 1
            and not token.sense & (Sense.FIELD | Sense.HEAD)
            and token.low not in _STOP
            and not (token.upper and not token.sense & NAMEISH)
        )

    def _after_name(self, index: int) -> bool:
        return (
            index > 0
            and bool(self.tokens[index - 1].sense & Sense.NAME)
            and self.tokens[index - 1].capital
        )

    # -- other scripts

    def _foreign(self, index: int) -> tuple[int, Tier] | None:
        """A word in a script other than ours."""
        token = self.tokens[index]
        if token.text.isascii() or sum(not c.isascii() for c in token.text) < 2:
            return None
        last = index
        while (
            last + 1 < len(self.tokens)
            and not self.tokens[last + 1].text.isascii()
            and self.tokens[last + 1].gap == " "
        ):
            last += 1
        return last, "soft"

    # -- after a cue

    def _introduced(self, index: int) -> tuple[int, Tier] | None:
        """A name after "named", "patient", "his wife", "spoke with"."""
        token = self.tokens[index]
        if index == 0 or len(token.low) < 2 or token.sense & Sense.FIELD:
            return None
        cue = self._cue(index)
        if cue and cue != "naming" and self._eponym(index):
            return None
        if cue == "naming":
            return self._named(index)
        if cue == "person":
            return self._of_person(index)
        if cue == "speaking":
            return self._spoken(index)
        return None

    def _cue(self, index: int) -> str:
        gap, before = self.tokens[index].gap, self.reading.low(index - 1)
        if before in _NICK and gap == " " and index > 1 and self.tokens[index].sense & Sense.NAME:
            return self._cue(index - 1)
        if len(gap) > 4 or "\n" in gap or ";" in gap or gap.startswith(("!", "?", ")")):
            return ""
        copula = before in {"is", "was", "by", "as", "of", "s"} or (
            self.tokens[index - 1].text.lower().endswith("'s") and before in _NAMING
        )
        if (
            copula
            and self.reading.low(index - 2)
            in {"name", "names", "goes", "nombre", "called", "llama"}
            and self._about_people(index - 2)
        ):
            return "naming"
        if (
            before in _NAMING
            and before != "goes"
            and not gap.startswith(".")
            and self._about_people(index - 1)
        ):
            return (
                "naming"
                if before not in {"name", "names", "called"}
                or ":" in gap
                or before == "name"
                or self.tokens[index - 1].text.lower() == "name's"
                else "speaking"
            )
        if before in _PERSON and not gap.startswith("."):
            return "person" if not self.tokens[index - 1].text.endswith("'s") else ""
        if before == "is" and self.reading.low(index - 2) in {
            "patient",
            "pt",
            "this",
            "wife",
            "husband",
        }:
            return "person" if self.tokens[index].capital else "speaking"
        return "speaking" if before in _SPEAKING and (gap in {" ", "/ ", "/", ": "}) else ""

    def _about_people(self, at: int) -> bool:
        return (
            self.reading.low(at - 1) not in _NOT_PEOPLE
            or self.reading.low(at) in {"goes"}
            or self.reading.low(at - 1)
            in {"last", "first", "full", "is", "was", "who", "she", "he", "they"}
        )

    def _named(self, index: int) -> tuple[int, Tier] | None:
        token = self.tokens[index]
        if (
            token.low in _STOP
            or token.sense & (Sense.FIELD | Sense.HEAD)
            or token.low in {"unknown", "withheld", "redacted", "removed", "here", "below", "above"}
        ):
            return None
        if token.capital and not self.reading.shouted:
            return self._last(index, loose=True), "hard"
        following = self._next(index)
        partner = (
            following is not None
            and following.low not in _STOP
            and bool(following.sense & (Sense.NAME | Sense.FAMILY) or not following.sense)
        )
        if (
            token.sense & NAMEISH
            or not token.sense & Sense.WORD
            or (not token.sense & Sense.EVERYDAY or token.sense & Sense.GIVEN)
            and partner
        ):
            return self._last(index, loose=True), "hard" if token.sense & NAMEISH else "soft"
        return None

    def _of_person(self, index: int) -> tuple[int, Tier] | None:
        token = self.tokens[index]
        if token.capital and not self.reading.shouted:
            given = token.sense & Sense.GIVEN and not token.opens
            if (
                self._proper(token)
                and (token.sense & NAMEISH or given or not token.sense & Sense.WORD)
                and not self._eponym(index)
            ):
                return self._last(index, loose=True), "hard"
            return None
        return self._small_after(index, alone=True)

    def _small_after(self, index: int, *, alone: bool) -> tuple[int, Tier] | None:
        """Small letters after a person word: a known name, or two words no dictionary has."""
        token, following = self.tokens[index], self._next(index)
        if token.low in _STOP or len(token.low) < 3 or self._eponym(index):
            return None
        known, other = bool(token.sense & Sense.NAME), following.sense if following else 0
        family = following is not None and following.low not in _STOP and len(following.low) > 2
        if (
            known
            and family
            and (other & (Sense.NAME | Sense.FAMILY) or not other)
            and not other & Sense.FIELD
        ):
            return self._last(index, loose=True), "hard"
        if known and alone and (token.sense & Sense.GIVEN or self._verb(index + 1)):
            return index, "hard" if token.sense & Sense.GIVEN else "soft"
        if not token.sense and family and following and (not other or other & Sense.NAME):
            return self._last(index), "soft"
        if (
            token.sense & Sense.MAYBE
            and token.low
            not in {
                "will",
                "may",
                "can",
                "mark",
                "bill",
                "hope",
                "don",
                "case",
                "van",
                "tip",
                "chance",
            }
            and family
            and other & (Sense.NAME | Sense.FAMILY)
            and not other & Sense.FIELD
        ):
            return self._last(index, loose=True), "soft"
        if token.sense & Sense.GIVEN and family and other & Sense.NAME and other & Sense.FAMILY:
            return self._last(index), "soft"
        if (
            token.sense & Sense.MAYBE
            and token.sense & Sense.GIVEN
            and alone
            and family
            and not other
        ):
            return self._last(index), "soft"
        if (
            token.low in {"will", "may", "mark", "bill", "hope", "don", "case", "van", "chance"}
            and family
            and other & Sense.NAME
        ):
            return self._last(index), "soft"
        return None

    def _spoken(self, index: int) -> tuple[int, Tier] | None:
        """After "with", "told", "saw": a name with small letters needs a second one or a common given name."""
        token = self.tokens[index]
        if token.capital and not self.reading.shouted:
            return None
        following = self._next(index)
        if (
            following
            and following.low not in _STOP
            and token.sense & (Sense.NAME | Sense.MAYBE)
            and following.sense & Sense.NAME
        ):
            return self._small_after(index, alone=False)
        if following and self._two_unknown(token, following):
            return self._last(index), "soft"
        if (
            token.sense & Sense.NAME
            and token.sense & Sense.GIVEN
            and len(token.low) > 3
            and not self._eponym(index)
            and not token.sense & Sense.CITY
        ):
            return self._last(index), "soft"
        return None

    def _two_unknown(self, token: Token, following: Token) -> bool:
        """Two words no dictionary has, of which one may be a name: irmtraud hein."""
        plain = not (token.sense | following.sense) & (Sense.WORD | Sense.FIELD | Sense.HEAD)
        return plain and min(len(token.low), len(following.low)) > 2 and following.low not in _STOP

    def _next(self, index: int) -> Token | None:
        if index + 1 >= len(self.tokens):
            return None
        token = self.tokens[index + 1]
        return token if token.alpha and token.gap in {" ", "-"} else None

    # -- capitals

    def _capital(self, index: int) -> tuple[int, Tier] | None:
        token = self.tokens[index]
        if token.sense & Sense.FIELD or token.low in _STOP and not self._strong_subject(index):
            return self._initial_then(index)
        if self._eponym(index) or self._citation(index):
            return None
        for rule in (self._comma_form, self._pair, self._initial_then):
            hit = rule(index)
            if hit:
                return hit
        return self._alone(index)

    def _eponym(self, index: int) -> bool:
        """Do the words here name a disease, test, method or place of fame?"""
        token = self.tokens[index]
        if (token.low, self.reading.low(index + 1)) in _FAMOUS or (
            self.reading.low(index - 1),
            token.low,
        ) in _FAMOUS:
            return True
        if token.sense & Sense.ALWAYS:
            return not self._person_follows(index)
        last = index
        while (
            last + 1 < len(self.tokens)
            and last < index + _WINDOW
            and self.tokens[last + 1].gap in {" ", "-", "/", " and ", ". "}
            and (self.tokens[last + 1].capital or self.tokens[last + 1].gap == "-")
        ):
            last += 1
            if self.tokens[last].sense & Sense.HEAD or (
                self.tokens[last].sense & Sense.ALWAYS
                and (self.tokens[last].gap != " " or token.sense & Sense.EPONYM)
            ):
                return True
        following = self.tokens[last + 1] if last + 1 < len(self.tokens) else None
        return (
            following is not None
            and following.gap in {" ", "-", "/"}
            and bool(following.sense & Sense.HEAD)
            and not self._personal(index, following)
        )

    def _personal(self, index: int, head: Token) -> bool:
        """Is the head a word that a person may have too: John's test, Maria's foot?"""
        token = self.tokens[index]
        owner = self.text[token.end - 2 : token.end].lower() == "'s"
        return owner and bool(token.sense & Sense.GIVEN) and not token.sense & Sense.EPONYM

    def _person_follows(self, index: int) -> bool:
        return (
            self._verb(index + 1)
            and not self.tokens[index + 1].low in _WEAK_VERBS
            and bool(self.tokens[index].sense & Sense.NAME)
            or self._before_is_given(index)
        )

    def _before_is_given(self, index: int) -> bool:
        before = self.tokens[index - 1] if index else None
        return (
            before is not None
            and before.capital
            and self.tokens[index].gap == " "
            and bool(before.sense & Sense.GIVEN and before.sense & NAMEISH)
        )

    def _citation(self, index: int) -> bool:
        return (
            _CITED.match(self.text, self.tokens[index].end) is not None
            and not self.tokens[index].sense & Sense.MAYBE
        )

    def _comma_form(self, index: int) -> tuple[int, Tier] | None:
        """Brown, Angela R."""
        token = self.tokens[index]
        if (
            index + 1 >= len(self.tokens)
            or not token.sense & (Sense.FAMILY | Sense.NAME)
            and token.sense & Sense.WORD
        ):
            return None
        given = self.tokens[index + 1]
        if (
            given.gap not in {", ", ","}
            or not given.capital
            or given.sense & Sense.FIELD
            or not given.sense & (Sense.GIVEN | Sense.MAYBE)
        ):
            return None
        firm = bool(given.sense & Sense.NAME or token.sense & Sense.NAME) and (
            given.upper == token.upper or len(given.low) < 3
        )
        if not firm and not (given.sense & Sense.MAYBE and token.opens and self._aged(index + 2)):
            return None
        if (
            token.sense & Sense.NAME
            and token.sense & Sense.GIVEN
            and not token.opens
            and self._listed(index)
        ):
            return index, "hard"
        return self._last(index + 1), "hard"

    def _listed(self, index: int) -> bool:
        return False

    def _aged(self, at: int) -> bool:
        token = self.tokens[at] if at < len(self.tokens) else None
        return token is not None and (
            len(token.low) == 1 or bool(re.match(r"\d{2}", token.low)) or self._verb(at)
        )

    def _pair(self, index: int) -> tuple[int, Tier] | None:
        """Two capitals together of which one is a name: Emily Carter, Mark Young, Bill H."""
        token = self.tokens[index]
        if index + 1 >= len(self.tokens):
            return None
        other = self.tokens[index + 1]
        if (
            len(other.text) == 1
            and other.capital
            and other.gap == " "
            and token.sense & NAMEISH
            and not token.upper
            and self._single(other)
        ):
            return self._last(index + 1), "hard"
        if not self._joins(index + 1) or other.low in _NOT_AFTER or other.upper != token.upper:
            return None
        if token.sense & Sense.NAME or other.sense & Sense.NAME:
            return self._firm_pair(index, token, other)
        if (
            token.sense & Sense.MAYBE
            and token.sense & Sense.GIVEN
            and other.sense & Sense.FAMILY
            and not self.titled
            and (self._verb(index + 2) or not token.opens or not other.sense & Sense.EVERYDAY)
        ):
            return self._last(index + 1), "hard"
        if not token.sense & Sense.WORD and not other.sense & Sense.WORD and not token.upper:
            return self._last(index + 1), "soft"
        return None

    def _single(self, initial: Token) -> bool:
        after = self.text[initial.end : initial.end + 1]
        return initial.low != "i" and after in {".", " ", "", ",", "'", ")"}

    def _firm_pair(self, index: int, token: Token, other: Token) -> tuple[int, Tier] | None:
        if token.sense & Sense.CITY and other.sense & Sense.EVERYDAY and not other.sense & NAMEISH:
            return None
        if token.upper and not (
            token.sense & Sense.NAME and other.sense & (Sense.NAME | Sense.FAMILY)
        ):
            return None
        if (
            token.opens
            and token.sense & Sense.EVERYDAY
            and not token.sense & (NAMEISH | Sense.GIVEN)
        ):
            return None
        if token.sense & Sense.WORD and not token.sense & (NAMEISH | Sense.GIVEN):
            return None
        if other.sense & Sense.EVERYDAY and not other.sense & (NAMEISH | Sense.FAMILY):
            return None
        return self._last(index + 1), "hard"

    def _joins(self, at: int) -> bool:
        token = self.tokens[at]
        family = (
            token.upper
            and bool(token.sense & Sense.FAMILY)
            and not token.sense & (Sense.FIELD | Sense.HEAD)
        )
        return (
            token.gap in {" ", "-"}
            and (self._proper(token) or family)
            and token.alpha
            and not token.opens
        )

    def _initial_first(self, index: int) -> bool:
        return self.tokens[index].capital and len(self.tokens[index].text) == 1

    def _initial_then(self, index: int) -> tuple[int, Tier] | None:
        """J. Whitcomb, J Smith."""
        token = self.tokens[index]
        if len(token.text) != 1 or index + 1 >= len(self.tokens):
            return None
        other = self.tokens[index + 1]
        if other.gap == ". " and len(other.text) == 1 and index + 2 < len(self.tokens):
            other = self.tokens[index + 2]
        if other.gap not in {". ", "."} and not (other.gap == " " and token.low not in {"a", "i"}):
            return None
        if (
            not self._proper(other)
            or other.upper
            or not other.sense & Sense.NAME
            or self._eponym(self.tokens.index(other, index, index + 3))
        ):
            return None
        if token.opens and token.low in _SECTIONS and not other.sense & Sense.FAMILY:
            return None
        return self._last(self.tokens.index(other, index, index + 3)), "hard"

    def _alone(self, index: int) -> tuple[int, Tier] | None:
        """One capitalised word by itself."""
        token = self.tokens[index]
        if token.upper or len(token.low) < 2:
            return self._shouted_name(index)
        if (
            self.reading.low(index - 1) in {"a", "an", "the"}
            and token.gap == " "
            and not self._verb(index + 1)
        ):
            return (index, "soft") if self._family(token) else None
        if token.sense & Sense.NAME:
            return self._known(index)
        if token.sense & Sense.MAYBE:
            return self._maybe(index)
        if not token.sense & Sense.WORD:
            return self._unknown(index)
        return self._wishing(index)

    def _family(self, token: Token) -> bool:
        """Is it a family name in the plural, such as the Hendersons?"""
        return token.low.endswith("s") and bool(self.words.sense(token.low[:-1]) & Sense.NAME)

    def _wishing(self, index: int) -> tuple[int, Tier] | None:
        """A word that is seldom a given name, and here wants or says something: Edit wants to taper."""
        token = self.tokens[index]
        if (
            token.sense & Sense.GIVEN
            and self.reading.low(index + 1) in _WISHES
            and token.low not in _NO_SUBJECT
            and not self.titled
        ):
            return index, "soft"
        return None

    def _shouted_name(self, index: int) -> tuple[int, Tier] | None:
        token = self.tokens[index]
        if (
            len(token.low) > 3
            and token.sense & Sense.NAME
            and token.sense & Sense.GIVEN
            and (self._verb(index + 1) or len(token.low) > 5)
        ):
            return self._last(index), "soft"
        return None

    def _known(self, index: int) -> tuple[int, Tier] | None:
        token = self.tokens[index]
        if token.sense & Sense.CITY:
            return (index, "soft") if not token.opens or self._verb(index + 1) else None
        if (
            token.sense & Sense.EPONYM
            and not self._verb(index + 1)
            and not token.sense & Sense.GIVEN
        ):
            return None
        if len(token.low) < 3 and not self._verb(index + 1):
            return None
        if token.opens and self.reading.low(index + 1) in {"of", "off", "up"}:
            return None
        firm = bool(token.sense & Sense.GIVEN) and (
            not token.opens or self._verb(index + 1) or self._owns(index)
        )
        return self._last(index), "hard" if firm else "soft"

    def _owns(self, index: int) -> bool:
        token = self.tokens[index]
        return self.text[token.end - 2 : token.end].lower() == "'s"

    def _maybe(self, index: int) -> tuple[int, Tier] | None:
        token = self.tokens[index]
        if self._strong_subject(index):
            return self._last(index), "hard" if not token.opens else "soft"
        met = (
            self.reading.low(index - 1) in _MEETING
            and token.low not in _MONTH_NAMES
            and token.gap == " "
        )
        if (
            token.opens
            or self.titled
            or (token.low in _NEVER_ALONE and not met)
            or self._in_title(index)
        ):
            return None
        return self._last(index), "soft"

    def _in_title(self, index: int) -> bool:
        """Is a neighbour capitalised too, so that it is a title rather than a person?"""
        before = self.tokens[index - 1] if index else None
        after = self.tokens[index + 1] if index + 1 < len(self.tokens) else None
        left = (
            before is not None
            and before.capital
            and self.tokens[index].gap in {" ", "-", "/"}
            and not before.opens
        )
        right = after is not None and after.capital and after.gap in {" ", "-", "/"}
        return bool(
            left
            or right
            or self.tokens[index].gap.endswith(("-", "/"))
            and not self.tokens[index].gap.endswith("w/")
        )

    def _strong_subject(self, index: int) -> bool:
        """Is the word the subject of what only a person does: Mark says, Hope is 28 weeks?"""
        token = self.tokens[index]
        if not token.sense & Sense.MAYBE or not token.sense & Sense.GIVEN:
            return False
        following = self.reading.low(index + 1)
        if following in {"is", "was"}:
            after = self.reading.low(index + 2)
            return (
                (after in _STATES_OF or bool(re.match(r"\d", after)))
                and token.low
                not in {
                    "may",
                    "will",
                    "case",
                    "chance",
                    "summer",
                    "hope",
                    "love",
                    "faith",
                    "heaven",
                    "crystal",
                    "china",
                    "rain",
                    "case",
                }
                | (_NEVER_ALONE if token.opens else set())
                or (token.low == "hope" and bool(re.match(r"\d", after)))
            )
        return (
            self._verb(index + 1)
            and following not in _WEAK_VERBS | (_IDIOM_VERBS if token.opens else frozenset())
            or (
                following in {"has", "had"}
                and token.low
                in {
                    "will",
                    "mark",
                    "grace",
                    "rose",
                    "bill",
                    "dean",
                    "chase",
                    "art",
                    "drew",
                    "frank",
                    "pat",
                    "joy",
                    "dawn",
                }
            )
        )

    def _verb(self, at: int) -> bool:
        return self.reading.low(at) in _STRONG_VERBS or self.reading.low(at) in _WEAK_VERBS

    def _unknown(self, index: int) -> tuple[int, Tier] | None:
        """A capital on a word no list has."""
        token = self.tokens[index]
        if len(token.low) < 3 or self.titled:
            return None
        if not token.opens and not self._coined(token):
            return self._last(index), "soft"
        strong = self.reading.low(index + 1) in _STRONG_VERBS - _WEAK_VERBS
        return (
            (self._last(index), "soft")
            if strong or self._owns(index) or self._is_someone(index)
            else None
        )

    def _is_someone(self, index: int) -> bool:
        """Does "is a 44", "is on 16", "was in" follow?"""
        after = self.reading.low(index + 2)
        if self.reading.low(index + 1) == "has" and after == "been":
            return self.reading.low(index + 3) in {
                "on",
                "stable",
                "sober",
                "clean",
                "using",
                "taking",
                "off",
                "in",
                "out",
                "doing",
                "seeing",
                "coming",
                "asking",
            }
        aged = after in {"a", "an", "on"} and bool(re.match(r"\d\d", self.reading.low(index + 3)))
        return self.reading.low(index + 1) in {"is", "was"} and (
            aged
            or after in {"pregnant", "stable", "homeless", "sober", "here", "back"}
            or bool(re.match(r"\d\d$", after))
        )

    def _coined(self, token: Token) -> bool:
        """Does it look like a made-up brand or code, with a capital inside and none of a name's forms?"""
        inner = token.text[1:]
        return any(c.isupper() for c in inner) and not re.match(
            r"(?:Mc|Mac|De|Di|La|Le|Van|O'|D'|Fitz|[A-Z]'|Da|Ja|Ke|Sha|Ta)[A-Z]", token.text
        )

    # -- small letters

    def _small(self, index: int) -> tuple[int, Tier] | None:
        """Known names in small letters (or where all is in capitals): two together, or one that acts."""
        token, other = self.tokens[index], self._next(index)
        if (
            token.sense & Sense.MAYBE
            and self._owns(index)
            and self.reading.low(index + 1) in _PERSON
        ):
            return index, "soft"
        if (
            not token.sense & Sense.NAME
            or len(token.low) < 3
            or self._eponym(index)
            or token.sense & Sense.CITY
        ):
            return None
        if (
            other
            and token.sense & Sense.GIVEN
            and other.sense & Sense.NAME
            and other.sense & Sense.FAMILY
            and len(other.low) > 2
            and not other.sense & Sense.FIELD
        ):
            return self._last(index), "hard"
        strong = self.reading.low(index + 1) in _STRONG_VERBS - _WEAK_VERBS or self._owns(index)
        if strong and token.sense & Sense.GIVEN and len(token.low) > 3:
            return self._last(index), "soft"
        return None

    # -- how far a name goes

    def _last(self, index: int, *, loose: bool = False) -> int:
        """The last token of the name that begins here: names, particles and initials that follow."""
        last, at = index, index + 1
        while (
            at < len(self.tokens)
            and at <= index + 4
            and self._belongs(at, self.tokens[index], loose=loose)
        ):
            if self.tokens[at].low not in _PARTICLES or self.tokens[at].sense & Sense.NAME:
                last = at
            at += 1
        return last

    def _belongs(self, at: int, first: Token, *, loose: bool) -> bool:
        token = self.tokens[at]
        if token.gap not in {" ", "-", ". ", " '"} or not token.alpha or token.opens:
            return False
        if token.low in _PARTICLES:
            return True
        if len(token.text) == 1:
            return token.capital and token.low != "i"
        if (
            token.sense & (Sense.FIELD | Sense.HEAD)
            or token.low in _STOP
            or (token.low in _STRONG_VERBS and not token.capital)
        ):
            return False
        if first.capital and not self.reading.shouted:
            return token.capital and (token.upper == first.upper)
        named = bool(token.sense & NAMEISH) or not token.sense
        return named or (
            loose and bool(token.sense & Sense.FAMILY) and at == self.tokens.index(first) + 1
        )

    def _first(self, index: int) -> int:
        """The first token: a title or nickname word stands before."""
        before = self.tokens[index - 1] if index else None
        if (
            before
            and before.capital
            and self.tokens[index].gap == " "
            and before.low in _NICK
            and not before.opens
        ):
            return index - 1
        return index
