"""The people: who is here, and what can be done with them.

Knows names and who is blocked; what is to be done it asks of those who can.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.lines import PERSON_COLOURS, colour_number
from chat.client.window.looks import PAPER, QUIET, add_scrollbar, person_colour, style_field
from chat.client.window.menus import on_menu_asked
from chat.terminal.text import harmless
from chat_protocol import fold


class People:
    """Who is here. Enter or a double click writes to one; a menu has the rest."""

    def __init__(
        self, parent: tkinter.Misc, write_to: Callable[[str], None], request: Callable[[str], None]
    ) -> None:
        self._write_to = write_to
        self._request = request
        self._names: list[str] = []
        self._rows: list[str] = []
        self.frame = ttk.Frame(parent)
        self.count = ttk.Label(self.frame, padding=(4, 0, 0, 2))
        self.count.pack(anchor="w")
        self.list = tkinter.Listbox(self.frame, width=18, exportselection=False)
        style_field(self.list)
        add_scrollbar(self.list)
        self.menu = tkinter.Menu(self.list, tearoff=False)
        self.menu.add_command(label="Message", command=self._message)
        self.menu.add_command(label="Block", command=lambda: self._ask("BLOCK"))
        self.menu.add_command(label="Unblock", command=lambda: self._ask("UNBLOCK"))
        on_menu_asked(self.list, "active", self._show_menu)
        self.list.bind("<Double-Button-1>", lambda _: self._message())
        self.list.bind("<Return>", lambda _: self._message())

    def show(self, people: dict[str, str], blocked: dict[str, str], me: str) -> None:
        """Show who is here now, whoever is chosen staying so."""
        marks = {**dict.fromkeys(blocked, " (blocked)"), fold(me): " (you)"}
        order = sorted(people)
        rows = [harmless(people[folded]) + marks.get(folded, "") for folded in order]
        if rows == self._rows:
            return
        chosen = self._chosen()
        top = self.list.yview()[0]
        self._rows = rows
        self._names = [people[folded] for folded in order]
        self.count.configure(text=f"{len(rows)} here" if rows else "")
        self.list.delete(0, "end")
        self.list.insert("end", *rows)
        for place, name in enumerate(self._names):
            colour = PERSON_COLOURS[colour_number(name)]
            ink = QUIET if fold(name) in blocked else person_colour(colour)
            self.list.itemconfigure(place, foreground=ink, selectforeground=PAPER)
        self.list.yview_moveto(top)
        if chosen in self._names:
            self._choose(self._names.index(chosen))

    def _choose(self, place: int) -> None:
        self.list.selection_clear(0, "end")
        self.list.selection_set(place)
        self.list.activate(place)

    def _chosen(self) -> str:
        places = self.list.curselection()  # type: ignore[no-untyped-call]
        return self._names[places[0]] if places else ""

    def _show_menu(self, x: int, y: int) -> None:
        if not self._names:
            return
        place = self.list.nearest(y - self.list.winfo_rooty())  # type: ignore[no-untyped-call]
        self._choose(place)
        self.list.focus_set()
        blocked, mine = (self._rows[place].endswith(mark) for mark in (" (blocked)", " (you)"))
        self.menu.entryconfigure("Block", state="disabled" if blocked or mine else "normal")
        self.menu.entryconfigure("Unblock", state="normal" if blocked else "disabled")
        self.menu.tk_popup(x, y)

    def _message(self) -> None:
        if self._chosen():
            self._write_to(self._chosen())

    def _ask(self, verb: str) -> None:
        self._request(f"{verb} {self._chosen()}")
