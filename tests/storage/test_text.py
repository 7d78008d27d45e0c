"""What is stored the same on both databases."""

from hypothesis import given
from hypothesis import strategies as st

from storage.ids import new_id
from storage.text import clean


def test_nul_and_lone_surrogates_are_removed_and_nothing_else() -> None:
    assert clean("a\x00b\ud800c\udfff") == "abc"
    kept = "\u202eعربي 👩‍⚕️ é \t\n"
    assert clean(kept) == kept


@given(st.text(st.characters()))
def test_any_text_can_be_encoded_afterwards(text: str) -> None:
    cleaned = clean(text)

    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [new_id() for _ in range(1000)]

    assert made == sorted(made)
    assert {each.version for each in made} == {7}
