"""A short correct server: one select() loop over the room of correct_room.py."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Sequence

from correct_room import Person, Room, encode

RECEIVE_SIZE = 64 * 1024
TURN_SECONDS = 0.01  # that the loop waits at the longest, for what depends on the time
FAREWELL_SECONDS = 5.0  # for what a leaving person still sends, and has not read yet


class Connection(Person):
    """One socket: what has come in, what still has to go out."""

    outbox_limit = 16 * 2**20  # bytes that may wait for one reader before it is cut off
    backlog = 512  # how many may wait to be let in

    def __init__(self, connection: socket.socket, room: Room) -> None:
        super().__init__()
        self.socket = connection
        self.room = room
        self.incoming = b""
        self.outgoing = bytearray()
        self.finished = False  # nothing is read any more; what waits still goes out
        self.farewell = 0.0  # when a finished connection is closed at the latest
        self.ended = False  # the client has closed its sending side
        self.closed = False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self.socket.fileno()

    # ---------------------------------------------------------------------------------- reading

    def readable(self) -> None:
        """Take what has come, and act on every whole frame in it."""
        try:
            data = self.socket.recv(RECEIVE_SIZE)
        except BlockingIOError:
            return
        except ConnectionError:
            self.broken()
            return
        self.ended = not data
        if self.finished:
            return  # whatever it still says
        if data:
            self.incoming += data
            self.read_frames()
        else:
            self.end_of_stream()

    def broken(self) -> None:
        self.room.leave(self)
        self.closed = True

    def end_of_stream(self) -> None:
        self.room.leave(self)
        self.finish()

    def read_frames(self) -> None:
        while not self.finished and (payload := self.next_payload()) is not None:
            self.room.request(self, payload)

    def next_payload(self) -> bytes | None:
        """Take the next whole frame's payload out of what has come; None where there is none."""
        if len(self.incoming) < 4:
            return None
        length = self.length(self.incoming[:4])
        if length is None:
            self.bad_frame()
            return None
        if len(self.incoming) < 4 + length:
            return None
        payload, self.incoming = self.incoming[4 : 4 + length], self.incoming[4 + length :]
        return payload

    def length(self, field: bytes) -> int | None:
        return int(field) if field.isdigit() else None

    def bad_frame(self) -> None:
        self.room.leave(self)
        self.send(encode("ERROR BAD_FRAME A frame begins with four digits."))
        self.finish()

    # ---------------------------------------------------------------------------------- writing

    def send(self, data: bytes) -> None:
        if not self.closed and not self.finished:
            self.outgoing += data

    def writable(self) -> None:
        """Send as much as the kernel takes; then, if nothing more comes, say so."""
        try:
            sent = self.socket.send(self.outgoing) if self.outgoing else 0
        except BlockingIOError:
            return
        except ConnectionError:
            self.broken()
            return
        del self.outgoing[:sent]
        if self.finished and not self.outgoing:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def finish(self) -> None:
        if not self.finished:
            self.finished = True
            self.farewell = time.monotonic() + FAREWELL_SECONDS
            self.writable()

    @property
    def try_to_end(self) -> bool:
        too_slow = len(self.outgoing) > self.outbox_limit
        over = self.finished and (
            (self.ended and not self.outgoing) or time.monotonic() > self.farewell
        )
        return self.closed or too_slow or over

    def end(self) -> None:
        self.socket.close()

    # --------------------------------------------------------------------------- turns of the loop

    def turn(self) -> None:
        """Do what is to be done at every turn of the loop."""

    @classmethod
    def may_come(cls, people: Sequence[Connection]) -> bool:
        """Return whether somebody is let in now."""
        return True


class Server:
    """The loop: one select() over the listener and every connection."""

    def __init__(self, listener: socket.socket, room: Room, kind: type[Connection]) -> None:
        self.listener = listener
        self.room = room
        self.kind = kind
        self.connections: list[Connection] = []

    def run(self) -> None:
        while True:
            for person in self.connections:
                person.turn()
            writers = [person for person in self.connections if person.outgoing]
            open_ends = [person for person in self.connections if not person.ended]
            readers: list[socket.socket | Connection] = [*open_ends]
            if self.kind.may_come(self.connections):
                readers.append(self.listener)
            readable, writable, _ = select.select(readers, writers, [], TURN_SECONDS)
            for ready in readable:
                if isinstance(ready, Connection):
                    ready.readable()
                else:
                    self.connections.append(self.kind(self.listener.accept()[0], self.room))
            for person in {*writable, *(other for other in self.connections if other.outgoing)}:
                person.writable()
            self.close_what_is_over()

    def close_what_is_over(self) -> None:
        for person in [person for person in self.connections if person.try_to_end]:
            self.room.leave(person)
            self.connections.remove(person)
            person.end()


def serve(port: int, room: Room, kind: type[Connection] = Connection) -> None:
    """Let people in at 127.0.0.1 until somebody stops us."""
    with socket.create_server(("127.0.0.1", port), backlog=kind.backlog) as listener:
        Server(listener, room, kind).run()
