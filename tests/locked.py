"""A server that wants a password, those who stand before it, and what may never show.

Somebody who guesses slows down their own address only, so tests that guess call from addresses of
their own: all of 127.0.0.0/8 is this machine (RFC 1122, 3.2.1.3).
"""

from __future__ import annotations

import re
import socket

import pytest
from harness import DEADLINE, Client, ServerProcess, wait_until

# Spaces inside, and letters of which not one may be found in any output, as text or in hex.
PASSWORD = "Жук  § ♞ þæð"
WRONG = "Щит  ¶ ♜ œħŋ"
REST_SECONDS = 0.2  # between two tries from an address, where a test does not want to wait 1 s
WARNING = "Without TLS the password travels readable"

_ADDRESSES = (f"127.0.{third}.{fourth}" for third in range(1, 250) for fourth in range(1, 250))


def new_address() -> str:
    """Return an address of this machine from which nobody has guessed yet, or skip the test."""
    address = next(_ADDRESSES)
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip("this system has one loopback address only; see ifconfig(8), alias")
    return address


def leaks(output: str) -> list[str]:
    """Return what an output shows of the passwords: letters, or their bytes in hex."""
    secret = {character for character in PASSWORD + WRONG if not character.isascii()}
    found = [character for character in secret if character in output]
    for character in secret:
        found += re.findall(rf"\b{character.encode().hex(' ')}\b", output)
        found += re.findall(re.escape(ascii(character.encode())[2:-1]), output)
    return found


class Visitor(Client):
    """Somebody before a server that wants a password."""

    def enter(self, name: str = "") -> Visitor:
        """Say the password, and take a name if one is given."""
        assert self.ask(f"PASS {PASSWORD}") == "ACCEPTED"
        if name:
            self.name(name)
        return self

    def guess_wrong(self) -> None:
        """Try a wrong password."""
        self.send(f"PASS {WRONG}")
        self.expect_error("BAD_PASSWORD")

    def has_heard_something(self) -> bool:
        """Whether anything waits to be received."""
        self.socket.setblocking(False)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False
        finally:
            self.socket.settimeout(DEADLINE)


class Door:
    """A server with a password, and the visitors of one test."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self._visitors: list[Visitor] = []
        self._observer = Visitor((server.host, server.port)).enter()

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        """Connect somebody who has said nothing yet."""
        self._visitors.append(Visitor((self.server.host, self.server.port), source=address))
        return self._visitors[-1]

    def let_read(self, visitor: Visitor, part: bytes) -> None:
        """Send a part of a frame, and wait until the server has read just that."""
        shown = f":{visitor.socket.getsockname()[1]} a read returned"
        reads = sum(shown in line for line in self.server.lines)
        visitor.send_bytes(part)
        self.server.wait_for_line(shown, count=reads + 1)

    def clear(self) -> None:
        """Send everyone home, and wait until the server has noticed."""
        for visitor in self._visitors:
            visitor.close()
        wait_until(lambda: self._observer.ask("GET_NAMES") == "NAMES 0", "everyone has left")
        self._observer.close()
