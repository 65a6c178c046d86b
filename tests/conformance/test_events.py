"""Events: JOINED, LEFT and RENAMED tell those who have a name what happens among them."""

from __future__ import annotations

import pytest

from .room import Room, leaves
from .wire import EVENTS, require, show, verb_of

pytestmark = pytest.mark.chat


def test_joined_is_told_to_the_others(room: Room) -> None:
    """The first `NAME` of a client tells the others `JOINED <name>`, once.

    Probable mistake: is the event missing, or sent before or without the answer?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    alice.settles()
    carol = room.join("carol")
    for person in (alice, bob):
        person.gets(f"JOINED {carol}")
        person.gets_nothing(events=True)


def test_joined_is_not_told_to_oneself(room: Room) -> None:
    """Who joins is answered `HELLO` and gets no `JOINED` of itself.

    Probable mistake: the event goes to all who have a name, and the newcomer has one by then?
    """
    room.join("bob")
    alice = room.connect("alice")
    alice.is_told(f"HELLO {room.name('alice')}", f"NAME {room.name('alice')}")
    alice.name = room.name("alice")
    came = alice.frames_so_far()
    require(f"JOINED {alice}" not in came, f"alice, who had come, was told {show(came)}")


def test_renamed_is_told_to_the_others(room: Room) -> None:
    """A change of name tells the others `RENAMED <old> <new>`, and nothing else.

    Probable mistake: a change is told as LEFT and JOINED, or as JOINED alone?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    new = room.name("alicia")
    alice.is_told(f"HELLO {new}", f"NAME {new}")
    bob.gets(f"RENAMED {alice} {new}")
    bob.gets_nothing(events=True)


def test_renamed_is_not_told_to_oneself(room: Room) -> None:
    """Who changes its name is answered `HELLO` and gets no event of itself.

    Probable mistake: the event goes to everybody?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    alice.settles()
    new = room.name("alicia")
    alice.is_told(f"HELLO {new}", f"NAME {new}")
    alice.name = new
    alice.gets_nothing(events=True)


def test_a_refused_name_is_not_told(room: Room) -> None:
    """A name that was refused is no event.

    Probable mistake: the others are told before the name has been checked?
    """
    alice, bob, nobody = room.join("alice"), room.join("bob"), room.connect()
    bob.settles()
    for client, taken in ((nobody, alice), (alice, bob)):
        client.ask(f"NAME {taken}")
        client.ask("NAME !")
    bob.gets_nothing(events=True)


def test_left_is_told_to_the_others(room: Room) -> None:
    """`EXIT` tells the others `LEFT <name>`, once.

    Probable mistake: is the event missing, or sent twice: at EXIT and when the connection ends?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    alice.settles()
    bob.settles()
    leaves(carol)
    for person in (alice, bob):
        person.gets(f"LEFT {carol}")
        person.gets_nothing(events=True)


def test_left_is_told_when_a_connection_ends(room: Room) -> None:
    """A connection that ends without `EXIT` is a departure like any other: `LEFT <name>`, once.

    Probable mistake: only EXIT tells the others, and recv() == b"" just forgets the socket?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    bob.close()
    alice.gets(f"LEFT {bob}")
    alice.gets_nothing(events=True)


def test_left_is_told_when_a_connection_breaks(room: Room) -> None:
    """A connection that is reset is a departure like any other: `LEFT <name>`, once.

    Probable mistake: ConnectionResetError from recv() ends the client's handling, but not politely?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    bob.reset()
    alice.gets(f"LEFT {bob}")
    alice.gets_nothing(events=True)


def test_who_had_no_name_leaves_silently(room: Room) -> None:
    """Who never had a name was not part of the chat: it leaves without an event.

    Probable mistake: LEFT None?
    """
    alice = room.join("alice")
    room.let_the_server_read()
    alice.settles()
    leaving, ending, closing = room.connect(), room.connect(), room.connect()
    for client in (leaving, ending, closing):
        client.settles()
    leaving.ask("EXIT")
    ending.close()
    closing.stop_sending()
    closing.last_frames()
    room.let_the_server_read()
    came = [payload for payload in alice.frames_so_far() if verb_of(payload) in EVENTS]
    require(not came, f"alice should have heard of nobody, and got {show(came)}")


def test_the_last_name_is_the_one_that_left(room: Room) -> None:
    """`LEFT` carries the name that the person had last.

    Probable mistake: a table still knows the first one?
    """
    alice, bob = room.join("alice"), room.join("bob")
    new = room.name("bobby")
    bob.is_told(f"HELLO {new}", f"NAME {new}")
    leaves(bob)
    alice.gets(f"LEFT {new}")
