"""What is installed from deploy/ is what the program has and takes."""

import re
from pathlib import Path

import pytest

from bot.settings import Settings, variable

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = ("Dockerfile", "compose.yaml", "curbside.service", "README.md", "drill.sh")
PACKAGES = ("dialogs", "storage", "bot", "web")


def text(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_every_setting_named_there_is_one(name: str) -> None:
    named = set(re.findall(r"CURBSIDE_[A-Z]+(?:_[A-Z]+)*", text(name)))

    assert named <= {variable(setting) for setting in Settings.model_fields}


def test_the_image_has_every_package_and_runs_as_nobody_special() -> None:
    lines = text("Dockerfile").splitlines()

    assert {f"COPY {package} {package}" for package in PACKAGES} <= set(lines)
    assert "USER 10001:10001" in lines
    assert all(f"!{package}" in text("Dockerfile.dockerignore") for package in PACKAGES)


def test_the_containers_can_do_no_more_than_they_must() -> None:
    bot = text("compose.yaml").split("\n  database:\n")[0]

    for line in (
        'user: "10001:10001"',
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        "replicas: 2",
        'command: ["run", "--webhook"]',
    ):
        assert line in bot


def test_a_stop_is_given_more_time_than_it_takes() -> None:
    from run_bot import STOP_SECONDS

    assert int(re.findall(r"stop_grace_period: (\d+)s", text("compose.yaml"))[0]) > STOP_SECONDS
    assert int(re.findall(r"TimeoutStopSec=(\d+)", text("curbside.service"))[0]) > STOP_SECONDS
