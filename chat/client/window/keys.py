"""Keys that mean the same wherever the focus is.

Knows Tk's keys and where they differ from what people expect; knows not what is typed.
"""

from __future__ import annotations

import tkinter


def select_all_with_control_a(root: tkinter.Tk) -> None:
    """Have Ctrl+A select all in every field: on X11, Tk goes to the start of the line instead."""
    if root.tk.call("tk", "windowingsystem") == "x11":
        for key in ("<Control-a>", "<Control-Lock-A>"):
            root.event_delete("<<LineStart>>", key)
            root.event_add("<<SelectAll>>", key)


def type_into(entry: tkinter.Text, *fields: tkinter.Text | tkinter.Listbox) -> None:
    """Have what is typed while one of `fields` has the focus go to the entry, and the focus too.

    Keys that type nothing stay: they move, scroll, copy.
    """

    def typed(event: tkinter.Event[tkinter.Misc]) -> str | None:
        if not event.char.isprintable() or not event.char:
            return None
        entry.focus_set()
        entry.tk.call("tk::TextInsert", entry, event.char)  # as Tk's own binding of <Key>
        return "break"

    def pasted(_event: object) -> str:
        entry.focus_set()
        entry.event_generate("<<Paste>>")
        return "break"

    commands = ["<Control-Key>", "<Alt-Key>", "<Meta-Key>"]
    if entry.tk.call("tk", "windowingsystem") == "aqua":  # elsewhere it is Num Lock's
        commands.append("<Command-Key>")
    for field in fields:
        field.bind("<Key>", typed, add=True)
        for keys in commands:
            field.bind(keys, lambda _: None, add=True)  # though it has a character
        field.bind("<<Paste>>", pasted)
