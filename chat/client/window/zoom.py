"""The zoom: Ctrl with + and − makes all letters of the window larger and smaller, Ctrl with 0 as
they were.

Knows Tk's named fonts, in which everything is written. Who has lengths that go by the letters
hears of it by the event <<Zoom>>.
"""

from __future__ import annotations

import tkinter
from functools import partial
from tkinter import font

PERCENT = (60, 75, 90, 100, 110, 125, 150, 175, 200, 250, 300)  # as browsers have them
LARGER = ("plus", "equal", "KP_Add")  # where + needs Shift, it is on the key of =
SMALLER = ("minus", "underscore", "KP_Subtract")
AS_IT_WAS = ("0", "KP_0", "KP_Insert")  # which is that key without Num Lock


class Zoom:
    """How large the letters are. One for the whole program."""

    def __init__(self, root: tkinter.Tk) -> None:
        self._root = root
        self._step = PERCENT.index(100)
        fonts = [font.nametofont(name, root) for name in font.names(root)]
        # Points, or where it is negative pixels.
        self._fonts = [(letters, int(letters.cget("size"))) for letters in fonts]
        for letters, size in self._fonts:
            letters.configure(size=size)  # Windows begins with 8.25 and tells 8
        for keys, steps in ((LARGER, 1), (SMALLER, -1), (AS_IT_WAS, 0)):
            for key in keys:
                root.bind_all(f"<Control-{key}>", partial(self._go, steps))

    def _go(self, steps: int, _event: object) -> str:
        """Take a step, or go back to the beginning with none."""
        step = self._step + steps if steps else PERCENT.index(100)
        self._step = min(max(step, 0), len(PERCENT) - 1)
        for letters, size in self._fonts:
            letters.configure(size=round(size * PERCENT[self._step] / 100))
        self._root.update_idletasks()  # each part knows what it needs
        self._root.event_generate("<<Zoom>>")
        return "break"
