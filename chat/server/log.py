"""The log: what whoever runs the server reads.

Knows what a line looks like; does not know how it is printed (printers.py), nor what has happened.
"""

from __future__ import annotations

import io
import sys
import time
import traceback
from collections.abc import Callable

from chat.server.printers import PIECE_SIZE, open_printer
from chat.terminal.console import take_all_text
from chat.terminal.text import harmless


class Log:
    """Standard output, for whoever runs the server.

    A window that is held (Ctrl+S), a terminal or a pipe that nobody reads must not hold the chat: a
    line that finds no room is left out, and the next one says so. So it is on a full disk.
    """

    def __init__(self) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # else it was closed before we came
            # A name in Hebrew must not end a server whose output is a file in another encoding.
            take_all_text(sys.stdout, "backslashreplace")
        self.printer = open_printer()
        self.desk: Callable[[str], None] | None = None  # who shows the lines instead
        self._left_out = 0  # lines

    def say(self, text: str) -> None:
        """Print a line at once."""
        left_out = f"({self._left_out} lines are left out: nobody read them, or the disk was full)"
        if self.desk:
            if self._left_out:
                self._left_out = 0
                self.desk(left_out)
            self.desk(text)
            return
        if self._left_out:
            # Of the line before this one a part may be there.
            text = f"\n{left_out}\n{text}"
        text += "\n"
        for start in range(0, len(text), PIECE_SIZE):
            patient = not self._left_out
            if not self.printer.write(text[start : start + PIECE_SIZE], patient=patient):
                self._left_out += 1
                return
            self._left_out = 0

    def note(self, text: str) -> None:
        """Print what has happened, with the time."""
        self.say(stamped(text))

    def close(self) -> None:
        """Have the last lines printed, if somebody reads them."""
        self.printer.close()


def stamped(text: str) -> str:
    """Return a line with the time of day before it, and nothing in it that drives a terminal."""
    return f"{time.strftime('%H:%M:%S')} {harmless(text)}"


def trace_of(fault: Exception) -> str:
    """Return the traceback of a fault, for the log."""
    try:
        return "".join(traceback.format_exception(fault)).rstrip()
    except OSError:
        # It reads our source files, and there may be no descriptor left.
        return f"{type(fault).__name__}: {fault}"
