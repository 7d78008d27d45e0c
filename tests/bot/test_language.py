"""Every sentence of the interface is in the Spanish catalogue, and nothing else is."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot import language
from bot.catalogue import lacking, report, sentences, translated_expressions
from bot.language import (
    LANGUAGES,
    Catalogue,
    content_note,
    document_note,
    offered,
    translator,
)
from bot.routes import COMMANDS
from bot.screen import Screen, visible
from bot.screens import review, start, summary
from dialogs.content import load_scenario
from dialogs.model import Consult
from tests.dialogs.reference_evaluator import VIGNETTES

BOT = Path(str(files("bot")))
CATALOGUE = BOT / "locale" / "es.po"
PLACEHOLDER = re.compile(r"\{(\w*)\}")
SIGNS = re.compile(r"[‹›→]|(?<!\w)/[a-z]+\b|\bHIPAA\b|\bMME\b|\bMAT\b|\bPDMP\b|\b[0-9]+\b")
COMPUTED = {
    "kind_title(finding.kind)",
    "unreadable.UNREADABLE",
    "gap.state",
    "words",
    "each.missing",
    "each.words",
    "label",
    "question.unknown_label or 'Not known'",
    "REMOVALS[each.removed]",
    "choices.words('decided', found.plan.decided)",
    "choices.words('outcome', outcome)",
    "q.unknown_label or 'Not known'",
    "choices.words('decided', plan.decided)",
    "choices.words('safeguard', code)",
    "choices.words('agreed', plan.agreed)",
    "choices.words('stop', plan.stop)",
    "followup().words(answers_of(review), review.outcome)",
    "followup().words(answers_of(review), code)",
    "followup().words('decided', plan.decided)",
    "words.get(kept.get(view.id, ''), 'open')",
    "followup().words('outcome', r.outcome or '')",
    "console.BREAK_GLASS_REASONS[broken.reason_code]",
    "super().format(*args, **values)",
    "words.key",
    "question.unknown_label",
    "question.unit",
    "q.unit",
    "source.kind",
    "state",
    "day",
}
"""What is translated without being written there; `bot.catalogue` lists the words it can be."""


WORDING = ("summarise", "show_answer", "show_dose", "phrase", "hours_words", "worded")
"""Functions of `dialogs` that word something, and are given `t` for it."""

TITLES_ONLY = ("forks.py",)
"""A comparison of two summaries takes their titles, which are content."""


@cache
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as stream:
        return read_po(stream, locale="es", abort_invalid=True)


def translations() -> dict[str, str]:
    return {str(entry.id): str(entry.string) for entry in catalogue() if entry.id}


def msgids() -> frozenset[str]:
    return sentences()


# --- the catalogue ------------------------------------------------------------------------------


def test_every_sentence_has_a_translation() -> None:
    kept = translations()

    missing = sorted(sentence for sentence in msgids() if not kept.get(sentence))
    assert not missing, "es.po lacks:\n" + "\n".join(map(repr, missing))


def test_no_translation_is_left_over() -> None:
    left_over = sorted(translations().keys() - msgids())

    assert not left_over, "es.po holds what nobody says:\n" + "\n".join(map(repr, left_over))
    assert not catalogue().obsolete
    assert not [entry.id for entry in catalogue() if entry.id and entry.fuzzy]


def test_what_is_translated_is_written_there_or_listed() -> None:
    others = {
        ast.unparse(each) for each in translated_expressions() if not isinstance(each, ast.Constant)
    }

    assert others <= COMPUTED, (
        "write the sentence inside t(...), or list it here and in bot.catalogue"
    )


def test_a_translation_has_the_placeholders_of_its_sentence() -> None:
    differing = [
        sentence
        for sentence, words in translations().items()
        if sorted(PLACEHOLDER.findall(sentence)) != sorted(PLACEHOLDER.findall(words))
    ]

    assert differing == []


def test_a_translation_keeps_signs_commands_and_numbers() -> None:
    differing = {
        sentence: words
        for sentence, words in translations().items()
        if not set(SIGNS.findall(sentence)) <= set(SIGNS.findall(words))
    }

    assert differing == {}


def test_a_translation_begins_and_ends_as_its_sentence_does() -> None:
    differing = [
        sentence
        for sentence, words in translations().items()
        if (sentence[-1] in ".?:›") != (words[-1] in ".?:›") or words != words.strip()
    ]

    assert differing == []


def test_the_check_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {each: words for each, words in translations().items() if each != "Which drug?"}
    assert report()[1]
    monkeypatch.setattr(language, "catalogue", lambda name: Catalogue(name, kept))
    monkeypatch.setattr("bot.catalogue.catalogue", lambda name: Catalogue(name, kept))

    text, complete = report()

    assert lacking("es") == ("Which drug?",)
    assert "not translated: 'Which drug?'" in text
    assert not complete


@pytest.mark.parametrize("path", sorted(BOT.rglob("*.py")), ids=str)
def test_what_dialogs_words_is_worded_in_the_persons_language(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if worded_call(node)]
    without = [call for call in calls if not any(map(is_translator, ast.walk(call)))]

    assert [ast.unparse(call) for call in without if path.name not in TITLES_ONLY] == []


def worded_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in WORDING


def is_translator(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "t") or (
        isinstance(node, ast.Attribute) and node.attr == "t"
    )


def test_nobody_is_said_to_have_reviewed_it() -> None:
    assert "Reviewed by: nobody yet" in catalogue().header_comment
    assert catalogue().charset == "utf-8"
    assert str(catalogue().locale) == "es"


# --- choosing a language ------------------------------------------------------------------------


@pytest.mark.parametrize("language", [None, "", "en", "fr", "es-MX", "../es"])
def test_a_language_that_is_not_offered_reads_english(language: str | None) -> None:
    assert translator(language)("Start a case") == "Start a case"


def test_a_sentence_without_translation_reads_english() -> None:
    assert translator("es")("Start a case") == "Iniciar un caso"
    assert translator("es")("Nobody says this.") == "Nobody says this."
    assert not translator("es")("")


@pytest.mark.parametrize(
    ("said", "language"),
    [("es-MX", "es"), ("ES", "es"), ("en-US", "en"), ("fr", "en"), ("", "en"), (None, "en")],
)
def test_the_first_language_is_what_telegram_says(said: str | None, language: str) -> None:
    assert offered(said) == language
    assert language in LANGUAGES


def test_where_the_content_is_in_another_language_it_is_said() -> None:
    scenario, spanish = load_scenario(), translator("es")

    assert "en inglés" in content_note(scenario, spanish)
    assert "en inglés" in document_note(scenario, spanish)
    assert content_note(scenario, translator("en")) == document_note(scenario, str) == ""
    assert not content_note(scenario.model_copy(update={"language": "es"}), spanish)


@pytest.mark.parametrize("screen", [start.scope_screen, start.role_screen])
def test_the_first_screens_say_it(screen: Callable[..., Screen]) -> None:
    assert "en inglés" in screen(load_scenario(), translator("es")).text
    assert "in English" not in screen(load_scenario(), str).text


def test_the_screen_before_a_case_says_it() -> None:
    assert "en inglés" in start.ready_screen(translator("es"), load_scenario()).text


# --- screens ------------------------------------------------------------------------------------


def spanish_screens() -> Iterator[Screen]:
    """Yield the screens that show the interface and nothing of the clinical content."""
    t = translator("es")
    line = start.SettingsLine("MD", "quick", "es", "UTC", "22:00–06:00")
    yield start.ready_screen(t)
    yield start.help_screen(t)
    yield start.privacy_screen(t, retention_days=30)
    yield start.settings_screen(line, t)
    yield start.cases_screen([], t)
    yield review.facts_screen(t, case="abcd2345", code="K7")
    yield review.sure_screen(t, case="abcd2345", code="K7", what="close")
    yield review.ended_screen(t, case="abcd2345", code="K7", cancelled=True)


def as_pattern(sentence: str) -> re.Pattern[str]:
    """Return a pattern for a sentence as a chat shows it, with any value in its places."""
    words = [re.escape(part) for part in re.split(r"\{\w*\}", sentence)]
    return re.compile(r"(?<!\w)" + ".+".join(words) + r"(?!\w)")


def test_a_screen_in_spanish_has_no_english_sentence() -> None:
    english = [as_pattern(one) for one, other in translations().items() if one != other]

    for screen in spanish_screens():
        shown = "\n".join([screen.text, *(button.label for row in screen.rows for button in row)])
        assert [each.pattern for each in english if each.search(shown)] == []


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda vignette: str(vignette["id"]))
def test_the_summary_in_spanish_fits_a_phone(vignette: dict[str, dict[str, object]]) -> None:
    scenario, answers = load_scenario(), vignette["answers"]
    consult = Consult(scenario.id, scenario.hash, phase="advised", answers=answers, shown=answers)

    screen = summary.summary_screen(consult, scenario, translator("es"), case="abcd2345", code="K7")

    assert visible(screen.text) <= summary.VISIBLE
    assert "en inglés" in screen.text
    for row in screen.rows:
        assert len(row) == 1 or max(len(button.label) for button in row) <= 18


def test_help_names_every_command() -> None:
    text = start.help_screen(str, admin=True).text

    assert [
        name for name in COMMANDS if f"/{name} " not in text and name not in ("start", "help")
    ] == []
