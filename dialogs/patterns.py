"""The packaged patterns of the readers: kept as data, because they are long and reviewed as lists."""

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

_MACRO = re.compile(r"\{([A-Z_]+)\}")


@cache
def packaged(name: str) -> Mapping[str, Any]:
    """Return the packaged TOML file ``content/<name>.toml``."""
    body = resources.files("dialogs").joinpath(f"content/{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(body)


@cache
def sources(table: str, **given: str) -> dict[str, str]:
    """Return the patterns of one table of ``reading.toml``, in order.

    A list is its alternatives; ``{NAME}`` stands for an earlier entry or for one that is ``given``.
    """
    known, found = dict(given), {}
    for name, entry in packaged("reading")[table].items():
        joined = entry if isinstance(entry, str) else "|".join(entry)
        known[name.upper()] = found[name] = filled(joined, known)
    return found


def filled(pattern: str, macros: Mapping[str, str]) -> str:
    """Return ``pattern`` with its ``{NAME}`` replaced, as often as one leads to another."""
    while (changed := _MACRO.sub(lambda match: macros[match[1]], pattern)) != pattern:
        pattern = changed
    return pattern


def finder(table: str, **given: str) -> Callable[[str], re.Pattern[str]]:
    """Return what gives each pattern of one table by its name; compiled when first asked for."""

    @cache
    def find(name: str) -> re.Pattern[str]:
        return re.compile(sources(table, **given)[name])

    return find
