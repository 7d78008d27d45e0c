"""What is written to the colleague: in every variant, within its limits, and never more than was said."""

import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.content import load_scenario, load_scenario_text
from dialogs.evaluation import evaluate
from dialogs.identifiers import find_identifiers
from dialogs.messages import PART_2_NOTICE, SHORT, Message, colleague_message
from dialogs.summary import summarise
from tests.dialogs.random_answers import random_answers
from tests.dialogs.reference_evaluator import VIGNETTES

SCENARIO = load_scenario()
CASES: dict[str, dict[str, Any]] = {case["id"]: case["answers"] for case in VIGNETTES}
STEPS = [step for step in SCENARIO.steps if step.draft]
AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?(?:mg|mcg)")
LONGEST = 2200
"""Characters of the long message, so that it and what stands around it fit one of Telegram's."""


def message(case: str = "OV01", **changes: Any) -> Message:
    found = colleague_message({**CASES[case], **changes}, SCENARIO)
    assert found is not None
    return found


def request_of(found: Message) -> str:
    return found.long.split("Request\n")[1].split("\nBy when:")[0]


# --- whatever the answers are -------------------------------------------------------------------


def amounts_typed(answers: dict[str, Any]) -> set[str]:
    """Return the doses that somebody typed, as they are shown."""
    entries = answers.get("opioid")
    doses = (
        [entry.get("strength") for entry in entries if isinstance(entry, dict)] if entries else []
    )
    typed = [*(doses if isinstance(entries, list) else []), answers.get("methadone_dose")]
    return {f"{value:g}" for value in typed if isinstance(value, int | float)}


@given(st.randoms(use_true_random=False))
def test_it_fits_and_says_no_dose_that_was_not_typed_and_names_nobody(random: Random) -> None:
    answers = random_answers(random)
    found = colleague_message(answers, SCENARIO)
    if found is None:
        assert evaluate(answers, SCENARIO).step == "STEP_EMERGENCY"
        return

    assert len(found.short) <= SHORT
    assert len(found.long) <= LONGEST
    for text in (found.short, found.long):
        assert {f"{float(amount):g}" for amount in AMOUNT.findall(text)} <= amounts_typed(answers)
        assert find_identifiers(text) == ()
        assert not re.search(r"  | ,|\[\]|the the", text)
    assert "[client]" in found.long
    assert [part in found.long for part in ("Situation", "Background", "Assessment", "Request")]
    assert (PART_2_NOTICE in found.long) >= (found.basis in ("recorded", "missing"))
    assert found.letter == found.long.startswith("Letter for the client to carry")


@given(st.randoms(use_true_random=False))
def test_the_same_answers_give_the_same_message(random: Random) -> None:
    answers = random_answers(random)

    assert colleague_message(answers, SCENARIO) == colleague_message(answers, SCENARIO)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_every_step_has_a_message_that_a_vignette_reaches(step: Any) -> None:
    reached = [
        case["answers"] for case in VIGNETTES if evaluate(case["answers"], SCENARIO).step == step.id
    ]
    found = [colleague_message(answers, SCENARIO) for answers in reached]

    for each in found:
        assert each is not None
        assert "{" not in each.long + each.short


def test_an_emergency_has_no_message() -> None:
    assert colleague_message({**CASES["OV01"], "safety_now": ["sed"]}, SCENARIO) is None


# --- the long one -------------------------------------------------------------------------------


def test_the_order_is_situation_background_assessment_request() -> None:
    long = message().long

    places = [long.index(part) for part in ("Situation", "Background", "Assessment", "Request")]
    assert places == sorted(places)


def test_what_is_not_known_and_what_was_not_asked_are_told_apart() -> None:
    long = message(monitoring="unk", naloxone=None).long

    assert "- Not known: Monitoring" in long
    assert re.search(r"- Not asked: .*Naloxone", long)


def test_what_the_sender_has_to_do_first_is_no_part_of_it() -> None:
    assert "consent before you disclose" not in message().long


def test_answers_that_no_longer_apply_are_left_out() -> None:
    assert "80" not in message(mat="bup_sl", methadone_dose=80).long


# --- the variants of the ninety-day plan --------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        ({}, "come off within 90 days", "first reduction"),
        ({"duration": "gt12m"}, "first reduction within 90 days", "come off within"),
        ({"mat": "bup_sl", "setting": "obot"}, "dividing or raising buprenorphine first", "split"),
        ({"mat": "none_remission"}, "more recovery support first", "stable on"),
        ({"mat": "none_remission"}, "recovery support in place", "MAT unchanged"),
        ({"endplan": "unk"}, "Is there already a stop or review date?", "no end date"),
        ({"endplan": "none"}, "There is no end date yet.", "Is there already"),
        ({"goal": "keep"}, "feels it is handled well", "own view"),
        ({"goal": "reduce"}, "would like to take less", "handled well"),
        ({"goal": "stop"}, "would like to come off it", "handled well"),
        ({"goal": "more"}, "hoping for more relief", "handled well"),
        ({"goal": "unk"}, "[The client's own view]", "handled well"),
        ({"mat_status": "unk"}, "[Client] is on methadone.", "stable"),
        ({"mat_status": "stable_obs"}, "[Client] is stable on methadone.", "is on methadone"),
        ({"reason": "chronic_back"}, "for ongoing back or neck pain", "[procedure]"),
    ],
)
def test_the_request_has_a_variant(changes: dict[str, Any], there: str, not_there: str) -> None:
    request = request_of(message(**changes))

    assert there in request
    assert not_there not in request


def test_times_a_day_are_filled_in_where_typed_and_never_become_weeks() -> None:
    doses = [{"drug": "oxycodone", "strength": 10, "per_day": 3}]
    planned = {"duration": "notyet", "reason": "chronic_back", "endplan": "dated"}

    assert "Oxycodone 3x/day" in request_of(message(opioid=doses))
    assert "[n] weeks" in request_of(message(opioid=doses, **planned))


# --- by role ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "role", "there"),
    [
        ("OV15", "otp_med", "methadone from us and buprenorphine for pain from you"),
        ("OV15", "pain", "methadone from you and buprenorphine for pain from us"),
        ("OV15", "other", "methadone for OUD and buprenorphine for pain."),
        ("OV10", "corr", "Please verify MAT for [client]"),
        ("OV10", "counselor", "[Client] is on methadone with us"),
        ("OV14", "pcp", "I'm seeing [client] about pain"),
        ("OV14", "counselor", "[Client] is in our MAT program"),
    ],
)
def test_each_side_writes_in_its_own_words(case: str, role: str, there: str) -> None:
    assert there in request_of(message(case, role=role))


@pytest.mark.parametrize("role", ["pain", "pcp"])
@pytest.mark.parametrize(
    ("changes", "asks"),
    [
        ({}, ("to come off within 90 days", "confirm MAT medication and dose")),
        ({"duration": "gt12m"}, ("first reduction within 90 days", "confirm MAT medication")),
        ({"mat": "bup_sl", "setting": "obot"}, ("buprenorphine first", "confirm MAT medication")),
        ({"mat": "none_remission"}, ("recovery support in place, whether MAT would be offered",)),
        ({"endplan": "unk"}, ("[Stop or review date, if there is one already].",)),
    ],
)
def test_who_holds_the_plan_asks_the_mat_side_for_what_it_holds(
    role: str, changes: dict[str, Any], asks: tuple[str, ...]
) -> None:
    found = message(role=role, **changes)

    for words in ("I hold the plan", "With the client's consent", "joint review dates", *asks):
        assert words in request_of(found)
    assert "what your team sees" in request_of(found)
    assert "I hold the plan" in found.short
    assert "With consent" in found.short
    for words in ("work with us", "is already a stop"):
        assert words not in found.short + request_of(found)


@pytest.mark.parametrize("role", ["counselor", "otp_med", "hosp", "corr", "other", None])
def test_nobody_else_says_that_they_hold_the_plan(role: str | None) -> None:
    found = message(role=role)

    assert "Would you work with us on a written plan" in request_of(found)
    assert "hold the plan" not in found.short + found.long


ROLES = ("counselor", "otp_med", "pain", "pcp", "hosp", "corr", "other", None)
PROGRAM = ("counselor", "otp_med")


@pytest.mark.parametrize(
    ("changes", "words", "roles"),
    [
        ({"reason": "cancer"}, "I look after [client]'s MAT", PROGRAM),
        ({"reason": "cancer"}, "you lead on pain", PROGRAM),
        ({"opioid": [{"drug": "methadone_pain"}]}, "from us and", PROGRAM),
        ({"opioid": [{"drug": "methadone_pain"}]}, "from you and", ("pain",)),
        ({"opioid": [{"drug": "methadone_pain"}]}, "which of us", (*PROGRAM, "pain")),
        ({"setting": "inpt"}, "with us", PROGRAM),
        ({"setting": "inpt"}, "Please confirm.", ("hosp",)),
        ({"setting": "inpt", "mat": "none_remission"}, "Please confirm.", ("hosp",)),
        ({"signals": ["craving"]}, "a joint review with you", ("pain", "pcp")),
        ({"cns": ["benzo"]}, "MAT will not be reduced", PROGRAM),
        (
            {"duration": "notyet", "reason": "chronic_back", "endplan": "dated"},
            "can we try",
            PROGRAM,
        ),
        ({"duration": "lt1m"}, "We will watch", PROGRAM),
        ({"duration": "lt1m"}, "We watch the MAT side", PROGRAM),
        ({"duration": "lt1m"}, "I will set a stop date", ("pain", "hosp")),
        ({"duration": "lt1m", "endplan": "dated"}, "I will call", ("pain", "pcp", "hosp")),
        ({"duration": "lt1m", "endplan": "dated"}, "please call us", PROGRAM),
        ({"mat": "unk"}, "in our MAT program", PROGRAM),
        ({"setting": "corr"}, "with us", PROGRAM),
    ],
)
def test_only_they_say_what_only_they_can(
    changes: dict[str, Any], words: str, roles: tuple[str, ...]
) -> None:
    found = {role: message(role=role, **changes) for role in ROLES}

    said = {role for role, each in found.items() if words in each.short + request_of(each)}
    assert said == {*roles}


def test_the_pain_prescriber_is_not_told_to_write_to_the_pain_prescriber() -> None:
    assert summary_of(role="pain", endplan="dated").startswith("The MAT prescriber")
    assert summary_of(role="counselor", endplan="dated") == "Pain prescriber"
    documented = {
        "benefit": "function",
        "monitoring": ["pdmp_90", "udt_12m"],
        "comm": "both_contact",
    }
    assert summary_of(role="pain", **documented).startswith("The MAT program")


def summary_of(**changes: Any) -> str:
    """Return whom the suggested step is about."""
    return summarise({**CASES["OV01"], **changes}, SCENARIO).step.who


def test_nothing_stands_twice_in_it() -> None:
    for role in ROLES:
        facts = [line for line in message(role=role).long.splitlines() if line.startswith("- ")]
        named = [line.partition(":")[0] for line in facts]
        assert len(named) == len({*named})


@pytest.mark.parametrize(
    ("changes", "basis", "notice"),
    [
        ({"consent": "tpo"}, "recorded", True),
        ({"consent": "none"}, "missing", True),
        ({"consent": "limited"}, "missing", True),
        ({"consent": "unk"}, "missing", True),
        ({"consent": "refused"}, "refused", False),
        ({"role": "pain"}, "other", False),
        ({"role": "pain", "consent": "refused"}, "refused", False),
        ({"role": "pcp"}, "other", True),
        ({"role": None}, "other", True),
        ({"ecg": "ge500", "consent": "refused"}, "inside", False),
    ],
)
def test_what_the_sending_rests_on(changes: dict[str, Any], basis: str, notice: bool) -> None:
    found = message(**changes)

    assert found.basis == basis
    assert (PART_2_NOTICE in found.long) == notice


def test_an_office_prescriber_is_asked_whether_the_notice_applies() -> None:
    assert "[If your clinic's records are Part 2 records:" in message(role="pcp").long


def test_refused_consent_makes_it_a_letter_that_the_client_carries() -> None:
    letter = message(consent="refused")

    assert letter.letter
    assert letter.short.startswith("Carried by [client], who decides whether to show it.")
    assert "Declined or revoked: no disclosure." in letter.consent


# --- what is filled in --------------------------------------------------------------------------


def with_step(**answers: Any) -> str:
    return request_of(message(**answers))


def test_a_typed_dose_appears_as_typed() -> None:
    doses = [{"drug": "oxycodone", "strength": 10, "per_day": 3, "up_to": True}]
    short_course = {"duration": "lt1m", "endplan": "dated", "reason": "trauma"}

    assert "oxycodone 10 mg, up to 3 a day until [date]" in with_step(opioid=doses, **short_course)
    assert "oxycodone [dose] until [date]" in with_step(
        opioid=[{"drug": "oxycodone"}], **short_course
    )
    assert "[opioid and dose] until" in with_step(opioid="unk", **short_course)


def test_the_qtc_step_says_what_was_measured() -> None:
    assert "QTc 500 ms or more on [date], methadone 80 mg/day" in with_step(
        ecg="ge500", methadone_dose=80
    )
    assert "methadone [dose]" in with_step(ecg="ge500", methadone_dose="unk")


def test_signals_are_named_or_that_the_mat_itself_is_not_settled() -> None:
    assert "New: craving or loss of control." in with_step(signals=["craving"])
    assert "New: started or dose changed in the last 30 days." in with_step(mat_status="new")


def test_the_other_sedatives_are_named() -> None:
    assert "oxycodone, methadone, benzodiazepine." in with_step(cns=["benzo"])
    assert "no other sedating medicine" in with_step(cns=["none"], risk=["osa"])


def test_the_side_that_does_not_know_is_told_of_the_other() -> None:
    assert "let you know about methadone" in with_step(comm="pain_unaware")
    assert "let you know about oxycodone" in with_step(comm="mat_unaware")
    assert "With consent, I'm part" in with_step(comm="pain_unaware", consent="tpo")


def test_after_a_sudden_stop_the_mat_goes_on() -> None:
    stopped = {"decided": "abrupt", "opioid": [{"drug": "none"}]}

    assert "An opioid was stopped on [date] after 1-3 months." in with_step(**stopped)
    assert "MAT continues unchanged." in with_step(**stopped)
    assert "[MAT continues unchanged / MAT is being offered.]" in with_step(mat="unk", **stopped)
    assert "after [duration]" in with_step(duration="notyet", **stopped)


def test_the_hospital_is_told_the_mat_with_its_typed_dose() -> None:
    there = {"setting": "inpt"}

    assert "on methadone 80 mg/day with us, last dose [time]." in with_step(
        methadone_dose=80, **there
    )
    assert "on buprenorphine [dose] with us, last dose" in with_step(mat="bup_sl", **there)
    assert "in remission from OUD" in with_step(mat="none_remission", **there)
    assert "On methadone 80 mg/day, last dose [time]. Plan:" in with_step(role="hosp", **there)
    assert "no MAT (OUD in remission) and" in message(mat="none_remission", risk=["preg"]).short


def test_many_medicines_leave_the_short_one_with_a_placeholder() -> None:
    names = ("oxycodone", "methadone_pain", "hydromorphone", "bup_pain", "other_opioid")
    found = message("OV09", mat="bup_xr", consent="refused", opioid=[{"drug": n} for n in names])

    assert "[opioid]" in found.short
    assert "hydromorphone, buprenorphine for pain and another opioid" in found.long


def test_an_older_version_without_a_short_message_uses_the_title() -> None:
    text = re.sub(r"(?m)^short = \"(About|I'm) .*\n", "", SCENARIO.body)
    text = re.sub(r'(?m)^  \{ field = "short".*\n', "", text)
    found = colleague_message(CASES["OV01"], load_scenario_text(text))

    assert found is not None
    assert found.short.startswith("About [client]: Agree a written plan to be off within 90 days.")
