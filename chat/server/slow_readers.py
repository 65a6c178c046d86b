"""The slow readers: clients that leave unread what waits for them, and when they are cut off.

Knows how much waits for each; does not know what it is. It judges; the loop acts when it sends
(Server.send_outbox). Who is leaving already has only some seconds more: farewell.py.
"""

from __future__ import annotations

from chat.server.connection import ANSWERS_AHEAD, Connection
from chat.server.options import Settings
from chat.server.pace import Pace


class SlowReaders:
    """Has those who do not read their answers read them first, and says who is to be cut off."""

    def __init__(self, settings: Settings, pace: Pace) -> None:
        self._backlog = settings.backlog
        self._pace = pace
        self._paused: set[Connection] = set()  # until they have read more of their answers

    def look_at(self, connection: Connection) -> None:
        """Pause a client that asks faster than it reads; let it go on when it has read enough."""
        is_behind = connection.outbox_size >= ANSWERS_AHEAD
        if connection in self._paused and not is_behind:
            self._paused.remove(connection)
            self._pace.resume(connection)
        # A stream that is still opening lets nothing out unless it is read.
        elif is_behind and not connection.paused and not connection.stream.is_opening:
            self._paused.add(connection)
            self._pace.pause(connection)

    def is_lost(self, connection: Connection) -> bool:
        """Whether more waits for a client than may wait: then it is cut off."""
        return connection.outbox_size > self._backlog

    def forget(self, connection: Connection) -> None:
        """It has left, or is gone."""
        self._paused.discard(connection)
