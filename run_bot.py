"""Start the bot, or use one of its parts without a chat. The only wiring of the project."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path


def now() -> datetime:
    """Return the present time in UTC; the only clock of the project."""
    return datetime.now(UTC)  # noqa: TID251 - the only clock


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 well, 1 not well, 2 asked wrongly."""
    options = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_bot.py",
        description="Curbside: a case-consult bot for clinicians. Without a command: run.",
    )
    parser.set_defaults(command=_run, webhook=False)
    commands = parser.add_subparsers(title="commands", metavar="")
    run = _add(commands, "run", _run, "start the bot; without a token, with a phone in the browser")
    run.add_argument("--webhook", action="store_true", help="have Telegram deliver updates")
    evaluate = _add(commands, "evaluate", _evaluate, "answers in, considerations and step out (JSON lines)")
    evaluate.add_argument("--text", action="store_true", help="add the summary as the clinician reads it")
    _add(commands, "guard", _guard, "texts in, identifiers found out (JSON lines)")
    _add(commands, "read", _read, "case texts in, suggested answers out (JSON lines)")
    _add(commands, "dose", _dose, "typed doses in, entries and MME out (JSON lines)")
    check = _add(commands, "check", _check, "check the scenarios: reachable, complete, fresh, short enough")
    check.add_argument("--today", type=date.fromisoformat, help="the day to check sources against")
    diagram = _add(commands, "diagram", _diagram, "write the phases of a consult as Mermaid and SVG")
    diagram.add_argument("--into", type=Path, default=Path("docs"), help="the folder, docs by default")
    _add(commands, "doctor", _doctor, "look for what would stop the bot, each with its remedy")
    verify = _add(commands, "verify", _verify, "verify the audit log, with or without anchors")
    verify.add_argument("--anchors", type=Path, help="the file of signed checkpoints")
    _add_keys(commands)
    backup = _add(commands, "backup", _backup, "copy the database while it is in use")
    backup.add_argument("target", type=Path)
    restore = _add(commands, "restore", _restore, "put a backup where the database is, and verify it")
    restore.add_argument("source", type=Path)
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], int],
    meaning: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=meaning, description=meaning)
    parser.set_defaults(command=command)
    return parser


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = _add(commands, "keys", _keys, "make the key file, or rotate to a new key")
    keys.add_argument("act", choices=("create", "rotate"))


# --- JSON lines -------------------------------------------------------------------------------


def _lines_out(lines: Iterable[str]) -> int:
    for line in lines:
        print(line, flush=True)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from dialogs.headless import evaluate_lines

    return _lines_out(evaluate_lines(_standard_input(), text=options.text))


def _guard(options: argparse.Namespace) -> int:
    from dialogs.identifiers import guard_lines

    return _lines_out(guard_lines(_standard_input()))


def _read(options: argparse.Namespace) -> int:
    from dialogs.narrative import read_lines

    return _lines_out(read_lines(_standard_input()))


def _dose(options: argparse.Namespace) -> int:
    from dialogs.dosing import dose_lines

    return _lines_out(dose_lines(_standard_input()))


def _standard_input() -> Iterable[str]:
    """Return the lines of standard input as text; bytes that are no UTF-8 become signs of doubt."""
    return (line.decode("utf-8", "replace") for line in sys.stdin.buffer)


# --- content ----------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    from dialogs.checks import check_report

    report, ok = check_report(options.today or now().date())
    print(report)
    return 0 if ok else 1


def _diagram(options: argparse.Namespace) -> int:
    from dialogs.phases import drawing, mermaid

    options.into.mkdir(parents=True, exist_ok=True)
    (options.into / "phases.mmd").write_text(mermaid(), "utf-8")
    drawn = drawing()
    if drawn is None:
        print("Wrote phases.mmd. For the image install the development tools: make test", file=sys.stderr)
        return 1
    (options.into / "phases.svg").write_bytes(drawn)
    print(f"Wrote {options.into}/phases.mmd and {options.into}/phases.svg")
    return 0
