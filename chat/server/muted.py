"""The muted: whom nobody hears, and how seldom they take another name.

Knows connections; does not know what they are called, nor who muted them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.pace import Pace
from chat_protocol import Request

NAME_SECONDS = 10.0  # between two names of a muted one: everybody reads them
NEXT_SECONDS = 0.1  # between two newcomers who had to wait: the first may be gone meanwhile


class Muted:
    """Some of those here, or everyone.

    A name is read by all, so a muted one that takes a second too soon has to wait. When it goes
    instead, whoever comes next from its address waits: leaving and coming back buys nothing.
    """

    def __init__(
        self,
        deadlines: Deadlines,
        pace: Pace,
        take_name: Callable[[Connection, Request], None],
    ) -> None:
        """`take_name` is called again with a request that had to wait."""
        self.some: set[Connection] = set()  # by their names
        self.everyone = False
        self._deadlines = deadlines
        self._pace = pace
        self._take_name = take_name
        # Who took a name a moment ago: those here, and the origins of those who went.
        self._resting: set[Hashable] = set()
        self._held: dict[Connection, Request] = {}

    def __contains__(self, connection: object) -> bool:
        return self.everyone or connection in self.some

    def has_to_wait(self, connection: Connection, request: Request, *, newcomer: bool) -> bool:
        """Whether it is too soon for another name; then a muted one is kept waiting for it."""
        if connection in self._resting or (newcomer and connection.origin in self._resting):
            self._held[connection] = request
            self._pace.pause(connection)
            return True
        return False

    def rest(self, whom: Hashable) -> None:
        """A muted one has taken a name, or one who had is gone: no other from there for a while."""
        self._resting.add(whom)
        self._deadlines.forget(whom, self._end_rest)
        self._deadlines.later(NAME_SECONDS, whom, self._end_rest)

    def ask_again(self) -> None:
        """Fewer are muted: perhaps those who wait need not wait any longer."""
        for connection in self._held:
            self._deadlines.later(0, connection, self._try_again)

    def _end_rest(self, whom: Hashable) -> None:
        """Let whoever rested, or the first who waits for their origin, take a name."""
        self._resting.discard(whom)
        waiting = (one for one in self._held if whom in (one, one.origin))
        if first := next(waiting, None):
            self._deadlines.later(0, first, self._try_again)
        if next(waiting, None):
            self._deadlines.later(NEXT_SECONDS, whom, self._end_rest)

    def _try_again(self, connection: Connection) -> None:
        try:
            self._take_name(connection, self._held.pop(connection))
        finally:
            if connection not in self._held:
                self._pace.resume(connection)  # it goes on with what it sent next

    def forget(self, connection: Connection) -> None:
        """It has left, or is gone."""
        self.some.discard(connection)
        self._held.pop(connection, None)
        if connection in self._resting:
            self._resting.remove(connection)
            self.rest(connection.origin)
