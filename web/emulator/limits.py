"""Telegram's limits in one place; the source of each is in docs/telegram-rules.md."""

TEXT_UNITS = 4096
"""Longest text after entities are parsed, in UTF-16 units."""
CAPTION_UNITS = 1024
TEXT_BYTES = 1 << 15
"""Longest text before entities are parsed, in bytes of UTF-8."""
ENTITIES = 100
"""Entities kept of one message; further ones are dropped without a word."""
ENTITY_BYTES = 9500
"""About the room all entities of a message have together, mostly for addresses."""
CALLBACK_BYTES = 64
COPY_TEXT = 256
TOAST = 200
START_PAYLOAD = 64
BUTTONS = 100
ROW_BUTTONS = 8
KEYBOARD_BYTES = 10_000
UPDATES_A_POLL = 100
POLL_SECONDS = 50
UPDATE_HOURS = 24
CALLBACK_SECONDS = 150
DELETE_HOURS = 48
QUIET_DAYS = 7
"""After so many days without an update the next identifier is random."""
COMMANDS = 100
COMMAND_NAME = 32
COMMAND_WORDS = 256
INLINE_RESULTS = 50
SECRET_TOKEN = 256
FILE_BYTES = 50 * 1024 * 1024
PHOTO_BYTES = 10 * 1024 * 1024
FILE_NAME_BYTES = 255
SUPERGROUP = -1_000_000_000_000
"""Supergroups have identifiers below this one."""


def units(text: str) -> int:
    """The length Telegram counts: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2
