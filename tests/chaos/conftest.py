"""The running bot of the bot's own tests."""

from tests.bot.conftest import conversation, ready

__all__ = ["conversation", "ready"]
