"""What sits at the other end of a standard stream: a person, or not; and what it can show.

Knows Windows' consoles and everyone else's terminals; knows neither keys nor rows.
"""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from typing import NamedTuple, Protocol


class Abilities(NamedTuple):
    """What a terminal or console can show."""

    escapes: bool = False  # escape sequences (ECMA-48, DEC VT100) drive it, and do not just soil it
    colours: bool = False
    links: bool = False  # text can lead to an address (OSC 8)
    titles: bool = False  # the window's title can be kept and given back (XTWINOPS 22 and 23)


class Stream(Protocol):
    """What is asked of a standard stream, and of what stands for one."""

    def fileno(self) -> int:
        """Return its descriptor."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""


class Output(Stream, Protocol):
    """What rows are written to."""

    def write(self, text: str, /) -> object:
        """Write it, perhaps later."""

    def flush(self) -> object:
        """Write it now."""


def is_terminal(stream: Stream) -> bool:
    """Whether a person is there. On Windows isatty() takes NUL for one, by _isatty()'s manual."""
    if not stream.isatty():
        return False
    return sys.platform != "win32" or _console_mode(stream) is not None


def stop_job() -> None:
    """Stop this process and the others of its job, as a terminal does at Ctrl+Z.

    Returns when a shell has it go on, in the foreground or not. Nothing happens on Windows.
    """
    if not hasattr(signal, "SIGTSTP"):
        return
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(0, signal.SIGTSTP)
    # Here it goes on when the shell says `fg` or `bg`.
    signal.signal(signal.SIGTSTP, handler)


def take_all_text(output: io.TextIOWrapper, errors: str) -> None:
    """Have `output` fail at no text: `errors` (codecs) says what is shown for what it lacks."""
    output.reconfigure(errors=errors)
    if sys.platform == "win32" and not is_terminal(output) and "PYTHONIOENCODING" not in os.environ:
        output.reconfigure(encoding="utf-8")  # not the old code page, which lacks most scripts


def find_abilities(output: Stream, *, colours: bool) -> Abilities:
    """Find out what `output` can show; a Windows console is asked for it, and switched on.

    Without `colours` it is to have none, whatever it can.
    """
    if not is_terminal(output) or os.environ.get("TERM") == "dumb":
        return Abilities()
    if sys.platform == "win32" and not _switch_escapes_on(output):
        return Abilities(colours=colours and _translate_colours())
    return Abilities(escapes=True, colours=colours, links=_knows_links(), titles=_knows_titles())


# Those that are known to have it; another may show the sequences as garbage.
TERMS_WITH_LINKS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm")
PROGRAMS_WITH_LINKS = ("iTerm.app", "WezTerm", "vscode", "ghostty")  # TERM_PROGRAM
VARIABLES_WITH_LINKS = ("WT_SESSION", "KONSOLE_VERSION")  # Windows Terminal, KDE's
FIRST_VTE_WITH_LINKS = 5000  # version 0.50 of GNOME's terminal and its relatives
FIRST_TMUX_WITH_LINKS = (3, 4)
TERMS_WITH_TITLES = ("xterm", "tmux", "alacritty", "foot")


def _knows_links() -> bool:
    known = os.environ.get
    program, version = known("TERM_PROGRAM", ""), known("TERM_PROGRAM_VERSION", "")
    if known("TMUX") or known("STY"):  # what is said of the terminal around it does not count
        numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
        return program == "tmux" and numbers >= FIRST_TMUX_WITH_LINKS
    vte = known("VTE_VERSION", "")
    return (
        known("TERM", "").startswith(TERMS_WITH_LINKS)
        or program in PROGRAMS_WITH_LINKS
        or any(map(known, VARIABLES_WITH_LINKS))
        or (vte.isdecimal() and int(vte) >= FIRST_VTE_WITH_LINKS)
    )


def _knows_titles() -> bool:
    return os.environ.get("TERM", "").startswith(TERMS_WITH_TITLES)


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    # SetConsoleMode(), ENABLE_VIRTUAL_TERMINAL_PROCESSING: since Windows 10, version 1511.
    ESCAPES_MODE = 0x0004

    def _console_mode(stream: Stream) -> int | None:
        """Return the mode of a console; None where the stream is none."""
        mode = wintypes.DWORD()
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(stream.fileno()))
        if not ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode)):
            return None
        return mode.value

    def _switch_escapes_on(output: Stream) -> bool:
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
