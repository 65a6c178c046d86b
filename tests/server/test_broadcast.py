"""The news of a turn: who hears what, in which order, and that it is written down once."""

from __future__ import annotations

import gc
import random
import select
import socket
import struct
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from harness import (
    DEADLINE,
    ServerProcess,
    StartServer,
    frames,
    needs_proc,
    overfill,
    posix_only,
    resident_bytes,
)

import chat_protocol as protocol
from chat.server.broadcast import News
from chat.server.connection import Connection
from chat.server.stream import PlainStream

from .pressure import MIB

ROOM = 100_000  # bytes: what a kernel holds here
MORE_THAN_A_KERNEL_HOLDS = [f"{number} {'x' * 9000}" for number in range(200)]


class SmallStream(PlainStream):
    """A stream that takes ROOM bytes at most before they are heard; Windows' takes any number."""

    held = 0  # bytes: they arrive, if not at once

    def send(self, data: Any, flags: int = 0, /) -> int:
        if self.held == ROOM:
            raise BlockingIOError
        size = super().send(memoryview(data)[: ROOM - self.held], flags)
        self.held += size
        return size


class Listener:
    """A connection, and all that has arrived at the other end of it."""

    def __init__(self) -> None:
        server_side, self.client_side = socket.socketpair()
        self.client_side.settimeout(DEADLINE)
        self._stream = SmallStream(fileno=server_side.detach())
        self._stream.setblocking(False)
        self.connection = Connection(self._stream, ("127.0.0.1", 8820), "127.0.0.1")
        self._reader = protocol.FrameReader()

    def heard(self) -> list[str]:
        """Return what was sent since this was last asked."""
        while self._stream.held:
            data = self.client_side.recv(65536)
            self._stream.held -= len(data)
            self._reader.feed(data)
        return [payload.decode() for payload in self._reader]

    def break_off(self) -> None:
        """Be gone, and known to be: where a pair of sockets is TCP, only a reset is enough."""
        self.client_side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client_side.close()
        assert select.select([self.connection.stream], [], [], DEADLINE)[0]

    def close(self) -> None:
        self.client_side.close()
        self.connection.stream.close()


class Turn:
    """News and who listens to it: they have names, and somebody else has none."""

    def __init__(self) -> None:
        self.alice, self.bob, self.carol, self.nameless = (Listener() for _ in range(4))
        self.listening = [one.connection for one in (self.alice, self.bob, self.carol)]
        self.news = News(self.listening, None)

    def announce(self, payload: str, *deaf: Listener) -> None:
        self.news.announce(protocol.encode(payload), {one.connection for one in deaf})

    def deliver(self, listener: Listener, payload: str) -> None:
        self.news.deliver(listener.connection, protocol.encode(payload))

    def end(self) -> None:
        """Send it all, as the loop does at the end of a turn."""
        self.news.send_announcements()
        while self.news.addressed:
            self.news.addressed.pop().flush()

    def close(self) -> None:
        for listener in (self.alice, self.bob, self.carol, self.nameless):
            listener.close()


@pytest.fixture
def turn() -> Iterator[Turn]:
    turn = Turn()
    yield turn
    turn.close()


def test_everyone_who_listens_hears_an_announcement_once(turn: Turn) -> None:
    turn.announce("one")
    turn.announce("two")
    assert turn.alice.heard() == [], "not before the turn ends"
    turn.end()
    for listener in (turn.alice, turn.bob, turn.carol):
        assert listener.heard() == ["one", "two"]
    assert turn.nameless.heard() == []
    turn.end()
    assert turn.alice.heard() == []


def test_the_deaf_hear_all_the_rest(turn: Turn) -> None:
    turn.announce("one")
    turn.announce("two", turn.alice)
    turn.announce("three", turn.alice, turn.bob)
    turn.announce("four")
    turn.end()
    assert turn.alice.heard() == ["one", "four"]
    assert turn.bob.heard() == ["one", "two", "four"]
    assert turn.carol.heard() == ["one", "two", "three", "four"]


def test_what_one_is_told_comes_between_the_announcements_where_it_was_said(turn: Turn) -> None:
    turn.deliver(turn.alice, "before")
    turn.announce("one")
    turn.deliver(turn.alice, "between")
    turn.announce("two", turn.bob)
    turn.deliver(turn.bob, "after")
    turn.end()
    assert turn.alice.heard() == ["before", "one", "between", "two"]
    assert turn.bob.heard() == ["one", "after"]
    assert turn.carol.heard() == ["one", "two"]


def test_a_newcomer_listens_from_where_they_caught_up(turn: Turn) -> None:
    turn.announce("too early for the newcomer")
    turn.news.catch_up(turn.nameless.connection)
    turn.listening.append(turn.nameless.connection)
    turn.deliver(turn.nameless, "welcome")
    turn.announce("somebody has come", turn.nameless)
    turn.announce("later")
    turn.end()
    assert turn.nameless.heard() == ["welcome", "later"]
    assert turn.alice.heard() == ["too early for the newcomer", "somebody has come", "later"]


def test_who_has_no_name_is_told_what_is_for_them_alone(turn: Turn) -> None:
    turn.announce("one")
    turn.deliver(turn.nameless, "an answer")
    turn.announce("two")
    turn.end()
    assert turn.nameless.heard() == ["an answer"]


def test_catching_up_twice_repeats_nothing(turn: Turn) -> None:
    turn.announce("one")
    for _ in range(2):
        turn.news.catch_up(turn.alice.connection)
    turn.announce("two")
    turn.news.catch_up(turn.alice.connection)
    turn.end()
    assert turn.alice.heard() == ["one", "two"]


def test_who_asks_for_a_name_in_vain_is_not_remembered(turn: Turn) -> None:
    """A refused name announces nothing: there is no end of a turn that would clear up."""

    class Seen(Connection):
        __slots__ = ("__weakref__",)  # tells when nobody holds it any more

    stranger = Seen(turn.nameless.connection.stream, ("127.0.0.1", 8821), "127.0.0.1")
    seen = weakref.ref(stranger)
    turn.news.catch_up(stranger)
    del stranger
    gc.collect()
    assert seen() is None


def test_what_goes_to_many_is_soon_enough_for_a_turn(turn: Turn) -> None:
    text = "x" * 9000
    for _ in range(20):
        turn.deliver(turn.alice, text)
    assert not turn.news.is_large
    for _ in range(20):
        turn.deliver(turn.alice, text)
    assert turn.news.is_large, "nobody's outbox is to swell within a turn"
    turn.news.begin_anew()
    assert not turn.news.is_large


def test_who_is_behind_hears_it_all_in_order_and_holds_up_nobody(turn: Turn) -> None:
    texts = MORE_THAN_A_KERNEL_HOLDS
    for text in texts:
        turn.deliver(turn.alice, text)
    turn.end()
    assert turn.alice.connection.kernel_full
    heard = turn.alice.heard()  # now there is room, and what comes next must not overtake the rest
    turn.announce("one")
    turn.announce("two")
    turn.end()
    assert turn.bob.heard() == ["one", "two"]
    while turn.alice.connection.outbox:
        turn.alice.connection.kernel_full = False  # as select() would tell
        turn.alice.connection.flush()
        heard += turn.alice.heard()
    assert heard == [*texts, "one", "two"]


def test_what_a_kernel_took_in_part_goes_on_where_it_stopped(turn: Turn) -> None:
    texts = MORE_THAN_A_KERNEL_HOLDS
    for text in texts:
        turn.announce(text)
    turn.news.send_announcements()
    for listener in (turn.alice, turn.bob, turn.carol):
        assert listener.connection in turn.news.addressed
        heard = listener.heard()
        while listener.connection.outbox:
            listener.connection.kernel_full = False
            listener.connection.flush()
            heard += listener.heard()
        assert heard == texts


def test_one_who_has_gone_is_left_to_be_found_when_flushed(turn: Turn) -> None:
    turn.alice.break_off()
    turn.announce("one")
    turn.news.send_announcements()
    assert turn.news.addressed == {turn.alice.connection}
    with pytest.raises(OSError, match=r"."):
        turn.alice.connection.flush()
    assert turn.bob.heard() == ["one"]


# --------------------------------------------------------------------------------- on a real server


def test_two_speakers_are_heard_by_all_in_the_same_order(server: ServerProcess) -> None:
    alice, bob, carol, dora = server.people("alice", "bob", "carol", "dora")
    for speaker in (alice, bob):
        speaker.send_meanwhile(frames(*(f"MSG BROADCAST {number}" for number in range(500))))
    heard = [[listener.receive() for _ in range(1000)] for listener in (carol, dora)]
    assert heard[0] == heard[1]
    for name in ("alice", "bob"):
        own = [line for line in heard[0] if line.startswith(f"MSG {name} ")]
        assert own == [f"MSG {name} BROADCAST {number}" for number in range(500)]


def test_what_happens_in_one_turn_is_heard_in_its_order(server: ServerProcess) -> None:
    alice, bob, carol = server.people("alice", "bob", "carol")
    new = server.connect()
    alice.send("MSG BROADCAST 1", "MSG bob 2", "MSG BROADCAST 3", "GET_NAMES", "MSG alice 4")
    alice.expect("NAMES 3 alice bob carol", "MSG alice alice 4")
    bob.expect("MSG alice BROADCAST 1", "MSG alice bob 2", "MSG alice BROADCAST 3")
    carol.expect("MSG alice BROADCAST 1", "MSG alice BROADCAST 3")
    bob.send("BLOCK alice", "MSG BROADCAST 5", "NAME rob", "MSG carol 6", "MSG BROADCAST 7", "EXIT")
    assert bob.receive_all() == ["BLOCKED alice", "HELLO rob", "BYE"]
    news = ["MSG bob BROADCAST 5", "RENAMED bob rob", "MSG rob BROADCAST 7", "LEFT rob"]
    alice.expect(*news)
    carol.expect(*news[:2], "MSG rob carol 6", *news[2:])
    new.send("NAME new", "NAME NEW", "MSG BROADCAST 8", "GET_NAMES", "EXIT")
    assert new.receive_all() == ["HELLO new", "HELLO NEW", "NAMES 3 alice carol NEW", "BYE"]
    for client in (alice, carol):
        client.expect("JOINED new", "RENAMED new NEW", "MSG NEW BROADCAST 8", "LEFT NEW")


@posix_only
def test_one_without_a_name_hears_nothing_of_the_turn_in_which_it_asks(
    server: ServerProcess,
) -> None:
    early = [server.connect() for _ in range(5)]
    alice = server.connect("alice")
    late = [server.connect() for _ in range(5)]
    for client in early + late:
        client.round_trip()
    with server.paused():
        alice.send("MSG BROADCAST hi", "NAME alicia")
        for client in early + late:
            client.send("GET_NAMES")
    for client in early + late:
        assert client.receive() in ("NAMES 1 alice", "NAMES 1 alicia")
        assert client.hears_nothing()


@posix_only
def test_a_crowd_that_talks_in_one_turn_is_heard_exactly_once_in_order(
    server: ServerProcess,
) -> None:
    names = [f"n{number}" for number in range(6)]
    people = dict(zip(names, server.people(*names), strict=True))
    for listener, blocked in (("n0", "n1"), ("n2", "n3")):
        assert people[listener].ask(f"BLOCK {blocked}") == f"BLOCKED {blocked}"
    chance = random.Random(8820)
    expected: dict[tuple[str, str], list[str]] = {}  # what each listener hears of each speaker
    blocked_pairs = {("n0", "n1"), ("n2", "n3")}
    with server.paused():
        for speaker, client in people.items():
            said = []
            for number in range(60):  # fewer than one turn takes
                addressee = chance.choice([*names, "BROADCAST", "BROADCAST"])
                listeners = set(names) - {speaker} if addressee == "BROADCAST" else {addressee}
                said.append(f"MSG {addressee} {number}")
                for listener in listeners:
                    if (listener, speaker) not in blocked_pairs:
                        line = f"MSG {speaker} {addressee} {number}"
                        expected.setdefault((listener, speaker), []).append(line)
            client.send(*said, f"MSG {speaker} end")
    for listener, client in people.items():
        everything = client.receive_until(f"MSG {listener} {listener} end")
        client.send("GET_NAMES")
        everything += client.receive_until(f"NAMES 6 {' '.join(names)}")
        for speaker in names:
            heard = [line for line in everything if line.startswith(f"MSG {speaker} ")]
            assert heard == expected.get((listener, speaker), []), (listener, speaker)


@needs_proc
def test_slow_readers_share_one_copy_of_each_message(start_server: StartServer) -> None:
    server = start_server("--rate", "0", "--max-backlog", "100000")
    speaker = server.connect("speaker")
    for number in range(10):
        server.connect(f"lazy{number}", receive_buffer=4096)
        speaker.expect(f"JOINED lazy{number}")
    before = resident_bytes(server.pid)
    overfill(speaker, "BROADCAST", 3 * MIB)
    grown = resident_bytes(server.pid) - before
    assert grown > 3 * MIB, "nothing waits: the kernels took it all, and this test shows nothing"
    assert grown < 16 * MIB, "ten copies of 3 MiB and more"
