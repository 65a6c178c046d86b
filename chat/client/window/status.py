"""The status: how the connection stands, and the button that leads to another server.

Knows the states of a session, which it only reads.
"""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from tkinter import ttk

from chat.client.link import State
from chat.client.session import Session
from chat.terminal.text import harmless


class Status:
    """The last row of the window. The button is there where something is wrong."""

    def __init__(self, parent: tkinter.Misc, connect: Callable[[], None]) -> None:
        self.frame = ttk.Frame(parent)
        self.label = ttk.Label(self.frame, padding=(6, 2))
        self.label.pack(side="left")
        self.connect = ttk.Button(self.frame, text="Connect…", width=0, command=connect)
        self._shown = ("", "")

    def show(self, session: Session | None) -> None:
        """Show how the connection stands now."""
        text, style = standing(session)
        if (text, style) == self._shown:
            return
        self._shown = (text, style)
        self.label.configure(text=f"● {text}", style=style)
        if style == "Alarm.TLabel":
            self.connect.pack(side="right", padx=4, pady=2, before=self.label)
        else:
            self.connect.pack_forget()


def standing(session: Session | None) -> tuple[str, str]:
    """Return how the connection stands, and the style to say it in."""
    if session is None:
        return "Not connected", "Alarm.TLabel"
    if session.state is State.OVER:
        stopped = session.exit_code == 0 and not session.leaving
        return "The server has been stopped" if stopped else "Not connected", "Alarm.TLabel"
    where = f"{session.host}, port {session.port}"
    if session.state is State.WAITING:
        return f"Connection lost: next try in {session.patience() or 0:.0f} s", "Alarm.TLabel"
    if session.state is State.CONNECTING:
        return f"Connecting to {where}…", "TLabel"
    name = harmless(session.name)
    if not name:
        return f"Connected to {where}; no name yet", "TLabel"
    if session.regaining:
        return f"Connected to {where}; waiting for the name {name}", "Alarm.TLabel"
    return f"Online as {name} at {where}", "Calm.TLabel"
