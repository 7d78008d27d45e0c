"""Reads the parameters of a call the way the Bot API does: everything is a string."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from web.emulator.errors import bad

LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes
    mime: str


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of one call: scalars as text, nested values as JSON text, files apart."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    def has(self, name: str) -> bool:
        return name in self.fields or name in self.files

    def integer(self, name: str, default: int = 0) -> int:
        try:
            return int(self.fields.get(name, "").strip())
        except ValueError:
            return default

    def within(self, name: str, default: int, low: int, high: int) -> int:
        return max(low, min(high, self.integer(name, default)))

    def flag(self, name: str) -> bool:
        return self.fields.get(name, "").strip().lower() in {"true", "yes", "1"}

    def value(self, name: str, what: str) -> Any:
        """The nested value under `name`, None when it is absent."""
        if not (written := self.fields.get(name, "").strip()):
            return None
        try:
            return json.loads(written)
        except ValueError:
            raise bad(f"can't parse {what} JSON object") from None

    def shown(self) -> dict[str, Any]:
        """Fields as a test wants to read them: nested values decoded, files as their size."""
        sizes = {
            name: {"filename": file.name, "size": len(file.content)}
            for name, file in self.files.items()
        }
        return {name: decoded(value) for name, value in self.fields.items()} | sizes


def decoded(value: str) -> Any:
    """The JSON object or list in the value, a whole number as one, any other value as it is."""
    if value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return int(value) if value.lstrip("-").isdecimal() and len(value) < LONGEST_NUMBER else value


async def read_params(request: Request) -> Params:
    """Query string, then body: JSON, urlencoded or multipart."""
    fields = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return Params(fields | as_fields(await request.body()))
    if request.method == "POST" and kind in FORMS:
        return await form(request, fields)
    return Params(fields)


FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def as_fields(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise bad("can't parse JSON object in the request body") from None
    if not isinstance(value, dict):
        raise bad("object expected in the request body")
    return {name: as_field(item) for name, item in value.items() if item is not None}


def as_field(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


async def form(request: Request, fields: dict[str, str]) -> Params:
    files: dict[str, Upload] = {}
    async with request.form() as parts:
        for name, part in parts.multi_items():
            if isinstance(part, UploadFile):
                files[name] = Upload(
                    part.filename or name,
                    await part.read(),
                    part.content_type or "application/octet-stream",
                )
            else:
                fields[name] = part
    return Params(fields, files)
