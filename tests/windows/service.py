"""A chat server on Windows, in a console of its own."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness import Client

from windows.machine import Seat


class Service:
    """A server that runs at a seat, and the clients of one test."""

    def __init__(self, seat: Seat) -> None:
        """Wait until it listens."""
        self.seat = seat
        seat.is_asked("everyone> ")
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", seat.text())
        assert found
        self.port = int(found[1])
        self._clients: list[Client] = []

    def connect(self, name: str = "") -> Client:
        """Return a new client, with a name if one is given. It is closed with the test."""
        self._clients.append(Client(("127.0.0.1", self.port)))
        return self._clients[-1].name(name) if name else self._clients[-1]

    def stop(self) -> None:
        """Press Ctrl+C, and once more as the desk asks for it where people are here."""
        self.seat.ctrl_c()
        self.seat.shows("Ctrl+C again ends the chat for ")
        self.seat.ctrl_c()

    def ends_well(self) -> None:
        """Wait until the server has ended as it should."""
        assert self.seat.wait_for_exit() == 0
        assert "The server is being shut down" in self.seat.text()
        assert "Traceback" not in self.seat.text()

    def close(self) -> None:
        """Close its clients."""
        for client in self._clients:
            client.close()


StartService = Callable[..., Service]  # what the fixture start_service is
