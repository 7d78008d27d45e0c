"""The identifier guard: finds what could tell who a text is about, before anything is written.

A rule-and-lexicon guard for the identifiers of HIPAA's Safe Harbor list. It reads the text folded to
plain letters and answers in code points of the text as it came. The reasons are in
docs/adr/0010-identifier-guard.md.
"""

from collections.abc import Iterable, Iterator

from dialogs.identifiers.addresses import addresses
from dialogs.identifiers.ages import ages
from dialogs.identifiers.cued import cued_numbers
from dialogs.identifiers.disguise import disguised
from dialogs.identifiers.finding import KINDS, Finding, Tier, joined, kind_title, masked
from dialogs.identifiers.headless import answers
from dialogs.identifiers.lexicon import packaged
from dialogs.identifiers.links import links
from dialogs.identifiers.months import month_days, month_years, with_weekday
from dialogs.identifiers.names import names
from dialogs.identifiers.numbers import numbers
from dialogs.identifiers.regions import is_certain, regions
from dialogs.identifiers.text import View, view_of
from dialogs.identifiers.tokens import Reading, reading_of

__all__ = ["KINDS", "Finding", "Tier", "find_identifiers", "guard_lines", "kind_title", "masked"]


_RULES = (
    numbers,
    links,
    cued_numbers,
    month_days,
    month_years,
    ages,
    addresses,
    regions,
    disguised,
    names,
)


def _all(reading: Reading) -> Iterator[Finding]:
    """What every rule finds, but for names that are certainly those of places."""
    found = [finding for rules in _RULES for finding in rules(reading)]
    places = [place for place in found if is_certain(reading, place)]
    for finding in found:
        if finding.kind != "name" or not any(_covers(place, finding) for place in places):
            yield finding


def _covers(place: Finding, name: Finding) -> bool:
    return place.start <= name.start and name.end <= place.end


def _placed(finding: Finding, view: View) -> Finding:
    return Finding(*view.original(finding.start, finding.end), finding.kind, finding.tier)


def find_identifiers(text: str) -> tuple[Finding, ...]:
    """What in the text could identify a person: in order, none overlapping another."""
    view = view_of(text)
    reading = reading_of(view.text, packaged())
    found = joined(with_weekday(reading, finding) for finding in joined(_all(reading)))
    return joined(_placed(finding, view) for finding in found)


def guard_lines(lines: Iterable[str]) -> Iterator[str]:
    """For each line with a JSON object {"text": ...}, a JSON object with its findings, or with an error.

    An error names the field and what to do, and repeats nothing of the line. Empty lines are passed over.
    """
    return answers(lines, find_identifiers)
