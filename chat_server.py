"""The chat server: one thread, one select() loop, as many people as there are descriptors.

Read it from top to bottom, from the inside out:

    the room          who is called what, who blocks whom, what a request does, who hears of it
    the connection    one socket: what has come in, what still has to go out
    the loop          one select() over the listeners and every connection
    the start         options, listeners, signals, main()

What travels is in chat_protocol.py. Nothing here blocks except select() itself: a socket that
has nothing to read is not read, one that takes nothing is not written to, and all that has to
happen later is a deadline that tells select() how long to sleep.
"""

from __future__ import annotations

import argparse
import errno
import io
import math
import os
import select
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Hashable
from functools import partial
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import chat_protocol as protocol
from chat_protocol import ErrorCode, ProtocolError, Request

if TYPE_CHECKING:
    import ssl  # at run time load_tls() imports it, for those servers that need it

# ---------------------------------------------------------------------------------------- limits

# select(2) cannot watch a descriptor of this number or above; it is compiled into the system.
# Windows counts sockets instead, and CPython builds it with 512.
FD_SETSIZE = 512 if sys.platform == "win32" else 1024
# Kept back from the people: standard streams, listeners, the signal pair, epoll's own descriptor,
# one to refuse newcomers with, and a few for whatever the system opens behind our back.
RESERVED_DESCRIPTORS = 16
ACCEPTS_PER_TURN = 256  # a whole school may knock; those inside are served in between
TURN_SIZE = 256 * 1024  # bytes; when more is said in a turn, it goes out before the turn goes on
HANDSHAKE_SECONDS = 0.02  # of a turn for TLS handshakes: a whole class may begin at once
REQUESTS_PER_TURN = 32  # of one connection, so that a flood does not hold up the others
RECEIVE_SIZE = 64 * 1024  # bytes for one recv()
TLS_PIECE = 4 * 1024  # bytes that OpenSSL is given at a time: a hundred records that hold nothing
ANSWERS_AHEAD = 64 * 1024  # bytes; a client that leaves more unread is asked to read first
SEND_SIZE = 256 * 1024  # bytes for one send(): about what a kernel takes at once
OUTBOX_PIECES = 4096  # beyond, the pieces' own overhead weighs more than what is in them
BURST_SECONDS = 2.0  # how far ahead of its rate a client may run: bursts of twice the rate
MIN_REST_SECONDS = 0.1  # a client above its rate is looked at ten times a second, not each request
ACCEPT_REST_SECONDS = 1.0  # after the system ran out of descriptors
LONGEST_SLEEP_SECONDS = 24 * 3600.0  # poll(2) cannot sleep for longer than 24 days at a time
PASSWORD_REST_SECONDS = 1.0  # between two tries from an address, after a wrong one
MAX_PASSWORD_TRIES = 3
HELD_PER_HOST = 100  # connections of one address whose password waits; a class behind one router
LAST_WORDS_SECONDS = 10.0  # for a leaving connection to read some more of what waits for it
FAREWELL_SECONDS = 2.0  # for it to close as well, when all of that went out
PRINT_PATIENCE_SECONDS = 0.05  # in each second, for whoever reads our output and is merely behind
# Characters; even as \U0001f642 they fit where select(2) has found room in a pipe (pipe(7)).
PRINT_SIZE = getattr(select, "PIPE_BUF", 512) // len(r"\U0001f642")

# -------------------------------------------------------------------------------------- the room

Member = TypeVar("Member", bound=Hashable)


class BlockedName(Generic[Member]):
    """A name that somebody blocks, whether its owner is here or gone."""

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling  # its owner's, or its last owner's
        self.blockers: set[Member] = set()


class Room(Generic[Member]):
    """Who is called what, who blocks whom, what each request does and who hears of it.

    It knows no sockets: a member is any object, and every frame leaves through `deliver`, to one
    member, or through `announce`, to all who have a name except some. That makes the rules of the
    chat testable with plain strings for people.
    """

    def __init__(
        self,
        deliver: Callable[[Member, bytes], None],
        announce: Callable[[bytes, Collection[Member]], None],
    ) -> None:
        self._deliver = deliver
        self._announce = announce
        self.names: dict[Member, str] = {}
        self._names_frames: list[bytes] = []  # made once for all who ask, until a name changes
        self._members: dict[str, Member] = {}  # by folded name: `Bob` is taken once `bob` is here
        # Blocking is kept by the blocked name, not by the blocker: a broadcast then finds all
        # who must not hear it in one look, however many people there are.
        self._blocked: dict[str, BlockedName[Member]] = {}
        # The same the other way round, so that a departure need not look through all of it.
        self._lists: dict[Member, set[str]] = {}
        self._handlers: dict[str, Callable[[Member, Request], None]] = {
            "NAME": self._name,
            "GET_NAMES": self._get_names,
            "MSG": self._message,
            "BLOCK": self._block,
            "UNBLOCK": self._unblock,
            "PASS": self._password,
        }

    def handle(self, member: Member, request: Request) -> None:
        """Do what `member` asks for and tell everyone concerned.

        Raises ProtocolError when it cannot be done; then nobody was told anything.
        """
        self._handlers[request.verb](member, request)

    def leave(self, member: Member) -> None:
        """Forget `member` and, if they had a name, tell the others."""
        for folded in list(self._lists.get(member, ())):
            self._lift_block(member, folded)
        name = self.names.pop(member, None)
        if name is not None:
            self._names_frames = []
            del self._members[protocol.fold(name)]
            self._tell_others(member, f"LEFT {name}")

    def _tell(self, member: Member, payload: str) -> None:
        self._deliver(member, protocol.encode(payload))

    def _tell_others(self, member: Member, payload: str) -> None:
        self._announce(protocol.encode(payload), {member})

    def _name_of(self, member: Member) -> str:
        if member not in self.names:
            raise ProtocolError(
                ErrorCode.NAME_REQUIRED, f"Choose a name first: {protocol.USAGE['NAME']}"
            )
        return self.names[member]

    def _member_called(self, name: str) -> Member:
        try:
            return self._members[protocol.fold(name)]
        except KeyError:
            raise ProtocolError(
                ErrorCode.NO_SUCH_NAME, "Nobody here has that name; GET_NAMES lists who is here."
            ) from None

    def _name(self, member: Member, request: Request) -> None:
        new = protocol.check_name(request.name)
        folded = protocol.fold(new)
        if self._members.get(folded, member) != member:
            raise ProtocolError(ErrorCode.NAME_TAKEN, f"{new} is taken; choose another name.")
        old = self.names.get(member)
        if old is not None:
            del self._members[protocol.fold(old)]
        self.names[member] = new
        self._names_frames = []
        self._members[folded] = member
        self._carry_blocks(old, new)
        self._tell(member, f"HELLO {new}")
        if old is None:
            self._tell_others(member, f"JOINED {new}")
        elif old != new:
            self._tell_others(member, f"RENAMED {old} {new}")

    def _carry_blocks(self, old: str | None, new: str) -> None:
        """Let the blocks of a person follow them from their `old` name to their `new` one."""
        folded = protocol.fold(new)
        if old is not None and (blocked := self._blocked.pop(protocol.fold(old), None)):
            for blocker in blocked.blockers:
                self._lists[blocker].remove(protocol.fold(old))
                self._lists[blocker].add(folded)
            # Whoever blocked the last owner of the new name goes on blocking that name.
            earlier = self._blocked.get(folded)
            blocked.blockers |= earlier.blockers if earlier else set()
            self._blocked[folded] = blocked
        if folded in self._blocked:
            self._blocked[folded].spelling = new

    def _get_names(self, member: Member, _request: Request) -> None:
        if not self._names_frames:
            self._names_frames = protocol.names_frames(self.names.values())
        for frame in self._names_frames:
            self._deliver(member, frame)

    def _message(self, member: Member, request: Request) -> None:
        sender = self._name_of(member)
        blocked = self._blocked.get(protocol.fold(sender))
        blockers = blocked.blockers if blocked else set()
        if protocol.is_broadcast(request.name):
            frame = protocol.message(sender, protocol.BROADCAST, request.text)
            self._announce(frame, blockers | {member})
            return
        addressee = self._member_called(request.name)
        name = self.names[addressee]
        if addressee in blockers and addressee != member:  # a rename may make it oneself
            raise ProtocolError(ErrorCode.BLOCKED, f"{name} does not want your messages.")
        self._deliver(addressee, protocol.message(sender, name, request.text))

    def _block(self, member: Member, request: Request) -> None:
        self._name_of(member)
        other = self._member_called(request.name)
        if other == member:
            raise ProtocolError(ErrorCode.BAD_ARGUMENTS, "You cannot block yourself.")
        name = self.names[other]
        self._blocked.setdefault(protocol.fold(name), BlockedName(name)).blockers.add(member)
        self._lists.setdefault(member, set()).add(protocol.fold(name))
        self._tell(member, f"BLOCKED {name}")

    def _unblock(self, member: Member, request: Request) -> None:
        self._name_of(member)
        folded = protocol.fold(request.name)
        blocked = self._blocked.get(folded)
        if blocked is None or member not in blocked.blockers:
            raise ProtocolError(ErrorCode.NOT_BLOCKED, "You do not block anybody of that name.")
        self._lift_block(member, folded)
        self._tell(member, f"UNBLOCKED {blocked.spelling}")

    def _lift_block(self, member: Member, folded: str) -> None:
        blocked = self._blocked[folded]
        blocked.blockers.remove(member)
        if not blocked.blockers:
            del self._blocked[folded]
        self._lists[member].remove(folded)
        if not self._lists[member]:
            del self._lists[member]

    def _password(self, member: Member, _request: Request) -> None:
        self._tell(member, "ACCEPTED")  # the server wants none, or has judged it already


# -------------------------------------------------------------------------------- the connection

NOT_LISTENING = sys.maxsize  # beyond any announcement: what nameless connections have heard


class Connection:
    """One socket: what has come in, what still has to go out, and where it stands."""

    def __init__(
        self, client: socket.socket, address: tuple[str, int], tls: TLSStream | None = None
    ) -> None:
        self.tls = tls
        self.socket = tls or client
        self.address = address
        self.admitted = True  # False where the server wants a password and has not had it yet
        self.wrong_passwords = 0
        self.reader = protocol.FrameReader()  # holds a partial frame until the rest is here
        self.outbox: list[bytes | memoryview] = []  # what still has to go out, in this order
        self.unsent = 0  # bytes in the outbox
        self.heard = NOT_LISTENING  # how many of this turn's announcements it needs no more
        self.kernel_full = False  # it took less than all; select() tells when there is room again
        self.watched = 0  # the events that select() watches for
        self.paid_until = 0.0  # the time that its requests so far take up at its rate
        self.resting = False  # not read for now: it has asked enough for the moment
        self.input_ended = False  # the client closed its sending side: it asks nothing more
        self.leaving = False  # out of the room: what is in the outbox goes out, then it closes
        self.output_ended = False  # all went out; what still comes in is dropped

    def __str__(self) -> str:
        return endpoint(self.address)

    @property
    def is_shaking_hands(self) -> bool:
        """Whether TLS has to read before anything else can go out."""
        return self.tls is not None and self.tls.is_shaking_hands

    @property
    def waits_for_room(self) -> bool:
        """Whether select() is to tell when the kernel takes more."""
        if self.tls and (self.tls.unsent or self.tls.is_shaking_hands):
            return bool(self.tls.unsent)
        return self.kernel_full

    @property
    def is_stuffed(self) -> bool:
        """Whether OpenSSL, which answers by itself, has said more than the client cares to read."""
        return self.tls is not None and len(self.tls.unsent) >= ANSWERS_AHEAD

    def put(self, data: bytes | memoryview) -> None:
        """Add one frame or more to the outbox."""
        if len(self.outbox) == OUTBOX_PIECES:
            self.outbox = [b"".join(self.outbox)]
        self.outbox.append(data)
        self.unsent += len(data)

    def send_some(self) -> None:
        """Send as much of the outbox as the kernel takes at once; the rest stays for later.

        Raises OSError when the connection is broken.
        """
        chunk = self.outbox[0] if len(self.outbox) == 1 else b"".join(self._next_to_send())
        try:
            sent = self.socket.send(chunk)
        except (BlockingIOError, InterruptedError):
            sent = 0
        self.kernel_full = sent < len(chunk)
        self.unsent -= sent
        if not self.unsent:
            self.outbox.clear()
            return
        whole = 0
        while sent >= len(self.outbox[whole]):
            sent -= len(self.outbox[whole])
            whole += 1
        del self.outbox[:whole]
        # A view of the rest: the bytes themselves are shared with all the other outboxes.
        self.outbox[0] = memoryview(self.outbox[0])[sent:]

    def _next_to_send(self) -> list[bytes | memoryview]:
        """As much as makes up one send(), the last part of it perhaps beyond SEND_SIZE."""
        if self.unsent <= SEND_SIZE:
            return self.outbox
        sizes = accumulate(map(len, self.outbox))
        return self.outbox[: 1 + sum(1 for _ in takewhile(lambda size: size < SEND_SIZE, sizes))]


class TLSStream:
    """A connection's socket behind TLS. It behaves like a plain non-blocking one.

    OpenSSL never touches the socket: it is handed a piece of what has arrived, and what it wants
    to send is taken from it and sent when the kernel has room. So it never waits, and never works
    for long: a client may send thousands of records that carry nothing (RFC 8446, 4.6.3).
    """

    def __init__(self, client: socket.socket, context: ssl.SSLContext) -> None:
        self._socket = client
        self._context = context
        self._begun = False  # the client has sent something, be it TLS or not
        self._tls: ssl.SSLObject | None = None  # once the client's first byte has shown TLS
        self._arrived = ssl.MemoryBIO()  # encrypted, for OpenSSL
        self._produced = ssl.MemoryBIO()  # encrypted, by OpenSSL
        self._encrypted = 0  # bytes that send() was given and that are, encrypted, on their way
        self.unsent = b""  # encrypted, for the kernel
        self.ended = False  # the client has said that nothing more comes: TLS's close_notify

    @property
    def is_shaking_hands(self) -> bool:
        """Whether the handshake is still to be finished: until then nothing else can go out."""
        return not self._tls.version() if self._tls else not self._begun

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        """Take up to `size` bytes and return all that they decrypt to: OpenSSL keeps none back.

        The handshake is part of it. Raises BlockingIOError while there is nothing, OSError when
        the connection is broken, and ProtocolError (TLS_REQUIRED) for a client that does not
        speak TLS.
        """
        arrived = self._socket.recv(min(size, TLS_PIECE))
        if arrived and not self._begun:
            self._begin(arrived)
        if not arrived or not self._tls:
            return arrived
        self._arrived.write(arrived)
        try:
            if self.is_shaking_hands:
                self._tls.do_handshake()
            return self._decrypt(self._tls)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        finally:
            self.flush()  # its part of the handshake, or what it has to complain of

    def _begin(self, arrived: bytes) -> None:
        """Look at the first byte before the handshake takes it: 22 begins one (RFC 8446, 5.1)."""
        self._begun = True
        if not arrived.startswith(b"\x16"):
            sentence = "This server speaks TLS only: python chat_client.py --tls"
            raise ProtocolError(ErrorCode.TLS_REQUIRED, sentence)
        self._tls = self._context.wrap_bio(self._arrived, self._produced, server_side=True)

    def _decrypt(self, tls: ssl.SSLObject) -> bytes:
        pieces = []
        try:
            while piece := tls.read(TLS_PIECE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            if not pieces:
                raise
        return b"".join(pieces)

    def send(self, data: bytes | memoryview) -> int:
        """Send some of `data`; return how many bytes of it the kernel has taken, encrypted.

        What is encrypted can only be sent as it is. So after BlockingIOError the same bytes are
        expected again, though more may follow them: an outbox does just that.
        """
        if not self._tls:
            return self._socket.send(data)
        if not self._encrypted:
            try:
                self._encrypted = self._tls.write(memoryview(data)[:TLS_PIECE])
            except ssl.SSLWantReadError:  # still shaking hands
                raise BlockingIOError from None
        self.flush()
        if self.unsent:
            raise BlockingIOError
        sent, self._encrypted = self._encrypted, 0
        return sent

    def flush(self) -> None:
        """Send what is encrypted, as far as the kernel takes it. Raises OSError."""
        self.unsent += self._produced.read()
        try:
            while self.unsent:
                self.unsent = self.unsent[self._socket.send(self.unsent) :]
        except (BlockingIOError, InterruptedError):
            pass  # select() tells when there is room again

    def shutdown(self, how: int) -> None:
        """Tell the client that nothing more comes: TLS's close_notify, then TCP's FIN.

        Raises BlockingIOError while there is no room for that.
        """
        if self._tls:
            try:
                self._tls.unwrap()
            except (OSError, ValueError):
                pass  # the client's own close_notify need not be waited for (RFC 8446, 6.1)
            self.flush()
            if self.unsent:
                raise BlockingIOError
        self._socket.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def endpoint(address: tuple[str, int]) -> str:
    """Return an address the way people write it: 127.0.0.1:8820, [::1]:8820 (RFC 3986)."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# -------------------------------------------------------------------------------------- the loop

Waiter = TypeVar("Waiter", bound=Hashable)


def seconds_until(due: float) -> float | None:
    """Return how long select() may sleep until a deadline; None, for good, if there is none."""
    if due == math.inf:
        return None
    return min(max(0.0, due - time.monotonic()), LONGEST_SLEEP_SECONDS)


class WaitingLine(dict[Waiter, float]):
    """Those who wait for the same number of seconds, and when each of them is due.

    Who joined first is due first, and a dict keeps them in just that order; it also lets anyone
    step out of the middle at once. So nobody is ever searched for, and a deadline that no longer
    matters wakes nobody.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def join(self, waiter: Waiter) -> None:
        """Let `waiter` wait from now on; whoever waited already starts again at the end."""
        self.step_out(waiter)
        self[waiter] = time.monotonic() + self.seconds

    def step_out(self, waiter: Waiter) -> bool:
        """Let `waiter` wait no longer; return whether it was in the line at all."""
        return self.pop(waiter, None) is not None

    def next_due(self) -> float:
        """When the first is due, on the monotonic clock. There has to be one."""
        return next(iter(self.values()))

    def take_due(self) -> list[Waiter]:
        """Take out those whose time has come."""
        now = time.monotonic()
        waiters = [waiter for waiter, _ in takewhile(lambda wait: wait[1] <= now, self.items())]
        for waiter in waiters:
            del self[waiter]
        return waiters


class Limits(NamedTuple):
    """What one client may use up, from the command line."""

    places: int  # connections at a time
    places_per_address: float  # connections from one address
    rate: float  # requests a second from one connection; 0 for no limit
    backlog: int  # bytes that may wait for a client that does not read
    login_seconds: float  # to choose a name in


class Server:
    """The select() loop, and what it does when a socket is ready or a deadline has come."""

    def __init__(
        self,
        listeners: list[socket.socket],
        signals: socket.socket,
        selector: selectors.BaseSelector,
        limits: Limits,
        log: Callable[[str], None],
        *,
        verbose: bool = False,
        is_password: Callable[[bytes], bool] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.listeners = listeners
        self.signals = signals
        self.selector = selector
        self.limits = limits
        self.log = log
        self.verbose = verbose
        self.is_password = is_password  # None where everyone is let in
        self.tls = tls
        self.connections: set[Connection] = set()
        self.connections_per_host: Counter[str] = Counter()
        self.room: Room[Connection] = Room(self.deliver, self.announce)
        # What this turn of the loop has to say: to some, and to everyone who has a name.
        self.news: set[Connection] = set()  # whose outbox grew
        self.announced: list[bytes] = []
        self.said = 0  # bytes, each frame once
        self.backed_up: set[Connection] = set()  # ask faster than they read our answers
        # Everything that has to happen later. The first deadline among them is select()'s timeout.
        self.nameless = WaitingLine[Connection](limits.login_seconds)
        self.request_seconds = 1 / limits.rate if limits.rate else 0.0
        self.over_rate = WaitingLine[Connection](max(MIN_REST_SECONDS, self.request_seconds))
        self.next_turn = WaitingLine[Connection](0)
        self.handshakes = WaitingLine[Connection](0)  # that have something to read
        self.last_words = WaitingLine[Connection](LAST_WORDS_SECONDS)
        self.farewells = WaitingLine[Connection](FAREWELL_SECONDS)
        self.resting_listeners = WaitingLine[socket.socket](ACCEPT_REST_SECONDS)
        self.doubted_hosts = WaitingLine[str](PASSWORD_REST_SECONDS)  # sent a wrong password
        self.held: dict[str, dict[Connection, Request]] = {}  # by host: who tries the next one
        self.waiting_lines: tuple[WaitingLine[Any], ...] = (
            self.nameless,
            self.over_rate,
            self.next_turn,
            self.handshakes,
            self.last_words,
            self.farewells,
            self.resting_listeners,
            self.doubted_hosts,
        )
        selector.register(signals, selectors.EVENT_READ)
        for listener in listeners:
            selector.register(listener, selectors.EVENT_READ, listener)

    def serve(self) -> None:
        """Run the chat until it was stopped and everyone has been seen off."""
        while self.listeners or self.connections:
            due = self.next_deadline()
            for key, events in self.selector.select(seconds_until(due)):
                if isinstance(key.data, Connection):
                    if events & selectors.EVENT_WRITE:
                        key.data.kernel_full = False
                        self.guard(self.flush, key.data)
                    if events & selectors.EVENT_READ:
                        self.guard(self.receive, key.data)
                elif key.fileobj is self.signals:
                    self.heed_signals()
                elif key.data in self.listeners:
                    self.accept_waiting(key.data)
                if self.said > TURN_SIZE:
                    self.send_news()  # enough for now: nobody's outbox is to swell within a turn
            if due <= time.monotonic():
                self.meet_deadlines()
            self.send_news()

    def next_deadline(self) -> float:
        """When the first deadline is due, on the monotonic clock; infinity for none."""
        due = math.inf
        for line in self.waiting_lines:
            if line:
                due = min(due, line.next_due())
        return due

    def meet_deadlines(self) -> None:
        """Do what has become due."""
        self.shake_hands()
        for line in (self.next_turn, self.over_rate):
            for connection in line.take_due():
                self.guard(self.resume, connection)
                if self.said > TURN_SIZE:
                    self.send_news()
        for connection in self.nameless.take_due():
            seconds = f"{self.limits.login_seconds:g}"
            sentence = (
                f"You chose no name within {seconds} seconds; connect again when you have one."
            )
            self.expel(connection, ErrorCode.TIMEOUT, sentence, "chose no name in time")
        for line in (self.last_words, self.farewells):
            for connection in line.take_due():
                self.close(connection)
        for host in self.doubted_hosts.take_due():
            for connection, request in self.held.pop(host, {}).items():
                self.guard(partial(self.try_held_password, request), connection)
        for listener in self.resting_listeners.take_due():
            self.selector.register(listener, selectors.EVENT_READ, listener)

    def guard(self, serve: Callable[[Connection], None], connection: Connection) -> None:
        """Serve one connection. A fault of ours costs that client its place, and nobody else's."""
        if connection not in self.connections:
            return  # closed earlier in this turn
        try:
            serve(connection)
        except Exception as fault:  # noqa: BLE001 (whatever it is: the others go on talking)
            try:
                self.depart(connection, "a fault in the server, see below")
            finally:
                self.close(connection)
            self.log(trace_of(fault))

    # -- coming

    def accept_waiting(self, listener: socket.socket) -> None:
        """Let in everyone who waits.

        A class that connects at the same moment should not be let in one per turn of the loop.
        """
        for _ in range(ACCEPTS_PER_TURN):
            try:
                client, address = listener.accept()
                client.setblocking(False)
            except (BlockingIOError, InterruptedError):
                return  # nobody waits any more
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    # The listener stays readable, so watching on would spin. Those who knock
                    # wait in the kernel's backlog meanwhile.
                    self.log(f"cannot accept for now: {error.strerror}")
                    self.selector.unregister(listener)
                    self.resting_listeners.join(listener)
                    return
                continue  # this one has gone again before it was let in
            self.welcome(client, address)

    def welcome(self, client: socket.socket, address: tuple[str, int]) -> None:
        """Give a newcomer a place, or the reason why there is none."""
        if not self.has_place_for(client):
            self.refuse(client, address, "Every place here is taken; try again later.")
        elif self.connections_per_host[address[0]] >= self.limits.places_per_address:
            sentence = "Your machine has all the places that one machine may have here."
            self.refuse(client, address, sentence)
        else:
            try:
                prepare(client)
            except OSError:
                client.close()  # reset between accept() and here
                return
            connection = Connection(
                client, address, TLSStream(client, self.tls) if self.tls else None
            )
            connection.admitted = self.is_password is None
            self.connections.add(connection)
            self.connections_per_host[address[0]] += 1
            self.nameless.join(connection)
            self.watch(connection)
            self.log(f"{connection} connected ({len(self.connections)} of {self.limits.places})")

    def has_place_for(self, client: socket.socket) -> bool:
        """Whether there is a place left, and a descriptor that the selector can watch."""
        if len(self.connections) >= self.limits.places:
            return False
        # A program that started us may have left us descriptors: then the numbers run out first.
        return (
            sys.platform == "win32"
            or client.fileno() < FD_SETSIZE
            or not isinstance(self.selector, selectors.SelectSelector)
        )

    def refuse(self, client: socket.socket, address: tuple[str, int], sentence: str) -> None:
        """Tell a newcomer that there is no place, without keeping its descriptor for a moment."""
        with client:
            try:
                client.send(refusal(sentence))
                client.shutdown(socket.SHUT_WR)
                client.recv(RECEIVE_SIZE)  # unread bytes would turn close() into a reset
            except OSError:
                pass  # it has gone, or sent nothing yet: either way there is nothing to do
        self.log(f"{endpoint(address)} refused: {sentence}")

    # -- asking

    def receive(self, connection: Connection) -> None:
        """Deal with what one client has sent, if it is its turn."""
        if connection.is_shaking_hands:
            if connection not in self.handshakes:  # its place in the line stays
                self.handshakes.join(connection)
        elif not connection.resting:
            self.read(connection)

    def shake_hands(self) -> None:
        """Go on with TLS handshakes, each of which may take milliseconds, as far as time allows.

        Whoever has waited the longest comes first; who is in already is not held up.
        """
        end = time.monotonic() + HANDSHAKE_SECONDS
        while self.handshakes and time.monotonic() < end:
            connection = next(iter(self.handshakes))
            self.handshakes.step_out(connection)
            if not connection.resting:
                self.guard(self.read, connection)

    def read(self, connection: Connection) -> None:
        """Read once, and answer every request that is whole by then."""
        try:
            data = connection.socket.recv(RECEIVE_SIZE)
        except ProtocolError as error:
            self.expel(connection, error.code, str(error), "does not speak TLS")
            return
        except (BlockingIOError, InterruptedError):
            self.watch(connection)  # nothing there after all, see select(2); or nothing for us
            return
        except OSError as error:
            self.lose(connection, error)
            return
        if not data or (connection.tls and connection.tls.ended):
            connection.input_ended = True
        if connection.leaving:
            self.finish(connection)
            return
        self.feed(connection, data)
        self.answer_requests(connection)

    def feed(self, connection: Connection, data: bytes) -> None:
        """Hand what a read returned to the connection's frame reader."""
        connection.reader.feed(data)

    def resume(self, connection: Connection) -> None:
        """Deal with a client again that had to wait for its turn."""
        connection.resting = False
        self.answer_requests(connection)

    def answer_requests(self, connection: Connection) -> None:
        """Answer the requests that have arrived whole, until none is left or its turn is over."""
        try:
            for _ in range(REQUESTS_PER_TURN):
                payload = connection.reader.next_payload()
                if payload is None:
                    break
                self.answer(connection, payload)
                if connection.leaving or not self.may_go_on(connection):
                    return
            else:
                self.rest(connection)
                self.next_turn.join(connection)
                return
        except ProtocolError as error:
            self.expel(connection, error.code, str(error), "sent something that is no frame")
            return
        if connection.input_ended:
            self.part_from(connection, "closed the connection")
        else:
            self.watch(connection)

    def answer(self, connection: Connection, payload: bytes) -> None:
        """Do what one request asks for, or say why not."""
        try:
            text = protocol.read_request_text(payload)
            if not connection.admitted and protocol.split_verb(text)[0] not in ("PASS", "EXIT"):
                sentence = f"This server wants a password first: {protocol.USAGE['PASS']}"
                raise ProtocolError(ErrorCode.PASSWORD_REQUIRED, sentence)
            request = protocol.parse_request(text)
            if self.verbose:
                self.log_request(connection, request)
            if request.verb == "EXIT":
                self.tell(connection, "BYE")
                self.part_from(connection, "left")
                return
            if not connection.admitted:
                self.check_password(connection, request)
                return
            before = self.room.names.get(connection)
            self.room.handle(connection, request)
        except ProtocolError as error:
            self.deliver(connection, error_frame(error.code, str(error)))
            return
        name = self.room.names.get(connection)
        if name != before:
            self.nameless.step_out(connection)
            self.log(f"{before or connection} is now called {name}")

    def check_password(self, connection: Connection, request: Request) -> None:
        """Let a client in if its password is right.

        After a wrong one, whoever tries the next from the same address waits; nobody else does.
        """
        host = connection.address[0]
        if host in self.doubted_hosts:
            held = self.held.setdefault(host, {})
            if len(held) == HELD_PER_HOST:  # or those who come, guess and go would fill every place
                sentence = "Too many from your address wait for their turn; try again later."
                self.expel(connection, ErrorCode.SERVER_FULL, sentence, "too many wait there")
                return
            held[connection] = request
            self.rest(connection)
        elif self.is_password and self.is_password(request.text.encode()):
            connection.admitted = True
            self.room.handle(connection, request)
        else:
            self.doubted_hosts.join(host)
            connection.wrong_passwords += 1
            if connection.wrong_passwords < MAX_PASSWORD_TRIES:
                sentence = "That is not the password; try again."
                self.deliver(connection, error_frame(ErrorCode.BAD_PASSWORD, sentence))
            else:
                sentence = "That is not the password either."
                reason = "did not know the password"
                self.expel(connection, ErrorCode.BAD_PASSWORD, sentence, reason)

    def try_held_password(self, request: Request, connection: Connection) -> None:
        """Look at a password that had to wait, and at what was sent behind it."""
        connection.resting = False
        self.check_password(connection, request)
        if not (connection.leaving or connection.resting):
            self.answer_requests(connection)

    def log_request(self, connection: Connection, request: Request) -> None:
        """Log what somebody asks for, except a password."""
        text = "(not shown)" if request.verb == "PASS" else request.text
        words = " ".join(filter(None, (request.verb, request.name, text)))
        self.log(f"{self.who(connection)} asks: {words}")

    def may_go_on(self, connection: Connection) -> bool:
        """Count one request of this client; return whether its next may be dealt with at once.

        If not, the client rests. Nothing is dropped and nothing refused: a resting client is not
        read from, so that soon its own kernel stops it from sending (TCP flow control). Nobody
        else notices.
        """
        now = time.monotonic()
        connection.paid_until = max(connection.paid_until, now) + self.request_seconds
        if connection.resting:
            return False  # its password has to wait
        if connection.paid_until - now > BURST_SECONDS:
            self.rest(connection)
            self.over_rate.join(connection)
            return False
        # Where TLS is shaking hands, only more reading lets anything out.
        if connection.unsent >= ANSWERS_AHEAD and not connection.is_shaking_hands:
            self.rest(connection)  # until it has read what it asked for, see flush()
            self.backed_up.add(connection)
            return False
        return True

    def rest(self, connection: Connection) -> None:
        """Read nothing more from this client for now."""
        connection.resting = True
        self.watch(connection)

    # -- hearing

    def who(self, connection: Connection) -> str:
        """Return what a connection is called in the log: its name, else its address."""
        return self.room.names.get(connection) or str(connection)

    def tell(self, connection: Connection, payload: str) -> None:
        """Put a payload into one outbox, as a frame."""
        self.deliver(connection, protocol.encode(payload))

    def deliver(self, connection: Connection, frame: bytes) -> None:
        """Put a frame into one outbox; it goes out at the end of this turn."""
        self.catch_up(connection)
        connection.put(frame)
        self.news.add(connection)
        self.said += len(frame)

    def announce(self, frame: bytes, deaf: Collection[Connection]) -> None:
        """Let everyone who has a name hear a frame at the end of this turn, but not the `deaf`.

        It is written down once, not once for each listener. Only those for whom this turn is in
        some way different, because they are deaf to something or are told something of their
        own, get what they have missed into their own outbox, so that the order stays.
        """
        for connection in deaf:
            self.catch_up(connection)
        self.announced.append(frame)
        self.said += len(frame)
        for connection in deaf:
            # So a newcomer, deaf to its own JOINED, begins to listen.
            connection.heard = len(self.announced)

    def catch_up(self, connection: Connection) -> None:
        """Put the announcements that a connection has not heard yet into its outbox."""
        missed = self.announced[connection.heard :]
        if missed:
            connection.put(b"".join(missed))
            connection.heard = len(self.announced)

    def send_news(self) -> None:
        """Send what this turn had to say.

        Whatever it was for one listener, one message or a hundred, costs one system call.
        """
        while self.announced or self.news:  # flush() may cut somebody off: that is news again
            self.send_announcements()
            while self.news:
                self.guard(self.flush, self.news.pop())
        self.said = 0

    def send_announcements(self) -> None:
        """Send what everyone is to hear, joined once for all of them."""
        if not self.announced:
            return
        everything = b"".join(self.announced)
        for connection in self.room.names:
            if connection.heard:
                self.catch_up(connection)
                connection.heard = 0
            elif connection.outbox:
                connection.put(everything)
            else:
                # Straight to the kernel: a listener who needs nothing else never sees its outbox.
                try:
                    sent = connection.socket.send(everything)
                except OSError:
                    sent = 0  # its kernel is full, or it is gone: flush() will see which
                if sent == len(everything):
                    continue
                connection.put(memoryview(everything)[sent:])
            self.news.add(connection)
        self.announced.clear()

    def flush(self, connection: Connection) -> None:
        """Send what waits for one client, as far as its kernel takes it."""
        unsent = connection.unsent
        try:
            if connection.tls:
                connection.tls.flush()
            while connection.outbox and not connection.kernel_full:
                connection.send_some()
        except OSError as error:
            self.lose(connection, error)
            return
        if connection.unsent > self.limits.backlog:
            reason = f"cut off: {connection.unsent} bytes wait for it and it does not read"
            self.depart(connection, reason)
            self.close(connection)
        elif connection.leaving:
            if connection.unsent < unsent and self.last_words.step_out(connection):
                self.last_words.join(connection)  # it goes on reading: its time starts again
            self.finish(connection)
        else:
            if connection in self.backed_up and connection.unsent < ANSWERS_AHEAD:
                self.backed_up.remove(connection)
                self.next_turn.join(connection)
            self.watch(connection)

    def watch(self, connection: Connection) -> None:
        """Have select() watch for what this connection waits for now, and for nothing else."""
        events = 0
        if not (connection.input_ended or connection.resting or connection.is_stuffed):
            events |= selectors.EVENT_READ
        if connection.waits_for_room:
            events |= selectors.EVENT_WRITE
        if events == connection.watched:
            return
        if not connection.watched:
            self.selector.register(connection.socket, events, connection)
        elif events:
            self.selector.modify(connection.socket, events, connection)
        else:
            self.selector.unregister(connection.socket)
        connection.watched = events

    # -- leaving: lose (broken), expel (our wish) and part_from (in good order) all depart from the
    # room; see_off and finish let the last words arrive; close gives everything back.

    def lose(self, connection: Connection, error: OSError) -> None:
        """See to it that a broken connection is a departure like any other."""
        self.depart(connection, f"connection lost ({error.strerror or error})")
        self.close(connection)

    def expel(self, connection: Connection, code: ErrorCode, sentence: str, reason: str) -> None:
        """Close a connection, but let the reason arrive first."""
        self.deliver(connection, error_frame(code, sentence))
        self.part_from(connection, reason)

    def part_from(self, connection: Connection, reason: str) -> None:
        """Take a client out of the room; what waits for it still goes out before it is closed."""
        self.depart(connection, reason)
        self.see_off(connection)

    def depart(self, connection: Connection, reason: str) -> None:
        """Take a client out of the room and tell the others."""
        if not connection.leaving:
            self.log(f"{self.who(connection)} gone: {reason}")
            self.room.leave(connection)
            connection.heard = NOT_LISTENING

    def see_off(self, connection: Connection) -> None:
        """From now on only send, for a moment: neither flood nor stalled reader may stay."""
        self.forget_deadlines(connection)
        connection.leaving = True
        # When the server ends, what is queued has as long as a farewell, and no longer.
        (self.last_words if self.listeners else self.farewells).join(connection)
        self.news.add(connection)

    def forget_deadlines(self, connection: Connection) -> None:
        """Let nothing of what it waited for happen to it any more."""
        for line in (self.nameless, self.over_rate, self.next_turn):
            line.step_out(connection)
        self.backed_up.discard(connection)
        self.held.get(connection.address[0], {}).pop(connection, None)
        connection.resting = False

    def finish(self, connection: Connection) -> None:
        """Close a leaving connection as far as that is possible by now.

        close() with unread bytes in the kernel makes TCP send a reset, and that overtakes the
        reason we gave. So first only our side is shut down, and what still comes in is read and
        dropped until the client closes its own (RFC 1122, 4.2.2.13).
        """
        if not connection.outbox and not connection.output_ended:
            try:
                connection.socket.shutdown(socket.SHUT_WR)
            except BlockingIOError:
                self.watch(connection)  # TLS has a last word of its own, and there is no room yet
                return
            except OSError:
                connection.input_ended = True  # it is gone already
            connection.output_ended = True
            if self.last_words.step_out(connection):
                self.farewells.join(connection)
        if connection.output_ended and connection.input_ended:
            self.close(connection)
        else:
            self.watch(connection)

    def close(self, connection: Connection) -> None:
        """Give back all that a connection has used."""
        if connection.watched:
            self.selector.unregister(connection.socket)
        connection.socket.close()
        self.connections.remove(connection)
        self.forget_deadlines(connection)
        for line in (self.handshakes, self.last_words, self.farewells):
            line.step_out(connection)
        self.news.discard(connection)
        host = connection.address[0]
        self.connections_per_host[host] -= 1
        if not self.connections_per_host[host]:
            del self.connections_per_host[host]  # or every address that ever called would stay

    def heed_signals(self) -> None:
        """Ctrl+C or SIGTERM: say goodbye to everyone; the second time, just go."""
        for number in self.signals.recv(RECEIVE_SIZE):
            if self.listeners:
                self.stop(STOP_SENTENCES[signal.Signals(number)])
            else:
                for connection in list(self.connections):
                    self.close(connection)

    def stop(self, sentence: str) -> None:
        """Let nobody in any more and see everyone off; serve() ends when all have gone."""
        self.log(sentence)
        for listener in self.listeners:
            if not self.resting_listeners.step_out(listener):
                self.selector.unregister(listener)
            listener.close()
        self.listeners = []
        for connection in self.connections:
            if not connection.leaving:
                self.tell(connection, f"INFO {sentence}")
                self.tell(connection, "BYE")
            self.see_off(connection)


class WireServer(Server):
    """The same server, showing in its log every frame as it travels.

    A class of its own, so that nobody pays for it who does not look.
    """

    def feed(self, connection: Connection, data: bytes) -> None:
        """Show what a read really returned where TCP has cut it otherwise than into frames."""
        if shown := protocol.show_read(connection.reader.waiting, data):
            if not connection.admitted:
                shown = shown.partition(": ")[0]  # it may be a piece of a password
            self.log(f"← {self.who(connection)} {shown}")
        super().feed(connection, data)

    def answer(self, connection: Connection, payload: bytes) -> None:
        self.log(f"← {self.who(connection)} {protocol.show_frame(payload)}")
        super().answer(connection, payload)

    def deliver(self, connection: Connection, frame: bytes) -> None:
        self.log(f"→ {self.who(connection)} {self.shown(frame)}")
        super().deliver(connection, frame)

    def announce(self, frame: bytes, deaf: Collection[Connection]) -> None:
        listeners = [name for other, name in self.room.names.items() if other not in deaf]
        if listeners:
            self.log(f"→ {', '.join(listeners)} {self.shown(frame)}")
        super().announce(frame, deaf)

    def refuse(self, client: socket.socket, address: tuple[str, int], sentence: str) -> None:
        self.log(f"→ {endpoint(address)} {self.shown(refusal(sentence))}")
        super().refuse(client, address, sentence)

    def shown(self, frame: bytes) -> str:
        payload = frame[protocol.LENGTH_FIELD_SIZE :]
        shown = protocol.show_frame(payload)
        if self.is_password and payload.startswith(b"ERROR BAD_FRAME "):
            # It quotes what came: perhaps the end of a password whose length was counted wrong.
            shown = shown[: len("0000│ERROR BAD_FRAME ")] + "····"
        return shown


def trace_of(fault: Exception) -> str:
    """Return the traceback of a fault, for the log."""
    try:
        return "".join(traceback.format_exception(fault)).rstrip()
    except OSError:
        # It reads our source files, and there may be no descriptor left.
        return f"{type(fault).__name__}: {fault}"


def error_frame(code: ErrorCode, sentence: str) -> bytes:
    """Return the frame that tells a client what went wrong."""
    return protocol.encode(f"ERROR {code.value} {sentence}")


def refusal(sentence: str) -> bytes:
    """Return the frame that a newcomer gets for whom there is no place."""
    return error_frame(ErrorCode.SERVER_FULL, sentence)


def prepare(client: socket.socket) -> None:
    """Set what every connection needs.

    A frame goes out at once, instead of waiting to fill a packet (Nagle's algorithm, RFC 896);
    and a peer that vanished without a word is found within two minutes.
    """
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in protocol.KEEPALIVE_OPTIONS.items():
        if hasattr(socket, option):
            client.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


# ------------------------------------------------------------------------------------- the start

STOP_SENTENCES = {
    signal.SIGINT: "The server is being shut down from its keyboard.",
    signal.SIGTERM: "The server is being shut down by its machine.",
}

SELECTORS: dict[str, type[selectors.BaseSelector]] = {
    name: getattr(selectors, class_name)
    for name, class_name in (
        ("select", "SelectSelector"),
        ("auto", "DefaultSelector"),
        ("poll", "PollSelector"),
        ("epoll", "EpollSelector"),
        ("kqueue", "KqueueSelector"),
    )
    if hasattr(selectors, class_name)
}


def open_listeners(host: str | None, port: int) -> list[socket.socket]:
    """Listen on every address of `host` (None: on all that this machine has), all on one port.

    IPv4 and IPv6 get a listener each: select() does not mind watching two. Raises OSError.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in sorted(addresses):  # IPv4 has the lower number everywhere
        if listeners:
            address = (address[0], listeners[0].getsockname()[1], *address[2:])
        try:
            # create_server() sets SO_REUSEADDR where it means "although the last server's
            # connections are still fading away", and not on Windows, where it would mean
            # "although another program has this port". The backlog is as long as the system
            # allows: a whole class may connect at the same second.
            listener = socket.create_server(address, family=family, backlog=socket.SOMAXCONN)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                for listener in listeners:
                    listener.close()
                raise
            missing = error  # no IPv6 here, say; the other family may do
            continue
        listener.setblocking(False)
        listeners.append(listener)
    if missing and not listeners:
        raise missing
    return listeners


def why_not_listening(error: OSError | UnicodeError, arguments: argparse.Namespace) -> str:
    """Say in a sentence what to do when open_listeners() failed."""
    if not isinstance(error, OSError):  # the name breaks the rules for host names
        return f"{arguments.host!r} is no host name."
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {arguments.port} is in use: is a chat server running already? "
            "Stop it, or choose another port with --port."
        )
    if error.errno == errno.EACCES:
        return f"no permission for port {arguments.port}; choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return (
            f"{arguments.host} is no address of this machine; "
            "leave --host out to listen on all that it has."
        )
    return f"cannot listen on port {arguments.port}: {error.strerror or error}."


def why_not_loaded(error: OSError | ValueError, options: argparse.Namespace) -> str:
    """Say in a sentence what is wrong with the password's or the certificate's file."""
    if not isinstance(error, OSError):  # a UnicodeError is a ValueError too
        return f"{options.password_file} holds no password: {error}."
    if error.filename:
        return f"cannot read {error.filename}: {error.strerror}."
    files = f"{options.tls_cert} and {options.tls_key}"
    return f"{files} are no certificate and its key: {error.strerror or error}."


def descriptor_limit(selector: selectors.BaseSelector) -> int:
    """How many descriptors this process may have and this selector can watch."""
    limit = sys.maxsize
    try:
        import resource
    except ImportError:
        pass  # Windows has no such limit
    else:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            pass  # macOS says "unlimited" and does not mean it
        if soft != resource.RLIM_INFINITY:
            limit = soft
    return min(limit, FD_SETSIZE) if isinstance(selector, selectors.SelectSelector) else limit


def address_for_others(host: str) -> str:
    """Return the address at which other machines reach a server that listens on `host`."""
    if host == "0.0.0.0":
        family, nobody, this_machine = socket.AF_INET, "192.0.2.1", "127.0.0.1"  # RFC 5737
    elif host == "::":
        family, nobody, this_machine = socket.AF_INET6, "2001:db8::1", "::1"  # RFC 3849
    else:
        return host
    # Connecting a datagram socket sends nothing; the system only chooses the way out, and with
    # it our address there. These addresses belong to nobody.
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((nobody, protocol.PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return this_machine  # no network at all


def number_between(
    convert: Callable[[str], float], low: float, high: float
) -> Callable[[str], float]:
    """Return an argparse type: a number from `low` to `high`."""

    def parse(text: str) -> float:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            most = "up" if high == math.inf else f"to {high:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} {most}")
        return value

    return parse


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what one client may use up."""
    add = parser.add_argument
    add(
        "--max-clients",
        type=number_between(int, 1, math.inf),
        metavar="N",
        help="let in no more than this many (default: "
        "as many as the selector and the process's file limit allow)",
    )
    add(
        "--max-per-address",
        type=number_between(int, 1, math.inf),
        default=math.inf,
        metavar="N",
        help="let in no more than this many from one address (default: no limit)",
    )
    add(
        "--rate",
        type=number_between(float, 0, math.inf),
        default=50,
        metavar="N",
        help="requests a second that one client may send, with bursts of twice that; "
        "who sends faster is slowed down; 0 for no limit (default: %(default)s)",
    )
    add(
        "--max-backlog",
        type=number_between(int, 1, math.inf),
        default=1024,
        metavar="KIB",
        help="cut off a client that does not read once more than this many KiB wait for it "
        "(default: %(default)s)",
    )
    add(
        "--login-timeout",
        type=number_between(float, 0, math.inf),
        default=300,
        metavar="SECONDS",
        help="close a connection that has chosen no name by then; 0 for never "
        "(default: %(default)s)",
    )


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options; where they are wrong, say so and end with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="chat_server.py",
        description="A chat for a classroom: start this on one machine, "
        "chat_client.py on the others.",
        epilog="Ctrl+C stops the server and says goodbye to everyone.",
    )
    add = parser.add_argument
    add(
        "--host",
        metavar="ADDRESS",
        help="listen on this address only (default: all that this machine has, IPv4 and IPv6)",
    )
    add(
        "--port",
        type=number_between(int, 0, 65535),
        default=protocol.PORT,
        metavar="N",
        help="listen on this port; 0 takes a free one (default: %(default)s)",
    )
    add_limits(parser)
    add(
        "--password-file",
        metavar="FILE",
        help="let in only those who know the password in this file (default: everyone)",
    )
    add("--tls-cert", metavar="FILE", help="speak TLS, with this certificate (default: none)")
    add("--tls-key", metavar="FILE", help="the certificate's private key (default: none)")
    add(
        "--selector",
        choices=SELECTORS,
        default="select",
        help="how to wait for the sockets; auto is the best that this system has, "
        "select() works everywhere (default: %(default)s)",
    )
    add(
        "--verbose",
        action="store_true",
        help="log every request too, and with it what people say (default: off)",
    )
    add(
        "--wire",
        action="store_true",
        help="log every frame as it travels, and with it what people say (default: off)",
    )
    add("--version", action="version", version=f"chat_server {protocol.VERSION}")
    options = parser.parse_args(arguments)
    if bool(options.tls_cert) != bool(options.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    return options


def load_tls(certificate: str, key: str) -> ssl.SSLContext:
    """Return what a server needs to speak TLS 1.2 and later. Raises OSError."""
    global ssl
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def load_password(path: str) -> Callable[[bytes], bool]:
    """Return a test for the password in a file: the whole first line, without its end.

    It takes the same time however much of the password is right. Raises OSError, and ValueError
    when no client could send such a password.
    """
    import hmac

    with open(path, encoding="utf-8-sig") as file:
        password = protocol.check_password(file.readline().rstrip("\r\n"))
    return partial(hmac.compare_digest, password.encode())


class Output:
    """Standard output, for whoever runs the server.

    A window that is held (Ctrl+S), a terminal or a pipe that nobody reads must not hold the chat: a
    line that finds no room is left out, and the next one says so.
    """

    def __init__(self) -> None:
        self._left_out = 0  # lines
        self._patience = 0.0  # seconds that may still be waited, of those for this second
        self._renewed = 0.0  # when this second began
        self._descriptor = -1  # where select() cannot watch it: on Windows, and in IDLE's window
        if sys.platform != "win32" and sys.stdout:
            try:
                self._descriptor = sys.stdout.fileno()
                # select() finds room in a terminal for one character; a longer line would wait.
                # Opened once more, for us alone, it takes what it can and says how much that was.
                terminal = os.ttyname(self._descriptor)
                flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
                self._descriptor = os.open(terminal, flags)
            except OSError:
                pass  # it is no terminal, or somebody else's

    def say(self, text: str) -> None:
        """Print a line at once."""
        if self._left_out:
            text = f"\n({self._left_out} lines are left out: nobody read them)\n{text}"
        text += "\n"
        try:
            for start in range(0, len(text), PRINT_SIZE):
                if not self._write(text[start : start + PRINT_SIZE]):
                    self._left_out += 1
                    return
                self._left_out = 0
        except OSError:
            # Nobody reads our output any more, or the disk is full: that stops no conversation.
            sys.stdout, self._descriptor = None, -1

    def log(self, text: str) -> None:
        """Print what has happened, with the time."""
        self.say(f"{time.strftime('%H:%M:%S')} {protocol.harmless(text)}")

    def _write(self, text: str) -> bool:
        """Write a piece of a line; return whether there was room for it. Raises OSError."""
        if self._descriptor < 0:
            print(text, end="", flush=True)  # nothing, where sys.stdout is None
            return True
        data = text.encode(sys.stdout.encoding, "backslashreplace")
        try:
            return self._has_room() and os.write(self._descriptor, data) == len(data)
        except BlockingIOError:
            return False

    def _has_room(self) -> bool:
        now = time.monotonic()
        if now - self._renewed > 1.0:
            self._renewed, self._patience = now, PRINT_PATIENCE_SECONDS
        patience = 0.0 if self._left_out else max(0.0, self._patience)
        room = bool(select.select([], [self._descriptor], [], patience)[1])
        self._patience -= time.monotonic() - now
        return room


def catch_signals() -> socket.socket:
    """Return a socket from which the number of every Ctrl+C and SIGTERM can be read.

    The loop then sees a signal as one more readable socket. It is the only way that works
    everywhere: on Windows, Ctrl+C does not interrupt select().
    """
    loop_side, signal_side = socket.socketpair()
    loop_side.setblocking(False)
    signal_side.setblocking(False)
    signal.set_wakeup_fd(signal_side.detach())
    for number in STOP_SENTENCES:
        signal.signal(number, lambda *_: None)
    return loop_side


def say_where_it_listens(
    output: Output, address: tuple[str, int], places: int, client_options: str
) -> None:
    """Say where the server listens, and what to type to get there."""
    host = address_for_others(address[0])
    where = "this machine" if host in ("127.0.0.1", "::1") else "the other machines"
    port = "" if address[1] == protocol.PORT else f" {address[1]}"
    output.say(f"Chat server listening on {endpoint(address)}")
    output.say(f"On {where}: python chat_client.py {client_options}{host}{port}")
    output.say(f"Room for {places} people. Ctrl+C stops the server.")


def main(arguments: list[str] | None = None) -> int:
    """Run the server until Ctrl+C or SIGTERM. Returns the exit code."""
    options = parse_arguments(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # else it was closed before we came
        # A name in Hebrew must not end a server whose output is a file in some other encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        is_password = load_password(options.password_file) if options.password_file else None
        tls = load_tls(options.tls_cert, options.tls_key) if options.tls_cert else None
    except (OSError, ValueError) as error:
        print(f"chat_server: {why_not_loaded(error, options)}", file=sys.stderr)
        return 1
    try:
        listeners = open_listeners(options.host, options.port)
    except (OSError, UnicodeError) as error:
        print(f"chat_server: {why_not_listening(error, options)}", file=sys.stderr)
        return 1
    selector = SELECTORS[options.selector]()
    places = max(1, descriptor_limit(selector) - RESERVED_DESCRIPTORS)
    limits = Limits(
        places=min(places, options.max_clients or places),
        places_per_address=options.max_per_address,
        rate=options.rate,
        backlog=options.max_backlog * 1024,
        login_seconds=options.login_timeout or math.inf,
    )
    output = Output()
    server = (WireServer if options.wire else Server)(
        listeners,
        catch_signals(),
        selector,
        limits,
        output.log,
        verbose=options.verbose,
        is_password=is_password,
        tls=tls,
    )
    address = listeners[0].getsockname()
    say_where_it_listens(output, address, limits.places, "--tls " if tls else "")
    if is_password and not tls:
        output.say("Without TLS the password travels readable for everyone on the network.")
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
