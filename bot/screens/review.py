"""The review card, the stop card, and what a changed answer did."""

from collections.abc import Set as AbstractSet

from bot.callbacks import encode
from bot.language import Translate
from bot.screen import Button, Row, Screen, bold, clipped, esc, laid_out, lines, paragraphs
from dialogs.content import Question, Scenario
from dialogs.engine import answered, pending, to_confirm
from dialogs.evaluation import evaluate
from dialogs.model import Consult
from dialogs.shown import show_answer
from dialogs.summary import PromptView

TEN = 10
MOST_OPENED = 4


def review_screen(
    consult: Consult,
    scenario: Scenario,
    t: Translate,
    *,
    case: str,
    code: str,
    said: str = "",
    asking: tuple[PromptView, ...] = (),
) -> Screen:
    """Return the card with every answer, each one tap from being changed."""
    confirm = to_confirm(consult, scenario)
    questions = [scenario.question(n) for n in (*confirm, *answered(consult, scenario))]
    listed = [_line(place, q, consult, scenario, t) for place, q in enumerate(questions, 1)]
    body = paragraphs(
        lines(bold(t("Case {code} · check your answers").format(code=code)), said),
        "\n".join(listed),
        disagreeing(asking),
        esc(t("Tap a number to change an answer.")),
    )
    asked = {name for prompt in asking for name in prompt.questions} | {*confirm}
    return Screen(body, _rows(questions, consult, scenario, t, case, asked))


def disagreeing(asking: tuple[PromptView, ...]) -> str:
    """Return what is asked about answers that disagree; it never blocks."""
    return "\n".join(f"{bold('?')} {esc(prompt.text)}" for prompt in asking)


def disagreeing_rows(
    asking: tuple[PromptView, ...], consult: Consult, scenario: Scenario, t: Translate, *, case: str
) -> tuple[Row, ...]:
    """Return the buttons that open the answers that disagree, for the summary."""
    names = list(dict.fromkeys(name for prompt in asking for name in prompt.questions))[
        :MOST_OPENED
    ]
    buttons = [
        Button(
            t("Change: {question}").format(question=clipped(scenario.question(name).short, 14)),
            encode("o", case, name, "s", turn=consult.turn),
        )
        for name in names
    ]
    return laid_out(buttons, 2)


def _line(place: int, q: Question, consult: Consult, scenario: Scenario, t: Translate) -> str:
    if q.id not in consult.answers:
        was = show_answer(q, consult.previous[q.id], scenario, t)
        return f"{place}. {esc(q.short)}: {bold(t('was: {answer}; confirm').format(answer=was))}"
    value = consult.answers[q.id]
    words = esc(show_answer(q, value, scenario, t))
    marked = f"<i>{words}</i>" if value in (None, "unk") else bold(words)
    return f"{place}. {esc(q.short)}: {marked}"


def _rows(  # noqa: PLR0917 - one caller, all of it needed
    questions: list[Question],
    consult: Consult,
    scenario: Scenario,
    t: Translate,
    case: str,
    asked: AbstractSet[str],
) -> tuple[Row, ...]:
    turn = consult.turn
    edits = [
        Button(
            f"{place} {clipped(q.short, 14)}{' ?' if q.id in asked else ''}",
            encode("o", case, q.id, "r" if consult.shown is None else "s", turn=turn),
        )
        for place, q in enumerate(questions, 1)
    ]
    columns = 2 if len(edits) <= TEN * 2 else 3
    back = Button(t("‹ Back"), encode("b", case, turn=turn))
    rows = laid_out(edits, columns)
    if pending(consult, scenario) is None:
        summary = Button(t("Show the summary"), encode("f", case, turn=turn))
        return (*rows, (summary,), *([(back,)] if consult.shown is None else []))
    on = Button(t("Go on with the questions"), encode("more", case, turn=turn))
    return (*rows, (on,), (back,))


def stopped_screen(
    consult: Consult, scenario: Scenario, t: Translate, *, case: str, code: str
) -> Screen:
    """Return the red-flag banners and nothing else: no questions, no considerations."""
    banners = [scenario.banner(name) for name in evaluate(consult.answers, scenario).banners]
    body = paragraphs(
        bold(t("Case {code} · stop here").format(code=code)),
        *[bold("⚠ ") + esc(banner.text) for banner in banners],
        esc(t("The questions are paused. Come back when this has been dealt with.")),
    )
    facts = Button(t("Facts to read out"), encode("v", case, "facts"))
    again = Button(
        t("Dealt with: answer the first question again"),
        encode("o", case, "safety_now", "p", turn=consult.turn),
    )
    close = Button(t("Close the case"), encode("ask", case, "close"))
    return Screen(body, ((facts,), (again,), (close,)))


def facts_screen(t: Translate, *, case: str, code: str) -> Screen:
    """Return the list of facts an emergency team asks for, to be read out by phone."""
    facts = (
        t("Medication for OUD: which, dose, last dose (date and time)"),
        t("Pain opioid: which, dose, last dose"),
        t("Other sedatives, alcohol"),
        t("Allergies"),
        t("Pregnancy"),
    )
    body = paragraphs(
        bold(t("Case {code} · facts to read out").format(code=code)),
        "\n".join(f"{place}. {esc(fact)}" for place, fact in enumerate(facts, 1)),
    )
    return Screen(body, ((Button(t("‹ Back"), encode("v", case, "home")),),))


def sure_screen(t: Translate, *, case: str, code: str, what: str, real: bool = True) -> Screen:
    """Return the question before a case is closed or cancelled; only a real one can be handed on."""
    closing = what == "close"
    head = t("Close case {code}?") if closing else t("Stop case {code}?")
    note = t("Its answers are kept, and you can open it again.")
    if closing and real:
        note += " " + t("Reviews to come are not asked about.")
    yes = Button(
        t("Yes, close it") if closing else t("Yes, stop it"),
        encode("close" if closing else "x", case),
    )
    no = Button(t("No, go on"), encode("go", case))
    hand = Button(t("Hand it to a colleague"), encode("hand", case))
    rows = ((yes,), (hand,), (no,)) if closing and real else ((yes,), (no,))
    return Screen(paragraphs(bold(head.format(code=code)), esc(note)), rows)


def ended_screen(
    t: Translate, *, case: str, code: str, cancelled: bool, rows: tuple[Row, ...] = ()
) -> Screen:
    """Return what stands where an ended case was; ``rows`` lead to what can be read of it."""
    head = t("Case {code} was stopped.") if cancelled else t("Case {code} is closed.")
    kept = t("It can be read; to change it, open it again.") if rows else t("Its answers are kept.")
    body = paragraphs(bold(head.format(code=code)), esc(kept))
    again = Button(t("Open it again"), encode("reopen", case))
    delete = Button(t("Delete this case"), encode("del", case))
    return Screen(
        body,
        (
            *rows,
            (again,),
            (delete,),
            (Button(t("Start a case"), encode("new")), Button(t("My cases"), encode("cases"))),
        ),
    )
