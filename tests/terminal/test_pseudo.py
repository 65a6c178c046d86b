"""The tests' own terminal: programs run in it as in a window of their own. POSIX only."""

from __future__ import annotations

import signal
import sys

import pytest

from terminal.pseudo import Terminal


def test_a_program_has_a_terminal_of_its_own() -> None:
    program = (
        "import os, signal, sys, time\n"
        # A shell starts what runs in its background with Ctrl+C ignored, these tests perhaps too.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size(), flush=True))\n"
        "print(sys.stdin.isatty(), os.get_terminal_size(), flush=True)\n"
        "print('read', input(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with Terminal([sys.executable, "-c", program], columns=50, rows=7) as terminal:
        terminal.wait_for("True os.terminal_size(columns=50, lines=7)")
        terminal.type("héllo\r")
        terminal.wait_for("read héllo")
        terminal.resize(60, 8)
        terminal.wait_for("os.terminal_size(columns=60, lines=8)")
        terminal.type(b"\x03")
        assert terminal.wait_exit() == -signal.SIGINT
        assert "KeyboardInterrupt" in terminal.screen.text()


def test_waiting_for_what_never_comes_shows_the_screen() -> None:
    with (
        Terminal([sys.executable, "-c", "print('only this')"]) as terminal,
        pytest.raises(AssertionError, match=r"no 'more'(.|\n)*only this"),
    ):
        terminal.wait_for("more")
