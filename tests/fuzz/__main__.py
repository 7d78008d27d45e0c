"""``python -m tests.fuzz``: every fuzzer for so long, two at a time; or one of them.

A failure leaves its input in build/fuzz and says how to run it again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"
NAMES = (
    *("updates", "deep_links", "callbacks", "deliveries"),
    *("guard", "doses", "narratives", "content"),
)
SLOW_SECONDS = 2.0
"""Of CPU; no input may take longer."""

HANGING_SECONDS = 30
"""By the clock, after which libFuzzer ends a target, https://llvm.org/docs/LibFuzzer.html#options."""

START_SECONDS = 120
MEMORY_MB = 2048


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--target", choices=NAMES)
    parser.add_argument("input", type=Path, nargs="?", help="one input to run again")
    options = parser.parse_args(argv)
    if options.target:
        return fuzz(options.target, options.seconds, options.input)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda name: run(name, options.seconds), NAMES))
    for name, (code, told) in zip(NAMES, results, strict=True):
        print(f"{name:12} {summary(told) if code == 0 else failure(told)}", flush=True)
    return 1 if any(code for code, _ in results) else 0


def run(name: str, seconds: int) -> tuple[int, str]:
    """Fuzz one target in a process of its own; return its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--target", name, "--seconds", str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + START_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def summary(told: str) -> str:
    """Return how often a target was run, as libFuzzer says at the end."""
    lines = [line for line in told.splitlines() if line.startswith("Done ")]
    return lines[-1] if lines else "no summary"


def failure(told: str) -> str:
    """Return what went wrong and how to run it again, without libFuzzer's progress."""
    lines = [line for line in told.splitlines() if not line.startswith(("#", "INFO", "WARNING"))]
    return "\n".join(lines[:60])


def in_time(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return the target, failing when an input takes too long."""

    def timed(data: bytes) -> None:
        began = time.process_time()
        target(data)
        assert time.process_time() - began < SLOW_SECONDS, "too slow"

    return timed


def fuzz(name: str, seconds: int, again: Path | None) -> int:
    """Run one target in this process until its time is up; it ends the process."""
    import atheris

    with atheris.instrument_imports(include=["bot", "dialogs", "web.webhook", "storage.text"]):
        from tests.fuzz.targets import SEEDS, TARGETS
    FOUND.mkdir(parents=True, exist_ok=True)
    corpus = Path(tempfile.mkdtemp(prefix="curbside-fuzz-"))
    for number, seed in enumerate(SEEDS.get(name, lambda: [bytes(range(256))])()):
        (corpus / str(number)).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={HANGING_SECONDS}",
        "-len_control=0",
        f"-rss_limit_mb={MEMORY_MB}",
        "-max_len=4096",
        "-print_final_stats=0",
        f"-artifact_prefix={FOUND}/{name}-",
    ]
    print(f"again: {sys.executable} -m tests.fuzz --target {name} FILE-IN-{FOUND}", flush=True)
    atheris.Setup([sys.argv[0], *options, str(again or corpus)], in_time(TARGETS[name]))
    atheris.Fuzz()
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
