"""The people: who is here, and what can be done with them.

Knows the roster, which it only reads; what is to be done it asks of those who can.
"""

from __future__ import annotations

import tkinter
from bisect import bisect_left
from collections.abc import Callable
from tkinter import ttk

from chat.client.lines import PERSON_COLOURS
from chat.client.roster import Roster
from chat.client.window.looks import (
    EDGE,
    INK,
    PAPER,
    QUIET,
    add_scrollbar,
    person_colour,
    style_field,
)
from chat.client.window.menus import on_menu_asked
from chat.terminal.text import harmless
from chat_protocol import MAX_NAME_LENGTH, fold

YOU, BLOCKED = " (you)", " (blocked)"


class People:
    """Who is here. Enter or a double click writes to one; a menu has the rest."""

    def __init__(
        self,
        panes: ttk.PanedWindow,
        write_to: Callable[[str], None],
        request: Callable[[str], None],
    ) -> None:
        self._panes = panes
        self._write_to = write_to
        self._request = request
        self._names: dict[str, str] = {}  # those shown, by their folded forms,
        self._order: list[str] = []  # and these as the rows are
        self._blocked: set[str] = set()
        self._me = ""
        self._roster: Roster | None = None  # that these were read from
        self.frame = ttk.Frame(panes)
        self.count = ttk.Label(self.frame, padding=(4, 0, 0, 2))
        self.count.pack(anchor="w")
        width = MAX_NAME_LENGTH + len(YOU)
        self.list = tkinter.Listbox(self.frame, width=width, exportselection=False)
        style_field(self.list)
        add_scrollbar(self.list)
        self.menu = tkinter.Menu(self.list, tearoff=False)
        self.menu.add_command(label="Message", command=self._message)
        self.menu.add_command(label="Block", command=lambda: self._ask("BLOCK"))
        self.menu.add_command(label="Unblock", command=lambda: self._ask("UNBLOCK"))
        on_menu_asked(self.list, "active", self._show_menu)
        self.list.bind("<Double-Button-1>", lambda _: self._message())
        self.list.bind("<Return>", lambda _: self._message())
        self.hint = tkinter.Label(panes.winfo_toplevel(), font="TkTextFont", foreground=INK)
        self.hint.configure(background=PAPER, highlightthickness=1, highlightbackground=EDGE)
        self.list.bind("<Motion>", lambda event: self._show_hint(event.y))
        for event in ("<Leave>", "<Button>", "<MouseWheel>", "<Key>", "<Unmap>"):
            self.list.bind(event, lambda _: self.hint.place_forget(), add=True)
        panes.winfo_toplevel().bind("<<Zoom>>", lambda _: self._fit(), add=True)

    def show(self, roster: Roster) -> None:
        """Show who is here now. Only rows that are to change are touched."""
        people = roster.people
        blocked, me = {*roster.blocked}, fold(roster.name)
        if roster is not self._roster:  # another server, other colours
            self.clear()
            self._roster = roster
        if (people, blocked, me) == (self._names, self._blocked, self._me):
            return
        changed = {folded for folded, _ in people.items() ^ self._names.items()}
        changed |= (blocked ^ self._blocked) | ({me} ^ {self._me})
        chosen = self._chosen()
        # Tk counts anew what stands behind a row that comes or goes: so from the end, to the end.
        for folded in sorted(changed & self._names.keys(), reverse=True):
            place = bisect_left(self._order, folded)
            del self._order[place]
            self.list.delete(place)
        self._names, self._blocked, self._me = dict(people), blocked, me
        for folded in sorted(changed & people.keys()):
            self._insert(folded, roster)
        self.count.configure(text=f"{len(people)} here" if people else "")
        if chosen in self._names and chosen != self._chosen():
            self._choose(bisect_left(self._order, chosen))

    def clear(self) -> None:
        """Show that nobody is here."""
        self._names, self._order, self._blocked, self._me = {}, [], set(), ""
        self.list.delete(0, "end")
        self.count.configure(text="")

    def _insert(self, folded: str, roster: Roster) -> None:
        """Add a row, in order and with its looks."""
        place = bisect_left(self._order, folded)
        name = self._names[folded]
        mine, blocked = folded == self._me, folded in self._blocked
        self._order.insert(place, folded)
        self.list.insert(place, harmless(name) + (YOU if mine else BLOCKED if blocked else ""))
        ink = QUIET if blocked else INK  # as in the conversation, where one has no colour oneself
        if not (mine or blocked):
            ink = person_colour(PERSON_COLOURS[roster.colour(name)])
        self.list.itemconfigure(place, foreground=ink, selectforeground=PAPER)

    def _choose(self, place: int) -> None:
        self.list.selection_clear(0, "end")
        self.list.selection_set(place)
        self.list.activate(place)

    def _chosen(self) -> str:
        """Return who is chosen, folded; empty where nobody is."""
        places = self.list.curselection()  # type: ignore[no-untyped-call]
        return self._order[places[0]] if places else ""

    def _show_menu(self, x: int, y: int) -> None:
        if not self._order:
            return
        place = self.list.nearest(y - self.list.winfo_rooty())  # type: ignore[no-untyped-call]
        self._choose(place)
        self.list.focus_set()
        chosen = self._chosen()
        mine, blocked = chosen == self._me, chosen in self._blocked
        self.menu.entryconfigure("Block", state="disabled" if blocked or mine else "normal")
        self.menu.entryconfigure("Unblock", state="normal" if blocked else "disabled")
        self.menu.tk_popup(x, y)

    def _message(self) -> None:
        if self._chosen():
            self._write_to(self._names[self._chosen()])

    def _ask(self, verb: str) -> None:
        if self._chosen():
            self._request(f"{verb} {self._names[self._chosen()]}")

    # -- how wide it is

    def _show_hint(self, y: int) -> None:
        """Show the whole of the row at `y` below it, where the list shows only a part."""
        place = self.list.nearest(y)  # type: ignore[no-untyped-call]
        left, top, width, height = self.list.bbox(place) or (0, 0, 0, 0)
        if left >= 0 and left + width <= self.list.winfo_width():
            self.hint.place_forget()
            return
        self.hint.configure(text=self.list.get(place))
        below = top + 2 * height <= self.list.winfo_height()
        if below:
            self.hint.place(in_=self.list, relx=1, y=top + height, anchor="ne")
        else:
            self.hint.place(in_=self.list, relx=1, y=top, anchor="se")
        self.hint.lift()

    def _fit(self) -> None:
        """Be as wide as a name needs with the letters as they are now, where there is room."""
        whole = self._panes.winfo_width()
        edge = max(whole * 2 // 3, whole - self.frame.winfo_reqwidth())
        self._panes.sashpos(0, edge)  # type: ignore[no-untyped-call]
