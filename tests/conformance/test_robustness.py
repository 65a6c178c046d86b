"""What breaks first servers: resets, readers that stopped, garbage, and a class that arrives."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from .client import Client
from .program import RunningServer, Server
from .room import Room, everything_goes_on
from .wire import EVENTS, are_same, frame, frames, require, show, verb_of

pytestmark = pytest.mark.robust

QUEUE = 40  # people who may come while the server is busy
MOMENT = 0.5  # seconds for them to be taken, of which loopback needs hardly any
GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: browser\r\n\r\n",
    "TLS": bytes.fromhex("16030100f4010000f003") + random.Random(1).randbytes(240),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "noise": random.Random(2).randbytes(4096),
    "zeros": bytes(4096),
}


# ------------------------------------------------------------------------------------- breaking off


def test_a_reset_at_any_moment(room: Room) -> None:
    """A connection may break at any moment: the server goes on for everybody else.

    Probable mistake: ConnectionResetError or BrokenPipeError from recv() or send() ends the server?
    """
    alice, bob = room.join("alice"), room.join("bob")
    moments = {
        "after it connected": b"",
        "within a length field": b"00",
        "within a payload": b"0012MSG",
        "after a request": frame("GET_NAMES"),
        "after many requests": frame("GET_NAMES") * 50,
        "after EXIT": frame("EXIT"),
        "after a bad frame": b"oops",
        "after a name": frames(f"NAME {room.name('short')}"),
        "after a broadcast": frames(f"NAME {room.name('brief')}", "MSG BROADCAST bye"),
    }
    for moment, data in moments.items():
        room.situation = f"when a connection was reset {moment}"
        for wait in (True, False):
            victim = room.knock("the victim")
            victim.send_bytes(data)
            if wait:
                room.let_the_server_read()
            victim.reset()
        alice.settles()
    everything_goes_on(alice, bob)


def test_many_reset_at_once(room: Room) -> None:
    """Many connections may break at the same moment, while they are being written to: everybody
    else gets everything.

    Probable mistake: one dead socket ends the loop in which a broadcast is sent?
    """
    alice, bob = room.join("alice"), room.join("bob")
    crowd = room.crowd([room.name(f"p{n}x") for n in range(30)])
    for turn in range(3):
        alice.send(*(f"MSG BROADCAST {turn}-{n}." for n in range(10)))
        for client in crowd[turn * 10 : turn * 10 + 10]:
            client.reset()
        alice.send(*(f"MSG BROADCAST {turn}-{n}." for n in range(10, 20)))
    room.situation = "when 30 connections were reset during broadcasts"
    bob.hears(*(f" {turn}-{n}." for turn in range(3) for n in range(20)))
    everything_goes_on(alice, bob)


def test_a_broadcast_meets_broken_connections(server: Server | RunningServer, room: Room) -> None:
    """A broadcast goes past those whose connection turns out to be broken, and reaches the rest.

    Probable mistake: a list that is changed while a loop runs over it skips the next?
    """
    alice = room.join("alice")
    victims, listeners = [], []
    for n in range(4):
        victims.append(room.join(f"victim{n}"))
        listeners.append(room.join(f"listener{n}"))
    for person in (alice, *listeners):
        person.settles()
    for n, victim in enumerate(victims):
        with busy(server):  # it hears of the broadcast first, and then of the break
            alice.send(f"MSG BROADCAST number-{n}.")
            victim.reset()
        for listener in listeners:
            listener.hears(f" number-{n}.")


def test_who_asks_much_and_is_gone(server: Server | RunningServer, room: Room) -> None:
    """Requests that arrived whole are dealt with, also where their answers cannot be sent any more.

    Probable mistake: an error of send() ends the client at once, with what it had still asked?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    with busy(server):  # until nobody is there to be answered
        alice.stop_sending(*["x" * 9000] * 5, f"MSG {bob} last-words")
        alice.close()
    bob.hears("last-words")


def test_connections_that_say_nothing(room: Room) -> None:
    """Connections that come and go, or stay, without a word are no trouble.

    Probable mistake: accept() is followed by a recv() that waits for the first request?
    """
    alice, bob = room.join("alice"), room.join("bob")
    silent = []
    for _ in range(20):
        silent.append(room.knock("a silent one"))
        room.let_the_server_read()
    room.situation = "while 20 clients had connected and said nothing"
    everything_goes_on(alice, bob)
    room.join("carol")
    for client in silent:
        client.close()
    room.situation = "after 20 clients had connected and gone without a word"
    everything_goes_on(alice, bob)


# ------------------------------------------------------------------------------------------ garbage


def test_garbage_harms_nobody_else(room: Room) -> None:
    """Whatever a stranger sends, a browser's request or noise, the others go on.

    Probable mistake: an exception for what one client sent ends the server for all?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for kind, data in GARBAGE.items():
        room.situation = f"after a stranger had sent {kind}"
        room.knock("a stranger").send_bytes(data)
        everything_goes_on(alice, bob)


def test_garbage_is_answered_in_order(room: Room) -> None:
    """Whatever a stranger sends that is not a frame, the answer is BAD_FRAME, and then the end of
    the connection, without a reset.

    Probable mistake: a close without a word?
    """
    bob = room.join("bob")
    for data in GARBAGE.values():
        stranger = room.connect("a stranger")
        stranger.send_bytes(data)
        stranger.gets_error(show(data), "BAD_FRAME")
        last = stranger.last_frames()
        require(not last, f"after BAD_FRAME came {show(last)}, not the end of the connection")
    bob.gets_nothing(events=True)


def test_invalid_utf8_harms_nobody(room: Room) -> None:
    """Bytes that are not UTF-8 are the mistake of one client: nobody else notices.

    Probable mistake: a UnicodeDecodeError that nobody catches ends the server?
    """
    alice, bob, stranger = room.join("alice"), room.join("bob"), room.join("stranger")
    room.situation = "after a client had sent bytes that are not UTF-8"
    stranger.send(b"\xff\xfe\xfd", b"MSG bob \xc3", b"NAME \xf0\x9f")
    everything_goes_on(alice, bob)


def test_no_reset_overtakes_the_reason(room: Room) -> None:
    """Where the server closes, the reason arrives first: what the client still sends is read and
    dropped for a moment, so that no reset overtakes the reason.

    Probable mistake: close() while bytes are unread makes the kernel send a reset?
    """
    for start, wanted in ((b"oops", "ERROR BAD_FRAME"), (frame("EXIT"), "BYE")):
        client = room.connect("a talkative client")
        room.situation = f"after {show(start)} with 300 kB behind it"
        client.send_bytes(start + frame(b"x" * 9996) * 30)
        last = client.last_frames()
        require(
            len(last) == 1 and last[0].startswith(wanted),
            f"the last frame should be {wanted}, and what came is {show(last) or 'nothing'}",
        )
        require(not client.was_reset, "the connection was reset")


def test_what_came_before_a_bad_frame_is_answered(room: Room) -> None:
    """Frames before the bad one are dealt with like any other, and nothing behind it is read.

    Probable mistake: one bad frame throws away the whole packet, or is skipped?
    """
    alice = room.join("alice")
    alice.send_bytes(frame(f"MSG {alice} first") + b"oops" + frame(f"MSG {alice} never"))
    alice.gets(f"MSG {alice} {alice} first")
    alice.gets_error("'oops' for a length", "BAD_FRAME")
    last = alice.last_frames()
    later = [payload for payload in last if verb_of(payload) not in EVENTS]
    require(not later, f"after BAD_FRAME came {show(later)}, not the end of the connection")


# -------------------------------------------------------------------------------------- many people


def test_a_class_arrives_at_once(room: Room) -> None:
    """A whole class connects in the same moment: all 90 get in and can talk.

    Probable mistake: room for fewer people, or one accept() for each turn that waits for a request?
    """
    room.situation = "when 90 clients connected at once"
    crowd = room.rush([room.name(f"p{n}x") for n in range(90)])
    for alice, bob in zip(crowd[::10], crowd[9::10], strict=True):
        everything_goes_on(alice, bob)


@contextlib.contextmanager
def busy(server: Server | RunningServer) -> Iterator[None]:
    """Stop the server for a moment, as if it were busy, where it is ours and the system can."""
    process = server.process if isinstance(server, Server) and sys.platform != "win32" else None
    try:
        with contextlib.suppress(OSError):  # another user's
            if process is not None:
                os.killpg(process.pid, signal.SIGSTOP)
        yield
    finally:
        with contextlib.suppress(OSError):
            if process is not None:
                os.killpg(process.pid, signal.SIGCONT)


def connect_at_once(room: Room, number: int, seconds: float) -> int:
    """Let so many connect at the same moment; return how many were taken within these seconds."""
    family = socket.AF_INET6 if ":" in room.address[0] else socket.AF_INET
    with contextlib.ExitStack() as stack:
        missing = {stack.enter_context(socket.socket(family)) for _ in range(number)}
        for connection in missing:
            connection.setblocking(False)
            connection.connect_ex(room.address)
        deadline = time.monotonic() + seconds
        while missing and (remaining := deadline - time.monotonic()) > 0:
            missing -= set(select.select([], list(missing), [], remaining)[1])
        return number - len(missing)


def test_many_come_while_the_server_is_busy(server: Server | RunningServer, room: Room) -> None:
    """Whoever connects while the server is busy waits until it has time: 40 people at least.

    Probable mistake: listen(1) or listen(5), where listen(128) belongs?
    """
    alice, bob = room.join("alice"), room.join("bob")
    with busy(server):
        taken = connect_at_once(room, QUEUE, MOMENT)
    require(taken == QUEUE, f"{QUEUE} people connected at once, and {taken} of them could")
    everything_goes_on(alice, bob)


def test_a_name_that_many_want_at_once(room: Room) -> None:
    """A name that many ask for in the same moment is given once.

    Probable mistake: between the look whether a name is free and the taking, another thread ran?
    """
    crowd = []
    for n in range(20):
        crowd.append(room.connect(f"rival {n}"))
        room.let_the_server_read()
    for client in crowd:
        client.send(f"NAME {room.name('alice')}")
    winners = sum(client.answer("'NAME alice'").startswith("HELLO") for client in crowd)
    require(winners == 1, f"20 clients asked for alice at once, and {winners} got the name")


def test_wrong_requests_of_any_length(room: Room) -> None:
    """A wrong request is answered by one ERROR frame, however long the request was.

    Probable mistake: the error's text repeats the request, and does not fit its frame any more?
    """
    alice = room.join("alice")
    alice.is_refused("X" * 9999, "UNKNOWN_COMMAND")
    alice.is_refused("NAME " + "𐐨" * 2498, "BAD_NAME")
    alice.is_refused("BLOCK " + "𐐨" * 2498, "NO_SUCH_NAME")
    alice.is_refused("UNBLOCK " + "x" * 9991, "NOT_BLOCKED", "NO_SUCH_NAME")
    alice.is_refused("MSG " + "x" * 9993 + " h", "NO_SUCH_NAME", "TOO_LONG")
    alice.is_refused("GET_NAMES " + "x" * 9989, "BAD_ARGUMENTS")
    alice.settles()


def test_a_sender_too_fast_is_slowed_down_and_loses_nothing(room: Room) -> None:
    """Speed limits delay a client that sends too fast; they never drop or refuse what it sent.

    Probable mistake: a limit that answers with an error or throws requests away?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.situation = "when 120 messages were sent as fast as possible"
    alice.send(*(f"MSG {bob} number-{n}." for n in range(120)))
    bob.hears(*(f"number-{n}." for n in range(120)))
    alice.gets_nothing()


def test_a_sender_too_fast_may_leave(room: Room) -> None:
    """Speed limits drop nothing: what arrived whole before a fast client left is still done.

    Probable mistake: requests that wait for their turn are forgotten when the connection ends?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.situation = "when 120 messages were sent as fast as possible, and the sender left"
    alice.settles()
    alice.stop_sending(*(f"MSG {bob} number-{n}." for n in range(120)))
    bob.hears(*(f"number-{n}." for n in range(120)))
    alice.last_frames()


def test_all_talk_at_once(room: Room) -> None:
    """When everybody talks at once, everybody hears everything once, and each sender in order.

    Probable mistake: frames of different senders are mixed up, or some are lost under load?
    """
    people = room.crowd([room.name(f"p{n}x") for n in range(20)])
    for person in people:
        person.settles()
    for person in people:
        person.send(*(f"MSG BROADCAST number-{n}" for n in range(10)))
    for listener in people:
        heard = hear(listener, 10 * (len(people) - 1))
        for sender in people:
            own = [payload for payload in heard if payload.startswith(f"MSG {sender} ")]
            wanted = [f"MSG {sender} BROADCAST number-{n}" for n in range(10)]
            require(
                are_same(own, wanted) or sender is listener,
                f"{listener} heard of {sender} {show(own) or 'nothing'}",
            )


def hear(listener: Client, count: int) -> list[str]:
    """Return as many messages as that; RuleBroken when fewer come."""

    def is_message_of_others(payload: str) -> bool:
        return verb_of(payload) == "MSG" and not payload.startswith(f"MSG {listener} ")

    waiting_for = f"a message, one of {count}"
    return [listener.wait_for(waiting_for, is_message_of_others) for _ in range(count)]
