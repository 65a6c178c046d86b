"""The conversation: what was said, the newest last.

Knows lines and the looks of each kind; knows not where they come from.
"""

from __future__ import annotations

import re
import tkinter
from collections import deque
from collections.abc import Callable, Iterable
from tkinter import font, ttk
from typing import Literal

from chat.client.commands import HELP
from chat.client.lines import PERSON_COLOURS, Kind, Line, clock
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
CHARACTERS_KEPT = 2_000_000  # or where they are long;
TIMES_KEPT_WHILE_READING = 2  # while somebody reads what is older: it shall not move
COLUMN_GAP = re.compile(" {2,}")  # between what is typed and what it does, in the help

Pieces = list[str | tuple[str, ...]]  # texts, behind each the tags that give it its looks


class Conversation:
    """What was said. Follows the newest line as long as that one is in sight."""

    def __init__(self, parent: tkinter.Misc, write_to: Callable[[str], None]) -> None:
        self.following = True
        self._write_to = write_to
        self._lines: deque[Line] = deque()  # those shown, each a paragraph
        self._characters = 0  # of them
        self._new = 0  # messages that came while older ones are read,
        self._offered = 0  # and how many of them the button tells of
        self._time = self._column = 0  # pixels: where texts begin, and in the help what they do
        self._hangs: dict[str, int] = {}  # tags, and how far each wants further rows to begin
        self.frame = ttk.Frame(parent)
        self.text = tkinter.Text(self.frame, width=60, height=20, wrap="word", padx=4, pady=3)
        self.text.configure(state="disabled", takefocus=True, inactiveselectbackground=QUIET)
        style_field(self.text)
        add_scrollbar(self.text)
        add_edit_menu(self.text, "@9,9", "Copy", "Select All")
        self.newest = ttk.Button(self.text, takefocus=False, cursor="arrow", width=-1)
        self.newest.configure(command=lambda: self.follow(always=True))
        self._letters = font.nametofont("TkTextFont", parent)
        self._bold = self._letters.copy()
        self._bold.configure(weight="bold")
        self._make_tags()
        self._measure()
        self.text.bind("<Configure>", lambda _: self._fit())
        parent.winfo_toplevel().bind("<<Zoom>>", lambda _: self._measure(), add=True)
        self.text.bind("<Button-1>", lambda _: self.text.focus_set())
        # What cannot be edited shows no cursor, so there the arrows scroll.
        self.text.bind("<Up>", lambda _: self.scroll(-1, "units"))
        self.text.bind("<Down>", lambda _: self.scroll(1, "units"))
        for key in ("<End>", "<Control-End>"):
            self.text.bind(key, lambda _: self.follow(always=True))
        for key in ("<Shift-Up>", "<Shift-Down>"):
            self.text.bind(key, lambda _: None)  # Tk's own: it selects

    def _make_tags(self) -> None:
        tag = self.text.tag_configure
        tag(Kind.PRIVATE.value, background=PRIVATE_PAPER)
        tag(Kind.SERVER.value, background=SERVER_PAPER)
        tag(Kind.EVENT.value, foreground=QUIET)
        tag(Kind.ERROR.value, foreground=ALARM)
        tag(Kind.HELP.value, foreground=QUIET)
        tag(Kind.WIRE.value, foreground=QUIET, font="TkFixedFont")
        tag("mention", background=MENTION_PAPER)
        tag("time", foreground=QUIET)
        tag("speaker", font=self._bold)
        for number in PERSON_COLOURS:
            tag(f"person{number}", foreground=person_colour(number))
        tag("right", justify="right")
        self.text.tag_raise("sel")
        self.text.tag_bind("name", "<ButtonRelease-1>", self._name_clicked)
        self.text.tag_bind("name", "<Enter>", lambda _: self.text.configure(cursor="hand2"))
        self.text.tag_bind("name", "<Leave>", lambda _: self.text.configure(cursor="xterm"))

    # -- where rows begin

    def _measure(self) -> None:
        """Lay everything out by the letters as they are now."""
        measure = self._letters.measure
        self._bold.configure(size=self._letters.cget("size"))
        typed = (COLUMN_GAP.split(row)[0] for row in HELP.splitlines() if COLUMN_GAP.search(row))
        time = measure("00:00 ")
        self._time, self._column = time, time + max(map(measure, typed)) + measure("00")
        self.text.tag_configure("head", lmargin2=time)  # in a window narrower than a name
        for hang in self._hangs:
            self.text.tag_remove(hang, "1.0", "end")
        self._hangs = {}
        for number, line in enumerate(self._lines, 1):
            if line.kind is not Kind.HELP:
                self.text.tag_add(self._hang(line), f"{number}.0", f"{number}.0 lineend")
        self._fit()

    def _hang(self, line: Line) -> str:
        """Return the tag by which further rows of a line begin behind the time and who said it."""
        end = ": " if line.speaker else ""
        letters = self._bold if line.speaker or line.kind is Kind.SERVER else self._letters
        width = self._letters.measure(f"00:00 {end}")
        width += letters.measure(line.head.removesuffix(end))
        width = min(width, self.text.winfo_screenwidth())  # a name of absurd length
        hang = f"hang{width}"
        if hang not in self._hangs:
            self._hangs[hang] = width
            self.text.tag_configure(hang, lmargin2=min(width, self._half))
            self.text.tag_lower(hang)  # below that of the head
        return hang

    @property
    def _half(self) -> int:
        return self.text.winfo_width() // 2

    def _fit(self) -> None:
        """Leave half of a narrow window to the text, and put what runs leftwards at its edge."""
        for hang, width in self._hangs.items():
            self.text.tag_configure(hang, lmargin2=min(width, self._half))
        inside = ("padx", "borderwidth", "highlightthickness")
        edges = sum(self.text.winfo_pixels(self.text.cget(part)) for part in inside)
        edge = max(1, self.text.winfo_width() - 2 * edges)
        self.text.tag_configure("edge", tabs=(edge, "right"))
        # Where there is no room for two columns, what is typed does has a row of its own below it.
        second, tab = self._column, self._column
        if self._column > edge * 2 // 3:
            second, tab = 2 * self._time, edge
        self.text.tag_configure("help", lmargin1=self._time, lmargin2=second, tabs=tab)
        self.follow()

    # -- what is shown

    def add(self, lines: Iterable[Line]) -> None:
        """Show lines at the end, all in one go."""
        pieces: Pieces = []
        for line in lines:
            pieces += self._pieces(line)
            self._lines.append(line)
            self._characters += len(str(line))
            self._new += bool(line.speaker or line.for_me) and not self.following
        if not pieces:
            return
        if self.text.get("1.0") == "\n":  # nothing yet
            del pieces[:2]  # the line end that parts a line from the one before
        self.text.configure(state="normal")
        self.text.insert("end", "", (), *pieces)
        self.text.delete("1.0", f"{self._drop_surplus() + 1}.0")
        self.text.configure(state="disabled")
        self.follow()

    def _drop_surplus(self) -> int:
        """Forget the oldest lines where there are too many; return how many these were."""
        before = len(self._lines)
        times = 1 if self.following else TIMES_KEPT_WHILE_READING
        while len(self._lines) > times * LINES_KEPT or self._characters > times * CHARACTERS_KEPT:
            self._characters -= len(str(self._lines.popleft()))
        return before - len(self._lines)

    def _pieces(self, line: Line) -> Pieces:
        """Return a line as Tk takes it.

        Time and speaker stand at the left of what runs from right to left as well: where they
        were anywhere, a further row could look like them.
        """
        if line.kind is Kind.HELP:
            return ["\n", (), COLUMN_GAP.sub("\t", line.text, count=1), ("help",)]
        row: tuple[str, ...] = (line.kind.value, self._hang(line))
        row += ("mention",) if line.for_me and line.kind is Kind.SAID else ()
        leftwards = line.speaker != "" and runs_right_to_left(line.text)
        head = (*row, "head", "edge") if leftwards else (*row, "head")
        pieces: Pieces = ["\n", (), clock(), (*head, "time")]
        if not line.speaker:
            return [*pieces, str(line), (*row, "speaker") if line.kind is Kind.SERVER else row]
        bold = (*head, "speaker")
        name = ("name", f"person{PERSON_COLOURS[line.colour]}") if line.person else ()
        pieces += [line.head.removesuffix(f"{line.speaker}: "), bold, line.speaker, (*bold, *name)]
        text = str(line).removeprefix(line.head)
        if leftwards:
            return [*pieces, ":\t", head, text, (*row, "right")]
        return [*pieces, ": ", head, text, row]

    def _name_clicked(self, event: tkinter.Event[tkinter.Text]) -> None:
        """Write to whose name it is, unless it was selected with others' words."""
        if not self.text.tag_ranges("sel"):
            place = self.text.index(f"@{event.x},{event.y}")
            self._write_to(self._lines[int(place.split(".")[0]) - 1].person)

    # -- what is in sight

    def look(self) -> None:
        """Find out whether the newest line is in sight."""
        if self.text.winfo_viewable():
            self.following = self.text.dlineinfo("end-1c") is not None
            self._show_new()

    def follow(self, *, always: bool = False) -> str:
        """Have the newest line in sight again, if it was."""
        self.following = self.following or always
        if self.following:
            self.text.see("end-1c")
        self._show_new()
        return "break"

    def _show_new(self) -> None:
        """Offer a way to the newest line where it is not in sight."""
        self._new = 0 if self.following else self._new
        if self._new == self._offered:
            return
        self._offered = self._new
        if self._new:
            self.newest.configure(text=f"{self._new} new")
            self.newest.place(relx=1, rely=1, anchor="se", x="-6p", y="-6p")
        else:
            self.newest.place_forget()

    def scroll(self, amount: int, what: Literal["units", "pages"]) -> str:
        """Scroll by lines or pages, down where `amount` is positive."""
        self.text.yview_scroll(amount, what)
        return "break"
