"""The window: its parts around one session, and the loop.

What a typed line and a received frame mean is the business of the session and its commands. At
the terminal one select() waits for socket and keyboard; here Tk owns the loop and waits for its
own events, so the socket is looked at in between.
"""

from __future__ import annotations

import argparse
import threading
import time
import tkinter
from collections import deque
from collections.abc import Callable
from tkinter import font, ttk

from chat.client.commands import Commands
from chat.client.lines import Kind, Line
from chat.client.link import State, why_not_connected
from chat.client.options import why_not_loaded
from chat.client.prompts import free_name, prompts
from chat.client.session import Session
from chat.client.tls import load_tls
from chat.client.window.conversation import Conversation
from chat.client.window.dialog import Answer, Dialog
from chat.client.window.entry import Entry
from chat.client.window.looks import set_styles
from chat.client.window.people import People
from chat.client.window.status import Status
from chat.terminal.screen import fitting
from chat.terminal.text import harmless

LOOK_MS = 30  # between two looks at the socket: nobody notices, and it costs hardly any CPU
BUSY_MS = 1  # while more waits to be shown: time for Tk to draw and to hear keys
LONGEST_PROMPT = 24  # columns; the line needs the place
LINES_AT_ONCE = 100  # shown in one turn of the loop


class Window:
    """One person's window: a session, what is seen of it, and the loop that Tk lends us."""

    def __init__(self, root: tkinter.Tk, options: argparse.Namespace) -> None:
        self.root = root
        self.session: Session | None = None
        self._commands: Commands | None = None  # of the session that was made last
        self._options = options
        self._answer: Answer | None = None  # that the session was made for
        self._resolver: threading.Thread | None = None  # while it looks for the server's address
        self._suspect = "server"  # the field to correct if there is no connection
        self._unshown: deque[Line] = deque()
        self._last_error = ""
        self._offers_name = False  # one was refused, and who is here is asked just now
        self._unread = 0
        self._mentioned = False  # since the person last looked
        self._was_in = False  # a conversation, of which something may be left to read
        self._closing = False
        self._title = ""  # as it was shown last
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
        self.status = Status(root, lambda: self.dialog.show("server"))
        bottom = ttk.Frame(root)
        self.prompt = ttk.Label(bottom)  # to whom the line goes
        self.entry = Entry(bottom, self._completions)
        panes = ttk.PanedWindow(root, orient="horizontal")
        self.conversation = Conversation(panes)
        self.people = People(panes, self.write_to, self._request)
        panes.add(self.conversation.frame, weight=3)
        panes.add(self.people.frame, weight=1)
        self.status.frame.pack(side="bottom", fill="x")
        self.prompt.pack(side="left", padx=(4, 0))
        self.entry.text.pack(side="left", fill="x", expand=True, padx=4)
        bottom.pack(side="bottom", fill="x")
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
        elif session and session.password.wanted and changed <= {"password"}:
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
        self.session = Session(
            answer.host,
            answer.port,
            answer.name,
            password=answer.password,
            tls=tls,
            wire=self._options.wire,
        )
        self._commands = Commands(self.session)
        self._suspect, self._last_error = "port", ""
        self.dialog.tell(f"Connecting to {answer.host}…")
        # The system's resolver may take its time, and a window that stands still looks broken.
        self._start_resolver(self._call)

    def _start_resolver(self, look_up: Callable[[Session], None]) -> None:
        """Have a thread look up the server and begin to connect: _turn() leaves it alone then."""
        self._resolver = threading.Thread(target=look_up, args=(self.session,), daemon=True)
        self._resolver.start()

    def _call(self, session: Session) -> None:
        try:
            session.connect()
        except (OSError, UnicodeError) as error:
            if session is self.session:
                self._suspect = "server"
            session.end(1, why_not_connected(error, session.host, session.port))

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
        if self.session and not self._unshown:
            if not self._resolver:
                self._go_on(self.session)
            self._unshown.extend(self.session.lines.take())
        batch = [self._unshown.popleft() for _ in range(min(LINES_AT_ONCE, len(self._unshown)))]
        self._show(batch)
        if self._end_session_if_over():
            self.root.destroy()
        else:
            self._show_state()
            if batch or not self.session:
                self._show_people()
            self.root.after(BUSY_MS if batch else LOOK_MS, self._turn)

    def _go_on(self, session: Session) -> None:
        """Have the session do what it can do now."""
        if session.state is State.WAITING:
            if session.patience() == 0:  # it is about to look the server up again
                self._start_resolver(lambda session: session.turn(False, False))
            return
        session.turn(*session.ready(0))
        if session.state is State.ONLINE:  # so that server and port are right
            self._suspect = "password" if session.password.wanted else "name"

    def _end_session_if_over(self) -> bool:
        """Return whether the window is done with. A session that failed brings the dialog back."""
        session = self.session
        if session is None:
            return self._closing
        if self._unshown or session.state is not State.OVER:
            return False
        if self._resolver and not session.name:
            return False  # it is about to say why
        self.session = None
        if self._closing or (session.name and session.exit_code == 0):
            return True
        self.dialog.complain(self._suspect, self._last_error)
        return False

    def _show(self, batch: list[Line]) -> None:
        """Show lines; while there is no name yet, errors belong in the dialog."""
        self.conversation.look()
        session = self.session
        joining = session is not None and (not session.name or session.password.wanted)
        errors = [line.text for line in batch if line.kind is Kind.ERROR]
        if errors:
            self._last_error = errors[-1]
            if "TLS" in self._last_error and not self.dialog.tls.get():
                self._suspect = "tls"  # it is to be chosen; nobody is led to do without it
            elif "certificate" in self._last_error:
                self._suspect = "server"
        if errors and joining:
            self.dialog.complain(self._suspect, self._last_error)
            self._offers_name = self._suspect == "name"
            batch = [line for line in batch if line.kind is not Kind.ERROR]
        self.conversation.add(batch)
        self._unread += sum(line.kind in (Kind.SAID, Kind.PRIVATE, Kind.SERVER) for line in batch)
        self._mentioned = self._mentioned or any(line.for_me for line in batch)
        focus = self._unread and self.root.tk.call("focus", "-displayof", ".")
        if focus and self.conversation.following:  # else another program has it
            self._unread, self._mentioned = 0, False

    def _show_state(self) -> None:
        """Show how the connection stands, who is here, and in the title what was not seen yet."""
        session = self.session
        if session and self._offers_name and session.needs_name and not session.looking:
            self._offers_name = False
            self.dialog.offer_name(free_name(session, ""))
        if session and session.name and session.state is State.ONLINE:
            self._was_in = True
            if not session.password.wanted:
                self._hide_dialog()
        lit = self._options.flash and self._mentioned and int(time.monotonic() * 2) % 2 == 1
        self._show_title(lit)
        self.status.show(session, lit=lit)
        if self._commands and not any(self.entry.get()):
            self._commands.begin_line()
        some = prompts(session, "", secret=False) if session and session.name else [""]
        columns = self.root.winfo_width() // font.nametofont("TkDefaultFont").measure("0")
        prompt = fitting(some, min(LONGEST_PROMPT, columns // 3))
        if prompt != self.prompt.cget("text"):
            self.prompt.configure(text=prompt)

    def _show_title(self, lit: bool) -> None:
        unread = f"({self._unread}) " if self._unread else ""
        name = harmless(self.session.name) if self.session else ""
        title = ("» " if lit else "") + unread + (f"{name} – Chat" if name else "Chat")
        if title != self._title:
            self._title = title
            self.root.title(title)

    def _show_people(self) -> None:
        if self.session:
            roster = self.session.roster
            self.people.show(roster.people, roster.blocked, roster.name)
        else:
            self.people.show({}, {}, "")

    # -- what the person does

    def _enter(self) -> str:
        """Hand over what was typed; without a conversation it stays where it is."""
        if self._commands and self.session and self.session.name:
            lines = self.entry.take()
            if self._commands.holds_back(lines):
                self.entry.put("\n".join(lines))
            else:
                self._commands.typed_lines(lines)
            self.conversation.follow(always=True)
        else:
            self.dialog.show("server")
        return "break"

    def write_to(self, name: str) -> None:
        """Begin a private message; what was typed so far becomes its text."""
        before, after = self.entry.get()
        typed = "" if before.startswith("/") else before + after
        self.entry.put(f"/msg {harmless(name)} {typed}")
        self.entry.text.focus_set()

    def _request(self, payload: str) -> None:
        if self.session:
            self.session.request(payload)

    def _completions(self, before: str) -> list[str]:
        return self._commands.completions(before) if self._commands and self.session else []

    def _next_part(self) -> None:
        """Go from one part of the window to the next."""
        parts = [self.entry.text, self.conversation.text, self.people.list]
        current = self.root.focus_get()
        place = parts.index(current) + 1 if current in parts else 0
        parts[place % len(parts)].focus_set()
