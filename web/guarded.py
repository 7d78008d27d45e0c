"""Words that come from a page, after the identifier guard."""

from collections.abc import Mapping

from dialogs.identifiers import find_identifiers, kind_title
from web.access import BadForm

NOBODY = "nobody"
"""The field that says of words with a possible identifier that they identify nobody."""


def guarded(fields: Mapping[str, str], name: str) -> str:
    """Return the words of a form's field, stripped; BadForm says what in them identifies somebody."""
    words = fields.get(name, "").strip()
    found = find_identifiers(words)
    kinds = ", ".join(sorted({kind_title(each.kind) for each in found}))
    if any(each.tier == "hard" for each in found):
        raise BadForm(400, f"Nothing was kept: these words seem to identify somebody ({kinds}).")
    if found and not fields.get(NOBODY):
        raise BadForm(
            400,
            f"Nothing was kept: these words may identify somebody ({kinds}). If they do not, "
            "tick “It identifies nobody” and write it once more.",
        )
    return words
