"""The log: what whoever runs the server reads, and a printer that never waits for a reader.

Knows standard output; knows no connection and no chat.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
import time
import traceback
from typing import cast

from chat.server.descriptors import FD_SETSIZE
from chat.terminal.console import take_all_text
from chat.terminal.text import harmless

PATIENCE_SECONDS = 0.05  # in each second, for whoever reads our output and is merely behind
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # write(2); somebody will make room
DISK_REST_SECONDS = 1.0  # before the thread that waits for room on a disk tries again
QUEUE_PIECES = 1000  # of lines that wait for a reader, where a thread waits with them
LAST_LINES_SECONDS = 1.0  # for that thread to print what is left, when the server ends
# Characters; even as \U0001f642 they fit where select(2) has found room in a pipe (pipe(7)).
PIECE_SIZE = getattr(select, "PIPE_BUF", 512) // len(r"\U0001f642")


class Log:
    """Standard output, for whoever runs the server.

    A window that is held (Ctrl+S), a terminal or a pipe that nobody reads must not hold the chat: a
    line that finds no room is left out, and the next one says so. So it is on a full disk.
    """

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # else it was closed before we came
            # A name in Hebrew must not end a server whose output is a file in another encoding.
            take_all_text(sys.stdout, "backslashreplace")
        self._left_out = 0  # lines
        self._printer = Thread() if sys.platform == "win32" else Descriptor()

    def say(self, text: str) -> None:
        """Print a line at once."""
        if self._left_out:
            why = "nobody read them, or the disk was full"
            # Of the line before this one a part may be there.
            text = f"\n({self._left_out} lines are left out: {why})\n{text}"
        text += "\n"
        for start in range(0, len(text), PIECE_SIZE):
            patient = not self._left_out
            if not self._printer.write(text[start : start + PIECE_SIZE], patient=patient):
                self._left_out += 1
                return
            self._left_out = 0

    def note(self, text: str) -> None:
        """Print what has happened, with the time."""
        self.say(f"{time.strftime('%H:%M:%S')} {harmless(text)}")

    def close(self) -> None:
        """Have the last lines printed, if somebody reads them."""
        self._printer.close()


class Descriptor:
    """Prints where select() tells whether there is room, hence everywhere but on Windows."""

    def __init__(self) -> None:
        self._patience = 0.0  # seconds that may still be waited, of those for this second
        self._renewed = 0.0  # when this second began
        self._number = -1  # none: nobody reads, or it is IDLE's window, which has room
        try:
            self._number = sys.stdout.fileno() if sys.stdout else -1
            # select() finds room in a terminal for one character; a longer line would wait.
            # Opened once more, for us alone, it takes what it can and says how much that was.
            terminal = os.ttyname(self._number)
            self._number = os.open(terminal, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            pass  # it is no terminal, or somebody else's

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


class Thread:
    """Prints on Windows, where no write to a console or a pipe can be refused.

    It waits in a thread of its own, in front of a queue that has an end; else text selected in the
    server's window would hold the chat.
    """

    def __init__(self) -> None:
        import queue
        import threading

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

    def _print(self) -> None:
        try:
            while (text := self._pieces.get()) is not None:
                self._print_all(text)
        except OSError:
            sys.stdout = None  # nobody reads our output any more: that stops no conversation
            while self._pieces.get() is not None:
                pass

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


def trace_of(fault: Exception) -> str:
    """Return the traceback of a fault, for the log."""
    try:
        return "".join(traceback.format_exception(fault)).rstrip()
    except OSError:
        # It reads our source files, and there may be no descriptor left.
        return f"{type(fault).__name__}: {fault}"
