"""Scenarios in another language: a reviewed file beside the scenario, or none at all.

The file names the version it translates and the clinician who reviewed it. It is used whole or not
at all: a mixture of two languages in one summary would read worse than either. Rules, ids and
sources stay; so does the hash, because the same answers still lead to the same considerations.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from pydantic import Field, ValidationError

from dialogs.content import CONTENT, UNREADABLE, Scenario, Source, Words
from dialogs.errors import ContentError
from dialogs.rules import Record, Rule

WORDED = frozenset(
    {
        *("title", "short", "prompt", "why", "label", "unknown_label", "text", "strength"),
        *("in_words", "who", "ask", "by", "consent", "consent_note", "consent_tail", "words"),
        *("draft", "judgement", "changes", "scope_text", "footer", "step_heading", "timing"),
        *("confidence", "basis", "recipient", "discloser", "wording", "positions", "handling"),
    }
)
"""The fields that a person reads."""


class Translation(Record):
    language: str = Field(pattern=r"^[a-z]{2}$")
    scenario: str
    version: str
    reviewer: Words
    """The clinician who read it against the English, with profession; never a machine."""
    reviewed_on: date
    texts: Mapping[str, Words]
    """English -> the other language, word for word as in the scenario."""


def load_translation_text(text: str) -> Translation:
    """Read one translation; raise ContentError that names what is wrong."""
    try:
        return Translation.model_validate(tomllib.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise ContentError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except UNREADABLE as error:
        raise ContentError(str(error)) from error


@cache
def load_translations(scenario: str = "mat_pain") -> tuple[Translation, ...]:
    """Return the translations that are part of the project; none while nobody reviewed one."""
    folder = CONTENT.joinpath("translations")
    files = [path for path in folder.iterdir() if path.name.endswith(".toml")]
    found = [load_translation_text(path.read_text("utf-8")) for path in files]
    return tuple(each for each in found if each.scenario == scenario)


def in_language(scenario: Scenario, language: str) -> Scenario:
    """Return the scenario in ``language``, or as it is where no whole, reviewed translation fits."""
    known = {each.language for each in load_translations(scenario.id)}
    return _packaged(scenario, language) if language in known else scenario


@cache
def _packaged(scenario: Scenario, language: str) -> Scenario:
    return chosen(scenario, language, load_translations(scenario.id))


def chosen(scenario: Scenario, language: str, translations: Iterable[Translation]) -> Scenario:
    """Return the scenario in ``language`` by the first of ``translations`` that can be used."""
    for each in translations:
        if each.language == language and not problems(each, scenario):
            translated: Scenario = _translated(scenario, each.texts)
            return translated.model_copy(update={"language": language})
    return scenario


def problems(translation: Translation, scenario: Scenario) -> tuple[str, ...]:
    """Return why a translation cannot be used with a scenario: another version, words missing."""
    if (translation.scenario, translation.version) != (scenario.id, scenario.version):
        return (f"translates version {translation.version}, not {scenario.version}",)
    missing = [text for text in dict.fromkeys(texts_of(scenario)) if text not in translation.texts]
    return (f"{len(missing)} texts are missing, the first: {missing[0]!r}",) if missing else ()


def texts_of(value: Any) -> Iterator[str]:
    """Yield the words of a scenario that a person reads, in their order; sources are not translated."""
    if isinstance(value, tuple):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, Record) and not isinstance(value, Rule | Source):
        for name in type(value).model_fields:
            inside = getattr(value, name)
            if name in WORDED and isinstance(inside, str) and inside:
                yield inside
            else:
                yield from texts_of(inside)


def _translated(value: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_translated(item, texts) for item in value)
    if not isinstance(value, Record) or isinstance(value, Rule | Source):
        return value
    fields = {name: getattr(value, name) for name in type(value).model_fields}
    changed: dict[str, Any] = {
        name: texts.get(inside, inside)
        if name in WORDED and isinstance(inside, str)
        else _translated(inside, texts)
        for name, inside in fields.items()
    }
    # Anew, not copied: a copy would keep what was computed from the English words.
    return type(value).model_construct(**changed)
