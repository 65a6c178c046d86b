"""The farewell: how the last words of a leaving connection arrive before it is closed.

Knows streams and how long a goodbye may take; does not know why somebody leaves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat_protocol import ProtocolError

LAST_WORDS_SECONDS = 10.0  # for a leaving connection to read some more of what waits for it
CLOSE_SECONDS = 2.0  # for it to close as well, when all of that went out
SAME_MOMENT_SECONDS = 0.5  # a window that is closed, or a hurried hand, sends two signals for one


class Farewell:
    """Gives a leaving connection some time: neither flood nor stalled reader may stay."""

    def __init__(self, deadlines: Deadlines, close: Callable[[Connection], None]) -> None:
        self._deadlines = deadlines
        self._close = close
        self._hurries_since = math.inf

    def hurry(self) -> None:
        """The server ends: what is queued has CLOSE_SECONDS in all, and no longer."""
        self._hurries_since = time.monotonic()

    @property
    def may_be_cut_short(self) -> bool:
        """Whether the server ends, and has been about it for longer than one moment."""
        return time.monotonic() - self._hurries_since > SAME_MOMENT_SECONDS

    def begin(self, connection: Connection) -> None:
        """From now on only what is in the outbox goes out."""
        connection.leaving = True
        self._close_within(LAST_WORDS_SECONDS, connection)

    def has_sent(self, connection: Connection) -> None:
        """Some of it was read: its time begins anew."""
        self._close_within(LAST_WORDS_SECONDS, connection)

    def try_to_end(self, connection: Connection) -> bool:
        """End our side, if all went out; return whether the client has ended its own as well.

        close() with unread bytes in the kernel makes TCP send a reset, and that overtakes the
        reason we gave. So first only our side is shut down, and what still comes in is read and
        dropped until the client closes its own (RFC 1122, 4.2.2.13).
        """
        if not connection.outbox and not connection.output_ended:
            try:
                connection.stream.end_output()
            except BlockingIOError:
                return False  # the stream has a last word of its own, and there is no room yet
            except OSError:
                connection.input_ended = True  # it is gone already
            connection.output_ended = True
            self._close_within(CLOSE_SECONDS, connection)
        return connection.output_ended and connection.input_ended

    def hurry_out(self, connection: Connection) -> None:
        """Say the last words as far as the kernel takes them now: its descriptor is needed."""
        with suppress(OSError, ProtocolError):
            connection.flush()
            connection.stream.end_output()
            connection.stream.recv(4096)  # unread bytes would turn close() into a reset

    def _close_within(self, seconds: float, connection: Connection) -> None:
        if self._hurries_since < math.inf:
            seconds = CLOSE_SECONDS  # counted from the first time on
        else:
            self._deadlines.forget(connection, self._close)
        self._deadlines.later(seconds, connection, self._close)
