"""Lines from a pipe or a file, as if a person had typed them.

Knows the descriptor, and that Windows cannot watch it; knows no terminal.
"""

from __future__ import annotations

import codecs
import os
import socket
import sys

from chat.terminal.keys import Paste

READ_SIZE = 64 * 1024  # bytes


class PipeKeyboard:
    """A pipe or a file instead of a person: each line counts as typed, its end as "eof"."""

    answer_seconds = 0.0

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._text = ""
        self.source: int | socket.socket | None = descriptor
        if sys.platform == "win32":
            self.source = self._start_reader()

    def _start_reader(self) -> socket.socket:
        """Pass the input on through a socket: on Windows select() can watch nothing else."""
        import threading

        near, far = socket.socketpair()
        # Not os.read(): of a console, whose output alone is a pipe, that returns its code page.
        raw = open(self._descriptor, "rb", buffering=0, closefd=False)  # noqa: SIM115 (not ours)

        def pass_on() -> None:
            with far:
                while data := raw.read(READ_SIZE):
                    far.sendall(data)

        threading.Thread(target=pass_on, daemon=True).start()
        return near

    def take(self) -> None:
        """A pipe has nothing to take."""

    def give_back(self) -> None:
        """Nothing was changed."""

    def patience(self) -> float | None:
        """select() tells when there is something to read."""
        return None

    def read(self, ready: bool) -> list[str]:
        """Return each whole line as one key, and Enter behind it."""
        if not ready:
            return []
        if isinstance(self.source, socket.socket):
            data = self.source.recv(READ_SIZE)
        else:
            data = os.read(self._descriptor, READ_SIZE)
        first, *others = self._utf8.decode(data, final=not data).split("\n")
        *lines, self._text = self._text + first, *others  # what is there is not searched again
        if not data:
            lines += [self._text] if self._text else []
            self.source = None
        keys: list[str] = []
        for line in lines:
            keys += [Paste(line.removesuffix("\r")), "enter"]
        return keys if data else [*keys, "eof"]

    def cursor_column(self) -> int:
        """A pipe has no cursor."""
        return 0
