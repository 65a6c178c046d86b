"""Errors: a code for programs, a text for people, and the connection goes on or ends in order."""

from __future__ import annotations

import pytest

from .room import Room
from .wire import require, show

pytestmark = pytest.mark.chat

CONTROL_CHARACTERS = ["\0", "\a", "\t", "\x1b[31m", "\x7f", "\x85", "\x9b", "\n", "\r"]
NOT_UTF8 = [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\xa6", b"\xe9t\xe9", b"\xbf"]


# ----------------------------------------------------------------------------------- what is wrong


def test_an_unknown_verb(room: Room) -> None:
    """There is no such verb: UNKNOWN_COMMAND, and the connection goes on.

    Probable mistake: nothing is answered, or the first letters are enough?
    """
    client = room.connect()
    for request in (
        "HELP",
        "NAMES",
        "NAMEalice",
        "MSG\u00a0bob hi",
        "ÉXIT",
        "HELLO alice",
        "EXIT!",
    ):
        client.is_refused(request, "UNKNOWN_COMMAND")
    client.settles()


def test_an_empty_payload_is_no_command(room: Room) -> None:
    """An empty payload is UNKNOWN_COMMAND, and so is one that begins with a space.

    Probable mistake: an IndexError of split()[0], or no answer?
    """
    client = room.connect()
    for payload in ("", " ", " GET_NAMES"):
        client.is_refused(payload, "UNKNOWN_COMMAND")
    client.settles()


def test_a_missing_argument(room: Room) -> None:
    """An argument is missing or empty: BAD_ARGUMENTS, and the text shows the usage.

    Probable mistake: an IndexError or ValueError of a split() that finds too few words?
    """
    alice = room.join("alice")
    for verb in ("NAME", "MSG", "BLOCK", "UNBLOCK"):
        for request in (verb, f"{verb} "):
            text = alice.is_refused(request, "BAD_ARGUMENTS")
            require(verb in text.upper(), f"{show(text)} does not show how {verb} is used")
    for request in ("MSG bob", "MSG bob ", "MSG BROADCAST", "MSG BROADCAST ", "MSG  hi", "MSG  "):
        alice.is_refused(request, "BAD_ARGUMENTS")
    alice.settles()


def test_a_surplus_argument(room: Room) -> None:
    """`GET_NAMES` and `EXIT` take no argument: BAD_ARGUMENTS, and the connection goes on.

    Probable mistake: only the first word is looked at?
    """
    alice = room.join("alice")
    for request in ("GET_NAMES please", "EXIT now", "GET_NAMES a b"):
        alice.is_refused(request, "BAD_ARGUMENTS")
    alice.settles()


def test_a_name_is_required(room: Room) -> None:
    """Before a client has a name, `MSG`, `BLOCK` and `UNBLOCK` answer NAME_REQUIRED and do nothing.

    Probable mistake: a message from None?
    """
    alice, nobody = room.join("alice"), room.connect()
    alice.settles()
    for request in (f"MSG {alice} hi", "MSG BROADCAST hi", f"BLOCK {alice}", f"UNBLOCK {alice}"):
        nobody.is_refused(request, "NAME_REQUIRED")
    alice.gets_nothing(events=True)
    nobody.is_told(f"HELLO {room.name('bob')}", f"NAME {room.name('bob')}")


def test_nobody_of_that_name(room: Room) -> None:
    """Nobody here is called that: NO_SUCH_NAME; never was, has left, or goes by another name now.

    Probable mistake: nothing is answered, or an old name is still in a table?
    """
    alice, bob = room.join("alice"), room.join("bob")
    alice.is_refused(f"MSG {room.name('nobody')} hi", "NO_SUCH_NAME")
    alice.is_refused("MSG ! hi", "NO_SUCH_NAME")
    bob.send("EXIT")
    bob.last_frames()
    alice.is_refused(f"MSG {bob} hi", "NO_SUCH_NAME")
    alice.is_refused(f"BLOCK {bob}", "NO_SUCH_NAME")


def test_a_payload_that_is_not_utf8(room: Room) -> None:
    """The payload is not UTF-8: BAD_TEXT, and the connection goes on.

    Probable mistake: a UnicodeDecodeError that nobody catches, or decode(errors="ignore")?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    for bad in NOT_UTF8:
        for request in (bad, f"MSG {bob} ".encode() + bad, b"NAME " + bad):
            alice.is_refused(request, "BAD_TEXT")
    alice.settles()
    bob.gets_nothing(events=True)


def test_control_characters(room: Room) -> None:
    """The payload holds control characters (Unicode Cc): BAD_TEXT, and nobody gets it.

    Probable mistake: an escape sequence in a message is an attack on a terminal, and passes?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.settles()
    for control in CONTROL_CHARACTERS:
        for request in (f"MSG {bob} a{control}b", f"NAME a{control}b", f"HELP{control} me"):
            alice.is_refused(request, "BAD_TEXT")
        alice.is_refused(f"MSG BROADCAST {control}!", "BAD_TEXT")
    bob.gets_nothing(events=True)


# ------------------------------------------------------------------------------- which goes first


def test_bad_text_goes_before_everything(room: Room) -> None:
    """When several errors apply, BAD_TEXT goes before UNKNOWN_COMMAND, BAD_ARGUMENTS and so on.

    Probable mistake: the text is checked only where it is used?
    """
    nobody = room.connect()
    for request in ("HELP\0", "GET_NAMES \a", "MSG nobody \x1b", "BLOCK \x7f", "NAME BROADCAST\0"):
        nobody.is_refused(request, "BAD_TEXT")


def test_bad_arguments_go_before_name_required(room: Room) -> None:
    """When several errors apply, a missing, empty or surplus argument goes before NAME_REQUIRED,
    and UNKNOWN_COMMAND goes before both.

    Probable mistake: the name is asked for before the request is taken apart?
    """
    nobody = room.connect()
    for request in ("MSG", "MSG bob", "MSG bob ", "MSG  hi", "BLOCK", "UNBLOCK "):
        nobody.is_refused(request, "BAD_ARGUMENTS")
    nobody.is_refused("HELP me", "UNKNOWN_COMMAND")


def test_name_required_goes_before_what_is_wrong_with_a_name(room: Room) -> None:
    """When several errors apply, NAME_REQUIRED goes before NO_SUCH_NAME, NOT_BLOCKED and TOO_LONG.

    Probable mistake: the addressee is looked up before the sender?
    """
    nobody, stranger = room.connect(), room.name("stranger")
    requests = (f"MSG {stranger} hi", f"BLOCK {stranger}", f"UNBLOCK {stranger}", "BLOCK BROADCAST")
    for request in (*requests, "MSG BROADCAST " + "x" * 9985):
        nobody.is_refused(request, "NAME_REQUIRED")


def test_bad_arguments_go_before_no_such_name(room: Room) -> None:
    """When several errors apply, an empty argument goes before NO_SUCH_NAME.

    Probable mistake: the addressee is looked up before the text?
    """
    room.join("alice").is_refused(f"MSG {room.name('nobody')} ", "BAD_ARGUMENTS")


def test_too_long_goes_last(room: Room) -> None:
    """When several errors apply, NO_SUCH_NAME and BLOCKED go before TOO_LONG.

    Probable mistake: the length is checked before the addressee?
    """
    alice, bob = room.join("alice"), room.join("bob")
    bob.ask(f"BLOCK {alice}")
    text = "x" * (9999 - len(f"MSG {bob} "))
    alice.is_refused(f"MSG {bob} {text}", "BLOCKED")
    stranger = room.name("nobody")
    text = "x" * (9999 - len(f"MSG {stranger} "))
    alice.is_refused(f"MSG {stranger} {text}", "NO_SUCH_NAME")


# ---------------------------------------------------------------------------------- the bad frame


def are_bad_frames(room: Room, *fields: bytes) -> None:
    """Insist that each of these in place of a length field ends a connection, the reason first."""
    alice = room.join("alice")
    alice.settles()
    for field in fields:
        broken = room.join("broken")
        broken.send_bytes(field + b"x" * 200)
        broken.gets_error(f"{show(field)} for a length", "BAD_FRAME")
        last = broken.last_frames()
        require(not last, f"after BAD_FRAME came {show(last)}, not the end of the connection")
        alice.gets(f"LEFT {broken}")
    alice.gets_nothing(events=True)


def test_a_length_that_is_no_number(room: Room) -> None:
    """The length field is not four digits: BAD_FRAME, the server closes, and the reason arrives
    first. For the others it is a departure like any other.

    Probable mistake: a ValueError of int() that nobody catches, or a close without a word?
    """
    are_bad_frames(room, b"GET_", b"12.5", b"0x10", b"12\r\n", b"    ", b"\0\0\0\x09", b"999x")


def test_a_length_that_only_int_understands(room: Room) -> None:
    """`+123`, ` 12 `, `1_00` and `-001` are not length fields, whatever int() thinks of them.

    Probable mistake: int() is asked, and it knows signs, spaces and underscores?
    """
    are_bad_frames(room, b"+123", b" 12 ", b"1_00", b"-001", b"12\n\n", b" 123", b"\t9 \n", b"-000")


def test_digits_of_other_scripts(room: Room) -> None:
    """Digits of other scripts are not a length field: each of the four is an ASCII digit.

    Probable mistake: isdigit() of a str knows the digits of all scripts?
    """
    as_utf8 = ("٠٩".encode(), "2१".encode(), "९2".encode(), "０9".encode(), "²²".encode())
    are_bad_frames(room, *as_utf8, b"\xb2\xb9\xb3\xb9")


# ----------------------------------------------------------------------------------- the password


def test_a_password_that_nobody_wants(room: Room) -> None:
    """On a server without a password, or once it is accepted, `PASS` answers ACCEPTED and is not
    looked at.

    Probable mistake: the verb is missing?
    """
    nobody, alice = room.connect(), room.join("alice")
    for client in (nobody, alice):
        client.is_told("ACCEPTED", "PASS anything at all")
        client.is_told("ACCEPTED", "PASS  x ")
    alice.send(f"MSG {alice} still-here")
    alice.gets(f"MSG {alice} {alice} still-here")
