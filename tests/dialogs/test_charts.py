"""Charts say their numbers in words as well, and never one that is not shown."""

import re
from xml.etree import ElementTree as ET

import pytest

from dialogs.charts import Bar, arcs, bars, columns, funnel, legend, picture

SECRET = "<script>&"


def spoken(drawing: str) -> str:
    """What a screen reader says of a chart."""
    return str(ET.fromstring(drawing).attrib["aria-label"])  # noqa: S314 - drawn by us


def texts(drawing: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(drawing).iter("text")]  # noqa: S314 - drawn by us


def test_bars_say_their_numbers_and_what_stands_beside_them() -> None:
    drawn = bars("Left", [Bar("MAT", (7, 3), "m", "(20 %)"), Bar("Dose", (0, 2))], ("a", "b"))

    assert spoken(drawn) == "Left: MAT a 7, b 3; Dose a 0, b 2"
    assert texts(drawn) == ["MAT", "10 (20 %)", "Dose", "2"]
    assert "<title>MAT: a 7, b 3 (m)</title>" in drawn
    assert drawn.count("<rect") == 3


def test_a_number_that_is_not_shown_is_hatched_and_not_said() -> None:
    drawn = bars("Steps", [Bar("One", (None, 9)), Bar("Other", (None,))], ("a", "b"))

    assert spoken(drawn) == "Steps: One a not shown, b 9; Other not shown"
    assert texts(drawn) == ["One", "9+", "Other", "–"]
    assert drawn.count('class="c0 small"') == 2


def test_a_long_label_stands_above_its_bar_and_is_cut_but_told_whole() -> None:
    label = "Over a year on it: pace matters more than the deadline that was agreed"

    drawn = bars("Raised", [Bar(label, (1,))], ("times",))

    assert texts(drawn)[0].endswith("…")
    assert label in spoken(drawn)


def test_columns_stand_from_left_to_right_with_both_ends_named() -> None:
    rows = [Bar("01 Nov", (4, 0)), Bar("08 Nov", (None, 20)), Bar("15 Nov", (2, 2))]

    drawn = columns("Weeks", rows, ("a", "b"))

    assert texts(drawn) == ["0", "10", "20", "01 Nov", "15 Nov"]
    assert "08 Nov a not shown, b 20" in spoken(drawn)
    kinds = re.findall(r'class="(c\d[^"]*)"', drawn)
    assert kinds == ["c0", "c0 small", "c1", "c0", "c1"]


def test_small_columns_have_no_half_and_one_has_one_end() -> None:
    assert texts(columns("Weeks", [Bar("01 Nov", (3,))], ("a",))) == ["0", "3", "01 Nov"]


def test_a_funnel_tells_shares_of_its_first_step() -> None:
    drawn = funnel("Path", [("Begun", 50), ("Read", 40), ("Planned", None)])

    assert texts(drawn) == ["Begun", "50", "Read", "40 (80 %)", "Planned", "–"]


@pytest.mark.parametrize(
    "drawn",
    [
        bars("Empty", [], ("a",)),
        columns("Empty", [], ("a",)),
        funnel("Empty", [("Begun", 0), ("Read", None)]),
    ],
)
def test_nothing_is_said_to_be_nothing(drawn: str) -> None:
    assert drawn == '<p class="empty" aria-label="Empty: nothing yet">Nothing in this period.</p>'


def test_arcs_lead_on_to_the_right_and_back_to_the_left() -> None:
    moves = {("asking", "follow_up"): "ask", ("follow_up", "asking"): "back"}

    drawn = arcs("Phases", ("asking", "follow_up"), moves)

    assert texts(drawn) == ["asking", "follow up"]
    assert spoken(drawn) == "Phases: asking to follow_up ask; follow_up to asking back"
    on, back = re.findall(r'<path d="M([\d.]+) ', drawn)[::2]
    assert float(on) > 170 > float(back)


def test_words_are_escaped_wherever_they_stand() -> None:
    rows = [Bar(SECRET, (1,), SECRET, SECRET)]
    drawn = [
        bars(SECRET, rows, (SECRET,)),
        columns(SECRET, rows, (SECRET,)),
        funnel(SECRET, [(SECRET, 3)]),
        arcs(SECRET, (SECRET, "b"), {(SECRET, "b"): SECRET}),
        legend((SECRET,)),
        picture(SECRET, columns(SECRET, rows, (SECRET,)), (SECRET,)),
    ]

    assert not [each for each in drawn if "<script>" in each]
    assert all(ET.fromstring(each) is not None for each in drawn)  # noqa: S314 - drawn by us


def test_a_picture_has_a_title_and_a_legend_and_its_size() -> None:
    made = picture("Cases", columns("Cases", [Bar("x", (1,))], ("a", "b")), ("a", "b"))

    assert texts(made.replace("xmlns", "data-ns"))[0] == "Cases"
    assert 'viewBox="0 0 372 210"' in made
    with pytest.raises(ValueError, match="not a chart"):
        picture("Nothing", "<p>", ())
