"""Slow readers: what waits for them, that nobody else waits, and where it ends."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from .client import Client
from .room import Room, everything_goes_on
from .wire import RuleBroken, are_same, require, show, verb_of

pytestmark = pytest.mark.robust

MUCH = 3_000_000  # bytes: more than many servers let wait for one who does not read
IN_TIME = 0.5  # seconds for them to be sent: a server that slows us down has another way

# At most 200 kB are left unread: a server may cut off who lets more than 256 kB wait.


def leave_unread(sender: Client, reader: Client, texts: list[str]) -> None:
    for text in texts:
        sender.send(f"MSG {reader} {text}")
        sender.pause()  # frames that come joined are the business of other rules


def test_a_slow_reader_gets_everything(room: Room) -> None:
    """A socket takes only as many bytes as fit on the way: who reads late still gets every frame,
    whole and in order.

    Probable mistake: send() is taken for sendall(), and what it did not take is lost?
    """
    slow = room.join("slow", narrow=True)
    texts = [f"{n}-" + "abcdefghij" * 900 for n in range(21)]
    writers = [room.join(f"writer{n}") for n in range(3)]
    for n, writer in enumerate(writers):
        leave_unread(writer, slow, texts[n::3])
    with contextlib.suppress(RuleBroken):  # a server that blocks is another rule's business
        for writer in writers:
            writer.settles()  # the server has had it all, and the reader nothing yet
    room.situation = "when a client read 190 kB late"
    heard = [slow.wait_for("21 messages", lambda payload: verb_of(payload) == "MSG") for _ in texts]
    for n, writer in enumerate(writers):
        said = [payload for payload in heard if payload.startswith(f"MSG {writer} ")]
        wanted = [f"MSG {writer} {slow} {text}" for text in texts[n::3]]
        require(
            are_same(said, wanted),
            f"of what {writer} said, {show(said)} arrived: not all, or not whole",
        )
    slow.settles()


def test_a_slow_reader_stops_nobody(room: Room) -> None:
    """A client that stops reading is waited for by nobody else, however much waits for it.

    Probable mistake: sendall() on a blocking socket waits until the slowest client reads?
    """
    alice, bob = room.join("alice"), room.join("bob")
    slow = room.join("slow", narrow=True)
    room.situation = "while one client left 200 kB unread"
    senders = [room.join(f"writer{n}") for n in range(5)]
    for sender in senders:
        leave_unread(sender, slow, ["x" * 9900] * 4)
        everything_goes_on(alice, bob)
    for sender in senders:
        sender.settles()
    everything_goes_on(alice, bob)


def test_a_slow_listener_stops_no_broadcast(room: Room) -> None:
    """A broadcast reaches those who read, whoever does not.

    Probable mistake: the loop over the clients waits in sendall() for one of them?
    """
    alice, bob = room.join("alice"), room.join("bob")
    room.join("slow", narrow=True)
    room.join("zoe", narrow=True)
    room.situation = "while two listeners did not read"
    speakers = [alice, room.join("carol"), room.join("dora")]
    for n in range(21):
        speakers[n % 3].send(f"MSG BROADCAST {n}-" + "x" * 9000)
        bob.hears(f" {n}-" + "x" * 9000)
    alice.settles()


def test_who_does_not_read_its_answers_stops_nobody(room: Room) -> None:
    """A client that asks and does not read the answers is waited for by nobody else.

    Probable mistake: answers are sent with sendall() on a blocking socket?
    """
    alice, bob = room.join("alice"), room.join("bob")
    deaf = room.join("deaf", narrow=True)
    room.situation = "while one client did not read its answers"
    friends = [room.join(f"friend{n}") for n in range(2)]
    for friend in friends:
        leave_unread(friend, deaf, ["x" * 9000] * 4)
    deaf.send(*["x" * 9000 + " MSG"] * 2, *[f"MSG {deaf} " + "x" * 9000] * 12, "GET_NAMES")
    for _ in range(5):
        everything_goes_on(alice, bob)


def test_who_is_cut_off_has_left(room: Room) -> None:
    """A server may close the connection of one who lets too much wait: a departure like any other,
    `LEFT <name>` to the rest, and the name is free.

    Probable mistake: the socket is closed, but the name stays in a table?
    """
    alice, slow = room.join("alice"), room.join("slow", narrow=True)
    deadline = time.monotonic() + IN_TIME
    for _ in range(MUCH // 99_000):
        alice.send(*[f"MSG {slow} " + "x" * 9900] * 10)
        with contextlib.suppress(RuleBroken):  # a server that blocks is another rule's business
            if f"LEFT {slow}" in alice.frames_so_far():
                return
        if time.monotonic() > deadline:
            break
    alice.send(f"MSG {slow} the-end")
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MUCH)
    try:
        slow.hears("the-end")
    except RuleBroken:
        if not slow.ended:
            return  # something was lost, which is other rules' business
        room.situation = "when one who did not read had been cut off"
        alice.gets(f"LEFT {slow}")
        room.called(slow.name)
