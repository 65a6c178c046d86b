"""The keys of a terminal on Linux, macOS and the like.

Knows termios and the terminal's descriptor; what its bytes mean is in keys.py.
"""

from __future__ import annotations

import errno
import os
import re
import select
import termios
import time
from typing import Any

from chat.terminal.keys import KeyDecoder

READ_SIZE = 64 * 1024  # bytes: a large paste comes in few turns


class PosixKeyboard:
    """The keys of a POSIX terminal, as they are pressed."""

    answer_seconds = 0.3  # a terminal that understands the question may be on another continent
    _CURSOR = re.compile(rb"\x1b\[\d+;(\d+)R")

    def __init__(self, descriptor: int) -> None:
        self.source = descriptor
        self._decoder = KeyDecoder()
        self._fed_at = 0.0
        self._typed_meanwhile: list[str] = []  # while the terminal was asked for its cursor
        self._found = termios.tcgetattr(descriptor)

    def take(self) -> None:
        """Deliver keys at once and unechoed (termios(3)), Ctrl+C, Ctrl+Z and Ctrl+S included."""
        mode = [*self._found[:6], [*self._found[6]]]
        mode[0] &= ~termios.IXON
        mode[0] |= termios.ICRNL
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        self._set(mode)

    def give_back(self) -> None:
        """Set the terminal back to how it was found."""
        self._set(self._found)

    def _set(self, mode: list[Any]) -> None:
        try:
            # At once: what waits to be shown is not concerned, and nobody may ever read it.
            termios.tcsetattr(self.source, termios.TCSANOW, mode)
        except termios.error as error:
            if error.args[0] == errno.EINTR:  # tried in the background, stopped (SIGTTOU), back
                self._set(mode)
            # else the window was closed: there is no terminal any more

    def patience(self) -> float | None:
        """An Escape key is known as one when nothing follows it for a moment."""
        if self._typed_meanwhile:
            return 0.0
        return self._decoder.patience if self._decoder.incomplete else None

    def read(self, ready: bool) -> list[str]:
        """Return the keys pressed since."""
        now = time.monotonic()
        keys, self._typed_meanwhile = self._typed_meanwhile, []
        # What was ready may have been read already, together with the cursor's place.
        if ready and select.select([self.source], [], [], 0)[0]:
            self._fed_at = now
            data = self._read()
            keys += self._decoder.feed(data) if data else ["eof"]
        elif self._decoder.incomplete and now - self._fed_at >= self._decoder.patience:
            keys += self._decoder.give_up()
        return keys

    def cursor_column(self) -> int:
        """Wait a moment for the answer; keys pressed before it are kept for read()."""
        data = b""
        until = time.monotonic() + self.answer_seconds
        while select.select([self.source], [], [], max(0.0, until - time.monotonic()))[0]:
            more = self._read()
            data += more
            answer = self._CURSOR.search(data)
            if answer or not more:
                break
        else:
            answer = None
        keys = data if answer is None else data[: answer.start()] + data[answer.end() :]
        self._typed_meanwhile += self._decoder.feed(keys)
        return int(answer[1]) if answer else 0

    def _read(self) -> bytes:
        try:
            return os.read(self.source, READ_SIZE)
        except OSError:
            return b""  # EIO: the terminal has hung up
