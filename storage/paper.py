"""Paper: a record laid out as PDF in a process of its own, bounded in time, size and memory.

Laying out takes a quarter of a second of computing and a library of 80 MB that needs pango; here
neither stands in the way of an answer. The process is started by the first sheet, kept for the next
ones, and ended after a while without any.
"""

import asyncio
import gc
import struct
import sys
import zlib
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).parents[1]
SECONDS = 20.0
"""For one sheet, waiting for its turn and the start of the process included."""

IDLE_SECONDS = 120.0
MOST_WAITING = 16
MOST_SHEET_BYTES = 4 * 1024 * 1024
MOST_PAPER_BYTES = 32 * 1024 * 1024
MOST_MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space of the process; a hundred pages take a quarter of it."""

PACKED = 6
"""Level of zlib for pages and fonts."""

MISSING = (
    "PDF needs the pdf extra and the library pango; docs/operations.md says how to install them. "
    "The web page as a file prints the same."
)

_LENGTH = struct.Struct(">I")
_WELL, _MISSING, _FAILED = b"+", b"?", b"-"


class NoPaper(Exception):
    """No PDF could be made; ``code`` says why: missing, busy, late, large or failed."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no paper: {code}")
        self.code = code

    @property
    def words(self) -> str:
        """What to do about it."""
        return WORDS[self.code]


WORDS = {
    "missing": MISSING,
    "busy": "Too many PDFs are being made just now. Try again in a moment.",
    "late": "The PDF took too long. The web page as a file prints the same.",
    "large": "The record is too long for a PDF. The web page as a file prints the same.",
    "failed": "The PDF could not be made. The web page as a file prints the same.",
}


@dataclass(slots=True)
class Press:
    """One process that lays sheets out, one after the other."""

    seconds: float = SECONDS
    idle_seconds: float = IDLE_SECONDS
    command: tuple[str, ...] = (sys.executable, "-m", "storage.paper")
    _process: Process | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0
    _ending: asyncio.TimerHandle | None = None

    async def pdf(self, sheet: str) -> bytes:
        """Return the PDF of a sheet of ``dialogs.record.page``; raises NoPaper."""
        content = sheet.encode()
        if len(content) > MOST_SHEET_BYTES:
            raise NoPaper("large")
        if self._waiting >= MOST_WAITING:
            raise NoPaper("busy")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.seconds), self._turn:
                return await self._laid_out(content)
        except TimeoutError:
            raise NoPaper("late") from None
        finally:
            self._waiting -= 1

    async def _laid_out(self, content: bytes) -> bytes:
        if self._ending is not None:
            self._ending.cancel()
        whole = False
        try:
            process = await self._running()
            answer = await _exchange(process, content)
            whole = True
        except (OSError, EOFError, ValueError):
            raise NoPaper("failed") from None
        finally:
            if not whole:
                await self.close()
        self._ending = asyncio.get_running_loop().call_later(self.idle_seconds, self._end)
        return _paper(answer)

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=ROOT
            )
        return self._process

    def _end(self) -> None:
        """End the process once it has had nothing to do for a while."""
        if not self._turn.locked() and self._process is not None:
            _kill(self._process)

    async def close(self) -> None:
        """End the process now; the next sheet starts another one."""
        process, self._process = self._process, None
        if self._ending is not None:
            self._ending.cancel()
        if process is not None:
            _kill(process)
            await process.wait()


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


async def _exchange(process: Process, content: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
    process.stdin.write(_LENGTH.pack(len(content)) + content)
    await process.stdin.drain()
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    if length > MOST_PAPER_BYTES:
        raise ValueError("more than a PDF")
    return await process.stdout.readexactly(length)


def _paper(answer: bytes) -> bytes:
    state, content = answer[:1], answer[1:]
    if state == _WELL:
        return content
    raise NoPaper("missing" if state == _MISSING else "failed")


# --- in the process of its own ------------------------------------------------------------------


def serve(sheets: BinaryIO, papers: BinaryIO) -> None:
    """Answer each sheet with its PDF, or with why there is none, until there are no more."""
    try:
        lay_out = _layer()
    except (ImportError, OSError):
        lay_out = None
    while len(head := sheets.read(_LENGTH.size)) == _LENGTH.size:
        sheet = sheets.read(_LENGTH.unpack(head)[0]).decode()
        answer = _MISSING if lay_out is None else _tried(lay_out, sheet)
        papers.write(_LENGTH.pack(len(answer)) + answer)
        papers.flush()
        gc.collect()  # between two sheets, where nobody waits for it


def _tried(lay_out: Callable[[str], bytes], sheet: str) -> bytes:
    try:
        return _WELL + lay_out(sheet)
    except Exception:  # noqa: BLE001 - whatever it is, the next sheet is another one
        return _FAILED


def _layer() -> Callable[[str], bytes]:
    """Return what makes a PDF of a sheet; raises ImportError or OSError where something is missing.

    The style sheet is read once. Nothing is fetched: a sheet needs nothing, and asks nobody.
    What is there by then stays, and is not looked through for garbage again.
    """
    import weasyprint  # noqa: PLC0415 - only in this process
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - only in this process
    from weasyprint.urls import URLFetcher  # noqa: PLC0415 - only in this process

    from dialogs.record.page import sheet_style  # noqa: PLC0415 - only in this process

    fonts, nothing = FontConfiguration(), URLFetcher(allowed_protocols=())
    style = weasyprint.CSS(string=sheet_style(), font_config=fonts, url_fetcher=nothing)

    def lay_out(sheet: str) -> bytes:
        document = weasyprint.HTML(string=sheet, url_fetcher=nothing)
        document._ua_stylesheets = _no_other  # noqa: SLF001 - there is no other way
        made: bytes = document.write_pdf(stylesheets=[style], font_config=fonts, finisher=_packed)
        return made

    lay_out("<p>.</p>")
    gc.collect()
    gc.freeze()
    return lay_out


def _no_other(*_: Any, **__: Any) -> list[Any]:
    """Return the style sheets beside ours; WeasyPrint would add its own, which is for any HTML.

    It makes five styles more for each element, a twelfth of the time of a PDF. A WeasyPrint that
    does not ask here lays out the same, only slower.
    """
    return []


def _packed(_: Any, pdf: Any) -> None:
    """Compress pages and fonts by ``PACKED``, where pydyf would take the highest level.

    That takes a twelfth of the time of a PDF, to save a twenty-fifth of its size.
    """
    for part in pdf.objects:
        if getattr(part, "compress", False):
            part.compress = False
            content = part.data.partition(b"\nstream\n")[2].removesuffix(b"\nendstream")
            part.stream = [zlib.compress(content, PACKED)]
            part.extra["Filter"] = "/FlateDecode"


def _alone() -> None:
    """Use this process for nothing else: its memory is bounded where the system can.

    Garbage is collected between sheets only.
    """
    gc.disable()
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))


if __name__ == "__main__":
    _alone()
    serve(sys.stdin.buffer, sys.stdout.buffer)
