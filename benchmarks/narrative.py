"""Precision, recall and time of the narrative reader, for each set of narratives."""

import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dialogs.narrative import Reading, read_narrative

DATA = Path(__file__).parents[1] / "tests" / "dialogs" / "data"
HALVES = ("narratives_tuning", "narratives_heldout", "narratives_fresh")

Item = tuple[str, ...]


def narratives(name: str) -> list[dict[str, Any]]:
    """Return the narratives of one half, each with what must be suggested and what must not."""
    return [
        json.loads(line)
        for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def items(answers: Mapping[str, Any]) -> Iterator[Item]:
    """Yield every single fact: one option, one number, one field of one opioid."""
    for question, value in answers.items():
        if question == "opioid":
            for dose in value:
                drug = str(dose["drug"])
                yield (question, drug)
                for field in ("strength", "per_day", "form", "n_patches", "interval_h"):
                    if field in dose:
                        yield (question, drug, field, str(dose[field]))
        elif isinstance(value, list):
            yield from ((question, str(option)) for option in value)
        else:
            yield (question, str(value))


def told(reading: Reading) -> dict[str, Any]:
    return {s.question: s.value for s in reading.suggestions}


def compared(name: str) -> tuple[int, list[tuple[str, Item]], list[tuple[str, Item]], int]:
    """Return (right, wrong, missing, wrong or forbidden suggestions) of one half."""
    right, wrong, missing, forbidden = 0, [], [], 0
    for case in narratives(name):
        given = told(read_narrative(case["text"]))
        got, expected = set(items(given)), set(items(case["expect"]))
        right += len(got & expected)
        wrong += [(case["id"], item) for item in sorted(got - expected)]
        missing += [(case["id"], item) for item in sorted(expected - got)]
        forbidden += len(set(given) & set(case["forbid"]))
    return right, wrong, missing, forbidden


def milliseconds(text: str, times: int = 20) -> float:
    """Return the median processor time of one reading in ms."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        read_narrative(text)
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def main() -> None:
    read_narrative("warm")
    for name in HALVES:
        right, wrong, missing, forbidden = compared(name)
        cases = len(narratives(name))
        precision, recall = right / max(right + len(wrong), 1), right / max(right + len(missing), 1)
        print(
            f"{name:20} {cases} texts: {right} right, {len(wrong)} wrong, {len(missing)} missing,"
        )
        print(f"{'':20} {forbidden} forbidden; precision {precision:.3f}, recall {recall:.3f}")
        if "--list" in sys.argv:
            print(
                *(f"  wrong   {w}" for w in wrong), *(f"  missing {m}" for m in missing), sep="\n"
            )
    texts = [case["text"] for name in HALVES for case in narratives(name)]
    each = [milliseconds(text, 5) for text in texts]
    print(f"read: median {statistics.median(each):.2f} ms, worst of {len(each)} {max(each):.2f} ms")
    print(f"4,096 characters: {milliseconds((' '.join(texts))[:4096], 5):.1f} ms")


if __name__ == "__main__":
    main()
