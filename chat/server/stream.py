"""A client's stream of bytes: the one face that the server knows it by, and the plain kind.

Knows sockets; knows no frames. The kind that is encrypted is in tls.py.
"""

from __future__ import annotations

import socket
from typing import Protocol


class Stream(Protocol):
    """What the server asks of a stream. No call waits: BlockingIOError says that it would."""

    @property
    def is_opening(self) -> bool:
        """Whether it has to be read, perhaps at length, before anything can be sent."""

    @property
    def ended(self) -> bool:
        """Whether it has said that nothing more comes, other than by an empty read."""

    @property
    def unsent(self) -> bytes:
        """What it has to send by itself and the kernel has not taken yet."""

    def fileno(self) -> int:
        """Return the descriptor."""

    def recv(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end. Raises OSError and ProtocolError."""

    def send(self, data: bytes | memoryview, /) -> int:
        """Send some of `data`; return how many bytes of it were taken. Raises OSError."""

    def flush(self) -> None:
        """Send what is unsent, as far as the kernel takes it. Raises OSError."""

    def end_output(self) -> None:
        """Tell the client that nothing more comes. Raises OSError."""

    def close(self) -> None:
        """Give the descriptor back."""


class PlainStream(socket.socket):
    """A stream that is just a socket, so that nothing stands between the server and the kernel."""

    __slots__ = ()
    is_opening = False
    ended = False
    unsent = b""

    @classmethod
    def of(cls, client: socket.socket) -> PlainStream:
        """Make one of what accept() returned."""
        family, kind, number = client.family, client.type, client.proto
        timeout = client.gettimeout()  # 0, once prepare() has made it non-blocking
        stream = cls(family, kind, number, fileno=client.detach())
        stream.settimeout(timeout)
        return stream

    def flush(self) -> None:
        """Nothing is ever held back."""

    def end_output(self) -> None:
        self.shutdown(socket.SHUT_WR)
