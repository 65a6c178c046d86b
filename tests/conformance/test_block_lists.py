"""Block lists: several names on one, changes of name, departures, and who comes next."""

from __future__ import annotations

import pytest

from .client import Client
from .room import Room, blocks, can_reach, cannot_reach, comes_free, leaves, rename
from .wire import require, show, verb_of

pytestmark = pytest.mark.chat

# --------------------------------------------------------------------------------- several of them


def test_several_people_can_be_blocked(room: Room) -> None:
    """A list holds as many people as were blocked: the second `BLOCK` adds to the first.

    Probable mistake: one variable for the blocked name, where a set belongs?
    """
    alice, people = room.join("alice"), [room.join(stem) for stem in ("bob", "carol", "dave")]
    for person in people:
        blocks(alice, person)
    for person in people:
        cannot_reach(person, alice)


def test_a_list_holds_many_names(room: Room) -> None:
    """A list holds any number of names, of those too who have left; a hundred at least.

    Probable mistake: a limit on the list that somebody with many enemies meets?
    """
    alice = room.join("alice")
    for n in range(110):
        person = room.join(f"p{n}x")
        blocks(alice, person)
        leaves(person)
    cannot_reach(room.join("p0x"), alice)


def test_unblock_lifts_one_block(room: Room) -> None:
    """`UNBLOCK` takes one name off the list; the others stay on it.

    Probable mistake: the whole list is cleared?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    for person in (bob, carol):
        blocks(alice, person)
    alice.ask(f"UNBLOCK {bob}")
    cannot_reach(carol, alice)


def test_writing_lifts_no_block(room: Room) -> None:
    """Who is blocked stays blocked until `UNBLOCK`, also when the blocker writes to them.

    Probable mistake: a message to somebody takes the name off the list?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    alice.send(f"MSG {bob} one-way")
    alice.settles()
    alice.send("MSG BROADCAST to-all")
    alice.settles()
    cannot_reach(bob, alice)


# --------------------------------------------------------------------------------- changes of name


def test_a_block_follows_a_change_of_name(room: Room) -> None:
    """A block follows the blocked person through changes of name, again and again.

    Probable mistake: the list holds the name under which somebody was blocked, for ever?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    for stem in ("bobby", "robert"):
        rename(bob, room.name(stem))
        cannot_reach(bob, alice)
    bob.send("MSG BROADCAST anybody?")
    bob.settles()
    alice.gets_nothing()


def test_a_block_outlives_a_change_of_capitals(room: Room) -> None:
    """Who changes the capitals of the name alone stays on the list, once, with the new spelling.

    Probable mistake: the new name is put on the list, and then the old one taken off, which is the
    same once folded?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    bob.name = room.name("BOB")
    if bob.ask(f"NAME {bob}") != f"HELLO {bob}":
        return  # which is another rule's business
    cannot_reach(bob, alice)
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {room.name('bob')}")
    can_reach(bob, alice)


def test_a_block_follows_in_every_list(room: Room) -> None:
    """A change of name is followed in the list of everybody who blocks that person.

    Probable mistake: the loop over the lists ends too early, at the first that holds the name, or
    at the first that does not?
    """
    bob, alice, _ = room.join("bob"), room.join("alice"), room.join("eve")
    blockers = [alice, room.join("carol"), room.join("dave")]
    for blocker in blockers:
        blocks(blocker, bob)
    rename(bob, room.name("bobby"))
    for blocker in blockers:
        cannot_reach(bob, blocker)


def test_a_refused_change_of_name_moves_no_block(room: Room) -> None:
    """A change of name that is refused changes nothing in a list either.

    Probable mistake: the lists are changed before the new name has been checked?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    blocks(alice, bob)
    for request in (f"NAME {carol}", "NAME !"):
        if verb_of(bob.ask(request)) != "ERROR":
            return  # which is other rules' business
    cannot_reach(bob, alice)
    can_reach(carol, alice)


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


# -------------------------------------------------------------------------------------- departures


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


def test_a_block_stays_when_a_connection_ends(room: Room) -> None:
    """A blocked person whose connection ends without `EXIT` has left like any other: the list keeps
    the name.

    Probable mistake: what is done at EXIT and what at the end of a connection are not the same?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    bob.close()
    again = room.connect(f"a second {bob}")
    comes_free(room, again, bob.name)
    cannot_reach(again, alice)


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


def test_a_blocked_person_takes_a_blocked_name(room: Room) -> None:
    """A blocked person who takes the name of another is blocked by all: by those who blocked that
    person, and by those who blocked the name.

    Probable mistake: the name's own blockers are overwritten by those who follow the person?
    """
    alice, bob, carol, dave = (room.join(stem) for stem in ("alice", "bob", "carol", "dave"))
    blocks(alice, bob)
    blocks(dave, carol)
    leaves(bob)
    rename(carol, bob.name)
    for blocker in (alice, dave):
        cannot_reach(carol, blocker)


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


def test_unblocked_spells_a_name_like_its_owner(room: Room) -> None:
    """`UNBLOCKED` of one who has left has the last spelling, or the one that was asked.

    Probable mistake: the list holds folded names, and shows them?
    """
    alice, bob = room.join("alice"), room.join("BoB")
    blocks(alice, bob)
    leaves(bob)
    asked = room.name("BOB")
    answer = alice.ask(f"UNBLOCK {asked}")
    require(
        answer in (f"UNBLOCKED {bob}", f"UNBLOCKED {asked}") or verb_of(answer) == "ERROR",
        f"UNBLOCK {asked} was answered {show(answer)}; the name was last spelled {bob}",
    )


def test_a_message_to_oneself_whatever_one_blocks(room: Room) -> None:
    """One who takes a name from the own list reads the own messages all the same.

    Probable mistake: the list is looked into before it is seen that both are the same person?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    leaves(bob)
    rename(alice, bob.name)
    can_reach(alice, alice)


def test_a_name_from_the_own_list_stays_on_it(room: Room) -> None:
    """One who takes a name from the own list may do so; it stays on the list until `UNBLOCK`.

    Probable mistake: is the own name taken off the own list, or a name refused that is on it?
    """
    alice, bob = room.join("alice"), room.join("bob")
    blocks(alice, bob)
    leaves(bob)
    rename(alice, bob.name)
    alice.is_told(f"UNBLOCKED {bob}", f"UNBLOCK {bob}")


def test_a_block_ends_with_the_blocker(room: Room) -> None:
    """A block list ends with its owner's connection: who comes back under the same name has none.

    Probable mistake: lists are kept by the owner's name, and nobody clears them?
    """
    bob = room.join("bob")
    for leave in (leaves, Client.close):
        alice = room.join("alice")
        blocks(alice, bob)
        leave(alice)
        again = room.connect(f"a second {alice}")
        comes_free(room, again, alice.name)
        can_reach(bob, again)
        again.is_refused(f"UNBLOCK {bob}", "NOT_BLOCKED")
        leaves(again)


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
