"""The log: what whoever runs the server reads, and a printer that never waits for a reader.

Knows standard output; knows no connection and no chat.
"""

from __future__ import annotations

import io
import os
import select
import sys
import time
import traceback

from chat.terminal.text import harmless

PATIENCE_SECONDS = 0.05  # in each second, for whoever reads our output and is merely behind
# Characters; even as \U0001f642 they fit where select(2) has found room in a pipe (pipe(7)).
PIECE_SIZE = getattr(select, "PIPE_BUF", 512) // len(r"\U0001f642")


class Log:
    """Standard output, for whoever runs the server.

    A window that is held (Ctrl+S), a terminal or a pipe that nobody reads must not hold the chat: a
    line that finds no room is left out, and the next one says so.
    """

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # else it was closed before we came
            # A name in Hebrew must not end a server whose output is a file in another encoding.
            sys.stdout.reconfigure(errors="backslashreplace")
        self._left_out = 0  # lines
        self._patience = 0.0  # seconds that may still be waited, of those for this second
        self._renewed = 0.0  # when this second began
        self._descriptor = -1  # where select() cannot watch it: on Windows, and in IDLE's window
        if sys.platform != "win32" and sys.stdout:
            try:
                self._descriptor = sys.stdout.fileno()
                # select() finds room in a terminal for one character; a longer line would wait.
                # Opened once more, for us alone, it takes what it can and says how much that was.
                terminal = os.ttyname(self._descriptor)
                flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
                self._descriptor = os.open(terminal, flags)
            except OSError:
                pass  # it is no terminal, or somebody else's

    def say(self, text: str) -> None:
        """Print a line at once."""
        if self._left_out:
            text = f"\n({self._left_out} lines are left out: nobody read them)\n{text}"
        text += "\n"
        try:
            for start in range(0, len(text), PIECE_SIZE):
                if not self._write(text[start : start + PIECE_SIZE]):
                    self._left_out += 1
                    return
                self._left_out = 0
        except OSError:
            # Nobody reads our output any more, or the disk is full: that stops no conversation.
            sys.stdout, self._descriptor = None, -1

    def note(self, text: str) -> None:
        """Print what has happened, with the time."""
        self.say(f"{time.strftime('%H:%M:%S')} {harmless(text)}")

    def _write(self, text: str) -> bool:
        """Write a piece of a line; return whether there was room for it. Raises OSError."""
        if self._descriptor < 0:
            print(text, end="", flush=True)  # nothing, where sys.stdout is None
            return True
        data = text.encode(sys.stdout.encoding, "backslashreplace")
        try:
            return self._has_room() and os.write(self._descriptor, data) == len(data)
        except BlockingIOError:
            return False

    def _has_room(self) -> bool:
        now = time.monotonic()
        if now - self._renewed > 1.0:
            self._renewed, self._patience = now, PATIENCE_SECONDS
        patience = 0.0 if self._left_out else max(0.0, self._patience)
        room = bool(select.select([], [self._descriptor], [], patience)[1])
        self._patience -= time.monotonic() - now
        return room


def trace_of(fault: Exception) -> str:
    """Return the traceback of a fault, for the log."""
    try:
        return "".join(traceback.format_exception(fault)).rstrip()
    except OSError:
        # It reads our source files, and there may be no descriptor left.
        return f"{type(fault).__name__}: {fault}"
