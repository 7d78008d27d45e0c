"""Start the bot, or use one of its parts without a chat. The only wiring of the project."""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute

    from bot.service import Service
    from bot.settings import Settings
    from storage.database import Database
    from storage.keys import Keyring
    from web.emulator import Emulator


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
    evaluate = _add(
        commands, "evaluate", _evaluate, "answers in, considerations and step out (JSON lines)"
    )
    evaluate.add_argument(
        "--text", action="store_true", help="add the summary as the clinician reads it"
    )
    _add(commands, "guard", _guard, "texts in, identifiers found out (JSON lines)")
    _add(commands, "read", _read, "case texts in, suggested answers out (JSON lines)")
    _add(commands, "dose", _dose, "typed doses in, entries and MME out (JSON lines)")
    check = _add(
        commands, "check", _check, "check the scenarios: reachable, complete, fresh, short enough"
    )
    check.add_argument("--today", type=date.fromisoformat, help="the day to check sources against")
    diagram = _add(
        commands, "diagram", _diagram, "write the phases of a consult as Mermaid and SVG"
    )
    diagram.add_argument(
        "--into", type=Path, default=Path("docs"), help="the folder, docs by default"
    )
    doctor = _add(
        commands, "doctor", _doctor, "look for what would stop the bot, each with its remedy"
    )
    doctor.add_argument("--json", action="store_true", help="one JSON object a line")
    verify = _add(
        commands, "verify", _verify, "verify the audit log, with or without anchors (JSON)"
    )
    verify.add_argument("--anchors", type=Path, help="the file of signed checkpoints")
    backup = _add(commands, "backup", _backup, "copy the database into a new file while it is used")
    backup.add_argument(
        "file", type=Path, nargs="?", help="a new file; in the data folder if unnamed"
    )
    restore = _add(
        commands, "restore", _restore, "put a backup into a new database, and verify its log (JSON)"
    )
    restore.add_argument("file", type=Path, help="the backup")
    restore.add_argument("--anchors", type=Path, help="the file of signed checkpoints")
    keys = _add(commands, "keys", _keys, "make the key file, or rotate to a new key")
    keys.add_argument("act", choices=("create", "rotate"))
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
    from bot.catalogue import report as words_report
    from dialogs.checks import check_report

    reports = check_report(options.today or now().date()), words_report()
    print("\n\n".join(text for text, _ in reports))
    return 0 if all(ok for _, ok in reports) else 1


def _diagram(options: argparse.Namespace) -> int:
    from dialogs.phases import drawing, mermaid

    options.into.mkdir(parents=True, exist_ok=True)
    (options.into / "phases.mmd").write_text(mermaid(), "utf-8")
    drawn = drawing()
    if drawn is None:
        print(
            "Wrote phases.mmd. For the image install the development tools: make test",
            file=sys.stderr,
        )
        return 1
    (options.into / "phases.svg").write_bytes(drawn)
    print(f"Wrote {options.into}/phases.mmd and {options.into}/phases.svg")
    return 0


# --- looking after it -------------------------------------------------------------------------


def _doctor(options: argparse.Namespace) -> int:
    from bot.doctor import findings
    from bot.settings import SettingsError, load_settings

    async def look() -> int:
        failed = False
        async for finding in findings(load_settings(), now):
            print(finding.json if options.json else finding.line, flush=True)
            failed = failed or bool(finding.remedy)
        return 1 if failed else 0

    try:
        return asyncio.run(look())
    except SettingsError as error:
        print(f"FAIL settings: {error}")
        return 1


def _verify(options: argparse.Namespace) -> int:
    from bot.settings import load_settings

    async def look() -> int:
        report = await _verified(load_settings(), options.anchors)
        _print_json(report)
        return 0 if report["ok"] else 1

    return _told(look)


async def _verified(settings: "Settings", path: Path | None) -> dict[str, Any]:
    """Return what is wrong with the audit log, compared with the anchors where there are any."""
    from storage.checkpoints import anchors_of
    from storage.database import open_for_reading
    from storage.verification import verify

    path = path or settings.anchor_file
    anchors = None if path is None else anchors_of(path)
    database = open_for_reading(settings.database_url, _keyring(settings), now)
    try:
        report = await database.read(lambda tx: verify(tx, anchors))
    finally:
        await database.close()
    problems = [{"kind": problem.kind, "seq": problem.seq} for problem in report.problems]
    return {
        "ok": not problems,
        "events": report.events,
        "anchored": report.anchored,
        "problems": problems,
    }


async def _chained(settings: "Settings") -> int:
    """Chain what PostgreSQL had not chained at the moment of the backup; return the newest checkpoint."""
    from storage.audit import seal
    from storage.checkpoints import stored_checkpoints
    from storage.database import open_database

    database = open_database(settings.database_url, _keyring(settings), now)
    try:
        while await database.write(seal):
            pass
        made = await database.read(stored_checkpoints)
    finally:
        await database.close()
    return made[-1].seq if made else 0


def _print_json(told: object) -> None:
    import json

    print(json.dumps(told), flush=True)


def _backup(options: argparse.Namespace) -> int:
    from bot.settings import load_settings
    from storage.backup import backup

    async def act() -> int:
        settings = load_settings()
        path: Path | None = options.file
        if path is None:
            path = settings.data_dir / "backups" / f"curbside-{now():%Y-%m-%dT%H%M%SZ}.backup"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = await asyncio.to_thread(backup, settings.database_url, path)
        recorded = await _recorded_backup(settings, size)
        _print_json({"backup": str(path), "bytes": size, "recorded": recorded})
        return 0

    return _told(act)


async def _recorded_backup(settings: "Settings", size: int) -> str:
    """Put a backup on record: now, or, while the bot has the file, or without its keys, when it looks."""
    from storage import to_record
    from storage.database import open_database, open_for_reading
    from storage.errors import StorageError

    try:  # a schema of another version is left as it is
        await open_for_reading(settings.database_url, _keyring(settings), now).close()
        database = open_database(settings.database_url, _keyring(settings), now)
    except StorageError:
        return "later" if to_record.leave(settings.data_dir, size) else "no"
    try:
        await database.write(lambda tx: to_record.backup(tx, size))
    finally:
        await database.close()
    return "now"


def _restore(options: argparse.Namespace) -> int:
    """Restore, and compare the log with the anchors; those made after the backup are only counted."""
    from bot.settings import load_settings
    from storage.backup import restore

    async def act() -> int:
        settings = load_settings()
        await asyncio.to_thread(restore, options.file, settings.database_url)
        newest = await _chained(settings)
        report = await _verified(settings, options.anchors)
        problems: list[dict[str, Any]] = report["problems"]
        wrong = [each for each in problems if not _came_later(each, newest)]
        later = len(problems) - len(wrong)
        _print_json({**report, "ok": not wrong, "problems": wrong, "anchors_after_it": later})
        return 1 if wrong else 0

    return _told(act)


def _came_later(problem: dict[str, Any], newest: int) -> bool:
    """Return whether this is only an anchor from after the backup, whose newest checkpoint is given."""
    kinds = ("anchor_beyond_end", "checkpoint_missing")
    return problem["kind"] in kinds and problem["seq"] > newest


def _keys(options: argparse.Namespace) -> int:
    from bot.settings import load_settings
    from storage.database import open_database
    from storage.keys import add_key, create_key_file
    from storage.rotation import rotate

    async def act() -> int:
        settings = load_settings()
        if options.act == "create":
            settings.keys_file.parent.mkdir(parents=True, exist_ok=True)
            create_key_file(settings.keys_file)
            print(f"The keys are in {settings.keys_file}. Keep a copy apart from the backups.")
            return 0
        await open_database(settings.database_url, _keyring(settings), now).close()
        add_key(settings.keys_file)
        database = open_database(settings.database_url, _keyring(settings), now)
        try:
            count = await rotate(database)
        finally:
            await database.close()
        print(
            f"{count} data keys are wrapped by the new key. Old keys may go once old backups are gone."
        )
        return 0

    return _told(act)


def _keyring(settings: "Settings") -> "Keyring":
    from storage.keys import Keyring

    if settings.keys is not None:
        return Keyring.of_text(settings.keys.get_secret_value())
    return Keyring.of_file(settings.keys_file)


def _told(act: Callable[[], Coroutine[object, object, int]]) -> int:
    """Run a command and say what stands in its way in one line."""
    from bot.settings import SettingsError
    from storage.checkpoints import UnreadableAnchor
    from storage.errors import StorageError

    try:
        return asyncio.run(act())
    except (SettingsError, StorageError, UnreadableAnchor) as error:
        _print_json({"error": str(error)})
    except OSError as error:
        _print_json({"error": f"{error.filename}: {os.strerror(error.errno or 0)}"})
    return 1


# --- the running bot --------------------------------------------------------------------------


class Clock:
    """The time, which the local phone may move forward to see what happens on day 90."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead

    def move(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


def _run(options: argparse.Namespace) -> int:
    from bot.inbox import TokenRefused
    from bot.settings import SettingsError, load_settings
    from storage.errors import StorageError

    try:
        if options.webhook:
            os.environ["CURBSIDE_WEBHOOK"] = "true"
        return asyncio.run(_serve(load_settings()))
    except (SettingsError, StorageError, TokenRefused, _CannotStart) as error:
        print(error, file=sys.stderr)
        return 1


class _CannotStart(Exception):
    """Something about this machine stands in the way; the message says what to do."""


async def _serve(settings: "Settings") -> int:
    """Run the bot and its pages until a signal comes: on the local phone where there is no token."""
    from bot.hygiene import configure_logging
    from bot.service import Service
    from bot.transport import Telegram
    from bot.watch import watch
    from storage.migrations import migrated_here

    os.umask(0o077)  # database, log of writes, anchors and backups are for this user alone
    configure_logging(settings.log_level, settings.log_format)
    clock, stop = Clock(), asyncio.Event()
    _stop_on_signals(stop)
    settings = settings if settings.token else _for_the_phone(settings)
    listening = _listening(settings)
    settings = settings.model_copy(update={"port": listening.getsockname()[1]})  # 0 takes any
    database = _opened(settings, clock)
    if migrated_here():
        await database.close()
        listening.close()
        _begin_anew()
    watching = asyncio.create_task(watch(database.unit_seconds))
    try:
        local = LOCAL_TOKEN if settings.token is None else None
        token = local or settings.token.get_secret_value()  # type: ignore[union-attr]
        api = f"http://127.0.0.1:{settings.port}" if local else settings.telegram_api
        async with Telegram(token, api, poll_seconds=settings.poll_seconds) as telegram:
            service = Service(settings, database, telegram)
            phone = _phone(settings, clock) if local else None
            await _together(service, listening, stop, phone, clock)
    finally:
        listening.close()
        await database.close()
        watching.cancel()
    return 0


LOCAL_TOKEN = "1000000001:the-local-phone-has-no-secret-token"  # noqa: S105 - of our own emulator
LOCAL_ADMIN = 7004
"""The number of the member of the local cast who is admin."""


def _for_the_phone(settings: "Settings") -> "Settings":
    """Return the settings with the local cast's admin, and nobody to wait for."""
    return settings.model_copy(update={"admins": settings.admins or (LOCAL_ADMIN,)})


STOP_SECONDS = 9.5
"""What a stop may take; what is not done then comes again after the start, as after a crash."""

PAGES_SECONDS = 1
"""Of these, for pages that are being answered."""

CONNECTIONS = 1000
"""Open to the pages at a time; one more is answered with 503."""


def _stop_on_signals(stop: asyncio.Event) -> None:
    """Stop in order at the first signal, and at once at a second one or when time is up."""

    def asked() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()
        too_long = threading.Timer(STOP_SECONDS, os._exit, (1,))
        too_long.daemon = True
        too_long.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)


def _listening(settings: "Settings") -> socket.socket:
    """Return a listening socket, or say what holds the port."""
    try:
        listening = socket.create_server(
            (settings.host, settings.port), family=socket.AF_INET, backlog=128
        )
    except OSError as error:
        raise _CannotStart(
            f"Port {settings.port} on {settings.host} cannot be used: {os.strerror(error.errno or 0)}. "
            "Stop what uses it, or set CURBSIDE_PORT to another one."
        ) from None
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _opened(settings: "Settings", clock: Clock) -> "Database":
    """Open the database; a local demo makes its own folder and key file."""
    from storage.database import open_database
    from storage.keys import create_key_file

    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _CannotStart(
            f"The folder {settings.data_dir} cannot be made: {error.strerror}. Set CURBSIDE_DATA_DIR."
        ) from None
    if settings.token is None and settings.keys is None:
        create_key_file(settings.keys_file)
    return open_database(settings.database_url, _keyring(settings), clock)


def _begin_anew() -> NoReturn:
    """Run the same command in the same process again, without what only a migration needs."""
    same = [sys.executable, *sys.orig_argv[1:]]
    os.execv(same[0], same)  # noqa: S606  # nosec B606


def _phone(settings: "Settings", clock: Clock) -> "Emulator":
    from web.emulator import new_emulator

    return new_emulator(LOCAL_TOKEN, clock, path=settings.data_dir / "phone.db")


async def _together(
    service: "Service",
    listening: socket.socket,
    stop: asyncio.Event,
    phone: "Emulator | None",
    clock: Clock,
) -> None:
    """Serve the pages and the bot side by side; when one ends, the other is ended in order.

    The pages end first, so that nothing more is delivered; the local phone has to hear the last words.
    """
    import uvicorn

    config = uvicorn.Config(
        _app(service, phone, clock),
        log_config=None,
        access_log=False,
        lifespan="off",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=PAGES_SECONDS,
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment,method-assign] # ours
    pages = asyncio.create_task(server.serve(sockets=[listening]))

    async def end_pages() -> None:
        server.should_exit = True
        if phone is not None:
            phone.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(pages, PAGES_SECONDS + 0.5)

    _announce(service.settings, listening, local=phone is not None)
    try:
        await service.run(stop, before_drain=end_pages if phone is None else None)
    finally:
        await end_pages()


def _app(service: "Service", phone: "Emulator | None", clock: Clock) -> "Starlette":
    from bot.language import translator
    from web.app import Given, create_app
    from web.health import Check
    from web.stores import stores

    async def bot() -> Check:
        return Check(*await service.trouble())

    async def telegram() -> Check:
        return Check("", service.sending())

    settings = service.settings
    routes: list[BaseRoute] = []
    if settings.webhook_secret is not None:
        from web.webhook import webhook_route

        routes.append(webhook_route(settings.webhook_secret.get_secret_value(), service.intake))
    if phone is not None:
        from web.phone import create_phone

        async def shift(seconds: float) -> None:
            clock.move(seconds)
            await service.clock_moved()

        routes += create_phone(phone, on_clock_shift=shift)
    given = Given(
        clock=clock,
        scenario_of=service.scenarios,
        public_url=settings.public_url,
        checks={
            "bot": bot,
            "telegram": telegram,
            "database": stores(service.database, settings.data_dir),
        },
        metrics=settings.metrics,
        notify=service.outbox.soon,
        translator=translator,
        press=service.press,
        data_dir=settings.data_dir,
        anchor_file=settings.anchor_file,
    )
    return create_app(service.database, given, extra_routes=routes)


def _announce(settings: "Settings", listening: socket.socket, *, local: bool) -> None:
    port = listening.getsockname()[1]
    if local:
        print(
            f"Curbside is running. Open http://127.0.0.1:{port}/ in a browser; stop with Ctrl-C.",
            flush=True,
        )
    else:
        how = "webhook" if settings.webhook else "polling"
        print(
            f"Curbside is running ({how}). Pages on http://{settings.host}:{port}/; stop with Ctrl-C.",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
