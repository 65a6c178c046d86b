"""What sits at the other end of a standard stream: a person, or not; and what it can show.

Knows Windows' consoles and everyone else's terminals; knows neither keys nor rows.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple, TextIO


class Abilities(NamedTuple):
    """What a terminal or console can show."""

    escapes: bool  # escape sequences (ECMA-48, DEC VT100) drive it, and do not just soil it
    colours: bool


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is there. On Windows isatty() takes NUL for one, by _isatty()'s manual."""
    if not stream.isatty():
        return False
    return sys.platform != "win32" or _console_mode(stream) is not None


def find_abilities(output: TextIO) -> Abilities:
    """Find out what `output` can show; a Windows console is asked for it, and switched on."""
    if not is_terminal(output) or os.environ.get("TERM") == "dumb":
        return Abilities(escapes=False, colours=False)
    if sys.platform == "win32" and not _switch_escapes_on(output):
        return Abilities(escapes=False, colours=_translate_colours())
    return Abilities(escapes=True, colours=True)


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    # SetConsoleMode(), ENABLE_VIRTUAL_TERMINAL_PROCESSING: since Windows 10, version 1511.
    ESCAPES_MODE = 0x0004

    def _console_mode(stream: TextIO) -> int | None:
        """Return the mode of a console; None where the stream is none."""
        mode = wintypes.DWORD()
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(stream.fileno()))
        if not ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode)):
            return None
        return mode.value

    def _switch_escapes_on(output: TextIO) -> bool:
        mode = _console_mode(output)
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(output.fileno()))
        return mode is not None and bool(
            ctypes.windll.kernel32.SetConsoleMode(handle, mode | ESCAPES_MODE)
        )


def _translate_colours() -> bool:
    """Have colorama, where it is installed, put colours on an older console; return whether so."""
    try:
        import colorama
    except ImportError:
        return False
    # Before version 0.4.6 there was init() only, which does the same and more.
    getattr(colorama, "just_fix_windows_console", colorama.init)()
    return True
