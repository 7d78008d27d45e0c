"""A wrong setting stops the start with one line that names it; a right one needs no other."""

import os
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings, settings_page, variable

ROOT = Path(__file__).parents[2]
TOKEN = "123456789:AAEhBOweik9ai2vTTPhFqQXIfNjfEKn35nY"
SECRET = "s" * 32
NOWHERE = Path("/nowhere/.env")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("CURBSIDE_")]:
        monkeypatch.delenv(name)


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(variable(name), value)
    return load_settings(NOWHERE)


def test_nothing_has_to_be_set() -> None:
    settings = load_settings(NOWHERE)

    assert settings.token is None
    assert settings.database_url == "sqlite:///data/curbside.db"
    assert settings.keys_file == Path("data/keys")
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.approval == "open"


def test_a_real_bot_admits_nobody_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, token=TOKEN).approval == "approve"


def test_database_and_keys_follow_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, data_dir="/srv/curbside")

    assert settings.database_url == "sqlite:////srv/curbside/curbside.db"
    assert settings.keys_file == Path("/srv/curbside/keys")


def test_admins_are_numbers_between_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, admins="11, 22").admins == (11, 22)


@pytest.mark.parametrize(
    ("values", "served"),
    [
        ({}, True),
        ({"host": "0.0.0.0"}, False),  # noqa: S104 - a container's
        ({"public_url": "https://curbside.example.org"}, False),
        ({"public_url": "https://curbside.example.org", "metrics": "true"}, True),
        ({"metrics": "false"}, False),
    ],
)
def test_metrics_are_served_by_themselves_on_this_machine_only(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], served: bool
) -> None:
    assert given(monkeypatch, **values).metrics is served


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"host": "0.0.0.0", "port": "9000"}, "http://127.0.0.1:9000"),  # noqa: S104
        ({"host": "bot.internal"}, "http://bot.internal:8080"),
        ({"host": "0.0.0.0", "public_url": "https://bot.example.org"}, "https://bot.example.org"),  # noqa: S104
    ],
)
def test_links_lead_to_the_public_address_or_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], address: str
) -> None:
    assert given(monkeypatch, **values).address == address


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given(monkeypatch, token="", admins="").token is None


def test_the_environment_goes_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CURBSIDE_PORT=1111\nCURBSIDE_SCENARIO=other\nELSE=1\n")
    monkeypatch.setenv("CURBSIDE_PORT", "2222")

    settings = load_settings(tmp_path / ".env")

    assert (settings.port, settings.scenario) == (2222, "other")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("token", "123456789:short", "the token as BotFather gives it"),
        ("telegram_api", "http://example.org", "an https:// address"),
        ("telegram_api", "https://user@example.org", "an https:// address"),
        ("database_url", "mysql://host/name", "sqlite:///"),
        ("port", "80800", "0 to 65535"),
        ("port", "http", "0 to 65535"),
        ("public_url", "http://example.org", "an https:// address without a path"),
        ("public_url", "https://example.org/bot", "an https:// address without a path"),
        ("webhook", "perhaps", "true or false"),
        ("webhook_secret", "s" * 31, "32 to 256 characters"),
        ("webhook_secret", "s" * 31 + "!", "32 to 256 characters"),
        ("admins", "@somebody", "numeric Telegram ids"),
        ("admins", "-5", "numeric Telegram ids"),
        ("approval", "all", "open, invite or approve"),
        ("retention_days", "0", "1 to 3650"),
        ("scenario", "../etc", "a name of a-z"),
        ("poll_seconds", "51", "0 to 50"),
        ("log_level", "loud", "debug, info, warning or error"),
        ("log_format", "xml", "auto, json or console"),
    ],
)
def test_a_wrong_value_gives_one_line_with_the_variable_and_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        given(monkeypatch, **{name: value})

    line = str(refused.value)
    assert line.startswith(f"{variable(name)} must be {allowed}")
    assert "\n" not in line
    assert len(value) < 5 or value not in line


@pytest.mark.parametrize("missing", ["token", "public_url", "webhook_secret"])
def test_a_webhook_needs_token_address_and_secret(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    whole = {"token": TOKEN, "public_url": "https://example.org", "webhook_secret": SECRET}
    del whole[missing]

    with pytest.raises(SettingsError) as refused:
        given(monkeypatch, webhook="true", **whole)

    assert str(refused.value).startswith(variable(missing))
    assert "It is needed with CURBSIDE_WEBHOOK." in str(refused.value)


def test_a_slip_in_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURBSIDE_TOKN", TOKEN)

    with pytest.raises(SettingsError, match=r"CURBSIDE_TOKN .* CURBSIDE_TOKEN meant"):
        load_settings(NOWHERE)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CURBSIDE_PORT=\xff\xfe\n")

    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / ".env")


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = repr(
        given(
            monkeypatch,
            token=TOKEN,
            keys="c2VjcmV0",
            webhook_secret=SECRET,
            database_url="postgresql+psycopg://user:password@host/name",
        )
    )

    assert not any(word in shown for word in (TOKEN, "c2VjcmV0", SECRET, "password"))


def test_the_settings_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_and_in_the_example(name: str) -> None:
    field = Settings.model_fields[name]

    assert field.description
    assert isinstance(field.json_schema_extra, dict)
    assert field.json_schema_extra["allowed"]
    assert f"#{variable(name)}=" in (ROOT / ".env.example").read_text()
