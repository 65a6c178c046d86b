"""Leaving: with EXIT or without, all at once, and what is still said."""

from __future__ import annotations

import contextlib

import pytest

from .client import Client
from .room import Room, comes_free
from .wire import ANSWERS, EVENTS, RuleBroken, require, show, verb_of

# ------------------------------------------------------------------------------------------ core


@pytest.mark.core
def test_exit_is_answered_with_bye(room: Room) -> None:
    """`EXIT` is answered `BYE`.

    Probable mistake: the connection is closed without a word?
    """
    room.join("alice").is_told("BYE", "EXIT")


@pytest.mark.core
def test_exit_closes_the_connection(room: Room) -> None:
    """After `EXIT` the server closes the connection.

    Probable mistake: the client is forgotten, but close() is not called?
    """
    alice = room.join("alice")
    alice.send("EXIT")
    alice.last_frames()


@pytest.mark.core
def test_a_name_is_free_after_exit(room: Room) -> None:
    """When somebody has left with `EXIT`, the name is free for the next.

    Probable mistake: the name stays in a table?
    """
    alice = room.join("alice")
    alice.send("EXIT")
    alice.last_frames()
    comes_free(room, room.connect(f"a second {alice}"), alice.name)


@pytest.mark.core
def test_a_name_is_free_after_a_break(room: Room) -> None:
    """When somebody's connection ended without `EXIT`, the name is free for the next.

    Probable mistake: names are freed at EXIT, but not when recv() returns b""?
    """
    alice = room.join("alice")
    alice.close()
    comes_free(room, room.connect(f"a second {alice}"), alice.name)


@pytest.mark.core
def test_who_left_is_not_listed(room: Room) -> None:
    """Who has left is not listed any more, and does not disturb those who stay.

    Probable mistake: the name stays in a table, or a message to a closed socket ends the server?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.send("EXIT")
    bob.last_frames()
    names = alice.names()
    require(bob.name not in names, f"bob has left, and NAMES lists {show(names)}")
    alice.send(f"MSG {bob} there?")
    alice.settles()


def answers(payloads: list[str]) -> list[str]:
    return [payload for payload in payloads if verb_of(payload) in ANSWERS]


# ------------------------------------------------------------------------------------------ chat


@pytest.mark.chat
def test_bye_is_the_last_frame(room: Room) -> None:
    """`EXIT` is answered `BYE`, and then the server closes: nothing comes after it, and no reset.

    Probable mistake: is the client still in the list when the others are told that it left?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    alice.settles()
    alice.send("EXIT")
    last = alice.last_frames()
    require(last == ["BYE"], f"after EXIT came {show(last)}, not 'BYE' alone")


@pytest.mark.chat
def test_exit_without_a_name(room: Room) -> None:
    """`EXIT` works before one has a name.

    Probable mistake: a name that is None is looked up or told to the others?
    """
    nobody = room.connect()
    nobody.send("EXIT")
    last = nobody.last_frames()
    require(last == ["BYE"], f"after EXIT came {show(last)}, not 'BYE' alone")


# ----------------------------------------------------------------------------------------- robust


@pytest.mark.robust
def test_nothing_is_read_after_exit(room: Room) -> None:
    """What follows an `EXIT` in the same packet is not read.

    Probable mistake: the loop over the frames of a packet goes on after the client has left?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    bob.settles()
    alice.send("EXIT", f"MSG {bob} too-late", f"NAME {room.name('ghost')}", "GET_NAMES")
    last = answers(alice.last_frames())
    alice.close()
    require(last == ["BYE"], f"after EXIT came {show(last)}, not 'BYE' alone")
    bob.gets(f"LEFT {alice}")
    bob.gets_nothing(events=True)


@pytest.mark.robust
def test_what_came_before_exit_is_done(room: Room) -> None:
    """Requests that came before `EXIT` in the same packet are dealt with like any other.

    Probable mistake: EXIT throws away what still had to be sent?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    alice.send("GET_NAMES", *(f"MSG {bob} number-{n}" for n in range(20)), "EXIT")
    last = answers(alice.last_frames())
    alice.close()
    require(
        [verb_of(payload) for payload in last] == ["NAMES", "BYE"],
        f"the answers were {show(last)}, not NAMES and BYE",
    )
    bob.gets(*(f"MSG {alice} {bob} number-{n}" for n in range(20)), f"LEFT {alice}")


@pytest.mark.robust
def test_half_closed_connections_are_answered(room: Room) -> None:
    """Requests that arrived whole before the client closed its sending side are still answered.

    Probable mistake: at the end of the stream everything unsent, or unread, is thrown away?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    alice.stop_sending(*["GET_NAMES"] * 20, f"MSG {bob} last-words")
    last = answers(alice.last_frames())
    require(
        [verb_of(payload) for payload in last] == ["NAMES"] * 20,
        f"20 requests were answered by {show(last) or 'nothing'}",
    )
    bob.gets(f"MSG {alice} {bob} last-words")


@pytest.mark.robust
def test_who_says_something_and_closes(room: Room) -> None:
    """Requests that arrived whole are dealt with, though the client has closed by then.

    Probable mistake: a connection whose end is seen is forgotten with what it had sent?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    alice.stop_sending(*(f"MSG {bob} number-{n}." for n in range(10)))
    alice.close()
    bob.hears(*(f"number-{n}." for n in range(10)))


@pytest.mark.robust
def test_all_that_waits_comes_before_bye(room: Room) -> None:
    """Where the server closes, what waits is flushed first: who has not read much yet and says
    `EXIT` gets everything, then `BYE`, then the end.

    Probable mistake: close() forgets what send() has not taken yet?
    """
    alice = room.join("alice", narrow=True)
    alice.settles()
    friends = [room.join(f"friend{n}") for n in range(2)]
    for friend in friends:
        friend.send(*[f"MSG {alice} " + "x" * 9000] * 4)
    with contextlib.suppress(RuleBroken):  # a server that blocks is another rule's business
        for friend in friends:
            friend.settles()
    alice.send(*(f"MSG {alice} {n}-" + "x" * 9000 for n in range(12)), "EXIT")
    for _ in range(3):  # more than one read can hold
        room.let_the_server_read()
    last = [payload for payload in alice.last_frames() if verb_of(payload) not in EVENTS]
    messages = sum(payload.startswith(f"MSG {alice} ") for payload in last)
    require(messages == 12, f"alice sent herself 12 messages and EXIT, and {messages} arrived")
    require(last[-1] == "BYE", f"the last frame was {show(last[-1])}, not 'BYE'")


@pytest.mark.robust
def test_a_slow_reader_may_stop_sending(room: Room) -> None:
    """A client that closed its sending side is still answered what it has asked, however slowly it
    reads.

    Probable mistake: at the end of the stream close() forgets what send() has not taken yet?
    """
    slow = room.join("slow", narrow=True)
    friends = [room.join(f"friend{n}") for n in range(2)]
    for friend in friends:
        friend.send(*[f"MSG {slow} " + "x" * 9000] * 8)
    with contextlib.suppress(RuleBroken):  # a server that blocks is another rule's business
        for friend in friends:
            friend.settles()
    slow.stop_sending(*["GET_NAMES"] * 20)
    room.let_the_server_read()
    room.situation = "when a client that had 144 kB to read closed its sending side"
    answered = [verb_of(payload) for payload in slow.last_frames()].count("NAMES")
    require(answered == 20, f"20 requests had arrived, and {answered} answers came back")


@pytest.mark.robust
def test_a_half_closed_connection_leaves(room: Room) -> None:
    """A client that closed its sending side leaves once its requests are answered: `LEFT <name>`.

    Probable mistake: the connection is kept until the client closes the other side as well?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.stop_sending("GET_NAMES")
    bob.gets(f"LEFT {alice}")
    bob.gets_nothing(events=True)
    alice.last_frames()


@pytest.mark.robust
def test_leaving_within_a_frame(room: Room) -> None:
    """Who leaves within a frame leaves like any other: `LEFT <name>`, and the bit is forgotten.

    Probable mistake: a loop that waits for the rest reads b"" for ever?
    """
    alice = room.join("alice")
    for stem, part in (("bob", b"00"), ("carol", b"0012"), ("dave", b"0012MSG")):
        room.situation = f"when {stem} left after {show(part)}"
        bob = room.join(stem)
        bob.send_bytes(part)
        room.let_the_server_read()
        bob.close()
        alice.gets(f"LEFT {bob}")
    alice.gets_nothing(events=True)


@pytest.mark.robust
def test_many_leave_at_once(room: Room) -> None:
    """However many leave at the same moment, each is told to the others as `LEFT`, once.

    Probable mistake: a list that is changed while a loop runs over it skips the next?
    """
    alice = room.join("p2")  # in the middle of the crowd, however it is kept
    crowd = room.crowd([room.name(f"p{n}x") for n in range(40)])
    alice.settles()
    for client in crowd[::2]:
        client.stop_sending()
    for client in crowd[1::2]:
        client.send("EXIT")
    for client in crowd:
        client.last_frames()
        client.close()
    wanted = {f"LEFT {client}" for client in crowd}
    heard = hear_all(alice, wanted)
    alice.gets_nothing(events=True)
    require(heard == len(wanted), "a LEFT came twice")
    names = alice.names()
    require(not wanted & {f"LEFT {name}" for name in names}, f"NAMES still lists {show(names)}")


def hear_all(client: Client, wanted: set[str]) -> int:
    """Wait for all these frames in any order and return how many frames came meanwhile."""
    missing, heard = set(wanted), 0
    while missing and heard < 2 * len(wanted):
        try:
            payload = client.wait_for(f"{len(missing)} more LEFT", wanted.__contains__)
        except RuleBroken as broken:
            raise RuleBroken(f"{broken}; one of them is {show(min(missing))}") from None
        missing.discard(payload)
        heard += 1
    return heard
