"""Files on their way out that are made at the moment they are sent, not while an update is answered.

A PDF is made from its sheet, the file of a person's data from the database. What waits in the
outbox is the sheet, or whose data, so that a crash between the two loses nothing.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import structlog

from bot.outbox import Sender
from storage.paper import NoPaper, Press

log = structlog.get_logger()


def sheet(filename: str, content: str, otherwise: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document parameter of a PDF; ``otherwise`` are the parameters without one."""
    return {"filename": filename, "sheet": content, "otherwise": dict(otherwise)}


def data_of(filename: str, person_id: UUID) -> dict[str, Any]:
    """Return the document parameter of everything kept about a person, as it is when it is sent."""
    return {"filename": filename, "data_of": person_id.hex}


class Papered:
    """The Bot API, which takes a sheet, or whose data, as the document where it takes a file."""

    def __init__(
        self, sender: Sender, press: Press, data: Callable[[UUID], Awaitable[bytes]]
    ) -> None:
        self._sender = sender
        self._press = press
        self._data = data
        self._one_at_a_time = asyncio.Lock()

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return the result of a method; a sheet is sent as PDF, or as what stands in for it."""
        document = params.get("document")
        if isinstance(document, Mapping) and "data_of" in document:
            async with self._one_at_a_time:
                content = await self._data(UUID(hex=document["data_of"]))
                whole = {"filename": document["filename"], "bytes": content}
                return await self._sender.call(method, {**params, "document": whole})
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
