"""What surrounds a fact in its sentence and takes its certainty away: a "no", a past, a plan, another person.

In the manner of NegEx and ConText (Chapman 2001, Harkema 2009): a cue reaches forward to the next turn of
the sentence, a few cues reach back. Where it is doubtful whether a cue reaches, it does.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Context: TypeAlias = Literal["negated", "past", "plan", "unsure", "other", "failed", "question"]

_RELATIVE = (
    r"(?:mother|father|mom|mum|dad|parents?|brother|sister|wife|husband|son|daughter|partner|girlfriend|boyfriend|spouse|roommate|friend|uncle|aunt"
    r"|cousin|grand(?:mother|father|ma|pa|parents?|son|daughter)|neighbou?r|sibling|twin|in-law|family (?:history|hx)|fhx|fh:|another (?:client|patient|pt)"
    r"|(?:other|different) (?:clients?|patients?|pts?)|coworker|ex-?(?:wife|husband)|niece|nephew|kid|child)(?:.?s)?\b"
)

_SUBJECT = r"(?:he|she|they|pt|patient|client|himself|herself|we|i)\b"

# A cue does not reach across these.
_TURN = re.compile(
    r"\b(?:but|however|except(?:ing)?(?: for)?|although|though|yet|apart from|other than|aside from|besides|otherwise|now|currently|presently|instead)\b|[;:](?! ?(?:no|none|negative|denies|denied)\b)"
    rf"|(?:,| and| -) (?={_SUBJECT})|\b(?:know[sn]?|aware|told \w+|heard|learned)(?: that)? (?={_SUBJECT})"
)
_AFFIRMED_AGAIN = re.compile(
    r"(?:,| and| -) (?=(?:is|was|has|had|takes|taking|on|uses|using|does|gets|got|sees|says|reports|started|continues|lives|drinks|smokes|only|with|wants|keeps|currently|says|told|admits|endorses|positive|still|since|then|so)\b)"
)
_OTHER_TURN = re.compile(rf"\b(?:but)\b|[;]|(?:,| and| -)? ?\b(?=(?:he|she|they|pt|patient|client|himself|herself)\b(?!.?s))|, (?=(?:on|takes|taking|now|currently|also)\b)")

_BEFORE: Final[Mapping[Context, re.Pattern[str]]] = {
    "negated": re.compile(
        r"\b(?:no|not|none|never|without|denies|denied|denying|deny|neither|nor|nobody|no one|negative for|absence of|free of|absent|isn.?t|aren.?t|doesn.?t|don.?t|didn.?t|hasn.?t"
        r"|haven.?t|wasn.?t|weren.?t|won.?t|can.?t|cannot|lacks|lack of|rules? out|ruled out|refus\w+|declin\w+|zero|nil|avoids?|stays? away from|unable to|not on|w/o|sin)\b(?! only)"
    ),
    "past": re.compile(
        r"\b(?:history of|hx(?: of)?|h/o|pmh of|previous(?:ly)?|prior|former(?:ly)?|used to|was on|were on|had been on|in the past(?! (?:\w+ )?(?:day|week|month|year))|(?<!the )past(?! (?:\w+ )?(?:day|week|month|year))|remote|stopped|discontinued|quit|weaned (?:off|from)"
        r"|tapered off|no longer|came off|got off|d/c.?d|dc.?d|took|years ago|as a (?:child|teen|kid)|resolved|back in (?:19|20)\d\d|in (?:19|20)\d\d|until|once had|at one time|originally|initially|was taking|were taking|last year)\b"
        r"|(?<!come )(?<!coming )(?<!get )(?<!getting )(?<!wean )(?<!taper )\boff (?:of )?(?:the |his |her |all )?$"
    ),
    "plan": re.compile(
        r"\b(?:if|consider(?:s|ing|ed)?|plan(?:s|ning|ned)?|would|could|(?<!in )may|should|will|recommend\w*|discuss\w*|offer(?:s|ed|ing)?|thinking|wants? (?:to|him|her|us|me|them)|want to|wonder\w*"
        r"|whether|refer(?:red|ral)?|order(?:s|ed|ing)?|needs?|need to|request\w*|ask(?:s|ed|ing)? (?:for|about|if|whether|to)|start|begin|add|adding|trial of|switch(?:ing)?|going to|about to|to be|propos\w+|suggest\w*"
        r"|hop(?:e|es|ing) (?:to|for)|awaiting|pending|upcoming|scheduled|instead of|rather than|alternatives?|advis\w+|can (?:we|he|she|they|i)|let.?s|candidate for|eligible for|interested in|rotate|convert\w*|initiat(?:e|ing)|in case|unless|prescribe|give him|give her)\b"
    ),
    "unsure": re.compile(
        r"\b(?:possibl[ey]|probabl[ey]|maybe|perhaps|suspect\w*|unclear|not sure|unsure|unknown|don.?t know|do not know|r/o|rule out|question of|questionable|could be|alleged\w*|concern\w*|worr\w+|likely|screen(?:ed|ing)? for"
        r"|evaluat\w+|work-?up|at risk|risk of|fear\w*|might|may (?:have|be)|no idea|seems?|appears?|thinks?|believes?|either|versus|vs|differential)\b|(?:^|[ (])\?+ ?$"
    ),
    "failed": re.compile(r"\b(?:fail(?:ed|s)?|tried|trialed|unsuccessful\w*|attempted|intoleran\w+|allerg\w+|contraindicat\w+|can.?t (?:take|tolerate)|did not tolerate|didn.?t tolerate)\b"),
    "other": re.compile(rf"\b{_RELATIVE}"),
}

_AFTER: Final[Mapping[Context, re.Pattern[str]]] = {
    "negated": re.compile(r"^[ ,]*(?:(?:was|is|are|were|has been|:|-|=) ?)*(?:no\b|none\b|negative\b|denie[sd]\b|absent\b|ruled out\b|not (?:on|taking|checked|done|prescribed|present|reported|known|in place|signed|available|used|an issue|a problem)\b|never\b|declined\b|refused\b|n/a\b)"),
    "past": re.compile(
        r"^[^;.]{0,40}?\b(?:until|stopped|discontinued|d/c.?d|(?:\w+|\d+) years? ago|in (?:19|20)\d\d|in the past(?! (?:\w+ )?(?:day|week|month|year))|back in|previously|as a (?:child|teen|kid)|was stopped|ended|resolved|no longer|years back|(?:in|since) childhood|prior to)\b"
    ),
    "plan": re.compile(
        r"^[ ,]*(?:(?:was|is|are|were|be|to be|has been) )?(?:considered|discussed|recommended|offered|planned|suggested|needed|indicated|ordered|pending|an option|advised|not started|would|could|should|may|might|will|if)\b"
    ),
    "unsure": re.compile(r"^ ?\(?\?|^[ ,]*(?:is |are |was )?(?:possible|suspected|unclear|unknown|not known|not sure|tbd|uncertain|unconfirmed|questionable|\(unsure\)|maybe)\b|^[ ,]*\?"),
    "failed": re.compile(r"^[^;.,]{0,30}?\b(?:did not help|didn.?t help|failed(?! back)|didn.?t work|did not work|no help|without (?:benefit|relief)|not helpful|unhelpful|not tolerated|caused)\b"),
    "other": re.compile(rf"^ ?(?:in|of|by|to|belong\w* to|for|from) (?:his|her|their|the|a) (?:\w+ )?{_RELATIVE}"),
}

_KNOWN = re.compile(
    r"\b(?:did not|didn.?t|had not|were not|weren.?t|was not|wasn.?t|does not|doesn.?t|is not|isn.?t|not) (?:know|known|told|aware|hear|heard)"
    r"(?: about| of| that)? (?=(?:the|his|her|their)\b)"
)
"""What somebody did not know is nevertheless so: "we did not know about the Percocet"."""

_ASKED = re.compile(
    r"^(?:and |so |but |or )?(?:is|are|am|does|do|did|should|can|could|would|will|what|when|how|which|who|whose|why|any|has|have|was|were|shall|where|anything|anyone|ok to|okay to|worth)\b"
)
_CLAUSE = re.compile(r"[,:]| - |\b(?:and|but|so)\b(?= (?:is|are|should|can|could|would|will|do|does|what|how))")
_STARTED = re.compile(r"\b(?:start(?:ed)?|begun|began|since|initiated|put (?:him|her|them)?|prescribed|increased)\b")


def contexts(text: str, start: int, end: int) -> set[Context]:
    """Return what makes the fact at ``text[start:end]`` of a sentence uncertain; empty when it stands."""
    before, after = text[:start], text[end:]
    here = _last(before, _TURN)
    found: set[Context] = set()
    for context, cue in _BEFORE.items():
        reach = _KNOWN.sub(" ", _reach(context, here, before))
        if cue.search(reach):
            found.add(context)
    later = _TURN.split(after, maxsplit=1)[0] if not after.startswith(":") else after[1:]
    for context, cue in _AFTER.items():
        if cue.search(after if context == "unsure" else later):
            found.add(context)
    if "past" in found and not _BEFORE["past"].search(_reach("past", here, before)) and _STARTED.search(text):
        found.discard("past")
    if _in_question(text, start):
        found.add("question")
    return found


def _reach(context: Context, here: str, before: str) -> str:
    """Return the words before the fact that a cue of this kind reaches it from."""
    if context == "other":
        return _subject(before)
    if context in ("negated", "past", "failed"):
        return _last(here, _AFFIRMED_AGAIN)
    return here


def _subject(before: str) -> str:
    """Return the words in which somebody else can be the one spoken of; company ("lives with") is not one."""
    reach = _last(before, _OTHER_TURN)
    return re.sub(rf"\b(?:lives?|living|stays?|here|came|comes|seen) with (?:(?:his|her|their|the|an?|two|three|young) )*{_RELATIVE}(?: and (?:\w+ )?(?:kids?|children|{_RELATIVE}))?", " ", reach)


def _last(text: str, turn: re.Pattern[str]) -> str:
    end = 0
    for match in turn.finditer(text):
        end = match.end()
    return text[end:]


def _in_question(text: str, start: int) -> bool:
    """Tell a fact that is asked, not told: in the last clause of a question."""
    if not text.rstrip(" )\"'").endswith("?"):
        return False
    cuts = [0, *(m.end() for m in _CLAUSE.finditer(text))]
    asking = [cut for cut in cuts if _ASKED.match(text[cut:].lstrip())]
    return start >= (asking[0] if asking else cuts[-1])


_COUNT = r"(?P<n>\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a few|a couple(?: of)?|several)"
_AGO = re.compile(
    rf"\b{_COUNT} (?P<u>days?|weeks?|wks?|months?|mos?|years?|yrs?) (?:ago|back)\b|\b(?:in |over |within |during )?the (?:past|last) (?:{_COUNT.replace('?P<n>', '?P<m>')} )?(?P<v>days?|weeks?|months?|years?)\b"
    r"|\b(?P<w>today|yesterday|last night|this morning|tonight|this week|last week(?:end)?|this month|last month|this year|last year|recently|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|just now|past year|past month|past week)\b"
)
_NAMED_DAYS: Final[Mapping[str, int]] = {
    "today": 0, "yesterday": 1, "last night": 1, "this morning": 0, "tonight": 0, "this week": 7, "last week": 10, "last weekend": 9, "this month": 30,
    "last month": 45, "this year": 300, "last year": 365, "just now": 0, "past year": 365, "past month": 31, "past week": 7,
}  # fmt: skip
_COUNTS: Final[Mapping[str, int]] = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "a few": 4, "a couple": 2, "a couple of": 2, "several": 7,
}  # fmt: skip
_UNIT_DAYS: Final[Mapping[str, int]] = {"d": 1, "w": 7, "m": 30, "y": 365}


def days_ago(text: str, start: int, end: int) -> int | None:
    """Return how many days ago at most the event at ``text[start:end]`` was, by the nearest time of its sentence."""
    found = [match for match in _AGO.finditer(text) if match["w"] != "recently"]
    if not found or re.search(r"\b(?:19|20)\d\d\b", text):
        return None
    nearest = min(found, key=lambda m: max(m.start() - end, start - m.end(), 0))
    if nearest["w"]:
        word = nearest["w"]
        return 7 if word.startswith("on ") else _NAMED_DAYS[word]
    count, unit = nearest["n"] or nearest["m"] or "1", nearest["u"] or nearest["v"]
    return (int(count) if count.isdigit() else _COUNTS[count]) * _UNIT_DAYS[unit[0]]
