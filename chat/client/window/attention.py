"""What asks for a person who looks elsewhere: the title counts, and something flashes or rings.

Knows what is for this person and whether they look; knows not what is said.
"""

from __future__ import annotations

import math
import struct
import sys
import time
import tkinter
from collections.abc import Iterable

from chat.client.lines import Kind, Line

PAUSE_SECONDS = 5.0  # from one call to the next at least: of many lines at once, one is enough
# FLASHWINFO of winuser.h: its size in bytes, the window, flags, how often and how fast (0: as this
# person's Windows does), the whole filled up to the size of a pointer.
FLASH_INFO = "IPIII0P"
FLASHW_TRAY, FLASHW_TIMERNOFG = 0x2, 0xC  # the task bar's button; until somebody comes


class Attention:
    """What was not seen yet. A line that is for this person calls them, if they are away."""

    def __init__(self, root: tkinter.Tk) -> None:
        self._root = root
        self._for_me = self._others = 0  # lines, since the person last looked
        self._next_call = -math.inf  # when one may be made again, by time.monotonic()
        self._title = ""  # as it was shown last

    def heed(self, lines: Iterable[Line], *, newest_in_sight: bool) -> None:
        """Count what was said, and call the person to what is for them; or all of it was seen."""
        said = [line for line in lines if line.kind in (Kind.SAID, Kind.PRIVATE, Kind.SERVER)]
        for_me = sum(line.for_me for line in said)
        self._for_me += for_me
        self._others += len(said) - for_me
        if not self._for_me and not self._others:
            return
        if not self._root.tk.call("focus", "-displayof", "."):  # another program has it
            if for_me and time.monotonic() >= self._next_call:
                self._next_call = time.monotonic() + PAUSE_SECONDS
                self._call()
        elif newest_in_sight:
            self._for_me = self._others = 0

    def _call(self) -> None:
        """Flash the window's button in the task bar, where there is one; elsewhere ring."""
        if sys.platform == "win32":
            import ctypes

            window, flags = int(self._root.wm_frame(), 16), FLASHW_TRAY | FLASHW_TIMERNOFG
            info = struct.pack(FLASH_INFO, struct.calcsize(FLASH_INFO), window, flags, 0, 0)
            ctypes.WinDLL("user32").FlashWindowEx(info)
        else:
            self._root.bell()

    def show_title(self, name: str) -> None:
        """Give the window its title: what was not seen, and whose conversation it is."""
        parts = [f"{self._for_me} for you"] if self._for_me else []
        if self._others:
            parts.append(f"{self._others} more" if parts else f"{self._others}")
        title = (f"({', '.join(parts)}) " if parts else "") + (f"{name} – Chat" if name else "Chat")
        if title != self._title:
            self._title = title
            self._root.title(title)
