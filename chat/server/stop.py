"""The stop: which signals ask the server to end, and what everyone reads then.

Knows signals, those of the terminal too; does not know how the server ends, nor what they do at the
desk.
"""

from __future__ import annotations

import selectors
import signal
import socket
import sys

from chat.server.descriptors import RESERVED_DESCRIPTORS, TOO_MANY_DESCRIPTORS, can_watch
from chat.server.options import CannotStartError
from chat.sockets import catch_signals

STOP_SENTENCES = {
    signal.SIGINT: "The server is being shut down from its keyboard.",
    signal.SIGTERM: "The server is being shut down by its machine.",
}
if sys.platform == "win32":  # Ctrl+Break; the window is closed
    STOP_SENTENCES[signal.SIGBREAK] = STOP_SENTENCES[signal.SIGINT]
elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it is to outlive it: nohup(1)
    STOP_SENTENCES[signal.SIGHUP] = "The server is being shut down: its window was closed."

# What concerns the terminal: desk.py. Windows has none of them.
DESK_SIGNALS = ("SIGTSTP", "SIGCONT", "SIGWINCH")
MANY_AT_ONCE = 1024  # signals, a byte each


def catch_server_signals(selector: selectors.BaseSelector) -> socket.socket:
    """Return a socket from which can be read which signals have come, those of the desk too.

    From now on no shell stops us for what we do to its terminal from the background: termios(3).

    Raises CannotStartError where its descriptor, or those of clients, could not be watched.
    """
    for name in ("SIGTTIN", "SIGTTOU"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    known = (signal.Signals[name] for name in DESK_SIGNALS if hasattr(signal, name))
    signals = catch_signals([*STOP_SENTENCES, *known])
    if not can_watch(selector, signals.fileno() + RESERVED_DESCRIPTORS):
        raise CannotStartError(TOO_MANY_DESCRIPTORS)
    return signals


def signals_that_came(signals: socket.socket) -> list[signal.Signals]:
    """Return which signals have come, each once."""
    try:
        return [*map(signal.Signals, dict.fromkeys(signals.recv(MANY_AT_ONCE)))]
    except BlockingIOError:
        return []
