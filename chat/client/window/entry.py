"""The entry: the line being typed, with history and completion, or several lines.

Knows the keys that Tk does not; knows not what a line means.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import ttk

from chat.client.commands import is_secret
from chat.client.window.looks import INK, runs_right_to_left, style_field
from chat.client.window.menus import add_edit_menu
from chat.terminal.line_editor import LineEditor

ENTRY_ROWS = 4  # seen at once of several lines that were pasted


class Entry:
    """The line being typed. History and completion are the terminal client's."""

    def __init__(self, parent: tkinter.Misc, complete: Callable[[str], list[str]]) -> None:
        self._editor = LineEditor(complete, is_secret)
        self._completed = ("", "")  # left and right of the cursor, as Tab left it
        self.frame = ttk.Frame(parent)
        self.count = ttk.Label(self.frame, padding=(4, 0, 0, 2))  # of several lines
        self.row = ttk.Frame(self.frame)  # with place for others beside the text
        self.row.pack(side="bottom", fill="x")
        self.text = tkinter.Text(self.row, height=1, width=1, wrap="none", padx=4, pady=3)
        style_field(self.text)
        self.text.configure(insertbackground=INK, undo=True)
        self.text.tag_configure("right", justify="right")
        add_edit_menu(self.text, "insert", "Cut", "Copy", "Paste", "Select All")
        self.text.bind("<Tab>", self._tab)
        self.text.bind("<Up>", partial(self._recall, "up"))
        self.text.bind("<Down>", partial(self._recall, "down"))
        # By words, as in a terminal. Tk itself knows Meta instead of Alt, which few keyboards have.
        self.text.event_add("<<PrevWord>>", "<Alt-b>")
        self.text.event_add("<<NextWord>>", "<Alt-f>")
        self.text.bind("<<Modified>>", self._fit)

    def put(self, before: str, after: str = "") -> None:
        """Replace what is typed; the cursor stands between the two."""
        self.text.delete("1.0", "end")
        self.text.insert("1.0", after)
        self.text.mark_set("insert", "1.0")
        self.text.insert("insert", before)
        self.text.see("insert")

    def get(self) -> tuple[str, str]:
        """Return what is typed left and right of the cursor."""
        return self.text.get("1.0", "insert"), self.text.get("insert", "end-1c")

    def take(self) -> list[str]:
        """Return the lines that were typed or pasted, and forget them but for the history."""
        self._load("".join(self.get()))
        self.put("")
        return self._editor.press("enter")

    def _load(self, text: str) -> None:
        self._completed = ("", "")
        # Half an emoji, which some versions of Tk leave behind a Backspace, is no text.
        self._editor.put(text.encode("utf-8", "replace").decode())

    def _tab(self, _event: object) -> str:
        before, after = self.get()
        if before or after:
            kept, line_end, line = before.rpartition("\n")
            if (before, after) != self._completed:
                self._load(line)
            self._editor.press("tab")
            self._completed = (kept + line_end + self._editor.text, after)
            self.put(*self._completed)
        else:
            following = self.text.tk_focusNext()
            if following:
                following.focus_set()
        return "break"

    def _recall(self, key: str, _event: object) -> str | None:
        before, after = self.get()
        if "\n" in (before if key == "up" else after):
            return None  # to another of the lines that were pasted
        self._load(before + after)
        self._editor.press(key)
        self.put(self._editor.text)
        return "break"

    def _fit(self, _event: object) -> None:
        """Show several lines as such, and what runs from right to left at the right.

        Few of many are in sight, and Enter sends them all: say how many.
        """
        if not self.text.edit_modified():
            return
        self.text.edit_modified(False)
        typed = self.text.get("1.0", "end-1c")
        self.text.configure(height=min(ENTRY_ROWS, typed.count("\n") + 1))
        count = sum(bool(line.strip()) for line in typed.split("\n"))
        self.count.configure(text=f"{count} lines: Enter sends them all")
        if count > 1:
            self.count.pack(anchor="w")
        else:
            self.count.pack_forget()
        self.text.tag_remove("right", "1.0", "end")
        if runs_right_to_left(typed):
            self.text.tag_add("right", "1.0", "end")
