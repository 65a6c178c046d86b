"""The clients of one rule: they come in, do what the rule says, and leave cleanly."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from functools import partial

from .client import Client
from .experience import Experience
from .pace import Pace
from .wire import NEWS, RuleBroken, frame, listed, require, show, verb_of

LEAVING_SECONDS = 0.5  # for everybody together, after a rule
BYSTANDER_SECONDS = 0.05  # for a bystander's answer, which a blocked server does not give
AGAIN_SECONDS = 0.9  # whom a short listen() queue turned away comes again after 1, RFC 6298
EMPTY_SECONDS = 0.2  # for the server to notice that all have left
ODD_SECONDS = 0.2  # for HELLO, after something else has come
ALL_GONE = "everybody to be gone"  # what is waited for in vain; see experience.py
NOBODY = "an empty room"


class Room:
    """One chat, for one rule."""

    def __init__(
        self,
        address: tuple[str, int],
        patience: float,
        tag: str = "",
        password: str = "",
        source: str = "",
        experience: Experience | None = None,
    ) -> None:
        self.address = address
        self.source = source  # the address of this machine to call from; empty: the usual one
        self.patience = patience  # seconds that one step may take
        self.tag = tag  # digits in every name, where strangers share the room; empty in our own
        self.password = password
        self.clients: list[Client] = []
        self.pace = Pace()
        self.experience = experience or Experience()
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
        client = Client(self._connection(narrow), label, self.patience, self.tag)
        client.connect_again = partial(self._connection, narrow)
        client.pause = self.let_the_server_read
        client.pace = self.pace
        client.experience = self.experience
        client.came_later = any(other.socket.fileno() >= 0 for other in self.clients)
        self.clients.append(client)
        return client

    def _connection(self, narrow: bool) -> socket.socket:
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
        return connection

    def join(self, stem: str, narrow: bool = False) -> Client:
        """Return a client that has the name `stem`, or one that nobody else has."""
        return self.called(self.name(stem), narrow)

    def called(self, name: str, narrow: bool = False) -> Client:
        """Return a client with exactly this name."""
        client = self.connect(name, narrow)
        take_name(client, name)
        return client

    def crowd(self, names: Sequence[str]) -> list[Client]:
        """Let many people in, one after the other."""
        return [self.called(name) for name in names]

    def rush(self, names: Sequence[str]) -> list[Client]:
        """Let many people in at once: all connect, then all say their names, then are answered."""
        clients = []
        again = 0
        for name in names:
            started = time.monotonic()
            clients.append(self.connect(name))
            again += time.monotonic() - started > AGAIN_SECONDS
            require(again < 4, f"of {len(names)} who came at once, many had to come again")
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
            self.bystander.experience = Experience()  # its short waits say nothing
        with contextlib.suppress(RuleBroken):
            self.bystander.ask("GET_NAMES")

    # ----------------------------------------------------------------------------------- leaving

    @property
    def was_cut_off(self) -> bool:
        """Whether a connection was ended, or not even begun, perhaps because the server has."""
        return not self.clients or any(client.ended for client in self.clients)

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
        share = self.experience.share_of_patience(ALL_GONE) if self.was_answered else 0
        deadline = time.monotonic() + LEAVING_SECONDS * share
        for client in staying:
            with contextlib.suppress(RuleBroken, TimeoutError):
                while client.frame_before(deadline) is not None:
                    pass
            client.close()
        if time.monotonic() < deadline:
            self.experience.has_come(ALL_GONE)
        else:
            self.experience.has_not_come(ALL_GONE)

    def is_empty_again(self) -> bool:
        """Return whether the server itself says that nobody is left."""
        deadline = time.monotonic() + EMPTY_SECONDS * self.experience.share_of_patience(NOBODY)
        with contextlib.suppress(RuleBroken):
            client = self.connect()
            client.patience = LEAVING_SECONDS
            while time.monotonic() < deadline:
                if not listed(client.ask("GET_NAMES")):  # whatever the total says
                    client.close()
                    self.experience.has_come(NOBODY)
                    return True
                time.sleep(0.02)  # leavings are on their way
        self.experience.has_not_come(NOBODY)
        return False


def take_name(client: Client, name: str) -> None:
    """Ask for a name. How exactly the answer is spelled is the business of the rules on names."""
    client.send(f"NAME {name}")
    accept_name(client, name)


def accept_name(client: Client, name: str) -> None:
    """Wait for the name that was asked for; without it, no rule can be tried."""
    patience, odd = client.patience, False
    try:
        answer = client.wait_for(f"the answer to 'NAME {name}'", is_no_event)
        if verb_of(answer) not in ("HELLO", "ERROR"):
            odd = True  # a greeting, or the answer in a form of its own
            client.patience = min(patience, ODD_SECONDS)
            answer = client.wait_for("HELLO behind something else", is_hello_or_error)
        if verb_of(answer) == "ERROR":
            full = "are those still counted who have left?" if "SERVER_FULL" in answer else ""
            raise RuleBroken(f"NAME {name} was answered {show(answer)}", full)
    except RuleBroken as broken:
        if not odd:
            raise RuleBroken(
                str(broken),
                broken.mistake,
                "the answer to NAME",
            ) from None
    client.patience = patience
    client.name = name


def is_no_event(payload: str) -> bool:
    return verb_of(payload) not in NEWS


def is_hello_or_error(payload: str) -> bool:
    return verb_of(payload) in ("HELLO", "ERROR")


def everything_goes_on(alice: Client, bob: Client) -> None:
    """Insist that two people are served, whatever a third one does."""
    alice.settles()
    alice.send(f"MSG {bob} still-here")
    bob.hears("still-here")


def cannot_reach(sender: Client, blocker: Client) -> None:
    """Insist that the sender's private messages are refused."""
    sender.is_refused(f"MSG {blocker} may-I?", "BLOCKED")


def can_reach(sender: Client, addressee: Client) -> None:
    """Insist that a private message arrives."""
    sender.send(f"MSG {addressee} may-I?")
    addressee.gets(f"MSG {sender} {addressee} may-I?")


def rename(person: Client, name: str) -> None:
    person.is_told(f"HELLO {name}", f"NAME {name}")
    person.name = name


def blocks(blocker: Client, blocked: Client) -> None:
    blocker.is_told(f"BLOCKED {blocked}", f"BLOCK {blocked}")


def leaves(person: Client) -> None:
    """EXIT, and the room knows it; that nobody has to close before that is another rule's."""
    person.send("EXIT")
    person.last_frames()
    person.close()


def comes_free(room: Room, client: Client, name: str) -> None:
    """Insist that the client can have the name, by the time a leaving has been noticed."""
    deadline = time.monotonic() + room.patience
    answer = client.ask(f"NAME {name}")
    while verb_of(answer) == "ERROR" and time.monotonic() < deadline:
        room.let_the_server_read()
        answer = client.ask(f"NAME {name}")
    require(verb_of(answer) == "HELLO", f"the next who asked for {name} got {show(answer)}")
    client.name = name


def make_narrow(connection: socket.socket) -> None:
    """Let little wait on the way: small segments, small windows, so that the sender's buffer fills.

    On loopback a kernel takes several megabytes before it says no; over a real network, little.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least that there is
    with contextlib.suppress(AttributeError, OSError):  # Windows has no such option
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
