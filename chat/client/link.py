"""The connection to the server: made address by address, read and written, made again.

Knows sockets and frames, and when to give up; what is said over it, and by whom, it knows not.
"""

from __future__ import annotations

import enum
import errno
import math
import random
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import chat_protocol as protocol
from chat.client.faults import Fault
from chat.client.tls import TLSStream, tls_fault, why_no_tls
from chat.client.wire_view import WireView
from chat.sockets import prepare, what_failed

if TYPE_CHECKING:
    import ssl  # only those who speak TLS load it: see tls.py

CONNECT_SECONDS = 10.0  # for one address to answer
ANSWER_SECONDS = 30.0  # to the first request: a server may have us wait for a password, or our rate
RECEIVE_SIZE = 64 * 1024  # bytes for one recv()
UNSENT_ENOUGH = 16 * 1024 * 1024  # bytes: more than anybody types or pastes
TOO_MANY_FILES = (  # select(2), FD_SETSIZE
    "So many files were open when this program started that select() cannot watch one more: "
    "start it from a new terminal."
)

NO_CHAT = "The server does not speak this protocol; is that the right port?"

Stream = socket.socket | TLSStream


class State(enum.Enum):
    """Where a link, and with it a conversation, stands."""

    CONNECTING = enum.auto()  # the socket is on its way
    ONLINE = enum.auto()
    WAITING = enum.auto()  # for the next try to connect
    OVER = enum.auto()


class Link:
    """A connection that frames go over. Nothing here waits, save for looking up the host.

    What happens it tells its owner: `online()` when the connection stands, `received(payload)`,
    `failed(sentence, fault)` when no address answered, or no chat server, `silent()` when the
    server leaves what it was asked first without an answer, and `lost(reason, broken)`, `broken`
    where it was not closed in the regular way: then what was sent may be lost.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        *,
        online: Callable[[], None],
        received: Callable[[bytes], None],
        failed: Callable[[str, Fault], None],
        silent: Callable[[], None],
        lost: Callable[[str, bool], None],
        wire_view: WireView | None,
    ) -> None:
        self.state = State.CONNECTING
        self.deadline = math.inf  # when turn() has something to do without the socket
        self.socket: Stream | None = None
        self._host = host
        self._port = port
        self._tls = tls
        self._tell_online = online
        self._tell_received = received
        self._tell_failed = failed
        self._tell_silent = silent
        self._tell_lost = lost
        self._wire_view = wire_view
        self._untried: list[tuple[int, int, int, str, Any]] = []  # of what getaddrinfo() said
        self._reader = protocol.FrameReader()
        self._outbox = bytearray()
        self._was_heard = False  # the server has said something

    # -- connecting

    def connect(self) -> None:
        """Begin to connect.

        Raises OSError when there is no such host, by the answer of the system's resolver, which
        may take its time, and UnicodeError when there can be none of that name.
        """
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        if self.state is not State.OVER:  # who asks in a thread may close() meanwhile
            self._untried = [*found]
            self._try_next_address()

    def connect_later(self, seconds: float) -> None:
        """Close what there is, and connect again after some `seconds`."""
        self._close_socket()
        # Thirty clients that lost the same server should not all call it at the same moment.
        self.deadline = time.monotonic() + seconds * random.uniform(0.8, 1.2)
        self.state = State.WAITING

    def _connect_again(self) -> None:
        try:
            self.connect()  # the machine may have got another address meanwhile
        except (OSError, UnicodeError) as error:  # a resolver that is not there, just now
            if self.state is State.OVER:
                return
            self._tell_failed(why_not_connected(error, self._host, self._port), fault_of(error))

    def _try_next_address(self, sentence: str = "", fault: Fault = Fault.UNREACHABLE) -> None:
        """Begin to connect to the next address; with none left tell why the last one failed."""
        self.state = State.CONNECTING
        while self._untried:
            family, kind, number, _, address = self._untried.pop(0)
            self.deadline = time.monotonic() + CONNECT_SECONDS
            try:
                self.socket = socket.socket(family, kind, number)
                select.select([], [self.socket], [], 0)
                prepare(self.socket)
                # A non-blocking connect() only begins; the socket turns writable when it is done,
                # and SO_ERROR then tells how it went: connect(2), EINPROGRESS.
                self.socket.connect(address)
            except BlockingIOError:
                return
            except ValueError:  # it is of no use then, wherever it leads
                sentence, fault = TOO_MANY_FILES, Fault.UNREACHABLE
            except OSError as error:  # no way there at all: no IPv6 here, say
                sentence = why_not_connected(error, self._host, self._port)
                fault = fault_of(error)
            else:
                return
            self._close_socket()
        self._tell_failed(sentence, fault)

    def _go_on_connecting(self, writable: bool, due: bool) -> None:
        number = 0
        if due and not writable:
            number = errno.ETIMEDOUT
        elif writable and isinstance(self.socket, socket.socket):
            number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not number and is_its_own_peer(self.socket):
                number = errno.ECONNREFUSED
        if number:
            error = OSError(number, what_failed(number))
            self._close_socket()
            sentence = why_not_connected(error, self._host, self._port)
            self._try_next_address(sentence, fault_of(error))
        elif writable:
            self._go_online()

    def _go_online(self) -> None:
        """The socket is connected. TLS comes first: its handshake begins here, or goes on."""
        try:
            if self._tls is not None and isinstance(self.socket, socket.socket):
                self.socket = TLSStream(self.socket, self._tls, self._host)
            if isinstance(self.socket, TLSStream) and not self.socket.shake_hands():
                return
        except (OSError, ValueError) as error:
            self._untried.clear()  # it is the right machine, but not to be trusted, or no TLS
            self._close_socket()
            self._try_next_address(why_no_tls(error, self._host), tls_fault(error))
            return
        self.state = State.ONLINE
        self.deadline = math.inf
        self._reader = protocol.FrameReader()
        self._outbox.clear()
        self._was_heard = False
        self._tell_online()

    def close(self) -> None:
        """Close the connection for good."""
        self._close_socket()
        self.deadline = math.inf
        self.state = State.OVER

    def _close_socket(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    # -- one turn of the owner's loop

    @property
    def watched(self) -> tuple[list[Stream], list[Stream]]:
        """What select() is to watch for reading, and what for writing: our socket, or nothing."""
        if self.socket is None:
            return [], []
        # From a server that reads nothing we read no more, before our answers fill the memory.
        reads = len(self._outbox) < UNSENT_ENOUGH
        writes = self.state is State.CONNECTING or bool(self._outbox)
        if isinstance(self.socket, TLSStream):
            reads, writes = self.socket.watched(reads, writes)
        return [self.socket] * reads, [self.socket] * writes

    def ready(self, seconds: float | None) -> tuple[bool, bool]:
        """Wait so long at most; return whether the socket can be read, and whether written."""
        reading, writing = self.watched
        if not reading and not writing:
            return False, False  # Windows cannot wait for nothing
        # Windows reports a connect() that failed in the third list only, select(2) in the second.
        readable, writable, failed = select.select(reading, writing, writing, seconds)
        return bool(readable), bool(writable or failed)

    def turn(self, readable: bool, writable: bool) -> None:
        """Do what can be done now: the socket is ready, or the deadline has come.

        Where it is time to connect again, looking up the host may take a while: see connect().
        """
        due = self.deadline <= time.monotonic()
        if isinstance(self.socket, TLSStream):
            readable, writable = self.socket.possible(readable, writable)
        if self.state is State.CONNECTING:
            self._go_on_connecting(writable, due)
        elif self.state is State.WAITING and due:
            self._connect_again()
        elif self.state is State.ONLINE:
            if due:
                self.deadline = math.inf
                self._tell_silent()
            elif readable:
                self._receive()
            if writable and self.state is State.ONLINE:
                self._flush()

    def _receive(self) -> None:
        assert self.socket is not None
        try:
            data = self.socket.recv(RECEIVE_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error.strerror or str(error), broken=True)
            return
        if not data:
            self._lose("the server closed it", broken=False)
            return
        self._was_heard, self.deadline = True, math.inf
        if self._wire_view:
            self._wire_view.read(self._reader.waiting, data)
        self._reader.feed(data)
        try:
            self._hand_over()
        except protocol.ProtocolError:
            self._tell_failed(NO_CHAT, Fault.WRONG_PORT)

    def _hand_over(self) -> None:
        """Tell what frames have come whole. Raises ProtocolError when what came is no frames."""
        for payload in self._reader:
            if self._wire_view:
                self._wire_view.received(payload)
            self._tell_received(payload)
            if self.state is not State.ONLINE:
                return

    def _lose(self, reason: str, *, broken: bool) -> None:
        self._close_socket()
        self._tell_lost(reason, broken)

    # -- sending

    @property
    def backlog(self) -> int:
        """How many bytes wait to be sent."""
        return len(self._outbox)

    def send(self, payload: str) -> None:
        """Put a frame among what is sent as soon as the socket takes it.

        Raises UnicodeEncodeError where it holds bytes that are no text, and ValueError where it
        is too long.
        """
        self._outbox += protocol.encode(payload)
        if not self._was_heard:
            self.deadline = min(self.deadline, time.monotonic() + ANSWER_SECONDS)
        if self._wire_view:
            self._wire_view.sent(payload)

    def _flush(self) -> None:
        assert self.socket is not None
        try:
            sent = self.socket.send(self._outbox)
        except (BlockingIOError, InterruptedError):
            return  # the kernel's buffer is full
        except OSError:
            self._receive()  # what the server said last, the reason, and then the end
            return
        del self._outbox[:sent]


def is_its_own_peer(connection: socket.socket) -> bool:
    """Whether it called a port of this machine where nobody listens, and got that very port as its
    own: TCP then connects it to itself (RFC 9293, 3.5, simultaneous open). Many tries, and it does.
    """
    try:
        return bool(connection.getsockname() == connection.getpeername())
    except OSError:
        return False  # broken already, which whoever reads it finds


def fault_of(error: OSError | ValueError) -> Fault:
    """Return what kept us from a connection."""
    refused = isinstance(error, OSError) and error.errno == errno.ECONNREFUSED
    return Fault.WRONG_PORT if refused else Fault.UNREACHABLE


def why_not_connected(error: OSError | ValueError, host: str, port: int) -> str:
    """Say in a sentence what to check when there is no connection."""
    if not isinstance(error, OSError) or isinstance(error, socket.gaierror):
        return f"No machine is called {host}: check the spelling, or use the server's number."
    if isinstance(error, ConnectionRefusedError) or error.errno == errno.ECONNREFUSED:
        return (
            f"Nothing listens on port {port} of {host}: is the server running there, "
            "and is that its port?"
        )
    if error.errno == errno.ETIMEDOUT:
        return (
            f"{host} does not answer on port {port}: check the address, "
            "and that no firewall keeps the port shut."
        )
    reason = what_failed(error.errno) if error.errno else error
    return f"No connection to port {port} of {host}: {reason}."


def why_not_sent(error: ValueError) -> str:
    """Say in a sentence why a payload makes no frame."""
    if isinstance(error, UnicodeEncodeError):
        return "That holds bytes that are no text; it was not sent."
    return f"That is too long: {protocol.MAX_PAYLOAD_SIZE} bytes fit; it was not sent."
