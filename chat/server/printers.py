"""The printers: standard output, and how lines get there without ever waiting for a reader.

Knows descriptors, and Windows, which has none to watch; knows no line.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
import time
from typing import Protocol, cast

from chat.server.descriptors import FD_SETSIZE

if sys.platform != "win32":
    import termios

PATIENCE_SECONDS = 0.05  # in each second, for whoever reads our output and is merely behind
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # write(2); somebody will make room
DISK_REST_SECONDS = 1.0  # before the thread that waits for room on a disk tries again
QUEUE_PIECES = 1000  # of lines that wait for a reader, where a thread waits with them
LAST_LINES_SECONDS = 1.0  # for that thread to print what is left, when the server ends
# Characters; even as \U0001f642 they fit where select(2) has found room in a pipe (pipe(7)).
PIECE_SIZE = getattr(select, "PIPE_BUF", 512) // len(r"\U0001f642")


class Printer(Protocol):
    """Where lines go."""

    @property
    def descriptor(self) -> int | None:
        """What select() tells of when there is room again; None where it cannot."""

    @property
    def encoding(self) -> str:
        """What take() takes."""

    def write(self, text: str, *, patient: bool) -> bool:
        """Write a piece of a line; return whether there was room for all of it."""

    def take(self, data: bytes) -> int:
        """Write as much as there is room for; return how many bytes that was. Never waits."""

    def drop(self) -> None:
        """Drop what was written and nobody has read, so that there is room, where that can be."""

    def close(self) -> None:
        """Have what is left printed, if somebody reads it."""


class Descriptor:
    """Prints where select() tells whether there is room, hence everywhere but on Windows."""

    def __init__(self) -> None:
        self._patience = 0.0  # seconds that may still be waited, of those for this second
        self._renewed = 0.0  # when this second began
        self.encoding = sys.stdout.encoding if sys.stdout else ""
        self._number = -1  # none: nobody reads, or it is IDLE's window, which has room
        self.descriptor: int | None = None
        try:
            self._number = sys.stdout.fileno() if sys.stdout else -1
            if os.isatty(self._number):
                # select() finds room in a terminal for one character; a longer line would wait.
                # Opened once more, for us alone, it takes what it can and says how much that was.
                self._number = self.descriptor = open_terminal(self._number)
        except OSError:
            pass  # it is no descriptor, or nobody's terminal

    def write(self, text: str, *, patient: bool) -> bool:
        """Write a piece of a line; return whether there was room for it.

        `patient`: a reader who is merely behind may be waited for, a moment.
        """
        try:
            if self._number < 0:
                print(text, end="", flush=True)  # nothing, where sys.stdout is None
                return True
            data = text.encode(sys.stdout.encoding, "backslashreplace")
            return self._has_room(patient) and os.write(self._number, data) == len(data)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in DISK_FULL:
                return False
            # Nobody reads our output any more: that stops no conversation.
            sys.stdout, self._number = None, -1
            return True

    def take(self, data: bytes) -> int:
        """Write as much of it as the terminal takes now; all of it is lost when that is gone."""
        try:
            return os.write(self._number, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def drop(self) -> None:
        """Have the terminal drop what it has not shown: termios(3), TCOFLUSH."""
        try:
            termios.tcflush(self._number, termios.TCOFLUSH)
        except termios.error:
            pass  # it is gone

    def _has_room(self, patient: bool) -> bool:
        now = time.monotonic()
        if now - self._renewed > 1.0:
            self._renewed, self._patience = now, PATIENCE_SECONDS
        patience = max(0.0, self._patience) if patient else 0.0
        if self._number < FD_SETSIZE:
            room = bool(select.select([], [self._number], [], patience)[1])
        else:  # select() cannot watch it, and on macOS poll() no terminal: whatever it says, we try
            poll = select.poll()
            poll.register(self._number, select.POLLOUT)
            room = bool(poll.poll(patience * 1000))  # milliseconds
        self._patience -= time.monotonic() - now
        return room

    def close(self) -> None:
        """Nothing is kept back."""


def open_terminal(number: int) -> int:
    """Open the terminal of a descriptor once more, so that no write waits. Raises OSError."""
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
    try:
        return os.open(os.ttyname(number), flags)
    except OSError:
        return os.open("/dev/tty", flags)  # it belongs to whoever was here before su(1)


class Thread:
    """Prints on Windows, where no write to a console or a pipe can be refused.

    It waits in a thread of its own, in front of a queue that has an end; else text selected in the
    server's window would hold the chat.
    """

    def __init__(self) -> None:
        import queue
        import threading

        self.descriptor = None
        self.encoding = "utf-8"
        self._pieces: queue.Queue[str | None] = queue.Queue(QUEUE_PIECES)
        self._full = queue.Full
        self._thread = threading.Thread(target=self._print, daemon=True)
        self._thread.start()

    def write(self, text: str, *, patient: bool) -> bool:
        """Hand over a piece of a line; return whether there was room for it. Never waits."""
        try:
            self._pieces.put_nowait(text)
        except self._full:
            return False
        return True

    def take(self, data: bytes) -> int:
        """Hand over all of it, if all that was handed over before is printed."""
        if self._pieces.unfinished_tasks:
            return 0
        self._pieces.put_nowait(data.decode())
        return len(data)

    def drop(self) -> None:
        """What was handed over stays so."""

    def _print(self) -> None:
        try:
            while (text := self._pieces.get()) is not None:
                self._print_all(text)
                self._pieces.task_done()
        except OSError:
            sys.stdout = None  # nobody reads our output any more: that stops no conversation
            while self._pieces.get() is not None:
                self._pieces.task_done()

    def _print_all(self, text: str) -> None:
        """Print a piece. Raises OSError: nobody reads our output any more."""
        if not isinstance(sys.stdout, io.TextIOWrapper):
            print(text, end="", flush=True)  # IDLE's window; nothing, where sys.stdout is None
            return
        # Without the buffer in between, which does not tell how much was printed before an error.
        output = cast("io.RawIOBase", getattr(sys.stdout.buffer, "raw", sys.stdout.buffer))
        data = text.replace("\n", os.linesep).encode(sys.stdout.encoding, "backslashreplace")
        while data:
            data = data[self._print_some(output, data) :]

    def _print_some(self, output: io.RawIOBase, data: bytes) -> int:
        """Print what there is room for; return how many bytes that was."""
        try:
            return output.write(data) or 0
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            time.sleep(DISK_REST_SECONDS)  # meanwhile the queue fills, and lines are left out
            return 0

    def close(self) -> None:
        """Wait until all is printed, for a moment."""
        try:
            self._pieces.put(None, timeout=LAST_LINES_SECONDS)
        except self._full:
            return  # nobody reads
        self._thread.join(LAST_LINES_SECONDS)


def open_printer() -> Printer:
    """Return how this system prints."""
    return Thread() if sys.platform == "win32" else Descriptor()
