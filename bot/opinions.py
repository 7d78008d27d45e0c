"""Opinions in the private chat: given in taps before the others' show, by role only, permanently."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.callbacks import Callback, encode
from bot.language import translator
from bot.screen import Button, Row, Screen, bold, esc, laid_out, paragraphs
from bot.screens import start
from bot.screens.opinions import (
    Wording,
    choices_text,
    numbered,
    reasons_pages,
    spread_text,
)
from bot.screens.summary import home
from bot.turn import Gone, Turn
from dialogs.content import Scenario
from dialogs.opinions import (
    CONCERN_WORDS,
    MOST_REASON,
    OTHER,
    SURE,
    all_steps,
    leanings,
    one_line,
    spread,
    steps_near,
)
from storage import consults, expecting, people, rounds, shares, transcript
from storage.access import Action, allowed, authorize
from storage.consults import StoredConsult
from storage.errors import Conflict
from storage.expecting import Expected
from storage.people import Person
from storage.rounds import CHOICES, Draft, Given, Round
from storage.shares import Publication
from storage.transaction import Tx
from storage.transcript import Outgoing

STAGES = len(CHOICES)
NUMBERS = 5
"""Buttons with a number alone that stand in one row."""

HOURS_OF_A_DAY = 24
KIND = "opinion"
"""Of every screen that shows opinions or a draft: the console leaves them out while a round runs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The case that somebody is asked about, its round, and what they gave before."""

    stored: StoredConsult
    shown: Publication
    round: Round
    given: Given | None

    @property
    def revision(self) -> int:
        return self.given.revision if self.given else 0


# --- where it is reached from -----------------------------------------------------------------


def reader_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return what somebody else's case offers a reader: say what they think, or see what others do."""
    found = rounds.latest(turn.tx, stored.id)
    if found is None:
        return ()
    said = (Button(_entry_label(turn, stored, found), encode("op", stored.short)),)
    return (said, *more_rows(turn, stored, found))


def _entry_label(turn: Turn, stored: StoredConsult, found: Round) -> str:
    if rounds.sees(turn.tx, found, turn.person.id):
        return turn.t("What people think")
    may = allowed(turn.tx, turn.person, Action.SHARED_RESPOND, stored)
    return turn.t("Say what you think") if may else turn.t("What people think")


def summary_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the row that the asker's summary gains once others were asked."""
    if rounds.latest(turn.tx, stored.id) is None:
        return ()
    return ((Button(turn.t("Opinions"), encode("op", stored.short)),),)


def more_rows(turn: Turn, stored: StoredConsult, found: Round) -> tuple[Row, ...]:
    """Return what else there is about a case: the discussion, a question, cases like it."""
    t, short = turn.t, stored.short
    seen = rounds.sees(turn.tx, found, turn.person.id)
    may = allowed(turn.tx, turn.person, Action.SHARED_RESPOND, stored)
    talk = (Button(t("Discussion"), encode("tlk", short)),) if seen else ()
    ask = (Button(t("Ask the asker"), encode("cla", short)),) if may else ()
    return ((*talk, *ask), (Button(t("Similar cases"), encode("lib", short)),))


def ask_everybody(turn: Turn, stored: StoredConsult) -> Round:
    """Open a round for a case that was shared just now; one that runs goes on."""
    return rounds.open_round(turn.tx, stored, turn.person.id)


# --- the entry --------------------------------------------------------------------------------


def _enter(turn: Turn, data: Callback) -> None:
    """Show what people think, or ask for one's own opinion first."""
    stored = turn.case(data.case, Action.SHARED_READ)
    found = rounds.latest(turn.tx, stored.id)
    if found is None:
        raise Gone
    rounds.record_look(turn.tx, found, turn.person.id)
    if data.arg(0) == "all":
        show_reasons(turn, stored, found, data)
    else:
        show(turn, stored, found)


def show(turn: Turn, stored: StoredConsult, found: Round) -> None:
    """Show a round as far as the person may see it; a responder who gave nothing yet is asked."""
    if rounds.sees(turn.tx, found, turn.person.id):
        _show_spread(turn, stored, found)
    elif allowed(turn.tx, turn.person, Action.SHARED_RESPOND, stored):
        _ask(turn, _asked(turn, stored, found))
    else:
        _show_waiting(turn, stored, found)


def _show_waiting(turn: Turn, stored: StoredConsult, found: Round) -> None:
    """Say that opinions are collected, and nothing of them; the asker can close the round."""
    t, mine = turn.t, stored.owner_id == turn.person.id
    body = paragraphs(
        bold(t("Case {code} · opinions are being collected").format(code=stored.code)),
        esc(
            t(
                "Each person answers before seeing the others. Until the round closes you see no "
                "opinion, and not how many there are; nor does an administrator."
            )
        ),
        esc(t("It closes by itself in {time}.").format(time=time_left(turn, found))),
    )
    close = (Button(t("Close it now and see"), encode("opend", stored.short)),) if mine else ()
    rows = (close, *more_rows(turn, stored, found), *back_rows(turn, stored))
    turn.show(Screen(body, rows), consult=stored.id, kind=KIND)


def back_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the row that leads back to the case: one's own summary, or the shared case."""
    if stored.owner_id == turn.person.id:
        return (home(turn.t, stored.short),)
    return ((Button(turn.t("‹ The shared case"), encode("shv", stored.short, "p", 0)),),)


def time_left(turn: Turn, found: Round) -> str:
    """Return how long a round still runs, in whole days or hours, rounded up."""
    hours = max(1, -(-int((found.ends_at - turn.tx.now).total_seconds()) // 3600))
    if hours > 2 * HOURS_OF_A_DAY:
        return turn.t("{count} days").format(count=-(-hours // HOURS_OF_A_DAY))
    return turn.t("{count} hours").format(count=hours)


# --- giving one, tap by tap -------------------------------------------------------------------


def _asked(turn: Turn, stored: StoredConsult, found: Round) -> Asked:
    shown = shares.published(turn.tx, stored.id)
    if shown is None:
        raise Gone
    return Asked(stored, shown, found, rounds.given(turn.tx, found, turn.person.id))


def _tapped(turn: Turn, data: Callback) -> None:
    """Answer a tap while an opinion is put together."""
    stored = turn.case(data.case, Action.SHARED_RESPOND)
    found = rounds.latest(turn.tx, stored.id)
    if found is None:
        raise Gone
    asked = _asked(turn, stored, found)
    rounds.record_look(turn.tx, found, turn.person.id)
    if not found.running:
        _say_closed(turn, asked)
    elif data.turn != asked.revision:
        _say_given_elsewhere(turn, asked)
    else:
        _step(turn, asked, data.arg(0), data.arg(1))


def _step(turn: Turn, asked: Asked, stage: str, value: str) -> None:
    kept = rounds.draft(turn.tx, asked.round, turn.person.id)
    match stage:
        case "give":
            _give(turn, asked, kept)
        case "change" if asked.given is not None:
            _keep(turn, asked, Draft(asked.given.choices, asked.given.reason))
        case "again" if value in CHOICES:
            _ask_one(turn, asked, value)
        case "bare":
            _keep(turn, asked, replace(kept, reason=""))
        case _ if value == "more" and stage in CHOICES:
            _ask_one(turn, asked, stage, every=True)
        case _ if stage in CHOICES and value in _options(turn, asked, stage, every=True):
            _keep(turn, asked, replace(kept, choices={**kept.choices, stage: value}))
        case _:
            raise Gone


def _keep(turn: Turn, asked: Asked, kept: Draft) -> None:
    rounds.keep_draft(turn.tx, asked.stored, asked.round, turn.person, kept)
    _ask(turn, asked)


def _ask(turn: Turn, asked: Asked) -> None:
    """Ask for the next thing an opinion needs; when it has all, show it before it is given."""
    if turn.person.role is None:
        turn.show(start.role_screen(turn.scenario, turn.t), kind="role")
        return
    kept = rounds.draft(turn.tx, asked.round, turn.person.id)
    missing = next((stage for stage in CHOICES if stage not in kept.choices), None)
    if missing is None:
        _show_draft(turn, asked, kept)
    else:
        _ask_one(turn, asked, missing)


def _wording(turn: Turn, shown: Publication) -> Wording:
    return Wording(turn.scenario_of(shown.content_hash), turn.t)


def _options(turn: Turn, asked: Asked, stage: str, *, every: bool) -> dict[str, str]:
    """Return code -> words of what can be chosen; of steps those near first, all where wanted."""
    words, scenario = _wording(turn, asked.shown), turn.scenario_of(asked.shown.content_hash)
    match stage:
        case "concern":
            return {code: words.concern(code) for code in CONCERN_WORDS}
        case "step":
            near = steps_near(asked.shown.answers, scenario)
            ids = dict.fromkeys((*near, *all_steps(scenario)) if every else near)
            none = {OTHER: turn.t("None of these")} if every else {}
            return {each: words.step(each) for each in ids} | none
        case "leans_on":
            raised = leanings(asked.shown.answers, scenario)
            return {each: words.leaning(each) for each in raised} | {OTHER: turn.t("None of these")}
        case _:
            return {str(sure): str(sure) for sure in SURE}


def _ask_one(turn: Turn, asked: Asked, stage: str, *, every: bool = False) -> None:
    t, options = turn.t, _options(turn, asked, stage, every=every)
    place = t("Case {code} · your opinion, {place} of {total}").format(
        code=asked.stored.code, place=CHOICES.index(stage) + 1, total=STAGES
    )
    body = paragraphs(
        bold(place), *_promise(turn, asked, stage), *_prompt(turn, stage, list(options.values()))
    )
    rows = (*_choices(turn, asked, stage, options, every=every), *back_rows(turn, asked.stored))
    _expect(turn, asked, {"stage": stage, "every": int(every)})
    turn.show(Screen(body, rows), consult=asked.stored.id, kind=KIND)


def _promise(turn: Turn, asked: Asked, stage: str) -> Sequence[str]:
    """Return what is said up front, before the first choice: by role, blind, for how long."""
    if stage != CHOICES[0]:
        return ()
    t = turn.t
    role = _wording(turn, asked.shown).role(turn.person.role or "")
    return (
        esc(
            t(
                "It will stand there as “{role}”, never by name, for good. In a small team a role may "
                "still tell who you are."
            ).format(role=role)
        ),
        esc(
            t(
                "Nobody sees it, or that you gave it, before they gave theirs or the round closes (in "
                "{time}). You see theirs once you gave yours."
            ).format(time=time_left(turn, asked.round))
        ),
    )


def _prompt(turn: Turn, stage: str, titles: Sequence[str]) -> Sequence[str]:
    t = turn.t
    match stage:
        case "concern":
            return (bold(t("Is there an issue of concern?")),)
        case "step":
            return (bold(t("Which step would you take?")), numbered(titles))
        case "leans_on":
            return (bold(t("Which consideration weighs most for you?")), numbered(titles))
        case _:
            return (bold(t("How sure are you?")), esc(t("1 is not at all, 5 is completely.")))


def _choices(
    turn: Turn, asked: Asked, stage: str, options: Mapping[str, str], *, every: bool
) -> tuple[Row, ...]:
    listed = stage in ("step", "leans_on")
    buttons = [
        _button(asked, str(place) if listed else words, stage, code)
        for place, (code, words) in enumerate(options.items(), 1)
    ]
    more = ((_button(asked, turn.t("More steps"), stage, "more"),),)
    columns = 1 if stage == "concern" else NUMBERS
    return (*laid_out(buttons, columns), *(more if stage == "step" and not every else ()))


def _button(asked: Asked, label: str, stage: str, value: str = "") -> Button:
    return Button(label, encode("opin", asked.stored.short, stage, value, turn=asked.revision))


def _show_draft(turn: Turn, asked: Asked, kept: Draft) -> None:
    """Show an opinion before it is given; a line that is typed now is its reason."""
    t, words = turn.t, _wording(turn, asked.shown)
    body = paragraphs(
        bold(t("Case {code} · your opinion, not given yet").format(code=asked.stored.code)),
        choices_text(kept.choices, kept.reason, words),
        esc(
            t("Type one line now if you want to give a reason ({most} characters at most).").format(
                most=MOST_REASON
            )
        ),
        esc(t("It will stand there as “{role}”.").format(role=words.role(turn.person.role or ""))),
    )
    again = {
        "concern": t("Change concern"),
        "step": t("Change step"),
        "leans_on": t("Change point"),
        "sure": t("Change how sure"),
    }
    changes = [_button(asked, label, "again", stage) for stage, label in again.items()]
    bare = ((_button(asked, t("Remove the reason"), "bare"),),) if kept.reason else ()
    give = t("Give my opinion") if asked.given is None else t("Give the changed opinion")
    rows = ((_button(asked, give, "give"),), *laid_out(changes, 2), *bare)
    _expect(turn, asked, {"stage": "reason", "every": 0})
    screen = Screen(body, (*rows, *back_rows(turn, asked.stored)))
    turn.show(screen, consult=asked.stored.id, kind=KIND)


def _expect(turn: Turn, asked: Asked, args: Mapping[str, str | int]) -> None:
    expecting.expect(turn.tx, turn.person.id, KIND, consult_id=asked.stored.id, args=args)


def typed(turn: Turn, expected: Expected, words: str) -> None:
    """Take a typed choice, its number, or the reason; the words have passed the guard."""
    if expected.consult_id is None:
        raise Gone
    stored = consults.load(turn.tx, expected.consult_id)
    authorize(turn.tx, turn.person, Action.SHARED_RESPOND, stored)
    found = rounds.latest(turn.tx, stored.id)
    if found is None:
        raise Gone
    asked = _asked(turn, stored, found)
    if not found.running:
        _say_closed(turn, asked)
    elif expected.args["stage"] == "reason":
        _take_reason(turn, asked, words)
    else:
        _take_words(turn, asked, expected, words)


def _take_reason(turn: Turn, asked: Asked, words: str) -> None:
    reason = one_line(words)
    if len(reason) > MOST_REASON:
        said = turn.t(
            "A reason has at most {most} characters; this has {count}. Please shorten it. "
            "The discussion has room for more."
        )
        turn.say(esc(said.format(most=MOST_REASON, count=len(reason))), kind=KIND)
        return
    kept = rounds.draft(turn.tx, asked.round, turn.person.id)
    _keep(turn, asked, replace(kept, reason=reason))


def _take_words(turn: Turn, asked: Asked, expected: Expected, words: str) -> None:
    """Take the number of a choice, or its words."""
    stage = str(expected.args["stage"])
    options = _options(turn, asked, stage, every=bool(expected.args["every"]))
    said = words.strip().casefold()
    by_words = {label.casefold(): code for code, label in options.items()}
    by_number = {str(place): code for place, code in enumerate(options, 1)}
    chosen = by_number.get(said) or by_words.get(said)
    if chosen is None:
        turn.say(esc(turn.t("Please tap one of the choices, or type its number.")), kind=KIND)
        return
    _step(turn, asked, stage, chosen)


def _give(turn: Turn, asked: Asked, kept: Draft) -> None:
    if set(CHOICES) - set(kept.choices):
        _ask(turn, asked)
        return
    try:
        rounds.give(turn.tx, asked.stored, asked.round, turn.person, kept, base=asked.revision)
    except Conflict as conflict:
        refuse = _say_closed if conflict.kind == "round" else _say_given_elsewhere
        refuse(turn, replace(asked, round=rounds.by_short(turn.tx, asked.round.short)))
        return
    expecting.forget(turn.tx, turn.person.id)
    turn.tell(turn.t("Given. Here is what the others think."))
    show(turn, asked.stored, asked.round)


def _say_closed(turn: Turn, asked: Asked) -> None:
    """Say that a round closed before the opinion was given; nothing of it is kept or shown."""
    expecting.forget(turn.tx, turn.person.id)
    turn.tell(
        turn.t(
            "The round has closed; your opinion was not taken. You can say it in the discussion."
        ),
        alert=True,
    )
    show(turn, asked.stored, asked.round)


def _say_given_elsewhere(turn: Turn, asked: Asked) -> None:
    """Say that this button is from before the opinion that stands; that one counts."""
    turn.tell(
        turn.t(
            "You gave your opinion meanwhile, perhaps on another device. That one stands; you can "
            "change it."
        ),
        alert=True,
    )
    show(turn, asked.stored, asked.round)


# --- what people think ------------------------------------------------------------------------


def _show_spread(turn: Turn, stored: StoredConsult, found: Round) -> None:
    """Show the spread and the dissent."""
    view, t = rounds.shown(turn.tx, found, turn.person.id), turn.t
    scenario = _scenario(turn, stored)
    held = spread(view.opinions, scenario, view.removed)
    head = (
        t("Case {code} · what people think")
        if not found.running
        else t("Case {code} · what people think so far")
    )
    until = t("The round closes in {time}; until then only those who gave theirs see this.")
    body = paragraphs(
        bold(head.format(code=stored.code)),
        esc(until.format(time=time_left(turn, found))) if found.running else "",
        spread_text(held, Wording(scenario, t)),
    )
    rows = _spread_rows(turn, stored, found, some=held.total > 1)
    turn.show(Screen(body, rows), consult=stored.id, kind=KIND)


def _scenario(turn: Turn, stored: StoredConsult) -> Scenario:
    shown = shares.published(turn.tx, stored.id)
    return turn.scenario_of(shown.content_hash if shown else stored.content_hash)


def _spread_rows(turn: Turn, stored: StoredConsult, found: Round, *, some: bool) -> tuple[Row, ...]:
    t, mine = turn.t, rounds.given(turn.tx, found, turn.person.id)
    every = Button(t("All opinions"), encode("op", stored.short, "all", 0))
    change = Button(
        t("Change mine"), encode("opin", stored.short, "change", turn=mine.revision if mine else 0)
    )
    again = Button(t("Ask again"), encode("opnew", stored.short))
    asker = stored.owner_id == turn.person.id and not found.running
    return (
        (every,) if some else (),
        (change,) if mine is not None and found.running else (),
        *more_rows(turn, stored, found),
        (again,) if asker else (),
        *back_rows(turn, stored),
    )


def show_reasons(turn: Turn, stored: StoredConsult, found: Round, data: Callback) -> None:
    """Show a page of all opinions, by side."""
    if not rounds.sees(turn.tx, found, turn.person.id):
        raise Gone
    view, t, scenario = (
        rounds.shown(turn.tx, found, turn.person.id),
        turn.t,
        _scenario(turn, stored),
    )
    pages = reasons_pages(spread(view.opinions, scenario, view.removed), Wording(scenario, t))
    page = min(int(data.arg(1)) if data.arg(1).isdigit() else 0, len(pages) - 1)
    count = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    head = t("Case {code} · all opinions").format(code=stored.code)
    turning = turning_row(turn, lambda to: encode("op", stored.short, "all", to), page, len(pages))
    back = (Button(t("‹ What people think"), encode("op", stored.short)),)
    body = paragraphs(bold(head + count), pages[page])
    turn.show(Screen(body, (turning, back)), consult=stored.id, kind=KIND)


def turning_row(turn: Turn, data: Callable[[int], str], page: int, pages: int) -> Row:
    """Return the buttons to the page before and the next one; pages count from 0."""
    before, after = turn.t("‹ Page {page}"), turn.t("Page {page} ›")
    return tuple(
        Button(label.format(page=to + 1), data(to))
        for label, to, there in (
            (before, page - 1, page > 0),
            (after, page + 1, page + 1 < pages),
        )
        if there
    )


# --- closing and asking again -----------------------------------------------------------------


def _close(turn: Turn, data: Callback) -> None:
    """Close the asker's round, after asking once."""
    stored = turn.case(data.case, Action.CONSULT_SHARE)
    found = rounds.latest(turn.tx, stored.id)
    if found is None:
        raise Gone
    if data.arg(0) != "yes" and found.running:
        _ask_to_close(turn, stored)
        return
    if found.running:
        close(turn.tx, stored, found, "asker", turn.deliver)
    show(turn, stored, rounds.by_short(turn.tx, found.short))


def _ask_to_close(turn: Turn, stored: StoredConsult) -> None:
    t = turn.t
    body = paragraphs(
        bold(t("Case {code} · close the round?").format(code=stored.code)),
        esc(
            t(
                "Nobody can give an opinion afterwards, and everybody the case is open to sees those "
                "that were given. Whoever is still thinking is cut off."
            )
        ),
    )
    yes = (Button(t("Yes, close it"), encode("opend", stored.short, "yes")),)
    no = (Button(t("No, leave it open"), encode("op", stored.short)),)
    turn.show(Screen(body, (yes, no)), consult=stored.id, kind=KIND)


def close(tx: Tx, stored: StoredConsult, found: Round, how: rounds.Closed, chats: set[int]) -> None:
    """Close a round and tell those who gave an opinion, and the asker where time closed it."""
    by = stored.owner_id if how == "asker" else None
    rounds.close(tx, found, by, how)
    tell = [giver.person_id for giver in rounds.opinion_givers(tx, stored.id, found.id)]
    for person_id in (*tell, *((stored.owner_id,) if how == "time" else ())):
        who = people.get(tx, person_id)
        t = translator(who.language)
        words = t("Case {code}: the round of opinions has closed.").format(code=stored.code)
        look = Button(t("What people think"), encode("op", stored.short))
        notify(tx, who, Screen(esc(words), ((look,),)), chats)


def notify(tx: Tx, who: Person, screen: Screen, chats: set[int]) -> None:
    """Send somebody ``screen`` in their private chat, if they can be reached, and note the chat."""
    if who.telegram_id is None or who.unreachable_at or who.status != "approved":
        return
    chats.add(who.telegram_id)
    transcript.enqueue(
        tx,
        Outgoing(
            chat_id=who.telegram_id,
            method="sendMessage",
            params=screen.params(),
            person_id=who.id,
            kind="notice",
        ),
    )


def close_due(tx: Tx) -> tuple[int, ...]:
    """Close the rounds whose time is over, and return the chats that are told."""
    chats: set[int] = set()
    for found in rounds.due(tx):
        close(tx, consults.load(tx, found.consult_id), found, "time", chats)
    return tuple(sorted(chats))


def _again(turn: Turn, data: Callback) -> None:
    """Ask everybody again, in a new round."""
    stored = turn.case(data.case, Action.CONSULT_SHARE)
    found = rounds.latest(turn.tx, stored.id)
    if found is None:
        raise Gone
    if not shares.active(turn.tx, stored.id):
        turn.tell(turn.t("The case is not shared with anybody now. Share it first."), alert=True)
    elif not found.running:
        found = ask_everybody(turn, stored)
        _tell_readers(turn, stored)
    show(turn, stored, found)


def _tell_readers(turn: Turn, stored: StoredConsult) -> None:
    for person_id in sorted(shares.readers(turn.tx, stored.id)):
        who = people.get(turn.tx, person_id)
        t = translator(who.language)
        words = t("Case {code}: a colleague asks again what you think.").format(code=stored.code)
        look = Button(t("Look at it"), encode("op", stored.short))
        notify(turn.tx, who, Screen(esc(words), ((look,),)), turn.deliver)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "op": _enter,
    "opin": _tapped,
    "opend": _close,
    "opnew": _again,
}
