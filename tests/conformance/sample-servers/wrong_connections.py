"""Mistakes of a connection: how bytes come in and go out, and how it ends."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
import unicodedata

from correct_room import encode
from select_server import RECEIVE_SIZE, Connection


class OneRecvIsOneMessage(Connection):
    """recv(1024) is taken for one message: what it returned is the length field and the payload."""

    def read_frames(self) -> None:
        data, self.incoming = self.incoming[:1024], b""
        if self.length(data[:4]) is None:
            self.bad_frame()
        else:
            self.room.request(self, data[4:])


class LeftoverLost(Connection):
    """All whole frames of a packet are read, and the beginning of the next is thrown away."""

    def read_frames(self) -> None:
        while len(self.incoming) >= 4 and not self.finished:
            before = self.incoming
            super().read_frames()
            if self.incoming == before or len(self.incoming) < 4:
                self.incoming = b""


class OnlyTheFirstFrame(Connection):
    """One frame is read for each packet; what came behind it waits for the next packet."""

    def read_frames(self) -> None:
        if len(self.incoming) < 4:
            return
        length = self.length(self.incoming[:4])
        if length is None:
            self.bad_frame()
        elif len(self.incoming) >= 4 + length:
            payload, self.incoming = self.incoming[4 : 4 + length], self.incoming[4 + length :]
            self.room.request(self, payload)


class LengthByInt(Connection):
    """int() decides what a number is."""

    def length(self, field: bytes) -> int | None:
        try:
            return max(0, int(field.decode()))
        except ValueError:
            return None


class DigitsOfAllScripts(Connection):
    """str.isdigit() decides what a digit is."""

    def length(self, field: bytes) -> int | None:
        for encoding in ("utf-8", "latin-1"):
            text = field.decode(encoding, errors="replace")
            if text.isdigit():
                return int(unicodedata.normalize("NFKC", text))
        return None


class BlockingPayload(Connection):
    """Once a length field is there, recv() waits for the rest of the payload."""

    def read_frames(self) -> None:
        self.socket.setblocking(True)
        while 0 < len(self.incoming) < 4 or (
            self.incoming[:4].isdigit() and len(self.incoming) < 4 + int(self.incoming[:4])
        ):
            try:
                data = self.socket.recv(RECEIVE_SIZE)
            except ConnectionError:
                break
            if not data:
                break
            self.incoming += data
        self.socket.setblocking(False)
        super().read_frames()


class SendForSendall(Connection):
    """send() is believed to take everything."""

    def writable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self.socket.send(self.outgoing)
        self.outgoing.clear()
        super().writable()


class BlockingSend(Connection):
    """sendall() waits until the slowest client has read."""

    def writable(self) -> None:
        self.socket.setblocking(True)
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(self.outgoing)
        self.outgoing.clear()
        self.socket.setblocking(False)
        super().writable()


class CrashOnReset(Connection):
    """ConnectionResetError is nobody's business."""

    def broken(self) -> None:
        raise ConnectionResetError("Connection reset by peer")


class CloseAtOnce(Connection):
    """close() follows the last send(), with bytes unread."""

    def finish(self) -> None:
        self.writable()
        self.finished = self.closed = True


class ReasonLost(Connection):
    """close() forgets what has not been sent."""

    def bad_frame(self) -> None:
        self.room.leave(self)
        self.finished = self.closed = True


class EmptyPayloadIsTheEnd(Connection):
    """recv(0) returned nothing, so the connection must have ended."""

    def read_frames(self) -> None:
        while self.incoming[:4] != b"0000" and len(self.incoming) >= 4 and not self.finished:
            before = self.incoming
            super().read_frames()
            if self.incoming == before:
                return
        if self.incoming[:4] == b"0000":
            self.end_of_stream()


class DeafAtTheEnd(Connection):
    """Who has closed the sending side is believed to be gone, and what it sent is not read."""

    def read_frames(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            if not self.socket.recv(1, socket.MSG_PEEK):
                self.broken()
                return
        super().read_frames()


class ReadsBehindExit(Connection):
    """The loop over a packet's frames does not look whether the client has left."""

    def finish(self) -> None:
        super().finish()
        while self.incoming[:4].isdigit():
            end = 4 + int(self.incoming[:4])
            payload, self.incoming = self.incoming[4:end], self.incoming[end:]
            self.room.request(self, payload)


class NameFreedAtExitOnly(Connection):
    """Who leaves without EXIT keeps the name for ever."""

    def broken(self) -> None:
        self.name, name = "", self.name
        if name:
            self.room.tell_others(self, f"LEFT {name}")
        self.closed = True

    def end_of_stream(self) -> None:
        self.broken()


class SilentBreak(Connection):
    """Who leaves without EXIT is not told to the others."""

    def broken(self) -> None:
        self.room.people.pop(self.room.folded(self.name), None)
        self.name = ""
        self.closed = True

    def end_of_stream(self) -> None:
        self.broken()


class LengthInCharacters(Connection):
    """len() of the text is written into the length field."""

    def send(self, data: bytes) -> None:
        super().send(b"%04d" % len(data[4:].decode()) + data[4:])


class LengthNotPadded(Connection):
    """str() of the length is written into the length field, whatever its width."""

    def send(self, data: bytes) -> None:
        super().send(b"%d" % int(data[:4]) + data[4:])


class Newlines(Connection):
    """A newline ends every frame."""

    def send(self, data: bytes) -> None:
        super().send(data + b"\n")


class Hangs(Connection):
    """Nothing is ever answered, and EXIT closes nothing."""

    def readable(self) -> None:
        time.sleep(3600)


class Floods(Connection):
    """Every request is answered by frames without end, and the log fills up as well."""

    def read_frames(self) -> None:
        os.write(sys.stdout.fileno(), b"x" * 100_000)
        self.socket.setblocking(True)
        with contextlib.suppress(OSError):
            while True:
                self.socket.sendall(encode("NOISE") * 1000)


class EndsItself(Connection):
    """The first request ends the server."""

    def read_frames(self) -> None:
        raise ZeroDivisionError("a mistake of the simplest kind")


class LineEndInside(Connection):
    """A newline ends every payload, and the length field counts it."""

    def send(self, data: bytes) -> None:
        super().send(encode(data[4:].decode() + "\n"))
