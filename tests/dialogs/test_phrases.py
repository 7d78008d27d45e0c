"""A sentence that is kept before it is worded still knows its key and its values."""

from types import ModuleType

import pytest

from dialogs import doses, dosing, phrases, regimen
from dialogs.phrases import Phrase, worded


def spanish(sentence: str) -> str:
    kept = {"{drug}: {what}": "{drug}, {what}", "not now": "ahora no", "Which drug?": "¿Cuál?"}
    return kept[sentence]


def test_without_a_translator_a_phrase_reads_english() -> None:
    asked = Phrase("{drug}: what is taken now?").format(drug="Oxycodone")

    assert asked == "Oxycodone: what is taken now?"
    assert worded(asked) == asked


def test_a_phrase_is_worded_with_what_was_put_into_it() -> None:
    asked = Phrase("{drug}: {what}").format(drug="Oxycodone", what=Phrase("not now"))

    assert asked == "Oxycodone: not now"
    assert worded(asked, spanish) == "Oxycodone, ahora no"
    assert worded(Phrase("Which drug?"), spanish) == "¿Cuál?"


def test_a_value_may_be_a_number() -> None:
    assert worded(Phrase("{count} a day").format(count=3), str) == "3 a day"


def test_other_words_stay_as_they_are() -> None:
    assert worded("Oxycodone", spanish) == "Oxycodone"


@pytest.mark.parametrize("module", [doses, dosing, regimen], ids=lambda module: module.__name__)
def test_what_the_dose_reader_says_is_in_the_catalogue(module: ModuleType) -> None:
    said = {name: value for name, value in vars(module).items() if name.isupper()}
    plain = [
        name
        for name, value in said.items()
        if name.startswith("ASK_") or name.endswith("_NOTE")
        if not isinstance(value, phrases.Phrase)
    ]

    assert plain == []
