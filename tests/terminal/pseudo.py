"""A terminal for tests: a program runs in a pseudo-terminal, somebody types, the screen is watched.

What the keys send stands here too. It knows no program of ours.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from harness import DEADLINE

from terminal.emulator import Screen

if sys.platform != "win32":
    import fcntl
    import struct
    import termios

LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
HOME, END, DELETE, BACKSPACE = "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f"
CLEAR_LINE = "\x05\x15"  # to its end, then drop all before the cursor
PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"


def paste(text: str) -> str:
    """Return what a terminal sends for a paste: the line ends come as the Enter key's."""
    return PASTE_START + text.replace("\n", "\r") + PASTE_END


def clean_environment() -> dict[str, str]:
    """Return the environment of an ordinary terminal, whatever the tests themselves run in."""
    unwanted = (
        *("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "LC_ALL", "LC_TIME", "PYTHONIOENCODING"),
        *("TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TMUX", "STY"),  # which terminal this is
        *("VTE_VERSION", "WT_SESSION", "KONSOLE_VERSION"),
    )
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    return environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


def shown_times(text: str, count: int) -> Callable[[Screen], bool]:
    """Return a condition to wait for: that a text was shown so many times."""
    return lambda screen: screen.text().count(text) >= count


def rung_times(count: int) -> Callable[[Screen], bool]:
    """Return a condition to wait for: that the bell has rung so many times."""
    return lambda screen: screen.bells >= count


Self = TypeVar("Self", bound="Terminal")


class Terminal:
    """A program on a pseudo-terminal of its own, as if started in a fresh window.

    What is in `streams` goes to the program instead of the terminal: {"stdin": file}, say.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        reflows: bool = False,
        environment: Mapping[str, str] | None = None,
        streams: Mapping[str, Any] | None = None,
    ) -> None:
        if sys.platform == "win32":
            pytest.skip("Windows has no pseudo-terminals")
        self.screen = Screen(columns, rows, reflows)
        self.written = b""  # all that the program ever wrote
        self._ours, self._its = os.openpty()
        self._tell_size(columns, rows)
        self.settings = self.terminal_settings()
        self._ended, alive = os.pipe()  # held open by the program alone: readable when it ended
        terminal = dict.fromkeys(("stdin", "stdout", "stderr"), self._its)
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            **{**terminal, **(streams or {})},
            env={**clean_environment(), **(environment or {})},
            start_new_session=True,
            preexec_fn=self._take_terminal,
            pass_fds=[alive],
        )
        os.close(alive)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program if it still runs, and give back the pseudo-terminal."""
        self.process.kill()
        self.process.wait()
        for descriptor in (self._ours, self._its, self._ended):
            os.close(descriptor)

    def _take_terminal(self) -> None:
        """In the new process: make the pseudo-terminal the one that sends Ctrl+C and the like."""
        fcntl.ioctl(self._its, termios.TIOCSCTTY, 0)

    def _tell_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def terminal_settings(self) -> list[Any]:
        """Return how the terminal is set at the moment: echo, line editing, special keys."""
        return termios.tcgetattr(self._ours)  # BSD systems take the other end away at the exit

    def type(self, keys: str | bytes) -> None:
        """Press keys."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            self._read_what_comes(0)  # or both sides could wait for each other
            _, writable, _ = select.select([], [self._ours], [], 0.05)
            if writable:
                data = data[os.write(self._ours, data[:256]) :]

    def type_unread(self, keys: str) -> None:
        """Press keys, a few, while nobody reads what the program writes."""
        os.write(self._ours, keys.encode())

    def vanish(self) -> None:
        """Close the window: the program has a terminal no more."""
        with open(os.devnull, "rb") as nothing:
            for descriptor in (self._ours, self._its):
                os.dup2(nothing.fileno(), descriptor)

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window to another size; the kernel tells the program (SIGWINCH)."""
        self._read_what_comes(0)
        self.screen.resize(columns, rows)
        self._tell_size(columns, rows)

    def wait_for(self, what: str | Callable[[Screen], object], deadline: float = DEADLINE) -> None:
        """Return as soon as a text was shown or a condition is true; fail at the deadline."""

        def is_there() -> object:
            return what in self.screen.text() if isinstance(what, str) else what(self.screen)

        end = time.monotonic() + deadline
        self._read_what_comes(0)
        while not is_there():
            remaining = end - time.monotonic()
            if remaining <= 0 or not self._read_what_comes(remaining):
                name = repr(what) if isinstance(what, str) else "what it waits for"
                state = self.process.poll()
                raise AssertionError(f"no {name} (exit code {state})\n{self.screen}")

    def wait_exit(self, deadline: float = DEADLINE) -> int:
        """Wait until the program has ended, read its last words, return its exit code."""
        end = time.monotonic() + deadline
        while select.select([self._ended], [], [], 0)[0] == []:
            remaining = end - time.monotonic()
            assert remaining > 0, f"it does not end\n{self.screen}"
            self._read_what_comes(remaining)
        while self._read_what_comes(0):
            pass
        return self.process.wait(max(0.1, end - time.monotonic()))

    def set_back(self) -> None:
        """Set the terminal as it was at first, as a shell does when it comes to the front."""
        termios.tcsetattr(self._its, termios.TCSANOW, self.settings)

    def reads_single_keys(self) -> bool:
        """Whether the program took over from the kernel, which echoes and hands out whole lines."""
        return not self.terminal_settings()[3] & (termios.ECHO | termios.ICANON)

    def _read_what_comes(self, seconds: float) -> bool:
        """Show what the program writes next; return False when it writes nothing in that time.

        A program that has ended writes nothing more.
        """
        ready, _, _ = select.select([self._ours, self._ended], [], [], seconds)
        if self._ours not in ready:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            data = b""  # how some systems say that the program has ended
        self.written += data
        self.screen.feed(data)
        if self.screen.answers and data:
            os.write(self._ours, self.screen.answers)
            self.screen.answers = b""
        return bool(data)
