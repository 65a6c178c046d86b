"""One person's conversation with a server: getting in under a name, staying, coming back, leaving.

Knows what the server's answers mean, and what a break must not cost. The connection is in link.py,
what is told of the others in roster.py, what a typed line means in commands.py. Knows no terminal:
the window uses it as it is.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import chat_protocol as protocol
from chat.client.absence import Absence
from chat.client.lines import Kind, Line, Lines
from chat.client.link import Link, State, Stream
from chat.client.roster import Roster, is_count
from chat.client.wire_view import WireView
from chat_protocol import ErrorCode, ProtocolError, fold

if TYPE_CHECKING:
    import ssl  # only those who speak TLS load it: see tls.py

FAREWELL_SECONDS = 2.0  # for the server to say BYE before we leave all the same
NAME_RETRY_SECONDS = 3.0
NAMES_SHOWN = 1_000  # in one line, which nobody reads to its end
OUTBOX_ENOUGH = 64 * 1024  # bytes: while more wait to be sent, a piped file is not read on

# Where the connection closes right after one of these, calling again would bring the same answer.
FINAL_ERRORS = (ErrorCode.BAD_FRAME, ErrorCode.TLS_REQUIRED)
# The same for a newcomer. Who was here before calls again, for there is something to lose.
FINAL_AT_FIRST = (ErrorCode.BAD_PASSWORD, ErrorCode.SERVER_FULL, ErrorCode.TIMEOUT)


class Session:
    """One person's conversation with a server.

    Nothing here waits, save for looking up the host. Whoever owns the loop calls `turn()` when
    the socket is ready or `patience()` is at its end, and shows what `take_lines()` returns.
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
        wire: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.interactive = interactive  # a person is there: ask for a name, help, reconnect
        self.exit_code = 0
        self.lines = Lines()
        self.roster = Roster(self.lines, came=self._block_again)
        self._link = Link(
            host,
            port,
            tls,
            online=self._online,
            received=self._received,
            failed=self._failed,
            silent=self._silent,
            lost=self._lost,
            wire_view=WireView(self.lines) if wire else None,
        )
        self._deadline = math.inf  # when something is to be done that no frame asks for
        self._wanted_name = name  # asked for on every new connection
        self._naming = False  # a NAME is on its way
        self._looking = False  # a GET_NAMES is on its way that nobody typed
        self._leaving = False  # an EXIT is on its way
        self._reason_given = ""  # why the server is about to close, the code of its last frame
        self.needs_password = False  # the server wants one, and the person should be asked
        self._password = password  # sent on every new connection
        self._passing = False  # a PASS is on its way
        self._was_asked = False  # and the person had been asked for it
        self._readable_for_all = tls is None  # what travels, and nobody has been warned yet
        self._absence: Absence | None = None  # the connection broke, and we are not back yet

    # -- what the owner's loop needs

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._link.state

    @property
    def name(self) -> str:
        """Our name as the server keeps it; empty until it said HELLO."""
        return self.roster.name

    @property
    def regaining(self) -> bool:
        """Whether the connection broke, and we are not back under our name yet."""
        return self._absence is not None

    @property
    def socket(self) -> Stream | None:
        """What select() tells of; None while there is no connection. It may change in any turn."""
        return self._link.socket

    @property
    def watched(self) -> tuple[list[Stream], list[Stream]]:
        """What select() is to watch for reading, and what for writing: our socket, or nothing."""
        return self._link.watched

    @property
    def backed_up(self) -> bool:
        """Whether so much waits to be sent that a program should not go on typing."""
        return not self.interactive and self._link.backlog > OUTBOX_ENOUGH

    @property
    def password_is_judged(self) -> bool:
        """Whether the person has given a password, and the server has not answered yet.

        It may take its time, and the person may think that they have to type it again.
        """
        return self._was_asked and self._passing

    @property
    def needs_name(self) -> bool:
        """Whether the person should be asked for a name now."""
        online = self.state is State.ONLINE and not self._leaving
        named = self.name or self._naming or self.needs_password or self._passing
        return self.interactive and online and not named

    def connect(self) -> None:
        """Begin to connect. Raises OSError and UnicodeError: see Link.connect()."""
        self._link.connect()

    def turn(self, readable: bool, writable: bool) -> None:
        """Do what can be done now: the socket is ready, or patience is at its end."""
        try:
            self._link.turn(readable, writable)
        except ProtocolError:
            self._failed("The server does not speak this protocol; is that the right port?")
        if self._deadline <= time.monotonic() and self.state is State.ONLINE:
            self._deadline = math.inf
            if self._leaving:
                self.end(0)  # no BYE came; that shall not keep anybody here
            elif self.regaining:
                self.request(f"NAME {self._wanted_name}")

    def ready(self, seconds: float | None) -> tuple[bool, bool]:
        """Wait so long at most; return whether the socket can be read, and whether written."""
        return self._link.ready(seconds)

    def patience(self) -> float | None:
        """How many seconds the owner's loop may sleep before it calls turn() all the same.

        None: until the socket is ready.
        """
        deadline = min(self._deadline, self._link.deadline)
        return None if deadline == math.inf else max(0.0, deadline - time.monotonic())

    def take_lines(self) -> list[Line]:
        """Return what there is to show, once."""
        return self.lines.take()

    # -- what is sent

    def request(self, payload: str) -> bool:
        """Send a request as it is, or keep it until we are back; return whether that was done."""
        verb, arguments = protocol.split_verb(payload)
        name = arguments or ""
        online = self.state is State.ONLINE
        if self.state is State.OVER:
            return False
        if payload == "EXIT":
            self.leave()
        elif verb == "UNBLOCK" and fold(name) in self.roster.to_block:
            # Since we are back they were not here, so the server does not know of this block.
            self.roster.unblocked(name)
        elif online and verb == "NAME":
            if self._send(payload):
                self._naming = True
                self._wanted_name = name or self._wanted_name
        elif verb == "PASS" and name:
            self.give_password(name)
            if not online:
                self.lines.tell("PASS (waiting)")
        elif not self._absence:
            return self._send(payload)
        elif verb == "NAME":
            self._come_back_as(name)
        else:
            return self._absence.keep(payload)
        return True

    def _come_back_as(self, name: str) -> None:
        try:
            self._wanted_name = protocol.check_name(name)
        except ProtocolError as error:
            self.lines.show(Kind.ERROR, str(error))
        else:
            self.lines.tell(f"you will be {name} when the server is back")

    def give_password(self, password: str) -> None:
        """Send the password that a file held or the person was asked for, or keep it until then."""
        self._warn_of_readers()
        self._was_asked = self.needs_password
        self.needs_password = False
        self._password = password
        self._passing = self.state is State.ONLINE and self._send(f"PASS {password}")

    def _warn_of_readers(self) -> None:
        if self._readable_for_all:
            self._readable_for_all = False
            self.lines.tell("without TLS the password travels readable for everyone on the network")

    def leave(self) -> None:
        """Say goodbye to the server; the session is over when it has answered, or soon."""
        if self.state in (State.CONNECTING, State.WAITING):
            self.end(0)
        elif self.state is State.ONLINE and not self._leaving:
            self._leaving = True
            self._send("EXIT")
            if self.interactive:  # a pipe waits until all that it sent is dealt with
                self._deadline = time.monotonic() + FAREWELL_SECONDS

    def end(self, exit_code: int, sentence: str = "") -> None:
        """End the session, with a sentence to show if it is not by anybody's wish."""
        if sentence:
            self.lines.show(Kind.ERROR, sentence)
        if self._absence and (kept := self._absence.kept):
            self.lines.show(Kind.ERROR, f"Not sent, of what you typed meanwhile: {len(kept)}.")
        self.exit_code = exit_code
        self._deadline = math.inf
        self._link.close()

    def _send(self, payload: str) -> bool:
        """Send a frame; return whether that could be done."""
        try:
            self._link.send(payload)
        except UnicodeEncodeError:
            self.lines.show(Kind.ERROR, "That holds bytes that are no text; it was not sent.")
            return False
        except ValueError:
            size = protocol.MAX_PAYLOAD_SIZE
            self.lines.show(Kind.ERROR, f"That is too long: {size} bytes fit; it was not sent.")
            return False
        return True

    # -- what the link tells

    def _online(self) -> None:
        """The connection is there: say who we are."""
        self._reason_given = ""
        self.roster.forget_list()
        if self._password:
            self.give_password(self._password)
        if self._wanted_name:
            self.request(f"NAME {self._wanted_name}")
        elif self.interactive:
            # Tells whether a password is wanted, before somebody types it as a name.
            self._looking = True
            self._send("GET_NAMES")

    def _failed(self, sentence: str) -> None:
        """There is no connection: try again later if there was one before."""
        if self._absence:
            self._link.connect_later(self._absence.next_wait(sentence))
        else:
            self.end(1, sentence)

    def _silent(self) -> None:
        """The server says nothing: somebody who has not been in can judge whether to wait on."""
        sentence = f"{self.host} takes connections, but has not answered yet."
        if self._absence:
            self._failed(sentence)
        else:
            self.lines.show(Kind.ERROR, sentence)

    def _lost(self, reason: str, broken: bool) -> None:
        """The connection is no more: end the session, or call the server again."""
        self._deadline = math.inf
        self._passing = False
        if self._reason_given and not (self.regaining and self._reason_given in FINAL_AT_FIRST):
            self.end(1, f"The server has gone: {reason}." if broken else "")
        elif self._leaving and not self._link.backlog and not broken:
            self.end(0)
        elif not self.interactive or self._leaving or not (self.name or self.regaining):
            self.end(1, f"The server has gone: {reason}.")
        else:
            if not self._reason_given:
                self.lines.show(Kind.ERROR, f"The connection is gone: {reason}.")
            if not self._absence:
                self.roster.to_block = set(self.roster.blocked)
                self._absence = Absence(self.lines)
            self._link.connect_later(self._absence.next_wait())

    def _received(self, data: bytes) -> None:
        """Do what a frame means; one that is unknown or malformed is shown as it is."""
        payload = data.decode(errors="replace")
        verb, _, arguments = payload.partition(" ")
        words = arguments.split(" ")
        closes = verb == "ERROR" and words[0] in (*FINAL_ERRORS, *FINAL_AT_FIRST)
        self._reason_given = words[0] if closes else ""
        match verb, words:
            case "HELLO", [name] if name:
                self._on_hello(name)
            case "NAMES", [total, *names] if is_count(total):
                self._on_names(int(total), names)
            case "ACCEPTED", _:
                self._on_accepted()
            case "BYE", _:
                self.lines.tell("goodbye")
                self.end(0)
            case "INFO", _:
                self.lines.tell(arguments)
            case "ERROR", [code, *sentence]:
                self._on_error(code, " ".join(sentence))
            case _:
                if not self.roster.news(verb, words):
                    self.lines.show(Kind.EVENT, payload)

    # -- what a frame means

    def _on_hello(self, name: str) -> None:
        first = not self.name
        self.roster.enter(name)
        self._wanted_name = name
        self._naming = False
        self.needs_password = False  # of the server as it is now
        if self.regaining:
            self._deadline = math.inf if not self._leaving else self._deadline
            self._send("GET_NAMES")
        elif not first:
            self.lines.tell(f"you are now {name}")
        else:
            self.lines.tell(f"you are {name}")
            if self.interactive:
                self.lines.tell("type to talk to all; /msg NAME text to one")
                self.lines.tell("/help for help, /quit to leave")
                self._send("GET_NAMES")

    def _on_names(self, total: int, names: list[str]) -> None:
        if not self.roster.list_people(total, names):
            return  # the rest is in the next frame
        if self._absence:
            self._back_from(self._absence)
        if not self._looking:
            names = [*self.roster.people.values()][:NAMES_SHOWN]
            more = [f"and {total - len(names)} more"] if total > len(names) else []
            self.lines.tell(f"here ({total}): {', '.join(names + more) or 'nobody'}")
        self._looking = False

    def _back_from(self, absence: Absence) -> None:
        """We are back: block whom we blocked, then say what was typed meanwhile."""
        self._absence = None
        self.lines.tell(f"you are back as {self.name}")
        for name in self.roster.people.values():
            self._block_again(name)
        for payload in absence.kept:
            self.request(payload)

    def _block_again(self, name: str) -> None:
        """Block somebody who is here and whom we blocked before the connection broke."""
        if fold(name) in self.roster.to_block and not self.regaining:
            self._send(f"BLOCK {name}")

    def _on_accepted(self) -> None:
        self.lines.tell("the password is accepted")
        self.needs_password = self._passing = False
        if self._wanted_name and not self._naming and (self.regaining or not self.name):
            self.request(f"NAME {self._wanted_name}")

    def _on_error(self, code: str, sentence: str) -> None:
        naming, self._naming = self._naming, False
        self._looking = self._passing = False
        wants_password = code in (ErrorCode.PASSWORD_REQUIRED, ErrorCode.BAD_PASSWORD)
        if naming and not wants_password:
            self.needs_password = False  # who looks at a name wants nothing more before it
        refused = self._wanted_name
        if naming and self.name:
            self._wanted_name = self.name  # the new one was refused
        if naming and self.regaining and fold(refused) != fold(self.name):
            self.request(f"NAME {self.name}")
        elif code == ErrorCode.NAME_TAKEN and naming and self._absence:
            if self._absence.is_name_held(self._wanted_name):
                again = time.monotonic() + NAME_RETRY_SECONDS
                self._deadline = min(self._deadline, again)  # the farewell's stays
            return
        if code == ErrorCode.PASSWORD_REQUIRED and self.interactive:
            if not self.needs_password:
                self.lines.show(Kind.ERROR, "This server wants a password.")
        else:
            self.lines.show(Kind.ERROR, sentence or code)
        if wants_password:
            self._ask_for_password()

    def _ask_for_password(self) -> None:
        """Have the person asked for the password; a file with a wrong one is of no more use."""
        self._warn_of_readers()
        self._password = ""
        self.needs_password = self.interactive
