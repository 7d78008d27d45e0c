"""The plainest reading of the content, to compare the engine with: slow, and separate from it.

An answer that is missing, "unk", ["unk"], null or [] is unknown. The answer to a question that is
not asked counts as not given; what depends on it is false, not unknown. ``not`` is true unless its
content is known to be true. Truth is True, False or None (not assessed).
"""

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
CONTENT: dict[str, Any] = json.loads((DATA / "reference.json").read_text("utf-8"))
FACTORS: dict[str, float] = CONTENT["mme_factors"]
MU = set(CONTENT["mu_opioids"])
VIGNETTES: list[dict[str, Any]] = CONTENT["open_vignettes"]
RED_FLAGS = {
    "RF1": {"sed", "od24"},
    "RF2": {"si"},
    "RF3": {"wd"},
    "RF4": {"sync"},
    "RF5": {"spine"},
    "RF6": {"expo"},
}
NOT_ASKED: Any = object()


def given(answers: dict[str, Any], question: str) -> Any:
    value: Any = answers.get(question)
    return None if value in (None, "unk", ["unk"], []) else value


def countable(entry: dict[str, Any]) -> float | None:
    drug, strength = entry["drug"], entry.get("strength")
    if drug in ("none", "bup_pain"):
        return 0.0
    if drug not in FACTORS or strength is None:
        return None
    if drug == "fentanyl_td":
        return float(strength * FACTORS[drug] * entry.get("n_patches", 1))
    return None if entry.get("per_day") is None else strength * entry["per_day"] * FACTORS[drug]


def doses(answers: dict[str, Any]) -> list[float | None] | None:
    opioids = given(answers, "opioid")
    return None if opioids in (None, NOT_ASKED) else [countable(opioid) for opioid in opioids]


def mme(answers: dict[str, Any]) -> float | None:
    parts = doses(answers)
    known = [part for part in parts or () if part is not None]
    return None if parts is None or len(known) < len(parts) else round(sum(known), 2)


def mme_at_least(answers: dict[str, Any]) -> float | None:
    parts = doses(answers)
    return None if parts is None else round(sum(part for part in parts if part is not None), 2)


def derived(rule: dict[str, Any], answers: dict[str, Any]) -> bool | None:
    opioids = given(answers, "opioid")
    if opioids is NOT_ASKED:
        return False
    if opioids is None:
        return None
    drugs = {opioid["drug"] for opioid in opioids}
    long_acting = drugs & {"fentanyl_td", "methadone_pain"}
    known = {
        "mu_opioid": bool(drugs & MU),
        "any_opioid": bool(drugs - {"none"}),
        "er_la": any(opioid.get("form") == "er" for opioid in opioids) or bool(long_acting),
    }
    if rule["derived"] in known:
        return known[rule["derived"]]
    if (mme_at_least(answers) or 0) >= rule["gte"]:
        return True
    return None if mme(answers) is None else False


def truth(rule: dict[str, Any], answers: dict[str, Any]) -> bool | None:
    if rule.get("always"):
        return True
    if "all" in rule:
        parts = [truth(part, answers) for part in rule["all"]]
        return False if False in parts else None if None in parts else True
    if "any" in rule:
        parts = [truth(part, answers) for part in rule["any"]]
        return True if True in parts else None if None in parts else False
    if "not" in rule:
        return truth(rule["not"], answers) is not True
    return derived(rule, answers) if "derived" in rule else criterion(rule, answers)


def criterion(rule: dict[str, Any], answers: dict[str, Any]) -> bool | None:
    value = given(answers, rule.get("q", "opioid"))
    if "unknown" in rule:
        return value is None
    if value is NOT_ASKED:
        return False
    if value is None:
        return None
    if "gte" in rule:
        return bool(value >= rule["gte"])
    listed = value if isinstance(value, list) else [value]
    chosen = {entry["drug"] if isinstance(entry, dict) else entry for entry in listed}
    if "lacks" in rule:
        return not chosen & set(rule["lacks"])
    return bool(chosen & set(rule["in"] if "in" in rule else rule["drug_in"]))


def applicable(answers: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for question in CONTENT["questions"]:
        asked = truth(question.get("ask_when", {"always": True}), kept)
        if asked is False:
            kept[question["id"]] = NOT_ASKED
        elif asked and question["id"] in answers:
            kept[question["id"]] = answers[question["id"]]
    return kept


def following(steps: list[str]) -> str | None:
    blocked = CONTENT["then_rules"]["blocked_after"].get(steps[0], [])
    rest = [step for step in steps[1:] if step != steps[0] and step not in blocked]
    return rest[0] if rest else None


def reference(answers: dict[str, Any]) -> dict[str, Any]:
    """Return what follows from any valid answers; lists in file order."""
    kept = applicable(answers)
    chosen = {*(given(kept, "safety_now") or [])}
    red = [banner for banner, options in RED_FLAGS.items() if options & chosen]
    rows = CONTENT["step_order"]
    steps = [row["id"] for row in rows[:-1] if truth(row["when"], kept) is True]
    amounts = {"mme": mme(kept), "mme_at_least": mme_at_least(kept)}
    if red:
        nothing: list[str] = []
        stopped = {"step": steps[0], "then": None, "considerations": nothing, "held_back": nothing}
        return {**stopped, "banners": red, **amounts}
    quiet = {i for s in CONTENT["suppress"] if truth(s["when"], kept) is True for i in s["ids"]}
    loud = [c for c in CONTENT["considerations"] if c["id"] not in quiet]
    truths = {c["id"]: truth(c["trigger"], kept) for c in loud}
    return {
        "step": steps[0] if steps else rows[-1]["id"],
        "then": following(steps) if steps else None,
        "considerations": [i for i, t in truths.items() if t is True],
        "held_back": [i for i, t in truths.items() if t is None],
        "banners": ["SC1"] if given(kept, "reason") == "cancer" else [],
        **amounts,
    }
