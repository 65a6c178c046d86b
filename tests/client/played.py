"""A server that a test plays: it says only what the test says, for what no real one does."""

from __future__ import annotations

import socket

from harness import DEADLINE, Client

import chat_protocol as protocol

# Something of every kind that a server tells.
CONVERSATION = (
    "MSG bob BROADCAST good morning",
    "MSG bob BROADCAST hello me",
    "MSG bob me psst",
    "INFO Break in five minutes.",
    "JOINED zoe",
    "RENAMED zoe zelda",
    "LEFT zelda",
    "ERROR NO_SUCH_NAME Nobody here has that name.",
    "BLOCKED bob",
    "DANCE",
)


def names_frame(*names: str) -> str:
    """Return what a server answers to GET_NAMES."""
    return f"NAMES {len(names)} {' '.join(sorted(names))}"


class PlayedConnection(Client):
    """The server's end of a connection, with the test in the server's place."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = protocol.FrameReader()
        self._sending = []

    def welcome(self, name: str, *others: str) -> None:
        """Let the client in that asks for `name`, and answer its first look around."""
        self.expect(f"NAME {name}")
        self.send(f"HELLO {name}")
        self.expect("GET_NAMES")
        self.send(names_frame(name, *others))

    def end(self) -> None:
        """Answer the client's EXIT, which is next."""
        self.expect("EXIT")
        self.send("BYE")


class PlayedServer:
    """A server that says only what the test says: for what no real one does."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._listener.settimeout(DEADLINE)
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[PlayedConnection] = []

    def accept(self) -> PlayedConnection:
        """Wait for the next client."""
        connection, _ = self._listener.accept()
        self._connections.append(PlayedConnection(connection))
        return self._connections[-1]

    def __enter__(self) -> PlayedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and break off every connection."""
        self._listener.close()
        for connection in self._connections:
            connection.close()
