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
from chat.client.absence import FINAL_AT_FIRST, FINAL_ERRORS, Absence
from chat.client.answers import Answers
from chat.client.faults import Fault
from chat.client.lines import Kind, Lines
from chat.client.link import Link, State, Stream, why_not_sent
from chat.client.password import Password
from chat.client.roster import Roster, is_count
from chat.client.unsaid import Unsaid
from chat.client.wire_view import WireView
from chat_protocol import ErrorCode, fold

if TYPE_CHECKING:
    import ssl  # only those who speak TLS load it: see tls.py

FAREWELL_SECONDS = 2.0  # for the server to say BYE before we leave all the same
OUTBOX_ENOUGH = 64 * 1024  # bytes: while more wait to be sent, a piped file is not read on


class Session:
    """One person's conversation with a server.

    Nothing here waits, save for looking up the host. Whoever owns the loop calls `turn()` when
    the socket is ready or `patience()` is at its end, and shows what `lines.take()` returns.
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
        self.lines = Lines(gathers=interactive)
        self.roster = Roster(self.lines, self._came, interactive=interactive)
        self._answers = Answers(self.roster)
        self._unsaid = Unsaid(self.lines)
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
        self.wanted_name = name  # asked for on every new connection
        self._naming = False  # a NAME is on its way
        self.looking = False  # a GET_NAMES is on its way that nobody typed
        self.leaving = False  # by our wish; an EXIT is on its way, or not needed
        self._reason_given = ""  # why the server is about to close, the code of its last frame
        self.password = Password(self.lines, password, readable=tls is None)
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
    def keeps_messages(self) -> bool:
        """Whether what is said now waits until we are back, and the others as well."""
        return self.regaining or self._unsaid.waits_for_others

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
    def needs_name(self) -> bool:
        """Whether the person should be asked for a name now."""
        online = self.state is State.ONLINE and not self.leaving and not self._reason_given
        named = self.name or self._naming or self.password.wanted or self.password.on_its_way
        return self.interactive and online and not named

    def connect(self) -> None:
        """Begin to connect. Raises OSError and UnicodeError: see Link.connect()."""
        self._link.connect()

    def turn(self, readable: bool, writable: bool) -> None:
        """Do what can be done now: the socket is ready, or patience is at its end."""
        self._link.turn(readable, writable)
        if self._deadline <= time.monotonic() and self.state is State.ONLINE:
            self._deadline = math.inf
            if self.leaving:
                self.end(0)  # no BYE came; that shall not keep anybody here
            elif self.regaining:
                self.request(f"NAME {self.wanted_name}")
        if self._unsaid.deadline <= time.monotonic() and self.state is State.ONLINE:
            self._say_what_waited()

    def ready(self, seconds: float | None) -> tuple[bool, bool]:
        """Wait so long at most; return whether the socket can be read, and whether written."""
        return self._link.ready(seconds)

    def patience(self) -> float | None:
        """How many seconds the owner's loop may sleep before it calls turn() all the same.

        None: until the socket is ready.
        """
        deadline = min(self._deadline, self._link.deadline, self._unsaid.deadline)
        seconds = min(deadline, self.lines.deadline) - time.monotonic()
        return None if seconds == math.inf else max(0.0, seconds)

    # -- what is sent

    def request(self, payload: str, typed: str = "") -> bool:
        """Send a request as it is, or keep it until we are back; return whether that was done.

        `typed` is the line that it was made of, for an error to speak of.
        """
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
            if self._send(payload, typed):
                self._naming = True
                self.wanted_name = name or self.wanted_name
        elif verb == "PASS" and name:
            self.give_password(name)
            if not online:
                self.lines.tell("PASS (waiting)")
        elif verb == "NAME" and self._absence:
            self.wanted_name = self._absence.name_for_return(name) or self.wanted_name
        elif self.regaining or (verb == "MSG" and self.keeps_messages):
            return self._unsaid.keep(payload, typed)
        else:
            return self._send(payload, typed)
        return True

    def give_password(self, password: str) -> None:
        """Send the password that a file held or the person was asked for, or keep it until then."""
        self.password.give(password)
        sent = self.state is State.ONLINE and self._send(f"PASS {password}")
        self.password.on_its_way = sent

    def leave(self) -> None:
        """Say goodbye to the server; the session is over when it has answered, or soon."""
        if self.state in (State.CONNECTING, State.WAITING):
            self.end(0)
        elif self.state is State.ONLINE and not self.leaving:
            if not self.regaining:
                self._say_what_waited()
            self._send("EXIT")
            if self.interactive:  # a pipe waits until all that it sent is dealt with
                self._deadline = time.monotonic() + FAREWELL_SECONDS
        self.leaving = True

    def end(self, exit_code: int, sentence: str = "", code: str = "") -> None:
        """End the session, with a sentence to show and its code if it is not by anybody's wish."""
        if sentence:
            self.lines.show(Kind.ERROR, sentence, code=code)
        if kept := len(self._unsaid.take()):
            self.lines.show(Kind.ERROR, f"Not sent, of what you typed meanwhile: {kept}.")
        self.lines.release()
        self.exit_code = exit_code
        self._deadline = math.inf
        self._link.close()

    def _send(self, payload: str, typed: str = "") -> bool:
        """Send a frame; return whether that could be done."""
        try:
            self._link.send(payload)
            self._answers.sent(payload, typed)
        except ValueError as error:
            self.lines.show(Kind.ERROR, why_not_sent(error))
            return False
        return True

    # -- what the link tells

    def _online(self) -> None:
        """The connection is there: say who we are."""
        self._reason_given = ""
        self.roster.forget_list()
        if self.password.known:
            self.give_password(self.password.known)
        if self.wanted_name:
            self.request(f"NAME {self.wanted_name}")
        else:
            # Tells whether a password is wanted, before somebody types it as a name.
            self._look_around()

    def _look_around(self) -> None:
        """Ask who is here, for ourselves, where a person is to be asked for a name."""
        if self.interactive:
            self.looking = self._send("GET_NAMES")

    def _failed(self, sentence: str, fault: Fault) -> None:
        """There is no connection: try again later if there was one before."""
        if self._absence:
            self._absence.tell_why(sentence)
            self._link.connect_later(self._absence.next_wait())
        else:
            self.end(1, sentence, fault)

    def _silent(self) -> None:
        """The server says nothing: somebody who has not been in can judge whether to wait on."""
        sentence = f"{self.host} takes connections, but has not answered yet."
        if self._absence:
            self._failed(sentence, Fault.WRONG_PORT)
        else:
            self.lines.show(Kind.ERROR, sentence, code=Fault.WRONG_PORT)

    def _lost(self, reason: str, broken: bool) -> None:
        """The connection is no more: end the session, or call the server again."""
        self._deadline = math.inf
        self.password.on_its_way = False
        unsure = self._answers.lost(broken=broken)
        if self._reason_given and not (self.regaining and self._reason_given in FINAL_AT_FIRST):
            self.end(1, f"The server has gone: {reason}." if broken else "", self._reason_given)
        elif self.leaving and (self.regaining or not (self._link.backlog or broken)):
            self.end(0)
        elif not self.interactive or self.leaving or not (self.name or self.regaining):
            self.end(1, f"The server has gone: {reason}.", Fault.UNREACHABLE)
        else:
            if not self._absence:
                self.roster.to_block = set(self.roster.blocked)
                self._unsaid.remember(self.roster.people.keys() - {fold(self.name)})
                self._absence = Absence(self.lines)
            if not self._reason_given:
                self._absence.tell_why(f"The connection is gone: {reason}.")
            self._absence.tell_unsure(unsure)
            self._link.connect_later(self._absence.next_wait())

    def _received(self, data: bytes) -> None:
        """Do what a frame means; one that is unknown or malformed is shown as it is."""
        payload = data.decode(errors="replace")
        verb, _, arguments = payload.partition(" ")
        words = arguments.split(" ")
        closes = verb == "ERROR" and words[0] in (*FINAL_ERRORS, *FINAL_AT_FIRST)
        self._reason_given = words[0] if closes else ""
        self._answers.came(verb)
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
            case "INFO", _ if arguments:
                self.lines.show(Kind.SERVER, arguments, for_me=True)
            case "ERROR", [code, *sentence]:
                self._on_error(code, " ".join(sentence))
            case _:
                if not self.roster.news(verb, words):
                    self.lines.show(Kind.EVENT, payload)

    # -- what a frame means

    def _on_hello(self, name: str) -> None:
        first = not self.name
        self.roster.enter(name)
        self.wanted_name = name
        self._naming = False
        self.password.wanted = False  # by the server as it is now
        if self.regaining:
            self._deadline = math.inf if not self.leaving else self._deadline
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
            self._back()
        if not self.keeps_messages:
            self.roster.check_addressee()
        if not self.looking:
            self.roster.show_list(total)
        self.looking = False

    def _back(self) -> None:
        """We are back: block whom we blocked, then wait for the others."""
        self._absence = None
        self.lines.tell(f"you are back as {self.name}")
        for name in self.roster.people.values():
            self._came(name)
        self._unsaid.wait_for_others()

    def _say_what_waited(self) -> None:
        """Say what was typed while the connection was gone."""
        for payload, typed in self._unsaid.take():
            verb, name, text = (*payload.split(" ", 2), "", "")[:3]
            if verb == "MSG" and text and not self.roster.is_here(name):
                self.lines.show(Kind.ERROR, f"{name} is not here; not said: {text}")
            elif self.request(payload, typed) and verb == "MSG" and text:
                self.roster.said_myself(self.name, name, text)
        self.roster.check_addressee()

    def _came(self, name: str) -> None:
        """Somebody is here, again perhaps since the connection broke."""
        self._unsaid.came(name)
        if fold(name) in self.roster.to_block and not self.regaining:
            self._send(f"BLOCK {name}")

    def _on_accepted(self) -> None:
        self.lines.tell("the password is accepted")
        self.password.wanted = self.password.on_its_way = False
        if self.wanted_name and not self._naming and (self.regaining or not self.name):
            self.request(f"NAME {self.wanted_name}")

    def _on_error(self, code: str, sentence: str) -> None:
        naming, self._naming = self._naming, False
        self.looking = self.password.on_its_way = False
        wants_password = code in (ErrorCode.PASSWORD_REQUIRED, ErrorCode.BAD_PASSWORD)
        if naming and not wants_password:
            self.password.wanted = False  # who looks at a name wants nothing more before it
        refused = self.wanted_name
        if naming and not self.name and code == ErrorCode.NAME_TAKEN:
            self.roster.is_taken(refused)
            self._look_around()
        if naming and (self.name or code == ErrorCode.BAD_NAME):
            self.wanted_name = self.name  # the new one was refused
        if naming and self.regaining and fold(refused) != fold(self.name):
            if self._reason_given in FINAL_AT_FIRST:  # a lock lets in our old name alone
                self._unsaid.keep(f"NAME {refused}", f"/name {refused}")
            else:
                self.request(f"NAME {self.name}")
        elif code == ErrorCode.NAME_TAKEN and naming and self._absence:
            again = self._absence.name_retry(self.wanted_name)
            self._deadline = min(self._deadline, again)  # the farewell's stays
            return
        if code == ErrorCode.PASSWORD_REQUIRED and self.interactive:
            if not self.password.wanted:
                self.lines.show(Kind.ERROR, "This server wants a password.", code=code)
        else:
            sentence = self._answers.explain(code, sentence)
            if self._absence and self._reason_given:
                self._absence.tell_why(sentence)
            else:
                self.lines.show(Kind.ERROR, sentence, code=code)
        if wants_password:
            self.password.ask(person=self.interactive)
