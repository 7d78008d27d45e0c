"""The interface in the person's language; clinical content stays as its authors wrote it.

The English sentence is the key of the catalogue (gettext's way), so that the code reads as the
chat does. ``run_bot.py check`` fails when a translation is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from dialogs.content import Scenario
from dialogs.phrases import Translate

__all__ = [
    "LANGUAGES",
    "Translate",
    "content_note",
    "document_note",
    "language_of",
    "offered",
    "translator",
]

LANGUAGES: dict[str, str] = {"en": "English", "es": "Español"}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences of one language; one that is not among them reads English."""

    language: str
    sentences: Mapping[str, str]

    def __call__(self, sentence: str) -> str:
        return self.sentences.get(sentence, sentence)


@cache
def catalogue(language: str) -> Catalogue:
    """Return the kept catalogue of a language other than English."""
    path = files("bot") / "locale" / f"{language}.po"
    with path.open("rb") as stream:
        found = read_po(stream, locale=language)
    kept = {str(entry.id): str(entry.string) for entry in found if entry.id and entry.string}
    return Catalogue(language, kept)


def translator(language: str | None) -> Translate:
    """Return the translation into ``language``; an unknown language reads English."""
    if language not in LANGUAGES or language == "en":
        return str
    return catalogue(language)


def offered(language_code: str | None) -> str:
    """Return the language to begin in, from what the person's Telegram says of itself."""
    code = (language_code or "en").split("-")[0].lower()
    return code if code in LANGUAGES else "en"


def content_note(scenario: Scenario, t: Translate) -> str:
    """Return that the content is in English, where the interface is not; else an empty text."""
    told = t("Clinical content is in English: no reviewed translation yet.")
    return told if _differs(scenario, t) else ""


def document_note(scenario: Scenario, t: Translate) -> str:
    """Return that what goes into a chart or to a colleague is in English, where the interface is not."""
    told = t("This text is in English, like the clinical content and the chart.")
    return told if _differs(scenario, t) else ""


def language_of(scenario: Scenario) -> Translate:
    """Return the translation into the language of the content, for what goes out as one text."""
    return translator(scenario.language)


def _differs(scenario: Scenario, t: Translate) -> bool:
    return scenario.language == "en" and isinstance(t, Catalogue) and t.language != "en"
