"""A case in plain words: what it suggests, with its words, and what stays to be asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.narrative import HALVES, compared, items, milliseconds, narratives
from dialogs.answers import check_answers
from dialogs.content import load_scenario
from dialogs.narrative import FAST_PATH, read_lines, read_narrative
from dialogs.told import trimmed

DATA = Path(__file__).parent / "data"
FOUNDING = (DATA / "founding_case.txt").read_text("utf-8").strip()
CASES = [case for name in HALVES for case in narratives(name)]
SCENARIO = load_scenario()


def told(text: str) -> dict[str, Any]:
    return {s.question: s.value for s in read_narrative(text).suggestions}


def test_the_founding_case_suggests_what_it_says_and_nothing_else() -> None:
    reading = read_narrative(FOUNDING)

    assert {s.question: s.value for s in reading.suggestions} == {
        "mat": "methadone",
        "reason": "flare",
        "opioid": [{"drug": "other_opioid", "per_day": 3}],
        "endplan": "none",
        "monitoring": ["pain_visits", "counselor"],
    }
    assert reading.asks == ("safety_now", "setting", "duration")


def test_every_suggestion_of_the_founding_case_shows_its_words() -> None:
    words = {s.question: s.words for s in read_narrative(FOUNDING).suggestions}

    assert words["mat"] == "methadone"
    assert words["endplan"] == "open-ended"
    assert words["opioid"] == "a legitimately prescribed opioid, 3x daily"
    assert words["monitoring"] == "pain physician and our clinic counselor are monitoring him"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_nothing_is_suggested_that_a_narrative_does_not_say(case: dict[str, Any]) -> None:
    given = told(case["text"])

    assert set(items(given)) <= set(items(case["expect"]))
    assert not set(given) & {*case["forbid"], "safety_now", "role"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_suggestion_is_an_answer_its_question_takes_with_the_words_it_came_from(
    case: dict[str, Any],
) -> None:
    reading = read_narrative(case["text"])

    given = {s.question: s.value for s in reading.suggestions}
    assert check_answers(given, SCENARIO) == given
    for s in reading.suggestions:
        assert s.words == case["text"][s.start : s.end] == s.words.strip() != ""
    assert reading.asks == tuple(q for q in FAST_PATH if q not in given)


@pytest.mark.parametrize("name", HALVES)
def test_most_of_what_is_said_is_found(name: str) -> None:
    right, wrong, missing, forbidden = compared(name)

    assert (wrong, forbidden) == ([], 0)
    assert right / (right + len(missing)) > 0.95


def test_there_are_enough_narratives() -> None:
    assert len(CASES) >= 60


SAID = [
    ("He takes clonazepam.", "cns", ["benzo"]),
    ("No sedatives except clonazepam.", "cns", ["benzo"]),
    ("Oxycodone 10 mg tid, no firm plan to stop.", "endplan", "none"),
    ("On oxycodone for about 10 weeks.", "duration", "1to3m"),
    ("Taking oxycodone for two years.", "duration", "gt12m"),
    ("Oxycodone for years.", "duration", "gt12m"),
    ("Oxycodone for almost a year now.", "duration", "3to12m"),
    ("Oxycodone for more than 3 months.", "duration", "3to12m"),
    ("Oxycodone for less than a month.", "duration", "lt1m"),
    ("Oxycodone for 2-3 weeks now.", "duration", "lt1m"),
    ("For the past 6 months he has been taking oxycodone.", "duration", "3to12m"),
    ("Has had 14 months of oxycodone.", "duration", "gt12m"),
    ("Oxycodone started 3 weeks ago.", "duration", "lt1m"),
    ("Takes Norco. Has been on it for 5 months.", "duration", "3to12m"),
    ("Methadone for OUD, QTc 430.", "ecg", "lt450"),
    ("Methadone for OUD, QTc < 450 ms.", "ecg", "lt450"),
    ("Methadone for OUD, QTc over 500.", "ecg", "ge500"),
    ("Methadone 80 mg daily for OUD.", "methadone_dose", 80),
    ("OUD, methadone 82.5 mg.", "methadone_dose", 82.5),
    ("OUD, methadone was increased to 90 mg.", "methadone_dose", 90),
    ("On naltrexone 50 mg daily for OUD.", "mat", "ntx_po"),
    ("Monthly naltrexone injection for OUD.", "mat", "ntx_xr"),
    ("Buprenorphine monthly injection for OUD.", "mat", "bup_xr"),
    ("Methadone clinic patient takes morphine.", "mat", "methadone"),
    ("She is 70 years old.", "risk", ["age65"]),
    ("68F with COPD.", "risk", ["age65", "copd"]),
    ("Does PT twice a week.", "nonopioid", ["exercise"]),
    ("Gabapentin 300 tid for nerve pain.", "nonopioid", ["gaba_tx"]),
    ("Not on any opioids for pain.", "opioid", [{"drug": "none"}]),
    ("Takes Norco 10/325 tid. Norco from the dentist.", "opioid", [
        {"drug": "hydrocodone", "form": "ir", "strength": 10, "per_day": 3}
    ]),
    ("Oxycodone 10 mg tid in May; oxycodone 15 mg tid.", "opioid", [{"drug": "oxycodone", "per_day": 3}]),
    ("His uncle, also our client, is on methadone maintenance. He takes Suboxone.", "mat", "bup_sl"),
    ("Methadone 95 mg daily; Nucynta 50 mg bid.", "mat", "methadone"),
    ("Bup 12 mg daily, tramadol 50 mg bid.", "mat", "bup_sl"),
    ("Off MAT since June and using again.", "mat", "none_active"),
    ("Hospital day 4, on Suboxone.", "setting", "inpt"),
    ("ER doctor here. Fell on the stairs.", "setting", "ed"),
    ("OBOT nurse asking.", "setting", "obot"),
    ("Residential program, pt came with Norco.", "setting", "resid"),
    ("Norco 5 bid from pain mgmt x 5 months.", "duration", "3to12m"),
    ("Norco 5 bid x 5 months with little change.", "duration", "3to12m"),
    ("Norco 5 mg tid since 2020.", "duration", "gt12m"),
    ("Surgeon plans to give oxycodone next week.", "duration", "notyet"),
    ("Norco after a TKR three weeks ago.", "reason", "periop"),
    ("Knee OA, Norco 5 bid.", "reason", "chronic_other"),
    ("Norco for migraines.", "reason", "chronic_other"),
    ("Cervical degenerative disc disease, Norco 5 bid.", "reason", "chronic_back"),
    ("Norco 5 tid, to be off by 11/20.", "endplan", "dated"),
    ("Norco 5 tid, ends on the 21st.", "endplan", "dated"),
    ("Norco 5 tid with no end in sight.", "endplan", "none"),
    ("PDMP every visit, UDS q 3 mo, CSA on file.", "monitoring", ["pdmp_90", "udt_12m", "agreement"]),
    ("No prescribed opioids.", "opioid", [{"drug": "none"}]),
    ("Opioids for pain: none.", "opioid", [{"drug": "none"}]),
    ("On Sublocade, no opioids for pain.", "mat", "bup_xr"),
    ("Client on methadone takes Norco 5 bid.", "mat", "methadone"),
    ("Norco 5 bid until 11/20.", "endplan", "dated"),
    ("Inmate at the jail, tramadol for the last week.", "setting", "corr"),
    ("He's been on methadone since spring in our local methadone clinic.", "setting", "otp"),
    ("Counselor weekly; urine drug screens are done every month.", "monitoring", ["counselor", "udt_12m"]),
    ("Norco 5 bid. A written taper plan that ends on March 3.", "endplan", "dated"),
    ("Norco 5 bid: less pain, no functional change.", "benefit", "pain_only"),
    ("Takes Norco. He's been on it 5 months.", "duration", "3to12m"),
    ("Plan: continue Norco 5 bid.", "opioid", [
        {"drug": "hydrocodone", "form": "ir", "strength": 5, "per_day": 2}
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "question", "value"), SAID)
def test_what_is_said_is_suggested(text: str, question: str, value: Any) -> None:
    assert told(text)[question] == value


UNSAID = [
    # denied
    ("Denies benzodiazepines, alcohol and gabapentin.", "cns"),
    ("Sleep apnea: no. COPD: denied.", "risk"),
    ("No benzos.", "cns"),
    ("Denies oxycodone; the list shows oxycodone 10 mg tid.", "opioid"),
    # of somebody else
    ("His mother has COPD.", "risk"),
    ("Her husband takes Xanax.", "cns"),
    ("COPD in his father.", "risk"),
    ("Another client is on Suboxone.", "mat"),
    ("Takes tramadol 50 mg tid from a friend.", "opioid"),
    # past
    ("Was on methadone for OUD until 2019.", "mat"),
    ("Used to take oxycodone.", "opioid"),
    ("Overdosed in 2016.", "risk"),
    ("Overdosed last night.", "risk"),
    ("Finished his oxycodone.", "opioid"),
    ("Hospitalized in May.", "setting"),
    ("Was in the ED last month.", "setting"),
    ("Missed 4 doses three months ago, methadone for OUD.", "mat_status"),
    # planned, asked, unsure
    ("We will start Suboxone.", "mat"),
    ("Consider naloxone at home.", "naloxone"),
    ("Any benzos?", "cns"),
    ("Possible sleep apnea.", "risk"),
    ("Open-ended (?).", "endplan"),
    ("Asking about oxycodone.", "opioid"),
    # not about the client's opioid for pain
    ("UDS positive for oxycodone.", "opioid"),
    ("Allergic to codeine.", "opioid"),
    ("Buys oxycodone on the street.", "opioid"),
    ("Active fentanyl use.", "opioid"),
    ("Low back pain for ten years, takes oxycodone.", "duration"),
    ("Oxycodone for three months.", "duration"),
    ("Oxycodone for 4 to 20 weeks.", "duration"),
    ("Oxycodone for at least 5 months.", "duration"),
    ("Oxycodone for under 8 months.", "duration"),
    ("Given oxycodone for 5 days.", "duration"),
    ("Oxycodone started 3 weeks ago? Sober for 3 years.", "opioid"),
    ("Plans to start oxycodone. Takes oxycodone 5 mg for 2 weeks now.", "duration"),
    (
        "He wants to come off methadone for OUD. Takes Norco. Wants to stop it, the methadone.",
        "endplan",
    ),
    ("No plan to stop the methadone, OUD.", "endplan"),
    ("Takes methadone for OUD. He wants to stop it.", "goal"),
    ("He wants to stop it.", "goal"),
    ("His wife wants him to stop the oxycodone.", "goal"),
    ("He is handling the oxycodone well.", "benefit"),
    ("No benefit from PT; takes oxycodone.", "benefit"),
    ("Seen in clinic today.", "setting"),
    ("PT is a 30 yo man.", "nonopioid"),
    ("PT did not help.", "nonopioid"),
    # contradictions and numbers that cannot be
    ("Methadone for OUD. On Suboxone.", "mat"),
    ("Methadone for OUD, QTc 440 in May, QTc 470 now.", "ecg"),
    ("Methadone for OUD, QTc 440, repeat QTc 470.", "ecg"),
    ("Methadone for OUD, QTc > 450.", "ecg"),
    ("Methadone for OUD, QTc under 500.", "ecg"),
    ("Methadone for OUD, QTc 120.", "ecg"),
    ("On Suboxone. QTc 480.", "ecg"),
    ("OUD, methadone 900 mg.", "methadone_dose"),
    ("OUD clinic, methadone 40 mg bid.", "methadone_dose"),
    ("OUD, methadone from 60 to 80 mg.", "methadone_dose"),
    ("OUD, methadone about 80 mg.", "methadone_dose"),
    ("Methadone 10 mg tid.", "mat"),
    ("Suboxone for pain.", "mat"),
    ("Naltrexone 50 mg daily for alcohol.", "mat"),
    ("Naltrexone.", "mat"),
    ("Buprenorphine.", "mat"),
    ("No opioids today. Takes Norco.", "endplan"),
    ("UDS: no opioids currently.", "opioid"),
    ("65 year old mother.", "risk"),
    ("He is 40 years old.", "risk"),
    ("He is not doing PT.", "nonopioid"),
    ("Taper plan: reduce oxycodone every two weeks until off; no end date yet.", "endplan"),
    ("Oxycodone for 1.2.3 months now.", "duration"),
    ("Thinking about oxycodone. Takes Norco.", "duration"),
    ("In jail, released today.", "setting"),
    ("Not on any opioids. Broke his arm last week.", "reason"),
    ("Not on any opioids, takes Norco.", "duration"),
    ("Her aunt, who is in our program too, is on Sublocade.", "mat"),
    ("Brother had surgery last week.", "reason"),
    ("Wisdom teeth removal as a teenager.", "reason"),
    ("Norco stopped, ibuprofen for arthritis.", "reason"),
    ("Palliative care writes methadone 60 mg daily.", "mat"),
    ("Buprenorphine 300 mcg bid.", "mat"),
    ("Off MAT, not using heroin.", "mat"),
    ("ER nurse called last night.", "setting"),
    ("Rotated from morphine to tapentadol.", "mat"),
    ("Morphine allergy.", "opioid"),
    ("Plan: PT, NSAIDs, yoga.", "nonopioid"),
    ("Suboxone taper ends on 11/20.", "endplan"),
    ("Takes Norco. His lease ends on the 21st.", "endplan"),
    ("Takes Norco. Valium taper ends on 11/20.", "endplan"),
    ("Takes Norco, a smoker for 20 years.", "duration"),
    ("Takes Norco, disabled since 2011.", "duration"),
    ("Norco, not since 2019.", "duration"),
    ("Takes Norco 5 mg tid since 2019, unconfirmed.", "duration"),
    ("Suboxone has no end date.", "endplan"),
    ("Norco 5 bid, on leave until 11/20.", "endplan"),
    ("Norco 5 bid and her leave ends 11/20.", "endplan"),
    ("Norco. The splint is off by 11/20.", "endplan"),
    ("Counselor weekly is what the court wants.", "monitoring"),
    ("Hospital day 2 last April.", "setting"),
    ("Methadone 60 mg daily, for her knees.", "mat"),
    ("He has tramadol left from 2021 but is not taking it.", "opioid"),
    ("In jail on a charge of theft about two months ago, on Suboxone.", "setting"),
    ("Patient on methadone takes 10 mg three times a day.", "mat"),
    ("Norco helped but was stopped.", "opioid"),
    ("Tramadol for her dog.", "opioid"),
    ("His 12-yo broke her arm.", "reason"),
    ("The protocol is Norco 5 mg.", "opioid"),
    ("Check interactions of Valium.", "cns"),
    ("Anxiety about surgery.", "risk"),
    ("UDS negative for fentanyl.", "signals"),
    ("Known allergies: codeine, tramadol.", "opioid"),
    ("COPD (ruled out).", "risk"),
    ("Benzo-free for a year.", "cns"),
    ("Started Suboxone in jail.", "setting"),
    ("Norco prescribed to her ex.", "opioid"),
    ("Norco listed for his mother.", "opioid"),
    ("Norco last filled 4/2020.", "opioid"),
    ("Got hydromorphone in PACU.", "opioid"),
    ("Norco 5 bid from pain clinic monthly.", "monitoring"),
    ("Su esposa toma tramadol.", "opioid"),
    ("Last oxycodone was two weeks ago.", "opioid"),
    ("Allergies: morphine (rash), codeine.", "opioid"),
    ("Works in the hospital kitchen.", "setting"),
    ("Her fiancee takes Norco.", "opioid"),
    ("Suspicion of selling was unfounded.", "signals"),
    ("Suspicion of diversion was unfounded.", "signals"),
    ("Methadone for OUD, QTc 490 before.", "ecg"),
    ("His brother had the fusion and takes Norco since 2019; he takes Norco.", "duration"),
    ("The dentist does not plan to give opioids.", "duration"),
    ("PDMP every visit is the policy.", "monitoring"),
    ("Lease agreement signed for a flat.", "monitoring"),
]


@pytest.mark.parametrize(("text", "question"), UNSAID)
def test_what_is_not_surely_said_is_left_to_be_asked(text: str, question: str) -> None:
    assert question not in told(text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case_and_invisible_signs_do_not_make_a_suggestion_wrong(case: dict[str, Any]) -> None:
    spread = "\u202b" + case["text"].replace(" ", " \u200b") + "\u202c"

    assert set(items(told(spread))) <= set(items(case["expect"]))


@pytest.mark.parametrize(
    "text", ["", " ", "🙂🙂🙂", "\u200f\u202b", "?", "\n\n", "...", "\ud800 methadone"]
)
def test_a_text_that_says_nothing_leaves_everything_to_be_asked(text: str) -> None:
    reading = read_narrative(text)

    assert reading.suggestions == ()
    assert reading.asks == FAST_PATH


@pytest.mark.parametrize(
    "text", [" ".join(c["text"] for c in CASES)[:4096], "methadone " * 410, "no " * 1366]
)
def test_a_long_text_is_read_in_moderate_time(text: str) -> None:
    assert milliseconds(text, 1) < 1000


def test_what_stands_around_words_is_not_part_of_them() -> None:
    assert trimmed(", open-ended; ", 0, 14) == (2, 12)


def test_typographic_signs_are_read() -> None:
    assert told("She doesn’t take Xanax — only Klonopin.\nNo end­date… Norco ½ tab bid.")["cns"] == [
        "benzo"
    ]


@pytest.mark.parametrize(
    "text",
    ["Rotated from morphine to tapentadol.", "His doctor swapped codeine for tapentadol."],
)
def test_only_what_was_changed_to_is_taken_now(text: str) -> None:
    assert told(text)["opioid"] == [{"drug": "tapentadol"}]


@pytest.mark.parametrize(
    "note",
    [
        "Suboxone 8 mg bid.\nP:\n1. naproxen\n2. pill counts\n3. UDS monthly",
        "Suboxone 8 mg bid. Plan: yoga. Naproxen. Lockbox.",
        "Failed: tramadol, duloxetine. On Suboxone.",
        "Past meds:\n- tramadol\n- Xanax\nCurrent meds:\n- Suboxone",
        "FH: mother with COPD; alcohol daily.\n\nOn Suboxone.",
        "Allergies: codeine. He takes Suboxone.",
        "Treatment options discussed: CBT, duloxetine. Currently Suboxone.",
    ],
)
def test_what_stands_under_a_silent_heading_is_not_suggested(note: str) -> None:
    assert told(note) == {"mat": "bup_sl"}


def test_what_is_continued_is_suggested_under_a_plan() -> None:
    assert told("Plan: continue Suboxone; Norco 5 mg bid for now.") == {"mat": "bup_sl"}


def test_tablets_that_were_dispensed_are_no_dose() -> None:
    assert told("Urgent care gave Norco 5 mg, 8 tablets.")["opioid"] == [
        {"drug": "hydrocodone", "form": "ir"}
    ]


def test_a_private_sign_is_not_taken_for_a_masked_name() -> None:
    assert told("He wants to stop .") == {}


def test_the_same_text_is_always_read_the_same() -> None:
    assert read_narrative(FOUNDING) == read_narrative(FOUNDING)


def test_a_line_is_answered_with_suggestions_and_what_is_asked() -> None:
    (found,) = [
        json.loads(line) for line in read_lines([json.dumps({"text": "She takes Suboxone."})])
    ]

    assert found == {
        "suggestions": [
            {"question": "mat", "value": "bup_sl", "words": "Suboxone", "start": 10, "end": 18}
        ],
        "asks": [q for q in FAST_PATH if q != "mat"],
    }


def test_a_bad_line_is_answered_without_its_words_and_the_next_is_read() -> None:
    found = [json.loads(line) for line in read_lines(["Jane Roe", "", '{"text": "Suboxone"}'])]

    assert found[0] == {"error": "line: expected one JSON object"}
    assert found[1]["suggestions"][0]["question"] == "mat"
