"""How the window looks: its colours, its styles, the side at which a paragraph begins.

Knows Tk and Unicode; knows nothing of what is shown.
"""

from __future__ import annotations

import tkinter
import unicodedata
from functools import cache
from tkinter import font, ttk

# Every ink has a contrast of 4.5 to 1 and more to every paper (WCAG 2.1, AA).
INK, QUIET, ALARM, CALM = "#222222", "#5f5f5f", "#b00020", "#17702f"
PAPER, PRIVATE_PAPER, MENTION_PAPER, FRAME = "#ffffff", "#f3eefb", "#fff3cd", "#f4f4f1"
SERVER_PAPER = "#e3f1fa"
EDGE, FOCUS = "#b9b9b2", "#1f5fa8"
DARKER = 0.85  # the terminal's colours for people suit black as well; on paper they may be darker


@cache
def person_colour(number: int) -> str:
    """Return one of xterm's cube of 6 x 6 x 6 colours, somewhat darker, as Tk writes a colour."""
    red, rest = divmod(number - 16, 36)
    levels = (0, 95, 135, 175, 215, 255)
    parts = (levels[part] * DARKER for part in (red, *divmod(rest, 6)))
    return "#" + "".join(f"{int(part):02x}" for part in parts)


def runs_right_to_left(text: str) -> bool:
    """Whether a paragraph does: its first strong character, Unicode annex #9, rules P2 and P3."""
    isolates = 0  # what stands in one does not count
    for kind in map(unicodedata.bidirectional, text):
        if kind in ("LRI", "RLI", "FSI"):
            isolates += 1
        elif kind == "PDI":
            isolates = max(0, isolates - 1)
        elif kind in ("L", "R", "AL") and not isolates:
            return kind != "L"
    return False


def set_styles(root: tkinter.Tk) -> None:
    """Give the window one light look on every system."""
    style = ttk.Style(root)
    style.theme_use("clam")
    style.configure(".", background=FRAME, foreground=INK)
    style.configure("Alarm.TLabel", foreground=ALARM)
    style.configure("Calm.TLabel", foreground=CALM)
    _size_styles(root)
    root.bind("<<Zoom>>", lambda _: _size_styles(root), add=True)
    style.configure("TEntry", selectbackground=FOCUS, selectforeground=PAPER)
    style.map("TEntry", bordercolor=[("invalid", ALARM), ("focus", FOCUS)])
    style.map("TButton", bordercolor=[("focus", FOCUS)])
    root.configure(background=FRAME)


def _size_styles(root: tkinter.Tk) -> None:
    """Have what has no letters go by them."""
    size = font.nametofont("TkDefaultFont", root).metrics("ascent")
    style = ttk.Style(root)
    style.configure("TScrollbar", arrowsize=size)
    style.configure("TCheckbutton", indicatorsize=size)
    style.configure("Sash", sashthickness=size // 2)


def style_field(field: tkinter.Text | tkinter.Listbox) -> None:
    """Ink on paper, and a frame that shows the focus."""
    field.configure(font="TkTextFont", relief="flat", background=PAPER, foreground=INK)
    field.configure(selectbackground=FOCUS, selectforeground=PAPER)
    field.configure(highlightthickness=2, highlightbackground=EDGE, highlightcolor=FOCUS)


def add_scrollbar(field: tkinter.Text | tkinter.Listbox) -> None:
    """Fill the frame that `field` is in with it and a scrollbar."""
    scrollbar = ttk.Scrollbar(field.master, command=field.yview, takefocus=False)
    field.configure(yscrollcommand=scrollbar.set)
    scrollbar.pack(side="right", fill="y")
    field.pack(side="left", fill="both", expand=True)
