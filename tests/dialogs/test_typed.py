"""What typed words mean at a question: exact, likely, a word of the dialog, or unclear."""

from typing import Any, Literal

import pytest

from dialogs.content import Option, Question, load_scenario
from dialogs.typed import Exact, Likely, Meaning, OutOfRange, Unclear, Word, meaning, plain

SCENARIO = load_scenario()


@pytest.mark.parametrize(
    ("question", "words", "meant"),
    [
        ("methadone_dose", "80", Exact(80)),
        ("methadone_dose", "back", Word("back")),
        ("methadone_dose", "a lot", Unclear()),
        ("methadone_dose", "9000", OutOfRange()),
        ("monitoring", "1, 2", Exact(["pain_visits", "counselor"])),
        ("monitoring", "99", OutOfRange()),
        ("monitoring", "skip", Word("skip")),
        ("monitoring", "none", Exact(["none"])),
        ("monitoring", "none, Counselor check-ins", Unclear()),
        ("monitoring", "counsellor chek-ins", Likely(["counselor"])),
        ("monitoring", "Counselor check-ins, qqqq", Likely(["counselor"])),
        ("ecg", "480", Exact("450_499")),
        ("ecg", "500", Exact("ge500")),
        ("ecg", "1", Exact("lt450")),
        ("ecg", "9", OutOfRange()),
        ("setting", "x" * 200, Unclear()),
        ("safety_now", "x" * 200, Unclear()),
        ("setting", "", Unclear()),
        ("setting", "qq", Unclear()),
    ],
)
def test_words_mean_what_they_say_or_are_read_back(
    question: str, words: str, meant: Meaning
) -> None:
    assert meaning(words, SCENARIO.question(question)) == meant


@pytest.mark.parametrize("kind", ["choice", "multi"])
def test_digits_that_name_one_option_and_are_the_place_of_another_are_asked_about(
    kind: Literal["choice", "multi"],
) -> None:
    setting = SCENARIO.question("setting")
    first, second, third, *rest = setting.options
    named = second.model_copy(update={"synonyms": ("3", "2", "77")})
    odd = setting.model_copy(update={"options": (first, named, third, *rest), "kind": kind})

    def value(option: Option) -> Any:
        return [option.id] if kind == "multi" else option.id

    assert meaning("3", odd) == Likely(value(named))
    assert meaning("2", odd) == Exact(value(named))
    assert meaning("77", odd) == Exact(value(named))
    assert meaning("1", odd) == Exact(value(first))


OPTIONS = [
    (question, option)
    for question in SCENARIO.questions
    if question.kind in ("choice", "multi")
    for option in question.options
]


@pytest.mark.parametrize(
    ("question", "option"), OPTIONS, ids=[f"{q.id}-{o.id}" for q, o in OPTIONS]
)
def test_every_label_and_every_synonym_is_understood_whatever_its_length(
    question: Question, option: Option
) -> None:
    for words in (option.label, option.button, option.id, *option.synonyms):
        others = [o for o in question.options if o != option]
        shared = any(
            plain(words) in map(plain, (o.label, o.button, o.id, *o.synonyms)) for o in others
        )
        expected = [option.id] if question.kind == "multi" else option.id

        assert shared or meaning(words, question) == Exact(expected), words
