"""A log line holds codes and numbers: never a person's words, never the token."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.hygiene import MASK, configure_logging, describe, place, redact
from bot.transport import Telegram

TOKEN = "123456789:AAEhBOweik9ai2vTTPhFqQXIfNjfEKn35nY"
WORDS = "Jane Roe takes 10 mg"

log = structlog.get_logger()


class Output(io.StringIO):
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def output() -> Iterator[Output]:
    """Logging as in production, put back afterwards."""
    root = logging.getLogger()
    before = (root.handlers, root.level, logging.raiseExceptions)
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook)
    stream = Output()
    configure_logging("debug", "json", stream)
    yield stream
    root.handlers, root.level, logging.raiseExceptions = before
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    structlog.reset_defaults()


def boom(words: str) -> None:
    raise ValueError(words)


def caught(words: str = WORDS) -> ValueError:
    try:
        boom(words)
    except ValueError as error:
        return error
    raise AssertionError


def test_named_fields_with_codes_and_numbers_pass(output: Output) -> None:
    log.info("update_handled", update_id=7, phase_after="asking", seconds=0.5, trouble=None)

    (line,) = output.lines()
    assert line["event"] == "update_handled"
    assert (line["update_id"], line["phase_after"], line["seconds"]) == (7, "asking", 0.5)
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


def test_a_field_nobody_named_is_masked(output: Output) -> None:
    log.info("update_handled", text=WORDS, chat=4711)

    assert output.lines()[0]["text"] == MASK
    assert "4711" not in output.getvalue()


def test_a_sentence_in_a_named_field_is_masked(output: Output) -> None:
    log.info("update_handled", reason=WORDS)
    log.info(WORDS)
    log.info("got %s", WORDS)

    assert [line.get("reason", line["event"]) for line in output.lines()] == [MASK] * 3


def test_an_exception_is_its_types_and_places(output: Output) -> None:
    try:
        boom(WORDS)
    except ValueError:
        log.exception("update_failed")

    (line,) = output.lines()
    assert line["error"] == "ValueError"
    assert line["where"].endswith(":boom")
    assert WORDS not in output.getvalue()


def test_the_causes_are_named_too() -> None:
    outer = KeyError(WORDS)
    outer.__cause__ = caught()

    assert describe(outer) == "KeyError<ValueError"
    assert place(outer) == ""


def test_a_library_is_heard_without_its_words(output: Output) -> None:
    logging.getLogger("some.library").warning("cannot read %s", WORDS, exc_info=caught())

    (line,) = output.lines()
    assert (line["event"], line["logger"]) == ("library", "some.library")
    assert line["error"] == "ValueError"
    assert WORDS not in output.getvalue()


def test_the_server_may_say_how_it_is(output: Output) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")

    assert output.lines()[0]["message"] == "Invalid HTTP request received."


def test_a_record_that_cannot_be_formatted_prints_nothing(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("uvicorn.error").warning("%d things", WORDS)

    assert WORDS not in output.getvalue() + "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "aiohttp.access", "telegram.Bot"])
def test_those_who_log_addresses_are_quiet(output: Output, name: str) -> None:
    logging.getLogger(name).info("POST https://api.telegram.org/bot%s/getMe", TOKEN)

    assert output.getvalue() == ""


def test_that_there_is_no_descriptor_is_said_once_a_minute(output: Output) -> None:
    loop = logging.getLogger("asyncio")
    for _ in range(3):
        loop.error("socket.accept() out of system resource\nsocket: ...", exc_info=caught())
    loop.error("something else")

    assert [line["event"] for line in output.lines()] == ["library"] * 2


def test_a_crash_is_one_line_without_words(output: Output) -> None:
    error = caught()

    sys.excepthook(ValueError, error, error.__traceback__)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    (line,) = output.lines()
    assert (line["event"], line["error"]) == ("crashed", "ValueError")
    assert WORDS not in output.getvalue()


def test_a_crashed_thread_is_one_line_without_words(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=boom, args=(WORDS,))
        thread.start()
        thread.join()

    assert output.lines()[0]["event"] == "thread_crashed"
    assert WORDS not in output.getvalue() + "".join(capsys.readouterr())


def test_a_crash_while_tidying_up_is_one_line_without_words(output: Output) -> None:
    class Untidy:
        def __del__(self) -> None:
            boom(WORDS)

    untidy = Untidy()
    del untidy

    assert output.lines()[0]["event"] == "unraisable"
    assert WORDS not in output.getvalue()


async def test_a_forgotten_task_is_heard_without_its_words(output: Output) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": WORDS, "exception": caught()})

    assert output.lines()[0]["error"] == "ValueError"
    assert WORDS not in output.getvalue()


def test_lines_for_people_obey_as_well() -> None:
    stream = Output()
    configure_logging("info", "console", stream)

    log.info("update_handled", reason=WORDS, update_id=3)
    structlog.reset_defaults()

    assert "update_id=3" in stream.getvalue()
    assert WORDS not in stream.getvalue()


@pytest.mark.parametrize("written", [TOKEN, TOKEN.replace(":", "%3A"), TOKEN.replace(":", "%3a")])
def test_a_token_is_redacted_however_it_is_written(written: str) -> None:
    assert redact(f"https://api.telegram.org/bot{written}/x") == (
        "https://api.telegram.org/bot[token]/x"
    )


async def test_the_token_is_nowhere_after_failures(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    """No server, then an address that is none: everything said and raised is searched."""
    said = []
    for api in ("http://127.0.0.1:9", "http://[not-an-address"):
        async with Telegram(TOKEN, api) as telegram:
            for call in (
                telegram.call("sendMessage", {"chat_id": 1, "text": "hello"}),
                telegram.get_updates(offset=0, seconds=0),
                telegram.bot.get_me(),
            ):
                try:
                    await call
                except Exception as error:
                    log.exception("poll_failed")
                    logging.getLogger("some.library").warning("failed with %s", error)
                    said += [repr(each) for each in chain(error)]

    everything = output.getvalue() + "".join(capsys.readouterr()) + "".join(said)
    assert len(said) >= 12
    assert TOKEN not in everything
    assert TOKEN.partition(":")[2] not in everything


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all it hangs on to, causes and contexts alike."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
