"""The case library: cases like this one, by coded answers, and how they went; never by anybody's words."""

from collections.abc import Callable, Iterator

from bot.callbacks import Callback, encode
from bot.opinions import back_rows
from bot.screen import Button, Row, Screen, bold, esc, lines, paragraphs
from bot.turn import Gone, Turn
from dialogs.content import Scenario
from dialogs.followup import followup
from dialogs.likeness import Likeness, most_alike
from storage import consults, library, shares
from storage.access import Action
from storage.consults import StoredConsult
from storage.library import Became, LibraryCase
from storage.shares import Publication

MOST_SHOWN = 4


def _enter(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case, Action.SHARED_READ)
    if data.arg(0) in ("in", "out"):
        _let(turn, turn.case(data.case, Action.CONSULT_SHARE), on=data.arg(0) == "in")
    _show(turn, stored)


def _let(turn: Turn, stored: StoredConsult, *, on: bool) -> None:
    """Let the asker's teams find the case, or no longer."""
    if not on:
        library.opt_out(turn.tx, stored, turn.person.id)
        turn.tell(turn.t("Taken out of the library."))
    elif library.opt_in(turn.tx, stored, turn.person.id):
        turn.tell(turn.t("Your team can find this case now."))
    else:
        turn.tell(turn.t("Share the case with a team first; a library is a team's."))


def _show(turn: Turn, stored: StoredConsult) -> None:
    """Show the most similar cases: how many answers agree, which, and what became of them."""
    t, shown = turn.t, shares.published(turn.tx, stored.id)
    if shown is None:
        raise Gone
    scenario = turn.scenario_of(shown.content_hash)
    found = library.cases(turn.tx, turn.person.id, stored.id, scenario.id)
    alike = most_alike(shown.answers, [each.answers for each in found], scenario, MOST_SHOWN)
    blocks = [_case(turn, found[place], each, scenario) for place, each in alike]
    none = t("No similar case yet. Cases stand here when their askers let the team find them.")
    body = paragraphs(
        bold(t("Case {code} · similar cases").format(code=stored.code)),
        esc(t("Compared by coded answers only, never by anybody's words. Similar is not the same."))
        if blocks
        else esc(none),
        *blocks,
    )
    rows = (
        *_open_rows(turn, [found[place] for place, _ in alike]),
        *_own_row(turn, stored, shown),
        *back_rows(turn, stored),
    )
    turn.show(Screen(body, rows), consult=stored.id, kind="library")


def _case(turn: Turn, found: LibraryCase, like: Likeness, scenario: Scenario) -> str:
    t = turn.t
    head = t("Case {code}: {same} of {compared} answers the same").format(
        code=found.code, same=len(like.same), compared=like.compared
    )
    return lines(
        bold(head),
        _named(t("Same: {names}"), like.same, scenario),
        _named(t("Different: {names}"), like.different, scenario),
        *map(esc, _became(turn, library.became(turn.tx, found.consult_id), scenario)),
    )


def _named(words: str, ids: tuple[str, ...], scenario: Scenario) -> str:
    names = ", ".join(scenario.question(each).short for each in ids)
    return esc(words.format(names=names)) if ids else ""


def _became(turn: Turn, found: Became, scenario: Scenario) -> Iterator[str]:
    """Yield what was decided and how the reviews went, in words."""
    t, choices = turn.t, followup()
    if found.plan is None:
        yield t("No plan recorded.")
        return
    step = scenario.step(found.plan.step)
    decided = t(choices.words("decided", found.plan.decided))
    if found.plan.decided == "step":
        decided = step.title
    yield t("Decided: {decided}").format(decided=decided)
    for day, outcome in found.outcomes:
        name = t("day {day}").format(day=day) if day is not None else t("reached them?")
        yield f"• {name}: {t(choices.words('outcome', outcome))}"


def _open_rows(turn: Turn, found: list[LibraryCase]) -> tuple[Row, ...]:
    """Return a button for each of the cases that is still open to the person."""
    opened = [consults.load(turn.tx, each.consult_id) for each in found]
    row = tuple(
        Button(turn.t("Case {code}").format(code=each.code), encode("shv", each.short, "p", 0))
        for each in opened
        if each.owner_id != turn.person.id and shares.may_read(turn.tx, turn.person, each)
    )
    return (row,) if row else ()


def _own_row(turn: Turn, stored: StoredConsult, shown: Publication) -> tuple[Row, ...]:
    """Return the asker's own switch: whether the team can find this case."""
    if stored.owner_id != turn.person.id:
        return ()
    if library.teams_of(turn.tx, stored):
        return (
            (Button(turn.t("Take it out of the library"), encode("lib", stored.short, "out")),),
        )
    return ((Button(turn.t("Let my team find this case"), encode("lib", stored.short, "in")),),)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"lib": _enter}
