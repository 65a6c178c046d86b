"""Blocking: whom one does not want to hear, under whatever name."""

from __future__ import annotations

import pytest

from .room import Room
from .wire import Client, require, show

pytestmark = pytest.mark.chat


def cannot_reach(sender: Client, blocker: Client) -> None:
    """Insist that the sender's private messages are refused."""
    sender.is_refused(f"MSG {blocker} may-I?", "BLOCKED")


def can_reach(sender: Client, addressee: Client) -> None:
    """Insist that a private message arrives."""
    sender.send(f"MSG {addressee} may-I?")
    addressee.gets(f"MSG {sender} {addressee} may-I?")


def rename(person: Client, name: str) -> None:
    person.is_told(f"HELLO {name}", f"NAME {name}")
    person.name = name


def blocks(blocker: Client, blocked: Client) -> None:
    blocker.is_told(f"BLOCKED {blocked}", f"BLOCK {blocked}")


def leaves(person: Client) -> None:
    """EXIT, and the room knows it."""
    person.send("EXIT")
    person.last_frames()


def test_block_is_answered(room: Room) -> None:
    """`BLOCK <name>` is answered `BLOCKED <name>`, and nobody else is told.

    Probable mistake: the blocked person, or everybody, hears of it?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    alice.is_told(f"BLOCKED {bob}", f"BLOCK {bob}")
    bob.gets_nothing(events=True)


def test_unblock_is_answered(room: Room) -> None:
    """`UNBLOCK <name>` is answered `UNBLOCKED <name>`, and messages arrive again.

    Probable mistake: the name stays on the list?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")
    can_reach(bob, alice)
    bob.send("MSG BROADCAST and-to-all")
    alice.gets(f"MSG {bob} BROADCAST and-to-all")


def test_a_blocked_message_is_refused(room: Room) -> None:
    """A blocked sender's private message answers the error BLOCKED and does not arrive.

    Probable mistake: the sender's list is looked into, and not the addressee's?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    blocks(alice, bob)
    cannot_reach(bob, alice)
    alice.gets_nothing()


def test_a_blocked_broadcast_skips_the_blocker(room: Room) -> None:
    """A blocked sender's broadcast skips the blocker without a word, and reaches everybody else.

    Probable mistake: one who blocks ends the whole broadcast, or the sender gets an error?
    """
    alice, bob = room.join("alice"), room.join("bob")
    carol, dave = room.join("carol"), room.join("dave")
    blocks(alice, bob)
    blocks(carol, bob)
    for person in (alice, bob, carol):
        person.settles()
    bob.send("MSG BROADCAST good-morning")
    refused = [payload for payload in bob.frames_so_far() if payload.startswith("ERROR")]
    require(not refused, f"bob's broadcast was answered {show(refused)}")
    alice.gets_nothing()
    carol.gets_nothing()
    dave.gets(f"MSG {bob} BROADCAST good-morning")


def test_the_blocker_may_write(room: Room) -> None:
    """A block works in one direction: the blocker's own messages arrive.

    Probable mistake: both lists are looked into?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    can_reach(alice, bob)
    alice.send("MSG BROADCAST to-all")
    bob.gets(f"MSG {alice} BROADCAST to-all")


def test_a_block_is_one_persons(room: Room) -> None:
    """A block list belongs to one person: others hear the blocked one, and unblock for themselves.

    Probable mistake: one list for the whole server?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    blocks(alice, bob)
    can_reach(bob, carol)
    carol.is_refused(f"UNBLOCK {bob}", "NOT_BLOCKED")
    blocks(carol, bob)
    carol.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")
    cannot_reach(bob, alice)


def test_events_are_not_blocked(room: Room) -> None:
    """JOINED, LEFT and RENAMED are not blocked.

    Probable mistake: events go the same way as broadcasts?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    old = bob.name
    rename(bob, room.name("bobby"))
    alice.gets(f"RENAMED {old} {bob}")
    leaves(bob)
    alice.gets(f"LEFT {bob}")
    again = room.join("bobby")
    alice.gets(f"JOINED {again}")


def test_blocking_twice_is_fine(room: Room) -> None:
    """Blocking twice is fine, and one `UNBLOCK` is enough afterwards.

    Probable mistake: a list that holds the name twice, or an error?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    alice.is_told(f"BLOCKED {bob}", f"BLOCK {bob}")
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")
    can_reach(bob, alice)
    alice.is_refused(f"UNBLOCK {bob}", "NOT_BLOCKED")


def test_block_needs_somebody_of_that_name(room: Room) -> None:
    """`BLOCK` needs somebody of that name to be here: NO_SUCH_NAME. So are a name with a space in
    it, one that could be nobody's, and BROADCAST.

    Probable mistake: any word is put on the list, or BAD_NAME is answered?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for name in (room.name("nobody"), "BROADCAST", "broadcast", f"{bob} {bob}", f"{bob} ", "!"):
        alice.is_refused(f"BLOCK {name}", "NO_SUCH_NAME")
    can_reach(bob, alice)


def test_nobody_blocks_oneself(room: Room) -> None:
    """One blocks oneself: BAD_ARGUMENTS, and one's own messages still arrive.

    Probable mistake: the name is compared as it is written, or not at all?
    """
    alice = room.join("alice")
    alice.is_refused(f"BLOCK {alice}", "BAD_ARGUMENTS")
    alice.is_refused(f"BLOCK {alice.name.upper()}", "BAD_ARGUMENTS")
    can_reach(alice, alice)


def test_unblock_needs_the_name_on_the_list(room: Room) -> None:
    """`UNBLOCK` of a name that is not on the list is NOT_BLOCKED, whether it is somebody's or not.

    Probable mistake: NO_SUCH_NAME, because the person is looked up first?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.is_refused(f"UNBLOCK {bob}", "NOT_BLOCKED")
    alice.is_refused(f"UNBLOCK {room.name('nobody')}", "NOT_BLOCKED")
    alice.is_refused("UNBLOCK two words", "NOT_BLOCKED", "NO_SUCH_NAME")


def test_a_block_holds_a_name_in_any_form(room: Room) -> None:
    """Names on the list are the same in any capitals, and shown as their owner spells them.

    Probable mistake: the list holds what was typed?
    """
    alice, bob = room.join("alice"), room.join("Bob")
    alice.is_told(f"BLOCKED {bob}", f"BLOCK {room.name('ｂｏｂ')}")
    cannot_reach(bob, alice)
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {room.name('Ｂｏｂ')}")
    can_reach(bob, alice)


def test_a_block_follows_a_change_of_name(room: Room) -> None:
    """A block follows the blocked person through changes of name, again and again.

    Probable mistake: the list holds the name under which somebody was blocked, for ever?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    for stem in ("bobby", "BOBBY", "robert"):
        rename(bob, room.name(stem))
        cannot_reach(bob, alice)
    bob.send("MSG BROADCAST anybody?")
    bob.settles()
    alice.gets_nothing()


def test_a_block_leaves_the_old_name_behind(room: Room) -> None:
    """A list holds the name that the blocked person has now: the old one is free of it, for
    `UNBLOCK` and for whoever takes it.

    Probable mistake: the new name is added, and the old one stays as well?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    old = bob.name
    rename(bob, room.name("bobby"))
    alice.is_refused(f"UNBLOCK {old}", "NOT_BLOCKED", "NO_SUCH_NAME")
    innocent = room.called(old)
    can_reach(innocent, alice)
    cannot_reach(bob, alice)
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")
    can_reach(bob, alice)


def test_a_block_stays_when_the_blocked_leave(room: Room) -> None:
    """When a blocked person leaves, the list keeps the last name: who next takes it is blocked.

    Probable mistake: the list holds a connection and forgets it when the person leaves?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    rename(bob, room.name("bobby"))
    leaves(bob)
    again = room.join("bobby")
    cannot_reach(again, alice)
    again.send("MSG BROADCAST me-again")
    again.settles()
    alice.gets_nothing()


def test_who_takes_a_blocked_name_is_followed(room: Room) -> None:
    """Whoever takes a blocked name, by joining or by a change of name, is blocked, and then
    followed.

    Probable mistake: the list remembers the first person and the name, but not who has it now?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    blocks(alice, bob)
    name, own = bob.name, carol.name
    leaves(bob)
    can_reach(carol, alice)
    rename(carol, name)
    cannot_reach(carol, alice)
    rename(carol, own)
    cannot_reach(carol, alice)
    innocent = room.called(name)
    can_reach(innocent, alice)


def test_who_left_can_be_unblocked(room: Room) -> None:
    """`UNBLOCK` needs the name to be on the list and nothing else: its owner may have left.

    Probable mistake: NO_SUCH_NAME, because the person is looked up first?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    name = bob.name
    leaves(bob)
    answer = alice.ask(f"UNBLOCK {name}")
    require(
        answer.casefold() == f"unblocked {name}".casefold(),
        f"UNBLOCK of bob, who had left, was answered {show(answer)}",
    )
    can_reach(room.called(name), alice)


def test_a_block_ends_with_the_blocker(room: Room) -> None:
    """A block list ends with its owner's connection: who comes back under the same name has none.

    Probable mistake: lists are kept by the owner's name, and nobody clears them?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    name = alice.name
    leaves(alice)
    again = room.called(name)
    can_reach(bob, again)
    again.is_refused(f"UNBLOCK {bob}", "NOT_BLOCKED")


def test_a_block_outlives_the_blockers_change_of_name(room: Room) -> None:
    """A block list belongs to a connected person, whatever name that person takes.

    Probable mistake: lists are kept by the owner's name, and a change of name loses them?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    old = alice.name
    rename(alice, room.name("alicia"))
    cannot_reach(bob, alice)
    can_reach(bob, room.called(old))
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")
