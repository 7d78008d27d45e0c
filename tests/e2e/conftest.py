"""The real process and a real browser, both on loopback."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
CHROMIUM_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def own_port() -> int:
    """Return a free port below those given to connections: nobody takes it between two starts."""
    while True:
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", random.randrange(20_000, 32_000)))  # noqa: S311 - no secret
            return int(tried.getsockname()[1])


@dataclass
class Process:
    """`run_bot.py run` in a folder of its own, always on the same port."""

    folder: Path
    port: int = field(default_factory=own_port)
    running: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it and return the seconds until the page is served."""
        began = time.monotonic()
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CURBSIDE_")},
            "CURBSIDE_DATA_DIR": str(self.folder),
            "CURBSIDE_PORT": str(self.port),
            "CURBSIDE_BURST": "1000000",
            "CURBSIDE_CASES_A_DAY": "1000000",
        }
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "run_bot.py", "run"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.running.stdout is not None
        said = self.running.stdout.readline().decode()
        assert self.address in said, (said, (self.folder / "log").read_text())
        self._wait()
        return time.monotonic() - began

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(self.address).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the page was not served in time")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.running is not None
        if self.running.poll() is None:
            self.running.send_signal(number)
        code = self.running.wait(15)
        if self.running.stdout is not None:
            self.running.stdout.close()
        return code


@pytest.fixture
def process() -> Iterator[Process]:
    folder = Path(tempfile.mkdtemp(prefix="curbside-"))
    process = Process(folder)
    process.start()
    yield process
    process.kill()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for each module: while it runs, its own event loop does, and no other can."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page the size of a phone that never asks anything but this machine."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    page.close()
    assert [url for url in asked if not url.startswith("http://127.0.0.1:")] == []
