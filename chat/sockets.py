"""What both sides need of the system: addresses, socket options, signals as a readable socket.

Knows sockets and signals; knows no frame and no chat.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
from collections.abc import Iterable

# A peer whose cable was pulled sends no goodbye. TCP asks after KEEPIDLE seconds of silence, then
# every KEEPINTVL seconds, and gives up after KEEPCNT questions: 45 + 4 x 15 = 105 seconds in all.
# Bytes that wait for an acknowledgement keep it from asking; USER_TIMEOUT (milliseconds, RFC 5482)
# bounds that wait, also for a peer that is there and reads nothing. Names as in the socket module,
# tcp(7); not every system has every one.
KEEPALIVE_OPTIONS = {
    "TCP_KEEPIDLE": 45,
    "TCP_KEEPALIVE": 45,  # what macOS calls TCP_KEEPIDLE
    "TCP_KEEPINTVL": 15,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 105_000,
}


def endpoint(address: tuple[str, int]) -> str:
    """Return an address the way people write it: 127.0.0.1:8820, [::1]:8820 (RFC 3986)."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def what_failed(number: int) -> str:
    """Return in words what a number says that the system gave for a failed call on a socket."""
    if sys.platform == "win32":
        # Winsock has numbers of its own, of which strerror() knows nothing.
        return (socket.errorTab.get(number) or ctypes.FormatError(number)).rstrip(". \r\n")
    return os.strerror(number)


def why_lost(error: OSError) -> str:
    """Return why a connection is gone that nobody closed, for the log."""
    return f"connection lost ({error.strerror or error})"


def prepare(connection: socket.socket) -> None:
    """Set what every connection needs, on either side. Raises OSError.

    No call waits; a frame goes out at once, instead of waiting to fill a packet (Nagle's
    algorithm, RFC 896); and a peer that vanished without a word is found within two minutes.
    """
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE_OPTIONS.items():
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def catch_signals(numbers: Iterable[signal.Signals]) -> socket.socket:
    """Return a socket from which the number of each of these signals can be read, a byte each.

    A select() loop then sees a signal as one more readable socket. It is the only way that works
    everywhere: on Windows, Ctrl+C does not interrupt select().
    """
    loop_side, signal_side = socket.socketpair()
    loop_side.setblocking(False)
    signal_side.setblocking(False)
    if sys.platform == "win32":
        _catch_the_end_of_a_console(signal_side.dup())
    signal.set_wakeup_fd(signal_side.detach())
    atexit.register(_let_go, loop_side)
    for number in numbers:
        signal.signal(number, lambda *_: None)
    return loop_side


def _let_go(_loop_side: socket.socket) -> None:
    """Hear no more signals: while Python takes itself down nobody reads them, and some may come."""
    signal.set_wakeup_fd(-1)


if sys.platform == "win32":
    import ctypes
    import time
    from ctypes import wintypes

    # HandlerRoutine, as SetConsoleCtrlHandler() takes it; and the events after which Windows ends
    # the process as soon as the handler returns, or after five seconds: the window was closed,
    # whoever works there logs off, the machine is shut down.
    CONSOLE_HANDLER = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)
    CLOSE_EVENT, LOGOFF_EVENT, SHUTDOWN_EVENT = 2, 5, 6
    LONGEST_END_SECONDS = 4.5

    def _catch_the_end_of_a_console(signal_side: socket.socket) -> None:
        """Have the loop read SIGBREAK when its console ends, and give it time to say goodbye.

        Ctrl+Break itself is a signal that Python knows.
        """

        def handle(event: int) -> bool:
            if event not in (CLOSE_EVENT, LOGOFF_EVENT, SHUTDOWN_EVENT):
                return False  # for the next handler, which is Python's
            signal_side.send(bytes([signal.SIGBREAK]))
            time.sleep(LONGEST_END_SECONDS)  # the loop ends the process before that
            return True

        handler = CONSOLE_HANDLER(handle)
        ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, True)
        # Which also keeps it from being collected: Windows knows only its address.
        atexit.register(ctypes.windll.kernel32.SetConsoleCtrlHandler, handler, False)
