"""Whether Telegram delivers or we fetch is set right at the start, looked at, and put right again."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs
from telegram.error import Conflict, InvalidToken, NetworkError, TelegramError

import web.webhook
from bot.inbox import Limits, Pulse, TokenRefused
from bot.transport import ALLOWED_UPDATES
from bot.webhook import PATH, Fetching, Webhook

ADDRESS = "https://bot.example/telegram"
QUICK = Limits(first_pause=0.001, longest_pause=0.01)


@pytest.fixture(autouse=True)
def said() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of on the screen."""
    with capture_logs() as lines:
        yield lines


@dataclass
class Api:
    """The Bot API's side of the setting, with failures to come."""

    url: str = ""
    pending: int = 0
    last_error: int | None = None
    failures: list[TelegramError] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    told: int = 0

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        self.calls.append((method, dict(params)))
        if self.failures:
            raise self.failures.pop(0)
        if method == "setWebhook":
            self.url = params["url"]
        elif method == "deleteWebhook":
            self.url = ""
        elif method == "getWebhookInfo":
            return {
                "url": self.url,
                "pending_update_count": self.pending,
                "last_error_date": self.last_error,
            }
        return True

    async def get_updates(self, *, offset: int, seconds: int) -> Sequence[Any]:
        self.calls.append(("getUpdates", {"offset": offset}))
        if self.url:
            raise Conflict("can't use getUpdates method while webhook is active")
        if self.failures:
            raise self.failures.pop(0)
        return ()

    async def tell(self) -> None:
        self.told += 1

    def named(self) -> list[str]:
        return [method for method, _ in self.calls]


@asynccontextmanager
async def kept(api: Api) -> AsyncIterator[Webhook]:
    """The webhook while it is looked at again and again."""
    webhook = Webhook(api, ADDRESS, "s" * 32, Pulse(), api.tell, limits=QUICK, look_seconds=0.002)
    stop = asyncio.Event()
    running = asyncio.create_task(webhook.run(stop))
    yield webhook
    stop.set()
    await running


async def comes(api: Api, *methods: str) -> None:
    """Wait until these calls are the newest."""
    async with asyncio.timeout(5):
        while api.named()[-len(methods) :] != list(methods):  # noqa: ASYNC110 - a list rings no bell
            await asyncio.sleep(0)


async def test_it_is_set_with_its_secret_and_the_updates_that_we_read() -> None:
    api = Api()
    async with kept(api) as webhook:
        await comes(api, "getWebhookInfo", "getWebhookInfo")

    assert api.calls[0] == (
        "setWebhook",
        {
            "url": ADDRESS,
            "secret_token": "s" * 32,
            "allowed_updates": list(ALLOWED_UPDATES),
            "max_connections": 40,
            "drop_pending_updates": False,
        },
    )
    assert api.named().count("setWebhook") == 1
    assert webhook.pulse.alarm == ""
    assert webhook.pulse.leads
    assert "secret=" not in repr(webhook)


async def test_one_that_another_program_changed_is_put_right_and_said() -> None:
    api = Api()
    async with kept(api) as webhook:
        await comes(api, "setWebhook", "getWebhookInfo")
        api.url = "https://thief.example/"
        await comes(api, "setWebhook")
        assert webhook.pulse.alarm == "webhook_taken"
        await comes(api, "getWebhookInfo")

    assert api.url == ADDRESS
    assert api.told == 1


async def test_a_telegram_that_does_not_answer_at_the_start_is_asked_again() -> None:
    api = Api(failures=[NetworkError("x"), NetworkError("x")])
    async with kept(api) as webhook:
        await comes(api, "setWebhook")
        assert webhook.pulse.alarm in ("", "unreachable")
        await comes(api, "getWebhookInfo")
        await comes(api, "getWebhookInfo", "getWebhookInfo")

    assert api.named()[:4] == ["setWebhook", "setWebhook", "setWebhook", "getWebhookInfo"]
    alarm: str = webhook.pulse.alarm
    assert alarm == ""


async def test_deliveries_that_fail_are_an_alarm_until_they_get_through() -> None:
    api = Api(pending=3, last_error=100)
    async with kept(api) as webhook:
        await comes(api, "getWebhookInfo")
        assert webhook.pulse.alarm == "not_delivered"
        assert webhook.pulse.waiting == 3
        await comes(api, "getWebhookInfo", "getWebhookInfo")

    alarm: str = webhook.pulse.alarm
    assert alarm == ""


async def test_trouble_with_storage_is_left_to_whoever_stores() -> None:
    api = Api()
    async with kept(api) as webhook:
        webhook.pulse.alarm = "storage"
        await comes(api, "getWebhookInfo", "getWebhookInfo")

    assert webhook.pulse.alarm == "storage"


async def test_a_refused_token_ends_it_but_not_at_the_first_hiccup() -> None:
    api = Api(failures=[InvalidToken("x")])
    async with kept(api) as webhook:
        await comes(api, "getWebhookInfo")
        assert webhook.pulse.alarm == ""
        assert webhook.refusals == 0
    refused = Api(failures=[InvalidToken("x")] * 3)
    webhook = Webhook(refused, ADDRESS, "s" * 32, Pulse(), limits=QUICK)

    with pytest.raises(TokenRefused):
        await webhook.run(asyncio.Event())
    assert webhook.pulse.alarm == "token_refused"


async def test_fetching_takes_a_webhook_away_first_and_only_once() -> None:
    api = Api(url=ADDRESS)
    source = Fetching(api)

    await source.get_updates(offset=0, seconds=0)
    await source.get_updates(offset=0, seconds=0)

    assert api.named() == ["deleteWebhook", "getUpdates", "getUpdates"]
    assert api.calls[0][1] == {"drop_pending_updates": False}


async def test_fetching_begins_only_when_the_webhook_is_gone() -> None:
    api = Api(url=ADDRESS, failures=[NetworkError("x")])
    source = Fetching(api)

    with pytest.raises(NetworkError):
        await source.get_updates(offset=0, seconds=0)
    await source.get_updates(offset=0, seconds=0)

    assert api.named() == ["deleteWebhook", "deleteWebhook", "getUpdates"]


async def test_a_webhook_that_another_program_sets_is_taken_away_and_said() -> None:
    api = Api()
    source = Fetching(api, api.tell)
    await source.get_updates(offset=0, seconds=0)
    api.url = "https://thief.example/"

    with pytest.raises(Conflict):
        await source.get_updates(offset=0, seconds=0)
    await source.get_updates(offset=0, seconds=0)

    assert api.url == ""
    assert api.told == 1


async def test_a_second_program_that_fetches_is_said_and_no_webhook_looked_for() -> None:
    api = Api()
    source = Fetching(api)
    await source.get_updates(offset=0, seconds=0)
    api.failures = [Conflict("terminated by other getUpdates request")]

    with pytest.raises(Conflict):
        await source.get_updates(offset=0, seconds=0)
    await source.get_updates(offset=0, seconds=0)

    assert api.named().count("deleteWebhook") == 1


def test_the_address_is_the_one_that_is_served() -> None:
    assert PATH == web.webhook.PATH
