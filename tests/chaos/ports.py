"""Ports that stay a bot's own over all its lives.

A port that was only found to be free is taken by any connection that goes out before the bot listens,
or between two of its lives. So the test holds it the whole time and the bot joins it there; only a
socket that listens is connected to, so a port without a living bot refuses as it should.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


def _bound(port: int) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's delay off only then.
    joined = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    joined.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    joined.bind(("127.0.0.1", port))
    return joined


@contextmanager
def kept_port() -> Iterator[int]:
    """Yield a port of loopback that only ``listening_on`` can have while the block lasts."""
    with _bound(0) as kept:
        yield int(kept.getsockname()[1])


def listening_on(port: int) -> socket.socket:
    """Return a socket that listens on a port which is kept."""
    listening = _bound(port)
    listening.listen(128)
    return listening
