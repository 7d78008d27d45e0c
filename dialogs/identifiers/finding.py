"""What the guard found, and how to show it without showing it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Tier = Literal["hard", "soft"]

_TITLES = {
    "name": "a name",
    "date": "a date with day and month",
    "phone": "a phone number",
    "fax": "a fax number",
    "email": "an e-mail address",
    "address": "a street address",
    "geo": "a place smaller than a state",
    "zip": "a postal code",
    "age": "an age of 90 or more",
    "ssn": "a social security number",
    "mrn": "a medical record number",
    "plan": "a health plan number",
    "account": "an account or card number",
    "license": "a licence or certificate number",
    "plate": "a licence plate",
    "vin": "a vehicle number",
    "device": "a device number",
    "url": "a web address",
    "ip": "an internet protocol address",
    "handle": "a user name",
    "other": "another identifying number",
}
KINDS = tuple(_TITLES)

_MASK = "▒▒▒▒"
_AROUND = 28
_LONGEST = 120
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One identifier: `start` and `end` (exclusive) count code points of the text as it came."""

    start: int
    end: int
    kind: str
    tier: Tier


def kind_title(kind: str) -> str:
    """Plain English for a kind; the message id of its translation."""
    return _TITLES[kind]


_VAGUE = {"other": 0, "phone": 1, "name": 1, "account": 2}
"""Kinds that a bare shape suggests; any other kind says more."""


def _weight(finding: Finding) -> tuple[bool, int, int]:
    length = finding.end - finding.start
    return finding.tier == "hard", _VAGUE.get(finding.kind, len(_VAGUE)), length


def _together(one: Finding, other: Finding) -> Finding:
    named = max(one, other, key=_weight)
    return Finding(one.start, max(one.end, other.end), named.kind, named.tier)


def joined(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in order, those that overlap made one.

    Of two, the hard one names the kind, then the one whose kind says more, then the longer.
    """
    result: list[Finding] = []
    for finding in sorted(findings):
        if result and finding.start < result[-1].end:
            result[-1] = _together(result[-1], finding)
        else:
            result.append(finding)
    return tuple(result)


def _echoes(text: str, findings: Sequence[Finding]) -> list[tuple[int, int]]:
    """Where the findings, or longer words of them, stand elsewhere in the text."""
    found = {text[f.start : f.end] for f in findings}
    words = {word.casefold() for value in found for word in _WORD.findall(value)}
    places = [m.span() for m in _WORD.finditer(text) if m.group().casefold() in words]
    return places + [m.span() for value in found for m in re.finditer(re.escape(value), text)]


def _hidden(text: str, findings: Sequence[Finding]) -> list[tuple[int, int]]:
    spans = sorted([(f.start, f.end) for f in findings] + _echoes(text, findings))
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _kept(text: str) -> str:
    """Text for the excerpt: on one line, without a control character."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _head(text: str) -> str:
    """The whole words at the end of what stands before the first finding."""
    if len(text) <= _AROUND:
        return _kept(text)
    return "… " + _kept(text[-_AROUND:].partition(" ")[2])


def _tail(text: str) -> str:
    if len(text) <= _AROUND:
        return _kept(text)
    return _kept(text[:_AROUND].rpartition(" ")[0]) + " …"


def masked(text: str, findings: Sequence[Finding]) -> str:
    """A short excerpt with every finding, and every other place of its words, covered.

    At most about 120 characters; empty when nothing was found.
    """
    spans = _hidden(text, findings)
    if not spans:
        return ""
    parts = [_head(text[: spans[0][0]]), _MASK]
    for (_, end), (start, _) in pairwise(spans):
        between = text[end:start]
        parts += [_kept(between) if len(between) <= _AROUND else "…", _MASK]
        if sum(map(len, parts)) > _LONGEST - _AROUND - 10:
            return " ".join(filter(None, [*parts, "…"]))
    return " ".join(filter(None, [*parts, _tail(text[spans[-1][1] :])]))
