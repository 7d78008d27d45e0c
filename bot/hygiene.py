"""What may be in a log line, and what may not: nothing a person typed, and never the token.

Allowed is what is named here, everything else is masked: a field nobody thought of is then a
missing detail, not a leak. Messages of exceptions and of libraries are masked as well, because
they repeat values ("invalid literal ...", "can't parse entities ..."); type and place are shown.
"""

import logging
import re
import sys
import threading
import traceback
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

Style = Literal["auto", "json", "console"]

log = structlog.get_logger()

TOKEN = re.compile(r"\d{6,}(?::|%3A)[\w-]{30,}", re.ASCII | re.IGNORECASE)
MASK = "[masked]"

FIELDS = frozenset(
    {
        *("event", "level", "timestamp", "logger", "version", "error", "where"),
        *("update_id", "kind", "kinds", "keys", "reason", "code", "method", "status", "state"),
        *("row", "consult", "person", "object", "action", "outcome", "phase", "mode", "port"),
        *("phase_before", "phase_after", "trouble", "scenario", "content", "database"),
        *("count", "attempts", "seconds", "waiting", "sent", "dropped", "dead", "replies"),
    }
)
"""The fields a log line may have. Values have to look like codes or numbers, see ``CODE``."""

CODE = re.compile(r"[\w.,:/+<>=-]{0,120}", re.ASCII)
"""One word without spaces: a code, an id or a time, not a sentence."""

QUIET = ("httpx", "httpcore", "aiohttp", "uvicorn", "telegram", "sqlalchemy", "asyncio")
"""Loggers that write addresses (the token is in them) or values; only warnings are kept."""

SPEAKING = frozenset({"uvicorn.error", "alembic.runtime.migration"})
"""Libraries whose messages are fixed sentences about themselves."""

PLACE = re.compile(r"[\w./:<>-]{0,2000}")
"""What ``describe`` and ``place`` give."""

DEEPEST = 12
"""Frames of a traceback that are shown, the innermost ones."""


def redact(text: str) -> str:
    """Return ``text`` with every bot token replaced.

    >>> redact("POST /bot123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe")
    'POST /bot[token]/getMe'
    """
    return TOKEN.sub("[token]", text)


def describe(error: BaseException) -> str:
    """Return the types of ``error`` and its causes, joined by ``<``; never their messages."""
    names: list[str] = []
    current: BaseException | None = error
    while current is not None and len(names) < DEEPEST:
        names.append(type(current).__name__)
        current = current.__cause__
    return "<".join(names)


def place(error: BaseException) -> str:
    """Return where ``error`` was raised: file, line and function of the innermost frames."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    return ">".join(f"{_short(frame.filename)}:{frame.lineno}:{frame.name}" for frame in frames)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])


def allow_only_named(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Return ``event`` with every field masked that is not allowed or not a code."""
    return {name: _allowed(name, value) for name, value in event.items()}


def _allowed(name: str, value: Any) -> Any:
    if name not in FIELDS:
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    form = PLACE if name in {"error", "where"} else CODE
    return str(value) if form.fullmatch(str(value)) else MASK


def name_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Return ``event`` with ``exc_info`` replaced by the error's types and place."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    error = error[1] if isinstance(error, tuple) else error
    if isinstance(error, BaseException):
        event.update(error=describe(error), where=place(error))
    return event


def redact_line(_logger: Any, _method: str, line: Any) -> str:
    """Return a rendered line without tokens; the last step, whatever came before."""
    return redact(str(line))


STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)


class LibraryFormatter(logging.Formatter):
    """Formats what libraries log under the same rules as our own events."""

    def __init__(self, renderer: Processor) -> None:
        super().__init__()
        self._renderer = renderer

    def format(self, record: logging.LogRecord) -> str:
        event: Any = {
            "event": "library",
            "level": record.levelname.lower(),
            "logger": record.name,
            "where": f"{_short(record.pathname)}:{record.lineno}",
            "exc_info": record.exc_info,
        }
        for step in (STAMP, name_exception, allow_only_named):
            event = step(None, "", event)
        if record.name in SPEAKING and record.levelno < logging.ERROR:
            event["message"] = record.getMessage()
        return redact(str(self._renderer(None, "", event)))


def renderer_for(style: Style, stream: TextIO) -> Processor:
    """Return what makes a line: JSON, or for a person at a terminal."""
    if style == "json" or (style == "auto" and not stream.isatty()):
        return structlog.processors.JSONRenderer(sort_keys=True)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())


def configure_logging(
    level: str = "info", style: Style = "auto", stream: TextIO | None = None
) -> None:
    """Make every line of ours and of libraries obey the rules above, those of a crash included."""
    stream = stream or sys.stderr
    renderer = renderer_for(style, stream)
    least = logging.getLevelNamesMapping()[level.upper()]
    add_level = structlog.processors.add_log_level
    structlog.configure(
        processors=[add_level, STAMP, name_exception, allow_only_named, renderer, redact_line],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _tame_libraries(renderer, stream)
    sys.excepthook = _crashed
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread_crashed


class OnceAMinute(logging.Filter):
    """Lets one line through that says there is no descriptor for a connection; there are 2,000 a second."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith("socket.accept() out of system resource"):
            return True
        now = monotonic()
        is_due = now >= self._next
        if is_due:
            self._next = now + 60.0
        return is_due


def _tame_libraries(renderer: Processor, stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LibraryFormatter(renderer))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # it would print the arguments of a record it cannot format
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SPEAKING:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.getLogger("asyncio").filters = [OnceAMinute()]


def _crashed(
    kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.error("crashed", exc_info=error)


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    log.error("unraisable", exc_info=found.exc_value)


def _thread_crashed(found: threading.ExceptHookArgs) -> None:
    log.error("thread_crashed", exc_info=found.exc_value)
