"""The pace: how fast a client may ask, and the pause of one that has to wait for whatever reason.

Knows how much each client has asked lately; does not know what it asked, nor how fast it reads
(slow_readers.py). A client that has to wait is paused: nothing is dropped and nothing refused, it
is just not read, so that soon its own kernel stops it from sending (TCP flow control). Nobody else
notices.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.options import Settings

REQUESTS_PER_TURN = 32  # of one connection, so that a flood does not hold up the others
BURST_SECONDS = 2.0  # how far ahead of its rate a client may run: bursts of twice the rate
MIN_REST_SECONDS = 0.1  # a client above its rate is looked at ten times a second, not each request


class Pace:
    """Says who may go on. It is the one owner of a pause, whoever asked for it."""

    def __init__(
        self, settings: Settings, deadlines: Deadlines, go_on: Callable[[Connection], None]
    ) -> None:
        """`go_on` deals with what a paused client has sent, once it is paused no more."""
        self._request_seconds = 1 / settings.rate if settings.rate else 0.0
        self._rest_seconds = max(MIN_REST_SECONDS, self._request_seconds)
        self._deadlines = deadlines
        self._go_on = go_on
        self._paid_until: dict[Connection, float] = {}  # the time that its requests so far take up

    def count(self, connection: Connection, requests: int) -> None:
        """Count one request, of so many in this turn; pause its client if that is enough."""
        if self._request_seconds:
            now = time.monotonic()
            paid_until = max(self._paid_until.get(connection, now), now) + self._request_seconds
            self._paid_until[connection] = paid_until
            ahead = paid_until - now
        else:
            ahead = 0.0
        if connection.paused or connection.leaving:
            return
        if ahead > BURST_SECONDS:
            self.pause(connection)
            self._deadlines.later(self._rest_seconds, connection, self._end_pause)
        elif requests == REQUESTS_PER_TURN:
            self.pause(connection)
            self.resume(connection)

    def pause(self, connection: Connection) -> None:
        """Read nothing from this client, and deal with nothing that it sent, until it resumes."""
        connection.paused = True

    def resume(self, connection: Connection) -> None:
        """Let a paused client go on when the others have had their turn."""
        self._deadlines.later(0, connection, self._end_pause)

    def _end_pause(self, connection: Connection) -> None:
        connection.paused = False
        self._go_on(connection)

    def forget(self, connection: Connection) -> None:
        """It asks nothing more; what it still sends is read and dropped."""
        self._paid_until.pop(connection, None)
        connection.paused = False
