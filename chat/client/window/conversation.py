"""The conversation: what was said, the newest last.

Knows lines and the looks of each kind; knows not where they come from.
"""

from __future__ import annotations

import tkinter
from collections import deque
from collections.abc import Iterable
from tkinter import font, ttk
from typing import Literal

from chat.client.lines import PERSON_COLOURS, Kind, Line, clock, colour_number
from chat.client.window.looks import (
    ALARM,
    MENTION_PAPER,
    PRIVATE_PAPER,
    QUIET,
    SERVER_PAPER,
    add_scrollbar,
    person_colour,
    runs_right_to_left,
    style_field,
)
from chat.client.window.menus import add_edit_menu

LINES_KEPT = 10_000  # older ones drop out,
CHARACTERS_KEPT = 2_000_000  # or where they are long


class Conversation:
    """What was said. Follows the newest line as long as that one is in sight."""

    def __init__(self, parent: tkinter.Misc) -> None:
        self.following = True
        self._sizes: deque[int] = deque()  # of the lines shown, in characters
        self.frame = ttk.Frame(parent)
        self.text = tkinter.Text(self.frame, width=60, height=20, wrap="word", padx=4, pady=3)
        self.text.configure(state="disabled", takefocus=True, inactiveselectbackground=QUIET)
        style_field(self.text)
        add_scrollbar(self.text)
        add_edit_menu(self.text, "@9,9", "Copy", "Select All")
        self._bold = font.nametofont("TkTextFont", parent).copy()
        self._bold.configure(weight="bold")
        self._make_tags()
        self.text.bind("<Configure>", lambda _: self.follow())
        self.text.bind("<Button-1>", lambda _: self.text.focus_set())
        # What cannot be edited shows no cursor, so there the arrows scroll.
        self.text.bind("<Up>", lambda _: self.scroll(-1, "units"))
        self.text.bind("<Down>", lambda _: self.scroll(1, "units"))
        for key in ("<Shift-Up>", "<Shift-Down>"):
            self.text.bind(key, lambda _: None)  # Tk's own: it selects

    def _make_tags(self) -> None:
        tag = self.text.tag_configure
        indent = font.nametofont("TkTextFont", self.text).measure("00:00 ")
        for kind in Kind:  # no row of a text begins where a time stands
            tag(kind.value, lmargin2=indent)
        tag(Kind.PRIVATE.value, background=PRIVATE_PAPER)
        tag(Kind.SERVER.value, background=SERVER_PAPER)
        tag(Kind.EVENT.value, foreground=QUIET)
        tag(Kind.ERROR.value, foreground=ALARM)
        tag(
            Kind.HELP.value,
            foreground=QUIET,
            font="TkFixedFont",
            lmargin1=indent,
            lmargin2=2 * indent,
        )
        tag(Kind.WIRE.value, foreground=QUIET, font="TkFixedFont")
        tag("mention", background=MENTION_PAPER)
        tag("time", foreground=QUIET)
        tag("speaker", font=self._bold)
        for number in PERSON_COLOURS:
            tag(f"person{number}", foreground=person_colour(number))
        tag("right", justify="right")
        self.text.tag_raise("sel")

    def add(self, lines: Iterable[Line]) -> None:
        """Show lines at the end, all in one go."""
        pieces: list[str | tuple[str, ...]] = []
        for line in lines:
            pieces += self._pieces(line)
            self._sizes.append(len(str(line)))
        if not pieces:
            return
        if self.text.get("1.0") == "\n":  # nothing yet
            del pieces[:2]  # the line end that parts a line from the one before
        self.text.configure(state="normal")
        self.text.insert("end", "", (), *pieces)
        surplus, characters = 0, sum(self._sizes)
        while len(self._sizes) > LINES_KEPT or characters > CHARACTERS_KEPT:
            characters -= self._sizes.popleft()
            surplus += 1
        self.text.delete("1.0", f"{surplus + 1}.0")
        self.text.configure(state="disabled")
        self.follow()

    @staticmethod
    def _pieces(line: Line) -> list[str | tuple[str, ...]]:
        """Return the parts of a line, behind each the tags that give it its looks."""
        row: tuple[str, ...] = (line.kind.value,)
        row += ("mention",) if line.for_me and line.kind is Kind.SAID else ()
        row += ("right",) if line.speaker and runs_right_to_left(line.text) else ()
        person = (f"person{PERSON_COLOURS[colour_number(line.person)]}",) if line.person else ()
        place = len(line.head) - len(f"{line.speaker}: ") if line.speaker else 0
        mark, speaker = line.head[:place], line.speaker
        rest = str(line)[place + len(speaker) :]
        now = "" if line.kind is Kind.HELP else clock()
        bold = (*row, "speaker")
        said = bold if line.kind is Kind.SERVER else row
        parts = (now, (*row, "time"), mark, bold, speaker, (*bold, *person), rest, said)
        return ["\n", (), *parts]

    def look(self) -> None:
        """Find out whether the newest line is in sight."""
        if self.text.winfo_viewable():
            self.following = self.text.dlineinfo("end-1c") is not None

    def follow(self, *, always: bool = False) -> None:
        """Have the newest line in sight again, if it was."""
        self.following = self.following or always
        if self.following:
            self.text.see("end-1c")

    def scroll(self, amount: int, what: Literal["units", "pages"]) -> str:
        """Scroll by lines or pages, down where `amount` is positive."""
        self.text.yview_scroll(amount, what)
        return "break"
