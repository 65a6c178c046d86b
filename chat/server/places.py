"""The places: who gets one, who loses it again, and what those read who get none.

Knows connections and where they come from; does not know names (they are the room's business), nor
the password (password.py).
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable

from chat.server.connection import Connection
from chat.server.deadlines import Deadlines
from chat.server.descriptors import can_watch
from chat.server.door import Door
from chat.server.options import Settings
from chat.server.stream import PlainStream
from chat.server.tls import TLSStream
from chat.server.wire_view import WireView
from chat.sockets import endpoint, prepare
from chat_protocol import ErrorCode, ProtocolError, error_frame

SILENT_SECONDS = 15.0  # without a name a place is safe for so long, however many want it
# Of the places: an origin that holds more without a name gives to others at once. A class that
# comes at once from behind one router holds fewer, or has them for a moment.
CROWD, LEAST_CROWD = 0.1, 30
REST_SECONDS = 0.01  # after a look in vain for a place that could be given away
MACHINE_FULL = "Your machine has all the places that one machine may have here."
FULL = "Every place here is taken; try again later."


def origin_of(host: str, own_host: str) -> str:
    """Return what the limits take for one and the same client's: its host, or its network.

    Beyond our own network, whoever has one IPv6 address has all 2**64 of its /64 (RFC 4291, 2.5.4).
    Within it a class shares that prefix, as it does on fe80::/10, so there each host counts.
    `own_host` is our address by which it has come.
    """
    if ":" not in host:
        return host
    theirs, ours = (
        socket.inet_pton(socket.AF_INET6, text.partition("%")[0]) for text in (host, own_host)
    )
    if theirs[:8] == ours[:8] or (theirs[0] == 0xFE and theirs[1] & 0xC0 == 0x80):
        return host
    return socket.inet_ntop(socket.AF_INET6, theirs[:8] + bytes(8)) + "/64"


class Places:
    """Lets newcomers in as long as there are places, and counts who is in."""

    def __init__(
        self,
        settings: Settings,
        selector: selectors.BaseSelector,
        deadlines: Deadlines,
        log: Callable[[str], None],
        evict: Callable[[Connection, ProtocolError], None],
        wire_view: WireView | None,
        door: Door,
    ) -> None:
        """`evict` closes a connection at once, so that its descriptor is free, with a reason."""
        self._settings = settings
        self._selector = selector
        self._deadlines = deadlines
        self._log = log
        self._evict = evict
        self._wire_view = wire_view
        self._door = door
        self._inside: Counter[str] = Counter()  # how many, by origin
        # Those without a name, or on their way out, by origin, and since when: a newcomer may get
        # their place.
        self._nameless: dict[str, dict[Connection, float]] = {}
        self._looked_in_vain = 0.0  # when nobody was found among them

    def let_in(self, client: socket.socket, address: tuple[str, int]) -> Connection | None:
        """Give a newcomer a place, or the reason why there is none."""
        try:
            origin = origin_of(address[0], client.getsockname()[0])
            prepare(client)
        except OSError:
            client.close()  # reset between accept() and here
            return None
        tls = self._settings.tls
        refusal = self._door.refusal(address[0], origin)
        has_all = self._inside[origin] >= self._settings.places_per_address
        if self._is_full(client) and not (refusal or has_all) and self._make_room(origin):
            client = move_down(client)
        if has_all or self._is_full(client):
            if tls or not refusal:  # what is behind TLS is told after the handshake
                refusal = no_place(MACHINE_FULL if has_all else FULL)
            self._turn_away(client, address, refusal)
            return None
        stream = TLSStream(client, tls) if tls else PlainStream.of(client)
        connection = Connection(stream, address, origin)
        self._inside[origin] += 1
        self.unsettle(connection)
        self._deadlines.later(self._settings.login_seconds, connection, self._time_out)
        if not refusal:  # else the door tells of it
            number, of = self._inside.total(), self._settings.places
            self._log(f"{connection} connected ({number} of {of})")
        return connection

    def _is_full(self, client: socket.socket) -> bool:
        return self._inside.total() >= self._settings.places or not can_watch(
            self._selector, client.fileno()
        )

    def _make_room(self, newcomer: str) -> bool:
        """Take the place of somebody who does not use it; return whether there is one.

        Who has heard their last words goes first, then of the origin that holds most such places
        the oldest one: so nobody keeps all the others out by saying nothing, or coming and going.
        """
        now = time.monotonic()
        if now < self._looked_in_vain + REST_SECONDS or not self._nameless:
            return False
        leaving = (one for those in self._nameless.values() for one in those if one.leaving)
        # A stream that has still to open has heard nothing, and it may be long until it does.
        done = (one for one in leaving if one.output_ended or one.stream.is_opening)
        unused = next(done, None) or self._oldest_of_the_crowd(newcomer, now)
        if unused is None:
            self._looked_in_vain = now
            return False
        sentence = "Others want your place, and you chose no name; connect again when you have one."
        reason = "chose no name while others wanted in"
        self._evict(unused, ProtocolError(ErrorCode.TIMEOUT, sentence, closes=reason))
        return True

    def _oldest_of_the_crowd(self, newcomer: str, now: float) -> Connection | None:
        """Return who of the origin with most nameless ones may be sent away for a newcomer."""

        def unused(origin: str) -> tuple[int, float]:
            since = next(iter(self._nameless[origin].values()))
            return len(self._nameless[origin]), -since

        origin = max(self._nameless, key=unused)
        oldest, since = next(iter(self._nameless[origin].items()))
        is_crowd = len(self._nameless[origin]) > max(LEAST_CROWD, CROWD * self._settings.places)
        if now - since < SILENT_SECONDS and not (is_crowd and origin != newcomer):
            return None
        return oldest

    def _turn_away(
        self, client: socket.socket, address: tuple[str, int], why: ProtocolError
    ) -> None:
        """Say that there is no place, without keeping the descriptor for a moment."""
        frame = error_frame(why)
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
        self._log(f"{endpoint(address)} refused: {why}")

    def settle(self, connection: Connection) -> None:
        """It has a name now: its place is its own for as long as it likes."""
        self._deadlines.forget(connection, self._time_out)
        nameless = self._nameless.get(connection.origin, {})
        nameless.pop(connection, None)
        if not nameless:
            self._nameless.pop(connection.origin, None)

    def unsettle(self, connection: Connection) -> None:
        """It has no name, or none any more."""
        self._nameless.setdefault(connection.origin, {}).setdefault(connection, time.monotonic())

    def _time_out(self, _connection: Connection) -> None:
        seconds = f"{self._settings.login_seconds:g}"
        sentence = f"You chose no name within {seconds} seconds; connect again when you have one."
        raise ProtocolError(ErrorCode.TIMEOUT, sentence, closes="chose no name in time")

    def let_out(self, connection: Connection) -> None:
        """Give its place to others."""
        self.settle(connection)
        self._inside[connection.origin] -= 1
        if not self._inside[connection.origin]:
            del self._inside[connection.origin]  # or every origin that ever called would stay


def no_place(sentence: str) -> ProtocolError:
    """Return why somebody gets no place, in a sentence for them."""
    return ProtocolError(ErrorCode.SERVER_FULL, sentence)


def move_down(client: socket.socket) -> socket.socket:
    """Return the same socket with the lowest number that is free, where select() can watch it."""
    try:
        lower = client.dup()
    except OSError:
        return client
    client.close()
    return lower
