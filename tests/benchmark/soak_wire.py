"""The wire of the soak: everybody's sockets, and one epoll over them.

Knows who has something to send and how they leave; knows nothing of what it means.
"""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Callable, Sequence

from contenders import HOST
from load import RECEIVE_SIZE, RESET_ON_CLOSE
from soak_people import BrokenPromiseError, Person

PATIENCE = 30.0  # seconds without any news: then something that was promised does not come


class Wire:
    """Connects people, sends what they have to say cut anywhere, reads what comes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.chance = random.Random()  # how packets are cut, which depends on the clock anyway
        self.connections = 0
        self.people = 0
        self.poll = select.epoll()
        self.by_descriptor: dict[int, Person] = {}

    def connect(self, *, receive_buffer: int = 0, source: str = HOST) -> Person:
        """Return somebody new, who calls from this address; `receive_buffer` is in bytes."""
        self.people += 1
        person = Person(self.people, source, socket.socket())
        self.dial(person, receive_buffer)
        return person

    def dial(self, person: Person, receive_buffer: int = 0) -> None:
        """Connect somebody by the new socket that they have got."""
        connection = person.socket
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.bind((person.source, 0))
        connection.connect((HOST, self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        self.connections += 1
        self.by_descriptor[connection.fileno()] = person
        self.poll.register(connection, select.EPOLLIN)

    def stall(self, person: Person, stalled: bool = True) -> None:
        """Let somebody stop reading, or read again."""
        person.stalled = stalled
        self.poll.modify(person.socket, 0 if stalled else select.EPOLLIN)

    def disconnect(self, person: Person) -> None:
        """Close a connection; whoever has more to say comes back at once."""
        del self.by_descriptor[person.socket.fileno()]
        person.socket.close()
        person.half_frame = b""
        if len(person.scripts) > 1:
            del person.scripts[0]
            person.socket = socket.socket()
            self.dial(person)
        else:
            person.gone = True

    def exchange(self, people: Sequence[Person], enough: Callable[[], bool] = lambda: True) -> None:
        """Send and read until everyone has all their answers, and `enough` came besides."""
        deadline = time.monotonic() + PATIENCE
        while waiting := [person for person in people if is_waiting(person)]:
            for person in self.chance.sample(waiting, len(waiting)):
                self.send_some(person)
            if self.read_all(0.001 if any(p.unsent for p in waiting) else 0.1):
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise BrokenPromiseError(f"no answer to {waiting[0]}: {waiting[0].state()}")
        while not enough():
            if self.read_all(0.1):
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise BrokenPromiseError("somebody left, and nobody was told")

    def send_piece(self, person: Person, size: int) -> None:
        """Send so many bytes of a script, or as many as the kernel takes."""
        try:
            del person.unsent[: person.socket.send(person.unsent[:size])]
        except BlockingIOError:
            pass  # slowed down
        except ConnectionError:
            person.unsent.clear()  # what was answered before is seen when it is read

    def send_some(self, person: Person) -> None:
        """Send the next piece of a script, cut anywhere; leave at its end."""
        if person.gone:
            return
        if person.unsent:
            size = self.chance.choice([1, 3, 40, 1000, len(person.unsent)])
            if person.farewell == "run":
                size = len(person.unsent)  # one segment: the server reads it as a whole
            self.send_piece(person, size)
        if person.farewell == "reset" and len(person.unsent) <= person.reset_at:
            person.unsent.clear()
            person.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.disconnect(person)
        elif person.farewell == "half-close" and not person.unsent:
            person.farewell = "half-closed"
            person.socket.shutdown(socket.SHUT_WR)

    def read_all(self, timeout: float) -> bool:
        """Read what has come for all who are not stalled; return whether anything had."""
        news = False
        for descriptor, events in self.poll.poll(timeout):
            person = self.by_descriptor[descriptor]
            if person.stalled and events == select.EPOLLHUP:
                continue
            news = True
            if person.farewell == "run":
                self.disconnect(person)  # with what has come unread
                continue
            data = receive(person)
            if data:
                person.take(data)
            elif person.farewell or len(person.scripts) > 1:
                self.disconnect(person)
            else:
                raise BrokenPromiseError(f"{person} was cut off: {person.state()}")
        return news


def is_waiting(person: Person) -> bool:
    """Whether somebody has something to send still, or answers to come."""
    if person.farewell or person.gone:
        return not person.gone
    if person.stalled:
        return bool(person.unsent)
    return bool(person.unsent) or len(person.scripts) > 1 or person.answered < len(person.answers)


def receive(person: Person) -> bytes:
    try:
        return person.socket.recv(RECEIVE_SIZE)
    except ConnectionError:
        return b""
