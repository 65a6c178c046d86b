"""The connection: one client's stream, what has come in of it, what still has to go out.

Knows bytes and whether the kernel takes them; does not know names, nor why it should be read or
not: those who know say so by `paused` and `leaving`.
"""

from __future__ import annotations

import selectors
import time
from itertools import accumulate, takewhile

from chat.server.stream import Stream
from chat.sockets import endpoint
from chat_protocol import FrameReader

ANSWERS_AHEAD = 64 * 1024  # bytes; a client that leaves more unread is asked to read first
SEND_SIZE = 256 * 1024  # bytes for one send(): about what a kernel takes at once
OUTBOX_PIECES = 4096  # beyond, the pieces' own overhead weighs more than what is in them


class Connection:
    """One client: what has come in, what still has to go out, and where it stands."""

    __slots__ = (
        "address",
        "broken",
        "input_ended",
        "kernel_full",
        "leaving",
        "origin",
        "outbox",
        "outbox_size",
        "output_ended",
        "paused",
        "reader",
        "since",
        "stream",
        "watched",
    )

    def __init__(self, stream: Stream, address: tuple[str, int], origin: str) -> None:
        self.stream = stream
        self.address = address
        self.origin = origin  # whom its limits count for: its host, or its network; see places.py
        self.since = time.monotonic()  # when it came
        self.reader = FrameReader()  # holds a partial frame until the rest is here
        self.outbox: list[bytes | memoryview] = []  # what still has to go out, in this order
        self.outbox_size = 0  # bytes in the outbox
        self.kernel_full = False  # it took less than all; select() tells when there is room again
        self.watched = 0  # the events that select() watches for
        self.paused = False  # its requests have to wait, so it is not read; see pace.py
        self.input_ended = False  # the client closed its sending side: it asks nothing more
        self.leaving = False  # out of the room: what is in the outbox goes out, then it closes
        self.output_ended = False  # all went out; what still comes in is dropped
        self.broken = ""  # why it takes nothing more; what it sent before is still dealt with

    def __str__(self) -> str:
        return endpoint(self.address)

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Have select() watch for what this connection waits for now, and for nothing else."""
        stream = self.stream
        events = 0
        # A stream that answers by itself, and says more than the client cares to read, waits too.
        if not (self.input_ended or self.paused or len(stream.unsent) >= ANSWERS_AHEAD):
            events = selectors.EVENT_READ
        if stream.unsent or (self.kernel_full and not stream.is_opening):
            events |= selectors.EVENT_WRITE
        if events == self.watched:
            return
        if not self.watched:
            selector.register(self.stream, events, self)
        elif events:
            selector.modify(self.stream, events, self)
        else:
            selector.unregister(self.stream)
        self.watched = events

    def close(self, selector: selectors.BaseSelector) -> None:
        """Give the descriptor back."""
        if self.watched:
            selector.unregister(self.stream)
        self.stream.close()

    def put(self, data: bytes | memoryview) -> None:
        """Add one frame or more to the outbox."""
        if len(self.outbox) == OUTBOX_PIECES:
            self.outbox = [b"".join(self.outbox)]
        self.outbox.append(data)
        self.outbox_size += len(data)

    def flush(self) -> None:
        """Send what waits, as far as the kernel takes it. Raises OSError when it is broken."""
        if self.broken:
            self._drop_outbox()
            return
        if self.stream.unsent:
            self.stream.flush()
        while self.outbox and not self.kernel_full:
            chunk = self.outbox[0] if len(self.outbox) == 1 else b"".join(self._next_to_send())
            try:
                sent = self.stream.send(chunk)
            except (BlockingIOError, InterruptedError):
                sent = 0
            self.kernel_full = sent < len(chunk)
            self.outbox_size -= sent
            if self.outbox_size:
                self._drop_sent(sent)
            else:
                self.outbox.clear()

    def lose_output(self, reason: str) -> None:
        """Send nothing any more: it is broken, but what came before that is worth reading."""
        self.broken = reason
        self._drop_outbox()

    def _drop_outbox(self) -> None:
        self.outbox.clear()
        self.outbox_size = 0
        self.kernel_full = False

    def _drop_sent(self, sent: int) -> None:
        """Take out of the outbox what the kernel took; the rest stays for later."""
        whole = 0
        while sent >= len(self.outbox[whole]):
            sent -= len(self.outbox[whole])
            whole += 1
        del self.outbox[:whole]
        # A view of the rest: the bytes themselves are shared with all the other outboxes.
        self.outbox[0] = memoryview(self.outbox[0])[sent:]

    def _next_to_send(self) -> list[bytes | memoryview]:
        """As much as makes up one send(), the last part of it perhaps beyond SEND_SIZE."""
        if self.outbox_size <= SEND_SIZE:
            return self.outbox
        sizes = accumulate(map(len, self.outbox))
        return self.outbox[: 1 + sum(1 for _ in takewhile(lambda size: size < SEND_SIZE, sizes))]
