"""The news of a turn: broadcasts and answers, written down as they come, sent at the turn's end.

Knows connections, and who has a name; does not know who said it, nor why.
"""

from __future__ import annotations

from collections.abc import Collection

from chat.server.connection import Connection
from chat.server.wire_view import WireView

# When more is said in a turn, it goes out before the turn goes on: bytes that may be new in one
# outbox, and bytes for all of them together, which the kernel has to copy.
OUTBOX_SIZE = 256 * 1024
AUDIENCE_SIZE = 8 * 1024 * 1024


class News:
    """Collects what one turn of the loop has to say, and sends it at the turn's end.

    Whatever it is for one person, one message or a hundred, costs one system call. A broadcast is
    written down once, not once for each who is to hear it. Only those for whom this turn is in some
    way different, because they are deaf to something or are told something of their own, get what
    they have missed into their own outbox, so that the order stays.
    """

    def __init__(self, audience: Collection[Connection], wire_view: WireView | None) -> None:
        self._audience = audience  # who hears announcements: everyone who has a name
        self._wire_view = wire_view
        self.announced: list[bytes] = []  # what the whole audience is to hear
        self._heard: dict[Connection, int] = {}  # how many of these one needs no more, if not 0
        self.addressed: set[Connection] = set()  # whose outbox grew, and is to be flushed
        self.is_large = False  # so much was said that it should go out now
        self._size = 0  # bytes said in this turn, each frame once
        self._announced_size = 0  # of these, to everyone

    def deliver(self, connection: Connection, frame: bytes) -> None:
        """Put a frame into one outbox; it goes out at the end of this turn."""
        if self._wire_view:
            self._wire_view.delivered(connection, frame)
        if self.announced:
            self.catch_up(connection)
        connection.put(frame)
        self.addressed.add(connection)
        self._size += len(frame)
        if self._size > OUTBOX_SIZE:
            self.is_large = True

    def announce(self, frame: bytes, deaf: Collection[Connection]) -> None:
        """Let the whole audience hear a frame at the end of this turn, but not the `deaf`."""
        if self._wire_view:
            self._wire_view.announced(frame, deaf)
        for connection in deaf:
            self.catch_up(connection)
        self.announced.append(frame)
        self._size += len(frame)
        self._announced_size += len(frame)
        if self._size > OUTBOX_SIZE or self._announced_size * len(self._audience) > AUDIENCE_SIZE:
            self.is_large = True
        for connection in deaf:
            self._heard[connection] = len(self.announced)

    def catch_up(self, connection: Connection) -> None:
        """Put the announcements that somebody has not heard yet into their outbox.

        Whoever is not of the audience yet has missed nothing, and hears what comes from here on.
        """
        if not self.announced:
            return
        missed = self.announced[self._heard.get(connection, 0) :]
        self._heard[connection] = len(self.announced)
        if missed and connection in self._audience:
            connection.put(b"".join(missed))
            self.addressed.add(connection)

    def forget(self, connection: Connection) -> None:
        """Nothing more is sent to it unless something new is said."""
        self.addressed.discard(connection)
        self._heard.pop(connection, None)

    def begin_anew(self) -> None:
        """All has been sent that was said so far."""
        self._size = self._announced_size = 0
        self.is_large = False

    def send_announcements(self) -> None:
        """Send what everyone is to hear, joined once for all of them."""
        everything = b"".join(self.announced)
        size, heard = len(everything), self._heard
        for connection in self._audience:
            if connection in heard:
                self.catch_up(connection)
            elif connection.outbox:
                connection.put(everything)
            else:
                # Straight to the kernel: who needs nothing else never sees their outbox.
                try:
                    sent = connection.stream.send(everything)
                except OSError:
                    sent = 0  # its kernel is full, or it is gone: flushing will show which
                if sent == size:
                    continue
                connection.put(memoryview(everything)[sent:])
            self.addressed.add(connection)
        self.announced.clear()
        self._heard.clear()
