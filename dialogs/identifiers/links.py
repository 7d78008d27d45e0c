"""Addresses of the net, user names, and codes told by their own shape."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from dialogs.identifiers.finding import Finding
from dialogs.identifiers.lexicon import Sense
from dialogs.identifiers.text import set_of
from dialogs.identifiers.tokens import Reading

_TLD = (
    r"(?:com|org|net|edu|gov|mil|info|biz|app|dev|health|care|clinic|online|site|xyz|example|"
    r"test|invalid|io|co\.uk|ca|uk|de|fr|mx|es|br|jp|au|in|ru|ie|nl|se|no|us|me|co|tv|ly|gg|"
    r"link)"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?:@| @ | ?(?:\(at\)|\[at\]|\{at\}|<at>) ?)[A-Za-z0-9-]{1,63}(?: "
    r"?(?:\.|\(dot\)|\[dot\]|\{dot\}|<dot>) ?[A-Za-z0-9-]{2,63}){1,5}"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{2,63}(?![\w@])",
    re.IGNORECASE,
)
_RATE = re.compile(r" @ \d+\.\d+(?:-\d+(?:\.\d+)?)?$")
"""What follows a drug given at a rate: infusion @ 0.15."""
_AT_SIGN = re.compile(r"@|[(\[{<]at[)\]}>]", re.IGNORECASE)
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w.+-])(?:[\w+-]{1,30} dot ){0,3}[\w.+-]{1,64} at [\w-]{2,30}(?: ?(?: dot |\[dot\]|"
    r"\(dot\)|\.) ?[\w-]{2,20}){1,3}"
    r"|(?<![\w.+-])[\w.+-]{1,64} ?(?:@|\(at\)|\[at\]| at ) ?(?:gmail|g-mail|yahoo|hotmail|"
    r"outlook|icloud|aol|proton(?:mail)?|msn|comcast)(?![\w@])",
    re.IGNORECASE,
)
_MAIL_WORDS = set_of("dot gmail yahoo hotmail outlook icloud aol proton protonmail msn comcast")
_URL = re.compile(
    rf"(?:h(?:tt|xx)ps?|ftp)(?::|\[:\]) ?//[^\s<>\"]{{2,400}}|(?<![\w@.])www\.[^\s<>\"]{{3,400}}"
    rf"|(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]{{0,40}})(?:\.|\[\.\])){{1,5}}{_TLD}(?:(?:/|"
    rf":\d{{2,5}})[^\s<>\"]{{0,400}}|(?![\w.-]*\w))",
    re.IGNORECASE,
)
_CHAT = re.compile(r"(?:https?://)?(?:t\.me|wa\.me|telegram\.me|signal\.me)/", re.IGNORECASE)
"""Addresses that name an account of a messenger."""
_DOTTED = re.compile(r"\.[A-Za-z]|//|\[\.")
"""A full stop inside a word, or what else an address of the web has."""
_LOOSE_TLD = re.compile(
    r"\.(?:in|me|us|no|so|es|de|it|is|to|co|test|care|link|se|ca|app|live|info|health)$",
    re.IGNORECASE,
)
_PUBLIC_HOSTS = re.compile(
    r"(?:https?://)?(?:[\w-]{1,30}\.){0,3}(?:samhsa\.gov|nih\.gov|cdc\.gov|fda\.gov|hhs\.gov|"
    r"dea\.gov|deadiversion\.usdoj\.gov|ahrq\.gov|cms\.gov|ecfr\.gov|"
    r"federalregister\.gov|findtreatment\.gov|ncbi\.nlm\.nih\.gov|asam\.org|pcssnow\.org|"
    r"pcss-?\w{0,5}\.org|aafp\.org|acog\.org|who\.int|nejm\.org|"
    r"jamanetwork\.com|thelancet\.com|bmj\.com|doi\.org|cochrane(?:library)?\.(?:com|org)|"
    r"uptodate\.com|medscape\.com|crediblemeds\.org|hiv-druginteractions\.org|"
    r"liverpool-\w{1,12}\.org|mdcalc\.com|nextdistro\.org|harmreduction\.org|"
    r"bridgetotreatment\.org|cabridge\.org|goodrx\.com|clinicaltrials\.gov|wikipedia\.org|"
    r"drugs\.com|mayoclinic\.org|webmd\.com|healthline\.com|smartrecovery\.org|va\.gov|"
    r"psychiatry\.org|apa\.org|acep\.org|aap\.org|ama-assn\.org|acponline\.org|acpjournals\.org|"
    r"annals\.org|ahajournals\.org|sciencedirect\.com|springer\.com|wiley\.com|mdpi\.com|"
    r"frontiersin\.org|plos\.org|nature\.com|oup\.com|tandfonline\.com|sagepub\.com|"
    r"medrxiv\.org|cmaj\.ca|cfp\.ca|camh\.ca|nice\.org\.uk|medlineplus\.gov|govinfo\.gov|"
    r"law\.cornell\.edu|asra\.com|suboxone\.com|sublocade(?:rems)?\.com|brixadi(?:rems)?\.com|"
    r"vivitrol\.com|narcan\.com|btodrems\.com|988lifeline\.org|neverusealone\.com|"
    r"dancesafe\.org|na\.org|aa\.org)(?=[/\s,;)?#]|$|\.(?:\s|$))",
    re.IGNORECASE,
)
_PRIVATE_PATH = re.compile(r"patient|chart|mrn|visit|record|user|profile|id=", re.IGNORECASE)
_MAC = re.compile(
    r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])|(?<![\w.])"
    r"[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.])",
    re.IGNORECASE,
)
_HEX_LETTER = re.compile(r"[a-f]", re.IGNORECASE)
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_AT_NAME = re.compile(r"(?<![\w@.])@ ?([A-Za-z0-9_](?:[\w.-]{0,40}\w)?)")
_CASH = re.compile(r"(?<![\w$])\$([A-Za-z][\w-]{2,30})")
_REDDIT = re.compile(r"(?<![\w/])/?u/([\w-]{3,30})")
_SOCIAL = re.compile(
    r"\b(?:ig|insta|instagram|snap|snapchat|sc|tik ?tok|twitter|telegram|tg|whats ?app|"
    r"discord|reddit|facebook|fb|messenger|venmo|cash ?app|zelle|paypal|"
    r"user ?names?|user ?ids?|userid|screen ?name|handle|gamer ?tag|log ?in|onlyfans|grindr|"
    r"tinder|hinge|linkedin|signal|kik|wechat|line id|skype|twitch|youtube|pinterest|threads|"
    r"bluesky|mastodon|psn|xbox|steam|account|acct|profile)\b"
    r"(?:(?:[\s:=\-(]{1,3}(?:handle|name|user|username|account|acct|profile|page|id|is|"
    r"was|as|under|tag|login|called|the|his|her|their|on|at|named|=|:)){0,5})[\s:=\-(\"']{1,3}"
    r"(?P<id>[@$]?[A-Za-z0-9_](?:[\w.\-#]{1,40}\w)?)",
    re.IGNORECASE,
)
_SOCIAL_WORDS = set_of(
    "ig insta instagram snap snapchat sc tiktok tik twitter telegram tg whatsapp whats "
    "discord reddit facebook fb messenger venmo cashapp cash zelle paypal user username "
    "usernames userid screen screenname handle gamer gamertag log login "
    "onlyfans grindr tinder hinge linkedin signal kik wechat line skype twitch youtube "
    "pinterest threads bluesky mastodon psn xbox steam account acct profile"
)
_HOST = re.compile(r"[(\[{<.]|gmail|yahoo|hotmail|outlook|icloud|aol|proton", re.IGNORECASE)
_AMOUNT = re.compile(r"[\d.\-]+$|\d+(?:mg|mcg|x|h|d)")
_CHOSEN = re.compile(r"_|[A-Za-z][\w.#-]{0,40}\d|\d[\w.-]{0,40}[A-Za-z]|[a-z]\.[a-z]|[a-z][A-Z]")
_NAMED = re.compile(r"(?:handle|name|user|username|tag|id|login|:|=)\W{0,3}(?:is|was|as)?\W{0,3}$")
_ACCOUNTS = ("user", "screen", "handle", "gamer", "login", "log in")
_VIN = re.compile(r"(?<![A-Za-z0-9])[A-HJ-NPR-Za-hj-npr-z0-9]{17}(?![A-Za-z0-9])")
_CODE = re.compile(r"(?<![\w.*@/])[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20}){0,5}(?![\w@])")
_KNOWN_CODE = re.compile(
    r"([a-z])\d{4}(?:-\1\d{4})?$|(?:rs|nct|pmc|pmid|cyp|hla|isrctn|covid|sars|ctn|dsm|icd|cd|"
    r"hr|ugt|oprm|cox|il|tnf|p450|jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|fy|day|"
    r"grade|g\d|"
    r"january|february|march|april|june|july|august|september|october|november|december)"
    r"[-]?[a-z]{0,2}\d|doi",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"\d{1,20}(?:-\d{1,20}){0,5}-?[a-z]{1,12}$|[a-z]{1,2}\d{1,3}-\d{1,3}[a-z]?$"
    r"|(?:19|20)?\d\ds-(?:19|20)?\d\ds$|(?:q|x|d|day|wk)?\d{1,20}(?:-(?:q|x|d|day|wk)?\d{1,20}){0,5}[a-z]{0,3}$",
    re.IGNORECASE,
)
_POST_CA = re.compile(
    r"(?<![A-Za-z0-9])[ABCEGHJ-NPRSTVXYabceghj-nprstvxy]\d[A-Za-z] "
    r"?-?\d[A-Za-z]\d(?![A-Za-z0-9])"
)
_POST_UK = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})(?![A-Za-z0-9])")
_UNIT_TAIL = ("MG", "ML", "CC", "KG", "MM", "CM", "AM", "PM", "HR", "MO", "YR", "WK")
_AT_WORDS = set_of(
    "home night bedtime noon work once hs least most baseline discharge admission rest the "
    "clinic otp curbside_bot"
)


def _digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


def links(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    yield from _emails(reading)
    if _DOTTED.search(text):
        yield from _urls(reading)
    if max(text.count(":"), text.count("-"), text.count(".")) > 1:
        yield from _net(reading)
    yield from _handles(reading)
    yield from _codes(reading)


def _emails(reading: Reading) -> Iterator[Finding]:
    if _AT_SIGN.search(reading.text):
        for match in _EMAIL.finditer(reading.text):
            if not (_spoken(match[0]) or _RATE.search(match[0])):
                yield Finding(*match.span(), "email", "hard")
    if reading.has(_MAIL_WORDS):
        yield from (
            Finding(*m.span(), "email", "hard") for m in _SPOKEN_EMAIL.finditer(reading.text)
        )


def _spoken(words: str) -> bool:
    """Whether these are ordinary words or a dose around an at sign: bup @home, 8mg@night."""
    if _HOST.search(words):
        return False
    host = words.partition("@")[2]
    return host[:1].isdigit() or host.lower() in _AT_WORDS or len(host) < 3


def _urls(reading: Reading) -> Iterator[Finding]:
    for match in _URL.finditer(reading.text):
        url = match[0].rstrip(".,;:!?)]}'")
        bare = "/" not in url and not url.lower().startswith("www")
        if bare and (_LOOSE_TLD.search(url) or len(url) < 6):
            continue
        if not (_PUBLIC_HOSTS.match(url) and not _PRIVATE_PATH.search(url)):
            kind = "handle" if _CHAT.match(url) else "url"
            yield Finding(match.start(), match.start() + len(url), kind, "hard")


def _net(reading: Reading) -> Iterator[Finding]:
    for match in _MAC.finditer(reading.text):
        if "-" in match[0] and not _HEX_LETTER.search(match[0]):
            continue  # a titration: 30-40-50-60-70-80
        yield Finding(*match.span(), "device", "hard")
    for match in _IPV6.finditer(reading.text) if ":" in reading.text else ():
        if _ipv6(match[0]):
            yield Finding(*match.span(), "ip", "hard")


def _ipv6(value: str) -> bool:
    try:
        IPv6Address(value)
    except ValueError:
        return False
    return len(value) > 4


def _handles(reading: Reading) -> Iterator[Finding]:
    if "@" in reading.text:
        yield from _at_names(reading)
    for pattern, mark in ((_CASH, "$"), (_REDDIT, "u/")):
        for match in pattern.finditer(reading.text) if mark in reading.text else ():
            yield Finding(*match.span(), "handle", "hard")
    for match in _SOCIAL.finditer(reading.text) if reading.has(_SOCIAL_WORDS) else ():
        if _user_name(reading, match):
            yield Finding(*match.span("id"), "handle", "hard")


def _at_names(reading: Reading) -> Iterator[Finding]:
    for match in _AT_NAME.finditer(reading.text):
        spaced = match[0][1] == " " and "_" not in match[1]
        if not spaced and not _everyday(reading, match[1].lower()):
            yield Finding(*match.span(), "handle", "hard")


def _everyday(reading: Reading, name: str) -> bool:
    """Whether it is what clinicians write after an at sign: @16 mg, @bedtime, @home."""
    if name[0].isdigit() or name in _AT_WORDS:
        return True
    return len(name) < 12 and reading.words.sense(name) & (Sense.EVERYDAY | Sense.FIELD) != 0


def _user_name(reading: Reading, match: re.Match[str]) -> bool:
    """Whether the word after the name of a network is one that a person chose there."""
    name, whole = match["id"], match[0].lower()
    bare = name.lstrip("@$")
    if len(bare) < 3 or _AMOUNT.match(bare):
        return False
    if name != bare or _CHOSEN.search(bare):
        return not whole.startswith(("line ", "sc "))
    marked = _NAMED.search(whole[: -len(name)]) or whole.startswith(_ACCOUNTS)
    return bool(marked) and not reading.words.sense(bare.lower()) & Sense.WORD


def _codes(reading: Reading) -> Iterator[Finding]:
    for match in _VIN.finditer(reading.text):
        if 3 <= _digits(match[0]) <= 16:
            yield Finding(*match.span(), "vin", "hard")
    for pattern in (_POST_CA, _POST_UK):
        for match in pattern.finditer(reading.text):
            if not match[0].upper().endswith(_UNIT_TAIL):
                yield Finding(*match.span(), "zip", "soft")
    yield from _bare_codes(reading)


def _bare_codes(reading: Reading) -> Iterator[Finding]:
    for match in _CODE.finditer(reading.text):
        code = match[0]
        if len(code) >= 7 and _digits(code) >= 4 and _identifying(code):
            kind = "mrn" if code[:3].lower() == "mrn" else "other"
            yield Finding(*match.span(), kind, "hard")


def _identifying(code: str) -> bool:
    if _KNOWN_CODE.match(code) or _MEASURED.fullmatch(code) or not re.search(r"[A-Za-z]", code):
        return False
    parts = code.split("-")
    longest = max(parts, key=_digits)
    mixed = re.search(r"[A-Za-z]", longest) and _digits(longest) >= 4 and len(longest) >= 7
    return bool(mixed) or (
        _digits(code) >= 6 and all(len(p) < 12 and (_digits(p) or len(p) <= 5) for p in parts)
    )
