"""Dates with the month as a word, and ages of ninety and more."""

import re
from collections.abc import Iterator

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading, Token
from dialogs.identifiers.units import unit_after

_MONTHS = set_of(
    "jan january feb february mar march apr april may jun june jul july aug august sep sept "
    "september oct october nov november dec december"
)
_SPANISH = set_of(
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre "
    "diciembre"
)
_DAY = re.compile(r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?$")
_ONES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_TEENS = (
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
)
_ORDINALS = frozenset((*_ONES, *_TEENS, "twentieth", "thirtieth"))
_CARDINALS = set_of(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty"
)
_VERBS_AFTER_MAY = set_of(
    "be help cause need not have also repeat worsen increase decrease reduce require take "
    "make get lead still well then"
)
_MONTH_GAP = re.compile(r"\s{0,2}[.,]?\s{0,2}[-/]?\s{0,2}(?:the\s)?$")
_ORDER_GAPS = frozenset({" ", "-", "/", " - ", "", ".", ", ", ". "})
_WEEKDAYS = set_of(
    "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat "
    "saturday sun sunday"
)
_HOLIDAYS = re.compile(
    r"\b(?:on|since)\s(?:the\s)?(?:christmas(?:\s(?:day|eve))?|xmas(?:\sday)?|new "
    r"year'?s?(?:\s(?:day|eve))?|"
    r"thanksgiving(?:\sday)?|halloween|valentine'?s(?:\sday)?|(?:the\s)?(?:4th|fourth) of "
    r"july|juneteenth|labor day|memorial day|veterans day|mlk day|easter(?:\ssunday)?|cinco "
    r"de mayo|st\.? patrick'?s day)\b",
    re.IGNORECASE,
)
_NTH = re.compile(
    r"\b(?:on|since|until|till|by) (the \d{1,2}(?:st|nd|rd|th))(?=[.,;)\n]|$| at | and | of "
    r"(?:this|last|next))"
)
_NINETY = re.compile(r"(?:9\d|1[01]\d)")
_AGE_AFTER = re.compile(
    r"(?:\s?-?\s?(?:y/?\s?o|y\.\s?o\.?|yo[mfwb]?|yr-?\s?olds?|yrs?\.?[\s-](?:olds?|of age|"
    r"young)|years?[\s-](?:olds?|of age|young)|year-?olds?|y[mf])(?![a-z])"
    r"|\s?-?\s?(?:yr|yrs|years|y)\s?/?\s?(?:[mf]|male|female|man|woman|lady|gentleman)(?![a-z])"
    r"|\s?/\s?[mfMF](?![a-zA-Z/])|(?:st|nd|rd|th)\s(?:birthday|bday|year of life)|\s?(?:ano|"
    r"año)s(?! (?:con|en|de (?!edad)))(?: de edad)?(?=\W|$))",
    re.IGNORECASE,
)
_SEX_AFTER = re.compile(r"\s?[MF](?![A-Za-z/.°])|[mf](?![A-Za-z/.°])")
_NOT_OLDER = re.compile(
    r"(?:over|above|under|than|least|most|>|<|≥|≤|=|age range|up to|beyond|past|below|until|"
    r"to|-|–)\s?(?:the\s)?(?:age\s)?(?:of\s)?$"
)
_AGE_BEFORE = re.compile(
    r"(?:\b(?:age|aged|edad|turns|turned|turning|turn)\b(?:\s(?:is|of|was|now|de|around|about|"
    r"approx|approximately|just|listed as|today))?\W{0,3}|"
    r"\b(?:at|is now|now) age\W{0,3}|\bage/sex\W{0,3}|\bold as\W{0,2})$"
)
_PERSON_IS = re.compile(
    r"\b(?:he|she|they|who|pt|patient|mother|father|mom|dad|grandma|grandpa|grandmother|"
    r"grandfather|granny|nana|wife|husband|aunt|uncle|client|veteran|man|woman|lady|gentleman|"
    r"resident)"
    r"(?:'s|'re| is| was|,)(?: now| only| already| almost| nearly| about)?\s$"
)
_ENDS_AGE = re.compile(
    r"\s{0,2}(?:[,.;!?)](?!\d)|$|\n|and\b|with\b|w/|but\b|so\b|yet\b|who\b|years?\b(?! (?:ago|"
    r"of|in|since|clean|sober)))"
)
_TEMPERATURE = re.compile(
    r"(?:\bt|temp|temperature|tmax|tm|febrile|fever|afebrile|to|of|°|\d)\W{0,3}(?:is|was|of|=)"
    r"?\W{0,3}$"
)
_BIRTH_YEAR = re.compile(
    r"\b(?:born|b\.|birth year|year of birth|yob|dob|d\.o\.b\.?)(?:\s(?:in|is|was|around))"
    r"?\W{0,3}(18[5-9]\d|19[0-2]\d|193[0-6])(?![\d/-])"
)
_TENS_WORD = re.compile(
    r"\b(?P<age>ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a) "
    r"hundred(?:(?:\sand)?[\s-](?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|"
    r"twelve|thirteen))?)"
    r"(?=[\s-]{1,2}(?:years?[\s-](?:old|of age|young)|yr[\s-]olds?|yrs?[\s-]old|yo\b|y/o|"
    r"year-old|years-old))"
)
_TENS_AFTER_CUE = re.compile(
    r"\b(?:age|aged|turned|turning|turns)(?:\s(?:of|is))?\s(?P<age>ninety(?:[\s-](?:one|two|"
    r"three|four|five|six|seven|eight|nine))?|one hundred(?:(?:\sand)?\s(?:one|two|three|four|"
    r"five|six|seven|eight|nine|ten))?)\b"
)


class CalendarWords:
    """Finds dates written with a month's name and ages of ninety or more in one reading."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.tokens = reading.tokens

    def found(self) -> Iterator[Finding]:
        for index, token in enumerate(self.tokens):
            if token.low in _MONTHS or token.low in _SPANISH:
                yield from self._month(index)
            elif token.low in _WEEKDAYS:
                yield from self._weekday(index)
            elif _NINETY.match(token.low) and self._is_age(token):
                yield self._age(token)
        yield from self._phrases()

    def _phrases(self) -> Iterator[Finding]:
        low = self.text.lower()
        for match in _HOLIDAYS.finditer(low):
            yield Finding(*match.span(), "date", "soft")
        for match in _NTH.finditer(low):
            yield Finding(*match.span(1), "date", "soft")
        for pattern in (_TENS_WORD, _TENS_AFTER_CUE):
            if "ninety" in low or "hundred" in low:
                yield from (Finding(*m.span("age"), "age", "hard") for m in pattern.finditer(low))
        for match in _BIRTH_YEAR.finditer(low):
            yield Finding(*match.span(1), "age", "hard")

    def _month(self, index: int) -> Iterator[Finding]:
        span = self._day_after(index) or self._day_before(index)
        if span:
            yield Finding(*span, "date", "hard")

    def _gap(self, index: int) -> str:
        return self.tokens[index].gap if index < len(self.tokens) else "\n"

    def _day_after(self, index: int) -> tuple[int, int] | None:
        """March 3, Jan. 5th, feb 28, March the third, June twenty-first."""
        if self.tokens[index].low in _SPANISH or index + 1 >= len(self.tokens):
            return None
        at = index + 2 if self.reading.low(index + 1) == "the" else index + 1
        if at >= len(self.tokens) or not _MONTH_GAP.match(self._gap(at)):
            return None
        day = self.tokens[at]
        if _DAY.match(day.low):
            return (
                None
                if self._not_day(index, day)
                else (self.tokens[index].start, self._year_end(at))
            )
        last = self._ordinal(at)
        if last is None or (self.tokens[index].low in {"may", "march"} and self._verbal(index)):
            return None
        return self.tokens[index].start, self._year_end(last)

    def _verbal(self, index: int) -> bool:
        return not self.tokens[index].capital and self.reading.low(index - 1) not in {
            "on",
            "since",
            "until",
            "till",
            "by",
            "from",
            "due",
            "of",
            "before",
            "after",
            "for",
        }

    def _not_day(self, index: int, day: Token) -> bool:
        """Is the number after the month a dose, a count, a clock time or a small list?"""
        if day.low[-1].isdigit() and (
            unit_after(self.text, day.end)
            or re.match(r"[:.]\d|/\d|\s?-\s?(?:day|week|month)", self.text[day.end :])
        ):
            return not re.match(
                r"\s(?:to|at|of|am|pm|in|or|more|h)\b", self.text[day.end : day.end + 5]
            ) or self._dosed(day)
        return (
            self._verbal(index)
            and self.tokens[index].low == "may"
            and day.low[-1].isdigit()
            and self._counted(day)
        )

    def _dosed(self, day: Token) -> bool:
        return bool(re.match(r"\s(?:am|pm|h|more)\b", self.text[day.end : day.end + 5])) and False

    def _counted(self, day: Token) -> bool:
        return bool(re.match(r"\s[a-z]", self.text[day.end : day.end + 2])) and not re.match(
            r"\s(?:and|at|to|for|with|he|she|pt|on)\b", self.text[day.end : day.end + 6]
        )

    def _year_end(self, at: int) -> int:
        following = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        if (
            following
            and re.fullmatch(r"(?:19|20)\d\d", following.low)
            and following.gap in {" ", ", ", ",", "-", "/"}
        ):
            return following.end
        return self.tokens[at].end

    def _ordinal(self, at: int) -> int | None:
        """The index of the last token of an ordinal below thirty-two in words, or nothing."""
        low = self.reading.low(at)
        if low in {"twenty", "thirty"} and self.reading.low(at + 1) in _ONES:
            return at + 1
        return at if low in _ORDINALS else None

    def _day_before(self, index: int) -> tuple[int, int] | None:
        """12 August, 14-Mar, 3rd of March, the third of March, 14 de marzo."""
        linked = self.reading.low(index - 1) in {"of", "de"}
        at = index - 2 if linked else index - 1
        if at < 0 or (not linked and self.tokens[index].gap not in _ORDER_GAPS):
            return self._glued(index)
        day = self.tokens[at]
        if _DAY.match(day.low) and not self._before_is_dose(at, index, linked=linked):
            return day.start, self._year_end(index)
        return self._ordinal_before(at, index, linked=linked)

    def _glued(self, index: int) -> tuple[int, int] | None:
        return None

    def _ordinal_before(self, at: int, index: int, *, linked: bool) -> tuple[int, int] | None:
        if not linked or self._ordinal(at) is None:
            return None
        first = at - 1 if self.reading.low(at - 1) in {"twenty", "thirty"} else at
        return self.tokens[first].start, self._year_end(index)

    def _before_is_dose(self, at: int, index: int, *, linked: bool) -> bool:
        """Is the number before the month no day: "8 may help", "1.5 mar", "in 2 March studies"?"""
        token, month = self.tokens[at], self.tokens[index]
        if month.low in _SPANISH and not linked:
            return True
        if linked or token.low[-1].isalpha():
            return False
        if at and self.text[token.start - 1] in "./-":
            return self.text[token.start - 2 : token.start - 1].isdigit()
        if month.low in {"may", "mar", "march"} and not month.capital:
            return not re.match(r"\W{0,2}(?:19|20)?\d\d(?!\d)", self.text[month.end :])
        return self.reading.low(index + 1) in _VERBS_AFTER_MAY

    def _weekday(self, index: int) -> Iterator[Finding]:
        at = index + 2 if self.reading.low(index + 1) == "the" else index + 1
        if at >= len(self.tokens) or self._gap(at) not in {" ", ", "}:
            return
        day = self.tokens[at]
        last = self._ordinal(at) if at == index + 2 else None
        if re.fullmatch(r"\d{1,2}(?:st|nd|rd|th)", day.low) or last is not None:
            yield Finding(self.tokens[index].start, self.tokens[last or at].end, "date", "hard")

    def _is_age(self, token: Token) -> bool:
        number = re.match(r"\d{1,3}", token.low)
        if number is None or not 90 <= int(number[0]) <= 119:
            return False
        end, before = token.start + number.end(), self.reading.before(token.start)
        if before[-1:] in {".", "/"} and before[-2:-1].isdigit():
            return False
        if _NOT_OLDER.search(before) or self.text[end : end + 1] == "s":
            return False
        if _AGE_AFTER.match(self.text, end) or self._sexed(end, before):
            return True
        return self._cued_age(before, end)

    def _cued_age(self, before: str, end: int) -> bool:
        if unit_after(self.text, end) and not re.match(
            r"\s?(?:y|yr|yrs|years?|or|and|to|in|m|f)\b", self.text[end : end + 7].lower()
        ):
            return False
        if re.match(r"[./:%-]\d|\d|%|\+", self.text[end : end + 2]):
            return False
        return bool(_AGE_BEFORE.search(before)) or bool(
            _PERSON_IS.search(before) and _ENDS_AGE.match(self.text, end)
        )

    def _sexed(self, end: int, before: str) -> bool:
        if not _SEX_AFTER.match(self.text, end):
            return False
        spaced = self.text[end : end + 1] == " "
        if (
            spaced
            and before.strip()
            and not re.search(r"(?:\b(?:a|pt|patient|is|an|for|on|re)|[:.;,\n])\s?$", before)
        ):
            return False
        return not _TEMPERATURE.search(before)

    def _age(self, token: Token) -> Finding:
        return Finding(token.start, token.end, "age", "hard")
