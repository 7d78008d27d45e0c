"""Street addresses, postal codes and places smaller than a state."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding, Tier
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import dose_after

_CLEAR = set_of(
    "street avenue ave boulevard blvd road rd lane ln terrace parkway pkwy highway hwy "
    "turnpike tpke freeway crescent alley expressway causeway esplanade streets avenues rue "
    "calle avenida"
)
_LOOSE = set_of(
    "st dr drive court ct place pl way circle cir square sq trail trl loop pike run pass path "
    "row walk plaza crossing xing ridge hill hills point pt cove landing heights hts view "
    "glen bend creek mews close green grove gardens garden park ter terr aly cres common "
    "commons hollow branch meadows manor station valley vista village estates"
)
_USUAL = set_of("st dr drive court ct place pl way circle cir square terrace ter park")
_DIRECTIONS = set_of(
    "n s e w ne nw se sw north south east west northeast northwest southeast southwest"
)
_NOT_STREET = set_of(
    "mg mcg ml g mm cm h hr hrs hour hours min mins minute minutes day days week weeks month "
    "months mo wk yr yrs year years yo yof yom y o tab tabs film films patch patches dose "
    "doses mme bid tid qid qd prn daily po sl iv im the a an of in on for with without and or "
    "but to by per from is was at not no his her their my our this that x times step steps "
    "hours units mile miles pt pts patient patients point male female m f who he she they has "
    "had then than more less about every each other good bad different same only dr way "
    "percent blocks block feet pain after before while when since until"
)
_UNIT = re.compile(
    r",?\s{1,2}(?:apt|apartment|unit|suite|ste|lot|trlr|trailer|rm|room|floor|fl|bldg|"
    r"building|#)\.?\s?#?\s?[A-Za-z]?-?\d{0,5}[A-Za-z]?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_CITY_TAIL = re.compile(
    r",?\s(?:[A-Z][a-z]{2,20}\s?){1,2}(?:,?\s(?:[A-Z]{2})(?![A-Za-z]))?(?:\s\d{5}(?:-\d{4})?)"
    r"?|,\s[A-Z][a-z]{2,20}"
)
_PO_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?(?:box|bx)|post office box|apartado(?: postal)?|casilla)"
    r"\s?#?\s?[A-Z]?\d{1,7}(?:,\s[A-Z][a-z]{2,20})?|\b(?:rr|rural route|hc)"
    r"\s?#?\d{1,3},?\s(?:box|bx)\s?\d{1,6}",
    re.IGNORECASE,
)
_ROUTE = re.compile(
    r"\b(?:\d{1,6}\s)?(?:(?:county|co\.?|cnty|state|township|twp|forest|ranch|farm(?: to "
    r"market)?|us|u\.s\.)\s(?:road|rd|route|rte|rt|highway|hwy)|(?:rte|hwy|highway|route)"
    r"(?=[\s-]\d)|(?-i:SR|CR)(?=[\s-]\d)|interstate|fm(?=\s\d{3}))"
    r"\.?[\s-]?\d{1,4}[A-Za-z]?(?![\w%]|\.\d)",
    re.IGNORECASE,
)
_FOREIGN_CUES = set_of(
    "calle avenida avda av carrera cra rue via viale piazza rua paseo plaza camino jalan jl "
    "ulica ul"
)
_FOREIGN = re.compile(
    r"\b(?:Calle|Avenida|Avda|Av|Carrera|Cra|Rue|Via|Viale|Piazza|Rua|Paseo|Plaza|Camino|"
    r"Jalan|Jl|Ulica|Ul)\.?\s(?:(?:de|la|las|los|el|del|des|du|da|do|di)\s)"
    r"{0,2}(?:[A-Z][a-z]{1,20}|\d{1,3})(?:\s[A-Z][a-z]{1,20}){0,2}(?:,?\s?(?:#|No\.?|n)"
    r"?\s?\d{1,5}(?:-\d{1,4})?)?"
)
_GERMANIC = re.compile(
    r"\b[A-Z][a-z]{2,20}(?:strasse|str\.|gasse|weg|platz|straat|gatan|vej|laan)\s\d{1,4}[a-z]?"
)
_APT = re.compile(
    r"\b(?:apt|apartment|trailer|trlr|lot)\.?\s?#?\s?(?:[A-Z]\d{0,4}|\d{1,5}[A-Z])"
    r"(?![A-Za-z0-9])|\b(?:apt|apartment|trailer|trlr)\.?\s?#\s?\d{1,5}\b|\b(?:apartment|trlr)"
    r"\s\d{1,5}\b",
    re.IGNORECASE,
)
_CORNER = re.compile(
    r"\b\d{1,3}(?:st|nd|rd|th) (?:and|&) [A-Z][a-z]{2,20}|\b[Cc]orner of \w{1,20} (?:\w{1,20} "
    r")?(?:and|&) \w{1,20}"
)
_APT_CUES = set_of("apt apartment trailer trlr lot")
_CUED = (
    (_PO_BOX, set_of("box bx apartado casilla")),
    (_ROUTE, set_of("road rd route rte rt highway hwy sr cr interstate fm")),
    (_FOREIGN, _FOREIGN_CUES),
)
_HOUSE = re.compile(
    r"\b(?:lives?|living|stays?|staying|resides?|residing|address|addr|home|house|resident|"
    r"located|moved|mail\w*|deliver\w*|ship\w*|sent|send|pick \w{2,4} up|found(?: down)?)"
    r"(?:\W{1,3}(?:is|at|to|in|it|her|him|them|now|the|with|films|naloxone|narcan))"
    r"{0,3}\W{1,3}"
    r"(?P<id>\d{1,6}[A-Za-z]?\s(?:[NSEW]\.?\s)?[A-Z][a-z]{2,20}(?:\s[A-Z][a-z]{2,20})?)"
)
_ZIP_CUE = re.compile(
    r"(?:\bzip(?:\s?code)?|postal(?:\scode)?|postcode|zipcode|c\.?p\.?)\W{0,3}(?:is|was|of|=|"
    r"for|in)?\W{0,3}(?:the\s|home\s)?$"
)
_STATES = (
    r"al|ak|az|ar|ca|co|ct|de|fl|ga|hi|ia|id|il|in|ks|ky|la|ma|md|me|mi|mn|mo|ms|mt|nc|nd|ne|"
    r"nh|nj|nm|nv|ny|oh|ok|or|pa|ri|sc|sd|tn|tx|ut|va|vt|wa|wi|wv|wy|dc|pr|"
    r"alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|"
    r"georgia|hawaii|idaho|illinois|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|"
    r"massachusetts|michigan|minnesota|mississippi|missouri|montana|nebraska|nevada|new "
    r"hampshire|new jersey|new mexico|new york|north carolina|north dakota|ohio|oklahoma|"
    r"oregon|pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|"
    r"vermont|virginia|washington|west virginia|wisconsin|wyoming"
)
_ZIP_STATE = re.compile(rf"(?:^|[\s,(])(?:{_STATES})\.?,?\s{{1,2}}$")
_ZIP_PLACE = re.compile(
    r"\b(?:lives?|living|resides?|residing|moved|moving|relocat\w+|from|near|area|located|"
    r"address|home|stays?|staying|mail\w*|ship\w*)(?:\W{1,3}(?:in|to|at|is|from|near|around|"
    r"the|of|code|zip)){0,3}\W{1,3}$"
)
_RESIDE = re.compile(
    r"\b(?:liv(?:es|ed|ing|e)|mov(?:ed|ing|es|e)|relocat(?:ed|ing|es|e)|resid(?:es|ed|ing|e)|"
    r"grew up|raised|born|commut(?:es|ed|ing|e)|driv(?:es|ing|e)|drove|stay(?:s|ed|ing)?|"
    r"hails?|comes?|coming|travel(?:s|ed|ing|led)?|based|"
    r"transfer(?:s|red|ring)?(?: (?:care|clinics?|him|her|otps?))?|settled|homeless|camp(?:s|"
    r"ing)?|sleep(?:s|ing)?|works?|working|jail(?:ed)?|incarcerated|prison|arrested|school|"
    r"college|rehab|clinic|otp|pharmacy|hospital|visiting|flew|returned|returning|going|went|"
    r"family|house|apartment|home|native|resident|fled|shelter|detox|bus|released)"
    r"(?:\W{1,2}(?:back|down|up|out|over|just|now|currently|all|the|way|here|alone|often|a|"
    r"day|with|family|it's|is|mill|mine|bar|job|factory|plant|is)){0,3}"
    r"\s(?:in|to|from|near|at|around|outside|outside of|of|by|close to|nearest)\s$"
)
_GEO_HEADS = set_of("county parish borough township twp village cty")
_FACILITY = set_of(
    "hospital clinic center centre infirmary jail prison penitentiary correctional elementary "
    "highschool university college church temple mosque shelter motel hotel inn "
    "pharmacy apartments manor nursing rehab recovery ranch reformatory detention academy "
    "school library mall hospice medical memorial health healthcare"
)
_WARDS = set_of(
    "unit care home department dept office room floor ward service services team group "
    "program children's children emergency postanesthesia intensive recovery step"
)
_PARTICLES = set_of(
    "san santa saint st los las la el new north south east west fort ft port mount mt lake "
    "grand palm cape bay little upper lower big white green cedar oak old"
)
_SMALL_WORDS = set_of(
    "the a an his her their our my your its this that and or but of in on at to for with "
    "without than then more less"
)


class Places:
    """Finds where people live in one reading."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.tokens = reading.tokens

    def found(self) -> Iterator[Finding]:
        for index, token in enumerate(self.tokens):
            if token.low in _CLEAR or token.low in _LOOSE:
                yield from self._street(index)
            elif token.low in _GEO_HEADS:
                yield from self._county(index)
            elif len(token.low) == 5 and token.low.isdigit():
                yield from self._zip(token)
            elif token.low in _FACILITY and token.capital:
                yield from self._facility(index)
            if token.alpha and index:
                yield from self._place(index)
        yield from self._patterns()

    def _patterns(self) -> Iterator[Finding]:
        for pattern, cues in _CUED:
            for match in pattern.finditer(self.text) if self.reading.has(cues) else ():
                if not dose_after(self.text, match.end()):
                    yield Finding(*match.span(), "address", "hard")
        for match in _GERMANIC.finditer(self.text):
            yield Finding(*match.span(), "address", "hard")
        for match in _CORNER.finditer(self.text):
            yield Finding(*match.span(), "address", "soft")
        for match in _APT.finditer(self.text) if self.reading.has(_APT_CUES) else ():
            yield Finding(*match.span(), "address", "soft")
        for match in _HOUSE.finditer(self.text):
            yield Finding(*match.span("id"), "address", "hard")

    def _street(self, index: int) -> Iterator[Finding]:
        """A street from its last word back to the house number, or the capitals before it."""
        suffix, words = self.tokens[index], 0
        if suffix.gap not in {" ", ". "} or not self._street_word(index):
            return
        for at in range(index - 1, max(-1, index - 7), -1):
            token = self.tokens[at]
            if token.text[0].isdigit() and words and not self._ordinal_name(token):
                if self._house_number(at):
                    yield self._address(token.start, suffix, at, index)
                return
            if (
                token.low in _NOT_STREET
                and token.low not in _DIRECTIONS
                and not (token.low == "dr" and token.capital)
            ):
                break
            if "\n" in token.gap and at < index - 1:
                break
            words += 1
            if at > 0 and self.tokens[at].gap not in {" ", ". ", ", ", "-", "  ", "."}:
                break
        yield from self._street_alone(index)

    def _street_word(self, index: int) -> bool:
        """Can the word end a street here? The rarer ones (loop, path, hill) only with a capital."""
        suffix = self.tokens[index]
        return suffix.low in _CLEAR or suffix.low in _USUAL or suffix.capital

    def _ordinal_name(self, token: Token) -> bool:
        return bool(re.fullmatch(r"\d{1,3}(?:st|nd|rd|th)", token.low))

    def _house_number(self, at: int) -> bool:
        token = self.tokens[at]
        if self.tokens[at + 1].gap.startswith("-"):
            return False
        if not re.fullmatch(r"\d{1,6}[a-z]?", token.low) or (
            at
            and self.text[token.start - 1] in "./-:"
            and self.text[token.start - 2 : token.start - 1].isdigit()
        ):
            return False
        suffix_low = self.tokens[min(at + 2, len(self.tokens) - 1)]
        return bool(suffix_low)

    def _address(self, start: int, suffix: Token, at: int, index: int) -> Finding:
        words = self.tokens[at + 1 : index]
        lower = not any(w.capital for w in words)
        loose = suffix.low in _LOOSE
        tier: Tier = (
            "soft"
            if lower
            and loose
            and suffix.low not in {"st", "dr", "ct", "drive", "court", "cir", "circle", "pl"}
            else "hard"
        )
        end = suffix.end
        for tail in (_UNIT, _CITY_TAIL):
            match = tail.match(self.text, end + (self.text[end : end + 1] == "."))
            end = match.end() if match else end
        return Finding(start, end, "address", tier)

    def _street_alone(self, index: int) -> Iterator[Finding]:
        """A street by name without a number: Sullivant Avenue, 5th Street."""
        suffix = self.tokens[index]
        before = self.tokens[index - 1] if index else suffix
        if suffix.low not in _CLEAR or not suffix.capital or suffix.upper or before is suffix:
            return
        if (
            (before.capital or self._ordinal_name(before))
            and suffix.gap == " "
            and before.low not in _SMALL_WORDS
        ):
            yield Finding(before.start, suffix.end, "address", "soft")

    def _county(self, index: int) -> Iterator[Finding]:
        """Gallia County, County of Kent, Washington Township."""
        head = self.tokens[index]
        before = self.tokens[index - 1] if index else None
        if before and head.gap == " " and before.alpha and before.low not in _SMALL_WORDS:
            capital = before.capital and head.capital and not before.sense & Sense.HEAD
            lower = not before.sense & (Sense.WORD | Sense.FIELD) and not head.capital
            if (
                capital
                or lower
                or (before.capital and not before.opens and not before.sense & Sense.EVERYDAY)
            ):
                yield Finding(before.start, head.end, "geo", "soft")
        if (
            self.reading.low(index + 1) == "of"
            and index + 2 < len(self.tokens)
            and self.tokens[index + 2].capital
        ):
            yield Finding(head.start, self.tokens[index + 2].end, "geo", "soft")

    def _zip(self, token: Token) -> Iterator[Finding]:
        before = self.reading.before(token.start, 56)
        if (
            _ZIP_CUE.search(before)
            or _ZIP_STATE.search(before)
            or (
                _ZIP_PLACE.search(before)
                and not re.match(
                    r"\s?(?:mg|mcg|mme|ml|ng|cells|copies|iu|units|to|/)",
                    self.text[token.end : token.end + 8],
                )
            )
        ):
            yield Finding(token.start, token.end, "zip", "hard")

    def _facility(self, index: int) -> Iterator[Finding]:
        """A named facility: the capital names before Hospital, Jail, Elementary."""
        first = index
        while first and self._part_of_name(first - 1, first):
            first -= 1
        names = self.tokens[first:index]
        if any(
            not n.sense & (Sense.WORD | Sense.FIELD | Sense.ALWAYS | Sense.HEAD) for n in names
        ) and not any(n.sense & Sense.ALWAYS for n in names):
            yield Finding(names[0].start, self.tokens[index].end, "geo", "soft")

    def _part_of_name(self, at: int, after: int) -> bool:
        token = self.tokens[at]
        return (
            token.alpha
            and token.capital
            and self.tokens[after].gap in {" ", ". "}
            and after - at < 4
            and token.low not in _SMALL_WORDS
        )

    def _place(self, index: int) -> Iterator[Finding]:
        """A place by the words before it, or by the state after it."""
        token = self.tokens[index]
        if token.sense & (Sense.FIELD | Sense.HEAD | Sense.STATE) and token.low not in _PARTICLES:
            return
        if token.gap == " " and token.low not in _SMALL_WORDS and self._resides(index):
            last = self._last_of_place(index)
            if any(t.low in _FACILITY or t.low in _WARDS for t in self.tokens[index : last + 1]):
                return
            if not self.tokens[last].sense & (Sense.FIELD | Sense.HEAD) or last > index:
                yield Finding(token.start, self.tokens[last].end, "geo", "soft")
        elif token.capital and self._state_follows(index):
            yield Finding(
                self.tokens[self._first_of_place(index)].start,
                self.tokens[index + 1].end,
                "geo",
                "soft",
            )

    def _resides(self, index: int) -> bool:
        token = self.tokens[index]
        if self.reading.low(index - 1) not in {
            "in",
            "to",
            "from",
            "near",
            "at",
            "around",
            "outside",
            "of",
            "by",
            "nearest",
        }:
            return False
        unknown = not token.sense & (Sense.WORD | Sense.FIELD)
        if not (token.capital and not token.upper) and not (unknown or token.sense & Sense.CITY):
            return False
        if len(token.low) < 3:
            return False
        return bool(_RESIDE.search(self.reading.before(token.start, 72)))

    def _last_of_place(self, index: int) -> int:
        last = index
        while last + 1 < len(self.tokens) and last < index + 2 and self._continues(last + 1):
            last += 1
        return last

    def _continues(self, at: int) -> bool:
        token = self.tokens[at]
        return (
            token.gap == " "
            and token.capital
            and token.alpha
            and not token.opens
            and not token.sense & Sense.FIELD
        )

    def _state_follows(self, index: int) -> bool:
        if index + 1 >= len(self.tokens):
            return False
        state = self.tokens[index + 1]
        token = self.tokens[index]
        if token.upper or token.sense & Sense.HEAD or len(token.low) < 3:
            return False
        named = not token.sense & Sense.EVERYDAY or bool(token.sense & Sense.CITY)
        return (
            state.gap == ", "
            and state.text.isupper()
            and len(state.text) == 2
            and re.fullmatch(_STATES, state.low) is not None
            and named
        )

    def _first_of_place(self, index: int) -> int:
        first = index
        while (
            first
            and first > index - 2
            and self.tokens[first].gap == " "
            and self.tokens[first - 1].capital
            and self.tokens[first - 1].alpha
            and not self.tokens[first - 1].opens
            and not self.tokens[first - 1].sense & Sense.FIELD
        ):
            first -= 1
        return first
