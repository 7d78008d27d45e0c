"""Everything that may differ between two installations, read once at the start."""

import difflib
import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dialogs.errors import ContentError
from dialogs.helplines import read_lines_of

PREFIX = "CURBSIDE_"
ENV_FILE = Path(".env")
TOKEN_FORM = re.compile(r"\d{6,}:[\w-]{30,}", re.ASCII)
SECRET_FORM = re.compile(r"[A-Za-z0-9_-]{32,256}")
"""What the Bot API takes as ``secret_token``, and no shorter than 32 bytes."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Approval = Literal["open", "invite", "approve"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]


DERIVED = {
    "database_url": "`curbside.db` in the data folder",
    "keys_file": "`keys` in the data folder",
    "metrics": "`true` on this machine only, `false` where the pages have another address",
    "approval": "`approve` with a token, `open` on the local phone",
}
"""In words, the defaults that follow from another setting."""

PAGE_HEAD = """\
# Settings

Read once at the start, from the environment and from a file `.env` beside it; the environment goes
first. A wrong value stops the start with one line that names the variable. This page is made from
`bot/settings.py` by `make docs`.

| Variable | What it means | What it takes | Default |
|---|---|---|---|
"""


class SettingsError(Exception):
    """A setting is missing or wrong; one line for each, naming the variable and what it takes."""


def setting(meaning: str, allowed: str, default: Any = ..., **more: Any) -> Any:
    """Return a field with its meaning and what it takes, which errors and the docs page show."""
    if "default_factory" not in more:
        more["default"] = default
    return Field(description=meaning, json_schema_extra={"allowed": allowed}, **more)


def _numbers(value: object) -> object:
    """Return the numbers of a comma-separated list; anything else is for pydantic to judge."""
    if not isinstance(value, str):
        return value
    return [part for part in re.split(r"[,\s]+", value) if part]


def _secret(value: SecretStr) -> SecretStr:
    if not SECRET_FORM.fullmatch(value.get_secret_value()):
        raise ValueError("not a secret")
    return value


def _token(value: SecretStr) -> SecretStr:
    if not TOKEN_FORM.fullmatch(value.get_secret_value()):
        raise ValueError("not a token")
    return value


def _api_address(value: str) -> str:
    """Return the address; plain HTTP would send the token readable, so only to this machine."""
    return _address(value, plain_to=LOOPBACK)


def _public_address(value: str) -> str:
    parts = urlsplit(_address(value, plain_to=frozenset()))
    if parts.path or parts.query:
        raise ValueError("more than a host")
    return parts.geturl()


def _address(value: str, *, plain_to: frozenset[str]) -> str:
    parts: SplitResult = urlsplit(value.rstrip("/"))
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in plain_to)
    if not secure or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("not an address")
    return parts.geturl()


def _time_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("not a time zone")
    return value


def _database(value: str) -> str:
    if not re.match(r"sqlite:///.|postgresql(\+psycopg)?://.", value):
        raise ValueError("not a database")
    return value


Admins = Annotated[tuple[Annotated[int, Field(gt=0)], ...], NoDecode, BeforeValidator(_numbers)]


class Settings(BaseSettings):
    """The settings of one process; ``load_settings`` reads them, tests may write them down."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
        extra="ignore",
    )

    token: Annotated[SecretStr, AfterValidator(_token)] | None = setting(
        "The bot's token from BotFather. Without one the local phone is served instead.",
        "the token as BotFather gives it, such as 123456789:AAE…",
        None,
    )
    telegram_api: Annotated[str, AfterValidator(_api_address)] = setting(
        "Where the Bot API is reached.",
        "an https:// address; http:// only on this machine",
        "https://api.telegram.org",
    )
    data_dir: Path = setting("The folder of the database and the keys.", "a folder", Path("data"))
    database_url: Annotated[str, AfterValidator(_database)] = setting(
        "The database.",
        "sqlite:///path/to/file.db or postgresql+psycopg://user:password@host/name",
        default_factory=lambda given: f"sqlite:///{given.get('data_dir', 'data')}/curbside.db",
        repr=False,
    )
    keys: SecretStr | None = setting(
        "The key-encryption keys themselves, where no file can be mounted.",
        "base64 keys of 32 bytes, newest first, separated by commas",
        None,
    )
    keys_file: Path = setting(
        "The file of the key-encryption keys; keep it apart from the database's backups.",
        "a file of base64 keys, newest first, one a line",
        default_factory=lambda given: given.get("data_dir", Path("data")) / "keys",
    )
    anchor_file: Path | None = setting(
        "Where signed checkpoints of the audit log are appended; best a place it cannot rewrite.",
        "a file",
        None,
    )
    anchor_chat: int | None = setting(
        "The chat that is sent a signed checkpoint of the audit log every hour; best the operator's own.",
        "a numeric Telegram id",
        None,
    )
    host: str = setting(
        "The address the pages are served on.", "a host name or address", "127.0.0.1"
    )
    port: int = setting(
        "The port the pages are served on; 0 takes any free one.",
        "0 to 65535",
        8080,
        ge=0,
        le=65535,
    )
    public_url: Annotated[str, AfterValidator(_public_address)] | None = setting(
        "The address at which people reach the pages. Links are made from it and nothing else.",
        "an https:// address without a path",
        None,
    )
    metrics: bool = setting(
        "Serve `/metrics` for Prometheus, which asks for no sign-in.",
        "true or false",
        default_factory=lambda given: given.get("host") in LOOPBACK and not given.get("public_url"),
    )
    webhook: bool = setting(
        "Have Telegram deliver updates to the public address instead of fetching them.",
        "true or false",
        default=False,
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_secret)] | None = setting(
        "What Telegram has to say with each delivery, so that nobody else can deliver.",
        "32 to 256 characters of A-Z a-z 0-9 _ -",
        None,
    )
    admins: Admins = setting(
        "Who may administer the bot.", "numeric Telegram ids, separated by commas", ()
    )
    approval: Approval = setting(
        "Who may use the bot: anybody, those invited, or those an admin has approved.",
        "open, invite or approve",
        default_factory=lambda given: "approve" if given.get("token") else "open",
    )
    retention_days: int = setting(
        "Days after which the free text of a closed case is destroyed.",
        "1 to 3650",
        180,
        ge=1,
        le=3650,
    )
    burst: int = setting(
        "Taps and messages of one person that are answered at once; after these, one a second.",
        "20 to 1000000",
        120,
        ge=20,
        le=1_000_000,
    )
    cases_a_day: int = setting(
        "Cases, and what-if copies, that one person may begin within 24 hours.",
        "1 to 1000000",
        30,
        ge=1,
        le=1_000_000,
    )
    scenario: str = setting(
        "Which scenario is offered.", "a name of a-z 0-9 _", "mat_pain", pattern="^[a-z][a-z0-9_]*$"
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = setting(
        "The time zone of people who have set none.",
        "a name such as America/New_York",
        "America/Chicago",
    )
    help_lines_file: Path | None = setting(
        "A file of local help lines, listed beside the national ones; see docs/operations.md.",
        "a TOML file",
        None,
    )
    poll_seconds: int = setting(
        "Seconds a request for updates waits when there are none.", "0 to 50", 30, ge=0, le=50
    )
    log_level: LogLevel = setting(
        "The least important lines logged.", "debug, info, warning or error", "info"
    )
    log_format: LogFormat = setting(
        "JSON, lines for people, or whichever suits the output.", "auto, json or console", "auto"
    )

    @property
    def address(self) -> str:
        """Where the pages are reached: the public address, else as this machine reaches itself."""
        if self.public_url:
            return self.public_url
        try:
            everywhere = ip_address(self.host).is_unspecified
        except ValueError:  # a name
            everywhere = False
        return f"http://{'127.0.0.1' if everywhere else self.host}:{self.port}"

    @model_validator(mode="after")
    def _has_readable_help_lines(self) -> Self:
        if self.help_lines_file is not None:
            _check_help_lines(self.help_lines_file)
        return self

    @model_validator(mode="after")
    def _can_be_delivered_to(self) -> Self:
        for name in ("token", "public_url", "webhook_secret"):
            if self.webhook and getattr(self, name) is None:
                raise ValueError(f"{_must(name)} It is needed with {variable('webhook')}.")
        return self


def _check_help_lines(path: Path) -> None:
    """Raise ValueError with what is wrong in the operator's file of help lines."""
    name = variable("help_lines_file")
    try:
        read_lines_of(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{name}: the file cannot be read.") from None
    except ContentError as error:
        raise ValueError(f"{name}: {error}") from None


def load_settings(env_file: Path = ENV_FILE) -> Settings:
    """Return the settings in ``env_file``, the environment going before it.

    Raises SettingsError with one line for each wrong value or unknown name; values are not shown.
    """
    try:
        _refuse_unknown(env_file)
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error))) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"The file {env_file} cannot be read.") from None


def variable(name: str) -> str:
    """Return the environment variable of the setting ``name``."""
    return PREFIX + name.upper()


def settings_page() -> str:
    """Return ``docs/settings.md``: every setting with what it means, takes, and is by default."""
    rows = (_row(name, field) for name, field in Settings.model_fields.items())
    return PAGE_HEAD + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{variable(name)}` | {field.description} | {_allowed(name)} | {_default(name)} |"


def _default(name: str) -> str:
    if name in DERIVED:
        return DERIVED[name]
    value = Settings.model_fields[name].default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if value not in (None, ()) else "none"


def _allowed(name: str) -> str:
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)  # noqa: S101 - every field is made by setting()
    return str(extra["allowed"])


def _must(name: str) -> str:
    return f"{variable(name)} must be {_allowed(name)}."


def _lines(error: ValidationError) -> list[str]:
    """Return a line for each wrong setting; a rule across settings has brought its own."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    wrong = [each for each in found if each["type"] != "default_factory_not_called"]
    lines = (
        _must(str(each["loc"][0])) if each["loc"] else each["msg"].removeprefix("Value error, ")
        for each in wrong
    )
    return list(dict.fromkeys(lines))


def _refuse_unknown(env_file: Path) -> None:
    """Raise SettingsError for a name of ours that is no setting: most likely a slip."""
    known = {variable(name) for name in Settings.model_fields}
    for name in map(str.upper, (*os.environ, *dotenv_values(env_file))):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Is {near[0]} meant?" if near else " See docs/settings.md."
            raise SettingsError(f"{name} is not a setting.{hint}")
