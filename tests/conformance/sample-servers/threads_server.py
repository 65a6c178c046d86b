"""A second correct server, and a quite different one: two threads a person instead of select().

    python threads_server.py --port 8820

One thread reads a person's frames, another writes what waits for that person, and one lock makes
the room's requests come one after the other. It passes every rule of this directory's suite.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import socket
import threading

from correct_room import Person, Room, encode

LISTEN_BACKLOG = 512
FAREWELL_SECONDS = 5.0  # for what a leaving person still sends, and has not read yet
OUTBOX_LIMIT = 4096  # frames that may wait for one reader before it is cut off


class Member(Person):
    """One connection with its two threads."""

    def __init__(self, connection: socket.socket, room: Room, lock: threading.Lock) -> None:
        super().__init__()
        self.connection = connection
        self.room = room
        self.lock = lock
        self.outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # None: no more comes
        self.finished = False

    def send(self, data: bytes) -> None:
        if self.outbox.qsize() < OUTBOX_LIMIT:
            self.outbox.put(data)
        else:  # does not read any more; the reading thread will notice and say that it left
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        self.finished = True
        self.outbox.put(None)

    def write(self) -> None:
        """The writing thread: whatever waits, as one piece; then no more."""
        with contextlib.suppress(OSError):  # gone; the reading thread hears of it as well
            while (data := self.outbox.get()) is not None:
                self.connection.sendall(data)
            self.connection.shutdown(socket.SHUT_WR)

    def read(self) -> None:
        """The reading thread: frame after frame, until EXIT or the end of the stream."""
        writer = threading.Thread(target=self.write, daemon=True)
        writer.start()
        stream = self.connection.makefile("rb")
        with contextlib.suppress(OSError):  # reset: a departure like any other
            while not self.finished and (length := stream.read(4)):
                if len(length) < 4:
                    break
                if not length.isdigit():  # bytes.isdigit() knows ASCII digits only
                    self.send(encode("ERROR BAD_FRAME A frame begins with four digits."))
                    break
                payload = stream.read(int(length))
                if len(payload) < int(length):
                    break
                with self.lock:
                    self.room.request(self, payload)
        with self.lock:
            self.room.leave(self)
        self.finish()
        with contextlib.suppress(OSError):  # no reset may overtake our last words
            self.connection.settimeout(FAREWELL_SECONDS)
            while self.connection.recv(65536):
                pass
        writer.join(FAREWELL_SECONDS)
        stream.close()
        self.connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server with two threads a person.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    room, lock = Room(), threading.Lock()
    with socket.create_server((options.host, options.port), backlog=LISTEN_BACKLOG) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Member(connection, room, lock).read, daemon=True).start()


if __name__ == "__main__":
    main()
