"""How long what was sent in one go may fairly wait: a server may slow fast clients down."""

from __future__ import annotations

import time

SLOWEST_RATE = 20  # requests a second that a server must deal with, of each client
REQUEST_SIZE = 4000  # bytes: a longer request may count as several


class Pace:
    """What the clients of one rule have sent and the server has not shown to have dealt with."""

    def __init__(self) -> None:
        self._until: dict[object, float] = {}  # by client: when the slowest server has done it all

    def sent(self, client: object, requests: int, size: int) -> None:
        """Note that a client has sent so many requests, of so many bytes together."""
        now = time.monotonic()
        waiting = max(requests, size / REQUEST_SIZE) - 1  # the first is dealt with at once
        if waiting > 0:
            self._until[client] = max(now, self._until.get(client, now)) + waiting / SLOWEST_RATE

    def done(self, client: object) -> None:
        """Note that the server has answered a client's last request."""
        self._until.pop(client, None)

    def seconds(self) -> float:
        """Return how long the slowest server may still be busy with what was sent."""
        return max(0.0, max(self._until.values(), default=0.0) - time.monotonic())
