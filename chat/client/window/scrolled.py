"""A frame that is as large as its parts want, or as the screen lets it be: then it scrolls.

Knows Tk and the screen; knows not what is in the frame.
"""

from __future__ import annotations

import tkinter
from tkinter import ttk

from chat.client.window.looks import FRAME

DECORATION = ("6p", "30p")  # of the screen's width and height, for what stands around a window


def room_on_screen(window: tkinter.Misc) -> tuple[int, int]:
    """Return how wide and how high a window may be, without what stands around it, in pixels."""
    width, height = (round(window.winfo_fpixels(distance)) for distance in DECORATION)
    return window.winfo_screenwidth() - width, window.winfo_screenheight() - height


class Scrolled:
    """Fills a window with a frame, and keeps the window on the screen."""

    def __init__(self, window: tkinter.Toplevel) -> None:
        self._window = window
        self._decoration = [round(window.winfo_fpixels(distance)) for distance in DECORATION]
        self._canvas = tkinter.Canvas(window, background=FRAME, highlightthickness=0, takefocus=0)
        self._scrollbar = ttk.Scrollbar(window, command=self._canvas.yview, takefocus=False)
        self._canvas.configure(yscrollcommand=self._scrollbar.set)
        self._canvas.pack(side="left")
        self.frame = ttk.Frame(self._canvas)
        self._canvas.create_window(0, 0, anchor="nw", window=self.frame)

    @property
    def room(self) -> tuple[int, int]:
        """How wide and how high the frame may be without having to scroll, in pixels."""
        width, height = room_on_screen(self._window)
        return width - self._scrollbar.winfo_reqwidth(), height

    def fit(self) -> None:
        """Make the window as large as the frame, or as the screen."""
        self._window.update_idletasks()  # so that the frame knows what its parts want
        wanted, room = (self.frame.winfo_reqwidth(), self.frame.winfo_reqheight()), self.room
        self._canvas.configure(width=min(wanted[0], room[0]), height=min(wanted[1], room[1]))
        self._canvas.configure(scrollregion=(0, 0, *wanted))
        if wanted[1] > room[1]:
            self._scrollbar.pack(side="right", fill="y")
        else:
            self._scrollbar.pack_forget()
        self._window.update_idletasks()
        place = self._window.winfo_x(), self._window.winfo_y()
        if self._window.winfo_viewable() and self._nearest(*place) != place:
            self.place(*place)

    def place(self, left: int, top: int) -> None:
        """Move the window there, or as near as all of it is on the screen."""
        left, top = self._nearest(left, top)
        self._window.geometry(f"+{left}+{top}")

    def _nearest(self, left: int, top: int) -> tuple[int, int]:
        window = self._window
        # Several screens make a large one, which may begin left of zero.
        least = window.winfo_vrootx(), window.winfo_vrooty()
        right = least[0] + window.winfo_vrootwidth() - self._decoration[0]
        bottom = least[1] + window.winfo_vrootheight() - self._decoration[1]
        left = max(least[0], min(left, right - window.winfo_reqwidth()))
        return left, max(least[1], min(top, bottom - window.winfo_reqheight()))

    def see(self, part: tkinter.Misc) -> None:
        """Scroll until a part of the frame is in sight; of a large one, its beginning."""
        frame, canvas = self.frame, self._canvas
        left, top = (
            part.winfo_rootx() - frame.winfo_rootx(),
            part.winfo_rooty() - frame.winfo_rooty(),
        )
        right, bottom = left + part.winfo_width(), top + part.winfo_height()
        left = min(left, max(round(canvas.canvasx(0)), right - canvas.winfo_width()))
        top = min(top, max(round(canvas.canvasy(0)), bottom - canvas.winfo_height()))
        canvas.xview_moveto(left / frame.winfo_reqwidth())
        canvas.yview_moveto(top / frame.winfo_reqheight())
