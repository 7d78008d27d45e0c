"""What the Bot API answers when it refuses."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Refused(Exception):
    """One refusal: status, Telegram's own words, and `parameters` where it has some."""

    code: int
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        body = {"ok": False, "error_code": self.code, "description": self.description}
        return body | ({"parameters": self.parameters} if self.parameters else {})


def bad(text: str, **parameters: Any) -> Refused:
    return Refused(400, f"Bad Request: {text}", parameters)


def forbidden(text: str) -> Refused:
    return Refused(403, f"Forbidden: {text}")


def too_many(seconds: int) -> Refused:
    return Refused(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def conflict(text: str) -> Refused:
    return Refused(409, f"Conflict: {text}")


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized")


def no_method() -> Refused:
    return Refused(404, "Not Found: method not found")
