"""The same client behind a window: Tk from the standard library.

    the conversation   what was said, the newest last
    the people         who is here, and what can be done with them
    the entry          the line being typed, with history and completion
    the dialog         which server, which name
    the window         all of these around one session, and the loop

What a typed line and a received frame mean is the business of the session in chat_client.py.
There one select() waits for socket and keyboard; here Tk owns the loop and waits for its own
events, so the socket is looked at in between.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal, NamedTuple

import chat_protocol as protocol
from chat_client import (
    DEFAULT_HOST,
    PERSON_COLOURS,
    Kind,
    Line,
    LineEditor,
    Session,
    State,
    WireSession,
    add_session_options,
    colour_number,
    load_password,
    load_tls,
    login_name,
    parse_session_options,
    port_number,
    why_not_connected,
    why_not_loaded,
)
from chat_protocol import ProtocolError, fold

try:
    import tkinter
    from tkinter import font, ttk
except ImportError:
    pass  # main() says how to get it, and --help works without

LOOK_MS = 30  # between two looks at the socket: nobody notices, and it costs hardly any CPU
BUSY_MS = 1  # while more waits to be shown: time for Tk to draw and to hear keys
LINES_AT_ONCE = 100  # shown in one turn of the loop
LINES_KEPT = 10_000  # older ones drop out
ENTRY_ROWS = 4  # seen at once of several lines that were pasted

# Every ink has a contrast of 4.5 to 1 and more to every paper (WCAG 2.1, AA).
INK, QUIET, ALARM, CALM = "#222222", "#5f5f5f", "#b00020", "#17702f"
PAPER, PRIVATE_PAPER, MENTION_PAPER, FRAME = "#ffffff", "#f3eefb", "#fff3cd", "#f4f4f1"
EDGE, FOCUS = "#b9b9b2", "#1f5fa8"
DARKER = 0.85  # the terminal's colours for people suit black as well; on paper they may be darker

NO_TK = (
    "this Python has no Tk: install it (Debian, Ubuntu: apt install python3-tk; Fedora: dnf "
    'install python3-tkinter; Homebrew: brew install python-tk; Windows: tick "tcl/tk" in '
    "Python's setup), or use chat_client.py."
)

# ----------------------------------------------------------------------------------------- looks


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
    style.configure("Lit.TLabel", foreground=PAPER, background=FOCUS)
    style.configure("TScrollbar", arrowsize=round(root.winfo_fpixels("9p")))
    style.configure("TEntry", selectbackground=FOCUS, selectforeground=PAPER)
    style.map("TEntry", bordercolor=[("invalid", ALARM), ("focus", FOCUS)])
    style.map("TButton", bordercolor=[("focus", FOCUS)])
    root.configure(background=FRAME)


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


# ------------------------------------------------------------------------------ the conversation


class Conversation:
    """What was said. Follows the newest line as long as that one is in sight."""

    def __init__(self, parent: tkinter.Misc) -> None:
        self.following = True
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
        tag(Kind.PRIVATE.value, background=PRIVATE_PAPER)
        tag(Kind.EVENT.value, foreground=QUIET)
        tag(Kind.ERROR.value, foreground=ALARM)
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
        pieces = [piece for line in lines for piece in self._pieces(line)]
        if not pieces:
            return
        if self.text.get("1.0") == "\n":  # nothing yet
            del pieces[:2]  # the line end that parts a line from the one before
        self.text.configure(state="normal")
        self.text.insert("end", "", (), *pieces)
        surplus = int(self.text.index("end-1c").split(".")[0]) - LINES_KEPT
        if surplus > 0:
            self.text.delete("1.0", f"{surplus + 1}.0")
        self.text.configure(state="disabled")
        self.follow()

    @staticmethod
    def _pieces(line: Line) -> list[str | tuple[str, ...]]:
        """Return the parts of a line, behind each the tags that give it its looks."""
        row: tuple[str, ...] = (line.kind.value,)
        row += ("mention",) if line.mentions_me else ()
        row += ("right",) if line.speaker and runs_right_to_left(line.text) else ()
        person = (f"person{PERSON_COLOURS[colour_number(line.person)]}",) if line.person else ()
        text = str(line)
        mark, speaker, rest = text.partition(line.speaker) if line.speaker else ("", "", text)
        clock = time.strftime("%H:%M ")
        bold = (*row, "speaker")
        parts = (clock, (*row, "time"), mark, bold, speaker, (*bold, *person), rest, row)
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


# ------------------------------------------------------------------------------------ the people


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
        rows = [protocol.harmless(people[folded]) + marks.get(folded, "") for folded in order]
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


# ------------------------------------------------------------------------------------- the entry


class Entry:
    """The line being typed. History and completion are the terminal client's."""

    def __init__(self, parent: tkinter.Misc, complete: Callable[[str], list[str]]) -> None:
        self._editor = LineEditor(complete)
        self._completed = ("", "")  # left and right of the cursor, as Tab left it
        self.text = tkinter.Text(parent, height=1, width=1, wrap="none", padx=4, pady=3, undo=True)
        style_field(self.text)
        self.text.configure(insertbackground=INK)
        self.text.tag_configure("right", justify="right")
        add_edit_menu(self.text, "insert", "Cut", "Copy", "Paste", "Select All")
        self.text.bind("<Tab>", self._tab)
        self.text.bind("<Up>", partial(self._recall, "up"))
        self.text.bind("<Down>", partial(self._recall, "down"))
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
        """Show several lines as such, and what runs from right to left at the right."""
        if not self.text.edit_modified():
            return
        self.text.edit_modified(False)
        typed = self.text.get("1.0", "end-1c")
        self.text.configure(height=min(ENTRY_ROWS, typed.count("\n") + 1))
        self.text.tag_remove("right", "1.0", "end")
        if runs_right_to_left(typed):
            self.text.tag_add("right", "1.0", "end")


# ------------------------------------------------------------------------------------ the dialog


class Answer(NamedTuple):
    """What the dialog asks for."""

    host: str
    port: int
    name: str
    password: str
    tls: bool


class Dialog:
    """Asks where to connect and as whom, and says what is wrong with the answer.

    Password and TLS are asked for only where somebody wants them. What was answered stays.
    """

    def __init__(
        self,
        root: tkinter.Tk,
        options: argparse.Namespace,
        join: Callable[[], None],
        cancel: Callable[[], None],
    ) -> None:
        self._root = root
        self.top = tkinter.Toplevel(root, background=FRAME)
        self.top.withdraw()
        self.top.title("Join a chat")
        self.top.resizable(False, False)
        self.top.protocol("WM_DELETE_WINDOW", cancel)
        self.top.bind("<Escape>", lambda _: cancel())
        self._frame = ttk.Frame(self.top, padding="9p")
        self._frame.pack()
        self.fields: dict[str, ttk.Entry | ttk.Checkbutton] = {}
        self._labels: dict[str, ttk.Label] = {}
        self.server = self._add_entry("server", "Server", options.host)
        self.port = self._add_entry("port", "Port", str(options.port))
        self.name = self._add_entry("name", "Your name", options.name or login_name())
        self.password = self._add_entry("password", "Password", options.password, show="•")
        self.tls = tkinter.BooleanVar(root, options.tls)
        self._add("tls", "", ttk.Checkbutton(self._frame, text="TLS", variable=self.tls))
        for field, wanted in (("password", options.password), ("tls", options.tls)):
            if not wanted:
                self._labels[field].grid_remove()
                self.fields[field].grid_remove()
        self.message = ttk.Label(self._frame, wraplength="230p", padding="0 6p")
        self.message.grid(columnspan=2, sticky="w")
        buttons = ttk.Frame(self._frame)
        buttons.grid(columnspan=2, sticky="e")
        ttk.Button(buttons, text="Join", command=join).pack(side="left", padx="6p")
        no = ttk.Button(buttons, text="Cancel", command=cancel)
        no.pack(side="left")
        self.top.bind("<Return>", lambda event: (cancel if event.widget is no else join)())

    def _add_entry(self, field: str, label: str, value: str, show: str = "") -> tkinter.StringVar:
        variable = tkinter.StringVar(self._root, value)
        entry = ttk.Entry(self._frame, width=30, textvariable=variable, show=show)
        entry.configure(font="TkTextFont")
        self._add(field, label, entry)
        return variable

    def _add(self, field: str, label: str, widget: ttk.Entry | ttk.Checkbutton) -> None:
        self.fields[field], row = widget, len(self.fields)
        self._labels[field] = ttk.Label(self._frame, text=label)
        self._labels[field].grid(row=row, column=0, sticky="w", padx=(0, "6p"))
        widget.grid(row=row, column=1, sticky="w", pady="2p")

    def answer(self) -> Answer | None:
        """Return the answer, or complain and return None when something in it cannot be right."""
        host = self.server.get().strip()
        field = "server"
        try:
            if not host:
                raise ValueError("Which machine runs the server? Its name or number, please.")
            field = "port"
            port = port_number(self.port.get().strip())
            field = "name"
            name = protocol.check_name(self.name.get().strip())
        except (ValueError, argparse.ArgumentTypeError, ProtocolError) as error:
            self.complain(field, str(error))
            return None
        return Answer(host, port, name, self.password.get(), self.tls.get())

    def complain(self, field: str, sentence: str) -> None:
        """Show what is wrong, with the cursor where it is to be corrected."""
        self.show(field)
        self.fields[field].state(["invalid"])
        self.message.configure(text=sentence, style="Alarm.TLabel")

    def tell(self, sentence: str) -> None:
        """Show how things stand."""
        for entry in self.fields.values():
            entry.state(["!invalid"])
        self.message.configure(text=sentence, style="TLabel")

    def show(self, field: str) -> None:
        """Open the dialog, with what is in `field` ready to be typed over."""
        self.tell("")
        self._labels[field].grid()
        self.fields[field].grid()
        if not self.open:
            self.top.transient(self._root)
            self._root.tk.call("tk::PlaceWindow", self.top, "widget", self._root)
        self.top.lift()
        self.fields[field].focus_set()
        self.fields[field].event_generate("<<SelectAll>>")

    @property
    def open(self) -> bool:
        """Whether it is to be seen."""
        return self.top.state() != "withdrawn"

    def hide(self) -> None:
        """Close the dialog; what it holds stays."""
        self.tell("")
        self.top.withdraw()


# ------------------------------------------------------------------------------------ the window


class Window:
    """One person's window: a session, what is seen of it, and the loop that Tk lends us."""

    def __init__(self, root: tkinter.Tk, options: argparse.Namespace) -> None:
        self.root = root
        self.session: Session | None = None
        self._options = options
        self._answer: Answer | None = None  # that the session was made for
        self._resolver: threading.Thread | None = None  # while it looks for the server's address
        self._suspect = "server"  # the field to correct if there is no connection
        self._unshown: deque[Line] = deque()
        self._last_error = ""
        self._unread = 0
        self._mentioned = False  # since the person last looked
        self._was_in = False  # a conversation, of which something may be left to read
        self._closing = False
        self._shown: tuple[object, ...] = ()  # the state, as it was shown last
        root.protocol("WM_DELETE_WINDOW", self.close)
        set_styles(root)
        self._fill()
        self.dialog = Dialog(root, options, self.join, self._cancelled)
        if options.at_once:
            self.join()
        else:
            self.dialog.show("server")
        self._turn()

    def _fill(self) -> None:
        """Make the parts. What is packed first keeps its place in a small window."""
        root = self.root
        footer = ttk.Frame(root)
        self.status = ttk.Label(footer, padding=(6, 2))
        self.connect = ttk.Button(
            footer, text="Connect…", command=lambda: self.dialog.show("server")
        )
        self.entry = Entry(root, self._completions)
        panes = ttk.PanedWindow(root, orient="horizontal")
        self.conversation = Conversation(panes)
        self.people = People(panes, self.write_to, self._request)
        panes.add(self.conversation.frame, weight=3)
        panes.add(self.people.frame, weight=1)
        footer.pack(side="bottom", fill="x")
        self.status.pack(side="left")
        self.entry.text.pack(side="bottom", fill="x", padx=4)
        panes.pack(fill="both", expand=True, padx=4, pady=4)
        entry = self.entry.text
        entry.bind("<Return>", lambda _: self._enter())
        entry.bind("<KP_Enter>", lambda _: self._enter())
        entry.bind("<Prior>", lambda _: self.conversation.scroll(-1, "pages"))
        entry.bind("<Next>", lambda _: self.conversation.scroll(1, "pages"))
        root.bind("<F6>", lambda _: self._next_part())
        root.bind("<Escape>", lambda _: entry.focus_set())
        entry.focus_set()

    # -- connecting and leaving

    def join(self) -> None:
        """Connect as the dialog says; or, where only name or password is missing, tell that."""
        answer = self.dialog.answer()
        if answer is None:
            return
        session = self.session
        pairs = zip(Answer._fields, answer, self._answer or answer, strict=True)
        changed = {field for field, new, old in pairs if new != old}
        if session and session.needs_name and changed <= {"name"}:
            session.request(f"NAME {answer.name}")
        elif session and session.needs_password and changed <= {"password"}:
            session.give_password(answer.password)
        else:
            self._call_server(answer)
        self._answer = answer

    def _call_server(self, answer: Answer) -> None:
        try:
            tls = load_tls(self._options.tls_ca) if answer.tls else None
        except OSError as error:
            self.dialog.complain("tls", why_not_loaded(error, self._options))
            return
        self._drop_session()
        kind = WireSession if self._options.wire else Session
        self.session = kind(
            answer.host, answer.port, answer.name, password=answer.password, tls=tls
        )
        self._suspect, self._last_error = "port", ""
        self.dialog.tell(f"Connecting to {answer.host}…")
        # The system's resolver may take its time, and a window that stands still looks broken.
        self._resolver = threading.Thread(target=self._call, args=(self.session,), daemon=True)
        self._resolver.start()

    def _call(self, session: Session) -> None:
        """Look up the server and begin to connect, in a thread: nobody else touches it then."""
        try:
            session.connect()
        except (OSError, UnicodeError) as error:
            session.end(1, why_not_connected(error, session.host, session.port))
            if session is self.session:
                self._suspect = "server"

    def _drop_session(self) -> None:
        if self.session and not self._resolver:
            self.session.end(0)
        self.session = self._resolver = None

    def _cancelled(self) -> None:
        """The dialog was closed: go back to what was said before, if we were ever let in."""
        self._hide_dialog()
        if not self._was_in:
            self.close()
        elif self.session and not self.session.name:
            self._drop_session()

    def _hide_dialog(self) -> None:
        if self.dialog.open:
            self.dialog.hide()
            self.entry.text.focus_set()

    def close(self) -> None:
        """Leave politely: the window goes at once, the program when the server has said BYE."""
        self._closing = True
        self.root.withdraw()
        self.dialog.hide()
        if self.session and not self._resolver:
            self.session.leave()
        else:
            self._drop_session()

    # -- the loop

    def _turn(self) -> None:
        """Do a bounded part of what there is to do, so that Tk hears the person in between."""
        if self._resolver and not self._resolver.is_alive():
            self._resolver = None
        if self.session and not self._resolver and not self._unshown:
            self.session.turn(*self.session.ready(0))
            self._unshown.extend(self.session.take_lines())
            if self.session.state is State.ONLINE:  # so that server and port are right
                self._suspect = "password" if self.session.needs_password else "name"
        batch = [self._unshown.popleft() for _ in range(min(LINES_AT_ONCE, len(self._unshown)))]
        self._show(batch)
        if self._end_session_if_over():
            self.root.destroy()
        else:
            self._show_state()
            if batch or not self.session:
                self._show_people()
            self.root.after(BUSY_MS if batch else LOOK_MS, self._turn)

    def _end_session_if_over(self) -> bool:
        """Return whether the window is done with. A session that failed brings the dialog back."""
        session = self.session
        if session is None:
            return self._closing
        if self._resolver or self._unshown or session.state is not State.OVER:
            return False
        self.session = None
        if self._closing or (session.name and session.exit_code == 0):
            return True
        self.dialog.complain(self._suspect, self._last_error)
        return False

    def _show(self, batch: list[Line]) -> None:
        """Show lines; while there is no name yet, errors belong in the dialog."""
        self.conversation.look()
        session = self.session
        joining = session is not None and (not session.name or session.needs_password)
        errors = [line.text.removeprefix("! ") for line in batch if line.kind is Kind.ERROR]
        if errors:
            self._last_error = errors[-1]
            if "TLS" in self._last_error or "certificate" in self._last_error:
                self._suspect = "tls"
        if errors and joining:
            self.dialog.complain(self._suspect, self._last_error)
            batch = [line for line in batch if line.kind is not Kind.ERROR]
        self.conversation.add(batch)
        self._unread += sum(line.kind in (Kind.SAID, Kind.PRIVATE) for line in batch)
        self._mentioned = self._mentioned or any(line.mentions_me for line in batch)
        focus = self._unread and self.root.tk.call("focus", "-displayof", ".")
        if focus and self.conversation.following:  # else another program has it
            self._unread, self._mentioned = 0, False

    def _show_state(self) -> None:
        """Show how the connection stands, who is here, and in the title what was not seen yet."""
        session = self.session
        if session and session.name and session.state is State.ONLINE:
            self._was_in = True
            if not session.needs_password:
                self._hide_dialog()
        lit = self._options.flash and self._mentioned and int(time.monotonic() * 2) % 2 == 1
        unread = f"({self._unread}) " if self._unread else ""
        name = protocol.harmless(session.name) if session else ""
        title = ("» " if lit else "") + unread + (f"{name} – Chat" if name else "Chat")
        text, style = self._connection()
        if (title, text, lit) != self._shown:
            self._shown = (title, text, lit)
            self.root.title(title)
            self.status.configure(text=f"● {text}", style="Lit.TLabel" if lit else style)
            if style == "Alarm.TLabel":
                self.connect.pack(side="right", padx=4, pady=2)
            else:
                self.connect.pack_forget()

    def _show_people(self) -> None:
        if self.session:
            self.people.show(self.session.people, self.session.blocked, self.session.name)
        else:
            self.people.show({}, {}, "")

    def _connection(self) -> tuple[str, str]:
        """Return how the connection stands, and the style to say it in."""
        session = self.session
        if session is None or session.state is State.OVER:
            return "Not connected", "Alarm.TLabel"
        where = f"{session.host}, port {session.port}"
        if session.state is State.WAITING:
            return f"Connection lost: next try in {session.patience() or 0:.0f} s", "Alarm.TLabel"
        if session.state is State.CONNECTING:
            return f"Connecting to {where}…", "TLabel"
        if not session.name:
            return f"Connected to {where}; no name yet", "TLabel"
        if session.regaining:
            name = protocol.harmless(session.name)
            return f"Connected to {where}; waiting for the name {name}", "Alarm.TLabel"
        return f"Online as {protocol.harmless(session.name)} at {where}", "Calm.TLabel"

    # -- what the person does

    def _enter(self) -> str:
        """Hand over what was typed; without a conversation it stays where it is."""
        if self.session and self.session.name:
            self.session.typed_lines(self.entry.take())
            self.conversation.follow(always=True)
        else:
            self.dialog.show("server")
        return "break"

    def write_to(self, name: str) -> None:
        """Begin a private message; what was typed so far becomes its text."""
        before, after = self.entry.get()
        typed = "" if before.startswith("/") else before + after
        self.entry.put(f"/msg {protocol.harmless(name)} {typed}")
        self.entry.text.focus_set()

    def _request(self, payload: str) -> None:
        if self.session:
            self.session.request(payload)

    def _completions(self, before: str) -> list[str]:
        return self.session.completions(before) if self.session else []

    def _next_part(self) -> None:
        """Go from one part of the window to the next."""
        parts = [self.entry.text, self.conversation.text, self.people.list]
        current = self.root.focus_get()
        place = parts.index(current) + 1 if current in parts else 0
        parts[place % len(parts)].focus_set()


# ------------------------------------------------------------------------------------- the start


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chat_gui.py",
        description="Talk to everyone at a chat_server.py, in a window. /help shows the commands.",
    )
    add_session_options(parser)
    parser.add_argument(
        "--flash", action="store_true", help="flash the window when somebody mentions you"
    )
    parser.add_argument("--version", action="version", version=f"chat_gui {protocol.VERSION}")
    parser.set_defaults(password="")  # until main() has read the file
    options = parse_session_options(parser, arguments)
    options.at_once = bool(options.host and options.name)
    options.host = options.host or DEFAULT_HOST
    return options


def sharp_on_windows() -> None:
    """Tell Windows that we scale ourselves; else it enlarges a small picture of the window."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.OleDLL("shcore").SetProcessDpiAwareness(1)
        except (AttributeError, OSError):
            pass  # an old Windows


def main(arguments: list[str] | None = None) -> int:
    """Run the window client. Returns the exit code."""
    options = parse_arguments(arguments)
    if "tkinter" not in globals():
        print(f"chat_gui: {NO_TK}", file=sys.stderr)
        return 1
    try:
        options.password = load_password(options.password_file) if options.password_file else ""
    except (OSError, ValueError) as error:
        print(f"chat_gui: {why_not_loaded(error, options)}", file=sys.stderr)
        return 1
    sharp_on_windows()
    try:
        root = tkinter.Tk(className="Chat")
    except tkinter.TclError as error:
        print(
            f"chat_gui: no window can be opened here ({error}): start it on a desktop, or use "
            "chat_client.py.",
            file=sys.stderr,
        )
        return 1
    window = Window(root, options)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: window.close())
    root.mainloop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
