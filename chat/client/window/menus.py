"""The menus behind the right mouse button and its key.

Knows where a menu is asked for on each system; knows nothing of what is shown.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from functools import partial


def on_menu_asked(
    field: tkinter.Text | tkinter.Listbox, index: str, show: Callable[[int, int], None]
) -> None:
    """Call `show` with a place on the screen when a menu is asked for: by mouse, or at `index`."""

    def asked_by_key(_event: object) -> str:
        field.see(index)
        left, top = (field.bbox(index) or (0, 0))[:2]
        show(field.winfo_rootx() + left + 8, field.winfo_rooty() + top + 8)
        return "break"

    system = field.tk.call("tk", "windowingsystem")
    button = "<Button-2>" if system == "aqua" else "<Button-3>"
    field.bind(button, lambda event: show(event.x_root, event.y_root))
    for key in ("<Shift-F10>", "<App>" if system == "win32" else "<Menu>"):
        field.bind(key, asked_by_key)


def add_edit_menu(field: tkinter.Text, index: str, *commands: str) -> None:
    """Add the menu that people look for behind the right mouse button."""
    menu = tkinter.Menu(field, tearoff=False)
    for command in commands:
        event = f"<<{command.replace(' ', '')}>>"
        menu.add_command(label=command, command=partial(field.event_generate, event))
    on_menu_asked(field, index, menu.tk_popup)
