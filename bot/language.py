"""The interface in the person's language; clinical content stays as its authors wrote it.

The English sentence is the key of the catalogue (gettext's way), so that the code reads as the
chat does. ``make docs`` extracts the catalogue; a test fails when a translation is missing.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

Translate = Callable[[str], str]

LANGUAGES: dict[str, str] = {"en": "English", "es": "Español"}


@cache
def _catalogue(language: str) -> dict[str, str]:
    path = files("bot") / "locale" / f"{language}.po"
    with path.open("rb") as stream:
        catalogue = read_po(stream, locale=language)
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}


def translator(language: str | None) -> Translate:
    """Return the translation into ``language``; an unknown language reads English."""
    if language not in LANGUAGES or language == "en":
        return str
    catalogue = _catalogue(language)
    return lambda sentence: catalogue.get(sentence, sentence)


def offered(language_code: str | None) -> str:
    """Return the language to begin in, from what the person's Telegram says of itself."""
    code = (language_code or "en").split("-")[0].lower()
    return code if code in LANGUAGES else "en"
