"""Sheets on their way out: made into PDF at the moment they are sent, not while an update is answered.

What waits in the outbox is the sheet, so that a crash between the two loses nothing.
"""

import base64
from collections.abc import Mapping
from typing import Any

import structlog

from bot.outbox import Sender
from storage.paper import NoPaper, Press

log = structlog.get_logger()


def sheet(filename: str, content: str, otherwise: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document parameter of a PDF; ``otherwise`` are the parameters without one."""
    return {"filename": filename, "sheet": content, "otherwise": dict(otherwise)}


class Papered:
    """The Bot API, which takes a sheet as the document where it takes a file."""

    def __init__(self, sender: Sender, press: Press) -> None:
        self._sender = sender
        self._press = press

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return the result of a method; a sheet is sent as PDF, or as what stands in for it."""
        document = params.get("document")
        if isinstance(document, Mapping) and "sheet" in document:
            params = {**params, **await self._made(document)}
        return await self._sender.call(method, params)

    async def _made(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            content = await self._press.pdf(document["sheet"])
        except NoPaper as trouble:
            log.warning("no_paper", code=trouble.code)
            otherwise: Mapping[str, Any] = document["otherwise"]
            return otherwise
        return {"document": file(document["filename"], content)}


def file(filename: str, content: bytes) -> dict[str, str]:
    """Return the document parameter of a file."""
    return {"filename": filename, "base64": base64.b64encode(content).decode("ascii")}
