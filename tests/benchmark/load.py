"""The load: many people who talk to one server, in a process of its own.

run.py starts it as `python load.py HOST PORT DIALECT INITIAL` and writes it one order a line, as
JSON: {"do": "join", "people": 100}. Each is answered by one line of JSON; {"error": …} when it
failed. It ends when its input does.

It has to be quicker than the server, or the load would be what is measured. So messages are not
read but counted: TCP brings every byte once and in order, all messages of a round have the same
size, and at its end everybody must have got exactly what was sent to them.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

TEXT = b"thirty-two bytes that are a text"
LONG_TEXT = b"x" * 9000
BURST_TEXT = b"message %05d of the burst"
RECEIVE_SIZE = 64 * 1024
COUNT_SIZE = 1024 * 1024
# With this flag TCP throws the bytes away and returns only how many there were: see tcp(7).
COUNT_ONLY = socket.MSG_TRUNC
# In tail(), where the server has its default limit of 50 requests a second for each client.
REQUESTS_PER_SECOND = 40
PAIRS = 10
TALKERS = 12
AUDIENCE = 7
# Where people connect from, each from an address of their own, as people have: a server may bound
# what comes from one, and an address has no more than 28,000 ports.
SOURCES = [f"127.1.{third}.{fourth}" for third in range(256) for fourth in range(1, 255)]
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds

Answer = dict[str, Any]


class LoadError(Exception):
    """The server did something that makes the round worthless."""


# -------------------------------------------------------------------------------------- dialects


@dataclass(frozen=True)
class Dialect:
    """How one talks to one kind of server; people are called by their names."""

    login: Callable[[str], bytes]
    welcome: Callable[[str], bytes]  # what the answer to a login has in it; nothing: no answer
    broadcast: Callable[[str, bytes], bytes]  # sender, text
    private: Callable[[str, str, bytes], bytes]  # sender, addressee, text
    at_once: int  # how many may log in together
    sign_of_life: bytes = b""  # asks for no answer, and keeps the server from asking for one


def frame(payload: bytes) -> bytes:
    return b"%04d%b" % (len(payload), payload)


DIALECTS = {
    "chat": Dialect(
        login=lambda name: frame(b"NAME %b" % name.encode()),
        welcome=lambda name: b"HELLO %b" % name.encode(),
        broadcast=lambda _, text: frame(b"MSG BROADCAST %b" % text),
        private=lambda _, to, text: frame(b"MSG %b %b" % (to.encode(), text)),
        at_once=100,
    ),
    # The floor hands on what it gets, so it is given what a chat server would have made of it.
    "bare": Dialect(
        login=lambda _: b"",
        welcome=lambda _: b"",
        broadcast=lambda sender, text: frame(b"MSG %b BROADCAST %b" % (sender.encode(), text)),
        private=lambda sender, to, text: frame(
            b"MSG %b %b %b" % (sender.encode(), to.encode(), text)
        ),
        at_once=100,
    ),
    "irc": Dialect(
        login=lambda name: f"NICK {name}\r\nUSER {name} 0 * :{name}\r\nJOIN #room\r\n".encode(),
        welcome=lambda _: b" 366 ",  # RPL_ENDOFNAMES (RFC 2812): the last of the answers to JOIN
        broadcast=lambda _, text: b"PRIVMSG #room :%b\r\n" % text,
        private=lambda _, to, text: b"PRIVMSG %b :%b\r\n" % (to.encode(), text),
        at_once=4,  # fewer than the smallest backlog among the contenders
        sign_of_life=b"PONG alive\r\n",
    ),
}

# One message in the size in which the server hands it on: what the floor reads at a time.
FORWARDED_SIZE = len(DIALECTS["bare"].broadcast("p00000", TEXT))
FORWARDED_PRIVATE_SIZE = len(DIALECTS["bare"].private("p00000", "p00001", TEXT))

# ----------------------------------------------------------------------------------------- crowd


class Crowd:
    """The people of one load process, each with a connection to the same server."""

    def __init__(self, host: str, port: int, dialect: str, initial: str) -> None:
        self.server = (host, port)
        self.dialect = DIALECTS[dialect]
        self.initial = initial
        self.people: list[socket.socket] = []
        self.guests = 0  # who came for one round only
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}  # by descriptor
        self.buffer = bytearray(COUNT_SIZE)
        self.sources = cycle(SOURCES)

    def name(self, number: int) -> str:
        return f"{self.initial}{number:05}"  # all of one length, and so are their messages

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        person = socket.socket()
        person.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            person.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        person.bind((next(self.sources), 0))
        person.connect(self.server)
        self.sockets[person.fileno()] = person
        self.poll.register(person, select.EPOLLIN)
        return person

    def disconnect(self, person: socket.socket) -> None:
        """Leave by a reset: nothing that is still in the kernel may go on asking."""
        del self.sockets[person.fileno()]
        person.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        person.close()  # this takes it out of the epoll too

    def join(self, people: int, named: int | None = None) -> Answer:
        """Let people connect until there are so many; all log in, or the first `named` do."""
        for first in range(len(self.people), people, self.dialect.at_once):
            welcomes: dict[int, bytes] = {}
            for number in range(first, min(first + self.dialect.at_once, people)):
                person = self.connect()
                self.people.append(person)
                if named is None or number < named:
                    person.sendall(self.dialect.login(self.name(number)))
                    welcomes[person.fileno()] = self.dialect.welcome(self.name(number))
            self.read_until(welcomes)
        return {"people": len(self.people)}

    def read_until(self, awaited: dict[int, bytes]) -> None:
        """Read everybody until each of these descriptors has got what is awaited there."""
        heard = {descriptor: b"" for descriptor, marker in awaited.items() if marker}
        while heard:
            for descriptor, _ in self.poll.poll():
                data = self.sockets[descriptor].recv(RECEIVE_SIZE)
                if not data:
                    raise LoadError("the server closed a connection")
                if descriptor in heard:
                    heard[descriptor] += data
                    if awaited[descriptor] in heard[descriptor]:
                        del heard[descriptor]

    def broadcast(self, number: int) -> None:
        self.people[number].sendall(self.dialect.broadcast(self.name(number), TEXT))

    # -- many messages

    def throughput(self, senders: int, in_flight: int, seconds: float) -> Answer:
        """Let some people talk, each with so many messages under way at any time."""
        listeners = len(self.people) - 1
        frames = [self.dialect.broadcast(self.name(number), TEXT) for number in range(senders)]
        size = self.settle()
        counts = dict.fromkeys(self.sockets, 0)
        sent = [0] * senders
        turns = cycle(range(senders))
        total = 0  # bytes
        cpu, started = time.process_time(), time.perf_counter()
        deadline = started + seconds
        while True:
            if time.perf_counter() < deadline:
                # A message has arrived once as many copies of one have as there are listeners.
                arrived = total // (size * listeners)
                free = senders * in_flight - (sum(sent) - arrived)
                for sender in islice(turns, free):
                    self.people[sender].sendall(frames[sender])  # one at a time, as people do
                    sent[sender] += 1
            elif total >= sum(sent) * size * listeners:
                break
            total += self.count_some(counts)
        elapsed = time.perf_counter() - started
        self.check(counts, sent, size)
        return {
            "deliveries": sum(sent) * listeners,
            "seconds": elapsed,
            "cpu": time.process_time() - cpu,
        }

    def settle(self) -> int:
        """Read all that earlier events still bring; return the size in which messages arrive.

        What is read last is known, for messages are delivered in order: after two people have
        spoken, everybody has heard one who is not they themselves.
        """
        for person in self.people:
            if self.dialect.sign_of_life:
                person.sendall(self.dialect.sign_of_life)
        for speaker in (0, 1):
            self.broadcast(speaker)
            listeners = self.people[:speaker] + self.people[speaker + 1 :]
            self.read_until({person.fileno(): TEXT for person in listeners})
        self.broadcast(0)
        size = len(self.people[1].recv(RECEIVE_SIZE))
        rest = size * (len(self.people) - 2)
        while rest > 0:
            rest -= self.count_some(dict.fromkeys(self.sockets, 0))
        return size

    def count_some(self, counts: dict[int, int]) -> int:
        """Wait, then count and drop what has come for each descriptor; return the sum."""
        total = 0
        for descriptor, _ in self.poll.poll():
            count = self.sockets[descriptor].recv_into(self.buffer, COUNT_SIZE, COUNT_ONLY)
            if not count:
                raise LoadError("the server closed a connection")
            counts[descriptor] += count
            total += count
        return total

    def check(self, counts: dict[int, int], sent: list[int], size: int) -> None:
        """See to it that everybody got every message that was not their own."""
        for number, person in enumerate(self.people):
            own = sent[number] if number < len(sent) else 0
            if counts[person.fileno()] != (sum(sent) - own) * size:
                raise LoadError(f"{self.name(number)} did not get exactly what was sent")

    # -- one private message

    def round_trips(self, seconds: float) -> Answer:
        """Let two people send each other private messages in turn, as fast as these arrive."""
        times: list[float] = []
        cpu, started = time.process_time(), time.perf_counter()
        while time.perf_counter() < started + seconds:
            times.append(self.round_trip(0, 1))
        return {
            "median": statistics.median(times),
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - cpu,
        }

    def round_trip(self, one: int, other: int) -> float:
        started = time.perf_counter()
        self.send_private(one, other)
        self.send_private(other, one)
        return time.perf_counter() - started

    def send_private(self, sender: int, addressee: int) -> None:
        """Send one message and wait until it is there."""
        names = self.name(sender), self.name(addressee)
        self.people[sender].sendall(self.dialect.private(*names, TEXT))
        heard = b""
        while TEXT not in heard:  # what others say in between may come with it
            data = self.people[addressee].recv(RECEIVE_SIZE)
            if not data:
                raise LoadError("the server closed a connection")
            heard += data

    # -- among others

    def tail(self, seconds: float, asleep: bool, flood: bool) -> Answer:
        """Return how slow the slowest hundredth of private round trips is, at a steady pace.

        Meanwhile one person chats with everybody, and talkers send long texts to one listener.
        Who is `asleep` is that listener: it does not read. With `flood` one more person sends as
        fast as the server reads. All this is done between two round trips, not during one.
        """
        self.guests += 1
        listener = self.enter(f"listener{self.guests}", receive_buffer=4096)
        flooder = self.enter(f"flooder{self.guests}")
        if asleep:
            self.poll.modify(listener, 0)
        if flood:
            self.poll.modify(flooder, select.EPOLLIN | select.EPOLLOUT)
        pairs, others = self.people[: 2 * PAIRS], self.people[2 * PAIRS :]
        for person in pairs:
            self.poll.unregister(person)  # they read for themselves
        chatterer, talkers = others[0], cycle(others[1 : 1 + TALKERS])
        long = self.dialect.private("", f"listener{self.guests}", LONG_TEXT)
        news, times = b"", []
        started = time.perf_counter()
        chat_due = talk_due = trip_due = started
        for pair in cycle(range(0, 2 * PAIRS, 2)):
            # Without a sleep: how long a core takes to wake up is not what is measured.
            while (now := time.perf_counter()) < trip_due:
                news += self.serve_others(chatterer, flooder)
                if now >= chat_due:
                    chatterer.sendall(self.dialect.broadcast("", TEXT))
                    chat_due += 1 / REQUESTS_PER_SECOND
                if now >= talk_due:
                    next(talkers).sendall(long)
                    talk_due += 1 / REQUESTS_PER_SECOND / TALKERS
            if now >= started + seconds:
                break
            times.append(self.round_trip(pair, pair + 1))
            # At least so much later, though a round trip took long: the others are to be served.
            trip_due = max(trip_due, time.perf_counter()) + 1 / REQUESTS_PER_SECOND / PAIRS
        for person in pairs:
            self.poll.register(person, select.EPOLLIN)
        self.disconnect(listener)
        self.disconnect(flooder)
        return {
            "p99": statistics.quantiles(times, n=100)[98],
            "cut_off": b"LEFT listener" in news,
        }

    def serve_others(self, chatterer: socket.socket, flooder: socket.socket) -> bytes:
        """Let everyone who is not measured read, and the flooder send; return what one heard."""
        news = b""
        for descriptor, events in self.poll.poll(0):
            if events & select.EPOLLOUT:
                flooder.send(self.dialect.broadcast("", TEXT) * 100)
            if events & ~select.EPOLLOUT:
                data = self.sockets[descriptor].recv(RECEIVE_SIZE)
                if descriptor == chatterer.fileno():
                    news += data
        return news

    def enter(self, name: str, receive_buffer: int = 0) -> socket.socket:
        """Let somebody in who stays for one round only."""
        person = self.connect(receive_buffer)
        person.sendall(self.dialect.login(name))
        self.read_until({person.fileno(): self.dialect.welcome(name)})
        person.setblocking(False)
        return person

    # -- a burst

    def burst(self, messages: int) -> Answer:
        """Let one person say so much at once; return when that began and when another had it all.

        The times are those of CLOCK_MONOTONIC, which is the same for every process.
        """
        talker, reader = self.people[:2]
        self.settle()
        unsent = memoryview(
            b"".join(
                self.dialect.broadcast(self.name(0), BURST_TEXT % number)
                for number in range(1, messages + 1)
            )
        )
        last, heard = BURST_TEXT % messages, b""
        talker.setblocking(False)
        began = time.clock_gettime(time.CLOCK_MONOTONIC)
        while last not in heard:
            readable, writable, _ = select.select([reader], [talker] if unsent else [], [])
            if writable:
                unsent = unsent[talker.send(unsent) :]
            if readable:
                heard = heard[-len(last) :] + reader.recv(RECEIVE_SIZE)
        talker.setblocking(True)
        return {"began": began, "ended": time.clock_gettime(time.CLOCK_MONOTONIC)}


# ----------------------------------------------------------------------------------------- start


def main() -> None:
    host, port, dialect, initial = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(host, int(port), dialect, initial)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(crowd, order.pop("do"))(**order)
        except (OSError, LoadError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass  # run.py is being stopped, and says so
