"""The dialog: which server, which name.

Knows what an answer can be; knows no session: who opened the dialog does what the answer says.
"""

from __future__ import annotations

import argparse
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import NamedTuple

from chat.client.options import login_name, port_number, split_address
from chat.client.window.looks import FRAME
from chat_protocol import ProtocolError, check_name


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
        # The entry hears of it after us, and holds what was pasted only then.
        server = self.fields["server"]
        server.bind("<<Paste>>", lambda _: root.after_idle(self._pasted_server))
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
        except (ValueError, argparse.ArgumentTypeError, ProtocolError) as error:
            self.complain(field, str(error))
            return None
        return Answer(host, port, name, self.password.get(), self.tls.get())

    def complain(self, field: str, sentence: str) -> None:
        """Show what is wrong, with the cursor where it is to be corrected."""
        self.show(field)
        self.fields[field].state(["invalid"])
        self.message.configure(text=sentence, style="Alarm.TLabel")

    def offer_name(self, name: str) -> None:
        """Have a name stand in its field, ready to be typed over."""
        if name:
            self.name.set(name)
            self.fields["name"].event_generate("<<SelectAll>>")

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
