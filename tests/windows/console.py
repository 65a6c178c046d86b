"""A console without a window: a program in it, keys put in, its rows read. Runs on Windows' side.

Takes orders as lines of JSON on standard input, and answers each with a line: see machine.py, which
gives them. Only documented functions of Windows' console are called, so that it does on Windows
itself what it does under Wine.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes import wintypes
from typing import Any

# Imported by its name, for a type checker finds no Windows in it on other systems.
_ctypes: Any = importlib.import_module("ctypes")
kernel32 = _ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.CreateFileW.restype = wintypes.HANDLE

CREATE_NO_WINDOW = 0x08000000  # CreateProcess(): a console of its own, which nobody sees
READ_WRITE, SHARED, OPEN_EXISTING = 0xC0000000, 3, 3  # CreateFile()
KEY_EVENT = 1  # INPUT_RECORD
CTRL_C_EVENT = 0
# dwControlKeyState
ENHANCED_KEY, LEFT_ALT_PRESSED, LEFT_CTRL_PRESSED, SHIFT_PRESSED = 0x100, 0x002, 0x008, 0x010
ATTACH_SECONDS = 20.0
GOODBYE_SECONDS = 5.0


class Coord(ctypes.Structure):
    """COORD."""

    _fields_ = [("x", ctypes.c_short), ("y", ctypes.c_short)]


class Rectangle(ctypes.Structure):
    """SMALL_RECT."""

    _fields_ = [(name, ctypes.c_short) for name in ("left", "top", "right", "bottom")]


class BufferInfo(ctypes.Structure):
    """CONSOLE_SCREEN_BUFFER_INFO."""

    _fields_ = [
        ("size", Coord),
        ("cursor", Coord),
        ("attributes", wintypes.WORD),
        ("window", Rectangle),
        ("largest", Coord),
    ]


class KeyRecord(ctypes.Structure):
    """INPUT_RECORD with a KEY_EVENT_RECORD in it."""

    _fields_ = [
        ("type", wintypes.WORD),
        ("down", wintypes.BOOL),
        ("repeat", wintypes.WORD),
        ("virtual_key", wintypes.WORD),
        ("scan_code", wintypes.WORD),
        ("character", wintypes.WORD),
        ("state", wintypes.DWORD),
    ]


# What a keyboard sends for each: the virtual key, the scan code, the character, the state.
KEYS = {
    "left": (0x25, 0x4B, 0, ENHANCED_KEY),
    "right": (0x27, 0x4D, 0, ENHANCED_KEY),
    "up": (0x26, 0x48, 0, ENHANCED_KEY),
    "down": (0x28, 0x50, 0, ENHANCED_KEY),
    "home": (0x24, 0x47, 0, ENHANCED_KEY),
    "end": (0x23, 0x4F, 0, ENHANCED_KEY),
    "ctrl-left": (0x25, 0x4B, 0, ENHANCED_KEY | LEFT_CTRL_PRESSED),
    "ctrl-right": (0x27, 0x4D, 0, ENHANCED_KEY | LEFT_CTRL_PRESSED),
    "ctrl-left on the number pad": (0x25, 0x4B, 0, LEFT_CTRL_PRESSED),
    "ctrl-right on the number pad": (0x27, 0x4D, 0, LEFT_CTRL_PRESSED),
    "alt-left": (0x25, 0x4B, 0, ENHANCED_KEY | LEFT_ALT_PRESSED),
    "alt-right": (0x27, 0x4D, 0, ENHANCED_KEY | LEFT_ALT_PRESSED),
    "alt-b": (0x42, 0x30, 0, LEFT_ALT_PRESSED),
    "alt-f": (0x46, 0x21, 0, LEFT_ALT_PRESSED),
    "insert": (0x2D, 0x52, 0, ENHANCED_KEY),
    "delete": (0x2E, 0x53, 0, ENHANCED_KEY),
    "f1": (0x70, 0x3B, 0, 0),
    "f12": (0x7B, 0x58, 0, 0),
    "enter": (0x0D, 0x1C, 0x0D, 0),
    "\n": (0x0D, 0x1C, 0x0D, 0),
    "backspace": (0x08, 0x0E, 0x08, 0),
    "tab": (0x09, 0x0F, 0x09, 0),
    "escape": (0x1B, 0x01, 0x1B, 0),
    "shift": (0x10, 0x2A, 0, SHIFT_PRESSED),
    **{
        f"ctrl-{letter}": (ord(letter.upper()), 0, ord(letter) - 0x60, LEFT_CTRL_PRESSED)
        for letter in "abcdefghijklmnopqrstuvwxyz"
    },
}


def records(events: Sequence[str]) -> list[KeyRecord]:
    """Return key-down and key-up for each event: a name of KEYS, or text.

    Text arrives as a paste does, and a letter typed: in UTF-16 halves, of no key in particular.
    """
    found = []
    for event in events:
        if event in KEYS:
            strokes = [KEYS[event]]
        else:
            halves = memoryview(event.encode("utf-16-le", "surrogatepass")).cast("H")
            strokes = [(0, 0, half, 0) for half in halves]
        for stroke in strokes:
            key, scan, character, state = stroke
            found += [KeyRecord(KEY_EVENT, down, 1, key, scan, character, state) for down in (1, 0)]
    return found


class Console:
    """One program in a console of its own, to which this process is attached."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start Python with these arguments; `environment` is added to ours. Raises OSError."""
        kernel32.SetConsoleCtrlHandler(None, False)  # it would inherit our ignoring
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **environment},
            creationflags=CREATE_NO_WINDOW,
        )
        kernel32.FreeConsole()
        end = time.monotonic() + ATTACH_SECONDS
        while not kernel32.AttachConsole(self.process.pid):
            if self.process.poll() is not None or time.monotonic() > end:
                raise OSError(f"AttachConsole(): error {_ctypes.get_last_error()}")
            time.sleep(0.01)  # no event tells that the program has come so far
        kernel32.SetConsoleCtrlHandler(None, True)  # Ctrl+C is for the program, not for us
        self._input = self._open("CONIN$")
        self._output = self._open("CONOUT$")

    @staticmethod
    def _open(name: str) -> wintypes.HANDLE:
        handle = kernel32.CreateFileW(name, READ_WRITE, SHARED, None, OPEN_EXISTING, 0, None)
        return wintypes.HANDLE(handle)

    def _info(self) -> Any:
        info = BufferInfo()
        kernel32.GetConsoleScreenBufferInfo(self._output, ctypes.byref(info))
        return info

    def put(self, writes: Sequence[Sequence[str]]) -> None:
        """Put keys into the console: each of these in one write, and no pause between them."""
        for keys in [records(events) for events in writes]:
            written = wintypes.DWORD()
            done = kernel32.WriteConsoleInputW(
                self._input, (KeyRecord * len(keys))(*keys), len(keys), ctypes.byref(written)
            )
            if not done or written.value != len(keys):
                raise OSError(f"WriteConsoleInput(): error {_ctypes.get_last_error()}")

    def rows(self) -> tuple[list[str], int]:
        """Return the rows down to the cursor's, and the cursor's column, counted from 0."""
        info = self._info()
        width = info.size.x
        found = []
        for number in range(info.cursor.y + 1):
            row = ctypes.create_unicode_buffer(width + 1)
            read = wintypes.DWORD()
            kernel32.ReadConsoleOutputCharacterW(
                self._output, row, width, Coord(0, number), ctypes.byref(read)
            )
            found.append("".join(row[: read.value]).rstrip(" \0"))
        return found, info.cursor.x

    def attributes(self, number: int) -> list[int]:
        """Return the colours of a row, a number for each column."""
        width = self._info().size.x
        found = (wintypes.WORD * width)()
        read = wintypes.DWORD()
        kernel32.ReadConsoleOutputAttribute(
            self._output, found, width, Coord(0, number), ctypes.byref(read)
        )
        return list(found[: read.value])

    def resize(self, columns: int) -> int:
        """Make the window, and what is behind it, so wide; return how wide it is then."""
        info = self._info()
        buffer = Coord(columns, info.size.y)
        height = info.window.bottom - info.window.top
        window = Rectangle(0, info.window.top, columns - 1, info.window.top + height)
        # The window has to fit the buffer at any time: the smaller goes first.
        if columns < info.size.x:
            kernel32.SetConsoleWindowInfo(self._output, True, ctypes.byref(window))
            kernel32.SetConsoleScreenBufferSize(self._output, buffer)
        else:
            kernel32.SetConsoleScreenBufferSize(self._output, buffer)
            kernel32.SetConsoleWindowInfo(self._output, True, ctypes.byref(window))
        return int(self._info().window.right) + 1

    def ctrl_c(self) -> None:
        """Send what Ctrl+C is while nobody reads keys: an event for all in the console."""
        if not kernel32.GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0):
            raise OSError(f"GenerateConsoleCtrlEvent(): error {_ctypes.get_last_error()}")

    def exit_code(self) -> int | None:
        """Return how the program ended; None while it runs."""
        return self.process.poll()

    def close(self) -> None:
        """End the program and those it has started in this console, and leave it.

        By Ctrl+C, where that works: of a process that is killed within select(), Wine sometimes
        keeps the sockets.
        """
        end = time.monotonic() + GOODBYE_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            self.ctrl_c()  # the first may only clear a line
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        found = (wintypes.DWORD * 64)()
        count = kernel32.GetConsoleProcessList(found, len(found))
        for number in set(found[:count]) - {os.getpid()}:
            with suppress(OSError):  # it has ended meanwhile
                os.kill(number, signal.SIGTERM)  # on Windows that is TerminateProcess()
        self.process.wait()
        kernel32.CloseHandle(self._input)
        kernel32.CloseHandle(self._output)
        kernel32.FreeConsole()


def main() -> None:
    """Carry out orders, one program after the other, until no more come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # should a Ctrl+C come late, between two programs
    console: Console | None = None
    try:
        for line in sys.stdin:
            order, arguments = json.loads(line)
            try:
                answer: Any = None
                if order == "start":
                    console = Console(*arguments)
                else:
                    answer = getattr(console, order)(*arguments)
                if order == "close":
                    console = None
            except OSError as error:
                print(json.dumps({"failed": str(error)}), flush=True)
            else:
                print(json.dumps({"done": answer}), flush=True)
    finally:
        if console:
            console.close()


if __name__ == "__main__":
    main()
