"""A strict emulator of the Telegram Bot API on loopback: for tests and for the local phone."""

from web.emulator.app import bot_api, bot_api_routes, new_emulator
from web.emulator.core import Call, Emulator, Toast
from web.emulator.faults import Fault, Faults
from web.emulator.people import Group, Person, group, person
from web.emulator.rates import Rates
from web.emulator.serving import listener, served
from web.emulator.webhook import Deliveries
from web.emulator.world import Chat, Message, User

__all__ = [
    "Call",
    "Chat",
    "Deliveries",
    "Emulator",
    "Fault",
    "Faults",
    "Group",
    "Message",
    "Person",
    "Rates",
    "Toast",
    "User",
    "bot_api",
    "bot_api_routes",
    "group",
    "listener",
    "new_emulator",
    "person",
    "served",
]
