"""What typed words mean at a question: exact, likely, a word of the dialog, or unclear."""

import pytest

from dialogs.content import load_scenario
from dialogs.typed import Exact, Likely, Meaning, OutOfRange, Unclear, Word, meaning

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
        ("setting", "x" * 200, Unclear()),
        ("setting", "", Unclear()),
        ("setting", "qq", Unclear()),
    ],
)
def test_words_mean_what_they_say_or_are_read_back(
    question: str, words: str, meant: Meaning
) -> None:
    assert meaning(words, SCENARIO.question(question)) == meant
