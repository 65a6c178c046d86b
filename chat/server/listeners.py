"""The listeners: the sockets on which newcomers knock.

Knows addresses and ports; knows no connection that is already here.
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

from chat.server.options import CannotStartError


def open_listeners(host: str | None, port: int) -> list[socket.socket]:
    """Listen on every address of `host` (None: on all that this machine has), all on one port.

    Raises CannotStartError, with what to do about it.
    """
    try:
        if host == "":
            # Linux says so itself; Windows takes it for a name of this machine.
            raise socket.gaierror(socket.EAI_NONAME, "an empty name")
        return listen_on(host, port)
    except (OSError, UnicodeError) as error:
        raise CannotStartError(why_not_listening(error, host, port)) from None


def listen_on(host: str | None, port: int) -> list[socket.socket]:
    """Return a listener for each address of `host`, all on one port.

    IPv4 and IPv6 get a listener each: select() does not mind watching two.

    Raises OSError, and UnicodeError where `host` can be no host name.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in sorted(addresses):  # IPv4 has the lower number everywhere
        if listeners:
            address = (address[0], listeners[0].getsockname()[1], *address[2:])
        try:
            listener = listen_at(family, address)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                for listener in listeners:
                    listener.close()
                raise
            missing = error  # no IPv6 here, say; the other family may do
            continue
        listeners.append(listener)
    if missing and not listeners:
        raise missing
    return listeners


def listen_at(family: int, address: tuple[Any, ...]) -> socket.socket:
    """Return a listener at one address. Raises OSError."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # Else a second program could listen on the same port (Winsock's manual, "Using
            # SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Although the last server's connections are still fading away (socket(7)).
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has its own
        listener.bind(address)
        listener.listen(socket.SOMAXCONN)  # a whole class may connect at the same second
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def why_not_listening(error: OSError | UnicodeError, host: str | None, port: int) -> str:
    """Say in a sentence what to do when nobody can listen there."""
    if not isinstance(error, OSError):  # the name breaks the rules for host names
        return f"{host!r} is no host name."
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} is in use: is a chat server running already? "
            "Stop it, or choose another port with --port."
        )
    if error.errno == errno.EACCES:
        return f"no permission for port {port}; choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        where = host or "an empty name"
        return f"{where} is no address of this machine; leave --host out to listen on all it has."
    return f"cannot listen on port {port}: {error.strerror or error}."
