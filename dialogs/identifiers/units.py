"""What follows a number and makes it a dose, a lab value, a duration or a count."""

import re

_UNITS = (
    r"m[gl]s?|mcg?s?|mcgs|ug|g|gm|gms|grams?|kg|kgs|lbs?|pounds?|oz|cc|mls|l|dl|units?|iu|u|"
    r"meq|mmol|mmhg|mm|cm|m|ft|feet|inch(?:es)?|"
    r"in|ng|pg|hz|khz|ms|msec|bpm|kpa|cal|kcal|degrees?|cells?|copies|percent|"
    r"h|hr|hrs|hours?|min|mins|minutes?|sec|secs|seconds?|d|days?|wk|wks|weeks?|mo|mos|"
    r"months?|yr|yrs|years?|nights?|"
    r"x|times?|tabs?|tablets?|pills?|films?|strips?|caps?|capsules?|patch(?:es)?|doses?|"
    r"puffs?|sprays?|drops?|bags?|bundles?|"
    r"mme|mmes|med|omeq|bid|tid|qid|qd|qhs|qam|qpm|qod|daily|prn|po|sl|iv|im|sc|sq|subq|"
    r"nightly|monthly|weekly|"
    r"patients?|pts?|people|participants?|visits|of|to|pm|am|drinks?|beers?|packs?|"
    r"cigarettes?|cigs|ppd|"
    r"points?|steps?|percentile|fold|more|less|or"
)
AFTER = re.compile(
    rf"\s{{0,2}}-?\s?(?:%|°|\+|/\s?(?:{_UNITS}|day|h|ml|hpf)\b|(?:{_UNITS})\b)", re.IGNORECASE
)
DOSE = re.compile(
    r"[\s-]{0,2}(?:m[gl]s?|mcgs?|ug|gm?|tabs?|tablets?|films?|strips?|bid|tid|qid|qd|qhs|qam|"
    r"qpm|daily|prn|sl|po|nightly|iu|units?|"
    r"ml|q\d|q ?(?:day|am|pm|hs)|once|twice|split|mme|/\s?m|mmhg|cells|copies|patch(?:es)?|"
    r"caps?|pills?|doses?)\b",
    re.IGNORECASE,
)


def unit_after(text: str, end: int) -> bool:
    return AFTER.match(text, end) is not None


def dose_after(text: str, end: int) -> bool:
    return DOSE.match(text, end) is not None
