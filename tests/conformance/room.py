"""The clients of one rule: they come in, do what the rule says, and leave cleanly."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence

from .wire import NEWS, Client, RuleBroken, frame, require, show, verb_of

LEAVING_SECONDS = 0.5  # for everybody together, after a rule
BYSTANDER_SECONDS = 0.05  # for a bystander's answer, which a blocked server does not give
EMPTY_SECONDS = 0.2  # for the server to notice that all have left
ODD_SECONDS = 0.2  # for HELLO, after something else has come


class Room:
    """One chat, for one rule."""

    def __init__(
        self,
        address: tuple[str, int],
        patience: float,
        tag: str = "",
        password: str = "",
        source: str = "",
    ) -> None:
        self.address = address
        self.source = source  # the address of this machine to call from; empty: the usual one
        self.patience = patience  # seconds that one step may take
        self.tag = tag  # digits in every name, where strangers share the room; empty in our own
        self.password = password
        self.clients: list[Client] = []
        self.bystander: Client | None = None
        self.situation = ""  # begins the sentence if the rule breaks: "while a reader slept"

    # --------------------------------------------------------------------------------- coming in

    def name(self, stem: str) -> str:
        """Return a name that nobody else in the room has."""
        return stem + self.tag

    def connect(self, label: str = "a client without a name", narrow: bool = False) -> Client:
        """Return a connection that has no name yet; `narrow`: one whose buffers fill up soon."""
        client = self.knock(label, narrow)
        if self.password:
            client.is_told("ACCEPTED", f"PASS {self.password}")
        return client

    def knock(self, label: str = "a newcomer", narrow: bool = False) -> Client:
        """Return a connection that has sent nothing, not even a password."""
        connection = socket.socket(
            socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET, socket.SOCK_STREAM
        )
        connection.settimeout(self.patience)
        if narrow:
            make_narrow(connection)
        try:
            if self.source:
                connection.bind((self.source, 0))
            connection.connect(self.address)
        except OSError as error:
            connection.close()
            raise RuleBroken(f"the server does not accept a connection: {error}") from None
        client = Client(connection, label, self.patience, self.tag)
        client.pause = self.let_the_server_read
        self.clients.append(client)
        return client

    def join(self, stem: str, narrow: bool = False) -> Client:
        """Return a client that has the name `stem`, or one that nobody else has."""
        return self.called(self.name(stem), narrow)

    def called(self, name: str, narrow: bool = False) -> Client:
        """Return a client with exactly this name."""
        client = self.connect(name, narrow)
        take_name(client, name)
        return client

    def crowd(self, names: Sequence[str]) -> list[Client]:
        """Let many people in: all connect, then all say their names, then all are answered."""
        clients = [self.connect(name) for name in names]
        for client, name in zip(clients, names, strict=True):
            client.send(f"NAME {name}")
        for client, name in zip(clients, names, strict=True):
            accept_name(client, name)
        return clients

    def let_the_server_read(self) -> None:
        """Give the server a turn: it answers a bystander, or, if something stops it, a moment goes.

        What was sent before has then arrived by itself, cut where the rule wanted it to be cut.
        """
        if self.bystander is None:
            self.bystander = self.connect("a bystander")
            self.bystander.patience = BYSTANDER_SECONDS
        with contextlib.suppress(RuleBroken):
            self.bystander.ask("GET_NAMES")

    # ----------------------------------------------------------------------------------- leaving

    @property
    def was_answered(self) -> bool:
        """Whether anybody got any answer from the server."""
        return any(client.was_answered for client in self.clients)

    def leave(self) -> None:
        """Everybody says EXIT, so that no rule is judged by what another left behind."""
        staying = [client for client in self.clients if client.socket.fileno() >= 0]
        for client in staying:
            with contextlib.suppress(RuleBroken):
                client.patience = 0.1
                client.send_bytes(frame("EXIT"))
                client.stop_sending()
        deadline = time.monotonic() + (LEAVING_SECONDS if self.was_answered else 0)
        for client in staying:
            client.tag = ""
            with contextlib.suppress(RuleBroken, TimeoutError):
                while client.frame_before(deadline) is not None:
                    pass
            client.close()

    def is_empty_again(self) -> bool:
        """Return whether the server itself says that nobody is left."""
        deadline = time.monotonic() + EMPTY_SECONDS
        with contextlib.suppress(RuleBroken):
            client = self.connect()
            client.patience = LEAVING_SECONDS
            while time.monotonic() < deadline:
                if client.ask("GET_NAMES") == "NAMES 0":
                    client.close()
                    return True
                time.sleep(0.02)  # leavings are on their way
        return False


def take_name(client: Client, name: str) -> None:
    """Ask for a name. How exactly the answer is spelled is the business of the rules on names."""
    client.send(f"NAME {name}")
    accept_name(client, name)


def accept_name(client: Client, name: str) -> None:
    """Wait for the name that was asked for; without it, no rule can be tried."""
    patience, odd = client.patience, False
    try:
        answer = client.wait_for(f"the answer to 'NAME {name}'", is_no_news)
        if verb_of(answer) not in ("HELLO", "ERROR"):
            odd = True  # a greeting, or the answer in a form of its own
            client.patience = min(patience, ODD_SECONDS)
            answer = client.answer(f"'NAME {name}'")
        require(verb_of(answer) != "ERROR", f"NAME {name} was answered {show(answer)}")
    except RuleBroken as broken:
        if not odd:
            raise RuleBroken(
                str(broken), broken.mistake or "without a name, nothing more could be tried"
            ) from None
    client.patience = patience
    client.name = name


def is_no_news(payload: str) -> bool:
    return verb_of(payload) not in NEWS | {"INFO"}


def everything_goes_on(alice: Client, bob: Client) -> None:
    """Insist that two people are served, whatever a third one does."""
    alice.settles()
    alice.send(f"MSG {bob} still-here")
    bob.hears("still-here")


def make_narrow(connection: socket.socket) -> None:
    """Let little wait on the way: small segments, small windows, so that the sender's buffer fills.

    On loopback a kernel takes several megabytes before it says no; over a real network, little.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least that there is
    with contextlib.suppress(AttributeError, OSError):  # Windows has no such option
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
