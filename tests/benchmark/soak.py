"""The soak: random people use the server for as long as asked, and a model checks every promise.

    python tests/benchmark/soak.py --minutes 10
    python tests/benchmark/soak.py --seed 1234 --clients 50 --server-args="--selector auto"

It goes on in phases. In each, every person gets a role and a script; all the scripts run at the
same time, cut into packets anywhere. Scripts of one phase are drawn so that it does not matter
in which order the server takes them: no name changes hands, nobody writes to somebody who comes,
goes or changes their name, nobody blocks somebody who talks. So the model knows for every
listener and every source exactly what must arrive and in which order, although it does not know
how the sources mix. Then everyone sends a fence, a request whose answer shows that all before it
has been dealt with, and what arrived is compared.

Exits with 1 and an explanation at the first broken promise.
"""

from __future__ import annotations

import argparse
import random
import select
import shlex
import socket
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from contenders import (
    HOST,
    PROJECT,
    Command,
    ContenderError,
    descriptor_count,
    port_in,
    running,
    status_field,
)
from load import RECEIVE_SIZE, RESET_ON_CLOSE, frame

PATIENCE = 30.0  # seconds without any news: then something that was promised does not come
MEMORY_GROWTH = 16 * 1024  # KiB that the server may keep of all that happened
FAREWELL = 10.0  # seconds for the server to give back what the last ones used
CUT_OFF_EVERY = 100  # phases
LONGEST_TEXT = "x" * 9985  # fits a request, and no message once a sender stands in front of it
GARBAGE = (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"+123", b"12 4HI", b"\xff" * 5000)
WORDS = ("hello", "שלום", "مرحبا", "naïve", "😀", "two  spaces", "0004", "e\u0301", "MSG", "%s {}")
# What each of these must be answered with; none of it reaches anybody else.
MISTAKES = (
    (b"", "UNKNOWN_COMMAND"),
    (b"DANCE now", "UNKNOWN_COMMAND"),
    (b"GET_NAMES please", "BAD_ARGUMENTS"),
    (b"MSG BROADCAST", "BAD_ARGUMENTS"),
    (b"MSG BROADCAST  ", "BAD_ARGUMENTS"),
    (b"MSG BROADCAST \xff\xfe", "BAD_TEXT"),
    (b"MSG BROADCAST \x1b[2J", "BAD_TEXT"),
    (b"NAME two words", "BAD_NAME"),
    (b"NAME broadcast", "BAD_NAME"),
    (b"NAME " + b"x" * 21, "BAD_NAME"),
    (b"BLOCK nobody-at-all", "NO_SUCH_NAME"),
    (b"UNBLOCK nobody-at-all", "NOT_BLOCKED"),
    (b"MSG nobody-at-all hello", "NO_SUCH_NAME"),
    (b"MSG BROADCAST " + LONGEST_TEXT.encode(), "TOO_LONG"),
)


class BrokenPromiseError(Exception):
    """The server did not do what protocol.md promises."""


def fold(name: str) -> str:
    """What two names have in common when they count as the same."""
    return unicodedata.normalize("NFKC", name).casefold()


# ---------------------------------------------------------------------------------------- people


@dataclass(eq=False)
class Person:
    """One connection, and what the model knows about who is behind it."""

    number: int
    socket: socket.socket
    name: str = ""  # as the server shows it; none yet: not part of the chat
    blocked: set[str] = field(default_factory=set)  # folded names
    said: int = 0
    unsent: bytearray = field(default_factory=bytearray)
    half_frame: bytes = b""
    stalled: bool = False  # does not read for now
    gone: bool = False  # the server has closed the connection, or we have
    # Of this phase:
    heard: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # that must come, see matches()
    answered: int = 0
    farewell: str = ""  # how they leave at the end of their script
    reset_at: int = 0  # with so many bytes unsent

    def ask(self, payload: bytes | str, answer: str = "") -> None:
        """Add a request to the script, and what must be answered, if anything is."""
        data = payload.encode() if isinstance(payload, str) else payload
        self.unsent += frame(data)
        if answer:
            self.answers.append(answer)

    def take(self, data: bytes) -> None:
        """Take bytes as they come, and keep the frames."""
        data = self.half_frame + data
        while len(data) >= 4 and len(data) >= (end := 4 + length(data[:4])):
            payload = data[4:end].decode()
            self.heard.append(payload)
            self.answered += not source_name(payload)
            data = data[end:]
        self.half_frame = data

    def __str__(self) -> str:
        return f"person {self.number} ({self.name or 'no name'})"


def length(digits: bytes) -> int:
    if not digits.isdigit():
        raise BrokenPromiseError(f"a frame begins with {digits!r}")
    return int(digits)


def source_name(payload: str) -> str:
    """Whose doing a frame tells of; nobody's: it is an answer to one's own request."""
    verb, _, rest = payload.partition(" ")
    return rest.partition(" ")[0] if verb in ("MSG", "JOINED", "LEFT", "RENAMED") else ""


@dataclass
class Event:
    """A frame that one person's script causes, and who gets it."""

    payload: str
    deaf: set[int] = field(default_factory=set)  # numbers of those who do not hear it
    only: int | None = None  # the one who does, if it is private

    def reaches(self, listener: Person) -> bool:
        if self.only is not None:
            return listener.number == self.only
        return listener.number not in self.deaf


# ----------------------------------------------------------------------------------------- model


class Soak:
    """All the people, the model of the room, and the phases."""

    def __init__(self, port: int, people: int, seed: int) -> None:
        self.port = port
        self.size = people
        self.dice = random.Random(seed)  # who does what: the same for the same seed
        self.chance = random.Random()  # how packets are cut, which depends on the clock anyway
        self.people: list[Person] = []
        self.numbers = 0
        self.phases = self.checked = 0
        self.poll = select.epoll()
        self.by_descriptor: dict[int, Person] = {}
        self.names = [
            f"{word}{number}"
            for word in ("anna", "Bob-", "zoë_", "דנה", "straße", "ﬁona", "ⅳan")
            for number in range(max(4, people // 4))
        ]
        self.begin()

    def begin(self) -> None:
        """Forget the last phase."""
        self.owners = {fold(person.name): person for person in self.people}
        self.events: dict[Person, list[Event]] = {}
        self.newcomers: list[Person] = []
        self.leavers: list[Person] = []
        self.strangers: list[Person] = []  # who never take a name
        for person in self.people:
            person.heard.clear()
            person.answers.clear()
            person.answered = 0

    # -- who does what

    def phase(self) -> None:
        """Let everybody do something, and check what came of it."""
        self.begin()
        self.phases += 1
        cast = self.dice.sample(self.people, len(self.people))
        few = max(1, len(cast) // 20)
        leavers, movers, blockers, silent = (
            cast[:few],
            cast[few : 3 * few],
            cast[3 * few : 5 * few],
            cast[5 * few : 10 * few],
        )
        steady = cast[3 * few :]
        for person in movers:
            self.move(person)
        for _ in range(min(self.size - len(self.people), 4 * few)):
            self.join()
        for person in blockers:
            self.block(person, silent)
        for person in cast[10 * few :]:
            self.talk(person, steady)
        for person in leavers:
            self.leave(person)
        self.people = [person for person in self.people if person not in leavers]
        for _ in range(self.dice.randrange(3)):
            self.stranger()
        for person in self.dice.sample(steady, few):
            self.stall(person)
        self.run_scripts(steady)
        self.compare()

    def tell(self, source: Person, payload: str, to: Person | None = None) -> None:
        """Expect that everybody (or one) hears of something that `source` does."""
        event = Event(payload, {source.number}, to.number if to else None)
        if payload.startswith("MSG "):
            event.deaf |= {person.number for person in self.blockers_of(source)}
        self.events.setdefault(source, []).append(event)

    def blockers_of(self, sender: Person) -> list[Person]:
        folded = fold(sender.name)
        return [person for person in self.people if folded in person.blocked]

    def spell(self, name: str) -> str:
        """One of the ways to write a name that all count as the same."""
        return self.dice.choice([name, name.upper(), name.title(), name.casefold()])

    def new_name(self, person: Person) -> str:
        """Draw a name that nobody has had in this phase, and give it to them."""
        while fold(name := self.spell(self.dice.choice(self.names))) in self.owners:
            pass
        self.owners[fold(name)] = person
        return name

    def text(self, person: Person) -> str:
        """A text that no other message has."""
        person.said += 1
        words = self.dice.choices(WORDS, k=self.dice.choice([1, 3, 3, 3, 100]))
        return f"{person.number}.{person.said} {' '.join(words)}"

    def say_to_all(self, person: Person) -> None:
        text = self.text(person)
        word = self.dice.choice(["BROADCAST", "broadcast", "Broadcast"])
        end = self.dice.choice(["", "", "\n", "\r\n"])
        person.ask(f"MSG {word} {text}{end}")
        self.tell(person, f"MSG {person.name} BROADCAST {text}")

    def say_to_one(self, person: Person, other: Person) -> None:
        text = self.text(person)
        # One's own name may come to stand on one's list; a message to oneself is delivered.
        blocked = fold(person.name) in other.blocked and other is not person
        person.ask(f"MSG {self.spell(other.name)} {text}", "ERROR BLOCKED" if blocked else "")
        if not blocked:
            self.tell(person, f"MSG {person.name} {other.name} {text}", other)

    def talk(self, person: Person, steady: list[Person]) -> None:
        for _ in range(self.dice.choice([0, 1, 2, 5])):
            match self.dice.randrange(10):
                case 0:
                    payload, code = self.dice.choice(MISTAKES)
                    person.ask(payload, f"ERROR {code}")
                case 1:
                    person.ask("get_names", "NAMES")
                case 2:
                    other = self.dice.choice(steady)
                    if other is not person:
                        person.ask(f"NAME {self.spell(other.name)}", "ERROR NAME_TAKEN")
                case 3 | 4 | 5:
                    self.say_to_one(person, self.dice.choice(steady))
                case _:
                    self.say_to_all(person)

    def take_name(self, person: Person, name: str) -> None:
        """Change a name as the server must: every block goes along."""
        old, new = person.name, unicodedata.normalize("NFKC", name)
        person.ask(f"NAME {name}", f"HELLO {new}")
        if not old:
            self.tell(person, f"JOINED {new}")
        elif old != new:
            self.tell(person, f"RENAMED {old} {new}")
            for other in self.blockers_of(person):
                other.blocked.remove(fold(old))
                other.blocked.add(fold(new))
        person.name = new

    def move(self, person: Person) -> None:
        """Change the name, or only its capitals, and talk in between."""
        for _ in range(self.dice.randint(1, 3)):
            if self.dice.random() < 0.3:
                self.take_name(person, self.spell(person.name))
            else:
                self.take_name(person, self.new_name(person))
            if self.dice.random() < 0.7:
                self.say_to_all(person)

    def block(self, person: Person, silent: list[Person]) -> None:
        """Block and unblock people who say nothing now, or names that nobody has."""
        for _ in range(self.dice.randint(1, 4)):
            other = self.dice.choice(silent)
            absent = [name for name in person.blocked if name not in self.owners]
            match self.dice.randrange(5):
                case 0:
                    person.ask(f"BLOCK {self.spell(person.name)}", "ERROR BAD_ARGUMENTS")
                case 1 if absent:
                    name = self.dice.choice(sorted(absent))
                    person.ask(f"UNBLOCK {name}", f"UNBLOCKED {name}")
                    person.blocked.remove(name)
                case 2 if fold(other.name) in person.blocked:
                    person.ask(f"UNBLOCK {self.spell(other.name)}", f"UNBLOCKED {other.name}")
                    person.blocked.remove(fold(other.name))
                case 2:
                    person.ask(f"UNBLOCK {other.name}", "ERROR NOT_BLOCKED")
                case _:
                    person.ask(f"BLOCK {self.spell(other.name)}", f"BLOCKED {other.name}")
                    person.blocked.add(fold(other.name))

    def join(self) -> None:
        """Let somebody in who first tries what needs a name."""
        person = self.connect()
        if self.dice.random() < 0.3:
            person.ask("MSG BROADCAST hello?", "ERROR NAME_REQUIRED")
            person.ask("GET_NAMES", "NAMES")
        self.take_name(person, self.new_name(person))
        self.newcomers.append(person)
        self.people.append(person)
        if self.dice.random() < 0.5:
            self.say_to_all(person)

    def leave(self, person: Person) -> None:
        for _ in range(self.dice.randrange(3)):
            self.say_to_all(person)
        person.farewell = self.dice.choice(["EXIT", "half-close", "reset", "garbage"])
        if person.farewell == "EXIT":
            person.ask("EXIT", "BYE")
            person.ask("MSG BROADCAST nobody reads this any more")
        elif person.farewell == "garbage":
            person.unsent += self.dice.choice(GARBAGE)
            person.answers.append("ERROR BAD_FRAME")
        elif person.farewell == "reset":
            person.reset_at = self.dice.choice([0, self.dice.randint(0, len(person.unsent))])
        self.tell(person, f"LEFT {person.name}")
        self.leavers.append(person)

    def stranger(self) -> None:
        """Somebody comes who never takes a name, so that nobody hears of them."""
        person = self.connect()
        person.farewell = self.dice.choice(["half-close", "reset", "garbage"])
        if person.farewell == "garbage":
            person.unsent += self.dice.choice(GARBAGE)
            person.answers.append("ERROR BAD_FRAME")
        self.strangers.append(person)

    # -- the wire

    def connect(self, receive_buffer: int = 0) -> Person:
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((HOST, self.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        self.numbers += 1
        person = Person(self.numbers, connection)
        self.by_descriptor[connection.fileno()] = person
        self.poll.register(connection, select.EPOLLIN)
        return person

    def stall(self, person: Person, stalled: bool = True) -> None:
        """Let somebody stop reading, or read again."""
        person.stalled = stalled
        self.poll.modify(person.socket, 0 if stalled else select.EPOLLIN)

    def disconnect(self, person: Person) -> None:
        person.gone = True
        del self.by_descriptor[person.socket.fileno()]
        person.socket.close()

    def run_scripts(self, steady: list[Person]) -> None:
        """Send all the scripts, with two fences behind them, until everything is answered."""
        observer = self.chance.choice([person for person in steady if not person.stalled])
        farewells = {f"LEFT {person.name}" for person in self.leavers}
        for person in self.people:
            person.ask("PASS fence", "ACCEPTED")
        self.exchange(lambda: farewells <= set(observer.heard))
        # All has been dealt with by now. What comes before a second answer has been caused.
        for person in self.people:
            self.stall(person, stalled=False)
            if self.dice.random() < 0.1:
                person.ask("GET_NAMES", self.all_names())
            else:
                person.ask("PASS fence", "ACCEPTED")
        self.exchange(lambda: True)

    def all_names(self) -> str:
        names = sorted((person.name for person in self.people), key=fold)
        return f"NAMES {len(names)} {' '.join(names)}"

    def exchange(self, enough: Callable[[], bool]) -> None:
        """Send and read until everyone has all their answers, and `enough` came besides."""
        deadline = time.monotonic() + PATIENCE
        while waiting := [person for person in self.everyone() if self.is_waiting(person)]:
            for person in self.chance.sample(waiting, len(waiting)):
                self.send_some(person)
            if self.read_all(0.001 if any(p.unsent for p in waiting) else 0.1):
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise BrokenPromiseError(f"no answer to {waiting[0]}: {self.state(waiting[0])}")
        while not enough():
            if self.read_all(0.1):
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise BrokenPromiseError("somebody left, and nobody was told")

    def everyone(self) -> list[Person]:
        return [*self.people, *self.leavers, *self.strangers]

    def is_waiting(self, person: Person) -> bool:
        if person.farewell or person.gone:
            return not person.gone
        if person.stalled:
            return bool(person.unsent)
        return bool(person.unsent) or person.answered < len(person.answers)

    def send_some(self, person: Person) -> None:
        """Send the next piece of a script, cut anywhere; leave at its end."""
        if person.unsent:
            size = self.chance.choice([1, 3, 40, 1000, len(person.unsent)])
            try:
                del person.unsent[: person.socket.send(person.unsent[:size])]
            except BlockingIOError:
                pass  # slowed down
            except ConnectionError:
                person.unsent.clear()  # what was answered before is seen when it is read
        if person.farewell == "reset" and len(person.unsent) <= person.reset_at:
            person.unsent.clear()
            person.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.disconnect(person)
        elif person.farewell == "half-close" and not person.unsent:
            person.farewell = "half-closed"
            person.socket.shutdown(socket.SHUT_WR)

    def read_all(self, timeout: float) -> bool:
        """Read what has come for all who are not stalled; return whether anything had."""
        news = False
        for descriptor, events in self.poll.poll(timeout):
            person = self.by_descriptor[descriptor]
            if person.stalled and events == select.EPOLLHUP:
                continue
            news = True
            data = self.receive(person)
            if data:
                person.take(data)
            elif person.farewell:
                self.disconnect(person)
            else:
                raise BrokenPromiseError(f"{person} was cut off: {self.state(person)}")
        return news

    def receive(self, person: Person) -> bytes:
        try:
            return person.socket.recv(RECEIVE_SIZE)
        except ConnectionError:
            return b""

    # -- what came

    def compare(self) -> None:
        """Check what everybody heard in this phase: answers, then source by source."""
        self.settle_resets()
        for person in self.everyone():
            heard = self.sort_by_source(person)
            if person.farewell != "reset":
                self.compare_answers(person)
            for source in heard.keys() | self.events.keys():
                got = heard.get(source, [])
                due = self.due(person, source, len(got))
                if got != due:
                    raise BrokenPromiseError(
                        f"{person} should have heard of {source}\n  {due}\nand heard\n  {got}"
                    )
                self.checked += len(got)

    def due(self, person: Person, source: Person, count: int) -> list[str]:
        """What a person must have heard of one source, given that it was `count` frames."""
        if person in self.strangers:
            return []
        due = [event.payload for event in self.events.get(source, []) if event.reaches(person)]
        if person in self.leavers:
            return due[:count]  # they left before the rest
        if person in self.newcomers:
            return due[max(0, len(due) - count) :]  # they came after the beginning
        return due

    def sort_by_source(self, person: Person) -> dict[Person, list[str]]:
        heard: dict[Person, list[str]] = {}
        for payload in person.heard:
            if name := source_name(payload):
                source = self.owners.get(fold(name))
                if source is None:
                    raise BrokenPromiseError(
                        f"{person} heard of somebody who is not here: {payload}"
                    )
                heard.setdefault(source, []).append(payload)
        return heard

    def settle_resets(self) -> None:
        """A reset overtakes what was sent before it: see how far the server came.

        Whoever had their messages dealt with, had it done for everyone. So what one listener
        heard is what all others must have heard.
        """
        for leaver in self.leavers:
            *messages, left = self.events[leaver]
            if leaver.farewell != "reset" or not messages:
                continue
            for listener in self.people:
                if listener not in self.newcomers and messages[0].reaches(listener):
                    count = len(self.sort_by_source(listener).get(leaver, [])) - 1
                    self.events[leaver] = [*messages[: max(0, count)], left]
                    break

    def compare_answers(self, person: Person) -> None:
        answers = [payload for payload in person.heard if not source_name(payload)]
        due = person.answers
        if len(answers) != len(due) or not all(map(matches, answers, due)):
            raise BrokenPromiseError(f"{person} should be answered\n  {due}\nand was\n  {answers}")

    def state(self, person: Person) -> str:
        return f"expects {person.answers[-3:]}, heard last {person.heard[-3:]}"

    # -- now and then

    def gather(self) -> None:
        """Let everybody come at once."""
        self.begin()
        for _ in range(self.size):
            self.join()
        self.run_scripts(self.people)
        self.compare()

    def cut_off(self) -> None:
        """Let somebody stop reading for good while another one sends them more and more."""
        self.begin()
        sleeper = self.connect(receive_buffer=4096)
        self.newcomers.append(sleeper)
        self.people.append(sleeper)
        self.take_name(sleeper, self.new_name(sleeper))
        talker = self.dice.choice(self.people[:-1])
        self.run_scripts(self.people[:-1])
        self.compare()
        self.begin()
        self.stall(sleeper)
        text = f"MSG {sleeper.name} {'x' * 9900}"
        left = f"LEFT {sleeper.name}"
        deadline = time.monotonic() + PATIENCE
        while left not in talker.heard:
            if not talker.unsent:
                talker.ask(text)
            self.send_some(talker)
            self.read_all(0)
            if time.monotonic() > deadline:
                raise BrokenPromiseError(f"{sleeper} does not read, and is not cut off")
        self.people.remove(sleeper)
        self.disconnect(sleeper)
        self.events[sleeper] = [Event(left)]
        self.exchange_errors(talker)
        self.run_scripts(self.people)
        self.compare()

    def exchange_errors(self, talker: Person) -> None:
        """Read the errors that answer what was sent too late: how many, nobody can know."""
        talker.ask("GET_NAMES", "NAMES")
        deadline = time.monotonic() + PATIENCE
        while not any(payload.startswith("NAMES") for payload in talker.heard):
            self.send_some(talker)
            self.read_all(0.01)
            if time.monotonic() > deadline:
                raise BrokenPromiseError(f"no answer to {talker}")
        talker.heard = [p for p in talker.heard if not p.startswith("ERROR NO_SUCH_NAME")]
        talker.answered = 1

    def all_leave(self) -> None:
        """Let everyone go, and wait until the server has seen them off."""
        self.begin()
        for person in self.people:
            person.farewell = "half-close"
        self.exchange(lambda: True)
        self.people.clear()


def matches(answer: str, due: str) -> bool:
    """Whether an answer is the one due: `ERROR CODE` with any text, or `NAMES` with any names."""
    if due == "NAMES":
        return answer.startswith("NAMES ")
    if due.startswith("ERROR "):
        return answer.split()[:2] == due.split()
    if due.startswith("UNBLOCKED "):  # in whose capitals is not promised
        return fold(answer) == fold(due)
    return answer == due


# ----------------------------------------------------------------------------------------- start


@contextmanager
def chat_server(project: Path, options: list[str]) -> Iterator[tuple[int, int, Path]]:
    """Start the server; gives its process id, its port and its log."""
    command: Command = [
        sys.executable,
        project / "chat_server.py",
        "--host",
        HOST,
        "--port",
        "0",
        *options,
    ]
    with TemporaryDirectory(prefix="soak-") as directory:
        log = Path(directory, "log")
        with log.open("wb") as output, running(command, stdout=output, stderr=output) as process:
            while "\n" not in (start := log.read_text()) and process.poll() is None:
                time.sleep(0.02)
            try:
                port = port_in(start.partition("\n")[0])
            except ContenderError:
                raise BrokenPromiseError(f"the server does not start: {start}") from None
            yield process.pid, port, log


def soak(pid: int, crowd: Soak, minutes: float) -> None:
    """Use the server for so long; raises BrokenPromiseError."""
    descriptors = descriptor_count(pid)
    crowd.gather()
    crowd.all_leave()
    wait_until_all_gone(pid, descriptors)
    memory = status_field(pid, "VmRSS")
    started = told = time.monotonic()
    crowd.gather()
    while (now := time.monotonic()) < started + 60 * minutes:
        crowd.phase()
        if crowd.phases % CUT_OFF_EVERY == 0:
            crowd.cut_off()
        if now > told + 10:
            told = now
            rss = status_field(pid, "VmRSS")
            print(
                f"{now - started:5.0f} s  {crowd.phases} phases  {crowd.checked:,} frames checked  "
                f"{crowd.numbers} connections  server {rss / 1024:.0f} MiB",
                flush=True,
            )
    crowd.all_leave()
    wait_until_all_gone(pid, descriptors)
    growth = status_field(pid, "VmRSS") - memory
    if growth > MEMORY_GROWTH:
        raise BrokenPromiseError(f"all have left, and the server has kept {growth} KiB")
    print(
        f"{crowd.phases} phases, {crowd.checked:,} frames checked, {crowd.numbers} connections; "
        f"all have left, {growth:+} KiB of memory, no descriptor kept."
    )


def wait_until_all_gone(pid: int, descriptors: int) -> None:
    deadline = time.monotonic() + FAREWELL
    while descriptor_count(pid) > descriptors:
        if time.monotonic() > deadline:
            kept = descriptor_count(pid) - descriptors
            raise BrokenPromiseError(f"all have left, and the server has kept {kept} descriptors")
        time.sleep(0.05)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Use the chat server at random, check its promises."
    )
    parser.add_argument("--minutes", type=float, default=1, help="how long (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="repeat the dice of an earlier run")
    parser.add_argument("--clients", type=int, default=200, help="people (default: %(default)s)")
    parser.add_argument(
        "--server-args",
        type=shlex.split,
        default=["--rate", "0"],
        metavar="OPTIONS",
        help="options of the server (default: --rate 0)",
    )
    parser.add_argument("--project", type=Path, default=PROJECT, help="where chat_server.py is")
    options = parser.parse_args()
    if not 20 <= options.clients <= 500:
        parser.error("--clients: from 20 to 500")
    return options


def main() -> int:
    options = parse_arguments()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}: {options.clients} people for {options.minutes:g} minutes", flush=True)
    crowd = None
    try:
        with chat_server(options.project, options.server_args) as (pid, port, log):
            crowd = Soak(port, options.clients, seed)
            soak(pid, crowd, options.minutes)
            if "Traceback" in (text := log.read_text(errors="replace")):
                raise BrokenPromiseError(
                    "a fault in the server:\n" + text[text.index("Traceback") :]
                )
    except (BrokenPromiseError, OSError) as broken:
        phase = f" in phase {crowd.phases}" if crowd else ""
        print(f"BROKEN{phase}, seed {seed}: {broken}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    print("Every promise was kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
