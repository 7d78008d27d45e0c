"""Text for measuring the identifier guard: frames in several hands, values made afresh from a seed."""

import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from faker import Faker

LOCALES = (
    "en_US", "en_GB", "en_IN", "en_NZ", "es_MX", "es_ES", "es_AR", "fr_FR", "de_DE", "it_IT", "pl_PL", "pt_BR", "nl_NL", "sv_SE", "no_NO",
    "fi_FI", "cs_CZ", "hr_HR", "hu_HU", "ro_RO", "tr_TR", "vi_VN", "id_ID", "fil_PH", "yo_NG", "en_KE", "zu_ZA", "ga_IE", "lt_LT", "sl_SI",
)  # fmt: skip

PARTICLES = frozenset({"de", "la", "del", "van", "der", "den", "dos", "da", "von"})


@dataclass(frozen=True, slots=True)
class Sample:
    text: str
    kind: str
    start: int
    end: int


def framed(frame: str, kind: str, value: str) -> Sample:
    """The frame with the value in place of the braces."""
    start = frame.index("{}")
    return Sample(frame.replace("{}", value, 1), kind, start, start + len(value))


MARK = re.compile(r"\[\[(\w+)\|([^\]]*)\]\]")


def marked(line: str) -> list[Sample]:
    """The samples of a line with its identifiers written [[kind|words]]."""
    text, spans, end = "", [], 0
    for found in MARK.finditer(line):
        text += line[end : found.start()]
        spans.append((found[1], len(text), len(text) + len(found[2])))
        text, end = text + found[2], found.end()
    return [Sample(text + line[end:], *span) for span in spans]


NAME_FRAMES = (
    "Saw {} today, stable on 16 mg.",
    "{} wants to taper off methadone after nine years.",
    "I have a patient, {}, with severe OUD and chronic pancreatitis.",
    "Please call {} about the missed doses.",
    "S: {} is a 44 yo on methadone 95 mg. B: fractured hip. A: pain 9/10. R: PCA?",
    "Discussed the risk of benzos with {} and the sister.",
    "UDS positive for fentanyl again in {}, what next?",
    "Need advice re {}: QTc 512 on methadone 110.",
    "Name: {}. Reason: precipitated withdrawal.",
    "my patient {} lost the take-home bottles",
    "per {} the films taste terrible",
    "Is it OK to restart {} at 8 mg after ten days off?",
    "{} reports cravings at night, COWS 4.",
    "Pt {} here for day 3 of low-dose initiation",
    "the mother, {}, keeps the lockbox",
    "ED boarding {} since yesterday, still in withdrawal",
)
LOWER_FRAMES = (
    "pt {} on bup 16 wants to cut down",
    "patient named {} with severe oud",
    "his wife {} hides the films",
    "her brother {} found her blue",
    "name is {}, methadone 80",
    "need help with my patient {} who missed 3 doses",
    "consult re {} chronic pain on 120 mme",
    "spoke with {} about tapering",
    "this is about {} again, uds pos for fent",
    "mr {} is out of oxy early",
    "saw {} today, cows 12",
    "pt's mom {} called, no naloxone at home",
)
OTHER_LOWER_FRAMES = (
    "client {} came in sedated",
    "her husband {} called the clinic",
    "d/w {} re: taper, agrees",
    "regarding {} oxy early refill",
    "patient is {} 45 yo",
    "name: {} dob unknown",
    "got a call from {} about the films",
    "girlfriend {} has narcan",
    "mrs {} wants sublocade",
    "my pt {} od'd again",
    "the patient, {}, is on 80 mme",
    "rx for {} ran out early",
)
"""Frames for the report alone, not looked at in tuning."""
TITLED_FRAMES = (
    "Mr. {} missed three doses.",
    "Ms. {} asks about Sublocade.",
    "Mrs {} is 30 weeks along",
    "follow up on Mr {} please",
)


def names(seed: int, count: int) -> Iterator[Sample]:
    """Capitalised names of thirty countries: full, given only, family after a title, comma form."""
    rng = random.Random(seed)
    people = people_of(seed)
    for _ in range(count):
        given, family = people(rng)
        shape = rng.random()
        if shape < 0.6:
            yield framed(rng.choice(NAME_FRAMES), "name", f"{given} {family}")
        elif shape < 0.75:
            yield framed(rng.choice(TITLED_FRAMES), "name", family)
        elif shape < 0.9:
            yield framed(rng.choice(NAME_FRAMES), "name", given)
        else:
            yield framed("Patient is {}, on bup 8 TID.", "name", f"{family}, {given}")


def lower_names(seed: int, count: int, frames: Sequence[str] = LOWER_FRAMES) -> Iterator[Sample]:
    rng = random.Random(seed)
    people = people_of(seed)
    for _ in range(count):
        given, family = people(rng)
        value = family if (frame := rng.choice(frames)).startswith("mr") else f"{given} {family}"
        yield framed(frame, "name", value.lower())


def people_of(seed: int) -> Callable[[random.Random], tuple[str, str]]:
    fakers = [Faker(locale) for locale in LOCALES]
    for fake in fakers:
        fake.seed_instance(seed)

    def person(rng: random.Random) -> tuple[str, str]:
        fake = rng.choice(fakers)
        return fake.first_name(), fake.last_name()

    return person


# -- structured


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(count))


def letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("ABCDEFGHJKLMNPRSTVWXYZ") for _ in range(count))


def shaped(rng: random.Random, shape: str) -> str:
    """A value of a shape: 9 a digit, A a letter, the rest as it stands."""
    return "".join(
        digits(rng, 1) if c == "9" else letters(rng, 1) if c == "A" else c for c in shape
    )


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def date(rng: random.Random) -> str:
    month, day, year = rng.randint(1, 12), rng.randint(1, 28), rng.randint(1940, 2026)
    name = MONTHS[month - 1]
    return rng.choice([
        f"{month}/{day}/{year}", f"{month:02}/{day:02}/{year % 100:02}", f"{month:02}-{day:02}-{year}", f"{year}-{month:02}-{day:02}",
        f"{name} {day}", f"{name} {day}, {year}", f"{name[:3]} {day}", f"{day} {name} {year}", f"{day}-{name[:3]}-{year}", f"{name[:3].lower()} {ordinal(day)}",
        f"the {ordinal(day)} of {name}", f"{day}.{month}.{year}", f"{year}/{month:02}/{day:02}", f"{name[:3]}. {ordinal(day)}", f"{name.upper()} {day}",
    ])  # fmt: skip


def ordinal(day: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th") if day not in {11, 12, 13} else "th"
    return f"{day}{ending}"


def phone(rng: random.Random) -> str:
    area, middle = rng.randint(201, 989), rng.randint(200, 999)
    end = digits(rng, 4)
    return rng.choice([
        f"({area}) {middle}-{end}", f"{area}-{middle}-{end}", f"{area}.{middle}.{end}", f"{area} {middle} {end}", f"{area}{middle}{end}", f"+1 {area} {middle} {end}",
        f"1-{area}-{middle}-{end}", f"({area}){middle}-{end}", f"{area}/{middle}-{end}", f"+44 7{digits(rng, 3)} {digits(rng, 6)}", f"+52 55 {digits(rng, 4)} {digits(rng, 4)}", f"{area}-{middle}-{end} ext {digits(rng, 3)}",
    ])  # fmt: skip


def email(rng: random.Random) -> str:
    who = rng.choice(["jdoe", "m.rivas", "kay_lynn", "t-bone", "r.ocasio"]) + digits(
        rng, rng.randint(0, 3)
    )
    host = rng.choice(
        [
            "gmail.com",
            "clinic.example",
            "mail.example.org",
            "proton.me",
            "yahoo.co.uk",
            "otp-center.example",
        ]
    )
    return rng.choice(
        [
            f"{who}@{host}",
            f"{who}@{host}",
            f"{who} [at] {host.replace('.', ' [dot] ')}",
            f"{who}(at){host}",
            f"{who} at {host.replace('.', ' dot ')}",
        ]
    )


def address(rng: random.Random) -> str:
    number, word = (
        rng.randint(1, 19999),
        rng.choice(
            [
                "Maple",
                "Larch",
                "Killingsworth",
                "Sullivant",
                "Oak Hill",
                "W. Broad",
                "N 5th",
                "MLK",
                "Ocean View",
                "Del Rey",
                "Old Mill",
            ]
        ),
    )
    suffix = rng.choice(
        [
            "St",
            "Street",
            "Ave",
            "Avenue",
            "Rd",
            "Road",
            "Blvd",
            "Ln",
            "Lane",
            "Drive",
            "Dr",
            "Ct",
            "Court",
            "Pkwy",
            "Way",
            "Terrace",
            "Pl",
        ]
    )
    tail = rng.choice(["", "", " Apt 3B", ", Unit 12", " #4", ", Apt. 210"])
    return rng.choice(
        [
            f"{number} {word} {suffix}{tail}",
            f"{number} {word} {suffix}{tail}",
            f"{number} {word.lower()} {suffix.lower()}",
            f"P.O. Box {number}",
            f"PO Box {number}",
            f"{number} County Road {rng.randint(1, 99)}",
            f"{number} State Route {rng.randint(1, 900)}",
        ]
    )


def vin(rng: random.Random) -> str:
    return "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ0123456789") for _ in range(11)) + digits(
        rng, 6
    )


def luhn_card(rng: random.Random) -> str:
    body = rng.choice("45") + digits(rng, 14)
    total = sum(d - 9 if d > 9 else d for d in (int(c) * (2 - i % 2) for i, c in enumerate(body)))
    number = body + str(-total % 10)
    parts = [number[i : i + 4] for i in range(0, 16, 4)]
    return rng.choice([number, " ".join(parts), "-".join(parts)])


def ipv6(rng: random.Random) -> str:
    return ":".join(f"{rng.randint(1, 65535):x}" for _ in range(rng.choice([8])))


def age(rng: random.Random) -> str:
    years = rng.randint(90, 108)
    words = ["ninety", "ninety-one", "ninety-two", "ninety-three", "ninety-four", "ninety-six"]
    return rng.choice(
        [
            f"{years} years old",
            f"{years}-year-old",
            f"{years} yo",
            f"{years} y/o",
            f"{years}F",
            f"aged {years}",
            f"age {years}",
            f"{years}yoM",
            f"{rng.choice(words)} years old",
            f"{years} yr old",
        ]
    )


def url(rng: random.Random) -> str:
    who = "".join(rng.choice(string.ascii_lowercase) for _ in range(7))
    return rng.choice(
        [
            f"https://mychart.{who}.example/pt/{digits(rng, 5)}",
            f"http://ehr.{who}.org/patient?id={digits(rng, 6)}",
            f"www.gofundme.com/f/help-{who}",
            f"facebook.com/{who}.{digits(rng, 2)}",
            f"https://bit.ly/{who}",
        ]
    )


def handle(rng: random.Random) -> str:
    who = "".join(rng.choice(string.ascii_lowercase) for _ in range(6))
    return rng.choice(
        [
            f"@{who}_{digits(rng, 2)}",
            f"@{who}",
            f"@{who}.{who[:3]}",
            f"u/{who}{digits(rng, 2)}",
            f"@_{who}_",
        ]
    )


def zip_code(rng: random.Random) -> str:
    return rng.choice([shaped(rng, "99999"), shaped(rng, "99999-9999")])


SSN_FRAMES = (
    "SSN {} for the PDMP",
    "{} is on the intake form, OUD x 8 yrs",
    "his social is {}, uninsured",
    "ss# {} ok?",
    "social security number {}",
    "ssn: {} pls verify",
)
FREE = (
    "{} is in the note, what dose now?",
    "from the chart: {} and on bup 16",
    "({}) wants to taper",
    "FYI {} - methadone 95",
    "we have {} on file, QTc 490",
    "bup 8 TID, {}, COWS 11",
)

KINDS: dict[str, tuple[tuple[str, ...], Callable[[random.Random], str]]] = {
    "date": (("Seen {} for refill.", "DOB {}, on methadone 85", "relapsed on {} after surgery", "last dose {}", "surgery scheduled {} at noon", "Induction is planned for {}, low-dose?", "od'd {} and again later", "released from jail {} on nothing"), date),
    "phone": (("call {} for the dose", "his cell is {}", "{} is the pharmacy", "phone: {}", "text her at {} please", "reach mom on {} after 5", *FREE), phone),
    "fax": (("fax the letter to {}", "Fax: {}", "please fax UDS results to the OTP at {}", "fax number {}"), lambda r: shaped(r, r.choice(["614-555-9999", "(740) 555-9999", "330.555.9999", "2165559999"]))),
    "email": (("email {} for the form", "contact is {}", "{} asked for the plan", "send COWS sheet to {} today"), email),
    "address": (("lives at {}, no car", "mail naloxone to {}", "{} is the home address", "found down at {} by EMS", "moved to {} last week"), address),
    "zip": (("zip code {}, which OTP?", "zip {}", "lives in OH {}", "mailing to Columbus, OH {}", "Lives in {}, no OTP close"), zip_code),
    "age": (("{} on tramadol for years", "grandmother, {}, took a film", "Patient is {}, fentanyl patch, falls", "a {} veteran on MS Contin".replace("a {}", "{}")), age),
    "ssn": (SSN_FRAMES, lambda r: shaped(r, r.choice(["999-99-9999", "999 99 9999", "999999999", "999.99.9999"]))),
    "mrn": (("MRN {} on bup", "MRN: {}; on Vivitrol", "mrn#{} please review", "medical record number {} QTc 520", "chart # {} with IVDU", "Patient ID {} methadone", "CSN {} naloxone drip", "encounter number {}", "case id at our EHR is {}", "chart no. {}"), lambda r: shaped(r, r.choice(["9999999", "99999999", "A9999999", "9999-9999", "99-99-99", "PT-9999-99999", "AA99999", "E9999999999"]))),
    "plan": (("Medicaid ID {} denied", "member id {} PA", "policy number {} won't pay", "insurance ID: {}", "Medicare {} rejected Brixadi", "subscriber # {}", "group number {}"), lambda r: shaped(r, r.choice(["999999999999", "AAA999999999", "9AA9-AA9-AA99", "A9999 99999", "AA-999999"]))),
    "account": (("bank account {} on file", "acct # {} bounced", "routing {} on the form", "account number {}"), lambda r: shaped(r, r.choice(["999999999", "999999999999", "9999 9999 9999", "99-999999"]))),
    "card": (("card {} declined", "visa {} for the copay", "{} is the card he paid with"), luhn_card),
    "license": (("driver's license {} copied", "DL {} at intake", "DEA {} of the prescriber", "medical license number {}", "NPI {}", "passport {}"), lambda r: shaped(r, r.choice(["A999-999-99-999", "AA999999", "A9999999", "9999999999", "AA9999999"]))),
    "plate": (("license plate {} in the lot", "plate # {}", "car tag is {} security says", "plate number {}"), lambda r: shaped(r, r.choice(["AAA-9999", "AAA 9999", "9AAA999", "AAA9999", "999-AAA"]))),
    "vin": (("VIN {}", "vehicle id {} crash after missed dose", "his truck {} is where he lives"), vin),
    "device": (("pacemaker serial {} MRI ok?", "stimulator serial number {}", "IMEI {} for video DOT", "device id {} QTc hard to read", "pump s/n {}", "serial # {}"), lambda r: shaped(r, r.choice(["AAA999999A", "AA9999999", "999999999999999", "AA-9999999", "AAAA9A9-999999A"]))),
    "mac": (("phone mac {}", "tablet {} used for DOT"), lambda r: ":".join(f"{r.randint(0, 255):02X}" for _ in range(6))),
    "url": (("link {} has his list", "see {} his family posted it", "{} shows the doses"), url),
    "ip": (("logged in from {} abroad", "ip {} on the portal", "telehealth came from {}"), lambda r: r.choice([f"{r.randint(1, 254)}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}", ipv6(r)])),
    "handle": (("ig {} posting pills", "message {} she is withdrawing", "{} on insta is his dealer", "telegram {} sells"), handle),
    "other": (("inmate # {} released", "booking no. {}", "case number {} court ordered", "student id {} caught with films", "employee id {} UDS positive", "prior auth {} expired", "Rx number {} filled twice", "DOC ID {} bup stopped"), lambda r: shaped(r, r.choice(["A999-999", "999999", "9999-999999", "A999999", "99AA999999", "AA-99999999"]))),
}  # fmt: skip


def structured(seed: int, count: int) -> Iterator[Sample]:
    rng = random.Random(seed)
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        frames, value = KINDS[kind]
        yield framed(rng.choice(frames), kind, value(rng))


# -- clean

DRUGS = [
    "methadone",
    "buprenorphine",
    "bup",
    "bup/nx",
    "Suboxone",
    "Subutex",
    "Zubsolv",
    "Sublocade",
    "Brixadi",
    "Vivitrol",
    "naltrexone",
    "oxycodone",
    "OxyContin",
    "Percocet",
    "hydromorphone",
    "Dilaudid",
    "morphine",
    "MS Contin",
    "tramadol",
    "tapentadol",
    "Nucynta",
    "fentanyl patch",
    "Norco",
    "hydrocodone",
    "gabapentin",
    "pregabalin",
    "Lyrica",
    "clonazepam",
    "Xanax",
    "ketamine",
    "Butrans",
    "Belbuca",
    "duloxetine",
    "Cymbalta",
    "lofexidine",
    "Lucemyra",
    "clonidine",
]
DOSES = [
    "10 mg TID",
    "8/2 BID",
    "8-2 films bid",
    "5/325 q6h prn",
    "q4-6h",
    "16 mg daily",
    "120 mg",
    "75 mcg/h q72h",
    "0.5 mg",
    "24 mg/d",
    "4 mg q6h",
    "1.5 tabs",
    "300 mg monthly",
    "128 mg monthly",
    "2-0.5 mg",
    "30-45 mg",
    "12/3 once daily",
    "1/2 tab qhs",
    "900 mcg bid",
    "10/325 #120",
    "20 mcg/h",
    "2 mg x3",
    "40 mg Q12H",
]
PEOPLE = [
    "41yo woman",
    "58 M",
    "a 34 y/o G2P1 at 28 weeks",
    "22M",
    "veteran, 67,",
    "72F",
    "a young man",
    "adolescent, 16,",
    "89-year-old man",
    "the patient",
    "pt",
    "my pt",
    "a nurse I follow",
    "he",
    "she",
    "67 yo M w/ COPD",
    "a man in his 50s",
    "a 63-year-old",
]
PROBLEMS = [
    "chronic pancreatitis",
    "sickle cell crisis",
    "failed back surgery",
    "rib fractures",
    "Crohn disease",
    "CRPS",
    "metastatic breast cancer",
    "a femur fracture",
    "endocarditis",
    "hip replacement",
    "Ehlers-Danlos",
    "post-herpetic neuralgia",
    "a Lisfranc injury",
    "Charcot foot",
    "Guillain-Barré",
    "Parkinson disease",
    "spinal stenosis L4-L5",
    "burns over 20%",
    "kidney stones",
    "hep C genotype 3",
    "Sjögren's",
    "necrotizing fasciitis",
    "a tooth abscess",
    "endometriosis",
    "diabetic neuropathy A1c 9.2",
    "T12 compression fracture",
]
MEASURES = [
    "COWS 13",
    "QTc 498",
    "pain 7/10",
    "pain 9/10 w/ movement",
    "PEG 6.3",
    "PHQ-9 18",
    "UDS pos for fent",
    "EDDP absent",
    "BP 168/94, HR 118",
    "SpO2 95% RA",
    "AST 212, ALT 187",
    "eGFR 38",
    "MME about 270",
    "WBC 17.2",
    "RASS -2",
    "ORT 8",
    "GAD-7 14",
    "INR 1.4",
    "T 99.1 F",
    "Na 128",
    "ANC 1200",
    "viral load 1450000 IU/mL",
    "platelets 88",
]
TIMES = [
    "for 3 years",
    "since 2019",
    "2 weeks ago",
    "in 2021",
    "over 6 months",
    "last Tuesday",
    "since 1998",
    "every 90 days",
    "q3mo",
    "at 0730",
    "at 9 pm",
    "for 48 h",
    "on Monday",
    "yesterday",
    "in the spring of 2022",
    "on day 5",
    "3-4 times a week",
    "after 10-14 days",
    "since age 19",
    "until next week",
]
ASKS = [
    "what would you do?",
    "any thoughts?",
    "thoughts on a taper?",
    "split dosing ok?",
    "is this safe?",
    "would you rotate?",
    "who has done this?",
    "continue or hold?",
    "how fast to titrate?",
    "stop the benzo first?",
    "bridge or not?",
    "Please advise.",
    "Thanks!",
    "need guidance",
    "OK to restart?",
]
CLEAN_FRAMES = (
    "{who} on {drug} {dose} {time}, now {problem}. {measure}. {ask}",
    "S: {who} B: {drug} {dose}, {problem} A: {measure} R: {ask}",
    "{measure} after {drug} {dose} - {ask}",
    "switch {drug} {dose} to {drug2} {dose2}? {problem}, {measure}",
    "Hx of {problem} {time}. {drug} {dose}. {ask}",
    "quick one: {who} w/ {problem}, {drug} {dose} + {drug2} {dose2}, {measure}. {ask}",
    "{drug} {dose} isn't touching the pain, {measure}, {ask}",
    "Taking {drug} {dose} {time} and {drug2} {dose2}; {measure}; {ask}",
    "Should I add {drug} {dose} to {drug2} {dose2} in {problem}? {measure}",
    "{who} started {drug} {dose} {time}. Missed two doses. {measure}. {ask}",
    "PA denied for {drug} {dose}, {who} {time} with {problem}. {ask}",
    "will {drug} {dose} be enough if {measure}? {ask}",
    "May need {drug} {dose}, {measure}. Hope that helps. {ask}",
    "Mark the chart: {drug} {dose} {time}; {ask}",
)  # fmt: skip


def clean(seed: int, count: int) -> Iterator[str]:
    rng = random.Random(seed)
    for _ in range(count):
        parts = {
            "who": PEOPLE,
            "drug": DRUGS,
            "drug2": DRUGS,
            "dose": DOSES,
            "dose2": DOSES,
            "problem": PROBLEMS,
            "measure": MEASURES,
            "time": TIMES,
            "ask": ASKS,
        }
        text = rng.choice(CLEAN_FRAMES).format(
            **{key: rng.choice(values) for key, values in parts.items()}
        )
        style = rng.random()
        yield text.lower() if style < 0.3 else text.upper() if style < 0.35 else text


# -- disguised

_LOOKALIKE = str.maketrans("aeopcyxABEKMHOPCTX", "аеорсухАВЕКМНОРСТХ")
_LEET = str.maketrans("oieaOIEA", "01340134")
_FULL = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def _zero_width(value: str, rng: random.Random) -> str:
    return "".join(c + rng.choice(["\u200b", "\u200d", "\u2060", "\u00ad", ""]) for c in value)


def _marks(value: str, rng: random.Random) -> str:
    return "".join(c + rng.choice(["\u0301", "\u0308", "\ufe0f", ""]) for c in value)


def _bold(value: str) -> str:
    return "".join(
        chr(0x1D400 + ord(c) - 65)
        if "A" <= c <= "Z"
        else chr(0x1D41A + ord(c) - 97)
        if "a" <= c <= "z"
        else chr(0x1D7CE + int(c))
        if c.isdigit() and c.isascii()
        else c
        for c in value
    )


def disguised(seed: int, count: int) -> Iterator[Sample]:
    """Identifiers hidden by spelling: what can be read by a person must be found."""
    rng = random.Random(seed)
    people = people_of(seed + 1)
    anglo = Faker("en_US")
    anglo.seed_instance(seed)
    for number in range(count):
        name = " ".join(people(rng))
        known = f"{anglo.first_name()} {anglo.last_name()}"
        yield _DISGUISES[number % len(_DISGUISES)](rng, name, known)


def _in_name_frame(rng: random.Random, value: str) -> Sample:
    return framed(rng.choice(NAME_FRAMES), "name", value)


def _hidden_date(rng: random.Random, _name: str, _known: str) -> Sample:
    value = f"{rng.randint(1, 12):02} {rng.randint(1, 28):02} {rng.randint(1950, 2025)}"
    return framed("seen {} for refill", "date", value)


def _date_in_words(rng: random.Random, _name: str, _known: str) -> Sample:
    day = rng.choice(["first", "third", "fourteenth", "twenty-first", "second", "thirtieth"])
    month = rng.choice(MONTHS)
    value = rng.choice([f"the {day} of {month}", f"{day} of {month}", f"{month} {day}"])
    return framed("relapsed on {}", "date", value)


def _hidden_email(rng: random.Random, _name: str, _known: str) -> Sample:
    shape = rng.choice(
        [
            "jdoe{} at clinic dot example",
            "jdoe{} (at) mail (dot) com",
            "jdoe{}[at]mail[dot]com",
            "jdoe{} @ mail . com",
        ]
    )
    return framed("write to {}", "email", shape.format(digits(rng, 2)))


def _spelt_phone(rng: random.Random, _name: str, _known: str) -> Sample:
    value = " ".join(_WORDS[int(c)] for c in shaped(rng, "6145559999"))
    return framed("call {}", "phone", value)


def _hidden_ssn(rng: random.Random, _name: str, _known: str) -> Sample:
    ssn = shaped(rng, "999-99-9999")
    forms = [ssn.translate(_FULL), _zero_width(ssn, rng), ssn.replace("-", "\u2013"), _bold(ssn)]
    return framed("ssn {}", "ssn", rng.choice(forms))


def _hidden_phone(rng: random.Random, _name: str, _known: str) -> Sample:
    call = shaped(rng, "614-555-9999")
    arabic = "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in call)
    spaced = " ".join(c for c in call if c.isdigit())
    forms = [
        _zero_width(call, rng),
        call.translate(_FULL),
        spaced,
        call.replace("-", "\u2011"),
        arabic,
    ]
    return framed("phone {}", "phone", rng.choice(forms))


_DISGUISES: tuple[Callable[[random.Random, str, str], Sample], ...] = (
    lambda rng, name, _: _in_name_frame(rng, _zero_width(name, rng)),
    lambda rng, name, _: _in_name_frame(rng, name.translate(_FULL)),
    lambda rng, name, _: _in_name_frame(rng, name.translate(_LOOKALIKE)),
    lambda rng, _, known: _in_name_frame(rng, known.translate(_LEET)),
    lambda rng, _, known: _in_name_frame(rng, "  ".join(" ".join(part) for part in known.split())),
    _hidden_date,
    _date_in_words,
    _hidden_email,
    _spelt_phone,
    _hidden_ssn,
    lambda rng, name, known: _in_name_frame(rng, rng.choice([_bold(name), _marks(known, rng)])),
    _hidden_phone,
)
