"""Messages: to one, to all, to whom not, and what their text may be."""

from __future__ import annotations

import pytest

from .client import Client
from .room import Room
from .wire import EVENTS, LARGEST_PAYLOAD, NEWS, are_same, require, show, verb_of

# ------------------------------------------------------------------------------------------ core


@pytest.mark.core
def test_a_message_arrives(room: Room) -> None:
    """`MSG <name> <text>` reaches that person as `MSG <from> <to> <text>`.

    Probable mistake: is the addressee's name missing, or the text put into a sentence?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.send(f"MSG {bob} hi")
    bob.gets_exactly(f"MSG {alice} {bob} hi")
    bob.send(f"MSG {alice} hello")
    alice.gets_exactly(f"MSG {bob} {alice} hello")


@pytest.mark.core
def test_the_whole_text_arrives(room: Room) -> None:
    """The text of a message is the last argument and runs to the payload's end.

    Probable mistake: split() takes the text apart, and its first word is all that is sent?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.send(f"MSG {bob} good morning, shall we meet at four?")
    bob.gets(f"MSG {alice} {bob} good morning, shall we meet at four?")


@pytest.mark.core
def test_a_message_reaches_nobody_else(room: Room) -> None:
    """A message to one person reaches that person, once, and nobody else.

    Probable mistake: everybody is sent what is meant for one?
    """
    bobby, bob, bo = room.join("bobby"), room.join("bob"), room.join("bo")  # alike, not the same
    alice = room.join("alice")
    for person in (alice, bobby, bob, bo):
        person.settles()
    alice.send(f"MSG {bob} only-for-bob")
    alice.settles()
    for person, times in ((bobby, 0), (bo, 0), (bob, 1)):
        found = sum("only-for-bob" in payload for payload in person.frames_so_far())
        require(found == times, f"{person} got a message for bob {found} times instead of {times}")


@pytest.mark.core
def test_a_message_is_not_answered(room: Room) -> None:
    """The sender of a message that arrives is answered nothing.

    Probable mistake: a confirmation that no client waits for, or an echo of the message?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    alice.send(f"MSG {bob} hi")
    came = [payload for payload in alice.frames_so_far() if verb_of(payload) not in EVENTS]
    require(not came, f"alice wrote to bob and was answered {show(came)}")


@pytest.mark.core
def test_a_message_to_a_stranger_does_no_harm(room: Room) -> None:
    """A message to somebody who is not here reaches nobody, and everything goes on.

    Probable mistake: a KeyError for a name that is in no table?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    alice.send(f"MSG {room.name('nobody')} hi")
    alice.settles()
    bob.gets_nothing()
    alice.send(f"MSG {bob} hi")
    bob.gets(f"MSG {alice} {bob} hi")


# ------------------------------------------------------------------------------------------ chat


@pytest.mark.chat
def test_a_broadcast_reaches_everybody(room: Room) -> None:
    """`MSG BROADCAST <text>` reaches every named client as `MSG <from> BROADCAST <text>`.

    Probable mistake: the loop over the clients ends early, or each gets its own name for BROADCAST?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    alice.send("MSG BROADCAST good-morning")
    for person in (bob, carol):
        person.gets_exactly(f"MSG {alice} BROADCAST good-morning")
        person.gets_nothing()


@pytest.mark.chat
def test_a_broadcast_does_not_come_back(room: Room) -> None:
    """A broadcast reaches every named client but the sender, who is answered nothing.

    Probable mistake: the loop over the clients does not leave out the one who sent it?
    """
    alice = room.join("alice")
    alice.send("MSG BROADCAST nobody-else-is-here")
    alice.gets_nothing()
    room.join("bob")
    alice.send("MSG BROADCAST good-morning")
    alice.gets_nothing()


@pytest.mark.chat
def test_the_word_broadcast_in_any_capitals(room: Room) -> None:
    """The word BROADCAST is understood in any capitals, and sent in capitals.

    Probable mistake: the word is compared, or passed on, as it came?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for word in ("broadcast", "Broadcast", "bROADcAST"):
        alice.send(f"MSG {word} as-{word}")
        bob.gets(f"MSG {alice} BROADCAST as-{word}")


@pytest.mark.chat
def test_who_has_no_name_hears_nothing(room: Room) -> None:
    """Only a client with a name gets messages and JOINED, LEFT, RENAMED.

    Probable mistake: everything is sent to all connections, with a name or without?
    """
    nobody = room.connect()
    nobody.settles()
    alice, bob = room.join("alice"), room.join("bob")
    alice.send("MSG BROADCAST good-morning")
    room.let_the_server_read()
    alice.is_told(f"HELLO {room.name('alicia')}", f"NAME {room.name('alicia')}")
    bob.ask("EXIT")
    alice.settles()
    nobody.gets_nothing(events=True)


@pytest.mark.chat
def test_a_message_to_oneself(room: Room) -> None:
    """A message to oneself is delivered.

    Probable mistake: the sender is left out of private messages too?
    """
    alice = room.join("alice")
    alice.send(f"MSG {alice} do-not-forget")
    alice.gets(f"MSG {alice} {alice} do-not-forget")
    alice.gets_nothing()


@pytest.mark.chat
def test_a_name_finds_its_owner_in_any_form(room: Room) -> None:
    """Names are the same in any capitals and any form that NFKC makes equal, and the addressee is
    shown as its owner spells it.

    Probable mistake: the name of the request is looked up, or passed on, as it came?
    """
    alice, bob = room.join("alice"), room.join("Bob")
    for spelling in ("bob", "BOB", "Ｂｏｂ"):
        alice.send(f"MSG {room.name(spelling)} to-{spelling}")
        bob.gets(f"MSG {alice} {bob} to-{spelling}")


@pytest.mark.chat
def test_spaces_are_kept(room: Room) -> None:
    """The text runs to the payload's end, spaces included: none is added, none is lost.

    Probable mistake: split() or strip() where partition(" ") is meant?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for text in ("one  two   three", " leading", "trailing ", "  both  ", "\u00a0hi\u00a0", "a b "):
        alice.send(f"MSG {bob} {text}")
        bob.gets(f"MSG {alice} {bob} {text}")
        alice.send(f"MSG BROADCAST {text}")
        bob.gets(f"MSG {alice} BROADCAST {text}")


UNUSUAL_TEXTS = [
    "שלום-עולם",
    "\u202eright-to-left\u202c",
    "👩\u200d🚒🇮🇱👍🏽",
    "e\u0301ﬁＡ²",  # not in NFKC form, and to stay so
    "\u0301",
    "a\u200bb\ufeffc",
    "a\u2028b\u2029c",
    "𐐨𝕏\U0010fffd.",
    "0003BYE",
    "+",
    "€",
    "BROADCAST",
    "%s{0}\\n<b>'\"\\",
]


@pytest.mark.chat
def test_text_passes_untouched(room: Room) -> None:
    """Right-to-left scripts, emoji, combining marks and invisible format characters pass untouched.

    Probable mistake: the text is normalised like a name, cut by splitlines(), or more is refused
    than control characters?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for text in UNUSUAL_TEXTS:
        alice.send(f"MSG {bob} {text}")
        bob.gets(f"MSG {alice} {bob} {text}")


@pytest.mark.chat
def test_a_byte_order_mark_is_kept(room: Room) -> None:
    """U+FEFF is a character like any other, also as the first one of a text or of a request: it
    belongs to the text, and to no verb.

    Probable mistake: decode("utf-8-sig"), or a strip() that takes it off?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for text in ("\ufeffhi", "\ufeff\ufeffhi\ufeff"):
        alice.send(f"MSG {bob} {text}")
        bob.gets(f"MSG {alice} {bob} {text}")
    alice.is_refused("\ufeffGET_NAMES", "UNKNOWN_COMMAND")


@pytest.mark.chat
def test_a_text_that_nobody_can_see(room: Room) -> None:
    """A text has at least one character that is neither a separator nor a control or format
    character (outside Unicode's Z* and C*), else BAD_ARGUMENTS, and nobody gets it.

    Probable mistake: strip() is asked whether something is left, and it knows spaces only?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    for text in (
        " ",
        "   ",
        "\u00a0",
        "\u200b",
        "\u2028",
        "\u202e \u202c",
        "\ue000",
        "\u3000\ufeff",
    ):
        alice.is_refused(f"MSG {bob} {text}", "BAD_ARGUMENTS")
        alice.is_refused(f"MSG BROADCAST {text}", "BAD_ARGUMENTS")
    bob.gets_nothing()


@pytest.mark.chat
def test_a_text_of_invisible_letters(room: Room) -> None:
    """Letters and marks that Unicode calls default-ignorable show nothing, and neither does U+2800,
    a braille pattern without a dot: a text of these alone is BAD_ARGUMENTS.

    Probable mistake: the Unicode category is all that is looked at?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    for text in ("\u2800", "\u3164", "\u115f \uffa0", "\ufe0f\u034f", "\U000e0100\u2800"):
        alice.is_refused(f"MSG {bob} {text}", "BAD_ARGUMENTS")
        alice.is_refused(f"MSG BROADCAST {text}", "BAD_ARGUMENTS")
    bob.gets_nothing()


def longest_text(sender: Client, addressee: str) -> str:
    """Return a text with which the delivered payload has exactly 9999 bytes."""
    room_for_it = LARGEST_PAYLOAD - len(f"MSG {sender} {addressee} ".encode())
    return "é" * (room_for_it // 2) + "x" * (room_for_it % 2)


@pytest.mark.chat
def test_the_longest_message(room: Room) -> None:
    """A message must fit its frame once the server has put sender and addressee in front of it:
    9999 bytes, and that many do fit.

    Probable mistake: a limit on the text alone, or one that is off by a few bytes?
    """
    alice, bob = room.join("žofie"), room.join("bob")
    text = longest_text(alice, bob.name)
    alice.send(f"MSG {bob} {text}")
    bob.gets(f"MSG {alice} {bob} {text}")
    text = longest_text(alice, "BROADCAST")
    alice.send(f"MSG BROADCAST {text}")
    bob.gets(f"MSG {alice} BROADCAST {text}")


@pytest.mark.chat
def test_a_message_too_long(room: Room) -> None:
    """A message that does not fit its frame any more is TOO_LONG, and nothing is sent to anyone.

    Probable mistake: the request is measured, or its characters, and not the bytes that go out?
    """
    alice, bob, carol = room.join("žofie"), room.join("bob"), room.join("carol")
    for person in (bob, carol):
        person.settles()
    alice.is_refused(f"MSG {bob} {longest_text(alice, bob.name)}x", "TOO_LONG")
    alice.is_refused(f"MSG BROADCAST {longest_text(alice, 'BROADCAST')}x", "TOO_LONG")
    bob.gets_nothing()
    carol.gets_nothing()


@pytest.mark.robust
def test_two_messages_never_change_places(room: Room) -> None:
    """Two messages of one sender never change places, private ones and broadcasts, and each is
    handed over once.

    Probable mistake: two queues, or a thread for each message?
    """
    alice, bob, carol = room.join("alice"), room.join("bob"), room.join("carol")
    for person in (bob, carol):
        person.settles()
    to = ["BROADCAST" if n % 3 else bob.name for n in range(60)]
    alice.send(*(f"MSG {name} number-{n}" for n, name in enumerate(to)))
    alice.settles()
    sent = [f"MSG {alice} {name} number-{n}" for n, name in enumerate(to)]
    bob.gets_nothing(but=sent)
    carol.gets_nothing(but=[payload for payload in sent if " BROADCAST " in payload])


@pytest.mark.chat
def test_cause_before_effect(room: Room) -> None:
    """A client receives frames in the order in which the server dealt with what caused them.

    Probable mistake: answers, events and messages wait in different places?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.settles()
    bob.settles()
    new = room.name("alicia")
    for request in (
        f"MSG {bob} one",
        f"NAME {new}",
        f"MSG {bob} two",
        "MSG BROADCAST three",
        "EXIT",
    ):
        alice.send(request)
        room.let_the_server_read()
    alice.last_frames()
    alice.close()
    room.let_the_server_read()
    came = [payload for payload in bob.frames_so_far() if verb_of(payload) in NEWS]
    wanted = [
        f"MSG {alice} {bob} one",
        f"RENAMED {alice} {new}",
        f"MSG {new} {bob} two",
        f"MSG {new} BROADCAST three",
        f"LEFT {new}",
    ]
    require(are_same(came, wanted), f"bob got {show(came)}, not {show(wanted)}")


@pytest.mark.robust
def test_an_answer_overtakes_nothing(room: Room) -> None:
    """What was dealt with first is sent first, be it an answer, a message or an event: of requests
    in one packet, too.

    Probable mistake: answers are sent at once, and what others are told at the end of the turn?
    """
    alice, bob = room.join("alice"), room.join("bob")
    for person in (alice, bob):
        person.settles()
    new = room.name("alicia")
    alice.send(f"MSG {alice} one", "PASS x", f"MSG {alice} two", f"NAME {new}", f"MSG {new} three")
    came = [one for one in alice.frames_so_far() if verb_of(one) in ("MSG", "HELLO", "ACCEPTED")]
    wanted = [f"MSG {alice} {alice} one", "ACCEPTED", f"MSG {alice} {alice} two", f"HELLO {new}"]
    wanted.append(f"MSG {new} {new} three")
    require(are_same(came, wanted), f"alice got {show(came)}, not {show(wanted)}")
