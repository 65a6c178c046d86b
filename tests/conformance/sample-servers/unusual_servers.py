"""Correct servers that do what the sheet leaves open, each in its own way.

    python unusual_servers.py --port 8820 --habit Greets

Every rule must let them pass. They take the select() loop of select_server.py.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import time

from correct_room import Room, encode
from select_server import Connection, serve


class Greets(Connection):
    """Says INFO to everybody who connects, and now and then."""

    def __init__(self, connection: socket.socket, room: Room) -> None:
        super().__init__(connection, room)
        self.send(encode("INFO Welcome! MSG <name> <text> says something to somebody."))

    def send(self, data: bytes) -> None:
        super().send(data)
        if b"HELLO" in data:
            super().send(encode("INFO Be kind to each other."))


class Later(Connection):
    """Deals with a request when its time has come, and with the end of the stream after all."""

    all_has_come = False
    is_gone = False  # nobody is there any more to be answered

    def may_ask(self) -> bool:
        return True

    def next_payload(self) -> bytes | None:
        return super().next_payload() if self.may_ask() else None

    def turn(self) -> None:
        self.read_frames()
        if self.all_has_come and not self.finished and self.may_ask():
            super().end_of_stream()

    def end_of_stream(self) -> None:
        self.all_has_come = True

    def broken(self) -> None:
        self.outgoing.clear()
        self.ended = self.all_has_come = self.is_gone = True

    def send(self, data: bytes) -> None:
        if not self.is_gone:
            super().send(data)


class Slow(Later):
    """Deals with no more than 20 requests a second of each client, after a burst of five."""

    rate, burst = 20, 5
    next_request = 0.0  # the time from which on one more is dealt with

    def may_ask(self) -> bool:
        return time.monotonic() >= self.next_request

    def next_payload(self) -> bytes | None:
        payload = super().next_payload()
        if payload is not None:
            earliest = time.monotonic() - self.burst / self.rate
            self.next_request = max(self.next_request, earliest) + 1 / self.rate
        return payload


class Uneven(Later):
    """Deals with some connections at once and with others a little later: each has its time."""

    lags = itertools.cycle((0.0, 0.01, 0.02))  # seconds

    def __init__(self, connection: socket.socket, room: Room) -> None:
        super().__init__(connection, room)
        self.lag = next(Uneven.lags)
        self.due = 0.0

    def readable(self) -> None:
        self.due = time.monotonic() + self.lag
        super().readable()

    def may_ask(self) -> bool:
        return time.monotonic() >= self.due


class CutsOff(Connection):
    """Ends the connection of somebody who lets more than 256 kB wait."""

    outbox_limit = 256_000


class HundredPlaces(Connection):
    """Lets a hundred people in, and tells the next ones that it is full."""

    here = 0

    def __init__(self, connection: socket.socket, room: Room) -> None:
        super().__init__(connection, room)
        HundredPlaces.here += 1
        if HundredPlaces.here > 100:
            self.send(encode("ERROR SERVER_FULL A hundred people are here already."))
            self.finish()

    def end(self) -> None:
        HundredPlaces.here -= 1
        super().end()


HABITS: dict[str, type[Connection]] = {
    kind.__name__: kind for kind in (Greets, Slow, Uneven, CutsOff, HundredPlaces)
}


def main() -> None:
    parser = argparse.ArgumentParser(description="A correct chat server with a habit of its own.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--habit", choices=HABITS, required=True)
    options = parser.parse_args()
    serve(options.port, Room(), HABITS[options.habit])


if __name__ == "__main__":
    main()
