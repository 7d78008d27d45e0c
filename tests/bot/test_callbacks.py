"""Callback data: short, strict, and never trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.callbacks import Callback, encode, parse
from dialogs.content import load_scenario


def test_what_is_encoded_reads_back() -> None:
    data = encode("a", "k3j9x2ab", "safety_now", "none", turn=12)

    assert parse(data) == Callback("a", "k3j9x2ab", ("safety_now", "none"), 12)


def test_a_button_without_case_and_turn_reads_back() -> None:
    assert parse(encode("new")) == Callback("new")


def test_every_option_of_the_scenario_fits_64_bytes() -> None:
    longest = max(
        len(encode("m", "k3j9x2ab", q.id, o.id, 1, turn=999_999_999).encode())
        for q in load_scenario().questions
        for o in q.options
    )

    assert longest <= 64


def test_what_does_not_fit_is_refused_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="not a callback"):
        encode("a", "k3j9x2ab", "q" * 40, "o" * 40)


@pytest.mark.parametrize(
    "forged",
    ["", "1", "1|a", "2|a|x||1", "1|A|x||1", "1|a|x|\n|1", "1|a|x|é|1", "1|a|" + "x" * 70 + "||"],
)
def test_data_of_another_form_means_nothing(forged: str) -> None:
    assert parse(forged) is None


@given(st.text(max_size=80))
def test_any_text_reads_as_nothing_or_as_itself(data: str) -> None:
    found = parse(data)

    if found is not None:
        assert (
            encode(found.verb, found.case, *found.args, turn=found.turn).split("|")[1] == found.verb
        )
