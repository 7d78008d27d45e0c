"""How fast the engine is: ``python -m benchmarks.engine``."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from dialogs.content import load_scenario, load_scenario_text, load_vignettes
from dialogs.depends import depends_map
from dialogs.evaluation import evaluate
from dialogs.summary import summarise

ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    milliseconds: float
    """Median over the rounds, of one call."""
    at_most: float | None
    """In milliseconds; None where nothing was promised."""


def timed(call: Callable[[], object], calls: int) -> float:
    """Return the median time of one call, in milliseconds."""
    gc.collect()
    rounds: list[float] = []
    for _ in range(ROUNDS):
        start = perf_counter()
        for _ in range(calls):
            call()
        rounds.append((perf_counter() - start) / calls * 1000)
    return median(rounds)


def figures() -> tuple[Figure, ...]:
    """Return the figures of the founding case."""
    scenario, answers = load_scenario(), load_vignettes()[0].answers
    return (
        Figure("evaluate", timed(lambda: evaluate(answers, scenario), 100), 0.5),
        Figure("it-depends map", timed(lambda: depends_map(answers, scenario), 2), 30.0),
        Figure("summary", timed(lambda: summarise(answers, scenario), 5), None),
        Figure("load the scenario", timed(lambda: load_scenario_text(scenario.body), 1), None),
    )


def main() -> None:
    for figure in figures():
        limit = f"at most {figure.at_most:g}" if figure.at_most is not None else "-"
        print(f"{figure.name:<20} {figure.milliseconds:>9.3f} ms   {limit}")


if __name__ == "__main__":
    main()
