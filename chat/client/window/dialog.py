"""The dialog: which server, which name.

Knows what an answer can be; knows no session: who opened the dialog does what the answer says.
"""

from __future__ import annotations

import argparse
import tkinter
from collections.abc import Callable
from functools import partial
from tkinter import filedialog, font, ttk
from typing import NamedTuple

from chat.client.options import login_name, port_number, split_address
from chat.client.window.looks import FRAME
from chat.client.window.scrolled import Scrolled
from chat_protocol import ProtocolError, check_name, check_password

ENTRY_WIDTH, LEAST_WIDTH = 30, 8  # characters; the second on a screen that has no room for more
EDGE, GAP = "9p", "6p"  # around all, with what an entry adds to its letters; behind a label
LAST_ROW = 98  # of the sentence where it is about no field; the buttons come below
# What Tk does by words would show where a password has them.
INSTEAD_OF_WORDS = {
    "<<PrevWord>>": "<<LineStart>>",
    "<<NextWord>>": "<<LineEnd>>",
    "<<SelectPrevWord>>": "<<SelectLineStart>>",
    "<<SelectNextWord>>": "<<SelectLineEnd>>",
    "<Double-Button-1>": "<<SelectAll>>",
}


class Answer(NamedTuple):
    """What the dialog asks for."""

    host: str
    port: int
    name: str
    password: str
    tls: bool
    certificate: str  # a file with the ones to trust; empty for those that the system trusts


class Dialog:
    """Asks where to connect and as whom, and says what is wrong with the answer.

    Password and TLS are asked for only where somebody wants them, the certificate with TLS. What
    was answered stays.
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
        self._scrolled = Scrolled(self.top)
        self._frame = ttk.Frame(self._scrolled.frame, padding=EDGE)
        self._frame.pack()
        self._wanted = {"server", "port", "name"}  # fields
        self._wanted.update(["password"] * bool(options.password), ["tls"] * options.tls)
        self.fields: dict[str, ttk.Entry | ttk.Checkbutton] = {}
        self._rows: dict[str, tuple[ttk.Label, tkinter.Widget]] = {}  # by their fields
        self.server = self._add_entry("server", "Server", options.host)
        # The entry hears of it after us, and holds what was pasted only then.
        server = self.fields["server"]
        server.bind("<<Paste>>", lambda _: root.after_idle(self._pasted_server))
        self.port = self._add_entry("port", "Port", str(options.port))
        self.name = self._add_entry("name", "Your name", options.name or login_name())
        self.password = self._add_entry("password", "Password", options.password, show="•")
        self._hide_words(self.fields["password"])
        self.tls = tkinter.BooleanVar(root, options.tls)
        tls = ttk.Checkbutton(
            self._frame, text="TLS", variable=self.tls, command=lambda: self.tell("")
        )
        self._add("tls", "", tls, tls)
        self.certificate = self._add_entry("certificate", "Certificate", options.tls_ca or "")
        self.message = ttk.Label(self._frame, padding=(0, GAP))
        self._add_buttons(join, cancel)
        self._keep_in_sight()
        self.tell("")

    # -- its parts

    def _add_entry(self, field: str, label: str, value: str, show: str = "") -> tkinter.StringVar:
        variable = tkinter.StringVar(self._root, value)
        cell = ttk.Frame(self._frame)
        entry = ttk.Entry(cell, textvariable=variable, show=show, font="TkTextFont")
        entry.pack(side="left", fill="x", expand=True)
        self._add(field, label, entry, cell)
        return variable

    def _add(
        self, field: str, label: str, widget: ttk.Entry | ttk.Checkbutton, cell: tkinter.Widget
    ) -> None:
        self.fields[field] = widget
        self._rows[field] = (ttk.Label(self._frame, text=label), cell)

    @staticmethod
    def _hide_words(password: tkinter.Widget) -> None:
        def do_instead(event: str, _: object) -> str:
            password.event_generate(event)
            return "break"

        for event, other in INSTEAD_OF_WORDS.items():
            password.bind(event, partial(do_instead, other))

    def _add_buttons(self, join: Callable[[], None], cancel: Callable[[], None]) -> None:
        _, beside = self._rows["certificate"]
        self.choose = ttk.Button(beside, text="Choose…", command=self._choose, width=0)
        self.choose.pack(side="left", padx=(GAP, 0))
        buttons = ttk.Frame(self._frame)
        buttons.grid(row=LAST_ROW + 1, columnspan=2, sticky="e")
        for text, command in (("Join", join), ("Cancel", cancel)):
            button = ttk.Button(buttons, text=text, command=command, width=-6)
            button.pack(side="left", padx=(GAP, 0))

        def enter(event: tkinter.Event[tkinter.Misc]) -> None:
            if isinstance(event.widget, ttk.Button):
                event.widget.invoke()
            else:
                join()

        self.top.bind("<Return>", enter)
        self.top.bind("<KP_Enter>", enter)
        self.top.bind("<Escape>", lambda _: cancel())
        self.top.protocol("WM_DELETE_WINDOW", cancel)

    # -- their places

    def _keep_in_sight(self) -> None:
        """Letters may be enlarged at any time, and a small screen shows a part only."""
        self._frame.bind("<Configure>", lambda _: self._fit())

        def see(event: tkinter.Event[tkinter.Misc]) -> None:
            if event.widget is not self.top:
                self._scrolled.see(event.widget)

        self.top.bind("<FocusIn>", see)

    def _arrange(self, complained_of: str = "") -> None:
        """Put what is asked for into rows, and the sentence below what it is about."""
        wanted = self._wanted | ({"certificate"} if self._asks_for_tls else set())
        message_row = LAST_ROW
        for row, (field, (label, cell)) in enumerate(self._rows.items()):
            if field in wanted:
                label.grid(row=2 * row, column=0, sticky="w", padx=(0, GAP))
                cell.grid(row=2 * row, column=1, sticky="ew", pady="2p")
            else:
                label.grid_remove()
                cell.grid_remove()
            if field == complained_of:
                message_row = 2 * row + 1
        self.message.grid(row=message_row, column=0, columnspan=2, sticky="w")
        self._fit()

    @property
    def _asks_for_tls(self) -> bool:
        return "tls" in self._wanted and self.tls.get()

    def _fit(self) -> None:
        """Give entries and sentence the width that letters and screen allow."""
        edge, gap = (round(self.top.winfo_fpixels(distance)) for distance in (EDGE, GAP))
        labels = max(label.winfo_reqwidth() for label, _ in self._rows.values()) + gap
        room = self._scrolled.room[0] - 2 * edge
        letter = font.nametofont("TkTextFont").measure("0")
        letters = min(ENTRY_WIDTH, max(LEAST_WIDTH, (room - labels - edge) // letter))
        for entry in self.fields.values():
            if isinstance(entry, ttk.Entry):
                entry.configure(width=letters)
        # Beside the button there is what it leaves; where that is little, it goes below.
        is_narrow = letters < ENTRY_WIDTH
        self.fields["certificate"].configure(width=letters if is_narrow else 1)
        self.fields["certificate"].pack(side="top" if is_narrow else "left")
        self.choose.pack(side="top" if is_narrow else "left", anchor="e")
        self.message.configure(wraplength=min(room, labels + letters * letter + edge // 2))
        self._scrolled.fit()

    # -- what is typed and pressed

    def _split_server(self) -> str:
        """Return the host; a port behind it goes to its own field. Raises ArgumentTypeError."""
        host, port = split_address(self.server.get().strip())
        self.server.set(host)
        if port:
            self.port.set(str(port))
        return host

    def _pasted_server(self) -> None:
        try:
            self._split_server()
        except argparse.ArgumentTypeError:
            pass  # answer() will say so

    def _choose(self) -> None:
        kinds = [("Certificates", "*.pem *.crt *.cer"), ("All files", "*")]
        title = "The server's certificate"
        try:
            chosen = filedialog.askopenfilename(parent=self.top, title=title, filetypes=kinds)
        except tkinter.TclError:
            return  # the program has ended meanwhile
        if chosen:
            entry = self.fields["certificate"]
            self.certificate.set(chosen)
            entry.focus_set()
            entry.event_generate("<<LineEnd>>")  # where the file's name is

    def answer(self) -> Answer | None:
        """Return the answer, or complain and return None when something in it cannot be right."""
        field = "server"
        try:
            host = self._split_server()
            if not host:
                raise ValueError("Which machine runs the server? Its name or number, please.")
            field = "port"
            port = port_number(self.port.get().strip())
            field = "name"
            name = check_name(self.name.get().strip())
            field = "password"
            password = self.password.get().rstrip("\r\n")  # which come along with what is pasted
            if password:
                check_password(password)
        except (ValueError, argparse.ArgumentTypeError, ProtocolError) as error:
            sentence = (
                f"This cannot be the password: {error}." if field == "password" else str(error)
            )
            self.complain(field, sentence)
            return None
        certificate = self.certificate.get().strip().strip('"')  # with which Windows copies a path
        return Answer(host, port, name, password, self.tls.get(), certificate)

    def offer_name(self, name: str) -> None:
        """Have a name stand in its field, ready to be typed over."""
        if name:
            self.name.set(name)
            self.fields["name"].event_generate("<<SelectAll>>")

    # -- what is shown

    def complain(self, field: str, sentence: str) -> None:
        """Show what is wrong, with the cursor where it is to be corrected."""
        if field == "certificate":  # it goes with TLS
            self._wanted.add("tls")
            self.tls.set(True)
        self._open(field, sentence)
        self.fields[field].state(["invalid"])
        self.message.configure(style="Alarm.TLabel")
        self._arrange(field)
        self._scrolled.see(self.message)
        self._scrolled.see(self.fields[field])

    def tell(self, sentence: str) -> None:
        """Show how things stand."""
        for entry in self.fields.values():
            entry.state(["!invalid"])
        self.message.configure(text=sentence, style="TLabel")
        self._arrange()

    def show(self, field: str) -> None:
        """Open the dialog, with what is in `field` ready to be typed over."""
        self._open(field, "")

    def _open(self, field: str, sentence: str) -> None:
        self._wanted.add(field)
        self.tell(sentence)
        if not self.open:
            self.top.transient(self._root)
            self._place()
            self.top.deiconify()
            self.top.update_idletasks()
        self.top.lift()
        self.fields[field].focus_set()
        self.fields[field].event_generate("<<SelectAll>>")

    def _place(self) -> None:
        """In the middle of the window, or of the screen while there is none."""
        root, left, top = self._root, 0, 0
        width, height = root.winfo_screenwidth(), root.winfo_screenheight()
        if root.winfo_viewable():
            left, top = root.winfo_rootx(), root.winfo_rooty()
            width, height = root.winfo_width(), root.winfo_height()
        left += (width - self.top.winfo_reqwidth()) // 2
        self._scrolled.place(left, top + (height - self.top.winfo_reqheight()) // 2)

    @property
    def open(self) -> bool:
        """Whether it is to be seen."""
        return self.top.state() != "withdrawn"

    def hide(self) -> None:
        """Close the dialog; what it holds stays."""
        tk = self.top.tk
        if chooser := tk.call("grab", "current", self.top):  # for files, on X11: close it as well
            tk.eval(tk.call("wm", "protocol", chooser, "WM_DELETE_WINDOW"))
        self.tell("")
        self.top.withdraw()
