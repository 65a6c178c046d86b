"""The chat client: one person's terminal, with select() on the socket and the keyboard.

    the session       the socket, who is here, what a typed line and a received frame mean
    the line editor   keys in, a line out; it knows no terminal
    the keyboard      one interface, three ways behind it: POSIX, Windows, a pipe or file
    the screen        hide the line being typed, print, show it again
    the loop          one select() over socket, keyboard and signals

What travels is in chat_protocol.py. The session knows no terminal either: chat_gui.py puts a
window around the very same one.
"""

from __future__ import annotations

import argparse
import codecs
import enum
import errno
import io
import math
import os
import random
import re
import select
import signal
import socket
import sys
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TextIO, cast

import chat_protocol as protocol
from chat_protocol import BROADCAST, ErrorCode, ProtocolError, fold

if TYPE_CHECKING:
    import ssl  # at run time load_tls() imports it, for those who need it

DEFAULT_HOST = "127.0.0.1"
CONNECT_SECONDS = 10.0  # for one address to answer
FAREWELL_SECONDS = 2.0  # for the server to say BYE before we leave all the same
NAME_HELD_SECONDS = 120.0  # a server notices within two minutes that our old connection is dead
NAME_RETRY_SECONDS = 3.0
LONGEST_RETRY_SECONDS = 30.0
READ, WRITE = 1, 2  # what TLS may have to wait for
RECEIVE_SIZE = 64 * 1024  # bytes for one recv()
OUTBOX_ENOUGH = 64 * 1024  # bytes: while more wait to be sent, a piped file is not read on

# -------------------------------------------------------------------------- characters on a screen

ZERO_WIDTH_JOINER = "\N{ZERO WIDTH JOINER}"
EMOJI_STYLE = "\N{VARIATION SELECTOR-16}"


def clusters(text: str) -> list[str]:
    """Split `text` into what a person takes for one character, after Unicode annex #29.

    A letter with its combining marks, a flag of two letters, a family of four emoji: the cursor
    never stops inside one, and a long message is never cut there.
    """
    if text.isascii():
        return list(text)
    found: list[str] = []
    for character in text:
        if found and _continues(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _continues(cluster: str, character: str) -> bool:
    code = ord(character)
    if (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character in (ZERO_WIDTH_JOINER, "\N{ZERO WIDTH NON-JOINER}")
        or 0x1F3FB <= code <= 0x1F3FF  # skin tones
        or 0xE0020 <= code <= 0xE007F  # tags, in the flags of regions
        or 0x1160 <= code <= 0x11FF  # vowels and finals of a Hangul syllable
    ):
        return True
    if cluster[-1] == ZERO_WIDTH_JOINER:
        return unicodedata.category(character) == "So"  # emoji
    regional = range(0x1F1E6, 0x1F200)  # two such letters make a flag
    return code in regional and len(cluster) == 1 and ord(cluster) in regional


def columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes, rather too many than too few.

    Wide characters after Unicode annex #11. Terminals differ in emoji made of several; those
    are counted by their parts.
    """
    if text.isascii():
        return len(text)
    return sum(map(_character_columns, text))


def _character_columns(character: str) -> int:
    if character == EMOJI_STYLE:
        return 1  # it makes the narrow symbol before it a wide one
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def split_text(text: str, size: int) -> list[str]:
    """Split `text` into parts of at most `size` bytes, between words where that is possible."""
    parts: list[str] = []
    rest = clusters(text)
    while rest:
        fitting = used = 0
        for cluster in rest:
            used += len(cluster.encode())
            if used > size:
                break
            fitting += 1
        cut = max(fitting, 1)
        if cut < len(rest):
            cut = next((end for end in range(cut, 0, -1) if rest[end] == " "), cut)
        parts.append("".join(rest[:cut]))
        # The space at which a text is split is the split itself; none is sent for it.
        rest = rest[cut + 1 :] if rest[cut : cut + 1] == [" "] else rest[cut:]
    return parts


# ----------------------------------------------------------------------------------- the session


class Kind(enum.Enum):
    """What a line on the screen is, for those who show it in different ways."""

    SAID = "said"  # to everyone
    PRIVATE = "private"
    EVENT = "event"  # somebody came, left, …; the answer to a request
    ERROR = "error"
    WIRE = "wire"  # a frame as it travels


@dataclass(frozen=True, slots=True)
class Line:
    """One line to show. What it says is harmless to any terminal."""

    kind: Kind
    text: str
    speaker: str = ""  # stands before the text: `alice`, `you`, `alice → you`, `you → bob`
    person: str = ""  # whose colour the speaker has; empty for oneself
    mentions_me: bool = False

    def __str__(self) -> str:
        mark = "» " if self.mentions_me else ""
        return f"{mark}{self.speaker}: {self.text}" if self.speaker else self.text


class State(enum.Enum):
    """Where a session stands."""

    CONNECTING = enum.auto()  # the socket is on its way
    ONLINE = enum.auto()
    WAITING = enum.auto()  # for the next try to connect
    OVER = enum.auto()


# What may be typed with a slash, and the request that it makes.
SLASH_COMMANDS = {
    "/name": "NAME",
    "/names": "GET_NAMES",
    "/who": "GET_NAMES",
    "/info": "GET_NAMES",
    "/msg": "MSG",
    "/send": "MSG",
    "/all": f"MSG {BROADCAST}",
    "/echo": f"MSG {BROADCAST}",
    "/block": "BLOCK",
    "/unblock": "UNBLOCK",
    "/quit": "EXIT",
    "/exit": "EXIT",
}
COMMANDS = (*SLASH_COMMANDS, "/r", "/blocked", "/help")

HELP = """\
just type           say it to everyone (//text says /text)
/msg NAME text      say it to one person; /r text answers whoever wrote to you last
/names              who is here
/name NAME          choose another name
/block NAME         hear no more of somebody; /unblock NAME; /blocked lists them
/quit               leave
Tab completes names and commands. Requests in capitals are sent as they are: MSG bob hi"""

# Where the connection closes right after one of these, calling again would bring the same answer.
FINAL_ERRORS = {
    code.value
    for code in (
        ErrorCode.BAD_FRAME,
        ErrorCode.BAD_PASSWORD,
        ErrorCode.SERVER_FULL,
        ErrorCode.TLS_REQUIRED,
        ErrorCode.TIMEOUT,
    )
}


class Session:
    """One person's conversation with a server: the socket, who is here, what is said.

    Nothing here waits, save for looking up the host. Whoever owns the loop calls `turn()` when
    the socket is ready or the `deadline` has come, and shows what `take_lines()` returns.
    """

    def __init__(
        self,
        host: str,
        port: int,
        name: str = "",
        *,
        password: str = "",
        tls: ssl.SSLContext | None = None,
        interactive: bool = True,
    ) -> None:
        self.host = host
        self.port = port
        self.interactive = interactive  # a person is there: ask for a name, help, reconnect
        self.name = ""  # as the server keeps it; empty until it said HELLO
        self.people: dict[str, str] = {}  # who is here, by folded name
        self.state = State.CONNECTING
        self.deadline = math.inf  # when turn() has something to do without the socket
        self.exit_code = 0
        self.socket: socket.socket | None = None
        self._warned = False  # that a password without TLS can be read by others
        self.needs_password = False  # the server wants one, and the person should be asked
        self._password = password  # sent on every new connection
        self._passing = False  # a PASS is on its way
        self._tls = tls
        self._awaits = 0  # READ or WRITE where TLS waits for just that, whatever it is to do
        self._wanted_name = name  # asked for on every new connection
        self._addresses: Sequence[tuple[int, int, int, str, Any]] = []  # what getaddrinfo() said
        self._untried: list[tuple[int, int, int, str, Any]] = []
        self._reader = protocol.FrameReader()
        self._outbox = bytearray()
        self._lines: list[Line] = []
        self._listed: list[str] = []  # names of NAMES frames, until all of them are here
        self._looking = False  # a GET_NAMES is on its way that nobody typed
        self._naming = False  # a NAME is on its way
        self._leaving = False  # an EXIT is on its way
        self._reason_given = False  # the last frame said why the server is about to close
        self._speakers: dict[str, None] = {}  # folded names, who spoke last stands last
        self._last_private = ""  # who wrote to us privately, for /r
        self.blocked: dict[str, str] = {}  # whom we block, by folded name
        # What a reconnect has to bring back.
        self._tries = 0
        self.regaining = False  # the connection broke, and we are not back under our name yet
        self._regain_until = math.inf  # NAME_TAKEN has not come yet
        self._waiting: list[str] = []  # payloads typed meanwhile
        self._to_block: set[str] = set()  # folded names that we blocked before

    # -- connecting

    def connect(self) -> None:
        """Begin to connect.

        Raises OSError when there is no such host, by the answer of the system's resolver, which
        may take its time, and UnicodeError when there can be none of that name.
        """
        self._addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        self._untried = list(self._addresses)
        self._try_next_address()

    def _try_next_address(self) -> None:
        family, kind, number, _, address = self._untried.pop(0)
        self.state = State.CONNECTING
        self.deadline = time.monotonic() + CONNECT_SECONDS
        try:
            self.socket = socket.socket(family, kind, number)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in protocol.KEEPALIVE_OPTIONS.items():
                if hasattr(socket, option):
                    self.socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            # A non-blocking connect() only begins; the socket turns writable when it is done, and
            # SO_ERROR then tells how it went: connect(2), EINPROGRESS.
            self.socket.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:  # no way there at all: no IPv6 here, say
            self._connection_failed(why_not_connected(error, self.host, self.port))

    def _connection_made(self) -> None:
        if self._tls is not None:
            self._shake_hands(self._tls)
        else:
            self._online()

    def _shake_hands(self, context: ssl.SSLContext) -> None:
        """Begin the TLS handshake or go on with it, as far as that is possible by now."""
        assert self.socket is not None
        try:
            if not isinstance(self.socket, ssl.SSLSocket):
                self.socket = context.wrap_socket(
                    self.socket, server_hostname=self.host, do_handshake_on_connect=False
                )
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._awaits = READ
        except ssl.SSLWantWriteError:
            self._awaits = WRITE
        except (OSError, ValueError) as error:
            self._untried.clear()  # it is the right machine, but not to be trusted, or no TLS
            self._connection_failed(why_no_tls(error, self.host))
        else:
            self._awaits = 0
            self._online()

    def _online(self) -> None:
        """The connection is there: say who we are."""
        self.state = State.ONLINE
        self.deadline = math.inf
        self._reader = protocol.FrameReader()
        self._outbox.clear()
        self._listed.clear()
        if self._password:
            self.give_password(self._password)
        if self._wanted_name:
            self.request(f"NAME {self._wanted_name}")
        elif self.interactive:
            # Tells whether a password is wanted, before somebody types it as a name.
            self._looking = True
            self._put("GET_NAMES")

    def _connection_failed(self, sentence: str) -> None:
        """Try the next address; without one, try again later if we were connected before."""
        self._close_socket()
        if self._untried:
            self._try_next_address()
        elif self.regaining:
            self._wait_to_reconnect()
        else:
            self.end(1, sentence)

    def _connection_lost(self, reason: str, *, broken: bool) -> None:
        """The connection is no more: end the session, or call the server again.

        `broken` where it was not closed in the regular way: then what was sent may be lost.
        """
        self._close_socket()
        if self._reason_given:
            self.end(1, f"The server has gone: {reason}." if broken else "")
        elif self._leaving and not self._outbox and not broken:
            self.end(0)
        elif not self.interactive or self._leaving or not (self.name or self.regaining):
            self.end(1, f"The server has gone: {reason}.")
        else:
            self._show(Kind.ERROR, f"The connection is gone: {reason}.")
            if not self.regaining:
                self._to_block = set(self.blocked)
                self._regain_until = math.inf
            self.regaining = True
            self._wait_to_reconnect()

    def _wait_to_reconnect(self) -> None:
        seconds = min(2.0**self._tries, LONGEST_RETRY_SECONDS)
        self._tries += 1
        # Thirty clients that lost the same server should not all call it at the same moment.
        self.deadline = time.monotonic() + seconds * random.uniform(0.8, 1.2)
        self.state = State.WAITING
        self._show(Kind.EVENT, f"* trying again in {seconds:.0f} s")

    def _close_socket(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self._awaits = 0

    def end(self, exit_code: int, sentence: str = "") -> None:
        """End the session, with a sentence to show if it is not by anybody's wish."""
        self._close_socket()
        if sentence:
            self._show(Kind.ERROR, sentence)
        self.exit_code = exit_code
        self.deadline = math.inf
        self.state = State.OVER

    # -- one turn of the owner's loop

    @property
    def watched(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """What select() is to watch for reading, and what for writing: our socket, or nothing."""
        if self.socket is None:
            return [], []
        reads, writes = True, self.state is State.CONNECTING or bool(self._outbox)
        if self._awaits:
            reads, writes = self._awaits == READ, self._awaits == WRITE
        return [self.socket] * reads, [self.socket] * writes

    @property
    def backed_up(self) -> bool:
        """Whether so much waits to be sent that a program should not go on typing."""
        return not self.interactive and len(self._outbox) > OUTBOX_ENOUGH

    @property
    def needs_name(self) -> bool:
        """Whether the person should be asked for a name now."""
        online = self.state is State.ONLINE and not self._leaving
        named = self.name or self._naming or self.needs_password or self._passing
        return self.interactive and online and not named

    def turn(self, readable: bool, writable: bool) -> None:
        """Do what can be done now: the socket is ready, or the deadline has come."""
        due = self.deadline <= time.monotonic()
        if self._awaits and (readable or writable):
            readable = writable = True  # TLS may have to read in order to write, and the reverse
            self._awaits = 0
        if self.state is State.CONNECTING:
            self._go_on_connecting(writable, due)
        elif self.state is State.WAITING and due:
            self._untried = list(self._addresses)
            self._try_next_address()
        elif self.state is State.ONLINE:
            if readable:
                self._receive()
            if writable and self.state is State.ONLINE:
                self._send()
            if due and self.state is State.ONLINE:
                self._deadline_online()

    def ready(self, seconds: float | None) -> tuple[bool, bool]:
        """Wait so long at most; return whether the socket can be read, and whether written."""
        reading, writing = self.watched
        if not reading and not writing:
            return False, False  # Windows cannot wait for nothing
        # Windows reports a connect() that failed in the third list only, select(2) in the second.
        readable, writable, failed = select.select(reading, writing, writing, seconds)
        return bool(readable), bool(writable or failed)

    def patience(self) -> float | None:
        """How many seconds the owner's loop may sleep before it calls turn() all the same.

        None: until the socket is ready.
        """
        return None if self.deadline == math.inf else max(0.0, self.deadline - time.monotonic())

    def tell(self, text: str) -> None:
        """Show something that concerns only the person here."""
        self._show(Kind.EVENT, f"* {text}")

    def take_lines(self) -> list[Line]:
        """Return what there is to show, once."""
        lines, self._lines = self._lines, []
        return lines

    def _go_on_connecting(self, writable: bool, due: bool) -> None:
        assert self.socket is not None
        if self._tls is not None and isinstance(self.socket, ssl.SSLSocket) and writable:
            self._shake_hands(self._tls)
        elif writable:
            number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                error = OSError(number, os.strerror(number))
                self._connection_failed(why_not_connected(error, self.host, self.port))
            else:
                self._connection_made()
        elif due:
            late = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            self._connection_failed(why_not_connected(late, self.host, self.port))

    def _deadline_online(self) -> None:
        self.deadline = math.inf
        if self._leaving:
            self.end(0)  # no BYE came; that shall not keep anybody here
        elif self.regaining:
            self.request(f"NAME {self._wanted_name}")

    def _receive(self) -> None:
        assert self.socket is not None
        try:
            data = self.socket.recv(RECEIVE_SIZE)
            # OpenSSL may hold decrypted bytes back that select() does not see: take them now.
            while self._tls is not None and cast("ssl.SSLSocket", self.socket).pending():
                data += self.socket.recv(RECEIVE_SIZE)
        except OSError as error:
            if not self._would_block(error, usual=READ):
                self._connection_lost(error.strerror or str(error), broken=True)
            return
        if not data:
            self._connection_lost("the server closed it", broken=False)
            return
        self._feed(data)
        try:
            for payload in self._reader:
                self._received(payload)
                if self.state is not State.ONLINE:
                    return
        except ProtocolError:
            self.end(1, "The server does not speak this protocol; is that the right port?")

    def _would_block(self, error: OSError, usual: int) -> bool:
        """Whether a read or write has only to wait; note when it is not for the `usual` event."""
        wanted = usual
        if self._tls is not None and isinstance(error, ssl.SSLWantReadError):
            wanted = READ
        elif self._tls is not None and isinstance(error, ssl.SSLWantWriteError):
            wanted = WRITE
        elif not isinstance(error, (BlockingIOError, InterruptedError)):
            return False
        self._awaits = 0 if wanted == usual else wanted
        return True

    def _send(self) -> None:
        assert self.socket is not None
        try:
            sent = self.socket.send(self._outbox)
        except OSError as error:
            # If it is gone, what the server said last may still wait to be read: the reason.
            self._would_block(error, usual=WRITE)
            return
        del self._outbox[:sent]

    # -- what is sent

    def request(self, payload: str) -> None:
        """Send a request as it is, or keep it until we are back."""
        verb, arguments = protocol.split_verb(payload)
        online = self.state is State.ONLINE
        if payload == "EXIT":
            self.leave()
        elif verb == "UNBLOCK" and fold(arguments or "") in self._to_block:
            # Since we are back they were not here, so the server does not know of this block.
            self._to_block.remove(fold(arguments or ""))
            self._on_unblocked([arguments or ""])
        elif online and verb == "NAME":
            if self._put(payload):
                self._naming = True
                self._wanted_name = arguments or self._wanted_name
        elif online and not self.regaining:
            self._put(payload)
        elif verb == "NAME":
            self._come_back_as(arguments or "")
        else:
            self._waiting.append(payload)
            if verb != "MSG":  # that is shown in words of its own
                self.tell(f"{verb if verb == 'PASS' else payload} (waiting)")

    def _come_back_as(self, name: str) -> None:
        try:
            self._wanted_name = protocol.check_name(name)
        except ProtocolError as error:
            self._show(Kind.ERROR, str(error))
        else:
            self.tell(f"you will be {name} when the server is back")

    def leave(self) -> None:
        """Say goodbye to the server; the session is over when it has answered, or soon."""
        if self.state is not State.ONLINE:
            self.end(0)
        elif not self._leaving:
            self._leaving = True
            self._put("EXIT")
            if self.interactive:  # a pipe waits until all that it sent is dealt with
                self.deadline = time.monotonic() + FAREWELL_SECONDS

    def _put(self, payload: str) -> bool:
        """Add a frame to what is sent; return whether that could be done."""
        try:
            self._outbox += protocol.encode(payload)
        except UnicodeEncodeError:
            self._show(Kind.ERROR, "That holds bytes that are no text; it was not sent.")
            return False
        except ValueError:
            size = protocol.MAX_PAYLOAD_SIZE
            self._show(Kind.ERROR, f"That is too long: {size} bytes fit; it was not sent.")
            return False
        return True

    def typed(self, line: str) -> None:
        """Do what a typed line means."""
        line = "".join(c for c in line.replace("\t", " ") if unicodedata.category(c) != "Cc")
        first = line.split(" ", 1)[0]
        if not line.strip():
            return
        if self.needs_password and first != "PASS":  # whatever it looks like
            self.give_password(line)
        elif line.startswith("/") and not line.startswith("//"):
            self._command(line.strip())
        elif first in protocol.USAGE:
            self._capital_request(line)
        elif self.needs_name:
            self.request(f"NAME {line.strip()}")
        else:
            self._say(BROADCAST, line.removeprefix("/"))

    def typed_lines(self, lines: list[str]) -> None:
        """Do what pasted lines mean, all sent with one Enter: they go where the first one goes."""
        first, *others = lines
        others = [line for line in others if line.strip()]
        head = "" if self.needs_password else self._head_of_others(first)
        self.typed(first)
        if head is None and others:
            self._show(Kind.ERROR, "The lines behind it were not sent.")
            return
        for line in others:
            no_command = line.startswith("/") and line.split(" ", 1)[0].lower() not in COMMANDS
            self.typed(f"{head or '/' * no_command}{line}")

    def _head_of_others(self, first: str) -> str | None:
        """Return what makes lines go where `first` goes.

        None where that goes nowhere: what was meant for one person is not to be read by all.
        """
        word, _, arguments = first.strip().partition(" ")
        if word == "MSG" or word.lower() in ("/msg", "/send"):
            name = arguments.split(" ", 1)[0]
        elif word.lower() == "/r":
            name = self._last_private
        else:
            return None if word.startswith("/") and word.lower() not in COMMANDS else ""
        return f"MSG {name} " if name else None

    def give_password(self, password: str) -> None:
        """Send the password that a file held or the person was asked for."""
        self._warn_of_readers()
        self.needs_password = False
        self._passing = True
        self._password = password
        self._put(f"PASS {password}")

    def _command(self, line: str) -> None:
        """Do what a line with a slash asks for."""
        word, _, arguments = line.partition(" ")
        word, arguments = word.lower(), arguments.strip()
        if word == "/help":
            for text in HELP.splitlines():
                self._show(Kind.EVENT, text)
        elif word == "/blocked":
            names = ", ".join(sorted(self.blocked.values(), key=fold)) or "nobody"
            self._show(Kind.EVENT, f"* you block {names}")
        elif word == "/r":
            self._reply(arguments)
        elif word in SLASH_COMMANDS:
            if word in ("/msg", "/send"):
                name, _, text = arguments.partition(" ")
                arguments = f"{name} {text.lstrip()}"
            self._capital_request(f"{SLASH_COMMANDS[word]} {arguments}".rstrip())
        else:
            self._show(Kind.ERROR, f"There is no command {word}; try /help.")

    def _reply(self, text: str) -> None:
        if not self._last_private:
            self._show(Kind.ERROR, "Nobody has written to you privately yet.")
        elif not text:
            self._show(Kind.ERROR, f"Usage: /r text answers {self._last_private}.")
        else:
            self._say(self._last_private, text)

    def _capital_request(self, payload: str) -> None:
        """Send a request as it was typed; a message is shown too, for no server sends it back."""
        try:
            request = protocol.parse_request(payload)
        except ProtocolError:
            self.request(payload)  # the server's answer explains best what is wrong with it
            return
        if request.verb == "MSG":
            self._say(request.name, request.text)
        else:
            self.request(payload)

    def _say(self, name: str, text: str) -> None:
        """Send a message, in several if it is too long for one, and show it."""
        to_all = protocol.is_broadcast(name)
        known = self.people.get(fold(name), name)
        head = f"MSG {self.name} {BROADCAST if to_all else known} "
        # Without a name of ours yet, leave place for the longest that we may get.
        place = protocol.MAX_PAYLOAD_SIZE - len(head.encode())
        place -= 0 if self.name else 4 * protocol.MAX_NAME_LENGTH
        if place < 1:  # no such name exists; let the server say so
            self.request(f"MSG {name} {text}")
            return
        speaker = "you" if to_all else f"you → {known}"
        if self.regaining:
            speaker += " (waiting)"
        for part in split_text(text, place):
            self._show(
                Kind.SAID if to_all else Kind.PRIVATE,
                part,
                speaker,
                "" if to_all else known,
            )
            self.request(f"MSG {name} {part}")

    # -- what is received

    def _feed(self, data: bytes) -> None:
        """Hand what a read returned to the frame reader."""
        self._reader.feed(data)

    def _received(self, data: bytes) -> None:
        """Show what a frame means; one that is unknown or malformed is shown as it is."""
        payload = data.decode(errors="replace")
        verb, _, arguments = payload.partition(" ")
        words = arguments.split(" ")
        self._reason_given = verb == "ERROR" and words[0] in FINAL_ERRORS
        handler = self._HANDLERS.get(verb)
        if handler is None or not handler(self, words):
            self._show(Kind.EVENT, payload)

    def _on_hello(self, words: list[str]) -> bool:
        name = words[0]
        if len(words) != 1 or not name:
            return False
        renamed = bool(self.name) and not self.regaining
        first = not self.name
        self.people.pop(fold(self.name), None)
        self.people[fold(name)] = name
        self.name = self._wanted_name = name
        self._naming = False
        if self.regaining:
            self.deadline = math.inf
            self._put("GET_NAMES")
        elif renamed:
            self._show(Kind.EVENT, f"* you are now {name}")
        else:
            self._show(Kind.EVENT, f"* you are {name}")
        if first and self.interactive and not self.regaining:
            self._show(Kind.EVENT, "* type to talk to all; /msg NAME text to one")
            self._show(Kind.EVENT, "* /help for help, /quit to leave")
            self._put("GET_NAMES")
        return True

    def _on_names(self, words: list[str]) -> bool:
        total, *names = words
        if not (total.isascii() and total.isdigit() and len(total) < 10):
            return False
        self._listed += filter(None, names)
        if len(self._listed) < int(total):
            return True  # the rest is in the next frame
        self.people = {fold(name): name for name in self._listed}
        self._listed = []
        if self.regaining:
            self._regained()
        looking, self._looking = self._looking, False
        if not looking:
            here = ", ".join(self.people.values()) or "nobody"
            self._show(Kind.EVENT, f"* here ({total}): {here}")
        return True

    def _regained(self) -> None:
        """We are back: block whom we blocked, then say what was typed meanwhile."""
        self.regaining = False
        self._tries = 0
        self._show(Kind.EVENT, f"* you are back as {self.name}")
        for name in self.people.values():
            self._block_again(name)
        waiting, self._waiting = self._waiting, []
        for payload in waiting:
            self.request(payload)

    def _block_again(self, name: str) -> None:
        """Block somebody who is here and whom we blocked before the connection broke."""
        if fold(name) in self._to_block and not self.regaining:
            self._put(f"BLOCK {name}")

    def _on_message(self, words: list[str]) -> bool:
        if len(words) < 3:
            return False
        sender, addressee = words[:2]
        text = " ".join(words[2:])
        self._speakers.pop(fold(sender), None)
        self._speakers[fold(sender)] = None
        speaker, kind = sender, Kind.SAID
        if not protocol.is_broadcast(addressee):
            self._last_private = sender
            speaker, kind = f"{speaker} → you", Kind.PRIVATE
        mentioned = kind is Kind.SAID and mentions(text, self.name)
        self._show(kind, text, speaker, sender, mentioned)
        return True

    def _on_joined(self, words: list[str]) -> bool:
        name = words[0]
        if len(words) != 1 or not name:
            return False
        self.people[fold(name)] = name
        self._show(Kind.EVENT, f"* {name} joined", person=name)
        self._block_again(name)
        return True

    def _on_left(self, words: list[str]) -> bool:
        name = words[0]
        if len(words) != 1 or not name:
            return False
        self.people.pop(fold(name), None)
        self._show(Kind.EVENT, f"* {name} left", person=name)
        return True

    def _on_renamed(self, words: list[str]) -> bool:
        if len(words) != 2:
            return False
        old, new = words
        for names in (self.people, self.blocked):
            if names.pop(fold(old), None) is not None:
                names[fold(new)] = new
        if fold(self._last_private) == fold(old):
            self._last_private = new
        text = f"* {old} is now {new}"
        self._show(Kind.EVENT, text, person=new)
        self._block_again(new)
        return True

    def _on_blocked(self, words: list[str]) -> bool:
        name = words[0]
        if len(words) != 1 or not name:
            return False
        self.blocked[fold(name)] = name
        self._to_block.discard(fold(name))
        self._show(Kind.EVENT, f"* you block {name}", person=name)
        return True

    def _on_unblocked(self, words: list[str]) -> bool:
        name = words[0]
        if len(words) != 1 or not name:
            return False
        self.blocked.pop(fold(name), None)
        self._show(Kind.EVENT, f"* you no longer block {name}", person=name)
        return True

    def _on_accepted(self, _words: list[str]) -> bool:
        self._show(Kind.EVENT, "* the password is accepted")
        self.needs_password = self._passing = False
        if self._wanted_name and not self._naming and (self.regaining or not self.name):
            self.request(f"NAME {self._wanted_name}")
        return True

    def _on_bye(self, _words: list[str]) -> bool:
        self._show(Kind.EVENT, "* goodbye")
        self.end(0)
        return True

    def _on_info(self, words: list[str]) -> bool:
        self._show(Kind.EVENT, f"* {' '.join(words)}")
        return True

    def _on_error(self, words: list[str]) -> bool:
        code, *sentence = words
        naming, self._naming = self._naming, False
        self._looking = False
        refused = self._wanted_name
        if naming and self.name:
            self._wanted_name = self.name  # the new one was refused
        if naming and self.regaining and fold(refused) != fold(self.name):
            self.request(f"NAME {self.name}")
        elif code == ErrorCode.NAME_TAKEN.value and naming and self.regaining:
            self._retry_name()
            return True
        if code == ErrorCode.PASSWORD_REQUIRED.value and self.interactive:
            if not self.needs_password:
                self._show(Kind.ERROR, "This server wants a password.")
        else:
            self._show(Kind.ERROR, " ".join(sentence) or code)
        if code in (ErrorCode.PASSWORD_REQUIRED.value, ErrorCode.BAD_PASSWORD.value):
            self._ask_for_password()
        return True

    def _ask_for_password(self) -> None:
        """Have the person asked for the password; a file with a wrong one is of no more use."""
        self._warn_of_readers()
        self._password = ""
        self._passing = False
        self.needs_password = self.interactive

    def _warn_of_readers(self) -> None:
        if self._tls is None and not self._warned:
            self._warned = True
            self.tell("without TLS the password travels readable for everyone on the network")

    def _retry_name(self) -> None:
        """Our old connection still holds our name; the server will notice that it is dead."""
        name = self._wanted_name
        now = time.monotonic()
        if self._regain_until == math.inf:
            self._regain_until = now + NAME_HELD_SECONDS
            self._show(Kind.EVENT, f"* {name} is still held by your old connection; waiting")
        if now > self._regain_until:
            self._show(Kind.ERROR, f"{name} is taken for good; choose another with /name.")
        else:
            self.deadline = now + NAME_RETRY_SECONDS

    _HANDLERS: ClassVar[dict[str, Callable[[Session, list[str]], bool]]] = {
        "HELLO": _on_hello,
        "NAMES": _on_names,
        "MSG": _on_message,
        "JOINED": _on_joined,
        "LEFT": _on_left,
        "RENAMED": _on_renamed,
        "BLOCKED": _on_blocked,
        "UNBLOCKED": _on_unblocked,
        "ACCEPTED": _on_accepted,
        "BYE": _on_bye,
        "INFO": _on_info,
        "ERROR": _on_error,
    }

    def _show(
        self,
        kind: Kind,
        text: str,
        speaker: str = "",
        person: str = "",
        mentions_me: bool = False,
    ) -> None:
        if kind is Kind.ERROR:
            text = f"! {text}"
        # The one place where text becomes a line, so that none can drive the terminal.
        text, speaker = protocol.harmless(text), protocol.harmless(speaker)
        self._lines.append(Line(kind, text, speaker, person, mentions_me))

    # -- completion

    def completions(self, before: str) -> list[str]:
        """Return what the text left of the cursor may be completed to, the likeliest first."""
        if self.needs_name or self.needs_password:
            return []
        command, space, rest = before.partition(" ")
        takes_name = ("/msg", "/send", "/block", "/unblock", "MSG", "BLOCK", "UNBLOCK")
        if space and " " not in rest and command in takes_name:
            return [f"{command} {name} " for name in self._names_like(rest)]
        if space or not before:
            return []
        words = [f"{command} " for command in COMMANDS]
        # GET_NAMES and EXIT have no arguments: not even a space may follow them.
        words += ["".join(usage.partition(" ")[:2]) for usage in protocol.USAGE.values()]
        commands = sorted(word for word in words if word.startswith(before))
        return commands + [f"/msg {name} " for name in self._names_like(before)]

    def _names_like(self, start: str) -> list[str]:
        """Names that begin with `start`, folded as the protocol folds, last speakers first."""
        last = {folded: position for position, folded in enumerate(self._speakers)}
        others = [folded for folded in self.people if folded.startswith(fold(start))]
        others.sort(key=lambda folded: (-last.get(folded, -1), folded))
        return [self.people[folded] for folded in others if folded != fold(self.name)]


def mentions(text: str, name: str) -> bool:
    """Whether `text` holds `name` as a word of its own, folded as the protocol folds."""
    if not name:
        return False
    word = rf"(?<![\w-]){re.escape(fold(name))}(?![\w-])"
    return re.search(word, unicodedata.normalize("NFKC", text).casefold()) is not None


class WireSession(Session):
    """The same session, showing every frame as it travels.

    A class of its own, so that nobody pays for it who does not look.
    """

    def _put(self, payload: str) -> bool:
        done = super()._put(payload)
        if done:
            self._show(Kind.WIRE, f"→ {protocol.show_frame(payload.encode())}")
        return done

    def _feed(self, data: bytes) -> None:
        """Show what a read really returned where TCP has cut it otherwise than into frames."""
        if shown := protocol.show_read(self._reader.waiting, data):
            self._show(Kind.WIRE, f"← {shown}")
        super()._feed(data)

    def _received(self, data: bytes) -> None:
        self._show(Kind.WIRE, f"← {protocol.show_frame(data)}")
        super()._received(data)


# What OpenSSL calls the first bytes of a plain server, which are digits.
NO_TLS_REASONS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
# What OpenSSL's verification says, by its number: x509_vfy.h, X509_V_ERR_…
CERTIFICATE_ERRORS = {
    9: "is not valid yet; is the clock of this machine right?",
    10: "has expired; the server needs a new one",
    **dict.fromkeys(
        (18, 19, 20, 21),
        "is trusted by nobody here: give the file that the teacher handed out with --tls-ca",
    ),
    62: "is for another name; use the name or address that it was made for",
    64: "is for another address; use the name or address that it was made for",
}


def why_no_tls(error: OSError | ValueError, host: str) -> str:
    """Say in a sentence why the TLS handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = CERTIFICATE_ERRORS.get(error.verify_code, f"is refused: {error.verify_message}")
        return f"The certificate of {host} {reason}."
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS_REASONS:
        return f"{host} does not speak TLS there, or is full: leave --tls out, or check the port."
    return f"No TLS connection to {host}: {getattr(error, 'strerror', None) or error}."


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
    return f"No connection to port {port} of {host}: {error.strerror or error}."


# ------------------------------------------------------------------------------- the line editor


class Paste(str):
    """Text that was pasted: it may hold line ends, and none of it is a key."""


LINE_END = "\n"
LINE_END_SHOWN = "⏎"


class LineEditor:
    """Keys in, a line out. It knows no terminal, only how wide things are.

    A key is one character, or a name such as "left" and "ctrl-a". The line is kept as two lists
    of clusters, left and right of the cursor: a key then works at the ends where they meet.
    """

    def __init__(self, complete: Callable[[str], list[str]]) -> None:
        self._complete = complete
        self._secret = False  # a password is typed: neither shown nor kept
        self._aside: tuple[list[str], list[str]] = ([], [])  # both sides of a line that waits
        self._before: list[str] = []
        self._after: list[str] = []
        self._first_shown = 0  # how far a long line is scrolled sideways, in clusters
        self._history: list[str] = []
        self._place = 0  # in the history; at its end stands the line being typed
        self._draft = ""  # that line, while another is looked at
        self._choices: list[str] = []  # what Tab goes through
        self._keys: dict[str, Callable[[], None]] = {
            "left": lambda: self._move(self._before, self._after),
            "right": lambda: self._move(self._after, self._before),
            "home": lambda: self._set("", self.text),
            "end": lambda: self._set(self.text, ""),
            "up": lambda: self._recall(self._place - 1),
            "down": lambda: self._recall(self._place + 1),
            "backspace": lambda: self._drop(self._before),
            "delete": lambda: self._drop(self._after),
            "ctrl-u": lambda: self._before.clear(),
            "ctrl-k": lambda: self._after.clear(),
            "ctrl-w": self._drop_word,
            "ctrl-c": self._clear,
            "tab": self._next_choice,
        }
        self._keys["ctrl-a"] = self._keys["home"]
        self._keys["ctrl-e"] = self._keys["end"]

    @property
    def text(self) -> str:
        """The line being typed; line ends stand in it where some were pasted."""
        return "".join(self._before + self._after[::-1])

    def press(self, key: str) -> list[str]:
        """Take one key; return the lines that are finished with it: none, or those on Enter.

        A key that means nothing does nothing.
        """
        if key != "tab":
            self._choices = []
        if key == "enter":
            return self._finish()
        if isinstance(key, Paste) or len(key) == 1:
            self._insert(key)
        elif key in self._keys:
            self._keys[key]()
        return []

    def ask_secret(self, secret: bool) -> None:
        """Begin or end the typing of a password; the line typed so far waits meanwhile."""
        if secret != self._secret:
            self._secret = secret
            self._aside, (self._before, self._after) = (self._before, self._after), self._aside

    def put(self, text: str) -> None:
        """Have `text` stand in the line, whatever stood there, as if it had been pasted."""
        self._choices = []
        self._set("", "")
        self._insert(text)

    def view(self, width: int) -> tuple[str, str]:
        """Return what to show left and right of the cursor within `width` columns.

        A longer line is scrolled sideways, so that the cursor with one column for itself is
        always seen.
        """
        before = [_shown(cluster) for cluster in self._before]
        after = [_shown(cluster) for cluster in reversed(self._after)]
        if self._is_secret():
            before, after = ["•"] * len(before), ["•"] * len(after)
        if columns("".join(before + after)) < width:
            self._first_shown = 0
        elif self._first_shown >= len(before) or (
            columns("".join(before[self._first_shown :])) >= width
        ):
            # The cursor has left the window: put it where both sides of it can be seen.
            self._first_shown = len(before) - _how_many_fit(before[::-1], width * 2 // 3)
        left = "".join(before[self._first_shown :])
        return left, "".join(after[: _how_many_fit(after, width - columns(left) - 1)])

    def _is_secret(self) -> bool:
        """Whether a password is in the line, on whichever of its lines it was pasted."""
        return self._secret or any(part.startswith("PASS ") for part in self.text.split(LINE_END))

    # The right half is kept back to front, so that the cursor is at the end of both lists.

    def _set(self, before: str, after: str) -> None:
        self._before = clusters(before)
        self._after = clusters(after)[::-1]

    def _insert(self, text: str) -> None:
        text = text.replace("\r\n", LINE_END).replace("\r", LINE_END).replace("\t", " ")
        text = "".join(c for c in text if c == LINE_END or unicodedata.category(c) != "Cc")
        if text.endswith(LINE_END):
            text = text[:-1]  # whoever copies whole lines copies the last line's end too
        last = self._before.pop() if self._before else ""
        self._before += clusters(last + text)  # a mark joins the letter before it

    @staticmethod
    def _move(source: list[str], target: list[str]) -> None:
        if source:
            target.append(source.pop())

    @staticmethod
    def _drop(side: list[str]) -> None:
        if side:
            side.pop()

    def _drop_word(self) -> None:
        while self._before and self._before[-1] == " ":
            self._before.pop()
        while self._before and self._before[-1] != " ":
            self._before.pop()

    def _finish(self) -> list[str]:
        text = self.text
        if text.strip() and text not in self._history[-1:] and not self._is_secret():
            self._history.append(text)
        self._clear()
        return text.split(LINE_END)

    def _clear(self) -> None:
        self._place = len(self._history)
        self._draft = ""
        self._set("", "")

    def _recall(self, place: int) -> None:
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self._set([*self._history, self._draft][place], "")

    def _next_choice(self) -> None:
        """Complete what stands left of the cursor; pressed again, try the next possibility."""
        if not self._choices:
            self._choices = self._complete("".join(self._before))
        if not self._choices:
            self._insert(" ")
            return
        choice = self._choices.pop(0)
        self._choices.append(choice)
        self._before = clusters(choice)


def _shown(cluster: str) -> str:
    if cluster == LINE_END:
        return LINE_END_SHOWN
    if unicodedata.category(cluster[0]) in ("Mn", "Me", "Mc"):
        return "◌" + cluster  # with no letter to stand on it would join what is left of it
    return protocol.harmless(cluster)  # Tab may have completed a name that a hostile server made up


def _how_many_fit(some: list[str], width: int) -> int:
    """Return how many of the first clusters fit into `width` columns."""
    used = 0
    for count, cluster in enumerate(some):
        used += columns(cluster)
        if used > width:
            return count
    return len(some)


# ---------------------------------------------------------------------------------- the keyboard


Watched = int | socket.socket  # what select() can watch: a descriptor, or what has one


class Keyboard(Protocol):
    """Where keys come from. This is the only part that asks which system this is."""

    source: Watched | None  # what select() can watch; None where it cannot

    def take(self) -> None:
        """Have keys delivered as they are pressed."""

    def give_back(self) -> None:
        """Leave the terminal as it was found."""

    def patience(self) -> float | None:
        """How many seconds select() may sleep before read() is to be called all the same."""

    def read(self, ready: bool) -> list[str]:
        """Return the keys pressed since; "eof" when no more can come. Never waits."""

    def cursor_column(self) -> int:
        """Return what the terminal answers when asked for its cursor; 0 where it does not."""


CONTROL_KEYS = {"\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace"}


def _plain_key(character: str) -> str:
    """Return the key that sends this character: itself, "enter", "ctrl-a", …"""
    if character in CONTROL_KEYS:
        return CONTROL_KEYS[character]
    if character < " ":
        return f"ctrl-{chr(ord(character) + 0x60)}"
    unusable = unicodedata.category(character) == "Cc" or character == "\N{REPLACEMENT CHARACTER}"
    return "unknown" if unusable else character


ESCAPE_SECONDS = 0.1  # within which the rest of an escape sequence arrives
PASTE_SECONDS = 1.0  # the same for the end of a pasted text


class KeyDecoder:
    """Turns the bytes that a terminal sends into keys, however they are cut."""

    # ECMA-48, 5.4 (CSI … final byte), what VT100 keypads send (SS3), the Linux console's F1 to
    # F5, and Alt with a character. Taken whole, so that an unknown key leaves no stray `[15~`.
    _SEQUENCE = re.compile(r"\x1b(\[\[[A-E]|\[[0-?]*[ -/]*[@-~]|O[0-?]*[ @-~]|[^\[O\x1b])")
    _PASTE_START = "\x1b[200~"
    _PASTE_END = "\x1b[201~"
    _SPECIAL: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("[A", "OA"), "up"),
        **dict.fromkeys(("[B", "OB"), "down"),
        **dict.fromkeys(("[C", "OC"), "right"),
        **dict.fromkeys(("[D", "OD"), "left"),
        **dict.fromkeys(("[H", "OH", "[1~", "[7~"), "home"),
        **dict.fromkeys(("[F", "OF", "[4~", "[8~"), "end"),
        "[3~": "delete",
    }

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""  # decoded, but not yet a whole key

    @property
    def incomplete(self) -> bool:
        """Whether the rest of an escape sequence is missing. A lone Escape looks like that."""
        return bool(self._text)

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that are whole now."""
        self._text += self._utf8.decode(data)
        keys = []
        while self._text and (key := self._next_key()):
            keys.append(key)
        return keys

    @property
    def patience(self) -> float:
        """For how many seconds after the last byte the rest of what is here may still come."""
        return PASTE_SECONDS if self._text.startswith(self._PASTE_START) else ESCAPE_SECONDS

    def give_up(self) -> list[str]:
        """Make keys of what is here, for its rest does not come: it was the Escape key, say."""
        text, self._text = self._text, ""
        if text.startswith(self._PASTE_START):
            return [Paste(text[len(self._PASTE_START) :])]
        return []

    def _next_key(self) -> str | None:
        text = self._text
        if text.startswith(self._PASTE_START):
            end = text.find(self._PASTE_END)
            if end < 0:
                return None
            self._text = text[end + len(self._PASTE_END) :]
            return Paste(text[len(self._PASTE_START) : end])
        if text[0] != "\x1b":
            self._text = text[1:]
            return _plain_key(text[0])
        match = self._SEQUENCE.match(text)
        if not match:
            # Incomplete: either more of it comes, or a new sequence has begun in its middle.
            again = text.find("\x1b", 1)
            self._text = text[max(again, 0) :]
            return "unknown" if again > 0 else None
        self._text = text[match.end() :]
        return self._SPECIAL.get(match[1], "unknown")


class TerminalKeyboard:
    """The keys of a POSIX terminal, as they are pressed."""

    ANSWER_SECONDS = 0.03  # within which a terminal that understands a question answers
    _CURSOR = re.compile(rb"\x1b\[\d+;(\d+)R")

    def __init__(self, descriptor: int) -> None:
        import termios

        self._termios = termios
        self.source: Watched | None = descriptor
        self._descriptor = descriptor
        self._decoder = KeyDecoder()
        self._fed_at = 0.0
        self._typed_meanwhile: list[str] = []  # while the terminal was asked for its cursor
        self._found = termios.tcgetattr(descriptor)

    def take(self) -> None:
        """Deliver keys at once and unechoed (termios(3)), Ctrl+C, Ctrl+Z and Ctrl+S included."""
        termios = self._termios
        mode = [*self._found[:6], [*self._found[6]]]
        mode[0] &= ~termios.IXON
        mode[0] |= termios.ICRNL
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        self._set(mode)

    def give_back(self) -> None:
        """Set the terminal back to how it was found."""
        self._set(self._found)

    def _set(self, mode: list[Any]) -> None:
        termios = self._termios
        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, mode)
        except termios.error as error:
            if error.args[0] == errno.EINTR:  # tried in the background, stopped (SIGTTOU), back
                self._set(mode)
            # else the window was closed: there is no terminal any more

    def patience(self) -> float | None:
        """An Escape key is known as one when nothing follows it for a moment."""
        if self._typed_meanwhile:
            return 0.0
        return self._decoder.patience if self._decoder.incomplete else None

    def read(self, ready: bool) -> list[str]:
        """Return the keys pressed since."""
        now = time.monotonic()
        keys, self._typed_meanwhile = self._typed_meanwhile, []
        # What was ready may have been read already, together with the cursor's place.
        if ready and select.select([self._descriptor], [], [], 0)[0]:
            self._fed_at = now
            data = self._read()
            keys += self._decoder.feed(data) if data else ["eof"]
        elif self._decoder.incomplete and now - self._fed_at >= self._decoder.patience:
            keys += self._decoder.give_up()
        return keys

    def cursor_column(self) -> int:
        """Wait a moment for the answer; keys pressed before it are kept for read()."""
        data = b""
        until = time.monotonic() + self.ANSWER_SECONDS
        while select.select([self._descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
            more = self._read()
            data += more
            answer = self._CURSOR.search(data)
            if answer or not more:
                break
        else:
            answer = None
        keys = data if answer is None else data[: answer.start()] + data[answer.end() :]
        self._typed_meanwhile += self._decoder.feed(keys)
        return int(answer[1]) if answer else 0

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, RECEIVE_SIZE)
        except OSError:
            return b""  # EIO: the terminal has hung up


class WindowsKeyboard:
    """The keys of a Windows console. select() cannot watch it, so it is looked at in between."""

    POLL_SECONDS = 0.03
    _SPECIAL: ClassVar[dict[str, str]] = {
        "H": "up",
        "P": "down",
        "M": "right",
        "K": "left",
        "G": "home",
        "O": "end",
        "S": "delete",
    }

    def __init__(self) -> None:
        import importlib

        self._console = importlib.import_module("msvcrt")
        self.source: Watched | None = None
        self._high_half = ""

    def take(self) -> None:
        """getwch() takes keys as they are pressed, without further ado."""

    def give_back(self) -> None:
        """Nothing was changed."""

    def patience(self) -> float | None:
        """How long a key may wait at most."""
        return self.POLL_SECONDS

    def read(self, ready: bool = False) -> list[str]:
        """Return the keys pressed since."""
        keys = []
        while self._console.kbhit():
            key = self._key(self._console.getwch())
            if key:
                keys.append(key)
        return keys

    def cursor_column(self) -> int:
        """No signal tells that a console's window was resized, so nobody asks."""
        return 0

    def _key(self, character: str) -> str:
        # Special keys come as two characters. The first of them is also what à sends, but then
        # nothing waits behind it.
        if character in ("\x00", "\xe0") and self._console.kbhit():
            return self._SPECIAL.get(self._console.getwch(), "unknown")
        if "\ud800" <= character <= "\udbff":
            self._high_half = character  # an emoji, say, comes as two UTF-16 halves
            return ""
        if "\udc00" <= character <= "\udfff":
            pair, self._high_half = self._high_half + character, ""
            return pair.encode("utf-16", "surrogatepass").decode("utf-16", "replace")[:1]
        return _plain_key(character)


class PipeKeyboard:
    """A pipe or a file instead of a person: each line counts as typed, its end as "eof"."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._text = ""
        self.source: Watched | None = descriptor
        if sys.platform == "win32":
            self.source = self._start_reader()

    def _start_reader(self) -> socket.socket:
        """Pass the input on through a socket: on Windows select() can watch nothing else."""
        import threading

        near, far = socket.socketpair()

        def pass_on() -> None:
            with far:
                while data := os.read(self._descriptor, RECEIVE_SIZE):
                    far.sendall(data)

        threading.Thread(target=pass_on, daemon=True).start()
        return near

    def take(self) -> None:
        """A pipe has nothing to take."""

    def give_back(self) -> None:
        """Nothing was changed."""

    def patience(self) -> float | None:
        """select() tells when there is something to read."""
        return None

    def read(self, ready: bool) -> list[str]:
        """Return each whole line as one key, and Enter behind it."""
        if not ready:
            return []
        if isinstance(self.source, socket.socket):
            data = self.source.recv(RECEIVE_SIZE)
        else:
            data = os.read(self._descriptor, RECEIVE_SIZE)
        self._text += self._utf8.decode(data, final=not data)
        *lines, self._text = self._text.split("\n")
        if not data:
            lines += [self._text] if self._text else []
            self.source = None
        keys: list[str] = []
        for line in lines:
            keys += [Paste(line.removesuffix("\r")), "enter"]
        return keys if data else [*keys, "eof"]

    def cursor_column(self) -> int:
        """A pipe has no cursor."""
        return 0


# ------------------------------------------------------------------------------------ the screen

# Of the 256 colours of xterm, those that have a contrast of 4 to 1 and more (WCAG 2.1) both to
# black and to white, so that a name can be read on whatever background there is.
PERSON_COLOURS = (131, 130, 64, 28, 30, 27, 98, 129, 163, 161)


def colour_number(name: str) -> int:
    """Return which of the PERSON_COLOURS a person has: the same in every conversation."""
    return zlib.crc32(fold(name).encode("utf-8", "replace")) % len(PERSON_COLOURS)


class Screen:
    """Hides the line being typed, prints, shows the line again. One row, never torn.

    `escapes` tells whether the terminal understands escape sequences (ECMA-48, DEC VT100);
    without them the same is done with carriage return, spaces and backspace.
    """

    def __init__(self, output: TextIO, *, terminal: bool, escapes: bool, colours: bool) -> None:
        self._output = output
        self._terminal = terminal
        self._escapes = escapes
        self._colours = colours
        self._drawn = ""  # the row as it was written last
        self._drawn_columns = 0
        self._cursor_column = 0  # counted from 0

    def open(self) -> None:
        """Ask the terminal to mark pasted text, so that its line ends are no Enter keys."""
        self.redraw()
        if self._terminal and self._escapes:
            self._write("\x1b[?2004h")

    def close(self) -> None:
        """Take the line being typed away, and the marking of pasted text."""
        if self._terminal:
            self._write(self._hidden() + ("\x1b[?2004l" if self._escapes else ""))

    def redraw(self) -> None:
        """Have the next update() draw the row even if it has not changed."""
        self._drawn = ""

    def resized(self, cursor_column: Callable[[], int]) -> None:
        """Draw the row anew in a window of another width.

        Where it has become too narrow for the row, younger terminals have wrapped it, older ones
        cut it; only the place of the cursor tells which (counted from 1, 0 where it is unknown).
        """
        wrapped, column = divmod(self._cursor_column, self._width())
        if wrapped and self._escapes:
            self._write("\x1b[6n")  # DSR, ECMA-48: the terminal answers as if it were typed
            if cursor_column() == column + 1 != self._width():
                self._write(f"\x1b[{wrapped}A\r\x1b[J")
        self.redraw()

    def clear(self) -> None:
        """Empty the window; the row is drawn anew at its top."""
        if self._terminal and self._escapes:
            self._write("\x1b[H\x1b[2J")
        self.redraw()

    def update(self, lines: Iterable[Line], prompts: Sequence[str], editor: LineEditor) -> None:
        """Print `lines` above the row with the line being typed and the first prompt that fits.

        All of it in one write: a thousand messages cost one redraw.
        """
        printed = "".join(f"{self._formatted(line)}\n" for line in lines)
        if not self._terminal:
            self._write(printed)
            return
        if printed:
            printed = self._hidden() + printed
        row, self._drawn_columns = self._row(prompts, editor)
        if printed or row != self._drawn:
            self._write(printed + row)
            self._drawn = row

    def _row(self, prompts: Sequence[str], editor: LineEditor) -> tuple[str, int]:
        width = self._width() - 1  # the last column stays free: no terminal wraps there
        fitting = (prompt for prompt in prompts if columns(prompt + editor.text) < width)
        prompt = next(fitting, prompts[-1])
        left, right = editor.view(max(2, width - columns(prompt)))
        self._cursor_column = columns(prompt + left)
        if not self._escapes:
            used = columns(prompt + left + right)
            blank = " " * max(0, self._drawn_columns - used)
            back = "\b" * (len(blank) + columns(right))
            return f"\r{prompt}{left}{right}{blank}{back}", used
        # Saving the cursor between the two halves and restoring it (DECSC, DECRC) puts it in the
        # right place even where the terminal's idea of a character's width differs from ours;
        # without autowrap (DECAWM) such a row can never become two.
        return f"\r\x1b[?7l{prompt}{left}\x1b7{right}\x1b[K\x1b8\x1b[?7h", 0

    def _hidden(self) -> str:
        self._drawn = ""
        return "\r\x1b[K" if self._escapes else f"\r{' ' * self._drawn_columns}\r"

    def _width(self) -> int:
        try:
            return max(4, os.get_terminal_size(self._output.fileno()).columns or 80)
        except OSError:
            return 80

    def _formatted(self, line: Line) -> str:
        clock = time.strftime("%H:%M")
        if not self._colours:
            return f"{clock} {line}"
        text = str(line)
        if line.kind is Kind.WIRE:
            text = f"\x1b[2m{text}\x1b[0m"
        elif line.kind is Kind.ERROR:
            text = f"\x1b[1m!\x1b[0m{text[1:]}"
        elif line.mentions_me:
            text = f"\x1b[1m{text}\x1b[0m"
        elif line.speaker:
            text = self._coloured(line.speaker, line.person) + text[len(line.speaker) :]
        return f"{clock} {text}"

    def _coloured(self, text: str, person: str) -> str:
        colour = f"38;5;{PERSON_COLOURS[colour_number(person)]}" if person else "1"
        return f"\x1b[{colour}m{text}\x1b[0m"

    def _write(self, text: str) -> None:
        if text:
            self._output.write(text)
            self._output.flush()


# -------------------------------------------------------------------------------------- the loop


class Client:
    """One person at a keyboard: the loop over socket, keyboard and signals."""

    def __init__(
        self,
        session: Session,
        keyboard: Keyboard,
        screen: Screen,
        signals: socket.socket,
        offered_name: str,
    ) -> None:
        self.session = session
        self.keyboard = keyboard
        self.screen = screen
        self.signals = signals
        self.offered_name = offered_name
        self.editor = LineEditor(session.completions)

    def run(self) -> int:
        """Talk until one side leaves. Returns the exit code."""
        session, keyboard = self.session, self.keyboard
        while True:
            self.editor.ask_secret(session.needs_password)
            self.screen.update(session.take_lines(), self.prompts(), self.editor)
            if session.state is State.OVER:
                return session.exit_code
            readable, writable = self.wait()
            if self.signals in readable:
                self.heed_signals()
            session.turn(session.socket in readable, session.socket in writable)
            for key in keyboard.read(keyboard.source in readable):
                self.press(key)

    def wait(self) -> tuple[list[Watched], list[socket.socket]]:
        """Sleep in select() until there is something to do: what may be read, what written."""
        session, keyboard = self.session, self.keyboard
        to_read, writing = session.watched
        reading: list[Watched] = [self.signals, *to_read]
        if keyboard.source is not None and not session.backed_up:
            reading.append(keyboard.source)
        timeouts = (keyboard.patience(), session.patience())
        timeout = min((seconds for seconds in timeouts if seconds is not None), default=None)
        # Windows reports a connect() that failed in the third list only, select(2) in the second.
        readable, writable, failed = select.select(reading, writing, writing, timeout)
        return readable, writable + failed

    def prompts(self) -> tuple[str, ...]:
        """Return what may stand before the line being typed, the best first, the shortest last."""
        if self.session.needs_password:
            return "Password: ", "> "
        if not self.session.needs_name:
            return ("> ",)
        offer = (f"Your name [{self.offered_name}]: ",) if self.offered_name else ()
        return *offer, "Your name: ", "> "

    def press(self, key: str) -> None:
        """Do what a key means."""
        if key == "eof" or (key in ("ctrl-c", "ctrl-d") and not self.editor.text):
            self.session.leave()
        elif key == "ctrl-z":
            self.suspend()
        elif key == "ctrl-l":
            self.screen.clear()
        else:
            lines = self.editor.press(key)
            if lines == [""] and self.session.needs_name:
                lines = [self.offered_name]
            if lines:
                self.session.typed_lines(lines)
            count = sum(bool(line.strip()) for line in self.editor.text.split(LINE_END))
            if isinstance(key, Paste) and count > 1:
                self.session.tell(f"{count} lines pasted: Enter sends them, Ctrl+C drops them")

    def heed_signals(self) -> None:
        """Do what the signals that have come ask for."""
        for number in self.signals.recv(RECEIVE_SIZE):
            name = signal.Signals(number).name
            if name == "SIGINT":
                self.press("ctrl-c" if self.session.interactive else "eof")
            elif name == "SIGTSTP":
                self.suspend()
            elif name == "SIGCONT":
                self.keyboard.take()  # a shell may have changed the terminal meanwhile
                self.screen.open()
            elif name == "SIGWINCH":
                self.screen.resized(self.keyboard.cursor_column)
            else:
                self.session.leave()

    def suspend(self) -> None:
        """Stop, like any program at Ctrl+Z, with the terminal as the shell expects it."""
        if not hasattr(signal, "SIGTSTP"):
            return
        self.screen.close()
        self.keyboard.give_back()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(0, signal.SIGTSTP)  # the whole job, as the terminal itself would do it
        # Here the program goes on when the shell says `fg`.
        signal.signal(signal.SIGTSTP, handler)
        self.keyboard.take()
        self.screen.open()


def catch_signals() -> socket.socket:
    """Return a socket from which the number of each signal can be read.

    So the loop sees a signal as one more readable socket, also on Windows, where Ctrl+C does
    not interrupt select().
    """
    loop_side, signal_side = socket.socketpair()
    signal_side.setblocking(False)
    signal.set_wakeup_fd(signal_side.detach())
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGWINCH", "SIGTSTP", "SIGCONT"):
        number = getattr(signal, name, None)  # Windows has only a few of them
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    return loop_side


# ------------------------------------------------------------------------------------- the start


def port_number(text: str) -> int:
    """Return a port from the command line. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 65535")
    return int(text)


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make a session, whatever shows it."""
    add = parser.add_argument
    add(
        "address",
        nargs="?",
        metavar="HOST",
        help="the machine with the server (default: this one, 127.0.0.1)",
    )
    add(
        "number",
        nargs="?",
        type=port_number,
        metavar="PORT",
        help=f"its port (default: {protocol.PORT})",
    )
    add("--host", metavar="HOST", help="the same as HOST")
    add("--port", type=port_number, metavar="PORT", help="the same as PORT")
    add("--name", metavar="NAME", default="", help="your name in the chat (default: asks for it)")
    add(
        "--password-file",
        metavar="FILE",
        help="send the password in this file (default: asks for it where one is wanted)",
    )
    add(
        "--tls",
        action="store_true",
        help="speak TLS; the certificate is always checked (default: off)",
    )
    add(
        "--tls-ca",
        metavar="FILE",
        help="trust the certificates in this file (default: those that the system trusts)",
    )
    add("--wire", action="store_true", help="show every frame as it travels (default: off)")


def parse_session_options(
    parser: argparse.ArgumentParser, arguments: list[str] | None
) -> argparse.Namespace:
    """Return the options; `host` stays None where none was given, `port` has its default."""
    options = parser.parse_args(arguments)
    if None not in (options.address, options.host) and options.address != options.host:
        parser.error("HOST and --host are two different hosts")
    if None not in (options.number, options.port) and options.number != options.port:
        parser.error("PORT and --port are two different ports")
    if options.tls_ca and not options.tls:
        parser.error("--tls-ca goes with --tls")
    options.host = options.host or options.address
    options.port = options.port or options.number or protocol.PORT
    return options


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chat_client.py",
        description="Talk to everyone at a chat_server.py. /help shows the commands.",
    )
    add_session_options(parser)
    parser.add_argument(
        "--no-color", action="store_true", help="no colours; NO_COLOR=1 does the same"
    )
    parser.add_argument("--version", action="version", version=f"chat_client {protocol.VERSION}")
    options = parse_session_options(parser, arguments)
    options.host = options.host or DEFAULT_HOST
    return options


def login_name() -> str:
    """Return the name this person has on this machine, if it can be one in the chat."""
    import getpass

    try:
        return protocol.check_name(getpass.getuser())
    except (ImportError, KeyError, OSError, ProtocolError):
        return ""


def load_tls(trusted: str | None) -> ssl.SSLContext:
    """Return what a client needs for TLS 1.2 and later; certificate and name are always checked.

    Raises OSError.
    """
    global ssl
    import ssl

    context = ssl.create_default_context(cafile=trusted)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def load_password(path: str) -> str:
    """Return the password in a file: its first line. Raises OSError and ValueError."""
    with open(path, encoding="utf-8-sig") as file:
        return protocol.check_password(file.readline().rstrip("\r\n"))


def why_not_loaded(error: OSError | ValueError, options: argparse.Namespace) -> str:
    """Say in a sentence what is wrong with the password's or the certificates' file."""
    if not isinstance(error, OSError):  # a UnicodeError is a ValueError too
        return f"{options.password_file} holds no password: {error}."
    if error.filename:
        return f"cannot read {error.filename}: {error.strerror}."
    # ssl names no file
    return f"cannot take certificates from {options.tls_ca}: {error.strerror or error}."


def wait_until_connected(session: Session) -> bool:
    """Connect, however long that takes. Returns whether it worked; else take_lines() says why."""
    try:
        session.connect()
    except (OSError, UnicodeError) as error:
        session.end(1, why_not_connected(error, session.host, session.port))
    while session.state is State.CONNECTING:
        session.turn(*session.ready(session.patience()))
    return session.state is State.ONLINE


def make_screen(no_color: bool, *, interactive: bool) -> Screen:
    """Find out what the output can do."""
    output = sys.stdout
    escapes = output.isatty() and os.environ.get("TERM") != "dumb"
    if sys.platform == "win32":
        try:
            import colorama

            colorama.just_fix_windows_console()
        except ImportError:
            escapes = False
    colours = escapes and not no_color and not os.environ.get("NO_COLOR")
    return Screen(output, terminal=interactive, escapes=escapes, colours=colours)


def make_keyboard(*, interactive: bool) -> Keyboard:
    """Find out where keys come from."""
    if not interactive:
        return PipeKeyboard(sys.stdin.fileno())
    if sys.platform == "win32":
        return WindowsKeyboard()
    return TerminalKeyboard(sys.stdin.fileno())


def main(arguments: list[str] | None = None) -> int:
    """Run the client. Returns the exit code."""
    options = parse_arguments(arguments)
    if sys.stdin is None or not isinstance(sys.stdout, io.TextIOWrapper):
        print("chat_client: needs an input and an output that are open.", file=sys.stderr)
        return 1
    # A name in a script that this terminal's encoding lacks must not end the conversation.
    sys.stdout.reconfigure(errors="replace")
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        password = load_password(options.password_file) if options.password_file else ""
        tls = load_tls(options.tls_ca) if options.tls else None
    except (OSError, ValueError) as error:
        print(f"chat_client: {why_not_loaded(error, options)}", file=sys.stderr)
        return 1
    session = (WireSession if options.wire else Session)(
        options.host,
        options.port,
        options.name,
        password=password,
        tls=tls,
        interactive=interactive,
    )
    try:
        connected = wait_until_connected(session)
    except KeyboardInterrupt:
        return 1
    if not connected:
        for line in session.take_lines():
            print(f"chat_client: {line.text.removeprefix('! ')}", file=sys.stderr)
        return 1
    return talk(session, options.no_color)


def talk(session: Session, no_color: bool) -> int:
    """Give a connected session a keyboard and a screen. Returns the exit code."""
    keyboard = make_keyboard(interactive=session.interactive)
    screen = make_screen(no_color, interactive=session.interactive)
    client = Client(session, keyboard, screen, catch_signals(), login_name())
    keyboard.take()
    try:
        screen.open()
        return client.run()
    except OSError:
        # Nobody reads our output any more. What is left of it must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        screen.close()
        keyboard.give_back()


if __name__ == "__main__":
    sys.exit(main())
