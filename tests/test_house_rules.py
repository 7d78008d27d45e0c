"""Rules of this house that no tool has: read from the source, so that no review has to remember them."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.hygiene import FIELDS

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "dialogs", "storage", "web")
FILES = [ROOT / "run_bot.py", *(f for p in PACKAGES for f in sorted((ROOT / p).rglob("*.py")))]

Rule: TypeAlias = Callable[[Path, ast.AST], Iterator[str]]

WORDS = re.compile(r"(?:^|_)(?:words?|text|content|caption|payload|raw)$")
"""Names of variables that may hold what a person wrote."""

SECRET = re.compile(r"token|secret|nonce")
NO_SECRETS = {"found.token": "eight signs that tell newer words from older ones in one's own chat"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
SAFE_IN_MARKUP = {"esc", "bold", "fold", "bar", "len", "grouped"}
"""Functions whose result may stand between tags; ``grouped`` gives a code of letters and digits."""

PUT_BETWEEN_TAGS = {
    "place": "a number",
    "number": "a number",
    "page + 1": "a number",
    "turn.person.telegram_id": "a number",
    "code": "a code that we made",
    "words": "escaped where it is made",
    "lines": "the argument of ``fold``, escaped by its callers",
}
SENDS = re.compile(r"send_message|send_document|edit_message|delete_message|copy_message")


def logged(path: Path, node: ast.AST) -> Iterator[str]:
    """A log line is a code and named fields: no sentence, no f-string, nothing a person wrote."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    if ast.unparse(node.func.value) not in {"log", "logger"} or node.func.attr not in LEVELS:
        return
    if len(node.args) != 1 or not all(map(_is_code, _either(node.args[0]))):
        yield "the event of a log line is one code, written out"
    for field in node.keywords:
        if field.arg not in FIELDS | {"exc_info"}:
            yield f"the field {field.arg} is not named in bot.hygiene.FIELDS"
        if WORDS.search(ast.unparse(field.value)):
            yield f"the field {field.arg} may hold words"


def _either(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def _is_code(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and re.fullmatch(r"[a-z_]+", str(node.value)) is not None


def raised(path: Path, node: ast.AST) -> Iterator[str]:
    """The message of an exception repeats nothing a person wrote."""
    if isinstance(node, ast.Raise) and node.exc is not None:
        for part in ast.walk(node.exc):
            if isinstance(part, ast.FormattedValue) and WORDS.search(ast.unparse(part.value)):
                yield f"an exception with {ast.unparse(part.value)} in its message"


def compared(path: Path, node: ast.AST) -> Iterator[str]:
    """Secrets are compared in constant time."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
        return
    sides = [ast.unparse(side) for side in (node.left, node.comparators[0])]
    looked_up = any(".c." in side for side in sides)  # by digest, in the database
    outside = "dialogs" in path.parts or "emulator" in path.parts
    if looked_up or outside or any(side.isupper() or side[0] in "\"'" for side in sides):
        return
    if any(SECRET.search(side) and side not in NO_SECRETS for side in sides):
        yield f"{ast.unparse(node)}: use hmac.compare_digest"


def marked_up(path: Path, node: ast.AST) -> Iterator[str]:
    """What is put between tags of HTML for the chat is escaped."""
    if path.parent.parent != ROOT / "bot" and path.parent != ROOT / "bot":
        return
    if isinstance(node, ast.JoinedStr) and "<" in _written(node):
        for part in node.values:
            if isinstance(part, ast.FormattedValue) and not _is_safe(part.value):
                yield f"{ast.unparse(part.value)} stands between tags without esc"


def _written(node: ast.JoinedStr) -> str:
    return "".join(
        str(part.value)
        for part in node.values
        if isinstance(part, ast.Constant) and re.search(r"</?[a-z]", str(part.value))
    )


def _is_safe(value: ast.expr) -> bool:
    called = isinstance(value, ast.Call) and ast.unparse(value.func).rsplit(".", 1)[-1]
    return called in SAFE_IN_MARKUP or ast.unparse(value) in PUT_BETWEEN_TAGS


def linked(path: Path, node: ast.AST) -> Iterator[str]:
    """Links are built from the settings, never from what a request calls us."""
    taken = re.compile(r"request\.(?:base_url|url_for|url\.(?!path))|str\(request\.url\)")
    if isinstance(node, ast.Attribute | ast.Call) and taken.match(ast.unparse(node)):
        yield "an address taken from the request"


def sent(path: Path, node: ast.AST) -> Iterator[str]:
    """Nothing is sent but by the outbox, after the commit."""
    inside = path.name in {"outbox.py", "transport.py", "refusals.py"} or "emulator" in path.parts
    if isinstance(node, ast.Attribute) and SENDS.search(node.attr) and not inside:
        yield f"{node.attr} goes round the outbox"


RULES: tuple[Rule, ...] = (logged, raised, compared, marked_up, linked, sent)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule: Rule) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}: {what}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for what in rule(path, node)
    ]

    assert found == []


BROKEN = {
    "logged": 'log.info(f"{words} came")',
    "raised": 'raise ValueError(f"cannot read {words}")',
    "compared": "secret == given_secret",
    "marked_up": 'f"<b>{title}</b>"',
    "linked": "str(request.url)",
    "sent": "await telegram.send_message(1)",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_would_find_it(rule: Rule) -> None:
    (statement,) = ast.parse(f"async def act():\n    {BROKEN[rule.__name__]}").body
    found = [what for node in ast.walk(statement) for what in rule(ROOT / "bot" / "x.py", node)]

    assert found
