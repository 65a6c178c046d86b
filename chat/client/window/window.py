"""The window: its parts around one session, and the loop.

What a typed line and a received frame mean is the business of the session and its commands. At
the terminal one select() waits for socket and keyboard; here Tk owns the loop and waits for its
own events, so the socket is looked at in between.
"""

from __future__ import annotations

import argparse
import threading
import tkinter
from collections import deque
from collections.abc import Callable
from tkinter import font, ttk
from typing import TYPE_CHECKING

from chat.client.commands import Commands
from chat.client.lines import Kind, Line
from chat.client.link import State, fault_of, why_not_connected
from chat.client.prompts import free_name, prompts
from chat.client.session import Session
from chat.client.tls import load_tls
from chat.client.window.attention import Attention
from chat.client.window.complaints import complaint, why_no_certificate
from chat.client.window.conversation import Conversation
from chat.client.window.dialog import Answer, Dialog
from chat.client.window.entry import Entry
from chat.client.window.keys import select_all_with_control_a, type_into
from chat.client.window.looks import set_styles
from chat.client.window.people import People
from chat.client.window.scrolled import room_on_screen
from chat.client.window.status import Status
from chat.client.window.zoom import Zoom
from chat.terminal.screen import fitting
from chat.terminal.text import harmless
from chat_protocol import fold

if TYPE_CHECKING:
    import ssl  # only those who speak TLS load it: see tls.py

LOOK_MS = 30  # between two looks at the socket: nobody notices, and it costs hardly any CPU
BUSY_MS = 1  # while more waits to be shown: time for Tk to draw and to hear keys
LONGEST_PROMPT = 24  # columns; the line needs the place
LINES_AT_ONCE = 100  # shown in one turn of the loop


class Window:
    """One person's window: a session, what is seen of it, and the loop that Tk lends us."""

    def __init__(self, root: tkinter.Tk, options: argparse.Namespace) -> None:
        self.root = root
        self.session: Session | None = None
        self._last_talk: Session | None = None  # one that we were in, and are no longer
        self._commands: Commands | None = None  # of the session that was made last
        self._options = options
        self._answer: Answer | None = None  # that the session was made for
        self._resolver: threading.Thread | None = None  # while it looks for the server's address
        self._unshown: deque[Line] = deque()
        self._complaint = ("server", "")  # for the dialog: the field to correct, and a sentence
        self._offers_name = False  # one was refused, and who is here is asked just now
        self._closing = False
        self._attention = Attention(root)
        root.protocol("WM_DELETE_WINDOW", self.close)
        Zoom(root)
        set_styles(root)
        select_all_with_control_a(root)
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
        self.entry = Entry(root, self._completions)
        self.prompt = ttk.Label(self.entry.row)  # to whom the line goes
        self.to_all = ttk.Button(self.entry.row, text="To all", width=0)
        self.to_all.configure(command=self._write_to_all)
        self.to_all.lower()  # Tab comes to it before it comes to the entry
        panes = ttk.PanedWindow(root, orient="horizontal")
        self.conversation = Conversation(panes, self.write_to)
        self.people = People(panes, self.write_to, self._request)
        panes.add(self.conversation.frame, weight=3)
        panes.add(self.people.frame, weight=1)
        self.status.frame.pack(side="bottom", fill="x")
        self.prompt.pack(side="left", padx=(4, 0))
        self.entry.text.pack(side="right", fill="x", expand=True, padx=4)
        self.entry.frame.pack(side="bottom", fill="x")
        panes.pack(fill="both", expand=True, padx=4, pady=4)
        entry = self.entry.text
        entry.bind("<Return>", lambda _: self._enter())
        entry.bind("<KP_Enter>", lambda _: self._enter())
        entry.bind("<Prior>", lambda _: self.conversation.scroll(-1, "pages"))
        entry.bind("<Next>", lambda _: self.conversation.scroll(1, "pages"))
        entry.bind("<Control-End>", lambda _: self.conversation.follow(always=True))
        type_into(entry, self.conversation.text, self.people.list)
        for text in (entry, self.conversation.text):  # Tk's own does nothing there, save on X11
            text.bind("<<PrevWindow>>", self._previous_part)
        root.bind("<F6>", lambda _: self._next_part())
        root.bind("<Escape>", lambda _: entry.focus_set())
        for button in (self.status.connect, self.to_all):  # which are there at times
            button.bind("<Return>", lambda event: event.widget.invoke())
            button.bind("<Unmap>", self._went_away)
        entry.focus_set()
        self._fit_the_screen()

    def _fit_the_screen(self) -> None:
        """Begin as large as the parts want, or the screen lets it be; then only its person resizes
        it, whatever the parts want later.
        """
        root = self.root
        root.update_idletasks()
        most = room_on_screen(root)
        width, height = min(root.winfo_reqwidth(), most[0]), min(root.winfo_reqheight(), most[1])
        root.geometry(f"{width}x{height}")

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
            try:
                tls = load_tls(answer.certificate or None) if answer.tls else None
            except (OSError, ValueError) as error:
                self.dialog.complain("certificate", why_no_certificate(error))
                return
            self._call_server(answer, tls)
        self._answer = answer

    def _call_server(self, answer: Answer, tls: ssl.SSLContext | None) -> None:
        self._drop_session()
        self.session = Session(
            answer.host,
            answer.port,
            answer.name,
            password=answer.password,
            tls=tls,
            wire=self._options.wire,
        )
        if self._last_talk:
            self._keep_addressee(self._last_talk, self.session)
        self._commands = Commands(self.session)
        self._complaint, self._offers_name = ("server", ""), False
        self.dialog.tell(f"Connecting to {answer.host}…")
        # The system's resolver may take its time, and a window that stands still looks broken.
        self._start_resolver(self._call)

    @staticmethod
    def _keep_addressee(before: Session, session: Session) -> None:
        """What is being typed for one person shall not be read by all, nor by a namesake."""
        old, new = before.roster, session.roster
        new.lost_addressee = old.lost_addressee
        if (before.host, before.port) == (session.host, session.port):
            new.addressee = old.addressee
        elif old.addressee:
            new.lost_addressee = old.addressee

    def _start_resolver(self, look_up: Callable[[Session], None]) -> None:
        """Have a thread look up the server and begin to connect: _turn() leaves it alone then."""
        self._resolver = threading.Thread(target=look_up, args=(self.session,), daemon=True)
        self._resolver.start()

    def _call(self, session: Session) -> None:
        try:
            session.connect()
        except (OSError, UnicodeError) as error:
            sentence = why_not_connected(error, session.host, session.port)
            session.end(1, sentence, fault_of(error))

    def _drop_session(self) -> None:
        session = self.session
        self.session = self._resolver = None
        if session:
            session.end(1)
        if session and session.name:  # its last words tell what was not sent
            self._last_talk = session
            self.conversation.add([*self._unshown, *session.lines.take()])
            self._unshown.clear()

    def _cancelled(self) -> None:
        """The dialog was closed: go back to what was said before, if we were ever let in."""
        self._hide_dialog()
        if not self._last_talk and not (self.session and self.session.name):
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

    def _end_session_if_over(self) -> bool:
        """Return whether the window is done with, as only its person decides.

        What was said stays to be read; without a word said, a session that failed brings the
        dialog back.
        """
        session = self.session
        if session is None:
            return self._closing
        if self._unshown or session.state is not State.OVER:
            return False
        if self._resolver and not session.name:
            return False  # it is about to say why
        self.session = None
        if self._closing or session.leaving:
            return True
        text = "you are no longer connected"
        if session.exit_code == 0:  # the server has said BYE unasked
            text = "the server has been stopped"
            self._complaint = ("server", f"{text.capitalize()}.")
        if session.name:
            self._last_talk = session
            text += ": Connect… joins it again, or another"
            self.conversation.add([Line(Kind.EVENT, text)])
            if not self.dialog.open:
                return False
        self.dialog.complain(*self._complaint)
        return False

    def _show(self, batch: list[Line]) -> None:
        """Show lines; while there is no name yet, errors belong in the dialog."""
        self.conversation.look()
        session = self.session
        joining = session is not None and (not session.name or session.password.wanted)
        errors = [line for line in batch if line.kind is Kind.ERROR]
        if errors:
            certificate = self._answer.certificate if self._answer else ""
            asked = "password" if session and session.password.wanted else "name"
            self._complaint = complaint(errors[-1], asked=asked, certificate=certificate)
        if errors and joining:
            self.dialog.complain(*self._complaint)
            self._offers_name = self._complaint[0] == "name"
            batch = [line for line in batch if line.kind is not Kind.ERROR]
        self.conversation.add(batch)
        self._attention.heed(batch, newest_in_sight=self.conversation.following)

    def _show_state(self) -> None:
        """Show how the connection stands, who is here, and in the title what was not seen yet."""
        session = self.session
        if session and self._offers_name and session.needs_name and not session.looking:
            self._offers_name = False
            self.dialog.offer_name(free_name(session, ""))
        if session and self._talks and session.state is State.ONLINE:
            self._hide_dialog()
        self._attention.show_title(harmless(session.name) if session else "")
        self.status.show(session or self._last_talk)
        if self._commands and not any(self.entry.get()):
            self._commands.begin_line()
        some = prompts(session, "", secret=False) if session and session.name else [""]
        columns = self.root.winfo_width() // font.nametofont("TkDefaultFont").measure("0")
        prompt = fitting(some, min(LONGEST_PROMPT, columns // 3))
        if prompt != self.prompt.cget("text"):
            self.prompt.configure(text=prompt)
            if session and session.roster.addressee:
                self.to_all.pack(side="left", padx=(4, 0), before=self.entry.text)
            else:
                self.to_all.pack_forget()

    def _show_people(self) -> None:
        if self.session:
            self.people.show(self.session.roster)
        else:
            self.people.clear()

    # -- what the person does

    def _enter(self) -> str:
        """Hand over what was typed; without a conversation it stays where it is."""
        if self._commands and self._talks:
            lines = self.entry.take()
            if self._commands.holds_back(lines):
                self.entry.put("\n".join(lines))
            else:
                self._commands.typed_lines(lines)
            self.conversation.follow(always=True)
        else:
            wants_password = self.session and self.session.password.wanted
            self.dialog.show("password" if wants_password else "server")
        return "break"

    @property
    def _talks(self) -> bool:
        """Whether what is typed now is said, be it later."""
        session = self.session
        if session is None or session.state is State.OVER:
            return False
        return session.name != "" and not session.password.wanted

    def write_to(self, name: str) -> None:
        """Have what is typed go to one person alone; what was typed so far stays."""
        if self._commands and self.session and self._talks:
            roster = self.session.roster
            if fold(name) != fold(roster.addressee):
                self._commands.typed(f"/msg {name}")
        self.entry.text.focus_set()

    def _write_to_all(self) -> None:
        if self.session:
            self.session.roster.write_to("")
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

    def _previous_part(self, event: tkinter.Event) -> str:
        """Go back from a text, as Shift+Tab does from everything else."""
        previous = event.widget.tk_focusPrev()
        if previous:
            previous.focus_set()
        return "break"

    def _went_away(self, event: tkinter.Event) -> None:
        """A button was taken away; keys that are pressed now go on in the entry."""
        # Tk's own dialogs may have the focus, which are no widgets to focus_get().
        if str(self.root.tk.call("focus")) == str(event.widget):
            self.entry.text.focus_set()
