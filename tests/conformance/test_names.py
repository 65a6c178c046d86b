"""Names: how one is chosen, which are allowed, which are the same, and who is here."""

from __future__ import annotations

import unicodedata

import pytest

from .room import Room
from .wire import LARGEST_PAYLOAD, require, show, verb_of

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
def test_who_has_no_name_is_not_listed(empty_room: Room) -> None:
    """Only a client with a name is listed by `GET_NAMES`.

    Probable mistake: every connection is counted or listed, with or without a name?
    """
    nobody, alice = empty_room.connect(), empty_room.join("alice")
    nobody.send("GET_NAMES")  # it is there for certain
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
    for stem in stems:
        room.join(stem)
    names = [name for name in room.connect().names() if name in wanted]
    require(names == wanted, f"NAMES listed {show(' '.join(names))}, not {show(' '.join(wanted))}")


@pytest.mark.chat
def test_a_name_keeps_its_capitals(room: Room) -> None:
    """The server shows each name with its owner's capitals, also to those who spell it otherwise.

    Probable mistake: the folded form, or the spelling of the one who asked, is what is shown?
    """
    name = room.name("AliCE")
    alice, bob = room.connect("AliCE"), room.join("bob")
    alice.is_told(f"HELLO {name}", f"NAME {name}")
    require(name in bob.names(), f"{name} is here, and NAMES lists it otherwise")
    bob.send(f"MSG {name.lower()} hi")
    alice.gets(f"MSG {bob} {name} hi")
    bob.is_told(f"BLOCKED {name}", f"BLOCK {name.upper()}")
    bob.is_told(f"UNBLOCKED {name}", f"UNBLOCK {name.lower()}")


@pytest.mark.chat
def test_a_taken_name_is_taken_in_any_capitals(room: Room) -> None:
    """Two names are the same when they are equal after case folding: `Bob` is taken once `bob` is
    here.

    Probable mistake: names are compared as they are written?
    """
    room.join("bob")
    for name in ("Bob", "BOB", "bob"):
        room.connect("a second one").is_refused(f"NAME {room.name(name)}", "NAME_TAKEN")


@pytest.mark.chat
def test_case_folding_is_more_than_lower(room: Room) -> None:
    """Names are compared after case folding, which knows more letters than lower(): `STRASSE` is
    taken once `straße` is here, and a final sigma is a sigma.

    Probable mistake: lower() where casefold() is meant?
    """
    for first, second in (("straße", "STRASSE"), ("Νίκος", "ΝΊΚΟσ"), ("ﬀoo", "FFOO")):
        room.join(first)
        room.connect("a second one").is_refused(f"NAME {room.name(second)}", "NAME_TAKEN")


NFKC_FORMS = {"Jose\u0301": "José", "Ａｎｎａ": "Anna", "ﬁlip": "filip", "x²": "x2", "Ⅷ": "VIII"}


@pytest.mark.chat
def test_a_name_is_shown_in_its_nfkc_form(room: Room) -> None:
    """Names are taken and shown in Unicode's normalisation form NFKC: one spelling for what looks
    the same.

    Probable mistake: unicodedata.normalize("NFKC", name) is missing, or only used to compare?
    """
    other = room.join("other")
    for typed, form in NFKC_FORMS.items():
        person, shown = room.connect(form), room.name(form)
        person.is_told(f"HELLO {shown}", f"NAME {room.name(typed)}")
        require(shown in other.names(), f"{shown} is here, and NAMES lists it otherwise")
        for spelling in (room.name(typed), shown):
            other.is_refused(f"NAME {spelling}", "NAME_TAKEN")
            other.send(f"MSG {spelling} hi")
            person.gets(f"MSG {other} {shown} hi")


@pytest.mark.chat
def test_the_longest_name(room: Room) -> None:
    """A name has up to 20 characters after NFKC; characters, whatever bytes they take.

    Probable mistake: bytes are counted, or the name is measured before it is normalised?
    """
    pad = 20 - len(room.tag)
    for stem in ("x" * pad, "ж" * pad, "𐐨" * pad, "ß" * pad, "x" * (pad - 1) + "e\u0301", "x"):
        name = unicodedata.normalize("NFKC", room.name(stem))
        room.connect("a client").is_told(f"HELLO {name}", f"NAME {room.name(stem)}")


@pytest.mark.chat
def test_a_name_too_long(room: Room) -> None:
    """A name of more than 20 characters after NFKC is refused: BAD_NAME.

    Probable mistake: the limit is one off, or the name is measured before it is normalised?
    """
    client = room.connect()
    for name in ("x" * 21, "ж" * 21, "ﬃ" * 7, "x" * 9000):
        client.is_refused(f"NAME {name}", "BAD_NAME")


@pytest.mark.chat
def test_letters_marks_and_numbers_of_every_script(room: Room) -> None:
    """A name consists of letters, marks and numbers of any script, `_` and `-`.

    Probable mistake: isalnum() refuses marks, or only a to z are allowed?
    """
    for stem in (
        "3com",
        "a_b-c",
        "עברית",
        "हिन्दी",
        "李小龍",
        "ไทย",
        "٣x",
        "Ωμέγα",
        "ʰǅª",
        "x-",
        "x_",
        "7",
        "ᛮ",
    ):
        name = unicodedata.normalize("NFKC", room.name(stem))
        room.connect(stem).is_told(f"HELLO {name}", f"NAME {room.name(stem)}")


# Signs that nobody takes for letters, emoji, spaces of all kinds, and what cannot be seen at all.
NOT_IN_A_NAME = (
    " .,:;!?@#$%&*+=/\\|<>()[]{}'\"`^~€–‿½🦓\u00a0\u200b\u200d\u2028\u202e\u2060\u3000\ue000\ufeff"
)


@pytest.mark.chat
def test_no_other_characters_in_a_name(room: Room) -> None:
    """Each character of a name is a letter, a mark or a number (Unicode L*, M*, N*), `_` or `-`.

    Probable mistake: only a few characters are refused, and not all that are not allowed?
    """
    for character in NOT_IN_A_NAME:
        client = room.connect()
        for name in (f"al{character}ice", f"alice{character}", f"{character}alice"):
            client.is_refused(f"NAME {name}", "BAD_NAME")


@pytest.mark.chat
def test_a_name_begins_with_a_letter_or_a_number(room: Room) -> None:
    """The first character of a name is a letter or a number.

    Probable mistake: all characters are checked by the same rule, the first one too?
    """
    client = room.connect()
    for name in ("_alice", "-alice", "\u0301alice", "_", "-", "ิx"):
        client.is_refused(f"NAME {name}", "BAD_NAME")


@pytest.mark.chat
def test_broadcast_is_nobodys_name(room: Room) -> None:
    """`BROADCAST` is nobody's name, in any capitals.

    Probable mistake: the word is not reserved, or only in capitals, or before NFKC?
    """
    for client in (room.connect(), room.join("alice")):
        for name in ("BROADCAST", "broadcast", "Broadcast", "ＢＲＯＡＤＣＡＳＴ", "BROADCAſT"):
            client.is_refused(f"NAME {name}", "BAD_NAME")


@pytest.mark.chat
def test_a_name_with_a_space_is_bad(room: Room) -> None:
    """`NAME` takes all that follows the space as the name, so one with a space in it is BAD_NAME,
    not a surplus argument and not its first word.

    Probable mistake: split() takes the arguments apart, or strip() mends them?
    """
    client = room.connect()
    for request in ("NAME alice smith", "NAME  alice", "NAME alice ", "NAME alice  x"):
        client.is_refused(request, "BAD_NAME")


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
    alice.send(f"MSG {bob} hi")
    bob.gets(f"MSG {new} {bob} hi")
    room.connect("another").is_told(f"HELLO {alice}", f"NAME {alice}")


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
def test_the_same_name_again(room: Room) -> None:
    """`NAME` with the name one already has answers `HELLO` and tells nobody.

    Probable mistake: one's own name counts as taken, or as a change?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    bob.settles()
    alice.is_told(f"HELLO {alice}", f"NAME {alice}")
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

    Probable mistake: a payload of more than 9999 bytes, whose length has no four digits?
    """
    wanted = ["𐐨" * 12 + "first1", *(f"{'𐐨' * 17}{n:03}" for n in range(149))]
    assert len(" ".join(["NAMES 150", *wanted[:139]]).encode()) == LARGEST_PAYLOAD + 1
    client = empty_room.crowd(wanted)[-1]
    empty_room.situation = "when 150 people had names of 71 bytes"
    client.send("GET_NAMES")
    names: list[str] = []
    count = 0
    while len(names) < len(wanted):
        answer = client.answer("the rest of 'GET_NAMES'" if count else "'GET_NAMES'")
        verb, total, *some = answer.split(" ")
        require(verb == "NAMES" and some, f"GET_NAMES was answered {show(answer)}")
        require(total == str(len(wanted)), f"the total of one frame was {total}, not {len(wanted)}")
        require(
            len(answer.encode()) <= LARGEST_PAYLOAD, f"a payload of {len(answer.encode())} bytes"
        )
        names += some
        count += 1
    require(names == wanted, f"{len(wanted)} people are here, and the frames list {show(names)}")
    client.gets_nothing()
