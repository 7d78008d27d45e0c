# ruff: noqa: E501 -- fragments and the lines of the table
"""The identifier guard against its targets: recall, false alarms, disguises, time and memory.

    python -m benchmarks.guard [seed]

Names come from thirty locales of Faker, a source the guard's lists do not use; values, frames and disguises are in
`guard_text`. The seed of the report is not one that rules were tuned on.
"""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from faker import Faker
from faker.config import AVAILABLE_LOCALES

from benchmarks import guard_text
from benchmarks.guard_text import Sample
from dialogs.identifiers import find_identifiers

DATA = Path(__file__).parents[1] / "tests" / "dialogs" / "data"
REPEATED = ["1/", "1 ", "1-", "A.", "J. ", "@", "at ", "dot ", "Mr ", "St ", "12 St ", "Jan 1 ", "(", "+1", "mrn ", "0x", "john ", "::", "a.b", "www.", "zero ", "March ", "90 ", "90F ", "$a", "u/a", "plate A1", "Smith, ", "# ", "id ", "apt ", "county ", "10/01 ", "614-555-0", "20 ", "12345-", "j0hn ", "x*", "since ", "lives in ", "patient named ", "po box ", "last four ", "ninety ", "éx@", "王", "ﷺ", "\u200b", "\n"]  # fmt: skip
PROBE = """
import sys, time, resource
before = int(open("/proc/self/statm").read().split()[1])
start = time.perf_counter()
from dialogs.identifiers import find_identifiers
find_identifiers("x")
print(time.perf_counter() - start, (int(open("/proc/self/statm").read().split()[1]) - before) * resource.getpagesize() / 2**20)
"""


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    count: int
    value: float
    target: float
    unit: str = ""

    @property
    def met(self) -> bool:
        at_least = self.unit == "" and self.target > 0.5
        return self.value >= self.target if at_least else self.value <= self.target

    def __str__(self) -> str:
        sign = ">=" if self.unit == "" and self.target > 0.5 else "<="
        value = f"{self.value:.4f}" if self.unit == "" else f"{self.value:.2f} {self.unit}"
        return f"{self.what:<52}{self.count:>7}  {value:>10}  {sign} {self.target:<7}{'ok' if self.met else 'MISSED'}"


def hit(text: str, start: int, end: int) -> bool:
    return any(f.start < end and start < f.end for f in find_identifiers(text))


def recall(what: str, samples: Iterable[Sample], target: float) -> Line:
    missed: Counter[str] = Counter()
    count = 0
    for sample in samples:
        count += 1
        missed[sample.kind] += not hit(sample.text, sample.start, sample.end)
    if missed.total():
        print("  missed:", dict(missed.most_common(6)))
    return Line(what, count, 1 - missed.total() / count, target)


def alarms(what: str, texts: Iterable[str]) -> tuple[Line, Line]:
    found = [find_identifiers(text) for text in texts]
    hard = sum(any(f.tier == "hard" for f in findings) for findings in found)
    anything, count = sum(map(bool, found)), len(found)
    return (
        Line(f"{what}, any flag", count, anything / count, 0.01),
        Line(f"{what}, hard", count, hard / count, 0.001),
    )


def sentences(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def written_dirty(name: str) -> Iterator[Sample]:
    for line in sentences(name):
        yield from guard_text.marked(line)


def in_locales(seed: int, each: int, *, lower: bool) -> Iterator[Sample]:
    """Full names of every locale that Faker has, far scripts included."""
    rng = random.Random(seed)
    frames = guard_text.OTHER_LOWER_FRAMES if lower else guard_text.NAME_FRAMES
    for locale in sorted(AVAILABLE_LOCALES):
        fake = Faker(locale)
        fake.seed_instance(seed)
        for _ in range(each):
            value = f"{fake.first_name()} {fake.last_name()}"
            yield guard_text.framed(rng.choice(frames), "name", value.lower() if lower else value)


def labelled(label: int) -> Iterator[Sample]:
    for line in (DATA / "guard_open.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["label"] == label:
            yield Sample(row["text"], row["type"], row["start"] or 0, row["end"] or 0)


def seconds(text: str) -> float:
    start = time.process_time()
    find_identifiers(text)
    return time.process_time() - start


def milliseconds(texts: Iterable[str], share: float) -> tuple[int, float]:
    times = sorted(min(seconds(text) for _ in range(4)) for text in texts)
    return len(times), 1000 * times[int(share * (len(times) - 1))]


def passages(seed: int, count: int, length: int) -> Iterator[str]:
    """Text of a length, half clean sentences and half with identifiers."""
    rng = random.Random(seed)
    pool = [*guard_text.clean(seed, 2000), *(s.text for s in guard_text.structured(seed, 1000)), *(s.text for s in guard_text.names(seed, 1000))]  # fmt: skip
    for _ in range(count):
        yield " ".join(rng.choices(pool, k=length // 30))[:length]


def repeats(seed: int, count: int, length: int) -> Iterator[str]:
    """Adversarial text: one or a few fragments over and over."""
    rng = random.Random(seed)
    for number in range(count):
        unit = REPEATED[number] if number < len(REPEATED) else "".join(rng.choices(REPEATED, k=3))
        yield (unit * length)[:length]


def recalls(seed: int) -> Iterator[Line]:
    lower = guard_text.lower_names(seed, 3000, guard_text.OTHER_LOWER_FRAMES)
    yield recall("structured identifiers", guard_text.structured(seed, 6000), 0.998)
    yield recall("names with capitals, thirty locales", guard_text.names(seed, 4000), 0.985)
    yield recall("names in small letters after a cue", lower, 0.90)
    yield recall("disguised", guard_text.disguised(seed, 2400), 0.90)
    yield recall("names, every locale", in_locales(seed, 40, lower=False), 0.985)
    yield recall("names, every locale, small letters", in_locales(seed, 40, lower=True), 0.90)
    yield recall("sentences by hand", written_dirty("guard_dirty.txt"), 0.985)
    yield recall("sentences as clinicians type", written_dirty("guard_typed_dirty.txt"), 0.985)
    yield recall("labelled sentences given", labelled(1), 0.985)


def falsehoods(seed: int) -> Iterator[Line]:
    yield from alarms("clean, from templates", guard_text.clean(seed, 6000))
    yield from alarms("clean, by hand", sentences("guard_clean.txt"))
    yield from alarms("clean, as clinicians type", sentences("guard_typed_clean.txt"))
    yield from alarms("clean, given", [sample.text for sample in labelled(0)])


def speeds(seed: int) -> Iterator[Line]:
    for length, count, target in ((500, 400, 3.0), (4096, 100, 80.0)):
        number, time_ = milliseconds(passages(seed, count, length), 0.99)
        yield Line(f"p99 of {length} characters", number, time_, target, "ms")
    number, time_ = milliseconds(repeats(seed, 250, 4096), 1.0)
    yield Line("worst of fuzzed repeats, 4096 characters", number, time_, 80.0, "ms")
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True
    )
    load, memory = map(float, probe.stdout.split())
    yield Line("import and load", 1, load, 0.5, "s")
    yield Line("memory", 1, memory, 60.0, "MiB")


def lines(seed: int) -> Iterator[Line]:
    parts: tuple[Callable[[int], Iterator[Line]], ...] = (recalls, falsehoods, speeds)
    for part in parts:
        yield from part(seed)


def main() -> int:
    """Print every figure and return 1 if a target is missed."""
    seed = int(next(islice(sys.argv, 1, 2), "20261122"))
    print(f"seed {seed}")
    met = True
    for line in lines(seed):
        print(line, flush=True)
        met = met and line.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
