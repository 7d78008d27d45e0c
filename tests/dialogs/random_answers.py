"""Answers drawn at random: every shape that is valid, each question sometimes left out."""

from random import Random
from typing import Any

from tests.dialogs.reference_evaluator import CONTENT

QUESTIONS: list[dict[str, Any]] = CONTENT["questions"]
NO_ANSWER: tuple[Any, ...] = ("unk", None, [])
STRENGTHS = (0.5, 2, 2.5, 5, 7.5, 10, 12, 12.5, 15, 25, 33.3, 50, 80, 100)


CALM: dict[str, tuple[Any, ...]] = {
    "safety_now": (["none"],),
    "mat": ("methadone", "methadone", "bup_sl", "bup_xr", "none_remission"),
    "setting": ("otp", "obot", "other"),
    "reason": ("flare", "chronic_back", "chronic_neuro", "chronic_other"),
    "mat_status": ("stable_obs", "stable_th"),
    "decided": ("none", "none", "continue", "taper"),
    "signals": (["none"],),
    "risk": (["none"], ["psych"], ["household"]),
    "cns": (["none"], ["gaba"]),
}
"""Answers that leave the first rows of the step table alone, so that the last ones are reached."""


def random_answers(random: Random) -> dict[str, Any]:
    """Return one valid set of answers; from almost none to all of them."""
    missing = random.choice((0.0, 0.1, 0.3, 0.7))
    asked = [q for q in QUESTIONS if random.random() >= missing / 2]
    drawn = {q["id"]: random_value(q, random, missing) for q in asked}
    if random.random() < 0.5:
        drawn |= {name: random.choice(values) for name, values in CALM.items()}
    return drawn


def random_value(question: dict[str, Any], random: Random, missing: float = 0.0) -> Any:
    if random.random() < missing / 2:
        return random.choice(NO_ANSWER if question["id"] != "role" else NO_ANSWER[1:])
    options = [option["id"] for option in question["options"]]
    match question["type"]:
        case "choice":
            return random.choice(options)
        case "number":
            return random.choice((1, 4, 5, 80, 99.9, 100, 100.5, 201, 400, random.randint(1, 400)))
        case "multi":
            return _several(question, options, random)
        case _:
            return _doses(options, random)


def _several(question: dict[str, Any], options: list[str], random: Random) -> list[str]:
    quiet = question["id"] == "safety_now" and random.random() < 0.9
    others = [option for option in options if option != "none"]
    if quiet or random.random() < 0.4:
        return ["none"]
    return random.sample(others, random.randint(1, min(4, len(others))))


def _doses(options: list[str], random: Random) -> list[dict[str, Any]]:
    if random.random() < 0.1:
        return [{"drug": "none"}]
    others = [option for option in options if option != "none"]
    return [_dose(random.choice(others), random) for _ in range(random.choice((1, 1, 1, 2, 3)))]


def _dose(drug: str, random: Random) -> dict[str, Any]:
    fields = {
        "strength": random.choice(STRENGTHS),
        "per_day": random.choice((1, 2, 3, 4, 6, 8, 1.5)),
        "form": random.choice(("ir", "er", "patch")),
        "up_to": random.random() < 0.5,
        "n_patches": random.choice((1, 2, 3)),
        "interval_h": random.choice((48, 72)),
    }
    return {"drug": drug} | {name: v for name, v in fields.items() if random.random() < 0.7}
