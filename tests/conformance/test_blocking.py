"""Blocking: whom one does not want to hear, under whatever name."""

from __future__ import annotations

import pytest

from .room import Room, blocks, can_reach, cannot_reach, leaves, rename
from .wire import require, show

pytestmark = pytest.mark.chat


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
    bob.settles()
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")
    bob.gets_nothing(events=True)
    can_reach(bob, alice)
    bob.send("MSG BROADCAST and-to-all")
    alice.gets(f"MSG {bob} BROADCAST and-to-all")
    rename(bob, room.name("bobby"))
    can_reach(bob, alice)


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


def test_a_block_is_of_one_name(room: Room) -> None:
    """A block is of one name: who is called something like it is not blocked.

    Probable mistake: `in` or startswith() where names are compared?
    """
    alice, bob, bobby = room.join("alice"), room.join("bob"), room.join("bobby")
    blocks(alice, bob)
    can_reach(bobby, alice)
    alice.ask(f"UNBLOCK {bob}")
    blocks(alice, bobby)
    can_reach(bob, alice)


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
    nobody = room.name("nobody")
    for name in (nobody, "BROADCAST", "broadcast", f"{bob} {bob}", f"{bob} ", f" {bob}", "!"):
        alice.is_refused(f"BLOCK {name}", "NO_SUCH_NAME")
    can_reach(bob, alice)
    can_reach(room.called(nobody), alice)


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
    blocks(alice, bob)
    leaves(bob)
    cannot_reach(room.called(room.name("BOB")), alice)
