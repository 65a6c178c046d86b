"""Where keys come from: the one face that every keyboard has, and the one that suits this system.

Knows which systems there are; knows no key.
"""

from __future__ import annotations

import socket
import sys
from typing import Protocol

from chat.terminal.pipe_keyboard import PipeKeyboard

if sys.platform == "win32":
    from chat.terminal.windows_keyboard import WindowsKeyboard
else:
    from chat.terminal.posix_keyboard import PosixKeyboard


class Keyboard(Protocol):
    """Where keys come from."""

    answer_seconds: float  # that cursor_column() waits for an answer

    @property
    def source(self) -> int | socket.socket | None:
        """What select() can watch; None where it cannot."""

    def take(self) -> None:
        """Have keys delivered as they are pressed."""

    def give_back(self) -> None:
        """Leave the terminal as it was found."""

    def patience(self) -> float | None:
        """How many seconds select() may sleep before read() is to be called all the same."""

    def read(self, ready: bool) -> list[str]:
        """Return the keys pressed since; "eof" when no more can come. Never waits."""

    def cursor_column(self) -> int:
        """Return what the terminal answers when asked for its cursor; 0 where it does not."""


def open_keyboard(*, interactive: bool) -> Keyboard:
    """Find out where keys come from: a person's terminal or console, or else a pipe or file."""
    if not interactive:
        return PipeKeyboard(sys.stdin.fileno())
    if sys.platform == "win32":
        return WindowsKeyboard()
    return PosixKeyboard(sys.stdin.fileno())
