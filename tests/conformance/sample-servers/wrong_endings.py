"""Mistakes with how long a connection lives, and with what is left of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import ClassVar

from correct_room import Person, Room, encode
from select_server import Connection


class EndForgetsAnswers(Connection):
    """At the end of the stream close() forgets what send() has not taken yet."""

    def end_of_stream(self) -> None:
        super().end_of_stream()
        self.closed = True


class DropsTheIdle(Connection):
    """Who says nothing for three seconds is believed to be gone."""

    last_word = 0.0

    def readable(self) -> None:
        self.last_word = time.monotonic()
        super().readable()

    def turn(self) -> None:
        if self.last_word and time.monotonic() - self.last_word > 3:
            self.broken()


class NeverCloses(Connection):
    """A connection whose client has gone stays open for ever."""

    kept: ClassVar[list[socket.socket]] = []

    def end(self) -> None:
        self.kept.append(self.socket)


class NeverClosesTheRefused(Connection):
    """A connection stays open for ever whose client never got the name that it asked for."""

    kept: ClassVar[list[socket.socket]] = []
    refused = False

    def send(self, data: bytes) -> None:
        self.refused = b"ERROR NAME_TAKEN" in data
        super().send(data)

    def end(self) -> None:
        if self.refused:
            self.kept.append(self.socket)
        else:
            super().end()


class ShortQueue(Connection):
    """listen(1): whoever comes while the program is busy has to come again."""

    backlog = 1


class WaitsForTheFirstWord(Connection):
    """Nobody else is let in until a newcomer has said something."""

    has_spoken = False

    def readable(self) -> None:
        self.has_spoken = True
        super().readable()

    @classmethod
    def may_come(cls, people: Sequence[Connection]) -> bool:
        return all(isinstance(person, cls) and person.has_spoken for person in people)


class HalfFrameDeadline(Connection):
    """Half a frame that has no rest after four seconds ends the connection."""

    since = 0.0  # when the first half came

    def turn(self) -> None:
        if not self.incoming:
            self.since = time.monotonic()
        elif time.monotonic() - self.since > 4:
            self.broken()


class HastyFarewell(Connection):
    """Who has left gets one second for what still waits."""

    def finish(self) -> None:
        super().finish()
        self.farewell = min(self.farewell, time.monotonic() + 1)


class CutsOffSoon(Connection):
    """Ends the connection of somebody who lets more than 64 kB wait."""

    outbox_limit = 64_000


class CutOffIsNoDeparture(Connection):
    """Whose connection is ended because too much waits stays on the list."""

    outbox_limit = 256_000

    @property
    def try_to_end(self) -> bool:
        if len(self.outgoing) > self.outbox_limit:
            self.name = ""
        return super().try_to_end


class BadFrameIsNoDeparture(Connection):
    """After a bad frame the connection is closed, and the name stays on the list."""

    def bad_frame(self) -> None:
        self.name = ""
        super().bad_frame()


class AnswersOvertake(Connection):
    """Answers are sent at once, and what others cause when the turn is over."""

    def __init__(self, connection: socket.socket, room: Room) -> None:
        super().__init__(connection, room)
        self.later = bytearray()

    def send(self, data: bytes) -> None:
        if data[4:].startswith((b"MSG", b"JOINED", b"RENAMED", b"LEFT")):
            self.later += data
        else:
            super().send(data)

    def turn(self) -> None:
        if not self.finished:
            self.outgoing += self.later
            self.later.clear()

    def finish(self) -> None:
        self.turn()
        super().finish()


class FreeOnceClosed(Room):
    """Who says EXIT keeps the name until the client has closed its side."""

    def act(self, person: Person, verb: str, rest: str | None) -> None:
        if verb == "EXIT" and rest is None:
            person.send(encode("BYE"))
            person.finish()
        else:
            super().act(person, verb, rest)


class ErrorsEnd(Connection):
    """Every error closes the connection."""

    def send(self, data: bytes) -> None:
        super().send(data)
        if data[4:].startswith(b"ERROR"):
            self.room.leave(self)
            self.finish()


class FastOnesLose(Connection):
    """More than thirty requests within a second are thrown away."""

    second, count = 0, 0

    def next_payload(self) -> bytes | None:
        payload = super().next_payload()
        while payload is not None and self.is_too_fast():
            payload = super().next_payload()
        return payload

    def is_too_fast(self) -> bool:
        second = int(time.monotonic())
        self.count = self.count + 1 if second == self.second else 1
        self.second = second
        return self.count > 30


class SmallFramesOnly(Connection):
    """A frame of more than 4096 bytes is a bad one."""

    def length(self, field: bytes) -> int | None:
        length = super().length(field)
        return None if length is not None and length > 4096 else length


class BrokenOneSkipsTheNext(Room):
    """Whose connection turns out to be broken is taken off the list that a loop runs over."""

    def listeners(self, sender: Person) -> list[Person]:
        people, reached = super().listeners(sender), []
        for person in people:
            if isinstance(person, Connection) and is_broken(person.socket):
                people.remove(person)
            else:
                reached.append(person)
        return reached


def is_broken(connection: socket.socket) -> bool:
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False
