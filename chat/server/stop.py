"""The stop: which signals ask the server to end, and what everyone reads then.

Knows signals; does not know how the server ends.
"""

from __future__ import annotations

import signal
import socket
import sys

from chat.sockets import catch_signals

STOP_SENTENCES = {
    signal.SIGINT: "The server is being shut down from its keyboard.",
    signal.SIGTERM: "The server is being shut down by its machine.",
}
if sys.platform == "win32":  # Ctrl+Break; the window is closed
    STOP_SENTENCES[signal.SIGBREAK] = STOP_SENTENCES[signal.SIGINT]
elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it is to outlive it: nohup(1)
    STOP_SENTENCES[signal.SIGHUP] = "The server is being shut down: its window was closed."

MANY_AT_ONCE = 1024  # signals, a byte each


def catch_stop_signals() -> socket.socket:
    """Return a socket that can be read when the server is to stop."""
    return catch_signals(STOP_SENTENCES)


def why_stop(signals: socket.socket) -> str:
    """Read the signals that have come, several at once being one, and return what to say."""
    return STOP_SENTENCES[signal.Signals(signals.recv(MANY_AT_ONCE)[0])]
