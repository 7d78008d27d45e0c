"""Doses written in any way one writes them: read exactly as meant, or asked about; never wrong and sure."""

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.doses import CDC_2022
from dialogs.dosing import read_dose

NAMES = {
    "oxycodone": ("oxycodone", "Oxycodone", "oxy", "OXYCODONE", "roxicodone"),
    "hydrocodone": ("hydrocodone", "norco", "Vicodin"),
    "morphine": ("morphine", "Morphine sulfate", "MSIR"),
    "hydromorphone": ("hydromorphone", "Dilaudid"),
    "tramadol": ("tramadol", "Ultram"),
    "tapentadol": ("tapentadol", "Nucynta"),
    "codeine": ("codeine",),
    "oxymorphone": ("oxymorphone", "opana"),
}
STRENGTHS = {
    "oxycodone": (2.5, 5, 7.5, 10, 15, 20, 30),
    "hydrocodone": (5, 7.5, 10),
    "morphine": (7.5, 15, 30),
    "hydromorphone": (1, 2, 4, 8),
    "tramadol": (25, 50, 100),
    "tapentadol": (50, 75, 100),
    "codeine": (15, 30, 60),
    "oxymorphone": (5, 10),
}
UNITS = (" mg", "mg", " MG", " milligrams", "  mg", "-mg")

REGULAR = {
    1: ("daily", "once daily", "qd", "once a day", "1x/day", "every day", "q24h", "every 24 hours"),
    2: ("bid", "BID", "b.i.d.", "twice daily", "twice a day", "2x/day", "2 x daily", "x2/day", "q12h",
        "q 12 h", "every 12 hours", "two times a day", "2 times per day", "q12", "2/day"),
    3: ("tid", "TID", "t.i.d.", "three times a day", "three times daily", "3x/day", "3x daily", "x 3 daily",
        "q8h", "every 8 hours", "thrice daily", "3 times a day", "8 hourly", "3 per day"),
    4: ("qid", "QID", "four times a day", "4x/day", "q6h", "every 6 hours",
        "every six hours", "4 times daily"),
    6: ("q4h", "every 4 hours", "6x/day", "six times a day"),
}  # fmt: skip
SLOTS = (
    (
        "am",
        "qam",
        "in the morning",
        "morning",
        "every morning",
        "with breakfast",
        "mornings",
        "in the am",
    ),
    ("noon", "at noon", "midday", "at lunch", "with lunch"),
    ("in the afternoon", "afternoon", "every afternoon"),
    ("pm", "qpm", "in the evening", "evening", "with dinner", "at supper", "every evening"),
    ("qhs", "hs", "at bedtime", "at night", "nightly", "before bed", "night", "every night"),
)
ANDS = (" and ", " & ", ", ", " + ", " plus ", ", and ", "/", " ", " and also ", " then ", "; ")
MORE = (
    " and ",
    " & ",
    " + ",
    " plus ",
    ", and ",
    ", ",
    " ",
    " plus one ",
    " and 1 ",
    " and once ",
    " and again ",
)
CLOCKS = ("6 am", "8am", "12 pm", "2 pm", "8pm", "10 p.m.", "22:00", "08:00", "midnight")
AFTER = (
    "", "", "", " for pain", " po", " by mouth", " as scheduled", " for back pain", " #90", " x 30 days",
    " for 5 days", ".", " (for chronic pain)", " with food", " refills 0", " disp 60",
    " for low back pain since 2020",
)  # fmt: skip
AWAY = (
    " not taken", ", declined", " - never filled", " (ran out)", " held", " on hold", ", to start tomorrow",
    " refused", " was stopped", ", no longer takes it", ", not started yet", " last year", " in 2018",
    ", stopped in May", " until last month", " discontinued", ", lost the script", " before the surgery",
    " - did not take it", ", never took any", ", none taken", " cancelled", " expired", " was offered",
    ", will start Monday", " next week", " if pain returns", " x1 in the ER", ", off it now", " d/c",
)  # fmt: skip
BEFORE_AWAY = (
    "was on ", "used to take ", "stopped ", "never took ", "denies ", "not taking ", "planned: ",
    "will start ",
    "declined ", "no longer takes ", "consider ", "had been on ", "previously ", "former: ", "ran out of ",
    "hasn't started ", "past: ", "off ", "no ", "offered ", "to start ", "allergic to ", "refused ", "held: ",
)  # fmt: skip
JOINTS = (
    "; ",
    ", ",
    "\n",
    " and ",
    " + ",
    " plus ",
    " / ",
    ". ",
    " & ",
    " with ",
    " ",
    "\n- ",
    ", also ",
    " then ",
)


@dataclass(frozen=True)
class Written:
    text: str
    mme: float
    """What is taken a day, in MME."""


@st.composite
def often(draw: st.DrawFn) -> tuple[str, float]:
    """Draw words and the doses a day they mean."""
    kind = draw(st.sampled_from(("regular", "slots", "more", "clocks")))
    if kind == "regular":
        count = draw(st.sampled_from(tuple(REGULAR)))
        return draw(st.sampled_from(REGULAR[count])), count
    if kind == "clocks":
        times = draw(st.lists(st.sampled_from(CLOCKS), min_size=1, max_size=4, unique_by=_hour))
        return draw(st.sampled_from(("", "at "))) + _joined(draw, times), len(times)
    places = sorted(draw(st.sets(st.sampled_from(range(5)), min_size=1, max_size=4)))
    words = _joined(draw, [draw(st.sampled_from(SLOTS[place])) for place in places])
    if kind == "slots":
        return words, len(places)
    count = draw(st.sampled_from((2, 3, 4)))
    more = draw(st.sampled_from(MORE))
    last = draw(st.sampled_from(SLOTS[4]))
    told = f"{draw(st.sampled_from(REGULAR[count]))}{more}{last}"
    return told, count + 1 if more.strip(" ,") else float("nan")


def _hour(time: str) -> str:
    return {"8am": "8", "08:00": "8", "10 p.m.": "22", "22:00": "22"}.get(time, time)


def _joined(draw: st.DrawFn, words: list[str]) -> str:
    joints = [draw(st.sampled_from(ANDS)) for _ in words[1:]]
    return "".join(a + b for a, b in zip(words, [*joints, ""], strict=True))


@st.composite
def regimens(draw: st.DrawFn) -> Written:
    """Draw one dose of one drug in some order of its parts."""
    drug = draw(st.sampled_from(tuple(NAMES)))
    name = draw(st.sampled_from(NAMES[drug]))
    mg = draw(st.sampled_from(STRENGTHS[drug]))
    sign = draw(st.sampled_from((".", ".", ",")))
    amount = f"{mg:g}".replace(".", sign) + draw(st.sampled_from(UNITS))
    words, count = draw(often())
    after = draw(st.sampled_from(AFTER))
    order = draw(st.sampled_from(("{n} {a} {o}", "{a} {n} {o}", "{o} {n} {a}", "{n} {o} {a}", "{n}: {a}, {o}",
                                  "{n}{a}{o}", "takes {n} {a} {o}", "{n} {a} - {o}", "{n} {a} ({o})",
                                  "{n} {a} 1 tab {o}", "{a} of {n} {o}")))  # fmt: skip
    text = order.format(n=name, a=amount, o=words) + after
    return Written(text, mg * count * CDC_2022[drug])


def right_or_asked(text: str, mme: float) -> bool:
    """Tell a reading that asks, or counts what is meant; an amount that is not a number has to be asked."""
    reading = read_dose(text)
    return bool(reading.ask) or (reading.mme is not None and abs(reading.mme - mme) < 0.02)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(regimens())
def test_one_dose_in_any_words_is_read_as_meant_or_asked(written: Written) -> None:
    assert right_or_asked(written.text, written.mme)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(regimens(), regimens(), st.sampled_from(JOINTS))
def test_two_doses_in_any_words_are_read_as_meant_or_asked(
    one: Written, other: Written, joint: str
) -> None:
    assert right_or_asked(one.text + joint + other.text, one.mme + other.mme)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(regimens(), st.sampled_from(AWAY))
def test_a_dose_that_is_not_taken_is_not_counted_or_asked(written: Written, away: str) -> None:
    reading = read_dose(written.text + away)

    assert reading.ask or not reading.entries


@settings(max_examples=150, deadline=None, derandomize=True)
@given(regimens(), st.sampled_from(BEFORE_AWAY))
def test_a_dose_that_is_said_before_not_to_be_taken_is_not_counted_or_asked(
    written: Written, before: str
) -> None:
    reading = read_dose(before + written.text)

    assert reading.ask or not reading.entries


@settings(max_examples=150, deadline=None, derandomize=True)
@given(regimens(), regimens(), st.sampled_from(BEFORE_AWAY), st.sampled_from(JOINTS))
def test_the_other_dose_is_counted_or_asked_when_one_is_not_taken(
    one: Written, other: Written, before: str, joint: str
) -> None:
    assert right_or_asked(one.text + joint + before + other.text, one.mme)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(regimens(), st.sampled_from((0.00001, 0.001, 0.01, 5000, 99999, 1e6)))
def test_an_absurd_amount_is_asked(written: Written, mg: float) -> None:
    text = f"oxycodone {mg:.7f} mg tid".replace("0000 mg", " mg")

    assert read_dose(text).ask
    assert read_dose(f"{written.text}; {text}").mme is None


@pytest.mark.parametrize(
    ("drug", "words"),
    list(product(("oxycodone 10 mg", "morphine 15 mg"), sum(REGULAR.values(), ()))),
)
def test_a_plain_dose_is_not_asked_about(drug: str, words: str) -> None:
    assert not read_dose(f"{drug} {words}").ask
