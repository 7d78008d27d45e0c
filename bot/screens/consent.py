"""The scenario's question about consent, asked where the step is shown."""

from bot.callbacks import encode
from bot.language import Translate
from bot.screen import Button, Row, Screen, bold, esc, laid_out, lines, paragraphs
from dialogs.content import Question, Scenario
from dialogs.engine import marks_of
from dialogs.model import Consult
from dialogs.phases import ADVISED

CONSENT = "consent"


def with_consent(
    screen: Screen, consult: Consult, scenario: Scenario, t: Translate, *, case: str
) -> Screen:
    """Return the step's screen with the question about consent below it, until that is answered."""
    open_ = CONSENT in marks_of(consult, scenario).asked and CONSENT not in consult.answers
    if not open_ or consult.phase not in ADVISED:
        return screen
    question = scenario.question(CONSENT)
    listed = [f"{place}. {esc(o.label)}" for place, o in enumerate(question.options, 1)]
    asked = lines(
        bold(question.prompt), *listed, esc(t("One tap, and the step reads accordingly."))
    )
    rows = (*_rows(question, consult, t, case), *screen.rows)
    return Screen(paragraphs(screen.text, asked), rows)


def _rows(question: Question, consult: Consult, t: Translate, case: str) -> tuple[Row, ...]:
    labels = [(o.id, f"{place} · {o.button}") for place, o in enumerate(question.options, 1)]
    if question.allows_unknown:
        labels.append(("unk", t(question.unknown_label or "Not known")))
    return laid_out(
        [Button(label, encode("cons", case, value, turn=consult.turn)) for value, label in labels]
    )
