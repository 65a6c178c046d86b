"""The places: who gets one, by number and by address, and what those read who get none.

Knows connections and where they come from; does not know names (they are the room's business), nor
the password (password.py).
"""

from __future__ import annotations

import selectors
import socket
from collections import Counter
from collections.abc import Callable

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.descriptors import can_watch
from chat.server.options import Settings
from chat.server.stream import PlainStream
from chat.server.tls import TLSStream
from chat.server.wire_view import WireView
from chat.sockets import endpoint, prepare
from chat_protocol import ErrorCode, ProtocolError, error_frame


class Places:
    """Lets newcomers in as long as there are places, and counts who is in."""

    def __init__(
        self,
        settings: Settings,
        selector: selectors.BaseSelector,
        deadlines: Deadlines,
        log: Callable[[str], None],
        wire_view: WireView | None,
    ) -> None:
        self._settings = settings
        self._selector = selector
        self._deadlines = deadlines
        self._log = log
        self._wire_view = wire_view
        self._inside_by_host: Counter[str] = Counter()

    def let_in(self, client: socket.socket, address: tuple[str, int]) -> Connection | None:
        """Give a newcomer a place, or the reason why there is none."""
        taken = self._inside_by_host.total()
        if taken >= self._settings.places or not can_watch(self._selector, client.fileno()):
            self._turn_away(client, address, "Every place here is taken; try again later.")
            return None
        if self._inside_by_host[address[0]] >= self._settings.places_per_address:
            sentence = "Your machine has all the places that one machine may have here."
            self._turn_away(client, address, sentence)
            return None
        try:
            prepare(client)
        except OSError:
            client.close()  # reset between accept() and here
            return None
        tls = self._settings.tls
        connection = Connection(TLSStream(client, tls) if tls else PlainStream.of(client), address)
        self._inside_by_host[address[0]] += 1
        self._deadlines.later(self._settings.login_seconds, connection, self._time_out)
        self._log(f"{connection} connected ({taken + 1} of {self._settings.places})")
        return connection

    def _turn_away(self, client: socket.socket, address: tuple[str, int], sentence: str) -> None:
        """Say that there is no place, without keeping the descriptor for a moment."""
        frame = error_frame(ProtocolError(ErrorCode.SERVER_FULL, sentence))
        if self._wire_view:
            self._wire_view.refused(address, frame)
        with client:
            try:
                client.setblocking(False)
                client.send(frame)
                client.shutdown(socket.SHUT_WR)
                client.recv(4096)  # unread bytes would turn close() into a reset
            except OSError:
                pass  # it has gone, or sent nothing yet: either way there is nothing to do
        self._log(f"{endpoint(address)} refused: {sentence}")

    def settle(self, connection: Connection) -> None:
        """It has a name now: its place is its own for as long as it likes."""
        self._deadlines.forget(connection, self._time_out)

    def _time_out(self, _connection: Connection) -> None:
        seconds = f"{self._settings.login_seconds:g}"
        sentence = f"You chose no name within {seconds} seconds; connect again when you have one."
        raise ProtocolError(ErrorCode.TIMEOUT, sentence, closes="chose no name in time")

    def let_out(self, connection: Connection) -> None:
        """Give its place to others."""
        host = connection.address[0]
        self._inside_by_host[host] -= 1
        if not self._inside_by_host[host]:
            del self._inside_by_host[host]  # or every address that ever called would stay
