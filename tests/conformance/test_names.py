"""Names: how one is chosen and changed, and who is here."""

from __future__ import annotations

import pytest

from .room import Room, leaves
from .wire import LARGEST_PAYLOAD, RuleBroken, require, show, verb_of

# ------------------------------------------------------------------------------------------ core


@pytest.mark.core
def test_a_name_is_answered_with_hello(room: Room) -> None:
    """`NAME <name>` is answered `HELLO <name>`.

    Probable mistake: another word, other capitals or a sentence around the name?
    """
    alice = room.connect("alice")
    alice.is_told(f"HELLO {room.name('alice')}", f"NAME {room.name('alice')}")


@pytest.mark.core
def test_get_names_lists_everybody(room: Room) -> None:
    """`GET_NAMES` is answered `NAMES <total> <name> <name> …`, with everybody who has a name.

    Probable mistake: is the total missing, or the one who asks?
    """
    people = [room.join(stem) for stem in ("alice", "bob", "carol")]
    names = people[1].names()
    for person in people:
        require(names.count(person.name) == 1, f"{person} is here, and NAMES lists {show(names)}")


@pytest.mark.core
def test_the_total_is_the_number_of_names(room: Room) -> None:
    """The first word behind `NAMES` is a number: as many names follow.

    Probable mistake: is it missing, does it count those who have no name, or not the one who asks?
    """
    people = [room.join(stem) for stem in ("alice", "bob")]
    room.connect().ask("GET_NAMES")
    for person in people:
        answer = person.ask("GET_NAMES")
        verb, total, *names = [*answer.split(" "), ""][: answer.count(" ") + 2]
        names = [name for name in names if name]
        require(
            verb == "NAMES" and total.isdigit() and int(total) == len(names),
            f"GET_NAMES was answered {show(answer)}, where the total and as many names belong",
        )


@pytest.mark.core
def test_who_has_no_name_is_not_listed(empty_room: Room) -> None:
    """Only a client with a name is listed by `GET_NAMES`.

    Probable mistake: every connection is counted or listed, with or without a name?
    """
    alice, nobody = empty_room.join("alice"), empty_room.connect()
    nobody.ask("GET_NAMES")  # whatever the answer: it is there for certain
    names = alice.names()
    require(names == ["alice"], f"only alice has a name, and NAMES lists {show(names)}")


@pytest.mark.core
def test_a_name_is_given_once(room: Room) -> None:
    """A name that somebody has is not given to a second one, who may choose another.

    Probable mistake: nobody looks whether the name is in use, or the refused client is stuck?
    """
    room.join("alice")
    second = room.connect("a second one")
    answer = second.ask(f"NAME {room.name('alice')}")
    require(verb_of(answer) != "HELLO", f"a second client asked for alice and got {show(answer)}")
    second.is_told(f"HELLO {room.name('bob')}", f"NAME {room.name('bob')}")


# ------------------------------------------------------------------------------------------ chat


@pytest.mark.chat
def test_get_names_works_before_one_has_a_name(room: Room) -> None:
    """Before a client has a name, `GET_NAMES` works.

    Probable mistake: NAME_REQUIRED is asked of every request?
    """
    alice = room.join("alice")
    names = room.connect().names()
    require(alice.name in names, f"alice is here, and NAMES lists {show(names)}")


@pytest.mark.chat
def test_nobody_here(empty_room: Room) -> None:
    """Nobody here: `NAMES 0`.

    Probable mistake: an empty list of names leaves a space behind, or the total out?
    """
    empty_room.connect().is_told("NAMES 0", "GET_NAMES")


@pytest.mark.chat
def test_names_are_sorted(room: Room) -> None:
    """The names are sorted by their folded form: capitals make no difference.

    Probable mistake: sorted() without a key puts all capitals first, or names stay as they came?
    """
    stems = ["Dave", "bob", "Éva", "alice", "Zoe", "Carol", "straße", "strasz", "Ada", "zoë"]
    wanted = sorted((room.name(stem) for stem in stems), key=str.casefold)
    for stem in stems[1:]:
        room.join(stem)
    room.join("zz").ask(f"NAME {room.name(stems[0])}")  # who changes the name changes place
    names = [name for name in room.connect().names() if name in wanted]
    require(names == wanted, f"NAMES listed {show(' '.join(names))}, not {show(' '.join(wanted))}")


@pytest.mark.chat
def test_a_name_keeps_its_capitals(room: Room) -> None:
    """The server shows each name with its owner's capitals, also to those who spell it otherwise.

    Probable mistake: the folded form, or the spelling of the one who asked, is what is shown?
    """
    name = room.name("AliCE")
    bob, alice = room.join("bob"), room.connect("AliCE")
    alice.is_told(f"HELLO {name}", f"NAME {name}")
    bob.gets(f"JOINED {name}")
    require(name in bob.names(), f"{name} is here, and NAMES lists it otherwise")
    bob.send(f"MSG {name.lower()} hi")
    alice.gets(f"MSG {bob} {name} hi")
    bob.is_told(f"BLOCKED {name}", f"BLOCK {name.upper()}")
    bob.is_told(f"UNBLOCKED {name}", f"UNBLOCK {name.lower()}")
    alice.send("MSG BROADCAST bye")
    bob.gets(f"MSG {name} BROADCAST bye")
    leaves(alice)
    bob.gets(f"LEFT {name}")


@pytest.mark.chat
def test_a_change_of_name(room: Room) -> None:
    """`NAME` changes the name of one who has one: `HELLO <new>`, listed and reached under the new
    name alone, and the old one is free.

    Probable mistake: the old name stays in a table?
    """
    alice, bob = room.join("alice"), room.join("bob")
    new = room.name("alicia")
    alice.is_told(f"HELLO {new}", f"NAME {new}")
    names = bob.names()
    require(new in names, f"alice is alicia now, and NAMES lists {show(names)}")
    require(alice.name not in names, f"alice is alicia now, and NAMES lists {show(names)}")
    bob.send(f"MSG {new} hi")
    alice.gets(f"MSG {bob} {new} hi")
    bob.is_refused(f"MSG {alice} hi", "NO_SUCH_NAME")
    bob.send("MSG BROADCAST to-all")
    alice.gets(f"MSG {bob} BROADCAST to-all")
    bob.settles()
    alice.send(f"MSG {bob} hi")
    bob.gets(f"MSG {new} {bob} hi")
    room.connect("another").is_told(f"HELLO {alice}", f"NAME {alice}")


@pytest.mark.chat
def test_the_list_follows_a_change_of_name(room: Room) -> None:
    """`GET_NAMES` tells who is here now, whatever was answered before.

    Probable mistake: the list is kept for the next who asks, and a change of name does not clear
    it?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for stem in ("alicia", "zoe"):
        bob.names()
        new = room.name(stem)
        alice.ask(f"NAME {new}")
        names = bob.names()
        require(new in names, f"alice is {new} now, and NAMES lists {show(names)}")


@pytest.mark.chat
def test_a_refused_change_changes_nothing(room: Room) -> None:
    """Who asks for a name that is bad or taken keeps the one that is there.

    Probable mistake: the old name is given up before the new one has been checked?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.is_refused(f"NAME {bob}", "NAME_TAKEN")
    alice.is_refused("NAME !", "BAD_NAME")
    bob.send(f"MSG {alice} hi")
    alice.gets(f"MSG {bob} {alice} hi")
    names = bob.names()
    require(names.count(alice.name) == 1, f"alice is still alice, and NAMES lists {show(names)}")


@pytest.mark.chat
def test_who_was_refused_a_name_has_none(room: Room) -> None:
    """Whose first name is bad or taken is not part of the chat yet.

    Probable mistake: the name is kept before it has been checked?
    """
    alice, nobody = room.join("alice"), room.connect()
    for request in (f"NAME {alice}", "NAME !"):
        nobody.ask(request)
        nobody.is_refused(f"MSG {alice} hi", "NAME_REQUIRED")
    alice.send("MSG BROADCAST anybody?")
    alice.settles()
    nobody.gets_nothing(events=True)


@pytest.mark.chat
def test_the_same_name_again(room: Room) -> None:
    """`NAME` with the name one already has answers `HELLO` and tells nobody.

    Probable mistake: one's own name counts as taken, or as a change?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    bob.settles()
    for name in (alice.name, room.name("ａｌｉｃｅ")):  # which is the same once normalised
        alice.is_told(f"HELLO {alice}", f"NAME {name}")
    bob.gets_nothing(events=True)
    alice.gets_nothing(events=True)


@pytest.mark.chat
def test_a_change_of_capitals_alone(room: Room) -> None:
    """A change of capitals alone is a change: `HELLO <new>`, and `RENAMED <old> <new>` to others.

    Probable mistake: the name counts as taken, by oneself, or as no change?
    """
    alice, bob = room.join("alice"), room.join("bob")
    new = room.name("ALICE")
    alice.is_told(f"HELLO {new}", f"NAME {new}")
    bob.gets(f"RENAMED {alice} {new}")
    names = bob.names()
    require(new in names and alice.name not in names, f"after the change NAMES lists {show(names)}")
    bob.send(f"MSG {alice} hi")
    alice.gets(f"MSG {bob} {new} hi")


# ----------------------------------------------------------------------------------------- robust


@pytest.mark.robust
def test_names_that_do_not_fit_one_frame(empty_room: Room) -> None:
    """When the names do not fit one frame, the server sends several `NAMES` frames in a row, each
    with the same total; together they have every name once, in order.

    Probable mistake: is there a payload of more than 9999 bytes, or are names left out that do not
    fit?
    """
    wanted = ["𐐨" * 12 + "first1", *(f"{'𐐨' * 17}{n:03}" for n in range(149))]
    assert len(" ".join(["NAMES 150", *wanted[:139]]).encode()) == LARGEST_PAYLOAD + 1
    try:
        client = empty_room.crowd(wanted)[-1]
    except RuleBroken as broken:
        if (
            "SERVER_FULL" in str(broken)
            and sum(bool(each.name) for each in empty_room.clients) > 90
        ):
            pytest.skip("the names of all who find room fit one frame")
        raise
    empty_room.situation = "when 150 people had names of 71 bytes"
    client.send("GET_NAMES")
    names: list[str] = []
    count = 0
    while len(names) < len(wanted):
        answer = client.answer("the rest of 'GET_NAMES'" if count else "'GET_NAMES'")
        verb, total, *some = answer.split(" ")
        require(verb == "NAMES" and some, f"GET_NAMES was answered {show(answer)}")
        if total != str(len(wanted)):
            raise RuleBroken(
                f"the total of one frame was {total}, not {len(wanted)}",
                "does each frame have the total of its own names, where that of all is meant?",
            )
        require(
            len(answer.encode()) <= LARGEST_PAYLOAD, f"a payload of {len(answer.encode())} bytes"
        )
        names += some
        count += 1
    require(names == wanted, f"{len(wanted)} people are here, and the frames list {show(names)}")
    client.gets_nothing()
