"""The pace: how fast a client may ask, and the pause of one that has to wait for whatever reason.

Knows how much has been asked lately, and from where; does not know what it was, nor how fast the
answers are read (slow_readers.py). A client that has to wait is paused: nothing is dropped and
nothing refused, it is just not read, so that soon its own kernel stops it from sending (TCP flow
control). Nobody else notices.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.options import Settings

REQUEST_SIZE = 4000  # bytes; a longer request counts for several, as everyone has to read it
PIECE = 0.25  # requests, for which a read counts that completes none
BURST_SECONDS = 2.0  # how far ahead of its rate a client may run: bursts of twice the rate
MIN_REST_SECONDS = 0.1  # a client above its rate is looked at ten times a second, not each request
CLIENTS_AN_ORIGIN = 10  # as fast as so many clients may all those of one address ask together
MEMORY_SECONDS = 10.0  # between two looks at whether an origin has still something to pay


class Pace:
    """Says who may go on. It is the one owner of a pause, whoever asked for it.

    Each request is paid for with time: a client at 50 requests a second pays 20 ms for each, and as
    much again for each REQUEST_SIZE bytes. Its origin pays a tenth for the request, so that a
    hundred connections do not buy a hundred times the rate, and for the bytes as much, so that they
    buy no more bytes than one. What a client still owes when it goes, the next from there has to
    pay, so that coming back buys nothing.
    """

    def __init__(
        self, settings: Settings, deadlines: Deadlines, go_on: Callable[[Connection], object]
    ) -> None:
        """`go_on` deals with what a paused client has sent, once it is paused no more."""
        self._request_seconds = 1 / settings.rate if settings.rate else 0.0
        self._rest_seconds = max(MIN_REST_SECONDS, self._request_seconds)
        self._deadlines = deadlines
        self._go_on = go_on
        # Until when the requests so far are paid for, by the clock of time.monotonic(): of those
        # here, of everyone of an origin together, and of the worst of those who went.
        self._paid_until: dict[Connection, float] = {}
        self._origin_paid_until: dict[str, float] = {}
        self._debts: dict[str, float] = {}

    # -- the rate

    def welcome(self, connection: Connection) -> None:
        """Let a newcomer pay what others of its origin have left behind."""
        debt = self._debts.get(connection.origin, 0.0)
        if debt > time.monotonic():
            self._paid_until[connection] = debt
        if self._is_ahead(connection):
            self._rest(connection)

    def count(self, connection: Connection, size: int) -> None:
        """Count one request of so many bytes; pause its client if it is too far ahead now."""
        if self._request_seconds:
            requests, length = self._request_seconds, self._request_seconds * size / REQUEST_SIZE
            self._charge(connection, requests + length, requests / CLIENTS_AN_ORIGIN + length)

    def count_a_piece(self, connection: Connection) -> None:
        """Count a read that made no request whole; else who sends bytes one by one pays nothing."""
        if self._request_seconds:
            seconds = self._request_seconds * PIECE
            self._charge(connection, seconds, seconds)

    def _charge(self, connection: Connection, seconds: float, origin_seconds: float) -> None:
        now = time.monotonic()
        origin = connection.origin
        paid_until = max(self._paid_until.get(connection, 0.0), now) + seconds
        self._paid_until[connection] = paid_until
        origin_paid_until = self._origin_paid_until.get(origin, 0.0)
        if not origin_paid_until:
            self._deadlines.later(MEMORY_SECONDS, origin, self._forget_origin)
        origin_paid_until = max(origin_paid_until, now) + origin_seconds
        self._origin_paid_until[origin] = origin_paid_until
        if max(paid_until, origin_paid_until) > now + BURST_SECONDS:
            self._rest(connection)

    def _rest(self, connection: Connection) -> None:
        if not connection.paused and not connection.leaving:
            self.pause(connection)
            self._deadlines.later(self._rest_seconds, connection, self._end_pause)

    def _is_ahead(self, connection: Connection) -> bool:
        """Whether a client is too far ahead of its rate, or its origin is."""
        paid_until = self._paid_until.get(connection, 0.0)
        origin_paid_until = self._origin_paid_until.get(connection.origin, 0.0)
        return max(paid_until, origin_paid_until) > time.monotonic() + BURST_SECONDS

    def _forget_origin(self, origin: str) -> None:
        """Keep nothing of those who owe nothing: addresses without number may call."""
        now = time.monotonic()
        if self._debts.get(origin, 0.0) < now:
            self._debts.pop(origin, None)
        if self._origin_paid_until[origin] < now and origin not in self._debts:
            del self._origin_paid_until[origin]
        else:
            self._deadlines.later(MEMORY_SECONDS, origin, self._forget_origin)

    # -- the pause

    def pause(self, connection: Connection) -> None:
        """Read nothing from this client, and deal with nothing that it sent, until it resumes."""
        connection.paused = True

    def yield_turn(self, connection: Connection) -> None:
        """Let the others come first: it has asked a lot in this turn."""
        if not connection.paused and not connection.leaving:
            self.pause(connection)
            self.resume(connection)

    def resume(self, connection: Connection) -> None:
        """Let a paused client go on when the others have had their turn."""
        self._deadlines.later(0, connection, self._end_pause)

    def _end_pause(self, connection: Connection) -> None:
        connection.paused = False
        if self._is_ahead(connection):  # still, or it had to wait for another reason until now
            self._rest(connection)
        else:
            self._go_on(connection)

    def forget(self, connection: Connection) -> None:
        """It asks nothing more; what it still sends is read and dropped."""
        debt = self._paid_until.pop(connection, 0.0)
        if debt > time.monotonic():
            self._debts[connection.origin] = max(debt, self._debts.get(connection.origin, 0.0))
        connection.paused = False
